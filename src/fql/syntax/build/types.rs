//! Type expressions (`spec fql10-language 2.4`, `typing 2.1`).

use super::expr::fatal;
use super::{Build, Builder, Stop, children, plain_ident, span};
use crate::fql::syntax::ast::{ExprKind, Ident, Str, TypeExpr, TypeField, TypeKind};
use crate::fql::syntax::diagnostic::Diagnostic;
use crate::fql::syntax::grammar::Rule;
use crate::fql::syntax::source::Span;
use pest::iterators::Pair;

/// Where a type stands: only a schema's may give default values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::fql::syntax) enum TypeUse {
    /// An annotation or signature.
    Annotation,
    /// The type of a collection's field.
    Schema,
    /// A part of a schema type below something that forbids defaults: why, and where that is.
    NoDefaults(&'static str, Span),
}

impl TypeUse {
    /// The use of the type of a field that has a default itself.
    pub(super) fn beside_default(default: Span) -> TypeUse {
        TypeUse::NoDefaults(CONFLICTING, default)
    }

    /// The use of the parts of something that forbids defaults.
    fn without_defaults(self, why: &'static str, at: Span) -> TypeUse {
        match self {
            TypeUse::Annotation | TypeUse::NoDefaults(..) => self,
            TypeUse::Schema => TypeUse::NoDefaults(why, at),
        }
    }
}

/// A type, or a parenthesised list that is only legal before `=>`.
enum Part<'s> {
    Type(Box<PartialType<'s>>),
    Params {
        params: Vec<(Option<Ident>, PartialType<'s>)>,
        rest: Option<(Option<Ident>, PartialType<'s>)>,
        span: Span,
    },
}

/// A type before it is known what stands around it.
pub(super) struct PartialType<'s> {
    kind: Partial<'s>,
    span: Span,
}

impl PartialType<'_> {
    /// Where it stands.
    pub(super) fn span(&self) -> Span {
        self.span
    }
}

enum Partial<'s> {
    Simple(TypeKind),
    Cons(Ident, Vec<PartialType<'s>>),
    Object(Vec<Member<'s>>),
    Tuple(Vec<PartialType<'s>>),
    Lambda(
        Vec<(Option<Ident>, PartialType<'s>)>,
        Option<Box<(Option<Ident>, PartialType<'s>)>>,
        Box<PartialType<'s>>,
    ),
    Union(Vec<PartialType<'s>>),
    Intersect(Vec<PartialType<'s>>),
    Optional(Box<PartialType<'s>>, Span),
}

enum Member<'s> {
    Field(Ident, PartialType<'s>, Option<Pair<'s, Rule>>, Span),
    Wildcard(PartialType<'s>, Span),
    Open(Span),
}

impl<'s> Builder<'s> {
    /// A whole type.
    pub(super) fn type_expr(&mut self, pair: Pair<'s, Rule>, usage: TypeUse) -> Build<TypeExpr> {
        let partial = self.partial_type(pair)?;
        self.complete(partial, usage)
    }

    // ------------------------------------------------------------------------------------------ first pass: shape

    pub(super) fn partial_type(&mut self, pair: Pair<'s, Rule>) -> Build<PartialType<'s>> {
        let part = self.type_operators(pair)?;
        self.only_type(part)
    }

    /// Precedence climbing: `=>` (right), `|`, `&`, `?`.
    fn type_operators(&mut self, pair: Pair<'s, Rule>) -> Build<Part<'s>> {
        self.check(&pair)?;
        let mut inner = children(pair.into_inner());
        let first = self.next(&mut inner)?;
        let mut parts = vec![self.type_part(first)?];
        let mut operators: Vec<u8> = Vec::new();
        while let Some(next) = inner.next() {
            self.check(&next)?;
            if next.as_rule() == Rule::type_optional {
                let mark = span(&next);
                if let Some(part) = parts.pop() {
                    let base = self.only_type(part)?;
                    parts.push(Part::of(optional(base, mark)));
                }
                continue;
            }
            let level = match next.as_str() {
                "=>" => 0,
                "|" => 1,
                _ => 2,
            };
            while operators
                .last()
                .is_some_and(|top| *top > level || (*top == level && level != 0))
            {
                self.reduce_type(&mut parts, &mut operators)?;
            }
            operators.push(level);
            let right = self.next(&mut inner)?;
            parts.push(self.type_part(right)?);
        }
        while !operators.is_empty() {
            self.reduce_type(&mut parts, &mut operators)?;
        }
        parts.pop().ok_or(Stop::Fatal)
    }

    fn reduce_type(&mut self, parts: &mut Vec<Part<'s>>, operators: &mut Vec<u8>) -> Build<()> {
        let (Some(level), Some(right), Some(left)) = (operators.pop(), parts.pop(), parts.pop())
        else {
            return Err(Stop::Fatal);
        };
        let right = self.only_type(right)?;
        if level == 0 {
            let (params, rest, start) = match left {
                Part::Params { params, rest, span } => (params, rest.map(Box::new), span),
                Part::Type(left) => {
                    let start = left.span;
                    match left.kind {
                        Partial::Tuple(items) => (
                            items.into_iter().map(|item| (None, item)).collect(),
                            None,
                            start,
                        ),
                        kind => (vec![(None, PartialType { kind, span: start })], None, start),
                    }
                }
            };
            let span = start.to(right.span);
            parts.push(Part::of(PartialType {
                kind: Partial::Lambda(params, rest, Box::new(right)),
                span,
            }));
            return Ok(());
        }
        let left = self.only_type(left)?;
        let span = left.span.to(right.span);
        let kind = match (level, left) {
            (
                1,
                PartialType {
                    kind: Partial::Union(mut members),
                    ..
                },
            ) => {
                members.push(right);
                Partial::Union(members)
            }
            (1, left) => Partial::Union(vec![left, right]),
            (
                _,
                PartialType {
                    kind: Partial::Intersect(mut members),
                    ..
                },
            ) => {
                members.push(right);
                Partial::Intersect(members)
            }
            (_, left) => Partial::Intersect(vec![left, right]),
        };
        parts.push(Part::of(PartialType { kind, span }));
        Ok(())
    }

    /// Refuses a list of parameters that no `=>` follows.
    fn only_type(&mut self, part: Part<'s>) -> Build<PartialType<'s>> {
        match part {
            Part::Type(partial) => Ok(*partial),
            Part::Params { params, rest, span } => {
                for (name, _) in &params {
                    if let Some(name) = name {
                        self.error("Only lambda argument types may be named", name.span);
                    }
                }
                if let Some((_, ty)) = &rest {
                    self.error("Invalid variadic argument", ty.span);
                }
                Ok(PartialType {
                    kind: Partial::Tuple(params.into_iter().map(|(_, ty)| ty).collect()),
                    span,
                })
            }
        }
    }

    fn type_part(&mut self, pair: Pair<'s, Rule>) -> Build<Part<'s>> {
        self.check(&pair)?;
        let whole = span(&pair);
        let kind = match pair.as_rule() {
            Rule::type_named => return self.type_named(pair),
            Rule::type_tuple => return self.type_tuple(pair),
            Rule::number => Partial::Simple(match self.number(pair)? {
                ExprKind::Int(value) => TypeKind::Int(i64::from(value)),
                ExprKind::Long(value) => TypeKind::Int(value),
                ExprKind::Double(value) => TypeKind::Double(value),
                _ => return Err(Stop::Fatal),
            }),
            Rule::string | Rule::plain_string => {
                Partial::Simple(TypeKind::String(self.string(pair)?))
            }
            Rule::type_object => self.type_object(pair)?,
            Rule::type_array => {
                let mut items = Vec::new();
                for item in pair.into_inner() {
                    items.push(self.partial_type(item)?);
                }
                Partial::Tuple(items)
            }
            _ => return Err(Stop::Fatal),
        };
        Ok(Part::of(PartialType { kind, span: whole }))
    }

    fn type_named(&mut self, pair: Pair<'s, Rule>) -> Build<Part<'s>> {
        let whole = span(&pair);
        let mut inner = children(pair.into_inner());
        let name = self.next(&mut inner)?;
        self.type_name_end = span(&name).end as usize;
        let mut args = Vec::new();
        for arg in inner {
            args.push(self.partial_type(arg)?);
        }
        let kind = if args.is_empty() {
            Partial::Simple(match name.as_str() {
                "Any" => TypeKind::Any,
                "Never" => TypeKind::Never,
                "true" => TypeKind::Bool(true),
                "false" => TypeKind::Bool(false),
                other => TypeKind::Name(Str::from(other)),
            })
        } else {
            self.type_name_end = usize::MAX;
            Partial::Cons(plain_ident(&name), args)
        };
        Ok(Part::of(PartialType { kind, span: whole }))
    }

    /// `(A)` is A; other lists are tuples or, before `=>`, parameters.
    fn type_tuple(&mut self, pair: Pair<'s, Rule>) -> Build<Part<'s>> {
        let whole = span(&pair);
        let mut params: Vec<(Option<Ident>, PartialType<'s>)> = Vec::new();
        let mut rest: Option<(Option<Ident>, PartialType<'s>)> = None;
        let mut named = false;
        for param in pair.into_inner() {
            self.check(&param)?;
            let mut name = None;
            let mut variadic = false;
            for part in param.into_inner() {
                match part.as_rule() {
                    Rule::name => {
                        name = Some(self.ident(&part).map_err(fatal)?);
                        named = true;
                    }
                    Rule::type_rest => variadic = true,
                    _ => {
                        let ty = self.partial_type(part)?;
                        // Only the last may be variadic.
                        if let Some((_, earlier)) = rest.take() {
                            self.error("Invalid variadic argument", earlier.span);
                        }
                        if variadic {
                            rest = Some((name.take(), ty));
                        } else {
                            params.push((name.take(), ty));
                        }
                    }
                }
            }
        }
        if named || rest.is_some() {
            return Ok(Part::Params {
                params,
                rest,
                span: whole,
            });
        }
        if params.len() == 1
            && let Some((_, only)) = params.pop()
        {
            return Ok(Part::of(only));
        }
        let items = params.into_iter().map(|(_, ty)| ty).collect();
        Ok(Part::of(PartialType {
            kind: Partial::Tuple(items),
            span: whole,
        }))
    }

    fn type_object(&mut self, pair: Pair<'s, Rule>) -> Build<Partial<'s>> {
        let mut members = Vec::new();
        for member in pair.into_inner() {
            self.check(&member)?;
            let whole = span(&member);
            let rule = member.as_rule();
            let mut inner = children(member.into_inner());
            members.push(match rule {
                Rule::type_open => Member::Open(whole),
                Rule::type_wildcard => {
                    let ty = self.next(&mut inner)?;
                    Member::Wildcard(self.partial_type(ty)?, whole)
                }
                _ => {
                    let key = self.next(&mut inner)?;
                    let key = self.key(key)?;
                    let ty = self.next(&mut inner)?;
                    let ty = self.partial_type(ty)?;
                    let default = inner.next();
                    if let Some(default) = &default {
                        self.check(default)?;
                    }
                    Member::Field(key, ty, default, whole)
                }
            });
        }
        Ok(Partial::Object(members))
    }

    // ------------------------------------------------------------------------------------------ second pass: rules

    pub(super) fn complete(&mut self, partial: PartialType<'s>, usage: TypeUse) -> Build<TypeExpr> {
        let span = partial.span;
        let kind = match partial.kind {
            Partial::Simple(kind) => kind,
            Partial::Cons(name, args) => TypeKind::Cons(
                name,
                self.complete_all(args, usage.without_defaults(NOT_OBJECT, span))?,
            ),
            Partial::Object(members) => self.complete_object(members, span, usage)?,
            Partial::Tuple(items) => {
                TypeKind::Tuple(self.complete_all(items, usage.without_defaults(NOT_OBJECT, span))?)
            }
            Partial::Lambda(params, rest, result) => {
                let usage = usage.without_defaults(NOT_OBJECT, span);
                let mut done = Vec::with_capacity(params.len());
                for (name, ty) in params {
                    done.push((name, self.complete(ty, usage)?));
                }
                let rest = match rest {
                    Some(rest) => Some(Box::new((rest.0, self.complete(rest.1, usage)?))),
                    None => None,
                };
                TypeKind::Lambda {
                    params: done,
                    rest,
                    result: Box::new(self.complete(*result, usage)?),
                }
            }
            Partial::Union(members) => TypeKind::Union(
                self.complete_all(members, usage.without_defaults("Parent is a union", span))?,
            ),
            Partial::Intersect(members) => TypeKind::Intersect(
                self.complete_all(members, usage.without_defaults(NOT_OBJECT, span))?,
            ),
            Partial::Optional(base, mark) => {
                let usage = usage.without_defaults("Parent is nullable", mark);
                TypeKind::Optional(Box::new(self.complete(*base, usage)?))
            }
        };
        Ok(TypeExpr { kind, span })
    }

    fn complete_all(
        &mut self,
        items: Vec<PartialType<'s>>,
        usage: TypeUse,
    ) -> Build<Vec<TypeExpr>> {
        items
            .into_iter()
            .map(|item| self.complete(item, usage))
            .collect()
    }

    fn complete_object(
        &mut self,
        members: Vec<Member<'s>>,
        whole: Span,
        usage: TypeUse,
    ) -> Build<TypeKind> {
        let keys: Vec<&Ident> = members
            .iter()
            .filter_map(|member| match member {
                Member::Field(name, ..) => Some(name),
                Member::Wildcard(..) | Member::Open(_) => None,
            })
            .collect();
        self.duplicate_keys(keys.into_iter());
        let usage = if members
            .iter()
            .any(|member| matches!(member, Member::Open(_)))
        {
            usage.without_defaults(NOT_OBJECT, whole)
        } else {
            usage
        };
        let mut fields = Vec::new();
        let mut wildcard: Option<(Box<TypeExpr>, Span)> = None;
        let mut open: Option<Span> = None;
        for member in members {
            let at = match &member {
                Member::Field(_, _, _, span) | Member::Wildcard(_, span) | Member::Open(span) => {
                    *span
                }
            };
            if let Some((_, defined)) = &wildcard {
                let error = Diagnostic::error(
                    "Wildcard must be the last element in an object",
                    self.at(at),
                )
                .hint("Wildcard defined here", self.at(*defined));
                self.errors.push(error);
            }
            if let Some(defined) = open {
                let error = Diagnostic::error(
                    "Interface must be the last element in an object",
                    self.at(at),
                )
                .hint("Interface defined here", self.at(defined));
                self.errors.push(error);
            }
            match member {
                Member::Open(span) => open = Some(span),
                Member::Wildcard(ty, _) => {
                    let ty = self.complete(ty, usage.without_defaults(NOT_OBJECT, at))?;
                    let span = ty.span;
                    wildcard = Some((Box::new(ty), span));
                }
                Member::Field(name, ty, default, _) => {
                    let default = match default {
                        Some(pair) => Some(Box::new(self.expr(pair, false).map_err(fatal)?)),
                        None => None,
                    };
                    let inner = match &default {
                        Some(expr) => {
                            self.default_allowed(expr.span, usage);
                            usage.without_defaults(CONFLICTING, expr.span)
                        }
                        None => usage,
                    };
                    fields.push(TypeField {
                        name,
                        ty: self.complete(ty, inner)?,
                        default,
                    });
                }
            }
        }
        Ok(TypeKind::Object {
            fields,
            wildcard: wildcard.map(|(ty, _)| ty),
            open: open.is_some(),
        })
    }

    fn default_allowed(&mut self, default: Span, usage: TypeUse) {
        let error = Diagnostic::error("Default values are not allowed here", self.at(default));
        match usage {
            TypeUse::Schema => {}
            TypeUse::Annotation => self.errors.push(error),
            TypeUse::NoDefaults(why, at) => {
                let error = error.hint(why, self.at(at));
                self.errors.push(error);
            }
        }
    }
}

const CONFLICTING: &str = "Parent has a conflicting default value";
const NOT_OBJECT: &str = "Parent is not an object";

impl<'s> Part<'s> {
    fn of(partial: PartialType<'s>) -> Part<'s> {
        Part::Type(Box::new(partial))
    }
}

/// `base?`; a second mark adds nothing.
fn optional(base: PartialType<'_>, mark: Span) -> PartialType<'_> {
    let span = base.span.to(mark);
    match base.kind {
        Partial::Optional(inner, first) => PartialType {
            kind: Partial::Optional(inner, first),
            span,
        },
        kind => PartialType {
            kind: Partial::Optional(
                Box::new(PartialType {
                    kind,
                    span: base.span,
                }),
                mark,
            ),
            span,
        },
    }
}
