//! Evaluation of sets: plans pulled page by page (`spec fql10-data 5`).
//!
//! A set value is a plan ([`crate::value::Plan`]); reading one opens a tree of *nodes*, one for each step, and fetches
//! elements from its root in batches:
//!
//! ```text
//! Foo.byName("x").where(.n > 5).map(.id)     Map ──fetch(n)──▶ Where ──fetch(max(n, 16))──▶ Entries ──▶ index cursor
//! ```
//!
//! Rules of the room:
//! - Nothing is read before the first fetch, and memory grows with the batch, not with the set. Only sorting steps, and
//!   reversing what has no native reverse, hold a whole set, of at most 16000 elements.
//! - Every element knows its *position*, from which its plan can be opened again: after own writes between two fetches,
//!   and for the cursor of the next page. A position and a plan make a cursor; [`token`] gives it a text.
//! - A fetch evaluates the functions of its steps under the frames the steps were made in and may only read there.
//!   Callbacks of eager methods run later, on elements already fetched.
//! - An element that was just read carries its version, so that a function given to it reads no second time.
//!
//! - `build`: making plans, and reversing them
//! - `source`: documents, index entries, arrays, sequences
//! - `cost`: what their pages cost
//! - `steps`: the steps over them
//! - `page`: pages, cursors, and whole sets
//! - `token`, `codec`: cursors and event sources as text
//! - `index_call`: calling an index; ranges
//! - `events`: event sources, and the events of a range of history
//! - `hints`, `explain`: what a set costs, and how it is read

mod build;
mod codec;
mod cost;
mod events;
mod explain;
mod free_names;
mod hints;
mod index_call;
mod page;
mod position;
mod source;
mod steps;
mod streamable;
#[cfg(test)]
mod tests;
pub(super) mod token;

pub use build::reversed;
pub use events::{Event, EventBounds, EventCost, EventKind, EventPosition, Events};
pub use explain::ReadPlan;
pub use page::Page;
pub use token::is_event_source_token;

use super::{Ceiling, Effect, Interp, Result};
use crate::model::Version;
use crate::value::{Callback, Doc, DocKey, Value};
use position::Position;
use std::sync::Arc;

/// Elements evaluated at a time within a step.
const BATCH: usize = 512;

/// Functions of lazy steps may read and no more (`spec fql10-language 5.5`).
const SET_FUNCTIONS: Ceiling = Ceiling {
    effect: Effect::Read,
    reason: "set functions",
};

/// An element on its way up the plan.
pub(in crate::fql::interp::set) struct Element {
    /// The element.
    pub value: Value,
    /// The version of the document it is, if it was read on the way.
    pub fresh: Option<Fresh>,
    /// Where a plan is opened to begin with this element.
    pub position: Position,
}

/// A version read while scanning, true as long as the query writes nothing.
pub(in crate::fql::interp::set) struct Fresh {
    pub version: Arc<Version>,
    pub epoch: u64,
}

impl Interp {
    /// Runs `f` as a function of a lazy step.
    fn in_callback<T>(
        &mut self,
        callback: &Callback,
        f: impl FnOnce(&mut Interp, &Value) -> Result<T>,
    ) -> Result<T> {
        self.under(&callback.frames, |me| {
            me.limited(SET_FUNCTIONS, |me| {
                me.reading_at(callback.at, |me| f(me, &callback.function))
            })
        })
    }

    /// Makes the version an element came with known to the transaction.
    fn prime(&mut self, element: &Element) {
        if let (Some(fresh), Value::Doc(doc)) = (&element.fresh, &element.value) {
            self.prime_document(doc, fresh);
        }
    }

    fn prime_document(&mut self, doc: &Doc, fresh: &Fresh) {
        if let DocKey::Id(id) = doc.key
            && fresh.epoch == self.txn.write_epoch()
        {
            let at = doc.at.or(self.as_of);
            self.txn.prime(doc.coll, id, at, fresh.version.clone());
        }
    }
}
