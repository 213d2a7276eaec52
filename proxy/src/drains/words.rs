//! What a drain says of itself: one sentence, in the words of what was seen and never of what was not. What it ended with
//! is told as what was, for it is read long after.

use std::time::Duration;

use evenkeel_protocol::edit::Reason;
use evenkeel_protocol::process;
use evenkeel_protocol::sentence::{Tense, facts, length};
use evenkeel_protocol::{Drain, DrainPhase, DrainSessions, OnTimeout, Peer, SessionsKnown, Span, Timestamp};

use super::sessions::seen;
use crate::registry::door::name_of;

fn window(sessions: &DrainSessions) -> String {
    sessions.window_ms.map_or_else(|| "window".to_owned(), |window| length(Duration::from_millis(window)))
}

/// What a drain that runs waits for.
pub(super) fn waits_for(drain: &Drain, wall: Timestamp) -> String {
    awaited(drain, wall, Tense::Present)
}

/// What a drain waits for, or waited for.
fn awaited(drain: &Drain, wall: Timestamp, tense: Tense) -> String {
    let also = || process::also_taken(&drain.balancer, &drain.elsewhere, tense);
    let all_in_flight = || process::all_in_flight((&drain.balancer, drain.busy), &drain.elsewhere, tense);
    match drain.phase {
        DrainPhase::Shedding => {
            let what = tense.of(
                "new sessions come no more; it is looked at what is there",
                "nobody had looked yet at what was there",
            );
            what.to_owned() + &also()
        }
        DrainPhase::Sessions => {
            facts(all_sessions(drain, wall, tense).chain(all_in_flight()), ", and ") + &also()
        }
        DrainPhase::Requests => facts(all_in_flight(), ", and ") + &also(),
        DrainPhase::Settling | DrainPhase::Done => {
            let (quiet, settle) = (drain.quiet_ms.unwrap_or_default(), drain.settle.duration());
            // As exact as what it is held against.
            let quiet = if settle.as_secs() > 0 { quiet / 1000 * 1000 } else { quiet };
            let quiet = length(Duration::from_millis(quiet));
            let (has, settle) = (tense.of("has", "had"), length(settle));
            let taken = if tense == Tense::Past { also() } else { drain.still_taken() };
            format!("nothing {has} been in flight for {quiet} of {settle}{taken}")
        }
    }
}

/// What is known of its sessions, and of those that its process has elsewhere, as far as they hold it up.
fn all_sessions(drain: &Drain, wall: Timestamp, tense: Tense) -> impl Iterator<Item = String> {
    let others = drain.elsewhere.iter().filter(|it| !seen(&it.sessions).are_gone());
    let others = others
        .map(move |it| format!("in {} {}", it.place(&drain.balancer), sessions(&it.sessions, wall, tense)));
    std::iter::once(sessions(&drain.sessions, wall, tense)).chain(others)
}

/// What is known of its sessions.
fn sessions(sessions: &DrainSessions, wall: Timestamp, tense: Tense) -> String {
    let can = tense.of("can", "could");
    match (sessions.known, sessions.live.filter(|live| *live > 0)) {
        (SessionsKnown::NotSticky, _) => {
            let [is, are] = [tense.of("is", "was"), tense.of("are", "were")];
            format!("its balancer {is} not sticky, so there {are} no sessions to wait for")
        }
        (SessionsKnown::NoRoute, _) => {
            format!("it {} no route, so no session {can} be told to be its own", tense.of("has", "had"))
        }
        (_, Some(live)) => {
            let noun = if live == 1 { "session" } else { "sessions" };
            let were = tense.of(if live == 1 { "was" } else { "were" }, "had been");
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
                "none of its sessions {can} be said to be gone for {} more, until a whole window was observed",
                length(until.since(wall))
            ),
            None => tense
                .of(
                    "none of its sessions can be said to be gone: they are not counted",
                    "none of its sessions could be said to be gone: they were not counted",
                )
                .to_owned(),
        },
    }
}

/// It came to its end; `safe`: and no session could come back. Where its process is still used is told as it is now.
pub(super) fn reached(drain: &Drain, safe: bool, wall: Timestamp) -> String {
    let quiet = if drain.settle == Span::ZERO {
        "nothing was in flight".to_owned()
    } else {
        format!("nothing was in flight for {}", length(drain.settle.duration()))
    };
    let sessions = facts(all_sessions(drain, wall, Tense::Past), ", and ");
    format!("{quiet}{} {sessions}", if safe { ", and" } else { ";" })
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
    format!("when its time of {} had passed, {}", drain.timeout, awaited(drain, wall, Tense::Past))
}

/// The deadline passed where nobody could see it.
pub(super) fn late_over_a_restart(on_timeout: OnTimeout) -> String {
    let instead = match on_timeout {
        OnTimeout::Fail => "",
        OnTimeout::Stop => ", and was not stopped unseen",
        OnTimeout::Cut => ", and was not cut off unseen",
        OnTimeout::Restore => ", and was not taken back unseen",
    };
    format!("its time passed while the proxy was down: it went on draining{instead}")
}

/// In seconds, and from a minute on in whole minutes.
fn roughly(time: Duration) -> String {
    let seconds = time.as_secs();
    length(Duration::from_secs(if seconds < 60 { seconds } else { seconds / 60 * 60 }))
}

/// An operator ended it.
pub(super) fn cancelled(restored: bool, by: Option<&Peer>, reason: Option<&Reason>) -> String {
    let what = if restored { "it took new sessions again" } else { "it went on draining, unwatched" };
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
    use evenkeel_protocol::Moment;

    use super::*;
    use crate::drains::job::tests::job;

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
                Tense::Present,
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

    #[test]
    fn what_a_drain_ended_with_is_told_as_what_was() {
        use DrainPhase::{Requests, Sessions, Settling};
        let mut drain = job(r#"{"timeout":"10m","until":"no_sessions"}"#, 0).show(Moment(0), Timestamp(0));
        drain.busy.requests = 1;
        for (phase, known, says) in [
            (Requests, SessionsKnown::Observed, "1 request was in flight"),
            (
                Sessions,
                SessionsKnown::Unknown,
                "none of its sessions could be said to be gone: they were not counted, and 1 request was in flight",
            ),
            (
                Sessions,
                SessionsKnown::NotSticky,
                "its balancer was not sticky, so there were no sessions to wait for, and 1 request was in flight",
            ),
            (Settling, SessionsKnown::Observed, "nothing had been in flight for 0 s of 5 s"),
        ] {
            (drain.phase, drain.sessions.known) = (phase, known);
            assert_eq!(too_late(&drain, Timestamp(0)), format!("when its time of 10m had passed, {says}"));
        }
        drain.settle = Span::ZERO;
        assert!(reached(&drain, true, Timestamp(0)).starts_with("nothing was in flight, and "));
        for (policy, says) in [
            (OnTimeout::Fail, "it went on draining"),
            (OnTimeout::Stop, "it went on draining, and was not stopped unseen"),
            (OnTimeout::Restore, "it went on draining, and was not taken back unseen"),
        ] {
            let told = late_over_a_restart(policy);
            assert_eq!(told, format!("its time passed while the proxy was down: {says}"));
        }
    }
}
