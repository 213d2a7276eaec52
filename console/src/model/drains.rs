//! Drains as the screen shows them: which there are, whether the member can be stopped now, and what can be asked of
//! one.

use evenkeel_protocol::sentence;
use evenkeel_protocol::{
    BalancerSnapshot, Drain, DrainAnswer, DrainCancel, DrainChange, DrainOrder, DrainOutcome, DrainUntil,
    Elsewhere, Flag, MemberEdit, MemberSnapshot, OnTimeout, Patience, SessionsKnown, Snapshot, Span,
    Timestamp,
};

use crate::model::target::Target;
use crate::model::{Freshness, lasting};
use crate::need::Job;

/// So much more time a drain is given by one key.
pub const MORE: &str = "10m";

/// Where it can be seen how a drain that was begun goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Followed {
    /// On the screen of drains.
    OnItsScreen,
    /// Where there is no such screen, but a list of the members of all targets.
    InTheList,
}

impl Followed {
    /// What tells when the member can be stopped.
    fn said(self) -> &'static str {
        match self {
            Self::OnItsScreen => "the drains screen",
            Self::InTheList => "its row in the list of members",
        }
    }
}

/// What is asked of a member's drain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drainage {
    /// Begin it.
    Begin(DrainOrder),
    /// Change what it waits for, how long, or what happens then.
    Change(u64, DrainChange),
    /// Give it more time.
    Extend(u64, DrainChange),
    /// Let the deadline come now, and stop the member.
    Stop(u64),
    /// Let the deadline come now, and end what is in flight as well.
    Cut(u64),
    /// End it; the member goes on draining.
    Cancel(u64),
    /// End it; the member takes new sessions again.
    Restore(u64),
}

impl Drainage {
    /// The usual drain of a member: until no session can come back where there are sessions, without a deadline.
    pub fn usual(balancer: &BalancerSnapshot, member: &MemberSnapshot) -> Self {
        let sticky = balancer.settings.stickysession.is_some() && !member.route.is_empty();
        let until = if sticky { DrainUntil::NoSessions } else { DrainUntil::Idle };
        Self::Begin(DrainOrder {
            until: Some(until),
            timeout: Some(Patience::Forever),
            settle: Span::from_millis(DrainOrder::SETTLE_MILLIS),
            on_timeout: Some(OnTimeout::Fail),
            ..DrainOrder::default()
        })
    }

    /// The same with the terms that `order` says.
    #[must_use]
    pub fn with(self, order: &DrainOrder) -> Self {
        match self {
            Self::Begin(usual) => Self::Begin(DrainOrder {
                until: order.until.or(usual.until),
                timeout: order.timeout.or(usual.timeout),
                settle: order.settle.or(usual.settle),
                on_timeout: order.on_timeout.or(usual.on_timeout),
                ..usual
            }),
            other => other,
        }
    }

    /// More time: later than the deadline that it has, or a deadline if it has none.
    pub fn more(drain: &Drain) -> Self {
        let change = match drain.deadline {
            Some(_) => DrainChange { extend: MORE.parse().ok(), ..DrainChange::default() },
            None => DrainChange { timeout: MORE.parse().ok(), ..DrainChange::default() },
        };
        Self::Extend(drain.number, change)
    }

    /// What is sent for a member with that revision.
    pub fn job(&self, target: &Target, revision: u64) -> Job {
        let now = |on_timeout| DrainChange {
            timeout: Some(Patience::Within(Span::ZERO)),
            on_timeout: Some(on_timeout),
            ..DrainChange::default()
        };
        let cancel = |restore| DrainCancel { restore: Some(restore), ..DrainCancel::default() };
        match self {
            Self::Begin(order) => {
                let order = DrainOrder { revision: Some(revision), ..order.clone() };
                Job::Begin(target.balancer.clone(), target.member.clone(), order)
            }
            Self::Change(number, change) | Self::Extend(number, change) => {
                Job::Change(*number, change.clone())
            }
            Self::Stop(number) => Job::Change(*number, now(OnTimeout::Stop)),
            Self::Cut(number) => Job::Change(*number, now(OnTimeout::Cut)),
            Self::Cancel(number) => Job::Cancel(*number, cancel(false)),
            Self::Restore(number) => Job::Cancel(*number, cancel(true)),
        }
    }

    /// What it does to the member itself.
    pub fn edit(&self) -> MemberEdit {
        match self {
            Self::Begin(_) => MemberEdit { drain: Some(true), ..MemberEdit::default() },
            Self::Stop(_) | Self::Cut(_) => MemberEdit { stopped: Some(true), ..MemberEdit::default() },
            Self::Restore(_) => MemberEdit { drain: Some(false), ..MemberEdit::default() },
            Self::Change(..) | Self::Extend(..) | Self::Cancel(_) => MemberEdit::default(),
        }
    }

    /// As the start of a question.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Begin(_) => "Drain",
            Self::Change(..) => "Change the drain of",
            Self::Extend(..) => "More time for the drain of",
            Self::Stop(_) => "Stop now, without waiting:",
            Self::Cut(_) => "Stop now and cut off:",
            Self::Cancel(_) => "End the drain, and keep draining,",
            Self::Restore(_) => "End the drain, and take back",
        }
    }

    /// What it says, a line each, beyond what it does to the member.
    pub fn said(&self) -> Vec<String> {
        match self {
            Self::Begin(order) => {
                let until = order.until.unwrap_or(DrainUntil::Idle);
                let timeout = order.timeout.unwrap_or(Patience::Forever);
                let settle = order.settle.unwrap_or_default();
                terms((until, timeout, settle), order.on_timeout.unwrap_or(OnTimeout::Fail))
            }
            Self::Change(_, change) => changed(change),
            Self::Extend(_, change) => match (&change.extend, &change.timeout) {
                (Some(extend), _) => vec![format!("The deadline comes {extend} later.")],
                _ => changed(change),
            },
            // What becomes of what is in flight is told with its number.
            Self::Stop(_) => Vec::new(),
            Self::Cut(_) => vec!["Requests in flight are ended: their clients see it.".to_owned()],
            Self::Cancel(_) => vec!["Nobody waits any more; new sessions still stay away (N).".to_owned()],
            Self::Restore(_) => vec!["New sessions come again.".to_owned()],
        }
    }

    /// The line for the operator when the proxy has accepted it.
    pub fn done(&self, label: &str, answer: &DrainAnswer, followed: Followed) -> String {
        let mut line = match self {
            _ if !answer.changed => format!("{label}: nothing changed, it was so already"),
            Self::Begin(_) => {
                format!("{label} is draining; {} tells when it can be stopped", followed.said())
            }
            Self::Change(..) | Self::Extend(..) => format!("{label}: the drain is changed"),
            Self::Stop(_) | Self::Cut(_) => format!("{label} is being stopped"),
            Self::Cancel(_) => format!("{label}: the drain is ended; it still takes no new sessions"),
            Self::Restore(_) => format!("{label} takes new sessions again"),
        };
        let notes = answer.edited.as_ref().map_or(&[][..], |edited| &edited.notes);
        line.push_str(&lasting::rest(answer.lasts(), notes));
        line
    }
}

fn terms((until, timeout, settle): (DrainUntil, Patience, Span), on_timeout: OnTimeout) -> Vec<String> {
    let waits = match until {
        DrainUntil::Idle => format!("Waits until nothing was in flight for {settle}."),
        DrainUntil::NoSessions => {
            format!("Waits until no session can come back and nothing was in flight for {settle}.")
        }
    };
    let then = match timeout {
        Patience::Forever => "No deadline: it waits for as long as it takes.".to_owned(),
        Patience::Within(span) => format!("After {span} at the latest: {}.", at_the_deadline(on_timeout)),
    };
    vec![waits, then]
}

fn changed(change: &DrainChange) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(until) = change.until {
        lines.push(format!("It waits for: {}.", awaited(until)));
    }
    match change.timeout {
        Some(Patience::Forever) => lines.push("No deadline any more.".to_owned()),
        Some(Patience::Within(span)) => lines.push(format!("The deadline comes in {span}.")),
        None => {}
    }
    if let Some(settle) = change.settle {
        lines.push(format!("Nothing must be in flight for {settle}."));
    }
    if let Some(on_timeout) = change.on_timeout {
        lines.push(format!("At the deadline: {}.", at_the_deadline(on_timeout)));
    }
    lines
}

/// What a drain waits for, in words.
pub fn awaited(until: DrainUntil) -> &'static str {
    match until {
        DrainUntil::Idle => "nothing in flight",
        DrainUntil::NoSessions => "no sessions, and nothing in flight",
    }
}

/// What happens at the deadline, in words.
pub fn at_the_deadline(on_timeout: OnTimeout) -> &'static str {
    match on_timeout {
        OnTimeout::Fail => "keep draining, and say so",
        OnTimeout::Stop => "stop it; requests in flight may finish",
        OnTimeout::Cut => "stop it and cut off what is in flight",
        OnTimeout::Restore => "take it back: new sessions come again",
    }
}

/// Can the member be stopped now?
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Yes: that is a promise.
    Safe,
    /// Its balancer has nothing there any more, but another one gives the same process new requests.
    InUse,
    /// No.
    NotYet,
    /// Nothing is in flight, which is all that was waited for: sessions may come back.
    Idle,
    /// That cannot be known before then; none: nobody can say when.
    Unknown(Option<Timestamp>),
    /// What is shown is too old to say.
    Stale,
    /// It has ended, and what it ended with says nothing of its member, which drains unwatched.
    Unwatched,
    /// Nobody asks any more: it was stopped, takes new sessions again, or is gone.
    Over(DrainOutcome),
    /// A later drain of the member, which has that number, says what holds now.
    Past(u64),
}

/// What `drain` says of its member now, which for a drain that has ended depends on what became of the member since. A
/// promise is never made of what is no longer live.
pub fn verdict(drain: &Drain, snapshot: Option<&Snapshot>, freshness: &Freshness) -> Verdict {
    if let Some(later) = drain.later {
        return Verdict::Past(later);
    }
    if !matches!(freshness, Freshness::Live) {
        return Verdict::Stale;
    }
    // Of several servers in turn, and by a cache, nobody can say how it stands.
    if snapshot.is_some_and(|snapshot| snapshot.alternating || snapshot.cached) {
        return Verdict::Stale;
    }
    let is_used = !drain.used_in().is_empty();
    if drain.safe_to_stop {
        return if is_used { Verdict::InUse } else { Verdict::Safe };
    }
    let member = snapshot.and_then(|snapshot| target(drain).find(snapshot));
    if member.is_some_and(|(_, member)| is_open_drain(member) && !drain.is_about(member.status)) {
        return Verdict::Unwatched;
    }
    if let Some(outcome) = drain.outcome.and_then(|outcome| over(drain, outcome, snapshot)) {
        return Verdict::Over(outcome);
    }
    let live = drain.sessions.live.unwrap_or(0);
    let unknown = drain.sessions.known == SessionsKnown::Unknown;
    match drain.busy.total() {
        0 if drain.outcome == Some(DrainOutcome::Idle) && is_used => Verdict::InUse,
        0 if drain.outcome == Some(DrainOutcome::Idle) && !is_busy_elsewhere(drain) => Verdict::Idle,
        0 if unknown && live == 0 && drain.until == DrainUntil::NoSessions => {
            Verdict::Unknown(drain.sessions.unknown_until)
        }
        0 if is_held(drain) => Verdict::Unknown(None),
        _ => Verdict::NotYet,
    }
}

/// Why a drain that ended so is nobody's question any more, if the member does not drain on. What became of the member
/// since counts, where that is known: an operator enables who was stopped, and a reload brings back who was gone.
fn over(drain: &Drain, outcome: DrainOutcome, snapshot: Option<&Snapshot>) -> Option<DrainOutcome> {
    use DrainOutcome::{Cleared, Cut, MemberGone, Restored, Stopped, StoppedMeanwhile};
    let Some(snapshot) = snapshot else {
        let is_over = matches!(outcome, Stopped | Cut | StoppedMeanwhile | Restored | Cleared | MemberGone);
        return is_over.then_some(outcome);
    };
    let Some((_, member)) = target(drain).find(snapshot) else { return Some(MemberGone) };
    match (member.status.has(Flag::Stopped), member.status.has(Flag::Drain)) {
        (true, _) if matches!(outcome, Stopped | Cut) => Some(outcome),
        (true, _) => Some(StoppedMeanwhile),
        (false, false) if outcome == Restored => Some(Restored),
        (false, false) => Some(Cleared),
        (false, true) => None,
    }
}

/// Does it take no new sessions while it serves those that it has?
fn is_open_drain(member: &MemberSnapshot) -> bool {
    member.status.has(Flag::Drain) && !member.status.has(Flag::Stopped)
}

/// The members that drain without a drain that tells when they can be stopped.
pub fn unwatched(snapshot: &Snapshot) -> Vec<Target> {
    let is_watched = |target: &Target| {
        let drain = of(Some(snapshot), target);
        drain.is_some_and(|drain| verdict(drain, Some(snapshot), &Freshness::Live) != Verdict::Unwatched)
    };
    let all = snapshot.balancers.iter().flat_map(|balancer| {
        let draining = balancer.members.iter().filter(|member| is_open_drain(member));
        draining.map(move |member| Target::of(balancer, member))
    });
    all.filter(|target| !is_watched(target)).collect()
}

/// Who drains unwatched, and what watches the first of them; none: nobody does.
pub fn beyond_sight(snapshot: &Snapshot) -> Option<String> {
    /// So many are named.
    const NAMED: usize = 3;
    let labels: Vec<String> = unwatched(snapshot).iter().map(|target| target.label(Some(snapshot))).collect();
    let first = crate::shell::quoted(labels.first()?);
    let drains = if labels.len() == 1 { "drains" } else { "drain" };
    let named = sentence::listed(labels.into_iter(), NAMED, "");
    Some(format!("Nobody here watches {named}, which {drains} (N): type :drain {first} to watch it."))
}

/// Does it go on although nothing is in flight for as long as it waits for? Then something may be that nobody counts.
fn is_held(drain: &Drain) -> bool {
    let is_quiet = drain.quiet_ms.is_some_and(|quiet| quiet >= drain.settle.millis());
    drain.is_running() && drain.until == DrainUntil::Idle && is_quiet
}

fn is_busy_elsewhere(drain: &Drain) -> bool {
    drain.elsewhere.iter().any(|it| it.busy.total() > 0)
}

/// What begins it once more, on the same terms.
pub fn order_of(drain: &Drain) -> DrainOrder {
    DrainOrder {
        until: Some(drain.until),
        timeout: Some(drain.timeout),
        settle: Some(drain.settle),
        on_timeout: Some(drain.on_timeout),
        ..DrainOrder::default()
    }
}

/// Its member.
pub fn target(drain: &Drain) -> Target {
    Target { balancer: drain.balancer.clone(), member: drain.member.clone() }
}

/// What is in flight of a drain; none: its member's count cannot be read.
pub fn in_flight(drain: &Drain, snapshot: Option<&Snapshot>) -> Option<u64> {
    let member = target(drain).find(snapshot?).map(|(_, member)| member);
    member.is_none_or(|member| !member.uncounted).then(|| drain.busy.total())
}

/// What is in flight at the same process in other balancers, for which the drain waits as well; none: the count of one of its
/// members there cannot be read.
pub fn in_flight_elsewhere(drain: &Drain, snapshot: Option<&Snapshot>) -> Option<u64> {
    let uncounted = |it: &Elsewhere| {
        let member = snapshot.and_then(|snapshot| snapshot.member(&it.balancer, &it.member));
        member.is_some_and(|member| member.uncounted)
    };
    let count = |it: &Elsewhere| (!uncounted(it)).then(|| it.busy.total());
    drain.elsewhere.iter().map(count).try_fold(0, |sum: u64, busy| Some(sum.saturating_add(busy?)))
}

/// All drains as the screen lists them: those that run first, then the ones that ended last.
pub fn listed(snapshot: Option<&Snapshot>) -> Vec<&Drain> {
    let mut drains: Vec<&Drain> = snapshot.map_or(&[][..], |snapshot| &snapshot.drains).iter().collect();
    drains.sort_by_key(|drain| (!drain.is_running(), drain.ended.map(std::cmp::Reverse), drain.number));
    drains
}

/// Those that run.
pub fn running(snapshot: Option<&Snapshot>) -> impl Iterator<Item = &Drain> {
    let drains = snapshot.map_or(&[][..], |snapshot| &snapshot.drains);
    drains.iter().filter(|drain| drain.is_running())
}

/// The drain of a member that runs, or else the one that ended last.
pub fn of<'a>(snapshot: Option<&'a Snapshot>, target: &Target) -> Option<&'a Drain> {
    let own = |drain: &&&Drain| drain.balancer == target.balancer && drain.member == target.member;
    let listed = listed(snapshot);
    listed.iter().find(own).copied()
}

/// What is said where a drain is taken back whose deadline has stopped the member.
pub const STAYS_STOPPED: &str = "the deadline of its drain has stopped it (S), and that stays: E clears it";

/// Has the deadline of its last drain stopped a member, and is it stopped still?
pub fn is_stopped_by_deadline(snapshot: &Snapshot, target: &Target) -> bool {
    let ended = of(Some(snapshot), target).and_then(|drain| drain.outcome);
    let by_deadline = matches!(ended, Some(DrainOutcome::Stopped | DrainOutcome::Cut));
    by_deadline && target.find(snapshot).is_some_and(|(_, member)| member.status.has(Flag::Stopped))
}

#[cfg(test)]
mod tests {
    use evenkeel_protocol::Status;

    use super::*;
    use crate::model::sample;

    #[test]
    fn safe_is_only_said_by_the_proxy_and_only_live() {
        let busy = sample::drain(1, "node2");
        let mut idle = busy.clone();
        (idle.busy, idle.sessions.live) = (evenkeel_protocol::Busy::default(), Some(0));
        let mut unknown = idle.clone();
        (unknown.sessions.known, unknown.sessions.live) = (SessionsKnown::Unknown, None);
        unknown.sessions.unknown_until = Some(Timestamp(7));
        let mut busy_unknown = unknown.clone();
        busy_unknown.busy.upgraded = 1;
        let mut stopped = idle.clone();
        stopped.outcome = Some(DrainOutcome::Stopped);
        let mut kept = idle.clone();
        kept.outcome = Some(DrainOutcome::KeptDraining);
        let mut waited = idle.clone();
        waited.outcome = Some(DrainOutcome::Idle);
        let mut waited_here = waited.clone();
        waited_here.elsewhere = vec![sample::elsewhere("api")];
        let mut busy_there = waited_here.clone();
        (busy_there.elsewhere[0].takes_new, busy_there.elsewhere[0].busy.requests) = (false, 1);
        let mut again = kept.clone();
        again.busy.requests = 1;
        let mut safe = idle.clone();
        safe.safe_to_stop = true;
        let mut held = idle.clone();
        (held.until, held.quiet_ms) = (DrainUntil::Idle, Some(held.settle.millis()));
        let mut used = safe.clone();
        used.elsewhere = vec![sample::elsewhere("api")];
        for (what, drain, wanted) in [
            ("sessions", busy, Verdict::NotYet),
            ("idle, and not yet settled", idle, Verdict::NotYet),
            ("quiet for long enough, and it goes on", held, Verdict::Unknown(None)),
            ("no whole window", unknown, Verdict::Unknown(Some(Timestamp(7)))),
            ("no whole window, and something in flight", busy_unknown, Verdict::NotYet),
            ("stopped at its deadline", stopped, Verdict::Over(DrainOutcome::Stopped)),
            ("its deadline passed, and it drains on", kept, Verdict::NotYet),
            ("all that was waited for", waited, Verdict::Idle),
            ("all that was waited for, and another balancer goes on", waited_here, Verdict::InUse),
            ("all that was waited for, and another balancer is busy", busy_there, Verdict::NotYet),
            ("and a request came", again, Verdict::NotYet),
            ("safe", safe.clone(), Verdict::Safe),
            ("safe, and another balancer goes on", used, Verdict::InUse),
        ] {
            assert_eq!(verdict(&drain, None, &Freshness::Live), wanted, "{what}");
        }
        assert_eq!(verdict(&safe, None, &Freshness::Stale(4)), Verdict::Stale);
        let mut seen = sample::snapshot(0);
        assert_eq!(verdict(&safe, Some(&seen), &Freshness::Live), Verdict::Safe);
        seen.alternating = true;
        assert_eq!(verdict(&safe, Some(&seen), &Freshness::Live), Verdict::Stale, "several answer in turn");
        (seen.alternating, seen.cached) = (false, true);
        assert_eq!(verdict(&safe, Some(&seen), &Freshness::Live), Verdict::Stale, "a cache answers");
    }

    #[test]
    fn of_a_drain_that_has_ended_counts_what_the_member_is_now() {
        let mut snapshot = sample::drained(0);
        let mut drain = snapshot.drains[0].clone();
        drain.outcome = Some(DrainOutcome::SafeToStop);
        let of = |drain: &Drain, snapshot: &Snapshot| verdict(drain, Some(snapshot), &Freshness::Live);
        let at = snapshot.balancers[0].members.iter().position(|member| member.name == drain.member).unwrap();
        for (flags, wanted) in [
            (&[Flag::Drain][..], Verdict::NotYet),
            (&[], Verdict::Over(DrainOutcome::Cleared)),
            (&[Flag::Disabled], Verdict::Over(DrainOutcome::Cleared)),
            (&[Flag::Drain, Flag::Stopped], Verdict::Over(DrainOutcome::StoppedMeanwhile)),
        ] {
            let status = flags.iter().fold(Status::default(), |status, flag| status.with(*flag, true));
            snapshot.balancers[0].members[at].status = status;
            assert_eq!(of(&drain, &snapshot), wanted, "{flags:?}");
        }
        for (flag, outcome, wanted) in [
            (None, DrainOutcome::Stopped, DrainOutcome::Cleared),
            (None, DrainOutcome::MemberGone, DrainOutcome::Cleared),
            (None, DrainOutcome::Restored, DrainOutcome::Restored),
            (Some(Flag::Stopped), DrainOutcome::Cut, DrainOutcome::Cut),
            (Some(Flag::Stopped), DrainOutcome::Restored, DrainOutcome::StoppedMeanwhile),
        ] {
            let status = flag.map_or(Status::default(), |flag| Status::default().with(flag, true));
            snapshot.balancers[0].members[at].status = status;
            let ended = Drain { outcome: Some(outcome), ..drain.clone() };
            assert_eq!(of(&ended, &snapshot), Verdict::Over(wanted), "{outcome} {flag:?}");
        }
        let status = Status::default().with(Flag::Drain, true);
        snapshot.balancers[0].members[at].status = status;
        for (outcome, let_go) in [(DrainOutcome::Cancelled, false), (DrainOutcome::KeptDraining, true)] {
            let ended = Drain { outcome: Some(outcome), let_go, ..drain.clone() };
            assert_eq!(of(&ended, &snapshot), Verdict::Unwatched, "{outcome}");
            let unwatched_with = Snapshot { drains: vec![ended], ..snapshot.clone() };
            assert_eq!(unwatched(&unwatched_with), [target(&drain)], "{outcome}");
        }
        assert_eq!(drain.remains(), "17 sessions and 4 requests in flight");
        (drain.busy, drain.sessions.live) = (evenkeel_protocol::Busy::default(), Some(0));
        assert_eq!(drain.remains(), "nothing in flight, but not yet for 5s");
        drain.later = Some(9);
        assert_eq!(of(&drain, &snapshot), Verdict::Past(9), "one member, one promise");
        drain.later = None;
        snapshot.balancers[0].members.clear();
        assert_eq!(of(&drain, &snapshot), Verdict::Over(DrainOutcome::MemberGone));
    }

    #[test]
    fn what_is_sent_is_what_was_asked() {
        let target = sample::target("node2");
        let drain = sample::drain(7, "node2");
        let json = |drainage: &Drainage| match drainage.job(&target, 4) {
            Job::Begin(_, _, order) => serde_json::to_string(&order).unwrap(),
            Job::Change(number, change) => format!("{number} {}", serde_json::to_string(&change).unwrap()),
            Job::Cancel(number, cancel) => format!("{number} {}", serde_json::to_string(&cancel).unwrap()),
        };
        let snapshot = sample::snapshot(0);
        let (balancer, member) = target.find(&snapshot).unwrap();
        for (drainage, wanted) in [
            (
                Drainage::usual(balancer, member),
                r#"{"until":"no_sessions","timeout":"forever","settle":"5s","on_timeout":"fail","revision":4}"#,
            ),
            (Drainage::more(&drain), r#"7 {"extend":"10m"}"#),
            (Drainage::more(&Drain { deadline: None, ..drain.clone() }), r#"7 {"timeout":"10m"}"#),
            (Drainage::Stop(7), r#"7 {"timeout":"0","on_timeout":"stop"}"#),
            (Drainage::Cut(7), r#"7 {"timeout":"0","on_timeout":"cut"}"#),
            (Drainage::Cancel(7), r#"7 {"restore":false}"#),
            (Drainage::Restore(7), r#"7 {"restore":true}"#),
        ] {
            assert_eq!(json(&drainage), wanted);
            assert!(!drainage.verb().is_empty(), "{drainage:?}");
            assert_eq!(drainage.said().is_empty(), matches!(drainage, Drainage::Stop(_)), "{drainage:?}");
        }
        let static_balancer = &snapshot.balancers[1];
        match Drainage::usual(static_balancer, &static_balancer.members[0]) {
            Drainage::Begin(order) => assert_eq!(order.until, Some(DrainUntil::Idle), "nobody holds to it"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn those_that_run_come_first() {
        let mut snapshot = sample::snapshot(0);
        let mut ended = sample::drain(1, "node1");
        ended.outcome = Some(evenkeel_protocol::DrainOutcome::Cancelled);
        ended.ended = Some(Timestamp(5));
        snapshot.drains = vec![ended, sample::drain(2, "node2"), sample::drain(3, "node1")];
        let numbers: Vec<u64> = listed(Some(&snapshot)).iter().map(|drain| drain.number).collect();
        assert_eq!(numbers, [2, 3, 1]);
        assert_eq!(running(Some(&snapshot)).count(), 2);
        assert_eq!(of(Some(&snapshot), &sample::target("node1")).map(|drain| drain.number), Some(3));
        assert_eq!(of(Some(&snapshot), &sample::target("node3")), None);
    }
}
