//! A storm of requests, failures, edits, heartbeats and jumps of time over random balancers, each compared step by
//! step with a slow and literal model.
//!
//! `EVENKEEL_SEED=N` plays one seed again, `EVENKEEL_SEEDS=N` plays so many instead of 256.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends at what it did not expect")]

mod model;

use std::time::Duration;

use evenkeel_balancer::{
    Ask, Balancer, Beat, Failure, FailureKind, Finding, Lease, MemberId, Next, NoMemberWhy, Observed,
    Outcome, Sent, Verdict,
};
use evenkeel_protocol::edit::{StickyEdit, UpTo};
use evenkeel_protocol::{
    BalancerEdit, BalancerSettings, CheckMethod, Code, Factor, Flag, HealthCheck, HeardBy, LbMethod, Lbset,
    MemberEdit, MemberName, MemberSettings, MemberSnapshot, Moment, Route, Status, Timestamp,
};
use model::{Model, Trial};

const STEPS: usize = 400;

/// A small generator of numbers (splitmix64): the same seed gives the same storm everywhere.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }
}

/// A request on its way.
struct Open {
    lease: Lease,
    ended: bool,
}

struct Storm {
    dice: Dice,
    balancer: Balancer,
    model: Model,
    failonstatus: Vec<u16>,
    open: Vec<Open>,
    now: u64,
}

const ROUTES: [&str; 5] = ["", "a", "b", "c", "d"];

fn name(at: usize) -> MemberName {
    format!("http://10.0.0.{}:8080", at + 1).parse().unwrap()
}

fn route(text: &str) -> Route {
    text.parse().unwrap()
}

fn index(id: MemberId) -> usize {
    id.0 as usize
}

impl Storm {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let settings = BalancerSettings {
            lbmethod: dice.of(&LbMethod::ALL),
            stickysession: dice.one_in(2).then(|| "SID".parse().unwrap()),
            nofailover: dice.one_in(3),
            forcerecovery: !dice.one_in(3),
            failonstatus: if dice.one_in(3) { vec![500] } else { vec![] },
            ..BalancerSettings::default()
        };
        let mut model = Model {
            method: settings.lbmethod,
            sticky: settings.stickysession.is_some(),
            nofailover: settings.nofailover,
            forcerecovery: settings.forcerecovery,
            ..Model::default()
        };
        let mut members = Vec::new();
        for at in 0..usize::try_from(dice.below(9)).unwrap() {
            let status =
                ["", "", "", "", "N", "D", "S", "H", "H", "R", "R", "I", "E", "C", "HR", "NH", "SE", "U"];
            let status = match dice.of(&status) {
                "" => Status::INITIALISED,
                letters => Status::INITIALISED.apply(letters).unwrap(),
            };
            let settings = MemberSettings {
                lbfactor: Factor::from_hundredths(dice.of(&[100, 100, 100, 150, 200, 300, 10_000])).unwrap(),
                lbset: Lbset::new(dice.of(&[0, 0, 0, 0, 1, 5])).unwrap(),
                route: route(dice.of(&ROUTES)),
                redirect: route(dice.of(&["", "", "", "a", "b", "c", "d"])),
                retry: dice.of(&[0, 1, 60]),
                status,
                health: HealthCheck {
                    method: dice.of(&[CheckMethod::Get, CheckMethod::Get, CheckMethod::None]),
                    passes: dice.of(&[0, 1, 2, 3]),
                    fails: dice.of(&[0, 1, 2, 3]),
                    ..HealthCheck::default()
                },
                ..MemberSettings::default()
            };
            model.members.push(model::Member {
                factor: i64::from(settings.lbfactor.hundredths()),
                set: settings.lbset.get(),
                route: settings.route.as_str().to_owned(),
                redirect: settings.redirect.as_str().to_owned(),
                retry: u64::from(settings.retry),
                status,
                check: settings.health.clone(),
                ..model::Member::default()
            });
            members.push((name(at), settings));
        }
        let failonstatus = settings.failonstatus.clone();
        let cores = usize::try_from(dice.below(4)).unwrap();
        let balancer = Balancer::new("app".parse().unwrap(), settings, members, cores);
        Self { dice, balancer, model, failonstatus, open: Vec::new(), now: 0 }
    }

    fn now(&self) -> Moment {
        Moment(self.now)
    }

    fn step(&mut self) {
        match self.dice.below(20) {
            0..8 => self.elect(),
            8..11 => self.answer(),
            11..13 => self.fail(),
            13..15 => self.end(),
            15 => self.edit_member(),
            16 => self.edit(),
            17 => self.beat(),
            18 => self.check(),
            _ => self.now += self.dice.of(&[1, 1_000, 500_000, 1_000_001, 61_000_000]),
        }
    }

    fn elect(&mut self) {
        self.now += self.dice.below(2);
        let wanted = self.dice.of(&["", "", "a", "b", "c", "d", "zz"]);
        let cookie = format!("SID=x.{wanted}");
        let cookies = [cookie.as_str()];
        let mut excluded: Vec<MemberId> = Vec::new();
        for _ in 0..self.dice.of(&[0, 0, 0, 0, 1, 2]) {
            let id = MemberId(u32::try_from(self.dice.below(8)).unwrap());
            if !excluded.contains(&id) {
                excluded.push(id);
            }
        }
        let dice = u32::try_from(self.dice.next() >> 32).unwrap();
        let core = usize::try_from(self.dice.below(5)).unwrap();
        let now = self.now();
        let ask = Ask {
            url: "/",
            cookies: if wanted.is_empty() { &[] } else { &cookies },
            excluded: &excluded,
            dice,
            core,
        };
        let explained = self.explained(&ask, now);
        let elected = self.balancer.elect(&ask, now);
        let named = elected.as_ref().ok().map(|election| name(index(election.member)));
        assert_eq!(explained, named, "what was explained is what happens");
        let without: Vec<usize> = excluded.iter().map(|id| index(*id)).collect();
        let expected = self.model.elect(&model::Ask {
            route: (!wanted.is_empty()).then_some(wanted),
            excluded: &without,
            dice,
            now,
        });
        match elected {
            Ok(election) => {
                assert_eq!(Some(index(election.member)), expected, "{:?}", election.why);
                let member = &mut self.model.members[index(election.member)];
                assert_eq!(election.lease.is_probe(), member.trial == Trial::Due);
                if election.lease.is_probe() {
                    member.trial = Trial::Running;
                }
                self.open.push(Open { lease: election.lease, ended: false });
            }
            Err(nobody) => {
                assert_eq!(expected, None, "{:?}", nobody.why);
                assert_eq!(nobody.why == NoMemberWhy::Empty, self.model.members.is_empty());
            }
        }
    }

    /// Who an explanation says would be elected. It changes nothing.
    fn explained(&self, ask: &Ask<'_>, now: Moment) -> Option<MemberName> {
        let shown = || self.balancer.snapshot(now, Timestamp(1_000_000_000_000));
        let before = shown();
        let told = self.balancer.explain(ask, now, 3);
        assert_eq!(shown(), before, "an explanation changes nothing");
        let elected = told.elected.clone();
        assert_eq!(told.next.first(), elected.as_ref(), "the first that is foretold is the one");
        if told.session.found.is_none() && elected.is_some() {
            let offered = told.candidates.iter().filter(|candidate| candidate.offered);
            assert!(offered.map(|it| Some(&it.member)).any(|member| member == elected.as_ref()), "{told:?}");
        }
        elected
    }

    /// One of the requests on their way that have not ended yet.
    fn unfinished(&mut self) -> Option<usize> {
        let at: Vec<usize> = (0..self.open.len()).filter(|at| !self.open[*at].ended).collect();
        (!at.is_empty()).then(|| self.dice.of(&at))
    }

    fn end_trial(&mut self, at: usize, trial: Trial) {
        let lease = &self.open[at].lease;
        let member = &mut self.model.members[index(lease.member())];
        if lease.is_probe() && member.trial == Trial::Running {
            member.trial = trial;
        }
    }

    fn answer(&mut self) {
        let Some(at) = self.unfinished() else { return };
        let status = self.dice.of(&[200, 200, 200, 500]);
        let (to, from) = (self.dice.below(50_000), self.dice.below(500_000));
        if self.dice.one_in(3) {
            self.open[at].lease.connected();
            self.end_trial(at, Trial::None);
            return;
        }
        self.end_trial(at, Trial::None);
        let Open { lease, ended } = &mut self.open[at];
        *ended = true;
        lease.sent(to);
        lease.meter().received(from);
        let id = lease.member();
        let member = &mut self.model.members[index(id)];
        member.to += to;
        member.from += from;
        let attentive = !self.failonstatus.is_empty() || member.error_at.is_some() || member.retries > 0;
        assert_eq!(lease.answered(200, 1), attentive, "only what needs the lock asks for it");
        if !attentive {
            return;
        }
        let now = Moment(self.now);
        let settled = self.balancer.settle(id, &Outcome::Answered { status }, now);
        assert_eq!(settled.next, Next::Done);
        let in_error = member.status.has(Flag::Error);
        if self.failonstatus.contains(&status) {
            assert_eq!(settled.marked, mark(member, now));
        } else if !in_error {
            assert_eq!(settled.recovered, member.error_at.is_some() || member.retries > 0);
            (member.error_at, member.retries) = (None, 0);
        }
    }

    fn fail(&mut self) {
        let Some(at) = self.unfinished() else { return };
        let kind = self.dice.of(&FailureKind::ALL);
        self.end_trial(at, Trial::None);
        let Open { lease, ended } = &mut self.open[at];
        *ended = true;
        lease.failed();
        let id = lease.member();
        let failure = Failure {
            kind,
            sent: self.dice.of(&[Sent::Nothing, Sent::Head, Sent::Something]),
            reused: self.dice.one_in(2),
            idempotent: self.dice.one_in(2),
            repeats: u8::try_from(self.dice.below(3)).unwrap(),
            tries: u32::try_from(self.dice.below(4)).unwrap() + 1,
            reason: "the storm".to_owned(),
        };
        let now = Moment(self.now);
        let settled = self.balancer.settle(id, &Outcome::Failed(failure), now);
        let marks = matches!(
            kind,
            FailureKind::Connect | FailureKind::ConnectTimeout | FailureKind::Unresolved | FailureKind::Ping
        );
        let marked = marks && mark(&mut self.model.members[index(id)], now);
        assert_eq!(settled.marked, marked);
    }

    /// Fails in a row down, passes in a row up, both of them only while they can change something.
    fn check(&mut self) {
        if self.model.members.is_empty() {
            return;
        }
        let at = usize::try_from(self.dice.below(self.model.members.len() as u64)).unwrap();
        let verdict = self.dice.of(&[Verdict::Passed, Verdict::Failed, Verdict::Late, Verdict::Undecided]);
        let finding = Finding { verdict, reason: "the storm".to_owned(), took: std::time::Duration::ZERO };
        let member = &mut self.model.members[at];
        let id = MemberId(u32::try_from(at).unwrap());
        let observed = self.balancer.observe(id, &member.check, &finding, Moment(self.now));
        let is_judged = member.check.is_on() && !member.status.has(Flag::Stopped);
        if !is_judged || verdict == Verdict::Undecided {
            assert_eq!(observed, Observed::Nothing);
            return;
        }
        let down = member.status.has_any(&[Flag::Error, Flag::HealthFail]);
        let good = verdict == Verdict::Passed;
        let mut expected = Observed::Nothing;
        if down && good {
            (member.passed, member.failed) = (member.passed + 1, 0);
            if member.passed >= member.check.passes.max(1) {
                member.passed = 0;
                let was = member.status;
                let lifted = [Flag::Error, Flag::HealthFail].into_iter().filter(|flag| was.has(*flag));
                let lifted = lifted.fold(Status::NONE, |all, flag| all.with(flag, true));
                member.status = was.with(Flag::Error, false).with(Flag::HealthFail, false);
                if was.has(Flag::Error) {
                    member.trial = Trial::None;
                }
                expected = Observed::Passed { lifted };
            }
        } else if down {
            member.passed = 0;
        } else if good {
            (member.passed, member.failed) = (0, 0);
        } else {
            (member.passed, member.failed) = (0, member.failed + 1);
            if member.failed >= member.check.fails.max(1) {
                member.failed = 0;
                member.status = member.status.with(Flag::HealthFail, true);
                expected = Observed::Failed;
            }
        }
        assert_eq!(observed, expected);
    }

    fn end(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let at = usize::try_from(self.dice.below(self.open.len() as u64)).unwrap();
        self.end_trial(at, Trial::Due);
        let open = self.open.swap_remove(at);
        self.model.members[index(open.lease.member())].busy -= 1;
    }

    fn edit_member(&mut self) {
        let at = usize::try_from(self.dice.below(9)).unwrap();
        let dice = &mut self.dice;
        let mut edit = MemberEdit::default();
        for _ in 0..=dice.below(2) {
            match dice.below(9) {
                0 => edit.lbfactor = Factor::from_hundredths(dice.of(&[100, 150, 300])),
                1 => edit.lbset = Lbset::new(dice.of(&[0, 1, 99])),
                2 => edit.route = Some(route(dice.of(&ROUTES))),
                3 => edit.redirect = Some(route(dice.of(&ROUTES))),
                _ => edit = edit.with_flag(dice.of(&MemberEdit::FLAGS).0, dice.one_in(3)),
            }
        }
        if dice.one_in(4) {
            edit.revision = Some(dice.below(4));
        }
        let preview = self.balancer.preview_member(&name(at), &edit);
        let edited = self.balancer.edit_member(&name(at), &edit);
        assert_eq!(preview, edited);
        let Some(member) = self.model.members.get_mut(at) else {
            assert_eq!(edited.unwrap_err().code, Code::NotFound);
            return;
        };
        if edit.revision.is_some_and(|revision| revision != member.revision) {
            assert_eq!(edited.unwrap_err().code, Code::Stale);
            return;
        }
        let before = member.clone();
        if let Some(factor) = edit.lbfactor {
            member.factor = i64::from(factor.hundredths());
        }
        if let Some(lbset) = edit.lbset {
            member.set = lbset.get();
        }
        if let Some(route) = &edit.route {
            route.as_str().clone_into(&mut member.route);
        }
        if let Some(redirect) = &edit.redirect {
            redirect.as_str().clone_into(&mut member.redirect);
        }
        for (flag, _) in MemberEdit::FLAGS {
            member.status = member.status.with(flag, edit.flag(flag).unwrap_or(member.status.has(flag)));
        }
        let key = |member: &model::Member| {
            (member.factor, member.set, member.route.clone(), member.redirect.clone(), member.status)
        };
        member.revision += u64::from(key(member) != key(&before));
        assert_eq!(edited.unwrap().revision, member.revision);
        if member.factor != before.factor {
            self.model.members.iter_mut().for_each(|member| member.lbstatus = member.factor);
        }
    }

    fn edit(&mut self) {
        let dice = &mut self.dice;
        let mut edit = BalancerEdit::default();
        match dice.below(4) {
            0 => edit.lbmethod = Some(dice.of(&LbMethod::ALL)),
            1 => edit.nofailover = Some(dice.one_in(2)),
            2 => edit.stickysession = Some(StickyEdit(dice.one_in(2).then(|| "SID".parse().unwrap()))),
            _ => edit.maxattempts = UpTo::new(u32::try_from(dice.below(5)).unwrap()),
        }
        let preview = self.balancer.preview(&edit);
        let edited = self.balancer.edit(&edit).unwrap();
        assert_eq!(preview.as_ref(), Ok(&edited));
        self.model.revision += u64::from(!edited.changes.is_empty());
        assert_eq!(edited.revision, self.model.revision);
        self.model.nofailover = edit.nofailover.unwrap_or(self.model.nofailover);
        self.model.sticky = edit.stickysession.map_or(self.model.sticky, |sticky| sticky.0.is_some());
        if let Some(method) = edit.lbmethod.filter(|method| *method != self.model.method) {
            self.model.method = method;
            for member in &mut self.model.members {
                match method {
                    LbMethod::ByRequests | LbMethod::ByBusyness => member.lbstatus = 0,
                    LbMethod::ByTraffic => (member.to, member.from) = (0, 0),
                    LbMethod::Heartbeat => {}
                }
            }
        }
    }

    fn beat(&mut self) {
        let at = usize::try_from(self.dice.below(9)).unwrap();
        let (ready, busy) = (self.dice.of(&[0, 1, 3, 8, 40]), self.dice.of(&[0, 1]));
        let (address, by) = (name(at).host().parse().unwrap(), HeardBy::Datagram);
        let beat = Beat { address, port: None, ready, busy, by, age: Duration::ZERO };
        let now = self.now();
        self.balancer.beat(&beat, now);
        if let Some(member) = self.model.members.get_mut(at) {
            let ready = u64::from(ready);
            let slots = if busy == 0 && ready > 0 { (ready / 4).max(1) } else { ready };
            member.heard = Some((now, slots));
        }
    }

    fn compare(&self) {
        let snapshot = self.balancer.snapshot(self.now(), Timestamp(self.now));
        for (at, (seen, expected)) in snapshot.members.iter().zip(&self.model.members).enumerate() {
            assert_eq!(
                (seen.status.words(), seen.lbstatus, seen.elected, seen.busy, seen.retries),
                (
                    expected.status.words(),
                    expected.lbstatus,
                    expected.elected,
                    expected.busy,
                    expected.retries
                ),
                "status, lbstatus, elected, busy, retries of member {at}"
            );
            assert_eq!((seen.transferred, seen.read), (expected.to, expected.from), "bytes of member {at}");
            assert_eq!(seen.revision, expected.revision, "revision of member {at}");
            let counts = (seen.health.passed, seen.health.failed);
            assert_eq!(counts, (expected.passed, expected.failed), "checks of member {at}");
            assert_eq!(
                seen.error.as_ref().map(|error| error.at),
                expected.error_at.map(|at| Timestamp(at.0))
            );
        }
        assert_eq!(snapshot.revision, self.model.revision);
    }
}

fn mark(member: &mut model::Member, now: Moment) -> bool {
    if member.status.has(Flag::IgnoreErrors) {
        return false;
    }
    let before = member.status.has(Flag::Error);
    member.status = member.status.with(Flag::Error, true);
    (member.error_at, member.trial) = (Some(now), Trial::None);
    !before
}

fn play(seed: u64) {
    let mut storm = Storm::new(seed);
    for step in 0..STEPS {
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            storm.step();
            storm.compare();
        }));
        assert!(outcome.is_ok(), "seed {seed} fails at step {step}; replay it with EVENKEEL_SEED={seed}");
    }
    while !storm.open.is_empty() {
        storm.end();
    }
    let snapshot = storm.balancer.snapshot(storm.now(), Timestamp(0));
    assert!(snapshot.members.iter().all(|member| member.busy == 0), "seed {seed}: busy falls to nothing");
}

#[test]
fn the_balancer_and_its_slow_twin_weather_the_same_storm() {
    #[expect(
        clippy::disallowed_methods,
        reason = "a person replays or widens the storm; the core reads nothing"
    )]
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("EVENKEEL_SEED") {
        Some(seed) => play(seed),
        None => (0..number("EVENKEEL_SEEDS").unwrap_or(256)).for_each(play),
    }
}

/// Leases are moved and dropped by other threads than the one that holds the balancer.
#[test]
fn counters_are_whole_when_threads_share_a_balancer() {
    const THREADS: usize = 4;
    const REQUESTS: u64 = 2_000;
    let members = (0..3).map(|at| (name(at), MemberSettings::default())).collect();
    let balancer = Balancer::new("app".parse().unwrap(), BalancerSettings::default(), members, THREADS);
    let balancer = std::sync::Mutex::new(balancer);
    std::thread::scope(|scope| {
        for core in 0..THREADS {
            let balancer = &balancer;
            scope.spawn(move || {
                for _ in 0..REQUESTS {
                    let ask = Ask { core, ..Ask::default() };
                    let lease = balancer.lock().unwrap().elect(&ask, Moment(0)).unwrap().lease;
                    lease.sent(2);
                    lease.received(3);
                    lease.answered(200, 1);
                }
            });
        }
    });
    let members = balancer.into_inner().unwrap().snapshot(Moment(0), Timestamp(0)).members;
    let requests = THREADS as u64 * REQUESTS;
    let sum = |counter: fn(&MemberSnapshot) -> u64| members.iter().map(counter).sum::<u64>();
    assert_eq!((sum(|m| m.elected), sum(|m| m.served), sum(|m| m.busy)), (requests, requests, 0));
    assert_eq!((sum(|m| m.transferred), sum(|m| m.read)), (2 * requests, 3 * requests));
    assert_eq!(members.iter().map(|member| member.lbstatus).sum::<i64>(), 0);
    let shares: Vec<u64> = members.iter().map(|member| member.elected).collect();
    assert!(shares.iter().all(|share| share.abs_diff(requests / 3) <= 1), "{shares:?}");
}
