//! Replacing, cutting and indenting text.

use crate::fql::syntax::Span;

/// `text` with `new` in place of `span`. Further lines of it get the indent of a line that the span begins. An empty text cuts
/// the span with the blank space around it: after it if something follows on its line, else before it.
pub(super) fn replaced(text: &str, span: Span, new: &str) -> String {
    let (before, after) = around(text, span);
    if new.is_empty() {
        return if begins_with_line_end(after) {
            format!("{}{after}", before.trim_end())
        } else {
            format!("{before}{}", after.trim_start())
        };
    }
    if !new.contains('\n') {
        return format!("{before}{new}{after}");
    }
    let indent_start = before.trim_end_matches([' ', '\t']).len();
    let (lines, indent) = before.split_at(indent_start);
    let new = if lines.ends_with('\n') {
        indented(new, indent)
    } else {
        new.to_string()
    };
    format!("{before}{new}{after}")
}

/// The texts before and after a span.
pub(super) fn around(text: &str, span: Span) -> (&str, &str) {
    let before = text.get(..span.start as usize).unwrap_or(text);
    let after = text.get(span.end as usize..).unwrap_or("");
    (before, after)
}

/// Whether nothing but blanks stands before the next line end.
pub(super) fn begins_with_line_end(text: &str) -> bool {
    text.trim_start_matches([' ', '\t']).starts_with('\n')
}

/// A text whose lines but the first are moved by `indent`; empty lines stay empty.
fn indented(text: &str, indent: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            out.push('\n');
            if !line.trim().is_empty() {
                out.push_str(indent);
            }
        }
        out.push_str(line);
    }
    out
}

/// The same for all of them, empty or not; the last line has no end.
pub(super) fn moved(text: &str, indent: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines.join(&format!("\n{indent}"))
}

/// Text of a canonical schema as it would be at the start of a line: without the indent of the line it begins in.
pub(super) fn outdented(text: &str, span: Span) -> String {
    let (before, _) = around(text, span);
    let line = before.rsplit('\n').next().unwrap_or("");
    let depth = line.len() - line.trim_start_matches(' ').len();
    let inner = text
        .get(span.start as usize..span.end as usize)
        .unwrap_or("");
    let lines = inner.split('\n').enumerate().map(|(at, line)| {
        let indent = line.len() - line.trim_start_matches(' ').len();
        line.get(if at == 0 { 0 } else { depth.min(indent) }..)
            .unwrap_or(line)
    });
    lines.collect::<Vec<_>>().join("\n")
}
