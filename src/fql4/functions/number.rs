//! Arithmetic (`spec fql4 6.11`).

use crate::fql::interp::Effect;
use crate::fql4::error::{Error, Result};
use crate::fql4::eval::{Arguments, Evaluator};
use crate::fql4::forms::{
    Cast, Form, TextRule, Versions, at_least, form, key, optional, positional,
};
use crate::fql4::place::Place;
use crate::fql4::value::Value;
use crate::fql4::version::ApiVersion;
use crate::value::number::double_text;

/// The declarations.
pub const FORMS: &[Form] = &[
    form(
        &["Abs"],
        &[key("abs", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        abs,
    ),
    form(
        &["Add"],
        &[key("add", Cast::OneOrMore(&Cast::Number))],
        TextRule::Varargs { fixed: 0 },
        Effect::Pure,
        add,
    ),
    form(
        &["Subtract"],
        &[key("subtract", Cast::OneOrMore(&Cast::Number))],
        TextRule::Varargs { fixed: 0 },
        Effect::Pure,
        subtract,
    ),
    form(
        &["Multiply"],
        &[key("multiply", Cast::OneOrMore(&Cast::Number))],
        TextRule::Varargs { fixed: 0 },
        Effect::Pure,
        multiply,
    ),
    form(
        &["Divide"],
        &[key("divide", Cast::OneOrMore(&Cast::Number))],
        TextRule::Varargs { fixed: 0 },
        Effect::Pure,
        divide,
    ),
    form(
        &["Modulo"],
        &[key("modulo", Cast::OneOrMore(&Cast::Number))],
        TextRule::Varargs { fixed: 0 },
        Effect::Pure,
        modulo,
    ),
    form(
        &["BitAnd"],
        &[key("bitand", Cast::OneOrMore(&Cast::Number))],
        TextRule::Varargs { fixed: 0 },
        Effect::Pure,
        bitand,
    )
    .only(Versions::STABLE),
    form(
        &[],
        &[key("bit_and", Cast::OneOrMore(&Cast::Number))],
        TextRule::WireOnly,
        Effect::Pure,
        bitand,
    )
    .only(Versions::from(ApiVersion::Unstable)),
    form(
        &["BitOr"],
        &[key("bitor", Cast::OneOrMore(&Cast::Number))],
        TextRule::Varargs { fixed: 0 },
        Effect::Pure,
        bitor,
    )
    .only(Versions::STABLE),
    form(
        &[],
        &[key("bit_or", Cast::OneOrMore(&Cast::Number))],
        TextRule::WireOnly,
        Effect::Pure,
        bitor,
    )
    .only(Versions::from(ApiVersion::Unstable)),
    form(
        &["BitXor"],
        &[key("bitxor", Cast::OneOrMore(&Cast::Number))],
        TextRule::Varargs { fixed: 0 },
        Effect::Pure,
        bitxor,
    )
    .only(Versions::STABLE),
    form(
        &[],
        &[key("bit_xor", Cast::OneOrMore(&Cast::Number))],
        TextRule::WireOnly,
        Effect::Pure,
        bitxor,
    )
    .only(Versions::from(ApiVersion::Unstable)),
    form(
        &["BitNot"],
        &[key("bitnot", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        bitnot,
    )
    .only(Versions::STABLE),
    form(
        &[],
        &[key("bit_not", Cast::Number)],
        TextRule::WireOnly,
        Effect::Pure,
        bitnot,
    )
    .only(Versions::from(ApiVersion::Unstable)),
    form(
        &["Ceil"],
        &[key("ceil", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        ceil,
    ),
    form(
        &["Floor"],
        &[key("floor", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        floor,
    ),
    form(
        &["Sign"],
        &[key("sign", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        sign,
    ),
    form(
        &["Sqrt"],
        &[key("sqrt", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        sqrt,
    ),
    form(
        &["Round"],
        &[
            key("round", Cast::Number),
            optional("precision", Cast::Integer),
        ],
        at_least(1),
        Effect::Pure,
        round,
    ),
    form(
        &["Trunc"],
        &[
            key("trunc", Cast::Number),
            optional("precision", Cast::Integer),
        ],
        at_least(1),
        Effect::Pure,
        trunc,
    ),
];

/// A number.
#[derive(Clone, Copy)]
pub(super) enum Number {
    Long(i64),
    Double(f64),
}

impl Number {
    pub(super) fn of(value: &Value) -> Number {
        match value {
            Value::Long(n) => Number::Long(*n),
            Value::Double(x) => Number::Double(*x),
            _ => Number::Double(f64::NAN),
        }
    }

    /// As a double.
    pub(super) fn double(self) -> f64 {
        match self {
            Number::Long(n) => n as f64,
            Number::Double(x) => x,
        }
    }

    /// As an integer; a double is cut.
    fn long(self) -> i64 {
        match self {
            Number::Long(n) => n,
            Number::Double(x) => x as i64,
        }
    }

    fn value(self) -> Value {
        match self {
            Number::Long(n) => Value::Long(n),
            Number::Double(x) => Value::Double(x),
        }
    }

    pub(super) fn text(self) -> String {
        match self {
            Number::Long(n) => n.to_string(),
            Number::Double(x) => double_text(x),
        }
    }
}

/// `N must be ...`
pub(super) fn out_of_bounds(what: &str, bounds: &str, place: &Place) -> Error {
    Error::argument(place, format!("{what} must be {bounds}"))
}

/// Folds operands from the left: with integers as long as there is no double.
fn fold(
    arguments: &Arguments,
    longs: fn(i64, i64) -> Option<i64>,
    doubles: fn(f64, f64) -> Option<f64>,
) -> Result {
    let operands = arguments.items(0)?;
    let mut numbers = operands.iter().map(Number::of);
    let Some(mut result) = numbers.next() else {
        return Err(Error::empty_array(&arguments.at(0)).into());
    };
    for number in numbers {
        let next = match (result, number) {
            (Number::Long(a), Number::Long(b)) => longs(a, b).map(Number::Long),
            (a, b) => doubles(a.double(), b.double()).map(Number::Double),
        };
        let Some(next) = next else {
            return Err(Error::argument(arguments.place(), "Illegal division by zero.").into());
        };
        result = next;
    }
    Ok(result.value())
}

fn add(_: &mut Evaluator, arguments: Arguments) -> Result {
    fold(
        &arguments,
        |a, b| Some(a.wrapping_add(b)),
        |a, b| Some(a + b),
    )
}

fn subtract(_: &mut Evaluator, arguments: Arguments) -> Result {
    fold(
        &arguments,
        |a, b| Some(a.wrapping_sub(b)),
        |a, b| Some(a - b),
    )
}

fn multiply(_: &mut Evaluator, arguments: Arguments) -> Result {
    fold(
        &arguments,
        |a, b| Some(a.wrapping_mul(b)),
        |a, b| Some(a * b),
    )
}

fn divide(_: &mut Evaluator, arguments: Arguments) -> Result {
    fold(
        &arguments,
        |a, b| (b != 0).then(|| a.wrapping_div(b)),
        |a, b| (b != 0.0).then_some(a / b),
    )
}

fn modulo(_: &mut Evaluator, arguments: Arguments) -> Result {
    fold(
        &arguments,
        |a, b| (b != 0).then(|| a.wrapping_rem(b)),
        |a, b| (b != 0.0).then_some(a % b),
    )
}

/// Folds bits. Doubles are cut to integers, each time anew; if there is one the result is a double.
fn bits(arguments: &Arguments, combine: fn(i64, i64) -> i64) -> Result {
    let operands = arguments.items(0)?;
    let mut numbers = operands.iter().map(Number::of);
    let Some(mut result) = numbers.next() else {
        return Err(Error::empty_array(&arguments.at(0)).into());
    };
    for number in numbers {
        let bits = combine(result.long(), number.long());
        result = match (result, number) {
            (Number::Long(_), Number::Long(_)) => Number::Long(bits),
            _ => Number::Double(bits as f64),
        };
    }
    Ok(result.value())
}

fn bitand(_: &mut Evaluator, arguments: Arguments) -> Result {
    bits(&arguments, |a, b| a & b)
}

fn bitor(_: &mut Evaluator, arguments: Arguments) -> Result {
    bits(&arguments, |a, b| a | b)
}

fn bitxor(_: &mut Evaluator, arguments: Arguments) -> Result {
    bits(&arguments, |a, b| a ^ b)
}

fn number(arguments: &Arguments) -> Number {
    arguments.get(0).map_or(Number::Long(0), Number::of)
}

fn bitnot(_: &mut Evaluator, arguments: Arguments) -> Result {
    Ok(Value::Long(!number(&arguments).long()))
}

/// The same kind of number.
fn kept(number: Number, long: fn(i64) -> i64, double: fn(f64) -> f64) -> Result {
    Ok(match number {
        Number::Long(n) => Value::Long(long(n)),
        Number::Double(x) => Value::Double(double(x)),
    })
}

fn abs(_: &mut Evaluator, arguments: Arguments) -> Result {
    kept(number(&arguments), i64::wrapping_abs, f64::abs)
}

fn ceil(_: &mut Evaluator, arguments: Arguments) -> Result {
    kept(number(&arguments), |n| n, f64::ceil)
}

fn floor(_: &mut Evaluator, arguments: Arguments) -> Result {
    kept(number(&arguments), |n| n, f64::floor)
}

fn sign(_: &mut Evaluator, arguments: Arguments) -> Result {
    Ok(Value::Long(match number(&arguments) {
        Number::Long(n) => n.signum(),
        Number::Double(x) if x < 0.0 => -1,
        Number::Double(_) => 1,
    }))
}

fn sqrt(_: &mut Evaluator, arguments: Arguments) -> Result {
    let number = number(&arguments);
    match number.double() {
        x if x >= 0.0 => Ok(Value::Double(x.sqrt())),
        _ => Err(out_of_bounds(&number.text(), "positive", arguments.place()).into()),
    }
}

/// Ten to the power of a number of places; cut to 32 bits as the host does where the fraction is taken apart.
fn power_of_ten(places: i64) -> f64 {
    10f64.powf(places as f64)
}

fn round(_: &mut Evaluator, arguments: Arguments) -> Result {
    let precision = arguments.optional_integer(1)?;
    Ok(match (number(&arguments), precision) {
        (Number::Long(n), None) => Value::Long(n),
        (Number::Long(n), Some(places)) if places > 0 => Value::Long(n),
        (Number::Long(n), Some(places)) => {
            let factor = power_of_ten(places);
            let whole = (n as f64 * factor + 0.5) as i64;
            Value::Long((whole as f64 / factor) as i64)
        }
        (Number::Double(x), precision) => {
            let places = precision.unwrap_or(2);
            let factor = power_of_ten(places);
            Value::Double(if places > 0 {
                // Whole and fraction apart, so that large numbers do not overflow.
                let factor = factor as i32;
                let whole = x as i64;
                let fraction = (x - whole as f64 + 0.5 / f64::from(factor)) * f64::from(factor);
                whole as f64 + (fraction as i64) as f64 / f64::from(factor)
            } else {
                let whole = (x * factor + 0.5) as i64;
                ((whole as f64 / factor) as i64) as f64
            })
        }
    })
}

fn trunc(_: &mut Evaluator, arguments: Arguments) -> Result {
    let precision = arguments.optional_integer(1)?;
    Ok(match (number(&arguments), precision) {
        (Number::Long(n), None) => Value::Long(n),
        (Number::Long(n), Some(places)) if places > 0 => Value::Long(n),
        (Number::Long(n), Some(places)) => {
            let factor = power_of_ten(places);
            let whole = (n as f64 * factor) as i64;
            Value::Long((whole as f64 / factor) as i64)
        }
        (Number::Double(x), precision) => {
            let places = precision.unwrap_or(2);
            let factor = power_of_ten(places);
            Value::Double(if places > 0 {
                let factor = factor as i32;
                let whole = x as i64;
                let fraction = (x - whole as f64) * f64::from(factor);
                whole as f64 + (fraction as i64) as f64 / f64::from(factor)
            } else {
                (x * factor) as i64 as f64 / factor
            })
        }
    })
}
