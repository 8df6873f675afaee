//! Parts of a generated text as trees whose places are those of the text.
//!
//! A part is parsed from a copy of the text that is blank outside of it, so that every place in the tree is right without
//! a parser for the whole.

use super::generate::{Generated, Kind, Part};
use crate::fql::syntax::ast::{Expr, Ident, Lambda, TypeExpr, TypeKind};
use crate::fql::syntax::{
    Location, Source, Span, parse_expr, parse_lambda, parse_predicate_lambda,
};
use crate::fql::syntax::{parse_schema_type, parse_type};
use crate::value::Str;
use std::sync::Arc;

/// A generated text as a source of trees.
#[derive(Debug)]
pub struct Located {
    generated: Generated,
    /// The text, as diagnostics show it.
    pub source: Arc<Source>,
}

impl Located {
    /// The text.
    pub fn text(&self) -> &str {
        &self.generated.text
    }

    /// The trees of `generated`, a file of that name.
    pub fn new(file: &str, generated: Generated) -> Located {
        let source = Source::new(file, generated.text.as_str());
        Located { generated, source }
    }

    /// Where a part stands.
    pub fn place(&self, kind: Kind, name: &Str, part: Part) -> Option<Span> {
        self.generated.place(kind, name, part)
    }

    /// The same, with the text.
    pub fn location(&self, kind: Kind, name: &Str, part: Part) -> Option<Location> {
        let span = self.place(kind, name, part)?;
        Some(Location::new(&self.source, span))
    }

    /// The type of a field or computed field.
    pub fn type_expr(&self, name: &Str, part: Part) -> Option<TypeExpr> {
        let span = self.place(Kind::Collection, name, part)?;
        parse_schema_type(&self.alone(span)?).ok()
    }

    /// The default of a field.
    pub fn expr(&self, name: &Str, part: Part) -> Option<Expr> {
        let span = self.place(Kind::Collection, name, part)?;
        parse_expr(&self.alone(span)?).ok()
    }

    /// A computed field, a check or a predicate.
    pub fn lambda(&self, kind: Kind, name: &Str, part: Part) -> Option<Arc<Lambda>> {
        let span = self.place(kind, name, part)?;
        parse_predicate_lambda(&self.alone(span)?).ok()
    }

    /// A function as a lambda of its block. `stored` gives the parameters, whose names stand apart in the text.
    pub fn function(&self, name: &Str, stored: &Lambda) -> Option<Arc<Lambda>> {
        let whole = self.place(Kind::Function, name, Part::Whole)?;
        let body = self.place(Kind::Function, name, Part::Body)?;
        let rest = stored.rest.iter().map(|rest| (rest, "..."));
        let params: Vec<String> = stored
            .params
            .iter()
            .map(|param| (param, ""))
            .chain(rest)
            .map(|(param, dots)| format!("{dots}{}", param.name.as_deref().unwrap_or("_")))
            .collect();
        // It is never longer than `function NAME(PARAMETERS)`, which it takes the place of.
        let head = format!("({}) =>", params.join(", "));
        let start = body.start as usize;
        let text = self.generated.text.get(start..body.end as usize)?;
        let blanks = " ".repeat(start.checked_sub(head.len())?);
        let alone = Source::new("", format!("{blanks}{head}{text}"));
        let mut lambda = (*parse_lambda(&alone).ok()?).clone();
        lambda.span = whole;
        Some(Arc::new(lambda))
    }

    /// The signature of a function, from the types of its parameters and its result.
    pub fn signature(&self, name: &Str, stored: &Lambda) -> Option<TypeExpr> {
        let ty = |part| {
            let span = self.place(Kind::Function, name, part)?;
            parse_type(&self.alone(span)?).ok()
        };
        let result = ty(Part::Result)?;
        let named = |param: &crate::fql::syntax::ast::Param, ty: TypeExpr| {
            let name = param.name.clone();
            let span = param.span;
            (name.map(|name| Ident { name, span }), ty)
        };
        let params = stored.params.iter().enumerate();
        let params = params.map(|(at, param)| Some(named(param, ty(Part::ParamType(at))?)));
        let rest = match &stored.rest {
            Some(rest) => Some(named(rest, ty(Part::ParamType(stored.params.len()))?)),
            None => None,
        };
        Some(TypeExpr {
            kind: TypeKind::Lambda {
                params: params.collect::<Option<_>>()?,
                rest: rest.map(Box::new),
                result: Box::new(result),
            },
            span: self.place(Kind::Function, name, Part::Signature)?,
        })
    }

    /// The text up to a span's end, blank before it.
    fn alone(&self, span: Span) -> Option<Arc<Source>> {
        let (start, end) = (span.start as usize, span.end as usize);
        let text = self.generated.text.get(start..end)?;
        Some(Source::new("", " ".repeat(start) + text))
    }
}
