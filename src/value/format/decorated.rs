//! The `decorated` format: FQL to read, and mostly to paste back (`spec fql10-language 8.3`).

use super::json::{write_base64, write_uuid};
use crate::value::deep;
use crate::value::number::write_double;
use crate::value::rendered::{Contents, Document, Identity, RefName, Reference, Rendered};
use std::collections::HashMap;
use std::fmt::{Display, Write};

/// Appends a value.
pub(super) fn write(value: &Rendered, out: &mut String) {
    let mut documents = HashMap::new();
    collect(value, &mut documents);
    Writer {
        out,
        indent: 0,
        documents,
        open: Vec::new(),
    }
    .value(value);
}

/// Whether a key needs no quotes: a letter, then letters, digits and `_`.
pub fn is_plain_key(key: &str) -> bool {
    // The original looks at UTF-16 units, so that letters above U+FFFF do not count.
    let letter = |c: char| c.is_alphabetic() && (c as u32) <= 0xFFFF;
    let mut chars = key.chars();
    chars.next().is_some_and(letter)
        && chars.all(|c| c == '_' || letter(c) || (c.is_numeric() && (c as u32) <= 0xFFFF))
}

/// Appends a string literal in double quotes (`spec fql10-stdlib 13.2`).
pub fn write_quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        let escaped = match c {
            '\\' | '\'' | '"' | '`' | '#' => c,
            '\0' => '0',
            '\n' => 'n',
            '\r' => 'r',
            '\u{b}' => 'v',
            '\t' => 't',
            '\u{8}' => 'b',
            '\u{c}' => 'f',
            _ => {
                out.push(c);
                continue;
            }
        };
        out.push('\\');
        out.push(escaped);
    }
    out.push('"');
}

/// Finds the documents that are direct parts of the result.
fn collect<'a>(value: &'a Rendered, documents: &mut HashMap<&'a Identity, &'a Document>) {
    match value {
        Rendered::Doc(document) => {
            documents.insert(&document.reference.identity, document);
        }
        Rendered::Array(items) => deep(|| items.iter().for_each(|item| collect(item, documents))),
        Rendered::Object(fields) => deep(|| {
            fields
                .iter()
                .for_each(|(_, field)| collect(field, documents))
        }),
        Rendered::Page(page) => deep(|| page.data.iter().for_each(|item| collect(item, documents))),
        Rendered::Null
        | Rendered::Bool(_)
        | Rendered::Int(_)
        | Rendered::Long(_)
        | Rendered::Double(_)
        | Rendered::Id(_)
        | Rendered::String(_)
        | Rendered::Bytes(_)
        | Rendered::Time(_)
        | Rendered::Date(_)
        | Rendered::Uuid(_)
        | Rendered::Ref(_)
        | Rendered::SetToken(_)
        | Rendered::Cursor(_)
        | Rendered::EventSource(_)
        | Rendered::Module(_)
        | Rendered::Function(_)
        | Rendered::Lambda
        | Rendered::LegacyIndex(_) => {}
    }
}

struct Writer<'a, 'out> {
    out: &'out mut String,
    /// Levels.
    indent: usize,
    /// Documents to expand wherever they are met.
    documents: HashMap<&'a Identity, &'a Document>,
    /// Documents around this place: a reference to one of them is not expanded again.
    open: Vec<&'a Identity>,
}

impl<'a> Writer<'a, '_> {
    fn value(&mut self, value: &'a Rendered) {
        match value {
            Rendered::Null => self.out.push_str("null"),
            Rendered::Bool(x) => self.out.push_str(if *x { "true" } else { "false" }),
            Rendered::Int(n) => self.plain(n),
            Rendered::Long(n) => self.plain(n),
            Rendered::Double(x) => self.double(*x),
            Rendered::Id(n) => self.plain(format_args!("\"{n}\"")),
            Rendered::String(text) => self.string(text),
            Rendered::Bytes(bytes) => {
                self.out.push_str("Bytes(\"");
                write_base64(self.out, bytes);
                self.out.push_str("\")");
            }
            Rendered::Time(time) => self.plain(format_args!("Time(\"{time}\")")),
            Rendered::Date(date) => self.plain(format_args!("Date(\"{date}\")")),
            Rendered::Uuid(uuid) => {
                self.out.push_str("UUID(\"");
                write_uuid(self.out, uuid);
                self.out.push_str("\")");
            }
            Rendered::Array(items) => deep(|| self.array(items)),
            Rendered::Object(fields) => deep(|| self.object(fields)),
            Rendered::Doc(document) => self.document(document),
            Rendered::Ref(reference) => match self.documents.get(&reference.identity) {
                Some(document) => self.document(document),
                None => self.reference(reference),
            },
            Rendered::Page(page) => {
                self.open_bracket('{');
                self.out.push_str("data: ");
                deep(|| self.array(&page.data));
                if let Some(after) = &page.after {
                    self.out.push(',');
                    self.line();
                    self.out.push_str("after: ");
                    self.string(after);
                }
                self.close_bracket('}');
            }
            Rendered::SetToken(token) | Rendered::Cursor(token) | Rendered::EventSource(token) => {
                self.string(token)
            }
            Rendered::Module(name) => self.out.push_str(name),
            Rendered::Function(name) => self.string(&format!("[function {name}]")),
            Rendered::Lambda => self.out.push_str("\"[function <lambda>]\""),
            Rendered::LegacyIndex(name) => self.plain(format_args!("[legacy index {name}]")),
        }
    }

    fn plain(&mut self, text: impl Display) {
        let _ = write!(self.out, "{text}");
    }

    fn double(&mut self, x: f64) {
        if x.is_nan() {
            self.out.push_str("Math.NaN");
        } else if x.is_infinite() {
            self.out.push_str(if x < 0.0 {
                "-Math.Infinity"
            } else {
                "Math.Infinity"
            });
        } else {
            write_double(self.out, x);
        }
    }

    /// A new line at the current indentation.
    fn line(&mut self) {
        self.out.push('\n');
        for _ in 0..self.indent {
            self.out.push_str("  ");
        }
    }

    fn open_bracket(&mut self, bracket: char) {
        self.out.push(bracket);
        self.indent += 1;
        self.line();
    }

    fn close_bracket(&mut self, bracket: char) {
        self.indent -= 1;
        self.line();
        self.out.push(bracket);
    }

    fn array(&mut self, items: &'a [Rendered]) {
        if items.is_empty() {
            return self.out.push_str("[]");
        }
        self.open_bracket('[');
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.out.push(',');
                self.line();
            }
            self.value(item);
        }
        self.close_bracket(']');
    }

    fn object(&mut self, fields: &'a [(super::super::Str, Rendered)]) {
        if fields.is_empty() {
            return self.out.push_str("{}");
        }
        self.open_bracket('{');
        for (at, (key, value)) in fields.iter().enumerate() {
            if at > 0 {
                self.out.push(',');
                self.line();
            }
            if is_plain_key(key) {
                self.out.push_str(key)
            } else {
                self.string(key)
            }
            self.out.push_str(": ");
            self.value(value);
        }
        self.close_bracket('}');
    }

    /// A literal; with a newline, a heredoc whose tag the text does not contain.
    fn string(&mut self, text: &str) {
        if !text.contains('\n') {
            return write_quoted(self.out, text);
        }
        let tag = if text.contains("END") {
            (0..10)
                .map(|n| format!("END{n}"))
                .find(|tag| !text.contains(tag.as_str()))
        } else {
            Some("END".to_string())
        };
        let Some(tag) = tag else {
            return write_quoted(self.out, text);
        };
        self.plain(format_args!("<<-{tag}"));
        self.indent += 1;
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
            self.line();
            self.out.push_str(&rest[..end]);
            rest = &rest[end..];
            rest = rest
                .strip_prefix("\r\n")
                .or_else(|| rest.strip_prefix(['\n', '\r']))
                .unwrap_or(rest);
        }
        self.indent -= 1;
        self.line();
        self.out.push_str(&tag);
    }

    fn document(&mut self, document: &'a Document) {
        let reference = &document.reference;
        match &document.contents {
            Contents::Missing(cause) => {
                self.reference(reference);
                self.plain(format_args!(" /* {} */", cause.text()));
            }
            Contents::Live(_)
                if self
                    .open
                    .iter()
                    .any(|open| open.same_document(&reference.identity)) =>
            {
                self.reference(reference);
            }
            Contents::Live(fields) => {
                self.open.push(&reference.identity);
                deep(|| self.object(fields));
                self.open.pop();
            }
        }
    }

    fn reference(&mut self, reference: &Reference) {
        self.out.push_str(&reference.coll);
        match &reference.name {
            RefName::Id(id) => self.plain(format_args!("(\"{id}\")")),
            RefName::Name(name) => {
                self.out.push_str(".byName(");
                self.string(name);
                self.out.push(')');
            }
        }
    }
}
