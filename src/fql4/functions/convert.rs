//! Conversions (`spec fql4 6.13`).

use super::not_built;
use crate::fql::interp::Effect;
use crate::fql4::forms::{Cast, Form, form, key, positional};

/// The declarations.
pub const FORMS: &[Form] = &[
    form(
        &["ToString"],
        &[key("to_string", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["ToNumber"],
        &[key("to_number", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["ToDouble"],
        &[key("to_double", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["ToInteger"],
        &[key("to_integer", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["ToTime"],
        &[key("to_time", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["ToDate"],
        &[key("to_date", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
];
