//! lbmethod byrequests: everybody is credited with his factor, and the one with most credit pays for all.
//!
//! Worked example, factors 1, 2 and 3 (in hundredths), lbstatus after each election:
//!
//! ```text
//! start      0    0    0
//! +100 +200 +300 -> 3 leads with 300, pays 600    100  200 -300
//! +100 +200 +300 -> 2 leads with 400, pays 600    200 -200    0
//! +100 +200 +300 -> 1 ties with 3, is earlier    -300    0  300
//! ```
//!
//! The sum never changes, and a tie goes to the earlier member.

/// The place, within the slices, of the member that is owed most.
pub(super) fn choose(lbstatus: &mut [i64], lbfactor: &[i64]) -> Option<usize> {
    // Two plain loops, crediting and then finding, are faster than one that remembers where the best was.
    let (mut most, mut total) = (i64::MIN, 0);
    for (status, factor) in lbstatus.iter_mut().zip(lbfactor) {
        *status += factor;
        total += factor;
        most = most.max(*status);
    }
    let best = lbstatus.iter().position(|status| *status == most)?;
    *lbstatus.get_mut(best)? -= total;
    Some(best)
}

#[cfg(test)]
mod tests {
    use super::choose;

    #[test]
    fn the_worked_example() {
        let (mut lbstatus, lbfactor) = ([0, 0, 0], [100, 200, 300]);
        for (winner, after) in [
            (2, [100, 200, -300]),
            (1, [200, -200, 0]),
            (0, [-300, 0, 300]),
            (2, [-200, 200, 0]),
            (1, [-100, -200, 300]),
            (2, [0, 0, 0]),
        ] {
            assert_eq!((choose(&mut lbstatus, &lbfactor), lbstatus), (Some(winner), after));
        }
        assert_eq!(choose(&mut [], &[]), None);
    }
}
