//! From a credential to a principal in a database (`spec access-control 1.5`).
//!
//! Every query authenticates anew against the newest committed state: a key that was deleted, has expired or
//! whose database is gone does not work at the next query. What is slow about it is remembered:
//!
//! ```text
//! text ─▶ LoginCache, while no commit has happened ─▶ principal
//!      └▶ decode ─▶ key or token document ─▶ SecretCache, else bcrypt ─▶ scope suffix ─▶ roles ─▶ principal
//! ```
//!
//! The query runs over the very snapshot that its authority was established in. Roles that depend on predicates are
//! asked about at every query, since a predicate may look at the clock.

use super::{Credential, Engine};
use crate::access::jwks::KeySets;
use crate::access::jwt;
use crate::access::secret::{self, Decoded, Scope, ScopeRole};
use crate::access::{Login, Permissions, Principal};
use crate::fql::interp::{Asked, Failure, Interp, Options, PredicateArguments};
use crate::fql::syntax::Source;
use crate::model::schema::load::role_refs;
use crate::model::schema::{Membership, Predicate, RoleResource};
use crate::model::{ModelError, Txn, Version, native};
use crate::value::{CollId, Doc, DocId, DocKey, Env, ScopeId, Str, Time, Value};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The topmost database.
pub const ROOT: ScopeId = ScopeId(0);

/// How long the predicates of one login may take together.
const PREDICATES: Duration = Duration::from_secs(10);

/// The answer to every secret that is not good: which part of it was wrong is nobody's business.
pub(super) fn unauthorized() -> Failure {
    Failure::protocol(401, "unauthorized", "Access token required")
}

/// Who a credential is, and how long that holds if nothing is written.
struct Resolved {
    principal: Principal,
    expires: Option<Time>,
    /// Whether no predicate had a say.
    lasting: bool,
}

impl Resolved {
    fn lasting(principal: Principal, expires: Option<Time>) -> Resolved {
        Resolved {
            principal,
            expires,
            lasting: true,
        }
    }
}

impl Engine {
    /// Opens a transaction in the credential's database and finds out who acts in it.
    pub(super) fn authenticate(
        self: &Arc<Engine>,
        credential: &Credential,
        path: &[Str],
        role: Option<&str>,
        key_sets: Option<&KeySets>,
    ) -> Result<(Txn, Principal), Failure> {
        let mut txn = self.model.begin(ROOT)?;
        let text = match credential {
            Credential::Root if path.is_empty() && matches!(role, None | Some("admin")) => {
                return Ok((txn, Principal::root(ROOT)));
            }
            Credential::Root => {
                let root = Resolved::lasting(Principal::root(ROOT), None);
                let scope = placed(None, path, role)?;
                let principal = self.enter(&mut txn, root, scope)?.principal;
                return Ok((txn.fresh(principal.scope)?, principal));
            }
            Credential::Secret(text) => text,
        };
        // A JWT says itself where it acts.
        if jwt::looks_like(text) {
            let principal = self.resolve_jwt(&mut txn, text, key_sets)?;
            self.secrets.admit(text);
            return Ok((txn.fresh(principal.scope)?, principal));
        }
        let place = path.iter().map(|name| &**name);
        let mark = self.secrets.mark(
            ["login", text, role.unwrap_or_default()]
                .into_iter()
                .chain(place),
        );
        let (seen, now) = (txn.snapshot_time(), txn.time().into());
        if let Some(principal) = self.logins.get(&mark, seen, now) {
            return Ok((txn.fresh(principal.scope)?, principal));
        }
        let presented = secret::parse_scoped(text).ok_or_else(unauthorized)?;
        let resolved = self.resolve_secret(&mut txn, presented.secret)?;
        let scope = placed(presented.scope, path, role)?;
        let resolved = self.enter(&mut txn, resolved, scope)?;
        self.secrets.admit(text);
        if resolved.lasting {
            self.logins
                .put(mark, &resolved.principal, seen, resolved.expires);
        }
        let principal = resolved.principal;
        Ok((txn.fresh(principal.scope)?, principal))
    }

    /// Who an unscoped secret is. Root secrets come last, so that they cost the others nothing.
    fn resolve_secret(self: &Arc<Engine>, txn: &mut Txn, text: &str) -> Result<Resolved, Failure> {
        let found = match secret::decode(text) {
            Some(Decoded::Key { id, random }) => self.resolve_key(txn, text, DocId(id), &random)?,
            Some(Decoded::Token {
                id,
                database,
                random,
            }) => self.resolve_token(txn, text, DocId(id), database, &random)?,
            None => None,
        };
        match found {
            Some(resolved) => Ok(resolved),
            None if self.is_root_secret(text) => Ok(Resolved::lasting(Principal::root(ROOT), None)),
            None => Err(unauthorized()),
        }
    }

    fn resolve_key(
        &self,
        txn: &mut Txn,
        text: &str,
        id: DocId,
        random: &str,
    ) -> Result<Option<Resolved>, Failure> {
        let (mut found, mut verified) = (None, false);
        for owner in txn.key_owners(id)? {
            let key = txn.with_scope(owner, |txn| txn.get(native::KEY, id, None))??;
            verified |= key.is_some();
            let Some(key) = key.filter(|key| self.is_secret_of(text, random, key)) else {
                continue;
            };
            // The same id twice with the same secret: nobody's key.
            if found.replace((owner, key)).is_some() {
                return Ok(None);
            }
        }
        let Some((owner, key)) = found else {
            if !verified {
                self.secrets.verify_nothing(text, random);
            }
            return Ok(None);
        };
        let scope = match key.field("database") {
            Some(Value::Doc(database)) => child_scope(txn, owner, &database)?,
            _ => Some(owner),
        };
        let Some(scope) = scope else {
            return Ok(None);
        };
        // A deleted ancestor kills the key.
        if txn.database_path(scope)?.is_none() {
            return Ok(None);
        }
        let permissions = match key.field("role") {
            Some(Value::String(role)) => Permissions::named(&role),
            Some(_) => {
                // References are to roles of the database the key is for.
                let schema = txn.with_scope(scope, |txn| txn.schema().clone())?;
                let roles = role_refs(&key.object(), "role");
                let names = roles.iter().filter_map(|role| schema.role_name(role));
                Permissions::Roles(names.collect())
            }
            None => Permissions::Client,
        };
        let principal = Principal {
            scope,
            permissions,
            login: Login::Key(owner, id),
            identity: None,
            lent: false,
        };
        Ok(Some(Resolved::lasting(principal, key.ttl)))
    }

    fn resolve_token(
        self: &Arc<Engine>,
        txn: &mut Txn,
        text: &str,
        id: DocId,
        database: i64,
        random: &str,
    ) -> Result<Option<Resolved>, Failure> {
        let token = match txn.scope_of_global_id(database as u64)? {
            Some(scope) if txn.database_path(scope)?.is_some() => {
                let token = txn.with_scope(scope, |txn| txn.get(native::TOKEN, id, None))??;
                token.map(|token| (scope, token))
            }
            Some(_) | None => None,
        };
        let Some((scope, token)) = token else {
            self.secrets.verify_nothing(text, random);
            return Ok(None);
        };
        if !self.is_secret_of(text, random, &token) {
            return Ok(None);
        }
        let Some(Value::Doc(document)) = token.field("document") else {
            return Ok(None);
        };
        let DocKey::Id(document_id) = document.key else {
            return Ok(None);
        };
        let identity = (document.coll, document_id);
        let Some(mut resolved) = self.member(txn, scope, identity, Login::Token(id))? else {
            return Ok(None);
        };
        resolved.expires = earliest(resolved.expires, token.ttl);
        Ok(Some(resolved))
    }

    fn is_secret_of(&self, text: &str, random: &str, document: &Version) -> bool {
        match document.field("hashed_secret") {
            Some(Value::String(hash)) => self.secrets.verify(text, random, &hash),
            _ => false,
        }
    }

    /// Who a JWT is: the roles that its access provider gives it.
    fn resolve_jwt(
        self: &Arc<Engine>,
        txn: &mut Txn,
        text: &str,
        key_sets: Option<&KeySets>,
    ) -> Result<Principal, Failure> {
        let now = txn.time().0 as f64 / 1e6;
        let token = jwt::read(text, now).ok_or_else(unauthorized)?;
        let scope = txn
            .scope_of_global_id(token.database as u64)?
            .ok_or_else(unauthorized)?;
        if scope == ROOT || txn.database_path(scope)?.is_none() {
            return Err(unauthorized());
        }
        // The database's own name as an issuer is reserved.
        if token
            .issuer
            .strip_prefix(jwt::AUDIENCE)
            .is_some_and(|id| secret::decode_global_id(id) == Some(token.database))
        {
            return Err(unauthorized());
        }
        let txn = txn.fresh(scope)?;
        let schema = txn.schema().clone();
        let provider = schema
            .providers()
            .into_iter()
            .find(|p| *p.issuer == *token.issuer);
        let provider = provider.ok_or_else(unauthorized)?;
        let keys = |unknown_key| {
            key_sets
                .and_then(|own| own.pinned(&provider.jwks_uri))
                .or_else(|| self.key_sets.get(&provider.jwks_uri, unknown_key))
                .ok_or_else(unauthorized)
        };
        let mut set = keys(false)?;
        if token.key(&set).is_none() {
            set = keys(true)?;
        }
        let key = token.key(&set).ok_or_else(unauthorized)?;
        let key_text = serde_json::to_string(key).map_err(|_| unauthorized())?;
        let mark = self.secrets.mark(["jwt", text, &key_text]);
        if !self.secrets.remember(mark, || token.verify(key)) {
            return Err(unauthorized());
        }
        let mut principal = Principal {
            scope,
            permissions: Permissions::Predicate,
            login: Login::Jwt(token.claims.to_string().into()),
            identity: None,
            lent: false,
        };
        let mut interp = self.asking(txn, principal.clone());
        let claims = interp.claims(&token.claims);
        let mut roles = Vec::new();
        for (role, predicate) in &provider.roles {
            if holds(&mut interp, predicate.as_ref(), || claims.clone())? {
                roles.extend(schema.role_name(role));
            }
        }
        if roles.is_empty() {
            return Err(unauthorized());
        }
        principal.permissions = Permissions::Roles(roles.into());
        Ok(principal)
    }

    /// Applies a scope to the principal of its secret.
    fn enter(
        self: &Arc<Engine>,
        txn: &mut Txn,
        resolved: Resolved,
        scope: Option<Scope<'_>>,
    ) -> Result<Resolved, Failure> {
        let Some(Scope { path, role }) = scope else {
            return Ok(resolved);
        };
        let Resolved {
            mut principal,
            expires,
            lasting,
        } = resolved;
        // A token is itself wherever it is said to act.
        if matches!(principal.login, Login::Token(_) | Login::Jwt(_)) {
            return Ok(Resolved {
                principal,
                expires,
                lasting,
            });
        }
        let path = path.unwrap_or_default();
        let admin = principal.permissions == Permissions::Admin;
        let server_as_document = principal.permissions == Permissions::Server
            && path.is_empty()
            && matches!(role, ScopeRole::Document(_));
        if !admin && !server_as_document {
            return Err(unauthorized());
        }
        for name in path {
            let child = named_child(txn, principal.scope, name)?;
            principal.scope = child.ok_or_else(unauthorized)?;
        }
        let scope = principal.scope;
        match role {
            ScopeRole::Builtin(name) => principal.permissions = Permissions::named(name),
            ScopeRole::Role(name) => {
                let role = txn.with_scope(scope, |txn| txn.schema().role(name).cloned())?;
                let role = role.ok_or_else(unauthorized)?;
                principal.permissions = Permissions::Roles(Arc::from([role.name.clone()]));
            }
            ScopeRole::Document(text) => {
                let (coll, id) = text.split_once('/').ok_or_else(unauthorized)?;
                // By its name only, not by an alias.
                let named = |txn: &mut Txn| {
                    let found = txn.schema().collection_named(coll);
                    found.filter(|c| &*c.name == coll).map(|c| c.id)
                };
                let coll = txn.with_scope(scope, named)?.ok_or_else(unauthorized)?;
                let digits = id.bytes().all(|byte| byte.is_ascii_digit());
                let id = id.parse().ok().filter(|_| digits);
                let id = DocId(id.ok_or_else(unauthorized)?);
                let member = self.member(txn, scope, (coll, id), principal.login)?;
                let member = member.ok_or_else(unauthorized)?;
                return Ok(Resolved {
                    expires: earliest(expires, member.expires),
                    lasting: lasting && member.lasting,
                    ..member
                });
            }
        }
        Ok(Resolved {
            principal,
            expires,
            lasting,
        })
    }

    /// Acting as a document, with the roles that it has by membership; `None` if there is no such document.
    fn member(
        self: &Arc<Engine>,
        txn: &mut Txn,
        scope: ScopeId,
        (coll, id): (CollId, DocId),
        login: Login,
    ) -> Result<Option<Resolved>, Failure> {
        let Some(document) = txn.with_scope(scope, |txn| txn.get(coll, id, None))?? else {
            return Ok(None);
        };
        let schema = txn.with_scope(scope, |txn| txn.schema().clone())?;
        let Some(collection) = schema.collection(coll).filter(|c| !c.is_native()) else {
            return Ok(None);
        };
        let mut principal = Principal {
            scope,
            permissions: Permissions::Predicate,
            login,
            identity: Some((coll, id)),
            lent: false,
        };
        let (mut roles, mut lasting) = (Vec::new(), true);
        let mut interp = None;
        for role in schema.roles() {
            // Members by name only: an alias of the collection does not count.
            let here = |m: &&Membership| match &m.resource {
                RoleResource::Name(name) => *name == collection.name,
                RoleResource::Definition(of, id) => {
                    *of == native::COLLECTION && CollId(id.0.max(0) as u64) == coll
                }
            };
            let memberships: Vec<_> = role.membership.iter().filter(here).collect();
            let mut member = memberships.iter().any(|m| m.predicate.is_none());
            for predicate in memberships.iter().filter_map(|m| m.predicate.as_ref()) {
                if member {
                    break;
                }
                lasting = false;
                let interp = match &mut interp {
                    Some(interp) => interp,
                    None => interp.insert(self.asking(txn.fresh(scope)?, principal.clone())),
                };
                let document = Value::Doc(interp.doc(coll, id));
                member = interp.auth_predicate(predicate, &about(document))?;
            }
            if member {
                roles.push(role.name.clone());
            }
        }
        principal.permissions = Permissions::Roles(roles.into());
        Ok(Some(Resolved {
            principal,
            expires: document.ttl,
            lasting,
        }))
    }

    /// An evaluator of the predicates that decide on a login.
    fn asking(self: &Arc<Engine>, txn: Txn, principal: Principal) -> Interp {
        let options = Options {
            deadline: Some(Instant::now() + PREDICATES),
            ..Options::default()
        };
        let source = Source::hidden("*predicate*");
        let library = self.library.clone();
        Interp::new(
            txn,
            library,
            Arc::new(principal),
            source,
            Env::default(),
            options,
        )
    }
}

/// Whether a predicate of an access provider, if there is one, grants its role.
fn holds(
    interp: &mut Interp,
    predicate: Option<&Predicate>,
    claims: impl FnOnce() -> Value,
) -> Result<bool, Failure> {
    match predicate {
        None => Ok(true),
        Some(predicate) => interp.auth_predicate(predicate, &about(claims())),
    }
}

/// What a predicate that decides on a login is asked.
fn about(subject: Value) -> Asked {
    Asked {
        action: None,
        arguments: PredicateArguments::Listed(vec![subject]),
    }
}

/// The scope of a secret with the place and role chosen beside it: that place lies below the one the secret names.
fn placed<'a>(
    base: Option<Scope<'a>>,
    path: &'a [Str],
    role: Option<&'a str>,
) -> Result<Option<Scope<'a>>, Failure> {
    if path.is_empty() && role.is_none() {
        return Ok(base);
    }
    let (mut names, base) = match base {
        Some(base) => (base.path.unwrap_or_default(), Some(base.role)),
        None => (Vec::new(), None),
    };
    names.extend(path.iter().map(|name| &**name));
    let role = match (role, base) {
        (Some(text), _) => parse_role(text).ok_or_else(unauthorized)?,
        (None, Some(base)) => base,
        (None, None) => ScopeRole::Builtin("admin"),
    };
    Ok(Some(Scope {
        path: Some(names),
        role,
    }))
}

/// The scope of the child database that a key is for.
fn child_scope(txn: &mut Txn, owner: ScopeId, database: &Doc) -> Result<Option<ScopeId>, Failure> {
    let DocKey::Id(id) = database.key else {
        return Ok(None);
    };
    let child = txn.with_scope(owner, |txn| txn.get(native::DATABASE, id, None))??;
    Ok(child.as_deref().and_then(scope_of))
}

/// The scope of a database's child of that name.
fn named_child(txn: &mut Txn, parent: ScopeId, name: &str) -> Result<Option<ScopeId>, Failure> {
    let child = txn.with_scope(parent, |txn| -> Result<_, ModelError> {
        match txn.by_name(native::DATABASE, name, None)? {
            Some(id) => txn.get(native::DATABASE, id, None),
            None => Ok(None),
        }
    })??;
    Ok(child.as_deref().and_then(scope_of))
}

fn scope_of(database: &Version) -> Option<ScopeId> {
    let scope = database.field("scope")?.as_i64()?;
    Some(ScopeId(scope as u64))
}

/// The earlier of two times, where none is never.
fn earliest(a: Option<Time>, b: Option<Time>) -> Option<Time> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
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
