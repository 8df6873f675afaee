//! Who may do what: principals, built-in roles and their permission matrix (`spec access-control 3`).

mod cache;
pub mod jwks;
pub mod jwt;
mod matrix;
pub mod secret;

pub use crate::model::schema::Action;
pub use cache::{LoginCache, Mark, SecretCache};
pub use matrix::builtin_allows;

use crate::value::{CollId, DocId, ScopeId, Str};
use std::sync::Arc;

/// What a secret, or the owner of the file, resolves to.
#[derive(Clone, Debug)]
pub struct Principal {
    /// The database it acts in.
    pub scope: ScopeId,
    /// What it may do there.
    pub permissions: Permissions,
    /// How it came in.
    pub login: Login,
    /// The document it acts as (tokens, `@doc`).
    pub identity: Option<(CollId, DocId)>,
    /// Whether the permissions are those of a function's role. They know no identity: neither its baseline nor
    /// `Query.identity()` in their predicates (`spec access-control 4.4`).
    pub lent: bool,
}

/// The rights of a principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permissions {
    /// Everything in its database.
    Admin,
    /// Everything but databases, keys, roles and access providers.
    Server,
    /// Reads what `Server` reads.
    ServerReadOnly,
    /// Nothing but pure queries.
    Client,
    /// A role predicate at work: reads what `ServerReadOnly` reads, but no history, and calls functions.
    Predicate,
    /// The union of user-defined roles, by name.
    Roles(Arc<[Str]>),
}

/// How a principal came in; revalidated for long-lived subscriptions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// The root secret, or a local file opened without one.
    Root,
    /// A key: the scope that stores it, and its id.
    Key(ScopeId, DocId),
    /// A token of the principal's database.
    Token(DocId),
    /// A JWT, with its claims as JSON text.
    Jwt(Arc<str>),
}

impl Principal {
    /// Admin in `scope` by the root secret.
    pub fn root(scope: ScopeId) -> Principal {
        Principal {
            scope,
            permissions: Permissions::Admin,
            login: Login::Root,
            identity: None,
            lent: false,
        }
    }
}

impl Permissions {
    /// The rights that a role's name means: a built-in role, or a user-defined one.
    pub fn named(role: &str) -> Permissions {
        match role {
            "admin" => Permissions::Admin,
            "server" => Permissions::Server,
            "server-readonly" => Permissions::ServerReadOnly,
            "client" => Permissions::Client,
            other => Permissions::Roles(Arc::from([Str::from(other)])),
        }
    }
}
