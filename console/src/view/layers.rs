//! Where a member's settings come from: what is configured, what was set over it by whom, when and why, and what is in
//! effect.

use evenkeel_protocol::Layers;
use ratatui::text::Line;

use super::{Scene, words};
use crate::model::act::or_none;
use crate::model::target::Target;
use crate::theme::Role;
use crate::widget::text::{Align, cut, pad};

/// A line for each field that differs from the configuration; one if there is none, or it is not known.
pub(super) fn lines(scene: Scene<'_>, target: &Target, room: usize) -> Vec<Line<'static>> {
    let label = |text: &str| scene.span(Role::Faint, pad(text, 9, Align::Left));
    let said = |role: Role, text: &str| {
        vec![Line::from(vec![label("layers"), scene.span(role, cut(text, room.saturating_sub(9)))])]
    };
    let overrides = match &scene.model.gathered.overrides {
        None => return said(Role::Faint, "asking the proxy …"),
        Some(Err(why)) => return said(Role::Warning, why),
        Some(Ok(overrides)) => overrides,
    };
    let own = |layers: &&Layers| {
        layers.subject.balancer == target.balancer && layers.subject.member.as_ref() == Some(&target.member)
    };
    let mut lines: Vec<Line<'static>> = Vec::new();
    for layers in overrides.fields.iter().filter(own) {
        let head = if lines.is_empty() { "layers" } else { "" };
        lines.push(Line::from(vec![
            label(head),
            scene.span(Role::Strong, format!("{} {}", layers.field, or_none(&layers.effective))),
            scene.span(
                Role::Text,
                cut(&origin(scene, layers), room.saturating_sub(9 + layers.field.len() + 8)),
            ),
        ]));
    }
    if lines.is_empty() { said(Role::Faint, "all as configured") } else { lines }
}

/// `, configured Off; On by anna at 12:00:25 "deploy 42"`
fn origin(scene: Scene<'_>, layers: &Layers) -> String {
    let mut text = format!(", configured {}", or_none(&layers.configured));
    let Some(overridden) = &layers.overridden else { return text };
    if overridden.value != layers.effective {
        text = format!("{text}, set to {}", or_none(&overridden.value));
    }
    if let Some(by) = &overridden.by {
        text = format!("{text}; by {}", words::peer(Some(by)));
    }
    if let Some(at) = overridden.at {
        let at = words::time(at, scene.model.clock.wall, &scene.look.zone);
        text = format!("{text} at {}", at.trim());
    }
    if let Some(reason) = &overridden.reason {
        text = format!("{text} \"{reason}\"");
    }
    text
}
