//! Strings (`spec fql4 6.10`). Indexes and lengths count code points.

use super::not_built;
use crate::fql::interp::Effect;
use crate::fql4::forms::{
    Cast, Form, TextRule, Versions, at_least, form, key, optional, positional,
};
use crate::fql4::version::ApiVersion;

/// The declarations.
pub const FORMS: &[Form] = &[
    form(
        &["Concat"],
        &[
            key("concat", Cast::ZeroOrMore(&Cast::String)),
            optional("separator", Cast::String),
        ],
        at_least(1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["Casefold"],
        &[
            key("casefold", Cast::ZeroOrMore(&Cast::Scalar)),
            optional("normalizer", Cast::Normalizer),
        ],
        at_least(1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["ContainsStr"],
        &[
            key("containsstr", Cast::String),
            key("search", Cast::String),
        ],
        positional(2, 2),
        Effect::Pure,
        not_built,
    )
    .only(Versions::STABLE),
    form(
        &[],
        &[
            key("contains_str", Cast::String),
            key("search", Cast::String),
        ],
        TextRule::WireOnly,
        Effect::Pure,
        not_built,
    )
    .only(Versions::from(ApiVersion::Unstable)),
    form(
        &["StartsWith"],
        &[key("startswith", Cast::String), key("search", Cast::String)],
        positional(2, 2),
        Effect::Pure,
        not_built,
    )
    .only(Versions::STABLE),
    form(
        &[],
        &[
            key("starts_with", Cast::String),
            key("search", Cast::String),
        ],
        TextRule::WireOnly,
        Effect::Pure,
        not_built,
    )
    .only(Versions::from(ApiVersion::Unstable)),
    form(
        &["EndsWith"],
        &[key("endswith", Cast::String), key("search", Cast::String)],
        positional(2, 2),
        Effect::Pure,
        not_built,
    )
    .only(Versions::STABLE),
    form(
        &[],
        &[key("ends_with", Cast::String), key("search", Cast::String)],
        TextRule::WireOnly,
        Effect::Pure,
        not_built,
    )
    .only(Versions::from(ApiVersion::Unstable)),
    form(
        &["FindStr"],
        &[
            key("findstr", Cast::String),
            key("find", Cast::String),
            optional("start", Cast::Integer),
        ],
        positional(2, 3),
        Effect::Pure,
        not_built,
    )
    .only(Versions::STABLE),
    form(
        &[],
        &[
            key("find_str", Cast::String),
            key("find", Cast::String),
            optional("start", Cast::Integer),
        ],
        TextRule::WireOnly,
        Effect::Pure,
        not_built,
    )
    .only(Versions::from(ApiVersion::Unstable)),
    form(
        &["Length"],
        &[key("length", Cast::String)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["LowerCase"],
        &[key("lowercase", Cast::String)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    )
    .only(Versions::STABLE),
    form(
        &[],
        &[key("lower_case", Cast::String)],
        TextRule::WireOnly,
        Effect::Pure,
        not_built,
    )
    .only(Versions::from(ApiVersion::Unstable)),
    form(
        &["UpperCase"],
        &[key("uppercase", Cast::String)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    )
    .only(Versions::STABLE),
    form(
        &[],
        &[key("upper_case", Cast::String)],
        TextRule::WireOnly,
        Effect::Pure,
        not_built,
    )
    .only(Versions::from(ApiVersion::Unstable)),
    form(
        &["TitleCase"],
        &[key("titlecase", Cast::String)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    )
    .only(Versions::STABLE),
    form(
        &[],
        &[key("title_case", Cast::String)],
        TextRule::WireOnly,
        Effect::Pure,
        not_built,
    )
    .only(Versions::from(ApiVersion::Unstable)),
    form(
        &["Trim"],
        &[key("trim", Cast::String)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["LTrim"],
        &[key("ltrim", Cast::String)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    )
    .only(Versions::STABLE),
    form(
        &[],
        &[key("l_trim", Cast::String)],
        TextRule::WireOnly,
        Effect::Pure,
        not_built,
    )
    .only(Versions::from(ApiVersion::Unstable)),
    form(
        &["RTrim"],
        &[key("rtrim", Cast::String)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    )
    .only(Versions::STABLE),
    form(
        &[],
        &[key("r_trim", Cast::String)],
        TextRule::WireOnly,
        Effect::Pure,
        not_built,
    )
    .only(Versions::from(ApiVersion::Unstable)),
    form(
        &["NGram"],
        &[
            key("ngram", Cast::ZeroOrMore(&Cast::Scalar)),
            optional("min", Cast::Integer),
            optional("max", Cast::Integer),
        ],
        positional(1, 3),
        Effect::Pure,
        not_built,
    ),
    form(
        &["Repeat"],
        &[
            key("repeat", Cast::String),
            optional("number", Cast::Integer),
        ],
        positional(1, 2),
        Effect::Pure,
        not_built,
    ),
    form(
        &["ReplaceStr"],
        &[
            key("replacestr", Cast::String),
            key("find", Cast::String),
            key("replace", Cast::String),
        ],
        positional(3, 3),
        Effect::Pure,
        not_built,
    )
    .only(Versions::STABLE),
    form(
        &[],
        &[
            key("replace_str", Cast::String),
            key("find", Cast::String),
            key("replace", Cast::String),
        ],
        TextRule::WireOnly,
        Effect::Pure,
        not_built,
    )
    .only(Versions::from(ApiVersion::Unstable)),
    form(
        &["Space"],
        &[key("space", Cast::Integer)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["SubString"],
        &[
            key("substring", Cast::String),
            optional("start", Cast::Integer),
            optional("length", Cast::Integer),
        ],
        positional(1, 3),
        Effect::Pure,
        not_built,
    )
    .only(Versions::STABLE),
    form(
        &[],
        &[
            key("sub_string", Cast::String),
            optional("start", Cast::Integer),
            optional("length", Cast::Integer),
        ],
        TextRule::WireOnly,
        Effect::Pure,
        not_built,
    )
    .only(Versions::from(ApiVersion::Unstable)),
    form(
        &[],
        &[
            key("split_str", Cast::String),
            key("token", Cast::String),
            optional("count", Cast::Integer),
        ],
        TextRule::WireOnly,
        Effect::Pure,
        not_built,
    )
    .only(Versions::from(ApiVersion::Unstable)),
];
