//! Expressions → types (`spec typing 5`). Errors accumulate; typing always goes on.

use super::engine::{Engine, Scheme};
use super::failure::Problem;
use super::native::id;
use super::resolve::{self, Resolver};
use super::term::{Function, Level, Lit, Loc, Ty};
use crate::fql::syntax::Span;
use crate::fql::syntax::ast::{
    Args, BinaryOp, Block, Expr, ExprKind, Ident, Lambda, Link, Stmt, Str, TemplatePart, TypeExpr,
};

/// The hidden argument of short lambdas and projections.
const THIS: &str = "$this";

impl Engine<'_> {
    /// The type of a sequence of statements.
    pub(super) fn block(&mut self, block: &Block) -> Ty {
        let outer = self.scope.len();
        let mut result = Ty::never();
        for stmt in &block.stmts {
            match stmt {
                Stmt::Let {
                    name,
                    annotation,
                    value,
                    ..
                } => {
                    let scheme = self.binding(name, annotation.as_ref(), value);
                    self.scope.push((name.name.clone(), scheme));
                }
                Stmt::Expr(expr) => result = self.expr(expr),
            }
        }
        self.scope.truncate(outer);
        result
    }

    /// What a `let` binds its name to.
    fn binding(&mut self, name: &Ident, annotation: Option<&TypeExpr>, value: &Expr) -> Scheme {
        let level = self.level;
        self.level = level.saturating_add(1);
        let ty = self.expr(value);
        let scheme = match annotation {
            None => {
                self.settle_known(&ty, level);
                Scheme::Quantified(ty, level)
            }
            Some(annotation) => {
                Scheme::Generic(self.annotated(&ty, annotation, self.loc(name.span)))
            }
        };
        self.level = level;
        scheme
    }

    /// Demands that a value has an annotated type, which it then has exactly.
    fn annotated(&mut self, ty: &Ty, annotation: &TypeExpr, at: Loc) -> Ty {
        let level: Level = self.level;
        let mut resolver = Resolver::new(self.env, self.source, true, level);
        let declared = resolver.resolve(annotation);
        let (problems, warnings) = (resolver.problems, resolver.warnings);
        self.problems.extend(problems);
        self.warnings.extend(warnings);
        self.constrain(ty, &declared, at);
        declared
    }

    /// The type of an expression.
    pub(super) fn expr(&mut self, expr: &Expr) -> Ty {
        if !self.step() {
            return Ty::any();
        }
        let errors = self.problems.len();
        self.depth += 8;
        let ty = stacker::maybe_grow(64 * 1024, 1024 * 1024, || self.form(expr));
        self.depth -= 8;
        if self.problems.len() > errors
            && let Some(id) = super::constrain::as_var(&ty)
        {
            self.poison(id);
        }
        self.record(expr.span, &ty);
        ty
    }

    fn record(&mut self, span: Span, ty: &Ty) {
        if let Some(recorded) = &mut self.recorded {
            recorded.push((span, ty.clone()));
        }
    }

    fn error(&mut self, text: impl Into<String>, at: Loc) {
        self.problems.push(Problem::new(text, at));
    }

    fn form(&mut self, expr: &Expr) -> Ty {
        let at = self.loc(expr.span);
        match &expr.kind {
            ExprKind::Null => Ty::named(id::NULL).moved(at),
            ExprKind::Bool(_)
            | ExprKind::Int(_)
            | ExprKind::Long(_)
            | ExprKind::Double(_)
            | ExprKind::String(_) => match self.literal(expr) {
                Some(lit) => Ty::lit(lit, at),
                None => Ty::any(),
            },
            ExprKind::Template(parts) => {
                for part in parts {
                    if let TemplatePart::Expr(part) = part {
                        self.expr(part);
                    }
                }
                Ty::named(id::STRING).moved(at)
            }
            ExprKind::Ident(name) => self.name(name, at),
            ExprKind::This => self.name(THIS, at),
            ExprKind::Placeholder(number) => self.name(&format!("${number}"), at),
            ExprKind::Array(items) => {
                let items = items.iter().map(|item| self.expr(item)).collect();
                Ty::tuple(items, at)
            }
            ExprKind::Object(entries) => self.object(entries, at),
            ExprKind::Block(block) => self.block(block),
            ExprKind::Lambda(lambda) => self.lambda(lambda),
            ExprKind::If {
                cond,
                then,
                otherwise,
            } => {
                let condition = self.expr(cond);
                let cond_at = self.loc(cond.span);
                self.constrain(&condition, &Ty::named(id::BOOLEAN).moved(cond_at), cond_at);
                let Some(otherwise) = otherwise else {
                    self.expr(then);
                    return Ty::named(id::NULL).moved(at);
                };
                let then = self.expr(then);
                let otherwise = self.expr(otherwise);
                let result = self.fresh(at);
                self.constrain(&then, &result, at);
                self.constrain(&otherwise, &result, at);
                result
            }
            ExprKind::At { time, body } => {
                let time_at = self.loc(time.span);
                let time = self.expr(time);
                let body = self.expr(body);
                let times = vec![Ty::named(id::TIME), Ty::named(id::TRANSACTION_TIME)];
                self.constrain(&time, &Ty::union(times, time_at), time_at);
                body
            }
            ExprKind::Match { .. } => {
                self.error("Unimplemented typecheck for class fql.ast.Expr$Match", at);
                Ty::any()
            }
            ExprKind::ProjectAll { .. } => {
                self.error(
                    "Unimplemented typecheck for class fql.ast.Expr$ProjectAll",
                    at,
                );
                Ty::any()
            }
            ExprKind::Binary {
                op,
                op_span,
                left,
                right,
            } => self.binary(*op, *op_span, left, right, at),
            ExprKind::Unary {
                op,
                op_span,
                operand,
            } => {
                let operand_ty = self.expr(operand);
                let operand_at = self.loc(operand.span);
                let op_at = self.loc(*op_span);
                match self.env.operator(op.symbol()) {
                    Some(operator) => {
                        self.call(operator, vec![(operand_ty, operand_at)], op_at, at)
                    }
                    None => self.no_operator(&operand_ty, op.symbol(), op_at, operand_at),
                }
            }
            ExprKind::Chain { base, links } => self.chain(base, links, expr.span),
            ExprKind::Projection { base, entries, .. } => {
                let value = self.expr(base);
                let this = self.fresh(at);
                self.scope.push((THIS.into(), Scheme::Simple(this.clone())));
                let entries = self.object(entries, at);
                self.scope.pop();
                let function = Ty::lambda(vec![this], entries, at);
                let result = self.fresh(at);
                self.constrain(&value, &Ty::project(function, result.clone(), at), at);
                result
            }
        }
    }

    /// A literal's type; `None` for other expressions.
    fn literal(&self, expr: &Expr) -> Option<Lit> {
        Some(match &expr.kind {
            ExprKind::Bool(value) => Lit::Bool(*value),
            ExprKind::Int(value) => Lit::Int(i64::from(*value)),
            ExprKind::Long(value) => Lit::Int(*value),
            ExprKind::Double(value) => self
                .written_number(expr.span)
                .unwrap_or_else(|| resolve::number(*value)),
            ExprKind::String(value) => Lit::String(value.clone()),
            _ => return None,
        })
    }

    /// A number that is no 64-bit integer, in its written form: decimals keep their scale.
    fn written_number(&self, span: Span) -> Option<Lit> {
        let text = self.sources.get(usize::from(self.source))?.text.as_ref()?;
        let written = text.get(span.start as usize..span.end as usize)?;
        let plain: String = written
            .chars()
            .filter(|char| !matches!(char, '_' | '(' | ')') && !char.is_whitespace())
            .collect();
        canonical_number(&plain)
    }

    fn object(&mut self, entries: &[(Ident, Expr)], at: Loc) -> Ty {
        let fields = entries
            .iter()
            .map(|(name, value)| (name.name.clone(), self.expr(value)))
            .collect();
        Ty::record(fields, None, at)
    }

    /// A name: local, else global.
    fn name(&mut self, name: &str, at: Loc) -> Ty {
        let local = self
            .scope
            .iter()
            .rev()
            .find(|(known, _)| &**known == name)
            .map(|(_, scheme)| scheme.clone());
        let scheme = local.or_else(|| {
            let global = self.env.global(name)?;
            Some(if global.generic {
                Scheme::Generic(global)
            } else {
                Scheme::Simple(global)
            })
        });
        match scheme {
            Some(scheme) => self.instantiate(&scheme).placed(at),
            None => {
                self.error(format!("Unbound variable `{name}`"), at);
                Ty::any()
            }
        }
    }

    /// A function literal.
    pub(super) fn lambda(&mut self, lambda: &Lambda) -> Ty {
        let outer = self.scope.len();
        let mut params = Vec::with_capacity(lambda.params.len());
        for param in &lambda.params {
            let at = match (&param.name, lambda.short) {
                (_, true) => self.loc(lambda.body.span),
                (Some(_), false) => self.loc(param.span),
                (None, false) => Loc::NONE,
            };
            let variable = self.fresh(at);
            self.record(param.span, &variable);
            let name = if lambda.short {
                Some(Str::from(THIS))
            } else {
                param.name.clone()
            };
            if let Some(name) = name {
                self.scope.push((name, Scheme::Simple(variable.clone())));
            }
            params.push((None, variable));
        }
        let variadic = lambda.rest.as_ref().map(|rest| {
            let at = if rest.name.is_some() {
                self.loc(rest.span)
            } else {
                Loc::NONE
            };
            let variable = self.fresh(at);
            if let Some(name) = &rest.name {
                let array = Ty::constructed(id::ARRAY, variable.clone()).moved(at);
                self.scope.push((name.clone(), Scheme::Simple(array)));
            }
            (None, variable)
        });
        let result = self.expr(&lambda.body);
        self.scope.truncate(outer);
        let span = if lambda.short {
            lambda.body.span
        } else {
            lambda.span
        };
        Ty::function(
            Function {
                params,
                variadic,
                result,
            },
            self.loc(span),
        )
    }

    fn binary(&mut self, op: BinaryOp, op_span: Span, left: &Expr, right: &Expr, at: Loc) -> Ty {
        let (left_at, right_at, op_at) =
            (self.loc(left.span), self.loc(right.span), self.loc(op_span));
        match op {
            // The operands are not even looked at.
            BinaryOp::Isa => Ty::named(id::BOOLEAN).moved(at),
            BinaryOp::Coalesce => {
                let left = self.expr(left);
                let right = self.expr(right);
                let result = self.fresh(right_at);
                self.constrain(&left.without_null(), &result, left_at);
                self.constrain(&right, &result, right_at);
                result
            }
            BinaryOp::And | BinaryOp::Or => {
                let left = self.expr(left);
                let right = self.expr(right);
                let boolean = Ty::named(id::BOOLEAN).moved(op_at);
                self.constrain(&left, &boolean, left_at);
                self.constrain(&right, &boolean, right_at);
                Ty::named(id::BOOLEAN).moved(at)
            }
            BinaryOp::Eq
            | BinaryOp::Ne
            | BinaryOp::Match
            | BinaryOp::NotMatch
            | BinaryOp::Gt
            | BinaryOp::Lt
            | BinaryOp::Ge
            | BinaryOp::Le
            | BinaryOp::BitOr
            | BinaryOp::BitXor
            | BinaryOp::BitAnd
            | BinaryOp::Add
            | BinaryOp::Sub
            | BinaryOp::Mul
            | BinaryOp::Div
            | BinaryOp::Rem
            | BinaryOp::Pow => {
                let left = self.expr(left);
                match self.env.operator(op.symbol()) {
                    Some(operator) => {
                        let right = self.expr(right);
                        self.call(
                            operator,
                            vec![(left, left_at), (right, right_at)],
                            right_at,
                            at,
                        )
                    }
                    None => self.no_operator(&left, op.symbol(), op_at, left_at),
                }
            }
        }
    }

    fn no_operator(&mut self, value: &Ty, symbol: &str, op_at: Loc, at: Loc) -> Ty {
        let failure = super::failure::Failure::MissingField {
            value: value.clone(),
            field: symbol.to_owned(),
            dot: op_at,
            at,
        };
        let problem = self.problem(&failure);
        self.problems.push(problem);
        Ty::any()
    }

    /// A call: the callee is constrained first, so that argument errors point at arguments.
    fn call(&mut self, callee: Ty, args: Vec<(Ty, Loc)>, args_at: Loc, call_at: Loc) -> Ty {
        self.using(callee, args, args_at, call_at, Ty::apply)
    }

    fn using(
        &mut self,
        callee: Ty,
        args: Vec<(Ty, Loc)>,
        args_at: Loc,
        call_at: Loc,
        make: fn(Vec<Ty>, Ty, Loc) -> Ty,
    ) -> Ty {
        let params: Vec<Ty> = args.iter().map(|(_, at)| self.fresh(*at)).collect();
        let result = self.fresh(args_at);
        self.constrain(
            &callee,
            &make(params.clone(), result.clone(), args_at),
            call_at,
        );
        for ((arg, at), param) in args.iter().zip(&params) {
            self.constrain(arg, param, *at);
        }
        result
    }

    fn args(&mut self, args: &Args) -> Vec<(Ty, Loc)> {
        args.items
            .iter()
            .map(|arg| (self.expr(arg), self.loc(arg.span)))
            .collect()
    }

    fn select(&mut self, value: Ty, name: &Ident, done: Span) -> Ty {
        let at = self.loc(name.span);
        let done = self.loc(done);
        let result = self.fresh(at);
        let dot = Loc {
            start: done.end,
            end: at.end,
            ..at
        };
        self.constrain(
            &value,
            &Ty::field(name.name.clone(), result.clone(), dot, at),
            done,
        );
        result
    }

    /// `base.a(b)[c]!`
    fn chain(&mut self, base: &Expr, links: &[Link], whole: Span) -> Ty {
        let mut errors = self.problems.len();
        let mut current = self.expr(base);
        let start = Span {
            start: whole.start.min(base.span.start),
            end: base.span.end,
        };
        let mut done = start;
        let mut possibly_null = false;
        for link in links {
            let end = link.span().end;
            let call_at = self.loc(Span { end, ..start });
            current = match link {
                Link::Bang { .. } => {
                    possibly_null = false;
                    current.without_null()
                }
                Link::Field {
                    name,
                    optional: false,
                } => self.select(current, name, done),
                Link::Field {
                    name,
                    optional: true,
                } => {
                    let field = self.select(current.without_null(), name, done);
                    possibly_null = true;
                    self.forward(field, name.span)
                }
                Link::Method {
                    name,
                    optional,
                    call_optional,
                    args,
                } => {
                    if *optional {
                        possibly_null = true;
                        current = current.without_null();
                    }
                    let mut method = self.select(current, name, done);
                    self.record(name.span, &method);
                    if *call_optional {
                        possibly_null = true;
                        method = method.without_null();
                    }
                    let arguments = self.args(args);
                    let args_at = self.loc(args.span);
                    self.call(method, arguments, args_at, call_at)
                }
                Link::Call { optional, args } => {
                    let arguments = self.args(args);
                    let args_at = self.loc(args.span);
                    match optional {
                        false => self.call(current, arguments, args_at, call_at),
                        true => {
                            possibly_null = true;
                            let result =
                                self.call(current.without_null(), arguments, args_at, call_at);
                            self.forward(result, args.span)
                        }
                    }
                }
                Link::Index { optional, args } => {
                    if *optional {
                        possibly_null = true;
                        current = current.without_null();
                    }
                    let args_at = self.loc(args.span);
                    let literal = match &args.items[..] {
                        [only] => self
                            .literal(only)
                            .map(|lit| Ty::lit(lit, self.loc(only.span))),
                        _ => None,
                    };
                    let result = match literal {
                        Some(literal) => {
                            let result = self.fresh(args_at);
                            let access = Ty::access(vec![literal], result.clone(), args_at);
                            self.constrain(&current, &access, call_at);
                            result
                        }
                        None => {
                            let arguments = self.args(args);
                            self.using(current, arguments, args_at, call_at, Ty::access)
                        }
                    };
                    if *optional {
                        self.forward(result, args.span)
                    } else {
                        result
                    }
                }
            };
            done.end = end;
            if self.problems.len() > errors {
                errors = self.problems.len();
                if let Some(id) = super::constrain::as_var(&current) {
                    self.poison(id);
                }
            }
            self.record(Span { end, ..start }, &current);
        }
        if !possibly_null {
            return current;
        }
        let at = self.loc(base.span);
        let result = self.fresh(at);
        self.constrain(&current, &result, at);
        self.constrain(&Ty::named(id::NULL), &result, at);
        result
    }

    /// The same type through a new variable.
    fn forward(&mut self, ty: Ty, span: Span) -> Ty {
        let at = self.loc(span);
        let result = self.fresh(at);
        self.constrain(&ty, &result, at);
        result
    }
}

/// A written number that is no 64-bit integer, as types print it.
fn canonical_number(written: &str) -> Option<Lit> {
    let lower = written.to_ascii_lowercase();
    let (sign, digits) = match lower.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", lower.as_str()),
    };
    if digits.starts_with("0x") || digits.starts_with("0b") || digits.starts_with("0o") {
        return None;
    }
    let (mantissa, exponent) = match digits.split_once('e') {
        // Of the size that the original's decimals have.
        Some((mantissa, exponent)) => (mantissa, i64::from(exponent.parse::<i32>().ok()?)),
        None => (digits, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_whole = fraction.is_empty() && !mantissa.contains('.') && exponent == 0;
    let unscaled: String = format!("{whole}{fraction}");
    if unscaled.is_empty() || !unscaled.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let trimmed = unscaled.trim_start_matches('0');
    let unscaled = if trimmed.is_empty() { "0" } else { trimmed };
    // As a decimal with that many digits after the point; negative means trailing zeros.
    let scale = fraction.len() as i64 - exponent;
    let adjusted = unscaled.len() as i64 - 1 - scale;
    let text = if scale == 0 {
        format!("{sign}{unscaled}")
    } else if scale > 0 && adjusted >= -6 {
        let missing = (scale as usize + 1).saturating_sub(unscaled.len());
        let padded = "0".repeat(missing) + unscaled;
        let split = padded.len() - scale as usize;
        format!("{sign}{}.{}", &padded[..split], &padded[split..])
    } else {
        let (first, rest) = unscaled.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        let plus = if adjusted >= 0 { "+" } else { "" };
        format!("{sign}{first}{point}{rest}E{plus}{adjusted}")
    };
    Some(Lit::Number {
        text: text.into(),
        whole: is_whole,
    })
}

#[cfg(test)]
mod tests {
    use super::{Lit, canonical_number};

    #[test]
    fn numbers_print_as_written_decimals() {
        let text = |written: &str| match canonical_number(written) {
            Some(Lit::Number { text, .. }) => text.to_string(),
            other => panic!("{written}: {other:?}"),
        };
        assert_eq!(text("2.50"), "2.50");
        assert_eq!(text("1e3"), "1E+3");
        assert_eq!(text("-0.5"), "-0.5");
        assert_eq!(text("9223372036854775808"), "9223372036854775808");
        assert_eq!(text("1.5e-9"), "1.5E-9");
        assert_eq!(text("0.000123"), "0.000123");
        assert!(canonical_number("1.5e-9223372036854775807").is_none());
        // Longer than any width that the standard library formats.
        let long = format!("0.{}", "9".repeat(100_000));
        assert_eq!(text(&long), long);
    }
}
