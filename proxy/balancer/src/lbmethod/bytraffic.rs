//! lbmethod bytraffic: the fewest bytes moved in both directions for one's share.
//!
//! Worked example, factors 1 and 2:
//!
//! ```text
//! to 1000 from 3050   1000/100 + 3050/100 = 10 + 30 = 40
//! to 1990 from 6150   1990/200 + 6150/200 =  9 + 30 = 39 -> this one
//! ```
//!
//! The two divisions round down separately. The first one offered leads until another has strictly less. lbstatus
//! is neither read nor written.

/// The place, within the slices, of the member with the least load; `bytes` are (to it, from it).
pub(super) fn choose(lbfactor: &[i64], bytes: impl Iterator<Item = (u64, u64)>) -> Option<usize> {
    let mut best: Option<(usize, u64)> = None;
    for (at, (factor, (transferred, read))) in lbfactor.iter().zip(bytes).enumerate() {
        let factor = factor.unsigned_abs().max(1);
        let load = (transferred / factor).saturating_add(read / factor);
        if best.is_none_or(|(_, least)| load < least) {
            best = Some((at, load));
        }
    }
    best.map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::choose;

    #[test]
    fn divisions_round_down_separately_and_ties_go_to_the_earlier() {
        for (name, factors, bytes, winner) in [
            ("nobody", &[][..], &[][..], None),
            ("the worked example", &[100, 200], &[(1000, 3050), (1990, 6150)], Some(1)),
            ("a tie", &[100, 100], &[(500, 0), (0, 500)], Some(0)),
            ("below a hundredth of a byte", &[100, 100], &[(99, 99), (0, 0)], Some(0)),
            ("strictly less", &[100, 100, 100], &[(300, 0), (200, 0), (299, 0)], Some(1)),
            ("no overflow", &[100, 100], &[(u64::MAX, u64::MAX), (u64::MAX, 0)], Some(1)),
        ] {
            assert_eq!(choose(factors, bytes.iter().copied()), winner, "{name}");
        }
    }
}
