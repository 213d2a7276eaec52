//! The only waiting there is: a condition is looked at again until it holds or patience ends.
//!
//! Patience is the same for all and comes from `EVENKEEL_PATIENCE_S` (seconds, 10 if absent), so that a slow
//! machine needs one setting and no test a sleep.

use std::thread;
use std::time::{Duration, Instant};

/// How long anything in a test may take before it counts as broken.
pub fn patience() -> Duration {
    let seconds = std::env::var("EVENKEEL_PATIENCE_S").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(10))
}

/// Waits until `look` gives a value; panics with `what` when patience ends.
#[track_caller]
pub fn eventually<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    within(patience(), look).unwrap_or_else(|| panic!("never came true in {:?}: {what}", patience()))
}

/// Waits until `holds`; panics with `what` when patience ends.
#[track_caller]
pub fn eventually_true(what: &str, mut holds: impl FnMut() -> bool) {
    eventually(what, || holds().then_some(()));
}

/// Waits until `left` and `right` are equal; panics with both when patience ends.
#[track_caller]
pub fn eventually_equal<T: PartialEq + std::fmt::Debug>(right: &T, mut left: impl FnMut() -> T) {
    let mut last = left();
    let equal = within(patience(), || {
        last = left();
        (last == *right).then_some(())
    });
    assert!(equal.is_some(), "stayed\n  {last:?}\nand never became\n  {right:?}");
}

/// Waits at most `limit` until `look` gives a value.
pub fn within<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let stopwatch = Stopwatch::start();
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if stopwatch.elapsed() >= limit {
            return None;
        }
        rest();
    }
}

/// Measures how long something took.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[expect(clippy::disallowed_methods, reason = "the one place in the tests that reads the time")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since the start.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

#[expect(clippy::disallowed_methods, reason = "between two looks at a condition, and nowhere else")]
fn rest() {
    thread::sleep(Duration::from_millis(4));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_becomes_true_is_returned() {
        let mut looks = 0;
        let seen = within(Duration::from_secs(5), || {
            looks += 1;
            (looks == 3).then_some("seen")
        });
        assert_eq!((seen, looks), (Some("seen"), 3));
    }

    #[test]
    fn what_never_becomes_true_ends() {
        assert_eq!(within(Duration::from_millis(1), || None::<()>), None);
    }
}
