//! One member with all its fields: the pane below the list, and the upper part of the member screen.

use evenkeel_protocol::{BalancerSnapshot, EventKind, MemberSnapshot};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use super::{Scene, badge, member, words};
use crate::model::act::{or_none, told};
use crate::model::health::{Health, meaning};
use crate::model::history::History;
use crate::model::target::Target;
use crate::theme::Role;
use crate::widget::text::{cut, pad, shorten, width};

/// From this width on there is a graph beside the fields.
const WITH_GRAPH: u16 = 112;

/// The room that the fields take at most.
const FIELDS: u16 = 84;

/// How many columns of fields fit.
fn columns(width: u16) -> usize {
    match width {
        0..54 => 2,
        54..76 => 3,
        _ => 4,
    }
}

/// How many lines the fields take on a terminal of that width.
pub(super) fn height(width: u16) -> u16 {
    let rows = 12_usize.div_ceil(columns(width));
    u16::try_from(rows).unwrap_or(0) + 4
}

/// The pane: a rule that names the member, its fields, and a graph if there is room.
pub(super) fn pane(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, target: &Target) {
    let [top, rest] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    heading(buffer, top, scene, target);
    let graph = if area.width >= WITH_GRAPH { area.width - FIELDS } else { 0 };
    let [fields, graph_area] =
        Layout::horizontal([Constraint::Fill(1), Constraint::Length(graph)]).areas(rest);
    draw(buffer, fields, scene, target);
    if graph > 0 {
        member::small_graph(buffer, graph_area, scene, target);
    }
}

/// The rule that names the member and its revision.
pub(super) fn heading(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, target: &Target) {
    let snapshot = scene.model.fleet.snapshot();
    let label = target.label(snapshot);
    let right = match snapshot.and_then(|snapshot| target.find(snapshot)) {
        Some((_, member)) => scene.span(Role::Faint, format!(" revision {} ", member.revision)),
        None => Span::raw(""),
    };
    scene.rule(buffer, area, &cut(&label, usize::from(area.width).saturating_sub(8)), Line::from(right));
}

/// The fields.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, target: &Target) {
    let Some((balancer, member)) = scene.model.fleet.snapshot().and_then(|snapshot| target.find(snapshot))
    else {
        let gone = "This member is no longer there: it was removed, or the proxy has another configuration.";
        buffer.set_stringn(area.x + 1, area.y, gone, usize::from(area.width), scene.style(Role::Alarm));
        return;
    };
    let room = usize::from(area.width).saturating_sub(2);
    let mut lines = vec![url(scene, (balancer, member), room), status(scene, balancer, member, room)];
    lines.extend(grid(scene, target, member, room));
    lines.push(error(scene, member, room));
    lines.push(last_edit(scene, target, member, room));
    for (line, row) in lines.iter().zip(area.rows()) {
        buffer.set_line(row.x + 1, row.y, line, row.width.saturating_sub(1));
    }
}

fn url(scene: Scene<'_>, (balancer, member): (&BalancerSnapshot, &MemberSnapshot), room: usize) -> Line<'static> {
    let whole = shorten(member.name.as_str(), room);
    let left = room.saturating_sub(width(&whole) + 2);
    let owner = format!("in {}", balancer.name.url());
    let owner = if width(&owner) <= left { owner } else { String::new() };
    Line::from(vec![scene.span(Role::Strong, whole), scene.span(Role::Faint, format!("  {owner}"))])
}

fn status(
    scene: Scene<'_>,
    balancer: &BalancerSnapshot,
    member: &MemberSnapshot,
    room: usize,
) -> Line<'static> {
    let (shape, role) = badge::shape(Health::of(member.status));
    let words = format!("{shape} {}", member.words);
    let letters = format!("  {}  ", member.status.letters());
    let left = room.saturating_sub(width(&words) + letters.len());
    Line::from(vec![
        scene.span(role, words),
        scene.span(Role::Faint, letters),
        scene.span(Role::Text, cut(&meaning(balancer, member), left)),
    ])
}

/// The fields with short values, in columns.
fn grid(scene: Scene<'_>, target: &Target, member: &MemberSnapshot, room: usize) -> Vec<Line<'static>> {
    let rate = scene.model.fleet.history(target).and_then(History::now);
    let bytes = |number: u64| match number {
        0..1000 => number.to_string(),
        _ => format!("{} {}", words::bytes(number), words::grouped(number)),
    };
    let fields = [
        ("route", or_none(member.route.as_str()).to_owned()),
        ("factor", member.lbfactor.to_string()),
        ("elected", words::grouped(member.elected)),
        ("to", bytes(member.transferred)),
        ("redirect", or_none(member.redirect.as_str()).to_owned()),
        ("set", member.lbset.to_string()),
        ("served", words::grouped(member.served)),
        ("from", bytes(member.read)),
        ("req/s", words::rate(rate)),
        ("load", member.lbstatus.to_string()),
        ("failed", words::grouped(member.failed)),
        ("busy", words::grouped(member.busy)),
    ];
    let columns = columns(u16::try_from(room + 2).unwrap_or(u16::MAX));
    let share = [22, 17, 19];
    let mut lines = Vec::new();
    for row in fields.chunks(columns) {
        let mut line = Line::default();
        for (at, (label, value)) in row.iter().enumerate() {
            let last = at + 1 == columns;
            let cell = if columns == 4 && !last { share.get(at).copied().unwrap_or(20) } else { room / columns };
            let label_width = match (columns, at) {
                (4, 1) => 7,
                (4, 3) => 5,
                (4, 2) => 8,
                _ => 9,
            };
            let value_room = if last { room.saturating_sub(line.width() + label_width) } else { cell - label_width - 1 };
            let value = cut(value, value_room);
            line.push_span(scene.span(Role::Faint, pad(label, label_width, crate::widget::text::Align::Left)));
            let value = if last { value } else { pad(&value, cell - label_width, crate::widget::text::Align::Left) };
            line.push_span(scene.span(Role::Text, value));
        }
        lines.push(line);
    }
    lines
}

/// Why and since when it is in error, and when it is tried again.
fn error(scene: Scene<'_>, member: &MemberSnapshot, room: usize) -> Line<'static> {
    let Some(note) = &member.error else {
        return Line::from(scene.span(Role::Faint, "error    none"));
    };
    let taken = scene.model.fleet.snapshot().map(|snapshot| snapshot.taken).unwrap_or_default();
    let since = words::time(note.at, taken, &scene.look.zone);
    let mut facts = format!("since {} ({})", since.trim(), words::age(taken.since(note.at)));
    match note.retry_at {
        Some(at) if at > taken => {
            facts.push_str(", tried again in ");
            facts.push_str(&words::age(at.since(taken)));
        }
        _ => facts.push_str(", tried again with the next request"),
    }
    if member.retries > 0 {
        facts.push_str(&format!(", tried {} times", member.retries));
    }
    let reason = cut(&note.reason, room.saturating_sub(9 + 2 + width(&facts)).max(16));
    Line::from(vec![
        scene.span(Role::Faint, "error    "),
        scene.span(Role::Alarm, reason),
        scene.span(Role::Text, cut(&format!(", {facts}"), room)),
    ])
}

/// Who last changed it, as far as the events go back.
fn last_edit(scene: Scene<'_>, target: &Target, member: &MemberSnapshot, room: usize) -> Line<'static> {
    let label = scene.span(Role::Faint, "changed  ");
    let event = scene.model.log.last_edit(target);
    let Some(EventKind::MemberEdited { changes, by, reason, .. }) = event.map(|event| &event.kind) else {
        let text = if member.revision == 0 { "never" } else { "not since this console was opened" };
        return Line::from(vec![label, scene.span(Role::Faint, text)]);
    };
    let now = scene.model.clock.wall;
    let at = event.map(|event| words::time(event.at, now, &scene.look.zone)).unwrap_or_default();
    let mut text = format!("{} by {}: {}", at.trim(), words::peer(by.as_ref()), told(changes));
    if let Some(reason) = reason {
        text.push_str(&format!("  \"{reason}\""));
    }
    Line::from(vec![label, scene.span(Role::Text, cut(&text, room.saturating_sub(9)))])
}
