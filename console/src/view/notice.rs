//! The line above the footer for what holds until somebody sees to it: edits that a restart has forgotten, or what should
//! be known about all that is shown.

use evenkeel_protocol::Override;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::Scene;
use crate::lost;
use crate::model::target::Target;
use crate::theme::Role;
use crate::widget::text::{cut, width};

/// How many lines it takes.
pub(super) fn height(scene: Scene<'_>) -> u16 {
    u16::from(text(scene).is_some())
}

/// The line, and the key that sees to it.
fn text(scene: Scene<'_>) -> Option<(String, &'static str)> {
    let snapshot = scene.model.roster.snapshot()?;
    let Some(lost) = snapshot.forgotten.first() else {
        return snapshot.warnings.first().map(|warning| (warning.clone(), ""));
    };
    let Override { subject, field, value, .. } = lost;
    let name = match &subject.member {
        Some(member) => {
            Target { balancer: subject.balancer.clone(), member: member.clone() }.label(Some(snapshot))
        }
        None => subject.balancer.to_string(),
    };
    let what = match (field.as_str(), value.as_str()) {
        ("drain", "On") if lost::is_of_others(lost) => {
            format!("the drain of {name} is gone ({})", lost::SEEN)
        }
        _ if lost::is_of_others(lost) => format!("{field}={value} of {name} is gone ({})", lost::SEEN),
        ("drain", "On") => format!("your drain of {name} is gone"),
        _ => format!("your edit of {name} is gone ({field}={value})"),
    };
    let more = match snapshot.forgotten.len() {
        1 => String::new(),
        count => format!(", and {} more", count - 1),
    };
    Some((format!("httpd was restarted: {what}{more}"), "A sets it again"))
}

/// Draws it, if there is one.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: Scene<'_>) {
    let Some((text, key)) = text(scene).filter(|_| !area.is_empty()) else { return };
    let room = usize::from(area.width).saturating_sub(width(key) + 7);
    let line = Line::from(vec![
        scene.span(Role::Alarm, format!(" ▲ {}   ", cut(&text, room))),
        scene.span(Role::Accent, key),
    ]);
    buffer.set_line(area.x, area.y, &line, area.width);
}
