//! Masks: which fields of a document FQL v4 writes. Everything else in a patch is dropped silently.

use crate::value::{Object, Value};

/// What of a field counts.
#[derive(Debug)]
pub enum Mask {
    /// All of it.
    All,
    /// These fields of an object; anything but an object as a whole.
    Fields(&'static [(&'static str, Mask)]),
    /// The same of an object, or of each element of an array.
    Each(&'static [(&'static str, Mask)]),
}

/// The fields that count. Objects of which nothing is left go too, except as elements of arrays.
pub fn select(fields: &[(&str, Mask)], object: &Object) -> Object {
    let mut out = Object::new();
    for (name, value) in object.iter() {
        let Some((_, mask)) = fields.iter().find(|(known, _)| *known == &**name) else {
            continue;
        };
        if let Some(value) = selected(mask, value) {
            out.insert(name.clone(), value);
        }
    }
    out
}

fn selected(mask: &Mask, value: &Value) -> Option<Value> {
    match (mask, value) {
        (Mask::All, Value::Object(object)) => (!object.is_empty()).then(|| value.clone()),
        (Mask::Fields(fields) | Mask::Each(fields), Value::Object(object)) => {
            let kept = select(fields, object);
            (!kept.is_empty()).then(|| Value::object(kept))
        }
        (Mask::Each(fields), Value::Array(items)) => {
            let items = items.iter().map(|item| match item {
                Value::Object(object) => Value::object(select(fields, object)),
                other => other.clone(),
            });
            Some(Value::array(items.collect()))
        }
        (Mask::All | Mask::Fields(_) | Mask::Each(_), value) => Some(value.clone()),
    }
}
