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
    let (mut best, mut most, mut total) = (None, i64::MIN, 0);
    for (at, (status, factor)) in lbstatus.iter_mut().zip(lbfactor).enumerate() {
        *status += factor;
        total += factor;
        if best.is_none() || *status > most {
            (best, most) = (Some(at), *status);
        }
    }
    let winner = best.and_then(|at| lbstatus.get_mut(at))?;
    *winner -= total;
    best
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
