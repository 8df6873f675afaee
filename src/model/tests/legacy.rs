//! Indexes of FQL v4: their contents are what a recomputation from the documents gives, whatever was written.

use super::*;
use crate::value::{Doc, DocKey, IndexId};
use proptest::prelude::*;

fn list(items: Vec<Value>) -> Value {
    Value::array(items)
}

fn nested(fields: &[(&str, Value)]) -> Value {
    Value::Object(object(fields))
}

fn text(text: &str) -> Value {
    Value::string(text)
}

fn reference(coll: CollId) -> Value {
    Value::Doc(Arc::new(Doc {
        coll: native::COLLECTION,
        key: DocKey::Id(DocId(coll.0 as i64)),
        at: None,
        deleted: false,
        named: false,
        cover: None,
    }))
}

fn path(parts: &[&str]) -> Value {
    list(parts.iter().map(|part| text(part)).collect())
}

fn field(parts: &[&str]) -> Value {
    nested(&[("field", path(parts))])
}

/// Defines an index; returns its id.
fn define(txn: &mut Txn, name: &str, fields: &[(&str, Value)]) -> DocId {
    let id = txn.new_legacy_index_id().unwrap();
    let mut data: Object = fields
        .iter()
        .map(|(name, value)| (*name, value.clone()))
        .collect();
    data.insert("name", text(name));
    txn.put(native::LEGACY_INDEX, id, Arc::new(data), None)
        .unwrap();
    id
}

/// Every entry with these terms: the values, as texts, and the document.
fn entries_of(
    txn: &mut Txn,
    name: &str,
    terms: &[Value],
    reverse: bool,
    at: Option<TxnTime>,
) -> Vec<(String, i64)> {
    let index = txn.schema().legacy_index_named(name).unwrap().clone();
    let bounds = LegacyBounds::default();
    let mut cursor = txn.legacy_scan(&index, terms, &bounds, reverse, at);
    std::iter::from_fn(|| cursor.next(txn).unwrap())
        .map(|entry| (shown(&entry.values), entry.doc.0))
        .collect()
}

fn shown(values: &[Value]) -> String {
    let one = |value: &Value| match value {
        Value::Null(_) => "null".to_string(),
        Value::Int(n) => n.to_string(),
        Value::Long(n) => n.to_string(),
        Value::String(text) => text.to_string(),
        Value::Doc(_) => "ref".to_string(),
        other => format!("{other:?}"),
    };
    values.iter().map(one).collect::<Vec<_>>().join(",")
}

fn entries_strs(found: &[(String, i64)]) -> Vec<(&str, i64)> {
    found.iter().map(|(text, id)| (&**text, *id)).collect()
}

/// `doubled`: twice `data.n`, nothing for other documents.
struct Doubling;

impl LegacyBindings for Doubling {
    fn evaluate(
        &self,
        _: ScopeId,
        _: &Collection,
        document: &IndexedDocument<'_>,
        _: &Value,
    ) -> Option<Value> {
        match document.data.get("n") {
            Some(Value::Int(n)) => Some(Value::Int(2 * n)),
            _ => None,
        }
    }
}

#[test]
fn entries_follow_the_rules_of_the_language() {
    let model = model();
    model.set_legacy_bindings(Arc::new(Doubling));
    let (a, b) = (collection(&model, "A", &[]), collection(&model, "B", &[]));
    let mut txn = model.begin(keys::ROOT).unwrap();
    let both = list(vec![reference(a), reference(b)]);
    define(
        &mut txn,
        "tags",
        &[
            ("source", both.clone()),
            ("terms", field(&["data", "tags"])),
        ],
    );
    let whole = nested(&[
        ("field", path(&["data", "tags"])),
        ("mva", Value::Bool(false)),
    ]);
    define(
        &mut txn,
        "whole",
        &[("source", both.clone()), ("values", whole)],
    );
    let folded = nested(&[
        ("field", path(&["data", "name"])),
        ("transform", text("casefold")),
        ("reverse", Value::Bool(true)),
    ]);
    define(
        &mut txn,
        "names",
        &[
            ("source", text("_")),
            ("values", list(vec![folded, field(&["ref"])])),
        ],
    );
    let doubled = nested(&[("doubled", text("query"))]);
    let source = nested(&[("collection", reference(a)), ("fields", doubled)]);
    let bound = nested(&[("binding", text("doubled"))]);
    define(
        &mut txn,
        "doubled",
        &[("source", source), ("values", bound)],
    );
    let members = list(vec![field(&["data", "list", "k"]), field(&["data", "n"])]);
    define(
        &mut txn,
        "members",
        &[("source", reference(a)), ("values", members)],
    );
    // Written in the transaction that defines the indexes: indexed as well.
    let fields: &[(&str, Value)] = &[
        (
            "tags",
            list(vec![
                text("x"),
                list(vec![text("y")]),
                text("x"),
                nested(&[]),
            ]),
        ),
        ("name", text("Straße")),
        ("n", Value::Int(4)),
        (
            "list",
            list(vec![
                nested(&[("k", Value::Int(1))]),
                nested(&[("k", list(vec![Value::Int(2), Value::Int(1)]))]),
                Value::Int(9),
            ]),
        ),
    ];
    txn.put(a, DocId(1), object(fields), None).unwrap();
    commit(txn);
    let mut txn = model.begin(keys::ROOT).unwrap();
    txn.put(
        b,
        DocId(2),
        object(&[("name", text("apple")), ("tags", text("y"))]),
        None,
    )
    .unwrap();
    txn.put(b, DocId(3), object(&[("other", Value::Int(1))]), None)
        .unwrap();
    let tags = |txn: &mut Txn, tag: &str| entries_of(txn, "tags", &[text(tag)], false, None);
    assert_eq!(entries_strs(&tags(&mut txn, "x")), [("", 1)]);
    assert_eq!(entries_strs(&tags(&mut txn, "y")), [("", 1), ("", 2)]);
    // A wrong number of terms matches nothing; all terms null is no entry.
    assert!(entries_of(&mut txn, "tags", &[], false, None).is_empty());
    assert!(entries_of(&mut txn, "tags", &[Value::NULL], false, None).is_empty());
    assert_eq!(entries_of(&mut txn, "whole", &[], false, None).len(), 2);
    // The third has a reference to sort by, and no name: null is the greatest, and comes first in reverse.
    assert_eq!(
        entries_strs(&entries_of(&mut txn, "names", &[], false, None)),
        [("null,ref", 3), ("strasse,ref", 1), ("apple,ref", 2)]
    );
    assert_eq!(
        entries_strs(&entries_of(&mut txn, "names", &[], true, None)),
        [("apple,ref", 2), ("strasse,ref", 1), ("null,ref", 3)]
    );
    assert_eq!(
        entries_strs(&entries_of(&mut txn, "doubled", &[], false, None)),
        [("8", 1)]
    );
    assert_eq!(
        entries_strs(&entries_of(&mut txn, "members", &[], false, None)),
        [("1,4", 1), ("2,4", 1)]
    );
}

#[test]
fn native_collections_and_times_are_indexed() {
    let model = model();
    let mut txn = model.begin(keys::ROOT).unwrap();
    define(
        &mut txn,
        "collections",
        &[
            ("source", reference(native::COLLECTION)),
            ("terms", field(&["name"])),
            ("values", list(vec![field(&["ts"])])),
        ],
    );
    commit(txn);
    let coll = collection(&model, "A", &[]);
    let mut txn = model.begin(keys::ROOT).unwrap();
    let index = txn
        .schema()
        .legacy_index_named("collections")
        .unwrap()
        .clone();
    let mut cursor = txn.legacy_scan(&index, &[text("A")], &LegacyBounds::default(), false, None);
    let entry = cursor.next(&mut txn).unwrap().unwrap();
    assert_eq!(
        (entry.coll, entry.doc.0),
        (native::COLLECTION, coll.0 as i64)
    );
    let ts = txn.snapshot_time().0;
    assert!(matches!(entry.values[..], [Value::Long(n)] if n == ts));
    let codec = model.key_codec();
    for (bound, inside) in [(ts, true), (ts + 1, false), (ts - 1, true)] {
        let bounds = LegacyBounds {
            from: Some(index.position(codec, &[Value::Long(bound)], None)),
            until: None,
        };
        let mut cursor = txn.legacy_scan(&index, &[text("A")], &bounds, false, None);
        assert_eq!(cursor.next(&mut txn).unwrap().is_some(), inside);
    }
}

#[test]
fn equal_entries_of_a_unique_index_conflict() {
    let model = model();
    let coll = collection(&model, "A", &[]);
    let mut txn = model.begin(keys::ROOT).unwrap();
    let id = define(
        &mut txn,
        "unique",
        &[
            ("source", reference(coll)),
            ("terms", field(&["data", "n"])),
            ("unique", Value::Bool(true)),
        ],
    );
    txn.put(coll, DocId(1), object(&[("n", Value::Int(1))]), None)
        .unwrap();
    let outcome = txn
        .put(coll, DocId(2), object(&[("n", Value::Int(1))]), None)
        .unwrap();
    assert_eq!(outcome.unique_conflicts.len(), 1);
    assert_eq!(outcome.unique_conflicts[0].index, IndexId(id.0 as u64));
    assert_eq!(
        outcome.unique_conflicts[0].legacy.as_deref(),
        Some("unique")
    );
}

#[test]
fn indexes_go_with_their_only_collection_and_entries_with_theirs() {
    let model = model();
    let (a, b) = (collection(&model, "A", &[]), collection(&model, "B", &[]));
    let mut txn = model.begin(keys::ROOT).unwrap();
    define(&mut txn, "of a", &[("source", reference(a))]);
    define(&mut txn, "of all", &[("source", text("_"))]);
    for coll in [a, b] {
        txn.put(coll, DocId(1), object(&[]), None).unwrap();
    }
    commit(txn);
    let mut txn = model.begin(keys::ROOT).unwrap();
    assert_eq!(entries_of(&mut txn, "of all", &[], false, None).len(), 2);
    txn.delete(native::COLLECTION, DocId(a.0 as i64)).unwrap();
    commit(txn);
    let mut txn = model.begin(keys::ROOT).unwrap();
    assert!(txn.schema().legacy_index_named("of a").is_none());
    assert_eq!(entries_of(&mut txn, "of all", &[], false, None).len(), 1);
    drop(txn);
    while model.maintain().unwrap().busy {}
    let mut txn = model.begin(keys::GLOBAL).unwrap();
    let of_all = (
        keys::scope_range(keys::ROOT).0,
        keys::scope_range(keys::ROOT).1,
    );
    let mut cursor = txn.walk(Table::Index, of_all, false);
    let mut left = Vec::new();
    while let Some((key, _)) = cursor.next(&mut txn).unwrap() {
        left.extend(keys::index_document(&key).filter(|(coll, _)| !native::is_native(*coll)));
    }
    assert_eq!(left, [(b, DocId(1))]);
}

#[test]
fn what_is_large_is_built_in_the_background() {
    let model = model();
    let (a, b) = (collection(&model, "A", &[]), collection(&model, "B", &[]));
    let mut txn = model.begin(keys::ROOT).unwrap();
    for n in 0..3000 {
        let coll = if n % 3 == 0 { a } else { b };
        txn.put(coll, DocId(n), object(&[("n", Value::Int(n as i32))]), None)
            .unwrap();
    }
    commit(txn);
    let mut txn = model.begin(keys::ROOT).unwrap();
    define(
        &mut txn,
        "all",
        &[("source", text("_")), ("values", field(&["data", "n"]))],
    );
    commit(txn);
    let txn = model.begin(keys::ROOT).unwrap();
    let index = txn.schema().legacy_index_named("all").unwrap();
    assert_eq!(index.status, schema::IndexStatus::Building);
    assert!(matches!(
        index.definition.get("active"),
        Some(Value::Bool(false))
    ));
    drop(txn);
    while model.maintain().unwrap().busy {}
    let mut txn = model.begin(keys::ROOT).unwrap();
    let index = txn.schema().legacy_index_named("all").unwrap();
    assert!(matches!(
        index.definition.get("active"),
        Some(Value::Bool(true))
    ));
    let found = entries_of(&mut txn, "all", &[], false, None);
    let expected: Vec<_> = (0..3000).map(|n| (n.to_string(), n)).collect();
    assert_eq!(found, expected);
}

#[derive(Clone, Debug)]
enum Step {
    Put {
        coll: usize,
        id: i64,
        n: Option<i32>,
        tags: Vec<i32>,
        ttl: Option<i64>,
    },
    Delete {
        coll: usize,
        id: i64,
    },
    Insert {
        coll: usize,
        id: i64,
        back: i64,
        n: Option<i32>,
    },
    Remove {
        coll: usize,
        id: i64,
        nth: usize,
    },
    Define(usize),
    DropIndex(usize),
    Commit,
    Maintain,
}

fn step() -> impl Strategy<Value = Step> {
    let ttl = prop_oneof![5 => Just(None), 1 => (1..2000i64).prop_map(Some)];
    let n = || proptest::option::of(0..3i32);
    prop_oneof![
        8 => (0..2usize, 0..4i64, n(), proptest::collection::vec(0..3i32, 0..3), ttl)
            .prop_map(|(coll, id, n, tags, ttl)| Step::Put { coll, id, n, tags, ttl }),
        3 => (0..2usize, 0..4i64).prop_map(|(coll, id)| Step::Delete { coll, id }),
        2 => (0..2usize, 0..4i64, 1..600i64, n())
            .prop_map(|(coll, id, back, n)| Step::Insert { coll, id, back, n }),
        1 => (0..2usize, 0..4i64, 0..4usize).prop_map(|(coll, id, nth)| Step::Remove { coll, id, nth }),
        2 => (0..INDEXES.len()).prop_map(Step::Define),
        1 => (0..INDEXES.len()).prop_map(Step::DropIndex),
        5 => Just(Step::Commit),
        1 => Just(Step::Maintain),
    ]
}

const INDEXES: [&str; 4] = ["one", "both", "all", "bound"];

fn definition(name: &str, colls: [CollId; 2]) -> Vec<(&'static str, Value)> {
    let reversed = nested(&[
        ("field", path(&["data", "tags"])),
        ("reverse", Value::Bool(true)),
    ]);
    match name {
        "one" => vec![
            ("source", reference(colls[0])),
            ("values", list(vec![field(&["data", "n"]), reversed])),
        ],
        "both" => vec![
            ("source", list(colls.map(reference).to_vec())),
            ("values", list(vec![field(&["data", "tags"])])),
        ],
        "all" => vec![("source", text("_"))],
        _ => {
            let fields = nested(&[("twice", text("query"))]);
            let source = nested(&[("collection", reference(colls[1])), ("fields", fields)]);
            vec![
                ("source", source),
                ("values", nested(&[("binding", text("twice"))])),
            ]
        }
    }
}

/// What an index should hold, by this test's own reckoning.
fn expected(
    txn: &mut Txn,
    name: &str,
    colls: [CollId; 2],
    at: Option<TxnTime>,
) -> Vec<(String, i64)> {
    let number = |data: &Object| match data.get("n") {
        Some(Value::Int(n)) => Some(*n),
        _ => None,
    };
    let tags = |data: &Object| match data.get("tags") {
        Some(Value::Array(items)) => {
            let tags = items.iter().map(|tag| match tag {
                Value::Int(tag) => *tag,
                other => panic!("{other:?}"),
            });
            tags.collect::<std::collections::BTreeSet<_>>()
        }
        _ => Default::default(),
    };
    let mut found = Vec::new();
    for (nth, coll) in colls.into_iter().enumerate() {
        let mut cursor = txn.scan(coll, (Bound::Unbounded, Bound::Unbounded), false, at);
        while let Some((id, version)) = cursor.next(txn).unwrap() {
            let data = version.object();
            let or_null = |n: Option<i32>| n.map_or("null".to_string(), |n| n.to_string());
            let mut all: Vec<String> = tags(&data).iter().map(|tag| tag.to_string()).collect();
            if all.is_empty() {
                all.push("null".to_string());
            }
            match name {
                "one" if nth == 0 => {
                    let n = or_null(number(&data));
                    let values = all.into_iter().map(|tag| format!("{n},{tag}"));
                    found.extend(
                        values
                            .filter(|values| values != "null,null")
                            .map(|v| (v, id.0)),
                    );
                }
                "both" => {
                    let values = all.into_iter().filter(|values| values != "null");
                    found.extend(values.map(|values| (values, id.0)));
                }
                "all" => found.push((String::new(), id.0)),
                "bound" if nth == 1 => {
                    found.extend(number(&data).map(|n| ((2 * n).to_string(), id.0)));
                }
                _ => {}
            }
        }
    }
    found.sort();
    found
}

fn check(txn: &mut Txn, colls: [CollId; 2], at: Option<TxnTime>) {
    for name in INDEXES {
        if txn.schema().legacy_index_named(name).is_none() {
            continue;
        }
        let mut forwards = entries_of(txn, name, &[], false, at);
        let mut backwards = entries_of(txn, name, &[], true, at);
        backwards.reverse();
        assert_eq!(forwards, backwards, "{name} at {at:?}, both ways");
        forwards.sort();
        assert_eq!(forwards, expected(txn, name, colls, at), "{name} at {at:?}");
    }
}

fn run(steps: Vec<Step>) {
    let model = model();
    model.set_legacy_bindings(Arc::new(Doubling));
    let days = [("history_days", Value::Int(1))];
    let colls = [
        collection(&model, "A", &days),
        collection(&model, "B", &days),
    ];
    let mut txn = model.begin(keys::ROOT).unwrap();
    for step in steps {
        match step {
            Step::Put {
                coll,
                id,
                n,
                tags,
                ttl,
            } => {
                let tags = list(tags.into_iter().map(Value::Int).collect());
                let mut fields = vec![("tags", tags)];
                fields.extend(n.map(|n| ("n", Value::Int(n))));
                let ttl = ttl.map(|s| Time::from(TxnTime(txn.time().0 + s * 1_000_000)));
                txn.put(colls[coll], DocId(id), object(&fields), ttl)
                    .unwrap();
            }
            Step::Delete { coll, id } => {
                txn.delete(colls[coll], DocId(id)).unwrap();
            }
            Step::Insert { coll, id, back, n } => {
                let data = n.map(|n| object(&[("n", Value::Int(n)), ("tags", list(vec![]))]));
                let ts = TxnTime(txn.snapshot_time().0 - back * 1_000_000);
                txn.insert_version(colls[coll], DocId(id), ts, data.as_deref(), None)
                    .unwrap();
            }
            Step::Remove { coll, id, nth } => {
                let versions = txn.versions(colls[coll], DocId(id)).unwrap();
                if let Some(ts) = versions.get(nth).and_then(|version| version.ts) {
                    txn.remove_version(colls[coll], DocId(id), ts).unwrap();
                }
            }
            Step::Define(nth) => {
                let name = INDEXES[nth];
                if txn
                    .by_name(native::LEGACY_INDEX, name, None)
                    .unwrap()
                    .is_none()
                {
                    define(&mut txn, name, &definition(name, colls));
                }
            }
            Step::DropIndex(nth) => {
                if let Some(id) = txn
                    .by_name(native::LEGACY_INDEX, INDEXES[nth], None)
                    .unwrap()
                {
                    txn.delete(native::LEGACY_INDEX, id).unwrap();
                }
            }
            Step::Commit | Step::Maintain => {
                check(&mut txn, colls, None);
                if let Some(commit) = txn.into_commit() {
                    model.store().commit(commit).unwrap();
                }
                if matches!(step, Step::Maintain) {
                    while model.maintain().unwrap().busy {}
                }
                txn = model.begin(keys::ROOT).unwrap();
                check(&mut txn, colls, None);
                let now = txn.snapshot_time().0;
                for back in [100, 300, 550] {
                    check(&mut txn, colls, Some(TxnTime(now - back * 1_000_000)));
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::default())]

    #[test]
    fn legacy_indexes_are_what_a_recomputation_gives(steps in proptest::collection::vec(step(), 1..50)) {
        run(steps);
    }
}
