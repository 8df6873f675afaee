//! Queries of FQL v4 through a session: the same transactions, retries and commits as those of v10.

use super::session::{DEFAULT_RETRIES, DEFAULT_TIMEOUT, Spent, calls_of, stats_of};
use super::{QueryError, Session, Stats};
use crate::fql::interp::{Failure, Interp, Options};
use crate::fql::syntax::Source;
use crate::fql4::error::{Error, Stop, status};
use crate::fql4::eval::{Evaluator, Limit};
use crate::fql4::expression::Env as Variables;
use crate::fql4::read::{self, Json};
use crate::fql4::render;
use crate::fql4::value::Value;
use crate::fql4::version::ApiVersion;
use crate::store::TxnTime;
use crate::value::Env;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// A query of FQL v4 and how to run it.
#[derive(Clone, Debug)]
pub struct LegacyRequest {
    /// The wire form.
    pub query: Json,
    /// The version of the interface.
    pub version: ApiVersion,
    /// What it may do.
    pub limit: Limit,
    /// Give up after this long.
    pub timeout: Option<Duration>,
    /// How often to run again on contention; absent: 7 times.
    pub max_contention_retries: Option<u32>,
    /// Set by another thread to stop the query.
    pub cancel: Option<Arc<AtomicBool>>,
}

impl LegacyRequest {
    /// A query of version 4 that may do everything.
    pub fn new(query: Json) -> LegacyRequest {
        LegacyRequest {
            query,
            version: ApiVersion::V4,
            limit: Limit::NONE,
            timeout: None,
            max_contention_retries: None,
            cancel: None,
        }
    }
}

/// The answer to a [`LegacyRequest`].
#[derive(Clone, Debug)]
pub struct LegacyOutcome {
    /// The JSON of the value, or why there is none.
    pub result: Result<String, LegacyFailure>,
    /// The HTTP status.
    pub status: u16,
    /// The commit time, or the snapshot time of a query that wrote nothing.
    pub txn_time: TxnTime,
    /// What the query used.
    pub stats: Stats,
}

/// Why a query of FQL v4 failed.
#[derive(Clone, Debug)]
pub enum LegacyFailure {
    /// Errors of the query; at least one.
    Errors(Vec<Error>),
    /// The request as a whole: authentication, contention, time out.
    Request(QueryError),
    /// What another process answered: the entries of `errors`.
    Told(Vec<serde_json::Value>),
}

impl LegacyFailure {
    /// The entries of `errors` as answers show them.
    pub fn entries(&self) -> Vec<serde_json::Value> {
        match self {
            LegacyFailure::Errors(errors) => errors.iter().map(Error::json).collect(),
            LegacyFailure::Request(error) => {
                let (code, description) = described(error);
                vec![serde_json::json!({"code": code, "description": description})]
            }
            LegacyFailure::Told(entries) => entries.clone(),
        }
    }
}

/// A failure of the request in the words of FQL v4 (`spec fql4 2`).
fn described(error: &QueryError) -> (&str, &str) {
    match (error.status, error.code) {
        (401, _) => ("unauthorized", "Unauthorized"),
        (409, _) => (
            "contended transaction",
            "Transaction was aborted due to detection of concurrent modification.",
        ),
        (_, "time_out") => ("time out", "Read timed out."),
        (500, _) => ("internal server error", &error.message),
        (400, "invalid_request") => ("bad request", &error.message),
        (_, code) => (code, &error.message),
    }
}

/// One run that was carried through: the value's JSON and whether it is a new document, or errors.
type Ran = Result<(String, bool), Vec<Error>>;

impl Session {
    /// Runs one query of FQL v4 in one transaction, again on contention.
    pub fn query_legacy(&self, request: &LegacyRequest) -> LegacyOutcome {
        if let Some(remote) = self.remote() {
            return match remote.engine_here() {
                Some(engine) => self.on_engine(engine).query_legacy(request),
                None => remote.query_legacy(self, request),
            };
        }
        let started = Instant::now();
        let retries = request.max_contention_retries.unwrap_or(DEFAULT_RETRIES);
        let deadline = started + request.timeout.unwrap_or(DEFAULT_TIMEOUT);
        let mut attempt = 0;
        let mut spent = Spent::default();
        loop {
            let mut outcome = match self.attempt_legacy(request, deadline, &mut spent) {
                Ok(outcome) => outcome,
                Err(failure) => {
                    if failure.code() == "contended_transaction" && attempt < retries {
                        attempt += 1;
                        continue;
                    }
                    request_failed(failure, self.engine().model.now())
                }
            };
            spent.add_to(&mut outcome.stats);
            outcome.stats.contention_retries = attempt;
            outcome.stats.query_time = started.elapsed();
            return outcome;
        }
    }

    /// One run. `Err` when the transaction must run again or could not be carried through.
    fn attempt_legacy(
        &self,
        request: &LegacyRequest,
        deadline: Instant,
        spent: &mut Spent,
    ) -> Result<LegacyOutcome, Failure> {
        let (txn, principal) = self.begin()?;
        let now = txn.time();
        let expression = match read::query(&request.query, request.version) {
            Ok(expression) => expression,
            Err(errors) => return Ok(failed(errors, request.version, now, Stats::default())),
        };
        let options = Options {
            performance_hints: false,
            deadline: Some(deadline),
            cancel: request.cancel.clone(),
            compute_limit: None,
        };
        let mut interp = Interp::new(
            txn,
            self.engine().library.clone(),
            Arc::new(principal),
            Source::new("*query*", ""),
            Env::default(),
            options,
        );
        interp.schema_checker = Some(self.engine().clone());
        interp.carry_on(spent.calls);
        let mut evaluator = Evaluator::new(
            &mut interp,
            self.engine().legacy.clone(),
            request.version,
            request.limit,
        );
        let ran = evaluator
            .evaluate(&expression, &Variables::default())
            .and_then(|value| {
                evaluator.finish()?;
                let is_new = matches!(&value, Value::Document(document) if document.is_new);
                Ok((render::render(&mut evaluator, &value)?, is_new))
            });
        let ran: Ran = match ran {
            Ok(rendered) => Ok(rendered),
            Err(Stop::Errors(errors)) => Err(errors),
            Err(Stop::Failure(failure)) => {
                spent.rerun(calls_of(&interp), &stats_of(&interp).without_writes());
                return Err(failure);
            }
        };
        let (calls, stats) = (calls_of(&interp), stats_of(&interp));
        match ran {
            Ok((text, is_new)) => {
                let txn_time = self
                    .store(interp.txn, now)
                    .inspect_err(|_| spent.rerun(calls, &stats))?;
                Ok(LegacyOutcome {
                    result: Ok(render::settle(text, txn_time)),
                    status: if is_new { 201 } else { 200 },
                    txn_time,
                    stats,
                })
            }
            Err(errors) => Ok(failed(errors, request.version, now, stats.without_writes())),
        }
    }
}

fn failed(
    errors: Vec<Error>,
    version: ApiVersion,
    txn_time: TxnTime,
    stats: Stats,
) -> LegacyOutcome {
    let errors: Vec<Error> = errors
        .into_iter()
        .map(|error| error.in_words_of(version))
        .collect();
    LegacyOutcome {
        status: status(&errors),
        result: Err(LegacyFailure::Errors(errors)),
        txn_time,
        stats,
    }
}

fn request_failed(failure: Failure, txn_time: TxnTime) -> LegacyOutcome {
    let error = super::session::error_of(failure);
    LegacyOutcome {
        status: error.status,
        result: Err(LegacyFailure::Request(error)),
        txn_time,
        stats: Stats::default(),
    }
}
