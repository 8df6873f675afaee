//! A server beside the process that holds its file (`ARCHITECTURE.md`, the store's contract).
//!
//! ```text
//! client ─▶ this server ─▶ FILE.sock ─▶ the holder: a shell, another server
//!                    └──▶ this process, from the moment the holder has left
//! ```
//!
//! As long as another process holds the file, every request is handed on to it as it came and its answer handed back,
//! streams included. Only the authority is looked at: the holder does not know this server's root secret, so a
//! request that bears it becomes one of the file's owner, and a request without a secret must not become one.
//! When the holder leaves, also by being killed, this process takes the file over; requests wait for that. A request
//! that was handed on and not answered is never sent again: whether it took effect is unknown, and said so.

use super::reply::{Body, Reply};
use super::socket::{self, Bound};
use super::{Incoming, Place, Prepare, Server, headers, stopped_or};
use crate::access::jwt;
use crate::access::secret::{Presented, Scope, ScopeRole, parse_scoped};
use crate::engine::{DatabaseFile, Engine, KEY_SET_HEADER, OpenError, socket_path};
use crate::store::StoreError;
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};
use hyper::{HeaderMap, Request, Response, Uri};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// How often it is tried whether the file is free.
const GLANCE: Duration = Duration::from_millis(200);
/// How long a request waits for the file to change hands.
const HANDOVER: Duration = Duration::from_secs(10);
/// Headers that belong to one connection, and those that only the owner's own processes may set.
const NOT_HANDED_ON: [&str; 14] = [
    "host",
    "connection",
    "keep-alive",
    "content-length",
    "transfer-encoding",
    "te",
    "trailer",
    "expect",
    "upgrade",
    "http2-settings",
    "authorization",
    "x-fql-database",
    "x-fql-role",
    KEY_SET_HEADER,
];

/// What became of a request.
pub(super) enum Handed {
    /// The holder answered.
    Answered(Box<Response<Body>>),
    /// This process holds the file now.
    Here(Incoming),
    /// The holder could not be reached, or was lost on the way.
    Failed(Reply),
}

/// Where the data of a file is: here, or with its holder.
pub(super) fn place_of(
    file: &DatabaseFile,
    prepare: impl Fn(&Engine) -> Result<(), String> + Send + Sync + 'static,
) -> Result<Place, String> {
    let fault = |error: OpenError| error.to_string();
    match socket::open_or_find_holder(file).map_err(fault)? {
        Some(engine) => {
            prepare(&engine)?;
            Ok(Place::Here(engine))
        }
        None => {
            let engine = Engine::memory().map_err(fault)?;
            prepare(&engine)?;
            Ok(Place::Beside {
                engine,
                file: file.clone(),
                prepare: Arc::new(prepare),
            })
        }
    }
}

/// Hands a request on to the holder of the file.
pub(super) async fn hand_on(server: &Arc<Server>, request: Incoming) -> Handed {
    let started = Instant::now();
    let mut stopping = server.stopping.clone();
    loop {
        let Some(file) = server.file_held_elsewhere() else {
            return Handed::Here(request);
        };
        match sent(server, &socket_path(&file), &request).await {
            Ok(response) => return Handed::Answered(Box::new(response)),
            Err(Unanswered::Lost) => {
                return Handed::Failed(unavailable(
                    &request,
                    "the process that holds the file left while the request ran: whether it took effect is unknown",
                ));
            }
            Err(Unanswered::NotSent) => {
                server.bereft.notify_one();
                let stops = stopped_or(&mut stopping, Duration::from_millis(10)).await;
                if stops || started.elapsed() > HANDOVER {
                    return Handed::Failed(unavailable(&request, "nobody answers for the file"));
                }
            }
        }
    }
}

fn unavailable(request: &Incoming, why: &str) -> Reply {
    let message = format!("Read timed out ({why})");
    match request.is_v10() {
        true => Reply::error(503, "time_out", &message),
        false => Reply::legacy_error(503, "time out", &message),
    }
}

enum Unanswered {
    /// Nobody has seen the request.
    NotSent,
    /// Somebody may have.
    Lost,
}

#[cfg(unix)]
async fn sent(
    server: &Arc<Server>,
    socket: &Path,
    request: &Incoming,
) -> Result<Response<Body>, Unanswered> {
    let stream = tokio::net::UnixStream::connect(socket)
        .await
        .map_err(|_| Unanswered::NotSent)?;
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io)
        .await
        .map_err(|_| Unanswered::NotSent)?;
    // Dropping the connection tells the holder that the client is gone: it lives as long as the answer is wanted.
    tokio::spawn(connection);
    let handed = rewritten(server, request).ok_or(Unanswered::Lost)?;
    let answer = sender
        .send_request(handed)
        .await
        .map_err(|error| match error.is_canceled() {
            true => Unanswered::NotSent,
            false => Unanswered::Lost,
        })?;
    let (mut head, body) = answer.into_parts();
    for name in ["connection", "keep-alive", "transfer-encoding", "date"] {
        head.headers.remove(name);
    }
    Ok(Response::from_parts(head, Body::Forwarded(body)))
}

#[cfg(not(unix))]
async fn sent(_: &Arc<Server>, _: &Path, _: &Incoming) -> Result<Response<Body>, Unanswered> {
    Err(Unanswered::NotSent)
}

/// The request as the holder gets it.
fn rewritten(server: &Arc<Server>, request: &Incoming) -> Option<Request<Body>> {
    // `//a` is a path here, not a host.
    let uri = match &request.query {
        Some(query) => format!("{}?{query}", request.path),
        None => request.path.clone(),
    };
    let uri = Uri::builder().path_and_query(uri).build().ok()?;
    let body = match &request.body {
        None => Body::Whole(None),
        // A body of no bytes is another thing than no body: it is sent in chunks, of which there are none.
        Some(body) if body.is_empty() => Body::Stream(mpsc::channel::<Bytes>(1).1),
        Some(body) => Body::Whole(Some(body.clone())),
    };
    let mut handed = Request::new(body);
    *handed.method_mut() = request.method.clone();
    *handed.uri_mut() = uri;
    let map = handed.headers_mut();
    for (name, value) in &request.headers {
        if !NOT_HANDED_ON.contains(&name.as_str()) {
            map.append(name, value.clone());
        }
    }
    map.insert("host", HeaderValue::from_static("localhost"));
    authorize(server, &request.headers, map);
    Some(handed)
}

/// The request's authority in words that the holder understands.
fn authorize(server: &Arc<Server>, given: &HeaderMap, map: &mut HeaderMap) {
    let secret = headers::secret(given);
    let presented = secret.as_deref().and_then(parse_scoped);
    match presented {
        Some(presented) if server.engine().is_root_secret(presented.secret) => {
            for (name, value) in owners_place(&presented) {
                if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
                    map.insert(name, value);
                }
            }
        }
        Some(_) | None => {
            // Without the header the holder would take the request for its owner's.
            let nobody = HeaderValue::from_static("none");
            let value = given.get(AUTHORIZATION).cloned().unwrap_or(nobody);
            map.insert(AUTHORIZATION, value);
            // Key sets of this server count for its own requests, whoever answers them.
            if secret.as_deref().is_some_and(jwt::looks_like) {
                for file in server.engine().key_set_files() {
                    if let Ok(value) = HeaderValue::from_bytes(file.to_string().as_bytes()) {
                        map.append(KEY_SET_HEADER, value);
                    }
                }
            }
        }
    }
}

fn owners_place(presented: &Presented<'_>) -> [(HeaderName, String); 2] {
    let (path, role) = match &presented.scope {
        None => (String::new(), "admin".to_string()),
        Some(Scope { path, role }) => (
            path.as_deref().unwrap_or_default().join("/"),
            match role {
                ScopeRole::Builtin(name) => (*name).to_string(),
                ScopeRole::Role(name) => format!("@role/{name}"),
                ScopeRole::Document(name) => format!("@doc/{name}"),
            },
        ),
    };
    [
        (HeaderName::from_static("x-fql-database"), path),
        (HeaderName::from_static("x-fql-role"), role),
    ]
}

/// Waits until the file is free and takes it, and its socket. `None` if the server stops, or no socket can be.
pub(super) async fn take_over(server: &Arc<Server>) -> Option<Bound> {
    let mut stopping = server.stopping.clone();
    let mut told = false;
    loop {
        let (file, prepare) = match &*server.place.read() {
            Place::Here(_) => return None,
            Place::Beside { file, prepare, .. } => (file.clone(), prepare.clone()),
        };
        tokio::select! {
            stops = stopped_or(&mut stopping, GLANCE) => if stops { return None },
            () = server.bereft.notified() => {}
        }
        match tokio::task::spawn_blocking(move || open_free(&file, &prepare)).await {
            Ok(Some(Ok((engine, bound)))) => {
                *server.place.write() = Place::Here(engine);
                tracing::info!(
                    "the file was left by the process that held it: it is held here now"
                );
                return bound;
            }
            Ok(Some(Err(error))) if !told => {
                told = true;
                tracing::error!(%error, "cannot take the file over");
            }
            Ok(Some(Err(_)) | None) | Err(_) => {}
        }
    }
}

/// The file, if nobody holds it.
#[allow(clippy::type_complexity)]
fn open_free(
    file: &DatabaseFile,
    prepare: &Prepare,
) -> Option<Result<(Arc<Engine>, Option<Bound>), String>> {
    // A file that was deleted meanwhile is not made anew.
    if !file.path.exists() {
        return None;
    }
    let engine = match file.open() {
        Ok(engine) => engine,
        Err(OpenError::Store(StoreError::InUse(_))) => return None,
        Err(error) => return Some(Err(error.to_string())),
    };
    if let Err(error) = prepare(&engine) {
        return Some(Err(error));
    }
    let bound = socket::bind(&file.path)
        .inspect_err(|error| tracing::warn!(%error, "other processes cannot use the file"));
    Some(Ok((engine, bound.ok())))
}
