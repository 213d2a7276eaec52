//! The form of an edit: four fields, the value in effect beside each, and what is wrong below the field.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;

use super::Scene;
use crate::model::act::or_none;
use crate::model::form::{Field, Form};
use crate::theme::Role;
use crate::widget::frame::popup;
use crate::widget::text::{Align, cut, pad, shorten, width};

/// The columns of the labels.
const LABEL: usize = 11;

/// The widest that the form gets, borders included.
const WIDEST: u16 = 72;

/// The box; returns where the cursor stands.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, form: &Form) -> Option<Position> {
    let box_width = area.width.saturating_sub(2).min(WIDEST);
    let room = usize::from(box_width).saturating_sub(4);
    // Below this height the hints between the fields give way.
    let dense = area.height < 15;
    let wanted = if dense { 9 } else { 14 };
    let title = scene.span(Role::Strong, cut(&format!(" Edit {} ", form.label), room));
    let inner = popup(buffer, area, (box_width, wanted), (scene.style(Role::Accent), Line::from(title)));
    let mut rows = inner.rows();
    let top = rows.next()?;
    let url = shorten(form.target.member.as_str(), room);
    buffer.set_line(top.x, top.y, &Line::from(scene.span(Role::Faint, url)), top.width);
    if !dense {
        rows.next();
    }
    let mut cursor = None;
    for (at, field) in form.fields.iter().enumerate() {
        let row = rows.next()?;
        let focused = at == form.focus();
        let input = (room.saturating_sub(LABEL) * 3 / 5).max(8);
        let from = field.text.column().saturating_sub(input.saturating_sub(1));
        field_line(buffer, row, scene, (field, focused, input, from));
        if focused {
            let column = u16::try_from(LABEL + field.text.column() - from).unwrap_or(u16::MAX);
            cursor = Some(Position { x: row.x.saturating_add(column).min(row.right().saturating_sub(1)), y: row.y });
        }
        if !dense {
            let below = rows.next()?;
            buffer.set_line(below.x, below.y, &note(scene, field, focused, room), below.width);
        }
    }
    if let Some(last) = inner.rows().last() {
        let complaint = form.fields.iter().filter(|_| dense).find_map(|field| Some((field.kind.keyword(), field.complaint()?)));
        let line = match complaint {
            Some((name, why)) => Line::from(scene.span(Role::Alarm, cut(&format!("{name} {why}"), room))),
            None => Line::from(vec![
                scene.span(Role::Accent, "Enter"),
                scene.span(Role::Text, " review     "),
                scene.span(Role::Accent, "Tab"),
                scene.span(Role::Text, " next field     "),
                scene.span(Role::Accent, "Esc"),
                scene.span(Role::Text, " leave as it is"),
            ]),
        };
        buffer.set_line(last.x, last.y, &line, last.width);
    }
    cursor
}

/// `lbfactor   2.00      was 1.00`
fn field_line(
    buffer: &mut Buffer,
    row: Rect,
    scene: Scene<'_>,
    (field, focused, input, from): (&Field, bool, usize, usize),
) {
    let label_role = if focused { Role::Accent } else { Role::Faint };
    let visible: String = field.text.value().chars().skip(from).collect();
    let visible = if width(&visible) > input { cut(&visible, input) } else { visible };
    let mut line = Line::from(vec![
        scene.span(label_role, pad(field.kind.keyword(), LABEL, Align::Left)),
        scene.span(Role::Field, pad(&visible, input, Align::Left)),
    ]);
    if field.is_changed() {
        line.push_span(scene.span(Role::Faint, "  was "));
        line.push_span(scene.span(Role::Text, cut(or_none(&field.before), 20)));
    }
    buffer.set_line(row.x, row.y, &line, row.width);
}

/// What is wrong with a field, or what it takes while it is being written.
fn note(scene: Scene<'_>, field: &Field, focused: bool, room: usize) -> Line<'static> {
    let room = room.saturating_sub(LABEL);
    let span = match field.complaint() {
        Some(why) => scene.span(Role::Alarm, cut(&why, room)),
        None if focused => scene.span(Role::Faint, cut(field.kind.takes(), room)),
        None => return Line::default(),
    };
    Line::from(vec![scene.span(Role::Text, " ".repeat(LABEL)), span])
}
