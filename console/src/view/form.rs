//! Forms: fields, the value in effect beside each, and what is wrong below the field.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;

use super::Scene;
use crate::model::act::or_none;
use crate::model::form::{Form, Text};
use crate::theme::Role;
use crate::widget::frame::popup;
use crate::widget::text::{Align, cut, pad, shorten, width, wrap};

/// The columns of the labels, if none is longer.
const LABEL: usize = 11;

/// The widest that the form gets, borders included.
const WIDEST: u16 = 72;

/// A field as it is drawn.
pub(super) struct Entry<'a> {
    /// Its name.
    pub(super) label: &'a str,
    /// What is written.
    pub(super) text: &'a Text,
    /// What is wrong with it.
    pub(super) complaint: Option<String>,
    /// What it takes, or what it means.
    pub(super) takes: String,
    /// The value before, if another one is written.
    pub(super) before: Option<&'a str>,
}

/// Fields, what they are for, and which of them is being written.
pub(super) struct Sheet<'a> {
    /// The title of the box.
    pub(super) title: &'a str,
    /// A line about all of them.
    pub(super) about: &'a str,
    /// The fields.
    pub(super) entries: Vec<Entry<'a>>,
    /// The one being written.
    pub(super) focus: usize,
}

/// The box of an edit; returns where the cursor stands.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, form: &Form) -> Option<Position> {
    let entries = form.fields.iter().map(|field| Entry {
        label: field.kind.keyword(),
        text: &field.text,
        complaint: field.complaint(),
        takes: field.kind.takes().to_owned(),
        before: field.is_changed().then(|| or_none(&field.before)),
    });
    let (entries, title) = (entries.collect(), format!(" Edit {} ", form.label));
    let sheet = Sheet { title: &title, about: form.target.member.as_str(), entries, focus: form.focus() };
    fields(buffer, area, scene, &sheet)
}

/// The box; returns where the cursor stands.
pub(super) fn fields(
    buffer: &mut Buffer,
    area: Rect,
    scene: Scene<'_>,
    sheet: &Sheet<'_>,
) -> Option<Position> {
    let box_width = area.width.saturating_sub(2).min(WIDEST);
    let room = usize::from(box_width).saturating_sub(4);
    let longest = sheet.entries.iter().map(|entry| width(entry.label) + 1).max().unwrap_or(0);
    let label = LABEL.max(longest);
    let notes = |at: usize, entry: &Entry<'_>| note(scene, (entry, at == sheet.focus), (label, room));
    let entries = || sheet.entries.iter().enumerate();
    // Where there is no room for blank lines, only what is wrong stands below the fields.
    let spacious =
        entries().map(|(at, entry)| notes(at, entry).len().max(1)).sum::<usize>() + sheet.entries.len() + 5;
    let dense = usize::from(area.height) < spacious;
    let wanted = if dense { area.height } else { u16::try_from(spacious).unwrap_or(u16::MAX) };
    let title = scene.span(Role::Strong, cut(sheet.title, room));
    let inner = popup(buffer, area, (box_width, wanted), (scene.style(Role::Accent), Line::from(title)));
    let mut lines = vec![Line::from(scene.span(Role::Faint, shorten(sheet.about, room)))];
    if !dense {
        lines.push(Line::default());
    }
    let mut cursor = None;
    let input = (room.saturating_sub(label) * 3 / 5).max(8);
    for (at, entry) in entries() {
        let focused = at == sheet.focus;
        let from = entry.text.column().saturating_sub(input.saturating_sub(1));
        if focused {
            let x = u16::try_from(label + entry.text.column() - from).unwrap_or(u16::MAX);
            let y = u16::try_from(lines.len()).unwrap_or(u16::MAX);
            cursor = Some(Position { x: inner.x.saturating_add(x), y: inner.y.saturating_add(y) });
        }
        lines.push(field_line(scene, (entry, focused), (label, input, from)));
        let below = notes(at, entry);
        if !dense && below.is_empty() {
            lines.push(Line::default());
        } else if !dense || entry.complaint.is_some() {
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
    (entry, focused): (&Entry<'_>, bool),
    (label, input, from): (usize, usize, usize),
) -> Line<'static> {
    let label_role = if focused { Role::Accent } else { Role::Faint };
    let visible: String = entry.text.value().chars().skip(from).collect();
    let mut line = Line::from(vec![
        scene.span(label_role, pad(entry.label, label, Align::Left)),
        scene.span(Role::Field, pad(&cut(&visible, input), input, Align::Left)),
    ]);
    if let Some(before) = entry.before {
        line.push_span(scene.span(Role::Faint, "  was "));
        line.push_span(scene.span(Role::Text, cut(or_none(before), 20)));
    }
    line
}

/// What is wrong with a field, or what it takes while it is being written.
fn note(
    scene: Scene<'_>,
    (entry, focused): (&Entry<'_>, bool),
    (label, room): (usize, usize),
) -> Vec<Line<'static>> {
    let (role, text) = match &entry.complaint {
        Some(why) => (Role::Alarm, why),
        None if focused => (Role::Faint, &entry.takes),
        None => return Vec::new(),
    };
    let indent = " ".repeat(label);
    wrap(text, room.saturating_sub(label))
        .into_iter()
        .map(|text| Line::from(scene.span(role, format!("{indent}{text}"))))
        .collect()
}
