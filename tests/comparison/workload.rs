//! What is measured: the kinds of work, and the rounds in which all contenders do each of them in turn.
//!
//! All contenders of a kind of work are up at the same time (an idle one costs nothing), and each round starts with
//! another, so that what else the machine does meets all of them alike.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use harness::eventually::{Stopwatch, within};

use crate::client::Errand;
use crate::contender::{Contender, Question};
use crate::guard::Guard;
use crate::load::{Crowd, Plan, Tally, run};
use crate::options::Options;
use crate::origin::Origin;
use crate::report::{Held, Polled, Round, Series, say};
use crate::running::{Answer, Cores, Running, Task, bystander};

/// The kinds of work, in their order.
pub(crate) const KEYS: [&str; 11] =
    ["get", "log", "connect", "16k", "1m", "post", "thousand", "sticky", "idle", "slow", "poll"];

/// Threads of httpd where nothing needs more.
const THREADS: usize = 128;
const WARM_UP: Duration = Duration::from_millis(300);
/// Clients that wait idle, and that download slowly.
const IDLE: usize = 10_000;
const SLOW: usize = 1000;
/// Bytes a second that a slow download takes, and those that its receive buffer holds.
const PACE: usize = 64 << 10;
const RECEIVE: usize = 32 << 10;
/// Requests a second while the state is asked for.
const RATE: u32 = 3000;
/// How often it is asked for.
const EVERY: Duration = Duration::from_millis(100);
const ROUND_OF_POLLS: Duration = Duration::from_secs(1);

/// Requests that flow.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flow {
    key: &'static str,
    pub(crate) title: &'static str,
    path: &'static str,
    clients: usize,
    /// Bytes of a request's body.
    body: usize,
    /// A connection for each request?
    fresh: bool,
    members: usize,
    log: bool,
    sticky: bool,
    /// Bytes of an answer, if the cost is counted by them and not by requests.
    pub(crate) answer: Option<u32>,
}

const GET: Flow = Flow {
    key: "get",
    title: "GET of 128 B, 64 clients that keep their connections",
    path: "/128",
    clients: 64,
    body: 0,
    fresh: false,
    members: 3,
    log: false,
    sticky: false,
    answer: None,
};

pub(crate) const FLOWS: [Flow; 8] = [
    GET,
    Flow { key: "log", title: "the same with an access log", log: true, ..GET },
    Flow { key: "connect", title: "the same with a new connection for each request", fresh: true, ..GET },
    Flow { key: "16k", title: "GET of 16 KiB, 64 clients", path: "/16k", answer: Some(16 << 10), ..GET },
    Flow {
        key: "1m",
        title: "GET of 1 MiB, 16 clients",
        path: "/1m",
        clients: 16,
        answer: Some(1 << 20),
        ..GET
    },
    Flow { key: "post", title: "POST of 64 KiB, 64 clients", body: 64 << 10, ..GET },
    Flow { key: "thousand", title: "GET of 128 B, 1,000 members instead of 3", members: 1000, ..GET },
    Flow { key: "sticky", title: "GET of 128 B, sticky by cookie", sticky: true, ..GET },
];

/// Where the comparison takes place.
pub(crate) struct Arena {
    pub(crate) options: Options,
    pub(crate) origin: Origin,
    pub(crate) cores: Cores,
    pub(crate) guard: Guard,
    /// What is to be said below the next table.
    pub(crate) notes: Vec<String>,
    /// Descriptors that a process may have open.
    pub(crate) descriptors: usize,
}

impl Arena {
    fn note(&mut self, contender: Contender, why: &anyhow::Error) {
        self.notes.push(format!("{} is left out: {why:#}", contender.name()));
    }

    fn start(&mut self, contender: Contender, task: Task) -> Option<Running> {
        let task = Task { threads: self.options.threads, ..task };
        match Running::start(contender, task, &self.cores, &mut self.guard) {
            Ok(running) => Some(running),
            Err(why) => {
                self.note(contender, &why);
                None
            }
        }
    }

    fn members(&self, count: usize) -> Vec<SocketAddr> {
        self.origin.members(count).collect()
    }

    /// Measures requests that flow; each contender has a value a round.
    pub(crate) fn flow(&mut self, flow: &Flow) -> Result<Vec<Series>> {
        let members = self.members(flow.members);
        let task = Task {
            members: &members,
            log: flow.log,
            sticky: flow.sticky,
            at_once: THREADS,
            ..Task::default()
        };
        let mut group = Vec::new();
        for contender in self.options.contenders.clone() {
            if contender.does(flow.log, flow.sticky)
                && let Some(running) = self.start(contender, task)
            {
                group.push((running, Series::new(contender)));
            }
        }
        let plan = Plan { clients: flow.clients, time: self.options.time, rate: None };
        self.turns(&mut group, |running, series, is_warm| {
            let time = if is_warm { plan.time } else { WARM_UP };
            let (spent, tally) = measure(running, &flow.errand(running), Plan { time, ..plan })?;
            ensure!(tally.answers > 0, "nothing was answered");
            if is_warm {
                series.add(spent, &tally);
            }
            Ok(())
        })?;
        let mut found = Vec::new();
        for (running, series) in group {
            if flow.log && running.logged() == 0 {
                self.note(running.contender, &anyhow::anyhow!("it wrote no access log"));
            } else {
                found.push(series);
            }
            running.stop(&mut self.guard)?;
        }
        Ok(found)
    }

    /// Lets everybody warm up and then take turns; who fails goes.
    fn turns<T>(
        &mut self,
        group: &mut Vec<(Running, T)>,
        mut turn: impl FnMut(&Running, &mut T, bool) -> Result<()>,
    ) -> Result<()> {
        for round in 0..=self.options.rounds {
            let mut failed = Vec::new();
            for at in 0..group.len() {
                let at = (at + round) % group.len();
                let (running, found) = &mut group[at];
                if let Err(why) = turn(running, found, round > 0) {
                    self.notes.push(format!("{} is left out: {why:#}", running.contender.name()));
                    failed.push(at);
                }
            }
            failed.sort_unstable();
            for at in failed.into_iter().rev() {
                group.remove(at).0.stop(&mut self.guard)?;
            }
        }
        Ok(())
    }

    /// Measures the memory of one client that is idle, or that downloads slowly.
    pub(crate) fn held(&mut self, slow: bool) -> Result<Vec<Held>> {
        let count = if slow { SLOW } else { IDLE.min(self.descriptors.saturating_sub(2000)) };
        let members = self.members(3);
        let at_once = if slow { SLOW + 200 } else { THREADS };
        let mut found = Vec::new();
        for contender in self.options.contenders.clone() {
            let mut held = Held::new(contender);
            for _ in 0..self.options.rounds.min(2) {
                let task = Task { members: &members, at_once, ..Task::default() };
                let Some(running) = self.start(contender, task) else { break };
                match weigh(&running, count, slow) {
                    Ok(bytes) => held.bytes.push(bytes),
                    Err(why) => self.note(contender, &why),
                }
                running.stop(&mut self.guard)?;
            }
            if !held.bytes.is_empty() {
                found.push(held);
            }
        }
        Ok(found)
    }

    /// Measures what asking for the state of 1,000 members does to traffic at a fixed rate.
    pub(crate) fn polled(&mut self) -> Result<Vec<Polled>> {
        let members = self.members(1000);
        let task = Task { members: &members, at_once: THREADS, ..Task::default() };
        let mut found = Vec::new();
        for contender in self.options.contenders.clone() {
            let Some(question) = contender.question() else { continue };
            let Some(running) = self.start(contender, task) else { continue };
            let mut polled = Polled::new(contender);
            let rounds = (self.options.rounds / 4).clamp(1, 10);
            // The first round is for warming up: there are a thousand members to connect to.
            let result = (0..=rounds).try_for_each(|round| {
                let found = poll(&running, &question, round)?;
                if round > 0 {
                    polled.add(found);
                }
                Ok(())
            });
            match result {
                Ok(()) => found.push(polled),
                Err(why) => self.note(contender, &why),
            }
            running.stop(&mut self.guard)?;
        }
        Ok(found)
    }

    /// Measures a kind of work and tells what came of it.
    pub(crate) fn measure(&mut self, key: &str) -> Result<()> {
        let table = match key {
            "idle" => Held::table("an idle client that was served once", &self.held(false)?),
            "slow" => Held::table("a slow download (4 MiB at 64 KiB/s)", &self.held(true)?),
            "poll" => Polled::table(RATE, &self.polled()?),
            _ => {
                let flow = FLOWS.iter().find(|flow| flow.key == key).context("no such work")?;
                Series::table(flow, &self.flow(flow)?)
            }
        };
        say(&format!("## {key}: {table}"));
        for note in self.notes.drain(..) {
            say(&format!("{note}\n"));
        }
        Ok(())
    }
}

impl Flow {
    fn errand(&self, running: &Running) -> Errand {
        let sessions = if self.sticky { running.contender.sessions() } else { Vec::new() };
        Errand::new(running.address(), self.path, self.body, &sessions, self.fresh)
    }
}

/// The processor time that a load cost, and what came of it.
fn measure(running: &Running, errand: &Errand, plan: Plan) -> Result<(Duration, Tally)> {
    let before = running.spent()?;
    let tally = run(errand, plan)?;
    Ok((running.spent()?.since(before), tally))
}

/// The bytes of memory that each of so many clients costs.
fn weigh(running: &Running, count: usize, slow: bool) -> Result<f64> {
    let before = running.memory()?;
    let path = if slow { "/4m" } else { "/128" };
    let mut errand = Errand::new(running.address(), path, 0, &[], false);
    errand.receive = slow.then_some(RECEIVE);
    let mut crowd = Crowd::gather(&errand, count, slow)?;
    let time = if slow { Duration::from_secs(3) } else { Duration::from_millis(500) };
    crowd.dwell(time, PACE)?;
    let after = running.memory()?;
    #[expect(clippy::cast_precision_loss, reason = "bytes of memory have less than 53 bits")]
    Ok((after.saturating_sub(before)) as f64 / count as f64)
}

/// One round: the same traffic left in peace, with somebody who reads as much from elsewhere, and with questions.
///
/// Who asks shares a processor with the load, so reading alone delays some requests; the second tells how many.
fn poll(running: &Running, question: &Question, first: usize) -> Result<Round> {
    let length = running.ask(question)?.length;
    let mut round = Round::default();
    for turn in 0..3 {
        match (first + turn) % 3 {
            0 => round.calm = run(&GET.errand(running), paced())?,
            1 => (round.bystander, _) = asked(running, || bystander(length))?,
            _ => (round.busy, round.answers) = asked(running, || running.ask(question))?,
        }
    }
    Ok(round)
}

/// The traffic that polls are not to delay.
const fn paced() -> Plan {
    Plan { clients: GET.clients, time: ROUND_OF_POLLS, rate: Some(RATE) }
}

/// The traffic while `ask` is done again and again; how long each answer took.
fn asked(running: &Running, ask: impl Fn() -> Result<Answer> + Sync) -> Result<(Tally, Vec<Duration>)> {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let clock = Stopwatch::start();
            let mut times = Vec::new();
            let mut due = Duration::ZERO;
            while !over.load(Ordering::Relaxed) {
                times.push(ask()?.time);
                due += EVERY;
                within(due.saturating_sub(clock.elapsed()), || over.load(Ordering::Relaxed).then_some(()));
            }
            anyhow::Ok(times)
        });
        let tally = run(&GET.errand(running), paced());
        over.store(true, Ordering::Relaxed);
        Ok((tally?, asking.join().expect("asking does not panic")?))
    })
}
