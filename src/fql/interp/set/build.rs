//! Making plans.

use super::super::{Failure, Interp, MAX_ELEMENTS, Result};
use crate::value::{CollId, OrderKey, Plan, Set, Value};
use std::sync::Arc;

impl Interp {
    /// All documents of a collection, in the read time in force.
    pub fn all_documents(&self, coll: CollId, range: (Option<i64>, Option<i64>)) -> Set {
        Set {
            plan: Plan::All {
                coll,
                range,
                reversed: false,
            },
            at: self.at,
            page_size: None,
        }
    }

    /// `set.where(predicate)`
    pub fn where_set(&self, set: &Arc<Set>, predicate: &Value) -> Result<Set> {
        self.check_callback("pred", predicate, 1)?;
        Ok(Set::over(
            set,
            Plan::Where(set.clone(), self.callback(predicate.clone())),
        ))
    }

    /// `set.map(mapper)`
    pub fn map_set(&self, set: &Arc<Set>, mapper: &Value) -> Result<Set> {
        self.check_callback("mapper", mapper, 1)?;
        Ok(Set::over(
            set,
            Plan::Map(set.clone(), self.callback(mapper.clone())),
        ))
    }

    /// `set.flatMap(mapper)`
    pub fn flat_map_set(&self, set: &Arc<Set>, mapper: &Value) -> Result<Set> {
        self.check_callback("mapper", mapper, 1)?;
        Ok(Set::over(
            set,
            Plan::FlatMap(set.clone(), self.callback(mapper.clone())),
        ))
    }

    /// `set.order(orderings)` (`spec fql10-data 5.4`).
    pub fn order_set(&self, set: &Arc<Set>, orderings: &[Value]) -> Result<Set> {
        let mut keys = Vec::with_capacity(orderings.len());
        for (n, ordering) in orderings.iter().enumerate() {
            keys.push(self.ordering(n, ordering)?);
        }
        Ok(Set::over(set, Plan::Order(set.clone(), keys)))
    }

    /// One ordering: a function, `{ asc: function }` or `{ desc: function }`.
    pub fn ordering(&self, n: usize, ordering: &Value) -> Result<OrderKey> {
        let name = format!("ordering{n}");
        let (function, descending) = match ordering {
            Value::Object(object) if object.len() == 1 => match object.iter().next() {
                Some((key, f)) if (&**key == "asc" || &**key == "desc") && f.is_function() => {
                    (f, &**key == "desc")
                }
                _ => return Err(Failure::argument_type(&name, "Function", ordering)),
            },
            f if f.is_function() => (f, false),
            other => return Err(Failure::argument_type(&name, "Function", other)),
        };
        self.check_callback(&name, function, 1)?;
        Ok(OrderKey {
            accessor: self.callback(function.clone()),
            descending,
        })
    }

    /// `set.take(limit)`
    pub fn take_set(&self, set: &Arc<Set>, limit: i64) -> Result<Set> {
        let Ok(n) = u64::try_from(limit) else {
            let message = format!("expected `limit` to be greater than 0, received {limit}");
            return Err(Failure::new("invalid_bounds", message));
        };
        Ok(match n {
            0 => Set::new(Plan::Array(Arc::default())),
            n => Set::over(set, Plan::Take(set.clone(), n)),
        })
    }

    /// Fails unless `size` is one a page may have.
    pub fn page_size(&self, size: i64) -> Result<u32> {
        if (1..=MAX_ELEMENTS as i64).contains(&size) {
            return Ok(size as u32);
        }
        let message = format!(
            "expected `size` to be between 1 and {MAX_ELEMENTS} (inclusive), received {size}"
        );
        Err(Failure::new("invalid_bounds", message))
    }
}

/// The set backwards (`spec fql10-data 5.5`). Where [`Plan::Reverse`] stands over an array, a sequence or a `flatMap`
/// it is native; over anything else it materialises.
pub fn reversed(set: &Arc<Set>) -> Arc<Set> {
    let plan = stacker::maybe_grow(64 * 1024, 1024 * 1024, || match &set.plan {
        Plan::All {
            coll,
            range,
            reversed,
        } => Plan::All {
            coll: *coll,
            range: *range,
            reversed: !reversed,
        },
        Plan::Index {
            coll,
            name,
            index,
            origin,
            terms,
            range,
            reversed,
        } => Plan::Index {
            coll: *coll,
            name: name.clone(),
            index: *index,
            origin: origin.clone(),
            terms: terms.clone(),
            range: range.clone(),
            reversed: !reversed,
        },
        Plan::Where(inner, f) => Plan::Where(reversed(inner), f.clone()),
        Plan::Map(inner, f) => Plan::Map(reversed(inner), f.clone()),
        Plan::Concat(first, second) => Plan::Concat(reversed(second), reversed(first)),
        Plan::Distinct(inner) => Plan::Distinct(reversed(inner)),
        Plan::Order(inner, keys) => {
            let flip = |key: &OrderKey| OrderKey {
                accessor: key.accessor.clone(),
                descending: !key.descending,
            };
            Plan::Order(inner.clone(), keys.iter().map(flip).collect())
        }
        Plan::Array(_)
        | Plan::Sequence(..)
        | Plan::FlatMap(..)
        | Plan::Single(_)
        | Plan::Take(..)
        | Plan::Drop(..) => Plan::Reverse(set.clone()),
        // Twice backwards; the page size may have been set in between.
        Plan::Reverse(inner) => inner.plan.clone(),
    });
    Arc::new(Set {
        plan,
        at: set.at,
        page_size: set.page_size,
    })
}
