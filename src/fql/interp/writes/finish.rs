//! The end of a query: what is checked once, after all writes (`spec schema-fsl 3.2, 3.3, 14`).
//!
//! References by name are constraint failures of the write that left them dangling. Everything else concerns the
//! schema as a whole: it is loaded as the query leaves it and checked; faults make the query fail with
//! `invalid_schema`, told at the last schema write.

use super::super::{Failure, Interp, Result};
use super::document::refuse;
use super::{NativeWrite, PendingWrites, Renamed, WrittenSchema};
use crate::fql::syntax::{Diagnostic, Location, Source, render_lines};
use crate::fql::types::CheckedSchema;
use crate::model::schema::check::is_builtin_role;
use crate::model::schema::load::{integer, one_or_many, text};
use crate::model::schema::{Collection, ConstraintFailure, Definition, Schema, protected};
use crate::model::{StoredFile, native};
use crate::value::{CollId, DocId, Object, Str, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// An internal field to store: which definition, what it is now, the field and its value.
type News<'a> = ((CollId, DocId), Arc<Object>, &'a str, Value);

/// Bytes that looking up the text of the schema comes to, at least.
const SCHEMA_BYTES: u64 = 14;

/// Memberships a collection may have.
const MAX_ROLES: usize = 64;

impl Interp {
    /// Checks that wait for the end of the query.
    pub fn finish_writes(&mut self) -> Result<()> {
        if self.pending.native.is_empty() {
            return Ok(());
        }
        let pending = std::mem::take(&mut self.pending);
        let cost = self.txn.read_cost();
        let result = self.finish(&pending);
        self.txn.refund_ops(cost);
        self.pending = pending;
        result
    }

    fn finish(&mut self, pending: &PendingWrites) -> Result<()> {
        let schema = self.final_schema()?;
        for write in &pending.native {
            self.check_references(write, &schema)
                .map_err(|failure| with_frames(failure, &write.frames))?;
        }
        let schema_write = |write: &&NativeWrite| {
            [
                native::COLLECTION,
                native::FUNCTION,
                native::ROLE,
                native::ACCESS_PROVIDER,
            ]
            .contains(&write.coll)
        };
        let Some(last) = pending.native.iter().rfind(schema_write) else {
            return Ok(());
        };
        self.txn.charge_bytes(SCHEMA_BYTES);
        // What is staged can be abandoned.
        if self.is_protected()? && !self.txn.is_staged() {
            self.check_backing_indexes(pending, &schema, &last.frames)?;
        }
        let typechecked = self.inherited_flag("typechecked")?.unwrap_or(true);
        let stored = self.txn.schema_files()?;
        let Some(checker) = self.schema_checker.clone() else {
            return self.store_internal(pending, &schema, CheckedSchema::default());
        };
        let written = written_schema(pending, &schema, typechecked, last, &stored);
        let files = checker.files(&written);
        let faults = match checker.check(&written, &files) {
            Ok(checked) => {
                let faults = self.migration_faults(pending, &schema);
                if faults.is_empty() {
                    self.store_internal(pending, &schema, checked)?;
                    return self.store_files(&stored, &files);
                }
                faults
            }
            Err(faults) => faults,
        };
        let text = indented(&render_lines(&faults));
        Err(self.schema_failure(text, &last.frames))
    }

    /// Keeps the schema files in step with the definitions.
    fn store_files(&mut self, stored: &[StoredFile], files: &[Arc<Source>]) -> Result<()> {
        for file in files {
            let content = file.text.as_deref().unwrap_or_default();
            let known = stored.iter().find(|known| *known.name == *file.name);
            if known.is_none_or(|known| *known.content != *content) {
                let id = known.map(|known| known.id);
                self.txn.put_schema_file(id, &file.name, content)?;
            }
        }
        Ok(())
    }

    /// What is wrong with migrations, definition by definition. A wrong backfill hides whatever else undoing the
    /// migrations led to.
    fn migration_faults(&self, pending: &PendingWrites, schema: &Schema) -> Vec<Diagnostic> {
        let mut all = Vec::new();
        for migrations in &pending.migrations {
            if schema
                .collection(CollId(migrations.id.0.max(0) as u64))
                .is_none()
            {
                continue;
            }
            let mut found: Vec<(Option<usize>, Diagnostic)> = Vec::new();
            if let Some(checker) = &self.schema_checker {
                for backfill in &migrations.backfills {
                    let faults = checker.check_backfill(schema, backfill);
                    found.extend(faults.into_iter().map(|fault| (Some(backfill.at), fault)));
                }
            }
            let wrong_backfill = !found.is_empty();
            let others = migrations.faults.iter();
            found.extend(
                others
                    .filter(|(at, _)| at.is_some() || !wrong_backfill)
                    .cloned(),
            );
            if wrong_backfill {
                // Migrations are undone last first.
                found.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
            }
            all.extend(found.into_iter().map(|(_, fault)| fault));
        }
        all
    }

    /// Keeps what was inferred of functions and computed fields, where it is news, and when definitions were added.
    fn store_internal(
        &mut self,
        pending: &PendingWrites,
        schema: &Schema,
        checked: CheckedSchema,
    ) -> Result<()> {
        let mut news: Vec<News<'_>> = Vec::new();
        for (name, signature) in checked.functions {
            let Some(function) = schema.function_named(&name) else {
                continue;
            };
            if function.inferred().as_deref() == Some(signature.as_str()) {
                continue;
            }
            let id = (native::FUNCTION, function.id);
            let signature = Value::string(signature);
            news.push((id, function.definition.clone(), "internal_sig", signature));
        }
        for (name, fields) in checked.collections {
            let Some(collection) = schema.collection_named(&name) else {
                continue;
            };
            let known = |(field, ty): &(Str, String)| {
                collection.inferred(field).as_deref() == Some(ty.as_str())
            };
            if fields.iter().all(known) {
                continue;
            }
            let inferred: Object = fields
                .into_iter()
                .map(|(field, ty)| (field, Value::string(ty)))
                .collect();
            let id = (native::COLLECTION, DocId(collection.id.0 as i64));
            let inferred = Value::object(inferred);
            let definition = collection.definition.clone();
            news.push((id, definition, "internal_signatures", inferred));
        }
        let added = added_order(pending, schema);
        let next = added
            .values()
            .max()
            .map_or(1, |last| last.saturating_add(1));
        for (id, definition) in definitions(schema) {
            if !added.contains_key(&id) {
                news.push((id, definition.clone(), native::ORDER, Value::Long(next)));
            }
        }
        // What is known of one definition is stored together.
        news.sort_by_key(|(id, ..)| *id);
        for of_one in news.chunk_by(|(a, ..), (b, ..)| a == b) {
            let Some(((coll, id), definition, ..)) = of_one.first() else {
                continue;
            };
            let mut data = (**definition).clone();
            for (_, _, field, value) in of_one {
                data.insert(*field, value.clone());
            }
            self.txn.put(*coll, *id, Arc::new(data), None)?;
        }
        Ok(())
    }

    /// The schema as this query leaves it.
    fn final_schema(&mut self) -> Result<Schema> {
        let mut definitions = Vec::new();
        for coll in [
            native::COLLECTION,
            native::FUNCTION,
            native::ROLE,
            native::ACCESS_PROVIDER,
        ] {
            for (id, version) in self.native_documents(coll)? {
                let ts = version.ts.unwrap_or_default();
                definitions.push(Definition {
                    coll,
                    id,
                    fields: version.object(),
                    ts,
                });
            }
        }
        let current = self.txn.schema().clone();
        let known = Some(current.latest());
        Ok(Schema::load(current.version, definitions, known))
    }

    /// References by name that a written document makes, or leaves dangling.
    fn check_references(&mut self, write: &NativeWrite, schema: &Schema) -> Result<()> {
        let after = self
            .txn
            .get(write.coll, write.id, None)?
            .map(|version| version.object());
        match (write.coll, &after) {
            (native::FUNCTION, Some(after)) => {
                let mut failures: Vec<_> = unknown_role(after, schema).into_iter().collect();
                failures.extend(Self::granted_admin(write, after));
                refuse(failures, &outcome(write, "Function"))
            }
            (native::KEY, Some(after)) => {
                let failed = match write.before {
                    None => "Failed to create Key.".to_string(),
                    Some(_) => format!("Failed to update Key with id {}.", write.id.0),
                };
                // A key opens the schema in force.
                let in_force = self.txn.schema().clone();
                let schema = match self.txn.is_staged() {
                    true => &in_force,
                    false => schema,
                };
                let failures = unknown_role(after, schema).into_iter().collect();
                refuse(failures, &failed)
            }
            (native::ROLE, after) => self.check_role(write, after.as_deref(), schema),
            _ => Ok(()),
        }
    }

    fn granted_admin(write: &NativeWrite, after: &Object) -> Option<ConstraintFailure> {
        let admin = |object: &Object| text(object, "role").as_deref() == Some("admin");
        if !write.by_server || !admin(after) {
            return None;
        }
        let message = match &write.before {
            None => "Cannot create a function with admin permissions using the server role.",
            Some(before) if !admin(before) => {
                "Cannot grant a function admin permissions using the server role."
            }
            Some(_) => return None,
        };
        Some(ConstraintFailure::field("role", message))
    }

    fn check_role(
        &mut self,
        write: &NativeWrite,
        after: Option<&Object>,
        schema: &Schema,
    ) -> Result<()> {
        if let Some(after) = after {
            let crowded = one_or_many(after, "membership").any(|entry| {
                let Value::Object(entry) = entry else {
                    return false;
                };
                let Some(resource) = text(entry, "resource") else {
                    return false;
                };
                let holds = |role: &&Arc<crate::model::schema::Role>| {
                    role.membership
                        .iter()
                        .any(|m| m.resource.name() == Some(&resource))
                };
                schema.roles().into_iter().filter(holds).count() > MAX_ROLES
            });
            if crowded {
                let message = format!(
                    "The maximum number of roles per resource ({MAX_ROLES}) have been exceeded."
                );
                refuse(
                    vec![ConstraintFailure::whole(message)],
                    &outcome(write, "Role"),
                )?;
            }
        }
        let Some(before) = write
            .before
            .as_deref()
            .and_then(|before| text(before, "name"))
        else {
            return Ok(());
        };
        if schema.role(&before).is_some() {
            return Ok(());
        }
        let mut failures = Vec::new();
        for function in schema.functions() {
            if function.role.as_ref() == Some(&before) {
                let name = &function.name;
                failures.push(previous(format!("The function `{name}`"), &before));
            }
        }
        // Keys follow a staged renaming when it comes into force.
        let staged = after.is_some() && self.txn.is_staged();
        let keys = match staged {
            true => Vec::new(),
            false => self.native_documents(native::KEY)?,
        };
        for (id, version) in keys {
            if matches!(version.field("role"), Some(Value::String(role)) if role == before) {
                failures.push(previous(format!("The key `{}`", id.0), &before));
            }
        }
        let failed = match after {
            Some(_) => outcome(write, "Role"),
            None => format!("Failed to delete Role `{before}`."),
        };
        refuse(failures, &failed)
    }

    /// Protected mode: physical indexes of collections that still exist must stay.
    fn check_backing_indexes(
        &mut self,
        pending: &PendingWrites,
        schema: &Schema,
        frames: &[Location],
    ) -> Result<()> {
        let mut failures = Vec::new();
        for write in pending
            .native
            .iter()
            .filter(|write| write.coll == native::COLLECTION && write.before.is_some())
        {
            let id = CollId(write.id.0.max(0) as u64);
            let live = self.txn.schema().collection(id).cloned();
            let (Some(live), Some(after)) = (live, schema.collection(id)) else {
                continue;
            };
            let mut backing = live.backing.iter();
            if backing.any(|index| after.backing_index(index.id).is_none()) {
                failures.push(ConstraintFailure::whole(protected::delete_backing_index()));
            }
        }
        if failures.is_empty() {
            return Ok(());
        }
        Err(self
            .schema_failure(String::new(), frames)
            .constraints(failures))
    }
}

/// What the check of a whole schema is asked.
fn written_schema<'a>(
    pending: &'a PendingWrites,
    schema: &'a Schema,
    typechecked: bool,
    last: &'a NativeWrite,
    stored: &[StoredFile],
) -> WrittenSchema<'a> {
    let changed = |write: &NativeWrite, collection: &Collection| {
        let before = |field: &str| {
            write
                .before
                .as_deref()
                .and_then(|before| text(before, field))
        };
        let name = before("name").as_ref() != Some(&collection.name);
        let alias = collection.alias.is_some() && before("alias") != collection.alias;
        (name, alias)
    };
    let written = pending
        .native
        .iter()
        .filter(|write| write.coll == native::COLLECTION);
    let renamed = written.filter_map(|write| {
        let collection = schema.collection(CollId(write.id.0.max(0) as u64))?;
        let (name, alias) = changed(write, collection);
        Some(Renamed {
            collection: collection.id,
            name,
            alias,
            at: write.frames.last(),
        })
    });
    let files = stored
        .iter()
        .map(|file| Source::new(&*file.name, file.content.clone()));
    WrittenSchema {
        schema,
        typechecked,
        renamed: renamed.collect(),
        write_at: last.frames.last(),
        order: added_order(pending, schema),
        stored_files: files.collect(),
    }
}

/// All definitions of a schema that have a text.
fn definitions(schema: &Schema) -> impl Iterator<Item = ((CollId, DocId), &Arc<Object>)> {
    let collections = schema.collections().into_iter().map(|collection| {
        let id = DocId(collection.id.0 as i64);
        ((native::COLLECTION, id), &collection.definition)
    });
    let functions = schema.functions().into_iter();
    let functions = functions.map(|f| ((native::FUNCTION, f.id), &f.definition));
    let roles = schema.roles().into_iter();
    let roles = roles.map(|r| ((native::ROLE, r.id), &r.definition));
    let providers = schema.providers().into_iter();
    let providers = providers.map(|p| ((native::ACCESS_PROVIDER, p.id), &p.definition));
    collections.chain(functions).chain(roles).chain(providers)
}

/// When each definition was added to the schema's text. Those that this query creates or renames are not in it yet.
fn added_order(pending: &PendingWrites, schema: &Schema) -> HashMap<(CollId, DocId), i64> {
    let mut order: HashMap<(CollId, DocId), i64> = definitions(schema)
        .map(|(id, definition)| (id, integer(definition, native::ORDER).unwrap_or(0)))
        .collect();
    for write in &pending.native {
        let key = (write.coll, write.id);
        let name = definitions(schema)
            .find(|(id, _)| *id == key)
            .and_then(|(_, definition)| text(definition, "name"));
        let before = write.before.as_deref().and_then(|old| text(old, "name"));
        if before.is_none() || before != name {
            order.remove(&key);
        }
    }
    order
}

fn with_frames(mut failure: Failure, frames: &[Location]) -> Failure {
    if let Some(query) = failure.query_mut()
        && query.trace.is_none()
    {
        query.trace = Some(frames.iter().rev().cloned().collect());
    }
    failure
}

fn outcome(write: &NativeWrite, kind: &str) -> String {
    match &write.before {
        None => format!("Failed to create {kind}."),
        Some(_) => format!("Failed to update {kind} `{}`.", write.name),
    }
}

fn previous(what: String, name: &str) -> ConstraintFailure {
    ConstraintFailure::field(
        "name",
        format!("{what} refers to this document by its previous identifier `{name}`."),
    )
}

fn unknown_role(data: &Object, schema: &Schema) -> Option<ConstraintFailure> {
    let role = text(data, "role")?;
    let known = is_builtin_role(&role) || schema.role(&role).is_some();
    (!known).then(|| {
        ConstraintFailure::field(
            "role",
            format!("Field refers to an unknown role name `{role}`."),
        )
    })
}

fn indented(text: &str) -> String {
    let lines: Vec<String> = text
        .lines()
        .map(|line| {
            if line.is_empty() {
                String::new()
            } else {
                format!("    {line}")
            }
        })
        .collect();
    lines.join("\n")
}
