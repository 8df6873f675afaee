//! How `Format` prints parts of times and dates: the letters behind `%t`.

use crate::fql4::value::{Date, Time};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

/// A part of a date; `None` if it has none of that letter.
pub(super) fn date(date: Date, suffix: char) -> Option<String> {
    let civil = date.civil();
    let month = MONTHS[usize::from(civil.month.clamp(1, 12)) - 1];
    let day = DAYS[(date.day_of_week().clamp(1, 7) - 1) as usize];
    // Years before the era count backwards.
    let year = if civil.year > 0 {
        civil.year
    } else {
        1 - civil.year
    };
    Some(match suffix {
        'B' => month.to_string(),
        'b' | 'h' => month[..3].to_string(),
        'A' => day.to_string(),
        'a' => day[..3].to_string(),
        'C' => format!("{:02}", year / 100),
        'y' => format!("{:02}", year % 100),
        'Y' => format!("{year:04}"),
        'd' => format!("{:02}", civil.day),
        'e' => civil.day.to_string(),
        'm' => format!("{:02}", civil.month),
        'j' => format!("{:03}", date.day_of_year()),
        'D' => format!("{:02}/{:02}/{:02}", civil.month, civil.day, year % 100),
        'F' => format!("{year:04}-{:02}-{:02}", civil.month, civil.day),
        _ => return None,
    })
}

/// A part of a time, or of its date.
pub(super) fn time(time: Time, suffix: char) -> Option<String> {
    let of_day = time.second_of_day();
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    let twelve = if hour % 12 == 0 { 12 } else { hour % 12 };
    let half = if hour < 12 { "am" } else { "pm" };
    Some(match suffix {
        'H' => format!("{hour:02}"),
        'I' => format!("{twelve:02}"),
        'k' => hour.to_string(),
        'l' => twelve.to_string(),
        'M' => format!("{minute:02}"),
        'S' => format!("{second:02}"),
        'L' => format!("{:03}", time.nanos / 1_000_000),
        'N' => format!("{:09}", time.nanos),
        'p' => half.to_string(),
        'z' => "+0000".to_string(),
        'Z' => "Z".to_string(),
        's' => time.secs.to_string(),
        'Q' => {
            let millis = i128::from(time.secs) * 1000 + i128::from(time.nanos / 1_000_000);
            millis.to_string()
        }
        'R' => format!("{hour:02}:{minute:02}"),
        'T' => format!("{hour:02}:{minute:02}:{second:02}"),
        'r' => {
            let half = half.to_uppercase();
            format!("{twelve:02}:{minute:02}:{second:02} {half}")
        }
        'c' => {
            let day = Date::of(time);
            let part = |suffix| date(day, suffix).unwrap_or_default();
            format!(
                "{} {} {} {hour:02}:{minute:02}:{second:02} Z {}",
                part('a'),
                part('b'),
                part('d'),
                part('Y')
            )
        }
        other => return date(Date::of(time), other),
    })
}
