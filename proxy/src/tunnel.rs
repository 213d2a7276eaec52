//! A connection that was upgraded: bytes in both directions, until both sides have ended or nothing moves for the
//! member's time-out. It counts as busy, and its bytes are counted, as long as it lasts; a member that is stopped
//! ends it.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll};

use evenkeel_balancer::Meter;

use crate::address::Address;
use crate::clock;
use crate::conversation::{Ending, Then};
use crate::deadline::Doing;
use crate::exchange::Request;
use crate::http::body::Length;
use crate::http::buffer::Buffer;
use crate::http::pump::{Broken, Pump};
use crate::http::stream::Stream;
use crate::pool::Connection;
use crate::record::Served;
use crate::relay::Tried;

/// Pieces moved in one turn, so that one busy tunnel does not keep the others of its worker waiting.
const PIECES: usize = 8;

/// One tunnel.
pub(crate) struct Tunnel<'a> {
    pub(crate) address: &'a Address,
    pub(crate) meter: Meter,
    pub(crate) connection: Connection,
    /// The head of the answer that begins it.
    pub(crate) lead: Buffer,
    /// What the member sent behind it.
    pub(crate) early: Buffer,
    /// The answer's header, if a log wants something of it.
    pub(crate) fields: Vec<(Vec<u8>, Vec<u8>)>,
    /// Hold the members tried as busy.
    pub(crate) _tried: Tried,
}

/// One direction.
struct Way {
    pump: Pump,
    /// Was the end passed on?
    shut: bool,
}

impl Tunnel<'_> {
    /// Runs it to its end.
    pub(crate) async fn run(self: Box<Self>, request: &mut Request<'_>) -> Served {
        let Self { address, meter, mut connection, lead, early, fields, _tried } = *self;
        let within = address.connection.timeout;
        let mut down = Way { pump: Pump::new(Length::UntilClose, false), shut: false };
        let mut up = Way { pump: Pump::new(Length::UntilClose, false), shut: false };
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
        let mut stopped = pin!(address.stopped());
        let mut moved_at = clock::now();
        let spares = &request.worker.spares;
        let (client, member, meter) = (&mut *request.client, &mut connection.stream, &meter);
        poll_fn(|context| {
            if stopped.as_mut().poll(context).is_ready() {
                return Poll::Ready(());
            }
            let sent = up
                .turn(context, (client, member), |pump, context, from| pump.poll_fill(context, from, spares));
            let received = down
                .turn(context, (member, client), |pump, context, from| pump.poll_fill(context, from, spares));
            let (Ok(sent), Ok(received)) = (sent, received) else { return Poll::Ready(()) };
            meter.sent(sent);
            meter.received(received);
            got += received;
            if up.shut && down.shut {
                return Poll::Ready(());
            }
            if sent + received > 0 {
                moved_at = clock::now();
            } else if request.deadline.is_over(context) && clock::now() >= moved_at.plus(within) {
                return Poll::Ready(());
            }
            request.deadline.set(moved_at.plus(within), Doing::Working);
            Poll::Pending
        })
        .await;
        let sent = down.pump.written();
        Served { body: got, sent, answer: fields, ..Served::new(101, Then::End(Ending::Gone)) }
    }
}

/// A direction is broken; the tunnel ends.
struct Over;

type Filling = Poll<Result<u64, Broken>>;

impl Way {
    /// Moves what can be moved now; the bytes that came.
    fn turn(
        &mut self,
        context: &mut Context<'_>,
        (from, to): (&mut Stream, &mut Stream),
        fill: impl Fn(&mut Pump, &mut Context<'_>, &mut Stream) -> Filling,
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
            match fill(&mut self.pump, context, from) {
                Poll::Pending => return Ok(moved),
                Poll::Ready(Ok(bytes)) => moved += bytes,
                Poll::Ready(Err(_)) => return Err(Over),
            }
        }
        context.waker().wake_by_ref();
        Ok(moved)
    }
}
