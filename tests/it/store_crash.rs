//! Kill -9 at any moment: what was acknowledged is there, and no transaction is torn.
//!
//! A helper process commits from several threads and tells every acknowledgement on its standard
//! output; it is killed; the file is opened and checked; the next round goes on with the same file.
//! `FQL_CRASH_ROUNDS` sets how often (20).

use crate::store_process::{helper, helper_path};
use fql::store::{Commit, Read, RedbStore, Snapshot, Store, Table, TxnTime, Write};
use smallvec::smallvec;
use std::io::{Read as _, Write as _};
use std::process::Stdio;
use std::time::Duration;

const CLIENTS: u8 = 4;
/// Older transactions' keys are deleted, so that pages are freed and used again.
const KEPT: u64 = 12;

fn counter_key(client: u8) -> Vec<u8> {
    vec![b'c', client]
}

fn data_key(client: u8, number: u64) -> Vec<u8> {
    let mut key = vec![client];
    key.extend(number.to_be_bytes());
    key
}

/// Bytes that only this transaction writes to this table; of many lengths, some longer than a page.
fn data_value(table: Table, client: u8, number: u64) -> Vec<u8> {
    let mix =
        number.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ u64::from(client) << 32 ^ table.index() as u64;
    let length = if mix.is_multiple_of(17) {
        20_000
    } else {
        10 + mix % 900
    };
    (0..length)
        .map(|at| (mix.rotate_left((at % 64) as u32) ^ at) as u8)
        .collect()
}

const DATA_TABLES: [Table; 4] = [
    Table::Documents,
    Table::History,
    Table::Index,
    Table::IndexHistory,
];

fn transaction(snapshot: TxnTime, client: u8, number: u64) -> Commit {
    let write = |table, key, value| Write {
        table,
        key,
        value,
        stamps: smallvec![],
    };
    let mut writes = vec![write(
        Table::System,
        counter_key(client),
        Some(number.to_be_bytes().to_vec()),
    )];
    for table in DATA_TABLES {
        writes.push(write(
            table,
            data_key(client, number),
            Some(data_value(table, client, number)),
        ));
        if let Some(old) = number.checked_sub(KEPT) {
            writes.push(write(table, data_key(client, old), None));
        }
    }
    Commit {
        snapshot,
        reads: vec![Read::Point(Table::System, counter_key(client))],
        writes,
        clears: vec![],
    }
}

fn counter(snapshot: &dyn Snapshot, client: u8) -> u64 {
    snapshot
        .get(Table::System, &counter_key(client))
        .unwrap()
        .map_or(0, |value| u64::from_be_bytes(value[..].try_into().unwrap()))
}

/// Not a test by itself: commits until it is killed.
#[test]
fn commit_helper() {
    let Some(path) = helper_path() else { return };
    let store = RedbStore::open(path).unwrap();
    println!();
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let store = &store;
            scope.spawn(move || {
                loop {
                    let snapshot = store.snapshot().unwrap();
                    let number = counter(&*snapshot, client) + 1;
                    store
                        .commit(transaction(snapshot.time(), client, number))
                        .unwrap();
                    let mut out = std::io::stdout().lock();
                    out.write_all(format!("ack {client} {number}\n").as_bytes())
                        .unwrap();
                    out.flush().unwrap();
                }
            });
        }
    });
}

#[test]
fn acknowledged_commits_survive_kill_nine() {
    let rounds: u32 = std::env::var("FQL_CRASH_ROUNDS")
        .ok()
        .and_then(|rounds| rounds.parse().ok())
        .unwrap_or(20);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("crash.fql");
    let mut reached = [0u64; CLIENTS as usize];
    let mut newest = TxnTime::default();
    let mut acknowledged_in_all = 0u64;
    for round in 0..rounds {
        let mut child = helper("store_crash::commit_helper", &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_micros(rand::random_range(0..150_000)));
        child.kill().unwrap();
        let mut told = String::new();
        child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut told)
            .unwrap();
        child.wait().unwrap();

        let mut acknowledged = reached;
        for line in told.lines() {
            let mut words = line.split(' ');
            if words.next() == Some("ack")
                && let (Some(Ok(client)), Some(Ok(number))) = (
                    words.next().map(str::parse::<usize>),
                    words.next().map(str::parse::<u64>),
                )
            {
                // The last line may be cut off, so that its number is too small: that does no harm.
                acknowledged[client] = acknowledged[client].max(number);
                acknowledged_in_all += 1;
            }
        }

        let store = RedbStore::open(&path).unwrap();
        let snapshot = store.snapshot().unwrap();
        assert!(
            snapshot.time() >= newest,
            "round {round}: the time went back"
        );
        newest = snapshot.time();
        for client in 0..CLIENTS {
            let number = counter(&*snapshot, client);
            let known = acknowledged[usize::from(client)];
            assert!(
                number >= known,
                "round {round}: client {client} was told {known}, the file has {number}"
            );
            assert!(
                number <= known + 1,
                "round {round}: client {client} asked for {known} + 1, the file has {number}"
            );
            for table in DATA_TABLES {
                let mut present = Vec::new();
                for near in number.saturating_sub(KEPT + 2).max(1)..=number + 2 {
                    if let Some(value) = snapshot.get(table, &data_key(client, near)).unwrap() {
                        assert!(
                            *value == *data_value(table, client, near),
                            "round {round}: {table:?} {client} {near}"
                        );
                        present.push(near);
                    }
                }
                let expected: Vec<u64> =
                    (number.saturating_sub(KEPT - 1).max(1)..=number).collect();
                assert_eq!(
                    present, expected,
                    "round {round}: {table:?} {client} is torn"
                );
            }
            reached[usize::from(client)] = number;
        }
    }
    if rounds >= 10 {
        assert!(acknowledged_in_all > 0, "no round came as far as a commit");
    }
    println!("{rounds} rounds, {acknowledged_in_all} acknowledged commits");
}
