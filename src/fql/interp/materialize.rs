//! Materialisation: completing the final value while the transaction is open (`spec fql10-language 6`).
//!
//! Documents are read, sets become their first page, computed fields are evaluated. The commit time is not
//! known yet: it stands as [`PENDING`] and is put in by [`resolve_time`] once the transaction has committed.

use super::memory::MAX_PARTS;
use super::set::token;
use super::{Interp, Missing, Result};
use crate::store::TxnTime;
use crate::value::order::same_set;
use crate::value::rendered::{
    Cause, Contents, Document, Fields, Identity, Page, RefName, Reference, Rendered,
};
use crate::value::{Doc, DocKey, Module, Object, Set, Str, Time, Value};
use std::sync::Arc;

/// Sets within sets are expanded so deep.
const MAX_SET_DEPTH: u32 = 10;

/// Values within values are completed so deep.
const MAX_DEPTH: u32 = 2000;

/// Stands for the commit time until it is known; no `Time` of the language has so many nanoseconds.
const PENDING: Time = Time {
    secs: i64::MAX,
    nanos: u32::MAX,
};

/// Where a value stands.
#[derive(Clone, Copy)]
struct Place {
    /// Sets around it.
    sets: u32,
    /// Arrays and objects around it.
    depth: u32,
    /// Inside a document's fields: documents stay references.
    inside: bool,
}

impl Interp {
    /// Completes a result.
    pub fn materialize(&mut self, value: &Value) -> Result<Rendered> {
        self.check_parts([value])?;
        self.parts = 0;
        self.open_sets.clear();
        self.complete(
            value,
            Place {
                sets: 0,
                depth: 0,
                inside: false,
            },
        )
    }

    fn complete(&mut self, value: &Value, place: Place) -> Result<Rendered> {
        self.parts += 1;
        if self.parts > MAX_PARTS {
            return Err(super::Failure::too_large("result has too many parts"));
        }
        if place.depth > MAX_DEPTH {
            return Err(super::Failure::too_large("result is nested too deeply"));
        }
        if self.parts.is_multiple_of(4096) {
            self.check_interrupted()?;
        }
        let place = Place {
            depth: place.depth + 1,
            ..place
        };
        Ok(match value {
            Value::Null(_) => Rendered::Null,
            Value::Bool(b) => Rendered::Bool(*b),
            Value::Int(n) => Rendered::Int(*n),
            Value::Long(n) => Rendered::Long(*n),
            Value::Double(n) => Rendered::Double(*n),
            Value::Id(n) => Rendered::Id(*n),
            Value::String(s) => {
                // Shared here, but not in the text of the result.
                self.parts += s.len() as u64 / 64;
                Rendered::String(s.clone())
            }
            Value::Bytes(b) => Rendered::Bytes(b.clone()),
            Value::Time(t) => Rendered::Time(*t),
            Value::TransactionTime => Rendered::Time(PENDING),
            Value::Date(d) => Rendered::Date(*d),
            Value::Uuid(u) => Rendered::Uuid(*u),
            Value::Array(items) => {
                let items = items.clone();
                Rendered::Array(stacker::maybe_grow(128 * 1024, 2 * 1024 * 1024, || {
                    items
                        .iter()
                        .map(|item| self.complete(item, place))
                        .collect::<Result<_>>()
                })?)
            }
            Value::Object(object) => Rendered::Object(self.complete_fields(object, place)?),
            Value::Doc(doc) if doc.coll == crate::model::native::LEGACY_INDEX => {
                Rendered::LegacyIndex(self.doc_name(doc)?)
            }
            Value::Doc(doc) if place.inside => Rendered::Ref(Arc::new(self.reference(doc)?)),
            Value::Doc(doc) => Rendered::Doc(Arc::new(self.document(doc, place)?)),
            Value::Set(set) => self.complete_set(set, place)?,
            Value::Cursor(cursor) => {
                Rendered::Cursor(self.cursor_token(cursor, Some(token::PENDING))?)
            }
            Value::Module(module) => Rendered::Module(self.module_name(module)),
            Value::Lambda(_) | Value::Query(_) => Rendered::Lambda,
            Value::Native(native) => {
                Rendered::Function(native.shown_name().trim_start_matches("op ").into())
            }
            Value::Function(function) => Rendered::Function(function.name.clone()),
            Value::EventSource(source) => Rendered::EventSource(self.event_source_token(source)?),
        })
    }

    fn complete_fields(&mut self, object: &Object, place: Place) -> Result<Fields> {
        stacker::maybe_grow(128 * 1024, 2 * 1024 * 1024, || {
            object
                .iter()
                .map(|(name, value)| Ok((name.clone(), self.complete(value, place)?)))
                .collect()
        })
    }

    fn complete_set(&mut self, set: &Arc<Set>, place: Place) -> Result<Rendered> {
        let within_itself = self.open_sets.iter().any(|open| same_set(open, set));
        if place.sets >= MAX_SET_DEPTH || within_itself {
            return Ok(Rendered::SetToken(self.set_token(set)?));
        }
        let (data, after) = self.first_page(set)?;
        self.open_sets.push(set.clone());
        let place = Place {
            sets: place.sets + 1,
            ..place
        };
        let after = match after {
            Some(cursor) => Some(self.cursor_token(&cursor, Some(token::PENDING))?),
            None => None,
        };
        let data = stacker::maybe_grow(128 * 1024, 2 * 1024 * 1024, || {
            data.iter()
                .map(|item| self.complete(item, place))
                .collect::<Result<_>>()
        })?;
        self.open_sets.pop();
        Ok(Rendered::Page(Box::new(Page { data, after })))
    }

    fn document(&mut self, doc: &Arc<Doc>, place: Place) -> Result<Document> {
        let reference = self.reference(doc)?;
        // Results are read with the caller's rights, whatever function produced the reference.
        let contents = match self.read(doc)? {
            Ok(version) => {
                self.hint_full_document(doc);
                let fields = self.doc_fields(doc, &version)?;
                Contents::Live(self.complete_fields(
                    &fields,
                    Place {
                        inside: true,
                        ..place
                    },
                )?)
            }
            Err(missing) => Contents::Missing(match missing {
                Missing::NotFound => Cause::NotFound,
                Missing::Deleted => Cause::Deleted,
                Missing::PermissionDenied => Cause::PermissionDenied,
                Missing::CollectionDeleted => Cause::CollectionDeleted,
            }),
        };
        Ok(Document {
            reference,
            contents,
        })
    }

    fn reference(&mut self, doc: &Arc<Doc>) -> Result<Reference> {
        let Value::Module(module) = self.collection_module(doc.coll) else {
            return Err(super::Failure::protocol(
                500,
                "internal_error",
                "a document without a collection",
            ));
        };
        let name = match (&doc.key, crate::model::native::is_named(doc.coll)) {
            (_, true) => RefName::Name(self.doc_name(doc)?),
            (DocKey::Id(id), false) => RefName::Id(id.0),
            (DocKey::Name(name), false) => RefName::Name(name.clone()),
        };
        Ok(Reference {
            coll: self.module_name(&module),
            name,
            identity: Identity::from(&**doc),
        })
    }

    /// The full name of a module.
    pub fn module_name(&self, module: &Module) -> Str {
        match module {
            Module::Native(name) => (*name).into(),
            Module::Collection { name, .. } => name.clone(),
            Module::Deleted => "Collection.Deleted".into(),
        }
    }
}

/// Puts the commit time where it was not known.
pub fn resolve_time(rendered: &mut Rendered, time: TxnTime) {
    match rendered {
        Rendered::Time(t) if *t == PENDING => *t = time.into(),
        Rendered::Array(items) => items.iter_mut().for_each(|item| resolve_time(item, time)),
        Rendered::Object(fields) => fields
            .iter_mut()
            .for_each(|(_, item)| resolve_time(item, time)),
        Rendered::Page(page) => {
            page.after.iter_mut().for_each(|after| stamp(after, time));
            page.data
                .iter_mut()
                .for_each(|item| resolve_time(item, time));
        }
        Rendered::SetToken(token) | Rendered::Cursor(token) | Rendered::EventSource(token) => {
            stamp(token, time);
        }
        Rendered::Doc(document) => {
            if let Contents::Live(fields) = &mut Arc::make_mut(document).contents {
                fields
                    .iter_mut()
                    .for_each(|(_, item)| resolve_time(item, time));
            }
        }
        Rendered::Null
        | Rendered::Bool(_)
        | Rendered::Int(_)
        | Rendered::Long(_)
        | Rendered::Double(_)
        | Rendered::Id(_)
        | Rendered::String(_)
        | Rendered::Bytes(_)
        | Rendered::Time(_)
        | Rendered::Date(_)
        | Rendered::Uuid(_)
        | Rendered::Ref(_)
        | Rendered::Module(_)
        | Rendered::Function(_)
        | Rendered::Lambda
        | Rendered::LegacyIndex(_) => {}
    }
}

fn stamp(token: &mut Str, time: TxnTime) {
    if let Some(stamped) = token::stamped(token, time) {
        *token = stamped;
    }
}
