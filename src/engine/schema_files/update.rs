//! Files put in the place of the stored ones, and the definitions after them (`spec schema-fsl 12.2`).

use super::validate::Renames;
use super::{Result, SchemaRefusal, Upload, Work};
use crate::fql::interp::{Change, WriteMode};
use crate::fsl::{ItemDiff, Kind, SchemaItem, definition};
use crate::model::native;
use crate::value::{CollId, Doc, Str, Value};
use std::sync::Arc;

/// A definition that was written.
pub(super) struct Written {
    /// The item it is known by: the new one, or that before a change.
    pub item: SchemaItem,
    /// The document; gone if it was deleted.
    pub document: Arc<Doc>,
}

/// The native collection of a kind's definitions.
pub(super) fn coll_of(kind: Kind) -> CollId {
    match kind {
        Kind::Collection => native::COLLECTION,
        Kind::Function => native::FUNCTION,
        Kind::Role => native::ROLE,
        Kind::Provider => native::ACCESS_PROVIDER,
    }
}

impl Work<'_> {
    /// Writes files and definitions, and checks what became of the schema.
    pub(super) fn update(&mut self, upload: &Upload, renames: &Renames) -> Result<()> {
        self.write(upload, renames)?;
        self.finish()
    }

    /// Writes files and definitions, in this order; nothing is checked yet that is checked at the end of a query.
    pub(super) fn write(&mut self, upload: &Upload, renames: &Renames) -> Result<Vec<Written>> {
        let found = self.validate(upload, renames, false)?;
        self.write_files(upload)?;
        let diffs = found.diffs.iter();
        diffs
            .filter_map(|diff| self.apply(diff).transpose())
            .collect()
    }

    /// What a query checks at its end.
    pub(super) fn finish(&mut self) -> Result<()> {
        Ok(self.interp.finish_writes()?)
    }

    fn write_files(&mut self, upload: &Upload) -> Result<()> {
        let stored = self.bring_up_to_date()?;
        let txn = &mut self.interp.txn;
        for (name, content) in &upload.files {
            let known = stored.iter().find(|file| *file.name == **name);
            match known {
                Some(known) if content.trim().is_empty() => txn.delete_schema_file(known.id)?,
                known => txn.put_schema_file(known.map(|known| known.id), name, content)?,
            }
        }
        if upload.whole {
            let sent = |name: &str| upload.files.iter().any(|(sent, _)| sent == name);
            for file in stored.iter().filter(|file| !sent(&file.name)) {
                txn.delete_schema_file(file.id)?;
            }
        }
        txn.touch_schema();
        Ok(())
    }

    /// Writes one definition. Its document keeps what the user has put beside it.
    fn apply(&mut self, diff: &ItemDiff) -> Result<Option<Written>> {
        let known = match (diff.before(), diff.after()) {
            (Some(item), _) | (None, Some(item)) => item,
            (None, None) => return Ok(None),
        };
        let coll = coll_of(known.kind());
        let existing = self.document(coll, &known.name.name)?;
        let document = match (existing, diff.after()) {
            (Some(existing), Some(item)) => {
                let mut fields = definition(item);
                let id = self.interp.txn.by_name(coll, &known.name.name, None)?;
                let stored = match id {
                    Some(id) => self.interp.txn.get(coll, id, None)?,
                    None => None,
                };
                if let Some(data) = stored.and_then(|stored| stored.field("data")) {
                    fields.insert("data", data);
                }
                let mode = WriteMode::Fields;
                match self
                    .interp
                    .change_document(&existing, Change::Replace, &fields, mode)?
                {
                    Value::Doc(document) => document,
                    _ => existing,
                }
            }
            (None, Some(item)) => {
                let fields = definition(item);
                self.interp
                    .create_document(coll, &fields, WriteMode::Fields)?
            }
            (Some(existing), None) => match self.interp.delete_document(&existing)? {
                Value::Doc(document) => document,
                _ => existing,
            },
            (None, None) => {
                let name = &known.name.name;
                let message = format!("Not found `{:?}`: {name}", known.kind());
                return Err(SchemaRefusal::Failed(500, message));
            }
        };
        Ok(Some(Written {
            item: known.clone(),
            document,
        }))
    }

    /// The document of a definition, by its name.
    pub(super) fn document(&mut self, coll: CollId, name: &Str) -> Result<Option<Arc<Doc>>> {
        let Some(id) = self.interp.txn.by_name(coll, name, None)? else {
            return Ok(None);
        };
        let document = self.interp.doc(coll, id);
        Ok(Some(Arc::new(Doc {
            named: true,
            ..Doc::clone(&document)
        })))
    }
}
