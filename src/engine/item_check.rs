//! Schema files as the check of types takes them: items as trees, each where it stands in its file.

use super::typing::collection_env;
use crate::fql::syntax::ast::{Expr, ExprKind, Ident, Lambda, Param, TypeExpr, TypeKind};
use crate::fql::types::{
    AccessProviderCheck, CollectionCheck, ComputedCheck, FieldCheck, FunctionCheck, PathCheck,
    PathStep, ResourceCheck, RoleCheck, SchemaCheck, Sourced,
};
use crate::fsl::{
    CollectionItem, FieldItem, FunctionItem, GrantItem, ItemContent, Listed, ParamItem, PathItem,
    SchemaItem, TermItem, definition,
};
use crate::model::native;
use crate::model::schema::load::load_collection;
use crate::model::schema::{Collection, Definition, Schema};
use crate::store::TxnTime;
use crate::value::{CollId, DocId, PathPart};
use std::sync::Arc;

/// The items of a schema, to be checked. Functions and roles of the legacy language, which have no items, are those of
/// `schema`.
pub(super) fn check_of<'a>(
    items: impl IntoIterator<Item = &'a SchemaItem>,
    schema: &Schema,
    typechecked: bool,
) -> SchemaCheck {
    let functions = schema.functions().into_iter();
    let legacy_functions = functions.filter(|function| function.body.lambda().is_err());
    let roles = schema.roles().into_iter();
    let legacy_roles = roles.filter(|role| role.is_legacy());
    let mut check = SchemaCheck {
        typechecked,
        legacy_functions: legacy_functions.map(|f| f.name.clone()).collect(),
        legacy_roles: legacy_roles.map(|role| role.name.clone()).collect(),
        ..SchemaCheck::default()
    };
    for item in items {
        match &item.content {
            ItemContent::Collection(content) => {
                check.collections.push(collection_check(item, content));
            }
            ItemContent::Function(content) => check.functions.push(function_check(item, content)),
            ItemContent::Role(role) => {
                let privileges = role.privileges.iter().map(|privilege| ResourceCheck {
                    name: privilege.resource.name.clone(),
                    at: Some(item.at(privilege.resource.span)),
                    predicates: predicates(item, &privilege.actions),
                });
                check.roles.push(RoleCheck {
                    name: item.name.name.clone(),
                    membership: grants(item, &role.membership),
                    privileges: privileges.collect(),
                });
            }
            ItemContent::Provider(provider) => {
                check.access_providers.push(AccessProviderCheck {
                    roles: grants(item, &provider.roles),
                });
            }
        }
    }
    check
}

/// The collection that an item defines, as a definition of its own.
pub(super) fn collection_of(item: &SchemaItem) -> Collection {
    let definition = Definition {
        coll: native::COLLECTION,
        id: DocId(0),
        fields: Arc::new(definition(item)),
        ts: TxnTime(0),
    };
    load_collection(CollId(0), &definition)
}

fn sourced<T>(item: &SchemaItem, tree: T) -> Sourced<T> {
    Sourced {
        tree,
        source: item.source.clone(),
    }
}

fn grants(item: &SchemaItem, grants: &[GrantItem]) -> Vec<ResourceCheck> {
    let grants = grants.iter().map(|grant| ResourceCheck {
        name: grant.name.name.clone(),
        at: Some(item.at(grant.name.span)),
        predicates: predicates(item, std::slice::from_ref(grant)),
    });
    grants.collect()
}

fn predicates(item: &SchemaItem, grants: &[GrantItem]) -> Vec<Sourced<Arc<Lambda>>> {
    let predicates = grants.iter().filter_map(|grant| grant.predicate.as_ref());
    predicates
        .map(|predicate| sourced(item, predicate.body.clone()))
        .collect()
}

fn collection_check(item: &SchemaItem, content: &CollectionItem) -> CollectionCheck {
    let mut check = CollectionCheck {
        env: collection_env(&collection_of(item)),
        name_at: Some(item.at(item.name.span)),
        ..CollectionCheck::default()
    };
    for field in &content.fields {
        match field {
            FieldItem::Defined {
                name, ty, default, ..
            } => check.fields.push(FieldCheck {
                name: name.name.clone(),
                ty: sourced(item, ty.clone()),
                default: default.clone().map(|default| sourced(item, default)),
            }),
            FieldItem::Computed { name, ty, body, .. } => check.computed.push(ComputedCheck {
                name: name.name.clone(),
                signature: ty.clone().map(|ty| sourced(item, ty)),
                body: sourced(item, body.clone()),
            }),
            FieldItem::Wildcard { ty, .. } => check.wildcard = Some(sourced(item, ty.clone())),
        }
    }
    let checks = content.checks.iter();
    check.checks = checks
        .map(|check| sourced(item, check.body.clone()))
        .collect();
    for index in &content.indexes {
        let terms = index.terms.iter().flat_map(|terms| &terms.items);
        let values = index.values.iter().flat_map(|values| &values.items);
        let paths = terms.map(|term| &term.path);
        let paths = paths.chain(values.map(|value| &value.path));
        check
            .index_paths
            .extend(paths.map(|path| path_check(item, path)));
    }
    for Listed { items, .. } in &content.uniques {
        let paths = items.iter().map(|term: &TermItem| &term.path);
        check
            .unique_paths
            .extend(paths.map(|path| path_check(item, path)));
    }
    check
}

fn path_check(item: &SchemaItem, path: &PathItem) -> PathCheck {
    let steps = path.parts.iter().zip(&path.part_spans);
    let steps = steps.map(|(part, span)| {
        let step = match part {
            PathPart::Field(name) => PathStep::Field(name.clone()),
            PathPart::Index(at) => PathStep::Index(*at),
        };
        (step, *span)
    });
    PathCheck {
        steps: steps.collect(),
        span: path.span,
        source: item.source.clone(),
    }
}

fn function_check(item: &SchemaItem, function: &FunctionItem) -> FunctionCheck {
    FunctionCheck {
        name: item.name.name.clone(),
        alias: function.alias.as_ref().map(|it| it.value.name.clone()),
        signature: signature(function).map(|ty| sourced(item, ty)),
        body: sourced(item, Arc::new(lambda(item, function))),
    }
}

/// A function as a lambda of its block.
fn lambda(item: &SchemaItem, function: &FunctionItem) -> Lambda {
    let param = |param: &ParamItem| Param {
        name: Some(param.name.name.clone()).filter(|name| &**name != "_"),
        span: param.name.span,
    };
    let params = function.params.iter().filter(|param| !param.variadic);
    let rest = function.params.iter().find(|param| param.variadic);
    Lambda {
        params: params.map(param).collect(),
        rest: rest.map(param),
        body: Expr {
            kind: ExprKind::Block(function.body.clone()),
            span: function.body.span,
        },
        short: false,
        span: item.span,
    }
}

/// The type of a function, if it says one.
fn signature(function: &FunctionItem) -> Option<TypeExpr> {
    let result = function.result.clone()?;
    let named = |param: &ParamItem| {
        let name = Some(param.name.clone()).filter(|name: &Ident| &*name.name != "_");
        Some((name, param.ty.clone()?))
    };
    let params = function.params.iter().filter(|param| !param.variadic);
    let rest = match function.params.iter().find(|param| param.variadic) {
        Some(rest) => Some(Box::new(named(rest)?)),
        None => None,
    };
    Some(TypeExpr {
        kind: TypeKind::Lambda {
            params: params.map(named).collect::<Option<_>>()?,
            rest,
            result: Box::new(result),
        },
        span: function.signature,
    })
}
