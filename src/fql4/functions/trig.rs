//! Powers, logarithms and angles (`spec fql4 6.11`).

use super::not_built;
use crate::fql::interp::Effect;
use crate::fql4::forms::{Cast, Form, at_least, form, key, optional, positional};

/// The declarations.
pub const FORMS: &[Form] = &[
    form(
        &["Acos"],
        &[key("acos", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["Asin"],
        &[key("asin", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["Atan"],
        &[key("atan", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["Cos"],
        &[key("cos", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["Cosh"],
        &[key("cosh", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["Degrees"],
        &[key("degrees", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["Exp"],
        &[key("exp", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["Ln"],
        &[key("ln", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["Log"],
        &[key("log", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["Radians"],
        &[key("radians", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["Sin"],
        &[key("sin", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["Sinh"],
        &[key("sinh", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["Tan"],
        &[key("tan", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["Tanh"],
        &[key("tanh", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["Hypot"],
        &[key("hypot", Cast::Number), optional("b", Cast::Number)],
        at_least(1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["Pow"],
        &[key("pow", Cast::Number), optional("exp", Cast::Number)],
        at_least(1),
        Effect::Pure,
        not_built,
    ),
];
