//! `:watch`: the events of an event source as they happen, until Ctrl-C.

use super::{Shell, Stop, commands};
use crate::engine::{EventError, Start, StreamEvent, Subscription};
use crate::value::Str;
use crate::value::rendered::Rendered;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

/// How often Ctrl-C is looked for.
const GLANCE: Duration = Duration::from_millis(100);
/// Whether the authority is still good is looked at when nothing happened for so many glances.
const QUIET_GLANCES: u32 = 600;

/// Follows the event source that an expression yields; a set is followed by its own.
pub(super) fn run(shell: &mut Shell, expression: &str) -> Result<(), Stop> {
    if expression.is_empty() {
        return commands::fail(
            shell,
            "`:watch` needs an event source or a set: `:watch Order.all()`",
        );
    }
    commands::needs_v10(shell, "watch")?;
    let token = match commands::evaluate(shell, expression)? {
        Rendered::EventSource(token) => token,
        Rendered::Page(_) => {
            match commands::evaluate(shell, &format!("({expression}).eventSource()"))? {
                Rendered::EventSource(token) => token,
                _ => return commands::fail(shell, "this set has no event source"),
            }
        }
        _ => {
            return commands::fail(
                shell,
                "`:watch` needs an event source or a set: `Order.all()`, `Order.all().eventsOn(.status)`",
            );
        }
    };
    let subscription = match shell.place.session().subscribe(&token, Start::Source) {
        Ok(subscription) => subscription,
        Err(error) => return commands::fail(shell, &reason(error)),
    };
    // From here on Ctrl-C is heard: whoever reads the note may press it at once.
    let cancel = shell.interrupt.fresh();
    if !shell.quiet {
        shell.output.note("watching; Ctrl-C ends it")?;
    }
    let paging = std::mem::replace(&mut shell.output.paging, false);
    let followed = follow(shell, subscription, &cancel);
    shell.interrupt.done();
    shell.output.paging = paging;
    followed
}

fn reason(error: EventError) -> String {
    match error {
        EventError::InvalidSource => "this is no event source".to_string(),
        EventError::TooEarly => "the event source starts later".to_string(),
        EventError::Evaluation(message) => {
            format!("the event source cannot be followed: {message}")
        }
        EventError::Query(error) => error.message,
    }
}

fn follow(
    shell: &mut Shell,
    mut subscription: Subscription,
    cancel: &AtomicBool,
) -> Result<(), Stop> {
    let (wake, woken) = mpsc::channel();
    subscription.set_waker(move || {
        // Nobody waits any more when the shell has left.
        let _ = wake.send(());
    });
    let mut quiet = 0;
    while !cancel.load(Ordering::SeqCst) {
        let mut told = Vec::new();
        if subscription.is_due() {
            told = subscription.events();
            quiet = 0;
        } else if woken.recv_timeout(GLANCE).is_err() {
            quiet += 1;
            if quiet == QUIET_GLANCES {
                told.push(subscription.status());
                quiet = 0;
            }
        }
        for event in told {
            tell(shell, event)?;
        }
        if subscription.has_ended() {
            return commands::fail(shell, "the event source has ended");
        }
    }
    Ok(())
}

/// Prints an event with the names that streams give its parts.
fn tell(shell: &mut Shell, event: StreamEvent) -> Result<(), Stop> {
    match event {
        StreamEvent::Status { .. } => Ok(()),
        StreamEvent::Change { event, .. } => {
            let fields: Vec<(Str, Rendered)> = vec![
                ("type".into(), Rendered::String(event.kind.name().into())),
                ("txn_ts".into(), Rendered::Time(event.position.ts.into())),
                ("data".into(), event.data),
            ];
            Ok(shell.output.value(&Rendered::Object(fields))?)
        }
        StreamEvent::Error { error, .. } => commands::fail(shell, &error.message),
    }
}
