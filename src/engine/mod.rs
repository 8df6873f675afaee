//! The library's face: open a file, act as somebody in a database, run queries.
//!
//! ```text
//! Engine::open(path) ─▶ Session (database path + credential) ─▶ Session::query(Request) ─▶ Outcome
//! ```
//!
//! An [`Engine`] is shared by all threads of a process and owns everything that lives longer than a query:
//! the store, the schema cache, the function table, the query cache. A [`Session`] is a place and an
//! authority; each query resolves both anew, so that a revoked key stops working at its next query.
//! A front knows only sessions, requests and outcomes.

mod auth;
mod authority;
mod bindings;
mod builds;
mod cache;
mod computed;
mod copy;
mod demo;
mod elsewhere;
mod environment;
mod events;
mod file;
mod inspect;
mod item_check;
mod legacy;
mod legacy_stream;
mod outcome;
mod remote;
mod remote_call;
mod remote_events;
mod remote_http;
mod remote_legacy;
mod remote_value;
mod request;
mod schema_check;
pub mod schema_files;
mod session;
mod subscription;
mod typing;
mod upkeep;
mod whoami;

pub use crate::fql::types::{Member, TypeAt};
pub use builds::{BuildState, BuildWatch, IndexBuild};
pub use events::{EventError, EventStats, FeedPage, FeedRequest, Start, StreamEvent};
pub use file::{CacheSize, DatabaseFile};
pub use legacy::{LegacyFailure, LegacyOutcome, LegacyRequest};
pub use legacy_stream::{LegacyStream, StreamField};
pub use outcome::{Outcome, QueryError, Stats};
pub(crate) use remote::KEY_SET_HEADER;
pub use remote::socket_path;
pub use request::{Argument, Request};
pub use session::{Credential, Session};
pub use subscription::Subscription;
pub use whoami::{CollectionOutline, CredentialKind, FieldOutline, Outline, Whoami};

use crate::access::jwks::KeySetFile;
use crate::access::{LoginCache, Mark, SecretCache};
use crate::fql::interp::Library;
use crate::fql::stdlib;
use crate::model::{Model, ModelError};
use crate::store::{Store, StoreError};
use cache::QueryCache;
use std::path::Path;
use std::sync::Arc;

/// One open database file (or transient database), shared by every session on it.
pub struct Engine {
    pub(crate) model: Arc<Model>,
    pub(crate) library: Arc<Library>,
    pub(crate) queries: QueryCache,
    pub(crate) upkeep: upkeep::Upkeep,
    pub(crate) secrets: SecretCache,
    pub(crate) logins: LoginCache,
    pub(crate) environments: typing::Environments,
    pub(crate) key_sets: crate::access::jwks::KeySets,
    pub(crate) legacy: Arc<crate::fql4::eval::Cache>,
    root_secrets: parking_lot::RwLock<Vec<Mark>>,
}

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file is not usable.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its contents are not.
    #[error(transparent)]
    Model(#[from] ModelError),
}

impl Engine {
    /// Opens a file, created if absent.
    pub fn open(path: impl AsRef<Path>) -> Result<Arc<Engine>, OpenError> {
        DatabaseFile::at(path).open()
    }

    /// A transient database in memory.
    pub fn memory() -> Result<Arc<Engine>, OpenError> {
        Engine::over(Arc::new(crate::store::RedbStore::memory()?))
    }

    /// An engine over any store.
    pub fn over(store: Arc<dyn Store>) -> Result<Arc<Engine>, OpenError> {
        let engine = Engine::assemble(store)?;
        upkeep::Upkeep::start(&engine);
        Ok(engine)
    }

    fn assemble(store: Arc<dyn Store>) -> Result<Arc<Engine>, OpenError> {
        let model = Model::open(store, Arc::new(crate::store::SystemClock))?;
        let legacy: Arc<crate::fql4::eval::Cache> = Arc::default();
        let mut library = stdlib::library();
        library.legacy = Some(Arc::new(crate::fql4::interop::Language::new(
            legacy.clone(),
        )));
        let library = Arc::new(library);
        model.set_computed_fields(Arc::new(computed::IndexedFields {
            model: Arc::downgrade(&model),
            library: library.clone(),
        }));
        model.set_legacy_bindings(Arc::new(bindings::IndexBindings {
            model: Arc::downgrade(&model),
            library: library.clone(),
            cache: legacy.clone(),
        }));
        Ok(Arc::new(Engine {
            model,
            library,
            queries: QueryCache::new(512),
            upkeep: upkeep::Upkeep::default(),
            secrets: SecretCache::default(),
            logins: LoginCache::default(),
            environments: typing::Environments::default(),
            key_sets: crate::access::jwks::KeySets::default(),
            legacy,
            root_secrets: parking_lot::RwLock::default(),
        }))
    }

    /// A session of the file's owner: root authority in the root database.
    pub fn root(self: &Arc<Engine>) -> Session {
        Session::new(self.clone(), Credential::Root)
    }

    /// A session that acts with a secret: a key, a token, a scoped secret, the root secret. Whether the secret is good
    /// shows at its first query, and at each one after.
    pub fn with_secret(self: &Arc<Engine>, secret: &str) -> Session {
        Session::new(self.clone(), Credential::Secret(secret.into()))
    }

    /// Makes `secret` a root secret of this process: admin of the topmost database. It is not kept, only a keyed digest
    /// of it is.
    pub fn add_root_secret(&self, secret: &str) {
        let mark = self.root_mark(secret);
        self.root_secrets.write().push(mark);
    }

    /// Verifies tokens of access providers at `uri` with the key set in `json` instead of fetching it.
    pub fn pin_key_set(&self, uri: &str, json: &str) -> Result<(), serde_json::Error> {
        self.key_sets.pin(uri, json)
    }

    /// The same with files, as a command line names them. The error says which file, and why.
    pub fn pin_key_set_files(&self, files: &[KeySetFile]) -> Result<(), String> {
        self.key_sets.pin_files(files)
    }

    /// The files that key sets were pinned from, by absolute paths.
    pub(crate) fn key_set_files(&self) -> Vec<KeySetFile> {
        self.key_sets.files()
    }

    /// Whether a presented secret has opened something in this process. What has not may take long to look at.
    pub(crate) fn is_familiar(&self, secret: &str) -> bool {
        self.secrets.is_familiar(secret)
    }

    /// Whether a text is one of the root secrets of this process.
    pub(crate) fn is_root_secret(&self, text: &str) -> bool {
        let roots = self.root_secrets.read();
        let mark = self.root_mark(text);
        roots
            .iter()
            .fold(false, |found, root| found | root.is(&mark))
    }

    fn root_mark(&self, text: &str) -> Mark {
        self.secrets.mark(["root", text])
    }

    /// The function table, for `:help` and completion.
    pub fn library(&self) -> &Arc<Library> {
        &self.library
    }

    /// The types of the native functions, as the typer takes them from the function table.
    pub fn native_shapes(&self) -> crate::fql::types::NativeShapes {
        typing::native_shapes(&self.library)
    }

    /// The data model below, for fronts that report on it.
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }
}
