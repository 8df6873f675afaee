//! Upkeep in the background: building indexes of large collections, purging what its age has outdated.
//!
//! One thread an engine works in bounded batches through ordinary commits, so that an interruption at any moment
//! loses nothing; it sleeps while there is nothing to do and ends with the engine.

use super::Engine;
use parking_lot::{Condvar, Mutex};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// How long to rest when there was nothing to do.
const REST: Duration = Duration::from_secs(1);

/// Wakes the upkeep thread.
#[derive(Default)]
pub(crate) struct Upkeep {
    wanted: Arc<(Mutex<bool>, Condvar)>,
}

impl Upkeep {
    /// Work may have come up: look at once.
    pub fn wake(&self) {
        *self.wanted.0.lock() = true;
        self.wanted.1.notify_one();
    }

    /// Starts the thread; it holds the engine only while it works.
    pub fn start(engine: &Arc<Engine>) {
        let weak = Arc::downgrade(engine);
        let wanted = engine.upkeep.wanted.clone();
        // Without a thread there is no upkeep: queries answer all the same.
        let _ = std::thread::Builder::new()
            .name("fql-upkeep".into())
            .spawn(move || run(&weak, &wanted));
    }
}

impl Drop for Upkeep {
    fn drop(&mut self) {
        self.wake();
    }
}

fn run(engine: &Weak<Engine>, wanted: &(Mutex<bool>, Condvar)) {
    let mut busy = false;
    loop {
        if !busy {
            let mut flag = wanted.0.lock();
            if !*flag {
                wanted.1.wait_for(&mut flag, REST);
            }
            *flag = false;
        }
        let Some(engine) = engine.upgrade() else {
            return;
        };
        // A failing disk shows at the queries; upkeep tries again later.
        busy = engine.model.maintain().is_ok_and(|progress| progress.busy);
    }
}
