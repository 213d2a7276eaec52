//! A request in flight: a client has sent it, and the backend that has it keeps it until it is let go.

use std::io;
use std::net::SocketAddr;
use std::thread::{self, JoinHandle};

use crate::backend::Backend;
use crate::browser::{Answer, Browser, browser};
use crate::eventually::eventually_equal;
use crate::fault::{Behaviour, Gate, Reply};
use crate::proxy::Proxy;

/// A request that a backend keeps.
#[derive(Debug)]
pub struct Held {
    gate: Gate,
    client: JoinHandle<io::Result<Answer>>,
}

impl Held {
    /// A request that this backend will answer with 100 bytes.
    #[track_caller]
    pub fn by(proxy: &Proxy, backend: &Backend) -> Self {
        Self::answered(proxy, backend, Reply::size(100))
    }

    /// A request that this backend will answer so.
    #[track_caller]
    pub fn answered(proxy: &Proxy, backend: &Backend, reply: Reply) -> Self {
        Self::of(browser(), proxy.address(), backend, |gate| Behaviour::HoldsUntil(gate, reply))
    }

    /// A request of that client to that address, with which the backend does so; the gate lets it go on.
    #[track_caller]
    pub fn of(
        mut client: Browser,
        to: SocketAddr,
        backend: &Backend,
        behaviour: impl FnOnce(Gate) -> Behaviour,
    ) -> Self {
        let gate = Gate::new();
        backend.behaves(behaviour(gate.clone()));
        let client = thread::spawn(move || client.try_send(to, "GET", "/", b""));
        eventually_equal(&1, || gate.waiting());
        Self { gate, client }
    }

    /// Lets it go on, and waits for nothing.
    pub fn let_go(&self) {
        self.gate.open();
    }

    /// What its client gets, without anybody letting it go on.
    pub fn outcome(self) -> io::Result<Answer> {
        self.client.join().expect("a client does not panic")
    }

    /// Lets it go on, and waits until its client has got something or lost patience, as on a busy machine. The member was
    /// asked all the same.
    pub fn finish(self) {
        self.let_go();
        drop(self.outcome());
    }

    /// Lets it go on; the answer that its client gets.
    #[track_caller]
    pub fn answer(self) -> Answer {
        self.let_go();
        self.outcome().unwrap_or_else(|why| panic!("no answer: {why}"))
    }
}
