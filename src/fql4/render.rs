//! Values as answers show them (`spec fql4 5.1`).
//!
//! A [`Renderer`] writes compact JSON inside the transaction, because names of references are looked up here. The time of
//! the transaction is not known then: it is written as a mark, which [`settle`] replaces after the commit.

use super::error::Result;
use super::eval::Evaluator;
use super::expression::{Closure, Expression, FormCall, Lambda, Pattern};
use super::forms::Cast;
use super::read::{write_double, write_string};
use super::sets::Set;
use super::value::{EventData, NameRef, Object, Ref, Value};
use super::version::ApiVersion;
use crate::store::TxnTime;
use crate::value::{Str, deep};
use base64::Engine as _;
use std::collections::HashSet;

/// Stands for the microseconds of the transaction in text that [`settle`] completes. A string cannot hold it: control
/// characters are escaped there.
const MICROS: char = '\u{1}';
/// Stands for the instant of the transaction.
const INSTANT: char = '\u{2}';

/// Puts the time of the transaction in its places.
pub fn settle(text: String, time: TxnTime) -> String {
    if !text.contains([MICROS, INSTANT]) {
        return text;
    }
    let instant = crate::value::Time::from(time).to_string();
    text.replace(MICROS, &time.0.to_string())
        .replace(INSTANT, &instant)
}

/// The JSON of a value, with marks for the time of the transaction.
pub fn render(me: &mut Evaluator, value: &Value) -> Result<String> {
    let version = me.version;
    render_as(me, value, version)
}

/// The same for a version of the interface.
pub fn render_as(me: &mut Evaluator, value: &Value, version: ApiVersion) -> Result<String> {
    let mut renderer = Renderer {
        me,
        version,
        out: String::new(),
    };
    if !renderer.value(value)? {
        renderer.out.push_str("null");
    }
    Ok(renderer.out)
}

/// The text of a lambda to be stored: the JSON of its `@query` object, which always tells its version.
pub fn query_text(me: &mut Evaluator, closure: &Closure) -> Result<Str> {
    let version = me.version;
    let mut renderer = Renderer {
        me,
        // References are stored in the words of today.
        version: version.max(ApiVersion::V4),
        out: String::new(),
    };
    renderer.lambda_fields(&closure.lambda, true, |me| me.captured(closure))?;
    Ok(renderer.out.into())
}

/// The version a stored lambda tells, and its text behind that.
fn stored_version(text: &str) -> Option<(ApiVersion, &str)> {
    let rest = text.strip_prefix("{\"api_version\":\"")?;
    let (version, rest) = rest.split_once("\",")?;
    Some((ApiVersion::parse(version)?, rest))
}

struct Renderer<'r, 'q> {
    me: &'r mut Evaluator<'q>,
    version: ApiVersion,
    out: String,
}

impl Renderer<'_, '_> {
    /// Writes a value; `false` if there is nothing to show: a reference to what has no name any more.
    fn value(&mut self, value: &Value) -> Result<bool> {
        deep(|| {
            match value {
                Value::Null => self.out.push_str("null"),
                Value::Bool(flag) => self.out.push_str(if *flag { "true" } else { "false" }),
                Value::Long(n) => self.out.push_str(&n.to_string()),
                Value::Double(x) => write_double(&mut self.out, *x),
                Value::String(text) => write_string(&mut self.out, text),
                Value::Action(action) => {
                    let text = match self.version >= ApiVersion::V21 {
                        true => action.text(),
                        false if action.is_create() => "create",
                        false => "delete",
                    };
                    write_string(&mut self.out, text);
                }
                Value::Bytes(bytes) => {
                    let text = base64::engine::general_purpose::STANDARD.encode(bytes);
                    self.tagged("@bytes", &text);
                }
                Value::Uuid(uuid) => {
                    let mut text = String::new();
                    crate::value::format::json::write_uuid(&mut text, uuid);
                    self.tagged("@uuid", &text);
                }
                Value::Time(time) => self.tagged("@ts", &time.to_string()),
                Value::Date(date) => self.tagged("@date", &date.to_string()),
                Value::TransactionMicros => self.out.push(MICROS),
                Value::TransactionTime => {
                    self.out.push_str("{\"@ts\":\"");
                    self.out.push(INSTANT);
                    self.out.push_str("\"}");
                }
                Value::Array(items) => self.array(items)?,
                Value::Object(object) => self.object(object)?,
                Value::Ref(reference) => return self.reference(*reference),
                Value::Unresolved(reference) => self.name(reference)?,
                Value::Set(set) => self.set(set)?,
                Value::Page(page) => {
                    let mut fields = Fields::new(self);
                    if let Some(before) = &page.before {
                        fields.value("before", before)?;
                    }
                    if let Some(after) = &page.after {
                        fields.value("after", after)?;
                    }
                    fields.key("data");
                    fields.renderer.array(&page.data)?;
                    fields.end();
                }
                Value::Document(document) => {
                    let mut fields = Fields::new(self);
                    fields.value("ref", &Value::Ref(document.reference))?;
                    if fields.renderer.version <= ApiVersion::V20 {
                        let reference = document.reference;
                        let class = super::refs::collection_ref(reference.scope, reference.coll);
                        fields.value("class", &Value::Ref(class))?;
                    }
                    fields.value("ts", &document.ts_value())?;
                    if document.is_deleted {
                        fields.value("action", &Value::string("delete"))?;
                    }
                    for (key, value) in document.fields.iter() {
                        fields.value(key, value)?;
                    }
                    fields.end();
                }
                Value::Event(event) => {
                    let mut fields = Fields::new(self);
                    fields.value("ts", &event.ts_value())?;
                    fields.value("action", &Value::Action(event.action))?;
                    let version = fields.renderer.version;
                    let document = match version {
                        ApiVersion::V20 => "resource",
                        ApiVersion::V21 => "instance",
                        _ => "document",
                    };
                    fields.value(document, &Value::Ref(event.document))?;
                    match &event.data {
                        EventData::Document(_) if version < ApiVersion::V21 => {}
                        EventData::Document(data) => fields.value("data", data)?,
                        EventData::Set(values) if values.is_empty() => {}
                        EventData::Set(values) => {
                            fields.key(if version < ApiVersion::V21 {
                                "values"
                            } else {
                                "data"
                            });
                            fields.renderer.array(values)?;
                        }
                    }
                    fields.end();
                }
                Value::Element(element) => {
                    let mut fields = Fields::new(self);
                    fields.value("value", &element.value)?;
                    let sources: Vec<Value> =
                        element.sources.iter().cloned().map(Value::Set).collect();
                    fields.key("sources");
                    fields.renderer.array(&sources)?;
                    fields.end();
                }
                Value::Cursor(inner) => return self.value(inner),
                Value::Lambda(closure) => self.lambda(closure)?,
                Value::Query(text) => {
                    self.out.push_str("{\"@query\":");
                    match stored_version(text) {
                        // Told only if the lambda or the request is of a version that tells.
                        Some((version, rest))
                            if version.max(self.version) <= ApiVersion::LAMBDA_DEFAULT =>
                        {
                            self.out.push('{');
                            self.out.push_str(rest);
                        }
                        _ => self.out.push_str(text),
                    }
                    self.out.push('}');
                }
            }
            Ok(true)
        })
    }

    fn tagged(&mut self, tag: &str, text: &str) {
        self.out.push('{');
        write_string(&mut self.out, tag);
        self.out.push(':');
        write_string(&mut self.out, text);
        self.out.push('}');
    }

    fn array(&mut self, items: &[Value]) -> Result<()> {
        self.out.push('[');
        let mut first = true;
        for item in items {
            let before = self.out.len();
            if !first {
                self.out.push(',');
            }
            match self.value(item)? {
                true => first = false,
                false => self.out.truncate(before),
            }
        }
        self.out.push(']');
        Ok(())
    }

    fn object(&mut self, object: &Object) -> Result<()> {
        let escaped = object.iter().any(|(key, _)| key.starts_with('@'));
        if escaped {
            self.out.push_str("{\"@obj\":");
        }
        let mut fields = Fields::new(self);
        for (key, value) in object.iter() {
            fields.value(key, value)?;
        }
        fields.end();
        if escaped {
            self.out.push('}');
        }
        Ok(())
    }

    fn reference(&mut self, reference: Ref) -> Result<bool> {
        match super::refs::named(self.me, reference)? {
            Some(name) => self.name(&name).map(|()| true),
            None => Ok(false),
        }
    }

    fn name(&mut self, reference: &NameRef) -> Result<()> {
        self.out.push_str("{\"@ref\":");
        match self.version <= ApiVersion::V20 {
            true => write_string(&mut self.out, &path(reference)),
            false => self.name_body(reference),
        }
        self.out.push('}');
        Ok(())
    }

    fn name_body(&mut self, reference: &NameRef) {
        let collection = match self.version >= ApiVersion::V27 {
            true => "collection",
            false => "class",
        };
        let native = |me: &Self, coll| -> &'static str {
            match super::read::native_name(coll) {
                Some("collections") if me.version < ApiVersion::V27 => "classes",
                Some(name) => name,
                None => "",
            }
        };
        self.out.push_str("{\"id\":");
        let (of, scope) = match reference {
            NameRef::Native { coll, scope } => {
                let name = native(self, *coll);
                write_string(&mut self.out, name);
                (None, scope.clone())
            }
            NameRef::Named { coll, name, scope } => {
                write_string(&mut self.out, name);
                (
                    Some(NameRef::Native {
                        coll: *coll,
                        scope: None,
                    }),
                    scope.clone(),
                )
            }
            NameRef::Key { id, scope } => {
                write_string(&mut self.out, &id.0.to_string());
                let keys = crate::model::native::KEY;
                (
                    Some(NameRef::Native {
                        coll: keys,
                        scope: None,
                    }),
                    scope.clone(),
                )
            }
            NameRef::Document { collection, id } => {
                write_string(&mut self.out, &id.0.to_string());
                (Some((**collection).clone()), None)
            }
            NameRef::Own(collection) => {
                write_string(&mut self.out, "self");
                (Some((**collection).clone()), None)
            }
        };
        if let Some(of) = of {
            self.out.push_str(",\"");
            self.out.push_str(collection);
            self.out.push_str("\":{\"@ref\":");
            self.name_body(&of);
            self.out.push('}');
        }
        if let Some(scope) = scope {
            self.out.push_str(",\"database\":{\"@ref\":");
            self.name_body(&scope);
            self.out.push('}');
        }
        self.out.push('}');
    }

    fn set(&mut self, set: &Set) -> Result<()> {
        if let Set::Native { scope, coll } = set {
            return self
                .value(&Value::Ref(super::refs::native_ref(*scope, *coll)))
                .map(drop);
        }
        if let Set::Document(reference) = set {
            return self.value(&Value::Ref(*reference)).map(drop);
        }
        self.out.push_str("{\"@set\":");
        let mut fields = Fields::new(self);
        let many = |sets: &[std::sync::Arc<Set>]| match sets {
            [one] => Value::Set(one.clone()),
            sets => Value::array(sets.iter().cloned().map(Value::Set).collect()),
        };
        match set {
            Set::Native { .. } | Set::Document(_) => {}
            Set::Documents(reference) => fields.value("documents", &Value::Ref(*reference))?,
            Set::Match { index, terms } => {
                fields.value("match", &Value::Ref(*index))?;
                match terms.as_slice() {
                    [] => {}
                    [term] => fields.value("terms", term)?,
                    terms => fields.value("terms", &Value::array(terms.to_vec()))?,
                }
            }
            Set::Singleton(reference) => fields.value("singleton", &Value::Ref(*reference))?,
            Set::Events(set) => fields.value("events", &Value::Set(set.clone()))?,
            Set::Union(sets) => fields.value("union", &many(sets))?,
            Set::Intersection(sets) => fields.value("intersection", &many(sets))?,
            Set::Difference(sets) => fields.value("difference", &many(sets))?,
            Set::Distinct(set) => fields.value("distinct", &Value::Set(set.clone()))?,
            Set::Join(set, lambda) => {
                fields.value("join", &Value::Set(set.clone()))?;
                fields.key("with");
                fields.renderer.lambda_body(lambda)?;
            }
            Set::JoinIndex(set, index) => {
                fields.value("join", &Value::Set(set.clone()))?;
                fields.value("with", &Value::Ref(*index))?;
            }
            Set::Range { set, from, to } => {
                fields.value("range", &Value::Set(set.clone()))?;
                for (key, bound) in [("from", from), ("to", to)] {
                    match bound {
                        Value::Array(items) if items.is_empty() => {}
                        bound => fields.value(key, bound)?,
                    }
                }
            }
            Set::Reverse(set) => fields.value("reverse", &Value::Set(set.clone()))?,
            Set::Filter(set, lambda) => {
                fields.key("filter");
                fields.renderer.lambda_body(lambda)?;
                fields.value("collection", &Value::Set(set.clone()))?;
            }
        }
        fields.end();
        self.out.push('}');
        Ok(())
    }

    fn lambda(&mut self, closure: &Closure) -> Result<()> {
        self.out.push_str("{\"@query\":");
        self.lambda_body(closure)?;
        self.out.push('}');
        Ok(())
    }

    /// `{"api_version":..., "lambda":..., "expr":...}`; versions of old do not tell themselves.
    fn lambda_body(&mut self, closure: &Closure) -> Result<()> {
        let told = closure.lambda.version.max(self.version) > ApiVersion::LAMBDA_DEFAULT;
        self.lambda_fields(&closure.lambda, told, |me| me.captured(closure))
    }

    fn lambda_fields(
        &mut self,
        lambda: &Lambda,
        told: bool,
        body: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        self.out.push('{');
        if told {
            self.out.push_str("\"api_version\":");
            write_string(&mut self.out, lambda.version.text());
            self.out.push(',');
        }
        self.out.push_str("\"lambda\":");
        let name = |name: &Option<Str>| match name {
            Some(name) => Value::String(name.clone()),
            None => Value::string("_"),
        };
        let pattern = match &lambda.pattern {
            Pattern::Ignore => Value::string("_"),
            Pattern::Name(name) => Value::String(name.clone()),
            Pattern::Array(names) => Value::array(names.iter().map(name).collect()),
        };
        self.value(&pattern)?;
        self.out.push_str(",\"expr\":");
        body(self)?;
        self.out.push('}');
        Ok(())
    }

    /// The body of a lambda behind the values it captured.
    fn captured(&mut self, closure: &Closure) -> Result<()> {
        let lambda = &closure.lambda;
        if lambda.is_closed() {
            return self.expression(&lambda.body);
        }
        self.out.push_str("{\"let\":{");
        for (i, name) in lambda.free.iter().enumerate() {
            if i > 0 {
                self.out.push(',');
            }
            write_string(&mut self.out, name);
            self.out.push(':');
            let value = closure.env.get(name).cloned().unwrap_or(Value::Null);
            self.quoted(&value)?;
        }
        self.out.push_str("},\"in\":");
        self.expression(&lambda.body)?;
        self.out.push('}');
        Ok(())
    }

    /// A value as an expression for it.
    fn quoted(&mut self, value: &Value) -> Result<()> {
        deep(|| match value {
            Value::Array(items) => self.list(items.iter(), |me, item| me.quoted(item)),
            Value::Object(object) => {
                self.out.push_str("{\"object\":");
                // A key like those of escapes is not to be read as one.
                let escaped = object.iter().any(|(key, _)| key.starts_with('@'));
                self.out.push_str(if escaped { "{\"@obj\":" } else { "" });
                self.fields(object.iter(), |me, value| me.quoted(value))?;
                self.out.push_str(if escaped { "}}" } else { "}" });
                Ok(())
            }
            Value::Document(document) => {
                let mut object = Object::new();
                object.insert("ref", Value::Ref(document.reference));
                object.insert("ts", document.ts_value());
                for (key, value) in document.fields.iter() {
                    object.insert(key.clone(), value.clone());
                }
                self.quoted(&Value::object(object))
            }
            Value::Page(page) => {
                let mut object = Object::new();
                for (key, cursor) in [("before", &page.before), ("after", &page.after)] {
                    if let Some(cursor) = cursor {
                        object.insert(key, cursor.clone());
                    }
                }
                object.insert("data", Value::array(page.data.clone()));
                self.quoted(&Value::object(object))
            }
            Value::Cursor(inner) => self.quoted(inner),
            other => {
                if !self.value(other)? {
                    self.out.push_str("null");
                }
                Ok(())
            }
        })
    }

    fn list<T>(
        &mut self,
        items: impl Iterator<Item = T>,
        mut write: impl FnMut(&mut Self, T) -> Result<()>,
    ) -> Result<()> {
        self.out.push('[');
        for (i, item) in items.enumerate() {
            if i > 0 {
                self.out.push(',');
            }
            write(self, item)?;
        }
        self.out.push(']');
        Ok(())
    }

    fn fields<'v, T: 'v>(
        &mut self,
        fields: impl Iterator<Item = (&'v Str, &'v T)>,
        mut write: impl FnMut(&mut Self, &'v T) -> Result<()>,
    ) -> Result<()> {
        self.out.push('{');
        for (i, (key, value)) in fields.enumerate() {
            if i > 0 {
                self.out.push(',');
            }
            write_string(&mut self.out, key);
            self.out.push(':');
            write(self, value)?;
        }
        self.out.push('}');
        Ok(())
    }

    /// The parts of a form under their keys.
    fn form<'e>(
        &mut self,
        parts: impl IntoIterator<Item = (&'e str, &'e Expression)>,
    ) -> Result<()> {
        self.out.push('{');
        for (i, (key, part)) in parts.into_iter().enumerate() {
            if i > 0 {
                self.out.push(',');
            }
            write_string(&mut self.out, key);
            self.out.push(':');
            self.expression(part)?;
        }
        self.out.push('}');
        Ok(())
    }

    /// An expression as the wire writes it.
    fn expression(&mut self, expression: &Expression) -> Result<()> {
        deep(|| match expression {
            Expression::Literal(value) => self.quoted(value),
            Expression::Ref(reference) => self.name(reference),
            Expression::Own(own) => self.name(&own.reference),
            Expression::Set(literal) => {
                self.out.push_str("{\"@set\":");
                self.expression(&literal.call)?;
                self.out.push('}');
                Ok(())
            }
            Expression::Array(items) => self.list(items.iter(), Self::expression),
            Expression::Object(fields) => {
                self.out.push_str("{\"object\":");
                let escaped = fields.iter().any(|(key, _)| key.starts_with('@'));
                self.out.push_str(if escaped { "{\"@obj\":" } else { "" });
                let fields = fields.iter().map(|(key, value)| (key, value));
                self.fields(fields, Self::expression)?;
                self.out.push_str(if escaped { "}}" } else { "}" });
                Ok(())
            }
            Expression::Var(name) => {
                self.out.push_str("{\"var\":");
                write_string(&mut self.out, name);
                self.out.push('}');
                Ok(())
            }
            Expression::Lambda(lambda) => {
                self.out.push_str("{\"@query\":");
                let told = lambda.version.max(self.version) > ApiVersion::LAMBDA_DEFAULT;
                self.lambda_fields(lambda, told, |me| me.expression(&lambda.body))?;
                self.out.push('}');
                Ok(())
            }
            Expression::Let(node) => {
                self.out.push_str("{\"let\":");
                let names: HashSet<&Str> = node.bindings.iter().map(|(name, _)| name).collect();
                match names.len() == node.bindings.len() {
                    true => {
                        let bindings = node.bindings.iter().map(|(name, value)| (name, value));
                        self.fields(bindings, Self::expression)?;
                    }
                    // An object cannot bind a name twice.
                    false => self.list(node.bindings.iter(), |me, (name, value)| {
                        me.fields(std::iter::once((name, value)), Self::expression)
                    })?,
                }
                self.out.push_str(",\"in\":");
                self.expression(&node.body)?;
                self.out.push('}');
                Ok(())
            }
            Expression::If(node) => self.form([
                ("if", &node.condition),
                ("then", &node.then),
                ("else", &node.otherwise),
            ]),
            Expression::Do(items) => {
                self.out.push_str("{\"do\":");
                self.list(items.iter(), Self::expression)?;
                self.out.push('}');
                Ok(())
            }
            Expression::Logic(node) => {
                self.out
                    .push_str(if node.is_and { "{\"and\":" } else { "{\"or\":" });
                self.list(node.operands.iter(), Self::expression)?;
                self.out.push('}');
                Ok(())
            }
            Expression::At(node) => self.form([("at", &node.ts), ("expr", &node.body)]),
            Expression::Select(node) => {
                let all = node.all.as_ref().map(|all| ("all", all));
                let default = node.default.as_ref().map(|default| ("default", default));
                let parts = [
                    Some((node.key, &node.path)),
                    Some(("from", &node.from)),
                    all,
                    default,
                ];
                self.form(parts.into_iter().flatten())
            }
            Expression::Call(call) => {
                let arguments = call.arguments.as_ref().map(|a| ("arguments", a));
                self.form(std::iter::once(("call", &call.function)).chain(arguments))
            }
            Expression::Form(call) => self.call(call),
        })
    }

    fn call(&mut self, call: &FormCall) -> Result<()> {
        self.out.push('{');
        let mut first = true;
        for (key, argument) in call.form.keys.iter().zip(&call.arguments) {
            let Some(argument) = argument else { continue };
            if !first {
                self.out.push(',');
            }
            first = false;
            write_string(&mut self.out, key.name);
            self.out.push(':');
            match (key.cast, argument) {
                (Cast::Lambda | Cast::LambdaOrAny, Expression::Lambda(lambda)) => {
                    self.lambda_fields(lambda, false, |me| me.expression(&lambda.body))?;
                }
                (_, argument) => self.expression(argument)?,
            }
        }
        self.out.push('}');
        Ok(())
    }
}

/// A reference as a path of old: `classes/x/1`.
fn path(reference: &NameRef) -> String {
    let native = |coll| match super::read::native_name(coll) {
        Some("collections") | None => "classes",
        Some(name) => name,
    };
    match reference {
        NameRef::Native { coll, .. } => native(*coll).to_string(),
        NameRef::Named { coll, name, .. } => format!("{}/{name}", native(*coll)),
        NameRef::Key { id, .. } => format!("keys/{}", id.0),
        NameRef::Document { collection, id } => format!("{}/{}", path(collection), id.0),
        NameRef::Own(collection) => format!("{}/self", path(collection)),
    }
}

/// The fields of an object in the making; those that have nothing to show are left out.
struct Fields<'f, 'r, 'q> {
    renderer: &'f mut Renderer<'r, 'q>,
    empty: bool,
}

impl<'f, 'r, 'q> Fields<'f, 'r, 'q> {
    fn new(renderer: &'f mut Renderer<'r, 'q>) -> Fields<'f, 'r, 'q> {
        renderer.out.push('{');
        Fields {
            renderer,
            empty: true,
        }
    }

    fn key(&mut self, key: &str) {
        if !self.empty {
            self.renderer.out.push(',');
        }
        self.empty = false;
        write_string(&mut self.renderer.out, key);
        self.renderer.out.push(':');
    }

    fn value(&mut self, key: &str, value: &Value) -> Result<()> {
        let (before, empty) = (self.renderer.out.len(), self.empty);
        self.key(key);
        if !self.renderer.value(value)? {
            self.renderer.out.truncate(before);
            self.empty = empty;
        }
        Ok(())
    }

    fn end(self) {
        self.renderer.out.push('}');
    }
}
