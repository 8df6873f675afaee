//! Sessions on another process: a server by URL, or whoever holds the file, through the socket beside it.
//!
//! ```text
//! Session::query ─▶ Remote ─▶ HTTP /query/1, tagged ─▶ Outcome
//! ```
//!
//! A remote session answers queries as a local one does, follows events by `/stream/1`, and completes by `/environment/1`.
//! How a set is read and how far indexes are built, a server of our own tells (`server/inspect.rs`). When the process that holds the file is gone, the next query takes the file over and runs here. A
//! query that was sent and not answered is never sent again: whether it took effect is unknown, and said so.

use super::builds::IndexBuild;
use super::elsewhere::{Elsewhere, elsewhere};
use super::events::{EventError, Start};
use super::file::DatabaseFile;
use super::remote_call::{self, RemoteCall};
use super::remote_events::{self, RemoteEvents};
use super::remote_http::{Answer, Connection, Exchange, Unsent};
use super::remote_value::outcome_of;
use super::schema_files::{SchemaAnswer, SchemaRefusal, SchemaRequest};
use super::session::Credential;
use super::whoami::{CredentialKind, Whoami};
use super::{Argument, Engine, OpenError, Outcome, QueryError, Request, Session, Stats};
use crate::access::jwks::KeySetFile;
use crate::store::{StoreError, TxnTime};
use crate::value::Str;
use parking_lot::Mutex;
use serde_json::{Map, Value as Json, json};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

/// Names a file with a key set, `URI=FILE`, to the holder of a database file: it counts for that request.
pub(crate) const KEY_SET_HEADER: &str = "x-fql-key-set";
/// What stands for a value in the text of a query.
const PLACEHOLDER: &str = "\0value>";
/// How long a file may be between holders.
const HANDOVER: Duration = Duration::from_secs(5);

/// How long names and types of another process are taken for true.
const ENVIRONMENT_LASTS: Duration = Duration::from_secs(10);

/// Told when this process has taken a file over, to share it in its turn.
type TakenOver = Box<dyn Fn(&Arc<Engine>, &Path) + Send + Sync>;

/// Where the queries of a remote session go.
pub struct Remote {
    connection: Connection,
    /// The file that the other process holds, if it is one of this machine's.
    file: Option<SharedFile>,
    /// What may be named there, as far as it was asked.
    known: Mutex<Option<Known>>,
    /// The newest schema version that an answer told.
    schema_version: AtomicI64,
    /// It does not know what is asked about indexes being built.
    silent_on_builds: AtomicBool,
}

/// What came of a request.
pub(super) enum Asked {
    /// It was answered.
    Answered(Answer),
    /// The file was taken over: the request can be run here.
    Here(Arc<Engine>),
    /// It was not answered: code and message.
    Failed(&'static str, String),
}

/// An environment, and what it holds for.
struct Known {
    /// The session's headers: place and authority.
    of: Vec<(&'static str, String)>,
    schema_version: i64,
    asked: Instant,
    elsewhere: Option<Arc<Elsewhere>>,
}

struct SharedFile {
    file: DatabaseFile,
    /// The engine, once this process holds the file.
    here: Mutex<Option<Arc<Engine>>>,
    taken_over: TakenOver,
}

/// The socket beside a file, where its holder listens.
pub fn socket_path(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_os_string();
    name.push(".sock");
    PathBuf::from(name)
}

impl Session {
    /// A session on a server: `http://host:8443`.
    pub fn connect(url: &str, secret: &str) -> Result<Session, String> {
        let remote = Remote {
            connection: Connection::to_url(url)?,
            file: None,
            known: Mutex::default(),
            schema_version: AtomicI64::default(),
            silent_on_builds: AtomicBool::default(),
        };
        let stand_in = Engine::memory().map_err(|error| error.to_string())?;
        let session = stand_in.with_secret(secret);
        Ok(session.on(Arc::new(remote)))
    }

    /// A session of the owner on a file that another process holds.
    pub fn beside(
        file: DatabaseFile,
        taken_over: impl Fn(&Arc<Engine>, &Path) + Send + Sync + 'static,
    ) -> Result<Session, OpenError> {
        let remote = Remote {
            connection: Connection::to_socket(socket_path(&file.path)),
            file: Some(SharedFile {
                file,
                here: Mutex::new(None),
                taken_over: Box::new(taken_over),
            }),
            known: Mutex::default(),
            schema_version: AtomicI64::default(),
            silent_on_builds: AtomicBool::default(),
        };
        Ok(Engine::memory()?.root().on(Arc::new(remote)))
    }

    /// The same place with another secret.
    pub fn with_secret(&self, secret: &str) -> Session {
        let session = self.engine().with_secret(secret);
        match self.remote() {
            Some(remote) => session.on(remote.clone()),
            None => session,
        }
    }
}

impl Remote {
    /// The engine, if the file was taken over.
    pub(super) fn engine_here(&self) -> Option<Arc<Engine>> {
        self.file.as_ref()?.here.lock().clone()
    }

    /// Runs a query there, or here if the file was free to take.
    pub(super) fn query(&self, session: &Session, request: &Request) -> Outcome {
        let started = Instant::now();
        let asked = self.ask(
            session,
            &Exchange {
                method: "POST",
                path: "/query/1",
                headers: &headers_of(session, request),
                body: &body_of(request),
                cancel: request.cancel.as_deref(),
            },
        );
        let mut outcome = match asked {
            Asked::Answered(answer) => outcome_of(answer.status, &answer.body),
            Asked::Here(engine) => return session.on_engine(engine).query(request),
            Asked::Failed(code, message) => failed(code, message),
        };
        outcome.stats.query_time = started.elapsed();
        self.schema_version
            .store(outcome.schema_version, Ordering::Relaxed);
        outcome
    }

    /// Asks until there is an answer, or the file was free to take.
    pub(super) fn ask(&self, session: &Session, exchange: &Exchange<'_>) -> Asked {
        let started = Instant::now();
        loop {
            match self.connection.post(exchange) {
                Ok(answer) => return Asked::Answered(answer),
                Err(Unsent::Lost(message)) => {
                    let message = format!(
                        "the connection was lost while the query ran ({message}): whether it took effect is unknown"
                    );
                    return Asked::Failed("network_error", message);
                }
                Err(Unsent::Cancelled) => {
                    return Asked::Failed("cancelled", "The query was cancelled.".into());
                }
                Err(Unsent::NotSent(message)) => match &self.file {
                    None => return Asked::Failed("network_error", message),
                    Some(file) => match file.take_over(&session.engine().key_set_files()) {
                        Ok(engine) => return Asked::Here(engine),
                        // Held by somebody who does not listen yet, or is just leaving.
                        Err(OpenError::Store(StoreError::InUse(_)))
                            if started.elapsed() < HANDOVER =>
                        {
                            std::thread::sleep(Duration::from_millis(30));
                        }
                        Err(error) => return Asked::Failed("network_error", error.to_string()),
                    },
                },
            }
        }
    }

    /// Asks about schema files there, or here if the file was free to take.
    pub(super) fn schema(
        &self,
        session: &Session,
        request: &SchemaRequest,
    ) -> Result<SchemaAnswer, SchemaRefusal> {
        let call = RemoteCall::of(request);
        let mut headers = headers_of(session, &Request::default());
        headers.extend(call.content_type.map(|kind| ("content-type", kind)));
        let asked = self.ask(
            session,
            &Exchange {
                method: call.method,
                path: &call.path,
                headers: &headers,
                body: &call.body,
                cancel: None,
            },
        );
        match asked {
            Asked::Answered(answer) => remote_call::told(answer.status, &answer.body),
            Asked::Here(engine) => session.on_engine(engine).schema(request),
            Asked::Failed(_, message) => Err(SchemaRefusal::Failed(500, message)),
        }
    }

    /// The type of a query that is not run: that of a function which would run it.
    pub(super) fn type_of(&self, session: &Session, request: &Request) -> Outcome {
        const HEAD: &str = "() => ";
        let request = Request {
            text: format!("{HEAD}{{ {}\n}}", request.text),
            typecheck: Some(true),
            ..request.clone()
        };
        let mut outcome = session.query(&request);
        if let Ok(value) = &mut outcome.result {
            *value = crate::value::rendered::Rendered::Null;
        }
        let of_function = outcome.static_type.as_deref();
        let ty = of_function.map(|ty| ty.strip_prefix(HEAD).unwrap_or(ty).to_string());
        outcome.static_type = ty;
        outcome
    }

    /// How a set would be read there, if that is a server of this kind.
    pub(super) fn explain(&self, session: &Session, request: &Request) -> Outcome {
        let answer = self.connection.post(&Exchange {
            method: "POST",
            path: "/fql/explain",
            headers: &headers_of(session, request),
            body: &body_of(request),
            cancel: request.cancel.as_deref(),
        });
        match answer {
            Ok(answer) if answer.status == 404 => failed(
                "disabled_feature",
                "this server does not tell how a set is read; `:info on` shows its performance hints",
            ),
            Ok(answer) => outcome_of(answer.status, &answer.body),
            Err(Unsent::NotSent(message)) => {
                let file = self.file.as_ref();
                match file.map(|file| file.take_over(&session.engine().key_set_files())) {
                    Some(Ok(engine)) => session.on_engine(engine).explain(request),
                    Some(Err(error)) => failed("network_error", error.to_string()),
                    None => failed("network_error", message),
                }
            }
            Err(Unsent::Lost(message)) => failed("network_error", message),
            Err(Unsent::Cancelled) => failed("cancelled", "The query was cancelled."),
        }
    }

    /// The indexes being built there, through a watch that the other process keeps; none if it tells nothing of them.
    pub(super) fn builds(&self, session: &Session, watch: u64) -> Vec<IndexBuild> {
        if self.silent_on_builds.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let answer = self.connection.post(&Exchange {
            method: "POST",
            path: "/fql/builds",
            headers: &headers_of(session, &Request::default()),
            body: &format!("{watch:016x}"),
            cancel: None,
        });
        match answer {
            Ok(answer) if answer.status == 200 => serde_json::from_slice::<Vec<Json>>(&answer.body)
                .unwrap_or_default()
                .iter()
                .filter_map(IndexBuild::of_json)
                .collect(),
            Ok(answer) => {
                let unknown = answer.status == 404;
                self.silent_on_builds.fetch_or(unknown, Ordering::Relaxed);
                Vec::new()
            }
            Err(Unsent::NotSent(_) | Unsent::Lost(_) | Unsent::Cancelled) => Vec::new(),
        }
    }

    /// What a session may name there; `None` if that cannot be told.
    pub(super) fn elsewhere(&self, session: &Session) -> Option<Arc<Elsewhere>> {
        let headers = headers_of(session, &Request::default());
        let schema_version = self.schema_version.load(Ordering::Relaxed);
        if let Some(known) = &*self.known.lock()
            && known.of == headers
            && known.schema_version == schema_version
            && known.asked.elapsed() < ENVIRONMENT_LASTS
        {
            return known.elsewhere.clone();
        }
        let answer = self.connection.post(&Exchange {
            method: "POST",
            path: "/environment/1",
            headers: &headers,
            body: "",
            cancel: None,
        });
        let answer = answer.ok().filter(|answer| answer.status == 200);
        let found = answer.and_then(|answer| {
            let json = serde_json::from_slice(&answer.body).ok()?;
            elsewhere(&json, session.engine().library())
        });
        let found = found.map(Arc::new);
        *self.known.lock() = Some(Known {
            of: headers,
            schema_version,
            asked: Instant::now(),
            elsewhere: found.clone(),
        });
        found
    }

    /// Follows an event source there.
    pub(super) fn follow(
        &self,
        session: &Session,
        token: &str,
        start: Start,
    ) -> Result<RemoteEvents, EventError> {
        let headers = headers_of(session, &Request::default());
        let body = remote_events::request(token, start);
        RemoteEvents::open(|given_up| {
            let exchange = Exchange {
                method: "POST",
                path: "/stream/1",
                headers: &headers,
                body: &body,
                cancel: None,
            };
            self.connection
                .stream(&exchange, given_up)
                .map_err(|unsent| match unsent {
                    Unsent::NotSent(message) | Unsent::Lost(message) => message,
                    Unsent::Cancelled => "given up".to_string(),
                })
        })
    }

    /// Who a session is there: what it says of itself, if it opens anything.
    pub(super) fn whoami(&self, session: &Session) -> Result<Whoami, QueryError> {
        let request = Request {
            text: "null".into(),
            typecheck: Some(false),
            ..Request::default()
        };
        session.query(&request).result?;
        let (credential, role) = match session.credential() {
            Credential::Root => (CredentialKind::Root, Some("admin")),
            Credential::Secret(_) => (CredentialKind::Elsewhere, None),
        };
        let role = session.role().or(role);
        Ok(Whoami {
            path: session.path().to_vec(),
            home: Vec::new(),
            credential,
            roles: role.into_iter().map(Str::from).collect(),
            identity: None,
        })
    }
}

impl SharedFile {
    /// The engine of the file, which nobody holds; with the key sets of this process.
    fn take_over(&self, key_sets: &[KeySetFile]) -> Result<Arc<Engine>, OpenError> {
        let mut here = self.here.lock();
        if let Some(engine) = &*here {
            return Ok(engine.clone());
        }
        let engine = self.file.open()?;
        if let Err(error) = engine.pin_key_set_files(key_sets) {
            tracing::warn!(%error, "the file was taken over without its key sets");
        }
        (self.taken_over)(&engine, &self.file.path);
        *here = Some(engine.clone());
        Ok(engine)
    }
}

/// Headers of a request: authority, place, options.
pub(super) fn headers_of(session: &Session, request: &Request) -> Vec<(&'static str, String)> {
    let mut headers = vec![("x-format", "tagged".to_string())];
    let path = session.path().join("/");
    match session.credential() {
        Credential::Root => {
            // Only the socket takes these, and only from the file's owner.
            headers.push(("x-fql-database", path));
            headers.push(("x-fql-role", session.role().unwrap_or("admin").to_string()));
        }
        Credential::Secret(secret) => {
            let mut bearer = format!("Bearer {secret}");
            if !path.is_empty() {
                let _ = write!(bearer, ":{path}");
            }
            if !path.is_empty() || session.role().is_some() {
                let _ = write!(bearer, ":{}", session.role().unwrap_or("admin"));
            }
            headers.push(("authorization", bearer));
            // The holder of a file believes its owner's key sets, for this request; a server by URL does not look.
            if session.remote().is_some_and(|remote| remote.file.is_some()) {
                let files = session.engine().key_set_files();
                headers.extend(files.iter().map(|file| (KEY_SET_HEADER, file.to_string())));
            }
        }
    }
    if let Some(typecheck) = request.typecheck {
        headers.push(("x-typecheck", typecheck.to_string()));
    }
    if request.performance_hints {
        headers.push(("x-performance-hints", "true".into()));
    }
    if let Some(timeout) = request.timeout {
        let ms = timeout.as_millis().clamp(1, 600_000);
        headers.push(("x-query-timeout-ms", ms.to_string()));
    }
    if let Some(retries) = request.max_contention_retries {
        headers.push(("x-max-contention-retries", retries.min(7).to_string()));
    }
    headers
}

/// The request as the protocol has it: text and values as one template.
fn body_of(request: &Request) -> String {
    let mut arguments = Map::new();
    let mut pieces: Vec<Json> = Vec::new();
    for (name, argument) in &request.arguments {
        match argument {
            Argument::Tagged(json) => {
                arguments.insert(name.clone(), json.clone());
            }
            Argument::Simple(json) => {
                arguments.insert(name.clone(), tagged(json));
            }
            // The protocol has no such arguments: it is bound in front, on the query's first line.
            Argument::Fql(text) => pieces.push(format!("let {name} = ({text});").into()),
        }
    }
    let mut values = request.values.iter();
    for (i, piece) in request.text.split(PLACEHOLDER).enumerate() {
        if i > 0 {
            let value = values.next().cloned().unwrap_or(Json::Null);
            pieces.push(json!({ "value": value }));
        }
        if !piece.is_empty() {
            pieces.push(piece.into());
        }
    }
    json!({"query": {"fql": pieces}, "arguments": arguments}).to_string()
}

/// Plain JSON in the tagged encoding.
fn tagged(json: &Json) -> Json {
    match json {
        Json::Number(n) => match n.as_i64() {
            Some(n) if i32::try_from(n).is_ok() => json!({"@int": n.to_string()}),
            Some(n) => json!({"@long": n.to_string()}),
            None => json!({"@double": n.to_string()}),
        },
        Json::Array(items) => items.iter().map(tagged).collect(),
        Json::Object(fields) => {
            let literal = fields.keys().any(|key| key.starts_with('@'));
            let fields: Map<String, Json> = fields
                .iter()
                .map(|(key, value)| (key.clone(), tagged(value)))
                .collect();
            match literal {
                true => json!({ "@object": fields }),
                false => Json::Object(fields),
            }
        }
        Json::Null | Json::Bool(_) | Json::String(_) => json.clone(),
    }
}

/// An outcome that never reached the engine.
pub(super) fn failed(code: &'static str, message: impl Into<String>) -> Outcome {
    Outcome {
        result: Err(QueryError {
            status: 503,
            code,
            message: message.into(),
            constraint_failures: Vec::new(),
            abort: None,
            protocol: true,
        }),
        summary: String::new(),
        diagnostics: Vec::new(),
        static_type: None,
        txn_time: TxnTime(0),
        schema_version: 0,
        stats: Stats::default(),
    }
}
