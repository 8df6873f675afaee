//! Laws of static types: printing and parsing, simplification, bounded work, completion.

use super::typing::{environment, native};
use fql::fql::syntax::{Source, parse_query, parse_type, render_all};
use fql::fql::types::*;
use proptest::prelude::*;
use std::time::{Duration, Instant};

/// The static type of a query, or its rendered errors.
fn check(query: &str, env: &Environment) -> Result<String, String> {
    let source = Source::query(query);
    let block = parse_query(&source).map_err(|errors| render_all(&errors))?;
    check_query(&block, &source, env, &no_arguments)
        .map(|checked| checked.static_type)
        .map_err(|errors| render_all(&errors))
}

fn plain() -> Environment {
    Environment::new(native(), SchemaEnv::default())
}

/// Texts of types, as a user might write them.
fn type_text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("Any"),
        Just("Never"),
        Just("Null"),
        Just("Int"),
        Just("Number"),
        Just("String"),
        Just("Boolean"),
        Just("Time"),
        Just("1"),
        Just("-7"),
        Just("\"a\""),
        Just("\"q\\\"#\""),
        Just("true"),
        Just("{}"),
        Just("[]"),
    ]
    .prop_map(str::to_owned);
    leaf.prop_recursive(4, 24, 3, |inner| {
        let parts = prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            parts.clone().prop_map(|parts| parts.join(" | ")),
            parts
                .clone()
                .prop_map(|parts| format!("({})", parts.join(") & ("))),
            parts
                .clone()
                .prop_map(|parts| format!("[{}]", parts.join(", "))),
            parts
                .clone()
                .prop_map(|parts| format!("(a: {}) => Int", parts.join(", b: "))),
            parts
                .clone()
                .prop_map(|parts| format!("({}, ...String) => Boolean", parts.join(", "))),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) => ({b})")),
            (inner.clone(), inner.clone())
                .prop_map(|(a, b)| format!("{{ a: {a}, \"if\": {b}, *: Any }}")),
            inner.clone().prop_map(|a| format!("{{ a: {a}, ... }}")),
            inner.clone().prop_map(|a| format!("Array<{a}>")),
            inner.prop_map(|a| format!("({a})?")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// A printed type reads back as a type that prints the same.
    #[test]
    fn printing_and_parsing_are_inverse(text in type_text()) {
        let Ok(parsed) = parse_type(&Source::new("*type*", text.as_str())) else { return Ok(()) };
        let printed = print_type(&parsed);
        let again = parse_type(&Source::new("*type*", printed.as_str()));
        let again = again.map_err(|errors| TestCaseError::fail(format!("{printed}: {}", render_all(&errors))))?;
        prop_assert_eq!(print_type(&again), printed);
    }

    /// A value of an inferred type has that type again when it is annotated with it.
    #[test]
    fn simplification_is_idempotent(text in type_text()) {
        let env = plain();
        let typed = |ty: &str| check(&format!("let f = (): Any => 1\nlet a: Any = 1; let x: {ty} = a; x"), &env)
            .or_else(|_| check(&format!("let a: Any = 1; let x: {ty} = a; x"), &env));
        if let Ok(once) = typed(&text) {
            // Generic letters and recursive types have no syntax; a tuple as the only parameter shows
            // as a list of parameters. Nothing is null and something else at once: how such an input is shown depends on
            // how it was written.
            let ambiguous = [" as ", "] =>", "& Null"].iter().any(|part| once.contains(part));
            if parse_type(&Source::new("*type*", once.as_str())).is_ok() && !ambiguous {
                let twice = typed(&once);
                prop_assert_eq!(twice, Ok(once));
            }
        }
    }
}

/// Whatever the query, the check ends soon and with a verdict.
#[test]
fn hostile_queries_end_soon() {
    let env = plain();
    let repeat = |part: &str, count: usize| part.repeat(count);
    let numbered = |part: &str, count: usize| -> String {
        (0..count)
            .map(|i| part.replace('#', &i.to_string()))
            .collect()
    };
    let numbered = |count: usize, part: &str| numbered(part, count);
    let doubling: String = (1..40)
        .map(|i| format!("let x{i} = [x{}, x{}]\n", i - 1, i - 1))
        .collect();
    let functions: String = (1..30)
        .map(|i| format!("let f{i} = x => f{}(f{}(x))\n", i - 1, i - 1))
        .collect();
    let unions = (0..400)
        .map(|i| format!("\"v{i}\""))
        .collect::<Vec<_>>()
        .join(" | ");
    let queries = [
        format!("let x0 = 1\n{doubling}x39"),
        format!("let f0 = x => [x, x]\n{functions}f29(1)"),
        format!(
            "let f0 = (x, y) => x + y\n{}f0",
            (1..12)
                .map(|i| format!("let f{i} = x => [f0(x, x), f0(x, x)]\n"))
                .collect::<String>()
        ),
        format!("{}1{}", repeat("[", 400), repeat("]", 400)),
        format!("{}1{}", repeat("(x => x)(", 150), repeat(")", 150)),
        "(x => x(x))(x => x(x))".to_owned(),
        format!("let a: {unions} = \"v399\"; let b: {unions} = a; b"),
        format!("[{}].map(x => x.a)", repeat("{ a: 1 }, ", 3000)),
        format!("a => {}", repeat("a.b + ", 200) + "1"),
        format!(
            "({}) => {}",
            (0..40)
                .map(|i| format!("a{i}"))
                .collect::<Vec<_>>()
                .join(", "),
            (0..40)
                .map(|i| format!("[a{i} + a{i}]"))
                .collect::<Vec<_>>()
                .join(".concat(")
                + &repeat(")", 39)
        ),
        format!(
            "({}) => [{}]",
            (0..12)
                .map(|i| format!("a{i}"))
                .collect::<Vec<_>>()
                .join(", "),
            (0..12)
                .map(|i| format!("a{i} + a{i}"))
                .collect::<Vec<_>>()
                .join(", ")
        ),
        repeat("1 + ", 2000) + "1",
        format!("x => {}x", repeat("-", 300)),
        // Values that grow as they go around.
        format!(
            "[1, 2].fold([], (xs, x) => xs{})",
            repeat(".concat([x]).map(y => [y]).concat([xs])", 8)
        ),
        "[1].fold({}, (o, x) => { o: o, x: [x, o] })".to_owned(),
        "[1].fold(x => x, (f, x) => y => [f(y), f])".to_owned(),
        // Wide literals and types.
        format!("{{ {} }}.f2999", numbered(3000, "f#: #, ")),
        format!("[{}].map(x => x + 1)", numbered(10_000, "#, ")),
        format!("[{}].map(x => x.a)", numbered(2000, "{ a: #, f#: '#' }, ")),
        format!("x => [{}]", numbered(1000, "x.f#, ")),
        format!("{} 0", numbered(400, "if (true) # else ")),
        format!(
            "let a: {} | Null = {{ x: 399, y: 'no' }}; a",
            numbered(400, "{ x: #, y: # } | ").trim_end_matches([' ', '|'])
        ),
        // Overloads within overloads.
        format!(
            "(x, y) => {}x + y{}",
            repeat("(x + ", 60),
            repeat(" + y)", 60)
        ),
        format!(
            "(f => x => {}x{})((a => a + a))",
            repeat("f(", 60),
            repeat(")", 60)
        ),
        format!(
            "({}) => [{}]",
            numbered(30, "a#, "),
            numbered(29, "a# + a0, ") + "a29"
        ),
        format!(
            "let x = Math.mean([1]); {} x",
            numbered(300, "Math.sum([x, #].map(y => y + x)) + ")
        ),
    ];
    for query in queries {
        let started = Instant::now();
        let verdict = check(&query, &env);
        let shown: String = query.chars().take(60).collect();
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "{shown}: {:?}",
            started.elapsed()
        );
        if let Err(errors) = verdict {
            let known = errors.contains("complexity")
                || errors.contains("time limit")
                || errors.contains("is not a subtype of")
                || errors.contains("cannot be used as a function")
                || !errors.contains("Internal");
            assert!(known, "{shown}: {errors}");
        }
    }
}

/// What is folded may become part of itself: its type does not grow without end.
#[test]
fn accumulators_that_grow_have_a_type() {
    let env = plain();
    for (query, expected) in [
        (
            "[1, 2].fold([], (xs, x) => xs.concat([x]))",
            "Array<1 | 2> | []",
        ),
        (
            "['a'].fold([], (xs, x) => xs.append(x))",
            "Array<\"a\"> | []",
        ),
        (
            "Set.sequence(0, 3).fold([], (xs, x) => xs.concat([x]))",
            "Array<Number> | []",
        ),
    ] {
        assert_eq!(check(query, &env).as_deref(), Ok(expected), "{query}");
    }
}

/// Results of overloads show as they are declared, whatever reached them first.
#[test]
fn results_of_overloads_keep_their_order() {
    let pick = FunctionEnv {
        name: "pick".into(),
        alias: None,
        signature: Some("(Int => Int) & (Boolean => Boolean)".into()),
    };
    let schema = SchemaEnv {
        functions: vec![pick],
        ..SchemaEnv::default()
    };
    let env = Environment::new(native(), schema);
    for query in [
        "pick(if (1 > 0) true else 1)",
        "(x => { let y = if (true) true else x; pick(y) })(1)",
    ] {
        assert_eq!(
            check(query, &env).as_deref(),
            Ok("Int | Boolean"),
            "{query}"
        );
    }
}

#[test]
fn completion_knows_the_receiver() {
    let book = "Collection.create({ name: \"Book\", fields: { title: { signature: \"String\" } }, \
                indexes: { byTitle: { terms: [{ field: \".title\" }] } } })";
    let env = environment(&[book]).expect("a schema");
    let at = |query: &str| {
        let source = Source::query(query.replace('^', ""));
        let block = parse_query(&source).unwrap_or_else(|errors| panic!("{}", render_all(&errors)));
        let offset = query.find('^').unwrap_or(query.len());
        type_at(&block, &source, &env, &no_arguments, offset).expect("a type")
    };
    let names = |found: &TypeAt| {
        found
            .members
            .iter()
            .map(|member| member.name.to_string())
            .collect::<Vec<_>>()
    };

    let book = at("let b = Book.all().first(); b^");
    assert_eq!(book.ty, "Book | Null");
    assert!(book.nullable);
    assert_eq!(names(&book)[..4], ["id", "ts", "ttl", "title"]);
    assert!(names(&book).contains(&"update".to_owned()));

    let parameter = at("Book.all().map(b => b^)");
    assert_eq!(
        parameter.members[3],
        Member {
            name: "title".into(),
            signature: "String".into()
        }
    );

    let collection = at("Book^");
    assert!(
        names(&collection).contains(&"byTitle".to_owned()),
        "{collection:?}"
    );

    let string = members_of("String", &env);
    let slice = string
        .iter()
        .find(|member| &*member.name == "slice")
        .expect("slice");
    assert_eq!(
        slice.signature,
        "((start: Number) => String) & ((start: Number, end: Number) => String)"
    );

    let set = members_of("Set<Book>", &env);
    let first = set
        .iter()
        .find(|member| &*member.name == "first")
        .expect("first");
    assert_eq!(first.signature, "() => Book | Null");

    let names: Vec<String> = globals(&env)
        .into_iter()
        .map(|global| global.name.to_string())
        .collect();
    assert!(names.contains(&"Time".to_owned()) && names.contains(&"Book".to_owned()));
}
