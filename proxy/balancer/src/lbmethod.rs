//! What a method must answer: who of those offered is owed the work? The one match over the four of them.
//!
//! As in httpd, comparing *is* crediting: byrequests and bybusyness raise the lbstatus of everybody they look at,
//! spares and standbys included once the walk reaches them.

use std::ops::Range;

use evenkeel_protocol::{LbMethod, Moment};

use crate::candidates::Lineup;
use crate::member::Member;

mod bybusyness;
mod byrequests;
mod bytraffic;
mod heartbeat;

/// What the methods may look at.
pub(crate) struct Scales<'a> {
    pub(crate) lineup: &'a mut Lineup,
    pub(crate) members: &'a [Member],
    pub(crate) now: Moment,
    pub(crate) dice: u32,
}

/// Chooses among the members at `offered`, and does to them what the method does to those it looks at.
pub(crate) fn choose(method: LbMethod, scales: &mut Scales<'_>, offered: Range<usize>) -> Option<usize> {
    let start = offered.start;
    let lineup = &mut *scales.lineup;
    let lbstatus = lineup.lbstatus.get_mut(offered.clone())?;
    let lbfactor = lineup.lbfactor.get(offered.clone())?;
    let chosen = match method {
        LbMethod::ByRequests => byrequests::choose(lbstatus, lbfactor),
        LbMethod::ByBusyness => {
            let tallies = lineup.tallies.get(offered)?;
            bybusyness::choose(lbstatus, lbfactor, tallies.iter().map(|tally| tally.busy()))
        }
        LbMethod::ByTraffic => {
            let tallies = lineup.tallies.get(offered)?;
            bytraffic::choose(lbfactor, tallies.iter().map(|tally| (tally.transferred(), tally.read())))
        }
        LbMethod::Heartbeat => {
            let order = lineup.order.get(offered)?;
            let open = order.iter().map(|id| scales.members.get(id.index())?.open_slots(scales.now));
            heartbeat::choose(open, scales.dice)
        }
    };
    chosen.map(|at| start + at)
}
