//! Walks over the elements of sets: documents, index entries, one document, and what filters or reverses them.
//!
//! A walk holds no transaction: each step is given the evaluator. It begins within a window and goes up or down.

use super::combine::{Merge, Rule};
use super::element::{Bound, Edge, Element, Term, Window};
use super::shape::{index, shape};
use super::{Set, rights};
use crate::fql4::error::{Error, Result};
use crate::fql4::eval::Evaluator;
use crate::fql4::expression::Closure;
use crate::fql4::place::Place;
use crate::fql4::refs;
use crate::fql4::stored::{from_stored, to_stored};
use crate::fql4::value::{CollId, DocId, Ref, ScopeId, Value};
use crate::model::schema::LegacyIndex;
use crate::model::{LegacyBounds, LegacyCursor, ScanCursor};
use crate::value::Value as Stored;
use std::ops::Bound as RangeBound;
use std::sync::Arc;

/// A walk over elements.
pub trait Walk {
    /// The next element.
    fn next(&mut self, me: &mut Evaluator) -> Result<Option<Element>>;
}

/// Begins a walk over the part of a set within a window, upwards or downwards.
pub fn open(
    me: &mut Evaluator,
    set: &Arc<Set>,
    window: &Window,
    ascending: bool,
    place: &Place,
) -> Result<Box<dyn Walk>> {
    let many = |me: &mut Evaluator, sets: &[Arc<Set>], rule: Rule| -> Result<Box<dyn Walk>> {
        let walks = sets
            .iter()
            .map(|set| open(me, set, window, ascending, place));
        let walks = walks.collect::<Result<Vec<_>>>()?;
        Ok(Box::new(Merge::new(walks, rule, ascending)))
    };
    Ok(match &**set {
        Set::Native { scope, coll } => documents(me, set, *scope, *coll, window, ascending)?,
        Set::Documents(collection) => match refs::coll_of(*collection) {
            Some(coll) => documents(me, set, collection.scope, coll, window, ascending)?,
            None => Box::new(Fixed::default()),
        },
        Set::Match { index: of, terms } => match index(me, *of)? {
            Some(found) => entries(me, set, *of, found, terms, window, ascending)?,
            None => Box::new(Fixed::default()),
        },
        Set::Singleton(document) | Set::Document(document) => {
            Box::new(single(me, set, *document, window)?)
        }
        // The elements of a set of events are those of the set itself, where no events are asked for.
        Set::Events(inner) => Box::new(Named {
            walk: open(me, inner, window, ascending, place)?,
            as_source: (!is_composite(inner)).then(|| set.clone()),
        }),
        Set::Union(sets) => many(me, sets, Rule::Union)?,
        Set::Intersection(sets) => {
            let whole = without_documents(window);
            let walks = sets
                .iter()
                .map(|set| open(me, set, &whole, ascending, place));
            let walks = walks.collect::<Result<Vec<_>>>()?;
            Box::new(Merge::new(walks, Rule::Intersection, ascending))
        }
        Set::Difference(sets) => {
            let whole = without_documents(window);
            let walks = sets
                .iter()
                .map(|set| open(me, set, &whole, ascending, place));
            let walks = walks.collect::<Result<Vec<_>>>()?;
            Box::new(Merge::new(walks, Rule::Difference, ascending))
        }
        Set::Distinct(inner) => Box::new(Distinct {
            walk: open(me, inner, window, ascending, place)?,
            last: None,
        }),
        Set::Join(..) | Set::JoinIndex(..) => {
            let mut walks = Vec::new();
            for target in targets(me, set, place)? {
                walks.push(open(me, &target, window, ascending, place)?);
            }
            Box::new(Merge::new(walks, Rule::Join, ascending))
        }
        Set::Range { set, from, to } => {
            let own = super::cursor::range(me, set, from, to, place)?;
            let codec = me.interp.txn.model().clone();
            let scope = me.interp.txn.scope();
            let both = window.within(codec.key_codec(), scope, &own);
            open(me, set, &both, ascending, place)?
        }
        Set::Reverse(inner) => {
            let documents = shape(me, inner)?.reversed.len() == 1;
            let turned = Window {
                lower: window.upper.as_ref().map(|b| turned(b, documents, true)),
                upper: window.lower.as_ref().map(|b| turned(b, documents, false)),
            };
            Box::new(Reverse {
                walk: open(me, inner, &turned, !ascending, place)?,
                set: set.clone(),
            })
        }
        Set::Filter(inner, lambda) => Box::new(Filter {
            walk: open(me, inner, window, ascending, place)?,
            lambda: lambda.clone(),
        }),
    })
}

/// Whether the sources of its elements are sets within it.
fn is_composite(set: &Set) -> bool {
    match set {
        Set::Native { .. }
        | Set::Documents(_)
        | Set::Match { .. }
        | Set::Singleton(_)
        | Set::Document(_) => false,
        Set::Events(_)
        | Set::Union(_)
        | Set::Intersection(_)
        | Set::Difference(_)
        | Set::Distinct(_)
        | Set::Join(..)
        | Set::JoinIndex(..)
        | Set::Range { .. }
        | Set::Reverse(_)
        | Set::Filter(..) => true,
    }
}

/// Elements with equal values are compared as a whole: where the window begins within them, it begins before them.
fn without_documents(window: &Window) -> Window {
    let whole = |bound: &Bound, document| match bound.values.is_empty() {
        true => bound.clone(),
        false => Bound {
            values: bound.values.clone(),
            document,
        },
    };
    Window {
        lower: window.lower.as_ref().map(|b| whole(b, Edge::Least)),
        upper: window.upper.as_ref().map(|b| whole(b, Edge::Greatest)),
    }
}

/// The readable target sets of a join.
pub fn targets(me: &mut Evaluator, set: &Set, place: &Place) -> Result<Vec<Arc<Set>>> {
    let (Set::Join(source, _) | Set::JoinIndex(source, _)) = set else {
        return Ok(Vec::new());
    };
    let mut walk = open(me, source, &Window::default(), true, place)?;
    let mut found = Vec::new();
    while let Some(element) = walk.next(me)? {
        me.interp.charge(1)?;
        found.extend(target(me, set, &element)?);
    }
    Ok(found)
}

/// The readable target set of an element of the source of a join.
pub fn target(me: &mut Evaluator, join: &Set, element: &Element) -> Result<Option<Arc<Set>>> {
    let target = match join {
        Set::Join(_, lambda) => {
            let at = lambda.lambda.place.clone();
            let value = me.apply(lambda, element.shown(), &at)?;
            match me.cast(value, crate::fql4::forms::Cast::Set, &at)? {
                Value::Set(target) => target,
                _ => return Ok(None),
            }
        }
        Set::JoinIndex(_, index) => Arc::new(Set::Match {
            index: *index,
            terms: element.covered(),
        }),
        _ => return Ok(None),
    };
    Ok(rights::readable(me, &target)?.map(|readable| readable.set))
}

/// A position of a reversed set in the set it reverses.
fn turned(bound: &Bound, documents: bool, is_lower: bool) -> Bound {
    let edge = if is_lower {
        Edge::Least
    } else {
        Edge::Greatest
    };
    if documents {
        // The document stands in the place of the value.
        let document = match bound.values.first().map(|term| &term.value) {
            Some(Value::Ref(document)) => Edge::At(document.coll, document.id),
            Some(Value::Null) => Edge::Greatest,
            Some(Value::Long(0)) => Edge::Least,
            Some(_) => edge,
            None => match bound.document {
                at @ Edge::At(..) => at,
                Edge::Least | Edge::Greatest => edge,
            },
        };
        return Bound {
            values: Vec::new(),
            document,
        };
    }
    let values = bound.values.iter().map(|term| Term {
        value: term.value.clone(),
        reverse: !term.reverse,
    });
    Bound {
        values: values.collect(),
        document: match bound.document {
            at @ Edge::At(..) => at,
            Edge::Least | Edge::Greatest => edge,
        },
    }
}

/// Elements that are known.
#[derive(Default)]
struct Fixed(Option<Element>);

impl Walk for Fixed {
    fn next(&mut self, _: &mut Evaluator) -> Result<Option<Element>> {
        Ok(self.0.take())
    }
}

fn single(me: &mut Evaluator, set: &Arc<Set>, document: Ref, window: &Window) -> Result<Fixed> {
    let at = me.interp.at;
    let exists = me.interp.txn.with_scope(document.scope, |txn| {
        txn.get(document.coll, document.id, at)
            .map(|version| version.is_some())
    })??;
    let bounds = [(&window.lower, true), (&window.upper, false)];
    let inside = bounds.into_iter().all(|(bound, is_lower)| {
        let edge = bound.as_ref().map(|bound| bound.document.compare(document));
        edge.is_none_or(|order| {
            if is_lower {
                order.is_ge()
            } else {
                order.is_le()
            }
        })
    });
    let element = (exists && inside).then(|| Element::new(me, document, Vec::new(), set));
    Ok(Fixed(element))
}

struct Documents {
    cursor: ScanCursor,
    scope: ScopeId,
    set: Arc<Set>,
}

fn documents(
    me: &mut Evaluator,
    set: &Arc<Set>,
    scope: ScopeId,
    coll: CollId,
    window: &Window,
    ascending: bool,
) -> Result<Box<dyn Walk>> {
    // Of two documents with one id the collections decide.
    let lower = match window.lower.as_ref().map(|bound| bound.document) {
        None | Some(Edge::Least) => RangeBound::Unbounded,
        Some(Edge::At(of, id)) if of > coll => RangeBound::Excluded(id),
        Some(Edge::At(_, id)) => RangeBound::Included(id),
        Some(Edge::Greatest) => return Ok(Box::new(Fixed::default())),
    };
    let upper = match window.upper.as_ref().map(|bound| bound.document) {
        None | Some(Edge::Greatest) => RangeBound::Unbounded,
        Some(Edge::At(of, id)) if of < coll => RangeBound::Excluded(id),
        Some(Edge::At(_, id)) => RangeBound::Included(id),
        Some(Edge::Least) => return Ok(Box::new(Fixed::default())),
    };
    let at = me.interp.at;
    let cursor = me
        .interp
        .txn
        .with_scope(scope, |txn| txn.scan(coll, (lower, upper), !ascending, at))?;
    Ok(Box::new(Documents {
        cursor,
        scope,
        set: set.clone(),
    }))
}

impl Walk for Documents {
    fn next(&mut self, me: &mut Evaluator) -> Result<Option<Element>> {
        let coll = self.cursor.collection();
        let cursor = &mut self.cursor;
        let found = me
            .interp
            .txn
            .with_scope(self.scope, |txn| cursor.next(txn))??;
        let element = |id: DocId| {
            let document = Ref {
                scope: self.scope,
                coll,
                id,
            };
            Element::new(me, document, Vec::new(), &self.set)
        };
        Ok(found.map(|(id, _)| element(id)))
    }
}

struct Entries {
    cursor: LegacyCursor,
    index: Arc<LegacyIndex>,
    scope: ScopeId,
    set: Arc<Set>,
}

fn entries(
    me: &mut Evaluator,
    set: &Arc<Set>,
    of: Ref,
    index: Arc<LegacyIndex>,
    terms: &[Value],
    window: &Window,
    ascending: bool,
) -> Result<Box<dyn Walk>> {
    let scope = of.scope;
    let mut stored = Vec::with_capacity(terms.len());
    for term in terms {
        match to_stored(scope, term) {
            Some(term) => stored.push(term),
            // Such a term is in no index.
            None => return Ok(Box::new(Fixed::default())),
        }
    }
    let model = me.interp.txn.model().clone();
    let codec = model.key_codec();
    let full = index.values.len();
    let position = |bound: &Bound, document: Option<(CollId, DocId)>| {
        index.position(codec, &bound.stored(scope), document)
    };
    let from =
        window
            .lower
            .as_ref()
            .map(|bound| match (bound.values.len() >= full, bound.document) {
                (false, _) | (true, Edge::Least) => position(bound, None),
                (true, Edge::At(coll, id)) => position(bound, Some((coll, id))),
                (true, Edge::Greatest) => LegacyBounds::behind(&position(bound, None)),
            });
    let until =
        window
            .upper
            .as_ref()
            .map(|bound| match (bound.values.len() >= full, bound.document) {
                (false, _) | (true, Edge::Greatest) => LegacyBounds::behind(&position(bound, None)),
                (true, Edge::At(coll, id)) => {
                    LegacyBounds::behind(&position(bound, Some((coll, id))))
                }
                (true, Edge::Least) => position(bound, None),
            });
    // Behind nothing is the end, not the beginning.
    let is_open =
        |bound: &Option<Bound>| bound.as_ref().is_some_and(|bound| bound.values.is_empty());
    let bounds = LegacyBounds {
        from: match (from, &window.lower) {
            (Some(from), lower) if from.is_empty() && is_open(lower) => {
                match lower.as_ref().map(|bound| bound.document) {
                    Some(Edge::Greatest) if full == 0 => return Ok(Box::new(Fixed::default())),
                    _ => None,
                }
            }
            (from, _) => from,
        },
        until: match (until, &window.upper) {
            (Some(until), upper) if until.is_empty() && is_open(upper) => {
                match upper.as_ref().map(|bound| bound.document) {
                    Some(Edge::Least) if full == 0 => return Ok(Box::new(Fixed::default())),
                    _ => None,
                }
            }
            (until, _) => until,
        },
    };
    let at = me.interp.at;
    let cursor = me.interp.txn.with_scope(scope, |txn| {
        txn.legacy_scan(&index, &stored, &bounds, !ascending, at)
    })?;
    Ok(Box::new(Entries {
        cursor,
        index,
        scope,
        set: set.clone(),
    }))
}

/// The covered values of an index entry.
pub fn terms_of(index: &LegacyIndex, scope: ScopeId, values: &[Stored]) -> Vec<Term> {
    let fields = index.values.iter().zip(values);
    fields
        .map(|(field, value)| Term {
            value: match value {
                Stored::TransactionTime if field.may_be_ts() => Value::TransactionMicros,
                other => from_stored(scope, other),
            },
            reverse: field.reverse,
        })
        .collect()
}

impl Walk for Entries {
    fn next(&mut self, me: &mut Evaluator) -> Result<Option<Element>> {
        let cursor = &mut self.cursor;
        let found = me
            .interp
            .txn
            .with_scope(self.scope, |txn| cursor.next(txn))??;
        Ok(found.map(|entry| {
            let document = Ref {
                scope: self.scope,
                coll: entry.coll,
                id: entry.doc,
            };
            let values = terms_of(&self.index, self.scope, &entry.values);
            Element::new(me, document, values, &self.set)
        }))
    }
}

struct Named {
    walk: Box<dyn Walk>,
    as_source: Option<Arc<Set>>,
}

impl Walk for Named {
    fn next(&mut self, me: &mut Evaluator) -> Result<Option<Element>> {
        let mut found = self.walk.next(me)?;
        if let (Some(element), Some(source)) = (&mut found, &self.as_source) {
            element.sources = vec![source.clone()];
        }
        Ok(found)
    }
}

struct Distinct {
    walk: Box<dyn Walk>,
    last: Option<Vec<u8>>,
}

impl Walk for Distinct {
    fn next(&mut self, me: &mut Evaluator) -> Result<Option<Element>> {
        while let Some(element) = self.walk.next(me)? {
            me.interp.charge(1)?;
            if self.last.as_ref() != Some(&element.key) {
                self.last = Some(element.key.clone());
                return Ok(Some(element));
            }
        }
        Ok(None)
    }
}

struct Reverse {
    walk: Box<dyn Walk>,
    set: Arc<Set>,
}

impl Walk for Reverse {
    fn next(&mut self, me: &mut Evaluator) -> Result<Option<Element>> {
        let Some(element) = self.walk.next(me)? else {
            return Ok(None);
        };
        let values = match element.values.is_empty() {
            true => vec![Term {
                value: Value::Ref(element.document),
                reverse: true,
            }],
            false => element
                .values
                .into_iter()
                .map(|term| Term {
                    reverse: !term.reverse,
                    ..term
                })
                .collect(),
        };
        Ok(Some(Element::new(me, element.document, values, &self.set)))
    }
}

struct Filter {
    walk: Box<dyn Walk>,
    lambda: Arc<Closure>,
}

impl Walk for Filter {
    fn next(&mut self, me: &mut Evaluator) -> Result<Option<Element>> {
        let place = self.lambda.lambda.place.clone();
        while let Some(element) = self.walk.next(me)? {
            me.interp.charge(1)?;
            match me.apply(&self.lambda, element.shown(), &place)? {
                Value::Bool(true) => return Ok(Some(element)),
                Value::Bool(false) => {}
                other => {
                    let expected = crate::fql4::eval::Expected(&["Boolean"]);
                    return Err(expected.error(&other, &place).into());
                }
            }
        }
        Ok(None)
    }
}

/// `Set does not support events history.`
pub fn no_history(place: &Place) -> Error {
    Error::argument(place, "Set does not support events history.")
}
