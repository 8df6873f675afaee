//! Comparisons (`spec fql4 6.9`); `And` and `Or` are nodes of their own.

use super::not_built;
use crate::fql::interp::Effect;
use crate::fql4::forms::{Cast, Form, TextRule, form, key, positional};

/// The declarations.
pub const FORMS: &[Form] = &[
    form(
        &["Equals"],
        &[key("equals", Cast::OneOrMore(&Cast::Any))],
        TextRule::Varargs { fixed: 0 },
        Effect::Pure,
        not_built,
    ),
    form(
        &["LT"],
        &[key("lt", Cast::OneOrMore(&Cast::Any))],
        TextRule::Varargs { fixed: 0 },
        Effect::Pure,
        not_built,
    ),
    form(
        &["LTE"],
        &[key("lte", Cast::OneOrMore(&Cast::Any))],
        TextRule::Varargs { fixed: 0 },
        Effect::Pure,
        not_built,
    ),
    form(
        &["GT"],
        &[key("gt", Cast::OneOrMore(&Cast::Any))],
        TextRule::Varargs { fixed: 0 },
        Effect::Pure,
        not_built,
    ),
    form(
        &["GTE"],
        &[key("gte", Cast::OneOrMore(&Cast::Any))],
        TextRule::Varargs { fixed: 0 },
        Effect::Pure,
        not_built,
    ),
    form(
        &["Not"],
        &[key("not", Cast::Boolean)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
];
