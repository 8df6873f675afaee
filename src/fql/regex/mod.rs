//! Regular expressions in the dialect of `java.util.regex` (`spec fql10-stdlib 15`).
//!
//! A pattern is read by our own reader, which knows the dialect's syntax and reports its errors in its own
//! words ([`syntax`]), and is written anew for the engine, with every default made explicit: `\d` becomes
//! `[0-9]`, `$` becomes a look-ahead. Backtracking is bounded, so a hostile pattern fails instead of running
//! for ever; patterns without back references and look-around run in linear time.
//!
//! Positions handed out here are byte offsets. This room knows neither values nor the evaluator; both
//! languages use it.

mod blocks;
mod class;
mod quote;
mod syntax;

use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// Steps back that one search may take.
const BACKTRACK_LIMIT: usize = 5_000_000;
/// Bytes a compiled part of a pattern may take.
const SIZE_LIMIT: usize = 4 * 1024 * 1024;
/// Instructions of the backtracking machine.
const PROGRAM_LIMIT: usize = 200_000;
/// Characters of a pattern.
const PATTERN_LIMIT: usize = 64 * 1024;
/// Patterns a [`Cache`] keeps.
const CACHE_SIZE: usize = 128;

/// What is wrong with a pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{description} at index {index}")]
pub struct SyntaxError {
    /// In the words of the dialect: `Unclosed group`.
    pub description: String,
    /// Where, in code points; may equal the pattern's length.
    pub index: usize,
}

/// A search gave up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("matching takes too many steps")]
pub struct TooManySteps;

/// Where the groups of a match stand, the match itself first; `None` for those that have no part in it.
pub type Groups = Vec<Option<(usize, usize)>>;

/// A compiled pattern.
#[derive(Debug)]
pub struct Pattern {
    text: String,
    general: OnceLock<Result<fancy_regex::Regex, SyntaxError>>,
    plain: OnceLock<Result<fancy_regex::Regex, SyntaxError>>,
}

impl Pattern {
    /// Compiles a pattern, or says what is wrong with it.
    pub fn new(text: &str) -> Result<Pattern, SyntaxError> {
        let pattern = Pattern {
            text: text.to_string(),
            general: OnceLock::new(),
            plain: OnceLock::new(),
        };
        // The form for texts without a final line terminator is the usual one.
        pattern.variant(true).as_ref().map_err(SyntaxError::clone)?;
        Ok(pattern)
    }

    /// The first match in `text` at or after byte `from`, which is on a character's boundary; what precedes
    /// `from` is visible to look-behind.
    pub fn find(&self, text: &str, from: usize) -> Result<Option<(usize, usize)>, TooManySteps> {
        let plain = !text.ends_with(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']);
        let Ok(regex) = self.variant(plain) else {
            return Err(TooManySteps);
        };
        match regex.find_from_pos(text, from) {
            Ok(found) => Ok(found.map(|m| (m.start(), m.end()))),
            Err(_) => Err(TooManySteps),
        }
    }

    /// The first match at or after byte `from`, and what its groups matched.
    pub fn groups(&self, text: &str, from: usize) -> Result<Option<Groups>, TooManySteps> {
        let plain = !text.ends_with(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']);
        let Ok(regex) = self.variant(plain) else {
            return Err(TooManySteps);
        };
        match regex.captures_from_pos(text, from) {
            Ok(found) => Ok(found.map(|groups| {
                let place = |m: fancy_regex::Match| (m.start(), m.end());
                groups.iter().map(|group| group.map(place)).collect()
            })),
            Err(_) => Err(TooManySteps),
        }
    }

    /// The number of a named group.
    pub fn group_number(&self, name: &str) -> Option<usize> {
        let Ok(regex) = self.variant(true) else {
            return None;
        };
        regex.capture_names().position(|known| known == Some(name))
    }

    /// All matches, one after another. After an empty match the search goes on one character further.
    pub fn find_all<'a>(&'a self, text: &'a str) -> Matches<'a> {
        Matches {
            pattern: self,
            text,
            next: Some(0),
        }
    }

    /// `plain`: for texts that do not end in a line terminator, where `$` is just the end.
    fn variant(&self, plain: bool) -> &Result<fancy_regex::Regex, SyntaxError> {
        let slot = if plain { &self.plain } else { &self.general };
        slot.get_or_init(|| {
            let length = self.text.chars().count();
            let too_complex = || SyntaxError {
                description: "Pattern is too complex".into(),
                index: length,
            };
            if length > PATTERN_LIMIT {
                return Err(too_complex());
            }
            let translated = syntax::translate(&self.text, plain)?;
            fancy_regex::RegexBuilder::new(&translated)
                .backtrack_limit(BACKTRACK_LIMIT)
                .delegate_size_limit(SIZE_LIMIT)
                .max_prog_size(PROGRAM_LIMIT)
                .build()
                .map_err(|_| too_complex())
        })
    }
}

/// Iterator of [`Pattern::find_all`].
pub struct Matches<'a> {
    pattern: &'a Pattern,
    text: &'a str,
    next: Option<usize>,
}

impl Iterator for Matches<'_> {
    type Item = Result<(usize, usize), TooManySteps>;

    fn next(&mut self) -> Option<Self::Item> {
        let from = self.next.take()?;
        match self.pattern.find(self.text, from) {
            Ok(None) => None,
            Err(error) => Some(Err(error)),
            Ok(Some((start, end))) => {
                self.next = if end > start {
                    Some(end)
                } else {
                    self.text[end..].chars().next().map(|c| end + c.len_utf8())
                };
                Some(Ok((start, end)))
            }
        }
    }
}

/// The most recent patterns, compiled.
#[derive(Default)]
pub struct Cache {
    patterns: Mutex<HashMap<String, Arc<Pattern>>>,
}

impl Cache {
    /// The compiled pattern.
    pub fn get(&self, text: &str) -> Result<Arc<Pattern>, SyntaxError> {
        if let Some(pattern) = self.patterns.lock().get(text) {
            return Ok(pattern.clone());
        }
        let pattern = Arc::new(Pattern::new(text)?);
        let mut patterns = self.patterns.lock();
        // Which ones stay matters little: programs have few patterns.
        if patterns.len() >= CACHE_SIZE {
            patterns.clear();
        }
        patterns.insert(text.to_string(), pattern.clone());
        Ok(pattern)
    }
}

#[cfg(test)]
mod tests;
