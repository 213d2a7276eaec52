//! The load: many clients in one thread, as fast as they are served or at a fixed rate, with exact counts.
//!
//! At a fixed rate a request's latency counts from the moment at which it was due, so that a stall is not hidden by
//! the clients' waiting for it.

use std::io;
use std::time::Duration;

use harness::eventually::Stopwatch;

use crate::client::{Client, Errand, Outcome, Stage};
use crate::poll::Poll;

/// How long answers may take after the last request.
const TAIL: Duration = Duration::from_secs(5);
/// A proxy that fails so often is not measured any further.
const FAILURES: u64 = 10_000;

/// What a load does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) clients: usize,
    pub(crate) time: Duration,
    /// Requests a second; none is as many as are answered.
    pub(crate) rate: Option<u32>,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub(crate) answers: u64,
    /// Failures, and answers other than 200.
    pub(crate) bad: u64,
    pub(crate) elapsed: Duration,
    /// In microseconds, of a load with a fixed rate.
    pub(crate) latencies: Vec<u32>,
}

impl Tally {
    /// The latency in microseconds that so many of a thousand answers did not exceed.
    pub(crate) fn percentile(&mut self, of_thousand: usize) -> u32 {
        self.latencies.sort_unstable();
        let at = self.latencies.len() * of_thousand / 1000;
        self.latencies.get(at.min(self.latencies.len().saturating_sub(1))).copied().unwrap_or(0)
    }
}

/// Runs a load to its end.
pub(crate) fn run(errand: &Errand, plan: Plan) -> io::Result<Tally> {
    let mut load = Load {
        errand,
        plan,
        poll: Poll::new()?,
        clients: (0..plan.clients).map(Client::new).collect(),
        free: (0..plan.clients).rev().collect(),
        scratch: vec![0; 256 << 10],
        clock: Stopwatch::start(),
        started: 0,
        tally: Tally::default(),
    };
    load.run()?;
    load.tally.elapsed = load.clock.elapsed();
    Ok(load.tally)
}

struct Load<'a> {
    errand: &'a Errand,
    plan: Plan,
    poll: Poll,
    clients: Vec<Client>,
    free: Vec<usize>,
    scratch: Vec<u8>,
    clock: Stopwatch,
    started: u64,
    tally: Tally,
}

impl Load<'_> {
    fn run(&mut self) -> io::Result<()> {
        loop {
            let now = self.clock.elapsed();
            self.launch(now);
            if now >= self.plan.time && self.free.len() == self.clients.len() || now >= self.plan.time + TAIL
            {
                self.tally.bad += (self.clients.len() - self.free.len()) as u64;
                return Ok(());
            }
            for at in 0..self.poll.wait(Some(self.pause(now)))? {
                let (number, _) = self.poll.event(at);
                let client = &mut self.clients[number];
                let was_free = client.stage == Stage::Free;
                let outcome = client.attend(self.errand, &self.poll, &mut self.scratch);
                if !was_free {
                    self.settle(number, outcome);
                }
            }
            if self.tally.bad > FAILURES {
                return Err(io::Error::other("it answers nearly nothing"));
            }
        }
    }

    /// How long nothing is due.
    fn pause(&self, now: Duration) -> Duration {
        match self.plan.rate {
            Some(rate) if !self.free.is_empty() && now < self.plan.time => {
                due(self.started, rate).saturating_sub(now)
            }
            _ => Duration::from_millis(100),
        }
    }

    /// Starts what is due.
    fn launch(&mut self, now: Duration) {
        while now < self.plan.time
            && let Some(number) = self.free.pop()
        {
            let since = match self.plan.rate {
                Some(rate) => due(self.started, rate),
                None => now,
            };
            if since > now {
                self.free.push(number);
                return;
            }
            self.started += 1;
            let client = &mut self.clients[number];
            client.since = since;
            let outcome = client.start(self.errand, &self.poll);
            self.settle(number, outcome);
            if self.tally.bad > FAILURES {
                return;
            }
        }
    }

    fn settle(&mut self, number: usize, outcome: Outcome) {
        match outcome {
            Outcome::Open => return,
            Outcome::Answered(good) => {
                self.tally.answers += 1;
                self.tally.bad += u64::from(!good);
                if self.plan.rate.is_some() {
                    let latency = self.clock.elapsed().saturating_sub(self.clients[number].since);
                    self.tally.latencies.push(u32::try_from(latency.as_micros()).unwrap_or(u32::MAX));
                }
            }
            Outcome::Failed => self.tally.bad += 1,
        }
        // The next request is sent at once, as the proxy may serve the others meanwhile.
        if self.plan.rate.is_none() && self.clock.elapsed() < self.plan.time && outcome != Outcome::Failed {
            self.started += 1;
            let again = self.clients[number].start(self.errand, &self.poll);
            if again == Outcome::Open {
                return;
            }
            self.tally.bad += 1;
        }
        self.free.push(number);
    }
}

/// When the request after so many is due.
fn due(started: u64, rate: u32) -> Duration {
    Duration::from_nanos((started + 1) * 1_000_000_000 / u64::from(rate))
}

/// Clients that stay: idle after one answer each, or taking a large answer slowly.
pub(crate) struct Crowd {
    poll: Poll,
    clients: Vec<Client>,
    scratch: Vec<u8>,
}

impl Crowd {
    /// Connects so many clients and lets each send a request: `slow` ones read no more of the answer than its start.
    ///
    /// # Errors
    ///
    /// The system's, or that the proxy does not serve all of them.
    pub(crate) fn gather(errand: &Errand, count: usize, slow: bool) -> io::Result<Self> {
        let mut crowd = Self {
            poll: Poll::new()?,
            clients: (0..count).map(Client::new).collect(),
            scratch: vec![0; if slow { 512 } else { 64 << 10 }],
        };
        let clock = Stopwatch::start();
        let (mut opened, mut settled) = (0, 0);
        while settled < count {
            while opened < count && opened - settled < 64 {
                if crowd.clients[opened].start(errand, &crowd.poll) != Outcome::Open {
                    return Err(io::Error::other(format!("client {opened} is not let in")));
                }
                opened += 1;
            }
            if clock.elapsed() > Duration::from_secs(60) {
                return Err(io::Error::other(format!(
                    "{settled} of {count} clients are served after a minute"
                )));
            }
            for at in 0..crowd.poll.wait(Some(Duration::from_millis(100)))? {
                let client = &mut crowd.clients[crowd.poll.event(at).0];
                let outcome = client.attend(errand, &crowd.poll, &mut crowd.scratch);
                match (outcome, client.stage) {
                    (Outcome::Answered(true), _) => settled += 1,
                    (Outcome::Open, Stage::Body(_)) if slow => {
                        client.mute(&crowd.poll);
                        settled += 1;
                    }
                    (Outcome::Open, _) => {}
                    _ => return Err(io::Error::other("a client got no good answer")),
                }
            }
        }
        Ok(crowd)
    }

    /// Lets time pass in which each client takes up to `pace` bytes of its answer a second.
    pub(crate) fn dwell(&mut self, time: Duration, pace: usize) -> io::Result<()> {
        const TICK: Duration = Duration::from_millis(100);
        let clock = Stopwatch::start();
        let mut ticks = 0;
        self.scratch.resize(pace / 10, 0);
        while clock.elapsed() < time {
            for client in &mut self.clients {
                client.sip(&mut self.scratch);
            }
            ticks += 1;
            while let Some(pause) = (TICK * ticks).checked_sub(clock.elapsed())
                && !pause.is_zero()
            {
                self.poll.wait(Some(pause))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};

    use harness::eventually::eventually_true;

    use super::*;
    use crate::floor;
    use crate::origin::Origin;

    /// The address of a floor with three members.
    fn relay() -> SocketAddrV4 {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let members = Origin::start(3).unwrap().members(3).map(|member| member.to_string());
        let arguments: Vec<String> = std::iter::once(port.to_string()).chain(members).collect();
        std::thread::spawn(move || floor::run(&arguments).unwrap());
        let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
        eventually_true("the floor listens", || TcpStream::connect(address).is_ok());
        address
    }

    #[test]
    fn every_request_is_answered_whole_and_once() {
        let to = relay();
        for (name, path, body, fresh, rate) in [
            ("small", "/128", 0, false, None),
            ("large", "/1m", 0, false, None),
            ("upload", "/128", 100_000, false, None),
            ("new connections", "/16k", 0, true, None),
            ("in time", "/128", 0, false, Some(500)),
        ] {
            let errand = Errand::new(to, path, body, &["Cookie: a=1\r\n".to_owned(), String::new()], fresh);
            let time = Duration::from_millis(200);
            let tally = run(&errand, Plan { clients: 8, time, rate }).unwrap();
            assert!(tally.answers > 8 && tally.bad == 0, "{name}: {tally:?}");
            if rate.is_some() {
                assert!(tally.answers <= 100 && tally.latencies.len() as u64 == tally.answers, "{tally:?}");
            }
        }
    }

    #[test]
    fn a_crowd_stays() {
        let to = relay();
        let mut errand = Errand::new(to, "/128", 0, &[], false);
        let mut idle = Crowd::gather(&errand, 50, false).unwrap();
        idle.dwell(Duration::from_millis(20), 1000).unwrap();
        errand = Errand::new(to, "/4m", 0, &[], false);
        errand.receive = Some(32 << 10);
        let mut slow = Crowd::gather(&errand, 20, true).unwrap();
        slow.dwell(Duration::from_millis(200), 64 << 10).unwrap();
        assert!(slow.clients.iter().all(|client| matches!(client.stage, Stage::Body(1..))));
    }

    #[test]
    fn what_fails_is_counted() {
        let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let errand = Errand::new(SocketAddrV4::new(Ipv4Addr::LOCALHOST, nobody), "/128", 0, &[], false);
        let plan = Plan { clients: 2, time: Duration::from_secs(10), rate: None };
        assert!(run(&errand, plan).is_err(), "it would try for ever");
    }
}
