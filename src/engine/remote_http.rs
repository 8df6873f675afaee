//! One HTTP exchange with another process: over its socket, plain TCP, or TLS.
//!
//! Sockets and plain TCP are spoken to by a small client of our own, because it must be able to give up in the middle
//! when the person at the shell interrupts; TLS goes through a library.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often a waiting exchange looks whether it was cancelled.
const GLANCE: Duration = Duration::from_millis(100);
/// The largest answer.
const MAX_ANSWER: u64 = 256 * 1024 * 1024;

/// Where another process listens.
pub struct Connection(Target);

enum Target {
    Socket(PathBuf),
    Tcp(String),
    Tls(Box<ureq::Agent>, String),
}

/// What is asked.
pub struct Exchange<'a> {
    /// The method.
    pub method: &'static str,
    /// The endpoint, with its parameters.
    pub path: &'a str,
    /// Headers.
    pub headers: &'a [(&'static str, String)],
    /// The body.
    pub body: &'a str,
    /// Set by another thread to give up.
    pub cancel: Option<&'a AtomicBool>,
}

/// What is answered.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Names of headers in lower case, and their values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// An answer whose body comes as long as it is wanted.
pub struct Stream {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Box<dyn BufRead + Send>,
}

/// Why there is no answer.
pub enum Unsent {
    /// Nobody was reached: nothing has happened.
    NotSent(String),
    /// The connection broke after the request was sent.
    Lost(String),
    /// Given up on request.
    Cancelled,
}

impl Connection {
    /// To a process of this machine.
    pub fn to_socket(path: PathBuf) -> Connection {
        Connection(Target::Socket(path))
    }

    /// To `http://host:port` or `https://host:port`.
    pub fn to_url(url: &str) -> Result<Connection, String> {
        let url = url.trim_end_matches('/');
        if let Some(rest) = url.strip_prefix("http://") {
            let host = rest.split('/').next().unwrap_or_default();
            if host.is_empty() || host != rest {
                return Err(format!("{url}: an address has the form http://host:port"));
            }
            // The last colon of `[::1]` belongs to the address.
            let has_port = host
                .rsplit(']')
                .next()
                .is_some_and(|tail| tail.contains(':'));
            let host = if has_port {
                host.to_string()
            } else {
                format!("{host}:80")
            };
            return Ok(Connection(Target::Tcp(host)));
        }
        if url.starts_with("https://") {
            let config = ureq::Agent::config_builder()
                .http_status_as_error(false)
                .timeout_connect(Some(Duration::from_secs(10)))
                .build();
            return Ok(Connection(Target::Tls(
                Box::new(config.into()),
                url.to_string(),
            )));
        }
        Err(format!("{url}: an address begins with http:// or https://"))
    }

    /// Asks and waits for the answer.
    pub fn post(&self, exchange: &Exchange<'_>) -> Result<Answer, Unsent> {
        let given_up = || {
            exchange
                .cancel
                .is_some_and(|cancel| cancel.load(Ordering::Relaxed))
        };
        match &self.0 {
            Target::Socket(path) => speak(to_socket(path)?, "localhost", exchange, given_up),
            Target::Tcp(host) => speak(to_tcp(host)?, host, exchange, given_up),
            Target::Tls(agent, url) => {
                let mut answer = ask(agent, url, exchange)?;
                let status = answer.status().as_u16();
                let headers = answer.headers().iter().filter_map(|(name, value)| {
                    Some((name.as_str().to_string(), value.to_str().ok()?.to_string()))
                });
                let headers = headers.collect();
                let body = answer.body_mut().with_config().limit(MAX_ANSWER);
                let body = body.read_to_vec();
                let body = body.map_err(|error| Unsent::Lost(error.to_string()))?;
                Ok(Answer {
                    status,
                    headers,
                    body,
                })
            }
        }
    }

    /// Asks for an answer without an end. Where the stream can be given up in the middle of waiting, `cancel` does so.
    pub fn stream(
        &self,
        exchange: &Exchange<'_>,
        cancel: Arc<AtomicBool>,
    ) -> Result<Stream, Unsent> {
        let given_up = move || cancel.load(Ordering::Relaxed);
        match &self.0 {
            Target::Socket(path) => begin(to_socket(path)?, "localhost", exchange, given_up),
            Target::Tcp(host) => begin(to_tcp(host)?, host, exchange, given_up),
            Target::Tls(agent, url) => {
                let answer = ask(agent, url, exchange)?;
                let status = answer.status().as_u16();
                let body = BufReader::new(answer.into_body().into_reader());
                Ok(Stream {
                    status,
                    body: Box::new(body),
                })
            }
        }
    }
}

#[cfg(unix)]
fn to_socket(path: &Path) -> Result<std::os::unix::net::UnixStream, Unsent> {
    let unsent = |error: io::Error| Unsent::NotSent(error.to_string());
    let stream = std::os::unix::net::UnixStream::connect(path).map_err(unsent)?;
    stream.set_read_timeout(Some(GLANCE)).map_err(unsent)?;
    Ok(stream)
}

#[cfg(not(unix))]
fn to_socket(path: &Path) -> Result<TcpStream, Unsent> {
    Err(Unsent::NotSent(format!(
        "{}: sockets are not available here",
        path.display()
    )))
}

fn to_tcp(host: &str) -> Result<TcpStream, Unsent> {
    let unsent = |error: io::Error| Unsent::NotSent(format!("cannot reach {host}: {error}"));
    let stream = TcpStream::connect(host).map_err(unsent)?;
    let _ = stream.set_nodelay(true);
    stream.set_read_timeout(Some(GLANCE)).map_err(unsent)?;
    Ok(stream)
}

/// One request over TLS.
fn ask(
    agent: &ureq::Agent,
    url: &str,
    exchange: &Exchange<'_>,
) -> Result<ureq::http::Response<ureq::Body>, Unsent> {
    let url_of_call = format!("{url}{}", exchange.path);
    let answer = match exchange.method {
        "GET" => {
            let mut request = agent.get(url_of_call);
            for (name, value) in exchange.headers {
                request = request.header(*name, value);
            }
            request.call()
        }
        _ => {
            let mut request = agent.post(url_of_call);
            for (name, value) in exchange.headers {
                request = request.header(*name, value);
            }
            request.send(exchange.body)
        }
    };
    answer.map_err(|error| match error {
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => {
            Unsent::NotSent(format!("cannot reach {url}: {error}"))
        }
        other => Unsent::Lost(other.to_string()),
    })
}

/// Sends a request on a fresh connection; what is read from it then.
fn sent<S: Read + Write, G: Fn() -> bool>(
    mut stream: S,
    host: &str,
    exchange: &Exchange<'_>,
    given_up: G,
) -> Result<BufReader<Patient<S, G>>, Unsent> {
    let Exchange { method, path, .. } = exchange;
    let mut request = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\n");
    for (name, value) in exchange.headers {
        if value.contains(['\r', '\n']) {
            return Err(Unsent::NotSent(format!("{name} cannot hold a line break")));
        }
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    let length = exchange.body.len();
    request.push_str(&format!(
        "content-length: {length}\r\nconnection: close\r\n\r\n"
    ));
    request.push_str(exchange.body);
    stream
        .write_all(request.as_bytes())
        .and_then(|()| stream.flush())
        .map_err(lost)?;
    Ok(BufReader::new(Patient { stream, given_up }))
}

fn lost(error: io::Error) -> Unsent {
    match error.kind() {
        io::ErrorKind::ConnectionAborted => Unsent::Cancelled,
        _ => Unsent::Lost(error.to_string()),
    }
}

/// One request and its whole answer.
fn speak(
    stream: impl Read + Write,
    host: &str,
    exchange: &Exchange<'_>,
    given_up: impl Fn() -> bool,
) -> Result<Answer, Unsent> {
    let mut reader = sent(stream, host, exchange, given_up)?;
    let head = read_head(&mut reader).map_err(lost)?;
    let mut body = Vec::new();
    let read = head
        .body(reader)
        .take(MAX_ANSWER + 1)
        .read_to_end(&mut body);
    read.map_err(lost)?;
    if body.len() as u64 > MAX_ANSWER {
        return Err(Unsent::Lost("the answer is too large".into()));
    }
    match head.length {
        Some(length) if length != body.len() as u64 => {
            Err(lost(io::ErrorKind::UnexpectedEof.into()))
        }
        _ => Ok(Answer {
            status: head.status,
            headers: head.headers,
            body,
        }),
    }
}

/// One request and the beginning of its answer.
fn begin(
    stream: impl Read + Write + Send + 'static,
    host: &str,
    exchange: &Exchange<'_>,
    given_up: impl Fn() -> bool + Send + 'static,
) -> Result<Stream, Unsent> {
    let mut reader = sent(stream, host, exchange, given_up)?;
    let head = read_head(&mut reader).map_err(lost)?;
    Ok(Stream {
        status: head.status,
        body: Box::new(BufReader::new(head.body(reader))),
    })
}

struct Head {
    status: u16,
    headers: Vec<(String, String)>,
    length: Option<u64>,
    chunked: bool,
}

impl Head {
    fn body<R: BufRead>(&self, reader: R) -> Body<R> {
        match self.chunked {
            true => Body::Chunked {
                reader,
                left: 0,
                ended: false,
            },
            false => Body::Sized(reader.take(self.length.unwrap_or(u64::MAX))),
        }
    }
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_string())
}

/// A line that ends, of a sane length.
fn line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    reader.take(64 * 1024).read_line(&mut line)?;
    match line.ends_with('\n') {
        true => Ok(line),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn read_head(reader: &mut impl BufRead) -> io::Result<Head> {
    let first = line(reader)?;
    let status = first.split(' ').nth(1).and_then(|text| text.parse().ok());
    let status = status.ok_or_else(|| bad("no HTTP answer"))?;
    let (mut length, mut chunked) = (None, false);
    let mut headers = Vec::new();
    loop {
        let header = line(reader)?;
        let Some((name, value)) = header.trim_end().split_once(':') else {
            break;
        };
        let (name, value) = (name.to_ascii_lowercase(), value.trim().to_string());
        match name.as_str() {
            "content-length" => length = value.parse::<u64>().ok(),
            "transfer-encoding" => chunked = value.eq_ignore_ascii_case("chunked"),
            _ => {}
        }
        headers.push((name, value));
    }
    Ok(Head {
        status,
        headers,
        length: length.filter(|_| !chunked),
        chunked,
    })
}

/// A body as it comes over the wire.
enum Body<R> {
    Sized(io::Take<R>),
    Chunked { reader: R, left: u64, ended: bool },
}

impl<R: BufRead> Read for Body<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (reader, left, ended) = match self {
            Body::Sized(reader) => return reader.read(buffer),
            Body::Chunked {
                reader,
                left,
                ended,
            } => (reader, left, ended),
        };
        if *left == 0 && !*ended {
            let size = line(reader)?;
            *left = u64::from_str_radix(size.trim(), 16).map_err(|_| bad("bad chunk"))?;
            *ended = *left == 0;
            if *ended {
                line(reader)?;
            }
        }
        if *ended || buffer.is_empty() {
            return Ok(0);
        }
        let read = reader.take(*left).read(buffer)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        *left = left.saturating_sub(read as u64);
        if *left == 0 {
            line(reader)?;
        }
        Ok(read)
    }
}

/// A stream with a short read timeout, read until data comes or the exchange is given up.
struct Patient<S, G> {
    stream: S,
    given_up: G,
}

impl<S: Read, G: Fn() -> bool> Read for Patient<S, G> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.stream.read(buffer) {
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                    ) =>
                {
                    if (self.given_up)() {
                        return Err(io::ErrorKind::ConnectionAborted.into());
                    }
                }
                other => return other,
            }
        }
    }
}
