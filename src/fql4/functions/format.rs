//! `Format` (`spec fql4 6.10`).

use super::not_built;
use crate::fql::interp::Effect;
use crate::fql4::forms::{Cast, Form, TextRule, form, key};

/// The declarations.
pub const FORMS: &[Form] = &[form(
    &["Format"],
    &[
        key("format", Cast::String),
        key("values", Cast::ZeroOrMore(&Cast::Any)),
    ],
    TextRule::Varargs { fixed: 1 },
    Effect::Pure,
    not_built,
)];
