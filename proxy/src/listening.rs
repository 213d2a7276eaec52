//! The addresses that are listened on. Each is bound once for each worker thread, and each thread accepts from its own.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
#[cfg(target_os = "linux")]
use std::os::fd::AsRawFd as _;
use std::sync::{Arc, Once};

use rustix::io::Errno;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::sync::{mpsc, watch};

use crate::inherited::Inherited;
use crate::limits;

/// A worker thread's part of an address.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    /// True when nothing more is to be accepted there.
    pub(crate) closing: watch::Receiver<bool>,
}

/// How a worker thread is handed listeners.
pub(crate) type Door = mpsc::UnboundedSender<Listener>;

/// One address.
#[derive(Debug)]
struct Bound {
    /// As configured; port 0 means any.
    wanted: SocketAddr,
    /// As the system gave it.
    actual: SocketAddr,
    closing: watch::Sender<bool>,
}

/// All addresses, and the worker threads that accept there.
#[derive(Debug)]
pub(crate) struct Listening {
    /// The directive that names them.
    directive: &'static str,
    doors: Vec<Door>,
    inherited: Arc<Inherited>,
    bound: Vec<Bound>,
}

/// Addresses that are bound and not served yet.
pub(crate) struct Opened(Vec<(Bound, Vec<TcpListener>)>);

impl Listening {
    /// Nothing yet; the doors are those of the threads that accept.
    pub(crate) fn new(directive: &'static str, doors: Vec<Door>, inherited: Arc<Inherited>) -> Self {
        Self { directive, doors, inherited, bound: Vec::new() }
    }

    /// Binds those of `wanted` that are not listened on yet, or takes what a service manager has bound.
    ///
    /// # Errors
    ///
    /// An address that cannot be bound; then none is.
    pub(crate) fn open(&self, wanted: &[SocketAddr]) -> anyhow::Result<Opened> {
        let fresh = wanted.iter().filter(|wanted| !self.bound.iter().any(|bound| bound.wanted == **wanted));
        fresh
            .map(|wanted| match self.inherited.of(*wanted) {
                Some(listener) => share(listener, *wanted, self.doors.len()),
                None => bind(*wanted, self.doors.len(), self.directive),
            })
            .collect::<anyhow::Result<_>>()
            .map(Opened)
    }

    /// Listens on what was opened, and no longer on what is not in `wanted`.
    pub(crate) fn serve(&mut self, opened: Opened, wanted: &[SocketAddr]) {
        for (bound, sockets) in opened.0 {
            for (door, socket) in self.doors.iter().zip(sockets) {
                // A worker that is gone means that the proxy ends.
                let _ = door.send(Listener { socket, closing: bound.closing.subscribe() });
            }
            self.bound.push(bound);
        }
        self.bound.retain(|bound| {
            let stays = wanted.contains(&bound.wanted);
            if !stays {
                tracing::info!(address = %bound.actual, directive = self.directive, "no longer listening");
                bound.closing.send_replace(true);
            }
            stays
        });
    }

    /// How many worker threads there are.
    pub(crate) fn workers(&self) -> usize {
        self.doors.len()
    }

    /// The addresses once [`Self::serve`] is told this.
    pub(crate) fn addresses_with(&self, opened: &Opened, wanted: &[SocketAddr]) -> Vec<SocketAddr> {
        let stay = self.bound.iter().filter(|bound| wanted.contains(&bound.wanted));
        stay.chain(opened.0.iter().map(|(bound, _)| bound)).map(|bound| bound.actual).collect()
    }

    /// The addresses, with the ports that the system chose.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.bound.iter().map(|bound| bound.actual).collect()
    }
}

/// Shares a listener that was bound before this process began among the worker threads: while the process restarts,
/// clients wait in its queue, which only one socket has.
fn share(
    listener: &TcpListener,
    wanted: SocketAddr,
    threads: usize,
) -> anyhow::Result<(Bound, Vec<TcpListener>)> {
    prepare(&SockRef::from(listener))?;
    let sockets = (0..threads).map(|_| listener.try_clone()).collect::<Result<_, _>>()?;
    Ok((Bound { wanted, actual: wanted, closing: watch::Sender::new(false) }, sockets))
}

/// Binds an address once for each worker thread.
///
/// The first socket is exclusive until it listens, so that an address on which another process listens is refused even
/// if that process shares it, or starts at the same time; only then the address is opened for the siblings.
fn bind(wanted: SocketAddr, threads: usize, directive: &str) -> anyhow::Result<(Bound, Vec<TcpListener>)> {
    let refuse = |why: std::io::Error| {
        anyhow::anyhow!(
            "cannot listen on {wanted}: {why}; free the address, or change {directive} in the configuration"
        )
    };
    let first = first_socket(wanted).map_err(refuse)?;
    first.listen(limits::LISTEN_QUEUE).map_err(refuse)?;
    first.set_reuse_port(true).map_err(refuse)?;
    let actual = first.local_addr()?.as_socket().unwrap_or(wanted);
    let mut sockets = vec![TcpListener::from(first)];
    for _ in 1..threads {
        let sibling = socket(actual, true).map_err(refuse)?;
        sibling.listen(limits::LISTEN_QUEUE).map_err(refuse)?;
        sockets.push(sibling.into());
    }
    Ok((Bound { wanted, actual, closing: watch::Sender::new(false) }, sockets))
}

/// `Listen PORT` means every address of both families, or of the one that the system has.
fn first_socket(address: SocketAddr) -> std::io::Result<Socket> {
    match socket(address, false) {
        Err(why)
            if address.ip() == Ipv6Addr::UNSPECIFIED
                && Errno::from_io_error(&why) == Some(Errno::AFNOSUPPORT) =>
        {
            socket((Ipv4Addr::UNSPECIFIED, address.port()).into(), false)
        }
        outcome => outcome,
    }
}

fn socket(address: SocketAddr, shared: bool) -> std::io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    prepare(&SockRef::from(&socket))?;
    socket.bind(&address.into())?;
    Ok(socket)
}

/// What every listener has. The connections that are accepted inherit it.
fn prepare(socket: &SockRef<'_>) -> std::io::Result<()> {
    /// Each thread has a socket of each address, and what one lacks all lack.
    static TOLD: Once = Once::new();
    for (option, outcome) in preferences(socket) {
        if let Err(why) = outcome {
            TOLD.call_once(|| {
                tracing::warn!(option, %why, "the system lacks an option of listeners; it goes without, and slower");
            });
        }
    }
    socket.set_nonblocking(true)
}

/// Options that make things faster and that no system has to have, and whether this one took them.
fn preferences(socket: &SockRef<'_>) -> Vec<(&'static str, std::io::Result<()>)> {
    vec![
        ("TCP_NODELAY", socket.set_tcp_nodelay(true)),
        // What a slow client has not taken waits at the member, not in this system's memory.
        #[cfg(target_os = "linux")]
        ("TCP_NOTSENT_LOWAT", socket.set_tcp_notsent_lowat(limits::UNSENT)),
        // As httpd does by default for http (AcceptFilter): a worker wakes once for a client and its request, not twice.
        #[cfg(target_os = "linux")]
        ("TCP_DEFER_ACCEPT", defer_accept(socket)),
    ]
}

#[cfg(target_os = "linux")]
fn defer_accept(socket: &SockRef<'_>) -> std::io::Result<()> {
    uapi::setsockopt(socket.as_raw_fd(), uapi::c::IPPROTO_TCP, uapi::c::TCP_DEFER_ACCEPT, &limits::SILENT)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_without_the_options_of_listeners_is_listened_on_all_the_same() {
        // A socket that has none of them.
        let (socket, _other) = std::os::unix::net::UnixStream::pair().unwrap();
        let socket = SockRef::from(&socket);
        assert!(preferences(&socket).iter().all(|(_, outcome)| outcome.is_err()));
        prepare(&socket).unwrap();
        assert!(socket.nonblocking().unwrap());
    }
}
