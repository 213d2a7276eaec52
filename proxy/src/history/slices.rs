//! Latencies of the last seconds and minutes, in slices that can be added: percentiles themselves cannot be.

use std::collections::VecDeque;

use evenkeel_balancer::latency::{BUCKETS, percentile};

/// Latencies by bucket.
pub(super) type Counts = [u64; BUCKETS];

/// Bits of a slice's entry for the count; the others say which bucket.
const COUNT_BITS: u32 = 24;
const MOST: u64 = (1 << COUNT_BITS) - 1;

/// What was counted in some time: an entry for each bucket that is not empty. A count ends at 16 million.
#[derive(Debug, Default)]
struct Slice(Box<[u32]>);

impl Slice {
    fn new(counts: &Counts) -> Self {
        let entries = (0u32..).zip(counts).filter(|(_, count)| **count > 0);
        let pack = |(bucket, count): (u32, &u64)| {
            (bucket << COUNT_BITS) | u32::try_from((*count).min(MOST)).unwrap_or_default()
        };
        Self(entries.map(pack).collect())
    }

    fn add_to(&self, counts: &mut Counts) {
        for entry in &self.0 {
            if let Some(sum) = counts.get_mut((entry >> COUNT_BITS) as usize) {
                *sum += u64::from(*entry) & MOST;
            }
        }
    }
}

/// The slices of the last `SPAN` steps of time. Steps in which nothing was counted take no memory.
#[derive(Debug, Default)]
pub(super) struct Slices<const SPAN: u64>(VecDeque<(u64, Slice)>);

impl<const SPAN: u64> Slices<SPAN> {
    /// Adds what was counted to a step, which is the newest or newer, and forgets what is too old.
    pub(super) fn put(&mut self, step: u64, counts: Option<&Counts>) {
        while self.0.front().is_some_and(|(old, _)| old + SPAN <= step) {
            self.0.pop_front();
        }
        let Some(counts) = counts else { return };
        match self.0.back_mut() {
            Some((last, slice)) if *last == step => {
                let mut sum = *counts;
                slice.add_to(&mut sum);
                *slice = Slice::new(&sum);
            }
            _ => self.0.push_back((step, Slice::new(counts))),
        }
    }

    /// All of them together; none if nothing was counted.
    pub(super) fn sum(&self) -> Option<Counts> {
        if self.0.is_empty() {
            return None;
        }
        let mut sum = [0; BUCKETS];
        for (_, slice) in &self.0 {
            slice.add_to(&mut sum);
        }
        Some(sum)
    }

    /// What was counted in that step, if it is the newest.
    pub(super) fn newest(&self, step: u64) -> Option<Counts> {
        let (_, slice) = self.0.back().filter(|(last, _)| *last == step)?;
        let mut counts = [0; BUCKETS];
        slice.add_to(&mut counts);
        Some(counts)
    }

    /// Bytes that it takes beside itself.
    pub(super) fn bytes(&self) -> usize {
        let entries = self.0.iter().map(|(_, slice)| size_of_val(&*slice.0)).sum::<usize>();
        entries + self.0.capacity() * size_of::<(u64, Slice)>()
    }
}

/// The percentiles that are told of: half, nine of ten, 99 of 100; 0 where nothing was counted.
pub(super) fn percentiles(counts: Option<&Counts>) -> [u64; 3] {
    [50, 90, 99].map(|percent| counts.and_then(|counts| percentile(counts, percent)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(bucket: usize, count: u64) -> Counts {
        let mut counts = [0; BUCKETS];
        counts[bucket] = count;
        counts
    }

    #[test]
    fn slices_are_added_and_forgotten() {
        let mut slices = Slices::<3>::default();
        assert!(slices.sum().is_none());
        slices.put(5, Some(&counts(7, 2)));
        slices.put(5, Some(&counts(BUCKETS - 1, 3)));
        slices.put(6, Some(&counts(7, 1)));
        let sum = slices.sum().unwrap();
        assert_eq!((sum[7], sum[BUCKETS - 1], sum.iter().sum::<u64>()), (3, 3, 6));
        assert_eq!((slices.newest(6).unwrap()[7], slices.newest(7)), (1, None));
        slices.put(8, None);
        assert_eq!(slices.sum().unwrap().iter().sum::<u64>(), 1);
        slices.put(9, None);
        assert!(slices.sum().is_none());
    }

    #[test]
    fn a_count_ends_and_does_not_spill_over() {
        let mut slices = Slices::<3>::default();
        slices.put(1, Some(&counts(3, u64::MAX / 2)));
        let sum = slices.sum().unwrap();
        assert_eq!((sum[3], sum.iter().sum::<u64>()), (MOST, MOST));
    }
}
