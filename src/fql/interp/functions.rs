//! Calling user-defined functions (`spec schema-fsl 8.2`).

use super::permissions::Resource;
use super::{Arity, Failure, Interp, Result};
use crate::access::{Action, Permissions, Principal};
use crate::model::schema::Function;
use crate::value::{FunctionRef, Value};
use std::sync::Arc;

impl Interp {
    pub(super) fn call_function(&mut self, function: &FunctionRef, args: Vec<Value>) -> Result {
        let Some(definition) = self.txn.schema().function(function.id).cloned() else {
            return Err(Failure::new(
                "document_not_found",
                format!("Function `{}` not found.", function.name),
            ));
        };
        let name = definition.name.clone();
        if !self.allowed(Action::Call, Resource::Function(&name), || args.clone())? {
            return Err(Failure::permission_denied());
        }
        if let Some(query) = &definition.query {
            let Some(language) = self.library.legacy.clone() else {
                return Err(Failure::new("invalid_query", "FQL v4 is not available."));
            };
            return self.as_role_of(&definition, |me| language.call(me, query, args));
        }
        let body = definition
            .body
            .lambda()
            .map_err(|d| Failure::invalid_query(d.to_vec()))?
            .clone();
        let source = definition.body.source.clone();
        self.as_role_of(&definition, |me| me.call_stored(&body, &source, args))
    }

    /// Runs `f` with the role of a function, if it has one.
    pub fn as_role_of<T, E>(
        &mut self,
        function: &Function,
        f: impl FnOnce(&mut Interp) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        match self.lent_principal(function) {
            None => f(self),
            Some(principal) => self.acting_as(principal, f),
        }
    }

    /// Who acts in a function with a role; `None` if it runs with the caller's rights.
    pub fn lent_principal(&self, function: &Function) -> Option<Arc<Principal>> {
        Some(Arc::new(Principal {
            permissions: self.lent_permissions(function)?,
            lent: true,
            ..(*self.principal).clone()
        }))
    }

    /// The rights of a function's role; `None` if it runs with the caller's.
    fn lent_permissions(&self, function: &Function) -> Option<Permissions> {
        if let Some(role) = &function.role {
            return Some(Permissions::named(role));
        }
        let schema = self.txn.schema();
        let names = function.roles.iter();
        let names: Vec<_> = names.filter_map(|role| schema.role_name(role)).collect();
        (!function.roles.is_empty()).then(|| Permissions::Roles(names.into()))
    }

    pub(super) fn function_arity(&self, function: &FunctionRef) -> Arity {
        let definition = self.txn.schema().function(function.id);
        match definition.and_then(|d| d.body.lambda().ok()) {
            Some(lambda) if lambda.rest.is_none() => Arity::OneOf(vec![lambda.params.len()]),
            Some(lambda) => Arity::AtLeast(lambda.params.len()),
            None => Arity::AtLeast(0),
        }
    }
}
