//! Changes that were asked for and did not get as far as the one door, as events and in the audit: forms of the manager
//! page, and calls on the socket that only lets look. Some are told at once, then one every ten seconds, and the rest
//! counted, so that who tries nonces can fill neither the audit nor the log.

use std::sync::{Mutex, PoisonError};

use evenkeel_protocol::{Code, Moment, Peer, RefusedEdit, Subject};

use crate::registry::Registry;
use crate::{clock, limits};

/// How many may be told.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<Bucket>);

#[derive(Debug, Default)]
struct Bucket {
    /// When all that were told are forgotten: each takes its while, one after the other.
    full_until: Moment,
    untold: u64,
}

impl Bucket {
    /// How many were not told before this one; none: this one is not told either.
    fn take(&mut self, now: Moment) -> Option<u64> {
        let from = self.full_until.max(now);
        let burst = limits::REFUSED_POST_EVERY.saturating_mul(limits::REFUSED_POSTS);
        let full_until = from.plus(limits::REFUSED_POST_EVERY);
        if full_until.since(now) > burst {
            self.untold += 1;
            return None;
        }
        self.full_until = full_until;
        Some(std::mem::take(&mut self.untold))
    }
}

impl Refusals {
    /// Tells that `by` was refused with `text` what it asked of `subject`; what names no balancer stands in the log
    /// alone, because nothing that exists was asked for.
    pub(crate) fn tell(
        &self,
        registry: &Registry,
        subject: Option<Subject>,
        (by, code, text): (Option<&Peer>, Code, &str),
    ) {
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner).take(clock::now());
        let Some(untold) = taken else { return };
        let more = match untold {
            0 => String::new(),
            untold => format!(" {untold} more before it were not told of."),
        };
        let message = format!("{text}{more}");
        let Some(subject) = subject else {
            let by = by.map(ToString::to_string);
            return tracing::warn!(by, message, "a change was refused that was asked of nobody");
        };
        let by = by.cloned();
        registry.tell_refused(RefusedEdit { subject, changes: Vec::new(), code, message, by, reason: None });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_told_and_then_one_now_and_then() {
        let mut bucket = Bucket::default();
        let start = Moment(1_000_000_000);
        let burst = limits::REFUSED_POSTS as usize;
        let told: Vec<_> = (0..burst + 50).map(|_| bucket.take(start)).collect();
        assert_eq!(told.iter().flatten().count(), burst);
        let later = start.plus(limits::REFUSED_POST_EVERY);
        assert_eq!((bucket.take(later), bucket.take(later)), (Some(50), None));
        let much_later = later.plus(limits::REFUSED_POST_EVERY * (limits::REFUSED_POSTS + 5));
        assert_eq!(bucket.take(much_later), Some(1));
        assert_eq!((0..burst + 9).filter_map(|_| bucket.take(much_later)).count(), burst - 1);
    }
}
