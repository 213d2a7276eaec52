//! What the proxy saw of the sessions of a balancer, in a window of time that slides.
//!
//! Sessions are counted by what members answered, without keeping anybody's id. Nothing is said of people: only of
//! what was seen, and of what was not seen for a whole window. [`RouteSessions::last_seen`] decides whether a route
//! is without sessions; the counts beside it are for people.

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
    /// Does the balancer keep sessions at all? If not, nothing is counted and there are no routes.
    pub sticky: bool,
    /// The length of the window, in milliseconds.
    pub window_ms: u64,
    /// Since when the sessions of every route were seen, without a gap.
    pub observed_since: Timestamp,
    /// Until then nobody can be said to be gone, because of some route no whole window was seen yet; none: of each
    /// one was.
    pub unknown_until: Option<Timestamp>,
    /// Each route that a member has, in the order of the members; then those that a member had within the window.
    pub routes: Vec<RouteSessions>,
    /// Different sessions in the window whose route no member has or had.
    pub strangers: u64,
}

impl Census {
    /// The sessions of that route.
    pub fn route(&self, route: &Route) -> Option<&RouteSessions> {
        self.routes.iter().find(|known| known.route == *route)
    }
}

/// The sessions of one route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteSessions {
    /// The route.
    pub route: Route,
    /// Who has it.
    pub members: Vec<MemberName>,
    /// Different sessions in the window that a member of this route answered. Exact up to some hundreds, an estimate
    /// beyond; 0 only if none was seen. A session that is new counts from its second request on, and is seen from its
    /// first.
    pub live: u64,
    /// Is `live` the exact number? Otherwise it is an estimate, off by some hundredths.
    pub exact: bool,
    /// Different sessions in the window that clients only claimed: no member of this route answered them within it.
    /// They hold nothing up.
    pub claimed: u64,
    /// Are there sessions that are nothing but a route, as with `routecookie`? They cannot be told apart and count as
    /// one.
    pub anonymous: bool,
    /// When one that counts as live was last seen, or a member last gave a client a session; none: not in this
    /// window.
    pub last_seen: Option<Timestamp>,
    /// How many live ones were not seen again, in sessions an hour over the last minutes; none: not known yet.
    pub departing: Option<u64>,
    /// Until then nobody can be said to be gone, because no whole window was seen of this route yet; none: one was.
    pub unknown_until: Option<Timestamp>,
}

impl RouteSessions {
    /// Was a whole window seen, and no session in it?
    pub fn is_empty(&self) -> bool {
        self.unknown_until.is_none() && self.last_seen.is_none()
    }
}
