//! What files would change, and what is wrong with them.

use super::faults::Changed;
use super::{Comparison, Result, SchemaRefusal, Upload, Work};
use crate::engine::item_check::{check_of, collection_of};
use crate::engine::typing::is_typechecked;
use crate::fql::syntax::{Diagnostic, Source, render_lines};
use crate::fql::types::check_schema;
use crate::fsl::{
    ItemContent, ItemDiff, Kind, SchemaFile, SchemaItem, diff, find_duplicates, parse,
};
use crate::model::native;
use crate::model::schema::{Collection, Definition, Schema};
use crate::value::{CollId, DocId, Str};
use std::sync::Arc;

/// Items that are known by another name: the kind, the new name, the old one.
pub(super) type Renames = [(Kind, Str, Str)];

impl Work<'_> {
    /// Compares files with those in force, or those that are staged, and checks the schema they make up.
    pub(super) fn validate(
        &mut self,
        upload: &Upload,
        renames: &Renames,
        staged: bool,
    ) -> Result<Comparison> {
        let before = self.files(staged)?;
        let sent = upload.files.iter();
        let mut after: Vec<Arc<Source>> = sent
            .map(|(name, content)| Source::new(name.as_str(), content.as_str()))
            .collect();
        let is_sent = |name: &str| upload.files.iter().any(|(sent, _)| sent == name);
        if !upload.whole {
            let kept = before.iter().filter(|file| !is_sent(&file.name));
            after.extend(kept.cloned());
        }
        let parsed = parse_all(&after)?;
        let new: Vec<&SchemaItem> = parsed.iter().flat_map(|file| &file.items).collect();
        // What is stored may be out of order: it is about to be mended.
        let stored: Vec<SchemaFile> = before.iter().filter_map(|file| parse(file).ok()).collect();
        let old: Vec<&SchemaItem> = stored.iter().flat_map(|file| &file.items).collect();
        let mut diffs = diff(&old, &new, renames);
        if !upload.whole {
            diffs.retain(|diff| match (diff.before(), diff.after()) {
                (Some(gone), None) => is_sent(&gone.source.name),
                (Some(_) | None, _) => true,
            });
        }
        self.check_items(&new)?;
        self.check_migrations(&new, &after, &mut diffs, staged)?;
        Ok(Comparison {
            before,
            after,
            diffs,
        })
    }

    /// The check of types and names.
    fn check_items(&mut self, items: &[&SchemaItem]) -> Result<()> {
        let schema = self.interp.txn.schema().clone();
        let typechecked = is_typechecked(&mut self.interp.txn)?;
        let check = check_of(items.iter().copied(), schema.latest(), typechecked);
        let native = self.engine.environments.native(&self.engine.library);
        match check_schema(&native, check) {
            Ok(_) => Ok(()),
            Err(faults) => Err(SchemaRefusal::of_faults(&faults)),
        }
    }

    /// Whether documents can follow, collection by collection.
    fn check_migrations(
        &mut self,
        items: &[&SchemaItem],
        files: &[Arc<Source>],
        diffs: &mut [ItemDiff],
        staged: bool,
    ) -> Result<()> {
        let in_force = self.interp.txn.schema().clone();
        let compared = match staged {
            true => in_force.latest(),
            false => &in_force,
        };
        let becoming = hypothetical(items);
        let mut found: Vec<Diagnostic> = Vec::new();
        for diff in diffs {
            let Some(item) = diff.after() else { continue };
            let ItemContent::Collection(content) = &item.content else {
                continue;
            };
            let live = match diff.before() {
                Some(before) => self.occupied(compared, &before.name.name)?,
                None => None,
            };
            let submitted = collection_of(item);
            let changed = Changed {
                live: live.as_deref(),
                submitted: &submitted,
                item,
                content,
                before: diff.before(),
                files,
            };
            let checked = changed.steps(self.engine, &becoming);
            match checked {
                Ok(pending) => diff.pending = pending,
                Err(faults) => found.extend(faults),
            }
        }
        match found.is_empty() {
            true => Ok(()),
            false => Err(SchemaRefusal::of_faults(&found)),
        }
    }

    /// The collection of that name, if it holds anything.
    fn occupied(&mut self, schema: &Schema, name: &str) -> Result<Option<Arc<Collection>>> {
        let mut collections = schema.collections().into_iter();
        let Some(collection) = collections.find(|collection| &*collection.name == name) else {
            return Ok(None);
        };
        let collection = collection.clone();
        Ok(match self.interp.txn.has_versions(collection.id)? {
            true => Some(collection),
            false => None,
        })
    }
}

/// The files' items, or what is wrong with them.
fn parse_all(files: &[Arc<Source>]) -> Result<Vec<SchemaFile>> {
    let mut parsed = Vec::new();
    let mut faults = Vec::new();
    for file in files {
        match parse(file) {
            Ok(file) => parsed.push(file),
            Err(wrong) => faults.extend(wrong),
        }
    }
    let mut wrong = Vec::new();
    if !faults.is_empty() {
        wrong.push(render_lines(&faults));
    }
    wrong.extend(find_duplicates(&parsed));
    match wrong.is_empty() {
        true => Ok(parsed),
        false => Err(SchemaRefusal::Invalid(wrong.join("\n"))),
    }
}

/// The schema that items would make up.
fn hypothetical(items: &[&SchemaItem]) -> Schema {
    let definitions = (1..).zip(items).filter_map(|(number, item)| {
        let coll = match item.kind() {
            Kind::Collection => native::COLLECTION,
            Kind::Function => native::FUNCTION,
            Kind::Role | Kind::Provider => return None,
        };
        let first = CollId(native::FIRST_USER_COLLECTION).0 as i64;
        Some(Definition {
            coll,
            id: DocId(first + number),
            fields: Arc::new(crate::fsl::definition(item)),
            ts: Default::default(),
        })
    });
    Schema::load(0, definitions, None)
}
