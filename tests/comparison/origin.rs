//! The origin behind all proxies: one thread, answers made in advance, as cheap as an origin can be.
//!
//! It has many addresses, so that one thread stands for a thousand members. It reads requests with and without a
//! length, which is what proxies send for this load; it does not know chunks.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::fd::OwnedFd;
use std::thread;

use rustix::event::epoll::EventFlags;

use crate::poll::{IN, OUT, Poll, Wrote, accept, framed, listen, read, write};

/// The most members that it ever stands for.
pub(crate) const MEMBERS: usize = 1000;

/// The sizes of bodies, by the path that asks for them. The first is also the answer to everything else.
const BODIES: [(&str, usize); 4] = [("/128", 128), ("/16k", 16 << 10), ("/1m", 1 << 20), ("/4m", 4 << 20)];

/// Where the members are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    port: u16,
    members: usize,
}

impl Origin {
    /// Starts the origin for so many members on this thread's processors; it ends with the program.
    pub(crate) fn start(members: usize) -> io::Result<Self> {
        // The port is free at the first address, and hardly taken at the others; if it is, another is tried.
        let (port, listeners) = (0..5).find_map(|_| listeners(members).ok()).ok_or_else(|| {
            io::Error::other("no port is free on 127.1.0.1 to 127.1.3.250; are there enough descriptors?")
        })?;
        let serve = move || Service::new(listeners).and_then(|mut service| service.run()).expect("an origin");
        thread::Builder::new().name("origin".to_owned()).spawn(serve)?;
        Ok(Self { port, members })
    }

    /// The addresses of the first `count` members.
    pub(crate) fn members(self, count: usize) -> impl Iterator<Item = SocketAddr> {
        (0..count.min(self.members)).map(move |at| SocketAddrV4::new(address(at), self.port).into())
    }
}

fn address(at: usize) -> Ipv4Addr {
    let octet = |number: usize| u8::try_from(number).expect("a thousand members have four nets");
    Ipv4Addr::new(127, 1, octet(at / 250), octet(1 + at % 250))
}

fn listeners(members: usize) -> io::Result<(u16, Vec<OwnedFd>)> {
    let mut listeners = vec![listen(SocketAddrV4::new(address(0), 0))?];
    let port = SocketAddr::try_from(rustix::net::getsockname(&listeners[0])?)?.port();
    for at in 1..members {
        listeners.push(listen(SocketAddrV4::new(address(at), port))?);
    }
    Ok((port, listeners))
}

/// A connection of a proxy.
struct Caller {
    socket: OwnedFd,
    /// The start of a head that is not whole.
    head: Vec<u8>,
    /// Bytes of a request's body that are still to come.
    body: u64,
    /// The answer that is being written, and how far it is.
    answer: usize,
    written: usize,
    writing: bool,
    closing: bool,
    interest: EventFlags,
}

struct Service {
    poll: Poll,
    listeners: Vec<OwnedFd>,
    /// By number, behind those of the listeners.
    callers: Vec<Option<Caller>>,
    free: Vec<usize>,
    answers: Vec<Vec<u8>>,
    scratch: Vec<u8>,
}

impl Service {
    fn new(listeners: Vec<OwnedFd>) -> io::Result<Self> {
        let poll = Poll::new()?;
        for (number, listener) in listeners.iter().enumerate() {
            poll.add(listener, number, IN)?;
        }
        let answers = BODIES.iter().map(|(_, size)| answer(*size)).collect();
        Ok(Self {
            poll,
            listeners,
            callers: Vec::new(),
            free: Vec::new(),
            answers,
            scratch: vec![0; 256 << 10],
        })
    }

    fn run(&mut self) -> io::Result<()> {
        loop {
            for at in 0..self.poll.wait(None)? {
                let (number, flags) = self.poll.event(at);
                if number < self.listeners.len() {
                    self.greet(number);
                } else {
                    self.attend(number - self.listeners.len(), flags);
                }
            }
        }
    }

    fn greet(&mut self, listener: usize) {
        while let Some(socket) = accept(&self.listeners[listener]) {
            let at = self.free.pop().unwrap_or_else(|| {
                self.callers.push(None);
                self.callers.len() - 1
            });
            if self.poll.add(&socket, self.listeners.len() + at, IN).is_err() {
                self.free.push(at);
                continue;
            }
            self.callers[at] = Some(Caller {
                socket,
                head: Vec::new(),
                body: 0,
                answer: 0,
                written: 0,
                writing: false,
                closing: false,
                interest: IN,
            });
        }
    }

    /// An event may be about a caller that has left since; another who has its number then finds nothing to do.
    fn attend(&mut self, at: usize, flags: EventFlags) {
        let Some(caller) = &mut self.callers[at] else { return };
        let mut stays = true;
        if !caller.writing && flags != OUT {
            stays = caller.listen(&mut self.scratch);
        }
        if stays && caller.writing {
            stays = caller.answer(&self.answers);
        }
        let wished = if caller.writing { OUT } else { IN };
        if !stays {
            self.callers[at] = None;
            self.free.push(at);
        } else if wished != caller.interest {
            caller.interest = wished;
            self.poll.modify(&caller.socket, self.listeners.len() + at, wished);
        }
    }
}

impl Caller {
    /// Reads what came; false at the end of the connection.
    fn listen(&mut self, scratch: &mut [u8]) -> bool {
        let Some(count) = read(&self.socket, scratch) else { return true };
        if count == 0 {
            return false;
        }
        if self.body > 0 {
            self.body = self.body.saturating_sub(count as u64);
            self.writing = self.body == 0;
            return true;
        }
        if self.head.is_empty() {
            return self.begin(&scratch[..count]);
        }
        self.head.extend_from_slice(&scratch[..count]);
        let head = std::mem::take(&mut self.head);
        self.begin(&head)
    }

    /// Reads a request's head; what is behind it is of its body, for proxies do not send the next before the answer.
    fn begin(&mut self, bytes: &[u8]) -> bool {
        let Some(head) = framed(bytes) else {
            self.head = bytes.to_vec();
            return bytes.len() < 64 << 10;
        };
        let target = bytes.iter().position(|byte| *byte == b' ').map_or(0, |at| at + 1);
        let asked = |path: &str| {
            let rest = bytes[target..].strip_prefix(path.as_bytes());
            rest.is_some_and(|rest| rest.first() == Some(&b' '))
        };
        self.answer = BODIES.iter().position(|(path, _)| asked(path)).unwrap_or(0);
        self.written = 0;
        self.closing = head.close.is_some();
        self.body = head.length.unwrap_or(0).saturating_sub((bytes.len() - head.end) as u64);
        self.writing = self.body == 0;
        true
    }

    /// Writes on; false at the end of the connection.
    fn answer(&mut self, answers: &[Vec<u8>]) -> bool {
        match write(&self.socket, &answers[self.answer][self.written..]) {
            Wrote::All => {
                self.writing = false;
                !self.closing
            }
            Wrote::Some(count) => {
                self.written += count;
                true
            }
            Wrote::Nothing => false,
        }
    }
}

fn answer(size: usize) -> Vec<u8> {
    let mut bytes = format!(
        "HTTP/1.1 200 OK\r\nServer: origin\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/plain\r\n\
         Cache-Control: no-store\r\nContent-Length: {size}\r\n\r\n"
    )
    .into_bytes();
    bytes.resize(bytes.len() + size, b'x');
    bytes
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read as _, Write as _};
    use std::net::TcpStream;
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_answer_waits_for_the_whole_request() {
        let member = Origin::start(2).unwrap().members(9).last().unwrap();
        let mut stream = TcpStream::connect(member).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let mut answer = [0; 4096];
        for piece in ["POST /16k HTTP/1.1\r\nContent-", "Length: 8\r\nConnection: close\r\n\r\nabcd"] {
            stream.write_all(piece.as_bytes()).unwrap();
            assert_eq!(stream.read(&mut answer).unwrap_err().kind(), ErrorKind::WouldBlock, "{piece}");
        }
        stream.write_all(b"efgh").unwrap();
        let mut whole = Vec::new();
        stream.read_to_end(&mut whole).unwrap();
        let head = framed(&whole).unwrap();
        assert_eq!((head.length, whole.len() - head.end), (Some(16 << 10), 16 << 10));
    }
}
