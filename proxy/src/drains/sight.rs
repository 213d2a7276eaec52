//! The ticker: looks at every member that is drained, tells its phase, and ends what has come to its end.
//!
//! It runs on the control thread and never waits for a disk: what has to be edited or written is handed on.

use std::collections::HashMap;
use std::sync::Arc;

use evenkeel_balancer::Standing;
use evenkeel_protocol::{
    BalancerName, Change, DrainOutcome, EventKind, MemberAddition, MemberName, MemberRemoval, Moment,
    OnTimeout, Peer, Timestamp,
};
use tokio::time::{MissedTickBehavior, interval};

use super::job::{End, Job};
use super::seen::{Processes, Seen};
use super::{Drains, sessions, words};
use crate::live::LiveBalancer;
use crate::{clock, limits};

/// What follows from a look at one job.
enum Follows {
    Nothing,
    Told(EventKind),
    Ended(End),
    /// Somebody else has cleared N, or stopped the member.
    Overtaken(DrainOutcome),
    /// The member is gone, and this was there last.
    Gone(String),
    /// The deadline has passed, and something is to be done about it.
    Acts,
}

/// Looks at all drains for as long as it is polled; sleeps while there are none.
pub(crate) async fn run(drains: Arc<Drains>) {
    let mut ticks = interval(limits::DRAIN_LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut saved = clock::now();
    loop {
        if drains.jobs().all().next().is_none() {
            drains.begun.notified().await;
        }
        ticks.tick().await;
        drains.look();
        for number in drains.late() {
            let drains = Arc::clone(&drains);
            tokio::task::spawn_blocking(move || drains.act(number));
        }
        drains.tell_overdue();
        let now = clock::now();
        if drains.is_save_due(now.since(saved)) {
            saved = now;
            drains.save_later();
        }
    }
}

impl Drains {
    /// Looks at all members, and ends what has come to its end.
    pub(super) fn look(&self) {
        if self.jobs().all().next().is_none() {
            return;
        }
        // Before anything is said of what was seen.
        self.registry.awake();
        let (roster, vacant) = (self.registry.balancers(), self.registry.vacant());
        let balancers: HashMap<&BalancerName, &LiveBalancer> =
            roster.iter().map(|live| (&live.name, &**live)).collect();
        let at = (clock::now(), clock::wall());
        let follows: Vec<(u64, Follows)> = {
            let mut jobs = self.jobs();
            let members: Vec<MemberName> = jobs.all().map(|job| job.member.clone()).collect();
            let processes = Processes::of(&members, roster.iter().chain(&vacant));
            let all = jobs.all_mut();
            all.map(|job| (job.number, job.look(balancers.get(&job.balancer).copied(), &processes, at)))
                .collect()
        };
        for (number, follows) in follows {
            match follows {
                Follows::Nothing => {}
                Follows::Told(event) => {
                    self.registry.events().publish(event);
                }
                Follows::Ended(end) => self.end(number, end),
                Follows::Overtaken(outcome) => {
                    let (why, by) = self.overtaken(number, outcome);
                    self.end(number, End::now(outcome, why, by));
                }
                Follows::Gone(there) => {
                    let (why, by) = self.removed(number);
                    self.end(number, End::now(DrainOutcome::MemberGone, format!("{why}; {there}"), by));
                }
                Follows::Acts => {
                    if let Some(job) = self.jobs().get_mut(number) {
                        job.late = true;
                    }
                }
            }
        }
    }

    /// The jobs on whose deadline somebody has to act; from now on that is the caller.
    pub(super) fn late(&self) -> Vec<u64> {
        let mut jobs = self.jobs();
        let late = jobs.all_mut().filter(|job| job.late && job.is_running() && !job.acting);
        late.map(|job| {
            job.acting = true;
            job.number
        })
        .collect()
    }

    /// Who has cleared N or stopped the member: in a sentence and as such, if the log of events still knows.
    fn overtaken(&self, number: u64, outcome: DrainOutcome) -> (String, Option<Peer>) {
        let (field, value, what) = match outcome {
            DrainOutcome::StoppedMeanwhile => ("stopped", "On", "the member was stopped"),
            _ => ("drain", "Off", "new sessions come again: drain was cleared"),
        };
        let target = self.jobs().get(number).map(|job| (job.balancer.clone(), job.member.clone()));
        let Some((balancer, member)) = target else { return (what.to_owned(), None) };
        let last = self.registry.events().find_last(|event| match &event.kind {
            EventKind::MemberEdited { balancer: whose, member: which, changes, .. } => {
                *whose == balancer && *which == member && changes.iter().any(|change| change.field == field)
            }
            _ => false,
        });
        match last.map(|event| event.kind) {
            Some(EventKind::MemberEdited { changes, by, reason, .. })
                if changes.iter().any(|change| change.field == field && change.after == value) =>
            {
                (words::done_by(what, by.as_ref(), reason.as_deref()), by)
            }
            _ => (format!("{what} by the configuration"), None),
        }
    }
}

impl Drains {
    /// Who has removed the member, or that the configuration has it no more.
    fn removed(&self, number: u64) -> (String, Option<Peer>) {
        let what = "the member was removed";
        let target = self.jobs().get(number).map(|job| (job.balancer.clone(), job.member.clone(), job.began));
        let Some((balancer, member, began)) = target else { return (what.to_owned(), None) };
        let is_it = |change: &Change| {
            let is_gone = change.field == MemberRemoval::FIELD && change.after.is_empty();
            is_gone && MemberAddition::of_line(&change.before).url == member.as_str()
        };
        let last = self.registry.events().find_last(|event| match &event.kind {
            EventKind::BalancerEdited { balancer: whose, changes, .. } => {
                event.at >= began && *whose == balancer && changes.iter().any(is_it)
            }
            _ => false,
        });
        match last.map(|event| event.kind) {
            Some(EventKind::BalancerEdited { by, reason, .. }) => {
                (words::done_by(what, by.as_ref(), reason.as_deref()), by)
            }
            _ => ("the configuration has the member no more".to_owned(), None),
        }
    }
}

impl Job {
    /// Looks at the member, in its balancer if that is still there.
    fn look(
        &mut self,
        live: Option<&LiveBalancer>,
        processes: &Processes<'_>,
        at: (Moment, Timestamp),
    ) -> Follows {
        if self.end.as_ref().is_some_and(|end| end.outcome == DrainOutcome::MemberGone) {
            // Who is back under that name is another member.
            return Follows::Nothing;
        }
        let target = (&self.member, processes.of_member(&self.member));
        let seen = live.and_then(|live| {
            let mut seen = Seen::of(live, target, self.seen.as_ref(), at.0)?;
            self.sessions_until = sessions::held(live, &mut seen.own.sessions, self.sessions_until, at);
            Some(seen)
        });
        let Some(seen) = seen else {
            let follows = if self.is_running() && !self.acting {
                Follows::Gone(words::was_there(&self.show(at.0, at.1)))
            } else {
                Follows::Nothing
            };
            self.seen = None;
            return follows;
        };
        let sight = seen.sight();
        let (draining, stopped) = (seen.own.look.draining, seen.own.look.stopped);
        let stopped_before = *self.stopped_before.get_or_insert(stopped);
        self.seen = Some(seen);
        let standing = self.watch.look(sight, at.0);
        if !self.is_running() || self.acting {
            // It is looked at all the same, so that what it says of now stays true.
            return Follows::Nothing;
        }
        if !draining {
            return Follows::Overtaken(DrainOutcome::Cleared);
        }
        if stopped && !stopped_before {
            return Follows::Overtaken(DrainOutcome::StoppedMeanwhile);
        }
        self.follows(standing, at)
    }

    fn follows(&mut self, standing: Standing, (now, wall): (Moment, Timestamp)) -> Follows {
        match standing {
            Standing::Waits(phase) if phase == self.phase => Follows::Nothing,
            Standing::Waits(phase) => {
                self.phase = phase;
                if !self.is_news(phase, now) {
                    return Follows::Nothing;
                }
                Follows::Told(EventKind::DrainPhase {
                    drain: self.number,
                    balancer: self.balancer.clone(),
                    member: self.member.clone(),
                    phase,
                    why: words::waits_for(&self.show(now, wall), wall),
                })
            }
            Standing::Reached => {
                let safe = self.watch.is_safe();
                let outcome = if safe { DrainOutcome::SafeToStop } else { DrainOutcome::Idle };
                let why = words::reached(&self.show(now, wall), safe, wall);
                self.ends(|| End::now(outcome, why, None))
            }
            Standing::TooLate(phase) if self.terms.on_timeout() == OnTimeout::Fail => {
                self.phase = phase;
                let why = format!("{}; it keeps draining", words::too_late(&self.show(now, wall), wall));
                self.ends(|| End::now(DrainOutcome::KeptDraining, why, None))
            }
            Standing::TooLate(phase) => {
                self.phase = phase;
                Follows::Acts
            }
        }
    }

    /// Ends it, unless it has ended.
    fn ends(&self, end: impl FnOnce() -> End) -> Follows {
        if self.is_running() && !self.acting { Follows::Ended(end()) } else { Follows::Nothing }
    }
}
