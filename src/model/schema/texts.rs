//! Source texts in definitions: parsing, and what is wrong with them when they are written.

use super::text::Parsed;
use crate::fql::syntax::{Source, ast};
use std::sync::Arc;

/// Parses a lambda.
pub fn parse_lambda(_source: &Arc<Source>) -> Parsed<ast::Lambda> {
    Err(Vec::new())
}

/// Parses an expression.
pub fn parse_expr(_source: &Arc<Source>) -> Parsed<ast::Expr> {
    Err(Vec::new())
}

/// Parses a type, which may have defaults in object types.
pub fn parse_type(_source: &Arc<Source>) -> Parsed<ast::TypeExpr> {
    Err(Vec::new())
}

/// What is wrong with a type expression; `name` is what diagnostics call it.
pub fn signature_fault(_name: &str, _text: &str) -> Option<String> {
    None
}

/// What is wrong with a field's type, which may have defaults.
pub fn schema_type_fault(_name: &str, _text: &str) -> Option<String> {
    None
}

/// What is wrong with an expression.
pub fn expression_fault(_name: &str, _text: &str) -> Option<String> {
    None
}

/// What is wrong with a lambda of `min..=max` parameters.
pub fn lambda_fault(_name: &str, _text: &str, _min: u8, _max: u8, _short: bool) -> Option<String> {
    None
}
