//! One store, two languages: functions of either called from the other, and predicates of v4 asked by both
//! (`spec fql4 10`).
//!
//! Values cross over by value, documents by reference. What has no form on the other side is text there, or refused.

use super::documents;
use super::error::{Code, Error, Result, Stop};
use super::eval::{Cache, Evaluator, Expected, Limit, undefined};
use super::expression::{Closure, Pattern};
use super::place::Place;
use super::refs;
use super::stored;
use super::value::{NameRef, Object, Ref, Value};
use super::version::ApiVersion;
use crate::fql::interp::{
    Asked, Effect, Failure, FailureKind, Interp, LegacyLanguage, PredicateArguments, Resource,
};
use crate::model::native;
use crate::model::schema::{Action, Function};
use crate::value::{self as v10, DocKey, StoredQuery, deep};
use std::sync::Arc;

/// FQL v4 as FQL v10 uses it.
pub struct Language {
    cache: Arc<Cache>,
}

impl Language {
    /// The language, with the caches of an engine.
    pub fn new(cache: Arc<Cache>) -> Language {
        Language { cache }
    }

    fn evaluator<'q>(
        &self,
        me: &'q mut Interp,
        version: ApiVersion,
        limit: Limit,
    ) -> Evaluator<'q> {
        Evaluator::new(me, self.cache.clone(), version, limit)
    }
}

impl LegacyLanguage for Language {
    fn call(
        &self,
        me: &mut Interp,
        query: &Arc<StoredQuery>,
        arguments: Vec<v10::Value>,
    ) -> crate::fql::interp::Result {
        let limit = Limit {
            effect: me.ceiling.effect,
            reason: me.ceiling.reason,
        };
        let mut evaluator = self.evaluator(me, ApiVersion::V4, limit);
        let Some(closure) = evaluator.stored_closure(&query.text) else {
            return Err(Failure::new("eval_error", "Invalid lambda."));
        };
        evaluator.version = closure.lambda.version;
        let argument = zipped(&mut evaluator, &closure, &arguments)?;
        let result = evaluator
            .apply(&closure, argument, &Place::ROOT)
            .and_then(|value| to_v10(&mut evaluator, &value));
        result.map_err(|stop| match stop {
            Stop::Errors(errors) => failure_of(&errors),
            Stop::Failure(failure) => failure,
        })
    }

    fn holds(
        &self,
        me: &mut Interp,
        query: &Arc<StoredQuery>,
        asked: &Asked,
    ) -> crate::fql::interp::Result<bool> {
        let limit = Limit {
            effect: Effect::Read,
            reason: "auth predicates",
        };
        let mut evaluator = self.evaluator(me, ApiVersion::V4, limit);
        let Some(closure) = evaluator.stored_closure(&query.text) else {
            return Ok(false);
        };
        evaluator.version = closure.lambda.version;
        let result = told(&mut evaluator, &closure, asked)
            .and_then(|argument| evaluator.apply(&closure, argument, &Place::ROOT));
        match result {
            Ok(value) => Ok(matches!(value, Value::Bool(true))),
            Err(Stop::Errors(_)) => Ok(false),
            Err(Stop::Failure(failure)) => match &*failure.0 {
                FailureKind::Query(_) => Ok(false),
                FailureKind::Protocol(_) => Err(failure),
            },
        }
    }
}

/// The arguments of a call by FQL v10, as the one that a lambda takes: those that have a parameter.
fn zipped(
    me: &mut Evaluator,
    closure: &Closure,
    arguments: &[v10::Value],
) -> crate::fql::interp::Result<Value> {
    let names: Vec<v10::Str> = match &closure.lambda.pattern {
        Pattern::Ignore => vec!["_".into()],
        Pattern::Name(name) => vec![name.clone()],
        Pattern::Array(names) => {
            let names = names.iter();
            names
                .map(|name| name.clone().unwrap_or_else(|| "_".into()))
                .collect()
        }
    };
    let mut values = Vec::new();
    for (name, argument) in names.iter().zip(arguments) {
        match from_v10(me, argument)? {
            Some(value) => values.push(value),
            None => {
                let message = format!(
                    "Invalid argument for `{name}`. FQL v4 does not support `{}` values.",
                    argument.type_name()
                );
                return Err(Failure::new("invalid_argument", message));
            }
        }
    }
    let is_array = matches!(closure.lambda.pattern, Pattern::Array(_));
    Ok(match <[Value; 1]>::try_from(values) {
        Ok([one]) if !is_array => one,
        Ok([one]) => Value::array(vec![one]),
        Err(values) => Value::array(values),
    })
}

/// What a predicate is told about an action.
fn told(me: &mut Evaluator, closure: &Closure, asked: &Asked) -> Result {
    let arguments = match &asked.arguments {
        PredicateArguments::Single(argument) => {
            return Ok(from_v10(me, argument)?.unwrap_or(Value::Null));
        }
        PredicateArguments::Listed(arguments) => arguments,
    };
    let arity = closure.lambda.pattern.arity();
    let mut shown = Vec::new();
    match (asked.action, arguments.as_slice()) {
        (Some(Action::Write), [old, new]) => {
            shown.push(contents(me, old)?);
            shown.push(contents(me, new)?);
            if arity == 3 {
                shown.push(itself(me, old));
            }
        }
        (Some(Action::Create), [new]) => return contents(me, new),
        (Some(Action::CreateWithId), [new]) => {
            let data = contents(me, new)?;
            if arity == 1 {
                return Ok(data);
            }
            shown.push(data);
            shown.push(itself(me, new));
        }
        (Some(Action::Call), arguments) => return Ok(zipped(me, closure, arguments)?),
        (_, [one]) => return Ok(from_v10(me, one)?.unwrap_or(Value::Null)),
        (_, several) => {
            for argument in several {
                shown.push(from_v10(me, argument)?.unwrap_or(Value::Null));
            }
        }
    }
    Ok(Value::array(shown))
}

/// The reference to a document, written or not.
fn itself(me: &Evaluator, document: &v10::Value) -> Value {
    match document {
        v10::Value::Doc(doc) => match doc.key {
            DocKey::Id(id) => Value::Ref(Ref {
                scope: me.interp.txn.scope(),
                coll: doc.coll,
                id,
            }),
            DocKey::Name(_) => Value::Null,
        },
        _ => Value::Null,
    }
}

/// All fields of a document as a write would leave it, or as it is.
fn contents(me: &mut Evaluator, document: &v10::Value) -> Result {
    let v10::Value::Doc(doc) = document else {
        return Ok(Value::Null);
    };
    let scope = me.interp.txn.scope();
    let version = match me.interp.prospective_version(doc) {
        Some(version) => Some(version.clone()),
        None => match doc.key {
            DocKey::Id(id) => me.interp.txn.get(doc.coll, id, None)?,
            DocKey::Name(_) => None,
        },
    };
    Ok(version.map_or(Value::Null, |version| {
        Value::object(documents::contents(scope, doc.coll, &version))
    }))
}

/// What FQL v10 is told about errors of a function.
fn failure_of(errors: &[Error]) -> Failure {
    match errors {
        [one] if one.code == Code::CallError => failure_of(&one.cause),
        [one] if one.code == Code::TransactionAborted => {
            let mut failure = Failure::new("abort", "Query aborted.");
            if let Some(query) = failure.query_mut() {
                query.abort = Some(v10::Value::string(one.description.as_str()));
            }
            failure
        }
        errors => {
            let texts: Vec<&str> = errors
                .iter()
                .map(|error| error.description.as_str())
                .collect();
            Failure::new("eval_error", texts.join("\n"))
        }
    }
}

/// A value of FQL v10 as one of v4; `None` if it has no form there.
pub fn from_v10(
    me: &mut Evaluator,
    value: &v10::Value,
) -> crate::fql::interp::Result<Option<Value>> {
    deep(|| {
        Ok(Some(match value {
            v10::Value::Doc(doc) => {
                if me.interp.prospective_version(doc).is_some() {
                    return match contents(me, value) {
                        Ok(contents) => Ok(Some(contents)),
                        Err(Stop::Failure(failure)) => Err(failure),
                        Err(Stop::Errors(_)) => Ok(None),
                    };
                }
                let scope = me.interp.txn.scope();
                match me.interp.doc_id(doc)? {
                    Some(id) => Value::Ref(Ref {
                        scope,
                        coll: doc.coll,
                        id,
                    }),
                    None => {
                        let name = me.interp.doc_name(doc)?;
                        Value::Unresolved(Arc::new(NameRef::named(doc.coll, name)))
                    }
                }
            }
            v10::Value::Array(items) => {
                let mut out = Vec::with_capacity(items.len());
                for item in items.iter() {
                    match from_v10(me, item)? {
                        Some(item) => out.push(item),
                        None => return Ok(None),
                    }
                }
                Value::array(out)
            }
            v10::Value::Object(object) => {
                let mut out = Object::new();
                for (name, field) in object.iter() {
                    match from_v10(me, field)? {
                        Some(field) => out.insert(name.clone(), field),
                        None => return Ok(None),
                    };
                }
                Value::object(out)
            }
            v10::Value::Null(_)
            | v10::Value::Bool(_)
            | v10::Value::Int(_)
            | v10::Value::Long(_)
            | v10::Value::Double(_)
            | v10::Value::Id(_)
            | v10::Value::String(_)
            | v10::Value::Bytes(_)
            | v10::Value::Time(_)
            | v10::Value::TransactionTime
            | v10::Value::Date(_)
            | v10::Value::Uuid(_) => stored::from_stored(me.interp.txn.scope(), value),
            v10::Value::Set(_)
            | v10::Value::Cursor(_)
            | v10::Value::Module(_)
            | v10::Value::Lambda(_)
            | v10::Value::Native(_)
            | v10::Value::Function(_)
            | v10::Value::EventSource(_)
            | v10::Value::Query(_) => return Ok(None),
        }))
    })
}

/// A value of v4 as one of FQL v10.
pub fn to_v10(me: &mut Evaluator, value: &Value) -> Result<v10::Value> {
    deep(|| {
        let own = me.interp.txn.scope();
        let document = |me: &Evaluator, of: Ref| match of.scope == own {
            true => v10::Value::Doc(me.interp.doc(of.coll, of.id)),
            false => v10::Value::string("[db-external Document]"),
        };
        Ok(match value {
            Value::Ref(of) => document(me, *of),
            Value::Document(of) => document(me, of.reference),
            Value::Unresolved(_) => v10::Value::string("[unresolved Document]"),
            Value::Array(items) => {
                let items = items.iter().map(|item| to_v10(me, item));
                v10::Value::array(items.collect::<Result<_>>()?)
            }
            Value::Object(object) => {
                let mut out = v10::Object::new();
                for (name, field) in object.iter() {
                    out.insert(name.clone(), to_v10(me, field)?);
                }
                v10::Value::object(out)
            }
            Value::Page(page) => {
                let mut out = v10::Object::new();
                if let Some(before) = &page.before {
                    out.insert("before", to_v10(me, before)?);
                }
                if let Some(after) = &page.after {
                    out.insert("after", to_v10(me, after)?);
                }
                let data = page.data.iter().map(|item| to_v10(me, item));
                out.insert("data", v10::Value::array(data.collect::<Result<_>>()?));
                v10::Value::object(out)
            }
            Value::Element(element) => to_v10(me, &element.value)?,
            Value::Cursor(inner) => to_v10(me, inner)?,
            other => documents::to_stored(me, other)?,
        })
    })
}

/// `Call(function, arguments)`: a user's function of either language.
pub fn call_function(
    me: &mut Evaluator,
    function: Value,
    arguments: Value,
    place: &Place,
) -> Result {
    let at = place.at("call");
    let own = me.interp.txn.scope();
    let (scope, id) = match function {
        Value::String(name) => match refs::lookup(me, own, native::FUNCTION, &name)? {
            Some(id) => (own, id),
            None => {
                let unknown = NameRef::named(native::FUNCTION, name);
                return Err(undefined(&unknown, &at).into());
            }
        },
        Value::Ref(of) if of.coll == native::FUNCTION => (of.scope, of.id),
        Value::Unresolved(name) => return Err(undefined(&name, &at).into()),
        other => return Err(Expected(&["Identifier"]).error(&other, &at).into()),
    };
    let txn = &mut me.interp.txn;
    let found = txn.with_scope(scope, |txn| txn.schema().function(id).cloned())?;
    let Some(definition) = found else {
        return Err(Error::not_found(&at, "Function").into());
    };
    let told = to_v10(me, &arguments)?;
    let resource = Resource::Function(&definition.name);
    if !me
        .interp
        .allowed_legacy(Action::Call, resource, told.clone())?
    {
        return Err(Error::permission_denied(place).into());
    }
    match &definition.query {
        Some(query) => call_stored(me, &definition, query, arguments, place),
        None => call_v10(me, &definition, told, place),
    }
}

fn call_stored(
    me: &mut Evaluator,
    definition: &Function,
    query: &StoredQuery,
    arguments: Value,
    place: &Place,
) -> Result {
    let Some(closure) = me.stored_closure(&query.text) else {
        return Err(Error::expression(place, "Invalid lambda.").into());
    };
    let result = me.as_role_of(definition, |me| me.apply(&closure, arguments, place));
    result.map_err(|stop| match stop {
        Stop::Errors(errors) => match errors.as_slice() {
            [one] if one.code == Code::StackOverflow => Stop::Errors(errors),
            _ => {
                let text = "Calling the function resulted in an error.";
                let mut error = Error::new(Code::CallError, place, text);
                error.cause = errors;
                error.into()
            }
        },
        failure => failure,
    })
}

fn call_v10(
    me: &mut Evaluator,
    definition: &Arc<Function>,
    argument: v10::Value,
    place: &Place,
) -> Result {
    let aborted = |text: &str| -> Stop { Error::new(Code::TransactionAborted, place, text).into() };
    let lambda = match definition.body.lambda() {
        Ok(lambda) => lambda.clone(),
        Err(_) => return Err(aborted("The function cannot be read.")),
    };
    let arguments = PredicateArguments::Single(argument).listed(lambda.params.len());
    let ceiling = crate::fql::interp::Ceiling {
        effect: me.limit.effect,
        reason: me.limit.reason,
    };
    let result = me.interp.limited(ceiling, |interp| {
        interp.as_role_of(definition, |interp| {
            interp.call_stored(&lambda, &definition.body.source, arguments)
        })
    });
    let failure = match result {
        Ok(value) => {
            return match from_v10(me, &value)? {
                Some(value) => Ok(value),
                None => {
                    let text = format!(
                        "v10 value has type {}, which cannot be represented in v4.",
                        value.type_name()
                    );
                    Err(Error::argument(place, text).into())
                }
            };
        }
        Err(failure) => failure,
    };
    match &*failure.0 {
        FailureKind::Query(query) => match &query.abort {
            Some(value) => {
                let text = me.interp.display(value)?;
                Err(aborted(&text))
            }
            None => Err(aborted(&query.message)),
        },
        FailureKind::Protocol(_) => Err(failure.into()),
    }
}
