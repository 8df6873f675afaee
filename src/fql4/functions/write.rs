//! Writes of documents (`spec fql4 6.5`).

use crate::fql::interp::Effect;
use crate::fql4::documents;
use crate::fql4::error::Result;
use crate::fql4::eval::{Arguments, Evaluator};
use crate::fql4::forms::{Cast, Form, TextRule, form, key, optional, positional};
use crate::fql4::value::{Object, Value};
use std::sync::Arc;

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
        create,
    ),
    form(
        &["Update"],
        &[key("update", Cast::Ref), optional("params", Cast::Object)],
        positional(2, 2),
        Effect::Write,
        |me, arguments| update(me, arguments, "update"),
    ),
    form(
        &["Replace"],
        &[key("replace", Cast::Ref), optional("params", Cast::Object)],
        positional(2, 2),
        Effect::Write,
        |me, arguments| update(me, arguments, "replace"),
    ),
    form(
        &["Delete"],
        &[key("delete", Cast::Ref)],
        positional(1, 1),
        Effect::Write,
        delete,
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

/// The parameters of a write, none if they were left out.
fn params(arguments: &Arguments, index: usize) -> Result<Arc<Object>> {
    match arguments.get(index) {
        Some(_) => arguments.object(index),
        None => Ok(Arc::default()),
    }
}

fn create(me: &mut Evaluator, arguments: Arguments) -> Result {
    let params = params(&arguments, 1)?;
    match arguments.value(0) {
        Value::String(name) => documents::create_named(me, &name, &params, arguments.place()),
        _ => {
            let target = arguments.reference(0)?;
            documents::create(me, target, &params, arguments.place(), "create")
        }
    }
}

fn update(me: &mut Evaluator, arguments: Arguments, verb: &'static str) -> Result {
    let params = params(&arguments, 1)?;
    let target = arguments.reference(0)?;
    documents::update(me, target, &params, arguments.place(), verb)
}

fn delete(me: &mut Evaluator, arguments: Arguments) -> Result {
    let target = arguments.reference(0)?;
    documents::delete(me, target, arguments.place())
}
