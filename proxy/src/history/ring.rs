//! Cells of time in a circle: each tells of so many seconds which of them were observed, and what was seen then.

use super::rough::Rough;

/// How many series there are.
pub(super) const SERIES: usize = evenkeel_protocol::Series::ALL.len();

/// The numbers of one cell, a series each.
pub(super) type Numbers = [u64; SERIES];

/// The last `CELLS` cells. A series takes memory only once it was not zero.
#[derive(Debug)]
pub(super) struct Ring<const CELLS: usize> {
    /// The number of the newest cell.
    last: u64,
    /// How many seconds of each cell were observed.
    observed: Box<[u8; CELLS]>,
    series: [Option<Box<[Rough; CELLS]>>; SERIES],
}

impl<const CELLS: usize> Ring<CELLS> {
    pub(super) fn new() -> Self {
        Self { last: 0, observed: Box::new([0; CELLS]), series: [const { None }; SERIES] }
    }

    fn place(cell: u64) -> usize {
        // Less than the number of cells.
        usize::try_from(cell % CELLS as u64).unwrap_or(0)
    }

    /// Makes that cell the newest one, if it is newer; what lies between was not observed.
    fn advance(&mut self, cell: u64) {
        if cell <= self.last {
            return;
        }
        let first = self.last.max(cell.saturating_sub(CELLS as u64)) + 1;
        for place in (first..=cell).map(Self::place) {
            self.observed.get_mut(place).map(std::mem::take);
            for numbers in self.series.iter_mut().flatten() {
                numbers.get_mut(place).map(std::mem::take);
            }
        }
        self.last = cell;
    }

    /// One more second of that cell was observed, after which it holds these numbers. It is the newest, or newer.
    pub(super) fn put(&mut self, cell: u64, numbers: &Numbers) {
        self.advance(cell);
        let place = Self::place(cell);
        if let Some(observed) = self.observed.get_mut(place) {
            *observed = observed.saturating_add(1);
        }
        for (series, number) in self.series.iter_mut().zip(numbers) {
            if *number == 0 && series.is_none() {
                continue;
            }
            let kept = series.get_or_insert_with(|| Box::new([Rough::default(); CELLS]));
            if let Some(kept) = kept.get_mut(place) {
                *kept = Rough::new(*number);
            }
        }
    }

    /// How many seconds of that cell were observed.
    pub(super) fn observed(&self, cell: u64) -> u64 {
        let is_kept = cell <= self.last && cell + CELLS as u64 > self.last;
        let observed = is_kept.then(|| self.observed.get(Self::place(cell))).flatten();
        observed.map_or(0, |seconds| u64::from(*seconds))
    }

    /// What that cell holds of a series; of use only where something was observed.
    pub(super) fn number(&self, cell: u64, series: usize) -> u64 {
        let numbers = self.series.get(series).and_then(Option::as_ref);
        numbers.and_then(|numbers| numbers.get(Self::place(cell))).map_or(0, |number| number.number())
    }

    /// Bytes that it takes beside itself.
    pub(super) fn bytes(&self) -> usize {
        CELLS * (1 + size_of::<Rough>() * self.series.iter().flatten().count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(number: u64) -> Numbers {
        let mut numbers = Numbers::default();
        numbers[3] = number;
        numbers
    }

    #[test]
    fn what_was_not_observed_is_known_as_that() {
        let mut ring = Ring::<5>::new();
        ring.put(7, &with(1));
        ring.put(8, &with(2));
        ring.put(10, &with(4));
        let seen = |ring: &Ring<5>| {
            (4..=13)
                .map(|cell| (ring.observed(cell) > 0).then(|| ring.number(cell, 3)))
                .map(|number| number.map_or("-".to_owned(), |number| number.to_string()))
                .collect::<String>()
        };
        assert_eq!(seen(&ring), "---12-4---");
        ring.put(12, &with(6));
        assert_eq!(seen(&ring), "----2-4-6-", "the oldest is overwritten");
        ring.put(u64::MAX / 2, &with(0));
        assert_eq!(seen(&ring), "----------", "after a long sleep nothing old comes back");
        assert_eq!(ring.observed(u64::MAX / 2), 1);
    }

    #[test]
    fn a_series_that_is_zero_takes_no_memory() {
        let mut ring = Ring::<5>::new();
        ring.put(1, &with(0));
        let before = ring.bytes();
        ring.put(2, &with(9));
        assert_eq!((before, ring.bytes()), (5, 15));
        assert_eq!((ring.number(1, 3), ring.number(2, 3), ring.number(2, 4)), (0, 9, 0));
    }
}
