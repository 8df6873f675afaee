//! Text → tree. The grammar lives in `grammar/fql.pest` and, for schema files, `grammar/fsl.pest`; this room turns its pairs into the
//! [`ast`], words parse errors as [`Diagnostic`]s and renders them with source excerpts.
//!
//! It knows nothing of values, storage or fronts.

pub mod ast;
mod build;
mod diagnostic;
mod format;
mod grammar;
mod lexer;
mod nesting;
pub mod node;
mod parse;
mod render;
mod script;
mod skeleton;
mod source;
mod visit;

pub use diagnostic::{Diagnostic, Hint, Severity, Suggestion};
pub use format::{
    format_expr, format_key, format_lambda, format_query, format_string, format_type,
    format_type_scheme, write_escaped,
};
pub use lexer::{TokenKind, tokens};
pub use parse::{
    PathSegment, parse_expr, parse_lambda, parse_path, parse_predicate_lambda, parse_query,
    parse_schema, parse_schema_type, parse_type, parse_type_scheme, path_of,
};
pub use render::{Part, Plain, Style, place, render_all, render_all_with, render_lines};
pub use script::{Completeness, ScriptItem, ScriptItemKind, is_complete, split_queries};
pub use skeleton::{Pattern, Skeleton};
pub use source::{Location, Source, Span};

#[cfg(test)]
pub(crate) use skeleton::tests as skeleton_tests;
#[cfg(test)]
mod tests;
