//! The authority that a stream was opened with, and whether it still holds (`spec access-control 4.8`).
//!
//! A stream keeps the rights it began with. It ends once they could be others: the key or token has been changed, deleted
//! or has expired, its database is gone, or one of its roles has been redefined.

use super::Engine;
use super::auth::{ROOT, unauthorized};
use crate::access::{Login, Permissions, Principal};
use crate::fql::interp::Failure;
use crate::model::{ModelError, Txn, native};
use crate::value::order::same;
use crate::value::{CollId, DocId, ScopeId, Str, Value};
use std::sync::Arc;

/// A principal, and what its rights rest on.
pub(super) struct Authority {
    principal: Principal,
    login: Vec<Value>,
    roles: Vec<Value>,
}

impl Authority {
    /// The authority of a principal that was authenticated in this transaction.
    pub fn of(txn: &mut Txn, principal: &Principal) -> Result<Authority, Failure> {
        let login = login_state(txn, principal)?.ok_or_else(unauthorized)?;
        Ok(Authority {
            principal: principal.clone(),
            login,
            roles: role_state(txn, principal),
        })
    }

    /// A transaction in which the authority holds, and the principal; else the failure of a wrong secret.
    pub fn renew(&self, engine: &Arc<Engine>) -> Result<(Txn, Principal), Failure> {
        let mut txn = engine.model.begin(ROOT)?;
        let login = login_state(&mut txn, &self.principal)?;
        let txn = txn.fresh(self.principal.scope)?;
        let roles = role_state(&txn, &self.principal);
        match login {
            Some(login) if all_same(&login, &self.login) && all_same(&roles, &self.roles) => {
                Ok((txn, self.principal.clone()))
            }
            Some(_) | None => Err(unauthorized()),
        }
    }
}

fn all_same(some: &[Value], others: &[Value]) -> bool {
    some.len() == others.len() && some.iter().zip(others).all(|(a, b)| same(a, b))
}

/// What a login rests on; `None` if it does not hold any more.
fn login_state(txn: &mut Txn, principal: &Principal) -> Result<Option<Vec<Value>>, ModelError> {
    if principal.scope != ROOT && txn.database_path(principal.scope)?.is_none() {
        return Ok(None);
    }
    match &principal.login {
        Login::Root => Ok(Some(Vec::new())),
        Login::Key(owner, id) => fields(txn, *owner, native::KEY, *id, &["role", "database"]),
        Login::Token(id) => fields(txn, principal.scope, native::TOKEN, *id, &["document"]),
        Login::Jwt(claims) => {
            let claims = serde_json::from_str::<serde_json::Value>(claims).unwrap_or_default();
            let expires = claims.get("exp").and_then(serde_json::Value::as_f64);
            let now = txn.time().0 as f64 / 1e6;
            Ok(expires.is_none_or(|expires| now < expires).then(Vec::new))
        }
    }
}

/// Some fields of a live key or token, and when it expires.
fn fields(
    txn: &mut Txn,
    scope: ScopeId,
    coll: CollId,
    id: DocId,
    names: &[&str],
) -> Result<Option<Vec<Value>>, ModelError> {
    let found = txn.with_scope(scope, |txn| txn.get(coll, id, None))??;
    Ok(found.map(|version| {
        let field = |name: &&str| version.field(name).unwrap_or(Value::NULL);
        let ttl = version.ttl.map_or(Value::NULL, Value::Time);
        names.iter().map(field).chain([ttl]).collect()
    }))
}

/// What the roles of a principal are at the moment.
fn role_state(txn: &Txn, principal: &Principal) -> Vec<Value> {
    let Permissions::Roles(names) = &principal.permissions else {
        return Vec::new();
    };
    let schema = txn.schema();
    let parts = |name: &Str| {
        let role = schema.role(name);
        ["name", "privileges", "membership"].map(|part| {
            let part = role.and_then(|role| role.definition.get(part));
            part.cloned().unwrap_or(Value::NULL)
        })
    };
    names.iter().flat_map(parts).collect()
}
