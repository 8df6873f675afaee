//! Names and template values that a lambda takes from outside: what a cursor must carry of its scope.

use crate::fql::syntax::ast::{Block, Expr, ExprKind, Link, Stmt, Str, TemplatePart};
use std::collections::HashSet;

/// What occurs in an expression. Names bound within it are included: too many are harmless.
#[derive(Default)]
pub(super) struct Mentioned {
    /// Names of variables, modules, functions.
    pub names: HashSet<Str>,
    /// Template values, by number, in the order of the text.
    pub placeholders: Vec<(u32, u32)>,
    /// Whether the argument of an enclosing short lambda may be meant.
    pub this: bool,
}

impl Mentioned {
    /// What `expr` mentions.
    pub fn of(expr: &Expr) -> Mentioned {
        let mut mentioned = Mentioned::default();
        mentioned.expr(expr);
        mentioned.placeholders.sort_unstable();
        mentioned
    }

    fn expr(&mut self, expr: &Expr) {
        stacker::maybe_grow(64 * 1024, 1024 * 1024, || self.kind(expr));
    }

    fn kind(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Null
            | ExprKind::Bool(_)
            | ExprKind::Int(_)
            | ExprKind::Long(_)
            | ExprKind::Double(_)
            | ExprKind::String(_) => {}
            ExprKind::This => self.this = true,
            ExprKind::Ident(name) => {
                self.names.insert(name.clone());
            }
            ExprKind::Placeholder(n) => self.placeholders.push((expr.span.start, *n)),
            ExprKind::Template(parts) => {
                for part in parts {
                    if let TemplatePart::Expr(expr) = part {
                        self.expr(expr);
                    }
                }
            }
            ExprKind::Array(items) => items.iter().for_each(|item| self.expr(item)),
            ExprKind::Object(fields) => fields.iter().for_each(|(_, value)| self.expr(value)),
            ExprKind::Block(block) => self.block(block),
            ExprKind::Lambda(lambda) => self.expr(&lambda.body),
            ExprKind::If {
                cond,
                then,
                otherwise,
            } => {
                self.expr(cond);
                self.expr(then);
                otherwise.iter().for_each(|expr| self.expr(expr));
            }
            ExprKind::At { time, body } => {
                self.expr(time);
                self.expr(body);
            }
            ExprKind::Match { subject } => self.expr(subject),
            ExprKind::Binary { left, right, .. } => {
                self.expr(left);
                self.expr(right);
            }
            ExprKind::Unary { operand, .. } => self.expr(operand),
            ExprKind::Chain { base, links } => {
                self.expr(base);
                for link in links {
                    match link {
                        Link::Method { args, .. }
                        | Link::Call { args, .. }
                        | Link::Index { args, .. } => {
                            args.items.iter().for_each(|arg| self.expr(arg));
                        }
                        Link::Field { .. } | Link::Bang { .. } => {}
                    }
                }
            }
            ExprKind::Projection { base, entries, .. } => {
                self.expr(base);
                entries.iter().for_each(|(_, entry)| self.expr(entry));
            }
            ExprKind::ProjectAll { base } => self.expr(base),
        }
    }

    fn block(&mut self, block: &Block) {
        for stmt in &block.stmts {
            match stmt {
                Stmt::Let { value, .. } => self.expr(value),
                Stmt::Expr(expr) => self.expr(expr),
            }
        }
    }
}
