//! From the wire to expressions (`spec fql4 3`).
//!
//! A JSON object is a form, chosen by exactly its keys, or else one of the escapes (`@ref`, `@ts` ...) for values. All that is
//! wrong with a query is collected; variables that nothing binds are reported only if there is nothing else.

mod escape;
mod json;
mod reference;

pub use json::{Json, JsonError, write_double, write_string};
pub use reference::{is_named, native_by_name, native_name};

use super::error::Error;
use super::expression::*;
use super::forms::{self, Cast, Form, Run, Special};
use super::kind;
use super::place::Place;
use super::value::Value;
use super::version::ApiVersion;
use crate::fql::interp::Effect;
use crate::value::{Str, deep};
use std::collections::HashSet;
use std::sync::Arc;

/// Reads a query. `Err` has everything that is wrong with it.
pub fn query(wire: &Json, version: ApiVersion) -> ReadResult<Expression> {
    let mut reader = Reader::new(version);
    let expression = reader.expression(wire, &Place::ROOT);
    match expression {
        Some(expression) if reader.errors.is_empty() && reader.free.is_empty() => Ok(expression),
        _ if reader.errors.is_empty() => Err(reader
            .free
            .iter()
            .map(|(name, place)| {
                Error::expression(place, format!("Variable '{name}' is not defined."))
            })
            .collect()),
        _ => Err(reader.errors),
    }
}

/// Reads the lambda of an `@query` object: `{"lambda":..., "expr":..., "api_version":...}`.
pub fn stored_lambda(wire: &Json) -> ReadResult<Arc<Lambda>> {
    let mut reader = Reader::new(ApiVersion::LAMBDA_DEFAULT);
    match reader.closed_lambda(wire, &Place::ROOT) {
        Some(lambda) if reader.errors.is_empty() => Ok(lambda),
        _ => Err(reader.errors),
    }
}

/// What is being read.
struct Reader {
    version: ApiVersion,
    errors: Vec<Error>,
    /// Variables not bound so far, each time they occur.
    free: Vec<(Str, Place)>,
}

impl Reader {
    fn new(version: ApiVersion) -> Reader {
        Reader {
            version,
            errors: Vec::new(),
            free: Vec::new(),
        }
    }

    /// Notes an error.
    fn fail<T>(&mut self, place: &Place, description: impl Into<String>) -> Option<T> {
        self.errors.push(Error::expression(place, description));
        None
    }

    fn expected<T>(&mut self, place: &Place, expected: &str, provided: &Json) -> Option<T> {
        let provided = kind::of_json(provided);
        self.fail(place, format!("{expected} expected, {provided} provided."))
    }

    fn no_form<T>(&mut self, fields: &[(Str, Json)], place: &Place) -> Option<T> {
        let keys: Vec<&str> = fields.iter().map(|(key, _)| &**key).collect();
        let keys = keys.join(", ");
        self.fail(
            place,
            format!("No form/function found, or invalid argument keys: {{ {keys} }}."),
        )
    }

    fn expression(&mut self, wire: &Json, place: &Place) -> Option<Expression> {
        deep(|| match wire {
            Json::Object(fields) => self.object(fields, place),
            Json::Array(items) => self
                .list(items, place)
                .map(|items| Expression::Array(items.into())),
            scalar => Some(Expression::Literal(escape::scalar(scalar))),
        })
    }

    fn list(&mut self, items: &[Json], place: &Place) -> Option<Vec<Expression>> {
        let read: Vec<Option<Expression>> = items
            .iter()
            .enumerate()
            .map(|(i, item)| self.expression(item, &place.index(i)))
            .collect();
        read.into_iter().collect()
    }

    fn object(&mut self, fields: &[(Str, Json)], place: &Place) -> Option<Expression> {
        let keys = fields.iter().map(|(key, _)| &**key);
        if let Some(form) = forms::by_keys(keys, self.version) {
            match form.run {
                Run::Function(_) => return self.call(form, fields, place),
                Run::Special(Special::Lambda | Special::Escape) => {}
                Run::Special(special) => return self.special(special, fields, place),
            }
        }
        match escape::known(fields) {
            // What an `@obj` holds is read as an expression.
            Some(("@obj", Json::Object(inner))) => self.object(inner, &place.at("@obj")),
            Some((tag, value)) => self.escape(tag, value, place),
            None => self.no_form(fields, place),
        }
    }

    fn call(
        &mut self,
        form: &'static Form,
        fields: &[(Str, Json)],
        place: &Place,
    ) -> Option<Expression> {
        let mut arguments = Vec::with_capacity(form.keys.len());
        let mut complete = true;
        for key in form.keys {
            let Some(wire) = field(fields, key.name) else {
                arguments.push(None);
                continue;
            };
            let at = place.at(key.name);
            let argument = match key.cast {
                Cast::Lambda => self.lambda(wire, &at).map(Expression::Lambda),
                Cast::LambdaOrAny => self.lambda_or_expression(wire, &at),
                _ => self.expression(wire, &at),
            };
            complete &= argument.is_some();
            arguments.push(argument);
        }
        complete.then(|| {
            Expression::Form(Arc::new(FormCall {
                form,
                arguments,
                place: place.clone(),
            }))
        })
    }

    fn special(
        &mut self,
        special: Special,
        fields: &[(Str, Json)],
        place: &Place,
    ) -> Option<Expression> {
        let null = Json::Null;
        let value = |key: &str| field(fields, key).unwrap_or(&null);
        match special {
            Special::Var => match value("var") {
                Json::String(name) => {
                    self.free.push((name.clone(), place.clone()));
                    Some(Expression::Var(name.clone()))
                }
                other => self.expected(&place.at("var"), "String", other),
            },
            Special::Let => self.bindings(value("let"), value("in"), place),
            Special::If => {
                let condition = self.expression(value("if"), &place.at("if"));
                let then = self.expression(value("then"), &place.at("then"));
                let otherwise = self.expression(value("else"), &place.at("else"));
                Some(Expression::If(Arc::new(If {
                    condition: condition?,
                    then: then?,
                    otherwise: otherwise?,
                    place: place.clone(),
                })))
            }
            Special::Do => {
                let at = place.at("do");
                match value("do") {
                    Json::Array(items) => match self.list(items, &at)? {
                        list if list.is_empty() => {
                            self.fail(&at, "Expression list cannot be empty.")
                        }
                        list => Some(Expression::Do(list.into())),
                    },
                    other => self.expected(&at, "Array", other),
                }
            }
            Special::And => self.logic(true, value("and"), place),
            Special::Or => self.logic(false, value("or"), place),
            Special::Object => self.object_form(value("object"), place),
            Special::Quote => self.data(value("quote"), &place.at("quote")),
            Special::At => {
                let ts = self.expression(value("at"), &place.at("at"));
                let body = self.expression(value("expr"), &place.at("expr"));
                Some(Expression::At(Arc::new(At {
                    ts: ts?,
                    body: body?,
                    place: place.clone(),
                })))
            }
            Special::Call => {
                let function = self.expression(value("call"), &place.at("call"));
                let arguments = field(fields, "arguments")
                    .map(|wire| self.expression(wire, &place.at("arguments")));
                Some(Expression::Call(Arc::new(Call {
                    function: function?,
                    arguments: intact(arguments)?,
                    place: place.clone(),
                })))
            }
            Special::Select => self.select(fields, place),
            Special::Lambda | Special::Escape => self.no_form(fields, place),
        }
    }

    fn select(&mut self, fields: &[(Str, Json)], place: &Place) -> Option<Expression> {
        let (key, wire) = ["select", "select_all", "select_as_index"]
            .into_iter()
            .find_map(|key| field(fields, key).map(|wire| (key, wire)))?;
        let path = self.expression(wire, &place.at(key));
        let mut part = |name: &'static str| {
            field(fields, name).map(|wire| self.expression(wire, &place.at(name)))
        };
        let (from, all, default) = (part("from"), part("all"), part("default"));
        let (all, default) = (intact(all)?, intact(default)?);
        Some(Expression::Select(Arc::new(Select {
            key,
            path: path?,
            from: from??,
            all,
            default,
            is_eager: self.version < ApiVersion::V3,
            place: place.clone(),
        })))
    }

    fn logic(&mut self, is_and: bool, wire: &Json, place: &Place) -> Option<Expression> {
        let at = place.at(if is_and { "and" } else { "or" });
        let operands = match wire {
            Json::Array(items) => match self.list(items, &at)? {
                list if list.is_empty() => {
                    return self.fail(&at, "Expression list cannot be empty.");
                }
                list => list,
            },
            single => vec![self.expression(single, &at)?],
        };
        Some(Expression::Logic(Arc::new(Logic {
            is_and,
            operands,
            place: place.clone(),
        })))
    }

    fn bindings(&mut self, wire: &Json, body: &Json, place: &Place) -> Option<Expression> {
        let at = place.at("let");
        let mut bindings: Vec<(Str, Expression)> = Vec::new();
        let mut bound: HashSet<Str> = HashSet::new();
        let mut complete = true;
        let mut bind = |me: &mut Reader, name: &Str, wire: &Json, at: Place| {
            let from = me.free.len();
            match me.expression(wire, &at) {
                Some(value) => bindings.push((name.clone(), value)),
                None => complete = false,
            }
            me.close(from, &bound);
            bound.insert(name.clone());
        };
        match wire {
            Json::Array(items) => {
                for (i, item) in items.iter().enumerate() {
                    let at = at.index(i);
                    match item {
                        Json::Object(fields) if fields.len() == 1 => {
                            let (name, value) = &fields[0];
                            bind(self, name, value, at.field(name));
                        }
                        other => {
                            self.expected::<()>(&at, "Object", other);
                        }
                    }
                }
            }
            Json::Object(fields) => match self.unescaped(fields, &at, place) {
                Some(fields) => {
                    for (name, value) in fields {
                        bind(self, name, value, at.field(name));
                    }
                }
                None => complete = false,
            },
            other => {
                self.expected::<()>(&at, "Array", other);
            }
        }
        let from = self.free.len();
        let body = self.expression(body, &place.at("in"));
        self.close(from, &bound);
        let body = body?;
        complete.then(|| Expression::Let(Arc::new(Let { bindings, body })))
    }

    /// Removes what is bound now from the variables noted from `from` on.
    fn close(&mut self, from: usize, bound: &HashSet<Str>) {
        if bound.is_empty() {
            return;
        }
        let mut inner = self.free.split_off(from);
        inner.retain(|(name, _)| !bound.contains(name));
        self.free.append(&mut inner);
    }

    /// The fields of an object that may be written as an `@obj`; an escape for another value is an error.
    fn unescaped<'j>(
        &mut self,
        fields: &'j [(Str, Json)],
        at: &Place,
        place: &Place,
    ) -> Option<&'j [(Str, Json)]> {
        match escape::known(fields) {
            Some(("@obj", Json::Object(inner))) => Some(inner),
            Some((tag, value)) => {
                let kind = match self.escape(tag, value, at)? {
                    Expression::Literal(value) => kind::of(&value),
                    Expression::Ref(reference) => kind::of_name(&reference),
                    Expression::Own(_) => "Ref",
                    Expression::Set(_) => "Set",
                    Expression::Lambda(_) => "Lambda",
                    _ => "Object",
                };
                self.fail(place, format!("Object expected, {kind} provided."))
            }
            None => Some(fields),
        }
    }

    fn object_form(&mut self, wire: &Json, place: &Place) -> Option<Expression> {
        let at = place.at("object");
        let Json::Object(fields) = wire else {
            return self.expected(&at, "Object", wire);
        };
        let fields = self.unescaped(fields, &at, place)?;
        let read: Vec<Option<(Str, Expression)>> = fields
            .iter()
            .map(|(key, value)| {
                self.expression(value, &at.field(key))
                    .map(|value| (key.clone(), value))
            })
            .collect();
        let fields: Option<Vec<(Str, Expression)>> = read.into_iter().collect();
        Some(Expression::Object(fields?.into()))
    }

    /// A literal lambda.
    fn lambda(&mut self, wire: &Json, place: &Place) -> Option<Arc<Lambda>> {
        let Json::Object(fields) = wire else {
            return self.expected(place, "Lambda", wire);
        };
        match (field(fields, "lambda"), field(fields, "expr"), fields.len()) {
            (Some(pattern), Some(body), 2) => self.lambda_parts(pattern, body, self.version, place),
            _ => self.no_form(fields, place),
        }
    }

    /// A literal lambda if it is one without fault, otherwise an expression.
    fn lambda_or_expression(&mut self, wire: &Json, place: &Place) -> Option<Expression> {
        let (errors, free) = (self.errors.len(), self.free.len());
        match self.lambda(wire, place) {
            Some(lambda) if self.errors.len() == errors => Some(Expression::Lambda(lambda)),
            _ => {
                self.errors.truncate(errors);
                self.free.truncate(free);
                self.expression(wire, place)
            }
        }
    }

    fn lambda_parts(
        &mut self,
        pattern: &Json,
        body: &Json,
        version: ApiVersion,
        place: &Place,
    ) -> Option<Arc<Lambda>> {
        let pattern = self.pattern(pattern, &place.at("lambda"));
        let from = self.free.len();
        let outer = std::mem::replace(&mut self.version, version);
        let body = self.expression(body, &place.at("expr"));
        self.version = outer;
        let (pattern, body) = (pattern?, body?);
        let bound: HashSet<Str> = pattern.names().cloned().collect();
        self.close(from, &bound);
        let mut seen: HashSet<&Str> = HashSet::new();
        let names = self.free.get(from..).unwrap_or_default().iter();
        let names = names
            .map(|(name, _)| name)
            .filter(|name| seen.insert(*name));
        let free: Vec<Str> = names.cloned().collect();
        Some(Arc::new(Lambda {
            pattern,
            effect: body.effect(),
            body,
            free,
            version: version.max(ApiVersion::LAMBDA_DEFAULT),
            place: place.clone(),
        }))
    }

    fn pattern(&mut self, wire: &Json, place: &Place) -> Option<Pattern> {
        let name = |name: &Str| (&**name != "_").then(|| name.clone());
        match wire {
            Json::String(text) => Some(match name(text) {
                Some(text) => Pattern::Name(text),
                None => Pattern::Ignore,
            }),
            Json::Array(items) => {
                let errors = self.errors.len();
                let mut names = Vec::with_capacity(items.len());
                for (i, item) in items.iter().enumerate() {
                    match item {
                        Json::String(text) => names.push(name(text)),
                        other => {
                            self.expected::<()>(&place.index(i), "String", other);
                        }
                    }
                }
                (self.errors.len() == errors).then_some(Pattern::Array(names))
            }
            other => self.expected(place, "String or Array", other),
        }
    }

    /// What an `@query` holds: a lambda that captures nothing.
    fn closed_lambda(&mut self, wire: &Json, place: &Place) -> Option<Arc<Lambda>> {
        let Json::Object(fields) = wire else {
            return self.fail(place, "Invalid lambda.");
        };
        let version = match (field(fields, "api_version"), fields.len()) {
            (None, 2) => Some(ApiVersion::LAMBDA_DEFAULT),
            (Some(Json::String(version)), 3) => ApiVersion::parse(version),
            _ => None,
        };
        match (field(fields, "lambda"), field(fields, "expr"), version) {
            (Some(pattern), Some(body), Some(version)) => {
                let outer = std::mem::take(&mut self.free);
                let lambda = self.lambda_parts(pattern, body, version, place);
                let is_open = !std::mem::replace(&mut self.free, outer).is_empty();
                match lambda {
                    Some(_) if is_open => self.fail(place, "Invalid lambda."),
                    lambda => lambda,
                }
            }
            _ => self.fail(place, "Invalid lambda."),
        }
    }
}

/// The value of a key.
fn field<'j>(fields: &'j [(Str, Json)], key: &str) -> Option<&'j Json> {
    fields
        .iter()
        .find(|(name, _)| &**name == key)
        .map(|(_, value)| value)
}

/// A part that may be left out; `None` if it was there and wrong.
fn intact<T>(part: Option<Option<T>>) -> Option<Option<T>> {
    match part {
        Some(Some(part)) => Some(Some(part)),
        Some(None) => None,
        None => Some(None),
    }
}

impl Expression {
    /// The greatest effect it can have: calls of users' functions count as writes, lambdas only where they are applied.
    pub fn effect(&self) -> Effect {
        deep(|| match self {
            Expression::Literal(_)
            | Expression::Ref(_)
            | Expression::Own(_)
            | Expression::Set(_)
            | Expression::Var(_)
            | Expression::Lambda(_) => Effect::Pure,
            Expression::Array(items) | Expression::Do(items) => greatest(items.iter()),
            Expression::Object(fields) => greatest(fields.iter().map(|(_, value)| value)),
            Expression::Let(node) => greatest(
                node.bindings
                    .iter()
                    .map(|(_, value)| value)
                    .chain([&node.body]),
            ),
            Expression::If(node) => greatest([&node.condition, &node.then, &node.otherwise]),
            Expression::Logic(node) => greatest(&node.operands),
            Expression::At(node) => greatest([&node.ts, &node.body]),
            Expression::Select(node) => greatest(
                [
                    Some(&node.path),
                    Some(&node.from),
                    node.all.as_ref(),
                    node.default.as_ref(),
                ]
                .into_iter()
                .flatten(),
            ),
            Expression::Call(_) => Effect::Write,
            Expression::Form(call) => {
                let arguments = call.form.keys.iter().zip(&call.arguments);
                let effects = arguments.filter_map(|(key, argument)| match argument {
                    Some(Expression::Lambda(lambda)) if key.applies_lambda() => Some(lambda.effect),
                    Some(argument) => Some(argument.effect()),
                    None => None,
                });
                effects.fold(call.form.effect, Effect::max)
            }
        })
    }
}

impl forms::Key {
    /// Whether a literal lambda in it is applied by the form: that of `Query` is only a value.
    fn applies_lambda(&self) -> bool {
        self.name != "query"
    }
}

fn greatest<'e>(parts: impl IntoIterator<Item = &'e Expression>) -> Effect {
    parts
        .into_iter()
        .map(Expression::effect)
        .fold(Effect::Pure, Effect::max)
}

/// A value that stands for itself.
fn literal(value: Value) -> Expression {
    Expression::Literal(value)
}
