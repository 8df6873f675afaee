//! Entries of indexes of FQL v4: those with certain terms, by their values and then by document, now or at a past time;
//! and their comings and goings.
//!
//! Positions are the bytes behind the terms of an entry's key, or a beginning of them, which stands before all that
//! continue it. Entries of collections that are gone are passed over.

use super::bytes::{self, Stamps};
use super::cursor::RawCursor;
use super::index_scan::PastEntries;
use super::schema::{LegacyField, LegacyIndex};
use super::txn::Txn;
use super::write::entry_ttl;
use super::{ModelError, keys};
use crate::store::{Bytes, Committed, Table, TxnTime};
use crate::value::key::{self, AFTER_ALL, KeyCodec};
use crate::value::{CollId, DocId, Time, Value};
use std::ops::Bound;
use std::sync::Arc;

/// The part of an index that is asked for, behind the terms: from a position on, up to before another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LegacyBounds {
    /// The first position.
    pub from: Option<Vec<u8>>,
    /// The first position that is outside.
    pub until: Option<Vec<u8>>,
}

impl LegacyBounds {
    /// The position behind all entries that begin with this one.
    pub fn behind(position: &[u8]) -> Vec<u8> {
        keys::successor(position)
    }
}

/// An entry of an index of FQL v4.
#[derive(Clone, Debug)]
pub struct LegacyEntry {
    /// The collection of the document.
    pub coll: CollId,
    /// The document.
    pub doc: DocId,
    /// The covered values.
    pub values: Vec<Value>,
    key: Bytes,
    prefix: usize,
}

/// The coming or going of an entry.
#[derive(Clone, Debug)]
pub struct LegacyEvent {
    /// When; `None`: by this transaction.
    pub ts: Option<TxnTime>,
    /// It was added; else it was removed.
    pub added: bool,
    /// The collection of the document.
    pub coll: CollId,
    /// The document.
    pub doc: DocId,
    /// The covered values.
    pub values: Vec<Value>,
}

/// A walk over entries. It does not borrow the transaction.
pub struct LegacyCursor {
    index: Arc<LegacyIndex>,
    prefix: usize,
    source: Source,
}

enum Source {
    Now(Box<RawCursor>),
    Past(Box<PastEntries>),
    /// Nothing can match.
    Empty,
}

impl LegacyEntry {
    /// Where it stands among the entries with its terms.
    pub fn position(&self) -> &[u8] {
        self.key.get(self.prefix..).unwrap_or_default()
    }
}

impl LegacyIndex {
    /// The position before all entries that begin with these values, and behind them, if given, with this document.
    pub fn position(
        &self,
        codec: &KeyCodec,
        values: &[Value],
        document: Option<(CollId, DocId)>,
    ) -> Vec<u8> {
        let mut position = Vec::new();
        for (field, value) in self.values.iter().zip(values) {
            encode(codec, field, value, field.reverse, &mut position);
        }
        if let Some((coll, doc)) = document {
            position.extend_from_slice(&keys::index_suffix(coll, doc));
        }
        position
    }

    /// The keys of all entries with these terms; `None` if there cannot be any.
    fn prefix(&self, txn: &Txn, terms: &[Value]) -> Option<Vec<u8>> {
        if terms.len() != self.terms.len() {
            return None;
        }
        let mut key = keys::index(txn.scope(), self.id).to_vec();
        for term in terms {
            bytes::encode_key(
                txn.model.key_codec(),
                term,
                false,
                &mut key,
                &mut Stamps::new(),
            );
        }
        Some(key)
    }

    /// The covered values in a key; `added` is when the entry came, `None` by this transaction.
    fn covered(&self, key: &[u8], prefix: usize, added: Option<TxnTime>) -> Vec<Value> {
        let mut rest = key.get(prefix..).unwrap_or_default();
        let mut values = Vec::with_capacity(self.values.len());
        for field in &self.values {
            let value = key::decode(&mut rest, field.reverse).map_or(Value::NULL, bytes::restore);
            values.push(match value {
                Value::Time(time) if field.is_ts() => micros(time),
                // An entry with the time of the write comes with that write.
                Value::Time(time) if field.may_be_ts() && added == Some(time_of(time)) => {
                    micros(time)
                }
                other => other,
            });
        }
        values
    }
}

/// Appends a term or value; the time of the last write is compared as microseconds.
fn encode(codec: &KeyCodec, field: &LegacyField, value: &Value, reverse: bool, out: &mut Vec<u8>) {
    let converted = match value {
        Value::TransactionTime | Value::Time(_) => None,
        number if field.is_ts() => Some(number.as_i64().map(|n| Value::Time(TxnTime(n).into()))),
        _ => None,
    };
    let value = match &converted {
        Some(Some(time)) => time,
        // No number: everything is before it.
        Some(None) => return out.push(if reverse { !AFTER_ALL } else { AFTER_ALL }),
        None => value,
    };
    bytes::encode_key(codec, value, reverse, out, &mut Stamps::new());
}

fn time_of(time: Time) -> TxnTime {
    TxnTime(time.micros().map_or(i64::MAX, |(micros, _)| micros))
}

fn micros(time: Time) -> Value {
    match time.micros() {
        Some((micros, _)) => Value::Long(micros),
        None => Value::Time(time),
    }
}

impl Txn {
    /// Entries of an index of FQL v4 with these terms.
    pub fn legacy_scan(
        &mut self,
        index: &Arc<LegacyIndex>,
        terms: &[Value],
        bounds: &LegacyBounds,
        reverse: bool,
        at: Option<TxnTime>,
    ) -> LegacyCursor {
        let Some(prefix) = index.prefix(self, terms) else {
            return LegacyCursor {
                index: index.clone(),
                prefix: 0,
                source: Source::Empty,
            };
        };
        let start = match &bounds.from {
            Some(from) => [&prefix[..], from].concat(),
            None => prefix.clone(),
        };
        let behind_all = keys::successor(&prefix);
        let end = match &bounds.until {
            Some(until) => behind_all.min([&prefix[..], until].concat()),
            None => behind_all,
        };
        let source = match at {
            None => Source::Now(Box::new(RawCursor::current(
                Table::Index,
                start,
                end,
                reverse,
            ))),
            Some(at) => Source::Past(Box::new(PastEntries::new((start, end), reverse, at))),
        };
        LegacyCursor {
            index: index.clone(),
            prefix: prefix.len(),
            source,
        }
    }

    /// The retained comings and goings of entries with these terms, own writes included, in no particular order.
    pub fn legacy_events(
        &mut self,
        index: &Arc<LegacyIndex>,
        terms: &[Value],
    ) -> Result<Vec<LegacyEvent>, ModelError> {
        let Some(prefix) = index.prefix(self, terms) else {
            return Ok(Vec::new());
        };
        let schema = self.schema().clone();
        let length = prefix.len();
        let found = self.entry_changes(&prefix, |key, ts, added, added_at| {
            let (coll, doc) = keys::index_document(key)?;
            schema.collection(coll)?;
            Some(LegacyEvent {
                ts,
                added,
                coll,
                doc,
                values: index.covered(key, length, added_at),
            })
        })?;
        Ok(found)
    }
}

impl Txn {
    /// The comings and goings of entries with these terms that a commit has made, in the order of the entries, what went
    /// before what came. It looks at what the commit wrote only.
    pub fn legacy_changes(
        &mut self,
        index: &Arc<LegacyIndex>,
        terms: &[Value],
        committed: &Committed,
    ) -> Result<Vec<LegacyEvent>, ModelError> {
        let Some(prefix) = index.prefix(self, terms) else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        for (table, key) in committed.keys.iter() {
            let entry = match table {
                _ if !key.starts_with(&prefix) => continue,
                Table::Index => key.len(),
                Table::IndexHistory => key.len().saturating_sub(8),
                _ => continue,
            };
            let (added, added_at) = match table {
                Table::Index if self.was_added_at(key, committed.time)? => {
                    (true, Some(committed.time))
                }
                Table::IndexHistory
                    if keys::inverted_time_at(key, entry) == Some(committed.time) =>
                {
                    let value = self.snapshot.get(Table::IndexHistory, key)?;
                    (false, value.and_then(|value| keys::time_at(&value, 0)))
                }
                _ => continue,
            };
            let entry = key.get(..entry).unwrap_or_default();
            let Some((coll, doc)) = keys::index_document(entry) else {
                continue;
            };
            found.push(LegacyEvent {
                ts: Some(committed.time),
                added,
                coll,
                doc,
                values: index.covered(entry, prefix.len(), added_at),
            });
        }
        found.sort_by_key(|event| event.added);
        Ok(found)
    }

    /// Whether an entry was added at a time; it may have been removed since.
    fn was_added_at(&self, entry: &[u8], time: TxnTime) -> Result<bool, ModelError> {
        if let Some(value) = self.snapshot.get(Table::Index, entry)?
            && keys::time_at(&value, 0) == Some(time)
        {
            return Ok(true);
        }
        let end = keys::successor(entry);
        let rows = self.snapshot.range(
            Table::IndexHistory,
            Bound::Included(entry),
            Bound::Excluded(&end),
            false,
        )?;
        for row in rows {
            let (key, value) = row?;
            let is_of_it = key.len() == entry.len() + 8;
            if is_of_it && keys::time_at(&value, 0) == Some(time) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl LegacyCursor {
    /// The next live entry.
    pub fn next(&mut self, txn: &mut Txn) -> Result<Option<LegacyEntry>, ModelError> {
        let now: Time = txn.time().into();
        loop {
            let entry = match &mut self.source {
                Source::Now(cursor) => cursor.next(txn)?,
                Source::Past(past) => past.next(txn)?,
                Source::Empty => None,
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
            if txn.schema().collection(coll).is_none() {
                continue;
            }
            return Ok(Some(LegacyEntry {
                coll,
                doc,
                values: self
                    .index
                    .covered(&key, self.prefix, keys::time_at(&value, 0)),
                key,
                prefix: self.prefix,
            }));
        }
    }
}
