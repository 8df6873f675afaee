//! The static check of a schema that a query has written (`spec schema-fsl 3.3`, `spec typing 11`).

use super::Engine;
use super::item_check::check_of;
use super::typing::schema_env;
use crate::fql::interp::{PendingBackfill, SchemaChecker, WrittenSchema};
use crate::fql::syntax::{Diagnostic, Source};
use crate::fql::types::{CheckedSchema, Environment, SchemaCheck, check_schema, check_value};
use crate::fsl::{Kind, SchemaItem, parse, patch};
use crate::model::native;
use crate::model::schema::Schema;
use crate::value::{CollId, DocId};
use std::sync::Arc;

impl SchemaChecker for Engine {
    fn files(&self, written: &WrittenSchema<'_>) -> Vec<Arc<Source>> {
        let order = |kind: Kind, id: i64| written.order(coll_of(kind), DocId(id));
        patch(&written.stored_files, written.schema, &order)
    }

    fn check(
        &self,
        written: &WrittenSchema<'_>,
        files: &[Arc<Source>],
    ) -> Result<CheckedSchema, Vec<Diagnostic>> {
        // Definitions that are in order by themselves may make up a schema that no file could say.
        let mut unreadable = Vec::new();
        let mut items = Vec::new();
        for file in files {
            match parse(file) {
                Ok(file) => items.extend(file.items),
                Err(faults) => unreadable.extend(faults),
            }
        }
        if !unreadable.is_empty() {
            return Err(unreadable);
        }
        let native = self.environments.native(&self.library);
        check_schema(&native, in_files(written, &items))
    }

    fn check_backfill(&self, schema: &Schema, backfill: &PendingBackfill) -> Vec<Diagnostic> {
        let native = self.environments.native(&self.library);
        let env = Environment::new(native, schema_env(schema));
        check_value(&env, &backfill.value, &backfill.ty)
    }
}

/// The schema as its files have it.
fn in_files(written: &WrittenSchema<'_>, items: &[SchemaItem]) -> SchemaCheck {
    let mut check = check_of(items.iter(), written.schema, written.typechecked);
    check.write_at = written.write_at.cloned();
    for collection in &mut check.collections {
        let known = written.schema.collection_named(&collection.env.name);
        let renamed = known.and_then(|known| {
            let mut renamed = written.renamed.iter();
            renamed.find(|renamed| renamed.collection == known.id)
        });
        if let Some(renamed) = renamed {
            collection.renamed = (renamed.name, renamed.alias);
            collection.written_at = renamed.at.cloned();
        }
    }
    check
}

fn coll_of(kind: Kind) -> CollId {
    match kind {
        Kind::Collection => native::COLLECTION,
        Kind::Function => native::FUNCTION,
        Kind::Role => native::ROLE,
        Kind::Provider => native::ACCESS_PROVIDER,
    }
}
