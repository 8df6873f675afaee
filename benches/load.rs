//! What `fql serve` bears: throughput, latency and memory on loopback, and hours of mixed load with clients that vanish.
//!
//! ```text
//! cargo build --release && cargo bench --bench load -- [--seconds N] [--mixed SECONDS] [--binary PATH]
//! ```
//!
//! It starts the server as a process of its own on a fresh file and speaks HTTP/1.1 with connections that stay open.
//! `--mixed` reads, pages, creates, streams and hangs up at random for that long; every acknowledged create is looked for
//! before it is deleted again, so a lost write ends the run. What the server holds (memory, descriptors, threads,
//! requests, streams) is printed every ten seconds, and must be back to nothing at the end.

use serde_json::{Value as Json, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Documents that reads choose from.
const ITEMS: u64 = 20_000;
/// Documents of one group of the index.
const GROUP: u64 = 50;
/// Connections of the mixed load.
const MIXED: usize = 48;

struct Server {
    child: Child,
    address: String,
    metrics: String,
    _directory: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

impl Server {
    fn start(binary: &str) -> Server {
        let directory = tempfile::tempdir().expect("a directory");
        let (address, metrics) = (
            format!("127.0.0.1:{}", free_port()),
            format!("127.0.0.1:{}", free_port()),
        );
        let child = Command::new(binary)
            .args(["serve", "--dev", "--log-level", "warn"])
            .args(["--listen", &address, "--metrics", &metrics])
            .arg(directory.path().join("load.db"))
            .stdin(Stdio::null())
            .spawn()
            .expect("the server starts");
        let server = Server {
            child,
            address,
            metrics,
            _directory: directory,
        };
        let started = Instant::now();
        while TcpStream::connect(&server.address).is_err() {
            assert!(started.elapsed() < Duration::from_secs(20), "no server");
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    /// Resident memory in megabytes, file descriptors, threads.
    fn holds(&self) -> (u64, usize, u64) {
        let process = format!("/proc/{}", self.child.id());
        let status = std::fs::read_to_string(format!("{process}/status")).unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name));
            let number = line.and_then(|line| line.split_whitespace().nth(1));
            number.and_then(|number| number.parse().ok()).unwrap_or(0)
        };
        let descriptors = std::fs::read_dir(format!("{process}/fd")).map_or(0, Iterator::count);
        (field("VmRSS:") / 1024, descriptors, field("Threads:"))
    }

    /// A gauge or counter of `/metrics`.
    fn gauge(&self, name: &str) -> i64 {
        let mut stream = TcpStream::connect(&self.metrics).expect("the metrics");
        let _ = stream.write_all(b"GET /metrics HTTP/1.1\r\n\r\n");
        let mut text = String::new();
        let _ = stream.read_to_string(&mut text);
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name} ")));
        line.and_then(|number| number.parse().ok()).unwrap_or(-1)
    }
}

/// A connection that stays open.
struct Client {
    reader: BufReader<TcpStream>,
}

fn head(path: &str, length: usize) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer secret\r\ncontent-length: {length}\r\n\r\n"
    )
}

impl Client {
    fn connect(address: &str) -> Client {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        let patience = Some(Duration::from_secs(60));
        stream.set_read_timeout(patience).expect("a time-out");
        Client {
            reader: BufReader::new(stream),
        }
    }

    /// One query; the data of the answer.
    fn query(&mut self, text: &str) -> Json {
        let body = json!({ "query": text }).to_string();
        let mut answer = self.ask(&body);
        assert!(answer["error"].is_null(), "{text}: {answer}");
        answer["data"].take()
    }

    fn ask(&mut self, body: &str) -> Json {
        let request = head("/query/1", body.len()) + body;
        let stream = self.reader.get_mut();
        stream.write_all(request.as_bytes()).expect("sent");
        let mut length = 0;
        let mut line = String::new();
        loop {
            line.clear();
            let read = self.reader.read_line(&mut line).expect("an answer");
            assert!(read > 0, "the server hung up");
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body).expect("a body");
        serde_json::from_slice(&body).expect("JSON")
    }
}

/// Numbers without order, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

fn fill(client: &mut Client) {
    client.query(
        "Collection.create({ name: 'Item', indexes: { byGroup: { terms: [{ field: '.group' }], values: [{ field: '.n' }] } } })
         Collection.create({ name: 'Mark', indexes: { byWriter: { terms: [{ field: '.writer' }], values: [{ field: '.n' }] } } }).name",
    );
    for from in (0..ITEMS).step_by(1000) {
        client.query(&format!(
            "Set.sequence({from}, {}).forEach(n => Item.create({{ id: ID(n + 1), n: n, group: Math.floor(n / {GROUP}), text: 'some text of a document' }}))",
            from + 1000
        ));
    }
}

fn point_read(dice: &mut Dice) -> String {
    format!("Item.byId('{}')", dice.roll(ITEMS) + 1)
}

fn page(dice: &mut Dice) -> String {
    let group = dice.roll(ITEMS / GROUP);
    format!("Item.byGroup({group}).pageSize(20)")
}

fn create(dice: &mut Dice) -> String {
    let group = 1_000_000 + dice.roll(1000);
    format!("Item.create({{ n: 1, group: {group}, text: 'some text of a document' }}).id")
}

/// One kind of query on so many connections: queries a second.
fn measure(
    server: &Server,
    name: &str,
    connections: usize,
    time: Duration,
    query: fn(&mut Dice) -> String,
) -> f64 {
    let started = Instant::now();
    let mut times: Vec<Duration> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..connections)
            .map(|i| {
                scope.spawn(move || {
                    let mut client = Client::connect(&server.address);
                    let mut dice = Dice(0x9E37_79B9 + i as u64);
                    let mut times = Vec::new();
                    while started.elapsed() < time {
                        let text = query(&mut dice);
                        let begun = Instant::now();
                        client.query(&text);
                        times.push(begun.elapsed());
                    }
                    times
                })
            })
            .collect();
        let joined = threads.into_iter().map(|thread| thread.join());
        joined.flat_map(|times| times.expect("a client")).collect()
    });
    let rate = times.len() as f64 / started.elapsed().as_secs_f64();
    times.sort_unstable();
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
    let (memory, _, _) = server.holds();
    println!(
        "{name:<14} {connections:>3} connections  {rate:>8.0}/s  p50 {:>7.3} ms  p99 {:>7.3} ms  {memory} MB",
        at(0.5),
        at(0.99)
    );
    rate
}

/// What the mixed load did.
#[derive(Default)]
struct Done {
    answered: AtomicU64,
    created: AtomicU64,
    vanished: AtomicU64,
}

/// Looks whether everything acknowledged is there, and deletes it.
fn settle(client: &mut Client, writer: usize, acknowledged: &mut Vec<u64>) {
    let found = client.query(&format!(
        "Mark.byWriter({writer}).pageSize(4000).paginate().data.map(.n)"
    ));
    let found: std::collections::HashSet<u64> = found
        .as_array()
        .expect("numbers")
        .iter()
        .filter_map(Json::as_u64)
        .collect();
    for n in acknowledged.drain(..) {
        assert!(found.contains(&n), "writer {writer}: write {n} is lost");
    }
    client.query(&format!("Mark.byWriter({writer}).forEach(.delete())"));
}

/// Goes away in one of the ways in which clients do.
fn vanish(address: &str, writer: usize, token: &str, dice: &mut Dice) {
    let Ok(mut stream) = TcpStream::connect(address) else {
        return;
    };
    let slow = json!({ "query": "Set.sequence(0, 100000000).fold(0, (a, b) => 1)" }).to_string();
    let write = json!({ "query": format!("Mark.create({{ writer: {writer}, n: -1 }}).n") });
    let write = write.to_string();
    let follow = json!({ "token": token }).to_string();
    let request = match dice.roll(5) {
        // In the head, in the body, while a query runs, before the answer of a write, in a stream.
        0 => "POST /query/1 HTTP/1.1\r\nauthoriz".to_string(),
        1 => head("/query/1", 1000) + &write,
        2 => head("/query/1", slow.len()) + &slow,
        3 => head("/query/1", write.len()) + &write,
        _ => head("/stream/1", follow.len()) + &follow,
    };
    let _ = stream.write_all(request.as_bytes());
    std::thread::sleep(Duration::from_millis(dice.roll(60)));
}

fn mixed_client(server: &Server, writer: usize, token: &str, done: &Done, over: &AtomicBool) {
    let mut client = Client::connect(&server.address);
    let mut dice = Dice(0xC0FF_EE00 + writer as u64);
    let (mut next, mut acknowledged) = (0, Vec::new());
    while !over.load(Ordering::Relaxed) {
        match dice.roll(100) {
            0..40 => drop(client.query(&point_read(&mut dice))),
            40..60 => drop(client.query(&page(&mut dice))),
            60..92 => {
                client.query(&format!("Mark.create({{ writer: {writer}, n: {next} }}).n"));
                acknowledged.push(next);
                next += 1;
                done.created.fetch_add(1, Ordering::Relaxed);
                if acknowledged.len() >= 500 {
                    settle(&mut client, writer, &mut acknowledged);
                }
            }
            92..95 => client = Client::connect(&server.address),
            _ => {
                vanish(&server.address, writer, token, &mut dice);
                done.vanished.fetch_add(1, Ordering::Relaxed);
            }
        }
        done.answered.fetch_add(1, Ordering::Relaxed);
        // The machine has other things to do as well.
        std::thread::sleep(Duration::from_millis(dice.roll(60)));
    }
    settle(&mut client, writer, &mut acknowledged);
}

fn mixed(server: &Server, time: Duration) {
    let mut client = Client::connect(&server.address);
    let token = client.query("Mark.all().eventSource()");
    let token = token.as_str().expect("a token");
    let (done, over, started) = (Done::default(), AtomicBool::new(false), Instant::now());
    std::thread::scope(|scope| {
        for writer in 0..MIXED {
            let (done, over) = (&done, &over);
            scope.spawn(move || mixed_client(server, writer, token, done, over));
        }
        while started.elapsed() < time {
            std::thread::sleep(Duration::from_secs(10).min(time));
            let (memory, descriptors, threads) = server.holds();
            println!(
                "{:>5} s  {:>8} requests  {:>8} creates  {:>7} vanished  {memory} MB  {descriptors} descriptors  {threads} threads  {} requests, {} streams under way",
                started.elapsed().as_secs(),
                done.answered.load(Ordering::Relaxed),
                done.created.load(Ordering::Relaxed),
                done.vanished.load(Ordering::Relaxed),
                server.gauge("fql_requests_in_flight"),
                server.gauge("fql_streams"),
            );
        }
        over.store(true, Ordering::Relaxed);
    });
    // Nothing may be left of those who are gone.
    let calm = Instant::now();
    loop {
        let left = (
            server.gauge("fql_requests_in_flight"),
            server.gauge("fql_streams"),
        );
        if left == (0, 0) {
            break;
        }
        assert!(calm.elapsed() < Duration::from_secs(60), "stuck: {left:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
    let (memory, descriptors, threads) = server.holds();
    println!(
        "after: {memory} MB  {descriptors} descriptors  {threads} threads  nothing under way; no write lost"
    );
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    let number = |name: &str| value(name).and_then(|text| text.parse().ok());
    let time = Duration::from_secs(number("--seconds").unwrap_or(5));
    let binary = value("--binary").unwrap_or("target/release/fql".into());
    if !std::path::Path::new(&binary).exists() {
        println!("no {binary}: `cargo build --release` makes it");
        return;
    }
    let server = Server::start(&binary);
    fill(&mut Client::connect(&server.address));
    let mut creates = Vec::new();
    if !time.is_zero() {
        for connections in [1, 64] {
            measure(&server, "point read", connections, time, point_read);
            measure(&server, "indexed page", connections, time, page);
            creates.push(measure(
                &server,
                "durable create",
                connections,
                time,
                create,
            ));
        }
    }
    if let [one, many] = creates[..] {
        println!("creates, 64 connections to one: {:.1}", many / one);
    }
    if let Some(seconds) = number("--mixed") {
        mixed(&server, Duration::from_secs(seconds));
    }
}
