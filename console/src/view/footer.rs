//! The last line, or two: what just came of an edit, or else which keys there are; or the filter that is being written.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;

use super::Scene;
use crate::keymap;
use crate::model::form::Text;
use crate::model::{Popup, Tone};
use crate::theme::Role;
use crate::widget::text::{width, wrap_within};

/// The least height of a screen on which a toast may take a line from what stands above it.
const AMPLE: u16 = 14;

/// How many lines the footer takes of a screen of this size: two for a toast that needs them.
pub(super) fn height(area: Rect, scene: Scene<'_>) -> u16 {
    let filter = matches!(scene.model.popup, Some(Popup::Filter { .. }));
    match &scene.model.toast {
        Some(toast) if !filter && area.height >= AMPLE && width(&toast.text) > toast_room(area.width) => 2,
        _ => 1,
    }
}

/// The columns of a toast's text: beside it stand its mark and blanks.
fn toast_room(columns: u16) -> usize {
    usize::from(columns).saturating_sub(4)
}

/// The toast, or the keys.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: Scene<'_>) {
    let room = usize::from(area.width).saturating_sub(2);
    let lines = match &scene.model.toast {
        Some(toast) => {
            let (mark, role) = match toast.tone {
                Tone::Good => ("●", Role::Good),
                Tone::Plain => ("·", Role::Text),
                Tone::Alarm => ("▲", Role::Alarm),
            };
            let text_role = if toast.tone == Tone::Alarm { Role::Alarm } else { Role::Text };
            let texts = wrap_within(&toast.text, toast_room(area.width), usize::from(area.height));
            let marks = std::iter::once(format!(" {mark} ")).chain(std::iter::repeat("   ".to_owned()));
            let line = |(text, mark)| Line::from(vec![scene.span(role, mark), scene.span(text_role, text)]);
            texts.into_iter().zip(marks).map(line).collect()
        }
        None => vec![hints(scene, room)],
    };
    for (line, row) in lines.iter().zip(area.rows()) {
        buffer.set_line(row.x, row.y, line, row.width);
    }
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
