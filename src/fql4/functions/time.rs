//! Times and dates (`spec fql4 6.12`).

use crate::fql::interp::Effect;
use crate::fql4::error::{Error, Result};
use crate::fql4::eval::{Arguments, Evaluator};
use crate::fql4::forms::{Cast, Form, TextRule, form, key, positional};
use crate::fql4::place::Place;
use crate::fql4::value::{Date, Time, Value};
use crate::value::time::{Civil, TimeUnit};

/// The declarations.
pub const FORMS: &[Form] = &[
    form(
        &["Time"],
        &[key("time", Cast::String)],
        positional(1, 1),
        Effect::Pure,
        time,
    ),
    form(
        &["Now"],
        &[key("now", Cast::Null)],
        TextRule::Nothing,
        Effect::Pure,
        now,
    ),
    form(
        &["Date"],
        &[key("date", Cast::String)],
        positional(1, 1),
        Effect::Pure,
        date,
    ),
    form(
        &["Epoch"],
        &[key("epoch", Cast::Integer), key("unit", Cast::TimeUnit)],
        positional(2, 2),
        Effect::Pure,
        epoch,
    ),
    form(
        &["TimeAdd"],
        &[
            key("time_add", Cast::Temporal),
            key("offset", Cast::Integer),
            key("unit", Cast::TimeUnit),
        ],
        positional(3, 3),
        Effect::Pure,
        time_add,
    ),
    form(
        &["TimeSubtract"],
        &[
            key("time_subtract", Cast::Temporal),
            key("offset", Cast::Integer),
            key("unit", Cast::TimeUnit),
        ],
        positional(3, 3),
        Effect::Pure,
        time_subtract,
    ),
    form(
        &["TimeDiff"],
        &[
            key("time_diff", Cast::Temporal),
            key("other", Cast::Temporal),
            key("unit", Cast::TimeUnit),
        ],
        positional(3, 3),
        Effect::Pure,
        time_diff,
    ),
    form(
        &["Year"],
        &[key("year", Cast::Timestamp)],
        positional(1, 1),
        Effect::Pure,
        year,
    ),
    form(
        &["Month"],
        &[key("month", Cast::Timestamp)],
        positional(1, 1),
        Effect::Pure,
        month,
    ),
    form(
        &["DayOfMonth"],
        &[key("day_of_month", Cast::Timestamp)],
        positional(1, 1),
        Effect::Pure,
        day_of_month,
    ),
    form(
        &["DayOfWeek"],
        &[key("day_of_week", Cast::Timestamp)],
        positional(1, 1),
        Effect::Pure,
        day_of_week,
    ),
    form(
        &["DayOfYear"],
        &[key("day_of_year", Cast::Timestamp)],
        positional(1, 1),
        Effect::Pure,
        day_of_year,
    ),
    form(
        &["Hour"],
        &[key("hour", Cast::Timestamp)],
        positional(1, 1),
        Effect::Pure,
        hour,
    ),
    form(
        &["Minute"],
        &[key("minute", Cast::Timestamp)],
        positional(1, 1),
        Effect::Pure,
        minute,
    ),
    form(
        &["Second"],
        &[key("second", Cast::Timestamp)],
        positional(1, 1),
        Effect::Pure,
        second,
    ),
    form(
        &["ToSeconds"],
        &[key("to_seconds", Cast::Timestamp)],
        positional(1, 1),
        Effect::Pure,
        to_seconds,
    ),
    form(
        &["ToMillis"],
        &[key("to_millis", Cast::Timestamp)],
        positional(1, 1),
        Effect::Pure,
        to_millis,
    ),
    form(
        &["ToMicros"],
        &[key("to_micros", Cast::Timestamp)],
        positional(1, 1),
        Effect::Pure,
        to_micros,
    ),
];

/// A text as a time; `now` is that of the query.
pub(super) fn parse_time(me: &Evaluator, text: &str, place: &Place) -> Result {
    if text == "now" {
        return Ok(Value::Time(me.now()));
    }
    match Time::parse(trimmed(text)) {
        Some(time) => Ok(Value::Time(time)),
        None => Err(Error::argument(place, format!("Cannot cast '{text}' to a time.")).into()),
    }
}

/// A text as a date.
pub(super) fn parse_date(text: &str, place: &Place) -> Result {
    match Date::parse(trimmed(text)) {
        Some(date) => Ok(Value::Date(date)),
        None => Err(Error::argument(place, format!("Cannot cast '{text}' to a date.")).into()),
    }
}

/// Without what the host takes for blanks.
pub(super) fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c <= ' ')
}

fn time(me: &mut Evaluator, arguments: Arguments) -> Result {
    parse_time(me, &arguments.string(0)?, arguments.place())
}

fn now(me: &mut Evaluator, _: Arguments) -> Result {
    Ok(Value::Time(me.now()))
}

fn date(_: &mut Evaluator, arguments: Arguments) -> Result {
    parse_date(&arguments.string(0)?, arguments.place())
}

fn out_of_range(place: &Place) -> Error {
    Error::argument(
        place,
        "dates and times must be between -1000000000-01-01T00:00:00Z and \
         +1000000000-12-31T23:59:59.999999999Z",
    )
}

/// The unit of a key, which the cast found to be one.
fn unit(arguments: &Arguments, index: usize) -> Result<TimeUnit> {
    let text = arguments.string(index)?;
    Ok(TimeUnit::parse(&text).unwrap_or(TimeUnit::Nanosecond))
}

fn epoch(_: &mut Evaluator, arguments: Arguments) -> Result {
    let offset = arguments.integer(0)?;
    match Time::epoch(offset, unit(&arguments, 1)?) {
        Ok(time) => Ok(Value::Time(time)),
        Err(_) => Err(out_of_range(arguments.place()).into()),
    }
}

fn time_add(_: &mut Evaluator, arguments: Arguments) -> Result {
    shifted(&arguments, 1)
}

fn time_subtract(_: &mut Evaluator, arguments: Arguments) -> Result {
    shifted(&arguments, -1)
}

fn invalid_unit(arguments: &Arguments, index: usize) -> Result {
    let text = arguments.string(index)?;
    let message = format!("Invalid time unit '{text}'.");
    Err(Error::argument(&arguments.at(index), message).into())
}

/// A time or date moved by an offset; `sign` says which way.
fn shifted(arguments: &Arguments, sign: i64) -> Result {
    let (offset, unit) = (arguments.integer(1)?, unit(arguments, 2)?);
    let moved = match arguments.get(0) {
        Some(Value::Date(_)) if unit != TimeUnit::Day => return invalid_unit(arguments, 2),
        Some(Value::Date(date)) => match offset.checked_mul(sign) {
            Some(days) => date.add_days(days).map(Value::Date).ok(),
            None => None,
        },
        _ => {
            let time = arguments.time(0)?;
            let moved = match sign {
                1 => time.add(offset, unit),
                _ => time.subtract(offset, unit),
            };
            moved.map(Value::Time).ok()
        }
    };
    moved.ok_or_else(|| out_of_range(&arguments.at(1)).into())
}

fn time_diff(_: &mut Evaluator, arguments: Arguments) -> Result {
    let unit = unit(&arguments, 2)?;
    match (arguments.get(0), arguments.get(1)) {
        (Some(Value::Date(start)), Some(Value::Date(end))) => match unit {
            TimeUnit::Day => Ok(Value::Long(end.difference(*start))),
            _ => invalid_unit(&arguments, 2),
        },
        (Some(Value::Time(start)), Some(Value::Time(end))) => match end.difference(*start, unit) {
            Some(whole) => Ok(Value::Long(whole)),
            None => Err(out_of_range(arguments.place()).into()),
        },
        _ => Err(Error::argument(&arguments.at(0), "Incompatible time arguments.").into()),
    }
}

fn civil(time: Time) -> Civil {
    Date::of(time).civil()
}

fn year(_: &mut Evaluator, arguments: Arguments) -> Result {
    let time = arguments.time(0)?;
    Ok(Value::Long(civil(time).year))
}

fn month(_: &mut Evaluator, arguments: Arguments) -> Result {
    let time = arguments.time(0)?;
    Ok(Value::Long(i64::from(civil(time).month)))
}

fn day_of_month(_: &mut Evaluator, arguments: Arguments) -> Result {
    let time = arguments.time(0)?;
    Ok(Value::Long(i64::from(civil(time).day)))
}

fn day_of_week(_: &mut Evaluator, arguments: Arguments) -> Result {
    let time = arguments.time(0)?;
    Ok(Value::Long(i64::from(Date::of(time).day_of_week())))
}

fn day_of_year(_: &mut Evaluator, arguments: Arguments) -> Result {
    let time = arguments.time(0)?;
    Ok(Value::Long(i64::from(Date::of(time).day_of_year())))
}

fn hour(_: &mut Evaluator, arguments: Arguments) -> Result {
    let time = arguments.time(0)?;
    Ok(Value::Long(time.second_of_day() / 3600))
}

fn minute(_: &mut Evaluator, arguments: Arguments) -> Result {
    let time = arguments.time(0)?;
    Ok(Value::Long(time.second_of_day() / 60 % 60))
}

fn second(_: &mut Evaluator, arguments: Arguments) -> Result {
    let time = arguments.time(0)?;
    Ok(Value::Long(time.second_of_day() % 60))
}

fn to_seconds(_: &mut Evaluator, arguments: Arguments) -> Result {
    let time = arguments.time(0)?;
    Ok(Value::Long(time.secs))
}

fn to_millis(_: &mut Evaluator, arguments: Arguments) -> Result {
    let time = arguments.time(0)?;
    match time.millis() {
        Some(millis) => Ok(Value::Long(millis)),
        None => Err(out_of_range(arguments.place()).into()),
    }
}

fn to_micros(_: &mut Evaluator, arguments: Arguments) -> Result {
    let time = arguments.time(0)?;
    // Wraps as the host's arithmetic does.
    let micros = time
        .secs
        .wrapping_mul(1_000_000)
        .wrapping_add(i64::from(time.nanos / 1000));
    Ok(Value::Long(micros))
}
