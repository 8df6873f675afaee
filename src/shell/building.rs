//! The progress of indexes that a statement has left to be built in the background.
//!
//! Only a person at a terminal sees it. The bar goes when the last index is built, at Ctrl-C, or as soon as the person
//! types on: what was typed is left to the line editor. The building itself never stops for any of that.

use super::{Shell, Stop};
use crate::engine::{BuildState, IndexBuild, Outcome};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// What takes no longer than this shows no bar.
const SHORT: Duration = Duration::from_millis(300);
/// How often the bar is drawn anew.
const GLANCE: Duration = Duration::from_millis(100);

/// Shows the progress of what a query has begun to build.
pub(super) fn show(shell: &mut Shell, outcome: &Outcome) -> Result<(), Stop> {
    let person = shell.interactive && shell.loading.is_empty() && !shell.quiet;
    let wrote = outcome.result.is_ok() && outcome.stats.write_ops > 0;
    if !person || !wrote || !std::io::stderr().is_terminal() {
        return Ok(());
    }
    let path = shell.place.session().path().to_vec();
    let mut watch = shell.place.session().watch_builds();
    // What was not waited for once is not shown again.
    let mut is_new = |build: &IndexBuild| shell.builds.insert((path.clone(), build.id));
    // A watch that fails has nothing to show; the query was answered.
    let Ok(builds) = watch.look() else {
        return Ok(());
    };
    let new: Vec<u64> = builds
        .iter()
        .filter(|build| is_new(build))
        .map(|build| build.id)
        .collect();
    if new.is_empty() {
        return Ok(());
    }
    let cancel = shell.interrupt.fresh();
    let keys = keys::Keys::listen();
    let started = Instant::now();
    let mut bar: Option<ProgressBar> = None;
    let ended = loop {
        let Ok(mut builds) = watch.look() else {
            break None;
        };
        builds.retain(|build| new.contains(&build.id));
        // They are built one after the other, in the order of their ids.
        let building = |build: &&IndexBuild| build.state == BuildState::Building;
        let Some(current) = builds.iter().find(building) else {
            break Some(builds);
        };
        if started.elapsed() >= SHORT {
            let bar = bar.get_or_insert_with(ProgressBar::no_length);
            draw(bar, current, &builds, started.elapsed());
        }
        if keys.typed(GLANCE) || cancel.load(Ordering::SeqCst) {
            break None;
        }
    };
    drop(keys);
    shell.interrupt.done();
    let Some(bar) = bar else {
        return Ok(());
    };
    bar.finish_and_clear();
    match ended {
        None => shell
            .output
            .note("the building goes on in the background")?,
        Some(builds) => {
            for build in &builds {
                let name = &build.name;
                match build.state {
                    BuildState::Complete => shell.output.note(&format!("{name} is built"))?,
                    BuildState::Failed => shell.output.failure(&format!(
                        "{name} could not be built: a document cannot be indexed"
                    ))?,
                    BuildState::Building | BuildState::Gone => {}
                }
            }
        }
    }
    Ok(())
}

fn draw(bar: &ProgressBar, current: &IndexBuild, builds: &[IndexBuild], running: Duration) {
    let ended = |build: &&IndexBuild| build.state != BuildState::Building;
    let mut message = format!("building {}", current.name);
    if builds.len() > 1 {
        let at = builds.iter().filter(ended).count() + 1;
        message.push_str(&format!(" ({at} of {})", builds.len()));
    }
    bar.set_message(message);
    // One bar for all of them.
    let done: u64 = builds.iter().map(|build| build.done).sum();
    let total: Option<u64> = builds.iter().map(|build| build.total).sum();
    bar.set_length(total.unwrap_or_default().max(1));
    let rate = done as f64 / running.as_secs_f64().max(0.001);
    let narrow = console::Term::stderr().size().1 < 70;
    let template = match total {
        None => "{msg} {pos}",
        Some(_) if narrow => "{msg} {percent}%",
        Some(total) => {
            // Nothing is known of the rate before the first documents.
            if done > 0 {
                let left = total.saturating_sub(done) as f64 / rate;
                bar.set_prefix(format!("  {rate:.0}/s  {:.0} s left", left.ceil()));
            }
            "{msg} {wide_bar} {pos}/{len}{prefix}"
        }
    };
    let style = ProgressStyle::with_template(template);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_position(done);
    bar.tick();
}

/// Whether somebody types, without taking away what was typed.
#[cfg(unix)]
mod keys {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
    use std::os::fd::AsFd;
    use std::time::Duration;

    /// The terminal, while keys are heard one by one and not shown.
    pub(super) struct Keys {
        before: Option<Termios>,
    }

    impl Keys {
        /// Listens; where that is not possible, only whole lines are heard.
        pub(super) fn listen() -> Keys {
            let input = std::io::stdin();
            let before = tcgetattr(&input).ok();
            if let Some(before) = &before {
                let mut single = before.clone();
                single
                    .local_flags
                    .remove(LocalFlags::ICANON | LocalFlags::ECHO);
                let _ = tcsetattr(&input, SetArg::TCSANOW, &single);
            }
            Keys { before }
        }

        /// Waits so long for a key.
        pub(super) fn typed(&self, wait: Duration) -> bool {
            let input = std::io::stdin();
            let mut watched = [PollFd::new(input.as_fd(), PollFlags::POLLIN)];
            let wait = PollTimeout::try_from(wait).unwrap_or(PollTimeout::ZERO);
            // An interruption is Ctrl-C, which is looked for elsewhere.
            matches!(poll(&mut watched, wait), Ok(1..))
        }
    }

    impl Drop for Keys {
        fn drop(&mut self) {
            if let Some(before) = &self.before {
                let _ = tcsetattr(std::io::stdin(), SetArg::TCSANOW, before);
            }
        }
    }
}

/// Keys are not heard here; Ctrl-C is.
#[cfg(not(unix))]
mod keys {
    use std::time::Duration;

    pub(super) struct Keys;

    impl Keys {
        pub(super) fn listen() -> Keys {
            Keys
        }

        pub(super) fn typed(&self, wait: Duration) -> bool {
            std::thread::sleep(wait);
            false
        }
    }
}
