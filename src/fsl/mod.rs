//! The schema as FSL text (`spec schema-fsl 10-12.3`).
//!
//! One direction makes text of definitions:
//! - `generate`: definitions → text in canonical form, with the place of every part a schema check may complain about.
//!   Texts that do not parse are printed as they are stored.
//! - `located`: those parts, parsed where they stand, so that errors are told where a reader of the schema looks for them
//!
//! The other reads files (the comparisons are being built; the signatures stand):
//! - `parse(&Arc<Source>) -> Result<SchemaFile, Vec<Diagnostic>>`: a file's items with the spans of all parts, or every
//!   fault of the file
//! - `parse_snippet(text: &str, kind: Kind) -> Result<SchemaItem, String>`: the text of one item, or the message that
//!   is answered
//! - `find_duplicates(&[SchemaFile]) -> Vec<String>`: messages about items that are defined twice in different files
//! - `definition(&SchemaItem) -> Object`: the fields of the document that takes the place of the stored one
//!
//! Both ends meet in comparisons:
//! - `diff(before: &[&SchemaItem], after: &[&SchemaItem], renames: &[(Kind, new name, old name)]) -> Vec<ItemDiff>`: what
//!   was added, removed and changed, sorted as it is told; an `ItemDiff` has `before()`, `after()`, and
//!   `migrations: Vec<MigrationStep>`, empty until the engine says which steps are pending
//! - `semantic(&[ItemDiff], Colors)`, `summary(&[ItemDiff], Colors)`, `textual(before: &[Arc<Source>], after: &[Arc<Source>],
//!   Colors)`: a difference as text, `Colors::None` or `Colors::Ansi`
//! - `patch(stored: &[Arc<Source>], &Schema, Order) -> Vec<Arc<Source>>`: all files as they must be to say what the
//!   definitions say, with what did not change left as it is; new items at the end of `main.fsl`, which comes last if
//!   it is new
//!
//! Items keep the [`Source`](crate::fql::syntax::Source) they stand in; its name is that of the file.

mod convert;
mod definition;
mod diff;
mod generate;
mod item;
mod located;
mod patch;
mod same;
mod snippet;
mod writer;

pub use convert::parse;
pub use definition::definition;
pub use diff::{Colors, ItemDiff, diff, semantic, summary, textual};
pub use generate::{Generated, Kind, Order, Part, generate, stored_order};
pub use item::*;
pub use located::Located;
pub use patch::{patch, patch_to_text};
pub use snippet::{find_duplicates, parse_snippet};
