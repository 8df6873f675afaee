//! Source texts and places in them.

use std::sync::Arc;

/// A half-open byte range in a source text. Rendering converts to lines and UTF-16 columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The range `start..end`.
    pub fn new(start: usize, end: usize) -> Span {
        Span {
            start: start as u32,
            end: end as u32,
        }
    }

    /// The smallest span that covers both.
    pub fn to(self, other: Span) -> Span {
        Span {
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }

    /// Whether an end of `other` lies within this span or at its edge.
    pub fn touches(self, other: Span) -> bool {
        let within = |place: u32| self.start <= place && place <= self.end;
        within(other.start) || within(other.end)
    }

    /// Whether `other` lies within this span.
    pub fn contains(self, other: Span) -> bool {
        self.start <= other.start && other.end <= self.end
    }
}

/// The name of what [`Source::decoded`] makes.
const DECODED: &str = "*decoded_set*";

/// A text that was parsed, and the name diagnostics give it: `*query*`, `*udf:NAME*`, `main.fsl`...
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Source {
    /// Name shown after `at`.
    pub name: String,
    /// The text; `None` when it must not or cannot be shown (`<no source>`).
    pub text: Option<Arc<str>>,
}

impl Source {
    /// A source with a known text.
    pub fn new(name: impl Into<String>, text: impl Into<Arc<str>>) -> Arc<Source> {
        Arc::new(Source {
            name: name.into(),
            text: Some(text.into()),
        })
    }

    /// The query text of a request.
    pub fn query(text: impl Into<Arc<str>>) -> Arc<Source> {
        Source::new("*query*", text)
    }

    /// A source whose text is not shown, such as a role predicate.
    pub fn hidden(name: impl Into<String>) -> Arc<Source> {
        Arc::new(Source {
            name: name.into(),
            text: None,
        })
    }

    /// The text of a function that came with a cursor or event source. Its places mean nothing to
    /// whoever sends the token: they are left out of traces.
    pub fn decoded(text: impl Into<Arc<str>>) -> Arc<Source> {
        Source::new(DECODED, text)
    }

    /// Whether this is [`Source::decoded`].
    pub fn is_decoded(&self) -> bool {
        self.name == DECODED
    }

    /// Whether this is the text of the request itself.
    pub fn is_query(&self) -> bool {
        self.name == "*query*"
    }
}

/// A span in a source.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Location {
    /// Where.
    pub source: Arc<Source>,
    /// Which bytes.
    pub span: Span,
}

impl Location {
    /// `span` in `source`.
    pub fn new(source: &Arc<Source>, span: Span) -> Location {
        Location {
            source: source.clone(),
            span,
        }
    }
}
