//! What transactions of the past have changed: the ground of event feeds.

use super::cursor::RawCursor;
use super::entries::{self, Fields};
use super::txn::Txn;
use super::version::{Header, Version};
use super::{IndexedDocument, ModelError, keys};
use crate::store::{Committed, Table, TxnTime};
use crate::value::{CollId, DocId, IndexId, ScopeId, Value};

impl Txn {
    /// Which documents of a collection (or which one) changed in which transaction after `since`, up to `until`; by
    /// time, then id. Fails if that history may be gone. Reads the whole collection, or the one document.
    pub fn changes(
        &mut self,
        coll: CollId,
        only: Option<DocId>,
        since: TxnTime,
        until: TxnTime,
    ) -> Result<Vec<(TxnTime, DocId)>, ModelError> {
        self.check_readable(coll, since)?;
        let start = match only {
            Some(id) => keys::document(self.scope(), coll, id).to_vec(),
            None => keys::collection(self.scope(), coll).to_vec(),
        };
        let end = keys::successor(&start);
        let within = |ts: TxnTime| ts > since && ts <= until;
        let mut found = Vec::new();
        let mut current = RawCursor::committed(Table::Documents, start.clone(), end.clone(), false);
        while let Some((key, value)) = current.next(self)? {
            let header = Header::read(&value);
            if let (Some(id), Some(ts)) =
                (keys::document_id(&key), header.and_then(|header| header.ts))
                && within(ts)
            {
                found.push((ts, id));
            }
        }
        let mut history = RawCursor::committed(Table::History, start, end, false);
        while let Some((key, _)) = history.next(self)? {
            let ts = keys::inverted_time_at(&key, keys::DOCUMENT_KEY);
            if let (Some(id), Some(ts)) = (keys::document_id(&key), ts)
                && within(ts)
            {
                found.push((ts, id));
            }
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
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
            codec,
            schema: &schema,
            collection,
            computed: computed.as_deref(),
            document,
        };
        let prefix = entries::terms_prefix(codec, self.scope(), index, terms);
        let all = entries::entries(self.scope(), index, &fields)?;
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
