//! Text of values within the language: the display and the debug form (`spec fql10-stdlib 13`).
//!
//! `toString`, string concatenation and templates use the display form; `dbg`, and everything
//! nested in a container of either form, the debug form. Documents and cursors need the
//! transaction, which answers through [`Describe`].

use super::deep;
use super::format::json::{write_base64, write_uuid};
use super::format::{is_plain_key, write_quoted};
use super::kind::{Doc, Module, Str, Value};
use super::number::{write_double, write_double_display};
use super::set::Cursor;
use std::fmt::{Display, Write};

/// What text forms ask of the transaction.
pub trait Describe {
    /// A failure that ends the query (not one of reading a document, which is text).
    type Error;

    /// All fields of a document.
    fn document(&mut self, doc: &Doc) -> Result<DocumentText, Self::Error>;

    /// The name of a document within a document.
    fn nested(&mut self, doc: &Doc) -> Result<NestedText, Self::Error>;

    /// A cursor's token.
    fn cursor(&mut self, cursor: &Cursor) -> Result<String, Self::Error>;
}

/// A document, for its text.
pub enum DocumentText {
    /// It exists, with all its fields.
    Fields(Vec<(Str, Value)>),
    /// It does not: `null`.
    Missing,
    /// It cannot be read: `[error: MESSAGE]`.
    Failed(String),
}

/// A document within a document.
pub enum NestedText {
    /// `[doc NAME in COLL]`
    Named {
        /// Its id or name.
        name: Str,
        /// The collection's name; `None` if it is gone.
        coll: Option<Str>,
    },
    /// `null`
    Missing,
}

/// The display form.
pub fn display<D: Describe>(value: &Value, describe: &mut D) -> Result<String, D::Error> {
    let mut out = String::new();
    write_display(&mut out, value, describe)?;
    Ok(out)
}

/// The debug form.
pub fn debug<D: Describe>(value: &Value, describe: &mut D) -> Result<String, D::Error> {
    let mut out = String::new();
    write_debug(&mut out, value, describe, false)?;
    Ok(out)
}

/// Appends the display form.
pub fn write_display<D: Describe>(
    out: &mut String,
    value: &Value,
    describe: &mut D,
) -> Result<(), D::Error> {
    match value {
        Value::Double(x) => write_double_display(out, *x),
        Value::Id(n) => plain(out, n),
        Value::String(text) => out.push_str(text),
        Value::Bytes(bytes) => write_base64(out, bytes),
        Value::Time(time) => plain(out, time),
        Value::TransactionTime => out.push_str("[transaction time]"),
        Value::Date(date) => plain(out, date),
        Value::Uuid(uuid) => write_uuid(out, uuid),
        Value::Cursor(cursor) => out.push_str(&describe.cursor(cursor)?),
        Value::Null(_)
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Long(_)
        | Value::Array(_)
        | Value::Object(_)
        | Value::Doc(_)
        | Value::Set(_)
        | Value::Module(_)
        | Value::Lambda(_)
        | Value::Native(_)
        | Value::Function(_)
        | Value::Query(_)
        | Value::EventSource(_) => write_debug(out, value, describe, false)?,
    }
    Ok(())
}

/// `inside`: within a document, where documents are only named.
fn write_debug<D: Describe>(
    out: &mut String,
    value: &Value,
    describe: &mut D,
    inside: bool,
) -> Result<(), D::Error> {
    match value {
        Value::Null(_) => out.push_str("null"),
        Value::Bool(x) => plain(out, x),
        Value::Int(n) => plain(out, n),
        Value::Long(n) => plain(out, n),
        Value::Double(x) => write_double(out, *x),
        Value::Id(n) => plain(out, format_args!("ID(\"{n}\")")),
        Value::String(text) => write_quoted(out, text),
        Value::Bytes(bytes) => {
            out.push_str("Bytes(\"");
            write_base64(out, bytes);
            out.push_str("\")");
        }
        Value::Time(time) => plain(out, format_args!("Time(\"{time}\")")),
        Value::TransactionTime => out.push_str("TransactionTime()"),
        Value::Date(date) => plain(out, format_args!("Date(\"{date}\")")),
        Value::Uuid(uuid) => {
            out.push_str("UUID(\"");
            write_uuid(out, uuid);
            out.push_str("\")");
        }
        Value::Array(items) => deep(|| {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                write_debug(out, item, describe, inside)?;
            }
            out.push(']');
            Ok(())
        })?,
        Value::Object(object) => deep(|| write_fields(out, object.iter(), describe, inside))?,
        Value::Doc(doc) if inside => match describe.nested(doc)? {
            NestedText::Named { name, coll } => {
                plain(
                    out,
                    format_args!(
                        "[doc {name} in {}]",
                        coll.as_deref().unwrap_or("<deleted collection>")
                    ),
                );
            }
            NestedText::Missing => out.push_str("null"),
        },
        Value::Doc(doc) => match describe.document(doc)? {
            DocumentText::Fields(fields) => {
                deep(|| {
                    write_fields(
                        out,
                        fields.iter().map(|(key, value)| (key, value)),
                        describe,
                        true,
                    )
                })?;
            }
            DocumentText::Missing => out.push_str("null"),
            DocumentText::Failed(message) => plain(out, format_args!("[error: {message}]")),
        },
        Value::Set(_) => out.push_str("[set]"),
        Value::Cursor(cursor) => {
            let token = describe.cursor(cursor)?;
            write_quoted(out, &token);
        }
        Value::Module(Module::Native(name)) => out.push_str(name),
        Value::Module(Module::Collection { name, .. }) => out.push_str(name),
        Value::Module(Module::Deleted) => out.push_str("Collection.Deleted"),
        Value::Lambda(_) | Value::Query(_) => out.push_str("[function <lambda>]"),
        Value::Native(function) => {
            plain(out, format_args!("[function {}()]", function.shown_name()));
        }
        Value::Function(function) => plain(out, format_args!("[function {}()]", function.name)),
        Value::EventSource(_) => out.push_str("[event source]"),
    }
    Ok(())
}

fn write_fields<'v, D: Describe>(
    out: &mut String,
    fields: impl ExactSizeIterator<Item = (&'v Str, &'v Value)>,
    describe: &mut D,
    inside: bool,
) -> Result<(), D::Error> {
    if fields.len() == 0 {
        out.push_str("{}");
        return Ok(());
    }
    for (at, (key, value)) in fields.enumerate() {
        out.push_str(if at == 0 { "{ " } else { ", " });
        if is_plain_key(key) {
            out.push_str(key)
        } else {
            write_quoted(out, key)
        }
        out.push_str(": ");
        write_debug(out, value, describe, inside)?;
    }
    out.push_str(" }");
    Ok(())
}

fn plain(out: &mut String, text: impl Display) {
    let _ = write!(out, "{text}");
}

#[cfg(test)]
mod tests {
    use super::super::testing::object;
    use super::*;
    use crate::value::{CollId, DocId, DocKey, FunctionRef};
    use std::convert::Infallible;
    use std::sync::Arc;

    /// Document 1 has fields, 2 fails, others are missing.
    struct Things;

    impl Describe for Things {
        type Error = Infallible;

        fn document(&mut self, doc: &Doc) -> Result<DocumentText, Infallible> {
            Ok(match doc.key {
                DocKey::Id(DocId(1)) => DocumentText::Fields(vec![
                    ("id".into(), Value::Id(1)),
                    ("ts".into(), Value::TransactionTime),
                    ("self".into(), Value::array(vec![doc_value(1)])),
                ]),
                DocKey::Id(DocId(2)) => DocumentText::Failed("no".into()),
                _ => DocumentText::Missing,
            })
        }

        fn nested(&mut self, _: &Doc) -> Result<NestedText, Infallible> {
            Ok(NestedText::Named {
                name: "1".into(),
                coll: None,
            })
        }

        fn cursor(&mut self, _: &Cursor) -> Result<String, Infallible> {
            Ok("token".into())
        }
    }

    fn doc_value(id: i64) -> Value {
        Value::Doc(Arc::new(Doc {
            coll: CollId(1024),
            key: DocKey::Id(DocId(id)),
            at: None,
            deleted: false,
            named: false,
            cover: None,
        }))
    }

    #[test]
    fn the_table() {
        for (value, shown, debugged) in [
            (Value::Int(42), "42", "42"),
            (Value::Double(2.0), "2", "2.0"),
            (Value::string("a\"b"), "a\"b", "\"a\\\"b\""),
            (Value::NULL, "null", "null"),
            (Value::Id(5), "5", "ID(\"5\")"),
            (
                Value::Bytes(vec![1, 2, 3].into()),
                "AQID",
                "Bytes(\"AQID\")",
            ),
            (
                Value::TransactionTime,
                "[transaction time]",
                "TransactionTime()",
            ),
            (
                Value::array(vec![Value::Int(1), Value::string("a")]),
                "[1, \"a\"]",
                "[1, \"a\"]",
            ),
            (Value::array(vec![]), "[]", "[]"),
            (
                object(&[("a", Value::Double(1.0)), ("b c", Value::Id(2))]),
                "{ a: 1.0, \"b c\": ID(\"2\") }",
                "{ a: 1.0, \"b c\": ID(\"2\") }",
            ),
            (object(&[]), "{}", "{}"),
            (
                Value::Module(Module::Deleted),
                "Collection.Deleted",
                "Collection.Deleted",
            ),
            (
                Value::Function(Arc::new(FunctionRef {
                    id: DocId(1),
                    name: "f".into(),
                })),
                "[function f()]",
                "[function f()]",
            ),
            (
                Value::array(vec![doc_value(1)]),
                "[{ id: ID(\"1\"), ts: TransactionTime(), self: [[doc 1 in <deleted collection>]] }]",
                "[{ id: ID(\"1\"), ts: TransactionTime(), self: [[doc 1 in <deleted collection>]] }]",
            ),
            (doc_value(2), "[error: no]", "[error: no]"),
            (doc_value(3), "null", "null"),
        ] {
            assert_eq!(display(&value, &mut Things), Ok(shown.to_string()));
            assert_eq!(debug(&value, &mut Things), Ok(debugged.to_string()));
        }
    }
}
