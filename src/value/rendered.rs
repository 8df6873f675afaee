//! A result as a tree of plain data, free of references to the transaction.
//!
//! The interpreter turns a [`super::Value`] into a [`Rendered`] while its transaction is open:
//! documents are read, sets become pages, the transaction time becomes a time. What is left can be
//! kept, sent to another thread and written in any of the three formats (`spec fql10-language 8`,
//! [`super::format`]) at leisure.
//!
//! Documents come in two nodes (`spec fql10-data 4.3`). A [`Rendered::Doc`] stands where documents
//! are expanded: as the result itself, in its arrays, objects and set pages. A [`Rendered::Ref`]
//! stands inside a document and is printed as a reference; only the decorated format expands it
//! when the document with that [`Identity`] is a [`Rendered::Doc`] of the same tree.

use super::kind::{CollId, Date, Doc, DocKey, Str, Time};
use crate::store::TxnTime;
use std::sync::Arc;

/// A materialised value.
#[derive(Clone, Debug, PartialEq)]
pub enum Rendered {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A 32-bit integer.
    Int(i32),
    /// A 64-bit integer.
    Long(i64),
    /// A double.
    Double(f64),
    /// A 64-bit id.
    Id(i64),
    /// Text.
    String(Str),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// An instant, a transaction time included.
    Time(Time),
    /// A calendar day.
    Date(Date),
    /// A UUID.
    Uuid([u8; 16]),
    /// An array.
    Array(Vec<Rendered>),
    /// A plain object.
    Object(Fields),
    /// A document where documents are expanded.
    Doc(Arc<Document>),
    /// A document inside a document.
    Ref(Arc<Reference>),
    /// A set, as its first page.
    Page(Box<Page>),
    /// A set too deep to be read, as its token.
    SetToken(Str),
    /// A position in a set, as its token.
    Cursor(Str),
    /// An event source, as its token.
    EventSource(Str),
    /// A module or collection, by its full name: `Math`, `Thing`, `Collection.Deleted`.
    Module(Str),
    /// A native or user-defined function, by its name.
    Function(Str),
    /// A lambda.
    Lambda,
    /// A reference to a legacy index, by its name.
    LegacyIndex(Str),
}

/// Keys and values in order.
pub type Fields = Vec<(Str, Rendered)>;

/// A document that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Which one.
    pub reference: Reference,
    /// What was found.
    pub contents: Contents,
}

/// What reading a document yielded.
#[derive(Clone, Debug, PartialEq)]
pub enum Contents {
    /// All fields, metadata first.
    Live(Fields),
    /// Nothing, and why.
    Missing(Cause),
}

/// Why a document is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// There is no such document.
    NotFound,
    /// It is what `delete()` returned.
    Deleted,
    /// The caller may not read it.
    PermissionDenied,
    /// Its collection is gone.
    CollectionDeleted,
}

/// A document's name in a result.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// The collection's full name; `Collection.Deleted` if it is gone.
    pub coll: Str,
    /// The document's id or name.
    pub name: RefName,
    /// What tells it from other documents of the result.
    pub identity: Identity,
}

/// How a reference names its document.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RefName {
    /// By id.
    Id(i64),
    /// By name, in named native collections.
    Name(Str),
}

/// A document of one read time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The collection.
    pub coll: CollId,
    /// The document.
    pub key: DocKey,
    /// Its read time, if not now.
    pub at: Option<TxnTime>,
    /// What `delete()` returned.
    pub deleted: bool,
}

/// A page of a set.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The elements.
    pub data: Vec<Rendered>,
    /// The token of the next page.
    pub after: Option<Str>,
}

impl Cause {
    /// The text results show.
    pub fn text(self) -> &'static str {
        match self {
            Cause::NotFound => "not found",
            Cause::Deleted => "deleted",
            Cause::PermissionDenied => "permission denied",
            Cause::CollectionDeleted => "collection deleted",
        }
    }
}

impl From<&Doc> for Identity {
    fn from(doc: &Doc) -> Identity {
        Identity {
            coll: doc.coll,
            key: doc.key.clone(),
            at: doc.at,
            deleted: doc.deleted,
        }
    }
}

impl Identity {
    /// Whether both name the same document, whatever the read time.
    pub fn same_document(&self, other: &Identity) -> bool {
        self.coll == other.coll && self.key == other.key
    }
}

/// The last part of a module's full name, which is all the JSON formats show.
pub(super) fn short_name(module: &str) -> &str {
    module.rsplit('.').next().unwrap_or(module)
}
