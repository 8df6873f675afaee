//! Arithmetic (`spec fql4 6.11`).

use super::not_built;
use crate::fql::interp::Effect;
use crate::fql4::error::Result;
use crate::fql4::eval::{Arguments, Evaluator};
use crate::fql4::forms::{
    Cast, Form, TextRule, Versions, at_least, form, key, optional, positional,
};
use crate::fql4::value::Value;
use crate::fql4::version::ApiVersion;

/// The declarations.
pub const FORMS: &[Form] = &[
    form(
        &["Abs"],
        &[key("abs", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["Add"],
        &[key("add", Cast::OneOrMore(&Cast::Number))],
        TextRule::Varargs { fixed: 0 },
        Effect::Pure,
        add,
    ),
    form(
        &["Subtract"],
        &[key("subtract", Cast::OneOrMore(&Cast::Number))],
        TextRule::Varargs { fixed: 0 },
        Effect::Pure,
        not_built,
    ),
    form(
        &["Multiply"],
        &[key("multiply", Cast::OneOrMore(&Cast::Number))],
        TextRule::Varargs { fixed: 0 },
        Effect::Pure,
        not_built,
    ),
    form(
        &["Divide"],
        &[key("divide", Cast::OneOrMore(&Cast::Number))],
        TextRule::Varargs { fixed: 0 },
        Effect::Pure,
        not_built,
    ),
    form(
        &["Modulo"],
        &[key("modulo", Cast::OneOrMore(&Cast::Number))],
        TextRule::Varargs { fixed: 0 },
        Effect::Pure,
        not_built,
    ),
    form(
        &["BitAnd"],
        &[key("bitand", Cast::OneOrMore(&Cast::Number))],
        TextRule::Varargs { fixed: 0 },
        Effect::Pure,
        not_built,
    )
    .only(Versions::STABLE),
    form(
        &[],
        &[key("bit_and", Cast::OneOrMore(&Cast::Number))],
        TextRule::WireOnly,
        Effect::Pure,
        not_built,
    )
    .only(Versions::from(ApiVersion::Unstable)),
    form(
        &["BitOr"],
        &[key("bitor", Cast::OneOrMore(&Cast::Number))],
        TextRule::Varargs { fixed: 0 },
        Effect::Pure,
        not_built,
    )
    .only(Versions::STABLE),
    form(
        &[],
        &[key("bit_or", Cast::OneOrMore(&Cast::Number))],
        TextRule::WireOnly,
        Effect::Pure,
        not_built,
    )
    .only(Versions::from(ApiVersion::Unstable)),
    form(
        &["BitXor"],
        &[key("bitxor", Cast::OneOrMore(&Cast::Number))],
        TextRule::Varargs { fixed: 0 },
        Effect::Pure,
        not_built,
    )
    .only(Versions::STABLE),
    form(
        &[],
        &[key("bit_xor", Cast::OneOrMore(&Cast::Number))],
        TextRule::WireOnly,
        Effect::Pure,
        not_built,
    )
    .only(Versions::from(ApiVersion::Unstable)),
    form(
        &["BitNot"],
        &[key("bitnot", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    )
    .only(Versions::STABLE),
    form(
        &[],
        &[key("bit_not", Cast::Number)],
        TextRule::WireOnly,
        Effect::Pure,
        not_built,
    )
    .only(Versions::from(ApiVersion::Unstable)),
    form(
        &["Ceil"],
        &[key("ceil", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["Floor"],
        &[key("floor", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["Sign"],
        &[key("sign", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["Sqrt"],
        &[key("sqrt", Cast::Number)],
        positional(1, 1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["Round"],
        &[
            key("round", Cast::Number),
            optional("precision", Cast::Integer),
        ],
        at_least(1),
        Effect::Pure,
        not_built,
    ),
    form(
        &["Trunc"],
        &[
            key("trunc", Cast::Number),
            optional("precision", Cast::Integer),
        ],
        at_least(1),
        Effect::Pure,
        not_built,
    ),
];

fn add(_: &mut Evaluator, arguments: Arguments) -> Result {
    let operands = arguments.items(0)?;
    let sum = operands
        .iter()
        .cloned()
        .reduce(|sum, operand| match (sum, operand) {
            (Value::Long(a), Value::Long(b)) => Value::Long(a.wrapping_add(b)),
            (a, b) => Value::Double(double(&a) + double(&b)),
        });
    Ok(sum.unwrap_or(Value::Null))
}

/// A number as a double.
fn double(number: &Value) -> f64 {
    match number {
        Value::Long(n) => *n as f64,
        Value::Double(x) => *x,
        _ => f64::NAN,
    }
}
