//! Feeds read the change log: they cost what they return, whatever the size of the collection; files of before the
//! change log, and files written with another collation, are brought up to date when they are opened.

use fql::engine::{Engine, FeedPage, FeedRequest, Request, Session, Start, StreamEvent};
use fql::model::keys;
use fql::store::{
    Bytes, Commit, CommitFeed, Entry, RedbStore, SeeEntry, Snapshot, Store, StoreError, Table,
    TxnTime, Write,
};
use fql::value::format::Format;
use serde_json::Value as Json;
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

/// A store that counts the rows it gives to the thread of the test: upkeep reads meanwhile.
struct Counting(RedbStore, Counter);

struct CountingSnapshot(Arc<dyn Snapshot>, Counter);

#[derive(Clone)]
struct Counter {
    rows: Arc<AtomicUsize>,
    thread: std::thread::ThreadId,
}

impl Counter {
    fn count(&self) {
        if std::thread::current().id() == self.thread {
            self.rows.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Store for Counting {
    fn snapshot(&self) -> Result<Arc<dyn Snapshot>, StoreError> {
        Ok(Arc::new(CountingSnapshot(
            self.0.snapshot()?,
            self.1.clone(),
        )))
    }

    fn commit(&self, commit: Commit) -> Result<TxnTime, StoreError> {
        self.0.commit(commit)
    }

    fn subscribe(&self) -> CommitFeed {
        self.0.subscribe()
    }
}

impl Snapshot for CountingSnapshot {
    fn time(&self) -> TxnTime {
        self.0.time()
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        self.1.count();
        self.0.get(table, key)
    }

    fn range<'a>(
        &'a self,
        table: Table,
        start: Bound<&[u8]>,
        end: Bound<&[u8]>,
        reverse: bool,
    ) -> Result<Box<dyn Iterator<Item = Result<Entry, StoreError>> + 'a>, StoreError> {
        let range = self.0.range(table, start, end, reverse)?;
        Ok(Box::new(range.inspect(|_| {
            self.1.count();
        })))
    }

    fn range_with(
        &self,
        table: Table,
        start: Bound<&[u8]>,
        end: Bound<&[u8]>,
        reverse: bool,
        see: &mut SeeEntry<'_>,
    ) -> Result<(), StoreError> {
        let mut counted = |key: &[u8], value: &[u8]| -> ControlFlow<()> {
            self.1.count();
            see(key, value)
        };
        self.0.range_with(table, start, end, reverse, &mut counted)
    }
}

fn query(session: &Session, text: &str) -> Json {
    let mut request = Request::text(text);
    request.typecheck = Some(false);
    let outcome = session.query(&request);
    match outcome.result {
        Ok(value) => {
            let mut json = String::new();
            value.write_json(Format::Simple, &mut json);
            serde_json::from_str(&json).unwrap()
        }
        Err(_) => panic!("{text}: {}", outcome.summary),
    }
}

fn feed(session: &Session, token: &str, start: Start, page_size: usize) -> FeedPage {
    let request = FeedRequest {
        token: token.to_string(),
        start,
        page_size,
        timeout: None,
        cancel: None,
    };
    session.feed(&request).unwrap()
}

/// The kinds of a page's events.
fn kinds(page: &FeedPage) -> Vec<&'static str> {
    let kind = |event: &StreamEvent| match event {
        StreamEvent::Change { event, .. } => event.kind.name(),
        StreamEvent::Status { .. } => "status",
        StreamEvent::Error { .. } => "error",
    };
    page.events.iter().map(kind).collect()
}

fn source(session: &Session, set: &str) -> String {
    match query(session, &format!("{set}.eventSource()")) {
        Json::String(token) => token,
        other => panic!("{other}"),
    }
}

#[test]
fn a_feed_costs_what_it_returns() {
    let rows = Arc::new(AtomicUsize::new(0));
    let counter = Counter {
        rows: rows.clone(),
        thread: std::thread::current().id(),
    };
    let store = Counting(RedbStore::memory().unwrap(), counter);
    let engine = Engine::over(Arc::new(store)).unwrap();
    let session = engine.root();
    query(
        &session,
        "Collection.create({ name: 'A', indexes: { byX: { terms: [{ field: 'x' }] } } })",
    );
    let all = source(&session, "A.all()");
    let indexed = source(&session, "A.byX(3)");
    for _ in 0..5 {
        query(
            &session,
            "Set.sequence(0, 1000).forEach(n => A.create({ x: n % 10 }))",
        );
    }
    // A page in the middle of many changes, and one at the end of them.
    for token in [&all, &indexed] {
        let before = rows.load(Ordering::Relaxed);
        let page = feed(&session, token, Start::Source, 16);
        assert_eq!(page.events.len(), 16);
        assert!(page.has_next);
        let read = rows.load(Ordering::Relaxed) - before;
        // An index's events are in its order: for that a transaction's changes are looked at together.
        let most = if token == &all { 200 } else { 6000 };
        assert!(read < most, "{read} rows for one page of 16");
    }
    let end = feed(&session, &all, Start::Source, 16_000);
    assert_eq!(end.events.len(), 5000);
    let indexed_end = feed(&session, &indexed, Start::Source, 16_000);
    assert_eq!(indexed_end.events.len(), 500);
    query(&session, "A.all().take(3).forEach(a => a.update({ x: 3 }))");
    query(&session, "A.all().first()!.delete()");
    for (token, cursor, expected) in [
        (&all, end.cursor, ["update", "update", "update", "remove"]),
        (
            &indexed,
            indexed_end.cursor,
            ["add", "add", "add", "remove"],
        ),
    ] {
        let before = rows.load(Ordering::Relaxed);
        let page = feed(&session, token, Start::Cursor(cursor), 16);
        assert_eq!(kinds(&page), expected);
        assert!(!page.has_next);
        let read = rows.load(Ordering::Relaxed) - before;
        assert!(read < 100, "{read} rows for 4 events");
    }
}

#[test]
fn a_page_ends_when_its_time_is_nearly_used_up() {
    let session = Engine::memory().unwrap().root();
    query(&session, "Collection.create({ name: 'A' })");
    let slow = source(
        &session,
        "A.all().map(a => Set.sequence(0, 3000).map(i => i).count())",
    );
    // All in one transaction.
    query(
        &session,
        "Set.sequence(0, 2000).forEach(n => A.create({ n: n }))",
    );
    let mut cursor = Start::Source;
    let mut last = None;
    for _ in 0..2 {
        let request = FeedRequest {
            token: slow.clone(),
            start: cursor,
            page_size: 16_000,
            timeout: Some(std::time::Duration::from_millis(400)),
            cancel: None,
        };
        let page = session.feed(&request).unwrap();
        assert!(!page.events.is_empty() && page.events.len() < 2000);
        assert!(page.has_next && Some(page.cursor) > last);
        last = Some(page.cursor);
        cursor = Start::Cursor(page.cursor);
    }
}

#[test]
fn a_feed_goes_on_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db.fql");
    let (token, cursor) = {
        let session = Engine::open(&path).unwrap().root();
        query(&session, "Collection.create({ name: 'A' })");
        let token = source(&session, "A.all()");
        query(&session, "A.create({ id: 1, x: 1 })");
        let page = feed(&session, &token, Start::Source, 16);
        assert_eq!(kinds(&page), ["add"]);
        query(&session, "A.byId(1)!.update({ x: 2 })");
        (token, page.cursor)
    };
    let session = Engine::open(&path).unwrap().root();
    query(&session, "A.byId(1)!.delete()");
    let page = feed(&session, &token, Start::Cursor(cursor), 16);
    assert_eq!(kinds(&page), ["update", "remove"]);
}

/// Takes from a file what format 1 did not have.
fn downgrade(path: &std::path::Path) {
    {
        let store = RedbStore::open(path).unwrap();
        store
            .commit(Commit {
                snapshot: store.snapshot().unwrap().time(),
                writes: vec![Write {
                    table: Table::System,
                    key: keys::system::layout(),
                    value: None,
                    stamps: Default::default(),
                }],
                ..Commit::default()
            })
            .unwrap();
    }
    let raw = redb::Database::open(path).unwrap();
    let txn = raw.begin_write().unwrap();
    let changes = redb::TableDefinition::<&[u8], &[u8]>::new("changes");
    assert!(txn.delete_table(changes).unwrap());
    txn.open_table(redb::TableDefinition::<&[u8], &[u8]>::new("fql"))
        .unwrap()
        .insert(b"format".as_slice(), b"fql\0\0\0\0\x01".as_slice())
        .unwrap();
    txn.commit().unwrap();
}

#[test]
fn a_file_of_the_first_format_gets_a_change_log() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db.fql");
    let (token, whole) = {
        let session = Engine::open(&path).unwrap().root();
        query(&session, "Collection.create({ name: 'A' })");
        let token = source(&session, "A.all()");
        query(
            &session,
            "Set.sequence(0, 300).forEach(n => A.create({ id: n, x: n }))",
        );
        query(&session, "A.byId(1)!.update({ x: 2 })");
        query(&session, "A.byId(2)!.delete()");
        let whole = kinds(&feed(&session, &token, Start::Source, 1000));
        (token, whole)
    };
    assert_eq!(whole.len(), 302);
    downgrade(&path);
    let session = Engine::open(&path).unwrap().root();
    assert_eq!(kinds(&feed(&session, &token, Start::Source, 1000)), whole);
    query(&session, "A.byId(3)!.delete()");
    let page = feed(&session, &token, Start::Source, 1000);
    assert_eq!(kinds(&page), [&whole[..], &["remove"]].concat());
}

#[test]
fn a_file_of_another_collation_is_indexed_anew() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("db.fql");
    let names = "A.byName().map(.name).toArray()";
    {
        let session = Engine::open(&path).unwrap().root();
        query(
            &session,
            "Collection.create({ name: 'A', history_days: 1, indexes: { byName: { values: [{ field: 'name' }] } } })",
        );
        query(
            &session,
            "['b', 'B', 'a', 'ä', 'z'].forEach(n => A.create({ name: n }))",
        );
        query(&session, "A.all().last()!.update({ name: 'y' })");
    }
    let before = {
        // Keys as another collation might have made them, and its mark.
        let store = RedbStore::open(&path).unwrap();
        let snapshot = store.snapshot().unwrap();
        let entries = |snapshot: &dyn Snapshot| -> Vec<Entry> {
            [Table::Index, Table::IndexHistory]
                .into_iter()
                .flat_map(|table| {
                    let all = snapshot.range(table, Bound::Unbounded, Bound::Unbounded, false);
                    all.unwrap().map(Result::unwrap).collect::<Vec<_>>()
                })
                .collect()
        };
        let before = entries(&*snapshot);
        let mut writes = vec![Write {
            table: Table::System,
            key: keys::system::layout(),
            value: Some([0, 0, 0, 2].into_iter().chain([7; 8]).collect()),
            stamps: Default::default(),
        }];
        for (key, value) in snapshot
            .range(Table::Index, Bound::Unbounded, Bound::Unbounded, false)
            .unwrap()
            .map(Result::unwrap)
        {
            let write = |key: Vec<u8>, value| Write {
                table: Table::Index,
                key,
                value,
                stamps: Default::default(),
            };
            writes.push(write(key.to_vec(), None));
            let mut other = key.to_vec();
            other[17] ^= 0x55;
            writes.push(write(other, Some(value.to_vec())));
        }
        let snapshot = snapshot.time();
        store
            .commit(Commit {
                snapshot,
                writes,
                ..Commit::default()
            })
            .unwrap();
        before
    };
    {
        let session = Engine::open(&path).unwrap().root();
        assert_eq!(
            query(&session, names),
            serde_json::json!(["a", "ä", "b", "B", "y"])
        );
    }
    let store = RedbStore::open(&path).unwrap();
    let snapshot = store.snapshot().unwrap();
    let after: Vec<Entry> = [Table::Index, Table::IndexHistory]
        .into_iter()
        .flat_map(|table| {
            let all = snapshot.range(table, Bound::Unbounded, Bound::Unbounded, false);
            all.unwrap().map(Result::unwrap).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(after, before);
}

/// A clock that is so many microseconds behind.
struct Behind(AtomicI64);

impl fql::store::Clock for Behind {
    fn now_micros(&self) -> i64 {
        fql::store::SystemClock.now_micros() - self.0.load(Ordering::Relaxed)
    }
}

#[test]
fn quiet_hours_end_no_feed_and_no_cursor() {
    const HOUR: i64 = 3_600_000_000;
    let clock = Arc::new(Behind(AtomicI64::new(HOUR)));
    let options = fql::store::Options {
        clock: clock.clone(),
        ..Default::default()
    };
    let store = Arc::new(RedbStore::memory_with(options).unwrap());
    let session = Engine::over(store).unwrap().root();
    query(&session, "Collection.create({ name: 'A' })");
    query(
        &session,
        "Set.sequence(0, 30).forEach(n => A.create({ id: n, x: n }))",
    );
    clock.0.store(0, Ordering::Relaxed);
    // The newest commit is an hour old by now: longer ago than what can be read for sure.
    let token = source(&session, "A.all()");
    let page = query(&session, "A.all().pageSize(20).map(.x).paginate()");
    let after = page["after"].as_str().unwrap();
    let first = feed(&session, &token, Start::Source, 16);
    assert!(kinds(&first).is_empty());
    query(&session, "A.all().forEach(a => a.update({ x: -1 }))");
    let rest = query(&session, &format!("Set.paginate('{after}').data"));
    assert_eq!(rest, serde_json::json!((20..30).collect::<Vec<_>>()));
    let second = feed(&session, &token, Start::Cursor(first.cursor), 100);
    assert_eq!(kinds(&second), ["update"; 30]);
}

#[test]
fn a_query_that_writes_gives_cursors_and_sources_of_its_commit() {
    let session = Engine::memory().unwrap().root();
    query(&session, "Collection.create({ name: 'A' })");
    let given = query(
        &session,
        "Set.sequence(0, 3).forEach(n => A.create({ id: n, x: n }))
        let page = A.all().map(.x).paginate(1)
        A.create({ id: 3, x: 3 })
        { source: A.all().eventSource(), page: page, set: A.all().map(.x).pageSize(2) }",
    );
    query(&session, "A.all().forEach(a => a.update({ x: -1 }))");
    query(&session, "A.create({ id: 4, x: 4 })");
    for (after, rest) in [
        (&given["page"]["after"], vec![1, 2, 3]),
        (&given["set"]["after"], vec![2, 3]),
    ] {
        let text = format!("Set.paginate('{}', 100).data", after.as_str().unwrap());
        assert_eq!(query(&session, &text), serde_json::json!(rest));
    }
    let token = given["source"].as_str().unwrap();
    let page = feed(&session, token, Start::Source, 100);
    assert_eq!(
        kinds(&page),
        ["update", "update", "update", "update", "add"]
    );
    // A cursor's own text carries no time.
    let text = query(&session, "A.all().map(.x).paginate(3).after!.toString()");
    query(&session, "A.byId(3)!.update({ x: 33 })");
    let text = format!("Set.paginate('{}').data", text.as_str().unwrap());
    assert_eq!(query(&session, &text), serde_json::json!([33, 4]));
}
