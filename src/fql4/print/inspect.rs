//! Plain data as node's `inspect` lays it out: width 80, any depth, at most three inner levels on one line.

use super::entries;
use super::expression::driver_value;
use super::number::javascript_number;
use serde_json::{Map, Value as Json};

/// The columns a line may have.
const WIDTH: usize = 80;
/// A structure may stand on one line if its last part nests less than this.
const COMPACT: usize = 3;
/// Strings no longer than this are never broken at their line ends.
const MIN_LINE: usize = 16;

/// A result in its wire form, as the original shell prints it.
///
/// ```
/// let result = serde_json::json!({"data": [{"@ref": {"id": "keys"}}, "it's", 3.0]});
/// assert_eq!(fql::fql4::print::inspect(&result), r#"{ data: [ Keys(), "it's", 3 ] }"#);
/// ```
pub fn inspect(value: &Json) -> String {
    let mut layout = Layout {
        indentation: 0,
        deepest: 0,
    };
    layout.value(value, 0)
}

/// Where the layout is.
struct Layout {
    indentation: usize,
    /// The depth of the structure that was begun last.
    deepest: usize,
}

impl Layout {
    fn value(&mut self, value: &Json, depth: usize) -> String {
        stacker::maybe_grow(64 * 1024, 1024 * 1024, || match value {
            Json::Null => "null".to_string(),
            Json::Bool(value) => value.to_string(),
            Json::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
                Some(double) if double == 0.0 && double.is_sign_negative() => "-0".to_string(),
                Some(double) => javascript_number(double),
                None => number.to_string(),
            },
            Json::String(text) => self.string(text),
            Json::Array(elements) => self.array(elements, depth),
            Json::Object(fields) => match driver_value(fields) {
                Some(text) => text,
                None => self.object(fields, depth),
            },
        })
    }

    /// A string; one that is too long for the line is broken at its line ends.
    fn string(&self, text: &str) -> String {
        let length = units(text);
        if length > MIN_LINE && length + self.indentation + 4 > WIDTH && text.contains('\n') {
            let joint = format!(" +\n{}", " ".repeat(self.indentation + 2));
            let lines: Vec<String> = text.split_inclusive('\n').map(quoted).collect();
            return lines.join(&joint);
        }
        quoted(text)
    }

    fn array(&mut self, elements: &[Json], depth: usize) -> String {
        if elements.is_empty() {
            return "[]".to_string();
        }
        self.deepest = depth + 1;
        self.indentation += 2;
        let output: Vec<String> = elements
            .iter()
            .map(|element| self.value(element, depth + 1))
            .collect();
        self.indentation -= 2;
        let count = output.len();
        let output = match count > 6 {
            true => {
                let numbers = elements.iter().all(Json::is_number);
                self.in_columns(output, numbers)
            }
            false => output,
        };
        let grouped = output.len() != count;
        self.joined(&output, '[', ']', depth + 1, grouped)
    }

    fn object(&mut self, fields: &Map<String, Json>, depth: usize) -> String {
        if let Some(Json::Object(inner)) = fields.get("@obj") {
            // What is wrapped is data, whatever its keys look like.
            return self.object_of(entries(inner), depth);
        }
        self.object_of(entries(fields), depth)
    }

    fn object_of(&mut self, fields: Vec<(&String, &Json)>, depth: usize) -> String {
        if fields.is_empty() {
            return "{}".to_string();
        }
        self.deepest = depth + 1;
        let mut output = Vec::with_capacity(fields.len());
        for (name, value) in fields {
            self.indentation += 2;
            let value = self.value(value, depth + 1);
            self.indentation -= 2;
            output.push(format!("{}: {value}", key(name)));
        }
        self.joined(&output, '{', '}', depth + 1, false)
    }

    /// Entries on one line if they fit, else one a line.
    fn joined(
        &self,
        output: &[String],
        open: char,
        close: char,
        depth: usize,
        grouped: bool,
    ) -> String {
        if self.deepest.saturating_sub(depth) < COMPACT && !grouped {
            // The entries, what stands between them, the brackets, and ten columns to spare.
            let start = output.len() + self.indentation + 1 + 10;
            let length: usize = output.iter().map(|entry| units(entry)).sum();
            let broken = output.iter().any(|entry| entry.contains('\n'));
            if length + output.len() + start <= WIDTH && !broken {
                return format!("{open} {} {close}", output.join(", "));
            }
        }
        let margin = format!("\n{}", " ".repeat(self.indentation));
        let entries = output.join(&format!(",{margin}  "));
        format!("{open}{margin}  {entries}{margin}{close}")
    }

    /// Short entries of a long array, several on each line.
    fn in_columns(&self, output: Vec<String>, numbers: bool) -> Vec<String> {
        const SEPARATOR: usize = 2;
        let count = output.len();
        let widths: Vec<usize> = output
            .iter()
            .map(|entry| console::measure_text_width(entry))
            .collect();
        let total: usize = widths.iter().map(|width| width + SEPARATOR).sum();
        let longest = widths.iter().copied().max().unwrap_or(0);
        let widest = longest + SEPARATOR;
        let alike = total as f64 / widest as f64 > 5.0 || longest <= 6;
        if widest * 3 + self.indentation >= WIDTH || !alike {
            return output;
        }
        // Aims at a square, given that letters are higher than wide.
        let bias = (widest as f64 - total as f64 / count as f64).sqrt();
        let biased = (widest as f64 - 3.0 - bias).max(1.0);
        let square = ((2.5 * biased * count as f64).sqrt() / biased + 0.5).floor();
        let columns = (square as usize)
            .min((WIDTH - self.indentation.min(WIDTH)) / widest)
            .min(COMPACT * 4)
            .min(15);
        if columns <= 1 {
            return output;
        }
        let column_widths: Vec<usize> = (0..columns)
            .map(|column| {
                let in_column = widths.iter().skip(column).step_by(columns);
                in_column.copied().max().unwrap_or(0) + SEPARATOR
            })
            .collect();
        output
            .chunks(columns)
            .map(|row| {
                let mut line = String::new();
                for (i, (entry, width)) in row.iter().zip(&column_widths).enumerate() {
                    let last = i + 1 == row.len();
                    let text = match last {
                        true => entry.clone(),
                        false => format!("{entry}, "),
                    };
                    let width = if last { width - SEPARATOR } else { *width };
                    let blank =
                        " ".repeat(width.saturating_sub(console::measure_text_width(&text)));
                    match (numbers, last) {
                        (true, _) => line.push_str(&format!("{blank}{text}")),
                        (false, true) => line.push_str(&text),
                        (false, false) => line.push_str(&format!("{text}{blank}")),
                    }
                }
                line
            })
            .collect()
    }
}

/// The length of a text as JavaScript counts it.
fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// A key: bare if it is an identifier.
fn key(name: &str) -> String {
    let mut chars = name.chars();
    let first = chars
        .next()
        .is_some_and(|ch| ch.is_ascii_alphabetic() || ch == '_');
    match first && chars.all(|ch| ch.is_ascii_alphanumeric() || ch == '_') {
        true if name == "__proto__" => "['__proto__']".to_string(),
        true => name.to_string(),
        false => quoted(name),
    }
}

/// A string in the quotes that need no escape.
fn quoted(text: &str) -> String {
    let quote = match text.contains('\'') {
        true if !text.contains('"') => '"',
        true if !text.contains('`') && !text.contains("${") => '`',
        _ => '\'',
    };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for ch in text.chars() {
        match ch {
            '\'' if quote == '\'' => out.push_str("\\'"),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\u{8}' => out.push_str("\\b"),
            '\u{C}' => out.push_str("\\f"),
            '\0'..='\u{1F}' | '\u{7F}'..='\u{9F}' => {
                out.push_str(&format!("\\x{:02X}", u32::from(ch)));
            }
            ch => out.push(ch),
        }
    }
    out.push(quote);
    out
}
