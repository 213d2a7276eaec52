//! A member's counters, and the lease through which a request moves them without taking a lock.
//!
//! Bytes and answers are counted in one cell a core and summed by whoever reads them. Busy is one number, because
//! an election compares it. Latencies are counted in a histogram for each core, up to [`HISTOGRAMS`] of them, made when
//! the first answer comes: 1,664 bytes each.

use std::fmt;
use std::sync::atomic::{
    AtomicBool, AtomicU8, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
use std::sync::{Arc, OnceLock};

use evenkeel_protocol::{Answers, Busy};

use crate::latency::{BUCKETS, Histogram};
use crate::member::MemberId;

/// The most histograms of one member; further cores share them, so that many cores times many members stay small.
const HISTOGRAMS: usize = 8;

/// The counters of one core, on cache lines of their own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Cell {
    sent: AtomicU64,
    received: AtomicU64,
    failed: AtomicU64,
    /// Answers by the class of their status.
    answers: [AtomicU64; 5],
    /// Microseconds of all answers together.
    latency: AtomicU64,
    failovers: AtomicU64,
    repeats: AtomicU64,
}

/// The trial of a member whose error was lifted: the first request elected to it is the probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Trial {
    /// Nothing to find out.
    None,
    /// The next request that is elected to it probes it.
    Due,
    /// A request is about to find out; others avoid the member meanwhile if they can.
    Running,
}

/// The counters of one member, shared by its leases.
#[derive(Debug)]
pub(crate) struct Tally {
    busy: AtomicU64,
    /// Of busy, answers that go on and upgraded connections. Most requests never touch these.
    streaming: AtomicU64,
    upgraded: AtomicU64,
    elected: AtomicU64,
    sticky: AtomicU64,
    trial: AtomicU8,
    attentive: AtomicBool,
    // What the byte counters are counted from: a reset moves these, so that adders never race with it.
    sent_before: AtomicU64,
    received_before: AtomicU64,
    cells: Box<[Cell]>,
    histograms: Box<[OnceLock<Box<Histogram>>]>,
}

impl Tally {
    pub(crate) fn new(cores: usize) -> Self {
        Self {
            busy: AtomicU64::new(0),
            streaming: AtomicU64::new(0),
            upgraded: AtomicU64::new(0),
            elected: AtomicU64::new(0),
            sticky: AtomicU64::new(0),
            trial: AtomicU8::new(Trial::None as u8),
            attentive: AtomicBool::new(false),
            sent_before: AtomicU64::new(0),
            received_before: AtomicU64::new(0),
            cells: (0..cores.max(1)).map(|_| Cell::default()).collect(),
            histograms: (0..cores.clamp(1, HISTOGRAMS)).map(|_| OnceLock::new()).collect(),
        }
    }

    /// One with the same numbers that has nothing more to do with this one.
    pub(crate) fn copied(&self) -> Self {
        let copy = Self::new(1);
        copy.busy.store(self.busy(), Relaxed);
        copy.elected.store(self.elected(), Relaxed);
        copy.sticky.store(self.sticky(), Relaxed);
        copy.trial.store(self.trial.load(Relaxed), Relaxed);
        copy.attentive.store(self.attentive.load(Relaxed), Relaxed);
        copy.sent_before.store(self.transferred().wrapping_neg(), Relaxed);
        copy.received_before.store(self.read().wrapping_neg(), Relaxed);
        copy
    }

    fn sum(&self, counter: impl Fn(&Cell) -> &AtomicU64) -> u64 {
        self.cells.iter().fold(0, |sum, cell| sum.wrapping_add(counter(cell).load(Relaxed)))
    }

    /// Requests in flight.
    pub(crate) fn busy(&self) -> u64 {
        self.busy.load(Relaxed)
    }

    /// The same, by what they are.
    pub(crate) fn busy_kinds(&self) -> Busy {
        let (upgraded, streaming) = (self.upgraded.load(Relaxed), self.streaming.load(Relaxed));
        // Read last and without a lock: the sum of the three is at least what is busy now.
        let requests = self.busy.load(Acquire).saturating_sub(upgraded.saturating_add(streaming));
        Busy { requests, streaming, upgraded }
    }

    /// How often it was elected.
    pub(crate) fn elected(&self) -> u64 {
        self.elected.load(Relaxed)
    }

    /// How often it was elected for a session of its own.
    pub(crate) fn sticky(&self) -> u64 {
        self.sticky.load(Relaxed)
    }

    /// Counts an election for a session.
    pub(crate) fn count_sticky(&self) {
        self.sticky.fetch_add(1, Relaxed);
    }

    /// Of a copy: nothing is in flight. The real number belongs to the leases.
    pub(crate) fn forget_busy(&self) {
        self.busy.store(0, Relaxed);
    }

    /// Bytes sent to the member since the last reset: httpd's `transferred`, its column To.
    pub(crate) fn transferred(&self) -> u64 {
        self.sum(|cell| &cell.sent).wrapping_sub(self.sent_before.load(Relaxed))
    }

    /// Bytes read from the member since the last reset: httpd's `read`, its column From.
    pub(crate) fn read(&self) -> u64 {
        self.sum(|cell| &cell.received).wrapping_sub(self.received_before.load(Relaxed))
    }

    /// Requests that the member answered, by the class of the status.
    pub(crate) fn answers(&self) -> Answers {
        Answers::new(std::array::from_fn(|class| {
            self.cells
                .iter()
                .filter_map(|cell| cell.answers.get(class))
                .fold(0, |sum, count| count.load(Relaxed).wrapping_add(sum))
        }))
    }

    /// Requests that went elsewhere after a try here.
    pub(crate) fn failovers(&self) -> u64 {
        self.sum(|cell| &cell.failovers)
    }

    /// Requests that were sent once more on a fresh connection.
    pub(crate) fn repeats(&self) -> u64 {
        self.sum(|cell| &cell.repeats)
    }

    /// Tries that ended without an answer of its own.
    pub(crate) fn failed(&self) -> u64 {
        self.sum(|cell| &cell.failed)
    }

    /// Sets both byte counters to zero.
    pub(crate) fn reset_bytes(&self) {
        self.sent_before.store(self.sum(|cell| &cell.sent), Relaxed);
        self.received_before.store(self.sum(|cell| &cell.received), Relaxed);
    }

    /// From now on, must an answer be settled under the lock?
    pub(crate) fn set_attentive(&self, attentive: bool) {
        self.attentive.store(attentive, Relaxed);
    }

    pub(crate) fn trial(&self) -> Trial {
        match self.trial.load(Relaxed) {
            1 => Trial::Due,
            2 => Trial::Running,
            _ => Trial::None,
        }
    }

    pub(crate) fn set_trial(&self, trial: Trial) {
        self.trial.store(trial as u8, Relaxed);
    }
}

/// One request's hold on an elected member. While it lives the member is busy with it.
///
/// Keep the leases of all members tried until the end of the client's request, as httpd does: a lease that is
/// dropped lowers busy by one, whatever became of the request.
pub struct Lease {
    member: MemberId,
    probes: bool,
    lasting: Lasting,
    meter: Meter,
}

/// What became of a request that lasts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lasting {
    /// Nothing: it is one like any other.
    Not,
    /// Its answer goes on.
    Streams,
    /// Its connection was upgraded.
    Upgraded,
}

impl Lasting {
    fn counter(self, tally: &Tally) -> Option<&AtomicU64> {
        match self {
            Self::Not => None,
            Self::Streams => Some(&tally.streaming),
            Self::Upgraded => Some(&tally.upgraded),
        }
    }
}

/// Counts bytes for a lease where the lease itself cannot be, for instance in a body on its way. Not a hold on the
/// member: it does not count as busy.
#[derive(Debug, Clone)]
pub struct Meter {
    core: usize,
    tally: Arc<Tally>,
}

impl Meter {
    fn add(&self, counter: impl Fn(&Cell) -> &AtomicU64, amount: u64) {
        if let Some(cell) = self.tally.cells.get(self.core) {
            counter(cell).fetch_add(amount, Relaxed);
        }
    }

    fn answered(&self, status: u16, micros: u64) {
        let Tally { cells, histograms, .. } = &*self.tally;
        if let Some(cell) = cells.get(self.core) {
            if let Some(class) = cell.answers.get(usize::from(status / 100).clamp(1, 5) - 1) {
                class.fetch_add(1, Relaxed);
            }
            cell.latency.fetch_add(micros, Relaxed);
        }
        if let Some(histogram) = histograms.get(self.core % histograms.len().max(1)) {
            histogram.get_or_init(|| Box::new(Histogram::new())).count(micros);
        }
    }

    /// `bytes` were handed to the connection (request line, head and body).
    pub fn sent(&self, bytes: u64) {
        self.add(|cell| &cell.sent, bytes);
    }

    /// `bytes` that were counted as sent were handed back before any of them left.
    pub fn unsent(&self, bytes: u64) {
        self.add(|cell| &cell.sent, bytes.wrapping_neg());
    }

    /// `bytes` were read, counted as httpd does: the status line without its end, and the body.
    pub fn received(&self, bytes: u64) {
        self.add(|cell| &cell.received, bytes);
    }
}

/// What was counted of a member since it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reading {
    /// How often it was elected.
    pub elected: u64,
    /// What it answered.
    pub answers: Answers,
    /// Tries that ended without an answer of its own.
    pub failed: u64,
    /// Requests that went elsewhere after a try here.
    pub failovers: u64,
    /// Requests that were sent once more on a fresh connection.
    pub repeats: u64,
    /// Requests in flight.
    pub busy: u64,
    /// Bytes sent to it; no reset of what is shown as its traffic sets it back.
    pub sent: u64,
    /// Bytes read from it; no reset sets it back either.
    pub received: u64,
    /// Microseconds of all answers together.
    pub latency: u64,
}

/// Reads the counters of one member at any time, without its balancer's lock. They go on when the configuration is read
/// anew, and so does this.
#[derive(Debug, Clone)]
pub struct Dial(Arc<Tally>);

impl Dial {
    pub(crate) fn of(tally: &Arc<Tally>) -> Self {
        Self(Arc::clone(tally))
    }

    /// What it counts now. The numbers are read one after the other while others count on.
    pub fn read(&self) -> Reading {
        let tally = &self.0;
        Reading {
            elected: tally.elected(),
            answers: tally.answers(),
            failed: tally.failed(),
            failovers: tally.failovers(),
            repeats: tally.repeats(),
            busy: tally.busy(),
            sent: tally.sum(|cell| &cell.sent),
            received: tally.sum(|cell| &cell.received),
            latency: tally.sum(|cell| &cell.latency),
        }
    }

    /// How often it was elected, and how often of those for a session.
    pub fn elections(&self) -> (u64, u64) {
        // A session is counted first.
        let sticky = self.0.sticky();
        (self.0.elected(), sticky)
    }

    /// Its latencies since it came, in the buckets of [`crate::latency`].
    pub fn latencies(&self) -> [u64; BUCKETS] {
        let mut counts = [0; BUCKETS];
        for histogram in self.0.histograms.iter().filter_map(OnceLock::get) {
            histogram.add_to(&mut counts);
        }
        counts
    }
}

impl Lease {
    /// Counts an election and raises busy. Called under the balancer's lock.
    pub(crate) fn take(member: MemberId, tally: &Arc<Tally>, core: usize) -> Self {
        tally.elected.fetch_add(1, Relaxed);
        tally.busy.fetch_add(1, Relaxed);
        let probes = tally.trial() == Trial::Due;
        if probes {
            tally.set_trial(Trial::Running);
        }
        let meter = Meter { core: core % tally.cells.len().max(1), tally: Arc::clone(tally) };
        Self { member, probes, lasting: Lasting::Not, meter }
    }

    fn end_trial(&self, trial: Trial) {
        if self.probes {
            let (from, to) = (Trial::Running as u8, trial as u8);
            // A second end of the same trial, or one that a new error has overtaken, changes nothing.
            let _ = self.meter.tally.trial.compare_exchange(from, to, Relaxed, Relaxed);
        }
    }

    /// The answer has begun and goes on: it counts as streaming until the end.
    pub fn streams(&mut self) {
        if self.lasting == Lasting::Not {
            self.lasts(Lasting::Streams);
        }
    }

    /// The connection was upgraded: it counts as such until the end.
    pub fn upgraded(&mut self) {
        self.lasts(Lasting::Upgraded);
    }

    fn lasts(&mut self, lasting: Lasting) {
        let before = std::mem::replace(&mut self.lasting, lasting);
        if let Some(counter) = before.counter(&self.meter.tally) {
            counter.fetch_sub(1, Relaxed);
        }
        if let Some(counter) = lasting.counter(&self.meter.tally) {
            counter.fetch_add(1, Relaxed);
        }
    }

    /// Whom it holds.
    pub fn member(&self) -> MemberId {
        self.member
    }

    /// Is this the one request that tries a member after its error was lifted? Others avoid the member until
    /// [`Self::connected`], [`Self::answered`], [`Self::failed`] or the end of this lease.
    pub fn is_probe(&self) -> bool {
        self.probes
    }

    /// A connection to the member stands.
    pub fn connected(&self) {
        self.end_trial(Trial::None);
    }

    /// As [`Meter::sent`].
    pub fn sent(&self, bytes: u64) {
        self.meter.sent(bytes);
    }

    /// As [`Meter::received`].
    pub fn received(&self, bytes: u64) {
        self.meter.received(bytes);
    }

    /// A counter of bytes; a copy of it may outlive the lease.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// The member has answered with this `status`, after so many microseconds. True if this needs a word with the
    /// balancer: then settle the answer.
    pub fn answered(&self, status: u16, micros: u64) -> bool {
        self.end_trial(Trial::None);
        self.meter.answered(status, micros);
        self.meter.tally.attentive.load(Relaxed)
    }

    /// The request was elected away from the member, after a try here.
    pub fn passed_on(&self) {
        self.meter.add(|cell| &cell.failovers, 1);
    }

    /// The request is sent once more to the member, on a fresh connection.
    pub fn repeated(&self) {
        self.meter.add(|cell| &cell.repeats, 1);
    }

    /// The try has ended without an answer of the member. Counts it; the verdict comes from settling the failure.
    pub fn failed(&self) {
        self.end_trial(Trial::None);
        self.meter.add(|cell| &cell.failed, 1);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // A probe that ended without finding out leaves the question to the next request.
        self.end_trial(Trial::Due);
        if let Some(counter) = self.lasting.counter(&self.meter.tally) {
            counter.fetch_sub(1, Relaxed);
        }
        // What was done before is seen by who sees this.
        self.meter.tally.busy.fetch_sub(1, Release);
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("member", &self.member)
            .field("probes", &self.probes)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latency::bucket_of;

    fn tally(cores: usize) -> Arc<Tally> {
        Arc::new(Tally::new(cores))
    }

    #[test]
    fn cells_are_summed_and_any_core_has_one() {
        let tally = tally(2);
        for core in [0, 1, 2, usize::MAX] {
            let lease = Lease::take(MemberId(0), &tally, core);
            lease.sent(10);
            lease.received(3);
            assert!(!lease.answered(204, 700));
        }
        assert_eq!((tally.transferred(), tally.read(), tally.failed()), (40, 12, 0));
        let dial = Dial::of(&tally);
        assert_eq!((dial.read().answers, dial.read().latency), (Answers::new([0, 4, 0, 0, 0]), 2800));
        assert_eq!(dial.latencies()[bucket_of(700)], 4);
        assert_eq!(tally.busy(), 0);
    }

    #[test]
    fn what_lasts_is_told_apart_as_long_as_it_does() {
        let tally = tally(1);
        let mut leases: Vec<Lease> = (0..4).map(|_| Lease::take(MemberId(0), &tally, 0)).collect();
        leases[0].upgraded();
        leases[1].streams();
        leases[1].streams();
        assert_eq!(tally.busy_kinds(), Busy { requests: 2, streaming: 1, upgraded: 1 });
        leases.remove(0);
        assert_eq!(tally.busy_kinds(), Busy { requests: 2, streaming: 1, upgraded: 0 });
        leases.clear();
        assert_eq!(tally.busy_kinds(), Busy::default());
    }

    #[test]
    fn answers_are_counted_by_class_and_many_cores_share_histograms() {
        let tally = tally(64);
        for (core, status) in [(0, 101), (63, 200), (8, 299), (9, 304), (10, 404), (11, 500), (12, 599)] {
            Lease::take(MemberId(0), &tally, core).answered(status, 10);
        }
        let dial = Dial::of(&tally);
        assert_eq!(dial.read().answers, Answers::new([1, 2, 1, 1, 2]));
        assert_eq!((tally.histograms.len(), dial.latencies()[bucket_of(10)]), (HISTOGRAMS, 7));
        let lease = Lease::take(MemberId(0), &tally, 3);
        lease.passed_on();
        lease.repeated();
        assert_eq!((dial.read().failovers, dial.read().repeats), (1, 1));
    }

    #[test]
    fn a_reset_of_bytes_keeps_what_is_added_later() {
        let tally = tally(0);
        let lease = Lease::take(MemberId(0), &tally, 7);
        lease.sent(10);
        lease.received(20);
        tally.reset_bytes();
        lease.sent(1);
        lease.received(2);
        assert_eq!((tally.transferred(), tally.read(), tally.busy()), (1, 2, 1));
        let Reading { sent, received, .. } = Dial::of(&tally).read();
        assert_eq!((sent, received), (11, 22), "what is measured goes on");
        lease.meter().unsent(1);
        assert_eq!(tally.transferred(), 0);
    }

    #[test]
    fn the_first_lease_of_a_trial_is_the_probe_until_it_knows() {
        let tally = tally(1);
        tally.set_trial(Trial::Due);
        let probe = Lease::take(MemberId(0), &tally, 0);
        let other = Lease::take(MemberId(0), &tally, 0);
        assert!(probe.is_probe() && !other.is_probe());
        other.answered(200, 1);
        assert_eq!(tally.trial(), Trial::Running);
        drop(probe);
        assert_eq!(tally.trial(), Trial::Due, "a probe that was abandoned found out nothing");
        let probe = Lease::take(MemberId(0), &tally, 0);
        probe.connected();
        assert_eq!(tally.trial(), Trial::None);
        drop(probe);
        assert_eq!(tally.trial(), Trial::None);
    }
}
