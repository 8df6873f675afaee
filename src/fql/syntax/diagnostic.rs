//! Diagnostics: what went wrong, where, and how it is shown (`spec fql10-language 7.4`).

use super::source::Location;

/// The heading of a diagnostic or hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// `error`
    Error,
    /// `warning`
    Warning,
    /// `hint`
    Hint,
    /// `cause`
    Cause,
    /// `info` with an excerpt (dbg)
    Info,
    /// `info` in one line, without an excerpt (log)
    Log,
    /// `performance_hint`
    Performance,
    /// A stack frame; no heading, or `trace:` for the first after hints.
    Trace,
}

/// One entry of a summary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Heading.
    pub severity: Severity,
    /// The message after the heading; may span lines.
    pub message: String,
    /// Where; `None` renders no excerpt.
    pub location: Option<Location>,
    /// Text after the underline.
    pub annotation: Option<String>,
    /// Hints, causes and traces that belong to it.
    pub hints: Vec<Hint>,
}

/// A hint, cause or trace of a [`Diagnostic`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// Heading.
    pub severity: Severity,
    /// The message after the heading.
    pub message: String,
    /// Where.
    pub location: Option<Location>,
    /// A change to the source that is shown applied.
    pub suggestion: Option<Suggestion>,
}

/// A replacement of the hint's span; empty text removes it, an empty span inserts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The new text.
    pub text: String,
}

impl Diagnostic {
    /// An error at `location`.
    pub fn error(message: impl Into<String>, location: Location) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            message: message.into(),
            location: Some(location),
            annotation: None,
            hints: Vec::new(),
        }
    }

    /// The same with an annotation after the underline.
    pub fn annotated(mut self, text: impl Into<String>) -> Diagnostic {
        self.annotation = Some(text.into());
        self
    }

    /// The same with a hint at `location`.
    pub fn hint(mut self, message: impl Into<String>, location: Location) -> Diagnostic {
        self.hints.push(Hint {
            severity: Severity::Hint,
            message: message.into(),
            location: Some(location),
            suggestion: None,
        });
        self
    }
}
