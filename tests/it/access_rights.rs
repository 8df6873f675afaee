//! Whose rights apply where: predicates, functions with a role, computed fields, check constraints, sets and cursors
//! (`spec access-control 3.1, 4.3-4.6, 5.4`).

use fql::engine::{Engine, Request, Session};
use fql::value::format::Format;

fn ask(session: &Session, text: &str) -> String {
    let mut request = Request::text(text);
    request.typecheck = Some(false);
    match session.query(&request).result {
        Ok(rendered) => rendered.to_text(Format::Simple),
        Err(error) => error.code.to_string(),
    }
}

fn must(session: &Session, text: &str) -> String {
    let mut request = Request::text(text);
    request.typecheck = Some(false);
    match session.query(&request).result {
        Ok(rendered) => rendered.to_text(Format::Simple),
        Err(error) => panic!("{text}: {} {}", error.code, error.message),
    }
}

fn secret(session: &Session, text: &str) -> Session {
    let secret = must(session, text);
    session.engine().with_secret(secret.trim_matches('"'))
}

/// The session of a role with these actions on `resource`.
fn role(root: &Session, name: &str, resource: &str, actions: &str) -> Session {
    must(
        root,
        &format!(
            "Role.create({{name: '{name}', privileges: {{resource: '{resource}', actions: {{{actions}}}}}}})"
        ),
    );
    secret(root, &format!("Key.create({{role: '{name}'}}).secret"))
}

fn check(session: &Session, cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(ask(session, text), *expected, "{text}");
    }
}

/// A function's role knows the caller's identity as a value only.
#[test]
fn the_role_of_a_function_has_no_identity() {
    let engine = Engine::memory().expect("an engine");
    let root = engine.root();
    must(
        &root,
        "Collection.create({name: 'User'})
         Collection.create({name: 'Note'})
         Function.create({name: 'lent', role: 'lender', body: '() => [
           Query.identity()?.id, Note.all().count(), Token.all().count(), Credential.all().count(),
           Query.token()?.exists()]'})
         Role.create({name: 'lender', privileges: {resource: 'Note', actions: {read: '_ => Query.identity() != null'}}})
         Role.create({name: 'member', membership: {resource: 'User'}, privileges: [
           {resource: 'Note', actions: {read: '_ => Query.identity()?.id == \"1\"'}},
           {resource: 'lent', actions: {call: '() => Query.identity() != null'}}]})",
    );
    must(&root, "User.create({id: '1'}); Note.create({id: '2'})");
    must(&root, "Credential.create({document: User.byId('1')!})");
    let token = secret(&root, "Token.create({document: User.byId('1')!}).secret");
    check(
        &token,
        &[
            (
                "[Note.all().count(), Token.all().count(), Credential.all().count()]",
                "[1,1,1]",
            ),
            ("lent()", "[\"1\",0,0,0,false]"),
        ],
    );
}

/// What an index entry tells about a document is told to those who may read the document.
#[test]
fn covered_fields_of_documents_from_privileged_functions_stay_hidden() {
    let engine = Engine::memory().expect("an engine");
    let root = engine.root();
    must(
        &root,
        "Collection.create({name: 'Note', indexes: {byKind: {terms: [{field: 'kind'}], values: [{field: 'title'}, {field: 'in.side'}]}}})
         Function.create({name: 'found', role: 'server', body: '() => Note.byKind(\"k\").first()'})
         Function.create({name: 'titled', role: 'server', body: '() => Note.byKind(\"k\").first()!.title'})
         Function.create({name: 'given', role: 'none', body: 'note => note.title'})
         Role.create({name: 'none'})
         Role.create({name: 'caller', privileges: ['found', 'titled', 'given'].map(f => ({resource: f, actions: {call: true}}))})
         Role.create({name: 'reader', privileges: [{resource: 'Note', actions: {read: true}}].concat(
           ['found', 'given'].map(f => ({resource: f, actions: {call: true}})))})",
    );
    must(
        &root,
        "Note.create({id: '1', kind: 'k', title: 't', in: {side: 2}})",
    );
    let caller = secret(&root, "Key.create({role: 'caller'}).secret");
    let reader = secret(&root, "Key.create({role: 'reader'}).secret");
    check(
        &caller,
        &[
            ("found().title", "permission_denied"),
            ("found().in.side", "permission_denied"),
            ("found()?.title", "null"),
            ("found() { title }", "null"),
            ("found() { in { side } }", "null"),
            ("found()!", "null_value"),
            ("found() == null", "true"),
            ("found().exists()", "false"),
            ("[found()].map(.title)", "permission_denied"),
            ("titled()", "\"t\""),
        ],
    );
    check(
        &reader,
        &[
            ("found().title", "\"t\""),
            (
                "found() { title, in { side } }",
                "{\"title\":\"t\",\"in\":{\"side\":2}}",
            ),
            ("given(Note.byKind('k').first())", "permission_denied"),
        ],
    );
}

/// Create and write predicates get a document value that shows what is not stored yet.
#[test]
fn predicates_see_the_document_to_come() {
    let engine = Engine::memory().expect("an engine");
    let root = engine.root();
    must(
        &root,
        "Collection.create({name: 'Note', ttl_days: 3,
           computed_fields: {double: {body: 'note => note.n * 2'}}, fields: {n: {signature: 'Int'}, d: {signature: 'Int', default: '7'}}})",
    );
    must(&root, "Note.create({id: '1', n: 1})");
    let cases = [
        ("note.double == 4", true),
        ("note.exists() && note != null", true),
        ("note isa Note && Note.byId(note.id) == note", true),
        ("!Note.byId(note.id).exists()", true),
        ("note.ts == null", false),
        ("note.ttl > Time.now().add(2, 'days')", true),
        ("note.d == null", true),
        ("note.data.n == 2 && note.data.double == null", true),
    ];
    for (at, (predicate, allowed)) in cases.into_iter().enumerate() {
        let actions = format!("create: {:?}", format!("note => {predicate}"));
        let session = role(&root, &format!("creator{at}"), "Note", &actions);
        let expected = if allowed { "true" } else { "permission_denied" };
        assert_eq!(
            ask(&session, "Note.create({n: 2}).coll == Note"),
            expected,
            "{predicate}"
        );
    }
    let cases = [
        ("old.n == 1 && new.n == 2", true),
        ("old.double == 2 && new.double == 4", true),
        ("old == new && new.exists() && old.exists()", true),
        ("old.ts < Time.now() && new.ts == old.ts", false),
        ("new.ttl > old.ttl", true),
        ("Note.byId(new.id)!.n == 1", true),
        ("new.d == 7", true),
    ];
    for (at, (predicate, allowed)) in cases.into_iter().enumerate() {
        let actions = format!(
            "read: true, write: {:?}",
            format!("(old, new) => {predicate}")
        );
        let session = role(&root, &format!("writer{at}"), "Note", &actions);
        let expected = if allowed { "true" } else { "permission_denied" };
        assert_eq!(
            ask(&session, "Note.byId('1')!.update({n: 2}).coll == Note"),
            expected,
            "{predicate}"
        );
        must(&root, "Note.byId('1')!.update({n: 1})");
    }
    let replaces = role(
        &root,
        "replaces",
        "Note",
        "read: true, write: '(old, new) => new.d == null'",
    );
    assert_eq!(ask(&replaces, "Note.byId('1')!.replace({n: 5}).d"), "7");
}

/// `history_write` allows a given id by a reference to what is not there yet, and the data as stored.
#[test]
fn history_write_gets_the_data_as_stored() {
    let engine = Engine::memory().expect("an engine");
    let root = engine.root();
    must(&root, "Collection.create({name: 'Note'})");
    let cases = [
        ("note.id == '9' && !note.exists()", true),
        ("note.n == 2", false),
        ("action == 'create' && ts isa Time", true),
        ("data.data.n == 2", true),
        ("data.n == 2", false),
    ];
    for (at, (predicate, allowed)) in cases.into_iter().enumerate() {
        let predicate_text = format!("(note, ts, action, data) => {predicate}");
        let actions = format!("create: true, history_write: {predicate_text:?}");
        let session = role(&root, &format!("historian{at}"), "Note", &actions);
        let expected = if allowed { "true" } else { "permission_denied" };
        assert_eq!(
            ask(&session, "Note.create({id: '9', n: 2}).coll == Note"),
            expected,
            "{predicate}"
        );
        must(&root, "Note.byId('9')?.delete()");
    }
}

/// A predicate on reading the past looks at the present.
#[test]
fn history_read_predicates_see_the_present() {
    let engine = Engine::memory().expect("an engine");
    let root = engine.root();
    must(&root, "Collection.create({name: 'Note', history_days: 9})");
    must(
        &root,
        "Note.create({id: '1', n: 1}); Note.create({id: '2', n: 1})",
    );
    let past = must(&root, "Note.byId('1')!.ts.toString()");
    must(
        &root,
        "Note.byId('1')!.update({n: 2}); Note.byId('2')!.delete()",
    );
    let then = |text: &str| format!("at (Time({past})) {{ {text} }}");
    let cases = [
        ("note => note.n == 2", "1", "null_value", "[1]"),
        ("note => note.n == 1", "null_value", "null_value", "[]"),
        ("note => note.exists()", "1", "null_value", "[1]"),
        ("note => true", "1", "1", "[1,1]"),
    ];
    for (at, (predicate, first, second, all)) in cases.into_iter().enumerate() {
        let name = format!("reader{at}");
        let session = role(
            &root,
            &name,
            "Note",
            &format!("history_read: '{predicate}'"),
        );
        assert_eq!(
            ask(&session, &then("Note.byId('1')!.n")),
            first,
            "{predicate}"
        );
        assert_eq!(
            ask(&session, &then("Note.byId('2')!.n")),
            second,
            "{predicate}"
        );
        assert_eq!(
            ask(&session, &then("Note.all().map(.n).toArray()")),
            all,
            "{predicate}"
        );
        assert_eq!(ask(&session, "Note.all().count()"), "0", "{predicate}");
    }
}

/// Computed fields and check constraints run with the rights in force.
#[test]
fn computed_fields_and_check_constraints_have_the_rights_in_force() {
    let engine = Engine::memory().expect("an engine");
    let root = engine.root();
    must(
        &root,
        "Collection.create({name: 'Other'})
         Collection.create({name: 'Note',
           computed_fields: {other: {body: 'note => Other.byId(\"1\")!.x'}},
           constraints: [{check: {name: 'positive', body: 'note => note.n > 0'}}]})
         Collection.create({name: 'Free', constraints: [{check: {name: 'always', body: 'note => true'}}]})",
    );
    must(
        &root,
        "Other.create({id: '1', x: 5}); Note.create({id: '1', n: 1})",
    );
    let creator = role(&root, "creator", "Note", "create: true");
    check(
        &creator,
        &[
            ("Note.create({n: 1}).id != null", "permission_denied"),
            ("Note.create({n: -1})", "permission_denied"),
        ],
    );
    let free = role(&root, "free", "Free", "create: true");
    check(&free, &[("Free.create({n: 1}).id != null", "true")]);
    let reader = role(
        &root,
        "reader",
        "Note",
        "create: true, read: 'note => note.n != null'",
    );
    check(
        &reader,
        &[
            ("Note.create({n: 2}).n", "2"),
            ("Note.create({n: -2}).n", "constraint_failure"),
            ("Note.byId('1')!.n", "1"),
            ("Note.byId('1')!.other", "null_value"),
            ("Note.byId('1')", "null_value"),
        ],
    );
}

/// The pages of a cursor hold what may be read when they are asked for.
#[test]
fn pages_at_a_cursor_are_filtered_by_present_rights() {
    let engine = Engine::memory().expect("an engine");
    let root = engine.root();
    must(&root, "Collection.create({name: 'Note', history_days: 9})");
    must(
        &root,
        "Set.sequence(1, 7).forEach(n => Note.create({id: n, open: true}))",
    );
    let reader = role(&root, "reader", "Note", "read: 'note => note.open'");
    let cursor = must(&reader, "Note.all().paginate(2).after!");
    must(
        &root,
        "Note.byId('4')!.update({open: false}); Note.byId('5')!.delete()",
    );
    assert_eq!(
        ask(&reader, &format!("Set.paginate({cursor}, 9).data.map(.id)")),
        "[\"3\",\"6\"]"
    );
}

/// Only the role in force when a function is written decides whether it may have the role `admin`.
#[test]
fn who_may_grant_a_function_admin() {
    let engine = Engine::memory().expect("an engine");
    let root = engine.root();
    must(
        &root,
        "Function.create({name: 'asAdmin', role: 'admin', body: 'name => Function.create({name: name, role: \"admin\", body: \"() => 1\"}).name'})
         Function.create({name: 'asServer', role: 'server', body: 'name => Function.create({name: name, role: \"admin\", body: \"() => 1\"}).name'})",
    );
    let server = secret(&root, "Key.create({role: 'server'}).secret");
    let admin = secret(&root, "Key.create({role: 'admin'}).secret");
    check(
        &server,
        &[
            (
                "Function.create({name: 'a', role: 'admin', body: '() => 1'})",
                "constraint_failure",
            ),
            ("asAdmin('b')", "\"b\""),
        ],
    );
    check(
        &admin,
        &[
            ("asServer('c')", "constraint_failure"),
            ("asAdmin('d')", "\"d\""),
        ],
    );
}

/// A rest parameter does not count among those that an action's predicate must have.
#[test]
fn rest_parameters_do_not_count() {
    let engine = Engine::memory().expect("an engine");
    let root = engine.root();
    must(&root, "Collection.create({name: 'Note'})");
    let cases = [
        ("read", "(...all) => true", false),
        ("read", "(one, ...more) => true", true),
        ("write", "(...all) => true", false),
        ("write", "(old, ...more) => true", false),
        ("write", "(old, new, ...more) => true", true),
        ("create_with_id", "(...all) => true", false),
        ("call", "(...all) => true", true),
    ];
    for (at, (action, predicate, accepted)) in cases.into_iter().enumerate() {
        let text = format!(
            "Role.create({{name: 'r{at}', privileges: {{resource: 'Note', actions: {{{action}: '{predicate}'}}}}}}).name"
        );
        let expected = if accepted {
            format!("\"r{at}\"")
        } else {
            "constraint_failure".into()
        };
        assert_eq!(ask(&root, &text), expected, "{action} {predicate}");
    }
}
