//! What can go wrong, and how a failed constraint becomes one error (`spec typing 10`).

use super::engine::Engine;
use super::native::id;
use super::term::{Kind, Loc, Ty};
use crate::fql::syntax::{Diagnostic, Hint, Location, Severity, Source, Span, Suggestion};
use std::sync::Arc;

/// An error or warning before it is placed in its sources.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Problem {
    pub text: String,
    pub at: Loc,
    pub hints: Vec<ProblemHint>,
    /// Sorted by place and text.
    pub causes: Vec<Problem>,
}

/// A hint of a [`Problem`].
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ProblemHint {
    pub text: String,
    pub at: Loc,
    /// The text to put there.
    pub suggestion: Option<String>,
}

impl Problem {
    /// An error without hints or causes.
    pub fn new(text: impl Into<String>, at: Loc) -> Problem {
        Problem {
            text: text.into(),
            at,
            hints: Vec::new(),
            causes: Vec::new(),
        }
    }

    /// The same with a hint, and a change to the text if there is one.
    pub fn hint(mut self, text: impl Into<String>, at: Loc, suggestion: Option<String>) -> Problem {
        self.hints.push(ProblemHint {
            text: text.into(),
            at,
            suggestion,
        });
        self
    }

    /// The same with causes.
    pub fn because(mut self, mut causes: Vec<Problem>) -> Problem {
        causes.sort_by(|a, b| (a.at, &a.text).cmp(&(b.at, &b.text)));
        causes.dedup();
        self.causes = causes;
        self
    }

    /// As a diagnostic with places in `sources`.
    pub fn diagnostic(self, severity: Severity, sources: &[Arc<Source>]) -> Diagnostic {
        let mut hints = Vec::new();
        self.collect_hints(sources, &mut hints);
        Diagnostic {
            severity,
            message: self.text,
            location: place(self.at, sources),
            annotation: None,
            hints,
        }
    }

    fn collect_hints(&self, sources: &[Arc<Source>], hints: &mut Vec<Hint>) {
        hints.extend(self.hints.iter().map(|hint| Hint {
            severity: Severity::Hint,
            message: hint.text.clone(),
            location: place(hint.at, sources),
            suggestion: hint.suggestion.clone().map(|text| Suggestion { text }),
        }));
        for cause in &self.causes {
            hints.push(Hint {
                severity: Severity::Cause,
                message: cause.text.clone(),
                location: place(cause.at, sources),
                suggestion: None,
            });
            cause.collect_hints(sources, hints);
        }
    }
}

/// Where something stands; what stands nowhere, such as a type of a stored signature, is said to have no
/// source.
fn place(at: Loc, sources: &[Arc<Source>]) -> Option<Location> {
    let Some(source) = sources.get(usize::from(at.source)) else {
        return Some(Location::new(&Source::hidden(""), Span::default()));
    };
    Some(Location {
        source: source.clone(),
        span: Span {
            start: at.start,
            end: at.end,
        },
    })
}

/// One reason why a constraint does not hold.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Failure {
    /// Not a subtype.
    NotSubtype { value: Ty, using: Ty, at: Loc },
    /// A field is missing.
    MissingField {
        value: Ty,
        field: String,
        dot: Loc,
        at: Loc,
    },
    /// A field is too many.
    ExtraField { value: Ty, field: String, at: Loc },
    /// A wildcard meets a closed record.
    ExtraWildcard { value: Ty, at: Loc },
    /// Brackets on something without.
    CannotAccess { value: Ty, at: Loc },
    /// Projection of something without.
    CannotProject { value: Ty, at: Loc },
    /// A call of something else than a function.
    NotAFunction { value: Ty, args: Loc, at: Loc },
    /// A wrong number of arguments.
    Arity {
        expected: usize,
        received: usize,
        at: Loc,
    },
    /// A wrong number of elements.
    TupleArity {
        expected: usize,
        received: usize,
        at: Loc,
    },
    /// A negative index.
    TupleIndex { index: i64, length: usize, at: Loc },
    /// Another literal.
    OtherSingleton { value: Ty, using: Ty, at: Loc },
    /// A generic parameter as value.
    GenericValue { value: Ty, using: Ty, at: Loc },
    /// A generic parameter as use.
    GenericUse { value: Ty, using: Ty, at: Loc },
}

impl Failure {
    fn at(&self) -> Loc {
        match self {
            Failure::NotSubtype { at, .. }
            | Failure::MissingField { at, .. }
            | Failure::ExtraField { at, .. }
            | Failure::ExtraWildcard { at, .. }
            | Failure::CannotAccess { at, .. }
            | Failure::CannotProject { at, .. }
            | Failure::NotAFunction { at, .. }
            | Failure::Arity { at, .. }
            | Failure::TupleArity { at, .. }
            | Failure::TupleIndex { at, .. }
            | Failure::OtherSingleton { at, .. }
            | Failure::GenericValue { at, .. }
            | Failure::GenericUse { at, .. } => *at,
        }
    }
}

impl Engine<'_> {
    /// The one error of a constraint `value ≤ using` at `at` that failed for these reasons.
    pub(super) fn bundle(
        &mut self,
        value: &Ty,
        using: &Ty,
        at: Loc,
        failures: Vec<Failure>,
    ) -> Problem {
        let mut grouped: Vec<Failure> = Vec::new();
        // Failures of one value against several uses become one against their union.
        let mut subtypes: Vec<(Loc, Ty, Vec<Ty>)> = Vec::new();
        for failure in failures {
            match failure {
                Failure::NotSubtype { value, using, at } => {
                    match subtypes
                        .iter_mut()
                        .find(|(known, other, _)| *known == at && *other == value)
                    {
                        Some((_, _, uses)) => {
                            if !uses.contains(&using) {
                                uses.push(using);
                            }
                        }
                        None => subtypes.push((at, value, vec![using])),
                    }
                }
                other => {
                    if !grouped.contains(&other) {
                        grouped.push(other);
                    }
                }
            }
        }
        grouped.extend(
            subtypes
                .into_iter()
                .map(|(at, value, mut uses)| match uses.len() {
                    1 => Failure::NotSubtype {
                        value,
                        using: uses.swap_remove(0),
                        at,
                    },
                    _ => Failure::NotSubtype {
                        value,
                        // The original lists the last first (`spec typing 13.3`).
                        using: Ty::union(uses.into_iter().rev().collect(), Loc::NONE),
                        at,
                    },
                }),
        );
        if let [failure] = &grouped[..] {
            let inside = failure.at() == at || at.contains(failure.at());
            if inside || !matches!(failure, Failure::NotSubtype { .. }) {
                return self.problem(failure);
            }
        }
        let causes = grouped
            .iter()
            .map(|failure| self.problem(failure))
            .collect();
        let text = format!(
            "Type `{}` is not a subtype of `{}`",
            self.show_value(value),
            self.show_use(using)
        );
        Problem::new(text, at).because(causes)
    }

    /// A failure in words.
    pub(super) fn problem(&mut self, failure: &Failure) -> Problem {
        match failure {
            Failure::NotSubtype { value, using, at } => Problem::new(
                format!(
                    "Type `{}` is not a subtype of `{}`",
                    self.show_value(value),
                    self.show_use(using)
                ),
                *at,
            ),
            Failure::MissingField {
                value,
                field,
                dot,
                at,
            } => {
                let shown = self.show_value(value);
                let mut problem =
                    Problem::new(format!("Type `{shown}` does not have field `{field}`"), *at);
                // `3.foo` ends where the dot starts: nothing to point at.
                if !value.at.is_none() && dot.start != value.at.end && value.at != *at {
                    problem = problem.hint(format!("Type `{shown}` inferred here"), value.at, None);
                }
                if matches!(value.kind, Kind::Named(id::NULL, None)) {
                    let before = Loc {
                        end: dot.start,
                        ..*dot
                    };
                    let text = "Use the ! or ?. operator to handle the null case";
                    problem = problem.hint(text, before, Some("!".to_owned()));
                }
                problem
            }
            Failure::ExtraField { value, field, at } => Problem::new(
                format!(
                    "Type `{}` contains extra field `{field}`",
                    self.show_value(value)
                ),
                *at,
            ),
            Failure::ExtraWildcard { value, at } => Problem::new(
                format!("Type `{}` cannot have a wildcard", self.show_value(value)),
                *at,
            ),
            Failure::CannotAccess { value, at } => Problem::new(
                format!(
                    "Cannot use `[]` operator with type `{}`",
                    self.show_value(value)
                ),
                *at,
            ),
            Failure::CannotProject { value, at } => Problem::new(
                format!(
                    "Cannot use projection with type `{}`",
                    self.show_value(value)
                ),
                *at,
            ),
            Failure::NotAFunction { value, args, at } => {
                let shown = self.show_value(value);
                let problem =
                    Problem::new(format!("Type `{shown}` cannot be used as a function"), *at);
                match args.is_none() {
                    true => problem,
                    false => {
                        problem.hint(format!("`{shown}` is used as a function here"), *args, None)
                    }
                }
            }
            Failure::Arity {
                expected,
                received,
                at,
            } => {
                let text = match received > expected {
                    true => "Function was called with too many arguments.",
                    false => "Function was not called with enough arguments.",
                };
                Problem::new(
                    format!("{text} Expected {expected}, received {received}"),
                    *at,
                )
            }
            Failure::TupleArity {
                expected,
                received,
                at,
            } => {
                let text = match received > expected {
                    true => "Tuple contains too many elements.",
                    false => "Tuple does not contain enough elements.",
                };
                Problem::new(
                    format!("{text} Expected {expected}, received {received}"),
                    *at,
                )
            }
            Failure::TupleIndex { index, length, at } => Problem::new(
                format!("Index {index} out of bounds for length {length}"),
                *at,
            ),
            Failure::OtherSingleton { value, using, at } => Problem::new(
                format!(
                    "`{}` is not the value `{}`",
                    self.show_value(value),
                    self.show_use(using)
                ),
                *at,
            ),
            Failure::GenericValue { value, using, at } => Problem::new(
                format!(
                    "Generic type `{}` cannot be used as type `{}`",
                    self.show_value(value),
                    self.show_use(using)
                ),
                *at,
            ),
            Failure::GenericUse { value, using, at } => Problem::new(
                format!(
                    "Type `{}` cannot be used as generic type `{}`",
                    self.show_value(value),
                    self.show_use(using)
                ),
                *at,
            ),
        }
    }
}
