//! Bodies both ways, counted while they flow. The answer's body holds the leases of every member that was tried and
//! lets them go before its last byte is handed on, so that a client's next request finds busy as httpd would have it.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use evenkeel_balancer::{Lease, Meter};
use evenkeel_protocol::Moment;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Sleep, sleep};

use crate::accept::Worker;
use crate::clock;
use crate::http::client::Connection;
use crate::http::{Body, BodyError, Remaining, Source};

/// How long the next chunk of a body may take: armed when it is awaited, relaxed when it comes.
struct Patience {
    within: Duration,
    deadline: Option<Pin<Box<Sleep>>>,
    armed: bool,
}

impl Patience {
    fn new(within: Duration) -> Self {
        Self { within, deadline: None, armed: false }
    }

    /// Something came: the clock stops.
    fn relax(&mut self) {
        self.armed = false;
    }

    /// Nothing came: is it over?
    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(self.within)));
        if !self.armed {
            deadline.as_mut().set(sleep(self.within));
            self.armed = true;
        }
        deadline.as_mut().poll(context).is_ready()
    }
}

/// A request's body on its way to a member.
pub(crate) struct Upload {
    body: Body,
    meter: Meter,
    patience: Patience,
    /// When the member last took something.
    active: Rc<Cell<Moment>>,
}

impl Upload {
    /// `within`: how long the client may send nothing.
    pub(crate) fn new(body: Body, meter: Meter, within: Duration, active: Rc<Cell<Moment>>) -> Self {
        Self { body, meter, patience: Patience::new(within), active }
    }
}

impl Source for Upload {
    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let chunk = match self.body.poll_chunk(context) {
            Poll::Ready(chunk) => chunk,
            Poll::Pending if self.patience.is_over(context) => {
                return Poll::Ready(Some(Err(BodyError("the client sent nothing for too long".to_owned()))));
            }
            Poll::Pending => return Poll::Pending,
        };
        self.patience.relax();
        self.active.set(clock::now());
        if let Some(Ok(bytes)) = &chunk {
            self.meter.sent(bytes.len() as u64);
        }
        Poll::Ready(chunk)
    }

    fn remaining(&self) -> Remaining {
        self.body.remaining()
    }
}

/// What ends with the client's request: the leases of the members tried, and the connection of the last one.
pub(crate) struct Held {
    pub(crate) worker: Rc<Worker>,
    /// Of all members tried; the last one answers.
    pub(crate) _leases: Vec<Lease>,
    /// Whose connection, and whether it may carry another exchange.
    pub(crate) slot: usize,
    pub(crate) reusable: bool,
    pub(crate) connection: Connection,
    /// The last member's place for one more request.
    pub(crate) _permit: Option<OwnedSemaphorePermit>,
}

impl Held {
    /// The exchange is complete: the leases fall, and the connection may carry another.
    pub(crate) fn complete(self) {
        if self.reusable {
            self.worker.pool.borrow_mut().put(self.slot, self.connection, clock::now());
        }
    }
}

/// A member's answer on its way to the client.
pub(crate) struct Download {
    body: Body,
    patience: Patience,
    meter: Meter,
    /// Gone once the exchange is complete or broken.
    held: Option<Held>,
}

impl Download {
    /// `within`: how long the member may send nothing.
    pub(crate) fn new(body: Body, meter: Meter, within: Duration, held: Held) -> Self {
        Self { body, patience: Patience::new(within), meter, held: Some(held) }
    }

    fn complete(&mut self) {
        if let Some(held) = self.held.take() {
            held.complete();
        }
    }
}

impl Source for Download {
    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let polled = self.body.poll_chunk(context);
        if polled.is_pending() && self.patience.is_over(context) {
            self.held = None;
            let why = "the member sent nothing for too long".to_owned();
            tracing::debug!(why, "an answer broke off");
            return Poll::Ready(Some(Err(BodyError(why))));
        }
        let chunk = ready!(polled);
        self.patience.relax();
        match &chunk {
            Some(Ok(bytes)) => {
                self.meter.received(bytes.len() as u64);
                if self.body.remaining() == Remaining::Exactly(0) {
                    self.complete();
                }
            }
            Some(Err(why)) => {
                tracing::debug!(%why, "an answer broke off");
                self.held = None;
            }
            None => self.complete(),
        }
        Poll::Ready(chunk)
    }

    fn remaining(&self) -> Remaining {
        self.body.remaining()
    }
}
