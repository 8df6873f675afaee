//! Paths into values (`spec fql4 6.3`).

use super::{Evaluator, casts};
use crate::fql4::error::{Code, Collected, Error, Result};
use crate::fql4::expression::{Env, Select};
use crate::fql4::forms::Cast;
use crate::fql4::place::Place;
use crate::fql4::refs;
use crate::fql4::sets::Set;
use crate::fql4::value::{EventData, Object, Ref, Str, Value};
use std::sync::Arc;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathStep {
    /// A field.
    Key(Str),
    /// A place in an array.
    Index(i64),
}

/// The steps of a value that was cast to a path.
pub fn path_steps(path: &Value) -> Vec<PathStep> {
    let Value::Array(items) = path else {
        return Vec::new();
    };
    let steps = items.iter().filter_map(|item| match item {
        Value::String(key) => Some(PathStep::Key(key.clone())),
        Value::Long(index) => Some(PathStep::Index(*index)),
        _ => None,
    });
    steps.collect()
}

impl Evaluator<'_> {
    pub(super) fn select(&mut self, node: &Select, env: &Env) -> Result {
        let mut collected = Collected::default();
        let path = self.evaluate(&node.path, env);
        let path = collected.take(path);
        let from = self.evaluate(&node.from, env);
        let from = collected.take(from);
        let all = match &node.all {
            Some(all) => self.evaluate(all, env),
            None => Ok(Value::Bool(node.key != "select")),
        };
        let all = collected.take(all);
        let eager = match &node.default {
            Some(default) if node.is_eager => {
                let default = self.evaluate(default, env);
                collected.take(default)
            }
            _ => None,
        };
        let (Some(path), Some(from), Some(all)) = collected.finish((path, from, all))? else {
            return Ok(Value::Null);
        };
        let path = casts::cast(self, path, Cast::Path, &node.place.at(node.key))?;
        let all = casts::boolean(&all, &node.place.at("all"))?;
        let at = node.place.at("from");
        if let Value::Unresolved(reference) = &from {
            return Err(casts::undefined(reference, &at).into());
        }
        let steps = path_steps(&path);
        let found = self.find(&from, &steps, all)?;
        if all {
            return Ok(match found {
                Some(values @ Value::Array(_)) => values,
                Some(value) => Value::array(vec![value]),
                None => Value::array(Vec::new()),
            });
        }
        match (found.or(eager), &node.default) {
            (Some(value), _) => Ok(value),
            (None, Some(default)) => self.evaluate(default, env),
            (None, None) => Err(missing(&steps, &at).into()),
        }
    }

    /// What is at a path, `None` if nothing is. With `all`, arrays on the way and at the end are flattened.
    pub fn find(&mut self, from: &Value, path: &[PathStep], all: bool) -> Result<Option<Value>> {
        crate::value::deep(|| {
            let flattens = all && !matches!(path.first(), Some(PathStep::Index(_)));
            match (from, path.split_first()) {
                (Value::Cursor(inner), _) => self.find(inner, path, all),
                (Value::Array(items), _) if flattens => {
                    let mut found = Vec::new();
                    for item in items.iter() {
                        match self.find(item, path, all)? {
                            Some(Value::Array(inner)) => found.extend(inner.iter().cloned()),
                            Some(inner) => found.push(inner),
                            None => {}
                        }
                    }
                    Ok(Some(Value::array(found)))
                }
                (value, None) => Ok(Some(value.clone())),
                // A set is looked into by a way of old.
                (Value::Set(set), Some((PathStep::Key(key), rest))) if &**key == "@set" => {
                    match rest {
                        [] => Ok(Some(from.clone())),
                        rest => self.find(&set_parts(set), rest, all),
                    }
                }
                (value, Some((step, rest))) => match self.part(value, step)? {
                    Some(part) => self.find(&part, rest, all),
                    None => Ok(None),
                },
            }
        })
    }

    /// One step into a value.
    pub fn part(&mut self, value: &Value, step: &PathStep) -> Result<Option<Value>> {
        let index = |items: &[Value], at: i64| {
            usize::try_from(at)
                .ok()
                .and_then(|at| items.get(at))
                .cloned()
        };
        Ok(match (value, step) {
            (Value::Object(object), PathStep::Key(key)) => object.get(key).cloned(),
            (Value::Array(items), PathStep::Index(at)) => index(items, *at),
            (Value::Page(page), PathStep::Index(at)) => index(&page.data, *at),
            (Value::Page(page), PathStep::Key(key)) => match &**key {
                "data" => Some(Value::array(page.data.clone())),
                "before" => page.before.clone(),
                "after" => page.after.clone(),
                _ => None,
            },
            (Value::Document(document), PathStep::Key(key)) => match &**key {
                "ref" => Some(Value::Ref(document.reference)),
                "class" => {
                    let Ref { scope, coll, .. } = document.reference;
                    Some(Value::Ref(refs::collection_ref(scope, coll)))
                }
                "ts" => Some(document.ts_value()),
                key => document.fields.get(key).cloned(),
            },
            (Value::Event(event), PathStep::Key(key)) => match &**key {
                "ts" => Some(event.ts_value()),
                "action" => Some(Value::Action(event.action)),
                "document" | "instance" | "resource" => Some(Value::Ref(event.document)),
                "data" => match &event.data {
                    EventData::Document(data) => Some(data.clone()),
                    EventData::Set(values) => Some(match values.as_slice() {
                        [single] => single.clone(),
                        values => Value::array(values.to_vec()),
                    }),
                },
                _ => None,
            },
            (Value::Element(element), PathStep::Key(key)) => match &**key {
                "value" => Some(element.value.clone()),
                "sources" => Some(Value::array(
                    element.sources.iter().cloned().map(Value::Set).collect(),
                )),
                _ => None,
            },
            (Value::Cursor(inner), step) => return self.part(inner, step),
            (Value::Ref(reference), PathStep::Key(key)) => {
                return refs::part(self, *reference, key);
            }
            _ => None,
        })
    }
}

/// What a set is made of, as its wire form shows it: a way of old to look into some kinds of sets.
fn set_parts(set: &Arc<Set>) -> Value {
    let object = |fields: Vec<(&str, Value)>| {
        let fields = fields.into_iter().map(|(key, value)| (key.into(), value));
        Value::object(Object::from_iter(fields))
    };
    // Native collections are sets and show themselves as references.
    let part = |set: &Arc<Set>| match &**set {
        Set::Native { scope, coll } => Value::Ref(refs::native_ref(*scope, *coll)),
        Set::Document(reference) => Value::Ref(*reference),
        _ => Value::Set(set.clone()),
    };
    let many = |sets: &[Arc<Set>]| Value::array(sets.iter().map(part).collect());
    match &**set {
        Set::Native { .. } | Set::Document(_) => part(set),
        Set::Union(sets) => object(vec![("union", many(sets))]),
        Set::Intersection(sets) => object(vec![("intersection", many(sets))]),
        Set::Difference(sets) => object(vec![("difference", many(sets))]),
        Set::Distinct(inner) => object(vec![("distinct", part(inner))]),
        Set::Join(source, lambda) => object(vec![
            ("join", part(source)),
            ("with", Value::Lambda(lambda.clone())),
        ]),
        Set::JoinIndex(source, index) => {
            object(vec![("join", part(source)), ("with", Value::Ref(*index))])
        }
        Set::Match { index, terms } => object(vec![
            ("match", Value::Ref(*index)),
            (
                "terms",
                match terms.as_slice() {
                    [single] => single.clone(),
                    terms => Value::array(terms.to_vec()),
                },
            ),
        ]),
        Set::Documents(_)
        | Set::Singleton(_)
        | Set::Events(_)
        | Set::Range { .. }
        | Set::Reverse(_)
        | Set::Filter(..) => Value::Null,
    }
}

/// `Value not found at path [a,0,b].`
pub fn missing(path: &[PathStep], place: &Place) -> Error {
    let steps: Vec<String> = path
        .iter()
        .map(|step| match step {
            PathStep::Key(key) => key.to_string(),
            PathStep::Index(index) => index.to_string(),
        })
        .collect();
    Error::new(
        Code::ValueNotFound,
        place,
        format!("Value not found at path [{}].", steps.join(",")),
    )
}
