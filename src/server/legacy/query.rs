//! `POST /`, `GET /?q=` and `POST /linearized`: one query.

use super::answer::Context;
use crate::engine::{LegacyRequest, Session};
use crate::fql::interp::Effect;
use crate::fql4::eval::Limit;
use crate::fql4::read::{Json, JsonError};
use crate::server::reply::Reply;
use crate::server::{Incoming, Server};
use hyper::Method;
use hyper::body::Bytes;
use std::sync::Arc;

/// What a GET request may do.
const READS: Limit = Limit {
    effect: Effect::Read,
    reason: "get requests",
};

/// Answers a request.
pub(super) async fn answer(
    server: &Arc<Server>,
    request: &Incoming,
    session: Session,
    context: Context,
) -> Reply {
    let (text, limit) = match request.method {
        Method::GET => (request.parameter("q").map(Bytes::from), READS),
        _ => (request.body.clone(), Limit::NONE),
    };
    let query = match text {
        None => Err("No query provided.".to_string()),
        Some(text) => Json::parse(&text).map_err(|error| described(error).to_string()),
    };
    run(server, session, context, query, limit).await
}

/// Why a text is no query. That a body is empty is known only where there is none.
pub(super) fn described(error: JsonError) -> JsonError {
    match error {
        JsonError::Empty => JsonError::Invalid,
        JsonError::Invalid | JsonError::TooDeep => error,
    }
}

/// Runs a query, or says why there is none, to whoever may ask.
pub(super) async fn run(
    server: &Arc<Server>,
    session: Session,
    context: Context,
    query: Result<Json, String>,
    limit: Limit,
) -> Reply {
    match query {
        Ok(query) => {
            let request = LegacyRequest {
                version: context.version,
                limit,
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
                Ok(outcome) => context.render(server, &outcome),
                Err(refusal) => context.refused(server, refusal),
            }
        }
        Err(message) => match server.pool.run(move |_| session.principal()).await {
            Err(refusal) => context.refused(server, refusal),
            Ok(Err(error)) if error.status == 401 => context.unauthorized(server),
            Ok(Err(error)) => context.error(server, error.status, error.code, &error.message),
            Ok(Ok(_)) => context.invalid(server, "invalid expression", &message),
        },
    }
}
