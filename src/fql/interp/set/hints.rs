//! Performance hints (`spec fql10-data 8.3`): given when the request asks for them, each once for a place.

use super::super::Interp;
use crate::fql::syntax::{Diagnostic, Location, Severity};
use crate::value::{CollId, Cover, Doc, Plan, Set};

/// A set limited below this is small, whatever it is over.
const SMALL: u64 = 100;

impl Interp {
    fn performance_hint(&mut self, code: &str, text: String, location: Option<Location>) {
        let message =
            format!("{code} - {text} See https://docs.fauna.com/performance_hint/{code}.");
        let hint = Diagnostic {
            severity: Severity::Performance,
            message,
            location,
            annotation: None,
            hints: Vec::new(),
        };
        if !self.log.contains(&hint) {
            self.log.push(hint);
        }
    }

    /// `method` looks at every document of the collection.
    pub fn hint_collection_scan(&mut self, coll: CollId, method: &str) {
        if self.options.performance_hints {
            let name = self.collection_name(coll);
            let text = format!(
                "Using {method}() on collection {name} can cause a read of every document."
            );
            let location = self.frame().cloned();
            self.performance_hint("collection_scan", text, location);
        }
    }

    /// `method` reads the whole set.
    pub fn hint_full_read(&mut self, set: &Set, method: &str) {
        if self.options.performance_hints && is_large(set) {
            let text = format!("Using {method}() causes the full set to be read.");
            let location = self.frame().cloned();
            self.performance_hint("full_set_read", text, location);
        }
    }

    /// Reading field `name` takes a document read, though the document was found through an index.
    pub fn hint_uncovered(&mut self, doc: &Doc, name: &str) {
        if self.options.performance_hints
            && let Some(cover) = &doc.cover
            && name != "data"
            && !cover.reaches(&[name])
        {
            let text = format!(".{name} is not covered by the {} index.", cover.index.name);
            let location = self.frame().cloned();
            self.performance_hint("non_covered_document_read", text, location);
        }
    }

    /// The same for a path.
    pub fn hint_uncovered_at(&mut self, cover: &Cover, path: &str, location: Location) {
        if self.options.performance_hints {
            let text = format!(".{path} is not covered by the {} index.", cover.index.name);
            self.performance_hint("non_covered_document_read", text, Some(location));
        }
    }

    /// A document found through an index is part of the result.
    pub fn hint_full_document(&mut self, doc: &Doc) {
        if self.options.performance_hints
            && let Some(cover) = &doc.cover
        {
            let text = format!("Full documents returned from {}.", cover.index.name);
            let location = cover.index.origin.clone();
            self.performance_hint("non_covered_document_read", text, location);
        }
    }
}

/// Whether the elements come from a collection or an index, not limited to a few.
fn is_large(set: &Set) -> bool {
    let mut pending = vec![set];
    while let Some(set) = pending.pop() {
        match &set.plan {
            Plan::All { .. } | Plan::Index { .. } => return true,
            Plan::Array(_) | Plan::Single(_) | Plan::Sequence(..) => {}
            Plan::Take(_, limit) if *limit < SMALL => {}
            Plan::Concat(first, second) => pending.extend([&**first, &**second]),
            Plan::Where(inner, _)
            | Plan::Map(inner, _)
            | Plan::FlatMap(inner, _)
            | Plan::Distinct(inner)
            | Plan::Order(inner, _)
            | Plan::Reverse(inner)
            | Plan::Take(inner, _)
            | Plan::Drop(inner, _) => pending.push(inner),
        }
    }
    false
}
