//! What an editor wants to know: the type at a place, and what can be written after a dot.

use super::check::{Arguments, Names, bind_arguments};
use super::constrain::primary;
use super::engine::Engine;
use super::environment::Environment;
use super::native::id;
use super::term::{Kind, ShapeId, Ty, VarId};
use crate::fql::syntax::Source;
use crate::fql::syntax::ast::{Block, Str};
use std::sync::Arc;

/// A member of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub name: Str,
    /// Its printed type.
    pub signature: String,
}

/// A type at a place of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeAt {
    /// The printed type.
    pub ty: String,
    /// What can be selected from such a value, without `Null`, in the order of declaration.
    pub members: Vec<Member>,
    /// Whether the value may be null, so that `?.` or `!` is needed.
    pub nullable: bool,
}

/// The type of the innermost expression that ends at a byte offset. Errors elsewhere do not matter:
/// a text that is being written rarely is right.
pub fn type_at(
    block: &Block,
    source: &Arc<Source>,
    env: &Environment,
    arguments: Arguments<'_>,
    offset: usize,
) -> Option<TypeAt> {
    let mut engine = Engine::new(env, source.clone());
    bind_arguments(&mut engine, arguments, Names::Block(block));
    engine.recorded = Some(Vec::new());
    engine.block(block);
    let recorded = engine.recorded.take()?;
    let offset = u32::try_from(offset).ok()?;
    // The innermost that ends there: the body of a lambda rather than the lambda.
    let ending = recorded.iter().filter(|(span, _)| span.end == offset);
    let (_, ty) = ending.max_by_key(|(span, _)| span.start)?;
    Some(engine.describe(&ty.clone()))
}

/// The type of a query's result, for completion after it.
pub fn type_of_result(
    block: &Block,
    source: &Arc<Source>,
    env: &Environment,
    arguments: Arguments<'_>,
) -> TypeAt {
    let mut engine = Engine::new(env, source.clone());
    bind_arguments(&mut engine, arguments, Names::Block(block));
    let ty = engine.block(block);
    engine.describe(&ty)
}

/// The members of a type given as text: `Array<Book>`, `{ a: Int }`. Empty if it is no type.
pub fn members_of(ty: &str, env: &Environment) -> Vec<Member> {
    let Ok(expr) = crate::fql::syntax::parse_type(&Source::new("*type*", ty)) else {
        return Vec::new();
    };
    let mut engine = Engine::new(env, Source::hidden("*type*"));
    engine.describe(&env.stored(&expr)).members
}

/// All names a query may begin with, and their printed types where they are cheap to know.
pub fn globals(env: &Environment) -> Vec<Member> {
    let mut engine = Engine::new(env, Source::hidden("*type*"));
    env.global_names()
        .into_iter()
        .filter_map(|name| {
            let ty = env.global(&name)?;
            let ty = engine.instantiate_generics(&ty, Vec::new());
            Some(Member {
                name,
                signature: engine.show_value(&ty),
            })
        })
        .collect()
}

impl Engine<'_> {
    fn describe(&mut self, ty: &Ty) -> TypeAt {
        let mut found = Found::default();
        self.alternatives(ty, &mut found, 0);
        let mut members: Vec<Member> = Vec::new();
        for alternative in found.types {
            self.members(&alternative, &mut members, 0);
        }
        TypeAt {
            ty: self.show_value(ty),
            members,
            nullable: found.null,
        }
    }

    /// The concrete types a value may have.
    fn alternatives(&self, ty: &Ty, found: &mut Found, depth: u32) {
        if depth > 64 {
            return;
        }
        match &ty.kind {
            Kind::Var(id) => {
                if found.vars.contains(id) {
                    return;
                }
                found.vars.push(*id);
                self.var(*id)
                    .lower
                    .iter()
                    .for_each(|bound| self.alternatives(bound, found, depth + 1));
            }
            Kind::Union(parts) => parts
                .iter()
                .for_each(|part| self.alternatives(part, found, depth + 1)),
            Kind::WithoutNull(inner) => {
                let null = found.null;
                self.alternatives(inner, found, depth + 1);
                found.null = null;
            }
            Kind::ChoiceResult(id) => {
                let choice = &self.choices[*id as usize];
                for variant in choice.variants.iter() {
                    if let Kind::Function(function) = &variant.kind {
                        self.alternatives(&function.result, found, depth + 1);
                    }
                }
            }
            Kind::Named(id::NULL, None) => found.null = true,
            Kind::Named(id::REF | id::NAMED_REF, Some(document)) => {
                found.null = true;
                self.alternatives(document, found, depth + 1);
            }
            _ => {
                if !found.types.contains(ty) {
                    found.types.push(ty.clone());
                }
            }
        }
    }

    /// Adds what can be selected from a concrete type.
    fn members(&mut self, ty: &Ty, members: &mut Vec<Member>, depth: u32) {
        let mut add = |engine: &mut Self, name: &Str, ty: &Ty| {
            if !members.iter().any(|known| known.name == *name) {
                members.push(Member {
                    name: name.clone(),
                    signature: engine.show_value(ty),
                });
            }
        };
        match &ty.kind {
            Kind::Record(record) => record
                .fields
                .iter()
                .for_each(|(name, field)| add(self, name, field)),
            Kind::Interface(field) => add(self, &field.0, &field.1),
            Kind::Intersect(parts) if depth < 16 => {
                parts
                    .iter()
                    .for_each(|part| self.members(part, members, depth + 1));
            }
            Kind::Lit(lit) => self.members(&Ty::named(primary(lit)), members, depth),
            Kind::Tuple(parts) => {
                let element = Ty::union(parts.to_vec(), ty.at);
                self.members(&Ty::constructed(id::ARRAY, element), members, depth);
            }
            Kind::Named(shape, argument) => {
                // A document's own fields come before its methods.
                if let Some(alias) = self.env.alias(*shape)
                    && depth < 16
                {
                    let alias = self.instance(&alias, *shape, argument.as_deref(), ty.at);
                    self.members(&alias, members, depth + 1);
                }
                self.shape_members(*shape, argument.as_deref(), members);
            }
            Kind::Any
            | Kind::Never
            | Kind::Var(_)
            | Kind::Generic(_)
            | Kind::Intersect(_)
            | Kind::Function(_)
            | Kind::Union(_)
            | Kind::WithoutNull(_)
            | Kind::Field(_)
            | Kind::Apply(_)
            | Kind::Access(_)
            | Kind::Project(_)
            | Kind::GuardNull(_)
            | Kind::ChoiceResult(_)
            | Kind::ChoiceArg(..) => {}
        }
    }

    fn shape_members(&mut self, shape: ShapeId, argument: Option<&Ty>, members: &mut Vec<Member>) {
        for name in self.env.member_names(shape) {
            if members.iter().any(|known| known.name == name) {
                continue;
            }
            if let Some(member) = self.env.member(shape, &name) {
                let member = self.instance(&member, shape, argument, super::term::Loc::NONE);
                members.push(Member {
                    name,
                    signature: self.show_value(&member),
                });
            }
        }
    }
}

/// What [`Engine::alternatives`] gathers.
#[derive(Default)]
struct Found {
    types: Vec<Ty>,
    vars: Vec<VarId>,
    null: bool,
}
