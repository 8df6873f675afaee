//! Comparisons (`spec fql4 6.9`); `And` and `Or` are nodes of their own.

use crate::fql::interp::Effect;
use crate::fql4::error::{Result, Stop};
use crate::fql4::eval::{Arguments, Evaluator, undefined};
use crate::fql4::forms::{Cast, Form, TextRule, form, key, positional};
use crate::fql4::order;
use crate::fql4::value::Value;
use std::cmp::Ordering;

/// The declarations.
pub const FORMS: &[Form] = &[
    form(
        &["Equals"],
        &[key("equals", Cast::OneOrMore(&Cast::Any))],
        TextRule::Varargs { fixed: 0 },
        Effect::Pure,
        equals,
    ),
    form(
        &["LT"],
        &[key("lt", Cast::OneOrMore(&Cast::Any))],
        TextRule::Varargs { fixed: 0 },
        Effect::Pure,
        lt,
    ),
    form(
        &["LTE"],
        &[key("lte", Cast::OneOrMore(&Cast::Any))],
        TextRule::Varargs { fixed: 0 },
        Effect::Pure,
        lte,
    ),
    form(
        &["GT"],
        &[key("gt", Cast::OneOrMore(&Cast::Any))],
        TextRule::Varargs { fixed: 0 },
        Effect::Pure,
        gt,
    ),
    form(
        &["GTE"],
        &[key("gte", Cast::OneOrMore(&Cast::Any))],
        TextRule::Varargs { fixed: 0 },
        Effect::Pure,
        gte,
    ),
    form(
        &["Not"],
        &[key("not", Cast::Boolean)],
        positional(1, 1),
        Effect::Pure,
        not,
    ),
];

fn equals(me: &mut Evaluator, arguments: Arguments) -> Result {
    let operands = arguments.items(0)?;
    let equal = match operands.split_first() {
        Some((first, rest)) => rest
            .iter()
            .all(|other| order::equals(first, other, me.version)),
        None => true,
    };
    Ok(Value::Bool(equal))
}

/// Whether each neighbouring pair is in an order.
fn ordered(me: &mut Evaluator, arguments: Arguments, fits: fn(Ordering) -> bool) -> Result {
    let operands = arguments.items(0)?;
    let place = arguments.at(0);
    let undefined = operands.iter().filter_map(|operand| match operand {
        Value::Unresolved(reference) => Some(undefined(reference, &place)),
        _ => None,
    });
    let errors: Vec<_> = undefined.collect();
    if !errors.is_empty() {
        return Err(Stop::Errors(errors));
    }
    let codec = me.interp.txn.model().key_codec();
    let mut pairs = operands.windows(2);
    let ordered = pairs.all(|pair| match pair {
        [a, b] => fits(order::compare(codec, a, b)),
        _ => true,
    });
    Ok(Value::Bool(ordered))
}

fn lt(me: &mut Evaluator, arguments: Arguments) -> Result {
    ordered(me, arguments, Ordering::is_lt)
}

fn lte(me: &mut Evaluator, arguments: Arguments) -> Result {
    ordered(me, arguments, Ordering::is_le)
}

fn gt(me: &mut Evaluator, arguments: Arguments) -> Result {
    ordered(me, arguments, Ordering::is_gt)
}

fn gte(me: &mut Evaluator, arguments: Arguments) -> Result {
    ordered(me, arguments, Ordering::is_ge)
}

fn not(_: &mut Evaluator, arguments: Arguments) -> Result {
    Ok(Value::Bool(!arguments.boolean(0)?))
}
