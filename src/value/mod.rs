//! Values: what expressions yield (`spec fql10-language 3`).
//!
//! This room holds the kinds of values, their equality and order, their text forms, and their byte
//! codecs. It uses only the syntax tree (a lambda is a value) and knows neither storage nor evaluation.

mod kind;
pub mod number;
mod set;
pub mod time;

pub use kind::*;
pub use set::*;
