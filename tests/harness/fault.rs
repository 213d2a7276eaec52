//! The ways in which an origin behaves, good and bad, as sentences that people say.

use std::sync::{Arc, Condvar, Mutex};

use crate::eventually::patience;

/// What a backend does with a request.
#[derive(Debug, Clone)]
pub enum Behaviour {
    /// It answers. `?size=N` in the target overrides the length of the body.
    Answers(Reply),
    /// It reads the request, waits until the gate lets it pass, and then answers.
    HoldsUntil(Gate, Reply),
    /// It sends the head and then the body in pieces of that many bytes, one each time the gate lets one pass.
    TricklesBody {
        /// Lets one piece pass for each permit.
        gate: Gate,
        /// The length of a piece.
        piece: usize,
        /// The answer.
        reply: Reply,
    },
    /// It sends the head and that many bytes of the body, waits until the gate lets it pass, and sends the rest.
    StallsAfter(usize, Gate, Reply),
    /// It answers with chunks of that many bytes instead of a length.
    AnswersInChunks(usize, Reply),
    /// It reads nothing of the body until the gate lets it pass.
    ReadsLate(Gate, Reply),
    /// It reads the request and closes.
    ClosesWithoutAnswer,
    /// It reads the request and resets the connection.
    ResetsWithoutAnswer,
    /// It declares the whole body, sends that many bytes of it and resets the connection.
    ResetsAfter(usize, Reply),
    /// It declares the whole body, sends that many bytes of it and closes.
    LiesAboutLength(usize, Reply),
    /// It sends what is no HTTP.
    AnswersGarbage(Vec<u8>),
    /// It switches to the protocol that was asked for, and from then on sends back what comes, until it ends.
    Echoes,
}

impl Behaviour {
    /// It answers 200 with a short body.
    pub fn good() -> Self {
        Self::Answers(Reply::default())
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Headers beside Content-Length and X-Answered-By.
    pub headers: Vec<(String, String)>,
    /// The length of its body in bytes.
    pub size: usize,
}

impl Default for Reply {
    fn default() -> Self {
        Self { status: 200, headers: Vec::new(), size: 6 }
    }
}

impl Reply {
    /// An empty-handed answer of that status.
    pub fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    /// A 200 with a body of that many bytes.
    pub fn size(size: usize) -> Self {
        Self { size, ..Self::default() }
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// Holds threads until it lets them pass: so many, or from then on all. Nobody waits longer than patience.
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<(Mutex<Permits>, Condvar)>);

#[derive(Debug, Default)]
struct Permits {
    open: bool,
    left: usize,
    waiting: usize,
}

impl Gate {
    /// A closed one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets all pass, now and later.
    pub fn open(&self) {
        self.0.0.lock().unwrap().open = true;
        self.0.1.notify_all();
    }

    /// Lets `count` pass, those who wait first.
    pub fn let_pass(&self, count: usize) {
        self.0.0.lock().unwrap().left += count;
        self.0.1.notify_all();
    }

    /// How many wait now.
    pub fn waiting(&self) -> usize {
        self.0.0.lock().unwrap().waiting
    }

    /// Waits to be let pass; false if patience ended first.
    pub fn pass(&self) -> bool {
        let (permits, changed) = &*self.0;
        let mut permits = permits.lock().unwrap();
        permits.waiting += 1;
        let (mut permits, timed_out) =
            changed.wait_timeout_while(permits, patience() * 3, |it| !it.open && it.left == 0).unwrap();
        permits.waiting -= 1;
        if !permits.open && !timed_out.timed_out() {
            permits.left -= 1;
        }
        !timed_out.timed_out()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eventually::eventually_equal;
    use std::thread;

    #[test]
    fn a_gate_lets_pass_as_many_as_it_is_told() {
        let gate = Gate::new();
        let threads: Vec<_> = (0..3)
            .map(|_| {
                thread::spawn({
                    let gate = gate.clone();
                    move || gate.pass()
                })
            })
            .collect();
        eventually_equal(&3, || gate.waiting());
        gate.let_pass(2);
        eventually_equal(&1, || gate.waiting());
        gate.open();
        assert!(threads.into_iter().all(|thread| thread.join().unwrap()));
        assert!(gate.pass());
    }
}
