//! Forms: fields, the value in effect beside each, and what is wrong below the field.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::text::Line;

use super::Scene;
use crate::model::act::or_none;
use crate::model::fields::{Field, Fields};
use crate::model::form::{Form, Text};
use crate::model::joining::Joining;
use crate::model::tuning::Tuning;
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
    pub(super) before: Option<String>,
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

impl<'a> Sheet<'a> {
    fn of((title, about): &'a (String, &'a str), fields: &'a Fields) -> Self {
        let entry = |field: &'a Field| Entry {
            label: field.keyword,
            text: &field.text,
            complaint: field.complaint(),
            takes: field.takes().to_owned(),
            // What was empty needs no word.
            before: Some(field.effective()).filter(|before| field.is_changed() && !before.is_empty()),
        };
        Self { title, about, entries: fields.all().iter().map(entry).collect(), focus: fields.focus() }
    }
}

/// The box of an edit of a member; returns where the cursor stands.
pub(super) fn of_member(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, form: &Form) -> Option<Position> {
    let room = usize::from(area.width.saturating_sub(2).min(WIDEST)).saturating_sub(11);
    let words = (format!(" Edit {} ", scene.called(&form.label, room)), form.target.member.as_str());
    fields(buffer, area, scene, &Sheet::of(&words, &form.fields))
}

/// The box of a balancer's own settings.
pub(super) fn of_balancer(
    buffer: &mut Buffer,
    area: Rect,
    scene: Scene<'_>,
    form: &Tuning,
) -> Option<Position> {
    let url = form.balancer.url();
    let words = (format!(" Settings of {} ", form.balancer), url.as_str());
    fields(buffer, area, scene, &Sheet::of(&words, &form.fields))
}

/// The box of a member that is to come.
pub(super) fn of_newcomer(
    buffer: &mut Buffer,
    area: Rect,
    scene: Scene<'_>,
    form: &Joining,
) -> Option<Position> {
    let words = (format!(" Add a member to {} ", form.balancer), "as on a BalancerMember line");
    fields(buffer, area, scene, &Sheet::of(&words, &form.fields))
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
    let below: Vec<Vec<Line<'static>>> = entries().map(|(at, entry)| notes(at, entry)).collect();
    // The name, a blank line before the fields and one before the keys, the keys, and the border.
    let noted: usize = below.iter().map(Vec::len).sum();
    let spacious = below.iter().map(|below| below.len().max(1)).sum::<usize>() + below.len() + 5;
    let dense = usize::from(area.height) < spacious;
    let wanted = if dense { noted + below.len() + 5 } else { spacious };
    let wanted = u16::try_from(wanted).unwrap_or(u16::MAX);
    let title = scene.span(Role::Strong, cut(sheet.title, room));
    let inner = popup(buffer, area, (box_width, wanted), (scene.style(Role::Accent), Line::from(title)));
    let mut lines = Vec::new();
    let (mut cursor, mut seen) = (None, 0);
    let input = (room.saturating_sub(label) * 3 / 5).max(8);
    for ((at, entry), below) in entries().zip(below) {
        let focused = at == sheet.focus;
        let from = entry.text.column().saturating_sub(input.saturating_sub(1));
        if focused {
            cursor = Some((label + entry.text.column() - from, lines.len()));
        }
        lines.push(field_line(scene, (entry, focused), (label, input, from)));
        if !dense && below.is_empty() {
            lines.push(Line::default());
        }
        lines.extend(below);
        if focused {
            seen = lines.len();
        }
    }
    // Between the name and the keys the field that is written is in sight, with what is said of it.
    let [about, body, last] = rooms(inner, dense);
    let scrolled = seen.saturating_sub(usize::from(body.height));
    let about_line = Line::from(scene.span(Role::Faint, shorten(sheet.about, room)));
    buffer.set_line(about.x, about.y, &about_line, about.width);
    for (line, row) in lines.iter().skip(scrolled).zip(body.rows()) {
        buffer.set_line(row.x, row.y, line, row.width);
    }
    buffer.set_line(last.x, last.y, &keys(scene), last.width);
    let (x, y) = cursor?;
    let [x, y] = [x, y.checked_sub(scrolled)?].map(|at| u16::try_from(at).unwrap_or(u16::MAX));
    let cursor = Position { x: body.x.saturating_add(x), y: body.y.saturating_add(y) };
    Some(cursor).filter(|cursor| body.contains(*cursor))
}

/// The name, the fields, and the keys.
fn rooms(inner: Rect, dense: bool) -> [Rect; 3] {
    let blank = u16::from(!dense);
    let [about, _, body, last] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(blank),
        Constraint::Fill(1),
        Constraint::Length(1),
    ])
    .areas(inner);
    [about, body, last]
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
    if let Some(before) = &entry.before {
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
