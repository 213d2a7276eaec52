//! The body of a screen that a proxy has nothing for: why that is so.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::Scene;
use crate::ability::Ability;
use crate::model::Screen;
use crate::theme::Role;
use crate::widget::text::wrap_within;

/// Why there is nothing to show on the open screen; none: there is.
pub(super) fn why(scene: Scene<'_>) -> Option<&'static str> {
    let ability = match &scene.model.screen {
        Screen::Lens => Ability::Explain,
        Screen::Elections => Ability::Elections,
        _ => return None,
    };
    scene.model.lacks(ability)
}

/// Says it.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: Scene<'_>) {
    let Some(why) = why(scene) else { return };
    let room = usize::from(area.width).saturating_sub(4);
    let lines = wrap_within(&format!("Nothing to show: {why}."), room, usize::from(area.height));
    for (text, row) in lines.into_iter().zip(area.rows().skip(1)) {
        buffer.set_line(row.x + 2, row.y, &Line::from(scene.span(Role::Faint, text)), row.width);
    }
}
