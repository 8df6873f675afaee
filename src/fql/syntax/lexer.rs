//! The lexical rules of `grammar/fql.pest` as a tolerant, iterative scanner.
//!
//! For what must work on any text, complete or not, in one pass and without recursion: highlighting, finding where a
//! query ends, bounding the nesting before the parser runs. What parses is decided by the grammar alone.

use super::build::RESERVED;
use super::source::Span;

/// What a token is, for highlighting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// `// ...`, `/* ... */`
    Comment,
    /// A reserved word where it is one.
    Keyword,
    /// A variable, module or collection.
    Name,
    /// A name that is called.
    Function,
    /// A name after a dot.
    Field,
    /// A name before a colon: an object's key or a projection's entry.
    Key,
    /// A number, without its sign.
    Number,
    /// A string, or a piece of one between interpolations.
    String,
    /// `#{` or its `}`
    Interpolation,
    /// A template value.
    Placeholder,
    /// An operator.
    Operator,
    /// An opening bracket.
    Open,
    /// A closing bracket.
    Close,
    /// `,` `;` `:` `.` `?.` `...`
    Punctuation,
    /// A character that belongs nowhere, or a bracket that closes nothing.
    Error,
}

/// The tokens of a text, comments included, in order.
///
/// ```
/// use fql::fql::syntax::{tokens, TokenKind};
/// let kinds: Vec<_> = tokens("x.f(1").into_iter().map(|(_, kind)| kind).collect();
/// assert_eq!(kinds, [TokenKind::Name, TokenKind::Punctuation, TokenKind::Function, TokenKind::Open, TokenKind::Number]);
/// ```
pub fn tokens(text: &str) -> Vec<(Span, TokenKind)> {
    let mut found: Vec<(Span, TokenKind)> = Vec::new();
    let mut previous: Option<usize> = None;
    for token in Lexer::new(text) {
        let mut kind = token.kind;
        let source = text.get(token.start..token.end).unwrap_or("");
        if kind != TokenKind::Comment {
            let before = previous.and_then(|index| found.get(index).copied());
            if let Some((span, before_kind)) = before {
                let before = text
                    .get(span.start as usize..span.end as usize)
                    .unwrap_or("");
                if matches!(kind, TokenKind::Name | TokenKind::Keyword)
                    && matches!(before, "." | "?.")
                {
                    kind = TokenKind::Field;
                }
                let renamed = match (before_kind, source) {
                    (TokenKind::Name | TokenKind::Field, "(") if !token.newline_before => {
                        Some(TokenKind::Function)
                    }
                    (TokenKind::Name | TokenKind::Keyword, ":") if before != "else" => {
                        Some(TokenKind::Key)
                    }
                    _ => None,
                };
                if let (Some(renamed), Some(slot)) =
                    (renamed, previous.and_then(|index| found.get_mut(index)))
                {
                    slot.1 = renamed;
                }
            }
            previous = Some(found.len());
        }
        found.push((Span::new(token.start, token.end), kind));
    }
    found
}

/// A token as it stands in the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) start: usize,
    pub(super) end: usize,
    /// A line ends between the previous token and this one.
    pub(super) newline_before: bool,
}

/// What is open around a place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frame {
    /// The closing bracket to come.
    Bracket(u8),
    /// `"`
    Template,
    /// The tag, and whether `#{` interpolates.
    Heredoc {
        tag: (usize, usize),
        interpolates: bool,
    },
    /// `#{`
    Interpolation,
}

/// Yields the tokens of a text.
pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
    newline: bool,
    frames: Vec<Frame>,
    /// The text ends within a string, heredoc or comment.
    unclosed: bool,
    /// The deepest nesting of block comments so far.
    comment_depth: usize,
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
            newline: false,
            frames: Vec::new(),
            unclosed: false,
            comment_depth: 0,
        }
    }

    /// How many brackets, templates and interpolations are open.
    pub(super) fn depth(&self) -> usize {
        self.frames.len()
    }

    pub(super) fn unclosed(&self) -> bool {
        self.unclosed || !self.frames.is_empty()
    }

    /// Where the heredoc that the text ends in begins.
    pub(super) fn open_heredoc(&self) -> Option<usize> {
        match self.frames.last() {
            Some(Frame::Heredoc { tag, .. }) => Some(tag.0),
            Some(Frame::Bracket(_) | Frame::Template | Frame::Interpolation) | None => None,
        }
    }

    pub(super) fn comment_depth(&self) -> usize {
        self.comment_depth
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn finish(&mut self, kind: TokenKind, start: usize) -> Token {
        let newline_before = std::mem::take(&mut self.newline);
        Token {
            kind,
            start,
            end: self.at,
            newline_before,
        }
    }

    // ------------------------------------------------------------------------------------------ code

    fn skip_blanks(&mut self) {
        while let Some(byte) = self.byte(0) {
            match byte {
                b'\n' | b'\r' => self.newline = true,
                b' ' | b'\t' => {}
                _ => break,
            }
            self.at += 1;
        }
    }

    fn code(&mut self) -> Option<Token> {
        self.skip_blanks();
        let start = self.at;
        let first = self.byte(0)?;
        let kind = match first {
            b'/' if self.byte(1) == Some(b'/') => {
                self.at += self.rest().find('\n').unwrap_or(self.rest().len());
                TokenKind::Comment
            }
            b'/' if self.byte(1) == Some(b'*') => self.block_comment(),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                self.skip_while(is_name_byte);
                if RESERVED.contains(&self.text.get(start..self.at).unwrap_or("")) {
                    TokenKind::Keyword
                } else {
                    TokenKind::Name
                }
            }
            b'0'..=b'9' => {
                self.number();
                TokenKind::Number
            }
            b'\'' => {
                self.single_quoted();
                TokenKind::String
            }
            b'"' => {
                self.at += 1;
                self.frames.push(Frame::Template);
                return Some(self.template_piece(start));
            }
            b'<' if matches!(
                (self.byte(1), self.byte(2)),
                (Some(b'<'), Some(b'-' | b'+'))
            ) =>
            {
                return Some(self.heredoc(start));
            }
            b'(' => self.open(b')'),
            b'[' => self.open(b']'),
            b'{' => self.open(b'}'),
            b')' | b']' | b'}' => self.close(first),
            0 if self.rest().starts_with("\0value>") => {
                self.at += "\0value>".len();
                TokenKind::Placeholder
            }
            _ => self.symbol(),
        };
        Some(self.finish(kind, start))
    }

    fn skip_while(&mut self, accept: fn(u8) -> bool) {
        while self.byte(0).is_some_and(accept) {
            self.at += 1;
        }
    }

    fn block_comment(&mut self) -> TokenKind {
        let mut depth = 0;
        while self.at < self.text.len() {
            match (self.byte(0), self.byte(1)) {
                (Some(b'/'), Some(b'*')) => {
                    depth += 1;
                    self.comment_depth = self.comment_depth.max(depth);
                    self.at += 2;
                }
                (Some(b'*'), Some(b'/')) => {
                    self.at += 2;
                    depth -= 1;
                    if depth == 0 {
                        return TokenKind::Comment;
                    }
                }
                _ => self.at += 1,
            }
        }
        self.unclosed = true;
        TokenKind::Comment
    }

    fn number(&mut self) {
        if self.byte(0) == Some(b'0')
            && matches!(self.byte(1), Some(b'x' | b'X' | b'o' | b'O' | b'b' | b'B'))
        {
            self.at += 2;
            self.skip_while(|byte| byte.is_ascii_hexdigit() || byte == b'_');
            return;
        }
        let digits = |byte: u8| byte.is_ascii_digit() || byte == b'_';
        self.skip_while(digits);
        if self.byte(0) == Some(b'.') && self.byte(1).is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
            self.skip_while(digits);
        }
        let signed = usize::from(matches!(self.byte(1), Some(b'+' | b'-')));
        if matches!(self.byte(0), Some(b'e' | b'E'))
            && self
                .byte(1 + signed)
                .is_some_and(|byte| byte.is_ascii_digit())
        {
            self.at += 1 + signed;
            self.skip_while(digits);
        }
    }

    fn open(&mut self, closing: u8) -> TokenKind {
        self.at += 1;
        self.frames.push(Frame::Bracket(closing));
        TokenKind::Open
    }

    fn close(&mut self, bracket: u8) -> TokenKind {
        self.at += 1;
        match self.frames.last() {
            Some(Frame::Bracket(expected)) => {
                let matches = *expected == bracket;
                self.frames.pop();
                if matches {
                    TokenKind::Close
                } else {
                    TokenKind::Error
                }
            }
            Some(Frame::Interpolation) if bracket == b'}' => {
                self.frames.pop();
                TokenKind::Interpolation
            }
            _ => TokenKind::Error,
        }
    }

    fn symbol(&mut self) -> TokenKind {
        const OPERATORS: [&str; 13] = [
            "??", "||", "&&", "==", "!=", "=~", "!~", ">=", "<=", "=>", "**", "->", "=",
        ];
        const PUNCTUATION: [&str; 6] = ["...", "?.", ".", ",", ";", ":"];
        let rest = self.rest();
        if let Some(symbol) = PUNCTUATION.iter().find(|symbol| rest.starts_with(**symbol)) {
            self.at += symbol.len();
            return TokenKind::Punctuation;
        }
        if let Some(symbol) = OPERATORS.iter().find(|symbol| rest.starts_with(**symbol)) {
            self.at += symbol.len();
            return TokenKind::Operator;
        }
        let first = rest.chars().next();
        self.at += first.map_or(1, char::len_utf8);
        match first {
            Some('+' | '-' | '*' | '/' | '%' | '<' | '>' | '|' | '^' | '&' | '!' | '~' | '?') => {
                TokenKind::Operator
            }
            _ => TokenKind::Error,
        }
    }

    // ------------------------------------------------------------------------------------------ strings

    fn single_quoted(&mut self) {
        self.at += 1;
        while let Some(byte) = self.byte(0) {
            self.at += 1;
            match byte {
                b'\'' => return,
                b'\\' => self.skip_char(),
                _ => {}
            }
        }
        self.unclosed = true;
    }

    fn skip_char(&mut self) {
        self.at += self.rest().chars().next().map_or(0, char::len_utf8);
    }

    /// Text of a template up to its end or its next interpolation.
    fn template_piece(&mut self, start: usize) -> Token {
        while let Some(byte) = self.byte(0) {
            match byte {
                b'"' => {
                    self.at += 1;
                    self.frames.pop();
                    return self.finish(TokenKind::String, start);
                }
                b'\\' => {
                    self.at += 1;
                    self.skip_char();
                }
                b'#' if self.byte(1) == Some(b'{') => return self.before_interpolation(start),
                _ => self.at += 1,
            }
        }
        self.unclosed = true;
        self.finish(TokenKind::String, start)
    }

    /// The text before `#{`, or `#{` itself if there is none.
    fn before_interpolation(&mut self, start: usize) -> Token {
        if self.at > start {
            return self.finish(TokenKind::String, start);
        }
        self.at += 2;
        self.frames.push(Frame::Interpolation);
        self.finish(TokenKind::Interpolation, start)
    }

    fn heredoc(&mut self, start: usize) -> Token {
        let interpolates = self.byte(2) == Some(b'+');
        self.at += 3;
        self.skip_while(|byte| matches!(byte, b' ' | b'\t'));
        let tag_start = self.at;
        if self
            .byte(0)
            .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        {
            self.skip_while(is_name_byte);
        }
        let tag = (tag_start, self.at);
        self.skip_while(|byte| matches!(byte, b' ' | b'\t'));
        match self.byte(0) {
            Some(b'\n' | b'\r') if tag.0 < tag.1 => {
                self.frames.push(Frame::Heredoc { tag, interpolates });
                self.heredoc_piece(start, tag, interpolates)
            }
            None => {
                self.unclosed = true;
                self.finish(TokenKind::String, start)
            }
            Some(_) => self.finish(TokenKind::Error, start),
        }
    }

    /// Text of a heredoc up to its end or its next interpolation.
    fn heredoc_piece(&mut self, start: usize, tag: (usize, usize), interpolates: bool) -> Token {
        let tag = self.text.get(tag.0..tag.1).unwrap_or("");
        while let Some(byte) = self.byte(0) {
            match byte {
                b'\n' | b'\r' => {
                    self.at += 1;
                    let line = self.rest().trim_start_matches([' ', '\t']);
                    let blanks = self.rest().len() - line.len();
                    let after = line.strip_prefix(tag);
                    if after.is_some_and(|after| !after.bytes().next().is_some_and(is_name_byte)) {
                        self.at += blanks + tag.len();
                        self.frames.pop();
                        return self.finish(TokenKind::String, start);
                    }
                }
                b'#' if interpolates && self.byte(1) == Some(b'{') => {
                    return self.before_interpolation(start);
                }
                _ => self.at += 1,
            }
        }
        self.unclosed = true;
        self.finish(TokenKind::String, start)
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        if self.at >= self.text.len() {
            return None;
        }
        match self.frames.last().copied() {
            Some(Frame::Template) => Some(self.template_piece(self.at)),
            Some(Frame::Heredoc { tag, interpolates }) => {
                Some(self.heredoc_piece(self.at, tag, interpolates))
            }
            Some(Frame::Bracket(_) | Frame::Interpolation) | None => self.code(),
        }
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'\''
}
