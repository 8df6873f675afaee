//! Patches: what a write's parameters make of a document (`spec fql4 5.5`).

use crate::value::{Object, Value, deep};

/// `current` with a patch: objects merge, a null removes a field, everything else replaces. Nulls in what is new go, in
/// arrays too; objects that become empty stay.
pub fn patched(current: &Object, patch: &Object) -> Object {
    let mut out = current.clone();
    for (name, value) in patch.iter() {
        let new = match (out.get(name), value) {
            (Some(Value::Object(old)), Value::Object(patch)) => {
                Some(Value::object(deep(|| patched(old, patch))))
            }
            (_, value) => without_nulls(value),
        };
        match new {
            Some(value) => {
                out.insert(name.clone(), value);
            }
            None => {
                out.remove(name);
            }
        }
    }
    out
}

/// A value without nulls; `None` if it is one.
fn without_nulls(value: &Value) -> Option<Value> {
    deep(|| match value {
        Value::Null(_) => None,
        Value::Array(items) => Some(Value::array(
            items.iter().filter_map(without_nulls).collect(),
        )),
        Value::Object(object) => {
            let fields = object.iter();
            let fields =
                fields.filter_map(|(name, value)| Some((name.clone(), without_nulls(value)?)));
            Some(Value::object(fields.collect()))
        }
        other => Some(other.clone()),
    })
}

/// What turns `from` into `to`: changed and new fields, null for those that went.
pub fn difference(from: &Object, to: &Object) -> Object {
    let mut out = Object::new();
    for (name, old) in from.iter() {
        match (old, to.get(name)) {
            (_, None) => {
                out.insert(name.clone(), Value::NULL);
            }
            (Value::Object(old), Some(Value::Object(new))) => {
                let inner = deep(|| difference(old, new));
                if !inner.is_empty() {
                    out.insert(name.clone(), Value::object(inner));
                }
            }
            (old, Some(new)) => {
                if !crate::model::schema::validate::same_value(old, new) {
                    out.insert(name.clone(), new.clone());
                }
            }
        }
    }
    for (name, new) in to.iter().filter(|(name, _)| !from.contains_key(name)) {
        out.insert(name.clone(), new.clone());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::schema::type_display::provided;

    fn object(fields: &[(&str, Value)]) -> Object {
        let fields = fields.iter();
        fields.map(|(name, value)| (*name, value.clone())).collect()
    }

    #[test]
    fn patches_merge_remove_and_drop_nulls() {
        let inner = Value::object(object(&[("x", Value::Int(1)), ("y", Value::Int(2))]));
        let current = object(&[("a", Value::Int(1)), ("o", inner)]);
        let patch = object(&[
            ("a", Value::NULL),
            (
                "o",
                Value::object(object(&[("x", Value::NULL), ("y", Value::NULL)])),
            ),
            ("n", Value::array(vec![Value::Int(1), Value::NULL])),
        ]);
        let text = provided(&Value::object(patched(&current, &patch)));
        assert_eq!(text, "{ o: {}, n: [Int] }");
    }

    #[test]
    fn differences_patch_back() {
        let from = object(&[("a", Value::Int(1)), ("b", Value::Int(2))]);
        let to = object(&[("b", Value::Int(3)), ("c", Value::string("x"))]);
        let back = patched(&from, &difference(&from, &to));
        assert_eq!(provided(&Value::object(back)), provided(&Value::object(to)));
    }
}
