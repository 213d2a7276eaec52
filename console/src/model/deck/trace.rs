//! What acts from the screen of all targets have changed, target by target, so that each can be taken back as one.

use evenkeel_protocol::{Change, Timestamp};

use super::joint::{Joint, Wanted};
use crate::ability::Ability;
use crate::model::target::Target;
use crate::model::undo::{Done, Made, Moved, Tuned};
use crate::model::{Model, command};
use crate::shell;

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
    /// When the proxy was started that made it.
    run: Option<Timestamp>,
    /// Is the number of the change known to another run of the proxy too?
    is_kept: bool,
}

/// What is left to be taken back in a target, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    /// Nothing: there was no change, or it was taken back.
    Nothing,
    /// The change, from here.
    Change,
    /// The change, by that command only: the proxy was restarted since, and what a console knows of its own ends with that.
    ByCommand(String),
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
            Place { station: at, before, made: None, run: None, is_kept: false }
        };
        let (target, label) = (joint.target.clone(), joint.label.clone());
        Self { target, label, places: joint.asked().map(place).collect() }
    }

    /// The act was done in the target at that position, and a restart does not take that away if it `is_kept`: what it
    /// changed is what is new there.
    pub fn done(&mut self, at: usize, station: &Model, is_kept: bool) {
        let place = self.places.iter_mut().find(|place| place.station == at && place.made.is_none());
        if let (Some(place), Some(last)) = (place, station.own.last()) {
            place.made =
                Some(last).filter(|last| !place.before.as_ref().is_some_and(|it| it.is(last))).cloned();
            place.run = station.roster.snapshot().map(|snapshot| snapshot.proxy.started);
            place.is_kept = is_kept;
        }
    }

    /// Is there a target in which something is left to be taken back?
    pub fn is_left(&self, stations: &[Model]) -> bool {
        self.places.iter().any(|place| stations.get(place.station).is_some_and(|it| place.is_left(it)))
    }

    /// Is there one in which that can be done from here?
    pub fn is_left_here(&self, stations: &[Model]) -> bool {
        let left = |place: &Place| stations.get(place.station).map(|station| place.left(station));
        self.places.iter().any(|place| left(place) == Some(Left::Change))
    }
}

impl Place {
    /// What is left to be taken back. Nothing, if it was taken back in the target itself, from there or by somebody else,
    /// or if a restart has lost it.
    pub fn left(&self, station: &Model) -> Left {
        let Some(made) = &self.made else { return Left::Nothing };
        let run = station.roster.snapshot().map(|snapshot| snapshot.proxy.started);
        if run.is_none() || run == self.run {
            let is_left = station.own.holds(made) && !self.is_taken_back(made, station);
            return if is_left { Left::Change } else { Left::Nothing };
        }
        if self.is_as_before(made, station) {
            return Left::Nothing;
        }
        self.command(made, station).map_or(Left::Nothing, Left::ByCommand)
    }

    /// Is anything left to be taken back?
    pub fn is_left(&self, station: &Model) -> bool {
        self.left(station) != Left::Nothing
    }

    /// How the member is where the change is taken back, as far as it shows.
    pub fn wanted(&self) -> Wanted {
        match &self.made {
            Some(Made::Member(done)) => {
                let before = |change: &Change| (change.field.clone(), change.before.clone());
                Wanted::Settings(done.changes.iter().map(before).collect())
            }
            Some(Made::Roster(Moved { line: Some(_), .. })) => Wanted::There,
            Some(Made::Roster(_)) => Wanted::Gone,
            Some(Made::Balancer(_)) | None => Wanted::Unseen,
        }
    }

    /// Is the change the last that this console made there? Only the last can be taken back.
    pub fn is_last(&self, station: &Model) -> bool {
        self.made.as_ref().zip(station.own.last()).is_some_and(|(made, last)| made.is(last))
    }

    /// Does the target show what it has shown before the change, and after it?
    fn is_taken_back(&self, made: &Made, station: &Model) -> bool {
        let Made::Member(done) = made else { return false };
        let shown = station.roster.snapshot().and_then(|snapshot| done.target.find(snapshot));
        shown.is_some_and(|(_, member)| member.revision > done.revision) && self.is_as_before(made, station)
    }

    fn is_as_before(&self, made: &Made, station: &Model) -> bool {
        let target = match made {
            Made::Member(Done { target, .. }) | Made::Roster(Moved { target, .. }) => target,
            Made::Balancer(_) => return false,
        };
        let snapshot = station.roster.snapshot();
        snapshot.is_some_and(|snapshot| self.wanted().holds(target, snapshot) == Some(true))
    }

    /// The command that takes it back in another run of the proxy: by its number, where that still means it.
    fn command(&self, made: &Made, station: &Model) -> Option<String> {
        let is_numbered = self.is_kept && station.lacks(Ability::Undo).is_none();
        let line = match made {
            Made::Member(done) => {
                let done = Done { event: done.event.filter(|_| is_numbered), ..done.clone() };
                let (subject, act) = done.inverse().ok()?;
                command::line(&act, &subject.label, None)
            }
            Made::Roster(Moved { event, .. }) | Made::Balancer(Tuned { event, .. }) => {
                format!("evenkeel undo {}", event.filter(|_| is_numbered)?)
            }
        };
        Some(shell::at(&line, &station.words))
    }
}

/// Remembers an act, the newest last.
pub fn remember(traces: &mut Vec<Trace>, trace: Trace) {
    if traces.len() == KEPT {
        traces.remove(0);
    }
    traces.push(trace);
}
