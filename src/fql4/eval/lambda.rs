//! Applying lambdas (`spec fql4 4.2`).

use super::{Evaluator, MAX_DEPTH};
use crate::fql4::error::{Error, Result};
use crate::fql4::expression::{Closure, Env, Pattern};
use crate::fql4::place::Place;
use crate::fql4::value::{Str, Value};
use std::sync::Arc;

impl Evaluator<'_> {
    /// Applies a lambda. `place` is the slot the lambda stands in, or the root for a stored one.
    pub fn apply(&mut self, closure: &Closure, argument: Value, place: &Place) -> Result {
        if self.depth >= MAX_DEPTH {
            return Err(Error::stack_overflow(place).into());
        }
        let lambda = &closure.lambda;
        let env = bind(&lambda.pattern, argument, &closure.env, &place.at("lambda"))?;
        self.interp.charge(1)?;
        self.depth += 1;
        let result = self.evaluate(&lambda.body, &env);
        self.depth -= 1;
        result
    }

    /// The lambda of a value that is one: a stored lambda is read now.
    pub fn closure(&mut self, value: &Value) -> Option<Arc<Closure>> {
        match value {
            Value::Lambda(closure) => Some(closure.clone()),
            Value::Query(text) => self.stored_closure(text),
            _ => None,
        }
    }

    /// A stored lambda, read; `None` if it is not one.
    pub fn stored_closure(&mut self, text: &Str) -> Option<Arc<Closure>> {
        let lambda = self.cache.lambda(text)?;
        Some(Arc::new(Closure {
            lambda,
            env: Env::default(),
        }))
    }
}

fn bind(pattern: &Pattern, argument: Value, env: &Env, place: &Place) -> Result<Env> {
    let wrong = |expected: usize, provided: usize| {
        Error::argument(
            place,
            format!("Lambda expects an array with {expected} elements. Array contains {provided}."),
        )
    };
    match (pattern, argument) {
        (Pattern::Ignore, _) => Ok(env.clone()),
        (Pattern::Name(name), value) => Ok(env.bind(name, value)),
        (Pattern::Array(names), Value::Array(items)) if names.len() == items.len() => Ok(names
            .iter()
            .zip(items.iter())
            .fold(env.clone(), |env, (name, value)| match name {
                Some(name) => env.bind(name, value.clone()),
                None => env,
            })),
        (Pattern::Array(names), Value::Array(items)) => Err(wrong(names.len(), items.len()).into()),
        (Pattern::Array(names), value) => match names.as_slice() {
            [Some(name)] => Ok(env.bind(name, value)),
            [None] => Ok(env.clone()),
            names => Err(wrong(names.len(), 1).into()),
        },
    }
}
