//! FQL v4 over HTTP (`spec http-api 9`).
//!
//! ```text
//! mod: which route, which methods, headers, authority ─▶ query: POST /, GET /?q=, /linearized
//!                                                     ─▶ rest: the paths of documents, older than the language
//!                                                     ─▶ stream: POST /stream
//!                                                     ─▶ answer: envelope, headers of metrics, layout for people
//! ```
//!
//! The order in which faults are reported: unknown path, headers, authority, method, query.

mod answer;
mod pretty;
mod query;
mod rest;
mod stream;

use super::reply::Reply;
use super::{Incoming, Server, headers, ping};
use crate::fql4::version::ApiVersion;
use answer::Context;
use hyper::Method;
use std::sync::Arc;
use std::time::Instant;

/// First segments of the paths of documents.
const COLLECTIONS: [&str; 10] = [
    "databases",
    "classes",
    "collections",
    "indexes",
    "functions",
    "roles",
    "access_providers",
    "keys",
    "tokens",
    "credentials",
];
/// The methods a path knows; `None` if it is no path of ours.
fn allowed(path: &str) -> Option<(&'static str, &'static [Method])> {
    const READ_OR_RUN: &[Method] = &[Method::GET, Method::POST];
    const RUN: &[Method] = &[Method::POST];
    const READ: &[Method] = &[Method::GET];
    const INSTANCE: &[Method] = &[
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
    ];
    let instance = ("GET, POST, PUT, PATCH, DELETE", INSTANCE);
    let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
    Some(match segments.as_slice() {
        [""] => ("GET, POST", READ_OR_RUN),
        ["linearized" | "stream"] => ("POST", RUN),
        [first, rest @ ..] if COLLECTIONS.contains(first) => {
            if rest.iter().any(|segment| segment.is_empty()) {
                return None;
            }
            let documents = matches!(*first, "classes" | "collections") && rest.len() == 1;
            match rest {
                [] => ("GET, POST", READ_OR_RUN),
                [.., "events"] => ("GET", READ),
                _ if documents => instance,
                [_] | [_, _] => instance,
                _ => return None,
            }
        }
        _ => return None,
    })
}

/// Answers a request.
pub async fn answer(server: &Arc<Server>, request: &Incoming) -> Reply {
    let started = Instant::now();
    let Some((names, methods)) = allowed(&request.path) else {
        return Reply::legacy_error(404, "not found", "Not Found");
    };
    let context = match context(request, started) {
        Ok(context) => context,
        Err(message) => return Reply::legacy_error(400, "bad request", &message),
    };
    server.introduce(request).await;
    let Some(session) = server.session(request) else {
        return context.unauthorized(server);
    };
    if request.path == "/stream" || !methods.contains(&request.method) {
        let known = {
            let session = session.clone();
            server.pool.run(move |_| session.principal()).await
        };
        match known {
            Err(refusal) => return context.refused(server, refusal),
            Ok(Err(error)) if error.status == 401 => return context.unauthorized(server),
            Ok(Err(error)) => {
                return Reply::legacy_error(error.status, error.code, &error.message);
            }
            Ok(Ok(_)) => {}
        }
        if !methods.contains(&request.method) {
            return ping::legacy_metrics(Reply::method_not_allowed(names), server);
        }
    }
    if context.is_hopeless() {
        return context.hasty(server).await;
    }
    if let Some(seen) = context.numeric.last_txn {
        server.wait_until(seen).await;
    }
    match request.path.as_str() {
        "/" | "/linearized" => query::answer(server, request, session, context).await,
        "/stream" => stream::answer(server, request, session, context).await,
        _ => rest::answer(server, request, session, context).await,
    }
}

/// What the headers say; `Err` describes the first that is wrong.
fn context(request: &Incoming, started: Instant) -> Result<Context, String> {
    let map = &request.headers;
    let version = match headers::text(map, "x-faunadb-api-version") {
        None => ApiVersion::V21,
        Some(text) => ApiVersion::parse(&text).ok_or_else(|| {
            format!(
                "Invalid header 'x-faunadb-api-version': Unsupported or invalid API version '{text}'."
            )
        })?,
    };
    let numeric = headers::numeric(map, &headers::V4)?;
    let tags = headers::tags(map, "x-fauna-tags")?;
    let agent = headers::text(map, "user-agent").unwrap_or_default();
    let for_people = map.contains_key("x-faunadb-formatted-json")
        || agent.contains("curl")
        || agent.contains("HTTPie");
    Ok(Context {
        version,
        numeric,
        tags,
        for_people,
        bytes_in: request.body.as_ref().map_or(0, |body| body.len()),
        started,
    })
}
