//! The permission matrix (`spec access-control 3, 4.3`): every role, every collection, every operation, once as a
//! table and once against the engine.

use fql::engine::{Engine, Request, Session};
use fql::value::format::Format;
use std::sync::Arc;

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Read,
    List,
    Create,
    CreateWithId,
    Update,
    Replace,
    Delete,
}

use Operation::*;

/// A collection, and how its documents are written down. `#` is a fresh number, `@` the id or name of a document.
struct Kind {
    name: &'static str,
    admin_only: bool,
    /// Creates a document and yields its id or name.
    make: &'static str,
    reference: &'static str,
    create: &'static str,
    create_with_id: &'static str,
    patch: &'static str,
    whole: &'static str,
}

#[rustfmt::skip]
const KINDS: &[Kind] = &[
    Kind { name: "Note", admin_only: false, make: "Note.create({title: 't'}).id.toString()", reference: "Note.byId('@')",
        create: "Note.create({title: 'n'})", create_with_id: "Note.create({id: '#', title: 'n'})", patch: "{title: 'u'}", whole: "{title: 'r'}" },
    Kind { name: "Collection", admin_only: false, make: "Collection.create({name: 'C#'}).name", reference: "Collection.byName('@')",
        create: "Collection.create({name: 'D#'})", create_with_id: "", patch: "{data: {a: 1}}", whole: "{name: '@'}" },
    Kind { name: "Function", admin_only: false, make: "Function.create({name: 'f#', body: 'x => x'}).name", reference: "Function.byName('@')",
        create: "Function.create({name: 'g#', body: 'x => x'})", create_with_id: "", patch: "{data: {a: 1}}", whole: "{name: '@', body: 'x => 1'}" },
    Kind { name: "Token", admin_only: false, make: "Token.create({document: Note.byId('1')}).id.toString()", reference: "Token.byId('@')",
        create: "Token.create({document: Note.byId('1')})", create_with_id: "Token.create({id: '#', document: Note.byId('1')})",
        patch: "{data: {a: 1}}", whole: "{document: Note.byId('1')}" },
    Kind { name: "Credential", admin_only: false, make: "Credential.create({document: Note.byId('8#')}).id.toString()", reference: "Credential.byId('@')",
        create: "Credential.create({document: Note.byId('9#')})", create_with_id: "Credential.create({id: '#', document: Note.byId('9#')})",
        patch: "{password: 'p'}", whole: "{document: Note.byId('8#')}" },
    Kind { name: "Database", admin_only: true, make: "Database.create({name: 'k#'}).name", reference: "Database.byName('@')",
        create: "Database.create({name: 'l#'})", create_with_id: "", patch: "{data: {a: 1}}", whole: "{name: '@'}" },
    Kind { name: "Key", admin_only: true, make: "Key.create({role: 'server'}).id.toString()", reference: "Key.byId('@')",
        create: "Key.create({role: 'client'})", create_with_id: "Key.create({id: '#', role: 'client'})", patch: "{data: {a: 1}}", whole: "{role: 'server'}" },
    Kind { name: "Role", admin_only: true, make: "Role.create({name: 'r#'}).name", reference: "Role.byName('@')",
        create: "Role.create({name: 's#'})", create_with_id: "", patch: "{data: {a: 1}}", whole: "{name: '@'}" },
    Kind { name: "AccessProvider", admin_only: true,
        make: "AccessProvider.create({name: 'a#', issuer: 'i#', jwks_uri: 'https://i.example/#'}).name", reference: "AccessProvider.byName('@')",
        create: "AccessProvider.create({name: 'b#', issuer: 'j#', jwks_uri: 'https://i.example/#'})", create_with_id: "",
        patch: "{data: {a: 1}}", whole: "{name: '@', issuer: 'x#', jwks_uri: 'https://i.example/'}" },
];

const OPERATIONS: [Operation; 7] = [Read, List, Create, CreateWithId, Update, Replace, Delete];

/// What the specification says of built-in roles.
fn builtin_may(role: &str, kind: &Kind, operation: Operation) -> bool {
    let reads = matches!(operation, Read | List);
    match role {
        "admin" => true,
        "server" => !kind.admin_only,
        "server-readonly" => !kind.admin_only && reads,
        _ => false,
    }
}

/// What the specification says of a role with these actions. Updating and deleting start from a document, which must
/// be readable.
fn user_may(actions: &[&str], operation: Operation) -> bool {
    let has = |action| actions.contains(&action);
    match operation {
        Read | List => has("read"),
        Create => has("create"),
        CreateWithId => has("create") && (has("create_with_id") || has("history_write")),
        Update | Replace => has("read") && has("write"),
        Delete => has("read") && has("delete"),
    }
}

struct World {
    engine: Arc<Engine>,
    number: u32,
}

fn ask(session: &Session, text: &str) -> Result<String, (String, String)> {
    let mut request = Request::text(text);
    request.typecheck = Some(false);
    match session.query(&request).result {
        Ok(rendered) => Ok(rendered.to_text(Format::Simple)),
        Err(error) => Err((error.code.to_string(), error.message)),
    }
}

fn must(session: &Session, text: &str) -> String {
    ask(session, text).unwrap_or_else(|error| panic!("{text}: {error:?}"))
}

impl World {
    fn new() -> World {
        let engine = Engine::memory().expect("an engine");
        let admin = engine.root();
        must(
            &admin,
            "Collection.create({name: 'Note', history_days: 9, indexes: {byTitle: {terms: [{field: 'title'}]}}})
             Function.create({name: 'twice', body: 'x => x * 2'})",
        );
        must(&admin, "Note.create({id: '1', title: 'a'})");
        World {
            engine,
            number: 100,
        }
    }

    /// Tries an operation as `role` and compares with what it should be.
    fn check(&mut self, role: &str, kind: &Kind, operation: Operation, allowed: bool) {
        self.number += 1;
        let number = self.number.to_string();
        let fill = |text: &str, key: &str| text.replace('#', &number).replace('@', key);
        let key = must(&self.engine.root(), &fill(kind.make, ""));
        let key = key.trim_matches('"');
        let reference = fill(kind.reference, key);
        let text = match operation {
            Read => format!("{reference}!.ts.toString().length > 0"),
            List => format!("{}.all().count() > 0", kind.name),
            Create => fill(kind.create, key),
            CreateWithId if kind.create_with_id.is_empty() => return,
            CreateWithId => fill(kind.create_with_id, key),
            Update => format!("{reference}.update({})", fill(kind.patch, key)),
            Replace => format!("{reference}.replace({})", fill(kind.whole, key)),
            Delete => format!("{reference}.delete()"),
        };
        let session = self.engine.root().with_role(Some(role.into()));
        let answer = ask(&session, &text);
        let place = format!("{role} {operation:?} {}: {text}", kind.name);
        match (operation, allowed) {
            (Read | List, true) => assert_eq!(answer.as_deref(), Ok("true"), "{place}"),
            (_, true) => assert!(answer.is_ok(), "{place}: {answer:?}"),
            (List, false) => assert_eq!(answer.as_deref(), Ok("false"), "{place}"),
            (Read, false) => {
                let denied = (
                    "null_value".into(),
                    "Null value, due to permission denied".into(),
                );
                assert_eq!(answer, Err(denied), "{place}");
            }
            (_, false) => {
                let message = "Insufficient privileges to perform the action.".into();
                assert_eq!(
                    answer,
                    Err(("permission_denied".into(), message)),
                    "{place}"
                );
            }
        }
        // What was denied has not happened.
        if !allowed && operation == Delete {
            let still = must(&self.engine.root(), &format!("{reference}.exists()"));
            assert_eq!(still, "true", "{place}");
        }
    }
}

/// Whether the first note is readable as of when it was written.
fn in_the_past(world: &World) -> String {
    let ts = must(&world.engine.root(), "Note.byId('1')!.ts.toString()").replace('"', "");
    format!("at (Time('{ts}')) {{ Note.byId('1').exists() }}")
}

#[test]
fn built_in_roles() {
    for role in ["admin", "server", "server-readonly", "client"] {
        let mut world = World::new();
        for kind in KINDS {
            for operation in OPERATIONS {
                world.check(role, kind, operation, builtin_may(role, kind, operation));
            }
        }
        let session = world.engine.root().with_role(Some(role.into()));
        let reads = role != "client";
        let history = in_the_past(&world);
        assert_eq!(must(&session, &history), reads.to_string(), "{role}");
        let index = ask(&session, "Note.byTitle('a').count()");
        match reads {
            true => assert_eq!(index.as_deref(), Ok("1"), "{role}"),
            false => {
                let message = "Insufficient privileges to read from collection Note.".to_string();
                assert_eq!(index, Err(("permission_denied".into(), message)));
            }
        }
        let call = ask(&session, "twice(2)");
        let calls = matches!(role, "admin" | "server");
        assert_eq!(call.is_ok(), calls, "{role}: {call:?}");
        let protected = ask(&session, "Query.isEnvProtected()");
        assert_eq!(protected.is_ok(), role == "admin", "{role}");
        // Pure queries are everybody's.
        assert_eq!(must(&session, "1 + 1"), "2");
    }
}

#[test]
fn user_defined_roles() {
    let sets: &[&[&str]] = &[
        &[],
        &["read"],
        &["write"],
        &["create"],
        &["create_with_id"],
        &["delete"],
        &["unrestricted_read", "history_read", "call"],
        &["read", "write"],
        &["read", "delete"],
        &["create", "create_with_id"],
        &["create", "history_write"],
        &["read", "write", "create", "create_with_id", "delete"],
    ];
    for actions in sets {
        let mut world = World::new();
        let granted: Vec<String> = actions
            .iter()
            .map(|action| format!("{action}: true"))
            .collect();
        let privileges: Vec<String> = KINDS
            .iter()
            .map(|kind| {
                format!(
                    "{{resource: '{}', actions: {{{}}}}}",
                    kind.name,
                    granted.join(", ")
                )
            })
            .collect();
        let create = format!(
            "Role.create({{name: 'user', privileges: [{}]}})",
            privileges.join(", ")
        );
        must(&world.engine.root(), &create);
        for kind in KINDS {
            for operation in OPERATIONS {
                world.check("@role/user", kind, operation, user_may(actions, operation));
            }
        }
    }
}

/// Each privilege opens its own collection and no other.
#[test]
fn privileges_do_not_reach_other_collections() {
    let mut world = World::new();
    for granted in KINDS {
        let role = format!("only{}", granted.name);
        let actions = "{read: true, write: true, create: true, create_with_id: true, delete: true}";
        let name = granted.name;
        let create = format!(
            "Role.create({{name: '{role}', privileges: {{resource: '{name}', actions: {actions}}}}})"
        );
        must(&world.engine.root(), &create);
        for kind in KINDS {
            for operation in [Read, List, Create, Delete] {
                world.check(
                    &format!("@role/{role}"),
                    kind,
                    operation,
                    kind.name == granted.name,
                );
            }
        }
    }
}

/// `history_read` and `call` are privileges of their own.
#[test]
fn history_and_calls_are_separate_privileges() {
    let world = World::new();
    let admin = world.engine.root();
    for (name, resource, actions) in [
        ("reader", "Note", "read: true"),
        ("historian", "Note", "history_read: true"),
        ("caller", "twice", "call: true"),
    ] {
        let text = format!(
            "Role.create({{name: '{name}', privileges: {{resource: '{resource}', actions: {{{actions}}}}}}})"
        );
        must(&admin, &text);
    }
    let as_role = |name: &str| admin.with_role(Some(format!("@role/{name}").as_str().into()));
    let past = &in_the_past(&world);
    let present = "Note.byId('1').exists()";
    assert_eq!(must(&as_role("reader"), present), "true");
    assert_eq!(must(&as_role("reader"), past), "false");
    assert_eq!(must(&as_role("historian"), present), "false");
    assert_eq!(must(&as_role("historian"), past), "true");
    assert_eq!(must(&as_role("caller"), "twice(4)"), "8");
    assert!(ask(&as_role("reader"), "twice(4)").is_err());
}
