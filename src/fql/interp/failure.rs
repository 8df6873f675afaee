//! Run-time failures: values with a code, a message, places and hints; rendered only at a front.

use crate::fql::syntax::{Diagnostic, Hint, Location, Severity};
use crate::model::ModelError;
pub use crate::model::schema::ConstraintFailure;
use crate::value::{PathPart, Value};

/// What an evaluation step yields.
pub type Result<T = Value> = std::result::Result<T, Failure>;

/// Why a query failed. Boxed: the common path carries a pointer only.
#[derive(Debug, Clone)]
pub struct Failure(pub Box<FailureKind>);

/// The two sorts of failure.
#[derive(Debug, Clone)]
pub enum FailureKind {
    /// The query is wrong or its data does not allow it: answered with a summary (`spec fql10-language 7.3`).
    Query(QueryFailure),
    /// The request as a whole fails: answered with code and message alone (`spec fql10-language 7.2`).
    Protocol(ProtocolFailure),
}

/// A query error.
#[derive(Debug, Clone)]
pub struct QueryFailure {
    /// `invalid_argument`, `abort` ...
    pub code: &'static str,
    /// The text of `error.message`.
    pub message: String,
    /// Of a failed write.
    pub constraint_failures: Vec<ConstraintFailure>,
    /// The value given to `abort`.
    pub abort: Option<Value>,
    /// The offending part, when it is smaller than the innermost frame.
    pub at: Option<Location>,
    /// Enclosing frames, innermost first; filled in where the failure meets the evaluator.
    pub trace: Option<Vec<Location>>,
    /// Hints shown under the error.
    pub hints: Vec<Hint>,
    /// Static failures: the diagnostics found, instead of `at` and `trace`.
    pub diagnostics: Vec<Diagnostic>,
}

/// A failure of the request.
#[derive(Debug, Clone)]
pub struct ProtocolFailure {
    /// HTTP status.
    pub status: u16,
    /// `invalid_request`, `contended_transaction`, `time_out` ...
    pub code: &'static str,
    /// The message.
    pub message: String,
}

impl Failure {
    /// A query error at the innermost frame.
    pub fn new(code: &'static str, message: impl Into<String>) -> Failure {
        Failure(Box::new(FailureKind::Query(QueryFailure {
            code,
            message: message.into(),
            constraint_failures: Vec::new(),
            abort: None,
            at: None,
            trace: None,
            hints: Vec::new(),
            diagnostics: Vec::new(),
        })))
    }

    /// A failure of the request as a whole.
    pub fn protocol(status: u16, code: &'static str, message: impl Into<String>) -> Failure {
        Failure(Box::new(FailureKind::Protocol(ProtocolFailure {
            status,
            code,
            message: message.into(),
        })))
    }

    /// Something was changed meanwhile: `Pot(1)`, `schema`, or more than one thing.
    pub fn contended(what: Option<&str>) -> Failure {
        let aborted = "Transaction was aborted due to detection of concurrent";
        let message = match what {
            Some(what) => format!("{aborted} modifications to {what}."),
            None => format!("{aborted} modification."),
        };
        Failure::protocol(409, "contended_transaction", message)
    }

    /// Static failures: parse, template value and type errors.
    pub fn invalid_query(diagnostics: Vec<Diagnostic>) -> Failure {
        let n = diagnostics
            .iter()
            .filter(|d| d.severity == Severity::Error)
            .count()
            .max(1);
        let plural = if n == 1 { "" } else { "s" };
        let mut failure = Failure::new(
            "invalid_query",
            format!("The query failed {n} validation check{plural}"),
        );
        if let FailureKind::Query(query) = &mut *failure.0 {
            query.diagnostics = diagnostics;
            query.trace = Some(Vec::new());
        }
        failure
    }

    /// ``invalid argument `name`: reason``
    pub fn invalid_argument(name: &str, reason: impl std::fmt::Display) -> Failure {
        Failure::new(
            "invalid_argument",
            format!("invalid argument `{name}`: {reason}"),
        )
    }

    /// ``expected value for `name` of type T, received U``
    pub fn argument_type(name: &str, expected: &str, received: &Value) -> Failure {
        let received = received.type_name();
        Failure::new(
            "invalid_argument",
            format!("expected value for `{name}` of type {expected}, received {received}"),
        )
    }

    /// `expected type: T, received U`
    pub fn type_mismatch(expected: &str, received: &Value) -> Failure {
        Failure::new(
            "type_mismatch",
            format!(
                "expected type: {expected}, received {}",
                received.type_name()
            ),
        )
    }

    /// `Insufficient privileges to perform the action.`
    pub fn permission_denied() -> Failure {
        Failure::new(
            "permission_denied",
            "Insufficient privileges to perform the action.",
        )
    }

    /// `Value too large: reason.`
    pub fn too_large(reason: impl std::fmt::Display) -> Failure {
        Failure::new("value_too_large", format!("Value too large: {reason}."))
    }

    /// The code.
    pub fn code(&self) -> &'static str {
        match &*self.0 {
            FailureKind::Query(f) => f.code,
            FailureKind::Protocol(f) => f.code,
        }
    }

    /// The message.
    pub fn message(&self) -> &str {
        match &*self.0 {
            FailureKind::Query(f) => &f.message,
            FailureKind::Protocol(f) => &f.message,
        }
    }

    /// Whether it is a query error, and not one of the request as a whole.
    pub fn is_query(&self) -> bool {
        matches!(&*self.0, FailureKind::Query(_))
    }

    /// The query error, if it is one.
    pub fn query_mut(&mut self) -> Option<&mut QueryFailure> {
        match &mut *self.0 {
            FailureKind::Query(f) => Some(f),
            FailureKind::Protocol(_) => None,
        }
    }

    /// The same, pointing at `location` first, unless it points somewhere already.
    pub fn at(mut self, location: Location) -> Failure {
        if let Some(f) = self.query_mut()
            && f.at.is_none()
            && f.trace.is_none()
        {
            f.at = Some(location);
        }
        self
    }

    /// The same with a hint.
    pub fn hint(mut self, message: impl Into<String>, location: Option<Location>) -> Failure {
        if let Some(f) = self.query_mut() {
            f.hints.push(Hint {
                severity: Severity::Hint,
                message: message.into(),
                location,
                suggestion: None,
            });
        }
        self
    }

    /// The same with the lines of a failed write.
    pub fn constraints(mut self, failures: Vec<ConstraintFailure>) -> Failure {
        if let Some(f) = self.query_mut() {
            f.constraint_failures = failures;
        }
        self
    }
}

impl QueryFailure {
    /// A run-time failure as shown: its place, its hints, its trace. Places outside of the query are for those only who
    /// see everything.
    pub fn diagnostic(&self, sees_all: bool) -> Diagnostic {
        let mut message = self.message.clone();
        if !self.constraint_failures.is_empty() {
            message.push_str("\nconstraint failures:");
            for constraint in &self.constraint_failures {
                let paths: Vec<String> = constraint.paths.iter().map(|p| path_text(p)).collect();
                let about = match &constraint.index {
                    Some(index) => index.to_string(),
                    None => paths.join(","),
                };
                let label = match about {
                    label if label.is_empty() => label,
                    label => format!("{label}: "),
                };
                let text = constraint.message.replace('\n', "\n      ");
                message.push_str(&format!("\n  {label}{text}"));
            }
        }
        let places = self.at.iter().chain(self.trace.iter().flatten());
        let shown: Vec<_> = match sees_all {
            true => places.filter(|l| !l.source.is_decoded()).collect(),
            false => places.filter(|l| l.source.is_query()).collect(),
        };
        let mut diagnostic = Diagnostic {
            severity: Severity::Error,
            message,
            location: shown.first().map(|l| (*l).clone()),
            annotation: None,
            hints: self.hints.clone(),
        };
        diagnostic
            .hints
            .extend(shown.iter().skip(1).map(|location| Hint {
                severity: Severity::Trace,
                message: String::new(),
                location: Some((*location).clone()),
                suggestion: None,
            }));
        diagnostic
    }
}

/// `a.b[0]`
pub fn path_text(path: &[PathPart]) -> String {
    let mut out = String::new();
    for part in path {
        match part {
            PathPart::Field(name) => {
                if !out.is_empty() {
                    out.push('.');
                }
                out.push_str(name);
            }
            PathPart::Index(i) => out.push_str(&format!("[{i}]")),
        }
    }
    out
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Failure {
        use crate::store::StoreError;
        match &error {
            ModelError::Store(StoreError::Contended { .. }) => Failure::contended(None),
            ModelError::NotStorable(_) => Failure::new("invalid_type", error.to_string()),
            ModelError::Store(_) | ModelError::Corrupt(_) => {
                Failure::protocol(500, "internal_error", error.to_string())
            }
            ModelError::VersionTooLarge(_)
            | ModelError::KeyTooLarge(_)
            | ModelError::TransactionTooLarge(_)
            | ModelError::BeforeHistory { .. } => {
                Failure::protocol(400, "invalid_request", error.to_string())
            }
        }
    }
}
