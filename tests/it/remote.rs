//! Sessions on a server: they complete, tell types and follow events as far as the protocol goes.

use fql::engine::{
    BuildState, Engine, EventError, Request, Session, Start, StreamEvent, Subscription,
};
use fql::server::Running;
use fql::value::format::Format;
use serde_json::{Value as Json, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

struct Served {
    engine: Arc<Engine>,
    server: Running,
}

fn served() -> Served {
    let engine = Engine::memory().expect("an engine");
    engine.add_root_secret("secret");
    let server = fql::server::start(engine.clone(), ([127, 0, 0, 1], 0).into());
    Served {
        engine,
        server: server.expect("a server"),
    }
}

impl Served {
    fn remote(&self, secret: &str) -> Session {
        let url = format!("http://{}", self.server.address());
        Session::connect(&url, secret).expect("a session")
    }

    fn run(&self, text: &str) -> String {
        let outcome = self.engine.root().query(&Request::text(text));
        outcome.result.expect(text).to_text(Format::Simple)
    }

    fn environment(&self, secret: &str) -> (u16, Json) {
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        let agent: ureq::Agent = config.build().into();
        let answer = agent
            .get(format!("http://{}/environment/1", self.server.address()))
            .header("authorization", format!("Bearer {secret}"))
            .call();
        let mut answer = answer.expect("an answer");
        let text = answer.body_mut().read_to_string().expect("a body");
        let json = serde_json::from_str(&text).expect("JSON");
        (answer.status().as_u16(), json)
    }
}

const AUTHOR: &str = "Collection.create({
  name: 'Author', alias: 'Writer',
  fields: { firstName: { signature: 'String' }, lastName: { signature: 'String' } },
  indexes: { byLastName: { terms: [{ field: 'lastName' }], values: [{ field: 'firstName' }] } }
})";

fn names(session: &Session, text: &str) -> Vec<String> {
    let found = session.type_at(&Request::text(text), text.len());
    let members = found.map(|at| at.members).unwrap_or_default();
    members.into_iter().map(|m| m.name.to_string()).collect()
}

#[test]
fn a_remote_session_completes_by_the_servers_environment() {
    let served = served();
    served.run(AUTHOR);
    served.run("Function.create({ name: 'Twice', body: '(x) => x + x', signature: '(x: Number) => Number' })");
    let (here, there) = (served.engine.root(), served.remote("secret"));
    for text in [
        "Author",
        "Author.all()",
        "Author.all().first()",
        "Author.byLastName('x').map(.firstName).first()!",
        "Writer.byId('1')!",
        "Author.create({ firstName: 'a', lastName: 'b' }).firstName",
        "Twice(1)",
        "'a'.split('b')",
    ] {
        let wanted = names(&here, text);
        assert!(!wanted.is_empty(), "{text}");
        let mut found = names(&there, text);
        let mut sorted = wanted.clone();
        sorted.sort();
        found.sort();
        assert_eq!(found, sorted, "{text}");
    }
    let outline = there.outline().expect("an outline");
    let author = outline.collections.iter().find(|c| &*c.name == "Author");
    let author = author.expect("the collection");
    let fields: Vec<&str> = author.fields.iter().map(|field| &*field.name).collect();
    assert_eq!(fields, ["firstName", "lastName"]);
    assert_eq!(&*author.indexes[0], "byLastName");
    assert!(outline.functions.iter().any(|name| &**name == "Twice"));
    // A key that may not ask has nothing to complete, and no error.
    let client = served.run("Key.create({ role: 'client' }).secret");
    let client = served.remote(client.trim_matches('"'));
    assert!(client.outline().expect("nothing").collections.is_empty());
}

#[test]
fn a_remote_session_tells_types_and_plans_without_running() {
    let served = served();
    served.run(AUTHOR);
    let remote = served.remote("secret");
    let ty = |text: &str| remote.type_of(&Request::text(text));
    assert_eq!(ty("1 + 1").static_type.as_deref(), Some("Number"));
    let create = "let a = Author.create({ firstName: 'a', lastName: 'b' })\na.firstName";
    assert_eq!(ty(create).static_type.as_deref(), Some("String"));
    assert_eq!(served.run("Author.all().count()"), "0");
    let wrong = ty("'a'.nothing").result.expect_err("no type");
    assert_eq!(wrong.code, "invalid_query");
    let here = served.engine.root();
    for text in [
        "Author.all().where(.firstName == 'a').map(.id)",
        "Author.byLastName('b').take(3)",
        "Author.create({ firstName: 'a', lastName: 'b' }); Author.all()",
    ] {
        let plan = |session: &Session| {
            let told = session.explain(&Request::text(text)).result;
            told.expect(text).to_text(Format::Simple)
        };
        assert_eq!(plan(&remote), plan(&here), "{text}");
    }
    assert_eq!(served.run("Author.all().count()"), "0");
    let explain = |session: &Session, text: &str| {
        let told = session.explain(&Request::text(text));
        let error = told.result.expect_err(text);
        (error.status, error.code, told.summary)
    };
    for text in ["1", "Nothing.all()", "Author.all("] {
        let (status, code, summary) = explain(&remote, text);
        let (_, expected, shown) = explain(&here, text);
        assert_eq!((status, code, summary), (400, expected, shown), "{text}");
    }
    for text in ["Author.all()", "Author.all("] {
        assert_eq!(explain(&served.remote("nobody"), text).0, 401, "{text}");
    }
}

#[test]
fn a_remote_session_sees_indexes_being_built() {
    let served = served();
    let remote = served.remote("secret");
    let mut watch = remote.watch_builds();
    served.run("Collection.create({ name: 'Item' })");
    served.run("Set.sequence(0, 1000).forEach(n => Item.create({ n: n }))");
    assert_eq!(watch.look().expect("nothing yet"), []);
    served.run("Item.definition.update({ indexes: { byN: { terms: [{ field: 'n' }] } } })");
    let started = Instant::now();
    loop {
        let builds = watch.look().expect("a look");
        let Some(build) = builds.first() else {
            // It was over before the first look.
            break;
        };
        assert_eq!(&*build.name, "Item.byN");
        if build.state == BuildState::Complete {
            assert_eq!((build.done, build.total), (1000, Some(1000)));
            break;
        }
        assert_eq!(build.state, BuildState::Building);
        assert!(started.elapsed() < Duration::from_secs(60), "no end");
        std::thread::sleep(Duration::from_millis(1));
    }
    // Nobody looks through the watch of somebody else, and who may not know of builds sees none.
    let client = served.run("Key.create({ role: 'client' }).secret");
    let client = served.remote(client.trim_matches('"'));
    assert_eq!(client.watch_builds().look().expect("an answer"), []);
    assert!(
        served
            .remote("nobody")
            .watch_builds()
            .look()
            .is_ok_and(|seen| seen.is_empty())
    );
}

/// The next events, at least one, in time.
fn next(subscription: &mut Subscription) -> Vec<StreamEvent> {
    let started = Instant::now();
    while !subscription.is_due() {
        assert!(started.elapsed() < Duration::from_secs(20), "no event");
        std::thread::sleep(Duration::from_millis(10));
    }
    subscription.events()
}

#[test]
fn a_remote_session_follows_events_and_hears_of_the_end() {
    let served = served();
    served.run(AUTHOR);
    let token = served.run("Author.all().eventSource()");
    let token = token.trim_matches('"');
    let remote = served.remote("secret");
    let mut subscription = remote.subscribe(token, Start::Source).expect("followed");
    let woken = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let wakes = woken.clone();
    subscription.set_waker(move || {
        wakes.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    });
    let first = next(&mut subscription);
    assert!(matches!(first[..], [StreamEvent::Status { .. }]));
    served.run("Author.create({ id: ID('7'), firstName: 'a', lastName: 'b' }).firstName");
    let told = next(&mut subscription);
    let [StreamEvent::Change { event, .. }] = &told[..] else {
        panic!("{told:?}");
    };
    assert_eq!(event.kind.name(), "add");
    assert!(event.data.to_text(Format::Decorated).contains("id: \"7\""));
    assert!(woken.load(std::sync::atomic::Ordering::SeqCst) > 0);
    // From a cursor on, what came before is not told again.
    let mut later = remote
        .subscribe(token, Start::Cursor(event.position))
        .expect("followed");
    next(&mut later);
    served.run("Author.byId('7')!.delete()");
    for subscription in [&mut subscription, &mut later] {
        let told = next(subscription);
        let [StreamEvent::Change { event, .. }] = &told[..] else {
            panic!("{told:?}");
        };
        assert_eq!(event.kind.name(), "remove");
    }
    let bad = remote.subscribe("nonsense", Start::Source);
    let Err(EventError::Query(error)) = bad else {
        panic!("a token of nothing");
    };
    assert_eq!(
        error.message,
        "Invalid request body: invalid event source provided"
    );
    let stranger = served.remote("nobody").subscribe(token, Start::Source);
    assert!(matches!(stranger, Err(EventError::Query(error)) if error.status == 401));
    drop(served);
    let told = next(&mut subscription);
    assert!(
        matches!(&told[..], [StreamEvent::Error { error, .. }] if error.code == "network_error")
    );
    assert!(subscription.has_ended());
}

#[test]
fn the_environment_has_the_types_of_collections_and_functions() {
    let served = served();
    served.run(AUTHOR);
    served.run("Collection.create({ name: 'Free' })");
    served.run("Function.create({ name: 'echo', alias: 'same', body: 'x => x', signature: '(String) => String' })");
    let (status, answer) = served.environment("secret");
    assert_eq!(status, 200);
    let environment = &answer["environment"];
    let (globals, types) = (&environment["globals"], &environment["types"]);
    assert_eq!(globals["Author"], "AuthorCollection");
    assert_eq!(globals["Writer"], "WriterCollection");
    assert_eq!(globals["echo"], "UserFunction<(x: String) => String>");
    assert_eq!(globals["same"], "UserFunction<(x: String) => String>");
    assert_eq!(globals["dbg"], "<A> (value: A) => A");
    assert_eq!(
        globals["asc"],
        "<A> (accessor: (A => Any)) => { asc: A => Any }"
    );
    assert_eq!(
        types["Author"]["alias"],
        "{ id: ID, ts: Time, ttl: Time | Null, firstName: String, lastName: String }"
    );
    assert_eq!(
        types["Author"]["fields"]
            .as_object()
            .expect("fields")
            .keys()
            .collect::<Vec<_>>(),
        [
            "coll",
            "delete",
            "exists",
            "replace",
            "replaceData",
            "update",
            "updateData"
        ]
    );
    assert_eq!(
        types["Free"]["alias"],
        "{ id: ID, ts: Time, ttl: Time | Null, *: Any }"
    );
    assert_eq!(types["NullAuthor"]["alias"], "Null");
    assert_eq!(types["WriterCollection"]["type_hint"], "user_collection");
    assert_eq!(
        types["WriterCollection"]["fields"]["byLastName"],
        "((term1: String) => Set<Writer>) & ((term1: String, range: { from: Any } | { to: Any } | { from: Any, to: Any }) => Set<Writer>)"
    );
    // Native types, as the original prints them.
    for (ty, kind, name, wanted) in [
        ("Array", "fields", "at", "<A> (index: Number) => A"),
        (
            "Array",
            "fields",
            "map",
            "<A, B> (mapper: (A => B)) => Array<B>",
        ),
        (
            "Array",
            "fields",
            "fold",
            "<A, B> (seed: B, reducer: (B, A) => B) => B",
        ),
        ("Set", "fields", "first", "<A> () => A | Null"),
        (
            "String",
            "fields",
            "splitAt",
            "(index: Number) => [String, String]",
        ),
        (
            "KeyCollection",
            "fields",
            "where",
            "(pred: (Key => Boolean)) => Set<Key>",
        ),
    ] {
        assert_eq!(types[ty][kind][name], wanted, "{ty}.{name}");
    }
    for (ty, key, wanted) in [
        ("Array", "access", "<A> Number => A"),
        ("String", "access", "Number => String"),
        ("Set", "self", "<A> Set<A>"),
        ("Long", "self", "Number"),
        ("object", "self", "{ *: Any }"),
        ("Ref", "alias", "<A> A | EmptyRef<A>"),
        ("UserFunction", "apply", "<A> A"),
        ("MathModule", "type_hint", "module"),
        ("KeyCollection", "type_hint", "server_collection"),
    ] {
        assert_eq!(types[ty][key], wanted, "{ty} {key}");
    }
    assert!(environment.get("truncated_resources").is_none());
    assert_eq!(answer["schema_version"].to_string(), {
        let outcome = served.engine.root().query(&Request::text("1"));
        outcome.schema_version.to_string()
    });
    let client = served.run("Key.create({ role: 'client' }).secret");
    let (status, refused) = served.environment(client.trim_matches('"'));
    assert_eq!(status, 403);
    let message = "A valid admin/server key must be provided to use this endpoint";
    assert_eq!(refused, json!({ "code": "forbidden", "message": message }));
}

#[test]
fn a_large_environment_says_what_it_leaves_out() {
    let served = served();
    served
        .run("Set.sequence(0, 1001).forEach(n => Collection.create({ name: 'C' + n.toString() }))");
    let (_, answer) = served.environment("secret");
    let environment = &answer["environment"];
    assert_eq!(environment["truncated_resources"], json!(["collection"]));
    let globals = environment["globals"].as_object().expect("globals");
    let known = globals.values().filter(|ty| {
        let ty = ty.as_str().unwrap_or_default();
        ty.starts_with('C')
            && ty.ends_with("Collection")
            && ty[1..2].chars().all(|c| c.is_ascii_digit())
    });
    assert_eq!(known.count(), 1000);
}
