//! `fql serve`: Fauna's HTTP protocol, for the official drivers and any HTTP client.
//!
//! ```text
//! listen ─▶ router ─▶ query │ events │ environment │ ping ─▶ pool ─▶ Session
//!   accept, TLS,  order of checks,    one file an endpoint      threads     engine
//!   shutdown      common headers
//! ```
//!
//! The server owns no language and no data: an endpoint reads headers and body, asks a
//! [`Session`](crate::engine::Session) on a thread of the [`pool::Pool`] and writes the answer. What the wire looks
//! like, to the byte, is `spec http-api`; the order in which faults are reported is part of it.
//!
//! The asynchronous runtime is made by [`run`] and by nothing else, so that the other fronts do not pay for it.

mod authorized;
mod beside;
mod environment;
mod events;
mod headers;
mod inspect;
mod json;
mod legacy;
mod listen;
mod log;
mod metrics;
mod options;
mod ping;
mod pool;
mod query;
mod reply;
mod router;
mod schema;
mod socket;
mod template;
mod tls;
mod upgrade;
mod wire;

pub use listen::{Running, start, start_with};
pub use options::{Options, run};
pub use socket::{Sharing, open_shared, share};
pub use template::decode_body;

use crate::access::jwks::{KeySetFile, KeySets};
use crate::access::jwt;
use crate::access::secret::parse_scoped;
use crate::engine::{DatabaseFile, Engine, KEY_SET_HEADER, Session};
use crate::store::TxnTime;
use hyper::body::Bytes;
use hyper::{HeaderMap, Method};
use metrics::Metrics;
use parking_lot::RwLock;
use pool::{Pool, Refusal};
use reply::Reply;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, Semaphore, watch};

/// How far into the future a client may send the server's clock (`spec http-api 5.7`).
const MAX_CLOCK_WAIT: Duration = Duration::from_millis(250);
/// Secrets that were never seen and are looked at at once.
const STRANGERS: usize = 8;

/// What the endpoints share.
pub struct Server {
    place: RwLock<Place>,
    /// Told when the process that held the file seems to be gone.
    bereft: Notify,
    pool: Pool,
    watches: inspect::Watches,
    metrics: Metrics,
    /// Places for secrets that were never seen: a flood of them must not hold up those who are known.
    strangers: Semaphore,
    patience: Patience,
    /// Becomes true when the server begins to shut down.
    stopping: watch::Receiver<bool>,
}

/// How long clients are waited for (`spec http-api 2`).
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// An HTTP/1.1 connection may be silent for this long between requests and within a head.
    pub idle: Duration,
    /// The first request must have come by then, and the TLS handshake before it.
    pub first_request: Duration,
    /// A body may pause for this long.
    pub body: Duration,
    /// Answers take at least this long, as over a longer line.
    pub delay: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            idle: Duration::from_secs(5),
            first_request: Duration::from_secs(60),
            body: Duration::from_secs(60),
            delay: Duration::ZERO,
        }
    }
}

/// Where the data is.
enum Place {
    /// This process holds it.
    Here(Arc<Engine>),
    /// Another process holds the file and listens on the socket beside it. The engine is a stand-in without data, which
    /// knows the clock and this server's root secret.
    Beside {
        engine: Arc<Engine>,
        file: DatabaseFile,
        /// For the engine to come.
        prepare: Prepare,
    },
}

/// Makes an engine this server's: gives it the root secret, the key sets.
type Prepare = Arc<dyn Fn(&Engine) -> Result<(), String> + Send + Sync>;

/// A request, read to its end.
pub struct Incoming {
    method: Method,
    path: String,
    query: Option<String>,
    headers: HeaderMap,
    /// Came through the socket beside the file, from its owner.
    local: bool,
    /// `None` where HTTP/1.1 says there is no body; a body may be empty.
    body: Option<Bytes>,
}

impl Server {
    fn new(engine: Arc<Engine>, stopping: watch::Receiver<bool>) -> Arc<Server> {
        Server::at(Place::Here(engine), stopping, Patience::default())
    }

    fn at(place: Place, stopping: watch::Receiver<bool>, patience: Patience) -> Arc<Server> {
        Arc::new(Server {
            place: RwLock::new(place),
            bereft: Notify::new(),
            pool: Pool::default(),
            watches: inspect::Watches::default(),
            metrics: Metrics::default(),
            strangers: Semaphore::new(STRANGERS),
            patience,
            stopping,
        })
    }

    /// The engine that answers, or its stand-in while another process holds the file.
    fn engine(&self) -> Arc<Engine> {
        match &*self.place.read() {
            Place::Here(engine) | Place::Beside { engine, .. } => engine.clone(),
        }
    }

    /// The file, while another process holds it.
    fn file_held_elsewhere(&self) -> Option<PathBuf> {
        match &*self.place.read() {
            Place::Here(_) => None,
            Place::Beside { file, .. } => Some(file.path.clone()),
        }
    }

    /// The clock of transactions.
    fn now(&self) -> TxnTime {
        self.engine().model().now()
    }

    /// The session that a request asks for; `None` if it names no authority.
    fn session(&self, request: &Incoming) -> Option<Session> {
        let map = &request.headers;
        if let Some(secret) = headers::secret(map) {
            // Another server on the file may be open to others than this one is: it has its own root secret.
            let presented = parse_scoped(&secret);
            if request.local && presented.is_some_and(|p| self.engine().is_root_secret(p.secret)) {
                return None;
            }
            let session = self.engine().with_secret(&secret);
            return match request.local && jwt::looks_like(&secret) {
                true => self.with_key_sets(session, request),
                false => Some(session),
            };
        }
        if !request.local || map.contains_key("authorization") {
            return None;
        }
        let path = headers::text(map, "x-fql-database").unwrap_or_default();
        let path = path.split('/').filter(|name| !name.is_empty());
        let role = headers::text(map, "x-fql-role").map(|role| (*role).into());
        let session = self.engine().root();
        let session = session.in_database(path.map(Into::into).collect());
        Some(session.with_role(role))
    }

    /// The session with the key sets that another process of the file's owner names; `None` if they cannot be used.
    fn with_key_sets(&self, session: Session, request: &Incoming) -> Option<Session> {
        let named = request.headers.get_all(KEY_SET_HEADER).iter();
        let named: Option<Vec<KeySetFile>> = named
            .map(|value| String::from_utf8_lossy(value.as_bytes()).parse().ok())
            .collect();
        let named = named?;
        if named.is_empty() {
            return Some(session);
        }
        let key_sets = KeySets::default();
        key_sets.pin_files(&named).ok()?;
        Some(session.with_key_sets(Arc::new(key_sets)))
    }

    /// Looks at a secret that was never seen, a few at a time. What comes of it, the engine remembers.
    async fn introduce(&self, request: &Incoming) {
        let Some(secret) = headers::secret(&request.headers) else {
            return;
        };
        let Some(session) = self.session(request) else {
            return;
        };
        if !self.engine().is_familiar(&secret)
            && let Ok(_place) = self.strangers.acquire().await
        {
            // Whether it is good is asked again by whoever needs it.
            let _ = self.pool.run(move |_| session.principal().is_ok()).await;
        }
    }

    /// Waits until the clock has passed a time that a client has seen, if that is near.
    async fn wait_until(&self, seen: TxnTime) {
        let ahead = seen.0.saturating_sub(self.now().0);
        let ahead = Duration::from_micros(u64::try_from(ahead).unwrap_or(0));
        if !ahead.is_zero() && ahead <= MAX_CLOCK_WAIT {
            tokio::time::sleep(ahead + Duration::from_millis(1)).await;
        }
    }
}

impl Incoming {
    /// Whether faults have the form of FQL v10.
    fn is_v10(&self) -> bool {
        is_v10(&self.path)
    }

    /// A parameter of the query string, decoded.
    fn parameter(&self, name: &str) -> Option<String> {
        let pairs = self.query.as_deref()?.split('&');
        let value = pairs
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .find(|(key, _)| *key == name)?
            .1;
        Some(percent_decoded(value))
    }
}

/// Whether the faults of a path have the form of FQL v10.
fn is_v10(path: &str) -> bool {
    matches!(
        path,
        "/query/1" | "/stream/1" | "/feed/1" | "/environment/1"
    ) || path.starts_with("/schema/1")
}

/// A parameter's value: a `+` is a blank.
fn percent_decoded(text: &str) -> String {
    percent_decoded_segment(&text.replace('+', " "))
}

/// A segment of a path.
fn percent_decoded_segment(text: &str) -> String {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|c| char::from(*c).to_digit(16));
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match (byte, digit(at), digit(at + 1)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 2;
            }
            _ => out.push(*byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The answer to a deadline that no query can keep, not sooner than the client's own patience ends.
async fn hasty(started: Instant) -> Reply {
    tokio::time::sleep(Duration::from_millis(10)).await;
    query::timed_out(started.elapsed())
}

/// The answer to work that was not done.
fn refused(refusal: Refusal) -> Reply {
    match refusal {
        Refusal::Full => Reply::error(429, "limit_exceeded", "Too many pending requests"),
        Refusal::Panicked => Reply::error(
            500,
            "internal_error",
            "The server met a defect of its own while it answered. Please report it.",
        ),
    }
}

/// Waits until the server begins to shut down.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // An error means that whoever could stop the server is gone: it stops too.
    let _ = stopping.wait_for(|stop| *stop).await;
}

/// Waits for a time; whether the server began to shut down meanwhile.
async fn stopped_or(stopping: &mut watch::Receiver<bool>, time: Duration) -> bool {
    tokio::select! {
        () = stopped(stopping) => true,
        () = tokio::time::sleep(time) => false,
    }
}
