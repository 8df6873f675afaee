//! What transactions of the past have changed: the ground of event feeds.
//!
//! Every commit notes which documents it wrote or deleted in the table `changes`, by collection and time, so that
//! reading on from a time costs what has happened since, however large the collection is:
//!
//! ```text
//! scope coll ts id ─▶ id id ...    up to 128 documents of one transaction, by id, the first in the key
//! ```
//!
//! Rows older than the earliest readable time are purged. A file written before this table existed gets it when it is
//! opened ([`super::upgrade`]).

use super::bytes::Stamps;
use super::cursor::RawCursor;
use super::entries::{self, Fields};
use super::overlay::Pending;
use super::txn::Txn;
use super::version::{Header, Version};
use super::{IndexedDocument, ModelError, keys};
use crate::store::{Bytes, Committed, Entry, Stamp, StampPlace, Table, TxnTime};
use crate::value::{CollId, DocId, IndexId, ScopeId, Value};
use smallvec::smallvec;

/// Documents in one row.
const ROW: usize = 128;

/// A walk over the transactions that changed a collection (or one document of it), by time. It does not borrow the
/// transaction.
pub struct ChangeCursor {
    source: Source,
}

enum Source {
    /// The change log of a collection; its next row, if that was read already.
    Log(Box<RawCursor>, Option<Entry>),
    /// The changes of one document, which is its history.
    One(DocId, std::vec::IntoIter<TxnTime>),
}

impl ChangeCursor {
    /// The next transaction, and the documents it changed, by id.
    pub fn next(&mut self, txn: &mut Txn) -> Result<Option<(TxnTime, Vec<DocId>)>, ModelError> {
        let (log, head) = match &mut self.source {
            Source::One(id, times) => return Ok(times.next().map(|ts| (ts, vec![*id]))),
            Source::Log(log, head) => (log, head),
        };
        let mut found: Option<(TxnTime, Vec<DocId>)> = None;
        loop {
            let row = match head.take() {
                Some(row) => row,
                None => match log.next(txn)? {
                    Some(row) => row,
                    None => break,
                },
            };
            let Some(ts) = keys::change_time(&row.0) else {
                continue;
            };
            match &mut found {
                None => found = Some((ts, documents_of(&row).collect())),
                Some((known, documents)) if *known == ts => documents.extend(documents_of(&row)),
                Some(_) => {
                    *head = Some(row);
                    break;
                }
            }
        }
        // Rows that were put into the past lie between those of the commit.
        if let Some((_, documents)) = &mut found {
            documents.sort_unstable();
            documents.dedup();
        }
        Ok(found)
    }

    /// Bytes of the change log read so far.
    pub fn bytes_read(&self) -> u64 {
        match &self.source {
            Source::Log(log, _) => log.bytes_read,
            Source::One(..) => 0,
        }
    }
}

/// The documents of a row.
fn documents_of((key, value): &Entry) -> impl Iterator<Item = DocId> {
    let rest = value.chunks_exact(8).filter_map(|id| keys::id_at(id, 0));
    keys::changed_document(key).into_iter().chain(rest)
}

impl Txn {
    /// The transactions after `since`, up to `until`, that changed documents of a collection, or one of them. Fails if
    /// that history may be gone.
    pub fn changes(
        &mut self,
        coll: CollId,
        only: Option<DocId>,
        since: TxnTime,
        until: TxnTime,
    ) -> Result<ChangeCursor, ModelError> {
        self.check_readable(coll, since)?;
        let source = match only {
            Some(id) => Source::One(id, self.times_of(coll, id, since, until)?.into_iter()),
            None => {
                let start = match since.0.checked_add(1) {
                    Some(next) => keys::changes_at(self.scope(), coll, TxnTime(next)).to_vec(),
                    None => keys::successor(&keys::collection(self.scope(), coll)),
                };
                let end = keys::successor(&keys::changes_at(self.scope(), coll, until));
                let log = RawCursor::committed(Table::Changes, start, end, false);
                Source::Log(Box::new(log), None)
            }
        };
        Ok(ChangeCursor { source })
    }

    /// When a document was written or deleted, within bounds.
    fn times_of(
        &mut self,
        coll: CollId,
        id: DocId,
        since: TxnTime,
        until: TxnTime,
    ) -> Result<Vec<TxnTime>, ModelError> {
        let within = |ts: &TxnTime| *ts > since && *ts <= until;
        let key = keys::document(self.scope(), coll, id);
        let mut found = Vec::new();
        if let Some(bytes) = self.snapshot.get(Table::Documents, &key)? {
            found.extend(Header::read(&bytes).and_then(|header| header.ts));
        }
        let start = [&key[..], &keys::inverted_time_bytes(until)].concat();
        let mut history = RawCursor::committed(Table::History, start, keys::successor(&key), false);
        while let Some((key, _)) = history.next(self)? {
            match keys::inverted_time_at(&key, keys::DOCUMENT_KEY) {
                Some(ts) if ts > since => found.push(ts),
                Some(_) | None => break,
            }
        }
        found.retain(within);
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// Notes the documents that this transaction writes or deletes.
    pub(crate) fn log_changes(&mut self) {
        let mut rows: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        for (key, pending) in self.overlay.iter(Table::Documents) {
            let changed = match &pending.value {
                // What keeps its time was put into the past, or only noted anew.
                Some(value) => value.get(..8) == Some(&keys::PENDING),
                None => pending.base.is_some(),
            };
            let (Some(coll), Some(id)) = (key.get(..16), key.get(16..)) else {
                continue;
            };
            if !changed {
                continue;
            }
            match rows.last_mut() {
                Some((row, rest)) if row.starts_with(coll) && rest.len() < (ROW - 1) * 8 => {
                    rest.extend_from_slice(id);
                }
                Some(_) | None => rows.push(([coll, &keys::PENDING, id].concat(), Vec::new())),
            }
        }
        for (key, rest) in rows {
            let stamps: Stamps = smallvec![Stamp {
                place: StampPlace::Key,
                offset: keys::CHANGE_TIME as u32,
                inverted: false,
            }];
            let pending = Pending {
                value: Some(rest.into()),
                stamps,
                base: None,
            };
            self.overlay.set(Table::Changes, &key, pending);
        }
    }

    /// Notes that a document was changed at a time of the past.
    pub(crate) fn log_past_change(&mut self, coll: CollId, id: DocId, ts: TxnTime) {
        let key = keys::change(self.scope(), coll, ts, id);
        self.set_change(&key, Some(Bytes::from([])));
    }

    /// Takes a note back.
    pub(crate) fn unlog_past_change(
        &mut self,
        coll: CollId,
        id: DocId,
        ts: TxnTime,
    ) -> Result<(), ModelError> {
        let start = keys::changes_at(self.scope(), coll, ts);
        let end = keys::successor(&start);
        let mut rows = RawCursor::unrecorded(Table::Changes, start.to_vec(), end, false);
        while let Some(row) = rows.next(self)? {
            let mut documents: Vec<DocId> = documents_of(&row).collect();
            if !documents.contains(&id) {
                continue;
            }
            documents.retain(|known| *known != id);
            self.set_change(&row.0, None);
            if let Some((first, rest)) = documents.split_first() {
                let rest: Vec<u8> = rest.iter().flat_map(|id| keys::id_bytes(*id)).collect();
                let key = keys::change(self.scope(), coll, ts, *first);
                self.set_change(&key, Some(rest.into()));
            }
        }
        Ok(())
    }

    fn set_change(&mut self, key: &[u8], value: Option<Bytes>) {
        let pending = Pending {
            value,
            stamps: Stamps::new(),
            base: None,
        };
        self.overlay.set(Table::Changes, key, pending);
        self.bump_epoch();
    }

    /// The covered values that a position in an index tells, as [`Txn::entries_of`] gives it.
    pub fn entry_values(&self, index: &super::schema::BackingIndex, position: &[u8]) -> Vec<Value> {
        entries::covered_values(index, position, 0)
    }

    /// Positions of a version's entries with these terms in an index, in order; none if it is not in that set.
    pub fn entries_of(
        &mut self,
        coll: CollId,
        index: IndexId,
        terms: &[Value],
        id: DocId,
        version: &Version,
    ) -> Result<Vec<Vec<u8>>, ModelError> {
        let schema = self.schema().clone();
        let Some(collection) = schema.collection(coll) else {
            return Ok(Vec::new());
        };
        let Some(index) = collection.backing_index(index) else {
            return Ok(Vec::new());
        };
        let model = self.model().clone();
        let computed = model.computed_fields();
        let data = version.object();
        let document = IndexedDocument {
            id,
            ts: version.ts,
            ttl: version.ttl,
            data: &data,
        };
        let codec = model.key_codec();
        let fields = Fields {
            scope: self.scope(),
            codec,
            schema: &schema,
            collection,
            computed: computed.as_deref(),
            bindings: None,
            document,
        };
        let prefix = entries::terms_prefix(codec, self.scope(), index, terms);
        let all = entries::own_entries(index, &fields)?;
        let mine = all
            .into_iter()
            .filter(|entry| entry.key.starts_with(&prefix));
        Ok(mine
            .map(|entry| entry.key.get(prefix.len()..).unwrap_or_default().to_vec())
            .collect())
    }
}

/// Which documents of a collection a commit wrote or deleted, by id.
pub fn documents_changed(committed: &Committed, scope: ScopeId, coll: CollId) -> Vec<DocId> {
    let prefix = keys::collection(scope, coll);
    let start = committed
        .keys
        .partition_point(|(table, key)| (*table, &key[..]) < (Table::Documents, &prefix[..]));
    committed.keys[start..]
        .iter()
        .take_while(|(table, key)| *table == Table::Documents && key.starts_with(&prefix))
        .filter_map(|(_, key)| keys::document_id(key))
        .collect()
}

/// Whether a commit wrote or deleted a document, or rewrote its history.
pub fn document_touched(committed: &Committed, scope: ScopeId, coll: CollId, id: DocId) -> bool {
    let document = keys::document(scope, coll, id);
    [Table::Documents, Table::History].into_iter().any(|table| {
        let at = committed
            .keys
            .partition_point(|(of, key)| (*of, &key[..]) < (table, &document[..]));
        let next = committed.keys.get(at);
        next.is_some_and(|(of, key)| *of == table && key.starts_with(&document))
    })
}

/// Whether a commit wrote entries of an index of FQL v4, by the id of its document.
pub fn index_touched(committed: &Committed, scope: ScopeId, id: DocId) -> bool {
    let index = keys::index(scope, IndexId(u64::try_from(id.0).unwrap_or(0)));
    [Table::Index, Table::IndexHistory]
        .into_iter()
        .any(|table| {
            let at = committed
                .keys
                .partition_point(|(of, key)| (*of, &key[..]) < (table, &index[..]));
            let next = committed.keys.get(at);
            next.is_some_and(|(of, key)| *of == table && key.starts_with(&index))
        })
}
