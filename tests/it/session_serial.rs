//! Concurrent queries on a few documents: the history is strictly serializable, unique values stay unique, and
//! contention is met by running again.

use fql::engine::{Engine, Request, Session};
use fql::value::format::Format;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Barrier;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

const THREADS: u64 = 4;
const COUNTERS: u64 = 3;
const NAMES: u64 = 3;

/// What a query does, with what it saw in its answer.
#[derive(Clone, Copy, Debug)]
enum Operation {
    /// Answers all counters and names.
    ReadAll,
    /// Sets a counter to a function of itself.
    Change(u64, i64),
    /// Sets a counter to a function of another.
    Copy(u64, u64),
    /// Takes a name, if it is free.
    Take(u64),
    /// Frees a name.
    Free(u64),
}

/// A query that was acknowledged.
#[derive(Debug)]
struct Done {
    operation: Operation,
    /// The answer; `None` for a failed constraint.
    answer: Option<Json>,
    time: i64,
    /// The newest time acknowledged to anybody before it started.
    after: i64,
}

/// A small generator of numbers (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn operation(&mut self) -> Operation {
        let (a, b) = (self.below(COUNTERS), self.below(COUNTERS));
        match self.below(10) {
            0 | 1 => Operation::ReadAll,
            2..=4 => Operation::Change(a, self.below(100) as i64),
            5 | 6 => Operation::Copy(a, b),
            7 | 8 => Operation::Take(self.below(NAMES)),
            _ => Operation::Free(self.below(NAMES)),
        }
    }
}

fn text(operation: Operation) -> String {
    match operation {
        Operation::ReadAll => {
            "[Counter.all().order(.id).map(.n).toArray(), Named.all().map(.name).order().toArray()]"
                .into()
        }
        Operation::Change(id, by) => {
            format!(
                "let d = Counter.byId('{id}')!; let n = d.n; d.update({{ n: (n * 3 + {by}) % 1009 }}); n"
            )
        }
        Operation::Copy(from, to) => {
            format!(
                "let n = Counter.byId('{from}')!.n; Counter.byId('{to}')!.update({{ n: (n + 1) % 1009 }}); n"
            )
        }
        Operation::Take(name) => format!("Named.create({{ name: 'n{name}' }}); true"),
        Operation::Free(name) => {
            format!(
                "let d = Named.byName('n{name}').first(); if (d == null) {{ false }} else {{ d!.delete(); true }}"
            )
        }
    }
}

fn setup() -> Session {
    let engine = Engine::memory().expect("an engine");
    let session = engine.root();
    for query in [
        "Collection.create({ name: 'Counter' })",
        "Collection.create({ name: 'Named', constraints: [{ unique: ['.name'] }], indexes: { byName: { terms: [{ field: '.name' }] } } })",
        "Set.sequence(0, 3).forEach(i => Counter.create({ id: i, n: 0 }))",
    ] {
        let outcome = session.query(&request(query.into()));
        assert!(outcome.result.is_ok(), "{}", outcome.summary);
    }
    session
}

fn request(text: String) -> Request {
    let mut request = Request::text(text);
    request.typecheck = Some(false);
    request.max_contention_retries = Some(10_000);
    request
}

/// Replays the history in the order of its times: each query saw the state just before it.
fn check(mut history: Vec<Done>) {
    let writes = |done: &Done| match done.operation {
        Operation::ReadAll => false,
        Operation::Change(..) | Operation::Copy(..) | Operation::Take(_) => done.answer.is_some(),
        Operation::Free(_) => done.answer == Some(Json::Bool(true)),
    };
    // At one time: first who wrote it, then those who only read it.
    history.sort_by_key(|done| (done.time, !writes(done)));
    let mut counters = vec![0i64; COUNTERS as usize];
    let mut names: BTreeMap<String, ()> = BTreeMap::new();
    let mut last_write = i64::MIN;
    for done in &history {
        assert!(
            done.time >= done.after,
            "earlier than what was acknowledged before: {done:?}"
        );
        if writes(done) {
            assert!(done.time > last_write, "a time was given twice: {done:?}");
            last_write = done.time;
        }
        let number = || {
            done.answer
                .as_ref()
                .and_then(Json::as_i64)
                .expect("a number")
        };
        match done.operation {
            Operation::ReadAll => {
                let names: Vec<&String> = names.keys().collect();
                let seen = done.answer.as_ref().expect("an answer");
                assert_eq!(*seen, serde_json::json!([counters, names]), "{done:?}");
            }
            Operation::Change(id, by) => {
                let id = id as usize;
                assert_eq!(counters[id], number(), "{done:?}");
                counters[id] = (counters[id] * 3 + by) % 1009;
            }
            Operation::Copy(from, to) => {
                assert_eq!(counters[from as usize], number(), "{done:?}");
                counters[to as usize] = (counters[from as usize] + 1) % 1009;
            }
            Operation::Take(name) => {
                let was = names.insert(format!("n{name}"), ()).is_some();
                assert_eq!(was, done.answer.is_none(), "{done:?}");
            }
            Operation::Free(name) => {
                let was = names.remove(&format!("n{name}")).is_some();
                assert_eq!(was, done.answer == Some(Json::Bool(true)), "{done:?}");
            }
        }
    }
}

#[test]
fn random_queries_are_strictly_serializable() {
    for seed in 1..=3u64 {
        let session = setup();
        let start = Barrier::new(THREADS as usize);
        let acknowledged = AtomicI64::new(i64::MIN);
        let history: Vec<Done> = std::thread::scope(|scope| {
            let running: Vec<_> = (0..THREADS)
                .map(|thread| {
                    let (session, start, acknowledged) = (session.clone(), &start, &acknowledged);
                    scope.spawn(move || {
                        let mut numbers = Numbers(seed * 7919 + thread * 104_729 + 1);
                        start.wait();
                        (0..120)
                            .map(|_| {
                                let operation = numbers.operation();
                                let after = acknowledged.load(Ordering::SeqCst);
                                let outcome = session.query(&request(text(operation)));
                                let time = outcome.txn_time.0;
                                acknowledged.fetch_max(time, Ordering::SeqCst);
                                let answer = match outcome.result {
                                    Ok(value) => {
                                        serde_json::from_str(&value.to_text(Format::Simple)).ok()
                                    }
                                    Err(error) => {
                                        assert_eq!(
                                            error.code, "constraint_failure",
                                            "{operation:?}: {}",
                                            error.message
                                        );
                                        None
                                    }
                                };
                                Done {
                                    operation,
                                    answer,
                                    time,
                                    after,
                                }
                            })
                            .collect::<Vec<_>>()
                    })
                })
                .collect();
            running
                .into_iter()
                .flat_map(|thread| thread.join().expect("a client"))
                .collect()
        });
        assert_eq!(history.len(), THREADS as usize * 120);
        check(history);
    }
}

#[test]
fn of_all_who_take_a_unique_value_one_gets_it() {
    let session = setup();
    for round in 0..20 {
        let start = Barrier::new(THREADS as usize);
        let taken = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    start.wait();
                    let text = format!("Named.create({{ name: 'round{round}' }})");
                    match session.query(&request(text)).result {
                        Ok(_) => {
                            taken.fetch_add(1, Ordering::SeqCst);
                        }
                        Err(error) => assert_eq!(error.code, "constraint_failure"),
                    }
                });
            }
        });
        assert_eq!(taken.load(Ordering::SeqCst), 1);
    }
    let count = session.query(&request("Named.all().count()".into()));
    assert_eq!(count.result.expect("a count").to_text(Format::Simple), "20");
}

/// A query that reads what another wrote meanwhile runs again, as often as it may, and then says so.
#[test]
fn contention_runs_again_or_fails() {
    let session = setup();
    // Long enough that another query commits in between.
    let slow = "let n = Counter.byId('0')!.n; let s = Set.sequence(0, 30000).fold(0, (a, b) => a + b); Counter.byId('0')!.update({ n: n + 1 }); n";
    let stop = std::sync::atomic::AtomicBool::new(false);
    let (patient, impatient) = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::SeqCst) {
                session.query(&request(text(Operation::Change(0, 1))));
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        });
        let mut impatient = request(slow.into());
        impatient.max_contention_retries = Some(0);
        let impatient: Vec<_> = (0..10).map(|_| session.query(&impatient)).collect();
        let mut patient = request(slow.into());
        patient.max_contention_retries = Some(3);
        let patient = session.query(&patient);
        stop.store(true, Ordering::SeqCst);
        (patient, impatient)
    });
    let contended = impatient
        .iter()
        .filter_map(|outcome| outcome.result.as_ref().err());
    let told: Vec<(&str, &str)> = contended
        .map(|error| (error.code, &*error.message))
        .collect();
    let expected = (
        "contended_transaction",
        "Transaction was aborted due to detection of concurrent modifications to Counter(0).",
    );
    assert!(
        !told.is_empty() && told.iter().all(|told| *told == expected),
        "{told:?}"
    );
    assert!(
        impatient
            .iter()
            .all(|outcome| outcome.stats.contention_retries == 0)
    );
    // Every run counts: it read and wrote the one document.
    let runs = u64::from(patient.stats.contention_retries) + 1;
    assert_eq!(patient.stats.read_ops, runs);
    assert!(runs <= 4);
    if let Err(error) = &patient.result {
        assert_eq!(
            (error.code, patient.stats.contention_retries),
            ("contended_transaction", 3)
        );
    }
    let alone = session.query(&request(slow.into()));
    assert!(alone.result.is_ok());
    assert_eq!(alone.stats.contention_retries, 0);
}
