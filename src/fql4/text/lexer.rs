//! The lexical rules of `grammar/fql4.pest` as a tolerant, iterative scanner.
//!
//! For what must work on any text in one pass: highlighting, what is left open, how deep a text nests. What parses is
//! decided by the grammar alone.

use crate::fql::syntax::{Span, TokenKind};

/// A token, comments included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) span: Span,
}

/// Yields the tokens of a text.
pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
    /// The brackets that are open: what closes them, and where they stand.
    open: Vec<(char, usize)>,
    /// Where a string or comment begins that does not end.
    unclosed: Option<usize>,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Lexer<'t> {
        Lexer::from(text, 0)
    }

    /// Starts at a byte offset, with nothing open.
    pub(super) fn from(text: &'t str, at: usize) -> Lexer<'t> {
        Lexer {
            text,
            at,
            open: Vec::new(),
            unclosed: None,
        }
    }

    /// How many brackets are open.
    pub(super) fn depth(&self) -> usize {
        self.open.len()
    }

    /// Where the innermost of what is open so far begins.
    pub(super) fn opening(&self) -> Option<usize> {
        self.unclosed.or(self.open.last().map(|(_, at)| *at))
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The end of a string that begins at the current place; `None` if there is none.
    fn string_end(&self, quote: char) -> Option<usize> {
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((i, ch)) = chars.next() {
            match ch {
                '\\' => {
                    // A line continuation takes both characters of a line end.
                    if let Some((_, '\r')) = chars.next()
                        && chars.clone().next().is_some_and(|(_, next)| next == '\n')
                    {
                        chars.next();
                    }
                }
                '\n' | '\r' if quote != '`' => return None,
                ch if ch == quote => return Some(self.at + i + ch.len_utf8()),
                _ => {}
            }
        }
        None
    }

    fn line_end(&self) -> usize {
        let rest = self.rest();
        self.at + rest.find(['\n', '\r']).unwrap_or(rest.len())
    }
}

/// Whether a character may begin a name.
fn begins_name(ch: char) -> bool {
    ch == '_' || ch == '$' || ch.is_alphabetic()
}

/// Whether a character may go on with a name or number.
fn continues_name(ch: char) -> bool {
    ch == '_' || ch == '$' || ch.is_alphanumeric()
}

pub(super) fn is_blank(ch: char) -> bool {
    matches!(
        ch,
        ' ' | '\t'
            | '\r'
            | '\n'
            | '\u{B}'
            | '\u{C}'
            | '\u{A0}'
            | '\u{FEFF}'
            | '\u{2028}'
            | '\u{2029}'
    )
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches(is_blank).len();
        let rest = self.rest();
        let first = rest.chars().next()?;
        let second = rest.chars().nth(1);
        let start = self.at;
        let word_end = |from: usize| {
            let rest = rest.get(from..).unwrap_or_default();
            start + from + rest.find(|ch| !continues_name(ch)).unwrap_or(rest.len())
        };
        let (kind, end) = match first {
            '/' if second == Some('/') => (TokenKind::Comment, self.line_end()),
            '/' if second == Some('*') => match rest.get(2..).and_then(|rest| rest.find("*/")) {
                Some(length) => (TokenKind::Comment, start + length + 4),
                None => {
                    self.unclosed = Some(start);
                    (TokenKind::Comment, self.text.len())
                }
            },
            '"' | '\'' | '`' => match self.string_end(first) {
                Some(end) => (TokenKind::String, end),
                // Only a template goes over the line end; the others are wrong there, or at the end not finished.
                None => {
                    let line_end = self.line_end();
                    if first == '`' || line_end == self.text.len() {
                        self.unclosed = Some(start);
                        (TokenKind::String, self.text.len())
                    } else {
                        (TokenKind::Error, line_end)
                    }
                }
            },
            '(' | '[' | '{' => {
                let closing = match first {
                    '(' => ')',
                    '[' => ']',
                    _ => '}',
                };
                self.open.push((closing, start));
                (TokenKind::Open, start + 1)
            }
            ')' | ']' | '}' => match self.open.last() {
                Some((closing, _)) if *closing == first => {
                    self.open.pop();
                    (TokenKind::Close, start + 1)
                }
                Some(_) | None => (TokenKind::Error, start + 1),
            },
            '=' if second == Some('>') => (TokenKind::Operator, start + 2),
            ',' | ';' | ':' => (TokenKind::Punctuation, start + 1),
            '0'..='9' => (TokenKind::Number, number_end(rest, start)),
            '.' if second.is_some_and(|ch| ch.is_ascii_digit()) => {
                (TokenKind::Number, number_end(rest, start))
            }
            '-' | '+' if second.is_some_and(|ch| ch.is_ascii_digit() || ch == '.') => {
                let rest = rest.get(1..).unwrap_or_default();
                (TokenKind::Number, number_end(rest, start + 1))
            }
            '.' => (TokenKind::Punctuation, start + 1),
            ch if begins_name(ch) => {
                let end = word_end(0);
                let kind = match self.text.get(start..end).unwrap_or_default() {
                    "true" | "false" | "null" | "undefined" | "function" | "return" => {
                        TokenKind::Keyword
                    }
                    _ => TokenKind::Name,
                };
                (kind, end)
            }
            ch => (TokenKind::Error, start + ch.len_utf8()),
        };
        self.at = end;
        Some(Token {
            kind,
            span: Span::new(start, end),
        })
    }
}

/// The end of a number whose digits begin at `start`.
fn number_end(rest: &str, start: usize) -> usize {
    let mut previous = ' ';
    let hexadecimal = rest.starts_with("0x") || rest.starts_with("0X");
    let length = rest.find(|ch: char| {
        let exponent = !hexadecimal && matches!(previous, 'e' | 'E') && matches!(ch, '+' | '-');
        previous = ch;
        !(continues_name(ch) || ch == '.' || exponent)
    });
    start + length.unwrap_or(rest.len())
}

/// The tokens of a text for highlighting: names that are called and keys of objects are told apart.
///
/// ```
/// use fql::fql::syntax::TokenKind;
/// let kinds: Vec<_> = fql::fql4::text::tokens("Get(x)").into_iter().map(|(_, kind)| kind).collect();
/// assert_eq!(kinds, [TokenKind::Function, TokenKind::Open, TokenKind::Name, TokenKind::Close]);
/// ```
pub fn tokens(text: &str) -> Vec<(Span, TokenKind)> {
    let mut found: Vec<(Span, TokenKind)> = Vec::new();
    let mut previous: Option<usize> = None;
    for token in Lexer::new(text) {
        if token.kind != TokenKind::Comment {
            let word = text
                .get(token.span.start as usize..token.span.end as usize)
                .unwrap_or_default();
            if let Some((_, before)) = previous.and_then(|i| found.get_mut(i)) {
                match (*before, word) {
                    (TokenKind::Name, "(") => *before = TokenKind::Function,
                    (TokenKind::Name | TokenKind::Keyword, ":") => *before = TokenKind::Key,
                    _ => {}
                }
            }
            previous = Some(found.len());
        }
        found.push((token.span, token.kind));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<(&str, TokenKind)> {
        let slice = |span: Span| &text[span.start as usize..span.end as usize];
        tokens(text)
            .into_iter()
            .map(|(span, kind)| (slice(span), kind))
            .collect()
    }

    #[test]
    fn tokens_of_a_query() {
        use TokenKind::*;
        assert_eq!(
            shown("Map(x, a => { b: -1.5e+3, 'c': 0x1F }) // d"),
            [
                ("Map", Function),
                ("(", Open),
                ("x", Name),
                (",", Punctuation),
                ("a", Name),
                ("=>", Operator),
                ("{", Open),
                ("b", Key),
                (":", Punctuation),
                ("-1.5e+3", Number),
                (",", Punctuation),
                ("'c'", String),
                (":", Punctuation),
                ("0x1F", Number),
                ("}", Close),
                (")", Close),
                ("// d", Comment),
            ]
        );
    }

    #[test]
    fn what_is_open() {
        let opening = |text: &str| {
            let mut lexer = Lexer::new(text);
            lexer.by_ref().for_each(drop);
            lexer.opening()
        };
        assert_eq!(opening("f(a, {b: [1]})"), None);
        assert_eq!(opening("f(a, {b: [1]}"), Some(1));
        assert_eq!(opening("f(a, {b: [1]"), Some(5));
        assert_eq!(opening("f('a)"), Some(2));
        assert_eq!(opening("f('a\n)"), None);
        assert_eq!(opening("f(`a\n)"), Some(2));
        assert_eq!(opening("f() /* a"), Some(4));
        assert_eq!(opening("f(\"\\\""), Some(2));
    }
}
