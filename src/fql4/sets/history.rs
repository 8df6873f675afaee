//! The history of documents and sets: events (`spec fql4 7`).
//!
//! What is retained of a history is listed as a whole, in order. A document's events tell what changed; those of a set
//! tell when elements came and went. Of combined sets it is worked out for each element by itself when it was in.

use super::Set;
use super::element::{Edge, Element, Term, document_key as document_key_of, values_key};
use super::shape::index;
use super::walk::{no_history, target, terms_of};
use crate::fql4::error::Result;
use crate::fql4::eval::Evaluator;
use crate::fql4::place::Place;
use crate::fql4::refs;
use crate::fql4::stored::{from_stored, to_stored};
pub use crate::fql4::value::Action;
use crate::fql4::value::{CollId, Event, EventData, Object, Ref, ScopeId, Value};
use crate::model::{VersionEvent, native};
use crate::store::TxnTime;
use crate::value::order::same;
use crate::value::{Object as StoredObject, Value as Stored};
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// An event of a document or set.
#[derive(Clone, Debug)]
pub struct Item {
    /// When; `None`: by this query.
    pub ts: Option<TxnTime>,
    /// What.
    pub action: Action,
    /// Of which document.
    pub document: Ref,
    /// The values of the element, of a set's event.
    pub values: Vec<Term>,
    /// The change, of a document's event.
    pub change: Option<Value>,
    /// The sets it comes from.
    pub sources: Vec<Arc<Set>>,
    key: Vec<u8>,
}

/// A position among events.
#[derive(Clone, Debug)]
pub struct EventBound {
    /// When.
    pub ts: TxnTime,
    /// What.
    pub action: Action,
    /// Of which document.
    pub document: Edge,
    /// The values of the element.
    pub values: Vec<Value>,
    /// It is an event of a document, not of a set.
    pub is_document_event: bool,
}

impl EventBound {
    /// As a page shows it.
    pub fn shown(&self, me: &Evaluator) -> Value {
        let mut object = Object::new();
        object.insert("ts", Value::Long(self.ts.0));
        object.insert("action", Value::Action(self.action));
        if let Edge::At(coll, id) = self.document {
            let scope = me.interp.txn.scope();
            object.insert(document_key(me), Value::Ref(Ref { scope, coll, id }));
        }
        if !self.values.is_empty() {
            object.insert("data", Value::array(self.values.clone()));
        }
        Value::object(object)
    }
}

/// What an event calls its document.
fn document_key(me: &Evaluator) -> &'static str {
    match me.version >= crate::fql4::version::ApiVersion::V27 {
        true => "document",
        false => "instance",
    }
}

/// The position of an event.
pub fn bound_of(event: &Event) -> EventBound {
    let values = match &event.data {
        EventData::Set(values) => values.clone(),
        EventData::Document(_) => Vec::new(),
    };
    EventBound {
        ts: event.ts.unwrap_or(TxnTime(i64::MAX)),
        action: event.action,
        document: Edge::At(event.document.coll, event.document.id),
        values,
        is_document_event: matches!(event.data, EventData::Document(_)),
    }
}

impl Item {
    /// As a page shows it.
    pub fn shown(&self) -> Value {
        let data = match &self.change {
            Some(change) => EventData::Document(change.clone()),
            None => EventData::Set(self.values.iter().map(|term| term.value.clone()).collect()),
        };
        Value::Event(Arc::new(Event {
            ts: self.ts,
            action: self.action,
            document: self.document,
            data,
        }))
    }

    /// Its position as a page gives it out: without what changed.
    pub fn cursor(&self, me: &Evaluator) -> Value {
        let mut object = Object::new();
        let ts = self
            .ts
            .map_or(Value::TransactionMicros, |ts| Value::Long(ts.0));
        object.insert("ts", ts);
        object.insert("action", Value::Action(self.action));
        object.insert(document_key(me), Value::Ref(self.document));
        if self.change.is_none() && !self.values.is_empty() {
            let values = self.values.iter().map(|term| term.value.clone());
            object.insert("data", Value::array(values.collect()));
        }
        Value::Cursor(Arc::new(Value::object(object)))
    }

    fn time(&self) -> TxnTime {
        self.ts.unwrap_or(TxnTime(i64::MAX))
    }

    /// How its place compares to a position.
    pub fn compare(&self, me: &Evaluator, bound: &EventBound) -> Ordering {
        let by_time = self.time().cmp(&bound.ts);
        let by_document = bound.document.compare(self.document);
        if self.change.is_some() || bound.is_document_event {
            return by_time
                .then_with(|| rank(self.action).cmp(&rank(bound.action)))
                .then(by_document);
        }
        let values = bound
            .values
            .iter()
            .zip(self.values.iter().map(|term| term.reverse));
        let values: Vec<Term> = values
            .map(|(value, reverse)| Term {
                value: value.clone(),
                reverse,
            })
            .collect();
        let codec = me.interp.txn.model().key_codec();
        let key = values_key(codec, self.document.scope, &values);
        by_time
            .then(by_document)
            .then_with(|| rank(bound.action).cmp(&rank(self.action)))
            .then_with(|| self.key.cmp(&key))
    }

    /// The order of the events of one set: by time, document, what goes before what comes, values.
    fn compare_in_set(&self, other: &Item) -> Ordering {
        (self.time(), self.document.id, self.document.coll)
            .cmp(&(other.time(), other.document.id, other.document.coll))
            .then_with(|| rank(other.action).cmp(&rank(self.action)))
            .then_with(|| self.key.cmp(&other.key))
    }

    /// The order in which events of several sets are merged.
    fn compare_merged(&self, other: &Item) -> Ordering {
        let place = |item: &Item| {
            let document = (item.document.id, item.document.coll);
            (item.time(), rank(item.action), document)
        };
        place(self)
            .cmp(&place(other))
            .then_with(|| self.key.cmp(&other.key))
    }

    fn element(&self) -> (i64, CollId, Vec<u8>) {
        (self.document.id.0, self.document.coll, self.key.clone())
    }

    /// What the elements of sets are compared by: the values, or the document if there are none.
    fn values_key(&self, me: &Evaluator) -> Vec<u8> {
        match self.values.is_empty() {
            true => document_key_of(me.interp.txn.model().key_codec(), self.document),
            false => self.key.clone(),
        }
    }

    fn enters(&self) -> bool {
        match self.action {
            Action::Add | Action::Create | Action::Update => true,
            Action::Remove | Action::Delete => false,
        }
    }
}

/// The order of actions at one time.
fn rank(action: Action) -> u8 {
    match action {
        Action::Add => 0,
        Action::Create => 1,
        Action::Update => 2,
        Action::Delete => 3,
        Action::Remove => 4,
    }
}

/// The retained events of a set, in order. `place` is that of the form, for sets that have none.
pub fn events(me: &mut Evaluator, set: &Arc<Set>, place: &Place) -> Result<Vec<Item>> {
    Ok(match &**set {
        Set::Document(document) => of_document(me, *document, set)?,
        Set::Singleton(document) => {
            let mut items = of_document(me, *document, set)?;
            items.retain(|item| item.action != Action::Update);
            items.iter_mut().for_each(as_member);
            items
        }
        Set::Native { scope, coll } => of_collection(me, *scope, *coll, set)?,
        Set::Documents(collection) => match refs::coll_of(*collection) {
            Some(coll) => of_collection(me, collection.scope, coll, set)?,
            None => Vec::new(),
        },
        Set::Match { index: of, terms } => of_index(me, *of, terms, set)?,
        Set::Events(inner) => {
            let mut items = events(me, inner, place)?;
            if is_leaf(inner) {
                for item in &mut items {
                    item.sources = vec![set.clone()];
                }
            }
            items
        }
        Set::Distinct(inner) => events(me, inner, place)?,
        Set::Union(sets) => {
            let mut all = Vec::new();
            for set in sets {
                all.extend(events(me, set, place)?);
            }
            merged(all)
        }
        Set::Intersection(sets) => {
            let count = sets.len();
            combined(me, sets, place, |members| {
                members.iter().filter(|m| **m).count() == count
            })?
        }
        Set::Difference(sets) => combined(me, sets, place, |members| {
            let mut members = members.iter();
            members.next() == Some(&true) && members.all(|member| !member)
        })?,
        Set::Join(source, _) | Set::JoinIndex(source, _) => joined(me, set, source, place)?,
        Set::Range { .. } | Set::Reverse(_) | Set::Filter(..) => {
            return Err(no_history(place).into());
        }
    })
}

fn is_leaf(set: &Set) -> bool {
    matches!(
        set,
        Set::Document(_)
            | Set::Singleton(_)
            | Set::Native { .. }
            | Set::Documents(_)
            | Set::Match { .. }
    )
}

/// An event of a document as one of the set it is the only element of.
fn as_member(item: &mut Item) {
    item.action = match item.enters() {
        true => Action::Add,
        false => Action::Remove,
    };
    item.change = None;
}

/// The events of several sets together; what several tell is told once.
fn merged(mut items: Vec<Item>) -> Vec<Item> {
    items.sort_by(Item::compare_merged);
    let mut out: Vec<Item> = Vec::with_capacity(items.len());
    for item in items {
        match out.last_mut() {
            Some(last) if last.compare_merged(&item).is_eq() => {
                last.sources.splice(0..0, item.sources);
            }
            Some(_) | None => out.push(item),
        }
    }
    out
}

/// The events of sets that are combined: when each element came in and went out.
fn combined(
    me: &mut Evaluator,
    sets: &[Arc<Set>],
    place: &Place,
    is_in: impl Fn(&[bool]) -> bool,
) -> Result<Vec<Item>> {
    if let [only] = sets {
        return events(me, only, place);
    }
    let Some((first, others)) = sets.split_first() else {
        return Ok(Vec::new());
    };
    // Elements are those of the first set; of the others counts what has the same values, whatever its documents.
    let mut by_element: BTreeMap<_, Vec<Item>> = BTreeMap::new();
    for item in events(me, first, place)? {
        by_element.entry(item.element()).or_default().push(item);
    }
    let mut by_values: Vec<HashMap<Vec<u8>, Vec<Item>>> = Vec::with_capacity(others.len());
    for set in others {
        let mut items: HashMap<Vec<u8>, Vec<Item>> = HashMap::new();
        for item in events(me, set, place)? {
            items.entry(item.values_key(me)).or_default().push(item);
        }
        by_values.push(items);
    }
    let mut all = Vec::new();
    for own in by_element.into_values() {
        let Some(key) = own.first().map(|item| item.values_key(me)) else {
            continue;
        };
        let mut items: Vec<(usize, Item)> = own.into_iter().map(|item| (0, item)).collect();
        for (nth, others) in by_values.iter().enumerate() {
            let same = others.get(&key).into_iter().flatten();
            items.extend(same.map(|item| (nth + 1, item.clone())));
        }
        items.sort_by(|(_, a), (_, b)| a.compare_merged(b));
        // Whoever leaves first was in before.
        let first = |nth: usize| items.iter().find(|(of, _)| *of == nth);
        let mut members: Vec<bool> = (0..sets.len())
            .map(|nth| first(nth).is_some_and(|(_, item)| !item.enters()))
            .collect();
        let mut present = is_in(&members);
        for (nth, mut item) in items {
            if let Some(member) = members.get_mut(nth) {
                *member = item.enters();
            }
            let now = is_in(&members);
            if now != present {
                item.action = if now { Action::Add } else { Action::Remove };
                item.change = None;
                all.push(item);
            }
            present = now;
        }
    }
    all.sort_by(Item::compare_merged);
    Ok(all)
}

/// The events of the targets of a join, while their sources were there.
fn joined(me: &mut Evaluator, join: &Set, source: &Arc<Set>, place: &Place) -> Result<Vec<Item>> {
    let mut by_element: BTreeMap<_, Vec<Item>> = BTreeMap::new();
    for item in events(me, source, place)? {
        by_element.entry(item.element()).or_default().push(item);
    }
    let mut all = Vec::new();
    for sources in by_element.into_values() {
        let Some(first) = sources.first() else {
            continue;
        };
        let element = Element::new(me, first.document, first.values.clone(), source);
        let Some(target) = target(me, join, &element)? else {
            continue;
        };
        let mut present = !first.enters();
        let mut timeline: Vec<(bool, Item)> =
            sources.into_iter().map(|item| (true, item)).collect();
        let events = events(me, &target, place)?;
        timeline.extend(events.into_iter().map(|item| (false, item)));
        timeline.sort_by(|(_, a), (_, b)| a.compare_merged(b));
        for (is_source, item) in timeline {
            match is_source {
                true => present = item.enters(),
                false if present => all.push(item),
                false => {}
            }
        }
    }
    Ok(merged(all))
}

fn of_index(me: &mut Evaluator, of: Ref, terms: &[Value], set: &Arc<Set>) -> Result<Vec<Item>> {
    let Some(index) = index(me, of)? else {
        return Ok(Vec::new());
    };
    let scope = of.scope;
    let stored: Option<Vec<Stored>> = terms.iter().map(|term| to_stored(scope, term)).collect();
    let Some(stored) = stored else {
        return Ok(Vec::new());
    };
    let found = me
        .interp
        .txn
        .with_scope(scope, |txn| txn.legacy_events(&index, &stored))??;
    let model = me.interp.txn.model().clone();
    let mut items: Vec<Item> = found
        .into_iter()
        .map(|event| {
            let values = terms_of(&index, scope, &event.values);
            Item {
                ts: event.ts,
                action: if event.added {
                    Action::Add
                } else {
                    Action::Remove
                },
                document: Ref {
                    scope,
                    coll: event.coll,
                    id: event.doc,
                },
                key: values_key(model.key_codec(), scope, &values),
                values,
                change: None,
                sources: vec![set.clone()],
            }
        })
        .collect();
    items.sort_by(Item::compare_in_set);
    Ok(items)
}

fn of_collection(
    me: &mut Evaluator,
    scope: ScopeId,
    coll: CollId,
    set: &Arc<Set>,
) -> Result<Vec<Item>> {
    let ids = me
        .interp
        .txn
        .with_scope(scope, |txn| txn.documents_ever(coll))??;
    let mut all = Vec::new();
    for id in ids {
        me.interp.charge(1)?;
        let mut items = of_document(me, Ref { scope, coll, id }, set)?;
        items.retain(|item| item.action != Action::Update);
        items.iter_mut().for_each(as_member);
        all.extend(items);
    }
    all.sort_by(Item::compare_in_set);
    Ok(all)
}

fn of_document(me: &mut Evaluator, document: Ref, set: &Arc<Set>) -> Result<Vec<Item>> {
    let versions = me.interp.txn.with_scope(document.scope, |txn| {
        txn.versions(document.coll, document.id)
    })??;
    Ok(document_events(document, versions)
        .into_iter()
        .map(|(ts, action, change)| Item {
            ts,
            action,
            document,
            values: Vec::new(),
            change: Some(change),
            sources: vec![set.clone()],
            key: Vec::new(),
        })
        .collect())
}

/// The events of a document: when, what, and the change of its data.
pub fn document_events(
    document: Ref,
    versions: Vec<VersionEvent>,
) -> Vec<(Option<TxnTime>, Action, Value)> {
    let empty = Arc::new(StoredObject::new());
    let mut before: Option<Arc<StoredObject>> = None;
    let mut items = Vec::with_capacity(versions.len());
    for version in versions {
        let after = version
            .version
            .map(|version| data_of(document.coll, &version));
        let action = match (&before, &after) {
            (_, None) => Action::Delete,
            (None, Some(_)) => Action::Create,
            (Some(_), Some(_)) => Action::Update,
        };
        let change = match &after {
            None => Value::Null,
            Some(after) => match change(before.as_ref().unwrap_or(&empty), after) {
                Some(changed) => from_stored(document.scope, &Stored::object(changed)),
                None => Value::Null,
            },
        };
        items.push((version.ts, action, change));
        before = after;
    }
    items
}

/// The user data of a version.
fn data_of(coll: CollId, version: &crate::model::Version) -> Arc<StoredObject> {
    match native::is_native(coll) {
        false => version.object(),
        true => match version.field("data") {
            Some(Stored::Object(data)) => data,
            _ => Arc::default(),
        },
    }
}

/// The fields that differ, null where they are gone; `None` if none do.
fn change(before: &StoredObject, after: &StoredObject) -> Option<StoredObject> {
    let mut changed = StoredObject::new();
    for (key, value) in after.iter() {
        match (before.get(key), value) {
            (Some(old), new) if same(old, new) => {}
            (Some(Stored::Object(old)), Stored::Object(new)) => {
                if let Some(inner) = crate::value::deep(|| change(old, new)) {
                    changed.insert(key.clone(), Stored::object(inner));
                }
            }
            (_, new) => {
                changed.insert(key.clone(), new.clone());
            }
        }
    }
    for (key, _) in before.iter().filter(|(key, _)| !after.contains_key(key)) {
        changed.insert(key.clone(), Stored::NULL);
    }
    (!changed.is_empty()).then_some(changed)
}
