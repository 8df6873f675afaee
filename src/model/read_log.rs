//! What a transaction has read, for validation at its commit.
//!
//! A scan that stopped early validates only what it walked over.

use super::keys;
use crate::store::{Bytes, Read, Table};

/// Reads of one transaction, in no particular order.
#[derive(Default)]
pub(crate) struct ReadLog {
    documents: Vec<[u8; keys::DOCUMENT_KEY]>,
    points: Vec<(Table, Vec<u8>)>,
    walks: Vec<Walk>,
}

struct Walk {
    table: Table,
    start: Vec<u8>,
    end: Vec<u8>,
    reverse: bool,
    reached: Reached,
}

/// How far a walk has come.
enum Reached {
    /// Nowhere yet.
    Nothing,
    /// Over this key.
    Key(Bytes),
    /// Over the whole range.
    End,
}

/// Names a walk in the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WalkId(usize);

impl ReadLog {
    /// A document was looked up.
    pub fn document(&mut self, key: [u8; keys::DOCUMENT_KEY]) {
        self.documents.push(key);
    }

    /// A key was looked up.
    pub fn point(&mut self, table: Table, key: Vec<u8>) {
        self.points.push((table, key));
    }

    /// A walk over `start..end` begins.
    pub fn begin_walk(&mut self, table: Table, start: &[u8], end: &[u8], reverse: bool) -> WalkId {
        let walk = Walk {
            table,
            start: start.to_vec(),
            end: end.to_vec(),
            reverse,
            reached: Reached::Nothing,
        };
        self.walks.push(walk);
        WalkId(self.walks.len() - 1)
    }

    /// The walk has passed `key`.
    pub fn reached(&mut self, walk: WalkId, key: &Bytes) {
        if let Some(walk) = self.walks.get_mut(walk.0)
            && !matches!(walk.reached, Reached::End)
        {
            walk.reached = Reached::Key(key.clone());
        }
    }

    /// The walk has seen its whole range.
    pub fn finished(&mut self, walk: WalkId) {
        if let Some(walk) = self.walks.get_mut(walk.0) {
            walk.reached = Reached::End;
        }
    }

    /// The reads, for the store.
    pub fn into_reads(self) -> Vec<Read> {
        let mut reads =
            Vec::with_capacity(self.documents.len() + self.points.len() + self.walks.len());
        reads.extend(
            self.documents
                .into_iter()
                .map(|key| Read::Point(Table::Documents, key.to_vec())),
        );
        reads.extend(
            self.points
                .into_iter()
                .map(|(table, key)| Read::Point(table, key)),
        );
        for walk in self.walks {
            match walk.reached {
                Reached::Nothing => {}
                Reached::End => reads.push(Read::Range(walk.table, walk.start, walk.end)),
                Reached::Key(key) if walk.reverse => {
                    reads.push(Read::Range(walk.table, key.to_vec(), walk.end))
                }
                Reached::Key(key) => {
                    let mut after = key.to_vec();
                    after.push(0);
                    reads.push(Read::Range(walk.table, walk.start, after));
                }
            }
        }
        reads
    }
}
