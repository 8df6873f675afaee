//! `/schema/1`: schema files over HTTP (`spec schema-fsl 12`).
//!
//! What is wrong is told in this order: a body that cannot be read, the secret, the right to read, the route and its
//! methods, and then what the engine finds.

mod call;
mod multipart;

use super::reply::Reply;
use super::{Incoming, Server, refused};
use crate::access::Permissions;
use crate::engine::schema_files::{
    ItemBody, SchemaAnswer, SchemaBody, SchemaRefusal, SchemaRequest,
};
use crate::value::format::Format;
use call::{Route, route};
use serde_json::json;
use std::sync::Arc;

fn error(status: u16, message: &str) -> Reply {
    Reply::json(status, json!({"error": {"message": message}}).to_string())
}

fn unauthorized() -> Reply {
    error(401, "Access token required").with("www-authenticate", "Bearer")
}

/// What is answered to a body that is too large.
pub fn too_large() -> Reply {
    error(413, "Request entity is too large")
}

/// Answers a request.
pub async fn answer(server: &Arc<Server>, request: &Incoming) -> Reply {
    let files = match call::files(request) {
        Ok(files) => files,
        Err(message) => return error(400, &message),
    };
    server.introduce(request).await;
    let Some(session) = server.session(request) else {
        return unauthorized();
    };
    let asking = session.clone();
    let principal = match server.pool.run(move |_| asking.principal()).await {
        Err(refusal) => return refused(refusal),
        Ok(Err(failed)) if failed.status == 401 => return unauthorized(),
        Ok(Err(failed)) => return error(failed.status, &failed.message),
        Ok(Ok(principal)) => principal,
    };
    match principal.permissions {
        Permissions::Admin | Permissions::Server | Permissions::ServerReadOnly => {}
        Permissions::Client | Permissions::Predicate | Permissions::Roles(_) => {
            return error(403, "Access denied");
        }
    }
    let call = match route(request, files) {
        Route::None => return error(404, "Not found"),
        Route::Method => return error(405, "Method not allowed"),
        Route::Call(call) => call,
    };
    let asked = SchemaRequest {
        call,
        version: request
            .parameter("version")
            .and_then(|version| version.parse().ok()),
        force: request.parameter("force").as_deref() == Some("true"),
    };
    match server.pool.run(move |_| session.schema(&asked)).await {
        Err(refusal) => refused(refusal),
        Ok(Ok(answer)) => told(&answer),
        Ok(Err(refusal @ SchemaRefusal::Failed(401, _))) => {
            tracing::debug!(message = refusal.message(), "refused");
            unauthorized()
        }
        Ok(Err(refusal)) => error(refusal.status(), refusal.message()),
    }
}

/// An answer as JSON, the version first.
fn told(answer: &SchemaAnswer) -> Reply {
    let version = answer.version;
    let text = |text: &str| json!(text).to_string();
    let rest = match &answer.body {
        SchemaBody::Done => String::new(),
        SchemaBody::Files(names) => {
            let files: Vec<_> = names.iter().map(|name| json!({"filename": name})).collect();
            format!(",\"files\":{}", json!(files))
        }
        SchemaBody::Content(content) => format!(",\"content\":{}", text(content)),
        SchemaBody::Diff(diff) => format!(",\"diff\":{}", text(diff)),
        SchemaBody::Status { status, details } => {
            let details = details.as_ref().map(|(summary, diff)| {
                format!(
                    ",\"pending_summary\":{},\"diff\":{}",
                    text(summary),
                    text(diff)
                )
            });
            format!(
                ",\"status\":{}{}",
                text(status),
                details.unwrap_or_default()
            )
        }
        SchemaBody::Item(item) => {
            let ItemBody {
                filename,
                span: (start, end),
                content,
                definition,
            } = &**item;
            format!(
                ",\"filename\":{},\"span\":{{\"start\":{start},\"end\":{end}}},\"content\":{},\"definition\":{}",
                text(filename),
                text(content),
                definition.to_text(Format::Simple),
            )
        }
    };
    Reply::json(200, format!("{{\"version\":{version}{rest}}}"))
}
