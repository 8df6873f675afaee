//! Type expressions → terms (`spec typing 2.3`).
//!
//! [`unchecked`] is for signatures that are known to be right: those of the function table and those
//! the checker itself stored. [`Resolver`] is for what users write, and reports what is wrong.

use super::environment::Environment;
use super::failure::Problem;
use super::native::{DocumentKind, id};
use super::term::{Function, Kind, Level, Lit, Loc, ShapeId, Ty};
use crate::fql::syntax::Span;
use crate::fql::syntax::ast::{Ident, Str, TypeExpr, TypeKind};

/// What names mean in a signature that needs no check.
pub(super) trait Names {
    /// The type of that name.
    fn shape(&self, name: &str) -> Option<ShapeId>;

    /// Whether another name is a generic parameter; if not, it means `Any`.
    fn generic(&self, name: &str) -> bool;
}

/// The type a right signature denotes. Terms made so have no place.
pub(super) fn unchecked(expr: &TypeExpr, names: &dyn Names) -> Ty {
    let at = Loc::NONE;
    let all = |items: &[TypeExpr]| {
        items
            .iter()
            .map(|item| unchecked(item, names))
            .collect::<Vec<_>>()
    };
    let param = |(name, ty): &(Option<Ident>, TypeExpr)| {
        (
            name.as_ref().map(|name| name.name.clone()),
            unchecked(ty, names),
        )
    };
    match &expr.kind {
        TypeKind::Any => Ty::any(),
        TypeKind::Never => Ty::never(),
        TypeKind::Bool(value) => Ty::lit(Lit::Bool(*value), at),
        TypeKind::Int(value) => Ty::lit(Lit::Int(*value), at),
        TypeKind::Double(value) => Ty::lit(number(*value), at),
        TypeKind::String(value) => Ty::lit(Lit::String(value.clone()), at),
        TypeKind::Name(name) => match names.shape(name) {
            Some(shape) => Ty::named(shape),
            None if names.generic(name) => Ty::generic(name.clone(), true, 0, at),
            None => Ty::any(),
        },
        TypeKind::Cons(name, args) => match (names.shape(&name.name), args.first()) {
            (Some(shape), Some(argument)) => Ty::constructed(shape, unchecked(argument, names)),
            _ => Ty::any(),
        },
        TypeKind::Object {
            fields,
            wildcard,
            open,
        } => {
            let mut fields: Vec<(Str, Ty)> = fields
                .iter()
                .map(|field| (field.name.name.clone(), unchecked(&field.ty, names)))
                .collect();
            match open {
                false => Ty::record(fields, wildcard.as_ref().map(|ty| unchecked(ty, names)), at),
                true if fields.len() == 1 => {
                    let (name, ty) = fields.swap_remove(0);
                    Ty::interface(name, ty, at)
                }
                true => Ty::intersect(
                    fields
                        .into_iter()
                        .map(|(name, ty)| Ty::interface(name, ty, at))
                        .collect(),
                    at,
                ),
            }
        }
        TypeKind::Tuple(items) => Ty::tuple(all(items), at),
        TypeKind::Lambda {
            params,
            rest,
            result,
        } => Ty::function(
            Function {
                params: params.iter().map(param).collect(),
                variadic: rest.as_deref().map(param),
                result: unchecked(result, names),
            },
            at,
        ),
        TypeKind::Union(items) => Ty::union(all(items), at),
        TypeKind::Intersect(items) => Ty::intersect(all(items), at),
        TypeKind::Optional(base) => {
            Ty::union(vec![unchecked(base, names), Ty::named(id::NULL)], at)
        }
    }
}

/// A number that is no 64-bit integer, as a literal type.
pub(super) fn number(value: f64) -> Lit {
    let text = if value.fract() == 0.0 && value.abs() < 1e15 {
        format!("{value:.1}")
    } else {
        format!("{value:?}")
    };
    Lit::Number {
        text: text.into(),
        whole: false,
    }
}

/// A name that is no type but easily taken for one.
const LOWER_CASE: [(&str, &str); 5] = [
    ("any", "Any"),
    ("null", "Null"),
    ("number", "Number"),
    ("string", "String"),
    ("boolean", "Boolean"),
];

/// Resolves what a user wrote, collecting errors.
pub(super) struct Resolver<'a> {
    env: &'a Environment,
    source: u16,
    /// Whether unknown names are generic parameters.
    generics: bool,
    level: Level,
    /// Further names: those of types that are being defined, by name and arity.
    pub problems: Vec<Problem>,
    pub warnings: Vec<Problem>,
}

impl<'a> Resolver<'a> {
    /// Unknown names are generic parameters of `level`, or errors.
    pub fn new(env: &'a Environment, source: u16, generics: bool, level: Level) -> Resolver<'a> {
        Resolver {
            env,
            source,
            generics,
            level,
            problems: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// The type of an expression; whatever is wrong in it becomes `Any`.
    pub fn resolve(&mut self, expr: &TypeExpr) -> Ty {
        let ty = self.ty(expr);
        if !self.generics || !ty.generic {
            return ty;
        }
        let mut bounds: Vec<Bound> = Vec::new();
        collect(&ty, true, &mut bounds);
        let invalid: Vec<Str> = bounds
            .into_iter()
            .filter(|bound| !(bound.input && bound.output))
            .map(|bound| {
                match LOWER_CASE.iter().find(|(lower, _)| *lower == &*bound.name) {
                    Some((lower, actual)) => self.warnings.push(Problem::new(
                        format!("Unknown type `{lower}`. Did you mean `{actual}`?"),
                        bound.at,
                    )),
                    None => self.problems.push(Problem::new(
                        format!("Unknown type `{}`", bound.name),
                        bound.at,
                    )),
                }
                bound.name
            })
            .collect();
        if invalid.is_empty() {
            ty
        } else {
            invalidate(&ty, &invalid)
        }
    }

    fn loc(&self, span: Span) -> Loc {
        Loc {
            source: self.source,
            start: span.start,
            end: span.end,
        }
    }

    fn ty(&mut self, expr: &TypeExpr) -> Ty {
        let at = self.loc(expr.span);
        match &expr.kind {
            TypeKind::Any => Ty::any().moved(at),
            TypeKind::Never => Ty::never().moved(at),
            TypeKind::Bool(value) => Ty::lit(Lit::Bool(*value), at),
            TypeKind::Int(value) => Ty::lit(Lit::Int(*value), at),
            TypeKind::Double(value) => Ty::lit(number(*value), at),
            TypeKind::String(value) => Ty::lit(Lit::String(value.clone()), at),
            TypeKind::Name(name) => self.name(name, at, None, at),
            TypeKind::Cons(name, args) => {
                let args: Vec<Ty> = args.iter().map(|arg| self.ty(arg)).collect();
                let name_at = self.loc(name.span);
                self.name(&name.name, name_at, Some(args), at)
            }
            TypeKind::Object {
                fields,
                wildcard,
                open,
            } => {
                let mut fields: Vec<(Str, Ty)> = fields
                    .iter()
                    .map(|field| (field.name.name.clone(), self.ty(&field.ty)))
                    .collect();
                match open {
                    false => {
                        let wildcard = wildcard.as_ref().map(|ty| self.ty(ty));
                        Ty::record(fields, wildcard, at)
                    }
                    true if fields.len() == 1 => {
                        let (name, ty) = fields.swap_remove(0);
                        Ty::interface(name, ty, at)
                    }
                    true => Ty::intersect(
                        fields
                            .into_iter()
                            .map(|(name, ty)| Ty::interface(name, ty, at))
                            .collect(),
                        at,
                    ),
                }
            }
            TypeKind::Tuple(items) => {
                let items = items.iter().map(|item| self.ty(item)).collect();
                Ty::tuple(items, at)
            }
            TypeKind::Lambda {
                params,
                rest,
                result,
            } => {
                let params = params
                    .iter()
                    .map(|(name, ty)| (name.as_ref().map(|name| name.name.clone()), self.ty(ty)))
                    .collect();
                let variadic = rest
                    .as_deref()
                    .map(|(name, ty)| (name.as_ref().map(|name| name.name.clone()), self.ty(ty)));
                let result = self.ty(result);
                Ty::function(
                    Function {
                        params,
                        variadic,
                        result,
                    },
                    at,
                )
            }
            TypeKind::Union(items) => {
                let items = items.iter().map(|item| self.ty(item)).collect();
                Ty::union(items, at)
            }
            TypeKind::Intersect(items) => {
                let items = items.iter().map(|item| self.ty(item)).collect();
                Ty::intersect(items, at)
            }
            TypeKind::Optional(base) => {
                let mark = Loc {
                    start: at.end.saturating_sub(1),
                    ..at
                };
                let base = self.ty(base);
                Ty::union(vec![base, Ty::named(id::NULL).moved(mark)], at)
            }
        }
    }

    /// A name with its arguments, in the order of `spec typing 2.3`.
    fn name(&mut self, name: &Str, name_at: Loc, args: Option<Vec<Ty>>, at: Loc) -> Ty {
        let args = args.unwrap_or_default();
        let Some(shape) = self.env.shape_id(name) else {
            if args.is_empty() && self.generics {
                return Ty::generic(name.clone(), true, self.level, name_at);
            }
            self.problems
                .push(Problem::new(format!("Unknown type `{name}`"), name_at));
            return Ty::any().moved(name_at);
        };
        let expected = self.env.params(shape).len();
        if args.len() != expected {
            let text = match expected {
                0 => format!("Type `{name}` does not accept any parameters."),
                _ => {
                    format!(
                        "Type constructor `{name}<>` accepts {expected} parameters, received {}",
                        args.len()
                    )
                }
            };
            self.problems.push(Problem::new(text, name_at));
            return Ty::any().moved(name_at);
        }
        let Some(argument) = args.into_iter().next() else {
            return Ty::named(shape).moved(at);
        };
        if matches!(shape, id::REF | id::EMPTY_REF) {
            let is_document = match &argument.kind {
                Kind::Named(document, _) => {
                    self.env.document(*document).0 == DocumentKind::Document
                }
                Kind::Generic(generic) => {
                    let text = format!("Unknown type `{}`", generic.name);
                    self.problems.push(Problem::new(text, argument.at));
                    return Ty::any().moved(argument.at);
                }
                _ => false,
            };
            if !is_document {
                self.problems
                    .push(Problem::new("Reference type must refer to a doc type", at));
                return Ty::any().moved(at);
            }
        }
        Ty::constructed(shape, argument).moved(at)
    }
}

/// Where and how a generic parameter occurs.
struct Bound {
    name: Str,
    at: Loc,
    input: bool,
    output: bool,
}

fn collect(ty: &Ty, output: bool, bounds: &mut Vec<Bound>) {
    if !ty.generic {
        return;
    }
    match &ty.kind {
        Kind::Generic(generic) => {
            match bounds.iter_mut().find(|bound| bound.name == generic.name) {
                Some(bound) => {
                    bound.input |= !output;
                    bound.output |= output;
                }
                None => bounds.push(Bound {
                    name: generic.name.clone(),
                    at: ty.at,
                    input: !output,
                    output,
                }),
            }
        }
        Kind::Function(function) => {
            for (_, param) in function.params.iter().chain(function.variadic.as_ref()) {
                collect(param, !output, bounds);
            }
            collect(&function.result, output, bounds);
        }
        _ => each_part(ty, &mut |part| collect(part, output, bounds)),
    }
}

/// Visits the direct parts of a type.
fn each_part(ty: &Ty, visit: &mut dyn FnMut(&Ty)) {
    match &ty.kind {
        Kind::Named(_, Some(argument)) => visit(argument),
        Kind::Record(record) => {
            record.fields.iter().for_each(|(_, field)| visit(field));
            record.wildcard.iter().for_each(visit);
        }
        Kind::Interface(field) => visit(&field.1),
        Kind::Tuple(parts) | Kind::Union(parts) | Kind::Intersect(parts) => {
            parts.iter().for_each(visit)
        }
        Kind::Function(function) => {
            function
                .params
                .iter()
                .chain(function.variadic.as_ref())
                .for_each(|(_, param)| visit(param));
            visit(&function.result);
        }
        Kind::WithoutNull(part) | Kind::GuardNull(part) => visit(part),
        Kind::Field(field) => visit(&field.result),
        Kind::Apply(apply) | Kind::Access(apply) => {
            apply.args.iter().for_each(&mut *visit);
            visit(&apply.result);
        }
        Kind::Project(project) => {
            visit(&project.function);
            visit(&project.result);
        }
        Kind::Any
        | Kind::Never
        | Kind::Lit(_)
        | Kind::Var(_)
        | Kind::Generic(_)
        | Kind::Named(_, None)
        | Kind::ChoiceResult(_)
        | Kind::ChoiceArg(..) => {}
    }
}

/// Whether a type variable occurs in a type.
pub(super) fn has_variable(ty: &Ty) -> bool {
    if matches!(ty.kind, Kind::Var(_) | Kind::ChoiceResult(_)) {
        return true;
    }
    let mut found = false;
    each_part(ty, &mut |part| found = found || has_variable(part));
    found
}

/// Marks the named generics as accepting everything.
fn invalidate(ty: &Ty, names: &[Str]) -> Ty {
    rebuild(ty, &mut |part| match &part.kind {
        Kind::Generic(generic) if names.contains(&generic.name) => Some(Ty::generic(
            generic.name.clone(),
            false,
            part.level,
            part.at,
        )),
        _ => None,
    })
}

/// Copies a type, replacing the parts for which `replace` has something else. Parts without generics are shared.
pub(super) fn rebuild(ty: &Ty, replace: &mut dyn FnMut(&Ty) -> Option<Ty>) -> Ty {
    if !ty.generic {
        return ty.clone();
    }
    if let Some(other) = replace(ty) {
        return other;
    }
    let at = ty.at;
    match &ty.kind {
        Kind::Named(shape, Some(argument)) => {
            Ty::constructed(*shape, rebuild(argument, replace)).moved(at)
        }
        Kind::Record(record) => {
            let fields = record
                .fields
                .iter()
                .map(|(name, field)| (name.clone(), rebuild(field, replace)))
                .collect();
            let wildcard = record
                .wildcard
                .as_ref()
                .map(|wildcard| rebuild(wildcard, replace));
            Ty::record(fields, wildcard, at)
        }
        Kind::Interface(field) => Ty::interface(field.0.clone(), rebuild(&field.1, replace), at),
        Kind::Tuple(parts) => Ty::tuple(
            parts.iter().map(|part| rebuild(part, replace)).collect(),
            at,
        ),
        Kind::Union(parts) => Ty::union(
            parts.iter().map(|part| rebuild(part, replace)).collect(),
            at,
        ),
        Kind::Intersect(parts) => Ty::intersect(
            parts.iter().map(|part| rebuild(part, replace)).collect(),
            at,
        ),
        Kind::Function(function) => {
            let params = function
                .params
                .iter()
                .map(|(name, param)| (name.clone(), rebuild(param, replace)))
                .collect();
            let variadic = function
                .variadic
                .as_ref()
                .map(|(name, param)| (name.clone(), rebuild(param, replace)));
            let result = rebuild(&function.result, replace);
            Ty::function(
                Function {
                    params,
                    variadic,
                    result,
                },
                at,
            )
        }
        // Signatures hold nothing else that has parts.
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
