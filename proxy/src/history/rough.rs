//! Whole numbers in 16 bits: exact up to 4,095, then within one part in 4,096. Enough for a graph, and half the memory.

/// Bits of a number that are kept, the first of which is always set and not written down.
const KEPT: u32 = 12;
const EXACT: u64 = 1 << KEPT;
const MANTISSA: u16 = (1 << (KEPT - 1)) - 1;

/// A number in 16 bits; numbers from 2^42 on are all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Rough(u16);

impl Rough {
    pub(super) fn new(number: u64) -> Self {
        let top = number.max(1).ilog2();
        // Below 2048 nothing is left out, and the exponent is 0.
        let shift = (top + 1).saturating_sub(KEPT);
        let rounded = if shift == 0 { number } else { (number >> shift) + ((number >> (shift - 1)) & 1) };
        // Rounding up may have made one bit more.
        let (rounded, shift) = if rounded == EXACT { (rounded >> 1, shift + 1) } else { (rounded, shift) };
        let kept = u16::try_from(rounded).unwrap_or(u16::MAX);
        match u16::try_from(shift + u32::from(kept > MANTISSA)) {
            Ok(exponent) if exponent < 32 => Self((exponent << (KEPT - 1)) | (kept & MANTISSA)),
            _ => Self(u16::MAX),
        }
    }

    pub(super) fn number(self) -> u64 {
        let mantissa = u64::from(self.0 & MANTISSA);
        match self.0 >> (KEPT - 1) {
            0 => mantissa,
            exponent => (mantissa | (EXACT >> 1)) << (exponent - 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn small_numbers_are_exact_and_the_largest_stay_large() {
        for number in 0..EXACT {
            assert_eq!(Rough::new(number).number(), number);
        }
        assert_eq!(Rough::new(u64::MAX), Rough::new(1 << 50));
        assert!(Rough::new(u64::MAX).number() > 4_000_000_000_000);
    }

    proptest! {
        #[test]
        fn a_number_is_kept_within_one_part_in_4096_and_in_order(bits in 0u32..42, low in any::<u64>(), other in 0u64..1 << 42) {
            let number = (1 << bits) | (low & ((1 << bits) - 1));
            let kept = Rough::new(number).number();
            prop_assert!(kept.abs_diff(number) * 4096 <= number, "{kept} for {number}");
            prop_assert_eq!(Rough::new(number) <= Rough::new(other), Rough::new(number).number() <= Rough::new(other).number());
            prop_assert!(number > other || Rough::new(number) <= Rough::new(other));
        }
    }
}
