//! Logging in, and who is logged in (`spec fql4 6.14`).

use super::not_built;
use crate::fql::interp::Effect;
use crate::fql4::forms::{Cast, Form, TextRule, Versions, form, key, positional};
use crate::fql4::version::ApiVersion;

/// The declarations.
pub const FORMS: &[Form] = &[
    form(
        &["Login"],
        &[key("login", Cast::Identifier), key("params", Cast::Object)],
        positional(2, 2),
        Effect::Write,
        not_built,
    ),
    form(
        &["Logout"],
        &[key("logout", Cast::Boolean)],
        positional(1, 1),
        Effect::Write,
        not_built,
    ),
    form(
        &["Identify"],
        &[
            key("identify", Cast::Identifier),
            key("password", Cast::String),
        ],
        positional(2, 2),
        Effect::Read,
        not_built,
    ),
    form(
        &["Identity"],
        &[key("identity", Cast::Null)],
        TextRule::Nothing,
        Effect::Read,
        not_built,
    ),
    form(
        &["HasIdentity"],
        &[key("has_identity", Cast::Null)],
        TextRule::Nothing,
        Effect::Read,
        not_built,
    ),
    form(
        &["CurrentIdentity"],
        &[key("current_identity", Cast::Null)],
        TextRule::Nothing,
        Effect::Read,
        not_built,
    )
    .only(Versions::from(ApiVersion::V4)),
    form(
        &["HasCurrentIdentity"],
        &[key("has_current_identity", Cast::Null)],
        TextRule::Nothing,
        Effect::Read,
        not_built,
    )
    .only(Versions::from(ApiVersion::V4)),
    form(
        &["CurrentToken"],
        &[key("current_token", Cast::Null)],
        TextRule::Nothing,
        Effect::Read,
        not_built,
    )
    .only(Versions::from(ApiVersion::V4)),
    form(
        &["HasCurrentToken"],
        &[key("has_current_token", Cast::Null)],
        TextRule::Nothing,
        Effect::Read,
        not_built,
    )
    .only(Versions::from(ApiVersion::V4)),
];
