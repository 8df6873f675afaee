//! What the line editor asks while somebody types: is it complete, how does it look, what could follow.

use super::colors;
use super::complete::{self, Context};
use super::continuation::{self, plain};
use super::language::Language;
use crate::fql::syntax::TokenKind;
use rustyline::completion::{Completer, Pair};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter};
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context as LineContext, Helper};
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// The editor's helper.
pub(super) struct LineHelper {
    pub(super) context: Rc<RefCell<Context>>,
    pub(super) colors: bool,
    /// The line is being left: nothing is marked in it any more.
    pub(super) leaving: Cell<bool>,
    /// The width of the prompt, and what further lines are indented by.
    pub(super) widths: Cell<(usize, u8)>,
}

/// A signature shown behind the cursor; nothing of it is ever inserted.
pub(super) struct SignatureHint(String);

impl Hint for SignatureHint {
    fn display(&self) -> &str {
        &self.0
    }

    fn completion(&self) -> Option<&str> {
        None
    }
}

impl Helper for LineHelper {}

impl Validator for LineHelper {
    fn validate(&self, ctx: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let language = self.context.borrow().language.get();
        Ok(match language.is_ready(&plain(ctx.input())) {
            true => ValidationResult::Valid(None),
            false => ValidationResult::Incomplete,
        })
    }
}

impl Hinter for LineHelper {
    type Hint = SignatureHint;

    fn hint(&self, line: &str, pos: usize, _: &LineContext<'_>) -> Option<SignatureHint> {
        let (line, pos) = (plain(line), plain(line.get(..pos)?).len());
        let text = complete::signature(&self.context.borrow(), &line, pos)?;
        Some(SignatureHint(format!("  {text}")))
    }
}

impl Completer for LineHelper {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        pos: usize,
        ctx: &LineContext<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        // What is completed is the end of a line: no mark lies between.
        let (text, at) = (plain(line), plain(line.get(..pos).unwrap_or(line)).len());
        let (start, found) = complete::complete(&self.context.borrow(), &text, at, ctx)?;
        Ok((pos - at.saturating_sub(start), found))
    }
}

impl Highlighter for LineHelper {
    fn highlight<'l>(&self, line: &'l str, pos: usize) -> Cow<'l, str> {
        let text = plain(line);
        let (first, stop) = self.widths.get();
        let prompt = continuation::prompt(stop);
        let language = self.context.borrow().language.get();
        let (shown, prompt) = if !self.colors {
            (text, prompt)
        } else if text.trim_start().starts_with(':') {
            (text, colors::prompt(&prompt))
        } else {
            let marked = match self.leaving.get() {
                true => Vec::new(),
                false => {
                    let at = plain(line.get(..pos).unwrap_or(line)).len();
                    matching_brackets(&text, language, at)
                }
            };
            (
                colors::highlight(&text, language, &marked),
                colors::prompt(&prompt),
            )
        };
        let columns = console::Term::stdout().size().1;
        Cow::Owned(continuation::drawn(
            line, &shown, &prompt, first, stop, columns,
        ))
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        match self.colors {
            true => Cow::Owned(colors::quiet(hint, true)),
            false => Cow::Borrowed(hint),
        }
    }

    fn highlight_char(&self, _: &str, _: usize, kind: CmdKind) -> bool {
        self.leaving.set(kind == CmdKind::ForcedRefresh);
        true
    }
}

/// The bracket at or before the cursor and its partner.
pub(super) fn matching_brackets(text: &str, language: Language, pos: usize) -> Vec<usize> {
    let mut open = Vec::new();
    for (span, kind) in language.tokens(text) {
        let start = span.start as usize;
        match kind {
            TokenKind::Open => open.push(start),
            TokenKind::Close => {
                if let Some(partner) = open.pop() {
                    let near = |at: usize| at == pos || at + 1 == pos;
                    if near(start) || near(partner) {
                        return vec![partner, start];
                    }
                }
            }
            TokenKind::Comment
            | TokenKind::Keyword
            | TokenKind::Name
            | TokenKind::Function
            | TokenKind::Field
            | TokenKind::Key
            | TokenKind::Number
            | TokenKind::String
            | TokenKind::Interpolation
            | TokenKind::Placeholder
            | TokenKind::Operator
            | TokenKind::Punctuation
            | TokenKind::Error => {}
        }
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_match() {
        assert_eq!(matching_brackets("f(a[1])", Language::V10, 1), [1, 6]);
        assert_eq!(matching_brackets("f(a[1])", Language::V10, 7), [1, 6]);
        assert_eq!(matching_brackets("f(a[1])", Language::V10, 4), [3, 5]);
        assert_eq!(
            matching_brackets("f('(')", Language::V10, 4),
            Vec::<usize>::new()
        );
    }
}
