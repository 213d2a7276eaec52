//! The sticky lens: why does this session go there? What was asked, how it was read, who was looked for, who stood for
//! election, and below it what really happened to that session.

use evenkeel_protocol::{Candidacy, Explanation, MemberName};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use super::labels::{Labels, bare};
use super::{Scene, elections, words};
use crate::model::lens::{shortened, shortened_url};
use crate::model::target::{label, short};
use crate::theme::Role;
use crate::widget::abridge::telling;
use crate::widget::text::{Align, cut, pad, wrap};

/// The columns of the labels.
const LABEL: usize = 10;
/// The columns of all but a candidate's name and why.
const OTHERS: usize = 38;

/// The screen.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: Scene<'_>) {
    let Some(asked) = &scene.model.lens.asked else {
        return invite(buffer, area, scene);
    };
    // Rows that elections leave empty are worth more to the answer.
    let below = if area.height >= 15 {
        (area.height / 5).max(3).min(elections::rows_wanted(scene, area.width))
    } else {
        0
    };
    let [top, rule, rows] = Layout::vertical([
        Constraint::Fill(1),
        Constraint::Length(u16::from(below > 0)),
        Constraint::Length(below),
    ])
    .areas(area);
    let room = usize::from(area.width).saturating_sub(2);
    let cookies: Vec<String> = asked.cookies.iter().map(|cookie| shortened(cookie)).collect();
    let mut question = shown_url(scene, &asked.url);
    if let Some(balancer) = &asked.balancer {
        question = format!("{question} of {}", balancer.url());
    }
    if !cookies.is_empty() {
        question = format!("{question}  cookie {}", cookies.join("; "));
    }
    let mut lines = vec![field(scene, "asked", Role::Text, &question, room)];
    match &scene.model.gathered.explanation {
        None => lines.push(Line::from(scene.span(Role::Faint, "asking the proxy …"))),
        Some(Err(why)) => lines.extend(paragraph(scene, Role::Warning, why, room)),
        Some(Ok(explanation)) => lines.extend(explained(scene, explanation, room)),
    }
    let height = usize::from(top.height);
    let from = scene.model.lens.from.min(lines.len().saturating_sub(height));
    for (line, row) in lines.iter().skip(from).zip(top.rows()) {
        buffer.set_line(row.x + 1, row.y, line, row.width.saturating_sub(1));
    }
    if below > 0 {
        let found = scene.model.gathered.explanation.as_ref().and_then(|found| found.as_ref().ok());
        let candidacy = found.and_then(|found| found.balancer.as_ref());
        let of_session = scene.model.lens.elections(candidacy).is_some_and(|filter| filter.cookie.is_some());
        let heading = if of_session { "recent elections of this session" } else { "recent elections" };
        let more = lines.len().saturating_sub(height + from);
        let more = if more > 0 { format!(" Down: {more} more lines ") } else { String::new() };
        scene.rule(buffer, rule, heading, Line::from(scene.span(Role::Faint, more)));
        elections::rows(buffer, rows, scene, 0);
    }
}

/// What can be asked.
fn invite(buffer: &mut Buffer, area: Rect, scene: Scene<'_>) {
    let texts = [
        (Role::Strong, "Why does a session go where it goes?"),
        (Role::Text, ""),
        (Role::Text, "Press Enter and type or paste one of these, or several:"),
        (Role::Text, "  JSESSIONID=0a1b2c.node1      a cookie, as the browser sends it"),
        (Role::Text, "  0a1b2c.node1                 its value alone"),
        (Role::Text, "  Cookie: …  Set-Cookie: …     one whole line of a head"),
        (Role::Text, "  curl …                       a command, copied whole"),
        (Role::Text, "  /app/cart                    a path"),
        (Role::Text, "  https://www.example.com/app  a URL"),
        (Role::Text, ""),
        (Role::Faint, "Nothing is sent to a member, nothing is counted, and no cookie is shown whole."),
    ];
    for ((role, text), row) in texts.into_iter().zip(area.rows().skip(1)) {
        buffer.set_string(
            row.x + 1,
            row.y,
            cut(text, usize::from(row.width).saturating_sub(2)),
            scene.style(role),
        );
    }
}

fn field(scene: Scene<'_>, label: &str, role: Role, text: &str, room: usize) -> Line<'static> {
    Line::from(vec![
        scene.span(Role::Faint, pad(label, LABEL, Align::Left)),
        scene.span(role, cut(text, room.saturating_sub(LABEL))),
    ])
}

/// A URL without the whole id of a session in it.
fn shown_url(scene: Scene<'_>, url: &str) -> String {
    let sticky = scene.model.roster.balancers().iter().filter_map(|it| it.settings.stickysession.as_ref());
    let names: Vec<&str> = sticky.flat_map(|sticky| [sticky.path.as_str(), sticky.cookie.as_str()]).collect();
    shortened_url(url, &names)
}

/// A label and a text on as many lines as it needs.
fn fields(scene: Scene<'_>, label: &str, (role, text): (Role, &str), room: usize) -> Vec<Line<'static>> {
    let mut label = label;
    let mut lines = Vec::new();
    for text in wrap(text, room.saturating_sub(LABEL)) {
        lines.push(field(scene, label, role, &text, room));
        label = "";
    }
    lines
}

fn paragraph(scene: Scene<'_>, role: Role, text: &str, room: usize) -> Vec<Line<'static>> {
    wrap(text, room).into_iter().map(|text| Line::from(scene.span(role, text))).collect()
}

/// The whole answer.
fn explained(scene: Scene<'_>, explanation: &Explanation, room: usize) -> Vec<Line<'static>> {
    // Of a session alone the verdict begins as the label does.
    let begins = |label: &'static str| Some((label, explanation.verdict.strip_prefix(label)?.trim_start()));
    let verdict = begins("goes to ").or_else(|| begins("is answered "));
    let (label, verdict) = verdict.unwrap_or(("verdict", &explanation.verdict));
    let label = label.trim_start_matches("is ").trim_end();
    let mut lines = fields(scene, label, (Role::Strong, verdict), room);
    if let Some(mapping) = &explanation.mapping {
        lines.extend(fields(scene, "path", (Role::Text, &mapping.why), room));
        if let Some(becomes) = mapping.becomes.as_deref().filter(|becomes| *becomes != mapping.path) {
            lines.push(field(
                scene,
                "",
                Role::Faint,
                &format!("the member gets {}", shown_url(scene, becomes)),
                room,
            ));
        }
        if let Some(status) = mapping.status {
            lines.push(field(scene, "", Role::Warning, &format!("the proxy itself answers {status}"), room));
        }
    }
    if let Some(who) = &explanation.access {
        lines.extend(fields(scene, "access", (Role::Warning, who), room));
    }
    if let Some(candidacy) = &explanation.balancer {
        lines.extend(session(scene, candidacy, room));
        for (at, step) in candidacy.search.iter().enumerate() {
            let label = if at == 0 { "search" } else { "" };
            let mark = if step.taken { "✓" } else { "·" };
            let who = step.member.as_ref().map_or("nobody has it", |member| short(member));
            let text = format!("{mark} {}: {who}; {}", step.route, step.saw);
            lines.extend(fields(
                scene,
                label,
                (if step.taken { Role::Good } else { Role::Text }, &text),
                room,
            ));
        }
        lines.extend(sessions(scene, candidacy, room));
        if !explanation.verdict.contains(&candidacy.because) {
            lines.extend(fields(scene, "because", (Role::Text, &candidacy.because), room));
        }
        lines.extend(fields(scene, "next", (Role::Accent, &next(scene, candidacy)), room));
        lines.extend(candidates(scene, candidacy, room));
        for note in &candidacy.notes {
            lines.extend(fields(scene, "note", (Role::Warning, note), room));
        }
    }
    lines
}

/// How the session was looked for, and what was found of it.
fn session(scene: Scene<'_>, candidacy: &Candidacy, room: usize) -> Vec<Line<'static>> {
    let session = &candidacy.session;
    let mut lines = Vec::new();
    let mut told: Vec<String> = Vec::new();
    for look in &session.looked {
        let text = format!("{} in the {}: {}", look.name, look.place.name(), look.saw);
        // What is read again, less literally, mostly says the same again.
        if !told.contains(&text) {
            let label = if told.is_empty() { "session" } else { "" };
            lines.extend(fields(scene, label, (Role::Text, &text), room));
            told.push(text);
        }
    }
    if session.found.is_some() {
        let id = if session.id.is_empty() { "no id".to_owned() } else { format!("id {}", session.id) };
        let route = match (session.route.as_str(), session.known) {
            ("", _) => "no route".to_owned(),
            (route, true) => format!("route {route}"),
            (route, false) => format!("route {route}, which no member of {} has", candidacy.name.url()),
        };
        let role = if session.known { Role::Strong } else { Role::Warning };
        lines.extend(fields(scene, "", (role, &format!("{id}, {route}")), room));
    }
    lines
}

/// What is known of the sessions of the route.
fn sessions(scene: Scene<'_>, candidacy: &Candidacy, room: usize) -> Vec<Line<'static>> {
    let text = match &scene.model.gathered.census {
        None => return Vec::new(),
        Some(Err(why)) => why.clone(),
        Some(Ok(census)) if !census.sticky => "the balancer keeps none".to_owned(),
        Some(Ok(census)) => {
            let found = census.routes.iter().find(|known| known.route.as_str() == candidacy.session.route);
            let Some(known) = found else { return Vec::new() };
            let seen =
                known.last_seen.map(|at| format!("last seen {} ago", words::age(census.taken.since(at))));
            let about = if known.exact { "" } else { "about " };
            let live = words::grouped(known.live);
            let until =
                known.unknown_until.map(|at| words::minute(at, scene.model.clock.wall, &scene.look.zone));
            match (until, seen) {
                (None, seen) => {
                    format!(
                        "{about}{live} live of this route, {}",
                        seen.unwrap_or_else(|| "none seen answered".to_owned())
                    )
                }
                (Some(until), None) => {
                    format!(
                        "unknown until {until} how many are live of this route, none seen answered so far"
                    )
                }
                (Some(until), Some(seen)) => {
                    format!("{about}{live}+ live of this route, {seen}; known at {until}")
                }
            }
        }
    };
    vec![field(scene, "census", Role::Faint, &text, room)]
}

/// What people call a member of the balancer.
fn name(scene: Scene<'_>, candidacy: &Candidacy, member: &MemberName) -> String {
    let balancer = scene.model.roster.snapshot().and_then(|snapshot| snapshot.balancer(&candidacy.name));
    let found = balancer.and_then(|balancer| Some((balancer, balancer.member(member)?)));
    found.map_or_else(|| short(member).to_owned(), |(balancer, member)| label(balancer, member))
}

/// Who stood for election, with the numbers that decide.
fn candidates(scene: Scene<'_>, candidacy: &Candidacy, room: usize) -> Vec<Line<'static>> {
    let key = |member: &MemberName| format!("{}/{}", candidacy.name, name(scene, candidacy, member));
    let listed: Vec<String> = candidacy.candidates.iter().map(|it| key(&it.member)).collect();
    let usual = (room / 5).clamp(10, 24);
    let most = room.saturating_sub(OTHERS) * 3 / 5;
    let labels =
        Labels::of(scene.model.roster.snapshot(), &listed, bare, |names| telling(names).min(most).max(usual));
    let column = labels.columns;
    let heads = format!(
        "  {} {} {:>3} {:>6} {:>6} {:>4}  {}",
        pad("Member", column, Align::Left),
        pad("Status", 9, Align::Left),
        "Set",
        "Factor",
        "Load",
        "Busy",
        "Why"
    );
    let mut lines = vec![Line::from(scene.span(Role::Faint, cut(&heads, room)))];
    for (candidate, key) in candidacy.candidates.iter().zip(&listed) {
        let elected = candidacy.elected.as_ref() == Some(&candidate.member);
        let (mark, role) = match (elected, candidate.offered) {
            (true, _) => ("▸", Role::Strong),
            (false, true) => ("·", Role::Text),
            (false, false) => (" ", Role::Faint),
        };
        let status = candidate.words.strip_prefix("Init ").unwrap_or(&candidate.words);
        let numbers = format!(
            "{} {} {:>3} {:>6} {:>6} {:>4}  ",
            pad(labels.get(key), column, Align::Left),
            pad(&cut(status, 9), 9, Align::Left),
            candidate.lbset.to_string(),
            candidate.lbfactor.to_string(),
            words::compact_signed(candidate.lbstatus, 6),
            words::compact(candidate.busy, 4),
        );
        let left = room.saturating_sub(numbers.chars().count() + 2);
        lines.push(Line::from(vec![
            scene.span(Role::Accent, format!("{mark} ")),
            scene.span(role, numbers),
            Span::styled(cut(&candidate.why, left), scene.style(Role::Faint)),
        ]));
    }
    lines
}

/// Who would be elected if it came again and again.
fn next(scene: Scene<'_>, candidacy: &Candidacy) -> String {
    if candidacy.next.is_empty() {
        return "nobody".to_owned();
    }
    let names: Vec<String> = candidacy.next.iter().map(|member| name(scene, candidacy, member)).collect();
    names.join(" → ")
}

#[cfg(test)]
mod tests;
