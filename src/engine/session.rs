//! A session: a place and an authority, and the running of queries.

use super::cache::Parsed;
use super::remote::Remote;
use super::typing::{is_typechecked, value_type};
use super::{Argument, Engine, Outcome, QueryError, Request, Stats};
use crate::access::Principal;
use crate::access::jwks::KeySets;
use crate::fql::interp::{Failure, FailureKind, Interp, Options, QueryFailure, resolve_time};
use crate::fql::syntax::{Diagnostic, Severity, Source};
use crate::fql::types::Checked;
use crate::model::schema::Schema;
use crate::model::{ModelError, Txn, keys};
use crate::store::{StoreError, Table, TxnTime};
use crate::value::rendered::Rendered;
use crate::value::{Env, ScopeId, Str};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Runs on contention before giving up, unless the request says otherwise.
pub(super) const DEFAULT_RETRIES: u32 = 7;
/// Time a query may take unless the request says otherwise.
pub(super) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(120);

/// What a session acts with.
#[derive(Clone)]
pub enum Credential {
    /// Root authority: the owner of a local file, or the root secret.
    Root,
    /// A secret, possibly scoped. Never shown.
    Secret(Arc<str>),
}

/// A place and an authority. Cheap to clone.
#[derive(Clone)]
pub struct Session {
    engine: Arc<Engine>,
    credential: Credential,
    path: Vec<Str>,
    role: Option<Str>,
    /// Another process that the queries go to.
    remote: Option<Arc<Remote>>,
    /// Key sets that come before those of the engine.
    key_sets: Option<Arc<KeySets>>,
}

impl Session {
    pub(super) fn new(engine: Arc<Engine>, credential: Credential) -> Session {
        Session {
            engine,
            credential,
            path: Vec::new(),
            role: None,
            remote: None,
            key_sets: None,
        }
    }

    /// The same authority, where tokens of access providers are verified with these key sets first.
    pub(crate) fn with_key_sets(self, key_sets: Arc<KeySets>) -> Session {
        Session {
            key_sets: Some(key_sets),
            ..self
        }
    }

    /// The same authority in another process.
    pub(super) fn on(&self, remote: Arc<Remote>) -> Session {
        Session {
            remote: Some(remote),
            ..self.clone()
        }
    }

    /// The same authority and place on an engine of this process.
    pub(super) fn on_engine(&self, engine: Arc<Engine>) -> Session {
        Session {
            engine,
            remote: None,
            ..self.clone()
        }
    }

    pub(super) fn remote(&self) -> Option<&Arc<Remote>> {
        self.remote.as_ref()
    }

    /// The other process, as long as the database is there.
    pub(super) fn away(&self) -> Option<&Arc<Remote>> {
        let remote = self.remote.as_ref()?;
        remote.engine_here().is_none().then_some(remote)
    }

    pub(super) fn credential(&self) -> &Credential {
        &self.credential
    }

    pub(super) fn role(&self) -> Option<&str> {
        self.role.as_deref()
    }

    /// The engine it runs on.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Whether another process runs the queries: a server, or whoever holds the file.
    pub fn is_remote(&self) -> bool {
        self.remote()
            .is_some_and(|remote| remote.engine_here().is_none())
    }

    /// The same authority in a descendant database; names below the credential's own.
    pub fn in_database(&self, path: Vec<Str>) -> Session {
        Session {
            path,
            ..self.clone()
        }
    }

    /// The same place with another role: `admin`, `server`, `@role/NAME`, `@doc/Coll/ID`.
    pub fn with_role(&self, role: Option<Str>) -> Session {
        Session {
            role,
            ..self.clone()
        }
    }

    /// The path below the credential's database.
    pub fn path(&self) -> &[Str] {
        &self.path
    }

    /// Runs one query in one transaction, again on contention.
    pub fn query(&self, request: &Request) -> Outcome {
        if let Some(remote) = &self.remote {
            return match remote.engine_here() {
                Some(engine) => self.on_engine(engine).query(request),
                None => remote.query(self, request),
            };
        }
        let started = Instant::now();
        let retries = request.max_contention_retries.unwrap_or(DEFAULT_RETRIES);
        let deadline = started + request.timeout.unwrap_or(DEFAULT_TIMEOUT);
        let mut attempt = 0;
        let mut spent = Spent::default();
        loop {
            let mut outcome = match self.attempt(request, deadline, &mut spent) {
                Ok(outcome) => outcome,
                Err(mut failure) => {
                    if failure.code() == "contended_transaction" {
                        spent.met.insert(failure.message().to_string());
                        if attempt < retries {
                            attempt += 1;
                            continue;
                        }
                        // Told by name only if it was the same each time.
                        if spent.met.len() > 1 {
                            failure = Failure::contended(None);
                        }
                    }
                    // Nothing of the query was reached: authentication, the store.
                    let now = self.engine.model.now();
                    failed(failure, Vec::new(), true, now, 0, None)
                }
            };
            spent.add_to(&mut outcome.stats);
            outcome.stats.contention_retries = attempt;
            outcome.stats.query_time = started.elapsed();
            return outcome;
        }
    }

    /// One run. `Err` when the transaction must run again or could not start; what it took is then added to `spent`.
    fn attempt(
        &self,
        request: &Request,
        deadline: Instant,
        spent: &mut Spent,
    ) -> Result<Outcome, Failure> {
        let (mut txn, principal) = self.begin()?;
        let typecheck = match request.typecheck {
            Some(typecheck) => typecheck,
            None => is_typechecked(&mut txn)?,
        };
        let now = txn.time();
        let schema_version = txn.schema().version;
        let sees_all = !matches!(
            principal.permissions,
            crate::access::Permissions::Roles(_) | crate::access::Permissions::Client
        );
        // Nobody who is not in fills the cache of queries.
        let parsed = match self.engine.queries.parse(&request.text) {
            Ok(parsed) => parsed,
            Err(diagnostics) => {
                let failure = Failure::invalid_query(diagnostics);
                return Ok(failed(
                    failure,
                    Vec::new(),
                    sees_all,
                    now,
                    schema_version,
                    None,
                ));
            }
        };
        let options = Options {
            performance_hints: request.performance_hints,
            deadline: Some(deadline),
            cancel: request.cancel.clone(),
            compute_limit: None,
        };
        let mut interp = Interp::new(
            txn,
            self.engine.library.clone(),
            Arc::new(principal),
            parsed.source.clone(),
            Env::default(),
            options,
        );
        interp.schema_checker = Some(self.engine.clone());
        interp.carry_on(spent.calls);
        let mut checked = None;
        let result = self
            .arguments(&mut interp, request, &parsed.source)
            .and_then(|arguments| {
                if typecheck {
                    checked = Some(self.check(&mut interp, &parsed, &arguments)?);
                }
                interp.set_arguments(arguments);
                let value = interp.run(&parsed.block)?;
                interp.finish_writes()?;
                interp.materialize(&value)
            });
        let result = result.map_err(|failure| interp.raise(failure));
        if let Some(checked) = &checked {
            interp.log.splice(0..0, checked.warnings.iter().cloned());
        }
        match result {
            Ok(rendered) => {
                let static_type = checked.map(|checked| checked.static_type.clone());
                let (calls, stats) = (calls_of(&interp), stats_of(&interp));
                self.commit(interp, rendered, static_type, sees_all, now)
                    .inspect_err(|_| spent.rerun(calls, &stats))
            }
            Err(failure) if failure.code() == "contended_transaction" => {
                spent.rerun(calls_of(&interp), &stats_of(&interp).without_writes());
                Err(failure)
            }
            Err(failure) => {
                // The value given to `abort` is completed like a result.
                let abort = match &*failure.0 {
                    FailureKind::Query(QueryFailure {
                        abort: Some(value), ..
                    }) => Some(interp.materialize(value)),
                    _ => None,
                };
                let abort = match abort {
                    Some(Err(failure)) => {
                        let stats = stats_of(&interp).without_writes();
                        let mut outcome =
                            failed(failure, interp.log, sees_all, now, schema_version, None);
                        outcome.stats = stats;
                        return Ok(outcome);
                    }
                    Some(Ok(mut rendered)) => {
                        resolve_time(&mut rendered, now);
                        Some(rendered)
                    }
                    None => None,
                };
                let stats = stats_of(&interp).without_writes();
                let mut outcome = failed(failure, interp.log, sees_all, now, schema_version, abort);
                outcome.stats = stats;
                Ok(outcome)
            }
        }
    }

    fn commit(
        &self,
        interp: Interp,
        mut rendered: Rendered,
        static_type: Option<String>,
        sees_all: bool,
        now: TxnTime,
    ) -> Result<Outcome, Failure> {
        let stats = stats_of(&interp);
        let Interp { txn, log, .. } = interp;
        // A query that changes the schema still reports the version it ran with.
        let schema_version = txn.schema().version;
        let txn_time = self.store(txn, now)?;
        resolve_time(&mut rendered, txn_time);
        let diagnostics = visible(log, sees_all);
        Ok(Outcome {
            result: Ok(rendered),
            summary: render(&diagnostics),
            diagnostics,
            static_type,
            txn_time,
            schema_version,
            stats,
        })
    }

    /// Commits what a transaction wrote; its time, which is `now` if it wrote nothing.
    pub(super) fn store(&self, txn: Txn, now: TxnTime) -> Result<TxnTime, Failure> {
        let (scope, schema) = (txn.scope(), txn.schema().clone());
        let changes_schema = txn.changes_schema();
        let Some(commit) = txn.into_commit() else {
            return Ok(now);
        };
        let committed = self.engine.model.store().commit(commit);
        let time = committed.map_err(|error| match error {
            StoreError::Contended { table, key } => {
                let changed = changed_name(table, &key, scope, &schema);
                let schema = changes_schema.then(|| "schema".to_string());
                Failure::contended(changed.or(schema).as_deref())
            }
            error => ModelError::from(error).into(),
        })?;
        if changes_schema {
            self.engine.upkeep.wake();
        }
        Ok(time)
    }

    /// Checks the types of a query whose arguments are known.
    pub(super) fn check(
        &self,
        interp: &mut Interp,
        parsed: &Parsed,
        arguments: &Env,
    ) -> Result<Arc<Checked>, Failure> {
        let engine = &self.engine;
        let env = engine
            .environments
            .of(&engine.library, interp.txn.scope(), interp.txn.schema());
        let types = |name: &str| arguments.get(name).map(|value| value_type(value, interp));
        let arguments: Option<crate::fql::types::Arguments<'_>> = match arguments.0 {
            Some(_) => Some(&types),
            None => None,
        };
        parsed
            .check(&env, arguments)
            .map_err(Failure::invalid_query)
    }

    /// Opens a transaction in the session's database and finds out who acts in it.
    pub(super) fn begin(&self) -> Result<(Txn, Principal), Failure> {
        if let Some(remote) = &self.remote {
            return match remote.engine_here() {
                Some(engine) => self.on_engine(engine).begin(),
                None => Err(Failure::protocol(
                    400,
                    "disabled_feature",
                    "This needs the database in this process: the session is on another one.",
                )),
            };
        }
        self.engine.authenticate(
            &self.credential,
            &self.path,
            self.role.as_deref(),
            self.key_sets.as_deref(),
        )
    }

    pub(super) fn arguments(
        &self,
        interp: &mut Interp,
        request: &Request,
        source: &Arc<Source>,
    ) -> Result<Env, Failure> {
        let mut env = Env::default();
        for (name, argument) in &request.arguments {
            let value = match argument {
                Argument::Simple(json) => interp.simple_argument(json),
                Argument::Tagged(json) => interp.tagged_argument(name, json)?,
                Argument::Fql(text) => {
                    let source = Source::new(format!("*argument:{name}*"), text.as_str());
                    let block =
                        crate::fql::syntax::parse_query(&source).map_err(Failure::invalid_query)?;
                    interp.in_source(&source, |me| me.block(&block, &Env::default()))?
                }
            };
            env = env.bind(name.as_str().into(), value);
        }
        let spans = placeholder_spans(
            source.text.as_deref().unwrap_or_default(),
            request.values.len(),
        );
        for (i, (json, span)) in request.values.iter().zip(spans).enumerate() {
            let value = interp.template_value(json, source, span)?;
            env = env.bind(format!("${i}").into(), value);
        }
        Ok(env)
    }
}

/// Where the template values stand.
fn placeholder_spans(text: &str, count: usize) -> Vec<crate::fql::syntax::Span> {
    let spans = text
        .match_indices('\0')
        .map(|(i, _)| crate::fql::syntax::Span::new(i, i + "\0value>".len()));
    spans.take(count).collect()
}

/// The document whose change came between, as errors name it: `Pot(1)`.
fn changed_name(table: Table, key: &[u8], scope: ScopeId, schema: &Schema) -> Option<String> {
    if table != Table::Documents || keys::scope_of(key) != Some(scope) {
        return None;
    }
    let (coll, id) = (keys::document_coll(key)?, keys::document_id(key)?);
    let collection = schema.collection(coll).filter(|c| !c.is_native())?;
    Some(format!("{}({})", collection.name, id.0))
}

/// What the runs of a query took before the last one, and what they met.
#[derive(Default)]
pub(super) struct Spent {
    pub(super) met: BTreeSet<String>,
    pub(super) calls: u64,
    read_ops: u64,
    write_ops: u64,
    bytes_read: u64,
    bytes_written: u64,
}

impl Spent {
    pub(super) fn rerun(&mut self, calls: u64, stats: &Stats) {
        // They count together, since operations are fifties of calls.
        self.calls = calls;
        self.read_ops += stats.read_ops;
        self.write_ops += stats.write_ops;
        self.bytes_read += stats.storage_bytes_read;
        self.bytes_written += stats.storage_bytes_write;
    }

    pub(super) fn add_to(&self, stats: &mut Stats) {
        stats.read_ops += self.read_ops;
        stats.write_ops += self.write_ops;
        stats.storage_bytes_read += self.bytes_read;
        stats.storage_bytes_write += self.bytes_written;
    }
}

/// Calls, and fields looked up for indexes.
pub(super) fn calls_of(interp: &Interp) -> u64 {
    interp.calls() + interp.txn.indexed()
}

pub(super) fn stats_of(interp: &Interp) -> Stats {
    let used = interp.txn.stats();
    Stats {
        compute_ops: calls_of(interp).div_ceil(50).max(1),
        read_ops: used.read_ops,
        write_ops: used.write_ops,
        storage_bytes_read: used.bytes_read,
        storage_bytes_write: used.bytes_written,
        ..Stats::default()
    }
}

/// What a principal may see of the summary: with a user-defined role or `client`, only what is in the query's text.
/// Performance hints follow what was logged.
fn visible(log: Vec<Diagnostic>, sees_all: bool) -> Vec<Diagnostic> {
    let from_query = |d: &Diagnostic| d.location.as_ref().is_none_or(|l| l.source.is_query());
    let shown = log.into_iter().filter(|d| sees_all || from_query(d));
    let (mut logged, hints): (Vec<_>, Vec<_>) =
        shown.partition(|d| d.severity != Severity::Performance);
    logged.extend(hints);
    logged
}

pub(super) fn failed(
    failure: Failure,
    log: Vec<Diagnostic>,
    sees_all: bool,
    txn_time: TxnTime,
    schema_version: i64,
    abort: Option<Rendered>,
) -> Outcome {
    let (error, diagnostics) = match *failure.0 {
        FailureKind::Protocol(_) => (error_of(failure), Vec::new()),
        FailureKind::Query(f) => {
            let mut diagnostics = f.diagnostics.clone();
            if diagnostics.is_empty() {
                diagnostics.push(f.diagnostic(sees_all));
            }
            diagnostics.extend(visible(log, sees_all));
            let error = QueryError {
                status: 400,
                code: f.code,
                message: f.message,
                constraint_failures: f.constraint_failures,
                abort,
                protocol: false,
            };
            (error, diagnostics)
        }
    };
    Outcome {
        summary: render(&diagnostics),
        diagnostics,
        result: Err(error),
        static_type: None,
        txn_time,
        schema_version,
        stats: Stats::default(),
    }
}

/// What went wrong before there was a query.
pub(super) fn error_of(failure: Failure) -> QueryError {
    match *failure.0 {
        FailureKind::Protocol(f) => QueryError {
            status: f.status,
            code: f.code,
            message: f.message,
            constraint_failures: Vec::new(),
            abort: None,
            protocol: true,
        },
        FailureKind::Query(f) => QueryError {
            status: 400,
            code: f.code,
            message: f.message,
            constraint_failures: f.constraint_failures,
            abort: None,
            protocol: false,
        },
    }
}

fn render(diagnostics: &[Diagnostic]) -> String {
    crate::fql::syntax::render_all(diagnostics)
}
