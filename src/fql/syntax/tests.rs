//! What parses, to what, and what is said of what does not.

use super::*;

/// The message of the first error of `text`, and the character it points to (`␀` at the end).
fn first_error(text: &str) -> (String, String) {
    let errors = parse_query(&Source::query(text)).expect_err(text);
    let error = &errors[0];
    let start = error
        .location
        .as_ref()
        .map_or(0, |location| location.span.start as usize);
    let at = text
        .get(start..)
        .and_then(|rest| rest.chars().next())
        .map_or("␀".to_string(), |ch| ch.to_string());
    (error.message.clone(), at)
}

fn messages(text: &str) -> Vec<String> {
    match parse_query(&Source::query(text)) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.into_iter().map(|error| error.message).collect(),
    }
}

#[test]
fn generic_errors_of_the_specification() {
    let table = [
        ("2 3", "3", "Expected end-of-input"),
        ("{ a:", "␀", "Expected expression"),
        ("{ a: }", "}", "Expected expression"),
        ("if (true)", "␀", "Expected expression"),
        ("if (true) 3 else", "␀", "Expected expression"),
        ("let a =", "␀", "Expected expression"),
        ("let a: int =", "␀", "Expected expression"),
        ("foo { foo: }", "}", "Expected expression"),
        ("{ a: (3 }", "}", "Expected `)`, `,`, or `...`"),
        ("{ a: [3 }", "}", "Expected `,` or `]`"),
        ("if", "␀", "Expected `(`"),
        ("if true", "t", "Expected `(`"),
        ("let", "␀", "Expected identifier"),
        ("let.foo", ".", "Expected identifier"),
        ("let a", "␀", "Expected `:` or `=`"),
        ("let a:", "␀", "Expected type"),
        ("let a: int", "␀", "Expected `<` or `=`"),
        ("3.", "␀", "Expected digit or identifier"),
        ("foo(,)", ",", "Expected `)` or expression"),
        ("foo(", "␀", "Expected `)` or expression"),
        ("foo(a", "␀", "Expected `)` or `,`"),
        ("foo(3", "␀", "Expected `)` or `,`"),
        ("'\\u12'", "'", "Expected hex digit"),
        ("'\\uz'", "z", "Expected `{` or hex digit"),
        ("'\\u{1234'", "'", "Expected `}` or hex digit"),
        ("'\\3'", "3", "Expected escape code"),
        ("foo { 3 }", "3", "Expected `*` or identifier"),
        ("foo { foo: 3 bar }", "b", "Expected `,` or `}`"),
    ];
    for (text, at, message) in table {
        assert_eq!(
            first_error(text),
            (message.to_string(), at.to_string()),
            "{text}"
        );
        assert_eq!(messages(text).len(), 1, "{text}");
    }
}

#[test]
fn specific_errors_of_the_specification() {
    const QUERY: &str = "Unexpected end of query. Expected statement or expression";
    const BLOCK: &str = "Unexpected end of block. Expected statement or expression";
    const NAME: &str = "Invalid identifier";
    let table: &[(&str, &[&str])] = &[
        ("", &[QUERY]),
        ("// nothing", &[QUERY]),
        ("}", &[QUERY]),
        (")", &[QUERY]),
        ("==", &[QUERY]),
        ("##", &[QUERY]),
        (".5", &[QUERY]),
        ("; 1", &[QUERY]),
        ("{", &[BLOCK]),
        ("{ ) }", &[BLOCK]),
        ("let a = 1", &["Missing return expression"]),
        ("{ let a = 1 }", &["Missing return expression"]),
        ("join", &[NAME, QUERY]),
        ("{ of }", &[NAME, BLOCK]),
        ("(of)", &[NAME]),
        ("f(of)", &[NAME]),
        ("1\nisa Int", &[NAME]),
        ("let a = 1\nof", &[NAME, "Missing return expression"]),
        ("let _ = 1; 2", &[NAME]),
        ("let FQL = 1; 2", &[NAME]),
        ("x { on }", &[NAME, NAME]),
        ("of => 1", &[NAME, QUERY]),
        ("(a, of) => 1", &[NAME]),
        ("{ a: 1, a: 2, a: 3 }", &["Duplicate key", "Duplicate key"]),
        ("(x, y, x) => x", &["Duplicate lambda argument"]),
        ("(x, ...x) => x", &["Duplicate lambda argument"]),
        (
            "{ \"#{1}\": 2 }",
            &["Object keys do not support interpolation"],
        ),
        (
            "{ \"a#{x}\" }",
            &["Object keys do not support interpolation"],
        ),
        (".foo", &["Invalid anonymous field access"]),
        ("let f = .length; 1", &["Invalid anonymous field access"]),
        ("[.a]", &["Invalid anonymous field access"]),
        ("{ a: .b }", &["Invalid anonymous field access"]),
        ("\"#{.a}\"", &["Invalid anonymous field access"]),
        ("x => .a", &["Invalid anonymous field access"]),
        ("(.a + (.b)) / 2", &["Invalid anonymous field access"]),
        ("(.a) + 1", &["Invalid anonymous field access"]),
        ("'\\u{110000}'", &["Invalid escape"]),
        ("'\\ud800'", &["Invalid escape"]),
        ("(1, ...b)", &["invalid variadic tuple"]),
        ("(1, ...b) => 1", &["invalid variadic tuple"]),
    ];
    for (text, expected) in table {
        assert_eq!(&messages(text), expected, "{text}");
    }
}

#[test]
fn what_the_language_allows() {
    let texts = [
        "1",
        "- 5",
        "+7",
        "1_",
        "0xff + 0o17 + 0b1",
        "1e3",
        "1.5e-3",
        "1 -1",
        "1.foo",
        "1.e3",
        "1isa Int",
        "()",
        "(1,)",
        "[,]",
        "(a, ...b)",
        "(...b)",
        "(a, ...rest) => a",
        "(...rest) => rest",
        "x => y => x",
        "(a,) => a",
        "() => { a: 1 }",
        "{}",
        "{ a }",
        "{ \"a\" }",
        "{ a: 1, }",
        "{ if: 1 }.if",
        "{ 'a b': 1, \"c\": 2 }",
        "{ (\"a#{x}\") }",
        "a\n.b\n?.c",
        "a?.b?.(1)?.[2]",
        "a!.b!",
        "a != b",
        "!a == b",
        "a {\n b, c: .d, e { f } }",
        "x { * }",
        "a ?? b { c }",
        "1\n+ 2",
        "1 +\n2",
        "a\n&& b\n|| c",
        "if (a) b\nelse if (c) d else e",
        "at (t) x",
        "let x: Int? = 1; x",
        "let x: { a: Int, *: Any } = y; x",
        "let f: (a: Int, ...String) => A | B & C = y; f",
        "let x: Array<Int>=y\nx",
        "xs.map(.a.b(.c))",
        "xs.map(.[0])",
        "xs.map(.(1))",
        "f(-.a)",
        "f(.a { b })",
        "\"a#{ 1 + 1 }b#c\"",
        "\"a #{\"b #{c}\"} d\"",
        "<<-END\n  a\n  b\n  END",
        "<<+END\n  a #{b}\nEND",
        "f(<<-A\n x\nA, 2)",
        "<<-E\nE",
        "// c\n1 /* a /* b */ c */",
        "1;",
        "1 ;\n",
        "a => b",
        "a'",
        "null' => 1",
        "match x { case a => 1 }",
        "\u{0}value> + 1",
        "a /* x */ + /* y */ b",
        "'a\nb'",
        "let a = 1\n\nlet b = 2;;\n a",
        "(.a)",
        "let f = (.length); f('hi')",
    ];
    for text in texts {
        let result = parse_query(&Source::query(text));
        assert!(result.is_ok(), "{text}: {:?}", result.err());
    }
}

#[test]
fn hostile_nesting_is_refused_or_parsed() {
    let units = [
        "[",
        "(",
        "{",
        "f(",
        "a[",
        "\"#{",
        "- ",
        "!",
        "~",
        "x => ",
        "if (a) ",
        "if (a) b else ",
        "at (t) ",
        "/*",
        "<<+A\n#{",
        "{ a: ",
        "{ \"",
        "{ 'a': ",
        "(a, ",
        "x { a ",
        "x { a: ",
        ".a(",
        "match x { case a => ",
        "(((a) => ",
        "let a = ",
        "'\\",
        "f(- (",
        "a ?? (",
    ];
    for unit in units {
        for count in [500, 999, 20_000] {
            let text = unit.repeat(count);
            assert!(
                parse_query(&Source::query(text.as_str())).is_err(),
                "{unit} {count}"
            );
            assert!(
                parse_query(&Source::query(format!("{text} 1"))).is_err() || count < 1000,
                "{unit} {count}"
            );
        }
    }
    for unit in [
        "A<", "A => ", "{ a: ", "(", "[", "(a: ", "A | (", "{ *: ", "A<B, ",
    ] {
        for count in [500, 20_000] {
            let text = unit.repeat(count);
            assert!(
                parse_type(&Source::query(text.as_str())).is_err(),
                "{unit} {count}"
            );
            assert!(
                parse_query(&Source::query(format!("let x: {text}"))).is_err(),
                "{unit} {count}"
            );
        }
    }
}

#[test]
fn deep_texts_parse() {
    let nested = |open: &str, close: &str| format!("{}1{}", open.repeat(500), close.repeat(500));
    for (open, close) in [
        ("[", "]"),
        ("(", ")"),
        ("{ a: ", "}"),
        ("{", "}"),
        ("f(", ")"),
        ("x => ", ""),
        ("- ", ""),
        ("\"#{", "}\""),
    ] {
        let result = parse_query(&Source::query(nested(open, close)));
        assert!(result.is_ok(), "{open}: {:?}", result.err());
    }
    let ladder = format!("{}1", "if (a) b else ".repeat(900));
    assert!(parse_query(&Source::query(ladder)).is_ok());
    let sum = vec!["1"; 3000].join(" + ");
    assert!(parse_query(&Source::query(sum)).is_ok());
    let sum = format!("{} + of", vec!["1"; 100_000].join(" + "));
    assert_eq!(
        messages(&sum),
        ["Typechecking failed due to query complexity."]
    );
}

#[test]
fn long_texts_are_linear() {
    let texts = [
        format!("[{}]", vec!["a.b(1)"; 10_000].join(", ")),
        format!("'{}'", "x".repeat(200_000)),
        format!("1{}", " ".repeat(200_000)),
        format!("1{}", "\n".repeat(200_000)),
        format!("{{ {} }}", "// c\n".repeat(20_000)),
        "/*\n".repeat(60_000),
        "if (a) b\n".repeat(10_000),
        format!("<<-E\n{}E", "/*\n".repeat(60_000)),
        "'a".repeat(20_000),
        "\"a".repeat(20_000),
        "\"\\n".repeat(20_000),
        format!("{{ \"{}\" }}", "a".repeat(20_000)),
        format!("a{}", ".b".repeat(20_000)),
        format!("a{}", "!".repeat(900)),
        format!("{}x{}", "if (a) ".repeat(900), "\n".repeat(5_000)),
        format!("{}x{}", "if (a) ".repeat(900), "\n".repeat(1_000_000)),
    ];
    for text in texts {
        let start = std::time::Instant::now();
        let _ = parse_query(&Source::query(text.as_str()));
        let took = start.elapsed().as_secs_f64();
        assert!(took < 5.0, "{took} s: {}", &text[..20]);
    }
}
