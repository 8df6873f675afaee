//! Values nested deeper than any native stack: made, compared and freed, and the session goes on.

use fql::engine::{Engine, Request};
use fql::value::format::Format;

#[test]
fn values_without_bottom_end_quietly() {
    let engine = Engine::memory().expect("an engine");
    let session = engine.root();
    let deep = "Set.sequence(0, 200000).fold";
    let queries = [
        format!("let xs: Any = {deep}(null, (xs, i) => [xs]); xs.length"),
        format!("let xs: Any = {deep}(null, (xs, i) => {{ x: xs }}); Object.keys(xs)"),
        format!("let f: Any = {deep}(null, (f, i) => () => f); 1"),
        format!("let f: Any = {deep}(1, (f, i) => f.toString); 1"),
        format!("let s: Any = {deep}(null, (s, i) => Set.single(s)); 1"),
        format!("let s: Any = {deep}([].toSet(), (s, i) => s.concat([i].toSet())); 1"),
        format!(
            "let a: Any = {deep}(null, (xs, i) => [xs]); let b: Any = {deep}(null, (xs, i) => [xs]); a == b"
        ),
        format!("let a: Any = {deep}(null, (xs, i) => [xs]); [a, a].distinct().length"),
    ];
    for query in queries {
        let request = Request {
            typecheck: Some(false),
            ..Request::text(query.clone())
        };
        let outcome = session.query(&request);
        assert!(outcome.result.is_ok(), "{query}: {}", outcome.summary);
    }
    let lets: String = (0..20_000).map(|i| format!("let a{i} = {i}\n")).collect();
    let outcome = session.query(&Request {
        typecheck: Some(false),
        ..Request::text(format!("{lets}a19999"))
    });
    assert_eq!(
        outcome
            .result
            .map(|r| r.to_text(Format::Simple))
            .ok()
            .as_deref(),
        Some("19999"),
        "{}",
        outcome.summary
    );
}
