//! Text → tree. The grammar lives in `grammar/fql.pest`; this room turns its pairs into the
//! [`ast`], words parse errors as [`Diagnostic`]s and renders them with source excerpts.
//!
//! It knows nothing of values, storage or fronts.

pub mod ast;
mod diagnostic;
mod source;

pub use diagnostic::{Diagnostic, Hint, Severity, Suggestion};
pub use source::{Location, Source, Span};
