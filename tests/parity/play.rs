//! Plays the steps of a scenario on one stage and notes after each what came of it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use harness::prelude::*;

use crate::counters::Counters;
use crate::scenario::Scenario;
use crate::stage::{Stage, Which};
use crate::step::{Ask, Kind, Step};

/// The name under which clients know the site, the same before both.
const SITE: &str = "www.example.com";

/// What came of a step.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcome {
    /// Who answered, or what there was to see, as a scenario expects it.
    pub(crate) text: String,
    /// Of each answer: its status, the fields that matter, and the body of a member's.
    pub(crate) answers: Vec<String>,
    /// Of each request that reached a backend: who, its head with sorted fields, and the lengths of head and body.
    pub(crate) asked: Vec<String>,
    /// The members after it.
    pub(crate) members: Vec<Counters>,
}

/// An answer, or why there is none.
type Heard = Result<Answer, String>;

/// A request that has no answer yet.
#[derive(Debug)]
struct Open {
    gate: Gate,
    client: JoinHandle<Heard>,
    /// How many members it makes busy: the one that holds it, and those that failed it.
    busy: i64,
}

/// Where a scenario is played: a balancer of a stage, and where it is mapped.
#[derive(Debug)]
pub(crate) struct Play<'a> {
    stage: &'a mut Stage,
    balancer: &'a str,
    mount: &'a str,
    /// Requests that backends hold, the oldest first.
    held: VecDeque<Open>,
    begun: Vec<Open>,
    kept: Browser,
    /// How backends behave that are not as they were at first.
    told: HashMap<String, Behaviour>,
    /// Backends that take no connections.
    away: HashSet<String>,
    /// The last answer.
    last: Option<Answer>,
    /// Holds the backends that say nothing.
    silence: Gate,
    /// How many requests of each backend were looked at.
    seen: Vec<usize>,
    /// How long counters may take to settle. httpd lowers busy a moment after the client has its answer.
    settles: Duration,
}

impl<'a> Play<'a> {
    /// On this stage, with the balancer of that name, mapped from that path.
    pub(crate) fn new(stage: &'a mut Stage, balancer: &'a str, mount: &'a str) -> Self {
        let seen = stage.backends().iter().map(Backend::count).collect();
        Self {
            stage,
            balancer,
            mount,
            held: VecDeque::new(),
            begun: Vec::new(),
            kept: browser().header("Host", SITE).keep_alive(),
            told: HashMap::new(),
            away: HashSet::new(),
            last: None,
            silence: Gate::new(),
            seen,
            settles: patience(),
        }
    }

    /// Plays all steps. In the end every backend is good again and no request is open.
    #[track_caller]
    pub(crate) fn play(mut self, scenario: &Scenario) -> Vec<Outcome> {
        if !scenario.departures.is_empty() {
            // There counters may differ from what they should be, for good.
            self.settles = patience() / 20;
        }
        let outcomes = scenario.lines.iter().map(|line| self.step(&line.step)).collect();
        self.tidy_up();
        outcomes
    }

    fn tidy_up(&mut self) {
        self.silence.open();
        self.held.iter().chain(&self.begun).for_each(|open| open.gate.open());
        for open in self.held.drain(..).chain(self.begun.drain(..)) {
            drop(open.client.join());
        }
        for backend in self.stage.backends() {
            backend.behaves(Behaviour::good());
            backend.hang_up();
            if self.away.contains(backend.name()) {
                backend.listens();
            }
        }
    }

    #[track_caller]
    fn step(&mut self, step: &Step) -> Outcome {
        let mut outcome = Outcome::default();
        for heard in &self.act(step, &mut outcome) {
            outcome.text += &who(heard);
            outcome.answers.push(self.describe(heard));
            self.last = heard.as_ref().ok().cloned();
        }
        if !self.begun.is_empty() {
            // How far those are by now is a matter of moments.
            return outcome;
        }
        outcome.members = self.settled();
        if let Step::See(field) = step {
            let fields: Vec<String> = outcome.members.iter().map(|member| member.field(field)).collect();
            outcome.text = fields.join(" ");
        }
        if let Step::Hear(field) = step {
            let value = self.last.as_ref().and_then(|answer| answer.head.header(field));
            outcome.text = self.stage.named(value.unwrap_or("none"));
        }
        outcome.asked = self.asked();
        outcome
    }

    /// Does what the step says; the answers that came.
    #[track_caller]
    fn act(&mut self, step: &Step, outcome: &mut Outcome) -> Vec<Heard> {
        match step {
            Step::Ask(ask) => {
                return (0..ask.times).map(|time| self.ask(ask, time + 1 < ask.times)).collect();
            }
            Step::Hold(ask) => (0..ask.times).for_each(|_| self.hold(ask)),
            Step::Begin(ask) => (0..ask.times).for_each(|_| self.begin(ask)),
            Step::Release(count) => {
                let count = count.unwrap_or(self.held.len()).min(self.held.len());
                let released: Vec<Open> = self.held.drain(..count).collect();
                for open in &released {
                    open.gate.open();
                }
                return released.into_iter().map(|open| open.client.join().unwrap()).collect();
            }
            Step::Join => {
                let mut heard: Vec<Heard> =
                    self.begun.drain(..).map(|open| open.client.join().unwrap()).collect();
                heard.sort_by_key(who);
                return heard;
            }
            Step::Edit { whom, field, value } => {
                let taken = self.stage.edit(self.balancer, whom, (field, value));
                (if taken { "taken" } else { "refused" }).clone_into(&mut outcome.text);
            }
            Step::Kill(whom) => {
                self.stage.backend(whom).refuses();
                self.away.insert(whom.clone());
            }
            Step::Shut(whom) => {
                self.stage.backend(whom).shuts();
                self.away.insert(whom.clone());
            }
            Step::Start(whom) => {
                self.stage.backend(whom).listens();
                self.away.remove(whom);
            }
            Step::HangUp(whom) => self.stage.backend(whom).hang_up(),
            Step::Deafen(whom) => {
                self.stage.backend(whom).hears_nobody();
                self.away.insert(whom.clone());
            }
            Step::Behave(whom, kind) => {
                let behaviour = self.directed(kind).behaviour(&self.silence);
                self.stage.backend(whom).behaves(behaviour.clone());
                self.told.insert(whom.clone(), behaviour);
            }
            Step::Pause(time) => drop(within(Duration::from_millis(*time), || None::<()>)),
            Step::Restart => self.stage.restart(),
            Step::Hear(_) | Step::See(_) => {}
        }
        Vec::new()
    }

    /// The same behaviour with the URLs of this stage's backends in its fields.
    fn directed(&self, kind: &Kind) -> Kind {
        let Kind::Status(status, fields) = kind else { return kind.clone() };
        let url = |value: &str| {
            self.stage.backends().iter().fold(value.to_owned(), |text, backend| {
                text.replace(&format!("{{{}}}", backend.name()), &backend.to_string())
            })
        };
        Kind::Status(*status, fields.iter().map(|(name, value)| (name.clone(), url(value))).collect())
    }

    /// Asks once. Between two requests of one step counters settle too: what is still busy may decide the next.
    fn ask(&mut self, ask: &Ask, more: bool) -> Heard {
        let to = self.stage.address();
        let target = self.target(ask);
        let heard = if ask.kept {
            send(&mut self.kept, to, ask, &target)
        } else {
            send(&mut client(), to, ask, &target)
        };
        if ask.kept && heard.is_err() {
            self.kept = browser().header("Host", SITE).keep_alive();
        }
        if more && self.stage.which() == Which::Httpd {
            self.settled();
        }
        heard
    }

    fn target(&self, ask: &Ask) -> String {
        format!("{}{}", self.mount, ask.target.strip_prefix('/').unwrap_or(&ask.target))
    }

    /// A request in a thread of its own, which the next backend that reads it may hold.
    fn open(&self, ask: &Ask, gate: Gate) -> Open {
        let (to, target, ask) = (self.stage.address(), self.target(ask), ask.clone());
        let client = thread::spawn(move || send(&mut client(), to, &ask, &target));
        Open { gate, client, busy: 0 }
    }

    #[track_caller]
    fn hold(&mut self, ask: &Ask) {
        let gate = Gate::new();
        for backend in self.stage.backends() {
            backend.behaves(Behaviour::HoldsUntil(gate.clone(), Reply::default()));
        }
        let mut open = self.open(ask, gate.clone());
        eventually_true("the request is held or answered", || {
            gate.waiting() == 1 || open.client.is_finished()
        });
        for backend in self.stage.backends() {
            backend.behaves(self.told.get(backend.name()).cloned().unwrap_or_else(Behaviour::good));
        }
        if gate.waiting() == 1 {
            open.busy = busy(&self.stage.counters(self.balancer)) - self.busy_by_held();
        }
        self.held.push_back(open);
    }

    fn begin(&mut self, ask: &Ask) {
        let open = self.open(ask, Gate::new());
        self.begun.push(open);
    }

    fn busy_by_held(&self) -> i64 {
        self.held.iter().map(|open| open.busy).sum()
    }

    /// The members as soon as nobody but the held requests makes them busy, or as they are when patience ends.
    #[track_caller]
    fn settled(&self) -> Vec<Counters> {
        let mut members = Vec::new();
        let held = self.busy_by_held();
        let _ = within(self.settles, || {
            members = self.stage.counters(self.balancer);
            (busy(&members) == held).then_some(())
        });
        members
    }

    /// What the backends were asked since the last look.
    fn asked(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        for (backend, seen) in self.stage.backends().iter().zip(&mut self.seen) {
            for asked in backend.asked_since(*seen) {
                *seen += 1;
                let (head, body) = (&asked.head, asked.body.len());
                let mut fields: Vec<String> = head
                    .headers
                    .iter()
                    .map(|(name, value)| format!("{}: {value}", name.to_lowercase()))
                    .collect();
                fields.sort();
                let text = format!("{}\n{}", head.first, fields.join("\n"));
                let text = self.stage.named(&text).replace(self.mount, "/");
                all.push(format!("{}: {text}\n({} + {body} bytes)", backend.name(), head.bytes.len()));
            }
        }
        all
    }

    /// An answer as far as it matters.
    fn describe(&self, heard: &Heard) -> String {
        let Ok(answer) = heard else { return "none".to_owned() };
        let from_member = answer.head.header("x-answered-by").is_some();
        let mut fields: Vec<String> = answer
            .head
            .headers
            .iter()
            .map(|(name, value)| (name.to_lowercase(), value))
            .filter(|(name, _)| matters(name, from_member))
            .map(|(name, value)| match name.as_str() {
                // How the end of a body is told is a matter of each connection.
                "transfer-encoding" => format!("content-length: {}", answer.body.len()),
                name => format!("{name}: {value}"),
            })
            .collect();
        fields.sort();
        let body = if from_member { answer.text() } else { String::new() };
        let text = format!("{}\n{}\n{body}", answer.status, fields.join("\n"));
        self.stage.named(&text).replace(self.mount, "/")
    }
}

/// Is this field of an answer to be the same? Nearly all of those of a member are; of the answers that a server gives
/// by itself only those that steer a client.
fn matters(name: &str, from_member: bool) -> bool {
    match name {
        "date" | "server" | "connection" | "keep-alive" => false,
        "location" | "set-cookie" | "via" | "retry-after" | "www-authenticate" => true,
        _ => from_member,
    }
}

fn busy(members: &[Counters]) -> i64 {
    members.iter().map(|member| member.busy).sum()
}

fn client() -> Browser {
    browser().header("Host", SITE)
}

fn send(client: &mut Browser, to: SocketAddr, ask: &Ask, target: &str) -> Heard {
    let fields: Vec<(&str, &str)> =
        ask.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let method = ask.method.to_uppercase();
    client.try_send_with(to, (&method, target), &fields, &vec![b'x'; ask.body]).map_err(|why| why.to_string())
}

/// Who answered: a member by its name, with its status if that is not 200; the server itself by its status.
fn who(heard: &Heard) -> String {
    match heard {
        Err(_) => "[cut]".to_owned(),
        Ok(answer) => match (answer.head.header("x-answered-by"), answer.status) {
            (Some(name), 200) => name.to_owned(),
            (Some(name), status) => format!("{name}({status})"),
            (None, status) => format!("[{status}]"),
        },
    }
}
