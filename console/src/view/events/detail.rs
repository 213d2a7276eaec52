//! One event in full: who did it and why, each value before and after, and what came of it. Nothing is cut.

use evenkeel_protocol::drain::with_why;
use evenkeel_protocol::{Change, Event, EventKind, Peer};
use ratatui::text::Line;

use super::describe;
use crate::model::act::or_none;
use crate::theme::Role;
use crate::view::Scene;
use crate::widget::text::{Align, pad, wrap};

/// The columns of a label and the blanks around it.
const LABEL: usize = 10;

/// The facts of `event`, wrapped into so many columns.
pub(super) fn lines(scene: Scene<'_>, event: &Event, columns: u16) -> Vec<Line<'static>> {
    let room = usize::from(columns).saturating_sub(LABEL + 1).max(1);
    let mut lines = Vec::new();
    for (label, text) in facts(&event.kind) {
        for (number, text) in wrap(&text, room).into_iter().enumerate() {
            let label = if number == 0 { format!(" {label}") } else { String::new() };
            let label = scene.span(Role::Faint, pad(&label, LABEL, Align::Left));
            lines.push(Line::from(vec![label, scene.span(Role::Text, text)]));
        }
    }
    lines
}

/// Each fact behind what it is.
fn facts(kind: &EventKind) -> Vec<(&'static str, String)> {
    match kind {
        EventKind::MemberEdited { changes, by, reason, durable, forced, undoes, .. }
        | EventKind::BalancerEdited { changes, by, reason, durable, forced, undoes, .. } => {
            let mut facts = circumstances(by.as_ref(), reason.as_deref());
            facts.extend(changed("changed", changes));
            let mut outcome = vec![lasting(*durable).to_owned()];
            outcome.extend(undoes.map(|event| format!("it undid event {event}")));
            outcome.extend(forced.then(|| "a guard was overridden".to_owned()));
            facts.push(("outcome", outcome.join("; ")));
            facts
        }
        EventKind::EditRefused(what) => {
            let mut facts = circumstances(what.by.as_ref(), what.reason.as_deref());
            facts.extend(changed("asked for", &what.changes));
            facts.push(("outcome", format!("refused: {}", what.message)));
            facts
        }
        EventKind::DrainBegan { until, timeout, settle, on_timeout, by, reason, durable, .. } => {
            let mut facts = circumstances(by.as_ref(), reason.as_deref());
            let deadline = match timeout.span() {
                Some(span) => format!("at most {span}, then {on_timeout}"),
                None => "without a deadline".to_owned(),
            };
            facts.push(("terms", format!("until {}, settled {settle}, {deadline}", until.typed())));
            facts.push(("outcome", format!("the drain was begun, {}", lasting(*durable))));
            facts
        }
        EventKind::DrainChanged { changes, by, reason, durable, .. } => {
            let mut facts = circumstances(by.as_ref(), reason.as_deref());
            facts.extend(changed("changed", changes));
            facts.push(("outcome", format!("the drain goes on, {}", lasting(*durable))));
            facts
        }
        EventKind::DrainEnded { outcome, why, by, .. } => {
            let mut facts: Vec<_> = by.iter().map(|by| ("who", by.to_string())).collect();
            facts.push(("outcome", format!("the drain ended, {}", with_why(&outcome.said(), why))));
            facts
        }
        EventKind::Reloaded { by: Some(by), .. } | EventKind::ReloadRefused { by: Some(by), .. } => {
            vec![("who", by.to_string()), ("outcome", describe(kind).2)]
        }
        _ => vec![("what", describe(kind).2)],
    }
}

fn circumstances(by: Option<&Peer>, reason: Option<&str>) -> Vec<(&'static str, String)> {
    let who = by.map_or_else(|| "somebody".to_owned(), Peer::to_string);
    let why = reason.map_or_else(|| "no reason was given".to_owned(), str::to_owned);
    vec![("who", who), ("why", why)]
}

/// A fact for each change, the label with the first of them.
fn changed(label: &'static str, changes: &[Change]) -> Vec<(&'static str, String)> {
    let told = |change: &Change| {
        let [before, after] = change.shown();
        format!("{} {} → {}", change.field, or_none(&before), or_none(&after))
    };
    let labels = std::iter::once(label).chain(std::iter::repeat(""));
    labels.zip(changes.iter().map(told)).collect()
}

fn lasting(durable: bool) -> &'static str {
    if durable { "kept over a restart" } else { "NOT kept over a restart" }
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::RefusedEdit;
    use evenkeel_protocol::refusal::Code;
    use evenkeel_protocol::reload::Subject;

    use super::*;
    use crate::model::sample;

    #[test]
    fn an_edit_is_told_with_all_that_is_known_of_it() {
        let told = facts(&sample::edited_event(1).kind);
        let labels: Vec<&str> = told.iter().map(|(label, _)| *label).collect();
        assert_eq!(labels, ["who", "why", "changed", "outcome"]);
        assert_eq!(told[0].1, "anna (1000)");
        assert_eq!((told[1].1.as_str(), told[2].1.as_str()), ("deploy 42", "drain Off → On"));
        assert_eq!(told[3].1, "kept over a restart");
    }

    #[test]
    fn a_refusal_is_told_to_its_end() {
        let target = sample::target("node1");
        let message = "it is the last usable member of the balancer; ".repeat(4);
        let told = facts(&EventKind::EditRefused(RefusedEdit {
            subject: Subject { balancer: target.balancer, member: Some(target.member) },
            changes: Vec::new(),
            code: Code::Guarded,
            message: message.clone(),
            by: None,
            reason: None,
        }));
        assert_eq!(told.last(), Some(&("outcome", format!("refused: {message}"))));
    }
}
