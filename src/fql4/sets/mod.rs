//! Sets: plans that are read when they are paginated or counted (`spec fql4 6.6`).
//!
//! ```text
//! Set ──rights::readable──▶ what may be read of it ──walk::open──▶ elements in order ──page──▶ Page
//!                                                  └─history::events──▶ events ──────┘
//! ```
//!
//! - `element`: elements, positions, windows; `shape`: values and directions of a set's elements
//! - `walk`, `combine`: the iterator over each kind of set
//! - `cursor`: positions as queries give them
//! - `history`: events

mod combine;
pub mod cursor;
pub mod element;
pub mod history;
pub mod page;
pub mod rights;
pub mod shape;
mod walk;

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

/// The readable elements of a set, or its events if it is a set of events. `key` is the place of the set in the form.
pub fn elements(me: &mut Evaluator, set: &Arc<Set>, key: &Place) -> Result<Box<dyn Elements>> {
    let Some(readable) = rights::readable(me, set)? else {
        return Err(Error::permission_denied(key).into());
    };
    if shape::shape(me, &readable.set)?.is_historical {
        let events = history::events(me, &readable.set, key)?;
        return Ok(Box::new(Events {
            events: events.into_iter(),
            is_filtered: readable.is_filtered,
        }));
    }
    let walk = walk::open(me, &readable.set, &element::Window::default(), true, key)?;
    Ok(Box::new(Walked {
        walk,
        is_filtered: readable.is_filtered,
    }))
}

struct Walked {
    walk: Box<dyn walk::Walk>,
    is_filtered: bool,
}

impl Elements for Walked {
    fn next(&mut self, me: &mut Evaluator) -> Result<Option<Value>> {
        while let Some(element) = self.walk.next(me)? {
            me.interp.charge(1)?;
            if !self.is_filtered || rights::may_read(me, element.document)? {
                return Ok(Some(element.shown()));
            }
        }
        Ok(None)
    }
}

struct Events {
    events: std::vec::IntoIter<history::Item>,
    is_filtered: bool,
}

impl Elements for Events {
    fn next(&mut self, me: &mut Evaluator) -> Result<Option<Value>> {
        for item in self.events.by_ref() {
            me.interp.charge(1)?;
            if !self.is_filtered || rights::may_read(me, item.document)? {
                return Ok(Some(item.shown()));
            }
        }
        Ok(None)
    }
}

/// The document of the first element of a set: what `Get`, `Exists`, `Login` look at, before any filtering. `key` is the
/// place of the set in the form.
pub fn head(me: &mut Evaluator, set: &Arc<Set>, key: &Place) -> Result<Option<Ref>> {
    let Some(readable) = rights::readable(me, set)? else {
        return Err(Error::permission_denied(key).into());
    };
    let mut walk = walk::open(me, &readable.set, &element::Window::default(), true, key)?;
    Ok(walk.next(me)?.map(|element| element.document))
}

/// Whether a set has an element, and may be told: `IsEmpty`, `Exists`. Only the first element is looked at, and one that
/// may not be read counts as none.
pub fn is_nonempty(me: &mut Evaluator, set: &Arc<Set>, key: &Place) -> Result<bool> {
    match head(me, set, key)? {
        // An entry may be there whose document is gone.
        Some(document) => Ok(rights::may_read(me, document)? && exists(me, document)?),
        None => Ok(false),
    }
}

/// Whether a document is there at the time in force.
fn exists(me: &mut Evaluator, document: Ref) -> Result<bool> {
    let at = me.interp.at;
    let found = me.interp.txn.with_scope(document.scope, |txn| {
        txn.get(document.coll, document.id, at)
            .map(|version| version.is_some())
    })??;
    Ok(found)
}

/// Whether a set has an element with a value: `ContainsValue`.
pub fn contains(_: &mut Evaluator, _: &Arc<Set>, _: &Value, place: &Place) -> Result<bool> {
    Err(Error::argument(place, "Sets cannot be read yet.").into())
}

/// Whether two sets are made alike.
pub fn same(a: &Set, b: &Set) -> bool {
    let all = |x: &[Arc<Set>], y: &[Arc<Set>]| {
        x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(x, y))
    };
    match (a, b) {
        (Set::Native { scope, coll }, Set::Native { scope: s, coll: c }) => scope == s && coll == c,
        (Set::Documents(x), Set::Documents(y))
        | (Set::Singleton(x), Set::Singleton(y))
        | (Set::Document(x), Set::Document(y)) => x == y,
        (Set::Match { index, terms }, Set::Match { index: i, terms: t }) => {
            index == i
                && terms.len() == t.len()
                && terms.iter().zip(t).all(|(x, y)| super::order::same(x, y))
        }
        (Set::Events(x), Set::Events(y))
        | (Set::Distinct(x), Set::Distinct(y))
        | (Set::Reverse(x), Set::Reverse(y)) => same(x, y),
        (Set::Union(x), Set::Union(y))
        | (Set::Intersection(x), Set::Intersection(y))
        | (Set::Difference(x), Set::Difference(y)) => all(x, y),
        (Set::Join(x, lambda), Set::Join(y, other))
        | (Set::Filter(x, lambda), Set::Filter(y, other)) => {
            same(x, y) && super::lambda::same(lambda, other)
        }
        (Set::JoinIndex(x, index), Set::JoinIndex(y, other)) => same(x, y) && index == other,
        (
            Set::Range { set, from, to },
            Set::Range {
                set: s,
                from: f,
                to: t,
            },
        ) => same(set, s) && super::order::same(from, f) && super::order::same(to, t),
        _ => false,
    }
}
