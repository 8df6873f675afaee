//! From a request's path, parameters and body to what the engine is asked.

use super::multipart;
use crate::engine::schema_files::{DiffFormat, ItemChange, SchemaCall, Show, Upload};
use crate::fsl::Kind;
use crate::server::{Incoming, headers, percent_decoded_segment};
use hyper::Method;

/// Where a request leads.
pub enum Route {
    /// There is nothing.
    None,
    /// There is something, but not by this method.
    Method,
    /// What is asked.
    Call(SchemaCall),
}

/// Files in the body of a request: none if it is no upload.
pub fn files(request: &Incoming) -> Result<Vec<(String, String)>, String> {
    let content_type = headers::text(&request.headers, "content-type");
    match (&content_type, &request.body) {
        (Some(kind), Some(body)) if multipart::is_multipart(kind) => multipart::files(kind, body),
        _ => Ok(Vec::new()),
    }
}

/// What a request asks.
pub fn route(request: &Incoming, files: Vec<(String, String)>) -> Route {
    let path = request.path.strip_prefix("/schema/1").unwrap_or_default();
    let segments: Vec<String> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(percent_decoded_segment)
        .collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match allowed(&segments) {
        None => Route::None,
        Some(methods) if !methods.contains(&request.method) => Route::Method,
        Some(_) => call(request, &segments, files).map_or(Route::None, Route::Call),
    }
}

/// The methods of a route; `None` if there is no such route.
fn allowed(segments: &[&str]) -> Option<&'static [Method]> {
    const GET: &[Method] = &[Method::GET];
    const POST: &[Method] = &[Method::POST];
    const ITEM: &[Method] = &[Method::GET, Method::POST, Method::DELETE];
    match segments {
        ["files" | "status"] | ["files", _] | ["staged", "status"] => Some(GET),
        ["update" | "diff" | "validate" | "commit" | "abandon"]
        | ["staged", "commit" | "abandon"] => Some(POST),
        ["items", kind] => kind_of(kind).map(|_| POST),
        ["items", kind, _] => kind_of(kind).map(|_| ITEM),
        _ => None,
    }
}

fn call(request: &Incoming, segments: &[&str], files: Vec<(String, String)>) -> Option<SchemaCall> {
    let is = |name: &str, value: &str| request.parameter(name).as_deref() == Some(value);
    let staged = is("staged", "true");
    let upload = Upload {
        files,
        whole: !is("override", "false"),
    };
    Some(match segments {
        ["files"] => SchemaCall::Files { staged },
        ["files", name] => SchemaCall::File {
            name: (*name).to_string(),
            staged,
        },
        ["status"] | ["staged", "status"] => SchemaCall::Status(show(request)),
        ["commit"] | ["staged", "commit"] => SchemaCall::Commit,
        ["abandon"] | ["staged", "abandon"] => SchemaCall::Abandon,
        ["update"] => SchemaCall::Update { upload, staged },
        ["diff" | "validate"] => SchemaCall::Diff {
            upload,
            staged,
            show: shown(request),
        },
        ["items", kind] => change(request, kind_of(kind)?, ItemChange::Add(text(request))),
        ["items", kind, name] => {
            let (kind, name) = (kind_of(kind)?, (*name).to_string());
            match request.method {
                Method::GET => SchemaCall::Item { kind, name },
                Method::DELETE => change(request, kind, ItemChange::Delete(name)),
                _ => change(request, kind, ItemChange::Replace(name, text(request))),
            }
        }
        _ => return None,
    })
}

fn kind_of(name: &str) -> Option<Kind> {
    match name {
        "collections" => Some(Kind::Collection),
        "functions" => Some(Kind::Function),
        "roles" => Some(Kind::Role),
        "access_providers" => Some(Kind::Provider),
        _ => None,
    }
}

fn change(request: &Incoming, kind: Kind, change: ItemChange) -> SchemaCall {
    let validate = request.parameter("validate").as_deref() == Some("true");
    SchemaCall::ChangeItem {
        kind,
        change,
        validate: validate.then(|| shown(request)),
    }
}

fn text(request: &Incoming) -> String {
    let body = request.body.as_deref().unwrap_or_default();
    String::from_utf8_lossy(body).into_owned()
}

/// How a difference is to be told, if that is said.
fn show(request: &Incoming) -> Option<Show> {
    let named = |name: &str| match request.parameter(name).as_deref() {
        Some("semantic") => Some(DiffFormat::Semantic),
        Some("summary") => Some(DiffFormat::Summary),
        Some("textual") => Some(DiffFormat::Textual),
        Some("true") if name == "diff" => Some(DiffFormat::Semantic),
        Some(_) | None => None,
    };
    let format = named("format").or_else(|| named("diff"))?;
    Some(Show {
        format,
        colors: colors(request),
    })
}

fn shown(request: &Incoming) -> Show {
    show(request).unwrap_or(Show {
        format: DiffFormat::Semantic,
        colors: colors(request),
    })
}

fn colors(request: &Incoming) -> bool {
    request.parameter("color").as_deref() == Some("ansi")
}
