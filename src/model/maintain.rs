//! Housekeeping in small steps, called from a background thread: indexes are built, what was dropped is given back,
//! expired documents are removed, history is purged by age.
//!
//! Each step is a bounded transaction of its own and leaves a consistent state; nothing depends on its being done soon.

use super::bytes::Stamps;
use super::cursor::RawCursor;
use super::schema::Collection;
use super::txn::{self, Txn};
use super::version::Header;
use super::{Model, ModelError, keys};
use crate::store::{Bytes, Commit, StoreError, Table, TxnTime, Write};
use crate::value::{CollId, DocId, IndexId, ScopeId, Time};
use std::collections::HashMap;
use std::sync::Arc;

/// Keys deleted per step of giving back.
const DISCARD_BATCH: usize = 5000;

/// Entries looked at per table and step when sweeping.
const SWEEP_BATCH: usize = 2000;

/// Where the sweeps over the tables are.
#[derive(Default)]
pub(crate) struct Sweeps {
    documents: Vec<u8>,
    history: Vec<u8>,
    index_history: Vec<u8>,
    changes: Vec<u8>,
}

/// What a step of [`Model::maintain`] has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Maintained {
    /// There is more to build or to give back: call again soon.
    pub busy: bool,
    /// Rows deleted.
    pub purged: usize,
}

/// Has every key that begins with `start` deleted in the background.
pub(crate) fn discard(txn: &mut Txn, table: Table, start: &[u8]) {
    let key = keys::system::garbage(table.index() as u8, start);
    txn.system_set(&key, Some(Vec::new()), Stamps::new());
}

/// Marks a range of which only the entries of one collection are given back: an index over several.
const ENTRIES_OF_ONE: u8 = 0x80;

/// Has the entries that documents of one collection have in an index deleted in the background.
pub(crate) fn discard_entries(txn: &mut Txn, table: Table, index: IndexId, coll: CollId) {
    let start = [&keys::index(txn.scope(), index)[..], &coll.0.to_be_bytes()].concat();
    let key = keys::system::garbage(table.index() as u8 | ENTRIES_OF_ONE, &start);
    txn.system_set(&key, Some(Vec::new()), Stamps::new());
}

fn table(number: u8) -> Option<Table> {
    Table::ALL.get(usize::from(number)).copied()
}

impl Model {
    /// One step of housekeeping. Call it every second or so, again at once while it says `busy`.
    pub fn maintain(self: &Arc<Self>) -> Result<Maintained, ModelError> {
        let mut done = Maintained::default();
        match self.build_step() {
            Ok(built) => done.busy |= built,
            // A writer was faster: another time.
            Err(ModelError::Store(StoreError::Contended { .. })) => done.busy = true,
            Err(error) => return Err(error),
        }
        let discarded = self.discard_step()?;
        done.busy |= discarded > 0;
        done.purged = discarded
            + self.sweep_history()?
            + self.sweep_index_history()?
            + self.sweep_changes()?
            + self.sweep_expired()?;
        Ok(done)
    }

    /// Deletes some keys of a range that waits for it.
    fn discard_step(self: &Arc<Self>) -> Result<usize, ModelError> {
        let mut txn = self.begin(keys::GLOBAL)?;
        let mut cursor = txn.walk(Table::System, keys::system::garbages(), false);
        let Some((record, progress)) = cursor.next(&mut txn)? else {
            return Ok(0);
        };
        if let Some((number, start)) = keys::system::garbage_of(&record)
            && number & ENTRIES_OF_ONE != 0
        {
            let (table, start) = (table(number & !ENTRIES_OF_ONE), start.to_vec());
            return self.discard_entries_step(txn, &record, table, &start, &progress);
        }
        let mut writes = Vec::new();
        let mut finished = true;
        if let Some((number, start)) = keys::system::garbage_of(&record)
            && let Some(table) = table(number)
        {
            let mut cursor =
                RawCursor::committed(table, start.to_vec(), keys::successor(start), false);
            while let Some((key, _)) = cursor.next(&mut txn)? {
                writes.push(removal(table, &key));
                if writes.len() >= DISCARD_BATCH {
                    finished = false;
                    break;
                }
            }
        }
        if finished {
            writes.push(removal(Table::System, &record));
        }
        let count = writes.len();
        self.purge(&txn, writes)?;
        Ok(count)
    }

    /// Deletes some entries of one collection from an index over several; goes on where the last step ended.
    fn discard_entries_step(
        self: &Arc<Self>,
        mut txn: Txn,
        record: &Bytes,
        table: Option<Table>,
        start: &[u8],
        progress: &[u8],
    ) -> Result<usize, ModelError> {
        let mut writes = Vec::new();
        let index = start.get(..16).unwrap_or_default();
        let coll = keys::coll_at(start, 16);
        let mut reached = None;
        if let (Some(table), Some(coll)) = (table, coll) {
            let from = index.max(progress).to_vec();
            let mut cursor = RawCursor::committed(table, from, keys::successor(index), false);
            let mut seen = 0;
            while let Some((key, _)) = cursor.next(&mut txn)? {
                if seen >= DISCARD_BATCH {
                    reached = Some(key.to_vec());
                    break;
                }
                seen += 1;
                let entry = match table {
                    Table::IndexHistory => key.len().saturating_sub(8),
                    _ => key.len(),
                };
                let of = key.get(..entry).and_then(keys::index_document);
                if of.is_some_and(|(of, _)| of == coll) {
                    writes.push(removal(table, &key));
                }
            }
        }
        writes.push(Write {
            value: reached,
            ..removal(Table::System, record)
        });
        let count = writes.len();
        self.purge(&txn, writes)?;
        Ok(count)
    }

    /// Deletes rows nobody can need: without validation, because nobody writes them either.
    fn purge(&self, txn: &Txn, writes: Vec<Write>) -> Result<(), ModelError> {
        if !writes.is_empty() {
            let snapshot = txn.snapshot_time();
            self.store().commit(Commit {
                snapshot,
                reads: Vec::new(),
                writes,
                clears: Vec::new(),
            })?;
        }
        Ok(())
    }

    /// Purges versions that no readable time needs: those whose successor is older than the earliest readable time.
    fn sweep_history(self: &Arc<Self>) -> Result<usize, ModelError> {
        let from = self.sweeps.lock().history.clone();
        let mut txn = self.begin(keys::GLOBAL)?;
        let mut horizons = Horizons::default();
        let mut cursor = RawCursor::committed(Table::History, from, Vec::new(), false);
        let mut writes = Vec::new();
        let mut document: Vec<u8> = Vec::new();
        // When the row before, of the same document, began.
        let mut successor: Option<TxnTime> = None;
        let mut seen = 0;
        let mut next = Vec::new();
        while let Some((key, value)) = cursor.next(&mut txn)? {
            let (Some(part), Some(ts)) = (
                key.get(..keys::DOCUMENT_KEY),
                keys::inverted_time_at(&key, keys::DOCUMENT_KEY),
            ) else {
                continue;
            };
            if part != document {
                // A sweep pauses between documents only: what a row's successor is must be known.
                if seen >= SWEEP_BATCH {
                    next = part.to_vec();
                    break;
                }
                document = part.to_vec();
                successor = txn
                    .snapshot
                    .get(Table::Documents, part)?
                    .and_then(|bytes| keys::time_at(&bytes, 0));
            }
            seen += 1;
            let horizon = horizons.of(&mut txn, keys::scope_of(&key), keys::document_coll(&key))?;
            let tombstone = Header::read(&value).is_some_and(|header| header.deleted);
            let ends = if tombstone { Some(ts) } else { successor };
            if ends.is_some_and(|ends| ends <= horizon) {
                writes.push(removal(Table::History, &key));
            }
            successor = Some(ts);
        }
        let purged = writes.len();
        self.purge(&txn, writes)?;
        self.sweeps.lock().history = next;
        Ok(purged)
    }

    /// Purges index entries that were removed before the earliest readable time.
    fn sweep_index_history(self: &Arc<Self>) -> Result<usize, ModelError> {
        let from = self.sweeps.lock().index_history.clone();
        let mut txn = self.begin(keys::GLOBAL)?;
        let mut horizons = Horizons::default();
        let mut cursor = RawCursor::committed(Table::IndexHistory, from, Vec::new(), false);
        let mut writes = Vec::new();
        let mut seen = 0;
        let mut next = Vec::new();
        while let Some((key, _)) = cursor.next(&mut txn)? {
            if seen >= SWEEP_BATCH {
                next = key.to_vec();
                break;
            }
            seen += 1;
            let Some(entry) = key.len().checked_sub(8) else {
                continue;
            };
            let coll = key
                .get(..entry)
                .and_then(keys::index_document)
                .map(|(coll, _)| coll);
            let horizon = horizons.of(&mut txn, keys::scope_of(&key), coll)?;
            if keys::inverted_time_at(&key, entry).is_some_and(|removed| removed <= horizon) {
                writes.push(removal(Table::IndexHistory, &key));
            }
        }
        let purged = writes.len();
        self.purge(&txn, writes)?;
        self.sweeps.lock().index_history = next;
        Ok(purged)
    }

    /// Purges the change log up to the earliest readable time. What is younger, of each collection, is skipped.
    fn sweep_changes(self: &Arc<Self>) -> Result<usize, ModelError> {
        let mut from = self.sweeps.lock().changes.clone();
        let mut txn = self.begin(keys::GLOBAL)?;
        let mut horizons = Horizons::default();
        let mut writes = Vec::new();
        let mut seen = 0;
        'collections: loop {
            let mut cursor = RawCursor::committed(Table::Changes, from, Vec::new(), false);
            while let Some((key, _)) = cursor.next(&mut txn)? {
                if seen >= SWEEP_BATCH {
                    from = key.to_vec();
                    break 'collections;
                }
                seen += 1;
                let (scope, coll) = (keys::scope_of(&key), keys::document_coll(&key));
                let horizon = horizons.of(&mut txn, scope, coll)?;
                if keys::change_time(&key).is_some_and(|ts| ts <= horizon) {
                    writes.push(removal(Table::Changes, &key));
                    continue;
                }
                from = keys::successor(key.get(..keys::CHANGE_TIME).unwrap_or(&key));
                if from.is_empty() {
                    break 'collections;
                }
                continue 'collections;
            }
            from = Vec::new();
            break;
        }
        let purged = writes.len();
        self.purge(&txn, writes)?;
        self.sweeps.lock().changes = from;
        Ok(purged)
    }

    /// Deletes expired documents, as a query would: their history stays, their watchers learn of it.
    fn sweep_expired(self: &Arc<Self>) -> Result<usize, ModelError> {
        let from = self.sweeps.lock().documents.clone();
        let mut txn = self.begin(keys::GLOBAL)?;
        let now: Time = txn.time().into();
        let mut cursor = RawCursor::committed(Table::Documents, from, Vec::new(), false);
        let mut expired: Vec<(ScopeId, CollId, DocId)> = Vec::new();
        let mut seen = 0;
        let mut next = Vec::new();
        while let Some((key, value)) = cursor.next(&mut txn)? {
            if seen >= SWEEP_BATCH {
                next = key.to_vec();
                break;
            }
            seen += 1;
            if let (Some(header), Some(scope), Some(coll), Some(id)) = (
                Header::read(&value),
                keys::scope_of(&key),
                keys::document_coll(&key),
                keys::document_id(&key),
            ) && header.ttl.is_some_and(|ttl| ttl <= now)
            {
                expired.push((scope, coll, id));
            }
        }
        let mut removed = 0;
        for (scope, coll, id) in expired {
            removed += usize::from(self.remove_expired(scope, coll, id)?);
        }
        self.sweeps.lock().documents = next;
        Ok(removed)
    }

    fn remove_expired(
        self: &Arc<Self>,
        scope: ScopeId,
        coll: CollId,
        id: DocId,
    ) -> Result<bool, ModelError> {
        let mut txn = self.begin(scope)?;
        if txn.schema().collection(coll).is_none() {
            return Ok(false);
        }
        let key = keys::document(scope, coll, id);
        let now: Time = txn.time().into();
        let expired = txn.current(&key)?.is_some_and(|bytes| {
            Header::read(&bytes).is_some_and(|header| header.ttl.is_some_and(|ttl| ttl <= now))
        });
        if !expired {
            return Ok(false);
        }
        txn.delete(coll, id)?;
        match txn.into_commit().map(|commit| self.store().commit(commit)) {
            None | Some(Ok(_)) => Ok(true),
            // Somebody wrote it: it may live.
            Some(Err(StoreError::Contended { .. })) => Ok(false),
            Some(Err(error)) => Err(error.into()),
        }
    }
}

fn removal(table: Table, key: &Bytes) -> Write {
    Write {
        table,
        key: key.to_vec(),
        value: None,
        stamps: Stamps::new(),
    }
}

/// Earliest readable times of collections, looked up once per sweep.
#[derive(Default)]
struct Horizons(HashMap<(ScopeId, CollId), TxnTime>);

impl Horizons {
    fn of(
        &mut self,
        txn: &mut Txn,
        scope: Option<ScopeId>,
        coll: Option<CollId>,
    ) -> Result<TxnTime, ModelError> {
        let (Some(scope), Some(coll)) = (scope, coll) else {
            return Ok(TxnTime(i64::MIN));
        };
        if let Some(known) = self.0.get(&(scope, coll)) {
            return Ok(*known);
        }
        let time = txn.time();
        let horizon = txn.with_scope(scope, |txn| {
            let collection: Option<&Arc<Collection>> = txn.schema().collection(coll);
            // What belongs to no collection waits to be given back.
            collection.map_or(TxnTime(i64::MIN), |collection| {
                txn::horizon(collection, time)
            })
        })?;
        self.0.insert((scope, coll), horizon);
        Ok(horizon)
    }
}
