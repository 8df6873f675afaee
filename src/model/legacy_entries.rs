//! The index entries of a document in indexes of FQL v4 (`spec fql4 8.3`), and physical indexes of either language.
//!
//! A path is looked up in the document as FQL v4 shows it: `ref`, `ts`, `ttl`, and user data under `data`. Elements of
//! arrays on the way are entries of their own. A document has no entry whose terms, or whose values, are all null.

use super::IndexedDocument;
use super::entries::Fields;
use super::schema::{
    BackingIndex, Collection, IndexStatus, LegacyField, LegacyIndex, LegacyOrigin,
};
use super::schema::{Schema, native};
use crate::value::casefold::fold_case;
use crate::value::{CollId, Doc, DocId, DocKey, IndexId, PathPart, Str, Value};
use std::sync::Arc;

/// An index of either language, as far as writes are concerned.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Physical<'a> {
    /// Of the collection's definition.
    Own(&'a BackingIndex),
    /// Of FQL v4.
    Legacy(&'a LegacyIndex),
}

impl<'a> Physical<'a> {
    pub fn id(self) -> IndexId {
        match self {
            Physical::Own(index) => index.id,
            Physical::Legacy(index) => index.id,
        }
    }

    pub fn status(self) -> IndexStatus {
        match self {
            Physical::Own(index) => index.status,
            Physical::Legacy(index) => index.status,
        }
    }

    pub fn unique(self) -> bool {
        match self {
            Physical::Own(index) => index.unique,
            Physical::Legacy(index) => index.unique,
        }
    }
}

/// The indexes that writes of a collection's documents maintain.
pub(crate) fn physical<'a>(
    schema: &'a Schema,
    collection: &'a Collection,
    own: &'a [Arc<LegacyIndex>],
) -> impl Iterator<Item = Physical<'a>> {
    let backing = collection.backing.iter();
    let legacy = schema.legacy_indexes_of(collection.id).iter();
    // What the transaction has defined itself is not in its schema.
    let own = own
        .iter()
        .filter(|index| index.bindings(collection.id).is_some());
    backing
        .map(|index| Physical::Own(index))
        .chain(legacy.chain(own).map(|index| Physical::Legacy(index)))
}

/// The values an index of FQL v4 takes from a document for one of its terms or values; at least one.
///
/// The time of the document's write is not known when it is indexed: as a value it is written when it is, and as a term
/// it is null, but not nothing.
pub(super) fn choices(fields: &Fields<'_>, index: &LegacyIndex, field: &LegacyField) -> Vec<Value> {
    let mut found = match &field.origin {
        LegacyOrigin::Binding(name) => bound(fields, index, name),
        LegacyOrigin::Path(path) => at_path(fields, path, field),
    };
    if found.is_empty() {
        found.push(Value::NULL);
    }
    found
}

fn at_path(fields: &Fields<'_>, path: &[PathPart], field: &LegacyField) -> Vec<Value> {
    let value = match select_top(fields, path, field.mva) {
        // What is chosen by its path only is transformed as an array, or not at all.
        Some(Value::Array(items)) if field.casefold => {
            Value::array(items.iter().map(folded).collect())
        }
        Some(_) | None if field.casefold && !field.mva => return Vec::new(),
        Some(value) if field.casefold => folded(&value),
        Some(value) => value,
        None => return Vec::new(),
    };
    match field.mva {
        false => vec![value],
        true => {
            let mut out = Vec::new();
            flatten(&value, &mut out);
            out
        }
    }
}

fn folded(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::string(fold_case(text)),
        other => other.clone(),
    }
}

/// Elements of nested arrays; an object counts as null.
fn flatten(value: &Value, out: &mut Vec<Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| flatten(item, out)),
        Value::Object(_) => out.push(Value::NULL),
        other => out.push(other.clone()),
    }
}

/// The values of a binding: a scalar, or the scalars of an array, whose nested arrays count as null.
fn bound(fields: &Fields<'_>, index: &LegacyIndex, name: &Str) -> Vec<Value> {
    let coll = fields.collection.id;
    let query = index
        .bindings(coll)
        .unwrap_or_default()
        .iter()
        .find(|(known, _)| known == name)
        .map(|(_, query)| query);
    let (Some(query), Some(bindings)) = (query, fields.bindings) else {
        return Vec::new();
    };
    // Whatever the version, the time of its write is told apart from other numbers.
    let document = IndexedDocument {
        ts: None,
        ..fields.document
    };
    let known = |value: Value| match (value, fields.document.ts) {
        (Value::TransactionTime, Some(ts)) => Value::Time(ts.into()),
        (value, _) => value,
    };
    match bindings.evaluate(fields.scope, fields.collection, &document, query) {
        Some(Value::Array(items)) => {
            let scalar = |item: &Value| match item {
                Value::Array(_) | Value::Object(_) => Value::NULL,
                other => known(other.clone()),
            };
            items.iter().map(scalar).collect()
        }
        Some(Value::Object(_)) | None => Vec::new(),
        Some(scalar) => vec![known(scalar)],
    }
}

/// Whether a value is the time of the document's write, as a binding or the path `ts` yields it.
pub(super) fn is_write_time(fields: &Fields<'_>, field: &LegacyField, value: &Value) -> bool {
    match (value, fields.document.ts) {
        (Value::TransactionTime, _) => true,
        (Value::Time(time), Some(ts)) => field.may_be_ts() && *time == ts.into(),
        _ => false,
    }
}

/// The value at a path of a document as FQL v4 shows it.
fn select_top(fields: &Fields<'_>, path: &[PathPart], all: bool) -> Option<Value> {
    let document = &fields.document;
    let (first, rest) = path.split_first()?;
    let PathPart::Field(name) = first else {
        return None;
    };
    let native = fields.collection.native.is_some();
    let value = match &**name {
        "ref" => reference(fields.collection.id, document.id),
        "class" => reference(native::COLLECTION, DocId(fields.collection.id.0 as i64)),
        "ts" => document
            .ts
            .map_or(Value::TransactionTime, |ts| Value::Time(ts.into())),
        "ttl" => Value::Time(document.ttl?),
        "data" if !native => match document.data.is_empty() {
            true => return None,
            false => Value::Object(document.data.clone()),
        },
        _ if !native => return None,
        "instance" => document.data.get("document")?.clone(),
        _ => document.data.get(name)?.clone(),
    };
    select(fields, &value, rest, all)
}

/// The value at a path; with `all`, elements of arrays on the way and at the end are taken together.
fn select(fields: &Fields<'_>, value: &Value, path: &[PathPart], all: bool) -> Option<Value> {
    match (value, path.split_first()) {
        (Value::Array(items), first) => match first {
            None if !all => Some(value.clone()),
            Some((PathPart::Index(at), rest)) => {
                let item = usize::try_from(*at).ok().and_then(|at| items.get(at))?;
                select(fields, item, rest, all)
            }
            Some((PathPart::Field(_), _)) if !all => None,
            Some((PathPart::Field(_), _)) | None => {
                let mut out = Vec::new();
                for item in items.iter() {
                    match select(fields, item, path, true) {
                        Some(Value::Array(inner)) => out.extend(inner.iter().cloned()),
                        Some(other) => out.push(other),
                        None => {}
                    }
                }
                Some(Value::array(out))
            }
        },
        (value, None) => Some(value.clone()),
        (Value::Object(object), Some((PathPart::Field(name), rest))) => {
            select(fields, object.get(name)?, rest, all)
        }
        (Value::Doc(doc), Some((PathPart::Field(name), rest))) => {
            let part = of_reference(fields.schema, doc, name)?;
            select(fields, &part, rest, all)
        }
        (_, Some(_)) => None,
    }
}

/// What a path finds in a reference: its id, its collection.
fn of_reference(schema: &Schema, doc: &Doc, name: &str) -> Option<Value> {
    match name {
        "id" => {
            let DocKey::Id(id) = doc.key else { return None };
            let named = match doc.coll {
                native::COLLECTION => schema
                    .collection(CollId(id.0.max(0) as u64))
                    .map(|c| &c.name),
                native::FUNCTION => schema.function(id).map(|function| &function.name),
                native::LEGACY_INDEX => schema
                    .legacy_index(IndexId(id.0.max(0) as u64))
                    .map(|index| &index.name),
                native::ROLE => schema
                    .roles()
                    .into_iter()
                    .find(|role| role.id == id)
                    .map(|role| &role.name),
                _ => return Some(Value::string(id.0.to_string())),
            };
            named.map(|name| Value::String(name.clone()))
        }
        "collection" | "class" => Some(reference(native::COLLECTION, DocId(doc.coll.0 as i64))),
        _ => None,
    }
}

fn reference(coll: CollId, id: DocId) -> Value {
    Value::Doc(Arc::new(Doc {
        coll,
        key: DocKey::Id(id),
        at: None,
        deleted: false,
        named: false,
        cover: None,
    }))
}
