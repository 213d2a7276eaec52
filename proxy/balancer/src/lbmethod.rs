//! What a method must answer: who of those offered is owed the work? The one match over the four of them.
//!
//! As in httpd, comparing *is* crediting: byrequests and bybusyness raise the lbstatus of everybody they look at,
//! spares and standbys included once the walk reaches them.

use evenkeel_protocol::{LbMethod, Moment};

use crate::candidates::{Class, Lineup};
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

/// Chooses among the members of a class, and does to them what the method does to those it looks at: the place.
pub(crate) fn choose(method: LbMethod, scales: &mut Scales<'_>, class: Class) -> Option<usize> {
    let class = class.number();
    let Lineup { credit, tallies, order, .. } = &mut *scales.lineup;
    let places = credit.places(class);
    let chosen = match method {
        LbMethod::ByRequests => return byrequests::choose(credit, class),
        LbMethod::ByBusyness => {
            let busy = tallies.get(places.clone())?.iter().map(|tally| tally.busy());
            return bybusyness::choose(credit, class, busy);
        }
        LbMethod::ByTraffic => {
            let bytes = tallies.get(places.clone())?.iter().map(|tally| (tally.transferred(), tally.read()));
            bytraffic::choose(credit.lbfactor(class), bytes)
        }
        LbMethod::Heartbeat => {
            let order = order.get(places.clone())?;
            let open = order.iter().map(|id| scales.members.get(id.index())?.open_slots(scales.now));
            heartbeat::choose(open, scales.dice)
        }
    };
    chosen.map(|at| places.start + at)
}
