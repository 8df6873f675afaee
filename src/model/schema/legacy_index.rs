//! Indexes of FQL v4 (`spec fql4 8.3`): documents of the native collection `Index`, which name their sources themselves.
//!
//! Unlike the indexes of a collection's definition, one may be over several collections, over all, or over native ones,
//! and its terms and values may be *bindings*: pure functions of the document, evaluated by whoever knows the language.

use super::collection::IndexStatus;
use super::load::{Definition, as_object, one_or_many, text};
use super::native;
use crate::value::{CollId, DocKey, IndexId, Module, Object, PathPart, Str, Value};
use std::sync::Arc;

/// An index of FQL v4.
#[derive(Clone, Debug)]
pub struct LegacyIndex {
    /// Its identity, also the id of its document; never used again.
    pub id: IndexId,
    /// Its name.
    pub name: Str,
    /// What it is over.
    pub sources: Vec<LegacySource>,
    /// What is matched exactly.
    pub terms: Vec<LegacyField>,
    /// What is covered, and sorted by.
    pub values: Vec<LegacyField>,
    /// No two documents may share an entry.
    pub unique: bool,
    /// How far building is. Writes maintain it in every state but `Failed`.
    pub status: IndexStatus,
    /// Its document.
    pub definition: Arc<Object>,
}

/// A part of what a legacy index is over.
#[derive(Clone, Debug)]
pub struct LegacySource {
    /// The collections; `None`: all user-defined ones.
    pub collections: Option<Vec<CollId>>,
    /// Functions of the document, by name.
    pub bindings: Vec<(Str, Value)>,
}

/// A term or a value of a legacy index.
#[derive(Clone, Debug, PartialEq)]
pub struct LegacyField {
    /// Where it comes from.
    pub origin: LegacyOrigin,
    /// Every element of an array is an entry of its own.
    pub mva: bool,
    /// Largest first.
    pub reverse: bool,
    /// Strings are compared without case.
    pub casefold: bool,
}

/// Where a term or value comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum LegacyOrigin {
    /// A path in the document as FQL v4 shows it.
    Path(Vec<PathPart>),
    /// A binding of the source.
    Binding(Str),
}

impl LegacyIndex {
    /// An index from its document.
    pub fn load(definition: &Definition) -> LegacyIndex {
        let doc = &definition.fields;
        let built = matches!(doc.get("active"), Some(Value::Bool(true)));
        let failed = text(doc, "backing").as_deref() == Some(IndexStatus::Failed.name());
        LegacyIndex {
            id: IndexId(definition.id.0.max(0) as u64),
            name: text(doc, "name").unwrap_or_default(),
            sources: sources(doc),
            terms: fields(doc, "terms"),
            values: fields(doc, "values"),
            unique: matches!(doc.get("unique"), Some(Value::Bool(true))),
            status: match (built, failed) {
                (true, _) => IndexStatus::Complete,
                (false, true) => IndexStatus::Failed,
                (false, false) => IndexStatus::Building,
            },
            definition: doc.clone(),
        }
    }

    /// What it computes of documents of a collection; `None` if it is not over it.
    pub fn bindings(&self, coll: CollId) -> Option<&[(Str, Value)]> {
        let named = |source: &&LegacySource| {
            let collections = source.collections.as_ref();
            collections.is_some_and(|collections| collections.contains(&coll))
        };
        // What is named goes before the wildcard.
        let source = self.sources.iter().rfind(named).or_else(|| {
            let all = |source: &&LegacySource| source.collections.is_none();
            let user = coll.0 >= native::FIRST_USER_COLLECTION;
            self.sources.iter().rfind(all).filter(|_| user)
        });
        source.map(|source| &source.bindings[..])
    }

    /// Whether it is over this collection and no other.
    pub fn is_only_over(&self, coll: CollId) -> bool {
        let only = |source: &LegacySource| {
            let collections = source.collections.as_ref();
            collections.is_some_and(|collections| collections.iter().all(|known| *known == coll))
        };
        !self.sources.is_empty() && self.sources.iter().all(only)
    }

    /// The collections it names, and whether it is over all user-defined ones as well.
    pub fn named_sources(&self) -> (Vec<CollId>, bool) {
        let named = self.sources.iter().flat_map(|source| &source.collections);
        let mut named: Vec<CollId> = named.flatten().copied().collect();
        named.sort_unstable();
        named.dedup();
        let all = self
            .sources
            .iter()
            .any(|source| source.collections.is_none());
        (named, all)
    }
}

impl LegacyField {
    /// Whether it is the time of the document's last write: microseconds in FQL v4, which only the commit knows.
    pub fn is_ts(&self) -> bool {
        match &self.origin {
            LegacyOrigin::Path(path) => {
                matches!(&path[..], [PathPart::Field(name)] if &**name == "ts")
            }
            LegacyOrigin::Binding(_) => false,
        }
    }
}

impl LegacyField {
    /// Whether it can be the time of the document's last write.
    pub fn may_be_ts(&self) -> bool {
        match &self.origin {
            LegacyOrigin::Path(_) => self.is_ts(),
            LegacyOrigin::Binding(_) => true,
        }
    }
}

/// The collection that a reference means, as stored; `None` for anything else.
pub fn collection_of(value: &Value) -> Option<CollId> {
    match value {
        Value::Doc(doc) if doc.coll == native::COLLECTION => match &doc.key {
            DocKey::Id(id) => Some(CollId(id.0.max(0) as u64)),
            DocKey::Name(_) => None,
        },
        Value::Module(Module::Collection { id, .. }) => Some(*id),
        _ => None,
    }
}

fn sources(doc: &Object) -> Vec<LegacySource> {
    one_or_many(doc, "source").filter_map(source).collect()
}

fn source(value: &Value) -> Option<LegacySource> {
    let Value::Object(object) = value else {
        return Some(LegacySource {
            collections: collections(value)?,
            bindings: Vec::new(),
        });
    };
    let of = object.get("collection").or_else(|| object.get("class"))?;
    let bindings = match object.get("fields") {
        Some(Value::Object(fields)) => fields
            .iter()
            .map(|(name, query)| (name.clone(), query.clone()))
            .collect(),
        _ => Vec::new(),
    };
    Some(LegacySource {
        collections: collections(of)?,
        bindings,
    })
}

/// The collections of a source; `Some(None)`: all.
fn collections(value: &Value) -> Option<Option<Vec<CollId>>> {
    match value {
        Value::String(all) if &**all == "_" => Some(None),
        Value::Array(items) => Some(Some(items.iter().filter_map(collection_of).collect())),
        one => Some(Some(vec![collection_of(one)?])),
    }
}

fn fields(doc: &Object, name: &str) -> Vec<LegacyField> {
    one_or_many(doc, name)
        .filter_map(as_object)
        .filter_map(field)
        .collect()
}

fn field(entry: &Object) -> Option<LegacyField> {
    let origin = match text(entry, "binding") {
        Some(binding) => LegacyOrigin::Binding(binding),
        None => LegacyOrigin::Path(path(entry.get("field")?)?),
    };
    let flag = |name: &str| match entry.get(name) {
        Some(Value::Bool(on)) => Some(*on),
        _ => None,
    };
    Some(LegacyField {
        origin,
        mva: flag("mva").unwrap_or(true),
        reverse: flag("reverse").unwrap_or(false),
        casefold: text(entry, "transform").as_deref() == Some("casefold"),
    })
}

fn path(value: &Value) -> Option<Vec<PathPart>> {
    let part = |value: &Value| match value {
        Value::String(name) => Some(PathPart::Field(name.clone())),
        other => other.as_i64().map(PathPart::Index),
    };
    match value {
        Value::Array(items) => items.iter().map(part).collect(),
        one => Some(vec![part(one)?]),
    }
}

/// The legacy indexes of a schema, by collection.
pub(super) type BySource = crate::FastMap<CollId, Vec<Arc<LegacyIndex>>>;

/// Which indexes are over which of the known collections.
pub(super) fn by_source(
    indexes: &[Arc<LegacyIndex>],
    collections: impl Iterator<Item = CollId>,
) -> BySource {
    let mut map = BySource::default();
    if indexes.is_empty() {
        return map;
    }
    for coll in collections {
        let over = |index: &&Arc<LegacyIndex>| index.bindings(coll).is_some();
        let found: Vec<_> = indexes.iter().filter(over).cloned().collect();
        if !found.is_empty() {
            map.insert(coll, found);
        }
    }
    map
}
