//! What happened, the newest first: as a screen with the one under the cursor in full, and as a few lines below others.

use evenkeel_protocol::{Event, EventKind, Override, Recovery};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use super::labels::Labels;
use super::{Scene, words};
use crate::model::act::told;
use crate::model::target::Target;
use crate::theme::Role;
use crate::widget::text::{Align, cut, pad, width};
use crate::{lost, undurable};

mod detail;

/// The least number of events that stay in sight above the one that is told in full.
const LISTED: u16 = 3;

/// The screen: the events behind number `since`, and the one of them under the cursor in full.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, (at, since): (usize, u64)) {
    let events: Vec<&Event> = scene.model.log.behind(since).collect();
    let Some(chosen) = events.get(at).or(events.last()).copied() else {
        let text = match since {
            0 => format!("{} has told of nothing yet.", scene.model.who_first()),
            since => format!("Nothing is known behind event {since}; 2 shows all."),
        };
        buffer.set_stringn(area.x + 1, area.y + 1, text, usize::from(area.width), scene.style(Role::Text));
        return;
    };
    let facts = detail::lines(scene, chosen, area.width);
    let wanted = u16::try_from(facts.len()).unwrap_or(u16::MAX).saturating_add(1);
    let [top, list, below] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(wanted.min(area.height.saturating_sub(1 + LISTED))),
    ])
    .areas(area);
    let height = usize::from(list.height);
    let first = at.saturating_sub(height / 2).min(events.len().saturating_sub(height));
    let shown = events.get(first..).unwrap_or_default();
    let shown = shown.get(..height.min(shown.len())).unwrap_or_default();
    let columns = subject_width(scene, shown, area.width);
    let titles = format!(" {}  {}  What", pad("Time", 8, Align::Left), pad("Member", columns, Align::Left));
    buffer.set_stringn(top.x, top.y, titles, usize::from(top.width), scene.style(Role::Faint));
    let names = subjects(scene, shown, columns);
    for ((number, (event, name)), row) in shown.iter().zip(&names).enumerate().zip(list.rows()) {
        buffer.set_line(row.x, row.y, &line(scene, event, area.width, Some(name)), row.width);
        if first + number == at {
            scene.look.theme.select(buffer, row);
        }
    }
    let mut rows = below.rows();
    if let Some(rule) = rows.next() {
        let name = subject(scene, &chosen.kind);
        let heading = cut(&format!("event {}, {name}", chosen.number), usize::from(area.width) / 2);
        let right = if since > 0 { format!(" only behind {since} ") } else { String::new() };
        scene.rule(buffer, rule, &heading, Line::from(scene.span(Role::Faint, right)));
    }
    for (line, row) in facts.iter().zip(rows) {
        buffer.set_line(row.x, row.y, line, row.width);
    }
}

/// A rule and the latest events, those of one member only if it is given.
pub(super) fn latest(
    buffer: &mut Buffer,
    area: Rect,
    scene: Scene<'_>,
    (heading, about): (&str, Option<&Target>),
) {
    let [top, body] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    scene.rule(buffer, top, heading, Line::default());
    let log = &scene.model.log;
    let height = usize::from(body.height);
    let (events, columns): (Vec<&Event>, Option<usize>) = if let Some(target) = about {
        (log.about(target).take(height).collect(), None)
    } else {
        let events: Vec<&Event> = log.newest_first().take(height).collect();
        let columns = subject_width(scene, &events, area.width);
        (events, Some(columns))
    };
    if events.is_empty() {
        let text = "none among the latest events";
        buffer.set_stringn(body.x + 1, body.y, text, usize::from(body.width), scene.style(Role::Faint));
    }
    let names = columns.map(|columns| subjects(scene, &events, columns)).unwrap_or_default();
    for ((at, event), row) in events.into_iter().enumerate().zip(body.rows()) {
        let name = names.get(at).map(String::as_str);
        buffer.set_line(row.x, row.y, &line(scene, event, area.width, name), row.width);
    }
}

/// The columns of the longest name among `events`, within a third of the width.
fn subject_width(scene: Scene<'_>, events: &[&Event], columns: u16) -> usize {
    let longest = events.iter().map(|event| width(&subject(scene, &event.kind))).max().unwrap_or(0);
    longest.clamp("Member".len(), (usize::from(columns) / 3).clamp(14, 36))
}

/// Whom each of them is about, in so many columns.
fn subjects(scene: Scene<'_>, events: &[&Event], columns: usize) -> Vec<String> {
    let names: Vec<String> = events.iter().map(|event| subject(scene, &event.kind)).collect();
    let fitting = Labels::of(scene.model.roster.snapshot(), &names, |name| name, |_| columns);
    names.iter().map(|name| pad(fitting.get(name), columns, Align::Left)).collect()
}

/// One event in a line; behind the time its member, unless it is known whom it is about.
fn line(scene: Scene<'_>, event: &Event, columns: u16, name: Option<&str>) -> Line<'static> {
    let time = words::time(event.at, scene.model.clock.wall, &scene.look.zone);
    let (role, mark, text) = describe(&event.kind);
    let mut spans = vec![scene.span(Role::Faint, format!(" {time}  "))];
    let mut used = 11;
    if let Some(name) = name {
        spans.push(scene.span(Role::Text, format!("{name}  ")));
        used += width(name) + 2;
    }
    spans.push(scene.span(role, format!("{mark} ")));
    let room = usize::from(columns).saturating_sub(used + 3);
    spans.push(Span::styled(cut(&text, room), scene.style(Role::Text)));
    Line::from(spans)
}

/// Whom an event is about.
fn subject(scene: Scene<'_>, kind: &EventKind) -> String {
    match kind.about() {
        Some((balancer, Some(member))) => {
            let target = Target { balancer: balancer.clone(), member: member.clone() };
            target.label(scene.model.roster.snapshot())
        }
        Some((balancer, None)) => balancer.to_string(),
        None if matches!(kind, EventKind::Missed { .. }) => "-".to_owned(),
        None => scene.model.who().to_owned(),
    }
}

/// The role, a mark and the sentence of an event.
pub(super) fn describe(kind: &EventKind) -> (Role, char, String) {
    match kind {
        EventKind::Started => (Role::Good, '●', "has begun to serve".to_owned()),
        EventKind::Stopping => (Role::Warning, '■', "ends; requests in flight may finish".to_owned()),
        EventKind::MemberEdited { changes, by, reason, durable, .. }
        | EventKind::BalancerEdited { changes, by, reason, durable, .. } => {
            let mut text = format!("{}: {}", words::peer(by.as_ref()), told(changes));
            if let Some(reason) = reason {
                text = format!("{text}  \"{reason}\"");
            }
            if !durable {
                text.push_str("  NOT kept over a restart");
            }
            (if *durable { Role::Accent } else { Role::Alarm }, '→', text)
        }
        EventKind::MemberFailed { reason, .. } => (Role::Alarm, '▲', format!("in error: {reason}")),
        EventKind::MemberRetried { how: Recovery::Retry, .. } => {
            (Role::Text, '○', "error lifted; it is tried again".to_owned())
        }
        EventKind::MemberRetried { how: Recovery::Forced, .. } => {
            (Role::Warning, '○', "error lifted, for all were in error (forcerecovery)".to_owned())
        }
        EventKind::MemberRecovered { .. } => (Role::Good, '●', "answers again".to_owned()),
        EventKind::Reloaded { added, removed, kept, dropped, absorbed, by, .. } => {
            let text = format!(
                "{}: reloaded: {added} new, {removed} gone; edits: {kept} kept, {dropped} dropped, {absorbed} now in the file",
                by.as_ref().map_or_else(|| "signal".to_owned(), |by| words::peer(Some(by)))
            );
            (if *dropped > 0 { Role::Warning } else { Role::Accent }, '↻', text)
        }
        EventKind::ReloadRefused { reason, .. } => (Role::Alarm, '▲', format!("NOT reloaded: {reason}")),
        EventKind::HttpdRestarted(restart) => {
            let role = if restart.is_harmless() { Role::Accent } else { Role::Warning };
            (role, '↻', restart.to_string())
        }
        EventKind::OverrideKept(what) => {
            (Role::Text, '=', format!("edit kept: {} {}; {}", what.field, what.value, what.why))
        }
        EventKind::OverrideDropped(what) => (Role::Warning, '▼', dropped(what)),
        EventKind::EditRefused(what) => {
            let text = format!("{}: refused: {}", words::peer(what.by.as_ref()), what.message);
            (Role::Warning, '×', text)
        }
        EventKind::EditsDurable { edited } => (Role::Good, '●', undurable::over(edited)),
        EventKind::HeartbeatsMissed { .. } => {
            (Role::Warning, '▲', "no heartbeats of who could be elected; elects by requests".to_owned())
        }
        EventKind::HeartbeatsHeard { .. } => {
            (Role::Good, '●', "heartbeats are heard; elects by them".to_owned())
        }
        EventKind::HealthFailed { reason, .. } => {
            (Role::Alarm, '▲', format!("failed its health check: {reason}"))
        }
        EventKind::HealthPassed { reason, .. } => {
            (Role::Good, '●', format!("passed its health check: {reason}"))
        }
        EventKind::DrainBegan { .. }
        | EventKind::DrainChanged { .. }
        | EventKind::DrainPhase { .. }
        | EventKind::DrainEnded { .. } => drain(kind),
        EventKind::Missed { from, to } => {
            let count = to.saturating_sub(*from).saturating_add(1);
            (Role::Warning, '…', format!("{count} events were missed"))
        }
    }
}

/// What holds no longer.
fn dropped(what: &Override) -> String {
    let Override { field, value, why, .. } = what;
    match lost::addition(what) {
        Some(_) => format!("gone: {value}; {why}"),
        None => format!("edit dropped: {field} {value}; {why}"),
    }
}

/// As [`describe`], of a drain.
fn drain(kind: &EventKind) -> (Role, char, String) {
    let said = |reason: &Option<String>| {
        reason.as_ref().map_or_else(String::new, |reason| format!("  \"{reason}\""))
    };
    match kind {
        EventKind::DrainBegan { until, timeout, on_timeout, by, reason, .. } => {
            let who = words::peer(by.as_ref());
            let deadline = match timeout.span() {
                Some(span) => format!(", at most {span}, then {on_timeout}"),
                None => String::new(),
            };
            let terms = format!("until {}{deadline}", until.typed());
            (Role::Accent, '▽', format!("{who}: drain begun, {terms}{}", said(reason)))
        }
        EventKind::DrainChanged { changes, by, reason, .. } => {
            let text =
                format!("{}: drain changed: {}{}", words::peer(by.as_ref()), told(changes), said(reason));
            (Role::Accent, '▽', text)
        }
        EventKind::DrainEnded { outcome, why, .. } => {
            let role = if outcome.is_reached() { Role::Good } else { Role::Warning };
            (role, '▼', format!("drain ended: {why}"))
        }
        EventKind::DrainPhase { why, .. } => (Role::Text, '▽', format!("drains: {why}")),
        _ => (Role::Text, ' ', String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;

    #[test]
    fn events_are_told_as_sentences() {
        let about = |event: Event| describe(&event.kind).2;
        assert_eq!(about(sample::edited_event(1)), "anna: drain Off → On  \"deploy 42\"");
        assert_eq!(about(sample::failed_event(1)), "in error: connection refused");
        assert_eq!(describe(&EventKind::Missed { from: 3, to: 5 }).2, "3 events were missed");
    }
}
