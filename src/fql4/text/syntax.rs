//! The tree of a text: calls, literals, functions.

use crate::fql::syntax::Span;
use serde_json::Number;

/// A node and its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) kind: NodeKind,
    pub(super) span: Span,
}

/// What an expression is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum NodeKind {
    Null,
    /// No value at all.
    Undefined,
    Bool(bool),
    /// `None` is an infinite number, which JSON has not.
    Number(Option<Number>),
    String(String),
    Array(Vec<Node>),
    Object(Object),
    /// `Name(arguments)`
    Call {
        name: String,
        /// Where the name stands.
        name_span: Span,
        arguments: Vec<Node>,
    },
    /// `(a, b) => body`
    Function {
        parameters: Vec<String>,
        body: Box<Node>,
    },
    /// A parameter of a function around it.
    Name(String),
}

/// The fields of an object literal, in the order in which JavaScript keeps them: keys that are whole numbers first, a
/// repeated key at its first place with its last value.
pub(super) type Object = Vec<(String, Node)>;

/// Fields as written become fields as kept.
pub(super) fn object(written: Vec<(String, Node)>) -> Object {
    let mut fields: Object = Vec::with_capacity(written.len());
    let mut places = crate::FastMap::default();
    for (key, value) in written {
        match places.get(&key) {
            None => {
                places.insert(key.clone(), fields.len());
                fields.push((key, value));
            }
            Some(place) => {
                if let Some(field) = fields.get_mut(*place) {
                    field.1 = value;
                }
            }
        }
    }
    fields.sort_by_key(|(key, _)| crate::fql4::print::array_index(key).unwrap_or(u32::MAX));
    fields
}
