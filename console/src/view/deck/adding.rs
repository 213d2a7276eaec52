//! How a member is added: it is written where it comes to, and for all targets at once there is the command.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::Whole;
use super::sheet::{self, Sheet};
use crate::keymap::Action;
use crate::theme::Role;

/// The box.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, whole: Whole<'_>, page: usize) {
    let room = sheet::room(area);
    let way = |action| whole.deck.keymap.way(action);
    let plain = |text: &str| sheet::marked(whole, ("", Role::Text), (text, Role::Text), room);
    let mut lines = plain("In all targets at once, in a shell:");
    lines.extend(sheet::commands(whole, &[whole.deck.addition()], room));
    lines.push(Line::default());
    let within = format!(
        "In one: {} goes into the target, {} opens the form there.",
        way(Action::Open),
        way(Action::Add)
    );
    lines.extend(plain(&within));
    let foot = vec!["Esc back".to_owned(), format!("{} copies the command", way(Action::Yank))];
    let title = "How a member is added".to_owned();
    sheet::draw(buffer, area, whole, (Sheet { title, role: Role::Accent, lines, foot }, page));
}
