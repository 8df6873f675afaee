//! `POST /query/1`: one FQL v10 query (`spec http-api 5`).

use super::reply::Reply;
use super::template::decode_body;
use super::{Incoming, Server, headers};
use crate::engine::{Outcome, QueryError};
use crate::value::format::Format;
use crate::value::format::json::write_string;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// A deadline so short that no query can keep it: the query is not run (`spec http-api 5.7`).
const HOPELESS: Duration = Duration::from_millis(1);
/// Failures within this time are the client's haste, later ones ours.
const HASTE: Duration = Duration::from_secs(1);

/// What `/query/1` answers when nobody good asks.
pub fn unauthorized(tags: Option<&str>) -> Reply {
    Reply::tagged_error(401, "unauthorized", "Access token required", tags)
        .with("www-authenticate", "Bearer")
}

/// Answers a request.
pub async fn answer(server: &Arc<Server>, request: Incoming) -> Reply {
    let started = Instant::now();
    match prepare(server, &request, started).await {
        Ok(reply) | Err(reply) => reply,
    }
}

async fn prepare(
    server: &Arc<Server>,
    request: &Incoming,
    started: Instant,
) -> Result<Reply, Reply> {
    let map = &request.headers;
    let bad = |message: String| Reply::invalid_request(&message);
    let numeric = headers::numeric(map, &headers::V10).map_err(bad)?;
    let tags = headers::tags(map, "x-query-tags").map_err(bad)?;
    let format = headers::format(map).map_err(bad)?;
    let typecheck = headers::boolean(map, "x-typecheck").map_err(bad)?;
    headers::boolean(map, "x-linearized").map_err(bad)?;
    let performance_hints = headers::boolean(map, "x-performance-hints").map_err(bad)?;
    let session = server.session(request);
    let Some(body) = request.body.clone() else {
        return Err(Reply::invalid_request("No request body provided"));
    };
    if numeric.timeout.is_some_and(|timeout| timeout <= HOPELESS) {
        decode_body(&body, format).map_err(bad)?;
        return Err(super::hasty(started).await);
    }
    server.introduce(request).await;
    if let Some(seen) = numeric.last_txn {
        server.wait_until(seen).await;
    }
    let answered = server
        .pool
        .run(move |cancel| {
            let mut query = decode_body(&body, format).map_err(|m| Reply::invalid_request(&m))?;
            query.typecheck = typecheck;
            query.performance_hints = performance_hints.unwrap_or(false);
            query.timeout = numeric.timeout.map(|t| t.saturating_sub(started.elapsed()));
            query.max_contention_retries = numeric.retries;
            if cancel.load(Ordering::Relaxed) {
                return Err(Reply::empty(499));
            }
            query.cancel = Some(cancel);
            let Some(session) = session else {
                return Err(unauthorized(tags.as_deref()));
            };
            let outcome = session.query(&query);
            Ok(render(&outcome, format, tags.as_deref(), started))
        })
        .await;
    match answered {
        Ok(reply) => reply,
        Err(refusal) => Err(super::refused(refusal)),
    }
}

/// The answer to a query that was run.
pub fn render(outcome: &Outcome, format: Format, tags: Option<&str>, started: Instant) -> Reply {
    let mut out = String::with_capacity(512);
    let status = match &outcome.result {
        Ok(data) => {
            out.push_str("{\"data\":");
            data.write_json(format, &mut out);
            if let Some(static_type) = &outcome.static_type {
                out.push_str(",\"static_type\":");
                write_string(&mut out, static_type);
            }
            200
        }
        Err(error) if error.protocol => return protocol_error(error, tags, started),
        Err(error) => {
            out.push_str("{\"error\":");
            write_error(&mut out, error, format);
            error.status
        }
    };
    out.push_str(",\"summary\":");
    write_string(&mut out, &outcome.summary);
    let stats = &outcome.stats;
    let _ = write!(
        out,
        ",\"txn_ts\":{},\"stats\":{{\"compute_ops\":{},\"read_ops\":{},\"write_ops\":{},\"query_time_ms\":{},\"contention_retries\":{},\
         \"storage_bytes_read\":{},\"storage_bytes_write\":{},\"rate_limits_hit\":[]}}",
        outcome.txn_time.0,
        stats.compute_ops.max(1),
        stats.read_ops,
        stats.write_ops,
        // Clients assert that a query took some time.
        stats.query_time.as_millis().max(1),
        stats.contention_retries,
        stats.storage_bytes_read,
        stats.storage_bytes_write,
    );
    if let Some(tags) = tags {
        out.push_str(",\"query_tags\":");
        write_string(&mut out, tags);
    }
    let _ = write!(out, ",\"schema_version\":{}}}", outcome.schema_version);
    Reply::json(status, out)
}

/// The error object of a query failure.
pub fn write_error(out: &mut String, error: &QueryError, format: Format) {
    out.push_str("{\"code\":");
    write_string(out, error.code);
    out.push_str(",\"message\":");
    write_string(out, &error.message);
    if !error.constraint_failures.is_empty() {
        let _ = write!(
            out,
            ",\"constraint_failures\":{}",
            error.constraint_failures_json()
        );
    }
    if let Some(abort) = &error.abort {
        out.push_str(",\"abort\":");
        abort.write_json(format, out);
    }
    out.push('}');
}

fn protocol_error(error: &QueryError, tags: Option<&str>, started: Instant) -> Reply {
    match (error.status, error.code) {
        (401, _) => unauthorized(tags),
        (_, "time_out") => timed_out(started.elapsed()),
        // Of the malformed requests, only bad arguments are found when the tags count already.
        (400, _) if error.message.starts_with("Invalid argument") => {
            Reply::tagged_error(400, error.code, &error.message, tags)
        }
        (status, code) => Reply::error(status, code, &error.message),
    }
}

/// The answer to a query whose time is up.
pub fn timed_out(elapsed: Duration) -> Reply {
    match elapsed < HASTE {
        true => {
            let elapsed = elapsed.as_millis();
            let message = format!(
                "Client set aggressive deadline: query needs 1000, timed out within {elapsed}"
            );
            Reply::error(440, "time_out", &message)
        }
        false => Reply::error(503, "time_out", "Read timed out"),
    }
}
