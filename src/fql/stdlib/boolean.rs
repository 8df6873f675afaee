//! Booleans (`spec fql10-stdlib 10`). The evaluator answers their operators itself: they are lazy.

use super::{known, to_string};
use crate::fql::interp::Shape;

pub(super) static SHAPES: &[&Shape] = &[
    &Shape {
        name: "Boolean",
        alias: None,
        about: "`true` or `false`.",
        members: &[
            to_string("true.toString()"),
            known(
                "op ||",
                &["(other: Boolean) => Boolean"],
                "Whether one of both is true.",
                "true || false",
            ),
            known(
                "op &&",
                &["(other: Boolean) => Boolean"],
                "Whether both are true.",
                "true && false",
            ),
            known("op !", &["() => Boolean"], "Whether it is false.", "!true"),
        ],
    },
    &Shape {
        name: "BooleanModule",
        alias: None,
        about: "The type of Booleans, for `isa`.",
        members: &[],
    },
];
