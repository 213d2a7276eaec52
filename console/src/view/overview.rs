//! All balancers and their members as one table, and below it the member under the cursor.
//!
//! The columns stand in the order in which they matter and drop from the right: member, route, status, busy, req/s,
//! last minute, elected, factor, set, load, to, from, redirect.

use evenkeel_protocol::{BalancerSnapshot, MemberSnapshot};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout as Areas, Rect};
use ratatui::text::{Line, Span};

use super::{Scene, badge, detail, events, words};
use crate::model::cursor::passes;
use crate::model::health::Health;
use crate::model::history::{History, Rate, SECONDS};
use crate::model::target::{Target, short};
use crate::theme::Role;
use crate::widget::sparkline;
use crate::widget::table::{Column, Layout};
use crate::widget::text::{Align, cut, shorten, width};

/// A line of the list.
enum Row<'a> {
    Heading(&'a BalancerSnapshot),
    Member(&'a BalancerSnapshot, &'a MemberSnapshot),
    Blank,
}

/// The table, and what there is room for below it.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: Scene<'_>) {
    let target = scene.model.cursor.chosen();
    let wanted = detail::height(scene, area.width) + 1;
    let below = if target.is_some() && area.height >= wanted + 7 { wanted } else { 0 };
    let latest = if area.height >= 30 && !scene.model.log.is_empty() { 7 } else { 0 };
    let [list, detail_area, events_area] =
        Areas::vertical([Constraint::Fill(1), Constraint::Length(below), Constraint::Length(latest)])
            .areas(area);
    table(buffer, list, scene);
    if let Some(target) = target.filter(|_| below > 0) {
        detail::pane(buffer, detail_area, scene, target);
    }
    if latest > 0 {
        events::latest(buffer, events_area, scene, ("latest events", None));
    }
}

fn table(buffer: &mut Buffer, area: Rect, scene: Scene<'_>) {
    let rows = rows(scene);
    if !rows.iter().any(|row| matches!(row, Row::Member(..))) && !empty(scene).is_empty() {
        let text = empty(scene);
        let room = usize::from(area.width).saturating_sub(2);
        buffer.set_string(area.x + 1, area.y + 1, cut(&text, room), scene.style(Role::Text));
        return;
    }
    let layout = layout(scene, area.width);
    let [titles, body] = Areas::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    buffer.set_string(titles.x + 2, titles.y, layout.titles(), scene.style(Role::Faint));
    let height = usize::from(body.height);
    let longest = rows.iter().map(|row| match row {
        Row::Member(_, member) => width(member.name.as_str()),
        Row::Heading(_) | Row::Blank => 0,
    });
    let whole_names = longest.max() <= layout.width(0);
    let chosen = scene.model.cursor.chosen();
    let at = rows.iter().position(|row| is_chosen(row, chosen)).unwrap_or(0);
    let from = at.saturating_sub(height / 2).min(rows.len().saturating_sub(height));
    let mut shown: Vec<&Row<'_>> = rows.iter().skip(from).take(height).collect();
    // A member must never stand without the name of its balancer above it.
    if let (Some(Row::Member(balancer, _)), true) = (shown.first(), from > 0) {
        let heading = rows.iter().find(|row| matches!(row, Row::Heading(own) if own.name == balancer.name));
        if let (Some(first), Some(heading), true) = (shown.first_mut(), heading, at > from) {
            *first = heading;
        }
    }
    for (row, line) in shown.iter().zip(body.rows()) {
        match row {
            Row::Blank => {}
            Row::Heading(balancer) => heading(buffer, line, scene, balancer),
            Row::Member(balancer, member) => {
                let peak = scene.model.fleet.peak(&balancer.name);
                let cells = Cells { scene, balancer, member, peak, whole_names };
                let drawn = layout.row(|column, width| cells.cell(column, width));
                buffer.set_line(line.x + 2, line.y, &drawn, line.width.saturating_sub(2));
                if is_chosen(row, chosen) {
                    buffer.set_string(line.x, line.y, "▸", scene.style(Role::Accent));
                    buffer.set_style(line, scene.style(Role::Selected));
                }
            }
        }
    }
}

fn is_chosen(row: &Row<'_>, chosen: Option<&Target>) -> bool {
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
    if model.fleet.snapshot().is_none() {
        "Nothing was heard from the proxy yet.".to_owned()
    } else if !model.cursor.filter.is_empty() {
        format!("No member has \"{}\". Esc shows all.", model.cursor.filter)
    } else if model.fleet.balancers().is_empty() {
        "The proxy has no balancer. Its configuration needs a <Proxy \"balancer://NAME\">.".to_owned()
    } else {
        String::new()
    }
}

/// Headings and members that the filter lets through, a blank line between balancers.
fn rows<'a>(scene: Scene<'a>) -> Vec<Row<'a>> {
    let mut rows = Vec::new();
    let filter = &scene.model.cursor.filter;
    for balancer in scene.model.fleet.balancers() {
        let members: Vec<Row<'a>> = balancer
            .members
            .iter()
            .filter(|member| passes(filter, balancer, member))
            .map(|member| Row::Member(balancer, member))
            .collect();
        if members.is_empty() && !filter.is_empty() {
            continue;
        }
        if !rows.is_empty() {
            rows.push(Row::Blank);
        }
        rows.push(Row::Heading(balancer));
        rows.extend(members);
    }
    rows
}

/// The columns, as wide as what stands in them.
fn layout(scene: Scene<'_>, room: u16) -> Layout {
    let members = || scene.model.fleet.balancers().iter().flat_map(|balancer| &balancer.members);
    let longest =
        |text: fn(&MemberSnapshot) -> &str| members().map(|member| width(text(member))).max().unwrap_or(0);
    let route = longest(|member| member.route.as_str());
    let redirect = longest(|member| member.redirect.as_str());
    let status = longest(badge::words) + 2;
    let status = (status.clamp(6, 10), status.clamp(6, 24));
    let wide = room >= 100;
    let column = |title, least, most, align| Column { title, least, most, align };
    let number = |title, width| column(title, width, width, Align::Right);
    let columns = |status_least| {
        [
            column("Member", 22, longest(|member| member.name.as_str()).max(22), Align::Left),
            column("Route", route.clamp(5, 8), route.clamp(5, 16), Align::Left),
            column("Status", status_least, status.1, Align::Left),
            number("Busy", 4),
            number("Req/s", 6),
            column("Last minute", 11, if room >= 150 { 30 } else { 20 }, Align::Left),
            number("Elected", if wide { 8 } else { 7 }),
            number("Factor", 6),
            number("Set", 3),
            number("Load", 6),
            number("To", 5),
            number("From", 5),
            column("Redirect", redirect.clamp(8, 10), redirect.clamp(8, 16), Align::Left),
        ]
    };
    let fitted = |least, gap| Layout::new(&columns(least), usize::from(room).saturating_sub(3), gap);
    let usual = fitted(status.0, if wide { 2 } else { 1 });
    // Whole words of the status matter more than wide gaps, but no column is given up for them.
    let whole = (1..=if wide { 2 } else { 1 }).rev().map(|gap| fitted(status.1, gap));
    whole.into_iter().find(|layout| layout.len() >= usual.len()).unwrap_or(usual)
}

/// `balancer://app  byrequests  sticky JSESSIONID  /app` and the requests a second at the right end.
fn heading(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, balancer: &BalancerSnapshot) {
    let rate = Line::from(vec![
        scene.span(Role::Text, words::rate(scene.model.fleet.rate(&balancer.name))),
        scene.span(Role::Faint, " req/s "),
    ]);
    let settings = &balancer.settings;
    let sticky = match &settings.stickysession {
        Some(sticky) => format!("sticky {sticky}"),
        None => "not sticky".to_owned(),
    };
    let mut facts = vec![settings.lbmethod.to_string(), sticky];
    if settings.nofailover {
        facts.push("nofailover".to_owned());
    }
    facts.push(balancer.paths.join(" "));
    let name = cut(&balancer.name.url(), usize::from(area.width).saturating_sub(rate.width() + 4));
    let room = usize::from(area.width).saturating_sub(width(&name) + rate.width() + 6);
    let line = Line::from(vec![
        scene.span(Role::Strong, format!(" {name}  ")),
        scene.span(Role::Faint, cut(&facts.join("  "), room)),
    ]);
    buffer.set_line(area.x, area.y, &line, area.width);
    let right = u16::try_from(rate.width()).unwrap_or(u16::MAX);
    if right < area.width {
        buffer.set_line(area.right() - right, area.y, &rate, right);
    }
}

/// The cells of one member's row.
struct Cells<'a> {
    scene: Scene<'a>,
    balancer: &'a BalancerSnapshot,
    member: &'a MemberSnapshot,
    /// The highest rate in the balancer, so that its members can be compared.
    peak: Rate,
    /// Do all URLs fit with their schemes?
    whole_names: bool,
}

impl Cells<'_> {
    fn cell(&self, column: usize, width: usize) -> Vec<Span<'static>> {
        let member = self.member;
        let history = self.scene.model.fleet.history_of(&self.balancer.name, &member.name);
        let plain = |text: String| vec![self.scene.span(Role::Text, text)];
        let count = |number: u64, text: String| {
            let role = if number == 0 { Role::Faint } else { Role::Text };
            vec![self.scene.span(role, text)]
        };
        match column {
            0 => plain(self.name(width)),
            1 => plain(cut(member.route.as_str(), width)),
            2 => self.status(width),
            3 => count(member.busy, words::compact(member.busy, width)),
            4 => {
                let now = self.rate();
                count(now.unwrap_or_default().0, words::rate(now))
            }
            5 => {
                let rates = history.map(|history| history.rates().map(|rate| rate.map(|rate| rate.0)));
                let means = rates.map(|rates| sparkline::means(rates, SECONDS, width)).unwrap_or_default();
                let role =
                    if means.iter().flatten().all(|rate| *rate == 0) { Role::Faint } else { Role::Accent };
                vec![self.scene.span(role, sparkline::line(&means, sparkline::headroom(self.peak.0)))]
            }
            6 => plain(words::compact(member.elected, width)),
            7 => plain(member.lbfactor.to_string()),
            8 => plain(member.lbset.to_string()),
            9 => plain(words::compact_signed(member.lbstatus, width)),
            10 => count(member.transferred, words::bytes(member.transferred)),
            11 => count(member.read, words::bytes(member.read)),
            _ => plain(cut(member.redirect.as_str(), width)),
        }
    }

    /// The URL; without its scheme if not all of them fit, and then shortened in the middle.
    fn name(&self, columns: usize) -> String {
        let name = &self.member.name;
        shorten(if self.whole_names { name.as_str() } else { short(name) }, columns)
    }

    fn rate(&self) -> Option<Rate> {
        let history = self.scene.model.fleet.history_of(&self.balancer.name, &self.member.name);
        history.and_then(History::now)
    }

    fn status(&self, columns: usize) -> Vec<Span<'static>> {
        let (shape, role) = badge::shape_at(Health::of(self.member.status), self.rate());
        let pending = self.scene.model.pending.has(&Target::of(self.balancer, self.member));
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
