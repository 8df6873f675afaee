//! Lambdas as values: when they are equal, and how they are written (`spec fql4 4.2`).
//!
//! A lambda is written as the query wrote it, with the keys of forms in their order. What it captured is put in front of
//! its body with a `let`, so that what is stored stands by itself.

use super::expression::{Closure, Expression, Lambda};
use super::order;
use crate::value::{Str, deep};
use std::sync::Arc;

/// Whether two lambdas are equal: written alike, with equal values captured. Calls of functions are equal only to
/// themselves.
pub fn same(a: &Closure, b: &Closure) -> bool {
    let (x, y) = (&a.lambda, &b.lambda);
    let alike = Arc::ptr_eq(x, y)
        || (x.pattern == y.pattern && x.free.len() == y.free.len() && same_body(&x.body, &y.body));
    alike
        && x.free
            .iter()
            .all(|name| match (a.env.get(name), b.env.get(name)) {
                (Some(x), Some(y)) => order::same(x, y),
                (None, None) => true,
                _ => false,
            })
}

/// Whether a lambda is the stored one.
pub fn is_stored(_: &Closure, _: &Str) -> bool {
    false
}

fn same_body(a: &Expression, b: &Expression) -> bool {
    deep(|| match (a, b) {
        (Expression::Literal(x), Expression::Literal(y)) => order::same(x, y),
        (Expression::Var(x), Expression::Var(y)) => x == y,
        (Expression::Ref(x), Expression::Ref(y)) => x == y,
        (Expression::Own(x), Expression::Own(y)) => x.reference == y.reference,
        (Expression::Array(x), Expression::Array(y)) | (Expression::Do(x), Expression::Do(y)) => {
            x.len() == y.len() && x.iter().zip(y.iter()).all(|(x, y)| same_body(x, y))
        }
        (Expression::Object(x), Expression::Object(y)) => same_fields(x, y),
        (Expression::Let(x), Expression::Let(y)) => {
            same_fields(&x.bindings, &y.bindings) && same_body(&x.body, &y.body)
        }
        (Expression::Form(x), Expression::Form(y)) => Arc::ptr_eq(x, y),
        (Expression::Lambda(x), Expression::Lambda(y)) => Arc::ptr_eq(x, y),
        _ => false,
    })
}

fn same_fields(a: &[(Str, Expression)], b: &[(Str, Expression)]) -> bool {
    let same = |((key, x), (other, y)): (&(Str, Expression), &(Str, Expression))| {
        key == other && same_body(x, y)
    };
    a.len() == b.len() && a.iter().zip(b).all(same)
}

impl Lambda {
    /// Whether it captures nothing.
    pub fn is_closed(&self) -> bool {
        self.free.is_empty()
    }
}
