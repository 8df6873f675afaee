//! `fql schema` on files, beside their holders, and what is left when a holder is killed in the middle.

use fql::engine::schema_files::{SchemaBody, SchemaCall, SchemaRequest, Upload};
use fql::engine::{Engine, Request, Session};
use fql::value::format::Format;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// A process that is killed at the end.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn fql(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fql"));
    command
        .current_dir(directory)
        .args(arguments)
        .stdin(Stdio::null());
    command.output().expect("it runs")
}

/// What a command prints, which must succeed.
fn prints(directory: &Path, arguments: &[&str]) -> String {
    let output = fql(directory, arguments);
    let (out, error) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{arguments:?}\n{out}{error}");
    out
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn serve(file: &Path) -> (Process, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_fql"))
        .args(["serve", "--listen", "127.0.0.1:0", "--secret", "top"])
        .arg(file)
        .stderr(Stdio::piped())
        .spawn()
        .expect("the server starts");
    let log = BufReader::new(child.stderr.take().expect("its log"));
    let (found, url) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in log.lines().map_while(Result::ok) {
            if let Some((_, url)) = line.split_once("url=") {
                let _ = found.send(url.trim().trim_matches('"').to_string());
            }
        }
    });
    let process = Process(child);
    let url = url.recv_timeout(Duration::from_secs(30));
    (process, url.expect("the server listens"))
}

fn run(session: &Session, query: &str) -> String {
    let outcome = session.query(&Request::text(query));
    match outcome.result {
        Ok(value) => value.to_text(Format::Simple),
        Err(error) => panic!("{query}: {}\n{}", error.message, outcome.summary),
    }
}

fn ask(session: &Session, call: SchemaCall) -> Result<SchemaBody, String> {
    let request = SchemaRequest {
        call,
        version: None,
        force: false,
    };
    let answer = session.schema(&request);
    answer
        .map(|answer| answer.body)
        .map_err(|refusal| refusal.message().to_string())
}

/// The commands, on a file that nobody or somebody else has open.
fn work_with_files(directory: &Path) {
    let local = directory.join("fsl");
    std::fs::create_dir_all(local.join("sub")).expect("directories");
    let write = |name: &str, text: &str| std::fs::write(local.join(name), text).expect("a file");
    let schema = |command: &str, more: &[&str]| {
        let mut arguments = vec!["schema", command, "data.db", "--database", "db"];
        arguments.extend(["--dir", "fsl"]);
        arguments.extend(more);
        prints(directory, &arguments)
    };
    write("main.fsl", "collection User { name: String }\n");
    write("sub/f.fsl", "function f() { User.all().count() }\n");
    write("notes.txt", "not a schema");
    let diff = schema("diff", &[]);
    assert_eq!(
        diff,
        "* Adding collection `User` to main.fsl:1:1:\n  No semantic changes.\n\n* Adding function `f` to sub/f.fsl:1:1\n\n"
    );
    let pushed = schema("push", &[]);
    assert_eq!(pushed, format!("{diff}The schema is in force.\n"));
    assert_eq!(
        schema("diff", &["--format", "summary"]),
        "No differences.\n"
    );
    let call = ["data.db", "--database", "db", "-e", "f()"];
    assert_eq!(prints(directory, &call), "0\n");
    write("sub/f.fsl", "function f() { 'staged' }\n");
    schema("push", &["--staged"]);
    assert_eq!(prints(directory, &call), "0\n");
    assert_eq!(
        schema("status", &["--format", "summary"]),
        "Staged schema: ready\n\n* Modifying function `f` at sub/f.fsl:1:1\n"
    );
    let pulled = |more: &[&str]| {
        let mut arguments = vec!["schema", "pull", "data.db", "--database", "db"];
        arguments.extend(["--dir", "pulled"]);
        arguments.extend(more);
        prints(directory, &arguments)
    };
    assert_eq!(pulled(&[]), "main.fsl\nsub/f.fsl\n");
    assert_eq!(pulled(&[]), "");
    let read = |name| std::fs::read_to_string(directory.join("pulled").join(name)).expect("a file");
    assert_eq!(read("sub/f.fsl"), "function f() { User.all().count() }\n");
    assert_eq!(pulled(&["--staged"]), "sub/f.fsl\n");
    assert_eq!(read("sub/f.fsl"), "function f() { 'staged' }\n");
    schema("commit", &[]);
    assert_eq!(prints(directory, &call), "\"staged\"\n");
    write("sub/f.fsl", "function f() { 'gone' }\n");
    schema("push", &["--staged"]);
    schema("abandon", &[]);
    assert_eq!(schema("status", &[]), "Staged schema: none\n");
    assert_eq!(prints(directory, &call), "\"staged\"\n");
    std::fs::remove_file(local.join("sub/f.fsl")).expect("removed");
    schema("push", &["--yes"]);
    assert_eq!(pulled(&["--delete"]), "sub/f.fsl (removed)\n");
    // What is refused changes nothing and says why.
    write("main.fsl", "collection User { name: Strin }\n");
    let refused = fql(
        directory,
        &[
            "schema",
            "push",
            "data.db",
            "--database",
            "db",
            "--dir",
            "fsl",
        ],
    );
    assert_eq!(refused.status.code(), Some(1));
    let said = text(&refused.stderr);
    assert!(
        said.starts_with("error: Unknown type `Strin`\nat main.fsl:1:25\n"),
        "{said}"
    );
    let nowhere = fql(
        directory,
        &["schema", "push", "data.db", "--dir", "missing"],
    );
    assert_eq!(nowhere.status.code(), Some(2));
}

#[test]
fn files_go_between_a_directory_and_a_database() {
    let directory = tempfile::tempdir().expect("a directory");
    let directory = directory.path();
    prints(
        directory,
        &["data.db", "-e", "Database.create({ name: 'db' })"],
    );
    work_with_files(directory);
}

#[cfg(unix)]
#[test]
fn files_go_through_the_holder_of_the_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let directory = directory.path();
    let (_holder, _) = serve(&directory.join("data.db"));
    // A server beside it hands its requests on.
    let (_beside, url) = serve(&directory.join("data.db"));
    let session = Session::connect(&url, "top").expect("a session");
    run(&session, "Database.create({ name: 'db' })");
    work_with_files(directory);
    let below = session.in_database(vec!["db".into()]);
    let files = ask(&below, SchemaCall::Files { staged: false });
    assert!(
        matches!(&files, Ok(SchemaBody::Files(names)) if names == &["main.fsl"]),
        "{files:?}"
    );
}

#[cfg(unix)]
#[test]
fn a_holder_killed_in_the_middle_leaves_one_schema_or_the_other() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("data.db");
    let count = 24;
    let files = move |version: usize| {
        let mut files = vec![(
            "main.fsl".to_string(),
            format!("collection User {{ n: Int; index byN{version} {{ terms [.n] }} }}"),
        )];
        files.extend((0..count).map(|n| {
            (
                format!("f{n}.fsl"),
                format!("function f{n}() {{ {version} }}"),
            )
        }));
        Upload { files, whole: true }
    };
    {
        let engine = Engine::open(&path).expect("an engine");
        run(&engine.root(), "Database.create({ name: 'db' })");
        let db = engine.root().in_database(vec!["db".into()]);
        let (upload, staged) = (files(0), false);
        ask(&db, SchemaCall::Update { upload, staged }).expect("an update");
        run(
            &db,
            "Set.sequence(0, 300).forEach(n => User.create({ n: n }))",
        );
    }
    for round in 0..4_u64 {
        let (mut holder, url) = serve(&path);
        let session = Session::connect(&url, "top").expect("a session");
        let db = session.in_database(vec!["db".into()]);
        let worker = std::thread::spawn(move || {
            for version in 1.. {
                let staged = version % 2 == 0;
                let upload = files(version % 5);
                let update = SchemaCall::Update { upload, staged };
                // A staged schema is committed, or abandoned, or replaced by what comes next.
                let after = match version % 3 {
                    0 => Some(SchemaCall::Commit),
                    1 => Some(SchemaCall::Abandon),
                    _ => None,
                };
                for call in std::iter::once(update).chain(after) {
                    match ask(&db, call) {
                        Err(message) if message.contains("lost") || message.contains("reach") => {
                            return;
                        }
                        Ok(_) | Err(_) => {}
                    }
                }
            }
        });
        std::thread::sleep(Duration::from_millis(250 + 130 * round));
        holder.0.kill().expect("killed");
        holder.0.wait().expect("gone");
        worker.join().expect("a worker");

        let engine = Engine::open(&path).expect("an engine");
        let db = engine.root().in_database(vec!["db".into()]);
        let version = run(&db, "f0()");
        for n in 0..count {
            assert_eq!(run(&db, &format!("f{n}()")), version);
            let name = format!("f{n}.fsl");
            let staged = false;
            let content = ask(&db, SchemaCall::File { name, staged });
            let expected = format!("function f{n}() {{ {version} }}");
            assert!(
                matches!(&content, Ok(SchemaBody::Content(text)) if *text == expected),
                "{content:?}"
            );
        }
        // The index in force finds everything, whatever was being built.
        let started = std::time::Instant::now();
        let ready =
            format!("let u: Any = User.definition\nu.indexes.byN{version}?.status == 'complete'");
        let in_force = matches!(
            ask(&db, SchemaCall::Status(None)),
            Ok(SchemaBody::Status { status: "none", .. })
        );
        while in_force && run(&db, &ready) != "true" {
            assert!(started.elapsed() < Duration::from_secs(60), "never built");
            std::thread::sleep(Duration::from_millis(10));
        }
        if in_force {
            let found =
                format!("User.all().where(u => User.byN{version}(u.n).count() == 1).count()");
            assert_eq!(run(&db, &found), "300");
        }
        assert_eq!(run(&db, "User.all().count()"), "300");
    }
}
