//! The list of drains, a line each: what must never be cut is the answer.

use evenkeel_protocol::{Drain, DrainOutcome, Event, EventKind, SessionsKnown, Timestamp};
use ratatui::text::{Line, Span};

use super::{answer, burndown, left, outcome_words, verdict_of};
use crate::model::drains::{self, Verdict};
use crate::model::log::Log;
use crate::theme::Role;
use crate::view::labels::Labels;
use crate::view::{Scene, words};
use crate::widget::text::{Align, cut, pad, width};

/// The columns of an answer in the list, where none takes more.
const ANSWER: usize = 18;

/// A line for each: `◐ app/node1   NOT YET   06:52  17 sessions  4 in flight`.
pub(in crate::view) fn listing(scene: Scene<'_>, drains: &[&Drain], columns: u16) -> Vec<Line<'static>> {
    let snapshot = scene.model.roster.snapshot();
    let labels: Vec<String> = drains.iter().map(|drain| drains::target(drain).label(snapshot)).collect();
    let answers: Vec<(Role, String)> = drains.iter().map(|drain| answer_in_list(scene, drain)).collect();
    let longest = answers.iter().map(|(_, said)| width(said)).max().unwrap_or(0).max(ANSWER);
    // A name can be told by less of it, an answer cannot.
    let name = (usize::from(columns) / 4).saturating_sub(longest - ANSWER).clamp(12, 30);
    let time = drains.iter().map(|drain| width(&left_in_short(scene, drain))).max().unwrap_or(0);
    let fitting = Labels::of(snapshot, &labels, |label| label, |_| name);
    let lines = drains.iter().zip(&labels).zip(answers);
    lines
        .map(|((drain, label), (role, said))| {
            let label = pad(fitting.get(label), name, Align::Left);
            let said = scene.span(role, pad(&said, longest + 1, Align::Left));
            list_line(scene, (drain, &label, said), (time, columns))
        })
        .collect()
}

/// The answer of a drain among others; of one that a later one follows how it ended.
fn answer_in_list(scene: Scene<'_>, drain: &Drain) -> (Role, String) {
    match (verdict_of(scene, drain), drain.outcome) {
        (Verdict::Past(_), Some(outcome)) => (Role::Text, cut(outcome_words(outcome), ANSWER)),
        _ => answer(scene, drain),
    }
}

/// The countdown of a drain that has one.
fn left_in_short(scene: Scene<'_>, drain: &Drain) -> String {
    left(scene, drain).map_or_else(|| "-".to_owned(), words::countdown)
}

fn list_line(
    scene: Scene<'_>,
    (drain, label, said): (&Drain, &str, Span<'static>),
    (time, columns): (usize, u16),
) -> Line<'static> {
    let verdict = verdict_of(scene, drain);
    let facts = if matches!(verdict, Verdict::Past(_) | Verdict::Over(_) | Verdict::Unwatched) {
        // What is counted now is not this one's.
        let time = |at| words::time(at, scene.model.clock.wall, &scene.look.zone).trim().to_owned();
        since(scene, drain, &verdict).map(time).into_iter().collect()
    } else {
        let left = pad(&left_in_short(scene, drain), time, Align::Right);
        vec![left, sessions_in_short(drain), format!("{} in flight", busy_in_short(scene, drain))]
    };
    let shape = if drain.is_running() { "◐" } else { "·" };
    let room = usize::from(columns).saturating_sub(width(label) + said.width() + 5);
    Line::from(vec![
        scene.span(Role::Warning, format!("  {shape} ")),
        scene.span(Role::Text, format!("{label} ")),
        said,
        scene.span(Role::Text, cut(&facts.join("  "), room)),
    ])
}

/// Since when it is as the verdict has it; none: nobody knows. What became of the member after the drain has a time of
/// its own.
fn since(scene: Scene<'_>, drain: &Drain, verdict: &Verdict) -> Option<Timestamp> {
    match verdict {
        Verdict::Over(outcome) if drain.outcome == Some(*outcome) => drain.ended,
        Verdict::Over(DrainOutcome::Cleared) => taken_back(&scene.model.log, drain),
        Verdict::Over(_) => None,
        Verdict::Unwatched => drain.ended.filter(|_| !drain.let_go),
        _ => drain.ended,
    }
}

/// When N of a drain's member was cleared last, as far as the events go back.
fn taken_back(log: &Log, drain: &Drain) -> Option<Timestamp> {
    let clears = |event: &&Event| match &event.kind {
        EventKind::MemberEdited { changes, .. } => {
            changes.iter().any(|change| change.field == "drain" && change.after == "Off")
        }
        _ => false,
    };
    let cleared = log.about(&drains::target(drain)).find(clears)?;
    Some(cleared.at).filter(|at| *at >= drain.began)
}

/// `4`, or with what is in flight at the same process in other balancers `4+2`.
fn busy_in_short(scene: Scene<'_>, drain: &Drain) -> String {
    let snapshot = scene.model.roster.snapshot();
    let counted = |busy: Option<u64>| busy.map_or_else(|| "?".to_owned(), |busy| busy.to_string());
    let own = counted(drains::in_flight(drain, snapshot));
    match drains::in_flight_elsewhere(drain, snapshot) {
        Some(0) => own,
        others => format!("{own}+{}", counted(others)),
    }
}

fn sessions_in_short(drain: &Drain) -> String {
    match (drain.sessions.known, drain.sessions.live) {
        (SessionsKnown::NotSticky | SessionsKnown::NoRoute, _) => "no sessions".to_owned(),
        (SessionsKnown::Observed, Some(live)) => words::counted(live, "session"),
        _ => burndown::live(&drain.sessions)
            .map_or_else(|| "sessions unknown".to_owned(), |live| format!("{live} sessions")),
    }
}
