//! FQL v10: syntax, static types, interpreter, standard library.

pub mod syntax;
