//! Bodies: nothing, some bytes, or a source of chunks that is read while it is sent.

use std::fmt;
use std::task::{Context, Poll};

use bytes::Bytes;

/// How much of a body is still to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remaining {
    Exactly(u64),
    Unknown,
}

/// Why a body ended before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BodyError(pub(crate) String);

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BodyError {}

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
