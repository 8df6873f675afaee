//! Sets (`spec fql4 6.6`).

use super::not_built;
use crate::fql::interp::Effect;
use crate::fql4::forms::{Cast, Form, TextRule, form, key, optional, positional};

/// The declarations.
pub const FORMS: &[Form] = &[
    form(
        &["Match"],
        &[
            key("match", Cast::NameOrIndexRef),
            optional("terms", Cast::ZeroOrMore(&Cast::MatchTerm)),
        ],
        TextRule::Varargs { fixed: 1 },
        Effect::Pure,
        not_built,
    ),
    form(
        &[],
        &[
            key("match", Cast::ZeroOrMore(&Cast::MatchTerm)),
            key("index", Cast::NameOrIndexRef),
        ],
        TextRule::WireOnly,
        Effect::Pure,
        not_built,
    ),
    form(
        &["Documents"],
        &[key("documents", Cast::CollectionRef)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["Singleton"],
        &[key("singleton", Cast::Ref)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["Events"],
        &[key("events", Cast::Identifier)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["Union"],
        &[key("union", Cast::OneOrMore(&Cast::SetOrArray))],
        TextRule::Varargs { fixed: 0 },
        Effect::Pure,
        not_built,
    ),
    form(
        &["Intersection"],
        &[key("intersection", Cast::OneOrMore(&Cast::SetOrArray))],
        TextRule::Varargs { fixed: 0 },
        Effect::Pure,
        not_built,
    ),
    form(
        &["Difference"],
        &[key("difference", Cast::OneOrMore(&Cast::SetOrArray))],
        TextRule::Varargs { fixed: 0 },
        Effect::Pure,
        not_built,
    ),
    form(
        &["Distinct"],
        &[key("distinct", Cast::Iterable)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["Join"],
        &[key("join", Cast::Set), key("with", Cast::LambdaOrAny)],
        positional(2, 2),
        Effect::Pure,
        not_built,
    ),
    form(
        &["Range"],
        &[
            key("range", Cast::Set),
            key("from", Cast::Any),
            key("to", Cast::Any),
        ],
        positional(3, 3),
        Effect::Pure,
        not_built,
    ),
];
