//! What texts mean, and how wrong ones are told.

use super::{completeness, split_statements, to_wire, tokens};
use crate::fql4::print::{expression, inspect};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

fn wire(text: &str) -> Json {
    to_wire(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn error(text: &str) -> String {
    match to_wire(text) {
        Ok(wire) => panic!("{text} means {wire}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn functions_become_lambdas() {
    for (text, lambda) in [
        ("x => x", json!({"lambda": "x", "expr": {"var": "x"}})),
        (
            "(a, b) => ({ a, c: b })",
            json!({"lambda": ["a", "b"], "expr": {"object": {"a": {"var": "a"}, "c": {"var": "b"}}}}),
        ),
        (
            "function f(a) { return [a]; }",
            json!({"lambda": "a", "expr": [{"var": "a"}]}),
        ),
        ("_ => { return 1 }", json!({"lambda": "_", "expr": 1})),
    ] {
        assert_eq!(
            wire(&format!("Query({text})")),
            json!({ "query": lambda }),
            "{text}"
        );
    }
    assert_eq!(
        wire("Let({ p: 1, q: 2 }, (a, b) => Add(a, b))"),
        json!({"let": [{"p": 1}, {"q": 2}], "in": {"add": [{"var": "p"}, {"var": "q"}]}})
    );
}

#[test]
fn arguments_become_keys() {
    for (text, json) in [
        (
            "Map([1], x => x)",
            json!({"map": {"lambda": "x", "expr": {"var": "x"}}, "collection": [1]}),
        ),
        ("Add(1)", json!({"add": 1})),
        ("Do(1)", json!({"do": [1]})),
        ("Call('f')", json!({"call": "f", "arguments": []})),
        (
            "Match(Index('i'), 1, 2)",
            json!({"match": {"index": "i"}, "terms": [1, 2]}),
        ),
        (
            "Select('a', {}, null)",
            json!({"select": "a", "from": {"object": {}}, "default": null}),
        ),
        (
            "Select('a', {}, undefined)",
            json!({"select": "a", "from": {"object": {}}}),
        ),
        ("Collections()", json!({"collections": null})),
        (
            "Collection('a', null)",
            json!({"collection": "a", "scope": null}),
        ),
        ("Concat(['a'], null)", json!({"concat": ["a"]})),
        ("q.Now()", json!({"now": null})),
        (
            "Paginate(Keys(), { size: 2, after: undefined })",
            json!({"paginate": {"keys": null}, "size": 2}),
        ),
        ("Ref('classes/x/1')", json!({"@ref": "classes/x/1"})),
        ("Bytes('AQI=')", json!({"@bytes": "AQI="})),
        ("[undefined]", json!([null])),
    ] {
        assert_eq!(wire(text), json, "{text}");
    }
    let order: Vec<String> = match wire("{ b: 1, '2': 2, a: 3, 1: 4, b: 5 }") {
        Json::Object(fields) => fields["object"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect(),
        other => panic!("{other}"),
    };
    assert_eq!(order, ["1", "2", "b", "a"]);
}

#[test]
fn wrong_texts_are_told_like_a_clients() {
    const DOCS: &str =
        "For more info, see the docs: https://docs.fauna.com/fauna/current/api/fql/functions";
    for (text, message) in [
        ("foo", "ReferenceError: foo is not defined".to_string()),
        ("Foo(1)", "ReferenceError: Foo is not defined".to_string()),
        ("Get", "ReferenceError: Get is not defined".to_string()),
        ("undefined", "A query is required.".to_string()),
        ("// nothing", "A query is required.".to_string()),
        (
            "Get()",
            format!("InvalidArity: Get function requires from 1 to 2 argument(s) but 0 were given\n{DOCS}/get"),
        ),
        (
            "Not(1, 2)",
            format!("InvalidArity: Not function requires 1 argument(s) but 2 were given\n{DOCS}/not"),
        ),
        (
            "Add()",
            format!("InvalidArity: Add function requires at least 1 argument(s) but 0 were given\n{DOCS}/add"),
        ),
        (
            "Keys(1, 2)",
            format!("InvalidArity: Keys function requires up to 1 argument(s) but 2 were given\n{DOCS}/keys"),
        ),
        (
            "Update(undefined, {})",
            "InvalidValue: Expected value, but found 'undefined'. Argument 0 for Update is required."
                .to_string(),
        ),
        (
            "Map([], () => 1)",
            "InvalidValue: Provided Function must take at least 1 argument.".to_string(),
        ),
        ("Get(1", "SyntaxError: this `(` is not closed".to_string()),
        ("Get(1 2)", "SyntaxError: Unexpected token, expected `,` or `)`".to_string()),
        ("'a", "SyntaxError: this string is not closed".to_string()),
        ("'\\xg'", "SyntaxError: Invalid hexadecimal escape sequence".to_string()),
        ("`${1}`", "SyntaxError: Unexpected token".to_string()),
    ] {
        assert_eq!(error(text), message, "{text}");
    }
}

#[test]
fn deep_texts_are_read_or_refused() {
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(to_wire(&deep(900)).is_ok());
    assert_eq!(error(&deep(1001)), "SyntaxError: the text nests too deeply");
    assert!(to_wire(&"x => ".repeat(100_000)).is_err());
    assert!(to_wire(&"Not(".repeat(100_000)).is_err());
}

proptest! {
    /// Whatever is typed: nothing panics, items lie within the text and follow each other, and what is complete is read
    /// or refused.
    #[test]
    fn any_text_is_split_and_read_or_refused(
        text in "([\\[\\](){}:,;.'\"`\\\\/*=>+-]|Add|Map|x|q|=> |return |function |\n|0x1F|1e3|é|\u{2028}| |:lang 4){0,30}",
    ) {
        let script = split_statements(&text);
        let mut at = 0;
        for item in &script.items {
            let (start, end) = (item.span.start as usize, item.span.end as usize);
            prop_assert!(at <= start && start < end && end <= text.len());
            prop_assert!(text.get(start..end).is_some());
            at = end;
        }
        let _ = completeness(&text);
        let covered: usize = tokens(&text)
            .iter()
            .map(|(span, _)| (span.end - span.start) as usize)
            .sum();
        prop_assert!(covered <= text.len());
        match to_wire(&text) {
            // What is read prints, and is one statement.
            Ok(wire) => {
                let _ = inspect(&wire);
                let _ = expression(&wire);
                prop_assert_eq!(script.items.len(), 1);
            }
            Err(error) => {
                prop_assert!(error.span.start <= error.span.end);
                prop_assert!(error.span.end as usize <= text.len());
            }
        }
    }
}
