//! A balancer that is shared by all threads: the core behind its lock, and how its members are reached.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use evenkeel_balancer::{Balancer, Beat, DueCheck, MemberId, Room};
use evenkeel_protocol::selector::Candidate;
use evenkeel_protocol::{BalancerName, BalancerSnapshot, MemberName, Moment, Refusal, Selector};
use tokio::sync::Notify;

use crate::address::{Address, Slots};
use crate::config::{BalancerConfig, Checks};
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
    core: Mutex<Balancer>,
    /// Set when the configuration was read anew: who took its place, if anybody.
    replaced: OnceLock<Option<Arc<LiveBalancer>>>,
    /// Told when a member may have become usable.
    pub(crate) changed: Notify,
    waiting: AtomicUsize,
}

impl fmt::Debug for LiveBalancer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LiveBalancer({})", self.name)
    }
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
        let BalancerConfig { name, settings, members, checks } = config;
        let addresses = members.iter().map(|(name, settings)| {
            Arc::new(Address::new(name.clone(), settings.connection.clone(), &ground.slots, ground.cores))
        });
        let addresses = addresses.collect();
        let core = Balancer::new(name, settings, members, ground.cores);
        Self::of(core, (paths, checks), addresses)
    }

    fn of(core: Balancer, (paths, checks): (Vec<String>, Arc<Checks>), addresses: Vec<Arc<Address>>) -> Self {
        Self {
            name: core.name().clone(),
            paths,
            route_cookie: RouteCookie::of(core.settings()),
            checks,
            addresses,
            core: Mutex::new(core),
            replaced: OnceLock::new(),
            changed: Notify::new(),
            waiting: AtomicUsize::new(0),
        }
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
        let BalancerConfig { name, settings, members, checks } = config;
        let addresses = members.iter().map(|(name, settings)| {
            let connection = &settings.connection;
            match self.addresses.iter().find(|address| address.name == *name) {
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
        let next = Arc::new(Self::of(core, (paths, checks), addresses));
        self.retire(Some(Arc::clone(&next)));
        drop(before);
        next
    }

    /// It takes no new requests, and `next` has its place.
    pub(crate) fn retire(&self, next: Option<Arc<Self>>) {
        for address in &self.addresses {
            let kept = next.iter().flat_map(|next| &next.addresses).any(|it| Arc::ptr_eq(it, address));
            if !kept {
                address.retire();
            }
        }
        // Nobody else sets it: there is one reading of the configuration at a time.
        let _ = self.replaced.set(next);
        self.changed.notify_waiters();
    }

    /// Was the configuration read anew since?
    pub(crate) fn is_replaced(&self) -> bool {
        self.replaced.get().is_some()
    }

    /// Who has its place now, and the number of its member of the same name there.
    pub(crate) fn successor(&self, member: MemberId) -> Option<(&Arc<Self>, MemberId)> {
        let next = self.replaced.get()?.as_ref()?;
        let name = &self.address(member)?.name;
        let place = next.addresses.iter().position(|address| address.name == *name)?;
        Some((next, MemberId(u32::try_from(place).ok()?)))
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
        let stopped = self.lock().is_stopped(&address.name);
        if !stopped {
            told.await;
        }
    }

    pub(crate) fn snapshot(&self) -> BalancerSnapshot {
        let mut snapshot = self.lock().snapshot(clock::now(), clock::wall());
        snapshot.paths.clone_from(&self.paths);
        snapshot
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
