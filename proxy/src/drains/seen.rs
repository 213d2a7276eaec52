//! What a drain has seen last: of its member, and of whatever else leads to the same process.
//!
//! Whoever hears *safe to stop* stops a process, not a member. The same host and port, or the same socket, may be a member
//! of another balancer too. So what is in flight there, and whose sessions are live there, holds a drain up as its own
//! do, and so is what is in flight at a member that was taken away. That the process takes new requests there is told and
//! holds nothing up: it may be meant.

use std::collections::HashMap;
use std::sync::Arc;

use evenkeel_balancer::{MemberId, MemberLook, SessionsSeen, Sight};
use evenkeel_protocol::{
    BalancerName, Busy, DrainSessions, Elsewhere, MemberName, Moment, Process, Route, SessionsKnown,
    Timestamp,
};

use super::sessions;
use crate::limits;
use crate::live::LiveBalancer;

/// Where a process is a member.
#[derive(Debug, Default)]
pub(super) struct Memberships<'a> {
    /// The members, that which is asked about among them.
    members: Vec<(&'a LiveBalancer, MemberId)>,
    /// Where it was one.
    gone: Vec<Gone>,
}

/// A member that was taken away, and what is left there.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Gone {
    balancer: BalancerName,
    member: MemberName,
    busy: Busy,
    elected: u64,
}

/// Where each process is a member that is asked about.
#[derive(Debug)]
pub(super) struct Processes<'a> {
    /// Its number, by what is behind a member.
    numbers: HashMap<Process<'a>, usize>,
    memberships: Vec<Memberships<'a>>,
}

impl<'a> Processes<'a> {
    /// Those behind `members`, wherever they are in `roster`.
    pub(super) fn of(members: &'a [MemberName], roster: impl Iterator<Item = &'a Arc<LiveBalancer>>) -> Self {
        let mut numbers = HashMap::new();
        for member in members {
            let next = numbers.len();
            numbers.entry(Process::of(member)).or_insert(next);
        }
        let mut memberships: Vec<Memberships<'_>> = numbers.iter().map(|_| Memberships::default()).collect();
        for live in roster {
            for (id, address) in (0_u32..).zip(live.addresses()) {
                let number = numbers.get(&Process::of(&address.name));
                if let Some(found) = number.and_then(|number| memberships.get_mut(*number)) {
                    found.members.push((&**live, MemberId(id)));
                }
            }
            if !live.has_departed {
                // Elections wait for nobody who finds nothing.
                continue;
            }
            for (member, busy, elected) in live.lock().departed() {
                let number = numbers.get(&Process::of(member));
                if let Some(found) = number.and_then(|number| memberships.get_mut(*number)) {
                    let (balancer, member) = (live.name.clone(), member.clone());
                    found.gone.push(Gone { balancer, member, busy, elected });
                }
            }
        }
        Self { numbers, memberships }
    }

    /// Those of the process behind `member`; none: that was not asked about.
    pub(super) fn of_member(&self, member: &MemberName) -> Option<&Memberships<'a>> {
        self.memberships.get(*self.numbers.get(&Process::of(member))?)
    }
}

/// What was seen of one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    pub(super) id: MemberId,
    pub(super) look: MemberLook,
    takes_new: bool,
    pub(super) sessions: DrainSessions,
    /// Until then a session that was seen last while sessions could be told may be live.
    pub(super) sessions_until: Option<Moment>,
    /// When its sessions were last counted, which takes longer than a look.
    counted: Moment,
}

impl View {
    /// Looks at a member, which has probably this number; `before` is what was seen of it last, and until when sessions may
    /// be live if that was before a restart. The sessions are read last: a request that is not in flight any more has
    /// left its session there.
    fn of(
        live: &LiveBalancer,
        (member, likely): (&MemberName, MemberId),
        (before, until): (Option<&Self>, Option<Moment>),
        at: (Moment, Timestamp),
    ) -> Option<Self> {
        let (id, look, takes_new) = {
            let core = live.lock();
            let (id, look) = core.look_at(member, likely)?;
            (id, look, core.takes_new(id))
        };
        let counted = before.filter(|view| at.0.since(view.counted) < limits::DRAIN_COUNT);
        let counted = counted.filter(|view| view.sessions.live.is_some());
        let mut sessions = sessions::of(live, (id, &look), counted.map(|view| &view.sessions));
        let counted = counted.map_or(at.0, |view| view.counted);
        let told_before = before.is_some_and(|view| sessions::why_untold(&view.look).is_none());
        let until = before.map_or(until, |view| view.sessions_until);
        let sessions_until = sessions::held(live, &mut sessions, (until, told_before), at);
        Some(Self { id, look, takes_new, sessions, sessions_until, counted })
    }
}

/// What was seen of a member, and of the others that lead to the same process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) own: View,
    others: Vec<(BalancerName, MemberName, View)>,
    gone: Vec<Gone>,
    /// How many requests were seen to come to the process; never less than before.
    came: u64,
}

impl Seen {
    /// Looks at the member, and then at the other `memberships` of its process; none: there is no such member. `until` is
    /// when its sessions of before a restart are gone.
    pub(super) fn of(
        live: &LiveBalancer,
        (member, memberships): (&MemberName, Option<&Memberships<'_>>),
        (before, until): (Option<&Self>, Option<Moment>),
        at: (Moment, Timestamp),
    ) -> Option<Self> {
        let likely = before.map_or(MemberId(0), |seen| seen.own.id);
        let own = View::of(live, (member, likely), (before.map(|seen| &seen.own), until), at)?;
        let memberships = memberships?;
        let others = memberships.members.iter().filter_map(|(other, id)| {
            let name = &other.address(*id)?.name;
            if other.name == live.name && name == member {
                return None;
            }
            let before = before.and_then(|seen| seen.other(other, name));
            let view = View::of(other, (name, *id), (before, None), at)?;
            Some((other.name.clone(), name.clone(), view))
        });
        let others = others.collect();
        let mut seen = Self { own, others, gone: memberships.gone.clone(), came: 0 };
        seen.came = before.map_or(0, |before| before.came.wrapping_add(seen.came_since(before)));
        Some(seen)
    }

    /// How many requests came where it is a member, or was one, since `before`. Where nobody remembers any more who was
    /// there, nobody came; of a place that is new nobody knows since when.
    fn came_since(&self, before: &Self) -> u64 {
        let own = self.own.look.elected.abs_diff(before.own.look.elected);
        let others = self.elsewhere_elected().map(|(place, elected)| {
            let known = before.elsewhere_elected().find(|(known, _)| *known == place);
            elected.abs_diff(known.map_or(0, |(_, elected)| elected))
        });
        others.fold(own, u64::wrapping_add)
    }

    /// How often the process was elected anywhere else.
    fn elsewhere_elected(&self) -> impl Iterator<Item = ((&BalancerName, &MemberName), u64)> {
        let others =
            self.others.iter().map(|(balancer, member, view)| ((balancer, member), view.look.elected));
        others.chain(self.gone.iter().map(|gone| ((&gone.balancer, &gone.member), gone.elected)))
    }

    fn other(&self, live: &LiveBalancer, member: &MemberName) -> Option<&View> {
        let mut others = self.others.iter();
        others.find(|(balancer, name, _)| *balancer == live.name && name == member).map(|(.., view)| view)
    }

    /// As the core decides by it: what is in flight at the process, how many requests came to it, and its sessions.
    pub(super) fn sight(&self) -> Sight {
        let views = || std::iter::once(&self.own).chain(self.others.iter().map(|(.., view)| view));
        let busy = views().map(|view| view.look.busy).chain(self.gone.iter().map(|gone| gone.busy));
        Sight {
            busy: busy.fold(0, |sum: u64, busy| sum.saturating_add(busy.total())),
            elected: self.came,
            sessions: views()
                .map(|view| sessions::seen(&view.sessions))
                .fold(SessionsSeen::Meaningless, both),
        }
    }

    /// The other members, as everybody may see them.
    pub(super) fn elsewhere(&self) -> Vec<Elsewhere> {
        let others = self.others.iter().map(|(balancer, member, view)| Elsewhere {
            balancer: balancer.clone(),
            member: member.clone(),
            route: view.look.route.clone(),
            takes_new: view.takes_new,
            busy: view.look.busy,
            sessions: view.sessions.clone(),
        });
        let left = self.gone.iter().filter(|gone| gone.busy.total() > 0);
        let left = left.map(|gone| Elsewhere {
            balancer: gone.balancer.clone(),
            member: gone.member.clone(),
            route: Route::default(),
            takes_new: false,
            busy: gone.busy,
            // Its route is nobody's any more.
            sessions: DrainSessions { known: SessionsKnown::NoRoute, ..DrainSessions::UNKNOWN },
        });
        others.chain(left).collect()
    }
}

/// Of two members of one process: nobody is gone there while somebody may be left at one.
fn both(one: SessionsSeen, other: SessionsSeen) -> SessionsSeen {
    use SessionsSeen::{Live, Meaningless, None, Unknown};
    match (one, other) {
        (Live(one), Live(other)) => Live(one.saturating_add(other)),
        (Live(live), _) | (_, Live(live)) => Live(live),
        (Unknown, _) | (_, Unknown) => Unknown,
        (None, _) | (_, None) => None,
        (Meaningless, Meaningless) => Meaningless,
    }
}

#[cfg(test)]
mod tests {
    use evenkeel_balancer::Ask;
    use evenkeel_protocol::{MemberEdit, MemberSettings, Route};

    use super::*;
    use crate::clock::stopped;
    use crate::config::BalancerConfig;
    use crate::live::Ground;

    /// Looks at a member at that second.
    fn look(live: &Arc<LiveBalancer>, name: &MemberName, before: Option<&Seen>, second: u64) -> Seen {
        let (asked, micros) = ([name.clone()], second * 1_000_000);
        let processes = Processes::of(&asked, std::iter::once(live));
        let at = (Moment(micros), Timestamp(micros));
        stopped::at(at.0, at.1);
        Seen::of(live, (name, processes.of_member(name)), (before, None), at).unwrap()
    }

    #[test]
    fn sessions_that_can_be_told_no_more_are_not_gone_wherever_the_process_is_a_member() {
        let (name, other): (MemberName, MemberName) =
            ("http://h/a".parse().unwrap(), "http://h/b".parse().unwrap());
        let routed = MemberSettings { route: "b".parse().unwrap(), ..MemberSettings::default() };
        let mut config =
            BalancerConfig::plain(vec![(name.clone(), MemberSettings::default()), (other.clone(), routed)]);
        config.settings.stickysession = Some("SID".parse().unwrap());
        config.settings.sessionwindow = 20;
        let ground = Ground { cores: 1, ..Ground::default() };
        stopped::at(Moment(0), Timestamp(0));
        let live = Arc::new(LiveBalancer::new(config, Vec::new(), &ground));
        let before = look(&live, &name, None, 30);
        assert_eq!(before.sight().sessions, SessionsSeen::None);
        let loses_its_route = MemberEdit { route: Some(Route::default()), ..MemberEdit::default() };
        live.lock().edit_member(&other, &loses_its_route).unwrap();
        let just_then = look(&live, &name, Some(&before), 31);
        assert_eq!(just_then.sight().sessions, SessionsSeen::Unknown);
        let later = look(&live, &name, Some(&just_then), 50);
        assert_eq!(later.sight().sessions, SessionsSeen::Unknown);
        assert_eq!(look(&live, &name, Some(&later), 51).sight().sessions, SessionsSeen::Meaningless);
    }

    #[test]
    fn nothing_came_where_nobody_remembers_a_member_of_before_any_more() {
        let ground = Ground { cores: 1, ..Ground::default() };
        let config = |names: &[&str]| {
            let members = names.iter().map(|name| (name.parse().unwrap(), MemberSettings::default()));
            BalancerConfig::plain(members.collect())
        };
        let (both, one) = (config(&["http://h/a", "http://h/b"]), config(&["http://h/a"]));
        let name: MemberName = "http://h/a".parse().unwrap();
        let look = |live: &Arc<LiveBalancer>, before: Option<&Seen>| look(live, &name, before, 0);
        let first = Arc::new(LiveBalancer::new(both.clone(), Vec::new(), &ground));
        assert!(!first.has_departed);
        let elect = || drop(first.lock().elect(&Ask::default(), Moment(1)));
        (0..7).for_each(|_| elect());
        let second = first.replace(one.clone(), Vec::new(), |_| {}, &ground);
        assert!(second.has_departed);
        let begun = look(&second, None);
        let (mut seen, mut came) = (look(&second, Some(&begun)), begun.sight().elected);
        assert_eq!(seen.sight().elected, came);
        for _ in 0..2 {
            elect();
            seen = look(&second, Some(&seen));
            came += 1;
            assert_eq!(seen.sight().elected, came, "by a balancer of before, at either member");
        }
        drop(first);
        let third = second.replace(one, Vec::new(), |_| {}, &ground);
        drop(second);
        assert!(!third.has_departed);
        seen = look(&third, Some(&seen));
        assert_eq!((seen.sight().elected, seen.gone.len()), (came, 0), "who goes has not come");
        let fourth = third.replace(both, Vec::new(), |_| {}, &ground);
        assert_eq!(look(&fourth, Some(&seen)).sight().elected, came, "nor who is new, and was never elected");
    }

    #[test]
    fn nobody_is_gone_from_a_process_while_somebody_may_be_left_at_one_of_its_members() {
        use SessionsSeen::{Live, Meaningless, None, Unknown};
        for (one, other, expected) in [
            (Live(2), Live(3), Live(5)),
            (Live(2), Unknown, Live(2)),
            (None, Unknown, Unknown),
            (Meaningless, Unknown, Unknown),
            (Meaningless, None, None),
            (Meaningless, Meaningless, Meaningless),
        ] {
            assert_eq!((both(one, other), both(other, one)), (expected, expected));
        }
    }
}
