//! Types as text (`spec typing 3`): one printer for inferred types, messages and, as `{:#}`, stored
//! signatures.

use super::term::Lit;
use crate::fql::syntax::ast::{Str, TypeExpr, TypeKind, TypeScheme};
use crate::fql::syntax::write_escaped;
use std::fmt::{self, Display, Formatter, Write};

/// A type in the form it is shown: the type language, and the forms that cannot be written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shown {
    Any,
    Never,
    /// Part of an expression that failed.
    Hole,
    Lit(Lit),
    Name(Str),
    Cons(Str, Vec<Shown>),
    Object(Vec<(Str, Shown)>, Option<Box<Shown>>),
    Interface(Vec<(Str, Shown)>),
    Tuple(Vec<Shown>),
    Lambda {
        params: Vec<(Option<Str>, Shown)>,
        variadic: Option<Box<(Option<Str>, Shown)>>,
        result: Box<Shown>,
    },
    Union(Vec<Shown>),
    Intersect(Vec<Shown>),
    Nullable(Box<Shown>),
    Difference(Box<Shown>, Box<Shown>),
    Recursive(Str, Box<Shown>),
    Projection(Box<Shown>, Box<Shown>),
}

/// A type expression in canonical text.
pub fn print_type(expr: &TypeExpr) -> String {
    format!("{:#}", Shown::from(expr))
}

/// A signature in canonical text.
pub fn print_scheme(scheme: &TypeScheme) -> String {
    let params: Vec<&str> = scheme.params.iter().map(|param| &*param.name).collect();
    match params.is_empty() {
        true => print_type(&scheme.ty),
        false => format!("<{}> {}", params.join(", "), print_type(&scheme.ty)),
    }
}

impl From<&TypeExpr> for Shown {
    fn from(expr: &TypeExpr) -> Shown {
        let all = |items: &[TypeExpr]| items.iter().map(Shown::from).collect::<Vec<_>>();
        match &expr.kind {
            TypeKind::Any => Shown::Any,
            TypeKind::Never => Shown::Never,
            TypeKind::Bool(value) => Shown::Lit(Lit::Bool(*value)),
            TypeKind::Int(value) => Shown::Lit(Lit::Int(*value)),
            TypeKind::Double(value) => Shown::Lit(super::resolve::number(*value)),
            TypeKind::String(value) => Shown::Lit(Lit::String(value.clone())),
            TypeKind::Name(name) => Shown::Name(name.clone()),
            TypeKind::Cons(name, args) => Shown::Cons(name.name.clone(), all(args)),
            TypeKind::Object {
                fields,
                wildcard,
                open,
            } => {
                let fields = fields
                    .iter()
                    .map(|field| (field.name.name.clone(), Shown::from(&field.ty)))
                    .collect();
                match open {
                    true => Shown::Interface(fields),
                    false => Shown::Object(
                        fields,
                        wildcard.as_ref().map(|ty| Box::new(Shown::from(&**ty))),
                    ),
                }
            }
            TypeKind::Tuple(items) => Shown::Tuple(all(items)),
            TypeKind::Lambda {
                params,
                rest,
                result,
            } => Shown::Lambda {
                params: params
                    .iter()
                    .map(|(name, ty)| {
                        (name.as_ref().map(|name| name.name.clone()), Shown::from(ty))
                    })
                    .collect(),
                variadic: rest.as_deref().map(|(name, ty)| {
                    Box::new((name.as_ref().map(|name| name.name.clone()), Shown::from(ty)))
                }),
                result: Box::new(Shown::from(&**result)),
            },
            TypeKind::Union(items) => Shown::Union(all(items)),
            TypeKind::Intersect(items) => Shown::Intersect(all(items)),
            TypeKind::Optional(base) => Shown::Nullable(Box::new(Shown::from(&**base))),
        }
    }
}

impl Display for Shown {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        self.write(out, 0)
    }
}

impl Shown {
    /// Writes the type where `context` binds that strongly.
    fn write(&self, out: &mut Formatter<'_>, context: u8) -> fmt::Result {
        let own = match self {
            Shown::Lambda { .. } => 10,
            Shown::Difference(..) => 15,
            Shown::Union(_) => 20,
            Shown::Intersect(_) => 30,
            Shown::Recursive(..) => 40,
            Shown::Any
            | Shown::Never
            | Shown::Hole
            | Shown::Lit(_)
            | Shown::Name(_)
            | Shown::Cons(..)
            | Shown::Object(..)
            | Shown::Interface(_)
            | Shown::Tuple(_)
            | Shown::Nullable(_)
            | Shown::Projection(..) => u8::MAX,
        };
        if context > own {
            out.write_char('(')?;
            self.write_bare(out)?;
            return out.write_char(')');
        }
        self.write_bare(out)
    }

    fn write_bare(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Shown::Any => out.write_str("Any"),
            Shown::Never => out.write_str("Never"),
            Shown::Hole => out.write_char('_'),
            Shown::Lit(lit) => write!(out, "{lit}"),
            Shown::Name(name) => out.write_str(name),
            Shown::Cons(name, args) => {
                write!(out, "{name}<")?;
                join(out, args, ", ", 0)?;
                out.write_char('>')
            }
            Shown::Object(fields, wildcard) => {
                if fields.is_empty() && wildcard.is_none() {
                    return out.write_str("{}");
                }
                out.write_str("{ ")?;
                write_fields(out, fields)?;
                if let Some(wildcard) = wildcard {
                    out.write_str(if fields.is_empty() { "*: " } else { ", *: " })?;
                    wildcard.write(out, 0)?;
                }
                out.write_str(" }")
            }
            Shown::Interface(fields) => {
                if fields.is_empty() {
                    return out.write_str("{ ... }");
                }
                out.write_str("{ ")?;
                write_fields(out, fields)?;
                out.write_str(", ... }")
            }
            Shown::Tuple(parts) => {
                out.write_char('[')?;
                join(out, parts, ", ", 0)?;
                out.write_char(']')
            }
            Shown::Lambda {
                params,
                variadic: None,
                result,
            } if params.len() == 1 => {
                let (name, param) = &params[0];
                match name {
                    Some(name) => {
                        write!(out, "({name}: ")?;
                        param.write(out, 11)?;
                        out.write_char(')')?;
                    }
                    // A tuple before `=>` reads as a list of parameters: this is the list of one, the tuple.
                    // Messages do not mind, as the original; what is stored must read back.
                    None if out.alternate() && matches!(param, Shown::Tuple(_)) => {
                        out.write_char('[')?;
                        param.write(out, 0)?;
                        out.write_char(']')?;
                    }
                    None => param.write(out, 11)?,
                }
                out.write_str(" => ")?;
                result.write(out, 10)
            }
            Shown::Lambda {
                params,
                variadic,
                result,
            } => {
                out.write_char('(')?;
                for (position, (name, param)) in params.iter().enumerate() {
                    if position > 0 {
                        out.write_str(", ")?;
                    }
                    if let Some(name) = name {
                        write!(out, "{name}: ")?;
                    }
                    param.write(out, 10)?;
                }
                if let Some(variadic) = variadic {
                    if !params.is_empty() {
                        out.write_str(", ")?;
                    }
                    if let Some(name) = &variadic.0 {
                        write!(out, "{name}: ")?;
                    }
                    out.write_str("...")?;
                    variadic.1.write(out, 10)?;
                }
                out.write_str(") => ")?;
                result.write(out, 10)
            }
            Shown::Union(parts) => join(out, parts, " | ", 20),
            Shown::Intersect(parts) => join(out, parts, " & ", 30),
            Shown::Nullable(base) => {
                base.write(out, 50)?;
                out.write_char('?')
            }
            Shown::Difference(left, right) => {
                left.write(out, 50)?;
                out.write_str(" - ")?;
                right.write(out, 50)
            }
            Shown::Recursive(name, inner) => {
                inner.write(out, 50)?;
                write!(out, " as {name}")
            }
            Shown::Projection(function, result) => {
                out.write_str(".{ ")?;
                function.write(out, 0)?;
                out.write_str(" } => ")?;
                result.write(out, 0)
            }
        }
    }
}

fn join(out: &mut Formatter<'_>, parts: &[Shown], separator: &str, context: u8) -> fmt::Result {
    for (position, part) in parts.iter().enumerate() {
        if position > 0 {
            out.write_str(separator)?;
        }
        part.write(out, context)?;
    }
    Ok(())
}

fn write_fields(out: &mut Formatter<'_>, fields: &[(Str, Shown)]) -> fmt::Result {
    for (position, (name, ty)) in fields.iter().enumerate() {
        if position > 0 {
            out.write_str(", ")?;
        }
        if is_plain_name(name) {
            out.write_str(name)?;
        } else {
            write_quoted(out, name)?;
        }
        out.write_str(": ")?;
        ty.write(out, 0)?;
    }
    Ok(())
}

/// Words that cannot stand unquoted as the name of a field in a printed type.
const KEYWORDS: [&str; 13] = [
    "if", "else", "at", "match", "case", "let", "null", "true", "false", "isa", "join", "on", "of",
];

fn is_plain_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|char| char.is_ascii_alphanumeric() || char == '_')
        && !KEYWORDS.contains(&name)
}

impl Display for Lit {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Lit::Bool(value) => write!(out, "{value}"),
            Lit::Int(value) => write!(out, "{value}"),
            Lit::Number { text, .. } => out.write_str(text),
            Lit::String(text) => write_quoted(out, text),
        }
    }
}

/// A string literal with its escapes.
fn write_quoted(out: &mut Formatter<'_>, text: &str) -> fmt::Result {
    out.write_char('"')?;
    write_escaped(out, text)?;
    out.write_char('"')
}
