//! The static check of a schema that a query has written (`spec schema-fsl 3.3`, `spec typing 11`).

use super::Engine;
use super::item_check::check_of;
use super::typing::{collection_env, schema_env};
use crate::fql::interp::{PendingBackfill, Renamed, SchemaChecker, WrittenSchema};
use crate::fql::syntax::ast::{Expr, Ident, Lambda, Param, TypeExpr, TypeKind};
use crate::fql::syntax::{Diagnostic, Location, Source, Span};
use crate::fql::types::{
    AccessProviderCheck, CheckedSchema, CollectionCheck, ComputedCheck, Environment, FieldCheck,
    FunctionCheck, PathCheck, PathStep, ResourceCheck, RoleCheck, SchemaCheck, Sourced,
    check_schema, check_value,
};
use crate::fsl::{Kind, Located, Part, SchemaItem, parse, patch};
use crate::model::native;
use crate::model::schema::{
    AccessProvider, Collection, ExprText, Function, Grant, LambdaText, Role, RoleRef, Schema,
    TypeText, path,
};
use crate::value::{CollId, DocId, PathPart, Str};
use std::sync::Arc;

impl SchemaChecker for Engine {
    fn files(&self, written: &WrittenSchema<'_>) -> Vec<Arc<Source>> {
        let order = |kind: Kind, id: i64| written.order(coll_of(kind), DocId(id));
        patch(&written.stored_files, written.schema, &order)
    }

    fn check(
        &self,
        written: &WrittenSchema<'_>,
        files: &[Arc<Source>],
    ) -> Result<CheckedSchema, Vec<Diagnostic>> {
        // Definitions that are in order by themselves may make up a schema that no file could say.
        let mut unreadable = Vec::new();
        let mut items = Vec::new();
        for file in files {
            match parse(file) {
                Ok(file) => items.extend(file.items),
                Err(faults) => unreadable.extend(faults),
            }
        }
        if !unreadable.is_empty() {
            return Err(unreadable);
        }
        let native = self.environments.native(&self.library);
        let faults = match check_schema(&native, whole(written, &Texts::Stored)) {
            Ok(checked) => return Ok(checked),
            Err(faults) => faults,
        };
        // Told in the files.
        let located = check_schema(&native, in_files(written, &items));
        Err(located.err().unwrap_or(faults))
    }

    fn check_backfill(&self, schema: &Schema, backfill: &PendingBackfill) -> Vec<Diagnostic> {
        let native = self.environments.native(&self.library);
        let env = Environment::new(native, schema_env(schema));
        check_value(&env, &backfill.value, &backfill.ty)
    }
}

/// The schema as its files have it.
fn in_files(written: &WrittenSchema<'_>, items: &[SchemaItem]) -> SchemaCheck {
    let mut check = check_of(items.iter(), written.schema, written.typechecked);
    check.write_at = written.write_at.cloned();
    for collection in &mut check.collections {
        let known = written.schema.collection_named(&collection.env.name);
        let renamed = known.and_then(|known| {
            let mut renamed = written.renamed.iter();
            renamed.find(|renamed| renamed.collection == known.id)
        });
        if let Some(renamed) = renamed {
            collection.renamed = (renamed.name, renamed.alias);
            collection.written_at = renamed.at.cloned();
        }
    }
    check
}

fn coll_of(kind: Kind) -> CollId {
    match kind {
        Kind::Collection => native::COLLECTION,
        Kind::Function => native::FUNCTION,
        Kind::Role => native::ROLE,
        Kind::Provider => native::ACCESS_PROVIDER,
    }
}

/// Where the trees of a schema come from.
enum Texts<'a> {
    /// From the stored texts, each a source of its own. Errors have no places worth showing.
    Stored,
    /// From the schema's text.
    Located(&'a Located),
}

impl Texts<'_> {
    fn at(&self, kind: Kind, name: &Str, part: Part) -> Option<Location> {
        match self {
            Texts::Stored => None,
            Texts::Located(text) => text.location(kind, name, part),
        }
    }

    fn lambda(
        &self,
        kind: Kind,
        name: &Str,
        part: Part,
        stored: &LambdaText,
    ) -> Option<Sourced<Arc<Lambda>>> {
        let located = match self {
            Texts::Stored => None,
            Texts::Located(text) => text
                .lambda(kind, name, part)
                .map(|tree| sourced(tree, &text.source)),
        };
        located.or_else(|| Some(sourced(stored.lambda().ok()?.clone(), &stored.source)))
    }

    fn type_expr(
        &self,
        collection: &Str,
        part: Part,
        stored: &TypeText,
    ) -> Option<Sourced<TypeExpr>> {
        let located = match self {
            Texts::Stored => None,
            Texts::Located(text) => text
                .type_expr(collection, part)
                .map(|tree| sourced(tree, &text.source)),
        };
        located.or_else(|| type_expr(stored))
    }

    fn expr(&self, collection: &Str, part: Part, stored: &ExprText) -> Option<Sourced<Expr>> {
        let located = match self {
            Texts::Stored => None,
            Texts::Located(text) => text
                .expr(collection, part)
                .map(|tree| sourced(tree, &text.source)),
        };
        located.or_else(|| Some(sourced((**stored.expr().ok()?).clone(), &stored.source)))
    }
}

fn sourced<T>(tree: T, source: &Arc<Source>) -> Sourced<T> {
    Sourced {
        tree,
        source: source.clone(),
    }
}

fn type_expr(text: &TypeText) -> Option<Sourced<TypeExpr>> {
    Some(sourced((**text.type_expr().ok()?).clone(), &text.source))
}

/// The schema as the checker takes it, items in the order of the text.
fn whole(written: &WrittenSchema<'_>, texts: &Texts<'_>) -> SchemaCheck {
    let schema = written.schema;
    let mut check = SchemaCheck {
        typechecked: written.typechecked,
        write_at: written.write_at.cloned(),
        ..SchemaCheck::default()
    };
    let mut collections = schema.collections();
    collections.sort_by_key(|collection| {
        let id = DocId(i64::try_from(collection.id.0).unwrap_or(i64::MAX));
        written.order(native::COLLECTION, id)
    });
    for collection in collections {
        let renamed = written
            .renamed
            .iter()
            .find(|renamed| renamed.collection == collection.id);
        check
            .collections
            .push(collection_check(collection, renamed, written, texts));
    }
    let mut functions = schema.functions();
    functions.sort_by_key(|function| written.order(native::FUNCTION, function.id));
    for function in functions {
        if function.body.lambda().is_err() {
            check.legacy_functions.push(function.name.clone());
        }
        check.functions.extend(function_check(function, texts));
    }
    let mut roles = schema.roles();
    roles.sort_by_key(|role| written.order(native::ROLE, role.id));
    for role in roles {
        if role.is_legacy() {
            check.legacy_roles.push(role.name.clone());
        } else {
            check.roles.push(role_check(role, texts));
        }
    }
    let mut providers = schema.providers();
    providers.sort_by_key(|provider| written.order(native::ACCESS_PROVIDER, provider.id));
    for provider in providers
        .into_iter()
        .filter(|provider| !provider.is_legacy())
    {
        check.access_providers.push(provider_check(provider, texts));
    }
    check
}

fn role_check(role: &Role, texts: &Texts<'_>) -> RoleCheck {
    let privileges = role.privileges.iter().enumerate().map(|(at, privilege)| {
        let actions = privilege.actions.iter().enumerate();
        let predicates = actions.filter_map(|(nth, (_, grant))| match grant {
            Grant::If(predicate) => texts.lambda(
                Kind::Role,
                &role.name,
                Part::PrivilegePredicate(at, nth),
                predicate.text()?,
            ),
            Grant::Always => None,
        });
        ResourceCheck {
            name: privilege.resource.name().cloned().unwrap_or_default(),
            at: texts.at(Kind::Role, &role.name, Part::Privilege(at)),
            predicates: predicates.collect(),
        }
    });
    let membership = role.membership.iter().enumerate().map(|(at, membership)| {
        let predicates = membership.predicate.iter().filter_map(|predicate| {
            let part = Part::MembershipPredicate(at);
            texts.lambda(Kind::Role, &role.name, part, predicate.text()?)
        });
        ResourceCheck {
            name: membership.resource.name().cloned().unwrap_or_default(),
            at: texts.at(Kind::Role, &role.name, Part::Membership(at)),
            predicates: predicates.collect(),
        }
    });
    RoleCheck {
        name: role.name.clone(),
        membership: membership.collect(),
        privileges: privileges.collect(),
    }
}

fn provider_check(provider: &AccessProvider, texts: &Texts<'_>) -> AccessProviderCheck {
    let roles = provider.roles.iter().enumerate();
    let roles = roles.map(|(at, (name, predicate))| {
        let predicates = predicate.iter().filter_map(|predicate| {
            texts.lambda(
                Kind::Provider,
                &provider.name,
                Part::ProviderPredicate(at),
                predicate.text()?,
            )
        });
        let name = match name {
            RoleRef::Name(name) => name.clone(),
            RoleRef::Id(_) => Str::default(),
        };
        ResourceCheck {
            name,
            at: texts.at(Kind::Provider, &provider.name, Part::ProviderRole(at)),
            predicates: predicates.collect(),
        }
    });
    AccessProviderCheck {
        roles: roles.collect(),
    }
}

fn collection_check(
    collection: &Collection,
    renamed: Option<&Renamed<'_>>,
    written: &WrittenSchema<'_>,
    texts: &Texts<'_>,
) -> CollectionCheck {
    let name = &collection.name;
    let fields = collection.fields.iter().enumerate();
    let fields = fields.filter_map(|(at, field)| {
        Some(FieldCheck {
            name: field.name.clone(),
            ty: texts.type_expr(name, Part::FieldType(at), &field.ty)?,
            default: field
                .default
                .as_ref()
                .and_then(|default| texts.expr(name, Part::FieldDefault(at), default)),
        })
    });
    let computed = collection.computed.iter().enumerate();
    let computed = computed.filter_map(|(at, field)| {
        Some(ComputedCheck {
            name: field.name.clone(),
            signature: field
                .signature
                .as_ref()
                .and_then(|ty| texts.type_expr(name, Part::ComputedType(at), ty)),
            body: texts.lambda(Kind::Collection, name, Part::ComputedBody(at), &field.body)?,
        })
    });
    let index_paths = collection.indexes.iter().flat_map(|index| {
        let terms = index.terms.iter().map(|term| &term.path);
        terms.chain(index.values.iter().map(|value| &value.path))
    });
    let unique_paths = collection
        .uniques
        .iter()
        .flat_map(|unique| unique.terms.iter().map(|term| &term.path));
    let checks = collection.checks.iter().enumerate();
    CollectionCheck {
        env: collection_env(collection),
        name_at: texts
            .at(Kind::Collection, name, Part::Name)
            .or_else(|| written.write_at.cloned()),
        renamed: renamed.map_or((false, false), |renamed| (renamed.name, renamed.alias)),
        written_at: renamed.and_then(|renamed| renamed.at).cloned(),
        fields: fields.collect(),
        computed: computed.collect(),
        wildcard: collection
            .wildcard
            .as_ref()
            .and_then(|ty| texts.type_expr(name, Part::Wildcard, ty)),
        checks: checks
            .filter_map(|(at, check)| {
                texts.lambda(Kind::Collection, name, Part::Check(at), &check.body)
            })
            .collect(),
        index_paths: index_paths
            .enumerate()
            .map(|(at, path)| {
                path_check(path, texts, name, Part::IndexPath(at), |step| {
                    Part::IndexStep(at, step)
                })
            })
            .collect(),
        unique_paths: unique_paths
            .enumerate()
            .map(|(at, path)| {
                path_check(path, texts, name, Part::UniquePath(at), |step| {
                    Part::UniqueStep(at, step)
                })
            })
            .collect(),
    }
}

fn path_check(
    parts: &[PathPart],
    texts: &Texts<'_>,
    collection: &Str,
    whole: Part,
    step: impl Fn(usize) -> Part,
) -> PathCheck {
    let place = |part| Some(texts.at(Kind::Collection, collection, part)?.span);
    let (source, span) = match texts.at(Kind::Collection, collection, whole) {
        Some(at) => (at.source, at.span),
        None => {
            let text = path::display(parts);
            let span = Span::new(0, text.len());
            (Source::new("*path*", text), span)
        }
    };
    let steps = parts.iter().enumerate().map(|(at, part)| {
        let path_step = match part {
            PathPart::Field(name) => PathStep::Field(Str::clone(name)),
            PathPart::Index(n) => PathStep::Index(*n),
        };
        (path_step, place(step(at)).unwrap_or(span))
    });
    PathCheck {
        steps: steps.collect(),
        span,
        source,
    }
}

/// The signature as the text of the schema has it: the parameters are those of the body, and what else the stored one
/// declares is not in the text.
fn stored_signature(function: &Function, body: &Lambda) -> Option<Sourced<TypeExpr>> {
    let declared = type_expr(function.signature.as_ref()?)?;
    let TypeKind::Lambda {
        params,
        rest,
        result,
    } = declared.tree.kind
    else {
        return None;
    };
    let named = |param: &Param, ty: TypeExpr| {
        let span = param.span;
        let name = param.name.clone();
        (name.map(|name| Ident { name, span }), ty)
    };
    let types = params.into_iter().map(|(_, ty)| ty);
    let params = body.params.iter().zip(types);
    let rest = body.rest.as_ref().zip(rest);
    Some(Sourced {
        tree: TypeExpr {
            kind: TypeKind::Lambda {
                params: params.map(|(param, ty)| named(param, ty)).collect(),
                rest: rest.map(|(param, rest)| Box::new(named(param, rest.1))),
                result,
            },
            span: declared.tree.span,
        },
        source: declared.source,
    })
}

fn function_check(function: &Function, texts: &Texts<'_>) -> Option<FunctionCheck> {
    let name = &function.name;
    let stored = function.body.lambda().ok()?;
    let (signature, body) = match texts {
        Texts::Stored => (
            stored_signature(function, stored),
            Some(sourced(stored.clone(), &function.body.source)),
        ),
        Texts::Located(text) => (
            text.signature(name, stored)
                .map(|tree| sourced(tree, &text.source)),
            text.function(name, stored)
                .map(|tree| sourced(tree, &text.source)),
        ),
    };
    Some(FunctionCheck {
        name: name.clone(),
        alias: function.alias.clone(),
        signature,
        body: body.unwrap_or_else(|| sourced(stored.clone(), &function.body.source)),
    })
}
