//! What became of one act in each target. What was not done says so first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::Whole;
use crate::model::batch::Outcome;
use crate::model::deck::joint::{Part, Share};
use crate::theme::Role;
use crate::widget::frame::popup;
use crate::widget::text::{cut, width};

/// The box, `from` rows scrolled out above.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, whole: Whole<'_>, from: usize) {
    let Some(joint) = &whole.deck.joint else { return };
    let columns = area.width.saturating_sub(2).min(100);
    let room = usize::from(columns).saturating_sub(4);
    let heading = if joint.is_over() {
        format!(" {} ", joint.sentence())
    } else {
        format!(" {} {}: waiting for answers ", joint.verb, joint.label)
    };
    let role = if joint.is_partial() { Role::Alarm } else { Role::Accent };
    let border = (whole.style(role), Line::from(whole.span(Role::Strong, cut(&heading, room))));
    let command = joint.command.iter().map(|command| cut(&format!("$ {command}"), room));
    let command: Vec<String> = command.collect();
    let wanted = u16::try_from(joint.shares.len() + command.len() + 4).unwrap_or(u16::MAX);
    let inner = popup(buffer, area, (columns, wanted), border);
    let height = usize::from(inner.height).saturating_sub(command.len() + 2);
    let from = from.min(joint.shares.len().saturating_sub(height));
    for (share, place) in joint.shares.iter().skip(from).take(height).zip(inner.rows()) {
        buffer.set_line(place.x, place.y, &line(whole, share, room), place.width);
    }
    let again = if joint.is_partial() { "what was done stays; the same key asks the others   " } else { "" };
    let text = if joint.is_over() {
        let yank = if joint.command.is_some() { "y copies it" } else { "" };
        format!("Esc back   {again}{yank}")
    } else {
        "Esc leaves this; it goes on".to_owned()
    };
    let last = command.into_iter().chain([text]).rev().zip(inner.rows().rev());
    for (text, place) in last {
        buffer.set_stringn(place.x, place.y, text, usize::from(place.width), whole.style(Role::Faint));
    }
}

fn line(whole: Whole<'_>, share: &Share, room: usize) -> Line<'static> {
    let (mark, role, text) = match &share.part {
        Part::Act(Outcome::Waiting | Outcome::Sent(_)) => {
            ("…", Role::Accent, "waiting for its answer".to_owned())
        }
        Part::Act(Outcome::Done(text)) => ("✓", Role::Good, text.clone()),
        Part::Act(Outcome::Loose(text)) => ("▲", Role::Warning, text.clone()),
        Part::Act(Outcome::Refused(why)) | Part::Barred(why) => {
            ("▲", Role::Alarm, format!("NOT done: {why}"))
        }
        Part::Spared(words) => ("✓", Role::Good, format!("it was so already ({words})")),
        Part::Absent => ("·", Role::Faint, "has no such member".to_owned()),
    };
    let text_role = if role == Role::Good { Role::Text } else { role };
    let name = format!("{}: ", whole.name(share.station));
    let text = cut(&text, room.saturating_sub(width(mark) + 1 + width(&name)));
    Line::from(vec![
        whole.span(role, format!("{mark} ")),
        whole.span(Role::Strong, name),
        whole.span(text_role, text),
    ])
}
