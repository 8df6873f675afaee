//! What a front asks of a session.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// A query and how to run it.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The text; each template value stands in it as NUL followed by `value>`.
    pub text: String,
    /// The template values in order, in the tagged encoding.
    pub values: Vec<serde_json::Value>,
    /// Values that the query may use by name.
    pub arguments: Vec<(String, Argument)>,
    /// Check types; absent: as the database says.
    pub typecheck: Option<bool>,
    /// Report performance hints.
    pub performance_hints: bool,
    /// Give up after this long.
    pub timeout: Option<Duration>,
    /// How often to run again on contention; absent: 7 times.
    pub max_contention_retries: Option<u32>,
    /// Set by another thread to stop the query.
    pub cancel: Option<Arc<AtomicBool>>,
}

/// An argument of a query.
#[derive(Clone, Debug)]
pub enum Argument {
    /// Plain JSON: tags are not interpreted.
    Simple(serde_json::Value),
    /// The tagged encoding.
    Tagged(serde_json::Value),
    /// An FQL expression, evaluated in the same transaction before the query.
    Fql(String),
}

impl Request {
    /// A plain text.
    pub fn text(text: impl Into<String>) -> Request {
        Request {
            text: text.into(),
            ..Request::default()
        }
    }
}
