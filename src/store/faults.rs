//! What a failing disk and a power cut do to the file (tests).
//!
//! A [`Probe`] sits where the store's file is written: it records every step, and fails the one it
//! is told to.

use super::file::Step;
use super::pipeline::{Engine, Prepared};
use super::redb_engine::RedbEngine;
use super::{Bytes, RedbStore, Snapshot, Store, StoreError, Table, TxnTime};
use parking_lot::Mutex;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Probe {
    /// `None`: nothing is recorded.
    journal: Mutex<Option<Vec<Step>>>,
    /// How many steps still succeed; then all fail, until it is set anew. `None`: all succeed.
    successes: Mutex<Option<u32>>,
}

impl Probe {
    /// Called before each step is done.
    pub(super) fn pass(&self, step: impl FnOnce() -> Step) -> io::Result<()> {
        match &mut *self.successes.lock() {
            Some(0) => return Err(io::ErrorKind::StorageFull.into()),
            Some(left) => *left -= 1,
            None => {}
        }
        if let Some(journal) = &mut *self.journal.lock() {
            journal.push(step());
        }
        Ok(())
    }

    fn steps(&self) -> usize {
        self.journal.lock().as_ref().map_or(0, Vec::len)
    }
}

/// Commit `number`: a counter, and values of many lengths that belong together.
fn numbered(number: u32) -> Vec<Prepared> {
    let mut keys = Vec::new();
    let mut values = Vec::new();
    for table in [Table::Documents, Table::Index] {
        keys.push((table, Bytes::from((number % 50).to_be_bytes())));
        values.push(Some(value(number)));
    }
    keys.push((Table::System, Bytes::from(*b"counter")));
    values.push(Some(number.to_be_bytes().to_vec()));
    vec![Prepared {
        time: TxnTime(i64::from(number)),
        clears: Arc::default(),
        keys: Arc::new(keys),
        values,
    }]
}

fn value(number: u32) -> Vec<u8> {
    let length = if number.is_multiple_of(7) {
        9000
    } else {
        number * 37 % 700 + 4
    };
    number
        .to_be_bytes()
        .into_iter()
        .cycle()
        .take(length as usize)
        .collect()
}

/// The number of the newest commit; asserts that it and the ones before it are whole.
fn newest(snapshot: &dyn Snapshot) -> u32 {
    let number = snapshot
        .get(Table::System, b"counter")
        .unwrap()
        .map_or(0, |bytes| u32::from_be_bytes(bytes[..].try_into().unwrap()));
    assert_eq!(snapshot.time(), TxnTime(i64::from(number)));
    for past in number.saturating_sub(49).max(1)..=number {
        for table in [Table::Documents, Table::Index] {
            let found = snapshot.get(table, &(past % 50).to_be_bytes()).unwrap();
            assert_eq!(
                found.as_deref(),
                Some(&value(past)[..]),
                "{past} of {number}"
            );
        }
    }
    number
}

fn database(path: &Path, commits: u32) -> RedbEngine {
    let mut engine = RedbEngine::open(path, 1 << 20, TxnTime(0)).unwrap();
    for number in 1..=commits {
        engine.apply(&numbered(number)).unwrap();
    }
    engine
}

#[test]
fn a_step_that_fails_leaves_the_store_whole() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    let mut engine = database(&path, 20);
    let mut acknowledged = 20;
    let mut failures = 0;
    for successes in 0..60 {
        for faulty in [true, true, false] {
            // After a failure this also fails what was held back while the file was opened again.
            *engine.file().probe.successes.lock() = faulty.then_some(successes % 12);
            match engine.apply(&numbered(acknowledged + 1)) {
                Ok(snapshot) => {
                    acknowledged += 1;
                    assert_eq!(newest(&*snapshot), acknowledged);
                }
                Err(StoreError::Io(_)) => {
                    failures += 1;
                    let number = newest(&*engine.recover().unwrap());
                    assert!(number == acknowledged || number == acknowledged + 1);
                    acknowledged = number;
                }
                Err(other) => panic!("{other:?}"),
            }
        }
    }
    assert!(
        failures > 20 && acknowledged > 40,
        "{failures} failures, {acknowledged} commits"
    );
    drop(engine);
    let store = RedbStore::open(&path).unwrap();
    assert_eq!(newest(&*store.snapshot().unwrap()), acknowledged);
}

#[test]
fn a_power_cut_loses_nothing_that_was_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    drop(database(&path, 30));
    let start = fs::read(&path).unwrap();
    let mut engine = RedbEngine::open(&path, 1 << 20, TxnTime(0)).unwrap();
    *engine.file().probe.journal.lock() = Some(Vec::new());
    // By number: how many steps were done when it was acknowledged.
    let mut acknowledged = vec![(30, 0)];
    for number in 31..=120 {
        engine.apply(&numbered(number)).unwrap();
        acknowledged.push((number, engine.file().probe.steps()));
    }
    let file = engine.file().clone();
    drop(engine);
    let steps = file.probe.journal.lock().take().unwrap();
    drop(file);

    for _ in 0..80 {
        let cut = rand::random_range(0..=steps.len());
        let synced = steps[..cut]
            .iter()
            .rposition(|step| matches!(step, Step::Sync))
            .map_or(0, |at| at + 1);
        let mut image = start.clone();
        for step in &steps[..synced] {
            perform(&mut image, step);
        }
        // What was not synced may be on disk or not, a write also in part.
        for step in &steps[synced..cut] {
            match (rand::random_range(0..3), step) {
                (0, _) => {}
                (1, Step::Write(offset, bytes)) => {
                    let sectors = rand::random_range(0..=bytes.len() / 512) * 512;
                    perform(&mut image, &Step::Write(*offset, bytes[..sectors].to_vec()));
                }
                (_, step) => perform(&mut image, step),
            }
        }
        let path = directory.path().join("image");
        fs::write(&path, image).unwrap();
        let store = RedbStore::open(&path).unwrap();
        let found = newest(&*store.snapshot().unwrap());
        let known = acknowledged.iter().rfind(|(_, at)| *at <= cut).unwrap().0;
        assert!(
            found == known || found == known + 1,
            "{known} was acknowledged, {found} was found"
        );
        drop(store);
        fs::remove_file(&path).unwrap();
    }
}

fn perform(image: &mut Vec<u8>, step: &Step) {
    match step {
        Step::Write(offset, bytes) => {
            let start = *offset as usize;
            let end = start + bytes.len();
            if image.len() < end {
                image.resize(end, 0);
            }
            image[start..end].copy_from_slice(bytes);
        }
        Step::SetLength(length) => image.resize(*length as usize, 0),
        Step::Sync => {}
    }
}
