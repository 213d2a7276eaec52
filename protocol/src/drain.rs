//! A drain as a job of the proxy: a member takes no new sessions, and the proxy watches what is still on it until it
//! can say that nothing is, or until a deadline decides.
//!
//! *Safe to stop* is a promise: no request was in flight for the settle time, in one piece, and no session of the
//! member was seen for a whole window that was observed without a gap. What is not known is said to be unknown.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

use crate::edit::{Change, Edited, Peer, Reason, Rule, edit};
use crate::name::{BalancerName, MemberName, Route};
use crate::process;
use crate::span::{Patience, Span};
use crate::status::{Flag, Status};
use crate::timestamp::Timestamp;

/// Declares a choice among words, each with what it means.
macro_rules! words {
    (
        $(#[$about:meta])*
        $name:ident { $( $(#[$word_about:meta])* $word:ident = $text:literal, )* }
        $rule:literal
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $( $(#[$word_about])* $word, )*
        }

        impl $name {
            /// What a text must be to be one.
            pub const RULE: &str = $rule;
            /// All of them, in the order in which they are offered to people.
            pub const ALL: &[Self] = &[$(Self::$word),*];

            /// The word, as it stands in messages.
            pub fn name(self) -> &'static str {
                match self {
                    $( Self::$word => $text, )*
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl FromStr for $name {
            type Err = &'static str;

            /// A blank of a word may be typed as `-` or `_`.
            fn from_str(text: &str) -> Result<Self, &'static str> {
                let text = text.replace('-', "_");
                Self::ALL.iter().find(|word| word.name() == text).copied().ok_or(Self::RULE)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }

        impl Rule for $name {
            const RULE: &str = Self::RULE;
        }
    };
}

words! {
    /// What a drain waits for.
    DrainUntil {
        /// No request is in flight for the settle time. Sessions may come back.
        Idle = "idle",
        /// Beyond that, no session of the member was seen for a whole window.
        NoSessions = "no_sessions",
    }
    "must be idle or no_sessions"
}

words! {
    /// What happens when the deadline comes first.
    OnTimeout {
        /// It keeps draining, and says so.
        Fail = "fail",
        /// It is stopped (S): no new requests, those in flight finish; upgraded connections end.
        Stop = "stop",
        /// It is stopped, and what is in flight is ended.
        Cut = "cut",
        /// It takes new sessions again: N is cleared.
        Restore = "restore",
    }
    "must be fail, stop, cut or restore"
}

words! {
    /// Where a drain stands.
    DrainPhase {
        /// It was just begun; new sessions come no more.
        Shedding = "shedding",
        /// Sessions are live, or cannot be known to be gone yet.
        Sessions = "sessions",
        /// Nobody holds it up but requests in flight.
        Requests = "requests",
        /// Nothing is there, and the settle time is running.
        Settling = "settling",
        /// It has ended; its outcome says how.
        Done = "done",
    }
    "must be shedding, sessions, requests, settling or done"
}

words! {
    /// How a drain ended.
    DrainOutcome {
        /// What it waited for came, and no session can come back: it can be stopped.
        SafeToStop = "safe_to_stop",
        /// What it waited for came; of its sessions nothing was promised.
        Idle = "idle",
        /// The deadline passed; it keeps draining.
        KeptDraining = "kept_draining",
        /// The deadline passed; it was stopped.
        Stopped = "stopped",
        /// The deadline passed; it was stopped and what was in flight was ended.
        Cut = "cut",
        /// The deadline passed; it takes new sessions again.
        Restored = "restored",
        /// Nothing is in flight as far as is counted, and requests of before a restart are not counted.
        Uncounted = "uncounted",
        /// An operator cancelled the drain.
        Cancelled = "cancelled",
        /// Another edit, or the configuration, has cleared N.
        Cleared = "cleared",
        /// Another edit, or the configuration, has stopped the member meanwhile.
        StoppedMeanwhile = "stopped_meanwhile",
        /// It is no longer configured.
        MemberGone = "member_gone",
    }
    "must be an outcome of a drain"
}

impl DrainUntil {
    /// As commands and people write it.
    pub fn typed(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::NoSessions => "no-sessions",
        }
    }
}

impl DrainOutcome {
    /// As people say it.
    pub fn said(self) -> String {
        self.name().replace('_', " ")
    }

    /// Did what was waited for come?
    pub fn is_reached(self) -> bool {
        matches!(self, Self::SafeToStop | Self::Idle)
    }

    /// What the deadline has done to the member, behind its name; none: something else has ended the drain.
    pub fn came_of_deadline(self) -> Option<&'static str> {
        match self {
            Self::Stopped => Some("was stopped at the deadline of its drain"),
            Self::Cut => Some("was stopped and cut off at the deadline of its drain"),
            Self::Restored => Some("was taken back at the deadline of its drain"),
            Self::KeptDraining => Some("drains on, for the deadline of its drain has passed"),
            _ => None,
        }
    }

    /// Did the deadline come first?
    pub fn is_timeout(self) -> bool {
        matches!(self, Self::KeptDraining | Self::Stopped | Self::Cut | Self::Restored)
    }
}

impl Rule for Span {
    const RULE: &str = "must be a text with a unit, such as \"5s\"";
}

impl Rule for Patience {
    const RULE: &str = "must be a text with a unit, such as \"10m\", or \"forever\"";
}

edit! {
    /// Drain a member. For a member that has a drain already, what is present adjusts it.
    DrainOrder {
        /// What to wait for; not said: idle.
        until: DrainUntil,
        /// How long, from now; not said: forever. `0`: the deadline has come at the first look, so that `on_timeout`
        /// happens at once unless nothing has to be waited for.
        timeout: Patience,
        /// How long nothing must be in flight, in one piece; not said: 5s. `0`: one look is enough.
        settle: Span,
        /// What happens at the deadline; not said: fail.
        on_timeout: OnTimeout,
        /// Drain it even where a guard would refuse.
        force: bool,
        /// Do it only if the member still has this revision.
        revision: u64,
        /// Why, for the log of events.
        reason: Reason,
    }
}

impl DrainOrder {
    /// The settle time if none is said.
    pub const SETTLE_MILLIS: u64 = 5_000;
}

edit! {
    /// Change a drain that runs.
    DrainChange {
        /// What to wait for.
        until: DrainUntil,
        /// A new deadline, counted from now; `forever`: none. Not together with `extend`.
        timeout: Patience,
        /// So much later than the deadline that it has.
        extend: Span,
        /// How long nothing must be in flight.
        settle: Span,
        /// What happens at the deadline.
        on_timeout: OnTimeout,
        /// Why, for the log of events.
        reason: Reason,
    }
}

edit! {
    /// End a drain.
    DrainCancel {
        /// Clear N as well, so that new sessions come again; not said: the member stays as it is.
        restore: bool,
        /// Why, for the log of events.
        reason: Reason,
    }
}

/// How a drain stands, in a word or two, and why; where the reason begins with that word, it is said once.
pub fn with_why(how: &str, why: &str) -> String {
    if why.starts_with(how) { why.to_owned() } else { format!("{how}: {why}") }
}

/// What is in flight at a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Busy {
    /// Requests whose answer has not begun, or was begun just now.
    pub requests: u64,
    /// Answers that have begun and go on.
    pub streaming: u64,
    /// Upgraded connections, such as `WebSocket`s.
    pub upgraded: u64,
}

impl Busy {
    /// All of it.
    pub fn total(self) -> u64 {
        self.requests.saturating_add(self.streaming).saturating_add(self.upgraded)
    }
}

/// What is known of a member's sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionsKnown {
    /// The balancer is not sticky: there are none to wait for.
    NotSticky,
    /// The member has no route, so no session can be told to be its own.
    NoRoute,
    /// No whole window was observed yet: none can be said to be gone.
    Unknown,
    /// A whole window was observed.
    Observed,
}

/// The sessions of a member that is drained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrainSessions {
    /// What the numbers are worth.
    pub known: SessionsKnown,
    /// Different sessions that the member answered in the window; none: nothing can be said.
    pub live: Option<u64>,
    /// Those that clients only claimed; they hold nothing up.
    pub claimed: Option<u64>,
    /// When a live one was last seen.
    pub last_seen: Option<Timestamp>,
    /// Until then none can be said to be gone; none: that can be said now, or it is not known when.
    pub unknown_until: Option<Timestamp>,
    /// The length of the window, in milliseconds.
    pub window_ms: Option<u64>,
    /// How many leave, in sessions an hour.
    pub departing: Option<u64>,
}

impl DrainSessions {
    /// Nothing can be said.
    pub const UNKNOWN: Self = Self {
        known: SessionsKnown::Unknown,
        live: None,
        claimed: None,
        last_seen: None,
        unknown_until: None,
        window_ms: None,
        departing: None,
    };

    /// How much of the window, up to `wall`, is observed; none: all of it, or nobody knows.
    pub fn observed(&self, wall: Timestamp) -> Option<Duration> {
        let window = Duration::from_millis(self.window_ms?);
        Some(window.saturating_sub(self.unknown_until?.since(wall)))
    }
}

/// Another member that leads to the same process: the same host and port, or the same socket. What is there holds the
/// drain up as well. One that was taken away is told of while something is in flight there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elsewhere {
    /// The balancer.
    pub balancer: BalancerName,
    /// The member.
    pub member: MemberName,
    /// Its route there, where that is known.
    #[serde(default)]
    pub route: Route,
    /// Does it get new requests there, as far as operators decide? That holds nothing up, since it may be meant.
    pub takes_new: bool,
    /// What is in flight there.
    pub busy: Busy,
    /// Its sessions there.
    pub sessions: DrainSessions,
}

impl Elsewhere {
    /// As commands take it: `api/node1`.
    pub fn label(&self) -> String {
        process::label((&self.balancer, &self.member), &self.route)
    }

    /// What it is called in a sentence about a member of `own`: its balancer, or itself where both are in one.
    pub fn place(&self, own: &BalancerName) -> String {
        if self.balancer == *own { self.label() } else { self.balancer.to_string() }
    }
}

/// One drain, as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drain {
    /// Its number; a restart of the proxy goes on counting.
    pub number: u64,
    /// The balancer.
    pub balancer: BalancerName,
    /// The member.
    pub member: MemberName,
    /// The member's route; may be empty.
    pub route: Route,
    /// Where it stands.
    pub phase: DrainPhase,
    /// How it ended; none while it runs.
    pub outcome: Option<DrainOutcome>,
    /// When it was ordered.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// What it waits for.
    pub until: DrainUntil,
    /// How long it may take, as it was ordered or changed last.
    pub timeout: Patience,
    /// How long nothing must be in flight.
    pub settle: Span,
    /// What happens at the deadline.
    pub on_timeout: OnTimeout,
    /// When the deadline comes, for people; none: it has none, or it has ended.
    pub deadline: Option<Timestamp>,
    /// Milliseconds until then, on a clock that never steps.
    pub left_ms: Option<u64>,
    /// Who ordered it.
    pub by: Option<Peer>,
    /// Why, in the operator's words.
    pub reason: Option<String>,
    /// Who changed what it waits for last; none: nobody has.
    #[serde(default)]
    pub changed_by: Option<Peer>,
    /// Does the member take no new sessions now (N)? None: it was not looked at, or is gone.
    #[serde(default)]
    pub draining: Option<bool>,
    /// Was the member seen without N, or not there, since it ended? Should the member drain again, nobody watches that.
    #[serde(default)]
    pub let_go: bool,
    /// A later drain of the member, which says what holds now; none: there is none.
    #[serde(default)]
    pub later: Option<u64>,
    /// What is in flight at the member.
    pub busy: Busy,
    /// For how many milliseconds nothing has been in flight at its process; none: something is.
    pub quiet_ms: Option<u64>,
    /// The sessions of the member.
    pub sessions: DrainSessions,
    /// Where else its process is a member.
    #[serde(default)]
    pub elsewhere: Vec<Elsewhere>,
    /// In how many milliseconds it may be done, by the rate at which it got less; none: nobody can tell.
    pub estimate_ms: Option<u64>,
    /// Can its process be stopped without anybody noticing, as of now? Also of a drain that has ended it says what holds
    /// now, as long as it [is about](Self::is_about) its member. Where [`Self::elsewhere`] takes new requests, the next
    /// one may notice.
    pub safe_to_stop: bool,
    /// What it waits for, or how it ended, in a sentence.
    pub why: String,
    /// What may keep it from ever ending, and what can be done about that; none: nothing is known to.
    #[serde(default)]
    pub advice: Option<String>,
    /// Would it survive a restart of the proxy?
    pub durable: bool,
}

impl Drain {
    /// Has it not ended?
    pub fn is_running(&self) -> bool {
        self.outcome.is_none()
    }

    /// Does it watch a member with these flags, or does what it ended with hold of such a one?
    pub fn is_about(&self, status: Status) -> bool {
        use DrainOutcome::{
            Cancelled, Cleared, Cut, Idle, KeptDraining, MemberGone, Restored, SafeToStop, Stopped,
            StoppedMeanwhile, Uncounted,
        };
        let holds = match self.outcome {
            None => return true,
            Some(SafeToStop | Idle | KeptDraining | Uncounted) => true,
            Some(Stopped | Cut | StoppedMeanwhile) => status.has(Flag::Stopped),
            Some(Restored | Cancelled | Cleared | MemberGone) => false,
        };
        holds && status.has(Flag::Drain) && !self.let_go && self.later.is_none()
    }

    /// Where else its process gets new requests: if anywhere, whoever stops it is noticed.
    pub fn used_in(&self) -> Vec<String> {
        process::used_in(&self.balancer, &self.elsewhere)
    }

    /// The same as the rest of a sentence.
    pub fn still_taken(&self) -> String {
        process::still_taken(&self.balancer, &self.elsewhere)
    }

    /// What became of the member since the drain has ended; none: it drains on, or nobody knows.
    fn since(&self) -> Option<String> {
        if let Some(later) = self.later {
            return Some(format!("drain {later} of the same member says what holds"));
        }
        match (self.draining, self.let_go) {
            (Some(false), _) => Some("no longer draining (N was cleared)".to_owned()),
            (Some(true), true) => {
                Some("draining again (N was cleared and set), which no drain watches".to_owned())
            }
            _ => None,
        }
    }

    /// What there is on the member now, in words; of a drain that has ended [`Self::why`] tells how it ended.
    pub fn remains(&self) -> String {
        let counted = |count: u64, one: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            count => Some(format!("{count} {one}s")),
        };
        let own = (String::new(), self.busy, &self.sessions);
        let others = self.elsewhere.iter();
        let others = others.map(|it| (format!(" in {}", it.place(&self.balancer)), it.busy, &it.sessions));
        let all: Vec<_> = std::iter::once(own).chain(others).collect();
        let facts = all.iter().flat_map(|(place, busy, sessions)| {
            let sessions = counted(sessions.live.unwrap_or(0), "session").map(|live| live + place);
            let busy = counted(busy.total(), "request").map(|busy| format!("{busy} in flight{place}"));
            sessions.into_iter().chain(busy)
        });
        let facts: Vec<String> = self.since().into_iter().chain(facts).collect();
        if !facts.is_empty() {
            return crate::sentence::facts(facts.into_iter(), " and ");
        }
        if all.iter().any(|(_, _, sessions)| sessions.known == SessionsKnown::Unknown) {
            return "nothing in flight, and sessions unknown".to_owned();
        }
        format!("nothing in flight, but not yet for {}", self.settle)
    }
}

/// The answer to an order, a change and a cancellation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrainAnswer {
    /// Did anything change: the drain, or the member?
    pub changed: bool,
    /// What of the terms of a drain that ran before is changed.
    #[serde(default)]
    pub changes: Vec<Change>,
    /// The drain, as it stands now.
    pub drain: Drain,
    /// The edit of the member that came with it; none: the member was not to be edited.
    pub edited: Option<Edited>,
}

impl DrainAnswer {
    /// Would a restart lose nothing of it? Of a drain that has ended only the edit is left to be lost.
    pub fn lasts(&self) -> bool {
        let edit = self.edited.as_ref().is_none_or(|edited| edited.durable || !edited.changed);
        edit && (!self.changed || !self.drain.is_running() || self.drain.durable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_as_they_are_written_and_as_they_are_typed() {
        for until in DrainUntil::ALL {
            assert_eq!((until.name().parse(), until.typed().parse()), (Ok(*until), Ok(*until)));
        }
        for outcome in DrainOutcome::ALL {
            let json = serde_json::to_string(outcome).unwrap();
            assert_eq!(json, format!("\"{outcome}\""));
            assert_eq!(serde_json::from_str::<DrainOutcome>(&json).unwrap(), *outcome);
            assert!(!(outcome.is_reached() && outcome.is_timeout()));
        }
        assert_eq!("kill".parse::<OnTimeout>(), Err(OnTimeout::RULE));
    }

    #[test]
    fn what_a_drain_ended_with_is_of_the_member_until_that_is_let_go_or_stands_otherwise() {
        let written = include_str!("../documents/drain.json");
        let drain = |outcome| Drain { outcome, ..serde_json::from_str(written).unwrap() };
        let drains = Status::default().with(Flag::Drain, true);
        let stopped = drains.with(Flag::Stopped, true);
        for outcome in DrainOutcome::ALL {
            use DrainOutcome::{Cancelled, Cleared, Cut, MemberGone, Restored, Stopped, StoppedMeanwhile};
            let ended = drain(Some(*outcome));
            let wanted = match outcome {
                Stopped | Cut | StoppedMeanwhile => [false, true],
                Cancelled | Cleared | Restored | MemberGone => [false, false],
                _ => [true, true],
            };
            assert_eq!([drains, stopped].map(|status| ended.is_about(status)), wanted, "{outcome}");
            assert!(!ended.is_about(Status::default()), "{outcome}");
            for (let_go, later) in [(true, None), (false, Some(9))] {
                let ended = Drain { let_go, later, ..ended.clone() };
                assert!(![drains, stopped].iter().any(|status| ended.is_about(*status)), "{outcome}");
            }
        }
        assert!(drain(None).is_about(Status::default()));
    }

    #[test]
    fn a_refused_order_names_its_field() {
        let good = r#"{"until":"no_sessions","timeout":"10m","settle":"0","on_timeout":"cut","force":true}"#;
        let order: DrainOrder = serde_json::from_str(good).unwrap();
        assert_eq!(order.settle, Some(Span::ZERO));
        for (json, message) in [
            (r#"{"until":"never"}"#, "until: must be idle or no_sessions"),
            (r#"{"timeout":10}"#, "timeout: must be a text with a unit, such as \"10m\", or \"forever\""),
            (r#"{"settle":"forever"}"#, "settle: must be a whole number with its unit"),
            (r#"{"on_timeout":null}"#, "on_timeout: must be fail, stop, cut or restore"),
            (r#"{"drain":true}"#, "drain: is no field of this edit"),
        ] {
            let why = serde_json::from_str::<DrainOrder>(json).unwrap_err().to_string();
            assert!(why.starts_with(message), "{json}: {why}");
        }
    }
}
