//! Field paths in definitions: `name`, `.name`, `.a.b`, `.a["b c"]`, `.a[0]`.

use crate::fql::syntax::format_key;
use crate::value::PathPart;

/// The path a text means; `None` if it is none, or empty.
pub fn parse(text: &str) -> Option<Vec<PathPart>> {
    let mut rest = text;
    let mut parts = Vec::new();
    if !rest.starts_with(['.', '[']) {
        let (name, tail) = identifier(rest)?;
        parts.push(PathPart::Field(name.into()));
        rest = tail;
    }
    while !rest.is_empty() {
        // `.[...]` is accepted at the start only.
        if let Some(tail) = rest
            .strip_prefix(if parts.is_empty() { ".[" } else { "[" })
            .or_else(|| rest.strip_prefix('['))
        {
            let (part, tail) = bracket(tail)?;
            parts.push(part);
            rest = tail;
        } else {
            let (name, tail) = identifier(rest.strip_prefix('.')?)?;
            parts.push(PathPart::Field(name.into()));
            rest = tail;
        }
    }
    (!parts.is_empty()).then_some(parts)
}

/// The canonical text of a path: `.a.b[0]["c d"]`.
pub fn display(path: &[PathPart]) -> String {
    let mut out = String::new();
    for (at, part) in path.iter().enumerate() {
        match part {
            PathPart::Field(name) if is_plain(name) => {
                out.push('.');
                out.push_str(name);
            }
            PathPart::Field(name) => {
                if at == 0 {
                    out.push('.');
                }
                out.push('[');
                out.push_str(&quote(name));
                out.push(']');
            }
            PathPart::Index(n) => {
                if at == 0 {
                    out.push('.');
                }
                out.push_str(&format!("[{n}]"));
            }
        }
    }
    out
}

/// Whether a name can stand after a dot: reserved words stand in brackets.
fn is_plain(name: &str) -> bool {
    identifier(name).is_some_and(|(_, rest)| rest.is_empty()) && format_key(name) == name
}

fn identifier(text: &str) -> Option<(&str, &str)> {
    let first = text.chars().next()?;
    if !(first.is_ascii_alphabetic() || first == '_') {
        return None;
    }
    let end = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .unwrap_or(text.len());
    Some(text.split_at(end))
}

fn bracket(text: &str) -> Option<(PathPart, &str)> {
    if let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        let mut name = String::new();
        let mut chars = text.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            if c == quote {
                return Some((
                    PathPart::Field(name.into()),
                    text[at + 1..].strip_prefix(']')?,
                ));
            }
            name.push(if c == '\\' { chars.next()?.1 } else { c });
        }
        return None;
    }
    let end = text.find(']')?;
    let number: i64 = text[..end].parse().ok()?;
    Some((PathPart::Index(number), &text[end + 1..]))
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_paths() {
        for (text, canonical) in [
            ("name", ".name"),
            (".name", ".name"),
            (".a.b", ".a.b"),
            ("a[0].b", ".a[0].b"),
            (".a[\"b c\"]", ".a[\"b c\"]"),
            (".[\"x y\"]", ".[\"x y\"]"),
            ("a.if", ".a[\"if\"]"),
        ] {
            assert_eq!(display(&parse(text).unwrap()), canonical, "{text}");
        }
        for text in ["", "a..b", "a.", ".", "a b", "a[", "1a", ".a[x]"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
