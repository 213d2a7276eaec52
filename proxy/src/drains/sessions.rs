//! What a drain knows of the sessions of its member.

use std::time::Duration;

use evenkeel_balancer::{MemberId, MemberLook, SessionsSeen};
use evenkeel_protocol::{DrainSessions, Moment, SessionsKnown, Timestamp};

use crate::clock;
use crate::live::LiveBalancer;

/// The sessions of a member whose balancer is `live`, with the numbers of `before` if these are new enough.
pub(super) fn of(
    live: &LiveBalancer,
    (member, look): (MemberId, &MemberLook),
    before: Option<&DrainSessions>,
) -> DrainSessions {
    match why_untold(look) {
        Some(known) => DrainSessions { known, ..DrainSessions::UNKNOWN },
        None => seen_of(live, member, before),
    }
}

/// Why sessions of the member cannot be told; none: they can.
pub(super) fn why_untold(look: &MemberLook) -> Option<SessionsKnown> {
    if !look.sticky {
        Some(SessionsKnown::NotSticky)
    } else if look.route.is_empty() {
        Some(SessionsKnown::NoRoute)
    } else {
        None
    }
}

/// What was counted of its route. Whether anybody is left follows from when a session was last seen, never from a count,
/// which is an estimate.
fn seen_of(live: &LiveBalancer, member: MemberId, before: Option<&DrainSessions>) -> DrainSessions {
    let (now, wall) = (clock::now(), clock::wall());
    let Some(sighted) = live.sighted(member, now) else { return DrainSessions::UNKNOWN };
    let (last_seen, unknown_until) = sighted.glance(now, wall);
    let counts = before.map(|before| (before.live, before.claimed, before.departing));
    let (count, claimed, departing) = counts.unwrap_or_else(|| {
        let counted = sighted.count(now, wall);
        (Some(counted.live), Some(counted.claimed), counted.departing)
    });
    DrainSessions {
        known: if unknown_until.is_some() { SessionsKnown::Unknown } else { SessionsKnown::Observed },
        live: Some(if last_seen.is_some() { count.unwrap_or_default().max(1) } else { 0 }),
        claimed,
        last_seen,
        unknown_until,
        window_ms: Some(live.session_window_ms()),
        departing,
    }
}

/// Until when a session may be live that was seen last while sessions could be told; `before`: the same as of the look
/// before, and could they be told then?
///
/// A balancer that ceases to be sticky in the middle of a drain, or a member that loses its route, makes nobody's session
/// end. For one more window it stays unknown whether any is left.
pub(super) fn held(
    live: &LiveBalancer,
    sessions: &mut DrainSessions,
    (before, told_before): (Option<Moment>, bool),
    (now, wall): (Moment, Timestamp),
) -> Option<Moment> {
    let window = live.session_window_ms();
    let seen_now = Some(now.plus(Duration::from_millis(window)));
    if !matches!(sessions.known, SessionsKnown::NotSticky | SessionsKnown::NoRoute) {
        return seen_now;
    }
    // They could be told until a moment ago, and looks may be far apart.
    let before = if told_before { before.max(seen_now) } else { before };
    let left = before?.since(now);
    if !left.is_zero() {
        let (unknown_until, window_ms) = (Some(wall.plus(left)), Some(window));
        *sessions = DrainSessions { unknown_until, window_ms, ..DrainSessions::UNKNOWN };
    }
    before
}

/// As the core decides by it.
pub(super) fn seen(sessions: &DrainSessions) -> SessionsSeen {
    match (sessions.known, sessions.live) {
        (SessionsKnown::NotSticky | SessionsKnown::NoRoute, _) => SessionsSeen::Meaningless,
        (_, Some(live)) if live > 0 => SessionsSeen::Live(live),
        (SessionsKnown::Observed, Some(_)) => SessionsSeen::None,
        _ => SessionsSeen::Unknown,
    }
}

/// In how long the live ones may have left, by the rate at which they leave.
pub(super) fn estimate_ms(sessions: &DrainSessions) -> Option<u64> {
    let (live, departing) = (sessions.live?, sessions.departing.filter(|departing| *departing > 0)?);
    (live > 0).then(|| live.saturating_mul(3_600_000) / departing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_window_that_was_observed_makes_none_of_nothing_seen() {
        use SessionsKnown::{NoRoute, NotSticky, Observed, Unknown};
        for (known, live, expected) in [
            (NotSticky, None, SessionsSeen::Meaningless),
            (NoRoute, None, SessionsSeen::Meaningless),
            (Unknown, None, SessionsSeen::Unknown),
            (Unknown, Some(0), SessionsSeen::Unknown),
            (Unknown, Some(2), SessionsSeen::Live(2)),
            (Observed, Some(2), SessionsSeen::Live(2)),
            (Observed, Some(0), SessionsSeen::None),
            (Observed, None, SessionsSeen::Unknown),
        ] {
            assert_eq!(
                seen(&DrainSessions { known, live, ..DrainSessions::UNKNOWN }),
                expected,
                "{known:?} {live:?}"
            );
        }
    }

    #[test]
    fn an_estimate_needs_a_rate() {
        let of = |live, departing| estimate_ms(&DrainSessions { live, departing, ..DrainSessions::UNKNOWN });
        assert_eq!(of(Some(17), Some(240)), Some(255_000));
        assert_eq!((of(Some(17), Some(0)), of(Some(17), None), of(Some(0), Some(5))), (None, None, None));
    }
}
