//! A walk over all places and literals of a tree, which may change them.
//!
//! Every node is taken apart in full, so that a new place in the tree cannot be forgotten here.

use super::ast::{
    Args, Block, Expr, ExprKind, Ident, Lambda, Link, Param, Stmt, TemplatePart, TypeExpr,
    TypeField, TypeKind,
};
use super::source::Span;
use std::sync::Arc;

/// What is done on the way.
pub(super) trait Visitor {
    /// An expression begins; false to pass over it.
    fn enter(&mut self) -> bool;
    /// An expression that was entered ends.
    fn leave(&mut self);
    /// A place.
    fn span(&mut self, span: &mut Span);
    /// A number or string without interpolation, and where it stands before [`Visitor::span`] was told.
    fn literal(&mut self, literal: &mut ExprKind, span: Span);
}

/// Visits statements.
pub(super) fn visit_block(visitor: &mut impl Visitor, block: &mut Block) {
    let Block { stmts, span } = block;
    visitor.span(span);
    for stmt in stmts {
        match stmt {
            Stmt::Let {
                name,
                annotation,
                value,
                span,
            } => {
                visitor.span(span);
                ident(visitor, name);
                annotation.iter_mut().for_each(|ty| type_expr(visitor, ty));
                expr(visitor, value);
            }
            Stmt::Expr(value) => expr(visitor, value),
        }
    }
}

fn ident(visitor: &mut impl Visitor, ident: &mut Ident) {
    let Ident { name: _, span } = ident;
    visitor.span(span);
}

fn exprs(visitor: &mut impl Visitor, items: &mut [Expr]) {
    items.iter_mut().for_each(|item| expr(visitor, item));
}

fn entries(visitor: &mut impl Visitor, entries: &mut [(Ident, Expr)]) {
    for (key, value) in entries {
        ident(visitor, key);
        expr(visitor, value);
    }
}

fn expr(visitor: &mut impl Visitor, whole: &mut Expr) {
    if !visitor.enter() {
        return;
    }
    let Expr { kind, span } = whole;
    let place = *span;
    visitor.span(span);
    match kind {
        ExprKind::Null
        | ExprKind::Bool(_)
        | ExprKind::Ident(_)
        | ExprKind::This
        | ExprKind::Placeholder(_) => {}
        ExprKind::Int(_) | ExprKind::Long(_) | ExprKind::Double(_) | ExprKind::String(_) => {
            visitor.literal(kind, place)
        }
        ExprKind::Template(parts) => {
            for part in parts {
                match part {
                    TemplatePart::Text(_) => {}
                    TemplatePart::Expr(part) => expr(visitor, part),
                }
            }
        }
        ExprKind::Array(items) => exprs(visitor, items),
        ExprKind::Object(fields) => entries(visitor, fields),
        ExprKind::Block(block) => visit_block(visitor, block),
        ExprKind::Lambda(shared) => {
            let Lambda {
                params,
                rest,
                body,
                short: _,
                span,
            } = Arc::make_mut(shared);
            visitor.span(span);
            for Param { name: _, span } in params.iter_mut().chain(rest) {
                visitor.span(span);
            }
            expr(visitor, body);
        }
        ExprKind::If {
            cond,
            then,
            otherwise,
        } => {
            expr(visitor, cond);
            expr(visitor, then);
            otherwise.iter_mut().for_each(|part| expr(visitor, part));
        }
        ExprKind::At { time, body } => {
            expr(visitor, time);
            expr(visitor, body);
        }
        ExprKind::Match { subject } => expr(visitor, subject),
        ExprKind::Binary {
            op: _,
            op_span,
            left,
            right,
        } => {
            visitor.span(op_span);
            expr(visitor, left);
            expr(visitor, right);
        }
        ExprKind::Unary {
            op: _,
            op_span,
            operand,
        } => {
            visitor.span(op_span);
            expr(visitor, operand);
        }
        ExprKind::Chain { base, links } => {
            expr(visitor, base);
            links.iter_mut().for_each(|part| link(visitor, part));
        }
        ExprKind::Projection {
            base,
            entries: fields,
            braces,
        } => {
            visitor.span(braces);
            expr(visitor, base);
            entries(visitor, fields);
        }
        ExprKind::ProjectAll { base } => expr(visitor, base),
    }
    visitor.leave();
}

fn link(visitor: &mut impl Visitor, link: &mut Link) {
    let arguments = match link {
        Link::Field { name, optional: _ } => return ident(visitor, name),
        Link::Method {
            name,
            optional: _,
            call_optional: _,
            args,
        } => {
            ident(visitor, name);
            args
        }
        Link::Call { optional: _, args } | Link::Index { optional: _, args } => args,
        Link::Bang { span } => return visitor.span(span),
    };
    let Args { items, span } = arguments;
    visitor.span(span);
    exprs(visitor, items);
}

fn type_exprs(visitor: &mut impl Visitor, types: &mut [TypeExpr]) {
    types.iter_mut().for_each(|ty| type_expr(visitor, ty));
}

fn type_expr(visitor: &mut impl Visitor, ty: &mut TypeExpr) {
    if !visitor.enter() {
        return;
    }
    let TypeExpr { kind, span } = ty;
    visitor.span(span);
    match kind {
        TypeKind::Any
        | TypeKind::Never
        | TypeKind::Bool(_)
        | TypeKind::Int(_)
        | TypeKind::Double(_)
        | TypeKind::String(_)
        | TypeKind::Name(_) => {}
        TypeKind::Cons(name, arguments) => {
            ident(visitor, name);
            type_exprs(visitor, arguments);
        }
        TypeKind::Object {
            fields,
            wildcard,
            open: _,
        } => {
            for TypeField { name, ty, default } in fields {
                ident(visitor, name);
                type_expr(visitor, ty);
                default.iter_mut().for_each(|value| expr(visitor, value));
            }
            wildcard.iter_mut().for_each(|ty| type_expr(visitor, ty));
        }
        TypeKind::Tuple(parts) | TypeKind::Union(parts) | TypeKind::Intersect(parts) => {
            type_exprs(visitor, parts)
        }
        TypeKind::Lambda {
            params,
            rest,
            result,
        } => {
            for (name, ty) in params.iter_mut().chain(rest.as_deref_mut()) {
                name.iter_mut().for_each(|name| ident(visitor, name));
                type_expr(visitor, ty);
            }
            type_expr(visitor, result);
        }
        TypeKind::Optional(base) => type_expr(visitor, base),
    }
    visitor.leave();
}
