//! Asking whether the principal may do something (`spec access-control 3, 4`).

use super::{Ceiling, Effect, Failure, FailureKind, Interp, Result};
use crate::access::{Action, Permissions, Principal, builtin_allows};
use crate::model::native;
use crate::model::schema::{Collection, Grant, LambdaText, Role};
use crate::value::{CollId, DocKey, Str, Value};
use std::sync::Arc;

/// What an action is done to.
#[derive(Clone, Copy, Debug)]
pub enum Resource<'a> {
    /// Documents of a collection.
    Collection(CollId),
    /// A user-defined function, by name.
    Function(&'a str),
}

/// The names by which a role may mean a collection.
pub(super) fn resource_names(collection: &Collection) -> Vec<Str> {
    let alias = match collection.id {
        native::CREDENTIAL => Some("Credentials".into()),
        _ => collection.alias.clone(),
    };
    std::iter::once(collection.name.clone())
        .chain(alias)
        .collect()
}

impl Interp {
    /// Whether the principal may do `action` to `resource`; `args` are what a predicate would receive.
    pub fn allowed(
        &mut self,
        action: Action,
        resource: Resource<'_>,
        args: impl FnOnce() -> Vec<Value>,
    ) -> Result<bool> {
        let coll = match resource {
            Resource::Collection(coll) => coll,
            Resource::Function(_) => native::FUNCTION,
        };
        match builtin_allows(&self.principal.permissions, action, coll) {
            Some(allowed) => Ok(allowed),
            None => {
                let args = args();
                Ok(self.own_by_right(action, coll, args.first())?
                    || self.roles_allow(action, resource, || args)?)
            }
        }
    }

    /// Whether privileges decide, which may have predicates, rather than a built-in role.
    pub(super) fn rights_are_asked(&self) -> bool {
        matches!(self.principal.permissions, Permissions::Roles(_))
    }

    /// Fails with `permission_denied` unless allowed.
    pub fn authorize(
        &mut self,
        action: Action,
        resource: Resource<'_>,
        args: impl FnOnce() -> Vec<Value>,
    ) -> Result<()> {
        match self.allowed(action, resource, args)? {
            true => Ok(()),
            false => Err(Failure::permission_denied()),
        }
    }

    /// What acting as a document gives without any role: its own credential may be read, its own tokens read and
    /// deleted (`spec access-control 5.4`).
    fn own_by_right(
        &mut self,
        action: Action,
        coll: CollId,
        subject: Option<&Value>,
    ) -> Result<bool> {
        let Some(identity) = self.principal.identity.filter(|_| !self.principal.lent) else {
            return Ok(false);
        };
        let covered = match action {
            Action::Read => coll == native::TOKEN || coll == native::CREDENTIAL,
            Action::Delete => coll == native::TOKEN,
            Action::Write
            | Action::Create
            | Action::CreateWithId
            | Action::HistoryRead
            | Action::HistoryWrite
            | Action::UnrestrictedRead
            | Action::Call => false,
        };
        let Some(Value::Doc(doc)) = subject.filter(|_| covered) else {
            return Ok(false);
        };
        let DocKey::Id(id) = doc.key else {
            return Ok(false);
        };
        let held = self
            .txn
            .get(coll, id, None)?
            .and_then(|version| version.field("document"));
        Ok(
            matches!(held, Some(Value::Doc(held)) if (held.coll, &held.key) == (identity.0, &DocKey::Id(identity.1))),
        )
    }

    /// Whether one of the principal's user-defined roles grants `action`; a static grant wins over predicates.
    fn roles_allow(
        &mut self,
        action: Action,
        resource: Resource<'_>,
        args: impl FnOnce() -> Vec<Value>,
    ) -> Result<bool> {
        let Permissions::Roles(names) = &self.principal.permissions else {
            return Ok(false);
        };
        let schema = self.txn.schema().clone();
        let roles: Vec<Arc<Role>> = names
            .iter()
            .filter_map(|name| schema.role(name).cloned())
            .collect();
        let known: Vec<Str> = match resource {
            Resource::Function(name) => match schema.function_named(name) {
                Some(function) => std::iter::once(function.name.clone())
                    .chain(function.alias.clone())
                    .collect(),
                None => vec![name.into()],
            },
            Resource::Collection(id) => match schema.collection(id) {
                Some(collection) => resource_names(collection),
                None => return Ok(false),
            },
        };
        let mut predicates = Vec::new();
        for role in &roles {
            for privilege in role
                .privileges
                .iter()
                .filter(|p| known.contains(&p.resource))
            {
                for (granted, grant) in &privilege.actions {
                    match grant {
                        Grant::Always if *granted == action => return Ok(true),
                        Grant::If(_) if *granted == action => predicates.push(grant),
                        Grant::Always | Grant::If(_) => {}
                    }
                }
            }
        }
        if predicates.is_empty() {
            return Ok(false);
        }
        let args = args();
        for grant in predicates {
            let Grant::If(text) = grant else { continue };
            if self.auth_predicate(text, args.clone())? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether an authorization predicate yields exactly `true`; any error of it is a denial.
    pub fn auth_predicate(&mut self, predicate: &LambdaText, args: Vec<Value>) -> Result<bool> {
        let Ok(lambda) = predicate.lambda() else {
            return Ok(false);
        };
        let accepts = args.len() == lambda.params.len()
            || (lambda.rest.is_some() && args.len() >= lambda.params.len());
        if !accepts {
            return Ok(false);
        }
        let asking = &self.principal;
        let principal = Arc::new(Principal {
            permissions: Permissions::Predicate,
            identity: asking.identity.filter(|_| !asking.lent),
            lent: false,
            ..(**asking).clone()
        });
        let ceiling = Ceiling {
            effect: Effect::Read,
            reason: "auth predicates",
        };
        let result = self.acting_as(principal, |me| {
            me.limited(ceiling, |me| {
                me.reading_at(None, |me| me.call_stored(lambda, &predicate.source, args))
            })
        });
        match result {
            Ok(value) => Ok(matches!(value, Value::Bool(true))),
            Err(failure) => match &*failure.0 {
                FailureKind::Query(_) => Ok(false),
                // The request as a whole fails: out of time, the store.
                FailureKind::Protocol(_) => Err(failure),
            },
        }
    }
}
