//! What acts from the screen of all targets have changed, target by target, so that each can be taken back as one.

use evenkeel_protocol::Change;

use super::joint::{Joint, Wanted};
use crate::model::target::Target;
use crate::model::undo::Made;
use crate::model::{Model, form};

/// How many acts are remembered.
const KEPT: usize = 20;

/// What one act changed in one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The target, by its position.
    pub station: usize,
    /// The last change that this console had made there before.
    before: Option<Made>,
    /// The change; none: there was none, or its answer has not come.
    made: Option<Made>,
}

/// What one act changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// Whom it was about.
    pub target: Target,
    /// Its name among people.
    pub label: String,
    /// Where it was asked for.
    pub places: Vec<Place>,
}

impl Trace {
    /// Of an act that is asked for in these targets; nothing is answered yet.
    pub fn of(joint: &Joint, stations: &[Model]) -> Self {
        let place = |at: usize| {
            let before = stations.get(at).and_then(|station| station.own.last().cloned());
            Place { station: at, before, made: None }
        };
        let (target, label) = (joint.target.clone(), joint.label.clone());
        Self { target, label, places: joint.asked().map(place).collect() }
    }

    /// The act was done in the target at that position: what it changed is what is new there.
    pub fn done(&mut self, at: usize, station: &Model) {
        let place = self.places.iter_mut().find(|place| place.station == at && place.made.is_none());
        if let (Some(place), Some(last)) = (place, station.own.last()) {
            place.made =
                Some(last).filter(|last| !place.before.as_ref().is_some_and(|it| it.is(last))).cloned();
        }
    }

    /// Is there a target whose change this console still remembers as its own?
    pub fn is_left(&self, stations: &[Model]) -> bool {
        self.places.iter().any(|place| stations.get(place.station).is_some_and(|it| place.is_left(it)))
    }
}

impl Place {
    /// Is the change still to be taken back? Not if there was none, or if it was taken back in the target itself, from
    /// there or by somebody else.
    pub fn is_left(&self, station: &Model) -> bool {
        self.made.as_ref().is_some_and(|made| station.own.holds(made) && !is_as_before(made, station))
    }

    /// How the member is where the change is taken back, as far as it shows.
    pub fn wanted(&self) -> Wanted {
        let Some(Made::Member(done)) = &self.made else { return Wanted::Unseen };
        let before = |change: &Change| (change.field.clone(), change.before.clone());
        Wanted::Settings(done.changes.iter().map(before).collect())
    }

    /// Is the change the last that this console made there? Only the last can be taken back.
    pub fn is_last(&self, station: &Model) -> bool {
        self.made.as_ref().zip(station.own.last()).is_some_and(|(made, last)| made.is(last))
    }
}

/// Does the target show what it has shown before the change, and after it?
fn is_as_before(made: &Made, station: &Model) -> bool {
    let Made::Member(done) = made else { return false };
    let shown = station.roster.snapshot().and_then(|snapshot| done.target.find(snapshot));
    shown.is_some_and(|(_, member)| {
        let is_so = |change: &Change| form::value(member, &change.field).eq_ignore_ascii_case(&change.before);
        member.revision > done.revision && done.changes.iter().all(is_so)
    })
}

/// Remembers an act, the newest last.
pub fn remember(traces: &mut Vec<Trace>, trace: Trace) {
    if traces.len() == KEPT {
        traces.remove(0);
    }
    traces.push(trace);
}
