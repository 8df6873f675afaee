//! Reads a pattern of the dialect and writes it for the engine.
//!
//! The reader goes through the pattern with one cursor, whose place at a failure is the index that the
//! dialect reports; hence the small steps (`peek`, `next`, `read`, `skip`) with their exact advances. Beyond
//! the end of the pattern it sees NUL characters.

use super::SyntaxError;
use super::class;
use super::quote::unquote;
use std::collections::HashMap;

/// Nesting of groups and classes; the engine allows little more.
const MAX_DEPTH: usize = 48;

/// Marks the number of a back reference in the output until all groups are known. Literals are never
/// written as this character.
const REFERENCE: char = '\0';

/// What no text matches. It may have a quantifier, unlike an empty look-ahead.
const NEVER: &str = "[^\\x{0}-\\x{10FFFF}]";

/// As wide as one character repeated without end counts as: look-behind takes that, not a group without end.
const ENDLESS: u64 = i32::MAX as u64;

type Result<T> = std::result::Result<T, SyntaxError>;

/// Writes `pattern` for the engine. `plain`: for texts that do not end in a line terminator.
pub(super) fn translate(pattern: &str, plain: bool) -> Result<String> {
    let chars: Vec<char> = pattern.chars().collect();
    let original = chars.len();
    let chars = unquote(chars);
    let mut reader = Reader {
        chars,
        original,
        plain,
        ..Reader::default()
    };
    let node = reader.alternatives()?;
    if reader.cursor != reader.chars.len() {
        return Err(match reader.peek() {
            ')' => reader.error("Unmatched closing ')'"),
            _ => reader.error("Unexpected internal error"),
        });
    }
    Ok(reader.resolve(&node.text))
}

/// Inline flags.
#[derive(Clone, Copy, Default)]
struct Flags {
    ignore_case: bool,
    multiline: bool,
    dot_all: bool,
    unix_lines: bool,
    unicode_case: bool,
    comments: bool,
    unicode_classes: bool,
}

/// A part of the pattern, written for the engine.
struct Node {
    text: String,
    /// The most characters it can match, if that is bounded.
    width: Option<u64>,
    /// A quantifier may follow without a group around it.
    single: bool,
    /// It matches a place, not characters.
    assertion: bool,
}

impl Node {
    fn class(text: String) -> Node {
        Node {
            text,
            width: Some(1),
            single: true,
            assertion: false,
        }
    }

    fn assertion(text: impl Into<String>) -> Node {
        Node {
            text: text.into(),
            width: Some(0),
            single: false,
            assertion: true,
        }
    }

    fn group(text: String, width: Option<u64>) -> Node {
        Node {
            text,
            width,
            single: true,
            assertion: false,
        }
    }
}

/// What an escape means.
enum Escape {
    Char(u32),
    /// The inside of a character class.
    Class(String),
    Node(Node),
}

#[derive(Default)]
struct Reader {
    chars: Vec<char>,
    cursor: usize,
    flags: Flags,
    groups: u32,
    names: HashMap<String, u32>,
    depth: usize,
    plain: bool,
    original: usize,
}

impl Reader {
    fn error(&self, description: impl Into<String>) -> SyntaxError {
        let index = self.cursor.saturating_sub(1).min(self.original);
        SyntaxError {
            description: description.into(),
            index,
        }
    }

    fn at(&self, index: usize) -> char {
        self.chars.get(index).copied().unwrap_or('\0')
    }

    fn at_end(&self) -> bool {
        self.cursor >= self.chars.len()
    }

    // --- the cursor ---

    /// The character at the cursor; in comments mode after blanks and comments.
    fn peek(&mut self) -> char {
        self.skip_comments();
        self.at(self.cursor)
    }

    /// Moves on and peeks.
    fn next(&mut self) -> char {
        self.cursor += 1;
        self.peek()
    }

    /// The character at the cursor, which moves past it.
    fn read(&mut self) -> char {
        self.skip_comments();
        self.cursor += 1;
        self.at(self.cursor - 1)
    }

    /// The character after the cursor, which moves past both; blanks count.
    fn skip(&mut self) -> char {
        self.cursor += 2;
        self.at(self.cursor - 1)
    }

    fn skip_comments(&mut self) {
        if !self.flags.comments {
            return;
        }
        loop {
            match self.at(self.cursor) {
                ' ' | '\t' | '\n' | '\u{b}' | '\u{c}' | '\r' => self.cursor += 1,
                '#' => {
                    while !self.at_end() && !self.is_line_end(self.at(self.cursor)) {
                        self.cursor += 1;
                    }
                }
                _ => return,
            }
        }
    }

    fn is_line_end(&self, c: char) -> bool {
        match self.flags.unix_lines {
            true => c == '\n',
            false => matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}'),
        }
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Reader) -> Result<T>) -> Result<T> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error("Pattern is nested too deeply"));
        }
        let result = read(self);
        self.depth -= 1;
        result
    }

    // --- the grammar ---

    fn alternatives(&mut self) -> Result<Node> {
        let mut node = self.sequence()?;
        while self.peek() == '|' && !self.at_end() {
            self.next();
            let other = self.sequence()?;
            node.text.push('|');
            node.text.push_str(&other.text);
            node.width = node.width.zip(other.width).map(|(a, b)| a.max(b));
        }
        node.single = false;
        node.assertion = false;
        Ok(node)
    }

    fn sequence(&mut self) -> Result<Node> {
        let (mut text, mut width) = (String::new(), Some(0u64));
        loop {
            let c = self.peek();
            let node = match c {
                '(' => match self.group()? {
                    Some(node) => node,
                    None => continue,
                },
                '[' => {
                    let class = self.class(true)?;
                    self.class_node(class)
                }
                '^' => {
                    self.next();
                    self.line_start()
                }
                '$' => {
                    self.next();
                    self.line_end(self.flags.multiline)
                }
                '.' => {
                    self.next();
                    Node::class(match (self.flags.dot_all, self.flags.unix_lines) {
                        (true, _) => "(?s:.)".into(),
                        (_, true) => "[^\\n]".into(),
                        _ => "[^\\n\\r\\x{85}\\x{2028}\\x{2029}]".into(),
                    })
                }
                '|' | ')' => break,
                '?' | '*' | '+' => {
                    self.next();
                    return Err(self.error(format!("Dangling meta character '{c}'")));
                }
                '\0' if self.at_end() => break,
                // Nothing before a counted repetition is the empty text.
                '{' => Node {
                    text: "(?:)".into(),
                    width: Some(0),
                    single: true,
                    assertion: true,
                },
                '\\' => self.escaped()?,
                _ => {
                    self.next();
                    self.literal(u32::from(c))
                }
            };
            let node = self.quantified(node)?;
            text.push_str(&node.text);
            width = width.zip(node.width).and_then(|(a, b)| a.checked_add(b));
        }
        Ok(Node {
            text,
            width,
            single: false,
            assertion: false,
        })
    }

    /// The quantifier at the cursor, if there is one, applied to `node`.
    fn quantified(&mut self, node: Node) -> Result<Node> {
        let (least, most) = match self.peek() {
            '?' => {
                self.next();
                (0, Some(1))
            }
            '*' => {
                self.next();
                (0, None)
            }
            '+' => {
                self.next();
                (1, None)
            }
            '{' => self.counts()?,
            _ => return Ok(node),
        };
        let mode = self.peek();
        if mode == '?' || mode == '+' {
            self.next();
        }
        if node.assertion {
            // A place is matched or not, however often.
            let text = if least == 0 { "(?:)".into() } else { node.text };
            return Ok(Node { text, ..node });
        }
        let width = match (node.width, most) {
            (Some(width), Some(most)) => width.checked_mul(u64::from(most)),
            (Some(1), None) if node.single && !node.text.starts_with('(') => Some(ENDLESS),
            _ => None,
        };
        let base = if node.single {
            node.text
        } else {
            format!("(?:{})", node.text)
        };
        let count = match (least, most) {
            (0, Some(1)) => "?".to_string(),
            (0, None) => "*".to_string(),
            (1, None) => "+".to_string(),
            (least, None) => format!("{{{least},}}"),
            (least, Some(most)) if least == most => format!("{{{least}}}"),
            (least, Some(most)) => format!("{{{least},{most}}}"),
        };
        let text = match mode {
            '?' => format!("(?:{base}{count}?)"),
            '+' => format!("(?>{base}{count})"),
            _ => format!("(?:{base}{count})"),
        };
        Ok(Node {
            text,
            width,
            single: true,
            assertion: false,
        })
    }

    /// `{n}`, `{n,}`, `{n,m}`
    fn counts(&mut self) -> Result<(u32, Option<u32>)> {
        let mut c = self.skip();
        if !c.is_ascii_digit() {
            return Err(self.error("Illegal repetition"));
        }
        let number = |me: &mut Reader, c: &mut char| -> Result<u32> {
            let mut n: u32 = 0;
            while let Some(digit) = c.to_digit(10) {
                n = n
                    .checked_mul(10)
                    .and_then(|n| n.checked_add(digit))
                    .filter(|n| i32::try_from(*n).is_ok())
                    .ok_or_else(|| me.error("Illegal repetition range"))?;
                *c = me.read();
            }
            Ok(n)
        };
        let least = number(self, &mut c)?;
        let mut most = Some(least);
        if c == ',' {
            c = self.read();
            most = match c {
                '}' => None,
                _ => Some(number(self, &mut c)?),
            };
        }
        if c != '}' {
            return Err(self.error("Unclosed counted closure"));
        }
        if most.is_some_and(|most| most < least) {
            return Err(self.error("Illegal repetition range"));
        }
        Ok((least, most))
    }

    // --- groups ---

    /// `None` for flags that change the rest of the enclosing group.
    fn group(&mut self) -> Result<Option<Node>> {
        let saved = self.flags;
        let (open, assertion, behind) = if self.next() != '?' {
            self.groups += 1;
            ("(", false, false)
        } else {
            match self.skip() {
                ':' => ("(?:", false, false),
                '=' => ("(?=", true, false),
                '!' => ("(?!", true, false),
                '>' => ("(?>", false, false),
                '<' => match self.read() {
                    '=' => ("(?<=", true, true),
                    '!' => ("(?<!", true, true),
                    first => {
                        let name = self.group_name(first)?;
                        if self.names.contains_key(&name) {
                            return Err(self.error(format!(
                                "Named capturing group <{name}> is already defined"
                            )));
                        }
                        self.groups += 1;
                        self.names.insert(name, self.groups);
                        ("(", false, false)
                    }
                },
                '$' | '@' => return Err(self.error("Unknown group type")),
                _ => {
                    self.cursor -= 1;
                    self.set_flags();
                    match self.read() {
                        ')' => return Ok(None),
                        ':' => ("(?:", false, false),
                        _ => return Err(self.error("Unknown inline modifier")),
                    }
                }
            }
        };
        let inner = self.deeper(Reader::alternatives)?;
        if behind && inner.width.is_none() {
            return Err(self.error("Look-behind group does not have an obvious maximum length"));
        }
        if self.read() != ')' || self.cursor > self.chars.len() {
            return Err(self.error("Unclosed group"));
        }
        self.flags = saved;
        let text = format!("{open}{})", inner.text);
        Ok(Some(match assertion {
            true => Node::assertion(text),
            false => Node::group(text, inner.width),
        }))
    }

    fn group_name(&mut self, first: char) -> Result<String> {
        if !first.is_ascii_alphabetic() {
            return Err(self.error("capturing group name does not start with a Latin letter"));
        }
        let mut name = String::from(first);
        loop {
            match self.read() {
                '>' => return Ok(name),
                c if c.is_ascii_alphanumeric() => name.push(c),
                _ => return Err(self.error("named capturing group is missing trailing '>'")),
            }
        }
    }

    fn set_flags(&mut self) {
        let mut on = true;
        loop {
            match self.peek() {
                'i' => self.flags.ignore_case = on,
                'm' => self.flags.multiline = on,
                's' => self.flags.dot_all = on,
                'd' => self.flags.unix_lines = on,
                'u' => self.flags.unicode_case = on,
                // Canonical equivalence is not offered; the flag is accepted as without effect.
                'c' => {}
                'x' => self.flags.comments = on,
                'U' => {
                    self.flags.unicode_classes = on;
                    self.flags.unicode_case = on;
                }
                '-' if on => on = false,
                _ => return,
            }
            self.next();
        }
    }

    // --- places ---

    fn line_start(&self) -> Node {
        Node::assertion(match (self.flags.multiline, self.flags.unix_lines) {
            (false, _) => "\\A",
            (true, true) => "(?!\\z)(?:\\A|(?<=\\n))",
            // Not between the two characters of a line end, and never at the end of the text.
            (true, false) => "(?!\\z)(?:\\A|(?<=[\\n\\x{85}\\x{2028}\\x{2029}])|(?<=\\r)(?!\\n))",
        })
    }

    fn line_end(&self, multiline: bool) -> Node {
        Node::assertion(match (multiline, self.flags.unix_lines) {
            (true, true) => "(?:\\z|(?=\\n))",
            (true, false) => "(?:\\z|(?=[\\r\\x{85}\\x{2028}\\x{2029}])|(?<!\\r)(?=\\n))",
            (false, _) if self.plain => "\\z",
            (false, true) => "(?:\\z|(?=\\n\\z))",
            (false, false) => {
                "(?:\\z|(?=\\r\\n\\z)|(?=[\\r\\x{85}\\x{2028}\\x{2029}]\\z)|(?<!\\r)(?=\\n\\z))"
            }
        })
    }

    // --- characters ---

    fn literal(&self, code: u32) -> Node {
        let Some(c) = char::from_u32(code) else {
            // Half of a surrogate pair is in no text.
            return Node {
                text: NEVER.into(),
                width: Some(1),
                single: true,
                assertion: false,
            };
        };
        let escaped = match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' => c.to_string(),
            _ => format!("\\x{{{code:X}}}"),
        };
        if !self.flags.ignore_case {
            return Node::class(escaped);
        }
        if self.flags.unicode_case {
            return Node::class(format!("(?i:{escaped})"));
        }
        Node::class(match c {
            'a'..='z' => format!("[{c}{}]", c.to_ascii_uppercase()),
            'A'..='Z' => format!("[{c}{}]", c.to_ascii_lowercase()),
            _ => escaped,
        })
    }

    /// A class with brackets.
    fn class_node(&self, bracketed: String) -> Node {
        Node::class(match self.flags.ignore_case && self.flags.unicode_case {
            true => format!("(?i:{bracketed})"),
            false => bracketed,
        })
    }

    /// A backslash outside of a class.
    fn escaped(&mut self) -> Result<Node> {
        if let Some(family) = self.family()? {
            return Ok(self.class_node(format!("[{family}]")));
        }
        Ok(match self.escape(false, false)? {
            Escape::Char(code) => self.literal(code),
            Escape::Class(inner) => Node::class(format!("[{inner}]")),
            Escape::Node(node) => node,
        })
    }

    /// `\p{...}` or `\P{...}` at the cursor, as the inside of a class.
    fn family(&mut self) -> Result<Option<String>> {
        let complement = match self.at(self.cursor + 1) {
            'p' => false,
            'P' => true,
            _ => return Ok(None),
        };
        self.cursor += 1;
        let name = if self.next() != '{' {
            self.cursor -= 1;
            self.next();
            let name = self.at(self.cursor).to_string();
            self.read();
            name
        } else {
            self.next();
            let start = self.cursor;
            while self.at(self.cursor) != '}' {
                self.cursor += 1;
                if self.at_end() {
                    self.cursor += 2;
                    return Err(self.error("Unclosed character family"));
                }
            }
            self.cursor += 1;
            if start + 1 >= self.cursor {
                return Err(self.error("Empty character family"));
            }
            self.chars[start..self.cursor - 1].iter().collect()
        };
        let found = match name.split_once('=') {
            Some((key, value)) => class::keyed_property(key, value, self.flags.ignore_case)
                .ok_or_else(|| {
                    let key = key.to_lowercase();
                    self.error(format!(
                        "Unknown Unicode property {{name=<{key}>, value=<{value}>}}"
                    ))
                })?,
            None => class::property(&name, self.flags.ignore_case, self.flags.unicode_classes)
                .ok_or_else(|| self.error(format!("Unknown character property name {{{name}}}")))?,
        };
        Ok(Some(match complement {
            true => format!("[^{found}]"),
            false => found,
        }))
    }

    /// The escape at the cursor. `range`: it is an end of a range.
    fn escape(&mut self, in_class: bool, range: bool) -> Result<Escape> {
        let c = self.skip();
        let unicode = self.flags.unicode_classes;
        let class = |text: &str| Ok(Escape::Class(text.to_string()));
        let node = |node: Node| Ok(Escape::Node(node));
        match c {
            '0' => self.octal().map(Escape::Char),
            '1'..='9' if !in_class => {
                let number = self.reference(u32::from(c) - u32::from('0'));
                node(self.reference_node(number))
            }
            'A' if !in_class => node(Node::assertion("\\A")),
            'B' if !in_class => node(Node::assertion("\\B")),
            'G' if !in_class => node(Node::assertion("\\G")),
            'Z' if !in_class => node(self.line_end(false)),
            'z' if !in_class => node(Node::assertion("\\z")),
            'b' if !in_class => {
                // `\b{g}`, the boundary of a grapheme, is not offered.
                if self.at(self.cursor) == '{' && self.at(self.cursor + 1) == 'g' {
                    self.cursor += 3;
                    return Err(self.error("Illegal/unsupported escape sequence"));
                }
                node(Node::assertion("\\b"))
            }
            'R' if !in_class => {
                let text = "(?:\\r\\n|[\\n\\x{B}\\x{C}\\r\\x{85}\\x{2028}\\x{2029}])";
                node(Node::group(text.into(), Some(2)))
            }
            'X' if !in_class => node(Node::group(class::GRAPHEME.into(), None)),
            'k' if !in_class => {
                if self.read() != '<' {
                    return Err(self.error("\\k is not followed by '<' for named capturing group"));
                }
                let first = self.read();
                let name = self.group_name(first)?;
                match self.names.get(&name) {
                    Some(number) => node(self.reference_node(*number)),
                    None => {
                        Err(self.error(format!("named capturing group <{name}> does not exist")))
                    }
                }
            }
            'D' => class(class::not_digit(unicode)),
            'd' => class(class::digit(unicode)),
            'S' => class(class::not_space(unicode)),
            's' => class(class::space(unicode)),
            'W' => class(class::not_word(unicode)),
            'w' => class(class::word(unicode)),
            'H' => class(class::NOT_HORIZONTAL),
            'h' => class(class::HORIZONTAL),
            'V' => class(class::NOT_VERTICAL),
            'v' if range => Ok(Escape::Char(0x0B)),
            'v' => class(class::VERTICAL),
            'N' => Err(self.character_name()),
            'a' => Ok(Escape::Char(0x07)),
            'c' => {
                if self.at_end() {
                    return Err(self.error("Illegal control escape sequence"));
                }
                Ok(Escape::Char(u32::from(self.read()) ^ 64))
            }
            'e' => Ok(Escape::Char(0x1B)),
            'f' => Ok(Escape::Char(0x0C)),
            'n' => Ok(Escape::Char(0x0A)),
            'r' => Ok(Escape::Char(0x0D)),
            't' => Ok(Escape::Char(0x09)),
            'u' => self.unicode().map(Escape::Char),
            'x' => self.hexadecimal().map(Escape::Char),
            c if c.is_ascii_alphanumeric() => {
                Err(self.error("Illegal/unsupported escape sequence"))
            }
            c => Ok(Escape::Char(u32::from(c))),
        }
    }

    /// More digits belong to a back reference as long as there are that many groups so far.
    /// `\N{name}`: the names of characters are not known here.
    fn character_name(&mut self) -> SyntaxError {
        if self.read() != '{' {
            return self.error("Illegal character name escape sequence");
        }
        let start = self.cursor;
        while self.read() != '}' {
            if self.at_end() {
                return self.error("Unclosed character name escape sequence");
            }
        }
        let name: String = self.chars[start..self.cursor - 1].iter().collect();
        self.error(format!("Unknown character name [{name}]"))
    }

    fn reference(&mut self, mut number: u32) -> u32 {
        while let Some(digit) = self.peek().to_digit(10) {
            let longer = number.saturating_mul(10).saturating_add(digit);
            if longer > self.groups {
                break;
            }
            number = longer;
            self.read();
        }
        number
    }

    fn reference_node(&self, number: u32) -> Node {
        let open = match self.flags.ignore_case {
            true => "(?i:",
            false => "(?:",
        };
        Node {
            text: format!("{open}{REFERENCE}{number}{REFERENCE})"),
            width: None,
            single: true,
            assertion: false,
        }
    }

    /// Writes the back references; one without a group never matches.
    fn resolve(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for (i, part) in text.split(REFERENCE).enumerate() {
            if i % 2 == 0 {
                out.push_str(part);
            } else if part.parse::<u32>().is_ok_and(|n| n <= self.groups) {
                out.push('\\');
                out.push_str(part);
            } else {
                out.push_str(NEVER);
            }
        }
        out
    }

    fn octal(&mut self) -> Result<u32> {
        let digit = |c: char| c.to_digit(8);
        let Some(first) = digit(self.read()) else {
            return Err(self.error("Illegal octal escape sequence"));
        };
        let Some(second) = digit(self.read()) else {
            self.cursor -= 1;
            return Ok(first);
        };
        match digit(self.read()) {
            Some(third) if first <= 3 => Ok(first * 64 + second * 8 + third),
            _ => {
                self.cursor -= 1;
                Ok(first * 8 + second)
            }
        }
    }

    fn hexadecimal(&mut self) -> Result<u32> {
        let c = self.read();
        if let Some(high) = c.to_digit(16) {
            if let Some(low) = self.read().to_digit(16) {
                return Ok(high * 16 + low);
            }
        } else if c == '{' && self.peek().is_ascii_hexdigit() {
            let mut code = 0;
            loop {
                match self.read() {
                    '}' => return Ok(code),
                    c => match c.to_digit(16) {
                        Some(digit) => code = code * 16 + digit,
                        None => return Err(self.error("Unclosed hexadecimal escape sequence")),
                    },
                }
                if code > 0x10_FFFF {
                    return Err(self.error("Hexadecimal codepoint is too big"));
                }
            }
        }
        Err(self.error("Illegal hexadecimal escape sequence"))
    }

    fn unicode(&mut self) -> Result<u32> {
        let unit = self.four_digits()?;
        if (0xD800..0xDC00).contains(&unit) {
            let after = self.cursor;
            if self.read() == '\\' && self.read() == 'u' {
                let low = self.four_digits()?;
                if (0xDC00..0xE000).contains(&low) {
                    return Ok(0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00));
                }
            }
            self.cursor = after;
        }
        Ok(unit)
    }

    fn four_digits(&mut self) -> Result<u32> {
        let mut code = 0;
        for _ in 0..4 {
            match self.read().to_digit(16) {
                Some(digit) => code = code * 16 + digit,
                None => return Err(self.error("Illegal Unicode escape sequence")),
            }
        }
        Ok(code)
    }

    // --- classes ---

    /// A class with its brackets. `consume`: its closing bracket belongs to it; else it is the right side of
    /// an intersection, and the bracket stays.
    fn class(&mut self, consume: bool) -> Result<String> {
        // The union so far; `None` while nothing has been read.
        let mut union: Option<String> = None;
        let mut negated = false;
        let mut c = self.next();
        if consume && c == '^' && self.at(self.cursor - 1) == '[' {
            negated = true;
            c = self.next();
        }
        loop {
            match c {
                '[' => {
                    let inner = self.deeper(|me| me.class(true))?;
                    union.get_or_insert_default().push_str(&inner);
                    c = self.peek();
                    continue;
                }
                '&' => {
                    if self.next() == '&' {
                        c = self.next();
                        let mut right: Option<String> = None;
                        while c != ']' && c != '&' {
                            let inner = if c == '[' {
                                self.deeper(|me| me.class(true))?
                            } else {
                                self.cursor -= 1;
                                self.deeper(|me| me.class(false))?
                            };
                            right.get_or_insert_default().push_str(&inner);
                            c = self.peek();
                        }
                        union = match (union, right) {
                            (None, None) => return Err(self.error("Bad class syntax")),
                            (Some(left), Some(right)) => Some(format!("[[{left}]&&[{right}]]")),
                            (left, right) => left.or(right),
                        };
                        continue;
                    }
                    self.cursor -= 1;
                }
                '\0' if self.at_end() => return Err(self.error("Unclosed character class")),
                ']' => {
                    if let Some(inner) = union {
                        if consume {
                            self.next();
                        }
                        let not = if negated { "^" } else { "" };
                        return Ok(format!("[{not}{inner}]"));
                    }
                }
                _ => {}
            }
            let item = self.class_item()?;
            union.get_or_insert_default().push_str(&item);
            c = self.peek();
        }
    }

    /// A character, range, escape or property within a class.
    fn class_item(&mut self) -> Result<String> {
        let low = match self.peek() {
            '\\' => {
                if let Some(family) = self.family()? {
                    return Ok(family);
                }
                let range = self.at(self.cursor + 2) == '-';
                match self.escape(true, range)? {
                    Escape::Char(code) => code,
                    Escape::Class(inner) => return Ok(inner),
                    Escape::Node(_) => {
                        return Err(self.error("Illegal/unsupported escape sequence"));
                    }
                }
            }
            c => {
                self.next();
                u32::from(c)
            }
        };
        let mut high = low;
        if self.peek() == '-' {
            match self.at(self.cursor + 1) {
                '[' | ']' => {}
                _ => {
                    high = match self.next() {
                        '\\' => match self.escape(true, true)? {
                            Escape::Char(code) => code,
                            Escape::Class(_) | Escape::Node(_) => {
                                return Err(self.error("Illegal character range"));
                            }
                        },
                        c => {
                            self.next();
                            u32::from(c)
                        }
                    };
                    if high < low {
                        return Err(self.error("Illegal character range"));
                    }
                }
            }
        }
        Ok(class::range(
            low,
            high,
            self.flags.ignore_case && !self.flags.unicode_case,
        ))
    }
}
