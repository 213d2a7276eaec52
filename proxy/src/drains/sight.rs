//! The ticker: looks at every member that is drained, tells its phase, and ends what has come to its end.
//!
//! It runs on the control thread and never waits for a disk: what has to be edited or written is handed on.

use std::collections::HashMap;
use std::sync::Arc;

use evenkeel_balancer::{DrainWatch, Standing};
use evenkeel_protocol::{
    BalancerName, Change, DrainOutcome, EventKind, MemberAddition, MemberName, MemberRemoval, Moment,
    OnTimeout, Peer, Timestamp,
};
use tokio::time::{MissedTickBehavior, interval};

use super::job::{End, Job};
use super::seen::{Processes, Seen};
use super::{Drains, words};
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
    let (mut saved, mut looked_at_all) = (clock::now(), clock::now());
    loop {
        if drains.jobs().all().next().is_none() {
            drains.begun.notified().await;
        }
        ticks.tick().await;
        if clock::now().since(looked_at_all) >= limits::DRAIN_LOOK_ENDED {
            looked_at_all = clock::now();
            drains.look();
        } else {
            drains.look_at(Job::is_running);
        }
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
        self.look_at(Job::is_about_a_member);
    }

    /// As [`Self::look`], at the members of these alone.
    fn look_at(&self, is_asked: impl Fn(&Job) -> bool) {
        if !self.jobs().all().any(&is_asked) {
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
            let asked = jobs.all().filter(|job| is_asked(job));
            let members: Vec<MemberName> = asked.map(|job| job.member.clone()).collect();
            let processes = Processes::of(&members, roster.iter().chain(&vacant));
            let asked = jobs.all_mut().filter(|job| is_asked(job));
            asked
                .map(|job| (job.number, job.look(balancers.get(&job.balancer).copied(), &processes, at)))
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
            _ => ("drain", "Off", "new sessions came again: drain was cleared"),
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
        let target = (&self.member, processes.of_member(&self.member));
        let seen = live.and_then(|live| {
            let seen = Seen::of(live, target, (self.seen.as_ref(), self.sessions_until), at)?;
            self.sessions_until = seen.own.sessions_until;
            Some(seen)
        });
        let Some(seen) = seen else {
            let follows = if self.is_running() && !self.acting {
                Follows::Gone(words::was_there(&self.show(at.0, at.1)))
            } else {
                Follows::Nothing
            };
            self.sees_no_drain();
            self.seen = None;
            self.watch = DrainWatch::new(self.watch.plan());
            return follows;
        };
        let sight = seen.sight();
        let (draining, stopped) = (seen.own.look.draining, seen.own.look.stopped);
        let stopped_before = *self.stopped_before.get_or_insert(stopped);
        self.seen = Some(seen);
        let standing = self.watch.look(sight, at.0);
        if !draining {
            self.sees_no_drain();
        }
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
                let why = format!("{}; it went on draining", words::too_late(&self.show(now, wall), wall));
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

#[cfg(test)]
mod tests {
    use evenkeel_protocol::{DrainOrder, Flag, MemberEdit, Route, Span, Status};

    use super::*;
    use crate::clock::stopped;
    use crate::drains::storm::{Layout, app, process};

    fn second(second: u64) -> (Moment, Timestamp) {
        (Moment(second * 1_000_000), Timestamp(second * 1_000_000))
    }

    fn at(now: u64) {
        let (now, wall) = second(now);
        stopped::at(now, wall);
    }

    fn begun(drains: &Drains, member: &str) -> u64 {
        let settle = Span::from_millis(1_000);
        let order = DrainOrder { settle, force: Some(true), ..DrainOrder::default() };
        drains.begin(&app(), member, &order, None).unwrap().drain.number
    }

    #[test]
    fn who_asks_for_those_that_run_alone_costs_the_others_nothing() {
        let folder = tempfile::tempdir().unwrap();
        at(0);
        let drains = process(&folder, Layout::FIRST);
        let number = begun(&drains, "http://m3");
        at(2);
        drains.look();
        drains.save(&mut drains.writer());
        let clears = MemberEdit { drain: Some(false), ..MemberEdit::default() };
        drains.registry.edit_member(&app(), "http://m3", &clears, None).unwrap();
        drains.look_at(Job::is_running);
        let draining = || drains.jobs().get(number).unwrap().is_draining();
        assert!(draining(), "it was not looked at");
        assert!(!drains.find(number).unwrap().safe_to_stop);
        assert!(!draining());
    }

    #[test]
    fn what_a_drain_ended_with_is_not_said_of_a_member_that_drains_anew_also_behind_a_kill() {
        let folder = tempfile::tempdir().unwrap();
        at(0);
        let drains = process(&folder, Layout::FIRST);
        let number = begun(&drains, "http://m3");
        at(2);
        drains.look();
        drains.save(&mut drains.writer());
        let drain = |drains: &Drains| drains.find(number).unwrap();
        let is_about = |drains: &Drains| drain(drains).is_about(Status::default().with(Flag::Drain, true));
        assert!(is_about(&drains) && drain(&drains).durable);
        let set = |on| {
            let edit = MemberEdit { drain: Some(on), force: Some(true), ..MemberEdit::default() };
            drains.registry.edit_member(&app(), "http://m3", &edit, None).unwrap();
        };
        set(false);
        assert!(drain(&drains).let_go && drains.is_save_due(limits::DRAIN_SAVE_AGAIN));
        drains.save(&mut drains.writer());
        set(true);
        let again = drain(&drains);
        assert_eq!((again.draining, is_about(&drains), again.safe_to_stop), (Some(true), false, false));
        assert!(!is_about(&process(&folder, Layout::FIRST)), "written down");
        assert_ne!(begun(&drains, "http://m3"), number, "who asks for one gets one");
    }

    #[test]
    fn of_a_member_only_its_last_drain_says_that_it_is_safe_to_stop_and_only_while_it_watches_it() {
        let folder = tempfile::tempdir().unwrap();
        at(0);
        let drains = process(&folder, Layout::FIRST);
        let first = begun(&drains, "http://m3");
        at(2);
        drains.look();
        drains.save(&mut drains.writer());
        let said = |number| {
            let drain = drains.find(number).unwrap();
            (drain.outcome, drain.safe_to_stop, drain.later)
        };
        let safe = Some(DrainOutcome::SafeToStop);
        assert_eq!(said(first), (safe, true, None));
        let settle = Span::from_millis(2_000);
        let order = DrainOrder { settle, force: Some(true), ..DrainOrder::default() };
        let second = drains.begin(&app(), "http://m3", &order, None).unwrap().drain.number;
        assert_eq!((said(first), said(second)), ((safe, false, Some(second)), (None, false, None)));
        at(4);
        drains.look();
        drains.save(&mut drains.writer());
        assert_eq!((said(first), said(second)), ((safe, false, Some(second)), (safe, true, None)));
        at(5);
        let next = process(&folder, Layout::FIRST);
        assert_eq!(next.find(first).unwrap().later, Some(second), "over a restart");
    }

    #[test]
    fn who_was_cancelled_says_nothing_of_a_member_that_drains_on() {
        let folder = tempfile::tempdir().unwrap();
        at(0);
        let drains = process(&folder, Layout::FIRST);
        let number = begun(&drains, "http://m3");
        let cancel = evenkeel_protocol::DrainCancel::default();
        drains.cancel(number, &cancel, None).unwrap();
        at(2);
        let cancelled = drains.find(number).unwrap();
        assert_eq!((cancelled.draining, cancelled.quiet_ms), (Some(true), Some(2_000)));
        assert!(!cancelled.safe_to_stop);
    }

    #[test]
    fn sessions_that_came_since_the_last_look_may_live_for_a_window_when_they_can_no_longer_be_told() {
        let folder = tempfile::tempdir().unwrap();
        at(0);
        let drains = process(&folder, Layout::FIRST);
        let number = begun(&drains, "http://m0");
        drains.look();
        at(5);
        let loses_its_route = MemberEdit { route: Some(Route::default()), ..MemberEdit::default() };
        drains.registry.edit_member(&app(), "http://m0", &loses_its_route, None).unwrap();
        for now in [5, 9] {
            at(now);
            let sessions = drains.find(number).unwrap().sessions;
            assert_eq!(sessions.unknown_until, Some(second(25).1));
        }
    }
}
