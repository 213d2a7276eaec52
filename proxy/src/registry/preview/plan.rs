//! Several edits and removals of members that are only looked at together. The core knows who would be left; what it
//! cannot know is told here: who may be removed at all, and whose requests and sessions a removal would cut off.

use evenkeel_balancer::{Meant, Plan, Shift, Step};
use evenkeel_protocol::{
    BalancerName, BalancerOutlook, BalancerSnapshot, Change, Intent, MemberName, PlanOrder, PlanPreview,
    PlanStep, Refusal, Subject,
};

use crate::clock;
use crate::journal::Journal;
use crate::registry::departure::departure;
use crate::registry::roster::{burden, removable};
use crate::registry::{LiveBalancer, Registry};

/// What is meant for one member, and what is known of it before anything is tried.
struct Proposed<'a> {
    member: &'a MemberName,
    intent: &'a Intent,
    /// What a removal would take away, or why it cannot be; of an edit nothing.
    departure: Result<Vec<Change>, Refusal>,
    /// Why a removal is refused unless it is forced.
    burden: Option<Refusal>,
}

impl<'a> Proposed<'a> {
    fn of(
        (journal, live, seen): (&Journal, &LiveBalancer, &BalancerSnapshot),
        (member, intent): (&'a MemberName, &'a Intent),
    ) -> Self {
        // Of who is not there the core says so.
        let known = seen.member(member).filter(|_| matches!(intent, Intent::Removal(_)));
        let Some(known) = known else {
            return Self { member, intent, departure: Ok(Vec::new()), burden: None };
        };
        let departure =
            removable(journal, &live.name, member).map(|added| vec![departure(journal, live, added)]);
        Self { member, intent, departure, burden: burden(&live.name, known) }
    }

    fn meant(&self) -> Meant<'a> {
        match self.intent {
            Intent::Edit(edit) => Meant::Edit(edit),
            Intent::Removal(removal) => Meant::Removal(removal.revision),
        }
    }

    fn is_forced(&self) -> bool {
        match self.intent {
            Intent::Edit(edit) => edit.force == Some(true),
            Intent::Removal(removal) => removal.force,
        }
    }
}

impl Registry {
    /// What several edits of members would do together. Errors: a balancer is not there; what is wrong with a single
    /// edit stands in its place.
    pub(crate) fn preview_plan(&self, order: &PlanOrder) -> Result<PlanPreview, Refusal> {
        let mut named: Vec<&BalancerName> = Vec::new();
        for proposal in &order.proposals {
            if !named.contains(&&proposal.balancer) {
                named.push(&proposal.balancer);
            }
        }
        let balancers: Result<Vec<BalancerOutlook>, Refusal> =
            named.into_iter().map(|name| self.outlook(&*self.find(name)?, order)).collect();
        Ok(PlanPreview { applied: false, balancers: balancers? })
    }

    /// What those of the edits that are of one balancer's members would do.
    fn outlook(&self, live: &LiveBalancer, order: &PlanOrder) -> Result<BalancerOutlook, Refusal> {
        let proposed = self.proposed(live, order)?;
        let (copy, now) = (live.lock().rehearsal(), clock::now());
        let possible = proposed.iter().filter(|it| it.departure.is_ok());
        let Plan { steps, shift } = copy.foresee_plan(possible.map(|it| (it.member, it.meant())), now);
        let effect = self.effect(live, &shift, now);
        let mut tried = steps.into_iter();
        let steps: Vec<PlanStep> = proposed
            .into_iter()
            .filter_map(|proposed| match proposed.departure.clone() {
                Ok(departure) => Some(self.step(live, &proposed, (tried.next()?, departure))),
                Err(refusal) => {
                    let member = proposed.member.clone();
                    Some(PlanStep { member, changes: Vec::new(), refusal: Some(refusal) })
                }
            })
            .collect();
        let notes = effect.notes(steps.iter().any(|step| !step.changes.is_empty()));
        let Shift { remaining, next, next_after, .. } = shift;
        Ok(BalancerOutlook {
            balancer: live.name.clone(),
            steps,
            moved: effect.moved,
            sessions: effect.sessions.ok(),
            remaining,
            next,
            next_after,
            notes,
        })
    }

    /// What is meant for the members of one balancer, in the order in which it would be done.
    fn proposed<'a>(&self, live: &LiveBalancer, order: &'a PlanOrder) -> Result<Vec<Proposed<'a>>, Refusal> {
        let own = || order.proposals.iter().filter(|proposal| proposal.balancer == live.name);
        for proposal in own() {
            if let Intent::Edit(edit) = &proposal.intent {
                live.refuse_unknown_expression(edit)?;
            }
        }
        let (journal, seen) = (self.writer(), live.snapshot());
        let each =
            own().flat_map(|proposal| proposal.members.iter().map(|member| (member, &proposal.intent)));
        Ok(each.map(|meant| Proposed::of((&journal, live, &seen), meant)).collect())
    }

    /// What would become of what was tried in the core.
    fn step(
        &self,
        live: &LiveBalancer,
        proposed: &Proposed<'_>,
        (step, departure): (Step, Vec<Change>),
    ) -> PlanStep {
        let subject = Subject { balancer: live.name.clone(), member: Some(step.member.clone()) };
        let (changes, refusal) = match step.outcome {
            Ok(accepted) => {
                let guarded = proposed.burden.clone().or(step.guarded);
                let changes = if departure.is_empty() { accepted.changes } else { departure };
                (changes, guarded.filter(|_| !proposed.is_forced()))
            }
            Err(refusal) => (Vec::new(), Some(self.with_author(refusal, &subject))),
        };
        PlanStep { member: step.member, changes, refusal }
    }
}
