//! The wire form as it came: JSON with the language's own rules.
//!
//! Of a key that comes twice the first counts; integers are 64-bit and kept exactly; how deep arrays and objects nest is
//! bounded.

use crate::value::Str;
use std::collections::HashSet;

/// How deep arrays and objects may nest.
pub const MAX_DEPTH: usize = 1000;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number without fraction and exponent that fits 64 bits.
    Long(i64),
    /// Any other number.
    Double(f64),
    /// Text.
    String(Str),
    /// An array.
    Array(Vec<Json>),
    /// An object, in order; each key once.
    Object(Vec<(Str, Json)>),
}

/// Why a text is no query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Nothing but blanks.
    #[error("No query provided.")]
    Empty,
    /// No JSON.
    #[error("Request body is not valid JSON.")]
    Invalid,
    /// Too deep.
    #[error("Request body JSON exceeds nesting limit.")]
    TooDeep,
}

impl Json {
    /// Reads a JSON text.
    pub fn parse(bytes: &[u8]) -> Result<Json, JsonError> {
        let text = std::str::from_utf8(bytes).map_err(|_| JsonError::Invalid)?;
        let mut parser = Parser {
            text,
            at: 0,
            depth: 0,
        };
        parser.blanks();
        if parser.rest().is_empty() {
            return Err(JsonError::Empty);
        }
        let json = parser.value()?;
        parser.blanks();
        match parser.rest().is_empty() {
            true => Ok(json),
            false => Err(JsonError::Invalid),
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Json> {
        match self {
            Json::Object(fields) => fields
                .iter()
                .find(|(name, _)| &**name == key)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// Text of it, compact.
    pub fn text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        match self {
            Json::Null => out.push_str("null"),
            Json::Bool(true) => out.push_str("true"),
            Json::Bool(false) => out.push_str("false"),
            Json::Long(n) => out.push_str(&n.to_string()),
            Json::Double(x) => write_double(out, *x),
            Json::String(text) => write_string(out, text),
            Json::Array(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    crate::value::deep(|| item.write(out));
                }
                out.push(']');
            }
            Json::Object(fields) => {
                out.push('{');
                for (i, (key, value)) in fields.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    write_string(out, key);
                    out.push(':');
                    crate::value::deep(|| value.write(out));
                }
                out.push('}');
            }
        }
    }
}

/// A double as answers show it: always with a fraction or an exponent; what is no number is text.
pub fn write_double(out: &mut String, x: f64) {
    match x.is_finite() {
        true => crate::value::number::write_double(out, x),
        false => {
            out.push('"');
            crate::value::number::write_double(out, x);
            out.push('"');
        }
    }
}

/// A JSON string.
pub fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

impl From<&serde_json::Value> for Json {
    fn from(value: &serde_json::Value) -> Json {
        crate::value::deep(|| match value {
            serde_json::Value::Null => Json::Null,
            serde_json::Value::Bool(flag) => Json::Bool(*flag),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(n) => Json::Long(n),
                None => Json::Double(number.as_f64().unwrap_or(f64::NAN)),
            },
            serde_json::Value::String(text) => Json::String(text.as_str().into()),
            serde_json::Value::Array(items) => Json::Array(items.iter().map(Json::from).collect()),
            serde_json::Value::Object(fields) => Json::Object(
                fields
                    .iter()
                    .map(|(key, value)| (key.as_str().into(), Json::from(value)))
                    .collect(),
            ),
        })
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn blanks(&mut self) {
        let rest = self.rest();
        let trimmed = rest.trim_start_matches([' ', '\t', '\n', '\r']);
        self.at += rest.len() - trimmed.len();
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn value(&mut self) -> Result<Json, JsonError> {
        self.blanks();
        match self.rest().as_bytes().first() {
            Some(b'{') => self.nested(Parser::object),
            Some(b'[') => self.nested(Parser::array),
            Some(b'"') => Ok(Json::String(self.string()?.into())),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ if self.take("true") => Ok(Json::Bool(true)),
            _ if self.take("false") => Ok(Json::Bool(false)),
            _ if self.take("null") => Ok(Json::Null),
            _ => Err(JsonError::Invalid),
        }
    }

    fn nested(
        &mut self,
        read: fn(&mut Parser<'t>) -> Result<Json, JsonError>,
    ) -> Result<Json, JsonError> {
        if self.depth >= MAX_DEPTH {
            return Err(JsonError::TooDeep);
        }
        self.depth += 1;
        self.at += 1;
        let json = crate::value::deep(|| read(self))?;
        self.depth -= 1;
        Ok(json)
    }

    fn array(&mut self) -> Result<Json, JsonError> {
        let mut items = Vec::new();
        self.blanks();
        if self.take("]") {
            return Ok(Json::Array(items));
        }
        loop {
            items.push(self.value()?);
            self.blanks();
            if self.take("]") {
                return Ok(Json::Array(items));
            }
            if !self.take(",") {
                return Err(JsonError::Invalid);
            }
        }
    }

    fn object(&mut self) -> Result<Json, JsonError> {
        let mut fields: Vec<(Str, Json)> = Vec::new();
        let mut seen: HashSet<Str> = HashSet::new();
        self.blanks();
        if self.take("}") {
            return Ok(Json::Object(fields));
        }
        loop {
            self.blanks();
            if !self.rest().starts_with('"') {
                return Err(JsonError::Invalid);
            }
            let key: Str = self.string()?.into();
            self.blanks();
            if !self.take(":") {
                return Err(JsonError::Invalid);
            }
            let value = self.value()?;
            if seen.insert(key.clone()) {
                fields.push((key, value));
            }
            self.blanks();
            if self.take("}") {
                return Ok(Json::Object(fields));
            }
            if !self.take(",") {
                return Err(JsonError::Invalid);
            }
        }
    }

    /// A string literal, which starts here.
    fn string(&mut self) -> Result<String, JsonError> {
        let bytes = self.rest().as_bytes();
        let mut end = 1;
        loop {
            match bytes.get(end) {
                Some(b'"') => break,
                Some(b'\\') => end += 2,
                Some(_) => end += 1,
                None => return Err(JsonError::Invalid),
            }
        }
        let literal = self.rest().get(..=end).ok_or(JsonError::Invalid)?;
        self.at += literal.len();
        let inside = &literal[1..end];
        if !inside.contains('\\') && !inside.bytes().any(|b| b < b' ') {
            return Ok(inside.to_string());
        }
        serde_json::from_str(literal).map_err(|_| JsonError::Invalid)
    }

    fn number(&mut self) -> Result<Json, JsonError> {
        let rest = self.rest();
        let end = rest
            .find(|c: char| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E'))
            .unwrap_or(rest.len());
        let literal = &rest[..end];
        self.at += end;
        let number: serde_json::Number =
            serde_json::from_str(literal).map_err(|_| JsonError::Invalid)?;
        if !literal.contains(['.', 'e', 'E'])
            && let Ok(n) = literal.parse()
        {
            return Ok(Json::Long(n));
        }
        number.as_f64().map(Json::Double).ok_or(JsonError::Invalid)
    }
}
