//! The terms of a drain being written: five fields, what each means below it.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::{Scene, form};
use crate::model::terms::{Term, Terms};

/// The box; returns where the cursor stands.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, terms: &Terms) -> Option<Position> {
    let fields = Term::ALL.into_iter().zip(&terms.texts);
    let entries: Vec<form::Entry<'_>> = fields
        .map(|(term, text)| form::Entry {
            label: term.label(),
            text,
            complaint: terms.complaint(term),
            takes: terms.meaning(term),
            before: terms.before(term).map(str::to_owned),
        })
        .collect();
    let title = format!(" Terms of the drain of {} ", terms.whom());
    let about = "Left and Right, or Space, go through the choices.";
    form::fields(buffer, area, scene, &form::Sheet { title: &title, about, entries, focus: terms.focus })
}
