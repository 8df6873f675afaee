//! Text → tree: runs the parser, turns its pairs into nodes and words its errors.

use super::error::{ErrorKind, TextError};
use super::grammar::{Grammar, Rule, is_mark, label};
use super::lexer::Lexer;
use super::literal;
use super::syntax::{Node, NodeKind, object};
use crate::fql::syntax::{Span, TokenKind};
use pest::Parser;
use pest::error::{ErrorVariant, InputLocation};
use pest::iterators::Pair;

/// The deepest nesting of a text that is parsed: a query that nests deeper is refused by the server, too.
const MAX_NESTING: usize = 1000;

type Parsed<T> = Result<T, TextError>;

/// The tree of a text that holds one query.
pub(super) fn query(text: &str) -> Parsed<Node> {
    bounded(text)?;
    let mut pairs = Grammar::parse(Rule::query, text).map_err(|error| explained(text, &error))?;
    match pairs.next().and_then(|whole| parts(whole).next()) {
        Some(pair) => node(pair),
        None => Err(internal(text)),
    }
}

/// The end of the statement that a text begins with, which must be [`bounded`]; `Err` is the place that does not parse.
pub(super) fn statement_end(text: &str) -> Result<usize, usize> {
    match Grammar::parse(Rule::statement, text) {
        Ok(pairs) => {
            let end = pairs.last().map_or(0, |pair| pair.as_span().end());
            match operator_behind(text, end) {
                Some(wrong) => Err(wrong),
                None => Ok(end),
            }
        }
        Err(error) => Err(place(&error)),
    }
}

/// Refuses what nests too deep, before the parser sees it.
pub(super) fn bounded(text: &str) -> Parsed<()> {
    let mut lexer = Lexer::new(text);
    let mut arrows = 0;
    while let Some(token) = lexer.next() {
        match token.kind {
            TokenKind::Operator => arrows += 1,
            TokenKind::Punctuation | TokenKind::Close => arrows = 0,
            _ => {}
        }
        if lexer.depth() + arrows > MAX_NESTING {
            let message = "the text nests too deeply";
            return Err(TextError::new(ErrorKind::Syntax, message, token.span));
        }
    }
    Ok(())
}

/// Where an operator, a dot or a bracket goes on with an expression on the same line: that is JavaScript which FQL has not,
/// and must not be taken for another statement.
fn operator_behind(text: &str, end: usize) -> Option<usize> {
    let token = Lexer::from(text, end).find(|token| token.kind != TokenKind::Comment)?;
    let at = token.span.start as usize;
    let word = text.get(at..token.span.end as usize)?;
    let same_line = !text.get(end..at)?.contains(['\n', '\r']);
    let goes_on = match token.kind {
        TokenKind::Error | TokenKind::Operator | TokenKind::Close => true,
        TokenKind::Punctuation => word != ";",
        TokenKind::Number => word.starts_with(['+', '-']),
        TokenKind::Open => word == "[" || word == "(",
        _ => false,
    };
    (same_line && goes_on).then_some(at)
}

fn place(error: &pest::error::Error<Rule>) -> usize {
    match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
    }
}

/// A parser's error as people read it.
fn explained(text: &str, error: &pest::error::Error<Rule>) -> TextError {
    let mut lexer = Lexer::new(text);
    let mut last = 0;
    let mut wrong = None;
    for token in lexer.by_ref() {
        if token.kind != TokenKind::Comment {
            last = token.span.end as usize;
        }
        if token.kind == TokenKind::Error {
            wrong = wrong.or(Some(token.span));
        }
    }
    let at = place(error);
    let span_at = |at: usize| {
        let end = Lexer::from(text, at)
            .next()
            .map_or(at, |token| token.span.end as usize);
        let start = text
            .get(at..)
            .map_or(at, |rest| at + rest.len() - rest.trim_start().len());
        Span::new(start.min(end), end)
    };
    // What is left open is the cause of whatever is missing at the end.
    if let Some(opening) = lexer.opening()
        && wrong.is_none_or(|wrong| wrong.start as usize > at)
        && (at >= last || at >= opening)
    {
        let mark = text.get(opening..).and_then(|rest| rest.chars().next());
        let (message, width) = match mark {
            Some('/') => ("this comment is not closed", 2),
            Some('"' | '\'' | '`') => ("this string is not closed", 1),
            Some(mark @ ('(' | '[' | '{')) if at >= last => match mark {
                '(' => ("this `(` is not closed", 1),
                '[' => ("this `[` is not closed", 1),
                _ => ("this `{` is not closed", 1),
            },
            _ => ("", 0),
        };
        if width > 0 {
            let span = Span::new(opening, opening + width);
            return TextError::new(ErrorKind::Syntax, message, span);
        }
    }
    if last == 0 {
        let span = Span::new(text.len(), text.len());
        return TextError::new(ErrorKind::Plain, "A query is required.", span);
    }
    let found = text.get(at..).unwrap_or_default().trim_start();
    let message = match &error.variant {
        ErrorVariant::CustomError { message } => message.clone(),
        ErrorVariant::ParsingError { positives, .. } => {
            let mut expected: Vec<&str> = Vec::new();
            for rule in positives {
                let label = label(*rule);
                if !label.is_empty() && !expected.contains(&label) {
                    expected.push(label);
                }
            }
            match (&expected[..], found.chars().next()) {
                (["the end"], Some(_)) | ([], Some(_)) => "Unexpected token".to_string(),
                ([], None) => "Unexpected end of input".to_string(),
                (_, None) => format!(
                    "Unexpected end of input, expected {}",
                    expected.join(" or ")
                ),
                (_, Some(_)) => format!("Unexpected token, expected {}", expected.join(" or ")),
            }
        }
    };
    let error = TextError::new(ErrorKind::Syntax, message, span_at(at));
    match found.chars().next() {
        Some('+' | '-' | '*' | '/' | '%' | '<' | '>' | '=' | '!' | '&' | '|' | '?') => error
            .hint("there are no operators in FQL v4: write Add(a, b), Equals(a, b), If(a, b, c)"),
        Some('`') => error.hint("a template cannot hold ${...}"),
        Some('.') => error.hint("there is no member access in FQL v4: write Select(path, from)"),
        _ => error,
    }
}

/// A text that the grammar accepts and that has no tree; does not happen.
fn internal(text: &str) -> TextError {
    let span = Span::new(0, text.len());
    TextError::new(ErrorKind::Syntax, "Unexpected token", span)
}

fn span(pair: &Pair<'_, Rule>) -> Span {
    let span = pair.as_span();
    Span::new(span.start(), span.end())
}

/// The node of an expression.
fn node(pair: Pair<'_, Rule>) -> Parsed<Node> {
    let span = span(&pair);
    let kind = match pair.as_rule() {
        Rule::word => word(pair),
        Rule::number => NodeKind::Number(literal::number(pair.as_str())),
        Rule::string => NodeKind::String(string(&pair)?),
        Rule::array => NodeKind::Array(nodes(pair)?),
        Rule::object => {
            let fields: Parsed<Vec<_>> = parts(pair).map(field).collect();
            NodeKind::Object(object(fields?))
        }
        Rule::call => call(pair)?,
        Rule::arrow | Rule::function => function(pair)?,
        _ => return Err(internal(pair.as_str())),
    };
    Ok(Node { kind, span })
}

fn nodes(pair: Pair<'_, Rule>) -> Parsed<Vec<Node>> {
    parts(pair).map(node).collect()
}

/// What a pair is made of, without commas and brackets.
fn parts(pair: Pair<'_, Rule>) -> impl Iterator<Item = Pair<'_, Rule>> {
    pair.into_inner().filter(|part| !is_mark(part.as_rule()))
}

fn word(pair: Pair<'_, Rule>) -> NodeKind {
    match pair.as_str() {
        "true" => NodeKind::Bool(true),
        "false" => NodeKind::Bool(false),
        "null" => NodeKind::Null,
        "undefined" => NodeKind::Undefined,
        name => NodeKind::Name(name.to_string()),
    }
}

fn string(pair: &Pair<'_, Rule>) -> Parsed<String> {
    literal::string(pair.as_str())
        .map_err(|message| TextError::new(ErrorKind::Syntax, message, span(pair)))
}

/// `key: value`, or a name that is both.
fn field(pair: Pair<'_, Rule>) -> Parsed<(String, Node)> {
    let whole = span(&pair);
    let text = pair.as_str().to_string();
    let mut inner = parts(pair);
    let (Some(key), value) = (inner.next(), inner.next()) else {
        return Err(internal(&text));
    };
    let name = match key.as_rule() {
        Rule::string => string(&key)?,
        Rule::number => literal::key(key.as_str()),
        _ => key.as_str().to_string(),
    };
    let value = match value {
        Some(value) => node(value)?,
        None => Node {
            kind: NodeKind::Name(name.clone()),
            span: whole,
        },
    };
    Ok((name, value))
}

fn call(pair: Pair<'_, Rule>) -> Parsed<NodeKind> {
    let mut name = String::new();
    let mut name_span = span(&pair);
    let mut arguments = Vec::new();
    for part in parts(pair) {
        match part.as_rule() {
            Rule::arguments => arguments = nodes(part)?,
            _ => {
                name = part.as_str().to_string();
                name_span = span(&part);
            }
        }
    }
    Ok(NodeKind::Call {
        name,
        name_span,
        arguments,
    })
}

fn function(pair: Pair<'_, Rule>) -> Parsed<NodeKind> {
    let text = pair.as_str().to_string();
    let mut parameters = Vec::new();
    let mut body = None;
    for part in parts(pair) {
        match part.as_rule() {
            Rule::parameters | Rule::function_parameters => {
                parameters = parts(part).map(|name| name.as_str().to_string()).collect();
            }
            Rule::kw_function | Rule::function_name | Rule::kw_return => {}
            _ => body = Some(node(part)?),
        }
    }
    match body {
        Some(body) => Ok(NodeKind::Function {
            parameters,
            body: Box::new(body),
        }),
        None => Err(internal(&text)),
    }
}
