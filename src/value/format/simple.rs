//! The `simple` format: plain JSON (`spec fql10-language 8.2`).

use super::json::{
    write_array, write_base64, write_json_double, write_number, write_object, write_plain_string,
    write_string, write_uuid,
};
use crate::value::deep;
use crate::value::rendered::{Contents, RefName, Reference, Rendered, short_name};

/// Appends a value; `inside`: within a document, where documents are references.
pub(super) fn write(value: &Rendered, inside: bool, out: &mut String) {
    match value {
        Rendered::Null => out.push_str("null"),
        Rendered::Bool(x) => out.push_str(if *x { "true" } else { "false" }),
        Rendered::Int(n) => write_number(out, n),
        Rendered::Long(n) => write_number(out, n),
        Rendered::Double(x) => write_json_double(out, *x),
        Rendered::Id(n) => write_plain_string(out, n),
        Rendered::String(text) => write_string(out, text),
        Rendered::Bytes(bytes) => {
            out.push('"');
            write_base64(out, bytes);
            out.push('"');
        }
        Rendered::Time(time) => write_plain_string(out, time),
        Rendered::Date(date) => write_plain_string(out, date),
        Rendered::Uuid(uuid) => {
            out.push('"');
            write_uuid(out, uuid);
            out.push('"');
        }
        Rendered::Array(items) => {
            deep(|| write_array(out, items, |item, out| write(item, inside, out)))
        }
        Rendered::Object(fields) => {
            deep(|| write_object(out, fields, |field, out| write(field, inside, out)))
        }
        Rendered::Doc(document) if inside => write_reference(&document.reference, out),
        Rendered::Doc(document) => match &document.contents {
            Contents::Live(fields) => {
                deep(|| write_object(out, fields, |field, out| write(field, true, out)))
            }
            Contents::Missing(_) => out.push_str("null"),
        },
        Rendered::Ref(reference) => write_reference(reference, out),
        Rendered::Page(page) => {
            out.push_str("{\"data\":");
            deep(|| write_array(out, &page.data, |item, out| write(item, inside, out)));
            if let Some(after) = &page.after {
                out.push_str(",\"after\":");
                write_string(out, after);
            }
            out.push('}');
        }
        Rendered::SetToken(token) | Rendered::Cursor(token) | Rendered::EventSource(token) => {
            write_string(out, token)
        }
        Rendered::Module(name) => write_string(out, short_name(name)),
        Rendered::Function(name) => write_string(out, &format!("[function {name}()]")),
        Rendered::Lambda => out.push_str("\"[function <lambda>]\""),
        Rendered::LegacyIndex(name) => write_string(out, &format!("[legacy index {name}]")),
    }
}

fn write_reference(reference: &Reference, out: &mut String) {
    match &reference.name {
        RefName::Id(id) => {
            out.push_str("{\"id\":");
            write_plain_string(out, id);
        }
        RefName::Name(name) => {
            out.push_str("{\"name\":");
            write_string(out, name);
        }
    }
    out.push_str(",\"coll\":");
    write_string(out, short_name(&reference.coll));
    out.push('}');
}
