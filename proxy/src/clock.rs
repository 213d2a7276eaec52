//! The only file that reads the time, and the only dice.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use evenkeel_protocol::{Moment, Timestamp};

static START: LazyLock<Instant> = LazyLock::new(|| {
    #[expect(clippy::disallowed_methods, reason = "this is the one file that reads the time")]
    Instant::now()
});

/// Both clocks as a test sets them, for its thread alone.
#[cfg(test)]
pub(crate) mod stopped {
    use super::{Cell, Moment, Timestamp};

    thread_local! {
        static CLOCKS: Cell<Option<(Moment, Timestamp)>> = const { Cell::new(None) };
    }

    /// From now on it is then, until this is called again.
    pub(crate) fn at(now: Moment, wall: Timestamp) {
        CLOCKS.set(Some((now, wall)));
    }

    pub(super) fn read() -> Option<(Moment, Timestamp)> {
        CLOCKS.get()
    }
}

/// Now, on the monotonic clock: for decisions.
pub(crate) fn now() -> Moment {
    #[cfg(test)]
    if let Some((now, _)) = stopped::read() {
        return now;
    }
    Moment(u64::try_from(START.elapsed().as_micros()).unwrap_or(u64::MAX))
}

/// Seconds since the machine was started. They go on while it sleeps, which those of [`now`] do not.
pub(crate) fn uptime() -> u64 {
    u64::try_from(rustix::system::sysinfo().uptime).unwrap_or(0)
}

/// The wall clock's lead on the monotonic one, in microseconds, as of the last look at both.
static LEAD: AtomicU64 = AtomicU64::new(0);

/// A moment on the wall clock, as exact as the last call of [`wall`]: for people.
pub(crate) fn wall_at(moment: Moment) -> Timestamp {
    Timestamp(LEAD.load(Ordering::Relaxed).saturating_add(moment.0))
}

/// Now, on the wall clock: for people.
pub(crate) fn wall() -> Timestamp {
    #[cfg(test)]
    if let Some((_, wall)) = stopped::read() {
        return wall;
    }
    #[expect(clippy::disallowed_methods, reason = "this is the one file that reads the time")]
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let wall = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
    LEAD.store(wall.saturating_sub(now().0), Ordering::Relaxed);
    Timestamp(wall)
}

/// Two numbers that nobody outside this process knows, the same as long as it lives.
pub(crate) fn secret() -> [u64; 2] {
    static SECRET: LazyLock<[u64; 2]> = LazyLock::new(|| {
        let state = RandomState::new();
        [state.hash_one(0), state.hash_one(1)]
    });
    *SECRET
}

/// Bytes that nobody can foretell, from the system.
pub(crate) fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    let (first, second) = bytes.split_at_mut(8);
    // Where the system has none, what keys the standard library's hashes comes from the same source.
    let state = RandomState::new();
    first.copy_from_slice(&state.hash_one(0).to_le_bytes());
    second.copy_from_slice(&RandomState::new().hash_one(1).to_le_bytes());
    let mut given = [0; 16];
    if rustix::rand::getrandom(&mut given, rustix::rand::GetRandomFlags::empty()) == Ok(given.len()) {
        bytes = given;
    }
    bytes
}

/// One thread's dice: numbers that nobody can foretell well enough to steer an election.
pub(crate) struct Dice(Cell<u64>);

impl Dice {
    pub(crate) fn new() -> Self {
        Self(Cell::new(RandomState::new().hash_one(now().0)))
    }

    /// One throw (`SplitMix64`: each state is mixed well, and the states never repeat within 2^64 throws).
    pub(crate) fn throw(&self) -> u32 {
        let state = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed >> 32) as u32
    }
}

/// A second since 1970 as it stands in a Date field.
pub(crate) fn http_date(second: u64) -> String {
    let since = std::time::Duration::from_secs(second);
    UNIX_EPOCH.checked_add(since).map_or_else(String::new, httpdate::fmt_http_date)
}

/// Lets something happen once in a while.
#[derive(Debug, Default)]
pub(crate) struct Pacer(AtomicU64);

impl Pacer {
    /// What comes next is news.
    pub(crate) fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// The time between two.
    const EVERY: u64 = 10_000_000;

    /// Did it happen in the last ten seconds?
    pub(crate) fn was_recent(&self) -> bool {
        let last = self.0.load(Ordering::Relaxed);
        last != 0 && now().0.saturating_sub(last) < Self::EVERY
    }

    /// Is it time again? True at most once in ten seconds.
    pub(crate) fn is_due(&self) -> bool {
        let (now, last) = (now().0.max(1), self.0.load(Ordering::Relaxed));
        (last == 0 || now - last.min(now) >= Self::EVERY)
            && self.0.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}
