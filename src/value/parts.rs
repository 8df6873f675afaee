//! How large a value is to those who walk it.
//!
//! A small program can make a value that holds itself many times over: `let a = [a, a]` thirty times over is thirty
//! arrays, and a thousand million elements to whoever prints, compares or stores them. Whoever walks a value part by part
//! asks here first; asking takes time by the number of different parts only.

use super::kind::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// Bytes of text or data that count as one part.
const BYTES_PER_PART: u64 = 64;

/// Parts that are counted without remembering which were seen: nearly all values have fewer.
const FEW: u64 = 4096;

/// Whether values have at most so many parts together, those within parts counted as often as they occur.
pub fn has_at_most<'v>(values: impl IntoIterator<Item = &'v Value>, limit: u64) -> bool {
    let mut pending: Vec<&Value> = values.into_iter().collect();
    let roots = pending.clone();
    let mut count = 0u64;
    while let Some(value) = pending.pop() {
        count = count.saturating_add(own_parts(value));
        if count > limit {
            return false;
        }
        if count > FEW {
            let mut known = HashMap::new();
            let total = roots.into_iter().fold(0u64, |sum, root| {
                sum.saturating_add(total(root, &mut known))
            });
            return total <= limit;
        }
        pending.extend(inner(value));
    }
    true
}

/// Whether values lie within values more than `limit` deep. Ask only of what has not too many parts.
pub fn is_deeper_than<'v>(values: impl IntoIterator<Item = &'v Value>, limit: usize) -> bool {
    let mut pending: Vec<(&Value, usize)> = values.into_iter().map(|value| (value, 1)).collect();
    while let Some((value, depth)) = pending.pop() {
        if depth > limit {
            return true;
        }
        pending.extend(inner(value).map(|value| (value, depth + 1)));
    }
    false
}

/// The parts of a value by itself.
fn own_parts(value: &Value) -> u64 {
    match value {
        Value::String(text) => 1 + text.len() as u64 / BYTES_PER_PART,
        Value::Bytes(bytes) => 1 + bytes.len() as u64 / BYTES_PER_PART,
        Value::Query(query) => 1 + query.text.len() as u64 / BYTES_PER_PART,
        Value::Null(_)
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Long(_)
        | Value::Double(_)
        | Value::Id(_)
        | Value::Time(_)
        | Value::TransactionTime
        | Value::Date(_)
        | Value::Uuid(_)
        | Value::Array(_)
        | Value::Object(_)
        | Value::Doc(_)
        | Value::Set(_)
        | Value::Cursor(_)
        | Value::Module(_)
        | Value::Lambda(_)
        | Value::Native(_)
        | Value::Function(_)
        | Value::EventSource(_) => 1,
    }
}

/// The values directly in a value. Sets and functions are not walked by those who walk values.
fn inner(value: &Value) -> impl Iterator<Item = &Value> {
    let (items, object) = match value {
        Value::Array(items) => (Some(items), None),
        Value::Object(object) => (None, Some(object)),
        _ => (None, None),
    };
    let items = items.into_iter().flat_map(|items| items.iter());
    let fields = object
        .into_iter()
        .flat_map(|object| object.iter().map(|(_, value)| value));
    items.chain(fields)
}

/// A step of the count: go into a value, or add up what was found in it.
enum Step<'v> {
    Into(&'v Value),
    Sum(&'v Value, usize),
}

/// All parts of a value; `known` holds those of arrays and objects seen before, by address.
fn total(root: &Value, known: &mut HashMap<usize, u64>) -> u64 {
    let mut steps = vec![Step::Into(root)];
    let mut counts: Vec<u64> = Vec::new();
    while let Some(step) = steps.pop() {
        match step {
            Step::Into(value) => match address(value) {
                None => counts.push(own_parts(value)),
                Some(address) => match known.get(&address) {
                    Some(count) => counts.push(*count),
                    None => {
                        steps.push(Step::Sum(value, counts.len()));
                        steps.extend(inner(value).map(Step::Into));
                    }
                },
            },
            Step::Sum(value, from) => {
                let inside = counts
                    .drain(from..)
                    .fold(own_parts(value), u64::saturating_add);
                if let Some(address) = address(value) {
                    known.insert(address, inside);
                }
                counts.push(inside);
            }
        }
    }
    counts.into_iter().fold(0, u64::saturating_add)
}

/// What tells whether two values share their parts.
fn address(value: &Value) -> Option<usize> {
    match value {
        Value::Array(items) => Some(Arc::as_ptr(items) as usize),
        Value::Object(object) => Some(Arc::as_ptr(object) as usize),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_parts_count_as_often_as_they_occur() {
        let mut value = Value::integer(1);
        for _ in 0..20 {
            value = Value::array(vec![value.clone(), value]);
        }
        let parts = (1 << 21) - 1;
        assert!(has_at_most([&value], parts));
        assert!(!has_at_most([&value], parts - 1));
        assert!(!has_at_most([&value, &value], parts * 2 - 1));
        for _ in 0..60 {
            value = Value::array(vec![value.clone(), value]);
        }
        assert!(!has_at_most([&value], u64::MAX - 1));
        let deep = Value::array(vec![Value::array(vec![Value::integer(1)])]);
        assert!(is_deeper_than([&deep], 2));
        assert!(!is_deeper_than([&deep], 3));
        let long = Value::string("x".repeat(6400));
        assert!(has_at_most([&long], 101));
        assert!(!has_at_most([&long], 100));
    }
}
