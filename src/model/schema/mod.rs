//! The schema of one database: what its definition documents mean.
//!
//! Definitions (`Collection`, `Function`, `Role`, `AccessProvider`) are documents of native collections, stored like any
//! other document. [`Schema::load`] turns them into one immutable value that a whole database shares until the next
//! schema write:
//!
//! ```text
//! definition documents ──load──▶ Schema ──collection(id)──▶ Collection ──▶ fields, indexes, constraints, migrations
//! ```
//!
//! Rules of the room:
//! - Loading is cheap: source texts (types, defaults, bodies, predicates) are parsed at first use and kept.
//! - Everything here is pure: a function of documents and values. Reading, writing and evaluating happen elsewhere.
//! - Native collections have the same shape as user-defined ones, from the static table in [`native`], so that one
//!   code path stores, validates, indexes and renders both.

pub mod check;
pub mod collection;
pub mod definition;
pub mod failure;
pub mod fault_place;
pub mod field_type;
pub mod function;
pub mod legacy_index;
pub mod load;
pub mod merge;
pub mod migrate;
pub mod migration_codec;
pub mod migration_item;
#[cfg(test)]
mod migration_tests;
pub mod names;
pub mod native;
pub mod path;
pub mod protected;
pub mod provenance;
pub mod rewind;
pub mod role;
pub mod shape;
pub mod text;
pub mod texts;
pub mod type_display;
pub mod types;
mod unexplained;
pub mod validate;

pub use collection::{
    BackingIndex, CheckConstraint, Collection, ComputedField, FieldDef, IndexDef, IndexStatus,
    MigrationStep, Term, UniqueConstraint, ValueDef,
};
pub use failure::{ConstraintFailure, PathDisplay};
pub use function::Function;
pub use legacy_index::{LegacyField, LegacyIndex, LegacyOrigin, LegacySource};
pub use load::{Definition, Item, Schema};
pub use role::{
    AccessProvider, Action, Grant, Membership, Predicate, Privilege, Role, RoleRef, RoleResource,
};
pub use text::{ExprText, LambdaText, TypeText};
