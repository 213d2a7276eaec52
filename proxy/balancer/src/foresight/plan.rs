//! Several edits and removals of members, tried one after the other on one copy, as an operator means to make them: each
//! is guarded by what the ones before it have left, and traffic is compared before the first and after the last.

use evenkeel_protocol::{MemberEdit, MemberName, Moment, Refusal};

use super::Shift;
use crate::balancer::Balancer;
use crate::edit::Accepted;

/// What is meant to be done to a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meant<'a> {
    /// Change its settings.
    Edit(&'a MemberEdit),
    /// Let it go, if the balancer still has that revision; none: whatever it has.
    Removal(Option<u64>),
}

/// What several edits would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What becomes of each, in their order.
    pub steps: Vec<Step>,
    /// What all that are accepted do to traffic, guards or not.
    pub shift: Shift,
}

/// What would become of one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Whose edit.
    pub member: MemberName,
    /// What changes, or why it is refused. That somebody goes is no change of a setting.
    pub outcome: Result<Accepted, Refusal>,
    /// Why a guard would refuse it.
    pub guarded: Option<Refusal>,
}

impl Balancer {
    /// What `edits` would do at `now`, made in their order. Only for a copy ([`Self::rehearsal`]).
    pub fn foresee_plan<'a>(
        self,
        edits: impl IntoIterator<Item = (&'a MemberName, Meant<'a>)>,
        now: Moment,
    ) -> Plan {
        let mut after = self.rehearsal();
        let mut hold = after.rehearsal().hold();
        let steps = edits.into_iter().map(|(member, meant)| {
            let (outcome, guards) = match meant {
                Meant::Edit(edit) => (after.edit_member(member, edit), Self::is_guarded(edit)),
                Meant::Removal(revision) => (after.dismiss(member, revision), true),
            };
            let was = hold;
            hold = after.hold_after(was);
            let concerned = outcome.is_ok() && guards;
            let guarded = concerned.then(|| after.loss((was, hold), member)).flatten();
            Step { member: member.clone(), outcome, guarded }
        });
        let steps = steps.collect();
        Plan { steps, shift: self.shift(after, now) }
    }
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::{BalancerSettings, Code, MemberSettings};

    use super::*;
    use crate::foresight::{Loss, WHOLE};

    fn name(at: usize) -> MemberName {
        format!("http://m{at}").parse().unwrap()
    }

    fn balancer(statuses: &[&str]) -> Balancer {
        let member = |(at, status): (usize, &&str)| {
            let mut settings = MemberSettings::default();
            if !status.is_empty() {
                settings.status = settings.status.apply(status).unwrap();
            }
            (name(at), settings)
        };
        let members = statuses.iter().enumerate().map(member).collect();
        Balancer::new("app".parse().unwrap(), BalancerSettings::default(), members, 1)
    }

    fn drains(on: bool) -> MemberEdit {
        MemberEdit { drain: Some(on), ..MemberEdit::default() }
    }

    fn planned(statuses: &[&str], edits: &[(usize, MemberEdit)]) -> Plan {
        let names: Vec<MemberName> = edits.iter().map(|(at, _)| name(*at)).collect();
        let edits = names.iter().zip(edits).map(|(name, (_, edit))| (name, Meant::Edit(edit)));
        balancer(statuses).rehearsal().foresee_plan(edits, Moment(1))
    }

    fn guarded(plan: &Plan) -> Vec<bool> {
        plan.steps.iter().map(|step| step.guarded.is_some()).collect()
    }

    #[test]
    fn the_last_of_several_is_seen_before_it_is_done() {
        let all = [0, 1, 2].map(|at| (at, drains(true)));
        let plan = planned(&["", "", ""], &all);
        assert_eq!(guarded(&plan), [false, false, true]);
        let message = &plan.steps[2].guarded.as_ref().unwrap().message;
        assert!(message.contains("http://m2 is the last usable member of app"), "{message}");
        assert_eq!((plan.shift.remaining.len(), plan.shift.next_after.len()), (0, 0));
        let plan = planned(&["", "", ""], &all[..2]);
        assert_eq!(guarded(&plan), [false, false]);
        assert_eq!(plan.shift.remaining, [name(2)]);
        let loss = |at| Loss { member: name(at), free: WHOLE, sessions: false };
        assert_eq!(plan.shift.losses, [loss(0), loss(1)]);
    }

    #[test]
    fn each_is_judged_by_what_the_ones_before_it_have_left() {
        let exchange = [(1, drains(false)), (0, drains(true))];
        assert_eq!(guarded(&planned(&["", "N"], &exchange)), [false, false], "the other comes first");
        let [comes, goes] = exchange;
        assert_eq!(guarded(&planned(&["", "N"], &[goes, comes])), [true, false]);
        let stops = MemberEdit { stopped: Some(true), ..MemberEdit::default() };
        let hopes = [(0, stops.clone()), (1, stops)];
        assert_eq!(guarded(&planned(&["E", "E"], &hopes)), [false, true], "nobody is left to come back");
    }

    #[test]
    fn what_the_core_refuses_is_told_and_the_others_go_on() {
        let stale = MemberEdit { revision: Some(77), ..drains(true) };
        let plan = planned(&["", ""], &[(0, stale), (9, drains(true)), (1, drains(true))]);
        let codes: Vec<Option<Code>> =
            plan.steps.iter().map(|step| step.outcome.as_ref().err().map(|refusal| refusal.code)).collect();
        assert_eq!(codes, [Some(Code::Stale), Some(Code::NotFound), None]);
        assert_eq!(plan.shift.remaining, [name(0)]);
    }

    #[test]
    fn who_would_go_is_missed_by_those_who_stay() {
        let gone = |statuses: &[&str], at: &[usize], revision| {
            let names: Vec<MemberName> = at.iter().copied().map(name).collect();
            let removals = names.iter().map(|name| (name, Meant::Removal(revision)));
            balancer(statuses).rehearsal().foresee_plan(removals, Moment(1))
        };
        let two = gone(&["", "", ""], &[2, 0], None);
        assert_eq!(guarded(&two), [false, false]);
        assert_eq!((two.shift.remaining, two.shift.next_after[0].clone()), (vec![name(1)], name(1)));
        let lost = |at| Loss { member: name(at), free: WHOLE, sessions: false };
        assert_eq!(two.shift.losses, [lost(0), lost(2)]);
        let all = gone(&["", "", ""], &[0, 1, 2], None);
        assert_eq!((guarded(&all), all.shift.remaining.len()), (vec![false, false, true], 0));
        // A spare stands in for who is stopped, but not for who is not there any more.
        assert_eq!(guarded(&gone(&["", "R"], &[0], None)), [true]);
        assert_eq!(guarded(&gone(&["", "H"], &[0], None)), [false]);
        let codes = |plan: &Plan| -> Vec<Option<Code>> {
            plan.steps.iter().map(|step| step.outcome.as_ref().err().map(|refusal| refusal.code)).collect()
        };
        let twice = gone(&["", "", ""], &[0, 0, 9], None);
        assert_eq!(codes(&twice), [None, Some(Code::NotFound), Some(Code::NotFound)]);
        assert_eq!(codes(&gone(&["", "", ""], &[0, 1], Some(0))), [None, Some(Code::Stale)]);
    }

    #[test]
    fn a_copy_without_somebody_elects_as_the_balancer_without_it_does() {
        let mut real = balancer(&["", "", "H", ""]);
        for _ in 0..5 {
            drop(real.elect(&crate::election::Ask::default(), Moment(1)).unwrap());
        }
        let gone = name(1);
        let plan = real.rehearsal().foresee_plan([(&gone, Meant::Removal(None))], Moment(1));
        let mut without = real.shrunk(&gone);
        for expected in plan.shift.next_after {
            let elected = without.elect(&crate::election::Ask::default(), Moment(1)).unwrap().member;
            assert_eq!(without.members[elected.index()].name, expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn a_plan_of_edits_is_guarded_as_the_edits_one_by_one(
            statuses in proptest::collection::vec("[DSNERHC]{0,2}", 1..5),
            edits in proptest::collection::vec((0usize..4, 0usize..7, proptest::bool::ANY), 1..6),
        ) {
            let statuses: Vec<&str> = statuses.iter().map(String::as_str).collect();
            let edits: Vec<(usize, MemberEdit)> = edits
                .into_iter()
                .filter(|(at, ..)| *at < statuses.len())
                .map(|(at, flag, on)| (at, MemberEdit::default().with_flag(MemberEdit::FLAGS[flag].0, on)))
                .collect();
            let plan = planned(&statuses, &edits);
            let mut real = balancer(&statuses);
            for ((at, edit), step) in edits.iter().zip(&plan.steps) {
                proptest::prop_assert_eq!(&step.guarded, &real.guard(&name(*at), edit));
                let accepted = real.edit_member(&name(*at), edit);
                proptest::prop_assert_eq!(&step.outcome, &accepted);
            }
        }
    }
}
