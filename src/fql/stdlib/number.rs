//! Numbers (`spec fql10-stdlib 4`): operators; the arithmetic itself is in `value::number`.

use super::{method, to_string, value};
use crate::fql::interp::{Failure, Interp, Member, Result, Shape};
use crate::value::Value;
use crate::value::number::{NumberError, NumberOp, binary, complement, negate};

pub(super) static SHAPES: &[&Shape] = &[
    &Shape {
        name: "Number",
        alias: None,
        about: "Any number: Int, Long or Double.",
        members: MEMBERS,
    },
    &Shape {
        name: "Int",
        alias: None,
        about: "A 32-bit integer.",
        members: MEMBERS,
    },
    &Shape {
        name: "Long",
        alias: None,
        about: "A 64-bit integer.",
        members: MEMBERS,
    },
    &Shape {
        name: "Double",
        alias: None,
        about: "A 64-bit floating-point number.",
        members: MEMBERS,
    },
    &Shape {
        name: "Float",
        alias: None,
        about: "Another name of Double.",
        members: MEMBERS,
    },
    &Shape {
        name: "NumberModule",
        alias: None,
        about: "The type of numbers, for `isa`.",
        members: &[],
    },
    &Shape {
        name: "IntModule",
        alias: None,
        about: "The type of 32-bit integers, for `isa`.",
        members: &[],
    },
    &Shape {
        name: "LongModule",
        alias: None,
        about: "The type of 64-bit integers, for `isa`.",
        members: &[],
    },
    &Shape {
        name: "DoubleModule",
        alias: None,
        about: "The type of Doubles, for `isa`.",
        members: &[],
    },
    &Shape {
        name: "FloatModule",
        alias: None,
        about: "The type of Doubles, for `isa`.",
        members: &[],
    },
];

const MEMBERS: &[Member] = &[
    to_string("2.0.toString()"),
    method(
        "op +",
        &["(other: Number) => Number"],
        add,
        "Sum.",
        "40 + 2",
    ),
    method(
        "op -",
        &["(other: Number) => Number", "() => Number"],
        subtract,
        "Difference, or the number negated.",
        "5 - 3",
    ),
    method(
        "op *",
        &["(other: Number) => Number"],
        multiply,
        "Product.",
        "6 * 7",
    ),
    method(
        "op /",
        &["(other: Number) => Number"],
        divide,
        "Quotient; of integers truncated toward zero.",
        "7 / 2",
    ),
    method(
        "op %",
        &["(other: Number) => Number"],
        remainder,
        "Remainder, with the sign of the dividend.",
        "-7 % 3",
    ),
    method(
        "op **",
        &["(exponent: Number) => Number"],
        power,
        "Power.",
        "2 ** 10",
    ),
    method(
        "op &",
        &["(other: Number) => Number"],
        and,
        "Bits set in both.",
        "12 & 10",
    ),
    method(
        "op |",
        &["(other: Number) => Number"],
        or,
        "Bits set in either.",
        "12 | 10",
    ),
    method(
        "op ^",
        &["(other: Number) => Number"],
        xor,
        "Bits set in one only.",
        "12 ^ 10",
    ),
    method("op ~", &["() => Number"], not, "Bits inverted.", "~12"),
];

/// Applies an operator to two numbers.
pub(super) fn apply(op: NumberOp, left: &Value, right: &Value) -> Result {
    binary(op, left, right).map_err(|error| match error {
        NumberError::DivideByZero => Failure::new("divide_by_zero", error.to_string()),
        NumberError::LeftNotNumber => Failure::type_mismatch("Number", left),
        NumberError::RightNotNumber => Failure::type_mismatch("Number", right),
    })
}

fn add(_: &mut Interp, this: &Value, args: &[Value]) -> Result {
    apply(NumberOp::Add, this, value(args, 0))
}

fn subtract(_: &mut Interp, this: &Value, args: &[Value]) -> Result {
    match args.first() {
        Some(other) => apply(NumberOp::Subtract, this, other),
        None => negate(this).ok_or_else(|| Failure::type_mismatch("Number", this)),
    }
}

fn multiply(_: &mut Interp, this: &Value, args: &[Value]) -> Result {
    apply(NumberOp::Multiply, this, value(args, 0))
}

fn divide(_: &mut Interp, this: &Value, args: &[Value]) -> Result {
    apply(NumberOp::Divide, this, value(args, 0))
}

fn remainder(_: &mut Interp, this: &Value, args: &[Value]) -> Result {
    apply(NumberOp::Remainder, this, value(args, 0))
}

fn power(_: &mut Interp, this: &Value, args: &[Value]) -> Result {
    apply(NumberOp::Power, this, value(args, 0))
}

fn and(_: &mut Interp, this: &Value, args: &[Value]) -> Result {
    apply(NumberOp::And, this, value(args, 0))
}

fn or(_: &mut Interp, this: &Value, args: &[Value]) -> Result {
    apply(NumberOp::Or, this, value(args, 0))
}

fn xor(_: &mut Interp, this: &Value, args: &[Value]) -> Result {
    apply(NumberOp::Xor, this, value(args, 0))
}

fn not(_: &mut Interp, this: &Value, _: &[Value]) -> Result {
    complement(this).ok_or_else(|| Failure::type_mismatch("Number", this))
}
