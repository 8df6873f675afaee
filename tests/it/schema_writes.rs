//! What writes of schema documents say and do, beyond the conformance cases: each expectation is what the original's
//! source or tests give.

use super::schema_text::session;
use fql::engine::{Request, Session};
use fql::value::format::Format;

/// What a refused query says, up to its place in the query itself.
fn refusal(session: &Session, query: &str) -> String {
    let outcome = session.query(&Request::text(query));
    assert!(outcome.result.is_err(), "{query}");
    let summary = outcome.summary;
    match summary.find("\nat *query*") {
        Some(end) => summary[..end].to_string(),
        None => summary,
    }
}

fn assert_refused(session: &Session, query: &str, expected: &str) {
    assert_eq!(refusal(session, query), expected, "{query}");
}

fn simple(session: &Session, query: &str) -> String {
    let outcome = session.query(&Request::text(query));
    match outcome.result {
        Ok(value) => value.to_text(Format::Simple),
        Err(error) => panic!("{query}\n{}: {}", error.code, outcome.summary),
    }
}

const FOO: [&str; 2] = [
    r#"Collection.create({ name: "Foo", fields: { a: { signature: "Int" } } })"#,
    "Foo.create({ a: 3 })",
];

#[test]
fn a_wrong_value_for_existing_documents_is_told_where_it_stands() {
    let session = session(&FOO);
    assert_refused(
        &session,
        r#"Foo.definition.update({ fields: { b: { signature: "Int", default: "{ let x: Any = '0'; x }" } }, migrations: [{ add: { field: ".b" } }] })"#,
        "error: Invalid database schema update.
    error: Failed to convert backfill value.
    constraint failures:
      b: Expected Int, provided String
    at foo:1:1
      |
    1 | { let x: Any = '0'; x }
      | ^^^^^^^^^^^^^^^^^^^^^^^
      |",
    );
    assert_refused(
        &session,
        r#"Foo.definition.update({ fields: { b: { signature: "Ref<Foo>" } }, migrations: [{ add: { field: ".b" } }] })"#,
        "error: Invalid database schema update.
    error: Failed to convert backfill value.
    constraint failures:
      b: Expected Foo | NullFoo, provided Null
    at *field:Foo:b*:1:1
      |
    1 | Ref<Foo>
      | ^^^^^^^^
      |",
    );
    let backfill = |ty: &str, value: &str| {
        format!(
            r#"Foo.definition.update({{ fields: {{ b: {{ signature: "{ty}" }} }}, migrations: [{{ add: {{ field: ".b" }} }}, {{ backfill: {{ field: ".b", value: "{value}" }} }}] }})"#
        )
    };
    assert_refused(
        &session,
        &backfill("Int", "{ let x: Any = newId(); x }"),
        "error: Invalid database schema update.
    error: Failed to convert migration.
    constraint failures:
      Value has type ID, which cannot be persisted.
    at <no source>",
    );
    assert_refused(
        &session,
        &backfill("Any", "[0, { a: () => true }]"),
        "error: Invalid database schema update.
    error: Failed to convert migration.
    constraint failures:
      [1].a: Value has type Lambda, which cannot be persisted.
    at <no source>",
    );
    assert_refused(
        &session,
        &backfill("Number", "1 / 0"),
        "error: Invalid database schema update.
    error: Attempted integer division by zero.
    at <no source>",
    );
}

#[test]
fn a_backfill_may_read() {
    let session = session(&FOO);
    simple(
        &session,
        r#"Foo.definition.update({ fields: { b: { signature: "Number" } }, migrations: [{ add: { field: ".b" } }, { backfill: { field: ".b", value: "Foo.all().count() + 1" } }] })"#,
    );
    assert_eq!(simple(&session, "Foo.all().first()!.b"), "2");
}

#[test]
fn text_beyond_the_basic_plane_is_escaped_in_canonical_text() {
    let session = session(&[
        r#"Collection.create({ name: "Foo", computed_fields: { x: { body: "_ => '😀 é'" } } })"#,
    ]);
    let text = session.schema_text().expect("the schema");
    assert!(
        text.contains(r#"compute x = (_) => "\u{01f600} é""#),
        "{text}"
    );
    assert_refused(
        &session,
        "let x: Int = '\u{10fffe}'\nx",
        r#"error: Type `"\u{10fffe}"` is not a subtype of `Int`"#,
    );
}

/// What stands before a schema whose text cannot be read has five lines.
#[test]
fn what_cannot_stand_in_the_text_of_a_schema_is_refused() {
    let session = session(&[]);
    let invalid = "error: Invalid database schema update.\n";
    let function = |body: &str, signature: &str| {
        format!(r#"Function.create({{ name: "f", body: "{body}", signature: "{signature}" }})"#)
    };
    assert_refused(
        &session,
        &function("(x, y) => x", "(a: Int) => Int"),
        &format!(
            "{invalid}    error: All or no arguments must have a type
    at main.fsl:9:20
      |
    9 | function f(x: Int, y): Int {{
      |                    ^
      |
    hint: Expecting types due to this type annotation
      |
    9 | function f(x: Int, y): Int {{
      |               ^^^
      |"
        ),
    );
    assert_refused(
        &session,
        &function("(x) => x", "() => Int"),
        &format!(
            "{invalid}    error: Return type is not allowed when arguments do not have a type
    at main.fsl:9:16
      |
    9 | function f(x): Int {{
      |                ^^^
      |
    hint: Expecting no types due to this argument not having a type
      |
    9 | function f(x): Int {{
      |            ^
      |"
        ),
    );
    assert_refused(
        &session,
        r#"Function.create({ name: "f", alias: "f", body: "() => 1" })"#,
        &format!(
            "{invalid}    error: Duplicate collection or function `f`
    at main.fsl:9:8
      |
    9 | @alias(f)
      |        ^
      |
    hint: Originally defined here
    at main.fsl:10:10
       |
    10 | function f() {{
       |          ^
       |"
        ),
    );
    let collection = |rest: &str| {
        format!(
            r#"Collection.create({{ name: "A", fields: {{ a: {{ signature: "{{ b: Int = 3 }}" {rest} }})"#
        )
    };
    assert_refused(
        &session,
        &collection(r#", default: "Foo" } }"#),
        "error: Failed to create Collection.
constraint failures:
  a: Default field evaluation failed.
      error: Unbound variable `Foo`
      at *field:a*:1:1
        |
      1 | Foo
        | ^^^
        |",
    );
    assert_refused(
        &session,
        &collection(r#", default: "{}" } }"#),
        &format!(
            "{invalid}    error: Default values are not allowed here
    at main.fsl:10:17
       |
    10 |   a: {{ b: Int = 3 }} = {{}}
       |                 ^
       |
    hint: Parent has a conflicting default value
       |
    10 |   a: {{ b: Int = 3 }} = {{}}
       |                       ^^
       |"
        ),
    );
    assert_refused(
        &session,
        &collection(
            r#"} }, migrations: [{ split: { field: ".b", to: [".a"] } }, { drop: { field: ".c[0]" } }]"#,
        ),
        &format!(
            "{invalid}    error: Expected at least two fields to split into
    at main.fsl:12:5
       |
    12 |     split .b -> .a
       |     ^^^^^^^^^^^^^^
       |
    error: Cannot index into an item in a migration path
    at main.fsl:13:13
       |
    13 |     drop .c[0]
       |             ^
       |"
        ),
    );
}

#[test]
fn a_default_that_cannot_be_parsed_is_refused() {
    assert_refused(
        &session(&[]),
        r#"Collection.create({ name: "A", fields: { a: { signature: "Int", default: "1 +" } } })"#,
        "error: Failed to create Collection.
constraint failures:
  fields.a.default: Unable to parse FQL source code.
      error: Expected expression
      at *default*:1:4
        |
      1 | 1 +
        |    ^
        |",
    );
}

#[test]
fn a_signature_counts_as_far_as_the_text_of_the_schema_has_it() {
    let session = session(&[
        r#"Function.create({ name: "f", body: "x => x", signature: "(a: Int, b: Int) => Int" })"#,
        r#"Function.create({ name: "g", body: "x => x", signature: "Int" })"#,
    ]);
    let outcome = session.query(&Request::text("f"));
    assert_eq!(
        outcome.static_type.as_deref(),
        Some("UserFunction<(x: Int) => Int>")
    );
    assert_eq!(simple(&session, "[f(1), g(2)]"), "[1,2]");
}

#[test]
fn a_definition_does_not_exchange_its_name_and_alias() {
    let session = session(&[
        r#"Collection.create({ name: "A", alias: "B" })"#,
        r#"Function.create({ name: "f", body: "() => 1" })"#,
    ]);
    assert_refused(
        &session,
        r#"A.definition.update({ name: "B", alias: "A" })"#,
        "error: Failed to update Collection `A`.
constraint failures:
  name: A Collection already exists with the alias `B`
  alias: A Collection already exists with the name `A`",
    );
    assert_refused(
        &session,
        r#"f.definition.update({ alias: "f" })"#,
        "error: Failed to update Function `f`.
constraint failures:
  alias: A Function already exists with the name `f`",
    );
}

#[test]
fn a_variadic_parameter_does_not_count() {
    assert_refused(
        &session(&[]),
        r#"Collection.create({ name: "A", constraints: [{ check: { name: "c", body: "(...d) => true" } }] })"#,
        "error: Failed to create Collection.
constraint failures:
  constraints[0].check.body: Invalid function arity. Expected exactly 1 argument, but the function was defined with 0 arguments",
    );
}

#[test]
fn protected_indexes_are_told_apart_from_the_schema() {
    let session = session(&[r#"Database.create({ name: "d", protected: true })"#])
        .in_database(vec!["d".into()]);
    simple(
        &session,
        r#"Collection.create({ name: "A", constraints: [{ unique: ["x"] }] }).name"#,
    );
    let query = "A.definition.update({ constraints: [] })";
    assert_refused(
        &session,
        query,
        "error: Invalid database schema update.

constraint failures:
  Cannot cause deletion of backing index: destructive change forbidden because database is in protected mode.",
    );
    let error = session
        .query(&Request::text(query))
        .result
        .expect_err("a refusal");
    assert_eq!(error.message, "Invalid database schema update.\n");
    assert_eq!(error.constraint_failures.len(), 1);
}

#[test]
fn an_index_over_a_renamed_field_goes_on() {
    let session = session(&[
        r#"Collection.create({ name: "A", fields: { x: { signature: "Int | String" }, o: { signature: "{ y: Int }" } },
            indexes: { byX: { terms: [{ field: "x" }], values: [{ field: "o.y" }] }, byY: { values: [{ field: ".o.y", order: "desc" }] } } })"#,
        "Set.sequence(0, 300).forEach(i => A.create({ x: i, o: { y: i } }))",
        r#"Collection.byName("A")!.update({ fields: { o: null, z: { signature: "Int" } }, migrations: [{ move: { field: ".o.y", to: ".z" } }, { drop: { field: ".o" } }],
            indexes: { byX: { values: [{ field: "z" }] }, byY: null, byZ: { values: [{ field: ".z", order: "desc" }] } } })"#,
    ]);
    let status = "let i: Any = A.definition.indexes; ['byX', 'byZ'].map(name => [name, i[name].status, i[name].queryable])";
    assert_eq!(
        simple(&session, status),
        r#"[["byX","complete",true],["byZ","complete",true]]"#
    );
    assert_eq!(
        simple(
            &session,
            "[A.byX(7).map(.z).toArray(), A.byX(7, { from: 8 }).count(), A.byZ().take(2).map(d => d.z).toArray()]"
        ),
        "[[7],0,[299,298]]"
    );
    // Documents that are written after the change stand in the same entries.
    simple(&session, "A.byX(7).first()!.update({ z: 1000 }).id != null");
    simple(&session, "A.byX(8).first()!.delete() == null");
    assert_eq!(
        simple(
            &session,
            "[A.byZ().take(2).map(d => d.z).toArray(), A.byZ().count(), A.byX(8).count(), A.byX(7).first()!.z]"
        ),
        "[[1000,299],299,0,1000]"
    );
    // Values that a split moves are others: the index is built anew, and tells so in the result.
    let split = r#"A.definition.update({ fields: { x: { signature: "Int" }, w: { signature: "String?" } },
        migrations: [{ move: { field: ".o.y", to: ".z" } }, { drop: { field: ".o" } }, { split: { field: ".x", to: [".x", ".w"] } }, { backfill: { field: ".x", value: "0" } }] })"#;
    let result = simple(&session, split);
    let building = r#""queryable":false,"status":"building""#;
    assert_eq!(result.matches(building).count(), 1, "{result}");
}

#[test]
fn a_protected_index_may_follow_its_field() {
    let session = session(&[r#"Database.create({ name: "d", protected: true })"#])
        .in_database(vec!["d".into()]);
    simple(
        &session,
        r#"Collection.create({ name: "A", fields: { x: { signature: "Int" } }, indexes: { byX: { terms: [{ field: "x" }] } } }).name"#,
    );
    simple(&session, "A.create({ x: 1 }).x");
    simple(
        &session,
        r#"A.definition.update({ fields: { x: null, y: { signature: "Int" } }, indexes: { byX: null, byY: { terms: [{ field: "y" }] } },
            migrations: [{ move: { field: ".x", to: ".y" } }] }).name"#,
    );
    assert_eq!(simple(&session, "A.byY(1).map(.y).toArray()"), "[1]");
}
