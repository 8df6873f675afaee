//! The tables in redb: opening, reading, applying a batch.
//!
//! # Layout
//! A redb file (format 3, 4 KiB pages) with these redb tables, keys and values plain bytes:
//!
//! | table | rows |
//! |---|---|
//! | `documents`, `history`, `index`, `index_history`, `system`, `changes` | one a [`Table`], owned by the rooms above |
//! | `fql` | `format` → `fql\0` + format version (`u32`, big-endian); `time` → the newest commit's time (`i64` microseconds, big-endian) |
//!
//! Format 1 had no table `changes`: it is added, empty, when such a file is opened.
//!
//! Rule: everything a batch changes, and its time, is one redb write transaction: all of it is on
//! disk, or nothing.

use super::file::{Candidate, Deferred, DeferredBackend, NewFile, open_candidate};
use super::memory::is_empty_range;
use super::pipeline::{Engine, Prepared};
use super::{Bytes, Entry, SeeEntry, Snapshot, StoreError, Table, TxnTime};
use redb::{
    Builder, CursorError, Database, DatabaseError, Durability, ReadOnlyTable, ReadableDatabase,
    StorageError, TableDefinition, TableError, WriteTransaction,
};
use std::fs::File;
use std::ops::{Bound, ControlFlow};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

/// The newest format this program knows.
const FORMAT: u32 = 2;
const MAGIC: &[u8; 4] = b"fql\0";

type Definition = TableDefinition<'static, &'static [u8], &'static [u8]>;

const META: Definition = TableDefinition::new("fql");
const META_FORMAT: &[u8] = b"format";
const META_TIME: &[u8] = b"time";

const fn definition(table: Table) -> Definition {
    TableDefinition::new(match table {
        Table::Documents => "documents",
        Table::History => "history",
        Table::Index => "index",
        Table::IndexHistory => "index_history",
        Table::System => "system",
        Table::Changes => "changes",
    })
}

/// A redb database and what it takes to open it again after its disk failed.
pub(super) struct RedbEngine {
    /// `None`: the disk failed, and the file could not be opened again yet.
    database: Option<Database>,
    /// The path, for messages.
    name: String,
    /// The same open file as redb's.
    file: File,
    deferred: Arc<Deferred>,
    cache: usize,
}

impl RedbEngine {
    /// Opens the database file at `path`, or makes one.
    pub(super) fn open(path: &Path, cache: usize, now: TxnTime) -> Result<RedbEngine, StoreError> {
        if let Some(candidate) = open_candidate(path)? {
            return RedbEngine::open_existing(path, candidate, cache, now);
        }
        let (new, file) = NewFile::create(path)?;
        let engine = RedbEngine::open_file(path, file, false, cache)?;
        engine.with_database(|database| format(database, now))?;
        engine.deferred.release_new()?;
        if new.publish()? {
            return Ok(engine);
        }
        drop(engine);
        // Somebody else was faster.
        match open_candidate(path)? {
            Some(candidate) => RedbEngine::open_existing(path, candidate, cache, now),
            None => Err(StoreError::Unusable(format!(
                "{}: cannot be created",
                path.display()
            ))),
        }
    }

    fn open_existing(
        path: &Path,
        candidate: Candidate,
        cache: usize,
        now: TxnTime,
    ) -> Result<RedbEngine, StoreError> {
        let engine = RedbEngine::open_file(path, candidate.file, false, cache)?;
        engine.with_database(|database| {
            if candidate.empty {
                engine.release()?;
                return format(database, now);
            }
            if check_format(database, &path.display().to_string())? < FORMAT {
                engine.release()?;
                upgrade(database)?;
            }
            Ok(())
        })?;
        if candidate.unclean {
            engine.release()?;
        }
        Ok(engine)
    }

    fn open_file(
        path: &Path,
        file: File,
        released: bool,
        cache: usize,
    ) -> Result<RedbEngine, StoreError> {
        let name = path.display().to_string();
        let spare = file
            .try_clone()
            .map_err(|error| StoreError::Unusable(format!("{name}: {error}")))?;
        let (database, deferred) = open_database(&name, file, released, cache)?;
        Ok(RedbEngine {
            database: Some(database),
            name,
            file: spare,
            deferred,
            cache,
        })
    }

    fn with_database<T>(
        &self,
        act: impl FnOnce(&Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        act(self.database.as_ref().ok_or(StoreError::Closed)?)
    }

    /// Lets writes reach the file.
    fn release(&self) -> Result<(), StoreError> {
        self.deferred.release()
    }

    /// The file under redb.
    #[cfg(test)]
    pub(super) fn file(&self) -> &Arc<Deferred> {
        &self.deferred
    }

    /// The newest committed state.
    pub(super) fn snapshot(&self) -> Result<Arc<RedbSnapshot>, StoreError> {
        self.with_database(RedbSnapshot::take)
    }
}

impl Engine for RedbEngine {
    fn apply(&mut self, batch: &[Prepared]) -> Result<Arc<dyn Snapshot>, StoreError> {
        if self.database.is_none() {
            self.recover()?;
        }
        self.release()?;
        self.with_database(|database| {
            let mut txn = database.begin_write().map_err(io)?;
            txn.set_durability(Durability::Immediate).map_err(io)?;
            write_batch(&txn, batch)?;
            txn.commit().map_err(io)?;
            let snapshot: Arc<dyn Snapshot> = RedbSnapshot::take(database)?;
            Ok(snapshot)
        })
    }

    /// redb refuses every further access after an error of the disk, so the file is opened again:
    /// it shows the state of the newest commit that is whole.
    fn recover(&mut self) -> Result<Arc<dyn Snapshot>, StoreError> {
        self.database = None;
        let again = self
            .file
            .try_clone()
            .map_err(|error| StoreError::Io(error.to_string()))?;
        let (database, deferred) = open_database(&self.name, again, false, self.cache)?;
        check_format(&database, &self.name)?;
        self.deferred = deferred;
        self.database = Some(database);
        let snapshot: Arc<dyn Snapshot> = self.snapshot()?;
        Ok(snapshot)
    }
}

fn open_database(
    name: &str,
    file: File,
    released: bool,
    cache: usize,
) -> Result<(Database, Arc<Deferred>), StoreError> {
    let backend = DeferredBackend::new(file, released)?;
    let deferred = backend.handle();
    // redb may panic on a file that was damaged from outside.
    let opened = catch_unwind(AssertUnwindSafe(|| {
        Builder::new()
            .set_cache_size(cache)
            .create_with_backend(backend)
    }));
    match opened {
        Ok(Ok(database)) => Ok((database, deferred)),
        Ok(Err(DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch)) => {
            Err(StoreError::InUse(name.to_owned()))
        }
        Ok(Err(DatabaseError::UpgradeRequired(_))) => Err(StoreError::Unusable(format!(
            "{name}: is not an fql database (an old redb format)"
        ))),
        Ok(Err(error)) => Err(StoreError::Unusable(format!(
            "{name}: is damaged or not a database: {error}"
        ))),
        Err(_) => Err(StoreError::Unusable(format!("{name}: is damaged"))),
    }
}

/// Makes the tables of an empty database.
fn format(database: &Database, now: TxnTime) -> Result<(), StoreError> {
    let txn = database.begin_write().map_err(io)?;
    for table in Table::ALL {
        txn.open_table(definition(table)).map_err(io)?;
    }
    {
        let mut meta = txn.open_table(META).map_err(io)?;
        meta.insert(META_FORMAT, format_mark().as_slice())
            .map_err(io)?;
        meta.insert(META_TIME, now.0.to_be_bytes().as_slice())
            .map_err(io)?;
    }
    txn.commit().map_err(io)
}

/// Brings a database of an older format to the newest, whole or not at all.
fn upgrade(database: &Database) -> Result<(), StoreError> {
    let txn = database.begin_write().map_err(io)?;
    txn.open_table(definition(Table::Changes)).map_err(io)?;
    txn.open_table(META)
        .map_err(io)?
        .insert(META_FORMAT, format_mark().as_slice())
        .map_err(io)?;
    txn.commit().map_err(io)
}

fn format_mark() -> Vec<u8> {
    [&MAGIC[..], &FORMAT.to_be_bytes()].concat()
}

/// The format of a redb database that is ours, and that we can read.
fn check_format(database: &Database, name: &str) -> Result<u32, StoreError> {
    let foreign = || StoreError::Unusable(format!("{name}: is not an fql database"));
    let damaged =
        |error: StorageError| StoreError::Unusable(format!("{name}: is damaged: {error}"));
    let txn = database.begin_read().map_err(io)?;
    let meta = txn.open_table(META).map_err(|error| match error {
        TableError::Storage(error) => damaged(error),
        _ => foreign(),
    })?;
    let value = meta
        .get(META_FORMAT)
        .map_err(damaged)?
        .ok_or_else(foreign)?;
    let version = value
        .value()
        .strip_prefix(MAGIC)
        .and_then(|version| <[u8; 4]>::try_from(version).ok())
        .map(u32::from_be_bytes)
        .ok_or_else(foreign)?;
    if version > FORMAT {
        return Err(StoreError::Unusable(format!(
            "{name}: was written by a newer version of fql (file format {version}, this program reads up to {FORMAT})"
        )));
    }
    Ok(version)
}

/// Writes a batch's commits, in order, and its newest time.
fn write_batch(txn: &WriteTransaction, batch: &[Prepared]) -> Result<(), StoreError> {
    let mut tables: [Option<WriteTable<'_>>; Table::COUNT] = Default::default();
    for commit in batch {
        for (table, start, end) in commit.clears.iter() {
            clear(open(txn, &mut tables, *table)?, start, end)?;
        }
        let mut rest = 0..commit.keys.len();
        while let Some((table, _)) = commit.keys.get(rest.start) {
            let of_table = |(other, _): &(Table, Bytes)| other == table;
            let end = rest.start + commit.keys[rest.clone()].partition_point(of_table);
            let writes = commit.keys[rest.start..end]
                .iter()
                .map(|(_, key)| key)
                .zip(&commit.values[rest.start..end]);
            write_sorted(open(txn, &mut tables, *table)?, writes)?;
            rest.start = end;
        }
    }
    if let Some(newest) = batch.last() {
        let mut meta = txn.open_table(META).map_err(io)?;
        meta.insert(META_TIME, newest.time.0.to_be_bytes().as_slice())
            .map_err(io)?;
    }
    Ok(())
}

/// Insertions in a row that make a cursor worth its while.
const RUN: usize = 8;

/// The most writes that are done one by one before a cursor is tried again.
const MOST_SINGLY: usize = 1024;

/// Writes to a table, in the order of their keys. A cursor puts new keys that are neighbours in one go, and fills the
/// pages they take; one at a time they would leave every page that is split half empty.
fn write_sorted<'a>(
    table: &mut WriteTable<'_>,
    writes: impl Iterator<Item = (&'a Bytes, &'a Option<Vec<u8>>)> + Clone,
) -> Result<(), StoreError> {
    let mut writes = writes.peekable();
    // Writes to do one by one, after cursors that did not get far: doubled each time.
    let (mut singly, mut patience) = (0_usize, RUN);
    while let Some(&(key, value)) = writes.peek() {
        let run = writes.clone().take_while(|(_, value)| value.is_some());
        if singly == 0 && run.take(RUN).count() == RUN {
            let mut cursor = table.lower_bound_mut(Bound::Included(&**key)).map_err(io)?;
            let mut put = 0;
            while let Some(&(key, Some(value))) = writes.peek() {
                match cursor.insert_before(&**key, value.as_slice()) {
                    Ok(()) => put += 1,
                    // There is a key between, or this one is there already.
                    Err(CursorError::UnorderedKey) => break,
                    Err(error) => return Err(io(error)),
                }
                writes.next();
            }
            cursor.close().map_err(io)?;
            patience = match put {
                0..RUN => (patience * 2).min(MOST_SINGLY),
                _ => RUN,
            };
            singly = if put < RUN { patience } else { 1 };
            continue;
        }
        singly = singly.saturating_sub(1);
        match value {
            Some(value) => table.insert(&**key, value.as_slice()).map_err(io)?,
            None => table.remove(&**key).map_err(io)?,
        };
        writes.next();
    }
    Ok(())
}

fn open<'tables, 'txn>(
    txn: &'txn WriteTransaction,
    tables: &'tables mut [Option<WriteTable<'txn>>; Table::COUNT],
    table: Table,
) -> Result<&'tables mut WriteTable<'txn>, StoreError> {
    let place = &mut tables[table.index()];
    if place.is_none() {
        *place = Some(txn.open_table(definition(table)).map_err(io)?);
    }
    place.as_mut().ok_or(StoreError::Closed)
}

fn clear(table: &mut WriteTable<'_>, start: &Bytes, end: &Bytes) -> Result<(), StoreError> {
    if start < end {
        table
            .retain_in::<&[u8], _>(&**start..&**end, |_, _| false)
            .map_err(io)?;
    }
    Ok(())
}

type ReadTable = ReadOnlyTable<&'static [u8], &'static [u8]>;
type WriteTable<'txn> = redb::Table<'txn, &'static [u8], &'static [u8]>;
type Range = redb::Range<'static, &'static [u8], &'static [u8]>;
type Guard = redb::AccessGuard<'static, &'static [u8]>;

/// A state of the tables: a redb read transaction with its tables open.
pub(super) struct RedbSnapshot {
    time: TxnTime,
    tables: [ReadTable; Table::COUNT],
}

impl RedbSnapshot {
    fn take(database: &Database) -> Result<Arc<RedbSnapshot>, StoreError> {
        let txn = database.begin_read().map_err(io)?;
        let open = |table: Table| txn.open_table(definition(table)).map_err(io);
        let [documents, history, index, index_history, system, changes] = Table::ALL;
        let tables = [
            open(documents)?,
            open(history)?,
            open(index)?,
            open(index_history)?,
            open(system)?,
            open(changes)?,
        ];
        let time = txn
            .open_table(META)
            .map_err(io)?
            .get(META_TIME)
            .map_err(io)?
            .and_then(|time| <[u8; 8]>::try_from(time.value()).ok())
            .map(|time| TxnTime(i64::from_be_bytes(time)))
            .ok_or_else(|| StoreError::Io("the database has lost its time".to_owned()))?;
        Ok(Arc::new(RedbSnapshot { time, tables }))
    }

    fn entries(
        &self,
        table: Table,
        start: Bound<&[u8]>,
        end: Bound<&[u8]>,
    ) -> Result<Option<Range>, StoreError> {
        if is_empty_range(start, end) {
            return Ok(None);
        }
        let range = self.tables[table.index()]
            .range::<&[u8]>((start, end))
            .map_err(io)?;
        Ok(Some(range))
    }
}

impl Snapshot for RedbSnapshot {
    fn time(&self) -> TxnTime {
        self.time
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        let value = self.tables[table.index()].get(key).map_err(io)?;
        Ok(value.map(|value| Bytes::from(value.value())))
    }

    fn get_with(
        &self,
        table: Table,
        key: &[u8],
        see: &mut dyn FnMut(&[u8]),
    ) -> Result<bool, StoreError> {
        let value = self.tables[table.index()].get(key).map_err(io)?;
        if let Some(value) = &value {
            see(value.value());
        }
        Ok(value.is_some())
    }

    fn range<'a>(
        &'a self,
        table: Table,
        start: Bound<&[u8]>,
        end: Bound<&[u8]>,
        reverse: bool,
    ) -> Result<Box<dyn Iterator<Item = Result<Entry, StoreError>> + 'a>, StoreError> {
        let Some(range) = self.entries(table, start, end)? else {
            return Ok(Box::new(std::iter::empty()));
        };
        let owned = |entry: redb::Result<(Guard, Guard)>| {
            let (key, value) = entry.map_err(io)?;
            Ok((Bytes::from(key.value()), Bytes::from(value.value())))
        };
        Ok(if reverse {
            Box::new(range.rev().map(owned))
        } else {
            Box::new(range.map(owned))
        })
    }

    fn range_with(
        &self,
        table: Table,
        start: Bound<&[u8]>,
        end: Bound<&[u8]>,
        reverse: bool,
        see: &mut SeeEntry<'_>,
    ) -> Result<(), StoreError> {
        let Some(mut range) = self.entries(table, start, end)? else {
            return Ok(());
        };
        while let Some(entry) = if reverse {
            range.next_back()
        } else {
            range.next()
        } {
            let (key, value) = entry.map_err(io)?;
            if see(key.value(), value.value()).is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// Writes all of `snapshot` into a new database file.
pub(super) fn save_copy(
    snapshot: &dyn Snapshot,
    path: &Path,
    cache: usize,
) -> Result<(), StoreError> {
    let exists = || StoreError::Unusable(format!("{}: exists already", path.display()));
    if std::fs::symlink_metadata(path).is_ok() {
        return Err(exists());
    }
    let (new, file) = NewFile::create(path)?;
    let engine = RedbEngine::open_file(path, file, true, cache)?;
    engine.with_database(|database| {
        format(database, snapshot.time())?;
        let txn = database.begin_write().map_err(io)?;
        for table in Table::ALL {
            let mut copy = txn.open_table(definition(table)).map_err(io)?;
            let mut end = copy
                .upper_bound_mut(Bound::<&[u8]>::Unbounded)
                .map_err(io)?;
            let mut failed = None;
            snapshot.range_with(
                table,
                Bound::Unbounded,
                Bound::Unbounded,
                false,
                &mut |key, value| match end.insert_before(key, value) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(error) => {
                        failed = Some(io(error));
                        ControlFlow::Break(())
                    }
                },
            )?;
            if let Some(error) = failed {
                return Err(error);
            }
            end.close().map_err(io)?;
        }
        txn.commit().map_err(io)
    })?;
    drop(engine);
    if new.publish()? {
        Ok(())
    } else {
        Err(exists())
    }
}

fn io(error: impl Into<redb::Error>) -> StoreError {
    match error.into() {
        redb::Error::DatabaseClosed => StoreError::Closed,
        other => StoreError::Io(other.to_string()),
    }
}
