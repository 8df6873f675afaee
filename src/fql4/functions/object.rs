//! Objects and paths (`spec fql4 6.3`); `Select` is a node of its own.

use crate::fql::interp::Effect;
use crate::fql4::error::{Collected, Error, Result};
use crate::fql4::eval::{Arguments, Evaluator, Expected, PathStep, path_steps};
use crate::fql4::forms::{Cast, Form, Versions, form, key, optional, positional};
use crate::fql4::kind;
use crate::fql4::order::same;
use crate::fql4::place::Place;
use crate::fql4::refs;
use crate::fql4::sets;
use crate::fql4::value::{EventData, Object, Value};
use crate::fql4::version::ApiVersion;
use std::sync::Arc;

/// The declarations.
pub const FORMS: &[Form] = &[
    form(
        &["Contains"],
        &[key("contains", Cast::Path), key("in", Cast::Any)],
        positional(2, 2),
        Effect::Pure,
        contains_path,
    ),
    form(
        &["ContainsPath"],
        &[key("contains_path", Cast::Path), key("in", Cast::Any)],
        positional(2, 2),
        Effect::Pure,
        contains_path,
    )
    .only(Versions::from(ApiVersion::V3)),
    form(
        &["ContainsField"],
        &[key("contains_field", Cast::String), key("in", Cast::Any)],
        positional(2, 2),
        Effect::Pure,
        contains_field,
    )
    .only(Versions::from(ApiVersion::V3)),
    form(
        &["ContainsValue"],
        &[key("contains_value", Cast::Any), key("in", Cast::Any)],
        positional(2, 2),
        Effect::Read,
        contains_value,
    )
    .only(Versions::from(ApiVersion::V3)),
    form(
        &["Merge"],
        &[
            key("merge", Cast::Any),
            key("with", Cast::Any),
            optional("lambda", Cast::Lambda),
        ],
        positional(2, 3),
        Effect::Pure,
        merge,
    ),
    form(
        &["ToObject"],
        &[key("to_object", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        to_object,
    ),
];

/// The fields of an object or document.
pub(super) fn fields_of(value: &Value) -> Option<Arc<Object>> {
    match value {
        Value::Object(object) => Some(object.clone()),
        Value::Document(document) => {
            let mut object = Object::new();
            object.insert("ref", Value::Ref(document.reference));
            object.insert("ts", document.ts_value());
            if document.is_deleted {
                object.insert("action", Value::string("delete"));
            }
            for (key, value) in document.fields.iter() {
                object.insert(key.clone(), value.clone());
            }
            Some(Arc::new(object))
        }
        _ => None,
    }
}

fn contains_path(me: &mut Evaluator, arguments: Arguments) -> Result {
    let path = path_steps(&arguments.value(0));
    let found = me.find(&arguments.value(1), &path, false)?;
    Ok(Value::Bool(found.is_some()))
}

fn contains_field(me: &mut Evaluator, arguments: Arguments) -> Result {
    let container = arguments.value(1);
    if let Value::Array(_) = container {
        return Err(Expected(&["Object"])
            .error(&container, &arguments.at(1))
            .into());
    }
    let path = [PathStep::Key(arguments.string(0)?)];
    Ok(Value::Bool(me.find(&container, &path, false)?.is_some()))
}

fn contains_value(me: &mut Evaluator, arguments: Arguments) -> Result {
    let (value, container) = (arguments.value(0), arguments.value(1));
    let holds = |candidate: &Value| same(candidate, &value);
    Ok(Value::Bool(match &container {
        Value::Array(items) => items.iter().any(holds),
        Value::Object(object) => object.iter().any(|(_, field)| holds(field)),
        Value::Page(page) => {
            let cursor = |cursor: &Option<Value>| match cursor {
                Some(Value::Cursor(inner)) => matches!(&**inner, Value::Array(_)) && holds(inner),
                _ => false,
            };
            holds(&Value::array(page.data.clone())) || cursor(&page.before) || cursor(&page.after)
        }
        Value::Document(document) => {
            let reference = document.reference;
            holds(&Value::Ref(reference))
                || holds(&Value::Ref(refs::collection_ref(
                    reference.scope,
                    reference.coll,
                )))
                || holds(&document.ts_value())
                || document.fields.iter().any(|(_, field)| holds(field))
        }
        Value::Event(event) => {
            holds(&event.ts_value())
                || holds(&Value::Action(event.action))
                || holds(&Value::Ref(event.document))
                || match &event.data {
                    EventData::Document(data) => holds(data),
                    EventData::Set(values) => values.iter().any(holds),
                }
        }
        Value::Ref(reference) => {
            let mut found = false;
            for part in ["id", "collection", "database"] {
                found |= refs::part(me, *reference, part)?.is_some_and(|part| holds(&part));
            }
            found
        }
        Value::Set(set) => sets::contains(me, set, &value, &arguments.at(0))?,
        Value::Element(_) | Value::Cursor(_) | Value::Lambda(_) | Value::Query(_) => false,
        Value::Null
        | Value::Bool(_)
        | Value::Long(_)
        | Value::Double(_)
        | Value::String(_)
        | Value::Bytes(_)
        | Value::Uuid(_)
        | Value::Time(_)
        | Value::TransactionTime
        | Value::TransactionMicros
        | Value::Date(_)
        | Value::Action(_)
        | Value::Unresolved(_) => {
            let expected = Expected(&["Object", "Array", "Page", "Set", "Ref"]);
            return Err(expected.provided("Scalar", &arguments.at(1)).into());
        }
    }))
}

fn merge(me: &mut Evaluator, arguments: Arguments) -> Result {
    let mut collected = Collected::default();
    let mut object = |value: &Value, place: &Place| {
        let object = fields_of(value).ok_or_else(|| Expected(&["Object"]).error(value, place));
        collected.take(object.map_err(Into::into))
    };
    let left = object(&arguments.value(0), &arguments.at(0));
    let right: Vec<Option<Arc<Object>>> = match arguments.value(1) {
        Value::Array(items) => {
            let at = arguments.at(1);
            let each = items.iter().enumerate();
            each.map(|(i, item)| object(item, &at.index(i))).collect()
        }
        single => vec![object(&single, &arguments.at(1))],
    };
    let (left, right) = collected.finish((left, right))?;
    let lambda = match arguments.get(2) {
        Some(_) => Some(arguments.lambda(2)?),
        None => None,
    };
    let mut merged = left.map(|left| Object::clone(&left)).unwrap_or_default();
    for object in right.iter().flatten() {
        for (key, value) in object.iter() {
            let value = match &lambda {
                Some(lambda) => {
                    let before = merged.get(key).cloned().unwrap_or(Value::Null);
                    let triple =
                        Value::array(vec![Value::String(key.clone()), before, value.clone()]);
                    me.apply(lambda, triple, arguments.place())?
                }
                None => value.clone(),
            };
            match value {
                Value::Null => merged.remove(key),
                value => merged.insert(key.clone(), value),
            };
        }
    }
    Ok(Value::object(merged))
}

fn to_object(_: &mut Evaluator, arguments: Arguments) -> Result {
    let value = arguments.value(0);
    let place = arguments.at(0);
    let Value::Array(items) = &value else {
        return match fields_of(&value) {
            Some(object) => Ok(Value::Object(object)),
            None => {
                let message = format!("Cannot cast {} to Object.", kind::of(&value));
                Err(Error::argument(&place, message).into())
            }
        };
    };
    let mut collected = Collected::default();
    let mut object = Object::new();
    for (i, item) in items.iter().enumerate() {
        match item {
            Value::Array(pair) => match pair.as_slice() {
                [Value::String(key), value] => {
                    object.insert(key.clone(), value.clone());
                }
                _ => collected.add(Expected(&["Field/Value"]).error(item, &place.index(i))),
            },
            other => collected.add(Expected(&["Field/Value"]).error(other, &place.index(i))),
        }
    }
    collected.finish(Value::object(object))
}
