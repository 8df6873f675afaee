//! The paths of documents, `/classes/x/1`: an interface older than the language, which says the same as a query
//! (`spec http-api 9.6`).

use super::answer::Context;
use super::query;
use crate::engine::{LegacyFailure, LegacyRequest, Session};
use crate::fql4::error::{Code, Error};
use crate::fql4::place::Step;
use crate::fql4::read::{Json, native_by_name};
use crate::server::reply::Reply;
use crate::server::{Incoming, Server};
use hyper::Method;
use std::sync::Arc;

/// Elements of a page whose size is not given.
const PAGE: i64 = 64;

/// Answers a request for a path that exists, with a method that it has.
pub(super) async fn answer(
    server: &Arc<Server>,
    request: &Incoming,
    session: Session,
    context: Context,
) -> Reply {
    let query = match query_of(request) {
        Ok(query) => query,
        // Told only to those who may ask, as for every other query.
        Err(message) => {
            let limit = crate::fql4::eval::Limit::NONE;
            return query::run(server, session, context, Err(message), limit).await;
        }
    };
    let request = LegacyRequest {
        version: context.version,
        timeout: context.timeout(),
        max_contention_retries: context.numeric.retries,
        ..LegacyRequest::new(query)
    };
    let ran = server
        .pool
        .run(move |cancel| {
            session.query_legacy(&LegacyRequest {
                cancel: Some(cancel),
                ..request
            })
        })
        .await;
    match ran {
        Ok(outcome) => match &outcome.result {
            Err(LegacyFailure::Errors(errors)) if is_about_path(errors) => {
                context.error(server, 404, "not found", "Not Found")
            }
            _ => context.render(server, &outcome),
        },
        Err(refusal) => context.refused(server, refusal),
    }
}

/// Whether what the path names does not exist.
fn is_about_path(errors: &[Error]) -> bool {
    let verbs = ["get", "create", "replace", "update", "delete", "paginate"];
    errors.iter().any(|error| {
        let at_path = match error.position.as_slice() {
            [] => true,
            [Step::Key(key), ..] => verbs.contains(&&**key),
            _ => false,
        };
        let malformed =
            error.code == Code::InvalidExpression && error.description == "Invalid ref.";
        at_path && (error.code == Code::InvalidRef || malformed)
    })
}

/// The query that a request means; `Err` says what is wrong with its body.
fn query_of(request: &Incoming) -> Result<Json, String> {
    let path = request.path.trim_start_matches('/');
    let (path, events) = match path.strip_suffix("/events") {
        Some(path) => (path, true),
        None => (path, false),
    };
    let target = object([("@ref", Json::String(path.into()))]);
    if events || (request.method == Method::GET && native_by_name(path).is_some()) {
        return Ok(page(request, target, events));
    }
    let verb = match request.method {
        Method::POST => "create",
        Method::PUT => "replace",
        Method::PATCH => "update",
        Method::DELETE => return Ok(object([("delete", target)])),
        _ => return Ok(object([("get", target)])),
    };
    let params = match &request.body {
        None => object([]),
        Some(body) => Json::parse(body).map_err(|error| query::described(error).to_string())?,
    };
    let params = object([("quote", params)]);
    Ok(object([(verb, target), ("params", params)]))
}

fn page(request: &Incoming, target: Json, events: bool) -> Json {
    let size = request.parameter("size").and_then(|text| text.parse().ok());
    let mut query = vec![
        ("paginate", target),
        ("size", Json::Long(size.unwrap_or(PAGE))),
    ];
    for name in ["before", "after"] {
        if let Some(text) = request.parameter(name) {
            query.push((name, cursor(&text)));
        }
    }
    if events {
        query.push(("events", Json::Bool(true)));
    }
    object(query)
}

/// A cursor: JSON, a time, or the path of a reference.
fn cursor(text: &str) -> Json {
    match Json::parse(text.as_bytes()) {
        Ok(Json::Long(ts)) => object([("quote", object([("ts", Json::Long(ts))]))]),
        Ok(json) => object([("quote", json)]),
        Err(_) => object([("@ref", Json::String(text.into()))]),
    }
}

fn object<'k>(fields: impl IntoIterator<Item = (&'k str, Json)>) -> Json {
    Json::Object(
        fields
            .into_iter()
            .map(|(key, value)| (key.into(), value))
            .collect(),
    )
}
