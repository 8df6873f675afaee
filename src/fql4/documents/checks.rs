//! What may be wrong with the fields of a document that FQL v4 writes (`spec fql4 2, 8`).
//!
//! Faults are told by path and code; all of a document are collected, each once. A decoder that finds the wrong kind of
//! value names the kind it expected as the original calls it.

use crate::fql4::error::{Error, FieldFailure};
use crate::fql4::place::Place;
use crate::value::{Object, Str, Value};

/// What is wrong with a document.
#[derive(Debug, Default)]
pub struct Faults(Vec<FieldFailure>);

/// Characters of names, as messages show them.
const NAME_CHARACTERS: &str = r"[;@+$\-_.!~%\w]+";

/// The kind of a stored value in messages.
pub fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null(_) => "Null",
        Value::Bool(_) => "Boolean",
        Value::Int(_) | Value::Long(_) | Value::Id(_) => "Long",
        Value::Double(_) => "Double",
        Value::String(_) => "String",
        Value::Bytes(_) => "Bytes",
        Value::Time(_) => "Time",
        Value::TransactionTime => "TransactionTime",
        Value::Date(_) => "Date",
        Value::Uuid(_) => "UUID",
        Value::Array(_) => "Array",
        Value::Object(_) => "Map",
        Value::Doc(_) => "Ref",
        Value::Query(_) => "Query",
        Value::Set(_)
        | Value::Cursor(_)
        | Value::Module(_)
        | Value::Lambda(_)
        | Value::Native(_)
        | Value::Function(_)
        | Value::EventSource(_) => "Map",
    }
}

/// The error of one field of the wrong kind.
pub fn invalid_type(name: &str, expected: &str, value: &Value, place: &Place) -> Error {
    let mut faults = Faults::default();
    faults.wrong_type(&[name], expected, value);
    Error::validation(place, faults.into_failures())
}

impl Faults {
    /// All of them, each once.
    pub fn into_failures(self) -> Vec<FieldFailure> {
        let mut out: Vec<FieldFailure> = Vec::new();
        for fault in self.0 {
            if !out.contains(&fault) {
                out.push(fault);
            }
        }
        out
    }

    /// Notes a fault.
    pub fn add(&mut self, path: &[&str], code: &'static str, description: impl Into<String>) {
        self.0.push(FieldFailure {
            field: path.iter().map(|part| Str::from(*part)).collect(),
            code,
            description: description.into(),
        });
    }

    /// `value required`
    pub fn required(&mut self, path: &[&str]) {
        self.add(path, "value required", "Required value not found.");
    }

    /// `invalid type`
    pub fn wrong_type(&mut self, path: &[&str], expected: &str, value: &Value) {
        let actual = kind_of(value);
        self.add(
            path,
            "invalid type",
            format!("Invalid type {actual}, expected type {expected}."),
        );
    }

    /// A field that must fit, if it is there.
    pub fn optional(
        &mut self,
        object: &Object,
        name: &str,
        expected: &str,
        fits: impl FnOnce(&Value) -> bool,
    ) {
        match object.get(name) {
            None | Some(Value::Null(_)) => {}
            Some(value) if fits(value) => {}
            Some(value) => self.wrong_type(&[name], expected, value),
        }
    }

    /// A field that must be there and fit.
    pub fn needed(
        &mut self,
        object: &Object,
        name: &str,
        expected: &str,
        fits: impl FnOnce(&Value) -> bool,
    ) {
        match object.get(name) {
            None | Some(Value::Null(_)) => self.required(&[name]),
            Some(_) => self.optional(object, name, expected, fits),
        }
    }

    /// `data`, or any other field that is an object.
    pub fn map(&mut self, object: &Object, name: &str) {
        self.optional(object, name, "Map", |value| {
            matches!(value, Value::Object(_))
        });
    }

    /// `ttl`
    pub fn ttl(&mut self, object: &Object) {
        self.optional(object, "ttl", "Timestamp", |value| {
            matches!(value, Value::Time(_) | Value::TransactionTime)
        });
    }

    /// A Boolean field.
    pub fn boolean(&mut self, object: &Object, name: &str) {
        self.optional(object, name, "Boolean", |value| {
            matches!(value, Value::Bool(_))
        });
    }

    /// An integer field.
    pub fn long(&mut self, object: &Object, name: &str) {
        self.optional(object, name, "Long", is_long);
    }

    /// `priority`
    pub fn priority(&mut self, object: &Object) {
        let in_range = |value: &Value| {
            is_long(value) && value.as_i64().is_some_and(|n| (1..=500).contains(&n))
        };
        self.optional(object, "priority", "Priority", in_range);
    }

    /// `name`
    pub fn name(&mut self, object: &Object) {
        match object.get("name") {
            Some(Value::String(name)) if &**name == "_" => self.add(
                &["name"],
                "reserved name",
                "Invalid name _. Reserved names: _.",
            ),
            Some(Value::String(name)) if !crate::fql4::names::is_valid(name) => self.add(
                &["name"],
                "invalid characters",
                format!(
                    "The name {name} uses invalid characters. Valid characters must match: {NAME_CHARACTERS}"
                ),
            ),
            Some(Value::String(_)) => {}
            None => self.required(&["name"]),
            Some(other) => self.wrong_type(&["name"], "Name", other),
        }
    }

    /// `role` of keys and functions: a name, a reference to a role, or several.
    pub fn role(&mut self, object: &Object, is_needed: bool) {
        match is_needed {
            true => self.needed(object, "role", "Role", is_role),
            false => self.optional(object, "role", "Role", is_role),
        }
    }
}

/// An integer as stored.
pub fn is_long(value: &Value) -> bool {
    matches!(value, Value::Int(_) | Value::Long(_))
}

/// A reference to a document of a collection.
pub fn is_reference_to(value: &Value, coll: crate::value::CollId) -> bool {
    matches!(value, Value::Doc(doc) if doc.coll == coll)
}

fn is_role(value: &Value) -> bool {
    let role = |value: &Value| match value {
        Value::Doc(doc) => doc.coll == crate::model::native::ROLE,
        Value::String(name) => !crate::model::schema::check::is_builtin_role(name),
        _ => false,
    };
    match value {
        Value::String(_) => true,
        Value::Array(items) => items.iter().all(role),
        one => role(one),
    }
}
