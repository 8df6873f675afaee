//! What queries cost (`spec fql10-data 8`, `http-api 5.4`): the system's own reads are free, and so is looking into a
//! value.

use fql::engine::{Engine, Outcome, Request, Session, Stats};

/// A database inside another, which has settings to inherit.
fn child() -> Session {
    let root = Engine::memory().expect("an engine").root();
    run(&root, "Database.create({ name: 'child' })");
    root.in_database(vec!["child".into()])
}

fn cost(session: &Session, query: &str) -> Stats {
    run(session, query).stats
}

fn run(session: &Session, query: &str) -> Outcome {
    let outcome = session.query(&Request::text(query.to_string()));
    assert!(outcome.result.is_ok(), "{query}: {}", outcome.summary);
    outcome
}

#[test]
fn the_settings_of_a_database_and_the_checks_of_a_schema_are_read_for_free() {
    let session = child();
    let reads = |query: &str| run(&session, query).stats.read_ops;
    assert_eq!(reads("1 + 1"), 0);
    assert_eq!(reads("Collection.create({ name: 'Cup' })"), 0);
    assert_eq!(
        reads("Function.create({ name: 'one', body: '() => 1' })"),
        0
    );
    assert_eq!(
        reads(
            "Role.create({ name: 'potter', privileges: { resource: 'Cup', actions: { read: true } } })"
        ),
        0
    );
    assert_eq!(reads("Cup.create({ n: 1 })"), 0);
    run(&session, "Cup.create({ id: 1, n: 1 })");
    assert_eq!(reads("Cup.byId(1)!.n"), 1);
}

#[test]
fn calls_are_counted_and_fields_are_not() {
    let session = child();
    run(&session, "Collection.create({ name: 'Cup' })");
    run(&session, "Cup.create({ id: 1, n: 1 })");
    let calls = |query: &str| run(&session, query).stats.compute_ops;
    // A call of the function, and nothing for the field: 1000 and the two of `byId` and `forEach`.
    assert_eq!(
        calls("let cup = Cup.byId(1)!; Set.sequence(0, 1000).forEach(_ => cup.n)"),
        21
    );
    // The function, `update` and `+`.
    assert_eq!(
        calls(
            "let cup = Cup.byId(1)!; Set.sequence(0, 100).forEach(_ => cup.update({ n: cup.n + 1 }))"
        ),
        7
    );
    // A set or an array is mapped; one value is not.
    assert_eq!(
        calls("let cup = { n: 1 }; Set.sequence(0, 1000).forEach(_ => cup { n })"),
        21
    );
}

#[test]
fn a_deletion_writes_something() {
    let session = child();
    run(&session, "Collection.create({ name: 'Cup' })");
    run(&session, "Cup.create({ id: 1 })");
    let stats = run(&session, "Cup.byId(1)!.delete()").stats;
    assert_eq!((stats.read_ops, stats.write_ops), (1, 1));
    assert!(stats.storage_bytes_write > 0);
}

#[test]
fn pure_queries_cost_nothing_but_a_little_compute() {
    let child = child();
    for text in [
        "1",
        "{ a: [1, 2] }",
        "null\nnull\nnull",
        "at (Time.now()) {}",
        "let x = 1\nnull",
        "if (true) 1 else 2",
        "{ foo: 42 }.foo",
        "[0, 1, 2][0]",
        "true && !false || false",
        "2 * 2 - 2 / 2",
        "1 <= 2",
    ] {
        let stats = cost(&child, text);
        assert_eq!(stats.compute_ops, 1, "{text}");
        assert_eq!((stats.read_ops, stats.write_ops), (0, 0), "{text}");
        assert_eq!(
            (stats.storage_bytes_read, stats.storage_bytes_write),
            (0, 0),
            "{text}"
        );
    }
}

#[test]
fn reads_and_writes_are_counted_once() {
    let child = child();
    cost(
        &child,
        "Collection.create({ name: 'Pot', indexes: { byN: { terms: [{ field: '.n' }] } } })",
    );
    let created = cost(&child, "Pot.create({ id: ID(1), n: 1 })");
    assert_eq!(created.write_ops, 1);
    assert_eq!(
        created.write_ops,
        created.storage_bytes_write.div_ceil(1024)
    );
    for (text, compute, reads) in [
        ("Pot.byId(1)!", 1, 1),
        ("Pot.byId(2).exists()", 1, 1),
        ("Pot.byId(1)!.n", 1, 1),
        ("Pot.byN(1).first()", 1, 2),
        ("Pot.byN(2).first()", 1, 1),
        ("Pot.all().map(.id).paginate()", 1, 8),
        ("Pot.all().map(.id).concat([].toSet()).paginate()", 1, 8),
        ("Collection.byName('Pot')", 1, 1),
        ("Pot.definition.indexes.byN!", 1, 1),
    ] {
        let stats = cost(&child, text);
        assert_eq!(
            (stats.compute_ops, stats.read_ops),
            (compute, reads),
            "{text}"
        );
        assert!(
            text.contains("(2)") || stats.storage_bytes_read > 0,
            "{text}"
        );
        assert_eq!(
            (stats.write_ops, stats.storage_bytes_write),
            (0, 0),
            "{text}"
        );
    }
    let again = cost(&child, &"Pot.byId(1)!\n".repeat(100));
    assert_eq!((again.compute_ops, again.read_ops), (2, 1));
    for text in [
        "Pot.byId(1)!.update({ a: 'b' })",
        "Pot.byId(1)!.replace({ a: 'c' })",
    ] {
        let stats = cost(&child, text);
        assert_eq!(
            (stats.compute_ops, stats.read_ops, stats.write_ops),
            (1, 1, 1),
            "{text}"
        );
    }
    // What is written a hundred times is one write. Calls of functions, methods and operators count, fields do not.
    cost(&child, "Collection.create({ name: 'Cup' })");
    cost(&child, "Cup.create({ id: ID(1) })");
    let many = cost(
        &child,
        "let pot = Cup.byId(1)!\npot.update({ i: 1 })\nSet.sequence(1, 100).forEach(_ => { pot.update({ i: pot.i + 1 }) })\npot.i",
    );
    assert_eq!((many.compute_ops, many.read_ops, many.write_ops), (7, 1, 1));
    let two = cost(
        &child,
        "let pot = Pot.byId(1)!\npot.replace({ a: 'b' })\nPot.byId(1)!\nPot.create({})",
    );
    assert_eq!((two.compute_ops, two.write_ops), (1, 2));
    let deleted = cost(&child, "Pot.byId(1)!.delete()");
    assert_eq!((deleted.read_ops, deleted.write_ops), (1, 1));
}

#[test]
fn pages_of_sets_cost_their_entries_and_partitions() {
    let child = child();
    cost(&child, "Collection.create({ name: 'User' })");
    cost(
        &child,
        "Set.sequence(0, 200).forEach(i => User.create({ id: ID(i) }))",
    );
    for text in [
        "User.all().map(.id).take(110).toArray()",
        "User.all().map(.id).drop(100).take(10).toArray()",
        "User.all().map(.id).take(110).drop(100).toArray()",
    ] {
        assert_eq!(cost(&child, text).read_ops, 10, "{text}");
    }
    cost(
        &child,
        "Collection.create({ name: 'Thing', indexes: { byColor: { terms: [{ field: '.color' }], values: [{ field: '.value' }] }, all_values: { values: [{ field: '.value' }] } } })",
    );
    for color in ["yellow", "purple"] {
        let text = format!(
            "Set.sequence(0, 1000).forEach(i => Thing.create({{ value: i, color: '{color}' }}))"
        );
        cost(&child, &text);
    }
    // Eleven for each colour, and one for each document that is shown.
    let ordered = "let b = Thing.byColor('yellow')\nThing.byColor('purple').concat(b).order(.value).pageSize(10)";
    assert_eq!(cost(&child, ordered).read_ops, 32);
    // A page that was read before costs nothing.
    let twice = "let set = Thing.all_values()\nif (set.isEmpty()) 'empty' else set.first()!.id";
    assert_eq!(cost(&child, twice).read_ops, 8);
    let again = cost(
        &child,
        "[Thing.byColor('yellow').count(), Thing.byColor('yellow').count()]",
    );
    assert_eq!(
        again.read_ops,
        cost(&child, "Thing.byColor('yellow').count()").read_ops
    );
}

#[test]
fn a_whole_set_is_read_in_pages_of_16000() {
    let child = child();
    cost(&child, "Collection.create({ name: 'Thing' })");
    for _ in 0..2 {
        cost(
            &child,
            "Set.sequence(0, 8008).forEach(i => Thing.create({ value: i }))",
        );
    }
    let all = cost(&child, "Thing.all().count()");
    assert_eq!((all.read_ops, all.compute_ops), (180, 321));
    let sum = cost(&child, "Math.sum(Thing.all().take(10000).map(.value))");
    assert_eq!(sum.compute_ops, 201);
}

#[test]
fn predicates_of_roles_are_told_what_an_index_entry_tells() {
    let child = child();
    cost(
        &child,
        "Collection.create({ name: 'Book', indexes: { byAuthor: { terms: [{ field: 'author' }], values: [{ field: 'title' }] } } })",
    );
    cost(
        &child,
        "Set.sequence(0, 1000).forEach(i => Book.create({ author: 'a', value: i, title: 't' }))",
    );
    let reads = |field: &str| {
        let role = format!("by_{field}");
        let text = format!(
            "Role.create({{ name: '{role}', privileges: {{ resource: 'Book', actions: {{ read: 'doc => doc.{field} == \"not found\"' }} }} }})"
        );
        cost(&child, &text);
        let reader = child.with_role(Some(format!("@role/{role}").as_str().into()));
        cost(&reader, "Book.byAuthor('a').pageSize(1) { id }").read_ops
    };
    let (covered, other) = (reads("title"), reads("value"));
    assert!(other > 1000, "{other}");
    assert!(covered < 20, "{covered}");
}

#[test]
fn a_missing_document_costs_its_name() {
    let child = child();
    cost(&child, "Collection.create({ name: 'Pot' })");
    let stats = cost(&child, "Pot.byId('0')?.foo ?? 'not found'");
    assert_eq!((stats.read_ops, stats.storage_bytes_read), (1, 14));
}

#[test]
fn definitions_are_written_with_their_indexes_and_the_text_of_the_schema() {
    let child = child();
    let index = "{ values: [{ field: 'foo' }] }";
    for (text, writes) in [
        ("Collection.create({ name: 'A' })".into(), 2),
        (
            format!("Collection.create({{ name: 'B', indexes: {{ i: {index} }} }})"),
            3,
        ),
        (
            format!("A.definition.update({{ indexes: {{ i: {index} }} }})"),
            3,
        ),
        (
            "Function.create({ name: 'f', body: '_ => true' })".into(),
            2,
        ),
        ("Key.create({ role: 'admin' })".into(), 1),
    ] {
        let stats = cost(&child, &text);
        assert_eq!((stats.compute_ops, stats.write_ops), (1, writes), "{text}");
        assert!(stats.storage_bytes_write.div_ceil(1024) <= writes, "{text}");
        assert_eq!(stats.storage_bytes_read > 0, writes > 1, "{text}");
    }
    // What is indexed at once is looked up at once: three fields of a hundred documents.
    cost(&child, "Collection.create({ name: 'C' })");
    cost(
        &child,
        "Set.sequence(0, 100).forEach(i => C.create({ x: i }))",
    );
    let built = cost(
        &child,
        "C.definition.update({ indexes: { i: { terms: [{ field: 'x' }, { field: 'y' }], values: [{ field: 'z' }] } } })",
    );
    assert_eq!(
        (built.compute_ops, built.read_ops, built.write_ops),
        (7, 1, 3)
    );
}

#[test]
fn what_failed_wrote_nothing() {
    let child = child();
    cost(&child, "Collection.create({ name: 'Pot' })");
    let failed = child.query(&Request::text("Pot.create({}); abort('oops')".to_string()));
    assert!(failed.result.is_err());
    assert_eq!(
        (failed.stats.write_ops, failed.stats.storage_bytes_write),
        (0, 0)
    );
}

#[test]
fn databases_change_the_schema_of_their_parent_and_their_own() {
    let parent = child();
    let version = |session: &Session| run(session, "1").schema_version;
    let at = |session: &Session, text: &str| run(session, text).txn_time.0;
    let made = at(&parent, "Database.create({ name: 'pottery' })");
    assert_eq!(version(&parent), made);
    let inside = |name: &str| parent.in_database(vec!["child".into(), name.into()]);
    assert_eq!(version(&inside("pottery")), 0);
    let changed = at(
        &parent,
        "Database.byName('pottery')!.update({ data: { a: 1 } })",
    );
    assert_eq!(
        (version(&parent), version(&inside("pottery"))),
        (made, changed)
    );
    let renamed = at(
        &parent,
        "Database.byName('pottery')!.update({ name: 'kiln' })",
    );
    assert_eq!(
        (version(&parent), version(&inside("kiln"))),
        (renamed, renamed)
    );
    at(&parent, "Key.create({ role: 'admin', database: 'kiln' })");
    assert_eq!(version(&parent), renamed);
    let gone = at(&parent, "Database.byName('kiln')!.delete()");
    assert_eq!(version(&parent), gone);
}
