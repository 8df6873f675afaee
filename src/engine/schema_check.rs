//! The static check of a schema that a query has written (`spec schema-fsl 3.3`, `spec typing 11`).

use super::Engine;
use super::typing::collection_env;
use crate::fql::interp::{SchemaChecker, WrittenSchema};
use crate::fql::syntax::{Diagnostic, Location, Source, Span};
use crate::fql::types::{
    AccessProviderCheck, CheckedSchema, CollectionCheck, ComputedCheck, FieldCheck, FunctionCheck,
    PathCheck, PathStep, ResourceCheck, RoleCheck, SchemaCheck, Sourced, check_schema,
};
use crate::model::schema::{Collection, Function, Grant, LambdaText, TypeText, path};
use crate::value::{PathPart, Str};
use std::sync::Arc;

impl SchemaChecker for Engine {
    fn check(&self, written: &WrittenSchema<'_>) -> Result<CheckedSchema, Vec<Diagnostic>> {
        let schema = written.schema;
        let collections = schema.collections().into_iter().map(|collection| {
            let renamed = written
                .renamed
                .iter()
                .find(|(id, _, _)| *id == collection.id);
            collection_check(
                collection,
                renamed.map_or((false, false), |(_, name, alias)| (*name, *alias)),
                written.write_at,
            )
        });
        let mut check = SchemaCheck {
            typechecked: written.typechecked,
            collections: collections.collect(),
            functions: schema
                .functions()
                .into_iter()
                .filter_map(|function| function_check(function))
                .collect(),
            write_at: written.write_at.cloned(),
            ..SchemaCheck::default()
        };
        for function in schema
            .functions()
            .into_iter()
            .filter(|function| function.body.lambda().is_err())
        {
            check.legacy_functions.push(function.name.clone());
        }
        for role in schema.roles() {
            if written.legacy_roles.contains(&role.name) {
                check.legacy_roles.push(role.name.clone());
                continue;
            }
            let privileges = role.privileges.iter().map(|privilege| {
                let predicates = privilege
                    .actions
                    .iter()
                    .filter_map(|(_, grant)| match grant {
                        Grant::If(text) => lambda(text),
                        Grant::Always => None,
                    });
                ResourceCheck {
                    name: privilege.resource.clone(),
                    at: None,
                    predicates: predicates.collect(),
                }
            });
            let membership = role.membership.iter().map(|membership| ResourceCheck {
                name: membership.resource.clone(),
                at: None,
                predicates: membership.predicate.iter().filter_map(lambda).collect(),
            });
            check.roles.push(RoleCheck {
                name: role.name.clone(),
                membership: membership.collect(),
                privileges: privileges.collect(),
            });
        }
        for provider in schema.providers() {
            let roles = provider
                .roles
                .iter()
                .map(|(name, predicate)| ResourceCheck {
                    name: name.clone(),
                    at: None,
                    predicates: predicate.iter().filter_map(lambda).collect(),
                });
            check.access_providers.push(AccessProviderCheck {
                roles: roles.collect(),
            });
        }
        check_schema(&self.environments.native(&self.library), check)
    }
}

fn lambda(text: &LambdaText) -> Option<Sourced<Arc<crate::fql::syntax::ast::Lambda>>> {
    Some(Sourced {
        tree: text.lambda().ok()?.clone(),
        source: text.source.clone(),
    })
}

fn type_expr(text: &TypeText) -> Option<Sourced<crate::fql::syntax::ast::TypeExpr>> {
    Some(Sourced {
        tree: (**text.type_expr().ok()?).clone(),
        source: text.source.clone(),
    })
}

fn collection_check(
    collection: &Collection,
    renamed: (bool, bool),
    write_at: Option<&Location>,
) -> CollectionCheck {
    let fields = collection.fields.iter().filter_map(|field| {
        let default = field.default.as_ref().and_then(|default| {
            Some(Sourced {
                tree: (**default.expr().ok()?).clone(),
                source: default.source.clone(),
            })
        });
        Some(FieldCheck {
            name: field.name.clone(),
            ty: type_expr(&field.ty)?,
            default,
        })
    });
    let computed = collection.computed.iter().filter_map(|field| {
        Some(ComputedCheck {
            name: field.name.clone(),
            signature: field.signature.as_ref().and_then(type_expr),
            body: lambda(&field.body)?,
        })
    });
    let index_paths = collection.indexes.iter().flat_map(|index| {
        let terms = index.terms.iter().map(|term| &term.path);
        terms
            .chain(index.values.iter().map(|value| &value.path))
            .map(|path| path_check(path))
    });
    let unique_paths = collection
        .uniques
        .iter()
        .flat_map(|unique| unique.terms.iter().map(|term| path_check(&term.path)));
    CollectionCheck {
        env: collection_env(collection),
        name_at: write_at.cloned(),
        renamed,
        fields: fields.collect(),
        computed: computed.collect(),
        wildcard: collection.wildcard.as_ref().and_then(type_expr),
        checks: collection
            .checks
            .iter()
            .filter_map(|check| lambda(&check.body))
            .collect(),
        index_paths: index_paths.collect(),
        unique_paths: unique_paths.collect(),
    }
}

fn path_check(parts: &[PathPart]) -> PathCheck {
    let text = path::display(parts);
    let span = Span::new(0, text.len());
    let steps = parts.iter().map(|part| {
        let step = match part {
            PathPart::Field(name) => PathStep::Field(Str::clone(name)),
            PathPart::Index(n) => PathStep::Index(*n),
        };
        (step, span)
    });
    PathCheck {
        steps: steps.collect(),
        span,
        source: Source::new("*path*", text),
    }
}

fn function_check(function: &Function) -> Option<FunctionCheck> {
    Some(FunctionCheck {
        name: function.name.clone(),
        alias: function.alias.clone(),
        signature: function.signature.as_ref().and_then(type_expr),
        body: lambda(&function.body)?,
    })
}
