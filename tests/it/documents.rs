//! Documents as values: what a reference can be stored as, what its past allows, how functions of a collection are shown
//! (`spec fql10-data 1.3, 3.2, 7.1`).

use fql::engine::{Engine, Request, Session};
use fql::value::format::Format;

/// A database with the collection `Cup` and its indexes by size.
fn database() -> Session {
    let session = Engine::memory().expect("an engine").root();
    tell(
        &session,
        "Collection.create({ name: 'Cup', indexes: { bySize: { terms: [{ field: '.size' }] }, sizes: { values: [{ field: '.size' }] } } })",
    );
    session
}

/// The result in simple JSON, or code and message of the failure. Types are not checked.
fn tell(session: &Session, query: &str) -> String {
    let mut request = Request::text(query.to_string());
    request.typecheck = Some(false);
    match session.query(&request).result {
        Ok(result) => result.to_text(Format::Simple),
        Err(error) => format!("{}: {}", error.code, error.message),
    }
}

fn check(session: &Session, cases: &[(&str, &str)]) {
    for (query, expected) in cases {
        assert_eq!(tell(session, query), *expected, "{query}");
    }
}

#[test]
fn a_reference_by_name_cannot_be_stored_or_looked_up() {
    let session = database();
    check(
        &session,
        &[
            (
                "Cup.create({ a: Collection.byName('Cup') })",
                "invalid_type: Value at `a` has type Doc, which cannot be persisted.",
            ),
            (
                "Cup.create({ a: [{ b: Collection.byName('Cup')! }] })",
                "invalid_type: Value at `a[0].b` has type Doc, which cannot be persisted.",
            ),
            (
                "Cup.create({ a: Collection.create({ name: 'Jar' }) })",
                "invalid_type: Value at `a` has type Doc, which cannot be persisted.",
            ),
            (
                "Cup.bySize(Collection.byName('Cup'))",
                "invalid_argument: invalid argument `term1`: Argument cannot be used as lookup term",
            ),
            (
                "Cup.sizes({ from: Collection.byName('Cup') })",
                "invalid_argument: invalid argument `range`: The `from` field should be either an indexable value or an array of values",
            ),
            // The definition itself has no name attached.
            (
                "Cup.create({ id: 1, size: Cup.definition }).size == Collection.byName('Cup')",
                "true",
            ),
            ("Cup.bySize(Cup.definition).count()", "1"),
            (
                "Cup.create({ size: Collection.all().first() }).size.name",
                r#""Cup""#,
            ),
            (
                "Cup.create({ size: Cup.byId(1)!.size }).size.name",
                r#""Cup""#,
            ),
        ],
    );
}

#[test]
fn a_document_of_the_past_that_is_gone_cannot_be_written() {
    let session = database();
    tell(&session, "Cup.create({ id: 1 }).id");
    let before = tell(&session, "Cup.byId(1)!.ts.toString()").replace('"', "'");
    tell(&session, "Cup.byId(1)!.delete()");
    for write in ["update({})", "replace({})", "updateData({})", "delete()"] {
        let query = format!("(at (Time({before})) Cup.byId(1)!).{write}");
        let missing = "document_not_found: Collection `Cup` does not contain document with id 1.";
        assert_eq!(tell(&session, &query), missing, "{query}");
    }
}

#[test]
fn an_index_is_shown_by_its_name() {
    check(
        &database(),
        &[
            ("Cup.bySize", r#""[function bySize()]""#),
            (
                "Object.toString({ a: Cup.bySize })",
                r#""{ a: [function bySize()] }""#,
            ),
            ("Cup.byId", r#""[function byId()]""#),
        ],
    );
}
