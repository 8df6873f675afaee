//! Following an event source on a server: `/stream/1`, read line by line on a thread of its own (`spec http-api 6`).

use super::QueryError;
use super::events::{EventError, EventStats, Start, StreamEvent};
use super::remote_http::Stream;
use super::remote_value::{error_of, outcome_of, rendered};
use crate::fql::interp::{Event, EventCost, EventKind, EventPosition};
use crate::store::TxnTime;
use parking_lot::Mutex;
use serde_json::{Map, Value as Json, json};
use std::collections::VecDeque;
use std::io::{BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The longest event.
const MAX_LINE: u64 = 64 * 1024 * 1024;

/// The events that a server sends.
pub(super) struct RemoteEvents {
    shared: Arc<Shared>,
    /// Where the follower stands.
    position: EventPosition,
}

#[derive(Default)]
struct Shared {
    due: Mutex<VecDeque<StreamEvent>>,
    ended: AtomicBool,
    /// Nobody listens any more.
    left: Arc<AtomicBool>,
    wake: Mutex<Option<Box<dyn Fn() + Send + Sync>>>,
}

/// The body of the request.
pub(super) fn request(token: &str, start: Start) -> String {
    match start {
        Start::Source => json!({ "token": token }),
        Start::At(ts) => json!({ "token": token, "start_ts": ts.0 }),
        Start::Cursor(position) => json!({ "token": token, "cursor": &*position.token() }),
    }
    .to_string()
}

impl RemoteEvents {
    /// Opens a stream by asking with a flag that gives it up, and listens to it.
    pub(super) fn open(
        ask: impl FnOnce(Arc<AtomicBool>) -> Result<Stream, String>,
    ) -> Result<RemoteEvents, EventError> {
        let shared = Arc::new(Shared::default());
        let stream =
            ask(shared.left.clone()).map_err(|message| EventError::Query(lost(message)))?;
        if stream.status != 200 {
            let mut body = Vec::new();
            let _ = stream.body.take(MAX_LINE).read_to_end(&mut body);
            return Err(match outcome_of(stream.status, &body).result {
                Err(error) => EventError::Query(error),
                Ok(_) => EventError::Query(lost("the answer is not of this protocol")),
            });
        }
        let listening = shared.clone();
        let spawned = std::thread::Builder::new()
            .name("fql-stream".into())
            .spawn(move || listening.listen(stream.body));
        spawned.map_err(|error| EventError::Query(lost(error.to_string())))?;
        Ok(RemoteEvents {
            shared,
            position: EventPosition::after(TxnTime(0)),
        })
    }

    pub(super) fn set_waker(&self, wake: impl Fn() + Send + Sync + 'static) {
        // What came before is not forgotten.
        wake();
        *self.shared.wake.lock() = Some(Box::new(wake));
    }

    pub(super) fn is_due(&self) -> bool {
        !self.shared.due.lock().is_empty()
    }

    pub(super) fn has_ended(&self) -> bool {
        self.shared.ended.load(Ordering::SeqCst) && !self.is_due()
    }

    pub(super) fn take(&mut self) -> Vec<StreamEvent> {
        let events: Vec<StreamEvent> = self.shared.due.lock().drain(..).collect();
        for event in &events {
            match event {
                StreamEvent::Status { position, .. } => self.position = *position,
                StreamEvent::Change { event, .. } => self.position = event.position,
                StreamEvent::Error { .. } => {}
            }
        }
        events
    }

    pub(super) fn status(&self) -> StreamEvent {
        StreamEvent::Status {
            position: self.position,
            stats: EventStats::default(),
        }
    }
}

impl Drop for RemoteEvents {
    fn drop(&mut self) {
        self.shared.left.store(true, Ordering::SeqCst);
    }
}

impl Shared {
    fn listen(&self, mut body: Box<dyn BufRead + Send>) {
        let ended = loop {
            let mut line = String::new();
            match (&mut body).take(MAX_LINE).read_line(&mut line) {
                Ok(0) => break Some(lost("the server ended the stream")),
                Err(error) => break Some(lost(error.to_string())),
                Ok(_) if line.trim().is_empty() => continue,
                Ok(_) => {}
            }
            if self.left.load(Ordering::SeqCst) {
                return;
            }
            let Some(event) = event_of(&line) else {
                break Some(lost("an event is not of this protocol"));
            };
            let over = matches!(event, StreamEvent::Error { .. });
            self.tell(event);
            if over {
                break None;
            }
        };
        if let Some(error) = ended {
            let stats = EventStats::default();
            self.tell(StreamEvent::Error { error, stats });
        }
        self.ended.store(true, Ordering::SeqCst);
        self.wake();
    }

    fn tell(&self, event: StreamEvent) {
        self.due.lock().push_back(event);
        self.wake();
    }

    fn wake(&self) {
        if let Some(wake) = &*self.wake.lock() {
            wake();
        }
    }
}

/// The event that a line of the stream tells.
fn event_of(line: &str) -> Option<StreamEvent> {
    let Json::Object(event) = serde_json::from_str(line).ok()? else {
        return None;
    };
    let stats = stats_of(&event);
    let kind = match event.get("type")?.as_str()? {
        "status" | "start" => {
            let position = position_of(&event)?;
            return Some(StreamEvent::Status { position, stats });
        }
        "error" => {
            let error = error_of(400, event.get("error")?, true);
            return Some(StreamEvent::Error { error, stats });
        }
        "add" => EventKind::Add,
        "update" => EventKind::Update,
        "remove" => EventKind::Remove,
        _ => return None,
    };
    let event = Event {
        kind,
        data: rendered(event.get("data")?),
        position: position_of(&event)?,
        cost: EventCost::default(),
    };
    Some(StreamEvent::Change { event, stats })
}

/// Where an event stands. Cursors of other servers are their own affair: then its time is all that is known.
fn position_of(event: &Map<String, Json>) -> Option<EventPosition> {
    let cursor = event.get("cursor").and_then(Json::as_str);
    let ts = TxnTime(event.get("txn_ts")?.as_i64()?);
    Some(
        cursor
            .and_then(EventPosition::of)
            .unwrap_or_else(|| EventPosition::after(ts)),
    )
}

fn stats_of(event: &Map<String, Json>) -> EventStats {
    let stats = event.get("stats");
    let stat = |name: &str| stats.and_then(|s| s.get(name)?.as_u64()).unwrap_or(0);
    EventStats {
        read_ops: stat("read_ops"),
        storage_bytes_read: stat("storage_bytes_read"),
        compute_ops: stat("compute_ops"),
        processing_time: Duration::from_millis(stat("processing_time_ms")),
    }
}

fn lost(message: impl Into<String>) -> QueryError {
    QueryError {
        status: 503,
        code: "network_error",
        message: message.into(),
        constraint_failures: Vec::new(),
        abort: None,
        protocol: true,
    }
}
