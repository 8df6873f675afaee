//! The versions of a document and the comings and goings of index entries: what FQL v4 lists as events, and may
//! rewrite (`spec fql4 7`). FQL v10 only reads the state at a time.

use super::build::{self, Chains, Removed};
use super::bytes::Stamps;
use super::cursor::RawCursor;
use super::entries;
use super::legacy_entries::{Physical, physical};
use super::overlay::Pending;
use super::schema::{Collection, IndexStatus};
use super::txn::{self, Txn};
use super::version::{self, Header, Version};
use super::{IndexedDocument, ModelError, keys};
use crate::store::{Bytes, Stamp, StampPlace, Table, TxnTime};
use crate::value::{CollId, DocId, IndexId, Object, Time, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A write to a document, as its history has it.
#[derive(Clone, Debug)]
pub struct VersionEvent {
    /// When; `None`: by this transaction.
    pub ts: Option<TxnTime>,
    /// What was written; `None`: it was deleted. Expired versions are included.
    pub version: Option<Arc<Version>>,
}

/// An entry's coming or going.
#[derive(Clone, Debug)]
pub struct EntryEvent {
    /// When; `None`: by this transaction.
    pub ts: Option<TxnTime>,
    /// It was added; else it was removed.
    pub added: bool,
    /// The collection of the document.
    pub coll: CollId,
    /// The document.
    pub doc: DocId,
    /// The covered values.
    pub values: Vec<Value>,
}

/// A row of a table, with the places of its commit time.
type Rows = BTreeMap<(u8, Vec<u8>), (Table, Vec<u8>, Stamps)>;

impl Txn {
    /// All retained versions and deletions of a document, oldest first, own writes included.
    pub fn versions(&mut self, coll: CollId, id: DocId) -> Result<Vec<VersionEvent>, ModelError> {
        let Some(collection) = self.schema().collection(coll).cloned() else {
            return Ok(Vec::new());
        };
        let (committed, pending) = self.chain(coll, id)?;
        committed
            .into_iter()
            .chain(pending)
            .map(|bytes| version_event(&collection, bytes))
            .collect()
    }

    /// The ids of all documents that a collection has or had, as far as that is retained, own writes included.
    pub fn documents_ever(&mut self, coll: CollId) -> Result<BTreeSet<DocId>, ModelError> {
        let prefix = keys::collection(self.scope(), coll);
        let end = keys::successor(&prefix);
        let own = self.overlay.range(Table::Documents, &prefix, &end);
        let mut ids: BTreeSet<DocId> = own.filter_map(|(key, _)| keys::document_id(key)).collect();
        for table in [Table::Documents, Table::History] {
            let mut cursor = RawCursor::unrecorded(table, prefix.to_vec(), end.clone(), false);
            while let Some((key, _)) = cursor.next(self)? {
                ids.extend(keys::document_id(&key));
            }
        }
        Ok(ids)
    }

    /// The documents of a collection that others' commits wrote after `since` and up to `until`, with all their
    /// retained versions, in id order. Costs what was changed.
    pub fn changed_documents(
        &mut self,
        coll: CollId,
        since: TxnTime,
        until: TxnTime,
    ) -> Result<Vec<(DocId, Vec<VersionEvent>)>, ModelError> {
        let Some(collection) = self.schema().collection(coll).cloned() else {
            return Ok(Vec::new());
        };
        let mut changes = self.changes(coll, None, since, until)?;
        let mut changed = BTreeSet::new();
        while let Some((_, ids)) = changes.next(self)? {
            changed.extend(ids);
        }
        let mut found = Vec::with_capacity(changed.len());
        for id in changed {
            let mut chain = Chains::of(self, coll, id).committed();
            let Some((id, versions)) = chain.next(self)? else {
                continue;
            };
            let events: Result<_, _> = versions
                .into_iter()
                .map(|bytes| version_event(&collection, bytes))
                .collect();
            found.push((id, events?));
        }
        Ok(found)
    }

    /// The retained comings and goings of the entries of an index with these terms, own writes included, in no
    /// particular order.
    pub fn entry_events(
        &mut self,
        coll: CollId,
        index: IndexId,
        terms: &[Value],
    ) -> Result<Vec<EntryEvent>, ModelError> {
        let Some(index) = self
            .schema()
            .collection(coll)
            .and_then(|c| c.backing_index(index))
            .cloned()
        else {
            return Ok(Vec::new());
        };
        let prefix = entries::terms_prefix(self.model.key_codec(), self.scope(), &index, terms);
        let length = prefix.len();
        self.entry_changes(&prefix, |key, ts, added, _| {
            let (coll, doc) = keys::index_document(key)?;
            Some(EntryEvent {
                ts,
                added,
                coll,
                doc,
                values: entries::covered_values(&index, key, length),
            })
        })
    }

    /// What `event` makes of the retained comings and goings of index entries that begin with `prefix`: of the entry's
    /// key, the time (`None`: now), whether it came, and when it came.
    pub(crate) fn entry_changes<E>(
        &mut self,
        prefix: &[u8],
        event: impl Fn(&[u8], Option<TxnTime>, bool, Option<TxnTime>) -> Option<E>,
    ) -> Result<Vec<E>, ModelError> {
        let known = |ts: Option<TxnTime>| ts.filter(|ts| ts.0 != i64::MAX);
        let event = |key: &[u8], ts: Option<TxnTime>, added: bool, added_at: Option<TxnTime>| {
            event(key, known(ts), added, known(added_at))
        };
        let (prefix, end) = (prefix.to_vec(), keys::successor(prefix));
        let mut found = Vec::new();
        let mut current = RawCursor::current(Table::Index, prefix.clone(), end.clone(), false);
        while let Some((key, value)) = current.next(self)? {
            let added = keys::time_at(&value, 0);
            found.extend(event(&key, added, true, added));
        }
        let mut past =
            RawCursor::unrecorded(Table::IndexHistory, prefix.clone(), end.clone(), false);
        while let Some((key, value)) = past.next(self)? {
            let Some(length) = key.len().checked_sub(8) else {
                continue;
            };
            let entry = key.get(..length).unwrap_or_default();
            let added = keys::time_at(&value, 0);
            let removed = keys::inverted_time_at(&key, length);
            found.extend(event(entry, added, true, added));
            found.extend(event(entry, removed, false, added));
        }
        // What this transaction supersedes goes to the history only with its commit.
        for (key, pending) in self.overlay.range(Table::Index, &prefix, &end) {
            if let Some(base) = &pending.base {
                let added = keys::time_at(base, 0);
                found.extend(event(key, added, true, added));
                found.extend(event(key, None, false, added));
            }
        }
        Ok(found)
    }

    /// Puts a version, or a deletion if `data` is `None`, at a past time into the history of a document; one that is
    /// there at that very time is replaced. Indexes and their history follow.
    pub fn insert_version(
        &mut self,
        coll: CollId,
        id: DocId,
        ts: TxnTime,
        data: Option<&Object>,
        ttl: Option<Time>,
    ) -> Result<(), ModelError> {
        let collection = self.collection_of(coll)?;
        let (mut bytes, _) = match data {
            Some(data) => version::encode(data, ttl, collection.migration_level())?,
            None => version::tombstone(),
        };
        bytes.splice(..8, keys::time_bytes(ts));
        let bytes: Bytes = bytes.into();
        self.rewrite(&collection, id, |chain| {
            let at = chain.partition_point(|known| written(known) < ts);
            match chain.get_mut(at) {
                Some(known) if written(known) == ts => *known = bytes,
                Some(_) | None => chain.insert(at, bytes),
            }
        })
    }

    /// Removes what was written at a time from the history of a document; false if nothing was.
    pub fn remove_version(
        &mut self,
        coll: CollId,
        id: DocId,
        ts: TxnTime,
    ) -> Result<bool, ModelError> {
        let collection = self.collection_of(coll)?;
        let mut removed = false;
        self.rewrite(&collection, id, |chain| {
            let before = chain.len();
            chain.retain(|known| written(known) != ts);
            removed = chain.len() < before;
        })?;
        Ok(removed)
    }

    /// The stored versions and tombstones of a document, oldest first: committed ones, then what this transaction has
    /// written.
    pub(crate) fn chain(
        &mut self,
        coll: CollId,
        id: DocId,
    ) -> Result<(Vec<Bytes>, Option<Bytes>), ModelError> {
        let key = keys::document(self.scope(), coll, id);
        let mut chain = Vec::new();
        let mut history =
            RawCursor::unrecorded(Table::History, key.to_vec(), keys::successor(&key), false);
        while let Some((_, value)) = history.next(self)? {
            chain.push(value);
        }
        chain.reverse();
        let current = self.current(&key)?;
        let pending = match self.overlay.get(Table::Documents, &key) {
            None => {
                chain.extend(current);
                None
            }
            Some(pending) => {
                chain.extend(pending.base.clone());
                // Deleted by a rewrite, the tombstone is in the history already.
                let deleted = || {
                    pending
                        .base
                        .is_some()
                        .then(|| version::tombstone().0.into())
                };
                pending.value.clone().or_else(deleted)
            }
        };
        // A rewritten chain may have its newest version in the overlay without a base.
        match pending {
            Some(pending) if written(&pending) != TxnTime(i64::MAX) => {
                chain.push(pending);
                Ok((chain, None))
            }
            pending => Ok((chain, pending)),
        }
    }

    /// Changes the history of a document, and everything that follows from it.
    fn rewrite(
        &mut self,
        collection: &Arc<Collection>,
        id: DocId,
        change: impl FnOnce(&mut Vec<Bytes>),
    ) -> Result<(), ModelError> {
        let (committed, own) = self.chain(collection.id, id)?;
        let key = keys::document(self.scope(), collection.id, id);
        let own_stamps = self
            .overlay
            .get(Table::Documents, &key)
            .map(|own| own.stamps.clone())
            .unwrap_or_default();
        let mut chain: Vec<Bytes> = committed.iter().cloned().chain(own.clone()).collect();
        let mut old = self.rows(collection, id, &chain)?;
        old.append(&mut self.rows(collection, id, &committed)?);
        let times = |chain: &[Bytes]| -> BTreeSet<TxnTime> {
            chain.iter().map(|bytes| written(bytes)).collect()
        };
        let times_before = times(&committed);
        chain = committed;
        change(&mut chain);
        let times_after = times(&chain);
        for ts in times_before.difference(&times_after) {
            self.unlog_past_change(collection.id, id, *ts)?;
        }
        for ts in times_after.difference(&times_before) {
            self.log_past_change(collection.id, id, *ts);
        }
        let new = self.rows(collection, id, &chain)?;
        for ((number, key), (table, _, _)) in old {
            if new.contains_key(&(number, key.clone())) {
                continue;
            }
            self.withdraw(table, &key)?;
        }
        for ((_, key), (table, value, stamps)) in new {
            self.overlay.set(
                table,
                &key,
                Pending {
                    value: Some(value.into()),
                    stamps,
                    base: None,
                },
            );
        }
        self.bump_epoch();
        // What this transaction has written to the document goes on top again.
        let before = self.current(&key)?;
        match own.and_then(|own| Some((Header::read(&own)?, own))) {
            Some((header, own)) if !header.deleted => {
                let data = Version::from_bytes(&header, own.clone()).object();
                let document = IndexedDocument {
                    id,
                    ts: None,
                    ttl: header.ttl,
                    data: &data,
                };
                self.index_write(collection, id, before.clone(), Some(&document))?;
                self.write_document(&key, before, Some(own), own_stamps)?;
            }
            Some(_) if before.is_some() => {
                self.index_write(collection, id, before.clone(), None)?;
                self.write_document(&key, before, None, Stamps::new())?;
            }
            Some(_) | None => self.written_scopes.push(self.scope()),
        }
        self.forget_cached(collection.id, id);
        Ok(())
    }

    /// The rows that a document with these versions has in all tables.
    fn rows(
        &self,
        collection: &Arc<Collection>,
        id: DocId,
        chain: &[Bytes],
    ) -> Result<Rows, ModelError> {
        let mut rows = Rows::new();
        let key = keys::document(self.scope(), collection.id, id).to_vec();
        for (at, bytes) in chain.iter().enumerate() {
            let header = Header::read(bytes).ok_or_else(txn::damaged)?;
            let mut stamps = Stamps::new();
            if header.ts.is_none() {
                stamps.push(Stamp {
                    place: StampPlace::Value,
                    offset: 0,
                    inverted: false,
                });
            }
            if at + 1 == chain.len() && !header.deleted {
                rows.insert((0, key.clone()), (Table::Documents, bytes.to_vec(), stamps));
                continue;
            }
            let time = header
                .ts
                .map_or(keys::PENDING_INVERTED, keys::inverted_time_bytes);
            if header.ts.is_none() {
                stamps.push(Stamp {
                    place: StampPlace::Key,
                    offset: key.len() as u32,
                    inverted: true,
                });
            }
            rows.insert(
                (1, [&key[..], &time].concat()),
                (Table::History, bytes.to_vec(), stamps),
            );
        }
        let own = self.own_legacy_indexes();
        let staged = self.staged_indexes_of(collection);
        let indexes = physical(self.schema(), collection, &own);
        let staged = staged.iter();
        let staged = staged.map(|(collection, index)| (collection, Physical::Own(index)));
        for (collection, index) in indexes.map(|index| (collection, index)).chain(staged) {
            if index.status() == IndexStatus::Failed {
                continue;
            }
            for (entry, lifetime) in build::lifetimes(self, collection, index, id, chain)? {
                let mut stamps = entry.stamps.clone();
                let value = lifetime.value(&mut stamps);
                let (number, table, key) = match lifetime.removed {
                    Removed::Not => (2, Table::Index, entry.key),
                    Removed::At(ts) => (
                        3,
                        Table::IndexHistory,
                        [&entry.key[..], &keys::inverted_time_bytes(ts)].concat(),
                    ),
                    Removed::Now => {
                        let offset = entry.key.len() as u32;
                        stamps.push(Stamp {
                            place: StampPlace::Key,
                            offset,
                            inverted: true,
                        });
                        (
                            3,
                            Table::IndexHistory,
                            [&entry.key[..], &keys::PENDING_INVERTED].concat(),
                        )
                    }
                };
                rows.insert((number, key), (table, value, stamps));
            }
        }
        Ok(rows)
    }
}

/// When a stored version was written; the end of time while pending.
fn written(bytes: &[u8]) -> TxnTime {
    keys::time_at(bytes, 0).unwrap_or_default()
}

fn version_event(collection: &Arc<Collection>, bytes: Bytes) -> Result<VersionEvent, ModelError> {
    let header = Header::read(&bytes).ok_or_else(txn::damaged)?;
    let version = (!header.deleted).then(|| Arc::new(txn::decode(collection, &header, bytes)));
    Ok(VersionEvent {
        ts: header.ts,
        version,
    })
}
