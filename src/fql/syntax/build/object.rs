//! Objects.

use super::expr::fatal;
use super::{Build, Builder, Stop, children, plain_ident, span};
use crate::fql::syntax::ast::{Expr, ExprKind, Ident};
use crate::fql::syntax::diagnostic::{Diagnostic, Hint, Severity, Suggestion};
use crate::fql::syntax::grammar::Rule;
use crate::fql::syntax::source::Span;
use pest::iterators::Pair;
use std::collections::HashMap;

impl<'s> Builder<'s> {
    pub(super) fn object(&mut self, pair: Pair<'s, Rule>) -> Build<ExprKind> {
        let mut fields = Vec::new();
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::field => fields.push(self.field(part).map_err(fatal)?),
                Rule::interpolated_key => self.interpolated_key(part)?,
                _ => self.check(&part)?,
            }
        }
        self.duplicate_keys(fields.iter().map(|(key, _)| key));
        Ok(ExprKind::Object(fields))
    }

    fn field(&mut self, pair: Pair<'s, Rule>) -> Build<(Ident, Expr)> {
        let mut inner = children(pair.into_inner());
        let key = self.next(&mut inner)?;
        let key = self.key(key)?;
        let value = self.next(&mut inner)?;
        Ok((key, self.expr(value, false)?))
    }

    /// A field's name: any identifier, or a string.
    pub(super) fn key(&mut self, pair: Pair<'s, Rule>) -> Build<Ident> {
        if pair.as_rule() == Rule::name {
            return Ok(plain_ident(&pair));
        }
        let span = span(&pair);
        Ok(Ident {
            name: self.string(pair)?,
            span,
        })
    }

    /// Records the keys that occur before.
    pub(super) fn duplicate_keys<'a>(&mut self, keys: impl ExactSizeIterator<Item = &'a Ident>) {
        if keys.len() < 2 {
            return;
        }
        let mut seen: HashMap<&str, Span> = HashMap::with_capacity(keys.len());
        for key in keys {
            match seen.get(&*key.name) {
                Some(original) => {
                    let error = Diagnostic::error("Duplicate key", self.at(key.span))
                        .hint("Key originally used here", self.at(*original));
                    self.errors.push(error);
                }
                None => {
                    seen.insert(&key.name, key.span);
                }
            }
        }
    }

    fn interpolated_key(&mut self, pair: Pair<'s, Rule>) -> Build<()> {
        for template in pair.into_inner() {
            let whole = span(&template);
            let mut start = whole;
            for part in template.clone().into_inner() {
                if part.as_rule() == Rule::interpolation {
                    start = span(&part);
                    break;
                }
            }
            let interpolated = self.first_interpolation(template)?;
            let here = Span {
                start: start.start,
                end: start.start,
            };
            let mut error = Diagnostic::error(
                "Object keys do not support interpolation",
                self.at(interpolated.unwrap_or(start)),
            );
            error.hints.push(Hint {
                severity: Severity::Hint,
                message: "Add a backslash to ignore the interpolation".into(),
                location: Some(self.at(here)),
                suggestion: Some(Suggestion { text: "\\".into() }),
            });
            let error = error.hint(
                "Use Object.fromEntries if you need a dynamic key",
                self.at(whole),
            );
            self.errors.push(error);
        }
        Err(Stop::Fatal)
    }
}
