//! Values of nodes as literals and lambdas.

use super::Converter;
use crate::fql::syntax::Span;
use crate::fql::syntax::ast::{Expr, ExprKind, Lambda, TemplatePart};
use crate::fql::syntax::node::NodeValue;
use crate::value::Str;
use std::sync::Arc;

impl Converter<'_> {
    /// An integer, without a sign.
    pub(super) fn integer(&mut self, value: &NodeValue) -> Option<(i64, Span)> {
        if let NodeValue::Literal(Expr { kind, span }) = value {
            let found = match kind {
                ExprKind::Int(value) => Some(i64::from(*value)),
                ExprKind::Long(value) => Some(*value),
                _ => None,
            };
            if let Some(value) = found.filter(|value| *value >= 0) {
                return Some((value, *span));
            }
        }
        self.error("Expected integer literal", told_span(value));
        None
    }

    pub(super) fn boolean(&mut self, value: &NodeValue) -> Option<(bool, Span)> {
        if let NodeValue::Literal(Expr {
            kind: ExprKind::Bool(value),
            span,
        }) = value
        {
            return Some((*value, *span));
        }
        self.error("Expected boolean literal", told_span(value));
        None
    }

    pub(super) fn string(&mut self, value: &NodeValue) -> Option<(Str, Span)> {
        match value {
            NodeValue::Literal(Expr {
                kind: ExprKind::String(text),
                span,
            }) => return Some(((&**text).into(), *span)),
            NodeValue::Literal(Expr {
                kind: ExprKind::Template(parts),
                ..
            }) => {
                for part in parts {
                    if let TemplatePart::Expr(expr) = part {
                        self.error(
                            "Cannot interpolate values in a string literal",
                            told_expr(expr),
                        );
                    }
                }
            }
            other => self.error("Expected string literal", told_span(other)),
        }
        None
    }
}

/// How a lambda is written.
pub(super) enum Written<'e> {
    /// Bare.
    Bare(&'e Arc<Lambda>),
    /// In one pair of parentheses.
    Parenthesised(&'e Arc<Lambda>),
    /// It is none, or in more than one pair.
    Otherwise,
}

/// An expression as a lambda. `text` is that of its file.
pub(super) fn written<'e>(expr: &'e Expr, text: &str) -> Written<'e> {
    let ExprKind::Lambda(lambda) = &expr.kind else {
        return Written::Otherwise;
    };
    if expr.span == lambda.span {
        return Written::Bare(lambda);
    }
    let before = text
        .get(expr.span.start as usize..lambda.span.start as usize)
        .unwrap_or("");
    match before.matches('(').count() {
        1 => Written::Parenthesised(lambda),
        _ => Written::Otherwise,
    }
}

/// Where an error about a value points.
pub(super) fn told_span(value: &NodeValue) -> Span {
    match value {
        NodeValue::Literal(expr) => told_expr(expr),
        NodeValue::Block { .. }
        | NodeValue::List { .. }
        | NodeValue::Function(_)
        | NodeValue::Field(_)
        | NodeValue::Migration(_)
        | NodeValue::Invalid(_) => value.span(),
    }
}

/// Where an error about an expression points: of an operation, at its last operand.
pub(super) fn told_expr(expr: &Expr) -> Span {
    match &expr.kind {
        ExprKind::Binary { left, right, .. } if left.span.start == expr.span.start => {
            told_expr(right)
        }
        _ => expr.span,
    }
}
