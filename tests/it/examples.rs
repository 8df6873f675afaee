//! Every example of the function table is an expression that works.

use fql::engine::{Engine, Request};
use fql::fql::interp::{GlobalKind, Member, MemberKind};

#[test]
fn examples_of_the_function_table_work() {
    let library = fql::fql::stdlib::library();
    let of_shapes = library.shapes().iter().flat_map(|shape| {
        shape
            .members
            .iter()
            .map(|member| (shape.name.to_string(), member))
    });
    let of_globals = library
        .globals()
        .iter()
        .filter_map(|global| match &global.kind {
            GlobalKind::Function(member) => Some(("FQL".to_string(), member)),
            GlobalKind::Module(_) | GlobalKind::Collection(..) => None,
        });
    let members: Vec<(String, &Member)> = of_shapes.chain(of_globals).collect();
    assert!(members.len() > 200, "the table is there");
    let engine = Engine::memory().expect("an engine");
    let session = engine.root();
    let mut failures = Vec::new();
    for (shape, member) in members {
        // Members that only the typer knows need no description.
        let is_typed_only = matches!(member.kind, MemberKind::Static { .. });
        let name = member.name;
        assert!(
            is_typed_only || !member.about.is_empty() || name == "evalV4",
            "{shape}.{name} is described"
        );
        if member.example.is_empty() {
            continue;
        }
        let outcome = session.query(&Request::text(member.example));
        if outcome.result.is_err() {
            failures.push(format!(
                "{shape}.{}: {}\n{}",
                member.name, member.example, outcome.summary
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn hostile_values_fail_instead_of_filling_memory() {
    let engine = Engine::memory().expect("an engine");
    let session = engine.root();
    for (query, code) in [
        (
            "Array.sequence(0, 30).fold(Array.sequence(0, 16000), (xs, i) => xs.concat(xs))",
            "value_too_large",
        ),
        (
            "Array.sequence(0, 30).fold([1], (xs, i) => xs.flatMap(x => Array.sequence(0, 1000)))",
            "value_too_large",
        ),
        ("'abc'.replaceAll('', '')", "invalid_argument"),
        (
            "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!'.matches('(a|aa)+\\\\1?$(?<!b)')",
            "invalid_regex",
        ),
        ("Time.epoch(9223372036854775807, 'days')", "invalid_time"),
        (
            "Date('2024-01-01').add(9223372036854775807, 'days')",
            "invalid_date",
        ),
        ("Bytes('a')", "invalid_argument"),
        ("'x'.matches(')')", "invalid_regex"),
    ] {
        let mut request = Request::text(query);
        request.typecheck = Some(false);
        let outcome = session.query(&request);
        match outcome.result {
            Err(error) => assert_eq!(error.code, code, "{query}"),
            Ok(_) => panic!("{query} succeeded"),
        }
    }
}
