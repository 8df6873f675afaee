//! FQL v4 over HTTP: its routes and their order of checks (`spec http-api 9`). The language itself is not served
//! yet: a request that gets as far as running is told so.

use super::reply::Reply;
use super::{Incoming, Server, headers, legacy_stream, ping, refused};
use hyper::Method;
use std::sync::Arc;

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
const API_VERSIONS: [&str; 8] = ["2.0", "2.1", "2.7", "2.12", "3", "4", "5", "UNSTABLE"];

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
    let Some((names, methods)) = allowed(&request.path) else {
        return Reply::legacy_error(404, "not found", "Not Found");
    };
    if let Err(message) = checked_headers(request) {
        return Reply::legacy_error(400, "bad request", &message);
    }
    let timed = |reply: Reply| reply.with("x-txn-time", server.now().0.to_string());
    let unauthorized = || {
        timed(
            Reply::legacy_error(401, "unauthorized", "Unauthorized")
                .with("www-authenticate", "Basic realm=\"Unauthorized\""),
        )
    };
    server.introduce(request).await;
    let Some(session) = server.session(request) else {
        return unauthorized();
    };
    let following = session.clone();
    match server.pool.run(move |_| session.principal()).await {
        Err(refusal) => return refused(refusal),
        Ok(Err(error)) if error.status == 401 => return unauthorized(),
        Ok(Err(error)) => return Reply::legacy_error(error.status, error.code, &error.message),
        Ok(Ok(_)) => {}
    }
    if !methods.contains(&request.method) {
        return ping::legacy_metrics(Reply::method_not_allowed(names), server);
    }
    if request.path == "/stream" {
        return legacy_stream::answer(server, request, following).await;
    }
    let message = "This server does not run FQL v4 yet.";
    let reply = Reply::legacy_error(400, "feature not available", message);
    ping::legacy_metrics(reply, server)
}

fn checked_headers(request: &Incoming) -> Result<(), String> {
    let map = &request.headers;
    if let Some(version) = headers::text(map, "x-faunadb-api-version")
        && !API_VERSIONS.contains(&&*version)
    {
        return Err(format!(
            "Invalid header 'x-faunadb-api-version': Unsupported or invalid API version '{version}'."
        ));
    }
    headers::numeric(map, &headers::V4)?;
    headers::tags(map, "x-fauna-tags")?;
    Ok(())
}
