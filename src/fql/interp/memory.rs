//! Bounds the memory that one query's values take.
//!
//! Strings and arrays have limits of their own, but a query can keep thousands of the largest. What native functions
//! and templates yield is therefore noted if it is large, without keeping it alive; each time much has been made, what
//! is still in use is added up. Small values need no note: making many of them takes time, which is bounded otherwise.

use super::{Failure, Interp, Result};
use crate::value::{Items, Object, Value, has_at_most, is_deeper_than};
use std::collections::HashSet;
use std::sync::{Arc, Weak};

/// Bytes of a value that is worth a note.
const LARGE: usize = 8 * 1024;
/// What an element takes, by and large.
const ELEMENT: usize = 48;
/// Bytes that are made before what is in use is added up.
const SWEEP: usize = 128 << 20;
/// Bytes that large values in use may take.
const MAX_IN_USE: usize = 1 << 30;
/// How deep values nest that are kept in documents: as deep as those that requests bring.
const MAX_KEPT_DEPTH: usize = 1000;
/// Bytes of all that a query logs.
const MAX_LOGGED: usize = 64 << 20;
/// Parts of a value that is walked: printed, compared, stored, made a result.
pub(super) const MAX_PARTS: u64 = 4_000_000;

/// The large values made so far that may still be in use.
#[derive(Default)]
pub(super) struct LargeValues {
    noted: Vec<Noted>,
    /// Bytes made since the last count.
    made: usize,
    /// Bytes logged.
    logged: usize,
}

enum Noted {
    Text(Weak<str>),
    Items(Weak<Items>),
    Object(Weak<Object>),
}

impl Noted {
    /// Where it is and what it takes; `None` if it is not in use any more.
    fn in_use(&self) -> Option<(usize, usize)> {
        match self {
            Noted::Text(text) => {
                let text = text.upgrade()?;
                Some((Arc::as_ptr(&text) as *const u8 as usize, text.len()))
            }
            Noted::Items(items) => {
                let items = items.upgrade()?;
                Some((Arc::as_ptr(&items) as usize, items.len() * ELEMENT))
            }
            Noted::Object(object) => {
                let object = object.upgrade()?;
                Some((Arc::as_ptr(&object) as usize, object.len() * ELEMENT))
            }
        }
    }
}

impl Interp {
    /// Takes note of a value that was just made; fails if too much is in use.
    pub(super) fn note_made(&mut self, value: &Value) -> Result<()> {
        let (noted, size) = match value {
            Value::String(text) if text.len() >= LARGE => {
                (Noted::Text(Arc::downgrade(text)), text.len())
            }
            Value::Array(items) if items.len() * ELEMENT >= LARGE => {
                (Noted::Items(Arc::downgrade(items)), items.len() * ELEMENT)
            }
            Value::Object(object) if object.len() * ELEMENT >= LARGE => (
                Noted::Object(Arc::downgrade(object)),
                object.len() * ELEMENT,
            ),
            _ => return Ok(()),
        };
        let large = &mut self.large;
        large.noted.push(noted);
        large.made += size;
        if large.made < SWEEP {
            return Ok(());
        }
        large.made = 0;
        let mut seen = HashSet::new();
        let mut total = 0;
        large.noted.retain(|noted| match noted.in_use() {
            // Functions often yield what they were given.
            Some((address, size)) if seen.insert(address) => {
                total += size;
                true
            }
            Some(_) | None => false,
        });
        match total > MAX_IN_USE {
            true => Err(Failure::too_large(format!(
                "values of the query take more than {MAX_IN_USE} bytes"
            ))),
            false => self.check_interrupted(),
        }
    }

    /// Takes note of a text that is about to be logged; fails if too much is.
    pub fn note_logged(&mut self, text: &str) -> Result<()> {
        self.large.logged = self.large.logged.saturating_add(text.len());
        match self.large.logged > MAX_LOGGED {
            true => Err(Failure::too_large(format!(
                "logs of the query take more than {MAX_LOGGED} bytes"
            ))),
            false => Ok(()),
        }
    }

    /// Fails if values have more parts, or nest deeper, than what is kept may.
    pub(super) fn check_keepable<'v>(
        &self,
        values: impl IntoIterator<Item = &'v Value> + Clone,
    ) -> Result<()> {
        self.check_parts(values.clone())?;
        match is_deeper_than(values, MAX_KEPT_DEPTH) {
            true => Err(Failure::too_large("value is nested too deeply")),
            false => Ok(()),
        }
    }

    /// Fails if values have more parts than can be walked.
    pub fn check_parts<'v>(&self, values: impl IntoIterator<Item = &'v Value>) -> Result<()> {
        let mut nested = values
            .into_iter()
            .filter(|value| matches!(value, Value::Array(_) | Value::Object(_)))
            .peekable();
        if nested.peek().is_none() {
            return Ok(());
        }
        match has_at_most(nested, MAX_PARTS) {
            true => Ok(()),
            false => Err(Failure::too_large(format!(
                "value has more than {MAX_PARTS} parts"
            ))),
        }
    }
}
