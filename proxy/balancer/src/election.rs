//! What a request asks of a balancer, and the two kinds of answer. Plain data; who decides is elsewhere.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_protocol::{Recovery, Status};

use crate::census::{SessionMark, Visit};
use crate::member::MemberId;
use crate::tally::Lease;

/// What a request brings to an election.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ask<'a> {
    /// Path and query as the member will get them (percent-decoding as far as the mapping did it).
    pub url: &'a str,
    /// The values of the `Cookie` lines, in their order.
    pub cookies: &'a [&'a str],
    /// Members that this request failed on without their being marked: for it they count as in error.
    pub excluded: &'a [MemberId],
    /// A fresh number, evenly drawn from all values; used by lbmethod heartbeat only.
    pub dice: u32,
    /// Which of the counting cells the lease adds to; any number is right, the processor's is fast.
    pub core: usize,
}

/// A member was elected.
#[derive(Debug)]
pub struct Election {
    /// Whom.
    pub member: MemberId,
    /// Why it.
    pub why: Why,
    /// The session value that was found; for `BALANCER_SESSION_STICKY` and `BALANCER_SESSION_ROUTE`. Boxed, because an
    /// election is handed on several times, and most have none.
    pub session: Option<Box<Session>>,
    /// Is `BALANCER_ROUTE_CHANGED` to be set? As in httpd also for a client without a session, if the balancer
    /// is sticky.
    pub route_changed: bool,
    /// What is to be told of its session once the member has answered, or has not; none if the member keeps none.
    pub visit: Option<Visit>,
    /// Members that could not be elected by their turn; none: there were none.
    pub missing: Option<Arc<Missing>>,
    /// The request's hold on the member; counts as busy while it lives.
    pub lease: Lease,
    /// Members whose error was lifted on the way.
    pub retried: Vec<(MemberId, Recovery)>,
}

/// Why a member was elected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// The request's session named it, or a member whose redirect names it.
    Sticky,
    /// The lbmethod chose it.
    Method,
    /// The lbmethod chose it, and it is a spare in the place of an unusable member.
    Spare,
    /// It is a standby, and its lbset had nobody else.
    Standby,
}

/// A session value: the name under which it was found, and the route in it as the client wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The name of the cookie or of the URL parameter.
    pub name: String,
    /// The route; may be empty. Written by a stranger.
    pub route: String,
    /// What stands for its id.
    pub mark: SessionMark,
}

/// Nobody could be elected: the answer is 503, at once or after [`NoMember::wait`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct NoMember {
    /// Why.
    pub why: NoMemberWhy,
    /// Members whose error was lifted on the way.
    pub retried: Vec<(MemberId, Recovery)>,
    /// How long, from the first try on, it is worth asking again after each change of the balancer; none: answer
    /// at once.
    pub wait: Option<Duration>,
    /// The session value that was found.
    pub session: Option<Box<Session>>,
    /// Members that could not be elected by their turn; none: there were none.
    pub missing: Option<Arc<Missing>>,
}

/// Members that cannot be elected by their turn: they are unusable, drain, or are left out of an election.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Missing {
    /// The first of them, in configuration order.
    pub first: Vec<Passed>,
    /// How many they are.
    pub total: u64,
}

impl Missing {
    /// How many are named.
    pub const NAMED: usize = 8;
}

/// A member that cannot be elected by its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passed {
    /// Which.
    pub member: MemberId,
    /// Its status, which says why.
    pub status: Status,
    /// Is it left out of this election only: the request failed on it, or another one probes it?
    pub left_out: bool,
}

/// Why nobody could be elected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoMemberWhy {
    /// The balancer has no members.
    Empty,
    /// No member takes this request.
    Unusable,
    /// The members of the session's route are unusable, and `nofailover` forbids another.
    RouteUnusable,
}

impl fmt::Display for NoMember {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.why {
            NoMemberWhy::Empty => "the balancer has no members; add a BalancerMember",
            NoMemberWhy::Unusable => {
                "no member takes new requests: each is disabled, stopped, draining, in error or not needed; \
                 enable one"
            }
            NoMemberWhy::RouteUnusable => {
                "the member of the session's route is unusable and nofailover forbids another; enable it or \
                 switch nofailover off"
            }
        })
    }
}
