//! The module `Math` (`spec fql10-stdlib 5`).

use super::number::apply;
use super::{field, int, method, value};
use crate::fql::interp::{Failure, Interp, Result, Shape};
use crate::value::Value;
use crate::value::number::{Number, NumberOp, power};
use std::cmp::Ordering;

pub(super) static SHAPES: &[&Shape] = &[&Shape {
    name: "MathModule",
    alias: None,
    about: "Mathematical functions and constants.",
    members: &[
        field(
            "NaN",
            "Number",
            |_, _| Ok(Value::Double(f64::NAN)),
            "Not a number.",
            "Math.NaN",
        ),
        field(
            "Infinity",
            "Number",
            |_, _| Ok(Value::Double(f64::INFINITY)),
            "Positive infinity.",
            "Math.Infinity",
        ),
        field(
            "E",
            "Number",
            |_, _| Ok(Value::Double(std::f64::consts::E)),
            "The base of natural logarithms.",
            "Math.E",
        ),
        field(
            "PI",
            "Number",
            |_, _| Ok(Value::Double(std::f64::consts::PI)),
            "The ratio of a circle's circumference to its diameter.",
            "Math.PI",
        ),
        method(
            "abs",
            &["(x: Number) => Number"],
            abs,
            "The magnitude.",
            "Math.abs(-3)",
        ),
        method(
            "acos",
            &["(x: Number) => Number"],
            acos,
            "Arc cosine, in radians.",
            "Math.acos(1)",
        ),
        method(
            "asin",
            &["(x: Number) => Number"],
            asin,
            "Arc sine, in radians.",
            "Math.asin(0)",
        ),
        method(
            "atan",
            &["(x: Number) => Number"],
            |_, _, args| double(args, f64::atan),
            "Arc tangent, in radians.",
            "Math.atan(0)",
        ),
        method(
            "ceil",
            &["(x: Number) => Number"],
            |_, _, args| whole(args, f64::ceil),
            "The least whole number that is not smaller.",
            "Math.ceil(1.2)",
        ),
        method(
            "cos",
            &["(x: Number) => Number"],
            |_, _, args| double(args, f64::cos),
            "Cosine of radians.",
            "Math.cos(0)",
        ),
        method(
            "cosh",
            &["(x: Number) => Number"],
            |_, _, args| double(args, f64::cosh),
            "Hyperbolic cosine.",
            "Math.cosh(0)",
        ),
        method(
            "degrees",
            &["(x: Number) => Number"],
            |_, _, args| double(args, |x| x * (180.0 / std::f64::consts::PI)),
            "Radians in degrees.",
            "Math.degrees(Math.PI)",
        ),
        method(
            "exp",
            &["(x: Number) => Number"],
            |_, _, args| double(args, f64::exp),
            "E to the power of a number.",
            "Math.exp(0)",
        ),
        method(
            "floor",
            &["(x: Number) => Number"],
            |_, _, args| whole(args, f64::floor),
            "The greatest whole number that is not larger.",
            "Math.floor(1.8)",
        ),
        method(
            "hypot",
            &["(x: Number, y: Number) => Number"],
            hypot,
            "The square root of the sum of squares.",
            "Math.hypot(3, 4)",
        ),
        method(
            "log",
            &["(x: Number) => Number"],
            |_, _, args| logarithm(args, f64::ln),
            "Natural logarithm.",
            "Math.log(Math.E)",
        ),
        method(
            "log10",
            &["(x: Number) => Number"],
            |_, _, args| logarithm(args, f64::log10),
            "Logarithm to base 10.",
            "Math.log10(100)",
        ),
        method(
            "max",
            &["(x: Number, y: Number) => Number"],
            max,
            "The greater of two numbers.",
            "Math.max(1, 2)",
        ),
        method(
            "mean",
            &[
                "(numbers: Array<Number>) => Number",
                "(numbers: Set<Number>) => Number",
            ],
            mean,
            "The arithmetic mean; of a set of integers a whole number.",
            "Math.mean([1, 2, 3, 4])",
        ),
        method(
            "min",
            &["(x: Number, y: Number) => Number"],
            min,
            "The smaller of two numbers.",
            "Math.min(1, 2)",
        ),
        method(
            "pow",
            &["(x: Number, power: Number) => Number"],
            pow,
            "Power, always a Double.",
            "Math.pow(2, 10)",
        ),
        method(
            "radians",
            &["(x: Number) => Number"],
            |_, _, args| double(args, |x| x * (std::f64::consts::PI / 180.0)),
            "Degrees in radians.",
            "Math.radians(180)",
        ),
        method(
            "round",
            &["(x: Number, precision: Int) => Number"],
            round,
            "Rounded to so many decimal places; negative places are before the point.",
            "Math.round(3.14159, 2)",
        ),
        method(
            "sign",
            &["(x: Number) => Number"],
            sign,
            "-1, 0 or 1.",
            "Math.sign(-9.5)",
        ),
        method(
            "sin",
            &["(x: Number) => Number"],
            |_, _, args| double(args, f64::sin),
            "Sine of radians.",
            "Math.sin(0)",
        ),
        method(
            "sinh",
            &["(x: Number) => Number"],
            |_, _, args| double(args, f64::sinh),
            "Hyperbolic sine.",
            "Math.sinh(0)",
        ),
        method(
            "sqrt",
            &["(x: Number) => Number"],
            sqrt,
            "Square root.",
            "Math.sqrt(16)",
        ),
        method(
            "sum",
            &[
                "(numbers: Array<Number>) => Number",
                "(numbers: Set<Number>) => Number",
            ],
            sum,
            "The sum.",
            "Math.sum([1, 2, 3])",
        ),
        method(
            "tan",
            &["(x: Number) => Number"],
            |_, _, args| double(args, f64::tan),
            "Tangent of radians.",
            "Math.tan(0)",
        ),
        method(
            "tanh",
            &["(x: Number) => Number"],
            |_, _, args| double(args, f64::tanh),
            "Hyperbolic tangent.",
            "Math.tanh(0)",
        ),
        method(
            "trunc",
            &["(x: Number, precision: Int) => Number"],
            trunc,
            "Cut off after so many decimal places.",
            "Math.trunc(1299, -2)",
        ),
    ],
}];

/// The numeric argument; NaN for any other kind, which conversion excludes.
fn number(args: &[Value], index: usize) -> Number {
    Number::of(value(args, index)).unwrap_or(Number::Double(f64::NAN))
}

fn double(args: &[Value], f: fn(f64) -> f64) -> Result {
    Ok(Value::Double(f(number(args, 0).as_f64())))
}

/// Integers stay as they are.
fn whole(args: &[Value], f: fn(f64) -> f64) -> Result {
    Ok(match value(args, 0) {
        Value::Double(x) => Value::Double(f(*x)),
        integer => integer.clone(),
    })
}

/// Keeps the kind; the least integer has no counterpart and stays.
fn abs(_: &mut Interp, _: &Value, args: &[Value]) -> Result {
    Ok(match value(args, 0) {
        Value::Int(n) => Value::Int(n.wrapping_abs()),
        Value::Long(n) => Value::Long(n.wrapping_abs()),
        _ => Value::Double(number(args, 0).as_f64().abs()),
    })
}

fn out_of_range() -> Failure {
    Failure::invalid_argument("x", "argument must lie in [-1, 1]")
}

fn acos(_: &mut Interp, _: &Value, args: &[Value]) -> Result {
    match number(args, 0).as_f64() {
        x if x.abs() > 1.0 => Err(out_of_range()),
        x => Ok(Value::Double(x.acos())),
    }
}

fn asin(_: &mut Interp, _: &Value, args: &[Value]) -> Result {
    match number(args, 0).as_f64() {
        x if x.abs() > 1.0 => Err(out_of_range()),
        x => Ok(Value::Double(x.asin())),
    }
}

fn logarithm(args: &[Value], f: fn(f64) -> f64) -> Result {
    match number(args, 0).as_f64() {
        x if x <= 0.0 => Err(Failure::invalid_argument("x", "x must be positive")),
        x => Ok(Value::Double(f(x))),
    }
}

/// -0.0 counts as negative, as in the order of numbers.
fn sqrt(_: &mut Interp, _: &Value, args: &[Value]) -> Result {
    match number(args, 0).as_f64() {
        x if x.is_sign_negative() && !x.is_nan() => {
            Err(Failure::invalid_argument("x", "x must be nonnegative"))
        }
        x => Ok(Value::Double(x.sqrt())),
    }
}

fn hypot(_: &mut Interp, _: &Value, args: &[Value]) -> Result {
    Ok(Value::Double(
        number(args, 0).as_f64().hypot(number(args, 1).as_f64()),
    ))
}

fn pow(_: &mut Interp, _: &Value, args: &[Value]) -> Result {
    Ok(Value::Double(power(
        number(args, 0).as_f64(),
        number(args, 1).as_f64(),
    )))
}

fn sign(_: &mut Interp, _: &Value, args: &[Value]) -> Result {
    Ok(Value::Int(
        match number(args, 0).compare(Number::Integer(0)) {
            Ordering::Less => -1,
            Ordering::Equal => 0,
            Ordering::Greater => 1,
        },
    ))
}

fn min(_: &mut Interp, _: &Value, args: &[Value]) -> Result {
    let first = number(args, 0).compare(number(args, 1)) != Ordering::Greater;
    Ok(value(args, usize::from(!first)).clone())
}

fn max(_: &mut Interp, _: &Value, args: &[Value]) -> Result {
    let second = number(args, 0).compare(number(args, 1)) == Ordering::Less;
    Ok(value(args, usize::from(second)).clone())
}

/// Adds from Int 0, left to right.
fn total(me: &mut Interp, items: &[Value]) -> Result {
    me.check_interrupted()?;
    let mut total = Value::Int(0);
    for item in items {
        if Number::of(item).is_none() {
            return Err(Failure::invalid_argument(
                "numbers",
                "all array elements must be numbers",
            ));
        }
        total = apply(NumberOp::Add, &total, item)?;
    }
    Ok(total)
}

fn sum(me: &mut Interp, _: &Value, args: &[Value]) -> Result {
    match value(args, 0) {
        Value::Set(set) => {
            let items = me.set_to_vec(set)?;
            total(me, &items)
        }
        array => total(me, super::items(Some(array))),
    }
}

/// Of an array always a Double; of a set divided as `/` divides, so that integers give an integer.
fn mean(me: &mut Interp, _: &Value, args: &[Value]) -> Result {
    match value(args, 0) {
        Value::Set(set) => {
            let items = me.set_to_vec(set)?;
            let total = total(me, &items)?;
            apply(
                NumberOp::Divide,
                &total,
                &Value::integer(items.len() as i64),
            )
        }
        array => {
            let items = super::items(Some(array));
            let total = total(me, items)?;
            apply(NumberOp::Divide, &total, &Value::Double(items.len() as f64))
        }
    }
}

/// 10 to the power of the precision.
fn scale(precision: i64) -> f64 {
    10f64.powi(precision.clamp(-400, 400) as i32)
}

/// As the original computes it: half is added and the rest cut off, also of negative numbers.
fn round(_: &mut Interp, _: &Value, args: &[Value]) -> Result {
    Ok(rounded(number(args, 0), int(args.get(1)), 0.5))
}

fn trunc(_: &mut Interp, _: &Value, args: &[Value]) -> Result {
    Ok(match (number(args, 0), int(args.get(1))) {
        // Unlike the rest, this is not cut off again after scaling back.
        (Number::Double(x), precision @ ..=0) => {
            let scale = scale(precision);
            Value::Double((x * scale) as i64 as f64 / scale)
        }
        (x, precision) => rounded(x, precision, 0.0),
    })
}

fn rounded(x: Number, precision: i64, half: f64) -> Value {
    let scale = scale(precision);
    match x {
        Number::Integer(n) if precision > 0 => Value::Long(n),
        Number::Integer(n) => Value::Long(((n as f64 * scale + half) as i64 as f64 / scale) as i64),
        Number::Double(x) if precision > 0 => {
            let multiple = f64::from(scale as i32);
            let whole = x as i64 as f64;
            Value::Double(
                whole + ((x - whole + half / multiple) * multiple) as i64 as f64 / multiple,
            )
        }
        Number::Double(x) => {
            Value::Double(((x * scale + half) as i64 as f64 / scale) as i64 as f64)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_follows_the_original() {
        let double = |x, precision, half| match rounded(Number::Double(x), precision, half) {
            Value::Double(x) => x,
            other => panic!("{other:?}"),
        };
        let long = |n, precision| match rounded(Number::Integer(n), precision, 0.5) {
            Value::Long(n) => n,
            other => panic!("{other:?}"),
        };
        assert_eq!(double(-2.7, 0, 0.5), -2.0);
        assert_eq!(double(12.345, 2, 0.5), 12.35);
        assert_eq!(double(1.005, 2, 0.5), 1.0);
        assert_eq!(double(f64::NAN, 0, 0.5), 0.0);
        assert_eq!(double(f64::INFINITY, 0, 0.5), 9.223372036854776e18);
        assert_eq!(double(0.123456789012, 20, 0.5), 0.12345678923812545);
        assert_eq!(
            (long(-12, -1), long(-16, -1), long(1250, -2), long(5, 3)),
            (0, -10, 1300, 5)
        );
        assert_eq!(long(i64::MAX, -400), 0);
    }
}
