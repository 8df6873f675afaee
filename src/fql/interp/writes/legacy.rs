//! Writes of FQL v4, in the one path that leads to the store (`spec fql4 6.5, 9, 10`).
//!
//! What FQL v4 asks of its definitions it validates itself, and its errors are its own; permissions, definitions of FQL
//! v10, indexes, unique and check constraints are those of every write. It may write to a collection that
//! the same query defines, and what it writes to native collections waits for no check at the end of the query.

use super::super::{Interp, Resource, Result};
use super::document::resolver;
use crate::access::Action;
use crate::model::schema::validate::validate_object;
use crate::model::schema::{Collection, ConstraintFailure};
use crate::model::{Version, native};
use crate::value::{CollId, Doc, DocId, DocKey, Object, Time, Value};
use std::sync::Arc;

/// Why a write was refused after its own validation.
#[derive(Clone, Debug, PartialEq)]
pub enum LegacyRefusal {
    /// Another document has the same entry in a unique index.
    NotUnique,
    /// It does not fit what FQL v10 defines for the collection.
    Schema(Vec<ConstraintFailure>),
    /// Check constraints do not hold.
    Checks(Vec<ConstraintFailure>),
}

impl Interp {
    /// Whether a document may be created, under an id that was given if `with_id`. Such ids need their own action, or
    /// else that of creating together with that of writing history.
    pub fn may_create(
        &mut self,
        coll: CollId,
        id: DocId,
        with_id: bool,
        version: &Arc<Version>,
    ) -> Result<bool> {
        let resource = Resource::Collection(coll);
        let present = now(coll, id);
        self.foreseeing(&present.clone(), Some(version.clone()), |me| {
            let subject = || vec![Value::Doc(present.clone())];
            if !with_id {
                return me.allowed(Action::Create, resource, subject);
            }
            if me.allowed(Action::CreateWithId, resource, subject)? {
                return Ok(true);
            }
            Ok(me.allowed(Action::Create, resource, subject)?
                && me.may_write_history(coll, id, me.txn.time().into(), "create", version)?)
        })
    }

    /// Whether a document may be changed to a version.
    pub fn may_write(&mut self, coll: CollId, id: DocId, version: &Arc<Version>) -> Result<bool> {
        let (old, new) = (now(coll, id), now(coll, id));
        self.foreseeing(&new.clone(), Some(version.clone()), |me| {
            me.allowed(Action::Write, Resource::Collection(coll), || {
                vec![Value::Doc(old), Value::Doc(new)]
            })
        })
    }

    /// Whether a document may be deleted.
    pub fn may_delete(&mut self, coll: CollId, id: DocId) -> Result<bool> {
        self.allowed(Action::Delete, Resource::Collection(coll), || {
            vec![Value::Doc(now(coll, id))]
        })
    }

    /// Whether the past of a document may be rewritten: `action` at a time, leaving a version.
    pub fn may_write_history(
        &mut self,
        coll: CollId,
        id: DocId,
        time: Time,
        action: &str,
        version: &Version,
    ) -> Result<bool> {
        let mut data = match native::is_native(coll) {
            true => (*version.object()).clone(),
            false => [("data", Value::Object(version.object()))]
                .into_iter()
                .collect(),
        };
        if let Some(ttl) = version.ttl {
            data.insert("ttl", Value::Time(ttl));
        }
        self.allowed(Action::HistoryWrite, Resource::Collection(coll), || {
            vec![
                Value::Doc(now(coll, id)),
                Value::Time(time),
                Value::string(action),
                Value::object(data),
            ]
        })
    }

    /// Whether a document may be read, or its past.
    pub fn may_read(&mut self, coll: CollId, id: DocId, action: Action) -> Result<bool> {
        self.allowed(action, Resource::Collection(coll), || {
            vec![Value::Doc(now(coll, id))]
        })
    }

    /// Stores a version that is valid by itself: of a user's document its data, of a native one all its fields.
    pub fn put_legacy(
        &mut self,
        coll: CollId,
        id: DocId,
        data: Object,
        ttl: Option<Time>,
    ) -> Result<std::result::Result<(), LegacyRefusal>> {
        let collection = self.txn.known_collection(coll).cloned();
        let user = collection.filter(|collection| !collection.is_native());
        if let Some(collection) = &user {
            let failures = self.unfit(collection, &data)?;
            if !failures.is_empty() {
                return Ok(Err(LegacyRefusal::Schema(failures)));
            }
        }
        let outcome = self.txn.put(coll, id, Arc::new(data), ttl)?;
        if !outcome.unique_conflicts.is_empty() {
            return Ok(Err(LegacyRefusal::NotUnique));
        }
        if let Some(collection) = &user {
            self.pending.documents.insert(coll);
            let failures = self.failed_checks(collection, id)?;
            if !failures.is_empty() {
                return Ok(Err(LegacyRefusal::Checks(failures)));
            }
        }
        Ok(Ok(()))
    }

    /// What a definition of FQL v10 has against data. Defaults count, though they are not stored.
    fn unfit(
        &mut self,
        collection: &Arc<Collection>,
        data: &Object,
    ) -> Result<Vec<ConstraintFailure>> {
        if collection.fields.is_empty() && collection.wildcard.is_none() {
            return Ok(Vec::new());
        }
        let mut completed = data.clone();
        self.add_defaults(collection, &mut completed, "")?;
        let schema = self.txn.schema().clone();
        let resolve = resolver(&schema);
        Ok(validate_object(
            collection.object_type(),
            &completed,
            None,
            &resolve,
        ))
    }
}

/// The document as it is now.
fn now(coll: CollId, id: DocId) -> Arc<Doc> {
    Arc::new(Doc {
        coll,
        key: DocKey::Id(id),
        at: None,
        deleted: false,
        named: false,
        cover: None,
    })
}
