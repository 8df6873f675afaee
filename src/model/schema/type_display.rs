//! Types in failure texts: what was expected, and what was provided (`spec schema-fsl 4.2`).

use super::field_type::{FieldType, Literal, ObjectType};
use crate::value::Value;

/// A type as messages show it.
pub fn expected(ty: &FieldType) -> String {
    match ty {
        FieldType::Any => "Any".into(),
        FieldType::Null => "Null".into(),
        FieldType::Boolean => "Boolean".into(),
        FieldType::Int => "Int".into(),
        FieldType::Long => "Long".into(),
        FieldType::Double => "Double".into(),
        FieldType::Number => "Number".into(),
        FieldType::String => "String".into(),
        FieldType::Time => "Time".into(),
        FieldType::Date => "Date".into(),
        FieldType::Bytes => "Bytes".into(),
        FieldType::Uuid => "UUID".into(),
        FieldType::Id => "ID".into(),
        FieldType::AnyDoc => "{ *: Any }".into(),
        FieldType::LegacyQuery => "Query".into(),
        FieldType::Literal(Literal::Bool(b)) => b.to_string(),
        FieldType::Literal(Literal::Int(n)) => n.to_string(),
        FieldType::Literal(Literal::Double(n)) => format!("{n:?}"),
        FieldType::Literal(Literal::String(text)) => quoted(text),
        FieldType::Doc(name) => name.to_string(),
        FieldType::NullDoc(name) => format!("Null{name}"),
        FieldType::Array(inner) => format!("Array<{}>", expected(inner)),
        FieldType::Tuple(members) => format!(
            "[{}]",
            members.iter().map(expected).collect::<Vec<_>>().join(", ")
        ),
        FieldType::Union(members) => members.iter().map(expected).collect::<Vec<_>>().join(" | "),
        FieldType::Intersect(members) => {
            members.iter().map(expected).collect::<Vec<_>>().join(" & ")
        }
        FieldType::Object(ty) => expected_object(ty),
    }
}

/// A type as declarations show it: a document that may be missing is a reference.
pub fn declared(ty: &FieldType) -> String {
    expected(&with_references(ty))
}

fn with_references(ty: &FieldType) -> FieldType {
    let all = |types: &[FieldType]| types.iter().map(with_references).collect();
    match ty {
        FieldType::Union(members) => {
            let mut folded: Vec<FieldType> = Vec::new();
            for member in members {
                match (folded.last(), member) {
                    (Some(FieldType::Doc(name)), FieldType::NullDoc(null)) if name == null => {
                        let reference = format!("Ref<{name}>");
                        folded.pop();
                        folded.push(FieldType::Doc(reference.into()));
                    }
                    _ => folded.push(with_references(member)),
                }
            }
            FieldType::Union(folded)
        }
        FieldType::Intersect(members) => FieldType::Intersect(all(members)),
        FieldType::Tuple(members) => FieldType::Tuple(all(members)),
        FieldType::Array(inner) => FieldType::Array(Box::new(with_references(inner))),
        FieldType::Object(object) => {
            let mut object = object.clone();
            for field in &mut object.fields {
                field.ty = with_references(&field.ty);
            }
            FieldType::Object(object)
        }
        other => other.clone(),
    }
}

fn expected_object(ty: &ObjectType) -> String {
    let fields = ty
        .fields
        .iter()
        .map(|field| format!("{}: {}", key(&field.name), expected(&field.ty)));
    let wildcard = ty.wildcard.iter().map(|ty| format!("*: {}", expected(ty)));
    braces(fields.chain(wildcard).collect())
}

/// The precise type of a value: arrays as tuples, objects by shape.
pub fn provided(value: &Value) -> String {
    match value {
        Value::Null(_) => "Null".into(),
        Value::Int(n) => integer(i64::from(*n)).into(),
        Value::Long(n) => integer(*n).into(),
        Value::Array(items) => format!(
            "[{}]",
            items.iter().map(provided).collect::<Vec<_>>().join(", ")
        ),
        Value::Object(object) => braces(
            object
                .iter()
                .map(|(name, value)| format!("{}: {}", key(name), provided(value)))
                .collect(),
        ),
        Value::Doc(_) => "Document".into(),
        Value::TransactionTime => "Time".into(),
        Value::Query(_) => "Query".into(),
        Value::Bool(_)
        | Value::Double(_)
        | Value::Id(_)
        | Value::String(_)
        | Value::Bytes(_)
        | Value::Time(_)
        | Value::Date(_)
        | Value::Uuid(_)
        | Value::Set(_)
        | Value::Cursor(_)
        | Value::Module(_)
        | Value::Lambda(_)
        | Value::Native(_)
        | Value::Function(_)
        | Value::EventSource(_) => value.type_name().to_string(),
    }
}

fn integer(n: i64) -> &'static str {
    if i32::try_from(n).is_ok() {
        "Int"
    } else {
        "Long"
    }
}

fn braces(parts: Vec<String>) -> String {
    if parts.is_empty() {
        "{}".into()
    } else {
        format!("{{ {} }}", parts.join(", "))
    }
}

fn key(name: &str) -> String {
    if super::names::is_identifier(name) {
        name.into()
    } else {
        quoted(name)
    }
}

/// A string literal.
pub fn quoted(text: &str) -> String {
    crate::fql::syntax::format_string(text)
}
