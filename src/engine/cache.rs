//! The query cache: parsed queries by text; those not used of late go first.

use crate::FastMap;
use crate::fql::syntax::ast::Block;
use crate::fql::syntax::{Diagnostic, Source, parse_query};
use crate::fql::types::{Arguments, Checked, Environment, check_query, no_arguments};
use parking_lot::Mutex;
use std::sync::Arc;

/// Texts longer than this are not worth keeping.
const MAX_TEXT: usize = 16 * 1024;

/// A parsed query.
pub struct Parsed {
    /// Its text.
    pub source: Arc<Source>,
    /// Its tree.
    pub block: Block,
    /// Its type in the environment it was checked in last, if it needs no arguments.
    checked: Mutex<Option<(Arc<Environment>, Arc<Checked>)>>,
}

impl Parsed {
    /// The type of the query. Kept for the same environment, unless it depends on arguments.
    pub fn check(
        &self,
        env: &Arc<Environment>,
        arguments: Option<Arguments<'_>>,
    ) -> Result<Arc<Checked>, Vec<Diagnostic>> {
        if arguments.is_none()
            && let Some((known, checked)) = &*self.checked.lock()
            && Arc::ptr_eq(known, env)
        {
            return Ok(checked.clone());
        }
        let checked = Arc::new(check_query(
            &self.block,
            &self.source,
            env,
            arguments.unwrap_or(&no_arguments),
        )?);
        if arguments.is_none() {
            *self.checked.lock() = Some((env.clone(), checked.clone()));
        }
        Ok(checked)
    }
}

/// Parsed queries by text, in two generations: what is used moves to the young one, and when that is full, the old one
/// goes as a whole.
pub struct QueryCache {
    generations: Mutex<Generations>,
    /// Of each generation.
    capacity: usize,
}

#[derive(Default)]
struct Generations {
    young: FastMap<Arc<str>, Arc<Parsed>>,
    old: FastMap<Arc<str>, Arc<Parsed>>,
}

impl QueryCache {
    /// A cache of so many queries at most.
    pub fn new(capacity: usize) -> QueryCache {
        QueryCache {
            generations: Mutex::default(),
            capacity: (capacity / 2).max(1),
        }
    }

    /// The tree of a text.
    pub fn parse(&self, text: &str) -> Result<Arc<Parsed>, Vec<Diagnostic>> {
        let keep = text.len() <= MAX_TEXT;
        if keep && let Some(known) = self.get(text) {
            return Ok(known);
        }
        let source = Source::query(text);
        let block = parse_query(&source)?;
        let parsed = Arc::new(Parsed {
            source,
            block,
            checked: Mutex::new(None),
        });
        if keep && let Some(text) = &parsed.source.text {
            self.insert(text.clone(), parsed.clone());
        }
        Ok(parsed)
    }

    fn get(&self, text: &str) -> Option<Arc<Parsed>> {
        let mut generations = self.generations.lock();
        if let Some(parsed) = generations.young.get(text) {
            return Some(parsed.clone());
        }
        let (text, parsed) = generations.old.remove_entry(text)?;
        drop(generations);
        self.insert(text, parsed.clone());
        Some(parsed)
    }

    fn insert(&self, text: Arc<str>, parsed: Arc<Parsed>) {
        let mut generations = self.generations.lock();
        let mut gone = None;
        if generations.young.len() >= self.capacity {
            let young = std::mem::take(&mut generations.young);
            gone = Some(std::mem::replace(&mut generations.old, young));
        }
        generations.young.insert(text, parsed);
        drop(generations);
        // Trees are freed while nobody waits.
        drop(gone);
    }
}
