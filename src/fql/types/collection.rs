//! The types a user collection makes (`spec typing 4.2`): its document, its missing document, and the
//! collection with its methods.

use super::environment::{CollectionEnv, Environment, PathStep, Role};
use super::native::id;
use super::term::{Function, Kind, Lit, Loc, ShapeId, Ty};
use crate::fql::syntax::ast::{Str, TypeExpr, TypeKind};

/// What a collection's three names mean.
#[derive(Debug)]
pub(super) struct CollectionTypes {
    /// The record a document is.
    pub document: Ty,
    /// The type of the collection when called.
    pub apply: Ty,
    document_members: Vec<(Str, Ty)>,
    missing_members: Vec<(Str, Ty)>,
    collection_members: Vec<(Str, Ty)>,
}

impl CollectionTypes {
    /// The members of one of the three types.
    pub fn members(&self, role: Role) -> &[(Str, Ty)] {
        match role {
            Role::Document => &self.document_members,
            Role::Missing => &self.missing_members,
            Role::Collection => &self.collection_members,
        }
    }
}

/// Works out the types of a collection whose document type is number `first`. `located` gives the types of its computed
/// fields in place of those of the definition, and those of other fields where they have places.
pub(super) fn types(
    env: &Environment,
    definition: &CollectionEnv,
    located: Option<&[(Str, Ty)]>,
    at: Loc,
    first: u32,
) -> CollectionTypes {
    let document = Ty::named(ShapeId(first)).moved(at);
    let missing = Ty::named(ShapeId(first + 1)).moved(at);
    let collection = Ty::named(ShapeId(first + 2)).moved(at);
    let wildcard = (definition.wildcard || definition.fields.is_empty()).then(Ty::any);
    let fields: Vec<(Str, std::sync::Arc<TypeExpr>, bool)> = definition
        .fields
        .iter()
        .map(|field| (field.name.clone(), field.ty.tree(), field.has_default))
        .collect();

    let mut record: Vec<(Str, Ty)> = vec![
        ("id".into(), Ty::named(id::ID)),
        ("ts".into(), Ty::named(id::TIME)),
        ("ttl".into(), optional(Ty::named(id::TIME))),
    ];
    let mut set = |name: &Str, ty: Ty| match record.iter_mut().find(|(known, _)| known == name) {
        Some((_, known)) => *known = ty,
        None => record.push((name.clone(), ty)),
    };
    for (name, ty, _) in &fields {
        set(name, env.stored(ty));
    }
    match located {
        Some(located) => located.iter().for_each(|(name, ty)| set(name, ty.clone())),
        None => {
            for (name, ty) in &definition.computed {
                set(
                    name,
                    ty.as_ref()
                        .map_or_else(Ty::any, |ty| env.stored(&ty.tree())),
                );
            }
        }
    }
    let implementation = Ty::record(record, wildcard.clone(), Loc::NONE);

    let mut native: Vec<(Str, Ty)> = Vec::new();
    let has_ttl = definition
        .document_ttls
        .unwrap_or(definition.fields.is_empty());
    match (has_ttl, &wildcard) {
        (true, _) => native.push(("ttl".into(), optional(Ty::named(id::TIME)))),
        (false, Some(_)) => native.push(("ttl".into(), Ty::named(id::NULL))),
        (false, None) => {}
    }
    if wildcard.is_some() {
        native.push(("data".into(), Ty::named(id::NULL)));
    }
    let creating: Vec<(Str, Ty)> = fields
        .iter()
        .map(|(name, ty, default)| (name.clone(), written(env, ty, *default)))
        .collect();
    let updating: Vec<(Str, Ty)> = fields
        .iter()
        .map(|(name, ty, _)| (name.clone(), changed(env, ty)))
        .collect();
    let data = |parts: &[&[(Str, Ty)]]| Ty::record(parts.concat(), wildcard.clone(), Loc::NONE);
    let writer =
        |name: &str, data: Ty| (Str::from(name), method(&[("data", data)], document.clone()));
    let with_id = [(Str::from("id"), optional(Ty::named(id::ID)))];

    let document_members = vec![
        ("coll".into(), collection.clone()),
        (
            "exists".into(),
            method(&[], Ty::lit(Lit::Bool(true), Loc::NONE)),
        ),
        writer("update", data(&[&native, &updating])),
        writer("replace", data(&[&native, &creating])),
        writer("updateData", data(&[&updating])),
        writer("replaceData", data(&[&creating])),
        ("delete".into(), method(&[], missing.clone())),
    ];
    let missing_members = vec![
        ("id".into(), Ty::named(id::ID)),
        ("coll".into(), collection),
        (
            "exists".into(),
            method(&[], Ty::lit(Lit::Bool(false), Loc::NONE)),
        ),
        ("toString".into(), method(&[], Ty::named(id::STRING))),
    ];

    let documents = Ty::constructed(id::SET, document.clone());
    let reference = Ty::constructed(id::REF, document.clone()).moved(at);
    let predicate = || Ty::lambda(vec![document.clone()], Ty::named(id::BOOLEAN), Loc::NONE);
    let ranged = |terms: &[(String, Ty)]| {
        let mut params: Vec<(&str, Ty)> = terms
            .iter()
            .map(|(name, ty)| (name.as_str(), ty.clone()))
            .collect();
        let plain = method(&params, documents.clone());
        params.push(("range", range()));
        Ty::intersect(vec![plain, method(&params, documents.clone())], Loc::NONE)
    };
    let mut collection_members: Vec<(Str, Ty)> = vec![
        ("all".into(), ranged(&[])),
        (
            "where".into(),
            method(&[("pred", predicate())], documents.clone()),
        ),
        (
            "firstWhere".into(),
            method(&[("pred", predicate())], optional(document.clone())),
        ),
        writer("create", data(&[&with_id, &native, &creating])),
        writer("createData", data(&[&creating])),
        (
            "byId".into(),
            method(&[("id", Ty::named(id::ID))], reference.clone()),
        ),
        ("definition".into(), Ty::named(id::COLLECTION_DEF)),
        ("toString".into(), method(&[], Ty::named(id::STRING))),
    ];
    for index in &definition.indexes {
        let terms: Vec<(String, Ty)> = index
            .terms
            .iter()
            .enumerate()
            .map(|(position, term)| {
                let ty = select(&implementation, &term.path);
                (
                    format!("term{}", position + 1),
                    if term.mva { element(&ty) } else { ty },
                )
            })
            .collect();
        let ty = ranged(&terms);
        match collection_members
            .iter_mut()
            .find(|(name, _)| *name == index.name)
        {
            Some((_, known)) => *known = ty,
            None => collection_members.push((index.name.clone(), ty)),
        }
    }
    CollectionTypes {
        document: implementation,
        apply: method(&[("id", Ty::named(id::ID))], reference),
        document_members,
        missing_members,
        collection_members,
    }
}

/// `T | Null`
pub(super) fn optional(ty: Ty) -> Ty {
    let null = Ty::named(id::NULL);
    match &ty.kind {
        Kind::Union(parts) if parts.contains(&null) => ty,
        Kind::Union(parts) => Ty::union(parts.iter().cloned().chain([null]).collect(), ty.at),
        _ => Ty::union(vec![ty, null], Loc::NONE),
    }
}

/// A function type with named parameters.
fn method(params: &[(&str, Ty)], result: Ty) -> Ty {
    let params = params
        .iter()
        .map(|(name, ty)| (Some(Str::from(*name)), ty.clone()))
        .collect();
    Ty::function(
        Function {
            params,
            variadic: None,
            result,
        },
        Loc::NONE,
    )
}

/// The bounds of a range of index values.
fn range() -> Ty {
    let field = |name: &str| (Str::from(name), Ty::any());
    let record = |fields| Ty::record(fields, None, Loc::NONE);
    Ty::union(
        vec![
            record(vec![field("from")]),
            record(vec![field("to")]),
            record(vec![field("from"), field("to")]),
        ],
        Loc::NONE,
    )
}

/// The type of a defined field in `create` and `replace`.
fn written(env: &Environment, ty: &TypeExpr, has_default: bool) -> Ty {
    if let TypeKind::Object {
        fields,
        wildcard,
        open: false,
    } = &ty.kind
    {
        let members: Vec<(Str, Ty)> = fields
            .iter()
            .map(|field| {
                (
                    field.name.name.clone(),
                    written(env, &field.ty, field.default.is_some()),
                )
            })
            .collect();
        // An object that can be made of nothing may be left out (`spec schema-fsl 4.5`).
        let all_optional = members
            .iter()
            .all(|(_, ty)| super::constrain::may_be_missing(ty));
        let record = Ty::record(
            members,
            wildcard.as_ref().map(|wildcard| widened(env, wildcard)),
            Loc::NONE,
        );
        return if has_default || all_optional {
            optional(record)
        } else {
            record
        };
    }
    let ty = widened(env, ty);
    if has_default { optional(ty) } else { ty }
}

/// The type of a defined field in `update`.
fn changed(env: &Environment, ty: &TypeExpr) -> Ty {
    if let TypeKind::Object {
        fields,
        wildcard,
        open: false,
    } = &ty.kind
    {
        return optional(Ty::record(
            fields
                .iter()
                .map(|field| (field.name.name.clone(), changed(env, &field.ty)))
                .collect(),
            wildcard.as_ref().map(|wildcard| widened(env, wildcard)),
            Loc::NONE,
        ));
    }
    optional(widened(env, ty))
}

/// A stored type with its numeric kinds widened to `Number`.
fn widened(env: &Environment, ty: &TypeExpr) -> Ty {
    widen(&env.stored(ty))
}

fn widen(ty: &Ty) -> Ty {
    let all = |parts: &[Ty]| parts.iter().map(widen).collect::<Vec<_>>();
    match &ty.kind {
        Kind::Named(id::INT | id::LONG | id::DOUBLE | id::FLOAT, _) => Ty::named(id::NUMBER),
        Kind::Named(shape, Some(argument)) => Ty::constructed(*shape, widen(argument)),
        Kind::Record(record) => Ty::record(
            record
                .fields
                .iter()
                .map(|(name, field)| (name.clone(), widen(field)))
                .collect(),
            record.wildcard.as_ref().map(widen),
            Loc::NONE,
        ),
        Kind::Interface(field) => Ty::interface(field.0.clone(), widen(&field.1), Loc::NONE),
        Kind::Tuple(parts) => Ty::tuple(all(parts), Loc::NONE),
        Kind::Union(parts) => Ty::union(all(parts), Loc::NONE),
        Kind::Intersect(parts) => Ty::intersect(all(parts), Loc::NONE),
        Kind::Function(function) => Ty::function(
            Function {
                params: function
                    .params
                    .iter()
                    .map(|(name, param)| (name.clone(), widen(param)))
                    .collect(),
                variadic: function
                    .variadic
                    .as_ref()
                    .map(|(name, param)| (name.clone(), widen(param))),
                result: widen(&function.result),
            },
            Loc::NONE,
        ),
        Kind::Any
        | Kind::Never
        | Kind::Lit(_)
        | Kind::Var(_)
        | Kind::Generic(_)
        | Kind::Named(_, None)
        | Kind::WithoutNull(_)
        | Kind::Field(_)
        | Kind::Apply(_)
        | Kind::Access(_)
        | Kind::Project(_)
        | Kind::GuardNull(_)
        | Kind::ChoiceResult(_)
        | Kind::ChoiceArg(..) => ty.clone(),
    }
}

/// The type at a path of a document; `Any` where there is none.
fn select(document: &Ty, path: &[PathStep]) -> Ty {
    let mut current = document.clone();
    for step in path {
        let next = match (&current.kind, step) {
            (Kind::Record(record), PathStep::Field(name)) => {
                record.field(name).or(record.wildcard.as_ref()).cloned()
            }
            (Kind::Tuple(parts), PathStep::Index(index)) => usize::try_from(*index)
                .ok()
                .and_then(|index| parts.get(index))
                .cloned(),
            (Kind::Named(id::ARRAY, Some(element)), PathStep::Index(_)) => {
                Some((**element).clone())
            }
            _ => None,
        };
        match next {
            Some(next) => current = next,
            None => return Ty::any(),
        }
    }
    current
}

/// The type of the elements of a multi-value term.
fn element(ty: &Ty) -> Ty {
    fn elements(ty: &Ty, found: &mut Vec<Ty>) {
        match &ty.kind {
            Kind::Named(id::ARRAY, Some(element)) => found.push((**element).clone()),
            Kind::Tuple(parts) => found.extend(parts.iter().cloned()),
            Kind::Union(parts) => parts.iter().for_each(|part| elements(part, found)),
            _ => found.push(ty.clone()),
        }
    }
    let mut found = Vec::new();
    elements(ty, &mut found);
    match found.len() {
        1 => found.swap_remove(0),
        _ => Ty::union(found, ty.at),
    }
}
