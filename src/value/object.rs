//! Objects: fields in insertion order.
//!
//! Most objects have a handful of fields, for which a walk over them beats hashing and costs one
//! allocation. Beyond [`SMALL`] fields an index of keys is kept beside them, so that building and
//! reading large objects stays linear.

use super::kind::{Str, Value};
use std::collections::HashMap;
use std::fmt;

/// Fields up to which no index is kept.
const SMALL: usize = 16;

/// An insertion-ordered object. Replacing a key keeps its position.
#[derive(Clone, Default)]
pub struct Object {
    fields: Vec<(Str, Value)>,
    /// Place of each key, if there are more than [`SMALL`]. Boxed, since most objects have none.
    #[allow(clippy::box_collection)]
    index: Option<Box<HashMap<Str, usize>>>,
}

impl Drop for Object {
    fn drop(&mut self) {
        // See `items`: what is nested deeply is freed on a growing stack.
        if self
            .fields
            .iter()
            .any(|(_, value)| super::items::holds_values(value))
        {
            super::deep(|| drop(std::mem::take(&mut self.fields)));
        }
    }
}

impl Object {
    /// An empty object.
    pub fn new() -> Object {
        Object::default()
    }

    /// An empty object with room for `capacity` fields.
    pub fn with_capacity(capacity: usize) -> Object {
        Object {
            fields: Vec::with_capacity(capacity),
            index: None,
        }
    }

    fn position(&self, key: &str) -> Option<usize> {
        match &self.index {
            Some(index) => index.get(key).copied(),
            None => self.fields.iter().position(|(name, _)| &**name == key),
        }
    }

    fn reindex(&mut self) {
        self.index = (self.fields.len() > SMALL).then(|| {
            Box::new(
                self.fields
                    .iter()
                    .enumerate()
                    .map(|(at, (key, _))| (key.clone(), at))
                    .collect(),
            )
        });
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.position(key)
            .and_then(|at| self.fields.get(at))
            .map(|(_, value)| value)
    }

    /// Sets `key`, keeping its position if it is there; returns the old value.
    pub fn insert(&mut self, key: impl Into<Str>, value: Value) -> Option<Value> {
        let key = key.into();
        if let Some(old) = self.get_mut(&key) {
            return Some(std::mem::replace(old, value));
        }
        match &mut self.index {
            Some(index) => {
                index.insert(key.clone(), self.fields.len());
                self.fields.push((key, value));
            }
            None => {
                self.fields.push((key, value));
                if self.fields.len() > SMALL {
                    self.reindex();
                }
            }
        }
        None
    }

    /// Removes `key`, keeping the order of the rest.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let at = self.position(key)?;
        let (_, value) = self.fields.remove(at);
        if self.index.is_some() {
            self.reindex();
        }
        Some(value)
    }

    /// Whether `key` is there, null included.
    pub fn contains_key(&self, key: &str) -> bool {
        self.position(key).is_some()
    }

    /// Fields in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Str, &Value)> + ExactSizeIterator {
        self.fields.iter().map(|(key, value)| (key, value))
    }

    /// Fields in order, owned.
    #[allow(clippy::should_implement_trait)]
    pub fn into_iter(mut self) -> impl Iterator<Item = (Str, Value)> {
        std::mem::take(&mut self.fields).into_iter()
    }

    /// Keys in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &Str> {
        self.fields.iter().map(|(key, _)| key)
    }

    /// The value of `key`, to change.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        let at = self.position(key)?;
        self.fields.get_mut(at).map(|(_, value)| value)
    }

    /// Number of fields.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there are no fields.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }
}

impl<K: Into<Str>> FromIterator<(K, Value)> for Object {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(iter: I) -> Object {
        let iter = iter.into_iter();
        let mut object = Object::with_capacity(iter.size_hint().0);
        for (key, value) in iter {
            object.insert(key, value);
        }
        object
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Step {
        Insert(u8, i32),
        Remove(u8),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            3 => (0u8..40, any::<i32>()).prop_map(|(key, n)| Step::Insert(key, n)),
            1 => (0u8..40).prop_map(Step::Remove),
        ];
        prop::collection::vec(step, 0..80)
    }

    proptest! {
        /// Small or large, an object behaves as a list that is searched.
        #[test]
        fn behaves_as_a_list(steps in steps()) {
            let (mut object, mut list) = (Object::new(), Vec::<(String, i32)>::new());
            for step in steps {
                match step {
                    Step::Insert(key, n) => {
                        let key = key.to_string();
                        object.insert(key.as_str(), Value::Int(n));
                        match list.iter_mut().find(|(name, _)| *name == key) {
                            Some((_, old)) => *old = n,
                            None => list.push((key, n)),
                        }
                    }
                    Step::Remove(key) => {
                        let key = key.to_string();
                        let at = list.iter().position(|(name, _)| *name == key);
                        prop_assert_eq!(object.remove(&key).is_some(), at.is_some());
                        if let Some(at) = at {
                            list.remove(at);
                        }
                    }
                }
            }
            prop_assert_eq!(object.len(), list.len());
            for ((key, value), (name, n)) in object.iter().zip(&list) {
                prop_assert!(**key == **name && matches!(value, Value::Int(m) if m == n));
                prop_assert!(matches!(object.get(name), Some(Value::Int(m)) if m == n));
            }
            prop_assert!(!object.contains_key("40"));
        }
    }
}
