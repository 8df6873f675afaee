//! `/authorized`: whose a secret is, for those who route requests (`spec access-control 1.3`, `http-api 8.2`).

use super::reply::Reply;
use super::{Incoming, Server, ping, refused};
use hyper::Method;
use serde_json::json;
use std::sync::Arc;

/// Every database here belongs to the one account there is.
const ACCOUNT: &str = "0";

/// Answers a request.
pub async fn answer(server: &Arc<Server>, request: &Incoming) -> Reply {
    if request.method != Method::GET && request.method != Method::HEAD {
        return Reply::method_not_allowed("GET").with("x-txn-time", server.now().0.to_string());
    }
    let unauthorized = || {
        Reply::legacy_error(401, "unauthorized", "Unauthorized")
            .with("www-authenticate", "Basic realm=\"Unauthorized\"")
            .with("x-txn-time", server.now().0.to_string())
    };
    server.introduce(request).await;
    let Some(session) = server.session(request) else {
        return unauthorized();
    };
    match server.pool.run(move |_| session.global_id()).await {
        Err(refusal) => refused(refusal),
        Ok(Err(error)) if error.status == 401 => unauthorized(),
        Ok(Err(error)) => Reply::legacy_error(error.status, error.code, &error.message),
        Ok(Ok(global_id)) => {
            let body = json!({"account": ACCOUNT, "global_id": global_id});
            ping::legacy_metrics(Reply::json(200, body.to_string()), server)
        }
    }
}
