//! Pairs → tree. One builder walks the pairs of a text in order, once.
//!
//! Rules:
//! - The first error rule of the grammar (`x_...`) ends the walk ([`Stop`]); it becomes an `Expected ...` error,
//!   unless specific errors were found before it: those alone are then reported (`spec fql10-language 2.5`).
//! - Errors that do not make the rest unreadable (a repeated key, say) are recorded, and the walk goes on.

mod chain;
mod expr;
mod object;
mod schema;
mod string;
mod types;

use super::ast::{Block, Expr, ExprKind, Ident, Lambda, Stmt, Str, TypeExpr, TypeScheme};
use super::diagnostic::{Diagnostic, Hint, Severity, Suggestion};
use super::grammar::{Rule, expected};
use super::nesting::MAX_HEIGHT;
use super::source::{Location, Source, Span};
use pest::iterators::{Pair, Pairs};
use std::sync::Arc;

pub(super) use types::TypeUse;

/// Names that are never variables, parameters, projection entries or references.
pub(super) const RESERVED: [&str; 13] = [
    "if", "else", "at", "match", "case", "let", "null", "true", "false", "isa", "join", "on", "of",
];

/// The walk ended early: what was wrong is recorded in the builder.
#[derive(Debug)]
enum Stop {
    /// An error after which nothing more is reported.
    Fatal,
    /// A reserved word where a name belongs; where it starts.
    Reserved(u32),
}

type Build<T> = Result<T, Stop>;

/// Which lambda forms the body of a stored function may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ShortBody {
    /// `x => e` only.
    Refused,
    /// `(.a)` too.
    Allowed,
}

/// Walks the pairs of one text.
pub(super) struct Builder<'s> {
    source: &'s Arc<Source>,
    text: &'s str,
    /// Specific errors, in the order found.
    errors: Vec<Diagnostic>,
    /// The error rule that ended the walk.
    generic: Option<Diagnostic>,
    /// The height of the highest tree built so far within the expression that is being built.
    height: usize,
    /// Template values seen so far.
    placeholders: u32,
    /// Where the last type name ended: a `<` could follow there.
    type_name_end: usize,
    /// Where the last integer literal ended: after a dot, a digit could follow.
    integer_end: usize,
    /// Where the last node of a schema file ended that could have had a name.
    nameless_end: usize,
    /// Where the last field of a schema file ended that could have had a value, and whether it could have had a type.
    valueless_end: (usize, bool),
}

impl<'s> Builder<'s> {
    /// A builder for `text`, which is the text of `source`.
    pub(super) fn new(source: &'s Arc<Source>, text: &'s str) -> Builder<'s> {
        Builder {
            source,
            text,
            errors: Vec::new(),
            generic: None,
            height: 0,
            placeholders: 0,
            type_name_end: usize::MAX,
            integer_end: usize::MAX,
            nameless_end: usize::MAX,
            valueless_end: (usize::MAX, false),
        }
    }

    /// A query.
    pub(super) fn query(mut self, pairs: Pairs<'s, Rule>) -> Result<Block, Vec<Diagnostic>> {
        let result = self.query_body(pairs);
        self.finish(result)
    }

    fn query_body(&mut self, pairs: Pairs<'s, Rule>) -> Build<Block> {
        let mut inner = children(pairs);
        let start = inner.peek().map_or(0, |first| first.as_span().start());
        let stmts = self.body(&mut inner, "query")?;
        let end = stmts.last().map_or(start, |last| last.span().end as usize);
        self.rest(&mut inner)?;
        Ok(Block {
            stmts,
            span: Span::new(start, end),
        })
    }

    /// The body of a stored function or predicate.
    pub(super) fn function(
        mut self,
        pairs: Pairs<'s, Rule>,
        short: ShortBody,
    ) -> Result<Arc<Lambda>, Vec<Diagnostic>> {
        let result = self.function_body(pairs, short);
        self.finish(result)
    }

    fn function_body(&mut self, pairs: Pairs<'s, Rule>, short: ShortBody) -> Build<Arc<Lambda>> {
        let mut inner = children(pairs);
        let mut stmts = Vec::new();
        let mut end = self.text.len();
        for pair in inner.by_ref() {
            match pair.as_rule() {
                Rule::body_end => {
                    end = pair.as_span().start();
                    break;
                }
                Rule::x_statement => return self.no_statement(pair.as_span().start(), "query"),
                _ => {
                    let stmt = self.stmt_after(pair, stmts.last(), "query")?;
                    stmts.push(stmt);
                }
            }
        }
        let single = stmts.len() == 1;
        if let (
            true,
            Some(Stmt::Expr(Expr {
                kind: ExprKind::Lambda(lambda),
                ..
            })),
        ) = (single, stmts.first())
        {
            let lambda = lambda.clone();
            if lambda.short && !self.errors.is_empty() {
                return Err(Stop::Fatal);
            }
            if lambda.short && short == ShortBody::Refused {
                self.error("Short form lambdas are not allowed here", lambda.span);
                return Err(Stop::Fatal);
            }
            self.rest(&mut inner)?;
            return Ok(lambda);
        }
        let mut error = Diagnostic::error(
            "Body must be a lambda expression.",
            self.at(Span::new(0, end)),
        )
        .annotated("Expression is not a lambda.");
        if single {
            error.hints.push(Hint {
                severity: Severity::Hint,
                message: "Declare a lambda.".into(),
                location: Some(self.at(Span::new(0, 0))),
                suggestion: Some(Suggestion {
                    text: "() => ".into(),
                }),
            });
        }
        self.errors.push(error);
        Err(Stop::Fatal)
    }

    /// One expression.
    pub(super) fn lone_expr(
        mut self,
        pairs: Pairs<'s, Rule>,
        short: bool,
    ) -> Result<Expr, Vec<Diagnostic>> {
        let result = self.lone_expr_body(pairs, short);
        self.finish(result)
    }

    fn lone_expr_body(&mut self, pairs: Pairs<'s, Rule>, short: bool) -> Build<Expr> {
        let mut inner = children(pairs);
        let pair = self.next(&mut inner)?;
        let expr = self.expr(pair, short)?;
        self.rest(&mut inner)?;
        Ok(expr)
    }

    /// One type.
    pub(super) fn lone_type(
        mut self,
        pairs: Pairs<'s, Rule>,
        usage: TypeUse,
    ) -> Result<TypeExpr, Vec<Diagnostic>> {
        let result = self.lone_scheme_body(pairs, usage).map(|scheme| scheme.ty);
        self.finish(result)
    }

    /// A type with type parameters.
    pub(super) fn lone_scheme(
        mut self,
        pairs: Pairs<'s, Rule>,
    ) -> Result<TypeScheme, Vec<Diagnostic>> {
        let result = self.lone_scheme_body(pairs, TypeUse::Annotation);
        self.finish(result)
    }

    fn lone_scheme_body(&mut self, pairs: Pairs<'s, Rule>, usage: TypeUse) -> Build<TypeScheme> {
        let mut inner = children(pairs);
        let mut params = Vec::new();
        let mut pair = self.next(&mut inner)?;
        if pair.as_rule() == Rule::scheme_params {
            for param in pair.into_inner() {
                self.check(&param)?;
                params.push(plain_ident(&param));
            }
            pair = self.next(&mut inner)?;
        }
        let ty = self.type_expr(pair, usage)?;
        self.rest(&mut inner)?;
        Ok(TypeScheme { params, ty })
    }

    /// The result, or all that was recorded.
    fn finish<T>(mut self, result: Build<T>) -> Result<T, Vec<Diagnostic>> {
        match result {
            Ok(value) if self.errors.is_empty() => Ok(value),
            Ok(_) | Err(_) if !self.errors.is_empty() => Err(self.errors),
            Ok(_) | Err(_) => Err(vec![self.generic.take().unwrap_or_else(|| {
                Diagnostic::error("Expected expression", self.at(Span::new(0, 1)))
            })]),
        }
    }

    /// The statements of a query or block, up to and including the mark of its end.
    fn body(&mut self, pairs: &mut Children<'s>, what: &str) -> Build<Vec<Stmt>> {
        let mut stmts: Vec<Stmt> = Vec::new();
        let mut end = self.text.len();
        for pair in pairs.by_ref() {
            match pair.as_rule() {
                Rule::body_end => {
                    end = pair.as_span().start();
                    break;
                }
                Rule::x_statement => return self.no_statement(pair.as_span().start(), what),
                _ => {
                    let stmt = self.stmt_after(pair, stmts.last(), what)?;
                    stmts.push(stmt);
                }
            }
        }
        match stmts.last() {
            Some(Stmt::Let { span, .. }) => {
                let span = *span;
                self.missing_return(end, span)
            }
            Some(Stmt::Expr(_)) | None => Ok(stmts),
        }
    }

    /// A statement. A reserved word at its start leaves the body to end before it, which may be an error of its own.
    fn stmt_after(
        &mut self,
        pair: Pair<'s, Rule>,
        previous: Option<&Stmt>,
        what: &str,
    ) -> Build<Stmt> {
        let start = pair.as_span().start();
        match self.stmt(pair) {
            Err(Stop::Reserved(at)) if at as usize == start => match previous {
                None => self.no_statement(start, what),
                Some(Stmt::Let { span, .. }) => self.missing_return(start, *span),
                Some(Stmt::Expr(_)) => Err(Stop::Fatal),
            },
            other => other,
        }
    }

    fn no_statement<T>(&mut self, at: usize, what: &str) -> Build<T> {
        self.error(
            format!("Unexpected end of {what}. Expected statement or expression"),
            Span::new(at, at + 1),
        );
        Err(Stop::Fatal)
    }

    fn missing_return<T>(&mut self, at: usize, stmt: Span) -> Build<T> {
        let mut error = Diagnostic::error("Missing return expression", self.at(self.one(at)));
        error.hints.push(Hint {
            severity: Severity::Cause,
            message: "Statement does not return a value".into(),
            location: Some(self.at(stmt)),
            suggestion: None,
        });
        self.errors.push(error);
        Err(Stop::Fatal)
    }

    fn stmt(&mut self, pair: Pair<'s, Rule>) -> Build<Stmt> {
        if pair.as_rule() != Rule::let_stmt {
            return Ok(Stmt::Expr(self.expr(pair, false)?));
        }
        let start = pair.as_span().start();
        let mut inner = children(pair.into_inner());
        let name = self.next(&mut inner)?;
        let name = self.ident(&name).map_err(|_| Stop::Fatal)?;
        let mut next = self.next(&mut inner)?;
        let mut annotation = None;
        if next.as_rule() == Rule::type_expr || next.as_rule() == Rule::x_type {
            annotation = Some(self.type_expr(next, TypeUse::Annotation)?);
            next = self.next(&mut inner)?;
        }
        let value = self.expr(next, false)?;
        if matches!(&*name.name, "FQL" | "_") {
            self.reserved(&name.name, name.span);
            return Err(Stop::Fatal);
        }
        let span = Span {
            start: start as u32,
            end: value.span.end,
        };
        Ok(Stmt::Let {
            name,
            annotation,
            value,
            span,
        })
    }

    // ------------------------------------------------------------------------------------------ helpers

    /// The next pair, if it is no error rule.
    fn next(&mut self, pairs: &mut Children<'s>) -> Build<Pair<'s, Rule>> {
        match pairs.next() {
            Some(pair) => {
                self.check(&pair)?;
                Ok(pair)
            }
            None => Err(Stop::Fatal),
        }
    }

    /// Passes over what is left, which may only be error rules and the end.
    fn rest(&mut self, pairs: &mut Children<'s>) -> Build<()> {
        for pair in pairs.by_ref() {
            self.check(&pair)?;
        }
        Ok(())
    }

    /// Stops at an error rule.
    fn check(&mut self, pair: &Pair<'s, Rule>) -> Build<()> {
        let labels = expected(pair.as_rule());
        if labels.is_empty() {
            return Ok(());
        }
        let at = pair.as_span().start();
        let mut labels: Vec<&str> = labels.to_vec();
        if at == self.type_name_end {
            labels.push("`<`");
        }
        if pair.as_rule() == Rule::x_identifier && at.checked_sub(1) == Some(self.integer_end) {
            labels.push("digit");
        }
        if at == self.nameless_end {
            labels.push("identifier");
        }
        if at == self.valueless_end.0 {
            labels.push("`=`");
            if self.valueless_end.1 {
                labels.push("a type annotation");
            }
        }
        labels.sort_unstable();
        let message = match labels.as_slice() {
            [one] => format!("Expected {one}"),
            [one, two] => format!("Expected {one} or {two}"),
            [most @ .., last] => format!("Expected {}, or {last}", most.join(", ")),
            [] => "Expected expression".to_string(),
        };
        self.generic = Some(Diagnostic::error(message, self.at(self.one(at))));
        Err(Stop::Fatal)
    }

    /// A name that must not be reserved.
    fn ident(&mut self, pair: &Pair<'s, Rule>) -> Build<Ident> {
        let text = pair.as_str();
        if RESERVED.contains(&text) {
            self.reserved(text, span(pair));
            return Err(Stop::Reserved(span(pair).start));
        }
        Ok(plain_ident(pair))
    }

    /// Bounds the height of the tree, so that whoever walks it can.
    fn check_height(&mut self, at: Span) -> Build<()> {
        if self.height <= MAX_HEIGHT {
            return Ok(());
        }
        self.error("Nested too deeply", at);
        Err(Stop::Fatal)
    }

    /// A chain of operators is as high as it is long; the original's check gives up on one (`spec fql10-language 5.1`).
    fn check_operators(&mut self) -> Build<()> {
        if self.height <= MAX_HEIGHT {
            return Ok(());
        }
        let start = self.text.len() - self.text.trim_start().len();
        let whole = Span::new(start, self.text.trim_end().len().max(start));
        self.error("Typechecking failed due to query complexity.", whole);
        Err(Stop::Fatal)
    }

    fn reserved(&mut self, name: &str, span: Span) {
        let error = Diagnostic::error("Invalid identifier", self.at(span))
            .annotated(format!("`{name}` is a keyword"));
        self.errors.push(error);
    }

    fn error(&mut self, message: impl Into<String>, span: Span) {
        let location = self.at(span);
        self.errors.push(Diagnostic::error(message, location));
    }

    fn at(&self, span: Span) -> Location {
        Location::new(self.source, span)
    }

    /// The character at `at`, or one imaginary one at the end.
    fn one(&self, at: usize) -> Span {
        let width = self
            .text
            .get(at..)
            .and_then(|rest| rest.chars().next())
            .map_or(1, char::len_utf8);
        Span::new(at, at + width)
    }
}

/// The children of a pair.
type Children<'s> = std::iter::Peekable<Pairs<'s, Rule>>;

fn children(pairs: Pairs<'_, Rule>) -> Children<'_> {
    pairs.peekable()
}

fn span(pair: &Pair<'_, Rule>) -> Span {
    let span = pair.as_span();
    Span::new(span.start(), span.end())
}

/// A name, reserved or not.
fn plain_ident(pair: &Pair<'_, Rule>) -> Ident {
    Ident {
        name: Str::from(pair.as_str()),
        span: span(pair),
    }
}
