//! A query's transaction: one snapshot, the query's own writes over it, and a log of what was read.

use super::cursor::RawCursor;
use super::legacy_entries::Physical;
use super::overlay::Overlay;
use super::read_log::ReadLog;
use super::scan::ScanCursor;
use super::schema::migrate::migrated;
use super::schema::{Collection, LegacyIndex, Schema};
use super::version::{Header, Version};
use super::{Model, ModelError, keys, native, stored_size};
use crate::FastMap;
use crate::store::{Bytes, Commit, Snapshot, Table, TxnTime};
use crate::value::{CollId, DocId, Object, PathPart, ScopeId, Time};
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::ops::Bound;
use std::sync::Arc;

/// The most bytes a transaction may write (`spec fql10-data 1.5`).
pub const MAX_TRANSACTION: u64 = 16_777_216;

/// Documents kept decoded for repeated reads; the cache starts over when it is full.
const CACHED_DOCUMENTS: usize = 1024;
const CACHED_BYTES: u64 = 16 << 20;

/// Documents whose definitions make up the text of the schema.
const DEFINITIONS: [CollId; 4] = [
    native::COLLECTION,
    native::FUNCTION,
    native::ROLE,
    native::ACCESS_PROVIDER,
];

/// What writing a definition comes to beside the definition: its entries in the original's own indexes.
const DEFINITION_BYTES: u64 = 580;

/// Pages of sets that cost nothing when they are read again.
const KNOWN_PAGES: usize = 64;

/// The last fifteen minutes are always readable.
pub(crate) const ALWAYS_READABLE: i64 = 15 * 60 * 1_000_000;

/// Microseconds of a day.
pub(crate) const DAY: i64 = 86_400_000_000;

/// One query's transaction.
pub struct Txn {
    pub(crate) model: Arc<Model>,
    pub(crate) snapshot: Arc<dyn Snapshot>,
    time: TxnTime,
    scope: ScopeId,
    schema: Arc<Schema>,
    /// The database whose schema this transaction has frozen.
    pub(crate) staging: Option<ScopeId>,
    pub(crate) overlay: Overlay,
    pub(crate) reads: ReadLog,
    pub(crate) dropped: Vec<ScopeId>,
    /// Databases with a written document.
    pub(crate) written_scopes: Vec<ScopeId>,
    cache: Cache,
    hot: Option<Hot>,
    /// A document whose reads somebody else charges.
    uncharged: Option<(CollId, DocId)>,
    epoch: u64,
    stats: TxnStats,
    indexed: u64,
    /// Physical indexes that were made or removed.
    pub(crate) defined_indexes: u64,
    /// Pages of sets that were read.
    pages: VecDeque<u64>,
    /// Bytes of changed index rows by document, for write operations.
    pub(crate) index_bytes: FastMap<[u8; keys::DOCUMENT_KEY], u64>,
    /// Indexes of FQL v4 that were defined, by database: writes maintain them already.
    pub(crate) defined_legacy: Vec<(ScopeId, Arc<LegacyIndex>)>,
    /// Collections that were defined, by database: no part of its schema, but FQL v4 writes documents to them at once.
    defined_collections: Vec<(ScopeId, Arc<Collection>)>,
}

/// What a transaction has cost so far (`spec fql10-data 8.2`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TxnStats {
    /// Read operations.
    pub read_ops: u64,
    /// Write operations.
    pub write_ops: u64,
    /// Bytes of versions and entries read.
    pub bytes_read: u64,
    /// Bytes of versions and entries written.
    pub bytes_written: u64,
}

/// The document a scan stands at: read already, and likely to be asked for next.
struct Hot {
    scope: ScopeId,
    coll: CollId,
    id: DocId,
    at: Option<TxnTime>,
    epoch: u64,
    version: Arc<Version>,
    charged: bool,
}

#[derive(Default)]
struct Cache {
    documents: FastMap<(ScopeId, CollId, DocId), Option<Arc<Version>>>,
    past: FastMap<(ScopeId, CollId, DocId, TxnTime), PastVersion>,
    bytes: u64,
}

/// What a document was at a time, and whether that has been paid for.
struct PastVersion {
    version: Option<Arc<Version>>,
    bytes: u64,
    charged: bool,
}

/// What reads of a transaction have cost at some point.
#[derive(Clone, Copy, Debug)]
pub struct ReadCost {
    ops: u64,
    bytes: u64,
}

impl Txn {
    pub(crate) fn new(
        model: Arc<Model>,
        snapshot: Arc<dyn Snapshot>,
        time: TxnTime,
        scope: ScopeId,
        schema: Arc<Schema>,
    ) -> Txn {
        Txn {
            model,
            snapshot,
            time,
            scope,
            schema,
            staging: None,
            overlay: Overlay::default(),
            reads: ReadLog::default(),
            dropped: Vec::new(),
            written_scopes: Vec::new(),
            cache: Cache::default(),
            hot: None,
            uncharged: None,
            epoch: 0,
            stats: TxnStats::default(),
            indexed: 0,
            defined_indexes: 0,
            pages: VecDeque::new(),
            index_bytes: FastMap::default(),
            defined_legacy: Vec::new(),
            defined_collections: Vec::new(),
        }
    }

    /// The query's time: `Time.now()`, liveness by ttl, the latest `at`.
    pub fn time(&self) -> TxnTime {
        self.time
    }

    /// The newest commit the query sees.
    pub fn snapshot_time(&self) -> TxnTime {
        self.snapshot.time()
    }

    /// The database the query runs in.
    pub fn scope(&self) -> ScopeId {
        self.scope
    }

    /// The schema of that database, as of the start of the query.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// The model the transaction belongs to.
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// Whether anything was written.
    pub fn has_writes(&self) -> bool {
        !self.overlay.is_empty() || !self.dropped.is_empty()
    }

    /// Grows with every own write: while it stands still, what was read stays true.
    pub fn write_epoch(&self) -> u64 {
        self.epoch
    }

    pub(crate) fn bump_epoch(&mut self) {
        self.epoch += 1;
    }

    /// What the transaction has cost so far.
    pub fn stats(&self) -> TxnStats {
        let mut stats = self.stats;
        let mut schemas: SmallVec<[ScopeId; 1]> = SmallVec::new();
        for (key, pending) in self.overlay.iter(Table::Documents) {
            let index: u64 = self.index_bytes.get(&key[..]).copied().unwrap_or(0);
            // It is part of the text of the schema, which counts below.
            if keys::document_coll(key) == Some(native::SCHEMA_SOURCE) {
                continue;
            }
            // A deletion writes where the document stood.
            let version = pending
                .value
                .as_ref()
                .map_or(key.len(), |value| value.len());
            let mut bytes = version as u64 + index;
            if keys::document_coll(key).is_some_and(|coll| DEFINITIONS.contains(&coll)) {
                bytes += DEFINITION_BYTES;
                schemas.extend(keys::scope_of(key).filter(|scope| !schemas.contains(scope)));
            }
            stats.write_ops += bytes.div_ceil(1024).max(1);
            stats.bytes_written += bytes;
        }
        // What the original stores as further documents: each index, and the text of the schema.
        let further = self.defined_indexes + schemas.len() as u64;
        stats.write_ops += further;
        stats.bytes_written += further * DEFINITION_BYTES;
        stats
    }

    /// Runs reads of the system's own: they cost the query nothing.
    pub fn uncounted<R>(&mut self, read: impl FnOnce(&mut Txn) -> R) -> R {
        let mark = self.read_cost();
        let result = read(self);
        self.refund(mark);
        result
    }

    /// What reads have cost so far.
    pub fn read_cost(&self) -> ReadCost {
        ReadCost {
            ops: self.stats.read_ops,
            bytes: self.stats.bytes_read,
        }
    }

    /// Takes back what reads have cost since `mark`.
    pub fn refund(&mut self, mark: ReadCost) {
        self.refund_ops(mark);
        self.stats.bytes_read = mark.bytes;
    }

    /// Takes back the operations that reads have cost since `mark`, not the bytes.
    pub fn refund_ops(&mut self, mark: ReadCost) {
        self.stats.read_ops = mark.ops;
    }

    /// Counts the read of a document of so many bytes, 0 if there is none; its name counts in any case.
    fn charge_document(&mut self, coll: CollId, id: DocId, bytes: u64) {
        let bytes = bytes + name_bytes(coll, id);
        self.stats.read_ops += bytes.div_ceil(4096);
        self.stats.bytes_read += bytes;
    }

    /// Terms and values that were looked up in versions to index them.
    pub fn indexed(&self) -> u64 {
        self.indexed
    }

    /// Counts what indexing a version takes: each field that a term or a value stands for is looked up.
    pub(crate) fn charge_indexing(&mut self, index: Physical<'_>) {
        let index = match index {
            Physical::Own(index) => index,
            Physical::Legacy(index) => {
                self.indexed += (index.terms.len() + index.values.len()) as u64;
                return;
            }
        };
        let paths = index.terms.iter().map(|term| &term.path);
        let paths = paths.chain(index.values.iter().map(|value| &value.path));
        // The id is known already.
        let looked_up = paths.filter(|path| path.first() != Some(&PathPart::Field("id".into())));
        self.indexed += looked_up.count() as u64;
    }

    /// Counts bytes that are read along with something else.
    pub fn charge_bytes(&mut self, bytes: u64) {
        self.stats.bytes_read += bytes;
    }

    /// Counts the read of a page of a set.
    pub fn charge_page(&mut self, ops: u64, bytes: u64) {
        self.stats.read_ops += ops;
        self.stats.bytes_read += bytes;
    }

    /// Notes that a page of a set is read, which `page` identifies; whether that page was read before, among the last
    /// ones and since the last own write.
    pub fn read_page(&mut self, page: u64) -> bool {
        let known = self.pages.contains(&page);
        if !known {
            if self.pages.len() == KNOWN_PAGES {
                self.pages.pop_front();
            }
            self.pages.push_back(page);
        }
        known
    }

    /// Makes known the version of the document that a scan stands at, so that the next [`Txn::get`] of it costs
    /// nothing. It holds until the next own write, or until the scan goes on.
    pub fn prime(&mut self, coll: CollId, id: DocId, at: Option<TxnTime>, version: Arc<Version>) {
        let (scope, epoch) = (self.scope, self.epoch);
        self.hot = Some(Hot {
            scope,
            coll,
            id,
            at,
            epoch,
            version,
            charged: false,
        });
    }

    /// Keeps the current version of a document that a scan found, for reads later in the query.
    pub fn keep(&mut self, coll: CollId, id: DocId, version: Arc<Version>) {
        let key = (self.scope, coll, id);
        if !self.cache.documents.contains_key(&key) {
            self.charge_document(coll, id, version.size());
            self.remember(key, Some(version));
        }
    }

    /// The live version of a document at a time, now if `None`; own writes are visible now. It has the current shape.
    pub fn get(
        &mut self,
        coll: CollId,
        id: DocId,
        at: Option<TxnTime>,
    ) -> Result<Option<Arc<Version>>, ModelError> {
        if self.uncharged != Some((coll, id)) {
            return self.get_charged(coll, id, at);
        }
        let (read_ops, bytes_read) = (self.stats.read_ops, self.stats.bytes_read);
        let found = self.get_charged(coll, id, at);
        self.stats.read_ops = read_ops;
        self.stats.bytes_read = bytes_read;
        found
    }

    /// Names a document whose reads are charged by whoever names it.
    pub fn set_uncharged(&mut self, document: Option<(CollId, DocId)>) {
        self.uncharged = document;
    }

    fn get_charged(
        &mut self,
        coll: CollId,
        id: DocId,
        at: Option<TxnTime>,
    ) -> Result<Option<Arc<Version>>, ModelError> {
        if let Some(hot) = &mut self.hot
            && (hot.coll, hot.id, hot.at) == (coll, id, at)
            && (hot.scope, hot.epoch) == (self.scope, self.epoch)
        {
            let version = hot.version.clone();
            if !std::mem::replace(&mut hot.charged, true) {
                self.charge_document(coll, id, version.size());
                if let Some(at) = at {
                    let past = PastVersion {
                        version: Some(version.clone()),
                        bytes: version.size(),
                        charged: true,
                    };
                    self.remember_past((self.scope, coll, id, at), past);
                }
            }
            return Ok(Some(version));
        }
        if let Some(at) = at {
            return self.get_at(coll, id, at, true);
        }
        let cache_key = (self.scope, coll, id);
        if let Some(known) = self.cache.documents.get(&cache_key) {
            return Ok(known.clone());
        }
        let key = keys::document(self.scope, coll, id);
        let stored = self.current(&key)?;
        let size = stored.as_ref().map_or(0, |bytes| bytes.len() as u64);
        self.charge_document(coll, id, size);
        let version = match stored {
            Some(bytes) => self.live_version(coll, bytes)?,
            None => None,
        };
        self.remember(cache_key, version.clone());
        Ok(version)
    }

    /// The live version of a document at a time, read for the engine's own purposes: nobody is charged until it is read
    /// with [`Txn::get`].
    pub fn peek(
        &mut self,
        coll: CollId,
        id: DocId,
        at: TxnTime,
    ) -> Result<Option<Arc<Version>>, ModelError> {
        self.get_at(coll, id, at, false)
    }

    /// The committed version at a time. The second read of it is free.
    fn get_at(
        &mut self,
        coll: CollId,
        id: DocId,
        at: TxnTime,
        charge: bool,
    ) -> Result<Option<Arc<Version>>, ModelError> {
        let cache_key = (self.scope, coll, id, at);
        if let Some(known) = self.cache.past.get_mut(&cache_key) {
            let (version, bytes) = (known.version.clone(), known.bytes);
            let due = charge && !known.charged;
            known.charged |= charge;
            if due {
                self.charge_document(coll, id, bytes);
            }
            return Ok(version);
        }
        let stored = match at < self.snapshot_time() {
            true => self.stored_past(coll, id, at)?,
            false => self.committed(&keys::document(self.scope, coll, id))?,
        };
        let bytes = stored.as_ref().map_or(0, |bytes| bytes.len() as u64);
        if charge {
            self.charge_document(coll, id, bytes);
        }
        let version = match stored {
            Some(bytes) => self.live_version(coll, bytes)?,
            None => None,
        };
        let past = PastVersion {
            version: version.clone(),
            bytes,
            charged: charge,
        };
        self.remember_past(cache_key, past);
        Ok(version)
    }

    /// The stored bytes of a document now, expired or not, own writes included; recorded for validation.
    pub(crate) fn current(
        &mut self,
        key: &[u8; keys::DOCUMENT_KEY],
    ) -> Result<Option<Bytes>, ModelError> {
        if let Some(pending) = self.overlay.get(Table::Documents, key) {
            return Ok(pending.value.clone());
        }
        self.committed(key)
    }

    fn committed(&mut self, key: &[u8; keys::DOCUMENT_KEY]) -> Result<Option<Bytes>, ModelError> {
        if self.is_dropped(key) {
            return Ok(None);
        }
        self.reads.document(*key);
        Ok(self.snapshot.get(Table::Documents, key)?)
    }

    fn stored_past(
        &mut self,
        coll: CollId,
        id: DocId,
        at: TxnTime,
    ) -> Result<Option<Bytes>, ModelError> {
        self.check_readable(coll, at)?;
        let key = keys::document(self.scope, coll, id);
        match self.is_dropped(&key) {
            true => Ok(None),
            false => self.stored_at(&key, at),
        }
    }

    /// The committed bytes, maybe a tombstone, that were in force at a time.
    pub(crate) fn stored_at(
        &self,
        key: &[u8; keys::DOCUMENT_KEY],
        at: TxnTime,
    ) -> Result<Option<Bytes>, ModelError> {
        if let Some(bytes) = self.snapshot.get(Table::Documents, key)?
            && keys::time_at(&bytes, 0).is_some_and(|ts| ts <= at)
        {
            return Ok(Some(bytes));
        }
        let mut start = key.to_vec();
        start.extend_from_slice(&keys::inverted_time_bytes(at));
        let end = keys::successor(key);
        let mut range = self.snapshot.range(
            Table::History,
            Bound::Included(&start),
            Bound::Excluded(&end),
            false,
        )?;
        Ok(range.next().transpose()?.map(|(_, value)| value))
    }

    /// Decodes a stored version if it is live, and carries it into the current shape of its collection.
    pub(crate) fn live_version(
        &self,
        coll: CollId,
        bytes: Bytes,
    ) -> Result<Option<Arc<Version>>, ModelError> {
        match self.known_collection(coll) {
            Some(collection) => decode_live(collection, self.time.into(), bytes),
            None => Ok(None),
        }
    }

    /// A collection of the schema, or one that this transaction has defined.
    pub fn known_collection(&self, coll: CollId) -> Option<&Arc<Collection>> {
        let own = || {
            let mut own = self.defined_collections.iter();
            own.find(|(scope, known)| (*scope, known.id) == (self.scope, coll))
        };
        let known = self.schema.collection(coll);
        known.or_else(|| own().map(|(_, collection)| collection))
    }

    /// The collections that this transaction has defined in its database.
    pub(crate) fn own_collections(&self) -> impl Iterator<Item = CollId> {
        let own = self.defined_collections.iter();
        own.filter(|(scope, _)| *scope == self.scope)
            .map(|(_, collection)| collection.id)
    }

    /// Notes a definition that is written or deleted.
    pub(crate) fn note_definition(&mut self, coll: CollId, definition: Option<Collection>) {
        let scope = self.scope;
        self.defined_collections
            .retain(|(of, known)| (*of, known.id) != (scope, coll));
        if self.schema.collection(coll).is_none() {
            let defined = definition.map(|collection| (scope, Arc::new(collection)));
            self.defined_collections.extend(defined);
        }
    }

    fn remember(&mut self, key: (ScopeId, CollId, DocId), version: Option<Arc<Version>>) {
        let size = version.as_ref().map_or(0, |version| version.size());
        self.make_room(size);
        self.cache.documents.insert(key, version);
    }

    fn remember_past(&mut self, key: (ScopeId, CollId, DocId, TxnTime), past: PastVersion) {
        self.make_room(past.bytes);
        self.cache.past.insert(key, past);
    }

    fn make_room(&mut self, size: u64) {
        let documents = self.cache.documents.len() + self.cache.past.len();
        if documents >= CACHED_DOCUMENTS || self.cache.bytes + size > CACHED_BYTES {
            self.cache = Cache::default();
        }
        self.cache.bytes += size;
    }

    /// Keeps a version that was just written, so that reading it back decodes nothing.
    pub(crate) fn remember_written(
        &mut self,
        coll: CollId,
        id: DocId,
        ttl: Option<Time>,
        bytes: Bytes,
        data: &Arc<Object>,
    ) {
        let live = ttl.is_none_or(|ttl| ttl > self.time.into());
        let version = live.then(|| Arc::new(Version::written(ttl, bytes, data.clone())));
        self.remember((self.scope, coll, id), version);
    }

    pub(crate) fn forget_cached(&mut self, coll: CollId, id: DocId) {
        self.cache.documents.remove(&(self.scope, coll, id));
    }

    pub(crate) fn clear_cache(&mut self) {
        self.cache = Cache::default();
    }

    /// Documents of a collection in id order.
    pub fn scan(
        &mut self,
        coll: CollId,
        range: (Bound<DocId>, Bound<DocId>),
        reverse: bool,
        at: Option<TxnTime>,
    ) -> ScanCursor {
        ScanCursor::new(self, coll, range, reverse, at)
    }

    /// Fails if versions in force at `at` may be gone (`spec fql10-data 7.1`).
    pub fn check_readable(&self, coll: CollId, at: TxnTime) -> Result<(), ModelError> {
        let minimum = self.minimum_valid_time(coll);
        if at < minimum {
            Err(ModelError::BeforeHistory {
                requested: at,
                minimum,
            })
        } else {
            Ok(())
        }
    }

    /// The earliest readable time of a collection.
    pub fn minimum_valid_time(&self, coll: CollId) -> TxnTime {
        let now = self.time;
        self.schema
            .collection(coll)
            .map_or(TxnTime(i64::MIN), |collection| horizon(collection, now))
    }

    /// A new transaction in a database, at the same time and over the same snapshot, that has read and cost nothing.
    pub fn fresh(&self, scope: ScopeId) -> Result<Txn, ModelError> {
        let schema = match scope == self.scope {
            true => self.schema.clone(),
            false => self.model.schema_of(scope, &self.snapshot)?,
        };
        let (model, snapshot) = (self.model.clone(), self.snapshot.clone());
        Ok(Txn::new(model, snapshot, self.time, scope, schema))
    }

    /// Runs `f` on another database in the same transaction.
    pub fn with_scope<R>(
        &mut self,
        scope: ScopeId,
        f: impl FnOnce(&mut Txn) -> R,
    ) -> Result<R, ModelError> {
        if scope == self.scope {
            return Ok(f(self));
        }
        let schema = self.model.clone().schema_of(scope, &self.snapshot)?;
        let outer = (self.scope, std::mem::replace(&mut self.schema, schema));
        self.scope = scope;
        let result = f(self);
        (self.scope, self.schema) = outer;
        Ok(result)
    }

    /// Whether a key belongs to a database that this transaction has dropped.
    pub(crate) fn is_dropped(&self, key: &[u8]) -> bool {
        !self.dropped.is_empty()
            && keys::scope_of(key).is_some_and(|scope| self.dropped.contains(&scope))
    }

    /// A walk over the current state of a table, own writes included.
    pub(crate) fn walk(&self, table: Table, range: (Vec<u8>, Vec<u8>), reverse: bool) -> RawCursor {
        RawCursor::current(table, range.0, range.1, reverse)
    }

    /// What goes to the store; `None` if nothing was written.
    pub fn into_commit(mut self) -> Option<Commit> {
        if !self.has_writes() {
            return None;
        }
        self.write_history();
        self.log_changes();
        let mut clears = Vec::new();
        for scope in &self.dropped {
            let (start, end) = keys::scope_range(*scope);
            for table in Table::ALL {
                clears.push((table, start.clone(), end.clone()));
            }
        }
        // Every write depends on the schema it was made under.
        self.written_scopes.sort_unstable();
        self.written_scopes.dedup();
        for scope in std::mem::take(&mut self.written_scopes) {
            self.reads
                .point(Table::System, keys::system::schema_version(scope));
        }
        Some(Commit {
            snapshot: self.snapshot.time(),
            reads: self.reads.into_reads(),
            writes: self.overlay.into_writes(),
            clears,
        })
    }
}

/// Bytes of a document's name as the original stores it (CBOR): its database, collection and id.
fn name_bytes(coll: CollId, id: DocId) -> u64 {
    10 + stored_size::of_count(coll.0) + stored_size::of_count(id.0.unsigned_abs())
}

/// The earliest time that retention promises, before the grace of fifteen minutes (`spec fql10-data 7.1`).
pub(crate) fn kept_since(collection: &Collection, now: TxnTime) -> TxnTime {
    let floor = collection.min_valid_time.0;
    TxnTime(match collection.history_days {
        Some(days) => now
            .0
            .saturating_sub(days.max(0).saturating_mul(DAY))
            .max(floor),
        None if collection.is_native() => i64::MIN,
        None => floor,
    })
}

/// The earliest readable time of a collection.
pub(crate) fn horizon(collection: &Collection, now: TxnTime) -> TxnTime {
    TxnTime(
        kept_since(collection, now)
            .0
            .saturating_sub(ALWAYS_READABLE),
    )
}

/// Decodes a stored version if it is live, in the current shape of `collection`.
pub(crate) fn decode_live(
    collection: &Collection,
    now: Time,
    bytes: Bytes,
) -> Result<Option<Arc<Version>>, ModelError> {
    let header = Header::read(&bytes).ok_or_else(damaged)?;
    if !header.is_live(now) {
        return Ok(None);
    }
    Ok(Some(Arc::new(decode(collection, &header, bytes))))
}

/// Decodes a stored version, in the current shape of `collection`.
pub(crate) fn decode(collection: &Collection, header: &Header, bytes: Bytes) -> Version {
    let version = Version::from_bytes(header, bytes);
    if header.level < collection.migration_level() {
        let steps = collection
            .migrations
            .get(header.level as usize..)
            .unwrap_or_default();
        let object = migrated((*version.object()).clone(), steps);
        version.migrated(object)
    } else {
        version
    }
}

/// A stored version cannot be read.
pub(crate) fn damaged() -> ModelError {
    ModelError::Corrupt("a document version is damaged".into())
}
