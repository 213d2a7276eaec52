//! What an edit would do to traffic, found out on copies: before, after, and what moves between them.

use std::collections::HashMap;

use evenkeel_protocol::{BalancerEdit, MemberEdit, MemberName, Moment, Preview, Refusal, Route};

use crate::balancer::Balancer;
use crate::edit::Accepted;
use crate::member::MemberId;

mod plan;

pub use plan::{Meant, Plan, Step};

/// Picks that are played to compare shares: enough for a hundredth of the largest factor, and a bound on the work.
const PLAYED: usize = 2_000;
/// A whole, of which parts are told: hundredths of a percent.
pub const WHOLE: u64 = 10_000;

/// What an edit would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foresight {
    /// What changes, and the revision of now.
    pub accepted: Accepted,
    /// Why a guard would refuse it.
    pub guarded: Option<Refusal>,
    /// What it does to traffic.
    pub shift: Shift,
}

/// What one edit or several do to traffic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shift {
    /// Who could be given requests without a session afterwards.
    pub remaining: Vec<MemberName>,
    /// Who gets the next requests without a session, as things are.
    pub next: Vec<MemberName>,
    /// The same afterwards.
    pub next_after: Vec<MemberName>,
    /// What each member loses.
    pub losses: Vec<Loss>,
    /// Who gets sessions back that name it, and that nobody who is named so serves as things are.
    pub regained: Vec<MemberName>,
}

/// What a member loses by an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// Whose traffic.
    pub member: MemberName,
    /// The part of its requests without a session that go elsewhere, of [`WHOLE`].
    pub free: u64,
    /// Do its sessions go elsewhere, or nowhere?
    pub sessions: bool,
}

impl Balancer {
    /// What a change of a member would do at `now`. Errors: as [`Self::preview_member`]. Only for a copy
    /// ([`Self::rehearsal`]).
    pub fn foresee_member(
        self,
        member: &MemberName,
        edit: &MemberEdit,
        now: Moment,
    ) -> Result<Foresight, Refusal> {
        let mut after = self.rehearsal();
        let accepted = after.edit_member(member, edit)?;
        let guarded = self.guard(member, edit);
        Ok(Foresight { accepted, guarded, shift: self.shift(after, now) })
    }

    /// What a change of its own settings would do at `now`. Errors: as [`Self::preview`]. Only for a copy
    /// ([`Self::rehearsal`]).
    pub fn foresee_settings(self, edit: &BalancerEdit, now: Moment) -> Result<Foresight, Refusal> {
        let mut after = self.rehearsal();
        let accepted = after.edit(edit)?;
        Ok(Foresight { accepted, guarded: None, shift: self.shift(after, now) })
    }

    /// What it would do at `now` if `after` took its place, which has one member more or fewer. Only for copies
    /// ([`Self::rehearsal`]) that share nothing.
    pub fn foresee_roster(self, after: Self, accepted: Accepted, now: Moment) -> Foresight {
        Foresight { accepted, guarded: None, shift: self.shift(after, now) }
    }

    /// What it does to traffic that `after` takes the place of this one.
    fn shift(mut self, mut after: Self, now: Moment) -> Shift {
        let remaining = after.names(&after.takers());
        let routes: Vec<Route> = self.members.iter().map(|member| member.settings.route.clone()).collect();
        let renamed = self.settings.stickysession != after.settings.stickysession;
        let moves: Vec<bool> = routes
            .iter()
            .map(|route| {
                let (was, is) = (self.holder_of(route, now), after.holder_of(route, now));
                was.is_some() && (renamed || self.names(was.as_slice()) != after.names(is.as_slice()))
            })
            .collect();
        let named: Vec<(MemberName, Route)> =
            after.members.iter().map(|member| (member.name.clone(), member.settings.route.clone())).collect();
        let regained = named.into_iter().filter_map(|(name, route)| {
            let holder = after.holder_of(&route, now).and_then(|id| after.member(id));
            let is_held_anew =
                holder.is_some_and(|it| it.name == name) && self.holder_of(&route, now).is_none();
            is_held_anew.then_some(name)
        });
        let regained = regained.collect();
        let (next, next_after) = (self.play(PLAYED, now), after.play(PLAYED, now));
        let first = |balancer: &Self, picks: &[MemberId]| {
            balancer.names(picks.get(..Preview::PICKS).unwrap_or(picks))
        };
        let (was, is) = (self.shares(&next), after.shares(&next_after));
        let losses = self.members.iter().zip(moves).map(|(member, sessions)| {
            let share = |shares: &HashMap<&MemberName, u64>| shares.get(&member.name).copied().unwrap_or(0);
            let free = share(&was).saturating_sub(share(&is)).saturating_mul(WHOLE) / share(&was).max(1);
            Loss { member: member.name.clone(), free, sessions }
        });
        let losses = losses.filter(|loss| loss.free > 0 || loss.sessions).collect();
        let (next, next_after) = (first(&self, &next), first(&after, &next_after));
        Shift { remaining, next, next_after, losses, regained }
    }

    /// How often each member was picked, as a part of [`WHOLE`].
    fn shares(&self, picks: &[MemberId]) -> HashMap<&MemberName, u64> {
        let all = (picks.len() as u64).max(1);
        let mut shares: HashMap<&MemberName, u64> = HashMap::new();
        for member in picks.iter().filter_map(|id| self.member(*id)) {
            *shares.entry(&member.name).or_default() += 1;
        }
        for count in shares.values_mut() {
            *count = count.saturating_mul(WHOLE) / all;
        }
        shares
    }

    fn names(&self, picks: &[MemberId]) -> Vec<MemberName> {
        picks.iter().filter_map(|id| self.member(*id)).map(|member| member.name.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::{BalancerSettings, Flag, LbMethod, MemberSettings};

    use super::*;
    use crate::election::Ask;

    fn balancer(method: LbMethod, routes: &[&str]) -> Balancer {
        let settings = BalancerSettings {
            lbmethod: method,
            stickysession: Some("SID".parse().unwrap()),
            ..BalancerSettings::default()
        };
        let member = |(at, route): (usize, &&str)| {
            let settings = MemberSettings { route: route.parse().unwrap(), ..MemberSettings::default() };
            (format!("http://m{at}").parse().unwrap(), settings)
        };
        Balancer::new("app".parse().unwrap(), settings, routes.iter().enumerate().map(member).collect(), 2)
    }

    fn first() -> MemberName {
        "http://m0".parse().unwrap()
    }

    fn foreseen(balancer: &Balancer, edit: &MemberEdit) -> Foresight {
        balancer.rehearsal().foresee_member(&first(), edit, Moment(1)).unwrap()
    }

    #[test]
    fn a_drain_moves_new_clients_and_a_stop_moves_sessions_too() {
        let balancer = balancer(LbMethod::ByRequests, &["a", "b", "c"]);
        for (flag, sessions) in [(Flag::Drain, false), (Flag::Disabled, true), (Flag::Stopped, true)] {
            let foreseen = foreseen(&balancer, &MemberEdit::default().with_flag(flag, true));
            assert_eq!(foreseen.shift.losses, [Loss { member: first(), free: WHOLE, sessions }], "{flag:?}");
            assert_eq!(foreseen.shift.remaining.len(), 2);
            assert!(foreseen.shift.next.contains(&first()) && !foreseen.shift.next_after.contains(&first()));
        }
        let route = MemberEdit { route: Some("z".parse().unwrap()), ..MemberEdit::default() };
        assert_eq!(
            foreseen(&balancer, &route).shift.losses,
            [Loss { member: first(), free: 0, sessions: true }]
        );
        let reason = MemberEdit { drain: Some(false), ..MemberEdit::default() };
        assert_eq!(foreseen(&balancer, &reason).shift.losses, []);
    }

    #[test]
    fn who_returns_takes_from_the_others() {
        let mut balancer = balancer(LbMethod::ByRequests, &["a", "b", "c"]);
        let drained = |on| MemberEdit { drain: Some(on), ..MemberEdit::default() };
        balancer.edit_member(&first(), &drained(true)).unwrap();
        let losses = foreseen(&balancer, &drained(false)).shift.losses;
        assert_eq!(losses.len(), 2);
        for loss in losses {
            assert!(loss.member != first() && !loss.sessions);
            assert!((3_300..3_370).contains(&loss.free), "{loss:?}");
        }
    }

    #[test]
    fn who_serves_again_gets_the_sessions_back_that_name_it() {
        for (flag, regains) in [(Flag::Drain, false), (Flag::Disabled, true), (Flag::Stopped, true)] {
            let mut balancer = balancer(LbMethod::ByRequests, &["a", "b", ""]);
            let flagged = |on| MemberEdit::default().with_flag(flag, on);
            let away = foreseen(&balancer, &flagged(true)).shift.regained;
            assert_eq!(away, [], "{flag:?}");
            balancer.edit_member(&first(), &flagged(true)).unwrap();
            let back = foreseen(&balancer, &flagged(false)).shift.regained;
            assert_eq!(back, if regains { vec![first()] } else { Vec::new() }, "{flag:?}");
        }
    }

    #[test]
    fn nobody_is_left_and_it_says_so() {
        let balancer = balancer(LbMethod::ByRequests, &["a"]);
        let edit = MemberEdit { disabled: Some(true), ..MemberEdit::default() };
        let foreseen = foreseen(&balancer, &edit);
        assert!(foreseen.guarded.is_some());
        assert_eq!((foreseen.shift.remaining, foreseen.shift.next_after), (Vec::new(), Vec::new()));
        assert_eq!(foreseen.shift.next, vec![first(); Preview::PICKS]);
    }

    #[test]
    fn nothing_that_is_tried_is_seen() {
        for method in [LbMethod::ByRequests, LbMethod::ByBusyness, LbMethod::ByTraffic, LbMethod::Heartbeat] {
            let mut balancer = balancer(method, &["a", "b"]);
            let lease = balancer.elect(&Ask::default(), Moment(1)).unwrap().lease;
            let shown = |balancer: &Balancer| balancer.snapshot(Moment(2), evenkeel_protocol::Timestamp(9));
            let before = shown(&balancer);
            foreseen(&balancer, &MemberEdit { drain: Some(true), ..MemberEdit::default() });
            assert_eq!(shown(&balancer), before, "{method:?}");
            drop(lease);
        }
    }

    proptest::proptest! {
        #[test]
        fn the_next_picks_are_those_that_come(
            factors in proptest::collection::vec(100u16..400, 2..5),
            warm in 0usize..20,
            flag in 0usize..6,
            method in 0usize..3,
        ) {
            let methods = [LbMethod::ByRequests, LbMethod::ByBusyness, LbMethod::Heartbeat];
            let mut balancer = balancer(methods[method], &vec![""; factors.len()]);
            for (at, factor) in factors.iter().enumerate() {
                let edit = MemberEdit { lbfactor: evenkeel_protocol::Factor::from_hundredths(*factor), ..MemberEdit::default() };
                balancer.edit_member(&format!("http://m{at}").parse().unwrap(), &edit).unwrap();
            }
            for _ in 0..warm {
                drop(balancer.elect(&Ask::default(), Moment(1)).unwrap());
            }
            let edit = MemberEdit::default().with_flag(MemberEdit::FLAGS[flag].0, true);
            let foreseen = foreseen(&balancer, &edit);
            balancer.edit_member(&first(), &edit).unwrap();
            for expected in foreseen.shift.next_after {
                let elected = balancer.elect(&Ask::default(), Moment(1)).unwrap().member;
                proptest::prop_assert_eq!(&balancer.members[elected.index()].name, &expected);
            }
        }
    }
}
