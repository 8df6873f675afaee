//! Which files a store opens, which it refuses (and leaves as they are), and what a failing disk does.

use crate::store_process::{helper, helper_path};
use fql::store::{Commit, RedbStore, Store, StoreError, Table, Write};
use redb::ReadableDatabase;
use smallvec::smallvec;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn put(key: &[u8], value: &[u8]) -> Commit {
    Commit {
        writes: vec![Write {
            table: Table::Documents,
            key: key.to_vec(),
            value: Some(value.to_vec()),
            stamps: smallvec![],
        }],
        ..Commit::default()
    }
}

fn get(store: &RedbStore, key: &[u8]) -> Option<Vec<u8>> {
    let snapshot = store.snapshot().unwrap();
    snapshot
        .get(Table::Documents, key)
        .unwrap()
        .map(|value| value.to_vec())
}

/// A cleanly closed database of some hundred pages.
fn database(path: &Path) -> RedbStore {
    let store = RedbStore::open(path).unwrap();
    for n in 0..200u32 {
        store
            .commit(put(&n.to_be_bytes(), &[n as u8; 3000]))
            .unwrap();
    }
    store
}

/// Asserts that the file is refused, by name, and that nothing changes.
fn assert_refused(path: &Path, what: &str) {
    let before = fs::read(path).unwrap();
    let names_before = names(path);
    match RedbStore::open(path) {
        Err(StoreError::Unusable(message)) => {
            assert!(
                message.contains(path.to_str().unwrap()),
                "{what}: {message}"
            );
        }
        Err(other) => panic!("{what}: {other:?}"),
        Ok(_) => panic!("{what}: was opened"),
    }
    assert!(fs::read(path).unwrap() == before, "{what}: was changed");
    assert_eq!(names(path), names_before, "{what}: files appeared");
}

fn names(beside: &Path) -> Vec<PathBuf> {
    let mut names: Vec<PathBuf> = fs::read_dir(beside.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    names.sort();
    names
}

#[test]
fn foreign_files_are_refused_and_stay_as_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    let mut sqlite = b"SQLite format 3\0".to_vec();
    sqlite.resize(8192, 0);
    let redb_magic = b"redb\x1a\x0a\xa9\x0d\x0a";
    let mut redb_noise = redb_magic.to_vec();
    redb_noise.extend((0..20_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8));
    let mut redb_zeros = redb_magic.to_vec();
    redb_zeros.resize(1 << 20, 0);
    for (what, bytes) in [
        ("one byte", b"x".to_vec()),
        ("a text", b"Collection.create({ name: \"A\" })\n".to_vec()),
        ("SQLite", sqlite),
        ("zeros", vec![0; 100_000]),
        ("redb's magic only", redb_magic.to_vec()),
        ("redb's magic and noise", redb_noise),
        ("redb's magic and zeros", redb_zeros),
    ] {
        fs::write(&path, bytes).unwrap();
        assert_refused(&path, what);
    }
}

#[test]
fn other_redb_databases_are_refused_and_stay_as_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    let empty = redb::TableDefinition::<&str, u64>::new("my_data");
    let same_name = redb::TableDefinition::<&str, u64>::new("fql");
    let same_types = redb::TableDefinition::<&[u8], &[u8]>::new("fql");
    for which in 0..3 {
        let _ = fs::remove_file(&path);
        let foreign = redb::Database::create(&path).unwrap();
        let txn = foreign.begin_write().unwrap();
        match which {
            0 => drop(txn.open_table(empty).unwrap()),
            1 => drop(txn.open_table(same_name).unwrap()),
            _ => {
                let mut table = txn.open_table(same_types).unwrap();
                table
                    .insert(b"format".as_slice(), b"something".as_slice())
                    .unwrap();
            }
        }
        txn.commit().unwrap();
        drop(foreign);
        assert_refused(&path, &format!("foreign redb {which}"));
    }
}

#[test]
fn a_newer_format_is_refused_and_stays_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    drop(database(&path));
    let raw = redb::Database::open(&path).unwrap();
    let txn = raw.begin_write().unwrap();
    txn.open_table(redb::TableDefinition::<&[u8], &[u8]>::new("fql"))
        .unwrap()
        .insert(b"format".as_slice(), b"fql\0\0\0\0\x03".as_slice())
        .unwrap();
    txn.commit().unwrap();
    drop(raw);
    let error = RedbStore::open(&path).err().unwrap().to_string();
    assert!(error.contains("newer version of fql"), "{error}");
    assert_refused(&path, "newer");
}

#[test]
fn truncated_files_are_refused_and_stay_as_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    let store = database(&path);
    // As a crash would leave it, and as a clean close leaves it.
    let crashed = fs::read(&path).unwrap();
    drop(store);
    let closed = fs::read(&path).unwrap();
    for whole in [crashed, closed] {
        let length = whole.len();
        for cut in [
            1,
            9,
            100,
            319,
            320,
            4095,
            4096,
            8192,
            length / 3,
            length / 2,
            length - 4096,
            length - 1,
        ] {
            fs::write(&path, &whole[..cut]).unwrap();
            assert_refused(&path, &format!("cut at {cut} of {length}"));
        }
        fs::write(&path, &whole).unwrap();
        let store = RedbStore::open(&path).unwrap();
        assert_eq!(get(&store, &199u32.to_be_bytes()), Some(vec![199; 3000]));
    }
}

#[test]
fn a_damaged_header_is_refused_or_repaired_but_never_changed_in_vain() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    drop(database(&path));
    let whole = fs::read(&path).unwrap();
    let mut refused = 0;
    for at in (0..320).step_by(3) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x5A;
        fs::write(&path, &damaged).unwrap();
        match RedbStore::open(&path) {
            Ok(store) => assert!(get(&store, &0u32.to_be_bytes()).is_some(), "byte {at}"),
            Err(StoreError::Unusable(_)) => {
                refused += 1;
                assert!(fs::read(&path).unwrap() == damaged, "byte {at}");
            }
            Err(other) => panic!("byte {at}: {other:?}"),
        }
    }
    assert!(refused > 0);
}

#[test]
fn what_is_not_a_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing/file");
    for path in [
        directory.path(),
        missing.as_path(),
        Path::new("/"),
        Path::new(""),
    ] {
        assert!(
            matches!(RedbStore::open(path), Err(StoreError::Unusable(_))),
            "{}",
            path.display()
        );
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn an_empty_file_becomes_a_database() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    fs::write(&path, b"").unwrap();
    RedbStore::open(&path)
        .unwrap()
        .commit(put(b"k", b"v"))
        .unwrap();
    assert_eq!(
        get(&RedbStore::open(&path).unwrap(), b"k"),
        Some(b"v".to_vec())
    );
}

#[test]
fn reading_does_not_change_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    drop(database(&path));
    let before = fs::read(&path).unwrap();
    let store = RedbStore::open(&path).unwrap();
    assert_eq!(get(&store, &7u32.to_be_bytes()), Some(vec![7; 3000]));
    drop(store);
    assert!(fs::read(&path).unwrap() == before);
    let store = RedbStore::open(&path).unwrap();
    store.commit(put(b"k", b"v")).unwrap();
    drop(store);
    assert!(fs::read(&path).unwrap() != before);
    assert_eq!(
        get(&RedbStore::open(&path).unwrap(), b"k"),
        Some(b"v".to_vec())
    );
}

#[test]
fn one_store_has_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    let store = database(&path);
    assert!(matches!(RedbStore::open(&path), Err(StoreError::InUse(_))));
    let other = helper("store_files::open_helper", &path).output().unwrap();
    let told = String::from_utf8(other.stdout).unwrap();
    assert!(told.contains("InUse"), "{told}");
    assert_eq!(get(&store, &0u32.to_be_bytes()), Some(vec![0; 3000]));
    drop(store);
    let other = helper("store_files::open_helper", &path).output().unwrap();
    let told = String::from_utf8(other.stdout).unwrap();
    assert!(told.contains("opened"), "{told}");
}

/// Not a test by itself: a second process that opens the file.
#[test]
fn open_helper() {
    let Some(path) = helper_path() else { return };
    match RedbStore::open(path) {
        Ok(_) => println!("opened"),
        Err(error) => println!("{error:?}"),
    }
}

#[test]
fn many_openers_of_a_new_file_make_one_database() {
    let directory = tempfile::tempdir().unwrap();
    let path = Arc::new(directory.path().join("file"));
    let openers: Vec<_> = (0..8)
        .map(|n: u8| {
            let path = path.clone();
            std::thread::spawn(move || {
                loop {
                    match RedbStore::open(&*path) {
                        Ok(store) => return store.commit(put(&[n], b"")).unwrap(),
                        Err(StoreError::InUse(_)) => std::thread::yield_now(),
                        Err(other) => panic!("{other:?}"),
                    }
                }
            })
        })
        .collect();
    let mut times: Vec<_> = openers
        .into_iter()
        .map(|opener| opener.join().unwrap())
        .collect();
    times.sort();
    times.dedup();
    assert_eq!(times.len(), 8);
    let store = RedbStore::open(&*path).unwrap();
    assert!((0..8).all(|n| get(&store, &[n]).is_some()));
    assert_eq!(names(&path), [path.to_path_buf()]);
}

/// A disk without room, for a process of its own: the largest file it may write is 4 MiB.
#[cfg(unix)]
#[test]
fn a_full_disk_fails_the_commit_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    drop(database(&path));
    let inner = helper("store_files::full_disk_helper", &path);
    let mut limited = std::process::Command::new("sh");
    limited
        .arg("-c")
        .arg("trap '' XFSZ; ulimit -f 8192; exec \"$@\"")
        .arg("sh")
        .arg(inner.get_program())
        .args(inner.get_args());
    for (name, value) in inner.get_envs() {
        limited.env(name, value.unwrap_or_default());
    }
    let output = limited.output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && told.contains("held out"),
        "{told}"
    );
    let store = RedbStore::open(&path).unwrap();
    assert_eq!(get(&store, b"before"), Some(b"1".to_vec()));
    assert_eq!(get(&store, b"after"), Some(b"2".to_vec()));
    assert_eq!(get(&store, b"big"), None);
    assert_eq!(get(&store, &9u32.to_be_bytes()), Some(vec![9; 3000]));
}

/// Not a test by itself.
#[test]
fn full_disk_helper() {
    let Some(path) = helper_path() else { return };
    let store = RedbStore::open(path).unwrap();
    store.commit(put(b"before", b"1")).unwrap();
    let held = store.snapshot().unwrap();
    for _ in 0..3 {
        let failure = store.commit(put(b"big", &vec![1; 16 << 20])).unwrap_err();
        assert!(matches!(failure, StoreError::Io(_)), "{failure:?}");
        assert_eq!(get(&store, b"before"), Some(b"1".to_vec()));
        assert_eq!(get(&store, b"big"), None);
        assert_eq!(store.snapshot().unwrap().time(), held.time());
    }
    let time = store.commit(put(b"after", b"2")).unwrap();
    assert!(time > held.time());
    assert_eq!(get(&store, b"after"), Some(b"2".to_vec()));
    println!("held out");
    std::io::stdout().flush().unwrap();
}

#[test]
fn the_file_holds_the_documented_tables() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    drop(RedbStore::open(&path).unwrap());
    let raw = redb::Database::open(&path).unwrap();
    let txn = raw.begin_read().unwrap();
    let mut names: Vec<String> = txn
        .list_tables()
        .unwrap()
        .map(|table| redb::TableHandle::name(&table).to_owned())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "changes",
            "documents",
            "fql",
            "history",
            "index",
            "index_history",
            "system"
        ]
    );
}
