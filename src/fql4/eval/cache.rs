//! What outlives a query: stored lambdas that were read, regular expressions that were compiled.

use crate::FastMap;
use crate::fql::regex;
use crate::fql4::expression::Lambda;
use crate::value::Str;
use parking_lot::Mutex;
use std::sync::Arc;

/// Stored lambdas kept.
const LAMBDAS: usize = 256;
/// Bytes of text of a stored lambda worth keeping.
const LARGEST: usize = 256 * 1024;

/// The caches, shared by all evaluators of an engine. Nothing in them depends on who asks.
#[derive(Default)]
pub struct Cache {
    /// Compiled regular expressions.
    pub patterns: regex::Cache,
    lambdas: Mutex<FastMap<Str, Arc<Lambda>>>,
}

impl Cache {
    /// A stored lambda by the JSON of its `@query` object; `None` if it is none.
    pub fn lambda(&self, text: &Str) -> Option<Arc<Lambda>> {
        if let Some(lambda) = self.lambdas.lock().get(text) {
            return Some(lambda.clone());
        }
        let json = crate::fql4::read::Json::parse(text.as_bytes()).ok()?;
        let lambda = crate::fql4::read::stored_lambda(&json).ok()?;
        if text.len() <= LARGEST {
            let mut lambdas = self.lambdas.lock();
            if lambdas.len() >= LAMBDAS {
                lambdas.clear();
            }
            lambdas.insert(text.clone(), lambda.clone());
        }
        Some(lambda)
    }
}
