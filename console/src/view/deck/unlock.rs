//! The question whether changes may be made from here, in every target: it names them all, as far as there is room.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::Whole;
use crate::theme::Role;
use crate::widget::frame::popup;
use crate::widget::text::{Align, pad, shorten};

/// The most targets that are named.
const NAMED: usize = 10;

/// The box.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, whole: Whole<'_>) {
    let columns = area.width.saturating_sub(2).min(72);
    let room = usize::from(columns).saturating_sub(4);
    let stations = &whole.deck.stations;
    let mut lines = Vec::new();
    for (at, station) in stations.iter().enumerate().take(NAMED) {
        let name = pad(&shorten(whole.name(at), 15), 16, Align::Left);
        let proxy = station.roster.snapshot().map(|snapshot| snapshot.proxy.configuration.clone());
        let (role, text) = match proxy {
            Some(configuration) => (Role::Text, configuration),
            None => (Role::Alarm, "has not answered yet".to_owned()),
        };
        let text = shorten(&text, room.saturating_sub(16));
        lines.push(Line::from(vec![whole.span(Role::Strong, name), whole.span(role, text)]));
    }
    if stations.len() > NAMED {
        let more = format!("and {} more", stations.len() - NAMED);
        lines.push(Line::from(whole.span(Role::Faint, more)));
    }
    lines.push(Line::default());
    lines.push(Line::from(vec![
        whole.span(Role::Accent, "y"),
        whole.span(Role::Text, format!(" yes, all {}     ", stations.len())),
        whole.span(Role::Accent, "n"),
        whole.span(Role::Text, " no, only look"),
    ]));
    let wanted = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX);
    let title = Line::from(whole.span(Role::Strong, " Open all targets for changes? "));
    let inner = popup(buffer, area, (columns, wanted), (whole.style(Role::Warning), title));
    for (line, row) in lines.iter().zip(inner.rows()) {
        buffer.set_line(row.x, row.y, line, row.width);
    }
}
