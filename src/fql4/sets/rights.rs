//! What may be read of a set (`spec fql4 9.3`).
//!
//! A set is first reduced to the parts that may be read at all. What is left is filtered, element by element, by the right
//! to read the document, unless every part may be read without restriction.

use super::Set;
use crate::access::Action;
use crate::fql::interp::Resource;
use crate::fql4::documents::is_readable;
use crate::fql4::error::Result;
use crate::fql4::eval::Evaluator;
use crate::fql4::refs;
use crate::fql4::stored::to_stored;
use crate::fql4::value::Ref;
use crate::value::Value as Stored;
use std::sync::Arc;

/// What is left of a set.
#[derive(Clone, Debug)]
pub struct Readable {
    /// The parts that may be read.
    pub set: Arc<Set>,
    /// Elements count only if their documents may be read.
    pub is_filtered: bool,
}

/// Whether a document may be read.
pub fn may_read(me: &mut Evaluator, document: Ref) -> Result<bool> {
    is_readable(me, document, Action::Read)
}

/// Whether a document's history may be read.
pub fn may_read_history(me: &mut Evaluator, document: Ref) -> Result<bool> {
    is_readable(me, document, Action::HistoryRead)
}

/// The parts of a set that may be read; `None` if it may not be read at all.
pub fn readable(me: &mut Evaluator, set: &Arc<Set>) -> Result<Option<Readable>> {
    let same = |is_filtered| {
        Some(Readable {
            set: set.clone(),
            is_filtered,
        })
    };
    Ok(match &**set {
        Set::Native { scope, coll } => {
            let allowed = may_read(me, refs::native_ref(*scope, *coll))?;
            same(true).filter(|_| allowed)
        }
        Set::Documents(collection) => {
            let unrestricted = match refs::coll_of(*collection) {
                Some(coll) => me.interp.allowed_legacy(
                    Action::UnrestrictedRead,
                    Resource::Collection(coll),
                    Stored::NULL,
                )?,
                None => false,
            };
            same(!unrestricted)
        }
        Set::Match { index, terms } => {
            let stored = terms.iter().map(|term| to_stored(index.scope, term));
            let terms: Vec<Stored> = stored.map(|term| term.unwrap_or(Stored::NULL)).collect();
            let resource = Resource::Index(index.id);
            let mut may = |action| {
                let terms = Stored::array(terms.clone());
                me.interp.allowed_legacy(action, resource, terms)
            };
            if may(Action::UnrestrictedRead)? {
                same(false)
            } else {
                match may(Action::Read)? {
                    true => same(true),
                    false => None,
                }
            }
        }
        Set::Singleton(document) | Set::Document(document) => {
            match may_read_history(me, *document)? {
                true => same(false),
                false => None,
            }
        }
        Set::Events(inner) => over(readable(me, inner)?, Set::Events),
        Set::Union(sets) => several(me, sets)?.map(|(sets, is_filtered)| Readable {
            set: Arc::new(Set::Union(sets)),
            is_filtered,
        }),
        Set::Intersection(sets) => several(me, sets)?.map(|(sets, is_filtered)| Readable {
            set: Arc::new(Set::Intersection(sets)),
            is_filtered,
        }),
        Set::Difference(sets) => match sets.split_first() {
            None => same(false),
            Some((first, others)) => match readable(me, first)? {
                None => None,
                Some(first) => {
                    let (mut sets, mut is_filtered) = (vec![first.set], first.is_filtered);
                    if let Some((others, filtered)) = several(me, others)? {
                        sets.extend(others);
                        is_filtered |= filtered;
                    }
                    Some(Readable {
                        set: Arc::new(Set::Difference(sets)),
                        is_filtered,
                    })
                }
            },
        },
        Set::Distinct(inner) => over(readable(me, inner)?, Set::Distinct),
        Set::Reverse(inner) => over(readable(me, inner)?, Set::Reverse),
        Set::Join(inner, lambda) => {
            over(readable(me, inner)?, |set| Set::Join(set, lambda.clone()))
        }
        Set::JoinIndex(inner, index) => {
            over(readable(me, inner)?, |set| Set::JoinIndex(set, *index))
        }
        Set::Filter(inner, lambda) => {
            over(readable(me, inner)?, |set| Set::Filter(set, lambda.clone()))
        }
        Set::Range { set, from, to } => over(readable(me, set)?, |set| Set::Range {
            set,
            from: from.clone(),
            to: to.clone(),
        }),
    })
}

fn over(inner: Option<Readable>, make: impl FnOnce(Arc<Set>) -> Set) -> Option<Readable> {
    inner.map(|inner| Readable {
        set: Arc::new(make(inner.set)),
        is_filtered: inner.is_filtered,
    })
}

/// Those that may be read, and whether any is filtered; `None` if there are none.
fn several(me: &mut Evaluator, sets: &[Arc<Set>]) -> Result<Option<(Vec<Arc<Set>>, bool)>> {
    let (mut left, mut is_filtered) = (Vec::new(), false);
    for set in sets {
        if let Some(readable) = readable(me, set)? {
            left.push(readable.set);
            is_filtered |= readable.is_filtered;
        }
    }
    Ok((!left.is_empty()).then_some((left, is_filtered)))
}
