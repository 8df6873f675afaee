//! Entries of an index, now or at a past time.
//!
//! The past is the merge of two tables: entries that are still there and were already there at the time, and entries
//! removed since that had been added before.

use super::cursor::RawCursor;
use super::entries;
use super::range::IndexBounds;
use super::schema::BackingIndex;
use super::txn::Txn;
use super::write::entry_ttl;
use super::{ModelError, keys};
use crate::store::{Bytes, Entry, Table, TxnTime};
use crate::value::{CollId, DocId, IndexId, Time, Value};
use std::sync::Arc;

/// A walk over the entries of an index. It does not borrow the transaction.
pub struct IndexCursor {
    coll: CollId,
    /// `None`: there is no such index, or nothing can match.
    index: Option<Arc<BackingIndex>>,
    /// Length of `scope index terms`.
    prefix: usize,
    source: Source,
}

// Nearly every walk is of the present: boxing it would cost each one an allocation.
#[allow(clippy::large_enum_variant)]
enum Source {
    Now(RawCursor),
    Past(Box<PastEntries>),
    /// The history that would be needed is gone.
    Unreadable(TxnTime),
}

/// One entry of an index.
#[derive(Clone, Debug)]
pub struct IndexEntry {
    /// The collection of the document.
    pub coll: CollId,
    /// The document.
    pub doc: DocId,
    /// When the entry was added; `None`: by this transaction.
    pub ts: Option<TxnTime>,
    index: Arc<BackingIndex>,
    key: Bytes,
    prefix: usize,
}

impl IndexEntry {
    /// The covered values, in the order of the index's definition.
    pub fn values(&self) -> Vec<Value> {
        entries::covered_values(&self.index, &self.key, self.prefix)
    }

    /// Where it stands among the entries with its terms: for [`IndexCursor`]s that begin here.
    pub fn position(&self) -> &[u8] {
        self.key.get(self.prefix..).unwrap_or_default()
    }

    /// The index it is in.
    pub fn index(&self) -> &Arc<BackingIndex> {
        &self.index
    }
}

impl Txn {
    /// Entries of an index of a collection with these terms, in the order of its values.
    pub fn index_scan(
        &mut self,
        coll: CollId,
        index: IndexId,
        terms: &[Value],
        bounds: &IndexBounds,
        reverse: bool,
        at: Option<TxnTime>,
    ) -> IndexCursor {
        self.index_scan_from(coll, index, terms, bounds, None, reverse, at)
    }

    /// As [`Txn::index_scan`], beginning with the entry at `position` (of [`IndexEntry::position`]) if it is still
    /// there, or else with the next one.
    #[allow(clippy::too_many_arguments)]
    pub fn index_scan_from(
        &mut self,
        coll: CollId,
        index: IndexId,
        terms: &[Value],
        bounds: &IndexBounds,
        position: Option<&[u8]>,
        reverse: bool,
        at: Option<TxnTime>,
    ) -> IndexCursor {
        let index = self
            .schema()
            .collection(coll)
            .and_then(|c| c.backing_index(index))
            .cloned();
        // A reference into a deleted collection matches nothing.
        let index = index.filter(|_| {
            terms.iter().all(|term| match term {
                Value::Doc(doc) => self.schema().collection(doc.coll).is_some(),
                _ => true,
            })
        });
        let prefix = match &index {
            Some(index) => {
                entries::terms_prefix(self.model.key_codec(), self.scope(), index, terms)
            }
            None => Vec::new(),
        };
        let (mut start, mut end) = bounds.key_range(&prefix);
        if let Some(position) = position {
            let here = [&prefix[..], position].concat();
            if reverse {
                end = end.min(keys::successor(&here));
            } else {
                start = start.max(here);
            }
        }
        let source = match at {
            None => Source::Now(RawCursor::current(Table::Index, start, end, reverse)),
            Some(at) if self.check_readable(coll, at).is_err() => Source::Unreadable(at),
            Some(at) => Source::Past(Box::new(PastEntries::new((start, end), reverse, at))),
        };
        IndexCursor {
            coll,
            index,
            prefix: prefix.len(),
            source,
        }
    }
}

impl IndexCursor {
    /// The next live entry.
    pub fn next(&mut self, txn: &mut Txn) -> Result<Option<IndexEntry>, ModelError> {
        let Some(index) = &self.index else {
            return Ok(None);
        };
        let now: Time = txn.time().into();
        loop {
            let entry = match &mut self.source {
                Source::Now(cursor) => cursor.next(txn)?,
                Source::Past(past) => past.next(txn)?,
                Source::Unreadable(at) => {
                    txn.check_readable(self.coll, *at)?;
                    None
                }
            };
            let Some((key, value)) = entry else {
                return Ok(None);
            };
            if entry_ttl(&value).is_some_and(|ttl| ttl <= now) {
                continue;
            }
            let Some((coll, doc)) = keys::index_document(&key) else {
                continue;
            };
            let ts = keys::time_at(&value, 0).filter(|ts| ts.0 != i64::MAX);
            return Ok(Some(IndexEntry {
                coll,
                doc,
                ts,
                index: index.clone(),
                key,
                prefix: self.prefix,
            }));
        }
    }

    /// Entries that were fetched already, behind the last one given.
    pub fn ready(&self) -> usize {
        match &self.source {
            Source::Now(cursor) => cursor.ready(),
            Source::Past(_) | Source::Unreadable(_) => 0,
        }
    }
}

/// Entries that were there at a time, in key order.
pub(super) struct PastEntries {
    current: RawCursor,
    current_head: Option<Entry>,
    removed: RawCursor,
    removed_head: Option<Entry>,
    at: TxnTime,
    reverse: bool,
    started: bool,
}

impl PastEntries {
    pub fn new(range: (Vec<u8>, Vec<u8>), reverse: bool, at: TxnTime) -> PastEntries {
        PastEntries {
            current: RawCursor::committed(Table::Index, range.0.clone(), range.1.clone(), reverse),
            current_head: None,
            removed: RawCursor::committed(Table::IndexHistory, range.0, range.1, reverse),
            removed_head: None,
            at,
            reverse,
            started: false,
        }
    }

    pub fn next(&mut self, txn: &mut Txn) -> Result<Option<Entry>, ModelError> {
        if !self.started {
            self.started = true;
            self.next_current(txn)?;
            self.next_removed(txn)?;
        }
        let removed_first = match (&self.current_head, &self.removed_head) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some((current, _)), Some((removed, _))) => {
                if self.reverse {
                    removed > current
                } else {
                    removed < current
                }
            }
        };
        let found;
        if removed_first {
            found = self.removed_head.take();
            self.next_removed(txn)?;
        } else {
            found = self.current_head.take();
            self.next_current(txn)?;
        }
        Ok(found)
    }

    fn next_current(&mut self, txn: &mut Txn) -> Result<(), ModelError> {
        while let Some((key, value)) = self.current.next(txn)? {
            if keys::time_at(&value, 0).is_some_and(|added| added <= self.at) {
                self.current_head = Some((key, value));
                return Ok(());
            }
        }
        Ok(())
    }

    fn next_removed(&mut self, txn: &mut Txn) -> Result<(), ModelError> {
        while let Some((key, value)) = self.removed.next(txn)? {
            let Some(length) = key.len().checked_sub(8) else {
                continue;
            };
            let added = keys::time_at(&value, 0).is_some_and(|added| added <= self.at);
            let removed =
                keys::inverted_time_at(&key, length).is_some_and(|removed| removed <= self.at);
            if added && !removed {
                let entry: Bytes = key.get(..length).unwrap_or_default().into();
                self.removed_head = Some((entry, value));
                return Ok(());
            }
        }
        Ok(())
    }
}
