//! The store's contract, in a file and in memory: commits, snapshots, stamps, contention, the feed.

use fql::store::{
    Clock, Commit, FeedEvent, Options, Read, RedbStore, Snapshot, Stamp, StampPlace, Store,
    StoreError, Table, TxnTime, Write,
};
use smallvec::smallvec;
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

fn put(table: Table, key: &[u8], value: &[u8]) -> Write {
    Write {
        table,
        key: key.to_vec(),
        value: Some(value.to_vec()),
        stamps: smallvec![],
    }
}

fn delete(table: Table, key: &[u8]) -> Write {
    Write {
        table,
        key: key.to_vec(),
        value: None,
        stamps: smallvec![],
    }
}

fn blind(writes: Vec<Write>) -> Commit {
    Commit {
        writes,
        ..Commit::default()
    }
}

fn get(snapshot: &dyn Snapshot, key: &[u8]) -> Option<Vec<u8>> {
    snapshot
        .get(Table::Documents, key)
        .unwrap()
        .map(|value| value.to_vec())
}

fn keys(
    snapshot: &dyn Snapshot,
    start: Bound<&[u8]>,
    end: Bound<&[u8]>,
    reverse: bool,
) -> Vec<Vec<u8>> {
    let listed: Vec<Vec<u8>> = snapshot
        .range(Table::Documents, start, end, reverse)
        .unwrap()
        .map(|entry| entry.unwrap().0.to_vec())
        .collect();
    let mut shown = Vec::new();
    snapshot
        .range_with(Table::Documents, start, end, reverse, &mut |key, _| {
            shown.push(key.to_vec());
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(listed, shown);
    listed
}

/// A clock that stands still until it is set.
struct FixedClock(AtomicI64);

impl Clock for FixedClock {
    fn now_micros(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

fn fixed(at: i64) -> (Arc<FixedClock>, Options) {
    let clock = Arc::new(FixedClock(AtomicI64::new(at)));
    let options = Options {
        clock: clock.clone(),
        ..Options::default()
    };
    (clock, options)
}

#[test]
fn a_snapshot_never_changes() {
    let store = RedbStore::memory().unwrap();
    let before = store.snapshot().unwrap();
    let first = store
        .commit(blind(vec![put(Table::Documents, b"a", b"1")]))
        .unwrap();
    let between = store.snapshot().unwrap();
    let second = store
        .commit(blind(vec![
            put(Table::Documents, b"a", b"2"),
            put(Table::Documents, b"b", b"3"),
        ]))
        .unwrap();
    let after = store.snapshot().unwrap();
    assert!(before.time() < first && first < second);
    assert_eq!((between.time(), after.time()), (first, second));
    assert_eq!(get(&*before, b"a"), None);
    assert_eq!(get(&*between, b"a"), Some(b"1".to_vec()));
    assert_eq!(get(&*after, b"a"), Some(b"2".to_vec()));
    assert_eq!(get(&*between, b"b"), None);
    let mut seen = Vec::new();
    assert!(
        after
            .get_with(Table::Documents, b"b", &mut |value| seen = value.to_vec())
            .unwrap()
    );
    assert_eq!(seen, b"3");
    assert!(!after.get_with(Table::History, b"b", &mut |_| ()).unwrap());
}

#[test]
fn ranges_keep_their_bounds_in_both_directions() {
    let store = RedbStore::memory().unwrap();
    store
        .commit(blind(
            [b"a", b"b", b"c", b"d"]
                .map(|key| put(Table::Documents, key, b""))
                .to_vec(),
        ))
        .unwrap();
    let snapshot = store.snapshot().unwrap();
    let list = |start, end, reverse| {
        let keys: Vec<u8> = keys(&*snapshot, start, end, reverse).concat();
        String::from_utf8(keys).unwrap()
    };
    assert_eq!(list(Bound::Unbounded, Bound::Unbounded, false), "abcd");
    assert_eq!(list(Bound::Unbounded, Bound::Unbounded, true), "dcba");
    assert_eq!(
        list(Bound::Included(b"b"), Bound::Excluded(b"d"), false),
        "bc"
    );
    assert_eq!(
        list(Bound::Excluded(b"b"), Bound::Included(b"d"), true),
        "dc"
    );
    assert_eq!(
        list(Bound::Included(b"c"), Bound::Included(b"c"), false),
        "c"
    );
    assert_eq!(
        list(Bound::Included(b"c"), Bound::Excluded(b"c"), false),
        ""
    );
    assert_eq!(
        list(Bound::Excluded(b"c"), Bound::Excluded(b"c"), false),
        ""
    );
    assert_eq!(
        list(Bound::Included(b"d"), Bound::Included(b"a"), false),
        ""
    );
}

#[test]
fn the_last_write_to_a_key_wins_and_clears_come_first() {
    let store = RedbStore::memory().unwrap();
    store
        .commit(blind(vec![
            put(Table::Documents, b"k1", b"old"),
            put(Table::Documents, b"k2", b"old"),
        ]))
        .unwrap();
    let commit = Commit {
        clears: vec![(Table::Documents, b"k".to_vec(), b"l".to_vec())],
        writes: vec![
            put(Table::Documents, b"k2", b"first"),
            put(Table::Documents, b"k3", b"gone"),
            put(Table::Documents, b"k2", b"second"),
            delete(Table::Documents, b"k3"),
            put(Table::Documents, b"k2", b"third"),
        ],
        ..Commit::default()
    };
    store.commit(commit).unwrap();
    let snapshot = store.snapshot().unwrap();
    assert_eq!(
        keys(&*snapshot, Bound::Unbounded, Bound::Unbounded, false),
        [b"k2"]
    );
    assert_eq!(get(&*snapshot, b"k2"), Some(b"third".to_vec()));
}

#[test]
fn stamps_receive_the_commit_time() {
    let (_, options) = fixed(0x0102_0304_0506_0708);
    let store = RedbStore::memory_with(options).unwrap();
    let mut key = b"k".to_vec();
    key.extend([0; 8]);
    let write = Write {
        table: Table::Documents,
        key,
        value: Some(vec![7; 10]),
        stamps: smallvec![
            Stamp {
                place: StampPlace::Key,
                offset: 1,
                inverted: true
            },
            Stamp {
                place: StampPlace::Value,
                offset: 2,
                inverted: false
            },
        ],
    };
    let time = store.commit(blind(vec![write.clone()])).unwrap();
    let stamp = (time.0 as u64) ^ (1 << 63);
    let mut expected_key = b"k".to_vec();
    expected_key.extend((!stamp).to_be_bytes());
    let mut expected_value = vec![7, 7];
    expected_value.extend(stamp.to_be_bytes());
    assert_eq!(
        get(&*store.snapshot().unwrap(), &expected_key),
        Some(expected_value)
    );
    let mut outside = write;
    outside.stamps[1].offset = 3;
    assert!(matches!(
        store.commit(blind(vec![outside])),
        Err(StoreError::Io(_))
    ));
}

#[test]
fn times_follow_the_clock_and_never_repeat_even_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("times.fql");
    let (clock, options) = fixed(1000);
    let store = RedbStore::open_with(&path, options.clone()).unwrap();
    let commit = || {
        store
            .commit(blind(vec![put(Table::System, b"n", b"")]))
            .unwrap()
    };
    let first = commit();
    assert!(first > TxnTime(1000));
    assert_eq!(commit(), TxnTime(first.0 + 1));
    clock.0.store(5000, Ordering::Relaxed);
    // One past the clock, so that a reader of that very microsecond has not missed it.
    assert_eq!(commit(), TxnTime(5001));
    clock.0.store(10, Ordering::Relaxed);
    assert_eq!(commit(), TxnTime(5002));
    drop(store);
    let store = RedbStore::open_with(&path, options).unwrap();
    assert_eq!(store.snapshot().unwrap().time(), TxnTime(5002));
    assert_eq!(
        store
            .commit(blind(vec![put(Table::System, b"n", b"")]))
            .unwrap(),
        TxnTime(5003)
    );
}

#[test]
fn what_was_read_must_not_have_changed() {
    let store = RedbStore::memory().unwrap();
    let old = store.snapshot().unwrap().time();
    store
        .commit(blind(vec![
            put(Table::Documents, b"k5", b""),
            delete(Table::Index, b"i5"),
        ]))
        .unwrap();
    store
        .commit(Commit {
            clears: vec![(Table::History, b"h3".to_vec(), b"h7".to_vec())],
            ..Commit::default()
        })
        .unwrap();
    let new = store.snapshot().unwrap().time();
    let range = |table, start: &[u8], end: &[u8]| Read::Range(table, start.to_vec(), end.to_vec());
    let point = |table, key: &[u8]| Read::Point(table, key.to_vec());
    let attempt = |snapshot, read: Read| {
        let commit = Commit {
            snapshot,
            reads: vec![read],
            writes: vec![put(Table::System, b"x", b"")],
            ..Commit::default()
        };
        match store.commit(commit) {
            Ok(_) => true,
            Err(StoreError::Contended { .. }) => false,
            Err(other) => panic!("{other}"),
        }
    };
    for (read, unchanged) in [
        (point(Table::Documents, b"k5"), false),
        (point(Table::Documents, b"k4"), true),
        (point(Table::History, b"k5"), true),
        (point(Table::Index, b"i5"), false),
        (range(Table::Documents, b"k5", b"k6"), false),
        (range(Table::Documents, b"k4", b"k5"), true),
        (range(Table::Documents, b"", b"\xff"), false),
        (range(Table::Documents, b"z", b"a"), true),
        (point(Table::History, b"h3"), false),
        (point(Table::History, b"h7"), true),
        (range(Table::History, b"h6", b"h9"), false),
        (range(Table::History, b"h7", b"h9"), true),
        (range(Table::History, b"h1", b"h3"), true),
    ] {
        assert_eq!(attempt(old, read.clone()), unchanged, "{read:?}");
        assert!(attempt(new, read));
    }
}

#[test]
fn a_snapshot_older_than_the_window_is_contended() {
    let options = Options {
        window_bytes: 4096,
        ..Options::default()
    };
    let store = RedbStore::memory_with(options).unwrap();
    let old = store.snapshot().unwrap().time();
    let commit = |snapshot| Commit {
        snapshot,
        reads: vec![Read::Point(Table::Documents, b"never written".to_vec())],
        writes: vec![put(Table::Documents, b"other", b"")],
        clears: vec![],
    };
    store.commit(commit(old)).unwrap();
    for n in 0..200u32 {
        store
            .commit(blind(vec![put(Table::Documents, &n.to_be_bytes(), b"")]))
            .unwrap();
    }
    assert!(matches!(
        store.commit(commit(old)),
        Err(StoreError::Contended { .. })
    ));
    let new = store.snapshot().unwrap().time();
    store.commit(commit(new)).unwrap();
    // What was not read cannot be contended.
    store
        .commit(Commit {
            snapshot: old,
            ..blind(vec![put(Table::Documents, b"k", b"")])
        })
        .unwrap();
}

#[test]
fn a_commit_without_changes_answers_its_snapshot() {
    let store = RedbStore::memory().unwrap();
    let commit = Commit {
        snapshot: TxnTime(17),
        reads: vec![Read::Point(Table::Documents, b"k".to_vec())],
        ..Commit::default()
    };
    assert_eq!(store.commit(commit).unwrap(), TxnTime(17));
    assert_eq!(store.batches(), 0);
}

#[test]
fn the_feed_tells_every_commit_in_order() {
    let store = RedbStore::memory().unwrap();
    let feed = store.subscribe();
    let first = store
        .commit(blind(vec![
            put(Table::Index, b"b", b""),
            put(Table::Documents, b"a", b""),
        ]))
        .unwrap();
    let second = store
        .commit(blind(vec![delete(Table::Documents, b"a")]))
        .unwrap();
    store.close();
    let mut told = Vec::new();
    while let Some(event) = feed.next_event() {
        match event {
            FeedEvent::Commit(commit) => {
                let keys: Vec<(Table, Vec<u8>)> = commit
                    .keys
                    .iter()
                    .map(|(table, key)| (*table, key.to_vec()))
                    .collect();
                told.push((commit.time, keys));
            }
            FeedEvent::Lagged => panic!("two commits are not many"),
        }
    }
    assert_eq!(
        told,
        [
            (
                first,
                vec![
                    (Table::Documents, b"a".to_vec()),
                    (Table::Index, b"b".to_vec())
                ]
            ),
            (second, vec![(Table::Documents, b"a".to_vec())]),
        ]
    );
}

#[test]
fn a_slow_subscriber_is_told_that_it_lags() {
    let store = RedbStore::memory().unwrap();
    let feed = store.subscribe();
    let mut last = TxnTime(0);
    for n in 0..3000u32 {
        last = store
            .commit(blind(vec![put(Table::Documents, &n.to_be_bytes(), b"")]))
            .unwrap();
    }
    assert!(matches!(feed.try_next(), Some(FeedEvent::Lagged)));
    let mut times = Vec::new();
    while let Some(FeedEvent::Commit(commit)) = feed.try_next() {
        times.push(commit.time);
    }
    assert!(!times.is_empty() && times.len() <= 1024 && times.is_sorted());
    assert_eq!(times.last(), Some(&last));
}

#[test]
fn a_closed_store_says_so() {
    let store = RedbStore::memory().unwrap();
    store
        .commit(blind(vec![put(Table::Documents, b"k", b"v")]))
        .unwrap();
    store.close();
    assert!(matches!(store.snapshot(), Err(StoreError::Closed)));
    assert!(matches!(
        store.commit(blind(vec![put(Table::Documents, b"k", b"v")])),
        Err(StoreError::Closed)
    ));
    assert!(store.subscribe().next_event().is_none());
}

#[test]
fn a_saved_copy_is_the_whole_database() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("copy.fql");
    let store = RedbStore::memory().unwrap();
    for table in Table::ALL {
        let writes =
            (0..500u32).map(|n| put(table, &n.to_be_bytes(), format!("{table:?} {n}").as_bytes()));
        store.commit(blind(writes.collect())).unwrap();
    }
    store.save_copy(&path).unwrap();
    assert!(matches!(
        store.save_copy(&path),
        Err(StoreError::Unusable(_))
    ));
    let copy = RedbStore::open(&path).unwrap();
    let (original, copied) = (store.snapshot().unwrap(), copy.snapshot().unwrap());
    assert_eq!(original.time(), copied.time());
    for table in Table::ALL {
        let all = |snapshot: &dyn Snapshot| -> Vec<_> {
            snapshot
                .range(table, Bound::Unbounded, Bound::Unbounded, false)
                .unwrap()
                .map(Result::unwrap)
                .collect()
        };
        assert_eq!(all(&*original).len(), 500);
        assert_eq!(all(&*original), all(&*copied));
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}
