//! Values as they are stored, and back.
//!
//! Stored values are those of FQL v10. What has no form of its own becomes plain data: a set or page is an object, an event
//! too. References lose their database, so that those of others are refused before.

use crate::fql4::error::{Error, Result};
use crate::fql4::eval::Evaluator;
use crate::fql4::place::Place;
use crate::fql4::refs;
use crate::fql4::render;
use crate::fql4::sets::Set;
use crate::fql4::stored::reference_to_stored;
use crate::fql4::value::{EventData, Object, ScopeId, Value};
use crate::store::TxnTime;
use crate::value::{self, deep};
use std::sync::Arc;

fn object<const N: usize>(fields: [(&str, value::Value); N]) -> value::Value {
    value::Value::object(fields.into_iter().collect())
}

/// A value as it is stored. References that do not resolve were refused before.
pub fn to_stored(me: &mut Evaluator, value: &Value) -> Result<value::Value> {
    deep(|| {
        Ok(match value {
            Value::Null | Value::Unresolved(_) => value::Value::NULL,
            Value::Bool(flag) => value::Value::Bool(*flag),
            Value::Long(n) => value::Value::integer(*n),
            Value::Double(x) => value::Value::Double(*x),
            Value::String(text) => value::Value::String(text.clone()),
            Value::Bytes(bytes) => value::Value::Bytes(bytes.clone()),
            Value::Uuid(uuid) => value::Value::Uuid(*uuid),
            Value::Time(time) => value::Value::Time(*time),
            Value::TransactionTime | Value::TransactionMicros => value::Value::TransactionTime,
            Value::Date(date) => value::Value::Date(*date),
            Value::Action(action) => value::Value::string(action.text()),
            Value::Array(items) => items_stored(me, items)?,
            Value::Object(object) => value::Value::object(fields_stored(me, object)?),
            Value::Ref(of) => reference_to_stored(*of),
            Value::Set(set) => set_stored(me, set)?,
            Value::Page(page) => {
                let mut fields = value::Object::new();
                if let Some(before) = &page.before {
                    fields.insert("before", to_stored(me, before)?);
                }
                if let Some(after) = &page.after {
                    fields.insert("after", to_stored(me, after)?);
                }
                fields.insert("data", items_stored(me, &page.data)?);
                value::Value::object(fields)
            }
            Value::Document(document) => {
                let collection = reference_to_stored(refs::collection_ref(
                    document.reference.scope,
                    document.reference.coll,
                ));
                let mut fields: value::Object = [
                    ("ref", reference_to_stored(document.reference)),
                    ("class", collection.clone()),
                    ("collection", collection),
                    ("ts", ts(document.ts)),
                ]
                .into_iter()
                .collect();
                for (name, value) in document.fields.iter() {
                    fields.insert(name.clone(), to_stored(me, value)?);
                }
                value::Value::object(fields)
            }
            Value::Event(event) => {
                let mut fields: value::Object = [
                    ("ts", ts(event.ts)),
                    ("action", value::Value::string(event.action.text())),
                    ("resource", reference_to_stored(event.document)),
                ]
                .into_iter()
                .collect();
                match &event.data {
                    EventData::Set(values) if !values.is_empty() => {
                        fields.insert("values", items_stored(me, values)?);
                    }
                    EventData::Set(_) | EventData::Document(_) => {}
                }
                value::Value::object(fields)
            }
            Value::Element(element) => {
                let sources: Vec<Value> = element.sources.iter().cloned().map(Value::Set).collect();
                object([
                    ("value", to_stored(me, &element.value)?),
                    ("sources", items_stored(me, &sources)?),
                ])
            }
            Value::Cursor(inner) => to_stored(me, inner)?,
            Value::Lambda(_) => {
                let text = render::render(me, value)?;
                let query = text
                    .strip_prefix("{\"@query\":")
                    .and_then(|t| t.strip_suffix('}'));
                value::Value::query(query.unwrap_or(&text))
            }
            Value::Query(text) => value::Value::query(text.clone()),
        })
    })
}

fn ts(ts: Option<TxnTime>) -> value::Value {
    ts.map_or(value::Value::TransactionTime, |ts| {
        value::Value::integer(ts.0)
    })
}

/// The fields of an object as they are stored.
pub fn fields_stored(me: &mut Evaluator, object: &Object) -> Result<value::Object> {
    let mut fields = value::Object::new();
    for (name, value) in object.iter() {
        fields.insert(name.clone(), to_stored(me, value)?);
    }
    Ok(fields)
}

fn items_stored(me: &mut Evaluator, items: &[Value]) -> Result<value::Value> {
    let items = items.iter().map(|item| to_stored(me, item));
    Ok(value::Value::array(items.collect::<Result<_>>()?))
}

/// A set as data.
fn set_stored(me: &mut Evaluator, set: &Arc<Set>) -> Result<value::Value> {
    let sets = |me: &mut Evaluator, sets: &[Arc<Set>]| -> Result<value::Value> {
        let sets = sets.iter().map(|set| set_stored(me, set));
        Ok(value::Value::array(sets.collect::<Result<_>>()?))
    };
    let inner = match &**set {
        Set::Native { scope, coll } => {
            return Ok(reference_to_stored(refs::native_ref(*scope, *coll)));
        }
        Set::Document(of) | Set::Singleton(of) => return Ok(reference_to_stored(*of)),
        Set::Documents(of) => object([("documents", reference_to_stored(*of))]),
        Set::Match { index, terms } => {
            let mut fields: value::Object = [("match", reference_to_stored(*index))]
                .into_iter()
                .collect();
            match terms.as_slice() {
                [] => {}
                [term] => {
                    fields.insert("terms", to_stored(me, term)?);
                }
                terms => {
                    fields.insert("terms", items_stored(me, terms)?);
                }
            }
            value::Value::object(fields)
        }
        Set::Union(of) => object([("union", sets(me, of)?)]),
        Set::Intersection(of) => object([("intersection", sets(me, of)?)]),
        Set::Difference(of) => object([("difference", sets(me, of)?)]),
        Set::Distinct(of) => object([("distinct", set_stored(me, of)?)]),
        Set::Join(of, with) => object([
            ("join", set_stored(me, of)?),
            ("with", to_stored(me, &Value::Lambda(with.clone()))?),
        ]),
        Set::JoinIndex(of, with) => object([
            ("join", set_stored(me, of)?),
            ("with", reference_to_stored(*with)),
        ]),
        Set::Events(of) => object([("events", set_stored(me, of)?)]),
        Set::Filter(of, with) => object([
            ("filter", to_stored(me, &Value::Lambda(with.clone()))?),
            ("collection", set_stored(me, of)?),
        ]),
        // The original breaks down over these.
        Set::Range { .. } | Set::Reverse(_) => {
            let failure = crate::fql::interp::Failure::protocol(
                500,
                "internal server error",
                "A range or reversed set cannot be stored.",
            );
            return Err(failure.into());
        }
    };
    Ok(object([("@set", inner)]))
}

/// What is wrong with references in what is to be written: those to nothing and those to other databases.
pub fn check_references(
    own: ScopeId,
    params: &Object,
    place: &Place,
) -> Vec<crate::fql4::error::FieldFailure> {
    let mut failures = Vec::new();
    let mut path: Vec<value::Str> = place
        .steps()
        .into_iter()
        .map(|step| match step {
            crate::fql4::place::Step::Key(key) => key,
            crate::fql4::place::Step::Index(index) => index.to_string().into(),
        })
        .collect();
    object_references(own, params, &mut path, &mut failures);
    failures
}

fn object_references(
    own: ScopeId,
    object: &Object,
    path: &mut Vec<value::Str>,
    failures: &mut Vec<crate::fql4::error::FieldFailure>,
) {
    for (name, value) in object.iter() {
        path.push(name.clone());
        value_references(own, value, path, failures);
        path.pop();
    }
}

fn value_references(
    own: ScopeId,
    value: &Value,
    path: &mut Vec<value::Str>,
    failures: &mut Vec<crate::fql4::error::FieldFailure>,
) {
    let mut fail = |description: &str| {
        failures.push(crate::fql4::error::FieldFailure {
            field: path.clone(),
            code: "invalid reference",
            description: description.into(),
        });
    };
    match value {
        Value::Ref(reference) if reference.scope != own => fail("Reference cannot be scoped."),
        Value::Unresolved(_) => fail("Cannot read reference."),
        Value::Object(object) => deep(|| object_references(own, object, path, failures)),
        Value::Array(items) => deep(|| {
            for (i, item) in items.iter().enumerate() {
                path.push(i.to_string().into());
                value_references(own, item, path, failures);
                path.pop();
            }
        }),
        _ => {}
    }
}

/// The error of such a write.
pub fn references_error(own: ScopeId, params: &Object, place: &Place) -> Option<Error> {
    let failures = check_references(own, params, place);
    (!failures.is_empty()).then(|| Error::validation(place, failures))
}
