//! Runs `tests/conformance/http.jsonl` and `http-schema.jsonl` over a real socket, and what the cases cannot say: HTTP/2, vanishing clients,
//! streams that end.
//!
//! Cases that do not hold yet are listed as `FILE/NAME` in `tests/conformance/PENDING.md`. `FQL_CASES=substring`
//! runs some only.

use base64::Engine as _;
use fql::engine::{Engine, Request, Session};
use fql::value::format::Format;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/conformance")
}

struct Served {
    engine: Arc<Engine>,
    server: fql::server::Running,
}

fn served() -> Served {
    let engine = Engine::memory().expect("an engine");
    engine.add_root_secret("secret");
    let server = fql::server::start(engine.clone(), ([127, 0, 0, 1], 0).into()).expect("a server");
    Served { engine, server }
}

/// An answer, its body not yet read.
struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    reader: BufReader<TcpStream>,
    /// Lines of a stream that have come, but were not looked at.
    lines: std::collections::VecDeque<String>,
}

fn ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(String, String)],
    body: Option<&[u8]>,
) -> Result<Answer, String> {
    let text = |error: std::io::Error| error.to_string();
    let mut stream = TcpStream::connect(address).map_err(text)?;
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .map_err(text)?;
    let mut request = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    if let Some(body) = body {
        request.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    request.push_str("\r\n");
    let mut bytes = request.into_bytes();
    bytes.extend_from_slice(body.unwrap_or_default());
    stream.write_all(&bytes).map_err(text)?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).map_err(text)?;
    let status = line.split(' ').nth(1).and_then(|s| s.parse().ok());
    let status = status.ok_or_else(|| format!("no status: {line:?}"))?;
    let mut found = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).map_err(text)?;
        match line.trim_end().split_once(':') {
            Some((name, value)) => found.insert(name.to_lowercase(), value.trim().to_string()),
            None => break,
        };
    }
    Ok(Answer {
        status,
        headers: found,
        reader,
        lines: Default::default(),
    })
}

impl Answer {
    fn body(mut self) -> Result<Vec<u8>, String> {
        let length = self
            .headers
            .get("content-length")
            .and_then(|n| n.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        self.reader
            .read_exact(&mut body)
            .map_err(|e| e.to_string())?;
        Ok(body)
    }

    /// The next line of a stream; `None` at its end. Chunks hold whole lines.
    fn line(&mut self) -> Result<Option<String>, String> {
        if let Some(line) = self.lines.pop_front() {
            return Ok(Some(line));
        }
        let mut size = String::new();
        self.reader
            .read_line(&mut size)
            .map_err(|e| e.to_string())?;
        let size = usize::from_str_radix(size.trim(), 16).map_err(|_| format!("size {size:?}"))?;
        let mut chunk = vec![0; size + 2];
        self.reader
            .read_exact(&mut chunk)
            .map_err(|e| e.to_string())?;
        chunk.truncate(size);
        let text = String::from_utf8(chunk).map_err(|e| e.to_string())?;
        assert!(text.is_empty() || text.ends_with("\r\n"), "{text:?}");
        self.lines.extend(text.lines().map(str::to_string));
        Ok(self.lines.pop_front())
    }
}

#[test]
fn cases() {
    run_cases("http");
}

#[test]
fn schema_cases() {
    run_cases("http-schema");
}

fn run_cases(file: &str) {
    let text = std::fs::read_to_string(directory().join(format!("{file}.jsonl"))).expect("cases");
    let pending: BTreeSet<String> = std::fs::read_to_string(directory().join("PENDING.md"))
        .unwrap_or_default()
        .lines()
        .filter_map(|line| line.strip_prefix("- "))
        .map(|name| name.trim().to_string())
        .collect();
    let only = std::env::var("FQL_CASES").unwrap_or_default();
    let server = served();
    let (mut passed, mut excused) = (0, 0);
    let (mut failed, mut outgrown) = (Vec::new(), Vec::new());
    for (number, line) in text.lines().enumerate() {
        let case: Json = serde_json::from_str(line).expect("a case is JSON");
        let name = case["name"].as_str().expect("name").to_string();
        if !name.contains(&only) {
            continue;
        }
        let listed = pending.contains(&format!("{file}/{name}"));
        match run_case(&server, number, &case) {
            Ok(()) => {
                passed += 1;
                if listed {
                    outgrown.push(name);
                }
            }
            Err(_) if listed => excused += 1,
            Err(why) => failed.push(format!("{name}: {why}")),
        }
    }
    println!(
        "{file}: {passed} passed, {} failed, {excused} pending",
        failed.len()
    );
    println!(
        "listed as pending but passing: {}",
        outgrown
            .iter()
            .map(|n| format!("{file}/{n}"))
            .collect::<Vec<_>>()
            .join(" ")
    );
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

fn session(engine: &Arc<Engine>, base: &str, who: &Json) -> Session {
    let role = who.as_str().or(who["role"].as_str()).unwrap_or("admin");
    let role = match role.strip_prefix("role:") {
        Some(name) => format!("@role/{name}"),
        None => role.to_string(),
    };
    let below = who["database"].as_str().unwrap_or_default().split('/');
    let below = below.filter(|name| !name.is_empty());
    engine
        .root()
        .in_database(std::iter::once(base).chain(below).map(Into::into).collect())
        .with_role(Some(role.as_str().into()))
}

fn run_case(served: &Served, number: usize, case: &Json) -> Result<(), String> {
    let base = format!("case{number}");
    let run = |session: &Session, text: &str| -> Result<(Json, i64), String> {
        let outcome = session.query(&Request::text(text));
        match outcome.result {
            Ok(value) => {
                let json = serde_json::from_str(&value.to_text(Format::Simple))
                    .map_err(|error| error.to_string())?;
                Ok((json, outcome.txn_time.0))
            }
            Err(error) => Err(format!("{text}: {} {}", error.code, error.message)),
        }
    };
    run(
        &served.engine.root(),
        &format!("Database.create({{ name: '{base}' }}).name"),
    )?;
    let admin = session(&served.engine, &base, &Json::Null);
    let (secret, _) = run(&admin, "Key.create({ role: 'admin' }).secret")?;
    let secret = secret.as_str().unwrap_or_default().to_string();
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("{secret}:"));
    let mut names = BTreeMap::from([
        ("SECRET".to_string(), Json::from(secret)),
        ("SECRET_BASIC".to_string(), Json::from(basic)),
    ]);
    for step in case["setup"].as_array().into_iter().flatten() {
        let text = expand(&step["query"], &names);
        let (value, ts) = run(
            &session(&served.engine, &base, &step["as"]),
            text.as_str().expect("a query"),
        )
        .map_err(|why| format!("setup failed: {why}"))?;
        if let Some(name) = step["save"].as_str() {
            names.insert(name.into(), value);
        }
        if let Some(name) = step["save_txn"].as_str() {
            names.insert(name.into(), ts.into());
        }
    }
    let request = expand(&case["request"], &names);
    let want = expand(&case["expect"], &names);
    let body = if let Some(body) = request.get("body") {
        Some(body.to_string())
    } else if let Some(raw) = request["raw_body"].as_str() {
        Some(raw.to_string())
    } else if let Some(r) = request.get("repeat") {
        let text = |name: &str| r[name].as_str().unwrap_or_default().to_string();
        let count = r["count"].as_u64().unwrap_or(0) as usize;
        Some(
            text("prefix")
                + &text("open").repeat(count)
                + &text("middle")
                + &text("close").repeat(count)
                + &text("suffix"),
        )
    } else {
        None
    };
    let headers: Vec<(String, String)> = request["headers"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_string()))
        .collect();
    let mut answer = ask(
        served.server.address(),
        request["method"].as_str().expect("method"),
        request["path"].as_str().expect("path"),
        &headers,
        body.as_deref().map(str::as_bytes),
    )?;
    if want["status"].as_u64() != Some(u64::from(answer.status)) {
        let status = answer.status;
        let body = answer
            .body()
            .map(|body| String::from_utf8_lossy(&body).into_owned());
        return Err(format!("status {status}, not {}: {body:?}", want["status"]));
    }
    for (name, value) in want["headers"].as_object().into_iter().flatten() {
        let got = answer.headers.get(&name.to_lowercase());
        let got = got.map_or(Json::Null, |value| Json::from(value.as_str()));
        partial(value, &got, name)?;
    }
    for name in want["headers_absent"].as_array().into_iter().flatten() {
        let name = name.as_str().unwrap_or_default().to_lowercase();
        if answer.headers.contains_key(&name) {
            return Err(format!("header {name} present"));
        }
    }
    if let Some(lines) = want["lines"].as_array() {
        for (i, line) in lines.iter().enumerate() {
            let text = answer
                .line()?
                .ok_or_else(|| format!("ended before line {i}"))?;
            let got = serde_json::from_str(&text).map_err(|error| format!("{text}: {error}"))?;
            partial(line, &got, &format!("line {i}"))?;
        }
        return Ok(());
    }
    let body = answer.body()?;
    if want["empty_body"] == true && !body.is_empty() {
        return Err("the body is not empty".into());
    }
    if want.get("body").is_some() || want.get("absent").is_some() {
        let got: Json = serde_json::from_slice(&body)
            .map_err(|_| format!("no JSON: {}", String::from_utf8_lossy(&body)))?;
        if let Some(want) = want.get("body") {
            partial(want, &got, "body")?;
        }
        for path in want["absent"].as_array().into_iter().flatten() {
            let path = path.as_str().unwrap_or_default();
            let pointer = format!("/{}", path.replace('.', "/"));
            if got.pointer(&pointer).is_some() {
                return Err(format!("{path} must be absent"));
            }
        }
    }
    Ok(())
}

fn expand(json: &Json, names: &BTreeMap<String, Json>) -> Json {
    match json {
        Json::String(text) => {
            for (name, value) in names {
                if *text == format!("${{{name}:int}}") {
                    return value.clone();
                }
            }
            let mut text = text.clone();
            for (name, value) in names {
                let shown = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_string);
                text = text.replace(&format!("${{{name}}}"), &shown);
            }
            Json::String(text)
        }
        Json::Array(items) => items.iter().map(|item| expand(item, names)).collect(),
        Json::Object(fields) => fields
            .iter()
            .map(|(key, value)| (key.clone(), expand(value, names)))
            .collect(),
        other => other.clone(),
    }
}

fn partial(want: &Json, got: &Json, at: &str) -> Result<(), String> {
    match (want, got) {
        (Json::String(pattern), _)
            if pattern.len() > 1 && pattern.starts_with('/') && pattern.ends_with('/') =>
        {
            let text = got.as_str().map_or_else(|| got.to_string(), str::to_string);
            let pattern = &pattern[1..pattern.len() - 1];
            match fancy_regex::Regex::new(pattern)
                .expect("a pattern")
                .is_match(&text)
            {
                Ok(true) => Ok(()),
                _ => Err(format!("{at}: {text} does not match {pattern}")),
            }
        }
        (Json::Object(want), Json::Object(fields)) => {
            for (key, value) in want {
                let found = fields
                    .get(key)
                    .ok_or_else(|| format!("{at}.{key} is missing"))?;
                partial(value, found, &format!("{at}.{key}"))?;
            }
            Ok(())
        }
        (Json::Array(want), Json::Array(items)) if want.len() == items.len() => {
            for (i, (want, got)) in want.iter().zip(items).enumerate() {
                partial(want, got, &format!("{at}[{i}]"))?;
            }
            Ok(())
        }
        (want, got) if want == got => Ok(()),
        (want, got) => Err(format!("{at}: {got} is not {want}")),
    }
}

fn bearer() -> Vec<(String, String)> {
    vec![("authorization".into(), "Bearer secret".into())]
}

#[test]
fn a_client_that_goes_stops_its_query() {
    let served = served();
    let address = served.server.address();
    let body = json!({"query": "Set.sequence(0, 1000000000).fold(0, (a, b) => 1)"}).to_string();
    let mut stream = TcpStream::connect(address).expect("a connection");
    let head = format!(
        "POST /query/1 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer secret\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("sent");
    std::thread::sleep(Duration::from_millis(100));
    drop(stream);
    // The server ends in order, so it would wait for the query if that were still running.
    let started = std::time::Instant::now();
    drop(served);
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn streams_tell_commits_and_end_with_the_server() {
    let served = served();
    let root = served.engine.root();
    let run = |text: &str| root.query(&Request::text(text)).result.expect("a result");
    run("Collection.create({ name: 'Pot' })");
    let token = run("Pot.all().eventSource()").to_text(Format::Simple);
    let body = format!("{{\"token\":{token}}}");
    let mut answer = ask(
        served.server.address(),
        "POST",
        "/stream/1",
        &bearer(),
        Some(body.as_bytes()),
    )
    .expect("an answer");
    let event = |answer: &mut Answer| -> Json {
        let line = answer.line().expect("a chunk").expect("an event");
        serde_json::from_str(&line).expect("JSON")
    };
    assert_eq!(event(&mut answer)["type"], "status");
    for n in 0..5 {
        run(&format!("Pot.create({{ n: {n} }})"));
        let told = event(&mut answer);
        assert_eq!(told["type"], "add");
        assert_eq!(told["data"]["@doc"]["n"]["@int"], n.to_string());
    }
    drop(served);
    assert_eq!(answer.line().expect("an orderly end"), None);
}

#[test]
fn a_deleted_key_ends_its_stream() {
    let served = served();
    let root = served.engine.root();
    let run = |text: &str| {
        let value = root.query(&Request::text(text)).result.expect("a result");
        serde_json::from_str::<Json>(&value.to_text(Format::Simple)).expect("JSON")
    };
    run("Collection.create({ name: 'Pot' })");
    let key = run("Key.create({ role: 'server' })");
    let token = run("Pot.all().eventSource()");
    let secret = key["secret"].as_str().expect("a secret");
    let headers = vec![("authorization".to_string(), format!("Bearer {secret}"))];
    let body = json!({ "token": token }).to_string();
    let mut answer = ask(
        served.server.address(),
        "POST",
        "/stream/1",
        &headers,
        Some(body.as_bytes()),
    )
    .expect("an answer");
    assert!(
        answer
            .line()
            .expect("a chunk")
            .expect("an event")
            .contains("status")
    );
    run(&format!("Key.byId({})!.delete()", key["id"]));
    run("Pot.create({})");
    let last = answer.line().expect("a chunk").expect("an event");
    assert!(last.contains("\"permission_loss\""), "{last}");
    assert_eq!(answer.line().expect("an end"), None);
}

#[test]
fn bodies_are_bounded() {
    let served = served();
    let body = vec![b' '; 8 * 1024 * 1024 + 1];
    let address = served.server.address();
    let answer = ask(address, "POST", "/query/1", &bearer(), Some(&body));
    // The connection may be reset before the client reads the answer.
    if let Ok(answer) = answer {
        assert_eq!(answer.status, 413);
    }
    let long = vec![("x-long".to_string(), "x".repeat(9000))];
    let answer = ask(address, "POST", "/query/1", &long, Some(b"{}")).expect("an answer");
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.body().expect("a body"),
        b"{\"error\":\"bad request\"}"
    );
}

#[test]
fn authorized_tells_whose_a_secret_is() {
    let served = served();
    let address = served.server.address();
    let root = served.engine.root();
    let text = |text: &str| match root.query(&Request::text(text)).result {
        Ok(value) => value.to_text(Format::Simple).trim_matches('"').to_string(),
        Err(error) => panic!("{text}: {}", error.message),
    };
    let global_id = text("Database.create({name: 'kid'}).global_id");
    let key = text("Key.create({role: 'client', database: 'kid'}).secret");
    let get = |method: &str, secret: &str| {
        let headers = [("authorization".into(), format!("Bearer {secret}"))];
        let answer = ask(address, method, "/authorized", &headers, None).expect("an answer");
        (answer.status, answer.body().expect("a body"))
    };
    let (status, body) = get("GET", &key);
    let body: Json = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(
        (status, body),
        (200, json!({"account": "0", "global_id": global_id}))
    );
    assert_eq!(get("HEAD", &key), (200, Vec::new()));
    assert_eq!(get("POST", &key).0, 405);
    let (status, body) = get("GET", "bogus");
    let unauthorized = json!({"errors": [{"code": "unauthorized", "description": "Unauthorized"}]});
    assert_eq!(
        (status, serde_json::from_slice::<Json>(&body).expect("JSON")),
        (401, unauthorized)
    );
}
