use crate::fql::syntax::{Diagnostic, Source, place};
use crate::fsl::{Kind, find_duplicates, parse, parse_snippet};

/// `line:column message | line:column hint`, one fault each.
fn faults(text: &str) -> Vec<String> {
    let told = |fault: &Diagnostic| {
        let at = |location: &Option<crate::fql::syntax::Location>| {
            let place = location.as_ref().map(place).unwrap_or_default();
            place.trim_start_matches("*fsl*:").to_string()
        };
        let mut told = format!("{} {}", at(&fault.location), fault.message);
        if let Some(annotation) = &fault.annotation {
            told.push_str(&format!(" ({annotation})"));
        }
        for hint in &fault.hints {
            told.push_str(&format!(" | {} {}", at(&hint.location), hint.message));
        }
        told
    };
    match parse(&Source::new("*fsl*", text)) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(told).collect(),
    }
}

#[track_caller]
fn check(cases: &[(&str, &[&str])]) {
    for (text, expected) in cases {
        assert_eq!(&faults(text), expected, "{text}");
    }
}

#[test]
fn names_and_values_that_are_missing() {
    check(&[
        ("collection {}", &["1:1 Missing required name"]),
        ("collection A", &["1:1 Missing required value"]),
        ("@alias(B) collection A", &["1:1 Missing required value"]),
        ("role R 5", &["1:8 Expected a block"]),
        (
            "collection A { index { terms [.a] } }",
            &["1:16 Missing required name"],
        ),
        ("collection A { unique }", &["1:16 Missing required value"]),
        (
            "collection A { check (.a) }",
            &["1:16 Missing required name"],
        ),
        ("role R { privileges }", &["1:10 Missing required name"]),
        ("role R { privileges A }", &["1:10 Missing required value"]),
        (
            "access provider P {}",
            &["1:19 Missing issuer", "1:19 Missing jwks uri"],
        ),
        (
            "access provider P { issuer; jwks_uri 'u' }",
            &["1:21 Missing required value"],
        ),
    ]);
}

#[test]
fn names_that_may_not_be() {
    check(&[
        (
            "collection A { index 'b c' {} }",
            &["1:22 Invalid identifier `b c`"],
        ),
        (
            "collection A { \"b c\": Int }",
            &["1:16 Invalid identifier `b c`"],
        ),
        (
            "collection A { b': Int }",
            &["1:16 Invalid identifier `b'`"],
        ),
        (
            "collection A { ttl: Time }",
            &["1:16 Invalid reserved name `ttl`"],
        ),
        (
            "collection A { compute id = doc => 1 }",
            &["1:16 Invalid reserved name `id`"],
        ),
        (
            "collection A { unique B [.a] }",
            &["1:23 Name is not allowed here"],
        ),
        (
            "collection A { ttl_days b 3 }",
            &["1:25 Name is not allowed here"],
        ),
        ("table A {}", &["1:1 Invalid schema item `table`"]),
        ("name: String", &["1:1 Invalid schema item `field`"]),
        (
            "collection A { primary key }",
            &["1:16 Invalid field or member `primary`"],
        ),
        (
            "collection A { index b { sort [.c] } }",
            &["1:26 Invalid member `sort`"],
        ),
        (
            "role R { privileges A { update } }",
            &["1:25 Invalid action `update`"],
        ),
        ("role R { call }", &["1:10 Invalid member `call`"]),
    ]);
}

#[test]
fn annotations() {
    check(&[
        (
            "@role(admin) collection A {}",
            &["1:1 Annotation not supported here"],
        ),
        (
            "@alias(B) role R {}",
            &["1:1 Annotations are not allowed here"],
        ),
        (
            "@alias(B) @role(r) @alias(C)\nfunction f() { 1 }",
            &["1:20 Duplicate annotation `alias` | 1:1 Originally defined here"],
        ),
        (
            "collection A { @alias(B) history_days 1 }",
            &["1:16 Annotations are not allowed here"],
        ),
        ("@alias()", &["1:8 Expected name"]),
        ("@3", &["1:2 Expected identifier"]),
    ]);
}

#[test]
fn what_is_given_twice() {
    let once = |member: &str, kind: &str| {
        let text = format!("collection A {{\n  {member}\n  {member}\n}}");
        let fault = format!("3:3 Duplicate {kind} | 2:3 Originally defined here");
        assert_eq!(faults(&text), [fault], "{text}");
    };
    once("history_days 3", "history days");
    once("ttl_days 3", "ttl days");
    once("document_ttls true", "document TTLs");
    once("migrations { add .a }", "migration block");
    check(&[
        (
            "collection A {}\nfunction A() { 1 }",
            &["2:10 Duplicate collection or function `A` | 1:12 Originally defined here"],
        ),
        ("collection A {}\n@alias(B)\nfunction A() { 1 }", &[]),
        (
            "@alias(B)\nfunction A() { 1 }\ncollection A {}",
            &["3:12 Duplicate collection or function `A` | 2:10 Originally defined here"],
        ),
        (
            "collection A {}\n@alias(A)\ncollection B {}",
            &["2:8 Duplicate collection or function `A` | 1:12 Originally defined here"],
        ),
        (
            "role R {}\nrole R {}",
            &["2:6 Duplicate role `R` | 1:6 Originally defined here"],
        ),
        ("role A {}\ncollection A {}", &[]),
        (
            "collection A { a: Int; compute a = (.b) }",
            &["1:32 Duplicate field `a` | 1:16 Originally defined here"],
        ),
        (
            "collection A { index a {}; index a {} }",
            &["1:34 Duplicate index name `a` | 1:22 Originally defined here"],
        ),
        (
            "collection A { index a { terms [.b]; terms [.c] } }",
            &["1:38 Duplicate terms definition | 1:26 Originally defined here"],
        ),
        (
            "collection A { unique [.a, mva(.b)]; unique [mva(.[\"b\"]), .a] }",
            &[
                "1:45 Duplicate unique constraint. | 1:23 This unique constraint covers the same fields.",
            ],
        ),
        ("collection A { unique [.a]; unique [mva(.a)] }", &[]),
        (
            "collection A { check a (.b); check a (.c) }",
            &["1:36 Duplicate check constraint name `a` | 1:22 Originally defined here"],
        ),
        (
            "role R { membership A; membership A }",
            &["1:35 Duplicate membership `A` | 1:21 Originally defined here"],
        ),
        (
            "role R { privileges A { read\nread } }",
            &["2:1 Duplicate action `read` | 1:25 Originally defined here"],
        ),
    ]);
}

#[test]
fn fields() {
    check(&[
        (
            "collection A { a = 1 }",
            &["1:16 Expected a type signature"],
        ),
        (
            "collection A { compute a: Int }",
            &["1:16 Computed fields require a value"],
        ),
        (
            "collection A { compute a = 1 + 2 }",
            &["1:32 Expected lambda"],
        ),
        (
            "collection A { compute a = ((x => x)) }",
            &["1:28 Expected lambda"],
        ),
        (
            "collection A { compute a = .b }",
            &["1:28 Invalid anonymous field access"],
        ),
        (
            "collection A { *: Any = 3 }",
            &["1:25 No default allowed for wildcard field"],
        ),
        (
            "collection A { compute: Int }",
            &["1:23 Expected `*` or identifier"],
        ),
        (
            "collection A { index: Int; history_days: Int; read: Int }",
            &[],
        ),
        (
            "collection A { a: { b: Int = 1 }? }",
            &["1:30 Default values are not allowed here | 1:33 Parent is nullable"],
        ),
        (
            "collection A { a: { b: Int = 1 } = {} }",
            &[
                "1:30 Default values are not allowed here | 1:36 Parent has a conflicting default value",
            ],
        ),
        (
            "collection A { compute a: { b: Int = 1 } = (.b) }",
            &["1:38 Default values are not allowed here"],
        ),
        ("collection A { a: { b: Int = 1, c: { d: Int = 2 } } }", &[]),
        ("collection A { a: [ }", &["1:21 Expected `,` or `]`"]),
        (
            "collection A { a: Int,, }",
            &["1:22 Expected `<`, `=`, or `}`"],
        ),
    ]);
}

#[test]
fn paths_and_literals() {
    check(&[
        ("collection A { unique [a] }", &["1:24 Invalid field path"]),
        (
            "collection A { unique [.a()] }",
            &["1:24 Invalid field path"],
        ),
        (
            "collection A { unique [desc(.a)] }",
            &["1:24 Expected 'mva'"],
        ),
        (
            "collection A { unique [] }",
            &["1:23 Expected non-empty terms for a unique constraint"],
        ),
        (
            "collection A { unique 3 }",
            &[
                "1:23 Expected an array of terms",
                "1:23 Expected non-empty terms for a unique constraint",
            ],
        ),
        (
            "collection A { index a { terms []; values [desc(mva(.a)), mva(asc(.b))] } }",
            &[],
        ),
        (
            "collection A { index a { values 3 } }",
            &["1:33 Expected an array of values"],
        ),
        (
            "collection A { index a { values [up(.a)] } }",
            &["1:34 Expected 'asc', 'desc', or 'mva'"],
        ),
        (
            "collection A { index a { values [asc(desc(.a))] } }",
            &["1:38 Expected 'asc', 'desc', or 'mva'"],
        ),
        ("collection A { unique [.a, ] }", &["1:26 Expected `]`"]),
        (
            "collection A { unique [.] }",
            &["1:24 Expected `]` or expression"],
        ),
        (
            "collection A { history_days '3' }",
            &[
                "1:29 Name is not allowed here",
                "1:16 Missing required value",
            ],
        ),
        (
            "collection A { history_days 3.5 }",
            &["1:29 Expected integer literal"],
        ),
        (
            "collection A { history_days -1 }",
            &["1:29 Expected integer literal"],
        ),
        (
            "collection A { document_ttls 1 }",
            &["1:30 Expected boolean literal"],
        ),
        (
            "access provider P { issuer 1; jwks_uri 'u' }",
            &["1:28 Expected string literal"],
        ),
        (
            "access provider P { issuer \"a#{b}\"; jwks_uri 'u' }",
            &["1:32 Cannot interpolate values in a string literal"],
        ),
    ]);
}

#[test]
fn lambdas_and_predicates() {
    check(&[
        (
            "collection A { check a x => x }",
            &[
                "1:24 Expected lambda check predicate (Check constraints require parenthesis around the lambda)",
            ],
        ),
        (
            "collection A { check a (1) }",
            &["1:24 Expected lambda check predicate"],
        ),
        (
            "role R { membership A { predicate (1) } }",
            &["1:35 Expected lambda predicate"],
        ),
        (
            "role R { membership A { read } }",
            &["1:25 Expecting a predicate"],
        ),
        (
            "role R { membership A {} }",
            &["1:23 Expected a single predicate member"],
        ),
        ("role R { membership A { predicate (.a) } }", &[]),
    ]);
}

#[test]
fn migrations() {
    check(&[
        (
            "collection A { migrations {} }",
            &["1:16 Empty migration blocks are not allowed"],
        ),
        (
            "collection A { migrations 3 }",
            &["1:27 Expected a migration block"],
        ),
        (
            "collection A { migrations { a: Int } }",
            &["1:30 Only migrations are allowed in migration blocks"],
        ),
        (
            "collection A { migrations { split .a -> .b } }",
            &["1:29 Expected at least two fields to split into"],
        ),
        (
            "collection A { migrations { split .a -> .b, .c, .b } }",
            &["1:41 Expected list of fields with no duplicates"],
        ),
        (
            "collection A { migrations { add .a[0].b } }",
            &["1:36 Cannot index into an item in a migration path"],
        ),
        (
            "collection A { migrations { add a } }",
            &["1:33 Invalid field path"],
        ),
        (
            "collection A { migrations { move .a .b } }",
            &["1:40 Expected `->`"],
        ),
        (
            "collection A { migrations { backfill .a 3 } }",
            &["1:41 Expected `=`"],
        ),
        (
            "collection A { migrations { drop } }",
            &["1:34 Expected expression"],
        ),
    ]);
}

#[test]
fn functions() {
    check(&[
        (
            "function f(a: Int, b): Int { a }",
            &[
                "1:20 All or no arguments must have a type | 1:15 Expecting types due to this type annotation",
            ],
        ),
        (
            "function f(a, b: Int) { a }",
            &[
                "1:15 All or no arguments must have a type | 1:12 Expecting no types due to this argument not having a type",
            ],
        ),
        (
            "function f(a: Int) { a }",
            &[
                "1:18 Return type is required when arguments have a type | 1:15 Expecting types due to this type annotation",
            ],
        ),
        (
            "function f(a): Int { a }",
            &[
                "1:16 Return type is not allowed when arguments do not have a type | 1:12 Expecting no types due to this argument not having a type",
            ],
        ),
        ("function f(): Int { 1 }", &[]),
        (
            "function f(...a, b) { a }",
            &["1:12 Variadic argument must be the last argument."],
        ),
        (
            "function f() { let a = 1 }",
            &["1:26 Missing return expression | 1:16 Statement does not return a value"],
        ),
        (
            "function f() {}",
            &["1:15 Unexpected end of block. Expected statement or expression"],
        ),
        (
            "function f() { 1 + }",
            &["1:11 Expected a function definition"],
        ),
        (
            "function f(a",
            &["1:13 Expected `)`, `,`, or a type annotation"],
        ),
        ("function f(a: Int", &["1:18 Expected `)`, `,`, or `<`"]),
        ("function f(", &["1:12 Expected `)`, `,`, or `...`"]),
        ("function f(a,", &["1:14 Expected `)` or `...`"]),
        ("function f {}", &["1:12 Expected `(`"]),
    ]);
}

#[test]
fn syntax() {
    check(&[
        ("", &[]),
        ("; // nothing\n;", &[]),
        ("3", &["1:1 Expected end-of-input"]),
        (
            "collection A {} collection B {}",
            &["1:17 Expected end-of-input"],
        ),
        ("collection A {", &["1:15 Expected `}`"]),
        ("collection A { 3 }", &["1:16 Expected `}`"]),
        (
            "collection #",
            &["1:12 Expected end-of-input or identifier"],
        ),
        ("role R { index # }", &["1:16 Expected `}` or identifier"]),
        ("access foo", &["1:8 Expected provider"]),
        ("access provider P", &["1:18 Expected expression"]),
        (
            "collection A { ttl_days true }",
            &["1:25 Invalid identifier (`true` is a keyword)"],
        ),
    ]);
}

/// Faults of all items are told at once.
#[test]
fn all_at_once() {
    check(&[(
        "collection A {\n  id: Int\n  index b { terms 3 }\n}\nrole R { foo }\nbar",
        &[
            "2:3 Invalid reserved name `id`",
            "3:19 Expected an array of terms",
            "5:10 Invalid member `foo`",
            "6:1 Invalid schema item `bar`",
        ],
    )]);
}

#[test]
fn snippets() {
    let told = |text: &str| {
        parse_snippet(text, Kind::Collection)
            .err()
            .unwrap_or_default()
    };
    assert_eq!(told("collection A {}"), "");
    assert_eq!(told(" \n"), "No FSL snippet provided");
    assert_eq!(told("// A"), "Expected a single schema item, got: 0");
    assert_eq!(
        told("collection A {}\nrole R {}"),
        "Expected a single schema item, got: 2"
    );
    assert_eq!(
        told("role R {}"),
        "Wrong FSL snippet. Expected a collection"
    );
    assert_eq!(
        told("collection {}\nfoo"),
        "error: Missing required name\nat *fsl*:1:1\n  |\n1 | collection {}\n  | ^^^^^^^^^^\n  |\n\
         error: Invalid schema item `foo`\nat *fsl*:2:1\n  |\n2 | foo\n  | ^^^\n  |"
    );
    let wrong = parse_snippet("collection A {}", Kind::Provider).err();
    assert_eq!(
        wrong.as_deref(),
        Some("Wrong FSL snippet. Expected an access provider")
    );
}

#[test]
fn duplicates_in_several_files() {
    let files = [
        super::file("a.fsl", "collection A {}\nrole R {}"),
        super::file("b.fsl", "function A() { 1 }\nrole A {}"),
        super::file("c.fsl", "role R {}"),
    ];
    assert_eq!(
        find_duplicates(&files),
        [
            "Duplicate collection or function `A` in b.fsl (originally seen in a.fsl)",
            "Duplicate role `R` in c.fsl (originally seen in a.fsl)"
        ]
    );
}
