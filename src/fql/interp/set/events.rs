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

use super::super::{Ceiling, Effect, Failure, Interp, Result, path_text, resolve_time};
use crate::fql::syntax::ast::{ExprKind, Link};
use crate::model::{Version, native};
use crate::store::TxnTime;
use crate::value::rendered::Rendered;
use crate::value::{
    Callback, CollId, Doc, DocId, DocKey, EventSource, IndexId, PathPart, Plan, Set, Value, order,
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

/// What the events of a source cost their reader: one read for each document that the source does not name, and what its
/// functions read and call. Finding out what has changed is free.
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
    /// Begin no further transaction after this instant.
    pub patience: Option<Instant>,
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

/// A document on one side of a transaction.
struct Side {
    version: Option<Arc<Version>>,
    /// Positions of its entries in the source's index, if that is an index.
    entries: Vec<Vec<u8>>,
    /// What the steps made of it; `None`: outside of the set.
    value: Option<Value>,
    /// Bytes of the document.
    size: u64,
}

impl Interp {
    /// `set.eventSource()` and its older name; `method` is as called, `.eventSource()`.
    pub fn make_event_source(&mut self, set: &Arc<Set>, method: &str) -> Result<EventSource> {
        self.check_streamable(set, method)?;
        Ok(EventSource {
            set: set.clone(),
            watched: Vec::new(),
            since: None,
        })
    }

    /// `set.eventsOn(fields)` and its older name.
    pub fn make_event_source_on(
        &mut self,
        set: &Arc<Set>,
        fields: &[Value],
        method: &str,
    ) -> Result<EventSource> {
        let mut watched = Vec::with_capacity(fields.len());
        for (n, field) in fields.iter().enumerate() {
            let path = field_path(field);
            let invalid = || Failure::invalid_argument(&n.to_string(), "invalid field path given");
            watched.push(path.ok_or_else(invalid)?);
        }
        self.check_streamable(set, method)?;
        let is_source = matches!(
            set.plan,
            Plan::All { .. } | Plan::Index { .. } | Plan::Single(_)
        );
        if !is_source || set.page_size.is_some() {
            return Err(refused(
                ".changesOn()",
                "it was not called on the source set.",
            ));
        }
        if let Plan::Index {
            coll, index, name, ..
        } = &set.plan
        {
            self.check_covered(*coll, *index, name, &watched)?;
        }
        Ok(EventSource {
            set: set.clone(),
            watched,
            since: None,
        })
    }

    fn check_covered(
        &self,
        coll: CollId,
        index: IndexId,
        name: &str,
        watched: &[Vec<PathPart>],
    ) -> Result<()> {
        let Some(collection) = self.collection(coll) else {
            return Ok(());
        };
        let Some(backing) = collection.backing_index(index) else {
            return Ok(());
        };
        let is = |path: &[PathPart], name: &str| matches!(path, [PathPart::Field(field)] if &**field == name);
        let terms = backing.terms.iter().map(|term| &term.path);
        let covered: Vec<_> = terms
            .chain(backing.values.iter().map(|value| &value.path))
            .collect();
        if covered.iter().any(|path| is(path, "ts")) {
            return Ok(());
        }
        let missing: Vec<String> = watched
            .iter()
            .filter(|path| !is(path, "id") && !covered.contains(path))
            .map(|path| format!("`{}`", path_text(path)))
            .collect();
        match missing.is_empty() {
            true => Ok(()),
            false => {
                let reason = format!("{} not covered by the `{name}` index.", missing.join(", "));
                Err(Failure::invalid_argument("fields", reason))
            }
        }
    }

    /// Fails unless changes of the set can be told, looking from the outermost step inwards.
    fn check_streamable(&mut self, set: &Arc<Set>, method: &str) -> Result<()> {
        const AT: &str = "streaming is not supported for sets created within an `at()` expression.";
        const REVERSED: &str = "streaming is not supported on sets that have been reversed.";
        const RANGE: &str = "range queries are not supported yet, use `.where()` method instead.";
        let refused = |reason: &str| Err(refused(method, reason));
        let mut set = set;
        loop {
            let (coll, reversed, ranged) = match &set.plan {
                Plan::Where(inner, callback) | Plan::Map(inner, callback) => {
                    if callback.at.is_some() {
                        return refused(AT);
                    }
                    set = inner;
                    continue;
                }
                Plan::All {
                    coll,
                    range,
                    reversed,
                } => (*coll, *reversed, *range != (None, None)),
                Plan::Index {
                    coll,
                    range,
                    reversed,
                    ..
                } => (*coll, *reversed, range.is_some()),
                Plan::Single(value) => return self.check_single_streamable(value, method),
                Plan::Reverse(inner) => match &inner.plan {
                    // Natively reversed kinds are what they were.
                    Plan::Array(_) | Plan::Sequence(..) | Plan::FlatMap(..) => {
                        set = inner;
                        continue;
                    }
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
                    | Plan::Drop(..) => return refused(REVERSED),
                },
                Plan::Array(_) => return refused("streaming is not supported on array sets."),
                Plan::Sequence(..) => {
                    return refused(
                        "streaming is not supported on sets created from `Set.sequence()`.",
                    );
                }
                Plan::FlatMap(..) => {
                    return refused("streaming is not supported on `.flatMap()` sets.");
                }
                Plan::Concat(..) => {
                    return refused("streaming is not supported on concatenated sets.");
                }
                Plan::Distinct(_) => {
                    return refused("streaming is not supported on distinct sets.");
                }
                Plan::Order(..) => {
                    return refused("streaming is not supported on sets returned from `.order()`.");
                }
                Plan::Take(..) => {
                    return refused("streaming is not supported on sets returned from `.take()`.");
                }
                Plan::Drop(..) => {
                    return refused("streaming is not supported on sets returned from `.drop()`.");
                }
            };
            return match (set.at.is_some(), reversed, ranged) {
                (true, _, _) => refused(AT),
                (false, true, _) => refused(REVERSED),
                (false, false, true) => refused(RANGE),
                (false, false, false) if native::is_native(coll) => {
                    refused("only collections and user defined indexes are streamable.")
                }
                (false, false, false) => self.check_collection_readable(coll),
            };
        }
    }

    fn check_single_streamable(&mut self, value: &Value, method: &str) -> Result<()> {
        let Value::Doc(doc) = value else {
            let reason =
                "streaming on `Set.single()` is only supported if its element is a document.";
            return Err(refused(method, reason));
        };
        if doc.at.is_some() {
            let reason = "streaming is not supported for sets created within an `at()` expression.";
            return Err(refused(method, reason));
        }
        let id = self.doc_id(doc)?;
        if self.can_read(doc, id)? {
            return Ok(());
        }
        let message = "Insufficient privileges to create a stream on the source document.";
        Err(Failure::new("permission_denied", message))
    }

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
            if all.last.is_some() && bounds.patience.is_some_and(|end| Instant::now() >= end) {
                all.more = true;
                return Ok(all);
            }
            self.events_at(source, ts, &docs, after, &bounds, &mut all)?;
            if all.more || all.failure.is_some() {
                return Ok(all);
            }
        }
        Ok(all)
    }

    /// Appends the events of a source in one transaction that changed these documents of its collection, by ordinal
    /// after a position. Every changed document has an ordinal, also one without an event, so that the same event has
    /// the same position whoever reads it.
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
        let docs = self.in_set_order(&origin, ts, docs)?;
        for (ordinal, id) in docs.into_iter().enumerate() {
            let ordinal = u32::try_from(ordinal).unwrap_or(u32::MAX - 1);
            let position = EventPosition { ts, ordinal };
            if position <= after {
                continue;
            }
            if all.entries >= bounds.entries {
                all.more = true;
                return Ok(());
            }
            let coll = match origin {
                Origin::All(coll) | Origin::One(coll, _) | Origin::Index { coll, .. } => coll,
            };
            self.txn.set_uncharged(Some((coll, id)));
            let event = self.event_of(source, &origin, &steps, ts, id, &mut all.spent);
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
                // What does not fit any more is read again with the next page.
                Ok(Some(_)) if all.events.len() >= bounds.events => {
                    all.more = true;
                    return Ok(());
                }
                Ok(Some(mut event)) => {
                    event.cost = std::mem::take(&mut all.spent);
                    all.events.push(event);
                }
                Err(failure) if failure.is_query() => {
                    match all.events.len() >= bounds.events {
                        true => all.more = true,
                        false => {
                            all.entries += 1;
                            all.last = Some(position);
                            all.failure = Some(failure);
                        }
                    }
                    return Ok(());
                }
                Err(failure) => return Err(failure),
            }
            all.entries += 1;
            all.last = Some(position);
        }
        Ok(())
    }

    /// The documents in the order of the source's set, as they were after the transaction, or before if gone.
    fn in_set_order(&mut self, origin: &Origin, ts: TxnTime, docs: &[DocId]) -> Result<Vec<DocId>> {
        let Origin::Index { coll, index, terms } = origin else {
            return Ok(docs.to_vec());
        };
        let mut keyed = Vec::with_capacity(docs.len());
        for id in docs {
            let mut first = Vec::new();
            for at in [ts, before(ts)] {
                if let Some(version) = self.txn.get(*coll, *id, Some(at))? {
                    let entries = self.txn.entries_of(*coll, *index, terms, *id, &version)?;
                    if let Some(entry) = entries.into_iter().next() {
                        first = entry;
                        break;
                    }
                }
            }
            keyed.push((first, *id));
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
    /// partitions.
    pub fn event_partitions(source: &EventSource) -> Result<u64> {
        Ok(match parts(&source.set)?.0 {
            Origin::All(_) => 8,
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
        origin: &Origin,
        steps: &[Step],
        ts: TxnTime,
        id: DocId,
        spent: &mut EventCost,
    ) -> Result<Option<(EventKind, Value)>> {
        let old = self.side(origin, steps, before(ts), id, spent);
        let new = old
            .is_ok()
            .then(|| self.side(origin, steps, ts, id, spent))
            .transpose();
        // The version that is told of was read, unless the source names its document.
        if !matches!(origin, Origin::One(..)) {
            let told = match (&new, &old) {
                (Ok(Some(new)), Ok(old)) if new.version.is_none() => Some(old),
                (Ok(Some(new)), _) => Some(new),
                (Ok(None) | Err(_), _) => None,
            };
            spent.add(EventCost {
                read_ops: 1,
                bytes_read: told.map_or(0, |side| side.size),
                calls: 0,
            });
        }
        let (old, new) = match (old?, new?) {
            (old, Some(new)) => (old, new),
            (_, None) => return Ok(None),
        };
        if matches!(origin, Origin::Index { .. })
            && old.entries == new.entries
            && new.version.is_some()
        {
            return Ok(None);
        }
        if !source.watched.is_empty()
            && !touches(
                &source.watched,
                id,
                old.version.as_ref(),
                new.version.as_ref(),
            )
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
        origin: &Origin,
        steps: &[Step],
        at: TxnTime,
        id: DocId,
        spent: &mut EventCost,
    ) -> Result<Side> {
        let coll = match origin {
            Origin::All(coll) | Origin::One(coll, _) | Origin::Index { coll, .. } => *coll,
        };
        let version = self.txn.get(coll, id, Some(at))?;
        let mut side = Side {
            version: version.clone(),
            entries: Vec::new(),
            value: None,
            size: version.as_ref().map_or(0, |version| version.size()),
        };
        let Some(version) = version else {
            return Ok(side);
        };
        if let Origin::Index { coll, index, terms } = origin {
            side.entries = self.txn.entries_of(*coll, *index, terms, id, &version)?;
            if side.entries.is_empty() {
                return Ok(side);
            }
        }
        let doc = Arc::new(Doc {
            coll,
            key: DocKey::Id(id),
            at: None,
            deleted: false,
            cover: None,
        });
        let begun = self.meter();
        let value = self.reading_as_of(Some(at), |me| {
            if !me.can_read(&doc, Some(id))? {
                return Ok(None);
            }
            me.limited(STREAM_FUNCTIONS, |me| {
                me.reading_at(None, |me| me.through(steps, Value::Doc(doc)))
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

fn refused(method: &str, reason: &str) -> Failure {
    Failure::new(
        "invalid_receiver",
        format!("can't call `{method}` because {reason}"),
    )
}

/// The path a short accessor lambda means: `.a`, `.a.b`, `.a[0]`, `.["a"]`.
fn field_path(field: &Value) -> Option<Vec<PathPart>> {
    let Value::Lambda(closure) = field else {
        return None;
    };
    let ExprKind::Chain { base, links } = &closure.lambda.body.kind else {
        return None;
    };
    if !closure.lambda.short || base.kind != ExprKind::This {
        return None;
    }
    let mut path = Vec::with_capacity(links.len());
    for link in links {
        path.push(match link {
            Link::Field {
                name,
                optional: false,
            } => PathPart::Field(name.name.clone()),
            Link::Index {
                optional: false,
                args,
            } => match args.items.as_slice() {
                [only] => match &only.kind {
                    ExprKind::String(name) => PathPart::Field(name.clone()),
                    ExprKind::Int(n) => PathPart::Index(i64::from(*n)),
                    ExprKind::Long(n) => PathPart::Index(*n),
                    _ => return None,
                },
                _ => return None,
            },
            Link::Field { .. }
            | Link::Index { .. }
            | Link::Method { .. }
            | Link::Call { .. }
            | Link::Bang { .. } => {
                return None;
            }
        });
    }
    Some(path)
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
