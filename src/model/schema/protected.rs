//! Protected mode: which changes to a collection destroy data (`spec schema-fsl 9.3`).

use super::load::integer;
use crate::value::Object;

const FORBIDDEN: &str = ": destructive change forbidden because database is in protected mode.";

/// Deleting a collection.
pub fn delete_collection() -> String {
    format!("Cannot delete collection{FORBIDDEN}")
}

/// Letting a physical index go.
pub fn delete_backing_index() -> String {
    format!("Cannot cause deletion of backing index{FORBIDDEN}")
}

/// What a changed collection definition destroys: one line each.
pub fn destructive_changes(before: &Object, after: &Object) -> Vec<String> {
    let mut out = Vec::new();
    match (
        integer(before, "history_days"),
        integer(after, "history_days"),
    ) {
        (Some(old), Some(new)) if new < old => {
            out.push(format!("Cannot decrease `history_days` field{FORBIDDEN}"))
        }
        (Some(_), None) => out.push(format!("Cannot remove `history_days` field{FORBIDDEN}")),
        (Some(_) | None, Some(_)) | (None, None) => {}
    }
    match (integer(before, "ttl_days"), integer(after, "ttl_days")) {
        (Some(old), Some(new)) if new < old => {
            out.push(format!("Cannot decrease `ttl_days` field{FORBIDDEN}"))
        }
        // The text says "remove" where a limit is added; so does the server.
        (None, Some(_)) => out.push(format!("Cannot remove `ttl_days` field{FORBIDDEN}")),
        (Some(_), Some(_) | None) | (None, None) => {}
    }
    out
}
