//! One drain: what was ordered, what was seen last, how it ended.

use evenkeel_balancer::{DrainPlan, DrainWatch};
use evenkeel_protocol::{
    BalancerName, Change, Code, Drain, DrainChange, DrainOrder, DrainOutcome, DrainPhase, DrainSessions,
    DrainUntil, EventKind, Flag, MemberName, Moment, OnTimeout, Patience, Peer, Refusal, Span, Status,
    Timestamp, process,
};
use serde::{Deserialize, Serialize};

use super::seen::{Seen, View};
use super::store::Kept;
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
    /// Who ended it; none: it came to its end by itself.
    #[serde(default)]
    pub(super) by: Option<Peer>,
    /// Was the member without N then, or has it been seen so since?
    #[serde(default)]
    pub(super) let_go: bool,
}

impl End {
    pub(super) fn now(outcome: DrainOutcome, why: impl Into<String>, by: Option<Peer>) -> Self {
        use DrainOutcome::{Cleared, MemberGone, Restored};
        let let_go = matches!(outcome, Cleared | MemberGone | Restored);
        Self { outcome, at: clock::wall(), why: why.into(), by, let_go }
    }
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
    /// Who changed its terms last.
    pub(super) changed_by: Option<Peer>,
    pub(super) watch: DrainWatch,
    pub(super) phase: DrainPhase,
    /// The phases of which there were events, and when the last one was.
    pub(super) told: (Vec<DrainPhase>, Moment),
    pub(super) seen: Option<Seen>,
    /// Until then a session that was seen last while sessions could be told may be live.
    pub(super) sessions_until: Option<Moment>,
    /// Was the member stopped before the drain began, so that this does not end it?
    pub(super) stopped_before: Option<bool>,
    pub(super) end: Option<End>,
    /// Since when it has ended, while nobody was told: that has to be written down first, for no kill may take back what
    /// somebody has heard.
    pub(super) untold: Option<Moment>,
    /// Has its deadline passed, and is something to be done about it?
    pub(super) late: bool,
    /// Is somebody about to end it?
    pub(super) acting: bool,
    /// The last drain of the same member, if this one is not.
    pub(super) later: Option<u64>,
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
            changed_by: None,
            watch: DrainWatch::new(terms.plan(deadline(terms.timeout(), now))),
            phase: DrainPhase::Shedding,
            told: (Vec::new(), now),
            seen: None,
            sessions_until: None,
            stopped_before: None,
            end: None,
            untold: None,
            late: false,
            acting: false,
            later: None,
            durable: false,
        }
    }

    /// Has it not ended?
    pub(super) fn is_running(&self) -> bool {
        self.end.is_none()
    }

    /// Can it still say anything else of its member? Who is back where a member was gone is another one.
    pub(super) fn is_about_a_member(&self) -> bool {
        self.end.as_ref().is_none_or(|end| end.outcome != DrainOutcome::MemberGone)
    }

    /// How it ended, as far as that may be told.
    fn told(&self) -> Option<&End> {
        self.end.as_ref().filter(|_| self.untold.is_none())
    }

    /// Notes that its member does not drain: what it ended with is not said of one that is made to drain again.
    pub(super) fn sees_no_drain(&mut self) {
        if let Some(end) = self.end.as_mut().filter(|end| !end.let_go) {
            // A restart does not know that until it is written down.
            (end.let_go, self.durable) = (true, false);
        }
    }

    /// Does its member drain, as of the last look?
    pub(super) fn is_draining(&self) -> bool {
        self.seen.as_ref().is_some_and(|seen| seen.own.look.draining)
    }

    /// Does what it waited for hold now, and what it said when that came?
    pub(super) fn holds(&self, now: Moment) -> bool {
        let said_safe = self.end.as_ref().is_some_and(|end| end.outcome == DrainOutcome::SafeToStop);
        let any = self.terms.until() == DrainUntil::Idle && !said_safe;
        let settled = self.watch.quiet(now).is_some_and(|quiet| quiet >= self.terms.settle().duration());
        self.is_draining() && settled && (any || self.watch.is_safe())
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
        // In whole seconds, as people read it in every change that follows.
        let seconds = left.saturating_add(more.millis()).div_ceil(1000);
        match Span::from_millis(seconds.saturating_mul(1000)) {
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
        let end = self.told();
        let left_ms = self.left_ms(now).filter(|_| end.is_none());
        let own: Option<&View> = self.seen.as_ref().map(|seen| &seen.own);
        let look = own.map(|own| &own.look);
        let mut drain = Drain {
            number: self.number,
            balancer: self.balancer.clone(),
            member: self.member.clone(),
            route: look.map(|look| look.route.clone()).unwrap_or_default(),
            phase: if end.is_none() { self.phase } else { DrainPhase::Done },
            outcome: end.map(|end| end.outcome),
            began: self.began,
            ended: end.map(|end| end.at),
            until: self.terms.until(),
            timeout: self.terms.timeout(),
            settle: self.terms.settle(),
            on_timeout: self.terms.on_timeout(),
            deadline: left_ms.map(|left| wall.plus(std::time::Duration::from_millis(left))),
            left_ms,
            by: self.by.clone(),
            reason: self.reason.clone(),
            changed_by: self.changed_by.clone(),
            draining: look.map(|look| look.draining),
            let_go: end.is_some_and(|end| end.let_go),
            later: self.later,
            busy: look.map(|look| look.busy).unwrap_or_default(),
            quiet_ms: self.watch.quiet(now).and_then(|quiet| u64::try_from(quiet.as_millis()).ok()),
            sessions: own.map_or(DrainSessions::UNKNOWN, |own| own.sessions.clone()),
            elsewhere: self.seen.as_ref().map(Seen::elsewhere).unwrap_or_default(),
            estimate_ms: None,
            safe_to_stop: false,
            why: String::new(),
            advice: None,
            durable: self.durable,
        };
        drain.safe_to_stop = look.is_some_and(|look| {
            let status = Status::default().with(Flag::Drain, look.draining).with(Flag::Stopped, look.stopped);
            look.draining && drain.is_about(status) && self.watch.is_safe()
        });
        if end.is_none() {
            let estimate =
                self.watch.estimate(now).and_then(|estimate| u64::try_from(estimate.as_millis()).ok());
            drain.estimate_ms = estimate.or_else(|| sessions::estimate_ms(&drain.sessions));
        }
        drain.why = match end {
            Some(end) => self.why_ended(end),
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

    /// These of its terms are others now.
    pub(super) fn changed_event(
        &self,
        changes: Vec<Change>,
        by: Option<Peer>,
        reason: Option<String>,
    ) -> EventKind {
        EventKind::DrainChanged {
            drain: self.number,
            balancer: self.balancer.clone(),
            member: self.member.clone(),
            changes,
            by,
            reason,
            durable: self.durable,
        }
    }

    /// It goes on where it reached what does not hold any more, if nobody was told.
    pub(super) fn withdraw(&mut self, now: Moment) {
        let reached = self.end.as_ref().is_some_and(|end| end.outcome.is_reached());
        if self.untold.is_some() && reached && !self.holds(now) {
            (self.end, self.untold) = (None, None);
        }
    }

    /// From now on it may be told how it ended; none: it may already, or has not ended.
    pub(super) fn tell_end(&mut self) -> Option<EventKind> {
        self.untold.take()?;
        let end = self.end.as_ref()?;
        Some(EventKind::DrainEnded {
            drain: self.number,
            balancer: self.balancer.clone(),
            member: self.member.clone(),
            outcome: end.outcome,
            why: self.why_ended(end),
            by: end.by.clone(),
        })
    }

    /// How it ended; where it came to what it waited for, with where its process is used now. Ends that were written down
    /// before may tell the latter themselves.
    fn why_ended(&self, end: &End) -> String {
        let holds = end.outcome.is_reached() && !end.let_go && self.later.is_none();
        let elsewhere = self.seen.as_ref().filter(|_| holds).map(Seen::elsewhere);
        let taken = process::still_taken(&self.balancer, &elsewhere.unwrap_or_default());
        if end.why.ends_with(&taken) { end.why.clone() } else { format!("{}{taken}", end.why) }
    }

    pub(super) fn keep(&self, now: Moment) -> Kept {
        Kept {
            number: self.number,
            balancer: self.balancer.clone(),
            member: self.member.clone(),
            terms: self.terms,
            began: self.began,
            by: self.by.clone(),
            reason: self.reason.clone(),
            changed_by: self.changed_by.clone(),
            left_ms: self.left_ms(now),
            sessions_ms: self
                .sessions_until
                .and_then(|until| u64::try_from(until.since(now).as_millis()).ok()),
            end: self.end.clone(),
        }
    }

    /// The job of before a restart, of whose time `down_ms` have passed. A deadline that passed meanwhile decides
    /// nothing: whoever gave the order could not see it coming.
    pub(super) fn restored(kept: Kept, down_ms: u64, (now, wall): (Moment, Timestamp)) -> Self {
        let left = kept.left_ms.map(|left| left.saturating_sub(down_ms));
        let late = kept.end.is_none() && left == Some(0);
        let until = left.map(|left| now.plus(std::time::Duration::from_millis(left)));
        let why = words::late_over_a_restart(kept.terms.on_timeout());
        let untold = late.then_some(now);
        let late = late.then_some(End { at: wall, ..End::now(DrainOutcome::KeptDraining, why, None) });
        Self {
            number: kept.number,
            balancer: kept.balancer,
            member: kept.member,
            terms: kept.terms,
            began: kept.began,
            by: kept.by,
            reason: kept.reason,
            changed_by: kept.changed_by,
            watch: DrainWatch::new(kept.terms.plan(until)),
            phase: DrainPhase::Shedding,
            told: (Vec::new(), now),
            seen: None,
            sessions_until: kept.sessions_ms.map(|left| now.plus(std::time::Duration::from_millis(left))),
            stopped_before: None,
            end: kept.end.or(late),
            untold,
            late: false,
            acting: false,
            later: None,
            durable: true,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::drains) fn job(order: &str, now: u64) -> Job {
        let order: DrainOrder = serde_json::from_str(order).unwrap();
        let names = ("app".parse().unwrap(), "http://a".parse().unwrap());
        Job::new((1, &names.0, &names.1), &order, (Moment(now), Timestamp(1_000_000)))
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
        let asked = |text: &str| job.asked(&serde_json::from_str(text).unwrap(), Moment(60_400_000));
        assert_eq!(asked(r#"{"extend":"5m"}"#).unwrap().timeout.unwrap().to_string(), "14m");
        for text in [r#"{"extend":"5m","timeout":"1m"}"#, r#"{"extend":"366d"}"#] {
            assert_eq!(asked(text).unwrap_err().field.as_deref(), Some("extend"), "{text}");
        }
        let endless = super::tests::job("{}", 0);
        assert!(endless.asked(&serde_json::from_str(r#"{"extend":"5m"}"#).unwrap(), Moment(0)).is_err());
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
}
