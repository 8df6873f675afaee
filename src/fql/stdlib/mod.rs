//! The standard library: one file per type or module, each exporting the [`Shape`]s it declares.
//!
//! A declaration is the only place where a function's name, signature, effect, description and
//! example stand; see [`crate::fql::interp::library`].

pub mod collection_sets;
pub mod event_source;
pub mod set;
pub mod set_module;

use crate::fql::interp::{Global, Library, Shape};

/// Every shape of the language.
pub fn shapes() -> Vec<&'static Shape> {
    vec![
        &set::SET,
        &set_module::SET_MODULE,
        &set_module::SET_CURSOR,
        &event_source::EVENT_SOURCE,
        &event_source::STREAM,
        &collection_sets::COLLECTION_SETS,
    ]
}

/// Every global name.
pub static GLOBALS: &[Global] = &[Global {
    name: "Set",
    kind: crate::fql::interp::GlobalKind::Module("SetModule"),
}];

/// The whole function table.
pub fn library() -> Library {
    Library::new(shapes(), GLOBALS)
}
