//! One HTTP exchange with another process: over its socket, plain TCP, or TLS.
//!
//! Sockets and plain TCP are spoken to by a small client of our own, because it must be able to give up in the middle
//! when the person at the shell interrupts; TLS goes through a library.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
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
    /// The endpoint.
    pub path: &'static str,
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
    /// The body.
    pub body: Vec<u8>,
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
        let unsent = |error: io::Error| Unsent::NotSent(error.to_string());
        match &self.0 {
            #[cfg(unix)]
            Target::Socket(path) => {
                let stream = std::os::unix::net::UnixStream::connect(path).map_err(unsent)?;
                stream.set_read_timeout(Some(GLANCE)).map_err(unsent)?;
                speak(stream, "localhost", exchange)
            }
            #[cfg(not(unix))]
            Target::Socket(path) => Err(Unsent::NotSent(format!(
                "{}: sockets are not available here",
                path.display()
            ))),
            Target::Tcp(host) => {
                let stream = TcpStream::connect(host.as_str())
                    .map_err(|error| Unsent::NotSent(format!("cannot reach {host}: {error}")))?;
                let _ = stream.set_nodelay(true);
                stream.set_read_timeout(Some(GLANCE)).map_err(unsent)?;
                speak(stream, host, exchange)
            }
            Target::Tls(agent, url) => {
                let mut request = agent.post(format!("{url}{}", exchange.path));
                for (name, value) in exchange.headers {
                    request = request.header(*name, value);
                }
                let mut answer = request.send(exchange.body).map_err(|error| match error {
                    ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => {
                        Unsent::NotSent(format!("cannot reach {url}: {error}"))
                    }
                    other => Unsent::Lost(other.to_string()),
                })?;
                let status = answer.status().as_u16();
                let body = answer.body_mut().with_config().limit(MAX_ANSWER);
                let body = body.read_to_vec();
                let body = body.map_err(|error| Unsent::Lost(error.to_string()))?;
                Ok(Answer { status, body })
            }
        }
    }
}

/// One request and its answer on a fresh connection.
fn speak(
    mut stream: impl Read + Write,
    host: &str,
    exchange: &Exchange<'_>,
) -> Result<Answer, Unsent> {
    let mut request = format!("POST {} HTTP/1.1\r\nhost: {host}\r\n", exchange.path);
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
    let lost = |error: io::Error| Unsent::Lost(error.to_string());
    stream
        .write_all(request.as_bytes())
        .and_then(|()| stream.flush())
        .map_err(lost)?;
    let patient = Patient {
        stream,
        cancel: exchange.cancel,
    };
    read_answer(BufReader::new(patient)).map_err(|error| match error.kind() {
        io::ErrorKind::ConnectionAborted => Unsent::Cancelled,
        _ => lost(error),
    })
}

fn read_answer(mut reader: impl BufRead) -> io::Result<Answer> {
    let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_string());
    let mut line = String::new();
    let mut head = |line: &mut String| -> io::Result<()> {
        line.clear();
        (&mut reader).take(64 * 1024).read_line(line)?;
        match line.ends_with('\n') {
            true => Ok(()),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    };
    head(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|text| text.parse().ok());
    let status = status.ok_or_else(|| bad("no HTTP answer"))?;
    let (mut length, mut chunked) = (None, false);
    loop {
        head(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse::<u64>().ok(),
            "transfer-encoding" => chunked = value.trim().eq_ignore_ascii_case("chunked"),
            _ => {}
        }
    }
    let mut body = Vec::new();
    if chunked {
        loop {
            line.clear();
            (&mut reader).take(64).read_line(&mut line)?;
            let size = u64::from_str_radix(line.trim(), 16).map_err(|_| bad("bad chunk"))?;
            if size > MAX_ANSWER {
                return Err(bad("the answer is too large"));
            }
            (&mut reader).take(size).read_to_end(&mut body)?;
            line.clear();
            (&mut reader).take(2).read_line(&mut line)?;
            if size == 0 {
                break;
            }
        }
        return Ok(Answer { status, body });
    }
    reader
        .take(length.unwrap_or(MAX_ANSWER))
        .read_to_end(&mut body)?;
    match length {
        Some(length) if length != body.len() as u64 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(Answer { status, body }),
    }
}

/// A stream with a short read timeout, read until data comes or the exchange is cancelled.
struct Patient<'a, S> {
    stream: S,
    cancel: Option<&'a AtomicBool>,
}

impl<S: Read> Read for Patient<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.stream.read(buffer) {
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                    ) =>
                {
                    if self
                        .cancel
                        .is_some_and(|cancel| cancel.load(Ordering::Relaxed))
                    {
                        return Err(io::ErrorKind::ConnectionAborted.into());
                    }
                }
                other => return other,
            }
        }
    }
}
