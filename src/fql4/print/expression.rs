//! Wire form → text: the expression that makes a reference, set or query, as the driver writes it.

use super::entries;
use super::number::javascript_number;
use crate::fql4::forms::{self, TextRule};
use serde_json::{Map, Value as Json};

/// Forms whose array of arguments is written without brackets. (That the bit functions and `Format` are not among them is
/// the driver's slip, which its users see.)
const SPREAD: [&str; 18] = [
    "do",
    "union",
    "intersection",
    "difference",
    "equals",
    "add",
    "divide",
    "max",
    "min",
    "modulo",
    "multiply",
    "subtract",
    "lt",
    "lte",
    "gt",
    "gte",
    "and",
    "or",
];

/// A wire form as the text that makes it.
///
/// ```
/// let wire = serde_json::json!({"lambda": "x", "expr": {"add": [{"var": "x"}, 1]}});
/// assert_eq!(fql::fql4::print::expression(&wire), r#"Lambda("x", Add(Var("x"), 1))"#);
/// ```
pub fn expression(wire: &Json) -> String {
    let mut out = String::new();
    write(&mut out, wire);
    out
}

/// The text of what the driver has a type for; `None` for plain data.
pub(super) fn driver_value(fields: &Map<String, Json>) -> Option<String> {
    let quoted = |name: &str, value: &Json| {
        let text = value.as_str().unwrap_or_default();
        format!("{name}(\"{text}\")")
    };
    if let Some(value) = fields.get("@ref") {
        return Some(reference(value));
    }
    if fields.contains_key("@obj") {
        return None;
    }
    if let Some(value) = fields.get("@set") {
        return Some(expression(value));
    }
    for (tag, name) in [("@ts", "Time"), ("@date", "Date"), ("@bytes", "Bytes")] {
        if let Some(value) = fields.get(tag) {
            return Some(quoted(name, value));
        }
    }
    let query = fields.get("@query")?;
    Some(format!("Query({})", expression(query)))
}

/// `Ref(Collection("x"), "42")`, `Index("i")`, `Keys()`.
fn reference(value: &Json) -> String {
    let Some(fields) = value.as_object() else {
        // The oldest versions write them as paths.
        return format!("Ref({value})");
    };
    let part = |name: &str| fields.get(name).and_then(|part| part.get("@ref"));
    let id = fields.get("id").and_then(Json::as_str).unwrap_or_default();
    let database = part("database").map(reference);
    let Some(collection) = part("collection").or_else(|| part("class")) else {
        let database = database.unwrap_or_default();
        return match id {
            "access_providers" => format!("AccessProviders({database})"),
            _ => {
                let mut letters = id.chars();
                let first = letters.next().map(|ch| ch.to_uppercase().to_string());
                format!(
                    "{}{}({database})",
                    first.unwrap_or_default(),
                    letters.as_str()
                )
            }
        };
    };
    let native = match collection.get("collection").or(collection.get("class")) {
        Some(_) => None,
        None => collection.get("id").and_then(Json::as_str),
    };
    let constructor = match native {
        Some("collections" | "classes") => Some("Collection"),
        Some("databases") => Some("Database"),
        Some("indexes") => Some("Index"),
        Some("functions") => Some("Function"),
        Some("roles") => Some("Role"),
        Some("access_providers") => Some("AccessProvider"),
        Some(_) | None => None,
    };
    match (constructor, database) {
        (Some(constructor), Some(database)) => format!("{constructor}(\"{id}\", {database})"),
        (Some(constructor), None) => format!("{constructor}(\"{id}\")"),
        (None, _) => format!("Ref({}, \"{id}\")", reference(collection)),
    }
}

fn write(out: &mut String, wire: &Json) {
    stacker::maybe_grow(64 * 1024, 1024 * 1024, || match wire {
        Json::Null => out.push_str("null"),
        Json::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Json::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(double) => out.push_str(&javascript_number(double)),
            None => out.push_str(&number.to_string()),
        },
        Json::String(_) => out.push_str(&wire.to_string()),
        Json::Array(elements) => {
            out.push('[');
            list(out, elements);
            out.push(']');
        }
        Json::Object(fields) => match driver_value(fields) {
            Some(text) => out.push_str(&text),
            None => form(out, fields),
        },
    });
}

fn list(out: &mut String, elements: &[Json]) {
    for (i, element) in elements.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        write(out, element);
    }
}

fn object(out: &mut String, fields: &[(&String, &Json)]) {
    out.push('{');
    for (i, (key, value)) in fields.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        out.push('"');
        out.push_str(key);
        out.push_str("\": ");
        write(out, value);
    }
    out.push('}');
}

/// `Name(argument, ...)`; what is missing is written as JavaScript writes it.
fn call(out: &mut String, name: &str, arguments: &[Option<&Json>]) {
    out.push_str(name);
    out.push('(');
    for (i, argument) in arguments.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        match argument {
            Some(argument) => write(out, argument),
            None => out.push_str("undefined"),
        }
    }
    out.push(')');
}

/// An object of the wire that is no value: a form, found by its keys in the order in which the driver looks.
fn form(out: &mut String, fields: &Map<String, Json>) {
    let get = |key: &str| fields.get(key);
    if let Some(data) = get("@obj") {
        bare_object(out, data);
    } else if let Some(index) = get("match") {
        match get("terms") {
            None | Some(Json::Null | Json::Bool(false)) => call(out, "Match", &[Some(index)]),
            Some(Json::Array(terms)) if terms.is_empty() => call(out, "Match", &[Some(index)]),
            terms => call(out, "Match", &[Some(index), terms]),
        }
    } else if let Some(set) = get("paginate") {
        let options: Vec<_> = entries(fields)
            .into_iter()
            .filter(|(key, _)| *key != "paginate")
            .collect();
        out.push_str("Paginate(");
        write(out, set);
        if !options.is_empty() {
            out.push_str(", ");
            object(out, &options);
        }
        out.push(')');
    } else if let (Some(bindings), Some(result)) = (get("let"), get("in")) {
        out.push_str("Let(");
        match bindings {
            Json::Array(list) => {
                out.push('[');
                for (i, binding) in list.iter().enumerate() {
                    if i > 0 {
                        out.push_str(", ");
                    }
                    bare_object(out, binding);
                }
                out.push(']');
            }
            bindings => bare_object(out, bindings),
        }
        out.push_str(", ");
        write(out, result);
        out.push(')');
    } else if let Some(fields) = get("object") {
        bare_object(out, fields);
    } else if let Some(first) = get("merge") {
        match get("lambda") {
            None | Some(Json::Null) => call(out, "Merge", &[Some(first), get("with")]),
            lambda => call(out, "Merge", &[Some(first), get("with"), lambda]),
        }
    } else if get("lambda").is_some() {
        call(out, "Lambda", &[get("lambda"), get("expr")]);
    } else if get("filter").is_some() {
        call(out, "Filter", &[get("collection"), get("filter")]);
    } else if get("call").is_some() {
        call(out, "Call", &[get("call"), get("arguments")]);
    } else if get("map").is_some() {
        call(out, "Map", &[get("collection"), get("map")]);
    } else if get("foreach").is_some() {
        call(out, "Foreach", &[get("collection"), get("foreach")]);
    } else {
        general(out, fields);
    }
}

/// Fields as an object, whatever their keys would mean as a form.
fn bare_object(out: &mut String, json: &Json) {
    match json {
        Json::Object(fields) => object(out, &entries(fields)),
        other => write(out, other),
    }
}

/// Every other form: its name and the values of its keys in order.
fn general(out: &mut String, fields: &Map<String, Json>) {
    let entries = entries(fields);
    let Some((first, _)) = entries.first() else {
        return out.push_str("{}");
    };
    let spread = SPREAD.contains(&first.as_str());
    out.push_str(&name(first));
    out.push('(');
    let mut written = 0;
    for (_, value) in &entries {
        if value.is_null() && entries.len() == 1 {
            continue;
        }
        if written > 0 {
            out.push_str(", ");
        }
        written += 1;
        match value {
            Json::Array(elements) if spread => list(out, elements),
            value => write(out, value),
        }
    }
    out.push(')');
}

/// What the driver calls the form with this first key: the table's name where the driver knows it, else the key in
/// camel case.
fn name(key: &str) -> String {
    // The driver derives names from keys and has these slips.
    if !matches!(key, "bitand" | "bitor" | "bitxor" | "bitnot") {
        let named = forms::all().find(|form| {
            form.keys.first().is_some_and(|first| first.name == key)
                && form.text != TextRule::WireOnly
                && form
                    .names
                    .first()
                    .is_some_and(|name| name.to_lowercase() == key.replace('_', ""))
        });
        if let Some(name) = named.and_then(|form| form.names.first()) {
            return (*name).to_string();
        }
    }
    key.split('_')
        .map(|word| {
            let mut letters = word.chars();
            let first = letters.next().map(|ch| ch.to_uppercase().to_string());
            first.unwrap_or_default() + letters.as_str()
        })
        .collect()
}
