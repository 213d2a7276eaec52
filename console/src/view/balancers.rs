//! All balancers and their members as one table, and below it the member under the cursor.
//!
//! The columns stand in the order in which they matter and drop from the right: member, route, status, busy, req/s,
//! last minute, p99, 5xx/s, sessions, p50, factor, set, load, elected, to, from, redirect.

use std::collections::HashMap;

use evenkeel_protocol::{BalancerSnapshot, MemberName, MemberSnapshot};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout as Areas, Position, Rect};
use ratatui::text::{Line, Span};

use super::{Scene, badge, detail, events, words};
use crate::model::Connection;
use crate::model::column::Column;
use crate::model::health::{Grade, Health};
use crate::model::history::{History, Rate, SECONDS};
use crate::model::target::{Target, names};
use crate::theme::Role;
use crate::undurable;
use crate::widget::abridge::{abridge, telling};
use crate::widget::sparkline;
use crate::widget::table::{self, Layout};
use crate::widget::text::{Align, cut, width, wrap};

/// A line of the list.
#[derive(Clone, Copy)]
enum Row<'a> {
    Heading(&'a BalancerSnapshot),
    Member(&'a BalancerSnapshot, &'a MemberSnapshot),
    Blank,
}

/// The list, the member under the cursor, and the latest events, as far as there is room for them.
fn areas(area: Rect, scene: Scene<'_>) -> [Rect; 3] {
    let target = scene.model.cursor.chosen();
    let wanted = detail::height(area.width, scene, target) + 1;
    let below = if target.is_some() && area.height >= wanted + 7 { wanted } else { 0 };
    let latest = if area.height >= 30 && !scene.model.log.is_empty() { 7 } else { 0 };
    Areas::vertical([Constraint::Fill(1), Constraint::Length(below), Constraint::Length(latest)]).areas(area)
}

/// The table, and what there is room for below it.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: Scene<'_>) {
    let [list, detail_area, events_area] = areas(area, scene);
    table(buffer, list, scene);
    if let Some(target) = scene.model.cursor.chosen().filter(|_| detail_area.height > 0) {
        detail::pane(buffer, detail_area, scene, target);
    }
    if events_area.height > 0 {
        events::latest(buffer, events_area, scene, ("latest events", None));
    }
}

/// The member whose row is drawn at `position`.
pub(super) fn member_at(area: Rect, scene: Scene<'_>, position: Position) -> Option<Target> {
    let [list, ..] = areas(area, scene);
    let [_, body] = Areas::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(list);
    if !body.contains(position) {
        return None;
    }
    match visible(scene, usize::from(body.height)).get(usize::from(position.y - body.y)) {
        Some(Row::Member(balancer, member)) => Some(Target::of(balancer, member)),
        _ => None,
    }
}

fn table(buffer: &mut Buffer, area: Rect, scene: Scene<'_>) {
    let empty = empty(scene);
    if scene.model.cursor.count() == 0 && !empty.is_empty() {
        let room = usize::from(area.width).saturating_sub(2);
        let below = area.rows().skip(1);
        for (line, place) in wrap(&empty, room).into_iter().zip(below) {
            buffer.set_string(place.x + 1, place.y, line, scene.style(Role::Text));
        }
        return;
    }
    let layout = layout(scene, area.width);
    let [titles, body] = Areas::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    headings(buffer, titles, scene, &layout);
    let members = scene.model.roster.balancers().iter().flat_map(|balancer| &balancer.members);
    let whole_names = members.map(|member| width(member.name.as_str())).max() <= layout.width(0);
    let chosen = scene.model.cursor.chosen();
    let mut known: Option<Common<'_>> = None;
    for (row, line) in visible(scene, usize::from(body.height)).into_iter().zip(body.rows()) {
        match row {
            Row::Blank => {}
            Row::Heading(balancer) => heading(buffer, line, scene, balancer),
            Row::Member(balancer, member) => {
                let common = match known.take() {
                    Some(common) if common.balancer.name == balancer.name => common,
                    _ => Common::of(scene, balancer, (&layout, whole_names)),
                };
                let common = known.insert(common);
                let cells = Cells { scene, common, member };
                let drawn = layout.row(|column, width| cells.cell(column, width));
                buffer.set_line(line.x + 2, line.y, &drawn, line.width.saturating_sub(2));
                let marked = scene.model.cursor.marks() > 0
                    && scene.model.cursor.is_marked(&Target::of(balancer, member));
                if marked {
                    buffer.set_string(line.x + 1, line.y, "◆", scene.style(Role::Accent));
                }
                if is_chosen(row, chosen) {
                    buffer.set_string(line.x, line.y, "▸", scene.style(Role::Accent));
                    scene.look.theme.select(buffer, line);
                }
            }
        }
    }
}

/// The headings of the columns; the one by which the members are sorted has a mark beside it that says which way.
fn headings(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, layout: &Layout) {
    buffer.set_string(area.x + 2, area.y, layout.titles(), scene.style(Role::Faint));
    let sort = scene.model.cursor.sort;
    let Some(at) = sort.column.and_then(|column| Column::ALL.iter().position(|known| *known == column))
    else {
        return;
    };
    let Some((start, columns)) = layout.place(at) else { return };
    let title = Column::ALL.get(at).map_or("", |column| column.title());
    let is_number = layout.align(at) == Some(Align::Right);
    let from = if is_number { start + columns - width(title) } else { start };
    // Beside a title with room behind it, else in the gap between the columns.
    let behind = from + width(title) + usize::from(columns > width(title) + 1);
    let mark = if is_number { (from + 1).saturating_sub(2) } else { behind };
    let column = |offset: usize| area.x + 2 + u16::try_from(offset).unwrap_or(0);
    buffer.set_string(column(from), area.y, title, scene.style(Role::Strong));
    let way = if sort.inverted { "▴" } else { "▾" };
    let style = scene.style(Role::Accent);
    if column(mark) < area.right() {
        buffer.set_string(column(mark), area.y, way, style);
    }
}

fn is_chosen(row: Row<'_>, chosen: Option<&Target>) -> bool {
    match (row, chosen) {
        (Row::Member(balancer, member), Some(chosen)) => {
            chosen.member == member.name && chosen.balancer == balancer.name
        }
        _ => false,
    }
}

/// What is said instead of an empty table.
fn empty(scene: Scene<'_>) -> String {
    let model = scene.model;
    if model.roster.snapshot().is_none() {
        let why = match &model.connection {
            // Above it is cut, and it may hold the remedy.
            Connection::Lost { why, .. } => format!(" {why}."),
            _ => String::new(),
        };
        format!("Nothing was heard from {} yet.{why}", model.who())
    } else if model.roster.balancers().is_empty() {
        let who = model.who_first();
        format!("{who} has no balancer. Its configuration needs a <Proxy \"balancer://NAME\">.")
    } else if !model.cursor.filter.is_empty() {
        format!("No member fits \"{}\". Esc shows all.", model.cursor.filter.text())
    } else if model.cursor.problems {
        "Every member is well. p shows all.".to_owned()
    } else {
        String::new()
    }
}

/// The rows that are in sight: headings and members, a blank line between balancers, the chosen member in the middle.
fn visible(scene: Scene<'_>, height: usize) -> Vec<Row<'_>> {
    let balancers = scene.model.roster.balancers();
    let mut rows = Vec::new();
    for shown in scene.model.cursor.shown() {
        let Some(balancer) = balancers.get(shown.balancer) else { continue };
        if !rows.is_empty() {
            rows.push(Row::Blank);
        }
        rows.push(Row::Heading(balancer));
        let members = shown.members.iter().filter_map(|place| balancer.members.get(*place));
        rows.extend(members.map(|member| Row::Member(balancer, member)));
    }
    let chosen = scene.model.cursor.chosen();
    let at = rows.iter().position(|row| is_chosen(*row, chosen)).unwrap_or(0);
    let from = at.saturating_sub(height / 2).min(rows.len().saturating_sub(height));
    let mut seen: Vec<Row<'_>> = rows.iter().skip(from).take(height).copied().collect();
    // A member must never stand without the name of its balancer above it.
    if let (Some(first @ Row::Member(..)), true) = (seen.first_mut(), at > from)
        && let Row::Member(balancer, _) = *first
    {
        *first = Row::Heading(balancer);
    }
    seen
}

/// So many columns matter more than a status that is shown whole: all up to the load.
const MATTER: usize = 13;

/// The columns, as wide as what stands in them.
fn layout(scene: Scene<'_>, room: u16) -> Layout {
    let members = || scene.model.roster.balancers().iter().flat_map(|balancer| &balancer.members);
    let longest =
        |text: fn(&MemberSnapshot) -> &str| members().map(|member| width(text(member))).max().unwrap_or(0);
    let (route, redirect) =
        (longest(|member| member.route.as_str()), longest(|member| member.redirect.as_str()));
    // What tells members apart matters more than the columns at the end.
    let told_apart = scene.model.roster.balancers().iter().map(|balancer| telling(&names(balancer))).max();
    let quarter = usize::from(room / 4).max(22);
    let member = told_apart.unwrap_or(0).clamp(22, quarter);
    let most = longest(|member| member.name.as_str()).max(22);
    let status = longest(badge::words) + 2;
    let status = (status.clamp(6, 10), status.clamp(6, 24));
    let wide = room >= 130;
    let routes = (route.clamp(5, usize::from(room / 6).max(8)), route.clamp(5, 24));
    let column =
        |title: Column, least, most, align| table::Column { title: title.title(), least, most, align };
    let number = |title, width| column(title, width, width, Align::Right);
    let columns = |status_least, route_least| {
        [
            column(Column::Member, member, most, Align::Left),
            column(Column::Route, route_least, routes.1, Align::Left),
            column(Column::Status, status_least, status.1, Align::Left),
            number(Column::Busy, 4),
            number(Column::Rate, 6),
            column(Column::Trend, 11, if room >= 150 { 30 } else { 20 }, Align::Left),
            number(Column::P99, 6),
            number(Column::Erring, 5),
            number(Column::Sessions, 5),
            number(Column::P50, 6),
            number(Column::Factor, 6),
            number(Column::Set, 3),
            number(Column::Load, 6),
            number(Column::Elected, if wide { 8 } else { 7 }),
            number(Column::To, 5),
            number(Column::From, 5),
            column(Column::Redirect, redirect.clamp(8, 10), redirect.clamp(8, 16), Align::Left),
        ]
    };
    let fitted =
        |status, route, gap| Layout::new(&columns(status, route), usize::from(room).saturating_sub(3), gap);
    let gaps = if wide { 2 } else { 1 };
    let usual = fitted(status.0, routes.0, gaps);
    // Whole routes, and whole words of the status, matter more than wide gaps and than the columns at the end, but no other
    // is given up for them.
    let forms = [(status.1, routes.1), (status.0, routes.1), (status.1, routes.0)];
    let whole =
        forms.into_iter().flat_map(|(status, route)| (1..=gaps).rev().map(move |gap| (status, route, gap)));
    let mut whole = whole.map(|(status, route, gap)| fitted(status, route, gap));
    whole.find(|layout| layout.len() >= usual.len().min(MATTER)).unwrap_or(usual)
}

/// `▲ balancer://app  byrequests  sticky JSESSIONID  /app` and at the right end the requests a second, the worst p99
/// and how much fails.
fn heading(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, balancer: &BalancerSnapshot) {
    let roster = &scene.model.roster;
    let mut rate = Line::from(vec![
        scene.span(Role::Text, words::rate(roster.rate(&balancer.name))),
        scene.span(Role::Faint, " req/s "),
    ]);
    if let Some(p99) = badge::worst_p99(balancer).filter(|_| area.width >= 80) {
        rate.push_span(scene.span(Role::Faint, " p99 "));
        rate.push_span(scene.span(Role::Text, format!("{} ", words::latency(p99))));
    }
    if let Some(erring) = roster.erring(&balancer.name).filter(|rate| rate.0 > 0) {
        rate.push_span(scene.span(Role::Alarm, format!(" {erring} 5xx/s ")));
    }
    let (shape, role, _) = badge::grade(Grade::of_balancer(balancer));
    let settings = &balancer.settings;
    let sticky = match &settings.stickysession {
        Some(sticky) => format!("sticky {sticky}"),
        None => "not sticky".to_owned(),
    };
    let mut facts = vec![balancer.lbmethod_name().to_owned(), sticky];
    if settings.nofailover {
        facts.push("nofailover".to_owned());
    }
    facts.push(balancer.paths.join(" "));
    let name = cut(&balancer.name.url(), usize::from(area.width).saturating_sub(rate.width() + 4));
    let room = usize::from(area.width).saturating_sub(width(&name) + rate.width() + 7);
    let mark = unkept(scene, balancer, room);
    let room = room.saturating_sub(width(&mark));
    let line = Line::from(vec![
        scene.span(role, shape.to_string()),
        scene.span(Role::Strong, format!(" {name}  ")),
        scene.span(Role::Alarm, mark),
        scene.span(Role::Faint, cut(&facts.join("  "), room)),
    ]);
    buffer.set_line(area.x, area.y, &line, area.width);
    let right = u16::try_from(rate.width()).unwrap_or(u16::MAX);
    if right < area.width {
        buffer.set_line(area.right() - right, area.y, &rate, right);
    }
}

/// That edits of its own settings would be lost, as far as there is room; empty: they would not.
fn unkept(scene: Scene<'_>, balancer: &BalancerSnapshot, room: usize) -> String {
    if scene.model.roster.snapshot().is_none_or(|snapshot| snapshot.is_durable(&balancer.name, None)) {
        return String::new();
    }
    let whole = format!("settings {}  ", undurable::NOT_KEPT);
    if width(&whole) <= room { whole } else { cut("settings NOT kept  ", room) }
}

/// What the rows of one balancer have in common, looked for once and not for each of them.
struct Common<'a> {
    balancer: &'a BalancerSnapshot,
    /// The highest rate in the balancer, so that its members can be compared.
    peak: Rate,
    /// The URLs as they fit.
    names: HashMap<&'a MemberName, String>,
    /// The routes as they fit.
    routes: HashMap<&'a str, String>,
    redirects: HashMap<&'a str, String>,
}

impl<'a> Common<'a> {
    /// URLs stand with their schemes if all of them fit.
    fn of(scene: Scene<'a>, balancer: &'a BalancerSnapshot, (layout, whole): (&Layout, bool)) -> Self {
        let members = &balancer.members;
        let urls = if whole { members.iter().map(|it| it.name.as_str()).collect() } else { names(balancer) };
        let at = |column| layout.width(Column::ALL.iter().position(|it| *it == column)?);
        let fitted = |texts: Vec<&'a str>, column| {
            let columns = at(column).unwrap_or(0);
            texts.iter().copied().zip(abridge(&texts, columns)).collect::<HashMap<&str, String>>()
        };
        let told = |route: fn(&MemberSnapshot) -> &str| {
            members.iter().map(route).filter(|route| !route.is_empty()).collect::<Vec<_>>()
        };
        let fitting = abridge(&urls, at(Column::Member).unwrap_or(0));
        Self {
            balancer,
            peak: scene.model.roster.peak(&balancer.name),
            names: members.iter().map(|member| &member.name).zip(fitting).collect(),
            routes: fitted(told(|member| member.route.as_str()), Column::Route),
            redirects: fitted(told(|member| member.redirect.as_str()), Column::Redirect),
        }
    }
}

/// The cells of one member's row.
struct Cells<'a> {
    scene: Scene<'a>,
    common: &'a Common<'a>,
    member: &'a MemberSnapshot,
}

impl Cells<'_> {
    fn cell(&self, column: usize, width: usize) -> Vec<Span<'static>> {
        let member = self.member;
        let history = self.scene.model.roster.history_of(&self.common.balancer.name, &member.name);
        let plain = |text: String| vec![self.scene.span(Role::Text, text)];
        let named = |routes: &HashMap<&str, String>, route| routes.get(route).cloned().unwrap_or_default();
        let count = |number: u64, text: String| {
            let role = if number == 0 { Role::Faint } else { Role::Text };
            vec![self.scene.span(role, text)]
        };
        let latency = |micros: Option<u64>| match micros {
            Some(micros) => plain(words::latency(micros)),
            None => vec![self.scene.span(Role::Faint, "-")],
        };
        let lately = member.latency.last_10s;
        let Some(column) = Column::ALL.get(column) else { return Vec::new() };
        match column {
            Column::Member => plain(self.common.names.get(&member.name).cloned().unwrap_or_default()),
            Column::Route => plain(named(&self.common.routes, member.route.as_str())),
            Column::Status => self.status(width),
            Column::Busy => match member.in_flight() {
                Some(busy) => count(busy, words::compact(busy, width)),
                None => vec![self.scene.span(Role::Warning, "?")],
            },
            Column::Rate => {
                let now = self.rate();
                count(now.unwrap_or_default().0, words::rate(now))
            }
            Column::Trend => {
                let rates = history.map(|history| history.rates().map(|rate| rate.map(|rate| rate.0)));
                let means = rates.map(|rates| sparkline::means(rates, SECONDS, width)).unwrap_or_default();
                let role =
                    if means.iter().flatten().all(|rate| *rate == 0) { Role::Faint } else { Role::Accent };
                vec![self.scene.span(role, sparkline::line(&means, sparkline::headroom(self.common.peak.0)))]
            }
            Column::P99 => latency(lately.map(|lately| lately.p99_us)),
            Column::P50 => latency(lately.map(|lately| lately.p50_us)),
            Column::Erring => {
                let rate = self.scene.model.roster.erring_of(&self.common.balancer.name, &member.name);
                vec![badge::erring(self.scene, rate)]
            }
            Column::Sessions => match member.sessions {
                Some(sessions) => count(sessions, words::compact(sessions, width)),
                None => vec![self.scene.span(Role::Faint, "-")],
            },
            Column::Elected => plain(words::compact(member.elected, width)),
            Column::Factor => plain(member.lbfactor.to_string()),
            Column::Set => plain(member.lbset.to_string()),
            Column::Load => plain(words::compact_signed(member.lbstatus, width)),
            Column::To => count(member.transferred, words::bytes(member.transferred)),
            Column::From => count(member.read, words::bytes(member.read)),
            Column::Redirect => plain(named(&self.common.redirects, member.redirect.as_str())),
        }
    }

    fn rate(&self) -> Option<Rate> {
        let history = self.scene.model.roster.history_of(&self.common.balancer.name, &self.member.name);
        history.and_then(History::now)
    }

    fn status(&self, columns: usize) -> Vec<Span<'static>> {
        let (shape, role) = badge::shape_at(Health::of(self.member.status), self.rate());
        let pending = self.scene.model.pending.has(&Target::of(self.common.balancer, self.member));
        let shape = if pending { badge::PENDING } else { shape };
        let words = cut(badge::words(self.member), columns.saturating_sub(2));
        let (role, words_role) = match role {
            _ if pending => (Role::Accent, Role::Accent),
            Role::Good => (role, Role::Text),
            _ => (role, role),
        };
        vec![self.scene.span(role, format!("{shape} ")), self.scene.span(words_role, words)]
    }
}

#[cfg(test)]
mod tests;
