//! FQL v4: the query language that came before v10 (`spec fql4`).
//!
//! ```text
//! text ─▶ wire JSON ─▶ Expression ─▶ evaluated in a transaction ─▶ Value ─▶ wire JSON ─▶ printed
//!          read::Json   read::query   eval, functions, sets                 render
//! ```
//!
//! - `text`: what people type, and its wire form
//! - `read`: the wire form and its errors; `expression`: what it becomes; `place`: positions of errors
//! - `forms`: the table of functions, declared in `functions` by family
//! - `eval`: the evaluator; casts; lambdas; paths
//! - `value`, `kind`, `order`, `render`: values, the names of their kinds, how they compare, how they are shown
//! - `sets`, `refs`: sets and references; `documents`: what is read and written; `interop`: the other language
//! - `print`: results as the original shell prints them
//!
//! It runs in an [`crate::fql::interp::Interp`], which has the transaction, the rights and the writes of both languages.

pub mod documents;
pub mod error;
pub mod eval;
pub mod expression;
pub mod forms;
pub mod functions;
pub mod interop;
pub mod kind;
pub mod lambda;
pub mod names;
pub mod order;
pub mod place;
pub mod print;
pub mod read;
pub mod refs;
pub mod render;
pub mod sets;
pub mod stored;
pub mod text;
pub mod value;
pub mod version;

pub use value::Value;

#[cfg(test)]
mod tests;
