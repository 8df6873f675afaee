//! Which types a field may have: those whose values can be stored (`spec typing 11.2`).

use super::display::Shown;
use super::environment::Environment;
use super::failure::Problem;
use super::native::{DocumentKind, id};
use super::term::{Kind, Ty};

/// The parts of a type that cannot be stored, as causes.
pub(super) fn check(env: &Environment, ty: &Ty) -> Vec<Problem> {
    let mut causes = Vec::new();
    collect(env, ty, &mut causes);
    causes
}

fn collect(env: &Environment, ty: &Ty, causes: &mut Vec<Problem>) {
    match &ty.kind {
        Kind::Any | Kind::Lit(_) => {}
        Kind::Intersect(parts) => {
            let each: Vec<Vec<Problem>> = parts.iter().map(|part| check(env, part)).collect();
            if each.iter().all(|causes| !causes.is_empty()) {
                causes.extend(each.into_iter().flatten());
            }
        }
        Kind::Named(id::REF, _) => {}
        Kind::Named(shape, argument) => match (is_persistable(*shape), env.document(*shape)) {
            (true, _) => argument
                .iter()
                .for_each(|argument| collect(env, argument, causes)),
            (false, (DocumentKind::None, _)) => causes.push(not_persistable(env, ty)),
            (false, (_, document)) => causes.push(use_reference(env, ty, document)),
        },
        Kind::Record(record) => {
            record
                .fields
                .iter()
                .for_each(|(_, field)| collect(env, field, causes));
            record
                .wildcard
                .iter()
                .for_each(|wildcard| collect(env, wildcard, causes));
        }
        Kind::Tuple(parts) => parts.iter().for_each(|part| collect(env, part, causes)),
        Kind::Union(parts) => {
            let mut documents: Vec<(&str, &Ty)> = Vec::new();
            let mut missing: Vec<(&str, &Ty)> = Vec::new();
            for part in parts.iter() {
                match &part.kind {
                    Kind::Named(id::EMPTY_REF, Some(argument)) => match argument.kind {
                        Kind::Named(document, _)
                            if env.document(document).0 == DocumentKind::Document =>
                        {
                            missing.push((env.document(document).1, part));
                        }
                        _ => {}
                    },
                    Kind::Named(shape, _) => match env.document(*shape) {
                        (DocumentKind::Document, name) => documents.push((name, part)),
                        (DocumentKind::Missing, name) => missing.push((name, part)),
                        (DocumentKind::None, _) => collect(env, part, causes),
                    },
                    _ => collect(env, part, causes),
                }
            }
            // Everyone needs a partner.
            let lonely = |part: &(&str, &Ty), others: &[(&str, &Ty)]| {
                !others.iter().any(|(name, _)| *name == part.0)
            };
            for part in documents.iter().filter(|part| lonely(part, &missing)) {
                causes.push(use_reference(env, part.1, part.0));
            }
            for part in missing.iter().filter(|part| lonely(part, &documents)) {
                causes.push(use_reference(env, part.1, part.0));
            }
        }
        Kind::Never
        | Kind::Var(_)
        | Kind::Generic(_)
        | Kind::Interface(_)
        | Kind::Function(_)
        | Kind::WithoutNull(_)
        | Kind::Field(_)
        | Kind::Apply(_)
        | Kind::Access(_)
        | Kind::Project(_)
        | Kind::GuardNull(_)
        | Kind::ChoiceResult(_)
        | Kind::ChoiceArg(..) => causes.push(not_persistable(env, ty)),
    }
}

fn is_persistable(shape: super::term::ShapeId) -> bool {
    matches!(
        shape,
        id::NULL
            | id::BOOLEAN
            | id::NUMBER
            | id::INT
            | id::LONG
            | id::DOUBLE
            | id::FLOAT
            | id::STRING
            | id::BYTES
            | id::TIME
            | id::DATE
            | id::UUID
            | id::ARRAY
    )
}

fn not_persistable(env: &Environment, ty: &Ty) -> Problem {
    Problem::new(
        format!("Type {} is not persistable", declared(env, ty)),
        ty.at,
    )
}

fn use_reference(env: &Environment, ty: &Ty, document: &str) -> Problem {
    not_persistable(env, ty).hint(
        format!("Use Ref<{document}> as the type of a reference to a {document} document"),
        ty.at,
        Some(format!("Ref<{document}>")),
    )
}

/// A declared type as it was written.
fn declared(env: &Environment, ty: &Ty) -> Shown {
    let all = |parts: &[Ty]| {
        parts
            .iter()
            .map(|part| declared(env, part))
            .collect::<Vec<_>>()
    };
    match &ty.kind {
        Kind::Never => Shown::Never,
        Kind::Lit(lit) => Shown::Lit(lit.clone()),
        Kind::Generic(generic) => Shown::Name(generic.name.clone()),
        Kind::Named(shape, None) => Shown::Name(env.shape_name(*shape)),
        Kind::Named(shape, Some(argument)) => {
            Shown::Cons(env.shape_name(*shape), vec![declared(env, argument)])
        }
        Kind::Record(record) => Shown::Object(
            record
                .fields
                .iter()
                .map(|(name, field)| (name.clone(), declared(env, field)))
                .collect(),
            record
                .wildcard
                .as_ref()
                .map(|wildcard| Box::new(declared(env, wildcard))),
        ),
        Kind::Interface(field) => {
            Shown::Interface(vec![(field.0.clone(), declared(env, &field.1))])
        }
        Kind::Tuple(parts) => Shown::Tuple(all(parts)),
        Kind::Union(parts) => Shown::Union(all(parts)),
        Kind::Intersect(parts) => Shown::Intersect(all(parts)),
        Kind::Function(function) => Shown::Lambda {
            params: function
                .params
                .iter()
                .map(|(name, param)| (name.clone(), declared(env, param)))
                .collect(),
            variadic: function
                .variadic
                .as_ref()
                .map(|(name, param)| Box::new((name.clone(), declared(env, param)))),
            result: Box::new(declared(env, &function.result)),
        },
        // Declarations hold nothing else.
        Kind::Any
        | Kind::Var(_)
        | Kind::WithoutNull(_)
        | Kind::Field(_)
        | Kind::Apply(_)
        | Kind::Access(_)
        | Kind::Project(_)
        | Kind::GuardNull(_)
        | Kind::ChoiceResult(_)
        | Kind::ChoiceArg(..) => Shown::Any,
    }
}
