//! From `commit` to the acknowledgement: group commit without a thread of its own.
//!
//! Commits queue up. The first caller to find no leader becomes it: it takes what waits, validates
//! and stamps commit by commit, has the engine apply the whole batch with one sync, makes the new
//! state visible, acknowledges, publishes, and hands the lead to the next in the queue, if any. A
//! lone client thus never switches threads; many clients share a sync.

use super::feed::Publisher;
use super::recent::Recent;
use super::{
    Bytes, Clock, Commit, CommitFeed, Committed, KeyRange, Snapshot, StampPlace, StoreError, Table,
    TxnTime, Write,
};
use parking_lot::{Condvar, Mutex, RwLock};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// A batch takes so many commits at most,
const BATCH_COMMITS: usize = 1024;
/// and no further one once it has so many bytes of keys and values.
const BATCH_BYTES: usize = 32 << 20;
/// Bytes of a stamp.
const STAMP_BYTES: usize = 8;

/// What applies validated commits.
pub(super) trait Engine: Send {
    /// Applies all of the batch durably, or nothing, and gives the new state.
    fn apply(&mut self, batch: &[Prepared]) -> Result<Arc<dyn Snapshot>, StoreError>;
    /// Called after a failed `apply`: makes the engine usable again, and gives the state that is on disk.
    fn recover(&mut self) -> Result<Arc<dyn Snapshot>, StoreError>;
}

/// A commit that is validated and stamped: keys in order, each once.
pub(super) struct Prepared {
    pub(super) time: TxnTime,
    pub(super) clears: Arc<Vec<KeyRange>>,
    pub(super) keys: Arc<Vec<(Table, Bytes)>>,
    /// The values of `keys`.
    pub(super) values: Vec<Option<Vec<u8>>>,
}

/// See the module.
pub(super) struct Pipeline {
    queue: Mutex<Queue>,
    committer: Mutex<Committer>,
    current: RwLock<Option<Arc<dyn Snapshot>>>,
    publisher: Publisher,
    clock: Arc<dyn Clock>,
    batches: AtomicU64,
    /// Commits that are not visible yet have no earlier times than this; `i64::MAX`: there are none.
    under_way: AtomicI64,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<(Submission, Arc<Ticket>)>,
    led: bool,
    closed: bool,
}

struct Submission {
    commit: Commit,
    bytes: usize,
}

/// Where a caller waits for its commit.
#[derive(Default)]
struct Ticket {
    turn: Mutex<Turn>,
    changed: Condvar,
}

#[derive(Default)]
enum Turn {
    #[default]
    Wait,
    Lead,
    Done(Result<TxnTime, StoreError>),
}

impl Ticket {
    fn set(&self, turn: Turn) {
        *self.turn.lock() = turn;
        self.changed.notify_one();
    }

    fn wait(&self) -> Turn {
        let mut turn = self.turn.lock();
        loop {
            match std::mem::take(&mut *turn) {
                Turn::Wait => self.changed.wait(&mut turn),
                ready @ (Turn::Lead | Turn::Done(_)) => return ready,
            }
        }
    }
}

struct Committer {
    /// `None`: closed.
    engine: Option<Box<dyn Engine>>,
    recent: Recent,
    /// The newest time given out, durable or not.
    last: TxnTime,
}

impl Pipeline {
    /// Starts from the engine's state.
    pub(super) fn new(
        engine: Box<dyn Engine>,
        current: Arc<dyn Snapshot>,
        clock: Arc<dyn Clock>,
        window: usize,
    ) -> Pipeline {
        let time = current.time();
        Pipeline {
            queue: Mutex::default(),
            committer: Mutex::new(Committer {
                engine: Some(engine),
                recent: Recent::new(time, window),
                last: time,
            }),
            current: RwLock::new(Some(current)),
            publisher: Publisher::default(),
            clock,
            batches: AtomicU64::new(0),
            under_way: AtomicI64::new(i64::MAX),
        }
    }

    pub(super) fn snapshot(&self) -> Result<Arc<dyn Snapshot>, StoreError> {
        self.current.read().clone().ok_or(StoreError::Closed)
    }

    /// See [`super::Store::snapshot_at`]. `now` was read before: a commit that begins only after `under_way` was
    /// looked at is stamped later than `now`.
    pub(super) fn snapshot_at(
        &self,
        now: TxnTime,
    ) -> Result<(Arc<dyn Snapshot>, TxnTime), StoreError> {
        let under_way = self.under_way.load(Ordering::SeqCst);
        let snapshot = self.snapshot()?;
        let seen = snapshot.time();
        let mut time = now.max(seen);
        if under_way > seen.0 {
            time = time.min(TxnTime(under_way - 1)).max(seen);
        }
        Ok((snapshot, time))
    }

    pub(super) fn subscribe(&self) -> CommitFeed {
        self.publisher.subscribe()
    }

    /// How many batches were made durable since the store was opened.
    pub(super) fn batches(&self) -> u64 {
        self.batches.load(Ordering::Relaxed)
    }

    pub(super) fn commit(&self, commit: Commit) -> Result<TxnTime, StoreError> {
        if commit.writes.is_empty() && commit.clears.is_empty() {
            return Ok(commit.snapshot);
        }
        let bytes = check_writes(&commit.writes)?;
        let ticket = Arc::new(Ticket::default());
        {
            let mut queue = self.queue.lock();
            if queue.closed {
                return Err(StoreError::Closed);
            }
            if !queue.led {
                queue.led = true;
                ticket.set(Turn::Lead);
            }
            queue
                .waiting
                .push_back((Submission { commit, bytes }, ticket.clone()));
        }
        loop {
            match ticket.wait() {
                Turn::Wait => {}
                Turn::Lead => self.lead(),
                Turn::Done(result) => return result,
            }
        }
    }

    /// Commits one batch, which begins with the caller's own commit, and hands the lead on.
    fn lead(&self) {
        let (submissions, tickets) = self.queue.lock().take_batch();
        let outcome = catch_unwind(AssertUnwindSafe(|| self.commit_batch(submissions)));
        self.under_way.store(i64::MAX, Ordering::SeqCst);
        let (results, committed) = outcome.unwrap_or_else(|_| {
            let failure = StoreError::Io("the storage engine failed".to_owned());
            (vec![Err(failure); tickets.len()], Vec::new())
        });
        for (ticket, result) in tickets.iter().zip(results) {
            ticket.set(Turn::Done(result));
        }
        if !committed.is_empty() {
            self.publisher.publish(&committed);
        }
        let mut queue = self.queue.lock();
        match queue.waiting.front() {
            Some((_, next)) => next.set(Turn::Lead),
            None => queue.led = false,
        }
    }

    fn commit_batch(
        &self,
        batch: Vec<Submission>,
    ) -> (Vec<Result<TxnTime, StoreError>>, Vec<Committed>) {
        let mut committer = self.committer.lock();
        let committer = &mut *committer;
        let Some(engine) = &mut committer.engine else {
            return (
                batch.iter().map(|_| Err(StoreError::Closed)).collect(),
                Vec::new(),
            );
        };
        let before = committer.last;
        // Announced before the clock is read: who reads meanwhile either sees this or has an earlier time.
        let earliest = self.clock.now_micros().max(before.0.saturating_add(1));
        self.under_way.store(earliest, Ordering::SeqCst);
        let mut prepared = Vec::with_capacity(batch.len());
        let mut results = Vec::with_capacity(batch.len());
        for Submission { commit, .. } in batch {
            if let Err(contended) = committer.recent.validate(&commit) {
                results.push(Err(contended));
                continue;
            }
            let Some(next) = committer.last.0.checked_add(1) else {
                results.push(Err(StoreError::Io("there are no times left".to_owned())));
                continue;
            };
            // One past the clock: a reader whose time is this very microsecond does not see this commit.
            let now = self.clock.now_micros().saturating_add(1);
            let time = TxnTime(now.max(next).max(earliest));
            committer.last = time;
            let commit = prepare(commit, time);
            committer
                .recent
                .record(time, commit.keys.clone(), commit.clears.clone());
            prepared.push(commit);
            results.push(Ok(time));
        }
        if prepared.is_empty() {
            return (results, Vec::new());
        }
        let applied = catch_unwind(AssertUnwindSafe(|| engine.apply(&prepared)))
            .unwrap_or_else(|_| Err(StoreError::Io("the storage engine failed".to_owned())));
        match applied {
            Ok(snapshot) => {
                committer.recent.trim();
                *self.current.write() = Some(snapshot);
                self.batches.fetch_add(1, Ordering::Relaxed);
                let committed = prepared.into_iter().map(Prepared::announce).collect();
                (results, committed)
            }
            Err(failure) => {
                committer.recent.forget_after(before);
                // The disk may hold the batch all the same (the sync failed late): then what was
                // read before it can no longer be validated.
                if let Ok(Ok(snapshot)) = catch_unwind(AssertUnwindSafe(|| engine.recover())) {
                    let time = snapshot.time();
                    if time > before {
                        committer.recent.restart(time);
                        self.publisher.publish_gap();
                    }
                    *self.current.write() = Some(snapshot);
                }
                let results = results
                    .into_iter()
                    .map(|result| result.and_then(|_| Err(failure.clone())))
                    .collect();
                (results, Vec::new())
            }
        }
    }

    /// Closes the engine, after the commits that are under way. Later calls answer
    /// [`StoreError::Closed`].
    pub(super) fn close(&self) {
        self.queue.lock().closed = true;
        let engine = {
            let mut committer = self.committer.lock();
            committer.engine.take()
        };
        *self.current.write() = None;
        drop(engine);
        self.publisher.close();
    }
}

impl Queue {
    fn take_batch(&mut self) -> (Vec<Submission>, Vec<Arc<Ticket>>) {
        let mut bytes = 0usize;
        let mut batch = (Vec::new(), Vec::new());
        while batch.0.len() < BATCH_COMMITS && bytes < BATCH_BYTES {
            let Some((submission, ticket)) = self.waiting.pop_front() else {
                break;
            };
            bytes = bytes.saturating_add(submission.bytes);
            batch.0.push(submission);
            batch.1.push(ticket);
        }
        batch
    }
}

impl Prepared {
    fn announce(self) -> Committed {
        Committed {
            time: self.time,
            keys: self.keys,
            clears: self.clears,
        }
    }
}

/// Checks that every stamp lies inside its bytes, and counts the bytes.
fn check_writes(writes: &[Write]) -> Result<usize, StoreError> {
    let mut bytes = 0usize;
    for write in writes {
        let value = write.value.as_ref().map_or(0, Vec::len);
        bytes = bytes.saturating_add(write.key.len()).saturating_add(value);
        for stamp in &write.stamps {
            let room = match stamp.place {
                StampPlace::Key => write.key.len(),
                StampPlace::Value => value,
            };
            let end = (stamp.offset as usize).checked_add(STAMP_BYTES);
            if end.is_none_or(|end| end > room) {
                return Err(StoreError::Io(
                    "a stamp lies outside of its bytes".to_owned(),
                ));
            }
        }
    }
    Ok(bytes)
}

/// Stamps the writes, and brings them in order, the last to a key only.
fn prepare(commit: Commit, time: TxnTime) -> Prepared {
    let mut writes = commit.writes;
    for write in &mut writes {
        stamp(write, time);
    }
    if !writes.is_sorted_by(|a, b| (a.table, &a.key) < (b.table, &b.key)) {
        writes.sort_by(|a, b| (a.table, &a.key).cmp(&(b.table, &b.key)));
        // Of equal keys the last stays: `dedup_by` drops its first argument, the later one.
        writes.dedup_by(|later, earlier| {
            let same = later.table == earlier.table && later.key == earlier.key;
            if same {
                std::mem::swap(later, earlier);
            }
            same
        });
    }
    let mut keys = Vec::with_capacity(writes.len());
    let mut values = Vec::with_capacity(writes.len());
    for write in writes {
        keys.push((write.table, Bytes::from(write.key)));
        values.push(write.value);
    }
    let clears = commit
        .clears
        .into_iter()
        .map(|(table, start, end)| (table, start.into(), end.into()))
        .collect();
    Prepared {
        time,
        clears: Arc::new(clears),
        keys: Arc::new(keys),
        values,
    }
}

fn stamp(write: &mut Write, time: TxnTime) {
    for stamp in &write.stamps {
        let sortable = (time.0 as u64) ^ (1 << 63);
        let bits = if stamp.inverted { !sortable } else { sortable };
        let bytes = match stamp.place {
            StampPlace::Key => Some(&mut write.key),
            StampPlace::Value => write.value.as_mut(),
        };
        let start = stamp.offset as usize;
        if let Some(room) = bytes.and_then(|bytes| bytes.get_mut(start..start + STAMP_BYTES)) {
            room.copy_from_slice(&bits.to_be_bytes());
        }
    }
}
