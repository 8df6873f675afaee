//! The standard library: one file per type or module, each exporting the [`Shape`]s it declares.
//!
//! A declaration is the only place where a function's name, signature, effect, description and
//! example stand; see [`crate::fql::interp::library`]. The functions themselves are short and
//! leave the work to pure helpers, here or in `value`. Arguments arrive converted and counted, so the
//! readers at the end of this file never fail on what a signature admits.

mod array;
mod array_order;
mod array_search;
mod boolean;
mod bytes;
pub mod collection_sets;
mod date;
pub mod definitions;
pub mod document;
pub mod event_source;
mod fql_module;
mod function;
mod globals;
mod id;
pub mod keys;
mod math;
mod missing;
mod null;
mod number;
mod object;
mod query;
pub mod set;
pub mod set_module;
mod string;
mod string_number;
mod string_regex;
mod string_replace;
mod time;
mod transaction_time;
mod uuid;

pub use globals::GLOBALS;
pub(crate) use string_number::decimal_digit;

use crate::fql::interp::{
    Effect, Failure, Interp, Library, MAX_STRING, Member, MemberKind, Result, Shape,
};
use crate::value::{Items, NullReason, Value};
use std::sync::Arc;

/// Elements of an array that a function makes.
const MAX_ARRAY: usize = 4 * 1024 * 1024;

/// Every shape of the language.
pub fn shapes() -> Vec<&'static Shape> {
    let mut shapes: Vec<&'static Shape> = Vec::new();
    for group in [
        null::SHAPES,
        boolean::SHAPES,
        number::SHAPES,
        string::SHAPES,
        id::SHAPES,
        time::SHAPES,
        date::SHAPES,
        bytes::SHAPES,
        uuid::SHAPES,
        transaction_time::SHAPES,
        array::SHAPES,
        &[
            &set::SET,
            &event_source::EVENT_SOURCE,
            &event_source::STREAM,
        ],
        object::SHAPES,
        function::SHAPES,
        math::SHAPES,
        &[
            &set_module::SET_MODULE,
            &set_module::SET_CURSOR,
            &collection_sets::COLLECTION_SETS,
        ],
        query::SHAPES,
        fql_module::SHAPES,
        document::SHAPES,
        definitions::SHAPES,
        keys::SHAPES,
        globals::SHAPES,
    ] {
        shapes.extend(group);
    }
    shapes.extend(&missing::SHAPES);
    shapes
}

/// The whole function table.
pub fn library() -> Library {
    Library::new(shapes(), GLOBALS)
}

type Call = fn(&mut Interp, &Value, &[Value]) -> Result;
type Get = fn(&mut Interp, &Value) -> Result;

/// A pure function.
const fn method(
    name: &'static str,
    overloads: &'static [&'static str],
    call: Call,
    about: &'static str,
    example: &'static str,
) -> Member {
    method_with(Effect::Pure, name, overloads, call, about, example)
}

/// A function with an effect.
const fn method_with(
    effect: Effect,
    name: &'static str,
    overloads: &'static [&'static str],
    call: Call,
    about: &'static str,
    example: &'static str,
) -> Member {
    Member {
        name,
        kind: MemberKind::Method { overloads, call },
        effect,
        about,
        example,
    }
}

/// A field that is computed from the receiver alone.
const fn field(
    name: &'static str,
    ty: &'static str,
    get: Get,
    about: &'static str,
    example: &'static str,
) -> Member {
    Member {
        name,
        kind: MemberKind::Field { ty, get },
        effect: Effect::Pure,
        about,
        example,
    }
}

/// A member that the evaluator answers itself; declared for types and help.
const fn known(
    name: &'static str,
    types: &'static [&'static str],
    about: &'static str,
    example: &'static str,
) -> Member {
    Member {
        name,
        kind: MemberKind::Static { types },
        effect: Effect::Pure,
        about,
        example,
    }
}

/// `toString` of every type that has it.
const fn to_string(example: &'static str) -> Member {
    method(
        "toString",
        &["() => String"],
        display,
        "The value as text.",
        example,
    )
}

fn display(me: &mut Interp, this: &Value, _: &[Value]) -> Result {
    me.display(this).map(Value::string)
}

/// The string receiver or argument; empty for any other kind, which conversion excludes.
fn text(value: Option<&Value>) -> &str {
    match value {
        Some(Value::String(text)) => text,
        _ => "",
    }
}

/// The integer argument; 0 for any other kind, which conversion excludes.
fn int(value: Option<&Value>) -> i64 {
    value.and_then(Value::as_i64).unwrap_or(0)
}

/// The elements of an array; none for any other kind, which conversion excludes.
fn items(value: Option<&Value>) -> &Arc<Items> {
    static EMPTY: std::sync::LazyLock<Arc<Items>> = std::sync::LazyLock::new(Arc::default);
    match value {
        Some(Value::Array(items)) => items,
        _ => &EMPTY,
    }
}

/// The argument; null if it was left out.
fn value(args: &[Value], index: usize) -> &Value {
    static NULL: Value = Value::NULL;
    args.get(index).unwrap_or(&NULL)
}

/// Null because nothing was found.
fn nothing_found(me: &Interp) -> Value {
    me.null(NullReason::NoSuchElement("no element found"))
}

/// `index I out of bounds for length L`
fn out_of_bounds(index: i64, length: usize) -> Failure {
    let message = format!("index {index} out of bounds for length {length}");
    Failure::new("index_out_of_bounds", message)
}

/// UTF-16 units, which limits count.
fn units(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.chars().map(char::len_utf16).sum()
    }
}

/// Fails if a string of so many units would be too large.
fn check_units(units: usize) -> Result<()> {
    if units > MAX_STRING {
        return Err(Failure::too_large(format!(
            "string size {units} exceeds limit {MAX_STRING}"
        )));
    }
    Ok(())
}

/// Before an array of so many elements is made: fails if they are too many.
fn check_elements(me: &mut Interp, count: usize) -> Result<()> {
    if count > MAX_ARRAY {
        return Err(Failure::too_large(format!(
            "array size {count} exceeds limit {MAX_ARRAY}"
        )));
    }
    me.work(count as u64)
}
