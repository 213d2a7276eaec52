//! The socket of `HeartbeatListen`: a multicast group, or an address of this machine. It is read in bounded turns, so
//! that a flood of datagrams neither keeps the control thread from its other work nor grows anything.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::time::{interval, sleep};

use super::Heartmonitor;
use super::message::LONGEST;
use crate::clock::Pacer;
use crate::limits;

/// How often it is tried to join a group that could not be joined.
const JOIN_EVERY: Duration = Duration::from_secs(10);
/// Full turns in a row before it is told that more comes than is read: most of a second.
const FLOOD: u32 = 150;
/// Bytes that wait in the system, if it grants them: those of a long turn.
const WAITING: usize = 1024 * 1024;

/// A bound socket.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: Socket,
    /// As bound, with the port that the system chose.
    address: SocketAddr,
}

/// Binds the socket.
///
/// # Errors
///
/// The address cannot be bound; says what to do.
pub(crate) fn open(address: SocketAddr) -> anyhow::Result<Listener> {
    let bind = || {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        // Several may hear one group; of an address of this machine only one would.
        socket.set_reuse_address(address.ip().is_multicast())?;
        if address.is_ipv6() {
            socket.set_only_v6(address.ip() != IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED))?;
        }
        socket.set_nonblocking(true)?;
        // Less is enough for all but floods.
        let _ = socket.set_recv_buffer_size(WAITING);
        socket.bind(&address.into())?;
        let bound = socket.local_addr()?.as_socket().unwrap_or(address);
        Ok(Listener { socket, address: bound })
    };
    bind().map_err(|why: std::io::Error| {
        anyhow::anyhow!(
            "cannot listen for heartbeats on {address}: {why}; free the address, or change HeartbeatListen in the \
             configuration"
        )
    })
}

impl Listener {
    /// The same socket once more, for who takes over.
    ///
    /// # Errors
    ///
    /// The system has no descriptors left.
    pub(crate) fn again(&self) -> std::io::Result<Self> {
        Ok(Self { socket: self.socket.try_clone()?, address: self.address })
    }

    /// Joins the multicast group, if it is one, on the interface that the system chooses, as httpd does.
    fn join(&self) -> std::io::Result<()> {
        match self.address.ip() {
            IpAddr::V4(group) if group.is_multicast() => {
                self.socket.join_multicast_v4(&group, &Ipv4Addr::UNSPECIFIED)
            }
            IpAddr::V6(group) if group.is_multicast() => self.socket.join_multicast_v6(&group, 0),
            _ => Ok(()),
        }
    }

    /// Joins the group; says so if it cannot.
    fn has_joined(&self) -> bool {
        match self.join() {
            // It may have been joined by who had the socket before.
            Err(why) if why.kind() == std::io::ErrorKind::AddrInUse => true,
            Ok(()) => {
                tracing::info!(address = %self.address, "listening for heartbeats");
                true
            }
            Err(why) => {
                tracing::error!(address = %self.address, %why,
                    "cannot join the multicast group of HeartbeatListen, so that no heartbeats are heard; a route for \
                     the group may be missing; it is tried again");
                false
            }
        }
    }
}

/// Hears datagrams until it is dropped.
pub(super) async fn listen(monitor: Arc<Heartmonitor>, listener: Listener) {
    let mut attempts = interval(JOIN_EVERY);
    loop {
        attempts.tick().await;
        if listener.has_joined() {
            break;
        }
    }
    let Ok(socket) = UdpSocket::from_std(listener.socket.into()) else {
        tracing::error!("the socket of HeartbeatListen cannot be used");
        return;
    };
    // One byte more, so that what is too long is seen to be.
    let mut bytes = [0; LONGEST + 1];
    let (mut full, flood_told) = (0_u32, Pacer::default());
    loop {
        if socket.readable().await.is_err() {
            return;
        }
        let read = turn(&monitor, &socket, &mut bytes);
        monitor.hand_on();
        full = if read == limits::DATAGRAMS { full.saturating_add(1) } else { 0 };
        if full >= FLOOD && flood_told.is_due() {
            let most = 1000 / limits::DATAGRAMS_EVERY.as_millis() * limits::DATAGRAMS as u128;
            tracing::warn!(
                most,
                lost = lost(&socket),
                "more datagrams come to HeartbeatListen than are read in a second; so many were lost since the start"
            );
        }
        // However fast they come, there are no more turns than that.
        sleep(limits::DATAGRAMS_EVERY).await;
    }
}

/// How many datagrams the system has dropped because nobody had read those before; none if it does not say.
fn lost(socket: &UdpSocket) -> Option<u64> {
    let number = rustix::fs::fstat(socket).ok()?.st_ino;
    let table = if socket.local_addr().ok()?.is_ipv4() { "/proc/net/udp" } else { "/proc/net/udp6" };
    dropped(&std::fs::read_to_string(table).ok()?, number)
}

/// The last column of the system's table of sockets, in the line of that socket.
fn dropped(table: &str, number: u64) -> Option<u64> {
    /// The column of the socket's number.
    const NUMBER: usize = 9;
    let number = number.to_string();
    let line = table.lines().find(|line| line.split_whitespace().nth(NUMBER) == Some(&number))?;
    line.split_whitespace().next_back()?.parse().ok()
}

/// Reads what came, but no more than may be read in one turn; how many that were.
fn turn(monitor: &Heartmonitor, socket: &UdpSocket, bytes: &mut [u8]) -> usize {
    for read in 0..limits::DATAGRAMS {
        match socket.try_recv_from(bytes) {
            Ok((length, from)) => monitor.datagram(bytes.get(..length).unwrap_or_default(), from.ip()),
            Err(_) => return read,
        }
    }
    limits::DATAGRAMS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_says_what_it_dropped() {
        let table = "sl local_address rem_address st tx_queue rx_queue tr tm->when retrnsmt uid timeout inode ref pointer drops\n\
            277: 0100007F:8F9B 00000000:0000 07 00000000:00000000 00:00000000 00000000 0 0 40968 2 0000000000000000 0\n\
            301: 0100007F:A1C3 00000000:0000 07 00000000:00000300 00:00000000 00000000 33 0 40969 2 0000000000000000 1234\n";
        assert_eq!((dropped(table, 40_968), dropped(table, 40_969)), (Some(0), Some(1234)));
        assert_eq!((dropped(table, 4), dropped("", 4)), (None, None));
    }

    #[test]
    fn groups_are_shared_and_addresses_of_this_machine_are_not() {
        let own = open("127.0.0.1:0".parse().unwrap()).unwrap();
        let why = open(own.address).unwrap_err().to_string();
        assert!(why.contains(&format!("cannot listen for heartbeats on {}", own.address)), "{why}");
        let group = open("239.255.77.8:0".parse().unwrap()).unwrap();
        open(group.address).unwrap();
    }
}
