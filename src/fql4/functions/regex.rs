//! Strings and regular expressions (`spec fql4 6.10`).

use super::not_built;
use crate::fql::interp::Effect;
use crate::fql4::error::Result;
use crate::fql4::eval::{Evaluator, Expected};
use crate::fql4::forms::{Cast, Form, TextRule, Versions, form, key, optional, positional};
use crate::fql4::place::Place;
use crate::fql4::value::Value;
use crate::fql4::version::ApiVersion;

/// The declarations.
pub const FORMS: &[Form] = &[
    form(
        &["ContainsStrRegex"],
        &[
            key("containsstrregex", Cast::String),
            key("pattern", Cast::Regex),
        ],
        positional(2, 2),
        Effect::Pure,
        not_built,
    )
    .only(Versions::STABLE),
    form(
        &[],
        &[
            key("contains_str_regex", Cast::String),
            key("pattern", Cast::Regex),
        ],
        TextRule::WireOnly,
        Effect::Pure,
        not_built,
    )
    .only(Versions::from(ApiVersion::Unstable)),
    form(
        &["FindStrRegex"],
        &[
            key("findstrregex", Cast::String),
            key("pattern", Cast::Regex),
            optional("start", Cast::Integer),
            optional("num_results", Cast::Integer),
        ],
        positional(2, 4),
        Effect::Pure,
        not_built,
    )
    .only(Versions::STABLE),
    form(
        &[],
        &[
            key("find_str_regex", Cast::String),
            key("pattern", Cast::Regex),
            optional("start", Cast::Integer),
            optional("num_results", Cast::Integer),
        ],
        TextRule::WireOnly,
        Effect::Pure,
        not_built,
    )
    .only(Versions::from(ApiVersion::Unstable)),
    form(
        &["ReplaceStrRegex"],
        &[
            key("replacestrregex", Cast::String),
            key("pattern", Cast::Regex),
            key("replace", Cast::String),
            optional("first", Cast::Boolean),
        ],
        positional(3, 4),
        Effect::Pure,
        not_built,
    )
    .only(Versions::STABLE),
    form(
        &[],
        &[
            key("replace_str_regex", Cast::String),
            key("pattern", Cast::Regex),
            key("replace", Cast::String),
            optional("first", Cast::Boolean),
        ],
        TextRule::WireOnly,
        Effect::Pure,
        not_built,
    )
    .only(Versions::from(ApiVersion::Unstable)),
    form(
        &["RegexEscape"],
        &[key("regexescape", Cast::String)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    )
    .only(Versions::STABLE),
    form(
        &[],
        &[key("regex_escape", Cast::String)],
        TextRule::WireOnly,
        Effect::Pure,
        not_built,
    )
    .only(Versions::from(ApiVersion::Unstable)),
    form(
        &[],
        &[
            key("split_str_regex", Cast::String),
            key("pattern", Cast::Regex),
            optional("count", Cast::Integer),
        ],
        TextRule::WireOnly,
        Effect::Pure,
        not_built,
    )
    .only(Versions::from(ApiVersion::Unstable)),
];

/// A regular expression, compiled and found good.
pub fn check_pattern(_: &mut Evaluator, value: Value, place: &Place) -> Result {
    match value {
        Value::String(_) => Ok(value),
        other => Err(Expected(&["String"]).error(&other, place).into()),
    }
}
