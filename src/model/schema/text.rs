//! Source texts inside definitions: expressions, lambdas and types that are parsed when first used.
//!
//! A process that opens a database with a thousand functions parses the few it calls.

use super::field_type::FieldType;
use super::{texts, types};
use crate::fql::syntax::{Diagnostic, Source, ast};
use std::sync::{Arc, OnceLock};

/// What parsing a stored text yields.
pub type Parsed<T> = Result<Arc<T>, Vec<Diagnostic>>;

/// A lambda's text: a function body, a computed field, a check, a predicate.
#[derive(Debug)]
pub struct LambdaText {
    /// The text, named as diagnostics show it (`*udf:NAME*`, `*computed_field:COLL:FIELD*` ...).
    pub source: Arc<Source>,
    parsed: OnceLock<Parsed<ast::Lambda>>,
}

/// An expression's text: a default.
#[derive(Debug)]
pub struct ExprText {
    /// The text, named as diagnostics show it.
    pub source: Arc<Source>,
    parsed: OnceLock<Parsed<ast::Expr>>,
}

/// A type's text: a signature.
#[derive(Debug)]
pub struct TypeText {
    /// The text, named as diagnostics show it.
    pub source: Arc<Source>,
    parsed: OnceLock<Parsed<ast::TypeExpr>>,
    compiled: OnceLock<Option<FieldType>>,
    loose: OnceLock<Option<FieldType>>,
}

impl LambdaText {
    /// The text `text`, which diagnostics call `name`.
    pub fn new(name: impl Into<String>, text: impl Into<Arc<str>>) -> LambdaText {
        LambdaText {
            source: Source::new(name, text),
            parsed: OnceLock::new(),
        }
    }

    /// The text itself.
    pub fn text(&self) -> &str {
        self.source.text.as_deref().unwrap_or_default()
    }

    /// The lambda, parsed the first time.
    pub fn lambda(&self) -> Result<&Arc<ast::Lambda>, &[Diagnostic]> {
        self.parsed
            .get_or_init(|| texts::parse_lambda(&self.source))
            .as_ref()
            .map_err(Vec::as_slice)
    }
}

impl ExprText {
    /// The text `text`, which diagnostics call `name`.
    pub fn new(name: impl Into<String>, text: impl Into<Arc<str>>) -> ExprText {
        ExprText {
            source: Source::new(name, text),
            parsed: OnceLock::new(),
        }
    }

    /// The text itself.
    pub fn text(&self) -> &str {
        self.source.text.as_deref().unwrap_or_default()
    }

    /// The expression, parsed the first time.
    pub fn expr(&self) -> Result<&Arc<ast::Expr>, &[Diagnostic]> {
        self.parsed
            .get_or_init(|| texts::parse_expr(&self.source))
            .as_ref()
            .map_err(Vec::as_slice)
    }
}

impl TypeText {
    /// The text `text`, which diagnostics call `name`.
    pub fn new(name: impl Into<String>, text: impl Into<Arc<str>>) -> TypeText {
        TypeText {
            source: Source::new(name, text),
            parsed: OnceLock::new(),
            compiled: OnceLock::new(),
            loose: OnceLock::new(),
        }
    }

    /// The text itself.
    pub fn text(&self) -> &str {
        self.source.text.as_deref().unwrap_or_default()
    }

    /// The type expression, parsed the first time.
    pub fn type_expr(&self) -> Result<&Arc<ast::TypeExpr>, &[Diagnostic]> {
        self.parsed
            .get_or_init(|| texts::parse_type(&self.source))
            .as_ref()
            .map_err(Vec::as_slice)
    }

    /// The same, with references to any document in place of those to certain collections: what migrations, which
    /// know no schema, tell values apart by.
    pub fn loose_type(&self) -> Option<&FieldType> {
        self.loose
            .get_or_init(|| self.field_type().map(FieldType::loosened))
            .as_ref()
    }

    /// The type as values are checked against it, nested defaults included; `None` if the text is no type. Any name
    /// that is not built in is taken for that of a collection.
    pub fn field_type(&self) -> Option<&FieldType> {
        let compile = || {
            let expr = self.type_expr().ok()?;
            let is_collection = |name: &str| !name.starts_with("Null") || name.len() == 4;
            Some(types::compile(expr, &self.source, &is_collection).ty)
        };
        self.compiled.get_or_init(compile).as_ref()
    }
}
