//! Health checks at the door of the registry: what is due goes out, what was found comes in and is told to everybody.

use evenkeel_balancer::{Finding, MemberId, Observed};
use evenkeel_protocol::sentence::{LISTED, listed};
use evenkeel_protocol::{BalancerName, Code, EventKind, HealthCheck, MemberEdit, MemberName, Refusal};

use super::{LiveBalancer, Registry};
use crate::clock;

impl LiveBalancer {
    /// An edit can only name an expression that the configuration defines.
    pub(super) fn refuse_unknown_expression(&self, edit: &MemberEdit) -> Result<(), Refusal> {
        let Some(name) = edit.hcexpr.as_ref().filter(|name| !name.is_empty()) else { return Ok(()) };
        if self.checks().expression(name.as_str()).is_some() {
            return Ok(());
        }
        let known = listed(self.checks().names(), LISTED, "none");
        let message = format!("hcexpr: the configuration defines no ProxyHCExpr {name}; there are {known}");
        Err(Refusal::field(Code::Invalid, "hcexpr", message))
    }
}

impl Registry {
    /// Tells the core what a check found that asked `check`, and everybody else what that changed. The balancer and the
    /// member are named, because they may be others since.
    pub(crate) fn observe(
        &self,
        (balancer, member): &(BalancerName, MemberName),
        id: MemberId,
        check: &HealthCheck,
        finding: &Finding,
    ) {
        let Ok(live) = self.find(balancer) else { return };
        let observed = {
            let mut core = live.lock();
            let Some(id) = core.find_member(member, id) else { return };
            core.observe(id, check, finding, clock::now())
        };
        let reason = evenkeel_protocol::clean::clean(&finding.reason, crate::limits::TEXT);
        let (balancer, member) = (balancer.clone(), member.clone());
        match observed {
            Observed::Nothing => {}
            Observed::Failed => {
                tracing::warn!(%balancer, %member, reason, "member failed its health check");
                self.events.publish(EventKind::HealthFailed { balancer, member, reason });
            }
            Observed::Passed { lifted } => {
                tracing::info!(%balancer, %member, reason, "member passed its health check");
                self.events.publish(EventKind::HealthPassed { balancer, member, reason, lifted });
                live.changed.notify_waiters();
            }
        }
    }
}
