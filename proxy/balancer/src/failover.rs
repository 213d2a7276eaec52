//! The verdict on an attempt: whose fault was it, may it be repeated, and is the member now in error?
//!
//! One table, [`Failure::rule`], says it for each kind of failure; the rest of the file applies it. It does not count
//! bytes or answers: that is the lease's work.

use evenkeel_protocol::clean::clean;
use evenkeel_protocol::{BalancerSettings, Flag, Moment};

use crate::balancer::Balancer;
use crate::member::{ErrorState, MemberId};

/// The longest reason that is kept of an error, in characters.
const LONGEST_REASON: usize = 200;

/// How an attempt ended, if that needs a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It ended without an answer of the member.
    Failed(Failure),
    /// The member answered. Needed only if [`crate::Lease::answered`] asked for it.
    Answered {
        /// The status of the member's own answer.
        status: u16,
    },
}

impl Outcome {
    /// What happened, in the words of the member's error note: cleaned and cut.
    pub fn reason(&self) -> String {
        match self {
            Self::Failed(failure) => clean(&failure.reason, LONGEST_REASON),
            Self::Answered { status } => format!("answered {status}, which failonstatus lists"),
        }
    }
}

/// The facts of a failed attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What happened.
    pub kind: FailureKind,
    /// How much of the request had been sent.
    pub sent: Sent,
    /// Had the connection carried a request before?
    pub reused: bool,
    /// Is the method idempotent, and can the request be sent once more as a whole?
    pub idempotent: bool,
    /// How often this request was already repeated because a connection had closed: [`Settled::repeats`] of the
    /// verdict before, 0 at first.
    pub repeats: u8,
    /// Members tried for this request, this one included (repeats on a fresh connection do not count).
    pub tries: u32,
    /// What happened, as a sentence for the member's error note. May be a stranger's words.
    pub reason: String,
}

/// How much of a request had been sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sent {
    /// Nothing at all: repeating it is safe.
    Nothing,
    /// At most the head, and the member never said that the body may come: it has no request to act on yet.
    Head,
    /// Something: the member may have acted on it.
    Something,
}

/// What went wrong with an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// No connection could be made: refused, reset, unreachable, no TLS.
    Connect,
    /// No connection could be made in time.
    ConnectTimeout,
    /// The member's host name does not resolve.
    Unresolved,
    /// The member gave no sign of life in time when it was asked for one before the body (`ping`).
    Ping,
    /// The member has as many requests as it is allowed, and none ended in time (`max`, `acquire`).
    Full,
    /// The connection closed before any byte of an answer.
    Closed,
    /// No answer within the member's time-out.
    ReadTimeout,
    /// The member did not take the request within its time-out.
    SendTimeout,
    /// The request could not be written.
    WriteFailed,
    /// The answer was no HTTP, or broke its rules.
    BadAnswer,
    /// The client's own fault, for instance a request that ended early.
    Client,
    /// The client sent nothing of its request for too long.
    ClientTimeout,
    /// An operator ended what was in flight.
    Cut,
}

impl FailureKind {
    /// All kinds.
    pub const ALL: [Self; 13] = [
        Self::Connect,
        Self::ConnectTimeout,
        Self::Unresolved,
        Self::Ping,
        Self::Full,
        Self::Closed,
        Self::ReadTimeout,
        Self::SendTimeout,
        Self::WriteFailed,
        Self::BadAnswer,
        Self::Client,
        Self::ClientTimeout,
        Self::Cut,
    ];
}

/// The verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// The member was put into error by this, and was not before.
    pub marked: bool,
    /// The member answered well after an error: its note is cleared.
    pub recovered: bool,
    /// What the request does now.
    pub next: Next,
    /// What to hand in as [`Failure::repeats`] if the request fails again.
    pub repeats: u8,
    /// The status for the client if `next` cannot be done, for instance because nobody else can be elected.
    pub fallback: u16,
}

/// What a request does after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Next {
    /// The same member once more, on a fresh connection and under the same lease; no election.
    RepeatFresh,
    /// Another election.
    TryAnother {
        /// Add this member to [`crate::Ask::excluded`] for the rest of the request.
        exclude: bool,
    },
    /// The client gets this status.
    GiveUp {
        /// The status.
        status: u16,
    },
    /// Go on with the member's answer.
    Done,
}

/// What a kind of failure means before settings and budgets are asked.
struct Rule {
    /// Is the member to be put into error?
    mark: bool,
    /// What to try.
    retry: Retry,
    /// The status if nothing more is tried.
    status: u16,
    /// The statuses that `failonstatus` is compared with; httpd's comes second where ours differs.
    judged_as: [u16; 2],
}

/// What may be tried after a failure.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Retry {
    Never,
    FreshConnection,
    AnotherMember,
}

impl Failure {
    /// A first attempt that was refused a connection; what tests of other files begin with.
    #[cfg(test)]
    pub(crate) fn refused() -> Self {
        Self {
            kind: FailureKind::Connect,
            sent: Sent::Nothing,
            reused: false,
            idempotent: true,
            repeats: 0,
            tries: 1,
            reason: "refused".to_owned(),
        }
    }

    /// httpd's table of errors (`ap_proxy_connect_backend`, `mod_proxy_http`), with the departures of the README.
    fn rule(&self, settings: &BalancerSettings) -> Rule {
        use FailureKind as Kind;
        let rule = |mark, retry, status| Rule { mark, retry, status, judged_as: [status, status] };
        match self.kind {
            Kind::Connect | Kind::ConnectTimeout | Kind::Unresolved | Kind::Ping => {
                rule(true, Retry::AnotherMember, 503)
            }
            Kind::Full => Rule { judged_as: [0, 0], ..rule(false, Retry::AnotherMember, 503) },
            Kind::Closed | Kind::WriteFailed => rule(false, self.repeat(), 502),
            Kind::ReadTimeout => {
                Rule { judged_as: [504, 502], ..rule(settings.failontimeout, Retry::Never, 504) }
            }
            Kind::SendTimeout => rule(false, Retry::Never, 504),
            Kind::BadAnswer => rule(false, Retry::Never, 502),
            Kind::Cut if self.sent != Sent::Something => {
                Rule { judged_as: [0, 0], ..rule(false, Retry::AnotherMember, 503) }
            }
            Kind::Cut => Rule { judged_as: [0, 0], ..rule(false, Retry::Never, 502) },
            Kind::Client => rule(false, Retry::Never, 400),
            Kind::ClientTimeout => rule(false, Retry::Never, 408),
        }
    }

    /// May a request whose connection closed be sent again? First on a fresh connection to the same member, then
    /// to one other; never if the member may have acted on it and acting twice would matter. A head whose body was
    /// kept back is no request to act on.
    fn repeat(&self) -> Retry {
        let unsent = self.sent != Sent::Something;
        match self.repeats {
            0 if unsent || (self.reused && self.idempotent) => Retry::FreshConnection,
            1 if unsent || self.idempotent => Retry::AnotherMember,
            _ => Retry::Never,
        }
    }
}

impl Balancer {
    /// Failovers that a request may make after its first try: `maxattempts`, or the members less one, computed live.
    pub fn failovers(&self) -> u32 {
        let others = u32::try_from(self.members.len()).unwrap_or(u32::MAX).saturating_sub(1);
        self.settings.maxattempts.unwrap_or(others)
    }

    /// Judges how an attempt with `member` ended, and says what the request does next.
    ///
    /// To be called for each failed attempt, and for those answers for which [`crate::Lease::answered`] is true.
    pub fn settle(&mut self, member: MemberId, outcome: &Outcome, now: Moment) -> Settled {
        let settled = match outcome {
            Outcome::Failed(failure) => self.settle_failure(member, failure, outcome, now),
            Outcome::Answered { status } => self.settle_answer(member, *status, outcome, now),
        };
        self.check_invariants();
        settled
    }

    fn settle_failure(&mut self, id: MemberId, failure: &Failure, outcome: &Outcome, now: Moment) -> Settled {
        let rule = failure.rule(&self.settings);
        let may_fail_over = failure.tries <= self.failovers();
        let again = match rule.retry {
            Retry::AnotherMember if !may_fail_over => Retry::Never,
            retry => retry,
        };
        // As in httpd, failonstatus is asked once, at the end of the request, about the last member.
        let listed = again == Retry::Never
            && rule.judged_as.iter().any(|status| self.settings.failonstatus.contains(status));
        let ignores = self.member(id).is_none_or(|member| member.status.has(Flag::IgnoreErrors));
        let put_into_error = (rule.mark || listed) && !ignores;
        let marked = put_into_error && self.mark(id, outcome.reason(), now);
        let next = match again {
            Retry::Never => Next::GiveUp { status: rule.status },
            Retry::FreshConnection => Next::RepeatFresh,
            // A marked member excludes itself, until its retry time, as in httpd.
            Retry::AnotherMember => Next::TryAnother { exclude: !put_into_error },
        };
        let closed = matches!(failure.kind, FailureKind::Closed | FailureKind::WriteFailed);
        let repeats = failure.repeats.saturating_add(u8::from(closed));
        Settled { marked, recovered: false, next, repeats, fallback: rule.status }
    }

    fn settle_answer(&mut self, id: MemberId, status: u16, outcome: &Outcome, now: Moment) -> Settled {
        let mut settled =
            Settled { marked: false, recovered: false, next: Next::Done, repeats: 0, fallback: status };
        let Some(member) = self.member(id) else { return settled };
        if self.settings.failonstatus.contains(&status) {
            if !member.status.has(Flag::IgnoreErrors) {
                settled.marked = self.mark(id, outcome.reason(), now);
            }
        } else if !member.status.has(Flag::Error) {
            // The late answer of a request that began before an error says nothing about that error.
            settled.recovered = self.clear_error(id);
        }
        settled
    }

    /// Puts a member into error; true if it was not before.
    fn mark(&mut self, id: MemberId, reason: String, now: Moment) -> bool {
        let Some(member) = self.member_mut(id) else { return false };
        let before = member.status.has(Flag::Error);
        member.status = member.status.with(Flag::Error, true);
        member.error = Some(ErrorState { at: now, reason });
        member.tally.set_attentive(true);
        member.tally.set_trial(crate::tally::Trial::None);
        self.lineup.refresh(&self.members);
        !before
    }

    /// Clears the note and the retries of a member that answers; true if there was something to clear.
    fn clear_error(&mut self, id: MemberId) -> bool {
        let attentive = !self.settings.failonstatus.is_empty();
        let Some(member) = self.member_mut(id) else { return false };
        let had = member.error.take().is_some() || member.retries > 0;
        member.retries = 0;
        member.tally.set_attentive(attentive);
        had
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::election::Ask;
    use evenkeel_protocol::{MemberSettings, Status};

    const ONE: MemberId = MemberId(0);

    fn balancer(members: usize, status: &str, settings: BalancerSettings) -> Balancer {
        let status = Status::INITIALISED.apply(status).unwrap();
        let member = |at| {
            let name = format!("http://10.0.0.{at}").parse().unwrap();
            (name, MemberSettings { status, ..MemberSettings::default() })
        };
        Balancer::new("app".parse().unwrap(), settings, (1..=members).map(member).collect(), 1)
    }

    fn failure(kind: FailureKind) -> Failure {
        Failure {
            kind,
            sent: Sent::Something,
            reused: false,
            idempotent: true,
            repeats: 0,
            tries: 1,
            reason: "it failed".to_owned(),
        }
    }

    fn another(exclude: bool) -> Next {
        Next::TryAnother { exclude }
    }

    fn give_up(status: u16) -> Next {
        Next::GiveUp { status }
    }

    #[test]
    fn what_each_kind_of_failure_leads_to() {
        use FailureKind as Kind;
        for (kind, marked, next, last) in [
            (Kind::Connect, true, another(false), 503),
            (Kind::ConnectTimeout, true, another(false), 503),
            (Kind::Unresolved, true, another(false), 503),
            (Kind::Ping, true, another(false), 503),
            (Kind::Full, false, another(true), 503),
            (Kind::Closed, false, give_up(502), 502),
            (Kind::ReadTimeout, false, give_up(504), 504),
            (Kind::SendTimeout, false, give_up(504), 504),
            (Kind::WriteFailed, false, give_up(502), 502),
            (Kind::BadAnswer, false, give_up(502), 502),
            (Kind::Client, false, give_up(400), 400),
            (Kind::ClientTimeout, false, give_up(408), 408),
        ] {
            let settle = |status: &str, tries| {
                let mut balancer = balancer(3, status, BalancerSettings::default());
                let failure = Failure { tries, ..failure(kind) };
                let settled = balancer.settle(ONE, &Outcome::Failed(failure), Moment(7));
                assert_eq!(settled.fallback, last, "{kind:?}");
                let snapshot = balancer.snapshot(Moment(7), evenkeel_protocol::Timestamp(7));
                assert_eq!(snapshot.members[0].status.has(Flag::Error), settled.marked, "{kind:?}");
                (settled.marked, settled.next)
            };
            assert_eq!(settle("O", 1), (marked, next), "{kind:?}, two tries left");
            assert_eq!(settle("O", 3), (marked, give_up(last)), "{kind:?}, no try left");
            // Departure 15: a member that ignores errors is not marked, and yet the request moves on.
            let moves_on = matches!(next, Next::TryAnother { .. });
            let ignoring = if moves_on { another(true) } else { next };
            assert_eq!(settle("I", 1), (false, ignoring), "{kind:?}, errors ignored");
        }
    }

    /// Departures 21 to 23.
    #[test]
    fn when_a_request_whose_connection_closed_is_sent_again() {
        let (nothing, head, something) = (Sent::Nothing, Sent::Head, Sent::Something);
        for (name, sent, reused, idempotent, nexts) in [
            (
                "a GET, stale connection",
                something,
                true,
                true,
                [Next::RepeatFresh, another(true), give_up(502)],
            ),
            ("a GET, fresh connection", something, false, true, [give_up(502), another(true), give_up(502)]),
            ("a POST, stale connection", something, true, false, [give_up(502), give_up(502), give_up(502)]),
            ("a POST, fresh connection", something, false, false, [give_up(502), give_up(502), give_up(502)]),
            ("a POST, nothing sent", nothing, true, false, [Next::RepeatFresh, another(true), give_up(502)]),
            ("a POST, its body kept", head, true, false, [Next::RepeatFresh, another(true), give_up(502)]),
            ("a GET, nothing sent", nothing, false, true, [Next::RepeatFresh, another(true), give_up(502)]),
        ] {
            for kind in [FailureKind::Closed, FailureKind::WriteFailed] {
                let mut balancer = balancer(2, "O", BalancerSettings::default());
                for (repeats, next) in (0..).zip(nexts) {
                    let failure = Failure { sent, reused, idempotent, repeats, ..failure(kind) };
                    let settled = balancer.settle(ONE, &Outcome::Failed(failure), Moment(0));
                    assert_eq!(
                        (settled.next, settled.marked),
                        (next, false),
                        "{name}, repeated {repeats} times"
                    );
                    assert_eq!(settled.repeats, repeats + 1);
                }
            }
        }
    }

    #[test]
    fn a_stale_connection_to_the_only_member_is_repeated_and_then_is_502() {
        let mut balancer = balancer(1, "O", BalancerSettings::default());
        for (repeats, next) in [(0, Next::RepeatFresh), (1, give_up(502))] {
            let failure = Failure { sent: Sent::Nothing, repeats, ..failure(FailureKind::Closed) };
            assert_eq!(balancer.settle(ONE, &Outcome::Failed(failure), Moment(0)).next, next);
        }
    }

    #[test]
    fn failontimeout_and_failonstatus() {
        use FailureKind as Kind;
        for (name, failontimeout, list, kind, status, marked) in [
            ("a read time-out", true, &[][..], Kind::ReadTimeout, "O", true),
            ("not with errors ignored", true, &[], Kind::ReadTimeout, "I", false),
            ("other time-outs are not meant", true, &[], Kind::SendTimeout, "O", false),
            ("our status of a read time-out", false, &[504], Kind::ReadTimeout, "O", true),
            ("httpd's status of it (departure 24)", false, &[502], Kind::ReadTimeout, "O", true),
            ("another status", false, &[500, 503], Kind::ReadTimeout, "O", false),
            ("a bad answer is 502", false, &[502], Kind::BadAnswer, "O", true),
            ("a close that is the end is 502", false, &[502], Kind::Closed, "O", true),
            ("a full member never (departure 26)", false, &[503], Kind::Full, "O", false),
        ] {
            let settings = BalancerSettings {
                failontimeout,
                failonstatus: list.to_vec(),
                ..BalancerSettings::default()
            };
            let mut balancer = balancer(1, status, settings);
            let settled = balancer.settle(ONE, &Outcome::Failed(failure(kind)), Moment(0));
            assert_eq!(settled.marked, marked, "{name}");
        }
    }

    #[test]
    fn answers_mark_and_clear() {
        let settings = BalancerSettings { failonstatus: vec![503], ..BalancerSettings::default() };
        let mut balancer = balancer(1, "O", settings);
        let mut answer = |status, now| {
            let settled = balancer.settle(ONE, &Outcome::Answered { status }, Moment(now));
            assert_eq!(settled.next, Next::Done);
            let note = balancer.members[0].error.as_ref().map(|error| error.reason.clone());
            (settled.marked, settled.recovered, note)
        };
        assert_eq!(answer(200, 0), (false, false, None));
        let note = Some("answered 503, which failonstatus lists".to_owned());
        assert_eq!(answer(503, 1), (true, false, note.clone()));
        assert_eq!(answer(503, 2), (false, false, note.clone()), "an event only for the first");
        assert_eq!(answer(200, 3), (false, false, note), "a late answer lifts no error");
        let election = balancer.elect(&Ask::default(), Moment(61_000_000)).unwrap();
        assert_eq!(election.retried, [(ONE, evenkeel_protocol::Recovery::Retry)]);
        assert!(election.lease.answered(200, 1));
        let settled = balancer.settle(ONE, &Outcome::Answered { status: 200 }, Moment(61_000_000));
        assert!(settled.recovered && balancer.members[0].error.is_none() && balancer.members[0].retries == 0);
    }

    /// Departure 20: the default grows and shrinks with the members.
    #[test]
    fn failovers_allowed() {
        let of = |members, maxattempts| {
            balancer(members, "O", BalancerSettings { maxattempts, ..BalancerSettings::default() })
                .failovers()
        };
        assert_eq!([of(0, None), of(1, None), of(4, None), of(4, Some(0)), of(1, Some(2))], [0, 0, 3, 0, 2]);
    }

    #[test]
    fn a_strangers_words_are_cleaned_and_a_strange_member_is_nobody() {
        let mut balancer = balancer(1, "O", BalancerSettings::default());
        let failure = Failure { reason: "\u{1b}[31m".repeat(100), ..failure(FailureKind::Connect) };
        balancer.settle(ONE, &Outcome::Failed(failure.clone()), Moment(0));
        let reason = &balancer.members[0].error.as_ref().unwrap().reason;
        assert!(
            reason.chars().count() <= LONGEST_REASON
                && reason.chars().all(evenkeel_protocol::clean::is_clean)
        );
        assert!(!balancer.settle(MemberId(9), &Outcome::Failed(failure), Moment(0)).marked);
    }
}
