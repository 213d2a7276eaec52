//! How sessions and what is in flight got less since a drain began.

use evenkeel_protocol::{Drain, DrainSessions, Series, SessionsKnown};
use ratatui::text::{Line, Span};

use super::LABEL;
use crate::ability::Ability;
use crate::model::drains;
use crate::theme::Role;
use crate::view::{Scene, words};
use crate::widget::sparkline;
use crate::widget::text::{Align, cut, pad};

/// Why of those of an httpd nothing is known.
const SEEN_BY_HTTPD: &str = "httpd sees a session only while a request of it is in flight";

/// How sessions and what is in flight got less since it began.
pub(super) fn burn_down(scene: Scene<'_>, drain: &Drain, (room, full): (usize, bool)) -> Vec<Line<'static>> {
    let sessions = &drain.sessions;
    let now = scene.model.clock.wall;
    let (count, role) = match (sessions.known, sessions.live) {
        (SessionsKnown::NotSticky | SessionsKnown::NoRoute, _) => ("none".to_owned(), Role::Text),
        (SessionsKnown::Observed, Some(0)) => ("0".to_owned(), Role::Text),
        (known, _) => match live(sessions) {
            Some(count) if known == SessionsKnown::Observed => (count, Role::Strong),
            count => (count.unwrap_or_else(|| "unknown".to_owned()), Role::Warning),
        },
    };
    let mut facts: Vec<String> = Vec::new();
    match sessions.known {
        SessionsKnown::NotSticky => facts.push("the balancer is not sticky".to_owned()),
        SessionsKnown::NoRoute => facts.push("it has no route, so none can be told to be its own".to_owned()),
        SessionsKnown::Unknown | SessionsKnown::Observed => {
            if let Some(observed) = sessions.observed(now).filter(|_| sessions.last_seen.is_some()) {
                facts.push(format!("unknown before the last {}", words::age(observed)));
            }
            facts.push(match (sessions.last_seen, sessions.window_ms) {
                (Some(at), _) => format!("last seen {} ago", words::age(now.since(at))),
                (None, None) if scene.model.lacks(Ability::Sessions).is_some() => SEEN_BY_HTTPD.to_owned(),
                (None, None) => "nothing is known of its sessions".to_owned(),
                (None, Some(_)) => {
                    // One whose first answer has yet to come may be in flight, and is counted by nobody.
                    let seen = if drain.busy.total() > 0 { "seen answered" } else { "seen" };
                    format!("none {seen} for {}", observed(drain, scene))
                }
            });
            facts.extend(sessions.departing.map(leaving));
            facts.extend(
                sessions
                    .claimed
                    .filter(|claimed| *claimed > 0)
                    .map(|claimed| format!("{claimed} only claimed")),
            );
        }
    }
    // The census tells how exact that is.
    if let Some(Ok(census)) = &scene.model.gathered.census
        && let Some(known) = census.route(&drain.route).filter(|_| census.balancer == drain.balancer)
    {
        if !known.exact {
            facts.push("an estimate".to_owned());
        }
        if known.anonymous {
            facts.push("those without an id count as one".to_owned());
        }
    }
    let mut lines = vec![counted(scene, drain, ("sessions", (&count, role), Series::Sessions), room)];
    let fact = |facts: &[String]| {
        let text = cut(&facts.join("; "), room.saturating_sub(LABEL));
        Line::from(vec![Span::raw(" ".repeat(LABEL)), scene.span(Role::Faint, text)])
    };
    if full {
        lines.push(fact(&facts));
    }
    let (total, role) = match drains::in_flight(drain, scene.model.roster.snapshot()) {
        Some(total) => (words::grouped(total), if total > 0 { Role::Strong } else { Role::Text }),
        None => ("unknown".to_owned(), Role::Warning),
    };
    lines.push(counted(scene, drain, ("in flight", (&total, role), Series::Busy), room));
    if full && role != Role::Warning {
        lines.push(fact(&kinds(scene, drain)));
    }
    lines.extend(elsewhere(scene, drain, room));
    lines
}

/// What is at the same process in other balancers, which is waited for as well; none: nothing.
fn elsewhere(scene: Scene<'_>, drain: &Drain, room: usize) -> Option<Line<'static>> {
    let total = drains::in_flight_elsewhere(drain, scene.model.roster.snapshot());
    let sessions = drain.elsewhere.iter().filter_map(|it| it.sessions.live).fold(0, u64::saturating_add);
    if total == Some(0) && sessions == 0 {
        return None;
    }
    let mut places: Vec<String> = drain.elsewhere.iter().map(|it| it.place(&drain.balancer)).collect();
    places.dedup();
    let with =
        if sessions == 0 { String::new() } else { format!(", and {}", words::counted(sessions, "session")) };
    let text = format!("in flight at the same process{with}: {}", places.join(", "));
    let (count, role) =
        total.map_or_else(|| ("unknown".to_owned(), Role::Warning), |it| (words::grouped(it), Role::Strong));
    Some(Line::from(vec![
        scene.span(Role::Faint, pad("elsewhere", LABEL, Align::Left)),
        scene.span(role, pad(&count, 9, Align::Left)),
        scene.span(Role::Faint, cut(&text, room.saturating_sub(LABEL + 9))),
    ]))
}

/// How many sessions are live, with a `+` where only a part of the window was observed; none: nobody knows.
pub(super) fn live(sessions: &DrainSessions) -> Option<String> {
    match (sessions.known, sessions.live?) {
        (SessionsKnown::Unknown, 0) => None,
        (SessionsKnown::Unknown, live) => Some(format!("{}+", words::grouped(live))),
        (_, live) => Some(words::grouped(live)),
    }
}

/// What is in flight, of each kind that is told apart; or for how long nothing is.
fn kinds(scene: Scene<'_>, drain: &Drain) -> Vec<String> {
    if let Some(quiet) = drain.quiet_ms {
        return vec![format!("nothing for {}", words::age(std::time::Duration::from_millis(quiet)))];
    }
    let busy = drain.busy;
    let requests = words::counted(busy.requests, "request");
    // A page of httpd knows no other kinds.
    if scene.model.roster.snapshot().is_some_and(|snapshot| snapshot.proxy.is_httpd()) {
        return vec![requests];
    }
    vec![requests, format!("{} streaming", busy.streaming), format!("{} upgraded", busy.upgraded)]
}

/// For how long sessions were watched.
fn observed(drain: &Drain, scene: Scene<'_>) -> String {
    if let (SessionsKnown::Observed, Some(window)) = (drain.sessions.known, drain.sessions.window_ms) {
        return words::age(std::time::Duration::from_millis(window));
    }
    let until = drain.sessions.unknown_until;
    let until = until.map(|at| words::minute(at, scene.model.clock.wall, &scene.look.zone));
    format!("a part of the window only{}", until.map_or(String::new(), |at| format!("; known at {at}")))
}

/// A label, a number, and how it was since the drain began.
fn counted(
    scene: Scene<'_>,
    drain: &Drain,
    (label, (count, role), series): (&str, (&str, Role), Series),
    room: usize,
) -> Line<'static> {
    let mut line = Line::from(vec![
        scene.span(Role::Faint, pad(label, LABEL, Align::Left)),
        scene.span(role, pad(count, 9, Align::Left)),
    ]);
    let columns = room.saturating_sub(LABEL + 9).min(60);
    let Some(past) = scene.model.gathered.past_of(&drains::target(drain)) else {
        let text = match &scene.model.gathered.past {
            // Whoever remembers no past is no reason for what is unknown now.
            Some(Err(why)) if scene.model.lacks(Ability::History).is_none() => cut(why, columns),
            _ => String::new(),
        };
        line.push_span(scene.span(Role::Faint, text));
        return line;
    };
    let from = past.place(drain.began).unwrap_or(0);
    let points: Vec<Option<u64>> = past.points(series).skip(from).map(|point| point.map(whole)).collect();
    let columns = columns.min(points.len());
    let top = points.iter().flatten().max().copied().unwrap_or(0);
    let span = points.len();
    let means = sparkline::means(points.into_iter(), span, columns);
    line.push_span(scene.span(Role::Accent, sparkline::line(&means, top)));
    line
}

/// How many sessions leave, by what was seen lately.
fn leaving(an_hour: u64) -> String {
    match an_hour {
        0 => "none is leaving".to_owned(),
        1 => "1 an hour leaves".to_owned(),
        more => format!("{} an hour leave", words::grouped(more)),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "such a cast ends at the ends of the range"
)]
fn whole(point: f64) -> u64 {
    point.ceil() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_leaves_is_counted_as_people_count() {
        for (an_hour, said) in [(0, "none is leaving"), (1, "1 an hour leaves"), (240, "240 an hour leave")] {
            assert_eq!(leaving(an_hour), said);
        }
    }
}
