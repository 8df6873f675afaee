//! A pull reader of JSON, for request bodies.
//!
//! It hands out one token after the other, so that what is wrong with a request is reported in the order of the
//! text and with the words of the protocol (`spec http-api 5.3`), keys may repeat, and nesting is bounded before
//! any recursion happens. It never recurses itself.

use serde_json::{Map, Number, Value as Json};

/// Containers in containers, at most.
const MAX_NESTING: usize = 1000;

/// A token of a JSON text.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// `{`
    ObjectStart,
    /// `}`
    ObjectEnd,
    /// `[`
    ArrayStart,
    /// `]`
    ArrayEnd,
    /// A key of an object, with its colon.
    Key(String),
    /// A string.
    String(String),
    /// A number without fraction and exponent.
    Integer(i64),
    /// Any other number.
    Double(f64),
    /// `true`, `false`
    Bool(bool),
    /// `null`
    Null,
}

/// Why a text is not JSON that we take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JsonError {
    /// Too many containers in containers.
    Nesting,
    /// An integer beyond 64 bits, or a double beyond its range.
    Number,
    /// Not JSON from its first token on.
    NoToken,
    /// Not JSON: what was found where.
    Syntax(String),
}

/// Reads a text.
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// The open containers: `true` for an object.
    open: Vec<bool>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The first token.
    Start,
    /// A value, after a colon or a comma in an array.
    Value,
    /// A value or the end of an array, after `[`.
    FirstElement,
    /// A key or the end of an object, after `{`.
    FirstKey,
    /// A comma or the end of the container, after a value in it.
    Next,
    /// Nothing, after the outermost value.
    Done,
}

impl<'a> Reader<'a> {
    /// At the start of a text.
    pub fn new(bytes: &'a [u8]) -> Result<Reader<'a>, JsonError> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            JsonError::Syntax(format!("Invalid UTF-8 at offset {}", error.valid_up_to()))
        })?;
        Ok(Reader {
            text,
            at: 0,
            open: Vec::new(),
            state: State::Start,
        })
    }

    /// The next token.
    pub fn next_token(&mut self) -> Result<Token, JsonError> {
        self.blanks();
        match self.state {
            State::Start => self.value().map_err(|error| match error {
                JsonError::Syntax(_) => JsonError::NoToken,
                other => other,
            }),
            State::Value => self.value(),
            State::FirstElement if self.peek() == Some(b']') => Ok(self.close()),
            State::FirstElement => self.value(),
            State::FirstKey if self.peek() == Some(b'}') => Ok(self.close()),
            State::FirstKey => self.key(),
            State::Next => match (self.peek(), self.open.last()) {
                (Some(b'}'), Some(true)) | (Some(b']'), Some(false)) => Ok(self.close()),
                (Some(b','), Some(object)) => {
                    let object = *object;
                    self.at += 1;
                    self.blanks();
                    match object {
                        true => self.key(),
                        false => self.value(),
                    }
                }
                _ => Err(self.unexpected()),
            },
            State::Done => self.value(),
        }
    }

    /// Whether only blanks are left.
    pub fn is_at_end(&mut self) -> bool {
        self.blanks();
        self.at >= self.text.len()
    }

    /// The value that begins with a token.
    pub fn value_from(&mut self, first: Token) -> Result<Json, JsonError> {
        enum Open {
            Array(Vec<Json>),
            Object(Map<String, Json>, String),
        }
        let mut open: Vec<Open> = Vec::new();
        let mut token = first;
        loop {
            let mut value = match token {
                Token::ObjectStart => match self.next_token()? {
                    Token::Key(key) => {
                        open.push(Open::Object(Map::new(), key));
                        token = self.next_token()?;
                        continue;
                    }
                    _ => Json::Object(Map::new()),
                },
                Token::ArrayStart => match self.next_token()? {
                    Token::ArrayEnd => Json::Array(Vec::new()),
                    element => {
                        open.push(Open::Array(Vec::new()));
                        token = element;
                        continue;
                    }
                },
                Token::String(text) => Json::String(text),
                Token::Integer(n) => Json::Number(n.into()),
                Token::Double(x) => Json::Number(Number::from_f64(x).ok_or(JsonError::Number)?),
                Token::Bool(x) => Json::Bool(x),
                Token::Null => Json::Null,
                Token::ObjectEnd | Token::ArrayEnd | Token::Key(_) => {
                    return Err(self.unexpected());
                }
            };
            // Hand it to its container, and that to its own if it is complete.
            loop {
                match open.pop() {
                    None => return Ok(value),
                    Some(Open::Array(mut items)) => {
                        items.push(value);
                        match self.next_token()? {
                            Token::ArrayEnd => value = Json::Array(items),
                            element => {
                                open.push(Open::Array(items));
                                token = element;
                                break;
                            }
                        }
                    }
                    Some(Open::Object(mut fields, key)) => {
                        fields.insert(key, value);
                        match self.next_token()? {
                            Token::Key(key) => {
                                open.push(Open::Object(fields, key));
                                token = self.next_token()?;
                                break;
                            }
                            _ => value = Json::Object(fields),
                        }
                    }
                }
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn unexpected(&self) -> JsonError {
        let found = match self
            .text
            .get(self.at..)
            .and_then(|rest| rest.chars().next())
        {
            Some(c) => format!("Unexpected character {c:?} at offset {}", self.at),
            None => "Unexpected end of input".to_string(),
        };
        JsonError::Syntax(found)
    }

    fn value(&mut self) -> Result<Token, JsonError> {
        let token = match self.peek() {
            Some(b'{') => return self.descend(true),
            Some(b'[') => return self.descend(false),
            Some(b'"') => Token::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word("true", Token::Bool(true))?,
            Some(b'f') => self.word("false", Token::Bool(false))?,
            Some(b'n') => self.word("null", Token::Null)?,
            _ => return Err(self.unexpected()),
        };
        self.completed();
        Ok(token)
    }

    fn descend(&mut self, object: bool) -> Result<Token, JsonError> {
        if self.open.len() >= MAX_NESTING {
            return Err(JsonError::Nesting);
        }
        self.at += 1;
        self.open.push(object);
        Ok(match object {
            true => {
                self.state = State::FirstKey;
                Token::ObjectStart
            }
            false => {
                self.state = State::FirstElement;
                Token::ArrayStart
            }
        })
    }

    fn close(&mut self) -> Token {
        self.at += 1;
        let object = self.open.pop().unwrap_or_default();
        self.completed();
        match object {
            true => Token::ObjectEnd,
            false => Token::ArrayEnd,
        }
    }

    fn completed(&mut self) {
        self.state = match self.open.is_empty() {
            true => State::Done,
            false => State::Next,
        };
    }

    fn key(&mut self) -> Result<Token, JsonError> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected());
        }
        let key = self.string()?;
        self.blanks();
        if self.peek() != Some(b':') {
            return Err(self.unexpected());
        }
        self.at += 1;
        self.state = State::Value;
        Ok(Token::Key(key))
    }

    fn word(&mut self, word: &str, token: Token) -> Result<Token, JsonError> {
        let rest = &self.text.as_bytes()[self.at..];
        let ends = |c: Option<&u8>| !c.is_some_and(|c| c.is_ascii_alphanumeric() || *c == b'_');
        if rest.starts_with(word.as_bytes()) && ends(rest.get(word.len())) {
            self.at += word.len();
            return Ok(token);
        }
        Err(self.unexpected())
    }

    fn number(&mut self) -> Result<Token, JsonError> {
        let start = self.at;
        let digits = |me: &mut Self| {
            let from = me.at;
            while matches!(me.peek(), Some(b'0'..=b'9')) {
                me.at += 1;
            }
            me.at - from
        };
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let leading_zero = self.peek() == Some(b'0');
        let whole = digits(self);
        if whole == 0 || (leading_zero && whole > 1) {
            return Err(self.unexpected());
        }
        let mut integer = true;
        if self.peek() == Some(b'.') {
            integer = false;
            self.at += 1;
            if digits(self) == 0 {
                return Err(self.unexpected());
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            integer = false;
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if digits(self) == 0 {
                return Err(self.unexpected());
            }
        }
        let text = &self.text[start..self.at];
        match integer {
            true => text
                .parse()
                .map(Token::Integer)
                .map_err(|_| JsonError::Number),
            false => text
                .parse()
                .map(Token::Double)
                .map_err(|_| JsonError::Number),
        }
    }

    fn string(&mut self) -> Result<String, JsonError> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = &self.text.as_bytes()[self.at..];
            let plain = rest
                .iter()
                .position(|c| matches!(c, b'"' | b'\\' | 0..=0x1f))
                .unwrap_or(rest.len());
            // These bytes are all ASCII, so the cut is between characters.
            out.push_str(&self.text[self.at..self.at + plain]);
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    self.at += 1;
                    let c = self.escape()?;
                    out.push(c);
                }
                _ => return Err(self.unexpected()),
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let c = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                let high = self.hex()?;
                if (0xd800..0xdc00).contains(&high)
                    && self.text.as_bytes()[self.at..].starts_with(b"\\u")
                {
                    let back = self.at;
                    self.at += 2;
                    let low = self.hex()?;
                    if (0xdc00..0xe000).contains(&low) {
                        let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                        return Ok(char::from_u32(code).unwrap_or('\u{fffd}'));
                    }
                    self.at = back;
                }
                // Half a pair is no character.
                return Ok(char::from_u32(high).unwrap_or('\u{fffd}'));
            }
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(c)
    }

    fn hex(&mut self) -> Result<u32, JsonError> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4);
        let mut code = 0;
        for digit in digits.ok_or_else(|| self.unexpected())? {
            let Some(value) = char::from(*digit).to_digit(16) else {
                return Err(self.unexpected());
            };
            code = code * 16 + value;
        }
        self.at += 4;
        Ok(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Json, JsonError> {
        let mut reader = Reader::new(text.as_bytes())?;
        let first = reader.next_token()?;
        reader.value_from(first)
    }

    #[test]
    fn agrees_with_serde_on_good_and_bad_texts() {
        for text in [
            "null",
            "[]",
            "{}",
            "[1,-2.5e3,\"a\\u00e4\\ud83d\\ude00\\n\"]",
            "{\"a\":{\"b\":[[],{}]},\"a\":1}",
            "[1,]",
            "{\"a\"}",
            "{\"a\":1,}",
            "01",
            "-",
            "1.",
            "\"\u{1}\"",
            "tru",
            "[1 2]",
            "{\"a\":}",
            "\"\\x\"",
            "\"\\u12\"",
            "[",
            "1e5",
            " [ true , false ] ",
        ] {
            let ours = read(text);
            match serde_json::from_str::<Json>(text) {
                Ok(theirs) => assert_eq!(ours, Ok(theirs), "{text}"),
                Err(_) => assert!(ours.is_err(), "{text}"),
            }
        }
    }

    #[test]
    fn bounds() {
        assert_eq!(read("9223372036854775808"), Err(JsonError::Number));
        assert_eq!(read("nope"), Err(JsonError::NoToken));
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(read(&deep(1000)).is_ok());
        assert_eq!(read(&deep(1001)), Err(JsonError::Nesting));
    }

    proptest! {
        #[test]
        fn never_panics(text in "[\\[\\]{}:,\"\\\\u0-9a-f.eE+ntrl \u{e4}-]{0,40}") {
            let _ = read(&text);
        }
    }
}
