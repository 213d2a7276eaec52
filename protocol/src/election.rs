//! Elections that took place: the last of them, kept in a ring, and which of them somebody wants to see.
//!
//! No session's id is kept: only a salted hash, by which the elections of a cookie can be found that somebody pastes.

use serde::{Deserialize, Serialize};

use crate::explain::ElectionWhy;
use crate::name::{BalancerName, MemberName};
use crate::status::Status;
use crate::timestamp::Timestamp;

/// Which elections are wanted; each field that is there narrows it. A balancer, member or route that there is not, and
/// that no election that is kept knows, is refused.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ElectionFilter {
    /// Of this balancer.
    pub balancer: Option<BalancerName>,
    /// Of this member, by URL, host:port or route, elected or failed.
    pub member: Option<String>,
    /// Whose request asked for this route, or whose member has it.
    pub route: Option<String>,
    /// Of the session in this cookie, such as `JSESSIONID=x.node1`, in the value of one alone, or in this path or URL.
    pub cookie: Option<String>,
    /// Only those after a failed try.
    pub failovers: bool,
    /// Only those that took a session to another route than it asked for.
    pub route_changes: bool,
    /// Only those with a greater number.
    pub since: Option<u64>,
    /// The newest so many, 1 to [`ElectionFilter::MOST`]; none: [`ElectionFilter::USUAL`].
    pub most: Option<u32>,
}

impl ElectionFilter {
    /// How many are given if nothing is said of that.
    pub const USUAL: u32 = 100;
    /// How many can be had at once.
    pub const MOST: u32 = 10_000;
    /// The longest text of a filter, in bytes.
    pub const LONGEST: usize = 8 * 1024;
}

/// Elections that fit a filter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elections {
    /// When they were read.
    pub taken: Timestamp,
    /// How many took place since the proxy started.
    pub total: u64,
    /// How many are kept and were looked through.
    pub kept: u64,
    /// Those that fit, oldest first.
    pub elections: Vec<ElectionNote>,
}

/// One election, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElectionNote {
    /// Counts up from 1 at the start of the proxy, in the order of elections.
    pub number: u64,
    /// When the member was elected.
    pub at: Timestamp,
    /// The balancer.
    pub balancer: BalancerName,
    /// Who was elected; none: nobody.
    pub member: Option<MemberName>,
    /// Why it, or why nobody.
    pub why: ElectionWhy,
    /// What stands for the session's id: the same for the same session until the proxy restarts; none: no session, or one
    /// without an id.
    pub session: Option<String>,
    /// The route that the session asked for; none: no session.
    pub asked: Option<String>,
    /// Did it take a session to another route than it asked for?
    pub route_changed: bool,
    /// The how-manieth try of its request, from 1.
    pub attempt: u32,
    /// What went wrong in the try before; none: this is the first.
    pub failover: Option<Failover>,
    /// Members that could not be elected, the first of them.
    pub skipped: Vec<Skipped>,
    /// How many could not be elected in all.
    pub skipped_total: u64,
    /// The status that the member answered, or the proxy's own where nobody was elected; none: the try failed, or is
    /// not over yet.
    pub status: Option<u16>,
    /// Why the try failed, in a sentence; none: it did not.
    pub failed: Option<String>,
    /// Microseconds from the election to the head of the answer, or to the failure; 0 while neither
    /// is there.
    pub micros: u64,
}

/// The failed try before an election.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failover {
    /// Whose.
    pub from: MemberName,
    /// What happened, in a sentence.
    pub reason: String,
}

/// A member that could not be elected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The member.
    pub member: MemberName,
    /// Its status as letters, which says why.
    pub status: Status,
    /// Was it left out for this request only, because the request failed on it, or because it is being probed?
    pub left_out: bool,
}
