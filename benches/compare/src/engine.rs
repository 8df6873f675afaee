//! The engine: parsing, evaluation, point reads, durable and bulk writes.

use crate::{Row, alone, pair};
use fql::engine::{Engine, Request, Session};
use fql::fql::syntax::{Source, parse_query};
use redb::ReadableDatabase;
use std::hint::black_box;
use std::sync::Arc;

/// Typical queries.
pub const QUERIES: [&str; 4] = [
    "Key.all().where(.database != null)",
    "[{name: \"production\"}, {name: \"internal\"}].map(Database.create)",
    "let c = Customer.byId(\"123\")!\nOrder.byCustomer(c).where(.total > 100).order(desc(.date)) { id, total, items { sku, n } }",
    "if (1 + 2 * 3 == 7 && !false) { let x = [1, 2, 3].map(x => x * 2); x.fold(0, (a, b) => a + b) } else abort(\"no\")",
];

/// Runs a query that must succeed.
pub fn run(session: &Session, text: impl Into<String>) {
    let outcome = session.query(&Request::text(text));
    if let Err(error) = outcome.result {
        panic!("{}: {}\n{}", error.code, error.message, outcome.summary);
    }
}

/// A file with a collection `C` of `n` documents `{ name, n, m }`.
pub fn filled(n: u64) -> (tempfile::TempDir, Arc<Engine>, Session) {
    let dir = tempfile::tempdir().expect("a directory");
    let engine = Engine::open(dir.path().join("bench.fql")).expect("a file");
    let session = engine.root();
    run(&session, "Collection.create({ name: \"C\" })");
    fill(&session, n);
    (dir, engine, session)
}

/// Creates documents 1 to `n` in batches.
pub fn fill(session: &Session, n: u64) {
    let mut from = 1;
    while from <= n {
        let until = (from + 10_000).min(n + 1);
        let text = format!(
            "Set.sequence({from}, {until}).forEach(i => C.create({{ id: i, name: \"name #{{i}}\", n: i, m: i % 1000 }}))"
        );
        // A number is converted to an id, but is not of that type.
        let request = Request { typecheck: Some(false), ..Request::text(text) };
        let outcome = session.query(&request);
        assert!(outcome.result.is_ok(), "{}", outcome.summary);
        from = until;
    }
}

pub fn parse() -> Vec<Row> {
    let names = ["parse: filter", "parse: map", "parse: projection", "parse: block"];
    let texts = names.into_iter().zip(QUERIES);
    texts
        .map(|(name, text)| {
            alone(name, 20, || {
                for _ in 0..200 {
                    let _ = black_box(parse_query(&Source::query(text)));
                }
                200
            })
        })
        .collect()
}

pub fn arithmetic() -> Vec<Row> {
    let engine = Engine::memory().expect("an engine");
    let session = engine.root();
    let mut connection = rusqlite::Connection::open_in_memory().expect("sqlite");
    let connection = &mut connection;
    vec![pair(
        "`1 + 1` through a session",
        "SQLite `SELECT 1 + 1`, unprepared",
        20,
        || {
            for _ in 0..2000 {
                run(&session, "1 + 1");
            }
            2000
        },
        || {
            for _ in 0..2000 {
                let n: i64 = connection.query_row("SELECT 1 + 1", [], |r| r.get(0)).expect("a row");
                black_box(n);
            }
            2000
        },
    )]
}

/// A query without and with the type check, both with texts never seen before, that differ in more than literals.
pub fn check() -> Vec<Row> {
    let engine = Engine::memory().expect("an engine");
    let session = engine.root();
    let mut n = 0u64;
    let mut fresh = |typecheck: bool| {
        for _ in 0..300 {
            n += 1;
            let text = format!("let x{n} = [1, 2, 3].map(x => x * 2)\nx{n}.fold(0, (a, b) => a + b)");
            let request = Request { typecheck: Some(typecheck), ..Request::text(text) };
            assert!(session.query(&request).result.is_ok());
        }
        300
    };
    let with = alone("new query text, checked", 10, || fresh(true));
    let without = alone("new query text, unchecked", 10, || fresh(false));
    vec![with, without]
}

/// Documents as JSON in a file of SQLite.
pub fn sqlite(n: u64) -> (tempfile::TempDir, rusqlite::Connection) {
    let dir = tempfile::tempdir().expect("a directory");
    let mut connection = rusqlite::Connection::open(dir.path().join("bench.sqlite")).expect("sqlite");
    connection.execute_batch("CREATE TABLE c (id INTEGER PRIMARY KEY, data TEXT)").expect("a table");
    let txn = connection.transaction().expect("a transaction");
    for i in 1..=n {
        let json = format!("{{\"name\":\"name {i}\",\"n\":{i},\"m\":{}}}", i % 1000);
        txn.execute("INSERT INTO c VALUES (?1, ?2)", (i, json)).expect("an insert");
    }
    txn.commit().expect("a commit");
    (dir, connection)
}

pub fn point_reads() -> Vec<Row> {
    const N: u64 = 100_000;
    let (_dir, _engine, session) = filled(N);
    let (_dir2, connection) = sqlite(N);
    let step = |i: &mut u64| {
        *i = (*i * 7919 + 13) % N;
        *i + 1
    };
    let (mut i, mut j, mut n) = (1, 1, 0);
    // A comment makes it a query of another shape.
    let unlike = pair(
        "point read by text, each unlike all before",
        "SQLite, unprepared, JSON extract",
        20,
        || {
            for _ in 0..1000 {
                n += 1;
                run(&session, format!("C.byId(\"{}\")!.name // {n}", step(&mut i)));
            }
            1000
        },
        || {
            for _ in 0..1000 {
                let sql = format!("SELECT json_extract(data, '$.name') FROM c WHERE id = {}", step(&mut j));
                let name: String = connection.query_row(&sql, [], |r| r.get(0)).expect("a row");
                black_box(name);
            }
            1000
        },
    );
    let cold = pair(
        "point read by text, each id new",
        "SQLite, unprepared, JSON extract",
        20,
        || {
            for _ in 0..1000 {
                run(&session, format!("C.byId(\"{}\")!.name", step(&mut i)));
            }
            1000
        },
        || {
            for _ in 0..1000 {
                let sql = format!("SELECT json_extract(data, '$.name') FROM c WHERE id = {}", step(&mut j));
                let name: String = connection.query_row(&sql, [], |r| r.get(0)).expect("a row");
                black_box(name);
            }
            1000
        },
    );
    let warm = pair(
        "point read by text, the same text",
        "SQLite, unprepared, JSON extract",
        20,
        || {
            for _ in 0..1000 {
                run(&session, "C.byId(\"777\")!.name");
            }
            1000
        },
        || {
            for _ in 0..1000 {
                let sql = "SELECT json_extract(data, '$.name') FROM c WHERE id = 777";
                let name: String = connection.query_row(sql, [], |r| r.get(0)).expect("a row");
                black_box(name);
            }
            1000
        },
    );
    vec![unlike, cold, warm]
}

const RAW: redb::TableDefinition<&[u8], &[u8]> = redb::TableDefinition::new("raw");

pub fn durable_creates() -> Vec<Row> {
    let (dir, _engine, session) = filled(0);
    let raw = redb::Database::create(dir.path().join("raw.redb")).expect("redb");
    let mut key = 0u64;
    vec![pair(
        "one durable create",
        "one raw redb commit",
        15,
        || {
            for _ in 0..50 {
                run(&session, "C.create({ name: \"somebody\", n: 1, m: 2 }).id");
            }
            50
        },
        || {
            for _ in 0..50 {
                key += 1;
                let txn = raw.begin_write().expect("a transaction");
                let mut table = txn.open_table(RAW).expect("a table");
                table.insert(&key.to_be_bytes()[..], &[7u8; 60][..]).expect("an insert");
                drop(table);
                txn.commit().expect("a commit");
            }
            50
        },
    )]
}

pub fn bulk_creates() -> Vec<Row> {
    const N: u64 = 100_000;
    let (dir, _engine, session) = filled(0);
    let raw = redb::Database::create(dir.path().join("raw.redb")).expect("redb");
    let (mut round, mut key) = (0, 0u64);
    vec![pair(
        "create, 100,000 in one query",
        "raw redb bulk insert",
        3,
        || {
            round += 1;
            run(
                &session,
                format!("Set.sequence(0, {N}).forEach(i => C.create({{ name: \"somebody\", n: i, m: {round} }}))"),
            );
            N
        },
        || {
            let txn = raw.begin_write().expect("a transaction");
            let mut table = txn.open_table(RAW).expect("a table");
            for _ in 0..N {
                key += 1;
                table.insert(&key.to_be_bytes()[..], &[7u8; 60][..]).expect("an insert");
            }
            drop(table);
            txn.commit().expect("a commit");
            black_box(raw.begin_read().expect("a transaction"));
            N
        },
    )]
}
