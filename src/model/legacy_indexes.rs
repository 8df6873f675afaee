//! What the definition of an index of FQL v4 entails in storage.
//!
//! Such an index may be defined and documents written in one query, so that a transaction maintains from then on what
//! it has defined itself. What its sources hold already is indexed at once if that is little, else in the background,
//! source after source; reads find the index when it is `active`. Indexes over a deleted collection and no other go with
//! it; of the others its entries are given back.

use super::build::{self, Unique};
use super::bytes::Stamps;
use super::legacy_entries::Physical;
use super::schema::{Definition, IndexStatus, LegacyIndex};
use super::txn::{self, Txn};
use super::version::{self, Header, Version};
use super::{Model, ModelError, keys, maintain, native};
use crate::store::{Bytes, Table};
use crate::value::{CollId, DocId, IndexId, Object, Value};
use std::sync::Arc;

impl Txn {
    /// Indexes of FQL v4 that this transaction has defined in its database: no part of its schema.
    pub(crate) fn own_legacy_indexes(&self) -> Vec<Arc<LegacyIndex>> {
        let scope = self.scope();
        let own = self.defined_legacy.iter();
        own.filter(|(of, _)| *of == scope)
            .map(|(_, index)| index.clone())
            .collect()
    }

    /// A fresh id for an index of FQL v4: its document has the same.
    pub fn new_legacy_index_id(&mut self) -> Result<DocId, ModelError> {
        Ok(DocId(self.new_index_id()?.0 as i64))
    }

    /// The document of an index as it is stored: with its build status, and built if there is little to index.
    pub(crate) fn prepare_legacy_index(
        &mut self,
        id: DocId,
        data: &Arc<Object>,
        before: Option<&Bytes>,
    ) -> Result<Arc<Object>, ModelError> {
        let mut fields = (**data).clone();
        if let Some(before) = before {
            let header = Header::read(before).ok_or_else(txn::damaged)?;
            let old = Version::from_bytes(&header, before.clone()).object();
            // Once active, always active.
            if is_true(&old, "active") {
                fields.insert("active", Value::Bool(true));
            }
            match old.get("backing") {
                Some(value) => fields.insert("backing", value.clone()),
                None => fields.remove("backing"),
            };
            let fields = Arc::new(fields);
            let own = self.defined_legacy.iter_mut();
            for (_, index) in own.filter(|(_, index)| index.id.0 as i64 == id.0) {
                *index = Arc::new(loaded(id, fields.clone()));
            }
            return Ok(fields);
        }
        let sources = self.legacy_sources(&loaded(id, Arc::new(fields.clone())));
        let small = self.are_small(&sources)?;
        let status = match small {
            true => IndexStatus::Complete,
            false => IndexStatus::Building,
        };
        // Whoever says so may read an index that is not built.
        let active = small || is_true(data, "active");
        fields.insert("active", Value::Bool(active));
        fields.insert("backing", Value::string(status.name()));
        let fields = Arc::new(fields);
        let index = Arc::new(loaded(id, fields.clone()));
        self.defined_indexes += 1;
        if small {
            for coll in sources {
                if let Some(collection) = self.known_collection(coll).cloned() {
                    build::build_now(self, &collection, Physical::Legacy(&index))?;
                }
            }
        } else if let Some(first) = sources.first() {
            let key = keys::system::build(self.scope(), index.id);
            self.system_set(&key, Some(build::fresh_state(*first)), Stamps::new());
        }
        self.defined_legacy.push((self.scope(), index));
        Ok(fields)
    }

    /// The existing collections an index is over, by id.
    fn legacy_sources(&self, index: &LegacyIndex) -> Vec<CollId> {
        let (mut sources, all) = index.named_sources();
        if all {
            let known = self.schema().collections();
            sources.extend(known.into_iter().map(|known| known.id));
            sources.extend(self.own_collections());
            sources.sort_unstable();
            sources.dedup();
        }
        sources.retain(|coll| self.known_collection(*coll).is_some());
        sources
    }

    /// The entries of a deleted index are given back.
    pub(crate) fn discard_legacy_index(&mut self, id: DocId) {
        self.defined_legacy
            .retain(|(_, index)| index.id.0 as i64 != id.0);
        self.discard_index(IndexId(id.0.max(0) as u64));
    }

    /// What becomes of indexes over a collection that is deleted.
    pub(crate) fn discard_legacy_source(&mut self, coll: CollId) -> Result<(), ModelError> {
        let schema = self.schema().clone();
        let mut over = self.own_legacy_indexes();
        over.retain(|index| index.bindings(coll).is_some());
        over.extend_from_slice(schema.legacy_indexes_of(coll));
        for index in over {
            if index.is_only_over(coll) {
                self.delete(native::LEGACY_INDEX, DocId(index.id.0 as i64))?;
                continue;
            }
            for table in [Table::Index, Table::IndexHistory] {
                maintain::discard_entries(self, table, index.id, coll);
            }
        }
        Ok(())
    }

    /// Replaces a document without making a new version: the system has only noted how far something is.
    pub(crate) fn replace_in_place(
        &mut self,
        coll: CollId,
        id: DocId,
        change: impl FnOnce(&Header, &Arc<Object>) -> Object,
    ) -> Result<(), ModelError> {
        let key = keys::document(self.scope(), coll, id);
        let Some(bytes) = self.current(&key)? else {
            return Ok(());
        };
        let header = Header::read(&bytes).ok_or_else(txn::damaged)?;
        let data = change(&header, &Version::from_bytes(&header, bytes).object());
        let (mut value, mut stamps) = version::encode(&data, header.ttl, header.level)?;
        if let Some(ts) = header.ts {
            value.splice(..8, keys::time_bytes(ts));
            stamps.retain(|stamp| stamp.offset != 0);
        }
        let pending = super::overlay::Pending {
            value: Some(value.into()),
            stamps,
            base: None,
        };
        self.overlay.set(Table::Documents, &key, pending);
        self.forget_cached(coll, id);
        self.touch_schema();
        Ok(())
    }

    /// Notes how the building of an index has ended.
    fn end_legacy_build(&mut self, id: IndexId, status: IndexStatus) -> Result<(), ModelError> {
        if status == IndexStatus::Failed {
            self.discard_index(id);
        }
        let key = keys::system::build(self.scope(), id);
        self.system_set(&key, None, Stamps::new());
        let doc = DocId(id.0 as i64);
        self.replace_in_place(native::LEGACY_INDEX, doc, |_, fields| {
            let mut fields = (**fields).clone();
            fields.insert("active", Value::Bool(status == IndexStatus::Complete));
            fields.insert("backing", Value::string(status.name()));
            fields
        })
    }
}

impl Model {
    /// Indexes the next documents of the sources of an index, from the collection and document reached on.
    pub(super) fn build_legacy_step(
        self: &Arc<Self>,
        txn: &mut Txn,
        index: &LegacyIndex,
        coll: CollId,
        done: Option<DocId>,
    ) -> Result<(), ModelError> {
        let sources = txn.legacy_sources(index);
        let next = |sources: &[CollId], from: CollId| sources.iter().copied().find(|c| *c >= from);
        let current =
            next(&sources, coll).and_then(|current| txn.schema().collection(current).cloned());
        let Some(collection) = current else {
            return txn.end_legacy_build(index.id, IndexStatus::Complete);
        };
        let done = done.filter(|_| collection.id == coll);
        let physical = Physical::Legacy(index);
        let mut unique = Unique::Kept;
        let state = match self.build_batch(txn, &collection, physical, done, &mut unique)? {
            Some(done) => build::state(collection.id, done),
            None => match next(&sources, CollId(collection.id.0.saturating_add(1))) {
                Some(following) => build::fresh_state(following),
                None => return txn.end_legacy_build(index.id, IndexStatus::Complete),
            },
        };
        let key = keys::system::build(txn.scope(), index.id);
        txn.system_set(&key, Some(state), Stamps::new());
        Ok(())
    }

    /// Gives up the building of an index.
    pub(super) fn fail_legacy_build(txn: &mut Txn, id: IndexId) -> Result<(), ModelError> {
        txn.end_legacy_build(id, IndexStatus::Failed)
    }
}

fn is_true(object: &Object, name: &str) -> bool {
    matches!(object.get(name), Some(Value::Bool(true)))
}

fn loaded(id: DocId, fields: Arc<Object>) -> LegacyIndex {
    LegacyIndex::load(&Definition {
        coll: native::LEGACY_INDEX,
        id,
        fields,
        ts: Default::default(),
    })
}
