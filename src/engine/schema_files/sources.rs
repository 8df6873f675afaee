//! The files of a database: as they are stored, brought into step with what was written past them.

use super::{Result, Work};
use crate::fql::syntax::Source;
use crate::fsl::{patch, stored_order};
use crate::model::StoredFile;
use std::sync::Arc;

impl Work<'_> {
    /// The files in force, or those of the staged schema.
    pub(super) fn files(&mut self, staged: bool) -> Result<Vec<Arc<Source>>> {
        if staged || !self.interp.txn.is_staged() {
            return self.latest_files();
        }
        let files = self.interp.txn.schema_files_in_force()?;
        Ok(files.iter().map(source).collect())
    }

    /// The files that say what the definitions say. Definitions of the legacy language, and those of databases that are older
    /// than schema files, are in no stored one.
    pub(super) fn latest_files(&mut self) -> Result<Vec<Arc<Source>>> {
        let stored = self.interp.txn.schema_files()?;
        let sources: Vec<Arc<Source>> = stored.iter().map(source).collect();
        let schema = self.interp.txn.schema().clone();
        let latest = schema.latest();
        Ok(patch(&sources, latest, &stored_order(latest)))
    }

    /// Stores the files as they should be.
    pub(super) fn bring_up_to_date(&mut self) -> Result<Vec<StoredFile>> {
        let stored = self.interp.txn.schema_files()?;
        let mut changed = false;
        for file in self.latest_files()? {
            let content = file.text.as_deref().unwrap_or_default();
            let known = stored.iter().find(|known| *known.name == *file.name);
            if known.is_none_or(|known| *known.content != *content) {
                let id = known.map(|known| known.id);
                self.interp.txn.put_schema_file(id, &file.name, content)?;
                changed = true;
            }
        }
        match changed {
            true => Ok(self.interp.txn.schema_files()?),
            false => Ok(stored),
        }
    }
}

/// A stored file as a source.
fn source(file: &StoredFile) -> Arc<Source> {
    Source::new(&*file.name, file.content.clone())
}
