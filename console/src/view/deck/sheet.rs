//! A box that is read page by page, so that nothing in it has to be cut: long lines go on in the next one, and pages go
//! round.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::Whole;
use crate::theme::Role;
use crate::widget::frame::popup;
use crate::widget::pages::Pages;
use crate::widget::text::{shorten, width, wrap};

/// The widest that it gets, borders included.
const WIDEST: u16 = 100;

/// What is to be read.
pub(super) struct Sheet {
    /// What it is about.
    pub(super) title: String,
    /// How its border is drawn.
    pub(super) role: Role,
    /// All of it, in lines that fit into [`room`].
    pub(super) lines: Vec<Line<'static>>,
    /// What can be done, below it.
    pub(super) foot: Vec<String>,
}

/// The columns of a line in a box that is drawn into `area`.
pub(super) fn room(area: Rect) -> usize {
    usize::from(area.width.saturating_sub(2).min(WIDEST)).saturating_sub(4)
}

/// Draws one page of it.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, whole: Whole<'_>, (sheet, page): (Sheet, usize)) {
    let room = room(area);
    let most = usize::from(area.height).saturating_sub(2);
    let mut foot = packed(&sheet.foot, room);
    let height = most.saturating_sub(foot.len() + 1).max(1);
    let pages = Pages::of(sheet.lines.len(), height, page);
    if let Some(more) = pages.more("Down") {
        foot = packed(&[vec![more], sheet.foot].concat(), room);
    }
    let wanted = sheet.lines.len().min(height) + foot.len() + 3;
    let columns = u16::try_from(room + 4).unwrap_or(u16::MAX);
    let title = whole.span(Role::Strong, format!(" {} ", shorten(&sheet.title, room.saturating_sub(2))));
    let border = (whole.style(sheet.role), Line::from(title));
    let inner = popup(buffer, area, (columns, u16::try_from(wanted).unwrap_or(u16::MAX)), border);
    for (line, row) in sheet.lines.iter().skip(pages.from).take(height).zip(inner.rows()) {
        buffer.set_line(row.x, row.y, line, row.width);
    }
    for (text, row) in foot.iter().rev().zip(inner.rows().rev()) {
        buffer.set_stringn(row.x, row.y, text, usize::from(row.width), whole.style(Role::Faint));
    }
}

/// Short pieces side by side, in as many lines as they take.
fn packed(pieces: &[String], room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for piece in pieces {
        match lines.last_mut() {
            Some(line) if width(line) + 3 + width(piece) <= room => {
                line.push_str("   ");
                line.push_str(piece);
            }
            _ => lines.extend(wrap(piece, room)),
        }
    }
    lines
}

/// A sentence in as many lines as it takes, the first behind `mark` and the others below its text.
pub(super) fn marked(
    whole: Whole<'_>,
    (mark, role): (&str, Role),
    (text, text_role): (&str, Role),
    room: usize,
) -> Vec<Line<'static>> {
    let indent = width(mark);
    let marks = std::iter::once(mark.to_owned()).chain(std::iter::repeat(" ".repeat(indent)));
    let line = |(text, mark): (String, String)| {
        Line::from(vec![whole.span(role, mark), Span::styled(text, whole.style(text_role))])
    };
    wrap(text, room.saturating_sub(indent)).into_iter().zip(marks).map(line).collect()
}

/// Commands, each in as many lines as it takes.
pub(super) fn commands(whole: Whole<'_>, commands: &[String], room: usize) -> Vec<Line<'static>> {
    let lines = commands.iter();
    lines.flat_map(|line| marked(whole, ("$ ", Role::Faint), (line, Role::Faint), room)).collect()
}
