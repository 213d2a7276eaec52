//! A balancer whose configuration was read anew takes over from the one before it: members that are still there keep
//! what happened to them, and what is configured is as the file says now.
//!
//! Both live side by side for as long as requests of the old one last; their counters are the same counters.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use evenkeel_protocol::{BalancerName, BalancerSettings, Flag, MemberName, MemberSettings, Status};

use crate::balancer::{Balancer, Departed};
use crate::member::{Member, MemberId};
use crate::tally::Trial;

impl Balancer {
    /// A balancer as its configuration says now, with what its members of the same name have behind them in `before`:
    /// counters, errors, what was heard of them. The order of elections goes on where it stood if nothing changed
    /// that it depends on, the members and their factors; else every lbstatus starts at 0, as at a start of httpd.
    pub fn succeeding(
        before: &Self,
        (name, settings): (BalancerName, BalancerSettings),
        members: Vec<(MemberName, MemberSettings)>,
        cores: usize,
    ) -> Self {
        let mut balancer = Self::new(name, settings, members, cores);
        balancer.revision = before.revision;
        let known = by_name(before);
        let mut lbstatus = Vec::with_capacity(balancer.members.len());
        for (id, member) in (0u32..).map(MemberId).zip(&mut balancer.members) {
            let Some((old_id, old)) = known.get(&member.name) else { continue };
            member.take_over(old);
            if old.settings.lbfactor == member.settings.lbfactor {
                lbstatus.push((id, before.lineup.lbstatus_of(*old_id)));
            }
            if member.tally.trial() != Trial::None {
                balancer.on_trial.push(id);
            }
        }
        // A reading of the configuration reopens nobody whom an operator had closed.
        balancer.remember_departed(before, Member::is_closed);
        for member in &balancer.members {
            member.tally.set_attentive(member.error.is_some() || !balancer.settings.failonstatus.is_empty());
        }
        balancer.lineup.refresh(&balancer.members);
        if lbstatus.len() == balancer.members.len() && lbstatus.len() == before.members.len() {
            for (id, lbstatus) in lbstatus {
                balancer.lineup.set_lbstatus(id, lbstatus);
            }
        }
        balancer.check_invariants();
        balancer
    }

    /// Requests in flight stay counted where a configuration takes their member away: one that comes back before they
    /// end goes on with its counters, so that nobody takes it for idle. A request that came before may even begin there
    /// later, unless `closes` says that nobody may; so who has just gone is remembered without any, and after that as
    /// long as a balancer of before knows it.
    pub(crate) fn remember_departed(&mut self, before: &Self, closes: impl Fn(&Member) -> bool) {
        let stayed: HashSet<&MemberName> = self.members.iter().map(|member| &member.name).collect();
        let gone: Vec<&Member> =
            before.members.iter().filter(|member| !stayed.contains(&member.name)).collect();
        let beyond = gone.iter().map(|member| member.revision + 1);
        self.first_revision = beyond.fold(before.first_revision, u64::max);
        let gone = gone.into_iter().map(|member| Departed {
            name: member.name.clone(),
            tally: Arc::clone(&member.tally),
            closed: closes(member),
        });
        let earlier = before.departed.iter();
        let earlier = earlier.filter(|gone| gone.is_remembered());
        let gone: Vec<_> = gone.chain(earlier.cloned()).collect();
        for gone in gone {
            match self.members.iter_mut().find(|member| member.name == gone.name) {
                Some(back) => back.tally = gone.tally,
                None => self.departed.push(gone),
            }
        }
    }

    /// Requests that came before `next` took this one's place elect here for as long as they last: whom operators have
    /// closed or removed since is closed to them too.
    pub fn heed(&mut self, next: &Self) {
        let mut differs = false;
        for (id, member) in (0u32..).map(MemberId).zip(&mut self.members) {
            let there = next.find_member(&member.name, id).and_then(|id| next.member(id));
            let status = match there {
                Some(there) => Status::CLOSED
                    .into_iter()
                    .fold(member.status, |status, flag| status.with(flag, there.status.has(flag))),
                // What is in flight there goes on, so it counts as disabled and not as stopped.
                None if next.is_closed_to_all(&member.name) => member.status.with(Flag::Disabled, true),
                None => continue,
            };
            differs |= status != member.status;
            member.status = status;
        }
        if differs {
            self.lineup.refresh(&self.members);
            self.check_invariants();
        }
    }

    /// Is that a member that was taken away, to which no request may go any more?
    fn is_closed_to_all(&self, name: &MemberName) -> bool {
        self.departed.iter().any(|gone| gone.closed && gone.name == *name)
    }

    /// Counts what differs from `before` as one change of each member and of the balancer, however many edits were
    /// made again meanwhile.
    pub fn count_changes_since(&mut self, before: &Self) {
        self.revision = before.revision + u64::from(self.settings != before.settings);
        let known = by_name(before);
        for member in &mut self.members {
            member.revision = known.get(&member.name).map_or(self.first_revision, |(_, old)| {
                let same = old.settings == member.settings && old.status == member.status;
                old.revision + u64::from(!same)
            });
        }
    }
}

/// All members, to be found at once: elections wait while one balancer takes over from another.
fn by_name(balancer: &Balancer) -> HashMap<&MemberName, (MemberId, &Member)> {
    (0u32..).zip(&balancer.members).map(|(id, member)| (&member.name, (MemberId(id), member))).collect()
}

impl Member {
    /// Has an operator closed it?
    pub(crate) fn is_closed(&self) -> bool {
        self.status.has_any(&Status::CLOSED)
    }

    /// Takes over what happened to a member, as against what was configured or edited.
    fn take_over(&mut self, old: &Self) {
        self.status = self.status.with(Flag::Error, old.status.has(Flag::Error));
        // What nobody checks any more, nobody would lift.
        if self.settings.health.is_on() {
            self.status = self.status.with(Flag::HealthFail, old.status.has(Flag::HealthFail));
            self.health.clone_from(&old.health);
        }
        self.revision = old.revision;
        self.retries = old.retries;
        self.error.clone_from(&old.error);
        self.heard = old.heard;
        self.checks = old.checks;
        self.tally = Arc::clone(&old.tally);
    }
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::edit::UpTo;
    use evenkeel_protocol::{BalancerEdit, Factor, MemberEdit, Moment};

    use super::*;
    use crate::election::Ask;
    use crate::failover::{Failure, Outcome};

    type Configured = Vec<(MemberName, MemberSettings)>;

    fn configured(factors: &[(&str, u16)]) -> Configured {
        let member = |(name, factor): &(&str, u16)| {
            let lbfactor = Factor::from_hundredths(factor * 100).unwrap();
            (
                format!("http://{name}").parse().unwrap(),
                MemberSettings { lbfactor, ..MemberSettings::default() },
            )
        };
        factors.iter().map(member).collect()
    }

    fn balancer(members: Configured) -> Balancer {
        Balancer::new("app".parse().unwrap(), BalancerSettings::default(), members, 2)
    }

    fn succeeding(before: &Balancer, members: Configured) -> Balancer {
        Balancer::succeeding(before, (before.name.clone(), before.settings.clone()), members, 2)
    }

    fn refused() -> Outcome {
        Outcome::Failed(Failure::refused())
    }

    fn elect(balancer: &mut Balancer, times: usize) -> String {
        (0..times)
            .map(|_| {
                let election = balancer.elect(&Ask::default(), Moment(1)).unwrap();
                balancer.members[election.member.index()].name.host().to_owned()
            })
            .collect()
    }

    fn shown(balancer: &Balancer) -> Vec<(String, u64, i64)> {
        let snapshot = balancer.snapshot(Moment(1), evenkeel_protocol::Timestamp(1));
        snapshot.members.iter().map(|m| (m.name.host().to_owned(), m.elected, m.lbstatus)).collect()
    }

    #[test]
    fn an_order_that_nothing_changed_goes_on_where_it_stood() {
        let three = [("a", 3), ("b", 2), ("c", 1)];
        let (mut one, mut other) = (balancer(configured(&three)), balancer(configured(&three)));
        elect(&mut one, 4);
        elect(&mut other, 4);
        let mut successor = succeeding(&one, configured(&three));
        assert_eq!(shown(&successor), shown(&other));
        assert_eq!(elect(&mut successor, 9), elect(&mut other, 9));
        // Where only the place in the file changed, the credit moves along.
        let turned = succeeding(&successor, configured(&[("c", 1), ("a", 3), ("b", 2)]));
        let mut expected = shown(&successor);
        expected.rotate_right(1);
        assert_eq!(shown(&turned), expected);
    }

    #[test]
    fn a_changed_roster_starts_the_order_anew_and_keeps_the_counters() {
        for (name, members, expected) in [
            ("a factor", &[("a", 1), ("b", 3)][..], &[("a", 2, 0), ("b", 1, 0)][..]),
            ("one more", &[("a", 1), ("b", 1), ("c", 1)], &[("a", 2, 0), ("b", 1, 0), ("c", 0, 0)]),
            ("one less", &[("b", 1)], &[("b", 1, 0)]),
        ] {
            let mut before = balancer(configured(&[("a", 1), ("b", 1)]));
            elect(&mut before, 3);
            let successor = succeeding(&before, configured(members));
            let expected: Vec<_> = expected.iter().map(|(n, e, l)| ((*n).to_owned(), *e, *l)).collect();
            assert_eq!(shown(&successor), expected, "{name}");
        }
    }

    #[test]
    fn requests_of_the_old_one_count_in_the_new_one() {
        let mut before = balancer(configured(&[("a", 1)]));
        let election = before.elect(&Ask::default(), Moment(1)).unwrap();
        let mut successor = succeeding(&before, configured(&[("a", 1)]));
        election.lease.sent(7);
        elect(&mut before, 1);
        elect(&mut successor, 1);
        let seen = &successor.snapshot(Moment(1), evenkeel_protocol::Timestamp(1)).members[0];
        assert_eq!((seen.elected, seen.busy, seen.transferred), (3, 1, 7));
        drop(election);
        assert_eq!(successor.members[0].tally.busy(), 0);
    }

    #[test]
    fn who_is_drained_since_gets_nothing_of_requests_that_came_before() {
        let mut before = balancer(configured(&[("a", 1), ("b", 1), ("c", 1)]));
        let mut successor = succeeding(&before, configured(&[("c", 1), ("b", 1)]));
        let drain = |on| MemberEdit { drain: Some(on), ..MemberEdit::default() };
        successor.edit_member(&"http://b".parse().unwrap(), &drain(true)).unwrap();
        before.heed(&successor);
        assert_eq!(elect(&mut before, 4), "acac");
        successor.edit_member(&"http://b".parse().unwrap(), &drain(false)).unwrap();
        before.heed(&successor);
        assert!(elect(&mut before, 3).contains('b'));
    }

    #[test]
    fn who_was_closed_before_it_was_taken_away_stays_closed_to_requests_that_came_before() {
        let all = configured(&[("a", 1), ("b", 1), ("c", 1)]);
        let mut first = balancer(all.clone());
        let mut second = succeeding(&first, all.clone());
        for flag in Status::CLOSED {
            let close = MemberEdit::default().with_flag(flag, true);
            second.edit_member(&"http://b".parse().unwrap(), &close).unwrap();
            let third = succeeding(&second, configured(&[("c", 1)]));
            let fourth = succeeding(&third, configured(&[("c", 2)]));
            first.heed(&fourth);
            assert_eq!(elect(&mut first, 4).matches('b').count(), 0, "{flag:?}");
            assert!(elect(&mut first, 4).contains('a'), "who was open is there for them");
            let back = succeeding(&fourth, all.clone());
            first.heed(&back);
            assert!(elect(&mut first, 4).contains('b'), "who comes back is open again");
            second = succeeding(&back, all.clone());
        }
    }

    #[test]
    fn who_comes_back_is_counted_with_requests_that_began_after_it_had_gone() {
        let mut before = balancer(configured(&[("a", 1), ("b", 1)]));
        let without = succeeding(&before, configured(&[("b", 1)]));
        let other = succeeding(&without, configured(&[("b", 2)]));
        let back = succeeding(&other, configured(&[("a", 1), ("b", 2)]));
        let election = before.elect(&Ask::default(), Moment(1)).unwrap();
        assert_eq!((election.member, back.members[0].tally.busy()), (MemberId(0), 1));
        drop((before, without, other, election));
        let long_gone = succeeding(&succeeding(&back, configured(&[("b", 2)])), configured(&[("b", 1)]));
        drop(back);
        assert_eq!(succeeding(&long_gone, configured(&[("b", 2)])).departed.len(), 0);
    }

    #[test]
    fn errors_stay_and_flags_are_those_of_the_file() {
        let mut before = balancer(configured(&[("a", 1), ("b", 1)]));
        before.settle(MemberId(0), &refused(), Moment(5));
        let drain = MemberEdit { drain: Some(true), ..MemberEdit::default() };
        let name: MemberName = "http://b".parse().unwrap();
        before.edit_member(&name, &drain).unwrap();
        let mut successor = succeeding(&before, configured(&[("a", 1), ("b", 1)]));
        let words =
            |balancer: &Balancer| balancer.members.iter().map(|m| m.status.words()).collect::<Vec<_>>();
        assert_eq!(words(&successor), ["Init Err", "Init Ok"]);
        assert_eq!(elect(&mut successor, 2), "bb");
        // The edit that still holds is made again, and nothing has changed then.
        successor.edit_member(&name, &drain).unwrap();
        successor.count_changes_since(&before);
        let revisions = |balancer: &Balancer| balancer.members.iter().map(|m| m.revision).collect::<Vec<_>>();
        assert_eq!((words(&successor), revisions(&successor)), (words(&before), revisions(&before)));
        let mut other = succeeding(&before, configured(&[("b", 1)]));
        other.count_changes_since(&before);
        assert_eq!(revisions(&other), [2], "the drain is gone, which is a change");
    }

    #[test]
    fn who_is_being_probed_is_avoided_by_the_new_one_too() {
        let members = configured(&[("a", 1), ("b", 1)]);
        let mut before = balancer(members.clone());
        before.settle(MemberId(0), &refused(), Moment(1));
        let later = Moment(120_000_000);
        let probe = std::iter::repeat_with(|| before.elect(&Ask::default(), later).unwrap())
            .take(3)
            .find(|election| election.member == MemberId(0))
            .expect("its time has come");
        let mut successor = succeeding(&before, members);
        assert_eq!(elect(&mut successor, 4), "bbbb");
        probe.lease.answered(200, 1);
        assert!(elect(&mut successor, 4).contains('a'));
    }

    #[test]
    fn answers_are_settled_where_they_can_change_something() {
        for (name, failed, then, now, settled) in [
            ("nothing to lift", false, None, None, false),
            ("an error to lift", true, None, None, true),
            ("statuses that fail", false, None, Some(503), true),
            ("both", true, Some(503), Some(503), true),
            ("statuses that fail no more", false, Some(503), None, false),
        ] {
            let settings = |status: Option<u16>| BalancerSettings {
                failonstatus: status.into_iter().collect(),
                ..BalancerSettings::default()
            };
            let (app, members): (BalancerName, _) = ("app".parse().unwrap(), configured(&[("a", 1)]));
            let mut before = Balancer::new(app.clone(), settings(then), members.clone(), 1);
            let election = before.elect(&Ask::default(), Moment(1)).unwrap();
            if failed {
                before.settle(MemberId(0), &refused(), Moment(1));
            }
            let _successor = Balancer::succeeding(&before, (app, settings(now)), members, 1);
            assert_eq!(election.lease.answered(200, 1), settled, "{name}");
        }
    }

    #[test]
    fn other_settings_of_the_balancer_are_one_change() {
        let timeout = |seconds| BalancerEdit { timeout: UpTo::new(seconds), ..BalancerEdit::default() };
        let mut before = balancer(configured(&[("a", 1)]));
        before.edit(&timeout(1)).unwrap();
        before.edit(&timeout(2)).unwrap();
        for (name, settings, revision) in
            [("the same", before.settings.clone(), 2), ("others", BalancerSettings::default(), 3)]
        {
            let made = (before.name.clone(), settings);
            let mut successor = Balancer::succeeding(&before, made, configured(&[("a", 1)]), 2);
            successor.count_changes_since(&before);
            assert_eq!(successor.revision, revision, "{name}");
        }
    }
}
