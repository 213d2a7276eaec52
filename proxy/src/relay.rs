//! A member's answer on its way to the client, counted while it flows. It holds the leases of every member that was tried and
//! lets them go before its last byte is handed on, so that a client's next request finds busy as httpd would have it.

use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use evenkeel_balancer::{Lease, Meter};
use tokio::sync::OwnedSemaphorePermit;

use crate::accept::Worker;
use crate::clock;
use crate::http::body::Patience;
use crate::http::client::Connection;
use crate::http::{Body, BodyError, Remaining, Source};
use crate::upload::Progress;

/// What ends with the client's request: the leases of the members tried, and the connection of the last one.
pub(crate) struct Held {
    pub(crate) worker: Rc<Worker>,
    /// Of all members tried; the last one answers.
    pub(crate) _leases: Vec<Lease>,
    /// Whose connection, and whether its member's settings let it carry another exchange.
    pub(crate) slot: usize,
    pub(crate) reusable: bool,
    pub(crate) upload: Rc<Progress>,
    pub(crate) connection: Connection,
    /// The last member's place for one more request.
    pub(crate) _permit: Option<OwnedSemaphorePermit>,
}

impl Held {
    /// The answer is complete: the leases fall, and the connection may carry another exchange, unless the member
    /// answered before it had the whole request. Then the connection ends, and the rest of the upload with it.
    pub(crate) fn complete(self) {
        if self.reusable && self.upload.is_done() {
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
            return Poll::Ready(Some(Err(BodyError::Stalled(why))));
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
