//! What reading a set costs: pages of index entries, by the original's measure (`spec fql10-data 8.2`).
//!
//! A page costs the operations of its bytes, and one more for every further partition the set is stored in. Its bytes are
//! those the original stores for an entry, not ours, so that the same query costs the same. A page that was read before in
//! the query is free. Steps that fetch a page in pieces say its size beforehand ([`Pages::announce`]).

use super::super::Interp;
use crate::model::stored_size;
use crate::value::Value;

/// Bytes of an entry without covered values: the document, three parts of its time, and the lengths of all these.
const ENTRY_BYTES: u64 = 42;
/// Bytes of the name of a partition's row, without terms.
const ROW_BYTES: u64 = 28;

/// The pages of a source, as they are charged.
pub(super) struct Pages {
    partitions: u64,
    /// Elements still to come of the page.
    left: usize,
    fresh: bool,
    /// The page was read before.
    repeated: bool,
    entries: u64,
    bytes: u64,
    charged: (u64, u64),
    /// Elements that were asked for.
    size: usize,
}

impl Pages {
    pub fn new(partitions: u64) -> Pages {
        Pages {
            partitions,
            left: 0,
            fresh: false,
            repeated: false,
            entries: 0,
            bytes: 0,
            charged: (0, 0),
            size: 0,
        }
    }

    /// The next `count` elements are one page, in however many pieces they are fetched.
    pub fn announce(&mut self, count: usize) {
        self.left = count;
        self.fresh = true;
    }

    /// A fetch begins: the size of the page, if a new one begins with it.
    pub fn begin(&mut self, count: usize) -> Option<usize> {
        if self.left == 0 {
            self.announce(count);
        }
        std::mem::take(&mut self.fresh).then_some(self.left)
    }

    /// A page of `size` elements begins; `repeated`: it was read before.
    pub fn open(&mut self, size: usize, repeated: bool) {
        self.size = size;
        self.repeated = repeated;
        (self.entries, self.bytes, self.charged) = (0, 0, (0, 0));
    }

    /// An entry was read that covers these values.
    pub fn entry(&mut self, covered: &[Value]) {
        self.entries += 1;
        self.bytes += ENTRY_BYTES + covered.iter().map(stored_size::of_value).sum::<u64>();
    }

    /// A fetch of `count` elements ends, which found `found`; so many entries behind them lie ready.
    pub fn settle(&mut self, interp: &mut Interp, count: usize, found: usize, ready: usize) {
        self.left = match found < count {
            true => 0,
            false => self.left.saturating_sub(count),
        };
        if self.repeated {
            return;
        }
        let mut bytes = self.bytes + self.partitions * ROW_BYTES;
        if self.left == 0 && self.partitions > 1 {
            // Every partition is read a fifth beyond its share, and most of them a second time.
            let beyond = (ready as u64).min(self.size as u64 * 4 / 5 + 8);
            bytes += beyond * (self.bytes.checked_div(self.entries).unwrap_or(ENTRY_BYTES));
        }
        let ops = bytes.div_ceil(4096).max(1) + self.partitions - 1;
        let (known_ops, known_bytes) = std::mem::replace(&mut self.charged, (ops, bytes));
        interp.txn.charge_page(
            ops.saturating_sub(known_ops),
            bytes.saturating_sub(known_bytes),
        );
    }
}
