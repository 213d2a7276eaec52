//! A balancer that is shared by all threads: the core behind its lock, and how its members are reached.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
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
    core: Mutex<Balancer>,
    /// Shared with all that had its place before and will have it after.
    current: Arc<Current>,
    /// Has another one its place?
    followed: AtomicBool,
    /// Told when a member may have become usable.
    pub(crate) changed: Notify,
    waiting: AtomicUsize,
}

/// The place of a balancer in the configuration, over all its readings.
///
/// It knows only who has it now, so that a request that lasts keeps one balancer of before and not all since.
#[derive(Debug, Default)]
struct Current(Mutex<Weak<LiveBalancer>>);

impl Current {
    fn holder(&self) -> MutexGuard<'_, Weak<LiveBalancer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for LiveBalancer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LiveBalancer({})", self.name)
    }
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
        Self::of(core, (paths, checks), (addresses, records), Arc::default())
    }

    fn of(
        core: Balancer,
        (paths, checks): (Vec<String>, Arc<Checks>),
        (addresses, records): (Vec<Arc<Address>>, Vec<Arc<Record>>),
        current: Arc<Current>,
    ) -> Self {
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
            core: Mutex::new(core),
            current,
            followed: AtomicBool::new(false),
            changed: Notify::new(),
            waiting: AtomicUsize::new(0),
        };
        live.watch_sessions();
        live
    }

    /// The balancer that takes this one's place, with what happened to its members and with the `edits` that still
    /// hold. Idle connections stay with members whose connections are still made in the same way.
    pub(crate) fn replace(
        &self,
        config: BalancerConfig,
        paths: Vec<String>,
        edits: impl FnOnce(&mut Balancer),
        ground: &Ground,
    ) -> Arc<Self> {
        let BalancerConfig { name, settings, members, checks, written: _, manager: _ } = config;
        let known: HashMap<_, _> = self.addresses.iter().map(|address| (&address.name, address)).collect();
        let addresses = members.iter().map(|(name, settings)| {
            let connection = &settings.connection;
            match known.get(name).copied() {
                Some(known) if known.connection == *connection => Arc::clone(known),
                Some(known) => Arc::new(known.followed_by(connection.clone(), &ground.slots, ground.cores)),
                None => Arc::new(Address::new(name.clone(), connection.clone(), &ground.slots, ground.cores)),
            }
        });
        let addresses: Vec<Arc<Address>> = addresses.collect();
        // Held until this one knows who follows, so that nothing that is settled with it is lost.
        let before = self.lock();
        let mut core = Balancer::succeeding(&before, (name, settings), members, ground.cores);
        edits(&mut core);
        core.count_changes_since(&before);
        core.go_on_watching(&before);
        let records = self.records_of(&addresses, &core);
        let next = Self::of(core, (paths, checks), (addresses, records), Arc::clone(&self.current));
        let next = Arc::new(next);
        self.is_followed_by(&next);
        drop(before);
        self.retire(Some(&next));
        next
    }

    /// The balancer that takes this one's place with another roster, as `make` has the core do it. `config` is what it
    /// is then; members that are still there are reached as before.
    pub(crate) fn with_roster(
        &self,
        config: &BalancerConfig,
        make: impl FnOnce(&Balancer) -> Balancer,
        ground: &Ground,
    ) -> Arc<Self> {
        let known: HashMap<_, _> = self.addresses.iter().map(|address| (&address.name, address)).collect();
        let addresses = config.members.iter().map(|(name, settings)| {
            let newcomer = || {
                let connection = settings.connection.clone();
                Arc::new(Address::new(name.clone(), connection, &ground.slots, ground.cores))
            };
            known.get(name).copied().map_or_else(newcomer, Arc::clone)
        });
        let addresses: Vec<Arc<Address>> = addresses.collect();
        // Held until this one knows who follows, so that nothing that is settled with it is lost.
        let before = self.lock();
        let core = make(&before);
        let records = self.records_of(&addresses, &core);
        let said = (self.paths.clone(), Arc::clone(&self.checks));
        let next = Arc::new(Self::of(core, said, (addresses, records), Arc::clone(&self.current)));
        self.is_followed_by(&next);
        drop(before);
        self.retire(Some(&next));
        next
    }

    /// The records of those members: of those that it has too, its own.
    fn records_of(&self, addresses: &[Arc<Address>], core: &Balancer) -> Vec<Arc<Record>> {
        let names = self.addresses.iter().map(|address| &address.name);
        let known: HashMap<_, _> = names.zip(&self.records).collect();
        let records = addresses.iter().zip(core.dials()).map(|(address, dial)| {
            known.get(&address.name).map_or_else(|| Arc::new(Record::new(dial)), |known| Arc::clone(known))
        });
        records.collect()
    }

    /// What is remembered of each member, by member number.
    pub(crate) fn records(&self) -> &[Arc<Record>] {
        &self.records
    }

    /// How often each member was elected so far, and how often of those for a session. No election waits for it.
    pub(crate) fn elections(&self) -> impl Iterator<Item = (&MemberName, (u64, u64))> {
        self.roll.members.iter().zip(self.records.iter().map(|record| record.elections()))
    }

    /// It takes no new requests, and `next` has its place.
    pub(crate) fn retire(&self, next: Option<&Self>) {
        let kept: HashSet<_> = next.iter().flat_map(|next| &next.addresses).map(Arc::as_ptr).collect();
        for address in self.addresses.iter().filter(|address| !kept.contains(&Arc::as_ptr(address))) {
            address.retire();
        }
        self.changed.notify_waiters();
    }

    fn is_followed_by(&self, next: &Arc<Self>) {
        *self.current.holder() = Arc::downgrade(next);
        self.followed.store(true, Ordering::Release);
    }

    /// Whom operators have closed since another one has its place is closed here too; to be called before each election.
    pub(crate) fn heed_successor(&self) {
        if self.followed.load(Ordering::Acquire)
            && let Some(next) = self.holder()
        {
            // Always in this order, the one of before first.
            self.lock().heed(&next.lock());
        }
    }

    /// Who has its place now, if that is another one.
    fn holder(&self) -> Option<Arc<Self>> {
        self.current.holder().upgrade().filter(|next| !std::ptr::eq(self, &raw const **next))
    }

    /// Who has its place now, if that is another one, and the number of the member of that name there.
    pub(crate) fn successor(&self, member: &MemberName) -> Option<(Arc<Self>, MemberId)> {
        let next = self.holder()?;
        let number = next.addresses.iter().position(|address| address.name == *member)?;
        Some((next, MemberId(u32::try_from(number).ok()?)))
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

    /// What stands for the session in the value of a `Cookie` field; none: no session is found in it.
    pub(crate) fn session_mark(&self, cookie: &str) -> Option<SessionMark> {
        let core = self.lock();
        let named = core.settings().stickysession.as_ref().filter(|_| !cookie.contains('='));
        // The value alone is easier to come by.
        let whole = named.map(|sticky| format!("{}={cookie}", sticky.cookie));
        core.session_mark(&Ask { cookies: &[whole.as_deref().unwrap_or(cookie)], ..Ask::default() })
    }

    /// Can a member at that host and port get requests that no session led there?
    pub(crate) fn gives_to(&self, authority: &str) -> bool {
        let core = self.lock();
        core.members().any(|(id, name, _)| name.authority() == authority && core.takes_new(id))
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

    pub(crate) fn snapshot(&self) -> BalancerSnapshot {
        let now = clock::now();
        let (mut snapshot, sightings) = {
            let core = self.lock();
            (core.snapshot(now, clock::wall()), core.sightings_of_members())
        };
        snapshot.paths.clone_from(&self.paths);
        for ((member, seen), record) in snapshot.members.iter_mut().zip(sightings).zip(&self.records) {
            member.sessions = seen.and_then(|seen| seen.live(now));
            member.latency = record.latencies();
        }
        snapshot
    }

    /// The live sessions of each member's route, by member number; none: none was seen, and none can be said to be gone,
    /// or it keeps none. At most a second old.
    pub(crate) fn live_sessions(&self) -> Vec<Option<u64>> {
        let (now, sightings) = (clock::now(), self.lock().sightings_of_members());
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

#[cfg(test)]
mod tests {
    use evenkeel_protocol::{BalancerSettings, MemberEdit, MemberSettings};

    use super::*;

    fn config() -> BalancerConfig {
        BalancerConfig {
            name: "app".parse().unwrap(),
            settings: BalancerSettings::default(),
            members: vec![("http://a".parse().unwrap(), MemberSettings::default())],
            written: Vec::new(),
            checks: Arc::default(),
            manager: crate::config::ManagerConfig::default(),
        }
    }

    #[test]
    fn a_request_of_before_is_not_given_to_who_is_drained_since() {
        let ground = Ground { cores: 1, ..Ground::default() };
        let first = Arc::new(LiveBalancer::new(config(), Vec::new(), &ground));
        let name = first.addresses[0].name.clone();
        let second = first.replace(config(), Vec::new(), |_| {}, &ground);
        let elects = |live: &LiveBalancer| {
            live.heed_successor();
            live.lock().elect(&Ask::default(), Moment(1)).is_ok()
        };
        for drain in [true, false] {
            let edit = MemberEdit { drain: Some(drain), ..MemberEdit::default() };
            second.lock().edit_member(&name, &edit).unwrap();
            assert_eq!((elects(&first), elects(&second)), (!drain, !drain));
        }
    }

    #[test]
    fn a_request_of_before_knows_who_follows_and_keeps_nobody_between() {
        let ground = Ground { cores: 1, ..Ground::default() };
        let first = Arc::new(LiveBalancer::new(config(), Vec::new(), &ground));
        let name = first.addresses[0].name.clone();
        assert!(first.successor(&name).is_none());
        let second = first.replace(config(), Vec::new(), |_| {}, &ground);
        let third = second.replace(config(), Vec::new(), |_| {}, &ground);
        for before in [&first, &second] {
            assert!(Arc::ptr_eq(&before.successor(&name).unwrap().0, &third));
        }
        assert!(third.successor(&name).is_none());
        let between = Arc::downgrade(&second);
        drop(second);
        assert!(between.upgrade().is_none());
    }
}
