//! Dates (`spec fql10-stdlib 8`): days of the calendar.

use super::{field, method, text, to_string, value};
use crate::fql::interp::{Failure, Interp, Result, Shape};
use crate::value::time::RangeError;
use crate::value::{Date, Value};

pub(super) static SHAPES: &[&Shape] = &[&DATE, &MODULE];

static DATE: Shape = Shape {
    name: "Date",
    alias: None,
    about: "A day of the calendar.",
    members: &[
        to_string("Date('2024-02-29').toString()"),
        field(
            "dayOfMonth",
            "Number",
            |_, d| part(d, |d| i64::from(d.civil().day)),
            "1 to 31.",
            "Date('2024-12-31').dayOfMonth",
        ),
        field(
            "dayOfWeek",
            "Number",
            |_, d| part(d, |d| i64::from(d.day_of_week())),
            "Monday 1 to Sunday 7.",
            "Date('2024-12-31').dayOfWeek",
        ),
        field(
            "dayOfYear",
            "Number",
            |_, d| part(d, |d| i64::from(d.day_of_year())),
            "1 to 366.",
            "Date('2024-12-31').dayOfYear",
        ),
        field(
            "month",
            "Number",
            |_, d| part(d, |d| i64::from(d.civil().month)),
            "1 to 12.",
            "Date('2024-12-31').month",
        ),
        field(
            "year",
            "Number",
            |_, d| part(d, |d| d.civil().year),
            "The year.",
            "Date('2024-12-31').year",
        ),
        method(
            "add",
            &["(amount: Number, unit: String) => Date"],
            add,
            "So many days later.",
            "Date('2024-02-28').add(1, 'day')",
        ),
        method(
            "subtract",
            &["(amount: Number, unit: String) => Date"],
            subtract,
            "So many days earlier.",
            "Date('2024-03-01').subtract(1, 'day')",
        ),
        method(
            "difference",
            &["(start: Date) => Number"],
            difference,
            "Days since another date.",
            "Date('2024-03-01').difference(Date('2024-02-01'))",
        ),
    ],
};

static MODULE: Shape = Shape {
    name: "DateModule",
    alias: None,
    about: "Makes dates.",
    members: &[
        method(
            "apply",
            &["(date: String) => Date"],
            parse,
            "The date that ISO 8601 text stands for.",
            "Date('2024-02-29')",
        ),
        method(
            "fromString",
            &["(date: String) => Date"],
            parse,
            "The date that ISO 8601 text stands for.",
            "Date.fromString('2024-02-29')",
        ),
        // The original does not count this as an observation.
        method(
            "today",
            &["() => Date"],
            today,
            "The date of the query, in UTC.",
            "Date.today()",
        ),
    ],
};

/// The receiver or argument; 1970 for any other kind, which conversion excludes.
fn date(value: &Value) -> Date {
    match value {
        Value::Date(date) => *date,
        _ => Date(0),
    }
}

fn part(this: &Value, part: fn(Date) -> i64) -> Result {
    Ok(Value::integer(part(date(this))))
}

fn parse(_: &mut Interp, _: &Value, args: &[Value]) -> Result {
    let given = text(args.first());
    match Date::parse(given) {
        Some(date) => Ok(Value::Date(date)),
        None => Err(Failure::new(
            "invalid_date",
            format!("`{given}` is not a valid date."),
        )),
    }
}

fn today(me: &mut Interp, _: &Value, _: &[Value]) -> Result {
    Ok(Value::Date(Date::of(me.txn.time().into())))
}

/// The amount in days: Doubles are rounded, half up. Out of range amounts saturate and fail later.
fn days(args: &[Value]) -> Result<i64> {
    let name = text(args.get(1));
    if !matches!(name.trim_matches(|c: char| c <= ' '), "day" | "days") {
        return Err(Failure::new(
            "invalid_unit",
            format!("`{name}` is not a valid date unit."),
        ));
    }
    Ok(match value(args, 0) {
        Value::Double(amount) => {
            let floor = amount.floor();
            (if amount - floor >= 0.5 {
                floor + 1.0
            } else {
                floor
            }) as i64
        }
        amount => amount.as_i64().unwrap_or(0),
    })
}

fn shifted(this: &Value, days: i64) -> Result {
    date(this).add_days(days).map(Value::Date).map_err(|error| {
        let message = match error {
            RangeError::Minimum => "Date exceeds the minimum value.",
            RangeError::Maximum => "Date exceeds the maximum value.",
        };
        Failure::new("invalid_date", message)
    })
}

fn add(_: &mut Interp, this: &Value, args: &[Value]) -> Result {
    shifted(this, days(args)?)
}

fn subtract(_: &mut Interp, this: &Value, args: &[Value]) -> Result {
    shifted(this, days(args)?.saturating_neg())
}

/// Always a Long.
fn difference(_: &mut Interp, this: &Value, args: &[Value]) -> Result {
    Ok(Value::Long(date(this).difference(date(value(args, 0)))))
}
