//! Diagnostics as text (`spec fql10-language 7.4`): a heading, the place, and the source lines with the span
//! underlined. Columns and lengths are in UTF-16 units.
//!
//! Rendering knows the parts of that text; what a part looks like on a terminal is a front's [`Style`].

use super::diagnostic::{Diagnostic, Hint, Severity};
use super::source::{Location, Source, Span};
use std::sync::Arc;

/// A part of a rendered diagnostic, for colouring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// `error:` and the like, and the message after it.
    Heading(Severity),
    /// `at *query*:1:2`
    Place,
    /// Line numbers and the bar beside the source.
    Gutter,
    /// A line of the source.
    Line,
    /// The underline and its annotation.
    Underline(Severity),
}

/// How parts of a diagnostic look.
pub trait Style {
    /// Appends `text`, which is a `part`, to `out`.
    fn paint(&self, part: Part, text: &str, out: &mut String);
}

/// No colours.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain;

impl Style for Plain {
    fn paint(&self, _part: Part, text: &str, out: &mut String) {
        out.push_str(text);
    }
}

/// The most bytes of a summary, give or take one excerpt. Far more than anybody reads; but each of many diagnostics shows
/// its whole line, so that without a limit a text of 40 KB could make a summary of gigabytes.
const MAX_SUMMARY: usize = 4 << 20;

/// The summary of a response: all diagnostics, an empty line between them.
pub fn render_all(diagnostics: &[Diagnostic]) -> String {
    render_all_with(diagnostics, &Plain)
}

/// [`render_all`] in a style.
pub fn render_all_with(diagnostics: &[Diagnostic], style: &dyn Style) -> String {
    separated(diagnostics, "\n\n", style)
}

/// All diagnostics, each on its own lines, as errors of a schema are told.
pub fn render_lines(diagnostics: &[Diagnostic]) -> String {
    separated(diagnostics, "\n", &Plain)
}

fn separated(diagnostics: &[Diagnostic], separator: &str, style: &dyn Style) -> String {
    let mut summary = Summary::new(style);
    for (index, diagnostic) in diagnostics.iter().enumerate() {
        if summary.is_full() {
            summary.leave_out(separator, diagnostics.len() - index);
            break;
        }
        if index > 0 {
            summary.out.push_str(separator);
        }
        diagnostic.write(&mut summary);
    }
    summary.out
}

/// Where a location begins: `main.fsl:1:1`.
pub fn place(location: &Location) -> String {
    let Some(text) = &location.source.text else {
        return "<no source>".to_string();
    };
    let excerpt = Excerpt::new(text, &Lines::new(text), location.span, None, '^');
    format!(
        "{}:{}:{}",
        location.source.name, excerpt.line, excerpt.column
    )
}

/// A summary that is being written.
struct Summary<'a> {
    style: &'a dyn Style,
    out: String,
    /// What was changed only to be shown, in bytes.
    changed: usize,
    /// The lines of the texts met so far, few as these are.
    texts: Vec<(Arc<str>, Lines)>,
}

impl<'a> Summary<'a> {
    fn new(style: &'a dyn Style) -> Summary<'a> {
        Summary {
            style,
            out: String::new(),
            changed: 0,
            texts: Vec::new(),
        }
    }

    fn paint(&mut self, part: Part, text: &str) {
        self.style.paint(part, text, &mut self.out);
    }

    fn is_full(&self) -> bool {
        self.out.len() + self.changed / 16 > MAX_SUMMARY
    }

    /// Says how many entries are not shown.
    fn leave_out(&mut self, separator: &str, count: usize) {
        self.out
            .push_str(&format!("{separator}... and {count} more"));
    }

    /// The lines of a text.
    fn lines(&mut self, text: &Arc<str>) -> &Lines {
        let known = self.texts.iter().position(|(t, _)| Arc::ptr_eq(t, text));
        let at = known.unwrap_or_else(|| {
            self.texts.push((text.clone(), Lines::new(text)));
            self.texts.len() - 1
        });
        &self.texts[at].1
    }

    /// The line of a location, from 1; 0 if the source is not shown.
    fn line_of(&mut self, location: &Location) -> usize {
        match &location.source.text {
            Some(text) => self.lines(text).before(location.span.start as usize) + 1,
            None => 0,
        }
    }
}

/// Where the lines of a text begin.
struct Lines {
    /// The places of the line ends.
    ends: Vec<u32>,
    /// The length of the text without blanks at its end.
    visible: usize,
}

impl Lines {
    fn new(text: &str) -> Lines {
        let bytes = text.bytes().enumerate();
        Lines {
            ends: bytes
                .filter(|(_, byte)| *byte == b'\n')
                .map(|(at, _)| at as u32)
                .collect(),
            visible: text.trim_end().len(),
        }
    }

    /// How many line ends there are before a place.
    fn before(&self, at: usize) -> usize {
        self.ends.partition_point(|end| (*end as usize) < at)
    }
}

impl Diagnostic {
    /// The diagnostic as it stands in a summary.
    pub fn render(&self) -> String {
        self.render_with(&Plain)
    }

    /// [`Diagnostic::render`] in a style.
    pub fn render_with(&self, style: &dyn Style) -> String {
        let mut summary = Summary::new(style);
        self.write(&mut summary);
        summary.out
    }

    fn write(&self, summary: &mut Summary<'_>) {
        if self.severity == Severity::Log {
            let line = self.log_line(summary);
            summary.paint(Part::Heading(self.severity), &line);
        } else {
            let entry = Entry {
                severity: self.severity,
                heading: heading(
                    self.severity,
                    &self.message,
                    self.severity == Severity::Trace,
                ),
                location: self.location.as_ref(),
                annotation: self.annotation.as_deref(),
                suggestion: None,
            };
            entry.write(None, summary);
        }
        let parent = self
            .location
            .as_ref()
            .map(|location| (summary.line_of(location), &*location.source));
        let mut traced = false;
        for (index, hint) in self.hints.iter().enumerate() {
            if summary.is_full() {
                summary.leave_out("\n", self.hints.len() - index);
                break;
            }
            let named = hint.severity == Severity::Trace && !traced && index > 0;
            traced |= hint.severity == Severity::Trace;
            if !summary.out.is_empty() {
                summary.out.push('\n');
            }
            entry_of(hint, named).write(parent, summary);
        }
    }

    /// `info at *query*:LINE: text`
    fn log_line(&self, summary: &mut Summary<'_>) -> String {
        match &self.location {
            Some(location) => format!(
                "info at {}:{}: {}",
                location.source.name,
                summary.line_of(location),
                self.message
            ),
            None => format!("info at <no source>: {}", self.message),
        }
    }
}

/// One heading with its place and excerpt.
struct Entry<'a> {
    severity: Severity,
    heading: Option<String>,
    location: Option<&'a Location>,
    annotation: Option<&'a str>,
    suggestion: Option<&'a str>,
}

fn entry_of(hint: &Hint, named: bool) -> Entry<'_> {
    Entry {
        severity: hint.severity,
        heading: heading(hint.severity, &hint.message, named),
        location: hint.location.as_ref(),
        annotation: None,
        suggestion: hint.suggestion.as_ref().map(|suggestion| &*suggestion.text),
    }
}

fn heading(severity: Severity, message: &str, named: bool) -> Option<String> {
    let name = match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Hint => "hint",
        Severity::Cause => "cause",
        Severity::Info | Severity::Log => "info",
        Severity::Performance => "performance_hint",
        Severity::Trace if named => "trace",
        Severity::Trace => return None,
    };
    Some(if message.is_empty() {
        format!("{name}:")
    } else {
        format!("{name}: {message}")
    })
}

impl Entry<'_> {
    fn write(&self, parent: Option<(usize, &Source)>, summary: &mut Summary<'_>) {
        if let Some(heading) = &self.heading {
            summary.paint(Part::Heading(self.severity), heading);
        }
        let Some(location) = self.location else {
            return;
        };
        if self.heading.is_some() {
            summary.out.push('\n');
        }
        let Some(text) = &location.source.text else {
            summary.paint(Part::Place, "at <no source>");
            return;
        };
        let span = location.span;
        let excerpt = match self.suggestion {
            None => Excerpt::new(text, summary.lines(text), span, self.annotation, '^'),
            Some("") => Excerpt::new(text, summary.lines(text), span, self.annotation, '-'),
            Some(replacement) => {
                let start = floor(text, span.start as usize);
                let end = floor(text, span.end as usize).max(start);
                let (before, after) = (
                    text.get(..start).unwrap_or(""),
                    text.get(end..).unwrap_or(""),
                );
                let changed = format!("{before}{replacement}{after}");
                summary.changed += changed.len();
                let mark = if span.start == span.end { '+' } else { '~' };
                Excerpt::new(
                    &changed,
                    &Lines::new(&changed),
                    Span::new(start, start + replacement.len()),
                    self.annotation,
                    mark,
                )
            }
        };
        let same_line = parent.is_some_and(|(line, source)| {
            line == excerpt.line && source.name == location.source.name
        });
        if !same_line {
            let place = format!(
                "at {}:{}:{}",
                location.source.name, excerpt.line, excerpt.column
            );
            summary.paint(Part::Place, &place);
            summary.out.push('\n');
        }
        excerpt.write(self.severity, summary);
    }
}

/// The lines around a span, with its underline.
struct Excerpt {
    line: usize,
    column: usize,
    rows: Vec<Row>,
}

/// One line of an excerpt.
struct Row {
    /// The line's number.
    number: Option<usize>,
    /// The left edge of a bracket around several lines.
    gutter: &'static str,
    text: String,
    underline: bool,
}

impl Excerpt {
    fn new(text: &str, lines: &Lines, span: Span, annotation: Option<&str>, mark: char) -> Excerpt {
        let trimmed = text.get(..lines.visible).unwrap_or(text);
        let (start, end) = (span.start as usize, span.end as usize);
        let length = units_between(text, start, end);
        // A span past the visible text is shown at its end.
        let start = floor(trimmed, start);
        let shown = if trimmed.is_empty() { " " } else { trimmed };
        let first = lines.before(start) + 1;
        let line_start = match lines.ends.get(first.wrapping_sub(2)) {
            Some(end) => *end as usize + 1,
            None => 0,
        };
        let indent = units(shown.get(line_start..start).unwrap_or(""));
        let mut lines = shown
            .get(line_start..)
            .unwrap_or("")
            .split_inclusive('\n')
            .zip(first..)
            .peekable();

        let mut rows = vec![Row::blank()];
        let (line, _) = lines.next().unwrap_or((" ", first));
        rows.push(Row::line(first, "", line));
        if indent + length <= units(line) || lines.peek().is_none() {
            let mut text = " ".repeat(indent);
            text.extend(std::iter::repeat_n(mark, length));
            if let Some(annotation) = annotation.filter(|annotation| !annotation.is_empty()) {
                text.push(' ');
                text.push_str(annotation);
            }
            rows.push(Row {
                number: None,
                gutter: "",
                text,
                underline: true,
            });
        } else {
            let text = format!("{}{mark}", "_".repeat(indent));
            rows.push(Row {
                number: None,
                gutter: " _",
                text,
                underline: true,
            });
            let mut left = length - units(line).saturating_sub(indent);
            while let Some((line, number)) = lines.next() {
                rows.push(Row::line(number, "| ", line));
                let width = units(line);
                if left <= width || lines.peek().is_none() {
                    let text = format!("{}^", "_".repeat(left.saturating_sub(1)));
                    rows.push(Row {
                        number: None,
                        gutter: "|_",
                        text,
                        underline: true,
                    });
                    break;
                }
                left -= width;
            }
        }
        rows.push(Row::blank());
        Excerpt {
            line: first,
            column: indent + 1,
            rows,
        }
    }

    fn write(&self, severity: Severity, summary: &mut Summary<'_>) {
        let digits = self
            .rows
            .iter()
            .filter_map(|row| row.number)
            .max()
            .unwrap_or(0)
            .to_string()
            .len();
        let gutter_width = self
            .rows
            .iter()
            .map(|row| row.gutter.len())
            .max()
            .unwrap_or(0);
        for (index, row) in self.rows.iter().enumerate() {
            if index > 0 {
                summary.out.push('\n');
            }
            let number = row
                .number
                .map_or(String::new(), |number| number.to_string());
            let body = format!("{:>gutter_width$}{}", row.gutter, row.text);
            let body = body.trim_end();
            let prefix = format!("{number:>digits$} | ");
            if body.is_empty() {
                summary.paint(Part::Gutter, prefix.trim_end());
                continue;
            }
            summary.paint(Part::Gutter, &prefix);
            let part = if row.underline {
                Part::Underline(severity)
            } else {
                Part::Line
            };
            summary.paint(part, body);
        }
    }
}

impl Row {
    fn blank() -> Row {
        Row {
            number: None,
            gutter: "",
            text: String::new(),
            underline: false,
        }
    }

    fn line(number: usize, gutter: &'static str, line: &str) -> Row {
        // NUL stands for the `<` of a template value.
        Row {
            number: Some(number),
            gutter,
            text: line.replace('\0', "<"),
            underline: false,
        }
    }
}

/// The UTF-16 units of a text.
fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// The UTF-16 units from one byte offset to another; each byte past the end counts as one.
fn units_between(text: &str, start: usize, end: usize) -> usize {
    let past = end.saturating_sub(text.len().max(start));
    units(text.get(floor(text, start)..floor(text, end)).unwrap_or("")) + past
}

/// The last character boundary at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fql::syntax::diagnostic::Suggestion;

    fn at(source: &Arc<Source>, start: usize, end: usize) -> Location {
        Location::new(source, Span::new(start, end))
    }

    #[test]
    fn several_lines() {
        let source = Source::query("foo({\n  a: 1\n})");
        let error = Diagnostic::error("no", at(&source, 3, 15)).annotated("not shown");
        let expected = "error: no\nat *query*:1:4\n  |\n1 |   foo({\n  |  ____^\n2 | |   a: 1\n3 | | })\n  | |__^\n  |";
        assert_eq!(error.render(), expected);
    }

    #[test]
    fn hints_and_traces() {
        let query = Source::query("let a = null\nouter(a)");
        let inner = Source::new("*udf:inner*", "(doc) => doc.a");
        let mut error = Diagnostic::error("Cannot access `a` on null.", at(&inner, 13, 14))
            .hint("Null value created here", at(&query, 8, 12));
        error.hints.push(Hint {
            severity: Severity::Trace,
            message: String::new(),
            location: Some(at(&query, 18, 21)),
            suggestion: None,
        });
        let expected = "error: Cannot access `a` on null.\nat *udf:inner*:1:14\n  |\n1 | (doc) => doc.a\n  |              ^\n  |\n\
            hint: Null value created here\nat *query*:1:9\n  |\n1 | let a = null\n  |         ^^^^\n  |\n\
            trace:\nat *query*:2:6\n  |\n2 | outer(a)\n  |      ^^^\n  |";
        assert_eq!(error.render(), expected);
        error.hints.remove(0);
        assert_eq!(error.render().matches("trace:").count(), 0);
    }

    #[test]
    fn suggestions_are_shown_applied() {
        let source = Source::query("f");
        let render = |start, end, text: &str| {
            let mut error = Diagnostic::error("e", at(&source, 0, 1));
            error.hints.push(Hint {
                severity: Severity::Hint,
                message: "h".into(),
                location: Some(at(&source, start, end)),
                suggestion: Some(Suggestion { text: text.into() }),
            });
            error
                .render()
                .split_once("hint: h\n")
                .map(|(_, hint)| hint.to_string())
                .unwrap_or_default()
        };
        assert_eq!(render(1, 1, "()"), "  |\n1 | f()\n  |  ++\n  |");
        assert_eq!(render(0, 1, "gg"), "  |\n1 | gg\n  | ~~\n  |");
        assert_eq!(render(0, 1, ""), "  |\n1 | f\n  | -\n  |");
    }

    #[test]
    fn places_past_the_end_and_unknown() {
        let empty = Source::query("// x\n\n");
        let error = Diagnostic::error("e", at(&empty, 6, 7));
        assert_eq!(
            error.render(),
            "error: e\nat *query*:1:5\n  |\n1 | // x\n  |     ^\n  |"
        );
        let error = Diagnostic::error("e", at(&Source::query(""), 0, 1));
        assert_eq!(
            error.render(),
            "error: e\nat *query*:1:1\n  |\n1 |\n  | ^\n  |"
        );
        let error = Diagnostic::error("e", at(&Source::hidden("*predicate:R:read*"), 0, 1));
        assert_eq!(error.render(), "error: e\nat <no source>");
    }

    #[test]
    fn columns_count_units_and_templates_show() {
        let source = Source::query("'😀' + \0value> é");
        let error = Diagnostic::error("e", at(&source, 9, 16));
        assert_eq!(
            error.render(),
            "error: e\nat *query*:1:8\n  |\n1 | '😀' + <value> é\n  |        ^^^^^^^\n  |"
        );
    }

    #[test]
    fn summaries_are_bounded() {
        let source = Source::query("x,".repeat(10_000));
        let errors: Vec<_> = (0..10_000)
            .map(|i| Diagnostic::error("e", at(&source, i * 2, i * 2 + 1)))
            .collect();
        let summary = render_all(&errors);
        assert!(summary.len() < MAX_SUMMARY + 100_000);
        assert!(summary.contains("\n\n... and "));
        let mut error = Diagnostic::error("e", at(&source, 0, 1));
        error.hints = vec![
            Hint {
                severity: Severity::Hint,
                message: String::new(),
                location: Some(at(&source, 7, 8)),
                suggestion: Some(Suggestion { text: "!".into() }),
            };
            10_000
        ];
        let summary = render_all(&[error]);
        assert!(summary.len() < MAX_SUMMARY + 100_000);
        assert!(summary.contains("\n... and "));
    }

    #[test]
    fn log_lines() {
        let mut log = Diagnostic::error("a b", at(&Source::query("1\nlog()"), 5, 7));
        log.severity = Severity::Log;
        assert_eq!(
            render_all(&[log.clone(), log]),
            "info at *query*:2: a b\n\ninfo at *query*:2: a b"
        );
    }
}
