//! Colours: FQL by its tokens, diagnostics by their parts, messages by their kind.

use super::language::Language;
use crate::fql::syntax::{Part, Severity, Span, Style, TokenKind};
use colored::{Color, Colorize};

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl ColorChoice {
    /// Whether to colour a stream.
    pub(super) fn applies(self, terminal: bool) -> bool {
        let wanted = match self {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
                let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
                terminal && !set("NO_COLOR") && !dumb
            }
        };
        if wanted {
            // The decision is made here, per stream; the crate must not make another.
            colored::control::set_override(true);
        }
        wanted
    }
}

/// The look of a token.
fn token_color(kind: TokenKind, text: &str) -> Option<Color> {
    match kind {
        TokenKind::Comment => Some(Color::BrightBlack),
        TokenKind::Keyword => Some(Color::Magenta),
        TokenKind::Name if text.starts_with(char::is_uppercase) => Some(Color::Yellow),
        TokenKind::Function => Some(Color::Blue),
        TokenKind::Number => Some(Color::Cyan),
        TokenKind::String => Some(Color::Green),
        TokenKind::Interpolation | TokenKind::Placeholder => Some(Color::Magenta),
        TokenKind::Error => Some(Color::Red),
        TokenKind::Name
        | TokenKind::Field
        | TokenKind::Key
        | TokenKind::Operator
        | TokenKind::Open
        | TokenKind::Close
        | TokenKind::Punctuation => None,
    }
}

/// FQL in colours; the brackets at `marked` stand out.
pub(super) fn highlight(text: &str, language: Language, marked: &[usize]) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut at = 0;
    for (Span { start, end }, kind) in language.tokens(text) {
        let (start, end) = (start as usize, end as usize);
        let (Some(between), Some(token)) = (text.get(at..start), text.get(start..end)) else {
            continue;
        };
        out.push_str(between);
        at = end;
        if marked.contains(&start) {
            out.push_str(&token.bold().reversed().to_string());
            continue;
        }
        match token_color(kind, token) {
            // Line by line, so that a pager or a terminal that resets at line ends shows every line.
            Some(color) => {
                for (i, line) in token.split('\n').enumerate() {
                    if i > 0 {
                        out.push('\n');
                    }
                    if !line.is_empty() {
                        out.push_str(&line.color(color).to_string());
                    }
                }
            }
            None => out.push_str(token),
        }
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

/// The colours of diagnostics.
pub(super) struct Painted;

impl Style for Painted {
    fn paint(&self, part: Part, text: &str, out: &mut String) {
        let painted = match part {
            Part::Heading(severity) => match text.split_once(':') {
                Some((name, message)) => format!(
                    "{}{}",
                    format!("{name}:").color(severity_color(severity)).bold(),
                    message.bold()
                ),
                None => text.color(severity_color(severity)).bold().to_string(),
            },
            Part::Place => text.dimmed().to_string(),
            Part::Gutter => text.blue().to_string(),
            Part::Line => text.to_string(),
            Part::Underline(severity) => text.color(severity_color(severity)).bold().to_string(),
        };
        out.push_str(&painted);
    }
}

fn severity_color(severity: Severity) -> Color {
    match severity {
        Severity::Error => Color::Red,
        Severity::Warning => Color::Yellow,
        Severity::Hint | Severity::Cause => Color::Cyan,
        Severity::Info | Severity::Log => Color::Green,
        Severity::Performance => Color::Yellow,
        Severity::Trace => Color::BrightBlack,
    }
}

/// `error:` before a message of the shell itself.
pub(super) fn error_heading(message: &str, colors: bool) -> String {
    match colors {
        true => format!("{} {}", "error:".red().bold(), message.bold()),
        false => format!("error: {message}"),
    }
}

/// What announces errors.
pub(super) fn warning(text: &str, colors: bool) -> String {
    match colors {
        true => text.red().to_string(),
        false => text.to_string(),
    }
}

/// Something said in passing.
pub(super) fn quiet(text: &str, colors: bool) -> String {
    match colors {
        true => text.dimmed().to_string(),
        false => text.to_string(),
    }
}

/// The prompt.
pub(super) fn prompt(text: &str) -> String {
    text.cyan().bold().to_string()
}
