//! `Paginate` (`spec fql4 6.8`).

use super::not_built;
use crate::fql::interp::Effect;
use crate::fql4::forms::{Cast, Form, TextRule, form, key, optional};

/// The declarations.
pub const FORMS: &[Form] = &[
    form(
        &["Paginate"],
        &[
            key("paginate", Cast::Identifier),
            optional("after", Cast::Any),
            optional("ts", Cast::TransactionTimestamp),
            optional("size", Cast::Integer),
            optional("events", Cast::Boolean),
            optional("sources", Cast::Boolean),
        ],
        TextRule::Options,
        Effect::Read,
        not_built,
    ),
    form(
        &[],
        &[
            key("paginate", Cast::Identifier),
            key("before", Cast::Any),
            optional("ts", Cast::TransactionTimestamp),
            optional("size", Cast::Integer),
            optional("events", Cast::Boolean),
            optional("sources", Cast::Boolean),
        ],
        TextRule::WireOnly,
        Effect::Read,
        not_built,
    ),
    form(
        &[],
        &[
            key("paginate", Cast::Identifier),
            key("cursor", Cast::Any),
            optional("ts", Cast::TransactionTimestamp),
            optional("size", Cast::Integer),
            optional("events", Cast::Boolean),
            optional("sources", Cast::Boolean),
        ],
        TextRule::WireOnly,
        Effect::Read,
        not_built,
    ),
];
