//! Whole processes: from start to first result.

use crate::{Row, pair};
use std::process::{Command, Stdio};

/// The release binary beside this package, unless `FQL_BIN` names another.
fn binary() -> String {
    let built = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/release/fql");
    std::env::var("FQL_BIN").unwrap_or_else(|_| built.to_string())
}

pub fn process_start() -> Vec<Row> {
    let dir = tempfile::tempdir().expect("a directory");
    let (ours, theirs) = (dir.path().join("s.fql"), dir.path().join("s.sqlite"));
    let fql = |file: &std::path::Path| {
        let status = Command::new(binary()).arg(file).args(["-e", "1 + 1"]).stdout(Stdio::null()).status();
        assert!(status.expect("fql, built with --release").success());
        1
    };
    let sqlite = |file: &std::path::Path| {
        let status = Command::new("sqlite3").arg(file).arg("select 1 + 1").stdout(Stdio::null()).status();
        assert!(status.expect("the sqlite3 command").success());
        1
    };
    vec![pair("process start to first result", "sqlite3", 40, || fql(&ours), || sqlite(&theirs))]
}
