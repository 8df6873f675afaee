//! The arguments of a native function, evaluated and cast as its declaration says.

use crate::fql4::error::{Error, Result};
use crate::fql4::expression::{Closure, FormCall};
use crate::fql4::kind;
use crate::fql4::place::Place;
use crate::fql4::sets::Set;
use crate::fql4::value::{Items, Object, Ref, Str, Time, Value};
use std::sync::Arc;

/// The arguments of one call, one for each key of its form. The readers below never fail on what the declared cast
/// lets through.
#[derive(Debug)]
pub struct Arguments {
    call: Arc<FormCall>,
    values: Vec<Option<Value>>,
}

impl Arguments {
    /// Values for the keys of a call.
    pub fn new(call: Arc<FormCall>, values: Vec<Option<Value>>) -> Arguments {
        Arguments { call, values }
    }

    /// The place of the form.
    pub fn place(&self) -> &Place {
        &self.call.place
    }

    /// The call as read.
    pub fn call(&self) -> &Arc<FormCall> {
        &self.call
    }

    /// The place of a key.
    pub fn at(&self, index: usize) -> Place {
        match self.call.form.keys.get(index) {
            Some(key) => self.call.place.at(key.name),
            None => self.call.place.clone(),
        }
    }

    /// An argument; `None` if it was left out.
    pub fn get(&self, index: usize) -> Option<&Value> {
        self.values.get(index).and_then(Option::as_ref)
    }

    /// An argument, taken out; null if it was left out.
    pub fn take(&mut self, index: usize) -> Value {
        self.values
            .get_mut(index)
            .and_then(Option::take)
            .unwrap_or(Value::Null)
    }

    /// Puts another value in the place of an argument.
    pub fn put(&mut self, index: usize, value: Value) {
        if let Some(place) = self.values.get_mut(index) {
            *place = Some(value);
        }
    }

    /// An argument, null if it was left out.
    pub fn value(&self, index: usize) -> Value {
        self.get(index).cloned().unwrap_or(Value::Null)
    }

    fn expected<T>(&self, index: usize, expected: &str) -> Result<T> {
        let provided = self.get(index).map_or("Null", kind::of);
        Err(Error::argument(
            &self.at(index),
            format!("{expected} expected, {provided} provided."),
        )
        .into())
    }

    /// Text.
    pub fn string(&self, index: usize) -> Result<Str> {
        match self.get(index) {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(Value::Action(action)) => Ok(action.text().into()),
            _ => self.expected(index, "String"),
        }
    }

    /// An integer.
    pub fn integer(&self, index: usize) -> Result<i64> {
        match self.get(index) {
            Some(Value::Long(n)) => Ok(*n),
            _ => self.expected(index, "Integer"),
        }
    }

    /// An integer that may be left out.
    pub fn optional_integer(&self, index: usize) -> Result<Option<i64>> {
        self.get(index).map(|_| self.integer(index)).transpose()
    }

    /// A Boolean.
    pub fn boolean(&self, index: usize) -> Result<bool> {
        match self.get(index) {
            Some(Value::Bool(flag)) => Ok(*flag),
            _ => self.expected(index, "Boolean"),
        }
    }

    /// The elements of what was cast to an array.
    pub fn items(&self, index: usize) -> Result<Arc<Items>> {
        match self.get(index) {
            Some(Value::Array(items)) => Ok(items.clone()),
            _ => self.expected(index, "Array"),
        }
    }

    /// An object.
    pub fn object(&self, index: usize) -> Result<Arc<Object>> {
        match self.get(index) {
            Some(Value::Object(object)) => Ok(object.clone()),
            _ => self.expected(index, "Object"),
        }
    }

    /// A reference that resolved.
    pub fn reference(&self, index: usize) -> Result<Ref> {
        match self.get(index) {
            Some(Value::Ref(reference)) => Ok(*reference),
            _ => self.expected(index, "Ref"),
        }
    }

    /// A set.
    pub fn set(&self, index: usize) -> Result<Arc<Set>> {
        match self.get(index) {
            Some(Value::Set(set)) => Ok(set.clone()),
            _ => self.expected(index, "Set"),
        }
    }

    /// An instant.
    pub fn time(&self, index: usize) -> Result<Time> {
        match self.get(index) {
            Some(Value::Time(time)) => Ok(*time),
            _ => self.expected(index, "Time"),
        }
    }

    /// A lambda.
    pub fn lambda(&self, index: usize) -> Result<Arc<Closure>> {
        match self.get(index) {
            Some(Value::Lambda(closure)) => Ok(closure.clone()),
            _ => self.expected(index, "Lambda"),
        }
    }
}
