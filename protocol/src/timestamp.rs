//! Time as plain numbers: nothing here reads a clock.
//!
//! Decisions use [`Moment`] (monotonic, never steps); what people see uses [`Timestamp`] (wall clock).

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Microseconds on a monotonic clock whose zero is the start of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment(pub u64);

impl Moment {
    /// `self` plus `duration`, at most the end of time.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)))
    }

    /// How long ago `earlier` was; nothing if it lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

/// Microseconds since 1970-01-01 00:00 UTC; in JSON a whole number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// `self` minus `duration`, at least 1970.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)))
    }

    /// `self` plus `duration`, at most the end of time.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)))
    }

    /// How long ago `earlier` was; nothing if it lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_cannot_overflow() {
        assert_eq!(Moment(u64::MAX).plus(Duration::MAX), Moment(u64::MAX));
        assert_eq!(Moment(1).since(Moment(5)), Duration::ZERO);
        assert_eq!(Timestamp(3).minus(Duration::MAX), Timestamp(0));
        assert_eq!(Timestamp(3_000_000).since(Timestamp(1_000_000)), Duration::from_secs(2));
    }
}
