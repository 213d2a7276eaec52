//! Drains: who is still on the member, and can it be stopped now? The answer stands first and cannot be overlooked; a
//! promise is made only of what is live.

mod burndown;
mod list;

use evenkeel_protocol::process::remedy;
use evenkeel_protocol::{Drain, DrainOutcome, DrainPhase, DrainUntil, Flag};
pub(super) use list::listing;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::{Scene, events, member, words};
use crate::model::drains::{self, Verdict, at_the_deadline, verdict};
use crate::model::{Freshness, Picked};
use crate::theme::{Glyphs, Role};
use crate::widget::digits;
use crate::widget::text::{Align, cut, pad, width, wrap, wrap_within};

/// The columns of the labels.
const LABEL: usize = 12;

/// The screen.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, picked: Option<&Picked>) {
    let listed = drains::listed(scene.model.roster.snapshot());
    let shown = picked.and_then(|picked| listed.iter().find(|drain| drain.number == picked.number));
    let Some(drain) = shown else {
        let texts = match scene.model.roster.snapshot() {
            None => vec![format!("Nothing was heard from {} yet.", scene.model.who())],
            Some(snapshot) => {
                let none = "No drain runs, and none ended lately. On a member d begins one.";
                let beyond = drains::beyond_sight(snapshot);
                let none = if beyond.is_some() { "No drain is watched here." } else { none };
                std::iter::once(none.to_owned()).chain(beyond).collect()
            }
        };
        let room = usize::from(area.width).saturating_sub(2);
        let lines = texts.iter().flat_map(|text| wrap(text, room));
        for (text, row) in lines.zip(area.rows().skip(1)) {
            buffer.set_string(row.x + 1, row.y, text, scene.style(Role::Text));
        }
        return;
    };
    let rows = if listed.len() < 2 { 0 } else { listed.len().min(usize::from(area.height / 4).max(2)) };
    let rows = u16::try_from(rows).unwrap_or(0);
    let beyond = scene.model.roster.snapshot().and_then(drains::beyond_sight);
    let room = usize::from(area.width).saturating_sub(2);
    let beyond = beyond.map_or_else(Vec::new, |beyond| wrap_within(&beyond, room, 2));
    let under = u16::try_from(beyond.len()).unwrap_or(u16::MAX);
    let [list, aside, detail] =
        Layout::vertical([Constraint::Length(rows), Constraint::Length(under), Constraint::Fill(1)])
            .areas(area);
    for (text, row) in beyond.iter().zip(aside.rows()) {
        buffer.set_string(row.x + 1, row.y, text, scene.style(Role::Warning));
    }
    let at = listed.iter().position(|other| other.number == drain.number).unwrap_or(0);
    let from = at.saturating_sub(usize::from(rows) / 2).min(listed.len().saturating_sub(usize::from(rows)));
    let lines = listing(scene, &listed, area.width);
    for ((other, line), row) in listed.iter().zip(lines).skip(from).zip(list.rows()) {
        buffer.set_line(row.x, row.y, &line, row.width);
        if other.number == drain.number {
            buffer.set_string(row.x, row.y, "▸", scene.style(Role::Accent));
            scene.look.theme.select(buffer, row);
        }
    }
    one(buffer, detail, scene, drain);
}

/// One drain in full.
fn one(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, drain: &Drain) {
    let label = drains::target(drain).label(scene.model.roster.snapshot());
    let by = format!(
        " drain {} by {}, {} ",
        drain.number,
        words::peer(drain.by.as_ref()),
        words::time(drain.began, scene.model.clock.wall, &scene.look.zone).trim()
    );
    let [top, rest] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    let room = usize::from(area.width).saturating_sub(width(&by) + 5);
    let label = scene.called(&label, room.max(usize::from(area.width / 2)));
    scene.rule(buffer, top, &label, Line::from(scene.span(Role::Faint, by)));
    let roomy = rest.height >= 18;
    let room = usize::from(area.width).saturating_sub(2);
    let mut lines = head(scene, drain, (area.width, 4));
    // Counts of what is no longer live are no reason to do anything.
    if let Some(advice) = drain.advice.as_ref().filter(|_| scene.model.freshness() == Freshness::Live) {
        let texts = wrap_within(advice, room, 4).into_iter();
        lines.extend(texts.map(|text| Line::from(scene.span(Role::Text, text))));
    }
    let gap = |lines: &mut Vec<Line<'static>>| {
        if roomy {
            lines.push(Line::default());
        }
    };
    gap(&mut lines);
    lines.extend(time(scene, drain, (room, rest.height >= 15)));
    gap(&mut lines);
    lines.push(steps(scene, drain, room));
    gap(&mut lines);
    lines.extend(burndown::burn_down(scene, drain, (room, rest.height >= 13)));
    lines.extend(terms(scene, drain, room));
    for (line, row) in lines.iter().zip(rest.rows()) {
        buffer.set_line(row.x + 1, row.y, line, row.width.saturating_sub(1));
    }
    let used = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    if rest.height >= used.saturating_add(3) {
        let below = Rect { y: rest.y + used + 1, height: rest.height - used - 1, ..rest };
        // Where there is room, what it still serves stands above what happened.
        let graphs = if below.height >= 14 { 7 } else { 0 };
        let [above, below] = Layout::vertical([Constraint::Length(graphs), Constraint::Fill(1)]).areas(below);
        if graphs > 0 {
            member::graphs(buffer, above, scene, &drains::target(drain));
        }
        events::latest(buffer, below, scene, ("its events", Some(&drains::target(drain))));
    }
}

fn verdict_of(scene: Scene<'_>, drain: &Drain) -> Verdict {
    verdict(drain, scene.model.roster.snapshot(), &scene.model.freshness())
}

/// `SAFE TO STOP`, `IN USE ELSEWHERE`, `NOT YET`, `UNKNOWN until 12:31`, and how it is meant.
pub(super) fn answer(scene: Scene<'_>, drain: &Drain) -> (Role, String) {
    let now = scene.model.clock.wall;
    match verdict_of(scene, drain) {
        Verdict::Safe => (Role::Good, "SAFE TO STOP".to_owned()),
        Verdict::InUse => (Role::Warning, "IN USE ELSEWHERE".to_owned()),
        Verdict::NotYet => (Role::Alarm, "NOT YET".to_owned()),
        Verdict::Idle => (Role::Warning, "IDLE".to_owned()),
        Verdict::Past(_) => (Role::Text, "PAST".to_owned()),
        Verdict::Unwatched => (Role::Warning, "NOT WATCHED".to_owned()),
        Verdict::Unknown(Some(at)) => {
            (Role::Warning, format!("UNKNOWN until {}", words::minute(at, now, &scene.look.zone)))
        }
        Verdict::Unknown(None) | Verdict::Stale => (Role::Warning, "UNKNOWN".to_owned()),
        Verdict::Over(outcome) => {
            let word = match outcome {
                DrainOutcome::Restored | DrainOutcome::Cleared => "TAKEN BACK",
                DrainOutcome::MemberGone => "GONE",
                _ => "STOPPED",
            };
            (Role::Warning, word.to_owned())
        }
    }
}

/// The answer in a band across the screen, the reason behind it, and below it what does not fit there.
fn head(scene: Scene<'_>, drain: &Drain, (columns, rows): (u16, usize)) -> Vec<Line<'static>> {
    let (role, said) = answer(scene, drain);
    let who = scene.model.who();
    let why = match (verdict_of(scene, drain), scene.model.freshness()) {
        (Verdict::Stale, Freshness::Stale(seconds)) => {
            format!("{who} was last heard {seconds} s ago; then: {}", drain.why)
        }
        (Verdict::Stale, Freshness::Frozen(_)) => {
            format!(
                "the picture stands still, so nothing is promised of it; when it was taken: {}",
                drain.why
            )
        }
        (Verdict::Stale, Freshness::Live) => {
            format!("who answers now cannot say how it stands; when that was last known: {}", drain.why)
        }
        (Verdict::Stale, _) => format!("{who} does not answer; when it last did: {}", drain.why),
        (Verdict::InUse, _) => in_use(drain),
        (Verdict::Unwatched, _) => {
            format!(
                "it drains (N), and no drain watches that any more; what this one said when it ended: {}",
                drain.why
            )
        }
        (Verdict::NotYet, _) if drain.is_running() => format!("because {}", drain.why),
        (Verdict::NotYet | Verdict::Unknown(_) | Verdict::Idle, _) if !drain.is_running() => {
            format!("now {}; what it ended with: {}", drain.remains(), drain.why)
        }
        (Verdict::Past(later), _) => format!("drain {later} of the same member says what holds now"),
        (Verdict::Over(DrainOutcome::Cleared), _) if drain.outcome != Some(DrainOutcome::Cleared) => {
            format!("it drains no more; what the drain ended with: {}", drain.why)
        }
        _ => drain.why.clone(),
    };
    let style: Style = scene.style(role).add_modifier(Modifier::REVERSED | Modifier::BOLD);
    let band = Span::styled(format!("  {said}  "), style);
    let indent = band.width() + 2;
    let room = usize::from(columns).saturating_sub(indent + 2);
    let mut lines = Vec::new();
    if room >= 24 {
        let mut texts = wrap_within(&why, room, rows).into_iter();
        let first = texts.next().unwrap_or_default();
        lines.push(Line::from(vec![band, scene.span(Role::Strong, format!("  {first}"))]));
        lines.extend(
            texts.map(|text| Line::from(scene.span(Role::Strong, format!("{}{text}", " ".repeat(indent))))),
        );
    } else {
        lines.push(Line::from(band));
        let texts = wrap_within(&why, usize::from(columns).saturating_sub(2), rows);
        lines.extend(texts.into_iter().map(|text| Line::from(scene.span(Role::Strong, text))));
    }
    lines
}

/// Where its process gets requests although it has ended here, how many serve there now, and what can be done.
fn in_use(drain: &Drain) -> String {
    let used = drain.elsewhere.iter().filter(|it| it.takes_new);
    let used: Vec<String> =
        used.map(|it| format!("{} ({} in flight now)", it.place(&drain.balancer), it.busy.total())).collect();
    let here = if drain.safe_to_stop {
        "no session can come back, and nothing is in flight"
    } else {
        "nothing is in flight"
    };
    format!(
        "its process still gets requests in {}: {}. Here {here}",
        used.join(", "),
        remedy(&drain.elsewhere)
    )
}

/// The milliseconds that are left to the deadline, also while nothing is heard.
pub(super) fn left(scene: Scene<'_>, drain: &Drain) -> Option<u64> {
    let since = scene.model.clock.running.since(scene.model.roster.heard());
    let since = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
    drain.left_ms.filter(|_| drain.is_running()).map(|left| left.saturating_sub(since))
}

/// The countdown, or that there is none, and what happens at its end.
fn time(scene: Scene<'_>, drain: &Drain, (room, large): (usize, bool)) -> Vec<Line<'static>> {
    let (now, zone) = (scene.model.clock.wall, &scene.look.zone);
    let lasted = words::age(drain.ended.unwrap_or(now).since(drain.began));
    if let Some(outcome) = drain.outcome {
        let at = drain.ended.map(|at| words::time(at, now, zone)).unwrap_or_default();
        let text = format!("{}, after {lasted}: {}", at.trim(), outcome_words(outcome));
        let texts = wrap_within(&text, room.saturating_sub(LABEL), 2).into_iter().zip(["ended", ""]);
        return texts
            .map(|(text, label)| {
                Line::from(vec![
                    scene.span(Role::Faint, pad(label, LABEL, Align::Left)),
                    scene.span(Role::Strong, text),
                ])
            })
            .collect();
    }
    let (Some(left), Some(deadline)) = (left(scene, drain), drain.deadline) else {
        return vec![Line::from(vec![
            scene.span(Role::Faint, pad("deadline", LABEL, Align::Left)),
            scene.span(Role::Strong, "no deadline"),
            scene.span(
                Role::Text,
                cut(
                    &format!(", it waits for as long as it takes; {lasted} so far"),
                    room.saturating_sub(LABEL + 11),
                ),
            ),
        ])];
    };
    let said = [
        format!("to the deadline at {}", words::time(deadline, now, zone).trim()),
        format!("then {}", at_the_deadline(drain.on_timeout)),
        format!("{lasted} so far; {}", estimate(drain)),
    ];
    // What is near its end, and ends in something that clients notice, warns.
    let role = if left < 60_000 { Role::Warning } else { Role::Accent };
    if !large || scene.look.theme.glyphs == Glyphs::Ascii {
        let first = Line::from(vec![
            scene.span(Role::Faint, pad("deadline", LABEL, Align::Left)),
            scene.span(role, words::countdown(left)).patch_style(Modifier::BOLD),
            scene.span(Role::Text, cut(&format!(" {}", said[0]), room.saturating_sub(LABEL + 8))),
        ]);
        let others = said.iter().skip(1).map(|text| {
            let text = cut(text, room.saturating_sub(LABEL));
            Line::from(vec![Span::raw(" ".repeat(LABEL)), scene.span(Role::Text, text)])
        });
        return std::iter::once(first).chain(others).collect();
    }
    let rows = digits::large(&words::countdown(left));
    let beside = rows.iter().map(|row| width(row)).max().unwrap_or(0) + 5;
    rows.into_iter()
        .zip(said)
        .map(|(row, text)| {
            Line::from(vec![
                Span::raw("  "),
                scene.span(role, pad(&row, beside - 2, Align::Left)),
                scene.span(Role::Text, cut(&text, room.saturating_sub(beside))),
            ])
        })
        .collect()
}

fn estimate(drain: &Drain) -> String {
    match drain.estimate_ms {
        Some(left) => {
            format!(
                "about {} more, as fast as it got less",
                words::age(std::time::Duration::from_millis(left))
            )
        }
        None => "nobody can tell how long it takes".to_owned(),
    }
}

/// `● shedding ── ◐ sessions ── ○ requests ── ○ settling ── ○ done`
fn steps(scene: Scene<'_>, drain: &Drain, room: usize) -> Line<'static> {
    // Of sessions it says nothing if they are not waited for.
    let awaited =
        |phase: &&DrainPhase| drain.until == DrainUntil::NoSessions || **phase != DrainPhase::Sessions;
    let phases = || DrainPhase::ALL.iter().filter(awaited);
    let passed = phases().position(|phase| *phase == drain.phase).unwrap_or(0);
    let narrow = room < 66;
    // What was cut short has not passed all of them, and what holds no more is past.
    let reached = match verdict_of(scene, drain) {
        Verdict::Safe | Verdict::InUse | Verdict::Idle | Verdict::Stale => {
            drain.outcome.is_none_or(DrainOutcome::is_reached)
        }
        _ => drain.is_running(),
    };
    let mut line = Line::default();
    for (at, phase) in phases().enumerate() {
        if at > 0 {
            line.push_span(scene.span(Role::Faint, if narrow { " " } else { " ── " }));
        }
        let ended = *phase == DrainPhase::Done && at == passed;
        let (mark, role, text) = match at.cmp(&passed) {
            std::cmp::Ordering::Less if !reached => ("·", Role::Faint, Role::Faint),
            std::cmp::Ordering::Equal if ended && !reached => ("■", Role::Warning, Role::Strong),
            std::cmp::Ordering::Less => ("●", Role::Good, Role::Text),
            std::cmp::Ordering::Equal if ended => ("●", Role::Good, Role::Strong),
            std::cmp::Ordering::Equal => ("◐", Role::Accent, Role::Strong),
            std::cmp::Ordering::Greater => ("○", Role::Faint, Role::Faint),
        };
        line.push_span(scene.span(role, format!("{mark} ")));
        line.push_span(scene.span(text, phase.name()));
    }
    line
}

/// What it waits for, why it was begun, and whether it would survive a restart.
fn terms(scene: Scene<'_>, drain: &Drain, room: usize) -> Vec<Line<'static>> {
    let waits = match drain.until {
        DrainUntil::Idle => format!("nothing in flight for {}; sessions may come back", drain.settle),
        DrainUntil::NoSessions => format!("no sessions, and nothing in flight for {}", drain.settle),
    };
    let field = |label: &str, role: Role, text: &str| {
        Line::from(vec![
            scene.span(Role::Faint, pad(label, LABEL, Align::Left)),
            scene.span(role, cut(text, room.saturating_sub(LABEL))),
        ])
    };
    let mut lines = vec![field("waits for", Role::Text, &waits)];
    if let Some(reason) = &drain.reason {
        lines.push(field("reason", Role::Text, &format!("\"{reason}\"")));
    }
    let snapshot = scene.model.roster.snapshot();
    let member = snapshot.and_then(|snapshot| drains::target(drain).find(snapshot));
    let drains_on = member.is_none_or(|(_, member)| member.status.has(Flag::Drain));
    // Where it does not drain any more nothing is left to be lost.
    if !drain.durable && drains_on {
        let who = scene.model.who();
        lines.push(field("kept", Role::Alarm, &format!("NOT kept over a restart of {who}")));
    }
    lines
}

/// How a drain ended, in words.
fn outcome_words(outcome: DrainOutcome) -> &'static str {
    match outcome {
        DrainOutcome::SafeToStop => "was safe to stop",
        DrainOutcome::Idle => "was idle; of its sessions nothing was promised",
        DrainOutcome::KeptDraining => "deadline passed; went on draining",
        DrainOutcome::Stopped => "stopped at the deadline",
        DrainOutcome::Cut => "cut off at the deadline",
        DrainOutcome::Restored => "taken back at the deadline",
        DrainOutcome::Uncounted => "restarted with requests in flight, which are not counted",
        DrainOutcome::Cancelled => "cancelled",
        DrainOutcome::Cleared => "ended, as N was cleared by an edit or a restart",
        DrainOutcome::StoppedMeanwhile => "stopped meanwhile by another edit",
        DrainOutcome::MemberGone => "the member is not there any more",
    }
}

#[cfg(test)]
mod tests;
