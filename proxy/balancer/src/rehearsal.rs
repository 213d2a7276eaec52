//! A copy of a balancer to try things on, and who would get the next requests if it were the real one.
//!
//! A copy has counters of its own, so nothing that is tried on it is seen by anybody.

use std::collections::VecDeque;
use std::sync::Arc;

use evenkeel_protocol::{Moment, Route};

use crate::balancer::{Balancer, Course};
use crate::census::Watch;
use crate::election::Ask;
use crate::health::Timetable;
use crate::member::{Member, MemberId};
use crate::tally::Lease;

/// Requests in flight that a copy plays with at most; more are scaled down.
const IN_FLIGHT: u64 = 512;
/// Spreads the numbers of a series evenly over all values (Weyl's sequence with the golden ratio).
const GOLDEN: u32 = 0x9E37_79B9;

impl Balancer {
    /// A balancer that elects as this one would, errors, load and all, and shares nothing with it.
    #[must_use]
    pub fn rehearsal(&self) -> Self {
        let copy =
            |member: &Member| Member { tally: Arc::new(member.tally.copied()), seen: None, ..member.clone() };
        let members: Vec<Member> = self.members.iter().map(copy).collect();
        Self {
            name: self.name.clone(),
            settings: self.settings.clone(),
            revision: self.revision,
            lineup: self.lineup.of_copies(&members),
            members,
            routes: self.routes.clone(),
            by_address: self.by_address.clone(),
            on_trial: self.on_trial.clone(),
            timetable: Timetable::outdated(),
            watch: Watch::blind(),
            departed: Vec::new(),
            first_revision: self.first_revision,
        }
    }

    /// Who would get the next requests of clients without a session, at most `most`; it ends where nobody would. As
    /// many requests as are in flight stay in flight, and each moves the bytes that one moved so far on average.
    ///
    /// Only for a copy: it elects.
    pub(crate) fn play(&mut self, most: usize, now: Moment) -> Vec<MemberId> {
        let bytes = self.bytes_of_one();
        // Whoever tries a member out now will have found out by then.
        self.on_trial.clear();
        let mut flying = self.in_flight();
        let room = flying.len();
        let mut picks = Vec::with_capacity(most);
        for turn in 1..=u32::try_from(most).unwrap_or(u32::MAX) {
            let ask = Ask { dice: turn.wrapping_mul(GOLDEN), ..Ask::default() };
            let Ok(election) = self.elect(&ask, now) else { break };
            election.lease.received(bytes);
            election.lease.connected();
            picks.push(election.member);
            flying.push_back(election.lease);
            if flying.len() > room {
                flying.pop_front();
            }
        }
        picks
    }

    /// Who has the sessions of a route: the member of it, whom its redirect leads to, or nobody that is certain.
    ///
    /// Only for a copy: it may lift errors.
    pub(crate) fn holder_of(&mut self, route: &Route, now: Moment) -> Option<MemberId> {
        let sticky = self.settings.stickysession.is_some() && !route.is_empty();
        sticky.then(|| self.find_by_route(route.as_str(), now, &mut Course::default())).flatten()
    }

    /// Members that could be given requests of clients without a session, in configuration order.
    pub(crate) fn takers(&self) -> Vec<MemberId> {
        let places = self.lineup.sets.iter().flat_map(|set| set.offered().chain(set.standbys()));
        let mut takers: Vec<MemberId> =
            places.filter_map(|place| self.lineup.order.get(place).copied()).collect();
        takers.sort_unstable();
        takers
    }

    /// Bytes that an election moved on average, at least one.
    pub(crate) fn bytes_of_one(&self) -> u64 {
        let sum = |count: fn(&Member) -> u64| self.members.iter().map(count).fold(0, u64::saturating_add);
        let bytes = sum(|member| member.tally.transferred().saturating_add(member.tally.read()));
        (bytes / sum(|member| member.tally.elected()).max(1)).max(1)
    }

    /// The requests in flight, one member after the other until each has its number.
    fn in_flight(&mut self) -> VecDeque<Lease> {
        let busy: Vec<u64> = self.members.iter().map(|member| member.tally.busy()).collect();
        let total: u64 = busy.iter().fold(0, |sum, busy| sum.saturating_add(*busy));
        let mut left: Vec<u64> = busy
            .iter()
            .map(|busy| if total > IN_FLIGHT { busy.saturating_mul(IN_FLIGHT) / total } else { *busy })
            .collect();
        self.members.iter().for_each(|member| member.tally.forget_busy());
        let mut flying = VecDeque::new();
        while left.iter().any(|left| *left > 0) {
            for ((id, member), left) in (0u32..).map(MemberId).zip(&self.members).zip(&mut left) {
                if *left > 0 {
                    *left -= 1;
                    flying.push_back(Lease::take(id, &member.tally, 0));
                }
            }
        }
        flying
    }
}
