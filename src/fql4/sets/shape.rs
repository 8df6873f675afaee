//! The shape of a set: how many values its elements have and in which directions they are sorted.

use super::Set;
use crate::fql4::error::Result;
use crate::fql4::eval::Evaluator;
use crate::fql4::value::Ref;
use crate::model::schema::LegacyIndex;
use crate::value::IndexId;
use std::sync::Arc;

/// The shape of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// For each value, and for the document behind them, whether it is sorted backwards. Empty if nothing is known: the
    /// elements are those of sets that a lambda will make.
    pub reversed: Vec<bool>,
    /// It is a set of events.
    pub is_historical: bool,
}

impl Shape {
    fn single() -> Shape {
        Shape {
            reversed: vec![false],
            is_historical: false,
        }
    }

    fn of_index(index: Option<&LegacyIndex>) -> Shape {
        let values = index.map_or(&[][..], |index| &index.values[..]);
        let reversed = values.iter().map(|value| value.reverse);
        Shape {
            reversed: reversed.chain([false]).collect(),
            is_historical: false,
        }
    }

    /// Whether nothing is known of its elements.
    pub fn is_unknown(&self) -> bool {
        self.reversed.is_empty()
    }

    /// Whether sets of both shapes can be combined: as far as both have values, these are sorted alike.
    pub fn is_compatible(&self, other: &Shape) -> bool {
        let mut pairs = self.reversed.iter().zip(&other.reversed);
        self.is_historical == other.is_historical && pairs.all(|(a, b)| a == b)
    }
}

/// The index that a reference means, as it was before the query.
pub fn index(me: &mut Evaluator, reference: Ref) -> Result<Option<Arc<LegacyIndex>>> {
    let id = IndexId(u64::try_from(reference.id.0).unwrap_or(0));
    let find = |txn: &mut crate::model::Txn| txn.schema().legacy_index(id).cloned();
    Ok(me.interp.txn.with_scope(reference.scope, find)?)
}

/// The shape of a set.
pub fn shape(me: &mut Evaluator, set: &Set) -> Result<Shape> {
    Ok(match set {
        Set::Native { .. } | Set::Documents(_) | Set::Singleton(_) | Set::Document(_) => {
            Shape::single()
        }
        Set::Match { index: of, .. } | Set::JoinIndex(_, of) => {
            Shape::of_index(index(me, *of)?.as_deref())
        }
        Set::Events(inner) => Shape {
            is_historical: true,
            ..shape(me, inner)?
        },
        Set::Union(sets) | Set::Intersection(sets) | Set::Difference(sets) => match sets.first() {
            Some(first) => shape(me, first)?,
            None => Shape::single(),
        },
        Set::Distinct(inner) | Set::Range { set: inner, .. } | Set::Filter(inner, _) => {
            shape(me, inner)?
        }
        Set::Join(..) => Shape {
            reversed: Vec::new(),
            is_historical: false,
        },
        Set::Reverse(inner) => {
            let mut shape = shape(me, inner)?;
            match shape.reversed.len() {
                // Documents take the place of a value that is sorted backwards.
                1 => shape.reversed = vec![true, false],
                _ => {
                    shape.reversed.pop();
                    shape.reversed.iter_mut().for_each(|flag| *flag = !*flag);
                    shape.reversed.push(false);
                }
            }
            shape
        }
    })
}
