//! What may be wrong with roles and access providers (`spec fql4 8.5`, `spec access-control 4.2, 6.1`).

use super::checks::{Faults, is_reference_to};
use crate::model::native;
use crate::model::schema::load::one_or_many;
use crate::value::{Object, Value};

/// Arguments that predicates take, by action.
const ARITIES: [(&str, usize); 9] = [
    ("read", 1),
    ("write", 2),
    ("create", 1),
    ("create_with_id", 2),
    ("delete", 1),
    ("history_write", 4),
    ("history_read", 1),
    ("unrestricted_read", 1),
    ("call", 1),
];

/// Everything that is wrong with the contents of a role.
pub fn check_role(role: &Object, faults: &mut Faults) {
    let memberships = decode(role, "membership", "Membership", faults, membership);
    let privileges = decode(role, "privileges", "Privilege", faults, privilege);
    // Predicates are counted only where there is a single one, by the path that leads to it.
    if let Some(Value::Object(privilege)) = role.get("privileges")
        && let Some(Value::Object(actions)) = privilege.get("actions")
    {
        for (action, expected) in ARITIES {
            arity(
                &["privileges", "actions", action],
                actions.get(action),
                expected,
                faults,
            );
        }
    }
    if let Some(Value::Object(membership)) = role.get("membership") {
        arity(
            &["membership", "predicate"],
            membership.get("predicate"),
            1,
            faults,
        );
    }
    if privileges {
        for privilege in objects(role, "privileges") {
            not_text(
                &["privileges", "resource"],
                privilege.get("resource"),
                "Ref",
                faults,
            );
            if let Some(Value::Object(actions)) = privilege.get("actions") {
                for (action, value) in actions.iter() {
                    not_text(
                        &["privileges", "actions", action],
                        Some(value),
                        "Query",
                        faults,
                    );
                }
            }
        }
    }
    if memberships {
        for membership in objects(role, "membership") {
            not_text(
                &["membership", "resource"],
                membership.get("resource"),
                "Ref",
                faults,
            );
            not_text(
                &["membership", "predicate"],
                membership.get("predicate"),
                "Query",
                faults,
            );
        }
    }
}

fn objects<'a>(object: &'a Object, name: &str) -> impl Iterator<Item = &'a Object> {
    one_or_many(object, name).filter_map(|value| match value {
        Value::Object(object) => Some(&**object),
        _ => None,
    })
}

/// What FQL v10 writes as text, FQL v4 gives by reference or as a query.
fn not_text(path: &[&str], value: Option<&Value>, expected: &str, faults: &mut Faults) {
    if let Some(value @ Value::String(_)) = value {
        faults.wrong_type(path, expected, value);
    }
}

/// Decodes one entry or many; whether all could be. The first fault of a field is told; one that lacks what it needs makes
/// the whole field count as absent.
fn decode(
    role: &Object,
    name: &str,
    expected: &str,
    faults: &mut Faults,
    entry: fn(&Object) -> Decoded,
) -> bool {
    let Some(value) = role.get(name) else {
        return true;
    };
    let items: &[Value] = match value {
        Value::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    for item in items {
        let Value::Object(object) = item else {
            faults.wrong_type(&[name], expected, item);
            return false;
        };
        match entry(object) {
            Ok(()) => {}
            Err(None) => return true,
            Err(Some((path, expected, value))) => {
                let path: Vec<&str> = path.iter().map(String::as_str).collect();
                faults.wrong_type(&path, expected, &value);
                return false;
            }
        }
    }
    true
}

type Decoded = Result<(), Option<Misfit>>;

/// A path, what was expected there, and what there is.
type Misfit = (Vec<String>, &'static str, Value);

fn wrong(path: &[&str], expected: &'static str, value: &Value) -> Decoded {
    let path = path.iter().map(ToString::to_string).collect();
    Err(Some((path, expected, value.clone())))
}

fn membership(entry: &Object) -> Decoded {
    match entry.get("resource") {
        None | Some(Value::Null(_)) => return Err(None),
        Some(Value::String(_)) => {}
        Some(value) if is_reference_to(value, native::COLLECTION) => {}
        Some(other) => return wrong(&["resource"], "Class Ref", other),
    }
    match entry.get("predicate") {
        None | Some(Value::Null(_) | Value::String(_) | Value::Query(_)) => Ok(()),
        Some(other) => wrong(&["predicate"], "Query", other),
    }
}

fn privilege(entry: &Object) -> Decoded {
    match entry.get("resource") {
        None | Some(Value::Null(_)) => return Err(None),
        Some(Value::String(_) | Value::Doc(_)) => {}
        Some(other) => return wrong(&["resource"], "Ref", other),
    }
    let actions = match entry.get("actions") {
        None | Some(Value::Null(_)) => return Ok(()),
        Some(Value::Object(actions)) => actions,
        Some(other) => return wrong(&["actions"], "RoleAction Map", other),
    };
    for (action, value) in actions.iter() {
        match value {
            Value::Bool(_) | Value::String(_) | Value::Query(_) => {}
            other => return wrong(&["actions", action], "RoleAction", other),
        }
    }
    Ok(())
}

fn arity(path: &[&str], predicate: Option<&Value>, expected: usize, faults: &mut Faults) {
    let Some(Value::Query(query)) = predicate else {
        return;
    };
    let Ok(query) = serde_json::from_str::<serde_json::Value>(&query.text) else {
        return;
    };
    let found = match query.get("lambda") {
        Some(serde_json::Value::Array(names)) => names.len().to_string(),
        Some(serde_json::Value::String(name)) if name == "_" => return,
        Some(serde_json::Value::String(_)) => "1".into(),
        Some(_) => "unknown".into(),
        None => return,
    };
    if found != expected.to_string() {
        let text = format!("Found lambda with arity {found} expected {expected}");
        faults.add(path, "invalid arity", text);
    }
}

/// What is wrong with the roles of an access provider, as far as their form goes; the names it gives otherwise.
pub fn check_provider_roles(provider: &Object, faults: &mut Faults) -> Vec<crate::value::Str> {
    let mut names = Vec::new();
    let mut texts = false;
    for role in one_or_many(provider, "roles") {
        let entry = match role {
            Value::String(name) => {
                names.push(name.clone());
                continue;
            }
            role if is_reference_to(role, native::ROLE) => continue,
            Value::Object(entry) => entry,
            other => {
                faults.wrong_type(&["roles"], "Role", other);
                return Vec::new();
            }
        };
        match entry.get("role") {
            Some(Value::String(name)) => names.push(name.clone()),
            Some(role) if is_reference_to(role, native::ROLE) => {}
            None | Some(Value::Null(_)) => {
                faults.required(&["role"]);
                return Vec::new();
            }
            Some(other) => {
                faults.wrong_type(&["role"], "Role Ref", other);
                return Vec::new();
            }
        }
        match entry.get("predicate") {
            Some(Value::String(_)) => texts = true,
            Some(Value::Query(_)) => {}
            None | Some(Value::Null(_)) => {
                faults.required(&["predicate"]);
                return Vec::new();
            }
            Some(other) => {
                faults.wrong_type(&["predicate"], "Query", other);
                return Vec::new();
            }
        }
    }
    if texts {
        let text = Value::string("");
        faults.wrong_type(&["roles", "predicate"], "Query", &text);
    }
    names
}
