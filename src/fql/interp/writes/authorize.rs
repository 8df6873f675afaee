//! Asking whether a document may be created or changed (`spec access-control 4.3`).
//!
//! Predicates get the document as the write would leave it, before defaults and validation: a document value that shows
//! what is not stored yet, computed fields included, and that is readable whatever its collection.

use super::super::{Interp, Resource, Result};
use super::document::{renewed_ttl, with_internal_fields};
use super::{Change, WriteMode};
use crate::access::Action;
use crate::model::Version;
use crate::model::schema::Collection;
use crate::model::schema::merge::merged;
use crate::value::{Doc, DocId, DocKey, Object, Time, Value};
use std::sync::Arc;

impl Interp {
    /// Fails unless the document may be created, under an id that was given if `with_id`.
    pub(super) fn authorize_create(
        &mut self,
        collection: &Collection,
        id: DocId,
        with_id: bool,
        argument: &Object,
        mode: WriteMode,
    ) -> Result<()> {
        let resource = Resource::Collection(collection.id);
        let version = || self.prospective_contents(collection, None, argument.clone(), mode);
        let version = self.rights_are_asked().then(version);
        let present = now(collection, id);
        self.foreseeing(&present.clone(), version.clone(), |me| {
            let subject = || vec![Value::Doc(present.clone())];
            if with_id && !me.allowed(Action::CreateWithId, resource, subject)? {
                let time = Value::Time(me.txn.time().into());
                let stored = now(collection, id);
                let arguments = || {
                    let data = version.map(|version| internal(collection, &version));
                    vec![
                        Value::Doc(stored),
                        time,
                        Value::string("create"),
                        Value::object(data.unwrap_or_default()),
                    ]
                };
                me.authorize(Action::HistoryWrite, resource, arguments)?;
            }
            me.authorize(Action::Create, resource, subject)
        })
    }

    /// Fails unless the document may be changed in this way.
    pub(super) fn authorize_change(
        &mut self,
        collection: &Collection,
        id: DocId,
        before: &Arc<Version>,
        change: Change,
        argument: &Object,
        mode: WriteMode,
    ) -> Result<()> {
        let version = || {
            let old = before.object();
            let (data, kept) = match change {
                Change::Update => (merged(&old, argument), before.ttl),
                Change::Replace => {
                    let data = with_internal_fields(collection, argument.clone(), &old);
                    (data, None)
                }
            };
            self.prospective_contents(collection, kept, data, mode)
        };
        let version = self.rights_are_asked().then(version);
        let new = now(collection, id);
        let old = now(collection, id);
        self.foreseeing(&new.clone(), version, |me| {
            me.authorize(Action::Write, Resource::Collection(collection.id), || {
                vec![Value::Doc(old), Value::Doc(new)]
            })
        })
    }

    /// What a document would be, as far as its predicates see: `ttl` beside the data, as everywhere.
    fn prospective_contents(
        &self,
        collection: &Collection,
        kept_ttl: Option<Time>,
        mut data: Object,
        mode: WriteMode,
    ) -> Arc<Version> {
        let given = match mode {
            WriteMode::Fields => {
                data.remove("ts");
                data.remove("ttl")
            }
            WriteMode::Data => None,
        };
        let ttl = match given {
            Some(Value::Time(time)) => Some(time),
            Some(Value::TransactionTime) => Some(self.txn.time().into()),
            Some(Value::Null(_)) => None,
            Some(_) | None => renewed_ttl(collection, self.txn.time().into()).or(kept_ttl),
        };
        Arc::new(Version::prospective(ttl, Arc::new(data)))
    }

    /// Runs `f` while `doc`, this very value, shows `version`.
    pub(super) fn foreseeing<T>(
        &mut self,
        doc: &Arc<Doc>,
        version: Option<Arc<Version>>,
        f: impl FnOnce(&mut Interp) -> Result<T>,
    ) -> Result<T> {
        let known = self.prospective.len();
        self.prospective
            .extend(version.map(|version| (doc.clone(), version)));
        let result = f(self);
        self.prospective.truncate(known);
        result
    }
}

/// The document as it is now.
fn now(collection: &Collection, id: DocId) -> Arc<Doc> {
    Arc::new(Doc {
        coll: collection.id,
        key: DocKey::Id(id),
        at: None,
        deleted: false,
        named: false,
        cover: None,
    })
}

/// A document's data as predicates of `history_write` get them: user data below `data`.
fn internal(collection: &Collection, version: &Version) -> Object {
    let mut out = Object::new();
    if collection.is_native() {
        out = (*version.object()).clone();
    } else {
        out.insert("data", Value::Object(version.object()));
    }
    if let Some(ttl) = version.ttl {
        out.insert("ttl", Value::Time(ttl));
    }
    out
}
