//! Columns of text, aligned by what a terminal shows, and narrowed to a width when that loses nothing.

use unicode_width::UnicodeWidthStr;

/// The width that tables try to fit.
pub(super) const WIDTH: usize = 80;

/// The widest that a column gets for one long cell: what is longer sticks out of its own row and pads no other.
const WIDEST: usize = 100;

/// What stands in a cell that has nothing to say, so that columns can be counted.
pub(super) const NOTHING: &str = "-";

/// When a column that says the same dull thing in each row is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// Never.
    Always,
    /// When the table is too wide, and each cell holds this.
    IfRoom(&'static str),
    /// When each cell holds this.
    Unless(&'static str),
}

/// Which columns a table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Columns {
    /// Those that say something, as far as the width asks for it: for eyes.
    Fitting,
    /// All of them, whatever they hold: for programs, which count them.
    All,
}

/// One column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    title: &'static str,
    keep: Keep,
    right: bool,
}

impl Column {
    /// A column of texts.
    pub(super) const fn text(title: &'static str, keep: Keep) -> Self {
        Self { title, keep, right: false }
    }

    /// A column of numbers, aligned at the right.
    pub(super) const fn number(title: &'static str, keep: Keep) -> Self {
        Self { title, keep, right: true }
    }
}

/// How wide the columns are, and which are there.
#[derive(Debug)]
pub(super) struct Layout<'a> {
    columns: &'a [Column],
    /// The width of each column; none if it is left out.
    widths: Vec<Option<usize>>,
    gap: usize,
}

impl<'a> Layout<'a> {
    /// The layout for `rows`, each with a cell a column. [`Columns::Fitting`]: gaps of two blanks if that fits, else
    /// of one, else without the columns that are only there if there is room.
    pub(super) fn of(columns: &'a [Column], rows: &[Vec<String>], which: Columns) -> Self {
        let mut layout = Self { columns, widths: Vec::new(), gap: 2 };
        for (at, column) in columns.iter().enumerate() {
            let cells = || rows.iter().filter_map(|row| row.get(at));
            let widest = cells().map(|cell| cell.width()).filter(|width| *width <= WIDEST).max();
            let widest = widest.unwrap_or_default();
            let dull = which == Columns::Fitting
                && matches!(column.keep, Keep::Unless(dull) if cells().all(|cell| cell == dull));
            layout.widths.push((!dull).then_some(widest.max(column.title.width())));
        }
        if which == Columns::Fitting {
            layout.narrow(rows);
        }
        layout
    }

    /// Makes it as narrow as it has to be, or can be.
    fn narrow(&mut self, rows: &[Vec<String>]) {
        if self.width() > WIDTH {
            self.gap = 1;
        }
        for (at, column) in self.columns.iter().enumerate() {
            let dull = matches!(column.keep, Keep::IfRoom(dull) if rows.iter().all(|row| row.get(at).is_some_and(|cell| cell == dull)));
            if dull
                && self.width() > WIDTH
                && let Some(width) = self.widths.get_mut(at)
            {
                *width = None;
            }
        }
    }

    /// How wide the table is.
    fn width(&self) -> usize {
        let shown: Vec<usize> = self.widths.iter().copied().flatten().collect();
        shown.iter().sum::<usize>() + self.gap * shown.len().saturating_sub(1)
    }

    /// The titles.
    pub(super) fn head(&self) -> String {
        self.line(self.columns.iter().map(|column| column.title))
    }

    /// One row.
    pub(super) fn row(&self, cells: &[String]) -> String {
        self.line(cells.iter().map(String::as_str))
    }

    fn line<'b>(&self, cells: impl Iterator<Item = &'b str>) -> String {
        let mut line = String::new();
        for ((column, width), cell) in self.columns.iter().zip(&self.widths).zip(cells) {
            let Some(width) = width else { continue };
            if !line.is_empty() {
                line.push_str(&" ".repeat(self.gap));
            }
            let blanks = " ".repeat(width.saturating_sub(cell.width()));
            if column.right {
                line.push_str(&blanks);
                line.push_str(cell);
            } else {
                line.push_str(cell);
                line.push_str(&blanks);
            }
        }
        line.truncate(line.trim_end().len());
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[
        Column::text("Name", Keep::Always),
        Column::text("Redir", Keep::Unless("-")),
        Column::number("Set", Keep::IfRoom("0")),
        Column::number("Busy", Keep::Always),
    ];

    fn rows(rows: &[[&str; 4]]) -> Vec<Vec<String>> {
        rows.iter().map(|row| row.map(str::to_owned).to_vec()).collect()
    }

    fn lines(rows: &[Vec<String>]) -> Vec<String> {
        let layout = Layout::of(COLUMNS, rows, Columns::Fitting);
        std::iter::once(layout.head()).chain(rows.iter().map(|row| layout.row(row))).collect()
    }

    #[test]
    fn columns_are_aligned_by_what_is_seen() {
        assert_eq!(
            lines(&rows(&[["a", "x", "0", "1"], ["日本 café", "-", "12", "12345"]])),
            ["Name       Redir  Set   Busy", "a          x        0      1", "日本 café  -       12  12345"]
        );
    }

    #[test]
    fn dull_columns_go_when_they_may() {
        assert_eq!(lines(&rows(&[["a", "-", "0", "1"]])), ["Name  Set  Busy", "a       0     1"]);
        let wide = "x".repeat(WIDTH - 8);
        assert_eq!(lines(&rows(&[[&wide, "-", "0", "1"]]))[1], format!("{wide}    1"));
        let told = lines(&rows(&[[&wide, "-", "3", "1"]]));
        assert_eq!(told[1], format!("{wide}   3    1"), "a set that says something stays");
    }

    #[test]
    fn one_long_cell_pads_no_other_row() {
        let long = "x".repeat(383);
        let rows = rows(&[["abcdef", "-", "0", "1"], [&long, "-", "0", "1"]]);
        let layout = Layout::of(COLUMNS, &rows, Columns::All);
        assert_eq!(layout.row(&rows[0]), "abcdef  -        0     1");
        assert_eq!(layout.row(&rows[1]), format!("{long}  -        0     1"));
    }

    #[test]
    fn all_columns_stay_for_programs() {
        let wide = "x".repeat(WIDTH);
        let rows = rows(&[[&wide, "-", "0", "1"]]);
        let layout = Layout::of(COLUMNS, &rows, Columns::All);
        assert_eq!(layout.row(&rows[0]), format!("{wide}  -        0     1"));
    }

    #[test]
    fn gaps_shrink_before_anything_goes() {
        let wide = "x".repeat(WIDTH - 9);
        assert_eq!(lines(&rows(&[[&wide, "-", "0", "1"]]))[1], format!("{wide}   0    1"));
    }
}
