//! Golden transcripts: scripts run by the real program, and what it prints.
//!
//! Each `tests/golden/NAME.fql` and `examples/NAME.fql` runs in an empty directory with a fresh file; its output, with
//! times, ids and secrets masked, must be that of `tests/golden/NAME.out`. `FQL_BLESS=1` writes the outputs anew: read
//! the difference before you keep it.

use fancy_regex::Regex;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The program with nothing of the tester's surroundings.
pub fn program(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fql"));
    command
        .current_dir(directory)
        .env_remove("FAUNA_SECRET")
        .env_remove("NO_COLOR")
        .env("FQL_HISTORY", "");
    command
}

fn scripts() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut scripts = Vec::new();
    for directory in ["tests/golden", "examples"] {
        for entry in std::fs::read_dir(root.join(directory)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "fql") {
                scripts.push(path);
            }
        }
    }
    scripts.sort();
    scripts
}

/// What a script prints, on both streams, and how it ends.
fn transcript(script: &Path) -> String {
    let directory = tempfile::tempdir().unwrap();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for neighbour in std::fs::read_dir(golden).unwrap() {
        let path = neighbour.unwrap().path();
        std::fs::copy(&path, directory.path().join(path.file_name().unwrap())).unwrap();
    }
    let name = script.file_name().unwrap();
    std::fs::copy(script, directory.path().join(name)).unwrap();
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut command = program(directory.path());
    command
        .args(["--echo", "test.db", "-f"])
        .arg(name)
        .stdin(Stdio::null())
        .stdout(writer.try_clone().unwrap())
        .stderr(writer);
    let mut child = command.spawn().unwrap();
    // The command keeps the writing end open.
    drop(command);
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    let status = child.wait().unwrap();
    format!("{}exit {}\n", masked(&text), status.code().unwrap_or(-1))
}

/// A text without what differs from run to run.
fn masked(text: &str) -> String {
    let masks = [
        (r#"Time\("[^"]*"\)"#, "Time(\"<time>\")"),
        (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "<time>"),
        (r"\bfn[A-H][A-Za-z0-9_-]{30,}", "<secret>"),
        (r"\b\d{15,19}\b", "<id>"),
        (r#"global_id: "[^"]*""#, "global_id: \"<global id>\""),
        (r#"after: "[^"]*""#, "after: \"<cursor>\""),
        (r"\d+\.\d+ ms", "<n> ms"),
    ];
    masks
        .iter()
        .fold(text.to_string(), |text, (pattern, mask)| {
            Regex::new(pattern)
                .unwrap()
                .replace_all(&text, *mask)
                .into_owned()
        })
}

#[test]
fn transcripts_are_as_recorded() {
    let bless = std::env::var_os("FQL_BLESS").is_some();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut different = Vec::new();
    for script in scripts() {
        let found = transcript(&script);
        let recorded = golden
            .join(script.file_name().unwrap())
            .with_extension("out");
        if bless {
            std::fs::write(&recorded, &found).unwrap();
            continue;
        }
        let expected = std::fs::read_to_string(&recorded).unwrap_or_default();
        if found != expected {
            let line = found
                .lines()
                .zip(expected.lines())
                .position(|(a, b)| a != b);
            let line = line.unwrap_or(found.lines().count().min(expected.lines().count()));
            different.push(format!(
                "{}, line {}:\n  expected: {}\n  found:    {}",
                recorded.display(),
                line + 1,
                expected.lines().nth(line).unwrap_or("(end)"),
                found.lines().nth(line).unwrap_or("(end)"),
            ));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}
