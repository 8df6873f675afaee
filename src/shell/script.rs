//! Scripts: `-e`, `-f`, standard input, `:load`.
//!
//! A script stops at its first failing query and says which file and line that is; what ran before it has happened.

use super::language::{Items, Language};
use super::{Input, Options, Origin, Shell, Status, Stop, commands};
use crate::fql::syntax::{ScriptItem, ScriptItemKind, Source};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Read};
use std::path::Path;

/// Scripts with fewer items than this show no progress.
const LONG_SCRIPT: usize = 100;

/// Runs `-e` and `-f` in the order given.
pub(super) fn run_inputs(shell: &mut Shell, options: &Options) -> Result<Status, Stop> {
    let mut status = Status::Success;
    for input in &options.inputs {
        match run_input(shell, options, input)? {
            Status::Success => {}
            Status::Failed if options.keep_going => status = Status::Failed,
            worse => return Ok(worse),
        }
    }
    Ok(status)
}

/// Runs one script.
pub(super) fn run_input(
    shell: &mut Shell,
    options: &Options,
    input: &Input,
) -> Result<Status, Stop> {
    let (name, text) = match input {
        Input::Text(text) => ("-e".to_string(), Ok(text.clone())),
        Input::Script(path) if path.as_os_str() == "-" => ("stdin".to_string(), read_stdin()),
        Input::Script(path) => (path.display().to_string(), read_file(path)),
    };
    let text = match text {
        Ok(text) => text,
        Err(message) => {
            shell.output.failure(&format!("{name}: {message}"))?;
            return Ok(Status::Unusable);
        }
    };
    if let Input::Script(path) = input {
        shell.loading.push(path.clone());
    }
    let done = match options.single_transaction {
        true => run_whole(shell, &name, &text),
        false => run_text(shell, &name, &text, false),
    };
    if let Input::Script(_) = input {
        shell.loading.pop();
    }
    match done {
        Ok(()) => Ok(Status::Success),
        Err(Stop::Failed) => Ok(Status::Failed),
        Err(stop) => Err(stop),
    }
}

/// Runs the items of a script one after the other.
pub(super) fn run_text(
    shell: &mut Shell,
    name: &str,
    text: &str,
    progress: bool,
) -> Result<(), Stop> {
    let mut items = Items::new(text, shell.language);
    let source = Source::new(name, text);
    let bar = (progress && items.left() >= LONG_SCRIPT && !shell.echo && !shell.quiet)
        .then(|| progress_bar(items.left()));
    let mut failed = 0;
    let mut at = 0;
    while let Some(item) = items.next(shell.language) {
        let item = match item {
            Ok(item) => item,
            Err(error) => {
                shell.refuse_text(&error, &source)?;
                return Err(Stop::Failed);
            }
        };
        let item = &item;
        let part = text_of(text, item);
        if shell.echo {
            echo(
                shell,
                text.get(at..item.span.start as usize).unwrap_or(""),
                part,
            )?;
        }
        at = item.span.end as usize;
        let origin = Origin {
            script: &source,
            offset: item.span.start,
        };
        match shell.run(part, item.kind, Some(origin)) {
            Ok(()) => {}
            Err(Stop::Failed) if shell.keep_going => {
                misread_command(shell, item, part)?;
                failed += 1;
                shell
                    .output
                    .note(&format!("{name}:{}: failed, going on", item.line))?;
            }
            Err(Stop::Failed) => {
                misread_command(shell, item, part)?;
                let left = items.left();
                let what = match item.kind {
                    ScriptItemKind::Query => "query",
                    ScriptItemKind::Command => "command",
                };
                let rest = match left {
                    0 => String::new(),
                    1 => "; 1 item after it was not run".to_string(),
                    _ => format!("; {left} items after it were not run"),
                };
                shell.output.note(&format!(
                    "{name}:{}: stopped at this {what}{rest}",
                    item.line
                ))?;
                return Err(Stop::Failed);
            }
            Err(stop) => return Err(stop),
        }
        if let Some(bar) = &bar {
            bar.inc(1);
        }
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    if shell.echo {
        comments(shell, text.get(at..).unwrap_or(""))?;
    }
    match failed {
        0 => Ok(()),
        _ => Err(Stop::Failed),
    }
}

/// In a script a line like `.exit` goes on with the query above it, as `.first()` does. Says so where a query failed that
/// has such a line.
fn misread_command(shell: &mut Shell, item: &ScriptItem, text: &str) -> Result<(), Stop> {
    if item.kind == ScriptItemKind::Command {
        return Ok(());
    }
    let mut further = text.lines().skip(1).map(str::trim);
    let name = further.find_map(|line| {
        line.strip_prefix('.')
            .filter(|name| commands::find(name).is_some())
    });
    match name {
        Some(name) => Ok(shell.output.note(&format!(
            "`.{name}` goes on with the query above it; the command is `:{name}`"
        ))?),
        None => Ok(()),
    }
}

/// Runs a script as one query.
fn run_whole(shell: &mut Shell, name: &str, text: &str) -> Result<(), Stop> {
    let source = Source::new(name, text);
    let mut items = Vec::new();
    let mut all = Items::new(text, shell.language);
    while let Some(item) = all.next(shell.language) {
        match item {
            Ok(item) => items.push(item),
            Err(error) => return shell.refuse_text(&error, &source),
        }
    }
    if let Some(command) = items
        .iter()
        .find(|item| item.kind == ScriptItemKind::Command)
    {
        let line = command.line;
        shell.output.failure(&format!(
            "{name}:{line}: a command cannot be part of a single transaction"
        ))?;
        return Err(Stop::Failed);
    }
    if items.is_empty() {
        return Ok(());
    }
    if shell.echo {
        let prompt = shell.place.prompt();
        shell.output.echo(&prompt, text.trim_end())?;
    }
    let origin = Origin {
        script: &source,
        offset: 0,
    };
    if shell.language == Language::V4 {
        return shell.run_legacy_together(text, &items, &origin);
    }
    shell.run(text, ScriptItemKind::Query, Some(origin))
}

/// Shows the comments before an item, and the item, as a session would.
fn echo(shell: &mut Shell, before: &str, item: &str) -> Result<(), Stop> {
    comments(shell, before)?;
    let prompt = shell.place.prompt();
    shell
        .output
        .echo(&prompt, super::history::without_secrets(item).as_ref())?;
    Ok(())
}

fn comments(shell: &mut Shell, text: &str) -> Result<(), Stop> {
    let comment = match shell.language {
        Language::V10 => text.trim(),
        // Between statements there may be semicolons, too.
        Language::V4 => text.trim_start_matches([';', ' ', '\t']).trim(),
    };
    if !comment.is_empty() {
        // A paragraph of its own in the script is one in the transcript.
        if text.starts_with("\n\n") {
            shell.output.verbatim("")?;
        }
        shell.output.verbatim(comment)?;
    }
    Ok(())
}

/// The text of an item.
pub(super) fn text_of<'t>(text: &'t str, item: &ScriptItem) -> &'t str {
    text.get(item.span.start as usize..item.span.end as usize)
        .unwrap_or_default()
}

/// A script file as text.
pub(super) fn read_file(path: &Path) -> Result<String, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    decode(bytes)
}

fn read_stdin() -> Result<String, String> {
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    decode(bytes)
}

/// Bytes as text; says where they are not.
fn decode(bytes: Vec<u8>) -> Result<String, String> {
    let bytes = match bytes.strip_prefix(b"\xEF\xBB\xBF") {
        Some(rest) => rest.to_vec(),
        None => bytes,
    };
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        let before = bytes.get(..at).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let byte = bytes.get(at).copied().unwrap_or_default();
        format!("line {line}: not UTF-8 text (byte {at} is 0x{byte:02x})")
    })
}

fn progress_bar(items: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let template = "{bar:30} {pos}/{len}  {per_sec}  {eta} left";
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(items as u64).with_style(style)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_are_named() {
        assert_eq!(
            decode(b"1\n2\xff".to_vec()).unwrap_err(),
            "line 2: not UTF-8 text (byte 3 is 0xff)"
        );
        assert_eq!(decode(b"\xEF\xBB\xBF1".to_vec()).unwrap(), "1");
    }
}
