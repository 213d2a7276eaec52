//! What stays in sight until somebody has seen to it: an act that does not hold everywhere, and for each target what its
//! own screen would say, as that a restart of httpd has forgotten a drain. Also why a target does not answer, in full, for
//! whoever has the cursor on it.

use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{Whole, sheet};
use crate::keymap::Action;
use crate::model::Freshness;
use crate::model::deck::Pick;
use crate::theme::Role;
use crate::view::notice;
use crate::widget::text::{width, wrap_within};

/// The columns of the key that sees to one.
const KEY: usize = 20;
/// The most lines of one notice.
const ROWS: usize = 2;

/// All of them, in at most a quarter of `area`.
pub(super) fn lines(whole: Whole<'_>, area: Rect) -> Vec<Line<'static>> {
    let room = usize::from(area.width).saturating_sub(2);
    let most = usize::from(area.height / 4).max(1);
    let deck = whole.deck;
    let mut texts: Vec<String> = Vec::new();
    for joint in deck.noticed() {
        let (results, back) = (deck.keymap.way(Action::Results), deck.keymap.way(Action::Back));
        texts.push(format!("{} ({results} shows each, {back} hides this)", joint.sentence()));
    }
    // The events of a target are on its own screens.
    let [open, events] = [Action::Open, Action::Events].map(|action| deck.keymap.way(action));
    let way = format!("{open} on it and {events}");
    for at in 0..deck.stations.len() {
        // A notice has more than one row, in which stand the target and a key as well.
        let most = (room * ROWS).saturating_sub(room / 4 + width(whole.name(at)) + KEY);
        if let Some((text, key)) = whole.station(at).and_then(|scene| notice::text(scene, &way, most)) {
            let key = if key.is_empty() { String::new() } else { format!("; {key}") };
            texts.push(format!("{}: {text}{key}", whole.name(at)));
        }
    }
    let mut lines: Vec<Line<'static>> = Vec::new();
    let all = texts.len();
    for (told, text) in texts.into_iter().enumerate() {
        let text = wrap_within(&text, room.saturating_sub(2), ROWS).join(" ");
        let next = sheet::marked(whole, (" ▲ ", Role::Alarm), (&text, Role::Alarm), room);
        let is_last = told + 1 == all;
        if lines.len() + next.len() + usize::from(!is_last) > most && told > 0 {
            let text = format!("   and {} more", all - told);
            lines.push(Line::from(whole.span(Role::Alarm, text)));
            break;
        }
        lines.extend(next);
    }
    lines.truncate(most);
    lines
}

/// Why the target under the cursor does not answer; none: it does, or the cursor is elsewhere.
pub(super) fn silence(whole: Whole<'_>) -> Option<String> {
    let Pick::Station(at) = whole.deck.pick else { return None };
    match whole.station(at)?.model.freshness() {
        Freshness::Lost { why, .. } => Some(format!("{} does not answer: {why}", whole.name(at))),
        _ => None,
    }
}
