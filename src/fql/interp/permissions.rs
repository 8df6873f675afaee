//! Asking whether the principal may do something (`spec access-control 3, 4`).

use super::legacy::{Asked, PredicateArguments};
use super::{Ceiling, Effect, Failure, FailureKind, Interp, Result};
use crate::access::{Action, Permissions, Principal, builtin_allows};
use crate::model::native;
use crate::model::schema::{Collection, Grant, Predicate, Role, RoleResource};
use crate::value::{CollId, DocId, DocKey, Str, Value};
use std::sync::Arc;

/// What an action is done to.
#[derive(Clone, Copy, Debug)]
pub enum Resource<'a> {
    /// Documents of a collection.
    Collection(CollId),
    /// A user-defined function, by name.
    Function(&'a str),
    /// An index of FQL v4.
    Index(DocId),
}

/// What a role may call a resource: by name, or by its definition.
pub(super) struct Known {
    names: Vec<Str>,
    definition: Option<(CollId, DocId)>,
}

impl Known {
    /// What roles may call a collection.
    pub(super) fn collection(collection: &Collection) -> Known {
        let id = i64::try_from(collection.id.0).unwrap_or(i64::MAX);
        Known {
            names: resource_names(collection),
            definition: Some((native::COLLECTION, DocId(id))),
        }
    }

    /// Whether a role means it.
    pub(super) fn is(&self, resource: &RoleResource) -> bool {
        match resource {
            RoleResource::Name(name) => self.names.contains(name),
            RoleResource::Definition(coll, id) => self.definition == Some((*coll, *id)),
        }
    }
}

/// The names by which a role may mean a collection.
fn resource_names(collection: &Collection) -> Vec<Str> {
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
            Resource::Index(_) => native::LEGACY_INDEX,
        };
        match builtin_allows(&self.principal.permissions, action, coll) {
            Some(allowed) => Ok(allowed),
            None => {
                let args = args();
                Ok(self.own_by_right(action, coll, args.first())?
                    || self.roles_allow(action, resource, PredicateArguments::Listed(args))?)
            }
        }
    }

    /// The same for what only FQL v4 asks with one argument: calls of functions, reads of indexes, unrestricted reads.
    pub fn allowed_legacy(
        &mut self,
        action: Action,
        resource: Resource<'_>,
        argument: Value,
    ) -> Result<bool> {
        let coll = match resource {
            Resource::Collection(coll) => coll,
            Resource::Function(_) => native::FUNCTION,
            Resource::Index(_) => native::LEGACY_INDEX,
        };
        match builtin_allows(&self.principal.permissions, action, coll) {
            Some(allowed) => Ok(allowed),
            None => self.roles_allow(action, resource, PredicateArguments::Single(argument)),
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
        arguments: PredicateArguments,
    ) -> Result<bool> {
        let Permissions::Roles(names) = &self.principal.permissions else {
            return Ok(false);
        };
        let schema = self.txn.schema().clone();
        let roles: Vec<Arc<Role>> = names
            .iter()
            .filter_map(|name| schema.role(name).cloned())
            .collect();
        let known = match resource {
            Resource::Function(name) => match schema.function_named(name) {
                Some(function) => Known {
                    names: std::iter::once(function.name.clone())
                        .chain(function.alias.clone())
                        .collect(),
                    definition: Some((native::FUNCTION, function.id)),
                },
                None => Known {
                    names: vec![name.into()],
                    definition: None,
                },
            },
            Resource::Collection(id) => match schema.collection(id) {
                Some(collection) => Known::collection(collection),
                None => return Ok(false),
            },
            Resource::Index(id) => Known {
                names: Vec::new(),
                definition: Some((native::LEGACY_INDEX, id)),
            },
        };
        let mut predicates = Vec::new();
        for role in &roles {
            for privilege in role.privileges.iter().filter(|p| known.is(&p.resource)) {
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
        let asked = Asked {
            action: Some(action),
            arguments,
        };
        for grant in predicates {
            let Grant::If(predicate) = grant else {
                continue;
            };
            if self.auth_predicate(predicate, &asked)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether an authorization predicate yields exactly `true`; any error of it is a denial.
    pub fn auth_predicate(&mut self, predicate: &Predicate, asked: &Asked) -> Result<bool> {
        let text = match predicate {
            Predicate::Query(query) => {
                let Some(language) = self.library.legacy.clone() else {
                    return Ok(false);
                };
                return self.in_predicate(|me| language.holds(me, query, asked));
            }
            Predicate::Text(text) => text,
        };
        let Ok(lambda) = text.lambda() else {
            return Ok(false);
        };
        let args = asked.arguments.listed(lambda.params.len());
        let accepts = args.len() == lambda.params.len()
            || (lambda.rest.is_some() && args.len() >= lambda.params.len());
        if !accepts {
            return Ok(false);
        }
        let result = self.in_predicate(|me| me.call_stored(lambda, &text.source, args));
        match result {
            Ok(value) => Ok(matches!(value, Value::Bool(true))),
            Err(failure) => match &*failure.0 {
                FailureKind::Query(_) => Ok(false),
                // The request as a whole fails: out of time, the store.
                FailureKind::Protocol(_) => Err(failure),
            },
        }
    }

    /// Runs `f` as predicates run: they read everything as of now, and write nothing.
    fn in_predicate<T>(&mut self, f: impl FnOnce(&mut Interp) -> Result<T>) -> Result<T> {
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
        self.acting_as(principal, |me| {
            me.limited(ceiling, |me| me.reading_at(None, f))
        })
    }
}
