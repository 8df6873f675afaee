//! A walk over a key range of one table: the snapshot merged with the transaction's own writes.
//!
//! A cursor does not borrow the transaction, so a query may write between two steps. Like a B-tree cursor it stands
//! behind the last key it gave: what is written in front of it will be met, what is written behind it will not.
//! It fetches from the snapshot in batches that grow while the walk goes on, bounded in entries and bytes.

use super::overlay::Pending;
use super::read_log::WalkId;
use super::txn::Txn;
use crate::store::{Bytes, Entry, StoreError, Table};
use std::ops::Bound;

const FIRST_BATCH: usize = 16;
const LAST_BATCH: usize = 1024;
const BATCH_BYTES: usize = 1 << 20;

/// A walk over `start..end` of a table.
pub(crate) struct RawCursor {
    table: Table,
    start: Vec<u8>,
    end: Vec<u8>,
    reverse: bool,
    buffer: std::vec::IntoIter<Entry>,
    /// The next entry of the snapshot, taken out of the buffer.
    head: Option<Entry>,
    /// The last key fetched from the snapshot.
    fetched: Option<Bytes>,
    exhausted: bool,
    batch: usize,
    /// The last key given or passed.
    last: Option<Bytes>,
    own_writes: bool,
    /// The next own write, as of the write epoch it was looked up in.
    pending: Option<(u64, Option<(Bytes, Pending)>)>,
    recorded: bool,
    walk: Option<WalkId>,
    done: bool,
    /// Bytes of the entries given so far.
    pub bytes_read: u64,
}

impl RawCursor {
    /// A walk that sees own writes, and is recorded for validation.
    pub fn current(table: Table, start: Vec<u8>, end: Vec<u8>, reverse: bool) -> RawCursor {
        let empty = !end.is_empty() && start >= end;
        RawCursor {
            table,
            start,
            end,
            reverse,
            buffer: Vec::new().into_iter(),
            head: None,
            fetched: None,
            exhausted: empty,
            batch: FIRST_BATCH,
            last: None,
            own_writes: true,
            pending: None,
            recorded: true,
            walk: None,
            done: empty,
            bytes_read: 0,
        }
    }

    /// A walk over committed entries only. Not recorded: the past does not change.
    pub fn committed(table: Table, start: Vec<u8>, end: Vec<u8>, reverse: bool) -> RawCursor {
        RawCursor {
            own_writes: false,
            recorded: false,
            ..RawCursor::current(table, start, end, reverse)
        }
    }

    /// The same walk over committed entries only.
    pub fn into_committed(self) -> RawCursor {
        RawCursor {
            own_writes: false,
            recorded: false,
            ..self
        }
    }

    /// A walk that sees own writes but is not validated: for listings of the past and maintenance.
    pub fn unrecorded(table: Table, start: Vec<u8>, end: Vec<u8>, reverse: bool) -> RawCursor {
        RawCursor {
            recorded: false,
            ..RawCursor::current(table, start, end, reverse)
        }
    }

    /// The next entry.
    pub fn next(&mut self, txn: &mut Txn) -> Result<Option<Entry>, StoreError> {
        if self.done {
            return Ok(None);
        }
        if self.recorded && self.walk.is_none() {
            self.walk =
                Some(
                    txn.reads
                        .begin_walk(self.table, &self.start, &self.end, self.reverse),
                );
        }
        loop {
            self.fill(txn)?;
            let own = self.own_writes && !txn.overlay.is_clean(self.table);
            if own {
                self.look_up_pending(txn);
            }
            let pending_first = match (&self.head, &self.pending) {
                (_, _) if !own => false,
                (None, Some((_, Some(_)))) => true,
                (Some((head, _)), Some((_, Some((key, _))))) => {
                    if self.reverse {
                        key >= head
                    } else {
                        key <= head
                    }
                }
                (_, Some((_, None)) | None) => false,
            };
            let (key, value) = if pending_first {
                let Some((_, Some((key, pending)))) = self.pending.take() else {
                    continue;
                };
                if self.head.as_ref().is_some_and(|(head, _)| *head == key) {
                    self.head = None;
                }
                self.last = Some(key.clone());
                match pending.value {
                    Some(value) => (key, value),
                    None => continue,
                }
            } else {
                let Some((key, value)) = self.head.take() else {
                    self.done = true;
                    if let Some(walk) = self.walk {
                        txn.reads.finished(walk);
                    }
                    return Ok(None);
                };
                if txn.is_dropped(&key) {
                    continue;
                }
                if let Some(walk) = self.walk {
                    txn.reads.reached(walk, &key);
                }
                self.last = Some(key.clone());
                (key, value)
            };
            self.bytes_read += (key.len() + value.len()) as u64;
            return Ok(Some((key, value)));
        }
    }

    /// Entries that lie ready behind the last one given, fetched already.
    pub fn ready(&self) -> usize {
        usize::from(self.head.is_some()) + self.buffer.len()
    }

    fn look_up_pending(&mut self, txn: &Txn) {
        if self
            .pending
            .as_ref()
            .is_some_and(|(epoch, _)| *epoch == txn.write_epoch())
        {
            return;
        }
        let next = txn.overlay.next_key(
            self.table,
            &self.start,
            &self.end,
            self.last.as_deref(),
            self.reverse,
        );
        self.pending = Some((txn.write_epoch(), next));
    }

    fn fill(&mut self, txn: &mut Txn) -> Result<(), StoreError> {
        if self.head.is_some() {
            return Ok(());
        }
        if let Some(entry) = self.buffer.next() {
            self.head = Some(entry);
            return Ok(());
        }
        if self.exhausted {
            return Ok(());
        }
        let snapshot = txn.snapshot.clone();
        let (start, end) = match (&self.fetched, self.reverse) {
            (None, _) => (Bound::Included(&self.start[..]), upper(&self.end)),
            (Some(key), false) => (Bound::Excluded(&key[..]), upper(&self.end)),
            (Some(key), true) => (Bound::Included(&self.start[..]), Bound::Excluded(&key[..])),
        };
        let mut batch = Vec::with_capacity(self.batch);
        let mut bytes = 0;
        let mut exhausted = true;
        for entry in snapshot.range(self.table, start, end, self.reverse)? {
            let (key, value) = entry?;
            bytes += key.len() + value.len();
            batch.push((key, value));
            if batch.len() >= self.batch || bytes >= BATCH_BYTES {
                exhausted = false;
                break;
            }
        }
        self.exhausted = exhausted;
        self.batch = (self.batch * 4).min(LAST_BATCH);
        self.fetched = batch
            .last()
            .map(|(key, _)| key.clone())
            .or(self.fetched.take());
        self.buffer = batch.into_iter();
        self.head = self.buffer.next();
        Ok(())
    }
}

fn upper(end: &[u8]) -> Bound<&[u8]> {
    if end.is_empty() {
        Bound::Unbounded
    } else {
        Bound::Excluded(end)
    }
}
