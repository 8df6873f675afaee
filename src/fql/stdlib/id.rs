//! IDs (`spec fql10-stdlib 10`).

use super::{method, to_string, value};
use crate::fql::interp::{Failure, Interp, Result, Shape};
use crate::value::Value;

pub(super) static SHAPES: &[&Shape] = &[
    &Shape {
        name: "ID",
        alias: None,
        about: "The id of a document.",
        members: &[to_string("ID('42').toString()")],
    },
    &Shape {
        name: "IDModule",
        alias: None,
        about: "Makes IDs.",
        members: &[method(
            "apply",
            &["(id: String) => ID", "(id: Number) => ID"],
            make,
            "The ID that a string spells or an integer is.",
            "ID('456')",
        )],
    },
];

fn make(me: &mut Interp, _: &Value, args: &[Value]) -> Result {
    let given = value(args, 0);
    let id = match given {
        Value::String(text) => text.parse().ok(),
        Value::Int(n) => Some(i64::from(*n)),
        Value::Long(n) => Some(*n),
        _ => None,
    };
    match id {
        Some(id) => Ok(Value::Id(id)),
        None => {
            let shown = me.debug(given)?;
            Err(Failure::new(
                "invalid_id",
                format!("`{shown}` is not a valid ID."),
            ))
        }
    }
}
