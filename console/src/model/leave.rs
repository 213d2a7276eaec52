//! The question whether to end the console while a deadline depends on it: an httpd keeps none, so that nobody acts at it
//! then.

use std::time::Duration;

use evenkeel_protocol::sentence::length;
use evenkeel_protocol::{Drain, OnTimeout};

use crate::ability::Ability;
use crate::model::Model;
use crate::model::drains::{at_the_deadline, running, target};

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

/// `lb2: app/node1 in 9min: stop it; requests in flight may finish`.
fn undone(station: &Model) -> impl Iterator<Item = String> {
    let snapshot = station.roster.snapshot().filter(|_| station.lacks(Ability::Jobs).is_some());
    let name = station.station.as_ref().map_or_else(String::new, |name| format!("{name}: "));
    running(snapshot).filter(|drain| drain.on_timeout != OnTimeout::Fail).filter_map(move |drain: &Drain| {
        let left = length(Duration::from_millis(drain.left_ms?));
        let (label, what) = (target(drain).label(snapshot), at_the_deadline(drain.on_timeout));
        Some(format!("{name}{label} in {left}: {what}"))
    })
}
