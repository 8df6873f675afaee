//! FQL v4 as people type it, and the wire form it stands for.
//!
//! ```text
//! text ─▶ statements ─▶ syntax tree ─▶ wire JSON
//!          script         parse          wire
//! ```
//!
//! A text is the subset of JavaScript that calls of the driver's query functions need (`spec fql4 1`). What such a text
//! means is decided twice in the original: by the driver on the client's side, which is this room, and by the server, which
//! gets the wire form. So errors of this room ([`TextError`]) are told like a client's, and nothing has been run.
//!
//! Which functions there are, and how their arguments become keys, stands in the table of forms alone
//! ([`crate::fql4::forms`]).

mod error;
mod grammar;
mod lexer;
mod literal;
mod parse;
mod script;
mod syntax;
mod wire;

#[cfg(test)]
mod tests;

pub use error::{ErrorKind, TextError};
pub use lexer::tokens;
pub use script::{Script, completeness, split_statements};

use serde_json::Value as Json;

/// The wire form of a text that holds one query.
///
/// ```
/// let wire = fql::fql4::text::to_wire("Map([1, 2], x => Add(x, 1))").unwrap();
/// assert_eq!(
///     wire.to_string(),
///     r#"{"map":{"lambda":"x","expr":{"add":[{"var":"x"},1]}},"collection":[1,2]}"#
/// );
/// ```
pub fn to_wire(text: &str) -> Result<Json, TextError> {
    // Twice as deep as any query that runs; the parser and the tree's walk recurse as deep as a text nests.
    stacker::maybe_grow(STACK, STACK, || {
        let tree = parse::query(text)?;
        wire::query(&tree)
    })
}

/// Room on the native stack for a text that nests as deep as one may.
const STACK: usize = 64 * 1024 * 1024;
