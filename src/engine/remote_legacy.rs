//! Queries of FQL v4 in another process: `POST /` (`spec http-api 9`).

use super::remote::{Asked, Remote, headers_of};
use super::remote_http::{Answer, Exchange};
use super::{LegacyFailure, LegacyOutcome, LegacyRequest, Request, Session, Stats};
use crate::store::TxnTime;
use serde_json::{Value as Json, json};
use std::time::{Duration, Instant};

impl Remote {
    /// Runs a query there, or here if the file was free to take.
    pub(super) fn query_legacy(&self, session: &Session, request: &LegacyRequest) -> LegacyOutcome {
        let started = Instant::now();
        let mut headers = headers_of(session, &Request::default());
        headers.push(("x-faunadb-api-version", request.version.text().to_string()));
        if let Some(timeout) = request.timeout {
            let ms = timeout.as_millis().clamp(1, 600_000);
            headers.push(("x-query-timeout", ms.to_string()));
        }
        if let Some(retries) = request.max_contention_retries {
            headers.push(("x-max-retries-on-contention", retries.min(7).to_string()));
        }
        let asked = self.ask(
            session,
            &Exchange {
                method: "POST",
                path: "/",
                headers: &headers,
                body: &request.query.text(),
                cancel: request.cancel.as_deref(),
            },
        );
        let mut outcome = match asked {
            Asked::Answered(answer) => outcome_of(&answer),
            Asked::Here(engine) => return session.on_engine(engine).query_legacy(request),
            Asked::Failed(code, message) => {
                failed(503, json!([{"code": code, "description": message}]))
            }
        };
        outcome.stats.query_time = started.elapsed();
        outcome
    }
}

/// An answer as an outcome.
fn outcome_of(answer: &Answer) -> LegacyOutcome {
    let number = |name: &str| -> u64 {
        let found = answer.headers.iter().find(|(known, _)| known == name);
        found.and_then(|(_, value)| value.parse().ok()).unwrap_or(0)
    };
    let body = std::str::from_utf8(&answer.body).unwrap_or_default();
    // The value is kept as it was written, doubles and all.
    let value = body
        .trim()
        .strip_prefix("{\"resource\":")
        .and_then(|rest| rest.strip_suffix('}'));
    let mut outcome = match value.filter(|_| answer.status < 300) {
        Some(value) => LegacyOutcome {
            result: Ok(value.to_string()),
            status: answer.status,
            txn_time: TxnTime(0),
            stats: Stats::default(),
        },
        None => match serde_json::from_str::<Json>(body) {
            Ok(Json::Object(mut body)) if answer.status < 300 => LegacyOutcome {
                result: Ok(body.remove("resource").unwrap_or_default().to_string()),
                status: answer.status,
                txn_time: TxnTime(0),
                stats: Stats::default(),
            },
            Ok(body) => failed(answer.status, body["errors"].clone()),
            Err(_) => failed(answer.status, Json::Null),
        },
    };
    outcome.txn_time = TxnTime(i64::try_from(number("x-txn-time")).unwrap_or(0));
    outcome.stats = Stats {
        compute_ops: number("x-compute-ops"),
        read_ops: number("x-byte-read-ops"),
        write_ops: number("x-byte-write-ops"),
        query_time: Duration::ZERO,
        contention_retries: u32::try_from(number("x-txn-retries")).unwrap_or(0),
        storage_bytes_read: number("x-storage-bytes-read"),
        storage_bytes_write: number("x-storage-bytes-write"),
    };
    outcome
}

fn failed(status: u16, errors: Json) -> LegacyOutcome {
    let entries = match errors {
        Json::Array(entries) if !entries.is_empty() => entries,
        _ => vec![json!({
            "code": "network_error",
            "description": format!("the server answered with status {status} and no errors"),
        })],
    };
    LegacyOutcome {
        result: Err(LegacyFailure::Told(entries)),
        status,
        txn_time: TxnTime(0),
        stats: Stats::default(),
    }
}
