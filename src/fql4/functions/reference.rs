//! References (`spec fql4 6.1`).

use super::not_built;
use crate::fql::interp::Effect;
use crate::fql4::forms::{Cast, Form, TextRule, Versions, form, key, optional, positional};
use crate::fql4::version::ApiVersion;

/// The declarations.
pub const FORMS: &[Form] = &[
    form(
        &["Ref"],
        &[
            key("ref", Cast::Any),
            key("id", Cast::Any),
            optional("scope", Cast::DatabaseRef),
        ],
        TextRule::Ref,
        Effect::Pure,
        not_built,
    ),
    form(
        &["Database"],
        &[
            key("database", Cast::String),
            optional("scope", Cast::DatabaseRef),
        ],
        TextRule::NameAndScope,
        Effect::Pure,
        not_built,
    ),
    form(
        &["Collection"],
        &[
            key("collection", Cast::String),
            optional("scope", Cast::DatabaseRef),
        ],
        TextRule::NameAndScope,
        Effect::Pure,
        not_built,
    ),
    form(
        &["Class"],
        &[
            key("class", Cast::String),
            optional("scope", Cast::DatabaseRef),
        ],
        TextRule::NameAndScope,
        Effect::Pure,
        not_built,
    ),
    form(
        &["Index"],
        &[
            key("index", Cast::String),
            optional("scope", Cast::DatabaseRef),
        ],
        TextRule::NameAndScope,
        Effect::Pure,
        not_built,
    ),
    form(
        &["Function"],
        &[
            key("function", Cast::String),
            optional("scope", Cast::DatabaseRef),
        ],
        TextRule::NameAndScope,
        Effect::Pure,
        not_built,
    ),
    form(
        &["Role"],
        &[
            key("role", Cast::String),
            optional("scope", Cast::DatabaseRef),
        ],
        TextRule::NameAndScope,
        Effect::Pure,
        not_built,
    ),
    form(
        &["AccessProvider"],
        &[
            key("access_provider", Cast::String),
            optional("scope", Cast::DatabaseRef),
        ],
        positional(1, 1),
        Effect::Pure,
        not_built,
    )
    .only(Versions::from(ApiVersion::V4)),
    form(
        &["Databases"],
        &[key("databases", Cast::DatabaseRefOrNull)],
        TextRule::OneOrNull,
        Effect::Pure,
        not_built,
    ),
    form(
        &["Collections"],
        &[key("collections", Cast::DatabaseRefOrNull)],
        TextRule::OneOrNull,
        Effect::Pure,
        not_built,
    ),
    form(
        &["Classes"],
        &[key("classes", Cast::DatabaseRefOrNull)],
        TextRule::OneOrNull,
        Effect::Pure,
        not_built,
    ),
    form(
        &["Indexes"],
        &[key("indexes", Cast::DatabaseRefOrNull)],
        TextRule::OneOrNull,
        Effect::Pure,
        not_built,
    ),
    form(
        &["Functions"],
        &[key("functions", Cast::DatabaseRefOrNull)],
        TextRule::OneOrNull,
        Effect::Pure,
        not_built,
    ),
    form(
        &["Roles"],
        &[key("roles", Cast::DatabaseRefOrNull)],
        TextRule::OneOrNull,
        Effect::Pure,
        not_built,
    ),
    form(
        &["Keys"],
        &[key("keys", Cast::DatabaseRefOrNull)],
        TextRule::OneOrNull,
        Effect::Pure,
        not_built,
    ),
    form(
        &["Tokens"],
        &[key("tokens", Cast::DatabaseRefOrNull)],
        TextRule::OneOrNull,
        Effect::Pure,
        not_built,
    ),
    form(
        &["Credentials"],
        &[key("credentials", Cast::DatabaseRefOrNull)],
        TextRule::OneOrNull,
        Effect::Pure,
        not_built,
    ),
    form(
        &["AccessProviders"],
        &[key("access_providers", Cast::DatabaseRefOrNull)],
        TextRule::OneOrNull,
        Effect::Pure,
        not_built,
    )
    .only(Versions::from(ApiVersion::V4)),
    form(
        &["NewId"],
        &[key("new_id", Cast::Null)],
        TextRule::Nothing,
        Effect::Write,
        not_built,
    ),
    form(
        &["NextId"],
        &[key("next_id", Cast::Null)],
        TextRule::Nothing,
        Effect::Write,
        not_built,
    ),
];
