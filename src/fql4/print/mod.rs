//! How results look: driver values, as the original shell prints them (`spec fql4 5.2`).
//!
//! The original shell hands what the driver made of an answer to node's `inspect`. So a result is printed from its wire
//! form: plain data by the rules of `inspect` ([`inspect`]), and what the driver has types for (references, times, sets,
//! queries) as the expression that makes it ([`expression`]).
//!
//! One difference is meant: `inspect` leaves out what goes beyond a hundred elements of an array; here all are shown.

mod expression;
mod inspect;
mod number;

pub use expression::expression;
pub use inspect::inspect;
pub(crate) use number::{array_index, javascript_number};

use serde_json::{Map, Value as Json};

/// The fields of an object in the order in which JavaScript keeps them: whole numbers first.
fn entries(fields: &Map<String, Json>) -> Vec<(&String, &Json)> {
    let mut entries: Vec<_> = fields.iter().collect();
    if entries.iter().any(|(key, _)| array_index(key).is_some()) {
        entries.sort_by_key(|(key, _)| array_index(key).unwrap_or(u32::MAX));
    }
    entries
}
