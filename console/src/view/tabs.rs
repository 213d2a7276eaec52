//! The rule below the first line: the names of the screens, how many drains run and how long the next deadline is off,
//! and what the list hides.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

use super::{Scene, drain, words};
use crate::model::{Screen, drains};
use crate::theme::Role;
use crate::widget::frame::rule_of;
use crate::widget::text::cut;

/// The names of the screens by their keys.
const NAMES: [&str; 6] = ["Overview", "Balancers", "Events", "Drains", "Lens", "Elections"];

/// Which of them is shown.
fn shown(screen: &Screen) -> usize {
    match screen {
        Screen::Overview => 0,
        Screen::Balancers | Screen::Member(_) => 1,
        Screen::Events { .. } => 2,
        Screen::Drains(_) => 3,
        Screen::Lens => 4,
        Screen::Elections => 5,
    }
}

/// The rule. Where it gets narrow, first the names of the other screens give way, then what stands at the right.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: Scene<'_>) {
    let right = right(scene);
    let open = scene.model.lock.is_open();
    let (glyph, role) = if open { ("━", Role::Warning) } else { ("─", Role::Faint) };
    let room = usize::from(area.width).saturating_sub(3);
    let full = names(scene, true);
    let left = if full.width() + right.width() <= room { full } else { names(scene, false) };
    rule_of(glyph, buffer, (area, scene.style(role)), (left, right));
}

fn names(scene: Scene<'_>, whole: bool) -> Line<'static> {
    let at = shown(&scene.model.screen);
    let mut line = Line::default();
    if let Some(station) = &scene.model.station {
        line.push_span(scene.span(Role::Faint, " F fleet ▸ "));
        line.push_span(scene.span(Role::Strong, format!("{} ", cut(station, 20))));
    }
    for (number, name) in NAMES.into_iter().enumerate() {
        let style = if number == at {
            scene.style(Role::Accent).add_modifier(Modifier::BOLD)
        } else {
            scene.style(Role::Faint)
        };
        let text = if whole || number == at { format!(" {number} {name} ") } else { format!(" {number} ") };
        line.push_span(Span::styled(text, style));
        if number == 3 {
            line.spans.extend(badge(scene));
        }
        if let (Screen::Member(target), 1) = (&scene.model.screen, number) {
            let label = cut(&target.label(scene.model.roster.snapshot()), 34);
            line.push_span(scene.span(Role::Faint, "▸ "));
            line.push_span(scene.span(Role::Strong, format!("{label} ")));
        }
    }
    line
}

/// `◐2 06:52 `: how many drains run, and when the first deadline comes.
fn badge(scene: Scene<'_>) -> Option<Span<'static>> {
    let running = || drains::running(scene.model.roster.snapshot());
    let count = running().count();
    let next = running().filter_map(|one| drain::left(scene, one)).min();
    let next = next.map_or(String::new(), |left| format!("{} ", words::countdown(left)));
    (count > 0).then(|| scene.span(Role::Warning, format!("◐{count} {next}")))
}

/// What belongs to the screen and stands at the right end.
fn right(scene: Scene<'_>) -> Line<'static> {
    let snapshot = scene.model.roster.snapshot();
    match &scene.model.screen {
        Screen::Balancers => arrangement(scene),
        Screen::Member(target) => match snapshot.and_then(|snapshot| target.find(snapshot)) {
            // A number that only tells settings apart is nothing to read.
            Some((_, member)) if snapshot.is_some_and(|snapshot| !snapshot.proxy.is_httpd()) => {
                Line::from(scene.span(Role::Faint, format!(" revision {} ", member.revision)))
            }
            _ => Line::default(),
        },
        _ => Line::default(),
    }
}

/// What the list hides, how it is sorted, and how many are marked.
fn arrangement(scene: Scene<'_>) -> Line<'static> {
    let cursor = &scene.model.cursor;
    let mut right = Line::default();
    if cursor.marks() > 0 {
        right.push_span(scene.span(Role::Accent, format!(" {} marked ", cursor.marks())));
    }
    if let Some(column) = cursor.sort.column {
        let way = if cursor.sort.inverted { '▴' } else { '▾' };
        right.push_span(scene.span(Role::Accent, format!(" by {} {way} ", column.title())));
    }
    if cursor.hides() {
        let all: usize = scene.model.roster.balancers().iter().map(|balancer| balancer.members.len()).sum();
        let hidden = all.saturating_sub(cursor.count());
        if cursor.problems {
            right.push_span(scene.span(Role::Accent, " problems "));
        }
        if !cursor.filter.is_empty() {
            right.push_span(scene.span(Role::Accent, format!(" /{} ", cut(cursor.filter.text(), 24))));
        }
        right.push_span(scene.span(Role::Faint, format!("{hidden} hidden ")));
    }
    right
}
