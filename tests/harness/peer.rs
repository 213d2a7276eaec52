//! One end of a connection that a scenario speaks itself, byte by byte: as a client or as a member, over TCP or over a
//! Unix socket. Whatever does not come in time is a panic that says what was waited for.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use socket2::SockRef;

use crate::browser::{Answer, connect, read_answer};
use crate::eventually::patience;
use crate::proxy::Proxy;
use crate::wire::Head;

/// The connection of a peer.
#[derive(Debug)]
pub enum Wire {
    /// Over TCP.
    Tcp(TcpStream),
    /// Over a Unix socket.
    Unix(UnixStream),
}

impl Read for Wire {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(room),
            Self::Unix(stream) => stream.read(room),
        }
    }
}

impl Wire {
    fn socket(&self) -> SockRef<'_> {
        match self {
            Self::Tcp(stream) => SockRef::from(stream),
            Self::Unix(stream) => SockRef::from(stream),
        }
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.write_all(bytes),
            Self::Unix(stream) => stream.write_all(bytes),
        }
    }
}

/// One end of a connection.
#[derive(Debug)]
pub struct Peer {
    from: BufReader<Wire>,
}

impl From<TcpStream> for Peer {
    fn from(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        Self::over(Wire::Tcp(stream))
    }
}

impl From<UnixStream> for Peer {
    fn from(stream: UnixStream) -> Self {
        Self::over(Wire::Unix(stream))
    }
}

impl Peer {
    /// A client of the proxy.
    #[track_caller]
    pub fn of(proxy: &Proxy) -> Self {
        Self::to(proxy.address())
    }

    /// A client of whoever listens there.
    #[track_caller]
    pub fn to(address: SocketAddr) -> Self {
        connect(address).unwrap_or_else(|why| panic!("cannot connect to {address}: {why}")).into()
    }

    fn over(wire: Wire) -> Self {
        wire.socket().set_read_timeout(Some(patience())).unwrap();
        wire.socket().set_write_timeout(Some(patience())).unwrap();
        Self { from: BufReader::with_capacity(64 * 1024, wire) }
    }

    /// Sends bytes.
    #[track_caller]
    pub fn says(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_says(bytes).unwrap_or_else(|why| panic!("nobody takes it: {why}"));
    }

    /// Sends bytes, if somebody takes them.
    pub fn try_says(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.from.get_mut().write_all(bytes.as_ref())
    }

    /// The next head, be it a request's or an answer's, interim ones included.
    #[track_caller]
    pub fn head(&mut self) -> Head {
        let head = Head::read(&mut self.from).unwrap_or_else(|why| panic!("no head: {why}"));
        head.expect("a head, and not the end of the connection")
    }

    /// The next whole answer to a request with this method; interim ones are read over.
    #[track_caller]
    pub fn answer(&mut self, method: &str) -> Answer {
        self.try_answer(method).unwrap_or_else(|why| panic!("no answer: {why}"))
    }

    /// As [`Self::answer`], or why there is none.
    pub fn try_answer(&mut self, method: &str) -> io::Result<Answer> {
        read_answer(&mut self.from, method)
    }

    /// The next so many bytes.
    #[track_caller]
    pub fn hears(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.from.read_exact(&mut bytes).unwrap_or_else(|why| panic!("no {count} bytes came: {why}"));
        bytes
    }

    /// Everything until the other end closes properly.
    pub fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.from.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Does the connection end properly, with nothing more before its end?
    pub fn ends(&mut self) -> bool {
        self.rest().is_ok_and(|rest| rest.is_empty())
    }

    /// Does the connection end, however?
    pub fn is_let_go(&mut self) -> bool {
        match self.rest() {
            Ok(_) => true,
            Err(why) => ![io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut].contains(&why.kind()),
        }
    }

    /// Has anything come, or the end, before so much time was over?
    pub fn hears_something_within(&mut self, time: Duration) -> bool {
        self.from.get_ref().socket().set_read_timeout(Some(time)).unwrap();
        let heard = self.from.fill_buf().is_ok();
        self.from.get_ref().socket().set_read_timeout(Some(patience())).unwrap();
        heard
    }

    /// Sends one byte after the other, with a pause behind each, until somebody says something; how many it sent.
    pub fn drips(&mut self, bytes: &[u8], pause: Duration) -> usize {
        for (sent, byte) in bytes.iter().enumerate() {
            if self.try_says([*byte]).is_err() || self.hears_something_within(pause) {
                return sent + 1;
            }
        }
        bytes.len()
    }

    /// The same connection twice, to listen and to talk at the same time.
    pub fn split(self) -> (Self, Self) {
        let other = match self.from.get_ref() {
            Wire::Tcp(stream) => stream.try_clone().unwrap().into(),
            Wire::Unix(stream) => stream.try_clone().unwrap().into(),
        };
        (self, other)
    }

    /// Says that nothing more comes.
    pub fn shuts(&mut self) {
        // Who is gone needs not be told.
        drop(self.from.get_ref().socket().shutdown(Shutdown::Write));
    }

    /// Resets the connection.
    pub fn resets(self) {
        self.from.get_ref().socket().set_linger(Some(Duration::ZERO)).unwrap();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bare::BareBackend;

    #[test]
    fn two_peers_talk() {
        let origin = BareBackend::new();
        let mut client = Peer::to(origin.address());
        client.says("GET / HTTP/1.1\r\n\r\nmore");
        let mut member = origin.peer();
        assert_eq!((member.head().word(1), &member.hears(4)[..]), ("/", &b"more"[..]));
        assert!(!client.hears_something_within(Duration::from_millis(1)));
        member.says("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        assert_eq!(client.answer("GET").text(), "ok");
        client.shuts();
        assert!(member.ends());
        member.resets();
        assert!(client.rest().is_err());
    }
}
