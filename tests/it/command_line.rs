//! The command line as programs use it: exit status, streams, formats, arguments.

use super::golden::program;
use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

fn run_in(directory: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = program(directory)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that needs no input may be gone already.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

/// Status, standard output, standard error.
#[track_caller]
fn check(arguments: &[&str], input: &[u8], status: i32, out: &str, error_part: &str) {
    let directory = tempfile::tempdir().unwrap();
    let output = run_in(directory.path(), arguments, input);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        out,
        "{arguments:?}: {error}"
    );
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {error}");
    assert!(error.contains(error_part), "{arguments:?}: {error}");
    assert_eq!(
        error.is_empty(),
        error_part.is_empty(),
        "{arguments:?}: {error}"
    );
}

#[test]
fn exit_status_and_streams() {
    check(&["-e", "1 + 1"], b"", 0, "2\n", "");
    check(&[], b"1\n2", 0, "1\n2\n", "");
    check(&["-e", "1", "-f", "-", "-e", "3"], b"2", 0, "1\n2\n3\n", "");
    check(&["-e", "1 +"], b"", 1, "", "-e:1: stopped at this query");
    check(&["-e", "1 +", "-e", "2"], b"", 1, "", "error: Expected");
    check(
        &["--keep-going", "-e", "1 +", "-e", "2"],
        b"",
        1,
        "2\n",
        "failed, going on",
    );
    check(&[], b"1\nabort(2)\n3", 1, "1\n", "aborted with: 2");
    check(
        &["-f", "missing.fql"],
        b"",
        2,
        "",
        "missing.fql: No such file",
    );
    check(&["--no-such-option"], b"", 2, "", "unexpected argument");
    check(
        &["/nowhere/x.db", "-e", "1"],
        b"",
        2,
        "",
        "cannot open /nowhere/x.db",
    );
    check(&["--secret", "x", "-e", "1"], b"", 2, "", "access denied");
    check(
        &["--database", "nowhere", "-e", "1"],
        b"",
        2,
        "",
        "--database",
    );
}

#[test]
fn types_are_checked_as_asked() {
    let query = "if (false) 'a'.nope()";
    check(&["-e", query], b"", 1, "", "does not have field `nope`");
    check(&["--typecheck=off", "-e", query], b"", 0, "null\n", "");
    check(
        &["--typecheck", "-e", query],
        b"",
        1,
        "",
        "does not have field `nope`",
    );
    check(
        &["--typecheck=off"],
        b":set typecheck\n:set typecheck on\n:set typecheck\n:type 'a'.length",
        0,
        "typecheck off\ntypecheck on\nNumber\n",
        "",
    );
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    check(&[], b"1\n\"\xff\"", 2, "", "stdin: line 2: not UTF-8 text");
    check(&[], b"", 0, "", "");
    check(&[], b"\x00", 1, "", "error:");
}

#[test]
fn formats() {
    let query = "[{ a: 1, b: Date('2024-01-02') }, { a: 2.5 }]";
    let json = "[{\"a\":1,\"b\":\"2024-01-02\"},{\"a\":2.5}]\n";
    check(&["--format", "json", "-e", query], b"", 0, json, "");
    let tagged = "[{\"a\":{\"@int\":\"1\"},\"b\":{\"@date\":\"2024-01-02\"}},{\"a\":{\"@double\":\"2.5\"}}]\n";
    check(&["--format", "tagged", "-e", query], b"", 0, tagged, "");
    let ndjson = "{\"a\":1,\"b\":\"2024-01-02\"}\n{\"a\":2.5}\n";
    check(&["--format", "ndjson", "-e", query], b"", 0, ndjson, "");
    check(&["--format", "ndjson", "-e", "[]"], b"", 0, "", "");
    check(
        &["--color", "always", "-e", "1"],
        b"",
        0,
        "\u{1b}[36m1\u{1b}[0m\n",
        "",
    );
}

#[test]
fn arguments_have_names() {
    check(&["--arg", "n=1 + 1", "-e", "n * 2"], b"", 0, "4\n", "");
    check(
        &["--arg-json", "o={\"a\": [1]}", "-e", "o.a[0]"],
        b"",
        0,
        "1\n",
        "",
    );
    check(&["--arg-json", "o={", "-e", "1"], b"", 2, "", "not JSON");
}

#[test]
fn a_script_may_be_one_transaction() {
    check(&["-1"], b"let a = 1\nlet b = 2\na + b", 0, "3\n", "");
    check(
        &["-1"],
        b"1\n:whoami",
        1,
        "",
        "cannot be part of a single transaction",
    );
    let directory = tempfile::tempdir().unwrap();
    let script = b"Collection.create({ name: 'A' })\nabort(0)";
    let output = run_in(directory.path(), &["x.db", "-1"], script);
    assert_eq!(output.status.code(), Some(1));
    let output = run_in(
        directory.path(),
        &["x.db", "-e", "Collection.all().count()"],
        b"",
    );
    assert_eq!(output.stdout, b"0\n");
}

#[test]
fn a_file_keeps_what_was_written_and_places_can_be_chosen() {
    let directory = tempfile::tempdir().unwrap();
    let say = |arguments: &[&str]| -> String {
        let output = run_in(directory.path(), arguments, b"");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_string()
    };
    say(&["x.db", "-e", "Database.create({ name: 'a' })"]);
    say(&[
        "x.db",
        "--database",
        "a",
        "-e",
        "Database.create({ name: 'b' })",
    ]);
    assert_eq!(
        say(&["x.db", "--database", "a/b", "-e", ":whoami"])
            .lines()
            .next(),
        Some("database:   a/b")
    );
    let secret = say(&[
        "x.db",
        "--format",
        "json",
        "-e",
        "Key.create({ role: 'admin', database: 'a' }).secret",
    ]);
    let secret = secret.trim_matches('"');
    // Whoever starts with a child's secret does not learn that there is a parent.
    let whoami = say(&["x.db", "--secret", secret, "-e", ":whoami"]);
    assert_eq!(whoami.lines().next(), Some("database:   /"));
    let whoami = say(&[
        "x.db",
        "--secret",
        secret,
        "--database",
        "b",
        "--role",
        "server",
        "-e",
        ":whoami",
    ]);
    assert!(
        whoami.starts_with("database:   b\n") && whoami.ends_with("role:       server"),
        "{whoami}"
    );
}

#[test]
fn a_reader_who_leaves_ends_it_quietly() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = program(directory.path())
        .args([
            "-e",
            "Set.sequence(0, 16000).toArray()",
            "-e",
            "Set.sequence(0, 16000).toArray()",
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn the_cache_has_a_size() {
    for wrong in ["0", "-1", "many", "99999999999999999999"] {
        let option = format!("--cache={wrong}");
        check(&[&option, "x.db", "-e", "1"], b"", 2, "", "megabytes");
    }
    let most = usize::MAX.to_string();
    check(
        &["--cache", &most, "-e", "1"],
        b"",
        2,
        "",
        "more than there can be",
    );
    // One that holds a fraction of what is written and read.
    let script = b"Collection.create({ name: 'C' }).name\n\
        let filler = Set.sequence(0, 8).fold('0123456789', (text, _) => text + text)\n\
        Set.sequence(0, 3000).forEach(i => C.create({ n: i, filler: filler }))\n\
        C.all().fold(0, (sum, c) => sum + c.n)";
    check(
        &["--cache", "1", "c.db", "--format", "json"],
        script,
        0,
        "\"C\"\nnull\n4498500\n",
        "",
    );
}
