//! Fresh ids.

use crate::store::TxnTime;
use crate::value::DocId;
use std::sync::atomic::{AtomicI64, Ordering};

/// Milliseconds of 1970 at which snowflake ids begin.
const SNOWFLAKE_EPOCH: i64 = 1_336_258_850_000;

/// Makes snowflake ids: `(unix_ms - 1336258850000) << 20 | sequence << 10 | worker`, strictly increasing
/// (`spec fql10-data 1.1`). The worker is always 0: one process has the file.
#[derive(Debug, Default)]
pub struct IdGenerator {
    /// The last id without its worker bits.
    last: AtomicI64,
}

impl IdGenerator {
    /// A fresh id, greater than every one before.
    pub fn next(&self, now: TxnTime) -> DocId {
        let floor = now
            .0
            .div_euclid(1000)
            .saturating_sub(SNOWFLAKE_EPOCH)
            .max(0)
            << 10;
        let mut last = self.last.load(Ordering::Relaxed);
        loop {
            // A full sequence runs over into the next millisecond.
            let next = floor.max(last + 1);
            match self
                .last
                .compare_exchange_weak(last, next, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => return DocId(next << 10),
                Err(seen) => last = seen,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_grow_and_carry_the_time() {
        let ids = IdGenerator::default();
        let now = TxnTime(1_700_000_000_000_000);
        let first = ids.next(now);
        assert_eq!(first.0 >> 20, 1_700_000_000_000 - SNOWFLAKE_EPOCH);
        let mut before = first;
        for _ in 0..5000 {
            let next = ids.next(now);
            assert!(next > before);
            before = next;
        }
        assert!(
            ids.next(TxnTime(0)) > before,
            "a clock that steps back does not repeat ids"
        );
    }
}
