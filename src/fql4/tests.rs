//! Queries through a session.

use super::read::Json;
use super::version::ApiVersion;
use crate::engine::{Engine, LegacyRequest};
use serde_json::{Value, json};

/// The answer to a query in an empty database, under a version: the value, or the errors.
fn run_as(version: ApiVersion, query: &Value) -> Result<Value, Value> {
    let engine = Engine::memory().expect("an engine");
    let request = LegacyRequest {
        version,
        ..LegacyRequest::new(Json::from(query))
    };
    match engine.root().query_legacy(&request).result {
        Ok(text) => Ok(serde_json::from_str(&text).expect("JSON")),
        Err(failure) => Err(failure.entries().into()),
    }
}

fn run(query: Value) -> Result<Value, Value> {
    run_as(ApiVersion::V4, &query)
}

/// The first error, as position, code and description.
fn error(query: Value) -> (Value, String, String) {
    let errors = run(query).expect_err("an error");
    let first = &errors[0];
    let text = |key: &str| first[key].as_str().unwrap_or_default().to_string();
    (first["position"].clone(), text("code"), text("description"))
}

/// Nests a query in itself.
fn nested(depth: usize, wrap: impl Fn(Value) -> Value, core: Value) -> Value {
    (0..depth).fold(core, |query, _| wrap(query))
}

#[test]
fn adds_and_binds() {
    assert_eq!(run(json!({"add": [1, 2]})), Ok(json!(3)));
    let query = json!({"let": [{"a": 1}, {"b": {"add": [{"var": "a"}, 0.5]}}], "in": {"object": {"@b": {"var": "b"}}}});
    assert_eq!(run(query), Ok(json!({"@obj": {"@b": 1.5}})));
}

#[test]
fn errors_have_their_positions() {
    for (query, position, code, description) in [
        (
            json!({"if": "yes", "then": 1, "else": 2}),
            json!(["if"]),
            "invalid argument",
            "Boolean expected, String provided.",
        ),
        (
            json!({"add": [{"let": {"a": {"foo": 1}}, "in": {"var": "b"}}]}),
            json!(["add", 0, "let", "a"]),
            "invalid expression",
            "No form/function found, or invalid argument keys: { foo }.",
        ),
        (
            json!({"map": {"lambda": "x", "expr": {"add": [{"var": "x"}, "a"]}}, "collection": [1]}),
            json!(["map", "expr", "add", 1]),
            "invalid argument",
            "Number expected, String provided.",
        ),
        (
            json!({"map": {"lambda": ["a", "b"], "expr": 1}, "collection": [[1]]}),
            json!(["map", "lambda"]),
            "invalid argument",
            "Lambda expects an array with 2 elements. Array contains 1.",
        ),
        (
            json!({"filter": {"lambda": "x", "expr": {"var": "x"}}, "collection": [true, 1]}),
            json!([1]),
            "invalid argument",
            "Boolean expected, Integer provided.",
        ),
        (
            json!({"lambda": "x", "expr": 1}),
            json!([]),
            "invalid expression",
            "No form/function found, or invalid argument keys: { lambda, expr }.",
        ),
        (
            json!({"@obj": {"a": 1}}),
            json!(["@obj"]),
            "invalid expression",
            "No form/function found, or invalid argument keys: { a }.",
        ),
        (
            json!({"@ref": {"id": "x"}}),
            json!(["id"]),
            "invalid expression",
            "Valid native collection name expected, 'x' provided.",
        ),
        (
            json!({"@query": {"lambda": "x", "expr": {"var": "y"}}}),
            json!([]),
            "invalid expression",
            "Invalid lambda.",
        ),
        (
            json!({"ngram": "abc", "min": 0, "max": 3}),
            json!([]),
            "invalid argument",
            "min ngram size must be > 0 and <= max",
        ),
    ] {
        let expected = (position, code.to_string(), description.to_string());
        assert_eq!(error(query.clone()), expected, "{query}");
    }
    let errors = run(json!({"add": ["a", 1, null]})).expect_err("errors");
    assert_eq!(errors[1]["position"], json!(["add", 2]));
}

#[test]
fn captured_values_are_folded_into_the_body() {
    let query = json!({
        "let": [{"o": {"object": {"a": [1], "b": {"object": {"@obj": {"@ref": 1}}}}}}, {"unused": 2}],
        "in": {"query": {"lambda": ["x", "_"], "expr": {"let": [{"y": {"var": "o"}}], "in": [{"var": "x"}, {"var": "y"}]}}}
    });
    let shown = json!({"@query": {
        "api_version": "4",
        "lambda": ["x", "_"],
        "expr": {
            "let": {"o": {"object": {"a": [1], "b": {"object": {"@obj": {"@ref": 1}}}}}},
            "in": {"let": {"y": {"var": "o"}}, "in": [{"var": "x"}, {"var": "y"}]}
        }
    }});
    assert_eq!(run(query), Ok(shown.clone()));
    // What is shown reads back as the same.
    assert_eq!(run(shown.clone()), Ok(shown));
}

#[test]
fn versions_of_old() {
    let both = json!({"or": [true, {"abort": "no"}]});
    assert_eq!(run(both.clone()), Ok(json!(true)));
    assert!(run_as(ApiVersion::V212, &both).is_err());
    let eager = json!({"select": "a", "from": {"object": {"a": 1}}, "default": {"abort": "no"}});
    assert_eq!(run(eager.clone()), Ok(json!(1)));
    assert!(run_as(ApiVersion::V21, &eager).is_err());
    let reference = json!({"@ref": "classes/x/1"});
    assert_eq!(
        run_as(ApiVersion::V20, &reference),
        Ok(json!({"@ref": "classes/x/1"}))
    );
    assert_eq!(
        run_as(ApiVersion::V21, &reference),
        Ok(
            json!({"@ref": {"id": "1", "class": {"@ref": {"id": "x", "class": {"@ref": {"id": "classes"}}}}}})
        )
    );
    let errors = run_as(ApiVersion::V21, &json!({"get": reference})).expect_err("an error");
    assert_eq!(
        errors[0]["description"],
        "Ref refers to undefined class 'x'"
    );
}

#[test]
fn calls_within_calls_are_counted() {
    // Each level applies a lambda: 199 are fine, 201 are too many.
    let levels = |depth| {
        let wrap = |inner| json!({"foreach": {"lambda": "_", "expr": inner}, "collection": [0]});
        run(nested(depth, wrap, json!(1)))
    };
    assert!(levels(200).is_ok());
    let errors = levels(201).expect_err("too deep");
    assert_eq!(errors[0]["code"], "stack overflow");
}

#[test]
fn deep_queries_are_read_and_refused() {
    let deep = "[".repeat(999) + &"]".repeat(999);
    assert!(Json::parse(deep.as_bytes()).is_ok());
    let deeper = "[".repeat(100_000);
    assert!(Json::parse(deeper.as_bytes()).is_err());
    let not = format!("{}true{}", "{\"not\":".repeat(900), "}".repeat(900));
    let engine = Engine::memory().expect("an engine");
    let request = LegacyRequest::new(Json::parse(not.as_bytes()).expect("JSON"));
    assert_eq!(
        engine.root().query_legacy(&request).result.ok().as_deref(),
        Some("true")
    );
}

#[test]
fn values_may_nest_deeply() {
    // Each step wraps what there is once more: deeper than any native stack.
    let items: Vec<i32> = (0..20_000).collect();
    let wrapped = json!({"reduce": {"lambda": ["a", "x"], "expr": [{"var": "a"}]}, "initial": [], "collection": items});
    let twice = json!({"let": {"a": wrapped}, "in": {"equals": [{"var": "a"}, {"prepend": [], "collection": {"var": "a"}}]}});
    assert_eq!(run(twice), Ok(json!(true)));
}

#[test]
fn doubling_ends() {
    let rounds: Vec<i32> = (0..60).collect();
    let array = json!({"count": {"reduce": {"lambda": ["a", "x"], "expr": {"append": {"var": "a"}, "collection": {"var": "a"}}}, "initial": [1], "collection": rounds}});
    assert_eq!(error(array).1, "bad request");
    let tree = json!({"reduce": {"lambda": ["a", "x"], "expr": [{"var": "a"}, {"var": "a"}]}, "initial": 1, "collection": rounds});
    assert_eq!(error(tree).1, "bad request");
    let text = json!({"length": {"reduce": {"lambda": ["a", "x"], "expr": {"concat": [{"var": "a"}, {"var": "a"}]}}, "initial": "ab", "collection": rounds}});
    assert_eq!(error(text).1, "bad request");
    let wide = json!({"format": "%2000000000d", "values": 1});
    assert_eq!(error(wide).1, "bad request");
}

#[test]
fn regular_expressions_replace_groups() {
    for (replacement, expected) in [
        ("<$1>", Some("<a>-<b>-")),
        ("\\$$0", Some("$a1-$b2-")),
        ("$2$10", Some("1a0-2b0-")),
        ("${n}", None),
        ("$3", None),
        ("$", None),
    ] {
        let query = json!({"replacestrregex": "a1-b2-", "pattern": "([a-z])([0-9])", "replace": replacement});
        assert_eq!(
            run(query).ok(),
            expected.map(|text| json!(text)),
            "{replacement}"
        );
    }
    let found = json!({"findstrregex": "a😀b😀", "pattern": "😀", "start": 1});
    assert_eq!(
        run(found),
        Ok(json!([{"start": 1, "end": 2, "data": "😀"}, {"start": 3, "end": 4, "data": "😀"}]))
    );
}

#[test]
fn numbers_are_read_as_the_format_of_the_united_states() {
    for (text, expected) in [
        ("1,234", Some(json!(1234))),
        ("3.0", Some(json!(3))),
        ("1.5E1x", Some(json!(15))),
        (" -2.5 ", Some(json!(-2.5))),
        (".5", Some(json!(0.5))),
        ("9223372036854775807", Some(json!(i64::MAX))),
        ("-9223372036854775808", Some(json!(i64::MIN))),
        ("9223372036854775808", Some(json!(9.223372036854776e18))),
        ("12abc", Some(json!(12))),
        ("+5", None),
        ("abc", None),
        ("", None),
        ("E5", None),
    ] {
        assert_eq!(run(json!({"to_number": text})).ok(), expected, "{text}");
    }
}

#[test]
fn words_are_title_cased() {
    for (text, expected) in [
        ("bob's BIG day", "Bob's Big Day"),
        ("élan vital", "Élan Vital"),
    ] {
        assert_eq!(run(json!({"titlecase": text})), Ok(json!(expected)));
    }
}

/// Queries made of any forms with any arguments.
mod any_query {
    use super::*;
    use crate::fql4::forms::{self, Cast, Form, Run};
    use proptest::prelude::*;

    fn leaf() -> impl Strategy<Value = Value> {
        const TEXTS: &[&str] = &[
            "",
            "a",
            "x",
            "é😀z",
            "ﬁ",
            "%5.2f %t %s",
            "%1$-9s%%%n",
            "2020-02-30",
            "2024-02-29T10:20:30Z",
            "now",
            "(",
            "a*",
            "\\b",
            "$1",
            "days",
            "half day",
            "NFKD",
            "create",
            "-1,234.5E2",
            "∞",
            "classes/x/1",
            "data",
        ];
        prop_oneof![
            Just(json!(null)),
            any::<bool>().prop_map(|flag| json!(flag)),
            (-3i64..70).prop_map(|n| json!(n)),
            any::<i64>().prop_map(|n| json!(n)),
            any::<f64>().prop_map(|x| json!(x)),
            (-9.0..9.0).prop_map(|x: f64| json!(x)),
            prop::sample::select(TEXTS).prop_map(|text| json!(text)),
            Just(json!({"var": "x"})),
            Just(json!({"now": null})),
            Just(json!({"date": "2020-01-31"})),
            Just(json!({"collections": null})),
            Just(json!({"collection": "none"})),
            Just(json!({"paginate": {"collections": null}})),
            Just(json!({"@bytes": "AQI="})),
            Just(json!({"@query": {"lambda": "x", "expr": {"var": "x"}}})),
        ]
    }

    fn call(form: &'static Form, arguments: Vec<Value>, left_out: u8) -> Value {
        let mut query = serde_json::Map::new();
        for (i, (key, argument)) in form.keys.iter().zip(arguments).enumerate() {
            if key.optional && left_out >> (i % 8) & 1 == 1 {
                continue;
            }
            let argument = match key.cast {
                Cast::Lambda => {
                    json!({"lambda": if left_out & 1 == 1 { json!("x") } else { json!(["x", "y"]) }, "expr": argument})
                }
                _ => argument,
            };
            query.insert(key.name.to_string(), argument);
        }
        Value::Object(query)
    }

    fn query() -> impl Strategy<Value = Value> {
        leaf().prop_recursive(4, 40, 5, |inner| {
            // The other forms are nodes of their own, whose parts must be of a kind.
            let forms = forms::all().filter(|form| matches!(form.run, Run::Function(_)));
            let forms: Vec<&'static Form> = forms.collect();
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(|items| json!(items)),
                prop::collection::vec(inner.clone(), 0..3).prop_map(|values| {
                    let fields = ["a", "@b", "data"].into_iter().zip(values);
                    json!({"object": fields.map(|(key, value)| (key.to_string(), value)).collect::<serde_json::Map<_, _>>()})
                }),
                (
                    prop::sample::select(forms),
                    prop::collection::vec(inner, 7),
                    any::<u8>()
                )
                    .prop_map(|(form, arguments, left_out)| call(form, arguments, left_out)),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn is_answered(query in query()) {
            let bound = json!({"let": [{"x": [1, "two", 3.5]}, {"y": 0}], "in": query});
            for version in [ApiVersion::V4, ApiVersion::V20] {
                let answer = run_as(version, &bound);
                if let Err(errors) = answer {
                    prop_assert!(!errors[0]["description"].as_str().unwrap_or_default().is_empty());
                }
            }
        }
    }
}
