//! Text with an indent, and the places of what was written.

use crate::fql::syntax::Span;

/// Writes text line by line, two blanks an indent.
#[derive(Default)]
pub(super) struct Writer {
    text: String,
    depth: usize,
    line_open: bool,
}

impl Writer {
    /// Writes text; further lines of it start at the current indent. Canonical strings hold no line ends, so that
    /// nothing inside of a literal is moved.
    pub fn write(&mut self, text: &str) {
        for (at, line) in text.split('\n').enumerate() {
            if at > 0 {
                self.end_line();
            }
            if line.is_empty() {
                continue;
            }
            self.start_line();
            self.text.push_str(line);
        }
    }

    /// Writes text and ends the line.
    pub fn line(&mut self, text: &str) {
        self.write(text);
        self.end_line();
    }

    /// Opens a block: what follows stands one step further in.
    pub fn open(&mut self) {
        self.line("{");
        self.depth += 1;
    }

    /// Closes a block; the line stays open.
    pub fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.write("}");
    }

    /// Where the next text will stand.
    pub fn here(&mut self) -> usize {
        self.start_line();
        self.text.len()
    }

    /// From `start` to here.
    pub fn since(&self, start: usize) -> Span {
        Span::new(start, self.text.len())
    }

    /// Whether nothing was written yet.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// All that was written.
    pub fn finish(self) -> String {
        self.text
    }

    fn start_line(&mut self) {
        if !self.line_open {
            for _ in 0..self.depth {
                self.text.push_str("  ");
            }
            self.line_open = true;
        }
    }

    fn end_line(&mut self) {
        self.text.push('\n');
        self.line_open = false;
    }
}
