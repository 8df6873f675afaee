//! Rules beyond a field's type: names, paths, source texts, addresses (`spec schema-fsl 2.2, 6, 7, 8`,
//! `spec access-control 4.2, 6.1`).

use super::failure::ConstraintFailure;
use super::field_type::Check;
use super::{names, path, texts};
use crate::value::{PathPart, Value};

/// What is wrong with a value that already fits its type.
pub fn check(
    rule: Check,
    at: &[PathPart],
    value: &Value,
    previous: Option<&Value>,
) -> Vec<ConstraintFailure> {
    let messages: Vec<String> = match (rule, value) {
        (_, Value::Null(_)) => return Vec::new(),
        (Check::Identifier, Value::String(name)) => {
            let unchanged = matches!(previous, Some(Value::String(previous)) if previous == name);
            fault(!unchanged && !names::is_valid_name(name), || {
                "Invalid identifier.".into()
            })
        }
        (Check::RoleName, Value::String(name)) => match &**name {
            "admin" | "server" => vec![format!("The identifier `{name}` is reserved.")],
            name => fault(!names::is_valid_name(name), || "Invalid identifier.".into()),
        },
        (Check::NonNegative, Value::Int(n)) => {
            fault(*n < 0, || "Non-negative value required.".into())
        }
        (Check::NonNegative, Value::Long(n)) => {
            fault(*n < 0, || "Non-negative value required.".into())
        }
        (Check::Signature, Value::String(text)) => texts::signature_fault(&label(at), text)
            .into_iter()
            .collect(),
        (Check::SchemaType, Value::String(text)) => texts::schema_type_fault(&label(at), text)
            .into_iter()
            .collect(),
        (Check::Lambda { min, max, short }, Value::String(text)) => {
            texts::lambda_fault(&label(at), text, min, max, short)
                .into_iter()
                .collect()
        }
        (Check::Expression, Value::String(text)) => texts::expression_fault(&label(at), text)
            .into_iter()
            .collect(),
        (Check::FieldNames, Value::Object(fields)) => fields
            .keys()
            .filter_map(|name| names::field_name_fault(name))
            .collect(),
        (Check::IndexNames, Value::Object(fields)) => fields
            .keys()
            .filter_map(|name| names::index_name_fault(name))
            .collect(),
        (Check::TermPath, Value::String(text)) => {
            path_fault(text, term_refusal).into_iter().collect()
        }
        (Check::ValuePath, Value::String(text)) => {
            path_fault(text, value_refusal).into_iter().collect()
        }
        (Check::MigrationPath, Value::String(text)) => {
            path_fault(text, no_refusal).into_iter().collect()
        }
        (Check::MigrationPath, Value::Array(paths)) => {
            let paths = paths.iter().filter_map(|path| match path {
                Value::String(text) => path_fault(text, no_refusal),
                _ => None,
            });
            paths.collect()
        }
        (Check::UniqueTerms, Value::Array(terms)) => {
            let paths = terms.iter().filter_map(|term| match term {
                Value::String(text) => Some(text),
                Value::Object(term) => match term.get("field") {
                    Some(Value::String(text)) => Some(text),
                    _ => None,
                },
                _ => None,
            });
            paths
                .filter_map(|text| path_fault(text, unique_refusal))
                .collect()
        }
        (Check::Url, Value::String(text)) => fault(!is_https(text), || {
            format!("`{text}` must be a valid https URI.")
        }),
        (Check::ProviderRoles, Value::Array(roles)) => provider_role_faults(roles),
        (Check::UserDocument, Value::Doc(doc)) => {
            fault(doc.coll.0 < super::native::FIRST_USER_COLLECTION, || {
                "Expected document from a user-defined collection.".into()
            })
        }
        (
            Check::Identifier
            | Check::RoleName
            | Check::NonNegative
            | Check::Signature
            | Check::SchemaType
            | Check::Lambda { .. }
            | Check::Expression
            | Check::FieldNames
            | Check::IndexNames
            | Check::TermPath
            | Check::MigrationPath
            | Check::ValuePath
            | Check::UniqueTerms
            | Check::Url
            | Check::ProviderRoles
            | Check::UserDocument,
            _,
        ) => Vec::new(),
    };
    messages
        .into_iter()
        .map(|message| ConstraintFailure::at(at.to_vec(), message))
        .collect()
}

fn fault(wrong: bool, message: impl FnOnce() -> String) -> Vec<String> {
    if wrong { vec![message()] } else { Vec::new() }
}

/// What diagnostics call the text of a field: its last name.
fn label(at: &[PathPart]) -> String {
    match at.last() {
        Some(PathPart::Field(name)) => format!("*{name}*"),
        Some(PathPart::Index(n)) => format!("*{n}*"),
        None => "**".into(),
    }
}

fn term_refusal(first: &str) -> Option<&'static str> {
    match first {
        "id" => Some(
            "`id` is not supported as an index term, use the native byId method to look up a document by its id.",
        ),
        "coll" => Some("`coll` is not supported as an index term."),
        "ts" => Some("`ts` may only be used as an index value, not as an index term."),
        _ => None,
    }
}

fn value_refusal(first: &str) -> Option<&'static str> {
    (first == "coll").then_some("`coll` is not supported as a specified index value.")
}

/// Whether a field may be migrated is for the validator of migrations to say.
fn no_refusal(_: &str) -> Option<&'static str> {
    None
}

fn unique_refusal(first: &str) -> Option<&'static str> {
    match first {
        "id" => Some("`id` is not supported as a unique constraint value."),
        "coll" => Some("`coll` is not supported as a unique constraint value."),
        "ts" => Some("`ts` is not supported as a unique constraint value."),
        _ => None,
    }
}

fn path_fault(text: &str, refusal: fn(&str) -> Option<&'static str>) -> Option<String> {
    if text.is_empty() {
        return Some("Value cannot be empty.".into());
    }
    match path::parse(text).as_deref() {
        None => Some(format!(
            "Value `{text}` is not a valid FQL path expression."
        )),
        Some([PathPart::Field(first), ..]) => refusal(first).map(Into::into),
        Some(_) => None,
    }
}

/// Whether an address has the scheme https and a sound authority.
fn is_https(text: &str) -> bool {
    let Some((scheme, rest)) = text.trim().split_once(':') else {
        return false;
    };
    if !scheme.eq_ignore_ascii_case("https") {
        return false;
    }
    let Some(rest) = rest.strip_prefix("//") else {
        return true;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    match host.rsplit_once(':') {
        Some((_, port)) if !host.ends_with(']') => port.is_empty() || port.parse::<u32>().is_ok(),
        _ => true,
    }
}

fn provider_role_faults(roles: &[Value]) -> Vec<String> {
    let mut out = Vec::new();
    let mut seen: Vec<(&str, bool)> = Vec::new();
    for role in roles {
        let name = match role {
            Value::String(name) => name,
            Value::Object(entry) => match entry.get("role") {
                Some(Value::String(name)) => name,
                _ => continue,
            },
            _ => continue,
        };
        match seen.iter_mut().find(|(known, _)| *known == &**name) {
            Some((_, told @ false)) => {
                *told = true;
                out.push(format!("The role `{name}` is present more than once, there can only be one entry per role."));
            }
            Some((_, true)) => {}
            None => seen.push((name, false)),
        }
        if is_builtin_role(name) {
            out.push(format!("Builtin role `{name}` not allowed."));
        }
    }
    out
}

/// Whether it is one of `admin server server-readonly client`.
pub fn is_builtin_role(name: &str) -> bool {
    ["admin", "server", "server-readonly", "client"].contains(&name)
}
