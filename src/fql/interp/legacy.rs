//! What FQL v10 needs of FQL v4: running what the older language left in a database (`spec fql4 10`).
//!
//! The room `fql4` builds on this one, so the engine hands its language over with the function table. Functions whose body
//! is a stored query are called from here; predicates that are stored queries are asked from here, so that both
//! kinds of roles combine in one permission check.

use super::{Interp, Result};
use crate::access::Action;
use crate::value::{StoredQuery, Value};
use std::sync::Arc;

/// The language of stored queries.
pub trait LegacyLanguage: Send + Sync {
    /// Calls a stored query with arguments, zipped to its lambda's parameters; the result as a value of FQL v10.
    fn call(&self, me: &mut Interp, query: &Arc<StoredQuery>, arguments: Vec<Value>) -> Result;

    /// Whether a stored predicate yields exactly true; whatever goes wrong in it is a denial. The principal and the
    /// ceiling of predicates are in force already.
    fn holds(&self, me: &mut Interp, query: &Arc<StoredQuery>, asked: &Asked) -> Result<bool>;
}

/// What a predicate is asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The action; `None` for memberships and access providers.
    pub action: Option<Action>,
    /// What it is told.
    pub arguments: PredicateArguments,
}

/// What a predicate is told, in the words of the language that asks.
#[derive(Clone, Debug)]
pub enum PredicateArguments {
    /// Arguments as predicates of FQL v10 take them. Those about documents are document values; the one that shows what a
    /// write would leave is known to [`Interp::prospective_version`].
    Listed(Vec<Value>),
    /// The one argument that predicates of FQL v4 take: what a function is called with, the terms of an index.
    Single(Value),
}

impl PredicateArguments {
    /// The arguments of a lambda of FQL v10 with so many parameters.
    pub fn listed(&self, parameters: usize) -> Vec<Value> {
        match self {
            PredicateArguments::Listed(arguments) => arguments.clone(),
            PredicateArguments::Single(Value::Array(items)) if parameters > 0 => items.to_vec(),
            PredicateArguments::Single(Value::Array(items)) if items.is_empty() => Vec::new(),
            PredicateArguments::Single(argument) => vec![argument.clone()],
        }
    }
}
