//! Writes of documents (`spec fql4 6.5`).

use super::not_built;
use crate::fql::interp::Effect;
use crate::fql4::forms::{Cast, Form, TextRule, form, key, optional, positional};

/// The declarations.
pub const FORMS: &[Form] = &[
    form(
        &["Create"],
        &[
            key("create", Cast::NameOrRef),
            optional("params", Cast::Object),
        ],
        TextRule::Create,
        Effect::Write,
        not_built,
    ),
    form(
        &["Update"],
        &[key("update", Cast::Ref), optional("params", Cast::Object)],
        positional(2, 2),
        Effect::Write,
        not_built,
    ),
    form(
        &["Replace"],
        &[key("replace", Cast::Ref), optional("params", Cast::Object)],
        positional(2, 2),
        Effect::Write,
        not_built,
    ),
    form(
        &["Delete"],
        &[key("delete", Cast::Ref)],
        positional(1, 1),
        Effect::Write,
        not_built,
    ),
    form(
        &["Insert"],
        &[
            key("insert", Cast::Ref),
            key("ts", Cast::Timestamp),
            key("action", Cast::DocumentAction),
            optional("params", Cast::Object),
        ],
        positional(4, 4),
        Effect::Write,
        super::history::insert,
    ),
    form(
        &["Remove"],
        &[
            key("remove", Cast::Ref),
            key("ts", Cast::Timestamp),
            key("action", Cast::DocumentAction),
        ],
        positional(3, 3),
        Effect::Write,
        super::history::remove,
    ),
];
