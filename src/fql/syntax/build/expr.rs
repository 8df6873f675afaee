//! Expressions: branches, lambdas, operator chains, atoms.

use super::{Build, Builder, Children, Stop, children, plain_ident, span};
use crate::fql::syntax::ast::{BinaryOp, Expr, ExprKind, Ident, Lambda, Param, Str, UnaryOp};
use crate::fql::syntax::diagnostic::Diagnostic;
use crate::fql::syntax::grammar::Rule;
use crate::fql::syntax::source::Span;
use pest::iterators::Pair;
use std::collections::HashMap;
use std::sync::Arc;

/// An expression under construction: whether it begins with a dot decides what becomes of it.
pub(super) struct Operand {
    pub(super) expr: Expr,
    pub(super) form: Form,
}

/// How an operand refers to [`ExprKind::This`].
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// Not at all.
    Plain,
    /// It is the body of a short lambda that may still grow.
    Short,
    /// It is the body of a parenthesised short lambda; the span without the parentheses. As an operand of a binary
    /// operator it joins that lambda, elsewhere it is a lambda of its own.
    Parenthesised(Span),
}

impl Operand {
    pub(super) fn plain(kind: ExprKind, span: Span) -> Operand {
        Operand {
            expr: Expr { kind, span },
            form: Form::Plain,
        }
    }

    /// The same, with a parenthesised short lambda closed off.
    pub(super) fn closed(self) -> Operand {
        match self.form {
            Form::Plain | Form::Short => self,
            Form::Parenthesised(inner) => {
                let span = self.expr.span;
                Operand {
                    expr: Expr {
                        span,
                        ..short_lambda(self.expr, inner)
                    },
                    form: Form::Plain,
                }
            }
        }
    }
}

fn short_lambda(body: Expr, span: Span) -> Expr {
    let start = Span {
        start: span.start,
        end: span.start,
    };
    let lambda = Lambda {
        params: vec![Param {
            name: None,
            span: start,
        }],
        rest: None,
        body: Expr {
            kind: body.kind,
            span,
        },
        short: true,
        span,
    };
    Expr {
        kind: ExprKind::Lambda(Arc::new(lambda)),
        span,
    }
}

impl<'s> Builder<'s> {
    /// An expression; `short` where a short lambda may stand.
    pub(super) fn expr(&mut self, pair: Pair<'s, Rule>, short: bool) -> Build<Expr> {
        let operand = self.operand_expr(pair)?;
        self.settle(operand, short)
    }

    /// Makes a lambda of a body in short form.
    pub(super) fn settle(&mut self, operand: Operand, short: bool) -> Build<Expr> {
        let Operand { expr, form } = operand.closed();
        match form {
            Form::Plain | Form::Parenthesised(_) => Ok(expr),
            Form::Short => {
                let span = expr.span;
                if !short {
                    self.error("Invalid anonymous field access", span);
                }
                Ok(short_lambda(expr, span))
            }
        }
    }

    /// An expression, short form not yet settled.
    pub(super) fn operand_expr(&mut self, pair: Pair<'s, Rule>) -> Build<Operand> {
        self.check(&pair)?;
        let at = span(&pair);
        let beside = std::mem::take(&mut self.height);
        let operand = match pair.as_rule() {
            Rule::operation => self.operation(pair),
            Rule::lambda => self.lambda(pair),
            Rule::if_expr => self.if_expr(pair),
            Rule::at_expr => self.at_expr(pair),
            Rule::match_expr => self.match_expr(pair),
            _ => Err(Stop::Fatal),
        }?;
        self.height = beside.max(self.height + 1);
        self.check_height(at)?;
        Ok(operand)
    }

    fn if_expr(&mut self, pair: Pair<'s, Rule>) -> Build<Operand> {
        let start = span(&pair);
        let mut inner = children(pair.into_inner());
        let cond = self.branch(&mut inner)?;
        let then = self.branch(&mut inner)?;
        let otherwise = match inner.peek() {
            Some(_) => Some(self.branch(&mut inner)?),
            None => None,
        };
        let end = otherwise
            .as_ref()
            .map_or(then.span.end, |expr| expr.span.end);
        let kind = ExprKind::If {
            cond: Box::new(cond),
            then: Box::new(then),
            otherwise: otherwise.map(Box::new),
        };
        Ok(Operand::plain(
            kind,
            Span {
                start: start.start,
                end,
            },
        ))
    }

    fn at_expr(&mut self, pair: Pair<'s, Rule>) -> Build<Operand> {
        let start = span(&pair);
        let mut inner = children(pair.into_inner());
        let time = self.branch(&mut inner)?;
        let body = self.branch(&mut inner)?;
        let end = body.span.end;
        let kind = ExprKind::At {
            time: Box::new(time),
            body: Box::new(body),
        };
        Ok(Operand::plain(
            kind,
            Span {
                start: start.start,
                end,
            },
        ))
    }

    /// The next expression of `if` and `at`. A reserved word there ends no statement before it.
    fn branch(&mut self, pairs: &mut Children<'s>) -> Build<Expr> {
        let pair = self.next(pairs)?;
        self.expr(pair, false)
    }

    fn match_expr(&mut self, pair: Pair<'s, Rule>) -> Build<Operand> {
        let whole = span(&pair);
        let mut inner = children(pair.into_inner());
        let subject = self.operand(&mut inner)?;
        let subject = self.settle(subject, false)?;
        for case in inner {
            self.check(&case)?;
            for part in case.into_inner() {
                match part.as_rule() {
                    Rule::operation
                    | Rule::lambda
                    | Rule::if_expr
                    | Rule::at_expr
                    | Rule::match_expr => {
                        self.expr(part, false)?;
                    }
                    // Patterns hold these literals, which no other name may be.
                    Rule::name if matches!(part.as_str(), "null" | "true" | "false") => {}
                    Rule::name => {
                        self.ident(&part)?;
                    }
                    _ => self.check_deep(part)?,
                }
            }
        }
        Ok(Operand::plain(
            ExprKind::Match {
                subject: Box::new(subject),
            },
            whole,
        ))
    }

    /// Stops at an error rule anywhere within.
    fn check_deep(&mut self, pair: Pair<'s, Rule>) -> Build<()> {
        self.check(&pair)?;
        for inner in pair.into_inner().flatten() {
            self.check(&inner)?;
        }
        Ok(())
    }

    // ------------------------------------------------------------------------------------------ lambdas

    fn lambda(&mut self, pair: Pair<'s, Rule>) -> Build<Operand> {
        let start = span(&pair);
        let mut inner = children(pair.into_inner());
        let head = self.next(&mut inner)?;
        let mut params = Vec::new();
        let mut rest = None;
        if head.as_rule() == Rule::params {
            for param in head.into_inner() {
                if param.as_rule() == Rule::rest_param {
                    if let Some(name) = param.into_inner().next() {
                        rest = Some(self.ident(&name)?);
                    }
                } else {
                    params.push(self.ident(&param)?);
                }
            }
        } else {
            params.push(self.ident(&head)?);
        }
        let body = self.next(&mut inner)?;
        let body = self.expr(body, false)?;
        let whole = Span {
            start: start.start,
            end: body.span.end,
        };
        self.duplicate_params(params.iter().chain(&rest));
        let lambda = Lambda {
            params: params.into_iter().map(param).collect(),
            rest: rest.map(param),
            body,
            short: false,
            span: whole,
        };
        Ok(Operand::plain(ExprKind::Lambda(Arc::new(lambda)), whole))
    }

    fn duplicate_params<'a>(&mut self, names: impl Iterator<Item = &'a Ident>) {
        let mut seen: HashMap<&str, Span> = HashMap::new();
        for ident in names.filter(|ident| &*ident.name != "_") {
            match seen.get(&*ident.name) {
                Some(original) => {
                    let error = Diagnostic::error("Duplicate lambda argument", self.at(ident.span))
                        .hint("Argument originally defined here", self.at(*original));
                    self.errors.push(error);
                }
                None => {
                    seen.insert(&ident.name, ident.span);
                }
            }
        }
    }

    // ------------------------------------------------------------------------------------------ operators

    fn operation(&mut self, pair: Pair<'s, Rule>) -> Build<Operand> {
        let mut inner = children(pair.into_inner());
        let mut result = self.operand(&mut inner)?;
        if matches!(
            inner.peek().map(Pair::as_rule),
            Some(Rule::binary_op | Rule::binary_op_any_line)
        ) {
            result = self.operators(result, &mut inner)?;
        }
        if let Some(projection) = inner.next() {
            result = self.projection(result.closed(), projection)?;
        }
        Ok(result)
    }

    /// Builds the tree of a flat chain of operators by their binding strength.
    fn operators(&mut self, first: Operand, pairs: &mut Children<'s>) -> Build<Operand> {
        let mut operands = Climb::default();
        operands.push_operand(first);
        while let Some(op) = pairs
            .next_if(|pair| matches!(pair.as_rule(), Rule::binary_op | Rule::binary_op_any_line))
        {
            let op_span = span(&op);
            let Some(op) = binary_op(op.as_str()) else {
                return Err(Stop::Fatal);
            };
            self.height += 1;
            self.check_operators()?;
            operands.push_operator(op, op_span);
            let right = self.operand(pairs)?;
            operands.push_operand(right);
        }
        operands.finish().ok_or(Stop::Fatal)
    }

    /// An atom with its links, or a unary operator and its operand.
    pub(super) fn operand(&mut self, pairs: &mut Children<'s>) -> Build<Operand> {
        let pair = self.next(pairs)?;
        if pair.as_rule() != Rule::unary_op {
            return self.chain(pair, pairs);
        }
        let op_span = span(&pair);
        let op = match pair.as_str() {
            "-" => UnaryOp::Neg,
            "~" => UnaryOp::BitNot,
            _ => UnaryOp::Not,
        };
        let Operand { expr, form } = self.operand(pairs)?.closed();
        let whole = op_span.to(expr.span);
        let kind = ExprKind::Unary {
            op,
            op_span,
            operand: Box::new(expr),
        };
        Ok(Operand {
            expr: Expr { kind, span: whole },
            form,
        })
    }

    // ------------------------------------------------------------------------------------------ atoms

    pub(super) fn atom(&mut self, pair: Pair<'s, Rule>) -> Build<Operand> {
        let whole = span(&pair);
        let kind = match pair.as_rule() {
            Rule::name => match pair.as_str() {
                "null" => ExprKind::Null,
                "true" => ExprKind::Bool(true),
                "false" => ExprKind::Bool(false),
                _ => ExprKind::Ident(self.ident(&pair)?.name),
            },
            Rule::number => self.number(pair)?,
            Rule::string => ExprKind::String(self.string(pair)?),
            Rule::template => self.template(pair)?,
            Rule::heredoc => ExprKind::String(self.heredoc(pair)?),
            Rule::heredoc_template => self.heredoc_template(pair)?,
            Rule::object => self.object(pair)?,
            Rule::block => self.block(pair)?,
            Rule::array => ExprKind::Array(self.items(pair, false)?),
            Rule::tuple | Rule::head_tuple => return self.parentheses(pair),
            Rule::placeholder => {
                let n = self.placeholders;
                self.placeholders += 1;
                ExprKind::Placeholder(n)
            }
            _ => return Err(Stop::Fatal),
        };
        Ok(Operand::plain(kind, whole))
    }

    /// The expressions between brackets.
    pub(super) fn items(&mut self, pair: Pair<'s, Rule>, short: bool) -> Build<Vec<Expr>> {
        let mut items = Vec::new();
        for item in pair.into_inner() {
            items.push(self.expr(item, short).map_err(fatal)?);
        }
        Ok(items)
    }

    /// One element is itself, none or several are an array.
    fn parentheses(&mut self, pair: Pair<'s, Rule>) -> Build<Operand> {
        let whole = span(&pair);
        let mut elements = Vec::new();
        let mut has_rest = false;
        for element in pair.into_inner() {
            if element.as_rule() == Rule::rest_element {
                for part in element.into_inner() {
                    self.check(&part)?;
                    self.ident(&part).map_err(fatal)?;
                }
                has_rest = true;
            } else {
                elements.push(self.operand_expr(element).map_err(fatal)?);
            }
        }
        let names_only = || {
            elements
                .iter()
                .all(|element| matches!(element.expr.kind, ExprKind::Ident(_)))
        };
        if has_rest && !names_only() {
            self.error("invalid variadic tuple", whole);
            return Err(Stop::Fatal);
        }
        if elements.len() == 1
            && let Some(Operand { expr, form }) = elements.pop()
        {
            let form = match form {
                Form::Plain => Form::Plain,
                Form::Short => Form::Parenthesised(expr.span),
                Form::Parenthesised(_) => {
                    let closed = Operand { expr, form }.closed();
                    return Ok(Operand {
                        expr: Expr {
                            span: whole,
                            ..closed.expr
                        },
                        form: Form::Plain,
                    });
                }
            };
            return Ok(Operand {
                expr: Expr {
                    span: whole,
                    ..expr
                },
                form,
            });
        }
        let mut items = Vec::with_capacity(elements.len());
        for element in elements {
            items.push(self.settle(element, true)?);
        }
        Ok(Operand::plain(ExprKind::Array(items), whole))
    }

    fn block(&mut self, pair: Pair<'s, Rule>) -> Build<ExprKind> {
        let whole = span(&pair);
        let mut inner = children(pair.into_inner());
        let stmts = self.body(&mut inner, "block").map_err(fatal)?;
        self.rest(&mut inner)?;
        Ok(ExprKind::Block(crate::fql::syntax::ast::Block {
            stmts,
            span: whole,
        }))
    }
}

/// A reserved word behind an opening bracket ends nothing outside.
pub(super) fn fatal(stop: Stop) -> Stop {
    match stop {
        Stop::Fatal | Stop::Reserved(_) => Stop::Fatal,
    }
}

fn param(ident: Ident) -> Param {
    let name: Option<Str> = (&*ident.name != "_").then_some(ident.name);
    Param {
        name,
        span: ident.span,
    }
}

fn binary_op(text: &str) -> Option<BinaryOp> {
    Some(match text {
        "??" => BinaryOp::Coalesce,
        "||" => BinaryOp::Or,
        "&&" => BinaryOp::And,
        "==" => BinaryOp::Eq,
        "!=" => BinaryOp::Ne,
        "=~" => BinaryOp::Match,
        "!~" => BinaryOp::NotMatch,
        ">" => BinaryOp::Gt,
        "<" => BinaryOp::Lt,
        ">=" => BinaryOp::Ge,
        "<=" => BinaryOp::Le,
        "isa" => BinaryOp::Isa,
        "|" => BinaryOp::BitOr,
        "^" => BinaryOp::BitXor,
        "&" => BinaryOp::BitAnd,
        "+" => BinaryOp::Add,
        "-" => BinaryOp::Sub,
        "*" => BinaryOp::Mul,
        "/" => BinaryOp::Div,
        "%" => BinaryOp::Rem,
        "**" => BinaryOp::Pow,
        _ => return None,
    })
}

/// Precedence climbing over operands and operators as they come.
#[derive(Default)]
struct Climb {
    operands: Vec<Expr>,
    operators: Vec<(BinaryOp, Span)>,
    /// Some operand was in short form: so is the whole.
    short: bool,
}

impl Climb {
    fn push_operand(&mut self, operand: Operand) {
        self.short |= match operand.form {
            Form::Plain => false,
            Form::Short | Form::Parenthesised(_) => true,
        };
        self.operands.push(operand.expr);
    }

    fn push_operator(&mut self, op: BinaryOp, span: Span) {
        let level = op.level();
        while let Some((top, _)) = self.operators.last() {
            let binds = top.level() > level || (top.level() == level && op != BinaryOp::Pow);
            if !binds || self.reduce().is_none() {
                break;
            }
        }
        self.operators.push((op, span));
    }

    fn reduce(&mut self) -> Option<()> {
        let (op, op_span) = self.operators.pop()?;
        let right = self.operands.pop()?;
        let left = self.operands.pop()?;
        let span = left.span.to(right.span);
        let kind = ExprKind::Binary {
            op,
            op_span,
            left: Box::new(left),
            right: Box::new(right),
        };
        self.operands.push(Expr { kind, span });
        Some(())
    }

    fn finish(mut self) -> Option<Operand> {
        while !self.operators.is_empty() {
            self.reduce()?;
        }
        let form = if self.short { Form::Short } else { Form::Plain };
        Some(Operand {
            expr: self.operands.pop()?,
            form,
        })
    }
}

/// The name of a field, for a link.
pub(super) fn field_name(pair: &Pair<'_, Rule>) -> Ident {
    plain_ident(pair)
}
