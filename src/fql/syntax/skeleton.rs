//! Texts that differ in their literals only.
//!
//! Programs send the same few queries over and over with other literals in them: `C.byId("1")`, `C.byId("2")`. Such texts
//! have one [`Skeleton`] in common, the text with a mark in place of each literal, and one tree up to the literals'
//! values and all places. [`Pattern`] is that tree: it was parsed once, in the ordinary way, and gives the tree of any
//! text with the same skeleton, equal to what parsing that text gives.
//!
//! Rules:
//! - A literal is left out of the skeleton only if no value of its kind could change how the rest of the text is read:
//!   strings without escapes or interpolation, decimal integers of the same class (Int, Long), plain decimal fractions.
//!   All else stays in the skeleton, letter by letter; a text that holds anything unusual has no skeleton.
//! - The scan need not know where a literal stands. A [`Pattern`] exists only if each literal that was left out is a
//!   literal expression of the tree; a key, a type or a pattern is none.

use super::ast::{Block, ExprKind, Str};
use super::source::Span;
use super::visit::{Visitor, visit_block};
use smallvec::SmallVec;

/// Trees higher than this are not worth a pattern, and copying them would need a stack of its own.
const MAX_HEIGHT: usize = 100;

/// What a literal is; all literals of a kind are read in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Int,
    Long,
    Double,
    String,
}

impl Kind {
    /// What stands for such a literal in a skeleton: no text of a skeleton holds these otherwise.
    fn mark(self) -> char {
        match self {
            Kind::Int => '\u{1}',
            Kind::Long => '\u{2}',
            Kind::Double => '\u{3}',
            Kind::String => '\u{4}',
        }
    }

    /// The kind of a literal expression.
    fn of(literal: &ExprKind) -> Option<Kind> {
        match literal {
            ExprKind::Int(_) => Some(Kind::Int),
            ExprKind::Long(_) => Some(Kind::Long),
            ExprKind::Double(_) => Some(Kind::Double),
            ExprKind::String(_) => Some(Kind::String),
            _ => None,
        }
    }
}

/// A literal that was left out, and where it stands, without its sign.
#[derive(Clone, Copy, Debug)]
struct Slot {
    kind: Kind,
    span: Span,
}

/// A text without its literals.
#[derive(Clone, Debug)]
pub struct Skeleton {
    key: String,
    slots: SmallVec<[Slot; 8]>,
}

impl Skeleton {
    /// The skeleton of a text; `None` if nothing can be left out of it, or it is better parsed.
    pub fn of(text: &str) -> Option<Skeleton> {
        let scan = Scan {
            text,
            bytes: text.as_bytes(),
            at: 0,
            copied: 0,
            key: String::with_capacity(text.len()),
            slots: SmallVec::new(),
        };
        scan.run().filter(|skeleton| !skeleton.slots.is_empty())
    }

    /// The same for all texts that differ in literals only.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// How many literals were left out.
    pub fn literals(&self) -> usize {
        self.slots.len()
    }
}

// ---------------------------------------------------------------------------------------------- from text

/// How a run of text in double quotes ends.
enum Quoted {
    /// At its quote.
    Closed,
    /// At an interpolation.
    Interpolation,
}

struct Scan<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    /// The text before this is in the key.
    copied: usize,
    key: String,
    slots: SmallVec<[Slot; 8]>,
}

impl Scan<'_> {
    fn run(mut self) -> Option<Skeleton> {
        // Braces open in each interpolation around.
        let mut around: SmallVec<[u32; 4]> = SmallVec::new();
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.pass(is_name_byte),
                b'0'..=b'9' => self.number()?,
                b'"' => {
                    let start = self.at;
                    self.at += 1;
                    let mut plain = true;
                    match self.double_quoted(&mut plain)? {
                        Quoted::Closed if plain => self.string(start)?,
                        Quoted::Closed => {}
                        Quoted::Interpolation => around.push(0),
                    }
                }
                b'\'' => {
                    let start = self.at;
                    self.at += 1;
                    if self.single_quoted()? {
                        self.string(start)?;
                    }
                }
                b'{' => {
                    around.last_mut().into_iter().for_each(|depth| *depth += 1);
                    self.at += 1;
                }
                b'}' => {
                    self.at += 1;
                    match around.last_mut() {
                        Some(0) => {
                            if let Quoted::Closed = self.double_quoted(&mut false)? {
                                around.pop();
                            }
                        }
                        Some(depth) => *depth -= 1,
                        None => {}
                    }
                }
                b'/' => self.slash()?,
                // Heredocs.
                b'<' if self.next_is(b'<') => return None,
                // The mark of a template value is part of the skeleton.
                b'\t' | b'\n' | b'\r' | 0 | b' '..=b'~' => self.at += 1,
                _ => return None,
            }
        }
        self.key.push_str(self.text.get(self.copied..)?);
        around.is_empty().then_some(Skeleton {
            key: self.key,
            slots: self.slots,
        })
    }

    fn next_is(&self, byte: u8) -> bool {
        self.bytes.get(self.at + 1) == Some(&byte)
    }

    fn pass(&mut self, accepted: fn(u8) -> bool) {
        while self.bytes.get(self.at).is_some_and(|byte| accepted(*byte)) {
            self.at += 1;
        }
    }

    /// Passes one character that may stand in a string or comment.
    fn display(&mut self, byte: u8) -> Option<()> {
        self.at += match byte {
            b'\t'..=b'\r' | b' '..=b'~' => 1,
            0x80.. => {
                let char = self.text.get(self.at..)?.chars().next()?;
                is_display(char).then(|| char.len_utf8())?
            }
            _ => return None,
        };
        Some(())
    }

    /// Leaves out the literal from `start` to here.
    fn leave_out(&mut self, kind: Kind, start: usize) -> Option<()> {
        self.key.push_str(self.text.get(self.copied..start)?);
        self.key.push(kind.mark());
        self.copied = self.at;
        self.slots.push(Slot {
            kind,
            span: Span::new(start, self.at),
        });
        Some(())
    }

    fn number(&mut self) -> Option<()> {
        let start = self.at;
        self.pass(|byte| byte.is_ascii_digit());
        let mut kind = None;
        let fraction = self.bytes.get(self.at) == Some(&b'.')
            && self.bytes.get(self.at + 1).is_some_and(u8::is_ascii_digit);
        if fraction {
            self.at += 1;
            self.pass(|byte| byte.is_ascii_digit());
            kind = (self.at - start <= 32).then_some(Kind::Double);
        } else if self.at - start <= 19 {
            kind = match self.text.get(start..self.at)?.parse::<u64>().ok()? {
                value if i32::try_from(value).is_ok() => Some(Kind::Int),
                // The first Long is an Int behind a minus sign.
                value if value > 1 << 31 && i64::try_from(value).is_ok() => Some(Kind::Long),
                _ => None,
            };
        }
        // A zero in front is a number of its own; another base, an underscore, an exponent.
        let leading_zero =
            self.bytes[start] == b'0' && self.bytes.get(start + 1).is_some_and(u8::is_ascii_digit);
        let goes_on = self
            .bytes
            .get(self.at)
            .is_some_and(|byte| is_name_byte(*byte));
        match kind {
            Some(kind) if !leading_zero && !goes_on => self.leave_out(kind, start)?,
            _ => self.pass(is_name_byte),
        }
        Some(())
    }

    /// A string without escapes ended here. It may be a key, which is part of the skeleton.
    fn string(&mut self, start: usize) -> Option<()> {
        let after = self.bytes.get(self.at..)?;
        let next = after
            .iter()
            .find(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
        if next == Some(&b':') {
            return Some(());
        }
        self.leave_out(Kind::String, start)
    }

    /// Passes what is in double quotes up to its end or the first interpolation.
    fn double_quoted(&mut self, plain: &mut bool) -> Option<Quoted> {
        loop {
            match *self.bytes.get(self.at)? {
                b'"' => {
                    self.at += 1;
                    return Some(Quoted::Closed);
                }
                b'\\' => {
                    *plain = false;
                    self.escape()?;
                }
                b'#' if self.next_is(b'{') => {
                    self.at += 2;
                    return Some(Quoted::Interpolation);
                }
                byte => self.display(byte)?,
            }
        }
    }

    /// Passes what is in single quotes; whether it holds no escapes.
    fn single_quoted(&mut self) -> Option<bool> {
        let mut plain = true;
        loop {
            match *self.bytes.get(self.at)? {
                b'\'' => {
                    self.at += 1;
                    return Some(plain);
                }
                b'\\' => {
                    plain = false;
                    self.escape()?;
                }
                byte => self.display(byte)?,
            }
        }
    }

    /// Passes a backslash and the character it escapes; what more belongs to the escape is like text.
    fn escape(&mut self) -> Option<()> {
        self.at += 1;
        let byte = *self.bytes.get(self.at)?;
        self.display(byte)
    }

    /// Passes a comment or a division sign.
    fn slash(&mut self) -> Option<()> {
        if self.next_is(b'/') {
            while let Some(&byte) = self.bytes.get(self.at)
                && byte != b'\n'
            {
                self.display(byte)?;
            }
            return Some(());
        }
        if !self.next_is(b'*') {
            self.at += 1;
            return Some(());
        }
        let mut depth = 0_usize;
        loop {
            match *self.bytes.get(self.at)? {
                b'/' if self.next_is(b'*') => {
                    depth += 1;
                    self.at += 2;
                }
                b'*' if self.next_is(b'/') => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return Some(());
                    }
                }
                byte => self.display(byte)?,
            }
        }
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'\'')
}

/// Whether a character that is not ASCII may stand in a string or a comment (`display_high` of the grammar).
fn is_display(char: char) -> bool {
    matches!(char, '\u{80}'..='\u{1FFF}' | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205F}'
        | '\u{2070}'..='\u{FEFE}' | '\u{FF00}'..='\u{FFEF}' | '\u{10000}'..='\u{10FFFF}')
}

// ---------------------------------------------------------------------------------------------- trees

/// The tree of all texts with one skeleton.
#[derive(Debug)]
pub struct Pattern {
    block: Block,
    slots: Vec<Slot>,
    /// Which literals are behind a minus sign.
    negative: Vec<bool>,
}

impl Pattern {
    /// The pattern of a text's tree, which is left as it is; `None` if some literal that the skeleton leaves out is no
    /// literal expression, or the tree is too high.
    pub fn new(text: &str, skeleton: &Skeleton, block: &mut Block) -> Option<Pattern> {
        let slots = skeleton.slots.to_vec();
        let mut find = Find {
            text,
            slots: &slots,
            signs: vec![None; slots.len()],
            height: 0,
            failed: false,
        };
        visit_block(&mut find, block);
        if find.failed {
            return None;
        }
        let negative: Vec<bool> = find.signs.into_iter().collect::<Option<_>>()?;
        Some(Pattern {
            block: block.clone(),
            slots,
            negative,
        })
    }

    /// The tree of another text with the same skeleton.
    pub fn tree(&self, text: &str, skeleton: &Skeleton) -> Option<Block> {
        let mut shift = 0;
        let mut shifts: SmallVec<[i64; 8]> = SmallVec::with_capacity(self.slots.len());
        for (slot, new) in self.slots.iter().zip(&skeleton.slots) {
            shift += i64::from(new.span.end) - i64::from(new.span.start);
            shift -= i64::from(slot.span.end) - i64::from(slot.span.start);
            shifts.push(shift);
        }
        let mut fill = Fill {
            text,
            pattern: self,
            moves: shifts.iter().any(|shift| *shift != 0),
            shifts,
            slots: &skeleton.slots,
            failed: skeleton.slots.len() != self.slots.len(),
        };
        let mut block = self.block.clone();
        visit_block(&mut fill, &mut block);
        (!fill.failed).then_some(block)
    }

    /// The literal that lies within a span, if it is just one.
    fn slot_within(slots: &[Slot], span: Span) -> Option<usize> {
        let first = slots.partition_point(|slot| slot.span.start < span.start);
        let inside = slots.get(first)?;
        span.contains(inside.span).then_some(first)
    }
}

/// Finds the literal expressions of the slots.
struct Find<'a> {
    text: &'a str,
    slots: &'a [Slot],
    /// Of each slot that was found: whether it is negative.
    signs: Vec<Option<bool>>,
    height: usize,
    failed: bool,
}

impl Visitor for Find<'_> {
    fn enter(&mut self) -> bool {
        self.height += 1;
        self.failed |= self.height > MAX_HEIGHT;
        !self.failed
    }

    fn leave(&mut self) {
        self.height -= 1;
    }

    fn span(&mut self, _: &mut Span) {}

    fn literal(&mut self, literal: &mut ExprKind, span: Span) {
        let Some(index) = Pattern::slot_within(self.slots, span) else {
            return;
        };
        let slot = self.slots[index];
        let written = |from: u32, to: u32| self.text.get(from as usize..to as usize);
        // Parentheses belong to the span, and the sign of a number.
        let before = written(span.start, slot.span.start).unwrap_or("?");
        let after = written(slot.span.end, span.end).unwrap_or("?");
        let blank = |char: char| matches!(char, ' ' | '\t' | '\n' | '\r');
        let plain = before
            .chars()
            .all(|char| blank(char) || matches!(char, '(' | '+' | '-'))
            && after.chars().all(|char| blank(char) || char == ')')
            && before.matches(['+', '-']).count() <= usize::from(slot.kind != Kind::String);
        if !plain || Kind::of(literal) != Some(slot.kind) || self.signs[index].is_some() {
            self.failed = true;
        }
        self.signs[index] = Some(before.contains('-'));
    }
}

/// Puts in other literals.
struct Fill<'a> {
    text: &'a str,
    pattern: &'a Pattern,
    /// Whether anything moves at all.
    moves: bool,
    /// How far all that is behind each literal moves.
    shifts: SmallVec<[i64; 8]>,
    slots: &'a [Slot],
    failed: bool,
}

impl Fill<'_> {
    fn moved(&self, at: u32) -> u32 {
        let slots = &self.pattern.slots;
        let before = match slots.len() <= 8 {
            true => slots.iter().take_while(|slot| slot.span.end <= at).count(),
            false => slots.partition_point(|slot| slot.span.end <= at),
        };
        let shift = before
            .checked_sub(1)
            .and_then(|last| self.shifts.get(last))
            .copied()
            .unwrap_or(0);
        u32::try_from(i64::from(at) + shift).unwrap_or(at)
    }

    fn value(&self, index: usize) -> Option<ExprKind> {
        let slot = self.slots.get(index)?;
        let negative = *self.pattern.negative.get(index)?;
        let written = self
            .text
            .get(slot.span.start as usize..slot.span.end as usize)?;
        Some(match slot.kind {
            Kind::Int => {
                let value: i32 = written.parse().ok()?;
                ExprKind::Int(if negative { -value } else { value })
            }
            Kind::Long => {
                let value: i64 = written.parse().ok()?;
                ExprKind::Long(if negative { -value } else { value })
            }
            Kind::Double => {
                let value: f64 = written.parse().ok()?;
                // The sign is applied to a decimal, which knows no negative zero.
                ExprKind::Double(if negative && value != 0.0 {
                    -value
                } else {
                    value
                })
            }
            Kind::String => {
                let inner = written.get(1..written.len().checked_sub(1)?)?;
                ExprKind::String(Str::from(inner))
            }
        })
    }
}

impl Visitor for Fill<'_> {
    fn enter(&mut self) -> bool {
        true
    }

    fn leave(&mut self) {}

    fn span(&mut self, span: &mut Span) {
        if self.moves {
            *span = Span {
                start: self.moved(span.start),
                end: self.moved(span.end),
            };
        }
    }

    fn literal(&mut self, literal: &mut ExprKind, span: Span) {
        let Some(index) = Pattern::slot_within(&self.pattern.slots, span) else {
            return;
        };
        match self.value(index) {
            Some(value) => *literal = value,
            None => self.failed = true,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::fql::syntax::{Source, parse_query};

    /// A generator of repeatable numbers.
    pub(crate) struct Dice(pub u64);

    impl Dice {
        pub(crate) fn below(&mut self, limit: usize) -> usize {
            self.0 = self
                .0
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            ((self.0 >> 33) as usize) % limit.max(1)
        }

        fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
            from[self.below(from.len())]
        }
    }

    /// The queries of the conformance cases.
    pub(crate) fn corpus() -> Vec<String> {
        let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance");
        let mut queries = Vec::new();
        for file in ["language", "stdlib", "data", "typing", "access", "schema"] {
            let path = directory.join(format!("v10-{file}.jsonl"));
            let cases = std::fs::read_to_string(path).expect("cases");
            for line in cases.lines().filter(|line| !line.is_empty()) {
                let case: serde_json::Value = serde_json::from_str(line).expect("a case");
                collect(&case, &mut queries);
            }
        }
        queries
    }

    fn collect(case: &serde_json::Value, queries: &mut Vec<String>) {
        match case {
            serde_json::Value::Object(fields) => {
                for (name, value) in fields {
                    match value.as_str() {
                        Some(text) if name == "query" => queries.push(text.to_owned()),
                        _ => collect(value, queries),
                    }
                }
            }
            serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, queries)),
            _ => {}
        }
    }

    /// A text with that skeleton and other literals.
    pub(crate) fn refill(key: &str, dice: &mut Dice) -> String {
        let mut text = String::new();
        for char in key.chars() {
            match char {
                '\u{1}' => text.push_str(dice.pick(&["0", "1", "7", "42", "1000", "2147483647"])),
                '\u{2}' => text.push_str(dice.pick(&["2147483649", "9223372036854775807"])),
                '\u{3}' => text.push_str(dice.pick(&["0.0", "0.50", "3.25", "1234567.125"])),
                '\u{4}' => text.push_str(dice.pick(&[
                    "\"\"",
                    "''",
                    "\"a\"",
                    "'b\"'",
                    "\"it's\"",
                    "'#{x}'",
                    "\"#\"",
                    "\"//\"",
                    "'/*'",
                    "\"é\u{1F600}\n{\"",
                    "\"name\"",
                    "'<<-A'",
                    "\"0\"",
                    "'id'",
                    "\"a: b\"",
                ])),
                other => text.push(other),
            }
        }
        text
    }

    fn parse(text: &str) -> Option<Block> {
        parse_query(&Source::query(text)).ok()
    }

    /// The tree of a pattern is what the parser gives, places included. Whether there was a pattern.
    fn same_trees(text: &str, dice: &mut Dice) -> bool {
        let (Some(skeleton), Some(mut block)) = (Skeleton::of(text), parse(text)) else {
            return false;
        };
        let Some(pattern) = Pattern::new(text, &skeleton, &mut block) else {
            return false;
        };
        for _ in 0..3 {
            let other = refill(skeleton.key(), dice);
            let again = Skeleton::of(&other).expect("a skeleton");
            assert_eq!(again.key(), skeleton.key(), "{text}\n---\n{other}");
            let tree = pattern.tree(&other, &again).expect("a tree");
            assert_eq!(Some(tree), parse(&other), "{text}\n---\n{other}");
        }
        true
    }

    #[test]
    fn trees_of_patterns_are_those_of_the_parser() {
        let mut dice = Dice(1);
        let queries = corpus();
        let patterns = queries
            .iter()
            .filter(|text| same_trees(text, &mut dice))
            .count();
        assert!(
            patterns > queries.len() / 2,
            "{patterns} of {}",
            queries.len()
        );
    }

    #[test]
    fn mutated_queries_too() {
        let mut dice = Dice(2);
        let pieces = [
            "\"",
            "'",
            "1",
            "2.5",
            "-",
            "(",
            ")",
            "{",
            "}",
            "#{",
            "/*",
            "*/",
            "//",
            ":",
            ".",
            " ",
            "\n",
            "0",
            "_",
            "e",
            "x",
            "\\",
            "a",
            "[",
            "]",
            ",",
            "<<-A\n",
            "=>",
            "3000000000",
            "\"s\"",
        ];
        let mut patterns = 0;
        for query in corpus() {
            for _ in 0..2 {
                let mut chars: Vec<char> = query.chars().collect();
                let at = dice.below(chars.len() + 1);
                if dice.below(2) == 0 && at < chars.len() {
                    chars.remove(at);
                } else {
                    chars.splice(at..at, dice.pick(&pieces).chars());
                }
                patterns += usize::from(same_trees(&chars.iter().collect::<String>(), &mut dice));
            }
        }
        assert!(patterns > 500, "{patterns}");
    }

    #[test]
    fn what_is_left_out() {
        let key = |text: &str| Skeleton::of(text).map(|skeleton| skeleton.key().to_owned());
        let is =
            |text: &str, expected: &str| assert_eq!(key(text).as_deref(), Some(expected), "{text}");
        is("C.byId(\"123\")!.name", "C.byId(\u{4})!.name");
        is(
            "f('a', 1, -2, 3.5, 3000000000)",
            "f(\u{4}, \u{1}, -\u{1}, \u{3}, \u{2})",
        );
        is("{ \"a\" : 1, b: 'x' }", "{ \"a\" : \u{1}, b: \u{4} }");
        is(
            "1 + 0x1F + 1_000 + 1e5 + 2147483648",
            "\u{1} + 0x1F + 1_000 + 1e5 + 2147483648",
        );
        is(
            "a'1 + \"#{b + 1} 2\" + '\\n' + 3",
            "a'1 + \"#{b + \u{1}} 2\" + '\\n' + \u{1}",
        );
        is("1 /* 2 'a /* */ */ // \"3", "\u{1} /* 2 'a /* */ */ // \"3");
        is("1.max(2)", "\u{1}.max(\u{1})");
        // Nothing to leave out; not closed; heredocs; characters that are no part of the language.
        for none in [
            "a.b",
            "\"a",
            "1 + 'a",
            "1 /* a",
            "<<-A\n1\nA\n",
            "1 + \u{1}",
            "1 + é",
            "\"#{1\"",
        ] {
            assert_eq!(key(none), None, "{none}");
        }
    }

    #[test]
    fn literals_that_are_no_expressions_have_no_pattern() {
        let pattern = |text: &str| {
            let skeleton = Skeleton::of(text).expect("a skeleton");
            Pattern::new(text, &skeleton, &mut parse(text).expect("a tree")).is_some()
        };
        assert!(pattern("let x: Int = -1; (x + ( 'a' ))"));
        assert!(!pattern("let x: \"a\" = \"a\"; x"));
        assert!(!pattern("{ \"a\" /* key */ : 1 }"));
        assert!(!pattern("match 1 { case 2 => 3 }"));
        assert!(!pattern("1_000.5"));
        assert!(!pattern(&format!(
            "{}1{}",
            "[".repeat(200),
            "]".repeat(200)
        )));
    }
}
