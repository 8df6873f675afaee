//! The names a tree mentions: variables, modules, collections, functions, placeholders.
//!
//! Names that the tree itself defines are included: the callers only look for what they know.

use crate::fql::syntax::ast::{Args, Block, Expr, ExprKind, Link, Stmt, TemplatePart};

/// Visits the names of a block in order, repetitions included.
pub(super) fn block_names(block: &Block, visit: &mut dyn FnMut(&str)) {
    for stmt in &block.stmts {
        match stmt {
            Stmt::Let { value, .. } => expr_names(value, visit),
            Stmt::Expr(expr) => expr_names(expr, visit),
        }
    }
}

/// Visits the names of an expression in order, repetitions included.
pub(super) fn expr_names(expr: &Expr, visit: &mut dyn FnMut(&str)) {
    each_expr(expr, &mut |expr| match &expr.kind {
        ExprKind::Ident(name) => visit(name),
        ExprKind::Placeholder(number) => visit(&format!("${number}")),
        _ => {}
    });
}

/// Visits an expression and all expressions in it, outermost first.
pub(super) fn each_expr(expr: &Expr, visit: &mut dyn FnMut(&Expr)) {
    stacker::maybe_grow(64 * 1024, 1024 * 1024, || {
        visit(expr);
        let mut all = |items: &[Expr]| items.iter().for_each(|item| each_expr(item, visit));
        match &expr.kind {
            ExprKind::Null
            | ExprKind::Bool(_)
            | ExprKind::Int(_)
            | ExprKind::Long(_)
            | ExprKind::Double(_)
            | ExprKind::String(_)
            | ExprKind::Ident(_)
            | ExprKind::This
            | ExprKind::Placeholder(_) => {}
            ExprKind::Template(parts) => {
                for part in parts {
                    if let TemplatePart::Expr(part) = part {
                        each_expr(part, visit);
                    }
                }
            }
            ExprKind::Array(items) => all(items),
            ExprKind::Object(entries) => entries
                .iter()
                .for_each(|(_, value)| each_expr(value, visit)),
            ExprKind::Block(block) => {
                for stmt in &block.stmts {
                    match stmt {
                        Stmt::Let { value, .. } => each_expr(value, visit),
                        Stmt::Expr(expr) => each_expr(expr, visit),
                    }
                }
            }
            ExprKind::Lambda(lambda) => each_expr(&lambda.body, visit),
            ExprKind::If {
                cond,
                then,
                otherwise,
            } => {
                each_expr(cond, visit);
                each_expr(then, visit);
                otherwise
                    .iter()
                    .for_each(|otherwise| each_expr(otherwise, visit));
            }
            ExprKind::At { time, body } => {
                each_expr(time, visit);
                each_expr(body, visit);
            }
            ExprKind::Match { subject } => each_expr(subject, visit),
            ExprKind::Binary { left, right, .. } => {
                each_expr(left, visit);
                each_expr(right, visit);
            }
            ExprKind::Unary { operand, .. } => each_expr(operand, visit),
            ExprKind::Chain { base, links } => {
                each_expr(base, visit);
                for link in links {
                    match link {
                        Link::Field { .. } | Link::Bang { .. } => {}
                        Link::Method {
                            args: Args { items, .. },
                            ..
                        }
                        | Link::Call {
                            args: Args { items, .. },
                            ..
                        }
                        | Link::Index {
                            args: Args { items, .. },
                            ..
                        } => {
                            items.iter().for_each(|item| each_expr(item, visit));
                        }
                    }
                }
            }
            ExprKind::Projection { base, entries, .. } => {
                each_expr(base, visit);
                entries
                    .iter()
                    .for_each(|(_, value)| each_expr(value, visit));
            }
            ExprKind::ProjectAll { base } => each_expr(base, visit),
        }
    });
}
