//! References: from names to ids and back (`spec fql4 5.1, 6.1`).
//!
//! A name means what it meant before the query: what the query defines or deletes itself changes that for the next one.
//! References to other databases lead down from this one, through the names of databases.

use super::error::Result;
use super::eval::Evaluator;
use super::read::native_name;
use super::value::{DocId, NameRef, Ref, ScopeId, Str, Value};
use super::version::ApiVersion;
use crate::access::Login;
use crate::model::{Version, native};
use crate::value::{CollId, Doc, DocKey};
use std::sync::Arc;

/// What names refer to, by the schema as it was before the query; a reference that does not resolve if there is nothing.
pub fn resolve(me: &mut Evaluator, reference: &Arc<NameRef>) -> Result {
    Ok(match find(me, reference)? {
        Some(found) => Value::Ref(found),
        None => Value::Unresolved(reference.clone()),
    })
}

/// The schema object of a name in a database.
pub fn lookup(
    me: &mut Evaluator,
    scope: ScopeId,
    coll: CollId,
    name: &str,
) -> Result<Option<DocId>> {
    let txn = &mut me.interp.txn;
    let before = Some(txn.snapshot_time());
    Ok(txn.with_scope(scope, |txn| txn.by_name(coll, name, before))??)
}

/// The database that a reference to a database means; `None` if it is gone.
pub fn database_scope(me: &mut Evaluator, database: Ref) -> Result<Option<ScopeId>> {
    let txn = &mut me.interp.txn;
    let found = txn.with_scope(database.scope, |txn| {
        txn.get(native::DATABASE, database.id, None)
    })??;
    Ok(found.as_deref().and_then(own_scope))
}

fn own_scope(database: &Version) -> Option<ScopeId> {
    let scope = database.field("scope")?.as_i64()?;
    Some(ScopeId(scope as u64))
}

/// The database that a reference names as its scope; this one if it names none.
fn scope_of(me: &mut Evaluator, scope: Option<&Arc<NameRef>>) -> Result<Option<ScopeId>> {
    match scope {
        None => Ok(Some(me.interp.txn.scope())),
        Some(database) => match find(me, database)? {
            Some(database) if database.coll == native::DATABASE => database_scope(me, database),
            Some(_) | None => Ok(None),
        },
    }
}

fn find(me: &mut Evaluator, reference: &NameRef) -> Result<Option<Ref>> {
    Ok(match reference {
        NameRef::Native { coll, scope } => {
            scope_of(me, scope.as_ref())?.map(|scope| native_ref(scope, *coll))
        }
        NameRef::Named { coll, name, scope } => match scope_of(me, scope.as_ref())? {
            Some(scope) => lookup(me, scope, *coll, name)?.map(|id| Ref {
                scope,
                coll: *coll,
                id,
            }),
            None => None,
        },
        NameRef::Key { id, scope } => scope_of(me, scope.as_ref())?.map(|scope| Ref {
            scope,
            coll: native::KEY,
            id: *id,
        }),
        NameRef::Document { collection, id } => find(me, collection)?
            .and_then(|collection| Some((collection.scope, coll_of(collection)?)))
            .map(|(scope, coll)| Ref {
                scope,
                coll,
                id: *id,
            }),
        NameRef::Own(collection) => match find(me, collection)?.and_then(coll_of) {
            Some(coll) => own(me, coll)?,
            None => None,
        },
    })
}

/// The reference to a collection of any kind.
pub fn collection_ref(scope: ScopeId, coll: CollId) -> Ref {
    native_ref(scope, coll)
}

/// What `self` means in a collection: the token, its credential, or the document that acts.
fn own(me: &mut Evaluator, coll: CollId) -> Result<Option<Ref>> {
    let scope = me.interp.txn.scope();
    let principal = me.interp.principal.clone();
    let id = match (coll, &principal.login, principal.identity) {
        (native::TOKEN, Login::Token(id), _) => Some(*id),
        (native::CREDENTIAL, Login::Token(_), Some(identity)) => credential_of(me, identity)?,
        (_, _, Some((of, id))) if of == coll => Some(id),
        _ => None,
    };
    Ok(id.map(|id| Ref { scope, coll, id }))
}

/// The credential of a document of this database.
pub fn credential_of(me: &mut Evaluator, (coll, id): (CollId, DocId)) -> Result<Option<DocId>> {
    let doc = Doc {
        coll,
        key: DocKey::Id(id),
        at: None,
        deleted: false,
        named: false,
        cover: None,
    };
    let doc = crate::value::Value::Doc(Arc::new(doc));
    let (credentials, index) = (native::CREDENTIAL, native::CREDENTIAL_BY_DOCUMENT);
    let found = me
        .interp
        .txn
        .native_lookup(credentials, index, &doc, None)?;
    Ok(found.into_iter().next())
}

/// The reference to a native collection.
pub fn native_ref(scope: ScopeId, coll: CollId) -> Ref {
    Ref {
        scope,
        coll: native::COLLECTION,
        id: DocId(i64::try_from(coll.0).unwrap_or(i64::MAX)),
    }
}

/// The collection that a reference to a collection refers to.
pub fn coll_of(reference: Ref) -> Option<CollId> {
    (reference.coll == native::COLLECTION)
        .then(|| u64::try_from(reference.id.0).ok().map(CollId))
        .flatten()
}

/// The native collection that a reference refers to.
pub fn native_coll_of(reference: Ref) -> Option<CollId> {
    coll_of(reference).filter(|coll| native::is_native(*coll))
}

/// The name of a schema object: as this query leaves it; of one that is gone, the last it had.
pub fn name_of(me: &mut Evaluator, reference: Ref) -> Result<Option<Str>> {
    let Ref { scope, coll, id } = reference;
    let name = |version: &Version| match version.field("name") {
        Some(crate::value::Value::String(name)) => Some(name),
        _ => None,
    };
    let txn = &mut me.interp.txn;
    txn.with_scope(scope, |txn| -> Result<_> {
        if let Some(version) = txn.get(coll, id, None)? {
            return Ok(name(&version));
        }
        let before = Some(txn.snapshot_time());
        if let Some(version) = txn.get(coll, id, before)? {
            return Ok(name(&version));
        }
        let versions = txn.versions(coll, id)?;
        let mut past = versions
            .iter()
            .rev()
            .filter_map(|event| event.version.as_deref());
        Ok(past.find_map(name))
    })?
}

/// The reference by names to the database with a scope; `None` for this one.
fn scope_name(me: &mut Evaluator, scope: ScopeId) -> Result<Option<Option<Arc<NameRef>>>> {
    if scope == me.interp.txn.scope() {
        return Ok(Some(None));
    }
    let Some((parent, id)) = me.interp.txn.parent_of(scope)? else {
        return Ok(None);
    };
    let database = Ref {
        scope: parent,
        coll: native::DATABASE,
        id,
    };
    Ok(named(me, database)?.map(|name| Some(Arc::new(name))))
}

/// The reference by names, for showing; `None` if what it refers to has no name (any more).
pub fn named(me: &mut Evaluator, reference: Ref) -> Result<Option<NameRef>> {
    let Some(scope) = scope_name(me, reference.scope)? else {
        return Ok(None);
    };
    if let Some(coll) = native_coll_of(reference) {
        return Ok(Some(NameRef::Native { coll, scope }));
    }
    let Ref { coll, id, .. } = reference;
    if coll == native::KEY {
        return Ok(Some(NameRef::Key { id, scope }));
    }
    if native::is_named(coll) {
        let name = name_of(me, reference)?;
        return Ok(name.map(|name| NameRef::Named { coll, name, scope }));
    }
    let collection = named(me, collection_ref(reference.scope, reference.coll))?;
    Ok(collection.map(|collection| NameRef::Document {
        collection: Arc::new(collection),
        id,
    }))
}

/// One step of a path into a reference: `id`, `collection`, and `database` of another database's.
pub fn part(me: &mut Evaluator, reference: Ref, key: &str) -> Result<Option<Value>> {
    Ok(match key {
        "class" | "collection" => Some(Value::Ref(collection_ref(reference.scope, reference.coll))),
        "id" => id_of(me, reference)?.map(Value::String),
        "database" if reference.scope != me.interp.txn.scope() => {
            let parent = me.interp.txn.parent_of(reference.scope)?;
            parent.map(|(scope, id)| {
                Value::Ref(Ref {
                    scope,
                    coll: native::DATABASE,
                    id,
                })
            })
        }
        _ => None,
    })
}

/// The id of a reference as text: the name of a schema object.
pub fn id_of(me: &mut Evaluator, reference: Ref) -> Result<Option<Str>> {
    if let Some(coll) = native_coll_of(reference) {
        return Ok(match native_name(coll) {
            Some("collections") if me.version < ApiVersion::V27 => Some("classes".into()),
            name => name.map(Str::from),
        });
    }
    match native::is_named(reference.coll) {
        true => name_of(me, reference),
        false => Ok(Some(reference.id.0.to_string().into())),
    }
}
