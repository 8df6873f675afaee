//! Databases, collections, documents and indexes over the store.
//!
//! A [`Model`] is what all queries of an engine share: the store, the clock, fresh ids, cached schemas. A [`Txn`] is
//! one query's view: an immutable snapshot, the query's own writes over it, and a log of what it read:
//!
//! ```text
//! Model::begin(scope) ──▶ Txn ──get, by_name, scan, index_scan──▶ Version, IndexEntry
//!                          │ ──put, delete, drop_scope──▶ overlay of pending writes, every index maintained
//!                          └──into_commit──▶ Commit { reads, writes } ──Store::commit──▶ TxnTime, or contention
//! ```
//!
//! Rules of the room:
//! - Everything is a document: databases, definitions and keys too. What a write does to indexes, history and
//!   unique constraints happens in one place ([`Txn::put`]), for all of them.
//! - Current versions and index entries have tables of their own; what a commit supersedes moves to the history
//!   tables in that same commit, so that every set can be read as of a past time. [`Model::maintain`] purges it by age.
//! - A cursor never borrows its transaction; it stands behind the last element it gave.
//! - Nothing here evaluates expressions. Computed fields that are indexed come from the [`ComputedFields`] that the
//!   engine installs.
//!
//! The layout of keys is in [`keys`], that of a version in [`version`].

mod build;
mod bytes;
mod changes;
mod cursor;
mod databases;
mod definitions;
mod entries;
mod history;
mod ids;
mod index_scan;
pub mod keys;
mod legacy_entries;
mod legacy_indexes;
mod legacy_scan;
mod maintain;
pub mod native;
mod overlay;
mod range;
mod read_log;
mod scan;
pub mod schema;
mod sources;
mod staged;
pub(crate) mod stored_size;
mod txn;
mod upgrade;
pub mod version;
mod write;

pub use changes::{ChangeCursor, document_touched, documents_changed, index_touched};
pub use databases::DatabasePath;
pub use history::{EntryEvent, VersionEvent};
pub use ids::IdGenerator;
pub use index_scan::{IndexCursor, IndexEntry};
pub use legacy_scan::{LegacyBounds, LegacyCursor, LegacyEntry, LegacyEvent};
pub use maintain::Maintained;
pub use range::{IndexBounds, RangeError, id_bound, parse_range};
pub use scan::ScanCursor;
pub use sources::StoredFile;

pub use txn::{MAX_TRANSACTION, Txn, TxnStats};
pub use version::Version;
pub use write::{Conflict, PutOutcome};

use crate::store::{Bytes, Clock, Entry, Snapshot, Store, StoreError, Table, TxnTime};
use crate::value::codec::{Corrupt, NotStorable};
use crate::value::key::KeyCodec;
use crate::value::{CollId, DocId, Object, ScopeId, Time, Value};
use parking_lot::{Mutex, RwLock};
use schema::{Collection, Definition, Schema};
use std::collections::HashMap;
use std::sync::Arc;

/// Why the model could not do something.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The store failed, or the transaction must run again.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// One version of a document is too large.
    #[error("Version bytes ({0}) exceeds threshold (8388608)")]
    VersionTooLarge(u64),
    /// One index entry is too large.
    #[error("Key bytes ({0}) exceeds threshold (64000)")]
    KeyTooLarge(u64),
    /// The transaction writes too much.
    #[error("Transaction exceeded limit: got {0} bytes, limit 16777216 bytes")]
    TransactionTooLarge(u64),
    /// A read at a time whose history may be gone.
    #[error("Requested timestamp {} less than minimum allowed timestamp {}.", Time::from(*requested), Time::from(*minimum))]
    BeforeHistory {
        /// The time asked for.
        requested: TxnTime,
        /// The earliest that is readable.
        minimum: TxnTime,
    },
    /// The data holds something that cannot be stored.
    #[error(transparent)]
    NotStorable(#[from] NotStorable),
    /// A stored value cannot be read.
    #[error("the database is damaged: {0}")]
    Corrupt(String),
}

impl From<Corrupt> for ModelError {
    fn from(corrupt: Corrupt) -> ModelError {
        ModelError::Corrupt(corrupt.to_string())
    }
}

/// Evaluates computed fields that indexes and unique constraints are over.
pub trait ComputedFields: Send + Sync {
    /// The value of a computed field of a document; `None` if it is null, fails, or needs more than the document.
    fn evaluate(
        &self,
        schema: &Schema,
        collection: &Collection,
        document: &IndexedDocument<'_>,
        field: &str,
    ) -> Option<Value>;
}

/// Evaluates bindings of indexes of FQL v4.
pub trait LegacyBindings: Send + Sync {
    /// The value of a binding, a stored query, for a document; `None` if it fails or needs more than the document.
    fn evaluate(
        &self,
        scope: ScopeId,
        collection: &Collection,
        document: &IndexedDocument<'_>,
        query: &Value,
    ) -> Option<Value>;
}

/// A document as an index sees it.
#[derive(Clone, Copy, Debug)]
pub struct IndexedDocument<'a> {
    /// Its id.
    pub id: DocId,
    /// Its commit time; `None`: this transaction's.
    pub ts: Option<TxnTime>,
    /// When it expires.
    pub ttl: Option<Time>,
    /// Its user data.
    pub data: &'a Arc<Object>,
}

/// What the queries of one engine share.
pub struct Model {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    ids: IdGenerator,
    codec: KeyCodec,
    computed: RwLock<Option<Arc<dyn ComputedFields>>>,
    bindings: RwLock<Option<Arc<dyn LegacyBindings>>>,
    schemas: Mutex<HashMap<ScopeId, CachedSchema>>,
    sweeps: Mutex<maintain::Sweeps>,
}

/// Databases whose schemas are kept; more than that, and the cache starts over.
const CACHED_SCHEMAS: usize = 1024;

/// The schema of a database.
#[derive(Clone)]
struct CachedSchema {
    schema: Arc<Schema>,
    /// The newest snapshot in which it was found to be current.
    seen: TxnTime,
}

impl Model {
    /// The model over a store.
    pub fn open(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Result<Arc<Model>, ModelError> {
        Ok(Arc::new(Model {
            store,
            clock,
            ids: IdGenerator::default(),
            codec: KeyCodec::new(),
            computed: RwLock::new(None),
            bindings: RwLock::new(None),
            schemas: Mutex::new(HashMap::new()),
            sweeps: Mutex::new(maintain::Sweeps::default()),
        }))
    }

    /// Installs the evaluator of computed fields.
    pub fn set_computed_fields(&self, computed: Arc<dyn ComputedFields>) {
        *self.computed.write() = Some(computed);
    }

    pub(crate) fn computed_fields(&self) -> Option<Arc<dyn ComputedFields>> {
        self.computed.read().clone()
    }

    /// Installs the evaluator of bindings of indexes of FQL v4.
    pub fn set_legacy_bindings(&self, bindings: Arc<dyn LegacyBindings>) {
        *self.bindings.write() = Some(bindings);
    }

    pub(crate) fn legacy_bindings(&self) -> Option<Arc<dyn LegacyBindings>> {
        self.bindings.read().clone()
    }

    /// The codec of index keys, and with it the collation.
    pub fn key_codec(&self) -> &KeyCodec {
        &self.codec
    }

    /// The store below.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The wall clock's time.
    pub fn now(&self) -> TxnTime {
        TxnTime(self.clock.now_micros())
    }

    /// A fresh snowflake id.
    pub fn new_id(&self) -> DocId {
        self.ids.next(self.now())
    }

    /// A transaction in a database, over the newest committed state.
    pub fn begin(self: &Arc<Self>, scope: ScopeId) -> Result<Txn, ModelError> {
        // The clock first: see `Store::snapshot_at`.
        let (snapshot, time) = self.store.snapshot_at(self.now())?;
        let schema = self.schema_of(scope, &snapshot)?;
        Ok(Txn::new(self.clone(), snapshot, time, scope, schema))
    }

    /// The schema of a database in a snapshot, from the cache if it has not changed.
    pub(crate) fn schema_of(
        &self,
        scope: ScopeId,
        snapshot: &Arc<dyn Snapshot>,
    ) -> Result<Arc<Schema>, ModelError> {
        let time = snapshot.time();
        let known = self.schemas.lock().get(&scope).cloned();
        if let Some(known) = &known
            && known.seen == time
        {
            return Ok(known.schema.clone());
        }
        let version = match snapshot.get(Table::System, &keys::system::schema_version(scope))? {
            Some(bytes) => keys::time_at(&bytes, 0).unwrap_or_default(),
            None => TxnTime(0),
        };
        let schema = match known.map(|known| known.schema) {
            Some(schema) if schema.version == version.0 => schema,
            known => {
                let now = self.now().max(time);
                Arc::new(load_schema(
                    scope,
                    version.0,
                    snapshot,
                    now,
                    known.as_deref(),
                )?)
            }
        };
        let mut cache = self.schemas.lock();
        if cache.len() >= CACHED_SCHEMAS {
            cache.clear();
        }
        // An older snapshot must not displace a newer schema.
        if cache.get(&scope).is_none_or(|known| known.seen <= time) {
            cache.insert(
                scope,
                CachedSchema {
                    schema: schema.clone(),
                    seen: time,
                },
            );
        }
        Ok(schema)
    }
}

/// The schema of a database, and what is staged beside it. Parsed texts are taken over from `known`.
fn load_schema(
    scope: ScopeId,
    version: i64,
    snapshot: &Arc<dyn Snapshot>,
    now: TxnTime,
    known: Option<&Schema>,
) -> Result<Schema, ModelError> {
    let definitions = load_definitions(scope, snapshot, now)?;
    if snapshot
        .get(Table::System, &keys::system::staged(scope))?
        .is_none()
    {
        let known = known.map(Schema::latest);
        return Ok(Schema::load(version, definitions, known));
    }
    let mut in_force = load_in_force(scope, snapshot, now)?;
    let others = definitions.iter();
    let others = others.filter(|definition| !staged::FROZEN.contains(&definition.coll));
    in_force.extend(others.cloned());
    let staged = Schema::load(version, definitions, known.map(Schema::latest));
    Ok(Schema::load(version, in_force, known).with_staged(staged))
}

/// Appends a value to an index key, so that the bytes sort as the values do. What cannot be indexed counts as null.
pub fn encode_term(codec: &KeyCodec, value: &Value, descending: bool, out: &mut Vec<u8>) {
    bytes::encode_key(codec, value, descending, out, &mut bytes::Stamps::new());
}

/// Live definition documents of a database.
fn load_definitions(
    scope: ScopeId,
    snapshot: &Arc<dyn Snapshot>,
    now: TxnTime,
) -> Result<Vec<Definition>, ModelError> {
    let mut definitions = Vec::new();
    for collection in native::collections().iter().filter(|c| is_definition(c.id)) {
        let start = keys::collection(scope, collection.id).to_vec();
        let end = keys::successor(&start);
        for entry in rows(snapshot, Table::Documents, &start, &end)? {
            let (key, value) = entry?;
            let id = keys::document_id(&key);
            definitions.extend(definition(collection, id, value, now)?);
        }
    }
    Ok(definitions)
}

/// The definitions that are in force while others are staged.
fn load_in_force(
    scope: ScopeId,
    snapshot: &Arc<dyn Snapshot>,
    now: TxnTime,
) -> Result<Vec<Definition>, ModelError> {
    let mut definitions = Vec::new();
    for collection in native::collections().iter().filter(|c| is_definition(c.id)) {
        let (start, end) = keys::system::all_in_force(scope, collection.id);
        for entry in rows(snapshot, Table::System, &start, &end)? {
            let (key, value) = entry?;
            let id = keys::system::in_force_id(&key);
            definitions.extend(definition(collection, id, value, now)?);
        }
    }
    Ok(definitions)
}

fn rows<'a>(
    snapshot: &'a Arc<dyn Snapshot>,
    table: Table,
    start: &[u8],
    end: &[u8],
) -> Result<impl Iterator<Item = Result<Entry, StoreError>> + 'a, StoreError> {
    use std::ops::Bound::{Excluded, Included};
    snapshot.range(table, Included(start), Excluded(end), false)
}

fn definition(
    collection: &Collection,
    id: Option<DocId>,
    value: Bytes,
    now: TxnTime,
) -> Result<Option<Definition>, ModelError> {
    let (Some(id), Some(version)) = (id, txn::decode_live(collection, now.into(), value)?) else {
        return Ok(None);
    };
    Ok(Some(Definition {
        coll: collection.id,
        id,
        fields: version.object(),
        ts: version.ts.unwrap_or_default(),
    }))
}

/// Whether documents of a collection say what the schema of their database is.
fn is_definition(coll: CollId) -> bool {
    is_schema(coll) && coll != native::SCHEMA_SOURCE
}

/// Whether documents of a collection make up the schema of their database.
pub fn is_schema(coll: CollId) -> bool {
    native::by_id(coll).is_some_and(|native| native.schema && coll != native::DATABASE)
}

#[cfg(test)]
mod tests;
