//! Indexes and unique constraints: terms, values and their paths.

use super::literal::told_span;
use super::{Converter, Once};
use crate::fql::syntax::ast::{Args, Expr, ExprKind, Ident, Link};
use crate::fql::syntax::node::{Node, NodeValue};
use crate::fql::syntax::{PathSegment, Span, path_of};
use crate::fsl::item::{IndexItem, Listed, PathItem, TermItem, UniqueItem, ValueItem};
use crate::value::PathPart;

/// What may stand around the path of a value.
const AROUND_VALUES: &str = "Expected 'asc', 'desc', or 'mva'";

impl Converter<'_> {
    pub(super) fn index(
        &mut self,
        name: Ident,
        members: &[Node],
        block: Span,
        span: Span,
    ) -> IndexItem {
        let mut seen_terms = Once::new("terms definition");
        let mut seen_values = Once::new("values definition");
        let mut index = IndexItem {
            name,
            terms: None,
            values: None,
            block,
            span,
        };
        for node in members {
            let keyword = &*node.keyword.name;
            if !matches!(keyword, "terms" | "values") {
                let message = format!("Invalid member `{keyword}`");
                self.error(message, node.keyword.span);
                continue;
            }
            self.no_annotations(&node.annotations);
            self.no_name(&node.name);
            if keyword == "terms" {
                seen_terms.check(self, node.span);
            } else {
                seen_values.check(self, node.span);
            }
            let Some(value) = self.value(&node.value, node.span) else {
                continue;
            };
            // An empty list says nothing, not even that there is none.
            if keyword == "terms" {
                index.terms = self.terms(value, node.span).or(index.terms);
            } else {
                index.values = self.values(value, node.span).or(index.values);
            }
        }
        index
    }

    pub(super) fn unique(&mut self, value: &NodeValue, span: Span) -> Option<UniqueItem> {
        let terms = self.terms(value, span);
        if terms.is_none() {
            let message = "Expected non-empty terms for a unique constraint";
            self.error(message, told_span(value));
        }
        terms
    }

    fn terms(&mut self, value: &NodeValue, span: Span) -> Option<Listed<TermItem>> {
        let NodeValue::List { items, span: list } = value else {
            self.error("Expected an array of terms", told_span(value));
            return None;
        };
        let items = items.iter().map(|item| self.term(item)).collect();
        listed(items, *list, span)
    }

    fn term(&mut self, expr: &Expr) -> TermItem {
        let (inner, mva) = match called(expr) {
            Some(("mva", _, Some(inner))) => (Some(inner), true),
            Some((_, at, _)) => {
                self.error("Expected 'mva'", at);
                (None, false)
            }
            None => (Some(expr), false),
        };
        TermItem {
            path: self.path(inner),
            mva,
            span: expr.span,
        }
    }

    fn values(&mut self, value: &NodeValue, span: Span) -> Option<Listed<ValueItem>> {
        let NodeValue::List { items, span: list } = value else {
            self.error("Expected an array of values", told_span(value));
            return None;
        };
        let items = items.iter().map(|item| self.value_item(item)).collect();
        listed(items, *list, span)
    }

    fn value_item(&mut self, expr: &Expr) -> ValueItem {
        let mut value = ValueItem {
            path: PathItem {
                parts: Vec::new(),
                part_spans: Vec::new(),
                span: expr.span,
            },
            mva: false,
            descending: false,
            span: expr.span,
        };
        let Some((outer, outer_at, Some(argument))) = called(expr) else {
            value.path = self.path(Some(expr));
            return value;
        };
        let Some((inner, inner_at, Some(path))) = called(argument) else {
            if !matches!(outer, "asc" | "desc" | "mva") {
                self.error(AROUND_VALUES, outer_at);
                return value;
            }
            value.mva = outer == "mva";
            value.descending = outer == "desc";
            value.path = self.path(Some(argument));
            return value;
        };
        // In either order; `asc` and `desc` come before `mva` in the alphabet.
        let mut calls = [(outer, outer_at), (inner, inner_at)];
        calls.sort_by_key(|(name, _)| *name);
        let [(order, order_at), (mva, mva_at)] = calls;
        if !matches!(order, "asc" | "desc") {
            self.error(AROUND_VALUES, order_at);
        } else if mva != "mva" {
            self.error(AROUND_VALUES, mva_at);
        } else {
            value.mva = true;
            value.descending = order == "desc";
            value.path = self.path(Some(path));
        }
        value
    }

    /// A path; empty, with an error, if the expression is none.
    fn path(&mut self, expr: Option<&Expr>) -> PathItem {
        let span = expr.map(|expr| expr.span).unwrap_or_default();
        match expr.map(path_of) {
            Some(Ok(steps)) => path_item(steps, span),
            Some(Err(at)) => {
                self.error("Invalid field path", at);
                path_item(Vec::new(), span)
            }
            None => path_item(Vec::new(), span),
        }
    }
}

/// Steps as an item.
pub(super) fn path_item(steps: Vec<(PathSegment, Span)>, span: Span) -> PathItem {
    let (parts, part_spans) = steps
        .into_iter()
        .map(|(segment, span)| {
            let part = match segment {
                PathSegment::Field(name) => PathPart::Field((&*name).into()),
                PathSegment::Index(at) => PathPart::Index(i64::try_from(at).unwrap_or(i64::MAX)),
            };
            (part, span)
        })
        .unzip();
    PathItem {
        parts,
        part_spans,
        span,
    }
}

fn listed<T>(items: Vec<T>, list: Span, span: Span) -> Option<Listed<T>> {
    (!items.is_empty()).then_some(Listed { items, list, span })
}

/// `name(argument)`, and where the name stands. Anything else that begins with a name has no argument.
fn called(expr: &Expr) -> Option<(&str, Span, Option<&Expr>)> {
    let ExprKind::Chain { base, links } = &expr.kind else {
        return None;
    };
    let ExprKind::Ident(name) = &base.kind else {
        return None;
    };
    let argument = match links.as_slice() {
        [
            Link::Call {
                args: Args { items, .. },
                ..
            },
        ] => match items.as_slice() {
            [argument] => Some(argument),
            _ => None,
        },
        _ => None,
    };
    Some((name, base.span, argument))
}
