//! Isolation by its law: what happens outside a principal's authority changes nothing that it can observe
//! (`spec access-control 7.3`).
//!
//! A random tree of databases is filled; random queries run under random secrets. Then everything that a secret may
//! not see is changed (data, schema, roles, keys, children elsewhere), and the same queries must answer the same:
//! value in every format, static type, error, summary, schema version, its plan (`:explain`), what may be completed
//! after it, the names on offer, the events of its sources. And no answer may hold a marker of a place that the secret
//! has no access to, unless the query itself wrote it.

use fql::engine::{Engine, FeedRequest, Request, Session, Start, StreamEvent, Subscription};
use fql::value::Str;
use fql::value::format::Format;
use proptest::prelude::*;
use std::sync::Arc;

/// A database of the tree: its parent's index, and what it holds.
#[derive(Clone, Debug)]
struct Plan {
    parent: usize,
    open: usize,
    hidden: usize,
}

/// Who asks: a database, and a kind of secret for it.
#[derive(Clone, Copy, Debug)]
struct Who {
    place: usize,
    kind: usize,
}

const KINDS: [&str; 7] = [
    "admin",
    "server",
    "server-readonly",
    "client",
    "reader",
    "token",
    "scoped",
];

/// `#` stands for the number of some database.
const QUERIES: &[&str] = &[
    "Item.all()",
    "Item.all().count()",
    "Item.all().map(.text).toArray()",
    "Item.where(.open).count()",
    "Item.byId('#001')",
    "Item.byId('#001')?.text",
    "Item.byId('#001').exists()",
    "Item.byId('#002')!.text",
    "Item.byText('open #').count()",
    "Item.byText('hidden #').toArray()",
    "Item.all().order(desc(.text)).first()",
    "Item.all().fold(0, (n, i) => n + 1)",
    "Only#.all().count()",
    "Only#.all()",
    "fn#(1)",
    "fn#",
    "[Item, Only#]",
    "Collection.all().map(.name).toArray()",
    "Collection.byName('Only#')",
    "Collection.byName('Only#')!.name",
    "Function.all().map(.name).toArray()",
    "Role.all().map(.name).toArray()",
    "Role.byName('role#').exists()",
    "Role.byName('role#')!",
    "Key.all().count()",
    "Key.all().map(.role).toArray()",
    "Key.all().map(k => k.secret).toArray()",
    "Token.all().count()",
    "Credential.all().count()",
    "Database.all().map(.name).toArray()",
    "Database.byName('db#')",
    "Database.byName('db#')!.global_id",
    "Database.all().map(d => d.global_id == null).toArray()",
    "AccessProvider.all().count()",
    "Query.identity()",
    "Query.isEnvProtected()",
    "Query.isEnvTypechecked()",
    "Item.create({id: '#001', text: 'x'}).text",
    "Item.create({text: 'x'}); Item.all().count()",
    "Item.byId('#001')!.delete()",
    "Item.byId('#001')!.update({text: 'y'}).text",
    "Key.create({role: 'server', database: 'db#'}).role",
    "Key.create({role: 'role#'}).role",
    "Collection.create({name: 'Only#'}).name",
    "Function.create({name: 'fn#', body: 'x => x'}).name",
    "Role.create({name: 'role#'}).name",
    "Database.byName('db#')!.delete().exists()",
    "Token.byDocument(Item.byId('#001')!).count()",
    "Credential.byDocument(Item.byId('#001')).exists()",
    "abort(Item.all())",
    "abort(Database.all())",
    "Item.all().pageSize(2)",
    "Set.sequence(0, 3).flatMap(_ => Item.all().map(.text)).toArray()",
    "Item.bogus()",
    "nothing#",
    "log(Item.all().count()); 1",
    "peek()",
    "leak()",
];

struct World {
    engine: Arc<Engine>,
    paths: Vec<Vec<Str>>,
    plans: Vec<Plan>,
}

fn ask(session: &Session, text: &str) -> String {
    let outcome = session.query(&Request::text(text));
    match outcome.result {
        Ok(rendered) => rendered.to_text(Format::Simple),
        Err(error) => panic!("{text}: {}\n{}", error.message, outcome.summary),
    }
}

impl World {
    fn new(plans: &[Plan]) -> World {
        let engine = Engine::memory().expect("an engine");
        let mut world = World {
            engine,
            paths: vec![Vec::new()],
            plans: vec![Plan {
                parent: 0,
                open: 1,
                hidden: 1,
            }],
        };
        world.fill(0);
        for plan in plans {
            let index = world.paths.len();
            let parent = plan.parent % index;
            let name: Str = format!("db{index}").as_str().into();
            ask(
                &world.at(parent),
                &format!("Database.create({{name: '{name}'}})"),
            );
            let mut path = world.paths[parent].clone();
            path.push(name);
            world.paths.push(path);
            world.plans.push(Plan {
                parent,
                ..plan.clone()
            });
            world.fill(index);
        }
        world
    }

    fn at(&self, index: usize) -> Session {
        self.engine.root().in_database(self.paths[index].clone())
    }

    /// What every database holds: the same names, and names of its own; data that says where it is from.
    fn fill(&self, index: usize) {
        let session = self.at(index);
        ask(
            &session,
            &format!(
                "Collection.create({{name: 'Item', indexes: {{byText: {{terms: [{{field: 'text'}}]}}}}}})
                 Collection.create({{name: 'Only{index}'}})
                 Function.create({{name: 'fn{index}', body: 'x => \"mark{index}f\"'}})
                 Function.create({{name: 'peek', role: 'reader', body: '() => Item.all()'}})
                 Function.create({{name: 'leak', role: 'server', body: '() => Key.all()'}})
                 Role.create({{name: 'role{index}'}})
                 Role.create({{name: 'reader', privileges: [{{resource: 'Item', actions: {{read: 'i => i.open'}}}},
                   {{resource: 'peek', actions: {{call: true}}}}], membership: {{resource: 'Item', predicate: 'i => i.open'}}}})"
            ),
        );
        let plan = &self.plans[index];
        let items = (0..plan.open).map(|i| (i * 2 + 1, true));
        for (i, open) in items.chain((1..=plan.hidden).map(|i| (i * 2, false))) {
            let word = if open { "open" } else { "hidden" };
            let text = format!(
                "Item.create({{id: '{index}00{i}', text: '{word} {index}', mark: 'mark{index}d', open: {open}}})"
            );
            ask(&session, &text);
        }
        ask(
            &session,
            &format!("Only{index}.create({{mark: 'mark{index}o'}})"),
        );
    }

    /// The secret of somebody. Tokens act as the first open item.
    fn secret(&self, who: Who) -> String {
        let session = self.at(who.place);
        let place = who.place;
        let text = match KINDS[who.kind] {
            "token" => format!("Token.create({{document: Item.byId('{place}001')!}}).secret"),
            "scoped" => "Key.create({role: 'admin'}).secret".to_string(),
            role => format!("Key.create({{role: '{role}'}}).secret"),
        };
        let secret = ask(&session, &text).trim_matches('"').to_string();
        match KINDS[who.kind] {
            "scoped" => format!("{secret}:@role/reader"),
            _ => secret,
        }
    }

    /// Changes everything outside a database; of its parent, all but the document that it is.
    fn disturb(&self, place: usize, round: usize) {
        for index in (0..self.paths.len()).filter(|index| *index != place) {
            // Its children are documents of it; what is in them is not.
            let session = self.at(index);
            ask(
                &session,
                &format!(
                    "Item.all().forEach(i => i.update({{text: 'changed', mark: 'mark{index}n'}}))
                     Item.create({{text: 'more', mark: 'mark{index}m', open: true}})
                     Key.create({{role: 'admin'}})
                     Token.create({{document: Item.all().first()!}})
                     Credential.create({{document: Item.create({{open: false}}), password: 'p'}})"
                ),
            );
            ask(
                &session,
                &format!(
                    "Collection.create({{name: 'Extra{round}'}})
                     Function.byName('fn{index}')!.update({{body: 'x => \"mark{index}g\"'}})
                     Role.create({{name: 'extra{round}'}})
                     AccessProvider.create({{name: 'ap{round}', issuer: 'i{round}', jwks_uri: 'https://i.example/'}})
                     Database.create({{name: 'extra{round}'}})"
                ),
            );
        }
    }
}

/// All that a query's sender gets to know, but for times of transactions.
fn observe(session: &Session, text: &str) -> String {
    let outcome = session.query(&Request::text(text));
    let mut seen = format!("{:?}\n{}\n", outcome.static_type, outcome.summary);
    match &outcome.result {
        Ok(rendered) => {
            for format in [Format::Simple, Format::Decorated, Format::Tagged] {
                seen.push_str(&rendered.to_text(format));
                seen.push('\n');
            }
        }
        Err(error) => {
            let failures = error.constraint_failures_json();
            seen.push_str(&format!(
                "{} {} {}\n{failures}\n",
                error.status, error.code, error.message
            ));
            if let Some(abort) = &error.abort {
                seen.push_str(&abort.to_text(Format::Tagged));
            }
        }
    }
    // What the shell would offer: the plan of a set, what may follow the text, the names in reach.
    let plan = session.explain(&Request::text(text));
    match plan.result {
        Ok(plan) => seen.push_str(&plan.to_text(Format::Simple)),
        Err(error) => seen.push_str(&error.message),
    }
    let request = Request::text(text);
    seen.push_str(&format!("\n{:?}\n", session.type_at(&request, text.len())));
    seen.push_str(&format!("{:?}\n", session.outline()));
    seen
}

/// Sources of events that a secret may have, and streams that follow them.
fn follow(session: &Session) -> Vec<(String, Subscription)> {
    const SOURCES: [&str; 3] = [
        "Item.all().eventSource()",
        "Item.all().map(.text).eventSource()",
        "Item.where(.open).eventSource()",
    ];
    let mut streams = Vec::new();
    for text in SOURCES {
        if let Ok(token) = session.query(&Request::text(text)).result {
            let token = token.to_text(Format::Simple).trim_matches('"').to_string();
            let stream = session.subscribe(&token, Start::Source).expect("a stream");
            streams.push((token, stream));
        }
    }
    streams
}

/// What a stream and a feed tell of changes since they were made; a position in time is no news.
fn told(session: &Session, token: &str, stream: &mut Subscription) -> Vec<String> {
    let mut events = stream.events();
    events.push(stream.status());
    let feed = session.feed(&FeedRequest {
        token: token.to_string(),
        start: Start::Source,
        page_size: 16,
        timeout: None,
        cancel: None,
    });
    events.extend(feed.expect("a page of events").events);
    let news = |event: &StreamEvent| !matches!(event, StreamEvent::Status { .. });
    let news = events.iter().filter(|event| news(event));
    news.map(|event| format!("{event:?}")).collect()
}

/// Queries that write are undone: they are only tried.
fn tried(text: &str) -> String {
    match ["create(", "update(", "delete("]
        .iter()
        .any(|write| text.contains(write))
    {
        true => format!("let it = {{ {text} }}\nabort(it)"),
        false => text.to_string(),
    }
}

/// Cursors name the time at which their set is read.
fn without_cursors(seen: &str) -> String {
    let cut = |line: &str| match line.find("after") {
        Some(at) => line[..at].to_string(),
        None => line.to_string(),
    };
    seen.lines().map(cut).collect::<Vec<_>>().join("\n")
}

fn plans() -> impl Strategy<Value = Vec<Plan>> {
    let plan = (0..6usize, 1..3usize, 0..3usize);
    let plan = plan.prop_map(|(parent, open, hidden)| Plan {
        parent,
        open,
        hidden,
    });
    prop::collection::vec(plan, 2..5)
}

fn askers() -> impl Strategy<Value = Vec<(Who, Vec<(usize, usize)>)>> {
    let who = (0..6usize, 0..KINDS.len()).prop_map(|(place, kind)| Who { place, kind });
    let queries = prop::collection::vec((0..QUERIES.len(), 0..6usize), 12..20);
    prop::collection::vec((who, queries), 2..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_outside_the_authority_is_observable(plans in plans(), askers in askers()) {
        let world = World::new(&plans);
        let count = world.paths.len();
        for (round, (who, queries)) in askers.iter().enumerate() {
            let who = Who { place: who.place % count, ..*who };
            let session = world.engine.with_secret(&world.secret(who));
            let texts: Vec<String> = queries
                .iter()
                .map(|(query, index)| tried(&QUERIES[*query].replace('#', &(index % count).to_string())))
                .collect();
            let before: Vec<String> = texts.iter().map(|text| observe(&session, text)).collect();
            let version = session.query(&Request::text("1")).schema_version;
            let streams = follow(&session);
            world.disturb(who.place, round);
            for (token, mut stream) in streams {
                prop_assert_eq!(told(&session, &token, &mut stream), Vec::<String>::new(), "{:?}", who);
            }
            for (text, before) in texts.iter().zip(&before) {
                let after = observe(&session, text);
                // A fresh id, time or secret is new each time.
                if !text.contains("create(") {
                    prop_assert_eq!(without_cursors(before), without_cursors(&after), "{:?}: {}", who, text);
                }
                for foreign in (0..count).filter(|index| *index != who.place) {
                    for marker in [format!("mark{foreign}"), format!("Only{foreign}"), format!("role{foreign}")] {
                        let told = before.contains(&marker) || after.contains(&marker);
                        prop_assert!(!told || text.contains(&marker), "{who:?}: {text} tells {marker}: {after}");
                    }
                }
                let hidden = format!("hidden {}", who.place);
                if KINDS[who.kind] == "reader" || KINDS[who.kind] == "token" || KINDS[who.kind] == "scoped" {
                    prop_assert!(text.contains(&hidden) || !after.contains(&hidden), "{who:?}: {text}: {after}");
                }
            }
            prop_assert_eq!(session.query(&Request::text("1")).schema_version, version);
        }
    }

    /// A name that exists elsewhere is answered like one that exists nowhere.
    #[test]
    fn foreign_names_are_like_unknown_ones(plans in plans(), place in 0..6usize, kind in 0..KINDS.len()) {
        let world = World::new(&plans);
        let count = world.paths.len();
        let place = place % count;
        let session = world.engine.with_secret(&world.secret(Who { place, kind }));
        let children: Vec<usize> = (1..count).filter(|index| world.plans[*index].parent == place).collect();
        for query in QUERIES.iter().filter(|query| query.contains('#')) {
            for foreign in (0..count).filter(|index| *index != place && !children.contains(index)) {
                let (known, unknown) = (foreign.to_string(), "9".to_string());
                let text = tried(query);
                let seen = observe(&session, &text.replace('#', &known)).replace(&known, "#");
                let other = observe(&session, &text.replace('#', &unknown)).replace(&unknown, "#");
                // Numbers that are not the name vary: times, fresh ids.
                let plain = |seen: &str| seen.chars().filter(|c| !c.is_ascii_digit() && *c != '#').collect::<String>();
                if !query.contains("create(") {
                    prop_assert_eq!(plain(&seen), plain(&other), "{} for {}", query, foreign);
                }
            }
        }
    }

    /// Secrets that stop being good stop working at the next query of every open session; the others go on.
    #[test]
    fn dead_secrets_stop_at_the_next_query(
        plans in plans(),
        who in prop::collection::vec((0..6usize, 0..KINDS.len()), 4..8),
        steps in prop::collection::vec((0..3usize, 0..8usize), 1..5),
    ) {
        let world = World::new(&plans);
        let count = world.paths.len();
        let mut sessions: Vec<(usize, bool, Session)> = Vec::new();
        let mut streams = Vec::new();
        for (place, kind) in &who {
            let place = place % count;
            let secret = world.secret(Who { place, kind: *kind });
            let session = world.engine.with_secret(&secret);
            streams.push(follow(&session));
            sessions.push((place, KINDS[*kind] == "token", session));
        }
        let mut alive = vec![true; sessions.len()];
        let mut gone = vec![false; count];
        let good = |session: &Session| match session.query(&Request::text("1 + 1")).result {
            Ok(_) => true,
            Err(error) => {
                assert_eq!((error.status, error.code), (401, "unauthorized"));
                false
            }
        };
        for (session, alive) in sessions.iter().zip(&alive) {
            prop_assert_eq!(good(&session.2), *alive);
        }
        for (step, target) in steps {
            let place = target % count;
            if gone[place] {
                continue;
            }
            let kills: Box<dyn Fn(usize, bool) -> bool> = match step {
                0 => {
                    ask(&world.at(place), "Key.all().forEach(k => k.delete())");
                    Box::new(move |at, token| at == place && !token)
                }
                1 => {
                    ask(&world.at(place), "Token.all().forEach(t => t.update({ttl: Time.now().subtract(1, 'minute')}))");
                    Box::new(move |at, token| at == place && token)
                }
                _ if place == 0 => continue,
                _ => {
                    let path = world.paths[place].clone();
                    let name = path.last().expect("a child").clone();
                    let parent = world.engine.root().in_database(path[..path.len() - 1].to_vec());
                    ask(&parent, &format!("Database.byName('{name}')!.delete()"));
                    let below: Vec<bool> = world.paths.iter().map(|other| other.starts_with(&path)).collect();
                    for (gone, below) in gone.iter_mut().zip(&below) {
                        *gone |= below;
                    }
                    Box::new(move |at, _| below[at])
                }
            };
            for ((place, token, session), alive) in sessions.iter().zip(&mut alive) {
                *alive &= !kills(*place, *token);
                prop_assert_eq!(good(session), *alive);
                prop_assert_eq!(good(&session.clone()), *alive);
            }
            // Streams that were open go on, or end with their secret.
            for (streams, alive) in streams.iter_mut().zip(&alive) {
                for (_, stream) in streams {
                    stream.events();
                    stream.status();
                    prop_assert_eq!(stream.has_ended(), !*alive);
                }
            }
        }
    }
}
