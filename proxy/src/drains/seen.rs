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
};

use super::sessions;
use crate::limits;
use crate::live::LiveBalancer;

/// Where a process is a member.
#[derive(Debug, Default)]
pub(super) struct Places<'a> {
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
    places: Vec<Places<'a>>,
}

impl<'a> Processes<'a> {
    /// Those behind `members`, wherever they are in `roster`.
    pub(super) fn of(members: &'a [MemberName], roster: impl Iterator<Item = &'a Arc<LiveBalancer>>) -> Self {
        let mut numbers = HashMap::new();
        for member in members {
            let next = numbers.len();
            numbers.entry(Process::of(member)).or_insert(next);
        }
        let mut places: Vec<Places<'_>> = numbers.iter().map(|_| Places::default()).collect();
        for live in roster {
            for (id, address) in (0_u32..).zip(live.addresses()) {
                let number = numbers.get(&Process::of(&address.name));
                if let Some(places) = number.and_then(|number| places.get_mut(*number)) {
                    places.members.push((&**live, MemberId(id)));
                }
            }
            for (member, busy, elected) in live.lock().departed() {
                let number = numbers.get(&Process::of(member));
                if let Some(places) = number.and_then(|number| places.get_mut(*number)) {
                    let (balancer, member) = (live.name.clone(), member.clone());
                    places.gone.push(Gone { balancer, member, busy, elected });
                }
            }
        }
        Self { numbers, places }
    }

    /// The places of the process behind `member`; none: that was not asked about.
    pub(super) fn of_member(&self, member: &MemberName) -> Option<&Places<'a>> {
        self.places.get(*self.numbers.get(&Process::of(member))?)
    }
}

/// What was seen of one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    pub(super) id: MemberId,
    pub(super) look: MemberLook,
    takes_new: bool,
    pub(super) sessions: DrainSessions,
    /// When its sessions were last counted, which takes longer than a look.
    counted: Moment,
}

impl View {
    /// Looks at a member, which has probably this number; `before` is what was seen of it last. The sessions are read last:
    /// a request that is not in flight any more has left its session there.
    fn of(
        live: &LiveBalancer,
        (member, likely): (&MemberName, MemberId),
        before: Option<&Self>,
        now: Moment,
    ) -> Option<Self> {
        let (id, look, takes_new) = {
            let core = live.lock();
            let (id, look) = core.look_at(member, likely)?;
            (id, look, core.takes_new(id))
        };
        let before = before.filter(|view| now.since(view.counted) < limits::DRAIN_COUNT);
        let before = before.filter(|view| view.sessions.live.is_some());
        let sessions = sessions::of(live, (id, &look), before.map(|view| &view.sessions));
        Some(Self { id, look, takes_new, sessions, counted: before.map_or(now, |view| view.counted) })
    }
}

/// What was seen of a member, and of the others that lead to the same process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) own: View,
    others: Vec<(BalancerName, MemberName, View)>,
    gone: Vec<Gone>,
}

impl Seen {
    /// Looks at the member, and then at the other `places` of its process; none: there is no such member.
    pub(super) fn of(
        live: &LiveBalancer,
        (member, places): (&MemberName, Option<&Places<'_>>),
        before: Option<&Self>,
        now: Moment,
    ) -> Option<Self> {
        let likely = before.map_or(MemberId(0), |seen| seen.own.id);
        let own = View::of(live, (member, likely), before.map(|seen| &seen.own), now)?;
        let places = places?;
        let others = places.members.iter().filter_map(|(other, id)| {
            let name = &other.address(*id)?.name;
            if other.name == live.name && name == member {
                return None;
            }
            let view = View::of(other, (name, *id), before.and_then(|seen| seen.other(other, name)), now)?;
            Some((other.name.clone(), name.clone(), view))
        });
        let others = others.collect();
        Some(Self { own, others, gone: places.gone.clone() })
    }

    fn other(&self, live: &LiveBalancer, member: &MemberName) -> Option<&View> {
        let mut others = self.others.iter();
        others.find(|(balancer, name, _)| *balancer == live.name && name == member).map(|(.., view)| view)
    }

    /// As the core decides by it: what is in flight at the process, how often it was elected, and its sessions.
    pub(super) fn sight(&self) -> Sight {
        let views = || std::iter::once(&self.own).chain(self.others.iter().map(|(.., view)| view));
        let gone = || self.gone.iter();
        let busy = views().map(|view| view.look.busy).chain(gone().map(|gone| gone.busy));
        // Where nobody remembers who is gone, the sum gets less: then it is looked at for the settle time once more.
        let elected = views().map(|view| view.look.elected).chain(gone().map(|gone| gone.elected));
        Sight {
            busy: busy.fold(0, |sum: u64, busy| sum.saturating_add(busy.total())),
            elected: elected.fold(0, u64::wrapping_add),
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
            route: Route::default(),
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
    use super::*;

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
