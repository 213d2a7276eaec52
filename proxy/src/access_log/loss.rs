//! Lines that could not be kept: counted always, told of now and then.

use std::sync::atomic::{AtomicU64, Ordering};

use evenkeel_protocol::Moment;

use crate::limits;

/// The losses of one log, or of all for one reason.
#[derive(Debug, Default)]
pub(super) struct Losses {
    lost: AtomicU64,
    told: AtomicU64,
    /// When the next telling may be, as a [`Moment`].
    tell_from: AtomicU64,
}

impl Losses {
    pub(super) fn add(&self, lines: u64) {
        self.lost.fetch_add(lines, Ordering::Relaxed);
    }

    /// All lines lost so far.
    pub(super) fn count(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// How many are to be told of now: to one caller, and at most once in [`limits::LOG_TELL_EVERY`].
    pub(super) fn due(&self, now: Moment) -> Option<u64> {
        let lost = self.count();
        let from = self.tell_from.load(Ordering::Relaxed);
        if lost == self.told.load(Ordering::Relaxed) || now.0 < from {
            return None;
        }
        let next = now.plus(limits::LOG_TELL_EVERY).0;
        self.tell_from.compare_exchange(from, next, Ordering::Relaxed, Ordering::Relaxed).ok()?;
        Some(lost.saturating_sub(self.told.swap(lost, Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_told_once_and_not_too_often() {
        let losses = Losses::default();
        let start = Moment(5);
        assert_eq!(losses.due(start), None);
        losses.add(3);
        assert_eq!(losses.due(start), Some(3));
        assert_eq!(losses.due(start), None);
        losses.add(4);
        losses.add(1);
        let soon = Moment(start.plus(limits::LOG_TELL_EVERY).0 - 1);
        assert_eq!(losses.due(soon), None);
        assert_eq!(losses.due(start.plus(limits::LOG_TELL_EVERY)), Some(5));
        assert_eq!(losses.count(), 8);
    }
}
