//! Sets as plans, and positions in them (`spec fql10-data 5`).
//!
//! A set is a small tree, evaluated each time it is read. The evaluation lives in the interpreter.

use super::items::Items;
use super::kind::{CollId, IndexId, Str, Value};
use crate::fql::syntax::Location;
use crate::store::TxnTime;
use std::sync::Arc;

/// A lazy set.
#[derive(Clone, Debug)]
pub struct Set {
    /// How its elements come about.
    pub plan: Plan,
    /// The read time of its sources, when made inside `at`.
    pub at: Option<TxnTime>,
    /// Default page size, when set by `pageSize`.
    pub page_size: Option<u32>,
}

/// A source or a step.
#[derive(Clone, Debug)]
pub enum Plan {
    /// All documents of a collection in id order.
    All {
        /// The collection.
        coll: CollId,
        /// Inclusive id bounds.
        range: (Option<i64>, Option<i64>),
        /// Descending.
        reversed: bool,
    },
    /// Entries of an index.
    Index {
        /// The collection.
        coll: CollId,
        /// Name of the index in the collection.
        name: Str,
        /// The physical index.
        index: IndexId,
        /// The call that made the set, for hints; no part of its identity.
        origin: Option<Location>,
        /// Values of the terms.
        terms: Vec<Value>,
        /// The range argument's bounds, as given.
        range: Option<Arc<(Option<Value>, Option<Value>)>>,
        /// Walked backwards.
        reversed: bool,
    },
    /// Elements of an array.
    Array(Arc<Items>),
    /// One element.
    Single(Value),
    /// Integers from, until (exclusive).
    Sequence(i64, i64),
    /// Elements for which the predicate holds.
    Where(Arc<Set>, Callback),
    /// Images of the elements.
    Map(Arc<Set>, Callback),
    /// The inner sets, one after another.
    FlatMap(Arc<Set>, Callback),
    /// One set, then the other.
    Concat(Arc<Set>, Arc<Set>),
    /// Unique elements, sorted.
    Distinct(Arc<Set>),
    /// Sorted by keys; none: by the elements.
    Order(Arc<Set>, Vec<OrderKey>),
    /// Backwards, for plans that have no native reverse.
    Reverse(Arc<Set>),
    /// The first n.
    Take(Arc<Set>, u64),
    /// All but the first n.
    Drop(Arc<Set>, u64),
}

/// A function given to a lazy step, and the frames under which the step was made.
#[derive(Clone, Debug)]
pub struct Callback {
    /// The function.
    pub function: Value,
    /// Frames, outermost first.
    pub frames: Arc<Vec<Location>>,
    /// The read time in force where the step was made.
    pub at: Option<TxnTime>,
}

impl Set {
    /// A set without a read time or page size of its own.
    pub fn new(plan: Plan) -> Set {
        Set {
            plan,
            at: None,
            page_size: None,
        }
    }

    /// A step over `inner`, whose page size it keeps.
    pub fn over(inner: &Set, plan: Plan) -> Set {
        Set {
            plan,
            at: inner.at,
            page_size: inner.page_size,
        }
    }

    /// The same elements in pages of `size`.
    pub fn paged(&self, size: u32) -> Set {
        Set {
            plan: self.plan.clone(),
            at: self.at,
            page_size: Some(size),
        }
    }
}

impl Plan {
    /// The set it takes its elements from, unless it is a source. A concatenation has a second one.
    pub fn inner(&self) -> Option<&Arc<Set>> {
        match self {
            Plan::All { .. }
            | Plan::Index { .. }
            | Plan::Array(_)
            | Plan::Single(_)
            | Plan::Sequence(..) => None,
            Plan::Where(inner, _)
            | Plan::Map(inner, _)
            | Plan::FlatMap(inner, _)
            | Plan::Concat(inner, _)
            | Plan::Distinct(inner)
            | Plan::Order(inner, _)
            | Plan::Reverse(inner)
            | Plan::Take(inner, _)
            | Plan::Drop(inner, _) => Some(inner),
        }
    }

    /// Whether its elements can be read from the end as well: reversed, it is a set of its own kind.
    pub fn reads_both_ways(&self) -> bool {
        match self {
            Plan::Array(_) | Plan::Sequence(..) | Plan::FlatMap(..) => true,
            Plan::All { .. }
            | Plan::Index { .. }
            | Plan::Single(_)
            | Plan::Where(..)
            | Plan::Map(..)
            | Plan::Concat(..)
            | Plan::Distinct(_)
            | Plan::Order(..)
            | Plan::Reverse(_)
            | Plan::Take(..)
            | Plan::Drop(..) => false,
        }
    }

    /// Moves the inner sets out.
    fn take_inner(&mut self, into: &mut Vec<Arc<Set>>) {
        if self.inner().is_none() {
            return;
        }
        match std::mem::replace(self, Plan::Sequence(0, 0)) {
            Plan::All { .. }
            | Plan::Index { .. }
            | Plan::Array(_)
            | Plan::Single(_)
            | Plan::Sequence(..) => {}
            Plan::Where(inner, _)
            | Plan::Map(inner, _)
            | Plan::FlatMap(inner, _)
            | Plan::Distinct(inner)
            | Plan::Order(inner, _)
            | Plan::Reverse(inner)
            | Plan::Take(inner, _)
            | Plan::Drop(inner, _) => into.push(inner),
            Plan::Concat(first, second) => into.extend([first, second]),
        }
    }
}

/// A query can nest steps without bound, so they are let go one after another and not within one another.
impl Drop for Set {
    fn drop(&mut self) {
        let mut pending = Vec::new();
        self.plan.take_inner(&mut pending);
        while let Some(set) = pending.pop() {
            if let Some(mut set) = Arc::into_inner(set) {
                set.plan.take_inner(&mut pending);
            }
        }
        // What else the plan holds may hold sets again.
        let plan = std::mem::replace(&mut self.plan, Plan::Sequence(0, 0));
        super::deep(|| drop(plan));
    }
}

/// One key of `order`.
#[derive(Clone, Debug)]
pub struct OrderKey {
    /// Yields the key of an element.
    pub accessor: Callback,
    /// Largest first.
    pub descending: bool,
}

/// A position in a set: what `after` holds.
#[derive(Clone, Debug)]
pub struct Cursor {
    /// The set.
    pub set: Arc<Set>,
    /// Where to go on, in the terms of the set's plan.
    pub position: Value,
    /// Elements a page.
    pub page_size: u32,
    /// The time the set is evaluated as of; `None` within the query that made the cursor.
    pub at: Option<TxnTime>,
}

/// Events of a set's changes.
#[derive(Clone, Debug)]
pub struct EventSource {
    /// The set.
    pub set: Arc<Set>,
    /// Watched field paths; empty: all.
    pub watched: Vec<Vec<PathPart>>,
    /// Events start after this time; `None` until rendered.
    pub since: Option<TxnTime>,
}

/// A step of a field path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PathPart {
    /// `.name`
    Field(Str),
    /// `[index]`
    Index(i64),
}
