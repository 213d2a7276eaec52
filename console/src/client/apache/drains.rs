//! What is asked of drains, by the same verbs as of an Evenkeel proxy.

use evenkeel_protocol::refusal::Code;
use evenkeel_protocol::{
    BalancerName, Change, Drain, DrainAnswer, DrainCancel, DrainChange, DrainOrder, DrainOutcome, DrainUntil,
    Edited, EventKind, MemberEdit, MemberName, OnTimeout, Refusal, Subject,
};

use super::act::me;
use super::clock::Now;
use super::{Manager, ended, jobs};
use crate::ability::Ability;
use crate::client::Failure;

impl Manager {
    /// Drains a member, and watches it for as long as this process runs.
    pub(in crate::client) async fn begin_drain(
        &self,
        balancer: &BalancerName,
        member: &MemberName,
        order: &DrainOrder,
    ) -> Result<DrainAnswer, Failure> {
        self.possible(order.until, order.on_timeout)?;
        let edit = MemberEdit {
            drain: Some(true),
            revision: order.revision,
            force: order.force,
            reason: order.reason.clone(),
            ..MemberEdit::default()
        };
        let edited = self.edit_member(balancer, member, &edit).await?;
        let subject = Subject { balancer: balancer.clone(), member: Some(member.clone()) };
        let now = self.clock.now();
        let begun = self.with(|state| {
            let seen = state.record.last()?.clone();
            let drain = jobs::ordered((balancer, seen.member(balancer, member)?), order, now, me());
            let drains = Change { field: "drain".to_owned(), before: String::new(), after: "On".to_owned() };
            let durable = edited.durable || state.record.is_as_at_first(&subject, &drains);
            let drain = Drain { durable, ..drain };
            let running = state.jobs.running(&drain);
            let places = seen.places(balancer, member);
            let left = places.map_or(0, |places| state.record.left_at(&subject, &places, now.wall));
            let number = state.jobs.begin(drain, order, now, (&seen, left))?;
            Some((state.jobs.get(number)?.clone(), running.is_none()))
        });
        let Some((drain, is_new)) = begun else {
            let why = "the member drains now, and too many drains are watched already to watch this one too";
            return Err(Failure::Refused(Refusal::new(Code::Unavailable, why)));
        };
        if is_new {
            self.tell(now, began(&drain));
        }
        Ok(DrainAnswer { changed: true, changes: Vec::new(), drain, edited: Some(edited) })
    }

    /// One drain as it stands, looked at now.
    ///
    /// # Errors
    ///
    /// Several servers answer in turn, or a cache does, so that nobody can say how it stands.
    pub(in crate::client) async fn drain(&self, number: u64) -> Result<Drain, Failure> {
        self.snapshot().await?;
        self.believed()?;
        self.with(|state| state.jobs.get(number).cloned()).ok_or_else(|| none(number))
    }

    /// Gives a drain that runs other terms.
    pub(in crate::client) async fn change_drain(
        &self,
        number: u64,
        change: &DrainChange,
    ) -> Result<DrainAnswer, Failure> {
        self.possible(change.until, change.on_timeout)?;
        let now = self.clock.now();
        if !self.with(|state| state.jobs.change(number, change, now)) {
            return Err(none(number));
        }
        // What is due at once is done before the answer.
        self.drive().await;
        let drain = self.with(|state| state.jobs.get(number).cloned()).ok_or_else(|| none(number))?;
        Ok(DrainAnswer { changed: true, changes: Vec::new(), drain, edited: None })
    }

    /// Ends a drain, and lets new sessions come again if that is asked for.
    pub(in crate::client) async fn cancel_drain(
        &self,
        number: u64,
        cancel: &DrainCancel,
    ) -> Result<DrainAnswer, Failure> {
        let found = self.with(|state| state.jobs.get(number).cloned());
        let drain = found.filter(Drain::is_running).ok_or_else(|| none(number))?;
        let restores = cancel.restore == Some(true);
        let edited = if restores {
            let edit =
                MemberEdit { drain: Some(false), reason: cancel.reason.clone(), ..MemberEdit::default() };
            Some(self.edit_member(&drain.balancer, &drain.member, &edit).await?)
        } else {
            None
        };
        let why = if restores {
            "it was cancelled: it took new sessions again"
        } else {
            "it was cancelled: it went on draining, unwatched"
        };
        let drain =
            self.finish(number, DrainOutcome::Cancelled, why.to_owned()).ok_or_else(|| none(number))?;
        Ok(DrainAnswer { changed: true, changes: Vec::new(), drain, edited })
    }

    /// The deadline of a drain has passed.
    pub(super) async fn due(&self, (drain, left): (Drain, String), now: Now) {
        let (edit, outcome, what) = match drain.on_timeout {
            OnTimeout::Fail | OnTimeout::Cut => {
                let why = format!("the time had passed with {left}; it went on draining");
                self.finish(drain.number, DrainOutcome::KeptDraining, why);
                return;
            }
            OnTimeout::Stop => (
                MemberEdit { stopped: Some(true), ..MemberEdit::default() },
                DrainOutcome::Stopped,
                "it was stopped",
            ),
            OnTimeout::Restore => (
                MemberEdit { drain: Some(false), ..MemberEdit::default() },
                DrainOutcome::Restored,
                "it took new sessions again",
            ),
        };
        // Ended before it is acted on, so that what is done is not taken for somebody else's doing.
        let why = format!("the time had passed with {left}: {what}");
        let ended = self.with(|state| state.jobs.end(drain.number, outcome, why, now));
        let made: Result<Edited, Failure> =
            Box::pin(self.edit_member(&drain.balancer, &drain.member, &edit)).await;
        let ended = match made {
            Ok(_) => ended,
            Err(failure) => {
                let why = format!("the time had passed, and it went on draining: {failure}");
                self.with(|state| state.jobs.correct(drain.number, DrainOutcome::KeptDraining, why))
            }
        };
        if let Some(drain) = ended {
            self.tell(now, super::ended(&drain));
        }
    }

    /// Can it be waited for so?
    fn possible(&self, until: Option<DrainUntil>, on_timeout: Option<OnTimeout>) -> Result<(), Failure> {
        let unable = |ability: Ability| Err(Failure::Unable(self.lacks(ability).to_owned()));
        match (until, on_timeout) {
            (Some(DrainUntil::NoSessions), _) => unable(Ability::Sessions),
            (_, Some(OnTimeout::Cut)) => unable(Ability::Cut),
            _ => Ok(()),
        }
    }

    fn finish(&self, number: u64, outcome: DrainOutcome, why: String) -> Option<Drain> {
        let now = self.clock.now();
        let drain = self.with(|state| state.jobs.end(number, outcome, why, now))?;
        self.tell(now, ended(&drain));
        Some(drain)
    }
}

fn none(number: u64) -> Failure {
    Failure::Refused(Refusal::new(Code::NotFound, format!("there is no drain {number} that runs here")))
}

fn began(drain: &Drain) -> EventKind {
    EventKind::DrainBegan {
        drain: drain.number,
        balancer: drain.balancer.clone(),
        member: drain.member.clone(),
        until: drain.until,
        timeout: drain.timeout,
        settle: drain.settle,
        on_timeout: drain.on_timeout,
        by: drain.by.clone(),
        reason: drain.reason.clone(),
        durable: drain.durable,
    }
}
