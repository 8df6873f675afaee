//! What goes wrong in a query (`spec fql4 2`).
//!
//! An [`Error`] is one entry of the answer: its position, code and text, the failures of a validation, the errors of a
//! function that was called. Evaluation stops with a [`Stop`]: with errors, of which there may be several, or with a
//! failure of the request as a whole (contention, time out, the store), which goes through untouched.

use super::place::{Place, Step};
use super::version::ApiVersion;
use crate::fql::interp::Failure;
use crate::model::ModelError;
use crate::value::Str;

/// What a step of evaluation yields.
pub type Result<T = super::Value> = std::result::Result<T, Stop>;

/// Why evaluation stopped.
#[derive(Clone, Debug)]
pub enum Stop {
    /// Errors of the query; at least one.
    Errors(Vec<Error>),
    /// A failure of the request.
    Failure(Failure),
}

/// One entry of `errors`.
#[derive(Clone, Debug, PartialEq)]
pub struct Error {
    /// Where in the query; absent from the answer if the error is not of the query.
    pub position: Vec<Step>,
    /// Which sort.
    pub code: Code,
    /// The text.
    pub description: String,
    /// What is wrong with written data; only of [`Code::ValidationFailed`].
    pub failures: Vec<FieldFailure>,
    /// What went wrong in a function; only of [`Code::CallError`].
    pub cause: Vec<Error>,
}

/// One entry of `failures`.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldFailure {
    /// The path of the field; array indexes as texts.
    pub field: Vec<Str>,
    /// `value required`, `invalid type` ...
    pub code: &'static str,
    /// The text.
    pub description: String,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $status:literal;)*) => {
        /// The sorts of errors.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// The code as the answer shows it.
            pub fn text(self) -> &'static str {
                match self { $(Code::$name => $text,)* }
            }

            /// The HTTP status of an answer with this error alone.
            pub fn status(self) -> u16 {
                match self { $(Code::$name => $status,)* }
            }
        }
    };
}

codes! {
    /// The query itself is wrong.
    InvalidExpression = "invalid expression", 400;
    /// An argument is wrong.
    InvalidArgument = "invalid argument", 400;
    /// A name that nothing has.
    InvalidRef = "invalid ref", 400;
    /// `Abort`.
    TransactionAborted = "transaction aborted", 400;
    /// A called function failed.
    CallError = "call error", 400;
    /// Too many calls within calls.
    StackOverflow = "stack overflow", 400;
    /// A write at another time than now.
    InvalidWriteTime = "invalid write time", 400;
    /// Nobody is logged in.
    MissingIdentity = "missing identity", 400;
    /// No token to be seen.
    InvalidToken = "invalid token", 400;
    /// A wrong database.
    InvalidScope = "invalid scope", 400;
    /// A wrong password.
    AuthenticationFailed = "authentication failed", 400;
    /// It is there already.
    InstanceAlreadyExists = "instance already exists", 400;
    /// A unique index has it already.
    InstanceNotUnique = "instance not unique", 400;
    /// Written data is not valid.
    ValidationFailed = "validation failed", 400;
    /// Written data does not fit a definition of FQL v10.
    SchemaValidationFailed = "schema validation failed", 400;
    /// Written data does not pass a check.
    CheckConstraintFailure = "check constraint failure", 400;
    /// A database cannot go there.
    MoveDatabase = "move database error", 400;
    /// Not in a container.
    InvalidObjectInContainer = "invalid object in container", 400;
    /// Not available here.
    FeatureNotAvailable = "feature not available", 400;
    /// A wrong parameter of an address.
    InvalidUrlParameter = "invalid url parameter", 400;
    /// A write that is too large.
    BadRequest = "bad request", 400;
    /// Nothing at a path.
    ValueNotFound = "value not found", 404;
    /// No such document, set or definition.
    InstanceNotFound = "instance not found", 404;
    /// An index that is not built yet, a secret that is nobody's.
    Unusable = "instance not found", 400;
    /// No such schema, at the endpoints of old.
    SchemaNotFound = "schema not found", 404;
    /// Not allowed.
    PermissionDenied = "permission denied", 403;
}

impl Error {
    /// An error at a place.
    pub fn new(code: Code, place: &Place, description: impl Into<String>) -> Error {
        Error {
            position: place.steps(),
            code,
            description: description.into(),
            failures: Vec::new(),
            cause: Vec::new(),
        }
    }

    /// `invalid expression`
    pub fn expression(place: &Place, description: impl Into<String>) -> Error {
        Error::new(Code::InvalidExpression, place, description)
    }

    /// `invalid argument`
    pub fn argument(place: &Place, description: impl Into<String>) -> Error {
        Error::new(Code::InvalidArgument, place, description)
    }

    /// `validation failed`: `document data is not valid.`
    pub fn validation(place: &Place, failures: Vec<FieldFailure>) -> Error {
        Error {
            failures,
            ..Error::new(Code::ValidationFailed, place, "document data is not valid.")
        }
    }

    /// `permission denied`
    pub fn permission_denied(place: &Place) -> Error {
        Error::new(
            Code::PermissionDenied,
            place,
            "Insufficient privileges to perform the action.",
        )
    }

    /// `instance not found`: `Document not found.` and its like; `what` begins with a capital.
    pub fn not_found(place: &Place, what: &str) -> Error {
        Error::new(Code::InstanceNotFound, place, format!("{what} not found."))
    }

    /// `Non-empty array expected.`
    pub fn empty_array(place: &Place) -> Error {
        Error::argument(place, "Non-empty array expected.")
    }

    /// `stack overflow`
    pub fn stack_overflow(place: &Place) -> Error {
        Error::new(
            Code::StackOverflow,
            place,
            "Call stack reached the maximum limit of 200.",
        )
    }

    /// The same in the words of a version: collections and documents were classes and instances once.
    pub fn in_words_of(mut self, version: ApiVersion) -> Error {
        const CHANGED: [(&str, &str); 10] = [
            (
                "Ref refers to undefined collection ",
                "Ref refers to undefined class ",
            ),
            ("Valid native collection name", "Valid native class name"),
            (
                "Cannot create a schema meta collection",
                "Cannot create a schema meta class",
            ),
            (
                "Cannot update a schema meta collection",
                "Cannot update a schema meta class",
            ),
            (
                "Cannot delete a schema meta collection",
                "Cannot delete a schema meta class",
            ),
            (
                "The document was not found or ",
                "The instance was not found or ",
            ),
            ("Collection ", "Class "),
            ("Document ", "Instance "),
            ("document data is not valid.", "instance data is not valid."),
            ("document is not unique.", "instance is not unique."),
        ];
        if version >= ApiVersion::V27 {
            return self;
        }
        // What a query aborts with is its own text, and kinds of values kept their names.
        let is_fixed =
            self.code != Code::TransactionAborted && !self.description.contains(" Ref expected, ");
        for (now, then) in CHANGED {
            if is_fixed && let Some(rest) = self.description.strip_prefix(now) {
                self.description = format!("{then}{rest}");
                break;
            }
        }
        let cause = std::mem::take(&mut self.cause);
        self.cause = cause
            .into_iter()
            .map(|error| error.in_words_of(version))
            .collect();
        self
    }

    /// The entry as the answer shows it.
    pub fn json(&self) -> serde_json::Value {
        let mut entry = serde_json::Map::new();
        let position: Vec<serde_json::Value> = self
            .position
            .iter()
            .map(|step| match step {
                Step::Key(key) => serde_json::Value::from(&**key),
                Step::Index(index) => serde_json::Value::from(*index),
            })
            .collect();
        entry.insert("position".into(), position.into());
        entry.insert("code".into(), self.code.text().into());
        entry.insert("description".into(), self.description.as_str().into());
        if !self.failures.is_empty() {
            let failures: Vec<serde_json::Value> = self
                .failures
                .iter()
                .map(|failure| {
                    let field: Vec<&str> = failure.field.iter().map(|part| &**part).collect();
                    serde_json::json!({
                        "field": field,
                        "code": failure.code,
                        "description": failure.description,
                    })
                })
                .collect();
            entry.insert("failures".into(), failures.into());
        }
        if !self.cause.is_empty() {
            let cause: Vec<serde_json::Value> = self.cause.iter().map(Error::json).collect();
            entry.insert("cause".into(), cause.into());
        }
        entry.into()
    }
}

/// The HTTP status of an answer with these errors: what is wrong with the query outranks what is not allowed, and that
/// outranks the rest (`spec fql4 2`).
pub fn status(errors: &[Error]) -> u16 {
    let rank = |code: Code| match code {
        Code::InvalidExpression => 3,
        Code::SchemaNotFound => 3,
        Code::InvalidArgument => 2,
        Code::PermissionDenied => 1,
        _ => 0,
    };
    let mut first: Option<Code> = None;
    for error in errors {
        if first.is_none_or(|code| rank(error.code) > rank(code)) {
            first = Some(error.code);
        }
    }
    first.map_or(500, Code::status)
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Errors(vec![error])
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Stop {
        Stop::Failure(failure)
    }
}

impl From<ModelError> for Stop {
    fn from(error: ModelError) -> Stop {
        Stop::Failure(error.into())
    }
}

/// Collects the errors of what stands side by side: arguments, elements, fields. A failure of the request wins over
/// errors.
#[derive(Debug, Default)]
pub struct Collected {
    errors: Vec<Error>,
    failure: Option<Failure>,
}

impl Collected {
    /// The value, or `None` after its errors were noted.
    pub fn take<T>(&mut self, result: Result<T>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(Stop::Errors(errors)) => {
                self.errors.extend(errors);
                None
            }
            Err(Stop::Failure(failure)) => {
                self.failure.get_or_insert(failure);
                None
            }
        }
    }

    /// Notes an error.
    pub fn add(&mut self, error: Error) {
        self.errors.push(error);
    }

    /// Whether the request failed, so that there is no use in going on.
    pub fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Whether nothing went wrong.
    pub fn is_empty(&self) -> bool {
        self.errors.is_empty() && self.failure.is_none()
    }

    /// `value` if nothing went wrong.
    pub fn finish<T>(self, value: T) -> Result<T> {
        match self.failure {
            Some(failure) => Err(Stop::Failure(failure)),
            None if self.errors.is_empty() => Ok(value),
            None => Err(Stop::Errors(self.errors)),
        }
    }
}
