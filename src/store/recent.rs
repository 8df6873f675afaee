//! The window of recent commits, against which a transaction's reads are validated.
//!
//! A transaction that read from snapshot `s` may commit if nothing it read was written or cleared
//! by a commit newer than `s`. The window knows those commits in two ways: by key (the time of its
//! latest write), for points and narrow ranges; and by commit (its sorted keys), for wide ranges.
//! It is bounded: a snapshot older than what it remembers is contended, and the transaction runs
//! again on a new one.

use super::{Bytes, Commit, KeyRange, Read, StoreError, Table, TxnTime};
use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

/// A range is looked up by key up to so many keys; beyond, by commit.
const RANGE_SCAN: usize = 256;
/// What remembering a key costs beside its bytes: its place in map and list, the counts of its `Arc`.
const KEY_OVERHEAD: usize = 64;

/// One remembered commit.
struct Record {
    time: TxnTime,
    keys: Arc<Vec<(Table, Bytes)>>,
    clears: Arc<Vec<KeyRange>>,
}

impl Record {
    fn cost(&self) -> usize {
        let keys: usize = self
            .keys
            .iter()
            .map(|(_, key)| key.len() + KEY_OVERHEAD)
            .sum();
        let clears: usize = self
            .clears
            .iter()
            .map(|(_, start, end)| start.len() + end.len() + KEY_OVERHEAD)
            .sum();
        keys + clears + KEY_OVERHEAD
    }
}

/// See the module.
pub(super) struct Recent {
    /// Snapshots before this time cannot be validated.
    floor: TxnTime,
    records: VecDeque<Record>,
    latest: [BTreeMap<Bytes, TxnTime>; Table::COUNT],
    cost: usize,
    budget: usize,
}

impl Recent {
    /// An empty window: the state at `floor` is known, what came before is not. `budget` bounds its
    /// memory, in bytes.
    pub(super) fn new(floor: TxnTime, budget: usize) -> Recent {
        Recent {
            floor,
            records: VecDeque::new(),
            latest: Default::default(),
            cost: 0,
            budget,
        }
    }

    /// Whether everything `commit` read is still as it was at its snapshot.
    pub(super) fn validate(&self, commit: &Commit) -> Result<(), StoreError> {
        let newest = self.records.back().map_or(self.floor, |record| record.time);
        if commit.reads.is_empty() || commit.snapshot >= newest {
            return Ok(());
        }
        let first = self
            .records
            .partition_point(|record| record.time <= commit.snapshot);
        for read in &commit.reads {
            let changed = if commit.snapshot < self.floor {
                Some(read.first_key())
            } else {
                match read {
                    Read::Point(table, key) => {
                        self.point_changed(commit.snapshot, first, *table, key)
                    }
                    Read::Range(table, start, end) => {
                        self.range_changed(commit.snapshot, first, *table, start, end)
                    }
                }
            };
            if let Some((table, key)) = changed {
                return Err(StoreError::Contended { table, key });
            }
        }
        Ok(())
    }

    fn point_changed(
        &self,
        snapshot: TxnTime,
        first: usize,
        table: Table,
        key: &[u8],
    ) -> Option<(Table, Vec<u8>)> {
        let written = self.latest[table.index()]
            .get(key)
            .is_some_and(|time| *time > snapshot);
        let cleared = || {
            self.clears_since(first)
                .any(|(in_table, start, end)| *in_table == table && **start <= *key && *key < **end)
        };
        (written || cleared()).then(|| (table, key.to_vec()))
    }

    fn range_changed(
        &self,
        snapshot: TxnTime,
        first: usize,
        table: Table,
        start: &[u8],
        end: &[u8],
    ) -> Option<(Table, Vec<u8>)> {
        if start >= end {
            return None;
        }
        self.range_written(snapshot, first, table, start, end)
            .or_else(|| {
                self.clears_since(first)
                    .find(|(in_table, from, to)| {
                        *in_table == table && **from < *end && *start < **to
                    })
                    .map(|(_, from, _)| from)
            })
            .map(|key| (table, key.to_vec()))
    }

    fn range_written(
        &self,
        snapshot: TxnTime,
        first: usize,
        table: Table,
        start: &[u8],
        end: &[u8],
    ) -> Option<&Bytes> {
        let keys = self.latest[table.index()]
            .range::<[u8], _>((Bound::Included(start), Bound::Excluded(end)));
        for (seen, (key, time)) in keys.enumerate() {
            if *time > snapshot {
                return Some(key);
            }
            if seen >= RANGE_SCAN {
                return self.range_written_by_commit(first, table, start, end);
            }
        }
        None
    }

    fn range_written_by_commit(
        &self,
        first: usize,
        table: Table,
        start: &[u8],
        end: &[u8],
    ) -> Option<&Bytes> {
        self.records.range(first..).find_map(|record| {
            let at = record
                .keys
                .partition_point(|(in_table, key)| (*in_table, &**key) < (table, start));
            record
                .keys
                .get(at)
                .filter(|(in_table, key)| *in_table == table && **key < *end)
                .map(|(_, key)| key)
        })
    }

    fn clears_since(&self, first: usize) -> impl Iterator<Item = &KeyRange> {
        self.records
            .range(first..)
            .flat_map(|record| record.clears.iter())
    }

    /// Remembers a commit newer than all others. `keys` are sorted.
    pub(super) fn record(
        &mut self,
        time: TxnTime,
        keys: Arc<Vec<(Table, Bytes)>>,
        clears: Arc<Vec<KeyRange>>,
    ) {
        for (table, key) in keys.iter() {
            self.latest[table.index()].insert(key.clone(), time);
        }
        let record = Record { time, keys, clears };
        self.cost += record.cost();
        self.records.push_back(record);
    }

    /// Forgets the oldest commits until the window keeps to its budget.
    pub(super) fn trim(&mut self) {
        while self.cost > self.budget {
            let Some(record) = self.records.pop_front() else {
                return;
            };
            self.floor = record.time;
            self.cost = self.cost.saturating_sub(record.cost());
            for (table, key) in record.keys.iter() {
                let latest = &mut self.latest[table.index()];
                if latest.get(key) == Some(&record.time) {
                    latest.remove(key);
                }
            }
        }
    }

    /// Unremembers the commits after `time`: they did not reach the disk.
    pub(super) fn forget_after(&mut self, time: TxnTime) {
        let kept = self.records.partition_point(|record| record.time <= time);
        if kept == self.records.len() {
            return;
        }
        let records: Vec<Record> = self.records.drain(..kept).collect();
        *self = Recent::new(self.floor, self.budget);
        for record in records {
            self.record(record.time, record.keys, record.clears);
        }
    }
}

impl Recent {
    /// Forgets everything: the state at `floor` is known, what came before is not.
    pub(super) fn restart(&mut self, floor: TxnTime) {
        *self = Recent::new(floor, self.budget);
    }
}

impl Read {
    fn first_key(&self) -> (Table, Vec<u8>) {
        match self {
            Read::Point(table, key) | Read::Range(table, key, _) => (*table, key.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A commit's keys and cleared ranges, by one-byte keys.
    type Change = (Vec<u8>, Option<(u8, u8)>);

    fn change() -> impl Strategy<Value = Change> {
        let clear = prop::option::weighted(0.1, (any::<u8>(), any::<u8>()));
        (prop::collection::btree_set(any::<u8>(), 0..40), clear)
            .prop_map(|(keys, clear)| (keys.into_iter().collect(), clear))
    }

    fn remember(recent: &mut Recent, time: i64, (keys, clear): &Change) {
        let keys = keys
            .iter()
            .map(|key| (Table::Index, Bytes::from([*key])))
            .collect();
        let clears = clear
            .iter()
            .map(|(start, end)| (Table::Index, Bytes::from([*start]), Bytes::from([*end])))
            .collect();
        recent.record(TxnTime(time), Arc::new(keys), Arc::new(clears));
    }

    fn touches((keys, clear): &Change, start: u8, end: u16) -> bool {
        let within = |key: u8| key >= start && u16::from(key) < end;
        keys.iter().any(|key| within(*key))
            || clear.is_some_and(|(from, to)| (from..to).any(within))
    }

    proptest! {
        #[test]
        fn validates_as_if_it_compared_with_every_commit(
            changes in prop::collection::vec(change(), 1..40),
            lost in 0..5usize,
            snapshot in 0..40i64,
            start in any::<u8>(),
            end in any::<u8>(),
        ) {
            let mut recent = Recent::new(TxnTime(0), 1500);
            let kept = changes.len().saturating_sub(lost);
            for (time, change) in (1..).zip(&changes) {
                remember(&mut recent, time, change);
                if time <= kept as i64 {
                    recent.trim();
                }
            }
            recent.forget_after(TxnTime(kept as i64));
            let changed = |start, end| {
                (1..).zip(&changes[..kept]).any(|(time, change)| time > snapshot && touches(change, start, end))
            };
            let validate = |read| {
                recent.validate(&Commit { snapshot: TxnTime(snapshot), reads: vec![read], ..Commit::default() }).is_ok()
            };
            let point = validate(Read::Point(Table::Index, vec![start]));
            let range = validate(Read::Range(Table::Index, vec![start], vec![end]));
            if snapshot >= kept as i64 {
                prop_assert!(point && range);
            } else if TxnTime(snapshot) < recent.floor {
                prop_assert!(!point && !range);
            } else {
                prop_assert_eq!(point, !changed(start, u16::from(start) + 1));
                prop_assert_eq!(range, !changed(start, u16::from(end)));
            }
            let elsewhere = validate(Read::Point(Table::System, vec![start]));
            prop_assert_eq!(elsewhere, TxnTime(snapshot) >= recent.floor.min(TxnTime(kept as i64)));
        }
    }

    #[test]
    fn a_wide_range_is_validated_by_commit() {
        let mut recent = Recent::new(TxnTime(0), 1 << 20);
        let many: Vec<(Table, Bytes)> = (0..1000u32)
            .map(|n| (Table::Index, Bytes::from(n.to_be_bytes())))
            .collect();
        recent.record(TxnTime(1), Arc::new(many.clone()), Arc::default());
        recent.record(
            TxnTime(2),
            Arc::new(vec![many[900].clone()]),
            Arc::default(),
        );
        let validate = |start: u32, end: u32| {
            let read = Read::Range(
                Table::Index,
                start.to_be_bytes().to_vec(),
                end.to_be_bytes().to_vec(),
            );
            let commit = Commit {
                snapshot: TxnTime(1),
                reads: vec![read],
                ..Commit::default()
            };
            recent.validate(&commit).is_ok()
        };
        assert!(validate(0, 900) && validate(901, 2000));
        assert!(!validate(0, 901) && !validate(0, 1000) && !validate(900, 901));
    }
}
