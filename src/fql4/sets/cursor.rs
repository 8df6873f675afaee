//! Positions as queries give them: `after`, `before`, the bounds of `Range` (`spec fql4 6.8`).

use super::Set;
use super::element::{Bound, Edge, Term, Window};
use super::history::{Action, EventBound};
use super::shape::{Shape, shape};
use crate::fql4::error::{Collected, Error, Result};
use crate::fql4::eval::{Evaluator, Expected, undefined};
use crate::fql4::forms::Cast;
use crate::fql4::place::Place;
use crate::fql4::value::{Object, Value};
use crate::model::encode_term;
use crate::store::TxnTime;
use crate::value::{Doc, DocId, DocKey, Value as Stored};
use std::sync::Arc;

/// A position, and how it is shown.
#[derive(Clone, Debug)]
pub struct Cursor {
    /// As the page shows it.
    pub shown: Value,
    /// Where.
    pub at: Position,
}

/// Where.
#[derive(Clone, Debug)]
pub enum Position {
    /// Among elements.
    Element(Bound),
    /// Among events.
    Event(EventBound),
}

/// The position that a value means in a set. `is_floor` for what begins something, else it ends it.
pub fn parse(
    me: &mut Evaluator,
    set: &Set,
    value: &Value,
    is_floor: bool,
    place: &Place,
) -> Result<Cursor> {
    if let Value::Unresolved(name) = value {
        return Err(undefined(name, place).into());
    }
    let shape = shape(me, set)?;
    match shape.is_historical {
        true => event(me, value, place),
        false => Ok(element(me, &shape, value, is_floor)),
    }
}

/// The window of a range.
pub fn range(
    me: &mut Evaluator,
    set: &Set,
    from: &Value,
    to: &Value,
    place: &Place,
) -> Result<Window> {
    let mut bound = |value: &Value, is_floor| -> Result<Option<Bound>> {
        Ok(match parse(me, set, value, is_floor, place)?.at {
            Position::Element(bound) => Some(bound),
            Position::Event(_) => None,
        })
    };
    Ok(Window {
        lower: bound(from, true)?,
        upper: bound(to, false)?,
    })
}

/// A cursor object: `{after: ...}` or `{before: ...}`, or null; whether it goes forward.
pub fn parse_object(
    me: &mut Evaluator,
    set: &Set,
    value: &Value,
    place: &Place,
) -> Result<(Option<Cursor>, bool)> {
    let wrong = || {
        let message =
            "Invalid cursor object. Expected an object with either 'before' or 'after' key in it.";
        Err(Error::argument(place, message).into())
    };
    let object = match value {
        Value::Null => return Ok((None, true)),
        Value::Object(object) if object.len() == 1 => object,
        _ => return wrong(),
    };
    for (key, forward) in [("after", true), ("before", false)] {
        if let Some(value) = object.get(key) {
            let cursor = parse(me, set, value, true, &place.at(key))?;
            return Ok((Some(cursor), forward));
        }
    }
    wrong()
}

fn element(me: &mut Evaluator, shape: &Shape, value: &Value, is_floor: bool) -> Cursor {
    let value = match value {
        Value::Cursor(inner) => inner,
        other => other,
    };
    let items = match value {
        Value::Array(items) => items.to_vec(),
        one => vec![one.clone()],
    };
    let edge = if is_floor {
        Edge::Least
    } else {
        Edge::Greatest
    };
    let values = match shape.is_unknown() {
        true => items.len().saturating_sub(1),
        false => shape.reversed.len().saturating_sub(1),
    };
    let (values, document) = items.split_at(values.min(items.len()));
    let flags = shape
        .reversed
        .iter()
        .copied()
        .chain(std::iter::repeat(false));
    let values = values.iter().zip(flags).map(|(value, reverse)| Term {
        value: value.clone(),
        reverse,
    });
    let document = match document.first() {
        None => edge,
        Some(Value::Ref(document)) => Edge::At(document.coll, document.id),
        Some(other) => match is_after_references(me, other) {
            true => Edge::Greatest,
            false => Edge::Least,
        },
    };
    let bound = Bound {
        values: values.collect(),
        document,
    };
    Cursor {
        shown: Value::Cursor(Arc::new(Value::array(items))),
        at: Position::Element(bound),
    }
}

/// Whether a value sorts after references.
fn is_after_references(me: &Evaluator, value: &Value) -> bool {
    let scope = me.interp.txn.scope();
    let stored = crate::fql4::stored::to_stored(scope, value).unwrap_or(Stored::NULL);
    let least = Stored::Doc(Arc::new(Doc {
        coll: crate::value::CollId(0),
        key: DocKey::Id(DocId(i64::MIN)),
        at: None,
        deleted: false,
        named: false,
        cover: None,
    }));
    let codec = me.interp.txn.model().key_codec();
    let (mut a, mut b) = (Vec::new(), Vec::new());
    encode_term(codec, &stored, false, &mut a);
    encode_term(codec, &least, false, &mut b);
    a > b
}

fn event(me: &mut Evaluator, value: &Value, place: &Place) -> Result<Cursor> {
    let at = |micros: i64| EventBound {
        ts: TxnTime(micros),
        action: Action::Add,
        document: Edge::Least,
        values: Vec::new(),
        is_document_event: false,
    };
    let micros = |time: &crate::value::Time| match time.micros() {
        Some((micros, _)) => micros,
        None if time.secs < 0 => i64::MIN,
        None => i64::MAX,
    };
    let bound = match value {
        Value::Cursor(inner) => return event(me, inner, place),
        Value::Object(object) => event_object(me, object, place)?,
        Value::Event(event) => super::history::bound_of(event),
        Value::Long(ts) => at(*ts),
        Value::Time(time) => at(micros(time)),
        Value::Date(date) => at(date.0.saturating_mul(86_400_000_000)),
        Value::Null => at(i64::MAX),
        other => {
            let expected = Expected(&["Object", "Integer", "Time", "Date"]);
            return Err(expected.error(other, place).into());
        }
    };
    Ok(Cursor {
        shown: Value::Cursor(Arc::new(bound.shown(me))),
        at: Position::Event(bound),
    })
}

const EVENT_KEYS: [&[&str]; 8] = [
    &["ts"],
    &["action", "ts"],
    &["action", "resource", "ts"],
    &["action", "resource", "ts", "values"],
    &["action", "instance", "ts"],
    &["action", "document", "ts"],
    &["action", "data", "instance", "ts"],
    &["action", "data", "document", "ts"],
];

fn event_object(me: &mut Evaluator, object: &Object, place: &Place) -> Result<EventBound> {
    let mut keys: Vec<&str> = object.iter().map(|(key, _)| &**key).collect();
    keys.sort_unstable();
    if !EVENT_KEYS.contains(&&keys[..]) {
        let keys: Vec<&str> = object.iter().map(|(key, _)| &**key).collect();
        let message = format!("Cannot create event cursor with keys {}", keys.join(", "));
        return Err(Error::argument(place, message).into());
    }
    let mut collected = Collected::default();
    let ts = object.get("ts").cloned().unwrap_or(Value::Null);
    let ts = me.cast(ts, Cast::Integer, &place.at("ts"));
    let ts = collected.take(ts);
    let document = ["resource", "instance", "document"]
        .into_iter()
        .find_map(|key| Some((key, object.get(key)?)));
    let document = match document {
        None => None,
        Some((key, value)) => {
            let cast = me.cast(value.clone(), Cast::Ref, &place.at(key));
            collected.take(cast)
        }
    };
    let (action, is_document_event) = match object.get("action") {
        None => (Action::Add, false),
        Some(Value::Action(action)) => of_action(*action),
        Some(Value::String(name)) if &**name == "add" => (Action::Add, false),
        Some(Value::String(name)) if &**name == "remove" => (Action::Remove, false),
        Some(other) => {
            let cast = me.cast(other.clone(), Cast::DocumentAction, &place.at("action"));
            match collected.take(cast) {
                Some(Value::Action(action)) => of_action(action),
                _ => (Action::Add, false),
            }
        }
    };
    let values = match object.get("data").or_else(|| object.get("values")) {
        Some(Value::Array(items)) if !is_document_event => items.to_vec(),
        Some(other) if !is_document_event => vec![other.clone()],
        Some(_) | None => Vec::new(),
    };
    collected.finish(())?;
    Ok(EventBound {
        ts: TxnTime(match ts {
            Some(Value::Long(ts)) => ts,
            _ => 0,
        }),
        action,
        document: match document {
            Some(Value::Ref(document)) => Edge::At(document.coll, document.id),
            _ => Edge::Greatest,
        },
        values,
        is_document_event,
    })
}

fn of_action(action: Action) -> (Action, bool) {
    match action {
        Action::Add | Action::Remove => (action, false),
        Action::Create | Action::Update | Action::Delete => (action, true),
    }
}
