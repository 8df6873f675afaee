//! Objects and paths (`spec fql4 6.3`); `Select` is a node of its own.

use super::not_built;
use crate::fql::interp::Effect;
use crate::fql4::forms::{Cast, Form, Versions, form, key, optional, positional};
use crate::fql4::version::ApiVersion;

/// The declarations.
pub const FORMS: &[Form] = &[
    form(
        &["Contains"],
        &[key("contains", Cast::Path), key("in", Cast::Any)],
        positional(2, 2),
        Effect::Pure,
        not_built,
    ),
    form(
        &["ContainsPath"],
        &[key("contains_path", Cast::Path), key("in", Cast::Any)],
        positional(2, 2),
        Effect::Pure,
        not_built,
    )
    .only(Versions::from(ApiVersion::V3)),
    form(
        &["ContainsField"],
        &[key("contains_field", Cast::String), key("in", Cast::Any)],
        positional(2, 2),
        Effect::Pure,
        not_built,
    )
    .only(Versions::from(ApiVersion::V3)),
    form(
        &["ContainsValue"],
        &[key("contains_value", Cast::Any), key("in", Cast::Any)],
        positional(2, 2),
        Effect::Pure,
        not_built,
    )
    .only(Versions::from(ApiVersion::V3)),
    form(
        &["Merge"],
        &[
            key("merge", Cast::Any),
            key("with", Cast::Any),
            optional("lambda", Cast::Lambda),
        ],
        positional(2, 3),
        Effect::Pure,
        not_built,
    ),
    form(
        &["ToObject"],
        &[key("to_object", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
];
