//! Ordered bytes: the lowest floor. See `ARCHITECTURE.md`, "The store's contract".
//!
//! A [`Store`] gives immutable [`Snapshot`]s and applies [`Commit`]s atomically with strictly
//! increasing microsecond times. It knows neither values nor documents; it validates what a
//! transaction says it has read, and stamps commit times into the places a transaction marks.
//!
//! [`RedbStore`] is the engine. Its parts, in the order a commit meets them:
//!
//! ```text
//! commit ──▶ pipeline ──▶ recent ──────▶ redb_engine ─▶ file ──▶ feed
//!            queue,       validation,    tables, one    bytes    subscribers
//!            batches      stamps         fsync
//! ```
//!
//! Always true: a commit is durable first, visible second, acknowledged third, published last.

mod clock;
#[cfg(test)]
mod faults;
mod feed;
mod file;
mod memory;
mod pipeline;
mod recent;
mod redb_engine;
mod redb_store;

pub use clock::{Clock, SystemClock};
pub use feed::{CommitFeed, FeedEvent};
pub use redb_store::{Options, RedbStore};

use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

/// A transaction time in microseconds since 1970, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TxnTime(pub i64);

/// The ordered maps of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Current document versions.
    Documents,
    /// Superseded document versions.
    History,
    /// Current index entries.
    Index,
    /// Superseded index entries.
    IndexHistory,
    /// Counters, maintenance state.
    System,
    /// Which documents changed when.
    Changes,
}

impl Table {
    /// Every table, in the order of [`Table::index`].
    pub const ALL: [Table; Table::COUNT] = [
        Table::Documents,
        Table::History,
        Table::Index,
        Table::IndexHistory,
        Table::System,
        Table::Changes,
    ];

    /// How many there are.
    pub const COUNT: usize = 6;

    /// Its place in [`Table::ALL`].
    pub const fn index(self) -> usize {
        match self {
            Table::Documents => 0,
            Table::History => 1,
            Table::Index => 2,
            Table::IndexHistory => 3,
            Table::System => 4,
            Table::Changes => 5,
        }
    }
}

/// Owned bytes of a key or value.
pub type Bytes = Arc<[u8]>;

/// Where the commit time goes: eight bytes, `micros ^ (1 << 63)` big-endian (so that the bytes sort like the times),
/// bit-inverted if `inverted` (for descending keys).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// In the key or in the value.
    pub place: StampPlace,
    /// Offset of the first of the eight bytes.
    pub offset: u32,
    /// Write the bits inverted.
    pub inverted: bool,
}

/// Which half of a write a [`Stamp`] goes into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StampPlace {
    /// The key.
    Key,
    /// The value.
    Value,
}

/// One change of a commit.
#[derive(Clone, Debug)]
pub struct Write {
    /// Where.
    pub table: Table,
    /// The key, before stamping.
    pub key: Vec<u8>,
    /// The new value, before stamping; `None` deletes.
    pub value: Option<Vec<u8>>,
    /// Places that receive the commit time.
    pub stamps: smallvec::SmallVec<[Stamp; 2]>,
}

/// Something a transaction has seen, that must not have changed when it commits.
#[derive(Clone, Debug)]
pub enum Read {
    /// One key (present or absent).
    Point(Table, Vec<u8>),
    /// Every key in the range `start..end`.
    Range(Table, Vec<u8>, Vec<u8>),
}

/// A transaction's outcome, to be applied atomically.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// Time of the snapshot it read from.
    pub snapshot: TxnTime,
    /// What it read.
    pub reads: Vec<Read>,
    /// What it changes, later writes to the same key win.
    pub writes: Vec<Write>,
    /// Ranges of keys to delete whole (dropping a database), applied before `writes`.
    pub clears: Vec<(Table, Vec<u8>, Vec<u8>)>,
}

/// Why a commit or a read did not succeed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Something read has changed since the snapshot: run the transaction again.
    #[error("transaction was aborted due to concurrent modification")]
    Contended {
        /// The key that changed, where known.
        table: Table,
        /// Its bytes.
        key: Vec<u8>,
    },
    /// The file is not ours, is newer than this program, or is damaged.
    #[error("{0}")]
    Unusable(String),
    /// Another process (or another store in this one) holds the file.
    #[error("{0} is in use by another process")]
    InUse(String),
    /// The disk or the engine failed. A commit that failed this way is not applied, or (where the
    /// disk failed at the very last step) applied whole; a snapshot taken now tells which.
    #[error("storage failure: {0}")]
    Io(String),
    /// The store has been closed.
    #[error("the database is closed")]
    Closed,
}

/// A key and its value.
pub type Entry = (Bytes, Bytes);

/// What is shown keys and values; it breaks when it has seen enough.
pub type SeeEntry<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// The committed state at one time. Cheap to clone, never changes.
pub trait Snapshot: Send + Sync {
    /// The newest commit it contains.
    fn time(&self) -> TxnTime;
    /// The value of a key.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, StoreError>;
    /// Shows the value of a key in place, without copying it; answers whether there is one.
    fn get_with(
        &self,
        table: Table,
        key: &[u8],
        see: &mut dyn FnMut(&[u8]),
    ) -> Result<bool, StoreError> {
        let value = self.get(table, key)?;
        if let Some(value) = &value {
            see(value);
        }
        Ok(value.is_some())
    }
    /// Entries with `start <= key < end` (per the bounds), ascending, or descending if `reverse`.
    fn range<'a>(
        &'a self,
        table: Table,
        start: Bound<&[u8]>,
        end: Bound<&[u8]>,
        reverse: bool,
    ) -> Result<Box<dyn Iterator<Item = Result<Entry, StoreError>> + 'a>, StoreError>;
    /// Shows the entries [`Snapshot::range`] would give, in place and in the same order, until `see` breaks.
    fn range_with(
        &self,
        table: Table,
        start: Bound<&[u8]>,
        end: Bound<&[u8]>,
        reverse: bool,
        see: &mut SeeEntry<'_>,
    ) -> Result<(), StoreError> {
        for entry in self.range(table, start, end, reverse)? {
            let (key, value) = entry?;
            if see(&key, &value).is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// A range of keys in one table: `start..end`.
pub type KeyRange = (Table, Bytes, Bytes);

/// What the feed tells about one commit.
#[derive(Clone, Debug)]
pub struct Committed {
    /// Its time.
    pub time: TxnTime,
    /// The stamped keys it wrote or deleted, in order of table and key.
    pub keys: Arc<Vec<(Table, Bytes)>>,
    /// The ranges it cleared, before it wrote.
    pub clears: Arc<Vec<KeyRange>>,
}

/// An ordered transactional store of bytes.
pub trait Store: Send + Sync {
    /// The newest committed state. Cheap: no table is opened, nothing is copied.
    fn snapshot(&self) -> Result<Arc<dyn Snapshot>, StoreError>;
    /// The newest committed state and the time to read it as: `now`, unless a commit that the snapshot does not
    /// contain has been given an earlier time already. So whoever reads at a time has seen everything up to it.
    fn snapshot_at(&self, now: TxnTime) -> Result<(Arc<dyn Snapshot>, TxnTime), StoreError> {
        let snapshot = self.snapshot()?;
        let time = now.max(snapshot.time());
        Ok((snapshot, time))
    }
    /// Applies a commit durably, or says why not. Blocks until it is on disk. A commit that
    /// changes nothing returns its snapshot's time at once.
    fn commit(&self, commit: Commit) -> Result<TxnTime, StoreError>;
    /// Every commit from now on, in order. To follow a state without a gap: subscribe first, then
    /// take a snapshot, and skip what is not newer than it.
    fn subscribe(&self) -> CommitFeed;
}
