//! lbmethod heartbeat: by chance, in proportion to the idle slots that members announce.
//!
//! Worked example, slots 8, 2 and 0: the draw is an even number of 0 to 10, **both ends included**, and a member
//! matches if the draw lies between the sum before it and the sum with it, again both included:
//!
//! ```text
//! slots  8: 0..=8     2: 8..=10    0: 10..=10
//! the last match wins: 0-7 the first, 8-9 the second, 10 the third, although it has no slot
//! ```
//!
//! That httpd's ranges overlap is kept, so shares are 8/11, 2/11 and 1/11. Who was not heard takes no part. The walk
//! over sets, spares and standbys is that of the other methods, where httpd ignores all of them.

/// The place of the member that the draw meets; `slots` are none for members not heard.
pub(super) fn choose(slots: impl Iterator<Item = Option<u64>> + Clone, dice: u32) -> Option<usize> {
    let open: u64 = slots.clone().flatten().fold(0, u64::saturating_add);
    if open == 0 {
        return None;
    }
    let draw = draw(open, dice);
    let (mut best, mut before) = (None, 0u64);
    for (at, ready) in slots.enumerate().filter_map(|(at, slots)| Some((at, slots?))) {
        let with = before.saturating_add(ready);
        if (before..=with).contains(&draw) {
            best = Some(at);
        }
        before = with;
    }
    best
}

/// An even number of 0 to `open`, both included, made of an even number of all 32-bit values.
fn draw(open: u64, dice: u32) -> u64 {
    let scaled = (u128::from(dice) * (u128::from(open) + 1)) >> 32;
    u64::try_from(scaled).unwrap_or(open)
}

#[cfg(test)]
mod tests {
    use super::{choose, draw};

    /// How many of the draws each member wins, each value of the draw once.
    fn shares(slots: &[Option<u64>]) -> Vec<u64> {
        let values = slots.iter().flatten().sum::<u64>() + 1;
        let mut wins = vec![0; slots.len()];
        for value in 0..values {
            let dice = u32::try_from(((u128::from(value) << 32) + (1 << 31)) / u128::from(values)).unwrap();
            if let Some(at) = choose(slots.iter().copied(), dice) {
                wins[at] += 1;
            }
        }
        wins
    }

    #[test]
    fn ranges_overlap_by_one_and_the_last_match_wins() {
        for (slots, wins) in [
            (&[Some(8), Some(2), Some(0)][..], &[8, 2, 1][..]),
            (&[Some(2), Some(2), Some(2)], &[2, 2, 3]),
            (&[Some(5), Some(5), Some(5)], &[5, 5, 6]),
            (&[Some(2), Some(1)], &[2, 2]),
            (&[Some(0), Some(3)], &[0, 4]),
            (&[Some(3), Some(0), Some(3)], &[3, 0, 4]),
            (&[None, Some(1), None], &[0, 2, 0]),
            (&[Some(0), Some(0)], &[0, 0]),
            (&[None], &[0]),
            (&[], &[]),
        ] {
            assert_eq!(shares(slots), wins, "{slots:?}");
        }
    }

    #[test]
    fn the_draw_includes_both_ends() {
        assert_eq!((draw(10, 0), draw(10, u32::MAX)), (0, 10));
        assert_eq!((draw(u64::MAX, 0), draw(0, u32::MAX)), (0, 0));
    }
}
