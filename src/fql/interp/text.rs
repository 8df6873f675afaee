//! Text forms of values that need the transaction (`spec fql10-stdlib 13`).

use super::{Failure, FailureKind, Interp, Missing, Result};
use crate::value::text::{self, Describe, DocumentText, NestedText};
use crate::value::{Cursor, Doc, DocKey, Module, Value};
use std::sync::Arc;

impl Interp {
    /// The display form: `toString()`, templates, `+`, `log`.
    pub fn display(&mut self, value: &Value) -> Result<String> {
        self.check_parts([value])?;
        text::display(value, self)
    }

    /// The debug form: `dbg`, and values in messages.
    pub fn debug(&mut self, value: &Value) -> Result<String> {
        self.check_parts([value])?;
        text::debug(value, self)
    }
}

impl Describe for Interp {
    type Error = Failure;

    fn document(&mut self, doc: &Doc) -> Result<DocumentText> {
        let doc = Arc::new(doc.clone());
        let fields = self
            .require(super::Effect::Read, || "Reading a document".into())
            .and_then(|()| {
                Ok(match self.read(&doc)? {
                    Ok(version) => {
                        DocumentText::Fields(self.doc_fields(&doc, &version)?.into_iter().collect())
                    }
                    Err(Missing::PermissionDenied) => {
                        DocumentText::Failed(Failure::permission_denied().message().to_string())
                    }
                    Err(_) => DocumentText::Missing,
                })
            });
        match fields {
            Err(failure) if matches!(&*failure.0, FailureKind::Query(_)) => {
                Ok(DocumentText::Failed(failure.message().to_string()))
            }
            other => other,
        }
    }

    fn nested(&mut self, doc: &Doc) -> Result<NestedText> {
        let coll = match self.collection_module(doc.coll) {
            Value::Module(Module::Collection { name, .. }) => Some(name),
            _ => None,
        };
        let name = match &doc.key {
            DocKey::Name(name) => name.clone(),
            DocKey::Id(_) if crate::model::native::is_named(doc.coll) => self.doc_name(doc)?,
            DocKey::Id(id) => id.0.to_string().into(),
        };
        Ok(NestedText::Named { name, coll })
    }

    fn cursor(&mut self, cursor: &Cursor) -> Result<String> {
        Ok(self.cursor_token(cursor, None)?.to_string())
    }
}
