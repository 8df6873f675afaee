//! The commands: lines that begin with `:`, or with `.` and a word.
//!
//! One table names them all; dispatch, `:help` and completion read it.

use super::language::Language;
use super::{
    NextPage, Shell, Stop, help, history, open_engine, output::Format, place::Place, script, watch,
};
use crate::engine::{Engine, Session};
use crate::fql::syntax::ScriptItemKind;
use crate::value::rendered::{Contents, Page, Rendered};
use std::path::{Path, PathBuf};

/// What is known of a command.
pub(super) struct CommandInfo {
    /// Its name, without the colon.
    pub(super) name: &'static str,
    /// Other names.
    pub(super) aliases: &'static [&'static str],
    /// Its arguments, as help shows them.
    pub(super) arguments: &'static str,
    /// One line.
    pub(super) about: &'static str,
    /// What the argument is, for completion.
    pub(super) argument: Argument,
    run: fn(&mut Shell, &str) -> Result<(), Stop>,
}

/// What a command takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Argument {
    /// Nothing.
    None,
    /// A help topic.
    Topic,
    /// A child database.
    Database,
    /// A role.
    Role,
    /// A file.
    File,
    /// An expression of the language.
    Expression,
    /// One of these words.
    Words(&'static [&'static str]),
    /// A secret: nothing is completed.
    Secret,
}

/// Every command, in the order of `:help`.
#[rustfmt::skip]
pub(super) static COMMANDS: &[CommandInfo] = &[
    CommandInfo { name: "help", aliases: &["h", "?"], arguments: "[TOPIC]", about: "this list, or what a command, function, type or module does", argument: Argument::Topic, run: help::run },
    CommandInfo { name: "secret", aliases: &[], arguments: "[SECRET | = EXPR | -]", about: "act as a key, token or scoped secret; asks, unechoed; `-` ends it", argument: Argument::Secret, run: secret },
    CommandInfo { name: "use", aliases: &["cd"], arguments: "PATH", about: "go to a child database: a/b, .., /", argument: Argument::Database, run: use_database },
    CommandInfo { name: "as", aliases: &[], arguments: "ROLE | -", about: "run as admin, server, server-readonly, @role/NAME, @doc/Coll/ID", argument: Argument::Role, run: act_as },
    CommandInfo { name: "whoami", aliases: &[], arguments: "", about: "database, kind of credential, role, identity", argument: Argument::None, run: whoami },
    CommandInfo { name: "databases", aliases: &["dbs"], arguments: "", about: "the tree of databases below this one", argument: Argument::None, run: databases },
    CommandInfo { name: "schema", aliases: &[], arguments: "[NAME]", about: "collections, functions and roles, as FSL", argument: Argument::None, run: schema },
    CommandInfo { name: "let", aliases: &[], arguments: "NAME = EXPR", about: "keep a result for later queries; `_` is the last one", argument: Argument::Expression, run: let_name },
    CommandInfo { name: "more", aliases: &[], arguments: "", about: "the next page of the last set", argument: Argument::None, run: more },
    CommandInfo { name: "load", aliases: &["read"], arguments: "FILE", about: "run a script", argument: Argument::File, run: load },
    CommandInfo { name: "edit", aliases: &["e"], arguments: "", about: "edit the last query in $EDITOR, then run it", argument: Argument::None, run: edit },
    CommandInfo { name: "demo", aliases: &[], arguments: "", about: "fill this database with a store: customers, managers, orders, roles", argument: Argument::None, run: demo },
    CommandInfo { name: "save", aliases: &[], arguments: "FILE", about: "copy the whole database into a new file", argument: Argument::File, run: save },
    CommandInfo { name: "open", aliases: &[], arguments: "[FILE]", about: "open another file, or a new transient database", argument: Argument::File, run: open },
    CommandInfo { name: "format", aliases: &[], arguments: "fql|json|tagged|ndjson|table", about: "how results look", argument: Argument::Words(&["fql", "json", "tagged", "ndjson", "table"]), run: format },
    CommandInfo { name: "info", aliases: &["timing"], arguments: "on|off", about: "time and statistics after each result", argument: Argument::Words(&["on", "off"]), run: info },
    CommandInfo { name: "set", aliases: &[], arguments: "typecheck on|off|default", about: "check types before queries run", argument: Argument::Words(&["typecheck on", "typecheck off", "typecheck default"]), run: set },
    CommandInfo { name: "lang", aliases: &[], arguments: "10|4", about: "the query language", argument: Argument::Words(&["10", "4"]), run: lang },
    CommandInfo { name: "type", aliases: &[], arguments: "EXPR", about: "the static type of an expression, which is not run", argument: Argument::Expression, run: type_of },
    CommandInfo { name: "explain", aliases: &[], arguments: "EXPR", about: "how a set would be read", argument: Argument::Expression, run: explain },
    CommandInfo { name: "watch", aliases: &[], arguments: "EXPR", about: "follow an event source, or a set's own, until Ctrl-C", argument: Argument::Expression, run: watch::run },
    CommandInfo { name: "fails", aliases: &[], arguments: "[CODE] QUERY", about: "succeeds when a query or command fails, with that error code", argument: Argument::Expression, run: fails },
    CommandInfo { name: "history", aliases: &[], arguments: "[TEXT]", about: "what was typed before, or what of it contains a text", argument: Argument::None, run: show_history },
    CommandInfo { name: "clear", aliases: &[], arguments: "", about: "empty the screen", argument: Argument::None, run: clear },
    CommandInfo { name: "quit", aliases: &["exit", "q"], arguments: "", about: "leave; Ctrl-D does the same", argument: Argument::None, run: quit },
];

/// The command of that name.
pub(super) fn find(name: &str) -> Option<&'static CommandInfo> {
    COMMANDS
        .iter()
        .find(|command| command.name == name || command.aliases.contains(&name))
}

/// Splits a command line into name and argument; `None` if it is none.
pub(super) fn split(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    let rest = line.strip_prefix([':', '.'])?;
    let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
    let (name, argument) = rest.split_at(end);
    // `:let` and `:secret` may be followed by anything; `:?` is help.
    Some((name, argument.trim()))
}

/// Runs a command line.
pub(super) fn run(shell: &mut Shell, line: &str) -> Result<(), Stop> {
    let Some((name, argument)) = split(line) else {
        return fail(shell, "a command begins with `:`");
    };
    match find(name) {
        Some(command) => (command.run)(shell, argument),
        None => {
            let like = COMMANDS
                .iter()
                .filter(|_| !name.is_empty())
                .find(|command| command.name.starts_with(name) || name.starts_with(command.name));
            let hint = match like {
                Some(command) => format!("; did you mean `:{}`?", command.name),
                None => "; `:help` lists the commands".to_string(),
            };
            fail(shell, &format!("unknown command `:{name}`{hint}"))
        }
    }
}

pub(super) fn fail<T>(shell: &mut Shell, message: &str) -> Result<T, Stop> {
    shell.output.failure(message)?;
    Err(Stop::Failed)
}

fn done(shell: &mut Shell, result: Result<(), String>) -> Result<(), Stop> {
    match result {
        Ok(()) => {
            shell.next_page = None;
            Ok(())
        }
        Err(message) => fail(shell, &message),
    }
}

fn secret(shell: &mut Shell, argument: &str) -> Result<(), Stop> {
    if argument == "-" {
        shell.place.take_off();
        shell.next_page = None;
        return Ok(());
    }
    let secret = match argument.strip_prefix('=') {
        Some(expression) if shell.language == Language::V4 => {
            let value = shell.evaluate_legacy(expression)?;
            match value.get("secret").unwrap_or(&value).as_str() {
                Some(secret) => secret.to_string(),
                None => return fail(shell, "`:secret =` needs a string, or a new key or token"),
            }
        }
        Some(expression) => match evaluate(shell, expression)? {
            Rendered::String(text) => text.to_string(),
            value => match secret_of(&value) {
                Some(secret) => secret,
                None => return fail(shell, "`:secret =` needs a string, or a new key or token"),
            },
        },
        None if argument.is_empty() => ask_secret(shell)?,
        None => argument.trim_matches(['"', '\'']).to_string(),
    };
    let result = shell.place.wear(secret.trim());
    done(shell, result)
}

/// The secret of a key or token that was just created.
fn secret_of(value: &Rendered) -> Option<String> {
    let fields = match value {
        Rendered::Object(fields) => fields,
        Rendered::Doc(document) => match &document.contents {
            Contents::Live(fields) => fields,
            Contents::Missing(_) => return None,
        },
        _ => return None,
    };
    fields.iter().find_map(|(name, value)| match value {
        Rendered::String(text) if &**name == "secret" => Some(text.to_string()),
        _ => None,
    })
}

/// Asks for a secret without showing it.
fn ask_secret(shell: &mut Shell) -> Result<String, Stop> {
    if !shell.interactive {
        return fail(
            shell,
            "`:secret` asks on a terminal; a script says `:secret = EXPR` or `:secret SECRET`",
        );
    }
    let terminal = console::Term::stderr();
    terminal.write_str("Secret: ")?;
    let secret = terminal.read_secure_line();
    match secret {
        Ok(secret) if !secret.trim().is_empty() => Ok(secret),
        Ok(_) => fail(shell, "no secret was given"),
        Err(error) => fail(shell, &format!("no secret was read: {error}")),
    }
}

fn use_database(shell: &mut Shell, path: &str) -> Result<(), Stop> {
    if path.is_empty() {
        return fail(shell, "`:use` needs a path: a/b, .. or /");
    }
    let result = shell.place.go(path);
    done(shell, result)
}

fn act_as(shell: &mut Shell, role: &str) -> Result<(), Stop> {
    let role = match role {
        "" => {
            return fail(
                shell,
                "`:as` needs a role: admin, server, server-readonly, @role/NAME, @doc/Coll/ID, or -",
            );
        }
        "-" => None,
        role => Some(role),
    };
    let result = shell.place.act_as(role);
    done(shell, result)
}

fn whoami(shell: &mut Shell, _: &str) -> Result<(), Stop> {
    match shell.place.describe() {
        Ok(text) => Ok(shell.output.text(&text)?),
        Err(error) => fail(shell, &error.message),
    }
}

fn databases(shell: &mut Shell, _: &str) -> Result<(), Stop> {
    let top = shell.place.session().clone();
    let mut text = match top.whoami() {
        Ok(whoami) => shell.place.path_text(&whoami),
        Err(error) => return fail(shell, &error.message),
    };
    let names = match child_databases(&top) {
        Ok(names) => names,
        Err(message) => return fail(shell, &message),
    };
    let mut budget = 10_000;
    tree(&top, &names, "", &mut text, &mut budget);
    Ok(shell.output.text(&text)?)
}

/// The names of the databases directly below a session's, as it may see them.
pub(super) fn child_databases(session: &Session) -> Result<Vec<String>, String> {
    let request = crate::engine::Request::text("Database.all().map(.name).toArray()");
    let outcome = session.query(&request);
    match outcome.result {
        Ok(Rendered::Array(names)) => Ok(names
            .into_iter()
            .filter_map(|name| match name {
                Rendered::String(name) => Some(name.to_string()),
                _ => None,
            })
            .collect()),
        Ok(_) => Ok(Vec::new()),
        Err(error) => Err(error.message),
    }
}

/// Draws the tree below a database.
fn tree(session: &Session, names: &[String], indent: &str, text: &mut String, budget: &mut usize) {
    for (i, name) in names.iter().enumerate() {
        if *budget == 0 {
            return;
        }
        *budget -= 1;
        let last = i + 1 == names.len();
        let (branch, below) = if last {
            ("└─ ", "   ")
        } else {
            ("├─ ", "│  ")
        };
        text.push_str(&format!("\n{indent}{branch}{name}"));
        let mut path = session.path().to_vec();
        path.push(name.as_str().into());
        let child = session.in_database(path);
        // A database that this authority may see but not enter shows nothing below it.
        if let Ok(names) = child_databases(&child) {
            let indent = format!("{indent}{below}");
            stacker::maybe_grow(64 * 1024, 1024 * 1024, || {
                tree(&child, &names, &indent, text, budget);
            });
        }
    }
}

fn schema(shell: &mut Shell, name: &str) -> Result<(), Stop> {
    let text = match super::schema::text(shell.place.session(), name) {
        Ok(text) => text,
        Err(message) => return fail(shell, &message),
    };
    match text.is_empty() {
        true => Ok(()),
        false => Ok(shell.output.text(text.trim_end())?),
    }
}

fn let_name(shell: &mut Shell, argument: &str) -> Result<(), Stop> {
    let Some((name, expression)) = argument.split_once('=') else {
        if argument.is_empty() {
            let names: Vec<&str> = shell.bindings.names().collect();
            let text = names.join("\n");
            return match text.is_empty() {
                true => Ok(()),
                false => Ok(shell.output.text(&text)?),
            };
        }
        return fail(
            shell,
            "`:let` needs a name and an expression: `:let NAME = EXPR`",
        );
    };
    let name = name.trim();
    let first = name.chars().next().unwrap_or(' ');
    if !(first.is_alphabetic() || first == '_')
        || !name.chars().all(|c| c.is_alphanumeric() || c == '_')
    {
        return fail(shell, &format!("`{name}` cannot be a name"));
    }
    if shell.language == Language::V4 {
        let value = shell.evaluate_legacy(expression)?;
        shell.bindings.set_legacy(name, &value);
        return Ok(());
    }
    let value = evaluate(shell, expression)?;
    let partly = matches!(&value, Rendered::Page(page) if page.after.is_some());
    match shell.bindings.set(name, expression.trim(), value) {
        Ok(()) if partly => Ok(shell
            .output
            .note(&format!("`{name}` holds the first page of the set only"))?),
        Ok(()) => Ok(()),
        Err(message) => fail(shell, &message),
    }
}

/// The value of an expression in a command; failures are printed.
pub(super) fn evaluate(shell: &mut Shell, expression: &str) -> Result<Rendered, Stop> {
    let outcome = shell.ask(expression.trim());
    // That a function is not called is the point of keeping one.
    if !matches!(outcome.result, Ok(Rendered::Lambda)) {
        shell.output.summary(&outcome, None)?;
    }
    match outcome.result {
        Ok(value) => Ok(value),
        Err(error) => {
            shell.last_error = Some(error.code.to_string());
            shell.output.error(&error, outcome.summary.is_empty())?;
            Err(Stop::Failed)
        }
    }
}

fn more(shell: &mut Shell, _: &str) -> Result<(), Stop> {
    let token = match shell.next_page.take() {
        Some(NextPage::Token(token)) => token,
        Some(NextPage::Legacy(query)) => return shell.send_legacy(query),
        None => {
            return fail(
                shell,
                "there is no further page: the last result was a whole one",
            );
        }
    };
    let mut quoted = String::new();
    crate::value::format::write_quoted(&mut quoted, &token);
    let outcome = shell.ask(&format!("Set.paginate({quoted})"));
    // What `paginate` answers is an object; it is shown, and followed, like the set itself.
    let outcome = match outcome.result {
        Ok(Rendered::Object(fields)) => {
            let mut page = Page {
                data: Vec::new(),
                after: None,
            };
            for (name, value) in fields {
                match (&*name, value) {
                    ("data", Rendered::Array(data)) => page.data = data,
                    ("after", Rendered::String(token) | Rendered::Cursor(token)) => {
                        page.after = Some(token);
                    }
                    (_, _) => {}
                }
            }
            crate::engine::Outcome {
                result: Ok(Rendered::Page(Box::new(page))),
                ..outcome
            }
        }
        result => crate::engine::Outcome { result, ..outcome },
    };
    shell.show(&outcome, None)
}

/// How deep scripts may load scripts.
const MAX_LOADING: usize = 32;

fn load(shell: &mut Shell, argument: &str) -> Result<(), Stop> {
    if argument.is_empty() {
        return fail(shell, "`:load` needs a file");
    }
    if shell.loading.len() >= MAX_LOADING {
        return fail(shell, "scripts load each other without end");
    }
    let path = file_argument(argument);
    // A script finds its neighbours wherever it is run from.
    let beside = shell
        .loading
        .last()
        .and_then(|script| script.parent())
        .map(|dir| dir.join(&path));
    let path = match beside {
        Some(beside) if path.is_relative() && !path.exists() && beside.exists() => beside,
        _ => path,
    };
    let text = match script::read_file(&path) {
        Ok(text) => text,
        Err(message) => return fail(shell, &format!("{}: {message}", path.display())),
    };
    shell.loading.push(path.clone());
    let result = script::run_text(shell, &path.display().to_string(), &text, true);
    shell.loading.pop();
    result
}

/// A file name as typed: quotes around it and `~/` are understood.
fn file_argument(argument: &str) -> PathBuf {
    let argument = argument.trim_matches('"');
    match (argument.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        (_, _) => PathBuf::from(argument.replace("\\ ", " ")),
    }
}

fn edit(shell: &mut Shell, _: &str) -> Result<(), Stop> {
    if !shell.interactive {
        return fail(shell, "`:edit` needs a terminal");
    }
    let editor = ["VISUAL", "EDITOR"]
        .iter()
        .find_map(|name| std::env::var(name).ok());
    let editor = editor.unwrap_or_else(|| "vi".to_string());
    let text = match edited(&editor, shell.last_query.as_deref().unwrap_or_default()) {
        Ok(text) => text,
        Err(error) => return fail(shell, &format!("{editor}: {error}")),
    };
    shell.edited = Some(text.trim_end().to_string());
    let prompt = shell.place.prompt();
    shell
        .output
        .echo(&prompt, &history::without_secrets(text.trim_end()))?;
    shell.run_items(&text)
}

/// What an editor makes of a text.
fn edited(editor: &str, text: &str) -> std::io::Result<String> {
    let unique = format!(
        "fql-{}-{:016x}.fql",
        std::process::id(),
        rand::random::<u64>()
    );
    let path = std::env::temp_dir().join(unique);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(&path)?;
    std::io::Write::write_all(&mut file, text.as_bytes())?;
    drop(file);
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let result = std::process::Command::new(program)
        .args(words)
        .arg(&path)
        .status()
        .and_then(|status| match status.success() {
            true => std::fs::read_to_string(&path),
            false => Err(std::io::Error::other(format!("ended with {status}"))),
        });
    std::fs::remove_file(&path)?;
    result
}

fn demo(shell: &mut Shell, _: &str) -> Result<(), Stop> {
    match Engine::fill_demo(shell.place.session()) {
        Ok(true) => Ok(shell
            .output
            .note("the demo store is open: `Order.all()`, then `:as @doc/Customer/1` and again")?),
        Ok(false) => Ok(shell.output.note("the demo store is here already")?),
        Err(error) => fail(shell, &error.message),
    }
}

fn save(shell: &mut Shell, argument: &str) -> Result<(), Stop> {
    if argument.is_empty() {
        return fail(shell, "`:save` needs the name of a new file");
    }
    let whoami = match shell.place.session().whoami() {
        Ok(whoami) => whoami,
        Err(error) => return fail(shell, &error.message),
    };
    // A copy holds every database: only who could read the file may make one.
    if whoami.credential != crate::engine::CredentialKind::Root || whoami.roles != ["admin".into()]
    {
        return fail(shell, "only root authority may copy the whole database");
    }
    let path = file_argument(argument);
    if let Err(error) = shell.engine.copy_to(&path) {
        return fail(shell, &error.to_string());
    }
    Ok(shell.output.note(&format!(
        "saved as {}; `:open {0}` goes on there",
        path.display()
    ))?)
}

fn open(shell: &mut Shell, argument: &str) -> Result<(), Stop> {
    let path = (!argument.is_empty()).then(|| file_argument(argument));
    if path.is_some() && path == shell.file {
        return fail(shell, "this file is open already");
    }
    let (engine, session, sharing) = match open_engine(path.as_ref(), shell.cache) {
        Ok(opened) => opened,
        Err(message) => return fail(shell, &message),
    };
    match Place::start(session) {
        Ok(place) => shell.place = place,
        Err(message) => return fail(shell, &message),
    }
    shell.engine = engine;
    shell.sharing = sharing;
    shell.file = path;
    shell.builds.clear();
    shell.next_page = None;
    Ok(())
}

fn format(shell: &mut Shell, name: &str) -> Result<(), Stop> {
    match Format::parse(name) {
        Some(format) => shell.output.format = format,
        None if name.is_empty() => {
            let name = shell.output.format.name();
            return Ok(shell.output.text(name)?);
        }
        None => {
            let names: Vec<&str> = Format::ALL.iter().map(|format| format.name()).collect();
            return fail(
                shell,
                &format!("unknown format `{name}`: it is one of {}", names.join(", ")),
            );
        }
    }
    Ok(())
}

fn info(shell: &mut Shell, argument: &str) -> Result<(), Stop> {
    match argument {
        "on" => shell.info = true,
        "off" => shell.info = false,
        "" => shell.info = !shell.info,
        _ => return fail(shell, "`:info` is on or off"),
    }
    Ok(())
}

fn set(shell: &mut Shell, argument: &str) -> Result<(), Stop> {
    let words: Vec<&str> = argument.split_whitespace().collect();
    match words[..] {
        ["typecheck", "on"] => shell.typecheck = Some(true),
        ["typecheck", "off"] => shell.typecheck = Some(false),
        ["typecheck", "default"] => shell.typecheck = None,
        [] | ["typecheck"] => {
            let state = match shell.typecheck {
                Some(true) => "on",
                Some(false) => "off",
                None => "default: as the database says",
            };
            return Ok(shell.output.text(&format!("typecheck {state}"))?);
        }
        _ => return fail(shell, "`:set` knows: typecheck on|off|default"),
    }
    Ok(())
}

fn lang(shell: &mut Shell, argument: &str) -> Result<(), Stop> {
    if argument.is_empty() {
        return Ok(shell.output.text(shell.language.name())?);
    }
    match Language::parse(argument) {
        Some(language) => {
            shell.set_language(language);
            Ok(())
        }
        None => fail(shell, "`:lang` is 10 or 4"),
    }
}

/// Refuses what can be said of queries of FQL v10 only.
pub(super) fn needs_v10(shell: &mut Shell, command: &str) -> Result<(), Stop> {
    match shell.language {
        Language::V10 => Ok(()),
        Language::V4 => fail(
            shell,
            &format!("`:{command}` is for FQL v10: `:lang 10` goes there"),
        ),
    }
}

fn type_of(shell: &mut Shell, expression: &str) -> Result<(), Stop> {
    needs_v10(shell, "type")?;
    let request = shell.request(expression);
    let outcome = shell.place.session().type_of(&request);
    shell.interrupt.done();
    shell.output.summary(&outcome, None)?;
    match (&outcome.result, &outcome.static_type) {
        (Ok(_), Some(ty)) => Ok(shell.output.text(ty)?),
        (Ok(_), None) => Ok(()),
        (Err(error), _) => {
            shell.output.error(error, outcome.summary.is_empty())?;
            Err(Stop::Failed)
        }
    }
}

fn explain(shell: &mut Shell, expression: &str) -> Result<(), Stop> {
    needs_v10(shell, "explain")?;
    let request = shell.request(expression);
    let outcome = shell.place.session().explain(&request);
    shell.interrupt.done();
    shell.output.summary(&outcome, None)?;
    match &outcome.result {
        Ok(Rendered::String(plan)) => Ok(shell.output.text(plan)?),
        Ok(_) => Ok(()),
        Err(error) => {
            shell.output.error(error, outcome.summary.is_empty())?;
            Err(Stop::Failed)
        }
    }
}

/// In scripts that show what is refused: the failure is printed, and is none.
fn fails(shell: &mut Shell, argument: &str) -> Result<(), Stop> {
    let is_code = |word: &str| word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let (code, item) = match argument.split_once(char::is_whitespace) {
        Some((word, rest)) if is_code(word) => (Some(word), rest.trim()),
        _ => (None, argument),
    };
    if item.is_empty() {
        return fail(shell, "`:fails` needs a query or command");
    }
    let kind = match split(item) {
        Some(_) => ScriptItemKind::Command,
        None => ScriptItemKind::Query,
    };
    shell.last_error = None;
    match shell.run(item, kind, None) {
        Ok(()) => fail(shell, "this was expected to fail"),
        Err(Stop::Failed) => match (code, shell.last_error.as_deref()) {
            // The codes of FQL v4 are words with blanks.
            (Some(expected), Some(found)) if expected != found.replace(' ', "_") => {
                let text = format!("this was expected to fail with `{expected}`, not `{found}`");
                fail(shell, &text)
            }
            (Some(_) | None, _) => Ok(()),
        },
        Err(stop) => Err(stop),
    }
}

fn show_history(shell: &mut Shell, filter: &str) -> Result<(), Stop> {
    let entries: Vec<&str> = shell
        .typed
        .iter()
        .map(String::as_str)
        .filter(|entry| filter.is_empty() || entry.contains(filter))
        .collect();
    match entries.is_empty() {
        true => Ok(()),
        false => {
            let text = entries.join("\n");
            Ok(shell.output.text(&text)?)
        }
    }
}

fn clear(shell: &mut Shell, _: &str) -> Result<(), Stop> {
    Ok(shell.output.clear_screen()?)
}

fn quit(_: &mut Shell, _: &str) -> Result<(), Stop> {
    Err(Stop::Quit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_split() {
        assert_eq!(split(":use a/b "), Some(("use", "a/b")));
        assert_eq!(split("  .exit"), Some(("exit", "")));
        assert_eq!(split(":let x = 1 + 1"), Some(("let", "x = 1 + 1")));
        assert_eq!(split("1 + 1"), None);
        assert_eq!(split(":"), Some(("", "")));
    }

    #[test]
    fn names_are_unique() {
        let mut seen = std::collections::HashSet::new();
        for command in COMMANDS {
            assert!(seen.insert(command.name), "{}", command.name);
            for alias in command.aliases {
                assert!(seen.insert(alias), "{alias}");
            }
        }
    }
}
