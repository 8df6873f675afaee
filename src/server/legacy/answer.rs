//! What is answered: the envelope, its status, and the headers of metrics (`spec http-api 9.3, 9.4`).

use super::pretty;
use crate::engine::{LegacyFailure, LegacyOutcome, Stats};
use crate::fql4::read::Json;
use crate::fql4::version::ApiVersion;
use crate::server::headers::Numeric;
use crate::server::pool::Refusal;
use crate::server::reply::Reply;
use crate::server::{Server, ping};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A deadline so short that no query can keep it: the query is not run (`spec http-api 5.7`).
const HOPELESS: Duration = Duration::from_millis(1);

/// What a request says beside its query.
pub(super) struct Context {
    /// The version of the interface.
    pub(super) version: ApiVersion,
    /// Times and retries.
    pub(super) numeric: Numeric,
    /// Its tags, as they are echoed.
    pub(super) tags: Option<String>,
    /// The answer is laid out for people.
    pub(super) for_people: bool,
    /// The size of the body.
    pub(super) bytes_in: usize,
    /// When it came.
    pub(super) started: Instant,
}

impl Context {
    /// The time that the query may take from now on.
    pub(super) fn timeout(&self) -> Option<Duration> {
        self.numeric
            .timeout
            .map(|timeout| timeout.saturating_sub(self.started.elapsed()))
    }

    /// Whether no query can be answered in time.
    pub(super) fn is_hopeless(&self) -> bool {
        self.numeric
            .timeout
            .is_some_and(|timeout| timeout <= HOPELESS)
    }

    /// The answer to a deadline that no query can keep, not sooner than the client's own patience ends.
    pub(super) async fn hasty(&self, server: &Server) -> Reply {
        tokio::time::sleep(Duration::from_millis(10)).await;
        self.timed_out(server)
    }

    fn timed_out(&self, server: &Server) -> Reply {
        let elapsed = self.started.elapsed().as_millis();
        match self.version {
            ApiVersion::Unstable => self.error(
                server,
                440,
                "processing time limit exceeded",
                &format!(
                    "Client set aggressive deadline: query needs 1000, timed out within {elapsed}"
                ),
            ),
            ApiVersion::V20
            | ApiVersion::V21
            | ApiVersion::V27
            | ApiVersion::V212
            | ApiVersion::V3
            | ApiVersion::V4
            | ApiVersion::V5 => self.error(server, 503, "time out", "Read timed out."),
        }
    }

    /// Nobody good asks.
    pub(super) fn unauthorized(&self, server: &Server) -> Reply {
        let reply = Reply::legacy_error(401, "unauthorized", "Unauthorized");
        self.tagged(
            reply
                .with("www-authenticate", "Basic realm=\"Unauthorized\"")
                .with("x-txn-time", server.now().0.to_string()),
        )
    }

    /// Work that was not done.
    pub(super) fn refused(&self, server: &Server, refusal: Refusal) -> Reply {
        match refusal {
            Refusal::Full => self.error(
                server,
                429,
                "too many requests",
                "Too many pending requests",
            ),
            Refusal::Panicked => Reply::legacy_error(
                500,
                "internal server error",
                "The server met a defect of its own while it answered. Please report it.",
            ),
        }
    }

    /// An error that is none of the query, with the metrics of doing nothing.
    pub(super) fn error(&self, server: &Server, status: u16, code: &str, text: &str) -> Reply {
        let reply = Reply::legacy_error(status, code, text);
        match status {
            500 => self.tagged(reply.with("x-txn-time", server.now().0.to_string())),
            _ => self.tagged(ping::legacy_metrics(reply, server)),
        }
    }

    /// An error about the query as a whole.
    pub(super) fn invalid(&self, server: &Server, code: &str, description: &str) -> Reply {
        let entry = json!({ "position": [], "code": code, "description": description });
        let body = self.laid_out(json!({ "errors": [entry] }).to_string());
        self.tagged(ping::legacy_metrics(Reply::json(400, body), server))
    }

    /// The answer to a query that was run.
    pub(super) fn render(&self, server: &Server, outcome: &LegacyOutcome) -> Reply {
        let body = match &outcome.result {
            Ok(value) => format!("{{\"resource\":{value}}}"),
            Err(LegacyFailure::Request(error)) if error.status == 401 => {
                return self.unauthorized(server);
            }
            Err(LegacyFailure::Request(error)) if error.code == "time_out" => {
                return self.timed_out(server);
            }
            Err(failure) => {
                let mut entries = failure.entries();
                if self.version < ApiVersion::V27 {
                    entries.iter_mut().for_each(in_old_words);
                }
                json!({ "errors": entries }).to_string()
            }
        };
        let body = self.laid_out(body);
        let bytes_out = body.len();
        let reply = Reply::json(outcome.status, body)
            .with("x-txn-time", outcome.txn_time.0.max(0).to_string());
        let reply = self.tagged(reply);
        match outcome.status {
            401 | 500 => reply,
            _ => self.metrics(reply, &outcome.stats, bytes_out),
        }
    }

    fn metrics(&self, reply: Reply, stats: &Stats, bytes_out: usize) -> Reply {
        let time = u64::try_from(stats.query_time.as_millis()).unwrap_or(u64::MAX);
        let headers = [
            ("x-compute-ops", stats.compute_ops.max(1)),
            ("x-byte-read-ops", stats.read_ops),
            ("x-byte-write-ops", stats.write_ops),
            // Clients assert that a query took some time.
            ("x-query-time", time.max(1)),
            ("x-query-bytes-in", self.bytes_in as u64),
            ("x-query-bytes-out", bytes_out as u64),
            ("x-storage-bytes-read", stats.storage_bytes_read),
            ("x-storage-bytes-write", stats.storage_bytes_write),
            ("x-txn-retries", u64::from(stats.contention_retries)),
        ];
        headers.into_iter().fold(reply, |reply, (name, value)| {
            reply.with(name, value.to_string())
        })
    }

    fn tagged(&self, reply: Reply) -> Reply {
        match &self.tags {
            Some(tags) => reply.with("x-fauna-tags", tags.clone()),
            None => reply,
        }
    }

    /// A body as it is sent: on request laid out for people.
    fn laid_out(&self, body: String) -> String {
        match self.for_people {
            true => match Json::parse(body.as_bytes()) {
                Ok(json) => pretty::text(&json),
                Err(_) => body,
            },
            false => body,
        }
    }
}

/// Before version 2.7 documents were instances, and collections classes.
fn in_old_words(entry: &mut Value) {
    let is_about_documents = entry["code"].as_str().is_some_and(|code| {
        matches!(
            code,
            "instance not found"
                | "instance already exists"
                | "instance not unique"
                | "validation failed"
        )
    });
    if let Some(Value::String(text)) = entry.get_mut("description").filter(|_| is_about_documents) {
        for (new, old) in [
            ("document ", "instance "),
            ("Document ", "Instance "),
            ("Collection ", "Class "),
        ] {
            if let Some(rest) = text.strip_prefix(new) {
                *text = format!("{old}{rest}");
            }
        }
    }
    for cause in entry
        .get_mut("cause")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        in_old_words(cause);
    }
}
