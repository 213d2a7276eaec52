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

/// The place, within the slices, of the least busy member.
pub(super) fn choose(
    lbstatus: &mut [i64],
    lbfactor: &[i64],
    busy: impl Iterator<Item = u64>,
) -> Option<usize> {
    let (mut best, mut least, mut most, mut total) = (None, u64::MAX, i64::MIN, 0);
    for (at, ((status, factor), busy)) in lbstatus.iter_mut().zip(lbfactor).zip(busy).enumerate() {
        *status += factor;
        total += factor;
        if best.is_none() || busy < least || (busy == least && *status > most) {
            (best, least, most) = (Some(at), busy, *status);
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
    fn six_requests_held_open_as_httpd_shares_them() {
        let (mut lbstatus, lbfactor, mut busy) = ([0, 0, 0], [100, 200, 300], [0, 0, 0]);
        for (winner, after) in [
            (2, [100, 200, -300]),
            (1, [200, -200, 0]),
            (0, [-300, 0, 300]),
            (2, [-200, 200, 0]),
            (1, [-100, -200, 300]),
            (0, [-600, 0, 600]),
        ] {
            assert_eq!((choose(&mut lbstatus, &lbfactor, busy.into_iter()), lbstatus), (Some(winner), after));
            busy[winner] += 1;
        }
    }
}
