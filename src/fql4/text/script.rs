//! Where a statement ends: for scripts, and for the shell, which asks while somebody types.
//!
//! A statement ends where its expression ends; semicolons may stand between statements. A line that begins with `:`, or
//! with `.` and a word, where a statement could begin is a command of the shell.

use super::error::{ErrorKind, TextError};
use super::lexer::{Lexer, is_blank};
use super::parse::{self, statement_end};
use crate::fql::syntax::{Completeness, ScriptItem, ScriptItemKind, Span, TokenKind};

/// The statements and commands of a text, and what keeps it from being a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// What it consists of, in order. Text that does not parse is an item, too.
    pub items: Vec<ScriptItem>,
    /// The text is cut off: something in the last item is not closed. Such a script must not run.
    pub cut_off: Option<TextError>,
}

/// Splits a text into its statements.
///
/// ```
/// let script = "// as admin\nCreateCollection({\n  name: 'a'\n})\nNow(); // later\n:quit";
/// let items = fql::fql4::text::split_statements(script).items;
/// let texts: Vec<_> = items.iter().map(|i| &script[i.span.start as usize..i.span.end as usize]).collect();
/// assert_eq!(texts, ["CreateCollection({\n  name: 'a'\n})", "Now()", ":quit"]);
/// ```
pub fn split_statements(text: &str) -> Script {
    if parse::bounded(text).is_err() {
        // It is refused when it is run.
        let item = ScriptItem {
            kind: ScriptItemKind::Query,
            span: Span::new(0, text.len()),
            line: 1,
        };
        return Script {
            items: vec![item],
            cut_off: None,
        };
    }
    let mut items: Vec<ScriptItem> = Vec::new();
    let mut cut_off = None;
    let (mut counted, mut line) = (0, 1);
    let mut at = 0;
    while let Some(start) = next_start(text, at) {
        line += text
            .get(counted..start)
            .map_or(0, |passed| passed.matches('\n').count());
        counted = start;
        let rest = text.get(start..).unwrap_or_default();
        let (kind, length) = match is_command(rest) {
            true => {
                let length = rest.lines().next().map_or(1, |line| line.trim_end().len());
                (ScriptItemKind::Command, length)
            }
            false => {
                let length = match grown(|| statement_end(rest)) {
                    Ok(length) => length.max(1),
                    Err(wrong) => {
                        let length = wrong_end(rest, wrong);
                        if is_open(rest.get(..length).unwrap_or(rest)) {
                            cut_off = explain(rest, start);
                        }
                        length
                    }
                };
                (ScriptItemKind::Query, length)
            }
        };
        at = start + length;
        items.push(ScriptItem {
            kind,
            span: Span::new(start, at),
            line,
        });
    }
    if cut_off.is_none()
        && let Some(comment) = unclosed_comment(text, at)
    {
        let message = "this comment is not closed";
        let span = Span::new(comment, comment + 2);
        cut_off = Some(TextError::new(ErrorKind::Syntax, message, span));
    }
    Script { items, cut_off }
}

/// Judges a text as the one being typed: whether Enter runs it.
///
/// ```
/// use fql::fql::syntax::Completeness;
/// use fql::fql4::text::completeness;
/// assert_eq!(completeness("Get("), Completeness::Incomplete);
/// assert_eq!(completeness("x =>"), Completeness::Incomplete);
/// assert_eq!(completeness("Get(1)"), Completeness::Complete);
/// assert_eq!(completeness("Get(]"), Completeness::Invalid);
/// ```
pub fn completeness(text: &str) -> Completeness {
    if parse::bounded(text).is_err() {
        return Completeness::Invalid;
    }
    let script = split_statements(text);
    if script.cut_off.is_some() {
        return Completeness::Incomplete;
    }
    let Some(last) = script.items.last() else {
        return Completeness::Complete;
    };
    let rest = text.get(last.span.start as usize..).unwrap_or_default();
    if last.kind == ScriptItemKind::Command {
        return Completeness::Complete;
    }
    match grown(|| statement_end(rest)) {
        Ok(_) => Completeness::Complete,
        Err(wrong) if wrong >= last_token_end(rest) => Completeness::Incomplete,
        Err(_) => Completeness::Invalid,
    }
}

/// The parser needs room for what nests deep.
fn grown<T>(parse: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(super::STACK, super::STACK, parse)
}

/// Where the next item begins.
fn next_start(text: &str, at: usize) -> Option<usize> {
    Lexer::from(text, at)
        .find(|token| {
            let word = text.get(token.span.start as usize..token.span.end as usize);
            token.kind != TokenKind::Comment && word != Some(";")
        })
        .map(|token| token.span.start as usize)
}

fn is_command(text: &str) -> bool {
    let mut chars = text.chars();
    match chars.next() {
        Some(':') => true,
        Some('.') => chars.next().is_some_and(|ch| ch.is_ascii_alphabetic()),
        _ => false,
    }
}

/// How far an item goes that does not parse at `wrong`: to the end of that line, or of what is open there.
fn wrong_end(text: &str, wrong: usize) -> usize {
    let mut lexer = Lexer::new(text);
    let (mut end, mut depth) = (0, 0);
    while let Some(token) = lexer.next() {
        let between = text.get(end..token.span.start as usize).unwrap_or_default();
        if end > wrong && depth == 0 && between.contains(['\n', '\r']) {
            return end;
        }
        depth = lexer.depth();
        end = token.span.end as usize;
    }
    text.trim_end_matches(is_blank).len()
}

/// Whether something in a text is not closed, and nothing in it is closed that was not opened.
fn is_open(text: &str) -> bool {
    let mut lexer = Lexer::new(text);
    let sound = lexer.by_ref().all(|token| token.kind != TokenKind::Error);
    sound && lexer.opening().is_some()
}

/// What is wrong with the statement that begins at `start`.
fn explain(rest: &str, start: usize) -> Option<TextError> {
    let mut error = grown(|| parse::query(rest)).err()?;
    let shift = u32::try_from(start).unwrap_or(u32::MAX);
    error.span.start = error.span.start.saturating_add(shift);
    error.span.end = error.span.end.saturating_add(shift);
    Some(error)
}

fn unclosed_comment(text: &str, at: usize) -> Option<usize> {
    let mut lexer = Lexer::from(text, at);
    lexer.by_ref().for_each(drop);
    lexer.opening()
}

fn last_token_end(text: &str) -> usize {
    Lexer::new(text)
        .filter(|token| token.kind != TokenKind::Comment)
        .last()
        .map_or(0, |token| token.span.end as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(text: &str) -> Vec<(&str, usize)> {
        let slice = |item: &ScriptItem| &text[item.span.start as usize..item.span.end as usize];
        let script = split_statements(text);
        let found = script.items.iter().map(|item| (slice(item), item.line));
        found.collect()
    }

    #[test]
    fn statements_and_commands() {
        assert_eq!(
            items("\n;/* a */ f(1)\n// b\n{ a: 2 };;[3] 'x'\n:use b\n.exit\n.5"),
            [
                ("f(1)", 2),
                ("{ a: 2 }", 4),
                ("[3]", 4),
                ("'x'", 4),
                (":use b", 5),
                (".exit", 6),
                (".5", 7)
            ]
        );
        assert_eq!(items("f\n(1)"), [("f\n(1)", 1)]);
        assert_eq!(items("// only\n"), []);
    }

    #[test]
    fn what_does_not_parse_ends_with_its_line() {
        assert_eq!(
            items("f(1 2)\ng()\n(1)\nf(]\n:x"),
            [("f(1 2)", 1), ("g()", 2), ("(1)", 3), ("f(]\n:x", 4)]
        );
        assert_eq!(
            items("a.b\nc\nf(1) - 1\n[2]"),
            [("a.b", 1), ("c", 2), ("f(1) - 1", 3), ("[2]", 4)]
        );
    }

    #[test]
    fn cut_off_scripts() {
        let cut = |text: &str| {
            let error = split_statements(text).cut_off?;
            Some((error.message, error.span.start as usize))
        };
        assert_eq!(cut("f(1)\ng()"), None);
        assert_eq!(
            cut("f(1)\nUpdate(\n{ a: 1 }\n"),
            Some(("this `(` is not closed".into(), 11))
        );
        assert_eq!(cut("f('a"), Some(("this string is not closed".into(), 2)));
        assert_eq!(
            cut("1 /* a"),
            Some(("this comment is not closed".into(), 2))
        );
        assert_eq!(cut("f(]"), None);
    }

    #[test]
    fn enter_runs_what_is_complete() {
        for text in ["", "1", "f()", "f(1);", "f()\ng()", ":use a", "// a"] {
            assert_eq!(completeness(text), Completeness::Complete, "{text}");
        }
        for text in [
            "f(",
            "f()\ng(",
            "{",
            "'a",
            "/* a",
            "(x) =>",
            "f([1,",
            "`a\n",
            "function (a)",
        ] {
            assert_eq!(completeness(text), Completeness::Incomplete, "{text}");
        }
        for text in ["f(]", "f(1 2)", "function 1", "a."] {
            assert_eq!(completeness(text), Completeness::Invalid, "{text}");
        }
    }
}
