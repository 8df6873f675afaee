//! Null (`spec fql10-stdlib 10`): only its text can be asked for.

use super::{known, to_string};
use crate::fql::interp::Shape;

pub(super) static SHAPES: &[&Shape] = &[
    &Shape {
        name: "Null",
        alias: None,
        about: "No value.",
        members: &[
            to_string("null.toString()"),
            known(
                "[]",
                &["(key: Any) => Never"],
                "Never works: null has no elements.",
                "",
            ),
        ],
    },
    &Shape {
        name: "NullModule",
        alias: None,
        about: "The type of null, for `isa`.",
        members: &[],
    },
];
