//! One client of the load: a connection, a request made in advance, and the answer as far as it is there.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::epoll::EventFlags;
use rustix::net::sockopt;

use crate::poll::{IN, OUT, Poll, Wrote, connect, framed, read, write};

/// What all clients of a load have in common.
#[derive(Debug, Clone)]
pub(crate) struct Errand {
    pub(crate) to: SocketAddrV4,
    /// The requests; clients take them in turn.
    pub(crate) requests: Vec<Vec<u8>>,
    /// Is each request sent on a connection of its own, which the proxy closes?
    pub(crate) fresh: bool,
    /// Bytes of the receive buffer, if it is to be small.
    pub(crate) receive: Option<usize>,
}

impl Errand {
    /// An errand for a target, with a body of that many bytes, and further header lines for each of its requests.
    pub(crate) fn new(to: SocketAddrV4, path: &str, body: usize, fields: &[String], fresh: bool) -> Self {
        let close = if fresh { "Connection: close\r\n" } else { "" };
        let (method, length) = match body {
            0 => ("GET", String::new()),
            bytes => ("POST", format!("Content-Length: {bytes}\r\n")),
        };
        let request = |fields: &str| {
            let mut bytes = format!(
                "{method} {path} HTTP/1.1\r\nHost: bench.test\r\nUser-Agent: comparison\r\nAccept: */*\r\n\
                 Accept-Language: en\r\n{length}{fields}{close}\r\n"
            )
            .into_bytes();
            bytes.resize(bytes.len() + body, b'x');
            bytes
        };
        let requests = match fields {
            [] => vec![request("")],
            fields => fields.iter().map(|fields| request(fields)).collect(),
        };
        Self { to, requests, fresh, receive: None }
    }
}

/// Where a client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Without a connection, or with an idle one.
    Free,
    Connecting,
    Sending,
    /// Reading the head of the answer.
    Head,
    /// Reading its body, of which so many bytes are missing.
    Body(u64),
    /// Waiting for the proxy to close.
    End,
}

/// What came of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Open,
    /// The answer is whole; was it good?
    Answered(bool),
    Failed,
}

pub(crate) struct Client {
    number: usize,
    socket: Option<OwnedFd>,
    pub(crate) stage: Stage,
    /// When its request was due.
    pub(crate) since: Duration,
    sent: usize,
    head: Vec<u8>,
    good: bool,
    closing: bool,
    dialled: usize,
    interest: EventFlags,
}

impl Client {
    pub(crate) fn new(number: usize) -> Self {
        Self {
            number,
            socket: None,
            stage: Stage::Free,
            since: Duration::ZERO,
            sent: 0,
            head: Vec::new(),
            good: false,
            closing: false,
            dialled: 0,
            interest: IN,
        }
    }

    /// Sends the next request, over a new connection if there is none.
    pub(crate) fn start(&mut self, errand: &Errand, poll: &Poll) -> Outcome {
        // On a connection for one request everybody waits for the end.
        (self.sent, self.closing) = (0, errand.fresh);
        self.head.clear();
        if self.socket.is_some() {
            self.stage = Stage::Sending;
            return self.send(errand, poll);
        }
        match self.dial(errand, poll) {
            Ok(socket) => {
                self.socket = Some(socket);
                self.stage = Stage::Connecting;
                Outcome::Open
            }
            Err(_) => self.fail(),
        }
    }

    fn dial(&mut self, errand: &Errand, poll: &Poll) -> io::Result<OwnedFd> {
        // Connections come from many addresses, for one has too few ports for all that linger after they are closed.
        self.dialled += 1;
        let at = u8::try_from((self.number + 64 * self.dialled) % 250).expect("less than 250");
        let socket = connect(errand.to, Some(Ipv4Addr::new(127, 2, 0, 1 + at)))?;
        if let Some(bytes) = errand.receive {
            sockopt::set_socket_recv_buffer_size(&socket, bytes)?;
        }
        poll.add(&socket, self.number, OUT)?;
        self.interest = OUT;
        Ok(socket)
    }

    /// Goes on after an event; `scratch` takes what is read.
    pub(crate) fn attend(&mut self, errand: &Errand, poll: &Poll, scratch: &mut [u8]) -> Outcome {
        match self.stage {
            Stage::Connecting | Stage::Sending => {
                self.stage = Stage::Sending;
                self.send(errand, poll)
            }
            _ => self.receive(scratch),
        }
    }

    fn send(&mut self, errand: &Errand, poll: &Poll) -> Outcome {
        let Some(socket) = &self.socket else { return Outcome::Failed };
        let request = &errand.requests[self.number % errand.requests.len()];
        let interest = match write(socket, &request[self.sent..]) {
            Wrote::All => {
                self.stage = Stage::Head;
                IN
            }
            Wrote::Some(count) => {
                self.sent += count;
                OUT
            }
            Wrote::Nothing => return self.fail(),
        };
        if interest != self.interest {
            self.interest = interest;
            poll.modify(socket, self.number, interest);
        }
        Outcome::Open
    }

    fn receive(&mut self, scratch: &mut [u8]) -> Outcome {
        let Some(socket) = &self.socket else { return Outcome::Open };
        let Some(count) = read(socket, scratch) else { return Outcome::Open };
        match self.stage {
            // The end is what was asked for.
            Stage::End => self.finish(),
            _ if count == 0 && self.stage == Stage::Free => {
                // The proxy closed an idle connection, which it may.
                self.socket = None;
                Outcome::Open
            }
            _ if count == 0 => self.fail(),
            Stage::Head => self.begin(&scratch[..count]),
            Stage::Body(left) => self.consume(left, count),
            Stage::Free | Stage::Connecting | Stage::Sending => self.fail(),
        }
    }

    fn begin(&mut self, piece: &[u8]) -> Outcome {
        let whole = if self.head.is_empty() {
            piece
        } else {
            self.head.extend_from_slice(piece);
            &self.head
        };
        let Some(head) = framed(whole) else {
            if self.head.is_empty() {
                self.head.extend_from_slice(piece);
            }
            return if self.head.len() < 16 << 10 { Outcome::Open } else { self.fail() };
        };
        self.good = whole.get(9..12) == Some(b"200");
        let behind = whole.len() - head.end;
        let Some(length) = head.length else { return self.fail() };
        self.closing |= head.close.is_some();
        self.consume(length, behind)
    }

    fn consume(&mut self, left: u64, count: usize) -> Outcome {
        let left = left.saturating_sub(count as u64);
        if left > 0 {
            self.stage = Stage::Body(left);
            return Outcome::Open;
        }
        if self.closing {
            self.stage = Stage::End;
            return Outcome::Open;
        }
        self.finish()
    }

    fn finish(&mut self) -> Outcome {
        if self.stage == Stage::End {
            self.socket = None;
        }
        self.stage = Stage::Free;
        Outcome::Answered(self.good)
    }

    fn fail(&mut self) -> Outcome {
        self.socket = None;
        self.stage = Stage::Free;
        Outcome::Failed
    }

    /// Reads at most so many bytes of a body that is taken slowly, without waiting for them.
    pub(crate) fn sip(&mut self, scratch: &mut [u8]) {
        let (Some(socket), Stage::Body(left)) = (&self.socket, self.stage) else { return };
        let count = read(socket, scratch).unwrap_or(0);
        self.stage = Stage::Body(left.saturating_sub(count as u64));
    }

    /// No event wakes it any more.
    pub(crate) fn mute(&mut self, poll: &Poll) {
        if let Some(socket) = &self.socket {
            poll.modify(socket, self.number, EventFlags::empty());
        }
    }
}
