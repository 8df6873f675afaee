//! What must hold of a document that FQL v4 writes, beyond the kinds of its fields (`spec fql4 8`).
//!
//! Rules are checked on the patch (what is completed before it is applied), on the layout it makes (fields, references,
//! roles), and against what was there and what others are (names, definitions that may not change, memberships).

use super::checks::Faults;
use super::patch::patched;
use super::read::{is_readable, version_of};
use super::write::{Draft, refused, schema_error, validation};
use super::{indexes, roles};
use crate::access::secret::{Decoded, decode, hash_password, verify_password};
use crate::access::{Action, Permissions};
use crate::fql::interp::LegacyRefusal;
use crate::fql4::error::{Code, Error, FieldFailure, Result, Stop};
use crate::fql4::eval::Evaluator;
use crate::fql4::names::is_valid;
use crate::fql4::place::Place;
use crate::fql4::refs;
use crate::fql4::value::{Ref, Str};
use crate::model::schema::check::is_builtin_role;
use crate::model::schema::load::text;
use crate::model::{native, schema::protected};
use crate::value::{CollId, DocId, DocKey, Object, Value};

/// What is wrong with a patch, and what it is completed with before it is applied.
pub(super) fn check_patch(
    me: &mut Evaluator,
    draft: &mut Draft,
    faults: &mut Faults,
) -> Result<()> {
    let is_server = matches!(
        me.interp.principal.permissions,
        Permissions::Server | Permissions::ServerReadOnly
    );
    match draft.coll {
        native::CREDENTIAL => password(draft, &[], is_server, faults),
        native::KEY => key_secret(me, draft, faults)?,
        native::LEGACY_INDEX => {
            let after = patched(&draft.base, &draft.patch);
            let mut patch = std::mem::take(&mut draft.patch);
            indexes::check_patch(&draft.base, &after, &mut patch, faults);
            draft.patch = patch;
        }
        coll if !native::is_native(coll) => password(draft, &["credentials"], is_server, faults),
        _ => {}
    }
    Ok(())
}

/// A field of an object at a path, or what is wrong on the way.
fn text_at(
    object: &Object,
    path: &[&str],
    faults: &mut Faults,
) -> std::result::Result<Option<Str>, ()> {
    let Some((last, parents)) = path.split_last() else {
        return Ok(None);
    };
    let mut current = object;
    for parent in parents {
        match current.get(parent) {
            None | Some(Value::Null(_)) => return Ok(None),
            Some(Value::Object(inner)) => current = inner,
            Some(other) => {
                faults.wrong_type(path, "Map", other);
                return Err(());
            }
        }
    }
    match current.get(last) {
        None | Some(Value::Null(_)) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => {
            faults.wrong_type(path, "String", other);
            Err(())
        }
    }
}

fn set_at(object: &mut Object, path: &[&str], value: Option<Value>) {
    match path {
        [] => {}
        [last] => {
            match value {
                Some(value) => object.insert(*last, value),
                None => object.remove(last),
            };
        }
        [first, rest @ ..] => {
            let mut inner = match object.get(first) {
                Some(Value::Object(inner)) => (**inner).clone(),
                _ if value.is_none() => return,
                _ => Object::new(),
            };
            set_at(&mut inner, rest, value);
            match inner.is_empty() {
                true => object.remove(first),
                false => object.insert(*first, Value::object(inner)),
            };
        }
    }
}

/// Passwords are written, hashes are stored. Others than servers tell the current one when they change it.
fn password(draft: &mut Draft, parent: &[&str], is_server: bool, faults: &mut Faults) {
    let path = |name: &'static str| [parent, &[name]].concat();
    let (clear_path, hash_path, current_path) = (
        path("password"),
        path("hashed_password"),
        path("current_password"),
    );
    let clear = text_at(&draft.patch, &clear_path, faults);
    let beside = match is_server {
        true => text_at(&draft.patch, &hash_path, faults),
        false => text_at(&draft.patch, &current_path, faults),
    };
    let (Ok(clear), Ok(beside)) = (clear, beside) else {
        return;
    };
    let hash = |clear: &str| Some(Value::string(hash_password(clear)));
    match (clear, is_server) {
        (Some(clear), true) => set_at(&mut draft.patch, &hash_path, hash(&clear)),
        (None, true) => {}
        (None, false) => set_at(&mut draft.patch, &hash_path, None),
        (Some(clear), false) => {
            let known = text_at(&draft.base, &hash_path, &mut Faults::default());
            let fits = match known {
                Ok(Some(known)) => beside.is_some_and(|told| verify_password(&told, &known)),
                Ok(None) | Err(()) => true,
            };
            match fits {
                true => set_at(&mut draft.patch, &hash_path, hash(&clear)),
                false => {
                    let path = current_path.join(".");
                    let text = format!("Invalid password at `{path}`.");
                    faults.add(&current_path, "invalid password", text);
                }
            }
        }
    }
}

/// A key's secret may be given again if it is that of the same key.
fn key_secret(me: &mut Evaluator, draft: &mut Draft, faults: &mut Faults) -> Result<()> {
    let secret = text_at(&draft.patch, &["secret"], faults);
    let hash = text_at(&draft.patch, &["hashed_secret"], faults);
    let (Ok(secret), Ok(hash)) = (secret, hash) else {
        return Ok(());
    };
    let own = me.interp.txn.scope();
    let elsewhere = |me: &mut Evaluator, id: DocId| -> Result<bool> {
        let owners = me.interp.txn.key_owners(id)?;
        Ok(owners.into_iter().any(|owner| owner != own))
    };
    match (secret, hash, draft.id) {
        (Some(secret), _, id) => match (decode(&secret), id) {
            (Some(Decoded::Key { id: told, random }), Some(id)) if told == id.0 => {
                match elsewhere(me, id)? {
                    true => faults.add(&["secret"], "duplicate value", "Value is not unique."),
                    false => {
                        let hash = Value::string(hash_password(&random));
                        draft.patch.insert("hashed_secret", hash);
                    }
                }
            }
            _ => faults.add(
                &["secret"],
                "invalid secret",
                "Invalid secret at `List(secret)`",
            ),
        },
        (None, Some(_), Some(id)) if elsewhere(me, id)? => {
            faults.add(
                &["hashed_secret"],
                "duplicate value",
                "Value is not unique.",
            );
        }
        (None, _, _) => {}
    }
    Ok(())
}

/// What is wrong with a layout.
pub(super) fn check_fields(
    me: &mut Evaluator,
    draft: &Draft,
    after: &Object,
    faults: &mut Faults,
) -> Result<()> {
    faults.map(after, "data");
    match draft.coll {
        native::DATABASE => {
            faults.name(after);
            faults.priority(after);
            for flag in ["container", "typechecked", "protected"] {
                faults.boolean(after, flag);
            }
            references(me, after, faults)?;
        }
        native::COLLECTION => {
            faults.long(after, "history_days");
            faults.long(after, "ttl_days");
            let negative = |days: &Value| days.as_i64().is_some_and(|days| days < 0);
            if after.get("history_days").is_some_and(negative) {
                faults.add(
                    &["history_days"],
                    "non-negative value required",
                    "Value must be non-negative.",
                );
            }
            faults.name(after);
            references(me, after, faults)?;
        }
        native::LEGACY_INDEX => {
            faults.name(after);
            indexes::check_definition(me, after, faults);
            references(me, after, faults)?;
        }
        native::FUNCTION => {
            faults.name(after);
            faults.role(after, false);
            faults.needed(after, "body", "Query", |body| {
                matches!(body, Value::Query(_) | Value::String(_))
            });
            faults.optional(after, "signature", "String", |value| {
                matches!(value, Value::String(_))
            });
            references(me, after, faults)?;
            role_names(me, after, faults)?;
        }
        native::ROLE => {
            faults.name(after);
            roles::check_role(after, faults);
            references(me, after, faults)?;
        }
        native::ACCESS_PROVIDER => check_provider(me, draft, after, faults)?,
        native::KEY => {
            faults.role(after, true);
            faults.optional(after, "database", "Database Ref", |value| {
                super::checks::is_reference_to(value, native::DATABASE)
            });
            faults.priority(after);
            faults.ttl(after);
            references(me, after, faults)?;
            role_names(me, after, faults)?;
        }
        native::TOKEN => {
            faults.map(after, "constraints");
            faults.ttl(after);
            faults.needed(after, "instance", "Ref", |value| {
                matches!(value, Value::Doc(_))
            });
            faults.optional(after, "hashed_secret", "String", |value| {
                matches!(value, Value::String(_))
            });
        }
        native::CREDENTIAL => {
            faults.map(after, "constraints");
            faults.ttl(after);
            faults.needed(after, "instance", "Ref", |value| {
                matches!(value, Value::Doc(_))
            });
        }
        _ => {
            faults.map(after, "constraints");
            faults.ttl(after);
        }
    }
    Ok(())
}

fn check_provider(
    me: &mut Evaluator,
    draft: &Draft,
    after: &Object,
    faults: &mut Faults,
) -> Result<()> {
    let is_text = |value: &Value| matches!(value, Value::String(_));
    faults.name(after);
    faults.needed(after, "issuer", "String", is_text);
    match after.get("jwks_uri") {
        Some(Value::String(uri)) if !is_https(uri) => faults.add(
            &["jwks_uri"],
            "invalid uri",
            format!("`{uri}` is a not valid URI"),
        ),
        _ => faults.needed(after, "jwks_uri", "URI", is_text),
    }
    let names = roles::check_provider_roles(after, faults);
    match after.get("issuer") {
        Some(issuer @ Value::String(_)) => {
            let found = me.interp.txn.native_lookup(
                native::ACCESS_PROVIDER,
                native::ACCESS_PROVIDER_BY_ISSUER,
                issuer,
                None,
            )?;
            if found.into_iter().any(|id| Some(id) != draft.id) {
                faults.add(&["issuer"], "duplicate value", "Value is not unique.");
            }
        }
        None => faults.required(&["issuer"]),
        Some(other) => faults.wrong_type(&["issuer"], "String", other),
    }
    references(me, after, faults)?;
    let (mut unknown, mut builtin) = (Vec::new(), Vec::new());
    for name in names {
        if is_builtin_role(&name) {
            builtin.push(format!("Builtin role `{name}` not allowed."));
        } else if me.interp.txn.schema().role(&name).is_none() {
            unknown.push(format!("Role `{name}` does not exist."));
        }
    }
    for text in unknown.into_iter().chain(builtin) {
        faults.add(&["roles"], "validation failure", text);
    }
    Ok(())
}

/// Whether a text is the address of a server, reached safely.
fn is_https(uri: &str) -> bool {
    uri.split_once(':')
        .is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("https"))
}

/// What is wrong with the references of a definition: each must be there, and readable.
fn references(me: &mut Evaluator, layout: &Object, faults: &mut Faults) -> Result<()> {
    let mut found = Vec::new();
    collect_references(layout, &mut Vec::new(), &mut found);
    let scope = me.interp.txn.scope();
    for (path, coll, id) in found {
        let target = Ref { scope, coll, id };
        if refs::native_coll_of(target).is_some() {
            continue;
        }
        let path: Vec<&str> = path.iter().map(|part| &**part).collect();
        if !is_readable(me, target, Action::Read)? {
            faults.add(&path, "invalid reference", "Cannot read reference.");
        }
        if version_of(me, target, None)?.is_none() {
            faults.add(&path, "invalid reference", "Reference was not found.");
        }
    }
    Ok(())
}

/// References by their paths; those in arrays have the path of the array.
fn collect_references(
    object: &Object,
    path: &mut Vec<Str>,
    found: &mut Vec<(Vec<Str>, CollId, DocId)>,
) {
    for (name, field) in object.iter() {
        path.push(name.clone());
        value_references(field, path, found);
        path.pop();
    }
}

fn value_references(
    value: &Value,
    path: &mut Vec<Str>,
    found: &mut Vec<(Vec<Str>, CollId, DocId)>,
) {
    crate::value::deep(|| match value {
        Value::Doc(doc) => {
            if let DocKey::Id(id) = doc.key {
                found.push((path.clone(), doc.coll, id));
            }
        }
        Value::Array(items) => {
            for item in items.iter() {
                value_references(item, path, found);
            }
        }
        Value::Object(object) => collect_references(object, path, found),
        _ => {}
    });
}

/// Roles that keys and functions give by name must be there.
fn role_names(me: &mut Evaluator, layout: &Object, faults: &mut Faults) -> Result<()> {
    for role in crate::model::schema::load::one_or_many(layout, "role") {
        let Value::String(name) = role else { continue };
        if !is_builtin_role(name) && me.interp.txn.schema().role(name).is_none() {
            let text = format!("Role name `{name}` does not exist.");
            faults.add(&["role"], "validation failure", text);
        }
    }
    Ok(())
}

/// What a definition may not change, and what becomes of fields that depend on others.
pub(super) fn check_definition_of_old(
    me: &mut Evaluator,
    draft: &Draft,
    layout: &mut Object,
    place: &Place,
) -> Result<()> {
    let before = draft.before.as_ref();
    match draft.coll {
        native::FUNCTION => {
            let body = layout.get("body");
            let changed = match (before.and_then(|before| before.get("body")), body) {
                (Some(old), Some(new)) => !crate::model::schema::validate::same_value(old, new),
                _ => true,
            };
            if changed {
                if !matches!(body, Some(Value::Query(_))) {
                    return Err(schema_error(
                        "Invalid type provided for field `body`.",
                        place,
                    ));
                }
                layout.remove("internal_sig");
            }
        }
        native::LEGACY_INDEX => {
            if let Some(text) = before.and_then(|before| indexes::shape_change(before, layout)) {
                let failure = FieldFailure {
                    field: Vec::new(),
                    code: "invalid index",
                    description: text,
                };
                return Err(validation(me, vec![failure], place));
            }
        }
        native::COLLECTION => {
            let Some(before) = before else { return Ok(()) };
            if me.interp.inherited_flag("protected")?.unwrap_or(false) {
                let settings = |object: &Object| -> Object {
                    let names = ["history_days", "ttl_days"].into_iter();
                    names
                        .filter_map(|name| Some((name, object.get(name)?.clone())))
                        .collect()
                };
                let lines = protected::destructive_changes(&settings(before), &settings(layout));
                if !lines.is_empty() {
                    let errors = lines
                        .iter()
                        .map(|line| Error::new(Code::SchemaValidationFailed, place, line.clone()));
                    return Err(Stop::Errors(errors.collect()));
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// No two schema objects of a kind have one name.
pub(super) fn check_name(
    me: &mut Evaluator,
    draft: &Draft,
    id: DocId,
    layout: &Object,
    place: &Place,
) -> Result<()> {
    let coll = draft.coll;
    let Some(name) = text(layout, "name").filter(|name| is_valid(name)) else {
        return Ok(());
    };
    match me.interp.txn.by_name(coll, &name, None)? {
        Some(other) if other != id => {
            let target = Ref {
                scope: me.interp.txn.scope(),
                coll,
                id,
            };
            Err(refused(me, LegacyRefusal::NotUnique, draft, target, place))
        }
        Some(_) | None => Ok(()),
    }
}

/// Roles that one collection may have members in.
const MAX_ROLES: usize = 64;

/// No collection has members in too many roles.
pub(super) fn check_memberships(me: &mut Evaluator, role: &Object, place: &Place) -> Result<()> {
    use crate::model::schema::load::one_or_many;
    let resources: Vec<Value> = one_or_many(role, "membership")
        .filter_map(|entry| match entry {
            Value::Object(entry) => entry.get("resource").cloned(),
            _ => None,
        })
        .collect();
    if resources.is_empty() {
        return Ok(());
    }
    let roles = me.interp.native_documents(native::ROLE)?;
    let is_member = |role: &Object, resource: &Value| {
        one_or_many(role, "membership").any(|entry| match entry {
            Value::Object(entry) => entry
                .get("resource")
                .is_some_and(|known| crate::model::schema::validate::same_value(known, resource)),
            _ => false,
        })
    };
    for resource in &resources {
        let with = roles
            .iter()
            .filter(|(_, version)| is_member(&version.object(), resource));
        if with.count() > MAX_ROLES {
            let failure = FieldFailure {
                field: place
                    .steps()
                    .into_iter()
                    .map(|step| match step {
                        crate::fql4::place::Step::Key(key) => key,
                        crate::fql4::place::Step::Index(index) => index.to_string().into(),
                    })
                    .collect(),
                code: "resources exceeded",
                description: format!(
                    "Maximum number of roles per membership class exceeded. Maximum allowed: {MAX_ROLES}."
                ),
            };
            return Err(validation(me, vec![failure], place));
        }
    }
    Ok(())
}
