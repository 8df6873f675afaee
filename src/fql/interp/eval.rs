//! One function per form of expression.

use super::covered::Projected;
use super::covered::split_fields;
use super::{Failure, Interp, Result};
use crate::fql::syntax::ast::{
    Block, Expr, ExprKind, Ident, Lambda, Link, Param, Stmt, TemplatePart,
};
use crate::fql::syntax::{Location, Span};
use crate::store::TxnTime;
use crate::value::{
    Callback, Closure, Doc, Env, EventSource, Module, NullReason, Object, Plan, Set, Str, Value,
};
use std::sync::Arc;

/// Stack kept free for one step of evaluation, and the size of a new segment.
const RED_ZONE: usize = 160 * 1024;
const SEGMENT: usize = 4 * 1024 * 1024;

impl Interp {
    /// Evaluates a whole query: its block, in the scope of the request's arguments.
    pub fn run(&mut self, block: &Block) -> Result {
        let env = self.arguments.clone();
        self.block(block, &env)
    }

    /// Evaluates an expression.
    pub fn eval(&mut self, expr: &Expr, env: &Env) -> Result {
        match &expr.kind {
            // The leaves recurse no further and need no stack check.
            ExprKind::Null => Ok(Value::null(
                NullReason::Literal,
                Some(self.location(expr.span)),
            )),
            ExprKind::Bool(b) => Ok(Value::Bool(*b)),
            ExprKind::Int(n) => Ok(Value::Int(*n)),
            ExprKind::Long(n) => Ok(Value::Long(*n)),
            ExprKind::Double(n) => Ok(Value::Double(*n)),
            ExprKind::String(s) => Ok(Value::String(s.clone())),
            ExprKind::This => Ok(env.get(&self.this).cloned().unwrap_or(Value::NULL)),
            ExprKind::Ident(name) => self.name(name, expr.span, env),
            ExprKind::Placeholder(n) => {
                let name = format!("${n}");
                let value = env
                    .get(&name)
                    .or_else(|| self.arguments.get(&name))
                    .cloned();
                value.ok_or_else(|| self.unbound(&name, expr.span))
            }
            _ => stacker::maybe_grow(RED_ZONE, SEGMENT, || self.eval_compound(expr, env)),
        }
    }

    fn eval_compound(&mut self, expr: &Expr, env: &Env) -> Result {
        match &expr.kind {
            ExprKind::Null
            | ExprKind::Bool(_)
            | ExprKind::Int(_)
            | ExprKind::Long(_)
            | ExprKind::Double(_)
            | ExprKind::String(_)
            | ExprKind::This
            | ExprKind::Ident(_)
            | ExprKind::Placeholder(_) => self.eval(expr, env),
            ExprKind::Template(parts) => self.template(parts, env),
            ExprKind::Array(items) => {
                let mut values = Vec::with_capacity(items.len());
                for item in items {
                    values.push(self.eval(item, env)?);
                }
                Ok(Value::array(values))
            }
            ExprKind::Object(fields) => {
                let mut object = Object::new();
                for (key, value) in fields {
                    object.insert(key.name.clone(), self.eval(value, env)?);
                }
                Ok(Value::object(object))
            }
            ExprKind::Block(block) => self.block(block, env),
            ExprKind::Lambda(lambda) => Ok(self.closure(lambda, env)),
            ExprKind::If {
                cond,
                then,
                otherwise,
            } => {
                let test = self.eval(cond, env)?;
                let Value::Bool(test) = test else {
                    return Err(self.mismatch("Boolean", &test, cond.span));
                };
                match (test, otherwise) {
                    (true, _) => self.eval(then, env),
                    (false, Some(otherwise)) => self.eval(otherwise, env),
                    (false, None) => Ok(Value::null(
                        NullReason::Literal,
                        Some(self.location(expr.span)),
                    )),
                }
            }
            ExprKind::At { time, body } => {
                let value = self.eval(time, env)?;
                let at = self.read_time(&value, time.span)?;
                self.reading_at(at, |me| me.eval(body, env))
            }
            ExprKind::Binary {
                op,
                op_span,
                left,
                right,
            } => self.binary(*op, *op_span, left, right, env),
            ExprKind::Unary {
                op,
                op_span,
                operand,
            } => self.unary(*op, *op_span, operand, env),
            ExprKind::Chain { base, links } => self.chain(base, links, env),
            ExprKind::Projection { base, entries, .. } => {
                let value = self.projected(base, entries, env)?;
                self.framed(expr.span, |me| match value {
                    Ok(value) => me.project(value, entries, expr, env),
                    Err(known) => me.charge(1).map(|()| Value::object(known)),
                })
            }
            ExprKind::ProjectAll { .. } => {
                Err(self.static_error("project expr not supported", expr.span))
            }
            ExprKind::Match { .. } => Err(self.static_error("match expr not supported", expr.span)),
        }
    }

    /// Evaluates statements in order; the last one's value is the result.
    pub fn block(&mut self, block: &Block, env: &Env) -> Result {
        let mut env = env.clone();
        let mut result = Value::NULL;
        for stmt in &block.stmts {
            match stmt {
                Stmt::Let { name, value, .. } => {
                    let value = self.eval(value, &env)?;
                    env = env.bind(name.name.clone(), value);
                }
                Stmt::Expr(expr) => result = self.eval(expr, &env)?,
            }
        }
        Ok(result)
    }

    /// A function value of a lambda in this scope.
    pub fn closure(&self, lambda: &Arc<Lambda>, env: &Env) -> Value {
        let closure = Closure {
            lambda: lambda.clone(),
            source: self.source.clone(),
            env: env.clone(),
        };
        Value::Lambda(Arc::new(closure))
    }

    fn name(&mut self, name: &Str, span: Span, env: &Env) -> Result {
        if let Some(value) = env.get(name) {
            return Ok(value.clone());
        }
        // A stored body does not close over the query, but the request's arguments are the query's own.
        match self.global(name) {
            Some(value) => Ok(value),
            None => Err(self.unbound(name, span)),
        }
    }

    fn unbound(&self, name: &str, span: Span) -> Failure {
        let failure = Failure::new("unbound_variable", format!("Unbound variable `{name}`"));
        self.raise(failure.at(self.location(span)))
    }

    fn static_error(&self, message: &str, span: Span) -> Failure {
        let diagnostic = crate::fql::syntax::Diagnostic::error(message, self.location(span));
        Failure::invalid_query(vec![diagnostic])
    }

    /// `type_mismatch` at an operand.
    pub(super) fn mismatch(&self, expected: &str, received: &Value, span: Span) -> Failure {
        self.raise(Failure::type_mismatch(expected, received).at(self.location(span)))
    }

    fn template(&mut self, parts: &[TemplatePart], env: &Env) -> Result {
        let mut text = String::new();
        for part in parts {
            match part {
                TemplatePart::Text(part) => text.push_str(part),
                TemplatePart::Expr(expr) => {
                    let value = self.eval(expr, env)?;
                    let part = self.display(&value)?;
                    text.push_str(&part);
                }
            }
            self.check_string(&text).map_err(|f| self.raise(f))?;
        }
        let value = Value::string(text);
        self.note_made(&value)?;
        Ok(value)
    }

    /// Fails with `value_too_large` if `text` has more units than a string may have.
    pub fn check_string(&self, text: &str) -> Result<()> {
        // A unit takes at least one byte, so short byte lengths need no counting.
        if text.len() <= super::MAX_STRING {
            return Ok(());
        }
        let units: usize = text.chars().map(char::len_utf16).sum();
        if units <= super::MAX_STRING {
            return Ok(());
        }
        Err(Failure::too_large(format!(
            "string size {units} exceeds limit {}",
            super::MAX_STRING
        )))
    }

    /// The read time that `at (value)` means: `None` for now.
    fn read_time(&mut self, value: &Value, span: Span) -> Result<Option<TxnTime>> {
        let time = match value {
            Value::TransactionTime => return Ok(None),
            Value::Time(time) => *time,
            other => return Err(self.mismatch("Time", other, span)),
        };
        let now = self.txn.time();
        if time > now.into() {
            let failure =
                Failure::invalid_argument("at_time", "cannot evaluate `at` in the future");
            return Err(self.raise(failure.at(self.location(span))));
        }
        // Transactions have microsecond times: what is between two of them reads as the earlier.
        let micros = i128::from(time.secs) * 1_000_000 + i128::from(time.nanos / 1000);
        let at = TxnTime(i64::try_from(micros).unwrap_or(i64::MIN));
        Ok((at < now).then_some(at))
    }

    /// What a projection is of; or the projection itself, where index entries hold it.
    fn projected(
        &mut self,
        base: &Expr,
        entries: &[(Ident, Expr)],
        env: &Env,
    ) -> Result<std::result::Result<Value, Object>> {
        let ExprKind::Chain { base: first, links } = &base.kind else {
            return self.eval(base, env).map(Ok);
        };
        let Some((head, tail)) = split_fields(links) else {
            return self.eval(base, env).map(Ok);
        };
        let mut value = self.eval(first, env)?;
        value = self.chain_from(value, first.span, head, env)?;
        match self.covered_projection(&value, tail, entries)? {
            Some(Projected::Known(object)) => return Ok(Err(object)),
            Some(Projected::Unknown) => {
                // What is not covered has been told.
                if let Value::Doc(doc) = &value {
                    let cover = None;
                    value = Value::Doc(Arc::new(Doc {
                        cover,
                        ..(**doc).clone()
                    }));
                }
            }
            None => {}
        }
        let before = head.last().map_or(first.span, Link::end);
        self.chain_from(value, before, tail, env).map(Ok)
    }

    fn project(
        &mut self,
        value: Value,
        entries: &[(Ident, Expr)],
        expr: &Expr,
        env: &Env,
    ) -> Result {
        // Mapping counts, as a call and one for each element; looking into one value does not.
        match &value {
            Value::Array(items) => self.charge(1 + items.len() as u64)?,
            Value::Set(_) | Value::EventSource(_) => self.charge(1)?,
            _ => {}
        }
        match &value {
            Value::Doc(doc) => {
                self.require(super::Effect::Read, || "Projection".into())?;
                if self.missing(doc)?.is_some() {
                    return Ok(Value::null(
                        NullReason::MissingDocument(doc.clone()),
                        Some(self.location(expr.span)),
                    ));
                }
                self.project_one(value, entries, env)
            }
            Value::Object(_) | Value::Module(_) => self.project_one(value, entries, env),
            Value::Array(items) => {
                let mut out = Vec::with_capacity(items.len());
                for item in items.iter() {
                    out.push(self.project(item.clone(), entries, expr, env)?);
                }
                Ok(Value::array(out))
            }
            Value::Set(set) => {
                let mapper = self.projection_mapper(entries, expr, env);
                Ok(Value::Set(Arc::new(Set {
                    plan: Plan::Map(set.clone(), mapper),
                    at: set.at,
                    page_size: set.page_size,
                })))
            }
            Value::EventSource(source) => {
                let mapper = self.projection_mapper(entries, expr, env);
                let set = Set {
                    plan: Plan::Map(source.set.clone(), mapper),
                    at: None,
                    page_size: None,
                };
                Ok(Value::EventSource(Arc::new(EventSource {
                    set: Arc::new(set),
                    ..(**source).clone()
                })))
            }
            _ => Ok(value),
        }
    }

    fn project_one(&mut self, value: Value, entries: &[(Ident, Expr)], env: &Env) -> Result {
        let env = env.bind(self.this.clone(), value);
        let mut object = Object::new();
        for (name, entry) in entries {
            object.insert(name.name.clone(), self.eval(entry, &env)?);
        }
        Ok(Value::object(object))
    }

    /// The function that projects one element.
    fn projection_mapper(&self, entries: &[(Ident, Expr)], expr: &Expr, env: &Env) -> Callback {
        let base = Box::new(Expr {
            kind: ExprKind::This,
            span: expr.span,
        });
        let braces = match &expr.kind {
            ExprKind::Projection { braces, .. } => *braces,
            _ => expr.span,
        };
        let kind = ExprKind::Projection {
            base,
            entries: entries.to_vec(),
            braces,
        };
        let lambda = Lambda {
            params: vec![Param {
                name: None,
                span: expr.span,
            }],
            rest: None,
            body: Expr {
                kind,
                span: expr.span,
            },
            short: true,
            span: expr.span,
        };
        self.callback(self.closure(&Arc::new(lambda), env))
    }

    /// A function for a lazy step made here.
    pub fn callback(&self, function: Value) -> Callback {
        Callback {
            function,
            frames: Arc::new(self.frames.clone()),
            at: self.at,
        }
    }

    /// A name outside of any local scope: argument, built-in, collection, function.
    pub fn global(&mut self, name: &str) -> Option<Value> {
        if let Some(value) = self.static_global(name) {
            return Some(value);
        }
        let schema = self.txn.schema();
        if let Some(coll) = schema.collection_named(name) {
            return Some(Value::Module(Module::Collection {
                id: coll.id,
                name: name.into(),
            }));
        }
        let function = schema.function_named(name)?;
        Some(Value::Function(Arc::new(crate::value::FunctionRef {
            id: function.id,
            name: name.into(),
        })))
    }

    /// A built-in module, native collection or function.
    pub fn static_global(&self, name: &str) -> Option<Value> {
        use super::GlobalKind;
        let global = self.library.global(name)?;
        Some(match &global.kind {
            GlobalKind::Module(_) => Value::Module(Module::Native(global.name)),
            GlobalKind::Collection(id, _) => {
                // `Credentials` is an alias of `Credential`, whose name it shows.
                let name = crate::model::native::name(*id).unwrap_or(global.name);
                Value::Module(Module::Collection {
                    id: *id,
                    name: name.into(),
                })
            }
            GlobalKind::Function(member) => {
                let id = self.library.global_function(global.name)?;
                Value::Native(crate::value::NativeFn {
                    id,
                    name: member.name,
                    this: None,
                })
            }
        })
    }

    /// Where the frame-less parts of this text stand.
    pub(super) fn here(&self, span: Span) -> Location {
        self.location(span)
    }
}
