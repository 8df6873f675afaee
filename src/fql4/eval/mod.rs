//! The evaluator (`spec fql4 4`).
//!
//! It walks an expression in the transaction of an [`Interp`], which brings the principal, the permissions and the writes:
//! there is no second path for either. What stands side by side (arguments, elements, fields) is all evaluated, in order, and
//! all its errors are collected; what follows on each other stops at the first error.

mod arguments;
mod cache;
mod casts;
mod lambda;
mod memory;
mod select;

pub use arguments::Arguments;
pub use cache::Cache;
pub use casts::{Expected, boolean, holds_unresolved, undefined};
pub use select::{PathStep, missing, path_steps};

use super::error::{Collected, Error, Result, Stop};
use super::expression::*;
use super::forms::Run;
use super::place::Place;
use super::value::{Object, Time, Value};
use super::version::ApiVersion;
use crate::fql::interp::{Effect, Interp};
use crate::value::deep;
use std::sync::Arc;

/// Lambdas and functions that may be applied within each other.
pub const MAX_DEPTH: usize = 200;

/// The greatest effect allowed, and what forbids more.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// Allowed up to here.
    pub effect: Effect,
    /// `get requests`, `stream requests`, `index bindings`, `auth predicates`.
    pub reason: &'static str,
}

impl Limit {
    /// Everything is allowed.
    pub const NONE: Limit = Limit {
        effect: Effect::Write,
        reason: "",
    };
}

/// An evaluator of FQL v4.
pub struct Evaluator<'q> {
    /// The transaction, and who acts in it.
    pub interp: &'q mut Interp,
    /// What outlives the query.
    pub cache: Arc<Cache>,
    /// The version of the interface of the request, or under which a stored lambda was written.
    pub version: ApiVersion,
    /// What may be done here.
    pub limit: Limit,
    /// Lambdas and functions being applied.
    depth: usize,
    large: memory::LargeValues,
}

impl<'q> Evaluator<'q> {
    /// An evaluator in a transaction.
    pub fn new(
        interp: &'q mut Interp,
        cache: Arc<Cache>,
        version: ApiVersion,
        limit: Limit,
    ) -> Evaluator<'q> {
        Evaluator {
            interp,
            cache,
            version,
            limit,
            depth: 0,
            large: memory::LargeValues::default(),
        }
    }

    /// The value of an expression.
    pub fn evaluate(&mut self, expression: &Expression, env: &Env) -> Result {
        deep(|| match expression {
            Expression::Literal(value) => Ok(value.clone()),
            Expression::Ref(reference) => self.resolve(reference),
            Expression::Own(own) => match self.resolve(&own.reference)? {
                Value::Unresolved(_) => Err(Error::expression(&own.place, "Invalid ref.").into()),
                found => Ok(found),
            },
            Expression::Set(literal) => self.evaluate(&literal.call, env).map_err(as_written),
            Expression::Array(items) => {
                let values = self.all(items, env)?;
                self.made(Value::array(values))
            }
            Expression::Object(fields) => {
                let mut collected = Collected::default();
                let mut object = Object::new();
                for (key, expression) in fields.iter() {
                    let result = self.evaluate(expression, env);
                    if let Some(value) = collected.take(result) {
                        object.insert(key.clone(), value);
                    }
                    if collected.has_failed() {
                        break;
                    }
                }
                let object = collected.finish(object)?;
                self.made(Value::object(object))
            }
            Expression::Var(name) => match env.get(name) {
                Some(value) => Ok(value.clone()),
                None => Err(Error::expression(
                    &Place::ROOT,
                    format!("Variable '{name}' is not defined."),
                )
                .into()),
            },
            Expression::Lambda(lambda) => Ok(Value::Lambda(Arc::new(Closure {
                lambda: lambda.clone(),
                env: env.clone(),
            }))),
            Expression::Let(node) => {
                let mut scope = env.clone();
                for (name, expression) in &node.bindings {
                    let value = self.evaluate(expression, &scope)?;
                    scope = scope.bind(name, value);
                }
                self.evaluate(&node.body, &scope)
            }
            Expression::If(node) => {
                let condition = self.evaluate(&node.condition, env)?;
                match casts::boolean(&condition, &node.place.at("if"))? {
                    true => self.evaluate(&node.then, env),
                    false => self.evaluate(&node.otherwise, env),
                }
            }
            Expression::Do(items) => {
                let mut last = Value::Null;
                for expression in items.iter() {
                    last = self.evaluate(expression, env)?;
                }
                Ok(last)
            }
            Expression::Logic(node) => {
                let place = node.place.at(if node.is_and { "and" } else { "or" });
                for (i, operand) in node.operands.iter().enumerate() {
                    let value = self.evaluate(operand, env)?;
                    if casts::boolean(&value, &place.index(i))? != node.is_and {
                        return Ok(Value::Bool(!node.is_and));
                    }
                }
                Ok(Value::Bool(node.is_and))
            }
            Expression::At(node) => self.at(node, env),
            Expression::Select(node) => self.select(node, env),
            Expression::Call(call) => {
                let mut collected = Collected::default();
                let function = self.evaluate(&call.function, env);
                let function = collected.take(function);
                let arguments = match &call.arguments {
                    Some(arguments) => self.evaluate(arguments, env),
                    None => Ok(Value::array(Vec::new())),
                };
                let arguments = collected.take(arguments);
                match collected.finish((function, arguments))? {
                    (Some(function), Some(arguments)) => {
                        super::interop::call_function(self, function, arguments, &call.place)
                    }
                    _ => Ok(Value::Null),
                }
            }
            Expression::Form(call) => self.form(call, env),
        })
    }

    /// All of them in order, with the errors of all.
    fn all(&mut self, items: &[Expression], env: &Env) -> Result<Vec<Value>> {
        let mut collected = Collected::default();
        let mut values = Vec::with_capacity(items.len());
        for expression in items {
            let result = self.evaluate(expression, env);
            values.extend(collected.take(result));
            if collected.has_failed() {
                break;
            }
        }
        collected.finish(values)
    }

    fn form(&mut self, call: &Arc<FormCall>, env: &Env) -> Result {
        self.interp.charge(1)?;
        self.require(call.form.effect, &call.place)?;
        let arguments = self.arguments(call, env)?;
        match call.form.run {
            Run::Function(run) => {
                let value = run(self, arguments)?;
                self.made(value)
            }
            Run::Special(_) => Err(Error::expression(
                &call.place,
                "No form/function found, or invalid argument keys.",
            )
            .into()),
        }
    }

    /// The arguments of a call, evaluated and cast; the errors of all of them are collected.
    pub fn arguments(&mut self, call: &Arc<FormCall>, env: &Env) -> Result<Arguments> {
        let mut collected = Collected::default();
        let mut values = Vec::with_capacity(call.arguments.len());
        for (key, argument) in call.form.keys.iter().zip(&call.arguments) {
            let Some(expression) = argument else {
                values.push(None);
                continue;
            };
            let result = self
                .evaluate(expression, env)
                .and_then(|value| casts::cast(self, value, key.cast, &call.place.at(key.name)));
            values.push(collected.take(result));
            if collected.has_failed() {
                break;
            }
        }
        let values = collected.finish(values)?;
        Ok(Arguments::new(call.clone(), values))
    }

    /// Fails if an effect is not allowed here.
    pub fn require(&self, effect: Effect, place: &Place) -> Result<()> {
        let performs = match effect {
            effect if effect <= self.limit.effect => return Ok(()),
            Effect::Pure => return Ok(()),
            Effect::Observation => "an observation",
            Effect::Read => "a read",
            Effect::Write => "a write",
        };
        let reason = self.limit.reason;
        Err(Error::expression(
            place,
            format!("Call performs {performs}, which is not allowed in {reason}."),
        )
        .into())
    }

    /// Runs `f` under another limit.
    pub fn limited<T>(&mut self, limit: Limit, f: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.limit, limit);
        let result = f(self);
        self.limit = before;
        result
    }

    /// Runs `f` with the role of a function, if it has one.
    pub fn as_role_of<T>(
        &mut self,
        function: &crate::model::schema::Function,
        f: impl FnOnce(&mut Self) -> T,
    ) -> T {
        match self.interp.lent_principal(function) {
            Some(principal) => self.acting_as(principal, f),
            None => f(self),
        }
    }

    /// Runs `f` with other rights.
    pub fn acting_as<T>(
        &mut self,
        principal: Arc<crate::access::Principal>,
        f: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let before = self.interp.begin_acting(principal);
        let result = f(self);
        self.interp.end_acting(before);
        result
    }

    /// Runs `f` reading at a time; `None` for now.
    pub fn reading_at<T>(
        &mut self,
        at: Option<crate::store::TxnTime>,
        f: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let before = std::mem::replace(&mut self.interp.at, at);
        let result = f(self);
        self.interp.at = before;
        result
    }

    /// The time of the query: `Now()`.
    pub fn now(&self) -> Time {
        self.interp.txn.time().into()
    }

    fn at(&mut self, node: &At, env: &Env) -> Result {
        let ts = self.evaluate(&node.ts, env)?;
        let ts = casts::cast(
            self,
            ts,
            super::forms::Cast::TransactionTimestamp,
            &node.place.at("at"),
        )?;
        let body = |me: &mut Self| me.evaluate(&node.body, env);
        match self.valid_time(&ts) {
            ValidTime::Now => self.reading_at(None, body),
            ValidTime::Unchanged => body(self),
            ValidTime::At(time) => self.reading_at(Some(time), body),
        }
    }

    /// What a `ts` argument says about the time of reads.
    pub fn valid_time(&self, ts: &Value) -> ValidTime {
        let Value::Time(time) = ts else {
            return ValidTime::Now;
        };
        let now = self.interp.txn.time();
        match time.micros() {
            Some((micros, 0)) if micros == now.0 => ValidTime::Now,
            // Later than now is as good as nothing said.
            Some((micros, _)) if micros >= now.0 => ValidTime::Unchanged,
            Some((micros, _)) => ValidTime::At(crate::store::TxnTime(micros)),
            None if time.secs > 0 => ValidTime::Unchanged,
            None => ValidTime::At(crate::store::TxnTime(i64::MIN)),
        }
    }

    /// A value as a key wants it.
    pub fn cast(&mut self, value: Value, cast: super::forms::Cast, place: &Place) -> Result {
        casts::cast(self, value, cast, place)
    }

    /// What a name refers to; a reference that does not resolve if there is nothing.
    pub fn resolve(&mut self, reference: &Arc<super::value::NameRef>) -> Result {
        super::refs::resolve(self, reference)
    }

    /// What is left for the end of a query: checks of what was written.
    pub fn finish(&mut self) -> Result<()> {
        Ok(self.interp.finish_writes()?)
    }
}

/// When reads read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValidTime {
    /// Now, whatever was said around it.
    Now,
    /// As said around it.
    Unchanged,
    /// At a time.
    At(crate::store::TxnTime),
}

/// What goes wrong when a literal set is made is an error of the query as written.
fn as_written(stop: Stop) -> Stop {
    match stop {
        Stop::Errors(mut errors) => {
            for error in &mut errors {
                error.code = super::error::Code::InvalidExpression;
            }
            Stop::Errors(errors)
        }
        failure => failure,
    }
}
