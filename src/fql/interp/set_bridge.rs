//! Sets in results, until the room of sets is built.

use super::{Failure, Interp, Result, chain::Found};
use crate::value::{CollId, Cursor, EventSource, Set, Str, Value};
use std::sync::Arc;

fn unbuilt() -> Failure {
    Failure::protocol(500, "internal_error", "sets are not built yet")
}

impl Interp {
    pub(super) fn find_in_collection(&mut self, _: CollId, _: &Value, _: &str) -> Found {
        Found::Nothing
    }

    /// The first page of a set.
    pub fn first_page(&mut self, _: &Arc<Set>) -> Result<(Vec<Value>, Option<Arc<Cursor>>)> {
        Err(unbuilt())
    }

    /// The text of a cursor.
    pub fn cursor_token(&mut self, _: &Cursor) -> Result<Str> {
        Err(unbuilt())
    }

    /// The text of a set.
    pub fn set_token(&mut self, _: &Arc<Set>) -> Result<Str> {
        Err(unbuilt())
    }

    /// The text of an event source.
    pub fn event_source_token(&mut self, _: &EventSource) -> Result<Str> {
        Err(unbuilt())
    }

    /// Checks that wait for the end of the query.
    pub fn finish_writes(&mut self) -> Result<()> {
        Ok(())
    }
}
