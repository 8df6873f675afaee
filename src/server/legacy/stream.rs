//! `/stream`: what happens to a document or set, in FQL v4 (`spec http-api 9.5`).

use super::answer::Context;
use super::query::described;
use crate::engine::{
    LegacyFailure, LegacyOutcome, LegacyRequest, LegacyStream, Session, Stats, StreamField,
};
use crate::fql4::error::status;
use crate::fql4::read::Json;
use crate::server::pool::Refusal;
use crate::server::reply::{Body, Reply};
use crate::server::{Incoming, Server, stopped};
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
pub(super) async fn answer(
    server: &Arc<Server>,
    request: &Incoming,
    session: Session,
    context: Context,
) -> Reply {
    let fields = match fields(request.query.as_deref()) {
        Ok(fields) => fields,
        Err(message) => return context.invalid(server, "invalid url parameter", &message),
    };
    let json = match &request.body {
        None => Err("No query provided.".to_string()),
        Some(body) => Json::parse(body).map_err(|error| described(error).to_string()),
    };
    let json = match json {
        Ok(json) => json,
        Err(message) => return context.invalid(server, "invalid expression", &message),
    };
    let asked = LegacyRequest {
        version: context.version,
        ..LegacyRequest::new(json)
    };
    match open(server, session, asked, fields).await {
        Err(refusal) => context.refused(server, refusal),
        Ok(Ok(reply)) => reply,
        Ok(Err(failure)) => {
            let status = match &failure {
                LegacyFailure::Errors(errors) => status(errors),
                LegacyFailure::Request(error) => error.status,
                LegacyFailure::Told(_) => 400,
            };
            let outcome = LegacyOutcome {
                result: Err(failure),
                status,
                txn_time: server.now(),
                stats: Stats::default(),
            };
            context.render(server, &outcome)
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
                () = stopped(&mut stopping) => return,
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
