//! Paths into values (`spec fql4 6.3`).

use super::{Evaluator, casts};
use crate::fql4::error::{Code, Collected, Error, Result};
use crate::fql4::expression::{Env, Select};
use crate::fql4::forms::Cast;
use crate::fql4::place::Place;
use crate::fql4::value::{EventData, Str, Value};
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
        match self.find(&from, &steps, all)? {
            Some(value) => Ok(value),
            None => match &node.default {
                Some(default) => self.evaluate(default, env),
                None => Err(missing(&steps, &at).into()),
            },
        }
    }

    /// What is at a path, `None` if nothing is. With `all`, arrays on the way are flattened.
    pub fn find(&mut self, from: &Value, path: &[PathStep], all: bool) -> Result<Option<Value>> {
        let mut value = from.clone();
        for (i, step) in path.iter().enumerate() {
            if let (true, Value::Array(items), PathStep::Key(_)) = (all, &value, step) {
                let mut found = Vec::new();
                for item in items.iter() {
                    if let Some(inner) = self.find(item, path.get(i..).unwrap_or_default(), all)? {
                        found.push(inner);
                    }
                }
                return Ok(Some(Value::array(found)));
            }
            match self.part(&value, step)? {
                Some(part) => value = part,
                None => return Ok(None),
            }
        }
        Ok(Some(value))
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
                "ts" => Some(match document.ts {
                    Some(ts) => Value::Long(ts.0),
                    None => Value::TransactionMicros,
                }),
                key => document.fields.get(key).cloned(),
            },
            (Value::Event(event), PathStep::Key(key)) => match &**key {
                "ts" => Some(match event.ts {
                    Some(ts) => Value::Long(ts.0),
                    None => Value::TransactionMicros,
                }),
                "action" => Some(Value::Action(event.action)),
                "document" | "instance" | "resource" => Some(Value::Ref(event.document)),
                "data" => match &event.data {
                    EventData::Document(data) => Some(data.clone()),
                    EventData::Set(values) if values.is_empty() => None,
                    EventData::Set(values) => Some(Value::array(values.clone())),
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
            (Value::Cursor(inner), step) => {
                let inner: Arc<Value> = inner.clone();
                return self.part(&inner, step);
            }
            (Value::Ref(reference), PathStep::Key(key)) => {
                return crate::fql4::refs::part(self, *reference, key);
            }
            _ => None,
        })
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
