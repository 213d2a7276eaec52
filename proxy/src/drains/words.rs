//! What a drain says of itself: one sentence, in the words of what was seen and never of what was not.

use std::time::Duration;

use evenkeel_protocol::edit::Reason;
use evenkeel_protocol::process;
use evenkeel_protocol::sentence::{facts, length};
use evenkeel_protocol::{Drain, DrainPhase, DrainSessions, OnTimeout, Peer, SessionsKnown, Span, Timestamp};

use super::sessions::seen;
use crate::registry::door::name_of;

fn window(sessions: &DrainSessions) -> String {
    sessions.window_ms.map_or_else(|| "window".to_owned(), |window| length(Duration::from_millis(window)))
}

/// What a drain that runs waits for.
pub(super) fn waits_for(drain: &Drain, wall: Timestamp) -> String {
    let also = || process::also_taken(&drain.balancer, &drain.elsewhere);
    match drain.phase {
        DrainPhase::Shedding => {
            "new sessions come no more; it is looked at what is there".to_owned() + &also()
        }
        DrainPhase::Sessions => {
            facts(all_sessions(drain, wall).chain(all_in_flight(drain)), ", and ") + &also()
        }
        DrainPhase::Requests => facts(all_in_flight(drain), ", and ") + &also(),
        DrainPhase::Settling | DrainPhase::Done => {
            let (quiet, settle) = (drain.quiet_ms.unwrap_or_default(), drain.settle.duration());
            // As exact as what it is held against.
            let quiet = if settle.as_secs() > 0 { quiet / 1000 * 1000 } else { quiet };
            let quiet = length(Duration::from_millis(quiet));
            format!("nothing has been in flight for {quiet} of {}", length(settle)) + &drain.still_taken()
        }
    }
}

/// What is known of its sessions, and of those that its process has elsewhere, as far as they hold it up.
fn all_sessions(drain: &Drain, wall: Timestamp) -> impl Iterator<Item = String> {
    let others = drain.elsewhere.iter().filter(|it| !seen(&it.sessions).are_gone());
    let others =
        others.map(move |it| format!("in {} {}", it.place(&drain.balancer), sessions(&it.sessions, wall)));
    std::iter::once(sessions(&drain.sessions, wall)).chain(others)
}

/// What is in flight at its process, wherever that is.
fn all_in_flight(drain: &Drain) -> impl Iterator<Item = String> {
    process::all_in_flight((&drain.balancer, drain.busy), &drain.elsewhere)
}

/// What is known of its sessions.
fn sessions(sessions: &DrainSessions, wall: Timestamp) -> String {
    match (sessions.known, sessions.live.filter(|live| *live > 0)) {
        (SessionsKnown::NotSticky, _) => {
            "its balancer is not sticky, so there are no sessions to wait for".to_owned()
        }
        (SessionsKnown::NoRoute, _) => "it has no route, so no session can be told to be its own".to_owned(),
        (_, Some(live)) => {
            let (noun, were) = if live == 1 { ("session", "was") } else { ("sessions", "were") };
            match sessions.observed(wall) {
                Some(observed) => {
                    format!("{live} {noun} {were} seen (unknown before the last {})", roughly(observed))
                }
                None => format!("{live} {noun} {were} seen in the last {}", window(sessions)),
            }
        }
        (SessionsKnown::Observed, None) => format!("no session was seen for {}", window(sessions)),
        (SessionsKnown::Unknown, None) => match sessions.unknown_until {
            Some(until) => format!(
                "none of its sessions can be said to be gone for {} more, until a whole window was observed",
                length(until.since(wall))
            ),
            None => "none of its sessions can be said to be gone: they are not counted".to_owned(),
        },
    }
}

/// It came to its end; `safe`: and no session can come back.
pub(super) fn reached(drain: &Drain, safe: bool, wall: Timestamp) -> String {
    let quiet = if drain.settle == Span::ZERO {
        "nothing is in flight".to_owned()
    } else {
        format!("nothing was in flight for {}", length(drain.settle.duration()))
    };
    let sessions = facts(all_sessions(drain, wall), ", and ");
    format!("{quiet}{} {sessions}{}", if safe { ", and" } else { ";" }, drain.still_taken())
}

/// What a member had in flight when it was last there.
pub(super) fn was_there(drain: &Drain) -> String {
    match drain.busy.total() {
        0 => "nothing was in flight".to_owned(),
        1 => "1 request was in flight".to_owned(),
        total => format!("{total} requests were in flight"),
    }
}

/// The deadline came first.
pub(super) fn too_late(drain: &Drain, wall: Timestamp) -> String {
    format!("its time of {} has passed: {}", drain.timeout, waits_for(drain, wall))
}

/// The deadline passed where nobody could see it.
pub(super) fn late_over_a_restart(on_timeout: OnTimeout) -> String {
    let instead = match on_timeout {
        OnTimeout::Fail => String::new(),
        other => format!(", and is not to {other} unseen"),
    };
    format!("its time passed while the proxy was down: it keeps draining{instead}")
}

/// In seconds, and from a minute on in whole minutes.
fn roughly(time: Duration) -> String {
    let seconds = time.as_secs();
    length(Duration::from_secs(if seconds < 60 { seconds } else { seconds / 60 * 60 }))
}

/// An operator ended it.
pub(super) fn cancelled(restored: bool, by: Option<&Peer>, reason: Option<&Reason>) -> String {
    let what =
        if restored { "it takes new sessions again" } else { "it keeps draining, and nobody waits for it" };
    format!("{}: {what}", done_by("cancelled", by, reason.map(Reason::as_str)))
}

/// Who did it, and why.
pub(super) fn done_by(what: &str, by: Option<&Peer>, reason: Option<&str>) -> String {
    let reason = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
    format!("{what} by {}{reason}", name_of(by))
}

/// The reason of an edit that a deadline makes.
pub(super) fn deadline_reason(drain: &Drain) -> String {
    let reason = drain.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
    format!("the time of drain {} has passed{reason}", drain.number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_never_said_to_be_none_before_a_window_was_observed() {
        let wall = Timestamp(1_000_000_000);
        let of = |known, live, until: Option<u64>| {
            let unknown_until = until.map(Timestamp);
            sessions(
                &DrainSessions {
                    known,
                    live,
                    unknown_until,
                    window_ms: Some(1_800_000),
                    ..DrainSessions::UNKNOWN
                },
                wall,
            )
        };
        assert_eq!(of(SessionsKnown::Observed, Some(0), None), "no session was seen for 30 min");
        assert_eq!(of(SessionsKnown::Observed, Some(3), None), "3 sessions were seen in the last 30 min");
        assert_eq!(
            of(SessionsKnown::Unknown, Some(11), Some(1_000_000_000 + 1_797_000_000)),
            "11 sessions were seen (unknown before the last 3 s)"
        );
        assert_eq!(
            of(SessionsKnown::Unknown, Some(11), Some(1_000_000_000 + 1_723_000_000)),
            "11 sessions were seen (unknown before the last 1 min)"
        );
        assert!(of(SessionsKnown::Unknown, Some(0), None).contains("not counted"));
        assert!(of(SessionsKnown::Unknown, None, Some(1_060_000_000)).contains("for 1 min more"));
    }
}
