//! Calls about schema files as HTTP requests to another process, and its answers (`spec schema-fsl 12`).
//!
//! Items are not among them: no front asks for one elsewhere.

use super::schema_files::{
    DiffFormat, SchemaAnswer, SchemaBody, SchemaCall, SchemaRefusal, SchemaRequest, Show, Upload,
};
use serde_json::Value as Json;

/// What stands between the files of an upload.
const BOUNDARY: &str = "fql-schema-file-0d5e1f7a";

/// A call as a request.
pub(super) struct RemoteCall {
    pub method: &'static str,
    pub path: String,
    pub content_type: Option<String>,
    pub body: String,
}

impl RemoteCall {
    /// The request that a call makes.
    pub fn of(request: &SchemaRequest) -> RemoteCall {
        let get = |path: &str| ("GET", path.to_string(), None);
        let post = |path: &str| ("POST", path.to_string(), None);
        let staged = |staged: &bool| staged.then(|| "staged=true".to_string());
        let mut parameters: Vec<Option<String>> = vec![
            request.version.map(|version| format!("version={version}")),
            request.force.then(|| "force=true".to_string()),
        ];
        let (method, path, upload) = match &request.call {
            SchemaCall::Files { staged: of } => {
                parameters.push(staged(of));
                get("files")
            }
            SchemaCall::File { name, staged: of } => {
                parameters.push(staged(of));
                get(&format!("files/{}", percent_encoded(name)))
            }
            SchemaCall::Update { upload, staged: of } => {
                parameters.push(staged(of));
                ("POST", "update".to_string(), Some(upload))
            }
            SchemaCall::Diff {
                upload,
                staged: of,
                show,
            } => {
                parameters.push(staged(of));
                parameters.extend(shown(*show));
                ("POST", "diff".to_string(), Some(upload))
            }
            SchemaCall::Status(show) => {
                parameters.extend(show.iter().flat_map(|show| shown(*show)));
                get("staged/status")
            }
            SchemaCall::Commit => post("staged/commit"),
            SchemaCall::Abandon => post("staged/abandon"),
            SchemaCall::Item { .. } | SchemaCall::ChangeItem { .. } => get("items"),
        };
        if upload.is_some_and(|upload| !upload.whole) {
            parameters.push(Some("override=false".to_string()));
        }
        let parameters: Vec<String> = parameters.into_iter().flatten().collect();
        RemoteCall {
            method,
            path: format!("/schema/1/{path}?{}", parameters.join("&")),
            content_type: upload.map(|_| format!("multipart/form-data; boundary={BOUNDARY}")),
            body: upload.map(multipart).unwrap_or_default(),
        }
    }
}

fn shown(show: Show) -> [Option<String>; 2] {
    let format = match show.format {
        DiffFormat::Semantic => "semantic",
        DiffFormat::Summary => "summary",
        DiffFormat::Textual => "textual",
    };
    let colors = show.colors.then(|| "color=ansi".to_string());
    [Some(format!("format={format}")), colors]
}

fn multipart(upload: &Upload) -> String {
    let parts = upload.files.iter().map(|(name, content)| {
        let name = name.replace('\\', "\\\\").replace('"', "\\\"");
        let head = format!("Content-Disposition: form-data; name=\"{name}\"");
        format!("--{BOUNDARY}\r\n{head}\r\n\r\n{content}\r\n")
    });
    parts.collect::<String>() + &format!("--{BOUNDARY}--\r\n")
}

fn percent_encoded(text: &str) -> String {
    let letters = text.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    });
    letters.collect()
}

/// An answer as it came.
pub(super) fn told(status: u16, body: &[u8]) -> Result<SchemaAnswer, SchemaRefusal> {
    let json: Json = serde_json::from_slice(body).unwrap_or_default();
    let text = |value: &Json| value.as_str().map(str::to_string);
    if status != 200 {
        let message = text(&json["error"]["message"]).unwrap_or_else(|| format!("HTTP {status}"));
        return Err(match status {
            400 => SchemaRefusal::Invalid(message),
            403 => SchemaRefusal::Forbidden,
            404 => SchemaRefusal::NotFound,
            409 => SchemaRefusal::Stale,
            _ => SchemaRefusal::Failed(status, message),
        });
    }
    let body = if let Some(files) = json["files"].as_array() {
        let names = files.iter().filter_map(|file| text(&file["filename"]));
        SchemaBody::Files(names.collect())
    } else if let Some(content) = text(&json["content"]) {
        SchemaBody::Content(content)
    } else if let Some(status) = json["status"].as_str() {
        let details = text(&json["pending_summary"]).zip(text(&json["diff"]));
        let known = ["none", "pending", "ready", "failed"];
        let status = known.into_iter().find(|known| *known == status);
        SchemaBody::Status {
            status: status.unwrap_or("none"),
            details,
        }
    } else if let Some(diff) = text(&json["diff"]) {
        SchemaBody::Diff(diff)
    } else {
        SchemaBody::Done
    };
    Ok(SchemaAnswer {
        version: json["version"].as_i64().unwrap_or_default(),
        body,
    })
}
