//! Ctrl-C while a query runs: stops the query, which then has no effect, and nothing else.
//!
//! The line editor handles Ctrl-C itself while a line is typed; scripts without a person keep the system's way, which
//! ends the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The flag that running queries watch.
#[derive(Clone, Debug, Default)]
pub(super) struct Interrupt {
    cancel: Arc<AtomicBool>,
    running: Arc<AtomicBool>,
}

impl Interrupt {
    /// Listens to Ctrl-C from now on. Where the system does not allow that, Ctrl-C keeps its usual effect.
    pub(super) fn listen(&self) {
        let Interrupt { cancel, running } = self.clone();
        let heard = ctrlc::set_handler(move || {
            if running.load(Ordering::SeqCst) {
                cancel.store(true, Ordering::SeqCst);
            }
        });
        if heard.is_err() {
            eprintln!("fql: Ctrl-C ends the shell here: the signal cannot be handled");
        }
    }

    /// The flag for a query that starts now.
    pub(super) fn fresh(&self) -> Arc<AtomicBool> {
        self.cancel.store(false, Ordering::SeqCst);
        self.running.store(true, Ordering::SeqCst);
        self.cancel.clone()
    }

    /// The query has ended.
    pub(super) fn done(&self) {
        self.running.store(false, Ordering::SeqCst);
    }
}
