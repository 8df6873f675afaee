//! An event source that is being followed, here or on a server.
//!
//! Nothing in it blocks: a front waits for the waker, asks [`Subscription::is_due`] and takes
//! [`Subscription::events`] where blocking is allowed.

use super::Session;
use super::events::{EventError, Followed, Start, StreamEvent};
use super::remote_events::RemoteEvents;

/// An event source that is being followed.
pub struct Subscription(Place);

enum Place {
    /// In this process.
    Here(Box<Followed>),
    /// By a server, which sends what happens.
    Elsewhere(RemoteEvents),
}

impl Session {
    /// Follows a source.
    pub fn subscribe(&self, token: &str, start: Start) -> Result<Subscription, EventError> {
        let place = match self.remote() {
            None => Place::Here(Box::new(self.follow(token, start)?)),
            Some(remote) => match remote.engine_here() {
                Some(engine) => Place::Here(Box::new(self.on_engine(engine).follow(token, start)?)),
                None => Place::Elsewhere(remote.follow(self, token, start)?),
            },
        };
        Ok(Subscription(place))
    }
}

impl Subscription {
    /// Calls `wake` whenever something may be due. It must return at once.
    pub fn set_waker(&self, wake: impl Fn() + Send + Sync + 'static) {
        match &self.0 {
            Place::Here(followed) => followed.set_waker(wake),
            Place::Elsewhere(events) => events.set_waker(wake),
        }
    }

    /// Whether [`Subscription::events`] has something to do. Cheap: looks at no document.
    pub fn is_due(&mut self) -> bool {
        match &mut self.0 {
            Place::Here(followed) => followed.is_due(),
            Place::Elsewhere(events) => events.is_due(),
        }
    }

    /// Whether there will be no more events: an error was told, or the database is closed.
    pub fn has_ended(&self) -> bool {
        match &self.0 {
            Place::Here(followed) => followed.has_ended(),
            Place::Elsewhere(events) => events.has_ended(),
        }
    }

    /// The events that are due, in order. Reads documents and evaluates the source's functions.
    pub fn events(&mut self) -> Vec<StreamEvent> {
        match &mut self.0 {
            Place::Here(followed) => followed.events(),
            Place::Elsewhere(events) => events.take(),
        }
    }

    /// Tells where the follower stands; for when nothing happened for a while. Ends if the authority is gone.
    pub fn status(&mut self) -> StreamEvent {
        match &mut self.0 {
            Place::Here(followed) => followed.status(),
            Place::Elsewhere(events) => events.status(),
        }
    }
}
