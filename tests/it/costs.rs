//! What queries cost (`spec fql10-data 8.2`): the system's own reads are free, and so is looking into a value.

use fql::engine::{Engine, Outcome, Request, Session};

/// A database inside another, which has settings to inherit.
fn child() -> Session {
    let root = Engine::memory().expect("an engine").root();
    run(&root, "Database.create({ name: 'child' })");
    root.in_database(vec!["child".into()])
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
