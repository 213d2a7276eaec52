//! The question whether to end the console while a deadline depends on it: an httpd keeps none, so that nobody acts at it
//! then.

use std::time::Duration;

use evenkeel_protocol::sentence::length;
use evenkeel_protocol::{Drain, OnTimeout};

use crate::ability::Ability;
use crate::model::Model;
use crate::model::act::Act;
use crate::model::drains::{Drainage, at_the_deadline, running, target};

/// The question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leave {
    /// What would not be done, a line each.
    pub undone: Vec<String>,
    /// Has it been on the screen? An answer typed ahead of the question is not an answer.
    pub seen: bool,
}

impl Leave {
    /// What the end of the console would leave undone in these targets; none: nothing.
    pub fn of(stations: &[Model]) -> Option<Self> {
        let undone: Vec<String> = stations.iter().flat_map(undone).collect();
        (!undone.is_empty()).then_some(Self { undone, seen: false })
    }
}

/// `lb2: app/node1 in 9 min: stop it; requests in flight may finish`, also of a drain that is not shown yet.
fn undone(station: &Model) -> impl Iterator<Item = String> {
    let is_kept_here = station.lacks(Ability::Jobs).is_some();
    let snapshot = station.roster.snapshot().filter(|_| is_kept_here);
    let name = station.station.as_ref().map_or_else(String::new, |name| format!("{name}: "));
    let shown = running(snapshot).filter_map(move |drain: &Drain| {
        let left = Duration::from_millis(drain.left_ms?);
        Some((target(drain).label(snapshot), left, drain.on_timeout))
    });
    let sent = station.pending.sent().filter(move |_| is_kept_here).filter_map(|sent| {
        let Act::Drain(Drainage::Begin(order)) = &sent.act else { return None };
        Some((sent.label.clone(), order.timeout?.span()?.duration(), order.on_timeout?))
    });
    let acts = shown.chain(sent).filter(|(.., on_timeout)| *on_timeout != OnTimeout::Fail);
    acts.map(move |(label, left, on_timeout)| {
        format!("{name}{label} in {}: {}", length(left), at_the_deadline(on_timeout))
    })
}
