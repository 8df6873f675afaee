//! What is wrong with a text before it is sent.

use crate::fql::syntax::{Diagnostic, Location, Source, Span};
use std::fmt;
use std::sync::Arc;

/// Something that is wrong with a text, as JavaScript and the driver word it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextError {
    /// Its name.
    pub kind: ErrorKind,
    /// What is wrong.
    pub message: String,
    /// Where.
    pub span: Span,
    /// What to do about it.
    pub hint: Option<String>,
}

/// The names of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// It does not parse.
    Syntax,
    /// A name that means nothing.
    Reference,
    /// A function with too few or too many arguments.
    InvalidArity,
    /// An argument that no function takes.
    InvalidValue,
    /// There is nothing to run.
    Plain,
}

impl TextError {
    pub(super) fn new(kind: ErrorKind, message: impl Into<String>, span: Span) -> TextError {
        TextError {
            kind,
            message: message.into(),
            span,
            hint: None,
        }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> TextError {
        self.hint = Some(hint.into());
        self
    }

    /// It as a diagnostic about a place in a source.
    pub fn diagnostic(&self, source: &Arc<Source>) -> Diagnostic {
        let location = Location::new(source, self.span);
        let diagnostic = Diagnostic::error(self.to_string(), location.clone());
        match &self.hint {
            Some(hint) => diagnostic.annotated(hint.clone()),
            None => diagnostic,
        }
    }
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.kind {
            ErrorKind::Syntax => "SyntaxError: ",
            ErrorKind::Reference => "ReferenceError: ",
            ErrorKind::InvalidArity => "InvalidArity: ",
            ErrorKind::InvalidValue => "InvalidValue: ",
            ErrorKind::Plain => "",
        };
        write!(f, "{name}{}", self.message)
    }
}

impl std::error::Error for TextError {}
