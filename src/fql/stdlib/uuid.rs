//! UUIDs (`spec fql10-stdlib 10`): values of documents written by v4; there is no constructor.

use super::to_string;
use crate::fql::interp::Shape;

pub(super) static SHAPES: &[&Shape] = &[
    &Shape {
        name: "UUID",
        alias: None,
        about: "A UUID.",
        members: &[to_string("")],
    },
    &Shape {
        name: "UUIDModule",
        alias: None,
        about: "The type of UUIDs, for `isa`.",
        members: &[],
    },
];
