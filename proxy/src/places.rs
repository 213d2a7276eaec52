//! How many connections a member may have (`max`), in the whole process.
//!
//! Requests queue for a seat, first come, first served; there are as many seats as places, so who has a seat finds a
//! connection in the end: an idle one of its own worker, a free place to open one, or the place of a connection that
//! idles at another worker, which is asked to close it.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use evenkeel_balancer::FailureKind;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;

use crate::accept::Worker;
use crate::address::Address;
use crate::clock;
use crate::exchange::Failed;
use crate::pool::Connection;

/// The places of one member.
#[derive(Debug)]
pub(crate) struct Limit {
    max: u32,
    seats: Arc<Semaphore>,
    open: AtomicU32,
    freed: Notify,
}

/// An open connection's place; free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    limit: Arc<Limit>,
    /// Held while the connection carries a request.
    seat: Option<OwnedSemaphorePermit>,
}

impl Place {
    /// The connection becomes idle: the next request may have the seat, once it is dropped.
    pub(crate) fn stand_up(&mut self) -> Option<OwnedSemaphorePermit> {
        self.seat.take()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.limit.open.fetch_sub(1, Ordering::AcqRel);
        self.limit.freed.notify_waiters();
    }
}

/// What a request got.
pub(crate) enum Taken {
    /// A connection that was idle.
    Connection(Connection),
    /// A place to open one.
    Place(Place),
}

impl Limit {
    pub(crate) fn new(max: u32) -> Arc<Self> {
        let seats = Arc::new(Semaphore::new(max as usize));
        Arc::new(Self { max, seats, open: AtomicU32::new(0), freed: Notify::new() })
    }

    /// A connection or a place, within `acquire`; `fresh` wants no connection that was used before.
    pub(crate) async fn take(
        self: &Arc<Self>,
        worker: &Rc<Worker>,
        address: &Arc<Address>,
        fresh: bool,
    ) -> Result<Taken, Failed> {
        let taking = self.take_in_turn(worker, address, fresh);
        let full = || Failed::unsent(FailureKind::Full, "it has as many connections as max allows");
        match address.connection.acquire {
            Some(within) => timeout(within, taking).await.ok().flatten().ok_or_else(full),
            None => taking.await.ok_or_else(full),
        }
    }

    /// None only if the process ends.
    async fn take_in_turn(
        self: &Arc<Self>,
        worker: &Rc<Worker>,
        address: &Arc<Address>,
        fresh: bool,
    ) -> Option<Taken> {
        let seat = Arc::clone(&self.seats).acquire_owned().await.ok()?;
        let mut seat = Some(seat);
        loop {
            if !fresh && !address.connection.disablereuse {
                let kept = worker.pool.borrow_mut().take(address, clock::now);
                if let Some(mut connection) = kept {
                    if let Some(place) = &mut connection.place {
                        place.seat = seat.take();
                    }
                    return Some(Taken::Connection(connection));
                }
            }
            let freed = self.freed.notified();
            if self.open_one() {
                return Some(Taken::Place(Place { limit: Arc::clone(self), seat }));
            }
            worker.pool.borrow_mut().give_up(address);
            if self.open_one() {
                return Some(Taken::Place(Place { limit: Arc::clone(self), seat }));
            }
            worker.proxy.mailboxes.ask(address);
            // Whoever opens the freed place first leaves another one idle, so look again soon whatever was missed.
            let _ = timeout(ASK_AGAIN, freed).await;
        }
    }

    fn open_one(&self) -> bool {
        let one_more = |open: u32| (open < self.max).then_some(open + 1);
        self.open.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).is_ok()
    }
}

/// Where a worker is asked to close an idle connection.
pub(crate) type Mailbox = mpsc::Receiver<Arc<Address>>;

/// The ways to ask each worker.
#[derive(Debug)]
pub(crate) struct Mailboxes(Vec<mpsc::Sender<Arc<Address>>>);

impl Mailboxes {
    /// One for each worker.
    pub(crate) fn new(workers: usize) -> (Self, Vec<Mailbox>) {
        let (senders, receivers) = (0..workers).map(|_| mpsc::channel(WAITING_ASKS)).unzip();
        (Self(senders), receivers)
    }

    /// Asks a worker that has an idle connection to the member to close one.
    fn ask(&self, address: &Arc<Address>) {
        let holder = self.0.iter().enumerate().find(|(core, _)| address.idle_at(*core) > 0);
        if let Some((_, holder)) = holder {
            // A full box means that it is busy closing; whoever waits asks again.
            let _ = holder.try_send(Arc::clone(address));
        }
    }
}

/// Asks that wait at a worker.
const WAITING_ASKS: usize = 256;
/// How long a worker that was asked for a place may take before all are asked again.
const ASK_AGAIN: Duration = Duration::from_millis(50);
