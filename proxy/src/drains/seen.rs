//! What a drain has seen last: of its member, and of whatever else leads to the same process.
//!
//! Whoever hears *safe to stop* stops a process, not a member. The same host and port, or the same socket, may be a member
//! of another balancer too. So what is in flight there, and whose sessions are live there, holds a drain up as its own
//! do. That the process takes new requests there is told and holds nothing up: it may be meant.

use std::collections::HashMap;
use std::sync::Arc;

use evenkeel_balancer::{MemberId, MemberLook, SessionsSeen, Sight};
use evenkeel_protocol::{BalancerName, DrainSessions, Elsewhere, MemberName, Moment};

use super::sessions;
use crate::limits;
use crate::live::LiveBalancer;

/// What is behind a member, as far as its name tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Process<'a> {
    Socket(&'a str),
    Port(&'a str, u16),
}

impl<'a> Process<'a> {
    fn of(member: &'a MemberName) -> Self {
        member.unix_path().map_or_else(|| Self::Port(member.host(), member.port()), Self::Socket)
    }
}

/// Where each process is a member that is asked about.
#[derive(Debug)]
pub(super) struct Processes<'a>(HashMap<Process<'a>, Vec<(&'a LiveBalancer, MemberId)>>);

impl<'a> Processes<'a> {
    /// Those behind `members`, wherever they are in `roster`.
    pub(super) fn of(members: &'a [MemberName], roster: &'a [Arc<LiveBalancer>]) -> Self {
        let mut found: HashMap<_, Vec<_>> =
            members.iter().map(|member| (Process::of(member), Vec::new())).collect();
        for live in roster {
            for (id, address) in (0_u32..).zip(live.addresses()) {
                if let Some(places) = found.get_mut(&Process::of(&address.name)) {
                    places.push((&**live, MemberId(id)));
                }
            }
        }
        Self(found)
    }

    /// The places of the process behind `member`, that member's own among them.
    pub(super) fn places<'b>(&'b self, member: &'b MemberName) -> &'b [(&'b LiveBalancer, MemberId)] {
        self.0.get(&Process::of(member)).map_or(&[], Vec::as_slice)
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
}

impl Seen {
    /// Looks at the member, and then at the other `places` of its process; none: there is no such member.
    pub(super) fn of(
        live: &LiveBalancer,
        (member, places): (&MemberName, &[(&LiveBalancer, MemberId)]),
        before: Option<&Self>,
        now: Moment,
    ) -> Option<Self> {
        let likely = before.map_or(MemberId(0), |seen| seen.own.id);
        let own = View::of(live, (member, likely), before.map(|seen| &seen.own), now)?;
        let others = places.iter().filter_map(|(other, id)| {
            let name = &other.address(*id)?.name;
            if other.name == live.name && name == member {
                return None;
            }
            let view = View::of(other, (name, *id), before.and_then(|seen| seen.other(other, name)), now)?;
            Some((other.name.clone(), name.clone(), view))
        });
        let others = others.collect();
        Some(Self { own, others })
    }

    fn other(&self, live: &LiveBalancer, member: &MemberName) -> Option<&View> {
        let mut others = self.others.iter();
        others.find(|(balancer, name, _)| *balancer == live.name && name == member).map(|(.., view)| view)
    }

    /// As the core decides by it: what is in flight at the process, how often it was elected, and its sessions.
    pub(super) fn sight(&self) -> Sight {
        let views = || std::iter::once(&self.own).chain(self.others.iter().map(|(.., view)| view));
        Sight {
            busy: views().fold(0, |sum: u64, view| sum.saturating_add(view.look.busy.total())),
            elected: views().fold(0, |sum: u64, view| sum.wrapping_add(view.look.elected)),
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
            takes_new: view.takes_new,
            busy: view.look.busy,
            sessions: view.sessions.clone(),
        });
        others.collect()
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
    fn a_process_is_known_by_host_and_port_or_by_its_socket() {
        let same = |one: &str, other: &str| {
            let names: [MemberName; 2] = [one.parse().unwrap(), other.parse().unwrap()];
            Process::of(&names[0]) == Process::of(&names[1])
        };
        for (one, other, expected) in [
            ("http://h:8080", "http://h:8080/app", true),
            ("http://h", "ws://H:80", true),
            ("https://h", "http://h:443", true),
            ("http://h:8080", "http://h:8081", false),
            ("http://h:8080", "http://i:8080", false),
            ("unix:/s|http://h", "unix:/s|http://i", true),
            ("unix:/s|http://h", "unix:/t|http://h", false),
            ("unix:/s|http://h", "http://h", false),
        ] {
            assert_eq!(same(one, other), expected, "{one} {other}");
        }
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
