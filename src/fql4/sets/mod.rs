//! Sets: plans that are read when they are paginated or counted (`spec fql4 6.6`).

use super::error::{Error, Result};
use super::eval::Evaluator;
use super::expression::Closure;
use super::place::Place;
use super::value::{Ref, Value};
use crate::value::{CollId, ScopeId};
use std::sync::Arc;

/// A set.
#[derive(Clone, Debug)]
pub enum Set {
    /// The documents of a native collection: `Collections()`, `Keys()` ...
    Native {
        /// Of which database.
        scope: ScopeId,
        /// Which.
        coll: CollId,
    },
    /// `Documents(collection)`
    Documents(Ref),
    /// `Match(index, terms)`
    Match {
        /// The index.
        index: Ref,
        /// Its terms.
        terms: Vec<Value>,
    },
    /// `Singleton(ref)`
    Singleton(Ref),
    /// `Events(x)`
    Events(Arc<Set>),
    /// The one document of a reference, where a set is wanted: `Paginate(ref)`.
    Document(Ref),
    /// `Union(a, b)`
    Union(Vec<Arc<Set>>),
    /// `Intersection(a, b)`
    Intersection(Vec<Arc<Set>>),
    /// `Difference(a, b)`
    Difference(Vec<Arc<Set>>),
    /// `Distinct(set)`
    Distinct(Arc<Set>),
    /// `Join(source, lambda)`
    Join(Arc<Set>, Arc<Closure>),
    /// `Join(source, index)`
    JoinIndex(Arc<Set>, Ref),
    /// `Range(set, from, to)`
    Range {
        /// Of what.
        set: Arc<Set>,
        /// From here.
        from: Value,
        /// To here.
        to: Value,
    },
    /// `Reverse(set)`
    Reverse(Arc<Set>),
    /// `Filter(set, lambda)`
    Filter(Arc<Set>, Arc<Closure>),
}

/// What reads the elements of a set, one by one, in order.
pub trait Elements {
    /// The next element as a page shows it.
    fn next(&mut self, me: &mut Evaluator) -> Result<Option<Value>>;
}

/// The readable elements of a set. Errors are placed at `place`.
pub fn elements(_: &mut Evaluator, _: &Arc<Set>, place: &Place) -> Result<Box<dyn Elements>> {
    Err(Error::argument(place, "Sets cannot be read yet.").into())
}

/// Whether a set has an element, and may be told: `IsEmpty`, `Exists`. Only the first element is looked at, and one that
/// may not be read counts as none.
pub fn is_nonempty(_: &mut Evaluator, _: &Arc<Set>, place: &Place) -> Result<bool> {
    Err(Error::argument(place, "Sets cannot be read yet.").into())
}
