//! Arrays, pages and what goes over them (`spec fql4 6.2`).

use super::not_built;
use crate::fql::interp::Effect;
use crate::fql4::forms::{Cast, Form, TextRule, Versions, form, key, positional};
use crate::fql4::version::ApiVersion;

/// The declarations.
pub const FORMS: &[Form] = &[
    form(
        &["Map"],
        &[key("map", Cast::Lambda), key("collection", Cast::Iterable)],
        TextRule::Reversed,
        Effect::Pure,
        not_built,
    ),
    form(
        &["Foreach"],
        &[
            key("foreach", Cast::Lambda),
            key("collection", Cast::Iterable),
        ],
        TextRule::Reversed,
        Effect::Pure,
        not_built,
    ),
    form(
        &["Filter"],
        &[
            key("filter", Cast::Lambda),
            key("collection", Cast::Iterable),
        ],
        TextRule::Reversed,
        Effect::Pure,
        not_built,
    ),
    form(
        &["Take"],
        &[key("take", Cast::Integer), key("collection", Cast::Any)],
        positional(2, 2),
        Effect::Pure,
        not_built,
    ),
    form(
        &["Drop"],
        &[key("drop", Cast::Integer), key("collection", Cast::Any)],
        positional(2, 2),
        Effect::Pure,
        not_built,
    ),
    form(
        &["Prepend"],
        &[
            key("prepend", Cast::ZeroOrMore(&Cast::Any)),
            key("collection", Cast::Array),
        ],
        positional(2, 2),
        Effect::Pure,
        not_built,
    ),
    form(
        &["Append"],
        &[
            key("append", Cast::ZeroOrMore(&Cast::Any)),
            key("collection", Cast::Array),
        ],
        positional(2, 2),
        Effect::Pure,
        not_built,
    ),
    form(
        &["IsEmpty"],
        &[key("is_empty", Cast::Iterable)],
        positional(1, 1),
        Effect::Read,
        not_built,
    ),
    form(
        &["IsNonEmpty"],
        &[key("is_nonempty", Cast::Iterable)],
        positional(1, 1),
        Effect::Read,
        not_built,
    ),
    form(
        &["Reduce"],
        &[
            key("reduce", Cast::Lambda),
            key("initial", Cast::Any),
            key("collection", Cast::Iterable),
        ],
        positional(3, 3),
        Effect::Read,
        not_built,
    ),
    form(
        &["Count"],
        &[key("count", Cast::Iterable)],
        positional(1, 1),
        Effect::Read,
        not_built,
    ),
    form(
        &["Sum"],
        &[key("sum", Cast::Iterable)],
        positional(1, 1),
        Effect::Read,
        not_built,
    ),
    form(
        &["Mean"],
        &[key("mean", Cast::Iterable)],
        positional(1, 1),
        Effect::Read,
        not_built,
    ),
    form(
        &["Any"],
        &[key("any", Cast::Iterable)],
        positional(1, 1),
        Effect::Read,
        not_built,
    ),
    form(
        &["All"],
        &[key("all", Cast::Iterable)],
        positional(1, 1),
        Effect::Read,
        not_built,
    ),
    form(
        &["Max"],
        &[key("max", Cast::Iterable)],
        TextRule::Varargs { fixed: 0 },
        Effect::Read,
        not_built,
    ),
    form(
        &["Min"],
        &[key("min", Cast::Iterable)],
        TextRule::Varargs { fixed: 0 },
        Effect::Read,
        not_built,
    ),
    form(
        &["First"],
        &[key("first", Cast::SetOrArray)],
        positional(1, 1),
        Effect::Read,
        not_built,
    )
    .only(Versions::from(ApiVersion::V4)),
    form(
        &["Last"],
        &[key("last", Cast::SetOrArray)],
        positional(1, 1),
        Effect::Read,
        not_built,
    )
    .only(Versions::from(ApiVersion::V4)),
    form(
        &["Reverse"],
        &[key("reverse", Cast::Iterable)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["ToArray"],
        &[key("to_array", Cast::Any)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
];
