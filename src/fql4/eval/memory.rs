//! Bounds the memory that the values of a query take.
//!
//! As in FQL v10 (`interp/memory`): what is large is noted without keeping it alive, and each time much has been made,
//! what is still in use is added up. Small values need no note: making many of them takes time, which is bounded otherwise.

use super::Evaluator;
use crate::fql4::error::{Code, Error, Result};
use crate::fql4::functions::too_long;
use crate::fql4::place::Place;
use crate::fql4::value::{Items, Object, Value};
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
/// Parts of a value; what is shared counts each time, for whoever shows, compares or stores it.
const MAX_PARTS: u64 = 4_000_000;
/// How deep a value may nest.
const MAX_NESTING: u32 = 50_000;
/// Bytes of a string.
const MAX_STRING: usize = 64 << 20;

/// The large values made so far that may still be in use.
#[derive(Default)]
pub(super) struct LargeValues {
    noted: Vec<Noted>,
    /// Bytes made since the last count.
    made: usize,
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

impl Evaluator<'_> {
    /// A value that was just made, unless the values of the query take too much memory.
    pub fn made(&mut self, value: Value) -> Result {
        let extent = value.extent();
        if extent.parts > MAX_PARTS {
            return too_large(format!("value has more than {MAX_PARTS} parts"));
        }
        if extent.depth > MAX_NESTING {
            return too_large("value is nested too deeply".to_string());
        }
        let (noted, size) = match &value {
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
            _ => return Ok(value),
        };
        let large = &mut self.large;
        large.noted.push(noted);
        large.made = large.made.saturating_add(size);
        if large.made < SWEEP {
            return Ok(value);
        }
        large.made = 0;
        let mut seen = HashSet::new();
        let mut total = 0usize;
        large.noted.retain(|noted| match noted.in_use() {
            Some((address, size)) if seen.insert(address) => {
                total = total.saturating_add(size);
                true
            }
            Some(_) | None => false,
        });
        if total > MAX_IN_USE {
            return too_large(format!(
                "values of the query take more than {MAX_IN_USE} bytes"
            ));
        }
        self.interp.check_interrupted()?;
        Ok(value)
    }

    /// Fails if a string of so many bytes is too long.
    pub fn check_length(&self, bytes: usize, place: &Place) -> Result<()> {
        match bytes <= MAX_STRING {
            true => Ok(()),
            false => Err(too_long(place).into()),
        }
    }
}

/// `Value too large: REASON.`
fn too_large(reason: String) -> Result {
    let message = format!("Value too large: {reason}.");
    Err(Error::new(Code::BadRequest, &Place::ROOT, message).into())
}
