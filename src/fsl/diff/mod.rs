//! What differs between two lists of items, by kind and name (`spec schema-fsl 12.2, 12.3`).
//!
//! - `change`: what changed within an item
//! - `tell`: differences as text
//! - `lines`: texts line by line
//! - `paint`: colours

mod change;
mod lines;
mod paint;
mod tell;

pub(super) use change::{Change, Element, changes};
pub use lines::textual;
pub use paint::Colors;
pub use tell::{semantic, summary};

use super::item::{Kind, SchemaItem};
use crate::model::schema::rewind::PendingStep;
use crate::value::Str;
use std::collections::{HashMap, HashSet};

/// An item that was added, removed or changed. One that only stands elsewhere is not different.
#[derive(Clone, Debug)]
pub struct ItemDiff {
    before: Option<SchemaItem>,
    after: Option<SchemaItem>,
    /// The migrations of a changed collection that are not applied yet; none until the engine tells them.
    pub pending: Vec<PendingStep>,
}

impl ItemDiff {
    /// The item as it was; `None` if it is new.
    pub fn before(&self) -> Option<&SchemaItem> {
        self.before.as_ref()
    }

    /// The item as it is; `None` if it is gone.
    pub fn after(&self) -> Option<&SchemaItem> {
        self.after.as_ref()
    }
}

/// What to do to get from `before` to `after`: what is new in the order of `after`, then what is gone and what changed in
/// the order of `before`. `renames` pairs items of different names: kind, new name, old name.
pub fn diff(
    before: &[&SchemaItem],
    after: &[&SchemaItem],
    renames: &[(Kind, Str, Str)],
) -> Vec<ItemDiff> {
    let known: HashMap<(Kind, &str), &SchemaItem> =
        before.iter().map(|item| (id(item), *item)).collect();
    let old_id = |item: &SchemaItem| {
        let renamed = renames
            .iter()
            .find(|(kind, new, _)| (*kind, &**new) == (item.kind(), &*item.name.name))
            .and_then(|(kind, _, old)| known.get_key_value(&(*kind, &**old)));
        renamed.map(|(key, _)| *key)
    };
    let mut added = Vec::new();
    let mut paired: HashMap<(Kind, &str), &SchemaItem> = HashMap::new();
    let mut found: HashSet<(Kind, &str)> = HashSet::new();
    for item in after {
        let old = old_id(item).unwrap_or_else(|| id(item));
        match known.contains_key(&old) {
            true => {
                found.insert(old);
                paired.insert(old, item);
            }
            false => added.push(ItemDiff {
                before: None,
                after: Some((*item).clone()),
                pending: Vec::new(),
            }),
        }
    }
    let removed = before
        .iter()
        .filter(|item| !found.contains(&id(item)))
        .map(|item| ItemDiff {
            before: Some((*item).clone()),
            after: None,
            pending: Vec::new(),
        });
    let changed = before.iter().filter_map(|item| {
        let after = paired.get(&id(item))?;
        (!changes(item, after).is_empty()).then(|| ItemDiff {
            before: Some((*item).clone()),
            after: Some((*after).clone()),
            pending: Vec::new(),
        })
    });
    let mut found = added;
    found.extend(removed);
    found.extend(changed);
    found
}

fn id(item: &SchemaItem) -> (Kind, &str) {
    (item.kind(), &item.name.name)
}
