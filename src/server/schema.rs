//! `/schema/1`: schema files over HTTP (`spec http-api 8.1`): authentication, then routes. What the routes do is not
//! served yet: they answer so.

use super::reply::Reply;
use super::{Incoming, Server, refused};
use crate::access::Permissions;
use hyper::Method;
use serde_json::json;
use std::sync::Arc;

fn error(status: u16, message: &str) -> Reply {
    Reply::json(status, json!({"error": {"message": message}}).to_string())
}

fn unauthorized() -> Reply {
    error(401, "Access token required").with("www-authenticate", "Bearer")
}

/// The methods of a route; `None` if there is no such route.
fn allowed(path: &str) -> Option<&'static [Method]> {
    const GET: &[Method] = &[Method::GET];
    const POST: &[Method] = &[Method::POST];
    const ITEM: &[Method] = &[Method::GET, Method::POST, Method::DELETE];
    let segments: Vec<&str> = path.strip_prefix("/schema/1/")?.split('/').collect();
    let kind = |kind: &str| {
        matches!(
            kind,
            "collections" | "functions" | "roles" | "access_providers"
        )
    };
    match segments.as_slice() {
        ["files" | "status"] | ["files", _] | ["staged", "status"] => Some(GET),
        ["update" | "diff" | "validate" | "commit" | "abandon"]
        | ["staged", "commit" | "abandon"] => Some(POST),
        ["items", items] if kind(items) => Some(POST),
        ["items", items, _] if kind(items) => Some(ITEM),
        _ => None,
    }
}

/// Answers a request.
pub async fn answer(server: &Arc<Server>, request: &Incoming) -> Reply {
    server.introduce(request).await;
    let Some(session) = server.session(request) else {
        return unauthorized();
    };
    let principal = match server.pool.run(move |_| session.principal()).await {
        Err(refusal) => return refused(refusal),
        Ok(Err(failed)) if failed.status == 401 => return unauthorized(),
        Ok(Err(failed)) => return error(failed.status, &failed.message),
        Ok(Ok(principal)) => principal,
    };
    match principal.permissions {
        Permissions::Admin | Permissions::Server => {}
        Permissions::ServerReadOnly
        | Permissions::Client
        | Permissions::Predicate
        | Permissions::Roles(_) => return error(403, "Access denied"),
    }
    match allowed(&request.path) {
        None => error(404, "Not found"),
        Some(methods) if !methods.contains(&request.method) => error(405, "Method not allowed"),
        Some(_) => error(501, "This server does not serve schema files yet."),
    }
}
