//! The last elections and what came of them: a ring for each worker thread, which that thread alone writes, put
//! together by whoever asks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use evenkeel_balancer::{Election, MemberId, Missing, NoMember, NoMemberWhy, Session, SessionMark, Why};
use evenkeel_protocol::clean::clean;
use evenkeel_protocol::{ElectionNote, ElectionWhy, Failover, Moment, Skipped};

use crate::limits;
use crate::live::Roll;

mod find;
mod route;

use route::AskedRoute;

/// The last elections of the process.
#[derive(Debug)]
pub(crate) struct Elections {
    /// Those of each worker thread.
    rings: Box<[Ring]>,
    total: AtomicU64,
}

/// The last elections of one worker thread, on cache lines of their own. Its lock is free but while somebody reads.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Ring(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    elections: Vec<Held>,
    /// Where the next one goes: the place of the oldest, once there is no room any more.
    oldest: usize,
}

/// An election as it is kept.
#[derive(Debug, Clone)]
struct Held {
    number: u64,
    /// The number of the worker thread.
    core: usize,
    at: Moment,
    roll: Arc<Roll>,
    session: Option<SessionMark>,
    asked: Option<AskedRoute>,
    missing: Option<Arc<Missing>>,
    /// Whose try failed before, and why.
    failover: Option<Box<(MemberId, String)>>,
    member: Option<MemberId>,
    attempt: u32,
    why: ElectionWhy,
    route_changed: bool,
    /// The status that came of it.
    status: Option<u16>,
    micros: u64,
    /// Why the try failed.
    failed: Option<Box<str>>,
}

/// Who is elected by whom, and after what.
pub(crate) struct Circumstances<'a> {
    /// The number of the worker thread.
    pub(crate) core: usize,
    pub(crate) roll: &'a Arc<Roll>,
    pub(crate) now: Moment,
    /// The how-manieth try of the request it is.
    pub(crate) attempt: u32,
    /// Whose try failed before, and why.
    pub(crate) failed: Option<(MemberId, String)>,
}

/// By which an election is found again, when it is known what came of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticket {
    core: usize,
    place: usize,
    number: u64,
    at: Moment,
}

impl Kept {
    /// The last one first.
    fn newest_first(&self) -> impl Iterator<Item = &Held> {
        let (newer, older) = self.elections.split_at_checked(self.oldest).unwrap_or((&self.elections, &[]));
        newer.iter().rev().chain(older.iter().rev())
    }
}

impl Ring {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Elections {
    /// For so many worker threads.
    pub(crate) fn new(cores: usize) -> Self {
        Self { rings: (0..cores.max(1)).map(|_| Ring::default()).collect(), total: AtomicU64::new(0) }
    }

    /// Remembers an election of which it is not known yet what comes of it.
    pub(crate) fn begin(&self, election: &Election, circumstances: Circumstances<'_>) -> Option<Ticket> {
        let why = match election.why {
            Why::Sticky => ElectionWhy::Sticky,
            Why::Method => ElectionWhy::Method,
            Why::Spare => ElectionWhy::Spare,
            Why::Standby => ElectionWhy::Standby,
        };
        let session = election.session.as_deref();
        self.put(Held {
            member: Some(election.member),
            // A client without a session comes to no other route than it asked for.
            route_changed: election.route_changed && session.is_some(),
            missing: election.missing.clone(),
            ..Held::new(why, session, circumstances)
        })
    }

    /// Remembers one that found nobody, and what the client gets.
    pub(crate) fn nobody(&self, nobody: &NoMember, circumstances: Circumstances<'_>, status: u16) {
        let why = match nobody.why {
            NoMemberWhy::Empty => ElectionWhy::Empty,
            NoMemberWhy::Unusable => ElectionWhy::Unusable,
            NoMemberWhy::RouteUnusable => ElectionWhy::RouteUnusable,
        };
        self.put(Held {
            missing: nobody.missing.clone(),
            status: Some(status),
            ..Held::new(why, nobody.session.as_deref(), circumstances)
        });
    }

    fn put(&self, mut held: Held) -> Option<Ticket> {
        let core = held.core % self.rings.len().max(1);
        let number = self.total.fetch_add(1, Ordering::Relaxed) + 1;
        let at = held.at;
        let mut kept = self.rings.get(core)?.kept();
        let Kept { elections, oldest } = &mut *kept;
        let place = *oldest;
        held.number = number;
        match elections.get_mut(place) {
            Some(taken) => *taken = held,
            None => elections.push(held),
        }
        *oldest = if place + 1 == limits::ELECTIONS { 0 } else { place + 1 };
        Some(Ticket { core, place, number, at })
    }

    /// The member has answered with that status, or why it has not.
    pub(crate) fn end(&self, ticket: Ticket, now: Moment, came_to: Result<u16, &str>) {
        let Some(ring) = self.rings.get(ticket.core) else { return };
        let mut kept = ring.kept();
        // Others may have taken its place.
        let Some(held) = kept.elections.get_mut(ticket.place).filter(|held| held.number == ticket.number)
        else {
            return;
        };
        held.micros = now.0.saturating_sub(ticket.at.0);
        held.status = came_to.ok();
        held.failed = came_to.err().map(|why| clean(why, limits::REASON).into_boxed_str());
    }
}

impl Held {
    /// What is known of every election; it has no number yet.
    #[inline]
    fn new(why: ElectionWhy, session: Option<&Session>, circumstances: Circumstances<'_>) -> Self {
        let Circumstances { core, roll, now: at, attempt, failed } = circumstances;
        Self {
            number: 0,
            core,
            at,
            roll: Arc::clone(roll),
            session: session.map(|session| session.mark),
            asked: session.map(|session| AskedRoute::new(&session.route)),
            missing: None,
            failover: failed.map(Box::new),
            member: None,
            attempt,
            why,
            route_changed: false,
            status: None,
            micros: 0,
            failed: None,
        }
    }

    /// As everybody may see it, `wall` being the time at `now`.
    fn note(&self, clock: (Moment, evenkeel_protocol::Timestamp)) -> ElectionNote {
        let (now, wall) = clock;
        let name = |id: MemberId| self.roll.members.get(id.0 as usize).cloned();
        let missing = self.missing.as_deref();
        // A member that drains is missing, but not for its own sessions.
        let others = |passed: &&evenkeel_balancer::Passed| Some(passed.member) != self.member;
        let named = missing.map_or(&[][..], |missing| &missing.first);
        let itself = named.len() - named.iter().filter(others).count();
        ElectionNote {
            number: self.number,
            at: wall.minus(now.since(self.at)),
            balancer: self.roll.balancer.clone(),
            member: self.member.and_then(name),
            why: self.why,
            session: self
                .session
                .filter(|mark| *mark != SessionMark::NAMELESS)
                .map(|mark| format!("{:08x}", mark.number() >> 32)),
            asked: self.asked.as_ref().map(|route| clean(route.as_str(), limits::TEXT)),
            route_changed: self.route_changed,
            attempt: self.attempt,
            failover: self.failover.as_ref().and_then(|failed| {
                let reason = clean(&failed.1, limits::REASON);
                Some(Failover { from: name(failed.0)?, reason })
            }),
            skipped: named
                .iter()
                .filter(others)
                .filter_map(|passed| {
                    Some(Skipped {
                        member: name(passed.member)?,
                        status: passed.status,
                        left_out: passed.left_out,
                    })
                })
                .collect(),
            skipped_total: missing.map_or(0, |missing| missing.total - itself as u64),
            status: self.status,
            failed: self.failed.as_deref().map(str::to_owned),
            micros: self.micros,
        }
    }
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::ElectionFilter;

    use super::*;

    #[test]
    fn of_those_that_are_kept_the_newest_are_found() {
        let elections = Elections::new(1);
        let roll = Arc::new(Roll { balancer: "app".parse().unwrap(), members: Vec::new() });
        let nobody = NoMember {
            why: NoMemberWhy::Empty,
            retried: Vec::new(),
            wait: None,
            session: None,
            missing: None,
        };
        let found = |most| {
            let filter = ElectionFilter { most: Some(most), ..ElectionFilter::default() };
            let found = elections.find(&filter, &Arc::default()).unwrap();
            (found.kept, found.elections.iter().map(|election| election.number).collect::<Vec<_>>())
        };
        let kept = limits::ELECTIONS as u64;
        for number in 1..=kept + 2 {
            let now = Moment(number);
            let failed = None;
            elections.nobody(&nobody, Circumstances { core: 0, roll: &roll, now, attempt: 1, failed }, 503);
            if number == 2 {
                assert_eq!(found(3), (2, vec![1, 2]));
            }
        }
        assert_eq!(found(4), (kept, vec![kept - 1, kept, kept + 1, kept + 2]), "over the end of the ring");
    }
}
