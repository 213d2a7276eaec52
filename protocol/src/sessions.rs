//! What the proxy saw of the sessions of a balancer, in a window of time that slides.
//!
//! Sessions are counted by what members answered, as estimates and without keeping anybody's id. Nothing is said of
//! people: only of what was seen, and of what was not seen for a whole window.

use serde::{Deserialize, Serialize};

use crate::name::{BalancerName, MemberName, Route};
use crate::timestamp::Timestamp;

/// The sessions of one balancer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Census {
    /// The balancer.
    pub balancer: BalancerName,
    /// When it was taken.
    pub taken: Timestamp,
    /// The length of the window, in milliseconds.
    pub window_ms: u64,
    /// Since when every request was seen, without a gap.
    pub observed_since: Timestamp,
    /// Until then nobody can be said to be gone, because no whole window was seen yet; none: one was.
    pub unknown_until: Option<Timestamp>,
    /// Each route that a member has or that was seen, in the order of the members; one that no member has comes last.
    pub routes: Vec<RouteSessions>,
}

/// The sessions of one route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteSessions {
    /// The route.
    pub route: Route,
    /// Who has it.
    pub members: Vec<MemberName>,
    /// Different sessions in the window that a member of this route answered; an estimate.
    pub live: u64,
    /// Different sessions in the window that clients only claimed: no member of this route ever answered them. They
    /// hold nothing up.
    pub claimed: u64,
    /// When one that counts as live was last seen; none: not in this window.
    pub last_seen: Option<Timestamp>,
    /// How many live ones were not seen again, in sessions an hour over the last minutes; none: not known yet.
    pub departing: Option<u64>,
}
