//! What a schema check is given and gives back (`spec typing 11`): definitions as trees with places.

use super::environment::{CollectionEnv, PathStep};
use crate::fql::syntax::ast::{Expr, Lambda, Str, TypeExpr};
use crate::fql::syntax::{Location, Source, Span};
use std::sync::Arc;

/// A tree and the text it came from.
#[derive(Clone, Debug)]
pub struct Sourced<T> {
    /// The tree.
    pub tree: T,
    /// Its text.
    pub source: Arc<Source>,
}

/// A whole schema.
#[derive(Clone, Debug, Default)]
pub struct SchemaCheck {
    /// Whether the database is typechecked: if not, only what must always hold is looked at.
    pub typechecked: bool,
    /// User collections in file order.
    pub collections: Vec<CollectionCheck>,
    /// User-defined functions in file order.
    pub functions: Vec<FunctionCheck>,
    /// Names of functions of the legacy language: `Any`.
    pub legacy_functions: Vec<Str>,
    /// User-defined roles.
    pub roles: Vec<RoleCheck>,
    /// Names of roles of the legacy language.
    pub legacy_roles: Vec<Str>,
    /// Access providers.
    pub access_providers: Vec<AccessProviderCheck>,
    /// Where the schema was written, for errors that have no other place.
    pub write_at: Option<Location>,
}

/// A collection to check.
#[derive(Clone, Debug, Default)]
pub struct CollectionCheck {
    /// What its types are made of. Types of computed fields are ignored: they are inferred.
    pub env: CollectionEnv,
    /// Where its name stands.
    pub name_at: Option<Location>,
    /// Whether its name is new, and whether its alias is.
    pub renamed: (bool, bool),
    /// The write that named it.
    pub written_at: Option<Location>,
    /// Defined fields.
    pub fields: Vec<FieldCheck>,
    /// Computed fields.
    pub computed: Vec<ComputedCheck>,
    /// The declared top-level wildcard.
    pub wildcard: Option<Sourced<TypeExpr>>,
    /// Bodies of check constraints.
    pub checks: Vec<Sourced<Arc<Lambda>>>,
    /// Paths of index terms and values, in order.
    pub index_paths: Vec<PathCheck>,
    /// Paths of unique constraints, in order.
    pub unique_paths: Vec<PathCheck>,
}

/// A defined field.
#[derive(Clone, Debug)]
pub struct FieldCheck {
    /// Its name.
    pub name: Str,
    /// Its declared type.
    pub ty: Sourced<TypeExpr>,
    /// Its default.
    pub default: Option<Sourced<Expr>>,
}

/// A computed field.
#[derive(Clone, Debug)]
pub struct ComputedCheck {
    /// Its name.
    pub name: Str,
    /// Its declared type.
    pub signature: Option<Sourced<TypeExpr>>,
    /// Its body.
    pub body: Sourced<Arc<Lambda>>,
}

/// A field path.
#[derive(Clone, Debug)]
pub struct PathCheck {
    /// Its steps and their places.
    pub steps: Vec<(PathStep, Span)>,
    /// The whole.
    pub span: Span,
    /// Its text.
    pub source: Arc<Source>,
}

/// A user-defined function.
#[derive(Clone, Debug)]
pub struct FunctionCheck {
    /// Its name.
    pub name: Str,
    /// Its other name. Unknown to other definitions.
    pub alias: Option<Str>,
    /// Its declared signature.
    pub signature: Option<Sourced<TypeExpr>>,
    /// Its body.
    pub body: Sourced<Arc<Lambda>>,
}

/// A role.
#[derive(Clone, Debug)]
pub struct RoleCheck {
    /// Its name.
    pub name: Str,
    /// Its members' collections.
    pub membership: Vec<ResourceCheck>,
    /// Its privileges.
    pub privileges: Vec<ResourceCheck>,
}

/// A named resource, or role, with predicates.
#[derive(Clone, Debug)]
pub struct ResourceCheck {
    /// The name.
    pub name: Str,
    /// Where it stands.
    pub at: Option<Location>,
    /// The predicates.
    pub predicates: Vec<Sourced<Arc<Lambda>>>,
}

/// An access provider.
#[derive(Clone, Debug)]
pub struct AccessProviderCheck {
    /// The roles it grants.
    pub roles: Vec<ResourceCheck>,
}

/// What is to be stored (`spec typing 11.3`).
#[derive(Clone, Debug, Default)]
pub struct CheckedSchema {
    /// The signature of each function. Empty if the database is not typechecked.
    pub functions: Vec<(Str, String)>,
    /// The types of each collection's computed fields. Empty if the database is not typechecked.
    pub collections: Vec<(Str, Vec<(Str, String)>)>,
}
