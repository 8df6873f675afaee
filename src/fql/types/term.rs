//! The terms of the inference engine: types, values and uses in one representation.
//!
//! A [`Ty`] is a small handle: what it is ([`Kind`]), where it came from ([`Loc`]), the highest level
//! of a variable in it, and whether it mentions a signature's generic parameters. Everything big is
//! behind an `Arc`, so that a handle is cheap to copy and moving it to another place in the text costs
//! nothing. Terms that come from the environment hold no variables and are shared by all engines.

use crate::fql::syntax::ast::Str;
use std::sync::Arc;

/// A type variable of one engine.
pub(super) type VarId = u32;

/// A deferred choice between overloads of one engine.
pub(super) type ChoiceId = u32;

/// A named type (`spec typing 4.1`): a row of the environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ShapeId(pub u32);

/// The level of a variable: how many `let`s surround it.
pub(super) type Level = u16;

/// A place in one of the engine's sources; [`Loc::NONE`] for built-in signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Loc {
    /// Index in the engine's list of sources.
    pub source: u16,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Loc {
    /// No place.
    pub const NONE: Loc = Loc {
        source: u16::MAX,
        start: 0,
        end: 0,
    };

    /// Whether this is no place.
    pub fn is_none(self) -> bool {
        self.source == u16::MAX
    }

    /// This place, or the other if this is none.
    pub fn or(self, other: Loc) -> Loc {
        if self.is_none() { other } else { self }
    }

    /// Whether `other` lies inside.
    pub fn contains(self, other: Loc) -> bool {
        self.source == other.source && self.start <= other.start && other.end <= self.end
    }
}

/// A literal as a type.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Lit {
    Bool(bool),
    Int(i64),
    /// Any other number in its printed form; `whole` if it was written as an integer.
    Number {
        text: Str,
        whole: bool,
    },
    String(Str),
}

/// A generic parameter of a signature or annotation.
#[derive(Debug, PartialEq)]
pub(super) struct Generic {
    pub name: Str,
    /// Occurs both as input and as output; others accept everything (`spec typing 2.3`).
    pub valid: bool,
}

/// An object type.
#[derive(Debug, PartialEq)]
pub(super) struct Record {
    pub fields: Vec<(Str, Ty)>,
    pub wildcard: Option<Ty>,
}

impl Record {
    /// The type of a declared field.
    pub fn field(&self, name: &str) -> Option<&Ty> {
        self.fields
            .iter()
            .find(|(field, _)| &**field == name)
            .map(|(_, ty)| ty)
    }
}

/// A function type.
#[derive(Debug, PartialEq)]
pub(super) struct Function {
    pub params: Vec<(Option<Str>, Ty)>,
    pub variadic: Option<(Option<Str>, Ty)>,
    pub result: Ty,
}

impl Function {
    /// The type demanded of the n-th argument.
    pub fn param(&self, index: usize) -> Option<&Ty> {
        match self.params.get(index) {
            Some((_, ty)) => Some(ty),
            None => self.variadic.as_ref().map(|(_, ty)| ty),
        }
    }

    /// Whether `count` arguments are accepted.
    pub fn accepts(&self, count: usize) -> bool {
        match self.variadic {
            Some(_) => count >= self.params.len(),
            None => count == self.params.len(),
        }
    }
}

/// The use of a field: `value.name`.
#[derive(Debug, PartialEq)]
pub(super) struct FieldUse {
    pub name: Str,
    pub result: Ty,
    /// From the end of the value to the end of the name.
    pub dot: Loc,
}

/// The use as a function, or with brackets.
#[derive(Debug, PartialEq)]
pub(super) struct ApplyUse {
    pub args: Vec<Ty>,
    pub result: Ty,
}

/// The use under a projection.
#[derive(Debug, PartialEq)]
pub(super) struct ProjectUse {
    pub function: Ty,
    pub result: Ty,
}

/// What a term is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Any,
    Never,
    Lit(Lit),
    Var(VarId),
    Generic(Arc<Generic>),
    /// A named type with at most one argument.
    Named(ShapeId, Option<Arc<Ty>>),
    Record(Arc<Record>),
    /// `{ name: T, ... }`
    Interface(Arc<(Str, Ty)>),
    Tuple(Arc<Vec<Ty>>),
    Function(Arc<Function>),
    Union(Arc<Vec<Ty>>),
    Intersect(Arc<Vec<Ty>>),
    /// A value without its `Null` members.
    WithoutNull(Arc<Ty>),
    Field(Arc<FieldUse>),
    Apply(Arc<ApplyUse>),
    Access(Arc<ApplyUse>),
    Project(Arc<ProjectUse>),
    /// A use that `Null` passes.
    GuardNull(Arc<Ty>),
    /// A value: the result of an undecided overload.
    ChoiceResult(ChoiceId),
    /// A use: as the n-th argument of an undecided overload.
    ChoiceArg(ChoiceId, u16),
}

/// A term with its place.
#[derive(Clone, Debug)]
pub(super) struct Ty {
    pub kind: Kind,
    pub at: Loc,
    /// The highest level of a variable inside; meaningless for variables themselves.
    pub level: Level,
    /// Whether a generic parameter occurs inside.
    pub generic: bool,
}

/// Equal whatever their places.
impl PartialEq for Ty {
    fn eq(&self, other: &Ty) -> bool {
        self.kind == other.kind
    }
}

impl Ty {
    /// A term without parts.
    pub fn leaf(kind: Kind, at: Loc) -> Ty {
        Ty {
            kind,
            at,
            level: 0,
            generic: false,
        }
    }

    /// A term whose parts give its level.
    fn of<'a>(kind: Kind, at: Loc, parts: impl Iterator<Item = &'a Ty>) -> Ty {
        let mut ty = Ty::leaf(kind, at);
        for part in parts {
            ty.level = ty.level.max(part.level);
            ty.generic |= part.generic;
        }
        ty
    }

    pub fn any() -> Ty {
        Ty::leaf(Kind::Any, Loc::NONE)
    }

    pub fn never() -> Ty {
        Ty::leaf(Kind::Never, Loc::NONE)
    }

    /// A named type without arguments.
    pub fn named(shape: ShapeId) -> Ty {
        Ty::leaf(Kind::Named(shape, None), Loc::NONE)
    }

    /// A named type with its argument.
    pub fn constructed(shape: ShapeId, argument: Ty) -> Ty {
        let (level, generic) = (argument.level, argument.generic);
        Ty {
            kind: Kind::Named(shape, Some(Arc::new(argument))),
            at: Loc::NONE,
            level,
            generic,
        }
    }

    pub fn lit(lit: Lit, at: Loc) -> Ty {
        Ty::leaf(Kind::Lit(lit), at)
    }

    /// A generic parameter.
    pub fn generic(name: Str, valid: bool, level: Level, at: Loc) -> Ty {
        Ty {
            kind: Kind::Generic(Arc::new(Generic { name, valid })),
            at,
            level,
            generic: true,
        }
    }

    pub fn record(fields: Vec<(Str, Ty)>, wildcard: Option<Ty>, at: Loc) -> Ty {
        let record = Arc::new(Record { fields, wildcard });
        let parts = record
            .fields
            .iter()
            .map(|(_, ty)| ty)
            .chain(record.wildcard.as_ref());
        Ty::of(Kind::Record(record.clone()), at, parts)
    }

    pub fn interface(name: Str, ty: Ty, at: Loc) -> Ty {
        let (level, generic) = (ty.level, ty.generic);
        Ty {
            kind: Kind::Interface(Arc::new((name, ty))),
            at,
            level,
            generic,
        }
    }

    pub fn tuple(parts: Vec<Ty>, at: Loc) -> Ty {
        let parts = Arc::new(parts);
        Ty::of(Kind::Tuple(parts.clone()), at, parts.iter())
    }

    pub fn function(function: Function, at: Loc) -> Ty {
        let function = Arc::new(function);
        let inputs = function
            .params
            .iter()
            .chain(function.variadic.as_ref())
            .map(|(_, ty)| ty);
        Ty::of(
            Kind::Function(function.clone()),
            at,
            inputs.chain([&function.result]),
        )
    }

    /// A function of unnamed parameters.
    pub fn lambda(params: Vec<Ty>, result: Ty, at: Loc) -> Ty {
        let params = params.into_iter().map(|ty| (None, ty)).collect();
        Ty::function(
            Function {
                params,
                variadic: None,
                result,
            },
            at,
        )
    }

    pub fn union(parts: Vec<Ty>, at: Loc) -> Ty {
        let parts = Arc::new(parts);
        Ty::of(Kind::Union(parts.clone()), at, parts.iter())
    }

    pub fn intersect(parts: Vec<Ty>, at: Loc) -> Ty {
        let parts = Arc::new(parts);
        Ty::of(Kind::Intersect(parts.clone()), at, parts.iter())
    }

    pub fn without_null(self) -> Ty {
        let (level, generic) = (self.level, self.generic);
        Ty {
            kind: Kind::WithoutNull(Arc::new(self)),
            at: Loc::NONE,
            level,
            generic,
        }
    }

    pub fn guard_null(self) -> Ty {
        let (level, generic) = (self.level, self.generic);
        Ty {
            kind: Kind::GuardNull(Arc::new(self)),
            at: Loc::NONE,
            level,
            generic,
        }
    }

    pub fn field(name: Str, result: Ty, dot: Loc, at: Loc) -> Ty {
        let (level, generic) = (result.level, result.generic);
        Ty {
            kind: Kind::Field(Arc::new(FieldUse { name, result, dot })),
            at,
            level,
            generic,
        }
    }

    pub fn apply(args: Vec<Ty>, result: Ty, at: Loc) -> Ty {
        let apply = Arc::new(ApplyUse { args, result });
        Ty::of(
            Kind::Apply(apply.clone()),
            at,
            apply.args.iter().chain([&apply.result]),
        )
    }

    pub fn access(args: Vec<Ty>, result: Ty, at: Loc) -> Ty {
        let access = Arc::new(ApplyUse { args, result });
        Ty::of(
            Kind::Access(access.clone()),
            at,
            access.args.iter().chain([&access.result]),
        )
    }

    pub fn project(function: Ty, result: Ty, at: Loc) -> Ty {
        let project = Arc::new(ProjectUse { function, result });
        Ty::of(
            Kind::Project(project.clone()),
            at,
            [&project.function, &project.result].into_iter(),
        )
    }

    /// The same at another place. Functions keep theirs, and differences have none.
    pub fn moved(mut self, at: Loc) -> Ty {
        match self.kind {
            Kind::WithoutNull(_) | Kind::GuardNull(_) => {}
            _ => self.at = at,
        }
        self
    }

    /// The same, placed only if it has no place yet.
    pub fn placed(self, at: Loc) -> Ty {
        if self.at.is_none() {
            self.moved(at)
        } else {
            self
        }
    }
}

/// The identity of a term for caches: equal keys mean the same term up to places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key(u8, u64, u64);

impl Ty {
    /// See [`Key`].
    pub fn key(&self) -> Key {
        fn address<T: ?Sized>(shared: &Arc<T>) -> u64 {
            Arc::as_ptr(shared).cast::<u8>() as usize as u64
        }
        match &self.kind {
            Kind::Any => Key(0, 0, 0),
            Kind::Never => Key(1, 0, 0),
            Kind::Lit(Lit::Bool(value)) => Key(2, 0, u64::from(*value)),
            Kind::Lit(Lit::Int(value)) => Key(2, 1, *value as u64),
            Kind::Lit(Lit::Number { text, .. }) => Key(2, 2, fingerprint(text)),
            Kind::Lit(Lit::String(text)) => Key(2, 3, fingerprint(text)),
            Kind::Var(id) => Key(3, 0, u64::from(*id)),
            Kind::Generic(generic) => Key(4, 0, address(generic)),
            Kind::Named(shape, None) => Key(5, u64::from(shape.0), 0),
            Kind::Named(shape, Some(argument)) => match argument.kind {
                Kind::Var(id) => Key(6, u64::from(shape.0), u64::from(id)),
                _ => Key(7, u64::from(shape.0), address(argument)),
            },
            Kind::Record(record) => {
                let mut mix = Mix::new(8);
                for (name, field) in &record.fields {
                    mix.add(fingerprint(name));
                    mix.key(field.key());
                }
                record
                    .wildcard
                    .iter()
                    .for_each(|wildcard| mix.key(wildcard.key()));
                mix.finish()
            }
            Kind::Interface(shared) => Key(9, 0, address(shared)),
            Kind::Tuple(parts) => {
                let mut mix = Mix::new(10);
                parts.iter().for_each(|part| mix.key(part.key()));
                mix.finish()
            }
            Kind::Function(shared) => Key(11, 0, address(shared)),
            Kind::Union(shared) => Key(12, 0, address(shared)),
            Kind::Intersect(shared) => Key(13, 0, address(shared)),
            Kind::WithoutNull(shared) => match shared.kind {
                Kind::Var(id) => Key(14, 1, u64::from(id)),
                _ => Key(14, 0, address(shared)),
            },
            Kind::Field(shared) => Key(15, 0, address(shared)),
            Kind::Apply(shared) => Key(16, 0, address(shared)),
            Kind::Access(shared) => Key(17, 0, address(shared)),
            Kind::Project(shared) => Key(18, 0, address(shared)),
            Kind::GuardNull(shared) => match shared.kind {
                Kind::Var(id) => Key(19, 1, u64::from(id)),
                _ => Key(19, 0, address(shared)),
            },
            Kind::ChoiceResult(choice) => Key(20, 0, u64::from(*choice)),
            Kind::ChoiceArg(choice, index) => Key(21, u64::from(*index), u64::from(*choice)),
        }
    }
}

impl Ty {
    /// Whether its key may depend on where it lies in memory.
    pub fn is_shared(&self) -> bool {
        match &self.kind {
            Kind::Any
            | Kind::Never
            | Kind::Lit(_)
            | Kind::Var(_)
            | Kind::Named(_, None)
            | Kind::ChoiceResult(_)
            | Kind::ChoiceArg(..) => false,
            Kind::Generic(_)
            | Kind::Named(_, Some(_))
            | Kind::Record(_)
            | Kind::Interface(_)
            | Kind::Tuple(_)
            | Kind::Function(_)
            | Kind::Union(_)
            | Kind::Intersect(_)
            | Kind::WithoutNull(_)
            | Kind::Field(_)
            | Kind::Apply(_)
            | Kind::Access(_)
            | Kind::Project(_)
            | Kind::GuardNull(_) => true,
        }
    }
}

/// Combines the keys of parts.
struct Mix(u8, u64, u64);

impl Mix {
    fn new(tag: u8) -> Mix {
        Mix(tag, 0x9e37_79b9_7f4a_7c15, 0xc2b2_ae3d_27d4_eb4f)
    }

    fn add(&mut self, value: u64) {
        self.1 = (self.1.rotate_left(5) ^ value).wrapping_mul(0x517c_c1b7_2722_0a95);
        self.2 = (self.2.rotate_left(23) ^ value).wrapping_mul(0x9fb2_1c65_1e98_df25);
    }

    fn key(&mut self, key: Key) {
        self.add(u64::from(key.0));
        self.add(key.1);
        self.add(key.2);
    }

    fn finish(self) -> Key {
        Key(self.0, self.1, self.2)
    }
}

/// A 64-bit fingerprint of a text (FNV-1a).
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
