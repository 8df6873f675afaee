//! Documents of a collection in id order, now or at a past time.
//!
//! The past is the merge of two tables: a current version that was already there at the time, or else the newest
//! superseded version up to it.

use super::cursor::RawCursor;
use super::schema::Collection;
use super::txn::{self, Txn};
use super::version::Version;
use super::{ModelError, keys};
use crate::store::{Bytes, Entry, Table, TxnTime};
use crate::value::{CollId, DocId};
use std::ops::Bound;
use std::sync::Arc;

/// A walk over the documents of a collection. It does not borrow the transaction.
pub struct ScanCursor {
    coll: CollId,
    /// `None`: the collection is gone, and its documents with it.
    collection: Option<Arc<Collection>>,
    source: Source,
}

// Nearly every walk is of the present: boxing it would cost each one an allocation.
#[allow(clippy::large_enum_variant)]
enum Source {
    Now(RawCursor),
    Past(Box<PastDocuments>),
    /// The history that would be needed is gone.
    Unreadable(TxnTime),
}

impl ScanCursor {
    pub(crate) fn new(
        txn: &Txn,
        coll: CollId,
        range: (Bound<DocId>, Bound<DocId>),
        reverse: bool,
        at: Option<TxnTime>,
    ) -> ScanCursor {
        let range = document_range(txn, coll, range);
        let source = match at {
            None => Source::Now(RawCursor::current(
                Table::Documents,
                range.0,
                range.1,
                reverse,
            )),
            Some(at) if txn.check_readable(coll, at).is_err() => Source::Unreadable(at),
            Some(at) => Source::Past(Box::new(PastDocuments::new(range, reverse, at))),
        };
        ScanCursor {
            coll,
            collection: txn.schema().collection(coll).cloned(),
            source,
        }
    }

    /// The next live document.
    pub fn next(&mut self, txn: &mut Txn) -> Result<Option<(DocId, Arc<Version>)>, ModelError> {
        let Some(collection) = &self.collection else {
            return Ok(None);
        };
        let now = txn.time().into();
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
            let Some(id) = keys::document_id(&key) else {
                continue;
            };
            if let Some(version) = txn::decode_live(collection, now, value)? {
                return Ok(Some((id, version)));
            }
        }
    }

    /// The collection it walks.
    pub fn collection(&self) -> CollId {
        self.coll
    }

    /// Entries that were fetched already, behind the last one given.
    pub fn ready(&self) -> usize {
        match &self.source {
            Source::Now(cursor) => cursor.ready(),
            Source::Past(_) | Source::Unreadable(_) => 0,
        }
    }
}

fn document_range(
    txn: &Txn,
    coll: CollId,
    range: (Bound<DocId>, Bound<DocId>),
) -> (Vec<u8>, Vec<u8>) {
    let key = |id: DocId| keys::document(txn.scope(), coll, id);
    let start = match range.0 {
        Bound::Unbounded => keys::collection(txn.scope(), coll).to_vec(),
        Bound::Included(id) => key(id).to_vec(),
        Bound::Excluded(id) => keys::successor(&key(id)),
    };
    let end = match range.1 {
        Bound::Unbounded => keys::successor(&keys::collection(txn.scope(), coll)),
        Bound::Included(id) => keys::successor(&key(id)),
        Bound::Excluded(id) => key(id).to_vec(),
    };
    (start, end)
}

/// Stored versions, tombstones included, that were in force at a time, in id order.
pub(crate) struct PastDocuments {
    current: RawCursor,
    current_head: Option<Entry>,
    history: RawCursor,
    history_head: Option<Entry>,
    at: TxnTime,
    reverse: bool,
    started: bool,
}

impl PastDocuments {
    pub fn new(range: (Vec<u8>, Vec<u8>), reverse: bool, at: TxnTime) -> PastDocuments {
        PastDocuments {
            current: RawCursor::committed(
                Table::Documents,
                range.0.clone(),
                range.1.clone(),
                reverse,
            ),
            current_head: None,
            history: RawCursor::committed(Table::History, range.0, range.1, reverse),
            history_head: None,
            at,
            reverse,
            started: false,
        }
    }

    pub fn next(&mut self, txn: &mut Txn) -> Result<Option<Entry>, ModelError> {
        if !self.started {
            self.started = true;
            self.next_current(txn)?;
            self.history_head = self.history.next(txn)?;
        }
        loop {
            let history_first = match (&self.current_head, &self.history_head) {
                (None, None) => return Ok(None),
                (Some(_), None) => false,
                (None, Some(_)) => true,
                (Some((current, _)), Some((history, _))) => {
                    let (current, history) = (&current[..], document_part(history));
                    // A document's current version, if it is old enough, hides its history.
                    if self.reverse {
                        history > current
                    } else {
                        history < current
                    }
                }
            };
            if history_first {
                if let Some(found) = self.next_past(txn)? {
                    return Ok(Some(found));
                }
                continue;
            }
            let found = self.current_head.take();
            self.next_current(txn)?;
            if let Some((key, _)) = &found {
                while self
                    .history_head
                    .as_ref()
                    .is_some_and(|(history, _)| document_part(history) == &key[..])
                {
                    self.history_head = self.history.next(txn)?;
                }
            }
            return Ok(found);
        }
    }

    /// Takes the next current version that was there at the time.
    fn next_current(&mut self, txn: &mut Txn) -> Result<(), ModelError> {
        self.current_head = None;
        while let Some((key, value)) = self.current.next(txn)? {
            if keys::time_at(&value, 0).is_some_and(|ts| ts <= self.at) {
                self.current_head = Some((key, value));
                break;
            }
        }
        Ok(())
    }

    /// The newest version up to the time, of the document whose history comes next.
    fn next_past(&mut self, txn: &mut Txn) -> Result<Option<Entry>, ModelError> {
        let Some((first, _)) = &self.history_head else {
            return Ok(None);
        };
        let document: Bytes = document_part(first).into();
        let mut best: Option<(TxnTime, Bytes)> = None;
        while let Some((key, value)) = self.history_head.take() {
            if document_part(&key) != &document[..] {
                self.history_head = Some((key, value));
                break;
            }
            if let Some(ts) = keys::inverted_time_at(&key, keys::DOCUMENT_KEY)
                && ts <= self.at
                && best.as_ref().is_none_or(|(known, _)| *known < ts)
            {
                best = Some((ts, value));
            }
            self.history_head = self.history.next(txn)?;
        }
        Ok(best.map(|(_, value)| (document, value)))
    }
}

fn document_part(history_key: &[u8]) -> &[u8] {
    history_key.get(..keys::DOCUMENT_KEY).unwrap_or(history_key)
}
