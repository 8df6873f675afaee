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
