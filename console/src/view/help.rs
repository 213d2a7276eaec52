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
const KEYS: usize = 13;

/// The box.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, page: usize) {
    let width = area.width.saturating_sub(2).min(100);
    let columns: u16 = if width >= 74 { 2 } else { 1 };
    let column_width = usize::from((width.saturating_sub(4)) / columns);
    let lines = lines(scene, column_width.saturating_sub(1));
    let height = area.height;
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
    if let Some(last) = inner.rows().next_back() {
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
        let rows = || ROWS.iter().filter(|row| row.group == group);
        for row in rows() {
            if !told.contains(&row.help) {
                told.push(row.help);
                let same: Vec<&Row> = rows().filter(|other| other.help == row.help).collect();
                lines.push(key_line(scene, &same, room));
            }
        }
    }
    lines.push(Line::default());
    lines.push(Line::from(scene.span(Role::Strong, "Status")));
    for (health, text) in [
        (Health::Ok, "serves"),
        (Health::Standby, "Stby, Spar: in reserve"),
        (Health::Draining, "Drn: own sessions only"),
        (Health::Disabled, "Dis: serves nobody"),
        (Health::Stopped, "Stop: as Dis, no retry"),
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

/// The keys of one row, or the first keys of several with the same words.
fn key_line(scene: Scene<'_>, rows: &[&Row], room: usize) -> Line<'static> {
    let mut keys: Vec<String> = Vec::new();
    let each = if rows.len() == 1 { 2 } else { 1 };
    for key in rows.iter().flat_map(|row| row.keys.iter().take(each)).map(ToString::to_string) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let keys = cut(&format!("  {}", keys.join(" ")), KEYS - 1);
    let words = rows.first().map_or("", |row| row.help);
    let ability = rows.first().and_then(|row| row.action.needs());
    let (key, role, words) = match ability.and_then(|ability| scene.model.lacks(ability)) {
        Some(why) => (Role::Faint, Role::Faint, why),
        None => (Role::Accent, Role::Text, words),
    };
    Line::from(vec![
        scene.span(key, pad(&keys, KEYS, Align::Left)),
        scene.span(role, cut(words, room.saturating_sub(KEYS))),
    ])
}
