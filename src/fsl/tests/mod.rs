//! Schema files: what they mean, what is wrong with them, how they differ and how they are patched.

mod differences;
mod faults;
mod laws;
mod meaning;
mod patches;

use super::{Kind, SchemaFile, SchemaItem, definition, generate, parse};
use crate::fql::syntax::Source;
use crate::model::native;
use crate::model::schema::Schema;
use crate::model::schema::load::Definition;
use crate::store::TxnTime;
use crate::value::DocId;
use std::sync::Arc;

fn parsed(text: &str) -> SchemaFile {
    file("main.fsl", text)
}

fn file(name: &str, text: &str) -> SchemaFile {
    match parse(&Source::new(name, text)) {
        Ok(file) => file,
        Err(faults) => panic!("{text}\n{faults:?}"),
    }
}

fn items(file: &SchemaFile) -> Vec<&SchemaItem> {
    file.items.iter().collect()
}

/// The schema that items define.
fn schema(items: &[&SchemaItem]) -> Schema {
    let definitions = items.iter().enumerate().map(|(at, item)| Definition {
        coll: match item.kind() {
            Kind::Collection => native::COLLECTION,
            Kind::Function => native::FUNCTION,
            Kind::Role => native::ROLE,
            Kind::Provider => native::ACCESS_PROVIDER,
        },
        id: DocId(5000 + at as i64),
        fields: Arc::new(definition(item)),
        ts: TxnTime(1),
    });
    Schema::load(1, definitions, None)
}

/// Items come in the order of their ids.
fn by_id(_: Kind, id: i64) -> i64 {
    id
}

/// The canonical text of items, without the head of the file.
fn canonical(items: &[&SchemaItem]) -> String {
    let text = generate(&schema(items), &by_id).text;
    let body = text.split_once("\n\n").map(|(_, body)| body.to_string());
    body.unwrap_or_default()
}
