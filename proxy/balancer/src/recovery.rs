//! Lifting the error mark: when a retry time has passed, and when all that could serve are in error.
//!
//! httpd's three occasions are kept: the members at the head of the list are looked at before every election
//! (the first step of its forced recovery), those of a set when the walk comes to it, and that of a route when a
//! session asks for it.

use evenkeel_protocol::{Flag, Moment, Recovery};

use crate::balancer::{Balancer, Course};
use crate::member::{Member, MemberId};
use crate::sticky::Claim;

impl Balancer {
    fn is_left_out(&self, id: MemberId) -> bool {
        self.lineup.without().contains(&id)
    }

    /// Lifts the error of one member if its time has come.
    pub(crate) fn retry(&mut self, id: MemberId, now: Moment, course: &mut Course) {
        let due = self.member(id).and_then(Member::retry_from).is_some_and(|from| now >= from);
        if due && !self.is_left_out(id) {
            self.lift(&[id], Recovery::Retry, course);
        }
    }

    /// Lifts errors whose time has come from the front of the list, up to the first member without error.
    pub(crate) fn retry_leading(&mut self, now: Moment, course: &mut Course) {
        for id in (0u32..).map(MemberId).take(self.members.len()) {
            if self.is_left_out(id) {
                continue;
            }
            let in_error = |balancer: &Self| balancer.member(id).is_some_and(|m| m.status.has(Flag::Error));
            if !in_error(self) {
                return;
            }
            self.retry(id, now, course);
            if !in_error(self) {
                return;
            }
        }
    }

    /// Lifts the errors within one set whose time has come; draining members are passed over.
    pub(crate) fn retry_set(&mut self, at: usize, now: Moment, course: &mut Course) {
        let due = |from: Moment| now >= from;
        let Some(set) = self.lineup.sets.get(at).filter(|set| set.retry_from.is_some_and(due)) else {
            return;
        };
        let lbset = set.lbset;
        let ids: Vec<MemberId> = (0u32..)
            .map(MemberId)
            .zip(&self.members)
            .filter(|(id, member)| {
                member.settings.lbset == lbset
                    && !member.is_draining()
                    && !self.is_left_out(*id)
                    && member.retry_from().is_some_and(due)
            })
            .map(|(id, _)| id)
            .collect();
        self.lift(&ids, Recovery::Retry, course);
    }

    /// Called when nobody can be elected: if all that could serve this request are in error, lifts all errors, as
    /// httpd does. True if that may have helped.
    ///
    /// httpd counts every member that is not in error as a hope, also one that is disabled or draining, and so
    /// answers 503 until a retry time has passed; here only members that could serve count.
    pub(crate) fn force_recovery(&mut self, claim: Option<Claim<'_>>, course: &mut Course) -> bool {
        // nofailover may have refused although others serve: then nothing has to be forced.
        if !self.settings.forcerecovery || self.lineup.offers_anybody() {
            return false;
        }
        let asked_for =
            |member: &Member| claim.is_some_and(|claim| claim.route == member.settings.route.as_str());
        let all = (0u32..).map(MemberId).zip(&self.members);
        let helps = all.clone().any(|(id, member)| {
            member.status.has(Flag::Error)
                && member.would_be_usable()
                && (!member.is_draining() || asked_for(member))
                && !self.is_left_out(id)
        });
        if helps {
            let ids: Vec<MemberId> =
                all.filter(|(_, member)| member.status.has(Flag::Error)).map(|(id, _)| id).collect();
            self.lift(&ids, Recovery::Forced, course);
        }
        helps
    }

    fn lift(&mut self, ids: &[MemberId], how: Recovery, course: &mut Course) {
        for id in ids {
            if let Some(member) = self.member_mut(*id) {
                member.lift_error();
                course.retried.push((*id, how));
                if !self.on_trial.contains(id) {
                    self.on_trial.push(*id);
                }
            }
        }
        if !ids.is_empty() {
            self.lineup.refresh(&self.members);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::election::{Ask, Election};
    use crate::failover::{Failure, Outcome};
    use evenkeel_protocol::{BalancerSettings, MemberSettings};

    fn balancer(members: u8, sticky: bool) -> Balancer {
        let settings = BalancerSettings {
            stickysession: sticky.then(|| "SID".parse().unwrap()),
            nofailover: sticky,
            ..BalancerSettings::default()
        };
        let member = |at: u8| {
            let name = format!("http://10.0.0.{at}").parse().unwrap();
            let route = format!("r{at}").parse().unwrap();
            (name, MemberSettings { retry: 1, route, ..MemberSettings::default() })
        };
        Balancer::new("app".parse().unwrap(), settings, (1..=members).map(member).collect(), 1)
    }

    fn refuse(balancer: &mut Balancer, member: u32, now: u64) {
        let failure = Failure::refused();
        balancer.settle(MemberId(member), &Outcome::Failed(failure), Moment(now));
    }

    fn elect(balancer: &mut Balancer, now: u64) -> Election {
        balancer.elect(&Ask::default(), Moment(now)).unwrap()
    }

    const LATER: u64 = 1_000_001;

    /// Departure 28: httpd sends everybody there as soon as the retry time is over.
    #[test]
    fn one_request_probes_and_the_others_wait_for_its_news() {
        let mut balancer = balancer(2, false);
        refuse(&mut balancer, 0, 0);
        let probe = elect(&mut balancer, LATER);
        assert_eq!(probe.retried, [(MemberId(0), Recovery::Retry)]);
        assert!(probe.member == MemberId(0) && probe.lease.is_probe());
        let others: Vec<u32> = (0..4).map(|_| elect(&mut balancer, LATER).member.0).collect();
        assert_eq!(others, [1, 1, 1, 1], "nobody else goes there while it is not known");
        probe.lease.connected();
        let others: Vec<u32> = (0..4).map(|_| elect(&mut balancer, LATER).member.0).collect();
        assert!(others.contains(&0), "its connection stands: {others:?}");
        assert!(probe.lease.answered(200, 1), "its error note is to be cleared");
    }

    #[test]
    fn a_probe_that_goes_away_leaves_its_place_to_the_next() {
        let mut balancer = balancer(1, false);
        refuse(&mut balancer, 0, 0);
        let probe = elect(&mut balancer, LATER);
        assert!(probe.lease.is_probe());
        let alone = elect(&mut balancer, LATER);
        assert!(!alone.lease.is_probe(), "with nobody else to ask, others go there as in httpd");
        drop(probe);
        assert!(elect(&mut balancer, LATER).lease.is_probe());
    }

    #[test]
    fn nofailover_sends_a_session_to_a_member_being_probed() {
        let mut balancer = balancer(2, true);
        refuse(&mut balancer, 0, 0);
        let ask = Ask { cookies: &["SID=x.r1"], ..Ask::default() };
        let probe = balancer.elect(&ask, Moment(LATER)).unwrap();
        assert!(probe.lease.is_probe());
        let session = balancer.elect(&ask, Moment(LATER)).unwrap();
        assert_eq!((session.member, session.lease.is_probe()), (MemberId(0), false));
    }

    #[test]
    fn an_excluded_member_is_not_retried_and_not_forced_for_that_request() {
        let mut balancer = balancer(2, false);
        refuse(&mut balancer, 0, 0);
        let ask = Ask { excluded: &[MemberId(0), MemberId(1)], ..Ask::default() };
        assert!(balancer.elect(&ask, Moment(LATER)).unwrap_err().retried.is_empty());
        let ask = Ask { excluded: &[MemberId(1)], ..Ask::default() };
        let forced = balancer.elect(&ask, Moment(1)).unwrap();
        assert_eq!((forced.member, forced.retried), (MemberId(0), vec![(MemberId(0), Recovery::Forced)]));
        assert_eq!(elect(&mut balancer, 2).member, MemberId(1), "others are not concerned");
    }
}
