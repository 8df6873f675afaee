//! What may be wrong with the definition of an index (`spec fql4 8.3`), and what it is completed with.

use super::checks::{Faults, is_long, is_reference_to};
use crate::fql::interp::Effect;
use crate::fql4::eval::Evaluator;
use crate::model::native;
use crate::model::schema::load::one_or_many;
use crate::value::{Object, Value};

/// Partitions of an index without terms.
const MOST_PARTITIONS: i64 = 8;

/// A source, as far as checks go.
struct Source {
    /// `None`: all.
    collections: Option<Vec<i64>>,
    bindings: Vec<(crate::value::Str, crate::value::Str)>,
}

/// Why a field could not be decoded: what to tell.
type Undecodable = Box<dyn FnOnce(&mut Faults)>;

/// What must hold before the patch is applied; completes the patch with the number of partitions.
pub fn check_patch(before: &Object, after: &Object, patch: &mut Object, faults: &mut Faults) {
    match sources(after) {
        Err(tell) => tell(faults),
        Ok(sources) => {
            let mut named: Vec<_> = sources
                .iter()
                .filter_map(|s| s.collections.clone())
                .collect();
            let count = named.len();
            named.iter_mut().for_each(|ids| ids.sort_unstable());
            named.sort_unstable();
            named.dedup();
            if named.len() < count {
                faults.add(
                    &["source"],
                    "multiple bindings",
                    "A collection ref may only match one binding.",
                );
            } else if sources.len() > 1
                && sources.iter().all(|source| source.bindings.is_empty())
                && sources.iter().any(|source| source.collections.is_none())
            {
                faults.add(
                    &["source"],
                    "mixed wildcards",
                    "Cannot mix collection refs and wildcards without providing bindings.",
                );
            }
        }
    }
    partitions(after, patch, faults);
    if matches!(before.get("active"), Some(Value::Bool(true))) {
        patch.insert("active", Value::Bool(true));
    }
}

fn partitions(after: &Object, patch: &mut Object, faults: &mut Faults) {
    let number = |object: &Object| {
        object
            .get("partitions")
            .filter(|n| is_long(n))
            .and_then(Value::as_i64)
    };
    match (number(after), number(patch)) {
        (_, Some(given)) if (1..=MOST_PARTITIONS).contains(&given) => {}
        (_, Some(given)) => faults.add(
            &["partitions"],
            "bounds error",
            format!("Value {given} is not in expected range 1 to {MOST_PARTITIONS}."),
        ),
        (Some(_), None) => {}
        (None, None) => {
            let terms: Vec<&Value> = one_or_many(after, "terms").collect();
            let by_collection = |term: &&Value| match term {
                Value::Object(term) => match term.get("field") {
                    Some(Value::String(name)) => &**name == "class",
                    Some(Value::Array(path)) => {
                        matches!(path.as_slice(), [Value::String(name)] if &**name == "class")
                    }
                    _ => false,
                },
                _ => false,
            };
            let many = match terms.as_slice() {
                [] => true,
                [one] => by_collection(one),
                _ => false,
            };
            let count = if many { MOST_PARTITIONS } else { 1 };
            patch.insert("partitions", Value::integer(count));
        }
    }
}

/// What must hold of the definition as it would be stored.
pub fn check_definition(me: &mut Evaluator, index: &Object, faults: &mut Faults) {
    let sources = match sources(index) {
        Ok(sources) => sources,
        Err(tell) => {
            tell(faults);
            Vec::new()
        }
    };
    let mut bound = Vec::new();
    for field in ["terms", "values"] {
        for entry in one_or_many(index, field) {
            match term(field, entry) {
                Ok(binding) => bound.extend(binding),
                Err(tell) => {
                    tell(faults);
                    break;
                }
            }
        }
    }
    faults.needed(index, "active", "Boolean", |value| {
        matches!(value, Value::Bool(_))
    });
    faults.long(index, "partitions");
    faults.boolean(index, "unique");
    faults.boolean(index, "serialized");
    for (at, source) in sources.iter().enumerate() {
        for (nth, (name, query)) in source.bindings.iter().enumerate() {
            let (at, nth) = (at.to_string(), nth.to_string());
            let path = ["source", at.as_str(), "fields", nth.as_str(), name];
            let pure = me
                .cache
                .lambda(query)
                .is_some_and(|lambda| lambda.effect == Effect::Pure);
            if !pure {
                faults.add(
                    &path,
                    "invalid binding",
                    "Field binding must be a pure unary function.",
                );
            }
            if !bound.contains(name) {
                faults.add(
                    &path,
                    "unused binding",
                    "Source binding is not used as a term or value.",
                );
            }
        }
    }
}

fn wrong(path: &'static [&'static str], expected: &'static str, value: &Value) -> Undecodable {
    let value = value.clone();
    Box::new(move |faults| faults.wrong_type(path, expected, &value))
}

fn sources(index: &Object) -> Result<Vec<Source>, Undecodable> {
    match index.get("source") {
        None | Some(Value::Null(_)) => Err(Box::new(|faults| faults.required(&["source"]))),
        Some(Value::Array(items)) => items.iter().map(source).collect(),
        Some(one) => Ok(vec![source(one)?]),
    }
}

fn source(value: &Value) -> Result<Source, Undecodable> {
    let decoded = match value {
        Value::Object(object) => {
            let of = object
                .get("class")
                .filter(|value| !value.is_null())
                .or_else(|| object.get("collection"));
            let Some(of) = of else {
                return Err(Box::new(|faults| faults.required(&["class"])));
            };
            let bindings = match object.get("fields") {
                None | Some(Value::Null(_)) => Vec::new(),
                Some(Value::Object(fields)) => {
                    let mut bindings = Vec::new();
                    for (name, value) in fields.iter() {
                        let Value::Query(query) = value else {
                            let (name, value) = (name.clone(), value.clone());
                            return Err(Box::new(move |faults| {
                                faults.wrong_type(&["fields", &name], "Query", &value);
                            }));
                        };
                        bindings.push((name.clone(), query.text.clone()));
                    }
                    bindings
                }
                Some(other) => return Err(wrong(&["fields"], "Query Map", other)),
            };
            Source {
                collections: collections(of, &["class"])?,
                bindings,
            }
        }
        Value::Array(_) => return Err(wrong(&["source"], "SourceClass", value)),
        other => Source {
            collections: collections(other, &["source"])?,
            bindings: Vec::new(),
        },
    };
    let databases = i64::try_from(native::DATABASE.0).unwrap_or_default();
    match &decoded.collections {
        Some(ids) if ids.contains(&databases) => Err(Box::new(|faults| {
            faults.add(&["source"], "invalid reference", "Cannot read reference.");
        })),
        _ => Ok(decoded),
    }
}

fn collections(
    value: &Value,
    path: &'static [&'static str],
) -> Result<Option<Vec<i64>>, Undecodable> {
    let id = |value: &Value| match value {
        Value::Doc(doc) if is_reference_to(value, native::COLLECTION) => match doc.key {
            crate::value::DocKey::Id(id) => Some(id.0),
            crate::value::DocKey::Name(_) => None,
        },
        _ => None,
    };
    match value {
        Value::String(all) if &**all == "_" => Ok(None),
        Value::Array(items) => {
            let mut ids = Vec::new();
            for item in items.iter() {
                ids.push(id(item).ok_or_else(|| wrong(path, "Class Ref", item))?);
            }
            Ok(Some(ids))
        }
        one => match id(one) {
            Some(id) => Ok(Some(vec![id])),
            None => Err(wrong(path, "SourceClass", one)),
        },
    }
}

/// The binding that a term or value is, if it is one.
fn term(field: &'static str, entry: &Value) -> Result<Option<crate::value::Str>, Undecodable> {
    let Value::Object(object) = entry else {
        return Err(match field {
            "terms" => wrong(&["terms"], "Term", entry),
            _ => wrong(&["values"], "Term", entry),
        });
    };
    let binding = match object.get("binding") {
        Some(Value::String(name)) => Some(name.clone()),
        None | Some(Value::Null(_)) => {
            path(object)?;
            None
        }
        Some(other) => {
            if path(object).is_err() {
                return Err(wrong(&["binding"], "String", other));
            }
            None
        }
    };
    for name in ["reverse", "mva"] {
        match object.get(name) {
            None | Some(Value::Null(_) | Value::Bool(_)) => {}
            Some(other) => {
                let path: &'static [&'static str] = if name == "mva" {
                    &["mva"]
                } else {
                    &["reverse"]
                };
                return Err(wrong(path, "Boolean", other));
            }
        }
    }
    match object.get("transform") {
        None | Some(Value::Null(_)) => {}
        Some(Value::String(name)) if &**name == "casefold" => {}
        Some(Value::String(name)) => {
            let text = format!("Invalid value `{name}` at `transform`");
            return Err(Box::new(move |faults| {
                faults.add(&["transform"], "invalid value", text);
            }));
        }
        Some(other) => return Err(wrong(&["transform"], "String", other)),
    }
    Ok(binding)
}

fn path(object: &Object) -> Result<(), Undecodable> {
    let missing = || -> Undecodable {
        Box::new(|faults| {
            faults.add(
                &["field"],
                "value required",
                "Must provide one of the following: field, binding",
            );
        })
    };
    let is_part = |value: &Value| matches!(value, Value::String(_)) || is_long(value);
    match object.get("field") {
        None | Some(Value::Null(_)) => Err(missing()),
        Some(Value::Array(parts)) => match parts.iter().find(|part| !is_part(part)) {
            Some(part) => Err(wrong(&["field"], "Long or String", part)),
            None => Ok(()),
        },
        Some(part) if is_part(part) => Ok(()),
        Some(other) => Err(wrong(&["field"], "Long or String", other)),
    }
}

/// What an index is made of: what may not change once it is there.
pub fn shape_change(before: &Object, after: &Object) -> Option<String> {
    let count = |index: &Object| match index.get("unique") {
        Some(Value::Bool(true)) => 1,
        _ => index.get("partitions").and_then(Value::as_i64).unwrap_or(1),
    };
    let (old, new) = (count(before), count(after));
    if old != new {
        return Some(format!(
            "Index partition count may not be updated ({old} -> {new})."
        ));
    }
    let shape = |index: &Object| -> Object {
        let fields = ["source", "terms", "values"].into_iter();
        fields
            .filter_map(|name| Some((name, index.get(name)?.clone())))
            .collect()
    };
    let changed = super::patch::difference(&shape(before), &shape(after));
    if changed.is_empty() {
        return None;
    }
    Some(format!(
        "Index sources, terms, and values may not be updated (Diff({}))",
        data_text(&Value::object(changed))
    ))
}

/// Data as the original's messages show it.
fn data_text(value: &Value) -> String {
    match value {
        Value::Null(_) => "null".into(),
        Value::Bool(flag) => flag.to_string(),
        Value::Object(object) => {
            let fields = object.iter();
            let fields: Vec<String> = fields
                .map(|(name, value)| format!("\"{name}\" : {}", data_text(value)))
                .collect();
            format!("{{ {} }}", fields.join(", "))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(data_text).collect();
            format!("[ {} ]", items.join(", "))
        }
        Value::String(text) => format!("\"{text}\""),
        Value::Doc(doc) => match doc.key {
            crate::value::DocKey::Id(id) => format!("DocID({}, {})", id.0, doc.coll.0),
            crate::value::DocKey::Name(_) => String::new(),
        },
        other => other.as_i64().map(|n| n.to_string()).unwrap_or_default(),
    }
}
