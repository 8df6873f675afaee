//! Bounds the nesting of a text before the parser sees it.
//!
//! The parser, and everything that walks the tree after it, recurses as deep as a text nests; so a hostile text must be
//! refused before. What nests: brackets, interpolations and comments; and without brackets, arrows, branches, unary
//! operators and the angle brackets of types. What merely repeats (links, list elements, statements) does not, and a
//! chain of binary operators is checked where its tree is built.

use super::lexer::{Lexer, TokenKind};
use super::script::Statements;

/// The deepest nesting of a text that is parsed.
pub(super) const MAX_NESTING: usize = 1000;

/// The greatest height of a tree that is built; a chain of operators is as high as it is long.
pub(super) const MAX_HEIGHT: usize = 4000;

/// Which of the nested things a text may begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextKind {
    /// Statements or an expression; types only in annotations.
    Code,
    /// A type, whose defaults are expressions.
    Type,
    /// A schema file: statements, and types after colons.
    Schema,
}

/// The most that branches times the run of blanks and comments after them may amount to: each branch looks behind the
/// run for its `else`.
const MAX_REPEATED_BLANKS: usize = 20_000_000;

/// How deep a text nests; or where it passes [`MAX_NESTING`].
pub(super) fn nesting(text: &str, kind: TextKind) -> Result<usize, usize> {
    let mut lexer = Lexer::new(text);
    let mut statements = Statements::default();
    // Per bracket: what was pending around it, in total.
    let mut around: Vec<Pending> = Vec::new();
    let mut pending = Pending {
        in_type: kind == TextKind::Type,
        ..Pending::default()
    };
    let mut deepest = 0;
    let mut previous_end = 0;
    while let Some(token) = lexer.next() {
        let depth = lexer.depth();
        if token.kind == TokenKind::Comment {
            if lexer.comment_depth() > MAX_NESTING {
                return Err(token.start);
            }
            continue;
        }
        let word = text.get(token.start..token.end).unwrap_or("");
        if pending.repeats(token.start - previous_end) {
            return Err(token.start);
        }
        let in_lines = matches!(kind, TextKind::Code | TextKind::Schema);
        if token.newline_before && in_lines && statements.ends_statement(word) {
            pending = Pending {
                base: pending.base,
                ..Pending::default()
            };
        }
        statements.push(text, &token, depth);
        while depth > around.len() {
            around.push(pending);
            let in_type = pending.in_type && token.kind == TokenKind::Open;
            pending = Pending {
                base: pending.total() + 1,
                in_type,
                ..Pending::default()
            };
        }
        while depth < around.len() {
            pending = around.pop().unwrap_or_default();
            pending.unary = 0;
        }
        pending.note(token.kind, word, token.start == previous_end);
        if kind == TextKind::Schema && word == ":" {
            pending.in_type = true;
        }
        previous_end = token.end;
        deepest = deepest.max(pending.total());
        if deepest > MAX_NESTING {
            return Err(token.start);
        }
    }
    if pending.repeats(text.len() - previous_end) {
        return Err(previous_end);
    }
    Ok(deepest.max(lexer.comment_depth()))
}

/// What nests without brackets, within one pair of brackets.
#[derive(Clone, Copy, Debug, Default)]
struct Pending {
    /// The nesting around these brackets.
    base: usize,
    /// Arrows and branches of the current statement or element.
    prefixes: usize,
    /// Unary operators before the current operand.
    unary: usize,
    /// Open angle brackets of a type.
    angles: usize,
    /// `let` was read, and no `=` yet.
    in_let: bool,
    /// A type is being read.
    in_type: bool,
}

impl Pending {
    fn total(self) -> usize {
        self.base + self.prefixes + self.unary + self.angles
    }

    /// Whether too many branches would look behind a run of blanks of this length.
    fn repeats(self, blanks: usize) -> bool {
        self.prefixes.saturating_mul(blanks) > MAX_REPEATED_BLANKS
    }

    fn note(&mut self, kind: TokenKind, word: &str, adjacent: bool) {
        match kind {
            TokenKind::Keyword => match word {
                "if" | "at" | "match" => self.prefixes += 1,
                "let" => self.in_let = true,
                _ => {}
            },
            TokenKind::Operator => match word {
                "=>" => self.prefixes += 1,
                "-" | "~" | "!" => self.unary += 1,
                "<" if self.in_type && adjacent => self.angles += 1,
                ">" if self.in_type => self.angles = self.angles.saturating_sub(1),
                "=" | ">=" if self.in_let => {
                    self.in_let = false;
                    self.in_type = false;
                    self.angles = 0;
                }
                _ => {}
            },
            TokenKind::Punctuation => match word {
                ":" if self.in_let => self.in_type = true,
                "," if self.angles == 0 => {
                    self.prefixes = 0;
                    self.unary = 0;
                }
                ";" => {
                    self.prefixes = 0;
                    self.unary = 0;
                    self.angles = 0;
                }
                _ => {}
            },
            TokenKind::Name | TokenKind::Number | TokenKind::String | TokenKind::Placeholder => {
                self.unary = 0
            }
            TokenKind::Function
            | TokenKind::Field
            | TokenKind::Key
            | TokenKind::Interpolation
            | TokenKind::Open
            | TokenKind::Close
            | TokenKind::Comment
            | TokenKind::Error => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nests() {
        let depth = |text: &str| nesting(text, TextKind::Code).unwrap_or(usize::MAX);
        assert_eq!(depth("[[1], [2]]"), 2);
        assert_eq!(depth("'((((' + \"((((\" // (((("), 0);
        assert_eq!(depth("\"a#{ (b) }\""), 3);
        assert_eq!(depth("x => y => z"), 2);
        assert_eq!(depth("[x => 1, x => 1, x => 1]"), 2);
        assert_eq!(depth("if (a) b else if (c) d"), 3);
        assert_eq!(depth("if (a) b\nif (c) d\nif (e) f"), 2);
        assert_eq!(depth("- - -x"), 3);
        assert_eq!(depth("let a: A<B<C>> = 1\na"), 2);
        assert_eq!(depth("a<b\na<b\na<b"), 0);
        assert_eq!(depth("/* /* */ */ 1"), 2);
        assert_eq!(nesting("A<B<C<D>>>", TextKind::Type), Ok(3));
    }

    #[test]
    fn the_limit() {
        for unit in [
            "[", "(", "{", "f(", "\"#{", "- ", "x => ", "if (a) ", "/*", "a[", "<<+A\n#{",
        ] {
            assert!(
                nesting(&unit.repeat(MAX_NESTING + 1), TextKind::Code).is_err(),
                "{unit}"
            );
            assert!(
                nesting(&unit.repeat(MAX_NESTING / 2), TextKind::Code).is_ok(),
                "{unit}"
            );
        }
        for unit in [
            "a.b",
            "a + ",
            "[a], ",
            "x => 1, ",
            "a; ",
            "a\n",
            "if (a) b\n",
            "let a: A<B> = 1\n",
        ] {
            assert!(
                nesting(&unit.repeat(MAX_NESTING * 2), TextKind::Code).is_ok(),
                "{unit}"
            );
        }
    }
}
