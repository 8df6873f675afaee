//! What fql's own shells ask beyond Fauna's protocol: `/fql/explain` and `/fql/builds`.
//!
//! Both answer within the rights of whoever asks, as the same shell would be answered in this process. A server without
//! them answers 404, as to any unknown path, and the shell does without.

use super::query::{render, unauthorized};
use super::reply::Reply;
use super::template::decode_body;
use super::{Incoming, Server, headers, refused};
use crate::engine::{BuildState, BuildWatch, IndexBuild};
use crate::value::format::Format;
use parking_lot::Mutex;
use serde_json::{Value as Json, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Watches that are kept between two looks.
const WATCHES: usize = 32;
/// A watch that nobody looks through for so long is given up.
const IDLE: Duration = Duration::from_secs(60);

/// Watches over the building of indexes, by who looks through them.
#[derive(Default)]
pub(super) struct Watches(Mutex<Vec<(String, Instant, BuildWatch)>>);

/// How a set would be read: the body of a query, answered by a text.
pub(super) async fn explain(server: &Arc<Server>, request: &Incoming) -> Reply {
    let started = Instant::now();
    let Some(body) = request.body.clone() else {
        return Reply::invalid_request("No request body provided");
    };
    server.introduce(request).await;
    let session = server.session(request);
    let answered = server.pool.run(move |cancel| {
        let mut query = match decode_body(&body, Format::Tagged) {
            Ok(query) => query,
            Err(message) => return Reply::invalid_request(&message),
        };
        query.cancel = Some(cancel);
        // Nobody who is not in reaches the parser.
        match session.map(|session| (session.principal().map(drop), session)) {
            Some((Ok(()), session)) => {
                render(&session.explain(&query), Format::Tagged, None, started)
            }
            Some((Err(error), _)) if error.status != 401 => {
                Reply::error(error.status, error.code, &error.message)
            }
            Some((Err(_), _)) | None => unauthorized(None),
        }
    });
    answered.await.unwrap_or_else(refused)
}

/// The indexes that are being built: the body names the watch, which the client makes up.
pub(super) async fn builds(server: &Arc<Server>, request: &Incoming) -> Reply {
    server.introduce(request).await;
    let Some(session) = server.session(request) else {
        return unauthorized(None);
    };
    // Whoever else names the same watch has another.
    let mut name = String::from_utf8_lossy(request.body.as_deref().unwrap_or_default())
        .chars()
        .take(64)
        .collect::<String>();
    for header in ["authorization", "x-fql-database", "x-fql-role"] {
        name.push('\n');
        name.push_str(&headers::text(&request.headers, header).unwrap_or_default());
    }
    let server = server.clone();
    let watches = server.clone();
    let answered = server.pool.run(move |_| {
        let mut watch = watches
            .watches
            .take(&name)
            .unwrap_or_else(|| session.watch_builds());
        match watch.look() {
            Ok(builds) => {
                watches.watches.put(name, watch);
                let builds: Json = builds.iter().map(told).collect();
                Reply::json(200, builds.to_string())
            }
            Err(error) if error.status == 401 => unauthorized(None),
            Err(error) => Reply::error(error.status, error.code, &error.message),
        }
    });
    answered.await.unwrap_or_else(refused)
}

fn told(build: &IndexBuild) -> Json {
    let state = match build.state {
        BuildState::Building => "building",
        BuildState::Complete => "complete",
        BuildState::Failed => "failed",
        BuildState::Gone => "gone",
    };
    json!({
        "id": build.id, "name": &*build.name, "done": build.done, "total": build.total, "state": state
    })
}

impl Watches {
    fn take(&self, name: &str) -> Option<BuildWatch> {
        let mut all = self.0.lock();
        all.retain(|(_, used, _)| used.elapsed() < IDLE);
        let at = all.iter().position(|(known, _, _)| known == name)?;
        Some(all.swap_remove(at).2)
    }

    fn put(&self, name: String, watch: BuildWatch) {
        let mut all = self.0.lock();
        if all.len() >= WATCHES {
            let oldest = all.iter().enumerate().min_by_key(|(_, (_, used, _))| *used);
            if let Some((at, _)) = oldest {
                all.swap_remove(at);
            }
        }
        all.push((name, Instant::now(), watch));
    }
}
