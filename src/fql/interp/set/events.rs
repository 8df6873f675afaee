//! Event sources: sets whose changes are told one by one (`spec fql10-data 9`, `access-control 4.8`).
//!
//! An event source is a set and the fields to watch. Its events are computed from committed history, one transaction
//! at a time: a document that a transaction changed is looked at just before and just after, through the steps of the
//! set and the rights of the reader:
//!
//! | before | after | event |
//! |---|---|---|
//! | outside | inside | `add` |
//! | inside | inside | `update`, of an index only if its entry changed |
//! | inside | outside | `remove`, with what was there before |

use super::super::{Ceiling, Effect, Failure, Interp, Result, resolve_time};
use super::index_call::covered_paths;
use crate::model::{Version, native};
use crate::store::TxnTime;
use crate::value::rendered::Rendered;
use crate::value::{
    Callback, CollId, Cover, CoveringIndex, Doc, DocId, DocKey, EventSource, IndexId, PathPart,
    Plan, Set, Value, order,
};
use std::sync::Arc;
use std::time::Instant;

/// Functions of event sources may read and no more; the reason is worded as in the original.
const STREAM_FUNCTIONS: Ceiling = Ceiling {
    effect: Effect::Read,
    reason: "Writes are disallowed in stream subscriptions.",
};

/// Where an event stands: the transaction, and its number among the transaction's events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventPosition {
    /// The transaction's time.
    pub ts: TxnTime,
    /// Counted from 0.
    pub ordinal: u32,
}

impl EventPosition {
    /// After every event of a transaction.
    pub fn after(ts: TxnTime) -> EventPosition {
        EventPosition {
            ts,
            ordinal: u32::MAX,
        }
    }

    /// After the first event of a transaction: where a feed's `start_ts` begins.
    pub fn after_first(ts: TxnTime) -> EventPosition {
        EventPosition { ts, ordinal: 0 }
    }
}

/// What happened to a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A document came in.
    Add,
    /// A document in it changed.
    Update,
    /// A document went out.
    Remove,
}

impl EventKind {
    /// As events tell it.
    pub fn name(self) -> &'static str {
        match self {
            EventKind::Add => "add",
            EventKind::Update => "update",
            EventKind::Remove => "remove",
        }
    }
}

/// A change of a set.
#[derive(Clone, Debug)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// The document, or what the steps made of it, as of that transaction (of before it, for `remove`).
    pub data: Rendered,
    /// Where it stands.
    pub position: EventPosition,
    /// What it cost, with the changes before it that are no events.
    pub cost: EventCost,
}

/// What the events of a source cost their reader: the documents that are read for them, and what the source's functions
/// read and call. Finding out what has changed is free, and so are a document that the source names, and what an index
/// covers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventCost {
    /// Reads of 4 KiB.
    pub read_ops: u64,
    /// Bytes read.
    pub bytes_read: u64,
    /// Calls.
    pub calls: u64,
}

impl EventCost {
    fn add(&mut self, other: EventCost) {
        self.read_ops += other.read_ops;
        self.bytes_read += other.bytes_read;
        self.calls += other.calls;
    }
}

/// How far to read.
#[derive(Clone, Copy, Debug)]
pub struct EventBounds {
    /// Up to this transaction.
    pub until: TxnTime,
    /// At most so many events.
    pub events: usize,
    /// At most so many changes, with or without an event.
    pub entries: usize,
    /// Look at no further change after this instant.
    pub patience: Option<Instant>,
}

impl EventBounds {
    fn is_over(&self) -> bool {
        self.patience.is_some_and(|end| Instant::now() >= end)
    }
}

/// Events in order.
#[derive(Debug, Default)]
pub struct Events {
    /// The events.
    pub events: Vec<Event>,
    /// Why there are no more: a function of the source failed. It is the last event.
    pub failure: Option<Failure>,
    /// Whether the bounds cut something off.
    pub more: bool,
    /// How many changes were looked at.
    pub entries: usize,
    /// The position of the last of them.
    pub last: Option<EventPosition>,
    /// What was spent since the last event: for changes that are none, and for the failure.
    pub spent: EventCost,
}

/// Where a source's documents come from.
enum Origin {
    All(CollId),
    One(CollId, DocId),
    Index {
        coll: CollId,
        index: IndexId,
        terms: Vec<Value>,
    },
}

/// A step over the documents.
enum Step {
    Where(Callback),
    Map(Callback),
}

/// A source, taken apart.
struct Course {
    origin: Origin,
    /// What its history tells of the documents.
    covering: Option<Arc<CoveringIndex>>,
    /// Innermost first.
    steps: Vec<Step>,
}

/// A document on one side of a transaction.
struct Side {
    version: Option<Arc<Version>>,
    /// Whether the source has it; an index may not.
    member: bool,
    /// What the steps made of it; `None`: outside of the set.
    value: Option<Value>,
}

impl Interp {
    /// Events of a source after a position, within bounds. The transaction must be of the reader's, begun at or after
    /// `bounds.until`.
    pub fn events_between(
        &mut self,
        source: &EventSource,
        after: EventPosition,
        bounds: EventBounds,
    ) -> Result<Events> {
        let (coll, only) = match parts(&source.set)?.0 {
            Origin::All(coll) | Origin::Index { coll, .. } => (coll, None),
            Origin::One(coll, id) => (coll, Some(id)),
        };
        // The transaction of the position itself may have more events.
        let since = if after.ordinal == u32::MAX {
            after.ts
        } else {
            TxnTime(after.ts.0.saturating_sub(1))
        };
        let mut changes = self.txn.changes(coll, only, since, bounds.until)?;
        let mut all = Events::default();
        while let Some((ts, docs)) = changes.next(&mut self.txn)? {
            if all.last.is_some() && bounds.is_over() {
                all.more = true;
                return Ok(all);
            }
            self.events_at(source, ts, &docs, after, &bounds, &mut all)?;
            // Who asked for a page is told whether there is more after a failure; who asked for everything is not.
            if all.more || (all.failure.is_some() && bounds.events == usize::MAX) {
                return Ok(all);
            }
        }
        Ok(all)
    }

    /// Appends the events of a source in one transaction that changed these documents of its collection, by ordinal
    /// after a position. Every change of the source has an ordinal, also one without an event, so that the same event
    /// has the same position whoever reads it.
    pub fn events_at(
        &mut self,
        source: &EventSource,
        ts: TxnTime,
        docs: &[DocId],
        after: EventPosition,
        bounds: &EventBounds,
        all: &mut Events,
    ) -> Result<()> {
        let (origin, steps) = parts(&source.set)?;
        let covering = self.event_covering(&origin);
        let course = Course {
            origin,
            covering,
            steps,
        };
        let origin = &course.origin;
        let coll = match origin {
            Origin::All(coll) | Origin::One(coll, _) | Origin::Index { coll, .. } => *coll,
        };
        let docs = self.changed_in_order(origin, ts, docs)?;
        for (ordinal, id) in docs.into_iter().enumerate() {
            let ordinal = u32::try_from(ordinal).unwrap_or(u32::MAX - 1);
            let position = EventPosition { ts, ordinal };
            if position <= after {
                continue;
            }
            if all.failure.is_some() || all.events.len() >= bounds.events {
                if !self.is_change(origin, ts, id)? {
                    continue;
                }
                // What does not fit any more is read with the next page.
                all.more = true;
                return Ok(());
            }
            if all.entries >= bounds.entries || (all.last.is_some() && bounds.is_over()) {
                all.more = true;
                return Ok(());
            }
            // The version is in hand already, or is paid for here.
            let paid = course.covering.is_none();
            self.txn.set_uncharged(paid.then_some((coll, id)));
            if paid && !matches!(origin, Origin::One(..)) {
                let told = match self.txn.peek(coll, id, ts)? {
                    Some(version) => Some(version),
                    None => self.txn.peek(coll, id, before(ts))?,
                };
                all.spent.add(EventCost {
                    read_ops: 1,
                    bytes_read: told.map_or(0, |version| version.size()),
                    calls: 0,
                });
            }
            let event = self.event_of(source, &course, ts, id, &mut all.spent);
            let event = event.and_then(|event| {
                let Some((kind, value)) = event else {
                    return Ok(None);
                };
                let at = match kind {
                    EventKind::Remove => before(ts),
                    EventKind::Add | EventKind::Update => ts,
                };
                let begun = self.meter();
                let data = self.reading_as_of(Some(at), |me| me.materialize(&value));
                all.spent.add(self.spent_since(begun));
                let mut data = data?;
                resolve_time(&mut data, ts);
                Ok(Some(Event {
                    kind,
                    data,
                    position,
                    cost: EventCost::default(),
                }))
            });
            self.txn.set_uncharged(None);
            match event {
                Ok(None) => {}
                Ok(Some(mut event)) => {
                    event.cost = std::mem::take(&mut all.spent);
                    all.events.push(event);
                }
                Err(failure) if failure.is_query() => all.failure = Some(failure),
                Err(failure) => return Err(failure),
            }
            all.entries += 1;
            all.last = Some(position);
            if all.failure.is_some() && bounds.events == usize::MAX {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Whether a document that a transaction wrote was or is there.
    fn is_change(&mut self, origin: &Origin, ts: TxnTime, id: DocId) -> Result<bool> {
        match origin {
            // Only what changed was looked at.
            Origin::Index { .. } => Ok(true),
            Origin::All(coll) | Origin::One(coll, _) => Ok(self.txn.peek(*coll, id, ts)?.is_some()
                || self.txn.peek(*coll, id, before(ts))?.is_some()),
        }
    }

    /// What the history of a source tells of its documents, which then need not be read for it: the time of the change
    /// for a collection, an index's terms and values. `None` if the document itself is what is found: the source names
    /// it, or an entry holds one element of many only.
    fn event_covering(&self, origin: &Origin) -> Option<Arc<CoveringIndex>> {
        let (name, paths) = match origin {
            Origin::One(..) => return None,
            Origin::All(coll) => (self.collection_name(*coll), vec![["ts".into()].into()]),
            Origin::Index { coll, index, .. } => {
                let collection = self.collection(*coll)?;
                let backing = collection.backing_index(*index)?;
                if backing.values.iter().any(|value| value.mva) {
                    return None;
                }
                let paths = covered_paths(backing, &collection);
                (collection.name.clone(), paths)
            }
        };
        Some(Arc::new(CoveringIndex {
            name,
            origin: None,
            paths,
        }))
    }

    /// The documents whose membership or content in the source's set changed, in its order: where an entry that came or
    /// went stands first.
    fn changed_in_order(
        &mut self,
        origin: &Origin,
        ts: TxnTime,
        docs: &[DocId],
    ) -> Result<Vec<DocId>> {
        let Origin::Index { coll, index, terms } = origin else {
            return Ok(docs.to_vec());
        };
        let mut keyed = Vec::with_capacity(docs.len());
        for id in docs {
            let mut sides = [Vec::new(), Vec::new()];
            for (side, at) in sides.iter_mut().zip([before(ts), ts]) {
                if let Some(version) = self.txn.peek(*coll, *id, at)? {
                    *side = self.txn.entries_of(*coll, *index, terms, *id, &version)?;
                }
            }
            let [old, new] = &sides;
            let gone = old.iter().filter(|entry| !new.contains(entry));
            let added = new.iter().filter(|entry| !old.contains(entry));
            if let Some(first) = gone.chain(added).min() {
                keyed.push((first.clone(), *id));
            }
        }
        keyed.sort();
        Ok(keyed.into_iter().map(|(_, id)| id).collect())
    }

    /// The collection whose documents a source's events come from, and the only such document, if one.
    pub fn event_origin(source: &EventSource) -> Result<(CollId, Option<DocId>)> {
        Ok(match parts(&source.set)?.0 {
            Origin::All(coll) | Origin::Index { coll, .. } => (coll, None),
            Origin::One(coll, id) => (coll, Some(id)),
        })
    }

    /// What finding out the history of a source costs, as the original counts it: its index of changes has eight
    /// partitions, and so has an index without terms.
    pub fn event_partitions(source: &EventSource) -> Result<u64> {
        Ok(match parts(&source.set)?.0 {
            Origin::All(_) => 8,
            Origin::Index { terms, .. } if terms.is_empty() => 8,
            Origin::One(..) | Origin::Index { .. } => 1,
        })
    }

    /// Fails unless whoever acts may still follow a source: it was checked when it was made, by somebody else
    /// perhaps.
    pub fn check_event_source(&mut self, source: &EventSource) -> Result<()> {
        let (coll, only) = Interp::event_origin(source)?;
        if self.collection(coll).is_none() {
            return Err(Failure::new(
                "invalid_argument",
                "the collection of the event source does not exist.",
            ));
        }
        match only {
            None => self.check_collection_readable(coll),
            // The document itself may come to be readable later.
            Some(_) => Ok(()),
        }
    }

    fn event_of(
        &mut self,
        source: &EventSource,
        course: &Course,
        ts: TxnTime,
        id: DocId,
        spent: &mut EventCost,
    ) -> Result<Option<(EventKind, Value)>> {
        let old = self.side(course, before(ts), id, spent)?;
        let new = self.side(course, ts, id, spent)?;
        // What leaves an index is gone, as its entries tell it.
        let gone = course.covering.is_some() && !new.member;
        let after = new.version.as_ref().filter(|_| !gone);
        if !source.watched.is_empty() && !touches(&source.watched, id, old.version.as_ref(), after)
        {
            return Ok(None);
        }
        Ok(match (old.value, new.value) {
            (None, Some(value)) => Some((EventKind::Add, value)),
            (Some(_), Some(value)) => Some((EventKind::Update, value)),
            (Some(value), None) => Some((EventKind::Remove, value)),
            (None, None) => None,
        })
    }

    /// Where the meters of reads and calls stand.
    fn meter(&self) -> EventCost {
        let stats = self.txn.stats();
        EventCost {
            read_ops: stats.read_ops,
            bytes_read: stats.bytes_read,
            calls: self.calls(),
        }
    }

    fn spent_since(&self, begun: EventCost) -> EventCost {
        let now = self.meter();
        EventCost {
            read_ops: now.read_ops.saturating_sub(begun.read_ops),
            bytes_read: now.bytes_read.saturating_sub(begun.bytes_read),
            calls: now.calls.saturating_sub(begun.calls),
        }
    }

    /// A document as the source sees it at a time. What its functions cost is added to `spent`.
    fn side(
        &mut self,
        course: &Course,
        at: TxnTime,
        id: DocId,
        spent: &mut EventCost,
    ) -> Result<Side> {
        let origin = &course.origin;
        let coll = match origin {
            Origin::All(coll) | Origin::One(coll, _) | Origin::Index { coll, .. } => *coll,
        };
        let version = self.txn.peek(coll, id, at)?;
        let mut side = Side {
            version: version.clone(),
            member: false,
            value: None,
        };
        let Some(version) = version else {
            return Ok(side);
        };
        let told = match origin {
            Origin::One(..) => Vec::new(),
            Origin::All(_) => vec![version.ts.map_or(Value::NULL, |ts| Value::Time(ts.into()))],
            Origin::Index { coll, index, terms } => {
                let entries = self.txn.entries_of(*coll, *index, terms, id, &version)?;
                let Some(entry) = entries.first() else {
                    return Ok(side);
                };
                let collection = self.collection(*coll);
                let backing = collection.as_ref().and_then(|c| c.backing_index(*index));
                let values = backing.map(|index| self.txn.entry_values(index, entry));
                terms
                    .iter()
                    .cloned()
                    .chain(values.unwrap_or_default())
                    .collect()
            }
        };
        side.member = true;
        let doc = Arc::new(Doc {
            coll,
            key: DocKey::Id(id),
            at: None,
            deleted: false,
            named: false,
            cover: course.covering.as_ref().map(|index| {
                Arc::new(Cover {
                    index: index.clone(),
                    values: told,
                    rights: self.rights(),
                })
            }),
        });
        let begun = self.meter();
        let value = self.reading_as_of(Some(at), |me| {
            if !me.can_read(&doc, Some(id))? {
                return Ok(None);
            }
            me.limited(STREAM_FUNCTIONS, |me| {
                me.reading_at(None, |me| me.through(&course.steps, Value::Doc(doc)))
            })
        });
        spent.add(self.spent_since(begun));
        side.value = value?;
        Ok(side)
    }

    /// The value as it comes out of the steps; `None` if a filter holds it back.
    fn through(&mut self, steps: &[Step], value: Value) -> Result<Option<Value>> {
        let mut value = value;
        for step in steps {
            match step {
                Step::Where(f) => {
                    let argument = value.clone();
                    if !self.under(&f.frames, |me| me.predicate(&f.function, vec![argument]))? {
                        return Ok(None);
                    }
                }
                Step::Map(f) => {
                    value = self.under(&f.frames, |me| me.call(&f.function, vec![value]))?
                }
            }
        }
        Ok(Some(value))
    }
}

fn before(ts: TxnTime) -> TxnTime {
    TxnTime(ts.0.saturating_sub(1))
}

/// The source below the steps, and the steps, innermost first.
fn parts(set: &Arc<Set>) -> Result<(Origin, Vec<Step>)> {
    let mut steps = Vec::new();
    let mut set = set;
    let origin = loop {
        match &set.plan {
            Plan::Where(inner, f) => {
                steps.push(Step::Where(f.clone()));
                set = inner;
            }
            Plan::Map(inner, f) => {
                steps.push(Step::Map(f.clone()));
                set = inner;
            }
            Plan::All {
                coll,
                range: (None, None),
                reversed: false,
            } if !native::is_native(*coll) => {
                break Origin::All(*coll);
            }
            Plan::Index {
                coll,
                index,
                terms,
                range: None,
                reversed: false,
                ..
            } => {
                break Origin::Index {
                    coll: *coll,
                    index: *index,
                    terms: terms.clone(),
                };
            }
            Plan::Single(Value::Doc(doc)) => match doc.key {
                DocKey::Id(id) => break Origin::One(doc.coll, id),
                DocKey::Name(_) => return Err(no_source()),
            },
            // A made-up token.
            _ => return Err(no_source()),
        }
    };
    steps.reverse();
    Ok((origin, steps))
}

fn no_source() -> Failure {
    Failure::protocol(
        400,
        "invalid_request",
        "Invalid request body: invalid event source provided",
    )
}

/// Whether a change touches a watched field (`spec fql10-data 9.2`).
fn touches(
    watched: &[Vec<PathPart>],
    id: DocId,
    old: Option<&Arc<Version>>,
    new: Option<&Arc<Version>>,
) -> bool {
    let value = |version: Option<&Arc<Version>>, path: &[PathPart]| {
        version.and_then(|v| stored(v, id, path))
    };
    match new {
        Some(_) => watched
            .iter()
            .any(|path| match (value(old, path), value(new, path)) {
                (None, None) => false,
                (Some(a), Some(b)) => !order::same(&a, &b),
                (None, Some(_)) | (Some(_), None) => true,
            }),
        None => watched.iter().all(|path| value(old, path).is_some()),
    }
}

/// A stored field or metadata of a version.
fn stored(version: &Version, id: DocId, path: &[PathPart]) -> Option<Value> {
    let (PathPart::Field(first), rest) = path.split_first()? else {
        return None;
    };
    match (&**first, rest.is_empty()) {
        ("id", true) => Some(Value::Id(id.0)),
        ("ts", true) => version.ts.map(|ts| Value::Time(ts.into())),
        ("ttl", true) => version.ttl.map(Value::Time),
        ("data", false) => version.path(rest),
        _ => version.path(path),
    }
    .filter(|value| !value.is_null())
}
