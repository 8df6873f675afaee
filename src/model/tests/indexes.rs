//! Indexes, unique constraints, builds, housekeeping, databases.

use super::*;
use crate::value::IndexId;

fn nested(fields: &[(&str, Value)]) -> Value {
    Value::Object(object(fields))
}

/// An index definition entry: terms, and values with `-` before descending ones; `*` before mva.
pub(super) fn index(terms: &[&str], values: &[&str]) -> Value {
    let field = |text: &str| {
        let plain = text.trim_start_matches(['-', '*']);
        let order = if text.contains('-') { "desc" } else { "asc" };
        nested(&[
            ("field", Value::string(plain)),
            ("order", Value::string(order)),
            ("mva", Value::Bool(text.contains('*'))),
        ])
    };
    let list = |fields: &[&str]| Value::array(fields.iter().map(|text| field(text)).collect());
    nested(&[("terms", list(terms)), ("values", list(values))])
}

fn redefine(model: &Arc<Model>, coll: CollId, fields: &[(&str, Value)]) -> TxnTime {
    let mut txn = model.begin(keys::ROOT).unwrap();
    let id = DocId(coll.0 as i64);
    let mut data = (*txn
        .get(native::COLLECTION, id, None)
        .unwrap()
        .unwrap()
        .object())
    .clone();
    for (field, value) in fields {
        data.insert(*field, value.clone());
    }
    txn.put(native::COLLECTION, id, Arc::new(data), None)
        .unwrap();
    commit(txn)
}

fn put(model: &Arc<Model>, coll: CollId, id: i64, fields: &[(&str, Value)]) -> TxnTime {
    let mut txn = model.begin(keys::ROOT).unwrap();
    let outcome = txn.put(coll, DocId(id), object(fields), None).unwrap();
    assert!(outcome.unique_conflicts.is_empty());
    commit(txn)
}

fn physical(txn: &Txn, coll: CollId, name: &str) -> IndexId {
    txn.schema()
        .collection(coll)
        .unwrap()
        .index(name)
        .unwrap()
        .index
        .unwrap()
}

fn find(
    txn: &mut Txn,
    coll: CollId,
    name: &str,
    terms: &[Value],
    range: (Option<Value>, Option<Value>),
    reverse: bool,
    at: Option<TxnTime>,
) -> Vec<i64> {
    let id = physical(txn, coll, name);
    let backing = txn
        .schema()
        .collection(coll)
        .unwrap()
        .backing_index(id)
        .unwrap()
        .clone();
    let bounds = IndexBounds::from_range(
        txn.model().key_codec(),
        &backing,
        range.0.as_ref(),
        range.1.as_ref(),
    )
    .unwrap();
    let mut cursor = txn.index_scan(coll, id, terms, &bounds, reverse, at);
    std::iter::from_fn(|| cursor.next(txn).unwrap())
        .map(|entry| entry.doc.0)
        .collect()
}

const ALL: (Option<Value>, Option<Value>) = (None, None);

fn int(n: i32) -> Value {
    Value::Int(n)
}

#[test]
fn ranges_follow_the_worked_example() {
    let model = model();
    let indexes = nested(&[
        ("up", index(&[], &["p", "q"])),
        ("down", index(&[], &["-p", "-q"])),
    ]);
    let coll = collection(&model, "Foo", &[("indexes", indexes)]);
    let (n, p, q, a) = (1, 2, 3, 4);
    put(&model, coll, n, &[]);
    put(&model, coll, p, &[("p", int(1000))]);
    put(&model, coll, q, &[("q", int(200))]);
    put(&model, coll, a, &[("p", int(300)), ("q", int(300))]);
    let mut txn = model.begin(keys::ROOT).unwrap();
    let pair = |x: Value, y: Value| Some(Value::array(vec![x, y]));
    let null = || Value::NULL;
    let cases: Vec<(Option<Value>, Option<Value>, Vec<i64>)> = vec![
        (None, None, vec![a, p, q, n]),
        (Some(int(100)), None, vec![a, p, q, n]),
        (pair(int(100), int(100)), None, vec![a, p, q, n]),
        (Some(null()), None, vec![q, n]),
        (pair(null(), null()), None, vec![n]),
        (None, Some(int(1000)), vec![a, p]),
        (None, pair(int(1000), int(1000)), vec![a]),
        (None, Some(null()), vec![a, p, q, n]),
        (None, pair(null(), null()), vec![a, p, q, n]),
    ];
    for (from, to, expected) in cases {
        assert_eq!(
            find(
                &mut txn,
                coll,
                "up",
                &[],
                (from.clone(), to.clone()),
                false,
                None
            ),
            expected
        );
        let mut reversed = expected.clone();
        reversed.reverse();
        assert_eq!(
            find(
                &mut txn,
                coll,
                "up",
                &[],
                (from.clone(), to.clone()),
                true,
                None
            ),
            reversed
        );
        assert_eq!(
            find(&mut txn, coll, "down", &[], (to, from), false, None),
            reversed
        );
    }
}

#[test]
fn range_faults_have_the_server_s_texts() {
    let model = model();
    let indexes = nested(&[
        ("pq", index(&[], &["p", "q"])),
        ("none", index(&["p"], &[])),
    ]);
    let coll = collection(&model, "Foo", &[("indexes", indexes)]);
    let txn = model.begin(keys::ROOT).unwrap();
    let fault = |name: &str, bound: Value| {
        let id = physical(&txn, coll, name);
        let backing = txn
            .schema()
            .collection(coll)
            .unwrap()
            .backing_index(id)
            .unwrap()
            .clone();
        IndexBounds::from_range(model.key_codec(), &backing, Some(&bound), None)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        fault("pq", Value::array(vec![int(1), int(2), int(3)])),
        "The field `from` can have at most 2 values"
    );
    assert_eq!(
        fault("none", Value::string("x")),
        "The `from` field must be a document id."
    );
    assert_eq!(
        fault("pq", Value::Id(1)),
        "The `from` field should be either an indexable value or an array of values"
    );
    assert_eq!(
        parse_range(&int(1)).unwrap_err().to_string(),
        "should be an object contining `{ from }`, `{ to }`, or `{ from, to }` fields"
    );
}

#[test]
fn terms_select_and_elements_of_arrays_are_entries() {
    let model = model();
    let indexes = nested(&[
        ("byTag", index(&["*tags"], &["-n"])),
        ("byBoth", index(&["a", "b"], &[])),
    ]);
    let coll = collection(&model, "Foo", &[("indexes", indexes)]);
    let tags = |tags: &[&str]| Value::array(tags.iter().map(|tag| Value::string(*tag)).collect());
    put(
        &model,
        coll,
        1,
        &[
            ("tags", tags(&["x", "y", "x"])),
            ("n", int(1)),
            ("a", int(1)),
        ],
    );
    put(
        &model,
        coll,
        2,
        &[("tags", tags(&["y"])), ("n", int(2)), ("b", int(1))],
    );
    put(&model, coll, 3, &[("tags", tags(&[])), ("n", int(3))]);
    let mut txn = model.begin(keys::ROOT).unwrap();
    let mut by = |name: &str, terms: &[Value]| find(&mut txn, coll, name, terms, ALL, false, None);
    assert_eq!(by("byTag", &[Value::string("x")]), [1]);
    assert_eq!(by("byTag", &[Value::string("y")]), [2, 1]);
    assert_eq!(by("byTag", &[Value::NULL]), Vec::<i64>::new());
    assert_eq!(by("byBoth", &[int(1), Value::NULL]), [1]);
    assert_eq!(by("byBoth", &[Value::NULL, int(1)]), [2]);
    assert_eq!(by("byBoth", &[Value::NULL, Value::NULL]), Vec::<i64>::new());
    assert_eq!(
        by("byBoth", &[Value::Double(1.0), Value::NULL]),
        Vec::<i64>::new()
    );
}

#[test]
fn entries_cover_their_values() {
    let model = model();
    let coll = collection(
        &model,
        "Foo",
        &[(
            "indexes",
            nested(&[("i", index(&["a"], &["-b", "ts", "id"]))]),
        )],
    );
    let ts = put(
        &model,
        coll,
        7,
        &[("a", int(1)), ("b", Value::string("héllo"))],
    );
    let mut txn = model.begin(keys::ROOT).unwrap();
    txn.put(
        coll,
        DocId(8),
        object(&[("a", int(1)), ("b", Value::string("h"))]),
        None,
    )
    .unwrap();
    let id = physical(&txn, coll, "i");
    let mut cursor = txn.index_scan(coll, id, &[int(1)], &IndexBounds::all(), false, None);
    let first = cursor.next(&mut txn).unwrap().unwrap();
    let values = first.values();
    assert!(matches!(&values[0], Value::String(text) if &**text == "héllo"));
    assert!(matches!(&values[1], Value::Time(time) if *time == ts.into()));
    assert!(matches!(&values[2], Value::Id(7)));
    assert_eq!(first.ts, Some(ts));
    let second = cursor.next(&mut txn).unwrap().unwrap();
    assert!(matches!(second.values()[1], Value::TransactionTime));
    assert_eq!(second.ts, None);
    let mut again = txn.index_scan_from(
        coll,
        id,
        &[int(1)],
        &IndexBounds::all(),
        Some(second.position()),
        false,
        None,
    );
    assert_eq!(again.next(&mut txn).unwrap().unwrap().doc, DocId(8));
    assert!(again.next(&mut txn).unwrap().is_none());
}

#[test]
fn unique_constraints_hold_at_each_write() {
    let model = model();
    let constraint = nested(&[("unique", Value::array(vec![Value::string("email")]))]);
    let coll = collection(
        &model,
        "Foo",
        &[("constraints", Value::array(vec![constraint]))],
    );
    put(&model, coll, 1, &[("email", Value::string("a"))]);
    put(&model, coll, 2, &[]);
    put(&model, coll, 3, &[]);
    let mut txn = model.begin(keys::ROOT).unwrap();
    let mut conflicts = |id: i64, email: &str| {
        let data = object(&[("email", Value::string(email))]);
        txn.put(coll, DocId(id), data, None)
            .unwrap()
            .unique_conflicts
            .len()
    };
    assert_eq!(conflicts(1, "a"), 0, "never with itself");
    assert_eq!(conflicts(4, "b"), 0);
    assert_eq!(conflicts(5, "a"), 1);
    assert_eq!(conflicts(6, "b"), 1, "own writes count");
    let mut txn = model.begin(keys::ROOT).unwrap();
    txn.delete(coll, DocId(1)).unwrap();
    let data = object(&[("email", Value::string("a"))]);
    let outcome = txn.put(coll, DocId(9), data, None).unwrap();
    assert!(
        outcome.unique_conflicts.is_empty(),
        "free again after a deletion"
    );
    // Two transactions that take the same value contend.
    let mut other = model.begin(keys::ROOT).unwrap();
    other
        .put(
            coll,
            DocId(10),
            object(&[("email", Value::string("z"))]),
            None,
        )
        .unwrap();
    txn.put(
        coll,
        DocId(11),
        object(&[("email", Value::string("z"))]),
        None,
    )
    .unwrap();
    commit(other);
    assert!(model.store().commit(txn.into_commit().unwrap()).is_err());
}

#[test]
fn an_index_defined_later_knows_the_past() {
    let model = model();
    let coll = collection(&model, "Foo", &[]);
    let first = put(&model, coll, 1, &[("a", int(1))]);
    let second = put(&model, coll, 1, &[("a", int(2))]);
    put(&model, coll, 2, &[("a", int(1))]);
    redefine(
        &model,
        coll,
        &[("indexes", nested(&[("byA", index(&["a"], &[]))]))],
    );
    let mut txn = model.begin(keys::ROOT).unwrap();
    let definition = txn.schema().collection(coll).unwrap().clone();
    assert_eq!(definition.backing[0].status, schema::IndexStatus::Complete);
    assert!(definition.index("byA").unwrap().queryable);
    assert_eq!(
        find(&mut txn, coll, "byA", &[int(1)], ALL, false, None),
        [2]
    );
    assert_eq!(
        find(&mut txn, coll, "byA", &[int(1)], ALL, false, Some(first)),
        [1]
    );
    assert_eq!(
        find(&mut txn, coll, "byA", &[int(1)], ALL, false, Some(second)),
        Vec::<i64>::new()
    );
    assert_eq!(
        find(&mut txn, coll, "byA", &[int(2)], ALL, true, Some(second)),
        [1]
    );
}

#[test]
fn a_large_collection_is_indexed_in_the_background() {
    let model = model();
    let coll = collection(&model, "Foo", &[]);
    let mut txn = model.begin(keys::ROOT).unwrap();
    for id in 0..5000 {
        txn.put(
            coll,
            DocId(id),
            object(&[("a", int((id % 10) as i32))]),
            None,
        )
        .unwrap();
    }
    commit(txn);
    redefine(
        &model,
        coll,
        &[("indexes", nested(&[("byA", index(&["a"], &[]))]))],
    );
    let status = |model: &Arc<Model>| {
        let txn = model.begin(keys::ROOT).unwrap();
        let collection = txn.schema().collection(coll).unwrap().clone();
        let index = collection.index("byA").unwrap();
        (index.status, index.queryable)
    };
    assert_eq!(status(&model), (schema::IndexStatus::Building, false));
    assert!(model.maintain().unwrap().busy);
    // Writers go on meanwhile, in front of the build and behind it.
    put(&model, coll, 0, &[("a", int(5))]);
    put(&model, coll, 4999, &[("a", int(5))]);
    let mut txn = model.begin(keys::ROOT).unwrap();
    txn.delete(coll, DocId(4995)).unwrap();
    txn.delete(coll, DocId(5)).unwrap();
    commit(txn);
    while model.maintain().unwrap().busy {}
    assert_eq!(status(&model), (schema::IndexStatus::Complete, true));
    let mut txn = model.begin(keys::ROOT).unwrap();
    let found = find(&mut txn, coll, "byA", &[int(5)], ALL, false, None);
    assert_eq!(found.len(), 500);
    assert!(
        found.contains(&0)
            && found.contains(&4999)
            && !found.contains(&5)
            && !found.contains(&4995)
    );
    // The definition has not become newer by that.
    let version = txn
        .get(native::COLLECTION, DocId(coll.0 as i64), None)
        .unwrap()
        .unwrap();
    assert_eq!(version.ts, Some(txn.schema().collection(coll).unwrap().ts));
    // Dropping the index gives its storage back.
    redefine(&model, coll, &[("indexes", nested(&[]))]);
    while model.maintain().unwrap().busy {}
    let mut txn = model.begin(keys::ROOT).unwrap();
    let (start, end) = keys::scope_range(keys::ROOT);
    let mut cursor = txn.walk(Table::Index, (start, end), false);
    let mut left = 0;
    while let Some((key, _)) = cursor.next(&mut txn).unwrap() {
        left += usize::from(keys::coll_at(&key, 8).unwrap().0 >= native::FIRST_USER_INDEX);
    }
    assert_eq!(left, 0);
}

#[test]
fn a_build_that_cannot_end_fails() {
    let model = model();
    let coll = collection(&model, "Foo", &[]);
    let mut txn = model.begin(keys::ROOT).unwrap();
    for id in 0..200 {
        txn.put(coll, DocId(id), object(&[("a", int(1))]), None)
            .unwrap();
    }
    // Longer than an entry may be.
    let long = Value::string("x".repeat(70_000));
    txn.put(coll, DocId(150), object(&[("a", long.clone())]), None)
        .unwrap();
    commit(txn);
    let indexes = nested(&[("byA", index(&["a"], &[])), ("byB", index(&["b"], &[]))]);
    redefine(&model, coll, &[("indexes", indexes.clone())]);
    while model.maintain().unwrap().busy {}
    let status = |name: &str| {
        let txn = model.begin(keys::ROOT).unwrap();
        let collection = txn.schema().collection(coll).unwrap().clone();
        let index = collection.index(name).unwrap();
        (index.status, index.queryable)
    };
    assert_eq!(status("byA"), (schema::IndexStatus::Failed, false));
    assert_eq!(status("byB"), (schema::IndexStatus::Complete, true));
    // Documents may be written that it could not hold.
    put(&model, coll, 151, &[("a", long)]);
    // Without what stood in the way, the index can be made anew.
    for id in [150, 151] {
        let mut txn = model.begin(keys::ROOT).unwrap();
        txn.delete(coll, DocId(id)).unwrap();
        commit(txn);
    }
    redefine(&model, coll, &[("indexes", nested(&[]))]);
    redefine(&model, coll, &[("indexes", indexes)]);
    while model.maintain().unwrap().busy {}
    assert_eq!(status("byB"), (schema::IndexStatus::Complete, true));
    // The long values are history still.
    assert_eq!(status("byA"), (schema::IndexStatus::Failed, false));
}

#[test]
fn equal_shapes_share_one_physical_index() {
    let model = model();
    let indexes = nested(&[("x", index(&["a"], &[])), ("y", index(&[".a"], &[]))]);
    let unique = nested(&[("unique", Value::array(vec![Value::string("a")]))]);
    let coll = collection(
        &model,
        "Foo",
        &[
            ("indexes", indexes),
            ("constraints", Value::array(vec![unique])),
        ],
    );
    let txn = model.begin(keys::ROOT).unwrap();
    let definition = txn.schema().collection(coll).unwrap().clone();
    assert_eq!(definition.backing.len(), 1);
    assert!(definition.backing[0].unique);
    assert_eq!(
        definition.index("x").unwrap().index,
        definition.uniques[0].index
    );
    // Renaming builds nothing.
    redefine(
        &model,
        coll,
        &[("indexes", nested(&[("z", index(&["a"], &[]))]))],
    );
    let txn = model.begin(keys::ROOT).unwrap();
    let renamed = txn.schema().collection(coll).unwrap().clone();
    assert_eq!(renamed.backing[0].id, definition.backing[0].id);
}

#[test]
fn a_deleted_database_leaves_nothing() {
    let model = model();
    let (child, grandchild) = (ScopeId(500), ScopeId(501));
    let define = |parent: ScopeId, scope: ScopeId, name: &str| {
        let mut txn = model.begin(parent).unwrap();
        let fields = [
            ("name", Value::string(name)),
            ("scope", Value::Long(scope.0 as i64)),
            ("global_id", Value::Long(scope.0 as i64 + 1000)),
        ];
        txn.put(
            native::DATABASE,
            DocId(scope.0 as i64),
            object(&fields),
            None,
        )
        .unwrap();
        commit(txn);
    };
    define(keys::ROOT, child, "child");
    define(child, grandchild, "grandchild");
    let mut txn = model.begin(grandchild).unwrap();
    txn.put(
        native::KEY,
        DocId(77),
        object(&[("role", Value::string("admin"))]),
        None,
    )
    .unwrap();
    commit(txn);

    let mut txn = model.begin(keys::ROOT).unwrap();
    assert_eq!(txn.key_owners(DocId(77)).unwrap(), [grandchild]);
    assert_eq!(txn.scope_of_global_id(1501).unwrap(), Some(grandchild));
    assert_eq!(
        txn.parent_of(grandchild).unwrap(),
        Some((child, DocId(501)))
    );
    let path = txn.database_path(grandchild).unwrap().unwrap();
    let names: Vec<_> = path
        .iter()
        .map(|(_, _, version)| version.field("name").unwrap())
        .collect();
    assert!(
        matches!(&names[..], [Value::String(a), Value::String(b)] if &**a == "child" && &**b == "grandchild")
    );
    txn.delete(native::DATABASE, DocId(500)).unwrap();
    assert_eq!(txn.key_owners(DocId(77)).unwrap(), []);
    assert!(txn.database_path(grandchild).unwrap().is_none());
    assert!(
        txn.with_scope(child, |txn| txn.by_name(
            native::DATABASE,
            "grandchild",
            None
        ))
        .unwrap()
        .unwrap()
        .is_none()
    );
    commit(txn);

    let mut txn = model.begin(keys::ROOT).unwrap();
    assert_eq!(txn.key_owners(DocId(77)).unwrap(), []);
    assert_eq!(txn.scope_of_global_id(1501).unwrap(), None);
    for scope in [child, grandchild] {
        for table in Table::ALL {
            let mut cursor = txn.walk(table, keys::scope_range(scope), false);
            assert!(
                cursor.next(&mut txn).unwrap().is_none(),
                "{table:?} of {scope:?}"
            );
        }
    }
}
