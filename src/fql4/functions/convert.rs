//! Conversions (`spec fql4 6.13`).

use super::number::Number;
use super::time::{parse_date, parse_time, trimmed};
use crate::fql::interp::Effect;
use crate::fql4::error::{Error, Result};
use crate::fql4::eval::{Arguments, Evaluator};
use crate::fql4::forms::{Cast, Form, form, key, positional};
use crate::fql4::kind;
use crate::fql4::place::Place;
use crate::fql4::value::{Date, Time, Value};
use crate::value::number::double_text;

/// The declarations.
pub const FORMS: &[Form] = &[
    form(
        &["ToString"],
        &[key("to_string", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        to_string,
    ),
    form(
        &["ToNumber"],
        &[key("to_number", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        to_number,
    ),
    form(
        &["ToDouble"],
        &[key("to_double", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        to_double,
    ),
    form(
        &["ToInteger"],
        &[key("to_integer", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        to_integer,
    ),
    form(
        &["ToTime"],
        &[key("to_time", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        to_time,
    ),
    form(
        &["ToDate"],
        &[key("to_date", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        to_date,
    ),
];

/// `Cannot cast X to T.`
fn no_cast(value: &Value, to: &str, place: &Place) -> Error {
    Error::argument(place, format!("Cannot cast {} to {to}.", kind::of(value)))
}

/// Text of a value that has one.
pub(super) fn text_of(value: &Value) -> Option<String> {
    Some(match value {
        Value::Long(n) => n.to_string(),
        Value::Double(x) => double_text(*x),
        Value::Bool(flag) => flag.to_string(),
        Value::Null => "null".to_string(),
        Value::String(text) => text.to_string(),
        Value::Time(time) => time.to_string(),
        Value::Date(date) => date.to_string(),
        Value::Uuid(uuid) => {
            let mut text = String::new();
            crate::value::format::json::write_uuid(&mut text, uuid);
            text
        }
        Value::Action(action) => action.text().to_string(),
        _ => return None,
    })
}

fn to_string(_: &mut Evaluator, arguments: Arguments) -> Result {
    let value = arguments.value(0);
    match (&value, text_of(&value)) {
        (Value::String(_), _) => Ok(value),
        (_, Some(text)) => Ok(Value::string(text)),
        (_, None) => Err(no_cast(&value, "String", arguments.place()).into()),
    }
}

/// The number at the beginning of a text as the host's format for the United States reads it: digits, commas between
/// them, a fraction, an exponent `E`; the infinity and not-a-number signs. What follows is not looked at. A whole number
/// that fits is an integer, however it is written.
fn read_number(text: &str) -> Option<Number> {
    let text = trimmed(text);
    if text.starts_with("NaN") {
        return Some(Number::Double(f64::NAN));
    }
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let sign = if negative { -1.0 } else { 1.0 };
    if rest.starts_with('∞') {
        return Some(Number::Double(sign * f64::INFINITY));
    }
    let mut digits = String::new();
    // How many digits stand before the point.
    let mut whole: Option<usize> = None;
    let mut exponent = 0i64;
    for (at, c) in rest.char_indices() {
        match c {
            '.' if whole.is_none() => whole = Some(digits.len()),
            ',' if whole.is_none() => {}
            'E' => {
                exponent = read_exponent(rest.get(at + 1..).unwrap_or_default());
                break;
            }
            c => match decimal(c) {
                Some(digit) => digits.push(char::from(b'0' + digit)),
                None => break,
            },
        }
    }
    if digits.is_empty() {
        return None;
    }
    let significant = digits.trim_start_matches('0');
    let leading = (digits.len() - significant.len()) as i64;
    let places = (whole.unwrap_or(digits.len()) as i64)
        .saturating_sub(leading)
        .saturating_add(exponent);
    let significant = significant.trim_end_matches('0');
    if significant.is_empty() {
        return Some(match negative {
            true => Number::Double(-0.0),
            false => Number::Long(0),
        });
    }
    let zeros = places.saturating_sub(significant.len() as i64);
    if (0..=19).contains(&zeros) && significant.len() <= 19 {
        let zeros = "0".repeat(zeros.unsigned_abs() as usize);
        let minus = if negative { "-" } else { "" };
        if let Ok(n) = format!("{minus}{significant}{zeros}").parse() {
            return Some(Number::Long(n));
        }
    }
    let magnitude: f64 = format!("0.{significant}E{places}").parse().ok()?;
    Some(Number::Double(sign * magnitude))
}

/// The exponent at the beginning of a text; 0 if there is none.
fn read_exponent(text: &str) -> i64 {
    let sign = usize::from(text.starts_with('-'));
    let digits = text.get(sign..).unwrap_or_default();
    let end = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    let magnitude = match digits.get(..end) {
        None | Some("") => return 0,
        Some(digits) => digits
            .parse::<i64>()
            .map_or(1_000_000, |n| n.min(1_000_000)),
    };
    if sign == 1 { -magnitude } else { magnitude }
}

/// The value of a decimal digit of any script.
fn decimal(c: char) -> Option<u8> {
    if c.is_ascii() {
        return c.to_digit(10).map(|digit| digit as u8);
    }
    crate::fql::stdlib::decimal_digit(c)
}

fn to_number(_: &mut Evaluator, arguments: Arguments) -> Result {
    let value = arguments.value(0);
    match &value {
        Value::Long(_) | Value::Double(_) => Ok(value),
        Value::String(text) => match read_number(text) {
            Some(Number::Long(n)) => Ok(Value::Long(n)),
            Some(Number::Double(x)) => Ok(Value::Double(x)),
            None => Err(no_cast(&value, "Number", arguments.place()).into()),
        },
        _ => Err(no_cast(&value, "Number", arguments.place()).into()),
    }
}

fn to_double(_: &mut Evaluator, arguments: Arguments) -> Result {
    let value = arguments.value(0);
    let double = match &value {
        Value::Long(n) => Some(*n as f64),
        Value::Double(x) => Some(*x),
        Value::String(text) => read_number(text).map(Number::double),
        _ => None,
    };
    match double {
        Some(x) => Ok(Value::Double(x)),
        None => Err(no_cast(&value, "Double", &arguments.at(0)).into()),
    }
}

fn to_integer(_: &mut Evaluator, arguments: Arguments) -> Result {
    let value = arguments.value(0);
    let integer = match &value {
        Value::Long(n) => Some(*n),
        Value::Double(x) => Some(*x as i64),
        Value::String(text) => read_number(text).map(|number| match number {
            Number::Long(n) => n,
            Number::Double(x) => x as i64,
        }),
        _ => None,
    };
    match integer {
        Some(n) => Ok(Value::Long(n)),
        None => Err(no_cast(&value, "Integer", &arguments.at(0)).into()),
    }
}

fn to_time(me: &mut Evaluator, arguments: Arguments) -> Result {
    let value = arguments.value(0);
    match &value {
        Value::Long(millis) => Ok(Value::Time(Time {
            secs: millis.div_euclid(1000),
            nanos: (millis.rem_euclid(1000) * 1_000_000) as u32,
        })),
        Value::Time(_) => Ok(value),
        Value::Date(date) => Ok(Value::Time(Time {
            secs: date.0.saturating_mul(86_400),
            nanos: 0,
        })),
        Value::String(text) => parse_time(me, text, arguments.place()),
        _ => Err(no_cast(&value, "Time", arguments.place()).into()),
    }
}

fn to_date(_: &mut Evaluator, arguments: Arguments) -> Result {
    let value = arguments.value(0);
    match &value {
        Value::Time(time) => Ok(Value::Date(Date::of(*time))),
        Value::Date(_) => Ok(value),
        Value::String(text) => parse_date(text, arguments.place()),
        _ => Err(no_cast(&value, "Date", arguments.place()).into()),
    }
}
