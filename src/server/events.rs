//! `/stream/1` and `/feed/1`: the events of an event source, as they happen or page by page (`spec http-api 6, 7`).

use super::json::{JsonError, Reader, Token};
use super::reply::{Body, Reply};
use super::{Incoming, Server, headers, query};
use crate::engine::{
    EventError, EventStats, FeedPage, FeedRequest, Start, StreamEvent, Subscription,
};
use crate::fql::interp::{EventPosition, is_event_source_token};
use crate::store::TxnTime;
use crate::value::format::Format;
use crate::value::format::json::write_string;
use hyper::body::Bytes;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, mpsc};

/// A stream says that it lives when nothing happened for this long.
const STATUS_INTERVAL: Duration = Duration::from_secs(300);
/// Events that wait for a slow client before the stream itself waits.
const QUEUED_EVENTS: usize = 256;
/// Events of a feed's page unless the request says otherwise, and at most.
const PAGE_SIZE: i64 = 16;
const MAX_PAGE_SIZE: i64 = 16_000;
/// Time a page may take unless the request says otherwise.
const FEED_TIMEOUT: Duration = Duration::from_secs(120);

/// Which of the two endpoints: their texts differ.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Endpoint {
    Stream,
    Feed,
}

fn unauthorized() -> Reply {
    let message = "Invalid token, unable to authenticate request";
    Reply::error(401, "unauthorized", message)
}

/// Answers `/stream/1`.
pub async fn answer_stream(server: &Arc<Server>, request: Incoming) -> Reply {
    match stream(server, &request).await {
        Ok(reply) | Err(reply) => reply,
    }
}

/// Answers `/feed/1`.
pub async fn answer_feed(server: &Arc<Server>, request: Incoming) -> Reply {
    match feed(server, &request).await {
        Ok(reply) | Err(reply) => reply,
    }
}

async fn feed(server: &Arc<Server>, request: &Incoming) -> Result<Reply, Reply> {
    let started = Instant::now();
    let numeric = headers::numeric(&request.headers, &headers::V10)
        .map_err(|message| Reply::invalid_request(&format!("Invalid headers: {message}")))?;
    let fields = fields(request, Endpoint::Feed)?;
    let page_size = fields.page_size.unwrap_or(PAGE_SIZE);
    let bad = |reason: &str| Reply::invalid_request(&format!("Invalid request body: {reason}"));
    if page_size <= 0 {
        return Err(bad("page size must be greater than zero."));
    }
    if page_size > MAX_PAGE_SIZE {
        return Err(bad("page size can not be greater than 16000."));
    }
    server.introduce(request).await;
    let session = server.session(request).ok_or_else(unauthorized)?;
    let timeout = numeric.timeout.unwrap_or(FEED_TIMEOUT);
    if timeout <= Duration::from_millis(1) {
        return Err(super::hasty(started).await);
    }
    if let Some(seen) = numeric.last_txn {
        server.wait_until(seen).await;
    }
    let answered = server
        .pool
        .run(move |cancel| {
            let request = FeedRequest {
                token: fields.token,
                start: fields.start,
                page_size: usize::try_from(page_size).unwrap_or(1),
                timeout: Some(timeout.saturating_sub(started.elapsed())),
                cancel: Some(cancel),
            };
            match session.feed(&request) {
                Ok(page) => Ok(Reply::json(200, page_json(&page))),
                Err(error) => Err(error_reply(error, Endpoint::Feed, started)),
            }
        })
        .await;
    answered.unwrap_or_else(|refusal| Err(super::refused(refusal)))
}

async fn stream(server: &Arc<Server>, request: &Incoming) -> Result<Reply, Reply> {
    let started = Instant::now();
    let fields = fields(request, Endpoint::Stream)?;
    server.introduce(request).await;
    let session = server.session(request).ok_or_else(unauthorized)?;
    let opened = server
        .pool
        .run(move |_| {
            session
                .subscribe(&fields.token, fields.start)
                .map_err(|error| error_reply(error, Endpoint::Stream, started))
        })
        .await;
    let subscription = opened.map_err(super::refused)??;
    let (sender, receiver) = mpsc::channel(QUEUED_EVENTS);
    tokio::spawn(follow(server.clone(), subscription, sender));
    let id = rand::random::<u64>() >> 1;
    let reply = Reply {
        status: 200,
        headers: Vec::new(),
        body: Body::Stream(receiver),
    };
    Ok(reply.with("x-fauna-stream-id", id.to_string()))
}

/// Sends the events of a subscription until it ends, the client goes or the server stops.
async fn follow(server: Arc<Server>, mut subscription: Subscription, sender: mpsc::Sender<Bytes>) {
    let _streaming = server.metrics.streaming();
    let mut stopping = server.stopping.clone();
    let wake = Arc::new(Notify::new());
    {
        let wake = wake.clone();
        subscription.set_waker(move || wake.notify_one());
    }
    loop {
        let mut told = Vec::new();
        if subscription.is_due() {
            let read = server.pool.run(move |_| {
                let events = subscription.events();
                (subscription, events)
            });
            match read.await {
                Ok((back, events)) => (subscription, told) = (back, events),
                Err(_) => {
                    let line = "{\"type\":\"error\",\"error\":{\"code\":\"internal_error\",\"message\":\"The stream met a defect of the server.\"}}\r\n";
                    let _ = sender.send(Bytes::from_static(line.as_bytes())).await;
                    return;
                }
            }
        } else {
            tokio::select! {
                () = wake.notified() => {}
                () = sender.closed() => return,
                () = super::stopped(&mut stopping) => return,
                () = tokio::time::sleep(STATUS_INTERVAL) => {
                    let read = server.pool.run(move |_| {
                        let event = subscription.status();
                        (subscription, event)
                    });
                    match read.await {
                        Ok((back, event)) => {
                            subscription = back;
                            told.push(event);
                        }
                        Err(_) => return,
                    }
                }
            }
        }
        if !told.is_empty() {
            // In one piece: the JavaScript driver loses one of two pieces that reach it at the same moment.
            let mut lines = String::new();
            for event in &told {
                lines.push_str(&event_json(event));
                lines.push_str("\r\n");
                server.metrics.event();
            }
            if sender.send(Bytes::from(lines)).await.is_err() {
                return;
            }
        }
        if subscription.has_ended() {
            return;
        }
    }
}

fn error_reply(error: EventError, endpoint: Endpoint, started: Instant) -> Reply {
    match error {
        EventError::InvalidSource => invalid_source(endpoint),
        EventError::TooEarly => Reply::invalid_request(
            "Invalid stream start time: Stream start time can not be before the stream create time.",
        ),
        EventError::Evaluation(message) => {
            let what = match endpoint {
                Endpoint::Stream => "stream",
                Endpoint::Feed => "event source",
            };
            Reply::invalid_request(&format!("Error evaluating provided {what}, {message}"))
        }
        EventError::Query(error) if error.status == 401 => unauthorized(),
        EventError::Query(error) if error.code == "time_out" => query::timed_out(started.elapsed()),
        EventError::Query(error) => Reply::error(error.status, error.code, &error.message),
    }
}

fn invalid_source(endpoint: Endpoint) -> Reply {
    bad_body("invalid event source provided", endpoint)
}

/// A fault that the two endpoints punctuate differently.
fn bad_body(reason: &str, endpoint: Endpoint) -> Reply {
    let stop = match endpoint {
        Endpoint::Stream => "",
        Endpoint::Feed => ".",
    };
    Reply::invalid_request(&format!("Invalid request body: {reason}{stop}"))
}

/// The body's fields.
struct Fields {
    token: String,
    start: Start,
    page_size: Option<i64>,
}

fn fields(request: &Incoming, endpoint: Endpoint) -> Result<Fields, Reply> {
    let Some(body) = &request.body else {
        return Err(Reply::invalid_request("No request body provided"));
    };
    let raw = raw_fields(body, endpoint)
        .map_err(|reason| Reply::invalid_request(&format!("Invalid request body: {reason}")))?;
    let Some(token) = raw.token else {
        let message = "Invalid request body: Value for key token not found.";
        return Err(Reply::invalid_request(message));
    };
    if raw.start_ts.is_some() && raw.cursor.is_some() {
        return Err(bad_body(
            "can not provide both `start_ts` and `cursor`",
            endpoint,
        ));
    }
    if !is_event_source_token(&token) {
        return Err(invalid_source(endpoint));
    }
    let start = match (raw.start_ts, raw.cursor) {
        (Some(ts), _) => Start::At(TxnTime(ts)),
        (None, Some(text)) => match EventPosition::of(&text) {
            Some(position) => Start::Cursor(position),
            None => return Err(bad_body("invalid event cursor provided", endpoint)),
        },
        (None, None) => Start::Source,
    };
    Ok(Fields {
        token,
        start,
        page_size: raw.page_size,
    })
}

#[derive(Default)]
struct RawFields {
    token: Option<String>,
    cursor: Option<String>,
    start_ts: Option<i64>,
    page_size: Option<i64>,
}

fn raw_fields(body: &[u8], endpoint: Endpoint) -> Result<RawFields, String> {
    let fault = |error: JsonError| match error {
        JsonError::Syntax(text) => text,
        JsonError::NoToken => "Unexpected end of input".into(),
        JsonError::Nesting => "JSON exceeds nesting limit".into(),
        JsonError::Number => "Number out of range".into(),
    };
    let mut reader = Reader::new(body).map_err(fault)?;
    let first = reader.next_token().map_err(fault)?;
    if first != Token::ObjectStart {
        return Err(unexpected(&first));
    }
    let mut fields = RawFields::default();
    while let Token::Key(key) = reader.next_token().map_err(fault)? {
        let value = reader.next_token().map_err(fault)?;
        match (key.as_str(), value) {
            ("token", Token::String(text)) => fields.token = Some(text),
            ("cursor", Token::String(text)) => fields.cursor = Some(text),
            ("start_ts", Token::Integer(ts)) => fields.start_ts = Some(ts),
            ("page_size", Token::Integer(size))
                if endpoint == Endpoint::Feed && i32::try_from(size).is_ok() =>
            {
                fields.page_size = Some(size);
            }
            ("token" | "cursor" | "start_ts", value) => return Err(unexpected(&value)),
            ("page_size", value) if endpoint == Endpoint::Feed => return Err(unexpected(&value)),
            (_, value) => {
                reader.value_from(value).map_err(fault)?;
            }
        }
    }
    Ok(fields)
}

fn unexpected(token: &Token) -> String {
    let value = match token {
        Token::Integer(n) => format!("integer value {n}"),
        Token::Double(x) => format!("float value {x}"),
        Token::String(text) => format!("string value '{text}'"),
        Token::Bool(x) => format!("{x} value"),
        Token::Null => "null value".into(),
        Token::ArrayStart | Token::ArrayEnd => "array value".into(),
        Token::ObjectStart | Token::ObjectEnd | Token::Key(_) => "object value".into(),
    };
    format!("Unexpected {value}.")
}

fn page_json(page: &FeedPage) -> String {
    let mut out = String::from("{\"events\":[");
    for (i, event) in page.events.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        out.push_str(&event_json(event));
    }
    out.push_str("],\"cursor\":");
    write_string(&mut out, &page.cursor.token());
    let _ = write!(out, ",\"has_next\":{}", page.has_next);
    write_stats(&mut out, &page.stats);
    out.push('}');
    out
}

/// An event as one JSON object, always in the tagged format.
pub fn event_json(event: &StreamEvent) -> String {
    let mut out = String::from("{\"type\":");
    let placed = |out: &mut String, position: &EventPosition| {
        let _ = write!(out, ",\"txn_ts\":{},\"cursor\":", position.ts.0);
        write_string(out, &position.token());
    };
    let stats = match event {
        StreamEvent::Status { position, stats } => {
            out.push_str("\"status\"");
            placed(&mut out, position);
            stats
        }
        StreamEvent::Change { event, stats } => {
            write_string(&mut out, event.kind.name());
            out.push_str(",\"data\":");
            event.data.write_json(Format::Tagged, &mut out);
            placed(&mut out, &event.position);
            stats
        }
        StreamEvent::Error { error, stats } => {
            out.push_str("\"error\",\"error\":");
            query::write_error(&mut out, error, Format::Tagged);
            stats
        }
    };
    write_stats(&mut out, stats);
    out.push('}');
    out
}

fn write_stats(out: &mut String, stats: &EventStats) {
    let _ = write!(
        out,
        ",\"stats\":{{\"read_ops\":{},\"storage_bytes_read\":{},\"compute_ops\":{},\"processing_time_ms\":{},\"rate_limits_hit\":[]}}",
        stats.read_ops,
        stats.storage_bytes_read,
        stats.compute_ops,
        stats.processing_time.as_millis(),
    );
}
