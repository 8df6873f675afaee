//! The query cache: parsed queries by text, least recently used out first.

use crate::fql::syntax::ast::Block;
use crate::fql::syntax::{Diagnostic, Source, parse_query};
use crate::fql::types::{Arguments, Checked, Environment, check_query, no_arguments};
use indexmap::IndexMap;
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

/// Parsed queries by text.
pub struct QueryCache {
    entries: Mutex<IndexMap<Arc<str>, Arc<Parsed>>>,
    capacity: usize,
}

impl QueryCache {
    /// A cache of so many queries.
    pub fn new(capacity: usize) -> QueryCache {
        QueryCache {
            entries: Mutex::new(IndexMap::new()),
            capacity,
        }
    }

    /// The tree of a text.
    pub fn parse(&self, text: &str) -> Result<Arc<Parsed>, Vec<Diagnostic>> {
        if text.len() <= MAX_TEXT {
            let mut entries = self.entries.lock();
            if let Some(index) = entries.get_index_of(text) {
                // A cheap approximation of recency: a hit moves half way to the young end.
                let last = entries.len() - 1;
                entries.swap_indices(index, (index + last).div_ceil(2));
                return Ok(entries[(index + last).div_ceil(2)].clone());
            }
        }
        let source = Source::query(text);
        let block = parse_query(&source)?;
        let parsed = Arc::new(Parsed {
            source,
            block,
            checked: Mutex::new(None),
        });
        if text.len() <= MAX_TEXT {
            let mut entries = self.entries.lock();
            if entries.len() >= self.capacity {
                entries.shift_remove_index(0);
            }
            entries.insert(text.into(), parsed.clone());
        }
        Ok(parsed)
    }
}
