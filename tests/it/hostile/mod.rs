//! Malformed and hostile queries: none panics, each ends soon in little memory with the expected code, and the
//! session goes on.
//!
//! The codes are those of the specification; where it is silent (how deep a text may nest, how many parts a result may
//! have) they are those that the limit's own words say.

mod arguments;
mod bombs;
mod deep;
mod documents;
mod endless;
mod requests;
mod schema;
mod texts;

use fql::engine::{Engine, Request, Session};
use std::time::{Duration, Instant};

/// When a query is told to give up.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest that one query may take here, in a build without optimization on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A database with something in it to attack.
fn session() -> Session {
    let engine = Engine::memory().expect("an engine");
    let session = engine.root();
    for query in [
        "Collection.create({
            name: 'Item', history_days: 1,
            constraints: [{ unique: ['.sku'] }],
            indexes: { byGroup: { terms: [{ field: '.group' }], values: [{ field: '.n' }] } }
        })",
        "Collection.create({ name: 'Kept', history_days: 0 })",
        "Collection.create({
            name: 'Typed', fields: { n: { signature: 'Number' }, s: { signature: 'String?' } }
        })",
        "Function.create({ name: 'Ping', body: 'n => n', signature: 'Number => Any' })",
        "Function.create({ name: 'Pong', body: 'n => Ping(n + 1)', signature: 'Number => Any' })",
        "Function.byName('Ping')!.update({ body: 'n => Pong(n + 1)' })",
        "Function.create({ name: 'Same', body: 'x => x' })",
        "Collection.create({
            name: 'Mirror',
            computed_fields: { a: { body: '(d) => d.b', signature: 'Any' }, b: { body: '(d) => d.a', signature: 'Any' } }
        })",
        "Mirror.create({ id: 1 }).id",
        "Item.create({ id: 1, sku: 'a', group: 'g', n: 1 })",
        "Item.create({ id: 2, sku: 'b', group: 'g', n: 2 })",
        "Kept.create({ id: 1, item: Item(1) })",
    ] {
        let mut request = Request::text(query);
        request.typecheck = Some(false);
        let outcome = session.query(&request);
        let said: String = outcome.summary.chars().take(500).collect();
        assert!(outcome.result.is_ok(), "{query}\n{said}");
    }
    session
}

/// The code of the outcome of a query, or `ok`; and how long it took.
fn verdict(session: &Session, request: &Request) -> (String, Duration) {
    let started = Instant::now();
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| session.query(request)));
    let code = match outcome {
        Err(_) => "PANIC".to_string(),
        Ok(outcome) => match outcome.result {
            Ok(_) => "ok".to_string(),
            Err(error) => {
                assert!(!error.message.is_empty());
                error.code.to_string()
            }
        },
    };
    (code, started.elapsed())
}

/// Puts texts of many characters in: `@5*ab@` stands for `'ababa'`.
fn expanded(query: &str) -> String {
    if !query.contains('*') {
        return query.to_string();
    }
    let mut parts = query.split('@');
    let mut text = parts.next().unwrap_or_default().to_string();
    while let (Some(long), Some(rest)) = (parts.next(), parts.next()) {
        let (count, unit) = long.split_once('*').expect("a count");
        let count = count.parse::<usize>().expect("a count");
        let long: String = unit.chars().cycle().take(count).collect();
        text.push_str(&format!("'{long}'{rest}"));
    }
    text
}

/// Runs every query with and without type checks, and expects `ok` or that code; with types checked a query may fail
/// before it runs.
fn run<Q: AsRef<str>>(cases: &[(Q, &str)]) {
    let session = session();
    let mut wrong = Vec::new();
    for (query, expected) in cases {
        let query = query.as_ref();
        let shown: String = query.chars().take(100).collect();
        for typecheck in [false, true] {
            let mut request = match query.len() < 500 {
                true => Request::text(expanded(query)),
                false => Request::text(query),
            };
            request.typecheck = Some(typecheck);
            request.timeout = Some(TIMEOUT);
            let (code, took) = verdict(&session, &request);
            if code != *expected && !(typecheck && code == "invalid_query") {
                wrong.push(format!(
                    "{code} for {expected}, typecheck {typecheck}: {shown}"
                ));
            }
            if took > PATIENCE {
                wrong.push(format!("{took:?}: {shown}"));
            }
        }
        let (code, _) = verdict(&session, &Request::text("1 + 1"));
        if code != "ok" {
            wrong.push(format!("the session ended with {code} after {shown}"));
        }
    }
    let intact = "if (Item.byId('1')!.n == 1 && Item.byGroup('g').count() == 2 && Kept.byId('1')!.item!.sku == 'a') 1 else abort(0)";
    let (code, _) = verdict(&session, &Request::text(intact));
    if code != "ok" {
        wrong.push(format!("the data is not intact: {code}"));
    }
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
