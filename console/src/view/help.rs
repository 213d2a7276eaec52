//! The keys, drawn from the rows of the keymap, and what the shapes mean. Pages go round.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{Scene, badge};
use crate::keymap::{Group, ROWS, Row};
use crate::model::health::Health;
use crate::theme::Role;
use crate::widget::frame::popup;
use crate::widget::text::{Align, cut, pad};

/// The columns of the keys.
const KEYS: usize = 14;

/// The box.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, page: usize) {
    let width = area.width.saturating_sub(2).min(100);
    let columns: u16 = if width >= 74 { 2 } else { 1 };
    let column_width = usize::from((width.saturating_sub(4)) / columns);
    let lines = lines(scene, column_width.saturating_sub(1));
    let height = area.height.saturating_sub(1);
    let body = usize::from(height.saturating_sub(3)).max(1);
    let per_page = body * usize::from(columns);
    let pages = lines.len().div_ceil(per_page).max(1);
    let page = page % pages;
    let used = if pages == 1 { lines.len().div_ceil(usize::from(columns)) } else { body };
    let wanted = u16::try_from(used + 3).unwrap_or(u16::MAX).min(height);
    let title = Line::from(scene.span(Role::Strong, " Keys "));
    let inner = popup(buffer, area, (width, wanted), (scene.style(Role::Accent), title));
    for (at, line) in lines.iter().skip(page * per_page).take(used * usize::from(columns)).enumerate() {
        let (column, row) = (at / used.max(1), at % used.max(1));
        let x = inner.x + u16::try_from(column * column_width).unwrap_or(0);
        let y = inner.y + u16::try_from(row).unwrap_or(0);
        if y < inner.bottom() && x < inner.right() {
            buffer.set_line(x, y, line, inner.right() - x);
        }
    }
    if let Some(last) = inner.rows().last() {
        let text = if pages > 1 {
            format!("Down next page ({} of {pages})     Esc back", page + 1)
        } else {
            "Esc back".to_owned()
        };
        buffer.set_stringn(last.x, last.y, text, usize::from(last.width), scene.style(Role::Faint));
    }
}

fn lines(scene: Scene<'_>, room: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for (group, heading) in Group::ALL {
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        lines.push(Line::from(scene.span(Role::Strong, cut(heading, room))));
        let mut told: Vec<&str> = Vec::new();
        for row in ROWS.iter().filter(|row| row.group == group) {
            // The same act may have a row for each place where it counts.
            if !told.contains(&row.help) {
                told.push(row.help);
                lines.push(key_line(scene, row, room));
            }
        }
    }
    lines.push(Line::default());
    lines.push(Line::from(scene.span(Role::Strong, "Status")));
    for (health, text) in [
        (Health::Ok, "serves"),
        (Health::Standby, "Stby, Spar: waits for others to fail"),
        (Health::Draining, "Drn: its own sessions only"),
        (Health::Disabled, "Dis: serves nobody"),
        (Health::Stopped, "Stop: serves nobody, is not retried"),
        (Health::Error, "Err, HcFl: cannot serve"),
    ] {
        let (shape, role) = badge::shape(health);
        lines.push(Line::from(vec![
            scene.span(role, pad(&format!("  {shape}"), KEYS, Align::Left)),
            scene.span(Role::Text, cut(text, room.saturating_sub(KEYS))),
        ]));
    }
    lines
}

fn key_line(scene: Scene<'_>, row: &Row, room: usize) -> Line<'static> {
    let keys: Vec<String> = row.keys.iter().take(2).map(ToString::to_string).collect();
    let keys = cut(&format!("  {}", keys.join(" ")), KEYS - 1);
    Line::from(vec![
        scene.span(Role::Accent, pad(&keys, KEYS, Align::Left)),
        scene.span(Role::Text, cut(row.help, room.saturating_sub(KEYS))),
    ])
}
