//! Columns by importance: they stand in the order in which they matter, and drop from the right when there is no
//! room for all. What is left over goes to the columns that want more.

use ratatui::text::{Line, Span};

use crate::widget::text::{Align, pad};

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its heading.
    pub title: &'static str,
    /// Below this width it is left out.
    pub least: usize,
    /// It takes no more than this.
    pub most: usize,
    /// Where its texts stand.
    pub align: Align,
}

/// How wide each column is; those that do not fit are missing from the right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    columns: Vec<(Column, usize)>,
    gap: usize,
}

impl Layout {
    /// Fits `columns` into `room`, with `gap` blanks between them. The first one is always there.
    pub fn new(columns: &[Column], room: usize, gap: usize) -> Self {
        let mut fitted: Vec<(Column, usize)> = Vec::new();
        let mut used = 0;
        for column in columns {
            let least = if fitted.is_empty() { column.least.min(room) } else { column.least + gap };
            if used + least > room {
                break;
            }
            used += least;
            fitted.push((*column, if fitted.is_empty() { least } else { column.least }));
        }
        let mut left = room - used;
        for (column, width) in &mut fitted {
            let more = column.most.saturating_sub(*width).min(left);
            *width += more;
            left -= more;
        }
        Self { columns: fitted, gap }
    }

    /// How many columns fit.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Is there no column at all?
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The width of the column at `position`; none if it does not fit.
    pub fn width(&self, position: usize) -> Option<usize> {
        self.columns.get(position).map(|(_, width)| *width)
    }

    /// Where the column at `position` begins, and how wide it is; none if it does not fit.
    pub fn place(&self, position: usize) -> Option<(usize, usize)> {
        let own = self.width(position)?;
        let before = self.columns.iter().take(position).map(|(_, width)| width + self.gap).sum();
        Some((before, own))
    }

    /// Where texts stand in the column at `position`; none if it does not fit.
    pub fn align(&self, position: usize) -> Option<Align> {
        self.columns.get(position).map(|(column, _)| column.align)
    }

    /// The line of headings.
    pub fn titles(&self) -> String {
        let titles = self.columns.iter().map(|(column, width)| pad(column.title, *width, column.align));
        titles.collect::<Vec<_>>().join(&" ".repeat(self.gap))
    }

    /// A row. Each cell is drawn for the width of its column and padded to it.
    pub fn row(&self, mut cell: impl FnMut(usize, usize) -> Vec<Span<'static>>) -> Line<'static> {
        let mut line = Line::default();
        for (position, (column, width)) in self.columns.iter().enumerate() {
            if position > 0 {
                line.push_span(Span::raw(" ".repeat(self.gap)));
            }
            let spans = cell(position, *width);
            let used: usize = spans.iter().map(Span::width).sum();
            let blanks = Span::raw(" ".repeat(width.saturating_sub(used)));
            if column.align == Align::Right {
                line.push_span(blanks);
                line.spans.extend(spans);
            } else {
                line.spans.extend(spans);
                line.push_span(blanks);
            }
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] = [
        Column { title: "Member", least: 6, most: 12, align: Align::Left },
        Column { title: "Busy", least: 4, most: 4, align: Align::Right },
        Column { title: "Trend", least: 5, most: 20, align: Align::Left },
    ];

    #[test]
    fn columns_drop_from_the_right_and_share_what_is_left() {
        for (room, widths) in [
            (3, &[3][..]),
            (6, &[6]),
            (10, &[10]),
            (11, &[6, 4]),
            (17, &[6, 4, 5]),
            (25, &[12, 4, 7]),
            (80, &[12, 4, 20]),
        ] {
            let layout = Layout::new(&COLUMNS, room, 1);
            let fitted: Vec<usize> = (0..3).filter_map(|at| layout.width(at)).collect();
            assert_eq!(fitted, widths, "{room}");
        }
    }

    #[test]
    fn rows_stand_under_their_titles() {
        let layout = Layout::new(&COLUMNS, 17, 1);
        assert_eq!(layout.titles(), "Member Busy Trend");
        let row = layout.row(|at, _| vec![Span::raw(["ab", "7", "x"][at])]);
        assert_eq!(row.to_string(), "ab        7 x    ");
        assert_eq!((layout.place(1), layout.align(1)), (Some((7, 4)), Some(Align::Right)));
        assert_eq!((layout.place(3), layout.align(3)), (None, None));
        assert_eq!(layout.len(), 3);
        assert!(Layout::new(&COLUMNS, 0, 1).row(|_, _| Vec::new()).to_string().is_empty());
    }
}
