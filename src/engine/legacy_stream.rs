//! Streams of FQL v4: what happens to a document or to a set, as it happens (`spec http-api 9.5`).
//!
//! A query says what to follow. From then on each commit that touches it is told, as one line of JSON for each event;
//! nothing is replayed. A [`LegacyStream`] never blocks: a front waits for its waker, asks [`LegacyStream::is_due`] and
//! calls [`LegacyStream::lines`] where blocking is allowed. The authority it was opened with is looked at each time.

use super::authority::Authority;
use super::legacy::{LegacyFailure, LegacyRequest};
use super::{QueryError, Session};
use crate::access::{Action as Right, Principal};
use crate::fql::interp::{Effect, Failure, Interp, Options, Resource};
use crate::fql::syntax::Source;
use crate::fql4::error::{Error, Result, Stop};
use crate::fql4::eval::{Evaluator, Limit};
use crate::fql4::expression::Env as Variables;
use crate::fql4::place::Place;
use crate::fql4::sets::history::document_events;
use crate::fql4::sets::rights::{may_read, may_read_history};
use crate::fql4::sets::{Set, shape};
use crate::fql4::stored::{from_stored, to_stored};
use crate::fql4::value::{Action, Object, Ref, Value};
use crate::fql4::version::ApiVersion;
use crate::fql4::{kind, read, refs, render};
use crate::model::{Txn, VersionEvent, document_touched, documents_changed, native};
use crate::store::{CommitFeed, Committed, FeedEvent, TxnTime};
use crate::value::{Env, Value as Stored};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Commits that wait for a slow client before the stream ends.
const MAX_WAITING: usize = 16_384;

/// A field of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamField {
    /// What was done.
    Action,
    /// To which document.
    Document,
    /// What it changed.
    Diff,
    /// What the document was before.
    Prev,
    /// The entry of an index.
    Index,
}

impl StreamField {
    /// What events show unless asked otherwise.
    pub const DEFAULTS: [StreamField; 2] = [StreamField::Action, StreamField::Document];

    /// The field of that name.
    pub fn of(name: &str) -> Option<StreamField> {
        Some(match name {
            "action" => StreamField::Action,
            "document" => StreamField::Document,
            "diff" => StreamField::Diff,
            "prev" => StreamField::Prev,
            "index" => StreamField::Index,
            _ => return None,
        })
    }
}

/// What a stream follows.
#[derive(Clone, Debug)]
enum Subject {
    Document(Ref),
    /// All documents of a collection.
    Collection(Ref),
    Entries {
        index: Ref,
        terms: Vec<Value>,
    },
}

/// What is followed, by a session that goes on.
pub struct LegacyStream {
    session: Session,
    authority: Authority,
    version: ApiVersion,
    fields: Vec<StreamField>,
    subject: Subject,
    feed: CommitFeed,
    due: VecDeque<Committed>,
    /// Of a document: its versions so far, so that a rewritten history shows.
    known: BTreeMap<TxnTime, bool>,
    start: Option<TxnTime>,
    overrun: bool,
    ended: bool,
}

impl Session {
    /// Follows what a query yields.
    pub fn stream_legacy(
        &self,
        request: &LegacyRequest,
        fields: &[StreamField],
    ) -> std::result::Result<LegacyStream, LegacyFailure> {
        if let Some(remote) = self.remote() {
            return match remote.engine_here() {
                Some(engine) => self.on_engine(engine).stream_legacy(request, fields),
                None => Err(LegacyFailure::Request(QueryError {
                    status: 400,
                    code: "feature not available",
                    message: "Streams of FQL v4 need the database in this process.".into(),
                    constraint_failures: Vec::new(),
                    abort: None,
                    protocol: true,
                })),
            };
        }
        // First the feed, then the snapshot: so nothing falls between.
        let feed = self.engine().model.store().subscribe();
        let failed = |failure: Failure| LegacyFailure::Request(super::session::error_of(failure));
        let (txn, principal) = self.begin().map_err(failed)?;
        let expression =
            read::query(&request.query, request.version).map_err(LegacyFailure::Errors)?;
        let start = txn.time();
        let mut interp = self.stream_interp(txn, principal);
        let principal = interp.principal.clone();
        let authority = Authority::of(&mut interp.txn, &principal).map_err(failed)?;
        let limit = Limit {
            effect: Effect::Read,
            reason: "stream requests",
        };
        let cache = self.engine().legacy.clone();
        let mut me = Evaluator::new(&mut interp, cache, request.version, limit);
        let found = me
            .evaluate(&expression, &Variables::default())
            .and_then(|value| subject(&value))
            .and_then(|subject| Ok((known(&mut me, &subject)?, subject)));
        let (known, subject) = found.map_err(|stop| match stop {
            Stop::Errors(errors) => LegacyFailure::Errors(errors),
            Stop::Failure(failure) => failed(failure),
        })?;
        Ok(LegacyStream {
            session: self.clone(),
            authority,
            version: request.version,
            fields: fields.to_vec(),
            subject,
            feed,
            due: VecDeque::new(),
            known,
            start: Some(start),
            overrun: false,
            ended: false,
        })
    }

    fn stream_interp(&self, txn: Txn, principal: Principal) -> Interp {
        Interp::new(
            txn,
            self.engine().library.clone(),
            Arc::new(principal),
            Source::new("*stream*", ""),
            Env::default(),
            Options::default(),
        )
    }
}

/// What a value means as the subject of a stream.
fn subject(value: &Value) -> Result<Subject> {
    let is_user = |reference: &Ref| !native::is_native(reference.coll);
    match value {
        Value::Ref(reference) if is_user(reference) => Ok(Subject::Document(*reference)),
        Value::Document(document) if is_user(&document.reference) => {
            Ok(Subject::Document(document.reference))
        }
        Value::Set(set) => match &**set {
            Set::Match { index, terms } => Ok(Subject::Entries {
                index: *index,
                terms: terms.clone(),
            }),
            Set::Documents(collection)
                if refs::coll_of(*collection).is_some_and(|coll| !native::is_native(coll)) =>
            {
                Ok(Subject::Collection(*collection))
            }
            _ => refused(value),
        },
        Value::Unresolved(name) => Err(crate::fql4::eval::undefined(name, &Place::ROOT).into()),
        other => refused(other),
    }
}

fn refused(value: &Value) -> Result<Subject> {
    let kind = kind::of(value);
    let message = format!("Expected a Document Ref or Version, or a Set Ref, got {kind}.");
    Err(Error::argument(&Place::ROOT, message).into())
}

/// The versions of a document that is followed.
fn known(me: &mut Evaluator, subject: &Subject) -> Result<BTreeMap<TxnTime, bool>> {
    let Subject::Document(document) = subject else {
        return Ok(BTreeMap::new());
    };
    Ok(times(&versions(me, *document)?))
}

fn versions(me: &mut Evaluator, document: Ref) -> Result<Vec<VersionEvent>> {
    let read = |txn: &mut Txn| txn.versions(document.coll, document.id);
    Ok(me.interp.txn.with_scope(document.scope, read)??)
}

/// When there are versions, and whether they are live ones.
fn times(versions: &[VersionEvent]) -> BTreeMap<TxnTime, bool> {
    let times = versions.iter();
    times
        .filter_map(|event| Some((event.ts?, event.version.is_some())))
        .collect()
}

impl LegacyStream {
    /// Calls `wake` whenever something may be due. It must return at once.
    pub fn set_waker(&self, wake: impl Fn() + Send + Sync + 'static) {
        self.feed.set_waker(wake);
    }

    /// Whether [`LegacyStream::lines`] has something to do. Cheap: looks at no document.
    pub fn is_due(&mut self) -> bool {
        while let Some(event) = self.feed.try_next() {
            match event {
                FeedEvent::Lagged => self.overrun = true,
                FeedEvent::Commit(commit) if self.concerns(&commit) => {
                    match self.due.len() < MAX_WAITING {
                        true => self.due.push_back(commit),
                        false => self.overrun = true,
                    }
                }
                FeedEvent::Commit(_) => {}
            }
        }
        !self.ended && (!self.due.is_empty() || self.start.is_some() || self.overrun)
    }

    /// Whether there will be no more: an error was told, or the database is closed.
    pub fn has_ended(&self) -> bool {
        self.ended || self.feed.is_closed()
    }

    fn concerns(&self, commit: &Committed) -> bool {
        match &self.subject {
            Subject::Document(document) => {
                document_touched(commit, document.scope, document.coll, document.id)
            }
            Subject::Collection(collection) => match refs::coll_of(*collection) {
                Some(coll) => !documents_changed(commit, collection.scope, coll).is_empty(),
                None => false,
            },
            Subject::Entries { index, .. } => {
                crate::model::index_touched(commit, index.scope, index.id)
            }
        }
    }

    /// The lines that are due, in order, without their ends. Reads documents and evaluates predicates.
    pub fn lines(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(start) = self.start.take() {
            lines.push(line("start", start, &start.0.to_string()));
        }
        while !self.ended && self.is_due() {
            if self.overrun {
                let message = format!(
                    "Stream closed due to congestion after accumulating {MAX_WAITING} items."
                );
                lines.push(self.end(TxnTime(0), "time out", &message));
                break;
            }
            let Some(commit) = self.due.pop_front() else {
                break;
            };
            if let Err(last) = self.tell(&commit, &mut lines) {
                lines.push(last);
            }
        }
        lines
    }

    /// The last line of a stream.
    fn end(&mut self, time: TxnTime, code: &str, description: &str) -> String {
        self.ended = true;
        let event = serde_json::json!({ "code": code, "description": description });
        line("error", time, &event.to_string())
    }

    /// Tells what a commit did; `Err` is the last line.
    fn tell(
        &mut self,
        commit: &Committed,
        lines: &mut Vec<String>,
    ) -> std::result::Result<(), String> {
        let Ok((txn, principal)) = self.authority.renew(self.session.engine()) else {
            let message = "Authorization lost during stream evaluation.";
            return Err(self.end(commit.time, "permission denied", message));
        };
        let mut interp = self.session.stream_interp(txn, principal);
        let limit = Limit {
            effect: Effect::Read,
            reason: "stream requests",
        };
        let cache = self.session.engine().legacy.clone();
        let mut me = Evaluator::new(&mut interp, cache, self.version, limit);
        let told = match self.subject.clone() {
            Subject::Document(document) => self.of_document(&mut me, document, commit),
            Subject::Collection(collection) => self.of_collection(&mut me, collection, commit),
            Subject::Entries { index, terms } => self.of_index(&mut me, index, &terms, commit),
        };
        match told {
            Ok(told) => {
                for (kind, event) in told {
                    let text = render::render(&mut me, &Value::object(event));
                    if let Ok(text) = text {
                        lines.push(line(kind, commit.time, &text));
                    }
                }
                Ok(())
            }
            Err(Stop::Errors(errors)) => {
                let message = errors.first().map_or("", |error| &error.description);
                Err(self.end(commit.time, "internal server error", message))
            }
            Err(Stop::Failure(failure)) => {
                let message = failure.message().to_string();
                Err(self.end(commit.time, "internal server error", &message))
            }
        }
    }

    fn shows(&self, field: StreamField) -> bool {
        self.fields.contains(&field)
    }

    fn of_document(
        &mut self,
        me: &mut Evaluator,
        document: Ref,
        commit: &Committed,
    ) -> Result<Vec<(&'static str, Object)>> {
        let versions = versions(me, document)?;
        let now = times(&versions);
        let before = std::mem::replace(&mut self.known, now);
        let mut told = Vec::new();
        let is_rewrite = !self.known.contains_key(&commit.time);
        for at in 0..versions.len() {
            let Some(ts) = versions.get(at).and_then(|event| event.ts) else {
                continue;
            };
            let is_new = match is_rewrite {
                false => ts == commit.time,
                true => before.get(&ts) != self.known.get(&ts),
            };
            if !is_new {
                continue;
            }
            let may = match is_rewrite {
                false => may_read(me, document)?,
                true => may_read_history(me, document)?,
            };
            if may {
                let kind = if is_rewrite {
                    "history_rewrite"
                } else {
                    "version"
                };
                told.push((kind, self.version_event(document, &versions, at)));
            }
        }
        if is_rewrite {
            let gone = before.iter().filter(|(ts, _)| !self.known.contains_key(ts));
            // What age has removed is no news.
            let oldest = self.known.keys().next().copied();
            let gone: Vec<_> = gone
                .filter(|(ts, _)| oldest.is_none_or(|oldest| **ts > oldest))
                .map(|(ts, live)| (*ts, *live))
                .collect();
            for (ts, live) in gone {
                if !may_read_history(me, document)? {
                    continue;
                }
                let mut event = Object::new();
                let action = if live { Action::Create } else { Action::Delete };
                self.add(&mut event, StreamField::Action, || Value::Action(action));
                self.add(&mut event, StreamField::Document, || identity(document, ts));
                told.push(("history_rewrite", event));
            }
        }
        Ok(told)
    }

    /// The event of one version among others.
    fn version_event(&self, document: Ref, versions: &[VersionEvent], at: usize) -> Object {
        let version = versions.get(at);
        let before = at.checked_sub(1).and_then(|at| versions.get(at));
        let ts = version.and_then(|event| event.ts).unwrap_or_default();
        let data = |event: Option<&VersionEvent>| {
            let mut fields = Object::new();
            if let Some(version) = event.and_then(|event| event.version.as_ref()) {
                let data = version.object();
                if !data.is_empty() {
                    let data = from_stored(document.scope, &Stored::Object(data));
                    fields.insert("data", data);
                }
                if let Some(ttl) = version.ttl {
                    fields.insert("ttl", Value::Time(ttl));
                }
            }
            fields
        };
        let with = |mut object: Object, ts: TxnTime, fields: Object| {
            object.insert("ref", Value::Ref(document));
            object.insert("ts", Value::Long(ts.0));
            for (key, value) in fields.iter() {
                object.insert(key.clone(), value.clone());
            }
            Value::object(object)
        };
        let lives = |event: Option<&VersionEvent>| event.is_some_and(|e| e.version.is_some());
        let action = match (lives(before), lives(version)) {
            (_, false) => Action::Delete,
            (false, true) => Action::Create,
            (true, true) => Action::Update,
        };
        let mut event = Object::new();
        self.add(&mut event, StreamField::Action, || Value::Action(action));
        self.add(&mut event, StreamField::Document, || {
            let shown = if action == Action::Delete {
                before
            } else {
                version
            };
            with(Object::new(), ts, data(shown))
        });
        self.add(&mut event, StreamField::Diff, || {
            let mut fields = Object::new();
            if action != Action::Delete {
                let two = before.into_iter().chain(version).cloned().collect();
                if let Some((_, _, change)) = document_events(document, two).pop()
                    && !matches!(change, Value::Null)
                {
                    fields.insert("data", change);
                }
                let ttl = |event: Option<&VersionEvent>| {
                    event.and_then(|e| e.version.as_ref()).and_then(|v| v.ttl)
                };
                if ttl(before) != ttl(version) {
                    let ttl = ttl(version).map_or(Value::Null, Value::Time);
                    fields.insert("ttl", ttl);
                }
            }
            with(Object::new(), ts, fields)
        });
        self.add(&mut event, StreamField::Prev, || match lives(before) {
            true => {
                let ts = before.and_then(|event| event.ts).unwrap_or(ts);
                with(Object::new(), ts, data(before))
            }
            false => with(Object::new(), ts, Object::new()),
        });
        event
    }

    fn add(&self, event: &mut Object, field: StreamField, value: impl FnOnce() -> Value) {
        let name = match field {
            StreamField::Action => "action",
            StreamField::Document => "document",
            StreamField::Diff => "diff",
            StreamField::Prev => "prev",
            StreamField::Index => "index",
        };
        if self.shows(field) {
            event.insert(name, value());
        }
    }

    fn of_collection(
        &mut self,
        me: &mut Evaluator,
        collection: Ref,
        commit: &Committed,
    ) -> Result<Vec<(&'static str, Object)>> {
        let Some(coll) = refs::coll_of(collection) else {
            return Ok(Vec::new());
        };
        let scope = collection.scope;
        let unrestricted = me.interp.allowed_legacy(
            Right::UnrestrictedRead,
            Resource::Collection(coll),
            Stored::NULL,
        )?;
        let mut told = Vec::new();
        for id in documents_changed(commit, scope, coll) {
            let document = Ref { scope, coll, id };
            let versions = versions(me, document)?;
            let Some(at) = versions.iter().position(|v| v.ts == Some(commit.time)) else {
                continue;
            };
            let lives = |at: Option<usize>| {
                at.and_then(|at| versions.get(at))
                    .is_some_and(|event| event.version.is_some())
            };
            let action = match (lives(at.checked_sub(1)), lives(Some(at))) {
                (false, true) => Action::Add,
                (true, false) => Action::Remove,
                (true, true) | (false, false) => continue,
            };
            if unrestricted || may_read(me, document)? {
                let mut index = Object::new();
                index.insert("terms", Value::array(vec![Value::Ref(collection)]));
                index.insert("values", Value::array(Vec::new()));
                told.push(("set", self.set_event(action, document, commit.time, index)));
            }
        }
        Ok(told)
    }

    fn of_index(
        &mut self,
        me: &mut Evaluator,
        reference: Ref,
        terms: &[Value],
        commit: &Committed,
    ) -> Result<Vec<(&'static str, Object)>> {
        let scope = reference.scope;
        let Some(index) = shape::index(me, reference)? else {
            return Ok(Vec::new());
        };
        let stored: Option<Vec<Stored>> = terms.iter().map(|term| to_stored(scope, term)).collect();
        let Some(stored) = stored else {
            return Ok(Vec::new());
        };
        let resource = Resource::Index(reference.id);
        let may = |me: &mut Evaluator, right| {
            let terms = Stored::array(stored.clone());
            me.interp.allowed_legacy(right, resource, terms)
        };
        let unrestricted = may(me, Right::UnrestrictedRead)?;
        if !unrestricted && !may(me, Right::Read)? {
            return Ok(Vec::new());
        }
        let read = |txn: &mut Txn| txn.legacy_changes(&index, &stored, commit);
        let changes = me.interp.txn.with_scope(scope, read)??;
        let mut told = Vec::new();
        for change in changes {
            let document = Ref {
                scope,
                coll: change.coll,
                id: change.doc,
            };
            if !unrestricted && !may_read(me, document)? {
                continue;
            }
            let values = change.values.iter().map(|value| from_stored(scope, value));
            let mut entry = Object::new();
            entry.insert("ref", Value::Ref(reference));
            entry.insert("terms", Value::array(terms.to_vec()));
            entry.insert("values", Value::array(values.collect()));
            let action = match change.added {
                true => Action::Add,
                false => Action::Remove,
            };
            told.push(("set", self.set_event(action, document, commit.time, entry)));
        }
        Ok(told)
    }

    fn set_event(&self, action: Action, document: Ref, ts: TxnTime, index: Object) -> Object {
        let mut event = Object::new();
        self.add(&mut event, StreamField::Action, || Value::Action(action));
        self.add(&mut event, StreamField::Document, || identity(document, ts));
        self.add(&mut event, StreamField::Index, || Value::object(index));
        event
    }
}

/// A document as events show it that know no more.
fn identity(document: Ref, ts: TxnTime) -> Value {
    let mut object = Object::new();
    object.insert("ref", Value::Ref(document));
    object.insert("ts", Value::Long(ts.0));
    Value::object(object)
}

fn line(kind: &str, time: TxnTime, event: &str) -> String {
    format!(
        "{{\"type\":\"{kind}\",\"txn\":{},\"event\":{event}}}",
        time.0
    )
}
