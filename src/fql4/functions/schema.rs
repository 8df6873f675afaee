//! Writes of schema objects (`spec fql4 6.5, 8`).

use super::not_built;
use crate::fql::interp::Effect;
use crate::fql4::forms::{Cast, Form, Versions, form, key, positional};
use crate::fql4::version::ApiVersion;

/// The declarations.
pub const FORMS: &[Form] = &[
    form(
        &["CreateClass"],
        &[key("create_class", Cast::Object)],
        positional(1, 1),
        Effect::Write,
        not_built,
    ),
    form(
        &["CreateCollection"],
        &[key("create_collection", Cast::Object)],
        positional(1, 1),
        Effect::Write,
        not_built,
    ),
    form(
        &["CreateDatabase"],
        &[key("create_database", Cast::Object)],
        positional(1, 1),
        Effect::Write,
        not_built,
    ),
    form(
        &["CreateIndex"],
        &[key("create_index", Cast::Object)],
        positional(1, 1),
        Effect::Write,
        not_built,
    ),
    form(
        &["CreateKey"],
        &[key("create_key", Cast::Object)],
        positional(1, 1),
        Effect::Write,
        not_built,
    ),
    form(
        &["CreateFunction"],
        &[key("create_function", Cast::Object)],
        positional(1, 1),
        Effect::Write,
        not_built,
    ),
    form(
        &["CreateRole"],
        &[key("create_role", Cast::Object)],
        positional(1, 1),
        Effect::Write,
        not_built,
    ),
    form(
        &["CreateAccessProvider"],
        &[key("create_access_provider", Cast::Object)],
        positional(1, 1),
        Effect::Write,
        not_built,
    )
    .only(Versions::from(ApiVersion::V4)),
    form(
        &["MoveDatabase"],
        &[
            key("move_database", Cast::DatabaseRef),
            key("to", Cast::DatabaseRef),
        ],
        positional(2, 2),
        Effect::Write,
        not_built,
    ),
];
