//! Times (`spec fql10-stdlib 7`): instants in UTC; the arithmetic itself is in `value::time`.

use super::{field, method, method_with, text, to_string, value};
use crate::fql::interp::{Effect, Failure, Interp, Result, Shape};
use crate::value::time::{RangeError, TimeUnit};
use crate::value::{Date, Time, Value};

pub(super) static SHAPES: &[&Shape] = &[&TIME, &MODULE];

static TIME: Shape = Shape {
    name: "Time",
    alias: None,
    about: "An instant, with nanosecond precision.",
    members: &[
        to_string("Time('2024-03-05T06:07:08Z').toString()"),
        field(
            "dayOfMonth",
            "Number",
            |_, t| part(t, |t| i64::from(Date::of(t).civil().day)),
            "1 to 31.",
            "Time('2024-03-05T06:07:08Z').dayOfMonth",
        ),
        field(
            "dayOfWeek",
            "Number",
            |_, t| part(t, |t| i64::from(Date::of(t).day_of_week())),
            "Monday 1 to Sunday 7.",
            "Time('2024-03-05T06:07:08Z').dayOfWeek",
        ),
        field(
            "dayOfYear",
            "Number",
            |_, t| part(t, |t| i64::from(Date::of(t).day_of_year())),
            "1 to 366.",
            "Time('2024-03-05T06:07:08Z').dayOfYear",
        ),
        field(
            "hour",
            "Number",
            |_, t| part(t, |t| t.second_of_day() / 3600),
            "0 to 23.",
            "Time('2024-03-05T06:07:08Z').hour",
        ),
        field(
            "minute",
            "Number",
            |_, t| part(t, |t| t.second_of_day() / 60 % 60),
            "0 to 59.",
            "Time('2024-03-05T06:07:08Z').minute",
        ),
        field(
            "month",
            "Number",
            |_, t| part(t, |t| i64::from(Date::of(t).civil().month)),
            "1 to 12.",
            "Time('2024-03-05T06:07:08Z').month",
        ),
        field(
            "second",
            "Number",
            |_, t| part(t, |t| t.second_of_day() % 60),
            "0 to 59.",
            "Time('2024-03-05T06:07:08Z').second",
        ),
        field(
            "year",
            "Number",
            |_, t| part(t, |t| Date::of(t).civil().year),
            "The year.",
            "Time('2024-03-05T06:07:08Z').year",
        ),
        method(
            "toMicros",
            &["() => Number"],
            to_micros,
            "Microseconds since 1970.",
            "Time('2024-03-05T06:07:08.5Z').toMicros()",
        ),
        method(
            "toMillis",
            &["() => Number"],
            to_millis,
            "Milliseconds since 1970.",
            "Time('2024-03-05T06:07:08.5Z').toMillis()",
        ),
        method(
            "toSeconds",
            &["() => Number"],
            |_, t, _| part(t, |t| t.secs),
            "Seconds since 1970.",
            "Time('2024-03-05T06:07:08Z').toSeconds()",
        ),
        method(
            "add",
            &["(amount: Number, unit: String) => Time"],
            add,
            "So many units later.",
            "Time('2024-01-01T00:00:00Z').add(2, 'days')",
        ),
        method(
            "subtract",
            &["(amount: Number, unit: String) => Time"],
            subtract,
            "So many units earlier.",
            "Time('2024-01-01T00:00:00Z').subtract(1.5, 'hours')",
        ),
        method(
            "difference",
            &["(start: Time, unit: String) => Number"],
            difference,
            "Whole units since another time.",
            "Time('2024-01-03T12:00:00Z').difference(Time('2024-01-01T00:00:00Z'), 'days')",
        ),
    ],
};

static MODULE: Shape = Shape {
    name: "TimeModule",
    alias: None,
    about: "Makes times.",
    members: &[
        method(
            "apply",
            &["(time: String) => Time"],
            parse,
            "The time that ISO 8601 text stands for.",
            "Time('2024-03-05T06:07:08Z')",
        ),
        method(
            "fromString",
            &["(time: String) => Time"],
            parse,
            "The time that ISO 8601 text stands for.",
            "Time.fromString('2024-03-05T06:07:08+02:00')",
        ),
        method_with(
            Effect::Observation,
            "now",
            &["() => Time"],
            now,
            "The time of the query.",
            "Time.now()",
        ),
        method(
            "epoch",
            &["(offset: Number, unit: String) => Time"],
            epoch,
            "So many units after the beginning of 1970.",
            "Time.epoch(1.5, 'seconds')",
        ),
    ],
};

/// The receiver or argument; 1970 for any other kind, which conversion excludes.
fn time(value: &Value) -> Time {
    match value {
        Value::Time(time) => *time,
        _ => Time { secs: 0, nanos: 0 },
    }
}

fn part(this: &Value, part: fn(Time) -> i64) -> Result {
    Ok(Value::integer(part(time(this))))
}

impl From<RangeError> for Failure {
    fn from(error: RangeError) -> Failure {
        Failure::new("invalid_time", error.to_string())
    }
}

/// Reads a unit's name.
fn unit(args: &[Value]) -> Result<TimeUnit> {
    let name = text(args.get(1));
    TimeUnit::parse(name).ok_or_else(|| {
        Failure::new(
            "invalid_unit",
            format!("`{name}` is not a valid time unit."),
        )
    })
}

fn parse(_: &mut Interp, _: &Value, args: &[Value]) -> Result {
    let given = text(args.first());
    match Time::parse(given) {
        Some(time) => Ok(Value::Time(time)),
        None => Err(Failure::new(
            "invalid_time",
            format!("`{given}` is not a valid time."),
        )),
    }
}

fn now(me: &mut Interp, _: &Value, _: &[Value]) -> Result {
    Ok(Value::Time(me.txn.time().into()))
}

fn epoch(_: &mut Interp, _: &Value, args: &[Value]) -> Result {
    let unit = unit(args)?;
    Ok(Value::Time(match value(args, 0) {
        Value::Double(offset) => Time::epoch_double(*offset, unit)?,
        offset => Time::epoch(offset.as_i64().unwrap_or(0), unit)?,
    }))
}

fn add(_: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let unit = unit(args)?;
    Ok(Value::Time(match value(args, 0) {
        Value::Double(amount) => time(this).add_double(*amount, unit)?,
        amount => time(this).add(amount.as_i64().unwrap_or(0), unit)?,
    }))
}

fn subtract(_: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let unit = unit(args)?;
    Ok(Value::Time(match value(args, 0) {
        Value::Double(amount) => time(this).subtract_double(*amount, unit)?,
        amount => time(this).subtract(amount.as_i64().unwrap_or(0), unit)?,
    }))
}

fn difference(_: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let unit = unit(args)?;
    match time(this).difference(time(value(args, 0)), unit) {
        Some(whole) => Ok(Value::integer(whole)),
        None => Err(Failure::invalid_argument(
            "unit",
            "the difference in this unit exceeds 64 bits",
        )),
    }
}

fn to_millis(_: &mut Interp, this: &Value, _: &[Value]) -> Result {
    let time = time(this);
    match time.millis() {
        Some(millis) => Ok(Value::integer(millis)),
        None if time.secs < 0 => Err(RangeError::Minimum.into()),
        None => Err(RangeError::Maximum.into()),
    }
}

/// Wraps beyond 64 bits, as the original does.
fn to_micros(_: &mut Interp, this: &Value, _: &[Value]) -> Result {
    part(this, |time| {
        time.secs
            .wrapping_mul(1_000_000)
            .wrapping_add(i64::from(time.nanos / 1000))
    })
}
