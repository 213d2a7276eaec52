//! What the lines about heartbeats say: where they are listened for, who may send them, and where they are kept.
//!
//! Not here: the messages, and what becomes of them.

use std::collections::HashSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use evenkeel_protocol::LbMethod;
use evenkeel_protocol::sentence::{LISTED, listed};

use crate::config::handler::{self, Handler};
use crate::config::notes::{Complaint, Notes};
use crate::config::parameter::value::shown;
use crate::config::site::BalancerDraft;
use crate::config::source::Spot;

/// httpd's default of `HeartbeatMaxServers`.
const SERVERS: usize = 10;
/// httpd's default of `HeartbeatStorage`.
const STORAGE: &str = "hb.dat";

/// What shall run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeartbeatConfig {
    /// `HeartbeatListen`: a multicast group, or an address of this machine; none: nothing is listened for.
    pub listen: Option<SocketAddr>,
    /// `HeartbeatStorage`; relative to the run folder.
    pub storage: PathBuf,
    /// Is the file read? With `HeartbeatMaxServers 0`, or if it is named and nothing is listened for.
    pub reads_storage: bool,
    /// `HeartbeatMaxServers`: how many servers are remembered; none: httpd's 0, which means the file, and is bounded
    /// by the proxy itself.
    pub max_servers: Option<usize>,
    /// `HeartbeatAllow`: who may send; none: the addresses of members.
    pub allow: Option<Vec<Network>>,
}

impl HeartbeatConfig {
    /// Is the file written? By who listens, with `HeartbeatMaxServers 0`.
    pub fn writes_storage(&self) -> bool {
        self.listen.is_some() && self.max_servers.is_none()
    }
}

/// The addresses that start with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    /// How many bits count.
    bits: u32,
}

impl Network {
    /// Every address.
    pub(super) const ALL: [Self; 2] = [
        Self { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), bits: 0 },
        Self { address: IpAddr::V6(Ipv6Addr::UNSPECIFIED), bits: 0 },
    ];

    /// Is `address` one of them? An IPv4 address is one however it is written.
    pub fn contains(&self, address: IpAddr) -> bool {
        let differs = match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                (own.to_bits() ^ other.to_bits()).checked_shr(32 - self.bits).unwrap_or(0) != 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                (own.to_bits() ^ other.to_bits()).checked_shr(128 - self.bits).unwrap_or(0) != 0
            }
            _ => true,
        };
        !differs
    }

    /// `10.1` and `10.1.` mean `10.1.0.0/16`, as in httpd.
    fn partial(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.strip_suffix('.').unwrap_or(text).split('.').collect();
        let mut octets = [0; 4];
        for (octet, part) in octets.iter_mut().zip(&parts) {
            *octet = part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok()).flatten()?;
        }
        let bits = 8 * u32::try_from(parts.len()).ok().filter(|parts| *parts < 4)?;
        Some(Self { address: Ipv4Addr::from(octets).into(), bits })
    }

    fn new(address: IpAddr, bits: u32) -> Option<Self> {
        let most = if address.is_ipv4() { 32 } else { 128 };
        (bits <= most).then_some(Self { address, bits })
    }
}

impl FromStr for Network {
    type Err = &'static str;

    /// The forms of httpd's `Require ip`: an address, a part of one, and a network by its bits or its mask.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "is neither an address nor a network";
        let Some((address, length)) = text.split_once('/') else {
            let whole = text.parse::<IpAddr>().ok().map(|address| address.to_canonical());
            let whole = whole.map(|address| Self { address, bits: if address.is_ipv4() { 32 } else { 128 } });
            return whole.or_else(|| Self::partial(text)).ok_or(WRONG);
        };
        let address = address.parse::<IpAddr>().map_err(|_| WRONG)?;
        let bits = if length.bytes().all(|b| b.is_ascii_digit()) {
            length.parse().map_err(|_| WRONG)?
        } else {
            let mask = length.parse::<Ipv4Addr>().map_err(|_| WRONG)?.to_bits();
            if !address.is_ipv4() || mask.leading_ones() + mask.trailing_zeros() != 32 {
                return Err("has a mask that is none");
            }
            mask.leading_ones()
        };
        Self::new(address, bits).ok_or("has more bits than an address")
    }
}

/// As `Require ip` takes it.
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = if self.address.is_ipv4() { 32 } else { 128 };
        if self.bits == whole { self.address.fmt(f) } else { write!(f, "{}/{}", self.address, self.bits) }
    }
}

/// What was written, while reading.
#[derive(Default)]
pub(super) struct Heartbeats {
    pub(super) listen: Option<(SocketAddr, Spot)>,
    pub(super) storage: Option<(String, Spot)>,
    pub(super) max_servers: Option<u32>,
    pub(super) allow: Option<Vec<Network>>,
}

impl Heartbeats {
    /// Checks the whole against the balancers that elect by heartbeats.
    pub(super) fn resolve(
        self,
        (balancers, handlers): (&[BalancerDraft], &handler::Written),
        notes: &mut Notes,
    ) -> HeartbeatConfig {
        let by_file = self.max_servers == Some(0);
        let reads_storage = by_file || (self.listen.is_none() && self.storage.is_some());
        if let Some((_, spot)) = self.storage.as_ref().filter(|_| !reads_storage) {
            let what = "the file is not used, as in httpd: heartbeats are kept in memory";
            notes.warn(*spot, Complaint::new(what, "add HeartbeatMaxServers 0, or remove the line"));
        }
        let max_servers = match self.max_servers {
            Some(0) => None,
            written => Some(written.and_then(|most| usize::try_from(most).ok()).unwrap_or(SERVERS)),
        };
        let source = self.listen.is_some() || reads_storage;
        tell_balancers(balancers, source, notes);
        if let (Some((_, spot)), Some(most)) = (self.listen, max_servers) {
            tell_room(balancers, most, spot, notes);
        }
        let config = HeartbeatConfig {
            listen: self.listen.map(|(address, _)| address),
            storage: self.storage.map_or_else(|| STORAGE.into(), |(path, _)| path.into()),
            reads_storage,
            max_servers,
            allow: self.allow,
        };
        let served = handlers.first(Handler::Heartbeat);
        if let Some((path, spot)) = served.filter(|_| config.listen.is_none()) {
            let what = format!("{path} answers 503, as in httpd, because nothing is listened for");
            notes.warn(spot, Complaint::new(what, "add HeartbeatListen ADDRESS:PORT"));
        }
        config
    }
}

fn by_heartbeats(balancers: &[BalancerDraft]) -> impl Iterator<Item = &BalancerDraft> {
    balancers.iter().filter(|balancer| balancer.settings.lbmethod == LbMethod::Heartbeat)
}

/// Balancers that elect by heartbeats and cannot hear any, or not of all members.
fn tell_balancers(balancers: &[BalancerDraft], source: bool, notes: &mut Notes) {
    for balancer in by_heartbeats(balancers) {
        let spot = balancer.declared.unwrap_or(balancer.named);
        if !source {
            let what = format!(
                "{} has lbmethod=heartbeat, and nothing listens for heartbeats: it elects by requests",
                balancer.name.url()
            );
            notes.warn(spot, Complaint::new(what, "add HeartbeatListen ADDRESS:PORT"));
            continue;
        }
        let named = balancer.members.iter().filter(|member| member.name.host().parse::<IpAddr>().is_err());
        let named = listed(named.map(|member| shown(member.name.as_str())), LISTED, "");
        if !named.is_empty() {
            let what =
                format!("no heartbeat is known to be of {named}: as in httpd they are known by address");
            notes.warn(spot, Complaint::new(what, "write the member's IP address instead of its name"));
        }
    }
}

/// More members than are remembered.
fn tell_room(balancers: &[BalancerDraft], most: usize, spot: Spot, notes: &mut Notes) {
    let members = by_heartbeats(balancers).flat_map(|balancer| &balancer.members);
    let addresses: HashSet<IpAddr> = members.filter_map(|member| member.name.host().parse().ok()).collect();
    if addresses.len() > most {
        let what = format!(
            "members that are elected by heartbeats have {} addresses, and {most} are remembered",
            addresses.len()
        );
        notes.warn(spot, Complaint::new(what, format!("write HeartbeatMaxServers {}", addresses.len())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_what_they_say() {
        for (text, inside, outside) in [
            ("10.0.0.1", &["10.0.0.1", "::ffff:10.0.0.1"][..], &["10.0.0.2", "::1", "::a00:1"][..]),
            ("10.0.0.0/8", &["10.0.0.0", "10.255.255.255"], &["11.0.0.0", "9.255.255.255"]),
            ("10.1.2.3/255.255.0.0", &["10.1.9.9"], &["10.2.0.1"]),
            ("10.1", &["10.1.0.1", "10.1.255.255"], &["10.2.0.1", "10.10.0.1"]),
            ("10.1.2.", &["10.1.2.3"], &["10.1.3.2"]),
            ("10", &["10.9.9.9"], &["1.0.0.0"]),
            ("0.0.0.0/0", &["1.2.3.4"], &["::1"]),
            ("192.0.2.1/32", &["192.0.2.1"], &["192.0.2.0"]),
            ("::1", &["::1"], &["::2", "127.0.0.1"]),
            ("2001:db8::/32", &["2001:db8:ffff::1"], &["2001:db9::"]),
            ("::/0", &["::1", "ff02::1"], &["1.2.3.4"]),
            ("::ffff:10.0.0.1", &["10.0.0.1"], &["10.0.0.2"]),
        ] {
            let network: Network = text.parse().unwrap();
            for address in inside {
                assert!(network.contains(address.parse().unwrap()), "{text} {address}");
            }
            for address in outside {
                assert!(!network.contains(address.parse().unwrap()), "{text} {address}");
            }
        }
        for address in ["1.2.3.4", "::1", "255.255.255.255"] {
            assert!(Network::ALL.iter().any(|network| network.contains(address.parse().unwrap())));
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            ".",
            "/",
            "x",
            "256",
            "1.2.3.4.5",
            "10.0.0.1/33",
            "10.0.0.1/-1",
            "10.0.0.1/",
            "::1/129",
            "::1/255.0.0.0",
            "10.0.0.0/255.0.255.0",
            "10.0.0.0/8/8",
            "10.1/16",
            "+1",
            "1..2",
            "10.0.0.1/+8",
            "localhost",
        ] {
            let read = text.parse::<Network>();
            assert!(read.is_err(), "{text}: {read:?}");
        }
    }
}
