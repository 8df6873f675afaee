//! The `tagged` format: JSON whose tags keep the types (`spec fql10-language 8.2`).

use super::json::{
    write_array, write_base64, write_object, write_plain_string, write_string, write_uuid,
};
use super::simple;
use crate::value::deep;
use crate::value::number::write_double;
use crate::value::rendered::{Cause, Contents, Fields, RefName, Reference, Rendered, short_name};

/// Appends a value; `inside`: within a document, where documents are references.
pub(super) fn write(value: &Rendered, inside: bool, out: &mut String) {
    match value {
        Rendered::Int(n) => tag("@int", out, |out| write_plain_string(out, n)),
        Rendered::Long(n) => tag("@long", out, |out| write_plain_string(out, n)),
        Rendered::Double(x) => tag("@double", out, |out| {
            out.push('"');
            write_double(out, *x);
            out.push('"');
        }),
        Rendered::Bytes(bytes) => tag("@bytes", out, |out| {
            out.push('"');
            write_base64(out, bytes);
            out.push('"');
        }),
        Rendered::Time(time) => tag("@time", out, |out| write_plain_string(out, time)),
        Rendered::Date(date) => tag("@date", out, |out| write_plain_string(out, date)),
        Rendered::Uuid(uuid) => tag("@uuid", out, |out| {
            out.push('"');
            write_uuid(out, uuid);
            out.push('"');
        }),
        Rendered::Array(items) => {
            deep(|| write_array(out, items, |item, out| write(item, inside, out)))
        }
        Rendered::Object(fields) => write_fields(fields, inside, out),
        Rendered::Doc(document) => match &document.contents {
            Contents::Live(_) | Contents::Missing(_) if inside => {
                write_reference(&document.reference, None, out)
            }
            Contents::Live(fields) => tag("@doc", out, |out| write_fields(fields, true, out)),
            Contents::Missing(cause) => write_reference(&document.reference, Some(*cause), out),
        },
        Rendered::Ref(reference) => write_reference(reference, None, out),
        Rendered::Page(page) => tag("@set", out, |out| {
            out.push_str("{\"data\":");
            deep(|| write_array(out, &page.data, |item, out| write(item, inside, out)));
            if let Some(after) = &page.after {
                out.push_str(",\"after\":");
                write_string(out, after);
            }
            out.push('}');
        }),
        Rendered::SetToken(token) => tag("@set", out, |out| write_string(out, token)),
        Rendered::EventSource(token) => tag("@stream", out, |out| write_string(out, token)),
        Rendered::Module(name) => tag("@mod", out, |out| write_string(out, short_name(name))),
        Rendered::Null
        | Rendered::Bool(_)
        | Rendered::Id(_)
        | Rendered::String(_)
        | Rendered::Cursor(_)
        | Rendered::Function(_)
        | Rendered::Lambda
        | Rendered::LegacyIndex(_) => simple::write(value, inside, out),
    }
}

fn tag(name: &str, out: &mut String, content: impl FnOnce(&mut String)) {
    out.push_str("{\"");
    out.push_str(name);
    out.push_str("\":");
    content(out);
    out.push('}');
}

/// An object whose keys could be taken for tags is wrapped.
fn write_fields(fields: &Fields, inside: bool, out: &mut String) {
    let object = |out: &mut String| {
        deep(|| write_object(out, fields, |field, out| write(field, inside, out)))
    };
    if fields.iter().any(|(key, _)| key.starts_with('@')) {
        tag("@object", out, object)
    } else {
        object(out)
    }
}

fn write_reference(reference: &Reference, missing: Option<Cause>, out: &mut String) {
    tag("@ref", out, |out| {
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
        tag("@mod", out, |out| {
            write_string(out, short_name(&reference.coll))
        });
        if let Some(cause) = missing {
            out.push_str(",\"exists\":false,\"cause\":");
            write_string(out, cause.text());
        }
        out.push('}');
    });
}
