//! The last line: what just came of an edit, or else which keys there are; or the filter that is being written.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;

use super::Scene;
use crate::keymap;
use crate::model::form::Text;
use crate::model::{Popup, Tone};
use crate::theme::Role;
use crate::widget::text::{cut, width};

/// The toast, or the keys.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: Scene<'_>) {
    let room = usize::from(area.width).saturating_sub(2);
    let line = match &scene.model.toast {
        Some(toast) => {
            let (mark, role) = match toast.tone {
                Tone::Good => ("●", Role::Good),
                Tone::Plain => ("·", Role::Text),
                Tone::Alarm => ("▲", Role::Alarm),
            };
            let text_role = if toast.tone == Tone::Alarm { Role::Alarm } else { Role::Text };
            let text = cut(&toast.text, room.saturating_sub(2));
            Line::from(vec![scene.span(role, format!(" {mark} ")), scene.span(text_role, text)])
        }
        None => hints(scene, room),
    };
    buffer.set_line(area.x, area.y, &line, area.width);
}

/// Key and word of the rows of the present context, as many as fit; the way to help and out are always there.
fn hints(scene: Scene<'_>, room: usize) -> Line<'static> {
    let open = match &scene.model.popup {
        Some(Popup::Confirm(question)) => scene.model.is_answerable(question),
        _ => true,
    };
    let all: Vec<(String, &str)> = keymap::hints(scene.model.context())
        .filter(|(_, word)| open || *word != "yes")
        .map(|(key, word)| (key.to_string(), word))
        .collect();
    let taken = |(key, word): &(String, &str)| width(key) + 1 + width(word) + 2;
    let last = ["help", "quit"];
    let mut left = room.saturating_sub(all.iter().filter(|hint| last.contains(&hint.1)).map(taken).sum());
    let mut full = false;
    let mut line = Line::from(" ");
    for hint in &all {
        if !last.contains(&hint.1) {
            full |= taken(hint) > left;
            if full {
                continue;
            }
            left -= taken(hint);
        }
        line.push_span(scene.span(Role::Accent, hint.0.clone()));
        line.push_span(scene.span(Role::Faint, format!(" {}  ", hint.1)));
    }
    line
}

/// The filter being written; returns where the cursor stands.
pub(super) fn filter(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, text: &Text) -> Position {
    let line =
        Line::from(vec![scene.span(Role::Accent, " /"), scene.span(Role::Text, text.value().to_owned())]);
    buffer.set_line(area.x, area.y, &line, area.width);
    let help = scene.span(Role::Faint, "Enter keep  Esc take back ");
    let width = u16::try_from(help.width()).unwrap_or(u16::MAX);
    if line.width() + help.width() + 2 <= usize::from(area.width) {
        buffer.set_span(area.right() - width, area.y, &help, width);
    }
    let column = u16::try_from(text.column() + 2).unwrap_or(u16::MAX);
    Position { x: area.x.saturating_add(column).min(area.right().saturating_sub(1)), y: area.y }
}
