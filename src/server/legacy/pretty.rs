//! JSON laid out for people: what is short stands on one line, the rest is indented by two.

use crate::fql4::read::{Json, write_string};

/// What is shorter than this stands on one line; each level has two columns less.
const WIDTH: usize = 60;

/// The text of a value, with a line end.
pub(super) fn text(json: &Json) -> String {
    let mut text = laid_out(json, WIDTH);
    text.push('\n');
    text
}

fn laid_out(json: &Json, width: usize) -> String {
    crate::value::deep(|| {
        let inner = width.saturating_sub(2);
        match json {
            Json::Array(elements) => {
                let parts = elements.iter().map(|element| laid_out(element, inner));
                enclosed(parts.collect(), ['[', ']'], width, only(elements.iter()))
            }
            Json::Object(fields) => {
                let parts = fields.iter().map(|(key, value)| {
                    let mut part = String::new();
                    write_string(&mut part, key);
                    part.push_str(": ");
                    part.push_str(&laid_out(value, inner));
                    part
                });
                let values = fields.iter().map(|(_, value)| value);
                enclosed(parts.collect(), ['{', '}'], width, only(values))
            }
            Json::Null | Json::Bool(_) | Json::Long(_) | Json::Double(_) | Json::String(_) => {
                json.text()
            }
        }
    })
}

/// Whether there is one value, and it holds no others.
fn only<'j>(mut values: impl Iterator<Item = &'j Json>) -> bool {
    let first = values.next();
    let scalar = first.is_some_and(|first| !matches!(first, Json::Array(_) | Json::Object(_)));
    scalar && values.next().is_none()
}

fn enclosed(parts: Vec<String>, brackets: [char; 2], width: usize, single: bool) -> String {
    let [open, close] = brackets;
    let length: usize = parts.iter().map(|part| part.chars().count() + 2).sum();
    let broken = parts.iter().any(|part| part.contains('\n'));
    if single || (length < width + 2 && !broken) {
        return format!("{open} {} {close}", parts.join(", "));
    }
    let lines = parts.join(",\n").replace('\n', "\n  ");
    format!("{open}\n  {lines}\n{close}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(json: &str) -> String {
        text(&Json::parse(json.as_bytes()).expect("JSON"))
    }

    #[test]
    fn short_values_stand_on_one_line() {
        assert_eq!(shown(r#"{"resource":2}"#), "{ \"resource\": 2 }\n");
        assert_eq!(shown("[1,[2,3.0]]"), "[ 1, [ 2, 3.0 ] ]\n");
    }

    #[test]
    fn long_values_are_indented() {
        let long = "x".repeat(50);
        assert_eq!(
            shown(&format!(r#"{{"a":"{long}","b":[1,{{"c":2}}]}}"#)),
            format!("{{\n  \"a\": \"{long}\",\n  \"b\": [ 1, {{ \"c\": 2 }} ]\n}}\n")
        );
    }
}
