//! Laws of the store: concurrent transactions are strictly serializable, engines agree, clients share syncs.

use fql::store::{
    Clock, Commit, Options, Read, RedbStore, Snapshot, Store, StoreError, Table, TxnTime, Write,
};
use proptest::prelude::*;
use smallvec::smallvec;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

/// A step of a transaction, on keys of one byte.
#[derive(Clone, Debug)]
enum Step {
    Get(u8),
    List(u8, u8),
    Put(u8),
    Delete(u8),
    Clear(u8, u8),
}

const KEYS: u8 = 12;

fn step() -> impl Strategy<Value = Step> {
    let key = 0..KEYS;
    prop_oneof![
        4 => key.clone().prop_map(Step::Get),
        2 => (key.clone(), key.clone()).prop_map(|(a, b)| Step::List(a.min(b), a.max(b))),
        4 => key.clone().prop_map(Step::Put),
        1 => key.clone().prop_map(Step::Delete),
        1 => (key.clone(), key).prop_map(|(a, b)| Step::Clear(a.min(b), a.max(b))),
    ]
}

type Content = BTreeMap<Vec<u8>, Vec<u8>>;

/// What a transaction saw of the part of the state it read.
#[derive(Clone, Debug)]
struct Seen {
    start: u8,
    end: u8,
    content: Content,
}

/// A committed transaction.
#[derive(Clone, Debug)]
struct Done {
    snapshot: TxnTime,
    time: TxnTime,
    seen: Vec<Seen>,
    commit: Commit,
}

fn list(snapshot: &dyn Snapshot, start: u8, end: u8) -> Content {
    snapshot
        .range(
            Table::Documents,
            Bound::Included(&[start]),
            Bound::Excluded(&[end]),
            false,
        )
        .unwrap()
        .map(|entry| {
            let (key, value) = entry.unwrap();
            (key.to_vec(), value.to_vec())
        })
        .collect()
}

fn build(snapshot: &dyn Snapshot, steps: &[Step], name: &str) -> (Commit, Vec<Seen>) {
    let mut commit = Commit {
        snapshot: snapshot.time(),
        ..Commit::default()
    };
    let mut seen = Vec::new();
    let write = |key: u8, value: Option<Vec<u8>>| Write {
        table: Table::Documents,
        key: vec![key],
        value,
        stamps: smallvec![],
    };
    for step in steps {
        match *step {
            Step::Get(key) => {
                commit.reads.push(Read::Point(Table::Documents, vec![key]));
                let value = snapshot.get(Table::Documents, &[key]).unwrap();
                let content = value
                    .map(|value| (vec![key], value.to_vec()))
                    .into_iter()
                    .collect();
                seen.push(Seen {
                    start: key,
                    end: key + 1,
                    content,
                });
            }
            Step::List(start, end) => {
                commit
                    .reads
                    .push(Read::Range(Table::Documents, vec![start], vec![end]));
                let content = list(snapshot, start, end);
                seen.push(Seen {
                    start,
                    end,
                    content,
                });
            }
            Step::Put(key) => commit
                .writes
                .push(write(key, Some(name.as_bytes().to_vec()))),
            Step::Delete(key) => commit.writes.push(write(key, None)),
            Step::Clear(start, end) => {
                commit
                    .clears
                    .push((Table::Documents, vec![start], vec![end]))
            }
        }
    }
    (commit, seen)
}

/// Runs each client's transactions, all clients at once.
fn run(store: &RedbStore, clients: &[Vec<Vec<Step>>]) -> Vec<Done> {
    let start = Barrier::new(clients.len());
    let acknowledged = AtomicI64::new(i64::MIN);
    std::thread::scope(|scope| {
        let running: Vec<_> = clients
            .iter()
            .enumerate()
            .map(|(client, transactions)| {
                let (start, acknowledged) = (&start, &acknowledged);
                scope.spawn(move || {
                    let mut done = Vec::new();
                    start.wait();
                    for (number, steps) in transactions.iter().enumerate() {
                        loop {
                            let known = acknowledged.load(Ordering::SeqCst);
                            let snapshot = store.snapshot().unwrap();
                            assert!(
                                snapshot.time().0 >= known,
                                "an acknowledged commit is not visible"
                            );
                            let (commit, seen) =
                                build(&*snapshot, steps, &format!("{client}.{number}"));
                            std::thread::yield_now();
                            match store.commit(commit.clone()) {
                                Ok(time) => {
                                    acknowledged.fetch_max(time.0, Ordering::SeqCst);
                                    let snapshot = snapshot.time();
                                    done.push(Done {
                                        snapshot,
                                        time,
                                        seen,
                                        commit,
                                    });
                                    break;
                                }
                                Err(StoreError::Contended { .. }) => {}
                                Err(other) => panic!("{other}"),
                            }
                        }
                    }
                    done
                })
            })
            .collect();
        running
            .into_iter()
            .flat_map(|client| client.join().unwrap())
            .collect()
    })
}

/// Replays the history in the order of commit times: every transaction saw the state just before it.
fn check(store: &RedbStore, mut history: Vec<Done>) {
    let is_write = |done: &Done| !done.commit.writes.is_empty() || !done.commit.clears.is_empty();
    let writers: Vec<TxnTime> = history
        .iter()
        .filter(|done| is_write(done))
        .map(|done| done.time)
        .collect();
    let mut unique = writers.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), writers.len(), "a time was given twice");
    // At one time: first who wrote it, then who only read it.
    history.sort_by_key(|done| (done.time, !is_write(done)));
    let mut state = Content::new();
    for done in history {
        for seen in &done.seen {
            let now: Content = state
                .range(vec![seen.start]..vec![seen.end.max(seen.start)])
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            assert_eq!(
                now, seen.content,
                "{:?} read what was not so at {:?}",
                done.snapshot, done.time
            );
        }
        for (_, start, end) in &done.commit.clears {
            state.retain(|key, _| key < start || key >= end);
        }
        for write in done.commit.writes {
            match write.value {
                Some(value) => state.insert(write.key, value),
                None => state.remove(&write.key),
            };
        }
    }
    assert_eq!(list(&*store.snapshot().unwrap(), 0, KEYS), state);
}

fn clients(transactions: usize) -> impl Strategy<Value = Vec<Vec<Vec<Step>>>> {
    let transaction = prop::collection::vec(step(), 1..6);
    prop::collection::vec(prop::collection::vec(transaction, 1..transactions), 2..5)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn concurrent_transactions_are_serializable_in_memory(clients in clients(20)) {
        let store = RedbStore::memory().unwrap();
        let history = run(&store, &clients);
        check(&store, history);
    }

    #[test]
    fn engines_agree(commits in prop::collection::vec(prop::collection::vec(step(), 1..8), 1..12)) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let options = Options { clock: Arc::new(Stopped), ..Options::default() };
        let memory = RedbStore::memory_with(options.clone()).unwrap();
        let mut file = RedbStore::open_with(&path, options.clone()).unwrap();
        for (number, steps) in commits.iter().enumerate() {
            for store in [&memory, &file] {
                let (commit, _) = build(&*store.snapshot().unwrap(), steps, &number.to_string());
                store.commit(commit).unwrap();
            }
            if number % 5 == 4 {
                drop(file);
                file = RedbStore::open_with(&path, options.clone()).unwrap();
            }
            let (in_memory, in_file) = (memory.snapshot().unwrap(), file.snapshot().unwrap());
            prop_assert_eq!(in_memory.time(), in_file.time());
            prop_assert_eq!(list(&*in_memory, 0, KEYS), list(&*in_file, 0, KEYS));
        }
    }
}

/// Writes of one transaction in a row of many keys: mostly runs of new neighbours, some there already, some removed.
fn run_of_writes() -> impl Strategy<Value = Vec<(u16, bool)>> {
    let part = (0..2000_u16, 1..60_u16, 1..5_u16, prop::bool::weighted(0.9));
    let spread = |(start, length, step, kept): (u16, u16, u16, bool)| {
        (0..length).map(move |i| (start + i * step, kept || i % 7 == 3))
    };
    prop::collection::vec(part, 1..6)
        .prop_map(move |parts| parts.into_iter().flat_map(spread).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn runs_of_writes_leave_what_single_writes_would(commits in prop::collection::vec(run_of_writes(), 1..8)) {
        let directory = tempfile::tempdir().unwrap();
        let file = RedbStore::open(directory.path().join("file")).unwrap();
        let mut model: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        for (number, writes) in commits.iter().enumerate() {
            let value = |key: u16| format!("{number} of {key}").repeat(1 + usize::from(key % 40)).into_bytes();
            for &(key, kept) in writes {
                match kept {
                    true => model.insert(key.to_be_bytes().to_vec(), value(key)),
                    false => model.remove(&key.to_be_bytes()[..]),
                };
            }
            let writes = writes.iter().map(|&(key, kept)| Write {
                table: Table::Index,
                key: key.to_be_bytes().to_vec(),
                value: kept.then(|| value(key)),
                stamps: smallvec![],
            });
            file.commit(Commit { writes: writes.collect(), ..Commit::default() }).unwrap();
            let snapshot = file.snapshot().unwrap();
            let stored: BTreeMap<Vec<u8>, Vec<u8>> = snapshot
                .range(Table::Index, Bound::Unbounded, Bound::Unbounded, false)
                .unwrap()
                .map(|entry| entry.map(|(key, value)| (key.to_vec(), value.to_vec())).unwrap())
                .collect();
            prop_assert_eq!(&stored, &model);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, max_shrink_iters: 50, ..ProptestConfig::default() })]

    #[test]
    fn concurrent_transactions_are_serializable_in_a_file(clients in clients(20)) {
        let directory = tempfile::tempdir().unwrap();
        let store = RedbStore::open(directory.path().join("file")).unwrap();
        let history = run(&store, &clients);
        check(&store, history);
    }
}

struct Stopped;

impl Clock for Stopped {
    fn now_micros(&self) -> i64 {
        0
    }
}

/// Stops the first commit until the gate opens.
struct Gate {
    opened: Barrier,
    asked: AtomicI64,
}

impl Clock for Gate {
    fn now_micros(&self) -> i64 {
        // Asked once when the store is made, then by the first commit.
        if self.asked.fetch_add(1, Ordering::SeqCst) == 1 {
            self.opened.wait();
        }
        0
    }
}

#[test]
fn commits_that_wait_together_share_one_sync() {
    let directory = tempfile::tempdir().unwrap();
    let gate = Arc::new(Gate {
        opened: Barrier::new(2),
        asked: AtomicI64::new(0),
    });
    let options = Options {
        clock: gate.clone(),
        ..Options::default()
    };
    let store = RedbStore::open_with(directory.path().join("file"), options).unwrap();
    let feed = store.subscribe();
    let commit = |n: u8| Commit {
        writes: vec![Write {
            table: Table::Documents,
            key: vec![n],
            value: Some(vec![]),
            stamps: smallvec![],
        }],
        ..Commit::default()
    };
    std::thread::scope(|scope| {
        for n in 0..20 {
            let store = &store;
            scope.spawn(move || store.commit(commit(n)).unwrap());
        }
        // Long enough for all of them to queue up behind the first.
        std::thread::sleep(Duration::from_millis(300));
        gate.opened.wait();
    });
    assert_eq!(store.batches(), 2);
    let mut times = Vec::new();
    while let Some(fql::store::FeedEvent::Commit(commit)) = feed.try_next() {
        times.push(commit.time);
    }
    assert_eq!(times.len(), 20);
    assert!(times.is_sorted_by(|earlier, later| earlier < later));
}

#[test]
fn of_two_that_read_and_write_one_key_in_one_batch_one_commits() {
    let gate = Arc::new(Gate {
        opened: Barrier::new(2),
        asked: AtomicI64::new(0),
    });
    let options = Options {
        clock: gate.clone(),
        ..Options::default()
    };
    let store = RedbStore::memory_with(options).unwrap();
    let snapshot = store.snapshot().unwrap().time();
    let commit = |n: u8| Commit {
        snapshot,
        reads: vec![Read::Point(Table::Documents, b"k".to_vec())],
        writes: vec![Write {
            table: Table::Documents,
            key: b"k".to_vec(),
            value: Some(vec![n]),
            stamps: smallvec![],
        }],
        ..Commit::default()
    };
    let committed = std::thread::scope(|scope| {
        let running: Vec<_> = (0..10)
            .map(|n| {
                let store = &store;
                scope.spawn(move || store.commit(commit(n)).is_ok())
            })
            .collect();
        std::thread::sleep(Duration::from_millis(100));
        gate.opened.wait();
        running
            .into_iter()
            .map(|client| client.join().unwrap())
            .filter(|ok| *ok)
            .count()
    });
    assert_eq!(committed, 1);
}
