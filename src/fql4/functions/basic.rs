//! The forms that the language is made of (`spec fql4 6.1`).

use crate::fql::interp::Effect;
use crate::fql4::error::{Code, Error, Result};
use crate::fql4::eval::{Arguments, Evaluator};
use crate::fql4::forms::{
    Cast, Form, Special, TextRule, Versions, form, key, optional, positional, special,
};
use crate::fql4::value::Value;
use crate::fql4::version::ApiVersion;

const SELECT: &[crate::fql4::forms::Key] = &[
    key("select", Cast::Path),
    key("from", Cast::Any),
    optional("default", Cast::Any),
    optional("all", Cast::Boolean),
];

/// The declarations.
pub const FORMS: &[Form] = &[
    special(
        &["Let"],
        &[key("let", Cast::Any), key("in", Cast::Any)],
        TextRule::Let,
        Special::Let,
    ),
    special(
        &["Var"],
        &[key("var", Cast::String)],
        positional(1, 1),
        Special::Var,
    ),
    special(
        &["If"],
        &[
            key("if", Cast::Boolean),
            key("then", Cast::Any),
            key("else", Cast::Any),
        ],
        positional(3, 3),
        Special::If,
    ),
    special(
        &["Do"],
        &[key("do", Cast::Any)],
        TextRule::List,
        Special::Do,
    ),
    special(
        &["Object"],
        &[key("object", Cast::Any)],
        TextRule::Object,
        Special::Object,
    ),
    special(
        &[],
        &[key("quote", Cast::Any)],
        TextRule::WireOnly,
        Special::Quote,
    ),
    special(
        &["Lambda"],
        &[key("lambda", Cast::Any), key("expr", Cast::Any)],
        TextRule::Lambda,
        Special::Lambda,
    ),
    form(
        &["Query"],
        &[key("query", Cast::Lambda)],
        positional(1, 1),
        Effect::Pure,
        query,
    ),
    special(
        &["Call"],
        &[
            key("call", Cast::NameOrRef),
            optional("arguments", Cast::Any),
        ],
        TextRule::Varargs { fixed: 1 },
        Special::Call,
    ),
    special(
        &["At"],
        &[
            key("at", Cast::TransactionTimestamp),
            key("expr", Cast::Any),
        ],
        positional(2, 2),
        Special::At,
    ),
    form(
        &["Abort"],
        &[key("abort", Cast::String)],
        positional(1, 1),
        Effect::Pure,
        abort,
    ),
    special(
        &["Bytes"],
        &[key("@bytes", Cast::String)],
        TextRule::Bytes,
        Special::Escape,
    ),
    special(&["Select"], SELECT, TextRule::Select, Special::Select),
    special(
        &["SelectAll"],
        &[
            key("select_all", Cast::Path),
            key("from", Cast::Any),
            optional("default", Cast::Any),
        ],
        positional(2, 2),
        Special::Select,
    ),
    special(
        &[],
        &[
            key("select_as_index", Cast::Path),
            key("from", Cast::Any),
            optional("default", Cast::Any),
        ],
        TextRule::WireOnly,
        Special::Select,
    ),
    special(
        &["And"],
        &[key("and", Cast::Any)],
        TextRule::Varargs { fixed: 0 },
        Special::And,
    )
    .only(Versions::from(ApiVersion::V3)),
    // Before version 3 all operands were evaluated.
    form(
        &[],
        &[key("and", Cast::OneOrMore(&Cast::Boolean))],
        TextRule::WireOnly,
        Effect::Pure,
        all_true,
    )
    .only(Versions::before(ApiVersion::V3)),
    special(
        &["Or"],
        &[key("or", Cast::Any)],
        TextRule::Varargs { fixed: 0 },
        Special::Or,
    )
    .only(Versions::from(ApiVersion::V3)),
    // Before version 3 all operands were evaluated.
    form(
        &[],
        &[key("or", Cast::OneOrMore(&Cast::Boolean))],
        TextRule::WireOnly,
        Effect::Pure,
        any_true,
    )
    .only(Versions::before(ApiVersion::V3)),
];

fn query(_: &mut Evaluator, mut arguments: Arguments) -> Result {
    Ok(arguments.take(0))
}

fn abort(_: &mut Evaluator, arguments: Arguments) -> Result {
    let message = arguments.string(0)?;
    Err(Error::new(Code::TransactionAborted, arguments.place(), &*message).into())
}

/// Whether all, or any, of the operands of key 0 are true.
fn truths(arguments: &Arguments) -> Result<Vec<bool>> {
    let operands = arguments.items(0)?;
    Ok(operands
        .iter()
        .map(|operand| matches!(operand, Value::Bool(true)))
        .collect())
}

fn all_true(_: &mut Evaluator, arguments: Arguments) -> Result {
    Ok(Value::Bool(
        truths(&arguments)?.into_iter().all(|flag| flag),
    ))
}

fn any_true(_: &mut Evaluator, arguments: Arguments) -> Result {
    Ok(Value::Bool(
        truths(&arguments)?.into_iter().any(|flag| flag),
    ))
}
