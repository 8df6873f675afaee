//! The elements of an array, and how deeply nested values end.
//!
//! A program can nest values as deeply as it can count, and a value is freed by freeing what it holds. The types that
//! hold values therefore free them on a stack that grows ([`deep`]): the native one would overflow, which ends the
//! process.

use super::deep;
use super::kind::{Binding, NativeFn, Value};
use std::ops::{Deref, DerefMut};

/// The elements of an array.
#[derive(Clone, Default)]
pub struct Items(Vec<Value>);

impl Items {
    /// The elements, owned.
    pub fn into_vec(mut self) -> Vec<Value> {
        std::mem::take(&mut self.0)
    }
}

impl std::fmt::Debug for Items {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Vec<Value>> for Items {
    fn from(items: Vec<Value>) -> Items {
        Items(items)
    }
}

impl FromIterator<Value> for Items {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> Items {
        Items(items.into_iter().collect())
    }
}

impl Deref for Items {
    type Target = Vec<Value>;

    fn deref(&self) -> &Vec<Value> {
        &self.0
    }
}

impl DerefMut for Items {
    fn deref_mut(&mut self) -> &mut Vec<Value> {
        &mut self.0
    }
}

/// Whether freeing a value frees further values.
pub(super) fn holds_values(value: &Value) -> bool {
    match value {
        Value::Array(_)
        | Value::Object(_)
        | Value::Set(_)
        | Value::Cursor(_)
        | Value::Lambda(_)
        | Value::Native(_)
        | Value::EventSource(_) => true,
        Value::Null(_)
        | Value::Bool(_)
        | Value::Int(_)
        | Value::Long(_)
        | Value::Double(_)
        | Value::Id(_)
        | Value::String(_)
        | Value::Bytes(_)
        | Value::Time(_)
        | Value::TransactionTime
        | Value::Date(_)
        | Value::Uuid(_)
        | Value::Doc(_)
        | Value::Module(_)
        | Value::Function(_)
        | Value::Query(_) => false,
    }
}

impl Drop for Items {
    fn drop(&mut self) {
        if self.0.iter().any(holds_values) {
            deep(|| drop(std::mem::take(&mut self.0)));
        }
    }
}

impl Drop for Binding {
    fn drop(&mut self) {
        let value = std::mem::replace(&mut self.value, Value::NULL);
        if holds_values(&value) {
            deep(|| drop(value));
        }
        // The scopes around it, one after another: a block may have very many variables.
        let mut outer = self.outer.0.take();
        while let Some(mut binding) = outer.and_then(std::sync::Arc::into_inner) {
            outer = binding.outer.0.take();
        }
    }
}

impl Drop for NativeFn {
    fn drop(&mut self) {
        if let Some(this) = self.this.take() {
            deep(|| drop(this));
        }
    }
}
