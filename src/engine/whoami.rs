//! Who a session is, and what names it may use: for prompts, `:whoami` and completion.
//!
//! Both answers come from a transaction like any query's, so that they are as true as a query would be. Nothing here
//! tells more than the session's authority could find out.

use super::session::error_of;
use super::{QueryError, Session};
use crate::access::secret::encode_global_id;
use crate::access::{Login, Permissions};
use crate::model::Txn;
use crate::model::native;
use crate::model::schema::{RoleResource, Schema};
use crate::value::{CollId, DocId, ScopeId, Str, Value};

/// Who a session acts as, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whoami {
    /// Names of the databases from the topmost child down to the one it acts in.
    pub path: Vec<Str>,
    /// The same of the database that the credential itself belongs to.
    pub home: Vec<Str>,
    /// What it came in with.
    pub credential: CredentialKind,
    /// The role or roles it acts with; none for a document that is in no role.
    pub roles: Vec<Str>,
    /// The document it acts as: collection and id.
    pub identity: Option<(Str, DocId)>,
}

/// The kind of a credential; never the credential itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialKind {
    /// The file's owner, or the root secret.
    Root,
    /// A key, by the id of its document.
    Key(DocId),
    /// A token, by the id of its document.
    Token(DocId),
    /// A JWT of an access provider.
    Jwt,
    /// A secret of another process, which knows what it is.
    Elsewhere,
}

/// Names of the user's collections and functions in a database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// The schema version it is true for.
    pub version: i64,
    /// Collections.
    pub collections: Vec<CollectionOutline>,
    /// Functions, with their signatures as far as declared.
    pub functions: Vec<Str>,
    /// Roles.
    pub roles: Vec<Str>,
}

/// What there is to know of a collection by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CollectionOutline {
    /// Its name.
    pub name: Str,
    /// Another name for it.
    pub alias: Option<Str>,
    /// Defined and computed fields.
    pub fields: Vec<FieldOutline>,
    /// Queryable indexes.
    pub indexes: Vec<Str>,
}

/// A field of a collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldOutline {
    /// Its name.
    pub name: Str,
    /// Its declared type.
    pub ty: Option<Str>,
    /// Whether it is computed, and so cannot be written.
    pub computed: bool,
}

impl Session {
    /// Who this session is at the moment; fails as its queries would.
    pub fn whoami(&self) -> Result<Whoami, QueryError> {
        if let Some(remote) = self.away() {
            return remote.whoami(self);
        }
        let (mut txn, principal) = self.begin().map_err(error_of)?;
        let path = names(&mut txn, principal.scope)?;
        let below = self.path().len().min(path.len());
        let home = path[..path.len() - below].to_vec();
        let roles = match &principal.permissions {
            Permissions::Admin => vec!["admin".into()],
            Permissions::Server => vec!["server".into()],
            Permissions::ServerReadOnly | Permissions::Predicate => vec!["server-readonly".into()],
            Permissions::Client => vec!["client".into()],
            Permissions::Roles(names) => names.to_vec(),
        };
        let identity = principal.identity.map(|(coll, id)| {
            let name = txn.schema().collection(coll).map(|c| c.name.clone());
            (name.unwrap_or_else(|| "Deleted".into()), id)
        });
        let credential = match principal.login {
            Login::Root => CredentialKind::Root,
            Login::Key(_, id) => CredentialKind::Key(id),
            Login::Token(id) => CredentialKind::Token(id),
            Login::Jwt(_) => CredentialKind::Jwt,
        };
        Ok(Whoami {
            path,
            home,
            credential,
            roles,
            identity,
        })
    }

    /// The public id of the database the session is in; fails as its queries would.
    pub(crate) fn global_id(&self) -> Result<String, QueryError> {
        let (mut txn, principal) = self.begin().map_err(error_of)?;
        let path = txn.database_path(principal.scope);
        let path = path.map_err(|fault| error_of(fault.into()))?;
        let own = path.as_ref().and_then(|path| path.last());
        let id = own.and_then(|(_, _, version)| version.field("global_id"));
        Ok(encode_global_id(
            id.and_then(|id| id.as_i64()).unwrap_or_default(),
        ))
    }

    /// The names that the session's authority can use in its database.
    pub fn outline(&self) -> Result<Outline, QueryError> {
        if let Some(remote) = self.away() {
            // Without a right to know there are no names to complete.
            let elsewhere = remote.elsewhere(self);
            return Ok(elsewhere
                .map(|known| known.outline.clone())
                .unwrap_or_default());
        }
        let (txn, principal) = self.begin().map_err(error_of)?;
        let schema = txn.schema();
        let granted = |known: &[RoleResource]| match &principal.permissions {
            Permissions::Admin
            | Permissions::Server
            | Permissions::ServerReadOnly
            | Permissions::Predicate => true,
            Permissions::Client => false,
            Permissions::Roles(roles) => roles
                .iter()
                .filter_map(|role| schema.role(role))
                .flat_map(|role| &role.privileges)
                .any(|privilege| known.contains(&privilege.resource)),
        };
        let mut outline = outline(schema, &granted);
        // Roles are documents that only admins read.
        if principal.permissions != Permissions::Admin {
            outline.roles.clear();
        }
        Ok(outline)
    }
}

/// What roles may call a definition.
fn known(name: &Str, alias: Option<&Str>, coll: CollId, id: DocId) -> Vec<RoleResource> {
    let names = std::iter::once(name).chain(alias).cloned();
    names
        .map(RoleResource::Name)
        .chain([RoleResource::Definition(coll, id)])
        .collect()
}

fn outline(schema: &Schema, granted: &dyn Fn(&[RoleResource]) -> bool) -> Outline {
    let collections = schema.collections().into_iter().filter(|collection| {
        let id = DocId(collection.id.0 as i64);
        let alias = collection.alias.as_ref();
        !collection.is_native() && granted(&known(&collection.name, alias, native::COLLECTION, id))
    });
    let collections = collections.map(|collection| {
        let defined = collection.fields.iter().map(|field| FieldOutline {
            name: field.name.clone(),
            ty: Some((*field.ty.text()).into()),
            computed: false,
        });
        let computed = collection.computed.iter().map(|field| FieldOutline {
            name: field.name.clone(),
            ty: field.signature.as_ref().map(|ty| (*ty.text()).into()),
            computed: true,
        });
        let indexes = collection.indexes.iter().filter(|index| index.queryable);
        CollectionOutline {
            name: collection.name.clone(),
            alias: collection.alias.clone(),
            fields: defined.chain(computed).collect(),
            indexes: indexes.map(|index| index.name.clone()).collect(),
        }
    });
    let functions = schema.functions().into_iter();
    Outline {
        version: schema.version,
        collections: collections.collect(),
        functions: functions
            .filter(|function| {
                let alias = function.alias.as_ref();
                granted(&known(&function.name, alias, native::FUNCTION, function.id))
            })
            .map(|function| function.name.clone())
            .collect(),
        roles: schema
            .roles()
            .iter()
            .map(|role| role.name.clone())
            .collect(),
    }
}

/// The names on the way from the topmost database to `scope`.
fn names(txn: &mut Txn, scope: ScopeId) -> Result<Vec<Str>, QueryError> {
    let path = txn
        .database_path(scope)
        .map_err(|error| error_of(error.into()))?
        .unwrap_or_default();
    let names = path
        .iter()
        .map(|(_, _, version)| match version.field("name") {
            Some(Value::String(name)) => name,
            _ => "?".into(),
        });
    Ok(names.collect())
}
