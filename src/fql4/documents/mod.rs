//! Documents as FQL v4 reads and writes them (`spec fql4 5.5, 6.4, 6.5, 8`).
//!
//! ```text
//! params ─▶ stored values ─▶ patch ─▶ mask, checks ─▶ the write path of both languages
//! stored version ─▶ fields as shown, without what is hidden ─▶ Document
//! ```
//!
//! Both languages share every document; FQL v4 has other names for some fields, keeps user data below `data`, and knows
//! what it may write of each native collection from a table of its own ([`kind`]). What is not in a kind's mask is dropped
//! silently; what FQL v10 defined stays through writes of v4.
//!
//! - `stored`: what params hold as stored values; what is wrong with references among them
//! - `kind`: what there is to know of the documents of a collection
//! - `mask`, `patch`: what of a patch counts, and what it makes of a document
//! - `checks`: what may be wrong with fields; `roles`, `indexes`: with those of roles and indexes; `rules`: with whole documents
//! - `read`, `write`, `login`: what the functions do; `databases`: moving them

mod checks;
mod databases;
mod indexes;
mod kind;
mod login;
mod mask;
mod patch;
mod read;
mod roles;
mod rules;
mod stored;
mod write;

pub use checks::invalid_type;
pub use databases::move_database;
pub use login::{claims, create_token, credential_of, tokens_of, wrong_type};
pub use read::{contents, exists, get, is_readable, shown};
pub use stored::{references_error, to_stored};
pub use write::{create, create_named, delete, update};
