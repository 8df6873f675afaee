//! The schema as FSL text (`spec schema-fsl 11`): collections, functions, roles and access providers in canonical form.
//!
//! - `generate`: definitions → text, with the place of every part a schema check may complain about
//! - `located`: those parts, parsed where they stand, so that errors are told where a reader of the schema looks for them
//!
//! Texts that do not parse are printed as they are stored.

mod generate;
mod located;
mod writer;

pub use generate::{Generated, Kind, Order, Part, generate, stored_order};
pub use located::Located;
