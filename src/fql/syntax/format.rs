//! Tree → canonical text (`spec schema-fsl 11.2`).
//!
//! The text parses to the same tree. Blocks, objects and projections break over lines, two blanks an indent; all else
//! stays on its line. Parentheses stand where the tree needs them, and where the source had them around an
//! expression of several parts.

use super::ast::{
    Args, BinaryOp, Block, Expr, ExprKind, Ident, Lambda, Link, Param, Stmt, TemplatePart,
    TypeExpr, TypeField, TypeKind, TypeScheme, UnaryOp,
};
use super::build::RESERVED;
use std::fmt::Write;

/// The text of an expression.
///
/// ```
/// use fql::fql::syntax::{format_expr, parse_expr, Source};
/// let expr = parse_expr(&Source::query("x=>{a:1+(2*3)}")).unwrap();
/// assert_eq!(format_expr(&expr), "(x) => {\n  a: 1 + (2 * 3)\n}");
/// ```
pub fn format_expr(expr: &Expr) -> String {
    let mut formatter = Formatter::default();
    formatter.expr(expr);
    formatter.out
}

/// The text of a query: its statements, one a line.
pub fn format_query(block: &Block) -> String {
    let mut formatter = Formatter::default();
    formatter.statements(&block.stmts, false);
    formatter.out.truncate(formatter.out.trim_end().len());
    formatter.out
}

/// The text of a lambda; a short one in parentheses.
pub fn format_lambda(lambda: &Lambda) -> String {
    let mut formatter = Formatter::default();
    formatter.lambda(lambda, true);
    formatter.out
}

/// The text of a type.
pub fn format_type(ty: &TypeExpr) -> String {
    let mut formatter = Formatter::default();
    formatter.type_expr(ty, Level::ANY);
    formatter.out
}

/// The text of a signature.
pub fn format_type_scheme(scheme: &TypeScheme) -> String {
    let mut formatter = Formatter::default();
    if !scheme.params.is_empty() {
        let names: Vec<&str> = scheme.params.iter().map(|param| &*param.name).collect();
        let _ = write!(formatter.out, "<{}> ", names.join(", "));
    }
    formatter.type_expr(&scheme.ty, Level::ANY);
    formatter.out
}

/// A string literal.
pub fn format_string(text: &str) -> String {
    let mut formatter = Formatter::default();
    formatter.string(text);
    formatter.out
}

/// A name where an object's key may stand: bare if it is plain and not reserved, else a string.
pub fn format_key(name: &str) -> String {
    let mut chars = name.bytes();
    let plain = chars
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && chars.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !RESERVED.contains(&name);
    if plain {
        name.to_string()
    } else {
        format_string(name)
    }
}

/// Binding strengths of types, loosest first.
struct Level;

impl Level {
    const ANY: u8 = 0;
    const LAMBDA: u8 = 1;
    const UNION: u8 = 2;
    const INTERSECT: u8 = 3;
    const BASE: u8 = 4;
}

#[derive(Default)]
struct Formatter {
    out: String,
    indent: usize,
}

impl Formatter {
    fn newline(&mut self) {
        self.out.push('\n');
        for _ in 0..self.indent {
            self.out.push_str("  ");
        }
    }

    fn parenthesised(&mut self, write: impl FnOnce(&mut Formatter)) {
        self.out.push('(');
        write(self);
        self.out.push(')');
    }

    /// `{`, items on lines of their own, `}`.
    fn lines<T>(
        &mut self,
        items: &[T],
        separator: &str,
        mut write: impl FnMut(&mut Formatter, &T),
    ) {
        if items.is_empty() {
            self.out.push_str("{}");
            return;
        }
        self.out.push('{');
        self.indent += 1;
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.out.push_str(separator);
            }
            self.newline();
            write(self, item);
        }
        self.indent -= 1;
        self.newline();
        self.out.push('}');
    }

    fn list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Formatter, &T)) {
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.out.push_str(", ");
            }
            write(self, item);
        }
    }

    // ------------------------------------------------------------------------------------------ statements

    fn statements(&mut self, stmts: &[Stmt], in_block: bool) {
        for (index, stmt) in stmts.iter().enumerate() {
            match stmt {
                Stmt::Let {
                    name,
                    annotation,
                    value,
                    ..
                } => {
                    self.out.push_str("let ");
                    self.out.push_str(&name.name);
                    if let Some(ty) = annotation {
                        self.out.push_str(": ");
                        self.type_expr(ty, Level::ANY);
                    }
                    self.out.push_str(" = ");
                    self.expr(value);
                }
                // A block that begins with a template would be taken for an object.
                Stmt::Expr(expr) if in_block && index == 0 && starts_with_template(expr) => {
                    self.parenthesised(|formatter| formatter.expr(expr));
                }
                Stmt::Expr(expr) => self.expr(expr),
            }
            if index + 1 < stmts.len() {
                self.newline();
            }
        }
    }

    fn block(&mut self, block: &Block) {
        self.out.push('{');
        self.indent += 1;
        self.newline();
        self.statements(&block.stmts, true);
        self.indent -= 1;
        self.newline();
        self.out.push('}');
    }

    // ------------------------------------------------------------------------------------------ expressions

    /// An expression where any may stand.
    fn expr(&mut self, expr: &Expr) {
        if was_parenthesised(expr) {
            self.parenthesised(|formatter| formatter.bare(expr));
        } else {
            self.bare(expr);
        }
    }

    fn bare(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Null => self.out.push_str("null"),
            ExprKind::Bool(value) => self.out.push_str(if *value { "true" } else { "false" }),
            ExprKind::Int(value) => {
                let _ = write!(self.out, "{value}");
            }
            ExprKind::Long(value) => {
                let _ = write!(self.out, "{value}");
            }
            ExprKind::Double(value) => self.double(*value),
            ExprKind::String(text) => self.string(text),
            ExprKind::Template(parts) => self.template(parts),
            ExprKind::Ident(name) => self.out.push_str(name),
            ExprKind::This => {}
            ExprKind::Placeholder(_) => self.out.push_str("\0value>"),
            ExprKind::Array(items) => {
                self.out.push('[');
                self.list(items, Formatter::expr);
                self.out.push(']');
            }
            ExprKind::Object(fields) => self.lines(fields, ",", |formatter, (key, value)| {
                formatter.key(key);
                formatter.expr(value);
            }),
            ExprKind::Block(block) => self.block(block),
            ExprKind::Lambda(lambda) => self.lambda(lambda, true),
            ExprKind::If {
                cond,
                then,
                otherwise,
            } => self.if_expr(cond, then, otherwise.as_deref()),
            ExprKind::At { time, body } => {
                self.out.push_str("at (");
                self.expr(time);
                self.out.push_str(") ");
                self.expr(body);
            }
            ExprKind::Match { subject } => {
                self.out.push_str("match ");
                self.operand(subject, is_term(subject));
                self.out.push_str(" {}");
            }
            ExprKind::Binary {
                op, left, right, ..
            } => self.binary(*op, left, right),
            ExprKind::Unary { op, operand, .. } => self.unary(*op, operand),
            ExprKind::Chain { base, links } => self.chain(base, links),
            ExprKind::Projection { base, entries, .. } => {
                self.operand(base, is_operation(base));
                self.out.push(' ');
                self.lines(entries, ",", |formatter, (key, value)| {
                    formatter.out.push_str(&key.name);
                    formatter.out.push_str(": ");
                    formatter.expr(value);
                });
            }
            ExprKind::ProjectAll { base } => {
                self.operand(base, is_operation(base));
                self.out.push_str(" { * }");
            }
        }
    }

    fn key(&mut self, key: &Ident) {
        self.out.push_str(&format_key(&key.name));
        self.out.push_str(": ");
    }

    /// Puts parentheses around what may not stand bare, unless it brings its own.
    fn operand(&mut self, expr: &Expr, bare: bool) {
        let brings_own = was_parenthesised(expr)
            || matches!(&expr.kind, ExprKind::Lambda(lambda) if lambda.short);
        if bare || brings_own {
            self.expr(expr);
        } else {
            self.parenthesised(|formatter| formatter.bare(expr));
        }
    }

    fn if_expr(&mut self, cond: &Expr, then: &Expr, otherwise: Option<&Expr>) {
        self.out.push_str("if (");
        self.expr(cond);
        self.out.push_str(") ");
        match otherwise {
            // An `else` would go to the inner `if`.
            Some(_) if takes_else(then) => self.operand(then, false),
            _ => self.expr(then),
        }
        if let Some(otherwise) = otherwise {
            self.out.push_str(" else ");
            self.expr(otherwise);
        }
    }

    fn lambda(&mut self, lambda: &Lambda, parenthesised: bool) {
        if lambda.short {
            if parenthesised {
                self.parenthesised(|formatter| formatter.bare(&lambda.body));
            } else {
                self.bare(&lambda.body);
            }
            return;
        }
        let name = |param: &Param| param.name.as_deref().unwrap_or("_").to_string();
        let mut params: Vec<String> = lambda.params.iter().map(name).collect();
        params.extend(lambda.rest.iter().map(|rest| format!("...{}", name(rest))));
        let _ = write!(self.out, "({}) => ", params.join(", "));
        self.expr(&lambda.body);
    }

    fn binary(&mut self, op: BinaryOp, left: &Expr, right: &Expr) {
        let right_associative = op == BinaryOp::Pow;
        self.binary_operand(left, op.level(), right_associative);
        let _ = write!(self.out, " {} ", op.symbol());
        self.binary_operand(right, op.level(), !right_associative);
    }

    /// An operand of an operator of `level`; `tighter` when one of the same level needs parentheses.
    fn binary_operand(&mut self, expr: &Expr, level: u8, tighter: bool) {
        match &expr.kind {
            ExprKind::Binary { op, .. } => {
                let bare = op.level() > level || (op.level() == level && !tighter);
                self.operand(expr, bare);
            }
            // In single parentheses it would join this expression.
            ExprKind::Lambda(lambda) if lambda.short => {
                self.parenthesised(|formatter| formatter.lambda(lambda, true));
            }
            _ => self.operand(expr, is_term(expr)),
        }
    }

    fn unary(&mut self, op: UnaryOp, operand: &Expr) {
        self.out.push_str(op.symbol());
        // A sign before digits would belong to the number.
        let is_sign = op == UnaryOp::Neg && starts_with_digit(operand);
        self.operand(operand, is_term(operand) && !is_sign);
    }

    fn chain(&mut self, base: &Expr, links: &[Link]) {
        let is_this = base.kind == ExprKind::This;
        self.operand(base, is_atom(base));
        if is_this && matches!(links.first(), Some(Link::Call { .. } | Link::Index { .. })) {
            self.out.push('.');
        }
        for link in links {
            match link {
                Link::Field { name, optional } => self.field(name, *optional),
                Link::Method {
                    name,
                    optional,
                    call_optional,
                    args,
                } => {
                    self.field(name, *optional);
                    self.args(args, *call_optional, '(', ')');
                }
                Link::Call { optional, args } => self.args(args, *optional, '(', ')'),
                Link::Index { optional, args } => self.args(args, *optional, '[', ']'),
                Link::Bang { .. } => self.out.push('!'),
            }
        }
    }

    fn field(&mut self, name: &Ident, optional: bool) {
        self.out.push_str(if optional { "?." } else { "." });
        self.out.push_str(&name.name);
    }

    fn args(&mut self, args: &Args, optional: bool, open: char, close: char) {
        if optional {
            self.out.push_str("?.");
        }
        self.out.push(open);
        self.list(&args.items, |formatter, item| match &item.kind {
            ExprKind::Lambda(lambda) if lambda.short => {
                formatter.lambda(lambda, item.span != lambda.span)
            }
            _ => formatter.expr(item),
        });
        self.out.push(close);
    }

    // ------------------------------------------------------------------------------------------ literals

    fn double(&mut self, value: f64) {
        if value.is_finite() {
            let _ = write!(self.out, "{value:?}");
        } else {
            self.out
                .push_str(if value < 0.0 { "-1e400" } else { "1e400" });
        }
    }

    fn string(&mut self, text: &str) {
        self.out.push('"');
        self.escaped(text);
        self.out.push('"');
    }

    fn template(&mut self, parts: &[TemplatePart]) {
        self.out.push('"');
        for part in parts {
            match part {
                TemplatePart::Text(text) => self.escaped(text),
                TemplatePart::Expr(expr) => {
                    self.out.push_str("#{");
                    self.expr(expr);
                    self.out.push('}');
                }
            }
        }
        self.out.push('"');
    }

    fn escaped(&mut self, text: &str) {
        // A `String` takes everything.
        let _ = write_escaped(&mut self.out, text);
    }

    // ------------------------------------------------------------------------------------------ types

    fn type_expr(&mut self, ty: &TypeExpr, level: u8) {
        let own = match &ty.kind {
            TypeKind::Lambda { .. } => Level::LAMBDA,
            TypeKind::Union(_) => Level::UNION,
            TypeKind::Intersect(_) => Level::INTERSECT,
            TypeKind::Any
            | TypeKind::Never
            | TypeKind::Bool(_)
            | TypeKind::Int(_)
            | TypeKind::Double(_)
            | TypeKind::String(_)
            | TypeKind::Name(_)
            | TypeKind::Cons(..)
            | TypeKind::Object { .. }
            | TypeKind::Tuple(_)
            | TypeKind::Optional(_) => Level::BASE,
        };
        if own < level {
            self.parenthesised(|formatter| formatter.bare_type(ty));
        } else {
            self.bare_type(ty);
        }
    }

    fn bare_type(&mut self, ty: &TypeExpr) {
        match &ty.kind {
            TypeKind::Any => self.out.push_str("Any"),
            TypeKind::Never => self.out.push_str("Never"),
            TypeKind::Bool(value) => self.out.push_str(if *value { "true" } else { "false" }),
            TypeKind::Int(value) => {
                let _ = write!(self.out, "{value}");
            }
            TypeKind::Double(value) => self.double(*value),
            TypeKind::String(text) => self.string(text),
            TypeKind::Name(name) => self.out.push_str(name),
            TypeKind::Cons(name, args) => {
                self.out.push_str(&name.name);
                self.out.push('<');
                self.list(args, |formatter, arg| formatter.type_expr(arg, Level::ANY));
                self.out.push('>');
            }
            TypeKind::Object {
                fields,
                wildcard,
                open,
            } => self.object_type(fields, wildcard.as_deref(), *open),
            TypeKind::Tuple(items) => {
                self.out.push('[');
                self.list(items, |formatter, item| {
                    formatter.type_expr(item, Level::ANY)
                });
                self.out.push(']');
            }
            TypeKind::Lambda {
                params,
                rest,
                result,
            } => {
                if let ([(None, param)], None) = (params.as_slice(), rest) {
                    self.type_expr(param, Level::UNION);
                } else {
                    self.out.push('(');
                    self.list(params, |formatter, (name, param)| {
                        formatter.type_param(name.as_ref(), "", param)
                    });
                    if let Some(rest) = rest {
                        self.out.push_str(if params.is_empty() { "" } else { ", " });
                        self.type_param(rest.0.as_ref(), "...", &rest.1);
                    }
                    self.out.push(')');
                }
                self.out.push_str(" => ");
                self.type_expr(result, Level::LAMBDA);
            }
            TypeKind::Union(members) => self.joined(members, " | ", Level::UNION),
            TypeKind::Intersect(members) => self.joined(members, " & ", Level::INTERSECT),
            TypeKind::Optional(base) => {
                self.type_expr(base, Level::BASE);
                self.out.push('?');
            }
        }
    }

    fn joined(&mut self, members: &[TypeExpr], separator: &str, level: u8) {
        for (index, member) in members.iter().enumerate() {
            if index > 0 {
                self.out.push_str(separator);
            }
            self.type_expr(member, level + 1);
        }
    }

    fn type_param(&mut self, name: Option<&Ident>, dots: &str, ty: &TypeExpr) {
        if let Some(name) = name {
            let _ = write!(self.out, "{}: ", name.name);
        }
        self.out.push_str(dots);
        self.type_expr(ty, Level::ANY);
    }

    fn object_type(&mut self, fields: &[TypeField], wildcard: Option<&TypeExpr>, open: bool) {
        if fields.is_empty() && wildcard.is_none() && !open {
            self.out.push_str("{}");
            return;
        }
        self.out.push_str("{ ");
        self.list(fields, |formatter, field| {
            formatter.key(&field.name);
            formatter.type_expr(&field.ty, Level::ANY);
            if let Some(default) = &field.default {
                formatter.out.push_str(" = ");
                formatter.expr(default);
            }
        });
        let mut separator = if fields.is_empty() { "" } else { ", " };
        if let Some(wildcard) = wildcard {
            self.out.push_str(separator);
            self.out.push_str("*: ");
            self.type_expr(wildcard, Level::ANY);
            separator = ", ";
        }
        if open {
            self.out.push_str(separator);
            self.out.push_str("...");
        }
        self.out.push_str(" }");
    }
}

/// Whether the source had parentheses around an expression of several parts: its span then begins before its first
/// part.
fn was_parenthesised(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Binary { left, .. } => expr.span.start < left.span.start,
        ExprKind::Unary { op_span, .. } => expr.span.start < op_span.start,
        ExprKind::Projection { base, .. } | ExprKind::ProjectAll { base } => {
            expr.span.start < base.span.start
        }
        ExprKind::Null
        | ExprKind::Bool(_)
        | ExprKind::Int(_)
        | ExprKind::Long(_)
        | ExprKind::Double(_)
        | ExprKind::String(_)
        | ExprKind::Template(_)
        | ExprKind::Ident(_)
        | ExprKind::This
        | ExprKind::Placeholder(_)
        | ExprKind::Array(_)
        | ExprKind::Object(_)
        | ExprKind::Block(_)
        | ExprKind::Lambda(_)
        | ExprKind::If { .. }
        | ExprKind::At { .. }
        | ExprKind::Match { .. }
        | ExprKind::Chain { .. } => false,
    }
}

/// Whether links may follow it.
fn is_atom(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Binary { .. }
        | ExprKind::Unary { .. }
        | ExprKind::Projection { .. }
        | ExprKind::ProjectAll { .. }
        | ExprKind::Lambda(_)
        | ExprKind::If { .. }
        | ExprKind::At { .. }
        | ExprKind::Match { .. }
        | ExprKind::Chain { .. } => false,
        ExprKind::Null
        | ExprKind::Bool(_)
        | ExprKind::Int(_)
        | ExprKind::Long(_)
        | ExprKind::Double(_)
        | ExprKind::String(_)
        | ExprKind::Template(_)
        | ExprKind::Ident(_)
        | ExprKind::This
        | ExprKind::Placeholder(_)
        | ExprKind::Array(_)
        | ExprKind::Object(_)
        | ExprKind::Block(_) => true,
    }
}

/// Whether it may be the operand of an operator.
fn is_term(expr: &Expr) -> bool {
    is_atom(expr) || matches!(expr.kind, ExprKind::Unary { .. } | ExprKind::Chain { .. })
}

/// Whether a projection may follow it.
fn is_operation(expr: &Expr) -> bool {
    is_term(expr) || matches!(expr.kind, ExprKind::Binary { .. })
}

/// What an expression's text begins with.
fn leftmost(expr: &Expr) -> &Expr {
    match &expr.kind {
        _ if was_parenthesised(expr) => expr,
        ExprKind::Binary { left, .. } => leftmost(left),
        ExprKind::Projection { base, .. }
        | ExprKind::ProjectAll { base }
        | ExprKind::Chain { base, .. } => leftmost(base),
        _ => expr,
    }
}

fn starts_with_template(expr: &Expr) -> bool {
    matches!(leftmost(expr).kind, ExprKind::Template(_))
}

fn starts_with_digit(expr: &Expr) -> bool {
    match leftmost(expr).kind {
        ExprKind::Int(value) => value >= 0,
        ExprKind::Long(value) => value >= 0,
        ExprKind::Double(value) => value.is_sign_positive(),
        _ => false,
    }
}

/// Whether an `else` after it would become part of it.
fn takes_else(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::If {
            otherwise: None, ..
        } => true,
        ExprKind::If {
            otherwise: Some(last),
            ..
        }
        | ExprKind::At { body: last, .. } => takes_else(last),
        ExprKind::Lambda(lambda) => !lambda.short && takes_else(&lambda.body),
        _ => false,
    }
}

/// The inside of a string literal in canonical form: what cannot be seen, and what lies beyond the basic plane, is escaped.
pub fn write_escaped(out: &mut impl std::fmt::Write, text: &str) -> std::fmt::Result {
    for ch in text.chars() {
        match ch {
            '\\' | '"' | '#' => {
                out.write_char('\\')?;
                out.write_char(ch)?;
            }
            '\0' => out.write_str("\\0")?,
            '\n' => out.write_str("\\n")?,
            '\r' => out.write_str("\\r")?,
            '\u{b}' => out.write_str("\\v")?,
            '\t' => out.write_str("\\t")?,
            '\u{8}' => out.write_str("\\b")?,
            '\u{c}' => out.write_str("\\f")?,
            '\u{1}'..='\u{7}'
            | '\u{e}'..='\u{1f}'
            | '\u{7f}'
            | '\u{2000}'..='\u{200f}'
            | '\u{2028}'..='\u{202f}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff0}'..='\u{ffff}' => write!(out, "\\u{:04x}", u32::from(ch))?,
            '\u{10000}'.. => write!(out, "\\u{{{:06x}}}", u32::from(ch))?,
            _ => out.write_char(ch)?,
        }
    }
    Ok(())
}
