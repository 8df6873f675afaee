//! Operators (`spec fql10-language 4.1 to 4.5`).

use super::{Effect, Failure, Interp, Result};
use crate::fql::syntax::Span;
use crate::fql::syntax::ast::{BinaryOp, Expr, UnaryOp};
use crate::value::{Env, Module, Value, order};
use std::cmp::Ordering;
use std::sync::Arc;

impl Interp {
    pub(super) fn binary(
        &mut self,
        op: BinaryOp,
        op_span: Span,
        left: &Expr,
        right: &Expr,
        env: &Env,
    ) -> Result {
        let a = self.eval(left, env)?;
        match op {
            BinaryOp::And | BinaryOp::Or => {
                let Value::Bool(a) = a else {
                    return Err(self.mismatch("Boolean", &a, left.span));
                };
                if a == (op == BinaryOp::Or) {
                    return Ok(Value::Bool(a));
                }
                match self.eval(right, env)? {
                    Value::Bool(b) => Ok(Value::Bool(b)),
                    other => Err(self.mismatch("Boolean", &other, right.span)),
                }
            }
            BinaryOp::Coalesce => {
                let absent = match &a {
                    Value::Null(_) => true,
                    Value::Doc(doc) => self.framed(left.span, |me| {
                        me.require(Effect::Read, || "`??`".into())?;
                        Ok(me.missing(doc)?.is_some())
                    })?,
                    _ => false,
                };
                if absent { self.eval(right, env) } else { Ok(a) }
            }
            BinaryOp::Eq | BinaryOp::Ne => {
                let b = self.eval(right, env)?;
                self.charge(1)?;
                let equal = self.framed(right.span, |me| me.equal(&a, &b))?;
                Ok(Value::Bool(equal == (op == BinaryOp::Eq)))
            }
            BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => {
                let b = self.eval(right, env)?;
                self.charge(1)?;
                let result = match order::compare(&a, &b) {
                    None => false,
                    Some(ordering) => match op {
                        BinaryOp::Lt => ordering == Ordering::Less,
                        BinaryOp::Le => ordering != Ordering::Greater,
                        BinaryOp::Gt => ordering == Ordering::Greater,
                        _ => ordering != Ordering::Less,
                    },
                };
                Ok(Value::Bool(result))
            }
            BinaryOp::Isa => {
                let b = self.eval(right, env)?;
                let Value::Module(module) = &b else {
                    let failure =
                        Failure::invalid_argument("type_object", "expected a module object");
                    return Err(self.raise(failure.at(self.here(right.span))));
                };
                Ok(Value::Bool(self.isa(&a, module)))
            }
            BinaryOp::Add
            | BinaryOp::Sub
            | BinaryOp::Mul
            | BinaryOp::Div
            | BinaryOp::Rem
            | BinaryOp::Pow
            | BinaryOp::BitAnd
            | BinaryOp::BitOr
            | BinaryOp::BitXor
            | BinaryOp::Match
            | BinaryOp::NotMatch => self.arithmetic(op, op_span, a, right, env),
        }
    }

    fn arithmetic(
        &mut self,
        op: BinaryOp,
        op_span: Span,
        a: Value,
        right: &Expr,
        env: &Env,
    ) -> Result {
        // The operator is looked up on the left value before the right operand is evaluated.
        let name = match op {
            BinaryOp::Add => "op +",
            BinaryOp::Sub => "op -",
            BinaryOp::Mul => "op *",
            BinaryOp::Div => "op /",
            BinaryOp::Rem => "op %",
            BinaryOp::Pow => "op **",
            BinaryOp::BitAnd => "op &",
            BinaryOp::BitOr => "op |",
            BinaryOp::BitXor => "op ^",
            BinaryOp::Match => "op =~",
            _ => "op !~",
        };
        // Small integers are most of what programs add; they need no table.
        if let Value::Int(x) = a
            && matches!(op, BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul)
        {
            let b = self.eval(right, env)?;
            self.charge(1)?;
            if let Value::Int(y) = b {
                let (x, y) = (i64::from(x), i64::from(y));
                return Ok(Value::integer(match op {
                    BinaryOp::Add => x + y,
                    BinaryOp::Sub => x - y,
                    _ => x * y,
                }));
            }
            return self.operator(name, &a, Some(b), right.span);
        }
        if self.member_of(&a, name).is_none() {
            return Err(self.no_operator(op.symbol(), &a, op_span));
        }
        let b = self.eval(right, env)?;
        self.operator(name, &a, Some(b), right.span)
    }

    fn operator(&mut self, name: &str, this: &Value, other: Option<Value>, span: Span) -> Result {
        match self.member_of(this, name) {
            Some(id) => self.framed(span, |me| {
                me.call_native(id, this, other.into_iter().collect())
            }),
            None => Err(self.no_operator(name.trim_start_matches("op "), this, span)),
        }
    }

    fn no_operator(&self, symbol: &str, value: &Value, span: Span) -> Failure {
        let message = format!(
            "The function `{symbol}` does not exist on `{}`",
            value.type_name()
        );
        let failure = Failure::new("invalid_function_invocation", message).at(self.here(span));
        let origin = match value {
            Value::Null(null) => null.0.as_ref().and_then(|cause| cause.location.clone()),
            _ => None,
        };
        self.raise(match origin {
            Some(_) => failure.hint("Null value created here", origin),
            None => failure,
        })
    }

    pub(super) fn unary(
        &mut self,
        op: UnaryOp,
        op_span: Span,
        operand: &Expr,
        env: &Env,
    ) -> Result {
        let value = self.eval(operand, env)?;
        let name = match op {
            UnaryOp::Not => "op !",
            UnaryOp::Neg => "op -",
            UnaryOp::BitNot => "op ~",
        };
        if let (UnaryOp::Not, Value::Bool(b)) = (op, &value) {
            return Ok(Value::Bool(!b));
        }
        if self.member_of(&value, name).is_none() {
            return Err(self.no_operator(op.symbol(), &value, op_span));
        }
        self.operator(name, &value, None, op_span.to(operand.span))
    }

    /// `==`: total; a missing document equals null, which takes a read.
    pub fn equal(&mut self, a: &Value, b: &Value) -> Result<bool> {
        let nested = match (a, b) {
            (Value::Array(x), Value::Array(y)) => !Arc::ptr_eq(x, y),
            (Value::Object(x), Value::Object(y)) => !Arc::ptr_eq(x, y),
            _ => false,
        };
        // The walk ends where they differ, so the smaller one bounds it.
        if nested && self.check_parts([a]).is_err() {
            self.check_parts([b])?;
        }
        order::equals(a, b, &mut |doc| {
            self.require(Effect::Read, || "Reading a document".into())?;
            Ok(self.missing(doc)?.is_none())
        })
    }

    /// `value isa module` (`spec fql10-language 4.5`).
    fn isa(&self, value: &Value, module: &Module) -> bool {
        let name = match module {
            Module::Native(name) => *name,
            Module::Deleted => return false,
            Module::Collection { id, .. } => {
                return match value {
                    Value::Doc(doc) => doc.coll == *id,
                    // Everything that can be called is a `Function`.
                    v => *id == crate::model::native::FUNCTION && v.is_function(),
                };
            }
        };
        match value {
            Value::Null(_) => name == "Null",
            Value::Bool(_) => name == "Boolean",
            Value::Int(_) => name == "Int" || name == "Number",
            Value::Long(_) => name == "Long" || name == "Number",
            Value::Double(_) => matches!(name, "Double" | "Float" | "Number"),
            Value::Id(_) => name == "ID",
            Value::String(_) => name == "String",
            Value::Bytes(_) => name == "Bytes",
            Value::Time(_) => name == "Time",
            Value::TransactionTime => name == "TransactionTime",
            Value::Date(_) => name == "Date",
            Value::Uuid(_) => name == "UUID",
            Value::Array(_) => name == "Array",
            Value::Object(_) => name == "Struct" || name == "Object",
            Value::Doc(_) => name == "Doc" || name == "Object",
            Value::Set(_) => name == "Set",
            Value::Cursor(_) => name == "SetCursor",
            Value::EventSource(_) => name == "EventSource",
            Value::Module(value) => {
                name == "Object" || matches!(value, Module::Native(n) if *n == name)
            }
            Value::Lambda(_) | Value::Native(_) | Value::Function(_) | Value::Query(_) => false,
        }
    }
}
