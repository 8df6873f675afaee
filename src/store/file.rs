//! The database file: what may be opened, and what opening does to it.
//!
//! Rule: a file that is not ours, or is damaged, or is newer than this program, stays as it is, byte
//! for byte. So redb never gets the file itself while it opens it, but a [`DeferredBackend`]: what
//! redb writes (its "in use" mark, its repairs) is held back in memory until the store has looked
//! at the tables and found them its own, and wants to commit for the first time. As a bonus, a
//! program that only reads never writes and never waits for a sync.

use super::StoreError;
use parking_lot::RwLock;
use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The first bytes of every redb file.
const REDB_MAGIC: [u8; 9] = [b'r', b'e', b'd', b'b', 0x1A, 0x0A, 0xA9, 0x0D, 0x0A];
/// Where redb's header says how long the file is: page size, then the pages of a region's header,
/// of a region, the number of full regions, and the pages of a last, shorter region.
const GEOMETRY: std::ops::Range<usize> = 12..32;
/// The length of the header with both commit slots.
const HEADER_LENGTH: usize = 320;
/// The flag of the header's tenth byte that says: was not closed cleanly.
const RECOVERY_REQUIRED: u8 = 2;

/// A file that may be opened as a database.
pub(super) struct Candidate {
    /// The open file.
    pub(super) file: File,
    /// It holds nothing yet.
    pub(super) empty: bool,
    /// It was not closed cleanly: what redb repairs is worth keeping.
    pub(super) unclean: bool,
}

/// Opens a file and checks what can be told from its first bytes. `None`: there is no such file.
pub(super) fn open_candidate(path: &Path) -> Result<Option<Candidate>, StoreError> {
    let unusable = |why: &str| StoreError::Unusable(format!("{}: {why}", path.display()));
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => return Err(unusable("is a directory")),
        Ok(metadata) if !metadata.is_file() => return Err(unusable("is not a regular file")),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            match fs::symlink_metadata(path) {
                Err(_) => return Ok(None),
                // It leads nowhere.
                Ok(link) if link.is_symlink() => return Err(unusable(&error.to_string())),
                // Somebody has just made it.
                Ok(_) => {}
            }
        }
        Err(error) => return Err(unusable(&error.to_string())),
    }
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .map_err(|error| unusable(&error.to_string()))?;
    let length = file
        .metadata()
        .map_err(|error| unusable(&error.to_string()))?
        .len();
    let mut header = Vec::with_capacity(HEADER_LENGTH);
    (&mut file)
        .take(HEADER_LENGTH as u64)
        .read_to_end(&mut header)
        .map_err(|error| unusable(&error.to_string()))?;
    if header.is_empty() {
        return Ok(Some(Candidate {
            file,
            empty: true,
            unclean: true,
        }));
    }
    if !header.starts_with(&REDB_MAGIC) {
        return Err(unusable("is not an fql database"));
    }
    // A writer in another process may be growing the file: then its length means nothing here, and
    // the lock will say so.
    let unclean = header
        .get(REDB_MAGIC.len())
        .is_none_or(|flags| flags & RECOVERY_REQUIRED != 0);
    if !is_locked(&file) && stated_length(&header).is_none_or(|stated| length < stated) {
        return Err(unusable(
            "is damaged: the file is shorter than it should be",
        ));
    }
    Ok(Some(Candidate {
        file,
        empty: false,
        unclean,
    }))
}

/// Whether another open file holds the lock. A look only: the lock itself is taken by redb.
fn is_locked(file: &File) -> bool {
    match file.try_lock() {
        Ok(()) => {
            let _ = file.unlock();
            false
        }
        Err(fs::TryLockError::WouldBlock) => true,
        Err(fs::TryLockError::Error(_)) => false,
    }
}

/// The length the header claims for the file.
fn stated_length(header: &[u8]) -> Option<u64> {
    if header.len() < HEADER_LENGTH {
        return None;
    }
    let mut words = header.get(GEOMETRY)?.chunks_exact(4).map(|word| {
        let word: [u8; 4] = word.try_into().unwrap_or_default();
        u64::from(u32::from_le_bytes(word))
    });
    let (page, region_header, region, regions, last) = (
        words.next()?,
        words.next()?,
        words.next()?,
        words.next()?,
        words.next()?,
    );
    let last_region = if last > 0 { region_header + last } else { 0 };
    regions
        .checked_mul(region_header + region)?
        .checked_add(last_region)?
        .checked_add(1)?
        .checked_mul(page)
}

/// A new file beside `path`, that becomes `path` only when it is complete: a crash while a database
/// is made leaves no half-made file under its name.
pub(super) struct NewFile {
    temporary: PathBuf,
    path: PathBuf,
}

impl NewFile {
    /// Creates the file under its temporary name.
    pub(super) fn create(path: &Path) -> Result<(NewFile, File), StoreError> {
        let unusable =
            |error: io::Error| StoreError::Unusable(format!("{}: {error}", path.display()));
        let mut name = path
            .file_name()
            .ok_or_else(|| StoreError::Unusable(format!("{}: is not a file name", path.display())))?
            .to_owned();
        name.push(format!(".{}.new", std::process::id()));
        let mut temporary = path.with_file_name(&name);
        // The number tells stores of one process apart.
        for number in 0.. {
            let mut options = OpenOptions::new();
            match options
                .read(true)
                .write(true)
                .create_new(true)
                .open(&temporary)
            {
                Ok(file) => {
                    let path = path.to_owned();
                    return Ok((NewFile { temporary, path }, file));
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 1000 => {
                    let mut numbered = name.clone();
                    numbered.push(number.to_string());
                    temporary = path.with_file_name(numbered);
                }
                Err(error) => return Err(unusable(error)),
            }
        }
        Err(unusable(io::ErrorKind::AlreadyExists.into()))
    }

    /// Gives the complete file its name. `false`: somebody else has made a file of that name.
    pub(super) fn publish(self) -> Result<bool, StoreError> {
        let published = match fs::hard_link(&self.temporary, &self.path) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
            // A file system without hard links.
            Err(_) if !self.path.exists() => {
                fs::rename(&self.temporary, &self.path).map_err(|error| {
                    StoreError::Unusable(format!("{}: {error}", self.path.display()))
                })?;
                true
            }
            Err(_) => false,
        };
        if published {
            sync_directory(&self.path);
        }
        Ok(published)
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.temporary);
    }
}

/// Makes a new name durable. Not every system can; the file's own syncs do not depend on it.
fn sync_directory(path: &Path) {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    if let Ok(directory) = File::open(directory) {
        let _ = directory.sync_all();
    }
}

/// redb's file, with writes held back until [`Deferred::release`].
#[derive(Clone, Debug)]
pub(super) struct DeferredBackend(Arc<Deferred>);

/// The file and what was held back.
#[derive(Debug)]
pub(super) struct Deferred {
    file: FileBackend,
    released: AtomicBool,
    held: RwLock<Held>,
    #[cfg(test)]
    pub(super) probe: super::faults::Probe,
}

/// What redb did while it opened the file, in order.
#[derive(Debug, Default)]
struct Held {
    steps: Vec<Step>,
    /// The length the file would have; `None`: as it is.
    length: Option<u64>,
    /// From here on the file is as it would be. (What is held back is redb's header, as a rule.)
    untouched_from: u64,
}

/// Something done to the file.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Write(u64, Vec<u8>),
    SetLength(u64),
    Sync,
}

impl DeferredBackend {
    /// Takes a file; its writes pass at once if `released`.
    pub(super) fn new(file: File, released: bool) -> Result<DeferredBackend, StoreError> {
        let file = FileBackend::new(file).map_err(|error| StoreError::Io(error.to_string()))?;
        Ok(DeferredBackend(Arc::new(Deferred {
            file,
            released: AtomicBool::new(released),
            held: RwLock::default(),
            #[cfg(test)]
            probe: super::faults::Probe::default(),
        })))
    }

    /// A handle that outlives redb's taking the backend.
    pub(super) fn handle(&self) -> Arc<Deferred> {
        self.0.clone()
    }
}

impl Deferred {
    /// Writes what was held back, in order, and lets writes pass from now on.
    pub(super) fn release(&self) -> Result<(), StoreError> {
        self.release_steps(true)
    }

    /// The same for a file that has no name yet: nobody can find it half-made, so one sync, at the
    /// end, does.
    pub(super) fn release_new(&self) -> Result<(), StoreError> {
        self.release_steps(false)
    }

    fn release_steps(&self, in_order: bool) -> Result<(), StoreError> {
        if self.is_released() {
            return Ok(());
        }
        let failed = |error: io::Error| StoreError::Io(error.to_string());
        let mut held = self.held.write();
        for step in &held.steps {
            match step {
                Step::Write(offset, bytes) => self.write(*offset, bytes),
                Step::SetLength(length) => self.set_length(*length),
                Step::Sync if in_order => self.sync(),
                Step::Sync => Ok(()),
            }
            .map_err(failed)?;
        }
        if !in_order {
            self.sync().map_err(failed)?;
        }
        *held = Held::default();
        self.released.store(true, Ordering::Release);
        Ok(())
    }

    fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        #[cfg(test)]
        self.probe.pass(|| Step::Write(offset, bytes.to_vec()))?;
        self.file.write(offset, bytes)
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        #[cfg(test)]
        self.probe.pass(|| Step::SetLength(length))?;
        self.file.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        #[cfg(test)]
        self.probe.pass(|| Step::Sync)?;
        self.file.sync_data()
    }

    fn is_released(&self) -> bool {
        self.released.load(Ordering::Acquire)
    }

    /// Holds a step back, or answers that writes pass.
    fn hold(&self, step: impl FnOnce() -> Step) -> io::Result<bool> {
        if self.is_released() {
            return Ok(false);
        }
        let mut held = self.held.write();
        if self.is_released() {
            return Ok(false);
        }
        let step = step();
        match &step {
            Step::Write(offset, bytes) => {
                let end = offset.saturating_add(bytes.len() as u64);
                let length = held.length.map_or_else(|| self.file.len(), Ok)?;
                held.length = Some(length.max(end));
                held.untouched_from = held.untouched_from.max(end);
            }
            Step::SetLength(length) => {
                held.length = Some(*length);
                held.untouched_from = u64::MAX;
            }
            Step::Sync => {}
        }
        held.steps.push(step);
        Ok(true)
    }

    /// Reads the file as it would be had nothing been held back.
    fn read_held(&self, held: &Held, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let wanted = out.len() as u64;
        let on_disk = self.file.len()?.saturating_sub(offset).min(wanted);
        let end = offset.saturating_add(wanted);
        if end > held.length.map_or_else(|| self.file.len(), Ok)? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let (present, absent) = out.split_at_mut(usize::try_from(on_disk).unwrap_or(0));
        absent.fill(0);
        if !present.is_empty() {
            self.file.read(offset, present)?;
        }
        for step in &held.steps {
            match step {
                Step::Write(at, bytes) => overlay(out, offset, *at, bytes),
                Step::SetLength(length) => {
                    let kept = usize::try_from(length.saturating_sub(offset)).unwrap_or(usize::MAX);
                    if let Some(cut) = out.get_mut(kept..) {
                        cut.fill(0);
                    }
                }
                Step::Sync => {}
            }
        }
        Ok(())
    }
}

/// Copies the part of `bytes` (which lie at `at`) that falls into `out` (which lies at `offset`).
fn overlay(out: &mut [u8], offset: u64, at: u64, bytes: &[u8]) {
    let skip_out = usize::try_from(at.saturating_sub(offset)).unwrap_or(usize::MAX);
    let skip_bytes = usize::try_from(offset.saturating_sub(at)).unwrap_or(usize::MAX);
    if let (Some(to), Some(from)) = (out.get_mut(skip_out..), bytes.get(skip_bytes..)) {
        let common = to.len().min(from.len());
        to[..common].copy_from_slice(&from[..common]);
    }
}

impl StorageBackend for DeferredBackend {
    fn len(&self) -> io::Result<u64> {
        if !self.0.is_released()
            && let Some(length) = self.0.held.read().length
        {
            return Ok(length);
        }
        self.0.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if !self.0.is_released() {
            let held = self.0.held.read();
            if offset < held.untouched_from {
                return self.0.read_held(&held, offset, out);
            }
        }
        self.0.file.read(offset, out)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        if self.0.hold(|| Step::SetLength(length))? {
            return Ok(());
        }
        self.0.set_length(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.0.hold(|| Step::Sync)? {
            return Ok(());
        }
        self.0.sync()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if self.0.hold(|| Step::Write(offset, data.to_vec()))? {
            return Ok(());
        }
        self.0.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.0.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.0.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.file.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.file.query_lock_range(start, end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..96u64, prop::collection::vec(1..=255u8, 1..24))
                .prop_map(|(at, b)| Step::Write(at, b)),
            (0..128u64).prop_map(Step::SetLength),
            Just(Step::Sync),
        ]
    }

    proptest! {
        /// What is held back reads as if it had been done.
        #[test]
        fn reads_what_was_held_back(length in 0..96usize, steps in prop::collection::vec(step(), 0..6)) {
            let mut expected: Vec<u8> = (0..length).map(|i| i as u8).collect();
            let mut file = tempfile::tempfile().unwrap();
            std::io::Write::write_all(&mut file, &expected).unwrap();
            let backend = DeferredBackend::new(file, false).unwrap();
            for step in steps {
                match step {
                    Step::Write(at, bytes) => {
                        backend.write(at, &bytes).unwrap();
                        let (at, end) = (at as usize, at as usize + bytes.len());
                        expected.resize(expected.len().max(end), 0);
                        expected[at..end].copy_from_slice(&bytes);
                    }
                    Step::SetLength(length) => {
                        backend.set_len(length).unwrap();
                        expected.resize(length as usize, 0);
                    }
                    Step::Sync => backend.sync_data().unwrap(),
                }
            }
            prop_assert_eq!(backend.len().unwrap(), expected.len() as u64);
            for start in 0..expected.len() {
                let mut out = vec![0; expected.len() - start];
                backend.read(start as u64, &mut out).unwrap();
                prop_assert_eq!(&out, &expected[start..]);
            }
            backend.handle().release().unwrap();
            let mut out = vec![0; expected.len()];
            backend.read(0, &mut out).unwrap();
            prop_assert_eq!(out, expected);
        }
    }
}
