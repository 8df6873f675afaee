//! The front that people type at: command line, scripts, interactive shell.
//!
//! ```text
//! -e, -f, pipe ─▶ script ─┐
//!                         ├─▶ Shell::run ─┬─ `:command` ─▶ commands: place, bindings, files, help
//! terminal ─────▶ repl ───┘               ├─ query ──────▶ Session::query ─▶ output: formats, colours, pager
//!                                         └─ FQL v4 ─────▶ legacy: Session::query_legacy ─▶ output
//! ```
//!
//! Rules of the room:
//! - A front knows only sessions, requests and outcomes; the shell never reaches below the engine.
//! - Results go to standard output, everything else to standard error.
//! - Scripts and terminal run the same items by the same code, so that a transcript of one is a script of the other.
//! - No secret is ever echoed, shown again or kept in the history.

mod bindings;
mod building;
mod colors;
mod commands;
mod complete;
mod complete_legacy;
mod continuation;
mod editor;
mod help;
mod history;
mod interrupt;
mod language;
mod legacy;
mod output;
mod place;
mod repl;
mod schema;
mod script;
mod table;
mod watch;

pub use colors::ColorChoice;
pub use language::Language;
pub use output::Format;
pub use schema::{SchemaOptions, run_schema};

use crate::access::jwks::KeySetFile;
use crate::engine::{Argument, CacheSize, DatabaseFile, Engine, Outcome, Request, Session};
use crate::fql::syntax::{ScriptItemKind, Source};
use crate::value::Str;
use crate::value::rendered::Rendered;
use bindings::Bindings;
use interrupt::Interrupt;
use language::Items;
use output::Output;
use place::Place;
use std::collections::HashSet;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;

/// What the command line asks for.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The database file; none: a transient database in memory.
    pub file: Option<PathBuf>,
    /// A server to be a client of, instead of a file.
    pub url: Option<String>,
    /// Queries and scripts, in order; none: standard input.
    pub inputs: Vec<Input>,
    /// Act with this secret instead of root authority.
    pub secret: Option<String>,
    /// Start in this database below the credential's own.
    pub database: Option<String>,
    /// Run as this role.
    pub role: Option<String>,
    /// Key sets of access providers to use instead of fetching them.
    pub jwks: Vec<KeySetFile>,
    /// How much of the file is kept in memory; none: as usual.
    pub cache: Option<CacheSize>,
    /// Fill the database with the demo store first.
    pub demo: bool,
    /// The query language to begin with.
    pub language: Language,
    /// How results look.
    pub format: Format,
    /// When to use colours.
    pub color: ColorChoice,
    /// No banner and no notes.
    pub quiet: bool,
    /// Print each query before its result.
    pub echo: bool,
    /// Print time and statistics after each result.
    pub info: bool,
    /// Values that queries may use by name.
    pub arguments: Vec<(String, Argument)>,
    /// Run each script as one query.
    pub single_transaction: bool,
    /// Go on after a failing query.
    pub keep_going: bool,
    /// Whether types are checked before queries run; none: as the database says.
    pub typecheck: Option<bool>,
}

/// Something to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A text given on the command line.
    Text(String),
    /// A script file; `-` is standard input.
    Script(PathBuf),
}

/// How a run ended; the value is the exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Every query succeeded.
    Success = 0,
    /// A query failed.
    Failed = 1,
    /// The command line, the file or the input was unusable.
    Unusable = 2,
}

/// Why the running of items ended early.
#[derive(Debug)]
enum Stop {
    /// `:quit`
    Quit,
    /// An item failed; what went wrong has been printed.
    Failed,
    /// The output is gone.
    Output(std::io::Error),
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Stop {
        Stop::Output(error)
    }
}

/// Where an item stands in a script, so that diagnostics name the script's lines.
struct Origin<'a> {
    script: &'a Arc<Source>,
    offset: u32,
}

/// Runs the command line's wishes to the end.
pub fn run(options: Options) -> Status {
    let output = Output::new(options.format, options.color);
    let mut shell = match Shell::open(&options, output) {
        Ok(shell) => shell,
        Err(message) => {
            eprintln!("fql: {message}");
            return Status::Unusable;
        }
    };
    let done = match options.inputs.is_empty() {
        true if std::io::stdin().is_terminal() => repl::run(&mut shell, &options),
        true => script::run_input(&mut shell, &options, &Input::Script("-".into())),
        false => script::run_inputs(&mut shell, &options),
    };
    match done {
        Ok(status) => status,
        Err(Stop::Quit) => Status::Success,
        Err(Stop::Failed) => Status::Failed,
        // Whoever read the results has had enough.
        Err(Stop::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            Status::Success
        }
        Err(Stop::Output(error)) => {
            eprintln!("fql: cannot write the results: {error}");
            Status::Unusable
        }
    }
}

/// The state of a shell: where it is, who it is, what it remembers.
struct Shell {
    engine: Arc<Engine>,
    /// Lets other processes use the file.
    sharing: Shared,
    file: Option<PathBuf>,
    /// For files that `:open` opens, too.
    cache: Option<CacheSize>,
    place: Place,
    /// What queries are written in.
    language: Language,
    output: Output,
    bindings: Bindings,
    interrupt: Interrupt,
    /// Print time and statistics.
    info: bool,
    quiet: bool,
    echo: bool,
    keep_going: bool,
    /// `:set typecheck`
    typecheck: Option<bool>,
    /// The last query that was run.
    last_query: Option<String>,
    /// What shows the page after the last one shown.
    next_page: Option<NextPage>,
    /// The code of the last failure of a query.
    last_error: Option<String>,
    /// What was typed, oldest first, without secrets.
    typed: Vec<String>,
    /// What `:edit` yielded and the history does not hold yet.
    edited: Option<String>,
    /// Scripts being loaded, the innermost last.
    loading: Vec<PathBuf>,
    /// Builds of indexes whose progress was shown: the database and the index.
    builds: HashSet<(Vec<Str>, u64)>,
    /// Reads from a person: may ask, page, clear.
    interactive: bool,
}

impl Shell {
    fn open(options: &Options, output: Output) -> Result<Shell, String> {
        let (engine, session, sharing) = match &options.url {
            Some(url) => {
                let secret = options
                    .secret
                    .as_deref()
                    .ok_or("--url needs --secret (or FAUNA_SECRET)")?;
                let session = Session::connect(url, secret)?;
                (session.engine().clone(), session, None)
            }
            None => open_engine(options.file.as_ref(), options.cache)?,
        };
        if !options.jwks.is_empty() && options.url.is_some() {
            return Err("--jwks is for the server, not for a shell on it: give it there".into());
        }
        engine.pin_key_set_files(&options.jwks)?;
        let session = match &options.secret {
            Some(secret) => session.with_secret(secret),
            None => session,
        };
        let path = place::split_path(options.database.as_deref().unwrap_or_default());
        let session = session
            .in_database(path)
            .with_role(options.role.as_deref().map(Into::into));
        let place = Place::start(session).map_err(|error| match &options.database {
            Some(_) => format!("{error} (secret, --database or --role)"),
            None => error,
        })?;
        if options.demo {
            Engine::fill_demo(place.session())
                .map_err(|error| format!("cannot make the demo: {}", error.message))?;
        }
        let mut output = output;
        output.language = options.language;
        Ok(Shell {
            engine,
            sharing,
            cache: options.cache,
            file: options.file.clone(),
            place,
            language: options.language,
            output,
            bindings: Bindings::new(options.arguments.clone()),
            interrupt: Interrupt::default(),
            info: options.info,
            quiet: options.quiet,
            echo: options.echo,
            keep_going: options.keep_going,
            typecheck: options.typecheck,
            last_query: None,
            next_page: None,
            last_error: None,
            typed: Vec::new(),
            edited: None,
            loading: Vec::new(),
            builds: HashSet::new(),
            interactive: false,
        })
    }

    /// Runs one query or command.
    fn run(
        &mut self,
        text: &str,
        kind: ScriptItemKind,
        origin: Option<Origin<'_>>,
    ) -> Result<(), Stop> {
        match kind {
            ScriptItemKind::Command => commands::run(self, text),
            ScriptItemKind::Query => match self.language {
                Language::V10 => self.run_query(text, origin),
                Language::V4 => self.run_legacy(text, origin),
            },
        }
    }

    fn run_query(&mut self, text: &str, origin: Option<Origin<'_>>) -> Result<(), Stop> {
        self.last_query = Some(text.to_string());
        let outcome = self.ask(text);
        self.show(&outcome, origin)?;
        building::show(self, &outcome)
    }

    /// Sends a query, with the values it names.
    fn ask(&mut self, text: &str) -> Outcome {
        let request = self.request(text);
        let outcome = self.place.session().query(&request);
        self.interrupt.done();
        outcome
    }

    /// A query with the values it names, that Ctrl-C cancels.
    fn request(&self, text: &str) -> Request {
        Request {
            text: text.to_string(),
            arguments: self.bindings.used_by(text),
            typecheck: self.typecheck,
            performance_hints: self.info,
            cancel: Some(self.interrupt.fresh()),
            ..Request::default()
        }
    }

    /// Prints an answer.
    fn show(&mut self, outcome: &Outcome, origin: Option<Origin<'_>>) -> Result<(), Stop> {
        self.output.summary(outcome, origin.as_ref())?;
        let shown = match &outcome.result {
            Ok(value) => {
                self.output.value(value)?;
                self.next_page = match value {
                    Rendered::Page(page) => page.after.clone().map(NextPage::Token),
                    _ => None,
                };
                if self.interactive && !self.quiet && self.next_page.is_some() {
                    self.output
                        .note("there is more: `:more` shows the next page")?;
                }
                self.bindings.set_last(value.clone());
                Ok(())
            }
            Err(error) => {
                self.last_error = Some(error.code.to_string());
                self.output.error(error, outcome.summary.is_empty())?;
                Err(Stop::Failed)
            }
        };
        if self.info {
            let failed = outcome.result.as_ref().err().map(|error| error.code);
            let ty = outcome.static_type.as_deref();
            self.output
                .stats(&outcome.stats, ty, failed, outcome.txn_time)?;
        }
        shown
    }

    /// Runs a text item by item, for a person: a failure ends the rest of the text only.
    fn run_items(&mut self, text: &str) -> Result<(), Stop> {
        let mut items = Items::new(text, self.language);
        while let Some(item) = items.next(self.language) {
            match item {
                Ok(item) => self.run(script::text_of(text, &item), item.kind, None)?,
                Err(error) => return self.refuse_text(&error, &Source::query(text)),
            }
        }
        Ok(())
    }
}

/// What shows a further page.
enum NextPage {
    /// The token of a page of FQL v10.
    Token(Str),
    /// The query of FQL v4 that asks for it.
    Legacy(serde_json::Value),
}

/// What shares an open file with other processes.
type Shared = Option<Arc<parking_lot::Mutex<Option<crate::server::Sharing>>>>;

/// Opens the file, here or through the process that holds it, or a transient database.
fn open_engine(
    file: Option<&PathBuf>,
    cache: Option<CacheSize>,
) -> Result<(Arc<Engine>, Session, Shared), String> {
    match file.filter(|path| path.as_os_str() != ":memory:") {
        Some(path) => {
            let file = DatabaseFile {
                cache,
                ..DatabaseFile::at(path)
            };
            let opened = crate::server::open_shared(&file)
                .map_err(|error| format!("cannot open {}: {error}", path.display()))?;
            Ok((opened.engine, opened.session, Some(opened.sharing)))
        }
        None => {
            let engine = Engine::memory().map_err(|error| error.to_string())?;
            let session = engine.root();
            Ok((engine, session, None))
        }
    }
}
