//! Where the server's log goes: standard error, for people or as JSON. Neither secrets nor contents are ever logged.

use clap::ValueEnum;
use std::io::IsTerminal;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

/// What is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// What went wrong.
    Error,
    /// What is odd.
    Warn,
    /// Start and stop.
    Info,
    /// Every request.
    Debug,
}

/// Starts logging, for people unless told otherwise.
pub fn start(format: Option<LogFormat>, level: LogLevel) {
    let level = match level {
        LogLevel::Off => LevelFilter::OFF,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    let terminal = std::io::stderr().is_terminal();
    let builder = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(level)
        .with_target(false);
    // Libraries below would tell what passes over the wire.
    let ours = Targets::new().with_target(env!("CARGO_CRATE_NAME"), level);
    // A program that embeds the server may log already; then that stays.
    let _ = match format {
        Some(LogFormat::Json) => {
            let subscriber = builder.json().flatten_event(true).finish();
            tracing::subscriber::set_global_default(subscriber.with(ours))
        }
        Some(LogFormat::Human) | None => {
            let colored = terminal && std::env::var_os("NO_COLOR").is_none();
            let subscriber = builder.with_ansi(colored).finish();
            tracing::subscriber::set_global_default(subscriber.with(ours))
        }
    };
}
