//! The query languages as the shell needs them: where queries end, what their words are.

use crate::fql::syntax::{self, Completeness, ScriptItem, ScriptItemKind, Span, TokenKind};
use crate::fql4::text::{self as legacy, TextError};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A query language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// FQL v10.
    #[default]
    V10,
    /// FQL v4: calls of functions.
    V4,
}

impl Language {
    /// The name that `:lang` and `--lang` know it by.
    pub fn name(self) -> &'static str {
        match self {
            Language::V10 => "10",
            Language::V4 => "4",
        }
    }

    /// The language of that name.
    pub fn parse(name: &str) -> Option<Language> {
        match name.trim_start_matches(['v', 'V']) {
            "10" => Some(Language::V10),
            "4" => Some(Language::V4),
            _ => None,
        }
    }

    /// The words of a text and what they are.
    pub(super) fn tokens(self, text: &str) -> Vec<(Span, TokenKind)> {
        match self {
            Language::V10 => syntax::tokens(text),
            Language::V4 => legacy::tokens(text),
        }
    }

    /// Whether Enter runs a text: its last query is complete, or can never be.
    pub(super) fn is_ready(self, text: &str) -> bool {
        match self {
            Language::V4 => legacy::completeness(text) != Completeness::Incomplete,
            Language::V10 => match syntax::split_queries(text).pop() {
                None => syntax::is_complete(text) != Completeness::Incomplete,
                Some(last) => match last.kind {
                    ScriptItemKind::Command => true,
                    ScriptItemKind::Query => {
                        let rest = text.get(last.span.start as usize..).unwrap_or_default();
                        syntax::is_complete(rest) != Completeness::Incomplete
                    }
                },
            },
        }
    }

    /// The queries and commands of a text; of one that is cut off and must not run, why.
    fn split(self, text: &str) -> (Vec<ScriptItem>, Option<TextError>) {
        match self {
            Language::V10 => (syntax::split_queries(text), None),
            Language::V4 => {
                let script = legacy::split_statements(text);
                (script.items, script.cut_off)
            }
        }
    }
}

/// The language of the shell, as far as the line editor is to know it.
#[derive(Clone, Default)]
pub(super) struct CurrentLanguage(Arc<AtomicBool>);

impl CurrentLanguage {
    pub(super) fn get(&self) -> Language {
        match self.0.load(Ordering::Relaxed) {
            true => Language::V4,
            false => Language::V10,
        }
    }

    pub(super) fn set(&self, language: Language) {
        self.0.store(language == Language::V4, Ordering::Relaxed);
    }
}

/// The items of a text, each in the language that is in force when its turn comes.
pub(super) struct Items<'t> {
    text: &'t str,
    language: Language,
    /// Where the items that were taken end.
    at: usize,
    items: VecDeque<ScriptItem>,
    /// What keeps the rest from being run.
    cut_off: Option<TextError>,
}

impl<'t> Items<'t> {
    pub(super) fn new(text: &'t str, language: Language) -> Items<'t> {
        let mut items = Items {
            text,
            language,
            at: 0,
            items: VecDeque::new(),
            cut_off: None,
        };
        items.split();
        items
    }

    /// The next item, or why the rest of the text must not run.
    pub(super) fn next(&mut self, language: Language) -> Option<Result<ScriptItem, TextError>> {
        if language != self.language {
            self.language = language;
            self.split();
        }
        if let Some(error) = self.cut_off.take() {
            self.items.clear();
            return Some(Err(error));
        }
        let item = self.items.pop_front()?;
        self.at = item.span.end as usize;
        Some(Ok(item))
    }

    /// How many items are left, as far as the language stays.
    pub(super) fn left(&self) -> usize {
        self.items.len()
    }

    /// Finds the items behind those that were taken.
    fn split(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let (items, cut_off) = self.language.split(rest);
        let lines = self
            .text
            .get(..self.at)
            .map_or(0, |passed| passed.matches('\n').count());
        let shift = u32::try_from(self.at).unwrap_or(u32::MAX);
        let moved = |span: Span| Span {
            start: span.start.saturating_add(shift),
            end: span.end.saturating_add(shift),
        };
        self.items = items
            .into_iter()
            .map(|item| ScriptItem {
                span: moved(item.span),
                line: item.line + lines,
                ..item
            })
            .collect();
        // What follows a change of the language is not for this one to judge.
        let stays = !self
            .items
            .iter()
            .any(|item| changes_language(self.text, item));
        self.cut_off = cut_off.filter(|_| stays).map(|error| TextError {
            span: moved(error.span),
            ..error
        });
    }
}

fn changes_language(text: &str, item: &ScriptItem) -> bool {
    let line = text.get(item.span.start as usize..item.span.end as usize);
    item.kind == ScriptItemKind::Command
        && line
            .and_then(super::commands::split)
            .is_some_and(|(name, argument)| name == "lang" && !argument.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enter_runs_what_is_complete() {
        for text in ["", "1", ":use a", "let a = 1\na", "1\n2", "f(]", "1\n:quit"] {
            assert!(Language::V10.is_ready(text), "{text}");
        }
        for text in ["1 +", "f(", "let a = 1", "1\nf(", "\"a", "/* a"] {
            assert!(!Language::V10.is_ready(text), "{text}");
        }
    }

    #[test]
    fn a_text_may_change_its_language() {
        let text = "1 +\n2\n:lang 4\nGet(\n1) // a\n\n:lang 10\n{ 3 }\n.a";
        let mut items = Items::new(text, Language::V10);
        let mut language = Language::V10;
        let mut found = Vec::new();
        while let Some(item) = items.next(language) {
            let item = item.unwrap();
            let part = &text[item.span.start as usize..item.span.end as usize];
            if let Some(name) = part.strip_prefix(":lang ") {
                language = Language::parse(name).unwrap();
            }
            found.push((part, item.line));
        }
        assert_eq!(
            found,
            [
                ("1 +\n2", 1),
                (":lang 4", 3),
                ("Get(\n1)", 4),
                (":lang 10", 7),
                ("{ 3 }\n.a", 8)
            ]
        );
    }

    #[test]
    fn a_cut_off_text_does_not_begin() {
        let mut items = Items::new("Now()\nGet(1", Language::V4);
        assert!(matches!(items.next(Language::V4), Some(Err(error)) if error.span.start == 9));
        assert!(items.next(Language::V4).is_none());
    }
}
