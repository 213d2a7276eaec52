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

use crate::credit::Credit;

/// The place of the member of a class that is owed most.
pub(super) fn choose(credit: &mut Credit, class: usize) -> Option<usize> {
    credit.give(class);
    let best = credit.leader(class)?;
    credit.pay(class, best);
    Some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worked_example() {
        let mut credit = Credit::new([(0, 100), (0, 200), (0, 300)].into_iter(), &[3]);
        for (winner, after) in [
            (2, [100, 200, -300]),
            (1, [200, -200, 0]),
            (0, [-300, 0, 300]),
            (2, [-200, 200, 0]),
            (1, [-100, -200, 300]),
            (2, [0, 0, 0]),
        ] {
            assert_eq!(choose(&mut credit, 0), Some(winner));
            assert_eq!(credit.all().collect::<Vec<_>>(), after);
        }
        assert_eq!(choose(&mut Credit::new([].into_iter(), &[0]), 0), None);
    }
}
