//! JSON text, written as the original writes it (`spec fql10-language 8.1`).

use crate::value::number::write_double;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt::{Display, Write};

/// Appends a string with its quotes. Escapes only `"`, `\` and controls below 0x20.
pub fn write_string(out: &mut String, text: &str) {
    out.push('"');
    let mut start = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        // All of these are one byte long, so both ends are character boundaries.
        out.push_str(&text[start..at]);
        start = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            8 => out.push_str("\\b"),
            9 => out.push_str("\\t"),
            10 => out.push_str("\\n"),
            12 => out.push_str("\\f"),
            13 => out.push_str("\\r"),
            control => {
                let _ = write!(out, "\\u{control:04x}");
            }
        }
    }
    out.push_str(&text[start..]);
    out.push('"');
}

/// Appends something that needs no escaping as a string.
pub(super) fn write_plain_string(out: &mut String, text: impl Display) {
    let _ = write!(out, "\"{text}\"");
}

/// Appends a number.
pub(super) fn write_number(out: &mut String, number: impl Display) {
    let _ = write!(out, "{number}");
}

/// Appends a Double as a number, or as a string if JSON has no such number.
pub fn write_json_double(out: &mut String, x: f64) {
    if x.is_finite() {
        write_double(out, x);
    } else {
        out.push('"');
        write_double(out, x);
        out.push('"');
    }
}

/// Appends standard base64 with padding.
pub fn write_base64(out: &mut String, bytes: &[u8]) {
    STANDARD.encode_string(bytes, out);
}

/// Appends a UUID in its canonical lower-case form.
pub fn write_uuid(out: &mut String, uuid: &[u8; 16]) {
    for (at, byte) in uuid.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        let _ = write!(out, "{byte:02x}");
    }
}

/// Appends `[a,b]`.
pub(super) fn write_array<T>(
    out: &mut String,
    items: &[T],
    mut write: impl FnMut(&T, &mut String),
) {
    out.push('[');
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write(item, out);
    }
    out.push(']');
}

/// Appends `{"a":1}`.
pub(super) fn write_object<K: AsRef<str>, T>(
    out: &mut String,
    fields: &[(K, T)],
    mut write: impl FnMut(&T, &mut String),
) {
    out.push('{');
    for (at, (key, value)) in fields.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_string(out, key.as_ref());
        out.push(':');
        write(value, out);
    }
    out.push('}');
}
