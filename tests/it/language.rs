//! What queries answer, by small examples: the language and its values at their edges.
//!
//! Expectations come from the specification and from the original's own behaviour.

use fql::engine::{Engine, Request, Session};
use fql::value::format::Format;

/// What a query answers: the decorated value and, after ` :: `, its static type if it was checked; or
/// the code and the summary of the failure.
fn answer(session: &Session, query: &str, typecheck: bool) -> String {
    let outcome = session.query(&Request {
        typecheck: Some(typecheck),
        ..Request::text(query)
    });
    match &outcome.result {
        Ok(value) => {
            let text = value.to_text(Format::Decorated);
            match &outcome.static_type {
                Some(ty) => format!("{text} :: {ty}"),
                None => text,
            }
        }
        Err(error) => format!("{}\n{}", error.code, outcome.summary),
    }
}

/// A session in an empty database, after some queries.
fn after(setup: &[&str]) -> Session {
    let session = Engine::memory().expect("an engine").root();
    for query in setup {
        let outcome = session.query(&Request::text(*query));
        assert!(outcome.result.is_ok(), "{query}: {}", outcome.summary);
    }
    session
}

/// Queries checked by types, and what they answer.
fn checked(setup: &[&str], examples: &[(&str, &str)]) {
    examples.iter().for_each(|(query, expected)| {
        assert_eq!(answer(&after(setup), query, true), *expected, "{query}");
    });
}

/// Queries not checked by types, and what they answer.
fn unchecked(setup: &[&str], examples: &[(&str, &str)]) {
    examples.iter().for_each(|(query, expected)| {
        assert_eq!(answer(&after(setup), query, false), *expected, "{query}");
    });
}

#[test]
fn a_result_may_flow_back_into_its_receiver() {
    checked(
        &[],
        &[
            (
                "[1, 2].fold([], (xs, x) => xs.concat([x]))",
                "[\n  1,\n  2\n] :: Array<1 | 2> | []",
            ),
            (
                "[[1], [2]].reduce((a, b) => a.concat(b))!.length",
                "2 :: Number",
            ),
            (
                "[1].fold([].toSet(), (xs, x) => xs.concat([x].toSet().where(y => true))).count()",
                "1 :: Number",
            ),
        ],
    );
}

#[test]
fn a_bang_after_skipped_links_points_at_the_last_with_its_dot() {
    checked(
        &[],
        &[(
            "null?.a[0].b().c!",
            "null_value\nerror: Null literal value\nat *query*:1:15\n  |\n1 | null?.a[0].b().c!\n  |               ^^^\n  |\nhint: Null value created here\n  |\n1 | null?.a[0].b().c!\n  | ^^^^\n  |",
        )],
    );
    checked(
        &[],
        &[(
            "null?.b()!",
            "null_value\nerror: Null literal value\nat *query*:1:7\n  |\n1 | null?.b()!\n  |       ^^^^\n  |\nhint: Null value created here\n  |\n1 | null?.b()!\n  | ^^^^\n  |",
        )],
    );
}

#[test]
fn a_reference_to_nothing_knows_itself() {
    unchecked(
        &["Collection.create({ name: 'Cat' })"],
        &[
            ("Cat(7)?.exists()", "false"),
            ("Cat(7)?.id", "\"7\""),
            ("Cat(7)?.['coll']", "Cat"),
            ("Cat(7)?.name.first", "null"),
            ("Cat(7)?.['name'].first", "null"),
            ("Collection.byName('Dog')?.name", "\"Dog\""),
            (
                "Cat(7)?.()",
                "type_mismatch\nerror: expected type: Function, received Doc\nat *query*:1:9\n  |\n1 | Cat(7)?.()\n  |         ^^\n  |",
            ),
            (
                "Cat(7)[1]",
                "invalid_argument\nerror: expected value for `key0` of type String, received Int\nat *query*:1:7\n  |\n1 | Cat(7)[1]\n  |       ^^^\n  |",
            ),
        ],
    );
}

#[test]
fn a_set_within_itself_is_a_token() {
    let session = after(&[
        "Function.create({ name: 'again', body: '() => [1, 2].toSet().map(_ => again())', signature: '() => Any' })",
    ]);
    let outcome = session.query(&Request::text("again()"));
    let value = outcome.result.expect("a page").to_text(Format::Tagged);
    let tokens = value.matches(r#"{"@set":""#).count();
    assert_eq!(tokens, 2, "{value}");
}

#[test]
fn traces_leave_out_the_functions_of_cursors() {
    let session = after(&["Collection.create({ name: 'Cat' })"]);
    let query = "Set.sequence(0, 30).toArray().forEach(n => Cat.create({ n: n }))";
    assert!(session.query(&Request::text(query)).result.is_ok());
    let page = session.query(&Request::text(
        "Cat.all().map(c => if (c.n == 20) abort(1) else c.n).paginate(5).after",
    ));
    let token = page.result.expect("a cursor").to_text(Format::Simple);
    let outcome = session.query(&Request::text(format!("Set.paginate({token}, 30)")));
    assert!(
        outcome
            .summary
            .starts_with("error: Query aborted.\nat *query*:1:13\n  |\n1 | Set.paginate("),
        "{}",
        outcome.summary
    );
    assert_eq!(outcome.summary.matches("\nat ").count(), 1);
}

#[test]
fn what_stands_in_no_text_has_no_source() {
    checked(
        &["Function.create({ name: 'nameOf', body: 'x => x.name' })"],
        &[(
            "nameOf(7)",
            "invalid_query\nerror: Type `Int` does not have field `name`\nat <no source>\nhint: Type `Int` inferred here\nat *query*:1:8\n  |\n1 | nameOf(7)\n  |        ^\n  |",
        )],
    );
}

#[test]
fn functions_of_an_unchecked_database_take_and_give_anything() {
    let root = after(&["Database.create({ name: 'loose', typechecked: false })"]);
    let session = root.in_database(vec!["loose".into()]);
    let outcome = session.query(&Request::text(
        "Function.create({ name: 'same', body: 'x => x' })",
    ));
    assert!(outcome.result.is_ok(), "{}", outcome.summary);
    assert_eq!(answer(&session, "same(1)", true), "1 :: Any");
    assert_eq!(
        answer(&session, "same", true),
        "\"[function same]\" :: UserFunction<Any>"
    );
    assert_eq!(
        answer(&session, "same()", true),
        "invalid_function_invocation\nerror: callee function expects exactly 1 argument, but 0 were provided.\nat *query*:1:5\n  |\n1 | same()\n  |     ^^\n  |"
    );
}

#[test]
fn whole_doubles_print_the_digits_of_the_original() {
    checked(
        &[],
        &[
            (
                "144115188075855872.0 * 1",
                "1.44115188075855872E17 :: Number",
            ),
            (
                "-4611686018427387904.0 * 1",
                "-4.6116860184273879E18 :: Number",
            ),
            ("1e17 + 0", "1.0E17 :: Number"),
            (
                "Time('-999999999-01-01T00:00:00Z').add(63113903968377592.0, 'seconds')",
                "Time(\"+999999999-12-31T23:59:52Z\") :: Time",
            ),
        ],
    );
}

#[test]
fn a_default_is_tried_out_before_its_collection_is_there() {
    let session = after(&[]);
    let query = "Collection.create({ name: 'Cat', fields: { lives: { signature: 'Int', default: '9 / 0' } } })";
    let summary = session.query(&Request::text(query)).summary;
    assert!(
        summary.contains("\n      at *field:lives*:1:5\n"),
        "{summary}"
    );
}

#[test]
fn what_may_not_read_says_so_before_it_looks() {
    let tried = |default: &str| {
        let session = after(&[
            "Collection.create({ name: 'Cat' })",
            "Cat.create({ id: 1 })",
        ]);
        let query = format!(
            "Collection.create({{ name: 'Dog', fields: {{ f: {{ signature: 'Any', default: \"{default}\" }} }} }})"
        );
        session
            .query(&Request {
                typecheck: Some(false),
                ..Request::text(query)
            })
            .summary
    };
    for reading in [
        "Cat(1).name",
        "Cat(2)?.name",
        "Cat(2)?.['name']",
        "Cat(1)['name']",
        "Cat(2).update({})",
        "Cat(1).delete()",
    ] {
        let summary = tried(reading);
        let expected =
            "error: Reading a field performs a read, which is not allowed in default values.\n";
        assert!(summary.contains(expected), "{reading}: {summary}");
    }
    assert_eq!(tried("Cat(2)?.coll.toString()"), "");
    assert_eq!(tried("Cat(2)['id'].toString()"), "");
}

#[test]
fn performance_hints_follow_the_log() {
    let index = "{ terms: [{ field: 'kind' }], values: [{ field: 'n' }] }";
    let session = after(&[
        &format!("Collection.create({{ name: 'Cat', indexes: {{ byKind: {index} }} }})"),
        "Cat.create({ kind: 1, n: 2, name: 'Tom' })",
    ]);
    let outcome = session.query(&Request {
        performance_hints: true,
        ..Request::text("Cat.byKind(1).first()!.name\nlog('done')")
    });
    let summary = outcome.summary;
    assert!(
        summary.starts_with(
            "info at *query*:2: done\n\nperformance_hint: non_covered_document_read - .name "
        ),
        "{summary}"
    );
}

/// The message of a failure that was not found by the check, and the line that underlines where.
fn failure(query: &str) -> String {
    let answer = answer(&after(&[]), query, false);
    let mut lines = answer.lines().skip(1);
    let message = lines.next().unwrap_or_default().to_string();
    let mark = lines.find(|line| line.contains('^')).unwrap_or_default();
    format!("{message}{}", mark.trim_start_matches([' ', '|']))
}

#[test]
fn an_index_of_null_is_asked_with_one_value() {
    assert_eq!(
        failure("null[1, 2]"),
        "error: callee function expects exactly 1 argument, but 2 were provided.^^^^^^"
    );
    assert_eq!(failure("null[abort(1)]"), "error: Query aborted.^^^");
    assert_eq!(
        failure("null['a']"),
        "error: Cannot access `[]` on null.^^^^^"
    );
}

#[test]
fn a_cursor_is_named_a_string_and_overloads_name_it_any() {
    assert_eq!(
        failure("Set.paginate(1)"),
        "error: expected value for `cursor` of type String, received Int^^^"
    );
    assert_eq!(
        failure("Set.paginate('a', null)"),
        "error: expected arguments to `paginate` of type (Any, Int), received (String, Null)^^^^^^^^^^^"
    );
    assert_eq!(
        failure("Set.paginate(1, 0)"),
        "error: expected `size` to be between 1 and 16000 (inclusive), received 0^^^^^^"
    );
}

#[test]
fn what_is_switched_off_is_typed_and_not_there() {
    let query = "FQL.evalV4({ add: [1, 1] })";
    let expected = "error: The function `evalV4` does not exist on `FQL`^^^^^^^^^^^^^^^^^";
    assert_eq!(failure(query), expected);
    let checked = answer(&after(&[]), query, true);
    assert!(
        checked.starts_with("invalid_function_invocation\n"),
        "{checked}"
    );
}

#[test]
fn patterns_hold_literals() {
    for pattern in ["null", "_ @ true", "{ a: x @ false }", "[_: Int, ...b]"] {
        assert_eq!(
            failure(&format!("match 1 {{ case {pattern} => 1 }}")),
            format!(
                "error: match expr not supported{}",
                "^".repeat(pattern.len() + 22)
            )
        );
    }
}

#[test]
fn a_named_function_of_one_value_takes_each_kind_its_overloads_take() {
    checked(
        &[],
        &[
            (
                "let f = x => x + x; f(if (true) 1 else 'a')",
                "2 :: Number | String",
            ),
            (
                "let f = x => x + x; [1, 'a'].map(f)",
                "[\n  2,\n  \"aa\"\n] :: Array<Number | String>",
            ),
        ],
    );
    // Not so where no `let` names it, and where another argument decides.
    for query in [
        "(x => x + x)(if (true) 1 else 'a')",
        "let f = x => x + 1; f(if (true) 1 else 'a')",
    ] {
        let answer = answer(&after(&[]), query, true);
        assert!(answer.starts_with("invalid_query\n"), "{answer}");
    }
}

#[test]
fn what_is_switched_off_is_not_offered() {
    let session = after(&[]);
    let request = Request::text("FQL");
    let at = session.type_at(&request, 3).expect("a type");
    assert!(at.members.iter().any(|member| &*member.name == "newId"));
    assert!(!at.members.iter().any(|member| &*member.name == "evalV4"));
}
