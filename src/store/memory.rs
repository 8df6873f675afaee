//! The tables in memory: ordered maps that share what they have in common, so that a snapshot is a
//! clone of six pointers, and opening a database costs nothing.

use super::pipeline::{Engine, Prepared};
use super::{Bytes, Entry, KeyRange, SeeEntry, Snapshot, StoreError, Table, TxnTime};
use imbl::OrdMap;
use std::ops::Bound;
use std::sync::Arc;

/// A state of the tables.
#[derive(Clone)]
pub(super) struct MemorySnapshot {
    time: TxnTime,
    tables: [OrdMap<Bytes, Bytes>; Table::COUNT],
}

/// The newest state.
pub(super) struct MemoryEngine {
    newest: Arc<MemorySnapshot>,
}

impl MemoryEngine {
    /// An empty database, made at `now`.
    pub(super) fn new(now: TxnTime) -> MemoryEngine {
        let tables = Default::default();
        MemoryEngine {
            newest: Arc::new(MemorySnapshot { time: now, tables }),
        }
    }

    /// The newest committed state.
    pub(super) fn snapshot(&self) -> Arc<MemorySnapshot> {
        self.newest.clone()
    }
}

impl Engine for MemoryEngine {
    fn apply(&mut self, batch: &[Prepared]) -> Result<Arc<dyn Snapshot>, StoreError> {
        let mut next = MemorySnapshot::clone(&self.newest);
        for commit in batch {
            for range in commit.clears.iter() {
                next.clear(range);
            }
            for ((table, key), value) in commit.keys.iter().zip(&commit.values) {
                let entries = &mut next.tables[table.index()];
                match value {
                    Some(value) => entries.insert(key.clone(), Bytes::from(value.as_slice())),
                    None => entries.remove(&**key),
                };
            }
            next.time = commit.time;
        }
        self.newest = Arc::new(next);
        Ok(self.newest.clone())
    }

    fn recover(&mut self) -> Result<Arc<dyn Snapshot>, StoreError> {
        Ok(self.newest.clone())
    }
}

impl MemorySnapshot {
    fn clear(&mut self, (table, start, end): &KeyRange) {
        let cleared = self.entries(*table, Bound::Included(start), Bound::Excluded(end));
        let keys: Vec<Bytes> = cleared
            .into_iter()
            .flatten()
            .map(|(key, _)| key.clone())
            .collect();
        for key in &keys {
            self.tables[table.index()].remove(&**key);
        }
    }

    fn entries<'a>(
        &'a self,
        table: Table,
        start: Bound<&[u8]>,
        end: Bound<&[u8]>,
    ) -> Option<impl DoubleEndedIterator<Item = (&'a Bytes, &'a Bytes)> + use<'a>> {
        if is_empty_range(start, end) {
            return None;
        }
        Some(self.tables[table.index()].range::<_, [u8]>((start, end)))
    }
}

/// Whether no key can lie between the bounds. (Maps may panic on such bounds.)
pub(super) fn is_empty_range(start: Bound<&[u8]>, end: Bound<&[u8]>) -> bool {
    match (start, end) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Included(start), Bound::Included(end)) => start > end,
        (
            Bound::Included(start) | Bound::Excluded(start),
            Bound::Included(end) | Bound::Excluded(end),
        ) => start >= end,
    }
}

impl Snapshot for MemorySnapshot {
    fn time(&self) -> TxnTime {
        self.time
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        Ok(self.tables[table.index()].get(key).cloned())
    }

    fn get_with(
        &self,
        table: Table,
        key: &[u8],
        see: &mut dyn FnMut(&[u8]),
    ) -> Result<bool, StoreError> {
        let value = self.tables[table.index()].get(key);
        if let Some(value) = value {
            see(value);
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
        let Some(range) = self.entries(table, start, end) else {
            return Ok(Box::new(std::iter::empty()));
        };
        let shared = |(key, value): (&Bytes, &Bytes)| Ok((key.clone(), value.clone()));
        Ok(if reverse {
            Box::new(range.rev().map(shared))
        } else {
            Box::new(range.map(shared))
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
        let Some(mut range) = self.entries(table, start, end) else {
            return Ok(());
        };
        while let Some((key, value)) = if reverse {
            range.next_back()
        } else {
            range.next()
        } {
            if see(key, value).is_break() {
                break;
            }
        }
        Ok(())
    }
}
