//! A stream as the HTTP room uses it: its writer gives up on a peer that takes nothing for too long, and what is read
//! from it is counted.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// Bounds each wait of a writer; reading is as patient as its reader.
pub(crate) struct Watched<S> {
    stream: S,
    patience: Duration,
    /// Runs only while a write is waiting.
    waiting: Option<Pin<Box<Sleep>>>,
    arrived: Rc<Cell<u64>>,
    /// What to make of a peer that closes while it is written to.
    closing: Closing,
}

/// What to make of a peer that closes while it is written to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Closing {
    /// It is gone.
    Ends,
    /// It may have answered before it closed, so reading decides.
    MayHaveAnswered,
    /// It did close: what is written goes nowhere.
    Happened,
}

impl<S> Watched<S> {
    /// `patience`: how long the peer may take nothing.
    pub(crate) fn new(stream: S, patience: Duration) -> Self {
        Self { stream, patience, waiting: None, arrived: Rc::default(), closing: Closing::Ends }
    }

    /// For a peer that answers: one that closes before it has read everything is read to its end. (A member that
    /// refuses an upload does so: it answers, and closes.)
    pub(crate) fn answering(self) -> Self {
        Self { closing: Closing::MayHaveAnswered, ..self }
    }

    /// The number of bytes that were read, as it grows.
    pub(crate) fn arrived(&self) -> Rc<Cell<u64>> {
        Rc::clone(&self.arrived)
    }

    /// `done`: what a write returns that goes nowhere.
    fn judge<T>(
        &mut self,
        context: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
        done: T,
    ) -> Poll<io::Result<T>> {
        if let Poll::Ready(Err(why)) = &outcome
            && self.closing != Closing::Ends
            && matches!(why.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
        {
            self.closing = Closing::Happened;
            return Poll::Ready(Ok(done));
        }
        if outcome.is_ready() {
            self.waiting = None;
            return outcome;
        }
        let patience = self.patience;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(patience)));
        if waiting.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer takes nothing")));
        }
        Poll::Pending
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.arrived.set(self.arrived.get() + (buffer.filled().len() - before) as u64);
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.closing == Closing::Happened {
            return Poll::Ready(Ok(bytes.len()));
        }
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(context, outcome, bytes.len())
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let whole = slices.iter().map(|slice| slice.len()).sum();
        if self.closing == Closing::Happened {
            return Poll::Ready(Ok(whole));
        }
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.judge(context, outcome, whole)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
