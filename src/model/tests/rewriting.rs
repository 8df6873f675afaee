//! Events, and rewriting the past: afterwards everything is as if it had been written so.

use super::indexes::index;
use super::*;
use proptest::prelude::*;

/// Every row of a collection and its indexes.
fn rows(txn: &mut Txn, coll: CollId) -> Vec<(Table, Vec<u8>, Vec<u8>)> {
    let backing = txn.schema().collection(coll).unwrap().backing.clone();
    let mut prefixes = vec![
        (Table::Documents, keys::collection(txn.scope(), coll)),
        (Table::History, keys::collection(txn.scope(), coll)),
    ];
    for index in backing {
        prefixes.push((Table::Index, keys::index(txn.scope(), index.id)));
        prefixes.push((Table::IndexHistory, keys::index(txn.scope(), index.id)));
    }
    let mut all = Vec::new();
    for (table, prefix) in prefixes {
        let mut cursor = txn.walk(table, (prefix.to_vec(), keys::successor(&prefix)), false);
        while let Some((key, value)) = cursor.next(txn).unwrap() {
            all.push((table, key.to_vec(), value.to_vec()));
        }
    }
    all
}

/// The changes of a collection by the change log, and by its versions.
fn changes(txn: &mut Txn, coll: CollId) -> [Vec<(TxnTime, Vec<DocId>)>; 2] {
    let (never, always) = (TxnTime(0), TxnTime(i64::MAX));
    let mut cursor = txn.changes(coll, None, never, always).unwrap();
    let logged = std::iter::from_fn(|| cursor.next(txn).unwrap()).collect();
    let mut told: std::collections::BTreeMap<TxnTime, Vec<DocId>> = Default::default();
    for id in 0..10 {
        let mut cursor = txn.changes(coll, Some(DocId(id)), never, always).unwrap();
        while let Some((ts, ids)) = cursor.next(txn).unwrap() {
            told.entry(ts).or_default().extend(ids);
        }
    }
    [logged, told.into_iter().collect()]
}

fn indexed(model: &Arc<Model>) -> CollId {
    let entries = [
        ("byA", index(&["a"], &["-ts"])),
        ("all", index(&[], &["*tags"])),
    ];
    let indexes: Object = entries.into_iter().collect();
    collection(model, "Foo", &[("indexes", Value::object(indexes))])
}

fn data(a: i32) -> Object {
    let tags = Value::array(vec![Value::Int(a), Value::Int(a / 2)]);
    [("a", Value::Int(a / 2)), ("tags", tags)]
        .into_iter()
        .collect()
}

#[test]
fn events_tell_what_happened() {
    let model = model();
    let coll = indexed(&model);
    let mut times = Vec::new();
    for step in [Some(1), Some(2), None, Some(3)] {
        let mut txn = model.begin(keys::ROOT).unwrap();
        match step {
            Some(a) => drop(txn.put(coll, DocId(1), Arc::new(data(a)), None).unwrap()),
            None => drop(txn.delete(coll, DocId(1)).unwrap()),
        }
        times.push(commit(txn));
    }
    let mut txn = model.begin(keys::ROOT).unwrap();
    txn.delete(coll, DocId(1)).unwrap();
    let events = txn.versions(coll, DocId(1)).unwrap();
    let shape: Vec<_> = events
        .iter()
        .map(|event| (event.ts, event.version.is_some()))
        .collect();
    let expected: Vec<_> = times
        .iter()
        .map(|time| Some(*time))
        .chain([None])
        .zip([true, true, false, true, false])
        .collect();
    assert_eq!(shape, expected);
    let changed = txn.changed_documents(coll, times[2], times[3]).unwrap();
    assert_eq!(changed.len(), 1);
    assert!(
        txn.changed_documents(coll, times[3], TxnTime(i64::MAX))
            .unwrap()
            .is_empty()
    );
    let id = txn
        .schema()
        .collection(coll)
        .unwrap()
        .index("byA")
        .unwrap()
        .index
        .unwrap();
    let mut events: Vec<_> = txn
        .entry_events(coll, id, &[Value::Int(1)])
        .unwrap()
        .into_iter()
        .map(|event| (event.ts.unwrap_or(TxnTime(i64::MAX)), event.added))
        .collect();
    events.sort();
    let end = TxnTime(i64::MAX);
    assert_eq!(
        events,
        [
            (times[1], true),
            (times[2], false),
            (times[3], true),
            (end, false)
        ]
    );
}

#[derive(Clone, Debug)]
enum Edit {
    Insert { id: i64, at: i64, a: Option<i32> },
    Remove { id: i64, at: i64 },
    Write { id: i64, a: Option<i32> },
    Commit,
}

fn edit() -> impl Strategy<Value = Edit> {
    let a = || proptest::option::of(0..6i32);
    prop_oneof![
        4 => (0..3i64, 1..8i64, a()).prop_map(|(id, at, a)| Edit::Insert { id, at, a }),
        2 => (0..3i64, 1..8i64).prop_map(|(id, at)| Edit::Remove { id, at }),
        2 => (0..3i64, a()).prop_map(|(id, a)| Edit::Write { id, a }),
        2 => Just(Edit::Commit),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::default())]

    #[test]
    fn a_rewritten_past_is_indexed_as_if_it_had_been_so(edits in proptest::collection::vec(edit(), 1..25)) {
        let model = model();
        let coll = indexed(&model);
        let mut txn = model.begin(keys::ROOT).unwrap();
        for edit in edits {
            match edit {
                Edit::Insert { id, at, a } => {
                    txn.insert_version(coll, DocId(id), TxnTime(at), a.map(data).as_ref(), None).unwrap();
                }
                Edit::Remove { id, at } => {
                    txn.remove_version(coll, DocId(id), TxnTime(at)).unwrap();
                }
                Edit::Write { id, a: Some(a) } => {
                    txn.put(coll, DocId(id), Arc::new(data(a)), None).unwrap();
                }
                Edit::Write { id, a: None } => {
                    txn.delete(coll, DocId(id)).unwrap();
                }
                Edit::Commit => {
                    if let Some(commit) = txn.into_commit() {
                        model.store().commit(commit).unwrap();
                    }
                    txn = model.begin(keys::ROOT).unwrap();
                }
            }
        }
        if let Some(commit) = txn.into_commit() {
            model.store().commit(commit).unwrap();
        }
        // Built anew from the documents, the indexes must be the same.
        let mut txn = model.begin(keys::ROOT).unwrap();
        let found = rows(&mut txn, coll);
        let collection = txn.schema().collection(coll).unwrap().clone();
        for index in &collection.backing {
            let prefix = keys::index(keys::ROOT, index.id);
            for table in [Table::Index, Table::IndexHistory] {
                let mut cursor = txn.walk(table, (prefix.to_vec(), keys::successor(&prefix)), false);
                while let Some((key, _)) = cursor.next(&mut txn).unwrap() {
                    let gone = overlay::Pending { value: None, stamps: bytes::Stamps::new(), base: None };
                    txn.overlay.set(table, &key, gone);
                    txn.bump_epoch();
                }
            }
            build::build_now(&mut txn, &collection, legacy_entries::Physical::Own(index)).unwrap();
        }
        prop_assert_eq!(rows(&mut txn, coll), found);
        let [logged, told] = changes(&mut txn, coll);
        prop_assert_eq!(logged, told);
    }
}
