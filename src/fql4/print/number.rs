//! Numbers as JavaScript prints them.

/// A double as `String(number)` gives it: whole numbers without fraction, the shortest digits that read back.
pub(crate) fn javascript_number(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_string();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_string();
    }
    if value == 0.0 {
        return "0".to_string();
    }
    let sign = if value < 0.0 { "-" } else { "" };
    let scientific = format!("{:e}", value.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits: String = mantissa.chars().filter(|ch| *ch != '.').collect();
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    // The value is 0.digits times ten to this power.
    let point = exponent.parse::<i32>().unwrap_or(0) + 1;
    let split = |at: i32| digits.split_at_checked(usize::try_from(at).unwrap_or(0));
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or(0));
    let text = match (point, split(point)) {
        (point, _) if (count..=21).contains(&point) => format!("{digits}{}", zeros(point - count)),
        (1..=21, Some((whole, fraction))) => format!("{whole}.{fraction}"),
        (-5..=0, _) => format!("0.{}{digits}", zeros(-point)),
        _ => {
            let (first, rest) = split(1).unwrap_or((&digits, ""));
            let dot = if rest.is_empty() { "" } else { "." };
            let sign = if point > 0 { '+' } else { '-' };
            format!("{first}{dot}{rest}e{sign}{}", (point - 1).abs())
        }
    };
    format!("{sign}{text}")
}

/// A key that JavaScript takes for a place in an array, and therefore keeps before all others.
pub(crate) fn array_index(key: &str) -> Option<u32> {
    let canonical = key == "0" || (!key.starts_with(['0', '+']) && !key.is_empty());
    let index: u32 = key.parse().ok().filter(|_| canonical)?;
    (index != u32::MAX).then_some(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (value, text) in [
            (3.0, "3"),
            (-0.5, "-0.5"),
            (1e21, "1e+21"),
            (1e20, "100000000000000000000"),
            (123456.789, "123456.789"),
            (0.000001, "0.000001"),
            (0.0000001, "1e-7"),
            (1.5e-7, "1.5e-7"),
            (1.7976931348623157e308, "1.7976931348623157e+308"),
            (5e-324, "5e-324"),
            (-0.0, "0"),
            (10.25, "10.25"),
        ] {
            assert_eq!(javascript_number(value), text);
        }
    }

    #[test]
    fn array_indexes() {
        for key in ["0", "12", "4294967294"] {
            assert!(array_index(key).is_some(), "{key}");
        }
        for key in ["", "01", "+1", "-1", "1.5", "4294967295", "a"] {
            assert!(array_index(key).is_none(), "{key}");
        }
    }
}
