//! Numbers: text, narrowing, operators and comparison (`spec fql10-language 4.1`, `fql10-stdlib 4, 13.1, 14.1`).
//!
//! Integer results are exact and as narrow as they fit; what exceeds 64 bits becomes the nearest
//! Double. Everything here is pure.

use super::kind::Value;
use std::cmp::Ordering;
use std::fmt::Write;

/// Why a numeric operator failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// An integer divided by integer zero; code `divide_by_zero`.
    #[error("Attempted integer division by zero.")]
    DivideByZero,
    /// The left operand is not a number (the caller has looked the operator up, so it knows better).
    #[error("the left operand is not a number")]
    LeftNotNumber,
    /// The right operand is not a number.
    #[error("the right operand is not a number")]
    RightNotNumber,
}

/// A binary numeric operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberOp {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
    /// `**`
    Power,
    /// `&`
    And,
    /// `|`
    Or,
    /// `^`
    Xor,
}

/// A number by kind: what `Int`, `Long` and `Double` values hold.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// `Int` or `Long`.
    Integer(i64),
    /// `Double`.
    Double(f64),
}

impl Number {
    /// The number in a value.
    pub fn of(value: &Value) -> Option<Number> {
        match value {
            Value::Int(n) => Some(Number::Integer(i64::from(*n))),
            Value::Long(n) => Some(Number::Integer(*n)),
            Value::Double(x) => Some(Number::Double(*x)),
            _ => None,
        }
    }

    /// As a Double, the nearest one.
    pub fn as_f64(self) -> f64 {
        match self {
            Number::Integer(n) => n as f64,
            Number::Double(x) => x,
        }
    }

    /// As a 64-bit integer; Doubles are truncated, saturating, NaN is 0.
    pub fn to_i64(self) -> i64 {
        match self {
            Number::Integer(n) => n,
            Number::Double(x) => x as i64,
        }
    }

    /// The integer it is, a whole Double in range included (the rule for `Int` and `Long` arguments).
    pub fn whole(self) -> Option<i64> {
        match self {
            Number::Integer(n) => Some(n),
            // 2^63 itself is out of range.
            Number::Double(x)
                if x.trunc() == x && (-(2f64.powi(63))..2f64.powi(63)).contains(&x) =>
            {
                Some(x as i64)
            }
            Number::Double(_) => None,
        }
    }

    /// As a value, integers narrowed.
    pub fn into_value(self) -> Value {
        match self {
            Number::Integer(n) => Value::integer(n),
            Number::Double(x) => Value::Double(x),
        }
    }

    /// The total order of numbers: integers exactly, else as Doubles with `-0.0 < 0.0` and NaN largest.
    pub fn compare(self, other: Number) -> Ordering {
        match (self, other) {
            (Number::Integer(a), Number::Integer(b)) => a.cmp(&b),
            (a, b) => compare_doubles(a.as_f64(), b.as_f64()),
        }
    }

    /// As [`Number::compare`], but an integer and a Double exactly: transitive for all numbers.
    pub fn compare_exactly(self, other: Number) -> Ordering {
        match (self, other) {
            (Number::Integer(a), Number::Double(b)) => compare_integer_to_double(a, b),
            (Number::Double(a), Number::Integer(b)) => compare_integer_to_double(b, a).reverse(),
            (a, b) => a.compare(b),
        }
    }

    /// Internal equality (`includes`, `distinct`): integers exactly, else IEEE.
    pub fn same(self, other: Number) -> bool {
        match (self, other) {
            (Number::Integer(a), Number::Integer(b)) => a == b,
            (a, b) => a.as_f64() == b.as_f64(),
        }
    }
}

/// `-Infinity < ... < -0.0 < 0.0 < ... < Infinity < NaN`, all NaN equal.
pub fn compare_doubles(a: f64, b: f64) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => a.total_cmp(&b),
    }
}

fn compare_integer_to_double(n: i64, x: f64) -> Ordering {
    if x.is_nan() || x >= 2f64.powi(63) {
        Ordering::Less
    } else if x < -(2f64.powi(63)) {
        Ordering::Greater
    } else {
        // The cast truncates exactly; what it cut off, or the sign of zero, decides ties.
        n.cmp(&(x as i64)).then_with(|| {
            if x.trunc() == x {
                compare_doubles(n as f64, x)
            } else {
                compare_doubles(0.0, x)
            }
        })
    }
}

/// Applies a binary operator.
pub fn binary(op: NumberOp, left: &Value, right: &Value) -> Result<Value, NumberError> {
    let left = Number::of(left).ok_or(NumberError::LeftNotNumber)?;
    let right = Number::of(right).ok_or(NumberError::RightNotNumber)?;
    let (a, b) = match (op, left, right) {
        (NumberOp::And, a, b) => return Ok(Value::integer(a.to_i64() & b.to_i64())),
        (NumberOp::Or, a, b) => return Ok(Value::integer(a.to_i64() | b.to_i64())),
        (NumberOp::Xor, a, b) => return Ok(Value::integer(a.to_i64() ^ b.to_i64())),
        (_, Number::Integer(a), Number::Integer(b)) => (a, b),
        (_, a, b) => return Ok(Value::Double(double_op(op, a.as_f64(), b.as_f64()))),
    };
    let exact = match op {
        NumberOp::Add => a.checked_add(b),
        NumberOp::Subtract => a.checked_sub(b),
        NumberOp::Multiply => a.checked_mul(b),
        NumberOp::Divide | NumberOp::Remainder if b == 0 => return Err(NumberError::DivideByZero),
        NumberOp::Divide => Some(a.wrapping_div(b)),
        NumberOp::Remainder => Some(a.wrapping_rem(b)),
        NumberOp::Power => return Ok(integer_power(a, b)),
        NumberOp::And => Some(a & b),
        NumberOp::Or => Some(a | b),
        NumberOp::Xor => Some(a ^ b),
    };
    Ok(exact.map_or_else(
        || Value::Double(double_op(op, a as f64, b as f64)),
        Value::integer,
    ))
}

fn double_op(op: NumberOp, a: f64, b: f64) -> f64 {
    match op {
        NumberOp::Add => a + b,
        NumberOp::Subtract => a - b,
        NumberOp::Multiply => a * b,
        NumberOp::Divide => a / b,
        NumberOp::Remainder => a % b,
        NumberOp::Power => power(a, b),
        NumberOp::And | NumberOp::Or | NumberOp::Xor => {
            let (a, b) = (Number::Double(a).to_i64(), Number::Double(b).to_i64());
            (match op {
                NumberOp::And => a & b,
                NumberOp::Or => a | b,
                _ => a ^ b,
            }) as f64
        }
    }
}

/// `Math.pow` of the original's host, which differs from IEEE `pow` in `1 ** NaN` and `±1 ** ±Infinity`: both are NaN.
pub fn power(base: f64, exponent: f64) -> f64 {
    if exponent.is_nan() || (exponent.is_infinite() && base.abs() == 1.0) {
        f64::NAN
    } else {
        base.powf(exponent)
    }
}

fn integer_power(base: i64, exponent: i64) -> Value {
    match (base, exponent) {
        (_, 0) | (1, _) => Value::Int(1),
        (-1, e) => Value::Int(if e % 2 == 0 { 1 } else { -1 }),
        (0, 1..) => Value::Int(0),
        (_, ..=-1) => Value::Double(power(base as f64, exponent as f64)),
        (_, _) => match u32::try_from(exponent)
            .ok()
            .and_then(|e| base.checked_pow(e))
        {
            Some(exact) => Value::integer(exact),
            None => Value::Double(rounded_power(base, exponent)),
        },
    }
}

/// The Double nearest to an exact power that exceeds 64 bits. `powf` may be off by one place, so
/// the power is computed exactly as long as a Double can hold it: at most 1024 bits.
fn rounded_power(base: i64, exponent: i64) -> f64 {
    let negative = base < 0 && exponent % 2 != 0;
    let magnitude = base.unsigned_abs();
    let bits = f64::from(63 - magnitude.leading_zeros()) * exponent as f64;
    let rounded = if bits >= 1024.0 {
        f64::INFINITY
    } else {
        big_power(magnitude, exponent as u32)
    };
    if negative { -rounded } else { rounded }
}

/// `magnitude ** exponent`, at least 2^63, rounded to nearest even.
fn big_power(magnitude: u64, exponent: u32) -> f64 {
    // Little-endian limbs of 32 bits.
    let mut limbs: Vec<u64> = vec![1];
    let (low, high) = (magnitude & 0xffff_ffff, magnitude >> 32);
    for _ in 0..exponent {
        let mut product = vec![0u64; limbs.len() + 2];
        for (i, limb) in limbs.iter().enumerate() {
            for (j, factor) in [low, high].into_iter().enumerate() {
                let mut carry = limb * factor;
                let mut k = i + j;
                while carry != 0 && k < product.len() {
                    let sum = product[k] + (carry & 0xffff_ffff);
                    product[k] = sum & 0xffff_ffff;
                    carry = (carry >> 32) + (sum >> 32);
                    k += 1;
                }
            }
        }
        while product.last() == Some(&0) {
            product.pop();
        }
        limbs = product;
    }
    // The top 64 bits, with a sticky lowest bit for all below, round correctly in one conversion.
    let bit_length = limbs.len() * 32
        - limbs
            .last()
            .map_or(0, |top| top.leading_zeros() as usize - 32);
    let shift = bit_length.saturating_sub(64);
    let bit = |at: usize| {
        limbs
            .get(at / 32)
            .is_some_and(|limb| limb >> (at % 32) & 1 == 1)
    };
    let mut top = 0u64;
    for at in (shift..bit_length).rev() {
        top = top << 1 | u64::from(bit(at));
    }
    if (0..shift).any(bit) {
        top |= 1;
    }
    top as f64 * 2f64.powi(shift as i32)
}

/// Unary `-`: keeps the kind, wraps at the minimum.
pub fn negate(value: &Value) -> Option<Value> {
    match value {
        Value::Int(n) => Some(Value::Int(n.wrapping_neg())),
        Value::Long(n) => Some(Value::Long(n.wrapping_neg())),
        Value::Double(x) => Some(Value::Double(-x)),
        _ => None,
    }
}

/// Unary `~` on 64 bits.
pub fn complement(value: &Value) -> Option<Value> {
    Number::of(value).map(|n| Value::integer(!n.to_i64()))
}

/// Reads a Double as the original's host does: blanks around are ignored; decimal or hexadecimal, `NaN`,
/// `Infinity`, an optional suffix `f` or `d` (`spec fql10-stdlib 2`).
pub fn parse_double(text: &str) -> Option<f64> {
    let text = text.trim_matches(|c: char| c <= ' ');
    let (negative, magnitude) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let magnitude = match magnitude {
        "NaN" => f64::NAN,
        "Infinity" => f64::INFINITY,
        _ => {
            let number = magnitude
                .strip_suffix(['f', 'F', 'd', 'D'])
                .unwrap_or(magnitude);
            match number
                .strip_prefix("0x")
                .or_else(|| number.strip_prefix("0X"))
            {
                // The suffix letters are hexadecimal digits too, but an exponent must follow the digits.
                Some(hex) => parse_hex_double(hex)?,
                // Rust reads the same decimals, but also `inf`, `nan` and signs.
                None if number.starts_with(|c: char| c.is_ascii_digit() || c == '.') => {
                    number.parse().ok()?
                }
                None => return None,
            }
        }
    };
    Some(if negative { -magnitude } else { magnitude })
}

/// `1.8p3` after `0x`.
fn parse_hex_double(text: &str) -> Option<f64> {
    let at = text.find(['p', 'P'])?;
    let (digits, exponent) = (&text[..at], &text[at + 1..]);
    let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if unsigned.is_empty() || !unsigned.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // Beyond a few thousand the digits cannot make up for it unless there are as many of them.
    let mut exponent: i64 = exponent.parse().unwrap_or(if exponent.starts_with('-') {
        -(1 << 40)
    } else {
        1 << 40
    });
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let (mut bits, mut sticky) = (0u64, false);
    for (index, byte) in whole.bytes().chain(fraction.bytes()).enumerate() {
        let digit = u64::from(char::from(byte).to_digit(16)?);
        let in_fraction = index >= whole.len();
        if bits >> 59 == 0 {
            bits = bits << 4 | digit;
            exponent -= if in_fraction { 4 } else { 0 };
        } else {
            sticky |= digit != 0;
            exponent += if in_fraction { 0 } else { 4 };
        }
    }
    if bits == 0 {
        return Some(0.0);
    }
    // The value is bits * 2^exponent. Keep as many bits as the result has, and round to even once.
    let top = 63 - i64::from(bits.leading_zeros());
    let magnitude = top + exponent;
    if magnitude > 1023 {
        return Some(f64::INFINITY);
    }
    if magnitude < -1075 {
        return Some(0.0);
    }
    let unit = (magnitude - 52).max(-1074);
    let drop = unit - exponent;
    if drop <= 0 {
        // Exact: at most 53 bits at a place the result has.
        return Some(bits as f64 * 2f64.powi((-drop) as i32) * scale(unit));
    }
    let (kept, rest) = if drop >= 64 {
        (0, bits)
    } else {
        (bits >> drop, bits & ((1 << drop) - 1))
    };
    let half = 1u64 << (drop - 1).min(63);
    let up = rest > half || (rest == half && (sticky || kept & 1 == 1)) && drop <= 64;
    Some((kept + u64::from(up)) as f64 * scale(unit))
}

/// 2^exponent for exponents of subnormals too.
fn scale(exponent: i64) -> f64 {
    if exponent < -1022 {
        f64::from_bits(1u64 << (exponent + 1074).max(0))
    } else {
        2f64.powi(exponent as i32)
    }
}

/// The digits that the original's platform prints for a whole Double between 2^53 and 2^63, where
/// they differ from the shortest ones: those of the exact value, rounded where they cannot matter.
pub fn whole_digits(magnitude: f64) -> Option<u64> {
    if !(9_007_199_254_740_992.0..9_223_372_036_854_775_808.0).contains(&magnitude) {
        return None;
    }
    let value = magnitude as u64;
    let unit: u64 = match value.ilog2() {
        ..=57 => 1,
        58..=60 => 10,
        61.. => 100,
    };
    Some((value + unit / 2) / unit * unit)
}

/// Writes a Double as debug text and the output formats do: `2.0`, `1.0E7`, `NaN`, `Infinity`.
pub fn write_double(out: &mut String, x: f64) {
    if x.is_nan() {
        out.push_str("NaN");
        return;
    }
    if x.is_infinite() {
        out.push_str(if x < 0.0 { "-Infinity" } else { "Infinity" });
        return;
    }
    let magnitude = x.abs();
    if magnitude == 0.0 || (1e-3..1e7).contains(&magnitude) {
        // `{:?}` prints the shortest digits with at least one on each side of the point, without
        // exponent in this range.
        let _ = write!(out, "{x:?}");
        return;
    }
    let start = out.len();
    let _ = match whole_digits(magnitude) {
        // An integer with exponent prints all its digits but trailing zeros.
        Some(digits) if x < 0.0 => write!(out, "-{digits:E}"),
        Some(digits) => write!(out, "{digits:E}"),
        None => write!(out, "{x:E}"),
    };
    let Some(exponent) = out[start..].find('E').map(|at| at + start) else {
        return;
    };
    let digits = &out[start..exponent];
    if !digits.contains('.') {
        // The host prints the smallest subnormal with a second digit.
        let fraction = if magnitude == f64::from_bits(1) {
            ".9"
        } else {
            ".0"
        };
        if magnitude == f64::from_bits(1) {
            out.replace_range(exponent - 1..exponent, "4");
        }
        out.insert_str(exponent, fraction);
    }
}

/// Debug text of a Double.
pub fn double_text(x: f64) -> String {
    let mut out = String::new();
    write_double(&mut out, x);
    out
}

/// Writes a Double as display text does: whole numbers without fraction and exponent.
pub fn write_double_display(out: &mut String, x: f64) {
    if x.is_finite() && x.trunc() == x {
        let _ = match whole_digits(x.abs()) {
            Some(digits) if x < 0.0 => write!(out, "-{digits}"),
            Some(digits) => write!(out, "{digits}"),
            // `{}` prints the shortest digits, then zeros up to the units.
            None => write!(out, "{x}"),
        };
    } else {
        write_double(out, x);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(value: Result<Value, NumberError>) -> String {
        match value {
            Ok(Value::Int(n)) => format!("Int {n}"),
            Ok(Value::Long(n)) => format!("Long {n}"),
            Ok(Value::Double(x)) => format!("Double {}", double_text(x)),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn operators_narrow_and_widen() {
        use NumberOp::*;
        let (int, long, double) = (Value::Int, Value::Long, Value::Double);
        for (op, a, b, expected) in [
            (Add, int(i32::MAX), int(1), "Long 2147483648"),
            (Subtract, long(2_147_483_648), int(1), "Int 2147483647"),
            (Add, long(i64::MAX), int(1), "Double 9.223372036854776E18"),
            (
                Multiply,
                long(i64::MAX),
                long(i64::MAX),
                "Double 8.507059173023462E37",
            ),
            (Divide, int(-7), int(2), "Int -3"),
            (Divide, long(i64::MIN), int(-1), "Long -9223372036854775808"),
            (Remainder, int(-7), int(2), "Int -1"),
            (Remainder, double(5.5), int(2), "Double 1.5"),
            (Remainder, long(i64::MIN), int(-1), "Int 0"),
            (Divide, double(1.0), int(0), "Double Infinity"),
            (Power, int(2), int(10), "Int 1024"),
            (Power, int(0), int(0), "Int 1"),
            (Power, int(-1), long(i64::MAX), "Int -1"),
            (Power, int(2), int(63), "Double 9.223372036854776E18"),
            (Power, int(-2), int(63), "Long -9223372036854775808"),
            (Power, int(2), int(-1), "Double 0.5"),
            (Power, int(0), int(-1), "Double Infinity"),
            (Power, int(10), int(400), "Double Infinity"),
            (Power, int(10), int(23), "Double 1.0E23"),
            (Power, int(-10), int(309), "Double -Infinity"),
            (Power, int(3), int(100), "Double 5.153775207320113E47"),
            (Power, double(2.0), int(3), "Double 8.0"),
            (And, double(6.9), int(3), "Int 2"),
            (Xor, int(5), int(1), "Int 4"),
            (Or, double(f64::NAN), int(3), "Int 3"),
        ] {
            assert_eq!(shown(binary(op, &a, &b)), expected, "{op:?} {a:?} {b:?}");
        }
        assert_eq!(
            binary(Divide, &int(1), &int(0)).err(),
            Some(NumberError::DivideByZero)
        );
        assert_eq!(
            binary(Add, &int(1), &Value::string("a")).err(),
            Some(NumberError::RightNotNumber)
        );
        assert_eq!(
            shown(negate(&int(i32::MIN)).ok_or(NumberError::LeftNotNumber)),
            "Int -2147483648"
        );
        assert_eq!(
            shown(complement(&double(1.9)).ok_or(NumberError::LeftNotNumber)),
            "Int -2"
        );
    }

    #[test]
    fn double_texts() {
        for (x, debug, display) in [
            (2.0, "2.0", "2"),
            (-0.0, "-0.0", "-0"),
            (0.001, "0.001", "0.001"),
            (9_999_999.5, "9999999.5", "9999999.5"),
            (1e7, "1.0E7", "10000000"),
            (1.2345e25, "1.2345E25", "12345000000000000000000000"),
            (9.9e-4, "9.9E-4", "9.9E-4"),
            (1e-5, "1.0E-5", "1.0E-5"),
            (1e21, "1.0E21", "1000000000000000000000"),
            (
                18_446_744_073_709_552_000.0,
                "1.8446744073709552E19",
                "18446744073709552000",
            ),
            (f64::from_bits(1), "4.9E-324", "4.9E-324"),
            (-f64::from_bits(1), "-4.9E-324", "-4.9E-324"),
            (f64::NAN, "NaN", "NaN"),
            (f64::NEG_INFINITY, "-Infinity", "-Infinity"),
        ] {
            assert_eq!(double_text(x), debug);
            let mut out = String::new();
            write_double_display(&mut out, x);
            assert_eq!(out, display);
        }
    }

    #[test]
    fn reads_doubles() {
        for (text, expected) in [
            ("5", 5.0),
            ("5.", 5.0),
            (".5", 0.5),
            ("-1.5E-7", -1.5e-7),
            (" 7 ", 7.0),
            ("5d", 5.0),
            ("1e3F", 1000.0),
            ("1e400", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
            ("0x1p3", 8.0),
            ("0x1.8p1", 3.0),
            ("-0xAp-1d", -5.0),
            ("0x.8p0", 0.5),
            ("0x1.fffffffffffffp1023", f64::MAX),
            ("0x1.fffffffffffff8p1023", f64::INFINITY),
            ("0x1p-1074", f64::from_bits(1)),
            ("0x1p-1075", 0.0),
            ("0x1.1p-1075", f64::from_bits(1)),
            ("0x1p99999999999999999999", f64::INFINITY),
        ] {
            assert_eq!(parse_double(text), Some(expected), "{text}");
        }
        assert!(parse_double("NaN").is_some_and(f64::is_nan));
        for text in [
            "", " ", "inf", "nan", "1e", "1_000", "1,5", "0x10", "0xp1", "0x1p", "+-1", ".",
            "infinity", "d",
        ] {
            assert_eq!(parse_double(text), None, "{text}");
        }
    }

    #[test]
    fn whole_numbers() {
        assert_eq!(Number::Double(1.0).whole(), Some(1));
        assert_eq!(Number::Double(1.5).whole(), None);
        assert_eq!(Number::Double(2f64.powi(63)).whole(), None);
        assert_eq!(Number::Double(-(2f64.powi(63))).whole(), Some(i64::MIN));
        assert_eq!(Number::Double(f64::NAN).whole(), None);
    }

    proptest! {
        #[test]
        fn double_text_reads_back(bits: u64) {
            let x = f64::from_bits(bits);
            prop_assume!(!x.is_nan());
            let text = double_text(x).replace("Infinity", "inf");
            prop_assert_eq!(text.parse::<f64>().map(f64::to_bits), Ok(bits));
        }

        #[test]
        fn big_powers_round_like_decimal(base in 2u64..40, exponent in 1u32..400) {
            prop_assume!((base as f64).powi(exponent as i32) >= 2f64.powi(63) && f64::from(base.ilog2()) * f64::from(exponent) < 1023.0);
            let exact = big_power(base, exponent);
            let near = (base as f64).powf(f64::from(exponent));
            prop_assert!(exact == near || ((exact - near) / near).abs() < 1e-14);
        }

        #[test]
        fn no_text_panics(text in "[-+.0-9a-fpxPXdf]{0,24}|.{0,12}") {
            let _ = parse_double(&text);
        }

        #[test]
        fn hexadecimal_reads_back(bits in 0u64..f64::INFINITY.to_bits()) {
            // A finite Double is its mantissa times a power of two.
            let (exponent, fraction) = ((bits >> 52) as i64, bits & ((1 << 52) - 1));
            let (mantissa, power) =
                if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) };
            prop_assert_eq!(parse_double(&format!("0x{mantissa:x}p{power}")).map(f64::to_bits), Some(bits));
        }

        #[test]
        fn operators_never_panic(a: i64, b: i64) {
            use NumberOp::*;
            for op in [Add, Subtract, Multiply, Divide, Remainder, Power, And, Or, Xor] {
                let _ = binary(op, &Value::Long(a), &Value::Long(b));
            }
        }
    }
}
