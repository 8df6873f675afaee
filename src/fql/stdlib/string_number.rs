//! Reading numbers from text (`spec fql10-stdlib 2`).

use super::{int, text};
use crate::fql::interp::{Failure, Interp, Result};
use crate::value::{NullReason, Value};

fn invalid(me: &Interp) -> Value {
    me.null(NullReason::NoSuchElement("invalid number"))
}

/// The radix argument, 10 if it was left out.
fn radix(args: &[Value]) -> Result<u32> {
    let Some(radix) = args.first() else {
        return Ok(10);
    };
    match u32::try_from(int(Some(radix))) {
        Ok(radix @ 2..=36) => Ok(radix),
        _ => Err(Failure::invalid_argument(
            "format",
            "invalid radix, expected a number from 2-36",
        )),
    }
}

pub(super) fn parse_int(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let number = read_integer(text(Some(this)), radix(args)?);
    let number = number.and_then(|n| i32::try_from(n).ok());
    Ok(number.map_or_else(|| invalid(me), Value::Int))
}

pub(super) fn parse_long(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let number = read_integer(text(Some(this)), radix(args)?);
    Ok(number.map_or_else(|| invalid(me), Value::Long))
}

pub(super) fn parse_double(me: &mut Interp, this: &Value, _: &[Value]) -> Result {
    Ok(read_double(text(Some(this))).map_or_else(|| invalid(me), Value::Double))
}

pub(super) fn parse_number(me: &mut Interp, this: &Value, _: &[Value]) -> Result {
    let whole = text(Some(this));
    if let Some(n) = read_integer(whole, 10) {
        return Ok(Value::integer(n));
    }
    Ok(read_double(whole).map_or_else(|| invalid(me), Value::Double))
}

/// An optional sign, then digits of the radix.
fn read_integer(text: &str, radix: u32) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if digits.is_empty() {
        return None;
    }
    // Towards minus, since the least number has no counterpart.
    let mut number: i64 = 0;
    for c in digits.chars() {
        let digit = digit_of(c, radix)?;
        number = number
            .checked_mul(i64::from(radix))?
            .checked_sub(i64::from(digit))?;
    }
    if negative {
        Some(number)
    } else {
        number.checked_neg()
    }
}

/// The value of a decimal digit of any script.
pub(crate) fn decimal_digit(c: char) -> Option<u8> {
    digit_of(c, 10).map(|digit| digit as u8)
}

/// The value of a digit; decimal digits of any script count, and full-width letters.
fn digit_of(c: char, radix: u32) -> Option<u32> {
    if c.is_ascii() {
        return c.to_digit(radix);
    }
    let code = u32::from(c);
    let value = match code {
        0xFF21..=0xFF3A => code - 0xFF21 + 10,
        0xFF41..=0xFF5A => code - 0xFF41 + 10,
        _ => {
            // Decimal digits stand in runs of ten, in order.
            let zero = DIGIT_ZEROS.iter().rev().find(|zero| **zero <= code)?;
            let value = code - zero;
            if value > 9 {
                return None;
            }
            value
        }
    };
    (value < radix).then_some(value)
}

/// The zeros of the scripts with decimal digits (category Nd), ascending.
#[rustfmt::skip]
static DIGIT_ZEROS: &[u32] = &[
    0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xDE6, 0xE50, 0xED0,
    0xF20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50,
    0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10, 0x104A0, 0x10D30, 0x11066, 0x110F0,
    0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x11730, 0x118E0, 0x11950, 0x11C50,
    0x11D50, 0x11DA0, 0x16A60, 0x16B50, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0,
    0x1E950, 0x1FBF0,
];

/// Decimal, hexadecimal, `NaN` or `Infinity`, with sign and type suffix, blanks around it.
fn read_double(text: &str) -> Option<f64> {
    let text = text.trim_matches(|c: char| c <= ' ');
    let (negative, text) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let magnitude = match text {
        "NaN" => f64::NAN,
        "Infinity" => f64::INFINITY,
        _ => {
            let text = text.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(text);
            match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
                Some(hexadecimal) => read_hexadecimal(hexadecimal)?,
                None => read_decimal(text)?,
            }
        }
    };
    Some(if negative { -magnitude } else { magnitude })
}

fn read_decimal(text: &str) -> Option<f64> {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    if let Some(exponent) = exponent {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if digits.is_empty() || !all_digits(digits) {
            return None;
        }
    }
    // What is left is within what Rust reads, and both round to nearest even.
    text.parse().ok()
}

/// `H.Hp±D` after `0x`; the exponent is mandatory. Rounds to nearest even.
fn read_hexadecimal(text: &str) -> Option<f64> {
    let at = text.find(['p', 'P'])?;
    let (mantissa, exponent) = (&text[..at], &text[at + 1..]);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.len() + fraction.len() == 0 {
        return None;
    }
    let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // Exponents beyond these bounds exceed any mantissa that a string can hold.
    let size = digits.trim_start_matches('0');
    let size: i64 = if size.len() > 12 {
        1_000_000_000_000
    } else {
        size.parse().unwrap_or(0)
    };
    let mut exponent = if exponent.starts_with('-') {
        -size
    } else {
        size
    };
    exponent -= 4 * fraction.len() as i64;
    let (mut bits, mut sticky) = (0u64, false);
    for c in whole.chars().chain(fraction.chars()) {
        let digit = u64::from(c.to_digit(16)?);
        if bits >> 60 == 0 {
            bits = bits << 4 | digit;
        } else {
            sticky |= digit != 0;
            exponent += 4;
        }
    }
    Some(scale(bits, sticky, exponent))
}

/// `bits * 2^exponent`, rounded once; `sticky`: something non-zero lies below the bits.
fn scale(bits: u64, sticky: bool, exponent: i64) -> f64 {
    if bits == 0 {
        return 0.0;
    }
    let length = 64 - i64::from(bits.leading_zeros());
    // The place of the last bit that the result can hold: 53 bits, fewer for subnormal numbers.
    let last = (length - 53 + exponent).max(-1074);
    let drop = last - exponent;
    if length + exponent > 1024 {
        return f64::INFINITY;
    }
    let kept = match drop {
        ..=0 => bits << (-drop).min(63),
        1..=63 => {
            let (kept, rest) = (bits >> drop, bits & ((1 << drop) - 1));
            let half = 1u64 << (drop - 1);
            let up = rest > half || (rest == half && (sticky || kept & 1 == 1));
            kept + u64::from(up)
        }
        64 => u64::from(bits > 1 << 63 || (bits == 1 << 63 && sticky)),
        _ => 0,
    };
    // Exact: at most 53 bits and one carry, scaled in two steps that cannot round.
    let place = last as i32;
    let step = place.max(-1000);
    kept as f64 * 2f64.powi(step) * 2f64.powi(place - step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers() {
        for (text, radix, expected) in [
            ("42", 10, Some(42)),
            ("+7", 10, Some(7)),
            ("-ff", 16, Some(-255)),
            ("Zz", 36, Some(1295)),
            ("٤٢", 10, Some(42)),
            ("-9223372036854775808", 10, Some(i64::MIN)),
            ("9223372036854775808", 10, None),
            ("", 10, None),
            ("-", 10, None),
            (" 1", 10, None),
            ("1_0", 10, None),
            ("2", 2, None),
        ] {
            assert_eq!(read_integer(text, radix), expected, "{text}");
        }
    }

    #[test]
    fn doubles() {
        for (text, expected) in [
            ("5", Some(5.0)),
            ("5.", Some(5.0)),
            (".5", Some(0.5)),
            ("1e3", Some(1000.0)),
            ("1.5E-7", Some(1.5e-7)),
            ("-5d", Some(-5.0)),
            (" 7\n", Some(7.0)),
            ("1e400", Some(f64::INFINITY)),
            ("1e-400", Some(0.0)),
            ("-Infinity", Some(f64::NEG_INFINITY)),
            ("0x1p3", Some(8.0)),
            ("0x1.8p1f", Some(3.0)),
            ("0x.8p0", Some(0.5)),
            ("0x1p-1074", Some(f64::from_bits(1))),
            ("0x1p-1075", Some(0.0)),
            ("0x1.8p-1075", Some(f64::from_bits(1))),
            ("0x1fffffffffffffp971", Some(f64::MAX)),
            ("0x1p1024", Some(f64::INFINITY)),
            ("0x1.fffffffffffffffp0", Some(2.0)),
            ("inf", None),
            ("nan", None),
            ("1e", None),
            ("1_000", None),
            ("1,5", None),
            ("0x10", None),
            ("", None),
            (".", None),
            ("e5", None),
            ("d", None),
            ("1dd", None),
        ] {
            assert_eq!(read_double(text), expected, "{text}");
        }
        assert!(read_double("NaN").is_some_and(f64::is_nan));
    }
}
