//! One member with all its fields: the pane below the list, and the upper part of the member screen.

use evenkeel_protocol::{BalancerSnapshot, EventKind, MemberSnapshot};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use super::minute::Minute;
use super::{Scene, badge, words};
use crate::model::act::{or_none, told};
use crate::model::drains;
use crate::model::health::{Health, meaning};
use crate::model::history::History;
use crate::model::target::Target;
use crate::theme::Role;
use crate::widget::text::{Align, cut, pad, shorten, width};
use crate::{called, check, heard, undurable};

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

/// How many lines the fields of a member take on a terminal of that width.
pub(super) fn height(width: u16, scene: Scene<'_>, target: Option<&Target>) -> u16 {
    let rows = 12_usize.div_ceil(columns(width));
    let snapshot = scene.model.roster.snapshot();
    let found = target.and_then(|target| target.find(snapshot?));
    let heard = found.is_some_and(|(balancer, member)| heard::matters(balancer, member));
    u16::try_from(rows).unwrap_or(0) + 4 + u16::from(heard) + u16::from(somebody_is_checked(scene))
}

/// Whether there is a line about health, for all members alike: the screen must not jump between them.
fn somebody_is_checked(scene: Scene<'_>) -> bool {
    let balancers = scene.model.roster.snapshot().map_or(&[][..], |snapshot| &snapshot.balancers);
    balancers.iter().flat_map(|balancer| &balancer.members).any(|member| member.health.is_on())
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
        Minute::of(scene.model.roster.history(target)).small(buffer, graph_area, scene);
    }
}

/// The rule that names the member and its revision.
fn heading(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, target: &Target) {
    let snapshot = scene.model.roster.snapshot();
    let label = target.label(snapshot);
    let right = match snapshot.and_then(|snapshot| target.find(snapshot)) {
        // A number that only tells settings apart is nothing to read.
        Some((_, member)) if snapshot.is_some_and(|snapshot| !snapshot.proxy.is_httpd()) => {
            scene.span(Role::Faint, format!(" revision {} ", member.revision))
        }
        _ => Span::raw(""),
    };
    let label = scene.called(&label, usize::from(area.width).saturating_sub(8));
    scene.rule(buffer, area, &label, Line::from(right));
}

/// The fields.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, target: &Target) {
    let Some((balancer, member)) = scene.model.roster.snapshot().and_then(|snapshot| target.find(snapshot))
    else {
        let who = scene.model.who();
        let gone =
            format!("This member is no longer there: it was removed, or {who} has another configuration.");
        buffer.set_stringn(area.x + 1, area.y, gone, usize::from(area.width), scene.style(Role::Alarm));
        return;
    };
    let room = usize::from(area.width).saturating_sub(2);
    let mut lines = vec![url(scene, (balancer, member), room), status(scene, balancer, member, room)];
    lines.extend(grid(scene, target, member, room));
    lines.push(error(scene, member, room));
    if heard::matters(balancer, member) {
        lines.push(heartbeat(scene, member, room));
    }
    if somebody_is_checked(scene) {
        lines.push(health(scene, member, room));
    }
    lines.push(last_edit(scene, target, member, room));
    for (line, row) in lines.iter().zip(area.rows()) {
        buffer.set_line(row.x + 1, row.y, line, row.width.saturating_sub(1));
    }
}

fn url(
    scene: Scene<'_>,
    (balancer, member): (&BalancerSnapshot, &MemberSnapshot),
    room: usize,
) -> Line<'static> {
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
    let history = scene.model.roster.history_of(&balancer.name, &member.name);
    let (shape, role) = badge::shape_at(Health::of(member.status), history.and_then(History::now));
    let words = format!("{shape} {}", member.words);
    let letters = format!("  {}  ", member.status.letters());
    let left = room.saturating_sub(width(&words) + letters.len());
    Line::from(vec![
        scene.span(role, words),
        scene.span(Role::Faint, letters),
        scene.span(Role::Text, cut(&meaning(balancer, member), left)),
    ])
}

/// A field, and the forms in which its value may be shown, the fullest first.
struct Field {
    label: &'static str,
    forms: Vec<String>,
}

impl Field {
    fn text(label: &'static str, value: &str) -> Self {
        Self { label, forms: vec![or_none(value).to_owned()] }
    }

    /// Exact, or short where there is no room.
    fn count(label: &'static str, number: u64) -> Self {
        Self { label, forms: vec![words::grouped(number), words::compact(number, 6)] }
    }

    /// As [`Self::count`], of what may be below zero.
    fn signed(label: &'static str, number: i64) -> Self {
        Self { label, forms: vec![number.to_string(), words::compact_signed(number, 6)] }
    }

    /// As httpd shows it and exact, or one of them.
    fn bytes(label: &'static str, number: u64) -> Self {
        let (short, exact) = (words::bytes(number), words::grouped(number));
        let both = if short == exact { exact.clone() } else { format!("{short} {exact}") };
        Self { label, forms: vec![both, exact, short] }
    }

    /// The fullest form that fits.
    fn value(&self, room: usize) -> String {
        let fitting = self.forms.iter().find(|form| width(form) <= room);
        fitting.or(self.forms.last()).map_or_else(String::new, |form| shorten(form, room))
    }
}

/// The fields with short values, in columns.
fn grid(scene: Scene<'_>, target: &Target, member: &MemberSnapshot, room: usize) -> Vec<Line<'static>> {
    let rate = scene.model.roster.history(target).and_then(History::now);
    let proxy = scene.model.roster.snapshot().map(|snapshot| &snapshot.proxy);
    let known = |field: &'static str, told: Field| {
        if proxy.is_none_or(|proxy| proxy.tells(field)) { told } else { Field::text(field, "unknown") }
    };
    let fields = [
        Field::text("route", member.route.as_str()),
        Field::text("factor", &member.lbfactor.to_string()),
        Field::count("elected", member.elected),
        Field::bytes("to", member.transferred),
        Field::text("redirect", member.redirect.as_str()),
        Field::text("set", &member.lbset.to_string()),
        known("served", Field::count("served", member.served)),
        Field::bytes("from", member.read),
        Field::text("req/s", &words::rate(rate)),
        Field::signed("load", member.lbstatus),
        known("failed", Field::count("failed", member.failed)),
        member.in_flight().map_or_else(|| Field::text("busy", "unknown"), |busy| Field::count("busy", busy)),
    ];
    // The width of the label and of the whole cell; the last cell takes the rest.
    let cells: &[(usize, usize)] = match columns(u16::try_from(room + 2).unwrap_or(u16::MAX)) {
        2 => &[(9, 19), (9, room)],
        3 => &[(9, 20), (9, 19), (9, room)],
        _ => &[(9, 22), (7, 15), (8, 19), (5, room)],
    };
    let mut lines = Vec::new();
    for row in fields.chunks(cells.len()) {
        let mut line = Line::default();
        for (field, (label, cell)) in row.iter().zip(cells) {
            let left = room.saturating_sub(line.width());
            let value_room = (*cell).min(left + 1).saturating_sub(label + 1);
            line.push_span(scene.span(Role::Faint, pad(field.label, *label, Align::Left)));
            let value = pad(&field.value(value_room), value_room + 1, Align::Left);
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
    let taken = scene.model.roster.snapshot().map(|snapshot| snapshot.taken).unwrap_or_default();
    let since = words::time(note.at, taken, &scene.look.zone);
    let age = words::age(taken.since(note.at));
    let retry = match note.retry_at {
        Some(at) if at > taken => format!("retry in {}", words::age(at.since(taken))),
        _ => "retry with the next request".to_owned(),
    };
    let retries = match member.retries {
        0 => String::new(),
        1 => "; 1 retry".to_owned(),
        count => format!("; {count} retries"),
    };
    let left = |facts: &str| room.saturating_sub(9 + 2 + width(facts));
    let mut facts = format!("since {}, {age}; {retry}{retries}", since.trim());
    if left(&facts) < width(&note.reason) {
        facts = format!("{age} ago; {retry}");
    }
    let reason = shorten(&note.reason, left(&facts).max(16));
    Line::from(vec![
        scene.span(Role::Faint, "error    "),
        scene.span(Role::Alarm, reason),
        scene.span(Role::Text, cut(&format!(", {facts}"), room)),
    ])
}

/// What it last announced of itself.
fn heartbeat(scene: Scene<'_>, member: &MemberSnapshot, room: usize) -> Line<'static> {
    let taken = scene.model.roster.snapshot().map(|snapshot| snapshot.taken).unwrap_or_default();
    let (role, text) = match &member.heard {
        None => (Role::Warning, "never".to_owned()),
        Some(note) => {
            let role = if note.fresh { Role::Text } else { Role::Warning };
            (role, heard::sentence(note, &words::age(taken.since(note.at))))
        }
    };
    Line::from(vec![
        scene.span(Role::Faint, "heard    "),
        scene.span(role, cut(&text, room.saturating_sub(9))),
    ])
}

/// How it is checked, and what was found.
fn health(scene: Scene<'_>, member: &MemberSnapshot, room: usize) -> Line<'static> {
    let label = scene.span(Role::Faint, "health   ");
    let taken = scene.model.roster.snapshot().map(|snapshot| snapshot.taken).unwrap_or_default();
    let proxy = scene.model.roster.snapshot().map(|snapshot| &snapshot.proxy);
    let told = proxy.and_then(|proxy| check::told(&member.health, proxy, taken, words::age));
    let Some(told) = told else {
        return Line::from(vec![label, scene.span(Role::Faint, "not checked")]);
    };
    let failed = member.health.last.as_ref().is_some_and(|last| !last.passed);
    let role = if failed { Role::Alarm } else { Role::Text };
    Line::from(vec![label, scene.span(role, cut(&told, room.saturating_sub(9)))])
}

/// Who last changed it, as far as the events go back.
fn last_edit(scene: Scene<'_>, target: &Target, member: &MemberSnapshot, room: usize) -> Line<'static> {
    let label = scene.span(Role::Faint, "changed  ");
    let event = scene.model.log.last_change(target);
    let now = scene.model.clock.wall;
    let at = event.map(|event| words::time(event.at, now, &scene.look.zone)).unwrap_or_default();
    let mut role = Role::Text;
    let text = match event.map(|event| &event.kind) {
        Some(EventKind::MemberEdited { changes, by, reason, .. }) => {
            let reason = reason.as_ref().map_or_else(String::new, |reason| format!("  \"{reason}\""));
            format!("{} by {}: {}{reason}", at.trim(), words::peer(by.as_ref()), told(changes))
        }
        Some(EventKind::OverrideDropped(what)) => {
            let by = match scene.model.who() {
                called::HTTPD => "restart of httpd",
                _ => "reload",
            };
            format!("{} by a {by}: {} {} dropped, {}", at.trim(), what.field, what.value, what.why)
        }
        _ => {
            role = Role::Faint;
            // Of what was before the proxy was started its revisions say nothing.
            let first = scene.model.log.started().unwrap_or_default();
            if member.revision == 0 || member.revision < first {
                format!("not since {} was started", scene.model.who())
            } else {
                "not among the latest events".to_owned()
            }
        }
    };
    let snapshot = scene.model.roster.snapshot();
    let is_kept = snapshot.is_none_or(|it| it.is_durable(&target.balancer, Some(&target.member)));
    let drain = drains::of(snapshot, target).map(|drain| drain.number);
    let drain = drain.filter(|number| snapshot.is_some_and(|it| it.undurable_drains.contains(number)));
    let warning = match (is_kept, drain) {
        (false, _) => format!("{}: ", undurable::NOT_KEPT),
        (true, Some(_)) => format!("drain job {}: ", undurable::NOT_KEPT),
        (true, None) if scene.model.lost.has(target) => "LOST with the restart: ".to_owned(),
        (true, None) => String::new(),
    };
    let text = cut(&text, room.saturating_sub(9 + width(&warning)));
    Line::from(vec![label, scene.span(Role::Alarm, warning), scene.span(role, text)])
}
