//! Values: what expressions yield (`spec fql10-language 3`).
//!
//! This room holds the kinds of values, their equality and order, their text forms, and their byte
//! codecs. It uses only the syntax tree (a lambda is a value) and knows neither storage nor evaluation.

pub mod casefold;
pub mod codec;
pub mod decode;
pub mod format;
mod items;
pub mod key;
mod kind;
pub mod number;
mod object;
pub mod order;
mod parts;
pub mod rendered;
mod set;
#[cfg(test)]
pub(crate) mod testing;
pub mod text;
pub mod time;

pub use items::Items;
pub use kind::*;
pub use parts::{has_at_most, is_deeper_than};
pub use set::*;

/// Runs a step of a recursion over nested values, on a grown stack if need be.
pub(crate) fn deep<R>(step: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(64 * 1024, 1024 * 1024, step)
}
