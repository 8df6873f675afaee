//! The tree of databases, and what is looked up across it: parents, global ids, owners of keys.
//!
//! A child database is a document of its parent's `Database` collection, with the hidden field `scope` and the public
//! `global_id`. The system table leads back: from a scope to its parent, from a global id to its scope, from a key id
//! to the scopes that hold a key of that id.

use super::bytes::Stamps;
use super::native;
use super::overlay::Pending;
use super::txn::{self, Txn};
use super::version::Header;
use super::{IndexBounds, ModelError, Version, keys};
use crate::store::{Bytes, Stamp, StampPlace, Table};
use crate::value::{CollId, DocId, IndexId, Object, ScopeId, Value, order};
use smallvec::smallvec;
use std::sync::Arc;

/// Database documents from the topmost child down: the parent's scope, the id there, the document.
pub type DatabasePath = Vec<(ScopeId, DocId, Arc<Version>)>;

impl Txn {
    /// The document of that name in a named native collection.
    pub fn by_name(
        &mut self,
        coll: CollId,
        name: &str,
        at: Option<crate::store::TxnTime>,
    ) -> Result<Option<DocId>, ModelError> {
        let Some(index) = name_index(coll) else {
            return Ok(None);
        };
        Ok(self
            .native_lookup(coll, index, &Value::string(name), at)?
            .into_iter()
            .next())
    }

    /// The live documents of a native collection with a value in a native index of one term.
    pub fn native_lookup(
        &mut self,
        coll: CollId,
        index: IndexId,
        term: &Value,
        at: Option<crate::store::TxnTime>,
    ) -> Result<Vec<DocId>, ModelError> {
        let mut cursor = self.index_scan(
            coll,
            index,
            std::slice::from_ref(term),
            &IndexBounds::all(),
            false,
            at,
        );
        let mut found = Vec::new();
        while let Some(entry) = cursor.next(self)? {
            found.push(entry.doc);
        }
        Ok(found)
    }

    /// The parent of a database and the id of its document there; `None` for the topmost and for unknown ones.
    pub fn parent_of(&mut self, scope: ScopeId) -> Result<Option<(ScopeId, DocId)>, ModelError> {
        let value = self.system_get(keys::system::parent(scope))?;
        Ok(value.and_then(|value| Some((ScopeId(keys::number(&value)?), keys::id_at(&value, 8)?))))
    }

    /// The database documents from the topmost child down to `scope`; empty for the topmost database itself, `None` if
    /// one of them is not there any more.
    pub fn database_path(&mut self, scope: ScopeId) -> Result<Option<DatabasePath>, ModelError> {
        let mut path = Vec::new();
        let mut current = scope;
        while current != keys::ROOT {
            let Some((parent, id)) = self.parent_of(current)? else {
                return Ok(None);
            };
            let Some(version) =
                self.with_scope(parent, |txn| txn.get(native::DATABASE, id, None))??
            else {
                return Ok(None);
            };
            path.push((parent, id, version));
            current = parent;
        }
        path.reverse();
        Ok(Some(path))
    }

    /// The scope of the database with a global id; 0 is the topmost.
    pub fn scope_of_global_id(&mut self, global_id: u64) -> Result<Option<ScopeId>, ModelError> {
        if global_id == 0 {
            return Ok(Some(keys::ROOT));
        }
        let value = self.system_get(keys::system::global_id(global_id))?;
        Ok(value.and_then(|value| keys::number(&value)).map(ScopeId))
    }

    /// The databases that hold a key of that id.
    pub fn key_owners(&mut self, id: DocId) -> Result<Vec<ScopeId>, ModelError> {
        let mut cursor = self.walk(Table::System, keys::system::key_owners(id), false);
        let mut found = Vec::new();
        while let Some((key, _)) = cursor.next(self)? {
            found.extend(keys::system::owner_of(&key));
        }
        Ok(found)
    }

    /// A fresh collection id of this database.
    pub fn new_collection_id(&mut self) -> Result<CollId, ModelError> {
        let key = keys::system::next_collection(self.scope());
        Ok(CollId(self.count(key, native::FIRST_USER_COLLECTION)?))
    }

    pub(crate) fn new_index_id(&mut self) -> Result<IndexId, ModelError> {
        let key = keys::system::next_index(self.scope());
        Ok(IndexId(self.count(key, native::FIRST_USER_INDEX)?))
    }

    fn count(&mut self, key: Vec<u8>, first: u64) -> Result<u64, ModelError> {
        let next = match self.system_get(key.clone())? {
            Some(value) => keys::number(&value).unwrap_or(first).saturating_add(1),
            None => first,
        };
        self.system_set(&key, Some(next.to_be_bytes().to_vec()), Stamps::new());
        Ok(next)
    }

    pub(crate) fn system_get(&mut self, key: Vec<u8>) -> Result<Option<Bytes>, ModelError> {
        if let Some(pending) = self.overlay.get(Table::System, &key) {
            return Ok(pending.value.clone());
        }
        if self.is_dropped(&key) {
            return Ok(None);
        }
        let value = self.snapshot.get(Table::System, &key)?;
        self.reads.point(Table::System, key);
        Ok(value)
    }

    pub(crate) fn system_set(&mut self, key: &[u8], value: Option<Vec<u8>>, stamps: Stamps) {
        self.overlay.set(
            Table::System,
            key,
            Pending {
                value: value.map(Into::into),
                stamps,
                base: None,
            },
        );
        self.bump_epoch();
    }

    /// Whether the transaction writes the schema of its database.
    pub fn changes_schema(&self) -> bool {
        self.overlay
            .get(Table::System, &keys::system::schema_version(self.scope()))
            .is_some()
    }

    /// The next query of this database sees a new schema version.
    pub(crate) fn touch_schema(&mut self) {
        self.touch_schema_of(self.scope());
    }

    fn touch_schema_of(&mut self, scope: ScopeId) {
        let stamps: Stamps = smallvec![Stamp {
            place: StampPlace::Value,
            offset: 0,
            inverted: false
        }];
        let key = keys::system::schema_version(scope);
        self.system_set(&key, Some(keys::PENDING.to_vec()), stamps);
    }

    pub(crate) fn register_key(&mut self, id: DocId, present: bool) {
        let key = keys::system::key_owner(id, self.scope());
        self.system_set(&key, present.then(Vec::new), Stamps::new());
    }

    /// Keeps the lookups of a child database; drops its contents with its document.
    pub(crate) fn register_database(
        &mut self,
        id: DocId,
        before: Option<Bytes>,
        after: Option<&Arc<Object>>,
    ) -> Result<(), ModelError> {
        let before = match before {
            Some(bytes) => {
                let header = Header::read(&bytes).ok_or_else(txn::damaged)?;
                Some(Version::from_bytes(&header, bytes).object())
            }
            None => None,
        };
        let old = before.as_deref().map(database_ids).unwrap_or_default();
        let new = after.map(|data| database_ids(data)).unwrap_or_default();
        // Children belong to the schema by name, their settings to their own (`spec http-api 5.4`).
        let name = |data: &Object| data.get("name").cloned();
        let (old_name, new_name) = (before.as_deref().map(name), after.map(|data| name(data)));
        let renamed = match (&old_name, &new_name) {
            (Some(Some(old)), Some(Some(new))) => !order::same(old, new),
            _ => true,
        };
        if renamed {
            self.touch_schema();
        }
        if let (true, Some(scope)) = (before.is_some(), new.0) {
            self.touch_schema_of(scope);
        }
        if old == new {
            return Ok(());
        }
        if let Some(scope) = old.0 {
            self.system_set(&keys::system::parent(scope), None, Stamps::new());
            if new.0 != Some(scope) {
                self.drop_scope(scope)?;
            }
        }
        if let Some(global_id) = old.1 {
            self.system_set(&keys::system::global_id(global_id), None, Stamps::new());
        }
        if let Some(scope) = new.0 {
            let mut parent = self.scope().0.to_be_bytes().to_vec();
            parent.extend_from_slice(&keys::id_bytes(id));
            self.system_set(&keys::system::parent(scope), Some(parent), Stamps::new());
            if let Some(global_id) = new.1 {
                let value = scope.0.to_be_bytes().to_vec();
                self.system_set(
                    &keys::system::global_id(global_id),
                    Some(value),
                    Stamps::new(),
                );
            }
        }
        Ok(())
    }

    /// Deletes the contents of a database and of all databases below it. Its own document is the caller's to delete
    /// (which calls this).
    pub fn drop_scope(&mut self, scope: ScopeId) -> Result<(), ModelError> {
        if self.dropped.contains(&scope) || scope == keys::ROOT || scope == keys::GLOBAL {
            return Ok(());
        }
        let (children, keys_held) = self.with_scope(scope, |txn| -> Result<_, ModelError> {
            Ok((
                txn.raw_documents(native::DATABASE)?,
                txn.raw_documents(native::KEY)?,
            ))
        })??;
        for (_, version) in children {
            let (child, global_id) = database_ids(&version.object());
            if let Some(child) = child {
                self.drop_scope(child)?;
                self.system_set(&keys::system::parent(child), None, Stamps::new());
            }
            if let Some(global_id) = global_id {
                self.system_set(&keys::system::global_id(global_id), None, Stamps::new());
            }
        }
        for (id, _) in keys_held {
            self.system_set(&keys::system::key_owner(id, scope), None, Stamps::new());
        }
        let (start, end) = keys::scope_range(scope);
        for table in Table::ALL {
            self.overlay.forget_range(table, &start, &end);
        }
        self.dropped.push(scope);
        self.clear_cache();
        self.bump_epoch();
        Ok(())
    }

    /// Every stored document of a native collection, expired ones included.
    fn raw_documents(&mut self, coll: CollId) -> Result<Vec<(DocId, Version)>, ModelError> {
        let start = keys::collection(self.scope(), coll).to_vec();
        let end = keys::successor(&start);
        let mut cursor = self.walk(Table::Documents, (start, end), false);
        let mut found = Vec::new();
        while let Some((key, value)) = cursor.next(self)? {
            let Some(id) = keys::document_id(&key) else {
                continue;
            };
            let header = Header::read(&value).ok_or_else(txn::damaged)?;
            found.push((id, Version::from_bytes(&header, value)));
        }
        Ok(found)
    }
}

/// The index by name of a named native collection.
fn name_index(coll: CollId) -> Option<IndexId> {
    let native = native::by_id(coll).filter(|native| native.named)?;
    native
        .indexes
        .iter()
        .find(|index| index.terms == ["name"])
        .map(|index| index.id)
}

/// Scope and global id in a database document.
fn database_ids(data: &Object) -> (Option<ScopeId>, Option<u64>) {
    let number = |name| match data.get(name) {
        Some(Value::Long(n) | Value::Id(n)) => Some(*n as u64),
        Some(Value::Int(n)) => u64::try_from(*n).ok(),
        _ => None,
    };
    (number("scope").map(ScopeId), number("global_id"))
}
