//! Sets over an in-memory database, by the laws they keep.

use super::super::{Failure, Interp, Options, Result};
use super::events::{EventBounds, EventPosition};
use crate::access::Principal;
use crate::engine::Engine;
use crate::fql::syntax::{Source, parse_query};
use crate::model::keys::ROOT;
use crate::model::native;
use crate::store::TxnTime;
use crate::value::rendered::{Contents, Rendered};
use crate::value::{CollId, DocId, Env, Object, Set, Value};
use proptest::prelude::*;
use std::sync::{Arc, OnceLock};

fn object(fields: &[(&str, Value)]) -> Arc<Object> {
    Arc::new(
        fields
            .iter()
            .map(|(name, value)| (*name, value.clone()))
            .collect(),
    )
}

fn struct_of(fields: &[(&str, Value)]) -> Value {
    Value::Object(object(fields))
}

fn fields(names: &[(&str, bool)]) -> Value {
    let field = |(name, descending): &(&str, bool)| {
        let order = if *descending { "desc" } else { "asc" };
        struct_of(&[
            ("field", Value::string(*name)),
            ("order", Value::string(order)),
        ])
    };
    Value::array(names.iter().map(field).collect())
}

fn commit(interp: Interp) -> TxnTime {
    let store = interp.txn.model().store().clone();
    store
        .commit(interp.txn.into_commit().expect("writes"))
        .expect("a commit")
}

fn open(engine: &Arc<Engine>, text: &str) -> Interp {
    let txn = engine.model().begin(ROOT).expect("a transaction");
    let options = Options {
        performance_hints: true,
        ..Options::default()
    };
    let principal = Arc::new(Principal::root(ROOT));
    Interp::new(
        txn,
        engine.library().clone(),
        principal,
        Source::query(text),
        Env::default(),
        options,
    )
}

/// Evaluates a text in a transaction of its own, which stays open.
fn eval(engine: &Arc<Engine>, text: &str) -> (Interp, Result) {
    let mut interp = open(engine, text);
    let block = parse_query(&Source::query(text)).expect("a query");
    let result = interp.run(&block);
    (interp, result)
}

fn set(engine: &Arc<Engine>, text: &str) -> (Interp, Arc<Set>) {
    match eval(engine, text) {
        (interp, Ok(Value::Set(set))) => (interp, set),
        (_, other) => panic!("{text}: {other:?}"),
    }
}

fn failure(engine: &Arc<Engine>, text: &str) -> Failure {
    match eval(engine, text) {
        (mut interp, Ok(value)) => interp.materialize(&value).expect_err(text),
        (_, Err(failure)) => failure,
    }
}

fn shown(engine: &Arc<Engine>, text: &str) -> String {
    let (mut interp, value) = eval(engine, text);
    let value = value.unwrap_or_else(|failure| panic!("{text}: {}", failure.message()));
    interp.debug(&value).expect("a text")
}

fn put(engine: &Arc<Engine>, coll: CollId, id: i64, fields: &[(&str, Value)]) -> TxnTime {
    let mut interp = open(engine, "");
    interp
        .txn
        .put(coll, DocId(id), object(fields), None)
        .expect("a write");
    commit(interp)
}

fn delete(engine: &Arc<Engine>, coll: CollId, id: i64) -> TxnTime {
    let mut interp = open(engine, "");
    interp.txn.delete(coll, DocId(id)).expect("a delete");
    commit(interp)
}

/// `Foo` with 40 documents `n` (0 to 9, each four times) and `s`, and indexes `byN` and `ofS`.
fn seeded() -> (Arc<Engine>, CollId) {
    let engine = Engine::memory().expect("an engine");
    let mut interp = open(&engine, "");
    let coll = interp.txn.new_collection_id().expect("an id");
    let by_n = struct_of(&[
        ("values", fields(&[(".n", false)])),
        ("queryable", Value::Bool(true)),
    ]);
    let of_s = struct_of(&[
        ("terms", fields(&[(".s", false)])),
        ("values", fields(&[(".n", true)])),
        ("queryable", Value::Bool(true)),
    ]);
    let definition = object(&[
        ("name", Value::string("Foo")),
        ("indexes", struct_of(&[("byN", by_n), ("ofS", of_s)])),
    ]);
    interp
        .txn
        .put(native::COLLECTION, DocId(coll.0 as i64), definition, None)
        .expect("a collection");
    commit(interp);
    let mut interp = open(&engine, "");
    for id in 0..40i64 {
        let data = object(&[
            ("n", Value::Int((id * 7 % 10) as i32)),
            ("s", Value::string(if id % 2 == 0 { "even" } else { "odd" })),
        ]);
        interp
            .txn
            .put(coll, DocId(id), data, None)
            .expect("a document");
    }
    commit(interp);
    (engine, coll)
}

/// One engine for all that only reads.
fn shared() -> &'static (Arc<Engine>, CollId) {
    static SHARED: OnceLock<(Arc<Engine>, CollId)> = OnceLock::new();
    SHARED.get_or_init(seeded)
}

fn text_of(interp: &mut Interp, values: Vec<Value>) -> String {
    interp.debug(&Value::array(values)).expect("a text")
}

fn source() -> impl Strategy<Value = String> {
    prop_oneof![
        (0..20).prop_map(|n| format!("Set.sequence(0, {n})")),
        Just("Foo.all().map(d => d.n)".to_string()),
        (0..45, 0..45).prop_map(|(a, b)| format!("Foo.all({{ from: {a}, to: {b} }}).map(.n)")),
        Just("Foo.byN().map(.n)".to_string()),
        (0..10).prop_map(|n| format!("Foo.byN({{ from: {n} }}).map(.n)")),
        Just("Foo.ofS(\"odd\").map(.n)".to_string()),
        (0..10).prop_map(|n| format!("Foo.ofS(\"even\", {{ to: {n} }}).map(.n)")),
        (0..5).prop_map(|n| format!("Set.single({n})")),
    ]
}

fn plan() -> impl Strategy<Value = String> {
    source().prop_recursive(4, 12, 2, |inner| {
        prop_oneof![
            (inner.clone(), 0..10).prop_map(|(s, n)| format!("{s}.where(x => x < {n})")),
            (inner.clone(), 0..3).prop_map(|(s, n)| format!("{s}.where(x => x != {n})")),
            inner.clone().prop_map(|s| format!("{s}.map(x => x - 1)")),
            inner
                .clone()
                .prop_map(|s| format!("{s}.flatMap(x => Set.sequence(0, x).take(3))")),
            inner
                .clone()
                .prop_map(|s| format!("{s}.take(5).flatMap(x => Foo.byN({{ to: 1 }}).map(.n))")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a}.concat({b})")),
            (inner.clone(), 0..20).prop_map(|(s, n)| format!("{s}.take({n})")),
            (inner.clone(), 0..20).prop_map(|(s, n)| format!("{s}.drop({n})")),
            inner.clone().prop_map(|s| format!("{s}.reverse()")),
            inner.clone().prop_map(|s| format!("{s}.order()")),
            inner
                .clone()
                .prop_map(|s| format!("{s}.order({{ desc: x => x }}, x => 0 - x)")),
            inner.clone().prop_map(|s| format!("{s}.distinct()")),
            inner.prop_map(|s| format!("{s}.pageSize(3)")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    /// Pages of any plan hold each element once and in order, whether one goes on with the cursor or with its text.
    #[test]
    fn pages_are_the_set(text in plan(), size in 1u32..9, as_text: bool) {
        let (engine, _) = shared();
        for text in [text.clone(), format!("{text}.reverse()")] {
            let (mut interp, set) = set(engine, &text);
            let whole = interp.set_to_vec(&set).expect("elements");
            let count = interp.set_count(&set).expect("a count");
            prop_assert_eq!(count, whole.len() as u64);
            let mut paged = Vec::new();
            let mut page = interp.paginate(&set, Some(size)).expect("a page");
            for _ in 0..2000 {
                let Value::Object(fields) = &page else { panic!("no page") };
                let Some(Value::Array(data)) = fields.get("data") else { panic!("no data") };
                prop_assert!(data.len() <= size as usize);
                paged.extend(data.iter().cloned());
                let Some(Value::Cursor(cursor)) = fields.get("after").cloned() else { break };
                prop_assert!(data.len() == size as usize, "only the last page is short");
                let cursor = if as_text {
                    let now = Some(interp.txn.time());
                    let token = interp.cursor_token(&cursor, now).expect("a token");
                    interp.cursor(&token).expect("a cursor")
                } else {
                    cursor
                };
                page = interp.paginate_at(&cursor, Some(size)).expect("the next page");
            }
            let (paged, whole) = (text_of(&mut interp, paged), text_of(&mut interp, whole));
            prop_assert_eq!(paged, whole, "{}", text);
        }
    }

    /// A set read backwards is the reverse of the set, but for the plans whose reverse is defined otherwise.
    #[test]
    fn backwards_is_the_reverse(text in plan()) {
        prop_assume!(!text.contains("distinct") && !text.contains("order"));
        let (engine, _) = shared();
        let (mut interp, forwards) = set(engine, &text);
        let mut elements = interp.set_to_vec(&forwards).expect("elements");
        elements.reverse();
        let backwards = interp.set_to_vec(&super::reversed(&forwards)).expect("elements");
        let (elements, backwards) = (text_of(&mut interp, elements), text_of(&mut interp, backwards));
        prop_assert_eq!(elements, backwards);
    }

    /// Nothing that comes in as a cursor, an event source or a position breaks anything.
    #[test]
    fn garbage_is_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in ".{0,40}") {
        use base64::Engine as _;
        let (engine, _) = shared();
        let mut interp = open(engine, "");
        let tokens = [base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&bytes), text];
        for token in tokens {
            prop_assert_eq!(interp.cursor(&token).expect_err("garbage").code(), "invalid_cursor");
            prop_assert!(interp.event_source(&token).is_none());
            prop_assert!(EventPosition::of(&token).is_none());
        }
    }

    /// Contents behind a right checksum may be anything: reading them ends, with a set or without.
    #[test]
    fn damaged_contents_end(text in plan(), at in any::<prop::sample::Index>(), byte: u8) {
        let (engine, _) = shared();
        let (mut interp, set) = set(engine, &text);
        let mut writer = super::codec::Writer::default();
        writer.set(&set).expect("an encoding");
        let at = at.index(writer.bytes.len());
        writer.bytes[at] = byte;
        let decoded = super::codec::Reader::new(&writer.bytes, &mut interp).set();
        if let Some(set) = decoded {
            // Sequences can be long now; evaluating a part of it must not break either.
            let _ = interp.paginate(&set, Some(3));
        }
    }
}

#[test]
fn steps_run_when_read_and_on_whole_fetches() {
    let (engine, _) = shared();
    assert_eq!(
        shown(engine, "Set.sequence(0, 9).map(x => x.nope.nope); 1"),
        "1"
    );
    // A filter looks at sixteen elements even when the first one is enough.
    let lower = "Set.sequence(0, 100).where(x => if (x == 15) null.nope else true).first()";
    assert_eq!(failure(engine, lower).code(), "invalid_null_access");
    assert_eq!(shown(engine, &lower.replace("15", "16")), "0");
}

#[test]
fn whole_sets_are_limited() {
    let (engine, _) = shared();
    for text in [
        "toArray()",
        "order().first()",
        "distinct().first()",
        "take(16001).reverse().first()",
    ] {
        let failure = failure(engine, &format!("Set.sequence(0, 16001).{text}"));
        let message = "Value too large: exceeded maximum number of elements (limit=16000).";
        assert_eq!(
            (failure.code(), failure.message()),
            ("value_too_large", message),
            "{text}"
        );
    }
    assert_eq!(shown(engine, "Set.sequence(0, 50000).count()"), "50000");
}

#[test]
fn deep_plans_neither_overflow_nor_leak() {
    let (engine, _) = shared();
    let text =
        "Set.sequence(0, 20000).fold(Set.sequence(0, 2), (set, x) => set.where(y => true)).count()";
    assert_eq!(shown(engine, text), "2");
    let text =
        "Set.sequence(0, 5000).fold(Set.single(0), (set, x) => set.concat(Set.single(x))).count()";
    assert_eq!(shown(engine, text), "5001");
}

#[test]
fn ranges_and_their_errors() {
    let (engine, _) = shared();
    assert_eq!(
        shown(engine, "Foo.byN({ from: 8, to: 8 }).map(.id).toArray()"),
        "[ID(\"4\"), ID(\"14\"), ID(\"24\"), ID(\"34\")]"
    );
    let shape = "should be an object contining `{ from }`, `{ to }`, or `{ from, to }` fields";
    for (text, reason) in [
        ("Foo.byN({})", shape),
        (
            "Foo.all({ from: \"x\" })",
            "The `from` field must be a document id.",
        ),
        (
            "Foo.byN({ to: Foo.all() })",
            "The `to` field should be either an indexable value or an array of values",
        ),
    ] {
        assert_eq!(
            failure(engine, text).message(),
            format!("invalid argument `range`: {reason}"),
            "{text}"
        );
    }
    let term = failure(engine, "Foo.ofS(Foo.all())");
    assert_eq!(
        term.message(),
        "invalid argument `term1`: Argument cannot be used as lookup term"
    );
    let arity = failure(engine, "Foo.ofS()");
    assert_eq!(
        arity.message(),
        "callee function expects 1 or 2 arguments, but 0 were provided."
    );
}

#[test]
fn cursors_go_on_as_of_their_time() {
    let (engine, coll) = seeded();
    let text = "let k = 3; Foo.where(d => d.n < k) { n, k: k, s }";
    let (mut interp, first) = set(&engine, text);
    let (_, after) = interp
        .page(&first, &super::Position::Begin, 2)
        .expect("a page");
    let now = Some(interp.txn.time());
    let token = interp
        .cursor_token(&after.expect("more"), now)
        .expect("a token");
    drop(interp);
    for id in 0..40 {
        put(
            &engine,
            coll,
            id,
            &[("n", Value::Int(0)), ("s", Value::string("changed"))],
        );
    }
    let text = format!("Set.paginate(\"{token}\", 100).data");
    let shown = shown(&engine, &text);
    assert!(!shown.contains("changed"), "{shown}");
    assert_eq!(shown.matches("k: 3").count(), 10, "{shown}");
    // Without a projection the elements are live references.
    let (mut interp, first) = set(&engine, "Foo.all()");
    let (_, after) = interp
        .page(&first, &super::Position::Begin, 39)
        .expect("a page");
    let now = Some(interp.txn.time());
    let token = interp
        .cursor_token(&after.expect("more"), now)
        .expect("a token");
    drop(interp);
    put(&engine, coll, 39, &[("n", Value::Int(77))]);
    assert_eq!(
        self::shown(&engine, &format!("Set.paginate(\"{token}\").data {{ n }}")),
        "[{ n: 77 }]"
    );
}

#[test]
fn own_writes_do_not_change_a_page_in_flight() {
    let (engine, coll) = seeded();
    let (mut interp, set) = set(&engine, "Foo.all()");
    let mut node =
        super::steps::Node::open(&mut interp, &set, &super::Position::Begin).expect("a node");
    let mut page = Vec::new();
    assert!(node.fetch(&mut interp, 10, &mut page).expect("a page"));
    // The element looked at ahead goes away; one appears behind it.
    interp.txn.delete(coll, DocId(10)).expect("a delete");
    interp
        .txn
        .put(coll, DocId(1000), object(&[]), None)
        .expect("a write");
    let mut rest = Vec::new();
    assert!(!node.fetch(&mut interp, 1000, &mut rest).expect("the rest"));
    let ids: Vec<String> = rest
        .iter()
        .map(|e| interp.debug(&e.value).expect("a text"))
        .collect();
    assert_eq!((page.len(), rest.len()), (10, 30), "{ids:?}");
}

#[test]
fn covered_fields_cost_no_document_read() {
    let (engine, _) = shared();
    let reads = |text: &str| {
        let (interp, result) = eval(engine, text);
        result.expect("a value");
        interp.txn.stats().read_ops
    };
    assert_eq!(reads("Foo.ofS(\"odd\").map(d => [d.n, d.s]).toArray()"), 1);
    assert_eq!(reads("Foo.ofS(\"odd\").map(.id).toArray()"), 1);
    assert!(reads("Foo.ofS(\"odd\").map(.ts).toArray()") > 20);
    // A scan reads each document once, however often its fields are asked for.
    assert_eq!(reads("Foo.all().where(d => d.n == d.n).count()"), 48);
}

#[test]
fn hints_say_what_is_read() {
    let (engine, _) = shared();
    let hints = |text: &str| -> Vec<String> {
        let (mut interp, result) = eval(engine, text);
        interp
            .materialize(&result.expect("a value"))
            .expect("a result");
        interp
            .log
            .iter()
            .map(|hint| {
                hint.message
                    .split(". See ")
                    .next()
                    .unwrap_or("")
                    .to_string()
            })
            .collect()
    };
    assert_eq!(
        hints("Foo.where(.n == 1).count()"),
        [
            "collection_scan - Using where() on collection Foo can cause a read of every document",
            "full_set_read - Using count() causes the full set to be read",
        ]
    );
    assert_eq!(hints("Foo.all().take(99).count()"), Vec::<String>::new());
    assert_eq!(
        hints("Foo.ofS(\"odd\") { n, ts }"),
        ["non_covered_document_read - .ts is not covered by the Foo.ofS index"]
    );
    assert_eq!(
        hints("Foo.ofS(\"odd\")"),
        ["non_covered_document_read - Full documents returned from Foo.ofS"]
    );
}

#[test]
fn explained() {
    let (engine, _) = shared();
    let (mut interp, set) = set(
        engine,
        "Foo.ofS(\"odd\", { from: 5 }).where(.n > 1).map(.s).take(3)",
    );
    let plan = interp.explain(&set).expect("a plan").to_string();
    let expected = "take 3\n  map .s\n    where .n > 1\n        evaluates the predicate for every element\n      \
                    Foo.ofS(\"odd\", { from: 5 })\n          reads a range of the entries with .s\n          \
                    ordered by .n desc, then id\n          .s, .n need no document read";
    assert_eq!(plan, expected);
}

#[test]
fn event_sources_are_refused_with_reasons() {
    let (engine, _) = shared();
    for (text, reason) in [
        (
            "Foo.all().reverse()",
            "streaming is not supported on sets that have been reversed.",
        ),
        (
            "Foo.byN({ from: 1 })",
            "range queries are not supported yet, use `.where()` method instead.",
        ),
        (
            "Set.single(1)",
            "streaming on `Set.single()` is only supported if its element is a document.",
        ),
        (
            "Foo.all().flatMap(d => Foo.all())",
            "streaming is not supported on `.flatMap()` sets.",
        ),
        (
            "Foo.all().flatMap(d => Foo.all()).reverse()",
            "streaming is not supported on `.flatMap()` sets.",
        ),
        (
            "Foo.all().concat(Foo.all())",
            "streaming is not supported on concatenated sets.",
        ),
        (
            "Foo.all().take(1)",
            "streaming is not supported on sets returned from `.take()`.",
        ),
        (
            "Foo.all().take(0)",
            "streaming is not supported on array sets.",
        ),
        (
            "Set.sequence(0, 1)",
            "streaming is not supported on sets created from `Set.sequence()`.",
        ),
        (
            "at (TransactionTime()) { Foo }.all().distinct()",
            "streaming is not supported on distinct sets.",
        ),
    ] {
        let text = text.replace("at (TransactionTime()) { Foo }", "Foo");
        let failure = failure(engine, &format!("{text}.eventSource()"));
        assert_eq!(
            failure.message(),
            format!("can't call `.eventSource()` because {reason}"),
            "{text}"
        );
    }
    let failure = |text| self::failure(engine, text).message().to_string();
    assert_eq!(
        failure("Foo.where(.n == 1).eventsOn(.n)"),
        "can't call `.changesOn()` because it was not called on the source set."
    );
    assert_eq!(
        failure("Foo.ofS(\"x\").eventsOn(.zip, .a[0], .n, .id)"),
        "invalid argument `fields`: `zip`, `a[0]` not covered by the `ofS` index."
    );
    assert_eq!(
        failure("Foo.all().eventsOn(x => x.n)"),
        "invalid argument `0`: invalid field path given"
    );
}

/// What happened, with the fields of the documents it happened to.
fn history(engine: &Arc<Engine>, token: &str) -> Vec<String> {
    let mut interp = open(engine, "");
    let source = interp.event_source(token).expect("a source");
    let since = EventPosition::after(source.since.expect("a time"));
    let bounds = EventBounds {
        until: interp.txn.snapshot_time(),
        events: 1000,
        entries: usize::MAX,
        patience: None,
    };
    let events = interp
        .events_between(&source, since, bounds)
        .expect("events");
    let mut texts: Vec<String> = (events.events.iter())
        .map(|event| {
            let data = match &event.data {
                Rendered::Doc(doc) => match &doc.contents {
                    Contents::Live(fields) => {
                        format!("{:?}", fields.iter().find(|f| &*f.0 == "n").map(|f| &f.1))
                    }
                    Contents::Missing(cause) => cause.text().to_string(),
                },
                other => format!("{other:?}"),
            };
            format!("{} {data}", event.kind.name())
        })
        .collect();
    texts.extend(events.failure.map(|failure| failure.code().to_string()));
    // Going on after each event gives the rest.
    for (n, event) in events.events.iter().enumerate() {
        let again = EventPosition::of(&event.position.token()).expect("a position");
        let rest = interp
            .events_between(&source, again, bounds)
            .expect("events");
        assert_eq!(rest.events.len(), events.events.len() - n - 1);
    }
    texts
}

#[test]
fn events_of_changes() {
    let (engine, coll) = seeded();
    let token = |text: &str| {
        let (mut interp, value) = eval(&engine, text);
        let Value::EventSource(source) = value.expect("a source") else {
            panic!("{text}")
        };
        let token = interp.event_source_token(&source).expect("a token");
        let now = interp.txn.time();
        super::token::stamped(&token, now).expect("a time")
    };
    let all = token("Foo.all().eventSource()");
    let odd = token("Foo.ofS(\"odd\").eventSource()");
    let small = token("let limit = 3; Foo.all().eventSource().where(d => d.n < limit).map(.n)");
    let watching = token("Foo.all().eventsOn(.s)");
    let failing = token("Foo.all().eventSource().map(d => d.n.nope.nope)");
    let n = |n: i32| ("n", Value::Int(n));
    let s = |text: &str| ("s", Value::string(text));
    put(&engine, coll, 100, &[n(1), s("odd")]);
    put(
        &engine,
        coll,
        100,
        &[n(1), s("odd"), ("other", Value::Int(1))],
    );
    put(&engine, coll, 100, &[n(5), s("odd")]);
    put(&engine, coll, 100, &[n(5), s("even")]);
    delete(&engine, coll, 100);
    let int = |kind: &str, n: i32| format!("{kind} Some(Int({n}))");
    let expected = vec![
        int("add", 1),
        int("update", 1),
        int("update", 5),
        int("update", 5),
        int("remove", 5),
    ];
    assert_eq!(history(&engine, &all), expected);
    // An index tells of changes to its entries only.
    assert_eq!(
        history(&engine, &odd),
        vec![int("add", 1), int("update", 5), int("remove", 5)]
    );
    assert_eq!(
        history(&engine, &small),
        vec!["add Int(1)", "update Int(1)", "remove Int(1)"]
    );
    assert_eq!(
        history(&engine, &watching),
        vec![int("add", 1), int("update", 5), int("remove", 5)]
    );
    assert_eq!(history(&engine, &failing), vec!["invalid_null_access"]);
}
