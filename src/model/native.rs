//! The native collections, by id: constants, names, which have names.

pub use super::schema::native::*;
use crate::value::CollId;

/// Whether it is a native collection.
pub fn is_native(coll: CollId) -> bool {
    coll.0 < FIRST_USER_COLLECTION
}

/// Whether its documents have a name instead of an id.
pub fn is_named(coll: CollId) -> bool {
    by_id(coll).is_some_and(|native| native.named)
}

/// The name of a native collection.
pub fn name(coll: CollId) -> Option<&'static str> {
    by_id(coll).map(|native| native.name)
}
