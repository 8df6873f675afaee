//! The parser on the conformance cases, and its laws on generated texts.

use fql::fql::syntax::ast::{Block, Lambda, TypeExpr};
use fql::fql::syntax::{
    Source, format_expr, format_lambda, format_query, format_type, is_complete, parse_expr,
    parse_lambda, parse_path, parse_query, parse_schema_type, parse_type, parse_type_scheme,
    render_all, split_queries, tokens,
};
use proptest::prelude::*;
use serde_json::Value;

/// The cases of a conformance file.
fn cases(file: &str) -> Vec<Value> {
    let path = format!("{}/tests/conformance/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("conformance file");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// What a text says of itself when spans are left out.
fn shape(tree: &impl std::fmt::Debug) -> String {
    let text = format!("{tree:?}");
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find("Span {") {
        out.push_str(&rest[..at]);
        rest = rest[at..].split_once('}').map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    out
}

/// Errors that only a parser reports.
const PARSE_ERRORS: [&str; 12] = [
    "error: Expected ",
    "Unexpected end of",
    "Missing return expression",
    "is a keyword",
    "Duplicate key",
    "Duplicate lambda argument",
    "Object keys do not support interpolation",
    "Invalid anonymous field access",
    "Invalid escape",
    "outside of valid unicode range",
    "surrogates are disallowed",
    "invalid variadic tuple",
];

#[test]
fn conformance_cases_with_parse_errors() {
    let mut checked = 0;
    for file in [
        "v10-language.jsonl",
        "v10-stdlib.jsonl",
        "v10-data.jsonl",
        "v10-access.jsonl",
        "v10-typing.jsonl",
    ] {
        for case in cases(file) {
            let error = &case["expect"]["error"];
            let expected: Vec<&str> = ["summary", "summary_contains"]
                .iter()
                .filter_map(|key| error[*key].as_str())
                .collect();
            let by_parser = expected.iter().any(|text| {
                PARSE_ERRORS
                    .iter()
                    .any(|message| text.contains(message) || text.starts_with("Expected "))
            });
            if !by_parser || error["code"] != "invalid_query" {
                continue;
            }
            let query = case["query"].as_str().expect("query");
            let errors = parse_query(&Source::query(query)).expect_err(query);
            let summary = render_all(&errors);
            for text in &expected {
                assert!(
                    summary.contains(text),
                    "{}: {query}\n{summary}\n--- expected\n{text}",
                    case["name"]
                );
            }
            if let Some(message) = error["message"].as_str() {
                assert!(
                    message.contains(&errors.len().to_string()),
                    "{}: {summary}",
                    case["name"]
                );
            }
            checked += 1;
        }
    }
    assert!(checked >= 25, "only {checked} cases");
}

#[test]
fn conformance_queries_parse_and_survive_formatting() {
    let mut parsed = 0;
    for file in [
        "v10-language.jsonl",
        "v10-stdlib.jsonl",
        "v10-data.jsonl",
        "v10-schema.jsonl",
        "v10-access.jsonl",
        "v10-typing.jsonl",
    ] {
        for case in cases(file) {
            let setup = case["setup"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|step| (&step["query"], true));
            let succeeds = case["expect"]["error"].is_null();
            for (query, must_parse) in setup.chain([(&case["query"], succeeds)]) {
                let Some(query) = query.as_str() else {
                    continue;
                };
                match parse_query(&Source::query(query)) {
                    Ok(block) => {
                        let text = format_query(&block);
                        let again = parse_query(&Source::query(text.as_str()));
                        let again = again.unwrap_or_else(|errors| {
                            panic!("{query}\n{text}\n{}", render_all(&errors))
                        });
                        assert_eq!(
                            shape(&block),
                            shape(&again),
                            "{query}\n--- formatted\n{text}"
                        );
                        assert_eq!(format_query(&again), text);
                        parsed += 1;
                    }
                    Err(errors) => assert!(
                        !must_parse,
                        "{}: {query}\n{}",
                        case["name"],
                        render_all(&errors)
                    ),
                }
            }
        }
    }
    assert!(parsed > 2000, "only {parsed} queries");
}

#[test]
fn declared_signatures_parse() {
    let texts = [
        "<A, B> (A => B, ...Array<A>) => Set<B>",
        "(accessor: A => Any) => { asc: A => Any }",
        "((term1: Int) => Set<Foo>) & ((term1: Int, range: { from: Any } | { to: Any }) => Set<Foo>)",
        "FQL.SchemaModule?",
        "{ a: Int, \"b c\": String, ... }",
        "[A, B] => C",
        "() => Never",
        "(x: ...Any) => true | 1 | \"a\"",
    ];
    for text in texts {
        let scheme = parse_type_scheme(&Source::new("*signature*", text));
        assert!(
            scheme.is_ok(),
            "{text}: {}",
            render_all(&scheme.err().unwrap_or_default())
        );
    }
}

#[test]
fn errors_of_types() {
    let table = [
        ("3 | ##", "Expected type"),
        ("{ a: 3, b: ## }", "Expected type"),
        ("{ a: 3, ## }", "Expected `}`"),
        ("int", ""),
        ("int 3", "Expected end-of-input"),
        ("int3<", "Expected type"),
        (
            "{ *: A, b: B }",
            "Wildcard must be the last element in an object",
        ),
        (
            "{ ..., b: B }",
            "Interface must be the last element in an object",
        ),
        ("{ a: A, a: B }", "Duplicate key"),
        ("{ a: A = 1 }", "Default values are not allowed here"),
        ("(a: A)", "Only lambda argument types may be named"),
        ("(...A)", "Invalid variadic argument"),
        ("(...A, B) => C", "Invalid variadic argument"),
    ];
    for (text, expected) in table {
        let result = parse_type(&Source::query(text));
        let message = result
            .err()
            .map_or(String::new(), |errors| errors[0].message.clone());
        assert_eq!(message, expected, "{text}");
    }
    let table = [
        ("{ a: Int = 3, b: { c: String = \"x\" } }", ""),
        ("{ a: Int = 3 }?", "hint: Parent is nullable"),
        ("{ a: Int = 3 } | String", "hint: Parent is a union"),
        ("Array<{ a: Int = 3 }>", "hint: Parent is not an object"),
        (
            "{ a: { b: Int = 1 } = { b: 2 } }",
            "hint: Parent has a conflicting default value",
        ),
    ];
    for (text, expected) in table {
        let summary = parse_schema_type(&Source::query(text))
            .err()
            .map_or(String::new(), |errors| render_all(&errors));
        assert!(
            summary.contains(expected) && summary.is_empty() == expected.is_empty(),
            "{text}: {summary}"
        );
    }
}

#[test]
fn bodies_of_functions() {
    let table = [
        ("x => x", ""),
        ("(x, y) =>\n  x + y\n", ""),
        (
            "(.x)",
            "error: Short form lambdas are not allowed here\nat *body*:1:2\n  |\n1 | (.x)\n  |  ^^\n  |",
        ),
        (
            "1 + 1",
            "error: Body must be a lambda expression.\nat *body*:1:1\n  |\n1 | 1 + 1\n  | ^^^^^ Expression is not a lambda.\n  |\n\
             hint: Declare a lambda.\n  |\n1 | () => 1 + 1\n  | ++++++\n  |",
        ),
        (
            "let a = 1\na",
            "error: Body must be a lambda expression.\nat *body*:1:1\n  |\n1 |   let a = 1\n  |  _^\n2 | | a\n  | |_^\n  |",
        ),
        (
            "x => x;",
            "error: Expected end-of-input\nat *body*:1:7\n  |\n1 | x => x;\n  |       ^\n  |",
        ),
    ];
    for (text, expected) in table {
        let summary = parse_lambda(&Source::new("*body*", text))
            .err()
            .map_or(String::new(), |errors| render_all(&errors));
        assert_eq!(summary, expected, "{text}");
    }
    assert!(fql::fql::syntax::parse_predicate_lambda(&Source::new("*body*", "(.x > 1)")).is_ok());
}

#[test]
fn field_paths() {
    for text in [
        ".a",
        "a",
        ".a.b[0].c",
        "a[\"b c\"]",
        ".[\"a\"]",
        "[\"a\"]",
        ".['a']",
    ] {
        assert!(parse_path(text).is_ok(), "{text}");
    }
    for text in [
        "", ".", "a..b", "a b", "a()", "a!", "a?.b", "a[-1]", "a[b]", "a + b", "1", ".a ;",
    ] {
        assert!(parse_path(text).is_err(), "{text}");
    }
}

/// Pieces of FQL, in any order.
fn soup() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "b'",
        "_",
        "1",
        "2.5",
        "-",
        "0x1f",
        "1e",
        "'s'",
        "\"t\"",
        "\"#{",
        "\"",
        "'",
        "}",
        "{",
        "(",
        ")",
        "[",
        "]",
        ",",
        ".",
        "?.",
        "...",
        "!",
        "~",
        "+",
        "*",
        "**",
        "/",
        "//",
        "/*",
        "*/",
        "%",
        "==",
        "=",
        "=>",
        ":",
        ";",
        "\n",
        " ",
        "??",
        "|",
        "&&",
        "isa",
        "if",
        "else",
        "at",
        "let",
        "match",
        "case",
        "null",
        "true",
        "of",
        "<<-E\n",
        "<<+E\n",
        "\nE",
        "\\",
        "\\u{",
        "é",
        "\u{0}value>",
        "\u{0}",
        "x =>",
        "(x) =>",
        "Int",
        "Array<",
        ">",
        "?",
        "*:",
        "😀",
        "\u{2028}",
        "\t",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// Expressions as text, most of them valid.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "a",
        "x'",
        "1",
        "-2",
        "3000000000",
        "2.5",
        "1e400",
        "null",
        "true",
        "'it\\'s'",
        "\"a#b\"",
        "[]",
        "{}",
        "<<-E\n  a\n b\nE\n",
        "\u{0}value>",
        "(.k)",
    ])
    .prop_map(String::from);
    leaf.prop_recursive(8, 200, 2, |inner| {
        let op = prop::sample::select(vec![
            "??", "||", "&&", "==", "!=", "<", ">=", "isa", "|", "^", "&", "+", "-", "*", "/", "%",
            "**",
        ]);
        prop_oneof![
            (inner.clone(), op, inner.clone()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}, {b})")),
            inner.clone().prop_map(|a| format!("({a})")),
            inner.clone().prop_map(|a| format!("-{a}")),
            inner.clone().prop_map(|a| format!("!({a})")),
            inner
                .clone()
                .prop_map(|a| format!("({a}).f?.g(.h + 1, {a})![0]?.(1)")),
            inner
                .clone()
                .prop_map(|a| format!("f(.a + ({a}), .[0], -.x.y {{ z }})")),
            inner.clone().prop_map(|a| format!("x => {a}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("if ({a}) {b}")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| format!("if ({a}) {b} else {c}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("at ({a}) {b}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{{ k: {a}, 'if': {b} }}")),
            (inner.clone(), inner.clone())
                .prop_map(|(a, b)| format!("{{ let v: Int? | [A, B] = {a}\n {b} }}")),
            inner.clone().prop_map(|a| format!("[{a}, {a}]")),
            inner.clone().prop_map(|a| format!("\"p#{{ {a} }}q\"")),
            inner
                .clone()
                .prop_map(|a| format!("{a} {{ k, l: .m + 1, n {{ o }}, p: {a} }}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn nothing_panics(text in soup()) {
        let source = Source::query(text.as_str());
        let failures = [
            parse_query(&source).err(),
            parse_expr(&source).err(),
            parse_type(&source).err(),
            parse_lambda(&source).err(),
        ];
        for errors in failures.into_iter().flatten() {
            prop_assert!(!errors.is_empty());
            prop_assert!(render_all(&errors).starts_with("error: "));
        }
        let _ = (parse_path(&text), parse_schema_type(&source), parse_type_scheme(&source), is_complete(&text));
        let mut end = 0;
        for (span, _) in tokens(&text) {
            prop_assert!(span.start >= end && span.end > span.start);
            prop_assert!(text.get(span.start as usize..span.end as usize).is_some());
            end = span.end;
        }
        let mut end = 0;
        for item in split_queries(&text) {
            prop_assert!(item.span.start >= end && text.get(item.span.start as usize..item.span.end as usize).is_some());
            end = item.span.end;
        }
    }

    #[test]
    fn formatted_text_means_the_same(text in expression()) {
        if let Ok(expr) = parse_expr(&Source::query(text.as_str())) {
            let formatted = format_expr(&expr);
            match parse_expr(&Source::query(formatted.as_str())) {
                Ok(again) => {
                    prop_assert_eq!(shape(&expr), shape(&again), "{}\n--- formatted\n{}", text, formatted);
                    prop_assert_eq!(format_expr(&again), formatted);
                }
                Err(errors) => prop_assert!(false, "{}\n--- formatted\n{}\n{}", text, formatted, render_all(&errors)),
            }
        }
    }
}

#[test]
fn formatted_types_mean_the_same() {
    let texts = [
        "Any",
        "A?",
        "(A | B)?",
        "A | B & C",
        "(A | B) & C",
        "A => B => C",
        "(A => B) => C",
        "(A => B)?",
        "(a: A, ...B) => C",
        "(...A) => B",
        "(x: [A, B]) => C",
        "[A, B] => C",
        "{ a: A, \"b c\": B?, *: C }",
        "{ a: A, ... }",
        "{}",
        "A | (B | C)",
        "Array<Array<A?>>",
        "-1 | \"a\\n\"",
        "() => Never",
        "(A | B) => C",
        "A | (B => C)",
        "{ *: Any }",
        "{ ... }",
    ];
    for text in texts {
        let ty: TypeExpr = parse_type(&Source::query(text))
            .unwrap_or_else(|errors| panic!("{text}: {}", render_all(&errors)));
        let formatted = format_type(&ty);
        let again = parse_type(&Source::query(formatted.as_str()))
            .unwrap_or_else(|errors| panic!("{formatted}: {}", render_all(&errors)));
        assert_eq!(shape(&ty), shape(&again), "{text} -> {formatted}");
    }
}

#[test]
fn canonical_text() {
    let table = [
        ("x=>x+1", "(x) => x + 1"),
        ("(.a+1)", "(.a + 1)"),
        (
            "(x,...y)=>{let a:Int=1;if(x)f(.b)else[1,2]}",
            "(x, ...y) => {\n  let a: Int = 1\n  if (x) f(.b) else [1, 2]\n}",
        ),
        (
            "x => { 'a': 1, \"b c\": [{}] }",
            "(x) => {\n  a: 1,\n  \"b c\": [{}]\n}",
        ),
        ("x => (x.a + 1) * 2", "(x) => (x.a + 1) * 2"),
        ("x => x { a, b: .c }", "(x) => x {\n  a: .a,\n  b: .c\n}"),
    ];
    for (text, expected) in table {
        let lambda: std::sync::Arc<Lambda> =
            fql::fql::syntax::parse_predicate_lambda(&Source::query(text))
                .unwrap_or_else(|errors| panic!("{}", render_all(&errors)));
        assert_eq!(format_lambda(&lambda), expected);
    }
}

/// The generator of [`expression`] is worth something only if much of it parses.
#[test]
fn most_generated_expressions_parse() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = expression();
    let texts: Vec<String> = (0..300)
        .filter_map(|_| strategy.new_tree(&mut runner).ok())
        .map(|tree| proptest::strategy::ValueTree::current(&tree))
        .collect();
    let valid = texts
        .iter()
        .filter(|text| parse_expr(&Source::query(text.as_str())).is_ok())
        .count();
    let long = texts
        .iter()
        .filter(|text| text.len() > 60 && parse_expr(&Source::query(text.as_str())).is_ok())
        .count();
    assert!(
        valid > 120 && long > 40,
        "{valid} of {} parse, {long} of them long",
        texts.len()
    );
}

/// The tree may be shared between threads.
#[test]
fn trees_are_shareable() {
    let block: Block = parse_query(&Source::query("x => x")).expect("query");
    let moved = std::thread::spawn(move || format_query(&block)).join();
    assert_eq!(moved.expect("thread"), "(x) => x");
}
