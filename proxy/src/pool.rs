//! Idle connections to members, kept by the worker thread that opened them.

use std::collections::VecDeque;
use std::time::Duration;

use evenkeel_protocol::Moment;

use crate::http::client::Connection;
use crate::limits;

struct Idle {
    connection: Connection,
    since: Moment,
}

/// One worker's idle connections, a queue a member. A member is named by its number in the registry.
#[derive(Default)]
pub(crate) struct Pool {
    idle: Vec<VecDeque<Idle>>,
}

impl Pool {
    /// The connection that was used last, if one is open and has not been idle for longer than `ttl`.
    pub(crate) fn take(&mut self, member: usize, ttl: Option<Duration>, now: Moment) -> Option<Connection> {
        let queue = self.idle.get_mut(member)?;
        while let Some(idle) = queue.pop_back() {
            let fresh = ttl.is_none_or(|ttl| now.since(idle.since) < ttl);
            if fresh && idle.connection.is_open() {
                return Some(idle.connection);
            }
        }
        None
    }

    /// Keeps a connection; the oldest goes if there are too many.
    pub(crate) fn put(&mut self, member: usize, mut connection: Connection, now: Moment) {
        if !connection.is_open() {
            return;
        }
        connection.reused = true;
        if self.idle.len() <= member {
            self.idle.resize_with(member + 1, VecDeque::new);
        }
        if let Some(queue) = self.idle.get_mut(member) {
            if queue.len() == limits::IDLE_CONNECTIONS {
                queue.pop_front();
            }
            queue.push_back(Idle { connection, since: now });
        }
    }

    /// Drops what members have closed and what is older than its member's ttl.
    pub(crate) fn sweep(&mut self, ttl: impl Fn(usize) -> Option<Duration>, now: Moment) {
        for (member, queue) in self.idle.iter_mut().enumerate() {
            let ttl = ttl(member);
            queue.retain(|idle| {
                idle.connection.is_open() && ttl.is_none_or(|ttl| now.since(idle.since) < ttl)
            });
        }
    }
}
