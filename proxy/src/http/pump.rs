//! Moves one body from one connection to another, a piece at a time: reads it by one framing, writes it by another.
//!
//! It holds a buffer only while there are bytes in it, and reads nothing while what it read has not been written, so
//! that a slow taker slows the giver and costs one piece of memory.

use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use super::body::{Incoming, Length};
use super::buffer::{Buffer, SMALL, Spares};
use super::chunked::{self, LONGEST_START};
use super::stream::Stream;

/// Room for what is written behind a chunk: its line end, the last chunk, the empty line.
const TAIL: usize = 16;

/// What came with the end of a body.
struct More {
    /// Bytes behind it.
    surplus: Vec<u8>,
    /// Trailer fields that may be handed on, as lines.
    trailer: Vec<u8>,
}

/// Why a body did not arrive.
#[derive(Debug)]
pub(crate) enum Broken {
    /// Reading failed, or ended too early.
    From(io::Error),
    /// What was read is no body.
    Bad(&'static str),
    /// Writing failed.
    To(io::Error),
}

/// How large the next piece is: large pieces cost less, and small ones hold less memory for a slow taker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stride {
    Short,
    Usual,
    Long,
}

/// A body on its way.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about one body")]
pub(crate) struct Pump {
    incoming: Incoming,
    /// Is it written in chunks?
    chunks: bool,
    /// Was the end of it put into the buffer?
    ended: bool,
    /// What is to be written before the body: a head.
    lead: Option<Buffer>,
    /// What was read and is to be written.
    piece: Option<Buffer>,
    /// What most bodies do not have.
    more: Option<Box<More>>,
    /// Are trailer fields handed on?
    trailers: bool,
    stride: Stride,
    /// May strides be long?
    hurries: bool,
    /// Bytes that were written, framing and lead included.
    written: u64,
}

impl Pump {
    /// `chunks`: write it in chunks.
    pub(crate) fn new(length: Length, chunks: bool) -> Self {
        Self {
            incoming: Incoming::new(length),
            ended: matches!(length, Length::None | Length::Exactly(0)),
            chunks,
            lead: None,
            piece: None,
            more: None,
            trailers: true,
            stride: Stride::Usual,
            hurries: false,
            written: 0,
        }
    }

    /// It may use large pieces, to a taker whose system says how much it can take.
    pub(crate) fn hurrying(mut self) -> Self {
        self.hurries = true;
        self
    }

    /// Trailer fields end here if so.
    pub(crate) fn without_trailers(mut self, without: bool) -> Self {
        self.trailers = !without;
        self
    }

    /// Puts a head before what is written next.
    pub(crate) fn lead(&mut self, head: Buffer) {
        match &mut self.piece {
            // One piece is written with less work than two.
            Some(piece) if head.len() <= piece.start() => piece.put_before(head.filled()),
            _ => self.lead = Some(head),
        }
    }

    /// Takes the head back; nothing of it was written.
    pub(crate) fn unlead(&mut self) {
        self.lead = None;
    }

    /// Has all of the body been read?
    pub(crate) fn is_read(&self) -> bool {
        self.incoming.is_done()
    }

    /// Is there nothing left to read or write?
    pub(crate) fn is_over(&self) -> bool {
        self.ended && self.is_flushed()
    }

    /// Is nothing waiting to be written?
    pub(crate) fn is_flushed(&self) -> bool {
        self.lead.is_none() && self.piece.is_none()
    }

    /// Bytes that were written, lead and framing included.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// The bytes that came behind the body; they are the peer's next message, or nothing that was asked for.
    pub(crate) fn surplus(&self) -> &[u8] {
        self.more.as_ref().map_or(&[], |more| &more.surplus)
    }

    /// The same, taken away.
    pub(crate) fn take_surplus(&mut self) -> Vec<u8> {
        self.more.as_mut().map_or_else(Vec::new, |more| std::mem::take(&mut more.surplus))
    }

    /// Hands in a piece that was read together with the head. Returns the bytes of data in it.
    pub(crate) fn begin(&mut self, piece: Buffer) -> Result<u64, Broken> {
        self.digest(piece)
    }

    /// Reads a piece in place and prepares it for writing.
    fn digest(&mut self, mut piece: Buffer) -> Result<u64, Broken> {
        let mut trailer = Vec::new();
        let taken = self.incoming.take(piece.filled_mut(), &mut trailer).map_err(Broken::Bad)?;
        if taken.surplus > 0 || !trailer.is_empty() {
            let behind = piece.filled().get(piece.len() - taken.surplus..).unwrap_or_default();
            self.more = Some(Box::new(More { surplus: behind.to_vec(), trailer }));
        }
        piece.truncate(taken.data);
        self.frame(&mut piece, taken.data);
        self.piece = (!piece.is_empty()).then_some(piece);
        Ok(taken.data as u64)
    }

    /// Puts the chunk's framing around the data, and the end of the body behind it.
    fn frame(&mut self, piece: &mut Buffer, data: usize) {
        let last = self.incoming.is_done();
        self.ended |= last;
        if !self.chunks {
            return;
        }
        if data > 0 {
            piece.put_before(chunked::start(data, &mut [0; LONGEST_START]));
            piece.put(b"\r\n");
        }
        if last {
            piece.put(b"0\r\n");
            if let Some(more) = &self.more
                && self.trailers
            {
                piece.put(&more.trailer);
            }
            piece.put(b"\r\n");
        }
    }

    /// Reads a piece, if nothing waits to be written. Ready with the bytes of data that came; 0 at the end.
    pub(crate) fn poll_fill(
        &mut self,
        context: &mut Context<'_>,
        from: &mut Stream,
        spares: &Rc<Spares>,
    ) -> Poll<Result<u64, Broken>> {
        loop {
            if self.ended || self.piece.is_some() {
                return Poll::Ready(Ok(0));
            }
            ready!(from.poll_read_ready(context)).map_err(Broken::From)?;
            let mut piece = match self.stride {
                _ if spares.are_short() => spares.small(),
                Stride::Short => spares.small(),
                Stride::Usual => spares.large(),
                Stride::Long => spares.huge(),
            };
            piece.clear(LONGEST_START);
            let room = piece.spare_mut();
            // What ends a chunk is written behind it.
            let most = room.len() - if self.chunks { TAIL } else { 0 };
            let count = match from.poll_read(context, room.get_mut(..most).unwrap_or_default()) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(count) => count.map_err(Broken::From)?,
            };
            if count == 0 {
                if !self.incoming.close() {
                    return Poll::Ready(Err(Broken::From(io::ErrorKind::UnexpectedEof.into())));
                }
                self.frame(&mut piece, 0);
                self.piece = (!piece.is_empty()).then_some(piece);
                return Poll::Ready(Ok(0));
            }
            piece.advance(count);
            let data = self.digest(piece)?;
            if data > 0 || self.ended {
                return Poll::Ready(Ok(data));
            }
        }
    }

    /// Writes what waits before the body, and nothing of the body.
    pub(crate) fn poll_lead(
        &mut self,
        context: &mut Context<'_>,
        to: &mut Stream,
    ) -> Poll<Result<(), Broken>> {
        while let Some(lead) = self.lead.as_mut().filter(|lead| !lead.is_empty()) {
            let count = ready!(to.poll_write(context, lead.filled())).map_err(Broken::To)?;
            if count == 0 {
                return Poll::Ready(Err(Broken::To(io::ErrorKind::WriteZero.into())));
            }
            self.written += count as u64;
            lead.consume(count);
        }
        self.lead = None;
        Poll::Ready(Ok(()))
    }

    /// Writes what waits; ready once all of it is written, and there is room for the next piece.
    pub(crate) fn poll_flush(
        &mut self,
        context: &mut Context<'_>,
        to: &mut Stream,
    ) -> Poll<Result<(), Broken>> {
        loop {
            let lead = self.lead.as_ref().map_or(&[][..], Buffer::filled);
            let piece = self.piece.as_ref().map_or(&[][..], Buffer::filled);
            let whole = lead.len() + piece.len();
            if whole == 0 {
                self.lead = None;
                self.piece = None;
                return self.poll_room(context, to);
            }
            let count = match to.poll_write_two(context, lead, piece) {
                Poll::Ready(count) => count.map_err(Broken::To)?,
                Poll::Pending => {
                    self.stride = Stride::Short;
                    // Who takes slowly may take long: it costs no more than what it has not taken.
                    if let Some(piece) = &mut self.piece {
                        piece.shrink();
                    }
                    return Poll::Pending;
                }
            };
            if count == 0 {
                return Poll::Ready(Err(Broken::To(io::ErrorKind::WriteZero.into())));
            }
            self.written += count as u64;
            let of_lead = count.min(lead.len());
            if let Some(lead) = &mut self.lead {
                lead.consume(of_lead);
            }
            if let Some(piece) = &mut self.piece {
                piece.consume(count - of_lead);
            }
            if count == whole {
                self.lengthen(count);
                (self.lead, self.piece) = (None, None);
                return self.poll_room(context, to);
            }
        }
    }

    /// All that was offered was taken at once.
    fn lengthen(&mut self, count: usize) {
        self.stride = match self.stride {
            Stride::Short => Stride::Usual,
            Stride::Usual if self.hurries && count > SMALL => Stride::Long,
            same => same,
        };
    }

    /// Before a large piece is read: would it be taken at once? Else it would have to be held.
    fn poll_room(&mut self, context: &mut Context<'_>, to: &mut Stream) -> Poll<Result<(), Broken>> {
        if self.stride == Stride::Long && !self.ended && !to.has_room() {
            return to.poll_room(context).map_err(Broken::To);
        }
        Poll::Ready(Ok(()))
    }
}
