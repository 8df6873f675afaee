//! Where queries run: threads of their own, so that a long query or a commit waiting for the disk never holds up a
//! connection.
//!
//! The threads are many more than the cores, because most of the waiting is for the disk and commits that wait
//! together are made durable together. What exceeds them queues; what exceeds the queue is refused. A request
//! whose client has gone, or that waited beyond its deadline, is not begun, and if it runs it is told to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Semaphore;

/// Queries that run or wait for the disk at once.
pub const THREADS: usize = 96;
/// Queries that may wait for a thread.
const QUEUE: usize = 16 * 1024;

/// The threads.
pub struct Pool {
    places: Arc<Semaphore>,
}

/// Why a piece of work has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Too much is waiting already.
    Full,
    /// It panicked: a defect of ours.
    Panicked,
}

impl Default for Pool {
    fn default() -> Pool {
        Pool {
            places: Arc::new(Semaphore::new(THREADS + QUEUE)),
        }
    }
}

impl Pool {
    /// Runs `work` on a thread. Dropping the future sets the flag that the work was given.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(Arc<AtomicBool>) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let Ok(place) = self.places.clone().try_acquire_owned() else {
            return Err(Refusal::Full);
        };
        let cancel = Arc::new(AtomicBool::new(false));
        let guard = CancelOnDrop(cancel.clone());
        let result = tokio::task::spawn_blocking(move || {
            let _place = place;
            work(cancel)
        })
        .await;
        drop(guard);
        result.map_err(|_| Refusal::Panicked)
    }
}

struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
