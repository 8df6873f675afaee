//! An answer of the protocol as an outcome: tagged JSON back to the tree that results are.

use super::remote::failed;
use super::{Outcome, QueryError, Stats};
use crate::fql::interp::ConstraintFailure;
use crate::store::TxnTime;
use crate::value::decode::decode_base64;
use crate::value::number::parse_double;
use crate::value::rendered::{
    Cause, Contents, Document, Fields, Identity, Page, RefName, Reference, Rendered,
};
use crate::value::{CollId, Date, DocId, DocKey, PathPart, Str, Time};
use serde_json::{Map, Value as Json};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

/// Codes a server may answer with; others are `remote_error`.
const CODES: [&str; 46] = [
    "abort",
    "constraint_failure",
    "contended_transaction",
    "disabled_feature",
    "divide_by_zero",
    "document_deleted",
    "document_id_exists",
    "document_not_found",
    "eval_error",
    "forbidden",
    "index_out_of_bounds",
    "internal_error",
    "internal_failure",
    "invalid_argument",
    "invalid_bounds",
    "invalid_computed_field_access",
    "invalid_cursor",
    "invalid_date",
    "invalid_document_id",
    "invalid_effect",
    "invalid_function_invocation",
    "invalid_id",
    "invalid_index_invocation",
    "invalid_null_access",
    "invalid_query",
    "invalid_receiver",
    "invalid_regex",
    "invalid_request",
    "invalid_schema",
    "invalid_secret",
    "invalid_time",
    "invalid_timestamp_field_access",
    "invalid_type",
    "invalid_unit",
    "invalid_write",
    "limit_exceeded",
    "null_value",
    "permission_denied",
    "request_size_exceeded",
    "stack_overflow",
    "time_out",
    "type_mismatch",
    "unauthorized",
    "unbound_variable",
    "value_too_large",
    "cancelled",
];

/// The outcome that an answer tells of.
pub fn outcome_of(status: u16, body: &[u8]) -> Outcome {
    let Ok(Json::Object(answer)) = serde_json::from_slice(body) else {
        return failed(
            "network_error",
            format!("the answer (HTTP {status}) is not of this protocol"),
        );
    };
    let text = |name: &str| answer.get(name).and_then(Json::as_str).map(str::to_string);
    let number = |name: &str| answer.get(name).and_then(Json::as_i64).unwrap_or(0);
    let result = match (answer.get("data"), answer.get("error")) {
        (Some(data), None) => Ok(rendered(data)),
        (_, Some(error)) => Err(error_of(status, error, answer.contains_key("summary"))),
        (None, None) => {
            return failed(
                "network_error",
                format!("the answer (HTTP {status}) is not of this protocol"),
            );
        }
    };
    let stats = answer.get("stats");
    let stat = |name: &str| stats.and_then(|s| s.get(name)?.as_u64()).unwrap_or(0);
    Outcome {
        result,
        summary: text("summary").unwrap_or_default(),
        diagnostics: Vec::new(),
        static_type: text("static_type"),
        txn_time: TxnTime(number("txn_ts")),
        schema_version: number("schema_version"),
        stats: Stats {
            compute_ops: stat("compute_ops"),
            read_ops: stat("read_ops"),
            write_ops: stat("write_ops"),
            query_time: Duration::from_millis(stat("query_time_ms")),
            contention_retries: u32::try_from(stat("contention_retries")).unwrap_or(u32::MAX),
            storage_bytes_read: stat("storage_bytes_read"),
            storage_bytes_write: stat("storage_bytes_write"),
        },
    }
}

/// The error object of an answer.
pub fn error_of(status: u16, error: &Json, answered: bool) -> QueryError {
    let text = |name: &str| error.get(name).and_then(Json::as_str);
    let code = text("code").unwrap_or_default();
    let known = CODES.iter().find(|known| **known == code);
    let failures = error.get("constraint_failures").and_then(Json::as_array);
    let failures = failures.into_iter().flatten().map(|failure| {
        let paths = failure.get("paths").and_then(Json::as_array);
        let part = |part: &Json| match part {
            Json::Number(n) => PathPart::Index(n.as_i64().unwrap_or(0)),
            other => PathPart::Field(other.as_str().unwrap_or_default().into()),
        };
        let paths = paths.into_iter().flatten();
        ConstraintFailure {
            paths: paths
                .map(|path| path.as_array().into_iter().flatten().map(part).collect())
                .collect(),
            index: None,
            message: failure
                .get("message")
                .and_then(Json::as_str)
                .unwrap_or_default()
                .to_string(),
        }
    });
    QueryError {
        status,
        code: known.copied().unwrap_or("remote_error"),
        message: text("message").unwrap_or(code).to_string(),
        constraint_failures: failures.collect(),
        abort: error.get("abort").map(rendered),
        protocol: !answered,
    }
}

/// The result that tagged JSON writes down. What it does not tell apart stays a string.
pub fn rendered(json: &Json) -> Rendered {
    match json {
        Json::Null => Rendered::Null,
        Json::Bool(b) => Rendered::Bool(*b),
        Json::Number(n) => match n.as_i64() {
            Some(n) => Rendered::Long(n),
            None => Rendered::Double(n.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Rendered::String(text.as_str().into()),
        Json::Array(items) => Rendered::Array(items.iter().map(rendered).collect()),
        Json::Object(fields) => {
            let mut entries = fields.iter();
            match (entries.next(), entries.next()) {
                (Some((tag, content)), None) if tag.starts_with('@') => {
                    of_tag(tag, content).unwrap_or_else(|| Rendered::Object(plain(fields)))
                }
                _ => Rendered::Object(plain(fields)),
            }
        }
    }
}

fn plain(fields: &Map<String, Json>) -> Fields {
    fields
        .iter()
        .map(|(key, value)| (key.as_str().into(), rendered(value)))
        .collect()
}

fn of_tag(tag: &str, content: &Json) -> Option<Rendered> {
    let text = content.as_str();
    Some(match tag {
        "@int" => Rendered::Int(text?.parse().ok()?),
        "@long" => Rendered::Long(text?.parse().ok()?),
        "@double" => Rendered::Double(parse_double(text?)?),
        "@time" => Rendered::Time(Time::parse(text?)?),
        "@date" => Rendered::Date(Date::parse(text?)?),
        "@bytes" => Rendered::Bytes(decode_base64(text?)?.into()),
        "@mod" => Rendered::Module(text?.into()),
        "@stream" => Rendered::EventSource(text?.into()),
        "@object" => Rendered::Object(plain(content.as_object()?)),
        "@set" => match content {
            Json::String(token) => Rendered::SetToken(token.as_str().into()),
            page => Rendered::Page(Box::new(Page {
                data: page.get("data")?.as_array()?.iter().map(rendered).collect(),
                after: page.get("after").and_then(Json::as_str).map(Str::from),
            })),
        },
        "@doc" => document(content)?,
        "@ref" => {
            let fields = content.as_object()?;
            let reference = reference(fields)?;
            match fields.get("exists") {
                Some(Json::Bool(false)) => {
                    let cause = match fields.get("cause").and_then(Json::as_str) {
                        Some("deleted") => Cause::Deleted,
                        Some("permission denied") => Cause::PermissionDenied,
                        Some("collection deleted") => Cause::CollectionDeleted,
                        _ => Cause::NotFound,
                    };
                    Rendered::Doc(Arc::new(Document {
                        reference,
                        contents: Contents::Missing(cause),
                    }))
                }
                _ => Rendered::Ref(Arc::new(reference)),
            }
        }
        _ => return None,
    })
}

fn document(content: &Json) -> Option<Rendered> {
    let fields = content.as_object()?;
    // A document with a field that looks like a tag is wrapped once more.
    let fields = match fields.get("@object") {
        Some(Json::Object(inner)) => inner,
        _ => fields,
    };
    let reference = reference(fields)?;
    let mut contents = plain(fields);
    if let RefName::Id(id) = reference.name
        && let Some(field) = contents.iter_mut().find(|(key, _)| &**key == "id")
    {
        field.1 = Rendered::Id(id);
    }
    Some(Rendered::Doc(Arc::new(Document {
        reference,
        contents: Contents::Live(contents),
    })))
}

fn reference(fields: &Map<String, Json>) -> Option<Reference> {
    let coll: Str = fields.get("coll")?.get("@mod")?.as_str()?.into();
    let mut hasher = DefaultHasher::new();
    coll.hash(&mut hasher);
    let (name, key) = match (fields.get("id"), fields.get("name")) {
        (Some(Json::String(id)), _) => {
            let id = id.parse().ok()?;
            (RefName::Id(id), DocKey::Id(DocId(id)))
        }
        (_, Some(Json::String(name))) => {
            let name: Str = name.as_str().into();
            (RefName::Name(name.clone()), DocKey::Name(name))
        }
        _ => return None,
    };
    Some(Reference {
        identity: Identity {
            coll: CollId(hasher.finish()),
            key,
            at: None,
            deleted: false,
        },
        coll,
        name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::format::Format;

    #[test]
    fn tagged_json_reads_back_as_it_was() {
        for text in [
            r#"{"@int":"1"}"#,
            r#"[{"@long":"9007199254740993"},{"@double":"NaN"},null,true,"x"]"#,
            r#"{"a":{"@time":"2024-01-02T03:04:05.678Z"},"b":{"@date":"2024-01-02"},"c":{"@bytes":"AQID"}}"#,
            r#"{"@object":{"@int":"x"}}"#,
            r#"{"@set":{"data":[{"@doc":{"id":"1","coll":{"@mod":"T"},"o":{"@ref":{"id":"2","coll":{"@mod":"T"}}}}}],"after":"c"}}"#,
            r#"{"@ref":{"name":"N","coll":{"@mod":"Collection"},"exists":false,"cause":"deleted"}}"#,
            r#"{"@doc":{"@object":{"id":"1","coll":{"@mod":"T"},"@n":{"@int":"2"}}}}"#,
            r#"{"@stream":"t"}"#,
            r#"{"@mod":"Math"}"#,
        ] {
            let json: Json = serde_json::from_str(text).expect("JSON");
            assert_eq!(rendered(&json).to_text(Format::Tagged), text);
        }
    }
}
