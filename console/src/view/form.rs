//! The form of an edit: four fields, the value in effect beside each, and what is wrong below the field.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;

use super::Scene;
use crate::model::act::or_none;
use crate::model::form::{Field, Form};
use crate::theme::Role;
use crate::widget::frame::popup;
use crate::widget::text::{Align, cut, pad, shorten, wrap};

/// The columns of the labels.
const LABEL: usize = 11;

/// The widest that the form gets, borders included.
const WIDEST: u16 = 72;

/// The box; returns where the cursor stands.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, form: &Form) -> Option<Position> {
    let box_width = area.width.saturating_sub(2).min(WIDEST);
    let room = usize::from(box_width).saturating_sub(4);
    let notes = |at: usize, field: &Field| note(scene, field, at == form.focus(), room);
    let fields = || form.fields.iter().enumerate();
    // Where there is no room for blank lines, only what is wrong stands below the fields.
    let spacious = fields().map(|(at, field)| notes(at, field).len().max(1)).sum::<usize>() + 9;
    let dense = usize::from(area.height) < spacious;
    let wanted = if dense { area.height } else { u16::try_from(spacious).unwrap_or(u16::MAX) };
    let title = scene.span(Role::Strong, cut(&format!(" Edit {} ", form.label), room));
    let inner = popup(buffer, area, (box_width, wanted), (scene.style(Role::Accent), Line::from(title)));
    let mut lines = vec![Line::from(scene.span(Role::Faint, shorten(form.target.member.as_str(), room)))];
    if !dense {
        lines.push(Line::default());
    }
    let mut cursor = None;
    let input = (room.saturating_sub(LABEL) * 3 / 5).max(8);
    for (at, field) in fields() {
        let focused = at == form.focus();
        let from = field.text.column().saturating_sub(input.saturating_sub(1));
        if focused {
            let x = u16::try_from(LABEL + field.text.column() - from).unwrap_or(u16::MAX);
            let y = u16::try_from(lines.len()).unwrap_or(u16::MAX);
            cursor = Some(Position { x: inner.x.saturating_add(x), y: inner.y.saturating_add(y) });
        }
        lines.push(field_line(scene, (field, focused, input, from)));
        let below = notes(at, field);
        if !dense && below.is_empty() {
            lines.push(Line::default());
        } else if !dense || field.complaint().is_some() {
            lines.extend(below);
        }
    }
    let body = inner.rows().take(usize::from(inner.height).saturating_sub(1));
    for (line, row) in lines.iter().zip(body) {
        buffer.set_line(row.x, row.y, line, row.width);
    }
    if let Some(last) = inner.rows().next_back() {
        buffer.set_line(last.x, last.y, &keys(scene), last.width);
    }
    cursor.filter(|cursor| inner.contains(*cursor))
}

/// How to go on.
fn keys(scene: Scene<'_>) -> Line<'static> {
    let pairs = [("Enter", " review     "), ("Tab", " next field     "), ("Esc", " leave as it is")];
    let spans =
        pairs.iter().flat_map(|(key, word)| [scene.span(Role::Accent, *key), scene.span(Role::Text, *word)]);
    Line::from(spans.collect::<Vec<_>>())
}

/// `lbfactor   2.00      was 1.00`
fn field_line(
    scene: Scene<'_>,
    (field, focused, input, from): (&Field, bool, usize, usize),
) -> Line<'static> {
    let label_role = if focused { Role::Accent } else { Role::Faint };
    let visible: String = field.text.value().chars().skip(from).collect();
    let mut line = Line::from(vec![
        scene.span(label_role, pad(field.kind.keyword(), LABEL, Align::Left)),
        scene.span(Role::Field, pad(&cut(&visible, input), input, Align::Left)),
    ]);
    if field.is_changed() {
        line.push_span(scene.span(Role::Faint, "  was "));
        line.push_span(scene.span(Role::Text, cut(or_none(&field.before), 20)));
    }
    line
}

/// What is wrong with a field, or what it takes while it is being written.
fn note(scene: Scene<'_>, field: &Field, focused: bool, room: usize) -> Vec<Line<'static>> {
    let (role, text) = match field.complaint() {
        Some(why) => (Role::Alarm, why),
        None if focused => (Role::Faint, field.kind.takes().to_owned()),
        None => return Vec::new(),
    };
    let indent = " ".repeat(LABEL);
    wrap(&text, room.saturating_sub(LABEL))
        .into_iter()
        .map(|text| Line::from(scene.span(role, format!("{indent}{text}"))))
        .collect()
}
