//! What happens at a deadline that came first: the member is stopped, cut or restored, by the same door as everybody's
//! edits and in the name of who ordered it.

use evenkeel_protocol::edit::Reason;
use evenkeel_protocol::{Code, Drain, DrainOutcome, MemberEdit, OnTimeout, Peer, Refusal};

use super::job::End;
use super::{Drains, words};
use crate::clock;

/// How often the member is looked at anew where somebody else edits it at the same time.
const ATTEMPTS: u32 = 8;

/// A job on whose deadline something is to be done.
struct Late {
    drain: Drain,
    by: Option<Peer>,
    force: Option<bool>,
    /// What the member had when it was looked at.
    revision: u64,
}

impl Drains {
    /// Does what was ordered for the deadline of a job. It may wait for a disk.
    pub(super) fn act(&self, number: u64) {
        let mut store = self.writer();
        for attempt in 1..=ATTEMPTS {
            let Some(late) = self.late_still(number) else { return };
            let end = match self.carry_out(&late) {
                // Somebody edited the member since it was looked at, and may have returned it.
                Err(refusal) if refusal.code == Code::Stale && attempt < ATTEMPTS => continue,
                Err(refusal) => {
                    let keeps = "it went on draining, because it could not be done otherwise";
                    let why = format!("{}; {keeps}: {refusal}", words::too_late(&late.drain, clock::wall()));
                    End::now(DrainOutcome::KeptDraining, why, None)
                }
                Ok(end) => end,
            };
            self.end(number, end);
            break;
        }
        self.save(&mut store);
    }

    /// Looks at a job whose deadline has passed; none: it was changed, cancelled or came to its end meanwhile.
    fn late_still(&self, number: u64) -> Option<Late> {
        if let Some(job) = self.jobs().get_mut(number) {
            (job.acting, job.late) = (false, false);
        }
        self.look();
        let mut jobs = self.jobs();
        let job = jobs.get_mut(number).filter(|job| job.late && job.is_running())?;
        job.acting = true;
        let revision = job.seen.as_ref()?.own.look.revision;
        let drain = job.show(clock::now(), clock::wall());
        Some(Late { drain, by: job.by.clone(), force: job.terms.force, revision })
    }

    fn carry_out(&self, late: &Late) -> Result<End, Refusal> {
        let drain = &late.drain;
        let (edit, outcome, said) = match drain.on_timeout {
            OnTimeout::Restore => (
                MemberEdit { drain: Some(false), ..MemberEdit::default() },
                DrainOutcome::Restored,
                "it took new sessions again",
            ),
            OnTimeout::Cut => (
                MemberEdit { stopped: Some(true), ..MemberEdit::default() },
                DrainOutcome::Cut,
                "it was stopped, and what was in flight was ended",
            ),
            OnTimeout::Stop | OnTimeout::Fail => (
                MemberEdit { stopped: Some(true), ..MemberEdit::default() },
                DrainOutcome::Stopped,
                "it was stopped",
            ),
        };
        let reason = Some(Reason::new(&words::deadline_reason(drain)));
        let edit = MemberEdit { reason, force: late.force, revision: Some(late.revision), ..edit };
        let too_late = words::too_late(drain, clock::wall());
        self.registry.edit_member(&drain.balancer, drain.member.as_str(), &edit, late.by.clone())?;
        if outcome == DrainOutcome::Cut {
            self.registry.cut(&drain.balancer, &drain.member);
        }
        Ok(End::now(outcome, format!("{too_late}; {said}"), None))
    }
}
