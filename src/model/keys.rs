//! Where things lie: the keys of every table.
//!
//! Every key of a database begins with its eight-byte scope, so a database is one key range per table.
//! Numbers are big-endian; signed ids and times have their sign bit flipped so that bytes sort like numbers.
//! `!x` is `x` with all bits inverted, so that the newest comes first.
//!
//! | table | key | value |
//! |---|---|---|
//! | documents | `scope coll id` | version: `ts level flags [ttl] data` |
//! | history | `scope coll id !ts` | a superseded version, or a tombstone at the time of a deletion |
//! | index | `scope index terms values id coll` | `added [ttl]` |
//! | index history | `scope index terms values id coll !removed` | `added [ttl]` |
//! | changes | `scope coll ts id` | further ids of documents that transaction changed |
//! | system | `scope tag ...` (see [`system`]) | counters, versions, build progress |
//!
//! The reserved scope [`GLOBAL`] holds what is looked up across databases.

use crate::store::TxnTime;
use crate::value::{CollId, DocId, IndexId, ScopeId};

/// The scope of the topmost database.
pub const ROOT: ScopeId = ScopeId(0);

/// The reserved scope of the lookups across databases.
pub const GLOBAL: ScopeId = ScopeId(u64::MAX);

const SIGN: u64 = 1 << 63;

/// Bytes of a document key.
pub const DOCUMENT_KEY: usize = 24;

/// Bytes of a history key.
pub const HISTORY_KEY: usize = 32;

/// Bytes of the document identity at the end of an index key.
pub const INDEX_SUFFIX: usize = 16;

/// The eight bytes of an id, sorting like the ids.
pub fn id_bytes(id: DocId) -> [u8; 8] {
    ((id.0 as u64) ^ SIGN).to_be_bytes()
}

/// The eight bytes of a time, sorting like the times.
pub fn time_bytes(ts: TxnTime) -> [u8; 8] {
    ((ts.0 as u64) ^ SIGN).to_be_bytes()
}

/// The eight bytes of a time, newest first.
pub fn inverted_time_bytes(ts: TxnTime) -> [u8; 8] {
    (!((ts.0 as u64) ^ SIGN)).to_be_bytes()
}

/// Stands where the commit time will be: sorts after every time.
pub const PENDING: [u8; 8] = [0xff; 8];

/// [`PENDING`] where the newest comes first.
pub const PENDING_INVERTED: [u8; 8] = [0; 8];

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    let slice = bytes.get(at..at.checked_add(8)?)?;
    Some(u64::from_be_bytes(slice.try_into().ok()?))
}

/// The time in the eight bytes at `at`; the pending mark reads as the greatest time.
pub fn time_at(bytes: &[u8], at: usize) -> Option<TxnTime> {
    Some(TxnTime((word(bytes, at)? ^ SIGN) as i64))
}

/// The inverted time in the eight bytes at `at`.
pub fn inverted_time_at(bytes: &[u8], at: usize) -> Option<TxnTime> {
    Some(TxnTime((!word(bytes, at)? ^ SIGN) as i64))
}

/// The document id in the eight bytes at `at`.
pub fn id_at(bytes: &[u8], at: usize) -> Option<DocId> {
    Some(DocId((word(bytes, at)? ^ SIGN) as i64))
}

/// The collection in the eight bytes at `at`.
pub fn coll_at(bytes: &[u8], at: usize) -> Option<CollId> {
    Some(CollId(word(bytes, at)?))
}

/// The scope a key belongs to.
pub fn scope_of(key: &[u8]) -> Option<ScopeId> {
    Some(ScopeId(word(key, 0)?))
}

/// The collection of a document or history key.
pub fn document_coll(key: &[u8]) -> Option<CollId> {
    coll_at(key, 8)
}

/// The id of a document or history key.
pub fn document_id(key: &[u8]) -> Option<DocId> {
    id_at(key, 16)
}

/// `scope coll`
pub fn collection(scope: ScopeId, coll: CollId) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&scope.0.to_be_bytes());
    key[8..].copy_from_slice(&coll.0.to_be_bytes());
    key
}

/// `scope coll id`
pub fn document(scope: ScopeId, coll: CollId, id: DocId) -> [u8; DOCUMENT_KEY] {
    let mut key = [0; DOCUMENT_KEY];
    key[..16].copy_from_slice(&collection(scope, coll));
    key[16..].copy_from_slice(&id_bytes(id));
    key
}

/// `scope coll id !ts`
pub fn history(scope: ScopeId, coll: CollId, id: DocId, ts: TxnTime) -> [u8; HISTORY_KEY] {
    let mut key = [0; HISTORY_KEY];
    key[..24].copy_from_slice(&document(scope, coll, id));
    key[24..].copy_from_slice(&inverted_time_bytes(ts));
    key
}

/// Where the time of a key of the change log is.
pub const CHANGE_TIME: usize = 16;

/// `scope coll ts`
pub fn changes_at(scope: ScopeId, coll: CollId, ts: TxnTime) -> [u8; DOCUMENT_KEY] {
    let mut key = [0; DOCUMENT_KEY];
    key[..16].copy_from_slice(&collection(scope, coll));
    key[16..].copy_from_slice(&time_bytes(ts));
    key
}

/// `scope coll ts id`
pub fn change(scope: ScopeId, coll: CollId, ts: TxnTime, id: DocId) -> [u8; HISTORY_KEY] {
    let mut key = [0; HISTORY_KEY];
    key[..24].copy_from_slice(&changes_at(scope, coll, ts));
    key[24..].copy_from_slice(&id_bytes(id));
    key
}

/// The time of a key of the change log.
pub fn change_time(key: &[u8]) -> Option<TxnTime> {
    time_at(key, CHANGE_TIME)
}

/// The document in a key of the change log.
pub fn changed_document(key: &[u8]) -> Option<DocId> {
    id_at(key, 24)
}

/// `scope index`
pub fn index(scope: ScopeId, index: IndexId) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&scope.0.to_be_bytes());
    key[8..].copy_from_slice(&index.0.to_be_bytes());
    key
}

/// `id coll`: the end of an index key.
pub fn index_suffix(coll: CollId, id: DocId) -> [u8; INDEX_SUFFIX] {
    let mut key = [0; INDEX_SUFFIX];
    key[..8].copy_from_slice(&id_bytes(id));
    key[8..].copy_from_slice(&coll.0.to_be_bytes());
    key
}

/// The document at the end of an index key.
pub fn index_document(key: &[u8]) -> Option<(CollId, DocId)> {
    let at = key.len().checked_sub(INDEX_SUFFIX)?;
    Some((coll_at(key, at + 8)?, id_at(key, at)?))
}

/// The least key greater than every key that begins with `prefix`; empty if there is none.
pub fn successor(prefix: &[u8]) -> Vec<u8> {
    let mut key = prefix.to_vec();
    while let Some(last) = key.last_mut() {
        if *last < 0xff {
            *last += 1;
            return key;
        }
        key.pop();
    }
    key
}

/// The range of all keys of a scope.
pub fn scope_range(scope: ScopeId) -> (Vec<u8>, Vec<u8>) {
    let start = scope.0.to_be_bytes().to_vec();
    let end = successor(&start);
    (start, end)
}

/// Keys of the system table.
pub mod system {
    use super::*;

    fn tagged(scope: ScopeId, tag: u8, rest: &[u8]) -> Vec<u8> {
        let mut key = Vec::with_capacity(9 + rest.len());
        key.extend_from_slice(&scope.0.to_be_bytes());
        key.push(tag);
        key.extend_from_slice(rest);
        key
    }

    /// The last collection id given out in a database.
    pub fn next_collection(scope: ScopeId) -> Vec<u8> {
        tagged(scope, b'c', &[])
    }

    /// The last index id given out in a database.
    pub fn next_index(scope: ScopeId) -> Vec<u8> {
        tagged(scope, b'i', &[])
    }

    /// The commit time of the last change of a database's own schema.
    pub fn schema_version(scope: ScopeId) -> Vec<u8> {
        tagged(scope, b'v', &[])
    }

    /// There while a schema is staged: the version at which the schema in force was frozen.
    pub fn staged(scope: ScopeId) -> Vec<u8> {
        tagged(scope, b's', &[])
    }

    /// A definition or schema file in force while another schema is staged, as it was stored.
    pub fn in_force(scope: ScopeId, coll: CollId, id: DocId) -> Vec<u8> {
        let rest = [coll.0.to_be_bytes(), id_bytes(id)].concat();
        tagged(scope, b'a', &rest)
    }

    /// The range of the documents of a native collection that are in force while another schema is staged.
    pub fn all_in_force(scope: ScopeId, coll: CollId) -> (Vec<u8>, Vec<u8>) {
        let start = tagged(scope, b'a', &coll.0.to_be_bytes());
        let end = successor(&start);
        (start, end)
    }

    /// The id at the end of a key made by [`in_force`].
    pub fn in_force_id(key: &[u8]) -> Option<DocId> {
        id_at(key, key.len().checked_sub(8)?)
    }

    /// The build state of an index: its collection and the last document that was indexed.
    pub fn build(scope: ScopeId, index: IndexId) -> Vec<u8> {
        tagged(GLOBAL, b'b', &super::index(scope, index))
    }

    /// The range of all build states.
    pub fn builds() -> (Vec<u8>, Vec<u8>) {
        let start = tagged(GLOBAL, b'b', &[]);
        let end = successor(&start);
        (start, end)
    }

    /// The range of the build states of one database.
    pub fn builds_in(scope: ScopeId) -> (Vec<u8>, Vec<u8>) {
        let start = tagged(GLOBAL, b'b', &scope.0.to_be_bytes());
        let end = successor(&start);
        (start, end)
    }

    /// The scope and index of a build state's key.
    pub fn build_of(key: &[u8]) -> Option<(ScopeId, IndexId)> {
        Some((ScopeId(word(key, 9)?), IndexId(word(key, 17)?)))
    }

    /// A key range of `table` that waits to be deleted.
    pub fn garbage(table: u8, start: &[u8]) -> Vec<u8> {
        let mut rest = vec![table];
        rest.extend_from_slice(start);
        tagged(GLOBAL, b'd', &rest)
    }

    /// The range of all that waits to be deleted.
    pub fn garbages() -> (Vec<u8>, Vec<u8>) {
        let start = tagged(GLOBAL, b'd', &[]);
        let end = successor(&start);
        (start, end)
    }

    /// The table and start of a range that waits to be deleted.
    pub fn garbage_of(key: &[u8]) -> Option<(u8, &[u8])> {
        Some((*key.get(9)?, key.get(10..)?))
    }

    /// What the contents are written by.
    pub fn layout() -> Vec<u8> {
        tagged(GLOBAL, b'l', &[])
    }

    /// Changes whenever the schema of any database does.
    pub fn schema_epoch() -> Vec<u8> {
        tagged(GLOBAL, b'e', &[])
    }

    /// The parent of a database: `parent-scope id-of-the-database-document`.
    pub fn parent(scope: ScopeId) -> Vec<u8> {
        tagged(GLOBAL, b'p', &scope.0.to_be_bytes())
    }

    /// The scope of the database with a global id.
    pub fn global_id(global_id: u64) -> Vec<u8> {
        tagged(GLOBAL, b'g', &global_id.to_be_bytes())
    }

    /// A scope that holds a key of that id: `key-id scope`.
    pub fn key_owner(id: DocId, scope: ScopeId) -> Vec<u8> {
        let mut rest = id_bytes(id).to_vec();
        rest.extend_from_slice(&scope.0.to_be_bytes());
        tagged(GLOBAL, b'k', &rest)
    }

    /// The range of the scopes that hold a key of that id.
    pub fn key_owners(id: DocId) -> (Vec<u8>, Vec<u8>) {
        let start = tagged(GLOBAL, b'k', &id_bytes(id));
        let end = successor(&start);
        (start, end)
    }

    /// The scope at the end of a key made by [`key_owner`].
    pub fn owner_of(key: &[u8]) -> Option<ScopeId> {
        Some(ScopeId(word(key, key.len().checked_sub(8)?)?))
    }
}

/// Eight bytes as a number.
pub fn number(bytes: &[u8]) -> Option<u64> {
    word(bytes, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_times_sort_as_bytes() {
        let ids = [i64::MIN, -1, 0, 1, i64::MAX];
        for pair in ids.windows(2) {
            assert!(id_bytes(DocId(pair[0])) < id_bytes(DocId(pair[1])));
            assert!(time_bytes(TxnTime(pair[0])) < time_bytes(TxnTime(pair[1])));
            assert!(inverted_time_bytes(TxnTime(pair[0])) > inverted_time_bytes(TxnTime(pair[1])));
        }
        let key = history(ScopeId(1), CollId(2), DocId(-3), TxnTime(4));
        assert_eq!(document_coll(&key), Some(CollId(2)));
        assert_eq!(document_id(&key), Some(DocId(-3)));
        assert_eq!(inverted_time_at(&key, 24), Some(TxnTime(4)));
    }

    #[test]
    fn successor_follows_every_extension() {
        assert_eq!(successor(&[1, 0xff]), vec![2]);
        assert_eq!(successor(&[1, 2]), vec![1, 3]);
        assert_eq!(successor(&[0xff]), Vec::<u8>::new());
    }
}
