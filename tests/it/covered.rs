//! Fields that an index covers are served from its entries (`spec fql10-data 6.6`, `8.3`): at no cost, with the same
//! results, and with hints where they are not.

use fql::engine::{Engine, Outcome, Request, Session};
use fql::value::format::Format;
use proptest::prelude::*;

fn query(session: &Session, text: &str) -> Outcome {
    let mut request = Request::text(text);
    request.typecheck = Some(false);
    request.performance_hints = true;
    session.query(&request)
}

fn result(outcome: &Outcome) -> String {
    match &outcome.result {
        Ok(value) => value.to_text(Format::Simple),
        Err(error) => format!("{}: {}", error.code, error.message),
    }
}

fn hints(outcome: &Outcome) -> Vec<String> {
    outcome
        .summary
        .lines()
        .filter_map(|line| line.strip_prefix("performance_hint: "))
        .map(|line| line.split(". See ").next().unwrap_or(line).to_string())
        .collect()
}

fn session(index: &str) -> Session {
    let session = Engine::memory().unwrap().root();
    let made = query(
        &session,
        &format!("Collection.create({{ name: 'A', indexes: {{ by: {index} }} }})"),
    );
    assert!(made.result.is_ok(), "{}", made.summary);
    session
}

#[test]
fn nested_paths_cost_nothing_and_are_hinted_at() {
    let session = session(
        "{ terms: [{ field: 'term' }], values: [{ field: '.foo.a.one' }, { field: '.data.price' }] }",
    );
    query(
        &session,
        "A.create({ term: 't', price: 7, foo: { a: { one: 1, two: 2 } } })",
    );
    let not = |path: &str| {
        vec![format!(
            "non_covered_document_read - {path} is not covered by the A.by index"
        )]
    };
    for (text, expected, reads, told) in [
        (".map(.foo.a.one).toArray()", "[1]", 1, vec![]),
        (".map(.data.foo.a.one).toArray()", "[1]", 1, vec![]),
        (".map(.foo.a.one + .price).toArray()", "[8]", 1, vec![]),
        (".map(.data.price).toArray()", "[7]", 1, vec![]),
        (".first()!.foo.a.one", "1", 1, vec![]),
        (".first()!.foo.a.one.toString()", "\"1\"", 1, vec![]),
        (
            " { foo { a { one } } }",
            "{\"data\":[{\"foo\":{\"a\":{\"one\":1}}}]}",
            1,
            vec![],
        ),
        (" { x: .foo.a.one }", "{\"data\":[{\"x\":1}]}", 1, vec![]),
        (
            ".first()!.foo { a { one } }",
            "{\"a\":{\"one\":1}}",
            1,
            vec![],
        ),
        (".first()!.foo.a.two", "2", 2, not(".foo.a.two")),
        (".first()!.foo.a.keys?.b", "null", 2, not(".foo.a.keys")),
        (
            ".first()! { foo { a { two } } }",
            "{\"foo\":{\"a\":{\"two\":2}}}",
            2,
            not(".foo.a.two"),
        ),
        (".first()!.foo.a", "{\"one\":1,\"two\":2}", 2, not(".foo.a")),
        (".first()!.data.term", "\"t\"", 1, vec![]),
        (".first()!.data.other", "null", 2, not(".other")),
    ] {
        let outcome = query(&session, &format!("A.by('t'){text}"));
        assert_eq!(result(&outcome), expected, "{text}");
        assert_eq!(outcome.stats.read_ops, reads, "{text}");
        let told: Vec<String> = told;
        let hints: Vec<String> = hints(&outcome)
            .into_iter()
            .filter(|hint| !hint.starts_with("full_set_read"))
            .collect();
        assert_eq!(hints, told, "{text}");
    }
    // In the place where the uncovered field stands.
    let outcome = query(
        &session,
        "let doc = A.by(\"t\").first()!\ndoc.foo.a.two != null",
    );
    assert!(
        outcome.summary.contains("at *query*:2:11\n"),
        "{}",
        outcome.summary
    );
}

/// What a document may hold under a covered path.
fn contents() -> impl Strategy<Value = Vec<String>> {
    let leaf = prop_oneof![
        Just("1"),
        Just("'x'"),
        Just("null"),
        Just("[1, null]"),
        Just("[{ z: 1, y: 2 }]"),
        Just("{ z: 1, y: 2 }"),
        Just("{ b: 5 }"),
        Just("{ b: null, c: 1 }"),
        Just("{ b: { z: 1, y: [] } }"),
        Just("Time('2020-01-01T00:00:00Z')"),
    ]
    .prop_map(str::to_string);
    let nested = prop_oneof![
        2 => leaf.clone(),
        3 => leaf.prop_map(|value| format!("{{ b: {value}, c: 3 }}")),
        1 => Just("null".to_string()),
    ];
    proptest::collection::vec(nested, 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_covered_reads_as_from_the_document(values in contents()) {
        let session = session("{ values: [{ field: '.n' }, { field: '.a.b' }, { field: '.d' }] }");
        for (n, value) in values.iter().enumerate() {
            query(&session, &format!("A.create({{ n: {n}, a: {value}, d: {value} }})"));
        }
        for step in [
            ".a", ".a.b", ".a.c", ".a?.b", ".a.b.c", ".d", ".d.b", ".data.a.b", ".data.d", ".a.b.y", ".nope.b",
        ] {
            for n in 0..values.len() {
                let [covered, read] = ["A.by()", "A.all()"].map(|set| {
                    let text = format!("{set}.where(d => d.n == {n}).first()!{step}");
                    result(&query(&session, &text))
                });
                prop_assert_eq!(&covered, &read, "{}", step);
            }
        }
        for projection in ["{ a }", "{ a { b } }", "{ a { b, c } }", "{ x: .a }", "{ d { b { z } } }", "{ n, d }", "{ data { a { b } } }"] {
            let [covered, read] = ["A.by()", "A.all()"].map(|set| {
                result(&query(&session, &format!("{set} {projection}")))
            });
            prop_assert_eq!(&covered, &read, "{}", projection);
        }
    }
}
