//! How `Format` lays out numbers and texts: flags, width and precision as in `java.util.Formatter`.
//!
//! Doubles are rounded half up from the shortest digits that stand for them, not from their exact value.

/// The flags of a specifier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flags {
    /// `-`
    left: bool,
    /// `#`
    alternate: bool,
    /// `+`
    plus: bool,
    /// A blank.
    space: bool,
    /// `0`
    zero: bool,
    /// `,`
    group: bool,
    /// `(`
    parentheses: bool,
}

impl Flags {
    /// Reads flags; `None` if one comes twice, or is `<`, for which there is no argument before.
    pub(super) fn read(text: &str) -> Option<Flags> {
        let mut flags = Flags::default();
        for c in text.chars() {
            let flag = match c {
                '-' => &mut flags.left,
                '#' => &mut flags.alternate,
                '+' => &mut flags.plus,
                ' ' => &mut flags.space,
                '0' => &mut flags.zero,
                ',' => &mut flags.group,
                '(' => &mut flags.parentheses,
                _ => return None,
            };
            if std::mem::replace(flag, true) {
                return None;
            }
        }
        Some(flags)
    }
}

/// A specifier without its argument.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) flags: Flags,
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
    /// Upper case for upper-case text.
    pub(super) conversion: char,
}

impl Layout {
    /// Text, cut to the precision. `None` if the flags do not fit, here and below.
    pub(super) fn text(&self, text: &str) -> Option<String> {
        let flags = self.flags;
        let unfit = flags.alternate || !self.is_plain() || (flags.left && self.width.is_none());
        if unfit {
            return None;
        }
        let text: String = match self.precision {
            Some(precision) => text.chars().take(precision).collect(),
            None => text.to_string(),
        };
        Some(self.justified(self.cased(text)))
    }

    /// A time or date that was printed.
    pub(super) fn time(&self, text: &str) -> Option<String> {
        match self.precision {
            Some(_) => None,
            None => self.text(text),
        }
    }

    /// Whether no flag for numbers is set.
    fn is_plain(&self) -> bool {
        let flags = self.flags;
        !(flags.plus || flags.space || flags.zero || flags.group || flags.parentheses)
    }

    /// What all numbers ask of flags.
    fn fits_numbers(&self) -> bool {
        let flags = self.flags;
        let needs_width = flags.left || flags.zero;
        !(flags.left && flags.zero
            || flags.plus && flags.space
            || needs_width && self.width.is_none())
    }

    fn cased(&self, text: String) -> String {
        match self.conversion.is_ascii_uppercase() {
            true => text.to_uppercase(),
            false => text,
        }
    }

    fn justified(&self, text: String) -> String {
        let missing = self.width.unwrap_or(0).saturating_sub(text.chars().count());
        match (missing, self.flags.left) {
            (0, _) => text,
            (missing, true) => text + &" ".repeat(missing),
            (missing, false) => " ".repeat(missing) + &text,
        }
    }

    /// `d`, `o`, `x`
    pub(super) fn integer(&self, n: i64) -> Option<String> {
        let flags = self.flags;
        if self.precision.is_some() || !self.fits_numbers() {
            return None;
        }
        if self.conversion == 'd' {
            if flags.alternate {
                return None;
            }
            let digits = n.unsigned_abs().to_string();
            return Some(self.justified(self.signed(n < 0, &digits, "")));
        }
        if flags.group || flags.parentheses || flags.space || flags.plus {
            return None;
        }
        let (prefix, digits) = match self.conversion {
            'o' => ("0", format!("{n:o}")),
            _ => ("0x", format!("{n:x}")),
        };
        let prefix = if flags.alternate { prefix } else { "" };
        let zeros = match flags.zero {
            true => self
                .width
                .unwrap_or(0)
                .saturating_sub(prefix.len() + digits.len()),
            false => 0,
        };
        let text = format!("{prefix}{}{digits}", "0".repeat(zeros));
        Some(self.justified(self.cased(text)))
    }

    /// A magnitude with its sign, grouping and zeros; `tail` (an exponent) stands behind.
    fn signed(&self, negative: bool, magnitude: &str, tail: &str) -> String {
        let flags = self.flags;
        let sign = match negative {
            true if flags.parentheses => "(",
            true => "-",
            false if flags.plus => "+",
            false if flags.space => " ",
            false => "",
        };
        let close = if negative && flags.parentheses {
            ")"
        } else {
            ""
        };
        let grouped = if flags.group {
            grouped(magnitude)
        } else {
            magnitude.to_string()
        };
        let length = sign.len() + grouped.len() + tail.len() + close.len();
        let zeros = match flags.zero {
            true => self.width.unwrap_or(0).saturating_sub(length),
            false => 0,
        };
        format!("{sign}{}{grouped}{tail}{close}", "0".repeat(zeros))
    }

    /// `e`, `f`, `g`
    pub(super) fn double(&self, x: f64) -> Option<String> {
        let flags = self.flags;
        let kind = self.conversion.to_ascii_lowercase();
        let unfit = !self.fits_numbers()
            || (kind == 'e' && flags.group)
            || (kind == 'g' && flags.alternate);
        if unfit {
            return None;
        }
        if x.is_nan() {
            return Some(self.justified(self.cased("NaN".to_string())));
        }
        let negative = x.is_sign_negative();
        if x.is_infinite() {
            let plain = Layout {
                flags: Flags {
                    zero: false,
                    group: false,
                    ..flags
                },
                ..*self
            };
            return Some(self.justified(self.cased(plain.signed(negative, "Infinity", ""))));
        }
        let digits = Digits::of(x.abs());
        let (magnitude, exponent) = match kind {
            'f' => (digits.decimal(self.precision.unwrap_or(6)), String::new()),
            'e' => digits.scientific(self.precision.unwrap_or(6)),
            _ => digits.general(match self.precision {
                None => 6,
                Some(0) => 1,
                Some(precision) => precision,
            }),
        };
        let magnitude = match flags.alternate && !magnitude.contains('.') {
            true => magnitude + ".",
            false => magnitude,
        };
        let text = self.signed(negative, &magnitude, &exponent);
        Some(self.justified(self.cased(text)))
    }
}

/// Commas between every three digits before the point.
fn grouped(magnitude: &str) -> String {
    let (whole, rest) = magnitude.split_at(magnitude.find('.').unwrap_or(magnitude.len()));
    let mut out = String::new();
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out + rest
}

/// The shortest decimal digits of a double: `0.d1d2d3... * 10^exponent`.
struct Digits {
    digits: Vec<u8>,
    exponent: i64,
}

impl Digits {
    fn of(magnitude: f64) -> Digits {
        if magnitude == 0.0 {
            return Digits {
                digits: vec![0],
                exponent: 1,
            };
        }
        let text = crate::value::number::double_text(magnitude);
        let (mantissa, exponent) = text.split_once('E').unwrap_or((&text, "0"));
        let point = mantissa.find('.').unwrap_or(mantissa.len());
        let digits: Vec<u8> = mantissa
            .bytes()
            .filter(u8::is_ascii_digit)
            .map(|digit| digit - b'0')
            .collect();
        let leading = digits.iter().take_while(|digit| **digit == 0).count();
        let mut digits = digits.get(leading..).unwrap_or_default().to_vec();
        while digits.len() > 1 && digits.last() == Some(&0) {
            digits.pop();
        }
        Digits {
            digits,
            exponent: point as i64 - leading as i64 + exponent.parse::<i64>().unwrap_or(0),
        }
    }

    /// Rounded half up to so many digits; may be none.
    fn rounded(&self, count: i64) -> Digits {
        let Ok(count) = usize::try_from(count) else {
            return Digits {
                digits: vec![0],
                exponent: 1,
            };
        };
        let Some(next) = self.digits.get(count) else {
            return Digits {
                digits: self.digits.clone(),
                exponent: self.exponent,
            };
        };
        let mut digits = self.digits.get(..count).unwrap_or_default().to_vec();
        let mut exponent = self.exponent;
        if *next >= 5 {
            let mut at = count;
            loop {
                if at == 0 {
                    digits.insert(0, 1);
                    digits.truncate(count.max(1));
                    exponent += 1;
                    break;
                }
                at -= 1;
                match digits.get_mut(at) {
                    Some(digit) if *digit == 9 => *digit = 0,
                    Some(digit) => {
                        *digit += 1;
                        break;
                    }
                    None => {}
                }
            }
        }
        if digits.is_empty() {
            return Digits {
                digits: vec![0],
                exponent: 1,
            };
        }
        Digits { digits, exponent }
    }

    /// The digit with a place value; places count from the point.
    fn digit(&self, place: i64) -> char {
        let at = self.exponent - place;
        let digit = usize::try_from(at).ok().and_then(|at| self.digits.get(at));
        char::from(b'0' + digit.copied().unwrap_or(0))
    }

    /// Without an exponent.
    fn decimal(&self, precision: usize) -> String {
        let rounded = self.rounded(self.exponent.saturating_add(precision as i64));
        let mut out = String::new();
        for place in (1..=rounded.exponent.max(1)).rev() {
            out.push(rounded.digit(place));
        }
        if precision > 0 {
            out.push('.');
            for place in 0..precision as i64 {
                out.push(rounded.digit(-place));
            }
        }
        out
    }

    /// With one digit before the point, and the exponent.
    fn scientific(&self, precision: usize) -> (String, String) {
        let rounded = self.rounded((precision as i64).saturating_add(1));
        let mut out = String::new();
        for (i, place) in (0..=precision as i64).enumerate() {
            if i == 1 {
                out.push('.');
            }
            out.push(rounded.digit(rounded.exponent - place));
        }
        let exponent = rounded.exponent - 1;
        let sign = if exponent < 0 { '-' } else { '+' };
        (out, format!("e{sign}{:02}", exponent.unsigned_abs()))
    }

    /// With so many significant digits; with an exponent if the number is small or large.
    fn general(&self, precision: usize) -> (String, String) {
        let rounded = self.rounded(precision as i64);
        let exponent = rounded.exponent - 1;
        if self.digits == [0] || (-4..precision as i64).contains(&exponent) {
            let places = precision as i64 - rounded.exponent;
            let text = rounded.decimal(usize::try_from(places).unwrap_or(0));
            return (text, String::new());
        }
        self.scientific(precision - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(flags: &str, width: usize, precision: Option<usize>, conversion: char) -> Layout {
        Layout {
            flags: Flags::read(flags).expect("flags"),
            width: (width > 0).then_some(width),
            precision,
            conversion,
        }
    }

    #[test]
    fn doubles_are_rounded_from_their_shortest_digits() {
        for (x, flags, width, precision, conversion, expected) in [
            (2.25, "", 0, None, 'e', "2.250000e+00"),
            (2.25, "", 0, None, 'f', "2.250000"),
            (2.25, "", 0, None, 'g', "2.25000"),
            (2.25e7, "", 0, None, 'G', "2.25000E+07"),
            (0.0, "", 0, None, 'g', "0.00000"),
            (0.0, "", 0, None, 'e', "0.000000e+00"),
            (0.125, "", 0, Some(2), 'f', "0.13"),
            (9.999, "", 0, Some(2), 'f', "10.00"),
            (0.5, "", 0, Some(0), 'f', "1"),
            (0.4, "#", 0, Some(0), 'f', "0."),
            (0.00001, "", 0, None, 'f', "0.000010"),
            (1e21, "", 0, Some(1), 'f', "1000000000000000000000.0"),
            (1234567.891, ",", 0, Some(2), 'f', "1,234,567.89"),
            (-2.71, "(", 0, None, 'f', "(2.710000)"),
            (-1.5, "0", 8, Some(2), 'f', "-0001.50"),
            (999999.5, "", 0, Some(6), 'g', "1.00000e+06"),
            (99999.95, "", 0, Some(6), 'g', "100000"),
            (f64::INFINITY, "+", 12, None, 'f', "   +Infinity"),
            (f64::NAN, "", 5, None, 'E', "  NAN"),
        ] {
            let printed = layout(flags, width, precision, conversion).double(x);
            assert_eq!(
                printed.as_deref(),
                Some(expected),
                "{x} {flags} {conversion}"
            );
        }
    }

    #[test]
    fn integers() {
        for (n, flags, width, conversion, expected) in [
            (15, "", 0, 'd', Some("15")),
            (15, "", 0, 'o', Some("17")),
            (255, "#", 0, 'X', Some("0XFF")),
            (-1, "", 0, 'x', Some("ffffffffffffffff")),
            (-10, "(", 0, 'd', Some("(10)")),
            (1234567, ",", 0, 'd', Some("1,234,567")),
            (-42, "0", 6, 'd', Some("-00042")),
            (42, "-", 6, 'd', Some("42    ")),
            (42, "-", 0, 'd', None),
            (42, "+ ", 0, 'd', None),
            (42, "#", 0, 'd', None),
            (i64::MIN, "", 0, 'd', Some("-9223372036854775808")),
        ] {
            let printed = layout(flags, width, None, conversion).integer(n);
            assert_eq!(printed.as_deref(), expected, "{n} {flags} {conversion}");
        }
    }
}
