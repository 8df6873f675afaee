//! The commit feed: who subscribed hears of every commit, in order.
//!
//! A subscriber has a bounded queue. One that does not keep up loses its queue and finds a
//! [`FeedEvent::Lagged`] in its place: it must read the state anew. So a slow subscriber costs
//! neither a commit's time nor unbounded memory.

use super::Committed;
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// How many commits wait for a subscriber before it is told that it lags.
const QUEUED_COMMITS: usize = 1024;
/// How many keys these may hold together.
const QUEUED_KEYS: usize = 64 * 1024;

/// What a subscriber hears.
#[derive(Clone, Debug)]
pub enum FeedEvent {
    /// The next commit.
    Commit(Committed),
    /// Commits were dropped because the subscriber was too slow; what follows is newer.
    Lagged,
}

/// A receiver of commits. Dropping it unsubscribes.
pub struct CommitFeed {
    queue: Arc<Queue>,
}

impl CommitFeed {
    /// The next event; waits for it. `None`: the store is closed, and nothing is left.
    pub fn next_event(&self) -> Option<FeedEvent> {
        self.wait(None)
    }

    /// The next event, if it comes in time. `None`: it did not, or the store is closed.
    pub fn next_within(&self, patience: Duration) -> Option<FeedEvent> {
        self.wait(Instant::now().checked_add(patience))
    }

    /// The next event, if there is one already.
    pub fn try_next(&self) -> Option<FeedEvent> {
        self.queue.state.lock().take()
    }

    /// Whether the store is closed. Events that came before may still be waiting.
    pub fn is_closed(&self) -> bool {
        self.queue.state.lock().closed
    }

    /// Calls `wake` after every event and when the store closes, from the committing thread: for
    /// subscribers that must not block (an async server). It must return at once.
    pub fn set_waker(&self, wake: impl Fn() + Send + Sync + 'static) {
        self.queue.state.lock().waker = Some(Arc::new(wake));
    }

    fn wait(&self, deadline: Option<Instant>) -> Option<FeedEvent> {
        let mut state = self.queue.state.lock();
        loop {
            if let Some(event) = state.take() {
                return Some(event);
            }
            if state.closed {
                return None;
            }
            match deadline {
                None => self.queue.filled.wait(&mut state),
                Some(deadline) => {
                    if self
                        .queue
                        .filled
                        .wait_until(&mut state, deadline)
                        .timed_out()
                    {
                        return state.take();
                    }
                }
            }
        }
    }
}

/// The sending side of all feeds of a store.
#[derive(Default)]
pub(super) struct Publisher {
    subscribers: Mutex<Subscribers>,
}

#[derive(Default)]
struct Subscribers {
    queues: Vec<Weak<Queue>>,
    closed: bool,
}

impl Publisher {
    pub(super) fn subscribe(&self) -> CommitFeed {
        let queue = Arc::new(Queue::default());
        let mut subscribers = self.subscribers.lock();
        queue.state.lock().closed = subscribers.closed;
        subscribers.queues.push(Arc::downgrade(&queue));
        CommitFeed { queue }
    }

    pub(super) fn publish(&self, commits: &[Committed]) {
        self.for_each(|state| {
            for commit in commits {
                state.push(commit);
            }
        });
    }

    /// Tells every subscriber that it may have missed something.
    pub(super) fn publish_gap(&self) {
        self.for_each(QueueState::lag);
    }

    pub(super) fn close(&self) {
        self.subscribers.lock().closed = true;
        self.for_each(|state| state.closed = true);
    }

    fn for_each(&self, tell: impl Fn(&mut QueueState)) {
        self.subscribers
            .lock()
            .queues
            .retain(|queue| match queue.upgrade() {
                Some(queue) => {
                    let waker = {
                        let mut state = queue.state.lock();
                        tell(&mut state);
                        state.waker.clone()
                    };
                    queue.filled.notify_all();
                    if let Some(wake) = waker {
                        wake();
                    }
                    true
                }
                None => false,
            });
    }
}

#[derive(Default)]
struct Queue {
    state: Mutex<QueueState>,
    filled: Condvar,
}

#[derive(Default)]
struct QueueState {
    commits: VecDeque<Committed>,
    keys: usize,
    lagged: bool,
    closed: bool,
    waker: Option<Arc<dyn Fn() + Send + Sync>>,
}

impl QueueState {
    fn push(&mut self, commit: &Committed) {
        let full = self.commits.len() >= QUEUED_COMMITS
            || self.keys.saturating_add(commit.keys.len()) > QUEUED_KEYS;
        if full && !self.commits.is_empty() {
            self.lag();
        }
        self.keys = self.keys.saturating_add(commit.keys.len());
        self.commits.push_back(commit.clone());
    }

    fn lag(&mut self) {
        self.commits.clear();
        self.keys = 0;
        self.lagged = true;
    }

    fn take(&mut self) -> Option<FeedEvent> {
        if self.lagged {
            self.lagged = false;
            return Some(FeedEvent::Lagged);
        }
        let commit = self.commits.pop_front()?;
        self.keys = self.keys.saturating_sub(commit.keys.len());
        Some(FeedEvent::Commit(commit))
    }
}
