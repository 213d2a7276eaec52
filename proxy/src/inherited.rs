//! Listeners that a service manager has opened for this process (`LISTEN_FDS` of systemd's `sd_listen_fds`). It keeps them
//! while the proxy restarts, so that clients wait instead of being refused, and may open ports that the proxy may not.

use std::io;
use std::net::{SocketAddr, TcpListener};

use listenfd::ListenFd;
use rustix::io::{FdFlags, fcntl_setfd};

/// The listeners by their address. They are never closed: the service manager has them too, and a reload may ask again.
#[derive(Debug, Default)]
pub struct Inherited(Vec<(SocketAddr, TcpListener)>);

impl Inherited {
    /// Takes what this process was given; nothing where there is no service manager. To be called before there are other
    /// threads.
    ///
    /// # Errors
    ///
    /// Something that was given is no listener over TCP.
    pub fn take() -> io::Result<Self> {
        let mut given = ListenFd::from_env();
        let mut listeners = Vec::with_capacity(given.len());
        for index in 0..given.len() {
            let Some(listener) = given.take_tcp_listener(index)? else { continue };
            // Nobody whom the proxy starts is to have it.
            fcntl_setfd(&listener, FdFlags::CLOEXEC)?;
            listeners.push((listener.local_addr()?, listener));
        }
        Ok(Self(listeners))
    }

    /// The listener of that address.
    pub(crate) fn of(&self, wanted: SocketAddr) -> Option<&TcpListener> {
        self.0.iter().find(|(address, _)| *address == wanted).map(|(_, listener)| listener)
    }

    /// Says which of them nobody serves.
    pub(crate) fn warn_of_idle(&self, served: &[SocketAddr]) {
        for (address, _) in self.0.iter().filter(|(address, _)| !served.contains(address)) {
            tracing::warn!(%address,
                "the service manager listens there for the proxy, and no Listen names it: whoever connects waits for \
                 nothing; name it in the configuration, or take it out of the socket unit");
        }
    }
}
