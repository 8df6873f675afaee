//! Values as they are stored, and back: documents, indexes and FQL v10 have values of their own (`spec fql4 10`).

use super::refs;
use super::value::{CollId, DocId, Object, Ref, ScopeId, Str, Value};
use crate::model::native;
use crate::value::{self as stored, Doc, DocKey, Module, StoredQuery};
use std::sync::Arc;

/// A value as it is stored; `None` for what has no stored form: references to other databases or by names that nothing
/// has, sets, pages, events.
pub fn to_stored(scope: ScopeId, value: &Value) -> Option<stored::Value> {
    stored::deep(|| {
        Some(match value {
            Value::Null => stored::Value::NULL,
            Value::Bool(flag) => stored::Value::Bool(*flag),
            Value::Long(n) => stored::Value::integer(*n),
            Value::Double(x) => stored::Value::Double(*x),
            Value::String(text) => stored::Value::String(text.clone()),
            Value::Action(action) => stored::Value::string(action.text()),
            Value::Bytes(bytes) => stored::Value::Bytes(bytes.clone()),
            Value::Uuid(uuid) => stored::Value::Uuid(*uuid),
            Value::Time(time) => stored::Value::Time(*time),
            Value::TransactionTime | Value::TransactionMicros => stored::Value::TransactionTime,
            Value::Date(date) => stored::Value::Date(*date),
            Value::Array(items) => {
                let items = items.iter().map(|item| to_stored(scope, item));
                stored::Value::array(items.collect::<Option<_>>()?)
            }
            Value::Object(object) => {
                let fields = object
                    .iter()
                    .map(|(key, value)| Some((key.clone(), to_stored(scope, value)?)));
                stored::Value::object(fields.collect::<Option<_>>()?)
            }
            Value::Ref(reference) if reference.scope == scope => reference_to_stored(*reference),
            Value::Query(text) => stored_query(text),
            Value::Cursor(inner) => return to_stored(scope, inner),
            Value::Ref(_)
            | Value::Unresolved(_)
            | Value::Set(_)
            | Value::Page(_)
            | Value::Document(_)
            | Value::Event(_)
            | Value::Element(_)
            | Value::Lambda(_) => return None,
        })
    })
}

/// A reference as it is stored.
pub fn reference_to_stored(reference: Ref) -> stored::Value {
    stored::Value::Doc(Arc::new(document(reference)))
}

/// The reference to a document as FQL v10 has it.
pub fn document(reference: Ref) -> Doc {
    Doc {
        coll: reference.coll,
        key: DocKey::Id(reference.id),
        at: None,
        deleted: false,
        named: false,
        cover: None,
    }
}

fn stored_query(text: &Str) -> stored::Value {
    stored::Value::Query(Arc::new(StoredQuery { text: text.clone() }))
}

/// A stored value as FQL v4 knows it. What only FQL v10 has is null.
pub fn from_stored(scope: ScopeId, value: &stored::Value) -> Value {
    stored::deep(|| match value {
        stored::Value::Null(_) => Value::Null,
        stored::Value::Bool(flag) => Value::Bool(*flag),
        stored::Value::Int(n) => Value::Long(i64::from(*n)),
        stored::Value::Long(n) | stored::Value::Id(n) => Value::Long(*n),
        stored::Value::Double(x) => Value::Double(*x),
        stored::Value::String(text) => Value::String(text.clone()),
        stored::Value::Bytes(bytes) => Value::Bytes(bytes.clone()),
        stored::Value::Uuid(uuid) => Value::Uuid(*uuid),
        stored::Value::Time(time) => Value::Time(*time),
        stored::Value::TransactionTime => Value::TransactionTime,
        stored::Value::Date(date) => Value::Date(*date),
        stored::Value::Array(items) => {
            Value::array(items.iter().map(|item| from_stored(scope, item)).collect())
        }
        stored::Value::Object(fields) => Value::object(object_from_stored(scope, fields)),
        stored::Value::Doc(doc) => match doc.key {
            DocKey::Id(id) => Value::Ref(Ref {
                scope,
                coll: doc.coll,
                id,
            }),
            DocKey::Name(_) => Value::Null,
        },
        stored::Value::Module(Module::Collection { id, .. }) => {
            Value::Ref(collection_ref(scope, *id))
        }
        stored::Value::Query(query) => Value::Query(query.text.clone()),
        stored::Value::Module(Module::Native(_) | Module::Deleted)
        | stored::Value::Set(_)
        | stored::Value::Cursor(_)
        | stored::Value::Lambda(_)
        | stored::Value::Native(_)
        | stored::Value::Function(_)
        | stored::Value::EventSource(_) => Value::Null,
    })
}

/// The fields of a stored object.
pub fn object_from_stored(scope: ScopeId, object: &stored::Object) -> Object {
    object
        .iter()
        .map(|(key, value)| (key.clone(), from_stored(scope, value)))
        .collect()
}

/// The reference to a collection, native or not.
pub fn collection_ref(scope: ScopeId, coll: CollId) -> Ref {
    match native::is_native(coll) {
        true => refs::native_ref(scope, coll),
        false => Ref {
            scope,
            coll: native::COLLECTION,
            id: DocId(i64::try_from(coll.0).unwrap_or(i64::MAX)),
        },
    }
}
