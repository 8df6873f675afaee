//! Streams of events: what followers are told of writes, live and replayed, by whose authority, and at what cost
//! (`spec http-api 6`, `spec fql10-data 9`).

use fql::engine::{Engine, Request, Session, Start, StreamEvent, Subscription};
use fql::value::format::Format;
use serde_json::{Value as Json, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A scene: what is there, what is followed, what is written, what is told.
struct Scene {
    setup: &'static [&'static str],
    source: &'static str,
    writes: &'static [&'static str],
    told: &'static [(&'static str, &'static str)],
}

fn run(session: &Session, text: &str) -> Json {
    let outcome = session.query(&Request::text(text));
    let value = outcome.result.unwrap_or_else(|error| {
        panic!(
            "{text}: {} {}\n{}",
            error.code, error.message, outcome.summary
        )
    });
    serde_json::from_str(&value.to_text(Format::Simple)).expect("JSON")
}

/// So many events, in time.
fn heard(subscription: &mut Subscription, count: usize) -> Vec<StreamEvent> {
    let (mut events, started) = (Vec::new(), Instant::now());
    while events.len() < count && started.elapsed() < Duration::from_secs(20) {
        if subscription.is_due() {
            events.extend(subscription.events());
        } else if subscription.has_ended() {
            break;
        } else {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
    events
}

/// Kind and data, without what differs from run to run.
fn shown(event: &StreamEvent) -> (String, String) {
    match event {
        StreamEvent::Status { .. } => ("status".into(), String::new()),
        StreamEvent::Change { event, .. } => {
            let text = event.data.to_text(Format::Simple);
            let mut json: Json = serde_json::from_str(&text).expect("JSON");
            if let Json::Object(fields) = &mut json {
                fields.shift_remove("id");
                fields.shift_remove("coll");
                fields.shift_remove("ts");
            }
            (event.kind.name().into(), json.to_string())
        }
        StreamEvent::Error { error, .. } => (error.code.into(), String::new()),
    }
}

/// Plays a scene with the follower there from the beginning, or coming when all is over.
fn play(scene: &Scene, live: bool) -> Vec<StreamEvent> {
    let root = Engine::memory().expect("an engine").root();
    run(
        &root,
        "Collection.create({ name: 'Pot', indexes: { byN: { terms: [{ field: '.n' }], values: [{ field: '.m' }] }, manyM: { values: [{ field: '.m', mva: true }] } } })
         Collection.create({ name: 'Cup' })",
    );
    for text in scene.setup {
        run(&root, text);
    }
    let token = run(&root, scene.source);
    let token = token.as_str().expect("a token");
    let write = || {
        for text in scene.writes {
            run(&root, text);
        }
    };
    if !live {
        write();
    }
    let mut subscription = root.subscribe(token, Start::Source).expect("followed");
    let mut events = Vec::new();
    if live {
        events = heard(&mut subscription, 1);
        write();
    }
    let left = scene.told.len() + 1 - events.len();
    events.extend(heard(&mut subscription, left));
    events
}

const POT: &str = "Pot.create({ id: ID(1), n: 42, m: 0 })";

const SCENES: &[Scene] = &[
    Scene {
        setup: &[],
        source: "Pot.all().eventSource()",
        writes: &[
            "Pot.create({ a: 'x' })",
            "Pot.all().first()!.update({ a: 'y' })",
            "Pot.all().first()!.delete()",
        ],
        told: &[
            ("add", r#"{"a":"x"}"#),
            ("update", r#"{"a":"y"}"#),
            ("remove", r#"{"a":"y"}"#),
        ],
    },
    Scene {
        setup: &[POT],
        source: "Set.single(Pot.byId(1)!).eventSource()",
        writes: &[
            "Pot.byId(1)!.update({ m: 1 })",
            "Pot.create({})",
            "Pot.byId(1)!.delete()",
        ],
        told: &[
            ("update", r#"{"n":42,"m":1}"#),
            ("remove", r#"{"n":42,"m":1}"#),
        ],
    },
    Scene {
        setup: &[],
        source: "Pot.byN(42).eventSource()",
        writes: &[
            "Pot.create({ id: ID(1), n: 42, m: 0 })",
            "Pot.byId(1)!.update({ m: 1 })",
            "Pot.byId(1)!.update({ n: 44 })",
            "Pot.byId(1)!.update({ m: 2 })",
            "Pot.byId(1)!.update({ n: 42 })",
            "Pot.byId(1)!.update({ x: 0 })",
            "Pot.byId(1)!.delete()",
        ],
        told: &[
            ("add", r#"{"n":42,"m":0}"#),
            ("update", r#"{"n":42,"m":1}"#),
            ("remove", r#"{"n":42,"m":1}"#),
            ("add", r#"{"n":42,"m":2}"#),
            ("remove", r#"{"n":42,"m":2,"x":0}"#),
        ],
    },
    Scene {
        setup: &[],
        source: "Pot.where(.n >= 1).where(.n <= 3).eventSource()",
        writes: &[
            "Pot.create({ id: ID(1), n: 0 })",
            "Pot.byId(1)!.update({ n: 1 })",
            "Pot.byId(1)!.update({ n: 2 })",
            "Pot.byId(1)!.update({ n: 3 })",
            "Pot.byId(1)!.update({ n: 4 })",
            "Pot.byId(1)!.delete()",
        ],
        told: &[
            ("add", r#"{"n":1}"#),
            ("update", r#"{"n":2}"#),
            ("update", r#"{"n":3}"#),
            ("remove", r#"{"n":3}"#),
        ],
    },
    Scene {
        setup: &[],
        source: "Pot.all().map(.n).where(n => n >= 1).where(n => n <= 2).eventSource()",
        writes: &[
            "Pot.create({ id: ID(1), n: 0 })",
            "Pot.byId(1)!.update({ n: 1 })",
            "Pot.byId(1)!.update({ n: 2 })",
            "Pot.byId(1)!.update({ n: 3 })",
        ],
        told: &[("add", "1"), ("update", "2"), ("remove", "2")],
    },
    Scene {
        setup: &[],
        source: "Pot.all().eventsOn(.a)",
        writes: &[
            "Pot.create({ id: ID(1), a: 1 })",
            "Pot.byId(1)!.update({ a: 1 })",
            "Pot.byId(1)!.update({ b: 1 })",
            "Pot.byId(1)!.update({ a: 2 })",
            "Pot.byId(1)!.delete()",
        ],
        told: &[
            ("add", r#"{"a":1}"#),
            ("update", r#"{"a":2,"b":1}"#),
            ("remove", r#"{"a":2,"b":1}"#),
        ],
    },
    // Changes of one document in one transaction are one event, of what was there before it.
    Scene {
        setup: &[POT],
        source: "Pot.all().eventSource()",
        writes: &["let pot = Pot.byId(1)!\npot.update({ m: 43 })\npot.delete()"],
        told: &[("remove", r#"{"n":42,"m":0}"#)],
    },
    Scene {
        setup: &[POT],
        source: "Pot.byN(42).eventSource() { m }",
        writes: &["let pot = Pot.byId(1)!\npot.update({ m: 43 })\npot.delete()"],
        told: &[("remove", r#"{"m":0}"#)],
    },
    Scene {
        setup: &["[1, 2, 3].forEach(i => Pot.create({ id: ID(i), n: 42, m: i }))"],
        source: "Pot.all().eventSource() { m }",
        writes: &["[1, 2, 3].forEach(i => Pot.byId(ID(i))!.update({ m: 40 + i }))"],
        told: &[
            ("update", r#"{"m":41}"#),
            ("update", r#"{"m":42}"#),
            ("update", r#"{"m":43}"#),
        ],
    },
    Scene {
        setup: &["[1, 2, 3].forEach(i => Pot.create({ id: ID(i), n: 42, m: i }))"],
        source: "Pot.byN(42).eventSource() { m }",
        writes: &["[1, 2, 3].forEach(i => Pot.byId(ID(i))!.update({ m: 40 + i }))"],
        told: &[
            ("update", r#"{"m":41}"#),
            ("update", r#"{"m":42}"#),
            ("update", r#"{"m":43}"#),
        ],
    },
    // Documents that are referred to are read as of the event.
    Scene {
        setup: &[],
        source: "Pot.all().map(pot => pot.cup.n).eventSource()",
        writes: &[
            "Pot.create({ id: ID(1), cup: Cup.create({ id: ID(2), n: 0 }) })",
            "Pot.byId(1)!.update({ a: 1 })",
            "Cup.byId(2)!.update({ n: 'hi' })",
            "Pot.byId(1)!.update({ a: 2 })",
        ],
        told: &[("add", "0"), ("update", "0"), ("update", "\"hi\"")],
    },
    Scene {
        setup: &[],
        source: "Pot.all().map(pot => Pot.all().map(.a)).eventSource()",
        writes: &[
            "Pot.create({ id: ID(1), a: 'x' })",
            "Pot.byId(1)!.update({ a: 'y' })",
            "Pot.create({ id: ID(2), a: 'z' })",
        ],
        told: &[
            ("add", r#"{"data":["x"]}"#),
            ("update", r#"{"data":["y"]}"#),
            ("add", r#"{"data":["y","z"]}"#),
        ],
    },
    // Failures end the stream.
    Scene {
        setup: &[],
        source: "Pot.all().map(pot => pot.a.b).eventSource()",
        writes: &[
            "Pot.create({ a: { b: 'hi' } })",
            "Pot.create({})",
            "Pot.create({ a: { b: 'lost' } })",
        ],
        told: &[("add", "\"hi\""), ("invalid_null_access", "")],
    },
    Scene {
        setup: &[],
        source: "Pot.all().map(pot => abort('no')).eventSource()",
        writes: &["Pot.create({})"],
        told: &[("abort", "")],
    },
    Scene {
        setup: &[],
        source: "Pot.all().map(pot => { Cup.create({})\npot }).eventSource()",
        writes: &["Pot.create({})"],
        told: &[("invalid_effect", "")],
    },
];

#[test]
fn followers_are_told_the_same_live_and_replayed() {
    for scene in SCENES {
        for live in [true, false] {
            let events: Vec<_> = play(scene, live).iter().map(shown).collect();
            let events: Vec<_> = events
                .iter()
                .map(|(kind, data)| (kind.as_str(), data.as_str()))
                .collect();
            let told: Vec<_> = [("status", "")].iter().chain(scene.told).copied().collect();
            assert_eq!(events, told, "{} live: {live}", scene.source);
        }
    }
}

/// A key of a role that reads pots by a predicate.
fn reader(engine: &Arc<Engine>, predicate: &str) -> Session {
    let root = engine.root();
    run(
        &root,
        &format!(
            "Role.create({{ name: 'reader', privileges: [{{ resource: 'Pot', actions: {{ read: '{predicate}' }} }}] }})"
        ),
    );
    let secret = run(&root, "Key.create({ role: 'reader' }).secret");
    engine.with_secret(secret.as_str().expect("a secret"))
}

#[test]
fn followers_are_told_what_they_may_read() {
    for live in [true, false] {
        let engine = Engine::memory().expect("an engine");
        let root = engine.root();
        run(&root, "Collection.create({ name: 'Pot' })");
        run(&root, "Pot.create({ id: ID(1), name: 'hi' })");
        let reader = reader(&engine, "pot => pot?.name == \"hi\"");
        let token = run(&reader, "Pot.all().eventSource()");
        let token = token.as_str().expect("a token");
        let mut before = live.then(|| reader.subscribe(token, Start::Source).expect("followed"));
        let mut events = before
            .iter_mut()
            .flat_map(|s| heard(s, 1))
            .collect::<Vec<_>>();
        for text in [
            "Pot.byId(1)!.update({ a: 1 })",
            // No longer to be read: gone, as it was before.
            "Pot.byId(1)!.update({ name: 'bye' })",
            "Pot.byId(1)!.update({ a: 2 })",
            "Pot.create({ id: ID(2), name: 'bye' })",
            // Now to be read: there.
            "Pot.byId(2)!.update({ name: 'hi' })",
            "Pot.byId(2)!.delete()",
            "Pot.byId(1)!.delete()",
        ] {
            run(&root, text);
        }
        let mut subscription = match before {
            Some(subscription) => subscription,
            None => reader.subscribe(token, Start::Source).expect("followed"),
        };
        events.extend(heard(&mut subscription, if live { 4 } else { 5 }));
        let events: Vec<_> = events.iter().map(shown).collect();
        let wanted = [
            ("status", ""),
            ("update", r#"{"name":"hi","a":1}"#),
            ("remove", r#"{"name":"hi","a":1}"#),
            ("add", r#"{"name":"hi"}"#),
            ("remove", r#"{"name":"hi"}"#),
        ];
        let wanted = wanted.map(|(kind, data)| (kind.to_string(), data.to_string()));
        assert_eq!(events, wanted, "live: {live}");
    }
}

#[test]
fn who_may_not_read_gets_no_event_source() {
    let engine = Engine::memory().expect("an engine");
    let root = engine.root();
    run(
        &root,
        "Collection.create({ name: 'Pot', indexes: { byN: { terms: [{ field: '.n' }] } } })
         Role.create({ name: 'nobody' })",
    );
    run(&root, "Pot.create({ id: ID(1) })");
    let secret = run(&root, "Key.create({ role: 'nobody' }).secret");
    let nobody = engine.with_secret(secret.as_str().expect("a secret"));
    for (source, message) in [
        (
            "Pot.all().eventSource()",
            "Insufficient privileges to read from collection",
        ),
        (
            "Pot.byN(1).eventSource()",
            "Insufficient privileges to read from collection",
        ),
        (
            "Set.single(Pot.byId(1)).eventSource()",
            "Insufficient privileges to create a stream on the source document.",
        ),
    ] {
        let mut request = Request::text(source);
        request.typecheck = Some(false);
        let error = nobody.query(&request).result.expect_err(source);
        assert_eq!(error.code, "permission_denied", "{source}");
        assert!(
            error.message.starts_with(message),
            "{source}: {}",
            error.message
        );
    }
}

/// Reads and compute of the status and of each event.
fn costs(scene: &Scene, live: bool) -> Vec<(u64, u64)> {
    let events = play(scene, live);
    let costs = events.iter().map(|event| match event {
        StreamEvent::Status { stats, .. }
        | StreamEvent::Change { stats, .. }
        | StreamEvent::Error { stats, .. } => (stats.read_ops, stats.compute_ops),
    });
    costs.collect()
}

#[test]
fn events_tell_what_they_cost() {
    let two = Scene {
        setup: &[],
        source: "Pot.all().eventSource()",
        writes: &["Pot.create({})\nPot.create({})"],
        told: &[("add", ""), ("add", "")],
    };
    let document = Scene {
        setup: &[POT],
        source: "Set.single(Pot.byId(1)!).eventSource()",
        writes: &["Pot.byId(1)!.update({})"],
        told: &[("update", "")],
    };
    let heavy = Scene {
        setup: &[],
        source: "Pot.all().map(d => { Set.sequence(1, 50).map(i => i).paginate(50) }).eventSource()",
        writes: &["Pot.create({})"],
        told: &[("add", "")],
    };
    let heavy_update = Scene {
        setup: &[POT],
        source: "Set.single(Pot.byId(1)!).map(d => { Set.sequence(1, 25).map(i => i).paginate(50) }).eventSource()",
        writes: &["Pot.byId(1)!.update({})"],
        told: &[("update", "")],
    };
    let foreign = Scene {
        setup: &[],
        source: "Pot.all().map(.cup).eventSource()",
        writes: &[
            "let a = Cup.create({})\nlet b = Cup.create({})\nPot.create({ cup: a })\nPot.create({ cup: b })",
        ],
        told: &[("add", ""), ("add", "")],
    };
    let failing = Scene {
        setup: &[],
        source: "Pot.all().map(d => { d.cup }).map(.first.second).eventSource()",
        writes: &["Pot.create({ cup: Cup.create({}) })"],
        told: &[("invalid_null_access", "")],
    };
    for live in [true, false] {
        assert_eq!(costs(&two, live)[1..], [(1, 1), (1, 1)], "live: {live}");
        assert_eq!(costs(&document, live)[1..], [(0, 1)], "live: {live}");
        assert_eq!(costs(&heavy, live)[1].1, 2, "live: {live}");
        assert_eq!(costs(&heavy_update, live)[1].1, 2, "live: {live}");
        assert_eq!(costs(&foreign, live)[1..], [(2, 1), (2, 1)], "live: {live}");
        assert_eq!(costs(&failing, live)[1..], [(2, 1)], "live: {live}");
    }
    // Finding out what is to be replayed costs a read of each partition of the index that is followed.
    assert_eq!(costs(&two, false)[0], (8, 1));
    assert_eq!(costs(&document, false)[0], (1, 1));
    let index = Scene {
        setup: &[],
        source: "Pot.byN(1).eventSource()",
        writes: &["Pot.create({ n: 1 })"],
        told: &[("add", "")],
    };
    assert_eq!(costs(&index, false)[0], (1, 1));
}

#[test]
fn what_a_source_covers_costs_no_read() {
    let writes = &[
        "Pot.create({ id: 1, n: 1, m: 'a' })",
        "Pot.byId(1)!.update({ m: 'b' })",
        "Pot.byId(1)!.delete()",
    ];
    let told = &[("add", ""), ("update", ""), ("remove", "")];
    let reads = |source: &'static str, live| -> Vec<u64> {
        let scene = Scene {
            setup: &[],
            source,
            writes,
            told,
        };
        costs(&scene, live).iter().map(|cost| cost.0).collect()
    };
    for live in [true, false] {
        let reads = |source| reads(source, live);
        assert_eq!(reads("Pot.all().eventSource() { id }"), [8, 0, 0, 0]);
        assert_eq!(reads("Pot.all().eventSource()"), [8, 1, 1, 1]);
        assert_eq!(reads("Pot.byN(1).eventSource() { id, n, m }"), [1, 0, 0, 0]);
        assert_eq!(reads("Pot.byN(1).eventSource()"), [1, 1, 1, 1]);
        assert_eq!(reads("Pot.manyM().eventSource() { m }"), [8, 1, 1, 1]);
    }
    // A foreign document is read once for an event, however much of it is shown.
    let foreign = Scene {
        setup: &[POT, "Cup.create({ id: 1, size: 3 })"],
        source: "Set.single(Pot.byId(1)!).eventSource() { cup { data } }",
        writes: &[
            "Pot.byId(1)!.update({ cup: Cup.byId(1)! })",
            "Pot.byId(1)!.delete()",
        ],
        told: &[("update", ""), ("remove", "")],
    };
    for live in [true, false] {
        assert_eq!(costs(&foreign, live), [(1, 1), (1, 1), (1, 1)], "{live}");
    }
}

#[test]
fn events_of_an_index_are_in_the_order_of_what_came_or_went() {
    let scene = Scene {
        setup: &[
            "[[1, 0], [2, 1], [3, 2], [4, 12]].forEach(p => Pot.create({ id: p[0], n: 1, m: p[1] }))",
        ],
        source: "Pot.byN(1).eventSource() { m }",
        writes: &[
            "Pot.byId(4)!.delete()\nPot.byId(1)!.update({ m: 43 })\nPot.byId(2)!.update({ m: 44 })\nPot.byId(3)!.update({ m: 45 })",
        ],
        told: &[
            ("update", ""),
            ("update", ""),
            ("update", ""),
            ("remove", ""),
        ],
    };
    for live in [true, false] {
        let kinds: Vec<_> = play(&scene, live)[1..].iter().map(|e| shown(e).0).collect();
        assert_eq!(kinds, ["update", "update", "update", "remove"], "{live}");
    }
}

#[test]
fn leaving_an_index_is_told_to_who_watches_what_was_there() {
    let scene = Scene {
        setup: &["Pot.create({ id: 1, n: 1, m: 5 })"],
        source: "Pot.byN(1).eventsOn(.m) { m }",
        writes: &[
            "Pot.byId(1)!.update({ z: 1 })",
            "Pot.byId(1)!.update({ n: 2 })",
            // It comes back as it was: no watched field has changed.
            "Pot.byId(1)!.update({ n: 1 })",
            "Pot.byId(1)!.update({ m: 6 })",
        ],
        told: &[("remove", ""), ("update", "")],
    };
    for live in [true, false] {
        let told: Vec<_> = play(&scene, live)[1..].iter().map(shown).collect();
        let expected = [("remove", r#"{"m":5}"#), ("update", r#"{"m":6}"#)];
        let expected: Vec<_> = expected.map(|(a, b)| (a.to_string(), b.to_string())).into();
        assert_eq!(told, expected, "{live}");
    }
}

#[test]
fn a_page_tells_whether_there_is_more_and_what_it_cost() {
    let root = Engine::memory().expect("an engine").root();
    run(&root, "Collection.create({ name: 'Pot' })");
    let source = |text: &str| {
        let token = run(&root, text);
        token.as_str().expect("a token").to_string()
    };
    let all = source("Pot.all().eventSource()");
    let failing = source("Pot.all().map(p => if (p.n == 1) abort('oops') else p.n).eventSource()");
    let small = source("Pot.all().where(.n < 1).eventSource()");
    for n in 0..3 {
        run(&root, &format!("Pot.create({{ n: {n} }})"));
    }
    let page = |token: &str, start, page_size| {
        root.feed(&fql::engine::FeedRequest {
            token: token.to_string(),
            start,
            page_size,
            timeout: None,
            cancel: None,
        })
        .expect("a page")
    };
    let kinds = |page: &fql::engine::FeedPage| -> Vec<String> {
        page.events.iter().map(|event| shown(event).0).collect()
    };
    let whole = page(&all, Start::Source, 16);
    assert_eq!((kinds(&whole).len(), whole.has_next), (3, false));
    // One read of each of eight partitions, and three documents.
    assert_eq!(whole.stats.read_ops, 8 + 3);
    assert!(!page(&all, Start::Source, 3).has_next);
    // A failure ends the page, not the feed.
    let first = page(&failing, Start::Source, 16);
    assert_eq!(kinds(&first), ["add", "abort"]);
    assert!(first.has_next);
    let second = page(&failing, Start::Cursor(first.cursor), 16);
    assert_eq!(
        (kinds(&second), second.has_next),
        (vec!["add".to_string()], false)
    );
    // What is left may come to nothing.
    let full = page(&small, Start::Source, 1);
    assert_eq!((kinds(&full).len(), full.has_next), (1, true));
    let rest = page(&small, Start::Cursor(full.cursor), 1);
    assert_eq!((kinds(&rest).len(), rest.has_next), (0, false));
}

#[test]
fn a_stream_goes_on_where_a_feed_stopped() {
    let root = Engine::memory().expect("an engine").root();
    run(&root, "Collection.create({ name: 'Pot' })");
    run(&root, "Pot.create({ n: 1 })");
    let token = run(&root, "Pot.all().eventSource()");
    let token = token.as_str().expect("a token");
    let page = root
        .feed(&fql::engine::FeedRequest {
            token: token.to_string(),
            start: Start::At(fql::store::TxnTime(
                root.engine().model().now().0 - 300_000_000,
            )),
            page_size: 16,
            timeout: None,
            cancel: None,
        })
        .expect("a page");
    let shown_page: Vec<_> = page.events.iter().map(shown).collect();
    assert_eq!(
        shown_page,
        [("add".to_string(), json!({ "n": 1 }).to_string())]
    );
    let mut subscription = root
        .subscribe(token, Start::Cursor(page.cursor))
        .expect("followed");
    run(&root, "Pot.create({ n: 2 })");
    let events: Vec<_> = heard(&mut subscription, 2).iter().map(shown).collect();
    assert_eq!(
        events[1],
        ("add".to_string(), json!({ "n": 2 }).to_string())
    );
}

/// A stream keeps the rights it began with, and ends when what they rest on changes.
#[test]
fn a_stream_ends_when_its_authority_changes() {
    let engine = Engine::memory().expect("an engine");
    let root = engine.root();
    run(
        &root,
        "Collection.create({name: 'Note'})
         Collection.create({name: 'User'})
         Role.create({name: 'reader', membership: {resource: 'User', predicate: 'user => user.member'}, privileges: {resource: 'Note', actions: {read: true}}})",
    );
    run(&root, "User.create({id: '1', member: true})");
    let key = run(&root, "Key.create({role: 'admin'}) { id, secret }");
    let by_role = run(&root, "Key.create({role: 'reader'}) { id, secret }");
    let token = run(
        &root,
        "Token.create({document: User.byId('1')!}) { id, secret }",
    );
    let text = |json: &Json, field: &str| json[field].as_str().expect("text").to_string();
    let source = run(&root, "Note.all().eventSource()");
    let source = source.as_str().expect("a token");
    let follow = |secret: &Json| {
        let session = engine.with_secret(&text(secret, "secret"));
        let mut stream = session.subscribe(source, Start::Source).expect("a stream");
        heard(&mut stream, 1);
        stream
    };
    let mut streams = [&key, &by_role, &token].map(follow);
    let mut tell = |write: &str, expected: [&str; 3]| {
        run(&root, write);
        run(&root, "Note.create({})");
        for (stream, expected) in streams.iter_mut().zip(expected) {
            // A stream that has ended tells nothing more.
            let kinds: Vec<String> = heard(stream, 1).iter().map(|e| shown(e).0).collect();
            assert_eq!(kinds.join(" "), expected, "{write}");
        }
    };
    // What rights do not rest on does not matter: labels, and what the member has become since.
    tell(
        "User.byId('1')!.update({member: false})",
        ["add", "add", "add"],
    );
    let (key, token) = (text(&key, "id"), text(&token, "id"));
    tell(
        &format!(
            "Key.byId('{key}')!.update({{data: {{a: 1}}}}); Token.byId('{token}')!.update({{data: {{a: 1}}}})"
        ),
        ["add", "add", "add"],
    );
    tell(
        "Role.byName('reader')!.update({data: {a: 1}})",
        ["add", "add", "add"],
    );
    tell(
        &format!("Key.byId('{key}')!.update({{role: 'server'}})"),
        ["permission_loss", "add", "add"],
    );
    tell(
        "Role.byName('reader')!.update({privileges: {actions: {create: true}}})",
        ["", "permission_loss", "permission_loss"],
    );
}
