//! The schema as FSL text (`spec schema-fsl 10-12.3`).
//!
//! One direction makes text of definitions: [`generate`], in canonical form. Texts that do not parse are printed as they are
//! stored.
//!
//! The other reads files:
//! - [`parse`]: a file's items with the spans of all parts, or every fault of the file
//! - [`parse_snippet`]: the text of one item; [`find_duplicates`]: items that are defined twice in different files
//! - [`definition`]: the fields of the document that takes the place of the stored one
//!
//! Both ends meet in comparisons:
//! - [`diff`]: what was added, removed and changed; [`semantic`], [`summary`] and [`textual`] tell it
//! - [`patch`]: all files as they must be to say what the definitions say, with what did not change left as it is
//!
//! Items keep the [`Source`](crate::fql::syntax::Source) they stand in; its name is that of the file.

mod convert;
mod definition;
mod diff;
mod generate;
mod item;
mod patch;
mod same;
mod snippet;
mod writer;

pub use convert::parse;
pub use definition::definition;
pub use diff::{Colors, ItemDiff, diff, semantic, summary, textual};
pub use generate::{Generated, Kind, Order, generate, stored_order};
pub use item::*;
pub use patch::patch;
pub use snippet::{find_duplicates, parse_snippet};

#[cfg(test)]
mod tests;
