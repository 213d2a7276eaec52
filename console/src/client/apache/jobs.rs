//! Drains of members of an httpd, which runs none by itself: they go on for as long as this process looks on.
//!
//! Of a session without a request in flight a manager page says nothing, so the end of such a drain is never a promise.

use std::time::Duration;

use evenkeel_protocol::process::{Places, all_in_flight, also_taken};
use evenkeel_protocol::sentence::{Tense, facts};
use evenkeel_protocol::{
    Busy, Drain, DrainChange, DrainOrder, DrainOutcome, DrainPhase, DrainSessions, DrainUntil, Flag,
    MemberSnapshot, Moment, OnTimeout, Patience, Snapshot, Span,
};

use super::clock::Now;
use crate::floor::{Floor, Lasting};
use crate::lost::{self, Unfinished};

/// Drains that run at once.
const RUNNING: usize = 64;
/// Drains that have ended and are still shown.
const ENDED: usize = 32;

/// All drains that were begun here.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    jobs: Vec<Job>,
    last: u64,
}

#[derive(Debug)]
struct Job {
    drain: Drain,
    deadline: Option<Moment>,
    /// Since when nothing was in flight, and how often the process had been elected then.
    quiet: Option<(Moment, u64)>,
    floor: Floor,
    unfinished: Unfinished,
    /// The run of httpd in which it was begun.
    run: evenkeel_protocol::Timestamp,
}

/// What a drain has come to, beside itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Came {
    /// It stands at another phase now.
    Phase(Drain),
    /// It has ended.
    Ended(Drain),
    /// Its deadline has passed, and the member is to be stopped or taken back; and what is left in flight.
    Due(Drain, String),
}

impl Jobs {
    /// All of them, by number.
    pub(super) fn list(&self) -> Vec<Drain> {
        self.jobs.iter().map(|job| job.drain.clone()).collect()
    }

    pub(super) fn get(&self, number: u64) -> Option<&Drain> {
        self.jobs.iter().map(|job| &job.drain).find(|drain| drain.number == number)
    }

    /// The drain of a member that runs.
    pub(super) fn running(&self, of: &Drain) -> Option<u64> {
        let same = |drain: &&Drain| drain.balancer == of.balancer && drain.member == of.member;
        let mut running = self.jobs.iter().map(|job| &job.drain).filter(|drain| drain.is_running());
        running.find(same).map(|drain| drain.number)
    }

    /// Begins a drain, or gives the one of the member that runs other terms; none: too many run. `left` is what restarts
    /// have left in flight at its process.
    pub(super) fn begin(
        &mut self,
        mut drain: Drain,
        order: &DrainOrder,
        now: Now,
        (seen, left): (&Snapshot, u64),
    ) -> Option<u64> {
        if let Some(number) = self.running(&drain) {
            let DrainOrder { until, timeout, settle, on_timeout, reason, .. } = order.clone();
            self.change(
                number,
                &DrainChange { until, timeout, extend: None, settle, on_timeout, reason },
                now,
            );
            return Some(number);
        }
        if self.jobs.iter().filter(|job| job.drain.is_running()).count() >= RUNNING {
            return None;
        }
        let ended = self.jobs.iter().filter(|job| !job.drain.is_running()).count();
        if ended >= ENDED
            && let Some(oldest) = self.jobs.iter().position(|job| !job.drain.is_running())
        {
            self.jobs.remove(oldest);
        }
        self.last += 1;
        drain.number = self.last;
        let same = |job: &&mut Job| job.drain.balancer == drain.balancer && job.drain.member == drain.member;
        self.jobs.iter_mut().filter(same).for_each(|job| job.drain.later = Some(drain.number));
        let mut unfinished = Unfinished::of(left);
        let places = seen.places(&drain.balancer, &drain.member);
        let busy = places.as_ref().and_then(Places::in_flight).unwrap_or(drain.busy.requests);
        unfinished.look(&seen.proxy, busy);
        let mut floor = Floor::default();
        floor.look(seen, places.as_ref(), now.wall);
        drain.elsewhere = places.map(|places| places.elsewhere()).unwrap_or_default();
        let mut job = Job { floor, unfinished, drain, deadline: None, quiet: None, run: seen.proxy.started };
        job.set_timeout(order.timeout.unwrap_or(Patience::Forever), now);
        self.jobs.push(job);
        Some(self.last)
    }

    /// Gives a drain that runs other terms; false: there is no such drain.
    pub(super) fn change(&mut self, number: u64, change: &DrainChange, now: Now) -> bool {
        let Some(job) = self.job(number).filter(|job| job.drain.is_running()) else { return false };
        let drain = &mut job.drain;
        drain.settle = change.settle.unwrap_or(drain.settle);
        drain.on_timeout = change.on_timeout.unwrap_or(drain.on_timeout);
        if let Some(timeout) = change.timeout {
            job.set_timeout(timeout, now);
        }
        if let (Some(extend), Some(deadline)) = (change.extend, job.deadline) {
            job.set_deadline(Some(deadline.plus(extend.duration())), now);
        }
        true
    }

    /// Ends a drain; none: there is no such drain that runs.
    pub(super) fn end(&mut self, number: u64, outcome: DrainOutcome, why: String, now: Now) -> Option<Drain> {
        let job = self.job(number).filter(|job| job.drain.is_running())?;
        job.end(outcome, why, now);
        Some(job.drain.clone())
    }

    /// Says otherwise how a drain has ended; none: there is no such drain.
    pub(super) fn correct(&mut self, number: u64, outcome: DrainOutcome, why: String) -> Option<Drain> {
        let job = self.job(number)?;
        (job.drain.outcome, job.drain.why) = (Some(outcome), why);
        Some(job.drain.clone())
    }

    fn job(&mut self, number: u64) -> Option<&mut Job> {
        self.jobs.iter_mut().find(|job| job.drain.number == number)
    }

    /// Looks at what was seen; what has come of it.
    pub(super) fn look(&mut self, seen: &Snapshot, now: Now) -> Vec<Came> {
        self.jobs
            .iter_mut()
            .filter_map(|job| {
                if job.drain.is_running() {
                    return job.look(seen, now);
                }
                job.look_back(seen, now);
                None
            })
            .collect()
    }
}

impl Job {
    fn set_timeout(&mut self, timeout: Patience, now: Now) {
        self.drain.timeout = timeout;
        let deadline = match timeout {
            Patience::Forever => None,
            Patience::Within(span) => Some(now.moment.plus(span.duration())),
        };
        self.set_deadline(deadline, now);
    }

    fn set_deadline(&mut self, deadline: Option<Moment>, now: Now) {
        self.deadline = deadline;
        let left = deadline.map(|deadline| deadline.since(now.moment));
        self.drain.deadline = left.map(|left| now.wall.plus(left));
        self.drain.left_ms = left.map(millis);
    }

    fn end(&mut self, outcome: DrainOutcome, why: String, now: Now) {
        let drain = &mut self.drain;
        (drain.phase, drain.outcome, drain.ended) = (DrainPhase::Done, Some(outcome), Some(now.wall));
        (drain.deadline, drain.left_ms, drain.why) = (None, None, why);
    }

    fn look(&mut self, seen: &Snapshot, now: Now) -> Option<Came> {
        self.set_deadline(self.deadline, now);
        let places = seen.places(&self.drain.balancer, &self.drain.member);
        if let Some((outcome, why)) = self.overtaken(places.as_ref().map(|places| places.own), seen) {
            self.end(outcome, why, now);
            return Some(Came::Ended(self.drain.clone()));
        }
        let before = self.drain.phase;
        let places = places?;
        let Some(busy) = places.in_flight() else {
            self.end(DrainOutcome::Uncounted, format!("{}; it went on draining", lost::UNREADABLE), now);
            return Some(Came::Ended(self.drain.clone()));
        };
        self.unfinished.look(&seen.proxy, busy);
        self.floor.look(seen, Some(&places), now.wall);
        let quiet = self.watch((&places, busy), now);
        self.tell(quiet, seen, now);
        let settle = self.drain.settle;
        if quiet.is_some_and(|quiet| quiet >= settle.duration()) && !self.is_held() {
            if let Some(why) = self.unfinished.why() {
                self.end(DrainOutcome::Uncounted, format!("{why}; it went on draining"), now);
                return Some(Came::Ended(self.drain.clone()));
            }
            let why = if settle == Span::ZERO {
                "no request was in flight; idle sessions are unknown".to_owned()
            } else {
                format!("no request was in flight for {settle}; idle sessions are unknown")
            };
            let others = self.drain.still_taken();
            let why = format!("{why}{others}{}", lost::uncounted(seen));
            self.end(DrainOutcome::Idle, why, now);
            return Some(Came::Ended(self.drain.clone()));
        }
        if self.deadline.is_some_and(|deadline| now.moment >= deadline) {
            let left = self.left(now);
            return Some(Came::Due(self.drain.clone(), left));
        }
        (self.drain.phase != before).then(|| Came::Phase(self.drain.clone()))
    }

    /// Do requests that nobody counts hold it until its deadline? What was promised for then is done then: that nothing is
    /// in flight cannot be known.
    fn is_held(&self) -> bool {
        let acts = self.deadline.is_some() && self.drain.on_timeout != OnTimeout::Fail;
        acts && self.unfinished.why().is_some()
    }

    /// What is left in flight when the time has passed.
    fn left(&mut self, now: Now) -> String {
        let beside = self.unfinished.in_short();
        if self.quiet.is_some() {
            return match beside {
                Some(beside) => format!("no request in flight that is counted, and {beside}"),
                None => "no request in flight, but not for long enough".to_owned(),
            };
        }
        let lasting = self.floor.in_the_end(now.wall);
        self.drain.advice = lasting.map(Lasting::advice).or_else(|| self.advice_of_before());
        let beside = beside.map_or_else(String::new, |beside| format!(", and {beside}"));
        self.drain.remains() + &lasting.map(Lasting::in_short).unwrap_or_default() + &beside
    }

    fn advice_of_before(&self) -> Option<String> {
        self.unfinished.advice().map(str::to_owned)
    }

    /// Has somebody or something else ended it?
    fn overtaken(&self, member: Option<&MemberSnapshot>, seen: &Snapshot) -> Option<(DrainOutcome, String)> {
        let Some(member) = member else {
            return Some((DrainOutcome::MemberGone, "it is no longer configured".to_owned()));
        };
        if member.status.has(Flag::Stopped) {
            return Some((DrainOutcome::StoppedMeanwhile, "somebody stopped it meanwhile".to_owned()));
        }
        if member.status.has(Flag::Drain) {
            return None;
        }
        let why = if seen.proxy.started == self.run {
            "somebody let new sessions come again (N was cleared), or httpd was restarted and its page does not show that"
        } else {
            "your drain is gone: httpd was restarted, perhaps gracefully, and has forgotten it, or another server answers \
             now; it takes new sessions again until you drain it again"
        };
        Some((DrainOutcome::Cleared, why.to_owned()))
    }

    /// For how long nothing has been in flight at its process, in whatever balancer that is a member: whoever stops the
    /// process stops it in all of them.
    fn watch(&mut self, (places, busy): (&Places<'_>, u64), now: Now) -> Option<Duration> {
        let (drain, elected) = (&mut self.drain, places.elected());
        (drain.busy.requests, drain.elsewhere) = (places.own.busy, places.elsewhere());
        drain.draining = Some(places.own.status.has(Flag::Drain));
        // Who was elected between two looks had something in flight.
        if busy > 0 || self.quiet.is_some_and(|(_, before)| before != elected) {
            self.quiet = None;
        }
        let quiet = (busy == 0).then(|| {
            let (since, _) = *self.quiet.get_or_insert((now.moment, elected));
            now.moment.since(since)
        });
        drain.quiet_ms = quiet.map(millis);
        quiet
    }

    /// Says what it waits for, and what is not known of that.
    fn tell(&mut self, quiet: Option<Duration>, seen: &Snapshot, now: Now) {
        let lasting = self.floor.lasting(now.wall);
        self.drain.advice = lasting.map(Lasting::advice).or_else(|| self.advice_of_before());
        let is_settled = quiet.is_some_and(|quiet| quiet >= self.drain.settle.duration());
        let held = self.unfinished.why().filter(|_| is_settled && self.is_held());
        let drain = &mut self.drain;
        if let Some(why) = held {
            drain.phase = DrainPhase::Settling;
            let others = drain.still_taken();
            drain.why = format!(
                "{why}, so it waits for its deadline; no other request is in flight{others}; idle sessions are unknown"
            );
            return;
        }
        let (phase, what) = if quiet.is_some() {
            let what = format!("no request is in flight, and it must stay so for {}", drain.settle);
            (DrainPhase::Settling, what + &drain.still_taken())
        } else {
            let own = (&drain.balancer, drain.busy);
            let facts = facts(all_in_flight(own, &drain.elsewhere, Tense::Present), ", and ");
            let lasting = lasting.map(Lasting::in_short).unwrap_or_default();
            let also = also_taken(&drain.balancer, &drain.elsewhere, Tense::Present);
            (DrainPhase::Requests, facts + &lasting + &also)
        };
        drain.phase = phase;
        drain.why = format!("{what}; idle sessions are unknown{}", self.unfinished.beside(seen));
    }

    /// Looks at what has become of its member since it has ended: what it said then need not hold any more.
    fn look_back(&mut self, seen: &Snapshot, now: Now) {
        let places = seen.places(&self.drain.balancer, &self.drain.member);
        self.drain.let_go |= places.as_ref().is_none_or(|places| !places.own.status.has(Flag::Drain));
        let counted = places.as_ref().and_then(|places| Some((places, places.in_flight()?)));
        self.floor.look(seen, places.as_ref(), now.wall);
        if self.drain.outcome != Some(DrainOutcome::Uncounted) {
            let drains_on = self.drain.outcome == Some(DrainOutcome::KeptDraining);
            self.drain.advice = self.floor.lasting(now.wall).filter(|_| drains_on).map(Lasting::advice);
        }
        if let Some(counted) = counted {
            self.watch(counted, now);
        } else {
            (self.drain.draining, self.drain.quiet_ms) = (None, None);
        }
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// A drain as it is ordered, before anybody has looked.
pub(super) fn ordered(
    (balancer, member): (&evenkeel_protocol::BalancerName, &MemberSnapshot),
    order: &DrainOrder,
    now: Now,
    by: evenkeel_protocol::Peer,
) -> Drain {
    Drain {
        number: 0,
        balancer: balancer.clone(),
        member: member.name.clone(),
        route: member.route.clone(),
        phase: DrainPhase::Shedding,
        outcome: None,
        began: now.wall,
        ended: None,
        until: DrainUntil::Idle,
        timeout: order.timeout.unwrap_or(Patience::Forever),
        settle: order.settle.unwrap_or(Span::from_millis(DrainOrder::SETTLE_MILLIS).unwrap_or_default()),
        on_timeout: order.on_timeout.unwrap_or(OnTimeout::Fail),
        deadline: None,
        left_ms: None,
        by: Some(by),
        reason: order.reason.as_ref().map(|reason| reason.as_str().to_owned()),
        changed_by: None,
        draining: Some(true),
        let_go: false,
        later: None,
        busy: Busy { requests: member.busy, ..Busy::default() },
        quiet_ms: None,
        sessions: DrainSessions::UNKNOWN,
        elsewhere: Vec::new(),
        estimate_ms: None,
        safe_to_stop: false,
        why: "it takes no new sessions any more".to_owned(),
        advice: None,
        durable: false,
    }
}

#[cfg(test)]
mod tests;
