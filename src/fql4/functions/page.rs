//! `Paginate` (`spec fql4 6.8`).

use crate::fql::interp::Effect;
use crate::fql4::error::Result;
use crate::fql4::eval::{Arguments, Evaluator};
use crate::fql4::forms::{Cast, Form, TextRule, form, key, optional};
use crate::fql4::sets::page::{Asked, paginate};
use crate::fql4::sets::shape::shape;
use crate::fql4::sets::{Set, cursor};
use crate::fql4::value::Value;
use std::sync::Arc;

/// The declarations.
pub const FORMS: &[Form] = &[
    form(
        &["Paginate"],
        &[
            key("paginate", Cast::Identifier),
            optional("after", Cast::Any),
            optional("ts", Cast::TransactionTimestamp),
            optional("size", Cast::Integer),
            optional("events", Cast::Boolean),
            optional("sources", Cast::Boolean),
        ],
        TextRule::Options,
        Effect::Read,
        |me, arguments| page(me, arguments, Direction::After),
    ),
    form(
        &[],
        &[
            key("paginate", Cast::Identifier),
            key("before", Cast::Any),
            optional("ts", Cast::TransactionTimestamp),
            optional("size", Cast::Integer),
            optional("events", Cast::Boolean),
            optional("sources", Cast::Boolean),
        ],
        TextRule::WireOnly,
        Effect::Read,
        |me, arguments| page(me, arguments, Direction::Before),
    ),
    form(
        &[],
        &[
            key("paginate", Cast::Identifier),
            key("cursor", Cast::Any),
            optional("ts", Cast::TransactionTimestamp),
            optional("size", Cast::Integer),
            optional("events", Cast::Boolean),
            optional("sources", Cast::Boolean),
        ],
        TextRule::WireOnly,
        Effect::Read,
        |me, arguments| page(me, arguments, Direction::Cursor),
    ),
];

/// What the second key says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    After,
    Before,
    Cursor,
}

fn page(me: &mut Evaluator, arguments: Arguments, direction: Direction) -> Result {
    let mut set = match arguments.value(0) {
        Value::Ref(reference) => Arc::new(Set::Document(reference)),
        _ => arguments.set(0)?,
    };
    let events = arguments.get(4).is_some() && arguments.boolean(4)?;
    if events && !shape(me, &set)?.is_historical {
        set = Arc::new(Set::Events(set));
    }
    let place = arguments.at(1);
    let (cursor, forward) = match (arguments.get(1), direction) {
        (None, _) => (None, true),
        (Some(value), Direction::Cursor) => cursor::parse_object(me, &set, value, &place)?,
        (Some(value), Direction::After | Direction::Before) => {
            let cursor = cursor::parse(me, &set, value, true, &place)?;
            (Some(cursor), direction == Direction::After)
        }
    };
    let asked = Asked {
        cursor,
        forward,
        size: arguments.optional_integer(3)?,
        sources: arguments.get(5).is_some() && arguments.boolean(5)?,
    };
    let (form, key) = (arguments.place().clone(), arguments.at(0));
    let page = me.reading_as_told(arguments.get(2), |me| {
        paginate(me, &set, &asked, &form, &key)
    })?;
    me.made(Value::Page(Arc::new(page)))
}
