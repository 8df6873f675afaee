//! Schema files put in force and staged: what queries see meanwhile, and what becomes of it.

use fql::engine::schema_files::{
    DiffFormat, ItemChange, SchemaAnswer, SchemaBody, SchemaCall, SchemaRequest, Show, Upload,
};
use fql::engine::{Engine, Request, Session};
use fql::fsl::Kind;
use fql::value::format::Format;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A database that may have a staged schema.
fn database() -> (Arc<Engine>, Session) {
    let engine = Engine::memory().expect("an engine");
    let root = engine.root();
    run(&root, "Database.create({ name: 'db' })");
    (engine, root.in_database(vec!["db".into()]))
}

/// The result of a query, as plain JSON.
fn run(session: &Session, query: &str) -> String {
    let outcome = session.query(&Request::text(query));
    match outcome.result {
        Ok(value) => value.to_text(Format::Simple),
        Err(error) => panic!("{query}: {}\n{}", error.message, outcome.summary),
    }
}

/// What a refused query says.
fn refusal(session: &Session, query: &str) -> String {
    let outcome = session.query(&Request::text(query));
    assert!(outcome.result.is_err(), "{query} succeeded");
    outcome.summary
}

fn ask(session: &Session, call: SchemaCall) -> Result<SchemaAnswer, String> {
    let request = SchemaRequest {
        call,
        version: None,
        force: false,
    };
    let answer = session.schema(&request);
    answer.map_err(|refusal| refusal.message().to_string())
}

fn upload(files: &[(&str, &str)]) -> Upload {
    let files = files.iter();
    Upload {
        files: files
            .map(|(name, text)| (name.to_string(), text.to_string()))
            .collect(),
        whole: true,
    }
}

fn try_push(session: &Session, text: &str, staged: bool) -> Result<i64, String> {
    let upload = upload(&[("main.fsl", text)]);
    ask(session, SchemaCall::Update { upload, staged }).map(|answer| answer.version)
}

fn push(session: &Session, text: &str) {
    try_push(session, text, false).expect(text);
}

fn stage(session: &Session, text: &str) {
    try_push(session, text, true).expect(text);
}

fn status(session: &Session) -> &'static str {
    let answer = ask(session, SchemaCall::Status(None)).expect("a status");
    match answer.body {
        SchemaBody::Status { status, .. } => status,
        other => panic!("{other:?}"),
    }
}

const SEMANTIC: Show = Show {
    format: DiffFormat::Semantic,
    colors: false,
};

/// What is pending, and the difference to the schema in force.
fn details(session: &Session) -> Result<(String, String), String> {
    match ask(session, SchemaCall::Status(Some(SEMANTIC)))?.body {
        SchemaBody::Status { details, .. } => Ok(details.expect("details")),
        other => panic!("{other:?}"),
    }
}

fn wait_until_built(session: &Session) {
    let since = Instant::now();
    while status(session) == "pending" {
        assert!(since.elapsed() < Duration::from_secs(60), "never built");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn commit(session: &Session) {
    wait_until_built(session);
    ask(session, SchemaCall::Commit).expect("a commit");
}

fn abandon(session: &Session) {
    ask(session, SchemaCall::Abandon).expect("to abandon");
}

fn names(session: &Session, staged: bool) -> Vec<String> {
    match ask(session, SchemaCall::Files { staged })
        .expect("names")
        .body
    {
        SchemaBody::Files(names) => names,
        other => panic!("{other:?}"),
    }
}

fn content(session: &Session, name: &str, staged: bool) -> Option<String> {
    let name = name.to_string();
    match ask(session, SchemaCall::File { name, staged }).ok()?.body {
        SchemaBody::Content(content) => Some(content),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_upload_is_kept_to_the_letter_and_what_is_the_same_is_left_alone() {
    let (_engine, db) = database();
    let text = "// Mine.\ncollection   Post { }\n\nfunction F( x ) { x+1 }\n";
    push(&db, text);
    assert_eq!(content(&db, "main.fsl", false).as_deref(), Some(text));
    assert_eq!(run(&db, "F(1)"), "2");
    let before = run(&db, "Function.byName('F')!.ts");
    run(&db, "Function.byName('F')!.update({ data: { note: 1 } })");
    let noted = run(&db, "Function.byName('F')!.ts");
    assert_ne!(before, noted);
    push(&db, "collection Post {}\nfunction F(x) { x + 1 }");
    assert_eq!(run(&db, "Function.byName('F')!.ts"), noted);
    push(&db, "collection Post {}\nfunction F(x) { x + 2 }");
    assert_eq!(run(&db, "[F(1), F.definition.data?.note]"), "[3,1]");
    // What is not sent is gone; without an upload, everything.
    push(&db, "function F(x) { x + 2 }");
    assert_eq!(run(&db, "Collection.all().count()"), "0");
    let upload = Upload {
        files: Vec::new(),
        whole: true,
    };
    let staged = false;
    ask(&db, SchemaCall::Update { upload, staged }).expect("an update");
    assert_eq!(run(&db, "Function.all().count()"), "0");
    assert!(names(&db, false).is_empty());
}

#[test]
fn files_beside_those_that_are_sent_stay() {
    let (_engine, db) = database();
    push(&db, "collection Post {}");
    let mut part = upload(&[("a.fsl", "function Count() { Post.all().count() }")]);
    part.whole = false;
    let call = SchemaCall::Update {
        upload: part.clone(),
        staged: false,
    };
    ask(&db, call).expect("an update");
    assert_eq!(names(&db, false), ["main.fsl", "a.fsl"]);
    assert_eq!(run(&db, "Count()"), "0");
    // A blank file deletes the stored one.
    part.files[0].1 = " \n".into();
    let call = SchemaCall::Update {
        upload: part,
        staged: false,
    };
    ask(&db, call).expect("an update");
    assert_eq!(names(&db, false), ["main.fsl"]);
    assert_eq!(run(&db, "Function.all().count()"), "0");
}

#[test]
fn a_refused_upload_changes_nothing() {
    let (_engine, db) = database();
    push(&db, "collection Post {}");
    run(&db, "Post.create({ a: 1 })");
    for wrong in [
        "collection Post {",
        "collection Post {} function f() { Nope.all() }",
        "collection Post { a: Int }",
        "@role(ghost) function f() { 1 }",
    ] {
        assert!(try_push(&db, wrong, false).is_err(), "{wrong}");
        assert!(try_push(&db, wrong, true).is_err(), "{wrong}");
    }
    assert_eq!(status(&db), "none");
    assert_eq!(
        content(&db, "main.fsl", false).as_deref(),
        Some("collection Post {}")
    );
    assert_eq!(run(&db, "Post.all().count()"), "1");
}

#[test]
fn functions_are_those_in_force_until_the_commit() {
    let (_engine, db) = database();
    push(&db, "function foo() { 1 }");
    assert_eq!(status(&db), "none");
    stage(&db, "function foo() { 2 }\nfunction bar() { 3 }");
    assert_eq!(status(&db), "ready");
    assert_eq!(run(&db, "foo()"), "1");
    assert!(refusal(&db, "bar()").contains("Unbound variable `bar`"));
    assert_eq!(
        run(&db, "Function.all().map(.name).toArray()"),
        r#"["foo","bar"]"#
    );
    let (pending, diff) = details(&db).expect("details");
    assert_eq!(pending, "");
    assert!(
        diff.contains("* Adding function `bar` to main.fsl:2:1"),
        "{diff}"
    );
    commit(&db);
    assert_eq!(status(&db), "none");
    assert_eq!(run(&db, "[foo(), bar()]"), "[2,3]");
    let refused = ask(&db, SchemaCall::Commit).expect_err("a refusal");
    assert_eq!(refused, "There is no staged schema to commit");
}

#[test]
fn what_is_abandoned_was_never_there() {
    let (_engine, db) = database();
    let text = "collection User {\n  name: String\n  index byName {\n    terms [.name]\n  }\n}\nfunction foo() { 1 }";
    push(&db, text);
    run(&db, "User.create({ name: 'Alice' })");
    let before = run(&db, "Collection.byName('User')!.indexes");
    stage(
        &db,
        "collection User {
           name: String
           email: String
           migrations { add .email; backfill .email = '' }
           index byEmail { terms [.email] }
         }
         collection Foo {}
         role r {}
         function foo() { 2 }",
    );
    assert_eq!(
        run(&db, "Collection.all().map(.name).toArray()"),
        r#"["User","Foo"]"#
    );
    abandon(&db);
    assert_eq!(status(&db), "none");
    assert_eq!(
        run(&db, "Collection.all().map(.name).toArray()"),
        r#"["User"]"#
    );
    assert_eq!(run(&db, "Role.all().count()"), "0");
    assert_eq!(run(&db, "Collection.byName('User')!.indexes"), before);
    assert_eq!(run(&db, "[foo(), User.byName('Alice').count()]"), "[1,1]");
    assert_eq!(content(&db, "main.fsl", true).as_deref(), Some(text));
    let refused = ask(&db, SchemaCall::Abandon).expect_err("a refusal");
    assert_eq!(refused, "There is no staged schema to abandon");
    // The same can be staged again.
    stage(
        &db,
        "collection User { name: String; index byName { terms [.name] } }",
    );
    commit(&db);
    assert_eq!(run(&db, "User.byName('Alice').count()"), "1");
}

#[test]
fn documents_have_the_shape_in_force() {
    let (_engine, db) = database();
    push(
        &db,
        "collection User { name: String }\nfunction add() { User.create({ name: 'Carol' }) }",
    );
    run(&db, "User.create({ name: 'Alice' })");
    stage(
        &db,
        "collection User {
           first_name: String
           email: String
           migrations {
             add .email
             backfill .email = 'none'
             move .name -> .first_name
           }
         }
         function add() { User.create({ first_name: 'Other', email: 'x' }) }",
    );
    run(&db, "User.create({ name: 'Bob' })");
    run(&db, "add()");
    let all = "User.all().map(d => { let d: Any = d; [d.name, d.first_name, d.email] }).toArray()";
    assert_eq!(
        run(&db, all),
        r#"[["Alice",null,null],["Bob",null,null],["Carol",null,null]]"#
    );
    commit(&db);
    assert_eq!(
        run(&db, all),
        r#"[[null,"Alice","none"],[null,"Bob","none"],[null,"Carol","none"]]"#
    );
}

#[test]
fn staged_indexes_are_kept_by_writes_and_follow_staged_migrations() {
    let (_engine, db) = database();
    push(
        &db,
        "collection User { name: String; email: String; index byName { terms [.name] } }",
    );
    run(&db, "User.create({ id: 1, name: 'Alice', email: 'a' })");
    run(&db, "User.create({ id: 2, name: 'Bob', email: 'b' })");
    stage(
        &db,
        "collection User {
           name: String
           mail: String
           migrations { move .email -> .mail }
           index byName { terms [.name] }
           index byMail { terms [.mail]; values [.name] }
         }",
    );
    assert_eq!(status(&db), "ready");
    assert_eq!(run(&db, "let u: Any = User\nu.byMail"), "null");
    run(&db, "User.create({ id: 3, name: 'Carol', email: 'c' })");
    run(&db, "User.byId('2')!.update({ email: 'bb' })");
    run(&db, "User.byId('1')!.delete()");
    assert_eq!(
        run(&db, "User.byName('Carol').map(.email).toArray()"),
        r#"["c"]"#
    );
    commit(&db);
    let found = "['a', 'b', 'bb', 'c'].map(mail => User.byMail(mail).map(.id).toArray())";
    assert_eq!(run(&db, found), r#"[[],[],["2"],["3"]]"#);
    assert_eq!(run(&db, "User.byName('Bob').count()"), "1");
}

#[test]
fn an_index_that_both_schemas_have_serves_both() {
    let (_engine, db) = database();
    push(
        &db,
        "collection User { email: String; index byEmail { terms [.email] } }",
    );
    run(&db, "User.create({ email: 'a' })");
    let renamed = "collection User {
        mail: String
        migrations { move .email -> .mail }
        index byEmail { terms [.mail] }
      }";
    stage(&db, renamed);
    run(&db, "User.create({ email: 'b' })");
    assert_eq!(run(&db, "User.byEmail('b').count()"), "1");
    // Staging the same again goes on with it.
    stage(&db, renamed);
    run(&db, "User.create({ email: 'c' })");
    commit(&db);
    run(&db, "User.create({ mail: 'd' })");
    assert_eq!(
        run(
            &db,
            "['a', 'b', 'c', 'd'].map(x => User.byEmail(x).count())"
        ),
        "[1,1,1,1]"
    );
}

#[test]
fn what_the_staged_schema_does_without_stays_until_the_commit() {
    let (_engine, db) = database();
    push(
        &db,
        "collection User { name: String; index byName { terms [.name] } }\ncollection Loser { *: Any }",
    );
    run(&db, "User.create({ name: 'Alice' })");
    run(&db, "Loser.create({ id: 1, a: 1 })");
    stage(&db, "collection User { name: String }");
    run(&db, "User.create({ name: 'Bob' })");
    run(&db, "Loser.create({ id: 2, a: 2 })");
    assert_eq!(
        run(&db, "User.byName('Bob').count() + Loser.all().count()"),
        "3"
    );
    assert_eq!(run(&db, "Collection.byName('Loser').exists()"), "false");
    abandon(&db);
    assert_eq!(
        run(&db, "User.byName('Bob').count() + Loser.all().count()"),
        "3"
    );
    stage(&db, "collection User { name: String }");
    commit(&db);
    assert!(refusal(&db, "Loser.all()").contains("Unbound variable `Loser`"));
    assert!(refusal(&db, "User.byName('Bob')").contains("does not have field `byName`"));
}

#[test]
fn queries_write_to_the_staged_schema() {
    let (_engine, db) = database();
    push(&db, "collection Foo {}\ncollection Bar {}");
    stage(&db, "collection Foo {}\ncollection Bar {}");
    run(&db, "Collection.byName('Bar')!.update({ name: 'Baz' })");
    run(&db, "Collection.create({ name: 'Post' })");
    run(&db, "[Foo.all().count(), Bar.all().count()]");
    assert!(refusal(&db, "Post.all()").contains("Unbound variable `Post`"));
    assert_eq!(
        run(&db, "Collection.all().map(.name).toArray()"),
        r#"["Foo","Baz","Post"]"#
    );
    assert_eq!(run(&db, "Collection.byName('Bar').exists()"), "false");
    run(&db, "Bar.create({ id: 1 })");
    commit(&db);
    assert_eq!(run(&db, "[Baz.all().count(), Post.all().count()]"), "[1,0]");
}

#[test]
fn a_second_upload_takes_the_place_of_what_was_staged() {
    let (_engine, db) = database();
    push(
        &db,
        "collection User { name: String; email: String; phone: String }",
    );
    run(&db, "User.create({ name: 'A', email: 'e', phone: 'p' })");
    stage(
        &db,
        "collection User { name: String; email: String; phone: String; index byEmail { terms [.email] } }",
    );
    stage(
        &db,
        "collection User { name: String; email: String; phone: String; index byPhone { terms [.phone] } }",
    );
    run(&db, "User.create({ name: 'B', email: 'f', phone: 'q' })");
    commit(&db);
    assert_eq!(
        run(
            &db,
            "[User.byPhone('p').count(), User.byPhone('q').count()]"
        ),
        "[1,1]"
    );
    assert!(refusal(&db, "User.byEmail('e')").contains("byEmail"));
}

#[test]
fn a_staged_unique_constraint_fails_by_itself() {
    let (_engine, db) = database();
    push(&db, "collection User { name: String }");
    run(&db, "User.create({ name: 'A' })");
    stage(&db, "collection User { name: String; unique [.name] }");
    assert_eq!(status(&db), "ready");
    // The constraint is not in force.
    run(&db, "User.create({ name: 'A' })");
    assert_eq!(status(&db), "failed");
    let (pending, _) = details(&db).expect("details");
    assert_eq!(
        pending,
        "* Collection User:\n  ! unique constraint on [.name]: failed\n"
    );
    let refused = ask(&db, SchemaCall::Commit).expect_err("a refusal");
    assert_eq!(
        refused,
        "Cannot commit schema in the `failed` state. Check schema status for details."
    );
    abandon(&db);
    run(&db, "User.create({ name: 'A' })");
    assert_eq!(run(&db, "User.all().count()"), "3");
}

#[test]
fn large_indexes_are_built_while_they_are_staged() {
    let (_engine, db) = database();
    push(&db, "collection User { name: String }");
    for batch in 0..5 {
        run(
            &db,
            &format!(
                "Set.sequence(0, 600).forEach(i => User.create({{ name: \"user-{batch}-#{{i}}\" }}))"
            ),
        );
    }
    stage(
        &db,
        "collection User { name: String; index byName { terms [.name] } }",
    );
    let seen = status(&db);
    if seen == "pending" {
        let refused = ask(&db, SchemaCall::Commit).expect_err("a refusal");
        // It may have been built just now.
        let early = "Cannot commit schema before it is in the `ready` state. Check schema status for details.";
        assert_eq!(refused, early);
        let (pending, _) = details(&db).expect("details");
        assert!(
            ["", "* Collection User:\n  ~ index byName: building\n"].contains(&pending.as_str()),
            "{pending}"
        );
    }
    run(&db, "User.create({ name: 'late' })");
    wait_until_built(&db);
    assert_eq!(status(&db), "ready");
    commit(&db);
    assert_eq!(
        run(
            &db,
            "[User.byName('user-0-0').count(), User.byName('user-4-599').count(), User.byName('late').count()]"
        ),
        "[1,1,1]"
    );
}

#[test]
fn a_commit_checks_again() {
    let (_engine, db) = database();
    push(&db, "collection User {}");
    // Nothing is in the way of it yet.
    stage(&db, "collection User {\n  name: String\n}");
    run(&db, "User.create({ id: 0, foo: 3 })");
    let refused = ask(&db, SchemaCall::Commit).expect_err("a refusal");
    let expected = "error: Field `.name` is not present in the live schema\nat main.fsl:2:3\n";
    assert!(refused.starts_with(expected), "{refused}");
    assert!(details(&db).expect_err("a refusal").starts_with(expected));
    assert_eq!(status(&db), "ready");
    // With migrations that hold for documents that came meanwhile, it is in order.
    abandon(&db);
    run(&db, "User.byId('0')!.delete()");
    push(&db, "collection Other {}");
    stage(
        &db,
        "collection Other {
           name: String
           rest: { *: Any }?
           *: Any
           migrations { add .rest; add .name; backfill .name = 'x'; move_conflicts .rest }
         }",
    );
    run(&db, "Other.create({ name: 7 })");
    commit(&db);
    assert_eq!(
        run(&db, "Other.all().map(d => [d.name, d.rest]).toArray()"),
        r#"[["x",{"name":7}]]"#
    );
}

#[test]
fn keys_follow_a_role_when_its_new_name_is_in_force() {
    let (engine, db) = database();
    push(
        &db,
        "collection Post {}\nrole reader { privileges Post { read } }",
    );
    run(&db, "Post.create({ id: 1 })");
    let secret = run(&db, "Key.create({ role: 'reader' }).secret");
    let reader = engine.with_secret(secret.trim_matches('"'));
    stage(
        &db,
        "collection Post {}\nrole reader { privileges Post { read } }",
    );
    run(&db, "Role.byName('reader')!.update({ name: 'viewer' })");
    assert_eq!(run(&reader, "Post.all().count()"), "1");
    commit(&db);
    assert_eq!(run(&reader, "Post.all().count()"), "1");
    assert_eq!(run(&db, "Key.all().first()!.role"), r#""viewer""#);
}

#[test]
fn a_staged_schema_survives_the_process() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("staged.db");
    {
        let engine = Engine::open(&path).expect("an engine");
        run(&engine.root(), "Database.create({ name: 'db' })");
        let db = engine.root().in_database(vec!["db".into()]);
        push(&db, "collection User { name: String }\nfunction f() { 1 }");
        run(&db, "User.create({ name: 'A' })");
        stage(
            &db,
            "collection User { name: String; index byName { terms [.name] } }\nfunction f() { 2 }",
        );
    }
    for round in 0..2 {
        let engine = Engine::open(&path).expect("an engine");
        let db = engine.root().in_database(vec!["db".into()]);
        assert_eq!(run(&db, "f()"), "1", "{round}");
        assert_eq!(status(&db), "ready");
        run(&db, "User.create({ name: 'A' })");
    }
    {
        let engine = Engine::open(&path).expect("an engine");
        let db = engine.root().in_database(vec!["db".into()]);
        commit(&db);
    }
    let engine = Engine::open(&path).expect("an engine");
    let db = engine.root().in_database(vec!["db".into()]);
    assert_eq!(run(&db, "[f(), User.byName('A').count()]"), "[2,3]");
}

#[test]
fn databases_stage_for_themselves() {
    let (engine, db) = database();
    run(&engine.root(), "Database.create({ name: 'other' })");
    let other = engine.root().in_database(vec!["other".into()]);
    run(&db, "Database.create({ name: 'below' })");
    let below = engine.root().in_database(vec!["db".into(), "below".into()]);
    for session in [&db, &other, &below] {
        push(session, "function f() { 1 }");
    }
    stage(&db, "function f() { 2 }");
    assert_eq!([&db, &other, &below].map(status), ["ready", "none", "none"]);
    push(&other, "function f() { 3 }");
    push(&below, "function f() { 4 }");
    assert_eq!(
        [&db, &other, &below].map(|s| run(s, "f()")),
        ["1", "3", "4"]
    );
    commit(&db);
    assert_eq!(
        [&db, &other, &below].map(|s| run(s, "f()")),
        ["2", "3", "4"]
    );
    // A staged database can be dropped, and comes back empty.
    stage(&db, "function f() { 5 }");
    run(&engine.root(), "Database.byName('db')!.delete()");
    run(&engine.root(), "Database.create({ name: 'db' })");
    assert_eq!(status(&db), "none");
    assert!(names(&db, true).is_empty());
    let root = ask(&engine.root(), SchemaCall::Status(None)).expect_err("a refusal");
    assert_eq!(root, "Schema cannot be staged in the root database");
    assert!(try_push(&engine.root(), "function f() { 1 }", true).is_err());
    push(&engine.root(), "function f() { 1 }");
}

#[test]
fn of_two_who_saw_the_same_version_one_wins() {
    let (_engine, db) = database();
    push(&db, "function f() { 0 }");
    let seen = ask(&db, SchemaCall::Files { staged: false })
        .expect("files")
        .version;
    let answers: Vec<_> = std::thread::scope(|scope| {
        let pushes = (1..=4).map(|n| {
            let db = db.clone();
            scope.spawn(move || {
                let text = format!("function f() {{ {n} }}");
                let request = SchemaRequest {
                    call: SchemaCall::Update {
                        upload: upload(&[("main.fsl", &text)]),
                        staged: false,
                    },
                    version: Some(seen),
                    force: false,
                };
                (n, db.schema(&request))
            })
        });
        let pushes: Vec<_> = pushes.collect();
        let answers = pushes.into_iter().map(|push| push.join().expect("a push"));
        answers.collect()
    });
    let won: Vec<_> = answers
        .iter()
        .filter(|(_, answer)| answer.is_ok())
        .collect();
    assert_eq!(won.len(), 1);
    for (_, answer) in &answers {
        if let Err(refusal) = answer {
            assert_eq!(refusal.message(), "Stale schema version provided");
        }
    }
    assert_eq!(run(&db, "f()"), won[0].0.to_string());
}

#[test]
fn writers_and_a_stage_at_once_lose_nothing() {
    let (_engine, db) = database();
    push(&db, "collection User { n: Int }");
    std::thread::scope(|scope| {
        for writer in 0..2 {
            let db = db.clone();
            scope.spawn(move || {
                for n in 0..60 {
                    run(&db, &format!("User.create({{ n: {} }})", writer * 1000 + n));
                }
            });
        }
        for index in [
            "byN { terms [.n] }",
            "sorted { values [.n] }",
            "byN { terms [.n] }",
        ] {
            stage(&db, &format!("collection User {{ n: Int; index {index} }}"));
        }
    });
    commit(&db);
    let found = "[User.all().count(), User.all().where(u => User.byN(u.n).count() == 1).count()]";
    assert_eq!(run(&db, found), "[120,120]");
}

#[test]
fn items_are_changed_in_the_staged_schema() {
    let (_engine, db) = database();
    push(&db, "collection Foo {}");
    stage(&db, "collection Foo {}");
    let change = ItemChange::Replace("Foo".into(), "collection Bar {}".into());
    let call = SchemaCall::ChangeItem {
        kind: Kind::Collection,
        change,
        validate: None,
    };
    ask(&db, call).expect("a change");
    run(&db, "Foo.all().count()");
    assert_eq!(
        content(&db, "main.fsl", false).as_deref(),
        Some("collection Foo {}")
    );
    assert_eq!(
        content(&db, "main.fsl", true).as_deref(),
        Some("collection Bar {}")
    );
    commit(&db);
    assert_eq!(run(&db, "Bar.all().count()"), "0");
}

#[test]
fn differences_are_told_to_what_is_in_force_or_staged() {
    let (_engine, db) = database();
    push(&db, "function f() { 1 }");
    stage(&db, "function f() { 2 }");
    let differs = |text: &str, staged| {
        let call = SchemaCall::Diff {
            upload: upload(&[("main.fsl", text)]),
            staged,
            show: SEMANTIC,
        };
        match ask(&db, call).expect("a difference").body {
            SchemaBody::Diff(diff) => !diff.is_empty(),
            other => panic!("{other:?}"),
        }
    };
    assert!(!differs("function f() { 1 }", false));
    assert!(differs("function f() { 2 }", false));
    assert!(differs("function f() { 1 }", true));
    assert!(!differs("function f() { 2 }", true));
}

#[test]
fn errors_of_queries_stand_in_the_files_they_would_change() {
    let (_engine, db) = database();
    let files = [
        ("a.fsl", "// mine\ncollection   Foo {}\n"),
        ("b.fsl", "function f() {\n    Foo.all().count()\n}\n"),
    ];
    let staged = false;
    let upload = upload(&files);
    ask(&db, SchemaCall::Update { upload, staged }).expect("an update");
    let said = refusal(&db, "Collection.byName('Foo')!.delete()");
    assert!(
        said.contains("error: Unbound variable `Foo`\n    at b.fsl:2:5\n"),
        "{said}"
    );
    let said = refusal(
        &db,
        "Role.create({ name: 'r', membership: [{ resource: 'Foo' }, { resource: 'Foo' }] })",
    );
    assert!(
        said.contains("error: Duplicate membership `Foo`\n    at main.fsl:"),
        "{said}"
    );
    assert!(!said.contains("collection"), "{said}");
    // What does not change stays to the letter; what is new goes to the main file.
    run(&db, "Collection.create({ name: 'Bar' })");
    run(&db, "Foo.definition.update({ alias: 'F' })");
    assert_eq!(names(&db, false), ["a.fsl", "b.fsl", "main.fsl"]);
    assert_eq!(content(&db, "b.fsl", false).as_deref(), Some(files[1].1));
    let a = content(&db, "a.fsl", false).expect("a file");
    assert!(a.contains("// mine") && a.contains("@alias(F)"), "{a}");
}
