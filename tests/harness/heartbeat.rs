//! Servers that announce themselves: datagrams from addresses of the loopback, once or again and again.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::eventually::eventually;
use crate::proxy::Proxy;

/// How often a pulse beats; a real server does once a second.
const EVERY: Duration = Duration::from_millis(100);

/// Where a proxy hears heartbeats, with the port that the system chose.
#[track_caller]
pub fn hearing_at(proxy: &Proxy) -> SocketAddr {
    eventually("it listens for heartbeats", || {
        let log = proxy.log();
        let line = log.lines().find(|line| line.contains("listening for heartbeats"))?;
        let (_, address) = line.split_once("address=")?;
        address.split_whitespace().next()?.parse().ok()
    })
}

/// Sends one datagram from that address.
#[track_caller]
pub fn beat(from: impl Into<IpAddr>, to: SocketAddr, text: impl AsRef<[u8]>) {
    UdpSocket::bind((from.into(), 0)).unwrap().send_to(text.as_ref(), to).unwrap();
}

/// A server that announces itself until it is dropped.
#[derive(Debug)]
pub struct Pulse {
    says: Sender<String>,
    /// Ends when the sender is gone.
    beating: Option<JoinHandle<()>>,
}

impl Pulse {
    /// Beats from that address from now on, with so many slots ready and busy.
    pub fn of(from: impl Into<IpAddr>, to: SocketAddr, (ready, busy): (u32, u32)) -> Self {
        Self::saying(from, to, &format!("v=1&ready={ready}&busy={busy}"))
    }

    /// Beats from that address from now on, with this text.
    pub fn saying(from: impl Into<IpAddr>, to: SocketAddr, text: &str) -> Self {
        let (from, mut text) = (from.into(), text.to_owned());
        let (says, told) = channel();
        let beating = thread::spawn(move || {
            loop {
                beat(from, to, &text);
                match told.recv_timeout(EVERY) {
                    Ok(other) => text = other,
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        });
        Self { says, beating: Some(beating) }
    }

    /// Says something else from now on.
    pub fn now_says(&self, (ready, busy): (u32, u32)) {
        self.says.send(format!("v=1&ready={ready}&busy={busy}")).unwrap();
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.says = channel().0;
        if let Some(beating) = self.beating.take() {
            // It has panicked if it could not send, which the test will have noticed.
            drop(beating.join());
        }
    }
}
