//! A connection that was upgraded: bytes in both directions, until both sides have ended or nothing moves for the
//! member's time-out. It counts as busy, and its bytes are counted, as long as it lasts; a member that is stopped
//! ends it.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use evenkeel_balancer::Meter;
use evenkeel_protocol::Moment;

use crate::address::Address;
use crate::clock;
use crate::conversation::{Ending, Then};
use crate::deadline::Doing;
use crate::exchange::Request;
use crate::http::body::Length;
use crate::http::buffer::{Buffer, Spares};
use crate::http::pump::Pump;
use crate::http::stream::Stream;
use crate::pool::Connection;
use crate::record::Served;
use crate::relay::Tried;

/// Pieces moved in one turn, so that one busy tunnel does not keep the others of its worker waiting.
const PIECES: usize = 8;

/// What a tunnel begins with.
pub(crate) struct Opening<'a> {
    pub(crate) address: &'a Address,
    /// Ready when the member is stopped, or was before.
    pub(crate) stopped: Pin<Box<dyn Future<Output = ()> + 'a>>,
    pub(crate) meter: Meter,
    pub(crate) connection: Connection,
    /// The head of the answer that begins it.
    pub(crate) lead: Buffer,
    /// What the member sent behind it.
    pub(crate) early: Buffer,
    /// The answer's header, if a log wants something of it.
    pub(crate) fields: Vec<(Vec<u8>, Vec<u8>)>,
    /// Hold the members tried as busy.
    pub(crate) tried: Tried,
}

/// One tunnel.
pub(crate) struct Tunnel<'a> {
    down: Way,
    up: Way,
    meter: Meter,
    connection: Connection,
    /// How long nothing may move.
    within: Duration,
    moved_at: Moment,
    /// Bytes that the client got.
    got: u64,
    stopped: Pin<Box<dyn Future<Output = ()> + 'a>>,
    fields: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) tried: Tried,
}

/// One direction.
struct Way {
    pump: Pump,
    /// Was the end passed on?
    shut: bool,
}

impl<'a> Tunnel<'a> {
    pub(crate) fn new(opening: Opening<'a>, request: &Request<'_>) -> Self {
        let Opening { address, stopped, meter, connection, lead, early, fields, mut tried } = opening;
        if let Some(lease) = &mut tried.last {
            lease.upgraded();
        }
        let way = || Way { pump: Pump::new(Length::UntilClose, false), shut: false };
        let (mut down, mut up) = (way(), way());
        let mut got = 0;
        if !early.is_empty()
            && let Ok(bytes) = down.pump.begin(early)
        {
            meter.received(bytes);
            got += bytes;
        }
        down.pump.lead(lead);
        if !(request.behind.is_empty() && request.ahead.is_empty()) {
            let mut piece = request.worker.spares.small();
            piece.put(request.behind);
            piece.put(&request.ahead);
            if let Ok(bytes) = up.pump.begin(piece) {
                meter.sent(bytes);
            }
        }
        Self {
            down,
            up,
            meter,
            connection,
            within: address.connection.timeout,
            moved_at: clock::now(),
            got,
            stopped,
            fields,
            tried,
        }
    }

    /// Ready when it has ended.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>, request: &mut Request<'_>) -> Poll<()> {
        if self.stopped.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        let spares = &request.worker.spares;
        let sent = self.up.turn(context, (request.client, &mut self.connection.stream), spares);
        let received = self.down.turn(context, (&mut self.connection.stream, request.client), spares);
        let (Ok(sent), Ok(received)) = (sent, received) else { return Poll::Ready(()) };
        self.meter.sent(sent);
        self.meter.received(received);
        self.got += received;
        if self.up.shut && self.down.shut {
            return Poll::Ready(());
        }
        let over = request.deadline.is_over(context);
        if sent + received > 0 {
            self.moved_at = clock::now();
        } else if over && clock::now() >= self.moved_at.plus(self.within) {
            return Poll::Ready(());
        }
        request.deadline.set(self.moved_at.plus(self.within), Doing::Working);
        Poll::Pending
    }

    /// What became of it.
    pub(crate) fn served(&mut self) -> Served {
        let (sent, answer) = (self.down.pump.written(), std::mem::take(&mut self.fields));
        Served { body: self.got, sent, answer, ..Served::new(101, Then::End(Ending::Gone)) }
    }
}

/// A direction is broken; the tunnel ends.
struct Over;

impl Way {
    /// Moves what can be moved now; the bytes that came.
    fn turn(
        &mut self,
        context: &mut Context<'_>,
        (from, to): (&mut Stream, &mut Stream),
        spares: &Rc<Spares>,
    ) -> Result<u64, Over> {
        let mut moved = 0;
        for _ in 0..PIECES {
            match self.pump.poll_flush(context, to) {
                Poll::Pending => return Ok(moved),
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => return Err(Over),
            }
            if self.pump.is_over() {
                if !self.shut {
                    self.shut = true;
                    to.shut_writing();
                }
                return Ok(moved);
            }
            match self.pump.poll_fill(context, from, spares) {
                Poll::Pending => return Ok(moved),
                Poll::Ready(Ok(bytes)) => moved += bytes,
                Poll::Ready(Err(_)) => return Err(Over),
            }
        }
        context.waker().wake_by_ref();
        Ok(moved)
    }
}
