//! FQL v10: syntax, static types, interpreter, standard library.

pub mod interp;
pub mod regex;
pub mod stdlib;
pub mod syntax;
pub mod types;
