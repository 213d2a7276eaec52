//! What became of the last act in each target, in full, and the commands that do the same; below it the acts before it that
//! do not hold everywhere. What was not done says so first, and so does what a target has lost since.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::Whole;
use super::sheet::{self, Sheet};
use crate::ability::Ability;
use crate::door::Door;
use crate::keymap::Action;
use crate::model::batch::Outcome;
use crate::model::deck::joint::{Joint, Part, Scope, Share};
use crate::model::{Model, drains};
use crate::theme::Role;

/// The box.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, whole: Whole<'_>, page: usize) {
    let Some(joint) = whole.deck.joint() else { return };
    let room = sheet::room(area);
    let title = if joint.is_over() {
        joint.sentence()
    } else {
        format!("{} {}: waiting for answers", joint.verb, joint.label)
    };
    let role = if joint.is_partial() { Role::Alarm } else { Role::Accent };
    let shares = |joint: &Joint| -> Vec<Line<'static>> {
        joint.shares.iter().flat_map(|share| line(whole, (joint, share), room)).collect()
    };
    let mut lines = shares(joint);
    if !joint.commands.is_empty() {
        lines.push(Line::default());
        lines.extend(sheet::commands(whole, &joint.commands, room));
    }
    for before in whole.deck.noticed().filter(|before| !std::ptr::eq(*before, joint)) {
        lines.push(Line::default());
        let heading = format!("Before that: {}", before.sentence());
        lines.extend(sheet::marked(whole, ("", Role::Strong), (&heading, Role::Strong), room));
        lines.extend(shares(before));
    }
    let foot = foot(whole, joint);
    sheet::draw(buffer, area, whole, (Sheet { title, role, lines, foot }, page));
}

/// What can be done now.
fn foot(whole: Whole<'_>, joint: &Joint) -> Vec<String> {
    if !joint.is_over() {
        return vec!["Esc leaves this; it goes on".to_owned()];
    }
    let way = |action| whole.deck.keymap.way(action);
    let mut foot = vec!["Esc back".to_owned()];
    if whole.deck.is_undoable() {
        foot.push(format!("{} undoes", way(Action::Undo)));
    }
    match joint.commands.len() {
        0 => {}
        1 => foot.push(format!("{} copies it", way(Action::Yank))),
        _ => foot.push(format!("{} copies them", way(Action::Yank))),
    }
    if joint.is_partial() {
        let stays = (joint.tally().0 > 0).then(|| "what was done stays".to_owned());
        let told: Vec<String> = stays.into_iter().chain(asks_others(whole, joint)).collect();
        foot.push(told.join("; "));
    }
    foot
}

/// What asks those in which it does not hold, and when; none: nothing does.
fn asks_others(whole: Whole<'_>, joint: &Joint) -> Option<String> {
    let is_open = |share: &&Share| !share.holds() && share.part != Part::Absent && !is_beyond(whole, share);
    let mut open = joint.shares.iter().filter(is_open).peekable();
    open.peek()?;
    let holds_in_one = joint.tally().0 > 0;
    let way = |action| whole.deck.keymap.way(action);
    let last = whole.deck.traces.last().filter(|trace| trace.target == joint.target);
    let is_left_here = last.is_some_and(|trace| trace.is_left_here(&whole.deck.stations));
    let what = match joint.scope {
        Scope::Made if !is_left_here => return None,
        Scope::Made => way(Action::Undo),
        Scope::Lost => way(Action::Again),
        // What is taken away in one of them is asked for again by the key that has taken it away.
        Scope::Having if holds_in_one => match joint.clears() {
            None => "the same key".to_owned(),
            Some("drain") => format!(":undrain {}", joint.label),
            Some("disabled" | "stopped") => way(Action::Enable),
            Some(_) => return None,
        },
        Scope::Having => "the same key".to_owned(),
    };
    let whom = if holds_in_one { "the others" } else { "again" };
    let when = if open.any(|share| is_heard(whole, share)) { "" } else { " once they answer" };
    Some(format!("{what} asks {whom}{when}"))
}

/// Can nobody ask for it there, however often?
fn is_beyond(whole: Whole<'_>, share: &Share) -> bool {
    let Some(station) = whole.deck.stations.get(share.station) else { return true };
    let Part::Barred(why) = &share.part else { return false };
    station.door == Door::ReadSocket
        || Ability::ALL.iter().any(|ability| station.lacks(*ability) == Some(why.as_str()))
}

/// One target, with its name in front.
fn line(whole: Whole<'_>, (joint, share): (&Joint, &Share), room: usize) -> Vec<Line<'static>> {
    let (is_done, now) = (share.is_done(), || how_it_is(whole, (joint, share)));
    let late = came_of_deadline(whole, (joint, share)).filter(|_| is_done && share.lost.is_none());
    let (mark, role, text) = match (&share.part, share.lost) {
        _ if late.is_some() => ("▲ ", Role::Warning, late.unwrap_or_default()),
        (_, Some(why)) => {
            let way = again(whole, joint);
            ("▲ ", Role::Alarm, format!("LOST since it was done: {why}; {way} sets it again"))
        }
        _ if is_done && !share.holds() => {
            ("▲ ", Role::Alarm, format!("it was done, and is so no more; now: {}", now()))
        }
        (Part::Act(Outcome::Refused(why)) | Part::Barred(why), _) if share.holds() => {
            ("✓ ", Role::Good, format!("it is so now ({}); from here NOT done: {why}", now()))
        }
        (Part::Act(Outcome::Waiting | Outcome::Sent(_)), _) => {
            ("… ", Role::Accent, "waiting for its answer".to_owned())
        }
        (Part::Act(Outcome::Done(text)), _) => ("✓ ", Role::Good, text.clone()),
        (Part::Act(Outcome::Loose(text)), _) => ("▲ ", Role::Warning, text.clone()),
        (Part::Act(Outcome::Refused(why)) | Part::Barred(why), _) if !is_heard(whole, share) => {
            ("▲ ", Role::Alarm, format!("NOT done: {why}"))
        }
        (Part::Act(Outcome::Refused(why)), _) => {
            ("▲ ", Role::Alarm, format!("NOT done: {why}; now: {}", now()))
        }
        // What kept it from being asked may be over.
        (Part::Barred(why), _) => ("▲ ", Role::Alarm, format!("NOT done then: {why}; now: {}", now())),
        (Part::Spared(words), _) => ("✓ ", Role::Good, format!("it was so already ({words})")),
        (Part::Absent, _) => ("· ", Role::Faint, "has no such member".to_owned()),
    };
    let text_role = if role == Role::Good { Role::Text } else { role };
    let name = format!("{}:", whole.name(share.station));
    let mut lines = sheet::marked(whole, (mark, role), (&format!("{name} {text}"), text_role), room);
    embolden(whole, &mut lines, &name);
    lines
}

/// What the deadline of the drain that the act began has done there, and how the member is now; none: it has not passed.
fn came_of_deadline(whole: Whole<'_>, (joint, share): (&Joint, &Share)) -> Option<String> {
    let snapshot = whole.deck.stations.get(share.station)?.roster.snapshot();
    let outcome = drains::of(snapshot, &joint.target).filter(|_| share.has_drained())?.outcome?;
    let came = outcome.came_of_deadline()?;
    let label = &joint.label;
    Some(if is_heard(whole, share) {
        format!("{label} {came}; now: {}", how_it_is(whole, (joint, share)))
    } else {
        format!("{label} {came}")
    })
}

/// What sets again what was lost of it. The key means the last act; an older one is named.
fn again(whole: Whole<'_>, joint: &Joint) -> String {
    if whole.deck.joint().is_some_and(|last| last.target == joint.target) {
        return whole.deck.keymap.way(Action::Again);
    }
    format!(":again {}", joint.label)
}

/// Does the target tell how things are there now?
fn is_heard(whole: Whole<'_>, share: &Share) -> bool {
    whole.deck.stations.get(share.station).is_some_and(Model::is_connected)
}

/// How the member is in a target.
fn how_it_is(whole: Whole<'_>, (joint, share): (&Joint, &Share)) -> String {
    let member = whole.deck.member(share.station, &joint.target);
    member.map_or_else(|| "not there".to_owned(), |member| member.words.clone())
}

/// The name stands out where it was not broken.
fn embolden(whole: Whole<'_>, lines: &mut [Line<'static>], name: &str) {
    let Some(Line { spans, .. }) = lines.first_mut() else { return };
    let Some(Span { content, style }) = spans.get(1).cloned() else { return };
    if let Some(rest) = content.strip_prefix(name) {
        spans.truncate(1);
        spans.push(whole.span(Role::Strong, name.to_owned()));
        spans.push(Span::styled(rest.to_owned(), style));
    }
}
