//! The tree-walking evaluator (`spec fql10-language 4, 5`).
//!
//! An [`Interp`] runs one query in one transaction. It reads a snapshot through the transaction's overlay
//! of its own writes, pushes a frame for every call, index, field read, operator and projection (they are
//! the stack trace), keeps a ceiling on effects, and counts what it does. It knows nothing of fronts.
//!
//! - `eval`: one function per form of expression
//! - `chain`: fields, methods, calls, `?.` and `!`
//! - `call`: calling functions of every kind; arity, conversion, effects
//! - `ops`: operators
//! - `library`: the function table that `stdlib` fills

mod call;
mod chain;
mod covered;
mod decode;
mod documents;
mod eval;
mod failure;
mod functions;
mod legacy;
mod library;
mod materialize;
mod memory;
mod ops;
mod permissions;
mod set;
mod text;
mod writes;

pub use call::{Arity, wrong_arity};
pub use documents::{Missing, RESERVED};
pub use failure::{
    ConstraintFailure, Failure, FailureKind, ProtocolFailure, QueryFailure, Result, path_text,
};
pub use legacy::{Asked, LegacyLanguage, PredicateArguments};
pub use library::{
    Effect, Entry, Global, GlobalKind, Library, Member, MemberKind, Overload, ParamKind, Parameter,
    Shape,
};
pub use materialize::resolve_time;
pub use permissions::Resource;
pub use set::{
    Event, EventBounds, EventCost, EventKind, EventPosition, Events, Page, ReadPlan,
    is_event_source_token, reversed,
};
pub use writes::{
    Change, LegacyRefusal, PendingBackfill, PendingWrites, Renamed, SchemaChecker, WriteMode,
    WrittenSchema,
};

use crate::access::Principal;
use crate::access::secret::Secret;
use crate::fql::syntax::{Diagnostic, Location, Source, Span};
use crate::model::{Txn, Version};
use crate::store::TxnTime;
use crate::value::{CollId, Doc, DocId, Env, NullReason, Str, Value};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// A lambda or function body that starts under more frames fails.
pub const MAX_FRAMES: usize = 2048;
/// Elements that may be materialised at once from a set.
pub const MAX_ELEMENTS: usize = 16_000;
/// Elements of a page unless asked otherwise.
pub const DEFAULT_PAGE: u32 = 16;
/// UTF-16 units of a string.
pub const MAX_STRING: usize = 16 * 1024 * 1024;

/// How a query is to be run.
#[derive(Clone, Default)]
pub struct Options {
    /// Report performance hints in the summary.
    pub performance_hints: bool,
    /// Fail with `time_out` after this instant.
    pub deadline: Option<Instant>,
    /// Set by another thread to stop the query.
    pub cancel: Option<Arc<AtomicBool>>,
    /// Compute operations (fifty calls each) a query may use.
    pub compute_limit: Option<u64>,
}

/// The greatest effect allowed, and what forbids more.
#[derive(Clone, Copy, Debug)]
pub struct Ceiling {
    /// Allowed up to here.
    pub effect: Effect,
    /// `set functions`, `computed fields` ...
    pub reason: &'static str,
}

/// A secret, and the value it shows in.
type NewSecret = (Secret, Option<Arc<Doc>>);

/// The rights that were in force before others.
#[must_use]
pub struct Acting {
    principal: Arc<Principal>,
    rights: u64,
}

/// One query under evaluation.
pub struct Interp {
    /// The transaction.
    pub txn: Txn,
    /// The function table.
    pub library: Arc<Library>,
    /// Whose rights apply now.
    pub principal: Arc<Principal>,
    rights: u64,
    /// How often other rights have been in force.
    rights_given: u64,
    /// Whose query it is, whatever role a function runs with.
    pub caller: Arc<Principal>,
    /// How to run.
    pub options: Options,
    /// Summary entries so far: `log`, `dbg`, performance hints.
    pub log: Vec<Diagnostic>,
    /// The read time in force (`at`), `None` for now.
    pub at: Option<TxnTime>,
    /// The time at which everything is read that has no read time of its own: that of a cursor or event.
    pub as_of: Option<TxnTime>,
    /// What may be done here.
    pub ceiling: Ceiling,
    /// What the writes so far leave for the end of the query.
    pub pending: PendingWrites,
    /// Checks the types of a schema that was written.
    pub schema_checker: Option<Arc<dyn SchemaChecker>>,
    /// Secrets made by this query, each with the value that its creation yielded: only that very value shows the
    /// secret, and it is readable without a privilege.
    secrets: HashMap<(CollId, DocId), NewSecret>,
    /// Documents as a write that is being authorized would leave them, each with the value that shows it.
    prospective: Vec<(Arc<Doc>, Arc<Version>)>,
    frames: Vec<Location>,
    source: Arc<Source>,
    arguments: Env,
    this: Str,
    calls: u64,
    /// Parts of the result completed so far.
    parts: u64,
    /// Sets whose pages are being completed.
    open_sets: Vec<Arc<crate::value::Set>>,
    large: memory::LargeValues,
}

impl Interp {
    /// An evaluator for a text in a transaction. `arguments` are visible everywhere as variables.
    pub fn new(
        txn: Txn,
        library: Arc<Library>,
        principal: Arc<Principal>,
        source: Arc<Source>,
        arguments: Env,
        options: Options,
    ) -> Interp {
        Interp {
            txn,
            library,
            caller: principal.clone(),
            principal,
            rights: 0,
            rights_given: 0,
            options,
            log: Vec::new(),
            at: None,
            as_of: None,
            ceiling: Ceiling {
                effect: Effect::Write,
                reason: "",
            },
            pending: PendingWrites::default(),
            schema_checker: None,
            secrets: HashMap::new(),
            prospective: Vec::new(),
            frames: Vec::with_capacity(32),
            source,
            arguments,
            this: "$this".into(),
            calls: 0,
            parts: 0,
            open_sets: Vec::new(),
            large: memory::LargeValues::default(),
        }
    }

    /// A place in the text being evaluated.
    pub fn location(&self, span: Span) -> Location {
        Location::new(&self.source, span)
    }

    /// The innermost frame: the call that a native function runs for.
    pub fn frame(&self) -> Option<&Location> {
        self.frames.last()
    }

    /// The frames, outermost first.
    pub fn frames(&self) -> &[Location] {
        &self.frames
    }

    /// A null that arose here.
    pub fn null(&self, reason: NullReason) -> Value {
        Value::null(reason, self.frame().cloned())
    }

    /// The failure with the current stack as its trace, unless it has one.
    pub fn raise(&self, mut failure: Failure) -> Failure {
        if let Some(query) = failure.query_mut()
            && query.trace.is_none()
        {
            query.trace = Some(self.frames.iter().rev().cloned().collect());
        }
        failure
    }

    /// Runs `f` under a frame at `span`.
    pub fn framed<T>(&mut self, span: Span, f: impl FnOnce(&mut Interp) -> Result<T>) -> Result<T> {
        self.frames.push(Location::new(&self.source, span));
        let result = f(self).map_err(|failure| self.raise(failure));
        self.frames.pop();
        result
    }

    /// Runs `f` under additional frames, outermost first: those under which a set step was made.
    pub fn under<T>(
        &mut self,
        frames: &[Location],
        f: impl FnOnce(&mut Interp) -> Result<T>,
    ) -> Result<T> {
        let depth = self.frames.len();
        self.frames.extend_from_slice(frames);
        let result = f(self).map_err(|failure| self.raise(failure));
        self.frames.truncate(depth);
        result
    }

    /// Runs `f` under a lower (or replaced) ceiling.
    pub fn limited<T, E>(
        &mut self,
        ceiling: Ceiling,
        f: impl FnOnce(&mut Interp) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let before = std::mem::replace(&mut self.ceiling, ceiling);
        let result = f(self);
        self.ceiling = before;
        result
    }

    /// Runs `f` reading at `at`.
    pub fn reading_at<T, E>(
        &mut self,
        at: Option<TxnTime>,
        f: impl FnOnce(&mut Interp) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let before = std::mem::replace(&mut self.at, at);
        let result = f(self);
        self.at = before;
        result
    }

    /// Runs `f` with other rights (functions with a role).
    pub fn acting_as<T, E>(
        &mut self,
        principal: Arc<Principal>,
        f: impl FnOnce(&mut Interp) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let acting = self.begin_acting(principal);
        let result = f(self);
        self.end_acting(acting);
        result
    }

    /// Puts other rights in force until [`Interp::end_acting`] is given what this gives.
    pub fn begin_acting(&mut self, principal: Arc<Principal>) -> Acting {
        let principal = std::mem::replace(&mut self.principal, principal);
        self.rights_given += 1;
        let rights = std::mem::replace(&mut self.rights, self.rights_given);
        Acting { principal, rights }
    }

    /// Puts the rights from before back in force.
    pub fn end_acting(&mut self, before: Acting) {
        self.principal = before.principal;
        self.rights = before.rights;
    }

    /// A number for the rights in force: what was read under one may be hidden under another.
    pub(super) fn rights(&self) -> u64 {
        self.rights
    }

    /// Runs `f` in another text: the body of a stored function, predicate or computed field.
    pub fn in_source<T>(
        &mut self,
        source: &Arc<Source>,
        f: impl FnOnce(&mut Interp) -> Result<T>,
    ) -> Result<T> {
        if Arc::ptr_eq(source, &self.source) {
            return f(self);
        }
        let before = std::mem::replace(&mut self.source, source.clone());
        let result = f(self);
        self.source = before;
        result
    }

    /// Fails with `invalid_effect` if `effect` is above the ceiling. `action` is `` `create` ``, `Reading a field` ...
    pub fn require(&self, effect: Effect, action: impl FnOnce() -> String) -> Result<()> {
        if effect <= self.ceiling.effect {
            return Ok(());
        }
        let performs = match effect {
            Effect::Pure => return Ok(()),
            Effect::Observation => "an observation",
            Effect::Read => "a read",
            Effect::Write => "a write",
        };
        let message = format!(
            "{} performs {performs}, which is not allowed in {}.",
            action(),
            self.ceiling.reason
        );
        Err(Failure::new("invalid_effect", message))
    }

    /// Counts `n` units of work; fails when the query is cancelled, too slow or too large.
    pub fn charge(&mut self, n: u64) -> Result<()> {
        let before = self.calls;
        self.calls = before.saturating_add(n);
        // The clock is looked at once in a while.
        if before >> 10 == self.calls >> 10 && n < 1024 {
            return Ok(());
        }
        if let Some(limit) = self.options.compute_limit
            && self.calls.div_ceil(50) > limit
        {
            let message = format!(
                "Transaction does too much compute: got {}, limit: {limit}",
                self.calls.div_ceil(50)
            );
            return Err(Failure::protocol(400, "invalid_request", message));
        }
        self.check_interrupted()
    }

    /// Before `n` steps of work that are no calls: they count for nothing, but a query too slow ends.
    pub fn work(&mut self, n: u64) -> Result<()> {
        match n {
            0..64 => Ok(()),
            _ => self.check_interrupted(),
        }
    }

    /// Fails when the query is cancelled or too slow.
    pub fn check_interrupted(&self) -> Result<()> {
        if self
            .options
            .cancel
            .as_ref()
            .is_some_and(|c| c.load(Ordering::Relaxed))
        {
            return Err(Failure::protocol(
                499,
                "cancelled",
                "The query was cancelled.",
            ));
        }
        if self.options.deadline.is_some_and(|d| Instant::now() >= d) {
            return Err(Failure::protocol(440, "time_out", "Query timed out."));
        }
        Ok(())
    }

    /// Counts on from the calls of an earlier run.
    pub fn carry_on(&mut self, calls: u64) {
        self.calls = calls;
    }

    /// Calls and operations so far.
    pub fn calls(&self) -> u64 {
        self.calls
    }
}
