//! The list of all drains, by number. Of those that have ended it keeps the last ones.

use std::collections::{BTreeMap, HashMap, HashSet};

use evenkeel_protocol::{BalancerName, MemberName, Moment, Timestamp};

use super::job::{End, Job};
use super::store::State;
use crate::limits;

/// All jobs, by number.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    by_number: BTreeMap<u64, Job>,
    last: u64,
}

impl Jobs {
    /// Those of before a restart.
    pub(super) fn restored(state: State, now: Moment, wall: Timestamp) -> Self {
        let down_ms = u64::try_from(wall.since(state.saved).as_millis()).unwrap_or(u64::MAX);
        let jobs =
            state.drains.into_iter().map(|kept| (kept.number, Job::restored(kept, down_ms, (now, wall))));
        let by_number: BTreeMap<u64, Job> = jobs.collect();
        let last = by_number.keys().last().copied().unwrap_or_default().max(state.last);
        let mut jobs = Self { by_number, last };
        jobs.tell_later();
        jobs
    }

    /// Tells those that are not the last one of their member which one that is: it alone says what holds now.
    fn tell_later(&mut self) {
        let mut last = HashMap::new();
        for job in self.by_number.values_mut().rev() {
            let Job { number, balancer, member, later, .. } = job;
            let last = *last.entry((&*balancer, &*member)).or_insert(*number);
            if last != *number {
                *later = Some(last);
            }
        }
    }

    pub(super) fn take_number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Adds a job; of those that have ended the oldest are forgotten where there are too many. The last one of a member
    /// that drains has more room: it says whether the member is safe to stop, and somebody may still rely on it.
    pub(super) fn insert(&mut self, job: Job) {
        self.by_number.insert(job.number, job);
        self.tell_later();
        let mut later = HashSet::new();
        let (mut relied_on, mut others) = (0..limits::DRAINS_RELIED_ON, 0..limits::DRAINS_ENDED);
        let forgotten = self.by_number.values().rev().filter(|job| {
            let is_last = later.insert((&job.balancer, &job.member));
            let room = if is_last && job.is_draining() { &mut relied_on } else { &mut others };
            !job.is_running() && room.next().is_none()
        });
        let forgotten: Vec<u64> = forgotten.map(|job| job.number).collect();
        for number in forgotten {
            self.by_number.remove(&number);
        }
    }

    pub(super) fn get(&self, number: u64) -> Option<&Job> {
        self.by_number.get(&number)
    }

    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut Job> {
        self.by_number.get_mut(&number)
    }

    /// The last job of a member.
    pub(super) fn of(&self, balancer: &BalancerName, member: &MemberName) -> Option<&Job> {
        self.by_number.values().rev().find(|job| job.balancer == *balancer && job.member == *member)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Job> {
        self.by_number.values()
    }

    pub(super) fn all_mut(&mut self) -> impl Iterator<Item = &mut Job> {
        self.by_number.values_mut()
    }

    /// Ends a job, unless it has ended before. That is not told yet.
    pub(super) fn end(&mut self, number: u64, end: End, now: Moment) {
        let Some(job) = self.by_number.get_mut(&number) else { return };
        job.acting = false;
        if job.is_running() {
            (job.end, job.untold) = (Some(end), Some(now));
        }
    }

    /// The numbers of those that have ended and of which that is not told yet.
    pub(super) fn untold(&self) -> impl Iterator<Item = u64> {
        self.all().filter(|job| job.untold.is_some()).map(|job| job.number)
    }

    /// What a restart has to know.
    pub(super) fn state(&self, now: Moment, wall: Timestamp) -> State {
        State { last: self.last, saved: wall, drains: self.all().map(|job| job.keep(now)).collect() }
    }
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::{DrainOrder, DrainOutcome};

    use super::super::job::tests::job;
    use super::super::storm::{Layout, app, process};
    use super::*;

    fn restored(job: &Job, (now, saved): (u64, u64), wall: u64) -> Jobs {
        let state = State { last: 1, saved: Timestamp(saved), drains: vec![job.keep(Moment(now))] };
        Jobs::restored(state, Moment(0), Timestamp(wall))
    }

    #[test]
    fn over_a_restart_the_time_goes_on_and_a_deadline_that_passed_decides_nothing() {
        let job = job(r#"{"timeout":"10s","on_timeout":"cut"}"#, 0);
        // Saved with 8 s left, at 100 s of the wall clock.
        for (wall, left, ended) in [
            (103, Some(5_000), false),
            (107, Some(1_000), false),
            (108, None, true),
            (4_000_000, None, true),
            // A clock that was set back prolongs by no more than the time that the proxy was down.
            (5, Some(8_000), false),
        ] {
            let mut jobs = restored(&job, (2_000_000, 100_000_000), wall * 1_000_000);
            let told = jobs.get_mut(1).unwrap().tell_end();
            let drain = jobs.get(1).unwrap().show(Moment(0), Timestamp(wall));
            assert_eq!((drain.left_ms, told.is_some()), (left, ended), "{wall}");
            assert_eq!(drain.outcome, ended.then_some(DrainOutcome::KeptDraining), "{wall}");
            assert!(!ended || drain.why.contains("while the proxy was down"), "{}", drain.why);
            assert!(!drain.safe_to_stop);
        }
        assert_eq!(restored(&job, (0, 1), 2).last, 1);
    }

    #[test]
    fn of_those_that_ended_the_oldest_are_forgotten() {
        let mut jobs = Jobs::default();
        for _ in 0..limits::DRAINS_ENDED + 5 {
            let number = jobs.take_number();
            let mut job = job("{}", 0);
            job.number = number;
            jobs.insert(job);
            for outcome in [DrainOutcome::Idle, DrainOutcome::Cut] {
                jobs.end(number, End::now(outcome, "", None), Moment(0));
            }
            let ended = jobs.get_mut(number).unwrap();
            let shown = |job: &Job| job.show(Moment(0), Timestamp(0)).outcome;
            assert_eq!(shown(ended), None, "it is not told yet");
            assert!(ended.tell_end().is_some() && ended.tell_end().is_none(), "it is told once");
            assert_eq!(shown(ended), Some(DrainOutcome::Idle), "it ends once");
        }
        assert!(jobs.get(4).is_none());
        assert_eq!(jobs.all().count(), limits::DRAINS_ENDED + 1);
    }

    #[test]
    fn last_drains_of_members_that_drain_are_kept_longer_and_not_without_a_bound() {
        let folder = tempfile::tempdir().unwrap();
        let drains = process(&folder, Layout::FIRST);
        let order = DrainOrder { force: Some(true), ..DrainOrder::default() };
        drains.begin(&app(), "http://m3", &order, None).unwrap();
        let seen = drains.jobs().get_mut(1).unwrap().seen.take();
        let mut jobs = Jobs::default();
        let add = |jobs: &mut Jobs, member: String| {
            let mut job = job("{}", 0);
            (job.number, job.member, job.seen) = (jobs.take_number(), member.parse().unwrap(), seen.clone());
            job.end = Some(End::now(DrainOutcome::Idle, "", None));
            jobs.insert(job);
        };
        for member in 0..limits::DRAINS_RELIED_ON + 5 {
            add(&mut jobs, format!("http://m{member}"));
        }
        assert_eq!(jobs.all().count(), limits::DRAINS_RELIED_ON);
        let last =
            |jobs: &Jobs, member: &str| jobs.of(&app(), &member.parse().unwrap()).map(|job| job.number);
        assert_eq!((last(&jobs, "http://m4"), last(&jobs, "http://m5")), (None, Some(6)));
        for _ in 0..limits::DRAINS_ENDED + 5 {
            add(&mut jobs, "http://m9".to_owned());
        }
        assert_eq!(last(&jobs, "http://m5"), Some(6), "earlier ones of others take no room of theirs");
        assert_eq!(jobs.all().count(), limits::DRAINS_RELIED_ON + limits::DRAINS_ENDED);
    }
}
