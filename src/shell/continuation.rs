//! The prompt before further lines of a text that is being edited.
//!
//! The line editor knows a prompt before the first line only, and lays every other out from the left edge. So the text
//! that it edits has a mark at the beginning of each further line: a character without width, and a tab, whose stop is
//! the width of the prompt. Where the editor has the tab, we draw the prompt. Whoever reads the text takes the marks out
//! first ([`plain`]); keys that go over the end of a line go over the mark too ([`bind`]).

use super::language::{CurrentLanguage, Language};
use rustyline::{
    CharSearch, Cmd, ConditionalEventHandler, Editor, Event, EventContext, EventHandler, Helper,
    KeyCode, KeyEvent, Modifiers, Movement, RepeatCount, history::History,
};

/// Stands at the beginning of a further line.
const MARK: &str = "\u{2060}\t";

/// The text without marks.
pub(super) fn plain(text: &str) -> String {
    text.replace(MARK, "")
}

/// The text with a mark on every further line.
pub(super) fn marked(text: &str) -> String {
    text.replace('\n', &format!("\n{MARK}"))
}

/// The width that further lines are indented by: that of the prompt, unless the terminal is too narrow.
pub(super) fn width(prompt: &str, columns: u16) -> u8 {
    let width = console::measure_text_width(prompt);
    match u8::try_from(width) {
        Ok(width @ 1..) if u16::from(width) < columns / 2 => width,
        _ => 4,
    }
}

/// The prompt of further lines.
pub(super) fn prompt(width: u8) -> String {
    let dots = match width {
        0..4 => ">",
        4 => "..> ",
        _ => "...> ",
    };
    format!("{dots:>width$}", width = usize::from(width))
}

/// What is drawn for an edited text: `shown` is how its plain form looks, `prompt` what stands before further lines.
/// Tabs are blanks up to the editor's tab stops.
pub(super) fn drawn(
    text: &str,
    shown: &str,
    prompt: &str,
    first: usize,
    stop: u8,
    columns: u16,
) -> String {
    let mut is_marked = text
        .split('\n')
        .skip(1)
        .map(|line| line.starts_with(MARK))
        .collect::<Vec<_>>()
        .into_iter();
    let (stop, columns) = (usize::from(stop).max(1), usize::from(columns).max(1));
    let mut out = String::with_capacity(shown.len());
    let mut column = first;
    let mut escape = false;
    for c in shown.chars() {
        match c {
            '\n' => {
                out.push(c);
                column = 0;
                if is_marked.next() == Some(true) {
                    out.push_str(prompt);
                    column = stop;
                }
            }
            '\t' => {
                let blanks = stop - column % stop;
                out.extend(std::iter::repeat_n(' ', blanks));
                column += blanks;
            }
            '\x1b' => {
                escape = true;
                out.push(c);
            }
            c if escape => {
                escape = !c.is_ascii_alphabetic();
                out.push(c);
            }
            c => {
                out.push(c);
                let wide = console::measure_text_width(c.encode_utf8(&mut [0; 4]));
                column += wide;
                if column > columns {
                    column = wide;
                }
            }
        }
    }
    out
}

/// Makes the keys of an editor know the marks.
pub(super) fn bind<H: Helper, I: History>(editor: &mut Editor<H, I>, language: &CurrentLanguage) {
    for (keys, key) in [
        (vec![key(KeyCode::Enter), KeyEvent::ctrl('J')], Key::Enter),
        (vec![KeyEvent(KeyCode::Enter, Modifiers::ALT)], Key::NewLine),
        (
            vec![key(KeyCode::Backspace), KeyEvent::ctrl('H')],
            Key::Backspace,
        ),
        (vec![key(KeyCode::Delete)], Key::Delete),
        (vec![key(KeyCode::Left), KeyEvent::ctrl('B')], Key::Left),
        (vec![key(KeyCode::Right), KeyEvent::ctrl('F')], Key::Right),
        (vec![key(KeyCode::Home), KeyEvent::ctrl('A')], Key::Home),
    ] {
        for event in keys {
            let bound = BoundKey {
                key,
                language: language.clone(),
            };
            editor.bind_sequence(event, EventHandler::Conditional(Box::new(bound)));
        }
    }
}

fn key(code: KeyCode) -> KeyEvent {
    KeyEvent(code, Modifiers::NONE)
}

fn to(character: CharSearch) -> Movement {
    Movement::ViCharSearch(1, character)
}

/// A key that means something else beside a mark.
#[derive(Clone, Copy, Debug)]
enum Key {
    /// Runs the text, or begins another line if it is not complete.
    Enter,
    /// Begins another line.
    NewLine,
    Backspace,
    Delete,
    Left,
    Right,
    Home,
}

/// A key, and the language that texts are in.
struct BoundKey {
    key: Key,
    language: CurrentLanguage,
}

impl ConditionalEventHandler for BoundKey {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, context: &EventContext) -> Option<Cmd> {
        let (before, after) = context.line().split_at_checked(context.pos())?;
        self.key.command(self.language.get(), before, after)
    }
}

impl Key {
    /// What to do with the cursor between two texts; `None`: the usual thing.
    fn command(self, language: Language, before: &str, after: &str) -> Option<Cmd> {
        let line_end = format!("\n{MARK}");
        let at_start = before.ends_with(&line_end);
        let at_end = after.starts_with(&line_end);
        match self {
            Key::Enter if language.is_ready(&plain(&format!("{before}{after}"))) => {
                Some(Cmd::AcceptLine)
            }
            Key::Enter | Key::NewLine => Some(Cmd::Insert(1, line_end)),
            // The editor repeats a movement once, however often it is said here: so to a character, not by a count.
            Key::Backspace if at_start => Some(Cmd::Kill(to(CharSearch::Backward('\n')))),
            Key::Delete if at_end => Some(Cmd::Kill(to(CharSearch::Forward('\t')))),
            Key::Left if at_start => Some(Cmd::Move(to(CharSearch::Backward('\n')))),
            Key::Right if at_end => {
                let next = after
                    .get(line_end.len()..)
                    .and_then(|rest| rest.chars().next());
                Some(Cmd::Move(match next {
                    Some(next) => to(CharSearch::Forward(next)),
                    None => Movement::EndOfBuffer,
                }))
            }
            Key::Home if at_start => Some(Cmd::Noop),
            Key::Home if before.contains(&line_end) => {
                Some(Cmd::Move(to(CharSearch::BackwardAfter('\t'))))
            }
            Key::Backspace | Key::Delete | Key::Left | Key::Right | Key::Home => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_come_and_go() {
        let text = "f(\n  1\n)";
        assert_eq!(plain(&marked(text)), text);
        assert_eq!(marked(text).matches(MARK).count(), 2);
        assert_eq!(plain("a\tb\n\tc"), "a\tb\n\tc");
    }

    #[test]
    fn prompts_are_as_wide() {
        assert_eq!(prompt(width("/ (root)> ", 80)), "     ...> ");
        assert_eq!(prompt(width("> ", 80)), " >");
        assert_eq!(prompt(width("Store/internal (admin)> ", 30)), "..> ");
    }

    #[test]
    fn further_lines_are_drawn_with_the_prompt() {
        let draw = |text: &str| drawn(text, &plain(text), " ..> ", 5, 5, 80);
        assert_eq!(draw(&marked("a\nb")), "a\n ..> b");
        // A pasted line has no mark.
        assert_eq!(draw("a\nb"), "a\nb");
        assert_eq!(draw("ab\tc\n\td"), "ab   c\n     d");
    }

    #[test]
    fn keys_go_over_marks() {
        let text = marked("ab\ncd");
        let (before, after) = text.split_at(text.len() - 2);
        let moved = |search| Some(Cmd::Move(to(search)));
        assert_eq!(
            Key::Backspace.command(Language::V10, before, after),
            Some(Cmd::Kill(to(CharSearch::Backward('\n'))))
        );
        assert_eq!(
            Key::Left.command(Language::V10, before, after),
            moved(CharSearch::Backward('\n'))
        );
        assert_eq!(Key::Left.command(Language::V10, &text, ""), None);
        assert_eq!(
            Key::Right.command(Language::V10, "ab", &text[2..]),
            moved(CharSearch::Forward('c'))
        );
        assert_eq!(
            Key::Home.command(Language::V10, &text, ""),
            moved(CharSearch::BackwardAfter('\t'))
        );
        assert_eq!(Key::Home.command(Language::V10, "ab", ""), None);
        assert_eq!(
            Key::Enter.command(Language::V10, "f(1)", ""),
            Some(Cmd::AcceptLine)
        );
        assert_eq!(
            Key::Enter.command(Language::V10, "f(", ""),
            Some(Cmd::Insert(1, format!("\n{MARK}")))
        );
    }
}
