//! What queries cost, as `stats` tell it (`spec http-api 5.4`, `spec fql10-data 8`).

use fql::engine::{Engine, Request, Session, Stats};

fn cost(session: &Session, text: &str) -> Stats {
    let outcome = session.query(&Request::text(text));
    if let Err(error) = outcome.result {
        panic!("{text}: {} {}", error.code, error.message);
    }
    outcome.stats
}

/// A child database: that its settings are looked up in its parent is not the query's affair.
fn child() -> Session {
    let root = Engine::memory().expect("an engine").root();
    cost(&root, "Database.create({ name: 'child' })");
    root.in_database(vec!["child".into()])
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
    let many = cost(
        &child,
        "let pot = Pot.byId(1)!\npot.update({ i: 1 })\nSet.sequence(1, 100).forEach(_ => { pot.update({ i: pot.i + 1 }) })\npot.i",
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
