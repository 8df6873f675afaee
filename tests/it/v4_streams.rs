//! Streams of FQL v4: what is told of documents, collections and indexes (`spec http-api 9.5`).

use fql::engine::{Engine, LegacyRequest, LegacyStream, Session, StreamField};
use fql::fql4::read::Json as Wire;
use fql::fql4::text::to_wire;
use serde_json::{Value as Json, json};

fn request(text: &str) -> LegacyRequest {
    LegacyRequest::new(Wire::from(&to_wire(text).expect("a query")))
}

fn run(session: &Session, text: &str) -> Json {
    let outcome = session.query_legacy(&request(text));
    match outcome.result {
        Ok(text) => serde_json::from_str(&text).expect("JSON"),
        Err(failure) => panic!("{text}: {:?}", failure.entries()),
    }
}

fn follow(session: &Session, text: &str, fields: &[StreamField]) -> LegacyStream {
    let mut stream = session
        .stream_legacy(&request(text), fields)
        .unwrap_or_else(|failure| panic!("{text}: {:?}", failure.entries()));
    assert_eq!(kinds(&told(&mut stream)), ["start"]);
    stream
}

/// What is told until now.
fn told(stream: &mut LegacyStream) -> Vec<Json> {
    match stream.is_due() {
        true => stream.lines(),
        false => Vec::new(),
    }
    .iter()
    .map(|line| serde_json::from_str(line).expect("JSON"))
    .collect()
}

fn kinds(lines: &[Json]) -> Vec<&str> {
    let kinds = lines.iter();
    kinds
        .map(|line| line["type"].as_str().unwrap_or_default())
        .collect()
}

const ALL: [StreamField; 5] = [
    StreamField::Action,
    StreamField::Document,
    StreamField::Diff,
    StreamField::Prev,
    StreamField::Index,
];

fn database() -> (std::sync::Arc<Engine>, Session) {
    let engine = Engine::memory().expect("an engine");
    let root = engine.root();
    run(&root, "CreateCollection({ name: 'c' })");
    run(
        &root,
        "CreateIndex({ name: 'i', source: Collection('c'), terms: [{ field: ['data', 't'] }], values: [{ field: ['data', 'v'] }] })",
    );
    run(
        &root,
        "Create(Ref(Collection('c'), 1), { data: { t: 't', v: 1 } })",
    );
    (engine, root)
}

#[test]
fn a_document_is_told_with_what_changed() {
    let (_engine, root) = database();
    let mut stream = follow(&root, "Ref(Collection('c'), 1)", &ALL);
    let before = run(&root, "Get(Ref(Collection('c'), 1))");
    run(&root, "Create(Ref(Collection('c'), 2), {})");
    assert_eq!(told(&mut stream), Vec::<Json>::new());
    let after = run(&root, "Update(Ref(Collection('c'), 1), { data: { v: 2 } })");
    let lines = told(&mut stream);
    assert_eq!(kinds(&lines), ["version"]);
    assert_eq!(lines[0]["txn"], after["ts"]);
    let event = &lines[0]["event"];
    assert_eq!(event["action"], "update");
    assert_eq!(event["document"], after);
    assert_eq!(event["prev"], before);
    assert_eq!(event["diff"]["data"], json!({ "v": 2 }));
    run(
        &root,
        "Insert(Ref(Collection('c'), 1), TimeSubtract(Now(), 1, 'minute'), 'create', { data: { v: 0 } })",
    );
    let lines = told(&mut stream);
    assert_eq!(kinds(&lines), ["history_rewrite"]);
    assert_eq!(lines[0]["event"]["document"]["data"], json!({ "v": 0 }));
    run(&root, "Delete(Ref(Collection('c'), 1))");
    let lines = told(&mut stream);
    assert_eq!(lines[0]["event"]["action"], "delete");
    assert_eq!(lines[0]["event"]["document"]["data"], after["data"]);
}

#[test]
fn sets_are_told_by_their_entries() {
    let (_engine, root) = database();
    let mut entries = follow(&root, "Match('i', 't')", &ALL);
    let mut documents = follow(&root, "Documents(Collection('c'))", &StreamField::DEFAULTS);
    let actions = |stream: &mut LegacyStream| -> Vec<(String, Json)> {
        let lines = told(stream).into_iter();
        lines
            .map(|line| {
                assert_eq!(line["type"], "set");
                let event = &line["event"];
                (
                    event["action"].as_str().unwrap_or_default().to_string(),
                    event["index"]["values"].clone(),
                )
            })
            .collect()
    };
    run(&root, "Update(Ref(Collection('c'), 1), { data: { v: 2 } })");
    assert_eq!(
        actions(&mut entries),
        [
            ("remove".to_string(), json!([1])),
            ("add".to_string(), json!([2]))
        ]
    );
    assert_eq!(actions(&mut documents), []);
    run(
        &root,
        "Update(Ref(Collection('c'), 1), { data: { other: 2 } })",
    );
    assert_eq!(actions(&mut entries), []);
    run(
        &root,
        "Create(Collection('c'), { data: { t: 'elsewhere', v: 3 } })",
    );
    assert_eq!(actions(&mut entries), []);
    assert_eq!(actions(&mut documents), [("add".to_string(), Json::Null)]);
    run(&root, "Delete(Ref(Collection('c'), 1))");
    assert_eq!(actions(&mut entries), [("remove".to_string(), json!([2]))]);
    assert_eq!(
        actions(&mut documents),
        [("remove".to_string(), Json::Null)]
    );
}

#[test]
fn what_cannot_be_followed_is_told() {
    let (_engine, root) = database();
    let description = |text: &str| match root.stream_legacy(&request(text), &ALL) {
        Ok(_) => panic!("{text} is followed"),
        Err(failure) => failure.entries()[0]["description"].clone(),
    };
    for (text, kind) in [
        ("Collection('c')", "Collection Ref"),
        ("1", "Integer"),
        ("Union(Match('i', 't'))", "Set"),
        ("Documents(Collections())", "Set"),
    ] {
        let expected = format!("Expected a Document Ref or Version, or a Set Ref, got {kind}.");
        assert_eq!(description(text), expected, "{text}");
    }
    assert_eq!(
        description("Collection('no')"),
        "Ref refers to undefined collection 'no'"
    );
    assert_eq!(
        description("Create(Collection('c'), {})"),
        "Call performs a write, which is not allowed in stream requests."
    );
}

#[test]
fn a_stream_ends_with_its_key() {
    let (engine, root) = database();
    let key = run(&root, "CreateKey({ role: 'server' })");
    let secret = key["secret"].as_str().expect("a secret");
    let session = engine.with_secret(secret);
    let mut stream = follow(&session, "Ref(Collection('c'), 1)", &StreamField::DEFAULTS);
    run(
        &root,
        "Delete(Select('ref', KeyFromSecret('SECRET')))"
            .replace("SECRET", secret)
            .as_str(),
    );
    run(&root, "Update(Ref(Collection('c'), 1), { data: { v: 2 } })");
    let lines = told(&mut stream);
    assert_eq!(kinds(&lines), ["error"]);
    assert_eq!(
        lines[0]["event"],
        json!({"code": "permission denied", "description": "Authorization lost during stream evaluation."})
    );
    assert!(stream.has_ended());
}
