//! `EventSource<A>`: sets whose changes are told (`spec fql10-data 9`).

use crate::fql::interp::{Effect, Failure, Interp, Member, MemberKind, Result, Shape};
use crate::value::{EventSource, Set, Value};
use std::sync::Arc;

const fn method(
    name: &'static str,
    overloads: &'static [&'static str],
    call: fn(&mut Interp, &Value, &[Value]) -> Result,
    about: &'static str,
) -> Member {
    Member {
        name,
        kind: MemberKind::Method { overloads, call },
        effect: Effect::Pure,
        about,
        example: "",
    }
}

/// Members of event sources.
pub static EVENT_SOURCE: Shape = Shape {
    name: "EventSource<A>",
    alias: None,
    about: "A source of events about changes of a set.",
    members: &[
        method(
            "toString",
            &["() => String"],
            |_, _, _| Ok(Value::string("[event source]")),
            "A fixed text; the token is how it is rendered.",
        ),
        method(
            "map",
            &["(mapper: A => B) => EventSource<B>"],
            |me, this, args| {
                let source = source(this)?;
                let set = me.map_set(&source.set, args.first().unwrap_or(&Value::NULL))?;
                Ok(over(source, set))
            },
            "What the mapper makes of each event's document.",
        ),
        method(
            "where",
            &["(predicate: A => Boolean | Null) => EventSource<A>"],
            |me, this, args| {
                let source = source(this)?;
                let set = me.where_set(&source.set, args.first().unwrap_or(&Value::NULL))?;
                Ok(over(source, set))
            },
            "Events of the documents for which the predicate holds.",
        ),
    ],
};

/// The older name of the type.
pub static STREAM: Shape = Shape {
    name: "Stream<A>",
    alias: Some("EventSource<A>"),
    about: "The older name of event sources.",
    members: &[],
};

fn source(this: &Value) -> Result<&EventSource> {
    match this {
        Value::EventSource(source) => Ok(source),
        other => Err(Failure::type_mismatch("EventSource<Any>", other)),
    }
}

fn over(source: &EventSource, set: Set) -> Value {
    let (watched, since) = (source.watched.clone(), source.since);
    Value::EventSource(Arc::new(EventSource {
        set: Arc::new(set),
        watched,
        since,
    }))
}
