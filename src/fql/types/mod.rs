//! Static types: what a query's result will be, and what is certain to fail, before anything runs.
//!
//! The one way in is a syntax tree, the other an [`Environment`]; out come a printed type and
//! diagnostics. Checking is a pure function of the two: no input or output, no clock, and a bounded
//! number of steps whatever the query. The engine is algebraic subtyping with deferred overloads
//! (`spec typing`); it is read in this order: [`term`] (types as data), [`environment`] with [`native`]
//! and [`collection`] (what names mean), [`infer`] (expressions), [`constrain`] and [`choice`] (what
//! must be a subtype of what), [`coalesce`] and [`simplify`] (types as people read them), [`failure`]
//! (errors).

mod asked;
mod check;
mod choice;
mod coalesce;
mod collection;
mod complete;
mod constrain;
mod copy;
mod definitions;
mod dependencies;
mod display;
mod engine;
mod environment;
mod failure;
mod infer;
mod names;
mod native;
mod outline;
mod persist;
mod projections;
mod resolve;
mod schema;
mod simplify;
mod term;

pub use asked::Asked;
pub use check::{
    Arguments, Checked, ValueType, check_query, check_value, no_arguments, type_of_expr,
};
pub use complete::{Member, TypeAt, globals, members_of, type_at, type_of_result};
pub use definitions::{
    AccessProviderCheck, CheckedSchema, CollectionCheck, ComputedCheck, FieldCheck, FunctionCheck,
    PathCheck, ResourceCheck, RoleCheck, SchemaCheck, Sourced,
};
pub use display::{print_scheme, print_type};
pub use environment::{
    CollectionEnv, Environment, FieldEnv, FunctionEnv, IndexEnv, PathStep, SchemaEnv, TermEnv,
    TypeSource,
};
pub use native::{NativeShape, NativeShapes, NativeTypes, Text};
pub use outline::{ShapeOutline, outline_of};
pub use schema::check_schema;
