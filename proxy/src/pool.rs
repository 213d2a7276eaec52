//! Idle connections to members, kept by the worker thread that opened them.

use std::collections::VecDeque;
use std::time::Duration;

use evenkeel_protocol::Moment;

use crate::address::Address;
use crate::http::stream::{Silence, Stream};
use crate::limits;
use crate::places::Place;

/// A connection to a member that carries one request at a time.
pub(crate) struct Connection {
    pub(crate) stream: Stream,
    /// Has it carried a request before?
    pub(crate) reused: bool,
    /// Its place among those that the member may have, if they are counted.
    pub(crate) place: Option<Place>,
    /// Did its last answer have no body, as that to a HEAD? Some members send one nevertheless, a little later.
    pub(crate) bodiless: bool,
    /// When it last became idle.
    pub(crate) since: Moment,
}

impl Connection {
    /// One that was just opened.
    pub(crate) fn new(stream: Stream, place: Option<Place>) -> Self {
        Self { stream, reused: false, place, bodiless: false, since: Moment::default() }
    }

    /// Can it carry another request, as far as one can know?
    fn is_good(&self) -> bool {
        self.stream.silence() == Silence::Kept && !(self.bodiless && self.stream.has_bytes())
    }
}

/// One worker's idle connections, a queue an address, at the address's number.
pub(crate) struct Pool {
    core: usize,
    queues: Vec<Queue>,
}

/// Idle connections to one address.
#[derive(Default)]
struct Queue {
    /// Whose they are; the number may have had another owner before.
    owner: u64,
    idle: VecDeque<Connection>,
}

impl Pool {
    /// For the worker with the number `core`.
    pub(crate) fn new(core: usize) -> Self {
        Self { core, queues: Vec::new() }
    }

    /// The queue of an address, if there is one.
    fn queue(&mut self, address: &Address) -> Option<&mut VecDeque<Connection>> {
        let queue = self.queues.get_mut(address.slot.number)?;
        (queue.owner == address.slot.owner).then_some(&mut queue.idle)
    }

    /// The queue of an address, made if need be.
    fn own_queue(&mut self, address: &Address) -> Option<&mut VecDeque<Connection>> {
        let (number, owner) = (address.slot.number, address.slot.owner);
        if self.queues.len() <= number {
            self.queues.resize_with(number + 1, Queue::default);
        }
        let queue = self.queues.get_mut(number)?;
        if queue.owner != owner {
            *queue = Queue { owner, idle: VecDeque::new() };
        }
        Some(&mut queue.idle)
    }

    /// A connection that can be had without waiting: the one that was used last, if one is open and has not been idle
    /// for longer than the member's `ttl`. None where connections are counted and somebody may wait for one.
    pub(crate) fn take_at_once(
        &mut self,
        address: &Address,
        fresh: bool,
        now: impl Fn() -> Moment,
    ) -> Option<Connection> {
        if fresh || address.limit.is_some() {
            return None;
        }
        self.take(address, now)
    }

    /// The connection that was used last, if one is open and young enough.
    pub(crate) fn take(&mut self, address: &Address, now: impl Fn() -> Moment) -> Option<Connection> {
        let core = self.core;
        let queue = self.queue(address)?;
        while let Some(connection) = queue.pop_back() {
            address.idle_ended(core);
            let young = address.connection.ttl.is_none_or(|ttl| now().since(connection.since) < ttl);
            if young && connection.is_good() {
                return Some(connection);
            }
        }
        None
    }

    /// Keeps a connection; the oldest goes if there are too many.
    pub(crate) fn put(&mut self, address: &Address, mut connection: Connection, now: Moment) {
        if connection.stream.silence() == Silence::Broken || address.is_retired() {
            return;
        }
        (connection.reused, connection.since) = (true, now);
        let core = self.core;
        let Some(queue) = self.own_queue(address) else { return };
        if queue.len() == limits::IDLE_CONNECTIONS {
            queue.pop_front();
            address.idle_ended(core);
        }
        // The seat is free only when all can see that the connection is idle: whoever gets the seat asks for it.
        let seat = connection.place.as_mut().and_then(Place::stand_up);
        queue.push_back(connection);
        address.idle_began(core);
        drop(seat);
        if address.connection.ttl.is_none() && address.count_out_surplus(core) {
            queue.pop_front();
        }
    }

    /// Closes the connection to a member that has been idle longest, so that another worker can open one.
    pub(crate) fn give_up(&mut self, address: &Address) {
        let core = self.core;
        if self.queue(address).is_some_and(|queue| queue.pop_front().is_some()) {
            address.idle_ended(core);
        }
    }

    /// Closes all connections to a member that are idle.
    pub(crate) fn clear(&mut self, address: &Address) {
        let core = self.core;
        for _ in self.queue(address).into_iter().flat_map(|queue| queue.drain(..)) {
            address.idle_ended(core);
        }
    }

    /// Drops what the member has closed, and what has been idle for its ttl: all of it, or with `smax` what is above.
    pub(crate) fn sweep(&mut self, address: &Address, now: Moment) {
        let core = self.core;
        let Some(queue) = self.queue(address) else { return };
        let old = |since: Moment, ttl: Option<Duration>| ttl.is_some_and(|ttl| now.since(since) >= ttl);
        queue.retain(|connection| {
            let old = old(connection.since, address.connection.ttl);
            if connection.stream.silence() == Silence::Broken || (old && address.connection.smax.is_none()) {
                address.idle_ended(core);
                return false;
            }
            !(old && address.count_out_surplus(core))
        });
    }
}
