//! Laws: whatever is written in whatever order, indexes are what a full recomputation gives, the past is what it was,
//! and a walk gives each element once.

use super::indexes::index;
use super::*;
use crate::store::Clock;
use crate::value::IndexId;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};

/// A clock the test moves.
struct Manual(AtomicI64);

impl Clock for Manual {
    fn now_micros(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Clone, Debug)]
enum Step {
    Put {
        id: i64,
        a: Option<i32>,
        tags: Vec<i32>,
        ttl: Option<i64>,
    },
    Delete {
        id: i64,
    },
    Commit,
    Abort,
    /// Seconds pass.
    Wait(i64),
    /// The collection's definition gets these indexes.
    Define(u8),
    Maintain,
}

fn step() -> impl Strategy<Value = Step> {
    let ttl = prop_oneof![4 => Just(None), 1 => (1..2000i64).prop_map(Some)];
    prop_oneof![
        8 => (0..6i64, proptest::option::of(0..3i32), proptest::collection::vec(0..3i32, 0..3), ttl)
            .prop_map(|(id, a, tags, ttl)| Step::Put { id, a, tags, ttl }),
        3 => (0..6i64).prop_map(|id| Step::Delete { id }),
        4 => Just(Step::Commit),
        1 => Just(Step::Abort),
        2 => (1..800i64).prop_map(Step::Wait),
        1 => (0..8u8).prop_map(Step::Define),
        2 => Just(Step::Maintain),
    ]
}

fn definition(choice: u8, collection: &mut Object) {
    let mut indexes = Object::new();
    if choice & 1 != 0 {
        indexes.insert("byA", index(&["a"], &["-n"]));
    }
    if choice & 2 != 0 {
        indexes.insert("byTag", index(&["*tags"], &["ts"]));
    }
    if choice & 4 != 0 {
        indexes.insert("sorted", index(&[], &["a", "-*tags", "ttl"]));
    }
    collection.insert("indexes", Value::object(indexes));
}

/// What the model should hold: id to contents, by commit time.
type State = BTreeMap<i64, (Option<i32>, Vec<i32>, Option<i64>)>;

/// Every entry of an index at a time, by the index itself.
fn walked(
    txn: &mut Txn,
    coll: CollId,
    id: IndexId,
    reverse: bool,
    at: Option<TxnTime>,
) -> Vec<Vec<u8>> {
    // Without terms the prefix is that of the index: every entry, terms included.
    let mut cursor = txn.index_scan(coll, id, &[], &IndexBounds::all(), reverse, at);
    std::iter::from_fn(|| cursor.next(txn).unwrap())
        .map(|entry| entry.position().to_vec())
        .collect()
}

/// The same from the documents.
fn recomputed(txn: &mut Txn, coll: CollId, id: IndexId, at: Option<TxnTime>) -> Vec<Vec<u8>> {
    let collection = txn.schema().collection(coll).unwrap().clone();
    let index = collection.backing_index(id).unwrap().clone();
    let schema = txn.schema().clone();
    let model = txn.model().clone();
    let mut cursor = txn.scan(coll, (Bound::Unbounded, Bound::Unbounded), false, at);
    let mut all = Vec::new();
    while let Some((id, version)) = cursor.next(txn).unwrap() {
        let data = version.object();
        let fields = entries::Fields {
            scope: txn.scope(),
            codec: model.key_codec(),
            schema: &schema,
            collection: &collection,
            computed: None,
            bindings: None,
            document: IndexedDocument {
                id,
                ts: version.ts,
                ttl: version.ttl,
                data: &data,
            },
        };
        let found = entries::own_entries(&index, &fields).unwrap();
        all.extend(found.into_iter().map(|entry| entry.key[16..].to_vec()));
    }
    all.sort();
    all
}

fn check(txn: &mut Txn, coll: CollId, expected: &State, now: i64, at: Option<TxnTime>) {
    let live: Vec<i64> = expected
        .iter()
        .filter(|(_, (_, _, ttl))| ttl.is_none_or(|ttl| ttl > now))
        .map(|(id, _)| *id)
        .collect();
    assert_eq!(ids(txn, coll, false, at), live, "scan at {at:?}");
    let mut backwards = ids(txn, coll, true, at);
    backwards.reverse();
    assert_eq!(backwards, live, "reverse scan at {at:?}");
    for id in 0..6 {
        let version = txn.get(coll, DocId(id), at).unwrap();
        assert_eq!(version.is_some(), live.contains(&id), "get {id} at {at:?}");
        if let Some(version) = version {
            let a = match version.field("a") {
                Some(Value::Int(a)) => Some(a),
                _ => None,
            };
            assert_eq!(a, expected[&id].0);
        }
    }
    let backing = txn.schema().collection(coll).unwrap().backing.clone();
    for index in backing
        .iter()
        .filter(|index| index.status == schema::IndexStatus::Complete)
    {
        let expected = recomputed(txn, coll, index.id, at);
        assert_eq!(
            walked(txn, coll, index.id, false, at),
            expected,
            "index {:?} at {at:?}",
            index.id
        );
        let mut backwards = walked(txn, coll, index.id, true, at);
        backwards.reverse();
        assert_eq!(
            backwards, expected,
            "reverse index {:?} at {at:?}",
            index.id
        );
    }
}

/// The change log and the versions tell of the same changes.
fn check_changes(txn: &mut Txn, coll: CollId) {
    let (since, until) = (txn.minimum_valid_time(coll), TxnTime(i64::MAX));
    let mut log = txn.changes(coll, None, since, until).unwrap();
    let logged: Vec<_> = std::iter::from_fn(|| log.next(txn).unwrap()).collect();
    let mut told: BTreeMap<TxnTime, Vec<DocId>> = BTreeMap::new();
    for id in 0..6 {
        let mut cursor = txn.changes(coll, Some(DocId(id)), since, until).unwrap();
        while let Some((ts, ids)) = cursor.next(txn).unwrap() {
            told.entry(ts).or_default().extend(ids);
        }
    }
    assert_eq!(logged, told.into_iter().collect::<Vec<_>>());
}

fn run(steps: Vec<Step>) {
    let clock = Arc::new(Manual(AtomicI64::new(1_700_000_000_000_000)));
    let options = crate::store::Options {
        clock: clock.clone(),
        ..crate::store::Options::default()
    };
    let store = Arc::new(RedbStore::memory_with(options).unwrap());
    let model = Model::open(store, clock.clone()).unwrap();
    let coll = collection(&model, "Foo", &[("history_days", Value::Int(0))]);
    let mut committed: BTreeMap<TxnTime, State> = BTreeMap::new();
    let mut state = State::new();
    let mut txn = model.begin(keys::ROOT).unwrap();
    let mut base = state.clone();
    for step in steps {
        match step {
            Step::Put { id, a, tags, ttl } => {
                let ttl = ttl.map(|seconds| clock.now_micros() + seconds * 1_000_000);
                let mut fields = vec![("n", Value::Int(id as i32 % 2))];
                fields.extend(a.map(|a| ("a", Value::Int(a))));
                let items = tags.iter().map(|tag| Value::Int(*tag)).collect();
                fields.push(("tags", Value::array(items)));
                let time = ttl.map(|ttl| Time::from(TxnTime(ttl)));
                txn.put(coll, DocId(id), object(&fields), time).unwrap();
                state.insert(id, (a, tags, ttl));
            }
            Step::Delete { id } => {
                let live = state
                    .remove(&id)
                    .is_some_and(|(_, _, ttl)| ttl.is_none_or(|ttl| ttl > txn.time().0));
                assert_eq!(txn.delete(coll, DocId(id)).unwrap(), live);
            }
            Step::Commit | Step::Abort | Step::Wait(_) | Step::Define(_) | Step::Maintain => {
                let now = txn.time().0;
                check(&mut txn, coll, &state, now, None);
                match step {
                    Step::Abort => state = base.clone(),
                    _ => {
                        if let Some(commit) = txn.into_commit() {
                            let time = model.store().commit(commit).unwrap();
                            committed.insert(time, state.clone());
                        }
                    }
                }
                match step {
                    Step::Wait(seconds) => {
                        clock.0.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
                    }
                    Step::Define(choice) => {
                        let mut txn = model.begin(keys::ROOT).unwrap();
                        let id = DocId(coll.0 as i64);
                        let old = txn
                            .get(native::COLLECTION, id, None)
                            .unwrap()
                            .unwrap()
                            .object();
                        let mut data = (*old).clone();
                        definition(choice, &mut data);
                        txn.put(native::COLLECTION, id, Arc::new(data), None)
                            .unwrap();
                        commit(txn);
                    }
                    Step::Maintain => while model.maintain().unwrap().busy {},
                    _ => {}
                }
                txn = model.begin(keys::ROOT).unwrap();
                base = state.clone();
                let now = txn.time().0;
                check(&mut txn, coll, &state, now, None);
                check_changes(&mut txn, coll);
                let minimum = txn.minimum_valid_time(coll);
                for (time, past) in committed.iter().rev().take(6) {
                    if *time >= minimum && *time < txn.snapshot_time() {
                        check(&mut txn, coll, past, now, Some(*time));
                    }
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::default())]

    #[test]
    fn indexes_and_the_past_are_what_they_should_be(steps in proptest::collection::vec(step(), 1..60)) {
        run(steps);
    }
}
