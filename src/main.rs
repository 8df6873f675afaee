//! The command line: picks a front (shell, script, server) and hands over.

use clap::{ArgAction, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use fql::access::jwks::KeySetFile;
use fql::engine::{Argument, CacheSize};
use fql::shell::{ColorChoice, Format, Input, Language, Options, Status};
use std::path::PathBuf;
use std::process::ExitCode;

/// Queries allocate and free by the thousand, and redb a page at a time: the system's allocator took a quarter of
/// the time of bulk writes.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// FQL, Fauna's query languages, in one file: a shell, a script runner and a server over a database file.
#[derive(Parser)]
#[command(name = "fql", version, args_conflicts_with_subcommands = true)]
#[command(
    after_help = "Exit status: 0 all queries succeeded, 1 a query failed, 2 the command line or the file was unusable."
)]
struct Cli {
    /// The database file, created if absent; without one, or with `:memory:`, a transient database in memory
    file: Option<PathBuf>,
    /// Run a query; may be given several times
    #[arg(short = 'e', long = "eval", value_name = "QUERY", action = ArgAction::Append, allow_hyphen_values = true)]
    eval: Vec<String>,
    /// Run a script; `-` is standard input; may be given several times
    #[arg(short = 'f', long = "script", value_name = "SCRIPT", action = ArgAction::Append)]
    script: Vec<PathBuf>,
    /// Be a client of a server instead: http://host:8443, with --secret
    #[arg(long, value_name = "URL", conflicts_with = "file")]
    url: Option<String>,
    /// Act with this secret instead of the authority of the file's owner
    #[arg(long, env = "FAUNA_SECRET", hide_env_values = true)]
    secret: Option<String>,
    /// Start in this child database: a/b
    #[arg(long, value_name = "PATH")]
    database: Option<String>,
    /// Run as this role: admin, server, server-readonly, @role/NAME, @doc/Coll/ID
    #[arg(long)]
    role: Option<String>,
    /// Use the key set (JWKS) in FILE for access providers with this `jwks_uri`, instead of fetching it
    #[arg(long, value_name = "URI=FILE", conflicts_with = "url", action = ArgAction::Append)]
    jwks: Vec<KeySetFile>,
    /// Keep up to so many megabytes of the file's pages in memory (48 if not given): more makes reads of large files faster
    #[arg(long, value_name = "MB", conflicts_with = "url")]
    cache: Option<CacheSize>,
    /// Fill the database with a demo: a store with customers, managers, orders and roles
    #[arg(long)]
    demo: bool,
    /// The query language: FQL v10, or v4, its forerunner
    #[arg(long, value_enum, default_value = "10")]
    lang: LanguageName,
    /// How results look
    #[arg(long, value_enum, default_value = "fql")]
    format: FormatName,
    /// When to use colours; NO_COLOR is respected
    #[arg(long, value_enum, default_value = "auto", value_name = "WHEN")]
    color: When,
    /// No banner, no notes
    #[arg(short, long)]
    quiet: bool,
    /// Print each query before its result
    #[arg(long)]
    echo: bool,
    /// Print time and statistics to standard error after each result
    #[arg(long)]
    info: bool,
    /// A value that queries may use by name
    #[arg(long, value_name = "NAME=FQL", value_parser = fql_argument, action = ArgAction::Append)]
    arg: Vec<(String, Argument)>,
    /// The same, as JSON
    #[arg(long, value_name = "NAME=JSON", value_parser = json_argument, action = ArgAction::Append)]
    arg_json: Vec<(String, Argument)>,
    /// Run each script as one query
    #[arg(short = '1', long)]
    single_transaction: bool,
    /// Go on after a failing query
    #[arg(long)]
    keep_going: bool,
    /// Check types before queries run, or do not, whatever the database says
    #[arg(long, value_enum, value_name = "ON", num_args = 0..=1, default_missing_value = "on", require_equals = true)]
    typecheck: Option<Switch>,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Other things to do than to query.
#[derive(Subcommand)]
enum Command {
    /// Serve a file over Fauna's HTTP protocol
    Serve(fql::server::Options),
    /// Write a database as text
    Export(Later),
    /// Read what was exported
    Import(Later),
    /// Check a file
    Check(Later),
    /// Read or change the schema with FSL files
    Schema(fql::shell::SchemaOptions),
}

/// The arguments of what is not there yet.
#[derive(clap::Args)]
struct Later {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _arguments: Vec<String>,
}

/// [`Language`] on the command line.
#[derive(Clone, Copy, ValueEnum)]
enum LanguageName {
    #[value(name = "10", alias = "v10")]
    V10,
    #[value(name = "4", alias = "v4")]
    V4,
}

/// [`Format`] on the command line.
#[derive(Clone, Copy, ValueEnum)]
enum FormatName {
    Fql,
    Json,
    Tagged,
    Ndjson,
    Table,
}

/// A setting that is on or off.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Switch {
    #[value(alias = "true")]
    On,
    #[value(alias = "false")]
    Off,
}

/// [`ColorChoice`] on the command line.
#[derive(Clone, Copy, ValueEnum)]
enum When {
    Auto,
    Always,
    Never,
}

fn main() -> ExitCode {
    let matches = Cli::command().get_matches();
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    if let Some(command) = cli.command {
        let name = match command {
            Command::Serve(options) => return fql::server::run(options),
            Command::Export(_) => "export",
            Command::Import(_) => "import",
            Command::Check(_) => "check",
            Command::Schema(options) => {
                return ExitCode::from(fql::shell::run_schema(options) as u8);
            }
        };
        eprintln!(
            "fql: `fql {name}` is not available yet in this version (a file of that name: ./{name})"
        );
        return ExitCode::from(Status::Unusable as u8);
    }
    let mut arguments = cli.arg;
    arguments.extend(cli.arg_json);
    let options = Options {
        file: cli.file,
        url: cli.url,
        inputs: inputs(&matches, &cli.eval, &cli.script),
        secret: cli.secret.filter(|secret| !secret.is_empty()),
        database: cli.database,
        role: cli.role,
        jwks: cli.jwks,
        cache: cli.cache,
        demo: cli.demo,
        language: match cli.lang {
            LanguageName::V10 => Language::V10,
            LanguageName::V4 => Language::V4,
        },
        format: match cli.format {
            FormatName::Fql => Format::Fql,
            FormatName::Json => Format::Json,
            FormatName::Tagged => Format::Tagged,
            FormatName::Ndjson => Format::Ndjson,
            FormatName::Table => Format::Table,
        },
        color: match cli.color {
            When::Auto => ColorChoice::Auto,
            When::Always => ColorChoice::Always,
            When::Never => ColorChoice::Never,
        },
        quiet: cli.quiet,
        echo: cli.echo,
        info: cli.info,
        arguments,
        single_transaction: cli.single_transaction,
        keep_going: cli.keep_going,
        typecheck: cli.typecheck.map(|switch| switch == Switch::On),
    };
    ExitCode::from(fql::shell::run(options) as u8)
}

/// Queries and scripts in the order in which they were given.
fn inputs(matches: &clap::ArgMatches, eval: &[String], script: &[PathBuf]) -> Vec<Input> {
    let at = |name| matches.indices_of(name).into_iter().flatten();
    let texts = at("eval")
        .zip(eval)
        .map(|(i, text)| (i, Input::Text(text.clone())));
    let scripts = at("script")
        .zip(script)
        .map(|(i, path)| (i, Input::Script(path.clone())));
    let mut inputs: Vec<(usize, Input)> = texts.chain(scripts).collect();
    inputs.sort_by_key(|(i, _)| *i);
    inputs.into_iter().map(|(_, input)| input).collect()
}

fn name_and_value(text: &str) -> Result<(String, &str), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_string(), value)),
        _ => Err("it is written NAME=VALUE".to_string()),
    }
}

fn fql_argument(text: &str) -> Result<(String, Argument), String> {
    let (name, value) = name_and_value(text)?;
    Ok((name, Argument::Fql(value.to_string())))
}

fn json_argument(text: &str) -> Result<(String, Argument), String> {
    let (name, value) = name_and_value(text)?;
    let json = serde_json::from_str(value).map_err(|error| format!("not JSON: {error}"))?;
    Ok((name, Argument::Simple(json)))
}
