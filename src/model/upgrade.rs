//! What has to be done to a file before its first query: it may be of an older program, or of one with another collation.
//!
//! The row `layout` of the system table says what the contents are written by: which version of this room's layout, and
//! the fingerprint of the collation that index keys are made with. A file that says otherwise is brought up to date
//! here, in bounded commits, before anybody else uses it; the row is written last, so that an interrupted upgrade
//! begins again. Everything done here may be done twice.

use super::build::{self, Chains};
use super::bytes::Stamps;
use super::cursor::RawCursor;
use super::legacy_entries::{Physical, physical};
use super::txn::Txn;
use super::version::Header;
use super::{Model, ModelError, keys};
use crate::store::{Bytes, Commit, Table, TxnTime, Write};
use crate::value::{CollId, ScopeId};
use std::sync::Arc;

/// The layout of this program: 1 had no change log.
const LAYOUT: u32 = 2;

/// Bytes of a commit of an upgrade.
const BATCH_BYTES: usize = 4 << 20;

/// What the contents of a file are written by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Layout {
    version: u32,
    collation: u64,
}

impl Layout {
    fn read(bytes: &[u8]) -> Option<Layout> {
        let version = u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?);
        let collation = u64::from_be_bytes(bytes.get(4..12)?.try_into().ok()?);
        Some(Layout { version, collation })
    }

    fn bytes(self) -> Vec<u8> {
        let mut bytes = self.version.to_be_bytes().to_vec();
        bytes.extend(self.collation.to_be_bytes());
        bytes
    }
}

impl Model {
    /// Brings the contents of the store up to date with this program. To be called before the first query of a store
    /// that outlives the process.
    pub fn upgrade(self: &Arc<Self>) -> Result<(), ModelError> {
        let now = self.layout();
        let snapshot = self.store().snapshot()?;
        let stored = snapshot.get(Table::System, &keys::system::layout())?;
        let stored = stored.as_deref().and_then(Layout::read);
        if stored == Some(now) {
            return Ok(());
        }
        match stored {
            // Newer layouts come with a newer file format, which the store refuses.
            Some(stored) if stored.collation == now.collation => {}
            Some(_) => self.rebuild_indexes()?,
            // A new file, or one of the first layout, all of which were written with one collation.
            None => self.rebuild_changes()?,
        }
        self.write_rows(vec![self.layout_row()])
    }

    fn layout(&self) -> Layout {
        Layout {
            version: LAYOUT,
            collation: self.key_codec().fingerprint(),
        }
    }

    /// The row that says what the contents are written by.
    pub(crate) fn layout_row(&self) -> Write {
        Write {
            table: Table::System,
            key: keys::system::layout(),
            value: Some(self.layout().bytes()),
            stamps: Stamps::new(),
        }
    }

    fn write_rows(&self, writes: Vec<Write>) -> Result<(), ModelError> {
        let snapshot = self.store().snapshot()?.time();
        self.store().commit(Commit {
            snapshot,
            writes,
            ..Commit::default()
        })?;
        Ok(())
    }

    /// Writes the change log, from the versions that there are.
    fn rebuild_changes(self: &Arc<Self>) -> Result<(), ModelError> {
        let mut txn = self.begin(keys::GLOBAL)?;
        let mut writes = Vec::new();
        for table in [Table::Documents, Table::History] {
            let mut rows = RawCursor::committed(table, Vec::new(), Vec::new(), false);
            while let Some((key, value)) = rows.next(&mut txn)? {
                if let Some(key) = change_of(table, &key, &value) {
                    writes.push(Write {
                        table: Table::Changes,
                        key: key.to_vec(),
                        value: Some(Vec::new()),
                        stamps: Stamps::new(),
                    });
                }
                if writes.len() * keys::HISTORY_KEY >= BATCH_BYTES {
                    self.write_rows(std::mem::take(&mut writes))?;
                }
            }
        }
        match writes.is_empty() {
            true => Ok(()),
            false => self.write_rows(writes),
        }
    }

    /// Writes every index anew: its keys were made with another collation.
    fn rebuild_indexes(self: &Arc<Self>) -> Result<(), ModelError> {
        let snapshot = self.store().snapshot()?.time();
        let all = |table| (table, Vec::new(), vec![0xff; 9]);
        self.store().commit(Commit {
            snapshot,
            clears: vec![all(Table::Index), all(Table::IndexHistory)],
            ..Commit::default()
        })?;
        let mut from = Vec::new();
        while let Some((scope, coll)) = self.next_collection(from)? {
            self.rebuild_collection(scope, coll)?;
            from = keys::successor(&keys::collection(scope, coll));
            if from.is_empty() {
                break;
            }
        }
        Ok(())
    }

    /// The next collection with versions.
    fn next_collection(
        self: &Arc<Self>,
        from: Vec<u8>,
    ) -> Result<Option<(ScopeId, CollId)>, ModelError> {
        let mut txn = self.begin(keys::GLOBAL)?;
        let mut first: Option<Bytes> = None;
        for table in [Table::Documents, Table::History] {
            let mut rows = RawCursor::committed(table, from.clone(), Vec::new(), false);
            if let Some((key, _)) = rows.next(&mut txn)?
                && first.as_ref().is_none_or(|known| key < *known)
            {
                first = Some(key);
            }
        }
        Ok(first.and_then(|key| Some((keys::scope_of(&key)?, keys::document_coll(&key)?))))
    }

    fn rebuild_collection(
        self: &Arc<Self>,
        scope: ScopeId,
        coll: CollId,
    ) -> Result<(), ModelError> {
        let mut txn = self.begin(scope)?;
        let Some(collection) = txn.schema().collection(coll).cloned() else {
            // Waits to be given back.
            return Ok(());
        };
        let staged = txn.staged_indexes_of(&collection);
        let only_staged = staged.iter().map(|(_, index)| index);
        for index in collection.backing.iter().chain(only_staged) {
            // A build that is under way begins again.
            let state = keys::system::build(scope, index.id);
            if txn.system_get(state.clone())?.is_some() {
                txn.system_set(&state, Some(build::fresh_state(coll)), Stamps::new());
            }
        }
        let schema = txn.schema().clone();
        let mut documents = Chains::new(&txn, coll, None).committed();
        while let Some((id, versions)) = documents.next(&mut txn)? {
            let indexes = physical(&schema, &collection, &[]).map(|index| (&collection, index));
            let staged = staged.iter();
            let staged = staged.map(|(collection, index)| (collection, Physical::Own(index)));
            for (collection, index) in indexes.chain(staged) {
                build::add_document(&mut txn, collection, index, id, &versions)?;
            }
            if txn.overlay.bytes() > BATCH_BYTES as u64 {
                txn = self.commit_and_go_on(txn)?;
            }
        }
        self.commit_and_go_on(txn)?;
        Ok(())
    }

    fn commit_and_go_on(self: &Arc<Self>, txn: Txn) -> Result<Txn, ModelError> {
        let scope = txn.scope();
        if let Some(commit) = txn.into_commit() {
            self.store().commit(commit)?;
        }
        self.begin(scope)
    }
}

/// The change that a row of documents or history tells of.
fn change_of(table: Table, key: &[u8], value: &[u8]) -> Option<[u8; keys::HISTORY_KEY]> {
    let ts: TxnTime = match table {
        Table::Documents => Header::read(value)?.ts?,
        _ => keys::inverted_time_at(key, keys::DOCUMENT_KEY)?,
    };
    let (scope, coll) = (keys::scope_of(key)?, keys::document_coll(key)?);
    Some(keys::change(scope, coll, ts, keys::document_id(key)?))
}
