//! The only file that reads the time, and the only dice.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use evenkeel_protocol::{Moment, Timestamp};

static START: LazyLock<Instant> = LazyLock::new(|| {
    #[expect(clippy::disallowed_methods, reason = "this is the one file that reads the time")]
    Instant::now()
});

/// Now, on the monotonic clock: for decisions.
pub(crate) fn now() -> Moment {
    Moment(u64::try_from(START.elapsed().as_micros()).unwrap_or(u64::MAX))
}

/// Now, on the wall clock: for people.
pub(crate) fn wall() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "this is the one file that reads the time")]
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}

/// A number that nobody can foretell well enough to steer an election.
pub(crate) fn dice() -> u32 {
    static SEED: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static THROWS: AtomicU64 = AtomicU64::new(0);
    let hash = SEED.hash_one(THROWS.fetch_add(1, Ordering::Relaxed));
    (hash >> 32) as u32
}
