//! The store's face: a database in a redb file or in memory.

use super::memory::MemoryEngine;
use super::pipeline::{Engine, Pipeline};
use super::redb_engine::{RedbEngine, save_copy};
use super::{Clock, Commit, CommitFeed, Snapshot, Store, StoreError, SystemClock, TxnTime};
use std::path::Path;
use std::sync::Arc;

/// How a store is opened.
#[derive(Clone)]
pub struct Options {
    /// Bytes of pages redb may keep in memory. They are taken as pages are read, not at once, and the allocator
    /// rounds each up by a quarter.
    pub cache_bytes: usize,
    /// Bytes of recent commits' keys kept for validation. A transaction whose snapshot is older
    /// than all of them is contended.
    pub window_bytes: usize,
    /// Where commit times come from.
    pub clock: Arc<dyn Clock>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            cache_bytes: 48 << 20,
            window_bytes: 8 << 20,
            clock: Arc::new(SystemClock),
        }
    }
}

/// A [`Store`] over a redb file, or in memory over persistent ordered maps (which need no pages to be
/// made before the first query). Dropping it closes it.
pub struct RedbStore {
    pipeline: Pipeline,
    cache_bytes: usize,
}

impl RedbStore {
    /// Opens the database file at `path`; makes one if there is none, or an empty file.
    ///
    /// [`StoreError::Unusable`]: the file is not an fql database, is newer than this program, is
    /// damaged, or cannot be read and written; it stays as it is. [`StoreError::InUse`]: another
    /// process has it open.
    pub fn open(path: impl AsRef<Path>) -> Result<RedbStore, StoreError> {
        RedbStore::open_with(path, Options::default())
    }

    /// Opens a file with other options than the usual.
    pub fn open_with(path: impl AsRef<Path>, options: Options) -> Result<RedbStore, StoreError> {
        let now = TxnTime(options.clock.now_micros());
        let engine = RedbEngine::open(path.as_ref(), options.cache_bytes, now)?;
        let current = engine.snapshot()?;
        Ok(RedbStore::start(Box::new(engine), current, options))
    }

    /// A new database in memory.
    pub fn memory() -> Result<RedbStore, StoreError> {
        RedbStore::memory_with(Options::default())
    }

    /// A new database in memory with other options than the usual.
    pub fn memory_with(options: Options) -> Result<RedbStore, StoreError> {
        let now = TxnTime(options.clock.now_micros());
        let engine = MemoryEngine::new(now);
        let current = engine.snapshot();
        Ok(RedbStore::start(Box::new(engine), current, options))
    }

    fn start(engine: Box<dyn Engine>, current: Arc<dyn Snapshot>, options: Options) -> RedbStore {
        RedbStore {
            pipeline: Pipeline::new(engine, current, options.clock, options.window_bytes),
            cache_bytes: options.cache_bytes,
        }
    }

    /// Writes the newest committed state, whole, into a new file. Commits go on meanwhile. A file
    /// that exists already is [`StoreError::Unusable`] and stays as it is.
    pub fn save_copy(&self, path: impl AsRef<Path>) -> Result<(), StoreError> {
        let snapshot = self.pipeline.snapshot()?;
        save_copy(&*snapshot, path.as_ref(), self.cache_bytes)
    }

    /// Closes the file, after the commits that are under way. What is called later, on the store or
    /// on a file's snapshots, answers [`StoreError::Closed`].
    pub fn close(&self) {
        self.pipeline.close();
    }

    /// How many batches of commits were made durable since the store was opened: with many
    /// concurrent clients far fewer than commits.
    pub fn batches(&self) -> u64 {
        self.pipeline.batches()
    }
}

impl Store for RedbStore {
    fn snapshot(&self) -> Result<Arc<dyn Snapshot>, StoreError> {
        self.pipeline.snapshot()
    }

    fn snapshot_at(&self, now: TxnTime) -> Result<(Arc<dyn Snapshot>, TxnTime), StoreError> {
        self.pipeline.snapshot_at(now)
    }

    fn commit(&self, commit: Commit) -> Result<TxnTime, StoreError> {
        self.pipeline.commit(commit)
    }

    fn subscribe(&self) -> CommitFeed {
        self.pipeline.subscribe()
    }
}

impl Drop for RedbStore {
    fn drop(&mut self) {
        self.close();
    }
}
