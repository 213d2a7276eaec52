//! One drain: what was ordered, what was seen last, how it ended. And the list of all of them, which is bounded.

use std::collections::BTreeMap;

use evenkeel_balancer::{DrainPlan, DrainWatch, MemberId, MemberLook};
use evenkeel_protocol::{
    BalancerName, Change, Code, Drain, DrainChange, DrainOrder, DrainOutcome, DrainPhase, DrainSessions,
    DrainUntil, EventKind, MemberName, Moment, OnTimeout, Patience, Peer, Refusal, Span, Timestamp,
};
use serde::{Deserialize, Serialize};

use super::store::{Kept, State};
use super::{sessions, words};
use crate::{clock, limits};

/// What was ordered. Fields that are none were not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Terms {
    pub(super) until: Option<DrainUntil>,
    pub(super) timeout: Option<Patience>,
    pub(super) settle: Option<Span>,
    pub(super) on_timeout: Option<OnTimeout>,
    /// Is it carried out even where a guard would refuse?
    #[serde(default)]
    pub(super) force: Option<bool>,
}

impl Terms {
    /// What an order asks for.
    pub(super) fn asked(order: &DrainOrder) -> Self {
        let DrainOrder { until, timeout, settle, on_timeout, force, .. } = *order;
        Self { until, timeout, settle, on_timeout, force }
    }

    /// These, as far as `later` says nothing else.
    pub(super) fn with(self, later: &Self) -> Self {
        Self {
            until: Some(later.until.unwrap_or_else(|| self.until())),
            timeout: Some(later.timeout.unwrap_or_else(|| self.timeout())),
            settle: Some(later.settle.unwrap_or_else(|| self.settle())),
            on_timeout: Some(later.on_timeout.unwrap_or_else(|| self.on_timeout())),
            force: later.force.or(self.force),
        }
    }

    pub(super) fn until(&self) -> DrainUntil {
        self.until.unwrap_or(DrainUntil::Idle)
    }

    pub(super) fn timeout(&self) -> Patience {
        self.timeout.unwrap_or_default()
    }

    pub(super) fn settle(&self) -> Span {
        self.settle.or(Span::from_millis(DrainOrder::SETTLE_MILLIS)).unwrap_or_default()
    }

    pub(super) fn on_timeout(&self) -> OnTimeout {
        self.on_timeout.unwrap_or(OnTimeout::Fail)
    }

    fn plan(&self, deadline: Option<Moment>) -> DrainPlan {
        DrainPlan { until: self.until(), settle: self.settle().duration(), deadline }
    }

    /// Each field that is another one in `later`, as it is typed.
    fn changes(&self, later: &Self) -> Vec<Change> {
        let row =
            |field: &str, before: String, after: String| Change { field: field.to_owned(), before, after };
        let rows = [
            row("until", self.until().typed().to_owned(), later.until().typed().to_owned()),
            row("timeout", self.timeout().to_string(), later.timeout().to_string()),
            row("settle", self.settle().to_string(), later.settle().to_string()),
            row("on_timeout", self.on_timeout().to_string(), later.on_timeout().to_string()),
        ];
        rows.into_iter().filter(|row| row.before != row.after).collect()
    }
}

/// When a drain of these terms that begins at `now` has taken too long.
fn deadline(timeout: Patience, now: Moment) -> Option<Moment> {
    timeout.span().map(|span| now.plus(span.duration()))
}

/// How a drain ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct End {
    pub(super) outcome: DrainOutcome,
    pub(super) at: Timestamp,
    pub(super) why: String,
}

impl End {
    pub(super) fn now(outcome: DrainOutcome, why: impl Into<String>) -> Self {
        Self { outcome, at: clock::wall(), why: why.into() }
    }
}

/// What was seen of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) look: MemberLook,
    pub(super) sessions: DrainSessions,
}

/// One drain.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) number: u64,
    pub(super) balancer: BalancerName,
    pub(super) member: MemberName,
    pub(super) terms: Terms,
    pub(super) began: Timestamp,
    pub(super) by: Option<Peer>,
    pub(super) reason: Option<String>,
    pub(super) watch: DrainWatch,
    pub(super) phase: DrainPhase,
    /// The phases of which there were events, and when the last one was.
    pub(super) told: (Vec<DrainPhase>, Moment),
    pub(super) seen: Option<Seen>,
    /// When its sessions were last counted, which takes longer than a look.
    pub(super) counted: Option<Moment>,
    /// Was the member stopped before the drain began, so that this does not end it?
    pub(super) stopped_before: Option<bool>,
    pub(super) end: Option<End>,
    /// Has its deadline passed, and is something to be done about it?
    pub(super) late: bool,
    /// Is somebody about to end it?
    pub(super) acting: bool,
    /// The number that the member had last, where it is looked for first.
    pub(super) likely: MemberId,
    pub(super) durable: bool,
}

impl Job {
    pub(super) fn new(
        (number, balancer, member): (u64, &BalancerName, &MemberName),
        order: &DrainOrder,
        (now, wall): (Moment, Timestamp),
    ) -> Self {
        let terms = Terms::default().with(&Terms::asked(order));
        Self {
            number,
            balancer: balancer.clone(),
            member: member.clone(),
            terms,
            began: wall,
            by: None,
            reason: order.reason.as_ref().map(|reason| reason.as_str().to_owned()),
            watch: DrainWatch::new(terms.plan(deadline(terms.timeout(), now))),
            phase: DrainPhase::Shedding,
            told: (Vec::new(), now),
            seen: None,
            counted: None,
            stopped_before: None,
            end: None,
            late: false,
            likely: MemberId(0),
            acting: false,
            durable: false,
        }
    }

    /// Has it not ended?
    pub(super) fn is_running(&self) -> bool {
        self.end.is_none()
    }

    /// Does what it waited for hold now, and what it said when that came?
    pub(super) fn holds(&self, now: Moment) -> bool {
        let said_safe = self.end.as_ref().is_some_and(|end| end.outcome == DrainOutcome::SafeToStop);
        let any = self.terms.until() == DrainUntil::Idle && !said_safe;
        let draining = self.seen.as_ref().is_some_and(|seen| seen.look.draining);
        let settled = self.watch.quiet(now).is_some_and(|quiet| quiet >= self.terms.settle().duration());
        draining && settled && (any || self.watch.is_safe())
    }

    /// What `change` asks for.
    ///
    /// # Errors
    ///
    /// It contradicts itself, or there is nothing to extend.
    pub(super) fn asked(&self, change: &DrainChange, now: Moment) -> Result<Terms, Refusal> {
        let timeout = match (change.timeout, change.extend) {
            (Some(_), Some(_)) => {
                let why = "extend: stands beside timeout; give one of them";
                return Err(Refusal::field(Code::Invalid, "extend", why));
            }
            (None, Some(more)) => Some(self.extended(more, now)?),
            (timeout, None) => timeout,
        };
        let DrainChange { until, settle, on_timeout, .. } = *change;
        Ok(Terms { until, timeout, settle, on_timeout, force: None })
    }

    /// What is left and `more`.
    fn extended(&self, more: Span, now: Moment) -> Result<Patience, Refusal> {
        let refuse = |why: &str| Err(Refusal::field(Code::Invalid, "extend", format!("extend: {why}")));
        let Some(left) = self.left_ms(now) else { return refuse("this drain has no deadline") };
        match Span::from_millis(left.saturating_add(more.millis())) {
            Some(span) => Ok(Patience::Within(span)),
            None => refuse("that would be more than 366d"),
        }
    }

    /// Takes on other terms; what that changes. A time-out that is the same keeps its deadline, so that an order can be
    /// repeated.
    pub(super) fn replan(&mut self, asked: &Terms, now: Moment) -> Vec<Change> {
        let later = self.terms.with(asked);
        let changes = self.terms.changes(&later);
        let until = if later.timeout == self.terms.timeout {
            self.watch.plan().deadline
        } else {
            deadline(later.timeout(), now)
        };
        self.terms = later;
        self.watch.replan(later.plan(until));
        changes
    }

    /// Is this phase news? One that was told before is, only once in a while: sessions that come and go must not fill
    /// the log of events.
    pub(super) fn is_news(&mut self, phase: DrainPhase, now: Moment) -> bool {
        let (told, last) = &mut self.told;
        let is_first = !told.contains(&phase);
        if is_first {
            told.push(phase);
        }
        let is_news = is_first || now.since(*last) >= limits::DRAIN_TELL;
        if is_news {
            *last = now;
        }
        is_news
    }

    /// Milliseconds to the deadline.
    fn left_ms(&self, now: Moment) -> Option<u64> {
        let deadline = self.watch.plan().deadline?;
        u64::try_from(deadline.since(now).as_millis()).ok()
    }

    /// As everybody may see it.
    pub(super) fn show(&self, now: Moment, wall: Timestamp) -> Drain {
        let left_ms = self.left_ms(now).filter(|_| self.is_running());
        let look = self.seen.as_ref().map(|seen| &seen.look);
        let sessions = self.seen.as_ref().map_or_else(sessions::unknown, |seen| seen.sessions.clone());
        let mut drain = Drain {
            number: self.number,
            balancer: self.balancer.clone(),
            member: self.member.clone(),
            route: look.map(|look| look.route.clone()).unwrap_or_default(),
            phase: if self.is_running() { self.phase } else { DrainPhase::Done },
            outcome: self.end.as_ref().map(|end| end.outcome),
            began: self.began,
            ended: self.end.as_ref().map(|end| end.at),
            until: self.terms.until(),
            timeout: self.terms.timeout(),
            settle: self.terms.settle(),
            on_timeout: self.terms.on_timeout(),
            deadline: left_ms.map(|left| wall.plus(std::time::Duration::from_millis(left))),
            left_ms,
            by: self.by.clone(),
            reason: self.reason.clone(),
            busy: look.map(|look| look.busy).unwrap_or_default(),
            quiet_ms: self.watch.quiet(now).and_then(|quiet| u64::try_from(quiet.as_millis()).ok()),
            sessions,
            estimate_ms: None,
            safe_to_stop: look.is_some_and(|look| look.draining) && self.watch.is_safe(),
            why: String::new(),
            durable: self.durable,
        };
        if self.is_running() {
            let estimate =
                self.watch.estimate(now).and_then(|estimate| u64::try_from(estimate.as_millis()).ok());
            drain.estimate_ms = estimate.or_else(|| sessions::estimate_ms(&drain.sessions));
        }
        drain.why = match &self.end {
            Some(end) => end.why.clone(),
            None => words::waits_for(&drain, wall),
        };
        drain
    }

    pub(super) fn began_event(&self) -> EventKind {
        EventKind::DrainBegan {
            drain: self.number,
            balancer: self.balancer.clone(),
            member: self.member.clone(),
            until: self.terms.until(),
            timeout: self.terms.timeout(),
            settle: self.terms.settle(),
            on_timeout: self.terms.on_timeout(),
            by: self.by.clone(),
            reason: self.reason.clone(),
            durable: self.durable,
        }
    }

    /// None: it has not ended.
    pub(super) fn ended_event(&self, by: Option<Peer>) -> Option<EventKind> {
        let end = self.end.as_ref()?;
        Some(EventKind::DrainEnded {
            drain: self.number,
            balancer: self.balancer.clone(),
            member: self.member.clone(),
            outcome: end.outcome,
            why: end.why.clone(),
            by,
        })
    }

    fn keep(&self, now: Moment) -> Kept {
        Kept {
            number: self.number,
            balancer: self.balancer.clone(),
            member: self.member.clone(),
            terms: self.terms,
            began: self.began,
            by: self.by.clone(),
            reason: self.reason.clone(),
            left_ms: self.left_ms(now),
            end: self.end.clone(),
        }
    }

    /// The job of before a restart, of whose time `down_ms` have passed. A deadline that passed meanwhile decides
    /// nothing: whoever gave the order could not see it coming.
    fn restored(kept: Kept, down_ms: u64, (now, wall): (Moment, Timestamp)) -> Self {
        let left = kept.left_ms.map(|left| left.saturating_sub(down_ms));
        let late = kept.end.is_none() && left == Some(0);
        let until = left.map(|left| now.plus(std::time::Duration::from_millis(left)));
        let why = words::late_over_a_restart(kept.terms.on_timeout());
        let late = late.then_some(End { outcome: DrainOutcome::KeptDraining, at: wall, why });
        Self {
            number: kept.number,
            balancer: kept.balancer,
            member: kept.member,
            terms: kept.terms,
            began: kept.began,
            by: kept.by,
            reason: kept.reason,
            watch: DrainWatch::new(kept.terms.plan(until)),
            phase: DrainPhase::Shedding,
            told: (Vec::new(), now),
            seen: None,
            counted: None,
            stopped_before: None,
            end: kept.end.or(late),
            late: false,
            likely: MemberId(0),
            acting: false,
            durable: true,
        }
    }
}

/// All jobs, by number.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    by_number: BTreeMap<u64, Job>,
    last: u64,
}

impl Jobs {
    /// Those of before a restart, and the numbers of those whose deadline passed meanwhile.
    pub(super) fn restored(state: State, now: Moment, wall: Timestamp) -> (Self, Vec<u64>) {
        let down_ms = u64::try_from(wall.since(state.saved).as_millis()).unwrap_or(u64::MAX);
        let running: Vec<u64> =
            state.drains.iter().filter(|kept| kept.end.is_none()).map(|kept| kept.number).collect();
        let jobs =
            state.drains.into_iter().map(|kept| (kept.number, Job::restored(kept, down_ms, (now, wall))));
        let by_number: BTreeMap<u64, Job> = jobs.collect();
        let last = by_number.keys().last().copied().unwrap_or_default().max(state.last);
        let has_ended = |number: &u64| by_number.get(number).is_some_and(|job| !job.is_running());
        let late = running.into_iter().filter(has_ended).collect();
        (Self { by_number, last }, late)
    }

    pub(super) fn take_number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Adds a job; of those that have ended the oldest are forgotten where there are too many.
    pub(super) fn insert(&mut self, job: Job) {
        self.by_number.insert(job.number, job);
        let ended: Vec<u64> =
            self.by_number.values().filter(|job| !job.is_running()).map(|job| job.number).collect();
        for number in ended.iter().take(ended.len().saturating_sub(limits::DRAINS_ENDED)) {
            self.by_number.remove(number);
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

    /// Ends a job; false if it has ended before, or is not known.
    pub(super) fn end(&mut self, number: u64, end: End) -> bool {
        let Some(job) = self.by_number.get_mut(&number) else { return false };
        job.acting = false;
        let running = job.is_running();
        if running {
            job.end = Some(end);
            job.phase = DrainPhase::Done;
        }
        running
    }

    /// What a restart has to know.
    pub(super) fn state(&self, now: Moment, wall: Timestamp) -> State {
        State { last: self.last, saved: wall, drains: self.all().map(|job| job.keep(now)).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(order: &str, now: u64) -> Job {
        let order: DrainOrder = serde_json::from_str(order).unwrap();
        let names = ("app".parse().unwrap(), "http://a".parse().unwrap());
        Job::new((1, &names.0, &names.1), &order, (Moment(now), Timestamp(1_000_000)))
    }

    fn restored(job: &Job, (now, saved): (u64, u64), wall: u64) -> (Jobs, Vec<u64>) {
        let state = State { last: 1, saved: Timestamp(saved), drains: vec![job.keep(Moment(now))] };
        Jobs::restored(state, Moment(0), Timestamp(wall))
    }

    #[test]
    fn an_order_that_is_repeated_changes_nothing_and_one_that_differs_what_it_names() {
        let mut job = job(r#"{"timeout":"10m","on_timeout":"stop"}"#, 0);
        let asked = |text: &str| Terms::asked(&serde_json::from_str(text).unwrap());
        assert_eq!(job.replan(&asked(r#"{"timeout":"10m"}"#), Moment(60_000_000)), []);
        assert_eq!(job.left_ms(Moment(60_000_000)), Some(540_000), "a repeated order has no new deadline");
        let changes = job.replan(&asked(r#"{"timeout":"1m","settle":"0"}"#), Moment(60_000_000));
        let fields: Vec<&str> = changes.iter().map(|change| change.field.as_str()).collect();
        assert_eq!((fields, job.left_ms(Moment(60_000_000))), (vec!["timeout", "settle"], Some(60_000)));
        assert_eq!(job.terms.on_timeout(), OnTimeout::Stop);
    }

    #[test]
    fn a_deadline_is_extended_and_what_contradicts_itself_is_refused() {
        let job = job(r#"{"timeout":"10m"}"#, 0);
        let asked = |text: &str| job.asked(&serde_json::from_str(text).unwrap(), Moment(60_000_000));
        assert_eq!(asked(r#"{"extend":"5m"}"#).unwrap().timeout.unwrap().to_string(), "14m");
        for text in [r#"{"extend":"5m","timeout":"1m"}"#, r#"{"extend":"366d"}"#] {
            assert_eq!(asked(text).unwrap_err().field.as_deref(), Some("extend"), "{text}");
        }
        let endless = super::tests::job("{}", 0);
        assert!(endless.asked(&serde_json::from_str(r#"{"extend":"5m"}"#).unwrap(), Moment(0)).is_err());
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
            let (jobs, late) = restored(&job, (2_000_000, 100_000_000), wall * 1_000_000);
            let drain = jobs.get(1).unwrap().show(Moment(0), Timestamp(wall));
            assert_eq!((drain.left_ms, late.len() == 1), (left, ended), "{wall}");
            assert_eq!(drain.outcome, ended.then_some(DrainOutcome::KeptDraining), "{wall}");
            assert!(!ended || drain.why.contains("while the proxy was down"), "{}", drain.why);
            assert!(!drain.safe_to_stop);
        }
        assert_eq!(restored(&job, (0, 1), 2).0.last, 1);
    }

    #[test]
    fn a_phase_is_told_once_and_then_once_in_a_while() {
        let mut job = job("{}", 0);
        let later = u64::try_from(limits::DRAIN_TELL.as_micros()).unwrap();
        let told = [
            (DrainPhase::Requests, 0),
            (DrainPhase::Settling, 1),
            (DrainPhase::Requests, 2),
            (DrainPhase::Settling, later),
            (DrainPhase::Requests, later + 1),
            (DrainPhase::Settling, later + 2),
        ]
        .map(|(phase, now)| job.is_news(phase, Moment(now)));
        assert_eq!(told, [true, true, false, false, true, false]);
    }

    #[test]
    fn of_those_that_ended_the_oldest_are_forgotten() {
        let mut jobs = Jobs::default();
        for _ in 0..limits::DRAINS_ENDED + 5 {
            let number = jobs.take_number();
            let mut job = job("{}", 0);
            job.number = number;
            jobs.insert(job);
            assert!(jobs.end(number, End::now(DrainOutcome::Idle, "")));
            assert!(!jobs.end(number, End::now(DrainOutcome::Cut, "")), "it ends once");
        }
        assert!(jobs.get(4).is_none());
        assert_eq!(jobs.all().count(), limits::DRAINS_ENDED + 1);
    }
}
