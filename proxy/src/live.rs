//! A balancer that is shared by all threads: the core behind its lock, and how its members are reached.

mod succession;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use evenkeel_balancer::{Ask, Balancer, Beat, DueCheck, MemberId, Room, Salt, SessionMark, Sighted};
use evenkeel_protocol::selector::Candidate;
use evenkeel_protocol::{
    BalancerName, BalancerSnapshot, Candidacy, Census, MemberName, Moment, Refusal, Selector,
};
use tokio::sync::Notify;

use crate::address::{Address, Slots};
use crate::config::{BalancerConfig, Checks};
use crate::history::Record;
use crate::route_cookie::RouteCookie;
use crate::{clock, limits};
use succession::Place;

/// A balancer that is shared by all threads.
pub(crate) struct LiveBalancer {
    pub(crate) name: BalancerName,
    paths: Vec<String>,
    pub(crate) route_cookie: Option<RouteCookie>,
    /// What health checks need beside the settings of members.
    checks: Arc<Checks>,
    /// By member number.
    addresses: Vec<Arc<Address>>,
    /// By member number.
    records: Vec<Arc<Record>>,
    /// Who it is, for who remembers longer than it lives.
    roll: Arc<Roll>,
    /// Addresses of members that are gone, while requests of before may know them.
    former: Vec<Weak<Address>>,
    /// Did it take its place with members that are gone, and that requests of before may be with?
    pub(crate) has_departed: bool,
    core: Mutex<Balancer>,
    place: Place,
    /// Told when a member may have become usable.
    pub(crate) changed: Notify,
    waiting: AtomicUsize,
}

impl fmt::Debug for LiveBalancer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LiveBalancer({})", self.name)
    }
}

/// How members are reached and what is remembered of them, by their numbers; and how those were that are gone.
struct Ways {
    addresses: Vec<Arc<Address>>,
    records: Vec<Arc<Record>>,
    former: Vec<Weak<Address>>,
}

/// The names of a balancer and of its members, by their numbers.
#[derive(Debug)]
pub(crate) struct Roll {
    pub(crate) balancer: BalancerName,
    pub(crate) members: Vec<MemberName>,
}

/// What all balancers have in common.
#[derive(Debug, Default)]
pub(crate) struct Ground {
    pub(crate) slots: Slots,
    /// The number of worker threads.
    pub(crate) cores: usize,
}

impl LiveBalancer {
    /// A balancer as it starts; `paths` are those that are mapped to it.
    pub(crate) fn new(config: BalancerConfig, paths: Vec<String>, ground: &Ground) -> Self {
        let BalancerConfig { name, settings, members, checks, written: _, manager: _ } = config;
        let addresses = members.iter().map(|(name, settings)| {
            Arc::new(Address::new(name.clone(), settings.connection.clone(), &ground.slots, ground.cores))
        });
        let addresses = addresses.collect();
        let core = Balancer::new(name, settings, members, ground.cores);
        let records = core.dials().into_iter().map(|dial| Arc::new(Record::new(dial))).collect();
        Self::of(core, (paths, checks), Ways { addresses, records, former: Vec::new() }, Place::default())
    }

    fn of(
        core: Balancer,
        (paths, checks): (Vec<String>, Arc<Checks>),
        Ways { addresses, records, former }: Ways,
        place: Place,
    ) -> Self {
        let has_departed = core.departed().next().is_some();
        let live = Self {
            name: core.name().clone(),
            paths,
            route_cookie: RouteCookie::of(core.settings()),
            checks,
            roll: Arc::new(Roll {
                balancer: core.name().clone(),
                members: addresses.iter().map(|address| address.name.clone()).collect(),
            }),
            addresses,
            records,
            former,
            has_departed,
            core: Mutex::new(core),
            place,
            changed: Notify::new(),
            waiting: AtomicUsize::new(0),
        };
        live.watch_sessions();
        live
    }

    /// The paths that are mapped to it.
    pub(crate) fn paths(&self) -> &[String] {
        &self.paths
    }

    /// What is remembered of each member, by member number.
    pub(crate) fn records(&self) -> &[Arc<Record>] {
        &self.records
    }

    /// How often each member was elected so far, and how often of those for a session. No election waits for it.
    pub(crate) fn elections(&self) -> impl Iterator<Item = (&MemberName, (u64, u64))> {
        self.roll.members.iter().zip(self.records.iter().map(|record| record.elections()))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Balancer> {
        // The core keeps its invariants even where a caller panicked.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The route that a member has now.
    pub(crate) fn route(&self, member: MemberId) -> Option<String> {
        let core = self.lock();
        core.members().nth(member.0 as usize).map(|(_, _, route)| route.as_str().to_owned())
    }

    /// How the elected member is reached.
    pub(crate) fn address(&self, member: MemberId) -> Option<&Arc<Address>> {
        self.addresses.get(member.0 as usize)
    }

    pub(crate) fn roll(&self) -> &Arc<Roll> {
        &self.roll
    }

    /// What stands for the session in the value of a `Cookie` field, or in a path or URL; none: no session is found there.
    pub(crate) fn session_mark(&self, text: &str) -> Option<SessionMark> {
        let core = self.lock();
        let of_url = |url: &str| core.session_mark(&Ask { url, ..Ask::default() });
        if text.starts_with('/') || text.starts_with("http://") || text.starts_with("https://") {
            return of_url(text);
        }
        let named = core.settings().stickysession.as_ref().filter(|_| !text.contains('='));
        // The value alone is easier to come by.
        let whole = named.map(|sticky| format!("{}={text}", sticky.cookie));
        let found =
            core.session_mark(&Ask { cookies: &[whole.as_deref().unwrap_or(text)], ..Ask::default() });
        // In a URL it may have another name.
        found.or_else(|| of_url(&format!("/?{text}")))
    }

    pub(crate) fn addresses(&self) -> &[Arc<Address>] {
        &self.addresses
    }

    /// What was upgraded lives on in a drain; a member that is stopped carries nothing any more.
    pub(crate) fn end_tunnels_if_stopped(&self, member: &MemberName) {
        let stopped = self.lock().is_stopped(member);
        if stopped && let Some(address) = self.addresses.iter().find(|address| address.name == *member) {
            address.end_tunnels();
        }
    }

    /// Until the member at `address` is stopped; at once if it is.
    pub(crate) async fn stopped(&self, address: &Address) {
        // Listens before it looks, so that no stop falls in between.
        let told = address.stopped();
        if !self.has_stopped(&address.name) {
            told.await;
        }
    }

    /// Is that member stopped, here or where the configuration was read anew since?
    fn has_stopped(&self, member: &MemberName) -> bool {
        let stopped = self.lock().is_stopped(member);
        stopped || self.successor(member).is_some_and(|(next, _)| next.lock().is_stopped(member))
    }

    /// Ends the tunnels of all members that a configuration that was read anew has stopped.
    pub(crate) fn end_tunnels_of_stopped(&self) {
        let stopped = self.lock().stopped();
        for address in stopped.into_iter().filter_map(|member| self.address(member)) {
            address.end_tunnels();
        }
    }

    /// Everything visible. Each member is shown as it is at one moment, and the members one after the other.
    pub(crate) fn snapshot(&self) -> BalancerSnapshot {
        let (now, wall) = (clock::now(), clock::wall());
        let mut snapshot = BalancerSnapshot { paths: self.paths.clone(), ..self.lock().outline() };
        snapshot.members.reserve_exact(self.records.len());
        for records in self.records.chunks(limits::SHOWN_AT_ONCE) {
            let first = snapshot.members.len();
            let sightings = {
                let core = self.lock();
                snapshot.members.extend(core.show_members(first, records.len(), (now, wall)));
                core.sightings_of_members(first, records.len())
            };
            let shown = snapshot.members.iter_mut().skip(first);
            for ((member, seen), record) in shown.zip(sightings).zip(records) {
                member.sessions = seen.and_then(|seen| seen.live(now));
                member.latency = record.latencies();
            }
            // Who carries traffic goes first.
            std::thread::yield_now();
        }
        snapshot
    }

    /// The live sessions of each member's route, by member number; none: none was seen, and none can be said to be gone,
    /// or it keeps none. At most a second old.
    pub(crate) fn live_sessions(&self) -> Vec<Option<u64>> {
        let (now, sightings) = (clock::now(), self.lock().sightings_of_members(0, usize::MAX));
        sightings.into_iter().map(|seen| seen?.live(now)).collect()
    }

    /// Sessions are observed from now on, if they were not yet; to be called after each change.
    pub(crate) fn watch_sessions(&self) {
        self.lock().watch_sessions(Salt::new(clock::secret()), clock::now());
    }

    /// What was seen of the sessions of all routes.
    pub(crate) fn census(&self) -> Census {
        let now = clock::now();
        let sightings = self.lock().sightings(now);
        sightings.census(now, clock::wall())
    }

    /// What was seen of the sessions of one member's route, to be counted while elections go on; none if it keeps none,
    /// or is no member.
    pub(crate) fn sighted(&self, member: MemberId, now: Moment) -> Option<Sighted> {
        self.lock().sighted_at(member, now)
    }

    /// For a while until now no sessions could be seen.
    pub(crate) fn missed_sessions(&self, now: Moment) {
        self.lock().missed_sessions(now);
    }

    /// How long a session that was not seen again counts as live, in milliseconds.
    pub(crate) fn session_window_ms(&self) -> u64 {
        u64::from(self.lock().settings().sessionwindow) * 1000
    }

    /// What health checks need beside the settings of members.
    pub(crate) fn checks(&self) -> &Checks {
        &self.checks
    }

    /// As [`evenkeel_balancer::Balancer::due_checks`].
    pub(crate) fn due_checks(
        &self,
        now: Moment,
        room: &mut Room,
        is_running: impl Fn(&MemberName) -> bool,
        begin: &mut Vec<DueCheck>,
    ) -> Option<Moment> {
        self.lock().due_checks(now, room, is_running, begin)
    }

    /// Tells the core what members announced of themselves.
    pub(crate) fn beat(&self, beats: &[Beat], now: Moment) {
        {
            let mut core = self.lock();
            for beat in beats {
                core.beat(beat, now);
            }
        }
        // Who was full, or not heard, may have slots now.
        self.changed.notify_waiters();
    }

    /// Does it elect by heartbeats, and hear nobody whom it could elect?
    pub(crate) fn misses_heartbeats(&self, now: Moment) -> bool {
        self.lock().misses_heartbeats(now)
    }

    /// What an election for a request would do; `next` are foretold. Others wait only while the balancer is copied.
    pub(crate) fn explain(&self, ask: &Ask<'_>, next: usize) -> Candidacy {
        let copy = self.lock().rehearsal();
        copy.explain(ask, clock::now(), next)
    }

    /// The one member that fits a selector within this balancer.
    pub(crate) fn resolve(&self, selector: &str) -> Result<MemberName, Refusal> {
        let core = self.lock();
        let candidates =
            core.members().map(|(_, member, route)| Candidate { balancer: &self.name, member, route });
        Selector::within(self.name.clone(), selector).resolve(candidates).map(|found| found.member.clone())
    }
}

/// A place among the requests that wait for a usable member.
pub(crate) struct Waiter<'a>(&'a LiveBalancer);

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl LiveBalancer {
    /// A place to wait in, while there are any.
    pub(crate) fn wait(&self) -> Option<Waiter<'_>> {
        if self.waiting.fetch_add(1, Ordering::Relaxed) < limits::WAITING_REQUESTS {
            return Some(Waiter(self));
        }
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        None
    }
}

impl Waiter<'_> {
    /// Until something changed that may have made a member usable.
    pub(crate) async fn change(&self) {
        self.0.changed.notified().await;
    }
}
