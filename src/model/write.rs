//! Writes: a new version or a deletion, and all that follows from it.
//!
//! Index entries are the difference between those of the version before and those of the version after. What this
//! transaction itself added and removed again leaves no trace; what it supersedes of the committed state moves to the
//! history tables when the transaction is turned into a commit.

use super::bytes::Stamps;
use super::definitions;
use super::entries::{self, EntryKey, Fields};
use super::legacy_entries::{Physical, physical};
use super::overlay::Pending;
use super::schema::{Collection, IndexStatus, Schema};
use super::txn::{self, MAX_TRANSACTION, Txn};
use super::version::{self, Header, read_ttl, write_ttl};
use super::{ComputedFields, IndexedDocument, LegacyBindings, ModelError, keys, native};
use crate::store::{Bytes, Stamp, StampPlace, Table};
use crate::value::{CollId, DocId, IndexId, Object, PathPart, Str, Time};
use smallvec::smallvec;
use std::sync::Arc;

/// What a write met.
#[derive(Clone, Debug, Default)]
pub struct PutOutcome {
    /// Unique constraints it violates, one per conflicting entry. The write has happened nevertheless; the query must
    /// fail.
    pub unique_conflicts: Vec<Conflict>,
    /// There was no live version before.
    pub created: bool,
}

/// An index whose entries change with a document.
pub(crate) struct Entries<'a> {
    pub schema: &'a Schema,
    pub computed: Option<&'a dyn ComputedFields>,
    pub bindings: Option<&'a dyn LegacyBindings>,
    /// The definition the index belongs to, or is over.
    pub collection: &'a Collection,
    pub index: Physical<'a>,
}

/// A violated unique constraint.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    /// The physical index.
    pub index: IndexId,
    /// The fields of the constraint.
    pub paths: Vec<Vec<PathPart>>,
    /// The name of the index, if it is one of FQL v4.
    pub legacy: Option<Str>,
}

impl Txn {
    /// Writes a new version of a document: `data` whole, and when it expires.
    ///
    /// Every index is maintained, unique constraints are checked against the current state, own writes included.
    /// Writing a `Collection` assigns and builds its physical indexes; writing a `Database` or `Key` registers it.
    pub fn put(
        &mut self,
        coll: CollId,
        id: DocId,
        data: Arc<Object>,
        ttl: Option<Time>,
    ) -> Result<PutOutcome, ModelError> {
        let data = match coll {
            native::COLLECTION => {
                let before = self.current(&keys::document(self.scope(), coll, id))?;
                self.prepare_definition(id, &data, before.as_ref())?
            }
            native::LEGACY_INDEX => {
                let before = self.current(&keys::document(self.scope(), coll, id))?;
                self.prepare_legacy_index(id, &data, before.as_ref())?
            }
            _ => data,
        };
        self.put_prepared(coll, id, data, ttl)
    }

    /// The same with a definition that has its physical indexes.
    pub(crate) fn put_prepared(
        &mut self,
        coll: CollId,
        id: DocId,
        data: Arc<Object>,
        ttl: Option<Time>,
    ) -> Result<PutOutcome, ModelError> {
        let collection = self.collection_of(coll)?;
        let key = keys::document(self.scope(), coll, id);
        let before = self.current(&key)?;
        let (bytes, stamps) = version::encode(&data, ttl, collection.migration_level())?;
        let now: Time = self.time().into();
        let created = match &before {
            Some(bytes) => !Header::read(bytes).ok_or_else(txn::damaged)?.is_live(now),
            None => true,
        };
        let document = IndexedDocument {
            id,
            ts: None,
            ttl,
            data: &data,
        };
        let unique_conflicts =
            self.index_write(&collection, id, before.clone(), Some(&document))?;
        let bytes: Bytes = bytes.into();
        self.write_document(&key, before.clone(), Some(bytes.clone()), stamps)?;
        self.remember_written(coll, id, ttl, bytes, &data);
        self.after_write(coll, id, before, Some(&data))?;
        self.check_size()?;
        Ok(PutOutcome {
            unique_conflicts,
            created,
        })
    }

    /// Deletes a document; false if there was none.
    pub fn delete(&mut self, coll: CollId, id: DocId) -> Result<bool, ModelError> {
        let collection = self.collection_of(coll)?;
        let key = keys::document(self.scope(), coll, id);
        let Some(before) = self.current(&key)? else {
            return Ok(false);
        };
        let live = Header::read(&before)
            .ok_or_else(txn::damaged)?
            .is_live(self.time().into());
        self.index_write(&collection, id, Some(before.clone()), None)?;
        self.write_document(&key, Some(before.clone()), None, Stamps::new())?;
        self.forget_cached(coll, id);
        self.after_write(coll, id, Some(before), None)?;
        self.check_size()?;
        Ok(live)
    }

    /// Takes a database's document away while its contents stay: it is about to become the child of another.
    pub fn release_database(&mut self, id: DocId) -> Result<(), ModelError> {
        let coll = native::DATABASE;
        let collection = self.collection_of(coll)?;
        let key = keys::document(self.scope(), coll, id);
        let Some(before) = self.current(&key)? else {
            return Ok(());
        };
        self.index_write(&collection, id, Some(before.clone()), None)?;
        self.write_document(&key, Some(before), None, Stamps::new())?;
        self.forget_cached(coll, id);
        self.touch_schema();
        self.check_size()
    }

    pub(crate) fn collection_of(&self, coll: CollId) -> Result<Arc<Collection>, ModelError> {
        match self.known_collection(coll) {
            Some(collection) => Ok(collection.clone()),
            None => Err(ModelError::Corrupt(format!(
                "write to unknown collection {}",
                coll.0
            ))),
        }
    }

    fn check_size(&self) -> Result<(), ModelError> {
        let bytes = self.overlay.bytes();
        if bytes > MAX_TRANSACTION {
            Err(ModelError::TransactionTooLarge(bytes))
        } else {
            Ok(())
        }
    }

    /// Writes a version over `before`, the current one, or deletes it.
    pub(crate) fn write_document(
        &mut self,
        key: &[u8; keys::DOCUMENT_KEY],
        before: Option<Bytes>,
        value: Option<Bytes>,
        stamps: Stamps,
    ) -> Result<(), ModelError> {
        let base = match self.overlay.get(Table::Documents, key) {
            Some(pending) => pending.superseded(),
            None => before,
        };
        if value.is_none() && base.is_none() {
            self.withdraw(Table::Documents, key)?;
        } else {
            self.overlay.set(
                Table::Documents,
                key,
                Pending {
                    value,
                    stamps,
                    base,
                },
            );
        }
        if self.written_scopes.last() != Some(&self.scope()) {
            self.written_scopes.push(self.scope());
        }
        self.bump_epoch();
        Ok(())
    }

    /// Takes an own write back. The row may be in the snapshot although it counted as gone: then it stays gone.
    pub(crate) fn withdraw(&mut self, table: Table, key: &[u8]) -> Result<(), ModelError> {
        if !self.is_dropped(key) && self.snapshot.get(table, key)?.is_some() {
            self.overlay.set(
                table,
                key,
                Pending {
                    value: None,
                    stamps: Stamps::new(),
                    base: None,
                },
            );
        } else {
            self.overlay.forget(table, key);
        }
        Ok(())
    }

    /// Changes the entries of every index from those of the stored version `before` to those of `after`.
    pub(crate) fn index_write(
        &mut self,
        collection: &Arc<Collection>,
        id: DocId,
        before: Option<Bytes>,
        after: Option<&IndexedDocument<'_>>,
    ) -> Result<Vec<Conflict>, ModelError> {
        if self.schema().staged().is_some() {
            self.index_staged(collection, id, before.as_ref(), after)?;
        }
        let schema = self.schema().clone();
        let own = self.own_legacy_indexes();
        if collection.backing.is_empty()
            && schema.legacy_indexes_of(collection.id).is_empty()
            && own.is_empty()
        {
            return Ok(Vec::new());
        }
        let before = match before {
            Some(bytes) => {
                let header = Header::read(&bytes).ok_or_else(txn::damaged)?;
                let version = txn::decode(collection, &header, bytes);
                Some((header, version.object()))
            }
            None => None,
        };
        let (computed, bindings) = (self.model.computed_fields(), self.model.legacy_bindings());
        let mut conflicts = Vec::new();
        for index in physical(&schema, collection, &own) {
            if index.status() == IndexStatus::Failed {
                continue;
            }
            let entries = Entries {
                schema: &schema,
                computed: computed.as_deref(),
                bindings: bindings.as_deref(),
                collection,
                index,
            };
            let conflicting = self.index_one(&entries, id, before.as_ref(), after)?;
            conflicts.extend((0..conflicting).map(|_| conflict(index)));
        }
        Ok(conflicts)
    }

    /// The same for one index; with how many entries of other documents those of a unique one are in conflict.
    pub(crate) fn index_one(
        &mut self,
        change: &Entries<'_>,
        id: DocId,
        before: Option<&(Header, Arc<Object>)>,
        after: Option<&IndexedDocument<'_>>,
    ) -> Result<usize, ModelError> {
        let model = self.model.clone();
        let index = change.index;
        let fields = |document| Fields {
            scope: self.scope(),
            codec: model.key_codec(),
            schema: change.schema,
            collection: change.collection,
            computed: change.computed,
            bindings: change.bindings,
            document,
        };
        let mut versions = 0;
        let old = match before {
            Some((header, data)) => {
                let document = IndexedDocument {
                    id,
                    ts: header.ts,
                    ttl: header.ttl,
                    data,
                };
                versions += 1;
                entries::entries(index, &fields(document))?
            }
            None => Vec::new(),
        };
        let new = match after {
            Some(document) => {
                versions += 1;
                entries::entries(index, &fields(*document))?
            }
            None => Vec::new(),
        };
        (0..versions).for_each(|_| self.charge_indexing(index));
        let old_ttl = before.and_then(|(header, _)| header.ttl);
        let new_ttl = after.and_then(|document| document.ttl);
        let changed = self.replace_entries(&old, old_ttl, &new, new_ttl)?;
        if changed > 0 {
            let key = keys::document(self.scope(), change.collection.id, id);
            *self.index_bytes.entry(key).or_default() += changed;
        }
        let mut conflicts = 0;
        if index.unique() {
            for entry in new
                .iter()
                .filter(|entry| !old.iter().any(|old| old.key == entry.key))
            {
                conflicts += usize::from(self.conflicts(entry)?);
            }
        }
        Ok(conflicts)
    }

    /// Returns the bytes of changed entries.
    fn replace_entries(
        &mut self,
        old: &[EntryKey],
        old_ttl: Option<Time>,
        new: &[EntryKey],
        new_ttl: Option<Time>,
    ) -> Result<u64, ModelError> {
        let mut changed = 0;
        for entry in old {
            if new.binary_search_by(|new| new.key.cmp(&entry.key)).is_err() {
                changed += entry.key.len() as u64;
                self.write_entry(entry, None, false)?;
            }
        }
        for entry in new {
            let kept = old.binary_search_by(|old| old.key.cmp(&entry.key)).is_ok();
            if !kept || old_ttl != new_ttl {
                changed += entry.key.len() as u64;
                self.write_entry(entry, Some(new_ttl), !kept)?;
            }
        }
        Ok(changed)
    }

    /// Adds (with its ttl) or removes an index entry.
    fn write_entry(
        &mut self,
        entry: &EntryKey,
        ttl: Option<Option<Time>>,
        fresh: bool,
    ) -> Result<(), ModelError> {
        let key = &entry.key[..];
        let base = match self.overlay.get(Table::Index, key) {
            Some(pending) => pending.superseded(),
            // An entry that the version before did not have can only be there if this transaction has removed it.
            None if fresh || self.is_dropped(key) => None,
            None => self.snapshot.get(Table::Index, key)?,
        };
        match ttl {
            None if base.is_none() => self.withdraw(Table::Index, key)?,
            None => {
                let pending = Pending {
                    value: None,
                    stamps: entry.stamps.clone(),
                    base,
                };
                self.overlay.set(Table::Index, key, pending);
            }
            // Removed and added again: as it was.
            Some(ttl) if base.as_ref().is_some_and(|base| entry_ttl(base) == ttl) => {
                if self.snapshot.get(Table::Index, key)? == base {
                    self.overlay.forget(Table::Index, key);
                } else {
                    // It was put there by rewriting the past.
                    let pending = Pending {
                        value: base,
                        stamps: Stamps::new(),
                        base: None,
                    };
                    self.overlay.set(Table::Index, key, pending);
                }
            }
            Some(ttl) => {
                let mut value = keys::PENDING.to_vec();
                if let Some(ttl) = ttl {
                    write_ttl(ttl, &mut value);
                }
                let mut stamps: Stamps = smallvec![Stamp {
                    place: StampPlace::Value,
                    offset: 0,
                    inverted: false
                }];
                stamps.extend(entry.stamps.iter().copied());
                self.overlay.set(
                    Table::Index,
                    key,
                    Pending {
                        value: Some(value.into()),
                        stamps,
                        base,
                    },
                );
            }
        }
        self.bump_epoch();
        Ok(())
    }

    /// Whether live documents have equal entries of an index.
    pub(crate) fn has_shared_entries(&mut self, index: IndexId) -> Result<bool, ModelError> {
        let start = keys::index(self.scope(), index).to_vec();
        let end = keys::successor(&start);
        let mut cursor = self.walk(Table::Index, (start, end), false);
        let now: Time = self.time().into();
        let mut previous: Option<Bytes> = None;
        while let Some((key, value)) = cursor.next(self)? {
            if entry_ttl(&value).is_some_and(|ttl| ttl <= now) {
                continue;
            }
            let tuple = |key: &Bytes| key.len().saturating_sub(keys::INDEX_SUFFIX);
            if previous
                .is_some_and(|previous| previous.get(..tuple(&previous)) == key.get(..tuple(&key)))
            {
                return Ok(true);
            }
            previous = Some(key);
        }
        Ok(false)
    }

    /// Whether another live document has an equal entry.
    pub(crate) fn conflicts(&mut self, entry: &EntryKey) -> Result<bool, ModelError> {
        let prefix = entry.key.get(..entry.tuple).unwrap_or_default();
        let mut cursor = self.walk(
            Table::Index,
            (prefix.to_vec(), keys::successor(prefix)),
            false,
        );
        let now: Time = self.time().into();
        while let Some((key, value)) = cursor.next(self)? {
            let other = *key != entry.key[..] && entries::same_tuple(entry, &key);
            if other && entry_ttl(&value).is_none_or(|ttl| ttl > now) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Moves what the transaction supersedes to the history tables.
    pub(crate) fn write_history(&mut self) {
        let mut superseded = Vec::new();
        for (key, pending) in self.overlay.iter(Table::Documents) {
            let Some(base) = &pending.base else { continue };
            if let Some(ts) = keys::time_at(base, 0) {
                let mut past = key.to_vec();
                past.extend_from_slice(&keys::inverted_time_bytes(ts));
                let pending = Pending {
                    value: Some(base.clone()),
                    stamps: Stamps::new(),
                    base: None,
                };
                superseded.push((Table::History, past, pending));
            }
            if pending.value.is_none() {
                let mut deleted = key.to_vec();
                let offset = deleted.len() as u32;
                deleted.extend_from_slice(&keys::PENDING_INVERTED);
                let (value, mut stamps) = version::tombstone();
                stamps.push(Stamp {
                    place: StampPlace::Key,
                    offset,
                    inverted: true,
                });
                superseded.push((
                    Table::History,
                    deleted,
                    Pending {
                        value: Some(value.into()),
                        stamps,
                        base: None,
                    },
                ));
            }
        }
        for (key, pending) in self.overlay.iter(Table::Index) {
            let Some(base) = &pending.base else { continue };
            let mut removed = key.to_vec();
            let offset = removed.len() as u32;
            removed.extend_from_slice(&keys::PENDING_INVERTED);
            let stamps: Stamps = smallvec![Stamp {
                place: StampPlace::Key,
                offset,
                inverted: true
            }];
            superseded.push((
                Table::IndexHistory,
                removed,
                Pending {
                    value: Some(base.clone()),
                    stamps,
                    base: None,
                },
            ));
        }
        for (table, key, pending) in superseded {
            self.overlay.set(table, &key, pending);
        }
    }

    /// What writes to native collections entail.
    fn after_write(
        &mut self,
        coll: CollId,
        id: DocId,
        before: Option<Bytes>,
        after: Option<&Arc<Object>>,
    ) -> Result<(), ModelError> {
        if !native::is_native(coll) {
            return Ok(());
        }
        if super::is_schema(coll) {
            self.touch_schema();
        }
        match coll {
            native::COLLECTION => {
                let defined = after.map(|data| definitions::load(id, data.clone(), self.time()));
                self.note_definition(CollId(id.0.max(0) as u64), defined);
                match (&before, after) {
                    (Some(before), None) => self.discard_definition(id, before),
                    (Some(_) | None, _) => Ok(()),
                }
            }
            native::LEGACY_INDEX if after.is_none() => {
                self.discard_legacy_index(id);
                Ok(())
            }
            native::DATABASE => self.register_database(id, before, after),
            native::KEY => {
                self.register_key(id, after.is_some());
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// The expiry of an index entry, from its value.
pub(crate) fn entry_ttl(value: &[u8]) -> Option<Time> {
    read_ttl(value.get(8..20)?)
}

fn conflict(index: Physical<'_>) -> Conflict {
    let (paths, legacy) = match index {
        Physical::Own(index) => {
            let paths = index.terms.iter().map(|term| term.path.clone());
            (paths.collect(), None)
        }
        Physical::Legacy(index) => (Vec::new(), Some(index.name.clone())),
    };
    Conflict {
        index: index.id(),
        paths,
        legacy,
    }
}
