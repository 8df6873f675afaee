//! Time and Date: civil arithmetic, parsing and text (`spec fql10-stdlib 7, 8, 13.4`).
//!
//! The valid range is the years -999999999 to 999999999 of the proleptic Gregorian calendar, far
//! beyond what date libraries hold, so the calendar is computed here. Days are counted from
//! 1970-01-01. All arithmetic on instants is done in 128-bit nanoseconds and checked against the
//! range at the end, so no input overflows.

use super::kind::{Date, Time};
use std::fmt;

const SECS_PER_DAY: i64 = 86_400;
const NANOS_PER_SEC: i128 = 1_000_000_000;
/// Largest year, and smallest with a minus.
const MAX_YEAR: i64 = 999_999_999;

/// A calendar day in parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// Astronomical year: 0 is 1 BC.
    pub year: i64,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

/// The result of time arithmetic leaves the range; code `invalid_time` (dates: no error of their own).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// Too early.
    #[error("Time exceeds the minimum value.")]
    Minimum,
    /// Too late.
    #[error("Time exceeds the maximum value.")]
    Maximum,
}

/// A length of time with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeUnit {
    /// 24 hours.
    Day,
    /// 12 hours.
    HalfDay,
    /// 60 minutes.
    Hour,
    /// 60 seconds.
    Minute,
    /// One second.
    Second,
    /// 10^-3 seconds.
    Millisecond,
    /// 10^-6 seconds.
    Microsecond,
    /// 10^-9 seconds.
    Nanosecond,
}

impl TimeUnit {
    /// Reads a unit's name, singular or plural, blanks around it ignored.
    pub fn parse(text: &str) -> Option<TimeUnit> {
        // The host trims every unit up to U+0020.
        Some(match text.trim_matches(|c: char| c <= ' ') {
            "day" | "days" => TimeUnit::Day,
            "half day" | "half days" => TimeUnit::HalfDay,
            "hour" | "hours" => TimeUnit::Hour,
            "minute" | "minutes" => TimeUnit::Minute,
            "second" | "seconds" => TimeUnit::Second,
            "millisecond" | "milliseconds" => TimeUnit::Millisecond,
            "microsecond" | "microseconds" => TimeUnit::Microsecond,
            "nanosecond" | "nanoseconds" => TimeUnit::Nanosecond,
            _ => return None,
        })
    }

    /// Its length in nanoseconds.
    pub fn nanos(self) -> i128 {
        match self {
            TimeUnit::Day => 86_400 * NANOS_PER_SEC,
            TimeUnit::HalfDay => 43_200 * NANOS_PER_SEC,
            TimeUnit::Hour => 3_600 * NANOS_PER_SEC,
            TimeUnit::Minute => 60 * NANOS_PER_SEC,
            TimeUnit::Second => NANOS_PER_SEC,
            TimeUnit::Millisecond => 1_000_000,
            TimeUnit::Microsecond => 1_000,
            TimeUnit::Nanosecond => 1,
        }
    }
}

/// Days from 1970-01-01 to a day of the proleptic Gregorian calendar.
pub fn days_from_civil(year: i64, month: u8, day: u8) -> i64 {
    // Years begin in March here, so that the leap day comes last.
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let month_from_march = (i64::from(month) + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The calendar day that is `days` after 1970-01-01.
pub fn civil_from_days(days: i64) -> Civil {
    let z = days.saturating_add(719_468);
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u8;
    let month = (if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    }) as u8;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    Civil { year, month, day }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i64, month: u8) -> u8 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl Date {
    /// The first valid day, -999999999-01-01.
    pub const MIN: Date = Date(-365_243_219_162);
    /// The last valid day, +999999999-12-31.
    pub const MAX: Date = Date(365_241_780_471);

    /// Reads `YYYY-MM-DD`; the day must exist.
    pub fn parse(text: &str) -> Option<Date> {
        let mut parser = Parser {
            rest: text.as_bytes(),
        };
        let (year, month, day) = parser.date()?;
        (parser.rest.is_empty() && day <= days_in_month(year, month))
            .then(|| Date(days_from_civil(year, month, day)))
    }

    /// The day of an instant, UTC.
    pub fn of(time: Time) -> Date {
        Date(time.secs.div_euclid(SECS_PER_DAY))
    }

    /// Its parts.
    pub fn civil(self) -> Civil {
        civil_from_days(self.0)
    }

    /// Monday 1 to Sunday 7.
    pub fn day_of_week(self) -> i32 {
        // 1970-01-01 was a Thursday.
        ((self.0.rem_euclid(7) + 3) % 7 + 1) as i32
    }

    /// 1 to 366.
    pub fn day_of_year(self) -> i32 {
        (self
            .0
            .saturating_sub(days_from_civil(self.civil().year, 1, 1))
            + 1) as i32
    }

    /// The day `days` later.
    pub fn add_days(self, days: i64) -> Result<Date, RangeError> {
        let sum = i128::from(self.0) + i128::from(days);
        if sum < i128::from(Date::MIN.0) {
            Err(RangeError::Minimum)
        } else if sum > i128::from(Date::MAX.0) {
            Err(RangeError::Maximum)
        } else {
            Ok(Date(sum as i64))
        }
    }

    /// Days from `start` to this day.
    pub fn difference(self, start: Date) -> i64 {
        self.0.saturating_sub(start.0)
    }
}

impl Time {
    /// The first valid instant, -999999999-01-01T00:00:00Z.
    pub const MIN: Time = Time {
        secs: Date::MIN.0 * SECS_PER_DAY,
        nanos: 0,
    };
    /// The last valid instant, +999999999-12-31T23:59:59.999999999Z.
    pub const MAX: Time = Time {
        secs: Date::MAX.0 * SECS_PER_DAY + SECS_PER_DAY - 1,
        nanos: 999_999_999,
    };

    /// Reads `YYYY-MM-DDTHH:MM[:SS[.fraction]]` with an offset. A day beyond the month's end counts as its last day.
    pub fn parse(text: &str) -> Option<Time> {
        let mut parser = Parser {
            rest: text.as_bytes(),
        };
        let (year, month, day) = parser.date()?;
        parser.letter(b'T')?;
        let day = day.min(days_in_month(year, month));
        let (hour, minute) = (parser.two_digits()?, parser.after(b':')?.two_digits()?);
        let (mut second, mut nanos) = (0, 0);
        if parser.take(b':') {
            second = parser.two_digits()?;
            if parser.take(b'.') {
                nanos = parser.fraction()?;
            }
        }
        let offset = parser.offset()?;
        let end_of_day = hour == 24 && minute == 0 && second == 0 && nanos == 0;
        if !parser.rest.is_empty() || (hour > 23 && !end_of_day) || minute > 59 || second > 59 {
            return None;
        }
        let of_day = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
        Some(Time {
            secs: days_from_civil(year, month, day) * SECS_PER_DAY + of_day - offset,
            nanos,
        })
    }

    /// Nanoseconds since 1970.
    pub fn total_nanos(self) -> i128 {
        i128::from(self.secs) * NANOS_PER_SEC + i128::from(self.nanos)
    }

    /// The instant so many nanoseconds after 1970, if it is in the valid range.
    pub fn from_total_nanos(nanos: i128) -> Result<Time, RangeError> {
        if nanos < Time::MIN.total_nanos() {
            return Err(RangeError::Minimum);
        }
        if nanos > Time::MAX.total_nanos() {
            return Err(RangeError::Maximum);
        }
        Ok(Time {
            secs: nanos.div_euclid(NANOS_PER_SEC) as i64,
            nanos: nanos.rem_euclid(NANOS_PER_SEC) as u32,
        })
    }

    /// Microseconds since 1970, rounded down, and the nanoseconds below them; `None` beyond 64 bits.
    pub fn micros(self) -> Option<(i64, u16)> {
        let micros = self
            .secs
            .checked_mul(1_000_000)?
            .checked_add(i64::from(self.nanos / 1000))?;
        Some((micros, (self.nanos % 1000) as u16))
    }

    /// Milliseconds since 1970, rounded down; `None` beyond 64 bits.
    pub fn millis(self) -> Option<i64> {
        self.secs
            .checked_mul(1_000)?
            .checked_add(i64::from(self.nanos / 1_000_000))
    }

    /// Seconds of its day, 0 to 86399.
    pub fn second_of_day(self) -> i64 {
        self.secs.rem_euclid(SECS_PER_DAY)
    }

    /// `amount` units later.
    pub fn add(self, amount: i64, unit: TimeUnit) -> Result<Time, RangeError> {
        self.shift(i128::from(amount) * unit.nanos(), RangeError::Maximum)
    }

    /// `amount` units earlier.
    pub fn subtract(self, amount: i64, unit: TimeUnit) -> Result<Time, RangeError> {
        self.shift(-(i128::from(amount) * unit.nanos()), RangeError::Minimum)
    }

    /// `amount` units later; below whole units nanoseconds, truncated.
    pub fn add_double(self, amount: f64, unit: TimeUnit) -> Result<Time, RangeError> {
        self.shift(
            double_nanos(amount, unit).ok_or(RangeError::Maximum)?,
            RangeError::Maximum,
        )
    }

    /// `amount` units earlier; below whole units nanoseconds, truncated.
    pub fn subtract_double(self, amount: f64, unit: TimeUnit) -> Result<Time, RangeError> {
        self.shift(
            -double_nanos(amount, unit).ok_or(RangeError::Minimum)?,
            RangeError::Minimum,
        )
    }

    /// `offset` units after 1970.
    pub fn epoch(offset: i64, unit: TimeUnit) -> Result<Time, RangeError> {
        Time::from_total_nanos(i128::from(offset) * unit.nanos())
    }

    /// `offset` units after 1970, rounded to the nearest nanosecond. Infinities and NaN give
    /// `+1000000000-12-31T23:59:59.999999999Z`, as in the original.
    pub fn epoch_double(offset: f64, unit: TimeUnit) -> Result<Time, RangeError> {
        if !offset.is_finite() {
            return Ok(Time {
                secs: days_from_civil(1_000_000_000, 12, 31) * SECS_PER_DAY + 86_399,
                nanos: 999_999_999,
            });
        }
        // A saturating cast: what saturates is out of range anyway.
        Time::from_total_nanos((offset * unit.nanos() as f64).round() as i128)
    }

    /// Whole units from `start` to this instant, truncated toward zero; `milliseconds` is the difference of the
    /// floored counts. `None` beyond 64 bits.
    pub fn difference(self, start: Time, unit: TimeUnit) -> Option<i64> {
        let whole = match unit {
            TimeUnit::Millisecond => {
                self.total_nanos().div_euclid(1_000_000) - start.total_nanos().div_euclid(1_000_000)
            }
            _ => (self.total_nanos() - start.total_nanos()) / unit.nanos(),
        };
        i64::try_from(whole).ok()
    }

    /// `overflowed` is reported where the original's 64-bit seconds overflow, whatever the sign.
    fn shift(self, nanos: i128, overflowed: RangeError) -> Result<Time, RangeError> {
        let sum = self.total_nanos().checked_add(nanos).ok_or(overflowed)?;
        if i64::try_from(nanos / NANOS_PER_SEC).is_err()
            || i64::try_from(sum.div_euclid(NANOS_PER_SEC)).is_err()
        {
            return Err(overflowed);
        }
        Time::from_total_nanos(sum)
    }
}

/// The length of a fractional number of units. The whole part counts as its shortest decimal, exactly.
fn double_nanos(amount: f64, unit: TimeUnit) -> Option<i128> {
    if !amount.is_finite() {
        return None;
    }
    let magnitude = amount.abs();
    let whole = magnitude.floor();
    let fraction = magnitude - whole;
    let whole: i128 = match super::number::whole_digits(whole) {
        Some(digits) => digits.into(),
        // `{}` of a float prints its shortest digits, padded with zeros.
        None => format!("{whole}").parse().ok()?,
    };
    let nanos = whole
        .checked_mul(unit.nanos())?
        .checked_add((fraction * unit.nanos() as f64) as i128)?;
    Some(if amount < 0.0 { -nanos } else { nanos })
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Text::new();
        text.date(*self);
        f.write_str(text.as_str())
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_day = self.second_of_day().unsigned_abs();
        let mut text = Text::new();
        text.date(Date::of(*self));
        for (separator, part) in [
            (b'T', of_day / 3600),
            (b':', of_day / 60 % 60),
            (b':', of_day % 60),
        ] {
            text.byte(separator);
            text.digits(part, 2);
        }
        let (fraction, width) = match self.nanos {
            0 => (0, 0),
            n if n % 1_000_000 == 0 => (n / 1_000_000, 3),
            n if n % 1_000 == 0 => (n / 1_000, 6),
            n => (n, 9),
        };
        if width > 0 {
            text.byte(b'.');
            text.digits(fraction.into(), width);
        }
        text.byte(b'Z');
        f.write_str(text.as_str())
    }
}

/// ISO text in the making: times are written so often that the formatting machinery would show.
struct Text {
    /// 20 digits of a year at most, its sign, and 26 bytes for the rest.
    bytes: [u8; 48],
    length: usize,
}

impl Text {
    fn new() -> Text {
        Text {
            bytes: [0; 48],
            length: 0,
        }
    }

    fn byte(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = byte;
            self.length += 1;
        }
    }

    /// A number padded with zeros.
    fn digits(&mut self, n: u64, width: usize) {
        let width = width.max(n.checked_ilog10().map_or(1, |log| log as usize + 1));
        let end = (self.length + width).min(self.bytes.len());
        let mut rest = n;
        for place in self.bytes[self.length..end].iter_mut().rev() {
            *place = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        self.length = end;
    }

    fn date(&mut self, date: Date) {
        let Civil { year, month, day } = date.civil();
        match year {
            0..=9999 => {}
            10_000.. => self.byte(b'+'),
            _ => self.byte(b'-'),
        }
        self.digits(year.unsigned_abs(), 4);
        for part in [month, day] {
            self.byte(b'-');
            self.digits(part.into(), 2);
        }
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

/// Reads ISO text byte by byte.
struct Parser<'a> {
    rest: &'a [u8],
}

impl Parser<'_> {
    fn take(&mut self, byte: u8) -> bool {
        match self.rest.split_first() {
            Some((&first, rest)) if first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn after(&mut self, byte: u8) -> Option<&mut Self> {
        self.take(byte).then_some(self)
    }

    fn letter(&mut self, upper: u8) -> Option<()> {
        (self.take(upper) || self.take(upper.to_ascii_lowercase())).then_some(())
    }

    /// Between `min` and `max` digits, as many as there are; with their count.
    fn digits(&mut self, min: usize, max: usize) -> Option<(i64, usize)> {
        let count = self
            .rest
            .iter()
            .take(max)
            .take_while(|b| b.is_ascii_digit())
            .count();
        if count < min {
            return None;
        }
        let (digits, rest) = self.rest.split_at(count);
        self.rest = rest;
        Some((
            digits.iter().fold(0, |n, d| n * 10 + i64::from(d - b'0')),
            count,
        ))
    }

    fn two_digits(&mut self) -> Option<u8> {
        self.digits(2, 2).map(|(n, _)| n as u8)
    }

    /// Year, month, day; the day not yet checked against the month.
    fn date(&mut self) -> Option<(i64, u8, u8)> {
        let year = if self.take(b'-') {
            match self.digits(4, 10)?.0 {
                0 => return None,
                year => -year,
            }
        } else if self.take(b'+') {
            match self.digits(5, 10)? {
                // A plus is for years of more than four digits.
                (0..=9999, _) => return None,
                (year, _) => year,
            }
        } else {
            self.digits(4, 4)?.0
        };
        let month = self.after(b'-')?.two_digits()?;
        let day = self.after(b'-')?.two_digits()?;
        let valid = year.abs() <= MAX_YEAR && (1..=12).contains(&month) && (1..=31).contains(&day);
        valid.then_some((year, month, day))
    }

    /// 0 to 9 digits after the point, in nanoseconds.
    fn fraction(&mut self) -> Option<u32> {
        let (digits, count) = self.digits(0, 9)?;
        Some(digits as u32 * 10u32.pow(9 - count as u32))
    }

    /// Seconds east of UTC.
    fn offset(&mut self) -> Option<i64> {
        if self.letter(b'Z').is_some() {
            return Some(0);
        }
        let sign = if self.take(b'+') {
            1
        } else {
            self.after(b'-')?;
            -1
        };
        let hours = i64::from(self.two_digits()?);
        let colon = self.take(b':');
        let minutes = i64::from(self.two_digits()?);
        let seconds = if colon && self.take(b':') {
            i64::from(self.two_digits()?)
        } else {
            0
        };
        let total = hours * 3600 + minutes * 60 + seconds;
        (minutes <= 59 && seconds <= 59 && total <= 18 * 3600).then_some(sign * total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn time(text: &str) -> Time {
        Time::parse(text).unwrap_or_else(|| panic!("{text} is not a time"))
    }

    #[test]
    fn parses_times() {
        for (text, canonical) in [
            ("2023-02-30T00:00:00Z", "2023-02-28T00:00:00Z"),
            ("2024-01-01t10:20z", "2024-01-01T10:20:00Z"),
            ("2024-01-01T10:20:30.5+02:00", "2024-01-01T08:20:30.500Z"),
            (
                "2024-01-01T10:20:30.000001-0130",
                "2024-01-01T11:50:30.000001Z",
            ),
            ("2024-01-01T10:20:30.Z", "2024-01-01T10:20:30Z"),
            (
                "2024-01-01T10:20:30.123456789+00:00:01",
                "2024-01-01T10:20:29.123456789Z",
            ),
            ("2023-12-31T24:00Z", "2024-01-01T00:00:00Z"),
            ("+12345-01-01T00:00Z", "+12345-01-01T00:00:00Z"),
            ("-0001-01-01T00:00Z", "-0001-01-01T00:00:00Z"),
            ("0000-02-29T00:00Z", "0000-02-29T00:00:00Z"),
            ("1969-12-31T23:59:59.9Z", "1969-12-31T23:59:59.900Z"),
        ] {
            assert_eq!(time(text).to_string(), canonical);
        }
        for text in [
            "",
            "2024",
            "2024-01-01",
            "2024-01-01 00:00Z",
            "2024-01-01T00:00",
            "2024-01-32T00:00Z",
            "2024-13-01T00:00Z",
            "2024-01-01T24:01Z",
            "2024-01-01T00:60Z",
            "2024-01-01T00:00:60Z",
            "2024-01-01T00:00+02",
            "2024-01-01T00:00+18:01",
            "2024-01-01T00:00:00.1234567890Z",
            "2024-01-01T00:00:00,1Z",
            "+2023-01-01T00:00Z",
            "12345-01-01T00:00Z",
            "-0000-01-01T00:00Z",
            "+1000000000-01-01T00:00Z",
            "2024-01-01T00:00Zx",
            "2024-1-01T00:00Z",
            "2024-01-01T00:00é",
        ] {
            assert_eq!(Time::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_range_has_its_ends() {
        assert_eq!(Date::MIN.to_string(), "-999999999-01-01");
        assert_eq!(Date::MAX.to_string(), "+999999999-12-31");
        assert_eq!(Time::MIN.to_string(), "-999999999-01-01T00:00:00Z");
        assert_eq!(
            Time::MAX.to_string(),
            "+999999999-12-31T23:59:59.999999999Z"
        );
        assert_eq!(
            Time::MAX.add(1, TimeUnit::Nanosecond),
            Err(RangeError::Maximum)
        );
        assert_eq!(
            Time::MIN.subtract(1, TimeUnit::Nanosecond),
            Err(RangeError::Minimum)
        );
        assert_eq!(
            Time::MAX.add(i64::MIN, TimeUnit::Day),
            Err(RangeError::Maximum)
        );
        assert_eq!(
            Time::MAX.subtract_double(f64::NAN, TimeUnit::Day),
            Err(RangeError::Minimum)
        );
        assert_eq!(Date::MAX.add_days(1), Err(RangeError::Maximum));
        assert_eq!(Date::MIN.add_days(i64::MIN), Err(RangeError::Minimum));
        assert_eq!(
            Time::epoch_double(f64::NAN, TimeUnit::Day).map(|t| t.to_string()),
            Ok("+1000000000-12-31T23:59:59.999999999Z".to_string())
        );
    }

    #[test]
    fn parses_dates_strictly() {
        assert_eq!(Date::parse("2023-02-29"), None);
        assert_eq!(Date::parse("2024-02-29").map(|d| d.0), Some(19_782));
        assert_eq!(Date::parse("2024-02-29Z"), None);
        let date = Date::parse("2024-12-31").unwrap_or(Date(0));
        assert_eq!((date.day_of_week(), date.day_of_year()), (2, 366));
        assert_eq!(
            (
                Date(0).day_of_week(),
                Date(-1).day_of_week(),
                Date(0).day_of_year()
            ),
            (4, 3, 1)
        );
    }

    #[test]
    fn adds_and_subtracts() {
        let start = time("2024-01-01T00:00:00Z");
        let added = |amount, unit| start.add_double(amount, unit).map(|t| t.to_string());
        assert_eq!(
            added(1.5, TimeUnit::Hour),
            Ok("2024-01-01T01:30:00Z".into())
        );
        assert_eq!(
            added(-0.25, TimeUnit::Second),
            Ok("2023-12-31T23:59:59.750Z".into())
        );
        let far = Time { secs: 0, nanos: 0 }
            .add_double(9_223_372_036_854_775_807.0, TimeUnit::Nanosecond);
        assert_eq!(far.map(Time::total_nanos), Ok(9_223_372_036_854_776_000));
        assert_eq!(
            start.difference(time("2024-01-01T00:00:00.9Z"), TimeUnit::Second),
            Some(0)
        );
        assert_eq!(
            time("1969-12-31T23:59:59.9995Z")
                .difference(Time { secs: 0, nanos: 0 }, TimeUnit::Millisecond),
            Some(-1)
        );
        assert_eq!(Time::MAX.difference(Time::MIN, TimeUnit::Nanosecond), None);
        assert_eq!(TimeUnit::parse(" half days\t"), Some(TimeUnit::HalfDay));
        assert_eq!(TimeUnit::parse("Days"), None);
    }

    proptest! {
        #[test]
        fn text_reads_back(secs in Time::MIN.secs..=Time::MAX.secs, nanos in 0u32..1_000_000_000) {
            let time = Time { secs, nanos };
            prop_assert_eq!(Time::parse(&time.to_string()), Some(time));
            let date = Date::of(time);
            prop_assert_eq!(Date::parse(&date.to_string()), Some(date));
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = (Time::parse(&text), Date::parse(&text));
        }

        #[test]
        fn no_day_panics(days: i64, other: i64) {
            let _ = Date(days).to_string();
            let _ = (Date(days).difference(Date(other)), Date(days).day_of_year(), Date(days).day_of_week());
            let _ = Time { secs: days, nanos: 1 }.to_string();
        }
    }
}
