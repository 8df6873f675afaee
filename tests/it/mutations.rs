//! Queries of the conformance cases, cut, spliced and bitten: none panics, whatever is left of it. And queries made
//! from the function table: what passes the type check does not fail for what types exclude.
//!
//! `FQL_MUTATIONS=100000` runs longer; `FQL_SEED` starts elsewhere.

use super::numbers::{Numbers, setting};
use fql::engine::{Engine, Request, Session};
use fql::fql::interp::MemberKind;
use fql::fql::syntax::{
    Source, format_query, is_complete, parse_query, render_all, split_queries, tokens,
};
use std::time::Duration;

fn corpus() -> Vec<String> {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance");
    let mut queries = Vec::new();
    for file in [
        "v10-language",
        "v10-stdlib",
        "v10-data",
        "v10-schema",
        "v10-typing",
    ] {
        let text = std::fs::read_to_string(directory.join(format!("{file}.jsonl"))).expect("cases");
        for line in text.lines() {
            let case: serde_json::Value = serde_json::from_str(line).expect("JSON");
            queries.extend(case["query"].as_str().map(str::to_owned));
            let setup = case["setup"].as_array().into_iter().flatten();
            queries.extend(
                setup
                    .filter_map(|step| step["query"].as_str())
                    .map(str::to_owned),
            );
        }
    }
    queries
}

const BITS: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "\\",
    "#{",
    "=>",
    "?.",
    "!",
    ".",
    ",",
    ":",
    "->",
    "*",
    "**",
    "\n",
    ";",
    "<<",
    "/*",
    "*/",
    "//",
    "let",
    "if",
    "else",
    "isa",
    "at",
    "null",
    "-1",
    "9223372036854775807",
    "1e308",
    "0x",
    "\u{1F600}",
    "é",
    "\0",
    "\0value>",
    "x",
    ".a",
    "[0]",
    ".map(",
    ".fold(",
    "toSet()",
    ".order(",
    "(x => x)",
    "\u{2028}",
    "\r",
    "\t",
    "\\u{1F600}",
    "${",
    "$",
    "@",
    "|",
    "&&",
    "??",
    "==",
    "%",
];

fn mutated(numbers: &mut Numbers, corpus: &[String]) -> String {
    let mut text: Vec<char> = numbers.pick(corpus).chars().collect();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(text.len() + 1);
        let end = (at + numbers.below(12)).min(text.len());
        match numbers.below(5) {
            0 => drop(text.drain(at..end)),
            1 => drop(text.splice(at..at, numbers.pick(BITS).chars())),
            2 => drop(text.splice(at..end, numbers.pick(BITS).chars())),
            3 => {
                let part: Vec<char> = text[at..end].to_vec();
                let to = numbers.below(text.len() + 1);
                text.splice(to..to, part);
            }
            _ => {
                let other: Vec<char> = numbers.pick(corpus).chars().collect();
                let from = numbers.below(other.len() + 1);
                text.truncate(at);
                text.extend(&other[from..]);
            }
        }
    }
    text.into_iter().collect()
}

/// The laws of texts, as in `fuzz/fuzz_targets/parse.rs`.
fn check_text(text: &str) {
    for item in split_queries(text) {
        assert!(
            text.get(item.span.start as usize..item.span.end as usize)
                .is_some()
        );
    }
    is_complete(text);
    tokens(text);
    match parse_query(&Source::query(text)) {
        Err(diagnostics) => assert!(!render_all(&diagnostics).is_empty()),
        Ok(block) => {
            let formatted = format_query(&block);
            match parse_query(&Source::query(formatted.as_str())) {
                Ok(block) => {
                    assert_eq!(format_query(&block), formatted, "formatting twice differs")
                }
                Err(errors) => panic!(
                    "formatted text does not parse: {formatted}\n{}",
                    render_all(&errors)
                ),
            }
        }
    }
}

fn session() -> Session {
    let session = Engine::memory().expect("an engine").root();
    for query in [
        "Collection.create({ name: 'Item', indexes: { byN: { terms: [{ field: '.n' }] } } })",
        "Set.sequence(0, 5).forEach(n => Item.create({ n: n }))",
    ] {
        assert!(session.query(&Request::text(query)).result.is_ok());
    }
    session
}

#[test]
fn mutated_queries_do_not_panic() {
    let corpus = corpus();
    let mut numbers = Numbers(setting("FQL_SEED", 20_26) * 2 + 1);
    let mut session_now = session();
    let mut failures = Vec::new();
    for round in 0..setting("FQL_MUTATIONS", 1500) {
        if round % 500 == 499 {
            session_now = session();
        }
        let text = mutated(&mut numbers, &corpus);
        let run = std::panic::AssertUnwindSafe(|| {
            check_text(&text);
            let mut request = Request::text(text.as_str());
            request.typecheck = Some(round % 2 == 0);
            request.timeout = Some(Duration::from_millis(500));
            session_now.query(&request);
        });
        if std::panic::catch_unwind(run).is_err() {
            eprintln!("FOUND {text:?}");
            failures.push(text);
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

/// A closed expression from literals and members of the function table.
fn expression(
    numbers: &mut Numbers,
    members: &[(&str, usize, bool)],
    scope: &mut Vec<String>,
    depth: usize,
) -> String {
    if depth == 0 || numbers.below(6) == 0 {
        if !scope.is_empty() && numbers.below(2) == 0 {
            return numbers.pick(scope).clone();
        }
        let literals = [
            "1",
            "-3",
            "2.5",
            "'a'",
            "'b-c'",
            "''",
            "true",
            "false",
            "null",
            "[]",
            "{}",
            "9223372036854775807",
        ];
        return (*numbers.pick(&literals)).to_string();
    }
    let depth = depth - 1;
    match numbers.below(9) {
        0 => {
            let parts: Vec<String> = (0..numbers.below(3))
                .map(|_| expression(numbers, members, scope, depth))
                .collect();
            format!("[{}]", parts.join(", "))
        }
        1 => format!(
            "{{ a: {}, b: {} }}",
            expression(numbers, members, scope, depth),
            expression(numbers, members, scope, depth)
        ),
        2 => {
            let name = format!("v{}", scope.len());
            let value = expression(numbers, members, scope, depth);
            scope.push(name.clone());
            let body = expression(numbers, members, scope, depth);
            scope.pop();
            format!("{{ let {name} = {value}\n {body} }}")
        }
        3 => {
            let parameters: Vec<String> = (0..1 + numbers.below(2))
                .map(|i| format!("v{}", scope.len() + i))
                .collect();
            let before = scope.len();
            scope.extend(parameters.iter().cloned());
            let body = expression(numbers, members, scope, depth);
            scope.truncate(before);
            format!("(({}) => {body})", parameters.join(", "))
        }
        4 => {
            let operator = numbers.pick(&["+", "-", "*", "==", "<", "&&", "??"]);
            format!(
                "({} {operator} {})",
                expression(numbers, members, scope, depth),
                expression(numbers, members, scope, depth)
            )
        }
        5 => {
            let (a, b, c) = (
                expression(numbers, members, scope, depth),
                expression(numbers, members, scope, depth),
                expression(numbers, members, scope, depth),
            );
            format!("(if ({a} == {b}) {b} else {c})")
        }
        _ => {
            let receiver = expression(numbers, members, scope, depth);
            let (name, count, is_method) = *numbers.pick(members);
            if !is_method {
                return format!("({receiver}).{name}");
            }
            let arguments: Vec<String> = (0..count)
                .map(|_| expression(numbers, members, scope, depth.min(1)))
                .collect();
            format!("({receiver}).{name}({})", arguments.join(", "))
        }
    }
}

#[test]
fn typed_queries_do_not_fail_for_what_types_exclude() {
    let library = fql::fql::stdlib::library();
    let mut members = Vec::new();
    for shape in library.shapes() {
        let bare = shape.name.split('<').next().unwrap_or_default();
        if !matches!(
            bare,
            "String" | "Array" | "Number" | "Int" | "Boolean" | "Set" | "Object"
        ) {
            continue;
        }
        for member in shape
            .members
            .iter()
            .filter(|member| member.name.chars().all(char::is_alphanumeric))
        {
            match &member.kind {
                MemberKind::Field { .. } => members.push((member.name, 0, false)),
                MemberKind::Method { overloads, .. } => {
                    for overload in overloads.iter() {
                        let list = overload.split("=> ").next().unwrap_or_default();
                        let count = if overload.starts_with("()") {
                            0
                        } else {
                            list.matches(": ").count().max(1)
                        };
                        members.push((member.name, count.min(3), true));
                    }
                }
                MemberKind::Static { .. } => {}
            }
        }
    }
    assert!(members.len() > 60);
    let session = session();
    let mut numbers = Numbers(setting("FQL_SEED", 20_26) * 2 + 1);
    let (mut typed, mut failures) = (0, Vec::new());
    for _ in 0..setting("FQL_MUTATIONS", 1500) {
        let text = expression(&mut numbers, &members, &mut Vec::new(), 4);
        let mut request = Request::text(text.as_str());
        request.typecheck = Some(true);
        request.timeout = Some(Duration::from_secs(1));
        let outcome = session.query(&request);
        match outcome.result {
            Ok(_) => typed += 1,
            Err(error) if error.code == "invalid_query" => {}
            Err(error) => {
                typed += 1;
                if matches!(
                    error.code,
                    "unbound_variable" | "invalid_function_invocation"
                ) {
                    failures.push(format!(
                        "{text}\n{}",
                        outcome.summary.chars().take(300).collect::<String>()
                    ));
                }
            }
        }
    }
    println!("{typed} typed");
    assert!(typed * 5 > setting("FQL_MUTATIONS", 1500), "{typed}");
    let shown = failures
        .iter()
        .take(12)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n\n");
    assert!(
        failures.is_empty(),
        "{} of {typed}:\n{shown}",
        failures.len()
    );
}
