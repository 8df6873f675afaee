//! What is printed, where, and how: results in the chosen format to standard output, all else to standard error.

use super::Origin;
use super::colors::{self, ColorChoice, Painted};
use super::language::Language;
use super::table;
use crate::engine::{Outcome, QueryError, Stats};
use crate::fql::syntax::{
    Diagnostic, Hint, Location, Plain, Severity, Span, Style, render_all_with,
};
use crate::store::TxnTime;
use crate::value::Time;
use crate::value::format::Format as ValueFormat;
use crate::value::rendered::Rendered;
use std::io::{self, IsTerminal, Write};
use std::process::{Command, Stdio};

/// How results look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// FQL: the decorated format.
    #[default]
    Fql,
    /// Plain JSON.
    Json,
    /// JSON whose tags keep the types.
    Tagged,
    /// The elements of a set or array as plain JSON, one a line.
    Ndjson,
    /// Documents as a table.
    Table,
}

impl Format {
    /// Every format.
    pub const ALL: [Format; 5] = [
        Format::Fql,
        Format::Json,
        Format::Tagged,
        Format::Ndjson,
        Format::Table,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Format::Fql => "fql",
            Format::Json => "json",
            Format::Tagged => "tagged",
            Format::Ndjson => "ndjson",
            Format::Table => "table",
        }
    }

    /// The format of that name; the names that requests use are known too.
    pub fn parse(name: &str) -> Option<Format> {
        match name {
            "decorated" => Some(Format::Fql),
            "simple" => Some(Format::Json),
            _ => Format::ALL.into_iter().find(|f| f.name() == name),
        }
    }
}

/// The two streams and how to write to them.
pub(super) struct Output {
    pub(super) format: Format,
    /// The language that queries are shown in.
    pub(super) language: Language,
    out: io::BufWriter<io::Stdout>,
    out_terminal: bool,
    out_colors: bool,
    error_colors: bool,
    /// Show what does not fit through a pager.
    pub(super) paging: bool,
}

impl Output {
    pub(super) fn new(format: Format, color: ColorChoice) -> Output {
        let out_terminal = io::stdout().is_terminal();
        Output {
            format,
            language: Language::V10,
            out: io::BufWriter::new(io::stdout()),
            out_terminal,
            out_colors: color.applies(out_terminal),
            error_colors: color.applies(io::stderr().is_terminal()),
            paging: false,
        }
    }

    /// Whether standard output shows colours.
    pub(super) fn colors(&self) -> bool {
        self.out_colors
    }

    /// A result.
    pub(super) fn value(&mut self, value: &Rendered) -> io::Result<()> {
        let text = match self.format {
            Format::Fql => value.to_text(ValueFormat::Decorated),
            Format::Json => value.to_text(ValueFormat::Simple),
            Format::Tagged => value.to_text(ValueFormat::Tagged),
            Format::Ndjson => ndjson(value),
            Format::Table => table::draw(value, self.width()),
        };
        match self.format {
            Format::Fql | Format::Json | Format::Tagged if self.out_colors => {
                self.text(&colors::highlight(&text, Language::V10, &[]))
            }
            Format::Ndjson if text.is_empty() => Ok(()),
            Format::Fql | Format::Json | Format::Tagged | Format::Ndjson | Format::Table => {
                self.text(&text)
            }
        }
    }

    /// A text for standard output, through the pager if it is long.
    pub(super) fn text(&mut self, text: &str) -> io::Result<()> {
        if self.paging && self.too_long(text) && self.page(text) {
            return Ok(());
        }
        self.out.write_all(text.as_bytes())?;
        self.out.write_all(b"\n")?;
        self.out.flush()
    }

    /// A result of FQL v4, from its wire form.
    pub(super) fn legacy_value(&mut self, text: &str, value: &serde_json::Value) -> io::Result<()> {
        match self.format {
            Format::Fql => {
                let text = crate::fql4::print::inspect(value);
                match self.out_colors {
                    true => self.text(&colors::highlight(&text, Language::V4, &[])),
                    false => self.text(&text),
                }
            }
            Format::Json | Format::Tagged => match self.out_colors {
                true => self.text(&colors::highlight(text, Language::V4, &[])),
                false => self.text(text),
            },
            Format::Ndjson => {
                let elements = match value.get("data").unwrap_or(value) {
                    serde_json::Value::Array(elements) => elements.as_slice(),
                    _ => std::slice::from_ref(value),
                };
                let lines: Vec<String> = elements.iter().map(|e| e.to_string()).collect();
                match lines.is_empty() {
                    true => Ok(()),
                    false => self.text(&lines.join("\n")),
                }
            }
            Format::Table => {
                let text = table::draw(&super::legacy::rows(value), self.width());
                self.text(&text)
            }
        }
    }

    /// A diagnostic of the shell's own.
    pub(super) fn diagnostic(&mut self, diagnostic: Diagnostic) -> io::Result<()> {
        let style: &dyn Style = if self.error_colors { &Painted } else { &Plain };
        let text = render_all_with(&[diagnostic], style);
        self.error_text(&text)
    }

    /// Errors, each with a heading.
    pub(super) fn errors(&mut self, heading: &str, errors: &[String]) -> io::Result<()> {
        let heading = colors::warning(heading, self.error_colors);
        let shown: Vec<String> = errors
            .iter()
            .map(|error| format!("{heading}\n\n{error}"))
            .collect();
        self.error_text(&shown.join("\n\n"))
    }

    /// Warnings, logs and errors of a query, at their places in the script.
    pub(super) fn summary(
        &mut self,
        outcome: &Outcome,
        origin: Option<&Origin<'_>>,
    ) -> io::Result<()> {
        if outcome.diagnostics.is_empty() {
            // Another process tells its summary as text only.
            return match outcome.summary.is_empty() {
                true => Ok(()),
                false => self.error_text(&outcome.summary),
            };
        }
        let style: &dyn Style = if self.error_colors { &Painted } else { &Plain };
        let shown: Vec<_> = outcome
            .diagnostics
            .iter()
            .map(|diagnostic| match origin {
                None => diagnostic.clone(),
                Some(origin) => in_script(diagnostic, origin),
            })
            .map(folded)
            .collect();
        let text = render_all_with(&shown, style);
        self.error_text(&text)
    }

    /// What the summary does not say about a failure.
    pub(super) fn error(&mut self, error: &QueryError, alone: bool) -> io::Result<()> {
        if alone {
            self.failure(&error.message)?;
        }
        if let Some(value) = &error.abort {
            let text = value.to_text(ValueFormat::Decorated);
            self.error_text(&format!("aborted with: {text}"))?;
        }
        Ok(())
    }

    /// Something that went wrong in the shell itself.
    pub(super) fn failure(&mut self, message: &str) -> io::Result<()> {
        let text = colors::error_heading(message, self.error_colors);
        self.error_text(&text)
    }

    /// Something said in passing.
    pub(super) fn note(&mut self, text: &str) -> io::Result<()> {
        let terminal = console::Term::stderr();
        let text = match terminal.is_term() {
            true => wrapped(text, usize::from(terminal.size().1)).join("\n"),
            false => text.to_string(),
        };
        let text = colors::quiet(&text, self.error_colors);
        self.error_text(&text)
    }

    /// Time and statistics; the static type and the code of the failure, if there are.
    pub(super) fn stats(
        &mut self,
        stats: &Stats,
        static_type: Option<&str>,
        failed: Option<&str>,
        txn_time: TxnTime,
    ) -> io::Result<()> {
        let mut text = format!(
            "{:.3} ms, {} compute, {} read ({}), {} write ({})",
            stats.query_time.as_secs_f64() * 1000.0,
            stats.compute_ops,
            stats.read_ops,
            bytes(stats.storage_bytes_read),
            stats.write_ops,
            bytes(stats.storage_bytes_write),
        );
        if stats.contention_retries > 0 {
            text.push_str(&format!(", {} retries", stats.contention_retries));
        }
        if let Some(ty) = static_type {
            text.push_str(&format!(", type {ty}"));
        }
        if let Some(code) = failed {
            text.push_str(&format!(", {code}"));
        }
        text.push_str(&format!(", at {}", Time::from(txn_time)));
        self.note(&text)
    }

    /// What a session's transcript shows of a query: the prompt and the text.
    pub(super) fn echo(&mut self, prompt: &str, text: &str) -> io::Result<()> {
        let continued = continuation(prompt);
        let shown = match self.out_colors {
            true => colors::highlight(text, self.language, &[]),
            false => text.to_string(),
        };
        for (i, line) in shown.lines().enumerate() {
            let lead = if i == 0 { prompt } else { &continued };
            let lead = match self.out_colors {
                true => colors::prompt(lead),
                false => lead.to_string(),
            };
            writeln!(self.out, "{}", format!("{lead}{line}").trim_end())?;
        }
        self.out.flush()
    }

    /// Lines as they are, such as the comments of a script.
    pub(super) fn verbatim(&mut self, text: &str) -> io::Result<()> {
        let text = match self.out_colors {
            true => colors::highlight(text, self.language, &[]),
            false => text.to_string(),
        };
        writeln!(self.out, "{text}")
    }

    /// Empties the screen.
    pub(super) fn clear_screen(&mut self) -> io::Result<()> {
        if self.out_terminal {
            self.out.write_all(b"\x1b[H\x1b[2J\x1b[3J")?;
        }
        self.out.flush()
    }

    fn error_text(&mut self, text: &str) -> io::Result<()> {
        self.out.flush()?;
        // If nobody hears errors there is nobody to tell.
        let _ = writeln!(io::stderr().lock(), "{text}");
        Ok(())
    }

    /// The columns of the terminal that results go to, if they do.
    pub(super) fn width(&self) -> Option<u16> {
        self.out_terminal.then(|| console::Term::stdout().size().1)
    }

    fn too_long(&self, text: &str) -> bool {
        let (rows, columns) = console::Term::stdout().size();
        let columns = usize::from(columns).max(1);
        let mut used = 0;
        for line in text.lines() {
            used += console::measure_text_width(line).div_ceil(columns).max(1);
            if used + 1 >= usize::from(rows) {
                return true;
            }
        }
        false
    }

    /// Shows a text in the pager; answers whether that worked.
    fn page(&mut self, text: &str) -> bool {
        let pager = std::env::var("PAGER").unwrap_or_else(|_| "less -R".to_string());
        let mut words = pager.split_whitespace();
        let Some(program) = words.next() else {
            return false;
        };
        let started = Command::new(program)
            .args(words)
            .env("LESSCHARSET", "utf-8")
            .stdin(Stdio::piped())
            .spawn();
        let Ok(mut child) = started else {
            return false;
        };
        if let Some(mut input) = child.stdin.take() {
            // A reader who leaves before the end is content.
            let _ = input.write_all(text.as_bytes());
            let _ = input.write_all(b"\n");
        }
        child.wait().is_ok()
    }
}

/// The lines of a text that are no wider than that, broken between words.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            let used = console::measure_text_width(&line);
            if !line.trim().is_empty() && used + 1 + console::measure_text_width(word) > width {
                lines.push(std::mem::replace(&mut line, word.to_string()));
            } else {
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(word);
            }
        }
        lines.push(line);
    }
    lines
}

/// The prompt of further lines: as wide as the first.
pub(super) fn continuation(prompt: &str) -> String {
    let width = console::measure_text_width(prompt);
    let dots = "...> ";
    match width.checked_sub(dots.len()) {
        Some(blank) => format!("{}{dots}", " ".repeat(blank)),
        None => " ".repeat(width),
    }
}

/// Frames shown at either end of a long trace.
const FRAMES: usize = 8;

/// A diagnostic whose trace is short enough to be read: of a recursion without end, the inner and the outer frames.
fn folded(mut diagnostic: Diagnostic) -> Diagnostic {
    let traced = |hint: &Hint| hint.severity == Severity::Trace;
    let first = diagnostic.hints.iter().position(traced);
    let Some(first) = first else {
        return diagnostic;
    };
    let count = diagnostic.hints.len() - first;
    if count > 3 * FRAMES && diagnostic.hints.iter().skip(first).all(traced) {
        let left_out = first + FRAMES..diagnostic.hints.len() - FRAMES;
        let note = Hint {
            severity: Severity::Info,
            message: format!("{} more calls between these", left_out.len()),
            location: None,
            suggestion: None,
        };
        diagnostic.hints.splice(left_out, [note]);
    }
    diagnostic
}

/// A diagnostic with places of the query named as places of the script it comes from.
fn in_script(diagnostic: &Diagnostic, origin: &Origin<'_>) -> Diagnostic {
    let moved = |location: &Option<Location>| {
        location
            .as_ref()
            .map(|location| match location.source.is_query() {
                true => {
                    let Span { start, end } = location.span;
                    let offset = origin.offset;
                    let span = Span {
                        start: start.saturating_add(offset),
                        end: end.saturating_add(offset),
                    };
                    Location::new(origin.script, span)
                }
                false => location.clone(),
            })
    };
    let mut diagnostic = diagnostic.clone();
    diagnostic.location = moved(&diagnostic.location);
    for hint in &mut diagnostic.hints {
        hint.location = moved(&hint.location);
    }
    diagnostic
}

fn ndjson(value: &Rendered) -> String {
    let elements = match value {
        Rendered::Page(page) => &page.data,
        Rendered::Array(elements) => elements,
        single => std::slice::from_ref(single),
    };
    let lines: Vec<String> = elements
        .iter()
        .map(|e| e.to_text(ValueFormat::Simple))
        .collect();
    lines.join("\n")
}

fn bytes(count: u64) -> String {
    match count {
        0..10_000 => format!("{count} B"),
        10_000..10_000_000 => format!("{} KB", count / 1000),
        _ => format!("{} MB", count / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fql::syntax::Source;

    #[test]
    fn continuation_prompts_are_as_wide() {
        for prompt in [
            "/ (root)> ",
            "CoffeeStore/internal (admin)> ",
            "> ",
            "Café (server)> ",
        ] {
            let width = console::measure_text_width(prompt);
            assert_eq!(
                console::measure_text_width(&continuation(prompt)),
                width,
                "{prompt}"
            );
        }
    }

    #[test]
    fn texts_are_broken_between_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("one two\nthree", 80), ["one two", "three"]);
        assert_eq!(
            wrapped("incomprehensible, is it", 8),
            ["incomprehensible,", "is it"]
        );
        assert_eq!(wrapped("", 8), [""]);
    }

    #[test]
    fn long_traces_are_folded() {
        let traced = |count| {
            let mut error =
                Diagnostic::error("e", Location::new(&Source::query("f"), Span::new(0, 1)));
            let frame = Hint {
                severity: Severity::Trace,
                message: String::new(),
                location: error.location.clone(),
                suggestion: None,
            };
            error.hints = vec![frame; count];
            folded(error).hints
        };
        assert_eq!(traced(24).len(), 24);
        let hints = traced(2049);
        assert_eq!(hints.len(), 2 * FRAMES + 1);
        assert_eq!(hints[FRAMES].message, "2033 more calls between these");
    }

    #[test]
    fn formats_have_names() {
        for format in Format::ALL {
            assert_eq!(Format::parse(format.name()), Some(format));
        }
        assert_eq!(Format::parse("decorated"), Some(Format::Fql));
        assert_eq!(Format::parse("xml"), None);
    }
}
