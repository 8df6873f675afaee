//! Texts that are no queries, or hardly.

use super::{TIMEOUT, run, session, verdict};
use fql::engine::Request;

/// `open`, repeated, around `middle`.
fn nested(open: &str, middle: &str, close: &str, depth: usize) -> String {
    format!("{}{middle}{}", open.repeat(depth), close.repeat(depth))
}

#[test]
fn nested_texts() {
    let mut cases = Vec::new();
    for (open, middle, close, deep) in [
        ("(", "1", ")", "ok"),
        ("[", "1", "]", "ok"),
        ("{ a: ", "1", " }", "ok"),
        ("{", "1", "}", "ok"),
        ("Same(", "1", ")", "ok"),
        ("if (true) ", "1", "", "ok"),
        ("if (true) 1 else ", "1", "", "ok"),
        ("x => ", "1", "", "ok"),
        ("(x, y) => ", "1", "", "ok"),
        ("!", "true", "", "ok"),
        ("-", "1", "", "ok"),
        // A string and its hole are two levels, as are `at` and its block.
        ("\"#{", "1", "}\"", "invalid_query"),
        ("at (Time.now()) { ", "1", " }", "invalid_query"),
        ("1 + (", "1", ")", "ok"),
        ("[][", "0", "]", "index_out_of_bounds"),
        // A comment is no query.
        ("/* ", "", " */", "invalid_query"),
        ("{ let a = ", "1", "; a }", "ok"),
        ("x { a: ", "1", " }", "unbound_variable"),
    ] {
        cases.push((nested(open, middle, close, 100_000), "invalid_query"));
        cases.push((nested(open, middle, close, 900), deep));
        cases.push((
            format!("{}{middle}", open.repeat(3000)),
            // Without a limit, some of these were complete.
            "invalid_query",
        ));
    }
    for operator in [
        "+", "==", "&&", "??", "**", "isa", ".a", "?.a", "!", "|", "<",
    ] {
        cases.push((
            format!("1{}", format!(" {operator} 1").repeat(5_000)),
            "invalid_query",
        ));
    }
    run(&cases);
}

#[test]
fn texts_that_are_no_queries() {
    let cases: Vec<_> = [
        "\"",
        "'",
        "\"abc",
        "'abc\n",
        "\"#{",
        "\"#{1",
        "\"#{1}",
        "\"\\",
        "'\\",
        "<<",
        "<<-A\nabc",
        "<<+A\n#{",
        "<<A\n  x\nB",
        "/*",
        "/* /* */",
        "\"\\u\"",
        "\"\\u{110000}\"",
        "\"\\u{D800}\"",
        "\"\\uD800\"",
        "\"\\q\"",
        "\"\\x4\"",
        "'\\u{'",
        "0x",
        "0b2",
        "0o9",
        "1e",
        "1e+",
        "1.2.3",
        "007",
        ".5",
        "\u{0}",
        "1 \u{0}",
        "\"\u{0}value>\"",
        "\u{feff}\u{feff}1",
        "\u{202e}1",
        ")",
        "]",
        "}",
        "(",
        "[1",
        "{ a",
        "{ a:",
        "{ a: 1,,}",
        "[1,,2]",
        "f(,)",
        "1 +",
        "+ + 1",
        "let",
        "let x",
        "let x =",
        "let x = 1",
        "let 1 = 2; 3",
        "if",
        "if (",
        "if (1)",
        "if true 1",
        "else",
        "=>",
        "x =>",
        "(x, x => 1",
        "(1) => 1",
        "at",
        "at (1)",
        "a.",
        "a..b",
        "a?.",
        "a.1",
        "#",
        "`",
        "@",
        "$",
        "$0",
        "%",
        "a b c",
        ";",
        "",
        " ",
        "// x",
        "é",
        "\u{1F600}",
        "let é = 1; é",
        "let let = 1; 1",
        "null.x =",
        "{ 1: 2 }",
        "{ a: 1, a: 2 } {",
        "x: Int",
        "let x: = 1; x",
        "let x: [ = 1; x",
        "let x: {a: = 1; x",
        "(x: Foo<Bar<) => 1",
        "...",
        "(...x) =>",
        "(...x, y) => 1",
    ]
    .map(|text| (text, "invalid_query"))
    .into();
    run(&cases);
    // What looks as bad but is none.
    run(&[
        ("1__.e", "ok"),
        ("1;;2", "ok"),
        ("1_", "ok"),
        ("1e999999", "ok"),
    ]);
}

#[test]
fn long_texts() {
    let list = |one: fn(usize) -> String, count| (0..count).map(one).collect::<String>();
    run(&[
        ("9".repeat(1_000_000), "ok"),
        (format!("0.{}1", "0".repeat(400_000)), "ok"),
        (format!("0.{}", "9".repeat(400_000)), "ok"),
        (format!("1e{}", "9".repeat(400_000)), "ok"),
        (format!("1.5e-{}", i64::MAX), "ok"),
        ("a".repeat(1_000_000), "unbound_variable"),
        ("1 ".repeat(200_000), "invalid_query"),
        ("\n".repeat(1_000_000), "invalid_query"),
        ("é".repeat(20_000), "invalid_query"),
        ("\"".repeat(100_001), "invalid_query"),
        (")".repeat(100_000), "invalid_query"),
        (format!("\"{}\".length", "x".repeat(1 << 20)), "ok"),
        (format!("\"{}\"", "\\n".repeat(1 << 18)), "ok"),
        (format!("\"{}\".length", "\\u{41}".repeat(1 << 16)), "ok"),
        (format!("[{}]", "1,".repeat(20_000)), "ok"),
        (format!("\"{}\".length", "#{1}".repeat(5_000)), "ok"),
        (
            format!("{{{}}}", list(|i| format!("f{i}: 1,"), 20_000)),
            "ok",
        ),
        (list(|i| format!("let v{i} = {i}\n"), 3000) + "v0", "ok"),
        (format!("({}) => 1", list(|i| format!("p{i},"), 3000)), "ok"),
        (format!("[1]{}.length", ".map(x => x)".repeat(1000)), "ok"),
        (format!("1{}.length", ".toString()".repeat(3000)), "ok"),
        (format!("let x: {}2 = 1; x", "1|".repeat(3000)), "ok"),
        (format!("{}null", "1 ?? ".repeat(3000)), "ok"),
    ]);
}

/// Each of many errors shows its line, and each of many frames: the summary stays readable, and is made soon.
#[test]
fn summaries_are_bounded() {
    let session = session();
    for (query, typecheck, expected) in [
        (format!("[{}]", "x,".repeat(20_000)), true, "invalid_query"),
        (
            format!("{{{}}}", "a: b, ".repeat(10_000)),
            true,
            "invalid_query",
        ),
        (
            format!("\"{}\"", "#{x}".repeat(10_000)),
            true,
            "invalid_query",
        ),
        (
            format!("let x: {{{}}} = 1; x", "a: B, ".repeat(5_000)),
            true,
            "invalid_query",
        ),
        (
            format!("/*{}*/ let f = f => f(f); f(f)", "z".repeat(100_000)),
            false,
            "stack_overflow",
        ),
        (format!("f => f({})", "log(f),".repeat(10_000)), true, "ok"),
    ] {
        let mut request = Request::text(query);
        request.typecheck = Some(typecheck);
        request.timeout = Some(TIMEOUT);
        let (code, took) = verdict(&session, &request);
        let summary = session.query(&request).summary;
        let start: String = summary.chars().take(300).collect();
        assert_eq!(code, expected, "{took:?} {start}");
        assert!(summary.len() < 8 << 20, "{} bytes: {start}", summary.len());
    }
    // The trace of a recursion is whole: 2048 frames, that of the first call and that of the last; the line has two calls.
    let outcome = session.query(&Request::text("let f = (f) => f(f); f(f)"));
    assert_eq!(outcome.summary.matches("f(f)").count(), 2 * 2050);
}
