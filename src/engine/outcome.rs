//! What a session answers.

use crate::fql::interp::ConstraintFailure;
use crate::fql::syntax::Diagnostic;
use crate::store::TxnTime;
use crate::value::rendered::Rendered;
use std::time::Duration;

/// The answer to a [`super::Request`].
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The value, completed and ready to be rendered, or what went wrong.
    pub result: Result<Rendered, QueryError>,
    /// Diagnostics, logs and hints as text; empty if there are none.
    pub summary: String,
    /// What the summary is the text of, for fronts that show it in colours.
    pub diagnostics: Vec<Diagnostic>,
    /// The static type, when types were checked.
    pub static_type: Option<String>,
    /// The commit time, or the snapshot time of a query that wrote nothing.
    pub txn_time: TxnTime,
    /// Time of the last schema write, in microseconds.
    pub schema_version: i64,
    /// What the query used.
    pub stats: Stats,
}

/// Why a query failed.
#[derive(Clone, Debug)]
pub struct QueryError {
    /// The HTTP status: 400 for every query error.
    pub status: u16,
    /// `invalid_query`, `abort` ...
    pub code: &'static str,
    /// The message.
    pub message: String,
    /// Of a failed write.
    pub constraint_failures: Vec<ConstraintFailure>,
    /// The value given to `abort`.
    pub abort: Option<Rendered>,
    /// The request as a whole failed: the answer is code and message alone.
    pub protocol: bool,
}

/// What a query used (`spec fql10-data 8.2`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Calls, in fifties.
    pub compute_ops: u64,
    /// Reads of 4 KiB.
    pub read_ops: u64,
    /// Writes of 1 KiB.
    pub write_ops: u64,
    /// Wall time.
    pub query_time: Duration,
    /// Runs that met a concurrent change.
    pub contention_retries: u32,
    /// Bytes read.
    pub storage_bytes_read: u64,
    /// Bytes written.
    pub storage_bytes_write: u64,
}

impl Stats {
    /// Those of a query that failed, and so wrote nothing.
    pub(super) fn without_writes(self) -> Stats {
        Stats {
            write_ops: 0,
            storage_bytes_write: 0,
            ..self
        }
    }
}

impl QueryError {
    /// The constraint failures as the wire shows them: `[{"paths": [["a", 0]], "message": "..."}]`.
    pub fn constraint_failures_json(&self) -> serde_json::Value {
        use crate::value::PathPart;
        use serde_json::{Value, json};
        let part = |part: &PathPart| match part {
            PathPart::Field(name) => Value::from(&**name),
            PathPart::Index(i) => Value::from(*i),
        };
        let paths = |paths: &Vec<Vec<PathPart>>| -> Value {
            paths
                .iter()
                .map(|path| path.iter().map(part).collect::<Value>())
                .collect()
        };
        self.constraint_failures
            .iter()
            .map(|f| json!({"paths": paths(&f.paths), "message": f.message}))
            .collect()
    }
}
