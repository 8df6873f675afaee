//! `/stream`: what happens to a document or set, in FQL v4 (`spec http-api 9.5`).

use super::pool::Refusal;
use super::reply::{Body, Reply};
use super::{Incoming, Server, headers};
use crate::engine::{LegacyFailure, LegacyRequest, LegacyStream, Session, StreamField};
use crate::fql4::error::status;
use crate::fql4::read::Json;
use crate::fql4::version::ApiVersion;
use hyper::body::Bytes;
use std::sync::Arc;
use tokio::sync::{Notify, mpsc};

/// Pieces that wait for a slow client before the stream itself waits.
const QUEUED: usize = 256;

/// The fields that the parameter `fields` asks for; `Err` is the description of what is wrong with it.
fn fields(query: Option<&str>) -> Result<Vec<StreamField>, String> {
    let pairs = query.into_iter().flat_map(|query| query.split('&'));
    let mut asked = pairs.filter_map(|pair| pair.strip_prefix("fields="));
    let Some(names) = asked.next() else {
        return Ok(StreamField::DEFAULTS.to_vec());
    };
    let names = names.replace("%2C", ",").replace("%2c", ",");
    names
        .split(',')
        .map(|name| {
            StreamField::of(name).ok_or_else(|| {
                format!("Invalid url parameter fields. Invalid field name '{name}'.")
            })
        })
        .collect()
}

/// Answers `POST /stream`.
pub async fn answer(server: &Arc<Server>, request: &Incoming, session: Session) -> Reply {
    let version = headers::text(&request.headers, "x-faunadb-api-version");
    let version = version.and_then(|text| ApiVersion::parse(&text));
    let bad = |code: &str, message: &str| Reply::legacy_error(400, code, message);
    let fields = match fields(request.query.as_deref()) {
        Ok(fields) => fields,
        Err(message) => return bad("invalid url parameter", &message),
    };
    let json = match Json::parse(request.body.as_deref().unwrap_or_default()) {
        Ok(json) => json,
        Err(error) => return bad("invalid expression", &error.to_string()),
    };
    let asked = LegacyRequest {
        version: version.unwrap_or(ApiVersion::V21),
        ..LegacyRequest::new(json)
    };
    match open(server, session, asked, fields).await {
        Err(refusal) => super::refused(refusal),
        Ok(Ok(reply)) => reply,
        Ok(Err(failure)) => {
            let body = serde_json::json!({ "errors": failure.entries() });
            let status = match &failure {
                LegacyFailure::Errors(errors) => status(errors),
                LegacyFailure::Request(error) => error.status,
                LegacyFailure::Told(_) => 400,
            };
            Reply::json(status, body.to_string())
        }
    }
}

/// Begins a stream: the answer to the request, or why there is none.
async fn open(
    server: &Arc<Server>,
    session: Session,
    request: LegacyRequest,
    fields: Vec<StreamField>,
) -> Result<Result<Reply, LegacyFailure>, Refusal> {
    let opened = server
        .pool
        .run(move |_| session.stream_legacy(&request, &fields))
        .await?;
    Ok(opened.map(|stream| {
        let (sender, receiver) = mpsc::channel(QUEUED);
        tokio::spawn(follow(server.clone(), stream, sender));
        let id = rand::random::<u64>() >> 1;
        let reply = Reply {
            status: 200,
            headers: Vec::new(),
            body: Body::Stream(receiver),
        };
        reply.with("x-fauna-stream-id", id.to_string())
    }))
}

/// Sends the lines of a stream until it ends, the client goes or the server stops.
async fn follow(server: Arc<Server>, mut stream: LegacyStream, sender: mpsc::Sender<Bytes>) {
    let _streaming = server.metrics.streaming();
    let mut stopping = server.stopping.clone();
    let wake = Arc::new(Notify::new());
    {
        let wake = wake.clone();
        stream.set_waker(move || wake.notify_one());
    }
    loop {
        if !stream.is_due() {
            if stream.has_ended() {
                return;
            }
            tokio::select! {
                () = wake.notified() => continue,
                () = sender.closed() => return,
                () = super::stopped(&mut stopping) => return,
            }
        }
        let read = server.pool.run(move |_| {
            let lines = stream.lines();
            (stream, lines)
        });
        let Ok((back, lines)) = read.await else {
            return;
        };
        stream = back;
        let mut piece = String::new();
        for line in lines {
            piece.push_str(&line);
            piece.push_str("\r\n");
            server.metrics.event();
        }
        if !piece.is_empty() && sender.send(Bytes::from(piece)).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_named_in_the_address() {
        assert_eq!(fields(None), Ok(StreamField::DEFAULTS.to_vec()));
        assert_eq!(
            fields(Some("a=b&fields=diff,prev")),
            Ok(vec![StreamField::Diff, StreamField::Prev])
        );
        assert_eq!(
            fields(Some("fields=diff,x")),
            Err("Invalid url parameter fields. Invalid field name 'x'.".to_string())
        );
    }
}
