//! What can be done to one member: a key, a name, and the effect in plain words for each.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::Scene;
use crate::keymap::Context;
use crate::model::menu::{Menu, entries};
use crate::theme::Role;
use crate::widget::frame::popup;
use crate::widget::text::{Align, cut, pad};

/// The columns of the names.
const NAME: usize = 22;

/// The box.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, menu: &Menu) {
    let columns = area.width.saturating_sub(2).min(92);
    let room = usize::from(columns).saturating_sub(4);
    let snapshot = scene.model.roster.snapshot();
    let title = format!(" {} ", cut(&menu.target.label(snapshot), room.saturating_sub(2)));
    let border = (scene.style(Role::Accent), Line::from(scene.span(Role::Strong, title)));
    let Some((_, member)) = snapshot.and_then(|snapshot| menu.target.find(snapshot)) else {
        let inner = popup(buffer, area, (columns, 3), border);
        let gone = scene.span(Role::Alarm, cut("This member is no longer there.", room));
        buffer.set_span(inner.x, inner.y, &gone, inner.width);
        return;
    };
    let entries = entries(member);
    let wanted = u16::try_from(entries.len() + 4).unwrap_or(u16::MAX);
    let inner = popup(buffer, area, (columns, wanted), border);
    let height = usize::from(inner.height).saturating_sub(1).max(1);
    let from = (menu.at + 1).saturating_sub(height);
    for ((at, entry), row) in entries.iter().enumerate().skip(from).take(height).zip(inner.rows()) {
        let letter = scene
            .model
            .keymap
            .key(Context::Menu, entry.action)
            .map_or_else(String::new, |key| key.to_string());
        let narrow = room < NAME + 24;
        let name =
            pad(&cut(entry.name, if narrow { room.saturating_sub(4) } else { NAME }), NAME, Align::Left);
        let mut line = Line::from(vec![
            scene.span(Role::Accent, format!(" {} ", pad(&letter, 2, Align::Left))),
            scene.span(Role::Text, name),
        ]);
        let lacks = scene.model.lacks_for(entry.action);
        if !narrow {
            let effect = lacks.unwrap_or(entry.effect);
            line.push_span(scene.span(Role::Faint, cut(effect, room.saturating_sub(NAME + 4))));
        }
        if lacks.is_some() {
            line = line.patch_style(scene.style(Role::Faint));
        }
        buffer.set_line(row.x, row.y, &line, row.width);
        if at == menu.at {
            scene.look.theme.select(buffer, row);
        }
    }
    if let Some(last) = inner.rows().next_back() {
        let text = if scene.model.lock.is_open() {
            "Enter choose     Esc back"
        } else {
            "locked: nothing but the first is done     Esc back"
        };
        buffer.set_stringn(last.x, last.y, text, usize::from(last.width), scene.style(Role::Faint));
    }
}
