//! The transaction's time (`spec fql10-stdlib 10`): stands for the time of the commit, until that is known.

use super::{method, to_string};
use crate::fql::interp::Shape;
use crate::value::Value;

pub(super) static SHAPES: &[&Shape] = &[
    &Shape {
        name: "TransactionTime",
        alias: None,
        about: "The time at which this query will commit.",
        members: &[to_string("TransactionTime().toString()")],
    },
    &Shape {
        name: "TransactionTimeModule",
        alias: None,
        about: "Makes the time of the commit.",
        members: &[method(
            "apply",
            &["() => TransactionTime"],
            |_, _, _| Ok(Value::TransactionTime),
            "The time at which this query will commit.",
            "TransactionTime()",
        )],
    },
];
