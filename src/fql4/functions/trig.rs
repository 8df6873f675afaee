//! Powers, logarithms and angles (`spec fql4 6.11`).

use super::number::{Number, out_of_bounds};
use crate::fql::interp::Effect;
use crate::fql4::error::Result;
use crate::fql4::eval::{Arguments, Evaluator};
use crate::fql4::forms::{Cast, Form, at_least, form, key, optional, positional};
use crate::fql4::value::Value;
use crate::value::number::power;

/// The declarations.
pub const FORMS: &[Form] = &[
    form(
        &["Acos"],
        &[key("acos", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        acos,
    ),
    form(
        &["Asin"],
        &[key("asin", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        asin,
    ),
    form(
        &["Atan"],
        &[key("atan", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        atan,
    ),
    form(
        &["Cos"],
        &[key("cos", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        cos,
    ),
    form(
        &["Cosh"],
        &[key("cosh", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        cosh,
    ),
    form(
        &["Degrees"],
        &[key("degrees", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        degrees,
    ),
    form(
        &["Exp"],
        &[key("exp", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        exp,
    ),
    form(
        &["Ln"],
        &[key("ln", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        ln,
    ),
    form(
        &["Log"],
        &[key("log", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        log,
    ),
    form(
        &["Radians"],
        &[key("radians", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        radians,
    ),
    form(
        &["Sin"],
        &[key("sin", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        sin,
    ),
    form(
        &["Sinh"],
        &[key("sinh", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        sinh,
    ),
    form(
        &["Tan"],
        &[key("tan", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        tan,
    ),
    form(
        &["Tanh"],
        &[key("tanh", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        tanh,
    ),
    form(
        &["Hypot"],
        &[key("hypot", Cast::Number), optional("b", Cast::Number)],
        at_least(1),
        Effect::Pure,
        hypot,
    ),
    form(
        &["Pow"],
        &[key("pow", Cast::Number), optional("exp", Cast::Number)],
        at_least(1),
        Effect::Pure,
        pow,
    ),
];

fn number(arguments: &Arguments) -> Number {
    arguments.get(0).map_or(Number::Long(0), Number::of)
}

fn double(arguments: &Arguments, function: fn(f64) -> f64) -> Result {
    Ok(Value::Double(function(number(arguments).double())))
}

/// A function that is not defined everywhere.
fn bounded(
    arguments: &Arguments,
    fits: fn(f64) -> bool,
    bounds: &str,
    function: fn(f64) -> f64,
) -> Result {
    let number = number(arguments);
    match number.double() {
        x if fits(x) => Ok(Value::Double(function(x))),
        _ => Err(out_of_bounds(&number.text(), bounds, arguments.place()).into()),
    }
}

fn atan(_: &mut Evaluator, arguments: Arguments) -> Result {
    double(&arguments, f64::atan)
}

fn cos(_: &mut Evaluator, arguments: Arguments) -> Result {
    double(&arguments, f64::cos)
}

fn cosh(_: &mut Evaluator, arguments: Arguments) -> Result {
    double(&arguments, f64::cosh)
}

fn degrees(_: &mut Evaluator, arguments: Arguments) -> Result {
    double(&arguments, |x| x * (180.0 / std::f64::consts::PI))
}

fn exp(_: &mut Evaluator, arguments: Arguments) -> Result {
    double(&arguments, f64::exp)
}

fn radians(_: &mut Evaluator, arguments: Arguments) -> Result {
    double(&arguments, |x| x * (std::f64::consts::PI / 180.0))
}

fn sin(_: &mut Evaluator, arguments: Arguments) -> Result {
    double(&arguments, f64::sin)
}

fn sinh(_: &mut Evaluator, arguments: Arguments) -> Result {
    double(&arguments, f64::sinh)
}

fn tan(_: &mut Evaluator, arguments: Arguments) -> Result {
    double(&arguments, f64::tan)
}

fn tanh(_: &mut Evaluator, arguments: Arguments) -> Result {
    double(&arguments, f64::tanh)
}

fn acos(_: &mut Evaluator, arguments: Arguments) -> Result {
    let fits = |x: f64| (-1.0..=1.0).contains(&x);
    bounded(&arguments, fits, "between -1 and 1 inclusive", f64::acos)
}

fn asin(_: &mut Evaluator, arguments: Arguments) -> Result {
    let fits = |x: f64| (-1.0..=1.0).contains(&x);
    bounded(&arguments, fits, "between -1 and 1 inclusive", f64::asin)
}

fn ln(_: &mut Evaluator, arguments: Arguments) -> Result {
    bounded(&arguments, |x| x > 0.0, "greater than 0", f64::ln)
}

fn log(_: &mut Evaluator, arguments: Arguments) -> Result {
    bounded(&arguments, |x| x > 0.0, "greater than 0", f64::log10)
}

fn hypot(_: &mut Evaluator, arguments: Arguments) -> Result {
    let a = number(&arguments).double();
    let b = arguments.get(1).map_or(a, |b| Number::of(b).double());
    Ok(Value::Double(a.hypot(b)))
}

fn pow(_: &mut Evaluator, arguments: Arguments) -> Result {
    let exponent = arguments.get(1).map_or(2.0, |e| Number::of(e).double());
    Ok(Value::Double(power(number(&arguments).double(), exponent)))
}
