//! Clients that are slow, greedy, broken or gone: each costs the server a bounded time, and nobody else notices.

use fql::engine::{Engine, Request};
use fql::server::{Patience, Running};
use fql::value::format::Format;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value as Json, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(60);

struct Served {
    engine: Arc<Engine>,
    server: Running,
}

/// A server that loses its patience soon.
fn served() -> Served {
    let engine = Engine::memory().expect("an engine");
    engine.add_root_secret("secret");
    let patience = Patience {
        idle: Duration::from_millis(400),
        first_request: Duration::from_millis(800),
        body: Duration::from_millis(500),
        ..Patience::default()
    };
    let server = fql::server::start_with(engine.clone(), ([127, 0, 0, 1], 0).into(), patience);
    Served {
        engine,
        server: server.expect("a server"),
    }
}

impl Served {
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.server.address()).expect("connected");
        stream.set_read_timeout(Some(LONG)).expect("set");
        stream
    }

    /// Sends bytes and reads until the server hangs up.
    fn talk(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.connect();
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        answer
    }

    /// A well-behaved client is served at once.
    fn assert_well(&self) {
        let started = Instant::now();
        let body = json!({ "query": "1 + 1" }).to_string();
        let request = format!(
            "POST /query/1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer secret\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = self.talk(request.as_bytes());
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.contains("\"data\":2"), "{answer}");
        assert!(started.elapsed() < Duration::from_secs(10));
    }
}

fn assert_refused(answer: &[u8], what: &str) {
    let text = String::from_utf8_lossy(answer);
    assert!(text.starts_with("HTTP/1.1 400 "), "{what}: {text}");
    assert!(
        text.ends_with("\r\n\r\n{\"error\":\"bad request\"}"),
        "{what}: {text}"
    );
    assert!(text.contains("\r\nconnection: close\r\n"), "{what}: {text}");
    assert!(
        text.contains("application/json;charset=utf-8"),
        "{what}: {text}"
    );
}

/// Raises the number of files that this process may have open.
fn allow_files(wanted: u64) -> bool {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return false;
    };
    let enough = wanted.max(soft).min(hard);
    setrlimit(Resource::RLIMIT_NOFILE, enough, hard).is_ok() && enough >= wanted
}

#[test]
fn slow_heads_and_silent_connections_are_closed() {
    let served = served();
    for begin in ["", "P", "POST /query/1 HTTP/1.1\r\nx-slow: "] {
        let mut stream = served.connect();
        let started = Instant::now();
        stream.write_all(begin.as_bytes()).expect("sent");
        let drips = stream.try_clone().expect("a handle");
        if begin.len() > 1 {
            std::thread::spawn(move || {
                let mut drips = drips;
                while drips.write_all(b"x").is_ok() && started.elapsed() < LONG {
                    std::thread::sleep(Duration::from_millis(50));
                }
            });
        }
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(started.elapsed() < Duration::from_secs(10), "{begin:?}");
    }
    served.assert_well();
}

#[test]
fn a_connection_is_kept_between_requests_and_not_for_ever() {
    let served = served();
    let mut stream = served.connect();
    let ping = b"GET /ping HTTP/1.1\r\nhost: x\r\n\r\n";
    for _ in 0..3 {
        stream.write_all(ping).expect("sent");
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).expect("an answer");
        assert_eq!(&answer, b"HTTP/1.1 200");
        let mut rest = [0; 4096];
        let _ = stream.read(&mut rest).expect("the rest");
        std::thread::sleep(Duration::from_millis(100));
    }
    let started = Instant::now();
    let _ = stream.read_to_end(&mut Vec::new());
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn slow_bodies_are_answered_so() {
    let served = served();
    for head in [
        "content-length: 100\r\n\r\n{",
        "transfer-encoding: chunked\r\n\r\n5\r\n{",
    ] {
        let started = Instant::now();
        let head = format!("POST /query/1 HTTP/1.1\r\nhost: x\r\n{head}");
        let answer = served.talk(head.as_bytes());
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(
            answer.ends_with("{\"error\":\"request timeout: Client timed out.\"}"),
            "{answer}"
        );
        assert!(started.elapsed() < Duration::from_secs(10));
    }
    served.assert_well();
}

#[test]
fn what_is_too_large_or_no_request_is_refused() {
    let served = served();
    let long = "x".repeat(9_000);
    let longer = "x".repeat(200_000);
    let many: String = (0..300).map(|i| format!("x-{i}: y\r\n")).collect();
    for (what, request) in [
        (
            "a header",
            format!("GET /ping HTTP/1.1\r\nhost: x\r\nx-long: {long}\r\n\r\n"),
        ),
        (
            "a huge header",
            format!("GET /ping HTTP/1.1\r\nhost: x\r\nx-long: {longer}\r\n\r\n"),
        ),
        (
            "many headers",
            format!("GET /ping HTTP/1.1\r\nhost: x\r\n{many}\r\n"),
        ),
        (
            "a target",
            format!("GET /{long}{long} HTTP/1.1\r\nhost: x\r\n\r\n"),
        ),
        (
            "a huge target",
            format!("GET /{longer} HTTP/1.1\r\nhost: x\r\n\r\n"),
        ),
        ("noise", "\u{1}\u{2}\u{3} what\r\n\r\n".to_string()),
        (
            "another protocol",
            "SSH-2.0-OpenSSH_9.6\r\n\r\n".to_string(),
        ),
        ("another version", "GET /ping HTTP/9.9\r\n\r\n".to_string()),
        (
            "a bad header",
            "GET /ping HTTP/1.1\r\nbad header: x\r\n\r\n".to_string(),
        ),
        (
            "two lengths",
            "POST /query/1 HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n"
                .to_string(),
        ),
        (
            "no length",
            "POST /query/1 HTTP/1.1\r\nhost: x\r\ncontent-length: minus\r\n\r\n".to_string(),
        ),
    ] {
        let started = Instant::now();
        assert_refused(&served.talk(request.as_bytes()), what);
        assert!(started.elapsed() < Duration::from_secs(10), "{what}");
    }
    // A refusal comes behind the answers that are owed.
    let two = "GET /ping HTTP/1.1\r\nhost: x\r\n\r\nnoise\r\n\r\n";
    let answer = served.talk(two.as_bytes());
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.ends_with("{\"error\":\"bad request\"}"), "{answer}");
    served.assert_well();
}

#[test]
fn bodies_without_a_length_are_bounded_too() {
    let served = served();
    let mut stream = served.connect();
    let head = "POST /query/1 HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).expect("sent");
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    let sent = (0..1000).take_while(|_| stream.write_all(chunk.as_bytes()).is_ok());
    assert!(sent.count() < 1000, "64 MB were taken");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    // The connection may be reset before the client reads the answer.
    let answer = String::from_utf8_lossy(&answer);
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 413 "),
        "{answer}"
    );
    let length = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999\r\n\r\n";
    let answer = served.talk(length.as_bytes());
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.contains("\"request too large\""), "{answer}");
    served.assert_well();
}

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
    out
}

#[test]
fn malformed_http2_ends_its_connection_only() {
    let served = served();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    let begun = [preface.clone(), frame(4, 0, 0, &[])].concat();
    // `:method: POST`, `:scheme: http`, `:path: /`, as HPACK's static table has them.
    let post = [0x83, 0x86, 0x84];
    let attacks: Vec<(&str, Vec<u8>)> = vec![
        ("half a preface", b"PRI * HTTP/2.0\r\n\r\nSM".to_vec()),
        (
            "noise behind the preface",
            [preface.clone(), vec![0xFF; 4096]].concat(),
        ),
        (
            "a preface twice",
            [preface.clone(), preface.clone()].concat(),
        ),
        (
            "no settings",
            [preface.clone(), frame(6, 0, 0, &[0; 8])].concat(),
        ),
        (
            "a huge frame",
            [begun.clone(), vec![0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 1]].concat(),
        ),
        (
            "headers on stream 0",
            [begun.clone(), frame(1, 5, 0, &post)].concat(),
        ),
        (
            "an even stream",
            [begun.clone(), frame(1, 5, 2, &post)].concat(),
        ),
        (
            "data of no stream",
            [begun.clone(), frame(0, 1, 7, b"x")].concat(),
        ),
        (
            "broken HPACK",
            [begun.clone(), frame(1, 5, 1, &[0xFF; 64])].concat(),
        ),
        (
            "a ping of 3 bytes",
            [begun.clone(), frame(6, 0, 0, &[0; 3])].concat(),
        ),
        (
            "settings of 5 bytes",
            [begun.clone(), frame(4, 0, 0, &[0; 5])].concat(),
        ),
        (
            "a window of 0",
            [begun.clone(), frame(8, 0, 0, &[0; 4])].concat(),
        ),
        (
            "windows beyond measure",
            [
                begun.clone(),
                frame(8, 0, 0, &[0x7F, 0xFF, 0xFF, 0xFF]).repeat(3),
            ]
            .concat(),
        ),
        (
            "a continuation of nothing",
            [begun.clone(), frame(9, 4, 1, &post)].concat(),
        ),
        (
            "endless continuations",
            [
                begun.clone(),
                frame(1, 1, 1, &post),
                frame(9, 0, 1, &[0; 8000]).repeat(200),
            ]
            .concat(),
        ),
        (
            "many settings",
            [
                begun.clone(),
                frame(4, 0, 0, &[0, 3, 0, 0, 0, 9]).repeat(5000),
            ]
            .concat(),
        ),
        (
            "many pings",
            [begun.clone(), frame(6, 0, 0, &[0; 8]).repeat(5000)].concat(),
        ),
        ("many resets", {
            let mut bytes = begun.clone();
            for i in 0..3000 {
                bytes.extend(frame(1, 4, 2 * i + 1, &post));
                bytes.extend(frame(3, 0, 2 * i + 1, &[0, 0, 0, 8]));
            }
            bytes
        }),
    ];
    for (what, bytes) in attacks {
        let started = Instant::now();
        let mut stream = served.connect();
        let _ = stream.write_all(&bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let _ = stream.read_to_end(&mut Vec::new());
        assert!(started.elapsed() < Duration::from_secs(20), "{what}");
    }
    served.assert_well();
}

fn block_on<T>(future: impl std::future::Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let limited = tokio::time::timeout(Duration::from_secs(120), future);
        limited.await.expect("in time")
    })
}

type Sender = hyper::client::conn::http2::SendRequest<Full<Bytes>>;

async fn http2(served: &Served) -> Sender {
    let stream = tokio::net::TcpStream::connect(served.server.address()).await;
    let io = TokioIo::new(stream.expect("connected"));
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await;
    let (sender, connection) = handshake.expect("HTTP/2");
    tokio::spawn(connection);
    sender
}

fn post(path: &str, secret: &str, body: &Json) -> hyper::Request<Full<Bytes>> {
    hyper::Request::post(format!("http://localhost{path}"))
        .header("authorization", format!("Bearer {secret}"))
        .body(Full::new(body.to_string().into()))
        .expect("a request")
}

#[test]
fn thousands_of_idle_connections_hinder_nobody() {
    let engine = Engine::memory().expect("an engine");
    engine.add_root_secret("secret");
    let server = fql::server::start(engine.clone(), ([127, 0, 0, 1], 0).into());
    let served = Served {
        engine,
        server: server.expect("a server"),
    };
    let count = if allow_files(7000) { 3000 } else { 300 };
    let idle: Vec<TcpStream> = (0..count).map(|_| served.connect()).collect();
    served.assert_well();
    drop(idle);
    served.assert_well();
    // Nothing of them delays the end.
    let started = Instant::now();
    drop(served);
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_thousand_idle_streams_hinder_nobody_and_are_told_what_happens() {
    let served = served();
    let root = served.engine.root();
    let run = |text: &str| root.query(&Request::text(text)).result.expect("a result");
    run("Collection.create({ name: 'Pot' })");
    let token = run("Pot.all().eventSource()").to_text(Format::Simple);
    let token: Json = serde_json::from_str(&token).expect("a token");
    block_on(async {
        let mut streams = Vec::new();
        for _ in 0..4 {
            let mut sender = http2(&served).await;
            for _ in 0..300 {
                let body = json!({ "token": token });
                let answer = sender
                    .send_request(post("/stream/1", "secret", &body))
                    .await;
                let mut events = answer.expect("an answer").into_body();
                let first = events.frame().await.expect("an event").expect("a frame");
                let first = first.into_data().expect("data");
                assert!(first.starts_with(b"{\"type\":\"status\""));
                streams.push(events);
            }
            // The connection lives on in its streams.
            drop(sender);
        }
        let mut sender = http2(&served).await;
        let started = Instant::now();
        let body = json!({ "query": "Pot.create({ n: 1 }).n" });
        let answer = sender.send_request(post("/query/1", "secret", &body)).await;
        assert_eq!(answer.expect("an answer").status(), 200);
        assert!(started.elapsed() < Duration::from_secs(10));
        for events in &mut streams {
            let told = events.frame().await.expect("an event").expect("a frame");
            let told = told.into_data().expect("data");
            assert!(told.starts_with(b"{\"type\":\"add\""));
        }
        // Half of them vanish, and the others hear the next event all the same.
        streams.truncate(600);
        let answer = sender.send_request(post("/query/1", "secret", &body)).await;
        assert_eq!(answer.expect("an answer").status(), 200);
        for events in &mut streams {
            assert!(events.frame().await.expect("an event").is_ok());
        }
    });
    let started = Instant::now();
    drop(served);
    assert!(started.elapsed() < Duration::from_secs(15));
}

#[test]
fn a_request_that_is_reset_stops_its_query() {
    let served = served();
    block_on(async {
        let mut sender = http2(&served).await;
        let body = json!({ "query": "Set.sequence(0, 1000000000).fold(0, (a, b) => 1)" });
        for _ in 0..200 {
            let answer = sender.send_request(post("/query/1", "secret", &body));
            let hasty = tokio::time::timeout(Duration::from_millis(5), answer).await;
            assert!(hasty.is_err());
        }
        // More than run at once were begun: this one waits for none of them.
        let started = Instant::now();
        let body = json!({ "query": "1" });
        let answer = sender.send_request(post("/query/1", "secret", &body)).await;
        assert_eq!(answer.expect("an answer").status(), 200);
        assert!(started.elapsed() < Duration::from_secs(20));
    });
    let started = Instant::now();
    drop(served);
    assert!(started.elapsed() < Duration::from_secs(15));
}

/// A well-formed secret of a key that was never made.
fn made_up(n: u64) -> String {
    use base64::Engine as _;
    let mut bytes = vec![126, 112];
    bytes.extend_from_slice(&n.to_be_bytes());
    bytes.extend((0..20).map(|i| (n as u8).wrapping_mul(31).wrapping_add(i)));
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

#[test]
fn guessing_secrets_tells_nothing_and_holds_up_nobody() {
    let served = served();
    let root = served.engine.root();
    let run = |text: &str| root.query(&Request::text(text)).result.expect("a result");
    let key = run("Key.create({ role: 'admin' }).id").to_text(Format::Simple);
    let key: u64 = key.trim_matches('"').parse().expect("an id");
    // The same time for a wrong secret of a key that exists and of one that does not; no hashing for what is no secret.
    let time = |secrets: Vec<String>| {
        let mut times: Vec<Duration> = secrets
            .iter()
            .map(|secret| {
                let started = Instant::now();
                let outcome = served.engine.with_secret(secret).query(&Request::text("1"));
                assert_eq!(outcome.result.expect_err("no entry").status, 401);
                started.elapsed()
            })
            .collect();
        times.sort();
        times[times.len() / 4]
    };
    let of_existing = |n: u64| {
        use base64::Engine as _;
        let mut bytes = vec![126, 112];
        bytes.extend_from_slice(&key.to_be_bytes());
        bytes.extend((0..20).map(|i| (n as u8).wrapping_mul(37).wrapping_add(i)));
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
    };
    let existing = time((0..40).map(of_existing).collect());
    let unknown = time((0..40).map(|n| made_up(n + 1)).collect());
    let malformed = time((0..40).map(|n| format!("fnAnonsense{n}")).collect());
    assert!(unknown > existing / 3, "{unknown:?} and {existing:?}");
    assert!(existing > unknown / 3, "{unknown:?} and {existing:?}");
    assert!(malformed < unknown / 2, "{malformed:?} and {unknown:?}");
    // A flood of guesses, and those who are known are answered in between.
    served.assert_well();
    block_on(async {
        let mut guesses = tokio::task::JoinSet::new();
        for connection in 0..8 {
            let sender = http2(&served).await;
            for n in 0..250 {
                let mut sender = sender.clone();
                guesses.spawn(async move {
                    let secret = made_up(1000 + connection * 1000 + n);
                    let body = json!({ "query": "1" });
                    let answer = sender.send_request(post("/query/1", &secret, &body)).await;
                    answer.expect("an answer").status()
                });
            }
        }
        let mut known = http2(&served).await;
        for _ in 0..20 {
            let started = Instant::now();
            let body = json!({ "query": "1" });
            let answer = known.send_request(post("/query/1", "secret", &body)).await;
            assert_eq!(answer.expect("an answer").status(), 200);
            assert!(
                started.elapsed() < Duration::from_secs(2),
                "{:?}",
                started.elapsed()
            );
        }
        while let Some(status) = guesses.join_next().await {
            assert_eq!(status.expect("a status"), 401);
        }
    });
}

#[test]
fn an_upgrade_to_http2_answers_on_its_first_stream() {
    let served = served();
    let body = json!({ "query": "6 * 7" }).to_string();
    let mut stream = served.connect();
    let request = format!(
        "POST /query/1 HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer secret\r\n\
         connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let switching = b"HTTP/1.1 101 Switching Protocols\r\n";
    let mut answer = vec![0; switching.len()];
    stream.read_exact(&mut answer).expect("an answer");
    assert_eq!(answer, switching);
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a head");
        answer.push(byte[0]);
    }
    // In pieces, as they may come.
    for piece in [
        &b"PRI * HTTP/2.0\r\n"[..],
        b"\r\nSM\r\n\r\n",
        &frame(4, 0, 0, &[]),
    ] {
        stream.write_all(piece).expect("sent");
        std::thread::sleep(Duration::from_millis(30));
    }
    let mut data = Vec::new();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).expect("a frame");
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let mut payload = vec![0; length];
        stream.read_exact(&mut payload).expect("its payload");
        let on = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        assert_ne!(head[3], 7, "the server gave up: {payload:?}");
        if head[3] == 0 {
            assert_eq!(on, 1);
            data.extend(payload);
            if head[4] & 1 == 1 {
                break;
            }
        }
    }
    let answer: Json = serde_json::from_slice(&data).expect("JSON");
    assert_eq!(answer["data"], 42);
}

#[test]
fn a_time_seen_elsewhere_is_waited_for_if_it_is_near() {
    let served = served();
    block_on(async {
        let mut sender = http2(&served).await;
        for (ahead, waits) in [(100_000, true), (300_000_000, false)] {
            let body = json!({ "query": "1" });
            let mut request = post("/query/1", "secret", &body);
            let seen = served.engine.model().now().0 + ahead;
            request.headers_mut().insert("x-last-txn-ts", seen.into());
            let answer = sender.send_request(request).await.expect("an answer");
            assert_eq!(answer.status(), 200);
            let answer = answer
                .into_body()
                .collect()
                .await
                .expect("a body")
                .to_bytes();
            let answer: Json = serde_json::from_slice(&answer).expect("JSON");
            let ts = answer["txn_ts"].as_i64().expect("a time");
            assert_eq!(ts >= seen, waits, "{ahead}");
        }
    });
}
