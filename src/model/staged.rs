//! A staged schema: definitions that are written but not in force yet (`spec schema-fsl 12.4`).
//!
//! While nothing is staged, the definition documents are the schema. [`Txn::stage`] copies them, as they are stored, to
//! rows of the system table; from then on these rows are the schema in force, which everything but schema writes goes by, and
//! the documents are the staged one, which is written, read and listed as always:
//!
//! ```text
//!                      ┌─ stage ──▶ rows: in force ──▶ Schema ─── staged ──▶ Schema
//! definition documents ┤                                                       ▲
//!                      └────────────▶ written further ─────────────────────────┘
//! ```
//!
//! Rules:
//! - An index that only the staged schema has is built and maintained beside those in force, over documents as the
//!   staged migrations will make them. What is wrong with it never fails a write: it is noted and shows in its status.
//! - What the staged schema does without, an index or a whole collection, stays until the staged one is in force.
//! - `commit` drops the rows; `abandon` writes them back.

use super::bytes::Stamps;
use super::definitions::load;
use super::legacy_entries::Physical;
use super::schema::migrate::migrated;
use super::schema::{BackingIndex, Collection, IndexStatus, Schema};
use super::txn::{self, Txn};
use super::version::{self, Header};
use super::write::Entries;
use super::{IndexedDocument, ModelError, Version, keys, native};
use crate::store::{Bytes, Table, TxnTime};
use crate::value::{CollId, DocId, IndexId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is frozen while a schema is staged.
pub(crate) const FROZEN: [CollId; 5] = [
    native::COLLECTION,
    native::FUNCTION,
    native::ROLE,
    native::ACCESS_PROVIDER,
    native::SCHEMA_SOURCE,
];

impl Txn {
    /// Whether definitions that are written now are staged.
    pub fn is_staged(&self) -> bool {
        self.staging == Some(self.scope()) || self.schema().staged().is_some()
    }

    /// Freezes the schema as it is: from now on, what is written to definitions is staged. Does nothing if a schema is
    /// staged already.
    pub fn stage(&mut self) -> Result<(), ModelError> {
        if self.is_staged() {
            return Ok(());
        }
        let scope = self.scope();
        for coll in FROZEN {
            for (id, bytes) in self.stored_definitions(coll)? {
                let key = keys::document(scope, coll, id);
                // Files that this transaction has generated get their time with the commit, here as there.
                let stamps = match self.overlay.get(Table::Documents, &key) {
                    Some(pending) => pending.stamps.clone(),
                    None => Stamps::new(),
                };
                let row = keys::system::in_force(scope, coll, id);
                self.system_set(&row, Some(bytes.to_vec()), stamps);
            }
        }
        let version = TxnTime(self.schema().version);
        let marker = keys::system::staged(scope);
        self.system_set(
            &marker,
            Some(keys::time_bytes(version).to_vec()),
            Stamps::new(),
        );
        self.staging = Some(scope);
        self.touch_schema();
        Ok(())
    }

    /// Puts the staged schema in force. What only the one before had is given back.
    pub fn commit_staged(&mut self) -> Result<(), ModelError> {
        let staged: BTreeMap<DocId, Bytes> = self
            .stored_definitions(native::COLLECTION)?
            .into_iter()
            .collect();
        for (id, before) in self.in_force(native::COLLECTION)? {
            let old = loaded(id, &before)?;
            match staged.get(&id) {
                None => self.discard_collection(id, &before)?,
                Some(bytes) => {
                    let new = loaded(id, bytes)?;
                    self.discard_indexes_of(&old, &new);
                }
            }
        }
        self.unfreeze()
    }

    /// Takes back everything that was staged.
    pub fn abandon_staged(&mut self) -> Result<(), ModelError> {
        for coll in FROZEN {
            let mut before: BTreeMap<DocId, Bytes> = self.in_force(coll)?.into_iter().collect();
            let mut changed = Vec::new();
            // Deletions first: what comes back may have their names.
            for (id, bytes) in self.stored_definitions(coll)? {
                match before.remove(&id) {
                    Some(same) if same == bytes => {}
                    Some(old) => changed.push((id, Some(bytes), old)),
                    None => {
                        self.delete(coll, id)?;
                    }
                }
            }
            changed.extend(before.into_iter().map(|(id, old)| (id, None, old)));
            for (id, staged, old) in changed {
                if let (native::COLLECTION, Some(staged)) = (coll, &staged) {
                    let (staged, old) = (loaded(id, staged)?, loaded(id, &old)?);
                    self.discard_indexes_of(&staged, &old);
                }
                let header = Header::read(&old).ok_or_else(txn::damaged)?;
                let data = Version::from_bytes(&header, old).object();
                self.put_prepared(coll, id, data, header.ttl)?;
            }
        }
        self.unfreeze()
    }

    fn unfreeze(&mut self) -> Result<(), ModelError> {
        let scope = self.scope();
        for coll in FROZEN {
            for (id, _) in self.in_force(coll)? {
                let row = keys::system::in_force(scope, coll, id);
                self.system_set(&row, None, Stamps::new());
            }
        }
        self.system_set(&keys::system::staged(scope), None, Stamps::new());
        self.staging = None;
        self.touch_schema();
        Ok(())
    }

    /// The definition of a collection is deleted: what it had is given back, unless it is still in force.
    pub(crate) fn discard_definition(
        &mut self,
        id: DocId,
        before: &Bytes,
    ) -> Result<(), ModelError> {
        let in_force = match self.is_staged() {
            true => self
                .schema()
                .collection(CollId(id.0.max(0) as u64))
                .cloned(),
            false => None,
        };
        match in_force {
            None => self.discard_collection(id, before),
            Some(in_force) => {
                self.discard_indexes_of(&loaded(id, before)?, &in_force);
                Ok(())
            }
        }
    }

    /// Gives back the indexes of `old` that `new` does without.
    fn discard_indexes_of(&mut self, old: &Collection, new: &Collection) {
        for index in &old.backing {
            if new.backing_index(index.id).is_none() {
                self.discard_index(index.id);
            }
        }
    }

    /// The documents of a native collection, as they are stored, own writes included.
    fn stored_definitions(&mut self, coll: CollId) -> Result<Vec<(DocId, Bytes)>, ModelError> {
        let start = keys::collection(self.scope(), coll).to_vec();
        let end = keys::successor(&start);
        let mut cursor = self.walk(Table::Documents, (start, end), false);
        let mut found = Vec::new();
        while let Some((key, value)) = cursor.next(self)? {
            found.extend(keys::document_id(&key).map(|id| (id, value)));
        }
        Ok(found)
    }

    /// The documents of a native collection that are in force while others are staged.
    fn in_force(&mut self, coll: CollId) -> Result<Vec<(DocId, Bytes)>, ModelError> {
        let (start, end) = keys::system::all_in_force(self.scope(), coll);
        let mut cursor = self.walk(Table::System, (start, end), false);
        let mut found = Vec::new();
        while let Some((key, value)) = cursor.next(self)? {
            found.extend(keys::system::in_force_id(&key).map(|id| (id, value)));
        }
        Ok(found)
    }

    /// The decoded documents of a native collection that are in force while others are staged.
    pub(crate) fn versions_in_force(
        &mut self,
        coll: CollId,
    ) -> Result<Vec<(DocId, Arc<Version>)>, ModelError> {
        let mut found = Vec::new();
        for (id, bytes) in self.in_force(coll)? {
            let header = Header::read(&bytes).ok_or_else(txn::damaged)?;
            found.push((id, Arc::new(Version::from_bytes(&header, bytes))));
        }
        Ok(found)
    }

    /// Changes the row that is in force for a collection as `change` says, if there is one.
    pub(crate) fn note_in_force(
        &mut self,
        coll: CollId,
        change: &impl Fn(&mut BackingIndex),
    ) -> Result<(), ModelError> {
        let id = DocId(coll.0 as i64);
        let key = keys::system::in_force(self.scope(), native::COLLECTION, id);
        let Some(bytes) = self.system_get(key.clone())? else {
            return Ok(());
        };
        let header = Header::read(&bytes).ok_or_else(txn::damaged)?;
        let fields = Version::from_bytes(&header, bytes).object();
        let data = super::definitions::noted(id, &header, &fields, change);
        let (mut value, _) = version::encode(&data, header.ttl, header.level)?;
        value.splice(..8, keys::time_bytes(header.ts.unwrap_or_default()));
        self.system_set(&key, Some(value), Stamps::new());
        Ok(())
    }

    /// The physical indexes of a collection that only the staged schema has, each with the definition it belongs to.
    pub(crate) fn staged_indexes_of(
        &self,
        collection: &Arc<Collection>,
    ) -> Vec<(Arc<Collection>, Arc<BackingIndex>)> {
        let Some(staged) = staged_of(self.schema(), collection) else {
            return Vec::new();
        };
        let new = only_staged(collection, staged);
        new.map(|index| (staged.clone(), index.clone())).collect()
    }

    /// Keeps the indexes that only the staged schema has, when a document is written. A document that cannot be
    /// indexed, or is not unique, is a fault of the staged schema, not of the write.
    pub(crate) fn index_staged(
        &mut self,
        collection: &Arc<Collection>,
        id: DocId,
        before: Option<&Bytes>,
        after: Option<&IndexedDocument<'_>>,
    ) -> Result<(), ModelError> {
        let schema = self.schema().clone();
        let Some(staged) = staged_of(&schema, collection).cloned() else {
            return Ok(());
        };
        let before = match before {
            Some(bytes) => {
                let header = Header::read(bytes).ok_or_else(txn::damaged)?;
                let version = txn::decode(&staged, &header, bytes.clone());
                Some((header, version.object()))
            }
            None => None,
        };
        let further = staged.migrations.get(collection.migrations.len()..);
        let after = after.map(|document| {
            let data = (**document.data).clone();
            (
                document,
                Arc::new(migrated(data, further.unwrap_or_default())),
            )
        });
        let after = after
            .as_ref()
            .map(|(document, data)| IndexedDocument { data, ..**document });
        let computed = self.model.computed_fields();
        let (mut failed, mut violated): (Vec<IndexId>, Vec<IndexId>) = Default::default();
        for index in only_staged(collection, &staged) {
            if index.status == IndexStatus::Failed {
                continue;
            }
            let entries = Entries {
                schema: schema.latest(),
                computed: computed.as_deref(),
                bindings: None,
                collection: &staged,
                index: Physical::Own(index),
            };
            match self.index_one(&entries, id, before.as_ref(), after.as_ref()) {
                Ok(conflicts) if conflicts > 0 && !index.violated => violated.push(index.id),
                Ok(_) => {}
                Err(error @ (ModelError::Store(_) | ModelError::Corrupt(_))) => return Err(error),
                Err(_) => failed.push(index.id),
            }
        }
        if !failed.is_empty() || !violated.is_empty() {
            for index in &failed {
                self.discard_index(*index);
            }
            self.note_statuses(collection.id, |index| {
                index.violated |= violated.contains(&index.id);
                if failed.contains(&index.id) {
                    index.status = IndexStatus::Failed;
                }
            })?;
        }
        Ok(())
    }
}

/// The staged definition of a collection in force.
fn staged_of<'a>(schema: &'a Schema, collection: &Collection) -> Option<&'a Arc<Collection>> {
    let staged = schema.staged()?;
    match collection.is_native() {
        true => None,
        false => staged.collection(collection.id),
    }
}

/// The physical indexes that only the staged definition has.
fn only_staged<'a>(
    in_force: &'a Collection,
    staged: &'a Collection,
) -> impl Iterator<Item = &'a Arc<BackingIndex>> {
    let new = |index: &&Arc<BackingIndex>| in_force.backing_index(index.id).is_none();
    staged.backing.iter().filter(new)
}

fn loaded(id: DocId, bytes: &Bytes) -> Result<Collection, ModelError> {
    let header = Header::read(bytes).ok_or_else(txn::damaged)?;
    let fields = Version::from_bytes(&header, bytes.clone()).object();
    Ok(load(id, fields, header.ts.unwrap_or_default()))
}
