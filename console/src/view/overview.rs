//! All balancers, a line each: is anything wrong? Below them the drains that run, the traffic of the
//! last minute, and what changed lately and by whom.
//!
//! The columns drop from the right: balancer, state, members, req/s, last minute, p99, 5xx/s, in flight, sessions,
//! paths.

use evenkeel_protocol::{BalancerSnapshot, MemberSnapshot};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout as Areas, Rect};
use ratatui::text::{Line, Span};

use super::minute::Minute;
use super::{Scene, badge, drain, events, words};
use crate::keymap::Action;
use crate::model::drains;
use crate::model::health::Grade;
use crate::theme::Role;
use crate::widget::abridge::abridge;
use crate::widget::sparkline;
use crate::widget::table::{Column, Layout};
use crate::widget::text::{Align, cut};

/// The lines that what changed lately has at least, before a graph is drawn.
const LATEST: u16 = 9;

/// The screen.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: Scene<'_>) {
    let balancers = scene.model.roster.balancers();
    if balancers.is_empty() {
        let text = format!("Nothing was heard from {} yet, or it has no balancer.", scene.model.who());
        let room = usize::from(area.width).saturating_sub(2);
        buffer.set_string(area.x + 1, area.y + 1, cut(&text, room), scene.style(Role::Text));
        return;
    }
    let running = drains::running(scene.model.roster.snapshot()).count();
    let drains_height = u16::try_from(running.min(4)).unwrap_or(0) + u16::from(running > 0);
    let wanted = u16::try_from(balancers.len() + 2).unwrap_or(u16::MAX);
    let list_height = wanted.min(area.height.saturating_sub(drains_height + 6).max(4));
    let left = area.height.saturating_sub(list_height + drains_height);
    // What changed lately comes first; the graph takes what is left, up to a height at which it is still a glance.
    let graph_height = if left >= LATEST + 5 { (left - LATEST).min(10) } else { 0 };
    let [list, drains_area, graph, latest] = Areas::vertical([
        Constraint::Length(list_height),
        Constraint::Length(drains_height),
        Constraint::Length(graph_height),
        Constraint::Fill(1),
    ])
    .areas(area);
    table(buffer, list, scene);
    if drains_height > 0 {
        running_drains(buffer, drains_area, scene);
    }
    if graph.height > 0 {
        Minute::of_all(&scene.model.roster).draw(buffer, graph, scene, None);
    }
    if latest.height >= 2 {
        events::latest(buffer, latest, scene, ("what changed lately", None));
    }
}

fn table(buffer: &mut Buffer, area: Rect, scene: Scene<'_>) {
    let balancers = scene.model.roster.balancers();
    let near = scene.model.near().map(|near| &near.name);
    let longest = balancers.iter().map(|balancer| balancer.name.as_str().chars().count()).max().unwrap_or(0);
    let column = |title, least, most, align| Column { title, least, most, align };
    let layout = Layout::new(
        &[
            column("Balancer", 12, longest.clamp(12, 32), Align::Left),
            column("State", 10, 10, Align::Left),
            column("Members", 11, 24, Align::Left),
            column("Req/s", 7, 7, Align::Right),
            column("Last minute", 11, 24, Align::Left),
            column("P99", 6, 6, Align::Right),
            column("5xx/s", 6, 6, Align::Right),
            column("Busy", 5, 5, Align::Right),
            column("Sessions", 8, 8, Align::Right),
            column("Paths", 8, 24, Align::Left),
        ],
        usize::from(area.width).saturating_sub(3),
        if area.width >= 100 { 2 } else { 1 },
    );
    let [titles, body] = Areas::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    buffer.set_string(titles.x + 2, titles.y, layout.titles(), scene.style(Role::Faint));
    let height = usize::from(body.height);
    let at = balancers.iter().position(|balancer| Some(&balancer.name) == near).unwrap_or(0);
    let from = at.saturating_sub(height / 2).min(balancers.len().saturating_sub(height));
    let names: Vec<&str> = balancers.iter().map(|balancer| balancer.name.as_str()).collect();
    let names = abridge(&names, layout.width(0).unwrap_or(0));
    for ((balancer, name), row) in balancers.iter().zip(&names).skip(from).zip(body.rows()) {
        let line = layout.row(|column, width| cell(scene, (balancer, name), (column, width)));
        buffer.set_line(row.x + 2, row.y, &line, row.width.saturating_sub(2));
        if Some(&balancer.name) == near {
            buffer.set_string(row.x, row.y, "▸", scene.style(Role::Accent));
            scene.look.theme.select(buffer, row);
        }
    }
}

fn cell(
    scene: Scene<'_>,
    (balancer, name): (&BalancerSnapshot, &str),
    (column, width): (usize, usize),
) -> Vec<Span<'static>> {
    let roster = &scene.model.roster;
    let plain = |text: String| vec![scene.span(Role::Text, text)];
    match column {
        0 => plain(name.to_owned()),
        1 => {
            let (shape, role, word) = badge::grade(Grade::of_balancer(balancer));
            vec![scene.span(role, format!("{shape} {word}"))]
        }
        2 => members(scene, balancer, width),
        3 => plain(words::rate(roster.rate(&balancer.name))),
        4 => trend(scene, balancer, width),
        5 => match badge::worst_p99(balancer) {
            Some(p99) => plain(words::latency(p99)),
            None => vec![scene.span(Role::Faint, "-")],
        },
        6 => vec![badge::erring(scene, roster.erring(&balancer.name))],
        7 => {
            let mut busy = balancer.members.iter().map(MemberSnapshot::in_flight);
            match busy.try_fold(0, |sum: u64, busy| Some(sum.saturating_add(busy?))) {
                Some(busy) => plain(words::compact(busy, width)),
                None => vec![scene.span(Role::Warning, "?")],
            }
        }
        8 => {
            let known: Vec<u64> = balancer.members.iter().filter_map(|member| member.sessions).collect();
            if known.is_empty() {
                return vec![scene.span(Role::Faint, "-")];
            }
            plain(words::compact(known.into_iter().fold(0, u64::saturating_add), width))
        }
        _ => plain(cut(&balancer.paths.join(" "), width)),
    }
}

/// `6 ok 1 bad`: how many are of which grade.
fn members(scene: Scene<'_>, balancer: &BalancerSnapshot, width: usize) -> Vec<Span<'static>> {
    let count = |grade| balancer.members.iter().filter(|member| Grade::of(member) == grade).count();
    let (good, degraded, bad) = (count(Grade::Good), count(Grade::Degraded), count(Grade::Bad));
    let wide = width >= 20;
    let mut spans =
        vec![scene.span(Role::Text, if wide { format!("{good} good") } else { good.to_string() })];
    for (count, grade) in [(degraded, Grade::Degraded), (bad, Grade::Bad)] {
        if count > 0 {
            let (shape, role, word) = badge::grade(grade);
            let text = if wide { format!("  {count} {word}") } else { format!(" {shape}{count}") };
            spans.push(scene.span(role, text));
        }
    }
    spans
}

/// The requests a second of all its members in the last minute.
fn trend(scene: Scene<'_>, balancer: &BalancerSnapshot, width: usize) -> Vec<Span<'static>> {
    let members = balancer.members.iter();
    let histories = members.filter_map(|member| scene.model.roster.history_of(&balancer.name, &member.name));
    let means = Minute::sum(histories).columns(width);
    let top = means.iter().flatten().max().copied().unwrap_or(0);
    let role = if top == 0 { Role::Faint } else { Role::Accent };
    vec![scene.span(role, sparkline::line(&means, sparkline::headroom(top)))]
}

/// The drains that run, as far as there is room.
fn running_drains(buffer: &mut Buffer, area: Rect, scene: Scene<'_>) {
    let [top, body] = Areas::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    let shows = format!(" {} shows them ", scene.model.keymap.way(Action::Drains));
    scene.rule(buffer, top, "drains", Line::from(scene.span(Role::Faint, shows)));
    let running: Vec<_> = drains::running(scene.model.roster.snapshot()).collect();
    for (line, row) in drain::listing(scene, &running, area.width).iter().zip(body.rows()) {
        buffer.set_line(row.x, row.y, line, row.width);
    }
}
