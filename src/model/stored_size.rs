//! How many bytes the original stores for something (CBOR). Ours are others, but what queries cost and how large an index
//! entry may be is told by its measure.

use crate::value::number::Number;
use crate::value::{Value, deep};

/// Bytes of a number, or of the head of something that has so many bytes, elements or fields.
pub(crate) fn of_count(n: u64) -> u64 {
    match n {
        0..24 => 1,
        24..0x100 => 2,
        0x100..0x1_0000 => 3,
        0x1_0000..0x1_0000_0000 => 5,
        _ => 9,
    }
}

/// Bytes of a value within an index entry.
pub(crate) fn of_value(value: &Value) -> u64 {
    let text = |length: usize| of_count(length as u64) + length as u64;
    match value {
        Value::String(string) => text(string.len()),
        Value::Bytes(bytes) => text(bytes.len()),
        Value::Array(items) => deep(|| {
            let sizes = items.iter().map(of_value);
            of_count(items.len() as u64) + sizes.sum::<u64>()
        }),
        Value::Object(object) => deep(|| {
            let fields = object.iter();
            let sizes = fields.map(|(name, value)| text(name.len()) + of_value(value));
            of_count(object.len() as u64) + sizes.sum::<u64>()
        }),
        Value::Null(_) | Value::Bool(_) => 1,
        Value::Int(_) | Value::Long(_) | Value::Double(_) => match Number::of(value) {
            Some(Number::Integer(n)) => of_count(n.unsigned_abs()),
            Some(Number::Double(_)) | None => 9,
        },
        Value::Id(_) | Value::Time(_) | Value::TransactionTime | Value::Date(_) => 10,
        Value::Doc(_) => 12,
        Value::Query(query) => 1 + text(query.text.len()),
        Value::Uuid(_)
        | Value::Module(_)
        | Value::Set(_)
        | Value::Cursor(_)
        | Value::Lambda(_)
        | Value::Native(_)
        | Value::Function(_)
        | Value::EventSource(_) => 9,
    }
}
