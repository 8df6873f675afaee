//! Plain objects and the module `Object` (`spec fql10-stdlib 6`).

use super::{display, items, method, method_with, text, value};
use crate::fql::interp::{Effect, Failure, Interp, Result, Shape};
use crate::fql::syntax::ast::Str;
use crate::value::{NullReason, Object, Value};
use std::sync::Arc;

pub(super) static SHAPES: &[&Shape] = &[
    &Shape {
        name: "object",
        alias: None,
        about: "Any plain object.",
        members: &[method(
            "[]",
            &["(key: String) => Any"],
            get,
            "The value of a key, or null.",
            "({ 'x y': 2 })['x y']",
        )],
    },
    &MODULE,
    &Shape {
        name: "StructModule",
        alias: None,
        about: "The type of plain objects, for `isa`.",
        members: &[],
    },
    &Shape {
        name: "DocModule",
        alias: None,
        about: "The type of documents, for `isa`.",
        members: &[],
    },
];

static MODULE: Shape = Shape {
    name: "ObjectModule",
    alias: None,
    about: "Functions on objects and documents.",
    members: &[
        method(
            "keys",
            &["(object: Any) => Array<String>"],
            keys,
            "The keys in order.",
            "Object.keys({ b: 1, a: 2 })",
        ),
        method(
            "values",
            &["(object: { *: A }) => Array<A>"],
            values,
            "The values in order.",
            "Object.values({ b: 1, a: 2 })",
        ),
        method(
            "entries",
            &["(object: { *: A }) => Array<[String, A]>"],
            entries,
            "Pairs of key and value.",
            "Object.entries({ b: 1, a: 2 })",
        ),
        method(
            "fromEntries",
            &["(entries: Array<[String, A]>) => { *: A }"],
            from_entries,
            "An object of pairs of key and value.",
            "Object.fromEntries([['x', 1], ['y', 2]])",
        ),
        method(
            "assign",
            &["(destination: { *: A }, source: { *: B }) => { *: A | B }"],
            assign,
            "A new object with the fields of both; the source's win.",
            "Object.assign({ a: 1, b: 2 }, { b: 9 })",
        ),
        method(
            "select",
            &["(object: { *: Any }, path: Array<String>) => Any"],
            select,
            "The value at a path of keys, or null.",
            "Object.select({ a: { b: 7 } }, ['a', 'b'])",
        ),
        method(
            "hasPath",
            &["(object: { *: Any }, path: Array<String>) => Boolean"],
            has_path,
            "Whether there is a value at a path of keys.",
            "Object.hasPath({ a: { b: null } }, ['a', 'b'])",
        ),
        method_with(
            Effect::Pure,
            "toString",
            &["(object: Any) => String"],
            |me, _, args| display(me, value(args, 0), &[]),
            "Any value as text.",
            "Object.toString([1, 'a'])",
        ),
    ],
};

fn get(me: &mut Interp, this: &Value, args: &[Value]) -> Result {
    let key = text(args.first());
    let found = match this {
        Value::Object(object) => object.get(key).cloned(),
        _ => None,
    };
    Ok(found.unwrap_or_else(|| {
        me.null(NullReason::MissingField {
            field: key.into(),
            of: this.type_name(),
        })
    }))
}

/// The fields of an object, or of a document as it is now. `name` is the parameter in messages.
fn fields(me: &mut Interp, given: &Value, name: &str) -> Result<Arc<Object>> {
    match given {
        Value::Object(object) => Ok(object.clone()),
        Value::Doc(doc) => {
            me.require(Effect::Read, || "Reading a document".into())?;
            match me.read(doc)? {
                Ok(version) => Ok(Arc::new(me.doc_fields(doc, &version)?)),
                Err(missing) => {
                    let failure = me.missing_failure(doc, &missing);
                    let mut message = failure.message().chars();
                    let first = message
                        .next()
                        .map(|c| c.to_lowercase().to_string())
                        .unwrap_or_default();
                    Err(Failure::invalid_argument(name, first + message.as_str()))
                }
            }
        }
        Value::Module(_) => Err(Failure::invalid_argument(
            name,
            "expected either an object or a document",
        )),
        other => Err(Failure::argument_type(name, "{ *: Any }", other)),
    }
}

fn keys(me: &mut Interp, _: &Value, args: &[Value]) -> Result {
    let fields = fields(me, value(args, 0), "object")?;
    me.work(fields.len() as u64)?;
    Ok(Value::array(
        fields
            .keys()
            .map(|key| Value::String(key.clone()))
            .collect(),
    ))
}

fn values(me: &mut Interp, _: &Value, args: &[Value]) -> Result {
    let fields = fields(me, value(args, 0), "object")?;
    me.work(fields.len() as u64)?;
    Ok(Value::array(
        fields.iter().map(|(_, value)| value.clone()).collect(),
    ))
}

fn entries(me: &mut Interp, _: &Value, args: &[Value]) -> Result {
    let fields = fields(me, value(args, 0), "object")?;
    me.work(fields.len() as u64)?;
    let pair = |(key, value): (&Str, &Value)| {
        Value::array(vec![Value::String(key.clone()), value.clone()])
    };
    Ok(Value::array(fields.iter().map(pair).collect()))
}

fn from_entries(me: &mut Interp, _: &Value, args: &[Value]) -> Result {
    let entries = items(args.first());
    me.work(entries.len() as u64)?;
    let mut object = Object::new();
    for (i, entry) in entries.iter().enumerate() {
        let invalid = |reason: String| Err(Failure::invalid_argument("entries", reason));
        let Value::Array(pair) = entry else {
            let saw = entry.type_name();
            return invalid(format!(
                "expected an array for each element of the outer array, but saw type {saw} at index {i}"
            ));
        };
        let [key, value] = pair.as_slice() else {
            return invalid(format!(
                "expected inner array of length 2 but saw length {} at index {i}",
                pair.len()
            ));
        };
        let Value::String(key) = key else {
            let saw = key.type_name();
            return invalid(format!(
                "expected a string for the first element of each inner array, but saw type {saw} at index {i}"
            ));
        };
        object.insert(key.clone(), value.clone());
    }
    Ok(Value::object(object))
}

fn assign(me: &mut Interp, _: &Value, args: &[Value]) -> Result {
    let destination = fields(me, value(args, 0), "destination")?;
    let source = fields(me, value(args, 1), "source")?;
    me.work((destination.len() + source.len()) as u64)?;
    let mut object = Arc::unwrap_or_clone(destination);
    for (key, value) in source.iter() {
        object.insert(key.clone(), value.clone());
    }
    Ok(Value::object(object))
}

/// Walks plain objects only. An element of the path that is no string matters when it is reached.
fn walk(args: &[Value]) -> Result<Option<Value>> {
    let mut current = value(args, 0).clone();
    for step in items(args.get(1)).iter() {
        let Value::String(key) = step else {
            return Err(Failure::invalid_argument(
                "path",
                "expected an array of strings",
            ));
        };
        let next = match &current {
            Value::Object(object) => object.get(key).cloned(),
            _ => None,
        };
        match next {
            Some(next) => current = next,
            None => return Ok(None),
        }
    }
    Ok(Some(current))
}

fn select(me: &mut Interp, _: &Value, args: &[Value]) -> Result {
    Ok(walk(args)?.unwrap_or_else(|| {
        me.null(NullReason::NoSuchElement(
            "no value in object found at path",
        ))
    }))
}

fn has_path(_: &mut Interp, _: &Value, args: &[Value]) -> Result {
    Ok(Value::Bool(walk(args)?.is_some()))
}
