//! What was heard from members, and when it is too old. It reads no datagrams and knows only members of this
//! balancer, so that what is remembered is bounded whatever arrives.
//!
//! A beat belongs to each member whose URL has its address, and, where the message has a port, that port too
//! (httpd keeps one record an address and forgets all but the last member that has it).

use std::net::IpAddr;
use std::time::Duration;

use evenkeel_protocol::{HeardBy, LbMethod, Moment};

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
    /// How it came.
    pub by: HeardBy,
    /// How long ago it was received.
    pub age: Duration,
}

/// The last beat of a member.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heard {
    /// Until when it counts; kept instead of the time of receipt, which may lie before the start of the clock.
    until: Moment,
    beat: Beat,
}

impl Heard {
    fn new(beat: &Beat, now: Moment) -> Self {
        let age = Moment::default().plus(beat.age);
        Self { until: Moment(now.plus(FRESH).0.saturating_sub(age.0)), beat: *beat }
    }

    pub(crate) fn is_fresh(&self, now: Moment) -> bool {
        now < self.until
    }

    /// How long ago it was received; of what was too old at the start of the clock, at least ten seconds.
    pub(crate) fn age(&self, now: Moment) -> Duration {
        now.plus(FRESH).since(self.until)
    }

    pub(crate) fn beat(&self) -> &Beat {
        &self.beat
    }

    /// The slots that count. A server without work has just started, so it is given a quarter of what it says; at
    /// least one, where httpd would round three down to nothing.
    pub(crate) fn slots(&self) -> u64 {
        let Beat { ready, busy, .. } = self.beat;
        let ready = u64::from(ready.min(MOST_READY));
        if busy == 0 && ready > 0 { (ready / 4).max(1) } else { ready }
    }

    /// Does what is known stay, although `new` came? What was received before it changes nothing, and a message that
    /// named the port knows better than one for the whole address.
    fn outweighs(&self, new: &Self, now: Moment) -> bool {
        new.until < self.until || (self.beat.port.is_some() && new.beat.port.is_none() && self.is_fresh(now))
    }
}

impl Member {
    /// The slots that count in an election at `now`; none if nothing fresh was heard.
    pub(crate) fn open_slots(&self, now: Moment) -> Option<u64> {
        self.heard.filter(|heard| heard.is_fresh(now)).map(|heard| heard.slots())
    }

    fn is_meant_by(&self, beat: &Beat) -> bool {
        self.address == Some(beat.address) && beat.port.is_none_or(|port| port == self.name.port())
    }
}

impl Balancer {
    /// Was a fresh heartbeat heard of anybody who can be offered to new clients? While not, byrequests stands in for
    /// lbmethod heartbeat, where httpd would answer 503.
    pub fn anybody_heard(&self, now: Moment) -> bool {
        (0u32..).zip(&self.members).any(|(id, member)| {
            !member.is_draining() && self.lineup.is_usable(MemberId(id)) && member.open_slots(now).is_some()
        })
    }

    /// Does it elect by heartbeats, and is there nobody who was heard?
    pub fn misses_heartbeats(&self, now: Moment) -> bool {
        self.settings.lbmethod == LbMethod::Heartbeat && !self.anybody_heard(now)
    }

    /// Notes a heartbeat. One that names no member of this balancer changes nothing.
    pub fn beat(&mut self, beat: &Beat, now: Moment) {
        let new = Heard::new(beat, now);
        let Some(meant) = self.by_address.get(&beat.address) else { return };
        for id in meant {
            let Some(member) = self.members.get_mut(id.index()) else { continue };
            let stays = member.heard.is_some_and(|old| old.outweighs(&new, now));
            if !stays && member.is_meant_by(beat) {
                member.heard = Some(new);
            }
        }
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
        let by = HeardBy::Datagram;
        Beat { address: address.parse().unwrap(), port, ready, busy, by, age: Duration::ZERO }
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
            let heard = Heard::new(&beat("10.0.0.1", None, ready, busy), Moment(0));
            assert_eq!(heard.slots(), open, "ready {ready} busy {busy}");
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

    #[test]
    fn what_is_handed_in_late_counts_from_when_it_was_received() {
        let aged =
            |seconds, ready| Beat { age: Duration::from_secs(seconds), ..beat("10.0.0.1", None, ready, 1) };
        for (name, now, age, until) in
            [("at once", 100, 0, 110), ("late", 100, 4, 106), ("from before the start of the clock", 1, 7, 4)]
        {
            let mut balancer = balancer(&["http://10.0.0.1:81"]);
            balancer.beat(&aged(age, 5), Moment(now * 1_000_000));
            assert_eq!(heard(&balancer, until - 1), [Some(5)], "{name}");
            assert_eq!(heard(&balancer, until), [None], "{name}");
        }
        let mut balancer = balancer(&["http://10.0.0.1:81"]);
        balancer.beat(&aged(10, 5), Moment(3_000_000));
        assert_eq!(heard(&balancer, 3), [None], "it was too old when it came");
        balancer.beat(&aged(1, 6), Moment(100_000_000));
        balancer.beat(&aged(5, 7), Moment(100_000_000));
        assert_eq!(heard(&balancer, 100), [Some(6)], "what is older changes nothing");
        balancer.beat(&aged(1, 8), Moment(100_000_000));
        assert_eq!(heard(&balancer, 100), [Some(8)], "of two of the same moment the later one counts");
    }

    #[test]
    fn its_age_is_told_from_when_it_was_received() {
        let second = |it: u64| Moment(it * 1_000_000);
        for (name, came, aged, seen, age) in [
            ("at once", 100, 0, 100, 0),
            ("a while later", 100, 0, 103, 3),
            ("handed in late", 100, 4, 103, 7),
            ("no more fresh", 100, 4, 200, 104),
            ("too old at the start of the clock", 3, 40, 4, 14),
        ] {
            let beat = Beat { age: Duration::from_secs(aged), ..beat("10.0.0.1", None, 1, 1) };
            let told = Heard::new(&beat, second(came)).age(second(seen));
            assert_eq!(told, Duration::from_secs(age), "{name}");
        }
    }

    #[test]
    fn heartbeats_are_missed_only_by_who_elects_by_them() {
        let settings = BalancerSettings { lbmethod: LbMethod::Heartbeat, ..BalancerSettings::default() };
        let status = MemberSettings::default().status;
        let members = [("http://10.0.0.1:1", status), ("http://10.0.0.2:1", status.apply("N").unwrap())];
        let members = members.map(|(name, status)| {
            (name.parse().unwrap(), MemberSettings { status, ..MemberSettings::default() })
        });
        let mut by_beats = Balancer::new("app".parse().unwrap(), settings, members.into(), 1);
        assert!(by_beats.misses_heartbeats(Moment(0)));
        by_beats.beat(&beat("10.0.0.2", None, 5, 1), Moment(0));
        assert!(by_beats.misses_heartbeats(Moment(0)), "who is draining takes nobody new");
        by_beats.beat(&beat("10.0.0.1", None, 0, 9), Moment(0));
        assert!(!by_beats.misses_heartbeats(Moment(0)), "who is full was heard");
        assert!(by_beats.misses_heartbeats(Moment(10_000_000)));
        assert!(!balancer(&["http://10.0.0.1:1"]).misses_heartbeats(Moment(0)), "byrequests");
    }
}
