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
    to_wire_with(text, &|_| None)
}

/// The same for a text that may use names of values: `known` gives what they stand for on the wire.
pub fn to_wire_with(text: &str, known: &dyn Fn(&str) -> Option<Json>) -> Result<Json, TextError> {
    // Twice as deep as any query that runs; the parser and the tree's walk recurse as deep as a text nests.
    stacker::maybe_grow(STACK, STACK, || {
        let tree = parse::query(text)?;
        wire::query(&tree, known)
    })
}

/// Several queries as one, whose value is that of the last: `Do(first, second)`.
pub fn sequence(queries: Vec<Json>) -> Json {
    serde_json::json!({ "do": queries })
}

/// A value as it was answered, as it is sent in a query: plain objects become `object`, special values pass as they are.
pub fn quoted(value: &Json) -> Json {
    match value {
        Json::Array(elements) => elements.iter().map(quoted).collect(),
        Json::Object(fields) => {
            let (fields, special) = match (fields.iter().next(), fields.len()) {
                (Some((tag, Json::Object(inner))), 1) if tag == "@obj" => (inner, false),
                (Some((tag, _)), 1) => (fields, tag.starts_with('@')),
                (_, _) => (fields, false),
            };
            if special {
                return value.clone();
            }
            let fields = fields
                .iter()
                .map(|(name, value)| (name.clone(), quoted(value)));
            serde_json::json!({ "object": fields.collect::<serde_json::Map<_, _>>() })
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => value.clone(),
    }
}

/// Room on the native stack for a text that nests as deep as one may.
const STACK: usize = 64 * 1024 * 1024;
