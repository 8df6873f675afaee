//! Copying a whole database into a new file, as of one moment: `:save FILE`.

use super::{Engine, OpenError};
use crate::store::{Commit, RedbStore, Store, StoreError, Table, Write};
use std::ops::Bound;
use std::path::Path;

/// Bytes written per commit of the copy.
const BATCH: usize = 8 * 1024 * 1024;

impl Engine {
    /// Copies everything as of now into a new file. The file must not exist; it appears under its name only when the
    /// copy is whole.
    pub fn copy_to(&self, path: impl AsRef<Path>) -> Result<(), OpenError> {
        let path = path.as_ref();
        let io = |error: std::io::Error| StoreError::Io(format!("{}: {error}", path.display()));
        if path.exists() {
            let text = format!("{} exists already", path.display());
            return Err(StoreError::Unusable(text).into());
        }
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let partial = Path::new(&partial);
        let copied = self.copy_into(partial);
        if copied.is_err() {
            // The partial file is of no use; that it could not be removed either is not the news.
            let _ = std::fs::remove_file(partial);
        }
        copied?;
        std::fs::rename(partial, path).map_err(io)?;
        Ok(())
    }

    fn copy_into(&self, path: &Path) -> Result<(), StoreError> {
        let snapshot = self.model.store().snapshot()?;
        let target = RedbStore::open(path)?;
        let mut batch = Commit::default();
        let mut size = 0;
        for table in Table::ALL {
            for entry in snapshot.range(table, Bound::Unbounded, Bound::Unbounded, false)? {
                let (key, value) = entry?;
                size += key.len() + value.len();
                batch.writes.push(Write {
                    table,
                    key: key.to_vec(),
                    value: Some(value.to_vec()),
                    stamps: Default::default(),
                });
                if size > BATCH {
                    batch.snapshot = target.snapshot()?.time();
                    target.commit(std::mem::take(&mut batch))?;
                    size = 0;
                }
            }
        }
        batch.snapshot = target.snapshot()?.time();
        batch.writes.push(self.model.layout_row());
        target.commit(batch)?;
        Ok(())
    }
}
