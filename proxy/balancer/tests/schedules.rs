//! Plays the files in `schedules/`: situations recorded from httpd, and what must come out of them.
//!
//! A file holds scenarios; each starts afresh. One command a line, `#` starts a comment:
//!
//! | command | does |
//! | --- | --- |
//! | `scenario TITLE` | starts with nothing |
//! | `balancer KEY=VALUE…` | settings; once requests were made, an edit |
//! | `member NAME KEY=VALUE…` | adds a member; names are one digit, in order from 1 |
//! | `set NAME KEY=VALUE…` | edits a member |
//! | `restart-load` | what httpd does when its form brings a load factor |
//! | `dead NAME`, `alive NAME` | from now on it refuses connections, or no longer |
//! | `cookie TEXT`, `url TEXT` | what requests carry from now on; empty: nothing |
//! | `traffic TO/FROM…` | bytes of the following answers, in turn |
//! | `dice HUNDREDTH…` | the following dice, in turn |
//! | `beat NAME ready=R busy=B` | a heartbeat of that member |
//! | `wait SECONDS` | lets time pass |
//! | `elect 1213 503 any free` | requests to the end: who answered, or the status; `any` and `free` (no session) member |
//! | `hold 12` | requests that stay in flight |
//! | `release` | the end of those |
//! | `lbstatus N…` and other counters | what the snapshot shows of each member; `_` is any number |
//! | `words NAME TEXT` | its status in httpd's words |
//! | `session NAME ROUTE`, `route-changed yes` | of the last election (`none`; `-` for an empty route) |

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at what it did not expect"
)]

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use evenkeel_balancer::{
    Ask, Balancer, Beat, Failure, FailureKind, Lease, MemberId, Next, Outcome, Sent, Session, Why,
};
use evenkeel_protocol::edit::{StickyEdit, UpTo};
use evenkeel_protocol::{
    BalancerEdit, BalancerSettings, Flag, HeardBy, MemberEdit, MemberName, MemberSettings, MemberSnapshot,
    Moment, Timestamp,
};

/// One scenario on its way.
#[derive(Default)]
struct Stage {
    settings: BalancerSettings,
    members: Vec<(MemberName, MemberSettings)>,
    balancer: Option<Balancer>,
    now: u64,
    dead: HashSet<MemberId>,
    cookie: String,
    url: String,
    traffic: Vec<(u64, u64)>,
    dice: Vec<u64>,
    requests: usize,
    held: Vec<Lease>,
    session: Option<Box<Session>>,
    route_changed: bool,
}

/// What became of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Answered(MemberId, Why),
    Status(u16),
}

fn id(name: &str) -> MemberId {
    MemberId(name.parse::<u32>().expect("a member's name is its number") - 1)
}

fn member_name(number: usize) -> MemberName {
    format!("http://10.0.0.{number}:8080").parse().unwrap()
}

fn is_on(value: &str) -> bool {
    match value {
        "on" => true,
        "off" => false,
        other => panic!("on or off, not {other}"),
    }
}

fn pairs(words: &str) -> impl Iterator<Item = (&str, &str)> {
    words.split_whitespace().map(|pair| pair.split_once('=').expect("key=value"))
}

impl Stage {
    fn balancer(&mut self) -> &mut Balancer {
        let (settings, members) = (&self.settings, &self.members);
        self.balancer.get_or_insert_with(|| {
            Balancer::new("app".parse().unwrap(), settings.clone(), members.clone(), 2)
        })
    }

    fn now(&self) -> Moment {
        Moment(self.now)
    }

    fn settings(&mut self, words: &str) {
        if self.balancer.is_none() {
            for (key, value) in pairs(words) {
                let settings = &mut self.settings;
                match key {
                    "lbmethod" => settings.lbmethod = value.parse().unwrap(),
                    "stickysession" => settings.stickysession = Some(value.parse().unwrap()),
                    "stickysessionsep" => settings.stickysessionsep = value.parse().unwrap(),
                    "scolonpathdelim" => settings.scolonpathdelim = is_on(value),
                    "nofailover" => settings.nofailover = is_on(value),
                    "forcerecovery" => settings.forcerecovery = is_on(value),
                    "maxattempts" => settings.maxattempts = Some(value.parse().unwrap()),
                    other => panic!("no setting {other}"),
                }
            }
            return;
        }
        let mut edit = BalancerEdit::default();
        for (key, value) in pairs(words) {
            match key {
                "lbmethod" => edit.lbmethod = Some(value.parse().unwrap()),
                "stickysession" => edit.stickysession = Some(StickyEdit(Some(value.parse().unwrap()))),
                "nofailover" => edit.nofailover = Some(is_on(value)),
                "maxattempts" => edit.maxattempts = UpTo::new(value.parse().unwrap()),
                other => panic!("no edit {other}"),
            }
        }
        self.balancer().edit(&edit).unwrap();
    }

    fn member(&mut self, words: &str) {
        let (name, words) = words.split_once(' ').unwrap_or((words, ""));
        assert_eq!(id(name).0 as usize, self.members.len(), "members are numbered in order");
        let mut settings = MemberSettings::default();
        for (key, value) in pairs(words) {
            match key {
                "lbfactor" => settings.lbfactor = value.parse().unwrap(),
                "lbset" => settings.lbset = value.parse().unwrap(),
                "route" => settings.route = value.parse().unwrap(),
                "redirect" => settings.redirect = value.parse().unwrap(),
                "status" => settings.status = settings.status.apply(value).unwrap(),
                "retry" => settings.retry = value.parse().unwrap(),
                other => panic!("no parameter {other}"),
            }
        }
        self.members.push((member_name(self.members.len() + 1), settings));
    }

    fn set(&mut self, words: &str) {
        let (name, words) = words.split_once(' ').expect("set NAME key=value");
        let mut edit = MemberEdit::default();
        for (key, value) in pairs(words) {
            match key {
                "lbfactor" => edit.lbfactor = Some(value.parse().unwrap()),
                "lbset" => edit.lbset = Some(value.parse().unwrap()),
                "route" => edit.route = Some(value.parse().unwrap()),
                "redirect" => edit.redirect = Some(value.parse().unwrap()),
                flag => {
                    let known = MemberEdit::FLAGS.into_iter().find(|(_, field)| *field == flag);
                    let (flag, _): (Flag, _) = known.unwrap_or_else(|| panic!("no field {flag}"));
                    edit = edit.with_flag(flag, is_on(value));
                }
            }
        }
        let name = member_name(id(name).0 as usize + 1);
        self.balancer().edit_member(&name, &edit).unwrap();
    }

    fn beat(&mut self, words: &str) {
        let (name, words) = words.split_once(' ').expect("beat NAME ready=R busy=B");
        let address = member_name(id(name).0 as usize + 1).host().parse().unwrap();
        let (by, age) = (HeardBy::Datagram, Duration::ZERO);
        let mut beat = Beat { address, port: None, ready: 0, busy: 0, by, age };
        for (key, value) in pairs(words) {
            match key {
                "ready" => beat.ready = value.parse().unwrap(),
                "busy" => beat.busy = value.parse().unwrap(),
                "port" => beat.port = Some(value.parse().unwrap()),
                other => panic!("a beat has no {other}"),
            }
        }
        let now = self.now();
        self.balancer().beat(&beat, now);
    }

    /// One request from its first election to its end, failing over as it is told.
    fn request(&mut self, hold: bool) -> End {
        let dice = self.dice.get(self.requests % self.dice.len().max(1)).copied().unwrap_or(0);
        let dice = u32::try_from((dice << 32) / 100).unwrap();
        let traffic =
            self.traffic.get(self.requests % self.traffic.len().max(1)).copied().unwrap_or_default();
        let core = self.requests;
        self.requests += 1;
        let (mut excluded, mut leases, mut tries) = (Vec::new(), Vec::new(), 0);
        let (cookie, url) = (self.cookie.clone(), self.url.clone());
        let cookies = if cookie.is_empty() { vec![] } else { vec![cookie.as_str()] };
        loop {
            self.now += 1_000;
            let now = self.now();
            let ask = Ask { url: &url, cookies: &cookies, excluded: &excluded, dice, core };
            let Ok(election) = self.balancer().elect(&ask, now) else { return End::Status(503) };
            let member = election.member;
            (self.session, self.route_changed) = (election.session, election.route_changed);
            tries += 1;
            leases.push(election.lease);
            let lease = leases.last().unwrap();
            if !self.dead.contains(&member) {
                lease.connected();
                lease.sent(traffic.0);
                lease.received(traffic.1);
                if lease.answered(200, 1) {
                    self.balancer().settle(member, &Outcome::Answered { status: 200 }, now);
                }
                if hold {
                    self.held.append(&mut leases);
                }
                return End::Answered(member, election.why);
            }
            lease.failed();
            let failure = Failure {
                kind: FailureKind::Connect,
                sent: Sent::Nothing,
                reused: false,
                idempotent: true,
                repeats: 0,
                tries,
                reason: "refused the connection".to_owned(),
            };
            match self.balancer().settle(member, &Outcome::Failed(failure), now).next {
                Next::TryAnother { exclude } => excluded.extend(exclude.then_some(member)),
                Next::GiveUp { status } => return End::Status(status),
                other => panic!("a refused connection leads to {other:?}"),
            }
        }
    }

    fn elect(&mut self, words: &str, hold: bool) {
        for word in words.split_whitespace() {
            match word {
                "any" => assert!(matches!(self.request(hold), End::Answered(..)), "somebody answers"),
                "free" => match self.request(hold) {
                    End::Answered(_, why) => assert_ne!(why, Why::Sticky, "the choice is free"),
                    End::Status(status) => panic!("{status} instead of a member"),
                },
                "503" => assert_eq!(self.request(hold), End::Status(503)),
                picks => {
                    let mut seen = String::new();
                    for _ in picks.chars() {
                        match self.request(hold) {
                            End::Answered(member, _) => write!(seen, "{}", member.0 + 1).unwrap(),
                            End::Status(status) => write!(seen, "[{status}]").unwrap(),
                        }
                    }
                    assert_eq!(seen, picks, "who answered (left), who should (right)");
                }
            }
        }
    }

    fn snapshot(&mut self) -> Vec<MemberSnapshot> {
        let now = self.now();
        self.balancer().snapshot(now, Timestamp(0)).members
    }

    fn counters(&mut self, name: &str, words: &str) {
        let counter = |member: &MemberSnapshot| match name {
            "lbstatus" => i128::from(member.lbstatus),
            "elected" => i128::from(member.elected),
            "busy" => i128::from(member.busy),
            "transferred" => i128::from(member.transferred),
            "read" => i128::from(member.read),
            "retries" => i128::from(member.retries),
            other => panic!("no command {other}"),
        };
        let seen: Vec<i128> = self.snapshot().iter().map(counter).collect();
        let expected: Vec<i128> = words
            .split_whitespace()
            .zip(&seen)
            .map(|(word, seen)| if word == "_" { *seen } else { word.parse().unwrap() })
            .collect();
        assert_eq!(seen, expected, "{name} is (left), should be (right)");
    }

    fn session(&self, words: &str) {
        let seen = self.session.as_ref().map(|session| {
            let route = &session.route;
            format!("{} {}", session.name, if route.is_empty() { "-" } else { route })
        });
        assert_eq!(seen.as_deref().unwrap_or("none"), words, "the session is (left), should be (right)");
    }

    fn play(&mut self, command: &str, words: &str) {
        match command {
            "balancer" => self.settings(words),
            "member" => self.member(words),
            "set" => self.set(words),
            "restart-load" => self.balancer().restart_load(),
            "dead" => _ = self.dead.insert(id(words)),
            "alive" => _ = self.dead.remove(&id(words)),
            "cookie" => words.clone_into(&mut self.cookie),
            "url" => words.clone_into(&mut self.url),
            "traffic" => {
                let bytes = |pair: &str| {
                    pair.split_once('/').map(|(to, from)| (to.parse().unwrap(), from.parse().unwrap()))
                };
                self.traffic = words.split_whitespace().map(|pair| bytes(pair).expect("TO/FROM")).collect();
                self.requests = 0;
            }
            "dice" => {
                self.dice = words.split_whitespace().map(|word| word.parse().unwrap()).collect();
                self.requests = 0;
            }
            "beat" => self.beat(words),
            "wait" => {
                let (seconds, tenths) = words.split_once('.').unwrap_or((words, "0"));
                self.now +=
                    seconds.parse::<u64>().unwrap() * 1_000_000 + tenths.parse::<u64>().unwrap() * 100_000;
            }
            "elect" => self.elect(words, false),
            "hold" => self.elect(words, true),
            "release" => self.held.clear(),
            "words" => {
                let (name, words) = words.split_once(' ').expect("words NAME TEXT");
                assert_eq!(self.snapshot()[id(name).0 as usize].words, words);
            }
            "session" => self.session(words),
            "route-changed" => assert_eq!(self.route_changed, words == "yes", "route changed"),
            counter => self.counters(counter, words),
        }
    }
}

/// Plays one file. What fails names file, line and scenario before the difference.
fn play(file: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schedules").join(file);
    #[expect(clippy::disallowed_methods, reason = "the schedules are files; the core itself reads none")]
    let text = std::fs::read_to_string(&path).unwrap();
    let (mut stage, mut title, mut played) = (Stage::default(), String::new(), 0);
    for (line, text) in (1..).zip(text.lines()) {
        let text = text.trim_end();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let (command, words) = text.split_once(' ').unwrap_or((text, ""));
        if command == "scenario" {
            (stage, title) = (Stage::default(), words.to_owned());
            played += 1;
            continue;
        }
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| stage.play(command, words)));
        assert!(outcome.is_ok(), "{file}:{line}: scenario '{title}' fails at: {text}");
    }
    assert!(played > 0, "{file} has scenarios");
}

macro_rules! schedules {
    ($($name:ident: $file:literal,)*) => {
        $(#[test] fn $name() { play($file); })*

        #[test]
        fn every_file_is_played() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schedules");
            #[expect(clippy::disallowed_methods, reason = "the schedules are files; the core itself reads none")]
            let entries = std::fs::read_dir(folder).unwrap();
            let found: HashSet<String> =
                entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            assert_eq!(found, HashSet::from([$($file.to_owned()),*]));
        }
    };
}

schedules! {
    byrequests: "byrequests.txt",
    bybusyness: "bybusyness.txt",
    bytraffic: "bytraffic.txt",
    heartbeat: "heartbeat.txt",
    resets: "resets.txt",
    reserves: "reserves.txt",
    sessions: "sessions.txt",
    sessions_departures: "sessions-departures.txt",
    routes: "routes.txt",
    failures: "failures.txt",
    failures_departures: "failures-departures.txt",
}
