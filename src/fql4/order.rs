//! Equality and order of values (`spec fql4 5.3, 5.4`).
//!
//! | relation | used by | function |
//! |---|---|---|
//! | equality of operands | `Equals` | [`equals`] |
//! | equality of parts | inside arrays and objects, `ContainsValue`, `Union`, `Distinct` | [`same`] |
//! | order | `LT` and its like, `Max`, `Min`; of indexes | [`compare`] |
//!
//! The first two differ in numbers: an integer equals a double only as an operand.

use super::value::{Action, Document, Event, EventData, Object, Page, Value};
use super::version::ApiVersion;
use crate::model::native;
use crate::value::key::KeyCodec;
use crate::value::number::compare_doubles;
use crate::value::{self, deep};
use std::cmp::Ordering;
use std::sync::Arc;

/// Whether two operands are equal. Up to version 4 an action equals the name of its older, coarser kind.
pub fn equals(a: &Value, b: &Value, version: ApiVersion) -> bool {
    match (a, b) {
        (Value::Double(x), Value::Double(y)) => compare_doubles(*x, *y).is_eq(),
        (Value::Long(n), Value::Double(x)) | (Value::Double(x), Value::Long(n)) => {
            compare_doubles(*n as f64, *x).is_eq()
        }
        (Value::Action(action), Value::String(name))
        | (Value::String(name), Value::Action(action))
            if version >= ApiVersion::V5 =>
        {
            action.text() == &**name
        }
        (a, b) => same(a, b),
    }
}

/// Whether an action goes by a name: `create` and `delete` are also what actions were called when there were two.
fn is_named(action: Action, name: &str) -> bool {
    match name {
        "create" => action.is_create(),
        "delete" => !action.is_create(),
        name => action.text() == name,
    }
}

/// Whether two parts of values are equal.
pub fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Null, Value::Null)
        | (Value::TransactionTime, Value::TransactionTime)
        | (Value::TransactionMicros, Value::TransactionMicros) => true,
        (Value::Bool(x), Value::Bool(y)) => x == y,
        (Value::Long(x), Value::Long(y)) => x == y,
        (Value::Double(x), Value::Double(y)) => x == y,
        (Value::String(x), Value::String(y)) => x == y,
        (Value::Bytes(x), Value::Bytes(y)) => x == y,
        (Value::Uuid(x), Value::Uuid(y)) => x == y,
        (Value::Time(x), Value::Time(y)) => x == y,
        (Value::Date(x), Value::Date(y)) => x == y,
        (Value::Action(x), Value::Action(y)) => x == y,
        (Value::Action(action), Value::String(name))
        | (Value::String(name), Value::Action(action)) => is_named(*action, name),
        (Value::Array(x), Value::Array(y)) => Arc::ptr_eq(x, y) || all_same(x, y),
        (Value::Object(x), Value::Object(y)) => Arc::ptr_eq(x, y) || same_fields(x, y),
        (Value::Ref(x), Value::Ref(y)) => x == y,
        (Value::Unresolved(x), Value::Unresolved(y)) => x == y,
        (Value::Set(x), Value::Set(y)) => Arc::ptr_eq(x, y) || deep(|| super::sets::same(x, y)),
        (Value::Page(x), Value::Page(y)) => deep(|| same_page(x, y)),
        (Value::Document(x), Value::Document(y)) => Arc::ptr_eq(x, y) || same_document(x, y),
        (Value::Event(x), Value::Event(y)) => deep(|| same_event(x, y)),
        (Value::Element(x), Value::Element(y)) => {
            deep(|| same(&x.value, &y.value))
                && x.sources.len() == y.sources.len()
                && (x.sources.iter().zip(&y.sources)).all(|(x, y)| super::sets::same(x, y))
        }
        (Value::Cursor(x), Value::Cursor(y)) => deep(|| same(x, y)),
        (Value::Lambda(x), Value::Lambda(y)) => {
            Arc::ptr_eq(x, y) || deep(|| super::lambda::same(x, y))
        }
        (Value::Query(x), Value::Query(y)) => x == y,
        (Value::Lambda(closure), Value::Query(text))
        | (Value::Query(text), Value::Lambda(closure)) => super::lambda::is_stored(closure, text),
        _ => false,
    }
}

fn all_same(x: &[Value], y: &[Value]) -> bool {
    x.len() == y.len() && deep(|| x.iter().zip(y).all(|(x, y)| same(x, y)))
}

fn same_fields(x: &Object, y: &Object) -> bool {
    let has =
        |(key, value): (&value::Str, &Value)| y.get(key).is_some_and(|other| same(value, other));
    x.len() == y.len() && deep(|| x.iter().all(has))
}

fn same_option(x: &Option<Value>, y: &Option<Value>) -> bool {
    match (x, y) {
        (Some(x), Some(y)) => same(x, y),
        (x, y) => x.is_none() && y.is_none(),
    }
}

fn same_page(x: &Page, y: &Page) -> bool {
    all_same(&x.data, &y.data)
        && same_option(&x.before, &y.before)
        && same_option(&x.after, &y.after)
}

fn same_document(x: &Document, y: &Document) -> bool {
    x.reference == y.reference
        && x.ts == y.ts
        && x.is_deleted == y.is_deleted
        && same_fields(&x.fields, &y.fields)
}

fn same_event(x: &Event, y: &Event) -> bool {
    let same_data = match (&x.data, &y.data) {
        (EventData::Document(x), EventData::Document(y)) => same(x, y),
        (EventData::Set(x), EventData::Set(y)) => all_same(x, y),
        (EventData::Document(_), EventData::Set(_))
        | (EventData::Set(_), EventData::Document(_)) => false,
    };
    x.ts == y.ts && x.action == y.action && x.document == y.document && same_data
}

/// The order of index entries, over all kinds.
pub fn compare(codec: &KeyCodec, a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Long(x), Value::Long(y)) => x.cmp(y),
        (Value::Double(x), Value::Double(y)) => compare_doubles(*x, *y),
        (Value::Long(n), Value::Double(x)) => compare_doubles(*n as f64, *x),
        (Value::Double(x), Value::Long(n)) => compare_doubles(*x, *n as f64),
        (Value::Bytes(x), Value::Bytes(y)) => x.cmp(y),
        (Value::String(x), Value::String(y)) => compare_strings(codec, x, y),
        (Value::Array(x), Value::Array(y)) => compare_lists(codec, x, y),
        (Value::Object(x), Value::Object(y)) => deep(|| {
            let fields = x.iter().zip(y.iter()).map(|((key, x), (other, y))| {
                compare_strings(codec, key, other).then_with(|| compare(codec, x, y))
            });
            let unequal = fields.into_iter().find(|order| order.is_ne());
            unequal.unwrap_or_else(|| x.len().cmp(&y.len()))
        }),
        (Value::Ref(x), Value::Ref(y)) => x.id.cmp(&y.id).then(x.coll.cmp(&y.coll)),
        (Value::Time(x), Value::Time(y)) => x.cmp(y),
        (Value::Date(x), Value::Date(y)) => x.cmp(y),
        (Value::Uuid(x), Value::Uuid(y)) => x.cmp(y),
        (Value::Bool(x), Value::Bool(y)) => x.cmp(y),
        (Value::Query(x), Value::Query(y)) => x.cmp(y),
        (a, b) => match (plain(a), plain(b)) {
            (None, None) => rank(a).cmp(&rank(b)),
            (x, y) => deep(|| compare(codec, x.as_ref().unwrap_or(a), y.as_ref().unwrap_or(b))),
        },
    }
}

fn compare_lists(codec: &KeyCodec, x: &[Value], y: &[Value]) -> Ordering {
    deep(|| {
        let unequal = x
            .iter()
            .zip(y)
            .map(|(x, y)| compare(codec, x, y))
            .find(|order| order.is_ne());
        unequal.unwrap_or_else(|| x.len().cmp(&y.len()))
    })
}

/// A string that begins another comes first; otherwise by collation.
fn compare_strings(codec: &KeyCodec, a: &value::Str, b: &value::Str) -> Ordering {
    if a.starts_with(&**b) || b.starts_with(&**a) {
        return a.len().cmp(&b.len());
    }
    codec.compare(
        &value::Value::String(a.clone()),
        &value::Value::String(b.clone()),
    )
}

/// What a value of a richer kind counts as.
fn plain(value: &Value) -> Option<Value> {
    Some(match value {
        Value::Action(action) => Value::string(action.text()),
        Value::Page(page) => {
            let mut object = Object::new();
            for (key, cursor) in [("before", &page.before), ("after", &page.after)] {
                if let Some(cursor) = cursor {
                    object.insert(key, cursor.clone());
                }
            }
            object.insert("data", Value::array(page.data.clone()));
            Value::object(object)
        }
        Value::Document(document) => {
            let mut object = Object::new();
            let collection =
                super::refs::collection_ref(document.reference.scope, document.reference.coll);
            object.insert("ref", Value::Ref(document.reference));
            object.insert("class", Value::Ref(collection));
            object.insert("collection", Value::Ref(collection));
            object.insert(
                "ts",
                document
                    .ts
                    .map_or(Value::TransactionMicros, |ts| Value::Long(ts.0)),
            );
            for (key, value) in document.fields.iter() {
                object.insert(key.clone(), value.clone());
            }
            Value::object(object)
        }
        Value::Event(event) => {
            let mut object = Object::new();
            object.insert(
                "ts",
                event
                    .ts
                    .map_or(Value::TransactionMicros, |ts| Value::Long(ts.0)),
            );
            object.insert("action", Value::string(event.action.text()));
            object.insert("resource", Value::Ref(event.document));
            if let EventData::Set(values) = &event.data
                && !values.is_empty()
            {
                object.insert("values", Value::array(values.clone()));
            }
            Value::object(object)
        }
        Value::Element(element) => {
            let sources = element.sources.iter().cloned().map(Value::Set).collect();
            Value::object(Object::from_iter([
                ("value".into(), element.value.clone()),
                ("sources".into(), Value::array(sources)),
            ]))
        }
        Value::Cursor(inner) => (**inner).clone(),
        Value::Set(set) => match &**set {
            super::sets::Set::Native { scope, coll } => {
                Value::Ref(super::refs::native_ref(*scope, *coll))
            }
            super::sets::Set::Document(reference) => Value::Ref(*reference),
            _ => return None,
        },
        _ => return None,
    })
}

/// The place of a kind among the kinds.
fn rank(value: &Value) -> u8 {
    match value {
        Value::Long(_) | Value::Double(_) => 0,
        // Behind every number: it is later than all that is known.
        Value::TransactionMicros => 1,
        Value::Bytes(_) => 2,
        Value::String(_) | Value::Action(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_)
        | Value::Page(_)
        | Value::Document(_)
        | Value::Event(_)
        | Value::Element(_)
        | Value::Cursor(_)
        | Value::Set(_) => 5,
        Value::Ref(_) | Value::Unresolved(_) => 6,
        Value::Time(_) => 7,
        Value::TransactionTime => 8,
        Value::Date(_) => 9,
        Value::Lambda(_) | Value::Query(_) => 10,
        Value::Uuid(_) => 11,
        Value::Bool(false) => 12,
        Value::Bool(true) => 13,
        Value::Null => 14,
    }
}

/// Whether a reference is to a native collection.
pub fn is_native_collection(reference: super::value::Ref) -> bool {
    reference.coll == native::COLLECTION
        && u64::try_from(reference.id.0).is_ok_and(|id| id < native::FIRST_USER_COLLECTION)
}
