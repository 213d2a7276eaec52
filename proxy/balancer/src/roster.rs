//! Members that come and go at run time: the balancer with one more or one fewer takes the place of the one before,
//! and everybody else goes on as if nothing had happened.
//!
//! As in httpd a newcomer stands behind all others with lbstatus 0 and zero counters, and the load of the others stays
//! as it is: under bytraffic it then gets every new request until it is level.

use evenkeel_protocol::{MemberName, MemberSettings, Refusal};

use crate::balancer::Balancer;
use crate::census::Watch;
use crate::edit::{Accepted, refuse_stale};
use crate::member::{Member, MemberId};
use crate::tally::Trial;

impl Balancer {
    /// This balancer with one more member, whose name is that of no other. `cores` is as in [`Balancer::new`].
    #[must_use]
    pub fn grown(&self, (name, settings): (MemberName, MemberSettings), cores: usize) -> Self {
        let mut newcomer = Member::new(name, settings, cores);
        newcomer.revision = self.first_revision;
        newcomer.tally.set_attentive(!self.settings.failonstatus.is_empty());
        self.of_roster(self.members.iter().cloned().chain([newcomer]).collect())
    }

    /// This balancer without that member. Requests that are with it stay counted until they end, also where it comes
    /// back before they do.
    #[must_use]
    pub fn shrunk(&self, name: &MemberName) -> Self {
        self.of_roster(self.members.iter().filter(|member| member.name != *name).cloned().collect())
    }

    /// As [`Balancer::shrunk`], in place. Only for a copy ([`Balancer::rehearsal`]): it remembers nobody who went.
    ///
    /// Errors: [`Code::NotFound`](evenkeel_protocol::Code::NotFound) for a member that is not of this balancer,
    /// [`Code::Stale`](evenkeel_protocol::Code::Stale) for another revision of the balancer.
    pub(crate) fn dismiss(&mut self, name: &MemberName, revision: Option<u64>) -> Result<Accepted, Refusal> {
        let Some(place) = self.members.iter().position(|member| member.name == *name) else {
            return Err(self.no_member(name));
        };
        refuse_stale(&format!("balancer {}", self.name), revision, (self.revision, self.first_revision))?;
        let ids = (0u32..).map(MemberId).take(self.members.len()).filter(|id| id.index() != place);
        let credit: Vec<i64> = ids.map(|id| self.lineup.lbstatus_of(id)).collect();
        let mut members = std::mem::take(&mut self.members);
        members.remove(place);
        let mut next = Self::of(self.name.clone(), self.settings.clone(), members);
        next.revision = self.revision + 1;
        for (id, lbstatus) in (0u32..).map(MemberId).zip(credit) {
            next.lineup.set_lbstatus(id, lbstatus);
        }
        next.go_on_trying();
        next.watch = Watch::blind();
        *self = next;
        Ok(Accepted { changes: Vec::new(), revision: self.revision, notes: Vec::new() })
    }

    /// This balancer without anybody: what has its place while no configuration has it. Who was closed stays so.
    #[must_use]
    pub fn vacated(&self) -> Self {
        let mut next = Self::of(self.name.clone(), self.settings.clone(), Vec::new());
        next.revision = self.revision;
        next.remember_departed(self, Member::is_closed);
        next.go_on_watching(self);
        next
    }

    fn of_roster(&self, members: Vec<Member>) -> Self {
        let mut next = Self::of(self.name.clone(), self.settings.clone(), members);
        next.revision = self.revision + 1;
        for (id, name, _) in self.members() {
            let Some(there) = next.members.iter().position(|member| member.name == *name) else { continue };
            if let Ok(there) = u32::try_from(there) {
                next.lineup.set_lbstatus(MemberId(there), self.lineup.lbstatus_of(id));
            }
        }
        next.go_on_trying();
        // Whoever removes a member at run time wants nothing more to begin there.
        next.remember_departed(self, |_| true);
        next.go_on_watching(self);
        next.check_invariants();
        next
    }

    /// Knows who is on trial by what their own counters say.
    fn go_on_trying(&mut self) {
        let members = (0u32..).map(MemberId).zip(&self.members);
        let trials = members.filter(|(_, member)| member.tally.trial() != Trial::None);
        self.on_trial = trials.map(|(id, _)| id).collect();
    }
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::{BalancerSettings, Flag, LbMethod, MemberEdit, Moment, Timestamp};

    use super::*;
    use crate::election::Ask;
    use crate::failover::{Failure, Outcome};

    fn name(host: &str) -> MemberName {
        format!("http://{host}").parse().unwrap()
    }

    fn balancer(lbmethod: LbMethod, hosts: &[&str]) -> Balancer {
        let settings = BalancerSettings { lbmethod, ..BalancerSettings::default() };
        let members = hosts.iter().map(|host| (name(host), MemberSettings::default())).collect();
        Balancer::new("app".parse().unwrap(), settings, members, 1)
    }

    fn elect(balancer: &mut Balancer, times: usize) -> String {
        let host = |balancer: &mut Balancer| {
            let election = balancer.elect(&Ask::default(), Moment(1)).unwrap();
            election.lease.received(100);
            balancer.members[election.member.index()].name.host().to_owned()
        };
        (0..times).map(|_| host(balancer)).collect()
    }

    fn lbstatus(balancer: &Balancer) -> Vec<i64> {
        let snapshot = balancer.snapshot(Moment(1), Timestamp(1));
        snapshot.members.iter().map(|member| member.lbstatus).collect()
    }

    #[test]
    fn a_newcomer_starts_at_zero_and_moves_nobody() {
        let mut before = balancer(LbMethod::ByRequests, &["a", "b", "c"]);
        assert_eq!(elect(&mut before, 2), "ab");
        let after = before.grown((name("d"), MemberSettings::default()), 1);
        assert_eq!((lbstatus(&before), lbstatus(&after)), (vec![-100, -100, 200], vec![-100, -100, 200, 0]));
        assert_eq!((after.revision, after.members[3].revision), (before.revision + 1, 0));
        let elected = |at: usize| after.members[at].tally.elected();
        assert_eq!([elected(0), elected(1), elected(2), elected(3)], [1, 1, 0, 0]);
    }

    #[test]
    fn who_comes_back_has_a_revision_that_it_never_had() {
        let mut before = balancer(LbMethod::ByRequests, &["a", "b"]);
        let set = |balancer: &mut Balancer, set: bool| {
            balancer.edit_member(&name("a"), &MemberEdit::default().with_flag(Flag::Drain, set)).unwrap();
        };
        set(&mut before, true);
        let of_a = |balancer: &Balancer| {
            balancer.members.iter().find(|it| it.name == name("a")).map(|it| it.revision).unwrap()
        };
        let mut back = before.shrunk(&name("a")).grown((name("a"), MemberSettings::default()), 1);
        assert_eq!((of_a(&before), of_a(&back)), (1, 2));
        set(&mut back, true);
        // The same over reloads of the configuration.
        let configured = |before: &Balancer, hosts: &[&str]| {
            let members = hosts.iter().map(|host| (name(host), MemberSettings::default())).collect();
            let own = (before.name.clone(), before.settings.clone());
            let mut now = Balancer::succeeding(before, own, members, 1);
            now.count_changes_since(before);
            now
        };
        let without = configured(&back, &["b"]);
        assert_eq!(of_a(&configured(&configured(&without, &["b"]), &["a", "b"])), 4);
    }

    #[test]
    fn under_bytraffic_a_newcomer_gets_everything_until_it_is_level() {
        let mut before = balancer(LbMethod::ByTraffic, &["a", "b"]);
        elect(&mut before, 6);
        let mut after = before.grown((name("c"), MemberSettings::default()), 1);
        assert_eq!(elect(&mut after, 3), "ccc");
        assert!(elect(&mut after, 3).contains('a'));
    }

    #[test]
    fn what_was_set_and_what_happened_stays() {
        let mut before = balancer(LbMethod::ByRequests, &["a", "b"]);
        before.settle(MemberId(0), &Outcome::Failed(Failure::refused()), Moment(1));
        let by_hand = MemberEdit::default().with_flag(Flag::HealthFail, true);
        before.edit_member(&name("b"), &by_hand).unwrap();
        let words =
            |balancer: &Balancer| balancer.members.iter().map(|it| it.status.words()).collect::<Vec<_>>();
        let after = before.grown((name("c"), MemberSettings::default()), 1);
        assert_eq!(words(&after), ["Init Err", "Init HcFl", "Init Ok"]);
        assert_eq!(words(&after.shrunk(&name("a"))), ["Init HcFl", "Init Ok"]);
    }

    #[test]
    fn requests_of_who_went_stay_counted_until_they_end() {
        let mut before = balancer(LbMethod::ByRequests, &["a", "b"]);
        let election = before.elect(&Ask::default(), Moment(1)).unwrap();
        let without = before.shrunk(&name("a"));
        let back = without.grown((name("a"), MemberSettings::default()), 1);
        let busy =
            |balancer: &Balancer| balancer.members.iter().map(|it| it.tally.busy()).collect::<Vec<_>>();
        assert_eq!((busy(&without), busy(&back)), (vec![0], vec![0, 1]));
        drop(election);
        assert_eq!(busy(&back), [0, 0]);
    }

    #[test]
    fn who_was_removed_gets_nothing_of_requests_that_came_before() {
        let mut before = balancer(LbMethod::ByRequests, &["a", "b"]);
        let without = before.shrunk(&name("a"));
        let other = without.grown((name("c"), MemberSettings::default()), 1);
        before.heed(&other);
        assert_eq!(elect(&mut before, 3), "bbb");
        assert!(!before.is_stopped(&name("a")), "its tunnels go on");
        before.heed(&other.grown((name("a"), MemberSettings::default()), 1));
        assert!(elect(&mut before, 2).contains('a'));
    }

    #[test]
    fn a_balancer_that_comes_back_counts_what_is_still_in_flight() {
        let mut before = balancer(LbMethod::ByRequests, &["a", "b"]);
        let close = MemberEdit::default().with_flag(Flag::Drain, true);
        before.edit_member(&name("b"), &close).unwrap();
        let election = before.elect(&Ask::default(), Moment(1)).unwrap();
        let mut vacant = before.vacated();
        assert!(vacant.elect(&Ask::default(), Moment(1)).is_err());
        let mut first = balancer(LbMethod::ByRequests, &["a", "b"]);
        first.heed(&vacant);
        assert_eq!(elect(&mut first, 3), "aaa", "who was drained stays so");
        let members = before.members.iter().map(|member| (member.name.clone(), member.settings.clone()));
        let back = Balancer::succeeding(
            &vacant,
            (before.name.clone(), before.settings.clone()),
            members.collect(),
            1,
        );
        assert_eq!((back.members[0].tally.busy(), back.revision), (1, before.revision));
        drop(election);
        assert_eq!(back.members[0].tally.busy(), 0);
    }
}
