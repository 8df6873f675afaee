//! `fql schema`: schema files between a directory and a database, and what is staged (`spec schema-fsl 13`).
//!
//! The directory's files are all `*.fsl` below it; a file is known by its path there, with `/` between names.

use super::{Status, open_engine, place};
use crate::engine::schema_files::{
    DiffFormat, SchemaAnswer, SchemaBody, SchemaCall, SchemaRefusal, SchemaRequest, Show, Upload,
};
use crate::engine::{Engine, Session};
use crate::fql::syntax::Source;
use crate::fsl::parse;
use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// Bytes of all files of a directory together.
const MAX_BYTES: u64 = 8 << 20;
/// Files of a directory.
const MAX_FILES: usize = 32_000;

/// Read or change the schema of a database with FSL files.
#[derive(clap::Args, Clone, Debug)]
pub struct SchemaOptions {
    #[command(subcommand)]
    command: SchemaCommand,
}

#[derive(clap::Subcommand, Clone, Debug)]
enum SchemaCommand {
    /// Write the database's schema files to a directory
    Pull {
        #[command(flatten)]
        target: Target,
        /// The files of the staged schema
        #[arg(long)]
        staged: bool,
        /// Remove FSL files from the directory that the database does not have
        #[arg(long)]
        delete: bool,
    },
    /// Make the directory's files the schema of the database
    Push {
        #[command(flatten)]
        target: Target,
        /// Do not put them in force yet: `commit` does
        #[arg(long)]
        staged: bool,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
    /// Show what `push` would change
    Diff {
        #[command(flatten)]
        target: Target,
        /// Compare with the staged schema
        #[arg(long)]
        staged: bool,
        /// What is told of a difference
        #[arg(long, value_enum, default_value = "semantic")]
        format: Told,
    },
    /// Show how far the staged schema is, and what it changes
    Status {
        #[command(flatten)]
        target: Target,
        /// What is told of a difference
        #[arg(long, value_enum, default_value = "semantic")]
        format: Told,
    },
    /// Put the staged schema in force
    Commit {
        #[command(flatten)]
        target: Target,
    },
    /// Take the staged schema back
    Abandon {
        #[command(flatten)]
        target: Target,
    },
}

/// Which database, and which directory.
#[derive(clap::Args, Clone, Debug)]
struct Target {
    /// The database file
    #[arg(required_unless_present = "url")]
    file: Option<PathBuf>,
    /// The directory of the schema files
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// A server instead of a file: http://host:8443, with --secret
    #[arg(long, value_name = "URL", conflicts_with = "file")]
    url: Option<String>,
    /// Act with this secret instead of the authority of the file's owner
    #[arg(long, env = "FAUNA_SECRET", hide_env_values = true)]
    secret: Option<String>,
    /// A child database: a/b
    #[arg(long, value_name = "PATH", default_value = "")]
    database: String,
}

/// [`DiffFormat`] on the command line.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Told {
    Semantic,
    Summary,
    Textual,
}

/// Why a command did not succeed.
enum Trouble {
    /// The database said no.
    Refused(String),
    /// The command line, the file or the directory was unusable.
    Unusable(String),
}

impl From<SchemaRefusal> for Trouble {
    fn from(refusal: SchemaRefusal) -> Trouble {
        Trouble::Refused(refusal.message().to_string())
    }
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Trouble {
        Trouble::Unusable(error.to_string())
    }
}

/// Runs a command about schema files.
pub fn run_schema(options: SchemaOptions) -> Status {
    match run(options.command) {
        Ok(()) => Status::Success,
        Err(Trouble::Refused(message)) => {
            eprintln!("{message}");
            Status::Failed
        }
        Err(Trouble::Unusable(message)) => {
            eprintln!("fql: {message}");
            Status::Unusable
        }
    }
}

fn run(command: SchemaCommand) -> Result<(), Trouble> {
    match command {
        SchemaCommand::Pull {
            target,
            staged,
            delete,
        } => pull(&target, staged, delete),
        SchemaCommand::Push {
            target,
            staged,
            yes,
        } => push(&target, staged, yes),
        SchemaCommand::Diff {
            target,
            staged,
            format,
        } => {
            let opened = Opened::of(&target)?;
            let upload = read(&target.dir)?;
            let show = show(format);
            let call = SchemaCall::Diff {
                upload,
                staged,
                show,
            };
            let diff = opened.diff(call)?.1;
            print(match diff.is_empty() {
                true => "No differences.\n",
                false => &diff,
            })
        }
        SchemaCommand::Status { target, format } => status(&target, format),
        SchemaCommand::Commit { target } => {
            Opened::of(&target)?.ask(SchemaCall::Commit, None)?;
            print("The staged schema is in force.\n")
        }
        SchemaCommand::Abandon { target } => {
            Opened::of(&target)?.ask(SchemaCall::Abandon, None)?;
            print("The staged schema is gone.\n")
        }
    }
}

fn pull(target: &Target, staged: bool, delete: bool) -> Result<(), Trouble> {
    let opened = Opened::of(target)?;
    let answer = opened.ask(SchemaCall::Files { staged }, None)?;
    let SchemaBody::Files(names) = answer.body else {
        return Err(Trouble::Refused("no list of files was answered".into()));
    };
    let mut files = Vec::new();
    for name in names {
        let path = local(&target.dir, &name)?;
        let call = SchemaCall::File {
            name: name.clone(),
            staged,
        };
        // All of one version, or none.
        if let SchemaBody::Content(content) = opened.ask(call, Some(answer.version))?.body {
            files.push((name, path, content));
        }
    }
    let mut kept = BTreeSet::new();
    for (name, path, content) in files {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let same = std::fs::read_to_string(&path).is_ok_and(|known| known == content);
        if !same {
            let unwritable = |error| format!("cannot write {}: {error}", path.display());
            std::fs::write(&path, content).map_err(|error| Trouble::Unusable(unwritable(error)))?;
            print(&format!("{name}\n"))?;
        }
        kept.insert(name);
    }
    if delete {
        for (name, path) in list(&target.dir)? {
            if !kept.contains(&name) {
                std::fs::remove_file(&path)?;
                print(&format!("{name} (removed)\n"))?;
            }
        }
    }
    Ok(())
}

fn push(target: &Target, staged: bool, yes: bool) -> Result<(), Trouble> {
    let opened = Opened::of(target)?;
    let upload = read(&target.dir)?;
    let call = SchemaCall::Diff {
        upload: upload.clone(),
        staged,
        show: show(Told::Semantic),
    };
    let (version, diff) = opened.diff(call)?;
    if diff.is_empty() {
        print("No differences.\n")?;
    } else {
        print(&diff)?;
    }
    let asks = !yes && std::io::stdin().is_terminal();
    if asks && !diff.is_empty() && !agreed("Push these changes?")? {
        return Ok(());
    }
    opened.ask(SchemaCall::Update { upload, staged }, Some(version))?;
    print(match staged {
        true => "The schema is staged.\n",
        false => "The schema is in force.\n",
    })
}

fn status(target: &Target, format: Told) -> Result<(), Trouble> {
    let opened = Opened::of(target)?;
    let answer = opened.ask(SchemaCall::Status(Some(show(format))), None)?;
    let SchemaBody::Status { status, details } = answer.body else {
        return Err(Trouble::Refused("no status was answered".into()));
    };
    let (summary, diff) = details.unwrap_or_default();
    let mut text = format!("Staged schema: {status}\n");
    for part in [summary, diff] {
        if !part.is_empty() {
            text.push('\n');
            text.push_str(&part);
        }
    }
    print(&text)
}

/// A database that was opened.
struct Opened {
    session: Session,
    /// What keeps the file open, and shared.
    _engine: Arc<Engine>,
    _sharing: super::Shared,
}

impl Opened {
    fn of(target: &Target) -> Result<Opened, Trouble> {
        let (engine, session, sharing) = match &target.url {
            Some(url) => {
                let secret = target.secret.as_deref();
                let secret = secret.ok_or("--url needs --secret (or FAUNA_SECRET)");
                let secret = secret.map_err(|message| Trouble::Unusable(message.into()))?;
                let session = Session::connect(url, secret).map_err(Trouble::Unusable)?;
                (session.engine().clone(), session, None)
            }
            None => open_engine(target.file.as_ref(), None).map_err(Trouble::Unusable)?,
        };
        let session = match target.secret.as_deref().filter(|secret| !secret.is_empty()) {
            Some(secret) => session.with_secret(secret),
            None => session,
        };
        Ok(Opened {
            session: session.in_database(place::split_path(&target.database)),
            _engine: engine,
            _sharing: sharing,
        })
    }

    fn ask(&self, call: SchemaCall, version: Option<i64>) -> Result<SchemaAnswer, SchemaRefusal> {
        self.session.schema(&SchemaRequest {
            call,
            version,
            force: false,
        })
    }

    fn diff(&self, call: SchemaCall) -> Result<(i64, String), SchemaRefusal> {
        let answer = self.ask(call, None)?;
        Ok(match answer.body {
            SchemaBody::Diff(diff) => (answer.version, diff),
            _ => (answer.version, String::new()),
        })
    }
}

fn show(format: Told) -> Show {
    let format = match format {
        Told::Semantic => DiffFormat::Semantic,
        Told::Summary => DiffFormat::Summary,
        Told::Textual => DiffFormat::Textual,
    };
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    Show {
        format,
        colors: std::io::stdout().is_terminal() && !no_color,
    }
}

fn print(text: &str) -> Result<(), Trouble> {
    match std::io::stdout().write_all(text.as_bytes()) {
        // Whoever read it has had enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

fn agreed(question: &str) -> Result<bool, Trouble> {
    eprint!("{question} [y/N] ");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// The files of a directory as an upload.
fn read(dir: &Path) -> Result<Upload, Trouble> {
    let mut files = Vec::new();
    let mut bytes = 0_u64;
    for (name, path) in list(dir)? {
        let unreadable = |error| format!("cannot read {}: {error}", path.display());
        let content =
            std::fs::read_to_string(&path).map_err(|error| Trouble::Unusable(unreadable(error)))?;
        bytes = bytes.saturating_add(content.len() as u64);
        files.push((name, content));
    }
    if bytes > MAX_BYTES {
        let message = "the schema files together are larger than 8 MiB";
        return Err(Trouble::Unusable(message.into()));
    }
    Ok(Upload { files, whole: true })
}

/// All `*.fsl` below a directory, by name.
fn list(dir: &Path) -> Result<Vec<(String, PathBuf)>, Trouble> {
    let mut found = Vec::new();
    let mut open = vec![(String::new(), dir.to_path_buf())];
    while let Some((prefix, dir)) = open.pop() {
        let unreadable = |error| format!("cannot read {}: {error}", dir.display());
        let entries =
            std::fs::read_dir(&dir).map_err(|error| Trouble::Unusable(unreadable(error)))?;
        for entry in entries {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let kind = entry.file_type()?;
            let (name, path) = (format!("{prefix}{name}"), entry.path());
            if kind.is_dir() {
                open.push((format!("{name}/"), path));
            } else if name.ends_with(".fsl") && path.is_file() {
                found.push((name, path));
            }
        }
        if found.len() > MAX_FILES {
            let message = format!("{} holds more than {MAX_FILES} schema files", dir.display());
            return Err(Trouble::Unusable(message));
        }
    }
    found.sort();
    Ok(found)
}

/// Where a file of the database is kept; never outside of the directory.
fn local(dir: &Path, name: &str) -> Result<PathBuf, Trouble> {
    let path = Path::new(name);
    let mut parts = path.components();
    match name.ends_with(".fsl") && parts.all(|part| matches!(part, Component::Normal(_))) {
        true => Ok(dir.join(path)),
        false => {
            let message = format!("the database has a schema file of an unusable name: {name:?}");
            Err(Trouble::Unusable(message))
        }
    }
}

/// The schema in force as text: all of it, or the items of a name.
pub(super) fn text(session: &Session, name: &str) -> Result<String, String> {
    let ask = |call| {
        let request = SchemaRequest {
            call,
            version: None,
            force: false,
        };
        let answer = session.schema(&request);
        answer.map_err(|refusal| refusal.message().to_string())
    };
    let SchemaBody::Files(names) = ask(SchemaCall::Files { staged: false })?.body else {
        return Ok(String::new());
    };
    let mut texts = Vec::new();
    for file in names {
        let call = SchemaCall::File {
            name: file.clone(),
            staged: false,
        };
        let SchemaBody::Content(content) = ask(call)?.body else {
            continue;
        };
        if name.is_empty() {
            texts.push(content.trim_end().to_string());
            continue;
        }
        let parsed = parse(&Source::new(file, content));
        let items = parsed.iter().flat_map(|file| &file.items);
        let named = items.filter(|item| *item.name.name == *name);
        texts.extend(named.map(|item| item.text().to_string()));
    }
    match texts.is_empty() && !name.is_empty() {
        true => Err(format!("there is no `{name}` in the schema")),
        false => Ok(texts.join("\n\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_stay_in_their_directory() {
        let dir = Path::new("schema");
        assert_eq!(local(dir, "a/b.fsl").ok(), Some(dir.join("a/b.fsl")));
        for name in ["../a.fsl", "/a.fsl", "a/../../b.fsl", "a.txt", ""] {
            assert!(local(dir, name).is_err(), "{name}");
        }
    }
}
