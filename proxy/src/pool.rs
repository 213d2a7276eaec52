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
}

impl Connection {
    /// One that was just opened.
    pub(crate) fn new(stream: Stream, place: Option<Place>) -> Self {
        Self { stream, reused: false, place, bodiless: false }
    }

    /// Can it carry another request, as far as one can know?
    fn is_good(&self) -> bool {
        self.stream.silence() == Silence::Kept && !(self.bodiless && self.stream.has_bytes())
    }
}

struct Idle {
    connection: Connection,
    since: Moment,
}

/// One worker's idle connections, a queue a member. A member is named by its number in the registry.
pub(crate) struct Pool {
    core: usize,
    idle: Vec<VecDeque<Idle>>,
}

impl Pool {
    /// For the worker with the number `core`.
    pub(crate) fn new(core: usize) -> Self {
        Self { core, idle: Vec::new() }
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
        let queue = self.idle.get_mut(address.slot)?;
        while let Some(idle) = queue.pop_back() {
            address.idle_ended(self.core);
            let young = address.connection.ttl.is_none_or(|ttl| now().since(idle.since) < ttl);
            if young && idle.connection.is_good() {
                return Some(idle.connection);
            }
        }
        None
    }

    /// Keeps a connection; the oldest goes if there are too many.
    pub(crate) fn put(&mut self, address: &Address, mut connection: Connection, now: Moment) {
        if connection.stream.silence() == Silence::Broken {
            return;
        }
        connection.reused = true;
        if self.idle.len() <= address.slot {
            self.idle.resize_with(address.slot + 1, VecDeque::new);
        }
        let Some(queue) = self.idle.get_mut(address.slot) else { return };
        if queue.len() == limits::IDLE_CONNECTIONS {
            queue.pop_front();
            address.idle_ended(self.core);
        }
        // The seat is free only when all can see that the connection is idle: whoever gets the seat asks for it.
        let seat = connection.place.as_mut().and_then(Place::stand_up);
        queue.push_back(Idle { connection, since: now });
        address.idle_began(self.core);
        drop(seat);
        if address.connection.ttl.is_none() && address.count_out_surplus(self.core) {
            queue.pop_front();
        }
    }

    /// Closes the connection to a member that has been idle longest, so that another worker can open one.
    pub(crate) fn give_up(&mut self, address: &Address) {
        if let Some(queue) = self.idle.get_mut(address.slot)
            && queue.pop_front().is_some()
        {
            address.idle_ended(self.core);
        }
    }

    /// Closes all connections to a member that are idle.
    pub(crate) fn clear(&mut self, address: &Address) {
        let Some(queue) = self.idle.get_mut(address.slot) else { return };
        for _ in queue.drain(..) {
            address.idle_ended(self.core);
        }
    }

    /// Drops what the member has closed, and what has been idle for its ttl: all of it, or with `smax` what is above.
    pub(crate) fn sweep(&mut self, address: &Address, now: Moment) {
        let Some(queue) = self.idle.get_mut(address.slot) else { return };
        let old = |since: Moment, ttl: Option<Duration>| ttl.is_some_and(|ttl| now.since(since) >= ttl);
        queue.retain(|idle| {
            let old = old(idle.since, address.connection.ttl);
            if idle.connection.stream.silence() == Silence::Broken
                || (old && address.connection.smax.is_none())
            {
                address.idle_ended(self.core);
                return false;
            }
            !(old && address.count_out_surplus(self.core))
        });
    }
}
