//! Texts line by line: hunks of changed lines with some unchanged ones around them.
//!
//! Which lines count as changed is decided as the original's library does it (Myers' greedy algorithm), since of several
//! shortest differences just one is shown.

use super::paint::{Color, Colors, Painter};
use crate::fql::syntax::Source;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Unchanged lines before and after a hunk.
const AROUND: usize = 3;
/// As many unchanged lines end a hunk.
const SPLIT: usize = 7;
/// More changed lines than these are shown as one replacement: the work grows with their square.
const MOST_CHANGES: usize = 2000;

/// A line of the comparison.
enum Row<'t> {
    Equal(&'t str),
    Insert(&'t str),
    Delete(&'t str),
    Change(&'t str, &'t str),
}

impl Row<'_> {
    fn is_equal(&self) -> bool {
        matches!(self, Row::Equal(_))
    }
}

/// The changed lines of all files, by name.
pub fn textual(before: &[Arc<Source>], after: &[Arc<Source>], colors: Colors) -> String {
    let mut files: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    for source in before {
        files.entry(&source.name).or_default().0 = source.text.as_deref().unwrap_or("");
    }
    for source in after {
        files.entry(&source.name).or_default().1 = source.text.as_deref().unwrap_or("");
    }
    let mut painter = Painter::new(colors);
    let mut first = true;
    for (name, (before, after)) in files {
        if before == after {
            continue;
        }
        if !std::mem::take(&mut first) {
            painter.line("");
        }
        painter.bold();
        painter.write(name);
        painter.reset();
        painter.line("");
        hunks(&rows(&lines(before), &lines(after)), &mut painter);
    }
    painter.finish()
}

fn hunks(rows: &[Row<'_>], painter: &mut Painter) {
    let mut at = 0;
    // In the new text.
    let mut line = 0;
    while let Some(rest) = rows.get(at..).filter(|rest| !rest.is_empty()) {
        let distance = rest.iter().take_while(|row| row.is_equal()).count();
        let (mut hunk_rows, mut hunk_lines, mut unchanged) = (0, 0, 0);
        for row in rest.iter().skip(distance) {
            if row.is_equal() {
                unchanged += 1;
                if unchanged >= SPLIT {
                    break;
                }
                continue;
            }
            hunk_rows += unchanged + 1;
            hunk_lines += unchanged + usize::from(!matches!(row, Row::Delete(_)));
            unchanged = 0;
        }
        if hunk_rows == 0 {
            return;
        }
        let start = (at + distance).saturating_sub(AROUND);
        let end = (at + distance + hunk_rows + AROUND).min(rows.len());
        let first_line = (line + distance).saturating_sub(AROUND);
        let last_line = (line + distance + hunk_lines + AROUND).min(rows.len());
        painter.select(Color::Cyan);
        painter.write(&format!("@ line {} to {last_line}", first_line + 1));
        painter.reset();
        painter.line("");
        for row in rows.get(start..end).unwrap_or_default() {
            write_row(row, painter);
        }
        at = end;
        line = last_line;
    }
}

fn write_row(row: &Row<'_>, painter: &mut Painter) {
    let mut write = |color: Option<Color>, mark: &str, text: &str| {
        if let Some(color) = color {
            painter.select(color);
        }
        match (mark, text) {
            (" ", "") => {}
            (mark, "") => painter.write(mark),
            (mark, text) => painter.write(&format!("{mark} {text}")),
        }
        painter.reset();
        painter.line("");
    };
    match row {
        Row::Equal(text) => write(None, " ", text),
        Row::Insert(text) => write(Some(Color::Green), "+", text),
        Row::Delete(text) => write(Some(Color::Red), "-", text),
        Row::Change(old, new) => {
            write(Some(Color::Red), "-", old);
            write(Some(Color::Green), "+", new);
        }
    }
}

/// The lines of a text, without their ends.
fn lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        match rest.find(['\n', '\r']) {
            Some(end) => {
                let (line, after) = rest.split_at(end);
                lines.push(line);
                let ending = if after.starts_with("\r\n") { 2 } else { 1 };
                rest = after.get(ending..).unwrap_or("");
            }
            None => {
                lines.push(rest);
                rest = "";
            }
        }
    }
    lines
}

fn rows<'t>(before: &[&'t str], after: &[&'t str]) -> Vec<Row<'t>> {
    let mut rows = Vec::new();
    let mut at = 0;
    for delta in deltas(before, after) {
        rows.extend(
            before
                .get(at..delta.old.0)
                .unwrap_or_default()
                .iter()
                .map(|line| Row::Equal(line)),
        );
        let old = before.get(delta.old.0..delta.old.1).unwrap_or_default();
        let new = after.get(delta.new.0..delta.new.1).unwrap_or_default();
        let both = old.len().min(new.len());
        rows.extend(old.iter().zip(new).map(|(old, new)| Row::Change(old, new)));
        rows.extend(old.iter().skip(both).map(|line| Row::Delete(line)));
        rows.extend(new.iter().skip(both).map(|line| Row::Insert(line)));
        at = delta.old.1;
    }
    rows.extend(
        before
            .get(at..)
            .unwrap_or_default()
            .iter()
            .map(|line| Row::Equal(line)),
    );
    rows
}

/// A run of lines that is replaced by another one, as half-open ranges.
struct Delta {
    old: (usize, usize),
    new: (usize, usize),
}

/// A point on the way through both texts, and the one before it.
#[derive(Clone, Copy)]
struct Node {
    old: usize,
    new: usize,
    /// It ends a run of equal lines.
    snake: bool,
    previous: Option<usize>,
}

/// A shortest difference, in the order of the texts.
fn deltas(before: &[&str], after: &[&str]) -> Vec<Delta> {
    let Some((nodes, last)) = path(before, after) else {
        return vec![Delta {
            old: (0, before.len()),
            new: (0, after.len()),
        }];
    };
    let mut found = Vec::new();
    let skip_snake = |at: Option<usize>| -> Option<usize> {
        let node = nodes.get(at?)?;
        if node.snake { node.previous } else { at }
    };
    let mut at = skip_snake(Some(last));
    while let Some(node) = at.and_then(|at| nodes.get(at)) {
        let Some(anchor) = node.previous.and_then(|at| nodes.get(at)) else {
            break;
        };
        if (anchor.old, anchor.new) != (node.old, node.new) {
            found.push(Delta {
                old: (anchor.old, node.old),
                new: (anchor.new, node.new),
            });
        }
        at = skip_snake(node.previous);
    }
    found.reverse();
    found
}

/// The way with the fewest changes; `None` if there are too many of them.
fn path(before: &[&str], after: &[&str]) -> Option<(Vec<Node>, usize)> {
    let most = (before.len() + after.len()).min(MOST_CHANGES);
    let middle = most + 1;
    // The farthest node on each diagonal.
    let mut farthest: Vec<Option<usize>> = vec![None; 2 * middle + 1];
    // The start stands for a run of no equal lines.
    let mut nodes = vec![Node {
        old: 0,
        new: 0,
        snake: true,
        previous: None,
    }];
    let reach =
        |nodes: &[Node], at: Option<usize>| at.and_then(|at| nodes.get(at)).map(|it| it.old);
    for changes in 0..=most {
        let mut diagonal = middle - changes;
        while diagonal <= middle + changes {
            let above = farthest.get(diagonal + 1).copied().flatten();
            let below = diagonal
                .checked_sub(1)
                .and_then(|at| farthest.get(at).copied().flatten());
            let first = changes == 0;
            let inserts = diagonal == middle - changes
                || (diagonal != middle + changes && reach(&nodes, below) < reach(&nodes, above));
            let from = if first {
                Some(0)
            } else if inserts {
                above
            } else {
                below
            };
            let start = reach(&nodes, from)?;
            let mut old = if first || inserts { start } else { start + 1 };
            let mut new = (old + middle).checked_sub(diagonal)?;
            nodes.push(Node {
                old,
                new,
                snake: false,
                previous: previous_snake(&nodes, from),
            });
            let mut at = nodes.len() - 1;
            let run = old;
            while old < before.len() && new < after.len() && before.get(old) == after.get(new) {
                old += 1;
                new += 1;
            }
            if old != run {
                nodes.push(Node {
                    old,
                    new,
                    snake: true,
                    previous: Some(at),
                });
                at += 1;
            }
            if let Some(place) = farthest.get_mut(diagonal) {
                *place = Some(at);
            }
            if old >= before.len() && new >= after.len() {
                return Some((nodes, at));
            }
            diagonal += 2;
        }
    }
    None
}

/// The last run of equal lines up to a node.
fn previous_snake(nodes: &[Node], at: Option<usize>) -> Option<usize> {
    let node = nodes.get(at?)?;
    if node.snake { at } else { node.previous }
}
