//! The last elections and what came of them: a ring for each worker thread, which that thread alone writes, put
//! together by whoever asks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use evenkeel_balancer::{Election, MemberId, Missing, NoMember, NoMemberWhy, SessionMark, Why};
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
    /// Where the oldest is, once there is no room any more.
    oldest: usize,
}

/// An election whose outcome is not known yet.
#[derive(Debug)]
pub(crate) struct Ballot {
    at: Moment,
    member: Option<MemberId>,
    why: ElectionWhy,
    route_changed: bool,
    session: Option<SessionMark>,
    asked: Option<AskedRoute>,
    attempt: u32,
    /// Whose try failed before, and why.
    failover: Option<Box<(MemberId, String)>>,
    missing: Option<Arc<Missing>>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Ended {
    ballot: Ballot,
    micros: u64,
    status: Option<u16>,
    failed: Option<Box<str>>,
}

/// An election as it is kept.
#[derive(Debug)]
struct Held {
    number: u64,
    roll: Arc<Roll>,
    ended: Ended,
}

impl Ballot {
    /// Of an election at that moment; the how-manieth try it is of its request, and which one failed before.
    pub(crate) fn of(
        election: &Election,
        at: Moment,
        (attempt, failover): (u32, Option<(MemberId, String)>),
    ) -> Self {
        Self {
            at,
            member: Some(election.member),
            why: match election.why {
                Why::Sticky => ElectionWhy::Sticky,
                Why::Method => ElectionWhy::Method,
                Why::Spare => ElectionWhy::Spare,
                Why::Standby => ElectionWhy::Standby,
            },
            // A client without a session comes to no other route than it asked for.
            route_changed: election.route_changed && election.session.is_some(),
            session: election.mark,
            asked: election.session.as_ref().map(|session| AskedRoute::new(&session.route)),
            attempt,
            failover: failover.map(Box::new),
            missing: election.missing.clone(),
        }
    }

    /// Of one that found nobody.
    pub(crate) fn of_nobody(
        nobody: NoMember,
        at: Moment,
        (attempt, failover): (u32, Option<(MemberId, String)>),
    ) -> Self {
        Self {
            at,
            member: None,
            why: match nobody.why {
                NoMemberWhy::Empty => ElectionWhy::Empty,
                NoMemberWhy::Unusable => ElectionWhy::Unusable,
                NoMemberWhy::RouteUnusable => ElectionWhy::RouteUnusable,
            },
            route_changed: false,
            session: nobody.mark,
            asked: nobody.session.as_ref().map(|session| AskedRoute::new(&session.route)),
            attempt,
            failover: failover.map(Box::new),
            missing: nobody.missing,
        }
    }

    /// With the status that the client gets, or why the try failed.
    pub(crate) fn ended(self, now: Moment, came_to: Result<u16, &str>) -> Ended {
        let micros = now.0.saturating_sub(self.at.0);
        let failed = came_to.err().map(|why| clean(why, limits::REASON).into_boxed_str());
        Ended { ballot: self, micros, status: came_to.ok(), failed }
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

    /// Remembers an election of the worker thread with that number.
    pub(crate) fn remember(&self, core: usize, roll: &Arc<Roll>, ended: Ended) {
        let Some(ring) = self.rings.get(core % self.rings.len().max(1)) else { return };
        let number = self.total.fetch_add(1, Ordering::Relaxed) + 1;
        let held = Held { number, roll: Arc::clone(roll), ended };
        let mut kept = ring.kept();
        let Kept { elections, oldest } = &mut *kept;
        if elections.len() < limits::ELECTIONS {
            elections.push(held);
            return;
        }
        if let Some(place) = elections.get_mut(*oldest) {
            *place = held;
        }
        *oldest = (*oldest + 1) % limits::ELECTIONS;
    }
}

impl Held {
    /// As everybody may see it, `wall` being the time at `now`.
    fn note(&self, clock: (Moment, evenkeel_protocol::Timestamp)) -> ElectionNote {
        let Ended { ballot, micros, status, failed } = &self.ended;
        let (now, wall) = clock;
        let name = |id: MemberId| self.roll.members.get(id.0 as usize).cloned();
        let missing = ballot.missing.as_deref();
        // A member that drains is missing, but not for its own sessions.
        let others = |passed: &&evenkeel_balancer::Passed| Some(passed.member) != ballot.member;
        let named = missing.map_or(&[][..], |missing| &missing.first);
        let itself = named.len() - named.iter().filter(others).count();
        ElectionNote {
            number: self.number,
            at: wall.minus(now.since(ballot.at)),
            balancer: self.roll.balancer.clone(),
            member: ballot.member.and_then(name),
            why: ballot.why,
            session: ballot.session.map(|mark| format!("{:08x}", mark.number() >> 32)),
            asked: ballot.asked.as_ref().map(|route| clean(route.as_str(), limits::TEXT)),
            route_changed: ballot.route_changed,
            attempt: ballot.attempt,
            failover: ballot.failover.as_ref().and_then(|failed| {
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
            status: *status,
            failed: failed.as_deref().map(str::to_owned),
            micros: *micros,
        }
    }
}
