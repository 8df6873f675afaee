//! One file, several processes: through the holder's socket, and on without it.

use fql::engine::Request;
use fql::value::format::Format;
use serde_json::{Value as Json, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A process that is killed at the end.
struct Process(Child);

impl Process {
    fn kill(&mut self) {
        self.0.kill().expect("killed");
        self.0.wait().expect("gone");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn wait_until(what: &str, mut there: impl FnMut() -> bool) {
    let started = Instant::now();
    while !there() {
        assert!(started.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A server process and its URL, as the holder of the file or beside it.
fn server(file: &std::path::Path, secret: &str) -> (Process, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_fql"))
        .args(["serve", "--listen", "127.0.0.1:0", "--secret", secret])
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

/// A shell process that has the file open and waits for queries.
fn shell(file: &std::path::Path) -> Process {
    let before = std::fs::metadata(fql::engine::socket_path(file)).is_ok();
    let child = Command::new(env!("CARGO_BIN_EXE_fql"))
        .args(["--quiet", "-f", "-"])
        .arg(file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the shell starts");
    if before {
        // Beside another process there is nothing to be seen from outside.
        std::thread::sleep(Duration::from_millis(300));
    } else {
        wait_until("no socket", || fql::engine::socket_path(file).exists());
    }
    Process(child)
}

/// Gives a waiting shell its queries, and waits for its end.
fn finish(mut shell: Process, queries: &str) -> String {
    let mut input = shell.0.stdin.take().expect("its input");
    input.write_all(queries.as_bytes()).expect("sent");
    drop(input);
    let mut printed = String::new();
    let output = shell.0.stdout.as_mut().expect("its output");
    output.read_to_string(&mut printed).expect("printed");
    let mut complaints = String::new();
    let errors = shell.0.stderr.as_mut().expect("its errors");
    errors.read_to_string(&mut complaints).expect("printed");
    let status = shell.0.wait().expect("ended");
    assert!(status.success(), "{complaints}");
    printed
}

/// One shell command line.
fn run(file: &std::path::Path, query: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_fql"))
        .arg(file)
        .args(["-e", query])
        .output()
        .expect("a shell runs");
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaints}");
    String::from_utf8_lossy(&output.stdout).trim().to_string()
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false);
    config
        .timeout_global(Some(Duration::from_secs(30)))
        .build()
        .into()
}

/// A query over HTTP: status and body.
fn post(url: &str, secret: Option<&str>, query: &str) -> (u16, Json) {
    let mut request = agent().post(format!("{url}/query/1"));
    if let Some(secret) = secret {
        request = request.header("authorization", format!("Bearer {secret}"));
    }
    // Whoever may speak on the socket could ask so; a client of the server must not.
    request = request
        .header("x-fql-role", "admin")
        .header("x-fql-database", "");
    let body = json!({ "query": query }).to_string();
    let mut answer = request.send(body).expect("an answer");
    let text = answer.body_mut().read_to_string().expect("a body");
    let json = serde_json::from_str(&text).expect("JSON");
    (answer.status().as_u16(), json)
}

fn data(url: &str, secret: &str, query: &str) -> Json {
    let (status, body) = post(url, Some(secret), query);
    assert_eq!(status, 200, "{query}: {body}");
    body["data"].clone()
}

#[test]
#[cfg(unix)]
fn a_file_is_used_beside_its_holder_and_taken_over_when_that_is_killed() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("shared.db");
    let (mut server, _) = server(&file, "secret");
    let opened = fql::server::open_shared(&fql::engine::DatabaseFile::at(&file))
        .expect("opened beside the server");
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
    server.kill();
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

#[test]
#[cfg(unix)]
fn a_shell_works_beside_a_shell_and_takes_the_file_over_when_that_is_killed() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("shared.db");
    let mut first = shell(&file);
    assert_eq!(
        run(&file, "Collection.create({ name: 'Pot' }).name"),
        "\"Pot\""
    );
    assert_eq!(run(&file, "Pot.create({ n: 1 }).n"), "1");
    let second = shell(&file);
    first.kill();
    let printed = finish(second, "Pot.create({ n: 2 }).n\nPot.all().count()\n");
    assert_eq!(printed, "2\n2\n");
    assert_eq!(run(&file, "Pot.all().count()"), "2");
}

#[test]
#[cfg(unix)]
fn a_server_works_beside_a_shell_and_takes_the_file_over_when_that_is_killed() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("shared.db");
    let mut holder = shell(&file);
    let (_server, url) = server(&file, "hush");
    assert_eq!(
        data(&url, "hush", "Collection.create({ name: 'Pot' }).name"),
        "Pot"
    );
    assert_eq!(
        data(&url, "hush", "Database.create({ name: 'child' }).name"),
        "child"
    );
    assert_eq!(
        data(
            &url,
            "hush:child:admin",
            "Collection.create({ name: 'Cup' }).name"
        ),
        "Cup"
    );
    assert_eq!(
        data(&url, "hush:child:server", "Cup.create({}).coll"),
        "Cup"
    );
    assert_eq!(post(&url, Some("hush:nowhere:admin"), "1").0, 401);
    assert_eq!(post(&url, Some("hushed"), "1").0, 401);
    assert_eq!(post(&url, None, "1").0, 401);
    let key = data(&url, "hush", "Key.create({ role: 'server' }).secret");
    let key = key.as_str().expect("a secret");
    assert_eq!(data(&url, key, "Pot.create({ n: 1 }).n"), 1);
    assert_eq!(
        post(&url, Some(key), "Key.create({ role: 'admin' })").0,
        400
    );
    let (_, failed) = post(&url, Some("hush"), "abort(1)");
    assert_eq!(failed["error"]["abort"], 1);
    // The other endpoints are the holder's too.
    let pong = agent().get(format!("{url}/ping?scope=node")).call();
    assert_eq!(pong.expect("an answer").status(), 200);
    let none = agent().get(format!("{url}/nothing")).call();
    assert_eq!(none.expect("an answer").status(), 404);
    let empty = agent().post(format!("{url}/query/1")).send_empty();
    let empty = empty.expect("an answer").body_mut().read_to_string();
    assert!(empty.expect("a body").contains("No request body provided"));
    // A stream tells what the shell's process commits.
    let token = data(&url, "hush", "Pot.all().eventSource()");
    let answer = agent()
        .post(format!("{url}/stream/1"))
        .header("authorization", "Bearer hush")
        .send(json!({ "token": token }).to_string())
        .expect("an answer");
    assert_eq!(answer.status(), 200);
    let mut events = BufReader::new(answer.into_body().into_reader()).lines();
    let mut next = || events.next().expect("an event").map_err(|_| "broken off");
    assert!(next().expect("a line").contains("\"status\""));
    assert_eq!(run(&file, "Pot.create({ n: 2 }).n"), "2");
    assert!(next().expect("a line").contains("\"add\""));
    holder.kill();
    // Not an orderly end: the client is to connect again.
    assert!(next().is_err());
    assert_eq!(data(&url, "hush", "Pot.all().count()"), 2);
    assert_eq!(data(&url, key, "Pot.create({ n: 3 }).n"), 3);
    // Now the server is the one whom others find.
    assert_eq!(run(&file, "Pot.all().count()"), "3");
    assert_eq!(finish(shell(&file), "Pot.all().count()\n"), "3\n");
}

#[test]
#[cfg(unix)]
fn servers_follow_each_other_on_one_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("shared.db");
    let (mut first, one) = server(&file, "one");
    let (_second, two) = server(&file, "two");
    assert_eq!(
        data(&one, "one", "Collection.create({ name: 'Pot' }).name"),
        "Pot"
    );
    assert_eq!(data(&two, "two", "Pot.create({ n: 1 }).n"), 1);
    // The secret of one opens nothing at the other.
    assert_eq!(post(&one, Some("two"), "1").0, 401);
    assert_eq!(post(&two, Some("one"), "1").0, 401);
    first.kill();
    assert_eq!(data(&two, "two", "Pot.all().count()"), 1);
    assert_eq!(post(&two, Some("one"), "1").0, 401);
    let (_third, three) = server(&file, "three");
    assert_eq!(data(&three, "three", "Pot.create({ n: 2 }).n"), 2);
    assert_eq!(data(&two, "two", "Pot.all().count()"), 2);
}

#[test]
#[cfg(unix)]
fn no_write_is_lost_or_refused_when_a_holder_leaves_in_order() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("shared.db");
    let holder = shell(&file);
    let (_server, url) = server(&file, "hush");
    data(&url, "hush", "Collection.create({ name: 'Pot' })");
    let (done, written) = (
        std::sync::atomic::AtomicBool::new(false),
        std::sync::Mutex::new(0),
    );
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    data(&url, "hush", "Pot.create({}).coll");
                    *written.lock().expect("a count") += 1;
                }
            });
        }
        std::thread::sleep(Duration::from_millis(500));
        finish(holder, "Pot.create({}).coll\n");
        std::thread::sleep(Duration::from_secs(1));
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    let written = *written.lock().expect("a count");
    assert!(written > 0);
    assert_eq!(data(&url, "hush", "Pot.all().count()"), written + 1);
}

#[test]
#[cfg(unix)]
fn a_client_that_goes_stops_its_query_at_the_holder_too() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("shared.db");
    let holder = shell(&file);
    let (_server, url) = server(&file, "hush");
    let body = json!({ "query": "Set.sequence(0, 1000000000).fold(0, (a, b) => 1)" }).to_string();
    let impatient: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_millis(500)))
        .build()
        .into();
    let request = impatient.post(format!("{url}/query/1"));
    let request = request.header("authorization", "Bearer hush");
    assert!(request.send(body).is_err());
    // A holder that leaves waits for its requests: it would wait for this one if it were still running.
    let started = Instant::now();
    finish(holder, "1\n");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
#[cfg(unix)]
fn fql_v4_is_spoken_beside_a_holder() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("shared.db");
    let holder = shell(&file);
    let (_server, url) = server(&file, "hush");
    let script = ":lang 4\nSelect(\"name\", CreateCollection({ name: \"birds\" }))\n\
        :fails invalid_argument Add(1, \"a\")\n\
        Select([\"data\", \"size\"], Create(Collection(\"birds\"), { data: { size: 9 } }))\n";
    let told = finish(shell(&file), script);
    assert_eq!(told.trim(), "'birds'\n9", "{told}");
    let request = ureq::post(format!("{url}/"))
        .header("authorization", "Bearer hush")
        .header("x-faunadb-api-version", "4");
    let query = json!({ "count": { "documents": { "collection": "birds" } } });
    let mut answer = request.send(query.to_string()).expect("an answer");
    let body = answer.body_mut().read_to_string().expect("a body");
    assert_eq!(body, "{\"resource\":1}");
    let told = finish(holder, "birds.definition.name\n");
    assert_eq!(told.trim(), "\"birds\"", "{told}");
}

#[test]
#[cfg(unix)]
fn a_file_that_nobody_shares_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("alone.db");
    let _engine = fql::engine::Engine::open(&file).expect("opened");
    let output = Command::new(env!("CARGO_BIN_EXE_fql"))
        .args(["serve", "--dev", "--listen", "127.0.0.1:0"])
        .arg(&file)
        .output()
        .expect("the server ends");
    assert_eq!(output.status.code(), Some(2));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(complaint.contains("use"), "{complaint}");
}
