//! Fields that an index entry holds: a document found through an index is not read for them (`spec fql10-data 6.6`).
//!
//! An entry tells the values at paths, `.a.b` among them, but no object around them. So `doc.a.b` is looked up as a
//! whole, before its first step, and so is `doc { a { b } }`. What is not known for certain, a null among it, is read from
//! the document, and told by a performance hint.

use super::documents::RESERVED;
use super::{Effect, Interp, Result};
use crate::access::Permissions;
use crate::fql::syntax::Location;
use crate::fql::syntax::ast::{Expr, ExprKind, Ident, Link};
use crate::value::{Cover, Doc, Object, Value};
use std::sync::Arc;

/// A projection of a covered document.
pub(super) enum Projected {
    /// All of it is in the entry.
    Known(Object),
    /// The document has to be read.
    Unknown,
}

impl Interp {
    /// The value of the first steps of a chain on `value`, if an index entry holds it, and how many steps that are.
    pub(super) fn covered_steps(
        &mut self,
        value: &Value,
        links: &[Link],
    ) -> Result<Option<(Value, usize)>> {
        let Some((doc, cover)) = self.cover_of(value) else {
            return Ok(None);
        };
        let steps = plain_steps(links);
        let Some(names) = self.stored_path(&doc, &steps) else {
            return Ok(None);
        };
        let skipped = steps.len() - names.len();
        if steps.len() == 1 {
            // A single field is looked up where it is found.
            return Ok(None);
        }
        match cover.value(&texts(names)) {
            Some((found, length)) => {
                let found = self.at_read_time(&doc, found.clone());
                for step in &steps[..skipped + length] {
                    self.covered_step(step)?;
                }
                Ok(Some((found, skipped + length)))
            }
            None => {
                self.hint_uncovered_path(&cover, names);
                Ok(None)
            }
        }
    }

    /// A projection of a chain on `value`, if index entries hold all of it.
    pub(super) fn covered_projection(
        &mut self,
        value: &Value,
        links: &[Link],
        entries: &[(Ident, Expr)],
    ) -> Result<Option<Projected>> {
        let Some((doc, cover)) = self.cover_of(value) else {
            return Ok(None);
        };
        let steps = plain_steps(links);
        if steps.is_empty() || steps.len() < links.len() {
            return Ok(None);
        }
        let Some(names) = self.stored_path(&doc, &steps).map(<[_]>::to_vec) else {
            return Ok(None);
        };
        Ok(Some(
            match self.project_cover(&doc, &cover, &names, entries) {
                Some(object) => {
                    for step in &steps {
                        self.covered_step(step)?;
                    }
                    self.charge(entries.len() as u64)?;
                    Projected::Known(object)
                }
                None => Projected::Unknown,
            },
        ))
    }

    fn project_cover(
        &mut self,
        doc: &Doc,
        cover: &Cover,
        prefix: &[&Ident],
        entries: &[(Ident, Expr)],
    ) -> Option<Object> {
        let mut object = Object::new();
        let mut complete = true;
        for (name, entry) in entries {
            let (chain, inner) = match &entry.kind {
                ExprKind::Projection { base, entries, .. } => (&**base, Some(entries)),
                _ => (entry, None),
            };
            let ExprKind::Chain { base, links } = &chain.kind else {
                return None;
            };
            let steps = plain_steps(links);
            if base.kind != ExprKind::This || steps.len() < links.len() {
                return None;
            }
            let path: Vec<&Ident> = prefix.iter().copied().chain(steps).collect();
            let value = match inner {
                Some(inner) => self
                    .project_cover(doc, cover, &path, inner)
                    .map(Value::object),
                None => match cover.value(&texts(&path)) {
                    Some((value, length)) if length == path.len() => {
                        Some(self.at_read_time(doc, value.clone()))
                    }
                    Some(_) => None,
                    None => {
                        self.hint_uncovered_path(cover, &path);
                        None
                    }
                },
            };
            match value {
                Some(value) => drop(object.insert(name.name.clone(), value)),
                None => complete = false,
            }
        }
        complete.then_some(object)
    }

    /// The index entry that a document was found through, if what it says still holds: the query has written nothing,
    /// and the same rights are in force as when it was found, or those of a predicate, which reads all users' documents.
    pub(super) fn cover_in_force<'a>(&self, doc: &'a Doc) -> Option<&'a Arc<Cover>> {
        let cover = doc.cover.as_ref()?;
        let readable =
            cover.rights == self.rights() || self.principal.permissions == Permissions::Predicate;
        (readable && !self.txn.has_writes()).then_some(cover)
    }

    /// The cover of a value that is a document.
    fn cover_of(&self, value: &Value) -> Option<(Arc<Doc>, Arc<Cover>)> {
        match value {
            Value::Doc(doc) => Some((doc.clone(), self.cover_in_force(doc)?.clone())),
            _ => None,
        }
    }

    /// The steps that lead through stored fields, without `data` before them.
    fn stored_path<'a, 'b>(
        &self,
        doc: &Arc<Doc>,
        steps: &'b [&'a Ident],
    ) -> Option<&'b [&'a Ident]> {
        let special = |name: &Ident| {
            RESERVED.contains(&&*name.name)
                || &*name.name == "ttl"
                || self
                    .txn
                    .schema()
                    .collection(doc.coll)
                    .is_none_or(|collection| collection.computed_field(&name.name).is_some())
        };
        match steps {
            [data, rest @ ..] if &*data.name == "data" => match rest.first() {
                Some(first) if !special(first) => Some(rest),
                Some(_) | None => None,
            },
            [first, ..] if !special(first) => Some(steps),
            _ => None,
        }
    }

    /// What a step costs that is not taken.
    fn covered_step(&mut self, step: &Ident) -> Result<()> {
        self.framed(step.span, |me| {
            me.charge(1)?;
            me.require(Effect::Read, || "Reading a field".into())
        })
    }

    /// Tells where a path leaves what an index entry holds.
    fn hint_uncovered_path(&mut self, cover: &Cover, path: &[&Ident]) {
        let texts = texts(path);
        let left = (1..=path.len()).find(|length| !cover.reaches(&texts[..*length]));
        let length = match left {
            Some(length) => length,
            // Null in the entry: whether it is null in the document too has to be looked up.
            None if cover.covers(&texts) => return,
            None => path.len(),
        };
        let (Some(name), Some(texts)) = (path.get(length - 1), texts.get(..length)) else {
            return;
        };
        let location: Location = self.location(name.span);
        self.hint_uncovered_at(cover, &texts.join("."), location);
    }
}

/// A chain's last fields, and what comes before them; `None` if there are none, or something before may end the chain.
pub(super) fn split_fields(links: &[Link]) -> Option<(&[Link], &[Link])> {
    let fields = links.iter().rev().take_while(|link| is_plain(link)).count();
    let (head, tail) = links.split_at_checked(links.len() - fields)?;
    let may_end = head.iter().any(|link| match link {
        Link::Field { optional, .. }
        | Link::Call { optional, .. }
        | Link::Index { optional, .. } => *optional,
        Link::Method {
            optional,
            call_optional,
            ..
        } => *optional || *call_optional,
        Link::Bang { .. } => false,
    });
    (fields > 0 && !may_end).then_some((head, tail))
}

fn is_plain(link: &Link) -> bool {
    matches!(
        link,
        Link::Field {
            optional: false,
            ..
        }
    )
}

/// The fields that a chain begins with.
fn plain_steps(links: &[Link]) -> Vec<&Ident> {
    links
        .iter()
        .take_while(|link| is_plain(link))
        .filter_map(|link| match link {
            Link::Field { name, .. } => Some(name),
            Link::Method { .. } | Link::Call { .. } | Link::Index { .. } | Link::Bang { .. } => {
                None
            }
        })
        .collect()
}

fn texts<'a>(path: &[&'a Ident]) -> Vec<&'a str> {
    path.iter().map(|name| &*name.name).collect()
}
