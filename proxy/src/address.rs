//! How a member is reached: its name, its socket addresses, and what is counted of the connections to it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use evenkeel_protocol::{ConnectionSettings, MemberName, Moment};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::clock::Pacer;
use crate::places::Limit;

/// How a member is reached.
#[derive(Debug)]
pub(crate) struct Address {
    pub(crate) name: MemberName,
    /// The authority and the path of its URL, at hand for each request.
    pub(crate) authority: String,
    pub(crate) path: String,
    pub(crate) connection: ConnectionSettings,
    /// `max=`: connections to it, in the whole process.
    pub(crate) limit: Option<Arc<Limit>>,
    /// Its number among the addresses of all members, for pools.
    pub(crate) slot: Slot,
    /// Is it no longer in use, so that no idle connection to it is to be kept?
    retired: AtomicBool,
    resolved: OnceLock<Vec<SocketAddr>>,
    /// Idle connections at each worker; counted only where their number is limited.
    idle: Box<[AtomicU32]>,
    trimming: Mutex<()>,
    /// When it was last told that the member fails again and again.
    pub(crate) failing_told: Pacer,
    /// Told when nothing at all may go to its member any more; shared with the addresses that follow this one.
    stopped: Arc<Notify>,
    /// Requests that came no later than this, in microseconds, are to end; shared as well.
    cut: Arc<AtomicU64>,
    /// When it was last said that it gives answers that are none.
    pub(crate) bad_answer_warned: Pacer,
}

/// The numbers of all addresses. One is given out anew when nobody knows the address any more that had it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slots(Arc<Mutex<Numbers>>);

#[derive(Debug, Default)]
struct Numbers {
    free: Vec<usize>,
    /// Numbers that were ever given out.
    used: usize,
    /// How often a number was given out.
    given: u64,
}

/// The number of one address.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) number: usize,
    /// Differs from whoever had the number before.
    pub(crate) owner: u64,
    slots: Slots,
}

impl Slots {
    fn numbers(&self) -> MutexGuard<'_, Numbers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Slot {
        let mut numbers = self.numbers();
        numbers.given += 1;
        let owner = numbers.given;
        let number = numbers.free.pop().unwrap_or_else(|| {
            numbers.used += 1;
            numbers.used - 1
        });
        Slot { number, owner, slots: self.clone() }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.numbers().free.push(self.number);
    }
}

impl Address {
    /// The address of a member; `cores` is the number of worker threads.
    pub(crate) fn new(name: MemberName, connection: ConnectionSettings, slots: &Slots, cores: usize) -> Self {
        let limit = connection.max.map(Limit::new);
        let counted = limit.is_some() || connection.smax.is_some();
        Self {
            limit,
            slot: slots.take(),
            retired: AtomicBool::new(false),
            resolved: OnceLock::new(),
            idle: (0..if counted { cores } else { 0 }).map(|_| AtomicU32::new(0)).collect(),
            trimming: Mutex::default(),
            failing_told: Pacer::default(),
            stopped: Arc::default(),
            cut: Arc::default(),
            authority: name.authority().to_owned(),
            path: name.path().to_owned(),
            bad_answer_warned: Pacer::default(),
            name,
            connection,
        }
    }

    /// The address of the same member with other settings. What is told to it on behalf of the member reaches this one,
    /// and a `max` that stays counts the connections of both.
    pub(crate) fn followed_by(&self, connection: ConnectionSettings, slots: &Slots, cores: usize) -> Self {
        let (stopped, cut) = (Arc::clone(&self.stopped), Arc::clone(&self.cut));
        let limit = self.limit.clone().filter(|_| connection.max == self.connection.max);
        let next = Self::new(self.name.clone(), connection, slots, cores);
        Self { limit: limit.or(next.limit), stopped, cut, ..next }
    }

    /// No request begins with it any more.
    pub(crate) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
    }

    pub(crate) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
    }

    /// A connection to it is idle at the worker `core` from now on.
    pub(crate) fn idle_began(&self, core: usize) {
        if let Some(idle) = self.idle.get(core) {
            idle.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// It is not idle any more.
    pub(crate) fn idle_ended(&self, core: usize) {
        if let Some(idle) = self.idle.get(core) {
            idle.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Idle connections at that worker.
    pub(crate) fn idle_at(&self, core: usize) -> u32 {
        self.idle.get(core).map_or(0, |idle| idle.load(Ordering::Relaxed))
    }

    /// Are more connections idle than `smax` wants, in the whole process? Then one of that worker is counted out, and is
    /// to be closed.
    pub(crate) fn count_out_surplus(&self, core: usize) -> bool {
        let Some(smax) = self.connection.smax else { return false };
        // Two workers that look at the same time must not both close the same surplus.
        let _one_at_a_time = self.trimming.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = self.idle.iter().map(|idle| idle.load(Ordering::Relaxed)).sum::<u32>();
        let surplus = idle > smax;
        if surplus {
            self.idle_ended(core);
        }
        surplus
    }

    /// An operator stopped it: its tunnels end.
    pub(crate) fn end_tunnels(&self) {
        self.stopped.notify_waiters();
    }

    /// Whatever came until `now` is to end. Who waits has to be woken to look.
    pub(crate) fn cut(&self, now: Moment) {
        self.cut.store(now.0, Ordering::Release);
        self.end_tunnels();
    }

    /// Is a request to end that came then?
    pub(crate) fn is_cut(&self, began: Moment) -> bool {
        began.0 <= self.cut.load(Ordering::Acquire)
    }

    /// Until an operator stops it, from the call on.
    pub(crate) fn stopped(&self) -> Notified<'_> {
        self.stopped.notified()
    }

    /// Its socket addresses; looked up until a look-up succeeds, then kept (httpd's `addressttl=-1`).
    ///
    /// # Errors
    ///
    /// The name does not resolve: why, in a sentence.
    pub(crate) async fn resolve(&self) -> Result<&[SocketAddr], String> {
        if let Some(known) = self.resolved.get() {
            return Ok(known);
        }
        let host = self.name.host();
        let looked_up = tokio::net::lookup_host((host, self.name.port())).await;
        match looked_up.map(Iterator::collect::<Vec<_>>) {
            Ok(found) if !found.is_empty() => Ok(self.resolved.get_or_init(|| found)),
            Ok(_) => Err(format!("the name {host} has no address")),
            Err(why) => Err(format!("the name {host} does not resolve: {why}")),
        }
    }
}
