//! Schema files, as they are stored: documents of a native collection that queries do not see.

use super::native;
use super::schema::load::text;
use super::txn::Txn;
use super::{ModelError, Version};
use crate::value::{DocId, Object, Str, Value};
use std::ops::Bound;
use std::sync::Arc;

/// A stored schema file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// Its document. Ids grow from file to file.
    pub id: DocId,
    /// Its name: `main.fsl`.
    pub name: Str,
    /// Its text, to the letter.
    pub content: Str,
}

impl StoredFile {
    fn of(id: DocId, version: &Version) -> StoredFile {
        let data = version.object();
        let field = |name| text(&data, name).unwrap_or_default();
        StoredFile {
            id,
            name: field("name"),
            content: field("content"),
        }
    }
}

impl Txn {
    /// The schema files of this database, own writes included, in the order in which they were created. While a schema
    /// is staged they are its files.
    pub fn schema_files(&mut self) -> Result<Vec<StoredFile>, ModelError> {
        self.uncounted(|txn| {
            let all = (Bound::Unbounded, Bound::Unbounded);
            let mut cursor = txn.scan(native::SCHEMA_SOURCE, all, false, None);
            let mut files = Vec::new();
            while let Some((id, version)) = cursor.next(txn)? {
                files.push(StoredFile::of(id, &version));
            }
            Ok(files)
        })
    }

    /// The schema files that are in force while others are staged.
    pub fn schema_files_in_force(&mut self) -> Result<Vec<StoredFile>, ModelError> {
        let versions = self.versions_in_force(native::SCHEMA_SOURCE)?;
        let files = versions.iter();
        Ok(files
            .map(|(id, version)| StoredFile::of(*id, version))
            .collect())
    }

    /// Writes a schema file: that of `id`, or a new one.
    pub fn put_schema_file(
        &mut self,
        id: Option<DocId>,
        name: &str,
        content: &str,
    ) -> Result<(), ModelError> {
        let id = id.unwrap_or_else(|| self.model().new_id());
        let fields = [
            ("name", Value::string(name)),
            ("content", Value::string(content)),
        ];
        let data: Object = fields.into_iter().collect();
        self.put(native::SCHEMA_SOURCE, id, Arc::new(data), None)?;
        Ok(())
    }

    /// Deletes a schema file.
    pub fn delete_schema_file(&mut self, id: DocId) -> Result<(), ModelError> {
        self.delete(native::SCHEMA_SOURCE, id)?;
        Ok(())
    }
}
