//! Reads of documents (`spec fql4 6.4`).

use super::not_built;
use crate::fql::interp::Effect;
use crate::fql4::forms::{Cast, Form, form, key, optional, positional};

/// The declarations.
pub const FORMS: &[Form] = &[
    form(
        &["Get"],
        &[
            key("get", Cast::Identifier),
            optional("ts", Cast::TransactionTimestamp),
        ],
        positional(1, 2),
        Effect::Read,
        not_built,
    ),
    form(
        &["Exists"],
        &[
            key("exists", Cast::IdentifierOrUnresolved),
            optional("ts", Cast::TransactionTimestamp),
        ],
        positional(1, 2),
        Effect::Read,
        not_built,
    ),
    form(
        &["KeyFromSecret"],
        &[key("key_from_secret", Cast::String)],
        positional(1, 1),
        Effect::Read,
        not_built,
    ),
];
