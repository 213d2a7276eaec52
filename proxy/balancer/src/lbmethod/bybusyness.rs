//! lbmethod bybusyness: the fewest requests in flight; among equals the one with most credit, as in byrequests.
//!
//! Worked example, factors 1, 2 and 3, each request staying in flight:
//!
//! ```text
//! busy 0 0 0   credit  100 200 300 -> 3        100  200 -300
//! busy 0 0 1   credit  200 400   0 -> 2        200 -200    0
//! busy 0 1 1   credit  300   0 300 -> 1       -300    0  300   the only idle one
//! ```
//!
//! The factor does not scale busy: it only breaks ties. So under steady load the credit drifts apart, and is paid
//! out when the load is gone; that is httpd's behaviour.

use crate::credit::Credit;

/// The place of the least busy member of a class; `busy`: how busy each of them is.
pub(super) fn choose(credit: &mut Credit, class: usize, busy: impl Iterator<Item = u64>) -> Option<usize> {
    credit.give(class);
    let mut best: Option<(usize, u64, i64)> = None;
    for ((place, owed), busy) in credit.owed(class).zip(busy) {
        if best.is_none_or(|(_, least, most)| busy < least || (busy == least && owed > most)) {
            best = Some((place, busy, owed));
        }
    }
    let (place, ..) = best?;
    credit.pay(class, place);
    Some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_requests_held_open_as_httpd_shares_them() {
        let mut credit = Credit::new([(0, 100), (0, 200), (0, 300)].into_iter(), &[3]);
        let mut busy = [0, 0, 0];
        for (winner, after) in [
            (2, [100, 200, -300]),
            (1, [200, -200, 0]),
            (0, [-300, 0, 300]),
            (2, [-200, 200, 0]),
            (1, [-100, -200, 300]),
            (0, [-600, 0, 600]),
        ] {
            assert_eq!(choose(&mut credit, 0, busy.into_iter()), Some(winner));
            assert_eq!(credit.all().collect::<Vec<_>>(), after);
            busy[winner] += 1;
        }
    }
}
