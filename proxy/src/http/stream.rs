//! A connection's bytes, over TCP or a Unix socket, without a buffer of its own.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};
use tokio::io::{AsyncWrite, Interest};
use tokio::net::{TcpStream, UnixStream};

#[cfg(doc)]
use crate::limits;

/// One end of a connection.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// What is known of a connection on which nothing is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Silence {
    /// Open, and nothing came.
    Kept,
    /// Closed, or bytes came that nobody asked for.
    Broken,
}

impl Stream {
    pub(crate) async fn connect_tcp(address: SocketAddr, keep_alive: bool) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        // Options that a socket refuses cost latency, not correctness.
        let _ = stream.set_nodelay(true);
        if keep_alive {
            let _ = socket2::SockRef::from(&stream).set_keepalive(true);
        }
        Ok(Self::Tcp(stream))
    }

    pub(crate) async fn connect_unix(path: &str) -> io::Result<Self> {
        Ok(Self::Unix(UnixStream::connect(path).await?))
    }

    /// Reads into `room`, which is not empty; 0 is the end. How often in one turn is for the caller to bound.
    pub(crate) fn poll_read(&self, context: &mut Context<'_>, room: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            match self.try_read(room) {
                Err(why) if why.kind() == io::ErrorKind::WouldBlock => {
                    ready!(self.poll_read_ready(context))?;
                }
                outcome => return Poll::Ready(outcome),
            }
        }
    }

    /// Until reading is worth a try. A buffer is needed only then.
    pub(crate) fn poll_read_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => stream.poll_read_ready(context),
            Self::Unix(stream) => stream.poll_read_ready(context),
        }
    }

    /// Writes of `bytes`. How often in one turn is for the caller to bound.
    pub(crate) fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            // Who is gone is told by an error: programs in Rust ignore the signal.
            let send = |socket: BorrowedFd<'_>| rustix::net::send(socket, bytes, SendFlags::empty());
            match self.call(Interest::WRITABLE, bytes.len(), send) {
                Err(why) if why.kind() == io::ErrorKind::WouldBlock => ready!(match self {
                    Self::Tcp(stream) => stream.poll_write_ready(context),
                    Self::Unix(stream) => stream.poll_write_ready(context),
                })?,
                outcome => return Poll::Ready(outcome),
            }
        }
    }

    /// Writes of `first` and then of `second`, with one call of the system.
    pub(crate) fn poll_write_two(
        &mut self,
        context: &mut Context<'_>,
        first: &[u8],
        second: &[u8],
    ) -> Poll<io::Result<usize>> {
        if first.is_empty() {
            return self.poll_write(context, second);
        }
        if second.is_empty() {
            return self.poll_write(context, first);
        }
        let both = [IoSlice::new(first), IoSlice::new(second)];
        match self {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(context, &both),
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(context, &both),
        }
    }

    /// Does the system say that there is plenty of room for more to be written? (For connections to clients that is as
    /// much as a large piece, see [`limits::UNSENT`].)
    pub(crate) fn has_room(&self) -> bool {
        let mut asked = match self {
            Self::Tcp(stream) => [PollFd::new(stream, PollFlags::OUT)],
            Self::Unix(stream) => [PollFd::new(stream, PollFlags::OUT)],
        };
        let asked_at_once = rustix::event::poll(&mut asked, Some(&Timespec::default()));
        // Whatever else is the matter, writing will tell.
        asked_at_once != Ok(0)
    }

    /// Until there is room again, after [`Self::has_room`] said that there is none.
    pub(crate) fn poll_room(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // It is thought to be ready, as the last write went through.
        let none = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
        match self {
            Self::Tcp(stream) => {
                let _ = stream.try_io(Interest::WRITABLE, none);
                stream.poll_write_ready(context)
            }
            Self::Unix(stream) => {
                let _ = stream.try_io(Interest::WRITABLE, none);
                stream.poll_write_ready(context)
            }
        }
    }

    /// Reads without waiting; costs no call of the system if nothing has come.
    pub(crate) fn try_read(&self, room: &mut [u8]) -> io::Result<usize> {
        let most = room.len();
        let receive = |socket: BorrowedFd<'_>| Ok(rustix::net::recv(socket, room, RecvFlags::empty())?.1);
        self.call(Interest::READABLE, most, receive)
    }

    /// Has the system move up to `most` bytes, if it is thought to be ready. Directly, because a call through the C
    /// library first makes the thread one that can be cancelled, and then undoes that.
    fn call(
        &self,
        interest: Interest,
        most: usize,
        call: impl FnOnce(BorrowedFd<'_>) -> Result<usize, Errno>,
    ) -> io::Result<usize> {
        let mut short = None;
        let moved = |socket| match call(socket)? {
            // There is no more now, which another call would only confirm: the system tells when there is.
            count if count > 0 && count < most => {
                short = Some(count);
                Err(io::ErrorKind::WouldBlock.into())
            }
            count => Ok(count),
        };
        let outcome = match self {
            Self::Tcp(stream) => stream.try_io(interest, || moved(stream.as_fd())),
            Self::Unix(stream) => stream.try_io(interest, || moved(stream.as_fd())),
        };
        short.map_or(outcome, Ok)
    }

    /// Has nothing happened on a connection on which nothing is expected?
    pub(crate) fn silence(&self) -> Silence {
        match self.try_read(&mut [0]) {
            Err(why) if why.kind() == io::ErrorKind::WouldBlock => Silence::Kept,
            _ => Silence::Broken,
        }
    }

    /// Our end's address, if it has one.
    pub(crate) fn local(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.local_addr().ok(),
            Self::Unix(_) => None,
        }
    }

    /// Has the connection failed, which reads of one whose peer has said its last do not tell?
    pub(crate) fn has_failed(&self) -> bool {
        let failure = match self {
            Self::Tcp(stream) => stream.take_error(),
            Self::Unix(stream) => stream.take_error(),
        };
        !matches!(failure, Ok(None))
    }

    /// Asks the system itself whether something has come, or the end.
    pub(crate) fn has_bytes(&self) -> bool {
        let (flags, room) = (RecvFlags::PEEK | RecvFlags::DONTWAIT, &mut [0_u8]);
        let seen = match self {
            Self::Tcp(stream) => rustix::net::recv(stream, room, flags),
            Self::Unix(stream) => rustix::net::recv(stream, room, flags),
        };
        seen != Err(Errno::AGAIN)
    }

    /// Tells the peer that nothing more comes; reading goes on.
    pub(crate) fn shut_writing(&self) {
        // A peer that is gone needs not be told.
        let _ = match self {
            Self::Tcp(stream) => socket2::SockRef::from(stream).shutdown(std::net::Shutdown::Write),
            Self::Unix(stream) => socket2::SockRef::from(stream).shutdown(std::net::Shutdown::Write),
        };
    }

    /// Makes the coming close a reset, which no peer can take for a proper end.
    pub(crate) fn will_reset(&self) {
        if let Self::Tcp(stream) = self {
            let _ = socket2::SockRef::from(stream).set_linger(Some(std::time::Duration::ZERO));
        }
    }

    /// Asks the peer's system from now on whether the connection is still known to it.
    pub(crate) fn probe(&self) {
        if let Self::Tcp(stream) = self {
            let every = std::time::Duration::from_secs(10);
            let probes = socket2::TcpKeepalive::new().with_time(every).with_interval(every);
            let _ = socket2::SockRef::from(stream).set_tcp_keepalive(&probes);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// Has `test` run with one end of a connection, and the peer's end.
    fn between<T: Future<Output = ()>>(test: impl FnOnce(Stream, UnixStream) -> T) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (ours, theirs) = UnixStream::pair().unwrap();
            let within = std::time::Duration::from_secs(20);
            tokio::time::timeout(within, test(Stream::Unix(ours), theirs)).await.unwrap();
        });
    }

    async fn read(stream: &Stream, most: usize) -> io::Result<Vec<u8>> {
        let mut room = vec![0; most];
        let count = poll_fn(|context| stream.poll_read(context, &mut room)).await?;
        room.truncate(count);
        Ok(room)
    }

    #[test]
    fn what_comes_behind_a_short_read_is_read_and_the_end_too() {
        between(|stream, mut peer| async move {
            for text in ["abc", "defg", "h"] {
                peer.write_all(text.as_bytes()).await.unwrap();
                assert_eq!(read(&stream, 3).await.unwrap(), &text.as_bytes()[..text.len().min(3)]);
                if text.len() > 3 {
                    assert_eq!(read(&stream, 3).await.unwrap(), b"g");
                }
            }
            let waits = poll_fn(|context| Poll::Ready(stream.poll_read_ready(context).is_pending())).await;
            assert!(waits, "without another call of the system");
            peer.write_all(b"ij").await.unwrap();
            drop(peer);
            assert_eq!(read(&stream, 3).await.unwrap(), b"ij");
            assert_eq!(read(&stream, 3).await.unwrap(), b"");
            assert_eq!(stream.silence(), Silence::Broken);
        });
    }

    #[test]
    fn what_does_not_fit_is_written_when_there_is_room() {
        between(|mut stream, mut peer| async move {
            let (whole, mut written) = (vec![7; 4 * 1024 * 1024], 0);
            let reading = async {
                let mut came = vec![0; whole.len()];
                peer.read_exact(&mut came).await.unwrap();
                came
            };
            let writing = async {
                while written < whole.len() {
                    let left = &whole[written..];
                    written += poll_fn(|context| stream.poll_write(context, left)).await.unwrap();
                }
            };
            let ((), came) = tokio::join!(writing, reading);
            assert!(came == whole);
        });
    }

    #[test]
    fn to_write_to_who_is_gone_is_an_error_and_no_end() {
        between(|mut stream, peer| async move {
            drop(peer);
            let outcome = poll_fn(|context| stream.poll_write(context, b"x")).await;
            assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        });
    }
}
