//! From a request to its endpoint, and from the endpoint's answer to the response (`spec http-api 2, 4`).

use super::beside::{self, Handed};
use super::reply::{Body, Reply};
use super::{
    Incoming, Server, authorized, environment, events, headers, inspect, legacy, ping, query,
    schema,
};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Bytes};
use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, Method, Request, Response, StatusCode, Version};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bodies may have this many bytes.
const MAX_BODY: usize = 8 * 1024 * 1024;
/// Names and values of all headers together.
const MAX_HEADERS: usize = 8 * 1024;
/// The request's target.
const MAX_TARGET: usize = 16 * 1024;

const PREFLIGHT_HEADERS: &str = "accept-encoding, authorization, content-type, x-driver-env, x-faunadb-api-version, \
x-fauna-driver, x-fauna-source, x-fauna-tags, x-format, x-last-seen-txn, x-last-txn-ts, x-linearized, \
x-max-contention-retries, x-max-retries-on-contention, x-query-tags, x-query-timeout, x-query-timeout-ms, \
x-runtime-environment, x-runtime-environment-os, x-nodejs-version, traceparent, x-typecheck, x-performance-hints";

/// Answers one request, whatever it is.
pub async fn serve(
    server: Arc<Server>,
    local: bool,
    request: Request<hyper::body::Incoming>,
) -> Result<Response<Body>, Infallible> {
    let started = Instant::now();
    let http1 = request.version() < Version::HTTP_2;
    let (head, body) = request.into_parts();
    let in_flight = server.metrics.begin();
    let closes = http1 && wants_close(&head.headers, head.version);
    let traceparent = headers::traceparent(&head.headers);
    let origin = head.headers.get("origin").cloned();
    let traced = head.headers.contains_key("x-trace");
    let method = head.method.clone();
    let path = head.uri.path().to_string();
    let answered = {
        let (method, path, traceparent) = (method.clone(), path.clone(), traceparent.clone());
        move |server: &Server, status: u16| {
            let _in_flight = in_flight;
            let metrics = &server.metrics;
            metrics.answered(endpoint_name(&path), status, started.elapsed());
            tracing::debug!(
                %method, %path, status, microseconds = started.elapsed().as_micros() as u64,
                trace = &traceparent[3..35], "answered"
            );
        }
    };

    let (reply, close) = if origin.is_some() && method == Method::OPTIONS {
        (preflight(), false)
    } else if head_size(&head.headers) > MAX_HEADERS
        || head.uri.path_and_query().map_or(0, |p| p.as_str().len()) > MAX_TARGET
    {
        (Reply::json(400, "{\"error\":\"bad request\"}"), true)
    } else {
        match read_body(&head.headers, http1, body, server.patience.body).await {
            Err(fault) => (body_fault(fault, &path), true),
            Ok(body) => {
                let incoming = Incoming {
                    method: head.method,
                    path: path.clone(),
                    query: head.uri.query().map(str::to_string),
                    headers: head.headers,
                    local,
                    body,
                };
                match place(&server, incoming).await {
                    Handed::Here(incoming) => (route(&server, incoming).await, false),
                    Handed::Failed(reply) => (reply, false),
                    Handed::Answered(mut response) => {
                        let status = response.status().as_u16();
                        answered(&server, status);
                        connection(response.headers_mut(), http1.then_some(closes));
                        return Ok(*response);
                    }
                }
            }
        }
    };

    let left = server.patience.delay.saturating_sub(started.elapsed());
    if !left.is_zero() {
        tokio::time::sleep(left).await;
    }
    answered(&server, reply.status);
    let close = http1.then_some(closes || close);
    let mut response = respond(reply, &method, origin, traceparent, close);
    if traced {
        insert(response.headers_mut(), "x-faunadb-host", "localhost");
    }
    Ok(response)
}

/// Where a request is answered: here, or by the process that holds the file.
async fn place(server: &Arc<Server>, request: Incoming) -> Handed {
    match server.file_held_elsewhere() {
        Some(_) => beside::hand_on(server, request).await,
        None => Handed::Here(request),
    }
}

/// The endpoint's answer.
async fn route(server: &Arc<Server>, request: Incoming) -> Reply {
    match request.path.as_str() {
        "/query/1" => query::answer(server, request).await,
        "/stream/1" => events::answer_stream(server, request).await,
        "/feed/1" => events::answer_feed(server, request).await,
        "/ping" => ping::answer(server, &request),
        "/authorized" => authorized::answer(server, &request).await,
        "/environment/1" => environment::answer(server, &request).await,
        "/fql/explain" => inspect::explain(server, &request).await,
        "/fql/builds" => inspect::builds(server, &request).await,
        path if path.starts_with("/schema/1") => schema::answer(server, &request).await,
        _ => legacy::answer(server, &request).await,
    }
}

/// The label of a path in metrics: known endpoints only, since paths are the client's to choose.
fn endpoint_name(path: &str) -> &'static str {
    match path {
        "/query/1" => "query",
        "/stream/1" => "stream",
        "/feed/1" => "feed",
        "/environment/1" => "environment",
        "/ping" => "ping",
        "/authorized" => "authorized",
        "/" | "/linearized" => "query4",
        "/stream" => "stream4",
        _ if path.starts_with("/schema/1") => "schema",
        _ => "other",
    }
}

fn preflight() -> Reply {
    Reply::empty(200)
        .with("access-control-max-age", "86400")
        .with(
            "access-control-allow-methods",
            "GET, POST, PUT, PATCH, DELETE",
        )
        .with("access-control-allow-headers", PREFLIGHT_HEADERS)
}

/// The response to a request that is not looked at: the connection ends with it.
pub(super) fn refusal(reply: Reply) -> Response<Body> {
    let traceparent = headers::traceparent(&HeaderMap::new());
    respond(reply, &Method::GET, None, traceparent, Some(true))
}

/// The response: the endpoint's answer and what every answer has.
fn respond(
    reply: Reply,
    method: &Method,
    origin: Option<HeaderValue>,
    traceparent: String,
    connection: Option<bool>,
) -> Response<Body> {
    let empty = matches!(reply.body, Body::Whole(None));
    let body = match (method == Method::HEAD, reply.body) {
        (true, _) => Body::Whole(None),
        (false, body) => body,
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or_default();
    let map = response.headers_mut();
    if method == Method::HEAD {
        insert(map, "content-length", "0");
    }
    if !empty {
        let json = HeaderValue::from_static("application/json;charset=utf-8");
        map.insert("content-type", json);
    }
    let mut exposed = String::new();
    for (name, value) in reply.headers {
        if name.starts_with("x-") {
            if !exposed.is_empty() {
                exposed.push_str(", ");
            }
            exposed.push_str(name);
        }
        insert(map, name, &value);
    }
    insert(map, "traceparent", &traceparent);
    insert(
        map,
        "x-faunadb-build",
        concat!("fql-", env!("CARGO_PKG_VERSION")),
    );
    if let Some(origin) = origin {
        map.insert("access-control-allow-origin", origin);
        insert(map, "access-control-allow-credentials", "true");
        insert(map, "access-control-expose-headers", &exposed);
    }
    self::connection(map, connection);
    response
}

/// HTTP/1.1 says whether the connection stays.
fn connection(map: &mut HeaderMap, closes: Option<bool>) {
    match closes {
        Some(true) => insert(map, "connection", "close"),
        Some(false) => insert(map, "connection", "keep-alive"),
        None => {}
    }
}

/// Adds a header; a value that HTTP cannot carry is left out.
fn insert(map: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        map.insert(HeaderName::from_static(name), value);
    }
}

fn wants_close(headers: &HeaderMap, version: Version) -> bool {
    let connection = headers::text(headers, "connection").unwrap_or_default();
    let says = |word: &str| {
        connection
            .split(',')
            .any(|part| part.trim().eq_ignore_ascii_case(word))
    };
    says("close") || (version < Version::HTTP_11 && !says("keep-alive"))
}

fn head_size(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum()
}

enum BodyFault {
    TooLarge,
    TooSlow,
    Broken,
}

/// Reads the body to its end. HTTP/1.1 says in the head whether there is one; HTTP/2 always has one.
async fn read_body(
    headers: &HeaderMap,
    http1: bool,
    mut body: hyper::body::Incoming,
    patience: Duration,
) -> Result<Option<Bytes>, BodyFault> {
    let length = body.size_hint().exact();
    let chunked = headers.contains_key("transfer-encoding");
    if http1 && !chunked && length.is_none_or(|length| length == 0) {
        return Ok(None);
    }
    if length.is_some_and(|length| length > MAX_BODY as u64) {
        return Err(BodyFault::TooLarge);
    }
    let mut first = Bytes::new();
    let mut all: Vec<u8> = Vec::new();
    loop {
        let frame = match tokio::time::timeout(patience, body.frame()).await {
            Err(_) => return Err(BodyFault::TooSlow),
            Ok(None) => break,
            Ok(Some(Err(_))) => return Err(BodyFault::Broken),
            Ok(Some(Ok(frame))) => frame,
        };
        let Ok(piece) = frame.into_data() else {
            continue;
        };
        if first.len() + all.len() + piece.len() > MAX_BODY {
            return Err(BodyFault::TooLarge);
        }
        // Most bodies come in one piece, which is kept without a copy.
        if first.is_empty() && all.is_empty() {
            first = piece;
        } else {
            if all.is_empty() {
                all.extend_from_slice(&first);
                first = Bytes::new();
            }
            all.extend_from_slice(&piece);
        }
    }
    Ok(Some(match all.is_empty() {
        true => first,
        false => Bytes::from(all),
    }))
}

fn body_fault(fault: BodyFault, path: &str) -> Reply {
    let v10 = super::is_v10(path);
    match fault {
        BodyFault::TooLarge if path.starts_with("/schema/1") => schema::too_large(),
        BodyFault::TooLarge if v10 => {
            Reply::error(413, "request_size_exceeded", "Request entity is too large")
        }
        BodyFault::TooLarge => {
            Reply::legacy_error(413, "request too large", "Request entity is too large")
        }
        BodyFault::TooSlow => {
            Reply::json(408, "{\"error\":\"request timeout: Client timed out.\"}")
        }
        BodyFault::Broken => Reply::json(400, "{\"error\":\"bad request\"}"),
    }
}
