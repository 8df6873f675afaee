//! What the definition of a collection entails in storage: physical indexes, and the floor of its history.

use super::build::{self, Unique};
use super::bytes::Stamps;
use super::legacy_entries::Physical;
use super::schema::definition::{Candidate, finished, plan_indexes, shape_before};
use super::schema::load::load_collection;
use super::schema::provenance::Provenance;
use super::schema::{BackingIndex, Collection, Definition, IndexStatus, MigrationStep};
use super::txn::{self, Txn};
use super::version::Header;
use super::{ModelError, Version, keys, maintain};
use crate::store::{Bytes, Table, TxnTime};
use crate::value::{CollId, DocId, IndexId, Object, PathPart, Str, Value};
use std::sync::Arc;

/// The collection a stored definition describes.
pub(crate) fn load(id: DocId, fields: Arc<Object>, ts: TxnTime) -> Collection {
    let coll = CollId(id.0.max(0) as u64);
    let definition = Definition {
        coll: super::native::COLLECTION,
        id,
        fields,
        ts,
    };
    load_collection(coll, &definition)
}

/// The definition in the stored version `before`.
fn load_stored(id: DocId, before: &Bytes) -> Result<Collection, ModelError> {
    let header = Header::read(before).ok_or_else(txn::damaged)?;
    let fields = Version::from_bytes(&header, before.clone()).object();
    Ok(load(id, fields, header.ts.unwrap_or_default()))
}

impl Txn {
    /// A definition as it is stored: physical indexes assigned (and built, if there is little to index), statuses and
    /// the floor of the history set.
    pub(crate) fn prepare_definition(
        &mut self,
        id: DocId,
        data: &Arc<Object>,
        before: Option<&Bytes>,
    ) -> Result<Arc<Object>, ModelError> {
        let before = before.map(|before| load_stored(id, before)).transpose()?;
        // While a schema is staged, changes are relative to the one in force.
        let in_force = match self.is_staged() {
            true => self
                .schema()
                .collection(CollId(id.0.max(0) as u64))
                .cloned(),
            false => None,
        };
        let (old, earlier) = match &in_force {
            Some(in_force) => (Some(&**in_force), before.as_ref()),
            None => (before.as_ref(), None),
        };
        let mut fields = (**data).clone();
        fields.insert("min_valid_time", Value::Time(self.floor(data, old).into()));
        let loaded = load(id, Arc::new(fields.clone()), self.time());
        let candidates = candidates(old, earlier);
        let steps = old.map_or(&[][..], |old| steps_since(old, &loaded));
        let provenance = Provenance::of(steps);
        let before_change = |path: &[PathPart]| match old {
            Some(old) => provenance.before(path, old, &loaded),
            None => None,
        };
        let mut failed = None;
        let plan = plan_indexes(&fields, &candidates, &before_change, || {
            match self.new_index_id() {
                Ok(id) => id,
                Err(error) => {
                    failed.get_or_insert(error);
                    IndexId(0)
                }
            }
        });
        if let Some(error) = failed {
            return Err(error);
        }
        let mut new = plan.new;
        self.defined_indexes += (new.len() + plan.removed.len()) as u64;
        if !new.is_empty() && self.is_small(loaded.id)? {
            new.iter_mut()
                .for_each(|index| index.status = IndexStatus::Complete);
        }
        if let Some(old) = old {
            withdraw_queryable(&mut fields, old, &new);
        }
        // The order of the definition is kept, because rendering and sharing depend on shapes only.
        let mut backing: Vec<BackingIndex> =
            plan.kept.into_iter().chain(new.iter().cloned()).collect();
        let mut stored = Arc::new(finished(&fields, &backing));
        let collection = Arc::new(load(id, stored.clone(), self.time()));
        let used = |index: &BackingIndex| {
            let in_force = in_force.as_ref();
            in_force.is_some_and(|in_force| in_force.backing_index(index.id).is_some())
        };
        let mut removed = plan.removed;
        // Of an earlier staged definition, what cannot be gone on with.
        for index in earlier.iter().flat_map(|earlier| &earlier.backing) {
            if !candidates.iter().any(|known| known.index.id == index.id) {
                removed.push(index.clone());
            }
        }
        for index in removed.iter().filter(|index| !used(index)) {
            self.discard_index(index.id);
        }
        let mut violated = Vec::new();
        for index in &backing {
            let was = candidates.iter().map(|candidate| &candidate.index);
            let was = was.into_iter().find(|old| old.id == index.id);
            if index.unique
                && was.is_some_and(|was| !was.unique)
                && self.has_shared_entries(index.id)?
            {
                violated.push(index.id);
            }
        }
        for index in &new {
            match index.status {
                IndexStatus::Complete => {
                    if build::build_now(self, &collection, Physical::Own(index))?
                        == Unique::Violated
                    {
                        violated.push(index.id);
                    }
                }
                IndexStatus::Building => {
                    let key = keys::system::build(self.scope(), index.id);
                    self.system_set(&key, Some(build::fresh_state(collection.id)), Stamps::new());
                }
                IndexStatus::Failed => {}
            }
        }
        if !violated.is_empty() {
            for index in &mut backing {
                index.violated |= violated.contains(&index.id);
            }
            stored = Arc::new(finished(&fields, &backing));
        }
        Ok(stored)
    }

    /// The earliest time whose history is kept whatever `history_days` will be (`spec fql10-data 7.1`).
    fn floor(&self, data: &Object, old: Option<&Collection>) -> TxnTime {
        let days = match data.get("history_days") {
            Some(Value::Int(days)) => Some(i64::from(*days)),
            Some(Value::Long(days)) => Some(*days),
            _ => None,
        };
        let kept = match days {
            Some(days) => self
                .time()
                .0
                .saturating_sub(days.max(0).saturating_mul(txn::DAY)),
            None => 0,
        };
        let before = old.map_or(i64::MIN, |old| txn::kept_since(old, self.time()).0);
        TxnTime(kept.max(before))
    }

    /// Whether the collection holds any version of a document, past or present.
    pub fn has_versions(&mut self, coll: CollId) -> Result<bool, ModelError> {
        let start = keys::collection(self.scope(), coll).to_vec();
        let end = keys::successor(&start);
        for table in [Table::Documents, Table::History] {
            let mut cursor = self.walk(table, (start.clone(), end.clone()), false);
            if cursor.next(self)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether everything a collection holds can be indexed within the transaction.
    fn is_small(&mut self, coll: CollId) -> Result<bool, ModelError> {
        self.are_small(&[coll])
    }

    /// Whether everything that collections hold together can be indexed within the transaction.
    pub(crate) fn are_small(&mut self, colls: &[CollId]) -> Result<bool, ModelError> {
        let mut left = build::SMALL;
        for coll in colls {
            let start = keys::collection(self.scope(), *coll).to_vec();
            let end = keys::successor(&start);
            for table in [Table::Documents, Table::History] {
                let mut cursor = self.walk(table, (start.clone(), end.clone()), false);
                while cursor.next(self)?.is_some() {
                    if left == 0 {
                        return Ok(false);
                    }
                    left -= 1;
                }
            }
        }
        Ok(true)
    }

    /// The storage of an index is given back, in the background.
    pub(crate) fn discard_index(&mut self, index: IndexId) {
        self.system_set(
            &keys::system::build(self.scope(), index),
            None,
            Stamps::new(),
        );
        let start = keys::index(self.scope(), index);
        for table in [Table::Index, Table::IndexHistory] {
            maintain::discard(self, table, &start);
        }
    }

    /// The storage of a collection is given back, in the background. It is out of reach at once.
    pub(crate) fn discard_collection(
        &mut self,
        id: DocId,
        before: &Bytes,
    ) -> Result<(), ModelError> {
        let collection = load_stored(id, before)?;
        for index in &collection.backing {
            self.discard_index(index.id);
        }
        let start = keys::collection(self.scope(), collection.id);
        for table in [Table::Documents, Table::History, Table::Changes] {
            maintain::discard(self, table, &start);
        }
        self.discard_legacy_source(collection.id)
    }

    /// Replaces a definition without making a new version: the system has only noted how far it is.
    pub(crate) fn note_statuses(
        &mut self,
        coll: CollId,
        change: impl Fn(&mut BackingIndex),
    ) -> Result<(), ModelError> {
        self.note_in_force(coll, &change)?;
        self.touch_schema();
        let id = DocId(coll.0 as i64);
        self.replace_in_place(super::native::COLLECTION, id, |header, fields| {
            noted(id, header, fields, &change)
        })
    }
}

/// A definition with what `change` says of its physical indexes.
pub(crate) fn noted(
    id: DocId,
    header: &Header,
    fields: &Arc<Object>,
    change: &impl Fn(&mut BackingIndex),
) -> Object {
    let collection = load(id, fields.clone(), header.ts.unwrap_or_default());
    let backing = collection.backing.iter();
    let mut backing: Vec<BackingIndex> = backing.map(|index| (**index).clone()).collect();
    backing.iter_mut().for_each(change);
    finished(fields, &backing)
}

/// The physical indexes that a new definition may go on with: those of `old`, and those of `earlier`, another one that was
/// staged over `old`, as far as their values are values of `old`.
fn candidates(old: Option<&Collection>, earlier: Option<&Collection>) -> Vec<Candidate> {
    let Some(old) = old else {
        return Vec::new();
    };
    let own = old.backing.iter().map(|index| Candidate {
        shape: (index.terms.clone(), index.values.clone()),
        index: index.clone(),
    });
    let mut all: Vec<Candidate> = own.collect();
    let Some(earlier) = earlier else {
        return all;
    };
    let provenance = Provenance::of(steps_since(old, earlier));
    let before = |path: &[PathPart]| provenance.before(path, old, earlier);
    for index in &earlier.backing {
        let known = all.iter().any(|known| known.index.id == index.id);
        if known || index.status == IndexStatus::Failed || index.violated {
            continue;
        }
        let shape = shape_before(&index.terms, &index.values, &before);
        all.extend(shape.map(|shape| Candidate {
            shape,
            index: index.clone(),
        }));
    }
    all
}

/// The steps of the migrations that a definition has beyond those of `old`.
fn steps_since<'a>(old: &Collection, new: &'a Collection) -> &'a [MigrationStep] {
    new.migrations
        .get(old.migrations.len()..)
        .unwrap_or_default()
}

/// An index that is built anew must not be called before it is complete, although it was complete before.
fn withdraw_queryable(fields: &mut Object, old: &Collection, new: &[BackingIndex]) {
    let Some(Value::Object(indexes)) = fields.get("indexes") else {
        return;
    };
    let mut indexes = (**indexes).clone();
    let names: Vec<Str> = indexes.keys().cloned().collect();
    for name in names {
        let Some(Value::Object(entry)) = indexes.get(&name) else {
            continue;
        };
        let (terms, values) = super::schema::load::load_index_fields(entry);
        let rebuilt = new.iter().any(|index| {
            index.status == IndexStatus::Building && index.terms == terms && index.values == values
        });
        if rebuilt
            && entry.contains_key("status")
            && old.index(&name).is_some_and(|index| index.queryable)
        {
            let mut entry = (**entry).clone();
            entry.remove("queryable");
            indexes.insert(name, Value::object(entry));
        }
    }
    fields.insert("indexes", Value::object(indexes));
}
