//! Writes: what happens between `Foo.create({...})` and the store (`spec schema-fsl 14`, `spec access-control 11`).
//!
//! ```text
//! argument ─▶ storable? ─▶ permission ─▶ defaults, types, rules ─▶ store, unique ─▶ hooks ─▶ checks
//!                                                     end of the query: names, references, migrations, types
//! ```
//!
//! - `document`: create, update, replace and delete of a document of any collection
//! - `defaults`: default values and check constraints, evaluated
//! - `legacy`: the same steps as FQL v4 takes them
//! - `native`: what definitions, databases and keys need beside their declared fields
//! - `migrations`: the steps a changed definition asks of its documents
//! - `finish`: what is checked once, after all writes

mod authorize;
mod defaults;
mod document;
mod finish;
mod legacy;
mod migrations;
mod native;

pub use legacy::LegacyRefusal;

use crate::fql::syntax::ast::{Expr, TypeExpr};
use crate::fql::syntax::{Diagnostic, Location, Source};
use crate::fql::types::{CheckedSchema, Sourced};
use crate::model::schema::Schema;
use crate::value::{CollId, DocId, Object, Str};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What the writes of a query leave for its end.
#[derive(Debug, Default)]
pub struct PendingWrites {
    /// Written documents of native collections, in order, each once.
    pub(super) native: Vec<NativeWrite>,
    /// Collections whose documents were written.
    documents: HashSet<CollId>,
    /// What was found of the migrations of definitions when they were written last.
    migrations: Vec<PendingMigrations>,
}

/// What was found of the migrations of a definition.
#[derive(Debug)]
struct PendingMigrations {
    /// The definition.
    id: DocId,
    /// What is wrong, and with which entry it showed while they were undone, if it did then.
    faults: Vec<(Option<usize>, Diagnostic)>,
    /// The values they give, whose types are checked when the whole schema is known.
    backfills: Vec<PendingBackfill>,
}

/// A `backfill` that is not applied yet.
#[derive(Clone, Debug)]
pub struct PendingBackfill {
    /// Which entry of the migrations.
    at: usize,
    /// The value.
    pub value: Sourced<Expr>,
    /// The type of the field.
    pub ty: Sourced<TypeExpr>,
}

/// A document of a native collection that the query wrote.
#[derive(Clone, Debug)]
pub(super) struct NativeWrite {
    /// The collection.
    pub coll: CollId,
    /// Its id.
    pub id: DocId,
    /// Its name before the query, or when it was created.
    pub name: Str,
    /// What it was before the query; `None`: it did not exist.
    pub before: Option<Arc<Object>>,
    /// The frames of the last write to it, outermost first.
    pub frames: Vec<Location>,
    /// Whether the role `server` was in force at that write.
    pub by_server: bool,
}

/// How a write treats its argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteMode {
    /// `create`, `update`, `replace`: `id` and `ttl` have their meaning, reserved names are refused.
    Fields,
    /// `createData`, `updateData`, `replaceData`: everything is user data.
    Data,
}

/// Which write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Merges the argument into what is there.
    Update,
    /// Puts the argument in place of what is there.
    Replace,
}

/// A schema as a query leaves it.
pub struct WrittenSchema<'a> {
    /// The schema.
    pub schema: &'a Schema,
    /// Whether the database is typechecked.
    pub typechecked: bool,
    /// Written collections.
    pub renamed: Vec<Renamed<'a>>,
    /// The last schema write.
    pub write_at: Option<&'a Location>,
    /// Definitions in the order in which they were added to the schema's text; those of this query are not in it.
    pub order: HashMap<(CollId, DocId), i64>,
    /// The schema files as they are stored.
    pub stored_files: Vec<Arc<Source>>,
}

/// A written collection.
pub struct Renamed<'a> {
    /// Which.
    pub collection: CollId,
    /// Its name is new.
    pub name: bool,
    /// Its alias is new.
    pub alias: bool,
    /// The write.
    pub at: Option<&'a Location>,
}

impl WrittenSchema<'_> {
    /// When a definition was added to the schema's text: a number that grows from write to write.
    pub fn order(&self, coll: CollId, id: DocId) -> i64 {
        self.order.get(&(coll, id)).copied().unwrap_or(i64::MAX)
    }
}

/// Checks the types of a whole schema; the engine's.
pub trait SchemaChecker: Send + Sync {
    /// The schema files that say what the definitions say.
    fn files(&self, written: &WrittenSchema<'_>) -> Vec<Arc<Source>>;

    /// What is inferred of functions and computed fields, or what is wrong with the schema, whose files are `files`.
    fn check(
        &self,
        written: &WrittenSchema<'_>,
        files: &[Arc<Source>],
    ) -> Result<CheckedSchema, Vec<Diagnostic>>;

    /// What is wrong with the type of a value that migrations give to documents.
    fn check_backfill(&self, schema: &Schema, backfill: &PendingBackfill) -> Vec<Diagnostic>;
}
