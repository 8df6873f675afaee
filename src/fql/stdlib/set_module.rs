//! `Set`, the module, and set cursors (`spec fql10-data 5.1, 5.6`).

use crate::fql::interp::{Effect, Failure, Interp, Member, MemberKind, Result, Shape};
use crate::value::{Plan, Set, Value};
use std::sync::Arc;

const fn function(
    name: &'static str,
    overloads: &'static [&'static str],
    call: fn(&mut Interp, &Value, &[Value]) -> Result,
    about: &'static str,
    example: &'static str,
) -> Member {
    Member {
        name,
        kind: MemberKind::Method { overloads, call },
        effect: Effect::Pure,
        about,
        example,
    }
}

/// Functions of the module `Set`.
pub static SET_MODULE: Shape = Shape {
    name: "SetModule",
    alias: None,
    about: "Making sets, and going on with one at a cursor.",
    members: &[
        function(
            "single",
            &["(element: A) => Set<A>"],
            |_, _, args| {
                Ok(made(Plan::Single(
                    args.first().cloned().unwrap_or(Value::NULL),
                )))
            },
            "A set of one element.",
            "Set.single(1).toArray()",
        ),
        function(
            "sequence",
            &["(from: Int, until: Int) => Set<Number>"],
            |_, _, args| {
                let bound = |n: usize| args.get(n).and_then(Value::as_i64).unwrap_or(0);
                Ok(made(Plan::Sequence(bound(0), bound(1))))
            },
            "The integers from the first, up to but not including the second.",
            "Set.sequence(1, 4).toArray()",
        ),
        function(
            "paginate",
            &[
                "(cursor: String | SetCursor) => { data: Array<Any>, after: String | Null }",
                "(cursor: String | SetCursor, size: Int) => { data: Array<Any>, after: String | Null }",
            ],
            paginate,
            "The page at a cursor, as of the time the cursor was made.",
            "Set.paginate(Set.sequence(0, 40).paginate(2).after!).data",
        ),
    ],
};

/// Members of cursors.
pub static SET_CURSOR: Shape = Shape {
    name: "SetCursor",
    alias: None,
    about: "A position in a set: what `after` of a page holds.",
    members: &[function(
        "toString",
        &["() => String"],
        |me, this, _| match this {
            Value::Cursor(cursor) => me.cursor_token(cursor, None).map(Value::String),
            other => Err(Failure::type_mismatch("SetCursor", other)),
        },
        "The cursor as text.",
        "",
    )],
};

fn made(plan: Plan) -> Value {
    Value::Set(Arc::new(Set::new(plan)))
}

fn paginate(me: &mut Interp, _: &Value, args: &[Value]) -> Result {
    // A bad size is told before a bad cursor.
    let size = match args.get(1) {
        Some(size) => Some(me.page_size(size.as_i64().unwrap_or(0))?),
        None => None,
    };
    match args.first() {
        Some(Value::Cursor(cursor)) => me.paginate_at(cursor, size),
        Some(Value::String(token)) => {
            let cursor = me.cursor(token)?;
            me.paginate_at(&cursor, size)
        }
        other => Err(Failure::argument_type(
            "cursor",
            "String",
            other.unwrap_or(&Value::NULL),
        )),
    }
}
