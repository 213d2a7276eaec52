//! What happens at a deadline that came first: the member is stopped, cut or restored, by the same door as everybody's
//! edits and in the name of who ordered it.

use evenkeel_protocol::edit::Reason;
use evenkeel_protocol::{DrainOutcome, MemberEdit, OnTimeout};

use super::job::End;
use super::{Drains, words};
use crate::clock;

impl Drains {
    /// Does what was ordered for the deadline of a job. It may wait for a disk.
    pub(super) fn act(&self, number: u64) {
        let mut store = self.writer();
        // It may have been changed, cancelled or come to its end while this waited for its turn.
        if let Some(job) = self.jobs().get_mut(number) {
            (job.acting, job.late) = (false, false);
        }
        self.look();
        let order = {
            let mut jobs = self.jobs();
            let job = jobs.get_mut(number).filter(|job| job.late && job.is_running());
            job.map(|job| {
                job.acting = true;
                let drain = job.show(clock::now(), clock::wall());
                (drain, job.by.clone())
            })
        };
        let Some((drain, by)) = order else { return };
        let (edit, outcome, said) = match drain.on_timeout {
            OnTimeout::Restore => (
                MemberEdit { drain: Some(false), ..MemberEdit::default() },
                DrainOutcome::Restored,
                "it takes new sessions again",
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
        let reason = Some(Reason::new(&words::deadline_reason(&drain)));
        let force = self.jobs().get(number).and_then(|job| job.terms.force);
        let edit = MemberEdit { reason, force, ..edit };
        let late = words::too_late(&drain, clock::wall());
        let end = match self.registry.edit_member(&drain.balancer, drain.member.as_str(), &edit, by) {
            Ok(_) => {
                if outcome == DrainOutcome::Cut {
                    self.registry.cut(&drain.balancer, &drain.member);
                }
                End::now(outcome, format!("{late}; {said}"))
            }
            Err(why) => {
                let why = format!("{late}; it keeps draining, because it could not be done otherwise: {why}");
                End::now(DrainOutcome::KeptDraining, why)
            }
        };
        self.end(number, end, None);
        self.save(&mut store);
    }
}
