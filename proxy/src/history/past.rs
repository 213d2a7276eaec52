//! The last hour of one member: a second a cell for five minutes, ten seconds a cell for an hour. What was sampled comes
//! in, with the second in which it was; nothing here reads a clock or a counter.

use evenkeel_balancer::Reading;
use evenkeel_balancer::latency::BUCKETS;
use evenkeel_protocol::{Fold, Latencies, Latency, Series};

use super::ring::{Numbers, Ring};
use super::slices::{Counts, Slices, percentiles};

/// Seconds of which each has a cell.
const SECONDS: usize = 300;
pub(super) const FINE: u64 = SECONDS as u64;
/// Seconds of the other cells, and how many there are: one more than an hour, because the newest is not over.
pub(super) const COARSE_STEP: u64 = 10;
const COARSE: usize = 361;
/// Seconds of the short span of latencies, and cells of ten seconds of the long one.
const SHORT: u64 = 10;
const LONG: u64 = 30;

/// What is seen of a member in one turn of the sampler.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    /// The number of the second that ends now.
    pub(super) second: u64,
    pub(super) reading: Reading,
    /// Live sessions of its route; none: unknown.
    pub(super) sessions: Option<u64>,
}

/// The last hour of one member.
#[derive(Debug)]
pub(super) struct Past {
    /// The last sample; what comes next is counted from it.
    before: Option<Sample>,
    /// Latencies as of the last sample; none: there were none yet.
    latencies: Option<Box<Counts>>,
    fine: Ring<SECONDS>,
    coarse: Ring<COARSE>,
    /// What the newest of the coarse cells holds, unrounded.
    open: (u64, Numbers),
    short: Slices<SHORT>,
    long: Slices<LONG>,
    shown: Latencies,
}

impl Past {
    pub(super) fn new() -> Self {
        Self {
            before: None,
            latencies: None,
            fine: Ring::new(),
            coarse: Ring::new(),
            open: (0, Numbers::default()),
            short: Slices::default(),
            long: Slices::default(),
            shown: Latencies::default(),
        }
    }

    /// Percentiles as of the last sample.
    pub(super) fn shown(&self) -> Latencies {
        self.shown
    }

    /// Takes a sample in. Only two in a row tell what happened in a second; after a gap it is begun anew, so that nothing
    /// that happened in the gap is laid to a later second. `latencies` are asked for only if answers were counted.
    pub(super) fn take(&mut self, sample: Sample, latencies: impl FnOnce() -> Counts) {
        let second = sample.second;
        if self.before.is_some_and(|before| before.second >= second) {
            return;
        }
        let before = self.before.replace(sample);
        let total = sample.reading.answers.total();
        let answered = before.map_or(0, |before| before.reading.answers.total()) != total;
        let fresh = answered.then(|| self.fresh_latencies(&latencies())).flatten();
        let Some(before) = before.filter(|before| before.second + 1 == second) else {
            self.put_latencies(second, None);
            self.shown = self.show(second);
            return;
        };
        self.put_latencies(second, fresh.as_ref());
        let fresh = percentiles(fresh.as_ref());
        let mut numbers = numbers_between(&before.reading, &sample, fresh);
        self.fine.put(second, &numbers);
        let cell = second / COARSE_STEP;
        if self.open.0 != cell {
            self.open = (cell, Numbers::default());
        }
        let [p50, p90, p99] = percentiles(self.long.newest(cell).as_ref());
        for (series, (open, number)) in Series::ALL.into_iter().zip(self.open.1.iter_mut().zip(&mut numbers))
        {
            *open = match (series, series.fold()) {
                (Series::P50, _) => p50,
                (Series::P90, _) => p90,
                (Series::P99, _) => p99,
                (_, Fold::Mean) => open.saturating_add(*number),
                (_, Fold::Highest) => (*open).max(*number),
            };
        }
        self.coarse.put(cell, &self.open.1);
        self.shown = self.show(second);
    }

    /// What was counted since the last sample; none if there was nothing.
    fn fresh_latencies(&mut self, now: &Counts) -> Option<Counts> {
        let mut fresh = [0; BUCKETS];
        let before = self.latencies.get_or_insert_with(|| Box::new([0; BUCKETS]));
        for ((fresh, now), before) in fresh.iter_mut().zip(now).zip(before.iter_mut()) {
            *fresh = now.saturating_sub(std::mem::replace(before, *now));
        }
        fresh.iter().any(|count| *count > 0).then_some(fresh)
    }

    fn put_latencies(&mut self, second: u64, fresh: Option<&Counts>) {
        self.short.put(second, fresh);
        self.long.put(second / COARSE_STEP, fresh);
    }

    fn show(&self, second: u64) -> Latencies {
        let first = (second / COARSE_STEP).saturating_sub(LONG - 1) * COARSE_STEP;
        let latency = |counts: Option<Counts>, first: u64| {
            let counts = counts?;
            let seconds: u64 = (first..=second).map(|cell| self.fine.observed(cell)).sum();
            let [p50_us, p90_us, p99_us] = percentiles(Some(&counts));
            Some(Latency { p50_us, p90_us, p99_us, samples: counts.iter().sum(), span_ms: seconds * 1000 })
        };
        Latencies {
            last_10s: latency(self.short.sum(), second.saturating_sub(SHORT - 1)),
            last_5m: latency(self.long.sum(), first),
        }
    }

    /// What the seconds after `from` up to and with `to` say of a series; none if they were not observed.
    pub(super) fn point(&self, series: Series, (from, to): (u64, u64), grain: Grain) -> Option<f64> {
        let index = Series::ALL.iter().position(|one| *one == series)?;
        match grain {
            Grain::Fine => fold(&self.fine, (series, index), from + 1..=to),
            // A coarse cell holds the seconds whose number begins alike.
            Grain::Coarse => fold(&self.coarse, (series, index), (from + 1) / COARSE_STEP..=to / COARSE_STEP),
        }
    }

    /// Bytes of memory that it takes.
    pub(super) fn bytes(&self) -> usize {
        let latencies = self.latencies.as_ref().map_or(0, |counts| size_of_val(&**counts));
        let rings = self.fine.bytes() + self.coarse.bytes();
        size_of::<Self>() + latencies + rings + self.short.bytes() + self.long.bytes()
    }
}

/// Which cells a point is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grain {
    /// Seconds.
    Fine,
    /// Ten seconds.
    Coarse,
}

fn fold<const CELLS: usize>(
    ring: &Ring<CELLS>,
    (series, index): (Series, usize),
    cells: std::ops::RangeInclusive<u64>,
) -> Option<f64> {
    let seen = cells.map(|cell| (ring.observed(cell), cell)).filter(|(seconds, _)| *seconds > 0);
    let seen = seen.map(|(seconds, cell)| (seconds, ring.number(cell, index)));
    let (seconds, sum, highest) = seen.fold((0, 0u64, 0), |(seconds, sum, highest), (more, number)| {
        (seconds + more, sum.saturating_add(number), number.max(highest))
    });
    if seconds == 0 {
        return None;
    }
    match series {
        Series::P50 | Series::P90 | Series::P99 if highest == 0 => None,
        // Kept as one more, so that 0 says that it is unknown.
        Series::Sessions => highest.checked_sub(1).map(decimal),
        _ if series.fold() == Fold::Highest => Some(decimal(highest)),
        _ => Some((decimal(sum) / decimal(seconds) * 1000.0).round() / 1000.0),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a graph needs no more than 52 bits")]
fn decimal(number: u64) -> f64 {
    number as f64
}

/// What happened between two samples, in the order of [`Series::ALL`].
fn numbers_between(before: &Reading, now: &Sample, [p50, p90, p99]: [u64; 3]) -> Numbers {
    let Sample { reading: now, sessions, .. } = now;
    let since = |counter: fn(&Reading) -> u64| counter(now).saturating_sub(counter(before));
    Series::ALL.map(|series| match series {
        Series::Elected => since(|reading| reading.elected),
        Series::Served => since(|reading| reading.answers.total()),
        Series::Failed => since(|reading| reading.failed),
        Series::Failovers => since(|reading| reading.failovers),
        Series::Refused => since(|reading| reading.answers.refused),
        Series::Erring => since(|reading| reading.answers.erring),
        Series::Busy => now.busy,
        Series::To => since(|reading| reading.sent),
        Series::From => since(|reading| reading.received),
        Series::P50 => p50,
        Series::P90 => p90,
        Series::P99 => p99,
        Series::Sessions => sessions.map_or(0, |sessions| sessions.saturating_add(1)),
    })
}

#[cfg(test)]
mod tests {
    use evenkeel_balancer::latency::bucket_of;
    use evenkeel_protocol::Answers;

    use super::*;

    fn sample(second: u64, served: u64, busy: u64) -> Sample {
        let answers = Answers::new([0, served, 0, 0, 0]);
        let reading = Reading { elected: served, answers, busy, sent: 10 * served, ..Reading::default() };
        Sample { second, reading, sessions: None }
    }

    /// All answers took that long.
    fn counts(served: u64, micros: u64) -> Counts {
        let mut counts = [0; BUCKETS];
        counts[bucket_of(micros)] = served;
        counts
    }

    fn points(past: &Past, series: Series, seconds: std::ops::Range<u64>) -> Vec<Option<f64>> {
        seconds.map(|second| past.point(series, (second - 1, second), Grain::Fine)).collect()
    }

    #[test]
    fn a_gap_is_a_gap_and_what_fell_into_it_is_laid_to_no_second() {
        let mut past = Past::new();
        for (second, served) in [(10, 100), (11, 103), (12, 103), (15, 900), (16, 902)] {
            past.take(sample(second, served, second), || counts(served, 5));
        }
        let served = points(&past, Series::Served, 9..18);
        assert_eq!(served, [None, None, Some(3.0), Some(0.0), None, None, None, Some(2.0), None]);
        assert_eq!(points(&past, Series::P50, 11..13), [Some(5.0), None], "no answer has no latency");
        let coarse = |series| past.point(series, (10, 20), Grain::Coarse);
        assert_eq!((coarse(Series::Served), coarse(Series::Busy)), (Some(1.667), Some(16.0)));
        assert_eq!(past.point(Series::Served, (20, 30), Grain::Coarse), None);
        let span = past.shown().last_10s.unwrap();
        assert_eq!((span.samples, span.span_ms, span.p99_us), (5, 3000, 5));
    }

    #[test]
    fn a_sample_that_comes_twice_or_late_changes_nothing() {
        let mut past = Past::new();
        for (second, served) in [(3, 1), (4, 2), (4, 7), (2, 9), (5, 3)] {
            past.take(sample(second, served, 0), || counts(served, 5));
        }
        assert_eq!(points(&past, Series::Elected, 3..6), [None, Some(1.0), Some(1.0)]);
    }

    #[test]
    fn latencies_leave_their_spans_with_time() {
        let mut past = Past::new();
        let mut served = 0;
        for second in 1000..1400 {
            // One answer a second for 20 seconds, and of 20 more milliseconds each.
            served += u64::from((1001..=1020).contains(&second));
            past.take(sample(second, served, 0), || {
                (1..=served).map(|at| counts(1, 20_000 * at)).fold([0; BUCKETS], |mut sum, one| {
                    sum.iter_mut().zip(one).for_each(|(sum, one)| *sum += one);
                    sum
                })
            });
            match second {
                1000 => assert_eq!(past.shown(), Latencies::default()),
                1020 => {
                    let Latencies { last_10s: Some(short), last_5m: Some(long) } = past.shown() else {
                        panic!("{:?}", past.shown())
                    };
                    assert_eq!(
                        (short.samples, short.span_ms, long.samples, long.span_ms),
                        (10, 10_000, 20, 20_000)
                    );
                    assert!(
                        short.p50_us.abs_diff(300_000) < 20_000 && long.p50_us.abs_diff(200_000) < 13_000
                    );
                }
                1030 => assert!(past.shown().last_10s.is_none() && past.shown().last_5m.is_some()),
                1330 => assert_eq!(past.shown(), Latencies::default(), "five minutes later"),
                _ => {}
            }
        }
    }

    #[test]
    fn sessions_are_unknown_until_somebody_counts_them() {
        let mut past = Past::new();
        for (second, sessions) in [(1, None), (2, None), (3, Some(0)), (4, Some(7))] {
            past.take(Sample { sessions, ..sample(second, 0, 0) }, || [0; BUCKETS]);
        }
        assert_eq!(points(&past, Series::Sessions, 2..5), [None, Some(0.0), Some(7.0)]);
    }

    #[test]
    fn a_member_that_does_much_takes_a_bounded_memory() {
        let (mut idle, mut active) = (Past::new(), Past::new());
        for second in 0..4000u64 {
            idle.take(sample(second, 0, 0), || [0; BUCKETS]);
            let reading = Reading {
                elected: second,
                answers: Answers::new([second; 5]),
                failed: second,
                failovers: second,
                busy: 1,
                sent: second,
                received: second,
                ..Reading::default()
            };
            let spread = || std::array::from_fn(|bucket| if bucket % 4 == 0 { second } else { 0 });
            active.take(Sample { second, reading, sessions: Some(3) }, spread);
        }
        assert!(idle.bytes() < 1800, "{}", idle.bytes());
        assert!(active.bytes() < 32 * 1024, "{}", active.bytes());
    }
}
