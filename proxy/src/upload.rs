//! A request's body on its way to a member, counted and timed while it moves.
//!
//! It is wrapped once a request, whatever members are tried; each attempt tells it for whom to count.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use evenkeel_balancer::Meter;
use evenkeel_protocol::Moment;

use crate::clock;
use crate::http::body::Patience;
use crate::http::{Body, BodyError, Remaining, Source};

/// How an upload goes; shared by the body and by who waits for the answer.
#[derive(Debug)]
pub(crate) struct Progress {
    meter: RefCell<Option<Meter>>,
    last: Cell<Moment>,
    done: Cell<bool>,
}

impl Progress {
    /// An attempt begins: bytes are now counted by `meter`, and the wait for the member starts anew.
    pub(crate) fn begin(&self, meter: Meter) {
        *self.meter.borrow_mut() = Some(meter);
        self.last.set(clock::now());
    }

    /// When the member last took something, or the attempt began.
    pub(crate) fn last(&self) -> Moment {
        self.last.get()
    }

    /// Was the whole body handed on?
    pub(crate) fn is_done(&self) -> bool {
        self.done.get()
    }
}

struct Upload {
    body: Body,
    patience: Patience,
    progress: Rc<Progress>,
}

/// The body as it is sent, and what is known of it. `within`: how long the client may send nothing.
pub(crate) fn watched(body: Body, within: Duration) -> (Body, Rc<Progress>) {
    let done = body.is_empty();
    let progress =
        Rc::new(Progress { meter: RefCell::default(), last: Cell::default(), done: Cell::new(done) });
    if done {
        return (Body::Empty, progress);
    }
    let upload = Upload { body, patience: Patience::new(within), progress: Rc::clone(&progress) };
    (Body::Stream(Box::new(upload)), progress)
}

impl Source for Upload {
    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let chunk = match self.body.poll_chunk(context) {
            Poll::Ready(chunk) => chunk,
            Poll::Pending if self.patience.is_over(context) => {
                let why = "the client sent nothing for too long".to_owned();
                return Poll::Ready(Some(Err(BodyError::Stalled(why))));
            }
            Poll::Pending => return Poll::Pending,
        };
        self.patience.relax();
        self.progress.last.set(clock::now());
        if let Some(Ok(bytes)) = &chunk
            && let Some(meter) = &*self.progress.meter.borrow()
        {
            meter.sent(bytes.len() as u64);
        }
        if chunk.is_none() || self.body.remaining() == Remaining::Exactly(0) {
            self.progress.done.set(true);
        }
        Poll::Ready(chunk)
    }

    fn remaining(&self) -> Remaining {
        self.body.remaining()
    }
}
