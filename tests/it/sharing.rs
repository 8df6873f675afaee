//! One file, several processes: through the holder's socket, and on without it.

use fql::engine::Request;
use fql::value::format::Format;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

struct Holder(Child);

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server process that holds the file; returns when its socket is there.
fn holder(file: &std::path::Path) -> Holder {
    let child = Command::new(env!("CARGO_BIN_EXE_fql"))
        .args(["serve", "--dev", "--listen", "127.0.0.1:0"])
        .arg(file)
        .stderr(Stdio::null())
        .spawn()
        .expect("the server starts");
    let started = Instant::now();
    while !fql::engine::socket_path(file).exists() {
        assert!(started.elapsed() < Duration::from_secs(20), "no socket");
        std::thread::sleep(Duration::from_millis(20));
    }
    Holder(child)
}

#[test]
#[cfg(unix)]
fn a_file_is_used_beside_its_holder_and_taken_over_when_that_is_killed() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("shared.db");
    let mut server = holder(&file);
    let opened = fql::server::open_shared(&file).expect("opened beside the server");
    let run = |text: &str| {
        let outcome = opened.session.query(&Request::text(text));
        outcome.result.map(|value| value.to_text(Format::Decorated))
    };
    assert!(opened.sharing.lock().is_none(), "the server holds the file");
    assert_eq!(
        run("Collection.create({ name: 'Pot' }).name").expect("written there"),
        "\"Pot\""
    );
    assert_eq!(run("Pot.create({ n: 1 }).n").expect("written there"), "1");
    let denied = opened.session.with_secret("nobody");
    let outcome = denied.query(&Request::text("1"));
    assert_eq!(outcome.result.expect_err("a bad secret").status, 401);
    server.0.kill().expect("killed");
    server.0.wait().expect("gone");
    assert_eq!(run("Pot.all().count()").expect("taken over"), "1");
    assert!(opened.sharing.lock().is_some(), "this process holds it now");
    // And this one is a holder like any other.
    let shell = Command::new(env!("CARGO_BIN_EXE_fql"))
        .arg(&file)
        .args(["-e", "Pot.create({ n: 2 }).n"])
        .output()
        .expect("a shell runs");
    assert_eq!(String::from_utf8_lossy(&shell.stdout), "2\n");
    assert_eq!(run("Pot.all().count()").expect("both are there"), "2");
}

#[test]
fn a_remote_session_answers_as_a_local_one() {
    let engine = fql::engine::Engine::memory().expect("an engine");
    engine.add_root_secret("secret");
    let server = fql::server::start(engine.clone(), ([127, 0, 0, 1], 0).into()).expect("a server");
    let url = format!("http://{}", server.address());
    let remote = fql::engine::Session::connect(&url, "secret").expect("a session");
    let local = engine.root();
    for text in [
        "Collection.create({ name: 'Pot' }).name",
        "Pot.create({ id: '1', n: 1, d: Date('2024-01-01'), l: 9007199254740993, x: 1.5, '@a': Bytes('AQID') }).n",
        "Pot.byId('1') { n, d, l, x }",
        "[Math, Math.NaN, null, 'a\\nb', { a: [] }]",
        "Set.sequence(0, 20).pageSize(3).paginate().data",
        "Pot.byId('2')",
        "[Pot.byId('1')]",
        "1 +",
        "abort({ a: 1 })",
    ] {
        let (here, there) = (
            local.query(&Request::text(text)),
            remote.query(&Request::text(text)),
        );
        match (here.result, there.result) {
            (Ok(here), Ok(there)) => assert_eq!(
                here.to_text(Format::Decorated),
                there.to_text(Format::Decorated),
                "{text}"
            ),
            (Err(here), Err(there)) => {
                assert_eq!(
                    (here.code, here.message),
                    (there.code, there.message),
                    "{text}"
                );
                assert_eq!(here.abort, there.abort);
            }
            // What was written here cannot be written there again.
            (Ok(_), Err(there)) => assert!(text.contains("create"), "{text}: {}", there.message),
            (Err(here), Ok(_)) => panic!("{text}: {}", here.message),
        }
        assert!(
            text.contains("create") || here.summary == there.summary,
            "{text}"
        );
    }
}
