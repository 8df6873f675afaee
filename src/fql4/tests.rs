//! Queries through a session.

use super::read::Json;
use crate::engine::{Engine, LegacyRequest};
use serde_json::{Value, json};

/// The answer to a query in an empty database: the value, or the errors.
fn run(query: Value) -> Result<Value, Value> {
    let engine = Engine::memory().expect("an engine");
    let request = LegacyRequest::new(Json::from(&query));
    match engine.root().query_legacy(&request).result {
        Ok(text) => Ok(serde_json::from_str(&text).expect("JSON")),
        Err(failure) => Err(failure.entries().into()),
    }
}

/// The first error, as position, code and description.
fn error(query: Value) -> (Value, String, String) {
    let errors = run(query).expect_err("an error");
    let first = &errors[0];
    let text = |key: &str| first[key].as_str().unwrap_or_default().to_string();
    (first["position"].clone(), text("code"), text("description"))
}

#[test]
fn adds_and_binds() {
    assert_eq!(run(json!({"add": [1, 2]})), Ok(json!(3)));
    let query = json!({"let": [{"a": 1}, {"b": {"add": [{"var": "a"}, 0.5]}}], "in": {"object": {"@b": {"var": "b"}}}});
    assert_eq!(run(query), Ok(json!({"@obj": {"@b": 1.5}})));
}

#[test]
fn errors_have_their_positions() {
    assert_eq!(
        error(json!({"if": "yes", "then": 1, "else": 2})),
        (
            json!(["if"]),
            "invalid argument".to_string(),
            "Boolean expected, String provided.".to_string()
        )
    );
    assert_eq!(
        error(json!({"add": [{"let": {"a": {"foo": 1}}, "in": {"var": "b"}}]})),
        (
            json!(["add", 0, "let", "a"]),
            "invalid expression".to_string(),
            "No form/function found, or invalid argument keys: { foo }.".to_string()
        )
    );
    let errors = run(json!({"add": ["a", 1, null]})).expect_err("errors");
    assert_eq!(errors[1]["position"], json!(["add", 2]));
    assert_eq!(
        error(json!({"add": [1, {"var": "ghost"}]})).2,
        "Variable 'ghost' is not defined."
    );
}
