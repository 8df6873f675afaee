//! Source texts inside definitions: expressions, lambdas and types that are parsed when first used.
//!
//! A process that opens a database with a thousand functions parses the few it calls.

use crate::fql::syntax::{Source, ast};
use std::sync::{Arc, OnceLock};

/// A lambda's text: a function body, a computed field, a check, a predicate.
#[derive(Debug)]
pub struct LambdaText {
    /// The text, named as diagnostics show it (`*udf:NAME*`, `*computed_field:COLL:FIELD*` ...).
    pub source: Arc<Source>,
    parsed: OnceLock<Option<Arc<ast::Lambda>>>,
}

/// An expression's text: a default.
#[derive(Debug)]
pub struct ExprText {
    /// The text, named as diagnostics show it.
    pub source: Arc<Source>,
    parsed: OnceLock<Option<Arc<ast::Expr>>>,
}

/// A type's text: a signature.
#[derive(Debug)]
pub struct TypeText {
    /// The text, named as diagnostics show it.
    pub source: Arc<Source>,
    parsed: OnceLock<Option<Arc<ast::TypeExpr>>>,
}

macro_rules! lazy_text {
    ($name:ident, $node:ty, $what:literal) => {
        impl $name {
            /// The text `text`, which diagnostics call `name`.
            pub fn new(name: impl Into<String>, text: impl Into<Arc<str>>) -> $name {
                $name { source: Source::new(name, text), parsed: OnceLock::new() }
            }

            /// The text itself.
            pub fn text(&self) -> &str {
                self.source.text.as_deref().unwrap_or_default()
            }

            #[doc = concat!("The ", $what, ", parsed by `parse` the first time; `None` if the text does not parse (definitions are checked when written).")]
            pub fn parsed_with(&self, parse: impl FnOnce(&Arc<Source>) -> Option<Arc<$node>>) -> Option<&Arc<$node>> {
                self.parsed.get_or_init(|| parse(&self.source)).as_ref()
            }
        }
    };
}

lazy_text!(LambdaText, ast::Lambda, "lambda");
lazy_text!(ExprText, ast::Expr, "expression");
lazy_text!(TypeText, ast::TypeExpr, "type");
