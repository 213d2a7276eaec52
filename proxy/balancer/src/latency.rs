//! Latencies counted in buckets whose width grows with them: eight to each doubling, so that a percentile is at most
//! 6.25 % from the true value, whether that is 40 microseconds or 40 seconds.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Each doubling has two to the power of this many buckets.
const SUB_BITS: u32 = 3;
const SUBS: u64 = 1 << SUB_BITS;
/// Latencies from two to the power of this on, some 4.5 minutes, share the last bucket.
const TOP_BITS: u32 = 28;

/// The number of buckets.
pub const BUCKETS: usize = ((TOP_BITS - SUB_BITS + 1) << SUB_BITS) as usize;

/// The bucket of a latency in microseconds.
pub fn bucket_of(micros: u64) -> usize {
    let micros = micros.min((1 << TOP_BITS) - 1);
    // The first ones are exact: those below 8 have no bits to leave out.
    let octave = (micros | SUBS).ilog2() - SUB_BITS;
    let base = u64::from(octave) << SUB_BITS;
    usize::try_from(base + (micros >> octave)).unwrap_or(BUCKETS - 1)
}

/// The latencies of a bucket in microseconds: the first, and the first of the next bucket.
pub fn bounds_of(bucket: usize) -> (u64, u64) {
    let low = |bucket: u64| match bucket >> SUB_BITS {
        0 => bucket,
        octave => (SUBS + (bucket & (SUBS - 1))) << (octave - 1),
    };
    let bucket = bucket.min(BUCKETS - 1) as u64;
    (low(bucket), low(bucket + 1))
}

/// The latency in microseconds, at least 1, within which the share `percent` of all counted ones lie; none if none is
/// counted. It is the middle of a bucket.
pub fn percentile(counts: &[u64; BUCKETS], percent: u64) -> Option<u64> {
    let total = counts.iter().fold(0u64, |sum, count| sum.saturating_add(*count));
    if total == 0 {
        return None;
    }
    let rank = u128::from(total) * u128::from(percent.min(100));
    let rank = u64::try_from(rank.div_ceil(100)).unwrap_or(u64::MAX).max(1);
    let mut below = 0u64;
    for (bucket, count) in counts.iter().enumerate() {
        below = below.saturating_add(*count);
        if below >= rank {
            let (low, next) = bounds_of(bucket);
            return Some(low.midpoint(next - 1).max(1));
        }
    }
    None
}

/// Counts of latencies, added to by some threads and read by others.
#[derive(Debug)]
pub(crate) struct Histogram([AtomicU64; BUCKETS]);

impl Histogram {
    pub(crate) fn new() -> Self {
        Self([const { AtomicU64::new(0) }; BUCKETS])
    }

    pub(crate) fn count(&self, micros: u64) {
        if let Some(bucket) = self.0.get(bucket_of(micros)) {
            bucket.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn add_to(&self, counts: &mut [u64; BUCKETS]) {
        for (sum, bucket) in counts.iter_mut().zip(&self.0) {
            *sum = sum.wrapping_add(bucket.load(Relaxed));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn buckets_follow_one_another_without_gap() {
        for bucket in 0..BUCKETS {
            let (low, next) = bounds_of(bucket);
            assert!(low < next, "{bucket}");
            assert_eq!((bucket_of(low), bucket_of(next - 1)), (bucket, bucket));
            assert!(bucket + 1 == BUCKETS || bucket_of(next) == bucket + 1, "{bucket}");
        }
        assert_eq!(bounds_of(BUCKETS - 1).1, 1 << TOP_BITS);
        assert_eq!((bucket_of(u64::MAX), bucket_of(0)), (BUCKETS - 1, 0));
    }

    #[test]
    fn nothing_counted_has_no_percentile() {
        assert_eq!(percentile(&[0; BUCKETS], 50), None);
    }

    proptest! {
        #[test]
        fn a_percentile_is_at_most_a_sixteenth_from_the_true_one(
            mut latencies in prop::collection::vec((0u32..28).prop_flat_map(|bits| 1u64..=1 << bits), 1..300),
            percent in 1u64..=100,
        ) {
            let histogram = Histogram::new();
            for micros in &latencies {
                histogram.count(*micros);
            }
            let mut counts = [0; BUCKETS];
            histogram.add_to(&mut counts);
            latencies.sort_unstable();
            let rank = (latencies.len() as u64 * percent).div_ceil(100).max(1);
            let truth = latencies[usize::try_from(rank - 1).unwrap()];
            let found = percentile(&counts, percent).unwrap();
            prop_assert!(found.abs_diff(truth) * 16 <= truth, "{found} for {truth}");
        }
    }
}
