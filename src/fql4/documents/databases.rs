//! Moving databases (`spec access-control 7.4`).

use super::read::{document, is_below};
use crate::fql4::error::{Code, Collected, Error, Result};
use crate::fql4::eval::Evaluator;
use crate::fql4::place::Place;
use crate::fql4::refs;
use crate::fql4::value::{NameRef, Ref, ScopeId, Value};
use crate::model::native;
use crate::value::Object;
use std::sync::Arc;

/// `MoveDatabase(source, to)`: the database as a child of another, with all it holds.
pub fn move_database(me: &mut Evaluator, source: Ref, to: Ref, place: &Place) -> Result {
    let mut collected = Collected::default();
    let from = refs::database_scope(me, source)?;
    let target = refs::database_scope(me, to)?;
    for (found, reference, key) in [(from, source, "move_database"), (target, to, "to")] {
        if found.is_none() {
            let name = refs::name_of(me, reference)?.unwrap_or_default();
            let unknown = NameRef::named(native::DATABASE, name);
            collected.add(crate::fql4::eval::undefined(&unknown, &place.at(key)));
        }
    }
    collected.finish(())?;
    let (Some(from), Some(target)) = (from, target) else {
        return Ok(Value::Null);
    };
    let names = (name(me, source)?, name(me, to)?);
    let refuse = |reason: &str| {
        let text = format!(
            "Cannot move database '{}' into parent '{}': {reason}",
            names.0, names.1
        );
        Error::new(Code::MoveDatabase, place, text)
    };
    if is_within(me, target, from)? {
        let reason = "Cannot move database from ancestor to descendant.";
        return Err(refuse(reason).into());
    }
    if !me.interp.may_delete(source.coll, source.id)? {
        return Err(Error::permission_denied(place).into());
    }
    if !is_below(me, source.scope)? || !is_below(me, target)? {
        return Err(Error::permission_denied(place).into());
    }
    let txn = &mut me.interp.txn;
    let version = txn.with_scope(source.scope, |txn| {
        txn.get(native::DATABASE, source.id, None)
    })??;
    let Some(version) = version else {
        return Err(refuse(&format!("{} is not a live database.", names.0)).into());
    };
    let data = (*version.object()).clone();
    let keys = held_keys(me, source)?;
    let txn = &mut me.interp.txn;
    let id = txn.model().new_id();
    let moved = Arc::new(data.clone());
    let taken = txn.with_scope(target, |txn| -> Result<bool> {
        let name = crate::model::schema::load::text(&moved, "name").unwrap_or_default();
        let taken = txn.by_name(native::DATABASE, &name, None)?;
        if source.scope == txn.scope() {
            return Ok(false);
        }
        Ok(taken.is_some())
    })??;
    if taken {
        let text = "Database already exists.";
        return Err(Error::new(Code::InstanceAlreadyExists, place, text).into());
    }
    txn.with_scope(source.scope, |txn| txn.release_database(source.id))??;
    txn.with_scope(target, |txn| {
        txn.put(native::DATABASE, id, moved.clone(), version.ttl)
    })??;
    for (key, mut fields, ttl) in keys {
        fields.insert(
            "database",
            crate::fql4::stored::reference_to_stored(Ref {
                scope: target,
                coll: native::DATABASE,
                id,
            }),
        );
        txn.with_scope(source.scope, |txn| txn.delete(native::KEY, key))??;
        txn.with_scope(target, |txn| {
            txn.put(native::KEY, key, Arc::new(fields), ttl)
        })??;
    }
    let reference = Ref {
        scope: target,
        coll: native::DATABASE,
        id,
    };
    let mut shown = document(reference, None, &data);
    shown.is_new = true;
    Ok(Value::Document(Arc::new(shown)))
}

type Held = (crate::value::DocId, Object, Option<crate::value::Time>);

/// The keys for a database that its parent holds, with what of them is moved.
fn held_keys(me: &mut Evaluator, database: Ref) -> Result<Vec<Held>> {
    let term = crate::fql4::stored::reference_to_stored(database);
    let txn = &mut me.interp.txn;
    txn.with_scope(database.scope, |txn| -> Result<Vec<Held>> {
        let found = txn.native_lookup(native::KEY, native::KEY_BY_DATABASE, &term, None)?;
        let mut held = Vec::new();
        for id in found {
            let Some(version) = txn.get(native::KEY, id, None)? else {
                continue;
            };
            let fields = version.object();
            let moved = ["role", "hashed_secret"].into_iter();
            let moved = moved.filter_map(|name| Some((name, fields.get(name)?.clone())));
            held.push((id, moved.collect(), version.ttl));
        }
        Ok(held)
    })?
}

/// Whether a database is another, or lies within it.
fn is_within(me: &mut Evaluator, scope: ScopeId, other: ScopeId) -> Result<bool> {
    let mut current = scope;
    loop {
        if current == other {
            return Ok(true);
        }
        match me.interp.txn.parent_of(current)? {
            Some((parent, _)) => current = parent,
            None => return Ok(false),
        }
    }
}

fn name(me: &mut Evaluator, reference: Ref) -> Result<String> {
    let name = refs::name_of(me, reference)?;
    Ok(name.map(|name| name.to_string()).unwrap_or_default())
}
