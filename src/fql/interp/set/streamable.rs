//! Making event sources: which sets' changes can be told, and which fields can be watched (`spec fql10-data 9.1`).

use super::super::{Failure, Interp, Result, path_text};
use crate::fql::syntax::ast::{ExprKind, Link};
use crate::model::native;
use crate::value::{CollId, EventSource, IndexId, PathPart, Plan, Set, Value};
use std::sync::Arc;

impl Interp {
    /// `set.eventSource()` and its older name; `method` is as called, `.eventSource()`.
    pub fn make_event_source(&mut self, set: &Arc<Set>, method: &str) -> Result<EventSource> {
        self.check_streamable(set, method)?;
        Ok(EventSource {
            set: set.clone(),
            watched: Vec::new(),
            since: None,
        })
    }

    /// `set.eventsOn(fields)` and its older name.
    pub fn make_event_source_on(
        &mut self,
        set: &Arc<Set>,
        fields: &[Value],
        method: &str,
    ) -> Result<EventSource> {
        let mut watched = Vec::with_capacity(fields.len());
        for (n, field) in fields.iter().enumerate() {
            let path = field_path(field);
            let invalid = || Failure::invalid_argument(&n.to_string(), "invalid field path given");
            watched.push(path.ok_or_else(invalid)?);
        }
        self.check_streamable(set, method)?;
        let is_source = matches!(
            set.plan,
            Plan::All { .. } | Plan::Index { .. } | Plan::Single(_)
        );
        if !is_source || set.page_size.is_some() {
            return Err(refused(
                ".changesOn()",
                "it was not called on the source set.",
            ));
        }
        if let Plan::Index {
            coll, index, name, ..
        } = &set.plan
        {
            self.check_covered(*coll, *index, name, &watched)?;
        }
        Ok(EventSource {
            set: set.clone(),
            watched,
            since: None,
        })
    }

    fn check_covered(
        &self,
        coll: CollId,
        index: IndexId,
        name: &str,
        watched: &[Vec<PathPart>],
    ) -> Result<()> {
        let Some(collection) = self.collection(coll) else {
            return Ok(());
        };
        let Some(backing) = collection.backing_index(index) else {
            return Ok(());
        };
        let is = |path: &[PathPart], name: &str| matches!(path, [PathPart::Field(field)] if &**field == name);
        let terms = backing.terms.iter().map(|term| &term.path);
        let covered: Vec<_> = terms
            .chain(backing.values.iter().map(|value| &value.path))
            .collect();
        if covered.iter().any(|path| is(path, "ts")) {
            return Ok(());
        }
        let missing: Vec<String> = watched
            .iter()
            .filter(|path| !is(path, "id") && !covered.contains(path))
            .map(|path| format!("`{}`", path_text(path)))
            .collect();
        match missing.is_empty() {
            true => Ok(()),
            false => {
                let reason = format!("{} not covered by the `{name}` index.", missing.join(", "));
                Err(Failure::invalid_argument("fields", reason))
            }
        }
    }

    /// Fails unless changes of the set can be told, looking from the outermost step inwards.
    fn check_streamable(&mut self, set: &Arc<Set>, method: &str) -> Result<()> {
        const AT: &str = "streaming is not supported for sets created within an `at()` expression.";
        const REVERSED: &str = "streaming is not supported on sets that have been reversed.";
        const RANGE: &str = "range queries are not supported yet, use `.where()` method instead.";
        let refused = |reason: &str| Err(refused(method, reason));
        let mut set = set;
        loop {
            let (coll, reversed, ranged) = match &set.plan {
                Plan::Where(inner, callback) | Plan::Map(inner, callback) => {
                    if callback.at.is_some() {
                        return refused(AT);
                    }
                    set = inner;
                    continue;
                }
                Plan::All {
                    coll,
                    range,
                    reversed,
                } => (*coll, *reversed, *range != (None, None)),
                Plan::Index {
                    coll,
                    range,
                    reversed,
                    ..
                } => (*coll, *reversed, range.is_some()),
                Plan::Single(value) => return self.check_single_streamable(value, method),
                Plan::Reverse(inner) if inner.plan.reads_both_ways() => {
                    set = inner;
                    continue;
                }
                Plan::Reverse(_) => return refused(REVERSED),
                Plan::Array(_) => return refused("streaming is not supported on array sets."),
                Plan::Sequence(..) => {
                    return refused(
                        "streaming is not supported on sets created from `Set.sequence()`.",
                    );
                }
                Plan::FlatMap(..) => {
                    return refused("streaming is not supported on `.flatMap()` sets.");
                }
                Plan::Concat(..) => {
                    return refused("streaming is not supported on concatenated sets.");
                }
                Plan::Distinct(_) => {
                    return refused("streaming is not supported on distinct sets.");
                }
                Plan::Order(..) => {
                    return refused("streaming is not supported on sets returned from `.order()`.");
                }
                Plan::Take(..) => {
                    return refused("streaming is not supported on sets returned from `.take()`.");
                }
                Plan::Drop(..) => {
                    return refused("streaming is not supported on sets returned from `.drop()`.");
                }
            };
            return match (set.at.is_some(), reversed, ranged) {
                (true, _, _) => refused(AT),
                (false, true, _) => refused(REVERSED),
                (false, false, true) => refused(RANGE),
                (false, false, false) if native::is_native(coll) => {
                    refused("only collections and user defined indexes are streamable.")
                }
                (false, false, false) => self.check_collection_readable(coll),
            };
        }
    }

    fn check_single_streamable(&mut self, value: &Value, method: &str) -> Result<()> {
        let Value::Doc(doc) = value else {
            let reason =
                "streaming on `Set.single()` is only supported if its element is a document.";
            return Err(refused(method, reason));
        };
        if doc.at.is_some() {
            let reason = "streaming is not supported for sets created within an `at()` expression.";
            return Err(refused(method, reason));
        }
        let id = self.doc_id(doc)?;
        if self.can_read(doc, id)? {
            return Ok(());
        }
        let message = "Insufficient privileges to create a stream on the source document.";
        Err(Failure::new("permission_denied", message))
    }
}

fn refused(method: &str, reason: &str) -> Failure {
    Failure::new(
        "invalid_receiver",
        format!("can't call `{method}` because {reason}"),
    )
}

/// The path a short accessor lambda means: `.a`, `.a.b`, `.a[0]`, `.["a"]`.
fn field_path(field: &Value) -> Option<Vec<PathPart>> {
    let Value::Lambda(closure) = field else {
        return None;
    };
    let ExprKind::Chain { base, links } = &closure.lambda.body.kind else {
        return None;
    };
    if !closure.lambda.short || base.kind != ExprKind::This {
        return None;
    }
    let mut path = Vec::with_capacity(links.len());
    for link in links {
        path.push(match link {
            Link::Field {
                name,
                optional: false,
            } => PathPart::Field(name.name.clone()),
            Link::Index {
                optional: false,
                args,
            } => match args.items.as_slice() {
                [only] => match &only.kind {
                    ExprKind::String(name) => PathPart::Field(name.clone()),
                    ExprKind::Int(n) => PathPart::Index(i64::from(*n)),
                    ExprKind::Long(n) => PathPart::Index(*n),
                    _ => return None,
                },
                _ => return None,
            },
            Link::Field { .. }
            | Link::Index { .. }
            | Link::Method { .. }
            | Link::Call { .. }
            | Link::Bang { .. } => {
                return None;
            }
        });
    }
    Some(path)
}
