//! One item as a text of its own, and items of several files together (`spec schema-fsl 12.1`).

use super::convert::parse;
use super::item::{Kind, SchemaFile, SchemaItem};
use crate::fql::syntax::{Source, render_lines};
use std::collections::HashMap;

/// The only item of a text, which must be of a kind; or the message that is answered.
pub fn parse_snippet(text: &str, kind: Kind) -> Result<SchemaItem, String> {
    if text.trim().is_empty() {
        return Err("No FSL snippet provided".to_string());
    }
    let source = Source::new("*fsl*", text);
    let file = parse(&source).map_err(|faults| render_lines(&faults))?;
    let found = file.items.len();
    let mut items = file.items.into_iter();
    match (items.next(), items.next()) {
        (Some(item), None) if item.kind() == kind => Ok(item),
        (Some(_), None) => Err(format!(
            "Wrong FSL snippet. Expected {}",
            kind.with_article()
        )),
        (None, _) | (Some(_), Some(_)) => {
            Err(format!("Expected a single schema item, got: {found}"))
        }
    }
}

/// Messages about names that are defined again. Collections and functions share their names; aliases do not count here.
pub fn find_duplicates(files: &[SchemaFile]) -> Vec<String> {
    let mut seen: HashMap<(&str, &str), &str> = HashMap::new();
    let mut found = Vec::new();
    for file in files {
        let name = &*file.source.name;
        for item in &file.items {
            let space = item.kind().name_space();
            let key = (space, &*item.name.name);
            match seen.get(&key) {
                Some(first) => found.push(format!(
                    "Duplicate {space} `{}` in {name} (originally seen in {first})",
                    item.name.name
                )),
                None => {
                    seen.insert(key, name);
                }
            }
        }
    }
    found
}

impl Kind {
    /// As it is written.
    pub fn keyword(self) -> &'static str {
        match self {
            Kind::Collection => "collection",
            Kind::Function => "function",
            Kind::Role => "role",
            Kind::Provider => "access provider",
        }
    }

    fn with_article(self) -> &'static str {
        match self {
            Kind::Collection => "a collection",
            Kind::Function => "a function",
            Kind::Role => "a role",
            Kind::Provider => "an access provider",
        }
    }

    /// Whose names must differ.
    fn name_space(self) -> &'static str {
        match self {
            Kind::Collection | Kind::Function => "collection or function",
            Kind::Role => "role",
            Kind::Provider => "access provider",
        }
    }
}
