//! What a named type offers, printed: for editors, and for completion far from the schema (`spec http-api 8`).

use super::complete::Member;
use super::engine::Engine;
use super::environment::Environment;
use super::term::Ty;
use crate::fql::syntax::Source;
use crate::fql::syntax::ast::Str;

/// A named type and what it offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShapeOutline {
    /// Its type parameters.
    pub params: Vec<Str>,
    /// Its own members, in the order of declaration.
    pub members: Vec<Member>,
    /// What a value of it is when it is called.
    pub apply: Option<String>,
    /// What it is in brackets.
    pub access: Option<String>,
    /// Its structural definition.
    pub alias: Option<String>,
}

/// The outline of a named type; `None` if there is no such type.
pub fn outline_of(name: &str, env: &Environment) -> Option<ShapeOutline> {
    let shape = env.shape_id(name)?;
    let mut engine = Engine::new(env, Source::hidden("*type*"));
    let mut print = |ty: Ty| engine.show_value(&ty);
    let names = env.member_names(shape).into_iter();
    Some(ShapeOutline {
        params: env.params(shape).to_vec(),
        members: names
            .filter_map(|name| {
                let signature = print(env.member(shape, &name)?);
                Some(Member { name, signature })
            })
            .collect(),
        apply: env.apply(shape).map(&mut print),
        access: env.access(shape).map(&mut print),
        alias: env.alias(shape).map(&mut print),
    })
}
