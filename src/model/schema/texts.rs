//! Source texts in definitions: parsing, and what is wrong with them when they are written.

use super::text::Parsed;
use crate::fql::syntax::{self, Diagnostic, Source, ast};
use std::sync::Arc;

/// Parses a lambda, short or not.
pub fn parse_lambda(source: &Arc<Source>) -> Parsed<ast::Lambda> {
    syntax::parse_predicate_lambda(source)
}

/// Parses an expression.
pub fn parse_expr(source: &Arc<Source>) -> Parsed<ast::Expr> {
    syntax::parse_expr(source).map(Arc::new)
}

/// Parses a type, which may have defaults in object types.
pub fn parse_type(source: &Arc<Source>) -> Parsed<ast::TypeExpr> {
    syntax::parse_schema_type(source).map(Arc::new)
}

/// What is wrong with a type expression; `name` is what diagnostics call it.
pub fn signature_fault(name: &str, text: &str) -> Option<String> {
    let faults = syntax::parse_type(&Source::new(name, text)).err()?;
    Some(format!(
        "Failed parsing user-provided signature.\n{}",
        rendered(&faults)
    ))
}

/// What is wrong with a field's type, which may have defaults.
pub fn schema_type_fault(name: &str, text: &str) -> Option<String> {
    let faults = syntax::parse_schema_type(&Source::new(name, text)).err()?;
    Some(format!(
        "Failed parsing user-provided signature.\n{}",
        rendered(&faults)
    ))
}

/// What is wrong with an expression.
pub fn expression_fault(name: &str, text: &str) -> Option<String> {
    let faults = syntax::parse_expr(&Source::new(name, text)).err()?;
    Some(unparsable(&faults))
}

/// What is wrong with a lambda of `min..=max` parameters (both 255: any number).
pub fn lambda_fault(name: &str, text: &str, min: u8, max: u8, short: bool) -> Option<String> {
    let source = Source::new(name, text);
    let parsed = if short {
        syntax::parse_predicate_lambda(&source)
    } else {
        syntax::parse_lambda(&source)
    };
    let lambda = match parsed {
        Ok(lambda) => lambda,
        Err(faults) => return Some(unparsable(&faults)),
    };
    if min == 255 {
        return None;
    }
    // A variadic parameter does not count.
    let given = lambda.params.len();
    if (usize::from(min)..=usize::from(max)).contains(&given) {
        return None;
    }
    let expected = match (min, max) {
        (0, 0) => "no arguments".to_string(),
        (1, 1) => "exactly 1 argument".to_string(),
        (min, max) if min == max => format!("exactly {min} arguments"),
        (min, max) => format!("{min} or {max} arguments"),
    };
    Some(format!(
        "Invalid function arity. Expected {expected}, but the function was defined with {given} arguments"
    ))
}

fn unparsable(faults: &[Diagnostic]) -> String {
    format!("Unable to parse FQL source code.\n{}", rendered(faults))
}

/// Diagnostics one after another, as they stand in the line of a failure.
pub fn rendered(faults: &[Diagnostic]) -> String {
    let texts: Vec<String> = faults.iter().map(Diagnostic::render).collect();
    texts.join("\n").trim().to_string()
}
