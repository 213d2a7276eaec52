//! What became of one act on many: a line for each member, refused ones with the reason.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::Scene;
use crate::keymap::Action;
use crate::model::batch::{Outcome, Row};
use crate::theme::Role;
use crate::widget::frame::popup;
use crate::widget::text::{cut, width};

/// The box, `from` rows scrolled out above.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, from: usize) {
    let Some(batch) = &scene.model.batch else { return };
    let columns = area.width.saturating_sub(2).min(100);
    let room = usize::from(columns).saturating_sub(4);
    let (done, refused) = batch.tally();
    let left = batch.rows.len() - done - refused;
    let mut heading = format!(" {} {}: {done} done", batch.question.act.verb(), batch.question.whom());
    for (count, word) in [(refused, "refused"), (left, "to come")].into_iter().filter(|(count, _)| *count > 0)
    {
        heading.extend([", ", &count.to_string(), " ", word]);
    }
    heading.push(' ');
    let role = if refused > 0 { Role::Alarm } else { Role::Accent };
    let border = (scene.style(role), Line::from(scene.span(Role::Strong, cut(&heading, room))));
    let wanted = u16::try_from(batch.rows.len() + 4).unwrap_or(u16::MAX);
    let inner = popup(buffer, area, (columns, wanted), border);
    let height = usize::from(inner.height).saturating_sub(2);
    let from = from.min(batch.rows.len().saturating_sub(height));
    for (row, place) in batch.rows.iter().skip(from).take(height).zip(inner.rows()) {
        buffer.set_line(place.x, place.y, &line(scene, row, room), place.width);
    }
    if let Some(last) = inner.rows().next_back() {
        let [yank, undo] = [Action::Yank, Action::Undo].map(|action| scene.model.keymap.way(action));
        let text = if left > 0 {
            "Esc leaves this; it goes on"
        } else {
            &format!("Esc back     {yank} copy the commands     {undo} undoes the last one")
        };
        buffer.set_stringn(last.x, last.y, text, usize::from(last.width), scene.style(Role::Faint));
    }
}

fn line(scene: Scene<'_>, row: &Row, room: usize) -> Line<'static> {
    let label = &row.subject.label;
    let who = scene.model.who();
    let (mark, role, text) = match &row.outcome {
        Outcome::Waiting => ("·", Role::Faint, format!("{label}: waits for its turn")),
        Outcome::Sent(_) => ("…", Role::Accent, format!("{label}: waiting for {who}'s answer")),
        Outcome::Done(text) => ("✓", Role::Good, text.clone()),
        Outcome::Loose(text) => ("▲", Role::Warning, text.clone()),
        Outcome::Refused(why) => ("▲", Role::Alarm, format!("{label}: NOT done: {why}")),
    };
    let text_role = if role == Role::Good { Role::Text } else { role };
    let text = cut(&text, room.saturating_sub(width(mark) + 1));
    Line::from(vec![scene.span(role, format!("{mark} ")), scene.span(text_role, text)])
}
