//! The `migrations` of a definition as written (`spec schema-fsl 5.1`).

use super::load::{elements, text};
use super::path;
use crate::value::{Object, PathPart, Str, Value};

/// A field path of a migration.
pub type FieldPath = Vec<PathPart>;

/// One entry of `migrations`.
#[derive(Clone, Debug, PartialEq)]
pub enum MigrationItem {
    /// `add .a`
    Add(FieldPath),
    /// `backfill .a = expr`
    Backfill(FieldPath, Str),
    /// `drop .a`
    Drop(FieldPath),
    /// `move .a -> .b`
    Move(FieldPath, FieldPath),
    /// `split .a -> .a, .b`
    Split(FieldPath, Vec<FieldPath>),
    /// `move_conflicts .a`
    MoveConflicts(FieldPath),
    /// `move_wildcard .a`
    MoveWildcard(FieldPath),
    /// `add_wildcard`
    AddWildcard,
}

impl MigrationItem {
    /// The paths it names, in the order of its text.
    pub fn paths(&self) -> Vec<&FieldPath> {
        match self {
            MigrationItem::Add(field)
            | MigrationItem::Backfill(field, _)
            | MigrationItem::Drop(field)
            | MigrationItem::MoveConflicts(field)
            | MigrationItem::MoveWildcard(field) => vec![field],
            MigrationItem::Move(from, to) => vec![from, to],
            MigrationItem::Split(from, targets) => std::iter::once(from).chain(targets).collect(),
            MigrationItem::AddWildcard => Vec::new(),
        }
    }
}

/// The migrations of a definition; entries of no known form are left out (they were refused when written).
pub fn items(definition: &Object) -> Vec<MigrationItem> {
    elements(definition, "migrations")
        .filter_map(item)
        .collect()
}

fn item(entry: &Value) -> Option<MigrationItem> {
    let Value::Object(entry) = entry else {
        return None;
    };
    let (key, contents) = entry.iter().find(|(_, value)| !value.is_null())?;
    let Value::Object(contents) = contents else {
        return None;
    };
    let field = |name: &str| path::parse(&text(contents, name)?);
    Some(match &**key {
        "add" => MigrationItem::Add(field("field")?),
        "backfill" => MigrationItem::Backfill(field("field")?, text(contents, "value")?),
        "drop" => MigrationItem::Drop(field("field")?),
        "move" => MigrationItem::Move(field("field")?, field("to")?),
        "split" => {
            let targets = elements(contents, "to").map(|target| match target {
                Value::String(target) => path::parse(target),
                _ => None,
            });
            MigrationItem::Split(field("field")?, targets.collect::<Option<_>>()?)
        }
        "move_conflicts" => MigrationItem::MoveConflicts(field("into")?),
        "move_wildcard" => MigrationItem::MoveWildcard(field("into")?),
        "add_wildcard" => MigrationItem::AddWildcard,
        _ => return None,
    })
}

/// How many of the submitted migrations are already applied: the longest prefix of theirs that is a suffix of ours.
pub fn applied(live: &[MigrationItem], submitted: &[MigrationItem]) -> usize {
    (0..=submitted.len())
        .rev()
        .find(|n| live.ends_with(&submitted[..*n]))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_history_may_keep_old_entries() {
        let add = |name: &str| MigrationItem::Add(path::parse(name).unwrap());
        let live = [add(".a"), add(".b")];
        assert_eq!(applied(&live, &live), 2);
        assert_eq!(applied(&live, &[add(".b"), add(".c")]), 1);
        assert_eq!(applied(&live, &[add(".c")]), 0);
        assert_eq!(applied(&live, &[]), 0);
        assert_eq!(applied(&[], &live), 0);
    }
}
