//! What an edit would do, without doing it: what it changes, whom it moves, and who is left.
//!
//! Traffic is what was measured in the last minutes; where nothing was measured that is unknown, and never zero. Picks
//! are simulated with the elections' own arithmetic from where they stand now.

use serde::{Deserialize, Serialize};

use crate::edit::Change;
use crate::name::{BalancerName, MemberName};
use crate::refusal::Refusal;

/// The answer to an edit that was asked for with `dry_run`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// The balancer.
    pub balancer: BalancerName,
    /// The member; none if the edit is of the balancer's own settings.
    pub member: Option<MemberName>,
    /// Always false, so that a script can tell it from an edit that was made.
    pub applied: bool,
    /// What would change; empty if all that is asked for holds already.
    pub changes: Vec<Change>,
    /// The revision of the member or balancer now: an edit that names it does exactly this, or is refused.
    pub revision: u64,
    /// What the edit would be refused with as things are; none: it would be made.
    pub refusal: Option<Refusal>,
    /// The traffic that would go elsewhere; none: nothing was measured yet.
    pub moved: Option<Moved>,
    /// Sessions that would change their member or get no answer; none: unknown.
    pub sessions: Option<u64>,
    /// Members that would be given requests of clients without a session, in configuration order.
    pub remaining: Vec<MemberName>,
    /// Who would get the next requests of clients without a session as things are: at most [`Preview::PICKS`], fewer
    /// if nobody would get one.
    pub next: Vec<MemberName>,
    /// The same after the edit.
    pub next_after: Vec<MemberName>,
    /// Did nobody ask the proxy, because it has no dry run, and does the console say what it expects? Then `next` and
    /// `next_after` are empty because they are unknown.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
    /// What an operator should know, in sentences.
    pub notes: Vec<String>,
}

impl Preview {
    /// How many of the next requests are looked at.
    pub const PICKS: usize = 12;
}

/// Shares of the traffic that was measured, in hundredths of a percent of all requests of the balancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// How long was measured, in milliseconds; at most some minutes.
    pub measured_ms: u64,
    /// Requests that were measured.
    pub requests: u64,
    /// Those of them that came without a session.
    #[serde(default)]
    pub free_requests: u64,
    /// Requests of sessions that would go to another member, or to nobody.
    pub sticky: u32,
    /// Requests of clients without a session that would go to another member, or to nobody.
    pub free: u32,
}
