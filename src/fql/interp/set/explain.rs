//! How a set would be read, for `:explain`.

use super::super::{Interp, Result};
use crate::model::schema::path;
use crate::value::{Callback, OrderKey, Plan, Set, Value};
use std::fmt;
use std::sync::Arc;

/// A step of a plan, and what it reads from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadPlan {
    /// The step: `where .n > 5`, `Foo.byName("x")`.
    pub step: String,
    /// What it means for reading.
    pub notes: Vec<String>,
    /// What its elements come from.
    pub inner: Vec<ReadPlan>,
}

impl fmt::Display for ReadPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut pending = vec![(self, 0usize)];
        let mut first = true;
        while let Some((plan, depth)) = pending.pop() {
            if !std::mem::take(&mut first) {
                writeln!(f)?;
            }
            let indent = "  ".repeat(depth);
            write!(f, "{indent}{}", plan.step)?;
            for note in &plan.notes {
                write!(f, "\n{indent}    {note}")?;
            }
            pending.extend(plan.inner.iter().rev().map(|inner| (inner, depth + 1)));
        }
        Ok(())
    }
}

impl Interp {
    /// How the set would be read. Reads nothing.
    pub fn explain(&mut self, set: &Arc<Set>) -> Result<ReadPlan> {
        stacker::maybe_grow(128 * 1024, 2 * 1024 * 1024, || self.explain_plan(set))
    }

    fn explain_plan(&mut self, set: &Arc<Set>) -> Result<ReadPlan> {
        let mut notes = Vec::new();
        let step = match &set.plan {
            Plan::All {
                coll,
                range,
                reversed,
            } => {
                let id = |id: Option<i64>| id.map_or(String::new(), |id| id.to_string());
                notes.push(match range {
                    (None, None) => "reads every document, by id".to_string(),
                    (from, to) => format!("reads documents by id, {}..{}", id(*from), id(*to)),
                });
                notes.extend(backwards(*reversed));
                format!("{}.all()", self.collection_name(*coll))
            }
            Plan::Index {
                coll,
                name,
                index,
                terms,
                range,
                reversed,
                ..
            } => {
                let mut args = Vec::new();
                for term in terms {
                    args.push(self.debug(term)?);
                }
                if let Some(range) = range {
                    let mut bounds = Vec::new();
                    for (name, bound) in [("from", &range.0), ("to", &range.1)] {
                        if let Some(bound) = bound {
                            bounds.push(format!("{name}: {}", self.debug(bound)?));
                        }
                    }
                    args.push(format!("{{ {} }}", bounds.join(", ")));
                }
                self.explain_index(*coll, *index, range.is_some(), &mut notes);
                notes.extend(backwards(*reversed));
                format!(
                    "{}.{name}({})",
                    self.collection_name(*coll),
                    args.join(", ")
                )
            }
            Plan::Array(items) => format!("array of {} elements", items.len()),
            Plan::Single(value) => format!("single {}", self.debug(value)?),
            Plan::Sequence(from, until) => format!("sequence {from} until {until}"),
            Plan::Where(_, f) => {
                notes.push("evaluates the predicate for every element".into());
                format!("where {}", callback_text(f))
            }
            Plan::Map(_, f) => format!("map {}", callback_text(f)),
            Plan::FlatMap(_, f) => {
                notes.push("reads one more set for every element".into());
                format!("flatMap {}", callback_text(f))
            }
            Plan::Concat(..) => "concat".into(),
            Plan::Distinct(_) => {
                notes.push("reads and sorts the whole set, of at most 16000 elements".into());
                "distinct".into()
            }
            Plan::Order(_, keys) => {
                notes.push("reads and sorts the whole set, of at most 16000 elements".into());
                let key = |key: &OrderKey| match key.descending {
                    true => format!("desc({})", callback_text(&key.accessor)),
                    false => callback_text(&key.accessor),
                };
                format!(
                    "order {}",
                    keys.iter().map(key).collect::<Vec<_>>().join(", ")
                )
                .trim_end()
                .to_string()
            }
            Plan::Reverse(inner) => {
                if !inner.plan.reads_both_ways() {
                    notes.push("reads the whole set, of at most 16000 elements".into());
                }
                "reverse".into()
            }
            Plan::Take(_, n) => format!("take {n}"),
            Plan::Drop(_, n) => {
                notes.push("reads what it drops".into());
                format!("drop {n}")
            }
        };
        if let Some(at) = set.at.filter(|_| set.plan.inner().is_none()) {
            notes.push(format!("as of {}", self.debug(&Value::Time(at.into()))?));
        }
        let mut inner = Vec::new();
        if let Some(set) = set.plan.inner() {
            inner.push(self.explain(set)?);
        }
        if let Plan::Concat(_, second) = &set.plan {
            inner.push(self.explain(second)?);
        }
        Ok(ReadPlan { step, notes, inner })
    }

    fn explain_index(
        &self,
        coll: crate::value::CollId,
        index: crate::value::IndexId,
        ranged: bool,
        notes: &mut Vec<String>,
    ) {
        let Some(collection) = self.collection(coll) else {
            return;
        };
        let Some(index) = collection.backing_index(index) else {
            return;
        };
        let terms: Vec<String> = index
            .terms
            .iter()
            .map(|term| path::display(&term.path))
            .collect();
        let values: Vec<String> = index
            .values
            .iter()
            .map(|value| {
                format!(
                    "{}{}",
                    path::display(&value.path),
                    if value.descending { " desc" } else { "" }
                )
            })
            .collect();
        notes.push(match (terms.is_empty(), ranged) {
            (true, false) => "reads the whole index".to_string(),
            (true, true) => "reads a range of the index".to_string(),
            (false, false) => format!("reads the entries with {}", terms.join(", ")),
            (false, true) => format!("reads a range of the entries with {}", terms.join(", ")),
        });
        notes.push(match values.is_empty() {
            true => "ordered by id".to_string(),
            false => format!("ordered by {}, then id", values.join(", ")),
        });
        let plain =
            |path: &[crate::value::PathPart], mva: bool| (!mva).then(|| path::display(path));
        let covered: Vec<String> = (index
            .terms
            .iter()
            .filter_map(|term| plain(&term.path, term.mva)))
        .chain(
            index
                .values
                .iter()
                .filter_map(|value| plain(&value.path, value.mva)),
        )
        .collect();
        if !covered.is_empty() {
            notes.push(format!("{} need no document read", covered.join(", ")));
        }
    }
}

fn backwards(reversed: bool) -> Option<String> {
    reversed.then(|| "backwards".to_string())
}

/// A function as written.
fn callback_text(callback: &Callback) -> String {
    match &callback.function {
        Value::Lambda(closure) => {
            let span = closure.lambda.span;
            let text = closure.source.text.as_deref();
            let text = text
                .and_then(|text| text.get(span.start as usize..span.end as usize))
                .unwrap_or("<lambda>");
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        }
        Value::Native(native) => native.name.to_string(),
        Value::Function(function) => function.name.to_string(),
        _ => "<function>".to_string(),
    }
}
