//! The model over an in-memory store.

use super::*;
use crate::store::{RedbStore, SystemClock};
use std::ops::Bound;

fn model() -> Arc<Model> {
    let store = Arc::new(RedbStore::memory().unwrap());
    Model::open(store, Arc::new(SystemClock)).unwrap()
}

fn commit(txn: Txn) -> TxnTime {
    let store = txn.model().store().clone();
    store.commit(txn.into_commit().unwrap()).unwrap()
}

fn object(fields: &[(&str, Value)]) -> Arc<Object> {
    Arc::new(
        fields
            .iter()
            .map(|(name, value)| (*name, value.clone()))
            .collect(),
    )
}

/// A collection with the given definition fields; returns its id.
fn collection(model: &Arc<Model>, name: &str, fields: &[(&str, Value)]) -> CollId {
    let mut txn = model.begin(keys::ROOT).unwrap();
    let id = txn.new_collection_id().unwrap();
    let mut data = Object::new();
    data.insert("name", Value::string(name));
    for (field, value) in fields {
        data.insert(*field, value.clone());
    }
    txn.put(native::COLLECTION, DocId(id.0 as i64), Arc::new(data), None)
        .unwrap();
    commit(txn);
    id
}

fn ids(txn: &mut Txn, coll: CollId, reverse: bool, at: Option<TxnTime>) -> Vec<i64> {
    let mut cursor = txn.scan(coll, (Bound::Unbounded, Bound::Unbounded), reverse, at);
    std::iter::from_fn(|| cursor.next(txn).unwrap())
        .map(|(id, _)| id.0)
        .collect()
}

#[test]
fn a_document_lives_changes_and_dies() {
    let model = model();
    let coll = collection(&model, "Foo", &[]);
    let mut txn = model.begin(keys::ROOT).unwrap();
    assert_eq!(
        txn.by_name(native::COLLECTION, "Foo", None).unwrap(),
        Some(DocId(coll.0 as i64))
    );
    assert_eq!(txn.by_name(native::COLLECTION, "Bar", None).unwrap(), None);
    assert!(
        txn.put(coll, DocId(1), object(&[("x", Value::Int(1))]), None)
            .unwrap()
            .created
    );
    assert_eq!(txn.get(coll, DocId(1), None).unwrap().unwrap().ts, None);
    let first = commit(txn);

    let mut txn = model.begin(keys::ROOT).unwrap();
    let version = txn.get(coll, DocId(1), None).unwrap().unwrap();
    assert_eq!(version.ts, Some(first));
    assert!(matches!(version.field("x"), Some(Value::Int(1))));
    assert!(
        !txn.put(coll, DocId(1), object(&[("x", Value::Int(2))]), None)
            .unwrap()
            .created
    );
    let second = commit(txn);

    let mut txn = model.begin(keys::ROOT).unwrap();
    assert!(txn.delete(coll, DocId(1)).unwrap());
    assert!(!txn.delete(coll, DocId(1)).unwrap());
    let third = commit(txn);

    let mut txn = model.begin(keys::ROOT).unwrap();
    let x_at = |txn: &mut Txn, at: i64| {
        txn.get(coll, DocId(1), Some(TxnTime(at)))
            .unwrap()
            .map(|version| match version.field("x") {
                Some(Value::Int(x)) => x,
                other => panic!("{other:?}"),
            })
    };
    assert!(txn.get(coll, DocId(1), None).unwrap().is_none());
    assert_eq!(x_at(&mut txn, first.0 - 1), None);
    assert_eq!(x_at(&mut txn, first.0), Some(1));
    assert_eq!(x_at(&mut txn, second.0 - 1), Some(1));
    assert_eq!(x_at(&mut txn, second.0), Some(2));
    assert_eq!(x_at(&mut txn, third.0), None);
}

#[test]
fn a_cursor_meets_writes_in_front_of_it() {
    let model = model();
    let coll = collection(&model, "Foo", &[]);
    let mut txn = model.begin(keys::ROOT).unwrap();
    for id in [10, 20, 30] {
        txn.put(coll, DocId(id), object(&[]), None).unwrap();
    }
    commit(txn);
    let mut txn = model.begin(keys::ROOT).unwrap();
    let mut cursor = txn.scan(coll, (Bound::Unbounded, Bound::Unbounded), false, None);
    assert_eq!(cursor.next(&mut txn).unwrap().unwrap().0, DocId(10));
    txn.put(coll, DocId(5), object(&[]), None).unwrap();
    txn.put(coll, DocId(15), object(&[]), None).unwrap();
    txn.delete(coll, DocId(20)).unwrap();
    let rest: Vec<i64> = std::iter::from_fn(|| cursor.next(&mut txn).unwrap())
        .map(|(id, _)| id.0)
        .collect();
    assert_eq!(rest, [15, 30]);
    assert_eq!(ids(&mut txn, coll, true, None), [30, 15, 10, 5]);
}

#[test]
fn scans_are_validated_as_far_as_they_went() {
    let model = model();
    let coll = collection(&model, "Foo", &[]);
    let mut txn = model.begin(keys::ROOT).unwrap();
    for id in 1..=5 {
        txn.put(coll, DocId(id * 10), object(&[]), None).unwrap();
    }
    commit(txn);
    let run = |other: i64| {
        let mut txn = model.begin(keys::ROOT).unwrap();
        let mut cursor = txn.scan(coll, (Bound::Unbounded, Bound::Unbounded), false, None);
        cursor.next(&mut txn).unwrap();
        cursor.next(&mut txn).unwrap();
        txn.put(coll, DocId(1000 + other), object(&[]), None)
            .unwrap();
        let mut concurrent = model.begin(keys::ROOT).unwrap();
        concurrent
            .put(coll, DocId(other), object(&[]), None)
            .unwrap();
        commit(concurrent);
        model.store().commit(txn.into_commit().unwrap())
    };
    assert!(run(15).is_err(), "a document came up in what was walked");
    assert!(run(45).is_ok(), "beyond the walk nothing matters");
}

mod indexes;
mod legacy;
mod properties;
mod rewriting;
