//! Documents as values: live references whose fields are read when asked for (`spec fql10-data 1, 4`).

use super::chain::{Before, Found};
use super::{Effect, Failure, Interp, Resource, Result};
use crate::access::secret::Secret;
use crate::model::schema::{Action, Collection};
use crate::model::{Version, native};
use crate::store::TxnTime;
use crate::value::{CollId, Doc, DocId, DocKey, Module, NullReason, Object, Str, Value};
use std::sync::Arc;

/// Why a document cannot be read (`spec fql10-data 4.2`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// There is none.
    NotFound,
    /// The value that `delete()` returned.
    Deleted,
    /// This principal may not read it.
    PermissionDenied,
    /// Its collection is gone.
    CollectionDeleted,
}

impl Missing {
    /// As rendered.
    pub fn cause(self) -> &'static str {
        match self {
            Missing::NotFound => "not found",
            Missing::Deleted => "deleted",
            Missing::PermissionDenied => "permission denied",
            Missing::CollectionDeleted => "collection deleted",
        }
    }
}

/// Names that are never user data at the top level of a document.
pub const RESERVED: [&str; 10] = [
    "id",
    "coll",
    "ts",
    "data",
    "delete",
    "update",
    "replace",
    "updateData",
    "replaceData",
    "exists",
];

impl Interp {
    /// A reference to a document by id, in the read time in force.
    pub fn doc(&self, coll: CollId, id: DocId) -> Arc<Doc> {
        Arc::new(Doc {
            coll,
            key: DocKey::Id(id),
            at: self.at,
            deleted: false,
            named: false,
            cover: None,
        })
    }

    /// The collection of a document, as of the start of the query.
    pub fn collection(&self, id: CollId) -> Option<Arc<Collection>> {
        self.txn.schema().collection(id).cloned()
    }

    /// The id of the document a reference names; `None` for a name that nothing bears.
    pub fn doc_id(&mut self, doc: &Doc) -> Result<Option<DocId>> {
        match &doc.key {
            DocKey::Id(id) => Ok(Some(*id)),
            DocKey::Name(name) => Ok(self.txn.by_name(doc.coll, name, self.document_time(doc))?),
        }
    }

    /// The time a document is read at: its own, else that of the `at` around, else that of the page around.
    fn document_time(&self, doc: &Doc) -> Option<TxnTime> {
        doc.at.or(self.at).or(self.as_of)
    }

    /// The document's current (or past) version, or why there is none.
    pub fn read(&mut self, doc: &Doc) -> Result<std::result::Result<Arc<Version>, Missing>> {
        if doc.deleted {
            return Ok(Err(Missing::Deleted));
        }
        if self.txn.schema().collection(doc.coll).is_none() {
            return Ok(Err(Missing::CollectionDeleted));
        }
        if let Some(version) = self.prospective_version(doc) {
            return Ok(Ok(version.clone()));
        }
        let id = self.doc_id(doc)?;
        // The permission answer wins over existence.
        if self.secret_of(doc, id).is_none() && !self.can_read(doc, id)? {
            return Ok(Err(Missing::PermissionDenied));
        }
        let Some(id) = id else {
            return Ok(Err(Missing::NotFound));
        };
        Ok(self
            .txn
            .get(doc.coll, id, self.document_time(doc))?
            .ok_or(Missing::NotFound))
    }

    /// What a value shows that stands for the outcome of a write being authorized.
    pub fn prospective_version(&self, doc: &Doc) -> Option<&Arc<Version>> {
        let mut shown = self.prospective.iter();
        shown
            .find(|(shown_by, _)| std::ptr::eq(&**shown_by, doc))
            .map(|(_, version)| version)
    }

    /// Why the document cannot be read, if it cannot.
    pub fn missing(&mut self, doc: &Doc) -> Result<Option<Missing>> {
        // An index entry is there for live documents only, and what may not be read is no element of the set.
        if self.cover_in_force(doc).is_some() {
            return Ok(None);
        }
        Ok(self.read(doc)?.err())
    }

    /// The name of a document in a named collection, which whoever has the reference may know
    /// (`spec access-control 3.1`).
    pub fn doc_name(&mut self, doc: &Doc) -> Result<Str> {
        if let Some(Value::String(name)) = self
            .prospective_version(doc)
            .and_then(|version| version.field("name"))
        {
            return Ok(name);
        }
        match &doc.key {
            DocKey::Name(name) => Ok(name.clone()),
            DocKey::Id(id) => match self
                .txn
                .get(doc.coll, *id, self.document_time(doc))?
                .and_then(|v| v.field("name"))
            {
                Some(Value::String(name)) => Ok(name),
                // Deleted by this query: the name it had.
                _ => {
                    let before = self
                        .txn
                        .get(doc.coll, *id, Some(self.txn.snapshot_time()))?;
                    match before.and_then(|v| v.field("name")) {
                        Some(Value::String(name)) => Ok(name),
                        _ => Ok(id.0.to_string().into()),
                    }
                }
            },
        }
    }

    /// What messages call the collection.
    pub fn collection_name(&self, coll: CollId) -> Str {
        match native::name(coll) {
            Some(name) => name.into(),
            None => self
                .txn
                .schema()
                .collection(coll)
                .map_or_else(|| "Deleted".into(), |c| c.name.clone()),
        }
    }

    /// The module value of a document's collection.
    pub fn collection_module(&self, coll: CollId) -> Value {
        if !native::is_native(coll) && self.txn.schema().collection(coll).is_none() {
            return Value::Module(Module::Deleted);
        }
        Value::Module(Module::Collection {
            id: coll,
            name: self.collection_name(coll),
        })
    }

    /// ``Collection `Foo` does not contain document with id 1.`` and its kin.
    pub fn not_found_message(&mut self, doc: &Doc) -> Result<String> {
        if native::is_named(doc.coll) {
            let name = self.doc_name(doc)?;
            return Ok(format!(
                "{} `{name}` not found.",
                self.collection_name(doc.coll)
            ));
        }
        let id = self.doc_id(doc)?.map_or(-1, |id| id.0);
        Ok(format!(
            "Collection `{}` does not contain document with id {id}.",
            self.collection_name(doc.coll)
        ))
    }

    /// What `doc!` reports.
    pub fn missing_failure(&mut self, doc: &Doc, missing: &Missing) -> Failure {
        match missing {
            Missing::PermissionDenied => {
                Failure::new("null_value", "Null value, due to permission denied")
            }
            Missing::CollectionDeleted => {
                let id = match &doc.key {
                    DocKey::Id(id) => id.0,
                    DocKey::Name(_) => -1,
                };
                let message = format!(
                    "Document with id {id} does not exist because the collection was deleted."
                );
                Failure::new("document_not_found", message)
            }
            Missing::NotFound | Missing::Deleted => match self.not_found_message(doc) {
                Ok(message) => Failure::new("document_not_found", message),
                Err(failure) => failure,
            },
        }
    }

    /// What reading field or method `name` of a missing document reports.
    pub fn missing_access(&mut self, doc: &Doc, missing: &Missing, name: &str) -> Failure {
        match missing {
            Missing::NotFound => self.missing_failure(doc, missing),
            Missing::PermissionDenied => Failure::permission_denied(),
            Missing::Deleted | Missing::CollectionDeleted => Failure::new(
                "invalid_null_access",
                format!("Cannot access `{name}` on null."),
            ),
        }
    }

    /// `doc["name"]`: a field or method of a document that was found to be readable; `None` if it has neither.
    pub fn doc_member(
        &mut self,
        value: &Value,
        doc: &Arc<Doc>,
        name: &Str,
    ) -> Result<Option<Value>> {
        let here = Before {
            span: self.frame().map(|frame| frame.span).unwrap_or_default(),
            frames: 1,
        };
        Ok(match self.find_in_doc(value, doc, name, here)? {
            Found::Value(value) => Some(value),
            Found::Method(id) => Some(self.bound(id, value)),
            Found::Nothing => None,
        })
    }

    pub(super) fn find_in_doc(
        &mut self,
        value: &Value,
        doc: &Arc<Doc>,
        name: &Str,
        before: Before,
    ) -> Result<Found> {
        match &**name {
            "id" if !native::is_named(doc.coll) => {
                let id = self.doc_id(doc)?.map_or(-1, |id| id.0);
                return Ok(Found::Value(Value::Id(id)));
            }
            "name" if native::is_named(doc.coll) => {
                return Ok(Found::Value(Value::String(self.doc_name(doc)?)));
            }
            "coll" => return Ok(Found::Value(self.collection_module(doc.coll))),
            "exists" => {
                if let Some(id) = self.member_of(value, "exists") {
                    return Ok(Found::Method(id));
                }
            }
            _ => {}
        }
        if let Some(id) = self.member_of(value, name) {
            self.check_readable(doc, name, before)?;
            return self.member_found(value, id);
        }
        self.require(Effect::Read, || "Reading a field".into())?;
        if let Some(covered) = self.covered(doc, name) {
            return Ok(Found::Value(covered));
        }
        self.hint_uncovered(doc, name);
        let version = self.readable(doc, name, before)?;
        Ok(self
            .version_field(doc, &version, name)?
            .map_or(Found::Nothing, Found::Value))
    }

    /// The value of a stored, computed or virtual field of a readable document; `None` if it has none.
    pub fn doc_field(&mut self, doc: &Arc<Doc>, name: &str) -> Result<Option<Value>> {
        let version = match self.read(doc)? {
            Ok(version) => version,
            Err(_) => return Ok(None),
        };
        self.version_field(doc, &version, name)
    }

    fn version_field(
        &mut self,
        doc: &Arc<Doc>,
        version: &Version,
        name: &str,
    ) -> Result<Option<Value>> {
        match name {
            "id" if !native::is_named(doc.coll) => {
                return Ok(self.doc_id(doc)?.map(|id| Value::Id(id.0)));
            }
            "coll" => return Ok(Some(self.collection_module(doc.coll))),
            "ts" => return Ok(Some(version_ts(version))),
            "ttl" => return Ok(version.ttl.map(Value::Time)),
            "data" if !native::is_native(doc.coll) => {
                return Ok(Some(
                    self.at_read_time(doc, Value::Object(version.object())),
                ));
            }
            _ => {}
        }
        if let Some(collection) = self.txn.schema().collection(doc.coll) {
            if let Some(native) = collection.native {
                if name == "secret"
                    && let Some(secret) = self.new_secret(doc)?
                {
                    return Ok(Some(secret));
                }
                return match version
                    .field(name)
                    .filter(|v| !native.hides(name) && !v.is_null())
                {
                    Some(stored) => {
                        let value = self.native_field(doc.coll, name, stored)?;
                        Ok(Some(self.at_read_time(doc, value)))
                    }
                    None => Ok(None),
                };
            }
            if collection.computed_field(name).is_some() {
                let collection = &collection.clone();
                return self.computed_field(doc, collection, name).map(Some);
            }
        }
        // What a write could not have stored at the top level is reachable through `data` only.
        if RESERVED.contains(&name) {
            return Ok(None);
        }
        Ok(version.field(name).map(|v| self.at_read_time(doc, v)))
    }

    /// The secret that a value shows: the very value that the creation of a key or token by this query yielded.
    fn new_secret(&mut self, doc: &Doc) -> Result<Option<Value>> {
        let id = self.doc_id(doc)?;
        let secret = self.secret_of(doc, id);
        Ok(secret.map(|secret| Value::string(secret.reveal())))
    }

    fn secret_of(&self, doc: &Doc, id: Option<DocId>) -> Option<&Secret> {
        if self.secrets.is_empty() {
            return None;
        }
        let (secret, shown_by) = self.secrets.get(&(doc.coll, id?))?;
        std::ptr::eq(&**shown_by.as_ref()?, doc).then_some(secret)
    }

    /// Evaluates a computed field of a document.
    pub fn computed_field(
        &mut self,
        doc: &Arc<Doc>,
        collection: &Arc<Collection>,
        name: &str,
    ) -> Result {
        let Some(field) = collection.computed_field(name) else {
            return Ok(self.null(NullReason::Literal));
        };
        let lambda = field
            .body
            .lambda()
            .map_err(|d| Failure::invalid_query(d.to_vec()))?
            .clone();
        let source = field.body.source.clone();
        let ceiling = match self.ceiling.effect {
            // Under a stricter ceiling the caller's stays, with its reason.
            Effect::Pure | Effect::Observation | Effect::Read => self.ceiling,
            Effect::Write => super::Ceiling {
                effect: Effect::Read,
                reason: "computed fields",
            },
        };
        let this = Value::Doc(doc.clone());
        self.limited(ceiling, |me| {
            let at = doc.at.or(me.at);
            me.reading_at(at, |me| me.call_stored(&lambda, &source, vec![this]))
        })
    }

    /// References inside the data of a document read in the past are read at that same time.
    pub(super) fn at_read_time(&self, doc: &Doc, value: Value) -> Value {
        match doc.at {
            None => value,
            Some(_) => with_read_time(value, doc),
        }
    }

    /// A field that the index entry the document was found through holds, if it still does.
    fn covered(&self, doc: &Doc, name: &str) -> Option<Value> {
        let cover = self.cover_in_force(doc)?;
        if doc.at.is_none() && self.at.is_some() {
            return None;
        }
        let value = cover.field(name)?.clone();
        Some(self.at_read_time(doc, value))
    }

    /// All fields of a readable document in the order of rendering: id or name, coll, ts, ttl, native or computed
    /// fields, user fields, and last those that only `data` reaches (`spec fql10-data 1.2`).
    pub fn doc_fields(&mut self, doc: &Arc<Doc>, version: &Arc<Version>) -> Result<Object> {
        let mut out = Object::new();
        let collection = self.collection(doc.coll);
        if native::is_named(doc.coll) {
            out.insert("name", Value::String(self.doc_name(doc)?));
        } else {
            out.insert("id", Value::Id(self.doc_id(doc)?.map_or(-1, |id| id.0)));
        }
        out.insert("coll", self.collection_module(doc.coll));
        out.insert("ts", version_ts(version));
        if let Some(ttl) = version.ttl {
            out.insert("ttl", Value::Time(ttl));
        }
        let data = version.object();
        if let Some(native) = native::by_id(doc.coll) {
            for name in native.display {
                if *name == "secret"
                    && let Some(secret) = self.new_secret(doc)?
                {
                    out.insert(*name, secret);
                } else if let Some(value) = data.get(name)
                    && !value.is_null()
                {
                    let value = self.native_field(doc.coll, name, value.clone())?;
                    out.insert(*name, self.at_read_time(doc, value));
                }
            }
            return Ok(out);
        }
        let mut special = Object::new();
        if let Some(collection) = &collection {
            for field in &collection.computed {
                let value = self.computed_field(doc, collection, &field.name)?;
                out.insert(field.name.clone(), value);
            }
        }
        for (name, value) in data.iter() {
            let value = self.at_read_time(doc, value.clone());
            let computed = collection
                .as_ref()
                .is_some_and(|c| c.computed_field(name).is_some());
            if computed || &**name == "ttl" || RESERVED.contains(&&**name) {
                special.insert(name.clone(), value);
            } else {
                out.insert(name.clone(), value);
            }
        }
        if !special.is_empty() {
            out.insert("data", Value::object(special));
        }
        Ok(out)
    }

    /// Whether the principal may read a document; `id` is `None` for a name that nothing bears.
    pub fn can_read(&mut self, doc: &Doc, id: Option<DocId>) -> Result<bool> {
        let action = if doc.at.is_some() {
            Action::HistoryRead
        } else {
            Action::Read
        };
        let id = id.unwrap_or(DocId(-1));
        // A predicate is told what the index entry tells, unless that entry was read as of another time.
        let cover = doc.cover.clone();
        let cover = cover.filter(|_| self.as_of.is_none() && doc.at.is_none());
        self.allowed(action, Resource::Collection(doc.coll), || {
            // A predicate on reading the past sees the present too.
            let doc = Doc {
                key: DocKey::Id(id),
                at: None,
                cover,
                ..doc.clone()
            };
            vec![Value::Doc(Arc::new(doc))]
        })
    }
}

/// The time of a version: the transaction's own writes do not have one yet.
fn version_ts(version: &Version) -> Value {
    match version.ts {
        Some(ts) => Value::Time(ts.into()),
        None => Value::TransactionTime,
    }
}

fn with_read_time(value: Value, from: &Doc) -> Value {
    match value {
        Value::Doc(doc) => Value::Doc(Arc::new(Doc {
            at: from.at,
            ..(*doc).clone()
        })),
        Value::Array(items) => Value::array(
            items
                .iter()
                .map(|item| with_read_time(item.clone(), from))
                .collect(),
        ),
        Value::Object(object) => Value::object(
            object
                .iter()
                .map(|(k, v)| (k.clone(), with_read_time(v.clone(), from)))
                .collect(),
        ),
        other => other,
    }
}
