//! The methods of collections that make sets: `all`, `where`, `firstWhere`, and index calls (`spec fql10-data 2, 6`).
//!
//! Native collections have the first three as well; their shapes name the element type, see [`all`] and its kin.

use crate::fql::interp::{Effect, Failure, Interp, Member, MemberKind, Result, Shape};
use crate::value::{CollId, INDEX_METHOD, Module, Set, Value};
use std::sync::Arc;

/// `C.all()`, `C.all(range)` with these signatures: `() => Set<T>` and
/// `(range: { from: Any } | { to: Any } | { from: Any, to: Any }) => Set<T>`.
pub const fn all(overloads: &'static [&'static str]) -> Member {
    Member {
        name: "all",
        kind: MemberKind::Method {
            overloads,
            call: all_documents,
        },
        effect: Effect::Read,
        about: "All documents, by id, or those between two ids.",
        example: "",
    }
}

/// `C.where(pred)` with this signature: `(pred: T => Boolean) => Set<T>`.
pub const fn where_(overloads: &'static [&'static str]) -> Member {
    Member {
        name: "where",
        kind: MemberKind::Method {
            overloads,
            call: where_documents,
        },
        effect: Effect::Read,
        about: "The documents for which the predicate holds; looks at every document.",
        example: "",
    }
}

/// `C.firstWhere(pred)` with this signature: `(pred: T => Boolean) => T | Null`.
pub const fn first_where(overloads: &'static [&'static str]) -> Member {
    Member {
        name: "firstWhere",
        kind: MemberKind::Method {
            overloads,
            call: first_document_where,
        },
        effect: Effect::Read,
        about: "The first document for which the predicate holds, or null.",
        example: "",
    }
}

/// What user-defined collections read sets with.
pub static COLLECTION_SETS: Shape = Shape {
    name: "UserCollection",
    alias: None,
    about: "A user-defined collection.",
    members: &[
        all(&[
            "() => Set<Any>",
            "(range: { from: Any } | { to: Any } | { from: Any, to: Any }) => Set<Any>",
        ]),
        where_(&["(pred: Any => Boolean) => Set<Any>"]),
        first_where(&["(pred: Any => Boolean) => Any"]),
        // Every index is this method, with its own name.
        Member {
            name: INDEX_METHOD,
            kind: MemberKind::Method {
                overloads: &["(arguments: ...Any) => Set<Any>"],
                call: call_index,
            },
            effect: Effect::Pure,
            about: "The documents with these terms, in the order of the index's values, all or a range of them.",
            example: "",
        },
    ],
};

fn call_index(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    me.call_index(this, args)
}

fn collection(this: &Value) -> Result<CollId> {
    match this {
        Value::Module(Module::Collection { id, .. }) => Ok(*id),
        other => Err(Failure::type_mismatch("Collection", other)),
    }
}

fn all_documents(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let range = match args.first() {
        Some(range) => me.id_range(range)?,
        None => (None, None),
    };
    Ok(Value::Set(Arc::new(
        me.all_documents(collection(this)?, range),
    )))
}

fn filtered(me: &mut Interp, this: &Value, args: &[Value], method: &str) -> Result<Set> {
    let coll = collection(this)?;
    me.hint_collection_scan(coll, method);
    let all = me.all_documents(coll, (None, None));
    me.where_set(&Arc::new(all), args.first().unwrap_or(&Value::NULL))
}

fn where_documents(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    Ok(Value::Set(Arc::new(filtered(me, this, args, "where")?)))
}

fn first_document_where(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let set = filtered(me, this, args, "firstWhere")?;
    me.set_first(&Arc::new(set))
}
