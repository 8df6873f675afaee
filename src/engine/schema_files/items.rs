//! One item at a time (`spec schema-fsl 12`): it is looked up in the staged schema, if there is one, by its name.

use super::update::coll_of;
use super::{Done, ItemBody, ItemChange, Result, SchemaBody, SchemaRefusal, Show, Upload, Work};
use crate::fql::syntax::{Source, Span};
use crate::fsl::{Kind, SchemaItem, parse, parse_snippet};
use crate::value::rendered::{Contents, Document, Rendered};
use crate::value::{Doc, Str, Value};
use std::sync::Arc;

/// The file that takes items without a place.
const MAIN: &str = "main.fsl";

/// The stored files cannot be read, so that an item cannot be found in them.
const UNREADABLE: &str =
    "An unexpected error occurred during schema generation resulting in invalid schema
files. Please check your FSL files using the Fauna CLI tool.

Contact support via https://support.fauna.com if you need assistance.";

/// A change of one file by one item.
struct Edit {
    upload: Upload,
    renames: Vec<(Kind, Str, Str)>,
    /// The name the item will be known by.
    name: Str,
    /// What is answered if the change leaves it as it is.
    before: Option<SchemaItem>,
    filename: String,
    /// The text that is answered.
    content: String,
}

impl Work<'_> {
    /// An item as it is.
    pub(super) fn item(&mut self, kind: Kind, name: &str) -> Result<Done> {
        let item = self.find(kind, name)?;
        let document = self.existing(kind, name)?;
        let definition = self.interp.materialize(&Value::Doc(document))?;
        let body = ItemBody {
            filename: item.source.name.clone(),
            span: utf16(&item.source, item.span),
            content: item.text().to_string(),
            definition,
        };
        Ok(SchemaBody::Item(Box::new(body)).into())
    }

    /// What a change of an item would change.
    pub(super) fn validate_item(
        &mut self,
        kind: Kind,
        change: &ItemChange,
        show: Show,
    ) -> Result<Done> {
        let edit = self.edit(kind, change)?;
        let found = self.validate(&edit.upload, &edit.renames, false)?;
        Ok(SchemaBody::Diff(found.text(show)).into())
    }

    /// Changes an item.
    pub(super) fn change_item(&mut self, kind: Kind, change: &ItemChange) -> Result<Done> {
        let edit = self.edit(kind, change)?;
        let document = match &edit.before {
            Some(before) => Some(self.existing(kind, &before.name.name)?),
            None => None,
        };
        let written = self.write(&edit.upload, &edit.renames)?;
        let own = written
            .into_iter()
            .find(|written| written.item.kind() == kind && written.item.name.name == edit.name);
        let (span, document, unchanged) = match (own, document, &edit.before) {
            (Some(own), _, _) => (own.item, own.document, false),
            (None, Some(document), Some(before)) => (before.clone(), document, true),
            (None, _, _) => {
                let message = "Snippet produced no schema updates";
                return Err(SchemaRefusal::Failed(500, message.into()));
            }
        };
        let definition = self.interp.materialize(&Value::Doc(document))?;
        let definition = match edit.renames.is_empty() && unchanged {
            true => definition,
            false => without_states(definition),
        };
        self.finish()?;
        let body = ItemBody {
            filename: edit.filename,
            span: utf16(&span.source, span.span),
            content: edit.content,
            definition,
        };
        Ok(Done {
            body: SchemaBody::Item(Box::new(body)),
            unchanged,
        })
    }

    /// The file that a change makes of a stored one.
    fn edit(&mut self, kind: Kind, change: &ItemChange) -> Result<Edit> {
        let snippet = |text: &str| parse_snippet(text, kind).map_err(SchemaRefusal::Invalid);
        match change {
            ItemChange::Add(text) => {
                let item = snippet(text)?;
                let files = self.latest_files()?;
                let main = files.iter().find(|file| file.name == MAIN);
                let content = main.and_then(|main| main.text.as_deref());
                if main.is_none() {
                    self.interp.txn.put_schema_file(None, MAIN, "")?;
                }
                let content = format!("{}\n\n{text}", content.unwrap_or_default());
                Ok(Edit {
                    upload: one_file(MAIN, content),
                    renames: Vec::new(),
                    name: item.name.name.clone(),
                    before: None,
                    filename: MAIN.into(),
                    content: text.clone(),
                })
            }
            ItemChange::Replace(name, text) => {
                let item = snippet(text)?;
                let before = self.find(kind, name)?;
                let new = item.name.name.clone();
                let renamed = (*new != **name).then(|| (kind, new.clone(), name.as_str().into()));
                let filename = before.source.name.clone();
                Ok(Edit {
                    upload: one_file(&filename, replaced(&before, text)),
                    renames: renamed.into_iter().collect(),
                    name: new,
                    before: Some(before),
                    filename,
                    content: text.clone(),
                })
            }
            ItemChange::Delete(name) => {
                let before = self.find(kind, name)?;
                let filename = before.source.name.clone();
                Ok(Edit {
                    upload: one_file(&filename, removed(&before)),
                    renames: Vec::new(),
                    name: name.as_str().into(),
                    content: before.text().to_string(),
                    before: None,
                    filename,
                })
            }
        }
    }

    /// Where an item stands.
    fn find(&mut self, kind: Kind, name: &str) -> Result<SchemaItem> {
        self.existing(kind, name)?;
        let mut unreadable = false;
        for file in self.latest_files()? {
            match parse(&file) {
                Ok(file) => {
                    let mut items = file.items.into_iter();
                    let found = items.find(|item| item.kind() == kind && *item.name.name == *name);
                    if let Some(found) = found {
                        return Ok(found);
                    }
                }
                Err(_) => unreadable = true,
            }
        }
        Err(match unreadable {
            true => SchemaRefusal::Invalid(UNREADABLE.into()),
            false => SchemaRefusal::NotFound,
        })
    }

    fn existing(&mut self, kind: Kind, name: &str) -> Result<Arc<Doc>> {
        let document = self.document(coll_of(kind), &name.into())?;
        document.ok_or(SchemaRefusal::NotFound)
    }
}

fn one_file(name: &str, content: String) -> Upload {
    Upload {
        files: vec![(name.to_string(), content)],
        whole: false,
    }
}

/// A span in UTF-16 units.
fn utf16(source: &Source, span: Span) -> (usize, usize) {
    let text = source.text.as_deref().unwrap_or_default();
    let units = |end: u32| {
        let text = text.get(..end as usize).unwrap_or(text);
        text.encode_utf16().count()
    };
    (units(span.start), units(span.end))
}

/// The text before an item, and that after it.
fn around(item: &SchemaItem) -> (&str, &str) {
    let text = item.source.text.as_deref().unwrap_or_default();
    let before = text.get(..item.span.start as usize).unwrap_or_default();
    let after = text.get(item.span.end as usize..).unwrap_or_default();
    (before, after)
}

/// The file of an item with another text in its place, indented like it.
fn replaced(item: &SchemaItem, text: &str) -> String {
    let (before, after) = around(item);
    let line = before.rsplit('\n').next().unwrap_or_default();
    let indent = match line.trim_matches([' ', '\t']).is_empty() && before.len() > line.len() {
        true => line,
        false => "",
    };
    let mut out = before.to_string();
    for (at, line) in text.split('\n').enumerate() {
        out.push_str(if at > 0 { "\n" } else { "" });
        let indented = at > 0 && !line.trim().is_empty();
        out.push_str(if indented { indent } else { "" });
        out.push_str(line);
    }
    out + after
}

/// The file of an item without it.
fn removed(item: &SchemaItem) -> String {
    let (before, after) = around(item);
    match after.trim_start_matches([' ', '\t']).starts_with('\n') {
        true => format!("{}{after}", before.trim_end()),
        false => format!("{before}{}", after.trim_start()),
    }
}

/// A definition without what only the end of a query finds out: the states of indexes and unique constraints.
fn without_states(definition: Rendered) -> Rendered {
    let Rendered::Doc(document) = &definition else {
        return definition;
    };
    let Contents::Live(fields) = &document.contents else {
        return definition;
    };
    let fields = fields.iter().map(|(name, value)| {
        let value = match (&**name, value) {
            ("indexes", Rendered::Object(indexes)) => {
                let indexes = indexes.iter();
                let indexes = indexes.map(|(name, index)| (name.clone(), stateless(index)));
                Rendered::Object(indexes.collect())
            }
            ("constraints", Rendered::Array(constraints)) => {
                Rendered::Array(constraints.iter().map(stateless).collect())
            }
            (_, value) => value.clone(),
        };
        (name.clone(), value)
    });
    Rendered::Doc(Arc::new(Document {
        reference: document.reference.clone(),
        contents: Contents::Live(fields.collect()),
    }))
}

fn stateless(entry: &Rendered) -> Rendered {
    match entry {
        Rendered::Object(fields) => {
            let mut fields = fields.clone();
            fields.retain(|(name, _)| !matches!(&**name, "status" | "queryable"));
            Rendered::Object(fields)
        }
        other => other.clone(),
    }
}
