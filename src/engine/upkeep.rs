//! Upkeep in the background: building indexes of large collections, purging what its age has outdated.
//!
//! One thread an engine works in bounded batches through ordinary commits, so that an interruption at any moment
//! loses nothing; it sleeps while there is nothing to do and ends with the engine.

use super::Engine;
use crate::model::Model;
use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// How long to rest when there was nothing to do.
const REST: Duration = Duration::from_secs(1);

/// Wakes the upkeep thread. Dropped with its engine, it waits for the batch under way, so that the file is free as soon as
/// the engine is gone.
#[derive(Default)]
pub(crate) struct Upkeep {
    wanted: Arc<(Mutex<Wanted>, Condvar)>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the thread is to do.
#[derive(Default)]
struct Wanted {
    /// Look at once.
    work: bool,
    /// End.
    end: bool,
}

impl Upkeep {
    /// Work may have come up: look at once.
    pub fn wake(&self) {
        self.wanted.0.lock().work = true;
        self.wanted.1.notify_one();
    }

    /// Starts the thread.
    pub fn start(engine: &Arc<Engine>) {
        let model = engine.model.clone();
        let wanted = engine.upkeep.wanted.clone();
        // Without a thread there is no upkeep: queries answer all the same.
        let thread = std::thread::Builder::new()
            .name("fql-upkeep".into())
            .spawn(move || run(&model, &wanted));
        *engine.upkeep.thread.lock() = thread.ok();
    }
}

impl Drop for Upkeep {
    fn drop(&mut self) {
        self.wanted.0.lock().end = true;
        self.wanted.1.notify_one();
        if let Some(thread) = self.thread.lock().take() {
            // A thread that panicked has ended too.
            let _ = thread.join();
        }
    }
}

fn run(model: &Arc<Model>, wanted: &(Mutex<Wanted>, Condvar)) {
    let mut busy = false;
    loop {
        let mut now = wanted.0.lock();
        if !busy && !now.work && !now.end {
            wanted.1.wait_for(&mut now, REST);
        }
        if now.end {
            return;
        }
        now.work = false;
        drop(now);
        // A failing disk shows at the queries; upkeep tries again later.
        busy = model.maintain().is_ok_and(|progress| progress.busy);
    }
}
