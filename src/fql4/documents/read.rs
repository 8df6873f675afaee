//! Reading documents (`spec fql4 6.4, 9`).

use super::kind::{self, kind};
use crate::access::secret::encode_global_id;
use crate::access::{Action, Permissions, builtin_allows};
use crate::fql4::error::{Code, Collected, Error, Result};
use crate::fql4::eval::Evaluator;
use crate::fql4::place::Place;
use crate::fql4::refs;
use crate::fql4::stored::object_from_stored;
use crate::fql4::value::{Document, Ref, ScopeId, Value};
use crate::model::schema::load::integer;
use crate::model::{Version, native};
use crate::store::TxnTime;
use std::sync::Arc;

/// What is called not to be there.
pub fn not_found(
    reference: Ref,
    version: crate::fql4::version::ApiVersion,
    place: &Place,
) -> Error {
    let what = what(reference, version);
    Error::new(Code::InstanceNotFound, place, format!("{what} not found."))
}

/// What a document is called in errors.
pub fn what(reference: Ref, version: crate::fql4::version::ApiVersion) -> &'static str {
    let old = version < crate::fql4::version::ApiVersion::V27;
    match kind(reference.coll).map_or("other", |kind| kind.name) {
        "Collection" if old => "Class",
        "Document" if old => "Instance",
        name => name,
    }
}

/// Whether a document may be read: its own contents, or with `HistoryRead` its past.
pub fn is_readable(me: &mut Evaluator, reference: Ref, action: Action) -> Result<bool> {
    let own = me.interp.txn.scope();
    if reference.scope != own {
        return reads_below(me, reference, action);
    }
    // A native collection is guarded as its documents are, where a built-in role decides.
    if let Some(coll) = refs::native_coll_of(reference)
        && let Some(allowed) = builtin_allows(&me.interp.principal.permissions, action, coll)
    {
        return Ok(allowed);
    }
    Ok(me.interp.may_read(reference.coll, reference.id, action)?)
}

/// Documents of databases below are read by built-in roles only.
fn reads_below(me: &mut Evaluator, reference: Ref, action: Action) -> Result<bool> {
    let permissions = me.interp.principal.permissions.clone();
    let coll = refs::native_coll_of(reference).unwrap_or(reference.coll);
    let allowed = match permissions {
        Permissions::Admin
        | Permissions::Server
        | Permissions::ServerReadOnly
        | Permissions::Predicate => builtin_allows(&permissions, action, coll).unwrap_or(false),
        Permissions::Client | Permissions::Roles(_) => false,
    };
    Ok(allowed && is_below(me, reference.scope)?)
}

/// Whether a database lies below this one, or is it.
pub fn is_below(me: &mut Evaluator, scope: ScopeId) -> Result<bool> {
    let own = me.interp.txn.scope();
    let mut current = scope;
    while current != own {
        match me.interp.txn.parent_of(current)? {
            Some((parent, _)) => current = parent,
            None => return Ok(false),
        }
    }
    Ok(true)
}

/// The version of a document at a time, now if `None`.
pub fn version_of(
    me: &mut Evaluator,
    reference: Ref,
    at: Option<TxnTime>,
) -> Result<Option<Arc<Version>>> {
    let Ref { scope, coll, id } = reference;
    let found = me
        .interp
        .txn
        .with_scope(scope, |txn| txn.get(coll, id, at))??;
    match found {
        Some(version) if coll == native::DATABASE && is_disabled(&version) => Ok(None),
        found => Ok(found),
    }
}

fn is_disabled(database: &Version) -> bool {
    matches!(
        database.field("disabled"),
        Some(crate::value::Value::Bool(true))
    )
}

/// All fields of a version, hidden ones too: what predicates are told.
pub fn contents(
    scope: ScopeId,
    coll: crate::value::CollId,
    version: &Version,
) -> crate::fql4::value::Object {
    object_from_stored(scope, &kind::layout(coll, version))
}

/// A version as the document that is shown.
pub fn shown(reference: Ref, version: &Version) -> Document {
    let layout = kind::layout(reference.coll, version);
    document(reference, version.ts, &layout)
}

/// A layout as the document that is shown.
pub fn document(reference: Ref, ts: Option<TxnTime>, layout: &crate::value::Object) -> Document {
    let mut visible = match kind(reference.coll) {
        Some(kind) => kind.visible(layout),
        None => layout.clone(),
    };
    if reference.coll == native::DATABASE
        && let Some(id) = integer(&visible, "global_id")
    {
        visible.insert(
            "global_id",
            crate::value::Value::string(encode_global_id(id)),
        );
    }
    if reference.coll == native::COLLECTION {
        hide_backfills(&mut visible);
    }
    Document {
        reference,
        ts,
        fields: object_from_stored(reference.scope, &visible),
        is_new: false,
        is_deleted: false,
    }
}

/// What FQL v10 notes for itself beside the fields it defines.
fn hide_backfills(collection: &mut crate::value::Object) {
    let Some(crate::value::Value::Object(fields)) = collection.get("fields") else {
        return;
    };
    let fields = fields.iter().map(|(name, field)| {
        let field = match field {
            crate::value::Value::Object(field) if field.contains_key("backfill_value") => {
                let mut field = (**field).clone();
                field.remove("backfill_value");
                crate::value::Value::object(field)
            }
            other => other.clone(),
        };
        (name.clone(), field)
    });
    let fields = crate::value::Value::object(fields.collect());
    collection.insert("fields", fields);
}

/// `Get` of a reference: what is denied is told before what is missing, and both are.
pub fn get(me: &mut Evaluator, reference: Ref, at: Option<TxnTime>, place: &Place) -> Result {
    let mut collected = Collected::default();
    if !is_readable(me, reference, Action::Read)? {
        collected.add(Error::permission_denied(place));
    }
    let found = version_of(me, reference, at)?;
    if found.is_none() {
        collected.add(not_found(reference, me.version, place));
    }
    let document = found.map_or(Value::Null, |version| {
        Value::Document(Arc::new(shown(reference, &version)))
    });
    collected.finish(document)
}

/// `Exists` of a reference.
pub fn exists(me: &mut Evaluator, reference: Ref, at: Option<TxnTime>) -> Result<bool> {
    Ok(is_readable(me, reference, Action::Read)? && version_of(me, reference, at)?.is_some())
}
