//! What a write makes of its argument: merging, nulls, storability (`spec fql10-data 1.3`).

use super::failure::PathDisplay;
use crate::value::{DocKey, Object, PathPart, Value};
use std::sync::Arc;

/// What `create` and `replace` store: fields that are null are dropped, at every depth; null elements stay.
pub fn without_nulls(object: &Object) -> Object {
    object
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.clone(), drop_nulls(value)))
        .collect()
}

fn drop_nulls(value: &Value) -> Value {
    match value {
        Value::Object(object) => Value::object(without_nulls(object)),
        Value::Array(items) if items.iter().any(is_compound) => {
            Value::array(items.iter().map(drop_nulls).collect())
        }
        other => other.clone(),
    }
}

/// What `update` stores: objects merge key by key, null removes a field, everything else replaces. Keys that are
/// there keep their place; new ones are appended. Arrays of the patch lose their null elements.
pub fn merged(current: &Object, patch: &Object) -> Object {
    let mut out = current.clone();
    merge_into(&mut out, patch);
    out
}

fn merge_into(target: &mut Object, patch: &Object) {
    for (name, value) in patch.iter() {
        match (target.get_mut(name), value) {
            (_, Value::Null(_)) => {
                target.remove(name);
            }
            (Some(Value::Object(inner)), Value::Object(patch)) => {
                let mut merged = (**inner).clone();
                merge_into(&mut merged, patch);
                *inner = Arc::new(merged);
            }
            (Some(place), _) => *place = patched(value),
            (None, _) => {
                target.insert(name.clone(), patched(value));
            }
        }
    }
}

/// A patch's value where nothing is to merge with.
fn patched(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let kept = object.iter().filter(|(_, value)| !value.is_null());
            Value::object(
                kept.map(|(name, value)| (name.clone(), patched(value)))
                    .collect(),
            )
        }
        Value::Array(items) if items.iter().any(|item| item.is_null() || is_compound(item)) => {
            Value::array(
                items
                    .iter()
                    .filter(|item| !item.is_null())
                    .map(patched)
                    .collect(),
            )
        }
        other => other.clone(),
    }
}

fn is_compound(value: &Value) -> bool {
    matches!(value, Value::Object(_) | Value::Array(_))
}

/// A value that cannot be stored: its message under the code `invalid_type`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotStorable(pub String);

/// Whether every value can be stored; the first that cannot, in field order.
pub fn check_storable(object: &Object) -> Result<(), NotStorable> {
    let mut path = Vec::new();
    object.iter().try_for_each(|(name, value)| {
        path.push(PathPart::Field(name.clone()));
        let result = storable(value, &mut path);
        path.pop();
        result
    })
}

fn storable(value: &Value, path: &mut Vec<PathPart>) -> Result<(), NotStorable> {
    match value {
        Value::Null(_)
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Long(_)
        | Value::Double(_)
        | Value::String(_)
        | Value::Bytes(_)
        | Value::Time(_)
        | Value::TransactionTime
        | Value::Date(_)
        | Value::Uuid(_) => Ok(()),
        Value::Doc(doc) => match &doc.key {
            DocKey::Id(_) if !doc.named => Ok(()),
            DocKey::Id(_) | DocKey::Name(_) => Err(refusal(value, path)),
        },
        Value::Array(items) => items.iter().enumerate().try_for_each(|(at, item)| {
            path.push(PathPart::Index(at as i64));
            let result = storable(item, path);
            path.pop();
            result
        }),
        Value::Object(object) => object.iter().try_for_each(|(name, value)| {
            path.push(PathPart::Field(name.clone()));
            let result = storable(value, path);
            path.pop();
            result
        }),
        Value::Lambda(_) | Value::Query(_) => Err(NotStorable(
            "Anonymous functions cannot be stored. Use a string of FQL instead.".into(),
        )),
        Value::Id(_)
        | Value::Set(_)
        | Value::Cursor(_)
        | Value::Module(_)
        | Value::Native(_)
        | Value::Function(_)
        | Value::EventSource(_) => Err(refusal(value, path)),
    }
}

fn refusal(value: &Value, path: &[PathPart]) -> NotStorable {
    let name = value.type_name();
    NotStorable(format!(
        "Value at `{}` has type {name}, which cannot be persisted.",
        PathDisplay(path)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(fields: &[(&str, Value)]) -> Object {
        fields
            .iter()
            .map(|(name, value)| (*name, value.clone()))
            .collect()
    }

    fn nested(fields: &[(&str, Value)]) -> Value {
        Value::object(object(fields))
    }

    fn text(object: &Object) -> String {
        super::super::type_display::provided(&Value::object(object.clone()))
    }

    #[test]
    fn create_drops_null_fields_and_keeps_null_elements() {
        let inner = nested(&[("b", Value::NULL)]);
        let argument = object(&[
            ("a", inner.clone()),
            ("n", Value::NULL),
            ("xs", Value::array(vec![Value::NULL, inner])),
        ]);
        assert_eq!(text(&without_nulls(&argument)), "{ a: {}, xs: [Null, {}] }");
    }

    #[test]
    fn update_merges_objects_and_removes_nulls() {
        let current = object(&[
            ("a", Value::Int(1)),
            ("o", nested(&[("x", Value::Int(1)), ("y", Value::Int(2))])),
        ]);
        let patch = object(&[
            ("z", Value::array(vec![Value::NULL, Value::Int(1)])),
            ("o", nested(&[("x", Value::NULL)])),
            ("a", Value::string("s")),
            ("gone", Value::NULL),
        ]);
        assert_eq!(
            text(&merged(&current, &patch)),
            "{ a: String, o: { y: Int }, z: [Int] }"
        );
    }

    #[test]
    fn what_cannot_be_stored_is_told_with_its_path() {
        let inner = nested(&[("y", Value::Id(1))]);
        let argument = object(&[("ok", Value::Int(1)), ("x", Value::array(vec![inner]))]);
        assert_eq!(
            check_storable(&argument),
            Err(NotStorable(
                "Value at `x[0].y` has type ID, which cannot be persisted.".into()
            ))
        );
    }
}
