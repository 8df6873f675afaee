//! Functions as values (`spec fql10-stdlib 11`).

use super::{field, known, to_string};
use crate::fql::interp::{Effect, Interp, Member, Result, Shape};
use crate::model::native;
use crate::value::Value;

pub(super) static SHAPES: &[&Shape] = &[
    &Shape {
        name: "Function",
        alias: None,
        about: "A lambda, or a function of the language.",
        members: &[to_string("Object.toString(Math.abs)")],
    },
    &Shape {
        name: "UserFunction<A>",
        alias: None,
        about: "A function stored in the database.",
        members: &[
            to_string(""),
            Member {
                effect: Effect::Read,
                ..field(
                    "definition",
                    "FunctionDef",
                    definition,
                    "Its `Function` document.",
                    "",
                )
            },
            known("apply", &["A"], "Calls it.", ""),
        ],
    },
];

fn definition(me: &mut Interp, this: &Value) -> Result {
    let Value::Function(function) = this else {
        return Ok(Value::NULL);
    };
    Ok(Value::Doc(me.doc(native::FUNCTION, function.id)))
}
