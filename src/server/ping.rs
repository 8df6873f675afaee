//! `/ping`: whether the server is there (`spec http-api 8.2`).

use super::reply::Reply;
use super::{Incoming, Server};
use hyper::Method;
use std::sync::Arc;

/// Answers a request.
pub fn answer(server: &Arc<Server>, request: &Incoming) -> Reply {
    if request.method != Method::GET && request.method != Method::HEAD {
        return Reply::method_not_allowed("GET").with("x-txn-time", server.now().0.to_string());
    }
    let scope = match request.parameter("scope").as_deref() {
        None | Some("write" | "global") => "write",
        Some("all") => "all",
        Some("read" | "local") => "read",
        Some(_) => "node",
    };
    let body = format!("{{\"resource\":\"Scope {scope} is OK\"}}");
    legacy_metrics(Reply::json(200, body), server)
}

/// The metrics headers of FQL v4, for an answer that read and wrote nothing.
pub fn legacy_metrics(reply: Reply, server: &Server) -> Reply {
    let mut reply = reply
        .with("x-txn-time", server.now().0.to_string())
        .with("x-compute-ops", "1");
    for name in [
        "x-byte-read-ops",
        "x-byte-write-ops",
        "x-query-time",
        "x-query-bytes-in",
        "x-query-bytes-out",
        "x-storage-bytes-read",
        "x-storage-bytes-write",
        "x-txn-retries",
    ] {
        reply = reply.with(name, "0");
    }
    reply
}
