//! What was heard from members, and when it is too old. It reads no datagrams and knows only members of this
//! balancer, so that what is remembered is bounded whatever arrives.
//!
//! A beat belongs to each member whose URL has its address, and, where the message has a port, that port too
//! (httpd keeps one record an address and forgets all but the last member that has it).

use std::net::IpAddr;
use std::time::Duration;

use evenkeel_protocol::Moment;

use crate::balancer::Balancer;
use crate::member::{Member, MemberId};

/// What is older takes no part in an election; httpd's ten seconds.
const FRESH: Duration = Duration::from_secs(10);

/// More ready slots than any server has count as this many.
const MOST_READY: u32 = 1_000_000;

/// A heartbeat message as it was understood: `v=1&ready=R&busy=B`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    /// Where it came from.
    pub address: IpAddr,
    /// The `port` in the message, if it had one.
    pub port: Option<u16>,
    /// Idle slots.
    pub ready: u32,
    /// Slots in use.
    pub busy: u32,
}

/// The last beat of a member.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heard {
    at: Moment,
    open: u64,
    named_port: bool,
}

impl Heard {
    fn is_fresh(&self, now: Moment) -> bool {
        now.since(self.at) < FRESH
    }
}

impl Member {
    /// The slots that count in an election at `now`; none if nothing fresh was heard.
    pub(crate) fn open_slots(&self, now: Moment) -> Option<u64> {
        self.heard.filter(|heard| heard.is_fresh(now)).map(|heard| heard.open)
    }

    fn is_meant_by(&self, beat: &Beat) -> bool {
        self.address == Some(beat.address) && beat.port.is_none_or(|port| port == self.name.port())
    }
}

/// The slots of a beat that count. A server without work has just started, so it is given a quarter of what it
/// says; at least one, where httpd would round three down to nothing.
fn open_slots(beat: &Beat) -> u64 {
    let ready = u64::from(beat.ready.min(MOST_READY));
    if beat.busy == 0 && ready > 0 { (ready / 4).max(1) } else { ready }
}

impl Balancer {
    /// Was a fresh heartbeat heard of anybody who can be offered to new clients? While not, byrequests stands in for
    /// lbmethod heartbeat, where httpd would answer 503.
    pub fn anybody_heard(&self, now: Moment) -> bool {
        (0u32..).zip(&self.members).any(|(id, member)| {
            !member.is_draining() && self.lineup.is_usable(MemberId(id)) && member.open_slots(now).is_some()
        })
    }

    /// Notes a heartbeat. One that names no member of this balancer changes nothing.
    pub fn beat(&mut self, beat: &Beat, now: Moment) {
        let heard = Heard { at: now, open: open_slots(beat), named_port: beat.port.is_some() };
        for member in self.members.iter_mut().filter(|member| member.is_meant_by(beat)) {
            // A message that named the port knows better than one for the whole address.
            let kept =
                member.heard.is_some_and(|old| old.named_port && !heard.named_port && old.is_fresh(now));
            if !kept {
                member.heard = Some(heard);
            }
        }
        self.check_invariants();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evenkeel_protocol::{BalancerSettings, MemberSettings};

    fn balancer(members: &[&str]) -> Balancer {
        let members = members.iter().map(|name| (name.parse().unwrap(), MemberSettings::default())).collect();
        Balancer::new("app".parse().unwrap(), BalancerSettings::default(), members, 1)
    }

    fn beat(address: &str, port: Option<u16>, ready: u32, busy: u32) -> Beat {
        Beat { address: address.parse().unwrap(), port, ready, busy }
    }

    fn heard(balancer: &Balancer, seconds: u64) -> Vec<Option<u64>> {
        balancer.members.iter().map(|member| member.open_slots(Moment(seconds * 1_000_000))).collect()
    }

    #[test]
    fn a_server_without_work_is_given_a_quarter_but_at_least_one() {
        for (ready, busy, open) in [
            (16, 0, 4),
            (8, 1, 8),
            (3, 0, 1),
            (1, 0, 1),
            (0, 0, 0),
            (0, 5, 0),
            (u32::MAX, 1, u64::from(MOST_READY)),
        ] {
            assert_eq!(open_slots(&beat("10.0.0.1", None, ready, busy)), open, "ready {ready} busy {busy}");
        }
    }

    #[test]
    fn beats_are_matched_by_address_and_port_and_grow_old() {
        let mut balancer =
            balancer(&["http://10.0.0.1:81", "http://10.0.0.1:82", "http://[::1]:81", "http://name:81"]);
        balancer.beat(&beat("10.0.0.1", None, 5, 1), Moment(0));
        assert_eq!(heard(&balancer, 0), [Some(5), Some(5), None, None]);
        balancer.beat(&beat("10.0.0.1", Some(82), 7, 1), Moment(1_000_000));
        balancer.beat(&beat("10.0.0.1", None, 9, 1), Moment(2_000_000));
        assert_eq!(heard(&balancer, 2), [Some(9), Some(7), None, None]);
        assert_eq!(heard(&balancer, 11), [Some(9), None, None, None]);
        balancer.beat(&beat("10.0.0.1", None, 4, 1), Moment(11_000_000));
        assert_eq!(heard(&balancer, 11), [Some(4), Some(4), None, None]);
        balancer.beat(&beat("::1", None, 2, 1), Moment(12_000_000));
        assert_eq!(heard(&balancer, 21), [None, None, Some(2), None]);
    }
}
