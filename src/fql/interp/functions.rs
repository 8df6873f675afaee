//! Calling user-defined functions (`spec schema-fsl 8.2`).

use super::permissions::Resource;
use super::{Arity, Failure, Interp, Result};
use crate::access::{Action, Permissions, Principal};
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
        let body = definition
            .body
            .lambda()
            .map_err(|d| Failure::invalid_query(d.to_vec()))?
            .clone();
        let source = definition.body.source.clone();
        match &definition.role {
            None => self.call_stored(&body, &source, args),
            Some(role) => {
                let principal = Principal {
                    permissions: Permissions::named(role),
                    lent: true,
                    ..(*self.principal).clone()
                };
                self.acting_as(Arc::new(principal), |me| {
                    me.call_stored(&body, &source, args)
                })
            }
        }
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
