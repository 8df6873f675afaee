//! Text in colours. Escape codes are written when a character follows, and only for what differs then.

/// Whether a text is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colors {
    /// Plain text.
    None,
    /// ANSI escape codes.
    Ansi,
}

/// A colour of the foreground.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Color {
    Default,
    Red,
    Green,
    Yellow,
    Blue,
    Cyan,
}

impl Color {
    fn code(self) -> &'static str {
        match self {
            Color::Default => "39",
            Color::Red => "31",
            Color::Green => "32",
            Color::Yellow => "33",
            Color::Blue => "34",
            Color::Cyan => "36",
        }
    }
}

/// Writes lines with an indent, in colours.
pub(super) struct Painter {
    out: String,
    colors: Colors,
    color: Color,
    bold: bool,
    next: (Color, bool),
    /// Blanks before each line.
    pub(super) indent: usize,
    starts_line: bool,
}

impl Painter {
    pub(super) fn new(colors: Colors) -> Painter {
        Painter {
            out: String::new(),
            colors,
            color: Color::Default,
            bold: false,
            next: (Color::Default, false),
            indent: 0,
            starts_line: false,
        }
    }

    /// What follows is in a colour.
    pub(super) fn select(&mut self, color: Color) {
        self.next.0 = color;
    }

    /// What follows is bold.
    pub(super) fn bold(&mut self) {
        self.next.1 = true;
    }

    /// What follows is plain.
    pub(super) fn reset(&mut self) {
        self.next = (Color::Default, false);
    }

    /// Text without line ends.
    pub(super) fn write(&mut self, text: &str) {
        self.apply();
        if self.starts_line && !text.is_empty() {
            self.out.push_str(&" ".repeat(self.indent));
        }
        self.starts_line = false;
        self.out.push_str(text);
    }

    /// Text, and the end of the line.
    pub(super) fn line(&mut self, text: &str) {
        self.write(text);
        self.out.push('\n');
        self.starts_line = true;
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    fn apply(&mut self) {
        let (color, bold) = self.next;
        if self.colors == Colors::None || (color, bold) == (self.color, self.bold) {
            return;
        }
        let mut codes = Vec::new();
        if color == Color::Default && self.color != Color::Default {
            // This ends bold, too.
            codes.push("0");
            if bold {
                codes.push("1");
            }
        } else {
            match (self.bold, bold) {
                (false, true) => codes.push("1"),
                (true, false) => codes.push("22"),
                (true, true) | (false, false) => {}
            }
            if color != self.color {
                codes.push(color.code());
            }
        }
        self.out.push_str(&format!("\u{1b}[{}m", codes.join(";")));
        (self.color, self.bold) = (color, bold);
    }
}
