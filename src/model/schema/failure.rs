//! Constraint failures: what is wrong with a value that is to be written (`spec fql10-data 7.3`).

use crate::value::{PathPart, Str};
use std::fmt;

/// One entry of `constraint_failures`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConstraintFailure {
    /// The fields it is about; none for check constraints and protected mode.
    pub paths: Vec<Vec<PathPart>>,
    /// What it is about instead: an index of FQL v4.
    pub index: Option<Str>,
    /// What is wrong with them; may span lines.
    pub message: String,
}

impl ConstraintFailure {
    /// A failure at one path.
    pub fn at(path: Vec<PathPart>, message: impl Into<String>) -> ConstraintFailure {
        ConstraintFailure {
            paths: vec![path],
            index: None,
            message: message.into(),
        }
    }

    /// A failure at the top-level field `name`.
    pub fn field(name: &str, message: impl Into<String>) -> ConstraintFailure {
        ConstraintFailure::at(vec![PathPart::Field(name.into())], message)
    }

    /// A failure of the whole document.
    pub fn whole(message: impl Into<String>) -> ConstraintFailure {
        ConstraintFailure {
            paths: Vec::new(),
            index: None,
            message: message.into(),
        }
    }

    /// The paths as one label, joined by commas: `name,address.city`; empty without paths.
    pub fn label(&self) -> String {
        if let Some(index) = &self.index {
            return index.to_string();
        }
        let labels: Vec<String> = self
            .paths
            .iter()
            .map(|path| PathDisplay(path).to_string())
            .collect();
        labels.join(",")
    }
}

/// As a line of a summary: `PATH: MESSAGE`, or the message alone.
impl fmt::Display for ConstraintFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = self.label();
        if label.is_empty() {
            write!(f, "{}", self.message)
        } else {
            write!(f, "{label}: {}", self.message)
        }
    }
}

/// A path as messages show it: `a.b[0]`, and `["odd key"]` for keys that are no identifiers.
pub struct PathDisplay<'a>(pub &'a [PathPart]);

impl fmt::Display for PathDisplay<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, part) in self.0.iter().enumerate() {
            match part {
                PathPart::Field(name) if at == 0 => f.write_str(name)?,
                PathPart::Field(name) => write!(f, ".{name}")?,
                PathPart::Index(n) => write!(f, "[{n}]")?,
            }
        }
        Ok(())
    }
}
