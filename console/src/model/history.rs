//! Requests a second over the last minute, from the differences of successive snapshots.
//!
//! Time comes with the snapshots. A counter that falls, or a gap, makes the rate unknown; it is never guessed.

use std::collections::VecDeque;
use std::fmt;

use evenkeel_protocol::Timestamp;

/// How many seconds are kept.
pub const SECONDS: usize = 60;

/// Snapshots that follow each other faster are taken together.
const SHORTEST: u64 = 900_000;

/// A longer silence is a gap, in whole seconds: longer than the slowest pace.
const GAP: u64 = 12;

/// Requests a second, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Rate(pub u64);

impl Rate {
    /// From a number of requests a second; what is no number, or below nothing, is nothing.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "such a cast ends at the ends of the range"
    )]
    pub fn of(requests: f64) -> Self {
        Self((requests * 1000.0).round() as u64)
    }

    /// The sum, at most the largest rate.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for Rate {
    /// One decimal below a thousand, none above.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = self.0.saturating_add(50) / 100;
        if tenths < 10_000 {
            write!(f, "{}.{}", tenths / 10, tenths % 10)
        } else {
            write!(f, "{}", tenths / 10)
        }
    }
}

/// What a counter counts a second, from its values at different moments.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Meter {
    base: Option<(Timestamp, u64)>,
    now: Option<Rate>,
}

impl Meter {
    /// Takes in the value of the counter at a moment; answers the rate since the one before, and for how many seconds
    /// it holds. None: the moments are too near to each other to tell, or this is the first.
    pub fn push(&mut self, taken: Timestamp, counter: u64) -> Option<(Option<Rate>, u64)> {
        let Some((since, before)) = self.base else {
            self.base = Some((taken, counter));
            return None;
        };
        let elapsed = taken.0.saturating_sub(since.0);
        let falls = taken < since || counter < before;
        if elapsed < SHORTEST && !falls {
            return None;
        }
        self.base = Some((taken, counter));
        let seconds = elapsed.saturating_add(500_000) / 1_000_000;
        self.now = if falls || seconds > GAP {
            None
        } else {
            let rate = u128::from(counter - before) * 1_000_000_000 / u128::from(elapsed.max(1));
            Some(Rate(u64::try_from(rate).unwrap_or(u64::MAX)))
        };
        Some((self.now, seconds.max(1)))
    }

    /// The latest rate, if it is known.
    pub fn now(&self) -> Option<Rate> {
        self.now
    }
}

/// A ring of rates, one a second, the newest last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    meter: Meter,
    rates: VecDeque<Option<Rate>>,
}

impl History {
    /// Takes in the value of the counter at a moment.
    pub fn push(&mut self, taken: Timestamp, counter: u64) {
        if let Some((rate, seconds)) = self.meter.push(taken, counter) {
            self.add(rate, seconds);
        }
    }

    /// Puts the seconds that were before the first one here in front of it, as the proxy remembers them: `past` ends
    /// with the last second, the newest last.
    pub fn begin_with(&mut self, past: &[Option<Rate>]) {
        let older = past.len().saturating_sub(self.rates.len());
        for rate in past.iter().take(older).rev().take(SECONDS - self.rates.len().min(SECONDS)) {
            self.rates.push_front(*rate);
        }
    }

    fn add(&mut self, rate: Option<Rate>, seconds: u64) {
        for _ in 0..seconds.min(SECONDS as u64) {
            if self.rates.len() == SECONDS {
                self.rates.pop_front();
            }
            self.rates.push_back(rate);
        }
    }

    /// The latest rate, if it is known.
    pub fn now(&self) -> Option<Rate> {
        self.rates.back().copied().flatten()
    }

    /// The last minute, the newest last; unknown seconds included, at most [`SECONDS`] long.
    pub fn rates(&self) -> impl DoubleEndedIterator<Item = Option<Rate>> + ExactSizeIterator + '_ {
        self.rates.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp(1_000_000_000 + millis * 1000)
    }

    #[test]
    fn rates_are_differences_over_the_time_between_snapshots() {
        let none: &[Option<u64>] = &[];
        for (what, snapshots, wanted) in [
            ("one snapshot tells nothing", &[(0, 5)][..], none),
            ("one second", &[(0, 5), (1000, 15)], &[Some(10_000)]),
            ("half the rate in two seconds", &[(0, 0), (2000, 10)], &[Some(5000), Some(5000)]),
            ("too soon waits for more", &[(0, 0), (100, 3), (1000, 10)], &[Some(10_000)]),
            ("a counter that falls", &[(0, 50), (1000, 3), (2000, 5)], &[None, Some(2000)]),
            ("a clock that falls", &[(5000, 5), (4000, 9), (5000, 10)], &[None, Some(1000)]),
            ("the slowest pace", &[(0, 0), (10_000, 100)], &[Some(10_000); 10]),
            ("a gap", &[(0, 0), (14_000, 1_400)], &[None; 14]),
        ] {
            let mut history = History::default();
            for (millis, counter) in snapshots {
                history.push(at(*millis), *counter);
            }
            let rates: Vec<Option<u64>> = history.rates().map(|rate| rate.map(|rate| rate.0)).collect();
            assert_eq!(rates, wanted, "{what}");
        }
    }

    #[test]
    fn what_the_proxy_remembers_stands_before_what_was_seen() {
        let past: Vec<Option<Rate>> = (0..SECONDS as u64).map(|second| Some(Rate(second))).collect();
        let mut history = History::default();
        history.begin_with(&past[50..]);
        assert_eq!(history.rates().collect::<Vec<_>>(), past[50..]);
        history.begin_with(&past);
        assert_eq!(history.rates().len(), SECONDS, "only what is older is added");
        assert_eq!(history.rates().next(), Some(Some(Rate(0))));
        history.begin_with(&past);
        assert_eq!(history.rates().len(), SECONDS);
    }

    #[test]
    fn a_minute_is_kept_and_no_more() {
        let mut history = History::default();
        for second in 0..200 {
            history.push(at(second * 1000), second * second);
        }
        assert_eq!(history.rates().len(), SECONDS);
        assert_eq!(history.now(), Some(Rate(397_000)));
        history.push(at(u64::MAX / 2000), u64::MAX);
        assert_eq!(history.rates().len(), SECONDS);
    }

    #[test]
    fn rates_read_well() {
        for (rate, text) in
            [(0, "0.0"), (49, "0.0"), (50, "0.1"), (12_340, "12.3"), (999_949, "999.9"), (1_000_000, "1000")]
        {
            assert_eq!(Rate(rate).to_string(), text);
        }
    }
}
