//! A balancer's settings being written: a field for each, what it takes below it.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::{Scene, form};
use crate::model::tuning::Tuning;

/// The box; returns where the cursor stands.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, tuning: &Tuning) -> Option<Position> {
    let entries = tuning.settings.iter().map(|setting| form::Entry {
        label: setting.keyword,
        text: &setting.text,
        complaint: setting.complaint(),
        takes: setting.takes().to_owned(),
        before: setting.is_changed().then_some(setting.before.as_str()),
    });
    let (entries, title) = (entries.collect(), format!(" Settings of {} ", tuning.balancer));
    let url = tuning.balancer.url();
    form::fields(
        buffer,
        area,
        scene,
        &form::Sheet { title: &title, about: &url, entries, focus: tuning.focus },
    )
}
