//! `/environment/1`: names and types, for editors (`spec http-api 8`). Its errors stand bare.

use super::reply::Reply;
use super::{Incoming, Server, refused};
use crate::access::Permissions;
use serde_json::json;
use std::sync::Arc;

fn error(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(
        status,
        json!({"code": code, "message": message}).to_string(),
    )
}

fn unauthorized() -> Reply {
    let message = "Invalid token, unable to authenticate request";
    error(401, "unauthorized", message)
}

/// Answers a request.
pub async fn answer(server: &Arc<Server>, request: &Incoming) -> Reply {
    server.introduce(request).await;
    let Some(session) = server.session(request) else {
        return unauthorized();
    };
    let answered = server.pool.run(move |_| {
        let principal = match session.principal() {
            Ok(principal) => principal,
            Err(failed) if failed.status == 401 => return unauthorized(),
            Err(failed) => return error(failed.status, failed.code, &failed.message),
        };
        match principal.permissions {
            Permissions::Admin | Permissions::Server => {}
            Permissions::ServerReadOnly
            | Permissions::Client
            | Permissions::Predicate
            | Permissions::Roles(_) => {
                let message = "A valid admin/server key must be provided to use this endpoint";
                return error(403, "forbidden", message);
            }
        }
        match session.environment() {
            Ok((version, environment)) => {
                let body = json!({"schema_version": version, "environment": environment});
                Reply::json(200, body.to_string())
            }
            Err(failed) => error(failed.status, failed.code, &failed.message),
        }
    });
    answered.await.unwrap_or_else(refused)
}
