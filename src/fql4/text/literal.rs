//! Strings and numbers as JavaScript writes them (`spec fql4 1.1`).

use serde_json::Number;

/// The value of a string with its quotes; `Err` says what is wrong with an escape.
pub(super) fn string(literal: &str) -> Result<String, &'static str> {
    let quote = literal.chars().next().unwrap_or('"');
    let inner = literal
        .get(1..literal.len().saturating_sub(1))
        .unwrap_or_default();
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars().peekable();
    while let Some(ch) = chars.next() {
        match ch {
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('r') => out.push('\r'),
                Some('b') => out.push('\u{8}'),
                Some('f') => out.push('\u{C}'),
                Some('v') => out.push('\u{B}'),
                Some('0') => out.push('\0'),
                Some('x') => out.push(
                    hex(&mut chars, 2)
                        .and_then(char::from_u32)
                        .ok_or("Invalid hexadecimal escape sequence")?,
                ),
                Some('u') => {
                    out.push(unicode(&mut chars).ok_or("Invalid Unicode escape sequence")?)
                }
                // A line end after a backslash is no part of the string.
                Some('\r') => {
                    chars.next_if_eq(&'\n');
                }
                Some('\n' | '\u{2028}' | '\u{2029}') => {}
                Some(other) => out.push(other),
                None => {}
            },
            // Line ends of templates are all alike.
            '\r' if quote == '`' => {
                chars.next_if_eq(&'\n');
                out.push('\n');
            }
            ch => out.push(ch),
        }
    }
    Ok(out)
}

type Chars<'t> = std::iter::Peekable<std::str::Chars<'t>>;

/// So many hexadecimal digits.
fn hex(chars: &mut Chars<'_>, count: usize) -> Option<u32> {
    let mut code = 0;
    for _ in 0..count {
        code = code * 16 + chars.next()?.to_digit(16)?;
    }
    Some(code)
}

/// What follows `\u`. Half a surrogate pair is no character: it becomes the replacement character.
fn unicode(chars: &mut Chars<'_>) -> Option<char> {
    const REPLACEMENT: char = '\u{FFFD}';
    if chars.next_if_eq(&'{').is_some() {
        let mut code: u32 = 0;
        let mut digits = 0;
        while let Some(digit) = chars.next_if(|ch| *ch != '}') {
            code = code.checked_mul(16)?.checked_add(digit.to_digit(16)?)?;
            digits += 1;
        }
        chars.next()?;
        return match (digits, code) {
            (0, _) | (_, 0x11_0000..) => None,
            _ => Some(char::from_u32(code).unwrap_or(REPLACEMENT)),
        };
    }
    let high = hex(chars, 4)?;
    if (0xD800..0xDC00).contains(&high) {
        let mut ahead = chars.clone();
        if ahead.next() == Some('\\')
            && ahead.next() == Some('u')
            && let Some(low @ 0xDC00..0xE000) = hex(&mut ahead, 4)
        {
            *chars = ahead;
            return char::from_u32(0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00));
        }
    }
    Some(char::from_u32(high).unwrap_or(REPLACEMENT))
}

/// The value of a number as JSON carries it: whole numbers within 64 bits are integers, as the JSON text of a
/// JavaScript number has no fraction then; `None` if the number is infinite, which JSON writes as null.
pub(super) fn number(literal: &str) -> Option<Number> {
    let digits: String = literal.chars().filter(|ch| *ch != '_').collect();
    let (negative, digits) = match digits.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, digits.strip_prefix('+').unwrap_or(&digits)),
    };
    let radix = match digits.get(..2).unwrap_or_default() {
        "0x" | "0X" => 16,
        "0o" | "0O" => 8,
        "0b" | "0B" => 2,
        _ => 10,
    };
    let value = if radix != 10 {
        let digits = digits.get(2..).unwrap_or_default();
        match i128::from_str_radix(digits, radix) {
            Ok(value) => return integer(if negative { -value } else { value }),
            // More than 127 bits: as exact as a double is.
            Err(_) => digits.chars().fold(0.0, |sum, digit| {
                sum * f64::from(radix) + f64::from(digit.to_digit(radix).unwrap_or(0))
            }),
        }
    } else if let Ok(value) = digits.parse::<i128>() {
        return integer(if negative { -value } else { value });
    } else {
        digits.parse::<f64>().unwrap_or(f64::INFINITY)
    };
    let value = if negative { -value } else { value };
    // Every whole double in this range is exact as an integer.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    match value.fract() == 0.0 && (-LIMIT..LIMIT).contains(&value) {
        true => Some(Number::from(value as i64)),
        false => Number::from_f64(value),
    }
}

fn integer(value: i128) -> Option<Number> {
    match i64::try_from(value) {
        Ok(value) => Some(Number::from(value)),
        Err(_) => Number::from_f64(value as f64),
    }
}

/// A number as a key of an object: as JavaScript prints it.
pub(super) fn key(literal: &str) -> String {
    match number(literal) {
        Some(number) => match number.as_i64() {
            Some(integer) => integer.to_string(),
            None => crate::fql4::print::javascript_number(number.as_f64().unwrap_or(f64::NAN)),
        },
        None => match literal.starts_with('-') {
            true => "-Infinity".to_string(),
            false => "Infinity".to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings() {
        for (literal, value) in [
            (r#""a\tb""#, "a\tb"),
            (r"'it\'s'", "it's"),
            (r#""\u00e9\x41\u{1F600}\ud83d\ude00""#, "éA😀😀"),
            (r#""\ud83d!""#, "\u{FFFD}!"),
            ("'a\\\nb\\\r\nc'", "abc"),
            ("`a\r\nb`", "a\nb"),
            (r#""\q\0\v""#, "q\0\u{B}"),
            ("''", ""),
        ] {
            assert_eq!(string(literal).as_deref(), Ok(value), "{literal}");
        }
        for literal in [r#""\xg0""#, r#""\u12""#, r#""\u{}""#, r#""\u{110000}""#] {
            assert!(string(literal).is_err(), "{literal}");
        }
    }

    #[test]
    fn numbers() {
        for (literal, json) in [
            ("0x10", "16"),
            ("1e3", "1000"),
            (".5", "0.5"),
            ("5.", "5"),
            ("-4", "-4"),
            ("+6", "6"),
            ("1_000", "1000"),
            ("0b101", "5"),
            ("0o17", "15"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("9007199254740993", "9007199254740993"),
            ("9223372036854775807", "9223372036854775807"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("9223372036854775808", "9.223372036854775808e18"),
            ("1e400", "null"),
        ] {
            let found = number(literal);
            let expected: serde_json::Value = serde_json::from_str(json).unwrap();
            match expected {
                serde_json::Value::Number(expected) if expected.is_f64() => {
                    assert_eq!(
                        found.and_then(|n| n.as_f64()),
                        expected.as_f64(),
                        "{literal}"
                    );
                }
                serde_json::Value::Number(expected) => {
                    assert_eq!(found, Some(expected), "{literal}")
                }
                _ => assert_eq!(found, None, "{literal}"),
            }
        }
    }

    #[test]
    fn keys() {
        for (literal, text) in [("0x10", "16"), ("1.50", "1.5"), ("1e21", "1e+21")] {
            assert_eq!(key(literal), text);
        }
    }
}
