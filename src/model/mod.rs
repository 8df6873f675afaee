//! Databases, collections, documents and indexes over the store.

pub mod schema;
