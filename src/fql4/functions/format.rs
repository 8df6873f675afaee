//! `Format` (`spec fql4 6.10`).

use super::convert::text_of;
use super::format_number::{self, Flags};
use super::format_time;
use crate::fql::interp::Effect;
use crate::fql4::error::{Error, Result};
use crate::fql4::eval::{Arguments, Evaluator, Expected};
use crate::fql4::forms::{Cast, Form, TextRule, form, key};
use crate::fql4::kind;
use crate::fql4::place::Place;
use crate::fql4::render;
use crate::fql4::value::Value;
use crate::fql4::version::ApiVersion;
use crate::store::TxnTime;

/// The declarations.
pub const FORMS: &[Form] = &[form(
    &["Format"],
    &[
        key("format", Cast::String),
        key("values", Cast::ZeroOrMore(&Cast::Any)),
    ],
    TextRule::Varargs { fixed: 1 },
    Effect::Pure,
    format,
)];

/// A part of a format: `%[n$][flags][width][.precision][t]conversion`.
struct Specifier<'f> {
    /// Which argument, from 1; 0 for the next.
    index: usize,
    /// `%` and what follows the index, for messages.
    text: String,
    flags: &'f str,
    width: Option<&'f str>,
    precision: Option<&'f str>,
    /// `t` or `T` of times and dates.
    time: Option<char>,
    conversion: Option<char>,
}

/// Why a value cannot be formatted.
pub(super) enum Fault {
    /// The flags do not go with the conversion or with each other.
    Format,
    /// Another kind of value is wanted.
    Kind(Expected),
    /// The letter is none for times, or none for dates.
    TimeSuffix,
    /// The value has no text.
    NoText,
}

/// Reads the specifier behind a `%`; it ends where nothing fits any more. Gives its length as well.
fn specifier(text: &str) -> (Specifier<'_>, usize) {
    let digits = |text: &str| {
        text.find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len())
    };
    let mut at = 0;
    let mut index = 0;
    let end = digits(text);
    if end > 0 && text[end..].starts_with('$') {
        index = text[..end].parse().unwrap_or(usize::MAX);
        at = end + 1;
    }
    let body = at;
    let end = at
        + text[at..]
            .find(|c: char| !matches!(c, '-' | '#' | '+' | ' ' | '0' | ',' | '(' | '<'))
            .unwrap_or(text.len() - at);
    let flags = &text[at..end];
    at = end;
    let end = at + digits(&text[at..]);
    let width = (end > at).then(|| &text[at..end]);
    at = end;
    let mut precision = None;
    if let Some(rest) = text[at..].strip_prefix('.') {
        let end = digits(rest);
        if end > 0 {
            precision = Some(&rest[..end]);
            at += 1 + end;
        }
    }
    let mut time = None;
    if let Some(c @ ('t' | 'T')) = text[at..].chars().next() {
        time = Some(c);
        at += 1;
    }
    let conversion = text[at..]
        .chars()
        .next()
        .filter(|c| c.is_ascii_alphabetic() || matches!(c, '%' | '@' | '^'));
    at += conversion.map_or(0, char::len_utf8);
    let specifier = Specifier {
        index,
        text: format!("%{}", &text[body..at]),
        flags,
        width,
        precision,
        time,
        conversion,
    };
    (specifier, at)
}

fn format(me: &mut Evaluator, arguments: Arguments) -> Result {
    let text = arguments.string(0)?;
    let values = arguments.items(1).or_else(|error| match arguments.get(1) {
        // Without values there are none.
        None => Ok(Default::default()),
        Some(_) => Err(error),
    })?;
    let at = arguments.at(0);
    // The whole format is read before anything is printed.
    let mut parts = Vec::new();
    let mut rest = &*text;
    while let Some(percent) = rest.find('%') {
        let (specifier, length) = specifier(&rest[percent + 1..]);
        let end = percent + 1 + length;
        if !is_known(&specifier) {
            let shown = &rest[percent..end];
            let message = format!("Invalid conversion format '{shown}'.");
            return Err(Error::argument(&at, message).into());
        }
        parts.push((&rest[..percent], specifier));
        rest = &rest[end..];
    }
    let mut out = String::new();
    let mut next = 0;
    for (literal, specifier) in &parts {
        out.push_str(literal);
        match (specifier.time, specifier.conversion) {
            (None, Some('%')) => out.push('%'),
            (None, Some('n')) => out.push('\n'),
            _ => {
                let (index, fault) = match specifier.index {
                    0 => {
                        next += 1;
                        let fault = "format specifiers count must be <= arguments size";
                        (next - 1, fault)
                    }
                    index => (index - 1, "index must be >= 1 and <= arguments size"),
                };
                let Some(value) = values.get(index) else {
                    return Err(Error::argument(&at, fault).into());
                };
                let place = arguments.at(1).index(index);
                let printed = print(me, specifier, value, &at, &place)?;
                out.push_str(&printed);
            }
        }
        me.check_length(out.len(), arguments.place())?;
    }
    out.push_str(rest);
    me.check_length(out.len(), arguments.place())?;
    Ok(Value::string(out))
}

fn is_known(specifier: &Specifier) -> bool {
    specifier.time.is_some()
        || specifier.conversion.is_some_and(|c| {
            matches!(
                c,
                'f' | 'e'
                    | 'E'
                    | 'g'
                    | 'G'
                    | 'd'
                    | 'x'
                    | 'X'
                    | 'o'
                    | 's'
                    | 'S'
                    | 'b'
                    | 'B'
                    | '%'
                    | 'n'
                    | '@'
                    | '^'
            )
        })
}

/// Prints a value. `at` is the place of the format, `place` that of the value.
fn print(
    me: &mut Evaluator,
    specifier: &Specifier,
    value: &Value,
    at: &Place,
    place: &Place,
) -> Result<String> {
    let debug = match specifier.conversion {
        Some('@') if specifier.time.is_none() => Some(ApiVersion::V21),
        Some('^') if specifier.time.is_none() => Some(me.version),
        _ => None,
    };
    if let Some(version) = debug {
        let text = render::render_as(me, value, version)?;
        return Ok(render::settle(text, TxnTime(0)));
    }
    let fault = match printed(me, specifier, value, at) {
        Ok(Ok(text)) => return Ok(text),
        Ok(Err(fault)) => fault,
        Err(stop) => return Err(stop),
    };
    let shown = &specifier.text;
    Err(match fault {
        Fault::Format => Error::argument(at, format!("Invalid conversion format '{shown}'.")),
        Fault::Kind(expected) => expected.error(value, place),
        Fault::TimeSuffix => Error::argument(place, format!("Invalid date/time suffix '{shown}'.")),
        Fault::NoText => {
            let message = format!("Cannot cast {} to String.", kind::of(value));
            Error::argument(place, message)
        }
    }
    .into())
}

fn printed(
    me: &mut Evaluator,
    specifier: &Specifier,
    value: &Value,
    at: &Place,
) -> Result<std::result::Result<String, Fault>> {
    if specifier.time.is_some() {
        return Ok(time(specifier, value));
    }
    // Numbers that are no 32-bit integers are no widths.
    let number = |text: Option<&str>| text.map(str::parse::<i32>).transpose();
    let (Ok(width), Ok(precision)) = (number(specifier.width), number(specifier.precision)) else {
        return Ok(Err(Fault::Format));
    };
    let size = |n: Option<i32>| n.and_then(|n| usize::try_from(n).ok());
    let (width, precision) = (size(width), size(precision));
    me.check_length(width.unwrap_or(0).max(precision.unwrap_or(0)), at)?;
    let Some(flags) = Flags::read(specifier.flags) else {
        return Ok(Err(Fault::Format));
    };
    let conversion = specifier.conversion.unwrap_or('s');
    let layout = format_number::Layout {
        flags,
        width,
        precision,
        conversion,
    };
    Ok(match (conversion.to_ascii_lowercase(), value) {
        ('d' | 'x' | 'o', Value::Long(n)) => layout.integer(*n).ok_or(Fault::Format),
        ('d' | 'x' | 'o', _) => Err(Fault::Kind(Expected(&["Integer"]))),
        ('e' | 'f' | 'g', Value::Double(x)) => layout.double(*x).ok_or(Fault::Format),
        ('e' | 'f' | 'g', _) => Err(Fault::Kind(Expected(&["Number"]))),
        ('b', value) => {
            let text = match value {
                Value::Null | Value::Bool(false) => "false",
                _ => "true",
            };
            layout.text(text).ok_or(Fault::Format)
        }
        (_, value) => match text_of(value) {
            Some(text) => layout.text(&text).ok_or(Fault::Format),
            None => Err(Fault::NoText),
        },
    })
}

fn time(specifier: &Specifier, value: &Value) -> std::result::Result<String, Fault> {
    let Some(suffix) = specifier.conversion else {
        return match value {
            Value::Time(time) => Ok(time.to_string()),
            Value::Date(date) => Ok(date.to_string()),
            _ => Err(Fault::Kind(Expected(&["Date", "Time"]))),
        };
    };
    let text = match value {
        Value::Time(time) => format_time::time(*time, suffix),
        Value::Date(date) => format_time::date(*date, suffix),
        _ => return Err(Fault::Kind(Expected(&["Date", "Time"]))),
    };
    let text = text.ok_or(Fault::TimeSuffix)?;
    // The nanoseconds are printed as they are.
    if suffix == 'N' {
        return Ok(text);
    }
    let number = |text: &str| {
        text.parse::<i32>()
            .ok()
            .and_then(|n| usize::try_from(n).ok())
    };
    let width = match specifier.width {
        Some(width) => Some(number(width).ok_or(Fault::Format)?),
        None => None,
    };
    let flags = Flags::read(specifier.flags).ok_or(Fault::Format)?;
    let layout = format_number::Layout {
        flags,
        width,
        precision: specifier.precision.and_then(number),
        conversion: if specifier.time == Some('T') {
            'S'
        } else {
            's'
        },
    };
    layout.time(&text).ok_or(Fault::Format)
}
