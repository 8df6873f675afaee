//! `fql`: Fauna's query languages in one file.
//!
//! One journey explains the program:
//!
//! ```text
//! text ──parse──▶ AST ──check──▶ typed AST ──evaluate in a transaction──▶ value ──render──▶ text / JSON
//! ```
//!
//! The rooms, ground floor first, and what each may use, are listed in `ARCHITECTURE.md`.
#![forbid(unsafe_code)]

pub mod access;
pub mod engine;
pub mod fql;
pub mod fql4;
pub mod fsl;
pub mod model;
pub mod server;
pub mod shell;
pub mod store;
pub mod value;

/// A hash table for keys of our own making or of bounded number, where the standard one's protection against chosen
/// keys costs more than the look-up.
pub(crate) type FastMap<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;
