//! The entry points: one per kind of text.

use super::ast::{Block, Expr, ExprKind, Lambda, Link, Str, TypeExpr, TypeScheme};
use super::build::{Builder, ShortBody, TypeUse};
use super::diagnostic::Diagnostic;
use super::grammar::{Grammar, Rule};
use super::nesting::{TextKind, nesting};
use super::node::Node;
use super::source::{Location, Source, Span};
use pest::Parser;
use pest::iterators::Pairs;
use std::sync::Arc;

/// A query. Template values stand in the text as NUL followed by `value>`; the n-th is
/// [`ExprKind::Placeholder`]`(n)`.
///
/// ```
/// use fql::fql::syntax::{parse_query, Source};
/// let block = parse_query(&Source::query("let a = 1; a + 2")).unwrap();
/// assert_eq!(block.stmts.len(), 2);
/// ```
pub fn parse_query(source: &Arc<Source>) -> Result<Block, Vec<Diagnostic>> {
    parse(source, Rule::query, |builder, pairs| builder.query(pairs))
}

/// The body of a stored function: a lambda, not in short form.
pub fn parse_lambda(source: &Arc<Source>) -> Result<Arc<Lambda>, Vec<Diagnostic>> {
    parse(source, Rule::function, |builder, pairs| {
        builder.function(pairs, ShortBody::Refused)
    })
}

/// The body of another stored function (computed field, check, predicate): a lambda, or a short one in parentheses.
pub fn parse_predicate_lambda(source: &Arc<Source>) -> Result<Arc<Lambda>, Vec<Diagnostic>> {
    parse(source, Rule::function, |builder, pairs| {
        builder.function(pairs, ShortBody::Allowed)
    })
}

/// One expression: a field's default, a backfill value.
pub fn parse_expr(source: &Arc<Source>) -> Result<Expr, Vec<Diagnostic>> {
    parse(source, Rule::lone_expr, |builder, pairs| {
        builder.lone_expr(pairs, false)
    })
}

/// A type, as in an annotation.
pub fn parse_type(source: &Arc<Source>) -> Result<TypeExpr, Vec<Diagnostic>> {
    parse(source, Rule::lone_type, |builder, pairs| {
        builder.lone_type(pairs, TypeUse::Annotation)
    })
}

/// The type of a collection's field, whose objects may give default values (`spec schema-fsl 4.1`).
pub fn parse_schema_type(source: &Arc<Source>) -> Result<TypeExpr, Vec<Diagnostic>> {
    parse(source, Rule::lone_type, |builder, pairs| {
        builder.lone_type(pairs, TypeUse::Schema)
    })
}

/// A signature: `<A, B> type`, or just a type.
pub fn parse_type_scheme(source: &Arc<Source>) -> Result<TypeScheme, Vec<Diagnostic>> {
    parse(source, Rule::lone_scheme, |builder, pairs| {
        builder.lone_scheme(pairs)
    })
}

/// A schema file as nodes.
pub fn parse_schema(source: &Arc<Source>) -> Result<Vec<Node>, Vec<Diagnostic>> {
    parse(source, Rule::schema_file, |builder, pairs| {
        builder.schema_file(pairs)
    })
}

/// A step of a field path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PathSegment {
    /// `.name`, `["name"]`
    Field(Str),
    /// `[0]`
    Index(u64),
}

/// A field path: `.a.b[0]`, `a`, `["a"]` (`spec schema-fsl 2.2`).
pub fn parse_path(text: &str) -> Result<Vec<PathSegment>, Vec<Diagnostic>> {
    let dotted = if text.starts_with('.') {
        text.to_string()
    } else {
        format!(".{text}")
    };
    let source = Source::new("*path*", dotted);
    let expr = parse(&source, Rule::lone_path, |builder, pairs| {
        builder.lone_expr(pairs, true)
    })?;
    let path = path_of(&expr).map_err(|span| {
        let at = Location::new(&source, span);
        vec![Diagnostic::error("Invalid field path", at)]
    })?;
    Ok(path.into_iter().map(|(segment, _)| segment).collect())
}

/// The steps of a field path that was parsed as an expression, and where they stand; or what is none.
pub fn path_of(expr: &Expr) -> Result<Vec<(PathSegment, Span)>, Span> {
    let whole = expr.span;
    let ExprKind::Lambda(lambda) = &expr.kind else {
        return Err(whole);
    };
    let (true, ExprKind::Chain { base, links }) = (lambda.short, &lambda.body.kind) else {
        return Err(whole);
    };
    if base.kind != ExprKind::This {
        return Err(whole);
    }
    let index = |value: i64, span| u64::try_from(value).map_err(|_| span);
    let mut path = Vec::with_capacity(links.len());
    // Links that begin with a dot stand from there.
    let mut before = lambda.span.start;
    for link in links {
        let from_dot = Span {
            start: before,
            end: link.span().end,
        };
        before = from_dot.end;
        path.push(match link {
            Link::Field {
                name,
                optional: false,
            } => (PathSegment::Field(name.name.clone()), name.span),
            Link::Index {
                optional: false,
                args,
            } => match args.items.as_slice() {
                [Expr { kind, span }] => match kind {
                    ExprKind::String(name) => (PathSegment::Field(name.clone()), *span),
                    ExprKind::Int(at) => {
                        (PathSegment::Index(index(i64::from(*at), args.span)?), *span)
                    }
                    ExprKind::Long(at) => (PathSegment::Index(index(*at, args.span)?), *span),
                    _ => return Err(args.span),
                },
                _ => return Err(args.span),
            },
            Link::Call {
                optional: false, ..
            }
            | Link::Bang { .. } => return Err(link.span()),
            Link::Field { .. } | Link::Method { .. } | Link::Call { .. } | Link::Index { .. } => {
                return Err(from_dot);
            }
        });
    }
    Ok(path)
}

/// Stack set aside for one level of nesting in the derived parser and the builder. Measured over all kinds of nesting:
/// without optimization a level takes up to 16 KB in both, optimized up to 1.2 KB in the parser (the builder was not
/// measured by itself). The rest is room for other compilers and targets; what is not touched costs nothing.
const STACK_PER_LEVEL: usize = if cfg!(debug_assertions) {
    64 * 1024
} else {
    16 * 1024
};
/// Stack for a text that does not nest.
const STACK: usize = 256 * 1024;

/// Runs the grammar and a builder over a source's text.
fn parse<T>(
    source: &Arc<Source>,
    rule: Rule,
    build: impl for<'s> FnOnce(Builder<'s>, Pairs<'s, Rule>) -> Result<T, Vec<Diagnostic>>,
) -> Result<T, Vec<Diagnostic>> {
    let text: Arc<str> = source.text.clone().unwrap_or_else(|| Arc::from(""));
    let kind = match rule {
        Rule::lone_type | Rule::lone_scheme => TextKind::Type,
        Rule::schema_file => TextKind::Schema,
        _ => TextKind::Code,
    };
    let depth = nesting(&text, kind).map_err(|at| vec![too_deep(source, at)])?;
    let stack = STACK + depth * STACK_PER_LEVEL;
    stacker::maybe_grow(stack, stack + STACK, || {
        parse_here(source, &text, rule, build)
    })
}

/// Parses on the stack there is.
fn parse_here<T>(
    source: &Arc<Source>,
    text: &str,
    rule: Rule,
    build: impl for<'s> FnOnce(Builder<'s>, Pairs<'s, Rule>) -> Result<T, Vec<Diagnostic>>,
) -> Result<T, Vec<Diagnostic>> {
    let mut pairs = Grammar::parse(rule, text).map_err(|error| vec![unparsed(source, &error)])?;
    match pairs.next() {
        Some(root) => build(Builder::new(source, text), root.into_inner()),
        None => Err(vec![too_deep(source, 0)]),
    }
}

fn too_deep(source: &Arc<Source>, at: usize) -> Diagnostic {
    Diagnostic::error(
        "Nested too deeply",
        Location::new(source, Span::new(at, at + 1)),
    )
}

/// The grammar accepts every text, with error rules in place of what is missing; so only the parser's own guard of the
/// stack is left to fail.
fn unparsed(source: &Arc<Source>, error: &pest::error::Error<Rule>) -> Diagnostic {
    let at = match error.location {
        pest::error::InputLocation::Pos(at) | pest::error::InputLocation::Span((at, _)) => at,
    };
    too_deep(source, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a level of each kind of nesting takes is less than half of what is set aside for it.
    #[test]
    fn nesting_fits_the_stack() {
        const LEVELS: usize = 900;
        for (open, middle, close) in [
            ("[", "1", "]"),
            ("(", "1", ")"),
            ("{", "1", "}"),
            ("f(", "1", ")"),
            ("a[", "1", "]"),
            ("\"#{", "1", "}\""),
            ("- ", "1", ""),
            ("x => ", "1", ""),
            ("if (a) ", "1", ""),
            ("if (", "a", ") 1"),
            ("{ a: ", "1", "}"),
            ("x { a: ", "1", "}"),
            ("match a { case 1 => ", "1", "}"),
            ("let a: A<", "B", ">"),
        ] {
            let text = match open.strip_prefix("let a: ") {
                Some(open) => format!(
                    "let a: {}{middle}{} = 1; 1",
                    open.repeat(LEVELS),
                    close.repeat(LEVELS)
                ),
                None => format!("{}{middle}{}", open.repeat(LEVELS), close.repeat(LEVELS)),
            };
            let source = Source::query(text.as_str());
            let stack = STACK + LEVELS * STACK_PER_LEVEL / 2;
            let parsed = stacker::grow(stack, || {
                parse_here(&source, &text, Rule::query, |builder, pairs| {
                    builder.query(pairs)
                })
                .map(std::mem::forget)
            });
            assert!(parsed.is_ok(), "{open}");
        }
    }
}
