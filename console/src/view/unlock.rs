//! The question whether changes may be made from here. It names the proxy, so that nobody opens the wrong one.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::Scene;
use crate::theme::Role;
use crate::widget::frame::popup;
use crate::widget::text::{Align, pad, shorten};

/// The box.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: Scene<'_>) {
    let columns = area.width.saturating_sub(2).min(72);
    let room = usize::from(columns).saturating_sub(4);
    let mut lines = Vec::new();
    if let Some(snapshot) = scene.model.roster.snapshot() {
        let proxy = &snapshot.proxy;
        let process =
            if proxy.tells("proxy.pid") { format!(", process {}", proxy.pid) } else { String::new() };
        for (label, value, role) in [
            ("proxy", format!("{} {}{process}", proxy.product, proxy.version), Role::Text),
            ("configuration", proxy.configuration.clone(), Role::Strong),
            ("listens on", proxy.listen.join(" "), Role::Text),
            ("socket", scene.model.title.clone(), Role::Text),
        ] {
            let label = pad(label, 15, Align::Left);
            let value = shorten(&value, room.saturating_sub(15));
            lines.push(Line::from(vec![scene.span(Role::Faint, label), scene.span(role, value)]));
        }
    }
    lines.push(Line::default());
    lines.push(Line::from(vec![
        scene.span(Role::Accent, "y"),
        scene.span(Role::Text, " yes, this one     "),
        scene.span(Role::Accent, "n"),
        scene.span(Role::Text, " no, only look"),
    ]));
    let wanted = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX);
    let title = Line::from(scene.span(Role::Strong, " Open for changes? "));
    let inner = popup(buffer, area, (columns, wanted), (scene.style(Role::Warning), title));
    for (line, row) in lines.iter().zip(inner.rows()) {
        buffer.set_line(row.x, row.y, line, row.width);
    }
}
