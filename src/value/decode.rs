//! JSON as values: template values and arguments of a request (`spec fql10-language 9`).
//!
//! In the `tagged` encoding a key that starts with `@` tells the type of what it holds; in the
//! `simple` one JSON is taken as it is. Names of modules and documents are looked up through
//! [`Resolve`]. The failure texts are those of the original and start in lower case, since they
//! stand within a sentence.

use super::deep;
use super::kind::{CollId, Date, Doc, DocId, DocKey, Module, Object, Time, Value};
use super::number::parse_double;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value as Json;
use std::sync::Arc;

/// What decoding asks of the schema.
pub trait Resolve {
    /// A failure to look something up.
    type Error;

    /// The module or collection of that name (aliases included).
    fn module(&mut self, name: &str) -> Result<Option<Module>, Self::Error>;

    /// Whether a collection's documents go by name rather than by id.
    fn is_named(&mut self, coll: CollId) -> bool;

    /// The document of that name in a named collection.
    fn named_document(&mut self, coll: CollId, name: &str) -> Result<Option<Value>, Self::Error>;
}

/// Why JSON is no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeError<E> {
    /// It does not follow the encoding; the text to show.
    Invalid(String),
    /// A look-up failed.
    Failed(E),
}

impl<E> From<E> for DecodeError<E> {
    fn from(error: E) -> DecodeError<E> {
        DecodeError::Failed(error)
    }
}

fn invalid<T, E>(text: impl Into<String>) -> Result<T, DecodeError<E>> {
    Err(DecodeError::Invalid(text.into()))
}

/// The value of plain JSON: integers are Int or Long, other numbers Double, objects plain objects.
pub fn decode_simple(json: &Json) -> Value {
    match json {
        Json::Null => Value::NULL,
        Json::Bool(x) => Value::Bool(*x),
        Json::Number(n) => match n.as_i64() {
            Some(n) => Value::integer(n),
            None => Value::Double(n.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::string(text.as_str()),
        Json::Array(items) => deep(|| Value::array(items.iter().map(decode_simple).collect())),
        Json::Object(fields) => deep(|| {
            let fields = fields
                .iter()
                .map(|(key, value)| (key.as_str(), decode_simple(value)));
            Value::object(fields.collect::<Object>())
        }),
    }
}

/// The value of tagged JSON.
pub fn decode_tagged<R: Resolve>(
    json: &Json,
    resolve: &mut R,
) -> Result<Value, DecodeError<R::Error>> {
    match json {
        Json::Null => Ok(Value::NULL),
        Json::Bool(x) => Ok(Value::Bool(*x)),
        Json::Number(_) => invalid("numbers must be tagged"),
        Json::String(text) => Ok(Value::string(text.as_str())),
        Json::Array(items) => deep(|| {
            let items: Result<Vec<Value>, _> = items
                .iter()
                .map(|item| decode_tagged(item, resolve))
                .collect();
            Ok(Value::array(items?))
        }),
        Json::Object(fields) => deep(|| {
            if !fields.keys().any(|key| key.starts_with('@')) {
                return decode_fields(fields, resolve);
            }
            let mut entries = fields.iter();
            match (entries.next(), entries.next()) {
                (Some((tag, content)), None) => decode_tag(tag, content, resolve),
                _ => invalid("too many keys in tagged value"),
            }
        }),
    }
}

fn decode_fields<R: Resolve>(
    fields: &serde_json::Map<String, Json>,
    resolve: &mut R,
) -> Result<Value, DecodeError<R::Error>> {
    let mut object = Object::new();
    for (key, value) in fields {
        object.insert(key.as_str(), decode_tagged(value, resolve)?);
    }
    Ok(Value::object(object))
}

fn decode_tag<R: Resolve>(
    tag: &str,
    content: &Json,
    resolve: &mut R,
) -> Result<Value, DecodeError<R::Error>> {
    let text = || match content {
        Json::String(text) => Ok(text.as_str()),
        _ => Err(DecodeError::Invalid(format!(
            "{tag} requires a string value"
        ))),
    };
    let valid = |value: Option<Value>, what: &str| match value {
        Some(value) => Ok(value),
        None => invalid(format!("invalid {what}")),
    };
    match tag {
        // Not narrowed: the tag tells the kind.
        "@int" => valid(text()?.parse().ok().map(Value::Int), "integer"),
        "@long" => valid(text()?.parse().ok().map(Value::Long), "long"),
        "@double" => valid(parse_double(text()?).map(Value::Double), "double"),
        "@time" => valid(Time::parse(text()?).map(Value::Time), "time"),
        "@date" => valid(Date::parse(text()?).map(Value::Date), "date"),
        "@bytes" => valid(
            decode_base64(text()?).map(|bytes| Value::Bytes(bytes.into())),
            "bytes",
        ),
        "@object" => match content {
            Json::Object(fields) => decode_fields(fields, resolve),
            _ => invalid("@object requires an object value"),
        },
        "@mod" => {
            let name = text()?;
            match resolve.module(name)? {
                Some(module) => Ok(Value::Module(module)),
                None => invalid(format!("no such module '{name}'")),
            }
        }
        "@doc" | "@ref" => match decode_tagged(content, resolve)? {
            Value::Object(fields) => decode_reference(tag, &fields, resolve),
            Value::String(text) => decode_old_reference(&text, resolve),
            _ => invalid(format!("{tag} requires an object value")),
        },
        _ => invalid(format!("invalid tag '{tag}'")),
    }
}

fn decode_reference<R: Resolve>(
    tag: &str,
    fields: &Object,
    resolve: &mut R,
) -> Result<Value, DecodeError<R::Error>> {
    let coll = match fields.get("coll") {
        Some(Value::Module(Module::Collection { id, .. })) => *id,
        Some(_) => return invalid(format!("{tag} field 'coll' requires a module value")),
        None => return invalid(format!("{tag} field 'coll' is required")),
    };
    let named = resolve.is_named(coll);
    let field = if named { "name" } else { "id" };
    let text = match fields.get(field) {
        Some(Value::String(text)) => text,
        Some(_) => return invalid(format!("{tag} field '{field}' requires a string value")),
        None => return invalid(format!("{tag} field '{field}' is required")),
    };
    if named {
        return match resolve.named_document(coll, text)? {
            Some(document) => Ok(document),
            None => invalid(format!("no such schema object '{text}'")),
        };
    }
    match text.parse() {
        Ok(id) => Ok(document(coll, id)),
        Err(_) => invalid(format!("{tag} field 'id' must be an integer")),
    }
}

/// `"Coll:id"`, as older clients write references.
fn decode_old_reference<R: Resolve>(
    text: &str,
    resolve: &mut R,
) -> Result<Value, DecodeError<R::Error>> {
    let mut parts = text.splitn(3, ':');
    let (Some(name), Some(id), None) = (parts.next(), parts.next(), parts.next()) else {
        return invalid("doc id must be in the format <coll>:<id>");
    };
    let Some(Module::Collection { id: coll, .. }) = resolve.module(name)? else {
        return invalid(format!("no such collection '{name}'"));
    };
    if resolve.is_named(coll) {
        return match resolve.named_document(coll, id)? {
            Some(document) => Ok(document),
            None => invalid(format!("no such schema definition document '{id}'")),
        };
    }
    match id.parse() {
        Ok(id) => Ok(document(coll, id)),
        Err(_) => invalid(format!("invalid document id '{id}'")),
    }
}

fn document(coll: CollId, id: i64) -> Value {
    Value::Doc(Arc::new(Doc {
        coll,
        key: DocKey::Id(DocId(id)),
        at: None,
        deleted: false,
        named: false,
        cover: None,
    }))
}

/// Bytes of standard base64; padding may be absent but not wrong, unused bits are ignored (`spec fql10-stdlib 10`).
pub fn decode_base64(text: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    if text.contains('=') && !text.len().is_multiple_of(4) {
        return None;
    }
    LENIENT.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::super::format::Format;
    use super::super::order::order;
    use super::super::rendered::{Identity, RefName, Reference, Rendered};
    use super::super::testing::any_value;
    use super::*;
    use proptest::prelude::*;
    use std::convert::Infallible;

    /// `Thing` by id, `Collection` by name with one document `N`, `Math` no collection.
    struct Schema;

    impl Resolve for Schema {
        type Error = Infallible;

        fn module(&mut self, name: &str) -> Result<Option<Module>, Infallible> {
            let coll = |id| Module::Collection {
                id: CollId(id),
                name: name.into(),
            };
            Ok(match name {
                "Math" => Some(Module::Native("Math")),
                "Collection" => Some(coll(1)),
                "Thing" => Some(coll(1024)),
                "C1025" => Some(coll(1025)),
                "C1026" => Some(coll(1026)),
                _ => None,
            })
        }

        fn is_named(&mut self, coll: CollId) -> bool {
            coll == CollId(1)
        }

        fn named_document(
            &mut self,
            coll: CollId,
            name: &str,
        ) -> Result<Option<Value>, Infallible> {
            Ok((name == "N").then(|| document(coll, 7)))
        }
    }

    fn decoded(text: &str) -> Result<Value, String> {
        let json: Json = serde_json::from_str(text).map_err(|e| e.to_string())?;
        decode_tagged(&json, &mut Schema).map_err(|error| match error {
            DecodeError::Invalid(text) => text,
            DecodeError::Failed(never) => match never {},
        })
    }

    #[test]
    fn reads_tags() {
        for (text, expected) in [
            (r#"{"@int":"5"}"#, "Int(5)"),
            (r#"{"@long":"5"}"#, "Long(5)"),
            (r#"{"@double":"-Infinity"}"#, "Double(-inf)"),
            (r#"{"@double":"NaN"}"#, "Double(NaN)"),
            (r#"{"@bytes":"AQI"}"#, "Bytes([1, 2])"),
            (r#"{"@mod":"Math"}"#, "Module(Native(\"Math\"))"),
            (r#"{"@date":"1970-01-02"}"#, "Date(Date(1))"),
            (
                r#"{"@time":"1970-01-01T01:00:00+01:00"}"#,
                "Time(Time { secs: 0, nanos: 0 })",
            ),
            (
                r#"{"@object":{"@int":{"@int":"1"}}}"#,
                "Object({\"@int\": Int(1)})",
            ),
            (
                r#"["a",null,true]"#,
                "Array([String(\"a\"), Null(Null(None)), Bool(true)])",
            ),
        ] {
            assert_eq!(
                decoded(text).map(|value| format!("{value:?}")),
                Ok(expected.to_string()),
                "{text}"
            );
        }
        let thing = decoded(r#"{"@ref":{"coll":{"@mod":"Thing"},"id":"5","more":true}}"#);
        assert!(
            matches!(thing, Ok(Value::Doc(doc)) if doc.coll == CollId(1024) && doc.key == DocKey::Id(DocId(5)))
        );
        assert!(
            matches!(decoded(r#"{"@doc":"Thing:6"}"#), Ok(Value::Doc(doc)) if doc.key == DocKey::Id(DocId(6)))
        );
        let named = decoded(r#"{"@doc":{"coll":{"@mod":"Collection"},"name":"N"}}"#);
        assert!(matches!(named, Ok(Value::Doc(doc)) if doc.key == DocKey::Id(DocId(7))));
    }

    #[test]
    fn tells_what_is_wrong() {
        for (text, expected) in [
            ("1", "numbers must be tagged"),
            (r#"{"@int":"x"}"#, "invalid integer"),
            (r#"{"@int":"2147483648"}"#, "invalid integer"),
            (r#"{"@int":1}"#, "@int requires a string value"),
            (r#"{"@long":"9223372036854775808"}"#, "invalid long"),
            (r#"{"@double":"1_0"}"#, "invalid double"),
            (r#"{"@time":"2024-01-01"}"#, "invalid time"),
            (r#"{"@date":"2023-02-29"}"#, "invalid date"),
            (r#"{"@bytes":"A"}"#, "invalid bytes"),
            (r#"{"@bytes":"AQ="}"#, "invalid bytes"),
            (r#"{"@object":"a"}"#, "@object requires an object value"),
            (r#"{"@mod":"Nope"}"#, "no such module 'Nope'"),
            (r#"{"@set":"x"}"#, "invalid tag '@set'"),
            (r#"{"@int":"1","b":true}"#, "too many keys in tagged value"),
            (r#"{"@ref":true}"#, "@ref requires an object value"),
            (r#"{"@ref":{"id":"5"}}"#, "@ref field 'coll' is required"),
            (
                r#"{"@doc":{"id":"5","coll":{"@mod":"Math"}}}"#,
                "@doc field 'coll' requires a module value",
            ),
            (
                r#"{"@ref":{"coll":{"@mod":"Thing"}}}"#,
                "@ref field 'id' is required",
            ),
            (
                r#"{"@ref":{"coll":{"@mod":"Thing"},"id":true}}"#,
                "@ref field 'id' requires a string value",
            ),
            (
                r#"{"@ref":{"coll":{"@mod":"Thing"},"id":"x"}}"#,
                "@ref field 'id' must be an integer",
            ),
            (
                r#"{"@ref":{"coll":{"@mod":"Collection"},"id":"5"}}"#,
                "@ref field 'name' is required",
            ),
            (
                r#"{"@ref":{"coll":{"@mod":"Collection"},"name":"M"}}"#,
                "no such schema object 'M'",
            ),
            (
                r#"{"@doc":"a"}"#,
                "doc id must be in the format <coll>:<id>",
            ),
            (r#"{"@doc":"Math:1"}"#, "no such collection 'Math'"),
            (r#"{"@doc":"Thing:x"}"#, "invalid document id 'x'"),
            (
                r#"{"@doc":"Collection:M"}"#,
                "no such schema definition document 'M'",
            ),
        ] {
            assert_eq!(decoded(text).err().as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn reads_plain_json() {
        let json = serde_json::json!({"a": [1, 3_000_000_000i64, 1.5, 1.0], "@int": null});
        assert_eq!(
            format!("{:?}", decode_simple(&json)),
            "Object({\"a\": Array([Int(1), Long(3000000000), Double(1.5), Double(1.0)]), \
             \"@int\": Null(Null(None))})"
        );
        assert!(matches!(
            decode_simple(&serde_json::json!(u64::MAX)),
            Value::Double(_)
        ));
    }

    /// A value as the result of a query, documents as references.
    fn rendered(value: &Value) -> Rendered {
        match value {
            Value::Bool(x) => Rendered::Bool(*x),
            Value::Int(n) => Rendered::Int(*n),
            Value::Long(n) => Rendered::Long(*n),
            Value::Double(x) => Rendered::Double(*x),
            Value::String(text) => Rendered::String(text.clone()),
            Value::Bytes(bytes) => Rendered::Bytes(bytes.clone()),
            Value::Time(time) => Rendered::Time(*time),
            Value::Date(date) => Rendered::Date(*date),
            Value::Array(items) => Rendered::Array(items.iter().map(rendered).collect()),
            Value::Object(object) => Rendered::Object(
                object
                    .iter()
                    .map(|(key, value)| (key.clone(), rendered(value)))
                    .collect(),
            ),
            Value::Doc(doc) => {
                let DocKey::Id(DocId(id)) = doc.key else {
                    return Rendered::Null;
                };
                let coll = if doc.coll == CollId(1024) {
                    "Thing".into()
                } else {
                    format!("C{}", doc.coll.0).into()
                };
                Rendered::Ref(Arc::new(Reference {
                    coll,
                    name: RefName::Id(id),
                    identity: Identity::from(&**doc),
                }))
            }
            _ => Rendered::Null,
        }
    }

    /// Without UUIDs and commit times, which cannot be sent.
    fn sendable(value: &Value) -> Value {
        match value {
            Value::Uuid(_) | Value::TransactionTime => Value::NULL,
            Value::Array(items) => Value::array(items.iter().map(sendable).collect()),
            Value::Object(object) => Value::object(
                object
                    .iter()
                    .map(|(key, value)| (key.clone(), sendable(value)))
                    .collect(),
            ),
            other => other.clone(),
        }
    }

    proptest! {
        #[test]
        fn what_is_written_tagged_reads_back(value in any_value()) {
            let value = sendable(&value);
            let text = rendered(&value).to_text(Format::Tagged);
            let back = decoded(&text);
            prop_assert!(back.as_ref().is_ok_and(|back| order(back, &value).is_eq()), "{} {:?}", text, back);
        }

        #[test]
        fn simple_results_are_json(value in any_value()) {
            let text = rendered(&value).to_text(Format::Simple);
            prop_assert!(serde_json::from_str::<Json>(&text).is_ok(), "{}", text);
            let mut quoted = String::new();
            rendered(&value).write_json(Format::Decorated, &mut quoted);
            prop_assert!(serde_json::from_str::<String>(&quoted).is_ok(), "{}", quoted);
        }
    }
}
