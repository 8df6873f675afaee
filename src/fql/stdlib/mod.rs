//! The standard library: one file per type or module, each exporting the [`Shape`]s it declares.
//!
//! A declaration is the only place where a function's name, signature, effect, description and
//! example stand; see [`crate::fql::interp::library`].

use crate::fql::interp::{Global, Library, Shape};

/// Every shape of the language.
pub fn shapes() -> Vec<&'static Shape> {
    Vec::new()
}

/// Every global name.
pub static GLOBALS: &[Global] = &[];

/// The whole function table.
pub fn library() -> Library {
    Library::new(shapes(), GLOBALS)
}
