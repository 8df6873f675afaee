//! Second processes for the store's tests: this test binary, started again for one helper "test".

use std::path::{Path, PathBuf};
use std::process::Command;

const PATH: &str = "FQL_STORE_HELPER_PATH";

/// The command that runs the helper `name` (module and function) on a database file.
pub fn helper(name: &str, path: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(PATH, path);
    command
}

/// In a helper: the file it was started for. `None`: the helper runs as one of all tests, and has nothing to do.
pub fn helper_path() -> Option<PathBuf> {
    std::env::var_os(PATH).map(PathBuf::from)
}
