//! Bodies: nothing, some bytes, or a source of chunks that is read while it is sent.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Sleep, sleep};

/// How much of a body is still to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remaining {
    Exactly(u64),
    Unknown,
}

/// Why a body ended before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// It broke off.
    Broken(String),
    /// Nothing came for too long.
    Stalled(String),
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Broken(why) | Self::Stalled(why)) = self;
        f.write_str(why)
    }
}

impl std::error::Error for BodyError {}

/// How long the next chunk of a body may take: armed when it is awaited, relaxed when it comes.
pub(crate) struct Patience {
    within: Duration,
    deadline: Option<Pin<Box<Sleep>>>,
    armed: bool,
}

impl Patience {
    pub(crate) fn new(within: Duration) -> Self {
        Self { within, deadline: None, armed: false }
    }

    /// Something came: the clock stops.
    pub(crate) fn relax(&mut self) {
        self.armed = false;
    }

    /// Nothing came: is it over?
    pub(crate) fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(self.within)));
        if !self.armed {
            deadline.as_mut().set(sleep(self.within));
            self.armed = true;
        }
        deadline.as_mut().poll(context).is_ready()
    }
}

/// Where the chunks of a body come from.
pub(crate) trait Source {
    /// The next chunk; `None` at the proper end.
    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>>;

    /// What is known of the rest.
    fn remaining(&self) -> Remaining;
}

/// A body on its way.
pub(crate) enum Body {
    Empty,
    Full(Bytes),
    Stream(Box<dyn Source>),
}

impl Body {
    /// Is there certainly nothing in it?
    pub(crate) fn is_empty(&self) -> bool {
        self.remaining() == Remaining::Exactly(0)
    }

    pub(crate) fn remaining(&self) -> Remaining {
        match self {
            Self::Empty => Remaining::Exactly(0),
            Self::Full(bytes) => Remaining::Exactly(bytes.len() as u64),
            Self::Stream(source) => source.remaining(),
        }
    }

    pub(crate) fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        match self {
            Self::Empty => Poll::Ready(None),
            Self::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                *self = Self::Empty;
                Poll::Ready((!bytes.is_empty()).then_some(Ok(bytes)))
            }
            Self::Stream(source) => source.poll_chunk(context),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({:?})", self.remaining())
    }
}
