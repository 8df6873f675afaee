//! Global names (`spec fql10-stdlib 9, 11`): functions, modules, native collections.

use super::{method, method_with, value};
use crate::fql::interp::{Effect, Failure, Global, GlobalKind, Interp, Result, Shape};
use crate::fql::syntax::{Diagnostic, Severity};
use crate::model::native;
use crate::value::{CollId, Object, Value};

/// Shapes of modules that no type of values belongs to.
pub(super) static SHAPES: &[&Shape] = &[
    &Shape {
        name: "SetCursorModule",
        alias: None,
        about: "The type of set cursors, for `isa`.",
        members: &[],
    },
    &Shape {
        name: "EventSourceModule",
        alias: None,
        about: "The type of event sources, for `isa`.",
        members: &[],
    },
];

/// Every global name.
pub static GLOBALS: &[Global] = &[
    function(
        "log",
        method(
            "log",
            &["(args: ...Any) => Null"],
            log,
            "Writes a line to the summary.",
            "log('hello', 1)",
        ),
    ),
    function(
        "dbg",
        method(
            "dbg",
            &["(value: A) => A"],
            dbg,
            "Writes a value and its place to the summary, and yields it.",
            "dbg(1 + 1)",
        ),
    ),
    function(
        "asc",
        method(
            "asc",
            &["(accessor: A => Any) => { asc: A => Any }"],
            asc,
            "Sorts by a key, smallest first.",
            "[3, 1].order(asc(x => x))",
        ),
    ),
    function(
        "desc",
        method(
            "desc",
            &["(accessor: A => Any) => { desc: A => Any }"],
            desc,
            "Sorts by a key, largest first.",
            "[1, 3].order(desc(x => x))",
        ),
    ),
    function(
        "newId",
        method_with(
            Effect::Observation,
            "newId",
            &["() => ID"],
            new_id,
            "A new unique ID.",
            "newId()",
        ),
    ),
    function(
        "abort",
        method(
            "abort",
            &["(return: Any) => Never"],
            abort,
            "Ends the query with an error that carries a value; nothing is written.",
            "if (false) abort('stop')",
        ),
    ),
    module("Array", "ArrayModule"),
    module("Boolean", "BooleanModule"),
    module("Bytes", "BytesModule"),
    module("Date", "DateModule"),
    module("ID", "IDModule"),
    module("Doc", "DocModule"),
    module("Math", "MathModule"),
    module("Null", "NullModule"),
    module("Number", "NumberModule"),
    module("Int", "IntModule"),
    module("Long", "LongModule"),
    module("Double", "DoubleModule"),
    module("Float", "FloatModule"),
    module("Object", "ObjectModule"),
    module("Set", "SetModule"),
    module("SetCursor", "SetCursorModule"),
    module("EventSource", "EventSourceModule"),
    module("String", "StringModule"),
    module("Struct", "StructModule"),
    module("Time", "TimeModule"),
    module("TransactionTime", "TransactionTimeModule"),
    module("UUID", "UUIDModule"),
    module("Query", "QueryModule"),
    collection("Collection", native::COLLECTION, "CollectionCollection"),
    collection("Function", native::FUNCTION, "FunctionCollection"),
    collection("Role", native::ROLE, "RoleCollection"),
    collection(
        "AccessProvider",
        native::ACCESS_PROVIDER,
        "AccessProviderCollection",
    ),
    collection("Database", native::DATABASE, "DatabaseCollection"),
    collection("Key", native::KEY, "KeyCollection"),
    collection("Credential", native::CREDENTIAL, "CredentialCollection"),
    collection("Token", native::TOKEN, "TokenCollection"),
    collection("Credentials", native::CREDENTIAL, "CredentialCollection"),
    module("FQL", "FQLModule"),
];

const fn function(name: &'static str, member: crate::fql::interp::Member) -> Global {
    Global {
        name,
        kind: GlobalKind::Function(member),
    }
}

const fn module(name: &'static str, shape: &'static str) -> Global {
    Global {
        name,
        kind: GlobalKind::Module(shape),
    }
}

const fn collection(name: &'static str, id: CollId, shape: &'static str) -> Global {
    Global {
        name,
        kind: GlobalKind::Collection(id, shape),
    }
}

fn note(me: &mut Interp, severity: Severity, message: String) {
    let location = me.frame().cloned();
    me.log.push(Diagnostic {
        severity,
        message,
        location,
        annotation: None,
        hints: Vec::new(),
    });
}

fn log(me: &mut Interp, _: &Value, args: &[Value]) -> Result {
    let mut text = String::new();
    for (i, arg) in args.iter().enumerate() {
        if i > 0 {
            text.push(' ');
        }
        text.push_str(&me.display(arg)?);
    }
    me.check_string(&text)?;
    me.note_logged(&text)?;
    note(me, Severity::Log, text);
    Ok(me.nothing())
}

fn dbg(me: &mut Interp, _: &Value, args: &[Value]) -> Result {
    let text = me.debug(value(args, 0))?;
    me.note_logged(&text)?;
    note(me, Severity::Info, text);
    Ok(value(args, 0).clone())
}

fn asc(me: &mut Interp, _: &Value, args: &[Value]) -> Result {
    ordering(me, "asc", value(args, 0))
}

fn desc(me: &mut Interp, _: &Value, args: &[Value]) -> Result {
    ordering(me, "desc", value(args, 0))
}

fn ordering(me: &mut Interp, direction: &str, accessor: &Value) -> Result {
    me.check_callback("accessor", accessor, 1)?;
    let mut object = Object::new();
    object.insert(direction, accessor.clone());
    Ok(Value::object(object))
}

fn new_id(me: &mut Interp, _: &Value, _: &[Value]) -> Result {
    Ok(Value::Id(me.txn.model().new_id().0))
}

fn abort(_: &mut Interp, _: &Value, args: &[Value]) -> Result {
    let mut failure = Failure::new("abort", "Query aborted.");
    if let Some(query) = failure.query_mut() {
        query.abort = Some(value(args, 0).clone());
    }
    Err(failure)
}
