//! User-defined roles and access providers, as loaded from their definitions (`spec access-control 4.1, 6.1`).

use super::load::one_or_many;
use super::text::LambdaText;
use crate::store::TxnTime;
use crate::value::{CollId, DocId, Object, StoredQuery, Str, Value};
use std::sync::Arc;

/// A user-defined role.
#[derive(Debug)]
pub struct Role {
    /// The id of its definition document.
    pub id: DocId,
    /// Its name.
    pub name: Str,
    /// Commit time of the definition.
    pub ts: TxnTime,
    /// What it allows.
    pub privileges: Vec<Privilege>,
    /// Whose documents have it.
    pub membership: Vec<Membership>,
    /// The definition document.
    pub definition: Arc<Object>,
}

/// What a role allows on one resource.
#[derive(Debug)]
pub struct Privilege {
    /// What it is about.
    pub resource: RoleResource,
    /// Allowed actions; one that is missing is denied.
    pub actions: Vec<(Action, Grant)>,
}

/// What a privilege or a membership is about. FQL v10 gives names, FQL v4 references; both count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoleResource {
    /// Name or alias of a collection or function, or name of a native collection.
    Name(Str),
    /// The definition of a collection (of a native one: the document of `Collection` with its id), function or index.
    Definition(CollId, DocId),
}

/// Who decides whether an action is allowed.
#[derive(Debug)]
pub enum Predicate {
    /// A lambda of FQL v10.
    Text(LambdaText),
    /// A query of FQL v4.
    Query(Arc<StoredQuery>),
}

/// A role that something refers to: FQL v10 gives names, FQL v4 also references.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoleRef {
    /// By its name.
    Name(Str),
    /// By its definition.
    Id(DocId),
}

/// An action on a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Action {
    Read,
    Write,
    Create,
    CreateWithId,
    Delete,
    HistoryRead,
    HistoryWrite,
    UnrestrictedRead,
    Call,
}

/// When an action is allowed.
#[derive(Debug)]
pub enum Grant {
    /// Always.
    Always,
    /// When the predicate yields true.
    If(Predicate),
}

/// A collection whose documents have the role.
#[derive(Debug)]
pub struct Membership {
    /// A user collection.
    pub resource: RoleResource,
    /// Only documents for which it yields true.
    pub predicate: Option<Predicate>,
}

/// An access provider: whose JWTs are accepted, and what they may do.
#[derive(Debug)]
pub struct AccessProvider {
    /// The id of its definition document.
    pub id: DocId,
    /// Its name.
    pub name: Str,
    /// The `iss` claim.
    pub issuer: Str,
    /// Where its keys are.
    pub jwks_uri: Str,
    /// The `aud` claim.
    pub audience: Str,
    /// Roles of its logins, some depending on the claims.
    pub roles: Vec<(RoleRef, Option<Predicate>)>,
    /// The definition document.
    pub definition: Arc<Object>,
}

impl Action {
    /// Every action, in the order of the specification.
    pub const ALL: [Action; 9] = [
        Action::Read,
        Action::Write,
        Action::Create,
        Action::CreateWithId,
        Action::Delete,
        Action::HistoryRead,
        Action::HistoryWrite,
        Action::UnrestrictedRead,
        Action::Call,
    ];

    /// As written in a role.
    pub fn name(self) -> &'static str {
        match self {
            Action::Read => "read",
            Action::Write => "write",
            Action::Create => "create",
            Action::CreateWithId => "create_with_id",
            Action::Delete => "delete",
            Action::HistoryRead => "history_read",
            Action::HistoryWrite => "history_write",
            Action::UnrestrictedRead => "unrestricted_read",
            Action::Call => "call",
        }
    }

    /// The action of that name.
    pub fn of(name: &str) -> Option<Action> {
        Action::ALL.into_iter().find(|action| action.name() == name)
    }
}

impl Role {
    /// Whether it counts as one of the legacy language: a privilege lists no actions, or something is given by
    /// reference or as a query.
    pub fn is_legacy(&self) -> bool {
        let without_actions = |privilege: &Value| match privilege {
            Value::Object(privilege) => !matches!(privilege.get("actions"), Some(Value::Object(_))),
            _ => false,
        };
        let grants = self.privileges.iter().flat_map(|p| &p.actions);
        let members = self.membership.iter();
        one_or_many(&self.definition, "privileges").any(without_actions)
            || self.privileges.iter().any(|p| p.resource.name().is_none())
            || grants
                .into_iter()
                .any(|(_, grant)| matches!(grant, Grant::If(p) if p.text().is_none()))
            || members.into_iter().any(|m| {
                m.resource.name().is_none()
                    || m.predicate.as_ref().is_some_and(|p| p.text().is_none())
            })
    }
}

impl AccessProvider {
    /// Whether it counts as one of the legacy language: a role is given by reference, or a predicate as a query.
    pub fn is_legacy(&self) -> bool {
        self.roles.iter().any(|(role, predicate)| {
            matches!(role, RoleRef::Id(_)) || predicate.as_ref().is_some_and(|p| p.text().is_none())
        })
    }
}

impl RoleResource {
    /// The name, if it is given by name.
    pub fn name(&self) -> Option<&Str> {
        match self {
            RoleResource::Name(name) => Some(name),
            RoleResource::Definition(..) => None,
        }
    }
}

impl Predicate {
    /// The lambda, if it is one of FQL v10.
    pub fn text(&self) -> Option<&LambdaText> {
        match self {
            Predicate::Text(text) => Some(text),
            Predicate::Query(_) => None,
        }
    }
}

impl Privilege {
    /// When `action` is allowed, if ever.
    pub fn grant(&self, action: Action) -> Option<&Grant> {
        self.actions
            .iter()
            .find(|(known, _)| *known == action)
            .map(|(_, grant)| grant)
    }
}
