//! References: from names to ids and back (`spec fql4 5.1, 6.1`).

use super::error::Result;
use super::eval::Evaluator;
use super::value::{DocId, NameRef, Ref, ScopeId, Value};
use crate::model::native;
use crate::value::CollId;
use std::sync::Arc;

/// What names refer to, by the schema as it was before the query; a reference that does not resolve if there is nothing.
pub fn resolve(me: &mut Evaluator, reference: &Arc<NameRef>) -> Result {
    Ok(match find(me, reference)? {
        Some(found) => Value::Ref(found),
        None => Value::Unresolved(reference.clone()),
    })
}

/// The database that a reference names as its scope; this one if it names none.
fn scope_of(me: &mut Evaluator, scope: Option<&Arc<NameRef>>) -> Result<Option<ScopeId>> {
    match scope {
        None => Ok(Some(me.interp.txn.scope())),
        Some(_) => Ok(None),
    }
}

fn find(me: &mut Evaluator, reference: &NameRef) -> Result<Option<Ref>> {
    Ok(match reference {
        NameRef::Native { coll, scope } => {
            scope_of(me, scope.as_ref())?.map(|scope| native_ref(scope, *coll))
        }
        NameRef::Named { coll, name, scope } => match scope_of(me, scope.as_ref())? {
            Some(scope) => {
                let found = me.interp.txn.by_name(*coll, name, None)?;
                found.map(|id| Ref {
                    scope,
                    coll: *coll,
                    id,
                })
            }
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
        NameRef::Own(_) => None,
    })
}

/// The reference to a collection of any kind.
pub fn collection_ref(scope: ScopeId, coll: CollId) -> Ref {
    native_ref(scope, coll)
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

/// The reference by names, for showing; `None` if what it refers to has no name (any more).
pub fn named(me: &mut Evaluator, reference: Ref) -> Result<Option<NameRef>> {
    let _ = me;
    if let Some(coll) = coll_of(reference)
        && native::is_native(coll)
    {
        return Ok(Some(NameRef::Native { coll, scope: None }));
    }
    Ok(None)
}

/// One step of a path into a reference: `id`, `collection`, and `database` of another database's.
pub fn part(me: &mut Evaluator, reference: Ref, key: &str) -> Result<Option<Value>> {
    let _ = (me, reference, key);
    Ok(None)
}
