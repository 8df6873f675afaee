//! What a query is after its wire form was read.
//!
//! A tree of [`Expression`]s, free of the database: names are looked up when it is evaluated, so that the trees of stored
//! lambdas are kept for as long as one likes. Nodes that can fail keep their [`Place`].

use super::error::Error;
use super::forms::Form;
use super::place::Place;
use super::value::{NameRef, Value};
use super::version::ApiVersion;
use crate::fql::interp::Effect;
use crate::value::Str;
use std::sync::Arc;

/// A node of a query.
#[derive(Clone, Debug)]
pub enum Expression {
    /// A value.
    Literal(Value),
    /// `{"@ref": ...}`, resolved when evaluated.
    Ref(Arc<NameRef>),
    /// `{"@ref": {"id": "self", ...}}`: whoever asks. An error if there is nobody.
    Own(Arc<OwnRef>),
    /// `{"@set": ...}`: the function that makes it.
    Set(Arc<SetLiteral>),
    /// An array whose elements are evaluated in order.
    Array(Arc<[Expression]>),
    /// `{"object": {...}}`: fields evaluated in order. Of data (`quote`, `@obj`) as well.
    Object(Arc<[(Str, Expression)]>),
    /// A variable.
    Var(Str),
    /// An anonymous function.
    Lambda(Arc<Lambda>),
    /// Bindings, each seeing those before it.
    Let(Arc<Let>),
    /// A condition.
    If(Arc<If>),
    /// One after another; at least one.
    Do(Arc<[Expression]>),
    /// Short-circuit conjunction (`true`) or disjunction (`false`).
    Logic(Arc<Logic>),
    /// `at`
    At(Arc<At>),
    /// `select`, `select_all`
    Select(Arc<Select>),
    /// A call of a user's function.
    Call(Arc<Call>),
    /// A call of a native function.
    Form(Arc<FormCall>),
}

/// `{"@ref": {"id": "self", ...}}` as a query sends it.
#[derive(Debug)]
pub struct OwnRef {
    /// What it says.
    pub reference: Arc<NameRef>,
    /// Where it stands.
    pub place: Place,
}

/// `{"@set": ...}` as a query sends it.
#[derive(Debug)]
pub struct SetLiteral {
    /// The call that makes the set; its arguments are data.
    pub call: Expression,
    /// Where it stands.
    pub place: Place,
}

/// `let`, `in`
#[derive(Debug)]
pub struct Let {
    /// In order.
    pub bindings: Vec<(Str, Expression)>,
    /// What they are for.
    pub body: Expression,
}

/// `if`, `then`, `else`
#[derive(Debug)]
pub struct If {
    /// The condition.
    pub condition: Expression,
    /// If it is true.
    pub then: Expression,
    /// If it is false.
    pub otherwise: Expression,
    /// Of the form.
    pub place: Place,
}

/// `and`, `or`
#[derive(Debug)]
pub struct Logic {
    /// `and` rather than `or`.
    pub is_and: bool,
    /// At least one.
    pub operands: Vec<Expression>,
    /// Of the form.
    pub place: Place,
}

/// `at`, `expr`
#[derive(Debug)]
pub struct At {
    /// When.
    pub ts: Expression,
    /// What.
    pub body: Expression,
    /// Of the form.
    pub place: Place,
}

/// `select`, `select_all`
#[derive(Debug)]
pub struct Select {
    /// The key of the path: `select`, `select_all`, `select_as_index`.
    pub key: &'static str,
    /// The path.
    pub path: Expression,
    /// Where to look.
    pub from: Expression,
    /// Whether arrays on the way are flattened, if the form has this key.
    pub all: Option<Expression>,
    /// Evaluated if there is nothing.
    pub default: Option<Expression>,
    /// The default is evaluated in any case, as before version 3.
    pub is_eager: bool,
    /// Of the form.
    pub place: Place,
}

/// `call`, `arguments`
#[derive(Debug)]
pub struct Call {
    /// Which function: a reference or a name.
    pub function: Expression,
    /// What its lambda is given.
    pub arguments: Option<Expression>,
    /// Of the form.
    pub place: Place,
}

/// A call of a native function.
#[derive(Debug)]
pub struct FormCall {
    /// Which.
    pub form: &'static Form,
    /// One for each key of the form, in its order.
    pub arguments: Vec<Option<Expression>>,
    /// Of the form.
    pub place: Place,
}

/// An anonymous function as written.
#[derive(Debug)]
pub struct Lambda {
    /// Its parameters.
    pub pattern: Pattern,
    /// Its body.
    pub body: Expression,
    /// Variables of the body that neither it nor the pattern binds, in the order in which they appear.
    pub free: Vec<Str>,
    /// The greatest effect of the body; calls of functions count as writes.
    pub effect: Effect,
    /// Under which version it was written.
    pub version: ApiVersion,
    /// Where it stands: the place of `{"lambda":..., "expr":...}`.
    pub place: Place,
}

/// What a lambda makes of its argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// `"_"`: nothing.
    Ignore,
    /// A name for all of it.
    Name(Str),
    /// Names for the elements of an array; `None` for `"_"`.
    Array(Vec<Option<Str>>),
}

/// A lambda with what it captured.
#[derive(Clone, Debug)]
pub struct Closure {
    /// The lambda.
    pub lambda: Arc<Lambda>,
    /// The variables in scope where it was evaluated.
    pub env: Env,
}

/// Variables, innermost first. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Env(Option<Arc<Binding>>);

#[derive(Debug)]
struct Binding {
    name: Str,
    value: Value,
    outer: Env,
}

impl Env {
    /// With one variable more.
    pub fn bind(&self, name: &Str, value: Value) -> Env {
        Env(Some(Arc::new(Binding {
            name: name.clone(),
            value,
            outer: self.clone(),
        })))
    }

    /// The innermost of that name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let mut env = self;
        while let Some(binding) = &env.0 {
            if &*binding.name == name {
                return Some(&binding.value);
            }
            env = &binding.outer;
        }
        None
    }
}

impl Drop for Binding {
    fn drop(&mut self) {
        // Chains are as long as a query made them: freed one by one, not in a recursion.
        let mut outer = self.outer.0.take();
        while let Some(binding) = outer {
            match Arc::try_unwrap(binding) {
                Ok(mut binding) => outer = binding.outer.0.take(),
                Err(_) => break,
            }
        }
    }
}

impl Pattern {
    /// The names it binds.
    pub fn names(&self) -> impl Iterator<Item = &Str> {
        let (one, many): (Option<&Str>, &[Option<Str>]) = match self {
            Pattern::Ignore => (None, &[]),
            Pattern::Name(name) => (Some(name), &[]),
            Pattern::Array(names) => (None, names),
        };
        one.into_iter().chain(many.iter().flatten())
    }

    /// How many names it binds, `"_"` not counted.
    pub fn arity(&self) -> usize {
        self.names().count()
    }
}

/// A query that cannot be read: all that is wrong with it.
pub type ReadResult<T> = Result<T, Vec<Error>>;
