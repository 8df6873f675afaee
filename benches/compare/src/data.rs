//! Data: scans, indexes, pages, ordering, filtered sets.

use crate::engine::{filled, run};
use crate::{Row, alone, pair, resident_mb};
use fql::engine::{Argument, Request};
use std::hint::black_box;

pub fn scan() -> Vec<Row> {
    const N: u64 = 1_000_000;
    let before = resident_mb();
    let (_dir, _engine, session) = filled(N);
    let mut connection = rusqlite::Connection::open_in_memory().expect("sqlite");
    connection.execute_batch("CREATE TABLE c (id INTEGER PRIMARY KEY, data TEXT)").expect("a table");
    let txn = connection.transaction().expect("a transaction");
    for i in 1..=N {
        let json = format!("{{\"name\":\"name {i}\",\"n\":{i},\"m\":{}}}", i % 1000);
        txn.execute("INSERT INTO c VALUES (?1, ?2)", (i, json)).expect("an insert");
    }
    txn.commit().expect("a commit");
    let row = pair(
        "scan of 1,000,000 documents with a filter, each",
        "SQLite with JSON extract, each",
        3,
        || {
            run(&session, "C.all().where(.m == 7).count()");
            N
        },
        || {
            let sql = "SELECT count(*) FROM c WHERE json_extract(data, '$.m') = 7";
            let n: i64 = connection.query_row(sql, [], |r| r.get(0)).expect("a row");
            black_box(n);
            N
        },
    );
    eprintln!("resident: {before:.0} MB before, {:.0} MB after the scans (SQLite's memory table included)", resident_mb());
    vec![row]
}

fn indexed(n: u64) -> (tempfile::TempDir, fql::engine::Session) {
    let (dir, _engine, session) = filled(n);
    run(
        &session,
        "C.definition.update({ indexes: { byN: { terms: [{ field: \".n\" }] }, byM: { terms: [{ field: \".m\" }], values: [{ field: \".n\" }] }, sorted: { values: [{ field: \".n\", order: \"desc\" }] } } })",
    );
    wait_for_indexes(&session);
    (dir, session)
}

/// Indexes of large collections are built in the background.
fn wait_for_indexes(session: &fql::engine::Session) {
    use fql::value::format::Format;
    loop {
        let outcome = session.query(&fql::engine::Request::text(
            "Object.values(C.definition.indexes).every(i => i.status == \"complete\")",
        ));
        match &outcome.result {
            Ok(done) if done.to_text(Format::Simple) == "true" => return,
            Ok(_) => std::thread::sleep(std::time::Duration::from_millis(50)),
            Err(error) => panic!("{}", error.message),
        }
    }
}

pub fn lookups() -> Vec<Row> {
    let names = ["indexed lookup among 1,000", "indexed lookup among 100,000", "indexed lookup among 1,000,000"];
    let sizes = [1_000, 100_000, 1_000_000];
    let in_sqlite = ["the same among 1,000 in SQLite", "the same among 100,000 in SQLite", "the same among 1,000,000 in SQLite"];
    let mut rows = Vec::new();
    for ((name, in_sqlite), n) in names.into_iter().zip(in_sqlite).zip(sizes) {
        // The files are opened anew: what is measured is a process that reads, not one that has just written.
        let (dir, session) = indexed(n);
        drop(session);
        let session = fql::engine::Engine::open(dir.path().join("bench.fql")).expect("a file").root();
        let raw = RawLookup::filled(n);
        let (mut i, mut j) = (1u64, 1u64);
        rows.push(pair(
            name,
            "the same two reads in raw redb",
            15,
            || {
                for _ in 0..500 {
                    i = (i * 7919 + 13) % n;
                    // One text with an argument: it is the lookup that is measured, not the parser.
                    let argument = Argument::Simple(serde_json::json!(i + 1));
                    let request = Request {
                        arguments: vec![("wanted".into(), argument)],
                        ..Request::text("C.byN(wanted).first()!.name")
                    };
                    assert!(session.query(&request).result.is_ok());
                }
                500
            },
            || {
                for _ in 0..500 {
                    j = (j * 7919 + 13) % n;
                    black_box(raw.lookup(j + 1));
                }
                500
            },
        ));
        let sqlite = SqliteLookup::filled(n);
        let mut k = 1u64;
        rows.push(alone(in_sqlite, 15, || {
            for _ in 0..500 {
                k = (k * 7919 + 13) % n;
                black_box(sqlite.lookup(k + 1));
            }
            500
        }));
    }
    rows
}

/// The same documents as JSON in SQLite, with an index of a field and as much cache: how a mature engine grows.
struct SqliteLookup {
    _dir: tempfile::TempDir,
    connection: rusqlite::Connection,
}

impl SqliteLookup {
    fn filled(n: u64) -> SqliteLookup {
        let (dir, connection) = crate::engine::sqlite(n);
        connection
            .execute_batch("CREATE INDEX by_n ON c (json_extract(data, '$.n'))")
            .expect("an index");
        drop(connection);
        let connection = rusqlite::Connection::open(dir.path().join("bench.sqlite")).expect("sqlite");
        let kibibytes = fql::store::Options::default().cache_bytes / 1024;
        connection.pragma_update(None, "cache_size", -(kibibytes as i64)).expect("a cache");
        SqliteLookup { _dir: dir, connection }
    }

    fn lookup(&self, term: u64) -> usize {
        let sql = "SELECT data FROM c WHERE json_extract(data, '$.n') = ?1";
        let mut statement = self.connection.prepare_cached(sql).expect("a statement");
        let data: String = statement.query_row([term], |row| row.get(0)).expect("a row");
        data.len()
    }
}

const RAW_DOCUMENTS: redb::TableDefinition<&[u8], &[u8]> = redb::TableDefinition::new("documents");
const RAW_INDEX: redb::TableDefinition<&[u8], &[u8]> = redb::TableDefinition::new("index");

/// An index and its documents in raw redb, with keys and values as long as ours and as much cache.
struct RawLookup {
    _dir: tempfile::TempDir,
    _open: redb::Database,
    documents: redb::ReadOnlyTable<&'static [u8], &'static [u8]>,
    index: redb::ReadOnlyTable<&'static [u8], &'static [u8]>,
}

impl RawLookup {
    fn filled(n: u64) -> RawLookup {
        use redb::ReadableDatabase;
        let dir = tempfile::tempdir().expect("a directory");
        let cache = fql::store::Options::default().cache_bytes;
        let db = redb::Builder::new().set_cache_size(cache).create(dir.path().join("raw.redb")).expect("redb");
        let mut i = 1;
        while i <= n {
            let txn = db.begin_write().expect("a transaction");
            {
                let mut documents = txn.open_table(RAW_DOCUMENTS).expect("a table");
                let mut index = txn.open_table(RAW_INDEX).expect("a table");
                for id in i..(i + 10_000).min(n + 1) {
                    documents.insert(&RawLookup::document(id)[..], &[7; 46][..]).expect("an insert");
                    index.insert(&RawLookup::entry(id, id)[..], &[1; 8][..]).expect("an insert");
                }
            }
            txn.commit().expect("a commit");
            i += 10_000;
        }
        drop(db);
        let db = redb::Builder::new().set_cache_size(cache).open(dir.path().join("raw.redb")).expect("redb");
        let txn = db.begin_read().expect("a transaction");
        RawLookup {
            _dir: dir,
            _open: db,
            documents: txn.open_table(RAW_DOCUMENTS).expect("a table"),
            index: txn.open_table(RAW_INDEX).expect("a table"),
        }
    }

    /// Scope, collection, id.
    fn document(id: u64) -> Vec<u8> {
        [0, 1024, id | 1 << 63].into_iter().flat_map(u64::to_be_bytes).collect()
    }

    /// Scope, index, a number as term, id, collection.
    fn entry(term: u64, id: u64) -> Vec<u8> {
        let mut key: Vec<u8> = [0, 32_768].into_iter().flat_map(u64::to_be_bytes).collect();
        key.push(3);
        key.extend([term, id | 1 << 63, 1024].into_iter().flat_map(u64::to_be_bytes));
        key
    }

    fn lookup(&self, term: u64) -> usize {
        let (from, to) = (RawLookup::entry(term, 0), RawLookup::entry(term + 1, 0));
        let mut entries = self.index.range::<&[u8]>(&from[..]..&to[..]).expect("a range");
        let (key, _) = entries.next().expect("an entry").expect("an entry");
        let key = key.value();
        let id = key[key.len() - 16..key.len() - 8].try_into().map(u64::from_be_bytes).expect("eight bytes");
        let document = RawLookup::document(id);
        let value = self.documents.get(&document[..]).expect("a read").expect("a document");
        value.value().len()
    }
}

pub fn covered() -> Vec<Row> {
    let (_dir, session) = indexed(100_000);
    vec![pair(
        "page of 100 by index, covered",
        "the same, uncovered",
        15,
        || {
            for _ in 0..50 {
                run(&session, "C.byM(7).pageSize(100) { n }");
            }
            50
        },
        || {
            for _ in 0..50 {
                run(&session, "C.byM(7).pageSize(100) { name }");
            }
            50
        },
    )]
}

pub fn pages() -> Vec<Row> {
    let (_dir, session) = indexed(1_000_000);
    vec![alone("page of 16 from 1,000,000 documents", 15, || {
        for _ in 0..200 {
            run(&session, "C.sorted()");
        }
        200
    })]
}

/// A set is ordered in memory, and may have 16,000 elements for that: of 100,000 documents a filter leaves them.
pub fn order() -> Vec<Row> {
    let (_dir, _engine, session) = filled(100_000);
    vec![pair(
        "filter 100,000 documents and order 16,000 of them by an unindexed field",
        "the filter alone",
        5,
        || {
            run(&session, "C.all().where(.m < 160).order(desc(.name)).first()!.name");
            1
        },
        || {
            run(&session, "C.all().where(.m < 160).toArray().length");
            1
        },
    )]
}

/// The argument that makes this program the process whose memory is measured.
pub const SCANNER: &str = "scan-and-tell-memory";

/// Memory of a process that does nothing but scan a million documents.
pub fn memory() -> Vec<Row> {
    let (dir, _engine, session) = filled(1_000_000);
    drop((session, _engine));
    let program = std::env::current_exe().expect("this program");
    for query in ["1 + 1", "C.all().where(.m == 7).count()", "C.all().map(.n).fold(0, (a, b) => a + b)"] {
        let output = std::process::Command::new(&program)
            .args([SCANNER.as_ref(), dir.path().join("bench.fql").as_os_str(), query.as_ref()])
            .output()
            .expect("a process");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        eprintln!("peak memory of a process that runs `{query}`: {} MB", String::from_utf8_lossy(&output.stdout).trim());
    }
    Vec::new()
}

/// Runs a query over a file and prints the process's peak memory in MB.
pub fn scan_and_tell_memory(path: &str, query: &str) {
    let engine = fql::engine::Engine::open(path).expect("a file");
    run(&engine.root(), query);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap_or_default();
    let peak = line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(0.0);
    println!("{:.0}", peak / 1024.0);
}

pub fn creates_with_indexes() -> Vec<Row> {
    let (_dir, _engine, session) = filled(0);
    run(&session, "Collection.create({ name: \"I1\", indexes: { a: { terms: [{ field: \".n\" }] } } })");
    run(
        &session,
        "Collection.create({ name: \"I4\", indexes: { a: { terms: [{ field: \".n\" }] }, b: { terms: [{ field: \".m\" }] }, c: { values: [{ field: \".n\" }] }, d: { terms: [{ field: \".name\" }], values: [{ field: \".m\" }] } } })",
    );
    [("create in bulk, no index", "C"), ("create in bulk, 1 index", "I1"), ("create in bulk, 4 indexes", "I4")]
        .into_iter()
        .map(|(name, coll)| {
            alone(name, 5, || {
                let query = format!("Set.sequence(0, 5000).forEach(i => {coll}.create({{ name: \"x\", n: i, m: i % 10 }}))");
                run(&session, query);
                5000
            })
        })
        .collect()
}

pub fn access() -> Vec<Row> {
    let (_dir, engine, session) = filled(100_000);
    run(
        &session,
        "Role.create({ name: \"reader\", privileges: [{ resource: \"C\", actions: { read: \"(d) => d.m < 500\" } }] })",
    );
    let secret = |query: &str| {
        let outcome = session.query(&fql::engine::Request::text(query));
        match outcome.result.expect("a key") {
            fql::value::rendered::Rendered::String(secret) => secret.to_string(),
            other => panic!("{other:?}"),
        }
    };
    let reader = engine.with_secret(&secret("Key.create({ role: \"reader\" }).secret"));
    let mut fresh: Vec<String> = (0..64).map(|_| secret("Key.create({ role: \"admin\" }).secret")).collect();
    let known = engine.with_secret(&secret("Key.create({ role: \"admin\" }).secret"));
    run(&known, "1");
    vec![
        pair(
            "count of 100,000 under a predicate",
            "the same as admin",
            3,
            || {
                run(&reader, "C.all().count()");
                1
            },
            || {
                run(&session, "C.all().count()");
                1
            },
        ),
        pair(
            "query with a known secret",
            "query with a secret seen first",
            10,
            || {
                run(&known, "1");
                1
            },
            || {
                let session = engine.with_secret(&fresh.pop().expect("a secret"));
                run(&session, "1");
                1
            },
        ),
    ]
}
