//! Elements of sets, and positions among them.
//!
//! An element is a document with the values that an index covers. Elements are in the order of their values, and of their
//! documents if they have none; the bytes of index keys are that order. Two elements with the same values count as the
//! same element when sets are combined, whatever documents they are of.

use super::Set;
use crate::fql4::eval::Evaluator;
use crate::fql4::stored::{reference_to_stored, to_stored};
use crate::fql4::value::{CollId, DocId, Ref, Value};
use crate::model::encode_term;
use crate::value::key::KeyCodec;
use crate::value::{ScopeId, Value as Stored};
use std::cmp::Ordering;
use std::sync::Arc;

/// A covered value.
#[derive(Clone, Debug)]
pub struct Term {
    /// The value.
    pub value: Value,
    /// Largest first.
    pub reverse: bool,
}

/// An element of a set.
#[derive(Clone, Debug)]
pub struct Element {
    /// The document.
    pub document: Ref,
    /// The covered values; none: the element is the document itself.
    pub values: Vec<Term>,
    /// The bytes of the values; of the document if there are none.
    pub key: Vec<u8>,
    /// The sets it comes from.
    pub sources: Vec<Arc<Set>>,
}

/// A document in a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// Before every document.
    Least,
    /// At a document.
    At(CollId, DocId),
    /// Behind every document.
    Greatest,
}

/// A position: the beginning of the values of elements, then a document.
#[derive(Clone, Debug)]
pub struct Bound {
    /// Values, maybe fewer than elements have.
    pub values: Vec<Term>,
    /// The document.
    pub document: Edge,
}

/// The part of a set that is asked for; both ends are inclusive.
#[derive(Clone, Debug, Default)]
pub struct Window {
    /// The first position.
    pub lower: Option<Bound>,
    /// The last.
    pub upper: Option<Bound>,
}

impl Element {
    /// An element with these values; `source` is where it comes from.
    pub fn new(me: &Evaluator, document: Ref, values: Vec<Term>, source: &Arc<Set>) -> Element {
        let codec = me.interp.txn.model().key_codec();
        let key = match values.is_empty() {
            true => document_key(codec, document),
            false => values_key(codec, document.scope, &values),
        };
        Element {
            document,
            values,
            key,
            sources: vec![source.clone()],
        }
    }

    /// What lambdas are given of it, and pages show: the document, the value, or an array of the values.
    pub fn shown(&self) -> Value {
        match self.values.as_slice() {
            [] => Value::Ref(self.document),
            [one] => one.value.clone(),
            many => Value::array(many.iter().map(|term| term.value.clone()).collect()),
        }
    }

    /// The same as terms of an index.
    pub fn covered(&self) -> Vec<Value> {
        match self.values.as_slice() {
            [] => vec![Value::Ref(self.document)],
            values => values.iter().map(|term| term.value.clone()).collect(),
        }
    }

    /// Its position as a page gives it out.
    pub fn cursor(&self) -> Value {
        let values = self.values.iter().map(|term| term.value.clone());
        let all = values.chain([Value::Ref(self.document)]).collect();
        Value::Cursor(Arc::new(Value::array(all)))
    }

    /// How its place compares to a position, in the order of values, then of documents.
    pub fn compare(&self, codec: &KeyCodec, bound: &Bound) -> Ordering {
        let mine: &[u8] = match self.values.is_empty() {
            true => &[],
            false => &self.key,
        };
        mine.cmp(&bound.key(codec, self.document.scope))
            .then_with(|| bound.document.compare(self.document))
    }
}

impl Edge {
    /// How a document compares to it.
    pub fn compare(self, document: Ref) -> Ordering {
        match self {
            Edge::Least => Ordering::Greater,
            Edge::At(coll, id) => (document.id, document.coll).cmp(&(id, coll)),
            Edge::Greatest => Ordering::Less,
        }
    }
}

impl Bound {
    /// The bytes of its values.
    pub fn key(&self, codec: &KeyCodec, scope: ScopeId) -> Vec<u8> {
        values_key(codec, scope, &self.values)
    }

    /// Its values as they are stored.
    pub fn stored(&self, scope: ScopeId) -> Vec<Stored> {
        let values = self.values.iter();
        values
            .map(|term| stored_or_null(scope, &term.value))
            .collect()
    }
}

impl Window {
    /// The part of it that another one leaves.
    pub fn within(&self, codec: &KeyCodec, scope: ScopeId, other: &Window) -> Window {
        let lower = match (&self.lower, &other.lower) {
            (Some(a), Some(b)) => Some(match compare_lower(codec, scope, a, b) {
                Ordering::Less => b.clone(),
                Ordering::Equal | Ordering::Greater => a.clone(),
            }),
            (a, b) => a.clone().or_else(|| b.clone()),
        };
        let upper = match (&self.upper, &other.upper) {
            (Some(a), Some(b)) => Some(match compare_upper(codec, scope, a, b) {
                Ordering::Greater => b.clone(),
                Ordering::Equal | Ordering::Less => a.clone(),
            }),
            (a, b) => a.clone().or_else(|| b.clone()),
        };
        Window { lower, upper }
    }
}

fn compare_edges(a: Edge, b: Edge) -> Ordering {
    let rank = |edge: Edge| match edge {
        Edge::Least => (0, None),
        Edge::At(coll, id) => (1, Some((id, coll))),
        Edge::Greatest => (2, None),
    };
    rank(a).cmp(&rank(b))
}

/// A prefix stands before all that continue it.
fn compare_lower(codec: &KeyCodec, scope: ScopeId, a: &Bound, b: &Bound) -> Ordering {
    let (x, y) = (a.key(codec, scope), b.key(codec, scope));
    x.cmp(&y)
        .then_with(|| compare_edges(a.document, b.document))
}

/// A prefix stands behind all that continue it.
fn compare_upper(codec: &KeyCodec, scope: ScopeId, a: &Bound, b: &Bound) -> Ordering {
    let (x, y) = (a.key(codec, scope), b.key(codec, scope));
    if x != y && (x.starts_with(&y) || y.starts_with(&x)) {
        return y.len().cmp(&x.len());
    }
    x.cmp(&y)
        .then_with(|| compare_edges(a.document, b.document))
}

fn stored_or_null(scope: ScopeId, value: &Value) -> Stored {
    to_stored(scope, value).unwrap_or(Stored::NULL)
}

/// The bytes of a document where it is the value.
pub fn document_key(codec: &KeyCodec, document: Ref) -> Vec<u8> {
    let mut key = Vec::new();
    encode_term(codec, &reference_to_stored(document), false, &mut key);
    key
}

/// The bytes of values, in their order.
pub fn values_key(codec: &KeyCodec, scope: ScopeId, values: &[Term]) -> Vec<u8> {
    let mut key = Vec::new();
    for term in values {
        encode_term(
            codec,
            &stored_or_null(scope, &term.value),
            term.reverse,
            &mut key,
        );
    }
    key
}
