//! The names of kinds of values in messages (`spec fql4 4.3`).

use super::read::Json;
use super::value::{NameRef, Ref, Value};
use crate::model::native;
use crate::value::CollId;

/// The kind of a value.
pub fn of(value: &Value) -> &'static str {
    match value {
        Value::Null => "Null",
        Value::Bool(_) => "Boolean",
        Value::Long(_) => "Integer",
        Value::Double(_) => "Double",
        Value::String(_) => "String",
        Value::Bytes(_) => "Bytes",
        Value::Uuid(_) => "UUID",
        Value::Time(_) => "Time",
        Value::TransactionTime | Value::TransactionMicros => "Unresolved Transaction Time",
        Value::Date(_) => "Date",
        Value::Action(_) => "Action",
        Value::Array(_) => "Array",
        Value::Object(_) | Value::Document(_) | Value::Event(_) | Value::Element(_) => "Object",
        Value::Ref(reference) => of_ref(*reference),
        Value::Unresolved(reference) => of_name(reference),
        Value::Set(_) => "Set",
        Value::Page(_) => "Page",
        Value::Cursor(inner) => of(inner),
        Value::Lambda(_) | Value::Query(_) => "Lambda",
    }
}

/// The kind of a reference that resolved. A role is just a reference.
pub fn of_ref(reference: Ref) -> &'static str {
    match reference.coll {
        native::COLLECTION => "Collection Ref",
        native::LEGACY_INDEX => "Index Ref",
        native::DATABASE => "Database Ref",
        native::KEY => "Key Ref",
        native::FUNCTION => "User Function Ref",
        _ => "Ref",
    }
}

/// The kind of a reference by names.
pub fn of_name(reference: &NameRef) -> &'static str {
    match reference {
        NameRef::Native { .. } => "Collection Ref",
        NameRef::Named { coll, .. } => of_named(*coll),
        NameRef::Key { .. } => "Key Ref",
        NameRef::Document { .. } | NameRef::Own(_) => "Ref",
    }
}

fn of_named(coll: CollId) -> &'static str {
    match coll {
        native::COLLECTION => "Collection Ref",
        native::LEGACY_INDEX => "Index Ref",
        native::DATABASE => "Database Ref",
        native::FUNCTION => "User Function Ref",
        native::ROLE => "Role Ref",
        native::ACCESS_PROVIDER => "Access Provider Ref",
        _ => "Ref",
    }
}

/// The kind of a value on the wire.
pub fn of_json(json: &Json) -> &'static str {
    match json {
        Json::Null => "Null",
        Json::Bool(_) => "Boolean",
        Json::Long(_) => "Integer",
        Json::Double(_) => "Double",
        Json::String(_) => "String",
        Json::Array(_) => "Array",
        Json::Object(_) => "Object",
    }
}
