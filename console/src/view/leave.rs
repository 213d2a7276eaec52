//! The question whether to end the console, on top of everything: what nobody would do then.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{Look, footer};
use crate::model::leave::Leave;
use crate::theme::Role;
use crate::widget::frame::popup;
use crate::widget::text::wrap;

/// The widest that it gets, borders included.
const WIDEST: u16 = 80;
/// The most deadlines that are told.
const TOLD: usize = 8;

/// The box, and the keys below it.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, look: &Look, leave: &Leave) {
    let columns = area.width.saturating_sub(2).min(WIDEST);
    let room = usize::from(columns).saturating_sub(4);
    let plain = |text: &str| -> Vec<Line<'static>> {
        wrap(text, room).into_iter().map(|line| Line::from(look.span(Role::Text, line))).collect()
    };
    let mut lines = plain("Only this console acts at these deadlines; once it ends nobody does:");
    for undone in leave.undone.iter().take(TOLD) {
        let texts = wrap(undone, room.saturating_sub(2)).into_iter().zip(["▲ "].into_iter().chain(["  "; 9]));
        lines.extend(texts.map(|(text, mark)| Line::from(look.span(Role::Alarm, format!("{mark}{text}")))));
    }
    let more = leave.undone.len().saturating_sub(TOLD);
    if more > 0 {
        lines.push(Line::from(look.span(Role::Alarm, format!("and {more} more"))));
    }
    lines.extend(plain("Those members go on draining."));
    lines.push(Line::default());
    lines.push(Line::from(vec![
        look.span(Role::Accent, "y"),
        look.span(Role::Text, " leave all the same     "),
        look.span(Role::Accent, "n"),
        look.span(Role::Text, " stay"),
    ]));
    let wanted = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX);
    let title = Line::from(look.span(Role::Strong, " Leave? "));
    let over = Rect { height: area.height.saturating_sub(1), ..area };
    let inner = popup(buffer, over, (columns, wanted), (look.theme.style(Role::Warning), title));
    for (line, row) in lines.iter().zip(inner.rows()) {
        buffer.set_line(row.x, row.y, line, row.width);
    }
    if let Some(last) = area.rows().next_back() {
        let keys = [("y".to_owned(), "leave"), ("n".to_owned(), "stay")];
        buffer.set_string(last.x, last.y, " ".repeat(usize::from(last.width)), look.theme.style(Role::Text));
        let keys = footer::fitted(look, &keys, usize::from(last.width).saturating_sub(2));
        buffer.set_line(last.x, last.y, &keys, last.width);
    }
}
