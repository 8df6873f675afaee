//! Checks at the end of a query, until the room of writes is built.

use super::{Interp, Result};

impl Interp {
    /// Checks that wait for the end of the query.
    pub fn finish_writes(&mut self) -> Result<()> {
        Ok(())
    }
}
