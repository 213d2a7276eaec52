//! A thousand drains in a storm: random traffic, sessions, restarts, reloads, other operators, deadlines and steps of the
//! wall clock, all on clocks that stand until they are moved. Whoever is in flight and whose session is live is known
//! here independently; a drain may say *safe to stop* only where nobody is.
//!
//! `EVENKEEL_DRAINS` says how many drains there are at least, `EVENKEEL_SEED` plays one seed alone; a failure names the
//! seed and the step.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use evenkeel_balancer::{Ask, Lease, Visit, Why};
use evenkeel_protocol::{
    BalancerSettings, DrainUntil, Hello, MemberSettings, Moment, OnTimeout, Patience, Span, Timestamp,
};
use tempfile::TempDir;

use super::*;
use crate::clock::stopped;
use crate::config::BalancerConfig;
use crate::journal::Journal;
use crate::registry::Renewal;

const SECOND: u64 = 1_000_000;
const STEPS: u64 = 1_000;
/// The wall clock when a storm begins.
const BEGAN: u64 = 1_700_000_000 * SECOND;

/// Numbers that a seed decides (`SplitMix64`).
struct Luck(u64);

impl Luck {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.below(choices.len() as u64)).unwrap()]
    }
}

/// What the configuration says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    sticky: bool,
    /// Seconds.
    window: u32,
    /// The route of the second member.
    second: &'static str,
    /// Is the third member there?
    third: bool,
}

impl Layout {
    pub(super) const FIRST: Self = Self { sticky: true, window: 20, second: "b", third: true };

    fn configured(self) -> Vec<BalancerConfig> {
        let routes = [(0, "a"), (1, self.second), (2, "c"), (3, "")];
        let routes = routes.into_iter().filter(|(number, _)| *number != 2 || self.third);
        let settings = BalancerSettings {
            stickysession: self.sticky.then(|| "SID".parse().unwrap()),
            sessionwindow: self.window,
            ..BalancerSettings::default()
        };
        let members = routes.map(|(number, route)| {
            let settings = MemberSettings { route: route.parse().unwrap(), ..MemberSettings::default() };
            (format!("http://m{number}").parse().unwrap(), settings)
        });
        vec![BalancerConfig {
            name: app(),
            settings,
            members: members.collect(),
            written: Vec::new(),
            checks: Arc::default(),
            manager: crate::config::ManagerConfig::default(),
        }]
    }

    fn window(self) -> u64 {
        u64::from(self.window) * SECOND
    }
}

pub(super) fn app() -> BalancerName {
    "app".parse().unwrap()
}

/// A request on its way.
struct Flight {
    member: MemberName,
    route: String,
    /// The number of its session.
    session: Option<u64>,
    lease: Lease,
    visit: Option<Visit>,
    /// When its answer began.
    handed: Option<u64>,
}

/// One process after the other on one folder, and all that is true of them.
struct Storm {
    luck: Luck,
    folder: TempDir,
    layout: Layout,
    drains: Arc<Drains>,
    /// Microseconds since the beginning, and when the process of now began.
    time: u64,
    born: u64,
    /// By how much the wall clock was stepped.
    stepped: i64,
    /// Since when sessions are observed as they are now.
    observed: u64,
    saved: u64,
    flying: Vec<Flight>,
    /// When each session was last answered, by its route and number.
    sessions: BTreeMap<(String, u64), u64>,
    /// Those that run, as of the last look.
    running: BTreeSet<u64>,
    /// What was told of those that ended, which holds whatever comes.
    ended: BTreeMap<u64, DrainOutcome>,
    outcomes: BTreeMap<&'static str, usize>,
    begun: usize,
    told: String,
}

impl Storm {
    fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        stopped::at(Moment(0), Timestamp(BEGAN));
        Self {
            luck: Luck(seed),
            drains: process(&folder, Layout::FIRST),
            folder,
            layout: Layout::FIRST,
            time: 0,
            born: 0,
            stepped: 0,
            observed: 0,
            saved: 0,
            flying: Vec::new(),
            sessions: BTreeMap::new(),
            running: BTreeSet::new(),
            ended: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            begun: 0,
            told: String::new(),
        }
    }

    fn set_clocks(&self) {
        let wall = (BEGAN + self.time).saturating_add_signed(self.stepped);
        stopped::at(Moment(self.time - self.born), Timestamp(wall));
    }

    fn pass(&mut self, time: u64) {
        self.time += time;
        self.set_clocks();
        if self.time - self.saved > 10 * SECOND {
            self.saved = self.time;
            self.drains.save(&mut self.drains.writer());
        }
    }

    fn step(&mut self) {
        let by = Some(Peer { uid: 1000, ..Peer::default() });
        match self.luck.below(100) {
            0..30 => {
                let time =
                    self.luck.of(&[1, 1_000, 100_000, 100_000, SECOND, SECOND, 3 * SECOND, 9 * SECOND]);
                self.pass(time);
            }
            30..55 => self.request(),
            55..76 => self.progress(),
            76..86 => self.order(by),
            86..89 => self.change(by),
            89..92 => self.cancel(by),
            92..95 => self.interfere(by),
            95..97 => self.reload(),
            97 => self.restart(),
            98 => self.stepped += self.luck.of(&[-86_400, -3_600, -30, 30, 3_600, 86_400]) * 1_000_000,
            _ => self.pass(25 * SECOND),
        }
        self.set_clocks();
        self.look();
    }

    fn tell(&mut self, what: &str) {
        let _ = write!(self.told, "\n  {:>12} {what}", self.time);
    }

    /// Somebody asks for something: with a session that is known, with one that is made up, or without one.
    fn request(&mut self) {
        let live = self.drains.registry.find(&app()).unwrap();
        let known = self.luck.below(self.sessions.len().max(1) as u64);
        let known = self.sessions.keys().nth(usize::try_from(known).unwrap()).cloned();
        let (route, session) = match self.luck.below(4) {
            0 | 1 => known.unwrap_or_else(|| ("a".to_owned(), self.time)),
            2 => (self.luck.of(&["a", "b", "c", "z", "nobody"]).to_owned(), self.luck.below(u64::MAX)),
            _ => (String::new(), 0),
        };
        let cookie = format!("SID={session}.{route}");
        let cookies = [cookie.as_str()];
        let cookies = if route.is_empty() { &[][..] } else { &cookies[..] };
        let ask = Ask { url: "/", cookies, ..Ask::default() };
        let Ok(election) = self.drains.registry.elect(&live, &ask, clock::now()) else { return };
        self.flying.push(Flight {
            member: live.address(election.member).unwrap().name.clone(),
            route: live.route(election.member).unwrap(),
            session: (election.why == Why::Sticky).then_some(session),
            lease: election.lease,
            visit: election.visit,
            handed: None,
        });
    }

    /// A request gets its answer, goes on getting it, or comes to its end.
    fn progress(&mut self) {
        if self.flying.is_empty() {
            return;
        }
        let which = usize::try_from(self.luck.below(self.flying.len() as u64)).unwrap();
        let flight = &mut self.flying[which];
        let (now, time) = (clock::now(), self.time);
        let key = |route: &str, session: u64| (route.to_owned(), session);
        match (flight.handed, &flight.visit) {
            (None, visit) if self.luck.one_in(8) => {
                flight.lease.failed();
                if let Some(visit) = visit {
                    visit.failed(now);
                }
                self.flying.swap_remove(which);
            }
            (None, visit) => {
                if let Some(visit) = visit {
                    visit.answered(now);
                    if let Some(session) = flight.session {
                        self.sessions.insert(key(&flight.route, session), time);
                    } else if self.layout.sticky && self.luck.below(3) > 0 {
                        let session = *flight.session.insert(self.luck.below(u64::MAX));
                        visit.welcomed(now);
                        self.sessions.insert(key(&flight.route, session), time);
                    }
                }
                flight.handed = Some(time);
                let what = format!("{} ({}) answers {:?}", flight.member, flight.route, flight.session);
                let _ = write!(self.told, "\n  {time:>12} {what}");
                match self.luck.below(6) {
                    0 => flight.lease.streams(),
                    1 => flight.lease.upgraded(),
                    2 => {}
                    _ => drop(self.flying.swap_remove(which)),
                }
            }
            (Some(handed), visit) => {
                if time - handed >= u64::try_from(limits::LONG_ANSWER.as_micros()).unwrap()
                    && let Some(visit) = visit
                    && let Some(session) = flight.session
                {
                    visit.answered(now);
                    self.sessions.insert(key(&flight.route, session), time);
                }
                self.flying.swap_remove(which);
            }
        }
    }

    fn terms(&mut self) -> DrainOrder {
        let spans = [0, 50, 1_000, 5_000, 12_000];
        DrainOrder {
            until: Some(self.luck.of(&[DrainUntil::Idle, DrainUntil::NoSessions, DrainUntil::NoSessions])),
            settle: Span::from_millis(self.luck.of(&spans)),
            timeout: self
                .luck
                .of(&[None, Some(0), Some(3_000), Some(30_000), Some(90_000)])
                .map(|millis| Patience::Within(Span::from_millis(millis).unwrap())),
            on_timeout: Some(self.luck.of(&[
                OnTimeout::Fail,
                OnTimeout::Stop,
                OnTimeout::Cut,
                OnTimeout::Restore,
            ])),
            force: Some(true),
            ..DrainOrder::default()
        }
    }

    fn order(&mut self, by: Option<Peer>) {
        let (member, order) = (self.member(), self.terms());
        let stopped = MemberEdit { stopped: Some(false), force: Some(true), ..MemberEdit::default() };
        drop(self.drains.registry.edit_member(&app(), &member, &stopped, by.clone()));
        if let Ok(DrainAnswer { drain, .. }) = self.drains.begin(&app(), &member, &order, by) {
            self.begun += usize::from(self.running.insert(drain.number));
            self.tell(&format!("drain {} of {}: {:?}", drain.number, drain.member, order));
        }
    }

    fn member(&mut self) -> String {
        format!("http://m{}", self.luck.below(4))
    }

    fn any_drain(&mut self) -> u64 {
        let last = self.drains.list().last().map_or(0, |drain| drain.number);
        last.saturating_sub(self.luck.below(3))
    }

    fn change(&mut self, by: Option<Peer>) {
        let (number, order) = (self.any_drain(), self.terms());
        let change = DrainChange {
            until: order.until,
            settle: order.settle,
            extend: Span::from_millis(20_000).filter(|_| order.timeout.is_none()),
            timeout: order.timeout,
            on_timeout: order.on_timeout,
            ..DrainChange::default()
        };
        drop(self.drains.change(number, &change, by));
    }

    fn cancel(&mut self, by: Option<Peer>) {
        let cancel = DrainCancel { restore: self.luck.one_in(2).then_some(true), ..DrainCancel::default() };
        let number = self.any_drain();
        drop(self.drains.cancel(number, &cancel, by));
    }

    /// Somebody else edits a member under a drain.
    fn interfere(&mut self, by: Option<Peer>) {
        let on = self.luck.one_in(2);
        let none = MemberEdit { force: Some(true), ..MemberEdit::default() };
        let route = self.luck.of(&["a", "b", "c", "z"]).parse().ok();
        let edit = match self.luck.below(4) {
            0 => MemberEdit { drain: Some(on), ..none },
            1 => MemberEdit { stopped: Some(on), ..none },
            2 => MemberEdit { disabled: Some(on), ..none },
            _ => MemberEdit { route, ..none },
        };
        let member = self.member();
        self.tell(&format!("{member} {edit:?}"));
        drop(self.drains.registry.edit_member(&app(), &member, &edit, by));
    }

    fn reload(&mut self) {
        let before = self.layout;
        self.layout = Layout {
            sticky: !self.luck.one_in(6),
            window: self.luck.of(&[20, 20, 20, 35]),
            second: self.luck.of(&["b", "b", "z"]),
            third: self.luck.below(3) > 0,
        };
        let renewal = Renewal { listen: Vec::new(), warnings: Vec::new(), persist: true, by: None };
        self.tell(&format!("{:?}", self.layout));
        drop(self.drains.registry.renew(&mut self.layout.configured(), |_| Vec::new(), renewal));
        if (before.sticky, before.window) != (self.layout.sticky, self.layout.window) {
            self.observed = self.time;
        }
    }

    /// The process is killed: nothing is written down any more, and what was in flight is cut off.
    fn restart(&mut self) {
        self.flying.clear();
        self.time += self.luck.of(&[1_000, SECOND, 40 * SECOND]);
        (self.born, self.observed, self.saved) = (self.time, self.time, self.time);
        self.set_clocks();
        self.tell("killed and started again");
        self.drains = process(&self.folder, self.layout);
    }

    /// As the ticker looks, and then at what the drains say. The disk may take a while.
    fn look(&mut self) {
        self.drains.look();
        for number in self.drains.late() {
            self.drains.act(number);
        }
        if self.drains.jobs().untold().next().is_some() && !self.luck.one_in(4) {
            self.drains.save(&mut self.drains.writer());
        }
        for drain in self.drains.list() {
            let ended = !drain.is_running() && self.running.remove(&drain.number);
            if drain.is_running() {
                self.running.insert(drain.number);
            }
            if let Some(outcome) = drain.outcome.filter(|_| ended) {
                *self.outcomes.entry(outcome.name()).or_default() += 1;
                self.ended.insert(drain.number, outcome);
            }
            if let Some(told) = self.ended.get(&drain.number) {
                assert_eq!(drain.outcome, Some(*told), "what was told is taken back: {drain:#?}");
            }
            if drain.safe_to_stop || (ended && drain.outcome == Some(DrainOutcome::SafeToStop)) {
                self.must_be_safe(&drain);
            }
        }
    }

    /// Is nobody there, as far as is known here?
    fn must_be_safe(&self, drain: &Drain) {
        let flying = self.flying.iter().filter(|flight| flight.member == drain.member).count();
        assert_eq!(flying, 0, "a request is in flight: {drain:#?}");
        let route = drain.route.as_str();
        if !self.layout.sticky || route.is_empty() {
            return;
        }
        let window = self.layout.window();
        assert!(self.time - self.observed >= window, "no whole window was observed: {drain:#?}");
        let mut live = self.sessions.iter().filter(|((whose, _), _)| whose == route);
        let live = live.find(|(_, last)| self.time - **last <= window);
        assert_eq!(live, None, "a session is live at {}: {drain:#?}", self.time);
    }

    /// Everybody leaves, and all drains have to end.
    fn calm(&mut self) {
        while !self.flying.is_empty() {
            self.progress();
        }
        for _ in 0..60 {
            self.pass(3 * SECOND);
            self.look();
        }
        let left: Vec<Drain> = self.drains.list().into_iter().filter(Drain::is_running).collect();
        assert!(left.is_empty(), "drains that never end: {left:#?}");
    }
}

/// A process in that folder.
pub(super) fn process(folder: &TempDir, layout: Layout) -> Arc<Drains> {
    let mut configured = layout.configured();
    let journal = Journal::open(folder.path(), &mut configured, true);
    let hello: Hello = serde_json::from_str(include_str!("../../../protocol/documents/hello.json")).unwrap();
    let registry = Registry::new(&configured, |_| Vec::new(), (2, hello), journal);
    Arc::new(Drains::open(Arc::new(registry), folder.path()))
}

#[test]
fn no_drain_says_safe_while_anybody_is_there_and_each_one_ends() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let wanted = number("EVENKEEL_DRAINS").unwrap_or(1_000);
    let (mut begun, mut outcomes) = (0, BTreeMap::<&str, usize>::new());
    for seed in number("EVENKEEL_SEED").map_or(1..=u64::MAX, |seed| seed..=seed) {
        if begun >= wanted {
            break;
        }
        let mut storm = Storm::new(seed);
        for step in 0..=STEPS {
            let played = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                if step < STEPS { storm.step() } else { storm.calm() }
            }));
            if let Err(why) = played {
                println!("seed {seed}, step {step}; the drains:{}", storm.told);
                std::panic::resume_unwind(why);
            }
        }
        begun += storm.begun as u64;
        for (outcome, count) in storm.outcomes {
            *outcomes.entry(outcome).or_default() += count;
        }
    }
    println!("{begun} drains: {outcomes:?}");
    let seen =
        ["safe_to_stop", "idle", "kept_draining", "stopped", "cut", "restored", "cleared", "cancelled"];
    assert!(number("EVENKEEL_SEED").is_some() || seen.iter().all(|outcome| outcomes.contains_key(outcome)));
}
