//! Where the server's log goes: standard error, for people or as JSON. Neither secrets nor contents are ever logged.

use clap::ValueEnum;
use std::io::IsTerminal;
use tracing::level_filters::LevelFilter;

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
    // A program that embeds the server may log already; then that stays.
    let _ = match format {
        Some(LogFormat::Json) => {
            tracing::subscriber::set_global_default(builder.json().flatten_event(true).finish())
        }
        Some(LogFormat::Human) | None => tracing::subscriber::set_global_default(
            builder
                .with_ansi(terminal && std::env::var_os("NO_COLOR").is_none())
                .finish(),
        ),
    };
}
