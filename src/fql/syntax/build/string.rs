//! Literals: numbers, strings, templates, heredocs.

use super::expr::fatal;
use super::{Build, Builder, Stop, children, span};
use crate::fql::syntax::ast::{ExprKind, Str, TemplatePart};
use crate::fql::syntax::diagnostic::Diagnostic;
use crate::fql::syntax::grammar::Rule;
use crate::fql::syntax::source::Span;
use pest::iterators::Pair;

impl<'s> Builder<'s> {
    // ------------------------------------------------------------------------------------------ numbers

    /// Int if it fits, else Long, else Double; anything with a fraction or exponent is a Double.
    pub(super) fn number(&mut self, pair: Pair<'s, Rule>) -> Build<ExprKind> {
        for part in pair.clone().into_inner() {
            self.check(&part)?;
        }
        let text = pair.as_str();
        let (negative, unsigned) = match text.as_bytes().first() {
            Some(b'-') => (true, after_sign(text)),
            Some(b'+') => (false, after_sign(text)),
            _ => (false, text),
        };
        let radix = match unsigned.as_bytes().get(1) {
            Some(b'x' | b'X') => 16,
            Some(b'o' | b'O') => 8,
            Some(b'b' | b'B') => 2,
            _ => 10,
        };
        if radix != 10 {
            return Ok(radix_literal(
                unsigned.get(2..).unwrap_or(""),
                radix,
                negative,
            ));
        }
        let clean: std::borrow::Cow<'_, str> = if unsigned.contains('_') {
            unsigned.replace('_', "").into()
        } else {
            unsigned.into()
        };
        if clean.bytes().all(|byte| byte.is_ascii_digit()) {
            self.integer_end = span(&pair).end as usize;
            let value = clean
                .parse::<i128>()
                .ok()
                .map(|value| if negative { -value } else { value });
            if let Some(kind) = value.and_then(integer) {
                return Ok(kind);
            }
        }
        let value: f64 = clean.parse().unwrap_or(f64::INFINITY);
        // The sign is applied to a decimal, which knows no negative zero.
        Ok(ExprKind::Double(if negative && value != 0.0 {
            -value
        } else {
            value
        }))
    }

    // ------------------------------------------------------------------------------------------ strings

    /// A string without interpolation.
    pub(super) fn string(&mut self, pair: Pair<'s, Rule>) -> Build<Str> {
        let mut parts = pair.into_inner();
        let Some(first) = parts.next() else {
            return Ok(Str::from(""));
        };
        if parts.peek().is_none() && first.as_rule() != Rule::escape {
            self.check(&first)?;
            return Ok(Str::from(first.as_str()));
        }
        let mut text = String::new();
        self.text_part(first, &mut text)?;
        for part in parts {
            self.text_part(part, &mut text)?;
        }
        Ok(Str::from(text))
    }

    /// Text or an escape.
    fn text_part(&mut self, pair: Pair<'s, Rule>, text: &mut String) -> Build<()> {
        self.check(&pair)?;
        if pair.as_rule() != Rule::escape {
            text.push_str(pair.as_str());
            return Ok(());
        }
        for part in pair.clone().into_inner() {
            self.check(&part)?;
        }
        let code = pair.as_str().get(1..).unwrap_or("");
        let ch = match code.as_bytes().first() {
            Some(b'0') => '\0',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b'v') => '\u{b}',
            Some(b't') => '\t',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'x' | b'u') => self.code_point(code, span(&pair))?,
            _ => code.chars().next().unwrap_or('\\'),
        };
        text.push(ch);
        Ok(())
    }

    fn code_point(&mut self, code: &str, whole: Span) -> Build<char> {
        let digits = code
            .trim_start_matches(['x', 'u', '{'])
            .trim_end_matches('}');
        let value = u32::from_str_radix(digits, 16).unwrap_or(u32::MAX);
        match char::from_u32(value) {
            Some(ch) => Ok(ch),
            None => {
                let why = if value > 0x10FFFF {
                    "outside of valid unicode range"
                } else {
                    "surrogates are disallowed"
                };
                let error = Diagnostic::error("Invalid escape", self.at(whole)).annotated(why);
                self.errors.push(error);
                Err(Stop::Fatal)
            }
        }
    }

    /// A double-quoted string, which may interpolate.
    pub(super) fn template(&mut self, pair: Pair<'s, Rule>) -> Build<ExprKind> {
        let mut parts = Parts::default();
        for part in pair.into_inner() {
            if part.as_rule() == Rule::interpolation {
                let expr = self.interpolation(part)?;
                parts.push_expr(expr);
            } else {
                self.text_part(part, &mut parts.text)?;
            }
        }
        Ok(parts.finish())
    }

    fn interpolation(&mut self, pair: Pair<'s, Rule>) -> Build<crate::fql::syntax::ast::Expr> {
        let mut inner = children(pair.into_inner());
        let expr = self.next(&mut inner)?;
        let expr = self.expr(expr, false).map_err(fatal)?;
        self.rest(&mut inner)?;
        Ok(expr)
    }

    /// Builds a template for its errors; the span of its first interpolated expression.
    pub(super) fn first_interpolation(&mut self, pair: Pair<'s, Rule>) -> Build<Option<Span>> {
        let kind = self.template(pair)?;
        let ExprKind::Template(parts) = kind else {
            return Ok(None);
        };
        Ok(parts.iter().find_map(|part| match part {
            TemplatePart::Expr(expr) => Some(expr.span),
            TemplatePart::Text(_) => None,
        }))
    }

    // ------------------------------------------------------------------------------------------ heredocs

    /// `<<-TAG`: lines, each with its newlines, without their common indentation.
    pub(super) fn heredoc(&mut self, pair: Pair<'s, Rule>) -> Build<Str> {
        let mut lines = Vec::new();
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::heredoc_line => lines.push(part.as_str()),
                _ => self.check(&part)?,
            }
        }
        let indent = lines
            .iter()
            .map(|line| indentation(line.trim_end_matches(['\n', '\r'])))
            .min()
            .unwrap_or(0);
        let text: String = lines
            .iter()
            .map(|line| line.get(indent..).unwrap_or(""))
            .collect();
        Ok(Str::from(text))
    }

    /// `<<+TAG`: the same with interpolation.
    pub(super) fn heredoc_template(&mut self, pair: Pair<'s, Rule>) -> Build<ExprKind> {
        let mut lines: Vec<Vec<Pair<'s, Rule>>> = Vec::new();
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::heredoc_template_line => lines.push(part.into_inner().collect()),
                _ => {
                    // What is wrong within the lines comes before what is wrong after them.
                    self.heredoc_lines(std::mem::take(&mut lines))?;
                    self.check(&part)?;
                }
            }
        }
        self.heredoc_lines(lines)
    }

    fn heredoc_lines(&mut self, lines: Vec<Vec<Pair<'s, Rule>>>) -> Build<ExprKind> {
        let starts_with_text = |line: &Vec<Pair<'s, Rule>>| match line.first() {
            Some(first) if first.as_rule() == Rule::heredoc_text => {
                Some(indentation(first.as_str()))
            }
            _ => None,
        };
        let indent = lines
            .iter()
            .map(|line| starts_with_text(line).unwrap_or(0))
            .min()
            .unwrap_or(0);
        let mut parts = Parts::default();
        for line in lines {
            for (index, part) in line.into_iter().enumerate() {
                match part.as_rule() {
                    Rule::interpolation => {
                        let expr = self.interpolation(part)?;
                        parts.push_expr(expr);
                    }
                    Rule::heredoc_text if index == 0 => {
                        parts
                            .text
                            .push_str(part.as_str().get(indent..).unwrap_or(""));
                    }
                    _ => {
                        self.check(&part)?;
                        parts.text.push_str(part.as_str());
                    }
                }
            }
        }
        Ok(parts.finish())
    }
}

/// Collects the parts of a template.
#[derive(Default)]
struct Parts {
    parts: Vec<TemplatePart>,
    text: String,
}

impl Parts {
    fn push_expr(&mut self, expr: crate::fql::syntax::ast::Expr) {
        if !self.text.is_empty() {
            self.parts.push(TemplatePart::Text(Str::from(std::mem::take(
                &mut self.text,
            ))));
        }
        self.parts.push(TemplatePart::Expr(expr));
    }

    fn finish(mut self) -> ExprKind {
        if self.parts.is_empty() {
            return ExprKind::String(Str::from(self.text));
        }
        if !self.text.is_empty() {
            self.parts.push(TemplatePart::Text(Str::from(self.text)));
        }
        ExprKind::Template(self.parts)
    }
}

/// How many blanks a line starts with.
fn indentation(line: &str) -> usize {
    line.bytes()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count()
}

/// A number's text after its sign and the blanks and comments that may follow it.
fn after_sign(text: &str) -> &str {
    let mut depth = 0_usize;
    let bytes = text.as_bytes();
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        match (byte, bytes.get(at + 1)) {
            (b'/', Some(b'*')) => {
                depth += 1;
                at += 2;
            }
            (b'*', Some(b'/')) => {
                depth = depth.saturating_sub(1);
                at += 2;
            }
            (byte, _) if depth == 0 && byte.is_ascii_digit() => break,
            _ => at += 1,
        }
    }
    text.get(at..).unwrap_or("0")
}

fn integer(value: i128) -> Option<ExprKind> {
    match i32::try_from(value) {
        Ok(value) => Some(ExprKind::Int(value)),
        Err(_) => i64::try_from(value).ok().map(ExprKind::Long),
    }
}

/// An integer in another base than ten; `digits` may hold underscores.
fn radix_literal(digits: &str, radix: u32, negative: bool) -> ExprKind {
    let mut exact: Option<i128> = Some(0);
    let mut rounded = 0.0_f64;
    for digit in digits.chars().filter_map(|ch| ch.to_digit(radix)) {
        rounded = rounded * f64::from(radix) + f64::from(digit);
        exact = exact.and_then(|value| {
            value
                .checked_mul(i128::from(radix))?
                .checked_add(i128::from(digit))
        });
    }
    if let Some(value) = exact {
        let value = if negative { -value } else { value };
        return integer(value).unwrap_or(ExprKind::Double(value as f64));
    }
    ExprKind::Double(if negative { -rounded } else { rounded })
}
