//! Both ends without manners: an origin that a scenario plays itself, byte by byte, and a client that goes on
//! uploading whatever it is answered.

use std::fmt;
use std::io::{self, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

use crate::browser::{Answer, connect, read_answer};
use crate::eventually::{Stopwatch, eventually, patience};
use crate::peer::Peer;

/// An origin that does nothing by itself. Prints as its URL, so that it fits into a configuration text.
#[derive(Debug)]
pub struct BareBackend(TcpListener);

impl BareBackend {
    /// It listens on a port of its own.
    #[expect(clippy::new_without_default, reason = "it takes a port, which a default should not")]
    pub fn new() -> Self {
        Self::on("127.0.0.1:0").unwrap()
    }

    /// It listens on this address, if the system has it.
    pub fn on(address: &str) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(Self(listener))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    /// The next connection, as somebody to talk with; panics if none comes.
    #[track_caller]
    pub fn peer(&self) -> Peer {
        self.accept().into_inner().into()
    }

    /// Is there a connection that nobody has accepted?
    pub fn is_called(&self) -> bool {
        self.0.accept().is_ok()
    }

    /// The next connection; panics if none comes.
    #[track_caller]
    pub fn accept(&self) -> BufReader<TcpStream> {
        let stream = eventually("somebody connects", || self.0.accept().ok()).0;
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(patience())).unwrap();
        stream.set_write_timeout(Some(patience())).unwrap();
        BufReader::new(stream)
    }
}

impl fmt::Display for BareBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.address())
    }
}

/// The same behind a Unix socket. Prints as the URL of a member that is called `name`.
#[derive(Debug)]
pub struct BareSocket {
    path: PathBuf,
    listener: UnixListener,
}

impl BareSocket {
    /// It listens at this path, where nothing must be.
    pub fn at(path: &Path) -> Self {
        let listener = UnixListener::bind(path).unwrap();
        listener.set_nonblocking(true).unwrap();
        Self { path: path.to_owned(), listener }
    }

    /// The next connection; panics if none comes.
    #[track_caller]
    pub fn peer(&self) -> Peer {
        let stream = eventually("somebody connects", || self.listener.accept().ok()).0;
        stream.set_nonblocking(false).unwrap();
        stream.into()
    }

    /// Is there a connection that nobody has accepted?
    pub fn is_called(&self) -> bool {
        self.listener.accept().is_ok()
    }
}

impl fmt::Display for BareSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unix:{}|http://name", self.path.display())
    }
}

/// Reads what still comes until the other end closes; false if it does not.
pub fn closes(stream: &mut impl Read) -> bool {
    let watch = Stopwatch::start();
    let mut rest = vec![0; 64 * 1024];
    while watch.elapsed() < patience() {
        match stream.read(&mut rest) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(why) if [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut].contains(&why.kind()) => {
                return false;
            }
            Err(_) => return true,
        }
    }
    false
}

/// A client in the middle of a POST that has no end in sight.
#[derive(Debug)]
pub struct Uploading {
    from: BufReader<TcpStream>,
    sending: JoinHandle<()>,
}

impl Uploading {
    /// Begins a POST of a gigabyte and goes on sending, in a thread of its own, until nobody takes it any more.
    pub fn begin(to: SocketAddr) -> io::Result<Self> {
        const LENGTH: usize = 1 << 30;
        let mut stream = connect(to)?;
        let from = BufReader::new(stream.try_clone()?);
        write!(stream, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {LENGTH}\r\n\r\n")?;
        let sending = thread::spawn(move || {
            let piece = vec![b'x'; 64 * 1024];
            let mut left = LENGTH / piece.len();
            while left > 0 && stream.write_all(&piece).is_ok() {
                left -= 1;
            }
        });
        Ok(Self { from, sending })
    }

    /// Waits for the answer.
    pub fn answer(&mut self) -> io::Result<Answer> {
        read_answer(&mut self.from, "POST")
    }

    /// Has it stopped sending?
    pub fn is_over(&self) -> bool {
        self.sending.is_finished()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eventually::eventually_true;
    use crate::wire::Head;

    #[test]
    fn a_scenario_can_play_an_origin_for_a_client_without_manners() {
        let origin = BareBackend::new();
        let to = origin.to_string().trim_start_matches("http://").parse().unwrap();
        let mut client = Uploading::begin(to).unwrap();
        let mut from = origin.accept();
        assert_eq!(Head::read(&mut from).unwrap().unwrap().word(0), "POST");
        from.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
        assert_eq!(client.answer().unwrap().text(), "ok");
        assert!(!client.is_over());
        drop(from);
        eventually_true("it stops when nobody is there", || client.is_over());
        assert!(closes(&mut client.from));
    }
}
