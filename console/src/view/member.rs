//! One member in full: what it is doing, since when, and who changed it. Its fields, what is measured of it, its past as
//! graphs with a mark where something happened, where its settings come from, and its events.

use evenkeel_protocol::{Answers, Latency, MarkKind, MemberSnapshot, Series};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;

use super::minute::Minute;
use super::{Scene, badge, detail, events, layers, words};
use crate::called;
use crate::model::history::Rate;
use crate::model::past::Past;
use crate::model::target::Target;
use crate::theme::Role;
use crate::widget::text::cut;
use crate::widget::{graph, sparkline};

/// From this width on two graphs stand side by side.
const TWO_GRAPHS: u16 = 100;

/// The screen.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, target: &Target) {
    let room = usize::from(area.width).saturating_sub(2);
    let found = scene.model.roster.snapshot().and_then(|snapshot| target.find(snapshot));
    let mut facts = found.map_or_else(Vec::new, |(_, member)| measures(scene, (target, member), room));
    if found.is_some() {
        facts.extend(layers::lines(scene, target, room));
    }
    let fields = detail::height(area.width, scene, Some(target)).saturating_sub(1);
    let most = area.height.saturating_sub(fields + 7).max(2);
    let facts_height = u16::try_from(facts.len()).unwrap_or(u16::MAX).min(most);
    let rest = area.height.saturating_sub(fields + facts_height);
    let graph_height = if rest >= 8 { (rest / 2).clamp(5, 14) } else { rest };
    let [fields_area, facts_area, graph_area, events_area] = Layout::vertical([
        Constraint::Length(fields),
        Constraint::Length(facts_height),
        Constraint::Length(graph_height),
        Constraint::Fill(1),
    ])
    .areas(area);
    detail::draw(buffer, fields_area, scene, target);
    for (line, row) in facts.iter().zip(facts_area.rows()) {
        buffer.set_line(row.x + 1, row.y, line, row.width.saturating_sub(1));
    }
    if graph_area.height >= 3 {
        graphs(buffer, graph_area, scene, target);
    }
    if events_area.height >= 2 {
        events::latest(buffer, events_area, scene, ("its events", Some(target)));
    }
}

/// Why nothing measured can be told; none: it can.
fn unmeasured(scene: Scene<'_>) -> Option<&'static str> {
    let proxy = &scene.model.roster.snapshot()?.proxy;
    (!proxy.tells("answers")).then(|| {
        if called::is_ours(proxy) {
            "unknown: the page does not tell it; --socket on its machine does"
        } else {
            "unknown: httpd tells no latencies, statuses and sessions of a member"
        }
    })
}

/// What is measured of it: latency, answers, and what went wrong.
fn measures(
    scene: Scene<'_>,
    (target, member): (&Target, &MemberSnapshot),
    room: usize,
) -> Vec<Line<'static>> {
    let label = |text: &'static str| scene.span(Role::Faint, text);
    let known = |latency: Option<Latency>| match latency {
        Some(Latency { p50_us, p90_us, p99_us, .. }) => {
            let [p50, p90, p99] = [p50_us, p90_us, p99_us].map(words::latency);
            vec![
                scene.span(Role::Faint, "p50 "),
                scene.span(Role::Text, format!("{p50:<6}")),
                scene.span(Role::Faint, " p90 "),
                scene.span(Role::Text, format!("{p90:<6}")),
                scene.span(Role::Faint, " p99 "),
                scene.span(Role::Strong, format!("{p99:<6}")),
            ]
        }
        None => vec![scene.span(Role::Faint, format!("{:<34}", "no answers"))],
    };
    if let Some(why) = unmeasured(scene) {
        let mut line = Line::from(label("measured "));
        line.push_span(scene.span(Role::Faint, cut(why, room.saturating_sub(9))));
        return vec![line];
    }
    let mut latency = Line::from(label("latency  10 s "));
    latency.spans.extend(known(member.latency.last_10s));
    let mut long = Line::from(label("5 min "));
    long.spans.extend(known(member.latency.last_5m));
    let mut lines = if latency.width() + long.width() + 2 <= room {
        latency.push_span("  ");
        latency.spans.extend(long.spans);
        vec![latency]
    } else {
        let mut second = Line::from(label("        5 min "));
        second.spans.extend(long.spans.into_iter().skip(1));
        vec![latency, second]
    };
    let mut answers = Line::from(label("answers  "));
    for (name, count) in Answers::NAMES.into_iter().zip(member.answers.classes()) {
        if name == "1xx" && count == 0 {
            continue;
        }
        let role = if name == "5xx" && count > 0 { Role::Alarm } else { Role::Text };
        answers.push_span(scene.span(Role::Faint, format!("{name} ")));
        answers.push_span(scene.span(role, format!("{}  ", words::compact(count, 9))));
    }
    answers.push_span(scene.span(Role::Faint, "5xx/s "));
    answers.push_span(badge::erring(scene, scene.model.roster.erring_of(&target.balancer, &target.member)));
    lines.push(answers);
    let sessions = member.sessions.map_or_else(|| "unknown".to_owned(), words::grouped);
    let facts = [
        ("failovers", words::grouped(member.failovers), member.failovers > 0),
        ("repeats", words::grouped(member.repeats), false),
        ("checks passed", words::grouped(member.checks.passed), false),
        ("failed", words::grouped(member.checks.failed), member.checks.failed > 0),
        ("sessions", sessions, false),
    ];
    let mut line = Line::from(label("counts   "));
    for (name, text, warns) in facts {
        let role = if warns { Role::Warning } else { Role::Text };
        line.push_span(scene.span(Role::Faint, format!("{name} ")));
        line.push_span(scene.span(role, format!("{text}  ")));
    }
    lines.push(line);
    lines
}

/// Its past: how much it serves, and beside it how fast, as far as there is room.
pub(super) fn graphs(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, target: &Target) {
    let (left, right) = if area.width >= TWO_GRAPHS {
        let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(area);
        (left, Some(right))
    } else {
        (area, None)
    };
    match scene.model.gathered.past_of(target) {
        Some(past) => {
            past_graph(buffer, left, scene, past, Series::Elected);
            if let Some(right) = right {
                past_graph(buffer, right, scene, past, Series::P99);
            }
        }
        None => minute(buffer, area, scene, target),
    }
}

/// One series with its marks.
fn past_graph(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, past: &Past, series: Series) {
    let [top, inner] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let ticks_height = u16::from(inner.height >= 3);
    let [body, ticks] =
        Layout::vertical([Constraint::Fill(1), Constraint::Length(ticks_height)]).areas(inner);
    let scaled = |point: Option<f64>| point.map(|point| Rate::of(point).0);
    let points: Vec<Option<u64>> = past.points(series).map(scaled).collect();
    let (now, peak) = (points.iter().rev().flatten().next(), points.iter().flatten().max());
    let read = |value: Option<&u64>| match (value, series) {
        (None, _) => "-".to_owned(),
        (Some(value), Series::P99) => words::latency(value / 1000),
        (Some(value), _) => Rate(*value).to_string(),
    };
    let name = if series == Series::P99 { "p99" } else { "req/s" };
    let heading = format!("{name}, last {}", past.reach.words());
    let said = format!(" now {}, peak {} ", read(now), read(peak));
    scene.rule(buffer, top, &heading, Line::from(scene.span(Role::Faint, said)));
    let span = past.reach.query().points as usize;
    let columns = usize::from(body.width);
    let values = if columns >= span {
        points.clone()
    } else {
        sparkline::means(points.clone().into_iter(), span, columns)
    };
    let top = sparkline::headroom(values.iter().flatten().max().copied().unwrap_or(0));
    graph::draw(buffer, body, (&values, top), (scene.style(Role::Accent), scene.style(Role::Faint)));
    marks(buffer, ticks, scene, past);
}

/// A tick below the graph where something happened, and beside the newest one what it was, if there is room.
fn marks(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, past: &Past) {
    if area.is_empty() {
        return;
    }
    let span = past.reach.query().points as usize;
    let columns = usize::from(area.width);
    let column = |place: usize| {
        let age = past.len().saturating_sub(place + 1);
        let back = if columns >= span { age } else { age * columns / span };
        columns.checked_sub(back + 1)
    };
    let mut newest: Option<(usize, String)> = None;
    for mark in &past.marks {
        let Some(column) = past.place(mark.at).and_then(column) else { continue };
        let (tick, role) = match mark.kind {
            MarkKind::Edited => ("▴", Role::Accent),
            MarkKind::Failed | MarkKind::CheckFailed => ("▲", Role::Alarm),
            MarkKind::Recovered | MarkKind::CheckPassed => ("●", Role::Good),
            MarkKind::Reloaded | MarkKind::Started => ("↻", Role::Warning),
        };
        let x = area.x + u16::try_from(column).unwrap_or(0);
        buffer.set_string(x, area.y, tick, scene.style(role));
        newest = Some((column, mark.text.clone()));
    }
    let Some((column, text)) = newest else { return };
    let (after, before) = (columns.saturating_sub(column + 2), column.saturating_sub(1));
    let x = |column: usize| area.x + u16::try_from(column).unwrap_or(0);
    let style = scene.style(Role::Faint);
    let length = text.chars().count();
    if after >= length.min(16) {
        buffer.set_string(x(column + 2), area.y, cut(&text, after), style);
    } else if before > 16 && !is_marked(past, column, before, columns) {
        let text = cut(&text, before);
        buffer.set_string(x(before.saturating_sub(text.chars().count())), area.y, text, style);
    }
}

/// Does another tick stand before the one in `newest`, where words would cover it?
fn is_marked(past: &Past, newest: usize, words: usize, columns: usize) -> bool {
    let span = past.reach.query().points as usize;
    let from = newest.saturating_sub(words);
    past.marks.iter().filter_map(|mark| past.place(mark.at)).any(|place| {
        let age = past.len().saturating_sub(place + 1);
        let back = if columns >= span { age } else { age * columns / span };
        columns.checked_sub(back + 1).is_some_and(|column| column >= from && column < newest)
    })
}

/// What this console has seen itself, while the proxy's memory is not there.
fn minute(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, target: &Target) {
    let minute = Minute::of(scene.model.roster.history(target));
    let why = scene.model.gathered.past.as_ref().and_then(|past| past.as_ref().err());
    minute.draw(buffer, area, scene, why.map(String::as_str));
}
