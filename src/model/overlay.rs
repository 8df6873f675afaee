//! A transaction's own writes, over the snapshot it reads.
//!
//! Keys and values hold [`PENDING`](super::keys::PENDING) where the commit time will be stamped, so pending
//! entries sort and read as newer than every committed one.

use crate::store::{Bytes, Stamp, Table, Write};
use smallvec::SmallVec;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

/// A write that is not committed yet.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    /// The new value; `None` deletes.
    pub value: Option<Bytes>,
    /// Places of the commit time.
    pub stamps: SmallVec<[Stamp; 2]>,
    /// What the snapshot holds, for tables with history.
    pub base: Option<Bytes>,
}

impl Pending {
    /// What a further write to a document or index entry supersedes: what the snapshot holds, or what this transaction
    /// has put into the past.
    pub fn superseded(&self) -> Option<Bytes> {
        let past = |value: &&Bytes| value.get(..8) != Some(&super::keys::PENDING);
        self.base
            .clone()
            .or_else(|| self.value.as_ref().filter(past).cloned())
    }
}

/// Pending writes by table and key.
#[derive(Default)]
pub(crate) struct Overlay {
    tables: [BTreeMap<Arc<[u8]>, Pending>; Table::COUNT],
    bytes: u64,
}

impl Overlay {
    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.tables.iter().all(BTreeMap::is_empty)
    }

    /// Whether nothing was written to `table`.
    pub fn is_clean(&self, table: Table) -> bool {
        self.tables[table.index()].is_empty()
    }

    /// Bytes of keys and values written.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The pending write of a key.
    pub fn get(&self, table: Table, key: &[u8]) -> Option<&Pending> {
        self.tables[table.index()].get(key)
    }

    /// Writes a key.
    pub fn set(&mut self, table: Table, key: &[u8], pending: Pending) {
        let map = &mut self.tables[table.index()];
        self.bytes += size(key, &pending);
        if let Some(known) = map.get_mut(key) {
            self.bytes -= size(key, known);
            *known = pending;
        } else {
            map.insert(key.into(), pending);
        }
    }

    /// Forgets a write.
    pub fn forget(&mut self, table: Table, key: &[u8]) {
        if let Some(pending) = self.tables[table.index()].remove(key) {
            self.bytes -= size(key, &pending);
        }
    }

    /// Forgets every write to `start..end`.
    pub fn forget_range(&mut self, table: Table, start: &[u8], end: &[u8]) {
        let keys: Vec<Arc<[u8]>> = self
            .range(table, start, end)
            .map(|(key, _)| key.clone())
            .collect();
        for key in keys {
            self.forget(table, &key);
        }
    }

    /// Writes in `start..end`, ascending; an empty `end` is no bound.
    pub fn range(
        &self,
        table: Table,
        start: &[u8],
        end: &[u8],
    ) -> impl DoubleEndedIterator<Item = (&Arc<[u8]>, &Pending)> {
        let upper = if end.is_empty() {
            Bound::Unbounded
        } else {
            Bound::Excluded(end)
        };
        let empty = !end.is_empty() && start >= end;
        let bounds = if empty {
            (Bound::Included(start), Bound::Excluded(start))
        } else {
            (Bound::Included(start), upper)
        };
        self.tables[table.index()].range::<[u8], _>(bounds)
    }

    /// The first key after `after` (the first at all if `None`) in `start..end`, or the last before it if `reverse`.
    pub fn next_key(
        &self,
        table: Table,
        start: &[u8],
        end: &[u8],
        after: Option<&[u8]>,
        reverse: bool,
    ) -> Option<(Arc<[u8]>, Pending)> {
        let found = match after {
            None if reverse => self.range(table, start, end).next_back(),
            None => self.range(table, start, end).next(),
            Some(after) if reverse => self.range(table, start, after).next_back(),
            Some(after) => self
                .range(table, after, end)
                .find(|(key, _)| ***key != *after),
        };
        found.map(|(key, pending)| (key.clone(), pending.clone()))
    }

    /// Every write of a table, ascending.
    pub fn iter(&self, table: Table) -> impl Iterator<Item = (&Arc<[u8]>, &Pending)> {
        self.tables[table.index()].iter()
    }

    /// The writes as they go to the store.
    pub fn into_writes(self) -> Vec<Write> {
        let mut writes = Vec::new();
        for (table, map) in Table::ALL.into_iter().zip(self.tables) {
            writes.extend(map.into_iter().map(|(key, pending)| Write {
                table,
                key: key.to_vec(),
                value: pending.value.map(|value| value.to_vec()),
                stamps: pending.stamps,
            }));
        }
        writes
    }
}

fn size(key: &[u8], pending: &Pending) -> u64 {
    (key.len() + pending.value.as_ref().map_or(0, |value| value.len())) as u64
}
