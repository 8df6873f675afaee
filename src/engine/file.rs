//! A database file and how it is opened.

use super::{Engine, OpenError, upkeep};
use crate::store::{Options, RedbStore};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

/// A database file, and what the process that holds it does with it.
#[derive(Clone, Debug)]
pub struct DatabaseFile {
    /// Where it is; created if absent.
    pub path: PathBuf,
    /// How much of it is kept in memory; none: as usual (see [`Options`]).
    pub cache: Option<CacheSize>,
}

/// How much of a file's pages is kept in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheSize {
    bytes: usize,
}

impl FromStr for CacheSize {
    type Err = String;

    /// Megabytes.
    fn from_str(text: &str) -> Result<CacheSize, String> {
        let megabytes: usize = text
            .parse()
            .ok()
            .filter(|megabytes| *megabytes > 0)
            .ok_or("a number of megabytes")?;
        let bytes = megabytes
            .checked_mul(1 << 20)
            .ok_or("more than there can be")?;
        Ok(CacheSize { bytes })
    }
}

impl DatabaseFile {
    /// A file, opened as usual.
    pub fn at(path: impl AsRef<Path>) -> DatabaseFile {
        DatabaseFile {
            path: path.as_ref().to_path_buf(),
            cache: None,
        }
    }

    /// Opens it. The store's `InUse` says that another process holds it.
    pub fn open(&self) -> Result<Arc<Engine>, OpenError> {
        let usual = Options::default();
        let options = Options {
            cache_bytes: self.cache.map_or(usual.cache_bytes, |cache| cache.bytes),
            ..usual
        };
        let engine = Engine::assemble(Arc::new(RedbStore::open_with(&self.path, options)?))?;
        engine.model.upgrade()?;
        upkeep::Upkeep::start(&engine);
        Ok(engine)
    }
}
