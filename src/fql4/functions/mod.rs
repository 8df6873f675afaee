//! The functions of the language: one file per family, each with its declarations (`FORMS`).

mod array;
mod auth;
mod basic;
mod check;
mod convert;
mod format;
mod format_number;
mod format_time;
mod history;
mod logic;
mod number;
mod object;
mod page;
mod read;
mod reference;
mod regex;
mod schema;
mod set;
mod string;
mod time;
mod trig;
mod write;

pub use regex::check_pattern;
pub(super) use string::too_long;

use super::error::{Code, Error, Result};
use super::eval::{Arguments, Evaluator};
use super::forms::Form;

/// The declarations of all families, in the order of the reference.
pub const FAMILIES: &[&[Form]] = &[
    basic::FORMS,
    reference::FORMS,
    array::FORMS,
    object::FORMS,
    read::FORMS,
    write::FORMS,
    schema::FORMS,
    set::FORMS,
    page::FORMS,
    logic::FORMS,
    string::FORMS,
    regex::FORMS,
    format::FORMS,
    number::FORMS,
    trig::FORMS,
    time::FORMS,
    convert::FORMS,
    check::FORMS,
    auth::FORMS,
];

/// What a form answers that is declared and not built yet.
fn not_built(_: &mut Evaluator, arguments: Arguments) -> Result {
    let name = arguments
        .call()
        .form
        .keys
        .first()
        .map_or("", |key| key.name);
    let message = format!("The function '{name}' is not available yet.");
    Err(Error::new(Code::FeatureNotAvailable, arguments.place(), message).into())
}
