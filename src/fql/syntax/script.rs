//! Where a query ends: for the shell, which asks while somebody types, and for scripts.
//!
//! A query ends at the first line end where it is complete: brackets and strings closed, no operator, `let` or branch
//! waiting for an expression, and the next line not continuing it.

use super::lexer::{Lexer, Token, TokenKind};
use super::parse::parse_query;
use super::source::{Source, Span};

/// Whether a text may be run as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// It parses, or holds nothing at all.
    Complete,
    /// It may yet become a query.
    Incomplete,
    /// No continuation makes it a query.
    Invalid,
}

/// Judges a text as one query.
///
/// ```
/// use fql::fql::syntax::{is_complete, Completeness};
/// assert_eq!(is_complete("let a = 1"), Completeness::Incomplete);
/// assert_eq!(is_complete("let a = 1\na"), Completeness::Complete);
/// assert_eq!(is_complete("f(]"), Completeness::Invalid);
/// ```
pub fn is_complete(text: &str) -> Completeness {
    let mut lexer = Lexer::new(text);
    let mut last = None;
    for token in lexer.by_ref() {
        if token.kind != TokenKind::Comment {
            last = Some(token.end);
        }
    }
    let Some(last) = last else {
        return if lexer.unclosed() {
            Completeness::Incomplete
        } else {
            Completeness::Complete
        };
    };
    let open = lexer.unclosed();
    let heredoc = lexer.open_heredoc().unwrap_or(usize::MAX);
    match parse_query(&Source::query(text)) {
        Ok(_) => Completeness::Complete,
        Err(errors) => {
            // An error behind the last token is about what is still missing; an unclosed string is reported where
            // it begins.
            let waiting = errors.iter().all(|error| {
                error.location.as_ref().is_some_and(|location| {
                    let at = location.span.start as usize;
                    at >= last.min(heredoc) || open && text.get(at..).is_some_and(begins_unclosed)
                })
            });
            if waiting {
                Completeness::Incomplete
            } else {
                Completeness::Invalid
            }
        }
    }
}

/// Whether a string or comment begins here and does not end.
fn begins_unclosed(text: &str) -> bool {
    let mut lexer = Lexer::new(text);
    let starts = text.starts_with(['"', '\'', '<']) || text.starts_with("/*");
    starts && {
        while lexer.next().is_some() {}
        lexer.unclosed()
    }
}

/// A query or command of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScriptItem {
    /// Which of the two.
    pub kind: ScriptItemKind,
    /// Its text, without blanks around it.
    pub span: Span,
    /// The line it starts on, from 1.
    pub line: usize,
}

/// What a script consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScriptItemKind {
    /// One transaction.
    Query,
    /// A line that starts with `:`, or with `.` and a word.
    Command,
}

/// The queries and commands of a script, in order.
///
/// ```
/// use fql::fql::syntax::split_queries;
/// let script = "let a = 1\na\n  .toString()\n\n:use b\n2";
/// let items: Vec<_> = split_queries(script).iter().map(|item| &script[item.span.start as usize..item.span.end as usize]).collect();
/// assert_eq!(items, ["let a = 1\na\n  .toString()", ":use b", "2"]);
/// ```
pub fn split_queries(text: &str) -> Vec<ScriptItem> {
    let mut items = Vec::new();
    let mut lines = LineCounter {
        text,
        at: 0,
        line: 1,
    };
    let mut at = 0;
    while let Some(item) = next_item(text, at, &mut lines) {
        at = item.span.end as usize;
        items.push(item);
    }
    items
}

/// The item that begins at or after `at`.
fn next_item(text: &str, at: usize, lines: &mut LineCounter<'_>) -> Option<ScriptItem> {
    let mut lexer = Lexer::from(text, at);
    let first = lexer
        .by_ref()
        .find(|token| token.kind != TokenKind::Comment)?;
    let line = lines.line_at(first.start);
    let rest = text.get(first.start..).unwrap_or("");
    if is_command(rest) {
        let length = rest.lines().next().map_or(0, |line| line.trim_end().len());
        let span = Span::new(first.start, first.start + length);
        return Some(ScriptItem {
            kind: ScriptItemKind::Command,
            span,
            line,
        });
    }
    let mut statements = Statements::default();
    statements.push(text, &first, lexer.depth());
    let mut end = first.end;
    let mut newline = false;
    while let Some(token) = lexer.next() {
        newline |= token.newline_before;
        if token.kind == TokenKind::Comment {
            continue;
        }
        let word = text.get(token.start..token.end).unwrap_or("");
        if std::mem::take(&mut newline) && statements.at_top() && statements.ends_before(word) {
            break;
        }
        statements.push(text, &token, lexer.depth());
        end = token.end;
    }
    Some(ScriptItem {
        kind: ScriptItemKind::Query,
        span: Span::new(first.start, end),
        line,
    })
}

fn is_command(text: &str) -> bool {
    let mut chars = text.chars();
    match chars.next() {
        Some(':') => true,
        Some('.') => chars.next().is_some_and(|ch| ch.is_ascii_alphabetic()),
        _ => false,
    }
}

/// Counts lines forward only, so that a whole script costs one pass.
struct LineCounter<'t> {
    text: &'t str,
    at: usize,
    line: usize,
}

impl LineCounter<'_> {
    fn line_at(&mut self, offset: usize) -> usize {
        self.line += self
            .text
            .get(self.at..offset)
            .map_or(0, |passed| passed.matches('\n').count());
        self.at = offset;
        self.line
    }
}

/// What is known of the statements read so far: whether a line end here ends one, and whether a line end outside all
/// brackets ends the query.
#[derive(Debug, Default)]
pub(super) struct Statements {
    /// For each open bracket, the state around it.
    outer: Vec<Statement>,
    current: Statement,
}

/// The statement that is being read within one pair of brackets.
#[derive(Clone, Copy, Debug, Default)]
struct Statement {
    /// It began with `let`.
    is_let: bool,
    /// ... and its `=` has not come yet.
    in_let_head: bool,
    /// What was read last.
    last: Last,
    /// This bracket holds the condition of `if` or the time of `at`.
    holds_condition: bool,
}

/// How the text before a place ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Last {
    /// With nothing: a statement begins.
    #[default]
    Nothing,
    /// With something an expression may end in.
    Operand,
    /// With an operator, a comma, a dot...: something must follow.
    Waiting,
    /// With `if` or `at`.
    Condition,
    /// With `;`
    Separator,
}

impl Statements {
    /// Outside all brackets.
    pub(super) fn at_top(&self) -> bool {
        self.outer.is_empty()
    }

    /// Whether a line end before `next` ends the query, when outside all brackets.
    pub(super) fn ends_before(&self, next: &str) -> bool {
        self.ends_statement(next) && !self.current.is_let
    }

    /// Whether a line end before `next` ends the statement.
    pub(super) fn ends_statement(&self, next: &str) -> bool {
        let current = self.current;
        let open = match current.last {
            Last::Operand => current.in_let_head || continues(next),
            Last::Separator => false,
            Last::Nothing | Last::Waiting | Last::Condition => true,
        };
        !open
    }

    /// Takes note of a token; `depth` is how many brackets are open after it.
    pub(super) fn push(&mut self, text: &str, token: &Token, depth: usize) {
        let word = text.get(token.start..token.end).unwrap_or("");
        if token.newline_before && self.ends_statement(word) {
            self.current = Statement {
                holds_condition: self.current.holds_condition,
                ..Statement::default()
            };
        }
        if depth > self.outer.len() {
            let holds_condition = self.current.last == Last::Condition;
            self.current.last = if holds_condition {
                Last::Waiting
            } else {
                Last::Operand
            };
            let inner = Statement {
                holds_condition,
                ..Statement::default()
            };
            while self.outer.len() < depth {
                self.outer.push(self.current);
                self.current = inner;
            }
            return;
        }
        if depth < self.outer.len() {
            while self.outer.len() > depth {
                self.current = self.outer.pop().unwrap_or_default();
            }
            return;
        }
        if matches!(self.current.last, Last::Nothing | Last::Separator) {
            let is_let = token.kind == TokenKind::Keyword && word == "let";
            self.current.is_let = is_let;
            self.current.in_let_head = is_let;
        }
        let before = text.get(..token.start).unwrap_or("").trim_end();
        self.current.last = match token.kind {
            // A field or method of that name: `xs.at(0)`.
            TokenKind::Keyword if before.ends_with('.') => Last::Operand,
            TokenKind::Keyword => match word {
                "if" | "at" => Last::Condition,
                "null" | "true" | "false" => Last::Operand,
                _ => Last::Waiting,
            },
            TokenKind::Operator => {
                if word == "=" {
                    self.current.in_let_head = false;
                }
                match word {
                    "!" | "?" if self.current.last == Last::Operand => Last::Operand,
                    _ => Last::Waiting,
                }
            }
            TokenKind::Punctuation => {
                if word == ";" {
                    Last::Separator
                } else {
                    Last::Waiting
                }
            }
            TokenKind::Name
            | TokenKind::Function
            | TokenKind::Field
            | TokenKind::Key
            | TokenKind::Number
            | TokenKind::String
            | TokenKind::Interpolation
            | TokenKind::Placeholder
            | TokenKind::Open
            | TokenKind::Close
            | TokenKind::Comment
            | TokenKind::Error => Last::Operand,
        };
    }
}

/// Whether a line that begins so continues the expression above it.
fn continues(next: &str) -> bool {
    matches!(
        next,
        "." | "?." | "??" | "||" | "&&" | "|" | "^" | "&" | "else"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<&str> {
        split_queries(text)
            .iter()
            .map(|item| &text[item.span.start as usize..item.span.end as usize])
            .collect()
    }

    #[test]
    fn queries_end_at_line_ends() {
        let table: &[(&str, &[&str])] = &[
            ("1\n2", &["1", "2"]),
            ("1; 2\n3", &["1; 2", "3"]),
            ("1;\n2", &["1;", "2"]),
            ("let a = 1\na", &["let a = 1\na"]),
            ("let a = 1;\na\nb", &["let a = 1;\na", "b"]),
            ("let a\n = 1\na", &["let a\n = 1\na"]),
            ("let a: Int?\n= 1\na", &["let a: Int?\n= 1\na"]),
            ("a +\nb", &["a +\nb"]),
            ("a\n+ b", &["a", "+ b"]),
            ("a\n&& b", &["a\n&& b"]),
            ("a\n  .b\n  ?.c\nd", &["a\n  .b\n  ?.c", "d"]),
            ("a // c\n  // d\n  .b", &["a // c\n  // d\n  .b"]),
            ("f(\n1,\n2)\ng", &["f(\n1,\n2)", "g"]),
            (
                "{\n  let a = 1\n  a\n}\n2",
                &["{\n  let a = 1\n  a\n}", "2"],
            ),
            ("if (a)\n b\nelse\n c\nd", &["if (a)\n b\nelse\n c", "d"]),
            ("at (t)\n x", &["at (t)\n x"]),
            ("x =>\n x\ny", &["x =>\n x", "y"]),
            ("a!\nb", &["a!", "b"]),
            ("!\nb", &["!\nb"]),
            ("\"a\n#{ b\n}\"\nc", &["\"a\n#{ b\n}\"", "c"]),
            ("'a\nb'\nc", &["'a\nb'", "c"]),
            ("<<-E\n a\n E\nb", &["<<-E\n a\n E", "b"]),
            ("a { b }\nc", &["a { b }", "c"]),
            ("\n\n// only\n", &[]),
            ("1 /* a\nb */ + 2\n3", &["1 /* a\nb */ + 2", "3"]),
        ];
        for (text, expected) in table {
            assert_eq!(&split(text), expected, "{text}");
        }
    }

    #[test]
    fn methods_named_like_keywords_are_methods() {
        assert_eq!(
            split("xs.at(0)\n\n:type 1\n1"),
            ["xs.at(0)", ":type 1", "1"]
        );
    }

    #[test]
    fn commands_are_lines() {
        let items = split_queries("1\n  :use a/b  \n2\n:quit");
        let kinds: Vec<_> = items.iter().map(|item| (item.kind, item.line)).collect();
        use ScriptItemKind::{Command, Query};
        assert_eq!(kinds, [(Query, 1), (Command, 2), (Query, 3), (Command, 4)]);
        assert_eq!(split(".exit\n1"), [".exit", "1"]);
    }

    #[test]
    fn completeness() {
        use Completeness::{Complete, Incomplete, Invalid};
        let table = [
            ("", Complete),
            ("// c", Complete),
            ("/* c", Incomplete),
            ("1", Complete),
            ("1 +", Incomplete),
            ("f(", Incomplete),
            ("f(a", Incomplete),
            ("f(a,\n", Incomplete),
            ("{ let a = 1", Incomplete),
            ("let a", Incomplete),
            ("let a =", Incomplete),
            ("if (a)", Incomplete),
            ("if (a) b else", Incomplete),
            ("'a", Incomplete),
            ("\"a", Incomplete),
            ("f(\"a", Incomplete),
            ("\"a#{", Incomplete),
            ("\"a#{b} c", Incomplete),
            ("<<-E\n a", Incomplete),
            ("<<-E", Incomplete),
            ("x =>", Incomplete),
            ("a.", Incomplete),
            ("a {", Incomplete),
            ("f(]", Invalid),
            ("1 2", Invalid),
            (")", Invalid),
            (".a", Invalid),
            ("1 /* c", Incomplete),
        ];
        for (text, expected) in table {
            assert_eq!(is_complete(text), expected, "{text}");
        }
    }
}
