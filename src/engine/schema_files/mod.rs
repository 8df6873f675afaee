//! Schema files (`spec schema-fsl 12`): reading them, comparing, putting them in force at once or staged, one item at a
//! time.
//!
//! ```text
//! SchemaRequest ─▶ permission ─▶ version ─▶ files ─▶ parse ─▶ compare ─▶ check ─▶ writes of the interpreter ─▶ commit
//!                                           sources         validate             update
//! ```
//!
//! Whatever is written is written as a query would: by the same code, in one transaction, checked at its end.

mod faults;
mod items;
mod sources;
mod staged;
mod update;
mod validate;

use super::Session;
use crate::access::{Permissions, Principal};
use crate::fql::interp::{Failure, FailureKind, Interp, Options};
use crate::fql::syntax::{Diagnostic, Source, render_lines};
use crate::fsl::{self, Colors, ItemDiff, Kind};
use crate::value::Env;
use crate::value::rendered::Rendered;
use std::sync::Arc;

/// What is asked about the schema of a session's database.
#[derive(Clone, Debug)]
pub struct SchemaRequest {
    /// What.
    pub call: SchemaCall,
    /// The version the caller has seen, which must be the current one.
    pub version: Option<i64>,
    /// Whether the version does not matter.
    pub force: bool,
}

/// A call.
#[derive(Clone, Debug)]
pub enum SchemaCall {
    /// The names of all files.
    Files {
        /// Of the staged schema, if there is one.
        staged: bool,
    },
    /// The text of a file.
    File {
        /// Its name.
        name: String,
        /// Of the staged schema, if there is one.
        staged: bool,
    },
    /// Puts files in force, or stages them.
    Update {
        /// The files.
        upload: Upload,
        /// Whether they are only staged.
        staged: bool,
    },
    /// What files would change.
    Diff {
        /// The files.
        upload: Upload,
        /// Compared with the staged schema, if there is one.
        staged: bool,
        /// How it is told.
        show: Show,
    },
    /// How far the staged schema is; with what it changes if that is to be told.
    Status(Option<Show>),
    /// Puts the staged schema in force.
    Commit,
    /// Takes the staged schema back.
    Abandon,
    /// An item.
    Item {
        /// Its kind.
        kind: Kind,
        /// Its name.
        name: String,
    },
    /// Changes one item, or tells what that would change.
    ChangeItem {
        /// Its kind.
        kind: Kind,
        /// What.
        change: ItemChange,
        /// Only what would be different.
        validate: Option<Show>,
    },
}

/// A change of one item.
#[derive(Clone, Debug)]
pub enum ItemChange {
    /// A new one, with this text.
    Add(String),
    /// The text of that name is replaced.
    Replace(String, String),
    /// The text of that name is cut out.
    Delete(String),
}

/// Schema files that come.
#[derive(Clone, Debug, Default)]
pub struct Upload {
    /// Names and texts.
    pub files: Vec<(String, String)>,
    /// Whether they are all there is: files that are not among them go.
    pub whole: bool,
}

/// How a difference is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Show {
    /// What of it.
    pub format: DiffFormat,
    /// With ANSI colours.
    pub colors: bool,
}

/// What is told of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiffFormat {
    /// Item by item, what changes.
    Semantic,
    /// The items.
    Summary,
    /// The lines.
    Textual,
}

/// What is answered.
#[derive(Clone, Debug)]
pub struct SchemaAnswer {
    /// The version of the schema: its last write, in microseconds; 0 if there was none.
    pub version: i64,
    /// The rest.
    pub body: SchemaBody,
}

/// What is answered beside the version.
#[derive(Clone, Debug)]
pub enum SchemaBody {
    /// Nothing.
    Done,
    /// Names of files.
    Files(Vec<String>),
    /// The text of a file.
    Content(String),
    /// A difference.
    Diff(String),
    /// The state of the staged schema.
    Status {
        /// `none`, `pending`, `ready` or `failed`.
        status: &'static str,
        /// What is pending, and the difference to the schema in force, if asked for.
        details: Option<(String, String)>,
    },
    /// An item.
    Item(Box<ItemBody>),
}

/// An item and its place.
#[derive(Clone, Debug)]
pub struct ItemBody {
    /// The file.
    pub filename: String,
    /// Where it stands, in UTF-16 units.
    pub span: (usize, usize),
    /// Its text.
    pub content: String,
    /// Its document.
    pub definition: Rendered,
}

/// Why there is no answer.
#[derive(Clone, Debug)]
pub enum SchemaRefusal {
    /// The authority does not reach so far.
    Forbidden,
    /// There is no such file or item.
    NotFound,
    /// The version is not the current one.
    Stale,
    /// What was asked for is wrong: the message.
    Invalid(String),
    /// It failed: the HTTP status and the message.
    Failed(u16, String),
}

impl SchemaRefusal {
    /// What is told.
    pub fn message(&self) -> &str {
        match self {
            SchemaRefusal::Forbidden => "Access denied",
            SchemaRefusal::NotFound => "Not found",
            SchemaRefusal::Stale => "Stale schema version provided",
            SchemaRefusal::Invalid(message) | SchemaRefusal::Failed(_, message) => message,
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            SchemaRefusal::Forbidden => 403,
            SchemaRefusal::NotFound => 404,
            SchemaRefusal::Stale => 409,
            SchemaRefusal::Invalid(_) => 400,
            SchemaRefusal::Failed(status, _) => *status,
        }
    }

    fn of_faults(faults: &[Diagnostic]) -> SchemaRefusal {
        SchemaRefusal::Invalid(render_lines(faults))
    }
}

impl From<Failure> for SchemaRefusal {
    fn from(failure: Failure) -> SchemaRefusal {
        match &*failure.0 {
            FailureKind::Query(query) => SchemaRefusal::Invalid(query.diagnostic(true).message),
            FailureKind::Protocol(protocol) => {
                SchemaRefusal::Failed(protocol.status, protocol.message.clone())
            }
        }
    }
}

impl From<crate::model::ModelError> for SchemaRefusal {
    fn from(error: crate::model::ModelError) -> SchemaRefusal {
        Failure::from(error).into()
    }
}

type Result<T> = std::result::Result<T, SchemaRefusal>;

impl Session {
    /// Answers a request about schema files, in one transaction; again on contention.
    pub fn schema(&self, request: &SchemaRequest) -> Result<SchemaAnswer> {
        if let Some(remote) = self.away() {
            return remote.schema(self, request);
        }
        let mut attempt = 0;
        loop {
            match self.attempt_schema(request) {
                Err(SchemaRefusal::Failed(409, _)) if attempt < super::session::DEFAULT_RETRIES => {
                    attempt += 1;
                }
                answer => return answer,
            }
        }
    }

    fn attempt_schema(&self, request: &SchemaRequest) -> Result<SchemaAnswer> {
        let (txn, principal) = self.begin()?;
        let now = txn.time();
        let mut interp = Interp::new(
            txn,
            self.engine().library.clone(),
            Arc::new(principal),
            Source::new("*schema*", ""),
            Env::default(),
            Options::default(),
        );
        interp.schema_checker = Some(self.engine().clone());
        let version = interp.txn.schema().version;
        let mut work = Work {
            engine: self.engine(),
            interp,
            version,
        };
        let body = work.answer(request)?;
        let Done {
            mut body,
            unchanged,
        } = body;
        let written = work.interp.txn.has_writes();
        let Interp { txn, .. } = work.interp;
        let txn_time = self.store(txn, now)?;
        if let SchemaBody::Item(item) = &mut body {
            crate::fql::interp::resolve_time(&mut item.definition, txn_time);
        }
        let version = match written && !unchanged {
            true => txn_time.0,
            false => version,
        };
        Ok(SchemaAnswer { version, body })
    }
}

/// A request under way.
struct Work<'a> {
    engine: &'a Arc<super::Engine>,
    interp: Interp,
    /// The version of the schema at its start.
    version: i64,
}

/// What a call has come to.
struct Done {
    body: SchemaBody,
    /// Whether the version at the start is told, whatever was written.
    unchanged: bool,
}

impl From<SchemaBody> for Done {
    fn from(body: SchemaBody) -> Done {
        Done {
            body,
            unchanged: false,
        }
    }
}

impl Work<'_> {
    fn answer(&mut self, request: &SchemaRequest) -> Result<Done> {
        may_read(&self.interp.principal)?;
        match &request.call {
            SchemaCall::Files { staged } => {
                self.check_version(request)?;
                let files = self.files(*staged)?;
                let names = files.iter().map(|file| file.name.clone());
                Ok(SchemaBody::Files(names.collect()).into())
            }
            SchemaCall::File { name, staged } => {
                self.check_version(request)?;
                let files = self.files(*staged)?;
                let file = files.iter().find(|file| file.name == *name);
                let file = file.ok_or(SchemaRefusal::NotFound)?;
                let content = file.text.as_deref().unwrap_or_default();
                Ok(SchemaBody::Content(content.to_string()).into())
            }
            SchemaCall::Update { upload, staged } => {
                self.may_write()?;
                self.check_version(request)?;
                if *staged {
                    self.refuse_root()?;
                    self.stage()?;
                }
                self.update(upload, &[])?;
                Ok(Done {
                    body: SchemaBody::Done,
                    unchanged: false,
                })
            }
            SchemaCall::Diff {
                upload,
                staged,
                show,
            } => {
                self.check_version(request)?;
                let found = self.validate(upload, &[], *staged)?;
                Ok(SchemaBody::Diff(found.text(*show)).into())
            }
            SchemaCall::Status(show) => {
                self.check_version(request)?;
                self.refuse_root()?;
                self.status(*show)
            }
            SchemaCall::Commit => {
                self.may_write()?;
                self.refuse_root()?;
                self.check_version(request)?;
                self.commit_staged()
            }
            SchemaCall::Abandon => {
                self.may_write()?;
                self.refuse_root()?;
                self.check_version(request)?;
                self.abandon_staged()
            }
            SchemaCall::Item { kind, name } => {
                self.check_version(request)?;
                self.item(*kind, name)
            }
            SchemaCall::ChangeItem {
                kind,
                change,
                validate,
            } => {
                if let Some(show) = validate {
                    return self.validate_item(*kind, change, *show);
                }
                self.may_write()?;
                self.check_version(request)?;
                self.change_item(*kind, change)
            }
        }
    }

    fn may_write(&self) -> Result<()> {
        match self.interp.principal.permissions {
            Permissions::Admin => Ok(()),
            Permissions::Server
            | Permissions::ServerReadOnly
            | Permissions::Client
            | Permissions::Predicate
            | Permissions::Roles(_) => Err(SchemaRefusal::Forbidden),
        }
    }

    fn check_version(&self, request: &SchemaRequest) -> Result<()> {
        match request.version {
            Some(version) if !request.force && version != self.version => Err(SchemaRefusal::Stale),
            Some(_) | None => Ok(()),
        }
    }

    fn refuse_root(&self) -> Result<()> {
        if self.interp.txn.scope() == crate::model::keys::ROOT {
            let message = "Schema cannot be staged in the root database";
            return Err(SchemaRefusal::Invalid(message.into()));
        }
        Ok(())
    }
}

fn may_read(principal: &Principal) -> Result<()> {
    match principal.permissions {
        Permissions::Admin | Permissions::Server | Permissions::ServerReadOnly => Ok(()),
        Permissions::Client | Permissions::Predicate | Permissions::Roles(_) => {
            Err(SchemaRefusal::Forbidden)
        }
    }
}

/// What files would change.
struct Comparison {
    before: Vec<Arc<Source>>,
    after: Vec<Arc<Source>>,
    diffs: Vec<ItemDiff>,
}

impl Comparison {
    fn text(&self, show: Show) -> String {
        let colors = match show.colors {
            true => Colors::Ansi,
            false => Colors::None,
        };
        match show.format {
            DiffFormat::Semantic => fsl::semantic(&self.diffs, colors),
            DiffFormat::Summary => fsl::summary(&self.diffs, colors),
            DiffFormat::Textual => fsl::textual(&self.before, &self.after, colors),
        }
    }
}
