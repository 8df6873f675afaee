//! Writes to one document of any collection (`spec fql10-data 3`).

use super::super::{Failure, Interp, Resource, Result};
use super::{Change, WriteMode};
use crate::access::{Action, Permissions};
use crate::model::Version;
use crate::model::native;
use crate::model::schema::field_type::{FieldType, ObjectType};
use crate::model::schema::merge::{check_storable, merged, without_nulls};
use crate::model::schema::names::RESERVED_FIELDS;
use crate::model::schema::validate::{Resolve, validate_object, validate_value};
use crate::model::schema::{Collection, ConstraintFailure, Schema};
use crate::value::{CollId, Doc, DocId, DocKey, Object, PathPart, Time, Value};
use std::sync::Arc;

const SECONDS_OF_DAY: i64 = 86_400;

/// A document's contents as they are to be stored.
struct Contents {
    data: Object,
    ttl: Option<Time>,
}

impl Interp {
    /// Creates a document.
    pub fn create_document(
        &mut self,
        coll: CollId,
        argument: &Object,
        mode: WriteMode,
    ) -> Result<Arc<Doc>> {
        self.check_present()?;
        let collection = self.written_collection(coll)?;
        let failed = format!("Failed to create {}.", describe(&collection));
        if mode == WriteMode::Fields {
            refuse_computed(&collection, argument, &failed)?;
        }
        let mut argument = argument.clone();
        let takes_id = mode == WriteMode::Fields && !collection.is_named();
        let given_id = match argument.get("id") {
            Some(id) if takes_id => Some(given_id(id, &failed)?),
            _ => None,
        };
        if takes_id {
            argument.remove("id");
        }
        self.storable(&argument)?;
        let id = match given_id {
            Some(id) => id,
            None if coll == native::COLLECTION => DocId(self.txn.new_collection_id()?.0 as i64),
            None => self.txn.model().new_id(),
        };
        self.authorize_create(&collection, id, given_id.is_some(), &argument, mode)?;
        self.check_not_mixed(coll)?;
        if given_id.is_some() && self.txn.get(coll, id, None)?.is_some() {
            let message = format!(
                "Collection `{}` already contains document with id {}.",
                collection.name, id.0
            );
            return Err(Failure::new("document_id_exists", message));
        }
        if mode == WriteMode::Fields {
            refuse_reserved(&collection, &argument, &failed)?;
        }
        let mut contents = self.contents(&collection, None, argument, None, mode, &failed)?;
        self.give_secret(coll, id, &mut contents.data)?;
        self.store(&collection, id, contents, None, &failed)?;
        let mut doc = self.doc(coll, id);
        if collection.is_named() {
            doc = Arc::new(Doc {
                named: true,
                ..Doc::clone(&doc)
            });
        }
        if let Some((_, shown_by)) = self.secrets.get_mut(&(coll, id)) {
            *shown_by = Some(doc.clone());
        }
        Ok(doc)
    }

    /// Updates or replaces a document.
    pub fn change_document(
        &mut self,
        doc: &Arc<Doc>,
        change: Change,
        argument: &Object,
        mode: WriteMode,
    ) -> Result {
        self.check_present()?;
        let coll = doc.coll;
        let Some((id, before)) = self.existing(doc)? else {
            return Err(self.unwritable(doc)?);
        };
        let collection = self.written_collection(coll)?;
        let failed = match collection.is_named() {
            true => format!(
                "Failed to update {} `{}`.",
                collection.name,
                self.doc_name(doc)?
            ),
            false => format!(
                "Failed to update {} with id {}{}.",
                describe_one(&collection),
                id.0,
                within(&collection)
            ),
        };
        self.storable(argument)?;
        if mode == WriteMode::Fields {
            refuse_computed(&collection, argument, &failed)?;
        }
        let old = before.object();
        self.authorize_change(&collection, id, &before, change, argument, mode)?;
        self.check_not_mixed(coll)?;
        if mode == WriteMode::Fields {
            refuse_reserved(&collection, argument, &failed)?;
        }
        let contents = self.contents(
            &collection,
            Some(&before),
            argument.clone(),
            Some(change),
            mode,
            &failed,
        )?;
        self.store(&collection, id, contents, Some(old), &failed)?;
        Ok(Value::Doc(doc.clone()))
    }

    /// Deletes a document.
    pub fn delete_document(&mut self, doc: &Arc<Doc>) -> Result {
        self.check_present()?;
        let coll = doc.coll;
        self.authorize(Action::Delete, Resource::Collection(coll), || {
            vec![Value::Doc(Arc::new(Doc {
                at: None,
                cover: None,
                ..(**doc).clone()
            }))]
        })?;
        let Some((id, before)) = self.existing(doc)? else {
            return Err(self.unwritable(doc)?);
        };
        self.check_not_mixed(coll)?;
        let name = match native::is_named(coll) {
            true => Some(self.doc_name(doc)?),
            false => None,
        };
        if native::is_native(coll) {
            self.before_native_delete(coll, id, &before.object(), name.as_deref())?;
        }
        self.txn.delete(coll, id)?;
        self.note_write(coll, id, Some(before.object()), name.clone());
        let key = match name {
            Some(name) => DocKey::Name(name),
            None => DocKey::Id(id),
        };
        Ok(Value::Doc(Arc::new(Doc {
            coll,
            key,
            at: None,
            deleted: true,
            named: false,
            cover: None,
        })))
    }

    /// The current version of a document that may be read, and its id.
    fn existing(&mut self, doc: &Doc) -> Result<Option<(DocId, Arc<Version>)>> {
        if doc.deleted {
            return Ok(None);
        }
        let now = Doc {
            at: None,
            ..doc.clone()
        };
        let version = match self.read(&now)? {
            Ok(version) => version,
            Err(_) => return Ok(None),
        };
        Ok(self.doc_id(&now)?.map(|id| (id, version)))
    }

    /// Why a document cannot be written: it is not there, at its own time or now.
    fn unwritable(&mut self, doc: &Doc) -> Result<Failure> {
        let now = Doc {
            at: None,
            cover: None,
            ..doc.clone()
        };
        let missing = match self.missing(doc)? {
            Some(missing) => Some(missing),
            None => self.missing(&now)?,
        };
        Ok(match missing {
            Some(missing) => self.missing_failure(doc, &missing),
            None => Failure::permission_denied(),
        })
    }

    /// What is to be stored: merged, with defaults, checked, without nulls.
    fn contents(
        &mut self,
        collection: &Arc<Collection>,
        before: Option<&Arc<Version>>,
        mut argument: Object,
        change: Option<Change>,
        mode: WriteMode,
        failed: &str,
    ) -> Result<Contents> {
        let keeps_ttl = !collection.is_native()
            || collection
                .native
                .is_some_and(|native| native.field("ttl").is_some());
        let given_ttl = match mode {
            WriteMode::Fields if keeps_ttl => argument.remove("ttl"),
            WriteMode::Fields | WriteMode::Data => None,
        };
        let old = before.map(|version| version.object());
        let (mut data, defaults) = match (change, &old) {
            (Some(Change::Update), Some(old)) => (merged(old, &argument), false),
            (_, Some(old)) => (with_internal_fields(collection, argument, old), true),
            (_, None) => (argument, true),
        };
        if defaults {
            self.add_defaults(collection, &mut data, failed)?;
        }
        let schema = self.txn.schema().clone();
        let resolve = resolver(&schema);
        let mut failures = match collection.native {
            Some(native) => {
                validate_object(native.object_without_ttl(), &data, old.as_deref(), &resolve)
            }
            None => validate_object(collection.object_type(), &data, None, &resolve),
        };
        if mode == WriteMode::Data {
            failures.iter_mut().for_each(under_data);
        }
        let (ttl, ttl_failures) = self.ttl(collection, before, given_ttl, change, mode, &resolve);
        failures.extend(ttl_failures);
        if collection.is_native() {
            let mut named = self.name_failures(collection.id, &data, old.as_deref())?;
            named.append(&mut failures);
            failures = named;
        }
        refuse(failures, failed)?;
        if collection.is_native() {
            self.complete_native(collection.id, &mut data, old.is_none(), failed)?;
        }
        let data = match change {
            Some(Change::Update) => data,
            Some(Change::Replace) | None => without_nulls(&data),
        };
        Ok(Contents { data, ttl })
    }

    /// When the written document expires (`spec fql10-data 1.4`).
    fn ttl(
        &self,
        collection: &Collection,
        before: Option<&Arc<Version>>,
        given: Option<Value>,
        change: Option<Change>,
        mode: WriteMode,
        resolve: Resolve,
    ) -> (Option<Time>, Vec<ConstraintFailure>) {
        let renewed = renewed_ttl(collection, self.txn.time().into());
        match given {
            Some(Value::Time(time)) => (Some(time), Vec::new()),
            Some(Value::TransactionTime) => (Some(self.txn.time().into()), Vec::new()),
            Some(Value::Null(_)) => (None, Vec::new()),
            Some(other) => {
                let path = vec![crate::value::PathPart::Field("ttl".into())];
                (
                    None,
                    validate_value(&FieldType::Time.optional(), &other, path, resolve),
                )
            }
            None if renewed.is_some() => (renewed, Vec::new()),
            None => {
                let kept = match (change, mode) {
                    (Some(Change::Update), _) => before.and_then(|version| version.ttl),
                    (Some(Change::Replace) | None, WriteMode::Fields | WriteMode::Data) => None,
                };
                (kept, Vec::new())
            }
        }
    }

    /// Writes the document, and what follows from it.
    fn store(
        &mut self,
        collection: &Arc<Collection>,
        id: DocId,
        contents: Contents,
        before: Option<Arc<Object>>,
        failed: &str,
    ) -> Result<()> {
        let coll = collection.id;
        let mut data = contents.data;
        if coll == native::COLLECTION {
            self.add_migrations(id, &mut data)?;
        }
        let data = Arc::new(data);
        let outcome = self.txn.put(coll, id, data.clone(), contents.ttl)?;
        self.note_write(coll, id, before.clone(), None);
        if !outcome.unique_conflicts.is_empty() {
            let failures = outcome
                .unique_conflicts
                .into_iter()
                .map(|conflict| ConstraintFailure {
                    paths: conflict.paths,
                    index: conflict.legacy,
                    message: "Failed unique constraint".into(),
                })
                .collect();
            return refuse(failures, "Failed unique constraint.");
        }
        if collection.is_native() {
            let failures = self.after_native_write(coll, id, &data, before.as_deref())?;
            return refuse(failures, failed);
        }
        self.check_constraints(collection, id, failed)
    }

    /// Fails inside `at(past)`.
    fn check_present(&self) -> Result<()> {
        match self.at {
            Some(at) if at < self.txn.time() => Err(Failure::new(
                "invalid_write",
                "Cannot write at a snapshot time in the past.",
            )),
            Some(_) | None => Ok(()),
        }
    }

    /// The collection that is written to, as of the start of the query.
    fn written_collection(&self, coll: CollId) -> Result<Arc<Collection>> {
        self.collection(coll).ok_or_else(|| {
            Failure::new(
                "invalid_write",
                "Cannot write to a collection that does not exist.",
            )
        })
    }

    /// Fails if the definition of the collection is written by this query too.
    fn check_not_mixed(&mut self, coll: CollId) -> Result<()> {
        if native::is_native(coll) {
            return Ok(());
        }
        let mixed = self
            .pending
            .native
            .iter()
            .any(|write| write.coll == native::COLLECTION && write.id.0 as u64 == coll.0);
        if mixed { Err(mixed_write()) } else { Ok(()) }
    }

    /// Remembers what was written, for the end of the query.
    fn note_write(
        &mut self,
        coll: CollId,
        id: DocId,
        before: Option<Arc<Object>>,
        name: Option<crate::value::Str>,
    ) {
        if !native::is_native(coll) {
            self.pending.documents.insert(coll);
            return;
        }
        let frames = self.frames().to_vec();
        let by_server = self.principal.permissions == Permissions::Server;
        match self
            .pending
            .native
            .iter_mut()
            .find(|write| write.coll == coll && write.id == id)
        {
            Some(known) => {
                known.frames = frames;
                known.by_server = by_server;
            }
            None => {
                let name = name
                    .or_else(|| crate::model::schema::load::text(before.as_deref()?, "name"))
                    .unwrap_or_default();
                self.pending.native.push(super::NativeWrite {
                    coll,
                    id,
                    name,
                    before,
                    frames,
                    by_server,
                });
            }
        }
    }

    /// Whether documents of the collection were written by this query.
    pub(super) fn has_written_documents(&self, coll: CollId) -> bool {
        self.pending.documents.contains(&coll)
    }
}

/// A collection's definition and its documents in one query.
pub(super) fn mixed_write() -> Failure {
    Failure::new(
        "invalid_write",
        "Cannot modify a document and its collection in the same query.",
    )
}

/// Looks names of types up in a schema.
pub(super) fn resolver(schema: &Schema) -> impl Fn(&str) -> Option<CollId> {
    |name| {
        let native = native::by_name(name).map(|native| native.id);
        schema
            .collection_named(name)
            .map(|collection| collection.id)
            .or(native)
    }
}

/// Fails with the failures, if there are any.
pub(super) fn refuse(failures: Vec<ConstraintFailure>, message: &str) -> Result<()> {
    if failures.is_empty() {
        return Ok(());
    }
    Err(Failure::new("constraint_failure", message).constraints(failures))
}

fn describe(collection: &Collection) -> String {
    match collection.is_native() {
        true => collection.name.to_string(),
        false => format!("document in collection `{}`", collection.name),
    }
}

fn describe_one(collection: &Collection) -> &str {
    if collection.is_native() {
        &collection.name
    } else {
        "document"
    }
}

fn within(collection: &Collection) -> String {
    if collection.is_native() {
        String::new()
    } else {
        format!(" in collection `{}`", collection.name)
    }
}

impl Interp {
    /// Fails unless all of an object can be kept in a document.
    fn storable(&self, argument: &Object) -> Result<()> {
        let values: Vec<&Value> = argument.iter().map(|(_, value)| value).collect();
        self.check_keepable(values.iter().copied())?;
        check_storable(argument).map_err(|refusal| Failure::new("invalid_type", refusal.0))
    }
}

fn refuse_computed(collection: &Collection, argument: &Object, failed: &str) -> Result<()> {
    let computed = argument
        .keys()
        .filter(|name| collection.computed_field(name).is_some());
    refuse(
        computed
            .map(|name| ConstraintFailure::field(name, "Cannot write to a computed field"))
            .collect(),
        failed,
    )
}

fn refuse_reserved(collection: &Collection, argument: &Object, failed: &str) -> Result<()> {
    let reserved = |name: &&crate::value::Str| {
        RESERVED_FIELDS.contains(&&***name) && !(collection.is_native() && &***name == "data")
    };
    let names = argument.keys().filter(reserved);
    refuse(
        names
            .map(|name| ConstraintFailure::field(name, "Is a reserved field and cannot be used"))
            .collect(),
        failed,
    )
}

fn given_id(id: &Value, failed: &str) -> Result<DocId> {
    let problem = match id {
        Value::Id(n) | Value::Long(n) if *n >= 0 => return Ok(DocId(*n)),
        Value::Int(n) if *n >= 0 => return Ok(DocId(i64::from(*n))),
        Value::String(text) => match text.parse::<i64>() {
            Ok(n) if n >= 0 => return Ok(DocId(n)),
            Ok(_) => "id must be nonnegative".to_string(),
            Err(_) => "Expected ID | String | Long, provided String".to_string(),
        },
        Value::Id(_) | Value::Long(_) | Value::Int(_) => "id must be nonnegative".to_string(),
        Value::Null(_) => "Missing required field of type ID | String | Long".to_string(),
        other => {
            format!(
                "Expected ID | String | Long, provided {}",
                crate::model::schema::type_display::provided(other)
            )
        }
    };
    refuse(vec![ConstraintFailure::field("id", problem)], failed).map(|()| DocId(-1))
}

/// When a document that is written now expires by its collection's `ttl_days`.
pub(super) fn renewed_ttl(collection: &Collection, now: Time) -> Option<Time> {
    collection.ttl_days.map(|days| Time {
        secs: now.secs.saturating_add(days.saturating_mul(SECONDS_OF_DAY)),
        nanos: now.nanos,
    })
}

/// A replaced document keeps what only the system writes.
pub(super) fn with_internal_fields(
    collection: &Collection,
    mut argument: Object,
    old: &Object,
) -> Object {
    let Some(native) = collection.native else {
        return argument;
    };
    let rules: &ObjectType = native.object();
    for rule in rules
        .fields
        .iter()
        .filter(|rule| rule.access != crate::model::schema::field_type::Access::Open)
    {
        if let (false, Some(value)) = (argument.contains_key(&rule.name), old.get(&rule.name)) {
            argument.insert(rule.name.clone(), value.clone());
        }
    }
    argument
}

/// A failure of user data named like a field of every document tells that the data is meant.
fn under_data(failure: &mut ConstraintFailure) {
    for path in &mut failure.paths {
        if matches!(path.first(), Some(PathPart::Field(name)) if ["id", "ts", "ttl"].contains(&&**name))
        {
            path.insert(0, PathPart::Field("data".into()));
        }
    }
}
