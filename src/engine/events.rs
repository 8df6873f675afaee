//! Following an event source: pages of its history, and its events as they happen (`spec fql10-data 9`).
//!
//! Both read committed history after a position. A [`Session::feed`] page is one transaction over it. A
//! [`Subscription`] first replays what came between its start and now, then computes the events of each commit that
//! touches its collection. It never blocks: a front waits for its waker, asks [`Subscription::is_due`] and calls
//! [`Subscription::events`] where blocking is allowed. Its [`Authority`] is looked at each time, so that a deleted key ends
//! it.

use super::authority::Authority;
use super::{QueryError, Session};
use crate::access::Principal;
use crate::fql::interp::{
    Event, EventBounds, EventCost, EventPosition, Events, Failure, FailureKind, Interp, Options,
    QueryFailure, is_event_source_token,
};
use crate::fql::syntax::Source;
use crate::model::{Txn, documents_changed};
use crate::store::{CommitFeed, FeedEvent, TxnTime};
use crate::value::{CollId, DocId, Env, EventSource, ScopeId};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// A stream replays this many changes at most.
const MAX_REPLAY: usize = 128;
/// What a subscriber that missed commits may read at once.
const MAX_CATCH_UP: usize = 1024;

/// Where reading begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Where the source was made.
    Source,
    /// After a transaction.
    At(TxnTime),
    /// After an event.
    Cursor(EventPosition),
}

/// Why an event source cannot be followed.
#[derive(Clone, Debug)]
pub enum EventError {
    /// The text is no event source.
    InvalidSource,
    /// The start is before the source was made.
    TooEarly,
    /// The source cannot be evaluated: made in another database, its collection gone, not permitted.
    Evaluation(String),
    /// The request fails as queries do: unauthorized, timed out, the store.
    Query(QueryError),
}

/// What events cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventStats {
    /// Reads of 4 KiB.
    pub read_ops: u64,
    /// Bytes read.
    pub storage_bytes_read: u64,
    /// Calls, in fifties.
    pub compute_ops: u64,
    /// Time spent.
    pub processing_time: Duration,
}

/// What a follower is told.
#[derive(Clone, Debug)]
pub enum StreamEvent {
    /// Nothing happened up to here.
    Status {
        /// Where the follower stands.
        position: EventPosition,
        /// What finding that out cost.
        stats: EventStats,
    },
    /// The set changed.
    Change {
        /// How.
        event: Event,
        /// What it cost.
        stats: EventStats,
    },
    /// It is over.
    Error {
        /// Why.
        error: QueryError,
        /// What it cost.
        stats: EventStats,
    },
}

/// Asks for a page of events.
#[derive(Clone, Debug)]
pub struct FeedRequest {
    /// The event source.
    pub token: String,
    /// Where the page begins.
    pub start: Start,
    /// Events at most.
    pub page_size: usize,
    /// Time it may take; the page ends before.
    pub timeout: Option<Duration>,
    /// Set by another thread to stop.
    pub cancel: Option<Arc<AtomicBool>>,
}

/// A page of events.
#[derive(Clone, Debug)]
pub struct FeedPage {
    /// Changes, and at the end perhaps an error.
    pub events: Vec<StreamEvent>,
    /// Where the next page begins.
    pub cursor: EventPosition,
    /// Whether there is more already.
    pub has_next: bool,
    /// What the page cost.
    pub stats: EventStats,
}

/// An event source that is being followed in this process.
pub(super) struct Followed {
    session: Session,
    authority: Authority,
    token: String,
    scope: ScopeId,
    coll: CollId,
    only: Option<DocId>,
    /// Commits from the subscription on.
    feed: CommitFeed,
    /// Changes that wait to be read, in order.
    due: VecDeque<Due>,
    /// Everything up to here was told.
    position: EventPosition,
    /// The first event tells where the follower stands.
    greeted: bool,
    ended: bool,
    stats: EventStats,
}

enum Due {
    /// Everything up to now: the replay, or what was missed.
    History,
    /// One commit's changes of the source's collection.
    Commit(TxnTime, Vec<DocId>),
}

impl From<Failure> for EventError {
    fn from(failure: Failure) -> EventError {
        EventError::Query(query_error(failure, None))
    }
}

impl Session {
    /// A page of the events of a source.
    pub fn feed(&self, request: &FeedRequest) -> Result<FeedPage, EventError> {
        let started = Instant::now();
        let deadline = request.timeout.map(|timeout| started + timeout);
        let options = Options {
            deadline,
            cancel: request.cancel.clone(),
            ..Options::default()
        };
        let (mut interp, source) = self.open_source(&request.token, options)?;
        let after = match request.start {
            Start::Source => source_start(&source),
            Start::At(ts) => EventPosition::after_first(ts),
            Start::Cursor(position) => position,
        };
        let until = interp.txn.time();
        let bounds = EventBounds {
            until,
            events: request.page_size,
            entries: usize::MAX,
            patience: request
                .timeout
                .map(|timeout| started + timeout.mul_f64(0.95)),
        };
        let found = match interp.events_between(&source, after, bounds) {
            Ok(found) => found,
            Err(failure) => match too_far_back(&failure, after) {
                Some(error) => {
                    let stats = stats_of(&interp, started);
                    let events = vec![StreamEvent::Error { error, stats }];
                    return Ok(FeedPage {
                        events,
                        cursor: after,
                        has_next: false,
                        stats,
                    });
                }
                None => return Err(failure.into()),
            },
        };
        let failed = found.failure.is_some();
        let cursor = match (found.more || failed, found.last) {
            (true, last) => last.unwrap_or(after),
            // Nothing is left up to here: the next page begins after this snapshot.
            (false, _) => EventPosition::after(until.max(after.ts)),
        };
        let has_next = found.more;
        let elapsed = started.elapsed();
        // The page costs what its events do, and looking them up.
        let mut stats = EventStats {
            read_ops: Interp::event_partitions(&source)?,
            ..EventStats::default()
        };
        for cost in found
            .events
            .iter()
            .map(|event| event.cost)
            .chain([found.spent])
        {
            stats.read_ops += cost.read_ops;
            stats.storage_bytes_read += cost.bytes_read;
        }
        let events = told(&mut interp, found, EventStats::default(), elapsed);
        stats.compute_ops = interp.calls().div_ceil(50).max(1);
        stats.processing_time = started.elapsed();
        Ok(FeedPage {
            events,
            cursor,
            has_next,
            stats,
        })
    }

    /// Follows a source in this process.
    pub(super) fn follow(&self, token: &str, start: Start) -> Result<Followed, EventError> {
        // First the feed, then the snapshot: so nothing falls between.
        let feed = self.engine().model().store().subscribe();
        let (mut interp, source) = self.open_source(token, Options::default())?;
        let principal = interp.principal.clone();
        let authority = Authority::of(&mut interp.txn, &principal)?;
        let begin = source_start(&source);
        let position = match start {
            Start::Source => begin,
            Start::At(ts) => EventPosition::after(ts),
            Start::Cursor(position) => position,
        };
        if position.ts < begin.ts {
            return Err(EventError::TooEarly);
        }
        let (coll, only) = Interp::event_origin(&source)?;
        let stats = EventStats {
            read_ops: Interp::event_partitions(&source)?,
            compute_ops: 1,
            ..EventStats::default()
        };
        Ok(Followed {
            session: self.clone(),
            authority,
            token: token.to_string(),
            scope: interp.txn.scope(),
            coll,
            only,
            feed,
            due: VecDeque::from([Due::History]),
            position,
            greeted: false,
            ended: false,
            stats,
        })
    }

    /// A transaction of the session's principal, and the source that a token means in it.
    fn open_source(
        &self,
        token: &str,
        options: Options,
    ) -> Result<(Interp, Arc<EventSource>), EventError> {
        let (txn, principal) = self.begin()?;
        self.source_in(txn, principal, token, options)
    }

    /// The source that a token means to a principal.
    fn source_in(
        &self,
        txn: Txn,
        principal: Principal,
        token: &str,
        options: Options,
    ) -> Result<(Interp, Arc<EventSource>), EventError> {
        if !is_event_source_token(token) {
            return Err(EventError::InvalidSource);
        }
        let mut interp = Interp::new(
            txn,
            self.engine().library.clone(),
            Arc::new(principal),
            Source::query(""),
            Env::default(),
            options,
        );
        let source = interp.event_source(token).ok_or_else(|| {
            EventError::Evaluation("the event source is not of this database.".into())
        })?;
        interp
            .check_event_source(&source)
            .map_err(|failure| EventError::Evaluation(failure.message().to_string()))?;
        Ok((interp, source))
    }
}

impl Followed {
    /// Calls `wake` whenever something may be due. It must return at once.
    pub fn set_waker(&self, wake: impl Fn() + Send + Sync + 'static) {
        self.feed.set_waker(wake);
    }

    /// Whether [`Subscription::events`] has something to do. Cheap: looks at no document.
    pub fn is_due(&mut self) -> bool {
        while let Some(event) = self.feed.try_next() {
            match event {
                FeedEvent::Lagged => self.due = VecDeque::from([Due::History]),
                FeedEvent::Commit(commit) if matches!(self.due.back(), Some(Due::History)) => {
                    // The history is read up to the newest commit anyway.
                    drop(commit);
                }
                FeedEvent::Commit(commit) => {
                    let mut docs = documents_changed(&commit, self.scope, self.coll);
                    docs.retain(|id| self.only.is_none_or(|only| only == *id));
                    if !docs.is_empty() {
                        self.due.push_back(Due::Commit(commit.time, docs));
                    }
                }
            }
        }
        !self.ended && (!self.due.is_empty() || !self.greeted)
    }

    /// Whether there will be no more events: an error was told, or the database is closed.
    pub fn has_ended(&self) -> bool {
        self.ended || self.feed.is_closed()
    }

    /// The events that are due, in order. Reads documents and evaluates the source's functions.
    pub fn events(&mut self) -> Vec<StreamEvent> {
        let mut events = Vec::new();
        let replays = !self.greeted;
        if replays {
            self.greeted = true;
            let stats = std::mem::take(&mut self.stats);
            events.push(StreamEvent::Status {
                position: self.position,
                stats,
            });
        }
        while !self.ended && self.is_due() {
            let Some(due) = self.due.pop_front() else {
                break;
            };
            if let Err(error) = self.read(due, replays, &mut events) {
                self.ended = true;
                let stats = self.stats;
                events.push(StreamEvent::Error { error, stats });
            }
        }
        events
    }

    /// Tells where the follower stands; for when nothing happened for a while. Ends if the authority is gone.
    pub fn status(&mut self) -> StreamEvent {
        let stats = std::mem::take(&mut self.stats);
        match self.authority.renew(self.session.engine()) {
            Ok((txn, _)) => {
                if self.due.is_empty() {
                    let now = EventPosition::after(txn.time());
                    self.position = self.position.max(now);
                }
                StreamEvent::Status {
                    position: self.position,
                    stats,
                }
            }
            Err(failure) => {
                self.ended = true;
                let error = lost(failure);
                StreamEvent::Error { error, stats }
            }
        }
    }

    fn read(
        &mut self,
        due: Due,
        replays: bool,
        events: &mut Vec<StreamEvent>,
    ) -> Result<(), QueryError> {
        let started = Instant::now();
        let (txn, principal) = self.authority.renew(self.session.engine()).map_err(lost)?;
        let opened = self
            .session
            .source_in(txn, principal, &self.token, Options::default());
        let (mut interp, source) = opened.map_err(|fault| match fault {
            EventError::Query(failed) => failed,
            EventError::Evaluation(message) => error("invalid_argument", message),
            EventError::InvalidSource | EventError::TooEarly => {
                error("internal_error", "The event source changed its meaning.")
            }
        })?;
        let until = interp.txn.time();
        let mut bounds = EventBounds {
            until,
            events: usize::MAX,
            entries: if replays { MAX_REPLAY } else { MAX_CATCH_UP },
            patience: None,
        };
        let found = match due {
            Due::History => {
                let found = interp.events_between(&source, self.position, bounds);
                found.map_err(|failure| {
                    too_far_back(&failure, self.position)
                        .unwrap_or_else(|| query_error(failure, None))
                })?
            }
            Due::Commit(time, docs) => {
                // Read with a history before this one came to be told.
                if time <= self.position.ts && self.position.ordinal == u32::MAX {
                    return Ok(());
                }
                bounds.entries = usize::MAX;
                let mut found = Events::default();
                let read =
                    interp.events_at(&source, time, &docs, self.position, &bounds, &mut found);
                read.map_err(|failure| query_error(failure, None))?;
                self.position = self.position.max(EventPosition::after(time));
                return self.tell(interp, found, started, events);
            }
        };
        let overflow = match replays {
            true => found.entries >= MAX_REPLAY,
            false => found.more,
        };
        self.position = self.position.max(EventPosition::after(until));
        let failed = found.failure.is_some();
        self.tell(interp, found, started, events)?;
        match (overflow && !failed, replays) {
            (false, _) => Ok(()),
            (true, true) => Err(error(
                "stream_replay_volume_exceeded",
                "Too many events to replay. Recreate the stream and try again.",
            )),
            (true, false) => Err(error("stream_overflow", "Too many events to process.")),
        }
    }

    fn tell(
        &mut self,
        mut interp: Interp,
        found: Events,
        started: Instant,
        events: &mut Vec<StreamEvent>,
    ) -> Result<(), QueryError> {
        let quiet = found.events.is_empty() && found.failure.is_none();
        let failed = found.failure.is_some();
        let elapsed = started.elapsed();
        if quiet {
            // Told with the next event.
            self.stats.add(EventStats::of(found.spent, elapsed));
            return Ok(());
        }
        let before = std::mem::take(&mut self.stats);
        let spent = found.spent;
        events.extend(told(&mut interp, found, before, elapsed));
        if !failed {
            self.stats.add(EventStats::of(spent, Duration::ZERO));
        }
        self.ended |= failed;
        Ok(())
    }
}

impl EventStats {
    fn of(cost: EventCost, processing_time: Duration) -> EventStats {
        EventStats {
            read_ops: cost.read_ops,
            storage_bytes_read: cost.bytes_read,
            compute_ops: cost.calls.div_ceil(50),
            processing_time,
        }
    }

    /// As it is told: something was computed for everything that is told.
    fn told(mut self) -> EventStats {
        self.compute_ops = self.compute_ops.max(1);
        self
    }

    fn add(&mut self, other: EventStats) {
        self.read_ops += other.read_ops;
        self.storage_bytes_read += other.storage_bytes_read;
        self.compute_ops += other.compute_ops;
        self.processing_time += other.processing_time;
    }
}

fn source_start(source: &EventSource) -> EventPosition {
    EventPosition::after(source.since.unwrap_or_default())
}

/// What was found as a follower is told it, a failure last. The first event tells what was spent before, too.
fn told(
    interp: &mut Interp,
    found: Events,
    before: EventStats,
    elapsed: Duration,
) -> Vec<StreamEvent> {
    let mut before = Some(before);
    let mut stats = |cost: EventCost| {
        let mut stats = EventStats::of(cost, elapsed);
        stats.add(before.take().unwrap_or_default());
        stats.told()
    };
    let mut events: Vec<StreamEvent> = found
        .events
        .into_iter()
        .map(|event| StreamEvent::Change {
            stats: stats(event.cost),
            event,
        })
        .collect();
    if let Some(failure) = found.failure {
        let error = query_error(failure, Some(interp));
        let stats = stats(found.spent);
        events.push(StreamEvent::Error { error, stats });
    }
    events
}

fn stats_of(interp: &Interp, started: Instant) -> EventStats {
    let used = interp.txn.stats();
    EventStats {
        read_ops: used.read_ops,
        storage_bytes_read: used.bytes_read,
        compute_ops: interp.calls().div_ceil(50).max(1),
        processing_time: started.elapsed(),
    }
}

fn error(code: &'static str, message: impl Into<String>) -> QueryError {
    QueryError {
        status: 400,
        code,
        message: message.into(),
        constraint_failures: Vec::new(),
        abort: None,
        protocol: false,
    }
}

fn permission_loss() -> QueryError {
    error(
        "permission_loss",
        "Stream authentication is no longer valid.",
    )
}

fn lost(failure: Failure) -> QueryError {
    let error = query_error(failure, None);
    match error.status {
        401 => permission_loss(),
        _ => error,
    }
}

/// The error of a start whose history is gone.
fn too_far_back(failure: &Failure, start: EventPosition) -> Option<QueryError> {
    let gone =
        failure.code() == "invalid_request" && failure.message().starts_with("Requested timestamp");
    gone.then(|| {
        let time = crate::value::Time::from(start.ts);
        error(
            "invalid_stream_start_time",
            format!(
                "Stream start time {time} is too far in the past. Recreate the stream and try again."
            ),
        )
    })
}

/// A failure as a front sees it; with a transaction, the value given to `abort` too.
pub(super) fn query_error(failure: Failure, interp: Option<&mut Interp>) -> QueryError {
    match *failure.0 {
        FailureKind::Protocol(failure) => QueryError {
            status: failure.status,
            code: failure.code,
            message: failure.message,
            constraint_failures: Vec::new(),
            abort: None,
            protocol: true,
        },
        FailureKind::Query(QueryFailure {
            code,
            message,
            constraint_failures,
            abort,
            ..
        }) => QueryError {
            status: 400,
            code,
            message,
            constraint_failures,
            abort: abort.and_then(|value| interp?.materialize(&value).ok()),
            protocol: false,
        },
    }
}
