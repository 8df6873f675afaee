//! Chains: fields, calls, indexes, `!`, `?.`; and projections.

use super::expr::{Form, Operand, fatal, field_name};
use super::{Build, Builder, Children, Stop, children, span};
use crate::fql::syntax::ast::{Args, Expr, ExprKind, Link};
use crate::fql::syntax::grammar::Rule;
use crate::fql::syntax::source::Span;
use pest::iterators::Pair;

impl<'s> Builder<'s> {
    /// An atom and the links that follow it.
    pub(super) fn chain(
        &mut self,
        pair: Pair<'s, Rule>,
        pairs: &mut Children<'s>,
    ) -> Build<Operand> {
        let mut links = Vec::new();
        let base = if pair.as_rule() == Rule::short_start {
            let start = span(&pair).start;
            let here = Span { start, end: start };
            for part in pair.into_inner() {
                self.link(part, false, &mut links)?;
            }
            Operand {
                expr: Expr {
                    kind: ExprKind::This,
                    span: here,
                },
                form: Form::Short,
            }
        } else {
            self.atom(pair)?
        };
        while let Some(link) = pairs.next_if(|next| is_link(next.as_rule())) {
            match link.as_rule() {
                Rule::select => {
                    for part in link.into_inner() {
                        self.link(part, false, &mut links)?;
                    }
                }
                Rule::optional_link => {
                    for part in link.into_inner() {
                        self.link(part, true, &mut links)?;
                    }
                }
                _ => self.link(link, false, &mut links)?,
            }
        }
        let Some(last) = links.last() else {
            return Ok(base);
        };
        let base = base.closed();
        let whole = base.expr.span.to(last.span());
        let kind = ExprKind::Chain {
            base: Box::new(base.expr),
            links,
        };
        Ok(Operand {
            expr: Expr { kind, span: whole },
            form: base.form,
        })
    }

    /// Adds a link; a call right after a field makes it a method call.
    fn link(&mut self, pair: Pair<'s, Rule>, optional: bool, links: &mut Vec<Link>) -> Build<()> {
        let whole = span(&pair);
        match pair.as_rule() {
            Rule::name => links.push(Link::Field {
                name: field_name(&pair),
                optional,
            }),
            Rule::bang => links.push(Link::Bang { span: whole }),
            Rule::call => {
                let args = Args {
                    items: self.items(pair, true)?,
                    span: whole,
                };
                if let Some(Link::Field {
                    name,
                    optional: field,
                }) = links.last()
                {
                    let (name, field) = (name.clone(), *field);
                    links.pop();
                    links.push(Link::Method {
                        name,
                        optional: field,
                        call_optional: optional,
                        args,
                    });
                } else {
                    links.push(Link::Call { optional, args });
                }
            }
            Rule::index => {
                let args = Args {
                    items: self.items(pair, true)?,
                    span: whole,
                };
                links.push(Link::Index { optional, args });
            }
            _ => {
                self.check(&pair)?;
                return Err(Stop::Fatal);
            }
        }
        Ok(())
    }

    /// `base { ... }`
    pub(super) fn projection(&mut self, base: Operand, pair: Pair<'s, Rule>) -> Build<Operand> {
        self.check(&pair)?;
        let braces = span(&pair);
        let whole = base.expr.span.to(braces);
        let form = base.form;
        let mut entries = Vec::new();
        let mut all = false;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::project_all => all = true,
                Rule::entry => entries.push(self.entry(part).map_err(fatal)?),
                _ => self.check(&part)?,
            }
        }
        let base = Box::new(base.expr);
        let kind = if all {
            ExprKind::ProjectAll { base }
        } else {
            ExprKind::Projection {
                base,
                entries,
                braces,
            }
        };
        Ok(Operand {
            expr: Expr { kind, span: whole },
            form,
        })
    }

    /// `name`, `name { ... }`, `name: value`. A leading dot in a value means what is projected.
    fn entry(&mut self, pair: Pair<'s, Rule>) -> Build<(crate::fql::syntax::ast::Ident, Expr)> {
        let mut inner = children(pair.into_inner());
        let name_pair = self.next(&mut inner)?;
        let name = match self.ident(&name_pair) {
            Ok(name) => name,
            Err(stop) => {
                // Both forms of an entry begin with a name, and each reports it.
                self.reserved(name_pair.as_str(), span(&name_pair));
                return Err(stop);
            }
        };
        match inner.next() {
            Some(value) if value.as_rule() != Rule::projection => {
                let Operand { expr, form } = self.operand_expr(value)?.closed();
                match form {
                    Form::Plain | Form::Short | Form::Parenthesised(_) => Ok((name, expr)),
                }
            }
            projection => {
                let here = Span {
                    start: name.span.start,
                    end: name.span.start,
                };
                let this = Expr {
                    kind: ExprKind::This,
                    span: here,
                };
                let links = vec![Link::Field {
                    name: name.clone(),
                    optional: false,
                }];
                let field = Operand::plain(
                    ExprKind::Chain {
                        base: Box::new(this),
                        links,
                    },
                    name.span,
                );
                let value = match projection {
                    Some(projection) => self.projection(field, projection)?,
                    None => field,
                };
                Ok((name, value.expr))
            }
        }
    }
}

fn is_link(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::call | Rule::index | Rule::bang | Rule::select | Rule::optional_link
    )
}
