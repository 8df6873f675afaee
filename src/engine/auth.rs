//! From a credential to a principal in a database (`spec access-control 1.5`).
//!
//! Every query authenticates anew against the newest committed state: a key that was deleted, has expired or
//! whose database is gone does not work at the next query. What is slow about it, bcrypt, is paid once per
//! secret and process (see [`SecretCache`](crate::access::SecretCache)).

use super::{Credential, Engine};
use crate::access::jwt;
use crate::access::secret::{self, Decoded, Scope, ScopeRole};
use crate::access::{Login, Permissions, Principal};
use crate::fql::interp::{Failure, Interp, Options};
use crate::fql::syntax::Source;
use crate::model::{ModelError, Txn, native};
use crate::value::{CollId, Doc, DocId, DocKey, Env, ScopeId, Str, Value};
use std::sync::Arc;

/// The topmost database.
pub const ROOT: ScopeId = ScopeId(0);

/// The answer to every secret that is not good: which part of it was wrong is nobody's business.
fn unauthorized() -> Failure {
    Failure::protocol(401, "unauthorized", "Access token required")
}

impl Engine {
    /// Opens a transaction in the credential's database and finds out who acts in it.
    pub(super) fn authenticate(
        self: &Arc<Engine>,
        credential: &Credential,
        path: &[Str],
        role: Option<&str>,
    ) -> Result<(Txn, Principal), Failure> {
        match credential {
            Credential::Root => {
                let principal = Principal::root(ROOT);
                if path.is_empty() && matches!(role, None | Some("admin")) {
                    return Ok((self.model.begin(ROOT)?, principal));
                }
                let role = match role {
                    Some(text) => parse_role(text).ok_or_else(unauthorized)?,
                    None => ScopeRole::Builtin("admin"),
                };
                let path: Vec<&str> = path.iter().map(|name| &**name).collect();
                self.enter(
                    self.model.begin(ROOT)?,
                    principal,
                    Some(Scope {
                        path: Some(path),
                        role,
                    }),
                )
            }
            // A JWT says itself where it acts.
            Credential::Secret(text) if jwt::looks_like(text) => self.resolve_jwt(text),
            Credential::Secret(text) => {
                let presented = secret::parse_scoped(text).ok_or_else(unauthorized)?;
                let (txn, principal) = self.resolve_secret(presented.secret)?;
                let mut scope = presented.scope;
                if !path.is_empty() || role.is_some() {
                    // A place chosen in the shell lies below the one the secret itself names.
                    let base = scope.take();
                    let mut names = base
                        .as_ref()
                        .and_then(|s| s.path.clone())
                        .unwrap_or_default();
                    names.extend(path.iter().map(|name| &**name));
                    let role = match (role, base) {
                        (Some(text), _) => parse_role(text).ok_or_else(unauthorized)?,
                        (None, Some(base)) => base.role,
                        (None, None) => ScopeRole::Builtin("admin"),
                    };
                    scope = Some(Scope {
                        path: Some(names),
                        role,
                    });
                }
                self.enter(txn, principal, scope)
            }
        }
    }

    /// Who an unscoped secret is.
    fn resolve_secret(self: &Arc<Engine>, text: &str) -> Result<(Txn, Principal), Failure> {
        if self.is_root_secret(text) {
            return Ok((self.model.begin(ROOT)?, Principal::root(ROOT)));
        }
        let mut txn = self.model.begin(ROOT)?;
        match secret::decode(text) {
            None => Err(unauthorized()),
            Some(Decoded::Key { id, random }) => {
                let id = DocId(id);
                let mut found = None;
                for owner in txn.key_owners(id)? {
                    let Some(key) =
                        txn.with_scope(owner, |txn| txn.get(native::KEY, id, None))??
                    else {
                        continue;
                    };
                    let Some(Value::String(hash)) = key.field("hashed_secret") else {
                        continue;
                    };
                    if self.secrets.verify(text, &random, &hash) {
                        match found {
                            None => found = Some((owner, key)),
                            // The same id twice with the same secret: nobody's key.
                            Some(_) => return Err(unauthorized()),
                        }
                    }
                }
                let (owner, key) = found.ok_or_else(unauthorized)?;
                let scope = match key.field("database") {
                    Some(Value::Doc(database)) => self.child_scope(&mut txn, owner, &database)?,
                    _ => owner,
                };
                if txn.database_path(scope)?.is_none() {
                    return Err(unauthorized());
                }
                let permissions = match key.field("role") {
                    Some(Value::String(role)) => Permissions::named(&role),
                    _ => Permissions::Client,
                };
                let login = Login::Key(owner, id);
                Ok((
                    self.model.begin(scope)?,
                    Principal {
                        scope,
                        permissions,
                        login,
                        identity: None,
                    },
                ))
            }
            Some(Decoded::Token {
                id,
                database,
                random,
            }) => {
                let scope = txn
                    .scope_of_global_id(database as u64)?
                    .ok_or_else(unauthorized)?;
                if txn.database_path(scope)?.is_none() {
                    return Err(unauthorized());
                }
                let mut txn = self.model.begin(scope)?;
                let id = DocId(id);
                let token = txn.get(native::TOKEN, id, None)?.ok_or_else(unauthorized)?;
                let hash = match token.field("hashed_secret") {
                    Some(Value::String(hash)) => hash,
                    _ => return Err(unauthorized()),
                };
                if !self.secrets.verify(text, &random, &hash) {
                    return Err(unauthorized());
                }
                let Some(Value::Doc(document)) = token.field("document") else {
                    return Err(unauthorized());
                };
                let DocKey::Id(document_id) = document.key else {
                    return Err(unauthorized());
                };
                let coll = document.coll;
                let (txn, roles) = self.roles_of(txn, coll, document_id)?;
                let principal = Principal {
                    scope,
                    permissions: Permissions::Roles(roles),
                    login: Login::Token(id),
                    identity: Some((coll, document_id)),
                };
                Ok((txn, principal))
            }
        }
    }

    /// Who a JWT is: the roles that its access provider gives it.
    fn resolve_jwt(self: &Arc<Engine>, text: &str) -> Result<(Txn, Principal), Failure> {
        let now = self.model.now().0 as f64 / 1e6;
        let token = jwt::read(text, now).ok_or_else(unauthorized)?;
        let mut txn = self.model.begin(ROOT)?;
        let scope = txn
            .scope_of_global_id(token.database as u64)?
            .ok_or_else(unauthorized)?;
        if scope == ROOT || txn.database_path(scope)?.is_none() {
            return Err(unauthorized());
        }
        let txn = self.model.begin(scope)?;
        let schema = txn.schema().clone();
        let provider = schema
            .providers()
            .into_iter()
            .find(|p| *p.issuer == *token.issuer);
        let provider = provider.ok_or_else(unauthorized)?;
        let mut keys = self
            .key_sets
            .get(&provider.jwks_uri, false)
            .ok_or_else(unauthorized)?;
        if token.key(&keys).is_none() {
            keys = self
                .key_sets
                .get(&provider.jwks_uri, true)
                .ok_or_else(unauthorized)?;
        }
        if !token.key(&keys).is_some_and(|key| token.verify(key)) {
            return Err(unauthorized());
        }
        let principal = Principal {
            scope,
            permissions: Permissions::Predicate,
            login: Login::Jwt(token.claims.to_string().into()),
            identity: None,
        };
        let source = Source::hidden("*predicate*");
        let mut interp = Interp::new(
            txn,
            self.library.clone(),
            Arc::new(principal.clone()),
            source,
            Env::default(),
            Options::default(),
        );
        let claims = interp.claims(&token.claims);
        let mut roles = Vec::new();
        for (role, predicate) in &provider.roles {
            let granted = match predicate {
                None => true,
                Some(predicate) => interp.auth_predicate(predicate, vec![claims.clone()])?,
            };
            if granted {
                roles.push(role.clone());
            }
        }
        if roles.is_empty() {
            return Err(unauthorized());
        }
        Ok((
            interp.txn,
            Principal {
                permissions: Permissions::Roles(roles.into()),
                ..principal
            },
        ))
    }

    /// Applies a scope to the principal of its secret.
    fn enter(
        self: &Arc<Engine>,
        mut txn: Txn,
        principal: Principal,
        scope: Option<Scope<'_>>,
    ) -> Result<(Txn, Principal), Failure> {
        let Some(Scope { path, role }) = scope else {
            return Ok((txn, principal));
        };
        // A token is itself wherever it is said to act.
        if matches!(principal.login, Login::Token(_) | Login::Jwt(_)) {
            return Ok((txn, principal));
        }
        let path = path.unwrap_or_default();
        let admin = principal.permissions == Permissions::Admin;
        let server_as_document = principal.permissions == Permissions::Server
            && path.is_empty()
            && matches!(role, ScopeRole::Document(_));
        if !admin && !server_as_document {
            return Err(unauthorized());
        }
        let mut target = principal.scope;
        for name in path {
            let child =
                txn.with_scope(target, |txn| -> Result<Option<ScopeId>, ModelError> {
                    let Some(id) = txn.by_name(native::DATABASE, name, None)? else {
                        return Ok(None);
                    };
                    let database = txn.get(native::DATABASE, id, None)?;
                    Ok(database
                        .and_then(|d| d.field("scope"))
                        .and_then(|v| v.as_i64())
                        .map(|n| ScopeId(n as u64)))
                })??;
            target = child.ok_or_else(unauthorized)?;
        }
        if target != principal.scope {
            txn = self.model.begin(target)?;
        }
        let principal = Principal {
            scope: target,
            ..principal
        };
        match role {
            ScopeRole::Builtin(name) => Ok((
                txn,
                Principal {
                    permissions: Permissions::named(name),
                    ..principal
                },
            )),
            ScopeRole::Role(name) => {
                let role = txn
                    .schema()
                    .role(name)
                    .ok_or_else(unauthorized)?
                    .name
                    .clone();
                let permissions = Permissions::Roles(Arc::from([role]));
                Ok((
                    txn,
                    Principal {
                        permissions,
                        ..principal
                    },
                ))
            }
            ScopeRole::Document(text) => {
                let (coll, id) = text.split_once('/').ok_or_else(unauthorized)?;
                let coll = txn
                    .schema()
                    .collection_named(coll)
                    .ok_or_else(unauthorized)?
                    .id;
                let id = DocId(id.parse().map_err(|_| unauthorized())?);
                let (txn, roles) = self.roles_of(txn, coll, id)?;
                let permissions = Permissions::Roles(roles);
                Ok((
                    txn,
                    Principal {
                        permissions,
                        identity: Some((coll, id)),
                        ..principal
                    },
                ))
            }
        }
    }

    fn child_scope(
        &self,
        txn: &mut Txn,
        owner: ScopeId,
        database: &Doc,
    ) -> Result<ScopeId, Failure> {
        let DocKey::Id(id) = database.key else {
            return Err(unauthorized());
        };
        let child = txn.with_scope(owner, |txn| txn.get(native::DATABASE, id, None))??;
        let scope = child
            .and_then(|d| d.field("scope"))
            .and_then(|v| v.as_i64());
        Ok(ScopeId(scope.ok_or_else(unauthorized)? as u64))
    }

    /// The roles a document has by membership; fails if there is no such document.
    fn roles_of(
        self: &Arc<Engine>,
        mut txn: Txn,
        coll: CollId,
        id: DocId,
    ) -> Result<(Txn, Arc<[Str]>), Failure> {
        if txn.get(coll, id, None)?.is_none() {
            return Err(unauthorized());
        }
        let schema = txn.schema().clone();
        let Some(collection) = schema.collection(coll).filter(|c| !c.is_native()) else {
            return Err(unauthorized());
        };
        let principal = Principal {
            scope: txn.scope(),
            permissions: Permissions::Predicate,
            login: Login::Root,
            identity: Some((coll, id)),
        };
        let mut interp = Interp::new(
            txn,
            self.library.clone(),
            Arc::new(principal),
            Source::hidden("*predicate*"),
            Env::default(),
            Options::default(),
        );
        let mut roles = Vec::new();
        for role in schema.roles() {
            for membership in role
                .membership
                .iter()
                .filter(|m| m.resource == collection.name)
            {
                let document = Value::Doc(interp.doc(coll, id));
                let member = match &membership.predicate {
                    None => true,
                    Some(predicate) => interp.auth_predicate(predicate, vec![document])?,
                };
                if member {
                    roles.push(role.name.clone());
                    break;
                }
            }
        }
        Ok((interp.txn, roles.into()))
    }
}

/// A role as the shell and the command line write it.
fn parse_role(text: &str) -> Option<ScopeRole<'_>> {
    match text {
        "admin" | "server" | "server-readonly" | "client" => Some(ScopeRole::Builtin(text)),
        _ => match text.split_once('/')? {
            ("@role", name) => Some(ScopeRole::Role(name)),
            ("@doc", reference) => Some(ScopeRole::Document(reference)),
            _ => None,
        },
    }
}
