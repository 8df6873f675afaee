//! Stored files → files that say what the definitions say (`spec schema-fsl 11.3`).
//!
//! Definitions that changed through FQL are compared, in canonical form, with the items of the files. Only what differs is
//! replaced, cut or put in; all other text, comments and layout stay as they are. Changes are applied from the end of a
//! file to its start, so that the places of those to come stay right.
//!
//! - `edit`: what is done to one item
//! - `text`: replacing, cutting and indenting text
//!
//! What is put in is taken from the canonical text of the whole schema, so that there is one way of writing it.

mod edit;
mod text;

use super::convert::{parse, parse_leniently};
use super::diff::diff;
use super::generate::{Generated, HEAD, Order, generate};
use super::item::{SchemaFile, SchemaItem};
use crate::fql::syntax::Source;
use crate::model::schema::Schema;
use edit::edited;
use std::cmp::Reverse;
use std::sync::Arc;

/// The file that definitions made through FQL go to.
const MAIN: &str = "main.fsl";

/// What stands before a text that cannot be read.
const WARNING: &str = "\
// WARNING: the following auto-generated items contain invalid FSL syntax.
// Please fix its syntax and re-submit the file. Contact support if you need
// assistance via https://support.fauna.com.
";

/// The files as they must be, in their order; `main.fsl` comes last if it is new. Files that cannot be read are left as they
/// are, and what they say is written to `main.fsl`.
pub fn patch(stored: &[Arc<Source>], schema: &Schema, order: Order<'_>) -> Vec<Arc<Source>> {
    let generated = generate(schema, order);
    if stored.is_empty() {
        let main = (!generated.text.is_empty()).then(|| file(MAIN, generated.text));
        return main.into_iter().collect();
    }
    let files: Vec<Option<SchemaFile>> = stored.iter().map(|file| parse(file).ok()).collect();
    let canonical = Canonical::of(generated);
    let before: Vec<&SchemaItem> = files
        .iter()
        .flatten()
        .flat_map(|file| &file.items)
        .collect();
    let after: Vec<&SchemaItem> = canonical.items.iter().collect();
    let mut edits: Vec<(&SchemaItem, Option<&SchemaItem>)> = Vec::new();
    let mut added: Vec<String> = Vec::new();
    let differences = diff(&before, &after, &[]);
    for difference in &differences {
        match (difference.before(), difference.after()) {
            (Some(old), new) => edits.push((old, new)),
            (None, Some(new)) => added.push(format!("{}\n", new.text())),
            (None, None) => {}
        }
    }
    added.extend(canonical.unreadable);
    edits.sort_by_key(|(old, _)| Reverse(old.span.end));
    let mut patched = Vec::with_capacity(stored.len() + 1);
    for (source, parsed) in stored.iter().zip(&files) {
        let mut text = source.text.as_deref().unwrap_or("").to_string();
        for (old, new) in edits
            .iter()
            .filter(|(old, _)| old.source.name == source.name)
        {
            text = edited(text, old, *new);
        }
        if source.name == MAIN && parsed.is_some() {
            text = added.drain(..).fold(text, appended);
        }
        patched.push(match source.text.as_deref() == Some(text.as_str()) {
            true => source.clone(),
            false => file(&source.name, text),
        });
    }
    if !added.is_empty() {
        let items = added.into_iter().fold(String::new(), appended);
        let main = file(MAIN, format!("{HEAD}\n{items}"));
        match patched.iter_mut().find(|file| file.name == MAIN) {
            Some(unreadable) => *unreadable = main,
            None => patched.push(main),
        }
    }
    patched
}

/// The items of a generated text.
struct Canonical {
    items: Vec<SchemaItem>,
    /// The texts of those that cannot be read.
    unreadable: Vec<String>,
}

impl Canonical {
    fn of(generated: Generated) -> Canonical {
        let whole = Source::new(MAIN, generated.text.as_str());
        if let Some(file) = parse_leniently(&whole) {
            return Canonical {
                items: file.items,
                unreadable: Vec::new(),
            };
        }
        // Item by item.
        let mut canonical = Canonical {
            items: Vec::new(),
            unreadable: Vec::new(),
        };
        for text in generated.items() {
            match parse_leniently(&Source::new(MAIN, text)) {
                Some(file) => canonical.items.extend(file.items),
                None => canonical.unreadable.push(format!("{text}\n")),
            }
        }
        canonical
    }
}

/// A file; with a warning if it cannot be read.
fn file(name: &str, text: String) -> Arc<Source> {
    let source = Source::new(name, text.as_str());
    if parse(&source).is_ok() || text.starts_with(WARNING) {
        return source;
    }
    Source::new(name, format!("{WARNING}\n\n{text}"))
}

/// A text with an item at its end, after a blank line.
fn appended(text: String, item: String) -> String {
    if text.trim().is_empty() {
        return item;
    }
    let last_line = text.rsplit('\n').next().unwrap_or("");
    let blank = if last_line.trim().is_empty() {
        ""
    } else {
        "\n"
    };
    format!("{text}\n{blank}{item}")
}
