//! What a terminal shows: a grid of cells, as text for comparison and with attributes for the painter.
//!
//! What differs from run to run (ports, times, rates) is replaced in the grid itself and at equal width, so that
//! text and picture keep their columns.

use std::fmt;

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "a terminal's attributes are independent switches")]
pub struct Cell {
    /// What stands in it; empty where nothing was written and behind a wide character.
    pub text: String,
    /// The colour of the text.
    pub foreground: vt100::Color,
    /// The colour behind it.
    pub background: vt100::Color,
    /// Bold?
    pub bold: bool,
    /// Dim?
    pub dim: bool,
    /// Italic?
    pub italic: bool,
    /// Underlined?
    pub underline: bool,
    /// Are the two colours exchanged?
    pub inverse: bool,
    /// Does it take two columns?
    pub wide: bool,
}

impl Cell {
    /// Does it look otherwise than plain text?
    pub fn is_coloured(&self) -> bool {
        self.foreground != vt100::Color::Default || self.background != vt100::Color::Default
    }

    fn symbol(&self) -> &str {
        if self.text.is_empty() { " " } else { &self.text }
    }
}

/// A screen at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Its rows, all of the same length.
    pub rows: Vec<Vec<Cell>>,
    /// Row and column of the cursor, if it is shown.
    pub cursor: Option<(usize, usize)>,
}

impl Frame {
    /// What that screen shows.
    pub fn of(screen: &vt100::Screen) -> Self {
        let (rows, columns) = screen.size();
        let (at_row, at_column) = screen.cursor_position();
        let cell = |row, column| screen.cell(row, column).map_or_else(Cell::default, read);
        let line = |row| (0..columns.get()).map(|column| cell(row, column)).collect();
        Self {
            rows: (0..rows.get()).map(line).collect(),
            cursor: (!screen.hide_cursor()).then_some((at_row.into(), at_column.into())),
        }
    }

    /// A frame of plain text, for tests of what uses frames.
    pub fn plain(text: &str) -> Self {
        let width = text.lines().map(|line| line.chars().count()).max().unwrap_or_default();
        let cell = |c: char| Cell { text: c.to_string(), ..Cell::default() };
        let row = |line: &str| {
            let mut row: Vec<Cell> = line.chars().map(cell).collect();
            row.resize(width, Cell::default());
            row
        };
        Self { rows: text.lines().map(row).collect(), cursor: None }
    }

    /// How many columns it has.
    pub fn columns(&self) -> usize {
        self.rows.first().map_or(0, Vec::len)
    }

    /// One row as text, without blanks at its end.
    pub fn row(&self, index: usize) -> String {
        let Some(row) = self.rows.get(index) else { return String::new() };
        let mut text = String::new();
        let mut skip = false;
        for cell in row {
            if !skip {
                text.push_str(cell.symbol());
            }
            skip = cell.wide;
        }
        text.trim_end().to_owned()
    }

    /// Does a row contain `text`?
    pub fn contains(&self, text: &str) -> bool {
        (0..self.rows.len()).any(|row| self.row(row).contains(text))
    }

    /// The first row that contains `text`.
    pub fn line_with(&self, text: &str) -> Option<String> {
        (0..self.rows.len()).map(|row| self.row(row)).find(|row| row.contains(text))
    }

    /// Replaces every `pattern` by `with`, keeping attributes. In the pattern `#` stands for a digit and `▒` for a
    /// block or braille character. Both must have the same length, so that nothing moves.
    #[track_caller]
    pub fn mask(&mut self, pattern: &str, with: &str) {
        let pattern: Vec<char> = pattern.chars().collect();
        let with: Vec<char> = with.chars().collect();
        assert_eq!(pattern.len(), with.len(), "{pattern:?} and {with:?} differ in length");
        for row in &mut self.rows {
            for start in 0..row.len().saturating_sub(pattern.len() - 1) {
                let cells = &mut row[start..start + pattern.len()];
                if cells.iter().zip(&pattern).all(|(cell, wanted)| fits(cell.symbol(), *wanted)) {
                    for (cell, c) in cells.iter_mut().zip(&with) {
                        cell.text = c.to_string();
                    }
                }
            }
        }
    }

    /// Replaces every `text` by `with`; what stands behind it in the row moves.
    pub fn rewrite(&mut self, text: &str, with: &str) {
        let text: Vec<char> = text.chars().collect();
        for row in &mut self.rows {
            let width = row.len();
            let mut start = 0;
            while start + text.len() <= row.len() {
                let found = row[start..].iter().zip(&text).all(|(cell, wanted)| fits(cell.symbol(), *wanted));
                if found {
                    let look = Cell { text: String::new(), ..row[start].clone() };
                    let cells: Vec<Cell> =
                        with.chars().map(|c| Cell { text: c.to_string(), ..look.clone() }).collect();
                    let length = cells.len();
                    row.splice(start..start + text.len(), cells);
                    start += length;
                } else {
                    start += 1;
                }
            }
            row.resize(width, Cell::default());
        }
    }

    /// Empties each row that contains `text`, from there to its end.
    pub fn cut(&mut self, text: &str) {
        let text: Vec<char> = text.chars().collect();
        for row in &mut self.rows {
            let at = (0..row.len()).find(|start| {
                let cells = &row[*start..];
                cells.len() >= text.len()
                    && cells.iter().zip(&text).all(|(cell, wanted)| fits(cell.symbol(), *wanted))
            });
            if let Some(at) = at {
                row[at..].fill(Cell::default());
            }
        }
    }

    /// Is any cell coloured?
    pub fn has_colour(&self) -> bool {
        self.rows.iter().flatten().any(Cell::is_coloured)
    }
}

impl fmt::Display for Frame {
    /// All rows, each without blanks at its end and with a line feed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (0..self.rows.len()).try_for_each(|row| writeln!(f, "{}", self.row(row)))
    }
}

fn read(cell: &vt100::Cell) -> Cell {
    Cell {
        text: cell.contents().to_owned(),
        foreground: cell.fgcolor(),
        background: cell.bgcolor(),
        bold: cell.bold(),
        dim: cell.dim(),
        italic: cell.italic(),
        underline: cell.underline(),
        inverse: cell.inverse(),
        wide: cell.is_wide(),
    }
}

fn fits(symbol: &str, wanted: char) -> bool {
    let mut characters = symbol.chars();
    match (characters.next(), characters.next()) {
        (Some(c), None) => match wanted {
            '#' => c.is_ascii_digit(),
            '▒' => matches!(c, '\u{2580}'..='\u{259f}' | '\u{2800}'..='\u{28ff}'),
            _ => c == wanted,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_what_the_terminal_shows() {
        let two = |number| std::num::NonZeroU16::new(number).unwrap();
        let mut parser = vt100::Parser::new(two(2), two(6), 0);
        parser.process("\u{1b}[31;1mab\u{1b}[0m 日\r\nx".as_bytes());
        let frame = Frame::of(parser.screen());
        assert_eq!(frame.to_string(), "ab 日\nx\n");
        assert_eq!(frame.cursor, Some((1, 1)));
        assert!(frame.rows[0][0].bold && frame.rows[0][0].is_coloured() && !frame.rows[0][3].is_coloured());
        assert!(frame.has_colour() && frame.contains("b 日") && !frame.contains("b x"));
    }

    #[test]
    fn rewriting_moves_and_cutting_empties_the_rest_of_a_row() {
        let mut frame = Frame::plain("by root: x ~\nby a: y");
        frame.rewrite("root", "an operator");
        assert_eq!(frame.to_string(), "by an operat\nby a: y\n");
        frame.cut(": ");
        assert_eq!(frame.to_string(), "by an operat\nby a\n");
        assert_eq!(frame.columns(), 12);
    }

    #[test]
    fn masks_keep_columns() {
        let mut frame = Frame::plain("at 12:34:56 | ▁▃█ |\nport 40001 end");
        frame.mask("##:##:##", "09:41:00");
        frame.mask("▒▒▒", "▂▂▂");
        frame.mask("40001", "19001");
        assert_eq!(frame.to_string(), "at 09:41:00 | ▂▂▂ |\nport 19001 end\n");
    }
}
