//! User-defined roles and access providers, as loaded from their definitions (`spec access-control 4.1, 6.1`).

use super::load::one_or_many;
use super::text::LambdaText;
use crate::store::TxnTime;
use crate::value::{DocId, Object, Str, Value};
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
    /// Name or alias of a collection or function, or name of a native collection.
    pub resource: Str,
    /// Allowed actions; one that is missing is denied.
    pub actions: Vec<(Action, Grant)>,
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
    If(LambdaText),
}

/// A collection whose documents have the role.
#[derive(Debug)]
pub struct Membership {
    /// Name of a user collection.
    pub resource: Str,
    /// Only documents for which it yields true.
    pub predicate: Option<LambdaText>,
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
    pub roles: Vec<(Str, Option<LambdaText>)>,
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
    /// Whether it counts as one of the legacy language: a privilege lists no actions.
    pub fn is_legacy(&self) -> bool {
        one_or_many(&self.definition, "privileges").any(|privilege| match privilege {
            Value::Object(privilege) => !matches!(privilege.get("actions"), Some(Value::Object(_))),
            _ => false,
        })
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
