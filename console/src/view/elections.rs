//! The last elections: who was elected, why, and what came of it, in plain words.

use evenkeel_protocol::{ElectionNote, Snapshot};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

use super::labels::{Labels, bare};
use super::{Scene, words};
use crate::model::Screen;
use crate::model::elections::{Whose, called, reason};
use crate::model::lens::shortened;
use crate::theme::Role;
use crate::widget::abridge::telling;
use crate::widget::text::{Align, cut, pad, wrap, wrap_within};

/// The columns of all but the member and why.
const OTHERS: usize = 31;

/// The screen.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, scene: Scene<'_>) {
    let [top, titles, body] =
        Layout::vertical([Constraint::Length(1), Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    buffer.set_line(top.x, top.y, &shown(scene, top.width), top.width);
    let heads = format!(
        " {}  {}  {}  {}  Why",
        pad("Time", 8, Align::Left),
        pad("Member", labels(scene, area.width).columns, Align::Left),
        pad("Code", 4, Align::Left),
        pad("Took", 6, Align::Right)
    );
    buffer.set_stringn(titles.x, titles.y, heads, usize::from(titles.width), scene.style(Role::Faint));
    rows(buffer, body, scene, scene.model.watching.from);
}

/// What is shown, and of how many.
fn shown(scene: Scene<'_>, columns: u16) -> Line<'static> {
    let watching = &scene.model.watching;
    let mut only: Vec<String> = Vec::new();
    match watching.whose() {
        Whose::All => {}
        Whose::Balancer(name) => only.push(name.url()),
        Whose::Member(_) | Whose::Route(_) => only.push(watching.subject().to_owned()),
        Whose::Session(cookie) => {
            let cookies: Vec<String> = cookie.split("; ").map(shortened).collect();
            only.push(format!("session {}", cookies.join("; ")));
        }
    }
    if watching.failovers {
        only.push("failovers".to_owned());
    }
    if watching.route_changes {
        only.push("route changes".to_owned());
    }
    let only = if only.is_empty() { " all ".to_owned() } else { format!(" only {} ", only.join(", ")) };
    let known = match &scene.model.gathered.elections {
        Some(Ok(found)) => format!(
            "{} of the last {}; {} since the proxy started",
            found.elections.len(),
            words::grouped(found.kept),
            words::grouped(found.total)
        ),
        _ => String::new(),
    };
    let room = usize::from(columns).saturating_sub(known.len() + 2);
    Line::from(vec![scene.span(Role::Accent, cut(&only, room)), scene.span(Role::Faint, format!(" {known}"))])
}

/// How many rows there are to draw, or to say why there are none.
pub(super) fn rows_wanted(scene: Scene<'_>, columns: u16) -> u16 {
    let count = match &scene.model.gathered.elections {
        Some(Ok(found)) => found.elections.len().max(1),
        Some(Err(why)) => wrap(why, text_room(columns)).len(),
        None => 1,
    };
    u16::try_from(count).unwrap_or(u16::MAX)
}

/// The columns of what is said in their place.
fn text_room(columns: u16) -> usize {
    usize::from(columns).saturating_sub(2)
}

/// The rows, the newest first, or why there are none.
pub(super) fn rows(buffer: &mut Buffer, area: Rect, scene: Scene<'_>, from: usize) {
    let say = |buffer: &mut Buffer, role: Role, text: &str| {
        for (text, row) in
            wrap_within(text, text_room(area.width), usize::from(area.height)).iter().zip(area.rows())
        {
            buffer.set_string(row.x + 1, row.y, text, scene.style(role));
        }
    };
    match &scene.model.gathered.elections {
        None => say(buffer, Role::Faint, "asking the proxy …"),
        Some(Err(why)) => say(buffer, Role::Warning, why),
        Some(Ok(found)) if found.elections.is_empty() => {
            let whose = (&scene.model.screen, scene.model.watching.whose());
            let why = match whose {
                (Screen::Elections, Whose::Session(value)) if !value.contains('=') => {
                    "no member is called so, and the proxy keeps no election of such a session"
                }
                _ => "none among those that the proxy keeps",
            };
            say(buffer, Role::Faint, why);
        }
        Some(Ok(found)) => {
            let labels = labels(scene, area.width);
            for (note, row) in found.elections.iter().rev().skip(from).zip(area.rows()) {
                buffer.set_line(row.x, row.y, &line(scene, (note, &labels), row.width), row.width);
            }
        }
    }
}

/// The member of an election, if it has one.
fn key(snapshot: Option<&Snapshot>, note: &ElectionNote) -> Option<String> {
    let member = note.member.as_ref()?;
    Some(format!("{}/{}", note.balancer, called(snapshot, note, member)))
}

/// Their members, in as many columns as tell them apart, if that leaves room to say why.
fn labels(scene: Scene<'_>, columns: u16) -> Labels {
    let snapshot = scene.model.roster.snapshot();
    let found = scene.model.gathered.elections.as_ref().and_then(|found| found.as_ref().ok());
    let notes = found.iter().flat_map(|found| &found.elections);
    let listed: Vec<String> = notes.filter_map(|note| key(snapshot, note)).collect();
    let usual = (usize::from(columns) / 5).clamp(10, 26);
    let most = usize::from(columns).saturating_sub(OTHERS) * 3 / 5;
    Labels::of(snapshot, &listed, bare, |names| telling(names).min(most).max(usual))
}

fn line(scene: Scene<'_>, (note, labels): (&ElectionNote, &Labels), columns: u16) -> Line<'static> {
    let snapshot = scene.model.roster.snapshot();
    let time = words::time(note.at, scene.model.clock.wall, &scene.look.zone);
    let name = labels.columns;
    let member = key(snapshot, note);
    let member = member.as_ref().map_or("nobody", |key| labels.get(key));
    let failed = note.failed.is_some() || note.member.is_none();
    let role = if failed {
        Role::Alarm
    } else if note.failover.is_some() || note.route_changed {
        Role::Warning
    } else {
        Role::Text
    };
    let mark = match role {
        Role::Alarm => '▲',
        Role::Warning => '↻',
        _ => ' ',
    };
    let (code, took) = if note.status.is_none() && !failed {
        (String::new(), pad("in flight", 12, Align::Right))
    } else {
        let code = note.status.map_or_else(|| "-".to_owned(), |status| status.to_string());
        (pad(&code, 6, Align::Left), pad(&words::latency(note.micros), 6, Align::Right))
    };
    let code_role = if note.status.is_some_and(|status| status >= 500) { Role::Alarm } else { Role::Text };
    let room = usize::from(columns).saturating_sub(name + OTHERS);
    Line::from(vec![
        scene.span(Role::Faint, format!(" {time}  ")),
        scene.span(role, pad(member, name + 2, Align::Left)),
        scene.span(code_role, code),
        scene.span(Role::Faint, took),
        scene.span(role, format!(" {mark} ")),
        Span::styled(cut(&reason(snapshot, note), room), scene.style(Role::Text)),
    ])
}

#[cfg(test)]
mod tests {
    use super::super::tests::drawn;
    use crate::model::sample;
    use crate::update::hands::press;

    #[test]
    fn a_member_can_be_known_at_80_columns_and_is_called_the_same_whoever_else_is_listed() {
        let mut snapshot = sample::snapshot(62);
        let pattern = snapshot.balancers[0].members[0].clone();
        let route = |at: usize| format!("node-{}.rack-{:02}.slot-{}.prod", at % 3, at % 50, at % 7);
        let member = |at: usize| {
            let mut member = pattern.clone();
            member.name = format!("http://10.0.{}.{}:8080", at / 100, at % 100).parse().unwrap();
            member.route = route(at).parse().unwrap();
            member
        };
        snapshot.balancers[0].members = (0..300).map(member).collect();
        let mut model = sample::model(80, 24);
        model.roster.hear(snapshot, model.clock.running);
        press(&mut model, "5");
        let mut note = sample::elections(0).elections.swap_remove(1);
        let mut shown = |model: &mut crate::model::Model, members: &[usize]| {
            let mut found = sample::elections(0);
            found.elections = members
                .iter()
                .map(|at| {
                    note.member = Some(member(*at).name);
                    note.clone()
                })
                .collect();
            model.gathered.elections = Some(Ok(found));
            drawn(model)
        };
        let known = "node-2.rack-17.slot-3";
        for members in [&[17][..], &[17, 18, 167], &[1, 2, 3, 17]] {
            let drawn = shown(&mut model, members);
            assert!(drawn.contains(known), "{drawn}");
        }
        model.size.width = 60;
        for members in [&[17][..], &[17, 18, 167], &[1, 2, 3, 17]] {
            let drawn = shown(&mut model, members);
            assert!(drawn.contains("#18 "), "{drawn}");
        }
    }

    #[test]
    fn what_is_not_over_is_said_to_be_in_flight() {
        let mut model = sample::model(80, 24);
        press(&mut model, "5");
        let mut elections = sample::elections(0);
        for note in &mut elections.elections {
            note.member = note.member.take().or_else(|| Some(sample::target("node1").member));
            (note.status, note.failed, note.micros) = (None, None, 0);
        }
        let count = elections.elections.len();
        model.gathered.elections = Some(Ok(elections));
        let drawn = drawn(&model);
        assert_eq!(drawn.matches("     in flight   its").count(), count - 2, "{drawn}");
        assert!(!drawn.contains("0us"), "{drawn}");
    }
}
