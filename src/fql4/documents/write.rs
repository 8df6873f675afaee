//! Creating, updating, replacing and deleting documents (`spec fql4 6.5, 8`).
//!
//! The order of things is the original's: references, permission, existence, validation, definitions of FQL v10, unique
//! constraints, check constraints. Whatever is wrong ends the whole query.

use super::checks::Faults;
use super::kind::{self, Kind, kind};
use super::mask;
use super::patch::patched;
use super::read::{document, not_found, shown, version_of, what};
use super::rules::{
    check_definition_of_old, check_fields, check_memberships, check_name, check_patch,
};
use super::stored::{fields_stored, references_error};
use crate::access::secret::Secret;
use crate::access::{Permissions, Principal};
use crate::fql::interp::{Failure, LegacyRefusal};
use crate::fql4::error::{Code, Collected, Error, FieldFailure, Result, Stop};
use crate::fql4::eval::Evaluator;
use crate::fql4::place::Place;
use crate::fql4::refs;
use crate::fql4::stored::reference_to_stored as reference;
use crate::fql4::value::{self, Document, Ref, Str};
use crate::model::schema::{ConstraintFailure, protected};
use crate::model::{Version, native};
use crate::value::{CollId, DocId, Object, Value};
use std::sync::Arc;

/// A write under way.
pub(super) struct Draft {
    /// The collection.
    pub(super) coll: CollId,
    /// The document, if it is known already.
    pub(super) id: Option<DocId>,
    /// What the patch is applied to.
    pub(super) base: Object,
    /// What there was before; none for a new document.
    pub(super) before: Option<Object>,
    /// What changes.
    pub(super) patch: Object,
}

/// `Create(Collection("x"), ...)`, `Create(Ref(...), ...)`, `CreateFunction(...)`: `verb` is the form's first key.
pub fn create(
    me: &mut Evaluator,
    target: Ref,
    params: &value::Object,
    place: &Place,
    verb: &'static str,
) -> Result {
    let at = place.at(verb);
    let own = me.interp.txn.scope();
    if let Some(error) = references_error(own, params, place) {
        return Err(error.into());
    }
    if target.scope != own {
        return Err(Error::argument(&at, "Cannot write a scoped ref.").into());
    }
    let (coll, id) = match refs::coll_of(target) {
        Some(coll) => (coll, None),
        None => (target.coll, Some(target.id)),
    };
    let params = fields_stored(me, params)?;
    create_in(me, coll, id, params, &at)
}

/// `Create("x", ...)`
pub fn create_named(
    me: &mut Evaluator,
    name: &Str,
    params: &value::Object,
    place: &Place,
) -> Result {
    let own = me.interp.txn.scope();
    if let Some(error) = references_error(own, params, place) {
        return Err(error.into());
    }
    match refs::lookup(me, own, native::COLLECTION, name)? {
        Some(id) => {
            let target = Ref {
                scope: own,
                coll: native::COLLECTION,
                id,
            };
            create(me, target, params, place, "create")
        }
        None => {
            let unknown = value::NameRef::named(native::COLLECTION, name.clone());
            Err(crate::fql4::eval::undefined(&unknown, &place.at("create")).into())
        }
    }
}

fn known(me: &Evaluator, coll: CollId, place: &Place) -> Result<&'static Kind> {
    let exists = native::is_native(coll) || me.interp.txn.known_collection(coll).is_some();
    match kind(coll).filter(|_| exists) {
        Some(kind) => Ok(kind),
        None => Err(Error::not_found(place, "Collection").into()),
    }
}

/// Creates a document; `place` is that of the form's key.
pub(super) fn create_in(
    me: &mut Evaluator,
    coll: CollId,
    given: Option<DocId>,
    params: Object,
    place: &Place,
) -> Result {
    let kind = known(me, coll, place)?;
    let patch = kind.writable(params, true);
    let id = match given {
        Some(id) => id,
        None => new_id(me, coll)?,
    };
    let own = me.interp.txn.scope();
    let target = Ref {
        scope: own,
        coll,
        id,
    };
    let version = prospective(me, coll, patch.clone());
    if !me.interp.may_create(coll, id, given.is_some(), &version)? {
        return Err(Error::permission_denied(place).into());
    }
    if given.is_some() && version_of(me, target, None)?.is_some() {
        return Err(already_exists(me, target, place));
    }
    if !kind.in_container && is_container(me)? {
        return Err(Error::new(
            Code::InvalidObjectInContainer,
            place,
            "Object is not allowed in a container",
        )
        .into());
    }
    let draft = Draft {
        coll,
        id: given,
        base: defaults(coll),
        before: None,
        patch,
    };
    let mut made = write(me, kind, draft, id, place)?;
    made.is_new = true;
    Ok(value::Value::Document(Arc::new(made)))
}

/// What a document would be, as far as predicates see.
fn prospective(me: &Evaluator, coll: CollId, layout: Object) -> Arc<Version> {
    let now = me.interp.txn.time().into();
    let (data, ttl) = kind::stored(coll, layout, now);
    Arc::new(Version::prospective(ttl, Arc::new(data)))
}

fn already_exists(me: &Evaluator, target: Ref, place: &Place) -> Stop {
    let what = what(target, me.version);
    Error::new(
        Code::InstanceAlreadyExists,
        place,
        format!("{what} already exists."),
    )
    .into()
}

fn new_id(me: &mut Evaluator, coll: CollId) -> Result<DocId> {
    let txn = &mut me.interp.txn;
    Ok(match coll {
        native::COLLECTION => DocId(txn.new_collection_id()?.0 as i64),
        native::LEGACY_INDEX => txn.new_legacy_index_id()?,
        _ => txn.model().new_id(),
    })
}

fn defaults(coll: CollId) -> Object {
    let fields: &[(&str, Value)] = match coll {
        native::COLLECTION => &[("history_days", Value::Int(0))],
        native::LEGACY_INDEX => &[
            ("active", Value::Bool(false)),
            ("serialized", Value::Bool(true)),
        ],
        _ => &[],
    };
    fields.iter().cloned().collect()
}

/// Whether this database only holds databases.
fn is_container(me: &mut Evaluator) -> Result<bool> {
    let scope = me.interp.txn.scope();
    let path = me.interp.txn.uncounted(|txn| txn.database_path(scope))?;
    let own = path.unwrap_or_default().pop();
    Ok(own.is_some_and(|(_, _, version)| {
        matches!(version.field("container"), Some(Value::Bool(true)))
    }))
}

/// `Update`, `Replace`: `verb` is the form's first key.
pub fn update(
    me: &mut Evaluator,
    target: Ref,
    params: &value::Object,
    place: &Place,
    verb: &'static str,
) -> Result {
    let own = me.interp.txn.scope();
    let mut collected = Collected::default();
    if target.scope != own {
        collected.add(Error::argument(
            &place.at(verb),
            "Cannot write a scoped ref.",
        ));
    }
    if let Some(error) = references_error(own, params, place) {
        collected.add(error);
    }
    collected.finish(())?;
    if refs::native_coll_of(target).is_some() {
        let text = "Cannot update a schema meta collection.";
        return Err(Error::argument(&place.at(verb), text).into());
    }
    let params = fields_stored(me, params)?;
    let made = update_in(me, target, params, verb == "update", place, &place.at(verb))?;
    Ok(value::Value::Document(Arc::new(made)))
}

/// Changes a document; what is missing is told at `verb`, the rest at `place`.
fn update_in(
    me: &mut Evaluator,
    target: Ref,
    params: Object,
    is_partial: bool,
    place: &Place,
    verb: &Place,
) -> Result<Document> {
    let Ref { coll, id, .. } = target;
    let Some(kind) = kind(coll) else {
        return Err(not_found(target, me.version, verb).into());
    };
    let patch = kind.writable(params, false);
    let Some(version) = version_of(me, target, None)? else {
        return Err(not_found(target, me.version, verb).into());
    };
    let before = kind::layout(coll, &version);
    let after = prospective(me, coll, patched(&before, &patch));
    if !me.interp.may_write(coll, id, &after)? {
        return Err(Error::permission_denied(place).into());
    }
    let base = match is_partial {
        true => before.clone(),
        false => kind.before_replace(&before),
    };
    let draft = Draft {
        coll,
        id: Some(id),
        base,
        before: Some(before),
        patch,
    };
    write(me, kind, draft, id, place)
}

/// Fails where nothing may be written: at another time.
fn check_present(me: &Evaluator, place: &Place) -> Result<()> {
    match me.interp.at {
        Some(_) => Err(Error::new(
            Code::InvalidWriteTime,
            place,
            "Cannot write outside of snapshot time.",
        )
        .into()),
        None => Ok(()),
    }
}

/// Validates and stores a draft; the document as it is shown.
fn write(
    me: &mut Evaluator,
    kind: &'static Kind,
    mut draft: Draft,
    id: DocId,
    place: &Place,
) -> Result<Document> {
    check_present(me, place)?;
    let mut layout = validated(me, kind, &mut draft, place)?;
    if let Some(before) = &draft.before {
        for name in kind.kept {
            if let Some(value) = before.get(name) {
                layout.insert(*name, value.clone());
            }
        }
    }
    let coll = draft.coll;
    let target = Ref {
        scope: me.interp.txn.scope(),
        coll,
        id,
    };
    check_definition_of_old(me, &draft, &mut layout, place)?;
    let credentials = match native::is_native(coll) {
        true => None,
        false => layout.remove("credentials"),
    };
    let mut shown_beside = Object::new();
    complete(me, &draft, id, &mut layout, &mut shown_beside)?;
    if kind.is_schema {
        check_unstaged(me, place)?;
        check_name(me, &draft, id, &layout, place)?;
    }
    let now = me.interp.txn.time().into();
    let (data, ttl) = kind::stored(coll, layout.clone(), now);
    match me.interp.put_legacy(coll, id, data, ttl)? {
        Ok(()) => {}
        Err(refusal) => return Err(refused(me, refusal, &draft, target, place)),
    }
    if coll == native::ROLE {
        check_memberships(me, &layout, place)?;
    }
    if let Some(Value::Object(credentials)) = credentials {
        store_credentials(me, target, (*credentials).clone(), place)?;
    }
    let mut made = match coll {
        native::LEGACY_INDEX | native::COLLECTION => match version_of(me, target, None)? {
            Some(version) => shown(target, &version),
            None => document(target, None, &layout),
        },
        _ => document(target, None, &layout),
    };
    made.ts = None;
    for (name, value) in shown_beside.iter() {
        match value {
            Value::Null(_) => {
                made.fields.remove(name);
            }
            value => {
                // A secret stands before what is kept of it.
                let hash = made.fields.remove("hashed_secret");
                let value = crate::fql4::stored::from_stored(target.scope, value);
                made.fields.insert(name.clone(), value);
                if let Some(hash) = hash {
                    made.fields.insert("hashed_secret", hash);
                }
            }
        }
    }
    Ok(made)
}

/// The error of a write that was refused behind its validation.
pub(super) fn refused(
    me: &Evaluator,
    refusal: LegacyRefusal,
    draft: &Draft,
    target: Ref,
    place: &Place,
) -> Stop {
    let creates_schema =
        draft.before.is_none() && kind(draft.coll).is_some_and(|kind| kind.is_schema);
    match refusal {
        LegacyRefusal::NotUnique if creates_schema => already_exists(me, target, place),
        LegacyRefusal::NotUnique => not_unique(me, place),
        LegacyRefusal::Schema(failures) => schema_errors(&failures, place),
        LegacyRefusal::Checks(failures) => Stop::Errors(
            failures
                .iter()
                .map(|failure| {
                    Error::new(Code::CheckConstraintFailure, place, failure.message.clone())
                })
                .collect(),
        ),
    }
}

fn not_unique(me: &Evaluator, place: &Place) -> Stop {
    let what = match me.version < crate::fql4::version::ApiVersion::V27 {
        true => "instance",
        false => "document",
    };
    let text = format!("{what} is not unique.");
    Error::new(Code::InstanceNotUnique, place, text).into()
}

fn schema_errors(failures: &[ConstraintFailure], place: &Place) -> Stop {
    let errors = failures
        .iter()
        .map(|failure| Error::new(Code::SchemaValidationFailed, place, failure.to_string()));
    Stop::Errors(errors.collect())
}

/// `schema validation failed`
pub(super) fn schema_error(text: &str, place: &Place) -> Stop {
    Error::new(Code::SchemaValidationFailed, place, text).into()
}

/// Definitions cannot be written while a schema is staged.
fn check_unstaged(me: &Evaluator, place: &Place) -> Result<()> {
    match me.interp.txn.is_staged() {
        true => {
            let text = "Cannot update schema from FQL v4 if schema has been staged.";
            Err(schema_error(text, place))
        }
        false => Ok(()),
    }
}

/// The layout that a valid draft makes.
fn validated(me: &mut Evaluator, kind: &Kind, draft: &mut Draft, place: &Place) -> Result<Object> {
    let mut faults = Faults::default();
    check_patch(me, draft, &mut faults)?;
    let after = mask::select(kind.mask, &patched(&draft.base, &draft.patch));
    check_fields(me, draft, &after, &mut faults)?;
    let failures = faults.into_failures();
    match failures.is_empty() {
        true => Ok(after),
        false => Err(validation(me, failures, place)),
    }
}

/// `validation failed`
pub(super) fn validation(me: &Evaluator, failures: Vec<FieldFailure>, place: &Place) -> Stop {
    let mut error = Error::validation(place, failures);
    if me.version < crate::fql4::version::ApiVersion::V27 {
        error.description = "instance data is not valid.".into();
    }
    error.into()
}

/// What the system writes into a document by itself; what is shown once, or not at all, goes to `beside`.
fn complete(
    me: &mut Evaluator,
    draft: &Draft,
    id: DocId,
    layout: &mut Object,
    beside: &mut Object,
) -> Result<()> {
    let no_randomness = |error| Failure::protocol(500, "internal_error", format!("{error}"));
    match draft.coll {
        native::DATABASE if draft.before.is_none() => {
            let model = me.interp.txn.model().clone();
            layout.insert("scope", Value::Long(model.new_id().0));
            layout.insert("global_id", Value::Long(model.new_id().0));
        }
        native::KEY if !layout.contains_key("hashed_secret") => {
            let (secret, hash) = Secret::of_key(id.0).map_err(no_randomness)?;
            layout.insert("hashed_secret", Value::string(hash));
            beside.insert("secret", Value::string(secret.reveal()));
        }
        native::TOKEN if !layout.contains_key("hashed_secret") => {
            let database = me.interp.own_global_id()?;
            let (secret, hash) = Secret::of_token(id.0, database).map_err(no_randomness)?;
            layout.insert("hashed_secret", Value::string(hash));
            layout.insert("global_id", Value::Long(database));
            beside.insert("secret", Value::string(secret.reveal()));
            beside.insert("hashed_secret", Value::NULL);
        }
        native::TOKEN => {
            beside.insert("hashed_secret", Value::NULL);
        }
        native::ACCESS_PROVIDER => {
            let database = me.interp.own_global_id()?;
            let id = crate::access::secret::encode_global_id(database);
            let audience = format!("{}{id}", crate::access::jwt::AUDIENCE);
            layout.insert("audience", Value::string(audience));
        }
        coll if !native::is_native(coll) => {
            layout.remove("constraints");
            let collection = me.interp.txn.known_collection(coll);
            let days = collection.and_then(|collection| collection.ttl_days);
            if let (Some(days), false) = (days, layout.contains_key("ttl")) {
                let mut expires: crate::value::Time = me.interp.txn.time().into();
                expires.secs = expires.secs.saturating_add(days.saturating_mul(86_400));
                layout.insert("ttl", Value::Time(expires));
            }
        }
        _ => {}
    }
    Ok(())
}

/// What a document's parameters say about its password, written with raised rights.
fn store_credentials(
    me: &mut Evaluator,
    of: Ref,
    mut credentials: Object,
    place: &Place,
) -> Result<()> {
    let known = refs::credential_of(me, (of.coll, of.id))?;
    as_server(me, |me| match known {
        Some(id) => {
            let target = Ref {
                coll: native::CREDENTIAL,
                id,
                ..of
            };
            let verb = place.at("update");
            update_in(me, target, credentials, true, place, &verb).map(|_| ())
        }
        None => {
            credentials.insert("instance", reference(of));
            create_in(me, native::CREDENTIAL, None, credentials, place).map(|_| ())
        }
    })
}

/// Runs `f` with the rights of a server key.
pub fn as_server<T>(me: &mut Evaluator, f: impl FnOnce(&mut Evaluator) -> Result<T>) -> Result<T> {
    let principal = Principal {
        permissions: Permissions::Server,
        ..(*me.interp.principal).clone()
    };
    me.acting_as(Arc::new(principal), f)
}

/// `Delete`: the document as it was.
pub fn delete(me: &mut Evaluator, target: Ref, place: &Place) -> Result {
    let own = me.interp.txn.scope();
    if target.scope != own {
        return Err(Error::argument(&place.at("delete"), "Cannot write a scoped ref.").into());
    }
    let mut collected = Collected::default();
    let found = version_of(me, target, None)?;
    if refs::native_coll_of(target).is_some() {
        let text = "Cannot delete a schema meta collection.";
        collected.add(Error::argument(&place.at("delete"), text));
    } else if found.is_none() {
        collected.add(not_found(target, me.version, place));
    }
    if !me.interp.may_delete(target.coll, target.id)? {
        collected.add(Error::permission_denied(place));
    }
    let Some(version) = collected.finish(found)? else {
        return Ok(value::Value::Null);
    };
    if kind(target.coll).is_some_and(|kind| kind.is_schema) {
        check_unstaged(me, place)?;
    }
    let is_protected = || -> Option<String> {
        match target.coll {
            native::COLLECTION => Some(protected::delete_collection().to_string()),
            native::LEGACY_INDEX => Some(protected::delete_backing_index().to_string()),
            _ => None,
        }
    };
    if let Some(text) = is_protected()
        && me.interp.inherited_flag("protected")?.unwrap_or(false)
    {
        return Err(schema_error(&text, place));
    }
    let before = shown(target, &version);
    if target.coll == native::DATABASE {
        me.interp.delete_keys_of(target.id)?;
    }
    me.interp.txn.delete(target.coll, target.id)?;
    Ok(value::Value::Document(Arc::new(before)))
}
