//! The staged schema: how far it is, putting it in force, taking it back (`spec schema-fsl 12.4`).

use super::{Done, Result, SchemaBody, SchemaRefusal, Show, Upload, Work};
use crate::fql::syntax::Source;
use crate::model::schema::{Collection, IndexStatus, Schema, Term, path};
use crate::value::IndexId;
use std::sync::Arc;

/// An index or unique constraint that only the staged schema has.
struct StagedIndex {
    collection: String,
    description: String,
    status: IndexStatus,
}

impl Work<'_> {
    /// How far the staged schema is.
    pub(super) fn status(&mut self, show: Option<Show>) -> Result<Done> {
        let schema = self.interp.txn.schema().clone();
        let indexes = staged_indexes(&schema);
        let status = status_of(&schema, &indexes);
        let details = match show {
            None => None,
            Some(show) => {
                let upload = whole(&self.latest_files()?);
                let found = self.validate(&upload, &[], false)?;
                Some((pending_summary(&indexes), found.text(show)))
            }
        };
        Ok(SchemaBody::Status { status, details }.into())
    }

    /// Puts the staged schema in force, if everything is built and still in order.
    pub(super) fn commit_staged(&mut self) -> Result<Done> {
        let schema = self.interp.txn.schema().clone();
        let refusal = match status_of(&schema, &staged_indexes(&schema)) {
            "none" => "There is no staged schema to commit",
            "pending" => {
                "Cannot commit schema before it is in the `ready` state. Check schema status for details."
            }
            "failed" => {
                "Cannot commit schema in the `failed` state. Check schema status for details."
            }
            _ => "",
        };
        if !refusal.is_empty() {
            return Err(SchemaRefusal::Invalid(refusal.into()));
        }
        let upload = whole(&self.latest_files()?);
        self.validate(&upload, &[], false)?;
        self.interp.follow_staged_renames()?;
        self.interp.txn.commit_staged()?;
        Ok(SchemaBody::Done.into())
    }

    /// Takes the staged schema back.
    pub(super) fn abandon_staged(&mut self) -> Result<Done> {
        if !self.interp.txn.is_staged() {
            let message = "There is no staged schema to abandon";
            return Err(SchemaRefusal::Invalid(message.into()));
        }
        self.interp.txn.abandon_staged()?;
        Ok(SchemaBody::Done.into())
    }

    /// Freezes the schema in force, its files with it.
    pub(super) fn stage(&mut self) -> Result<()> {
        if !self.interp.txn.is_staged() {
            self.bring_up_to_date()?;
            self.interp.txn.stage()?;
        }
        Ok(())
    }
}

fn whole(files: &[Arc<Source>]) -> Upload {
    let files = files.iter().map(|file| {
        let content = file.text.as_deref().unwrap_or_default();
        (file.name.clone(), content.to_string())
    });
    Upload {
        files: files.collect(),
        whole: true,
    }
}

fn status_of(schema: &Schema, indexes: &[StagedIndex]) -> &'static str {
    if schema.staged().is_none() {
        return "none";
    }
    let any = |status| indexes.iter().any(|index| index.status == status);
    if any(IndexStatus::Failed) {
        "failed"
    } else if any(IndexStatus::Building) {
        "pending"
    } else {
        "ready"
    }
}

/// What is built for the staged schema, collection by collection.
fn staged_indexes(schema: &Schema) -> Vec<StagedIndex> {
    let Some(staged) = schema.staged() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for collection in staged.collections() {
        let in_force = schema.collection(collection.id);
        let is_new =
            |id: IndexId| in_force.is_none_or(|in_force| in_force.backing_index(id).is_none());
        let mut add = |id: Option<IndexId>, unique: bool, description: String| {
            let Some(index) = id.filter(|id| is_new(*id)) else {
                return;
            };
            found.extend(status(collection, index, unique).map(|status| StagedIndex {
                collection: collection.name.to_string(),
                description,
                status,
            }));
        };
        for index in &collection.indexes {
            add(index.index, false, format!("index {}", index.name));
        }
        for unique in &collection.uniques {
            let terms: Vec<String> = unique.terms.iter().map(term).collect();
            let description = format!("unique constraint on [{}]", terms.join(", "));
            add(unique.index, true, description);
        }
    }
    found
}

fn status(collection: &Collection, index: IndexId, unique: bool) -> Option<IndexStatus> {
    let index = collection.backing_index(index)?;
    Some(match index.status {
        IndexStatus::Complete if unique && index.violated => IndexStatus::Failed,
        status => status,
    })
}

fn term(term: &Term) -> String {
    let path = path::display(&term.path);
    match term.mva {
        true => format!("mva({path})"),
        false => path,
    }
}

/// What is not complete.
fn pending_summary(indexes: &[StagedIndex]) -> String {
    let pending: Vec<&StagedIndex> = indexes
        .iter()
        .filter(|index| index.status != IndexStatus::Complete)
        .collect();
    let mut text = String::new();
    for of_one in pending.chunk_by(|a, b| a.collection == b.collection) {
        let Some(first) = of_one.first() else {
            continue;
        };
        text.push_str(&format!("* Collection {}:", first.collection));
        for index in of_one {
            let icon = match index.status {
                IndexStatus::Failed => '!',
                IndexStatus::Building | IndexStatus::Complete => '~',
            };
            let (description, status) = (&index.description, index.status.name());
            text.push_str(&format!("\n  {icon} {description}: {status}"));
        }
        text.push('\n');
    }
    text
}
