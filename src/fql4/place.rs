//! Places in a query: the paths that errors name (`spec fql4 2`).
//!
//! A place is a chain from a node of the query up to its root, made while the query is read: every node that can fail
//! keeps its own. A lambda's body keeps the places of where it was written, however far from there it runs; stored
//! lambdas begin at a root of their own.

use crate::value::Str;
use std::sync::Arc;

/// One element of a position as errors show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A key of an object.
    Key(Str),
    /// A place in an array.
    Index(usize),
}

/// Where a node of a query stands. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Place(Option<Arc<Link>>);

#[derive(Debug)]
struct Link {
    step: Part,
    parent: Place,
}

#[derive(Debug)]
enum Part {
    /// A key that a form declares.
    Declared(&'static str),
    Key(Str),
    Index(usize),
}

impl Place {
    /// The whole query.
    pub const ROOT: Place = Place(None);

    /// The value of a form's key.
    pub fn at(&self, key: &'static str) -> Place {
        self.then(Part::Declared(key))
    }

    /// The value of a key that the query chose: a variable, a field.
    pub fn field(&self, key: &Str) -> Place {
        self.then(Part::Key(key.clone()))
    }

    /// An element of an array.
    pub fn index(&self, index: usize) -> Place {
        self.then(Part::Index(index))
    }

    fn then(&self, step: Part) -> Place {
        Place(Some(Arc::new(Link {
            step,
            parent: self.clone(),
        })))
    }

    /// The path from the root.
    pub fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut place = self;
        while let Some(link) = &place.0 {
            steps.push(match &link.step {
                Part::Declared(key) => Step::Key((*key).into()),
                Part::Key(key) => Step::Key(key.clone()),
                Part::Index(index) => Step::Index(*index),
            });
            place = &link.parent;
        }
        steps.reverse();
        steps
    }
}
