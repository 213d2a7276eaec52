//! A request's body on its way to a member, counted and timed while it moves.
//!
//! It belongs to the client's request, whatever members are tried. A member that takes no more of it may still answer,
//! so that is no failure here.

use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use evenkeel_balancer::Meter;
use evenkeel_protocol::Moment;

use crate::clock;
use crate::http::body::Length;
use crate::http::buffer::{Buffer, Spares};
use crate::http::chunked::LONGEST_START;
use crate::http::pump::{Broken, Pump};
use crate::http::request::RequestHead;
use crate::http::stream::Stream;

/// Pieces moved in one turn, so that one busy connection does not keep the others of its worker waiting.
const PIECES: usize = 8;

/// A body on its way to a member, with the head before it.
pub(crate) struct Upload {
    pump: Pump,
    /// When the client's time for it began.
    pub(crate) began: Moment,
    /// When the client last sent something of it.
    pub(crate) given: Moment,
    /// Bytes of data that came from the client.
    pub(crate) received: u64,
    /// The most that may come.
    most: u64,
    /// When the member last took something, or the attempt began.
    pub(crate) last: Moment,
    /// What was written before the attempt.
    before: u64,
    /// Does the client wait to be told to go on?
    pub(crate) held: bool,
    /// How long the member may take to show that it is there (`ping`). Until it does, nothing of the body is sent.
    pub(crate) ping: Option<Duration>,
    /// Did the member stop taking, or is there nothing more to give it?
    deaf: bool,
    waiting: Waiting,
}

/// For whom an upload waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waiting {
    Nobody,
    Client,
    Member,
}

/// What was wrong with the client's part.
#[derive(Debug)]
pub(crate) enum BadUpload {
    Broken(String),
    TooLarge,
}

impl Upload {
    /// The body that follows `head`, with what of it is in `input` already; more than `most` bytes of it are too large.
    ///
    /// # Errors
    ///
    /// It is malformed, or too large.
    pub(crate) fn of(
        head: &RequestHead,
        most: u64,
        input: &mut Buffer,
        spares: &Rc<Spares>,
    ) -> Result<Self, BadUpload> {
        let ready = match head.length {
            Length::None | Length::Exactly(0) => 0,
            Length::Exactly(bytes) if bytes > most => return Err(BadUpload::TooLarge),
            Length::Exactly(bytes) => usize::try_from(bytes).unwrap_or(usize::MAX).min(input.len()),
            Length::Chunked | Length::UntilClose => input.len(),
        };
        let mut pump =
            Pump::new(head.length, head.length == Length::Chunked).without_trailers(head.options.nominates);
        let mut received = 0;
        if ready > 0 {
            let mut piece = spares.small();
            piece.clear(LONGEST_START);
            piece.put(input.filled().get(..ready).unwrap_or_default());
            input.consume(ready);
            received = pump.begin(piece).map_err(bad)?;
        }
        if received > most {
            return Err(BadUpload::TooLarge);
        }
        Ok(Self {
            pump,
            began: Moment::default(),
            given: Moment::default(),
            received,
            most,
            last: Moment::default(),
            before: 0,
            held: head.expects_continue && ready == 0,
            ping: None,
            deaf: false,
            waiting: Waiting::Nobody,
        })
    }

    /// An attempt begins: this is what the member gets first. Whether it is pinged was said before.
    pub(crate) fn begin(&mut self, head: Buffer, meter: &Meter, now: Moment) {
        meter.sent(head.len() as u64 + self.ready());
        self.pump.lead(head);
        self.before = self.pump.written();
        self.last = now;
        self.deaf = false;
    }

    /// The attempt failed before anything was written, so that the next can begin as this one did.
    pub(crate) fn unbegin(&mut self, head: u64, meter: &Meter) {
        meter.unsent(head + self.ready());
        self.pump.unlead();
    }

    /// Bytes of the body that are here and go with the head.
    fn ready(&self) -> u64 {
        if self.ping.is_some() { 0 } else { self.received }
    }

    /// The member is there: its body follows.
    pub(crate) fn go_on(&mut self, meter: &Meter) {
        if self.ping.take().is_some() {
            meter.sent(self.received);
            // The client could give nothing meanwhile.
            let now = clock::now();
            self.began = self.began.plus(now.since(self.last));
            (self.given, self.last) = (now, now);
        }
    }

    /// Was nothing written in this attempt yet?
    pub(crate) fn is_untouched(&self) -> bool {
        self.pump.written() == self.before
    }

    /// Was the whole body handed on?
    pub(crate) fn is_done(&self) -> bool {
        self.pump.is_over()
    }

    /// Did all of it come from the client?
    pub(crate) fn is_read(&self) -> bool {
        self.pump.is_read()
    }

    pub(crate) fn waiting(&self) -> Waiting {
        self.waiting
    }

    /// What the client sent behind the body.
    pub(crate) fn take_surplus(&mut self) -> Vec<u8> {
        self.pump.take_surplus()
    }

    /// Moves what can be moved now; nothing more once the client's part was wrong, so that no member takes what came
    /// before and behind it for a whole body.
    ///
    /// # Errors
    ///
    /// What was wrong with the client's part.
    pub(crate) fn advance(
        &mut self,
        context: &mut Context<'_>,
        streams: (&mut Stream, &mut Stream),
        tools: (&Rc<Spares>, &Meter),
    ) -> Result<(), BadUpload> {
        let moved = self.turn(context, streams, tools);
        self.deaf |= moved.is_err();
        moved
    }

    fn turn(
        &mut self,
        context: &mut Context<'_>,
        (client, member): (&mut Stream, &mut Stream),
        (spares, meter): (&Rc<Spares>, &Meter),
    ) -> Result<(), BadUpload> {
        self.waiting = Waiting::Nobody;
        if self.deaf || self.is_done() {
            return Ok(());
        }
        if self.ping.is_some() {
            match self.pump.poll_lead(context, member) {
                Poll::Pending => self.waiting = Waiting::Member,
                Poll::Ready(outcome) => self.deaf = outcome.is_err(),
            }
            return Ok(());
        }
        for _ in 0..PIECES {
            let before = self.pump.written();
            let flushed = self.pump.poll_flush(context, member);
            // Most requests are written at once, right after their attempt began.
            let at_once = before == self.before && self.pump.is_over();
            if self.pump.written() != before && !at_once {
                self.last = clock::now();
            }
            match flushed {
                Poll::Pending => {
                    self.waiting = Waiting::Member;
                    return Ok(());
                }
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => {
                    // It may have answered before it closed, so reading decides.
                    self.deaf = true;
                    return Ok(());
                }
            }
            if self.pump.is_over() {
                return Ok(());
            }
            if self.held && client.poll_read_ready(context).is_pending() {
                return Ok(());
            }
            match self.pump.poll_fill(context, client, spares) {
                Poll::Pending => {
                    self.waiting = Waiting::Client;
                    return Ok(());
                }
                Poll::Ready(Ok(bytes)) => {
                    self.held = false;
                    self.received += bytes;
                    self.given = clock::now();
                    meter.sent(bytes);
                    if self.received > self.most {
                        return Err(BadUpload::TooLarge);
                    }
                }
                Poll::Ready(Err(why)) => return Err(bad(why)),
            }
        }
        context.waker().wake_by_ref();
        Ok(())
    }
}

fn bad(why: Broken) -> BadUpload {
    BadUpload::Broken(match why {
        Broken::From(why) if why.kind() == std::io::ErrorKind::UnexpectedEof => {
            "it ended before its end".to_owned()
        }
        Broken::From(why) | Broken::To(why) => why.to_string(),
        Broken::Bad(why) => why.to_owned(),
    })
}
