//! Times and dates (`spec fql4 6.12`).

use super::not_built;
use crate::fql::interp::Effect;
use crate::fql4::forms::{Cast, Form, TextRule, form, key, positional};

/// The declarations.
pub const FORMS: &[Form] = &[
    form(
        &["Time"],
        &[key("time", Cast::String)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["Now"],
        &[key("now", Cast::Null)],
        TextRule::Nothing,
        Effect::Pure,
        not_built,
    ),
    form(
        &["Date"],
        &[key("date", Cast::String)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["Epoch"],
        &[key("epoch", Cast::Integer), key("unit", Cast::TimeUnit)],
        positional(2, 2),
        Effect::Pure,
        not_built,
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
        not_built,
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
        not_built,
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
        not_built,
    ),
    form(
        &["Year"],
        &[key("year", Cast::Timestamp)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["Month"],
        &[key("month", Cast::Timestamp)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["DayOfMonth"],
        &[key("day_of_month", Cast::Timestamp)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["DayOfWeek"],
        &[key("day_of_week", Cast::Timestamp)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["DayOfYear"],
        &[key("day_of_year", Cast::Timestamp)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["Hour"],
        &[key("hour", Cast::Timestamp)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["Minute"],
        &[key("minute", Cast::Timestamp)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["Second"],
        &[key("second", Cast::Timestamp)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["ToSeconds"],
        &[key("to_seconds", Cast::Timestamp)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["ToMillis"],
        &[key("to_millis", Cast::Timestamp)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["ToMicros"],
        &[key("to_micros", Cast::Timestamp)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
];
