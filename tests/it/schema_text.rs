//! The schema as FSL text, and the places of schema errors in it.

use fql::engine::{Engine, Request, Session};
use serde_json::Value as Json;

/// A database in which these queries have run.
pub fn session(setup: &[&str]) -> Session {
    let session = Engine::memory().expect("an engine").root();
    for query in setup {
        let outcome = session.query(&Request::text(*query));
        assert!(outcome.result.is_ok(), "{query}\n{}", outcome.summary);
    }
    session
}

/// What a refused query says, without the place in the query itself.
fn refusal(session: &Session, query: &str) -> String {
    let outcome = session.query(&Request::text(query));
    let failure = outcome.result.expect_err("a refused schema");
    assert_eq!(failure.code, "invalid_schema", "{}", outcome.summary);
    let end = outcome.summary.find("\nat *query*").expect("a place");
    outcome.summary[..end].to_string()
}

fn assert_refused(setup: &[&str], query: &str, expected: &str) {
    let said = refusal(&session(setup), query);
    assert_eq!(
        said,
        format!("error: Invalid database schema update.\n{expected}"),
        "{query}"
    );
}

/// The cases about `main.fsl` that need no more than definitions made by queries.
#[test]
fn definitions_print_in_canonical_form() {
    let cases = include_str!("../conformance/http-schema.jsonl");
    let mut count = 0;
    for line in cases.lines() {
        let case: Json = serde_json::from_str(line).expect("a case");
        let name = case["name"].as_str().unwrap_or_default();
        let expected = case["expect"]["body"]["content"].as_str();
        let (true, Some(expected)) = (name.starts_with("fsl-of-"), expected) else {
            continue;
        };
        let setup = case["setup"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        if setup
            .iter()
            .any(|step| !step["query"].is_string() || step["as"] != "admin")
        {
            continue;
        }
        let queries: Vec<&str> = setup
            .iter()
            .filter_map(|step| step["query"].as_str())
            .collect();
        let session = session(&queries);
        assert_eq!(session.schema_text().as_deref(), Some(expected), "{name}");
        count += 1;
    }
    assert!(count >= 10, "only {count} cases");
}

#[test]
fn items_stand_in_the_order_of_their_writes() {
    let session = session(&[
        "Function.create({ name: 'first', body: '() => 1' })",
        "Role.create({ name: 'late' }); Collection.create({ name: 'Note' })",
        "Function.create({ name: 'last', body: '() => 2' })",
        "Note.definition.update({ alias: 'N' })",
    ]);
    let text = session.schema_text().unwrap_or_default();
    let names: Vec<&str> = text
        .lines()
        .filter(|line| line.ends_with('{') && !line.starts_with(' '))
        .collect();
    assert_eq!(
        names,
        [
            "function first() {",
            "collection Note {",
            "role late {",
            "function last() {"
        ]
    );
}

#[test]
fn a_renamed_item_moves_to_the_end() {
    let session = session(&[
        "Collection.create({ name: 'A' })",
        "Collection.create({ name: 'B' })",
        "A.definition.update({ name: 'C' })",
    ]);
    let text = session.schema_text().unwrap_or_default();
    assert!(
        text.find("collection B") < text.find("collection C"),
        "{text}"
    );
}

#[test]
fn types_of_fields_are_shown_where_they_stand() {
    assert_refused(
        &["Collection.create({ name: 'Shelf' })"],
        "Collection.create({ name: 'Book', fields: { n: { signature: 'Int' }, s: { signature: 'Array<Shelf>|Int' } } })",
        "    error: Field `s` in collection Book is not persistable
    at main.fsl:9:6
      |
    9 |   s: Array<Shelf> | Int
      |      ^^^^^^^^^^^^^^^^^^
      |
    cause: Type Shelf is not persistable
      |
    9 |   s: Array<Shelf> | Int
      |            ^^^^^
      |
    hint: Use Ref<Shelf> as the type of a reference to a Shelf document
      |
    9 |   s: Array<Ref<Shelf>> | Int
      |            ~~~~~~~~~~
      |",
    );
}

#[test]
fn bodies_are_shown_as_functions_are_written() {
    assert_refused(
        &[],
        "Function.create({ name: 'half', body: 'x => { let y = 2\\n x.size / y }', signature: 'Number => Number' })",
        "    error: Type `Number` does not have field `size`
    at main.fsl:6:5
      |
    6 |   x.size / y
      |     ^^^^
      |
    hint: Type `Number` inferred here
    at main.fsl:4:18
      |
    4 | function half(x: Number): Number {
      |                  ^^^^^^
      |",
    );
    assert_refused(
        &[],
        "Function.create({ name: 'down', body: 'n => if (n > 0) down(n - 1) else 0', role: 'server', alias: 'dn' })",
        "    error: Recursively defined `down` needs explicit type.
    at main.fsl:4:1
      |
    4 |   @alias(dn)
      |  _^
    5 | | @role(server)
    6 | | function down(n) {
    7 | |   if (n > 0) down(n - 1) else 0
    8 | | }
      | |_^
      |",
    );
}

#[test]
fn paths_are_shown_step_by_step() {
    assert_refused(
        &[],
        "Collection.create({
            name: 'Cart',
            fields: { items: { signature: 'Array<{ sku: String }>' } },
            indexes: { bySku: { terms: [{ field: '.items[0].nope', mva: true }], values: [{ field: 'none', order: 'desc' }] } },
            constraints: [{ unique: ['missing'] }]
        })",
        "    error: Type `{ sku: String }` does not have field `nope`
    at main.fsl:7:26
      |
    7 |     terms [mva(.items[0].nope)]
      |                          ^^^^
      |
    hint: Type `{ sku: String }` inferred here
    at main.fsl:5:16
      |
    5 |   items: Array<{ sku: String }>
      |                ^^^^^^^^^^^^^^^
      |
    error: Type `{ id: ID, ts: Time, ttl: Time | Null, items: Array<{ sku: String }> }` does not have field `none`
    at main.fsl:8:19
      |
    8 |     values [desc(.none)]
      |                   ^^^^
      |
    error: Type `{ id: ID, ts: Time, ttl: Time | Null, items: Array<{ sku: String }> }` does not have field `missing`
    at main.fsl:10:12
       |
    10 |   unique [.missing]
       |            ^^^^^^^
       |",
    );
}

#[test]
fn resources_and_predicates_are_shown() {
    assert_refused(
        &["Collection.create({ name: 'Note' })"],
        "Role.create({
            name: 'writer',
            privileges: [{ resource: 'Gone', actions: { create: true } }, { resource: 'Note', actions: { read: 'n => -n.title + true' } }],
            membership: { resource: 'Nobody' }
        })",
        "    error: Resource `Nobody` does not exist
    at main.fsl:16:14
       |
    16 |   membership Nobody
       |              ^^^^^^
       |
    error: Resource `Gone` does not exist
    at main.fsl:8:14
      |
    8 |   privileges Gone {
      |              ^^^^
      |
    error: Type `Boolean` is not a subtype of `Number | String`
    at main.fsl:13:36
       |
    13 |       predicate ((n) => -n.title + true)
       |                                    ^^^^
       |",
    );
}

/// Names and migrations are no texts, only the types of fields are.
#[test]
fn migrations_say_what_could_be_done() {
    let setup = [
        "Collection.create({ name: 'Item', fields: { a: { signature: 'Int | String' }, o: { signature: '{ in: Int }?' } } })",
        "Item.create({ a: 1 })",
    ];
    assert_refused(
        &setup,
        "Item.definition.update({ fields: { b: { signature: 'Time' } }, migrations: [{ add: { field: 'b' } }, { add: { field: '.b' } }] })",
        "    error: Cannot declare non-nullable field `.b`: it has no default and no backfill value
    at <no source>
    hint: Make the field nullable
    at *field:Item:b*:1:5
      |
    1 | Time?
      |     +
      |
    hint: Add a default value to this field
    at *field:Item:b*:1:5
      |
    1 | Time = <expr>
      |     +++++++++
      |
    hint: Add a `backfill` migration
    at <no source>
    error: Cannot add field `.b` twice
    at <no source>
    hint: Field added here
    at <no source>
    hint: Remove the extra add
    at <no source>",
    );
    assert_refused(
        &setup,
        "Item.definition.update({ fields: { a: { signature: 'Int' }, c: { signature: 'Int?' }, d: { signature: '{ e: Int }' } } })",
        "    error: Field `.a` of type `Int` does not match the live type `Int | String`
    at *field:Item:a*:1:1
      |
    1 | Int
      | ^^^
      |
    hint: Add a migration to split the invalid types into another field
    at <no source>
    error: Field `.c` is not present in the live schema
    at <no source>
    hint: Provide an `add` migration for this field
    at <no source>
    error: Field `.d.e` is not present in the live schema
    at <no source>
    hint: Provide an `add` migration for this field
    at <no source>
    hint: Add a default value to this field
    at *field:Item:d*:1:9
      |
    1 | { e: Int = <expr> }
      |         +++++++++
      |
    hint: Make the field nullable
    at *field:Item:d*:1:9
      |
    1 | { e: Int? }
      |         +
      |",
    );
    assert_refused(
        &setup,
        "Item.definition.update({ fields: { b: { signature: 'Int' } }, migrations: [{ add: { field: 'b' } }, { backfill: { field: 'b', value: '\"none\"' } }] })",
        "    error: Type `String` is not a subtype of `Int`
    at <no source>
    hint: Field type defined here
    at *field:Item:b*:1:1
      |
    1 | Int
      | ^^^
      |",
    );
}

/// A field that no file could declare, in a new file and in one that is patched.
#[test]
fn a_field_called_compute() {
    let create = "Collection.create({ name: 'A', fields: { compute: { signature: 'Int' } } })";
    assert_refused(
        &[],
        create,
        "    error: Expected `*` or identifier\n    at main.fsl:10:10\n       |\n    10 |   compute: Int\n       |          ^\n       |",
    );
    assert_refused(
        &["Collection.create({ name: 'B' })"],
        create,
        "    error: Expected `*` or identifier\n    at main.fsl:13:10\n       |\n    13 |   compute: Int\n       |          ^\n       |",
    );
}

/// What is no path is none in a migration either.
#[test]
fn paths_of_migrations() {
    let session = session(&[]);
    for (migration, fault) in [
        (
            "{ add: { field: 'a b' } }",
            "migrations[0].add.field: Value `a b` is not a valid FQL path expression.",
        ),
        (
            "{ move_wildcard: { into: '' } }",
            "migrations[0].move_wildcard.into: Value cannot be empty.",
        ),
        (
            "{ split: { field: '.a', to: ['.a', 'b..c'] } }",
            "migrations[0].split.to: Value `b..c` is not a valid FQL path expression.",
        ),
    ] {
        let query = format!("Collection.create({{ name: 'A', migrations: [{migration}] }})");
        let outcome = session.query(&Request::text(query.as_str()));
        let failure = outcome.result.expect_err("a refused migration");
        assert_eq!(failure.code, "constraint_failure", "{query}");
        assert!(outcome.summary.contains(fault), "{}", outcome.summary);
    }
}
