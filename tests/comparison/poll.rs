//! Sockets that never block, and waiting for many of them at once: what origin, load and floor have in common.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, ipproto, sockopt};

/// Something to read, or the end.
pub(crate) const IN: EventFlags = EventFlags::IN;
/// Room to write.
pub(crate) const OUT: EventFlags = EventFlags::OUT;

/// The most events that one wait brings.
const EVENTS: usize = 512;

/// The sockets of one thread, each known by a number.
pub(crate) struct Poll {
    epoll: OwnedFd,
    events: Vec<Event>,
}

impl Poll {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { epoll: epoll::create(CreateFlags::CLOEXEC)?, events: Vec::with_capacity(EVENTS) })
    }

    pub(crate) fn add(&self, socket: impl AsFd, number: usize, interest: EventFlags) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, socket, EventData::new_u64(number as u64), interest)?)
    }

    pub(crate) fn modify(&self, socket: impl AsFd, number: usize, interest: EventFlags) {
        // It fails only for a socket that is not there, and its owner will see that.
        let _ = epoll::modify(&self.epoll, socket, EventData::new_u64(number as u64), interest);
    }

    /// Waits for events, at most that long, and says how many there are.
    pub(crate) fn wait(&mut self, limit: Option<Duration>) -> io::Result<usize> {
        self.events.clear();
        let mut limit = limit.map(Timespec::try_from).transpose().map_err(io::Error::other)?;
        // The kernel counts this limit in milliseconds, which is too coarse for requests that are due.
        if let Some(fine) = limit
            && fine.tv_nsec % 1_000_000 != 0
        {
            match rustix::event::poll(&mut [PollFd::new(&self.epoll, PollFlags::IN)], Some(&fine)) {
                Ok(0) | Err(Errno::INTR) => return Ok(0),
                Ok(_) => limit = Some(Timespec { tv_sec: 0, tv_nsec: 0 }),
                Err(why) => return Err(why.into()),
            }
        }
        match epoll::wait(&self.epoll, spare_capacity(&mut self.events), limit.as_ref()) {
            Ok(_) | Err(Errno::INTR) => Ok(self.events.len()),
            Err(why) => Err(why.into()),
        }
    }

    /// The number of the socket of an event, and what happened to it.
    pub(crate) fn event(&self, at: usize) -> (usize, EventFlags) {
        let Event { flags, data } = self.events[at];
        (usize::try_from(data.u64()).expect("it was made of one"), flags)
    }
}

/// A socket for TCP that sends at once what is written.
pub(crate) fn socket() -> io::Result<OwnedFd> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket =
        rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, Some(ipproto::TCP))?;
    sockopt::set_tcp_nodelay(&socket, true)?;
    Ok(socket)
}

/// A listener at that address; port 0 is any that is free.
pub(crate) fn listen(address: SocketAddrV4) -> io::Result<OwnedFd> {
    let socket = socket()?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    rustix::net::bind(&socket, &address)?;
    rustix::net::listen(&socket, 4096)?;
    Ok(socket)
}

/// The next connection of a listener, if there is one.
pub(crate) fn accept(listener: impl AsFd) -> Option<OwnedFd> {
    rustix::net::accept_with(listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC).ok()
}

/// A connection on its way to `address`.
pub(crate) fn connect(address: SocketAddrV4, from: Option<Ipv4Addr>) -> io::Result<OwnedFd> {
    let socket = socket()?;
    if let Some(from) = from {
        sockopt::set_socket_reuseaddr(&socket, true)?;
        rustix::net::bind(&socket, &SocketAddrV4::new(from, 0))?;
    }
    match rustix::net::connect(&socket, &address) {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(socket),
        Err(why) => Err(why.into()),
    }
}

/// Reads what is there: none if nothing is yet, 0 at the end, whatever way it came.
pub(crate) fn read(socket: impl AsFd, into: &mut [u8]) -> Option<usize> {
    match rustix::io::read(socket, into) {
        Ok(count) => Some(count),
        Err(Errno::AGAIN | Errno::INTR) => None,
        Err(_) => Some(0),
    }
}

/// How a write went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrote {
    All,
    /// There is no more room; so many bytes went.
    Some(usize),
    /// The connection is gone.
    Nothing,
}

/// Writes as much as there is room for.
pub(crate) fn write(socket: impl AsFd, bytes: &[u8]) -> Wrote {
    let mut written = 0;
    while written < bytes.len() {
        match rustix::io::write(&socket, &bytes[written..]) {
            Ok(count) => written += count,
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN | Errno::NOTCONN) => return Wrote::Some(written),
            Err(_) => return Wrote::Nothing,
        }
    }
    Wrote::All
}

/// What a relay or an end needs to know of a head.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Framed {
    /// Where the body starts.
    pub(crate) end: usize,
    /// Bytes of the body; none if the head does not say.
    pub(crate) length: Option<u64>,
    /// The value of `Connection: close`, if it is there.
    pub(crate) close: Option<usize>,
}

/// The framing of the message that `bytes` starts with, once its head is whole.
pub(crate) fn framed(bytes: &[u8]) -> Option<Framed> {
    let mut framed = Framed::default();
    let mut start = 0;
    while let Some(length) = bytes[start..].iter().position(|byte| *byte == b'\n') {
        let line = &bytes[start..start + length];
        match line.first() {
            Some(b'\r') => return Some(Framed { end: start + length + 1, ..framed }),
            Some(b'c' | b'C') => {
                if let Some(digits) = value(line, "content-length") {
                    framed.length = digits.trim().parse().ok();
                } else if let Some(option) = value(line, "connection")
                    && option.trim().eq_ignore_ascii_case("close")
                {
                    framed.close = Some(start + line.len() - option.trim_start().len());
                }
            }
            _ => {}
        }
        start += length + 1;
    }
    None
}

/// The value of a line, if it is that field's.
fn value<'a>(line: &'a [u8], name: &str) -> Option<&'a str> {
    let (front, rest) = line.split_at_checked(name.len())?;
    if !front.eq_ignore_ascii_case(name.as_bytes()) {
        return None;
    }
    std::str::from_utf8(rest.strip_prefix(b":")?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_framing_of_a_head() {
        for (text, expected) in [
            ("GET / HTTP/1.1\r\nHost: h\r\n", None),
            ("GET / HTTP/1.1\r\nHost: h\r\n\r\n", Some(Framed { end: 27, ..Framed::default() })),
            (
                "A\r\ncontent-length:  12\r\n\r\nbody",
                Some(Framed { end: 26, length: Some(12), ..Framed::default() }),
            ),
            (
                "A\r\nConnection: Close\r\n\r\n",
                Some(Framed { end: 24, close: Some(15), ..Framed::default() }),
            ),
            ("A\r\nConnection: keep-alive\r\n\r\n", Some(Framed { end: 29, ..Framed::default() })),
        ] {
            assert_eq!(framed(text.as_bytes()), expected, "{text}");
        }
    }
}
