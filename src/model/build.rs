//! Building an index over documents that are there already, their history included.
//!
//! A document's versions, oldest first, make its entries come and go: an entry is added with the first version that
//! has it and removed with the first that has it no more. What is left at the end goes to the index, what was removed
//! to the index history, each with its times, exactly as if the index had always been there.
//!
//! A small collection is indexed within the transaction that defines the index. A large one is indexed in the
//! background, a batch of documents per transaction. Meanwhile writers maintain the index already; a batch and a writer
//! that meet at a document contend, and one of them runs again. The state of the build is kept in the system table, so
//! a build goes on after a restart where it was.

use super::bytes::Stamps;
use super::cursor::RawCursor;
use super::entries::{self, EntryKey, Fields};
use super::legacy_entries::Physical;
use super::overlay::Pending;
use super::schema::{Collection, IndexStatus};
use super::txn::{self, Txn};
use super::version::{Header, write_ttl};
use super::{IndexedDocument, Model, ModelError, keys};
use crate::store::{Bytes, Entry, Stamp, StampPlace, Table, TxnTime};
use crate::value::{CollId, DocId, IndexId, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Up to so many documents and versions are indexed at once (`spec fql10-data 6.2`).
pub(crate) const SMALL: usize = 128;

/// Documents and bytes of a background batch.
const BATCH: usize = 2000;
const BATCH_BYTES: u64 = 4 << 20;

/// The state of a build that has not begun: its collection, no document yet.
pub(crate) fn fresh_state(coll: CollId) -> Vec<u8> {
    coll.0.to_be_bytes().to_vec()
}

pub(super) fn state(coll: CollId, done: DocId) -> Vec<u8> {
    [coll.0.to_be_bytes(), keys::id_bytes(done)].concat()
}

/// Whether what was indexed is unique, as far as it has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unique {
    Kept,
    Violated,
}

/// Indexes a whole collection within the transaction, which may have written to it.
pub(crate) fn build_now(
    txn: &mut Txn,
    collection: &Arc<Collection>,
    index: Physical<'_>,
) -> Result<Unique, ModelError> {
    let prefix = keys::collection(txn.scope(), collection.id);
    let end = keys::successor(&prefix);
    let written = txn.overlay.range(Table::Documents, &prefix, &end);
    let written: BTreeSet<DocId> = written
        .filter_map(|(key, _)| keys::document_id(key))
        .collect();
    let mut documents = Chains::new(txn, collection.id, None);
    let mut unique = Unique::Kept;
    while let Some((id, versions)) = documents.next(txn)? {
        if !written.contains(&id)
            && add_document(txn, collection, index, id, &versions)? == Unique::Violated
        {
            unique = Unique::Violated;
        }
    }
    for id in written {
        // What a write supersedes goes to the history with the commit only.
        let (mut versions, pending) = txn.chain(collection.id, id)?;
        versions.extend(pending);
        if add_document(txn, collection, index, id, &versions)? == Unique::Violated {
            unique = Unique::Violated;
        }
    }
    Ok(unique)
}

impl Model {
    /// Works on one index that is being built; whether there was one.
    pub(crate) fn build_step(self: &Arc<Self>) -> Result<bool, ModelError> {
        let mut txn = self.begin(keys::GLOBAL)?;
        let mut cursor = txn.walk(Table::System, keys::system::builds(), false);
        let Some((key, value)) = cursor.next(&mut txn)? else {
            return Ok(false);
        };
        drop(txn);
        let Some((scope, id)) = keys::system::build_of(&key) else {
            return Ok(false);
        };
        let mut txn = self.begin(scope)?;
        // Whoever changes the state or the definition meanwhile wins.
        if txn.system_get(key.to_vec())?.as_ref() != Some(&value) {
            return Ok(true);
        }
        let coll = keys::coll_at(&value, 0).unwrap_or(CollId(0));
        let done = keys::id_at(&value, 8);
        if let Some(index) = txn.schema().legacy_index(id).cloned() {
            match self.build_legacy_step(&mut txn, &index, coll, done) {
                Ok(()) => {}
                Err(error @ (ModelError::Store(_) | ModelError::Corrupt(_))) => return Err(error),
                Err(_) => {
                    txn = self.begin(scope)?;
                    if txn.system_get(key.to_vec())?.as_ref() != Some(&value) {
                        return Ok(true);
                    }
                    Model::fail_legacy_build(&mut txn, id)?;
                }
            }
            return self.commit_step(txn);
        }
        match txn.schema().with_index(coll, id) {
            Some((collection, index)) => {
                let mut unique = Unique::Kept;
                let physical = Physical::Own(&index);
                match self.build_batch(&mut txn, &collection, physical, done, &mut unique) {
                    Ok(done) => {
                        if unique == Unique::Violated && !index.violated {
                            txn.note_statuses(coll, |known| known.violated |= known.id == id)?;
                        }
                        match done {
                            Some(done) => {
                                txn.system_set(&key, Some(state(coll, done)), Stamps::new());
                            }
                            None => txn.end_build(&key, coll, id, IndexStatus::Complete)?,
                        }
                    }
                    Err(error @ (ModelError::Store(_) | ModelError::Corrupt(_))) => {
                        return Err(error);
                    }
                    // A document cannot be indexed: it was written before the index was defined.
                    Err(_) => {
                        txn = self.begin(scope)?;
                        if txn.system_get(key.to_vec())?.as_ref() != Some(&value) {
                            return Ok(true);
                        }
                        txn.end_build(&key, coll, id, IndexStatus::Failed)?;
                    }
                }
            }
            None => txn.system_set(&key, None, Stamps::new()),
        }
        self.commit_step(txn)
    }

    fn commit_step(&self, txn: Txn) -> Result<bool, ModelError> {
        if let Some(commit) = txn.into_commit() {
            self.store().commit(commit)?;
        }
        Ok(true)
    }

    /// Indexes the next documents; the last of them, or `None` if there are no more.
    pub(super) fn build_batch(
        self: &Arc<Self>,
        txn: &mut Txn,
        collection: &Arc<Collection>,
        index: Physical<'_>,
        after: Option<DocId>,
        unique: &mut Unique,
    ) -> Result<Option<DocId>, ModelError> {
        let mut documents = Chains::new(txn, collection.id, after);
        for _ in 0..BATCH {
            let Some((id, versions)) = documents.next(txn)? else {
                return Ok(None);
            };
            if add_document(txn, collection, index, id, &versions)? == Unique::Violated {
                *unique = Unique::Violated;
            }
            if txn.overlay.bytes() > BATCH_BYTES || documents.bytes_read() > BATCH_BYTES {
                return Ok(Some(id));
            }
            documents.last = Some(id);
        }
        Ok(documents.last)
    }
}

/// An index of a transaction's database that is being built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Build {
    pub index: IndexId,
    pub collection: CollId,
    /// The last document that was indexed.
    pub done: Option<DocId>,
}

impl Txn {
    /// The indexes of this database that are being built, in the order they are worked on.
    pub(crate) fn builds(&mut self) -> Result<Vec<Build>, ModelError> {
        let (start, end) = keys::system::builds_in(self.scope());
        let mut cursor = RawCursor::committed(Table::System, start, end, false);
        let mut builds = Vec::new();
        while let Some((key, value)) = cursor.next(self)? {
            let index = keys::system::build_of(&key).map(|(_, index)| index);
            if let (Some(index), Some(collection)) = (index, keys::coll_at(&value, 0)) {
                let done = keys::id_at(&value, 8);
                builds.push(Build {
                    index,
                    collection,
                    done,
                });
            }
        }
        Ok(builds)
    }

    /// Calls `each` with the ids of a collection's documents after `after`, in order, until it answers false; whether
    /// that were all.
    pub(crate) fn each_document_id(
        &mut self,
        coll: CollId,
        after: Option<DocId>,
        mut each: impl FnMut(DocId) -> bool,
    ) -> Result<bool, ModelError> {
        let all = keys::collection(self.scope(), coll);
        let start = match after {
            Some(id) => keys::successor(&keys::document(self.scope(), coll, id)),
            None => all.to_vec(),
        };
        let mut cursor =
            RawCursor::committed(Table::Documents, start, keys::successor(&all), false);
        while let Some((key, _)) = cursor.next(self)? {
            if keys::document_id(&key).is_some_and(|id| !each(id)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Notes that a build is over. What a failed one has written is given back.
    fn end_build(
        &mut self,
        key: &[u8],
        coll: CollId,
        id: IndexId,
        status: IndexStatus,
    ) -> Result<(), ModelError> {
        if status == IndexStatus::Failed {
            self.discard_index(id);
        }
        self.system_set(key, None, Stamps::new());
        self.note_statuses(coll, |known| {
            if known.id == id {
                known.status = status;
            }
        })
    }
}

/// Writes the entries of one document, from its stored versions and tombstones, oldest first.
pub(crate) fn add_document(
    txn: &mut Txn,
    collection: &Arc<Collection>,
    index: Physical<'_>,
    id: DocId,
    versions: &[Bytes],
) -> Result<Unique, ModelError> {
    versions.iter().for_each(|_| txn.charge_indexing(index));
    let built = lifetimes(txn, collection, index, id, versions)?;
    let mut unique = Unique::Kept;
    for (entry, lifetime) in built {
        let now: Time = txn.time().into();
        let lives = lifetime.removed == Removed::Not && lifetime.ttl.is_none_or(|ttl| ttl > now);
        if index.unique() && lives && unique == Unique::Kept && txn.conflicts(&entry)? {
            unique = Unique::Violated;
        }
        let mut stamps = entry.stamps.clone();
        let value = Some(Bytes::from(lifetime.value(&mut stamps)));
        match lifetime.removed {
            Removed::Not => txn.overlay.set(
                Table::Index,
                &entry.key,
                Pending {
                    value,
                    stamps,
                    base: None,
                },
            ),
            Removed::At(ts) => {
                let key = [&entry.key[..], &keys::inverted_time_bytes(ts)].concat();
                txn.overlay.set(
                    Table::IndexHistory,
                    &key,
                    Pending {
                        value,
                        stamps,
                        base: None,
                    },
                );
            }
            Removed::Now => {
                let key = [&entry.key[..], &keys::PENDING_INVERTED].concat();
                let offset = entry.key.len() as u32;
                stamps.push(Stamp {
                    place: StampPlace::Key,
                    offset,
                    inverted: true,
                });
                txn.overlay.set(
                    Table::IndexHistory,
                    &key,
                    Pending {
                        value,
                        stamps,
                        base: None,
                    },
                );
            }
        }
    }
    txn.bump_epoch();
    Ok(unique)
}

/// When an entry was there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Lifetime {
    /// `None`: by this transaction.
    pub added: Option<TxnTime>,
    pub ttl: Option<Time>,
    pub removed: Removed,
}

impl Lifetime {
    /// The value of the entry's row.
    pub fn value(&self, stamps: &mut Stamps) -> Vec<u8> {
        let mut value = self.added.map_or(keys::PENDING, keys::time_bytes).to_vec();
        if let Some(ttl) = self.ttl {
            write_ttl(ttl, &mut value);
        }
        if self.added.is_none() {
            stamps.push(Stamp {
                place: StampPlace::Value,
                offset: 0,
                inverted: false,
            });
        }
        value
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Removed {
    /// It is there.
    Not,
    At(TxnTime),
    /// By this transaction.
    Now,
}

/// The entries a document has and had, from its stored versions and tombstones, oldest first.
pub(crate) fn lifetimes(
    txn: &Txn,
    collection: &Arc<Collection>,
    index: Physical<'_>,
    id: DocId,
    versions: &[Bytes],
) -> Result<Vec<(EntryKey, Lifetime)>, ModelError> {
    let (computed, bindings) = (txn.model.computed_fields(), txn.model.legacy_bindings());
    let mut open: BTreeMap<Vec<u8>, (EntryKey, Lifetime)> = BTreeMap::new();
    let mut all = Vec::new();
    for bytes in versions {
        let header = Header::read(bytes).ok_or_else(txn::damaged)?;
        let mut new = BTreeMap::new();
        if !header.deleted {
            let data = txn::decode(collection, &header, bytes.clone()).object();
            let fields = Fields {
                scope: txn.scope(),
                codec: txn.model.key_codec(),
                schema: txn.schema().around(collection),
                collection,
                computed: computed.as_deref(),
                bindings: bindings.as_deref(),
                document: IndexedDocument {
                    id,
                    ts: header.ts,
                    ttl: header.ttl,
                    data: &data,
                },
            };
            for entry in entries::entries(index, &fields)? {
                new.insert(entry.key.clone(), entry);
            }
        }
        let mut kept = BTreeMap::new();
        for (key, (entry, lifetime)) in std::mem::take(&mut open) {
            if new.contains_key(&key) && lifetime.ttl == header.ttl {
                new.remove(&key);
                kept.insert(key, (entry, lifetime));
            } else {
                let removed = header.ts.map_or(Removed::Now, Removed::At);
                all.push((
                    entry,
                    Lifetime {
                        removed,
                        ..lifetime
                    },
                ));
            }
        }
        for (key, entry) in new {
            kept.insert(
                key,
                (
                    entry,
                    Lifetime {
                        added: header.ts,
                        ttl: header.ttl,
                        removed: Removed::Not,
                    },
                ),
            );
        }
        open = kept;
    }
    all.extend(open.into_values());
    Ok(all)
}

/// The documents of a collection, each with all its stored versions and tombstones, oldest first.
pub(crate) struct Chains {
    current: RawCursor,
    current_head: Option<Entry>,
    history: RawCursor,
    history_head: Option<Entry>,
    started: bool,
    last: Option<DocId>,
}

impl Chains {
    /// The documents after `after`, or all.
    pub fn new(txn: &Txn, coll: CollId, after: Option<DocId>) -> Chains {
        let start = match after {
            Some(id) => keys::successor(&keys::document(txn.scope(), coll, id)),
            None => keys::collection(txn.scope(), coll).to_vec(),
        };
        let end = keys::successor(&keys::collection(txn.scope(), coll));
        Chains::over(start, end, after)
    }

    fn over(start: Vec<u8>, end: Vec<u8>, last: Option<DocId>) -> Chains {
        Chains {
            current: RawCursor::current(Table::Documents, start.clone(), end.clone(), false),
            current_head: None,
            history: RawCursor::unrecorded(Table::History, start, end, false),
            history_head: None,
            started: false,
            last,
        }
    }

    /// One document, if it has any version.
    pub fn of(txn: &Txn, coll: CollId, id: DocId) -> Chains {
        let start = keys::document(txn.scope(), coll, id).to_vec();
        let end = keys::successor(&start);
        Chains::over(start, end, None)
    }

    /// As committed, without own writes, and not validated.
    pub fn committed(self) -> Chains {
        Chains {
            current: self.current.into_committed(),
            history: self.history.into_committed(),
            ..self
        }
    }

    fn bytes_read(&self) -> u64 {
        self.current.bytes_read + self.history.bytes_read
    }

    /// The next document.
    pub fn next(&mut self, txn: &mut Txn) -> Result<Option<(DocId, Vec<Bytes>)>, ModelError> {
        if !self.started {
            self.started = true;
            self.current_head = self.current.next(txn)?;
            self.history_head = self.history.next(txn)?;
        }
        let id_of =
            |head: &Option<Entry>| head.as_ref().and_then(|(key, _)| keys::document_id(key));
        let id = match (id_of(&self.current_head), id_of(&self.history_head)) {
            (None, None) => return Ok(None),
            (Some(id), None) | (None, Some(id)) => id,
            (Some(current), Some(past)) => current.min(past),
        };
        let mut versions = Vec::new();
        while id_of(&self.history_head) == Some(id) {
            versions.extend(self.history_head.take().map(|(_, value)| value));
            self.history_head = self.history.next(txn)?;
        }
        versions.reverse();
        if id_of(&self.current_head) == Some(id) {
            versions.extend(self.current_head.take().map(|(_, value)| value));
            self.current_head = self.current.next(txn)?;
        }
        Ok(Some((id, versions)))
    }
}
