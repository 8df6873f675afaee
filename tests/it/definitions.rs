//! Definitions that queries write: what is tried when they are written, in which words and where faults are told, and
//! what documents see of time.

use fql::engine::{Engine, Outcome, Request, Session};
use fql::value::format::Format;

/// A database, and its administrator.
fn database() -> Session {
    Engine::memory().expect("an engine").root()
}

fn run(session: &Session, query: &str) -> Outcome {
    session.query(&Request::text(query.to_string()))
}

/// The result of a query that succeeds.
fn value(session: &Session, query: &str) -> String {
    let outcome = run(session, query);
    match outcome.result {
        Ok(result) => result.to_text(Format::Decorated),
        Err(_) => panic!("{query}: {}", outcome.summary),
    }
}

/// The summary of a query that fails.
fn summary(session: &Session, query: &str) -> String {
    let outcome = run(session, query);
    assert!(outcome.result.is_err(), "{query} succeeds");
    outcome.summary
}

#[test]
fn a_document_bound_outside_of_at_is_read_at_its_time_inside() {
    let session = database();
    value(
        &session,
        "Collection.create({ name: 'Shelf', history_days: 1 })",
    );
    value(&session, "Shelf.create({ id: 1, books: 1 })");
    let before = value(&session, "Shelf.byId(1)!.ts");
    value(&session, "Shelf.byId(1)!.update({ books: 2 })");
    let query = format!("let shelf = Shelf.byId(1)!; [at ({before}) shelf.books, shelf.books]");
    assert_eq!(value(&session, &query), "[\n  1,\n  2\n]");
    let query = format!("let shelf = Shelf.create({{ id: 2 }}); at ({before}) shelf == null");
    assert_eq!(value(&session, &query), "true");
    let query = format!("let shelf = Shelf.all().first(); (at ({before}) shelf)!.books");
    assert_eq!(value(&session, &query), "2");
}

#[test]
fn a_check_may_compare_a_document_with_what_it_was() {
    let session = database();
    let body = "doc => { let before = at (Time.now().subtract(1, \"microsecond\")) { (doc ?? { n: 0 }).n }\n doc.n > before }";
    value(
        &session,
        &format!(
            "Collection.create({{ name: 'Counter', constraints: [{{ check: {{ name: 'grows', body: '{body}' }} }}] }})"
        ),
    );
    value(&session, "Counter.create({ id: 1, n: 5 })");
    let refused = summary(&session, "Counter.byId(1)!.update({ n: 5 })");
    assert!(
        refused.contains("Document failed check constraint `grows`"),
        "{refused}"
    );
    value(&session, "Counter.byId(1)!.update({ n: 6 })");
}

#[test]
fn defaults_of_fields_are_tried_when_written_and_told_at_their_own_text() {
    let session = database();
    let wrong = "Collection.create({ name: 'Cup', fields: { size: { signature: 'Number', default: '1 / 0' } } })";
    let told = summary(&session, wrong);
    let expected = "\
error: Failed to create Collection.
constraint failures:
  size: Default field evaluation failed.
      error: Attempted integer division by zero.
      at *field:size*:1:5
        |
      1 | 1 / 0
        |     ^
        |
at *query*:1:18
";
    assert!(told.starts_with(expected), "{told}");
    // One inside a type waits until it is needed.
    value(
        &session,
        "Collection.create({ name: 'Cup', fields: { size: { signature: '{ ml: Number = 1 / 0 }' } } })",
    );
    let told = summary(&session, "Cup.create({ size: {} })");
    assert!(told.contains("Default field evaluation failed."), "{told}");
    value(&session, "Cup.create({ size: { ml: 250 } })");
}

#[test]
fn duplicate_checks_are_listed_in_the_order_of_their_hashes() {
    let session = database();
    let check = |name: &str| format!("{{ check: {{ name: '{name}', body: '_ => true' }} }}");
    let checks = ["ok", "ok", "ko", "ko"].map(check).join(", ");
    let told = summary(
        &session,
        &format!("Collection.create({{ name: 'Foo', constraints: [{checks}] }})"),
    );
    let expected = "\
  constraints: Duplicate check constraint name 'ko'
  constraints: Duplicate check constraint name 'ok'
";
    assert!(told.contains(expected), "{told}");
}

#[test]
fn conflicts_of_type_names_are_told_at_the_write_of_each_collection() {
    let session = database();
    let told = summary(
        &session,
        "Collection.create({ name: 'Author' })\nCollection.create({ name: 'AuthorCollection' })",
    );
    let expected = "\
error: Invalid database schema update.
    error: The collection name `Author` generates types that conflict with the following existing types: AuthorCollection
    at *query*:1:18
      |
    1 | Collection.create({ name: 'Author' })
      |                  ^^^^^^^^^^^^^^^^^^^^
      |
    error: The collection name `AuthorCollection` generates types that conflict with the following existing types: AuthorCollection
    at *query*:2:18
";
    assert!(told.starts_with(expected), "{told}");
}

#[test]
fn a_backfill_has_the_type_of_its_field_before_later_migrations() {
    let session = database();
    value(
        &session,
        "Collection.create({ name: 'Box', fields: { open: { signature: 'Boolean' } } })",
    );
    value(&session, "Box.create({ id: 1, open: true })");
    value(
        &session,
        r#"Collection.byName("Box")!.update({
          fields: { size: { signature: "{ width: Int }" } },
          migrations: [
            { add: { field: ".size" } },
            { backfill: { field: ".size", value: "{ w: 3 }" } },
            { move: { field: ".size.w", to: ".size.width" } }
          ]
        })"#,
    );
    assert_eq!(value(&session, "Box.byId(1)!.size.width"), "3");
}

#[test]
fn a_schema_whose_text_repeats_something_is_refused() {
    let session = database();
    value(&session, "Collection.create({ name: 'Shelf' })");
    let told = summary(
        &session,
        "Role.create({ name: 'reader', privileges: [{ resource: 'Shelf', actions: { read: true } }, { resource: 'Shelf', actions: {} }] })",
    );
    let expected = "\
error: Invalid database schema update.
    error: Duplicate privileges `Shelf`
    at main.fsl:16:14
       |
    16 |   privileges Shelf {
       |              ^^^^^
       |
    hint: Originally defined here
    at main.fsl:13:14
       |
    13 |   privileges Shelf {
       |              ^^^^^
       |
at *query*:1:12
";
    assert!(told.starts_with(expected), "{told}");
    let told = summary(
        &session,
        "Role.create({ name: 'reader', membership: [{ resource: 'Shelf' }, { resource: 'Shelf' }] })",
    );
    assert!(
        told.contains("error: Duplicate membership `Shelf`\n"),
        "{told}"
    );
    let told = summary(
        &session,
        "Collection.create({ name: 'Book', constraints: [{ unique: ['a', 'b'] }, { unique: ['b', 'a'] }] })",
    );
    let expected = "\
    error: Duplicate unique constraint.
    at main.fsl:14:10
       |
    14 |   unique [.b, .a]
       |          ^^^^^^^^
       |
    hint: This unique constraint covers the same fields.
    at main.fsl:13:10
       |
    13 |   unique [.a, .b]
       |          ^^^^^^^^
       |
";
    assert!(told.contains(expected), "{told}");
}

#[test]
fn a_definition_reached_by_its_collection_shows_the_name_its_reader_knows() {
    let session = database();
    value(&session, "Collection.create({ name: 'Shelf' })");
    value(
        &session,
        "Function.create({ name: 'twice', body: 'x => x + x' })",
    );
    let client = session.with_role(Some("client".into()));
    assert_eq!(
        value(&client, "Shelf.definition"),
        "Collection.byName(\"Shelf\") /* permission denied */"
    );
    assert_eq!(value(&client, "twice.definition.name"), "\"twice\"");
}

/// A unique constraint that is added to documents which violate it already (`spec schema-fsl 7`).
#[test]
fn a_unique_constraint_over_equal_documents_has_failed() {
    let session = database();
    let run = |query: &str| value(&session, query);
    let constraint = |coll: &str, paths: &str| {
        run(&format!(
            "{coll}.definition.update({{ constraints: [{{ unique: [{paths}] }}] }}).name"
        ))
    };
    let status = |coll: &str| run(&format!("{coll}.definition.constraints[0]!.status"));
    let settled = |coll: &str| {
        let started = std::time::Instant::now();
        while status(coll).contains("pending") {
            assert!(started.elapsed().as_secs() < 60, "still being built");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        status(coll)
    };
    run("Collection.create({ name: 'Few' })");
    run("[{ a: 1, b: 1 }, { a: 1, b: 2 }, { b: 3 }, { b: 4 }].forEach(Few.create)");
    constraint("Few", "'b'");
    assert_eq!(status("Few"), r#""active""#);
    // Documents without a value do not conflict, equal ones do.
    constraint("Few", "'a'");
    assert_eq!(status("Few"), r#""failed""#);
    assert!(summary(&session, "Few.create({ a: 1 })").contains("Failed unique constraint"));
    // It is looked at again when it is made anew.
    run("Few.definition.update({ constraints: [] })");
    run("Few.where(.b == 2).first()!.delete()");
    constraint("Few", "'a'");
    assert_eq!(status("Few"), r#""active""#);

    // One that shares the entries of an index, which stays what it is.
    run("Collection.create({ name: 'Shared', indexes: { byA: { terms: [{ field: '.a' }] } } })");
    run("Shared.create({ a: 1 })");
    run("Shared.create({ a: 1 })");
    constraint("Shared", "'a'");
    assert_eq!(status("Shared"), r#""failed""#);
    assert_eq!(
        run("Shared.definition.indexes.byA!.status"),
        r#""complete""#
    );
    assert_eq!(run("Shared.byA(1).count()"), "2");
    run("Shared.definition.update({ constraints: [] })");
    run("Shared.all().first()!.delete()");
    constraint("Shared", "'a'");
    assert_eq!(status("Shared"), r#""active""#);

    // Many documents are looked at in the background.
    run("Collection.create({ name: 'Many' })");
    run("Set.sequence(0, 3000).forEach(i => Many.create({ n: i, half: i / 2 }))");
    assert_eq!(run("Many.all().count()"), "3000");
    constraint("Many", "'n'");
    assert_eq!(settled("Many"), r#""active""#);
    constraint("Many", "'half'");
    assert_eq!(settled("Many"), r#""failed""#);
}
