//! Who knows what is true of drains without asking the proxy: when each session was answered, what is in flight, what
//! was acknowledged. Times are bounds from both sides, so that whatever is asserted is certain.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use evenkeel_protocol::{Event, MemberSnapshot};

use super::*;

/// The window in which sessions are looked for.
pub(super) const WINDOW: Duration = Duration::from_secs(2);
/// How much the bounds of a time are off at most.
const ABOUT: Duration = Duration::from_millis(20);
/// By how much a deadline may move over a restart.
const MOVED: Duration = Duration::from_secs(1);

/// A request that has not come whole yet.
#[derive(Debug)]
pub(super) struct Held {
    client: Peer,
    session: String,
    /// The route of the member that has it.
    on: String,
    since: Duration,
}

impl Held {
    /// Begins one; none if no member takes it.
    pub(super) fn begin(proxy: &Proxy, session: String, witness: &Witness) -> Option<Self> {
        let busy = || {
            let members = proxy.balancer("app").members;
            members.into_iter().map(|it| (it.route.to_string(), it.busy)).collect::<BTreeMap<_, _>>()
        };
        let before = busy();
        let mut client = Peer::of(proxy);
        client.says(format!(
            "POST / HTTP/1.1\r\nHost: x\r\nCookie: SID={session}\r\nContent-Length: 6\r\n\r\nabc"
        ));
        let on = eventually("somebody takes it, or it is refused", || {
            let after = busy();
            let on = after.into_iter().find(|(route, busy)| *busy > before[route]).map(|(route, _)| route);
            let refused = on.is_none() && client.hears_something_within(Duration::from_millis(1));
            (refused || on.is_some()).then_some(on)
        })?;
        Some(Self { client, session, on, since: witness.now() })
    }

    fn is_there(&mut self) -> bool {
        !self.client.hears_something_within(ABOUT)
    }
}

/// What somebody was told of a drain.
#[derive(Debug)]
struct Told {
    drain: Drain,
    /// When its time is over, between these.
    deadline: Option<(Duration, Duration)>,
    /// May an order that nobody acknowledged have changed it?
    doubtful: bool,
}

/// All that is known.
#[derive(Debug)]
pub(super) struct Witness {
    clock: Stopwatch,
    /// When the process of now was started, at the earliest, and the one before had ended, at the latest.
    started: Duration,
    ended: Duration,
    /// When it was looked last.
    looked: Duration,
    /// Of each session, by its id with the route, when it was last answered, at the earliest and at the latest.
    sessions: BTreeMap<String, (Duration, Duration)>,
    told: BTreeMap<u64, Told>,
    story: String,
    late_over_a_restart: usize,
    promises: usize,
}

impl Witness {
    pub(super) fn new() -> Self {
        Self {
            clock: Stopwatch::start(),
            started: Duration::ZERO,
            ended: Duration::ZERO,
            looked: Duration::ZERO,
            sessions: BTreeMap::new(),
            told: BTreeMap::new(),
            story: String::new(),
            late_over_a_restart: 0,
            promises: 0,
        }
    }

    pub(super) fn now(&self) -> Duration {
        self.clock.elapsed()
    }

    /// What happened, for who reads a failure.
    pub(super) fn story(&self) -> &str {
        &self.story
    }

    fn notes(&mut self, what: &str) {
        let now = self.now();
        let _ = write!(self.story, "\n  {now:>14?} {what}");
    }

    /// How many drains there were, by how they ended.
    pub(super) fn counts(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::from([
            ("drains", self.told.len()),
            ("late over a restart", self.late_over_a_restart),
            ("looks at safe", self.promises),
        ]);
        for outcome in self.told.values().filter_map(|told| told.drain.outcome) {
            *counts.entry(outcome.name()).or_default() += 1;
        }
        counts
    }

    /// A member has answered a session, which is its own if it has its route.
    pub(super) fn was_answered(&mut self, session: &str, by: &str, sent: Duration) {
        self.notes(&format!("{by} answers {session}"));
        if session.ends_with(&format!(".{by}")) {
            self.sessions.insert(session.to_owned(), (sent, self.now()));
        }
    }

    /// A request that was held comes whole; it is answered unless somebody has cut it off.
    pub(super) fn ends(&mut self, mut held: Held) {
        if !held.is_there() {
            return;
        }
        let sent = self.now();
        held.client.says("def");
        let answer = held.client.answer("POST");
        assert_eq!(answer.answered_by(), held.on, "it is where it was");
        self.was_answered(&held.session, &held.on, sent);
    }

    pub(super) fn any_running(&self, dice: &mut Dice) -> Option<u64> {
        let running = self.told.values().filter(|told| told.drain.is_running());
        let running: Vec<u64> = running.map(|told| told.drain.number).collect();
        (!running.is_empty()).then(|| running[dice.below(running.len())])
    }

    /// Somebody who `asked` then was answered with a drain.
    pub(super) fn was_told(&mut self, drain: &Drain, asked: Duration) {
        assert!(drain.durable, "{drain:#?}");
        self.notes(&format!("told of {}: {} {:?} {}", drain.number, drain.phase, drain.outcome, drain.why));
        self.remembers(drain, (asked, self.now()));
    }

    fn remembers(&mut self, drain: &Drain, (from, to): (Duration, Duration)) {
        let deadline = drain.left_ms.map(Duration::from_millis).map(|left| (from + left, to + left + ABOUT));
        let doubtful = false;
        self.told.insert(drain.number, Told { drain: drain.clone(), deadline, doubtful });
    }

    /// An order for that member may have been carried out, and nobody was told.
    pub(super) fn may_have_changed(&mut self, member: &Backend) {
        self.notes(&format!("an order for {} is not answered", member.name()));
        let authority = member.address().to_string();
        let its = self.told.values_mut().filter(|told| told.drain.member.authority() == authority);
        its.for_each(|told| told.doubtful = true);
    }

    pub(super) fn saw_the_end(&mut self) {
        self.ended = self.now();
        self.notes("it has ended");
    }

    pub(super) fn sees_a_start(&mut self) {
        self.started = self.now();
        self.notes("the next one starts");
    }

    /// What a restarted proxy says of drains that somebody was told of.
    pub(super) fn compares(&mut self, proxy: &Proxy) {
        let from = self.now();
        let drains: Vec<Drain> = proxy.admin().get(&Call::Drains);
        let to = self.now();
        for told in self.told.values() {
            let before = &told.drain;
            let after = drains.iter().find(|after| after.number == before.number);
            let after = after.unwrap_or_else(|| panic!("it is lost: {before:#?}\n{drains:#?}"));
            let same = |drain: &Drain| (drain.member.clone(), drain.began, drain.by.clone());
            assert_eq!(same(after), same(before));
            let terms = |drain: &Drain| (drain.until, drain.timeout, drain.settle, drain.on_timeout);
            assert!(told.doubtful || terms(after) == terms(before), "{before:#?}\n{after:#?}");
            if let (Some((early, late)), Some(left), false) = (told.deadline, after.left_ms, told.doubtful) {
                let left = Duration::from_millis(left);
                let (least, most) = (from + left, to + left);
                assert!(most + MOVED >= early && least <= late + MOVED, "{before:#?}\n{after:#?}");
            }
            let passed_meanwhile =
                told.deadline.is_some_and(|(early, late)| early > self.ended && late < self.started);
            if before.is_running() && passed_meanwhile && !told.doubtful {
                let decided = [DrainOutcome::Stopped, DrainOutcome::Cut, DrainOutcome::Restored];
                let ended = after.outcome.filter(|outcome| !decided.contains(outcome));
                assert!(ended.is_some(), "its time passed while the proxy was down: {after:#?}");
            }
            if before.is_running() && after.why.contains("while the proxy was down") {
                assert_eq!(after.outcome, Some(DrainOutcome::KeptDraining));
                self.late_over_a_restart += 1;
            }
        }
        let known: Vec<Drain> = drains.into_iter().filter(|it| self.told.contains_key(&it.number)).collect();
        self.judges(&known, &mut [], (from, to));
        // One that was cleared right before the end is told to be so after the next look.
        eventually_true("whatever is drained is draining", || {
            let snapshot = proxy.snapshot();
            let mut drained = snapshot.drains.iter().filter(|drain| drain.is_running());
            drained.all(|drain| {
                let its = |member: &&MemberSnapshot| member.name == drain.member;
                snapshot.balancers[0].members.iter().find(its).unwrap().words.contains("Drn")
            })
        });
    }

    /// Looks at what the drains say, and whether it can be true.
    pub(super) fn looks(&mut self, proxy: &Proxy, held: &mut [Held]) {
        let from = self.now();
        let drains: Vec<Drain> = proxy.admin().get(&Call::Drains);
        let to = self.now();
        self.judges(&drains, held, (from, to));
    }

    fn judges(&mut self, drains: &[Drain], held: &mut [Held], (from, to): (Duration, Duration)) {
        for drain in drains {
            let before = self.told.get(&drain.number).map(|told| &told.drain);
            let was = before.and_then(|before| before.outcome);
            assert!(was.is_none() || was == drain.outcome, "it was {was:?}, and is now {drain:#?}");
            let ends = was.is_none() && drain.outcome == Some(DrainOutcome::SafeToStop);
            if drain.safe_to_stop {
                self.must_be_safe(drain, held, (from, to));
                self.promises += 1;
            } else if ends {
                // It was true when it ended, at any time since the last look.
                self.must_be_safe(drain, held, (self.looked, to));
            }
            if before.is_none_or(|before| (before.phase, before.outcome) != (drain.phase, drain.outcome)) {
                self.notes(&format!(
                    "{} is {} {:?}: {}",
                    drain.number, drain.phase, drain.outcome, drain.why
                ));
            }
            let doubtful = self.told.get(&drain.number).is_some_and(|told| told.doubtful);
            self.remembers(drain, (from, to));
            if let Some(told) = self.told.get_mut(&drain.number) {
                // Whatever was not acknowledged is known by now.
                told.doubtful = doubtful && self.ended > self.started;
            }
        }
        self.looked = from;
    }

    /// Between the two times somebody says that a member is safe to stop: is nobody there for certain?
    fn must_be_safe(&self, drain: &Drain, held: &mut [Held], (from, to): (Duration, Duration)) {
        assert!(to >= self.started + WINDOW, "no whole window was observed: {drain:#?}");
        let its = format!(".{}", drain.route);
        for (session, (earliest, latest)) in self.sessions.iter().filter(|(id, _)| id.ends_with(&its)) {
            let there = *latest <= from && to + ABOUT < *earliest + WINDOW;
            assert!(!there, "{session} was answered from {earliest:?} on, and it is {to:?}: {drain:#?}");
        }
        for request in held.iter_mut().filter(|it| it.since < from && drain.route.as_str() == it.on) {
            assert!(!request.is_there(), "a request is in flight: {request:?} {drain:#?}");
        }
    }

    /// The events of all processes: each drain began once, and ended once in the way that was told.
    pub(super) fn believes_the_log(&self, events: &[Event]) {
        for (number, told) in &self.told {
            let began = events
                .iter()
                .filter(|it| matches!(it.kind, EventKind::DrainBegan { drain, .. } if drain == *number));
            assert!(began.count() <= 1, "drain {number} began twice");
            let ends: Vec<DrainOutcome> = events
                .iter()
                .filter_map(|event| match &event.kind {
                    EventKind::DrainEnded { drain, outcome, .. } if drain == number => Some(*outcome),
                    _ => None,
                })
                .collect();
            assert_eq!(ends, told.drain.outcome.into_iter().collect::<Vec<_>>(), "drain {number}");
        }
    }
}
