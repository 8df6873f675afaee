//! Hostile template values, arguments and standard input; definitions that are gone.

use super::{session, verdict};
use fql::engine::{Argument, Request};
use serde_json::json;

/// Deleting what is referenced and renaming what is in use leaves readable data.
#[test]
fn what_is_referenced_may_go() {
    let session = session();
    let ok = |query: &str| {
        let mut request = Request::text(query);
        request.typecheck = Some(false);
        let outcome = session.query(&request);
        let said: String = outcome.summary.chars().take(500).collect();
        assert!(outcome.result.is_ok(), "{query}\n{said}");
    };
    ok("Item.byId('1')!.delete()");
    ok("if (Kept.byId('1')!.item.exists()) abort(0)");
    ok("Item.definition.update({ name: 'Renamed' })");
    ok("if (Renamed.byGroup('g').count() != 1) abort(0)");
    ok("Renamed.create({ id: 1, sku: 'a' })");
    ok("if (Kept.byId('1')!.item!.sku != 'a') abort(0)");
    ok("Renamed.definition.delete()");
    ok("Kept.byId('1')");
    ok("Kept.all().map(d => d.item).toArray()");
    ok("Kept.byId('1')!.update({ n: 1 })");
}

#[test]
fn template_values_and_arguments() {
    let session = session();
    let mut wrong = Vec::new();
    let mut check = |what: String, request: Request, expected: &str| {
        let (code, _) = verdict(&session, &request);
        if !expected.split(' ').any(|one| one == code) {
            wrong.push(format!("{code} for {expected}: {what}"));
        }
    };
    for value in [
        json!({"@int": "x"}),
        json!({"@int": 1}),
        json!({"@int": "99999999999"}),
        json!({"@long": "1e5"}),
        json!({"@double": "x"}),
        json!({"@date": "x"}),
        json!({"@time": ""}),
        json!({"@time": "9999999-01-01T00:00:00Z"}),
        json!({"@bytes": "*"}),
        json!({"@ref": 1}),
        json!({"@ref": {"id": "x", "coll": {"@mod": "Item"}}}),
        json!({"@doc": {"id": "1", "coll": {"@mod": "Nope"}}}),
        json!({"@mod": "Nope"}),
        json!({"@set": "nope"}),
        json!({"@object": 1}),
        json!({"@nope": 1}),
        json!({"@uuid": "x"}),
    ] {
        let mut request = Request::text("\0value>");
        request.values = vec![value.clone()];
        check(
            format!("{value}"),
            request,
            "invalid_query invalid_argument ok",
        );
        let mut request = Request::text("a");
        request.arguments = vec![("a".into(), Argument::Tagged(value.clone()))];
        check(
            format!("argument {value}"),
            request,
            "invalid_query invalid_argument invalid_request ok",
        );
    }
    let mut deep = json!(1);
    for _ in 0..1_000 {
        deep = json!([deep]);
    }
    let mut request = Request::text("a.length");
    request.arguments = vec![("a".into(), Argument::Simple(deep.clone()))];
    check(
        "deep argument".into(),
        request,
        "ok value_too_large invalid_request invalid_query",
    );
    let mut request = Request::text("\0value>");
    request.values = vec![deep];
    check(
        "deep value".into(),
        request,
        "ok value_too_large invalid_request invalid_query",
    );
    for (text, values) in [
        ("\0value>", 0),
        ("1", 3),
        ("\0value>\0value>", 1),
        ("\0", 1),
        ("\"\0value>\"", 1),
        ("\0valu", 1),
    ] {
        let mut request = Request::text(text);
        request.values = vec![json!({"@int": "1"}); values];
        check(
            format!("{text:?} with {values}"),
            request,
            "invalid_query unbound_variable ok",
        );
    }
    for text in [
        "",
        "(",
        "x",
        "abort(1)",
        "let a = 1; a",
        "Item.create({})",
        "(f => f(f))(f => f(f))",
    ] {
        let mut request = Request::text("a");
        request.arguments = vec![("a".into(), Argument::Fql(text.into()))];
        check(
            format!("argument {text}"),
            request,
            "invalid_query unbound_variable abort ok stack_overflow invalid_effect",
        );
    }
    for name in ["", "1", "a b", "let", "Item", "\0"] {
        let mut request = Request::text("1");
        request.arguments = vec![(name.into(), Argument::Simple(json!(1)))];
        check(
            format!("argument named {name:?}"),
            request,
            "ok invalid_request invalid_query invalid_argument",
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Runs the program with `input` as its standard input.
fn program(arguments: &[&str], input: &[u8]) -> std::process::Output {
    use std::io::Write;
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_fql"))
        .args(arguments)
        .env_remove("FAUNA_SECRET")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program");
    let mut stdin = child.stdin.take().expect("its input");
    // It may refuse before it has read all.
    let _ = stdin.write_all(input);
    drop(stdin);
    child.wait_with_output().expect("its output")
}

#[test]
fn bytes_on_standard_input() {
    let deep = "(".repeat(100_000);
    let inputs: [(&[u8], i32); 7] = [
        (b"1 + 1\n\xff\xfe", 2),
        (b"\"\xc3\x28\"", 2),
        (b"\xed\xa0\x80", 2),
        (b"\0\0\0", 1),
        (b"\"abc", 1),
        (deep.as_bytes(), 1),
        (b"\xEF\xBB\xBF1 + 1", 0),
    ];
    for (input, status) in inputs {
        let output = program(&["-f", "-"], input);
        let said = String::from_utf8_lossy(&output.stderr);
        let start = String::from_utf8_lossy(&input[..input.len().min(20)]).into_owned();
        assert_eq!(output.status.code(), Some(status), "{start}: {said}");
        assert!(!said.contains("panicked"), "{said}");
        assert_eq!(said.is_empty(), status == 0, "{start}: {said}");
    }
}
