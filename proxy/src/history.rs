//! What is remembered of members: a record each, which reads the member's counters once a second, off the path of
//! requests. A record belongs to a member of a name and outlives readings of the configuration.
//!
//! Memory for each member: 2 kB while nothing happens, some 18 kB under traffic with latencies of a usual spread, and at
//! most 32 kB with one of every kind; beside them 1,664 bytes of histogram for each core that answered, for at most eight.
//!
//! | file | what |
//! | --- | --- |
//! | `history/past.rs` | the last hour of one member |
//! | `history/ring.rs` | cells of time in a circle |
//! | `history/rough.rs` | numbers in 16 bits |
//! | `history/slices.rs` | latencies that can be added up |
//! | `history/sampler.rs` | who reads the counters, and when |
//! | `history/view.rs` | what is answered to who asks |

mod past;
mod ring;
mod rough;
mod sampler;
mod slices;
mod view;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use evenkeel_balancer::latency::BUCKETS;
use evenkeel_balancer::{Dial, Reading};
use evenkeel_protocol::{Latencies, Moment};

use crate::clock;
use crate::history::past::{Past, Sample};

pub(crate) use sampler::run;
pub(crate) use view::view;

/// The seconds of the sampler: the first begins with the proxy. They go on while the machine sleeps.
#[derive(Debug)]
pub(crate) struct Axis {
    /// When second 0 ended.
    zero: Moment,
    /// The lead of [`clock::uptime`] on [`clock::now`] at that time, in seconds.
    lead: u64,
    /// Seconds that the machine has slept since.
    slept: AtomicU64,
    /// The last second whose sampling was begun.
    last: AtomicU64,
}

impl Axis {
    pub(crate) fn new() -> Self {
        Self { zero: clock::now(), lead: lead(), slept: AtomicU64::new(0), last: AtomicU64::new(0) }
    }

    /// A turn begins: the second whose end is nearest to now.
    fn turn(&self) -> u64 {
        let before = self.slept.load(Ordering::Relaxed);
        self.slept.store(slept(before, lead().saturating_sub(self.lead)), Ordering::Relaxed);
        let second = (self.age() + 500_000) / 1_000_000;
        self.last.store(second, Ordering::Relaxed);
        second
    }

    fn last(&self) -> u64 {
        self.last.load(Ordering::Relaxed)
    }

    /// How many microseconds ago second 0 ended.
    fn age(&self) -> u64 {
        let slept = self.slept.load(Ordering::Relaxed).saturating_mul(1_000_000);
        clock::now().0.saturating_sub(self.zero.0).saturating_add(slept)
    }
}

fn lead() -> u64 {
    clock::uptime().saturating_sub(clock::now().0 / 1_000_000)
}

/// How many seconds the machine has slept if that was the number `before`, and the lead has grown by so much since the
/// start. Both clocks are read in whole seconds, so that one may be none.
fn slept(before: u64, grown: u64) -> u64 {
    if grown >= before + 2 { grown } else { before }
}

/// The record of one member.
#[derive(Debug)]
pub(crate) struct Record {
    dial: Dial,
    past: Mutex<Past>,
    /// The most bytes that were told of to who counts on: the counter itself goes back by what was handed back unsent.
    sent: AtomicU64,
}

impl Record {
    pub(crate) fn new(dial: Dial) -> Self {
        Self { dial, past: Mutex::new(Past::new()), sent: AtomicU64::new(0) }
    }

    fn past(&self) -> MutexGuard<'_, Past> {
        // A past keeps its invariants even where a caller panicked.
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was counted so far; none of its counters ever goes back.
    pub(crate) fn read(&self) -> Reading {
        let mut reading = self.dial.read();
        let before = self.sent.fetch_max(reading.sent, Ordering::Relaxed);
        reading.sent = reading.sent.max(before);
        reading
    }

    /// Elections so far, and those of them for a session.
    pub(crate) fn elections(&self) -> (u64, u64) {
        self.dial.elections()
    }

    /// All latencies so far, by bucket.
    pub(crate) fn counts(&self) -> [u64; BUCKETS] {
        self.dial.latencies()
    }

    /// Percentiles as of the last second.
    pub(crate) fn latencies(&self) -> Latencies {
        self.past().shown()
    }

    /// Bytes of memory that the past takes.
    pub(crate) fn bytes(&self) -> usize {
        self.past().bytes()
    }

    fn sample(&self, second: u64, sessions: Option<u64>) {
        let sample = Sample { second, reading: self.read(), sessions };
        self.past().take(sample, || self.dial.latencies());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_is_noticed_and_a_rounded_second_is_none() {
        let grown = [0, 1, 0, 1, 61, 60, 61, 62, 63, 64];
        let told = grown.iter().scan(0, |before, grown| {
            *before = slept(*before, *grown);
            Some(*before)
        });
        assert_eq!(told.collect::<Vec<_>>(), [0, 0, 0, 0, 61, 61, 61, 61, 63, 63]);
    }

    #[test]
    fn seconds_go_on_after_a_sleep() {
        let axis = Axis::new();
        assert_eq!((axis.turn(), axis.last()), (0, 0));
        axis.slept.store(100, Ordering::Relaxed);
        assert_eq!((axis.turn(), axis.last()), (100, 100));
    }
}
